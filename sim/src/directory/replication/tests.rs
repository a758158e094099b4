//! Several domain controllers: lag, conflicts, and that the order of replication does not matter.

mod properties;

use std::sync::{Arc, OnceLock};

use crate::clock::VirtualTime;
use crate::directory::answer::{LdapResult, ResultCode, Written};
use crate::directory::entry::{DcNumber, Life, referenced};
use crate::directory::forest::{DcSpec, DomainNumber, Forest};
use crate::directory::modify::Writer;
use crate::directory::principal::Principal;
use crate::directory::request::{
    AddRequest, Change, ChangeOperation, DeleteRequest, ModifyDnRequest, ModifyRequest, Name,
    ObjectNumber, Sight,
};
use crate::directory::schema::{Schema, known};
use crate::directory::tests::{add, delete, empty_forest, guid, now, replace};
use crate::guid::Guid;
use core::time::Duration;

const ONE: DcNumber = DcNumber(0);
const TWO: DcNumber = DcNumber(1);
const THREE: DcNumber = DcNumber(2);
const PEOPLE: &str = "OU=People,DC=contoso,DC=com";

/// Domain controllers of one domain, and a clock.
struct Estate {
    forest: Forest,
    at: VirtualTime,
    minted: u32,
}

impl Estate {
    fn new(dcs: u32) -> Self {
        Self::with_read_only(dcs, 0)
    }

    fn with_read_only(dcs: u32, read_only: u32) -> Self {
        static EMPTY: OnceLock<Forest> = OnceLock::new();
        let mut forest = EMPTY.get_or_init(|| empty_forest(Schema::base())).clone();
        let head = forest.domains()[0].head;
        forest.load_container(
            DomainNumber(0),
            head,
            "organizationalUnit",
            "People",
            guid(3),
            now(),
        );
        forest.load_container(DomainNumber(0), head, "organizationalUnit", "Staff", guid(4), now());
        for number in 1..dcs + read_only {
            let spec = DcSpec {
                host: format!("DC0{}", number + 1),
                site: "Site".into(),
                // Against the order of the domain controllers, so that ties tell.
                invocation_id: guid(1000 + number),
                read_only: number >= dcs,
            };
            forest.add_dc(DomainNumber(0), spec).unwrap();
        }
        Self { forest, at: now(), minted: 5000 }
    }

    fn tick(&mut self) {
        self.at = self.at + Duration::from_secs(1);
    }

    fn writer<'p>(&self, dc: DcNumber, principal: &'p Principal) -> Writer<'p> {
        Writer::new(dc, principal, self.at)
    }

    fn add(&mut self, dc: DcNumber, class: &str, rdn: &str, parent: &str) -> ObjectNumber {
        self.try_add(dc, class, rdn, parent).unwrap().object
    }

    fn try_add(
        &mut self,
        dc: DcNumber,
        class: &str,
        rdn: &str,
        parent: &str,
    ) -> Result<Written, LdapResult> {
        self.minted += 1;
        let id = guid(self.minted);
        let system = Principal::system();
        let request = AddRequest {
            dn: format!("{rdn},{parent}"),
            attributes: vec![("objectClass".into(), vec![class.as_bytes().to_vec()])],
        };
        let writer = self.writer(dc, &system);
        self.forest.add(&writer, &request, id)
    }

    fn modify(
        &mut self,
        dc: DcNumber,
        object: ObjectNumber,
        changes: Vec<Change>,
    ) -> Result<Written, LdapResult> {
        let system = Principal::system();
        let writer = self.writer(dc, &system);
        self.forest.modify(&writer, &ModifyRequest { object: Name::Number(object), changes })
    }

    fn delete(&mut self, dc: DcNumber, object: ObjectNumber) -> Result<Written, LdapResult> {
        let system = Principal::system();
        let writer = self.writer(dc, &system);
        self.forest.delete(&writer, &DeleteRequest { object: Name::Number(object) })
    }

    fn rename(
        &mut self,
        dc: DcNumber,
        object: ObjectNumber,
        rdn: &str,
        parent: Option<ObjectNumber>,
    ) -> Result<Written, LdapResult> {
        let system = Principal::system();
        let writer = self.writer(dc, &system);
        let request = ModifyDnRequest {
            object: Name::Number(object),
            new_rdn: rdn.to_owned(),
            delete_old_rdn: true,
            new_superior: parent.map(Name::Number),
        };
        self.forest.rename(&writer, &request)
    }

    fn pull(&mut self, to: DcNumber, from: DcNumber) -> super::Pulled {
        self.forest.pull(to, from, self.at)
    }

    fn converge(&mut self) {
        self.forest.converge(self.at);
        assert!(self.forest.is_level(), "replication comes to an end");
    }

    fn texts(&self, dc: DcNumber, object: ObjectNumber, attribute: &str) -> Vec<String> {
        let values = self.forest.values(dc, object, attribute).into_iter();
        let mut texts: Vec<String> = values.map(|v| String::from_utf8(v).unwrap()).collect();
        texts.sort();
        texts
    }

    fn dn(&self, dc: DcNumber, object: ObjectNumber) -> String {
        self.forest.dn_of(dc, object)
    }

    fn number(&self, dn: &str) -> ObjectNumber {
        self.forest.resolve(ONE, &Name::from_text(dn)).unwrap()
    }
}

/// What a domain controller holds, in a form in which two can be compared.
fn content(forest: &Forest, dc: DcNumber) -> Vec<String> {
    let controller = forest.dc(dc).unwrap();
    let lines = controller.store.iter_after(None).map(|(object, slot)| {
        let entry = &slot.entry;
        let values: Vec<_> = entry
            .record
            .attributes()
            .map(|(number, values)| {
                let link = forest.schema.attribute(number).is_some_and(|at| at.is_forward_link());
                let mut values: Vec<_> = values.collect();
                if link {
                    values.sort_by_key(|value| referenced(value));
                }
                (number, values)
            })
            .collect();
        let (parent, life) = (entry.parent, entry.life);
        // That a value went has no effect by itself; whoever did not see its target go keeps the note.
        let links = entry.links.retained(|stamp| stamp.present);
        format!("{object:?} {parent:?} {life:?} {values:?} {:?} {links:?}", entry.changed)
    });
    lines.collect()
}

fn assert_equal(forest: &Forest) {
    let first = content(forest, ONE);
    for dc in forest.dcs().iter().skip(1) {
        let other = content(forest, dc.number);
        for (here, there) in first.iter().zip(&other) {
            assert_eq!(here, there, "{} differs", dc.host);
        }
        assert_eq!(first.len(), other.len(), "{} holds as many objects", dc.host);
    }
}

#[test]
fn a_change_arrives_when_it_is_pulled_and_is_shared_then() {
    let mut estate = Estate::new(2);
    let user = estate.add(ONE, "user", "CN=Anna", PEOPLE);
    assert_eq!(estate.dn(TWO, user), "", "nothing has been pulled yet");
    assert!(estate.forest.is_behind(TWO, ONE));
    assert_eq!(estate.pull(TWO, ONE).objects, 1);
    assert_eq!(estate.dn(TWO, user), "CN=Anna,OU=People,DC=contoso,DC=com");
    let entry = |dc| &estate.forest.object(dc, user).unwrap().entry;
    assert!(Arc::ptr_eq(entry(ONE), entry(TWO)), "one value for both");
    assert!(estate.forest.is_level());
    assert_eq!(estate.pull(ONE, TWO).objects, 0, "nothing comes back");
}

/// Sequence numbers and whenChanged are each domain controller's own; everything else replicates.
#[test]
fn numbers_are_each_domain_controllers_own() {
    let mut estate = Estate::new(2);
    let user = estate.add(ONE, "user", "CN=Anna", PEOPLE);
    estate.tick();
    estate.modify(ONE, user, vec![replace("title", &["Lead"])]).unwrap();
    estate.tick();
    estate.pull(TWO, ONE);
    let stamp = |dc| estate.forest.object(dc, user).unwrap().stamp;
    assert!(stamp(TWO).usn_changed > stamp(ONE).usn_changed + 1000);
    assert_eq!(stamp(TWO).when_changed, estate.at);
    let metadata = |dc| {
        let all = estate.texts(dc, user, "msDS-ReplAttributeMetaData");
        all.into_iter().find(|xml| xml.contains(">title<")).unwrap()
    };
    let element = |xml: &str, name: &str| -> String {
        let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    let (one, two) = (metadata(ONE), metadata(TWO));
    for same in ["dwVersion", "usnOriginatingChange", "ftimeLastOriginatingChange"] {
        assert_eq!(element(&one, same), element(&two, same), "{same}");
    }
    assert_eq!(element(&one, "dwVersion"), "1");
    assert_eq!(element(&one, "usnLocalChange"), stamp(ONE).usn_changed.to_string());
    assert_eq!(element(&two, "usnLocalChange"), stamp(TWO).usn_changed.to_string());
    assert!(element(&two, "pszLastOriginatingDsaDN").starts_with("CN=NTDS Settings,CN=DC01,"));
    let blob = estate.forest.values(TWO, user, "replPropertyMetaData").remove(0);
    assert_eq!((blob.len() - 16) % 48, 0);
    assert_eq!(blob[8..12], u32::try_from((blob.len() - 16) / 48).unwrap().to_le_bytes());
}

#[test]
fn the_higher_version_counts_then_the_later_second_then_the_greater_database() {
    let mut estate = Estate::new(2);
    let user = estate.add(ONE, "user", "CN=Anna", PEOPLE);
    estate.converge();
    // Two writes are more than one, whenever they were made.
    estate.modify(ONE, user, vec![replace("title", &["a"])]).unwrap();
    estate.modify(ONE, user, vec![replace("title", &["twice"])]).unwrap();
    estate.tick();
    estate.modify(TWO, user, vec![replace("title", &["once, later"])]).unwrap();
    estate.converge();
    assert_eq!(estate.texts(ONE, user, "title"), ["twice"]);
    estate.modify(ONE, user, vec![replace("title", &["earlier"])]).unwrap();
    estate.tick();
    estate.modify(TWO, user, vec![replace("title", &["later"])]).unwrap();
    estate.converge();
    assert_eq!(estate.texts(ONE, user, "title"), ["later"]);
    estate.modify(ONE, user, vec![replace("title", &["greater"])]).unwrap();
    estate.modify(TWO, user, vec![replace("title", &["smaller"])]).unwrap();
    estate.converge();
    let databases: Vec<Guid> = estate.forest.dcs().iter().map(|dc| dc.invocation_id).collect();
    assert!(databases[0] > databases[1]);
    assert_eq!(estate.texts(TWO, user, "title"), ["greater"]);
    assert_equal(&estate.forest);
}

#[test]
fn different_attributes_of_one_object_both_survive() {
    let mut estate = Estate::new(2);
    let user = estate.add(ONE, "user", "CN=Anna", PEOPLE);
    estate.converge();
    estate.modify(ONE, user, vec![replace("title", &["Lead"])]).unwrap();
    estate.modify(TWO, user, vec![replace("department", &["IT"])]).unwrap();
    estate.converge();
    for dc in [ONE, TWO] {
        assert_eq!(estate.texts(dc, user, "title"), ["Lead"]);
        assert_eq!(estate.texts(dc, user, "department"), ["IT"]);
    }
    assert_equal(&estate.forest);
}

/// Values of links replicate one by one, so members added on two sides all stay.
#[test]
fn members_added_on_both_sides_stay() {
    let mut estate = Estate::new(2);
    let group = estate.add(ONE, "group", "CN=Group", PEOPLE);
    let people: Vec<(ObjectNumber, String)> = ["A", "B", "C"]
        .map(|name| {
            let user = estate.add(ONE, "user", &format!("CN={name}"), PEOPLE);
            (user, format!("CN={name},{PEOPLE}"))
        })
        .into();
    estate.converge();
    estate.modify(ONE, group, vec![add("member", &[&people[0].1, &people[1].1])]).unwrap();
    estate.modify(TWO, group, vec![add("member", &[&people[2].1])]).unwrap();
    estate.converge();
    assert_eq!(estate.texts(ONE, group, "member").len(), 3);
    assert_eq!(estate.texts(TWO, people[0].0, "memberOf"), [format!("CN=Group,{PEOPLE}")]);
    // A removal and an addition of other values, at once.
    estate.tick();
    estate.modify(ONE, group, vec![delete("member", &[&people[2].1])]).unwrap();
    estate.modify(TWO, group, vec![delete("member", &[&people[0].1])]).unwrap();
    estate.converge();
    assert_eq!(estate.texts(TWO, group, "member"), [people[1].1.clone()]);
    let metadata = estate.texts(TWO, group, "msDS-ReplValueMetaData");
    assert_eq!(metadata.len(), 3, "values that went are told too");
    let gone = metadata.iter().filter(|xml| !xml.contains("<ftimeDeleted>1601-01-01"));
    assert_eq!(gone.count(), 2);
    assert_equal(&estate.forest);
}

/// Of a link with one value the later write counts, and the other one does not come back.
#[test]
fn a_manager_is_one() {
    let mut estate = Estate::new(2);
    let user = estate.add(ONE, "user", "CN=Anna", PEOPLE);
    estate.add(ONE, "user", "CN=B", PEOPLE);
    estate.add(ONE, "user", "CN=C", PEOPLE);
    estate.converge();
    estate.modify(ONE, user, vec![replace("manager", &[&format!("CN=B,{PEOPLE}")])]).unwrap();
    estate.tick();
    estate.modify(TWO, user, vec![replace("manager", &[&format!("CN=C,{PEOPLE}")])]).unwrap();
    estate.converge();
    assert_eq!(estate.texts(ONE, user, "manager"), [format!("CN=C,{PEOPLE}")]);
    estate.tick();
    estate.modify(ONE, user, vec![replace("manager", &[])]).unwrap();
    estate.converge();
    assert_eq!(estate.texts(TWO, user, "manager"), Vec::<String>::new());
    assert_equal(&estate.forest);
}

#[test]
fn of_two_siblings_with_one_name_the_earlier_one_gets_another() {
    let mut estate = Estate::new(2);
    let earlier = estate.add(ONE, "user", "CN=Anna", PEOPLE);
    estate.tick();
    let later = estate.add(TWO, "user", "CN=Anna", PEOPLE);
    estate.converge();
    for dc in [ONE, TWO] {
        assert_eq!(estate.dn(dc, later), format!("CN=Anna,{PEOPLE}"));
        let id = estate.forest.object(dc, earlier).unwrap().entry.guid;
        assert_eq!(estate.dn(dc, earlier), format!("CN=Anna\\0ACNF:{id},{PEOPLE}"));
    }
    assert_equal(&estate.forest);
}

#[test]
fn a_swap_of_names_is_no_conflict() {
    let mut estate = Estate::new(2);
    let (a, b) = (estate.add(ONE, "user", "CN=A", PEOPLE), estate.add(ONE, "user", "CN=B", PEOPLE));
    estate.converge();
    estate.rename(ONE, a, "CN=X", None).unwrap();
    estate.rename(ONE, b, "CN=A", None).unwrap();
    estate.rename(ONE, a, "CN=B", None).unwrap();
    assert_eq!(estate.pull(TWO, ONE).repairs, 0);
    assert_eq!(estate.dn(TWO, a), format!("CN=B,{PEOPLE}"));
    assert_equal(&estate.forest);
}

#[test]
fn a_deletion_stands_whatever_is_modified_elsewhere() {
    let mut estate = Estate::new(2);
    let user = estate.add(ONE, "user", "CN=Anna", PEOPLE);
    estate.converge();
    estate.delete(ONE, user).unwrap();
    estate.tick();
    estate.modify(TWO, user, vec![replace("title", &["a"])]).unwrap();
    estate.modify(TWO, user, vec![replace("title", &["b"])]).unwrap();
    estate.converge();
    assert!(estate.forest.object(ONE, user).is_none());
    assert!(estate.forest.object(TWO, user).is_none());
    let slot = estate.forest.slot(TWO, user).unwrap();
    assert_eq!(slot.entry.life, Life::Deleted);
    assert!(!slot.entry.record.has(estate.forest.schema.attribute_named("title").unwrap().number));
    assert_equal(&estate.forest);
}

#[test]
fn a_child_of_a_deleted_parent_goes_to_lost_and_found() {
    let mut estate = Estate::new(2);
    let unit = estate.add(ONE, "organizationalUnit", "OU=Temporary", PEOPLE);
    let user = estate.add(ONE, "user", "CN=Anna", PEOPLE);
    estate.converge();
    let new = estate.add(TWO, "user", "CN=New", &format!("OU=Temporary,{PEOPLE}"));
    estate.rename(TWO, user, "CN=Anna", Some(unit)).unwrap();
    estate.tick();
    estate.delete(ONE, unit).unwrap();
    estate.converge();
    for dc in [ONE, TWO] {
        assert_eq!(estate.dn(dc, user), "CN=Anna,CN=LostAndFound,DC=contoso,DC=com");
        assert_eq!(estate.dn(dc, new), "CN=New,CN=LostAndFound,DC=contoso,DC=com");
        let last = estate.texts(dc, new, "lastKnownParent");
        assert!(last[0].contains("Temporary"), "{last:?}");
    }
    assert_equal(&estate.forest);
}

#[test]
fn a_circle_of_moves_ends_in_lost_and_found() {
    let mut estate = Estate::new(2);
    let a = estate.add(ONE, "organizationalUnit", "OU=A", PEOPLE);
    let b = estate.add(ONE, "organizationalUnit", "OU=B", PEOPLE);
    estate.converge();
    estate.rename(ONE, a, "OU=A", Some(b)).unwrap();
    estate.rename(TWO, b, "OU=B", Some(a)).unwrap();
    estate.converge();
    for (dc, object) in [(ONE, a), (ONE, b), (TWO, a), (TWO, b)] {
        assert!(estate.dn(dc, object).contains("CN=LostAndFound"));
    }
    assert_equal(&estate.forest);
}

/// What two have told each other reaches the third once, by whichever way it comes.
#[test]
fn a_third_hears_everything_from_one() {
    let mut estate = Estate::new(3);
    let user = estate.add(ONE, "user", "CN=Anna", PEOPLE);
    estate.pull(TWO, ONE);
    estate.modify(TWO, user, vec![replace("title", &["Lead"])]).unwrap();
    assert_eq!(estate.pull(THREE, TWO).objects, 1);
    assert_eq!(estate.texts(THREE, user, "title"), ["Lead"]);
    assert!(!estate.forest.is_behind(THREE, ONE), "it has heard of it from another");
    assert_eq!(estate.pull(THREE, ONE).objects, 0);
    estate.converge();
    assert_equal(&estate.forest);
}

#[test]
fn a_read_only_domain_controller_refers_writes_and_gets_everything() {
    let mut estate = Estate::with_read_only(1, 1);
    let user = estate.add(ONE, "user", "CN=Anna", PEOPLE);
    estate.converge();
    let refusal = estate.modify(TWO, user, vec![replace("title", &["Lead"])]).unwrap_err();
    assert_eq!(refusal.code, ResultCode::Referral);
    assert_eq!(
        refusal.referrals,
        [format!("ldap://DC01.contoso.com/CN=Anna,{PEOPLE}")],
        "to a writable one of its domain"
    );
    assert!(estate.try_add(TWO, "user", "CN=B", PEOPLE).is_err());
    assert!(estate.delete(TWO, user).is_err());
    assert!(estate.rename(TWO, user, "CN=B", None).is_err());
    estate.modify(ONE, user, vec![replace("title", &["Lead"])]).unwrap();
    estate.converge();
    assert_eq!(estate.texts(TWO, user, "title"), ["Lead"]);
    assert_eq!(estate.texts(TWO, user, "instanceType"), ["0"]);
    assert_eq!(estate.texts(ONE, user, "instanceType"), ["4"]);
    assert_equal(&estate.forest);
}

#[test]
fn domain_controllers_give_identifiers_from_pools_of_their_own() {
    let mut estate = Estate::new(2);
    let mut sids = Vec::new();
    for (number, dc) in [ONE, TWO, ONE, TWO, TWO].into_iter().enumerate() {
        let user = estate.add(dc, "user", &format!("CN=U{number}"), PEOPLE);
        sids.push(estate.forest.values(dc, user, "objectSid").remove(0));
    }
    let mut different = sids.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), sids.len());
    estate.converge();
    assert_equal(&estate.forest);
}

/// The root domain's people are on every domain controller at once when they are loaded.
#[test]
fn loading_leaves_nothing_to_pull() {
    let mut estate = Estate::new(3);
    let people = estate.number(PEOPLE);
    let class = estate.forest.schema().class_named("user").unwrap().number;
    let record = crate::record::Record::from_sorted([(known::CN, [b"Loaded".as_slice()])]);
    let user = estate.forest.load(DomainNumber(0), people, class, guid(77), record, now());
    estate.forest.settle();
    estate.forest.mark_level();
    assert!(estate.forest.is_level());
    assert_eq!(estate.dn(THREE, user), format!("CN=Loaded,{PEOPLE}"));
    assert_eq!(estate.pull(THREE, ONE).objects, 0);
}
