//! Setting up synchronization through the router: templates, jobs, secrets, schema, credentials, agents,
//! and the logs.

use serde_json::{Value, json};

use super::tests::Session;
use crate::entra::configuration;
use crate::entra::job::{SchemaCheck, SchemaRefusal};
use crate::fault::{Effect, Felt, Operations, Rule};

/// Whoever runs the job, as far as a schema is concerned.
fn checked(document: &Value) -> Result<(), SchemaRefusal> {
    if document.to_string().contains("Guid()") {
        let why = "Guid() is not supported".to_owned();
        return Err(SchemaRefusal { why, unsupported: true });
    }
    Ok(())
}

async fn session() -> Session {
    let session = Session::new("hybridsim").await;
    session.cloud.estate.with(|estate| estate.entra.job.as_mut().unwrap().attached = true);
    session
}

/// Service principal and id of the estate's own job.
fn own(session: &Session) -> (String, String) {
    session.cloud.estate.with(|estate| {
        let job = estate.entra.job.as_ref().unwrap();
        (format!("/v1.0/servicePrincipals/{}", job.service_principal), job.id.clone())
    })
}

/// A configuration is made from a template and set up in the documented order. Its job is started when
/// nobody else writes to the domain.
#[tokio::test]
async fn configurations_are_made_from_templates() {
    let session = session().await;
    let template = format!("/v1.0/applicationTemplates/{}", configuration::WRITEBACK);
    assert_eq!(
        session.get(&template).await.json()["displayName"],
        "Exchange Online attribute writeback"
    );
    let body = json!({"displayName": "corp.contoso.lab"});
    let (status, made) = session.call("POST", &format!("{template}/instantiate"), body).await;
    assert_eq!(status, 201, "{made}");
    let principal =
        format!("/v1.0/servicePrincipals/{}", made["servicePrincipal"]["id"].as_str().unwrap());
    assert_eq!(session.get(&principal).await.json()["displayName"], "corp.contoso.lab");
    let found = session
        .get("/v1.0/servicePrincipals?$filter=displayName%20eq%20'corp.contoso.lab'&$select=id")
        .await;
    assert_eq!(
        found.json()["value"].as_array().unwrap().len(),
        2,
        "the estate's own, and the new one"
    );
    let jobs = format!("{principal}/synchronization/jobs");
    let templates = session.get(&format!("{principal}/synchronization/templates")).await.json();
    let id = templates["value"][0]["id"].clone();
    let (status, job) = session.call("POST", &jobs, json!({"templateId": id})).await;
    assert_eq!((status, &job["schedule"]["state"]), (201, &json!("Disabled")), "{job}");
    let tenant = session.cloud.tenant().replace('-', "");
    assert!(
        job["id"].as_str().unwrap().starts_with(&format!("{}.{tenant}.", id.as_str().unwrap()))
    );
    assert_eq!(session.call("POST", &jobs, json!({"templateId": id})).await.0, 409);
    assert_eq!(session.call("POST", &jobs, json!({"templateId": "scim"})).await.0, 400);
    let one = format!("{jobs}/{}", job["id"].as_str().unwrap());
    let start = format!("{one}/start");
    assert_eq!(session.get(&one).await.json()["status"]["code"], "NotConfigured");
    assert_eq!(session.call("POST", &start, Value::Null).await.0, 400, "it has no domain");
    let secrets =
        json!({"value": [{"key": "Domain", "value": "{\"domain\":\"corp.contoso.lab\"}"}]});
    let put = format!("{principal}/synchronization/secrets");
    assert_eq!(session.call("PUT", &put, secrets).await.0, 204);
    assert_eq!(session.get(&one).await.json()["status"]["code"], "NotRun");
    let schema = session.get(&format!("{one}/schema")).await.json();
    session
        .cloud
        .estate
        .with(|e| e.entra.job.as_mut().unwrap().schema_check = Some(SchemaCheck(checked)));
    let (status, why) = session.call("PUT", &format!("{one}/schema"), schema.clone()).await;
    assert_eq!(status, 204, "{why}");
    let (status, refused) = session.call("POST", &start, Value::Null).await;
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("Conflict")), "{refused}");
    let (other, id) = own(&session);
    let other_job = format!("{other}/synchronization/jobs/{id}");
    assert_eq!(session.call("DELETE", &other_job, Value::Null).await.0, 204);
    assert_eq!(session.call("POST", &start, Value::Null).await.0, 204);
    assert_eq!(own(&session).0, principal, "the engine works for it");
    let shown = session.get(&one).await.json();
    assert_eq!(
        shown["schedule"],
        json!({"expiration": null, "interval": "PT20M", "state": "Active"})
    );
    let kept = session.get(&other).await;
    assert_eq!(kept.status.as_u16(), 200, "an empty configuration stays");
    assert_eq!(session.call("DELETE", &other, Value::Null).await.0, 204);
    assert_eq!(session.call("DELETE", &one, Value::Null).await.0, 204);
    assert_eq!(session.get(&jobs).await.json()["value"], json!([]));
    assert_eq!(session.call("DELETE", &principal, Value::Null).await.0, 204);
    assert_eq!(session.call("GET", &principal, Value::Null).await.0, 404);
}

/// An unknown template makes nothing, and neither does somebody who may only read.
#[tokio::test]
async fn configurations_need_a_template_and_the_right() {
    let session = session().await;
    let body = json!({"displayName": "x"});
    let wrong = "/v1.0/applicationTemplates/00000000-0000-0000-0000-000000000000/instantiate";
    assert_eq!(session.call("POST", wrong, body.clone()).await.0, 404);
    let make = format!("/v1.0/applicationTemplates/{}/instantiate", configuration::WRITEBACK);
    assert_eq!(Session::new("reader").await.call("POST", &make, body).await.0, 403);
    // The services themselves are applications of every tenant, found by their ids.
    let found = session
        .get("/v1.0/servicePrincipals?$filter=appId%20eq%20'00000002-0000-0ff1-ce00-000000000000'");
    assert_eq!(found.await.json()["value"][0]["displayName"], "Office 365 Exchange Online");
    // Jobs that nothing here would run are not made.
    let inbound = "/v1.0/applicationTemplates/1a4721b3-e57f-4451-ae87-ef078703ec94/instantiate";
    let (_, made) = session.call("POST", inbound, json!({"displayName": "corp.contoso.lab"})).await;
    let principal = made["servicePrincipal"]["id"].as_str().unwrap();
    let jobs = format!("/v1.0/servicePrincipals/{principal}/synchronization/jobs");
    let wanted = json!({"templateId": "AD2AADProvisioning"});
    assert_eq!(session.call("POST", &jobs, wanted).await.0, 501);
}

/// Secrets are put whole and never shown, credentials reach a domain through an agent, and the schema is
/// one that the engine takes.
#[tokio::test]
async fn the_job_is_set_up() {
    let session = session().await;
    let (principal, id) = own(&session);
    let sync = format!("{principal}/synchronization");
    let secret = |domain: &str| json!({"value": [{"key": "Domain", "value": format!("{{\"domain\":\"{domain}\"}}")}]});
    let put = format!("{sync}/secrets");
    assert_eq!(session.call("PUT", &put, secret("corp.contoso.lab")).await.0, 204);
    assert_eq!(session.get(&put).await.json()["value"], json!([{"key": "Domain", "value": null}]));
    let (status, body) = session.call("PUT", &put, secret("elsewhere.lab")).await;
    assert!(
        status == 400
            && body["error"]["message"]
                .as_str()
                .unwrap()
                .contains("HybridIdentityServiceInvalidResource")
    );
    assert_eq!(
        session.call("PUT", &put, json!({"value": [{"key": "Nothing", "value": ""}]})).await.0,
        400
    );
    assert_eq!(session.call("PATCH", &put, secret("corp.contoso.lab")).await.0, 501, "PUT alone");

    let job = format!("{sync}/jobs/{id}");
    let check = format!("{job}/validateCredentials");
    assert_eq!(session.call("POST", &check, json!({"useSavedCredentials": true})).await.0, 204);
    assert_eq!(session.call("POST", &check, json!({"credentials": []})).await.0, 400);
    session.cloud.estate.with(|estate| estate.agents.clear());
    let (status, body) = session.call("POST", &check, json!({"useSavedCredentials": true})).await;
    assert!(status == 400 && body["error"]["message"].as_str().unwrap().contains("NoActiveAgents"));

    let schema = session.get(&format!("{job}/schema")).await.json();
    let path = format!("{job}/schema");
    let (status, _) = session.call("PUT", &path, schema.clone()).await;
    assert_eq!(status, 503, "nobody is there who could say whether it is supported");
    session
        .cloud
        .estate
        .with(|e| e.entra.job.as_mut().unwrap().schema_check = Some(SchemaCheck(checked)));
    let flow = "/synchronizationRules/0/objectMappings/0/attributeMappings/0";
    let mut other = schema.clone();
    other.pointer_mut(flow).unwrap()["source"] = json!({"expression": "Guid()"});
    let (status, refused) = session.call("PUT", &path, other.clone()).await;
    assert_eq!((status, &refused["error"]["message"]), (501, &json!("Guid() is not supported")));
    other.pointer_mut(flow).unwrap()["source"] =
        json!({"expression": "ToUpper([CustomAttribute7])"});
    assert_eq!(session.call("PUT", &path, other).await.0, 204);
    let shown = session.get(&path).await.json();
    assert_eq!(shown.pointer(flow).unwrap()["source"]["expression"], "ToUpper([CustomAttribute7])");
    let directory = schema["directories"][1]["id"].as_str().unwrap();
    let discover = format!("{path}/directories/{directory}/discover");
    assert_eq!(session.call("POST", &discover, json!({})).await.1["name"], "Active Directory");
    assert_eq!(
        session.call("POST", &format!("{path}/directories/x/discover"), json!({})).await.0,
        404
    );
    assert_eq!(session.call("DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(session.get(&path).await.json(), schema, "customizations are gone");
    let asked = session.cloud.estate.with(|e| e.entra.job.as_ref().unwrap().requests().count());
    assert_eq!(asked, 4, "twice: take it over, and evaluate everything again");

    assert_eq!(session.call("DELETE", &job, Value::Null).await.0, 204);
    assert_eq!(session.call("GET", &job, Value::Null).await.0, 404);
    let body = json!({"templateId": "Entra2ADExchangeOnlineAttributeWriteback"});
    let (status, made) = session.call("POST", &format!("{sync}/jobs"), body).await;
    assert_eq!(status, 201);
    assert_ne!(made["id"], json!(id), "a new job, without memory");
}

/// An agent that stopped is inactive after an hour, and no longer listed after ten days (Microsoft Learn,
/// "Cloud sync FAQ").
#[tokio::test]
async fn an_agent_that_is_away_leaves_the_list() {
    let session = session().await;
    let agents = "/beta/onPremisesPublishingProfiles/provisioning/agents";
    let status = async || -> Vec<Value> {
        let listed = session.get(agents).await.json()["value"].clone();
        listed.as_array().unwrap().iter().map(|agent| agent["status"].clone()).collect()
    };
    let before = status().await;
    session.cloud.estate.with(|estate| {
        let (from, place) = (estate.now(), estate.agents[0].place());
        estate.faults.install(Rule {
            name: "agent_offline",
            place,
            operations: Operations::Any,
            effect: Effect::Refuse,
            skip: 0,
            left: None,
            from,
            until: None,
            hits: 0,
            overtaken: 0,
            felt: Felt::default(),
        });
    });
    let hours = |hours: u64| {
        let length = core::time::Duration::from_secs(hours * 3_600);
        session.cloud.estate.with(|estate| estate.advance(estate.now() + length));
    };
    hours(2);
    assert_eq!(status().await[0], "inactive");
    hours(24 * 10);
    assert_eq!(status().await.len(), before.len() - 1);
}

/// What is asked on demand is checked before the engine hears of it.
#[tokio::test]
async fn on_demand_is_checked() {
    let session = session().await;
    let (principal, id) = own(&session);
    let path = format!("{principal}/synchronization/jobs/{id}/provisionOnDemand");
    let rule = session.cloud.estate.with(|e| e.entra.job.as_ref().unwrap().rule.clone());
    let body = |rule: &str, object: &str, kind: &str| json!({"parameters": [{"ruleId": rule, "subjects": [{"objectId": object, "objectTypeName": kind}]}]});
    let nobody = "User_6e7b768e-07e2-4810-8459-485f84f8f204";
    for (body, status) in [
        (body("other", &session.cloud.id("anna"), "User"), 400),
        (body(&rule, nobody, "User"), 404),
        (body(&rule, &session.cloud.id("anna"), "Group"), 400),
        (json!({"parameters": []}), 400),
        (json!({}), 400),
    ] {
        assert_eq!(session.call("POST", &path, body.clone()).await.0, status, "{body}");
    }
    session.cloud.estate.with(|e| e.entra.job.as_mut().unwrap().attached = false);
    let good = body(&rule, &session.cloud.id("anna"), "User");
    // Five calls in ten seconds are the budget (Graph, "synchronizationJob: provisionOnDemand").
    assert_eq!(session.call("POST", &path, good.clone()).await.0, 429);
    session.cloud.estate.with(|e| e.advance(e.now() + core::time::Duration::from_secs(10)));
    assert_eq!(session.call("POST", &path, good).await.0, 503);
}

/// Agents are in one group that publishes the domain; beta alone knows them.
#[tokio::test]
async fn agents_are_in_a_group() {
    let session = session().await;
    let base = "/beta/onPremisesPublishingProfiles/provisioning";
    let groups =
        session.get(&format!("{base}/agentGroups?$expand=agents,publishedResources")).await.json();
    let group = &groups["value"][0];
    assert_eq!(group["publishedResources"][0]["resourceName"], "corp.contoso.lab");
    let agent = group["agents"][0]["id"].as_str().unwrap();
    let one = session.get(&format!("{base}/agents/{agent}")).await.json();
    assert_eq!(one["agentGroups"][0]["id"], group["id"]);
    let link = |id: &str| json!({"@odata.id": format!("https://graph.microsoft.com/beta/onPremisesPublishingProfiles/provisioning/agentGroups/{id}")});
    let assign = format!("{base}/agents/{agent}/agentGroups/$ref");
    assert_eq!(session.call("POST", &assign, link(group["id"].as_str().unwrap())).await.0, 204);
    assert_eq!(session.call("POST", &assign, link("x")).await.0, 404);
    assert_eq!(session.call("GET", &format!("{base}/agents/x"), Value::Null).await.0, 404);
    assert_eq!(session.call("GET", &base.replace("beta", "v1.0"), Value::Null).await.0, 400);
}

/// What somebody changed is in the audit log, found by its filters and read in pages.
#[tokio::test]
async fn changes_are_audited() {
    let session = session().await;
    for name in ["anna", "ben"] {
        let user = format!("/v1.0/users/{}", session.cloud.id(name));
        assert_eq!(session.call("PATCH", &user, json!({"usageLocation": "DE"})).await.0, 204);
    }
    let behavior = format!("/v1.0/users/{}/onPremisesSyncBehavior", session.cloud.id("anna"));
    assert_eq!(session.call("PATCH", &behavior, json!({"isCloudManaged": true})).await.0, 204);
    let all = session.get("/v1.0/auditLogs/directoryAudits?$top=2").await.json();
    assert_eq!(
        all["value"][0]["activityDisplayName"],
        "Change Source of Authority from AD to cloud"
    );
    assert_eq!(all["value"][1]["initiatedBy"]["app"]["displayName"], "hybridsim");
    let modified = &all["value"][1]["targetResources"][0]["modifiedProperties"][0];
    assert_eq!(
        (&modified["displayName"], &modified["newValue"]),
        (&json!("usageLocation"), &json!("[\"DE\"]"))
    );
    let next = session.get(all["@odata.nextLink"].as_str().unwrap()).await.json();
    assert_eq!(next["value"].as_array().unwrap().len(), 1);
    let filter = format!(
        "activityDisplayName%20eq%20'Update%20user'%20and%20targetResources/any(t:t/id%20eq%20'{}')",
        session.cloud.id("ben")
    );
    let found =
        session.get(&format!("/v1.0/auditLogs/directoryAudits?$filter={filter}")).await.json();
    assert_eq!(found["value"].as_array().unwrap().len(), 1);
    assert_eq!(
        session.get("/v1.0/auditLogs/directoryAudits?$orderby=category").await.status.as_u16(),
        400
    );
}
