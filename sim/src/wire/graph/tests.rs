//! Microsoft Graph through the router.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::clock::VirtualTime;
use crate::entra::job::{Execution, JobReport, JobRequest, ResetScope, StatusCode as JobStatus};
use crate::entra::log::{Advice, LogEntry, LogStatus, ModifiedProperty};
use crate::wire::test_cloud::{Answered, HOST, TestCloud, start};

pub(super) struct Session {
    pub(super) cloud: TestCloud,
    token: String,
}

impl Session {
    pub(super) async fn new(application: &str) -> Self {
        let cloud = TestCloud::new();
        let token = cloud.graph_token(application).await;
        Self { cloud, token }
    }

    pub(super) async fn get(&self, address: &str) -> Answered {
        self.cloud.request("GET", address, &[("authorization", &self.token)], "").await
    }

    /// A request with a body and these further headers.
    pub(super) async fn send(
        &self,
        method: &str,
        address: &str,
        further: &[(&str, &str)],
        body: &Value,
    ) -> Answered {
        let mut headers =
            vec![("authorization", self.token.as_str()), ("content-type", "application/json")];
        headers.extend_from_slice(further);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.cloud.request(method, address, &headers, &body).await
    }

    /// Status and JSON, null when there is none.
    pub(super) async fn call(&self, method: &str, address: &str, body: Value) -> (u16, Value) {
        let answered = self.send(method, address, &[], &body).await;
        (answered.status.as_u16(), serde_json::from_slice(&answered.body).unwrap_or_default())
    }

    pub(super) async fn post(&self, address: &str, body: &Value) -> Answered {
        let headers =
            [("authorization", self.token.as_str()), ("content-type", "application/json")];
        self.cloud.request("POST", address, &headers, &body.to_string()).await
    }
}

/// Without a selection there are the documented eleven, nulls included.
#[tokio::test]
async fn a_user_has_the_documented_properties() {
    let session = Session::new("reader").await;
    let id = session.cloud.id("anna");
    for address in [
        format!("/v1.0/users/{id}"),
        "/v1.0//Users('anna@contoso.lab')".to_owned(),
        "/beta/users/ANNA%40contoso.lab/".to_owned(),
        "/v1.0/users(userPrincipalName='anna@contoso.lab')".to_owned(),
    ] {
        let answered = session.get(&address).await;
        assert_eq!(answered.header("date"), "Tue, 01 Sep 2026 08:00:00 GMT");
        let user = answered.json();
        assert_eq!(user["id"], id, "{address}");
        assert_eq!(user.as_object().unwrap().len(), 12, "eleven and the context");
        assert_eq!(user["businessPhones"], json!([]));
        assert_eq!(user["mobilePhone"], Value::Null);
    }
    let select = "id,onPremisesSyncEnabled,onPremisesImmutableId,onPremisesDomainName,\
                  onPremisesExtensionAttributes,proxyAddresses,onPremisesLastSyncDateTime";
    let user = session.get(&format!("/v1.0/users/{id}?$select={select}")).await.json();
    assert_eq!(user["onPremisesSyncEnabled"], true);
    assert_eq!(user["onPremisesDomainName"], "corp.contoso.lab");
    assert_eq!(user["onPremisesImmutableId"].as_str().unwrap().len(), 24);
    assert_eq!(user["onPremisesExtensionAttributes"]["extensionAttribute1"], "HR-1");
    assert_eq!(user["onPremisesExtensionAttributes"]["extensionAttribute15"], Value::Null);
    assert!(user["proxyAddresses"].as_array().unwrap().contains(&json!("SMTP:anna@contoso.lab")));
    let missing = session.get("/v1.0/users/nobody@contoso.lab").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.json()["error"]["code"], "Request_ResourceNotFound");
    let unknown = session.get(&format!("/v1.0/users/{id}?$select=isExchangeCloudManaged")).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
}

/// SDKs follow next links as they come, and count only with the header.
#[tokio::test]
async fn users_are_listed_in_pages() {
    let session = Session::new("reader").await;
    let first = session.get("/v1.0/users?$top=2&$select=id&$count=true").await.json();
    assert_eq!(first["value"].as_array().unwrap().len(), 2);
    assert!(first.get("@odata.count").is_none());
    let next = first["@odata.nextLink"].as_str().unwrap();
    assert!(next.starts_with(&format!("https://{HOST}/v1.0/users?$top=2&$select=id")), "{next}");
    let last = session.get(next).await.json();
    assert_eq!(last["value"], json!([{"id": session.cloud.id("clara")}]));
    assert!(last.get("@odata.nextLink").is_none());
    let headers = [("authorization", session.token.as_str()), ("ConsistencyLevel", "eventual")];
    let counted = session.cloud.request("GET", "/v1.0/users?$count=true", &headers, "").await;
    assert_eq!(counted.json()["@odata.count"], 3);
    for (query, code) in [
        ("$top=1000", "Request_UnsupportedQuery"),
        ("$filter=contains(displayName,'x')", "Request_UnsupportedQuery"),
        ("$filter=nothing%20eq%20'x'", "BadRequest"),
        ("orderby=mail", "Request_UnsupportedQuery"),
        ("$search=%22displayName:anna%22", "Request_UnsupportedQuery"),
        ("$skip=1", "Request_UnsupportedQuery"),
        ("$skiptoken=nonsense", "Request_BadRequest"),
    ] {
        let refused = session.get(&format!("/v1.0/users?{query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(refused.json()["error"]["code"], code);
    }
}

/// The engine's read of users: each once, missing ones left out.
#[tokio::test]
async fn objects_are_got_by_ids() {
    let session = Session::new("engine").await;
    let (anna, ben) = (session.cloud.id("anna"), session.cloud.id("ben"));
    let nobody = "6e7b768e-07e2-4810-8459-485f84f8f204";
    let address = "/beta/directoryObjects/getByIds?$select=id,onPremisesSyncEnabled,onPremisesImmutableId,onPremisesObjectIdentifier,onPremisesDomainName";
    let before = session.cloud.estate.with(|estate| estate.now());
    let body = json!({"ids": [ben, nobody, anna, ben], "types": ["user"]});
    let answered = session.post(address, &body).await;
    let rows = answered.json()["value"].clone();
    assert_eq!(rows[0]["@odata.type"], "#microsoft.graph.user");
    assert_eq!((&rows[0]["id"], &rows[1]["id"]), (&json!(ben), &json!(anna)));
    assert_eq!(rows.as_array().unwrap().len(), 2);
    assert!(rows[0]["onPremisesObjectIdentifier"].as_str().unwrap().len() == 36);
    let after = session.cloud.estate.with(|estate| estate.now());
    assert!(before < after, "the engine's call costs virtual time");
    let body = json!({"ids": [anna], "types": ["group"]});
    assert_eq!(session.post(address, &body).await.json()["value"], json!([]));
    let body = json!({"ids": ["x"]});
    assert_eq!(session.post(address, &body).await.status, StatusCode::BAD_REQUEST);
}

/// 401 and 403 in Graph's own words.
#[tokio::test]
async fn who_may_not_is_told_why() {
    let mut session = Session::new("unprivileged").await;
    let refused = session.get("/v1.0/users").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let error = refused.json()["error"].clone();
    assert_eq!(error["code"], "Authorization_RequestDenied");
    assert!(!error["innerError"]["date"].as_str().unwrap().ends_with('Z'));
    assert_eq!(error["innerError"]["request-id"], refused.header("request-id"));
    session.token = session.cloud.exchange_token("hybridsim").await;
    let foreign = session.get("/v1.0/users").await;
    assert_eq!(foreign.status, StatusCode::UNAUTHORIZED);
    assert_eq!(foreign.json()["error"]["code"], "InvalidAuthenticationToken");
    let none = session.cloud.request("GET", "/v1.0/users", &[], "").await;
    assert_eq!(none.json()["error"]["message"], "Access token is empty.");
    session.token = session.cloud.graph_token("reader").await;
    let agents = "/beta/onPremisesPublishingProfiles/provisioning/agents";
    assert_eq!(session.get(agents).await.status, StatusCode::FORBIDDEN);
}

/// Documented but absent is not the same as unknown.
#[tokio::test]
async fn absent_places_say_so() {
    let session = Session::new("hybridsim").await;
    assert_eq!(
        session.get("/v1.0/servicePrincipals/delta").await.status,
        StatusCode::NOT_IMPLEMENTED
    );
    let unknown = session.get("/v1.0/usrs").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    let message = unknown.json()["error"]["message"].clone();
    assert_eq!(message, "Resource not found for the segment 'usrs'.");
    let headers = [("authorization", session.token.as_str())];

    let put = session.cloud.request("POST", "/v1.0/subscriptions", &headers, "{}").await;
    assert_eq!(put.status, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(put.json()["error"]["code"], "NotImplemented");
}

/// What the engine asks before a cycle.
#[tokio::test]
async fn organization_and_agents_are_listed() {
    let session = Session::new("engine").await;
    let address = "/v1.0/organization?$select=id,onPremisesSyncEnabled,onPremisesLastSyncDateTime";
    let row = session.get(address).await.json()["value"][0].clone();
    assert_eq!(row["id"], session.cloud.tenant());
    assert_eq!(row["onPremisesSyncEnabled"], true);
    assert_eq!(row.as_object().unwrap().len(), 3);
    let address = "/beta/onPremisesPublishingProfiles/provisioning/agents?$expand=agentGroups";
    let agent = session.get(address).await.json()["value"][0].clone();
    assert_eq!(
        (&agent["machineName"], &agent["status"], &agent["version"]),
        (&json!("AGENT1"), &json!("active"), &json!("1.1.1107.0"))
    );
    assert_eq!(agent["agentGroups"][0]["isDefault"], true);
}

/// Each part is an operation of its own, for the answer and for what it costs.
#[tokio::test]
async fn batches_answer_each_part() {
    let session = Session::new("engine").await;
    let behavior = |id: &str| {
        json!({"id": id, "method": "GET",
            "url": format!("/users/{id}/onPremisesSyncBehavior?$select=id,isCloudManaged")})
    };
    let (anna, ben) = (session.cloud.id("anna"), session.cloud.id("ben"));
    let nobody = "6e7b768e-07e2-4810-8459-485f84f8f204";
    let body = json!({"requests": [behavior(&anna), behavior(nobody), behavior(&ben)]});
    let now = || session.cloud.estate.with(|estate| estate.now());
    let before = now();
    let body = session.post("/v1.0/$batch", &body).await.json();
    let one = session.cloud.estate.with(|estate| estate.profile.costs.graph_call);
    assert_eq!(now(), before + one * 3, "also for the user that is not there");
    let answers = &body["responses"];
    assert_eq!((&answers[0]["status"], &answers[1]["status"]), (&json!(200), &json!(404)));
    assert_eq!(answers[2]["body"]["isCloudManaged"], false);
    assert_eq!(answers[2]["body"]["id"], ben);

    let mixed = json!({"requests": [
        {"id": "1", "method": "GET", "url": format!("users/{anna}?$select=id"), "dependsOn": ["3"]},
        {"id": "2", "method": "GET", "url": "/nothing", "dependsOn": ["1"]},
        {"id": "3", "method": "GET", "url": "/organization"},
        {"id": "4", "method": "GET", "url": "/users", "dependsOn": ["2"]},
        {"id": "5", "method": "POST", "url": "/directoryObjects/getByIds", "body": {"ids": [anna]}},
    ]});
    let answers = session.post("/v1.0/$batch", &mixed).await.json()["responses"].clone();
    let statuses: Vec<u64> =
        answers.as_array().unwrap().iter().map(|a| a["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 400, 200, 424, 400]);
    let many: Vec<Value> =
        (0..21).map(|n| json!({"id": n.to_string(), "method": "GET", "url": "/users"})).collect();
    let circle = json!([{"id": "1", "method": "GET", "url": "/users", "dependsOn": ["1"]}]);
    let absolute = json!([{"id": "1", "method": "GET", "url": "https://x/v1.0/users"}]);
    let twins = json!([{"id": "a", "method": "GET", "url": "/users"},
        {"id": "A", "method": "GET", "url": "/users"}]);
    for requests in [json!(many), circle, absolute, twins] {
        let refused = session.post("/v1.0/$batch", &json!({"requests": requests})).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }
}

fn report(at: VirtualTime) -> JobReport {
    JobReport {
        status: JobStatus::Active,
        last_execution: Some(Execution {
            cycle: 7,
            initial: false,
            began: at,
            ended: at,
            read: 12,
            in_scope: 5,
            written: 3,
            skipped: 2,
            failed: 1,
            retried: 0,
            error: None,
        }),
        escrowed: 1,
        escrows_pruned: true,
        linked: 120,
        quarantine: None,
    }
}

/// The job shows the engine's last report, and actions wait for the engine on the job's record.
#[tokio::test]
async fn jobs_show_reports_and_take_requests() {
    let session = Session::new("hybridsim").await;
    let (principal, id) = session.cloud.estate.with(|estate| {
        let job = estate.entra.job.as_ref().unwrap();
        (job.service_principal.to_string(), job.id.clone())
    });
    let jobs = format!("/v1.0/servicePrincipals/{principal}/synchronization/jobs");
    let job = session.get(&jobs).await.json()["value"][0].clone();
    assert_eq!(job["status"]["code"], "NotRun");
    assert_eq!(job["status"]["escrowsPruned"], false);
    assert_eq!(job["schedule"]["interval"], "PT20M");
    let unattended = session.post(&format!("{jobs}/{id}/start"), &json!({})).await;
    assert_eq!(unattended.status, StatusCode::SERVICE_UNAVAILABLE, "no engine takes requests yet");
    session.cloud.estate.with(|estate| {
        let job = estate.entra.job.as_mut().unwrap();
        job.report = Some(report(start()));
        job.attached = true;
    });
    let job = session.get(&format!("{jobs}/{id}")).await.json();
    assert_eq!(job["status"]["escrowsPruned"], true);
    let last = &job["status"]["lastExecution"];
    assert_eq!((&last["state"], &last["countExported"]), (&json!("EntryLevelErrors"), &json!(3)));
    assert_eq!(job["status"]["lastSuccessfulExecution"], Value::Null);
    // A good cycle is remembered when later ones write nothing, or fail as a whole.
    let cycle = |number: u64, written: u64, error: Option<&str>| {
        let mut report = report(start());
        let run = report.last_execution.as_mut().unwrap();
        (run.cycle, run.written, run.failed) = (number, written, 0);
        run.error = error.map(|code| (code.to_owned(), String::new()));
        session.cloud.estate.with(|estate| estate.take_job_report(report));
    };
    cycle(8, 5, None);
    cycle(9, 0, None);
    cycle(10, 0, Some("TimeOut"));
    cycle(11, 0, Some("TimeOut"));
    let status = session.get(&format!("{jobs}/{id}")).await.json()["status"].clone();
    assert_eq!(status["lastExecution"]["state"], "Failed");
    assert_eq!(status["lastSuccessfulExecution"]["countExported"], 0);
    assert_eq!(status["lastSuccessfulExecutionWithExports"]["countExported"], 5);
    assert_eq!(status["countSuccessiveCompleteFailures"], 2);
    for (action, body) in [
        ("start", json!({})),
        ("pause", json!({})),
        ("restart", json!({"criteria": {"resetScope": "Watermark, Escrows"}})),
    ] {
        let answered = session.post(&format!("{jobs}/{id}/{action}"), &body).await;
        assert_eq!(answered.status, StatusCode::NO_CONTENT);
    }
    let scope = ResetScope { watermark: true, escrows: true, ..ResetScope::default() };
    assert_eq!(
        session.cloud.estate.with(|estate| {
            let job = estate.entra.job.as_ref().unwrap();
            job.requests().map(|(_, request)| request.clone()).collect::<Vec<_>>()
        }),
        [JobRequest::Start, JobRequest::Pause, JobRequest::Restart(scope)]
    );
    let unknown = session.post(&format!("{jobs}/{id}/validateCredentials"), &json!({})).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    assert_eq!(session.get(&format!("{jobs}/other")).await.status, StatusCode::NOT_FOUND);
}

/// The newest entry comes first, and entries that come meanwhile shift no page.
#[tokio::test]
async fn the_provisioning_log_is_read_in_pages() {
    let session = Session::new("reader").await;
    let anna = session.cloud.id("anna").parse().unwrap();
    let entry = |cycle: u64, status: LogStatus| LogEntry {
        at: start(),
        cycle,
        source: Some(anna),
        target: Some(anna),
        status,
        // A success with a code is one with a warning.
        code: if status == LogStatus::Success { "".into() } else { "RedundantExport".into() },
        detail: "why".to_owned(),
        advice: (status == LogStatus::Failure)
            .then_some(Advice { category: "nonServiceFailure", action: "Do this." }),
        milliseconds: 630,
        modified: Box::new([ModifiedProperty {
            name: "extensionAttribute1".into(),
            old: "A".to_owned(),
            new: "B".to_owned(),
        }]),
    };
    let append =
        |entries: Vec<LogEntry>| session.cloud.estate.with(|e| e.entra.log.append(entries));
    append(vec![
        entry(1, LogStatus::Success),
        entry(2, LogStatus::Skipped),
        entry(3, LogStatus::Failure),
    ]);
    let first = session.get("/v1.0/auditLogs/provisioning?$top=2").await.json();
    let rows = &first["value"];
    let status = |row: &Value| row["provisioningStatusInfo"]["status"].clone();
    assert_eq!((status(&rows[0]), status(&rows[1])), (json!("failure"), json!("skipped")));
    let information = &rows[0]["provisioningStatusInfo"]["errorInformation"];
    assert_eq!(information["errorCode"], "RedundantExport");
    assert_eq!(information["errorCategory"], "nonServiceFailure");
    assert_eq!(information["recommendedAction"], "Do this.");
    assert_eq!(rows[0]["durationInMilliseconds"], 630);
    assert_eq!(rows[1]["provisioningAction"], "other");
    assert_eq!(rows[1]["provisioningSteps"][1]["details"]["SkipReason"], "RedundantExport");
    assert_eq!(rows[0]["servicePrincipal"]["displayName"], "corp.contoso.lab");
    assert_eq!(rows[0]["modifiedProperties"][0]["newValue"], "B");
    append(vec![entry(4, LogStatus::Success)]);
    let next = first["@odata.nextLink"].as_str().unwrap();
    let last = session.get(next).await.json();
    assert_eq!(last["value"].as_array().unwrap().len(), 1);
    assert_eq!(status(&last["value"][0]), "success");
    assert!(last.get("@odata.nextLink").is_none());
    assert_ne!(last["value"][0]["id"], rows[0]["id"]);

    // A property that is none is refused, not answered with nothing.
    for slip in
        ["provisioning?$filter=status%20eq%20'skipped'", "directoryAudits?$filter=bogus%20eq%201"]
    {
        let answered = session.get(&format!("/v1.0/auditLogs/{slip}")).await;
        assert_eq!(answered.status, StatusCode::BAD_REQUEST, "{slip}");
    }
    let known = "provisioningStatusInfo/status%20eq%20'skipped'";
    let found = session.get(&format!("/v1.0/auditLogs/provisioning?$filter={known}")).await.json();
    assert_eq!(found["value"].as_array().unwrap().len(), 1);
}
