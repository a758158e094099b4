//! Cmdlets through the router.

use core::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::entra::group::{Contact, Group, Synced};
use crate::guid::Guid;
use crate::wire::test_cloud::{Answered, HOST, TestCloud};

fn body(cmdlet: &str, parameters: &Value) -> String {
    json!({"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}).to_string()
}

struct Session {
    cloud: TestCloud,
    token: String,
}

impl Session {
    async fn new(application: &str) -> Self {
        let cloud = TestCloud::new();
        let token = cloud.exchange_token(application).await;
        Self { cloud, token }
    }

    async fn post(&self, address: &str, headers: &[(&str, &str)], body: &str) -> Answered {
        let mut all = vec![("authorization", self.token.as_str())];
        all.extend_from_slice(headers);
        self.cloud.request("POST", address, &all, body).await
    }

    async fn run(&self, cmdlet: &str, parameters: &Value) -> Answered {
        let address = format!("/adminapi/beta/{}/InvokeCommand", self.cloud.tenant());
        self.post(&address, &[], &body(cmdlet, parameters)).await
    }
}

/// The shape of a row that clients parse: annotations, empty texts, instants.
#[tokio::test]
async fn a_mailbox_has_the_published_shape() {
    let session = Session::new("hybridsim").await;
    let answered = session.run("get-mailbox", &json!({"Identity": "anna@contoso.lab"})).await;
    assert_eq!(answered.status, StatusCode::OK);
    assert_eq!(answered.header("date"), "Tue, 01 Sep 2026 08:00:00 GMT");
    assert!(!answered.header("request-id").is_empty());
    let text = String::from_utf8(answered.body.clone()).unwrap();
    let addresses = text.find("\"EmailAddresses@odata.type\":\"#Collection(String)\"").unwrap();
    assert!(addresses < text.find("\"EmailAddresses\":").unwrap(), "annotations come first");
    let body = answered.json();
    assert_eq!(body["@adminapi.warnings"], json!([]));
    assert!(
        body["@odata.context"].as_str().unwrap().starts_with(&format!("https://{HOST}/adminapi/"))
    );
    let row = &body["value"][0];
    assert_eq!(row["ExternalDirectoryObjectId"], session.cloud.id("anna"));
    assert_eq!(row["UserPrincipalName"], "anna@contoso.lab");
    assert_eq!(row["PrimarySmtpAddress"], "anna@contoso.lab");
    assert_eq!(row["CustomAttribute1"], "HR-1");
    assert_eq!(row["CustomAttribute2"], "");
    assert_eq!(row["ExtensionCustomAttribute1"], json!([]));
    assert_eq!(row["IsDirSynced"], true);
    assert_eq!(row["IsExchangeCloudManaged"], false);
    assert_eq!(row["HiddenFromAddressListsEnabled"], false);
    assert_eq!(row["MailTip"], Value::Null);
    assert_eq!(row["RecipientTypeDetails"], "UserMailbox");
    assert_eq!(row["WhenChangedUTC@data.type"], "System.DateTime");
    assert_eq!(row["WhenChangedUTC"], "2026-08-31T08:00:00.0000000Z");
    assert_eq!(row["WhenChanged"], "2026-08-31T08:00:00.0000000+00:00");
    assert!(!row["ImmutableId"].as_str().unwrap().is_empty());
}

/// Paths, tenants and options come in many spellings.
#[tokio::test]
async fn a_selection_restricts_and_spellings_do_not_matter() {
    let session = Session::new("reader").await;
    let body = body("Get-Mailbox", &json!({"Identity": "ben@contoso.lab"}));
    let address =
        "/AdminApi/Beta/contoso.lab//invokecommand?%24select=UserPrincipalName,isdirsynced,NoSuch";
    let row = session.post(address, &[], &body).await.json()["value"][0].clone();
    assert_eq!(row, json!({"UserPrincipalName": "ben@contoso.lab", "IsDirSynced": true}));
}

/// A fleet tool reads page after page by posting the same body to each next link.
#[tokio::test]
async fn pages_follow_by_post() {
    let session = Session::new("reader").await;
    let body = body("Get-Mailbox", &json!({"ResultSize": "Unlimited"}));
    let prefer = [("prefer", "odata.maxpagesize = 2;odata.continue-on-error")];
    let address = "/adminapi/beta/contoso.lab/InvokeCommand?$select=UserPrincipalName";
    let first = session.post(address, &prefer, &body).await.json();
    assert_eq!(first["value"].as_array().unwrap().len(), 2);
    assert_eq!(first["@adminapi.warnings"], json!([]), "unlimited listings carry no warning");
    let next = first["@odata.nextLink"].as_str().unwrap();
    assert!(next.starts_with(&format!("https://{HOST}{address}&$skiptoken=")), "{next}");
    let last = session.post(next, &prefer, &body).await.json();
    assert_eq!(last["value"], json!([{"UserPrincipalName": "clara@contoso.lab"}]));
    assert!(last.get("@odata.nextLink").is_none());

    session.cloud.estate.with(|estate| estate.advance(estate.now() + Duration::from_secs(1_801)));
    let old = session.post(next, &prefer, &body).await;
    assert_eq!(old.status, StatusCode::BAD_REQUEST, "a link lasts half an hour");

    let other = super::tests::body("Get-Mailbox", &json!({}));
    let foreign = session.post(next, &prefer, &other).await;
    assert_eq!(foreign.status, StatusCode::BAD_REQUEST);
    let message = foreign.json()["error"]["innererror"]["internalexception"]["message"].clone();
    assert!(message.as_str().unwrap().starts_with("Expired or Invalid pagination request"));
    let limited = session.post(address, &prefer, &other).await.json();
    assert!(limited["@adminapi.warnings"][0].as_str().unwrap().contains("ResultSize"));
}

/// Each refusal has the envelope in which clients look for class and text.
#[tokio::test]
async fn refusals_have_the_envelope() {
    let session = Session::new("hybridsim").await;
    let cases = [
        (
            ("Get-Mailbox", json!({"Identity": "nobody@contoso.lab"})),
            (404, "NotFound", "Error executing cmdlet", "ManagementObjectNotFoundException"),
        ),
        (
            ("Get-Mailbox", json!({"NoSuch": 1})),
            (400, "BadRequest", "Invalid Operation", "AmbiguousParameterSetException"),
        ),
        (
            ("Set-Mailbox", json!({"Identity": "anna", "IsExchangeCloudManaged": "perhaps"})),
            (400, "BadRequest", "Invalid Operation", "ParameterTransformationException"),
        ),
        (
            ("Set-Mailbox", json!({"Identity": "anna", "CustomAttribute1": "x", "Alias": "y"})),
            (400, "BadRequest", "Error executing cmdlet", "System.InvalidOperationException"),
        ),
    ];
    for ((cmdlet, parameters), (status, code, message, class)) in cases {
        let answered = session.run(cmdlet, &parameters).await;
        assert_eq!(answered.status.as_u16(), status, "{parameters}");
        let error = answered.json()["error"].clone();
        assert_eq!((&error["code"], &error["message"]), (&json!(code), &json!(message)));
        let detail = error["details"][0]["message"].as_str().unwrap();
        let parts: Vec<&str> = detail.splitn(3, '|').collect();
        assert!(parts[1].ends_with(class), "{detail}");
        assert_eq!(error["innererror"]["internalexception"]["message"], parts[2]);
        if class.starts_with("System") {
            assert!(parts[2].contains("'CustomAttribute1,Alias'"), "all offenders: {detail}");
        }
    }
    let address = format!("/adminapi/beta/{}/InvokeCommand", session.cloud.tenant());
    let broken = session.post(&address, &[], "{").await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    assert_eq!(broken.json()["error"]["code"], "BadRequest");
}

/// 401 without a usable token, 403 without JSON without a role or a cmdlet.
#[tokio::test]
async fn who_may_not_is_told_apart() {
    let status = async |session: &Session, cmdlet: &str, parameters: Value| {
        let answered = session.run(cmdlet, &parameters).await;
        let is_json = serde_json::from_slice::<Value>(&answered.body).is_ok();
        (answered.status.as_u16(), is_json)
    };
    let identity = json!({"Identity": "anna"});
    let flag = json!({"Identity": "anna", "IsExchangeCloudManaged": true});
    let mut session = Session::new("helpdesk").await;
    assert_eq!(status(&session, "Get-Mailbox", identity.clone()).await, (200, true));
    assert_eq!(status(&session, "Set-Mailbox", flag.clone()).await, (403, false));
    assert_eq!(status(&session, "Remove-MailContact", identity.clone()).await, (403, false));
    session.token = session.cloud.exchange_token("unprivileged").await;
    assert_eq!(status(&session, "Get-Mailbox", identity.clone()).await, (401, false));
    session.token = session.cloud.exchange_token("engine-unprivileged").await;
    let now = || session.cloud.estate.with(|estate| estate.now());
    let before = now();
    assert_eq!(status(&session, "Get-Mailbox", identity.clone()).await, (403, false));
    assert!(before < now(), "a refusal of the estate costs the engine time, as in process");
    let address = "/adminapi/beta/contoso.lab/InvokeCommand";
    assert_eq!(session.post(address, &[], "{").await.status, StatusCode::FORBIDDEN);
    session.token = session.cloud.graph_token("hybridsim").await;
    let answered = session.run("Get-Mailbox", &identity).await;
    assert_eq!(answered.status, StatusCode::UNAUTHORIZED);
    assert!(answered.header("www-authenticate").starts_with("Bearer "));
    session.token = "Bearer nonsense".to_owned();
    assert_eq!(status(&session, "Get-Mailbox", identity).await, (401, false));
}

/// What is not there is not there, and `v1.0` knows the path but not the method.
#[tokio::test]
async fn other_places_are_refused() {
    let session = Session::new("hybridsim").await;
    for (address, status) in [
        ("/adminapi/v1.0/contoso.lab/InvokeCommand", 405),
        ("/adminapi/v2.0/contoso.lab/Mailbox", 404),
        ("/adminapi/beta/nowhere.example/InvokeCommand", 404),
        ("/adminapi/beta/contoso.lab/Mailbox", 405),
        ("/adminapi/beta/contoso.lab/CasMailbox", 404),
        ("/adminapi", 404),
    ] {
        let answered = session.post(address, &[], &body("Get-Mailbox", &json!({}))).await;
        assert_eq!(answered.status.as_u16(), status, "{address}");
    }
}

/// The flag is flipped in batches with absolute addresses; each part fails for itself.
#[tokio::test]
async fn a_batch_answers_each_part() {
    let session = Session::new("hybridsim").await;
    let part = |id: &str, url: &str, cmdlet: &str, parameters: Value| {
        json!({"id": id, "method": "POST",
            "url": format!("https://outlook.office365.com/adminapi/beta/contoso.lab/{url}"),
            "headers": {"X-CmdletName": cmdlet},
            "body": {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}})
    };
    let id = session.cloud.id("anna");
    let flag = json!({"Identity": id, "IsExchangeCloudManaged": true});
    let requests = json!({"requests": [
        part("a", "InvokeCommand", "Set-Mailbox", flag.clone()),
        part("b", "InvokeCommand?", "Set-Mailbox", flag),
        part("c", "InvokeCommand", "Remove-MailContact", json!({"Identity": id})),
        part("d", "InvokeCommand", "Get-Mailbox", json!({"Identity": "nobody"})),
        part("e", "InvokeCommand?$select=IsExchangeCloudManaged", "Get-Mailbox",
            json!({"Identity": id})),
        part("f", "Mailbox", "Get-Mailbox", json!({})),
        json!({"id": "g", "method": "GET", "url": format!(
            "https://outlook.office365.com/adminapi/beta/contoso.lab/Mailbox('{id}')?$select=Alias")}),
    ]});
    let address = "/adminapi/beta/contoso.lab/$batch";
    let body = session.post(address, &[], &requests.to_string()).await.json();
    let answers = body["responses"].as_array().unwrap();
    let statuses: Vec<u64> = answers.iter().map(|a| a["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 200, 403, 404, 200, 405, 200]);
    assert_eq!(answers[0]["body"]["value"], json!([]));
    assert!(answers[1]["body"]["@adminapi.warnings"][0].as_str().unwrap().contains("no settings"));
    assert_eq!(answers[2]["body"], "");
    assert!(answers[3]["body"]["error"]["details"][0]["message"].is_string());
    assert_eq!(answers[4]["body"]["value"], json!([{"IsExchangeCloudManaged": true}]));
    assert_eq!(answers[6]["body"]["Alias"], "anna", "{}", answers[6]);
    assert!(answers[6]["headers"]["Request-Id"].is_string(), "{}", answers[6]);
    let eleven: Vec<Value> =
        (0..11).map(|n| part(&n.to_string(), "InvokeCommand", "Get-Mailbox", json!({}))).collect();
    let body = json!({"requests": eleven}).to_string();
    assert_eq!(session.post(address, &[], &body).await.status, StatusCode::BAD_REQUEST);
}

/// The engine reads tenant and default here.
#[tokio::test]
async fn the_organization_tells_tenant_and_default() {
    let session = Session::new("engine").await;
    let body = session.run("Get-OrganizationConfig", &json!({})).await.json();
    let record = &body["value"][0];
    assert_eq!(record["ExternalDirectoryOrganizationId"], session.cloud.tenant());
    assert_eq!(record["BlockExchangeProvisioningFromOnPremEnabled"], false);
}

/// Mail users, recipients, accounts and domains are shown as their own nouns, and refused as such.
#[tokio::test]
async fn other_nouns_are_shown() {
    let session = Session::new("reader").await;
    session.cloud.estate.with(|estate| {
        let number = estate.exchange.find("clara").unwrap();
        estate.exchange.set_kind(number, estate.now(), crate::exchange::RecipientType::MailUser);
    });
    let rows = async |cmdlet: &str, parameters: Value| {
        let answered = session.run(cmdlet, &parameters).await;
        assert_eq!(answered.status, StatusCode::OK, "{cmdlet}");
        answered.json()["value"].as_array().unwrap().clone()
    };
    let all = rows("Get-Recipient", json!({})).await;
    assert_eq!(all.len(), 3);
    let filter = json!({"Filter": "UserPrincipalName -like 'anna*'"});
    let anna = &rows("get-recipient", filter).await[0];
    assert_eq!(
        (&anna["RecipientType"], &anna["ExternalEmailAddress"]),
        (&json!("UserMailbox"), &Value::Null)
    );
    assert!(anna.get("FirstName").is_some() && anna.get("IsExchangeCloudManaged").is_none());
    let clara = &rows("Get-MailUser", json!({})).await[0];
    assert_eq!(clara["ExternalEmailAddress"], "SMTP:clara@contoso.lab");
    assert_eq!(clara["RecipientType"], "MailUser");
    let missing = session.run("Get-MailUser", &json!({"Identity": "anna@contoso.lab"})).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND, "a mailbox is no mail user");
    let user = &rows("Get-User", json!({"Identity": "anna@contoso.lab"})).await[0];
    assert!(user.get("Department").is_some() && user.get("CustomAttribute1").is_none());
    let wrong = session.run("Get-User", &json!({"Nothing": "x"})).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let page = json!({"CmdletInput": {"CmdletName": "Get-Recipient", "Parameters": {"ResultSize": "Unlimited"}}}).to_string();
    let address =
        format!("/adminapi/beta/{}/InvokeCommand?$select=Identity", session.cloud.tenant());
    let first = session.post(&address, &[("prefer", "odata.maxpagesize=2")], &page).await.json();
    assert_eq!(first["value"].as_array().unwrap().len(), 2);
    let next = first["@odata.nextLink"].as_str().unwrap();
    assert_eq!(session.post(next, &[], &page).await.json()["value"].as_array().unwrap().len(), 1);
    let domains = rows("Get-AcceptedDomain", json!({})).await;
    assert!(domains.iter().any(|row| row["DomainName"] == "contoso.lab" && row["Default"] == true));
}

/// The tenant default is a switch of its own for administrators, and converts nobody.
#[tokio::test]
async fn the_tenant_default_is_set_and_read_back() {
    let session = Session::new("hybridsim").await;
    let by_default = async || {
        let answered = session.run("Get-OrganizationConfig", &json!({})).await;
        answered.json()["value"][0]["BlockExchangeProvisioningFromOnPremEnabled"].clone()
    };
    assert_eq!(by_default().await, false);
    let on = json!({"ExchangeAttributesCloudManagedByDefault": true});
    assert_eq!(session.run("Set-OrganizationConfig", &on).await.status, StatusCode::OK);
    assert_eq!(by_default().await, true);
    let again = session.run("Set-OrganizationConfig", &on).await.json();
    assert_eq!(again["@adminapi.warnings"].as_array().unwrap().len(), 1);
    let mailbox = session.run("Get-Mailbox", &json!({"Identity": "anna"})).await.json();
    assert_eq!(mailbox["value"][0]["IsExchangeCloudManaged"], false);
    let both = json!({"ExchangeAttributesCloudManagedByDefault": true, "ExchangeAttributesServerManagedByDefault": true});
    assert_eq!(session.run("Set-OrganizationConfig", &both).await.status, StatusCode::BAD_REQUEST);
    let off = json!({"ExchangeAttributesServerManagedByDefault": true});
    assert_eq!(session.run("Set-OrganizationConfig", &off).await.status, StatusCode::OK);
    assert_eq!(by_default().await, false);
    let helpdesk = Session::new("helpdesk").await;
    assert_eq!(helpdesk.run("Set-OrganizationConfig", &on).await.status, StatusCode::FORBIDDEN);
}

async fn get(session: &Session, path: &str) -> Answered {
    let address = format!("/adminapi/{path}").replace("{t}", &session.cloud.tenant());
    session.cloud.request("GET", &address, &[("authorization", session.token.as_str())], "").await
}

/// The module asks for its file and a banner before it runs anything.
#[tokio::test]
async fn the_module_connects() {
    let session = Session::new("hybridsim").await;
    let answered = get(&session, "v1.0/{t}/EXOModuleFile?Version=3.9.2").await;
    assert_eq!(answered.status, StatusCode::OK);
    let body = answered.json();
    let cmdlets = body["value"][0]["exportedCmdlets"].as_str().unwrap();
    assert!(cmdlets.split(',').any(|name| name == "Set-Mailbox"));
    let answered = get(&session, "v1.0/{t}/EXOBanner('AutogenSession')?Version=3.9.2").await;
    assert_eq!((answered.status, &answered.json()["value"]), (StatusCode::OK, &json!("")));
    let answered = get(&session, "beta/{t}").await;
    assert_eq!(answered.json()["value"][0]["name"], "Mailbox");
    let answered = session.run("Get-AcceptedDomain", &json!({})).await;
    assert_eq!(answered.status, StatusCode::OK);
    // Who may only read is offered no cmdlet that writes; who may nothing gets no file.
    let reader = Session::new("reader").await;
    let body = get(&reader, "v1.0/{t}/EXOModuleFile?Version=3.9.2").await.json();
    assert!(!body["value"][0]["exportedCmdlets"].as_str().unwrap().contains("Set-"));
    let nobody = Session::new("unprivileged").await;
    let answered = get(&nobody, "v1.0/{t}/EXOModuleFile?Version=3.9.2").await;
    assert!(answered.status.is_client_error());
}

/// `Get-EXOMailbox` and its kin: sets with filter, property sets, keys in two spellings, pages by GET, and
/// never the flag.
#[tokio::test]
async fn entities_are_read() {
    let session = Session::new("hybridsim").await;
    let answered = get(&session, "beta/{t}/Mailbox?$top=2").await;
    assert_eq!(answered.status, StatusCode::OK);
    let body = answered.json();
    assert!(body["@odata.context"].as_str().unwrap().ends_with("$metadata#Mailbox"));
    assert_eq!(body["value"].as_array().unwrap().len(), 2);
    assert!(body["value"][0].get("CustomAttribute1").is_none(), "not in the smallest set");
    let body = get(&session, "beta/{t}/Mailbox?PropertySet=Custom").await.json();
    let rows = body["value"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().any(|row| row["CustomAttribute1"] == "HR-1"));
    let body = get(&session, "beta/{t}/Mailbox?PropertySet=All").await.json();
    assert!(body["value"][0].get("IsDirSynced").is_some());
    assert!(body["value"][0].get("IsExchangeCloudManaged").is_none());
    let filter =
        "beta/{t}/Recipient?$filter=Alias%20eq%20'anna'%20and%20not%20(IsDirSynced%20eq%20false)";
    assert_eq!(get(&session, filter).await.json()["value"].as_array().unwrap().len(), 1);
    let none = get(&session, "beta/{t}/mailbox?RecipientTypeDetails=sharedmailbox").await.json();
    assert_eq!(none["value"], json!([]));
    let one = get(&session, "beta/{t}/Mailbox('anna@contoso.lab')?$select=Alias").await;
    assert_eq!(one.json()["Alias"], "anna");
    // "anna@contoso.lab" in base64.
    let one = get(&session, "beta/{t}/User('YW5uYUBjb250b3NvLmxhYg%3D%3D')?IsEncoded=True").await;
    assert_eq!(one.json()["UserPrincipalName"], "anna@contoso.lab");
    let pages = "/adminapi/beta/{t}/Mailbox?$select=Alias".replace("{t}", &session.cloud.tenant());
    let headers = [("authorization", session.token.as_str()), ("prefer", "odata.maxpagesize=2")];
    let first = session.cloud.request("GET", &pages, &headers, "").await.json();
    let next = first["@odata.nextLink"].as_str().unwrap();
    let second = session.cloud.request("GET", next, &headers, "").await.json();
    assert_eq!(second["value"].as_array().unwrap().len(), 1);
    assert!(second.get("@odata.nextLink").is_none());
    for (path, status) in [
        ("beta/{t}/Mailbox('nobody')", 404),
        ("beta/{t}/Mailbox?$filter=startswith(Alias,'a')", 400),
        ("beta/{t}/Mailbox?$filter=IsExchangeCloudManaged%20eq%20true", 400),
        ("beta/{t}/CasMailbox", 404),
    ] {
        assert_eq!(get(&session, path).await.status.as_u16(), status, "{path}");
    }
}

/// What nobody has touched has its default, with the annotations of its type.
#[tokio::test]
async fn documented_properties_have_their_defaults() {
    let session = Session::new("hybridsim").await;
    let answered = session.run("Get-Mailbox", &json!({"Identity": "anna"})).await;
    let text = String::from_utf8(answered.body.clone()).unwrap();
    assert!(text.contains(
        "\"ExchangeGuid@data.type\":\"System.Guid\",\"ExchangeGuid@odata.type\":\"#Guid\",\"ExchangeGuid\":\""
    ));
    let row = &answered.json()["value"][0];
    assert_eq!(row["ArchiveStatus"], "None");
    assert_eq!(row["ArchiveGuid"], "00000000-0000-0000-0000-000000000000");
    assert_eq!(row["InPlaceHolds"], json!([]));
    assert_ne!(row["Guid"], row["ExchangeGuid"]);
}

/// Who ran what is found by date, operation and object, and page by page in a session.
#[tokio::test]
async fn the_audit_log_tells_who_ran_what() {
    let session = Session::new("hybridsim").await;
    for name in ["anna", "ben"] {
        let flag = json!({"Identity": name, "IsExchangeCloudManaged": true});
        assert_eq!(session.run("Set-Mailbox", &flag).await.status, StatusCode::OK);
    }
    let search = async |more: Value| {
        let mut parameters = json!({"StartDate": "2026-09-01", "EndDate": "2026-09-02"});
        for (name, value) in more.as_object().unwrap() {
            parameters[name] = value.clone();
        }
        session.run("Search-UnifiedAuditLog", &parameters).await.json()["value"].clone()
    };
    let all = search(json!({"Operations": "set-mailbox"})).await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    let data: Value = serde_json::from_str(all[1]["AuditData"].as_str().unwrap()).unwrap();
    assert_eq!((&data["ObjectId"], &data["Workload"]), (&json!("anna"), &json!("Exchange")));
    assert_eq!(data["Parameters"][1], json!({"Name": "IsExchangeCloudManaged", "Value": "True"}));
    assert_eq!(search(json!({"ObjectIds": ["ben"]})).await.as_array().unwrap().len(), 1);
    assert_eq!(search(json!({"RecordType": "AzureActiveDirectory"})).await, json!([]));
    let page = json!({"SessionId": "s", "ResultSize": "1", "SessionCommand": "ReturnLargeSet"});
    for index in [1, 2] {
        let page = search(page.clone()).await;
        assert_eq!((&page[0]["ResultIndex"], &page[0]["ResultCount"]), (&json!(index), &json!(2)));
    }
    assert_eq!(search(page).await, json!([]));
    let refused = session.run("Search-UnifiedAuditLog", &json!({"StartDate": "soon"})).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

/// A mail user is changed by its own cmdlet, which knows no flag.
#[tokio::test]
async fn mail_users_have_a_cmdlet_of_their_own() {
    let session = Session::new("hybridsim").await;
    let mailbox = json!({"Identity": "anna", "CustomAttribute1": "x"});
    let refused = session.run("Set-MailUser", &mailbox).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "a mailbox is none");
    let flag = json!({"Identity": "anna", "IsExchangeCloudManaged": true});
    assert_eq!(session.run("Set-MailUser", &flag).await.status, StatusCode::BAD_REQUEST);
}

/// Groups and contacts are recipients: they are found and listed after the others, and their addresses are taken.
#[tokio::test]
async fn groups_and_contacts_are_recipients() {
    let session = Session::new("hybridsim").await;
    let synced =
        Synced { sync_enabled: Some(true), object_cloud_managed: false, on_premises: None };
    session.cloud.estate.with(|estate| {
        let created = estate.now();
        estate.entra.groups.push(Group {
            id: Guid([7; 16]),
            created,
            deleted: None,
            synced: synced.clone(),
            display_name: "Wave 1".to_owned(),
            description: None,
            mail_nickname: "wave1".to_owned(),
            mail: Some("wave1@contoso.lab".to_owned()),
            proxy_addresses: vec!["SMTP:wave1@contoso.lab".to_owned()],
            mail_enabled: true,
            security_enabled: false,
            types: Vec::new(),
            members: Vec::new(),
            owners: Vec::new(),
            position: 0,
            left: Vec::new(),
        });
        estate.entra.contacts.push(Contact {
            id: Guid([8; 16]),
            deleted: None,
            synced,
            display_name: "Partner".to_owned(),
            mail_nickname: "partner".to_owned(),
            mail: "partner@fabrikam.example".to_owned(),
            proxy_addresses: vec!["SMTP:partner@fabrikam.example".to_owned()],
            position: 0,
        });
    });
    let found =
        session.run("Get-Recipient", &json!({"Identity": "wave1@contoso.lab"})).await.json();
    assert_eq!(found["value"][0]["RecipientTypeDetails"], "MailUniversalDistributionGroup");
    let details = json!({"RecipientTypeDetails": "MailContact"});
    let contacts = session.run("Get-Recipient", &details).await.json();
    assert_eq!(contacts["value"].as_array().unwrap().len(), 1);
    assert_eq!(contacts["value"][0]["ExternalEmailAddress"], "SMTP:partner@fabrikam.example");
    let filter = json!({"Filter": "DisplayName -like 'Wave*'"});
    let filtered = session.run("Get-Recipient", &filter).await.json();
    assert_eq!(filtered["value"][0]["Alias"], "wave1", "{filtered}");
    let all = session.run("Get-Recipient", &json!({})).await.json();
    let all = all["value"].as_array().unwrap().clone();
    assert_eq!(all.last().unwrap()["DisplayName"], "Partner", "after all others");
    assert_eq!(
        session.run("Get-Mailbox", &json!({"Identity": "wave1"})).await.status.as_u16(),
        404
    );
    let id = session.cloud.id("anna");
    session.run("Set-Mailbox", &json!({"Identity": id, "IsExchangeCloudManaged": true})).await;
    let take = json!({"Identity": id, "EmailAddresses": {"Add": "smtp:wave1@contoso.lab"}});
    let refused = session.run("Set-Mailbox", &take).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.json().to_string().contains("Wave 1"), "it says whose it is");
}

/// A property set that is none is refused, and members of the query that the cmdlet knows select.
#[tokio::test]
async fn reads_of_entities_take_the_parameters_of_the_cmdlet() {
    let session = Session::new("hybridsim").await;
    let get = async |rest: &str| get(&session, &format!("beta/{{t}}/Mailbox{rest}")).await;
    assert_eq!(get("?PropertySet=Bogus").await.status, StatusCode::BAD_REQUEST);
    let deleted = get("?SoftDeletedMailbox=true").await.json();
    assert_eq!(deleted["value"], json!([]), "nobody was deleted");
    let one = get("?Anr=anna&$select=Alias").await.json();
    assert_eq!(one["value"], json!([{"Alias": "anna"}]));
}
