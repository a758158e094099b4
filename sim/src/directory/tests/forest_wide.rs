//! Several domains in one forest: what its objects say of it, and what a global catalog sees.

use super::*;
use crate::directory::answer::Response;
use crate::directory::principal::Rights;
use crate::directory::request::{
    AddRequest, BindRequest, Control, ControlValue, Operation, Request,
};

const CHILD: &str = "DC=child,DC=contoso,DC=com";

/// A root with some people and a child with one, `CN=Carl,CN=Users`, who can bind.
fn two_domains() -> (Forest, Vec<ObjectNumber>, DcNumber, ObjectNumber) {
    let (mut forest, people) = forest_with(3);
    let child = DomainSpec {
        sid: Sid::from_text("S-1-5-21-7-8-9").unwrap(),
        ..spec("child.contoso.com", "CHILD")
    };
    let mut next = 2_000_000;
    let mut mint = || {
        next += 1;
        guid(next)
    };
    let (_, dc) = forest.add_domain(&child, dc_spec("DC03"), now(), &mut mint);
    let dn = format!("CN=Carl,CN=Users,{CHILD}");
    let attributes = [("objectClass", "user"), ("sAMAccountName", "carl"), ("employeeID", "77")];
    let mut attributes: Vec<(AttributeName, Vec<Vec<u8>>)> =
        attributes.map(|(name, value)| (name.into(), vec![value.as_bytes().to_vec()])).to_vec();
    attributes.push(("userPrincipalName".into(), vec![b"carl@child.contoso.com".to_vec()]));
    let system = Principal::system();
    let add = AddRequest { dn, attributes };
    let carl = forest.add(&Writer::new(dc, &system, now()), &add, guid(500)).unwrap().object;
    forest.set_password(carl, b"Carl!Pa55".to_vec());
    let enable = ModifyRequest {
        object: Name::Number(carl),
        changes: vec![replace("userAccountControl", &["512"])],
    };
    forest.modify(&Writer::new(dc, &system, now()), &enable).unwrap();
    (forest, people, dc, carl)
}

fn asked(base: &str, filter: Filter, selection: &[&str]) -> SearchRequest {
    SearchRequest {
        base: Name::from_text(base),
        selection: selection.iter().map(|name| (*name).into()).collect(),
        ..search_for(filter)
    }
}

fn names(response: &Response) -> Vec<&str> {
    response.entries.iter().map(|entry| entry.dn.as_str()).collect()
}

fn read(forest: &Forest, dc: DcNumber, dn: &str, attribute: &str) -> Vec<String> {
    let object = forest.resolve_anywhere(dc, &Name::from_text(dn)).unwrap();
    let holder = forest.holder(forest.dc(dc).unwrap(), object).number;
    let values = forest.values(holder, object, attribute);
    values.into_iter().map(|value| String::from_utf8_lossy(&value).into_owned()).collect()
}

/// What administrators' scripts read of a forest ([MS-ADTS] 6.1.1.2.1.1, 6.1.5, 6.1.6).
#[test]
fn partitions_roles_accounts_and_trusts_are_objects() {
    let (mut forest, _, child_dc, _) = two_domains();
    let partitions = "CN=Partitions,CN=Configuration,DC=contoso,DC=com";
    let read = |forest: &Forest, dn: &str, attribute: &str| read(forest, DC, dn, attribute);
    let of = |forest: &Forest, attribute: &str| {
        read(forest, &format!("CN=CHILD,{partitions}"), attribute).join(" ")
    };
    assert_eq!(of(&forest, "nCName"), CHILD);
    assert_eq!(of(&forest, "dnsRoot"), "child.contoso.com");
    assert_eq!(of(&forest, "trustParent"), format!("CN=CONTOSO,{partitions}"));
    assert_eq!(of(&forest, "systemFlags"), "3");
    let settings = "CN=NTDS Settings,CN=DC01,CN=Servers,CN=Site,CN=Sites,CN=Configuration,\
                    DC=contoso,DC=com";
    for object in [partitions, "CN=Schema,CN=Configuration,DC=contoso,DC=com", ROOT] {
        assert_eq!(read(&forest, object, "fSMORoleOwner"), [settings], "{object}");
    }
    let account = read(
        &forest,
        "CN=DC01,CN=Servers,CN=Site,CN=Sites,CN=Configuration,DC=contoso,DC=com",
        "serverReference",
    );
    assert_eq!(account, ["CN=DC01,OU=Domain Controllers,DC=contoso,DC=com"]);
    assert_eq!(read(&forest, &account[0], "msDS-isGC"), ["TRUE"]);
    assert_eq!(read(&forest, &account[0], "primaryGroupID"), ["516"]);
    let trust = "CN=child.contoso.com,CN=System,DC=contoso,DC=com";
    assert_eq!(read(&forest, trust, "trustAttributes"), ["32"]);
    assert_eq!(read(&forest, trust, "flatName"), ["CHILD"]);
    assert_eq!(
        read(&forest, &format!("CN=contoso.com,CN=System,{CHILD}"), "trustPartner"),
        ["contoso.com"]
    );
    let other = Sid::from_text("S-1-5-21-4-4-4").unwrap();
    forest.trust_forest("fabrikam.example", "FABRIKAM", &other, now());
    let trust = "CN=fabrikam.example,CN=System,DC=contoso,DC=com";
    assert_eq!(read(&forest, trust, "trustAttributes"), ["8"]);
    // Every domain controller of the forest has the configuration.
    let object = forest.resolve(DC, &Name::from_text(partitions)).unwrap();
    assert!(forest.object(child_dc, object).is_some());
}

/// [MS-ADTS] 3.1.1.3.1.1.2: the partial attribute set of every domain, updates excluded.
#[test]
fn a_global_catalog_has_every_domain() {
    let (forest, people, _, _) = two_domains();
    let carl = format!("CN=Carl,CN=Users,{CHILD}");
    let system = Principal::system();
    let search = |request: &SearchRequest, controls: &[Control]| {
        forest.search_catalog(DC, &system, now(), request, controls)
    };
    let system_accounts = ["Guest", "krbtgt", "CHILD$", "CONTOSO$"];
    let system_accounts = system_accounts.map(|name| equal("sAMAccountName", name)).to_vec();
    let person = Filter::And(vec![
        equal("objectCategory", "person"),
        Filter::Not(Box::new(Filter::Or(system_accounts))),
    ]);
    for base in ["", ROOT] {
        let request =
            asked(base, person.clone(), &["sAMAccountName", "employeeID", "instanceType"]);
        let found = search(&request, &[]);
        assert_eq!(found.entries.len(), people.len() + 1, "{base}");
        assert_eq!(names(&found).last(), Some(&carl.as_str()));
        let values = &found.entries.last().unwrap().attributes;
        let shown: Vec<&str> = values.iter().map(|(name, _)| &**name).collect();
        // The employee's number is no part of the partial attribute set.
        assert_eq!(shown, ["sAMAccountName", "instanceType"], "{values:?}");
        assert_eq!(values[1].1, [b"0".to_vec()], "not writable here");
    }
    // Pages run over domains.
    let mut cookie = Vec::new();
    let mut seen = Vec::new();
    loop {
        let value = ControlValue::PagedResults { size: 2, cookie };
        let request = asked("", person.clone(), &["cn"]);
        let page = search(&request, &[Control { critical: true, value }]);
        assert!(page.entries.len() <= 2);
        seen.extend(page.entries.iter().map(|entry| entry.dn.clone()));
        let next = page.controls.into_iter().find_map(|control| match control.value {
            ControlValue::PagedResults { cookie, .. } => Some(cookie),
            _ => None,
        });
        cookie = next.unwrap_or_default();
        if cookie.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), people.len() + 1);
    let base = SearchRequest { scope: Scope::Base, ..asked(&carl, person.clone(), &["cn"]) };
    assert_eq!(names(&search(&base, &[])), [carl.as_str()]);
    // Without the catalog it is another domain's, and the search goes on there.
    let refused = forest.search(DC, &system, now(), &base, &[]);
    assert_eq!(refused.result.code, ResultCode::Referral);
    let whole = forest.search(DC, &system, now(), &asked(ROOT, person, &["cn"]), &[]);
    assert_eq!(whole.entries.len(), people.len());
    assert!(whole.references.contains(&format!("ldap://child.contoso.com/{CHILD}")));
    let add = Operation::Delete(crate::directory::request::DeleteRequest {
        object: Name::from_text(&carl),
    });
    let refused = forest.refer_to_owner(DC, &add);
    assert_eq!(refused.referrals, [format!("ldap://child.contoso.com/{carl}")]);
}

/// A group of one domain has members of another one, whose name it always knows.
#[test]
fn links_lead_into_other_domains() {
    let (mut forest, _, child_dc, carl) = two_domains();
    let system = Principal::system();
    let carl_dn = format!("CN=Carl,CN=Users,{CHILD}");
    let group = "CN=Enterprise Admins,CN=Users,DC=contoso,DC=com";
    let object = forest.resolve(DC, &Name::from_text(group)).unwrap();
    modify(&mut forest, object, vec![add("member", &[&carl_dn])]).unwrap();
    assert_eq!(texts(&forest, object, "member"), [carl_dn.as_str()]);
    assert_eq!(found_dns(&forest, equal("member", &carl_dn)), [group]);
    // Its rights follow from a universal group of another domain.
    let principal = |forest: &Forest, dc| {
        let request = BindRequest { name: "CHILD\\carl".into(), password: b"Carl!Pa55".to_vec() };
        forest.bind(dc, now(), &request).unwrap()
    };
    for dc in [DC, child_dc] {
        assert_eq!(principal(&forest, dc).rights, Rights::Full);
        assert_eq!(principal(&forest, dc).name, "CHILD\\carl");
    }
    let rename = crate::directory::request::ModifyDnRequest {
        object: Name::Number(carl),
        new_rdn: "CN=Carla".into(),
        delete_old_rdn: true,
        new_superior: None,
    };
    forest.rename(&Writer::new(child_dc, &system, now()), &rename).unwrap();
    assert_eq!(texts(&forest, object, "member"), [format!("CN=Carla,CN=Users,{CHILD}")]);
    let delete = crate::directory::request::DeleteRequest { object: Name::Number(carl) };
    forest.delete(&Writer::new(child_dc, &system, now()), &delete).unwrap();
    assert!(texts(&forest, object, "member").is_empty(), "who is gone is no member");
}

fn found_dns(forest: &Forest, filter: Filter) -> Vec<String> {
    let hits = forest.search_hits(DC, &Principal::system(), &search_for(filter), None).unwrap();
    hits.hits.into_iter().map(|hit| forest.dn_of(DC, hit.object)).collect()
}

/// Accounts are known all over the forest; a bare account name is one of the asked domain only.
#[test]
fn accounts_of_other_domains_bind() {
    let (forest, _, child_dc, _) = two_domains();
    let bind = |dc, name: &str| {
        let request = BindRequest { name: name.into(), password: b"Carl!Pa55".to_vec() };
        forest.bind(dc, now(), &request).map(|principal| principal.name)
    };
    for name in [
        "carl@child.contoso.com",
        "carl@CHILD",
        "CHILD\\carl",
        "CN=Carl,CN=Users,DC=child,DC=contoso,DC=com",
        "child.contoso.com/Users/Carl",
        "child.contoso.com/Users\nCarl",
    ] {
        assert_eq!(bind(DC, name).as_deref(), Ok("CHILD\\carl"), "{name}");
        assert_eq!(bind(child_dc, name).as_deref(), Ok("CHILD\\carl"), "{name}");
    }
    assert!(bind(DC, "CONTOSO\\carl").is_err());
}

/// A service binds by its own name ([MS-ADTS] 5.1.1.1.1).
#[test]
fn a_service_principal_name_binds() {
    let (mut forest, people) = forest_with(1);
    forest.set_account(people[0], b"Serv1ce!", Rights::ReadOnly);
    modify(&mut forest, people[0], vec![add("servicePrincipalName", &["http/web.contoso.com"])])
        .unwrap();
    let bind = |name: &str| {
        let request = BindRequest { name: name.into(), password: b"Serv1ce!".to_vec() };
        forest.bind(DC, now(), &request).is_ok()
    };
    assert!(bind("http/web.contoso.com") && !bind("http/other.contoso.com"));
}

/// What nobody in the forest has becomes a foreign security principal ([MS-ADTS] 3.1.1.1.6).
#[test]
fn a_member_of_elsewhere_becomes_a_foreign_security_principal() {
    let (mut forest, _) = forest_with(1);
    let group = Name::from_text("CN=Administrators,CN=Builtin,DC=contoso,DC=com");
    let group = forest.resolve(DC, &group).unwrap();
    let before = texts(&forest, group, "member").len();
    modify(&mut forest, group, vec![add("member", &["<SID=S-1-5-21-50-60-70-1105>"])]).unwrap();
    let members = texts(&forest, group, "member");
    assert_eq!(members.len(), before + 1);
    let dn = "CN=S-1-5-21-50-60-70-1105,CN=ForeignSecurityPrincipals,DC=contoso,DC=com";
    assert_eq!(members.last().map(String::as_str), Some(dn));
    // Somebody of this domain who does not exist is nobody.
    let missing = modify(&mut forest, group, vec![add("member", &["<SID=S-1-5-21-1-2-3-99999>"])]);
    assert_eq!(missing.unwrap_err().code, ResultCode::NoSuchObject);
}

/// A search that takes long is done in parts, with the answer of one that is not.
#[test]
fn a_search_in_parts_finds_the_same() {
    let (forest, _) = forest_with(3000);
    let system = Principal::system();
    let any = |text: &str| {
        let parts = crate::directory::request::Substrings {
            any: vec![text.as_bytes().to_vec()],
            ..Default::default()
        };
        Filter::Substrings("userPrincipalName".into(), parts)
    };
    let terms: Vec<Filter> = (0..400).map(|at| any(&format!("user{at}@"))).collect();
    for filter in [
        Filter::Or(terms.clone()),
        Filter::And(vec![equal("objectClass", "user"), Filter::Or(terms)]),
    ] {
        let request = asked("OU=People,DC=contoso,DC=com", filter, &["cn"]);
        let whole = forest.search(DC, &system, now(), &request, &[]);
        let mut progress = None;
        let mut parts = 0;
        let answer = loop {
            parts += 1;
            let at = (DC, false);
            match forest.search_part(at, &system, now(), &request, &[], progress.take()) {
                crate::directory::progress::SearchPart::Done(answer) => break answer,
                crate::directory::progress::SearchPart::More(more) => progress = Some(more),
            }
        };
        assert!(parts > 2, "{parts} parts");
        assert_eq!(answer, whole);
        assert_eq!(answer.entries.len(), 400);
    }
    // The time limit counts what is tested, not only what is looked at.
    let heavy = Filter::Or((0..4000).map(|at| any(&format!("nobody{at}"))).collect());
    let limited = SearchRequest { time_limit: 1, ..asked(ROOT, heavy, &["cn"]) };
    let late = forest.search(DC, &system, now(), &limited, &[]);
    assert_eq!(late.result.code, ResultCode::TimeLimitExceeded);
}

/// A ping for another domain has no answer ([MS-ADTS] 6.3.3.2).
#[test]
fn a_ping_is_answered_for_the_own_domain_and_forest() {
    let (forest, _, child_dc, _) = two_domains();
    let pinged = |dc, domain: &str| {
        let filter = Filter::And(vec![equal("DnsDomain", domain)]);
        let request = SearchRequest { scope: Scope::Base, ..asked("", filter, &["netlogon"]) };
        let response = forest.search(dc, &Principal::anonymous(), now(), &request, &[]);
        !response.entries[0].attributes.is_empty()
    };
    assert!(pinged(child_dc, "child.contoso.com.") && pinged(child_dc, "CONTOSO.com"));
    assert!(pinged(DC, "contoso.com") && !pinged(DC, "zzz.test"));
    // 25 says that the account is not here.
    let opcode = |user: &str| {
        let filter = Filter::And(vec![equal("User", user)]);
        let request = SearchRequest { scope: Scope::Base, ..asked("", filter, &["netlogon"]) };
        let response = forest.search(child_dc, &Principal::anonymous(), now(), &request, &[]);
        response.entries[0].attributes[0].1[0][0]
    };
    assert_eq!((opcode("carl"), opcode("nobody")), (23, 25));
}

/// Announced means that it does something ([MS-ADTS] 3.1.1.3.4.1).
#[test]
fn controls_for_names_and_stamps_have_an_effect() {
    let (mut forest, people) = forest_with(1);
    let system = Principal::system();
    let mut perform = |value: ControlValue| {
        let object = Name::Number(people[0]);
        let changes = vec![replace("title", &["x"])];
        let operation = Operation::Modify(ModifyRequest { object, changes });
        let controls = vec![Control { critical: true, value }];
        let request = Request { operation, controls };
        let before = forest.dc(DC).unwrap().highest_usn;
        let (response, _) = forest.perform(DC, &system, now(), &request, &mut || guid(1));
        (response.result.code, forest.dc(DC).unwrap().highest_usn > before)
    };
    assert_eq!(perform(ControlValue::LazyCommit), (ResultCode::Success, true));
    assert_eq!(perform(ControlValue::LazyCommit), (ResultCode::Success, false));
    assert_eq!(perform(ControlValue::ForceUpdate), (ResultCode::Success, true));
    let known = ControlValue::VerifyName("dc01.contoso.com".into());
    assert_eq!(perform(known).0, ResultCode::Success);
    let unknown = ControlValue::VerifyName("nosuch.server".into());
    assert_eq!(perform(unknown).0, ResultCode::Unavailable);
}
