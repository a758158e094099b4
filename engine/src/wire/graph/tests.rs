//! The adapter against scripted answers of Microsoft Graph.

use serde_json::json;
use wiremock::matchers::{body_partial_json, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, ResponseTemplate};

use super::*;
use crate::wire::tests::Cloud;

const USERS: &str = "/beta/directoryObjects/getByIds";
const AGENTS: &str = "/beta/onPremisesPublishingProfiles/provisioning/agents";

fn id(number: u8) -> MailboxId {
    MailboxId(Guid([number; 16]))
}

fn json_answer(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

/// Users come in any order, on several pages, and some not at all.
#[test]
fn users_are_put_into_the_order_asked() {
    let cloud = Cloud::new();
    let next = format!("{}{USERS}/more", cloud.server.uri());
    let first = json!({"@odata.context": "x", "@odata.nextLink": next, "value": [
        {"@odata.type": "#microsoft.graph.user", "id": id(3).to_string(),
         "onPremisesSyncEnabled": null, "onPremisesImmutableId": null, "unknown": {}}]});
    let last = json!({"value": [{"id": id(1).to_string(), "onPremisesSyncEnabled": true,
        "onPremisesImmutableId": "AQ==", "onPremisesObjectIdentifier": id(7).to_string(),
        "onPremisesDomainName": "contoso.lab"}]});
    cloud.mount(
        Mock::given(method("POST"))
            .and(path(USERS))
            .and(body_partial_json(json!({"types": ["user"]})))
            .respond_with(json_answer(first)),
    );
    cloud.mount(
        Mock::given(method("GET"))
            .and(path(format!("{USERS}/more")))
            .respond_with(json_answer(last)),
    );
    let users = cloud.wire.entra().users(&[id(1), id(2), id(3), id(1)]).unwrap();
    let anna = User {
        id: id(1),
        sync_enabled: Some(true),
        immutable_id: Some("AQ==".to_owned()),
        object_identifier: Some(id(7).0),
        domain: Some("contoso.lab".to_owned()),
    };
    assert_eq!(users[0], Some(anna.clone()));
    assert_eq!(users[1], None);
    assert_eq!(users[2].as_ref().unwrap().sync_enabled, None);
    assert_eq!(users[3], Some(anna));
    assert!(cloud.requests()[0].0.contains("onPremisesObjectIdentifier"));
}

/// A user whose row cannot be understood spoils no other; a row that does not say whose it is may be
/// that of anybody who did not come.
#[test]
fn an_odd_user_stands_in_nobodys_way() {
    let rows = |odd: Value| {
        let cloud = Cloud::new();
        let value = json!([{"id": id(1).to_string()}, odd]);
        let answer = json_answer(json!({"value": value}));
        cloud.mount(Mock::given(method("POST")).and(path(USERS)).respond_with(answer));
        let rows = cloud.wire.entra().user_rows(&[id(1), id(2), id(3)]).unwrap();
        assert!(matches!(&rows[0], Ok(Some(user)) if user.id == id(1)));
        assert!(cloud.wire.entra().users(&[id(2)]).is_err(), "for whoever needs all of them");
        [rows[1].is_err(), rows[2].is_err()]
    };
    let id = id(2).to_string();
    assert_eq!(rows(json!({"id": id, "onPremisesObjectIdentifier": "no GUID"})), [true, false]);
    assert_eq!(rows(json!({"id": id, "onPremisesDomainName": 7})), [true, false]);
    assert_eq!(rows(json!({"id": 2})), [true, true]);
}

/// The listing of agents keeps its order; the version is there only when the service tells it.
#[test]
fn agents_are_listed_page_by_page() {
    let cloud = Cloud::new();
    let next = format!("{}{AGENTS}?$skiptoken=2", cloud.server.uri());
    let first = json!({"@odata.nextLink": next, "value": [
        {"id": "1", "machineName": "AGENT1", "status": "active", "externalIp": "192.0.2.1",
         "supportedPublishingTypes": ["provisioning"], "agentGroups": []}]});
    let last = json!({"value": [{"machineName": "AGENT2", "status": "inactive",
        "version": "1.1.1107.0"}]});
    cloud.mount(
        Mock::given(method("GET"))
            .and(path(AGENTS))
            .and(query_param("$expand", "agentGroups"))
            .respond_with(json_answer(first)),
    );
    cloud.mount(
        Mock::given(method("GET"))
            .and(path(AGENTS))
            .and(query_param_is_missing("$expand"))
            .respond_with(json_answer(last)),
    );
    let agents = cloud.wire.entra().agents().unwrap();
    let agent = |name: &str, active, version: Option<&str>| Agent {
        name: AgentName(name.to_owned()),
        active,
        version: version.map(str::to_owned),
    };
    let expected = [agent("AGENT1", true, None), agent("AGENT2", false, Some("1.1.1107.0"))];
    assert_eq!(agents, expected);
}

/// A tenant that was never synchronized says null, which is off.
#[test]
fn the_sync_configuration_is_that_of_the_organization() {
    let configuration = |row: Value| {
        let cloud = Cloud::new();
        let answer = json_answer(json!({"value": [row]}));
        cloud
            .mount(Mock::given(method("GET")).and(path("/v1.0/organization")).respond_with(answer));
        cloud.wire.entra().sync_configuration()
    };
    assert_eq!(
        configuration(json!({"id": "x", "onPremisesSyncEnabled": true,
            "onPremisesLastSyncDateTime": "2026-02-01T08:00:00Z"})),
        Ok(SyncConfiguration {
            enabled: true,
            last_sync: Some(Timestamp::from_micros(1_769_932_800_000_000)),
        })
    );
    assert_eq!(
        configuration(json!({"onPremisesSyncEnabled": null, "onPremisesLastSyncDateTime": null})),
        Ok(SyncConfiguration { enabled: false, last_sync: None })
    );
    let broken = configuration(json!({"onPremisesLastSyncDateTime": "yesterday"}));
    assert!(matches!(broken, Err(CallError::Malformed { .. })));
}

/// The service's own words for a refusal come up, and a foreign next link is not followed.
#[test]
fn refusals_and_foreign_links_are_errors() {
    let cloud = Cloud::new();
    let denied = json!({"error": {"code": "Authorization_RequestDenied",
        "message": "Insufficient privileges to complete the operation.", "innerError": {}}});
    cloud.mount(
        Mock::given(method("GET"))
            .and(path(AGENTS))
            .respond_with(ResponseTemplate::new(403).set_body_json(denied)),
    );
    let foreign = json!({"value": [], "@odata.nextLink": "https://graph.example.com/x"});
    cloud.mount(
        Mock::given(method("GET"))
            .and(path("/v1.0/organization"))
            .respond_with(json_answer(foreign)),
    );
    let mut entra = cloud.wire.entra();
    assert_eq!(
        entra.agents(),
        Err(CallError::Refused {
            code: "Authorization_RequestDenied".to_owned(),
            detail: "Insufficient privileges to complete the operation.".to_owned(),
        })
    );
    assert!(matches!(entra.sync_configuration(), Err(CallError::Malformed { .. })));
}

/// Statuses mean the same for Graph as for Exchange Online, and no request is made twice but for a
/// token that was not taken.
#[test]
fn statuses_become_call_errors() {
    let ask = |template: ResponseTemplate| {
        let cloud = Cloud::new();
        cloud.mount(Mock::given(method("POST")).and(path(USERS)).respond_with(template));
        let error = cloud.wire.entra().users(&[id(1)]).unwrap_err();
        let tokens: Vec<String> = cloud.requests().into_iter().map(|request| request.1).collect();
        (error, tokens)
    };
    let status = ResponseTemplate::new;
    let throttled = |seconds: Option<u64>| CallError::Throttled {
        retry_after: seconds.map(core::time::Duration::from_secs),
    };
    let wait = status(429).insert_header("retry-after", "7");
    assert_eq!(ask(wait), (throttled(Some(7)), vec!["token1".to_owned()]));
    assert_eq!(ask(status(429)).0, throttled(None));
    let dated = status(429)
        .insert_header("date", "Sun, 01 Feb 2026 08:00:05 GMT")
        .insert_header("retry-after", "Sun, 01 Feb 2026 08:01:05 GMT");
    assert_eq!(ask(dated).0, throttled(Some(60)));
    let (refused, tokens) = ask(status(401));
    assert!(matches!(refused, CallError::Refused { .. }));
    assert_eq!(tokens, ["token1", "token2"]);
    for code in [500, 502, 503, 504] {
        assert!(matches!(ask(status(code)).0, CallError::ServiceFailure { .. }), "{code}");
    }
    for body in ["", "{\"value\":[{}]}", "{\"value\":7}", "[1", "\u{feff}<html>"] {
        let error = ask(status(200).set_body_string(body)).0;
        assert!(matches!(error, CallError::Malformed { .. }), "{body}: {error}");
    }
}

/// A body that trickles in too slowly, or breaks off, is no answer.
#[test]
fn slow_and_cut_bodies_are_no_answers() {
    let cloud = Cloud::new();
    let late = json_answer(json!({"value": []})).set_delay(core::time::Duration::from_millis(600));
    cloud.mount(Mock::given(method("GET")).and(path(AGENTS)).respond_with(late));
    let mut config = crate::wire::tests::config(&cloud.server.uri());
    config.request_timeout = core::time::Duration::from_millis(200);
    let wire = crate::wire::Wire::new(config, cloud.runtime.handle().clone()).unwrap();
    let error = wire.entra().agents().unwrap_err();
    assert!(matches!(error, CallError::TimedOut { .. }), "{error}");

    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"value\":[";
    let server = crate::wire::tests::RawServer::start(vec![cut.to_owned(); 2]);
    let config = crate::wire::tests::config(&server.url);
    let wire = crate::wire::Wire::new(config, cloud.runtime.handle().clone()).unwrap();
    let error = wire.entra().agents().unwrap_err();
    assert!(matches!(error, CallError::Unreachable { .. }), "{error}");
    assert_eq!(server.seen.lock().unwrap().len(), 1, "nothing is asked again");
}
