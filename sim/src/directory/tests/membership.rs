//! Who may be a member of which group, and where accounts may be.

use super::*;
use crate::directory::request::{AddRequest, Control, ControlValue, Operation, Request};

fn add_object(forest: &mut Forest, dn: &str, attributes: &[(&str, &[&str])]) -> LdapResult {
    let attributes = attributes.iter().map(|(name, values)| {
        (AttributeName::from(*name), values.iter().map(|at| at.as_bytes().to_vec()).collect())
    });
    let add = AddRequest { dn: dn.to_owned(), attributes: attributes.collect() };
    let request = Request { operation: Operation::Add(add), controls: Vec::new() };
    forest.perform(DC, &Principal::system(), now(), &request, &mut minter()).0.result
}

/// A group by its type; gives its name.
fn group(forest: &mut Forest, name: &str, kind: &str) -> String {
    let dn = format!("CN={name},OU=People,DC=contoso,DC=com");
    let of = [("objectClass", &["group"] as &[&str]), ("groupType", &[kind])];
    let added = add_object(forest, &dn, &of);
    assert!(added.is_success(), "{added:?}");
    dn
}

const GLOBAL: &str = "-2147483646";
const LOCAL: &str = "-2147483644";
const UNIVERSAL: &str = "-2147483640";

/// [MS-SAMR] 3.1.1.8.9: the numbers of the rules are those of [MS-ERREF].
#[test]
fn groups_nest_by_their_scopes() {
    let cases = [
        (GLOBAL, GLOBAL, None),
        (GLOBAL, LOCAL, Some("2144")),
        (GLOBAL, UNIVERSAL, Some("2145")),
        (UNIVERSAL, GLOBAL, None),
        (UNIVERSAL, UNIVERSAL, None),
        (UNIVERSAL, LOCAL, Some("2146")),
        (LOCAL, GLOBAL, None),
        (LOCAL, UNIVERSAL, None),
        (LOCAL, LOCAL, None),
    ];
    for (outer, inner, expected) in cases {
        let (mut forest, _) = forest_with(0);
        let member = group(&mut forest, "inner", inner);
        let holder = group(&mut forest, "outer", outer);
        let holder = forest.resolve(DC, &Name::from_text(&holder)).unwrap();
        let result = modify(&mut forest, holder, vec![add("member", &[&member])]);
        let of = [
            ("objectClass", &["group"] as &[&str]),
            ("groupType", &[outer]),
            ("member", &[&member]),
        ];
        let added = add_object(&mut forest, "CN=anew,OU=People,DC=contoso,DC=com", &of);
        assert_eq!(added.is_success(), expected.is_none(), "{added:?}");
        match expected {
            None => assert!(result.is_ok(), "{inner} in {outer}"),
            Some(number) => assert_eq!(refused(result).1, number, "{inner} in {outer}"),
        }
    }
}

/// Who has a group as its primary one is a member already.
#[test]
fn nobody_joins_the_primary_group_twice() {
    let (mut forest, people) = forest_with(1);
    let users = Name::from_text("CN=Domain Users,CN=Users,DC=contoso,DC=com");
    let users = forest.resolve(DC, &users).unwrap();
    let member = forest.dn_of(DC, people[0]);
    let refusal = refused(modify(&mut forest, users, vec![add("member", &[&member])]));
    assert_eq!(refusal, (ResultCode::EntryAlreadyExists, "0562".to_owned()));
    let change = add("member", &[&member]);
    let modify = ModifyRequest { object: Name::Number(users), changes: vec![change] };
    let permissive = Control { critical: true, value: ControlValue::PermissiveModify };
    let request = Request { operation: Operation::Modify(modify), controls: vec![permissive] };
    let done = forest.perform(DC, &Principal::system(), now(), &request, &mut minter()).0.result;
    assert!(done.is_success(), "{done:?}");
    assert!(texts(&forest, users, "member").is_empty());
}

/// sIDHistory loses values by a modification, and gets none.
#[test]
fn no_client_adds_to_the_history_of_sids() {
    let (mut forest, people) = forest_with(1);
    let change = replace("sIDHistory", &["S-1-5-21-9-9-9-1000"]);
    let refusal = refused(modify(&mut forest, people[0], vec![change]));
    assert_eq!(refusal.0, ResultCode::InsufficientAccessRights);
}

#[test]
fn accounts_live_in_domains() {
    let (mut forest, _) = forest_with(0);
    let dn = "CN=stray,CN=Services,CN=Configuration,DC=contoso,DC=com";
    let refusal = add_object(&mut forest, dn, &[("objectClass", &["user"])]);
    assert_eq!(refusal.code, ResultCode::UnwillingToPerform);
}
