//! `$batch`: several cmdlets in one request, each with an answer of its own.
//!
//! Sources: OData JSON Format 4.01, 19 "Batch Requests and Responses"; the traffic of public tools
//! (CIPP, ORADAZ), which send ten requests with absolute addresses.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::body::Body;
use super::{Caller, Links, error, invoke};
use crate::estate::Estate;
use crate::wire::identity::Tenant;
use crate::wire::json;
use crate::wire::message::{Address, Answer};

/// Most requests in one batch: what public tools keep to. The service's own limit is not documented.
const MOST: usize = 10;

#[derive(Deserialize)]
struct Batch {
    requests: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(deserialize_with = "id")]
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default)]
    body: Value,
}

/// Ids are text; some clients send numbers.
fn id<'de, D: Deserializer<'de>>(json: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(json)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

/// Runs all parts, in order.
pub(super) fn answer(
    estate: &mut Estate,
    caller: &Caller,
    tenant: &Tenant,
    base: &str,
    body: &[u8],
) -> Answer {
    let batch: Batch = match serde_json::from_slice(body) {
        Ok(batch) => batch,
        Err(why) => return error::of_body(caller, &why, estate.now()),
    };
    if batch.requests.len() > MOST {
        let text = format!("The number of requests in the batch exceeds the maximum of {MOST}.");
        return error::of_gateway(400, &text, estate.now());
    }
    let mut list = json::List::after(b"{\"responses\":".to_vec());
    for part in batch.requests {
        let id = part.id.clone();
        let answer = run(estate, caller, tenant, base, part);
        write(list.next(), &id, &answer);
    }
    let mut out = list.end();
    out.push(b'}');
    Answer::new(200, error::JSON, out, estate.now()).with("odata-version", "4.0")
}

fn run(estate: &mut Estate, caller: &Caller, tenant: &Tenant, base: &str, part: Part) -> Answer {
    let address = Address::parse(&part.url);
    let own = address.segments.get(2).is_some_and(|name| tenant.is_called(name));
    if !part.method.eq_ignore_ascii_case("POST") || !invoke::is_invoke(&address) || !own {
        return invoke::not_found(&address, estate.now());
    }
    let prefer = part
        .headers
        .as_ref()
        .and_then(|headers| headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("Prefer")))
        .and_then(|(_, value)| value.as_str());
    let links = Links { base, address: &address, prefer };
    let body = serde_json::from_value::<Body>(part.body);
    invoke::answer(estate, caller, &links, body)
}

fn write(out: &mut Vec<u8>, id: &str, answer: &Answer) {
    out.extend_from_slice(b"{\"id\":");
    json::string(out, id);
    out.extend_from_slice(
        format!(",\"status\":{},\"headers\":{{", answer.status.as_u16()).as_bytes(),
    );
    for (index, (name, value)) in answer.headers.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::header_name(out, name.as_str());
        out.push(b':');
        json::lossy_string(out, value.as_bytes());
    }
    out.extend_from_slice(b"},\"body\":");
    // The body of a 403 is no JSON.
    if answer.body.first().is_some_and(|byte| *byte == b'{') {
        out.extend_from_slice(&answer.body);
    } else {
        out.extend_from_slice(b"\"\"");
    }
    out.push(b'}');
}
