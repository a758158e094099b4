//! The adapter against scripted answers of Exchange Online.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::json;
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

use super::*;
use crate::wire::Wire;
use crate::wire::tests::{Cloud, RawServer, complete, config, runtime};

const INVOKE: &str = "/adminapi/beta/contoso.lab/InvokeCommand";
const BATCH: &str = "/adminapi/beta/contoso.lab/$batch";
const DATE: &str = "Sun, 01 Feb 2026 08:00:05 GMT";

fn id(number: u8) -> MailboxId {
    MailboxId(Guid([number; 16]))
}

fn row(number: u8) -> Value {
    json!({"ExternalDirectoryObjectId": id(number).to_string(), "UserPrincipalName": "a@contoso.lab",
        "WhenChangedUTC": "2026-02-01T08:00:00.0000000Z", "IsDirSynced": true,
        "IsExchangeCloudManaged": true, "RecipientTypeDetails": "UserMailbox", "Unknown": {"a": [1]},
        "Alias@data.type": "x", "Alias": format!("alias{number}")})
}

fn alias() -> [Name; 1] {
    [Cow::from("Alias")]
}

fn changes(count: u8) -> Vec<MailboxChange> {
    let change =
        |number| MailboxChange { id: id(number), cloud_managed: Some(true), values: Vec::new() };
    (0..count).map(change).collect()
}

/// A batch that answers each request by what `answer` makes of its number, last one first.
fn batch_by(answer: impl Fn(u64) -> Option<Value> + Send + Sync + 'static) -> Mock {
    Mock::given(method("POST")).and(path(BATCH)).respond_with(move |request: &wiremock::Request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let number = |request: &Value| {
            let identity = &request["body"]["CmdletInput"]["Parameters"]["Identity"];
            u64::from(identity.as_str().unwrap().parse::<Guid>().unwrap().0[0])
        };
        let part = |request: &Value| {
            let mut part = answer(number(request))?;
            part["id"] = request["id"].clone();
            Some(part)
        };
        let requests = body["requests"].as_array().unwrap();
        let responses: Vec<Value> = requests.iter().rev().filter_map(part).collect();
        ResponseTemplate::new(200).set_body_json(json!({"responses": responses}))
    })
}

fn refused(text: &str) -> Value {
    json!({"status": 400, "body": {"error": {"code": "BadRequest", "message": "Error executing cmdlet",
        "details": [{"message": format!("|System.InvalidOperationException|{text}")}]}}})
}

/// A listing goes on by POST with the same body, and the clock of the answer comes with each page.
#[test]
fn pages_are_followed_by_post_with_the_same_body() {
    let cloud = Cloud::new();
    let next = format!("{}{INVOKE}?$skiptoken=abc", cloud.server.uri());
    let first = json!({"@adminapi.warnings": ["more"], "value": [row(1)], "@odata.nextLink": next});
    let last = json!({"value": [row(2)], "@odata.nextLink": " "});
    for (body, times) in [(first, 1), (last, 5)] {
        cloud.mount(
            Mock::given(method("POST"))
                .and(path(INVOKE))
                .respond_with(
                    ResponseTemplate::new(200).insert_header("date", DATE).set_body_json(body),
                )
                .up_to_n_times(times),
        );
    }
    let mut exchange = cloud.wire.exchange();
    let since = Some(Timestamp::from_micros(1_769_932_800_500_000));
    let page = exchange.mailboxes_changed(since, None, &alias()).unwrap();
    assert_eq!(page.as_of, Timestamp::from_micros(1_769_932_805_000_000));
    assert_eq!(page.rows[0].values.lists(), [["alias1"]]);
    let page = exchange.mailboxes_changed(since, page.next.as_ref(), &alias()).unwrap();
    assert_eq!((page.rows[0].id, page.next), (id(2), None));

    let requests = cloud.requests();
    assert!(
        requests[0].0.starts_with(&format!("POST {INVOKE}?$select=ExternalDirectoryObjectId,"))
    );
    assert_eq!(requests[1].0, format!("POST {INVOKE}?$skiptoken=abc"));
    assert_eq!(requests[0].2, requests[1].2);
    assert_eq!(
        requests[0].2,
        json!({"CmdletInput": {"CmdletName": "Get-Mailbox", "Parameters": {
            "Filter": "WhenChangedUTC -ge '2026-02-01T08:00:00Z'",
            "ResultSize": "Unlimited", "SortBy": "WhenChangedUTC"}}})
    );
    let sent = cloud.runtime.block_on(cloud.server.received_requests()).unwrap();
    let headers = &sent.last().unwrap().headers;
    assert_eq!(headers["prefer"], "odata.maxpagesize=1000");
    assert!(headers["x-anchormailbox"].to_str().unwrap().ends_with("@contoso.lab"));
}

/// A token is renewed once; a service that refuses the new one as well has refused the call.
#[test]
fn a_refused_token_is_renewed_once() {
    let cloud = Cloud::new();
    let unauthorized =
        Mock::given(method("POST")).and(path(INVOKE)).respond_with(ResponseTemplate::new(401));
    cloud.mount(unauthorized.up_to_n_times(3));
    let body = json!({"value": [{"Guid": id(9).to_string(),
        "BlockExchangeProvisioningFromOnPremEnabled": true}]});
    cloud.mount(
        Mock::given(method("POST"))
            .and(path(INVOKE))
            .respond_with(ResponseTemplate::new(200).set_body_json(body)),
    );
    let mut exchange = cloud.wire.exchange();
    let error = exchange.organization().unwrap_err();
    assert!(matches!(error, CallError::Refused { code, .. } if code == "401"));
    let organization = exchange.organization().unwrap();
    assert_eq!(organization, Organization { tenant: id(9).0, cloud_managed_by_default: true });
    let tokens: Vec<String> = cloud.requests().into_iter().map(|request| request.1).collect();
    assert_eq!(tokens, ["token1", "token2", "token2", "token3"]);
}

/// Each status has its meaning, and none is tried again.
#[test]
fn statuses_become_call_errors() {
    let error = |template: ResponseTemplate, page: Option<&PageToken>| {
        let cloud = Cloud::new();
        cloud.mount(Mock::given(method("POST")).and(path(INVOKE)).respond_with(template));
        let page = page.map(|_| PageToken(format!("{}{INVOKE}?$skiptoken=x", cloud.server.uri())));
        let error = cloud.wire.exchange().mailboxes_changed(None, page.as_ref(), &[]).unwrap_err();
        assert_eq!(cloud.requests().len(), 1);
        error
    };
    let status = ResponseTemplate::new;
    let throttled = |seconds: u64| {
        let retry_after = Some(Duration::from_secs(seconds));
        CallError::Throttled { retry_after }
    };
    let wait = |status: u16| ResponseTemplate::new(status).insert_header("retry-after", "37");
    assert_eq!(error(wait(429), None), throttled(37));
    assert_eq!(error(status(429), None), CallError::Throttled { retry_after: None });
    assert_eq!(error(wait(503), None), throttled(37));
    for code in [500, 502, 503, 504] {
        let expected = CallError::ServiceFailure { code: code.to_string(), detail: String::new() };
        assert_eq!(error(status(code).set_body_string("<html>"), None), expected);
    }
    let nul = status(403).set_body_bytes([0; 64]).insert_header("x-ms-diagnostics", "no role");
    let expected = CallError::Refused { code: "403".to_owned(), detail: "no role".to_owned() };
    assert_eq!(error(nul, None), expected);
    let expired = json!({"error": {"code": "BadRequest", "innererror": {"internalexception": {"message":
        "Expired or Invalid pagination request. Default Expiry time is 00:30:00"}}}});
    let expired = status(400).set_body_json(expired);
    let token = PageToken(String::new());
    assert_eq!(error(expired.clone(), Some(&token)), CallError::PageExpired);
    assert_eq!(error(expired, None), CallError::PageExpired, "whichever page it was said of");
    assert!(matches!(error(status(302), None), CallError::Malformed { .. }));
    let dated = |body: &str| status(200).insert_header("date", DATE).set_body_string(body);
    assert!(matches!(error(dated("{\"value\":["), None), CallError::Malformed { .. }));
    assert!(matches!(error(dated("{}"), None), CallError::Malformed { .. }));
}

/// A broken answer to a reading call is no answer; nothing is asked again.
#[test]
fn a_cut_answer_is_unreachable() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"value\":[";
    let server = RawServer::start(vec![cut.to_owned(), String::new()]);
    let runtime = runtime();
    let wire = Wire::new(config(&server.url), runtime.handle().clone()).unwrap();
    let mut exchange = wire.exchange();
    for _ in 0..2 {
        let error = exchange.mailboxes_changed(None, None, &[]).unwrap_err();
        assert!(matches!(error, CallError::Unreachable { .. }), "{error}");
    }
    assert_eq!(server.seen.lock().unwrap().len(), 2);
    let nobody = Wire::new(config("http://127.0.0.1:1"), runtime.handle().clone()).unwrap();
    let error = nobody.exchange().set_mailboxes(&changes(1)).unwrap_err();
    assert!(matches!(error, CallError::Unreachable { .. }), "{error}");
}

/// A body that comes too late is no answer, of a listing and of a batch that sets; that one may have been done.
#[test]
fn a_slow_body_is_no_answer() {
    let cloud = Cloud::new();
    let late = |body: Value| {
        ResponseTemplate::new(200).set_body_json(body).set_delay(Duration::from_millis(600))
    };
    for place in [INVOKE, BATCH] {
        let body = json!({"value": [], "responses": []});
        cloud.mount(Mock::given(method("POST")).and(path(place)).respond_with(late(body)));
    }
    let mut config = config(&cloud.server.uri());
    config.request_timeout = Duration::from_millis(200);
    let wire = Wire::new(config, cloud.runtime.handle().clone()).unwrap();
    let mut exchange = wire.exchange();
    let error = exchange.mailboxes_changed(None, None, &[]).unwrap_err();
    assert!(matches!(error, CallError::TimedOut { .. }), "{error}");
    let error = exchange.mailbox_rows(&[id(1)], &alias()).unwrap_err();
    assert!(matches!(error, CallError::TimedOut { .. }), "{error}");
    match exchange.set_mailboxes(&changes(2)) {
        Ok(outcomes) => assert!(outcomes.iter().all(|one| *one == SetOutcome::Unknown)),
        Err(error) => assert!(matches!(error, CallError::TimedOut { .. }), "{error}"),
    }
}

/// Ten mailboxes a request; a missing one is no error, whichever way the service says so.
#[test]
fn mailboxes_come_by_id_in_the_order_asked() {
    let cloud = Cloud::new();
    cloud.mount(batch_by(|number| {
        let found = |number: u64| u8::try_from(number).map(row).unwrap();
        Some(match number {
            3 => json!({"status": 404, "body": {}}),
            4 => json!({"status": 400, "body": {"error": {"details": [{"message":
                "Ex6F9304|X.Tasks.ManagementObjectNotFoundException|couldn't be found"}]}}}),
            5 => json!({"status": 200, "body": {"value": []}}),
            number => json!({"status": 200, "headers": {}, "body": {"value": [found(number)]}}),
        })
    }));
    let ids: Vec<MailboxId> = (0..12).map(id).collect();
    let found = cloud.wire.exchange().mailboxes(&ids, &alias()).unwrap();
    for (number, found) in found.iter().enumerate() {
        let found = found.as_ref().and_then(|mailbox| mailbox.values.column(0).first());
        let expected = format!("alias{number}");
        assert_eq!(found, (!(3..=5).contains(&number)).then_some(expected.as_str()));
    }
    let requests = cloud.requests();
    let sizes: Vec<usize> =
        requests.iter().map(|request| request.2["requests"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [10, 2]);
    let request = &requests[1].2["requests"][1];
    assert!(request["url"].as_str().unwrap().starts_with(&cloud.server.uri()));
    assert_eq!(request["headers"]["X-CmdletName"], "Get-Mailbox");
}

/// What is refused or cannot be understood in a batch of reads concerns that mailbox alone. Throttling
/// is for the whole call, which can be made again.
#[test]
fn each_read_of_a_batch_has_its_own_outcome() {
    let cloud = Cloud::new();
    cloud.mount(batch_by(|number| {
        Some(match number {
            1 => json!({"status": 403}),
            2 => json!({"status": 500}),
            3 => refused("no"),
            4 => json!({"status": 200, "body": {"value": [row(9)]}}),
            5 => json!({"status": 200, "body": {"value": [{"ExternalDirectoryObjectId": "x"}]}}),
            6 => return None,
            number => {
                let number = u8::try_from(number).unwrap();
                json!({"status": 200, "body": {"value": [row(number)]}})
            }
        })
    }));
    let ids: Vec<MailboxId> = (0..12).map(id).collect();
    let mut exchange = cloud.wire.exchange();
    let rows = exchange.mailbox_rows(&ids, &alias()).unwrap();
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(row.is_err(), (1..=6).contains(&number), "{number}: {row:?}");
    }
    assert!(matches!(&rows[1], Err(CallError::Refused { code, .. }) if code == "403"));
    assert!(matches!(&rows[2], Err(CallError::ServiceFailure { .. })));
    assert!(rows[3..7].iter().all(|row| matches!(row, Err(CallError::Malformed { .. }))));
    let whole = exchange.mailboxes(&ids, &alias());
    assert!(matches!(whole, Err(CallError::Refused { .. })), "for whoever needs all of them");

    let cloud = Cloud::new();
    cloud.mount(batch_by(|number| {
        Some(match number {
            1 => json!({"status": 429, "headers": {"retry-after": "5"}}),
            _ => json!({"status": 403}),
        })
    }));
    let retry_after = Some(Duration::from_secs(5));
    let throttled = cloud.wire.exchange().mailbox_rows(&ids, &[]).unwrap_err();
    assert_eq!(throttled, CallError::Throttled { retry_after });
}

/// What `Get-User` alone shows comes with the mailboxes that ask for it, and `Set-User` sets it once
/// `Set-Mailbox` was accepted.
#[test]
fn properties_of_the_user_are_read_and_set_by_cmdlets_of_their_own() {
    let cloud = Cloud::new();
    cloud.mount(Mock::given(method("POST")).and(path(BATCH)).respond_with(
        |request: &wiremock::Request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let answer = |request: &Value| {
                let input = &request["body"]["CmdletInput"];
                let identity = input["Parameters"]["Identity"].as_str().unwrap();
                let number = identity.parse::<Guid>().unwrap().0[0];
                let (status, rows) = match (input["CmdletName"].as_str().unwrap(), number) {
                    (_, 2) => (404, json!([])),
                    ("Get-Mailbox", number) => (200, json!([row(number)])),
                    ("Get-User", number) => {
                        (200, json!([{"AssistantName": format!("assistant of {number}")}]))
                    }
                    ("Set-Mailbox", 3) => (400, json!([])),
                    _ => (200, json!([])),
                };
                json!({"id": request["id"], "status": status, "body": {"value": rows}})
            };
            let responses: Vec<Value> =
                body["requests"].as_array().unwrap().iter().map(answer).collect();
            ResponseTemplate::new(200).set_body_json(json!({"responses": responses}))
        },
    ));
    let mut exchange = cloud.wire.exchange();
    let properties = [Cow::from("AssistantName"), Cow::from("Alias")];
    let found = exchange.mailboxes(&[id(1), id(2), id(4)], &properties).unwrap();
    let shown: Vec<Option<Vec<Vec<String>>>> =
        found.into_iter().map(|found| found.map(|mailbox| mailbox.values.lists())).collect();
    let expected = |number: u8| {
        Some(vec![vec![format!("assistant of {number}")], vec![format!("alias{number}")]])
    };
    assert_eq!(shown, [expected(1), None, expected(4)]);
    let names = |request: &(String, String, Value)| -> Vec<String> {
        let requests = request.2["requests"].as_array().unwrap();
        let name =
            |one: &Value| one["body"]["CmdletInput"]["CmdletName"].as_str().unwrap().to_owned();
        requests.iter().map(name).collect()
    };
    let sent = cloud.requests();
    assert!(!sent[0].2.to_string().contains("AssistantName"), "no property of Get-Mailbox");
    assert_eq!(names(&sent[1]), ["Get-User", "Get-User"], "who was not found is not asked for");

    let change = |number: u8, alias: bool| {
        let mut values = vec![(Cow::from("AssistantName"), vec!["Eve".to_owned()])];
        values.extend(alias.then(|| (Cow::from("Alias"), vec!["eve".to_owned()])));
        MailboxChange { id: id(number), cloud_managed: None, values }
    };
    let outcomes =
        exchange.set_mailboxes(&[change(1, true), change(3, true), change(4, false)]).unwrap();
    assert_eq!((&outcomes[0], &outcomes[2]), (&SetOutcome::Accepted, &SetOutcome::Accepted));
    assert!(matches!(outcomes[1], SetOutcome::Refused { .. }), "{outcomes:?}");
    let sent = cloud.requests();
    assert_eq!(names(&sent[2]), ["Set-Mailbox", "Set-Mailbox"]);
    assert!(!sent[2].2.to_string().contains("AssistantName"));
    assert_eq!(names(&sent[3]), ["Set-User", "Set-User"]);
    assert!(!sent[3].2.to_string().contains("Alias"));
}

/// Each cmdlet of a batch has its own outcome; one that was not answered is unknown.
#[test]
fn outcomes_of_a_batch_are_kept_apart() {
    let cloud = Cloud::new();
    cloud.mount(batch_by(|number| match number {
        2 => Some(refused("out of the current user's write scope.")),
        3 => None,
        11 => Some(json!({"status": 500, "body": {"error": {"code": "Boom", "message": ""}}})),
        _ => Some(json!({"status": 200, "body": {"value": []}})),
    }));
    let outcomes = cloud.wire.exchange().set_mailboxes(&changes(12)).unwrap();
    let refused = |code: &str, message: &str| SetOutcome::Refused {
        code: code.to_owned(),
        message: message.to_owned(),
    };
    let mut expected = vec![SetOutcome::Accepted; 12];
    expected[2] =
        refused("System.InvalidOperationException", "out of the current user's write scope.");
    expected[3] = SetOutcome::Unknown;
    expected[11] = refused("Boom", "");
    assert_eq!(outcomes, expected);
    let parameters = &cloud.requests()[0].2["requests"][0]["body"]["CmdletInput"]["Parameters"];
    assert_eq!(parameters["IsExchangeCloudManaged"], json!(true));
}

/// A batch of which nothing was let through has failed as a call: nothing was applied.
#[test]
fn a_batch_that_is_throttled_as_a_whole_fails_the_call() {
    let cloud = Cloud::new();
    cloud.mount(batch_by(|_| Some(json!({"status": 429, "headers": {"Retry-After": 30}}))));
    let error = cloud.wire.exchange().set_mailboxes(&changes(12)).unwrap_err();
    assert_eq!(error, CallError::Throttled { retry_after: Some(Duration::from_secs(30)) });
    assert_eq!(cloud.requests().len(), 1);
}

/// After a lost answer nothing is sent any more: what was sent is unknown, the rest was never sent.
#[test]
fn a_lost_answer_ends_the_batch_as_unknown() {
    let accepted: Vec<Value> =
        (0..10).map(|number| json!({"id": number.to_string(), "status": 200})).collect();
    let accepted = json!({"responses": accepted}).to_string();
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{".to_owned();
    for lost in [cut, String::new(), complete(500, "", ""), complete(200, "", "nonsense")] {
        let server = RawServer::start(vec![complete(200, "", &accepted), lost]);
        let runtime = runtime();
        let wire = Wire::new(config(&server.url), runtime.handle().clone()).unwrap();
        let outcomes = wire.exchange().set_mailboxes(&changes(35)).unwrap();
        assert_eq!(outcomes[..10], vec![SetOutcome::Accepted; 10]);
        assert_eq!(outcomes[10..20], vec![SetOutcome::Unknown; 10]);
        assert_eq!(outcomes[20..], vec![SetOutcome::NotSent; 15]);
        assert_eq!(server.seen.lock().unwrap().len(), 2);
    }
}

/// One of ten is throttled: it alone was not let through, and nothing more is sent.
#[test]
fn one_throttled_mailbox_ends_the_batch_and_is_told_from_a_refused_one() {
    for (status, wish) in [(429, Some(120)), (429, None), (503, Some(5))] {
        let cloud = Cloud::new();
        cloud.mount(batch_by(move |number| {
            Some(match (number, wish) {
                (4, Some(wish)) => json!({"status": status, "headers": {"retry-after": wish}}),
                (4, None) => json!({"status": status}),
                _ => json!({"status": 200, "body": {"value": []}}),
            })
        }));
        let outcomes = cloud.wire.exchange().set_mailboxes(&changes(25)).unwrap();
        let mut expected = vec![SetOutcome::Accepted; 10];
        expected[4] = SetOutcome::Throttled { retry_after: wish.map(Duration::from_secs) };
        expected.resize(25, SetOutcome::NotSent);
        assert_eq!(outcomes, expected);
        assert_eq!(cloud.requests().len(), 1);
    }
    let cloud = Cloud::new();
    cloud.mount(batch_by(|_| Some(json!({"status": 503}))));
    let outcomes = cloud.wire.exchange().set_mailboxes(&changes(1)).unwrap();
    assert!(matches!(outcomes[0], SetOutcome::Refused { .. }), "a 503 without a wish is a failure");
}

/// The second request of a batch is throttled: what it carried waits as long as the service asks, and
/// what came after it was never sent. A connection that is refused then is no attempt either.
#[test]
fn a_throttled_second_request_keeps_its_wish_and_ends_the_batch() {
    let accepted: Vec<Value> =
        (0..10).map(|number| json!({"id": number.to_string(), "status": 200})).collect();
    let accepted = json!({"responses": accepted}).to_string();
    let throttled = complete(429, "Retry-After: 120\r\n", "");
    let wish = SetOutcome::Throttled { retry_after: Some(Duration::from_mins(2)) };
    for (second, expected) in [(throttled, wish), (complete(403, "", ""), SetOutcome::NotSent)] {
        let server = RawServer::start(vec![complete(200, "", &accepted), second]);
        let runtime = runtime();
        let wire = Wire::new(config(&server.url), runtime.handle().clone()).unwrap();
        let outcomes = wire.exchange().set_mailboxes(&changes(35)).unwrap();
        assert_eq!(outcomes[..10], vec![SetOutcome::Accepted; 10]);
        assert_eq!(outcomes[10..20], vec![expected; 10]);
        assert_eq!(outcomes[20..], vec![SetOutcome::NotSent; 15]);
        assert_eq!(server.seen.lock().unwrap().len(), 2);
    }
}

/// When the very first request is refused before any work, the call says why.
#[test]
fn a_first_request_that_is_refused_fails_the_call() {
    let outcome = |answer: String| {
        let server = RawServer::start(vec![answer]);
        let runtime = runtime();
        let wire = Wire::new(config(&server.url), runtime.handle().clone()).unwrap();
        wire.exchange().set_mailboxes(&changes(2))
    };
    let throttled = outcome(complete(429, "Retry-After: 7\r\n", ""));
    let retry_after = Some(Duration::from_secs(7));
    assert_eq!(throttled, Err(CallError::Throttled { retry_after }));
    assert!(matches!(outcome(complete(403, "", "")), Err(CallError::Refused { .. })));
    assert!(matches!(outcome(complete(503, "", "")), Err(CallError::ServiceFailure { .. })));
    // A gateway may say these after the work was done.
    assert_eq!(outcome(complete(504, "", "")), Ok(vec![SetOutcome::Unknown; 2]));
}
