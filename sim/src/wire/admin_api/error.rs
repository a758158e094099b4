//! The admin API's refusals.
//!
//! Source: recorded answers of the service in public tools (graph2otel, CIPP): the telling text is
//! in `details` behind the exception class and in `internalexception`; a 403 carries no JSON.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use serde_json::json;

use crate::caller::Caller;
use crate::clock::VirtualTime;
use crate::exchange::cmdlets::{CmdletError, ErrorKind};
use crate::wire::message::Answer;

pub(super) const JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// What the body of a 403 consists of.
const NO_JSON: [u8; 128] = [0; 128];

/// 401 and why, for the client library to see.
pub(super) fn unauthorized(error: &str, description: &str, at: VirtualTime) -> Answer {
    let challenge = format!(
        "Bearer client_id=\"00000002-0000-0ff1-ce00-000000000000\", trusted_issuers=\"00000001-0000-0000-c000-000000000000@*\", token_types=\"app_asserted_user_v1 service_asserted_app_v1\", authorization_uri=\"https://login.windows.net/common/oauth2/authorize\", error=\"{error}\""
    );
    Answer::new(401, JSON, Vec::new(), at).with("www-authenticate", &challenge).with(
        "x-ms-diagnostics",
        &format!("2000003;reason=\"{description}\";error_category=\"{error}\""),
    )
}

/// 403: no role, no right to the cmdlet, or no such cmdlet. The service does not tell which.
pub(super) fn forbidden(at: VirtualTime) -> Answer {
    Answer::new(403, JSON, NO_JSON.to_vec(), at)
        .with("x-ms-diagnostics", "2000010;reason=\"The caller isn't authorized to run the cmdlet.\";error_category=\"access_denied\"")
}

/// A cmdlet's refusal.
pub(super) fn of_cmdlet(error: &CmdletError, at: VirtualTime) -> Answer {
    if error.kind == ErrorKind::Forbidden {
        return forbidden(at);
    }
    let kind = error.kind;
    let answer = envelope(
        &Refusal {
            status: kind.status(),
            code: kind.code(),
            headline: kind.headline(),
            class: kind.class(),
            text: &error.message,
        },
        at,
    );
    match kind {
        ErrorKind::Throttled { retry_after } => {
            answer.with("retry-after", &retry_after.to_string())
        }
        _ => answer,
    }
}

/// An error of the service itself, before or after the cmdlet. The front end speaks HTML; the back end
/// speaks the envelope.
pub(super) fn of_service(status: u16, retry_after: Option<u32>, at: VirtualTime) -> Answer {
    let wait = retry_after.map(|seconds| seconds.to_string());
    let answer = match status {
        429 => of_cmdlet(&CmdletError::throttled(retry_after.unwrap_or(30)), at),
        502..=504 => {
            let name = StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason());
            let page = format!(
                "<html><head><title>{status} {0}</title></head><body><h2>{0}</h2></body></html>",
                name.unwrap_or_default()
            );
            Answer::new(status, "text/html", page.into_bytes(), at)
        }
        _ => envelope(
            &Refusal {
                status,
                code: "InternalServerError",
                headline: "Error executing cmdlet",
                class: "Microsoft.Exchange.Data.Storage.StorageTransientException",
                text: "An unexpected server-side error has occurred. Please try again.",
            },
            at,
        ),
    };
    let answer = Answer { headers: without(answer.headers, RETRY_AFTER), ..answer };
    match wait {
        Some(seconds) => answer.with("retry-after", &seconds),
        None => answer,
    }
}

fn without(mut headers: HeaderMap, name: HeaderName) -> HeaderMap {
    headers.remove(name);
    headers
}

/// A body that is none. Who may do nothing is not even told that.
pub(super) fn of_body(caller: &Caller, why: &serde_json::Error, at: VirtualTime) -> Answer {
    if caller.role.may_read() { of_gateway(400, &why.to_string(), at) } else { forbidden(at) }
}

/// A request that the service cannot take, before any cmdlet runs.
pub(super) fn of_gateway(status: u16, text: &str, at: VirtualTime) -> Answer {
    envelope(
        &Refusal {
            status,
            code: if status == 404 { "NotFound" } else { "BadRequest" },
            headline: "Invalid Operation",
            class: "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
            text,
        },
        at,
    )
}

struct Refusal<'t> {
    status: u16,
    code: &'t str,
    headline: &'t str,
    class: &'t str,
    text: &'t str,
}

fn envelope(refusal: &Refusal<'_>, at: VirtualTime) -> Answer {
    let Refusal { status, code, headline, class, text } = *refusal;
    // Not-found errors carry a string id before the class.
    let id = if status == 404 { "Ex6F9304" } else { "" };
    let body = json!({
        "error": {
            "code": code,
            // Only throttling says there what it is: clients read the wait off its end.
            "message": if status == 429 { text } else { headline },
            "details": [{
                "code": "Client",
                "target": "",
                "message": format!("{id}|{class}|{text}"),
            }],
            "innererror": {
                "message": headline,
                "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
                "stacktrace": "",
                "internalexception": {
                    "message": text,
                    "type": if headline == "Error executing cmdlet" {
                        "Microsoft.Exchange.Management.PSDirectInvoke.DirectInvokeCmdletExecutionException"
                    } else {
                        class
                    },
                    "stacktrace": "",
                },
            },
        },
        "adminapi.warnings@odata.type": "#Collection(String)",
        "@adminapi.warnings": [],
    });
    Answer::new(status, JSON, body.to_string().into_bytes(), at).with("x-exceptiontype", class)
}
