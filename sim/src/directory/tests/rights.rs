//! Rights: what access control lists give, what AdminSDHolder and disabled inheritance take away.

use super::*;
use crate::directory::principal::{AttributeSet, Rights};
use crate::directory::request::{Control, ControlValue, Operation, Request};
use crate::directory::security::access::Token;
use crate::directory::security::descriptor::{
    Ace, CONTAINER_INHERIT, CONTROL_ACCESS, DACL_PROTECTED, INHERITED, LIST, READ_PROPERTY,
    SecurityDescriptor, WRITE_PROPERTY,
};

fn as_user(forest: &Forest, rid: u32) -> Principal {
    let sid = forest.domains()[0].sid.with_rid(rid);
    let users = forest.domains()[0].sid.with_rid(513);
    let rights = Rights::Acl(Token::new(sid.clone(), vec![users]));
    Principal { name: "CONTOSO\\user".into(), sid: Some(sid), rights, secure: true }
}

fn agent() -> Principal {
    Principal { rights: Rights::WriteAttributes(AttributeSet::All), ..Principal::system() }
}

fn denied(result: Result<Written, LdapResult>) {
    assert_eq!(refused(result), (ResultCode::InsufficientAccessRights, "2098".to_owned()));
}

fn protect(forest: &mut Forest, name: &str) {
    write_descriptor(forest, name, |descriptor| descriptor.control |= DACL_PROTECTED);
}

fn write_dacl(forest: &mut Forest, name: &str, edit: impl FnOnce(&mut Vec<Ace>)) {
    write_descriptor(forest, name, |descriptor| {
        descriptor.dacl.retain(|entry| entry.flags & INHERITED == 0);
        edit(&mut descriptor.dacl);
    });
}

/// Writes the security descriptor of an object with the control that says which part is meant.
fn write_descriptor(forest: &mut Forest, name: &str, edit: impl FnOnce(&mut SecurityDescriptor)) {
    let controller = forest.dc(DC).unwrap();
    let object = forest.resolve(DC, &Name::from_text(name)).unwrap();
    let mut descriptor = forest.descriptor(controller, object).unwrap();
    edit(&mut descriptor);
    let values = vec![descriptor.to_bytes(4)];
    let change = Change {
        operation: ChangeOperation::Replace,
        attribute: "nTSecurityDescriptor".into(),
        values,
    };
    let object = Name::from_text(name);
    let modify = ModifyRequest { object, changes: vec![change] };
    let value = ControlValue::SecurityDescriptorFlags(4);
    let controls = vec![Control { critical: true, value }];
    let request = Request { operation: Operation::Modify(modify), controls };
    let (response, _) = forest.perform(DC, &Principal::system(), now(), &request, &mut minter());
    assert!(response.result.is_success(), "{:?}", response.result);
}

#[test]
fn people_write_what_is_personal_of_themselves_and_nothing_else() {
    let (mut forest, people) = forest_with(2);
    let user = as_user(&forest, 1000);
    let phone = || vec![replace("telephoneNumber", &["1"])];
    assert!(modify_as(&mut forest, &user, people[0], phone()).is_ok());
    denied(modify_as(&mut forest, &user, people[1], phone()));
    denied(modify_as(&mut forest, &user, people[0], vec![replace("extensionAttribute1", &["x"])]));
    denied(modify_as(&mut forest, &user, people[0], vec![replace("title", &["boss"])]));
}

#[test]
fn a_unit_that_inherits_nothing_keeps_the_agents_out() {
    let (mut forest, people) = forest_with(1);
    let title = || vec![replace("title", &["x"])];
    assert!(modify_as(&mut forest, &agent(), people[0], title()).is_ok());
    protect(&mut forest, "OU=People,DC=contoso,DC=com");
    denied(modify_as(&mut forest, &agent(), people[0], vec![replace("title", &["y"])]));
    assert_eq!(texts(&forest, people[0], "title"), ["x"]);
}

#[test]
fn members_of_protected_groups_inherit_nothing_after_the_hourly_run() {
    let (mut forest, people) = forest_with(2);
    let group = Name::from_text("CN=Domain Admins,CN=Users,DC=contoso,DC=com");
    let group = forest.resolve(DC, &group).unwrap();
    let member = forest.dn_of(DC, people[0]);
    modify(&mut forest, group, vec![add("member", &[&member])]).unwrap();
    let title = || vec![replace("title", &["x"])];
    assert!(modify_as(&mut forest, &agent(), people[0], title()).is_ok(), "not protected yet");
    assert!(forest.protect_administrators(DC, now()).contains(&people[0]));
    assert_eq!(texts(&forest, people[0], "adminCount"), ["1"]);
    denied(modify_as(&mut forest, &agent(), people[0], vec![replace("title", &["y"])]));
    assert!(modify_as(&mut forest, &agent(), people[1], title()).is_ok());
    assert!(forest.protect_administrators(DC, now()).is_empty(), "nothing is left to do");
    modify(&mut forest, group, vec![delete("member", &[&member])]).unwrap();
    forest.protect_administrators(DC, now());
    denied(modify_as(&mut forest, &agent(), people[0], vec![replace("title", &["y"])]));
}

#[test]
fn a_descriptor_is_shown_in_the_parts_that_are_asked_for() {
    let (forest, _) = forest_with(1);
    let read = |flags: u32, principal: &Principal| {
        let value = ControlValue::SecurityDescriptorFlags(flags);
        let controls = [Control { critical: true, value }];
        let selection = vec![AttributeName::from("nTSecurityDescriptor")];
        let request = SearchRequest { selection, ..search_for(equal("sAMAccountName", "user0")) };
        let response = forest.search(DC, principal, now(), &request, &controls);
        let attributes = &response.entries[0].attributes;
        attributes.first().map(|(_, values)| values[0].clone())
    };
    let system = Principal::system();
    let parts = |bytes: &[u8]| [4, 8, 12, 16].map(|at| bytes[at..at + 4] != [0; 4]);
    assert_eq!(parts(&read(4, &system).unwrap()), [false, false, false, true]);
    assert_eq!(parts(&read(1, &system).unwrap()), [true, false, false, false]);
    assert_eq!(parts(&read(0, &system).unwrap()), [true; 4]);
    assert!(read(15, &as_user(&forest, 1000)).is_none(), "the SACL takes a privilege");
    assert!(read(7, &as_user(&forest, 1000)).is_some());
}

/// Puts an entry in front of an object's own access control list.
fn prepend(forest: &mut Forest, name: &str, ace: Ace) {
    let object = forest.resolve(DC, &Name::from_text(name)).unwrap();
    let controller = forest.dc(DC).unwrap();
    let mut descriptor = forest.descriptor(controller, object).unwrap();
    descriptor.dacl.retain(|ace| ace.flags & INHERITED == 0);
    descriptor.dacl.insert(0, ace);
    let values = vec![descriptor.to_bytes(15)];
    let attribute = "nTSecurityDescriptor".into();
    let change = Change { operation: ChangeOperation::Replace, attribute, values };
    modify(forest, object, vec![change]).unwrap();
}

fn deny(mask: u32, flags: u8, object: Option<&str>, sid: &Sid) -> Ace {
    Ace {
        deny: true,
        audit: false,
        flags,
        mask,
        object: object.and_then(|guid| guid.parse().ok()),
        inherited_object: None,
        sid: sid.clone(),
    }
}

fn reads(forest: &Forest, principal: &Principal, filter: Filter, attribute: &str) -> Vec<String> {
    let request = SearchRequest { selection: vec![attribute.into()], ..search_for(filter) };
    let response = forest.search(DC, principal, now(), &request, &[]);
    assert!(response.result.is_success(), "{:?}", response.result);
    let shown = |attributes: &[(std::sync::Arc<str>, Vec<Vec<u8>>)]| {
        attributes.first().map_or_else(
            || "(hidden)".to_owned(),
            |(_, values)| String::from_utf8_lossy(&values[0]).into_owned(),
        )
    };
    response.entries.iter().map(|entry| shown(&entry.attributes)).collect()
}

/// Everybody who is authenticated reads people, by what a new domain gives.
#[test]
fn people_read_each_other() {
    let (mut forest, people) = forest_with(2);
    modify(&mut forest, people[1], vec![replace("title", &["clerk"])]).unwrap();
    let user = as_user(&forest, 1000);
    assert_eq!(reads(&forest, &user, equal("sAMAccountName", "user1"), "title"), ["clerk"]);
    assert_eq!(reads(&forest, &user, equal("title", "clerk"), "title"), ["clerk"]);
}

/// Who may not list what is below a unit does not see it, whichever way the search goes.
#[test]
fn what_cannot_be_listed_is_not_found() {
    let (mut forest, _) = forest_with(2);
    let user = as_user(&forest, 1000);
    let sid = user.sid.clone().unwrap();
    prepend(&mut forest, "OU=People,DC=contoso,DC=com", deny(LIST, 0, None, &sid));
    assert!(reads(&forest, &user, equal("sAMAccountName", "user1"), "cn").is_empty());
    assert!(
        reads(&forest, &user, Filter::Present("sAMAccountName".into()), "cn")
            .iter()
            .all(|name| !name.starts_with("user"))
    );
    let other = as_user(&forest, 1001);
    assert_eq!(reads(&forest, &other, equal("sAMAccountName", "user1"), "cn"), ["user1"]);
    // As a base it is not there: the unit above is the best match.
    let base = Name::from_text("CN=user1,OU=People,DC=contoso,DC=com");
    let request = SearchRequest { base, scope: Scope::Base, ..search_for(equal("cn", "user1")) };
    let refusal = forest.search(DC, &user, now(), &request, &[]).result;
    assert_eq!(refusal.code, ResultCode::NoSuchObject);
    assert_eq!(refusal.matched_dn, "OU=People,DC=contoso,DC=com");
    assert!(forest.search(DC, &other, now(), &request, &[]).result.is_success());
}

/// An attribute that may not be read is not shown, and a filter about it is undefined: neither it nor its
/// opposite finds anything.
#[test]
fn what_cannot_be_read_cannot_be_guessed() {
    const TITLE: &str = "bf967a55-0de6-11d0-a285-00aa003049e2";
    let (mut forest, people) = forest_with(1);
    modify(&mut forest, people[0], vec![replace("title", &["clerk"]), replace("mail", &["a@b"])])
        .unwrap();
    let user = as_user(&forest, 1001);
    let sid = user.sid.clone().unwrap();
    let who = || equal("sAMAccountName", "user0");
    let own = deny(READ_PROPERTY, 0, Some(TITLE), &sid);
    prepend(&mut forest, "CN=user0,OU=People,DC=contoso,DC=com", own);
    assert_eq!(reads(&forest, &user, who(), "title"), ["(hidden)"]);
    assert_eq!(reads(&forest, &user, who(), "mail"), ["a@b"]);
    assert!(reads(&forest, &user, equal("title", "clerk"), "cn").is_empty());
    let not = Filter::And(vec![who(), Filter::Not(Box::new(equal("title", "boss")))]);
    assert!(reads(&forest, &user, not, "cn").is_empty());
    assert_eq!(reads(&forest, &as_user(&forest, 1002), equal("title", "clerk"), "cn"), ["user0"]);
}

/// A confidential attribute takes an extended right beside the right to read (searchFlags 0x80).
#[test]
fn confidential_attributes_are_for_who_has_the_right() {
    let schema = Schema::base().with_exchange().with_search_flags("extensionAttribute1", 0x80);
    let (mut forest, people) = forest_of(schema, 1);
    modify(&mut forest, people[0], vec![replace("extensionAttribute1", &["secret"])]).unwrap();
    let user = as_user(&forest, 1001);
    let who = || equal("sAMAccountName", "user0");
    assert_eq!(reads(&forest, &user, who(), "extensionAttribute1"), ["(hidden)"]);
    let administrator = Principal::system();
    assert_eq!(reads(&forest, &administrator, who(), "extensionAttribute1"), ["secret"]);
    let guid = forest.schema().attribute_named("extensionAttribute1").unwrap().guid;
    let ace = Ace {
        deny: false,
        object: guid,
        ..deny(CONTROL_ACCESS, 0, None, &user.sid.clone().unwrap())
    };
    prepend(&mut forest, "CN=user0,OU=People,DC=contoso,DC=com", ace);
    assert_eq!(reads(&forest, &user, who(), "extensionAttribute1"), ["secret"]);
}

/// Entries of its own count for the agents' account before what the setup gave it: nearer ones first, and
/// below a unit that inherits nothing they are all there is.
#[test]
fn an_entry_of_its_own_counts_before_what_the_setup_gave() {
    let (mut forest, people) = forest_with(2);
    let sid = forest.domains()[0].sid.with_rid(1_103);
    let agent = || Principal { sid: Some(sid.clone()), ..agent() };
    let entry = |deny, object| Ace {
        deny,
        audit: false,
        flags: CONTAINER_INHERIT,
        mask: WRITE_PROPERTY,
        object,
        inherited_object: None,
        sid: sid.clone(),
    };
    let title = forest.schema().attribute_named("title").unwrap().guid;
    write_dacl(&mut forest, "OU=People,DC=contoso,DC=com", |dacl| {
        dacl.insert(0, entry(true, None));
    });
    let write = |forest: &mut Forest, who: ObjectNumber, name: &str, value: &str| {
        modify_as(forest, &agent(), who, vec![replace(name, &[value])])
    };
    denied(write(&mut forest, people[0], "title", "x"));
    let dn = forest.dn_of(DC, people[1]);
    write_dacl(&mut forest, &dn, |dacl| dacl.push(entry(false, title)));
    assert!(write(&mut forest, people[1], "title", "x").is_ok(), "nearer to the object");
    denied(write(&mut forest, people[1], "department", "x"));
    protect(&mut forest, "OU=People,DC=contoso,DC=com");
    assert!(write(&mut forest, people[1], "title", "y").is_ok(), "its own entry is left");
}
