//! What somebody may register for a computer who may not write its attributes.

use super::*;
use crate::directory::principal::Rights;
use crate::directory::request::AddRequest;
use crate::directory::security::access::Token;
use crate::directory::security::descriptor::{Ace, SELF, WRITE_PROPERTY};

const DNS_HOST_NAME: &str = "72e39547-7b18-11d1-adef-00c04fd8d5cd";
const SERVICE_PRINCIPAL_NAME: &str = "f3a64788-5306-11d1-a9c5-0000f80367c1";
const OWN: &str = "machine.contoso.com";

/// A computer or a user, on which `user0` has rights on single attributes.
fn account(class: &str, rights: &[(u32, &str)]) -> (Forest, ObjectNumber, Principal) {
    let (mut forest, _) = forest_with(1);
    let value = |text: &str| vec![text.as_bytes().to_vec()];
    let attributes = vec![
        (AttributeName::from("objectClass"), value(class)),
        (AttributeName::from("sAMAccountName"), value("machine$")),
    ];
    let request = AddRequest { dn: format!("CN=machine,CN=Computers,{ROOT}"), attributes };
    let writer = Principal::system();
    let added = forest.add(&Writer::new(DC, &writer, now()), &request, guid(4_000_000));
    let object = added.unwrap().object;
    let sid = forest.domains()[0].sid.with_rid(1000);
    let mut descriptor = forest.descriptor(&forest.dcs()[0], object).unwrap();
    for (mask, attribute) in rights {
        let ace = Ace {
            deny: false,
            audit: false,
            flags: 0,
            mask: *mask,
            object: attribute.parse().ok(),
            inherited_object: None,
            sid: sid.clone(),
        };
        descriptor.dacl.insert(0, ace);
    }
    let change = Change {
        operation: ChangeOperation::Replace,
        attribute: "nTSecurityDescriptor".into(),
        values: vec![descriptor.to_bytes(15)],
    };
    modify(&mut forest, object, vec![change]).unwrap();
    let users = forest.domains()[0].sid.with_rid(513);
    let rights = Rights::Acl(Token::new(sid.clone(), vec![users]));
    let name = "CONTOSO\\user0".into();
    (forest, object, Principal { name, sid: Some(sid), rights, secure: true })
}

fn invalid() -> (ResultCode, String) {
    (ResultCode::ConstraintViolation, "202F".to_owned())
}

/// [MS-ADTS] 3.1.1.5.3.1.1.2.
#[test]
fn a_host_name_is_the_accounts_in_the_domain() {
    let (mut forest, object, user) = account("computer", &[(SELF, DNS_HOST_NAME)]);
    for other in ["machine", "machine$.contoso.com", "other.contoso.com", "machine.other.com"] {
        let write = modify_as(&mut forest, &user, object, vec![replace("dNSHostName", &[other])]);
        assert_eq!(refused(write), invalid(), "{other}");
    }
    for own in [OWN, "MACHINE.contoso.com"] {
        modify_as(&mut forest, &user, object, vec![replace("dNSHostName", &[own])]).unwrap();
    }
    let head = forest.domains()[0].head;
    modify(&mut forest, head, vec![add("msDS-AllowedDNSSuffixes", &["lab.example"])]).unwrap();
    let own = ["machine.lab.example"];
    modify_as(&mut forest, &user, object, vec![replace("dNSHostName", &own)]).unwrap();

    let (mut forest, object, user) = account("user", &[(SELF, DNS_HOST_NAME)]);
    let write = modify_as(&mut forest, &user, object, vec![replace("dNSHostName", &[OWN])]);
    assert_eq!(refused(write).0, ResultCode::InsufficientAccessRights);
    // Who may write the attribute writes what he likes.
    let (mut forest, object, user) = account("computer", &[(WRITE_PROPERTY, DNS_HOST_NAME)]);
    modify_as(&mut forest, &user, object, vec![replace("dNSHostName", &["any"])]).unwrap();
}

/// [MS-ADTS] 3.1.1.5.3.1.1.4: all elements of a request count together.
#[test]
fn services_are_those_of_the_computer() {
    let both = [(SELF, DNS_HOST_NAME), (SELF, SERVICE_PRINCIPAL_NAME)];
    let (mut forest, object, user) = account("computer", &both);
    let name = replace("dNSHostName", &[OWN]);
    let mut write = |changes: Vec<Change>| modify_as(&mut forest, &user, object, changes);
    for other in ["host/other.contoso.com", "host/machine/contoso.com"] {
        let changes = vec![name.clone(), add("servicePrincipalName", &[other])];
        assert_eq!(refused(write(changes)), invalid(), "{other}");
    }
    let own = ["host/machine.contoso.com", "host/machine", "MSSQLSvc/machine.contoso.com:1433"];
    write(vec![add("servicePrincipalName", &own), name]).unwrap();
    let away = vec![delete("servicePrincipalName", &["host/machine"])];
    write(away).unwrap();
}

/// Samba's tests of Windows: the names follow whatever the order of the elements, and only those that named
/// the computer as it was called.
#[test]
fn services_follow_the_names_of_their_computer() {
    let (mut forest, object, _) = account("computer", &[]);
    let names = ["HOST/machine", "HOST/machine.contoso.com", "HOST/other", "x/MACHINE:1/contoso"];
    let first = vec![add("servicePrincipalName", &names), add("dNSHostName", &[OWN])];
    modify(&mut forest, object, first).unwrap();
    let mut set = |name: &str, value: &[&str]| {
        modify(&mut forest, object, vec![replace(name, value)]).unwrap();
        texts(&forest, object, "servicePrincipalName")
    };
    assert_eq!(set("dNSHostName", &["MACHINE.contoso.com"]), names, "the same name");
    let host = set("dNSHostName", &["new.contoso.com"]);
    assert_eq!(host[..3], ["HOST/machine", "HOST/new.contoso.com", "HOST/other"]);
    let account = set("sAMAccountName", &["new$"]);
    assert_eq!(account, ["HOST/new", "HOST/new.contoso.com", "HOST/other", "x/new:1/contoso"]);
    assert_eq!(set("dNSHostName", &[])[1], "HOST/new.contoso.com");
}
