//! Rights: what access control lists give, what AdminSDHolder and disabled inheritance take away.

use super::*;
use crate::directory::principal::{AttributeSet, Rights};
use crate::directory::request::{Control, ControlValue, Operation, Request};
use crate::directory::security::access::Token;
use crate::directory::security::descriptor::DACL_PROTECTED;

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

/// Writes the security descriptor of an object with the control that says which part is meant.
fn protect(forest: &mut Forest, name: &str) {
    let controller = forest.dc(DC).unwrap();
    let object = forest.resolve(DC, &Name::from_text(name)).unwrap();
    let mut descriptor = forest.descriptor(controller, object).unwrap();
    descriptor.control |= DACL_PROTECTED;
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
