//! Deleted objects: tombstones, the recycle bin, bringing back, garbage collection.

use super::*;
use crate::directory::request::{Control, ControlValue, DeleteRequest, Operation, Request};

fn perform(forest: &mut Forest, operation: Operation, controls: &[ControlValue]) -> ResultCode {
    let controls =
        controls.iter().map(|value| Control { critical: true, value: value.clone() }).collect();
    let request = Request { operation, controls };
    let (response, _) = forest.perform(DC, &Principal::system(), now(), &request, &mut minter());
    response.result.code
}

fn remove(forest: &mut Forest, object: ObjectNumber) -> ResultCode {
    let request = DeleteRequest { object: Name::Number(object) };
    perform(forest, Operation::Delete(request), &[ControlValue::ShowDeleted])
}

/// An entry as somebody sees it who sees deleted objects.
fn seen(forest: &Forest, guid: Guid, sight: ControlValue) -> Option<Vec<(String, Vec<Vec<u8>>)>> {
    let controls = [Control { critical: true, value: sight }];
    let request = SearchRequest {
        base: Name::Guid(guid),
        scope: Scope::Base,
        selection: Vec::new(),
        ..search_for(Filter::everything())
    };
    let response = forest.search(DC, &Principal::system(), now(), &request, &controls);
    let entry = response.entries.into_iter().next()?;
    Some(entry.attributes.into_iter().map(|(name, values)| (name.to_string(), values)).collect())
}

fn undelete(forest: &mut Forest, guid: Guid, dn: &str) -> ResultCode {
    let changes = vec![delete("isDeleted", &[]), replace("distinguishedName", &[dn])];
    let request = ModifyRequest { object: Name::Guid(guid), changes };
    perform(forest, Operation::Modify(request), &[ControlValue::ShowDeleted])
}

#[test]
fn a_tombstone_keeps_little_and_its_links_are_gone() {
    let (mut forest, people) = forest_with(2);
    let boss = forest.dn_of(DC, people[0]);
    let changes = vec![replace("manager", &[&boss]), replace("title", &["clerk"])];
    modify(&mut forest, people[1], changes).unwrap();
    assert_eq!(remove(&mut forest, people[0]), ResultCode::Success);
    assert!(forest.object(DC, people[0]).is_none());
    assert!(texts(&forest, people[1], "manager").is_empty());
    assert!(seen(&forest, guid(0), ControlValue::DomainScope).is_none());
    let tombstone = seen(&forest, guid(0), ControlValue::ShowDeleted).unwrap();
    let has = |name: &str| tombstone.iter().any(|(known, _)| known == name);
    for name in ["isDeleted", "lastKnownParent", "sAMAccountName", "objectSid", "msDS-LastKnownRDN"]
    {
        assert!(has(name), "{name}");
    }
    for name in ["userPrincipalName", "objectCategory", "sAMAccountType", "memberOf"] {
        assert!(!has(name), "{name}");
    }
}

#[test]
fn a_name_is_free_again_and_a_tombstone_comes_back_as_what_is_left_of_it() {
    let (mut forest, people) = forest_with(1);
    let dn = forest.dn_of(DC, people[0]);
    remove(&mut forest, people[0]);
    assert!(forest.resolve(DC, &Name::from_text(&dn)).is_err());
    assert_eq!(undelete(&mut forest, guid(0), &dn), ResultCode::Success);
    assert_eq!(forest.resolve(DC, &Name::from_text(&dn)), Ok(people[0]));
    assert_eq!(texts(&forest, people[0], "sAMAccountName"), ["user0"]);
    assert!(texts(&forest, people[0], "userPrincipalName").is_empty());
    assert!(texts(&forest, people[0], "isDeleted").is_empty());
    assert_eq!(undelete(&mut forest, guid(0), &dn), ResultCode::UnwillingToPerform);
}

#[test]
fn with_the_recycle_bin_everything_comes_back_links_too() {
    let (mut forest, people) = forest_with(2);
    forest.recycle_bin = true;
    let boss = forest.dn_of(DC, people[0]);
    modify(&mut forest, people[1], vec![replace("manager", &[&boss])]).unwrap();
    modify(&mut forest, people[0], vec![replace("title", &["boss"])]).unwrap();
    remove(&mut forest, people[0]);
    assert!(texts(&forest, people[1], "manager").is_empty(), "the link is not shown");
    assert_eq!(undelete(&mut forest, guid(0), &boss), ResultCode::Success);
    assert_eq!(texts(&forest, people[0], "title"), ["boss"]);
    assert_eq!(texts(&forest, people[1], "manager"), std::slice::from_ref(&boss));
    remove(&mut forest, people[0]);
    assert_eq!(remove(&mut forest, people[0]), ResultCode::Success, "recycled by hand");
    assert!(seen(&forest, guid(0), ControlValue::ShowDeleted).is_none());
    assert!(seen(&forest, guid(0), ControlValue::ShowRecycled).is_some());
    assert_ne!(undelete(&mut forest, guid(0), &boss), ResultCode::Success);
}

#[test]
fn a_tree_goes_with_the_control_for_it_only() {
    let (mut forest, people) = forest_with(3);
    let unit = Name::from_text("OU=People,DC=contoso,DC=com");
    let request = || Operation::Delete(DeleteRequest { object: unit.clone() });
    assert_eq!(perform(&mut forest, request(), &[]), ResultCode::NotAllowedOnNonLeaf);
    assert_eq!(perform(&mut forest, request(), &[ControlValue::TreeDelete]), ResultCode::Success);
    assert!(people.iter().all(|object| forest.object(DC, *object).is_none()));
    assert!(forest.resolve(DC, &unit).is_err());
}

#[test]
fn garbage_is_collected_when_the_lifetime_is_over() {
    let (mut forest, people) = forest_with(1);
    remove(&mut forest, people[0]);
    let day = |days: i64| VirtualTime::from_micros(now().as_micros() + days * 86_400 * 1_000_000);
    assert_eq!(forest.collect_garbage(DC, day(179)), 0);
    assert_eq!(forest.collect_garbage(DC, day(181)), 1);
    assert!(seen(&forest, guid(0), ControlValue::ShowRecycled).is_none());
}

/// A DirSync reader that asks for an attribute which a deletion does not touch hears of it all the same.
#[test]
fn a_deletion_is_told_whatever_is_asked_for() {
    let (mut forest, people) = forest_with(2);
    let changes = |forest: &Forest, cookie: Vec<u8>| {
        let value = ControlValue::DirSync { flags: 0, size: 0, cookie, extended: false };
        let controls = [Control { critical: true, value }];
        let request = SearchRequest {
            selection: vec![AttributeName::from("mail")],
            ..search_for(equal("objectClass", "user"))
        };
        let response = forest.search(DC, &Principal::system(), now(), &request, &controls);
        assert!(response.result.is_success(), "{:?}", response.result);
        let cookie = response.controls.iter().find_map(|control| match &control.value {
            ControlValue::DirSync { cookie, .. } => Some(cookie.clone()),
            _ => None,
        });
        (response.entries, cookie.unwrap())
    };
    let (_, cookie) = changes(&forest, Vec::new());
    assert_eq!(remove(&mut forest, people[0]), ResultCode::Success);
    let (entries, _) = changes(&forest, cookie);
    assert_eq!(entries.len(), 1);
    assert!(entries[0].dn.starts_with("CN=user0\\0ADEL:"), "{}", entries[0].dn);
    let names: Vec<&str> = entries[0].attributes.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["isDeleted", "objectGUID", "instanceType"]);
}

/// With object security, whoever does not see deleted objects is told which one it was and nothing else
/// ([MS-ADTS] 3.1.1.3.4.1.3).
#[test]
fn a_reader_by_object_security_is_told_which_object_went() {
    use crate::directory::principal::Rights;
    use crate::directory::security::access::Token;
    let (mut forest, people) = forest_with(2);
    let sid = forest.domains()[0].sid.with_rid(1001);
    let rights = Rights::Acl(Token::new(sid.clone(), Vec::new()));
    let user = Principal { name: "CONTOSO\\user1".into(), sid: Some(sid), rights, secure: true };
    let changes = |forest: &Forest, cookie: Vec<u8>| {
        let value = ControlValue::DirSync { flags: 1, size: 0, cookie, extended: false };
        let controls = [Control { critical: true, value }];
        let request = search_for(equal("objectClass", "user"));
        let response = forest.search(DC, &user, now(), &request, &controls);
        assert!(response.result.is_success(), "{:?}", response.result);
        let cookie = response.controls.iter().find_map(|control| match &control.value {
            ControlValue::DirSync { cookie, .. } => Some(cookie.clone()),
            _ => None,
        });
        (response.entries, cookie.unwrap())
    };
    let (_, cookie) = changes(&forest, Vec::new());
    remove(&mut forest, people[0]);
    let (entries, cookie) = changes(&forest, cookie);
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].dn.as_str(), entries[0].guid), ("", Some(guid(0))));
    let names: Vec<&str> = entries[0].attributes.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["objectGUID", "isDeleted"]);
    assert!(changes(&forest, cookie).0.is_empty());
    assert!(changes(&forest, Vec::new()).0.iter().all(|entry| !entry.dn.is_empty()));
}

/// The filtered attribute set takes a right of its own ([MS-ADTS] 3.1.1.3.4.1.3).
#[test]
fn a_reader_of_changes_does_not_get_what_is_filtered() {
    use crate::directory::principal::Rights;
    use crate::directory::security::access::Token;
    use crate::directory::security::descriptor::{Ace, CONTROL_ACCESS};
    let schema = Schema::base().with_exchange().with_search_flags("title", 0x200);
    let (mut forest, people) = forest_of(schema, 1);
    modify(&mut forest, people[0], vec![replace("title", &["x"])]).unwrap();
    let sid = forest.domains()[0].sid.with_rid(1000);
    let head = forest.domains()[0].head;
    let mut descriptor = forest.descriptor(forest.dc(DC).unwrap(), head).unwrap();
    let object = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2".parse().ok();
    let (deny, audit, flags, inherited_object) = (false, false, 0, None);
    let mask = CONTROL_ACCESS;
    let ace = Ace { deny, audit, flags, mask, object, inherited_object, sid: sid.clone() };
    descriptor.dacl.insert(0, ace);
    let attribute = "nTSecurityDescriptor".into();
    let values = vec![descriptor.to_bytes(15)];
    let change = Change { operation: ChangeOperation::Replace, attribute, values };
    modify(&mut forest, head, vec![change]).unwrap();
    let rights = Rights::Acl(Token::new(sid.clone(), Vec::new()));
    let user = Principal { name: "CONTOSO\\user0".into(), sid: Some(sid), rights, secure: true };
    let read = |principal: &Principal, names: &[&str]| {
        let (flags, size, cookie, extended) = (0, 0, Vec::new(), false);
        let value = ControlValue::DirSync { flags, size, cookie, extended };
        let controls = [Control { critical: true, value }];
        let selection = names.iter().map(|name| AttributeName::from(*name)).collect();
        let request = SearchRequest { selection, ..search_for(equal("cn", "user0")) };
        let response = forest.search(DC, principal, now(), &request, &controls);
        let has = |name: &str| {
            let entry = response.entries.first();
            entry.is_some_and(|entry| entry.attributes.iter().any(|(known, _)| **known == *name))
        };
        (response.result.code, has("sAMAccountName"), has("title"))
    };
    let denied = ResultCode::InsufficientAccessRights;
    assert_eq!(read(&user, &[]), (ResultCode::Success, true, false));
    assert_eq!(read(&user, &["title"]), (denied, false, false));
    assert_eq!(read(&Principal::system(), &[]), (ResultCode::Success, true, true));
}
