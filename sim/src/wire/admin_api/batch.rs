//! `$batch`: several cmdlets in one request, each with an answer of its own.
//!
//! Sources: OData JSON Format 4.01, 19 "Batch Requests and Responses"; the traffic of public tools
//! (CIPP, ORADAZ), which send ten requests with absolute addresses.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::body::Body;
use super::{Asked, Caller, Links, endpoint, error, invoke};
use crate::estate::Estate;
use crate::fault::Place;
use crate::wire::identity::Identity;
use crate::wire::json;
use crate::wire::message::{Address, Answer, Request};

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
    identity: &Identity,
    request: &Request,
) -> Answer {
    let batch: Batch = match serde_json::from_slice(&request.body) {
        Ok(batch) => batch,
        Err(why) => return error::of_body(caller, &why, estate.now()),
    };
    if batch.requests.len() > MOST {
        let text = format!("The number of requests in the batch exceeds the maximum of {MOST}.");
        return error::of_gateway(400, &text, estate.now());
    }
    let mut list = json::List::after(b"{\"responses\":".to_vec());
    let mut struck = request.struck_part;
    for part in batch.requests {
        let id = part.id.clone();
        let answer = match struck {
            Some((status, wait)) => error::of_service(status, wait, estate.now()),
            None => run(estate, caller, identity, &request.base, part),
        };
        let answer = answer.with("request-id", &identity.fresh_id().to_string());
        write(list.next(), &id, &answer);
        struck = request.struck_part.and_then(|_| estate.part_fate(&Place::ExchangeOnline));
    }
    let mut out = list.end();
    out.push(b'}');
    Answer::new(200, error::JSON, out, estate.now()).with("odata-version", "4.0")
}

/// A part: cmdlets by POST, and the reads.
fn run(
    estate: &mut Estate,
    caller: &Caller,
    identity: &Identity,
    base: &str,
    part: Part,
) -> Answer {
    let address = Address::parse(&part.url);
    let method = part.method.to_ascii_uppercase();
    let asked = match endpoint(identity, &method, &address) {
        Ok(asked) => asked,
        Err((status, text)) => return error::of_gateway(status, &text, estate.now()),
    };
    let prefer = part
        .headers
        .as_ref()
        .and_then(|headers| headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("Prefer")))
        .and_then(|(_, value)| value.as_str());
    let links = Links { base, address: &address, prefer };
    match asked {
        Asked::Batch => error::of_gateway(400, "A batch holds no other batch.", estate.now()),
        Asked::Invoke => {
            invoke::answer(estate, caller, &links, serde_json::from_value::<Body>(part.body))
        }
        read => super::read(estate, caller, &links, read),
    }
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
