//! Directory objects through the router: queries, deltas, and changes.

use core::time::Duration;

use serde_json::{Value, json};

use super::tests::Session;
use crate::entra::group::{Contact, Synced};
use crate::guid::Guid;

const ADVANCED: [(&str, &str); 1] = [("ConsistencyLevel", "eventual")];

fn names(body: &Value) -> Vec<&str> {
    body["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["displayName"].as_str().unwrap())
        .collect()
}

/// Filters, orders, searches and counts answer what they ask for, pages included.
#[tokio::test]
async fn users_are_found() {
    let session = Session::new("reader").await;
    let all = session.get("/v1.0/users?$orderby=displayName%20desc&$select=displayName,mail").await;
    let all = all.json();
    let everybody: Vec<String> = names(&all).into_iter().map(str::to_owned).collect();
    assert_eq!(everybody.len(), 3);
    let mut sorted = everybody.clone();
    sorted.sort_by(|a, b| b.cmp(a));
    assert_eq!(everybody, sorted);
    for (query, advanced, found) in [
        ("$filter=userPrincipalName%20eq%20'ANNA@contoso.lab'", false, 1),
        (
            "$filter=startswith(userPrincipalName,'b')%20or%20mail%20eq%20'clara@contoso.lab'",
            false,
            2,
        ),
        ("$filter=onPremisesSyncEnabled%20eq%20true", false, 3),
        ("$filter=proxyAddresses/any(p:p%20eq%20'smtp:anna@contoso.lab')", false, 1),
        ("$filter=accountEnabled%20eq%20false", false, 0),
        (
            "$filter=onPremisesExtensionAttributes/extensionAttribute1%20eq%20'HR-1'&$count=true",
            true,
            1,
        ),
        (
            "$filter=not%20startswith(userPrincipalName,'anna')&$count=true&$orderby=userPrincipalName",
            true,
            2,
        ),
        ("$search=%22userPrincipalName:anna%22", true, 1),
        ("$filter=endswith(mail,'@contoso.lab')&$count=true", true, 3),
    ] {
        let headers: &[(&str, &str)] = if advanced { &ADVANCED } else { &[] };
        let address = format!("/v1.0/users?{query}&$select=displayName");
        let answered = session.send("GET", &address, headers, &Value::Null).await;
        assert_eq!(answered.status.as_u16(), 200, "{query}: {}", answered.json());
        let body = answered.json();
        assert_eq!(names(&body).len(), found, "{query}");
        if query.contains("$count") {
            assert_eq!(body["@odata.count"], found);
        }
    }
    let refused = session.get("/v1.0/users?$filter=onPremisesSyncEnabled%20ne%20true").await;
    assert_eq!(refused.json()["error"]["code"], "Request_UnsupportedQuery");
    let filter = "$filter=onPremisesSyncEnabled%20eq%20true&$top=2&$select=displayName";
    let first = session.get(&format!("/v1.0/users?{filter}")).await.json();
    let next = first["@odata.nextLink"].as_str().unwrap().to_owned();
    let second = session.get(&next).await.json();
    assert_eq!((names(&first).len(), names(&second).len()), (2, 1));
    assert!(second.get("@odata.nextLink").is_none());
    let count = session.send("GET", "/v1.0/users/$count", &ADVANCED, &Value::Null).await;
    assert_eq!(count.body, b"3");
    assert_eq!(session.get("/v1.0/users/$count").await.status.as_u16(), 400);
    let address =
        format!("/v1.0/users/{}?$select=id&$expand=manager,memberOf", session.cloud.id("anna"));
    assert_eq!(session.get(&address).await.json()["memberOf"], json!([]));
    let with = format!("{}&$filter=mail%20ne%20null&$count=true", "/v1.0/users?$expand=memberOf");
    assert_eq!(session.send("GET", &with, &ADVANCED, &Value::Null).await.status.as_u16(), 400);
}

/// A delta query shows everybody once, then what changed and what is gone; its tokens run out.
#[tokio::test]
async fn deltas_show_what_changed() {
    let session = Session::new("hybridsim").await;
    let page = [("Prefer", "odata.maxpagesize=2")];
    let address = "/v1.0/users/delta()?$select=displayName,usageLocation";
    let first = session.send("GET", address, &page, &Value::Null).await.json();
    assert_eq!(first["value"].as_array().unwrap().len(), 2);
    assert_eq!(first["value"][0]["usageLocation"], "US", "who has a licence has a location");
    assert!(first.get("@odata.deltaLink").is_none());
    let next = first["@odata.nextLink"].as_str().unwrap().to_owned();
    let last = session.get(&next).await.json();
    assert_eq!(last["value"].as_array().unwrap().len(), 1);
    let delta = last["@odata.deltaLink"].as_str().unwrap().to_owned();
    let quiet = session.get(&delta).await.json();
    assert_eq!(quiet["value"], json!([]));

    let anna = session.cloud.id("anna");
    let patch = json!({"usageLocation": "DE", "@odata.type": "#microsoft.graph.user"});
    assert_eq!(session.call("PATCH", &format!("/v1.0/users/{anna}"), patch).await.0, 204);
    let new = json!({
        "accountEnabled": true, "displayName": "Dora", "mailNickname": "dora",
        "userPrincipalName": "dora@contoso.lab", "passwordProfile": {"password": "x"},
    });
    let (status, dora) = session.call("POST", "/v1.0/users", new).await;
    assert_eq!(status, 201, "{dora}");
    let dora = dora["id"].as_str().unwrap().to_owned();
    let changed = session.get(&delta).await.json();
    assert_eq!(
        changed["value"][0],
        json!({"displayName": changed["value"][0]["displayName"], "usageLocation": "DE", "id": anna})
    );
    assert_eq!(
        (&changed["value"][1]["id"], &changed["value"][1]["usageLocation"]),
        (&json!(dora), &Value::Null)
    );
    let delta = changed["@odata.deltaLink"].as_str().unwrap().to_owned();

    let user = format!("/v1.0/users/{dora}");
    assert_eq!(session.call("DELETE", &user, Value::Null).await.0, 204);
    assert_eq!(session.call("GET", &user, Value::Null).await.0, 404);
    let removed = |reason: &str| json!([{"id": dora, "@removed": {"reason": reason}}]);
    assert_eq!(session.get(&delta).await.json()["value"], removed("changed"));
    let item = format!("/v1.0/directory/deletedItems/{dora}");
    let listed = session.get("/v1.0/directory/deletedItems/microsoft.graph.user").await.json();
    assert_eq!(listed["value"][0]["id"], dora);
    assert_eq!(session.call("POST", &format!("{item}/restore"), json!({})).await.0, 200);
    assert_eq!(session.call("GET", &user, Value::Null).await.0, 200);
    assert_eq!(session.call("DELETE", &user, Value::Null).await.0, 204);
    assert_eq!(session.call("DELETE", &item, Value::Null).await.0, 204);
    assert_eq!(session.get(&delta).await.json()["value"], removed("deleted"));
    assert_eq!(session.call("DELETE", &item, Value::Null).await.0, 404);

    for (address, status, code) in [
        ("/v1.0/users/delta?$deltatoken=nonsense".to_owned(), 400, "syncStateNotFound"),
        ("/v1.0/users/delta?$top=5".to_owned(), 400, "Request_UnsupportedQuery"),
        (format!("{delta}&$select=id"), 400, "Request_BadRequest"),
    ] {
        let (got, body) = session.call("GET", &address, Value::Null).await;
        assert_eq!((got, &body["error"]["code"]), (status, &json!(code)), "{address}");
    }
    session
        .cloud
        .estate
        .with(|estate| estate.advance(estate.now() + Duration::from_hours(7 * 24 + 1)));
    let (status, body) = session.call("GET", &delta, Value::Null).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("syncStateNotFound")), "too old");
    let latest = session.get("/v1.0/users/delta?$deltatoken=latest").await.json();
    assert_eq!(latest["value"], json!([]));
    let only = format!("/v1.0/users/delta?$filter=id%20eq%20'{anna}'&$select=mail");
    assert_eq!(session.get(&only).await.json()["value"].as_array().unwrap().len(), 1);
}

/// A token that knows more than has happened means that the service was set back: 410, and where to
/// start over.
#[tokio::test]
async fn a_service_that_was_set_back_asks_for_a_fresh_start() {
    let session = Session::new("hybridsim").await;
    let before = session.cloud.estate.with(|estate| estate.clone());
    let anna = format!("/v1.0/users/{}", session.cloud.id("anna"));
    assert_eq!(session.call("PATCH", &anna, json!({"usageLocation": "DE"})).await.0, 204);
    let latest = session.get("/v1.0/users/delta?$deltatoken=latest").await.json();
    session.cloud.estate.with(|estate| *estate = before);
    let gone = session.get(latest["@odata.deltaLink"].as_str().unwrap()).await;
    assert_eq!(
        (gone.status.as_u16(), &gone.json()["error"]["code"]),
        (410, &json!("resyncRequired"))
    );
    assert!(
        session.get(gone.header("location")).await.json()["value"].as_array().unwrap().len() == 3
    );
}

/// AD decides over synchronized users, the directory's rules over others.
#[tokio::test]
async fn changes_of_users_are_refused_as_documented() {
    let session = Session::new("hybridsim").await;
    let anna = format!("/v1.0/users/{}", session.cloud.id("anna"));
    let mastered = "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.";
    for (body, message) in [
        (json!({"displayName": "A"}), mastered),
        (json!({"onPremisesExtensionAttributes": {"extensionAttribute1": "x"}}), mastered),
        (
            json!({"proxyAddresses": ["smtp:a@b.c"]}),
            "Property 'proxyAddresses' is read-only and cannot be set.",
        ),
        (
            json!({"usageLocation": ""}),
            "Invalid value specified for property 'usageLocation' of resource 'User'.",
        ),
        (
            json!({"usageLocation": "Deutschland"}),
            "Invalid value specified for property 'usageLocation' of resource 'User'.",
        ),
    ] {
        let (status, answer) = session.call("PATCH", &anna, body).await;
        assert_eq!((status, &answer["error"]["message"]), (400, &json!(message)));
    }
    assert_eq!(session.call("DELETE", &anna, Value::Null).await.0, 400);
    let new = |upn: &str| {
        json!({"accountEnabled": true, "displayName": "D", "mailNickname": "d",
            "userPrincipalName": upn, "passwordProfile": {}})
    };
    let (status, body) = session.call("POST", "/v1.0/users", new("anna@contoso.lab")).await;
    assert_eq!((status, &body["error"]["details"][0]["code"]), (400, &json!("ObjectConflict")));
    assert_eq!(session.call("POST", "/v1.0/users", new("d@elsewhere.example")).await.0, 400);
    assert_eq!(session.call("POST", "/v1.0/users", json!({"displayName": "D"})).await.0, 400);
    let (status, dora) = session.call("POST", "/v1.0/users", new("dora@contoso.lab")).await;
    assert_eq!(status, 201);
    let dora = format!("/v1.0/users/{}", dora["id"].as_str().unwrap());
    let body = json!({"mail": "d@contoso.lab", "onPremisesExtensionAttributes": {"extensionAttribute1": "x"}});
    assert_eq!(session.call("PATCH", &dora, body).await.0, 204);
    let shown = session
        .get(&format!("{dora}?$select=mail,proxyAddresses,onPremisesExtensionAttributes"))
        .await
        .json();
    assert_eq!(
        (&shown["mail"], &shown["proxyAddresses"]),
        (&json!("d@contoso.lab"), &json!(["SMTP:d@contoso.lab"]))
    );
    let (status, body) = session.call("PATCH", &dora, json!({"mail": "ben@contoso.lab"})).await;
    assert_eq!((status, &body["error"]["details"][0]["target"]), (400, &json!("mail")));
    let reader = Session::new("reader").await;
    assert_eq!(reader.call("PATCH", &anna, json!({"usageLocation": "DE"})).await.0, 403);
}

/// Authority over a whole user moves to the cloud and back with the next cycle of Connect Sync; the flag
/// has no meaning meanwhile, and what changes in AD is ignored.
#[tokio::test]
async fn authority_over_whole_objects_moves_and_comes_back() {
    let session = Session::new("hybridsim").await;
    let id = session.cloud.id("anna");
    let behavior = format!("/v1.0/users/{id}/onPremisesSyncBehavior");
    let set = |cloud: bool| session.call("PATCH", &behavior, json!({"isCloudManaged": cloud}));
    let mailbox = |session: &Session| {
        session.cloud.estate.with(|estate| {
            let mailbox = estate.exchange.mailbox(estate.exchange.find("anna").unwrap()).unwrap();
            (mailbox.dir_synced, mailbox.cloud_managed)
        })
    };
    session.cloud.estate.with(|estate| {
        let number = estate.exchange.find("anna").unwrap();
        estate.exchange.set_flag(number, estate.now(), true);
    });
    assert_eq!(set(true).await.0, 204);
    assert_eq!(session.get(&behavior).await.json()["isCloudManaged"], true);
    assert_eq!(mailbox(&session), (false, false));
    let user = format!("/v1.0/users/{id}");
    let enabled = || session.get("/v1.0/users?$filter=onPremisesSyncEnabled%20eq%20true");
    assert_eq!(enabled().await.json()["value"].as_array().unwrap().len(), 2);
    assert_eq!(
        session.call("PATCH", &user, json!({"displayName": "Anna of the cloud"})).await.0,
        204
    );
    assert_eq!(set(false).await.0, 204);
    assert_eq!(session.call("PATCH", &user, json!({"displayName": "still"})).await.0, 204);
    session.cloud.estate.with(|estate| {
        estate.start_connect_cycle();
        estate.advance(estate.now() + Duration::from_mins(20));
    });
    assert_eq!(enabled().await.json()["value"].as_array().unwrap().len(), 3);
    assert_eq!(mailbox(&session), (true, false));
    let shown = session.get(&user).await.json();
    assert_ne!(shown["displayName"], "still", "AD overwrites what the cloud said");
    let ben = format!("/v1.0/users/{}/onPremisesSyncBehavior", session.cloud.id("ben"));
    session.cloud.estate.with(|estate| estate.connect.build = "2.5.3.0".to_owned());
    assert_eq!(session.call("PATCH", &ben, json!({"isCloudManaged": true})).await.0, 400);
    let reader = Session::new("reader").await;
    assert_eq!(reader.call("GET", &behavior, Value::Null).await.0, 403);
}

/// Groups are made, changed and looked at; contacts are looked at; each has its authority.
#[tokio::test]
async fn groups_and_contacts_are_directory_objects() {
    let session = Session::new("hybridsim").await;
    let anna = session.cloud.id("anna");
    let link = |id: &str| format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}");
    let new = json!({
        "displayName": "Pilot", "mailNickname": "pilot", "mailEnabled": true, "securityEnabled": false,
        "groupTypes": ["Unified"], "members@odata.bind": [link(&anna)],
    });
    let (status, group) = session.call("POST", "/v1.0/groups", new.clone()).await;
    assert_eq!((status, &group["mail"]), (201, &json!("pilot@contoso.lab")));
    let (status, body) = session.call("POST", "/v1.0/groups", new).await;
    assert_eq!((status, &body["error"]["details"][0]["code"]), (400, &json!("ObjectConflict")));
    let group = format!("/v1.0/groups/{}", group["id"].as_str().unwrap());
    let members = format!("{group}/members");
    assert_eq!(session.get(&members).await.json()["value"][0]["id"], anna);
    let ben = session.cloud.id("ben");
    let add = json!({"@odata.id": link(&ben)});
    assert_eq!(session.call("POST", &format!("{members}/$ref"), add.clone()).await.0, 204);
    assert_eq!(session.call("POST", &format!("{members}/$ref"), add).await.0, 400);
    assert_eq!(session.call("DELETE", &format!("{members}/{ben}/$ref"), Value::Null).await.0, 204);
    let of = session.get(&format!("/v1.0/users/{anna}/memberOf?$select=displayName")).await.json();
    assert_eq!(of["value"], json!([{"displayName": "Pilot"}]));
    let found =
        session.get("/v1.0/groups?$filter=startswith(displayName,'pi')&$select=id").await.json();
    assert_eq!(found["value"].as_array().unwrap().len(), 1);
    assert_eq!(session.call("PATCH", &group, json!({"displayName": "Wave 1"})).await.0, 204);
    assert_eq!(session.get(&group).await.json()["displayName"], "Wave 1");
    let behavior = format!("{group}/onPremisesSyncBehavior");
    assert_eq!(session.get(&behavior).await.json()["isCloudManaged"], false);
    assert_eq!(
        session.call("PATCH", &behavior, json!({"isCloudManaged": true})).await.0,
        400,
        "not synced"
    );
    // Distribution lists that moved to the cloud are managed in Exchange Online.
    let kinds = |kinds: &[&str]| {
        let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        session.cloud.estate.with(|estate| estate.entra.groups[0].types = kinds);
    };
    kinds(&[]);
    assert_eq!(session.call("PATCH", &group, json!({"displayName": "Wave 2"})).await.0, 400);
    kinds(&["Unified"]);
    assert_eq!(session.call("DELETE", &group, Value::Null).await.0, 204);
    assert_eq!(session.call("GET", &group, Value::Null).await.0, 404);

    session.cloud.estate.with(|estate| {
        estate.entra.contacts.push(Contact {
            id: Guid([7; 16]),
            deleted: None,
            synced: Synced {
                sync_enabled: Some(true),
                object_cloud_managed: false,
                on_premises: None,
            },
            display_name: "Partner".to_owned(),
            mail_nickname: "partner".to_owned(),
            mail: "partner@elsewhere.example".to_owned(),
            proxy_addresses: vec!["SMTP:partner@elsewhere.example".to_owned()],
            position: 0,
        });
    });
    let contact = format!("/v1.0/contacts/{}", Guid([7; 16]));
    assert_eq!(session.get("/v1.0/contacts").await.json()["value"][0]["displayName"], "Partner");
    let behavior = format!("{contact}/onPremisesSyncBehavior");
    assert_eq!(session.call("PATCH", &behavior, json!({"isCloudManaged": true})).await.0, 204);
    assert_eq!(session.get(&contact).await.json()["onPremisesSyncEnabled"], Value::Null);
    assert_eq!(session.call("DELETE", &contact, Value::Null).await.0, 501, "read-only");
}

/// References come with the change of a group, all of them or none; a binding that a call does not know is
/// refused and never passed over. Names are taken in any case.
#[tokio::test]
async fn what_is_bound_is_there_or_refused() {
    let session = Session::new("hybridsim").await;
    let [anna, ben] = ["anna", "ben"].map(|name| session.cloud.id(name));
    let link = |id: &str| format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}");
    let new = json!({
        "DisplayName": "Ring", "mailNickName": "ring", "MailEnabled": false, "securityEnabled": true,
    });
    let (status, group) = session.call("POST", "/v1.0/groups", new).await;
    assert_eq!((status, &group["displayName"]), (201, &json!("Ring")));
    let group = format!("/v1.0/groups/{}", group["id"].as_str().unwrap());
    let bind = |ids: &[&str]| {
        let links: Vec<String> = ids.iter().map(|id| link(id)).collect();
        json!({"members@odata.bind": links})
    };
    assert_eq!(session.call("PATCH", &group, bind(&[&anna])).await.0, 204);
    assert_eq!(session.call("PATCH", &group, bind(&[&ben, &anna])).await.0, 400, "anna is there");
    let expanded = format!("{group}?$expand=members($select=displayName,mail)&$select=id");
    let shown = session.get(&expanded).await.json();
    assert_eq!(shown["members"].as_array().unwrap().len(), 1, "none of a refused change");
    assert_eq!(shown["members"][0]["id"], anna);
    assert!(shown["members"][0].get("userPrincipalName").is_none());
    assert_eq!(session.call("PATCH", &group, bind(&vec![ben.as_str(); 21])).await.0, 400);
    for (address, name) in [
        (group.clone(), "owners@odata.bind"),
        (group, "banana@odata.bind"),
        (format!("/v1.0/users/{anna}"), "manager@odata.bind"),
    ] {
        let (status, body) = session.call("PATCH", &address, json!({name: link(&ben)})).await;
        assert_eq!(status, 400, "{address}: {name}");
        assert!(body["error"]["message"].as_str().unwrap().contains(name), "{body}");
    }
    let address = format!("/v1.0/users/{anna}/assignLicense");
    assert_eq!(session.call("POST", &address, json!({})).await.0, 400, "both lists are demanded");
    let people = "/v1.0/users?$expand=manager($select=id,displayName)&$top=1";
    assert_eq!(session.get(people).await.status.as_u16(), 200);
    assert_eq!(session.get("/v1.0/users?$expand=manager($levels=max)").await.status.as_u16(), 400);
}

/// Groups in groups are followed where that is asked for, members are told by type, and the ids of SDKs
/// (`graph.user`) mean the same.
#[tokio::test]
async fn memberships_are_followed_and_told_by_type() {
    let session = Session::new("hybridsim").await;
    let anna = session.cloud.id("anna");
    let mut groups = Vec::new();
    for name in ["inner", "outer"] {
        let new = json!({
            "displayName": name, "mailNickname": name, "mailEnabled": name == "inner",
            "securityEnabled": name == "outer",
            "groupTypes": if name == "inner" { json!(["Unified"]) } else { json!([]) },
        });
        let (_, group) = session.call("POST", "/v1.0/groups", new).await;
        groups.push(group["id"].as_str().unwrap().to_owned());
    }
    let [inner, outer] = [&groups[0], &groups[1]];
    for (group, member) in [(inner, &anna), (outer, inner)] {
        let link = format!("https://graph.microsoft.com/v1.0/directoryObjects/{member}");
        let address = format!("/v1.0/groups/{group}/members/$ref");
        assert_eq!(session.call("POST", &address, json!({"@odata.id": link})).await.0, 204);
    }
    let ids = |listed: &Value| -> Vec<String> {
        let listed = listed["value"].as_array().unwrap().iter();
        listed.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    for (address, expected) in [
        (format!("/v1.0/users/{anna}/memberOf"), vec![inner]),
        (format!("/v1.0/users/{anna}/memberOf/graph.group"), vec![inner]),
        (format!("/v1.0/users/{anna}/transitiveMemberOf"), vec![inner, outer]),
        (format!("/v1.0/groups/{inner}/transitiveMemberOf"), vec![outer]),
        (format!("/v1.0/groups/{outer}/members/microsoft.graph.user"), vec![]),
        (format!("/v1.0/groups/{outer}/members/graph.group"), vec![inner]),
        (format!("/v1.0/groups/{outer}/transitiveMembers/graph.user"), vec![&anna]),
    ] {
        let shown = session.get(&address).await.json();
        assert_eq!(ids(&shown).iter().collect::<Vec<_>>(), expected, "{address}");
    }
    let asked = json!({"securityEnabledOnly": true});
    let address = format!("/v1.0/users/{anna}/getMemberGroups");
    assert_eq!(session.call("POST", &address, asked).await.1["value"], json!([outer]));
    let asked = json!({"groupIds": [outer, inner, anna]});
    let address = format!("/v1.0/users/{anna}/checkMemberGroups");
    assert_eq!(session.call("POST", &address, asked).await.1["value"], json!([outer, inner]));
}

/// The tenant's switches are read and set, all of a request or nothing.
#[tokio::test]
async fn the_switches_of_synchronization_are_set() {
    let session = Session::new("hybridsim").await;
    let address = format!("/v1.0/directory/onPremisesSynchronization/{}", session.cloud.tenant());
    let patch = json!({
        "features": {"blockSoftMatchEnabled": true},
        "configuration": {"accidentalDeletionPrevention": {"alertThreshold": 20}},
    });
    assert_eq!(session.call("PATCH", &address, patch).await.0, 204);
    let wrong = json!({"features": {"blockSoftMatchEnabled": false, "nothing": true}});
    assert_eq!(session.call("PATCH", &address, wrong).await.0, 400);
    let list = session.get("/v1.0/directory/onPremisesSynchronization").await.json();
    let shown = &list["value"][0];
    assert_eq!(shown["features"].as_object().unwrap().len(), 20);
    assert_eq!(shown["features"]["blockSoftMatchEnabled"], true);
    assert_eq!(shown["configuration"]["accidentalDeletionPrevention"]["alertThreshold"], 20);
    let domains = session.get("/v1.0/domains").await.json();
    assert_eq!(domains["value"][0]["id"], "contoso.lab");
    let organization = format!("/v1.0/organization/{}", session.cloud.tenant());
    assert_eq!(
        session.call("PATCH", &organization, json!({"onPremisesSyncEnabled": false})).await.0,
        204
    );
    assert_eq!(session.get(&organization).await.json()["onPremisesSyncEnabled"], Value::Null);
}

/// A licence needs a usage location, brings the service's addresses, and its removal leaves the primary that AD
/// lists.
#[tokio::test]
async fn licences_come_and_go() {
    let session = Session::new("hybridsim").await;
    let anna = session.cloud.id("anna");
    let address = format!("/v1.0/users/{anna}/assignLicense");
    let sku = "6fd2c87f-b296-42f0-b197-1e91e994b900";
    let add = json!({"addLicenses": [{"skuId": sku, "disabledPlans": []}], "removeLicenses": []});
    let remove = json!({"addLicenses": [], "removeLicenses": [sku]});
    let user = format!("/v1.0/users/{anna}");
    let nowhere = json!({"usageLocation": null});
    assert_eq!(session.call("PATCH", &user, nowhere).await.0, 204);
    let (status, refused) = session.call("POST", &address, add.clone()).await;
    assert_eq!((status, &refused["error"]["code"]), (400, &json!("Request_BadRequest")));
    assert_eq!(session.call("PATCH", &user, json!({"usageLocation": "DE"})).await.0, 204);
    assert_eq!(session.call("POST", &address, remove.clone()).await.0, 200);
    assert_eq!(session.call("POST", &address, remove).await.0, 400, "there is none any more");
    let shown = format!("/v1.0/users/{anna}?$select=mail,assignedLicenses");
    let without = session.get(&shown).await.json();
    assert_eq!(without["mail"], "anna@contoso.lab");
    assert_eq!(without["assignedLicenses"], json!([]));
    let (status, user) = session.call("POST", &address, add).await;
    assert_eq!((status, &user["displayName"]), (200, &json!("anna")));
    let details = session.get(&format!("/v1.0/users/{anna}/licenseDetails")).await.json();
    assert_eq!(details["value"][0]["skuPartNumber"], "ENTERPRISEPACK");
    let skus = session.get("/v1.0/subscribedSkus").await.json();
    assert_eq!(skus["value"][0]["consumedUnits"], 3);
    let wrong = json!({"addLicenses": [{"skuId": anna}], "removeLicenses": []});
    assert_eq!(session.call("POST", &address, wrong).await.0, 400);
}
