//! What a domain controller answers to writes ([MS-ADTS] 3.1.1.5, and observed behaviour of Windows
//! domain controllers).

use ResultCode::{
    AdminLimitExceeded, AttributeOrValueExists, ConstraintViolation, EntryAlreadyExists,
    InsufficientAccessRights, InvalidAttributeSyntax, InvalidDnSyntax, NamingViolation,
    NoSuchAttribute, NoSuchObject, NotAllowedOnNonLeaf, NotAllowedOnRdn, ObjectClassViolation,
    OperationsError, Other, ProtocolError, Referral, UnwillingToPerform,
};

use super::*;
use crate::directory::principal::{AttributeSet, Rights};
use crate::directory::request::{AddRequest, DeleteRequest, ModifyDnRequest};

#[track_caller]
fn expect(
    forest: &mut Forest,
    object: ObjectNumber,
    changes: Vec<Change>,
    code: ResultCode,
    win32: &str,
) {
    let usn = forest.dcs()[0].highest_usn;
    let text = format!("{changes:?}");
    assert_eq!(refused(modify(forest, object, changes)), (code, win32.to_owned()), "{text}");
    assert_eq!(forest.dcs()[0].highest_usn, usn, "a refused write takes no number");
}

#[test]
fn values_that_are_there_or_not_there() {
    let (mut forest, people) = forest_with(2);
    let user = people[0];
    modify(
        &mut forest,
        user,
        vec![add("proxyAddresses", &["SMTP:a@x.example", "smtp:b@x.example"])],
    )
    .unwrap();
    modify(&mut forest, user, vec![add("title", &["Boss"])]).unwrap();
    for (changes, code, win32) in [
        (vec![add("proxyAddresses", &["smtp:A@X.example"])], AttributeOrValueExists, "2083"),
        (vec![add("title", &["Boss"])], AttributeOrValueExists, "2083"),
        (vec![add("title", &["Clerk"])], AttributeOrValueExists, "2083"),
        (vec![add("department", &["a", "b"])], AttributeOrValueExists, "2081"),
        (vec![replace("title", &["a", "b"])], ConstraintViolation, "2081"),
        (vec![add("url", &["a", "A"])], AttributeOrValueExists, "2083"),
        (vec![replace("url", &["a", "a"])], AttributeOrValueExists, "2083"),
        (vec![delete("proxyAddresses", &["smtp:c@x.example"])], NoSuchAttribute, "2085"),
        (vec![delete("department", &[])], NoSuchAttribute, "2076"),
        (vec![delete("department", &["x"])], NoSuchAttribute, "2085"),
        (vec![add("url", &[])], ConstraintViolation, "202F"),
        (vec![change(ChangeOperation::Increment, "countryCode", &["1"])], ProtocolError, "0057"),
        (vec![], UnwillingToPerform, "0057"),
    ] {
        expect(&mut forest, user, changes, code, win32);
    }
    let unchanged = forest.object(DC, user).unwrap().stamp;
    for changes in [
        vec![replace("department", &[])],
        vec![replace("title", &["Boss"])],
        vec![replace("proxyAddresses", &["smtp:b@x.example", "SMTP:a@x.example"])],
        vec![add("department", &["a"]), delete("department", &["a"])],
    ] {
        let written = modify(&mut forest, user, changes).unwrap();
        assert_eq!((written.usn, written.changes.len()), (None, 0));
        assert_eq!(forest.object(DC, user).unwrap().stamp, unchanged);
    }
    assert_eq!(texts(&forest, user, "proxyAddresses"), ["SMTP:a@x.example", "smtp:b@x.example"]);
    let written = modify(&mut forest, user, vec![replace("title", &[])]).unwrap();
    assert_eq!(written.changes[0].old, [b"Boss"]);
    assert!(written.changes[0].new.is_empty());
}

#[test]
fn the_case_of_a_prefix_changes_by_delete_and_add_or_by_replace() {
    let (mut forest, people) = forest_with(1);
    let user = people[0];
    modify(&mut forest, user, vec![add("proxyAddresses", &["smtp:a@x.example"])]).unwrap();
    let written = modify(
        &mut forest,
        user,
        vec![
            delete("proxyAddresses", &["smtp:a@x.example"]),
            add("proxyAddresses", &["SMTP:a@x.example"]),
        ],
    )
    .unwrap();
    assert_eq!(written.changes.len(), 1);
    assert_eq!(texts(&forest, user, "proxyAddresses"), ["SMTP:a@x.example"]);
    let written =
        modify(&mut forest, user, vec![replace("proxyAddresses", &["smtp:a@x.example"])]).unwrap();
    assert!(written.usn.is_some(), "a change of case is a change");
}

#[test]
fn values_that_do_not_fit() {
    let (mut forest, people) = forest_with(2);
    let user = people[0];
    let long = "x".repeat(1025);
    let emoji = "😀".repeat(513);
    for (attribute, value, code, win32) in [
        ("extensionAttribute1", long.as_str(), ConstraintViolation, "2082"),
        ("extensionAttribute1", emoji.as_str(), ConstraintViolation, "2082"),
        ("countryCode", "65536", ConstraintViolation, "2082"),
        ("msExchMailboxGuid", "short", ConstraintViolation, "2082"),
        ("extensionAttribute1", "", InvalidAttributeSyntax, "200B"),
        ("countryCode", "", InvalidAttributeSyntax, "200B"),
        ("countryCode", "abc", InvalidAttributeSyntax, "200B"),
        ("msExchHideFromAddressLists", "true", InvalidAttributeSyntax, "200B"),
        ("manager", "CN=Nobody,DC=contoso,DC=com", ConstraintViolation, "20B5"),
        ("homeMDB", "CN=Nobody,DC=contoso,DC=com", ConstraintViolation, "20B5"),
        ("manager", "nobody", InvalidDnSyntax, "208F"),
        ("noSuchAttribute", "x", NoSuchAttribute, "0057"),
        ("cn", "x", NotAllowedOnRdn, "20B1"),
        ("name", "x", NotAllowedOnRdn, "20B1"),
        ("objectGUID", "x", ConstraintViolation, "20B1"),
        ("whenCreated", "x", ConstraintViolation, "20B1"),
        ("memberOf", "x", UnwillingToPerform, "209A"),
        ("objectSid", "x", UnwillingToPerform, "209A"),
        ("canonicalName", "x", ConstraintViolation, "211B"),
        ("userPrincipalName", "USER1@contoso.com", ConstraintViolation, "21C8"),
        ("sAMAccountName", "USER1", EntryAlreadyExists, "0524"),
        ("objectClass", "noSuchClass", NoSuchAttribute, "0057"),
        ("objectClass", "group", ObjectClassViolation, "2017"),
    ] {
        expect(&mut forest, user, vec![replace(attribute, &[value])], code, win32);
    }
    expect(&mut forest, user, vec![replace("member", &["x"])], ObjectClassViolation, "207D");
    expect(&mut forest, user, vec![delete("gPLink", &["x"])], NoSuchAttribute, "2076");
    expect(&mut forest, user, vec![replace("gPLink", &["x"])], ObjectClassViolation, "207D");
    expect(
        &mut forest,
        user,
        vec![replace("description", &["a", "b"])],
        AttributeOrValueExists,
        "2081",
    );
    let text =
        modify(&mut forest, user, vec![replace("extensionAttribute1", &[&long])]).unwrap_err();
    assert!(text.diagnostic.contains("Att 201a7 (extensionAttribute1):len 2050"), "{text:?}");
    modify(&mut forest, user, vec![replace("extensionAttribute1", &[&"😀".repeat(512)])]).unwrap();
    let many: Vec<String> = (0..1400).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let change = vec![replace("msExchExtensionCustomAttribute1", &many)];
    expect(&mut forest, user, change, AdminLimitExceeded, "2024");
    let most = vec![replace("msExchExtensionCustomAttribute1", &many[..1300])];
    modify(&mut forest, user, most).unwrap();
}

#[test]
fn everything_or_nothing() {
    let (mut forest, people) = forest_with(1);
    let user = people[0];
    let changes = vec![replace("title", &["Boss"]), delete("department", &[])];
    expect(&mut forest, user, changes, NoSuchAttribute, "2076");
    assert!(texts(&forest, user, "title").is_empty());
}

#[test]
fn a_unit_carries_no_exchange_attributes_and_a_contact_no_account_name() {
    let (mut forest, _) = forest_with(0);
    let unit = forest.find_account(DC, "OU=People,DC=contoso,DC=com").unwrap();
    let refused = vec![replace("extensionAttribute1", &["x"])];
    expect(&mut forest, unit, refused, ObjectClassViolation, "207D");
    expect(&mut forest, unit, vec![replace("sAMAccountName", &["x"])], UnwillingToPerform, "2077");
    expect(&mut forest, unit, vec![replace("memberOf", &["x"])], ConstraintViolation, "20B1");
    expect(&mut forest, unit, vec![delete("ou", &[])], NotAllowedOnRdn, "20B1");
}

#[test]
fn permissive_modify_overlooks_what_makes_no_difference() {
    let (mut forest, people) = forest_with(1);
    let principal = Principal::system();
    let writer = Writer { permissive: true, ..Writer::new(DC, &principal, now()) };
    let object = Name::Number(people[0]);
    let changes = vec![
        delete("department", &[]),
        add("title", &["Boss"]),
        add("title", &["boss"]),
        delete("proxyAddresses", &["smtp:x@x.example"]),
    ];
    let written =
        forest.modify(&writer, &ModifyRequest { object: object.clone(), changes }).unwrap();
    assert_eq!(written.changes.len(), 1);
    let changes = vec![add("title", &["Clerk"])];
    let result = forest.modify(&writer, &ModifyRequest { object, changes });
    assert_eq!(refused(result), (AttributeOrValueExists, "2083".to_owned()));
}

#[test]
fn rights_decide_attribute_by_attribute() {
    let (mut forest, people) = forest_with(1);
    let user = people[0];
    let unit = forest.find_account(DC, "OU=People,DC=contoso,DC=com").unwrap();
    let with = |rights| Principal { rights, ..Principal::system() };
    let some = with(Rights::WriteAttributes(AttributeSet::of(vec![known::TITLE])));
    modify_as(&mut forest, &some, user, vec![replace("title", &["a"])]).unwrap();
    let denied = (InsufficientAccessRights, "2098".to_owned());
    let both = vec![replace("title", &["b"]), replace("department", &["b"])];
    assert_eq!(refused(modify_as(&mut forest, &some, user, both)), denied);
    assert_eq!(texts(&forest, user, "title"), ["a"]);
    let all = with(Rights::WriteAttributes(AttributeSet::All));
    let description = || vec![replace("description", &["x"])];
    modify_as(&mut forest, &all, user, description()).unwrap();
    assert_eq!(refused(modify_as(&mut forest, &all, unit, description())), denied);
    let reader = with(Rights::ReadOnly);
    assert_eq!(refused(modify_as(&mut forest, &reader, user, description())), denied);
    let nobody = modify_as(&mut forest, &Principal::anonymous(), user, description());
    assert_eq!(refused(nobody), (OperationsError, "04DC".to_owned()));
}

fn person(name: &str, parent: &str, more: &[(&str, &[&str])]) -> AddRequest {
    let mut attributes = vec![(AttributeName::from("objectClass"), vec![b"user".to_vec()])];
    for (name, values) in more {
        let values = values.iter().map(|value| value.as_bytes().to_vec()).collect();
        attributes.push((AttributeName::from(*name), values));
    }
    AddRequest { dn: format!("{name},{parent}"), attributes }
}

#[test]
fn objects_that_cannot_be_added() {
    let (mut forest, people) = forest_with(2);
    let principal = Principal::system();
    let writer = Writer::new(DC, &principal, now());
    let unit = "OU=People,DC=contoso,DC=com";
    let mut expect = |request: AddRequest, code: ResultCode, win32: &str| {
        let text = format!("{request:?}");
        let result = forest.add(&writer, &request, guid(77));
        assert_eq!(refused(result), (code, win32.to_owned()), "{text}");
    };
    expect(person("CN=USER0", unit, &[]), EntryAlreadyExists, "2071");
    expect(person("CN=x", unit, &[("sAMAccountName", &["USER1"])]), EntryAlreadyExists, "0524");
    let same = person("CN=x", unit, &[("userPrincipalName", &["USER1@contoso.com"])]);
    expect(same, ConstraintViolation, "21C8");
    expect(person("CN=x", "OU=No,DC=contoso,DC=com", &[]), NoSuchObject, "208D");
    expect(person("CN=x", "DC=fabrikam,DC=com", &[]), Referral, "202B");
    expect(person("OU=x", unit, &[]), NamingViolation, "2073");
    expect(person("CN=x", "CN=user0,OU=People,DC=contoso,DC=com", &[]), NamingViolation, "2099");
    expect(person("CN=x", unit, &[("title", &["a", "b"])]), ConstraintViolation, "2081");
    expect(person("CN=x", unit, &[("noSuch", &["a"])]), NoSuchAttribute, "0057");
    expect(person("CN=x", unit, &[("gPLink", &["a"])]), ObjectClassViolation, "207D");
    expect(person("CN=x", unit, &[("objectSid", &["a"])]), UnwillingToPerform, "20E7");
    expect(person("CN=x", unit, &[("cn", &["y"])]), InvalidDnSyntax, "2032");
    let mut none = person("CN=x", unit, &[]);
    none.attributes.clear();
    expect(none, ObjectClassViolation, "207B");
    for (class, code, win32) in [
        ("noSuchClass", NoSuchAttribute, "0057"),
        ("top", UnwillingToPerform, "20A7"),
        ("mailRecipient", UnwillingToPerform, "20A7"),
        ("domainDNS", UnwillingToPerform, "20A6"),
    ] {
        let mut request = person("CN=x", unit, &[]);
        request.attributes[0].1 = vec![class.as_bytes().to_vec()];
        expect(request, code, win32);
    }
    assert_eq!(people.len(), 2);
}

#[test]
fn a_new_user_gets_what_the_accounts_manager_gives() {
    let (mut forest, _) = forest_with(1);
    let principal = Principal::system();
    let writer = Writer::new(DC, &principal, now());
    let request = person("CN=New", "OU=People,DC=contoso,DC=com", &[("mail", &["n@contoso.com"])]);
    let written = forest.add(&writer, &request, guid(77)).unwrap();
    let text = |attribute: &str| texts(&forest, written.object, attribute).join(" ");
    assert_eq!(text("userAccountControl"), "546");
    assert_eq!(text("objectClass"), "top person organizationalPerson user");
    assert_eq!(text("objectCategory"), "CN=Person,CN=Schema,CN=Configuration,DC=contoso,DC=com");
    assert_eq!(text("sAMAccountName").len(), 20);
    assert_eq!(text("distinguishedName"), "CN=New,OU=People,DC=contoso,DC=com");
    assert_eq!(text("canonicalName"), "contoso.com/People/New");
    assert_eq!(forest.values(DC, written.object, "objectSid")[0].len(), 28);
    assert_eq!(found(&forest, equal("mail", "N@contoso.com")), [written.object]);
}

#[test]
fn links_follow_their_target() {
    let (mut forest, people) = forest_with(3);
    let manager = "CN=user1,OU=People,DC=contoso,DC=com";
    modify(&mut forest, people[0], vec![replace("manager", &[manager])]).unwrap();
    let stamp = |forest: &Forest, at: usize| forest.object(DC, people[at]).unwrap().stamp;
    let before = (stamp(&forest, 0), stamp(&forest, 1));
    assert_eq!(
        texts(&forest, people[1], "directReports"),
        ["CN=user0,OU=People,DC=contoso,DC=com"]
    );
    let principal = Principal::system();
    let writer = Writer::new(DC, &principal, now());
    let rename = ModifyDnRequest {
        object: Name::from_text(manager),
        new_rdn: "CN=Chef".into(),
        delete_old_rdn: true,
        new_superior: Some(Name::from_text("CN=Users,DC=contoso,DC=com")),
    };
    forest.rename(&writer, &rename).unwrap();
    assert_eq!(texts(&forest, people[0], "manager"), ["CN=Chef,CN=Users,DC=contoso,DC=com"]);
    assert_eq!(stamp(&forest, 0), before.0, "the referring object did not change");
    assert_ne!(stamp(&forest, 1), before.1);
    let object = Name::Number(people[1]);
    forest.delete(&writer, &DeleteRequest { object }).unwrap();
    assert!(texts(&forest, people[0], "manager").is_empty());
    assert_eq!(stamp(&forest, 0), before.0);
}

#[test]
fn members_have_answers_of_their_own() {
    let (mut forest, people) = forest_with(2);
    let principal = Principal::system();
    let writer = Writer::new(DC, &principal, now());
    let mut request = person("CN=Team", "OU=People,DC=contoso,DC=com", &[]);
    request.attributes[0].1 = vec![b"group".to_vec()];
    let group = forest.add(&writer, &request, guid(77)).unwrap().object;
    let user = "CN=user0,OU=People,DC=contoso,DC=com";
    modify(&mut forest, group, vec![add("member", &[user])]).unwrap();
    assert_eq!(texts(&forest, people[0], "memberOf"), ["CN=Team,OU=People,DC=contoso,DC=com"]);
    expect(&mut forest, group, vec![add("member", &[user])], EntryAlreadyExists, "0562");
    let other = "CN=user1,OU=People,DC=contoso,DC=com";
    expect(&mut forest, group, vec![delete("member", &[other])], UnwillingToPerform, "0561");
}

#[test]
fn deleting_and_renaming_have_their_rules() {
    let (mut forest, people) = forest_with(2);
    let principal = Principal::system();
    let writer = Writer::new(DC, &principal, now());
    let unit = Name::from_text("OU=People,DC=contoso,DC=com");
    let result = forest.delete(&writer, &DeleteRequest { object: unit.clone() });
    assert_eq!(refused(result), (NotAllowedOnNonLeaf, "208C".to_owned()));
    let rename = |new_rdn: &str, superior: Option<&str>, delete_old_rdn: bool| ModifyDnRequest {
        object: Name::Number(people[0]),
        new_rdn: new_rdn.into(),
        delete_old_rdn,
        new_superior: superior.map(Name::from_text),
    };
    for (request, code, win32) in [
        (rename("CN=USER1", None, true), EntryAlreadyExists, "2071"),
        (rename("CN=x", None, false), UnwillingToPerform, "0057"),
        (rename("OU=x", None, true), NamingViolation, "2073"),
        (rename("CN=", None, true), NamingViolation, "2037"),
        (rename("CN=x", Some("OU=No,DC=contoso,DC=com"), true), Other, "2095"),
    ] {
        assert_eq!(refused(forest.rename(&writer, &request)), (code, win32.to_owned()));
    }
    let into_itself = ModifyDnRequest {
        object: unit,
        new_rdn: "OU=People".into(),
        delete_old_rdn: true,
        new_superior: Some(Name::Number(people[0])),
    };
    assert_eq!(refused(forest.rename(&writer, &into_itself)).0, UnwillingToPerform);
    // Only the spelling changes: allowed, and found under both spellings.
    forest.rename(&writer, &rename("CN=USER0", None, true)).unwrap();
    assert_eq!(forest.dn_of(DC, people[0]), "CN=USER0,OU=People,DC=contoso,DC=com");
    assert_eq!(forest.find_account(DC, "cn=user0,ou=people,dc=contoso,dc=com"), Some(people[0]));
}

#[test]
fn a_write_stamps_the_attributes_that_it_changed() {
    let (mut forest, people) = forest_with(1);
    let user = people[0];
    let written =
        modify(&mut forest, user, vec![replace("title", &["a"]), replace("company", &["b"])])
            .unwrap();
    let usn = written.usn.unwrap();
    modify(&mut forest, user, vec![replace("title", &["c"])]).unwrap();
    let entry = &forest.object(DC, user).unwrap().entry;
    assert_eq!(entry.metadata(known::TITLE).version, 2);
    assert_eq!(entry.metadata(known::COMPANY).version, 1);
    assert_eq!(entry.metadata(known::COMPANY).usn(), usn);
    assert_eq!(entry.metadata(known::CN).version, 1);
    let changed: Vec<_> =
        forest.changes_since(DC, usn - 1).map(|(usn, object, _)| (usn, object)).collect();
    assert_eq!(changed, [(usn + 1, user)], "an object stands once, at its last change");
}

/// [MS-SAMR] 3.1.1.8.2, 3.1.1.8.4, 3.1.1.8.10: what accounts and groups can be, and what follows.
#[test]
fn accounts_and_groups_keep_to_their_rules() {
    use ResultCode::UnwillingToPerform;
    let (mut forest, people) = forest_with(2);
    let of = |forest: &mut Forest, object, attribute: &str, value: &str| {
        modify(forest, object, vec![replace(attribute, &[value])])
    };
    // Whoever is no member of a group cannot have it as the primary one: it would get its rights.
    let refusal = refused(of(&mut forest, people[0], "primaryGroupID", "512"));
    assert_eq!(refusal, (UnwillingToPerform, "0561".to_owned()));
    let admins = Name::from_text("CN=Domain Admins,CN=Users,DC=contoso,DC=com");
    let admins = forest.resolve(DC, &admins).unwrap();
    let dn = "CN=user0,OU=People,DC=contoso,DC=com";
    modify(&mut forest, admins, vec![add("member", &[dn])]).unwrap();
    of(&mut forest, people[0], "primaryGroupID", "512").unwrap();
    let refusal = refused(of(&mut forest, people[0], "lockoutTime", "5"));
    assert_eq!(refusal, (UnwillingToPerform, "0057".to_owned()));
    of(&mut forest, people[1], "userAccountControl", "0").unwrap();
    assert_eq!(texts(&forest, people[1], "userAccountControl"), ["512"]);
    of(&mut forest, people[1], "userAccountControl", "4096").unwrap();
    assert_eq!(texts(&forest, people[1], "sAMAccountType"), ["805306369"]);
    assert_eq!(texts(&forest, people[1], "primaryGroupID"), ["515"]);
    let refusal = refused(of(&mut forest, admins, "groupType", "123456"));
    assert_eq!(refusal, (UnwillingToPerform, "2141".to_owned()));
    let refusal = refused(of(&mut forest, admins, "groupType", "-2147483644"));
    assert_eq!(refusal, (UnwillingToPerform, "2141".to_owned()), "not from global to local");
    of(&mut forest, admins, "groupType", "-2147483640").unwrap();
    of(&mut forest, admins, "groupType", "-2147483644").unwrap();
    assert_eq!(texts(&forest, admins, "sAMAccountType"), ["536870912"]);
    // A new account has no password, and cannot be enabled without one.
    let system = Principal::system();
    let writer = Writer::new(DC, &system, now());
    let request = person("CN=New", "OU=People,DC=contoso,DC=com", &[]);
    let new = forest.add(&writer, &request, guid(78)).unwrap().object;
    let refusal = refused(of(&mut forest, new, "userAccountControl", "512"));
    assert_eq!(refusal, (UnwillingToPerform, "052D".to_owned()));
}

/// [MS-SAMR] 3.1.1.7.1, 3.1.1.7.2; [MS-ADTS] 3.1.1.3.1.5.1: what a domain's policy takes, and who may.
#[test]
fn passwords_follow_the_policy_and_two_rights() {
    use crate::directory::principal::Rights;
    use crate::directory::security::access::Token;
    use ResultCode::{ConstraintViolation, InsufficientAccessRights, UnwillingToPerform};
    let (mut forest, people) = forest_with(1);
    let quoted = |text: &str| -> Vec<u8> {
        format!("\"{text}\"").encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    let element = |operation, text: &str| {
        let attribute = "unicodePwd".into();
        Change { operation, attribute, values: vec![quoted(text)] }
    };
    let sid = Sid::from_bytes(&forest.values(DC, people[0], "objectSid")[0]).unwrap();
    let own = Principal {
        name: "CONTOSO\\user0".into(),
        sid: Some(sid.clone()),
        rights: Rights::Acl(Token::new(sid, Vec::new())),
        secure: true,
    };
    let system = Principal::system();
    let set = |forest: &mut Forest, principal: &Principal, at, changes| {
        let request = ModifyRequest { object: Name::Number(people[0]), changes };
        forest.modify(&Writer::new(DC, principal, at), &request)
    };
    let new = |text| vec![element(ChangeOperation::Replace, text)];
    for weak in ["Sh0rt!", "password", "alllower1", "User0!abc"] {
        let refusal = refused(set(&mut forest, &system, now(), new(weak)));
        assert_eq!(refusal, (ConstraintViolation, "052D".to_owned()), "{weak}");
    }
    set(&mut forest, &system, now(), new("G00d!Start")).unwrap();
    let change = |old, fresh| {
        vec![element(ChangeOperation::Delete, old), element(ChangeOperation::Add, fresh)]
    };
    let later = now() + core::time::Duration::from_secs(2 * 86_400);
    // The owner needs the old one, and may not set without it.
    let refusal = refused(set(&mut forest, &own, later, new("An0ther!One")));
    assert_eq!(refusal, (InsufficientAccessRights, "2098".to_owned()));
    let wrong = set(&mut forest, &own, later, change("Wr0ng!Old", "An0ther!One"));
    assert_eq!(refused(wrong), (ConstraintViolation, "0056".to_owned()));
    let early = set(&mut forest, &own, now(), change("G00d!Start", "An0ther!One"));
    assert_eq!(refused(early), (ConstraintViolation, "052D".to_owned()), "within a day");
    set(&mut forest, &own, later, change("G00d!Start", "An0ther!One")).unwrap();
    let much_later = later + core::time::Duration::from_secs(2 * 86_400);
    let again = set(&mut forest, &own, much_later, change("An0ther!One", "G00d!Start"));
    assert_eq!(refused(again), (ConstraintViolation, "052D".to_owned()), "one of those before");
    let alone = vec![element(ChangeOperation::Delete, "An0ther!One")];
    let refusal = refused(set(&mut forest, &own, much_later, alone));
    assert_eq!(refusal, (UnwillingToPerform, "001F".to_owned()));
}

/// What is named is returned, whatever else is asked for.
#[test]
fn a_named_descriptor_comes_with_all_attributes() {
    let (forest, people) = forest_with(1);
    for selection in [vec!["*", "nTSecurityDescriptor"], vec!["nTSecurityDescriptor"]] {
        let selection = selection.into_iter().map(AttributeName::from).collect();
        let object = Name::Number(people[0]);
        let filter = Filter::Present("objectClass".into());
        let request =
            SearchRequest { base: object, scope: Scope::Base, selection, ..search_for(filter) };
        let response = forest.search(DC, &Principal::system(), now(), &request, &[]);
        let shown = &response.entries[0].attributes;
        assert_eq!(shown.iter().filter(|(name, _)| &**name == "nTSecurityDescriptor").count(), 1);
    }
}
