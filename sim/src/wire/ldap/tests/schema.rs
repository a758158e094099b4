//! The schema as the `ldap3` crate extends it: an attribute, a class that may have it, a value.

use super::*;

#[tokio::test]
async fn a_client_extends_the_schema_and_uses_it() {
    let running = running(1).await;
    let mut ldap = running.bound().await;
    let schema = "CN=Schema,CN=Configuration,DC=contoso,DC=com";
    let definition = vec![
        ("objectClass", ["attributeSchema"].into()),
        ("attributeID", ["1.3.6.1.4.1.7165.4.6.1"].into()),
        ("attributeSyntax", ["2.5.5.12"].into()),
        ("oMSyntax", ["64"].into()),
        ("isSingleValued", ["TRUE"].into()),
    ];
    let dn = format!("CN=own-Attribute,{schema}");
    let unknown = vec![Mod::Replace("ownAttribute", ["value"].into())];
    let person = format!("CN=User 00000,{PEOPLE}");
    assert_eq!(ldap.modify(&person, unknown.clone()).await.unwrap().rc, 16);
    ldap.add(&dn, definition).await.unwrap().success().unwrap();
    let now = vec![Mod::Add("schemaUpdateNow", ["1"].into())];
    ldap.modify("", now).await.unwrap().success().unwrap();
    let not_allowed = ldap.modify(&person, unknown.clone()).await.unwrap();
    assert_eq!((not_allowed.rc, &not_allowed.text[..8]), (65, "0000207D"));
    let may = vec![Mod::Add("mayContain", ["ownAttribute"].into())];
    ldap.modify(&format!("CN=User,{schema}"), may).await.unwrap().success().unwrap();
    ldap.modify(&person, unknown).await.unwrap().success().unwrap();
    let filter = "(ownattribute=VALUE)";
    let found = ldap.search(PEOPLE, ClientScope::OneLevel, filter, vec!["ownAttribute"]).await;
    let (entries, _) = found.unwrap().success().unwrap();
    let entry = ClientEntry::construct(entries.into_iter().next().unwrap());
    assert_eq!(entry.attrs["ownAttribute"], ["value"]);
    running.server.shut_down().await;
}
