//! What administrators set for the whole directory: dSHeuristics.

use super::*;
use crate::directory::request::{AddRequest, Operation, Request};

const SERVICE: &str =
    "CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,DC=contoso,DC=com";

fn set(forest: &mut Forest, heuristics: &str) -> Result<Written, LdapResult> {
    let service = forest.resolve(DC, &Name::from_text(SERVICE)).unwrap();
    modify(forest, service, vec![replace("dSHeuristics", &[heuristics])])
}

fn perform(forest: &mut Forest, principal: &Principal, operation: Operation) -> LdapResult {
    let request = Request { operation, controls: Vec::new() };
    forest.perform(DC, principal, now(), &request, &mut minter()).0.result
}

/// Every tenth character says that it is the tenth.
#[test]
fn heuristics_that_are_off_by_one_are_refused() {
    let (mut forest, _) = forest_with(0);
    let refusal = refused(set(&mut forest, "00000000020"));
    assert_eq!(refusal, (ResultCode::ConstraintViolation, "202F".to_owned()));
    assert!(set(&mut forest, "00000000010").is_ok());
}

/// The fifth character makes every modification a permissive one.
#[test]
fn modifications_can_all_be_permissive() {
    let (mut forest, people) = forest_with(1);
    let absent = || vec![delete("info", &[])];
    assert_eq!(refused(modify(&mut forest, people[0], absent())).1, "2076");
    set(&mut forest, "00001").unwrap();
    assert!(modify(&mut forest, people[0], absent()).is_ok());
    set(&mut forest, "00000").unwrap();
    assert!(modify(&mut forest, people[0], absent()).is_err());
}

/// The sixth takes the places in the source out of the texts.
#[test]
fn places_in_the_source_can_be_hidden() {
    let (mut forest, _) = forest_with(0);
    let absent = |forest: &Forest| {
        let base = Name::from_text("CN=Nobody,DC=contoso,DC=com");
        let request = SearchRequest { base, ..search_for(equal("cn", "x")) };
        forest.search(DC, &Principal::system(), now(), &request, &[]).result.diagnostic
    };
    assert!(!absent(&forest).contains("DSID-00000000"));
    set(&mut forest, "000001").unwrap();
    assert!(absent(&forest).contains("DSID-00000000"));
}

/// The seventh lets clients in that have not bound, as far as access control lists do: not far.
#[test]
fn nobody_can_be_let_in() {
    let (mut forest, _) = forest_with(1);
    let nobody = Principal::anonymous();
    let read =
        |forest: &Forest| forest.search(DC, &nobody, now(), &search_for(equal("cn", "user0")), &[]);
    assert_eq!(read(&forest).result.code, ResultCode::OperationsError);
    set(&mut forest, "0000002").unwrap();
    let response = read(&forest);
    assert!(response.result.is_success(), "{:?}", response.result);
    assert!(response.entries.is_empty());
}

/// The eleventh takes the GUID that an add gives.
#[test]
fn a_guid_can_be_given() {
    let (mut forest, _) = forest_with(0);
    let value = guid(77).0.to_vec();
    let add = |name: &str| {
        Operation::Add(AddRequest {
            dn: format!("CN={name},CN=Users,DC=contoso,DC=com"),
            attributes: vec![
                ("objectClass".into(), vec![b"contact".to_vec()]),
                ("objectGUID".into(), vec![value.clone()]),
            ],
        })
    };
    let refusal = perform(&mut forest, &Principal::system(), add("one"));
    assert_eq!(refusal.code, ResultCode::UnwillingToPerform);
    set(&mut forest, "00000000011").unwrap();
    let taken = perform(&mut forest, &Principal::system(), add("one"));
    assert!(taken.is_success(), "{taken:?}");
    assert!(forest.resolve(DC, &Name::Guid(guid(77))).is_ok());
    let again = perform(&mut forest, &Principal::system(), add("two"));
    assert_eq!(again.code, ResultCode::UnwillingToPerform);
}

/// The twenty-first leaves names unchecked.
#[test]
fn names_can_be_left_unchecked() {
    let (mut forest, people) = forest_with(2);
    let taken = || vec![replace("userPrincipalName", &["user1@contoso.com"])];
    assert_eq!(refused(modify(&mut forest, people[0], taken())).1, "21C8");
    set(&mut forest, "000000000100000000021").unwrap();
    assert!(modify(&mut forest, people[0], taken()).is_ok());
}

/// A name is compared without accents and widths: siblings that differ in nothing else are one.
#[test]
fn names_and_values_have_no_accents() {
    let (mut forest, people) = forest_with(1);
    modify(&mut forest, people[0], vec![replace("displayName", &["Café Zoë"])]).unwrap();
    for asked in ["cafe zoe", "CAFÉ ZOË", "ｃａｆｅ zoe"] {
        assert_eq!(found(&forest, equal("displayName", asked)), [people[0]], "{asked}");
    }
    let add = |name: &str| {
        Operation::Add(AddRequest {
            dn: format!("CN={name},CN=Users,DC=contoso,DC=com"),
            attributes: vec![("objectClass".into(), vec![b"contact".to_vec()])],
        })
    };
    assert!(perform(&mut forest, &Principal::system(), add("é")).is_success());
    let same = perform(&mut forest, &Principal::system(), add("e"));
    assert_eq!(same.code, ResultCode::EntryAlreadyExists);
    modify(&mut forest, people[0], vec![super::add("otherTelephone", &["café"])]).unwrap();
    let twice = modify(&mut forest, people[0], vec![super::add("otherTelephone", &["cafe"])]);
    assert_eq!(refused(twice).1, "2083");
}

/// What a forest offers stands in its configuration: tools look rights and features up there.
#[test]
fn rights_features_and_policies_are_objects() {
    let (mut forest, _) = forest_with(0);
    let read = |forest: &Forest, dn: &str, attribute: &str| {
        let object = forest.resolve(DC, &Name::from_text(dn)).unwrap();
        texts(forest, object, attribute)
    };
    let right =
        "CN=User-Force-Change-Password,CN=Extended-Rights,CN=Configuration,DC=contoso,DC=com";
    assert_eq!(read(&forest, right, "rightsGuid"), ["00299570-246d-11d0-a768-00aa006e0529"]);
    let link = read(&forest, ROOT, "gPLink").remove(0);
    let policy = link.trim_start_matches("[LDAP://").trim_end_matches(";0]").to_owned();
    assert_eq!(read(&forest, &policy, "displayName"), ["Default Domain Policy"]);
    let partitions = "CN=Partitions,CN=Configuration,DC=contoso,DC=com";
    assert!(read(&forest, partitions, "msDS-EnabledFeature").is_empty());
    let value = format!("{partitions}:766ddcd8-acd0-445e-f3b9-a7f9b6744f2a");
    let operation = Operation::Modify(ModifyRequest {
        object: Name::from_text(""),
        changes: vec![add("enableOptionalFeature", &[&value])],
    });
    assert!(perform(&mut forest, &Principal::system(), operation).is_success());
    let feature = format!("CN=Recycle Bin Feature,CN=Optional Features,{SERVICE}");
    assert_eq!(read(&forest, &feature, "msDS-EnabledFeatureBL"), [partitions]);
    assert_eq!(read(&forest, partitions, "msDS-EnabledFeature"), [feature]);
}
