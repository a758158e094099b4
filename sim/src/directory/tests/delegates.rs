//! What somebody can do who may write accounts in one unit, and what nobody can: rules of the security
//! accounts manager and of objects that a forest needs.

use super::*;
use crate::directory::principal::Rights;
use crate::directory::request::{AddRequest, Control, ControlValue, Operation, Request};
use crate::directory::security::access::Token;
use crate::directory::security::descriptor::{
    Ace, CREATE_CHILD, DACL_PROTECTED, LIST, READ_PROPERTY, SELF, WRITE_PROPERTY,
};

const UNIT: &str = "OU=People,DC=contoso,DC=com";

/// The account of `user0`, with the groups of everybody.
fn user(forest: &Forest) -> Principal {
    let sid = forest.domains()[0].sid.with_rid(1000);
    let users = forest.domains()[0].sid.with_rid(513);
    let rights = Rights::Acl(Token::new(sid.clone(), vec![users]));
    Principal { name: "CONTOSO\\user0".into(), sid: Some(sid), rights, secure: true }
}

/// Gives `user0` rights on an object, and on what is below it.
fn grant(forest: &mut Forest, name: &str, mask: u32) {
    const CONTAINER_INHERIT: u8 = 2;
    let object = forest.resolve(DC, &Name::from_text(name)).unwrap();
    let controller = forest.dc(DC).unwrap();
    let mut descriptor = forest.descriptor(controller, object).unwrap();
    let sid = forest.domains()[0].sid.with_rid(1000);
    let (deny, audit, flags) = (false, false, CONTAINER_INHERIT);
    let (object_type, inherited_object) = (None, None);
    let ace = Ace { deny, audit, flags, mask, object: object_type, inherited_object, sid };
    descriptor.dacl.insert(0, ace);
    write_descriptor(forest, object, &descriptor.to_bytes(15));
}

fn write_descriptor(forest: &mut Forest, object: ObjectNumber, bytes: &[u8]) {
    let attribute = "nTSecurityDescriptor".into();
    let values = vec![bytes.to_vec()];
    let change = Change { operation: ChangeOperation::Replace, attribute, values };
    modify(forest, object, vec![change]).unwrap();
}

fn perform(forest: &mut Forest, principal: &Principal, operation: Operation) -> LdapResult {
    let request = Request { operation, controls: Vec::new() };
    forest.perform(DC, principal, now(), &request, &mut minter()).0.result
}

fn new(
    forest: &mut Forest,
    principal: &Principal,
    name: &str,
    attributes: &[(&str, &[&str])],
) -> LdapResult {
    let attributes = attributes.iter().map(|(name, values)| {
        (AttributeName::from(*name), values.iter().map(|at| at.as_bytes().to_vec()).collect())
    });
    let add = AddRequest { dn: format!("CN={name},{UNIT}"), attributes: attributes.collect() };
    perform(forest, principal, Operation::Add(add))
}

fn remove(forest: &mut Forest, name: &str) -> LdapResult {
    let delete = crate::directory::request::DeleteRequest { object: Name::from_text(name) };
    perform(forest, &Principal::system(), Operation::Delete(delete))
}

fn win32(result: &LdapResult) -> (ResultCode, &str) {
    (result.code, result.diagnostic.get(4..8).unwrap_or_default())
}

/// Whoever may create accounts in a unit makes no administrator, no domain controller and no delegation.
#[test]
fn a_delegate_makes_nothing_that_reaches_beyond_the_unit() {
    let (mut forest, people) = forest_with(1);
    let delegate = user(&forest);
    grant(&mut forest, UNIT, CREATE_CHILD | WRITE_PROPERTY | READ_PROPERTY | LIST);
    let denied = ResultCode::InsufficientAccessRights;
    let cases: [(&str, &str, &str, ResultCode); 6] = [
        ("user", "primaryGroupID", "512", ResultCode::UnwillingToPerform),
        ("computer", "userAccountControl", "8192", denied),
        ("computer", "userAccountControl", "67112960", denied),
        ("user", "userAccountControl", "524800", denied),
        ("user", "userAccountControl", "16777728", denied),
        ("user", "msDS-AllowedToDelegateTo", "host/dc1", denied),
    ];
    for (number, (class, attribute, value, expected)) in cases.into_iter().enumerate() {
        let of = [("objectClass", &[class] as &[&str]), (attribute, &[value])];
        let result = new(&mut forest, &delegate, &format!("new{number}"), &of);
        assert_eq!(result.code, expected, "{class} with {attribute}: {value}: {result:?}");
    }
    let no_computer = [("objectClass", &["user"] as &[&str]), ("userAccountControl", &["8192"])];
    let refusal = new(&mut forest, &Principal::system(), "server", &no_computer);
    assert_eq!(win32(&refusal), (ResultCode::ObjectClassViolation, "2014"));
    let plain = new(&mut forest, &delegate, "plain", &[("objectClass", &["user"])]);
    assert!(plain.is_success(), "{plain:?}");
    for (attribute, value) in
        [("userAccountControl", "524800"), ("msDS-AllowedToDelegateTo", "h/d")]
    {
        let result =
            modify_as(&mut forest, &delegate, people[0], vec![replace(attribute, &[value])]);
        assert_eq!(refused(result).0, denied, "{attribute}");
    }
    let result = modify(&mut forest, people[0], vec![replace("userAccountControl", &["524800"])]);
    assert!(result.is_ok(), "administrators have the privilege: {result:?}");
}

/// [MS-ADTS] 6.1.3: what somebody creates is theirs, and the administrators' own belongs to their group.
#[test]
fn whoever_creates_an_object_owns_it() {
    let (mut forest, _) = forest_with(1);
    let delegate = user(&forest);
    grant(&mut forest, UNIT, CREATE_CHILD);
    for (name, principal, rid) in [("theirs", delegate, 1000), ("ours", Principal::system(), 512)] {
        assert!(new(&mut forest, &principal, name, &[("objectClass", &["contact"])]).is_success());
        let object = forest.resolve(DC, &Name::from_text(&format!("CN={name},{UNIT}"))).unwrap();
        let descriptor = forest.descriptor(forest.dc(DC).unwrap(), object).unwrap();
        assert_eq!(descriptor.owner, forest.domains()[0].sid.with_rid(rid), "{name}");
    }
}

/// [MS-ADTS] 3.1.1.4.3: an object whose parent lets it be listed is there, whatever may be read of it.
#[test]
fn what_may_be_listed_is_found_even_when_nothing_of_it_may_be_read() {
    let (mut forest, people) = forest_with(2);
    let controller = forest.dc(DC).unwrap();
    let mut descriptor = forest.descriptor(controller, people[1]).unwrap();
    descriptor.dacl.clear();
    descriptor.control |= DACL_PROTECTED;
    write_descriptor(&mut forest, people[1], &descriptor.to_bytes(15));
    let all = Filter::Present("objectClass".into());
    let base = Name::from_text(&format!("CN=user1,{UNIT}"));
    let request = SearchRequest { base, scope: Scope::Base, ..search_for(all) };
    let response = forest.search(DC, &user(&forest), now(), &request, &[]);
    assert_eq!(response.entries.len(), 1);
    assert!(response.entries[0].attributes.is_empty());
    let named = SearchRequest { filter: equal("cn", "user1"), ..request };
    assert!(forest.search(DC, &user(&forest), now(), &named, &[]).entries.is_empty());
}

/// The validated write Self-Membership is about oneself alone ([MS-ADTS] 5.1.3.2.2).
#[test]
fn who_may_join_a_group_adds_nobody_else() {
    let (mut forest, people) = forest_with(2);
    let system = Principal::system();
    assert!(new(&mut forest, &system, "club", &[("objectClass", &["group"])]).is_success());
    let name = format!("CN=club,{UNIT}");
    grant(&mut forest, &name, SELF);
    let club = forest.resolve(DC, &Name::from_text(&name)).unwrap();
    let member = user(&forest);
    let [own, other] = [people[0], people[1]].map(|object| forest.dn_of(DC, object));
    let result = modify_as(&mut forest, &member, club, vec![add("member", &[&other])]);
    assert_eq!(refused(result).0, ResultCode::InsufficientAccessRights);
    for change in [add("member", &[&own]), delete("member", &[&own])] {
        let result = modify_as(&mut forest, &member, club, vec![change]);
        assert!(result.is_ok(), "{result:?}");
    }
}

/// What the security accounts manager keeps cannot be taken away; other values of it can be written.
#[test]
fn an_account_keeps_what_every_account_has() {
    let (mut forest, people) = forest_with(1);
    modify(&mut forest, people[0], vec![replace("userAccountControl", &["514"])]).unwrap();
    for attribute in
        ["userAccountControl", "primaryGroupID", "pwdLastSet", "accountExpires", "codePage"]
    {
        for change in [replace(attribute, &[]), delete(attribute, &[])] {
            let result = modify(&mut forest, people[0], vec![change]);
            assert_eq!(refused(result).0, ResultCode::UnwillingToPerform, "{attribute}");
        }
    }
    modify(&mut forest, people[0], vec![replace("codePage", &["7"])]).unwrap();
    modify(&mut forest, people[0], vec![replace("codePage", &["0"])]).unwrap();
}

#[test]
fn a_group_that_is_somebodys_primary_one_stays() {
    let (mut forest, people) = forest_with(1);
    let system = Principal::system();
    assert!(new(&mut forest, &system, "main", &[("objectClass", &["group"])]).is_success());
    let name = format!("CN=main,{UNIT}");
    let group = forest.resolve(DC, &Name::from_text(&name)).unwrap();
    let rid = texts(&forest, group, "primaryGroupToken").remove(0);
    let member = forest.dn_of(DC, people[0]);
    modify(&mut forest, group, vec![add("member", &[&member])]).unwrap();
    modify(&mut forest, people[0], vec![replace("primaryGroupID", &[&rid])]).unwrap();
    let refusal = remove(&mut forest, &name);
    assert_eq!(win32(&refusal), (ResultCode::EntryAlreadyExists, "055E"));
    let users = Name::from_text("CN=Domain Users,CN=Users,DC=contoso,DC=com");
    let users = forest.resolve(DC, &users).unwrap();
    // The one before lists its members, the primary one does not ([MS-SAMR] 3.1.1.8.2).
    assert_eq!(texts(&forest, users, "member"), std::slice::from_ref(&member));
    assert!(texts(&forest, group, "member").is_empty());
    modify(&mut forest, people[0], vec![replace("primaryGroupID", &["513"])]).unwrap();
    assert!(texts(&forest, users, "member").is_empty());
    assert_eq!(texts(&forest, group, "member"), [member]);
    assert!(remove(&mut forest, &name).is_success());
}

/// The same member twice is refused at an add as it is later.
#[test]
fn nobody_is_a_member_twice_from_the_start() {
    let (mut forest, people) = forest_with(1);
    let member = forest.dn_of(DC, people[0]);
    let of = [("objectClass", &["group"] as &[&str]), ("member", &[&member, &member])];
    let refusal = new(&mut forest, &Principal::system(), "twice", &of);
    assert_eq!(win32(&refusal), (ResultCode::EntryAlreadyExists, "0562"));
}

/// Cross-references in use and the settings of a domain controller stay.
#[test]
fn what_a_forest_needs_cannot_be_deleted() {
    let (mut forest, _) = forest_with(0);
    let partitions = "CN=Partitions,CN=Configuration,DC=contoso,DC=com";
    let settings =
        "CN=NTDS Settings,CN=DC01,CN=Servers,CN=Site,CN=Sites,CN=Configuration,DC=contoso,DC=com";
    let cases = [
        (format!("CN=CONTOSO,{partitions}"), ResultCode::NotAllowedOnNonLeaf),
        (format!("CN=Enterprise Configuration,{partitions}"), ResultCode::NotAllowedOnNonLeaf),
        (format!("CN=Enterprise Schema,{partitions}"), ResultCode::UnwillingToPerform),
        (settings.to_owned(), ResultCode::UnwillingToPerform),
    ];
    for (name, expected) in cases {
        assert_eq!(remove(&mut forest, &name).code, expected, "{name}");
    }
}

/// A group comes back from its tombstone with the type by which it is found.
#[test]
fn a_group_that_is_undeleted_has_its_account_type_again() {
    let (mut forest, _) = forest_with(0);
    let system = Principal::system();
    assert!(new(&mut forest, &system, "back", &[("objectClass", &["group"])]).is_success());
    let name = format!("CN=back,{UNIT}");
    let group = forest.resolve(DC, &Name::from_text(&name)).unwrap();
    assert!(remove(&mut forest, &name).is_success());
    let changes = vec![delete("isDeleted", &[]), replace("distinguishedName", &[&name])];
    let undelete = ModifyRequest { object: Name::Number(group), changes };
    let controls = vec![Control { critical: true, value: ControlValue::ShowDeleted }];
    let request = Request { operation: Operation::Modify(undelete), controls };
    let result = forest.perform(DC, &system, now(), &request, &mut minter()).0.result;
    assert!(result.is_success(), "{result:?}");
    assert_eq!(found(&forest, equal("sAMAccountType", "268435456")), [group]);
}
