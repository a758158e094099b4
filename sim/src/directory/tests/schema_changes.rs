//! The schema as a client changes it: new attributes and classes, what may be changed, what is refused.

use super::{DC, ROOT, add, forest_with, guid, modify, now, refused, replace, texts};
use crate::directory::answer::{LdapResult, ResultCode, Written};
use crate::directory::entry::DcNumber;
use crate::directory::forest::{DcSpec, DomainNumber, Forest};
use crate::directory::modify::Writer;
use crate::directory::principal::Principal;
use crate::directory::request::{
    AddRequest, AttributeName, DeleteRequest, ModifyDnRequest, ModifyRequest, Name, ObjectNumber,
};
use crate::directory::schema::known;

const SCHEMA: &str = "CN=Schema,CN=Configuration,DC=contoso,DC=com";
const OID: &str = "1.3.6.1.4.1.7165.4.6.1.6";

fn add_on(
    forest: &mut Forest,
    dc: DcNumber,
    dn: &str,
    attributes: &[(&str, &str)],
) -> Result<Written, LdapResult> {
    let mut given: Vec<(AttributeName, Vec<Vec<u8>>)> = Vec::new();
    for (name, value) in attributes {
        let name = AttributeName::from(*name);
        match given.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value.as_bytes().to_vec()),
            None => given.push((name, vec![value.as_bytes().to_vec()])),
        }
    }
    let number = 3_000_000 + u32::try_from(forest.dcs()[0].highest_usn).unwrap();
    let request = AddRequest { dn: dn.to_owned(), attributes: given };
    forest.add(&Writer::new(dc, &Principal::system(), now()), &request, guid(number))
}

fn define(
    forest: &mut Forest,
    name: &str,
    attributes: &[(&str, &str)],
) -> Result<ObjectNumber, LdapResult> {
    add_on(forest, DC, &format!("CN={name},{SCHEMA}"), attributes).map(|written| written.object)
}

/// An attribute for text, with more or other values.
fn attribute(
    forest: &mut Forest,
    name: &str,
    arc: u32,
    more: &[(&str, &str)],
) -> Result<ObjectNumber, LdapResult> {
    let oid = format!("{OID}.{arc}");
    let plain = [
        ("objectClass", "attributeSchema"),
        ("attributeID", oid.as_str()),
        ("attributeSyntax", "2.5.5.12"),
        ("oMSyntax", "64"),
        ("isSingleValued", "TRUE"),
    ];
    let other = |name: &str| more.iter().any(|(given, _)| *given == name);
    let mut values: Vec<_> = plain.into_iter().filter(|(name, _)| !other(name)).collect();
    values.extend_from_slice(more);
    define(forest, name, &values)
}

fn class(
    forest: &mut Forest,
    name: &str,
    arc: u32,
    more: &[(&str, &str)],
) -> Result<ObjectNumber, LdapResult> {
    let oid = format!("1.3.6.1.4.1.7165.4.6.2.6.{arc}");
    let plain = [
        ("objectClass", "classSchema"),
        ("governsID", oid.as_str()),
        ("objectClassCategory", "1"),
        ("subClassOf", "organizationalPerson"),
    ];
    let other = |name: &str| more.iter().any(|(given, _)| *given == name);
    let mut values: Vec<_> = plain.into_iter().filter(|(name, _)| !other(name)).collect();
    values.extend_from_slice(more);
    define(forest, name, &values)
}

fn why(result: Result<ObjectNumber, LdapResult>) -> (ResultCode, String) {
    let refusal = result.unwrap_err();
    (refusal.code, refusal.diagnostic.get(4..8).unwrap_or_default().to_owned())
}

fn schema_object(forest: &Forest, name: &str) -> ObjectNumber {
    forest.resolve(DC, &Name::from_text(&format!("CN={name},{SCHEMA}"))).unwrap()
}

fn unwilling(win32: &str) -> (ResultCode, String) {
    (ResultCode::UnwillingToPerform, win32.to_owned())
}

/// [MS-ADTS] 3.1.1.2.5.2: what the request leaves out the system adds.
#[test]
fn a_forest_defines_attributes_and_classes_and_uses_them() {
    let (mut forest, _) = forest_with(0);
    let before = std::sync::Arc::clone(forest.schema());
    let object = attribute(&mut forest, "test-Attr-1", 1, &[]).unwrap();
    assert_eq!(texts(&forest, object, "lDAPDisplayName"), ["testAttr1"]);
    assert_eq!(forest.values(DC, object, "schemaIDGUID")[0].len(), 16);
    let own: i64 = texts(&forest, object, "msDS-IntId")[0].parse().unwrap();
    assert!(own < 0, "a type beyond those of OIDs");

    let more = [("systemMustContain", "cn"), ("systemMustContain", "TESTATTR1")];
    let object = class(&mut forest, "test-Class", 1, &more).unwrap();
    assert_eq!(texts(&forest, object, "systemMustContain"), ["cn", "testAttr1"]);
    assert_eq!(texts(&forest, object, "rDNAttID"), ["cn"]);
    let own = format!("CN=test-Class,{SCHEMA}");
    assert_eq!(texts(&forest, object, "defaultObjectCategory")[0], own);

    let person = format!("CN=someone,CN=Users,{ROOT}");
    let missing = add_on(&mut forest, DC, &person, &[("objectClass", "testClass")]);
    assert_eq!(refused(missing), (ResultCode::ObjectClassViolation, "207C".to_owned()));
    let values = [("objectClass", "testClass"), ("testAttr1", "value")];
    let object = add_on(&mut forest, DC, &person, &values).unwrap().object;
    assert_eq!(texts(&forest, object, "testattr1"), ["value"]);
    assert_eq!(texts(&forest, object, "objectCategory"), [own]);

    // Whoever had read the schema before has it as it was.
    assert!(before.attribute_named("testAttr1").is_none());
    assert!(before.class_named("testClass").is_none());
}

/// What Exchange's schema defines has the same numbers when a file of definitions brings it.
#[test]
fn an_attribute_that_the_program_knows_keeps_its_number() {
    let mut forest = super::empty_forest(crate::directory::schema::Schema::base());
    let name = ("lDAPDisplayName", "extensionAttribute1");
    attribute(&mut forest, "ms-Exch-Extension-Attribute-1", 1, &[name]).unwrap();
    let number = forest.schema().attribute_named("extensionAttribute1").unwrap().number;
    assert_eq!(number, known::EXTENSION_ATTRIBUTE_1);
    attribute(&mut forest, "own", 2, &[]).unwrap();
    forest.extend_with_exchange();
    let schema = forest.schema();
    assert_eq!(schema.attribute_named("extensionAttribute1").unwrap().number, number);
    assert!(schema.attribute_named("own").is_some());
    assert!(schema.attribute_named("targetAddress").is_some());
}

/// [MS-ADTS] 3.1.1.2.5.1.1.
#[test]
fn a_definition_that_does_not_fit_is_refused() {
    let (mut forest, _) = forest_with(0);
    attribute(&mut forest, "first", 1, &[]).unwrap();
    let mut try_attribute = |more: &[(&str, &str)]| why(attribute(&mut forest, "second", 2, more));
    let taken = format!("{OID}.1");
    assert_eq!(try_attribute(&[("attributeID", taken.as_str())]), unwilling("20BB"));
    assert_eq!(try_attribute(&[("attributeID", "2.5.4.3")]), unwilling("20BB"));
    assert_eq!(try_attribute(&[("attributeID", "no-oid")]), unwilling("20CF"));
    assert_eq!(try_attribute(&[("lDAPDisplayName", "FIRST")]), unwilling("20BE"));
    assert_eq!(try_attribute(&[("lDAPDisplayName", "user")]), unwilling("20BE"));
    assert_eq!(try_attribute(&[("lDAPDisplayName", "1st")]), unwilling("211F"));
    assert_eq!(try_attribute(&[("oMSyntax", "65")]), unwilling("20C0"));
    assert_eq!(try_attribute(&[("oMObjectClass", "x")]), unwilling("211C"));
    assert_eq!(try_attribute(&[("rangeLower", "5"), ("rangeUpper", "4")]), unwilling("20BF"));
    assert_eq!(try_attribute(&[("linkID", "9000")]), unwilling("20BF"));
    assert_eq!(try_attribute(&[("msDS-IntId", "-5")]), unwilling("2077"));
    let dn = [("attributeSyntax", "2.5.5.1"), ("oMSyntax", "127")];
    let mut link = |link: &str| try_attribute(&[dn[0], dn[1], ("linkID", link)]);
    assert_eq!(link("2"), unwilling("2114"), "member has it");
    assert_eq!(link("9001"), unwilling("2122"));
    assert_eq!(link("memberOf"), unwilling("20BF"));
    let numbers = [("attributeSyntax", "2.5.5.9"), ("oMSyntax", "2"), ("searchFlags", "5")];
    assert_eq!(try_attribute(&numbers), unwilling("20BF"), "names are found by text");

    let mut try_class = |more: &[(&str, &str)]| why(class(&mut forest, "kind", 1, more));
    assert_eq!(try_class(&[("governsID", taken.as_str())]), unwilling("20BB"));
    assert_eq!(try_class(&[("lDAPDisplayName", "first")]), unwilling("20BE"));
    assert_eq!(try_class(&[("subClassOf", "nothing")]), unwilling("20C7"));
    assert_eq!(try_class(&[("subClassOf", "mailRecipient")]), unwilling("20C7"));
    assert_eq!(try_class(&[("auxiliaryClass", "user")]), unwilling("20C5"));
    assert_eq!(try_class(&[("mayContain", "nothing")]), unwilling("20C3"));
    assert_eq!(try_class(&[("mustContain", "nothing")]), unwilling("20C4"));
    assert_eq!(try_class(&[("possSuperiors", "nothing")]), unwilling("20C6"));
    assert_eq!(try_class(&[("rDNAttID", "objectSid")]), unwilling("20C8"));
    assert_eq!(try_class(&[("defaultSecurityDescriptor", "D:(A;;RP)")]), unwilling("053A"));
    let nowhere = try_class(&[("defaultObjectCategory", "CN=_")]);
    assert_eq!(nowhere.0, ResultCode::ConstraintViolation);
    let other = [("objectClass", "container")];
    assert_eq!(why(define(&mut forest, "box", &other)), unwilling("2035"));
}

/// linkID 1.2.840.113556.1.2.50 asks for a free one; the name of a forward link for its back link.
#[test]
fn links_are_numbered_and_paired() {
    let (mut forest, users) = forest_with(2);
    let dn = [("attributeSyntax", "2.5.5.1"), ("oMSyntax", "127"), ("isSingleValued", "FALSE")];
    let linked = |link| [dn[0], dn[1], dn[2], ("linkID", link)];
    let any = "1.2.840.113556.1.2.50";
    let forward = attribute(&mut forest, "friend", 1, &linked(any)).unwrap();
    let next = attribute(&mut forest, "rival", 2, &linked(any)).unwrap();
    let back = attribute(&mut forest, "friend-Of", 3, &linked("friend")).unwrap();
    let link = |object| texts(&forest, object, "linkID")[0].parse::<u32>().unwrap();
    assert_eq!((link(forward) % 2, link(next)), (0, link(forward) + 2));
    assert_eq!(link(back), link(forward) + 1);
    assert_eq!(why(attribute(&mut forest, "twice", 4, &linked("friend"))), unwilling("2114"));

    let top = schema_object(&forest, "Top");
    modify(&mut forest, top, vec![add("mayContain", &["friend", "friendOf"])]).unwrap();
    let target = texts(&forest, users[1], "distinguishedName").remove(0);
    modify(&mut forest, users[0], vec![add("friend", &[target.as_str()])]).unwrap();
    assert_eq!(texts(&forest, users[1], "friendOf").len(), 1);
}

/// [MS-ADTS] 3.1.1.2.5.1.2, 3.1.1.5.3.
#[test]
fn definitions_change_as_far_as_objects_stay_valid() {
    let (mut forest, users) = forest_with(1);
    let one = attribute(&mut forest, "one", 1, &[]).unwrap();
    attribute(&mut forest, "two", 2, &[]).unwrap();
    let set = |forest: &mut Forest, object, name: &str, value: &str| {
        modify(forest, object, vec![replace(name, &[value])])
    };
    let constraint = (ResultCode::ConstraintViolation, "20B1".to_owned());
    let other = format!("{OID}.9");
    assert_eq!(refused(set(&mut forest, one, "attributeID", &other)), constraint);
    assert_eq!(refused(set(&mut forest, one, "msDS-IntId", "-3")), constraint);
    assert_eq!(refused(set(&mut forest, one, "lDAPDisplayName", "two")), unwilling("20BE"));
    let nameless = modify(&mut forest, one, vec![replace("lDAPDisplayName", &[])]);
    assert_eq!(refused(nameless).0, ResultCode::ObjectClassViolation);
    set(&mut forest, one, "lDAPDisplayName", "uno").unwrap();
    assert!(forest.schema().attribute_named("one").is_none());

    let user = schema_object(&forest, "User");
    assert_eq!(refused(set(&mut forest, user, "lDAPDisplayName", "person2")), unwilling("213C"));
    let demand = modify(&mut forest, user, vec![add("mustContain", &["uno"])]);
    assert_eq!(refused(demand), unwilling("213C"));
    modify(&mut forest, user, vec![add("mayContain", &["uno"])]).unwrap();
    set(&mut forest, users[0], "uno", "value").unwrap();
    set(&mut forest, one, "rangeUpper", "3").unwrap();
    let long = refused(set(&mut forest, users[0], "uno", "value 2"));
    assert_eq!(long, (ResultCode::ConstraintViolation, "2082".to_owned()));

    // Confidential are the attributes that did not come with Windows' first schema.
    let address = schema_object(&forest, "Address-Home");
    set(&mut forest, address, "searchFlags", "128").unwrap();
    assert_eq!(forest.schema().attribute_named("homePostalAddress").unwrap().search_flags, 128);
    let title = schema_object(&forest, "Title");
    assert_eq!(refused(set(&mut forest, title, "searchFlags", "128")), unwilling("213C"));

    // Defunct is what nothing needs any more; its name is free then.
    assert_eq!(refused(set(&mut forest, one, "isDefunct", "TRUE")), unwilling("20C2"));
    modify(&mut forest, user, vec![replace("mayContain", &[])]).unwrap();
    set(&mut forest, one, "isDefunct", "TRUE").unwrap();
    assert!(forest.schema().attribute_named("uno").is_none());
    set(&mut forest, one, "isDefunct", "FALSE").unwrap();
    assert_eq!(texts(&forest, users[0], "uno"), ["value"]);
    assert_eq!(refused(set(&mut forest, title, "isDefunct", "TRUE")), unwilling("213C"));
}

#[test]
fn a_class_lends_its_descriptor_to_its_objects() {
    let (mut forest, _) = forest_with(0);
    let text = "D:(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;DA)";
    class(&mut forest, "plain", 1, &[("defaultSecurityDescriptor", text)]).unwrap();
    let object = format!("CN=someone,CN=Users,{ROOT}");
    let object = add_on(&mut forest, DC, &object, &[("objectClass", "plain")]).unwrap().object;
    let descriptor = forest.descriptor(&forest.dcs()[0], object).unwrap();
    let own = descriptor.dacl.iter().filter(|ace| ace.flags & 0x10 == 0);
    assert_eq!(own.count(), 1, "what the class gives, without what comes from above");
}

/// [MS-ADTS] 3.1.1.5.4, 3.1.1.5.5.3.
#[test]
fn definitions_stay_where_they_are() {
    let (mut forest, _) = forest_with(0);
    let own = attribute(&mut forest, "own", 1, &[]).unwrap();
    let principal = Principal::system();
    let writer = Writer::new(DC, &principal, now());
    let delete = DeleteRequest { object: Name::Number(own) };
    assert_eq!(refused(forest.delete(&writer, &delete)), unwilling("2035"));
    let rename = |object, new_rdn: &str| ModifyDnRequest {
        object: Name::Number(object),
        new_rdn: new_rdn.to_owned(),
        delete_old_rdn: true,
        new_superior: None,
    };
    let title = schema_object(&forest, "Title");
    assert_eq!(refused(forest.rename(&writer, &rename(title, "CN=T"))), unwilling("2035"));
    forest.rename(&writer, &rename(own, "CN=renamed")).unwrap();
    assert_eq!(&*forest.schema().attribute_named("own").unwrap().common_name, "renamed");
}

/// [MS-ADTS] 3.1.1.2.5: one domain controller takes them, and the others have them at once.
#[test]
fn another_domain_controller_refers_to_the_schema_master() {
    let (mut forest, _) = forest_with(0);
    let spec = DcSpec {
        host: "DC02".into(),
        site: "Site".into(),
        invocation_id: guid(2),
        read_only: false,
    };
    let other = forest.add_dc(DomainNumber(0), spec).unwrap();
    let values = [
        ("objectClass", "attributeSchema"),
        ("attributeID", "1.3.6.1.4.1.7165.1"),
        ("attributeSyntax", "2.5.5.12"),
        ("oMSyntax", "64"),
        ("isSingleValued", "TRUE"),
    ];
    let dn = format!("CN=own,{SCHEMA}");
    let refusal = add_on(&mut forest, other, &dn, &values).unwrap_err();
    assert_eq!(refusal.code, ResultCode::Referral);
    assert!(refusal.referrals[0].contains("DC01.contoso.com"), "{:?}", refusal.referrals);
    let title = schema_object(&forest, "Title");
    let principal = Principal::system();
    let writer = Writer::new(other, &principal, now());
    let request = ModifyRequest {
        object: Name::Number(title),
        changes: vec![replace("adminDescription", &["x"])],
    };
    assert_eq!(forest.modify(&writer, &request).unwrap_err().code, ResultCode::Referral);
    add_on(&mut forest, DC, &dn, &values).unwrap();
    let user = schema_object(&forest, "User");
    modify(&mut forest, user, vec![add("mayContain", &["own"])]).unwrap();
    let person = format!("CN=someone,CN=Users,{ROOT}");
    let values = [("objectClass", "user"), ("own", "value")];
    let object = add_on(&mut forest, other, &person, &values).unwrap().object;
    let value = forest.values(other, object, "own");
    assert_eq!(value, [b"value".to_vec()]);
}
