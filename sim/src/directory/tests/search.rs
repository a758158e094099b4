//! Search: order, logic, indexes, pages, rendering.

use super::*;
use crate::directory::answer::SearchHits;
use crate::directory::policies::Policy;
use crate::directory::request::{Control, ControlValue, Extensible, Substrings};
use crate::directory::search::Page;

fn guid_of(number: u32) -> Filter {
    Filter::Equality("objectGUID".into(), guid(number).0.to_vec())
}

#[test]
fn an_or_of_keys_answers_by_guid_and_everything_else_by_creation() {
    let (forest, people) = forest_with(10);
    let keys = Filter::Or(vec![guid_of(3), guid_of(7), guid_of(5), guid_of(99)]);
    assert_eq!(found(&forest, keys.clone()), [people[7], people[5], people[3]]);
    let with_more = Filter::And(vec![equal("objectCategory", "person"), keys]);
    assert_eq!(found(&forest, with_more), [people[7], people[5], people[3]]);
    let class = Filter::And(vec![equal("objectClass", "user"), equal("objectCategory", "person")]);
    assert_eq!(found(&forest, class), people);
}

#[test]
fn logic_has_three_values() {
    let (mut forest, people) = forest_with(3);
    modify(&mut forest, people[1], vec![replace("title", &["Boss"])]).unwrap();
    let user = || equal("objectClass", "user");
    let and = |filter| Filter::And(vec![user(), filter]);
    let not = |filter| Filter::Not(Box::new(filter));
    assert_eq!(found(&forest, and(not(equal("title", "BOSS")))), [people[0], people[2]]);
    // An unknown attribute is neither true nor false, and neither is its negation.
    assert!(found(&forest, and(equal("noSuch", "x"))).is_empty());
    assert!(found(&forest, and(not(equal("noSuch", "x")))).is_empty());
    let or = Filter::Or(vec![equal("noSuch", "x"), user()]);
    assert_eq!(found(&forest, or), people);
    let refusal = forest.search_hits(
        DC,
        &Principal::system(),
        &search_for(equal("canonicalName", "x")),
        None,
    );
    assert_eq!(refusal.unwrap_err().code, ResultCode::InappropriateMatching);
}

#[test]
fn every_kind_of_comparison() {
    let (mut forest, people) = forest_with(4);
    modify(
        &mut forest,
        people[2],
        vec![
            replace("displayName", &["Ämilia Müller"]),
            replace("userAccountControl", &["514"]),
            replace("msExchRecipientTypeDetails", &["2147483648"]),
            replace("manager", &["CN=user3,OU=People,DC=contoso,DC=com"]),
        ],
    )
    .unwrap();
    modify(
        &mut forest,
        people[3],
        vec![replace("manager", &["CN=user1,OU=People,DC=contoso,DC=com"])],
    )
    .unwrap();
    let parts = |initial: &str, any: &[&str], last: &str| {
        let bytes = |text: &str| (!text.is_empty()).then(|| text.as_bytes().to_vec());
        let any = any.iter().map(|part| part.as_bytes().to_vec()).collect();
        Filter::Substrings(
            "displayName".into(),
            Substrings { initial: bytes(initial), any, last: bytes(last) },
        )
    };
    let extensible = |rule: &str, attribute: &str, value: &str| {
        Filter::Extensible(Extensible {
            rule: Some(rule.into()),
            attribute: Some(attribute.into()),
            value: value.as_bytes().to_vec(),
            dn_attributes: false,
        })
    };
    let one = [people[2]];
    assert_eq!(found(&forest, parts("äm", &["a m"], "LER")), one);
    assert!(found(&forest, parts("", &["müller", "müller"], "")).is_empty());
    assert_eq!(
        found(&forest, extensible("1.2.840.113556.1.4.803", "userAccountControl", "2")),
        one
    );
    assert_eq!(
        found(&forest, extensible("1.2.840.113556.1.4.804", "userAccountControl", "6")),
        one
    );
    let number = b"2147483647".to_vec();
    assert_eq!(
        found(&forest, Filter::GreaterOrEqual("msExchRecipientTypeDetails".into(), number)),
        one
    );
    assert_eq!(found(&forest, equal("manager", "cn=USER3,ou=people,dc=contoso,dc=com")), one);
    let chain =
        extensible("1.2.840.113556.1.4.1941", "manager", "CN=user1,OU=People,DC=contoso,DC=com");
    assert_eq!(found(&forest, chain), [people[2], people[3]]);
    assert_eq!(found(&forest, equal("anr", "ämilia")), one);
    let dashed = guid(2).to_string();
    assert_eq!(found(&forest, equal("objectGUID", &dashed)), one);
    let sid = texts_of_sid(&forest, people[2]);
    assert_eq!(found(&forest, equal("objectSid", &sid)), one);
    assert_eq!(found(&forest, Filter::Present("manager".into())), [people[2], people[3]]);
}

fn texts_of_sid(forest: &Forest, object: ObjectNumber) -> String {
    let bytes = forest.values(DC, object, "objectSid").remove(0);
    Sid::from_bytes(&bytes).unwrap().to_string()
}

#[test]
fn changes_are_found_by_number() {
    let (mut forest, people) = forest_with(50);
    let before = forest.dcs()[0].highest_usn;
    for at in [40, 3, 17] {
        modify(&mut forest, people[at], vec![replace("title", &["x"])]).unwrap();
    }
    let since = (before + 1).to_string().into_bytes();
    let filter = Filter::GreaterOrEqual("uSNChanged".into(), since);
    assert_eq!(found(&forest, filter), [people[3], people[17], people[40]]);
    let order: Vec<ObjectNumber> =
        forest.changes_since(DC, before).map(|(_, object, _)| object).collect();
    assert_eq!(order, [people[40], people[3], people[17]]);
}

#[test]
fn pages_follow_each_other_and_a_cookie_fits_its_search_only() {
    let (forest, people) = forest_with(25);
    let principal = Principal::system();
    let system = equal("isCriticalSystemObject", "TRUE");
    let users = Filter::And(vec![equal("objectClass", "user"), Filter::Not(Box::new(system))]);
    for filter in [users, Filter::Or((0..25).map(guid_of).collect())] {
        let request = search_for(filter.clone());
        let page = |cookie: &[u8]| -> SearchHits {
            forest.search_hits(DC, &principal, &request, Some(Page { size: 10, cookie })).unwrap()
        };
        let mut all = Vec::new();
        let mut cookie = Vec::new();
        loop {
            let hits = page(&cookie);
            all.extend(hits.hits.iter().map(|hit| hit.object));
            match hits.cookie {
                Some(next) => cookie = next,
                None => break,
            }
        }
        assert_eq!(all, found(&forest, filter));
        assert_eq!(all.len(), people.len());
    }
    let request = search_for(equal("objectClass", "user"));
    let first =
        forest.search_hits(DC, &principal, &request, Some(Page { size: 10, cookie: &[] })).unwrap();
    let cookie = first.cookie.unwrap();
    let other = search_for(equal("objectClass", "top"));
    let refused =
        forest.search_hits(DC, &principal, &other, Some(Page { size: 10, cookie: &cookie }));
    assert_eq!(refused.unwrap_err().code, ResultCode::UnavailableCriticalExtension);
    let limited = SearchRequest { size_limit: 12, ..request };
    let first =
        forest.search_hits(DC, &principal, &limited, Some(Page { size: 10, cookie: &[] })).unwrap();
    let cookie = first.cookie.unwrap();
    let last = forest
        .search_hits(DC, &principal, &limited, Some(Page { size: 10, cookie: &cookie }))
        .unwrap();
    assert_eq!((last.hits.len(), last.size_limit_exceeded, last.cookie), (2, true, None));
}

#[test]
fn a_critical_control_that_is_unknown_is_refused() {
    let (mut forest, _) = forest_with(1);
    let operation = crate::directory::request::Operation::Search(search_for(Filter::everything()));
    let value = ControlValue::Other { oid: "1.2.3".into(), value: None };
    for (critical, code) in
        [(true, ResultCode::UnavailableCriticalExtension), (false, ResultCode::Success)]
    {
        let control = Control { critical, value: value.clone() };
        let request = crate::directory::request::Request {
            operation: operation.clone(),
            controls: vec![control],
        };
        let (response, _) =
            forest.perform(DC, &Principal::system(), now(), &request, &mut minter());
        assert_eq!(response.result.code, code);
    }
}

#[test]
fn an_entry_shows_what_was_asked_for_in_the_spelling_of_the_schema() {
    let (mut forest, people) = forest_with(1);
    modify(&mut forest, people[0], vec![replace("mail", &["a@contoso.com"])]).unwrap();
    let shown = |selection: &[&str]| -> Vec<String> {
        let selection = selection.iter().map(|name| AttributeName::from(*name)).collect();
        let request = SearchRequest { selection, ..search_for(equal("sAMAccountName", "user0")) };
        let response = forest.search(DC, &Principal::system(), now(), &request, &[]);
        assert_eq!(response.entries.len(), 1);
        assert_eq!(
            response.references.len(),
            3,
            "configuration and DNS zones are contexts of their own"
        );
        response.entries[0].attributes.iter().map(|(name, _)| name.to_string()).collect()
    };
    assert_eq!(shown(&["MAIL", "0.9.2342.19200300.100.1.3", "noSuch"]), ["mail"]);
    assert_eq!(shown(&["1.1"]), Vec::<String>::new());
    let all = shown(&[]);
    for name in ["objectClass", "objectGUID", "cn", "mail", "uSNChanged", "distinguishedName"] {
        assert!(all.contains(&name.to_owned()), "{name} is missing in {all:?}");
    }
    assert!(!all.contains(&"canonicalName".to_owned()));
    assert_eq!(shown(&["canonicalName"]), ["canonicalName"]);
}

#[test]
fn many_values_come_in_ranges() {
    let (mut forest, people) = forest_with(1);
    forest.policies.set(Policy::MaxValRange, 3);
    modify(&mut forest, people[0], vec![replace("url", &["a", "b", "c", "d", "e"])]).unwrap();
    let shown = |name: &str| -> Vec<(String, usize)> {
        let selection = vec![AttributeName::from(name)];
        let request = SearchRequest { selection, ..search_for(equal("sAMAccountName", "user0")) };
        let response = forest.search(DC, &Principal::system(), now(), &request, &[]);
        let attributes = response.entries[0].attributes.iter();
        attributes.map(|(name, values)| (name.to_string(), values.len())).collect()
    };
    assert_eq!(shown("url"), [("url".to_owned(), 0), ("url;range=0-2".to_owned(), 3)]);
    assert_eq!(shown("url;range=3-*"), [("url;range=3-*".to_owned(), 2)]);
    assert_eq!(shown("url;range=0-0"), [("url;range=0-0".to_owned(), 1)]);
}

#[test]
fn domain_controllers_share_entries_and_refer_to_each_other() {
    let (mut forest, people) = forest_with(2);
    let second = forest.add_dc(DomainNumber(0), dc_spec("DC02")).unwrap();
    let (child, child_dc) = forest.add_domain(
        &spec("child.contoso.com", "CHILD"),
        dc_spec("DC03"),
        now(),
        &mut minter(),
    );
    let shared = |forest: &Forest, object: ObjectNumber| {
        let entry = |dc| std::sync::Arc::as_ptr(&forest.object(dc, object).unwrap().entry);
        entry(DC) == entry(second)
    };
    modify(&mut forest, people[0], vec![replace("title", &["x"])]).unwrap();
    assert!(!shared(&forest, people[0]));
    assert!(shared(&forest, people[1]));
    assert!(forest.values(second, people[0], "title").is_empty(), "not replicated yet");
    let name = Name::from_text("CN=Users,DC=child,DC=contoso,DC=com");
    let refusal = forest.resolve(DC, &name).unwrap_err();
    assert_eq!(refusal.code, ResultCode::Referral);
    assert_eq!(refusal.referrals, ["ldap://child.contoso.com/CN=Users,DC=child,DC=contoso,DC=com"]);
    assert_eq!(forest.resolve(child_dc, &name), Ok(forest.domain(child).unwrap().users));
    let configuration = Name::from_text("CN=Configuration,DC=contoso,DC=com");
    assert_eq!(forest.resolve(child_dc, &configuration), forest.resolve(DC, &configuration));
}
