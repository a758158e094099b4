//! JSON `$batch`.
//!
//! Source: Microsoft Graph, "Combine multiple requests in one HTTP call using JSON batching".
//!
//! # Divergence from Microsoft Graph
//! Addresses are documented as relative; an absolute one of the same host and version is taken as such,
//! because the Python SDK sends it.

use std::collections::BTreeMap;

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::GraphError;
use super::{JSON, Operation, budget};
use crate::fault::Place;
use crate::wire::json;
use crate::wire::message::{Address, Answer, Request, waiting_mark};

/// Most requests in one batch.
const MOST: usize = 20;

#[derive(Deserialize)]
struct Batch {
    requests: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default)]
    body: Option<Value>,
    #[serde(rename = "dependsOn", default)]
    depends_on: Vec<String>,
}

impl Part {
    fn header(&self, name: &str) -> Option<&str> {
        let headers = self.headers.as_ref()?;
        headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?.1.as_str()
    }

    fn method(&self) -> Result<Method, GraphError> {
        Method::from_bytes(self.method.to_ascii_uppercase().as_bytes())
            .map_err(|_| invalid(format!("Invalid method '{}'.", self.method)))
    }
}

/// Answers a batch; its parts run in order, and a dependency before its dependents.
pub(super) fn answer(operation: &Operation<'_>, request: &Request) -> Result<Answer, GraphError> {
    if operation.method != Method::POST {
        return Err(GraphError::new(405, "BadRequest", "Batch requests are sent by POST."));
    }
    let batch: Batch = serde_json::from_slice(operation.body)
        .map_err(|why| invalid(format!("Invalid batch payload format. {why}")))?;
    check(operation, &batch)?;
    let addresses: Vec<Address> = batch
        .requests
        .iter()
        .map(|part| {
            let url = relative(operation, &part.url).unwrap_or_default();
            let slash = if url.starts_with('/') { "" } else { "/" };
            Address::parse(&format!("/{}{slash}{url}", operation.version))
        })
        .collect();
    let mut struck = request.struck_part;
    let mut fate = || {
        let fate = struck.take();
        let further = request.struck_part.is_some();
        struck = further.then(|| operation.estate.with(|e| e.part_fate(&Place::Graph))).flatten();
        fate
    };
    let answers = one_by_one(operation, &batch, &addresses, &mut fate)?;
    let mut list = json::List::after(b"{\"responses\":".to_vec());
    let mut waits_for = Vec::new();
    for (part, answer) in batch.requests.iter().zip(answers) {
        let answer = answer.unwrap_or_else(|error| error.answer(operation.estate, request));
        write(list.next(), &part.id, &answer);
        waits_for.extend(answer.waits_for);
    }
    let mut out = list.end();
    out.push(b'}');
    let at = operation.estate.with(|estate| estate.now());
    Ok(Answer { waits_for, ..Answer::new(200, JSON, out, at) })
}

fn invalid(message: String) -> GraphError {
    GraphError::new(400, "BadRequest", message)
}

/// What an address is relative to the version; `None` for one that leads elsewhere.
fn relative<'u>(operation: &Operation<'_>, url: &'u str) -> Option<&'u str> {
    if !url.contains("://") {
        return Some(url);
    }
    let rest = url.strip_prefix(operation.base)?.trim_start_matches('/');
    rest.strip_prefix(operation.version).filter(|rest| rest.starts_with('/'))
}

fn check(operation: &Operation<'_>, batch: &Batch) -> Result<(), GraphError> {
    if batch.requests.len() > MOST {
        return Err(invalid(format!(
            "Number of batch request steps exceeds the maximum value of '{MOST}'."
        )));
    }
    let mut ids: Vec<String> = Vec::new();
    for part in &batch.requests {
        let id = part.id.to_ascii_lowercase();
        if ids.contains(&id) {
            return Err(invalid(format!("Request Id '{}' is not unique.", part.id)));
        }
        ids.push(id);
        if relative(operation, &part.url).is_none() {
            return Err(invalid(format!(
                "Invalid request URL for request Id '{}': it must be relative.",
                part.id
            )));
        }
    }
    let known = |id: &String| ids.contains(&id.to_ascii_lowercase());
    match batch.requests.iter().flat_map(|part| &part.depends_on).find(|id| !known(id)) {
        None => Ok(()),
        Some(id) => Err(invalid(format!("There is no request with the Id '{id}' to depend on."))),
    }
}

type Answers = Vec<Result<Answer, GraphError>>;

fn one_by_one(
    operation: &Operation<'_>,
    batch: &Batch,
    addresses: &[Address],
    fate: &mut dyn FnMut() -> Option<(u16, Option<u32>)>,
) -> Result<Answers, GraphError> {
    let mut done: BTreeMap<usize, Result<Answer, GraphError>> = BTreeMap::new();
    let place = |id: &str| batch.requests.iter().position(|p| p.id.eq_ignore_ascii_case(id));
    while done.len() < batch.requests.len() {
        let ready = batch.requests.iter().enumerate().find(|(index, part)| {
            !done.contains_key(index)
                && part.depends_on.iter().filter_map(|id| place(id)).all(|p| done.contains_key(&p))
        });
        let Some((index, request)) = ready else {
            return Err(invalid("The dependencies of the batch form a circle.".to_owned()));
        };
        let failed = request.depends_on.iter().filter_map(|id| place(id)).any(|p| {
            done.get(&p).is_some_and(|answer| {
                answer.as_ref().map_or(true, |answer| answer.status.is_client_error())
            })
        });
        let answer = if failed {
            Err(GraphError::new(
                424,
                "FailedDependency",
                "A request that this one depends on has failed.",
            ))
        } else if let Some((status, wait)) = fate() {
            Err(failed_part(operation, &addresses[index], status, wait))
        } else {
            run(operation, request, &addresses[index])
        };
        done.insert(index, answer);
    }
    Ok(done.into_values().collect())
}

/// What a fault makes of a part.
fn failed_part(
    operation: &Operation<'_>,
    address: &Address,
    status: u16,
    wait: Option<u32>,
) -> GraphError {
    let tenant = operation.identity.tenant.id;
    let application = operation.bearer.application.client_id;
    let owner = format!("{tenant}/{application}");
    budget::failed(operation.estate, address, &owner, (status, None), wait)
}

fn run(operation: &Operation<'_>, request: &Part, address: &Address) -> Result<Answer, GraphError> {
    let body = match &request.body {
        None | Some(Value::Null) => Vec::new(),
        Some(_) if request.header("content-type").is_none() => {
            return Err(invalid(format!(
                "Write request id : {} does not contain Content-Type header or body.",
                request.id
            )));
        }
        Some(body) => body.to_string().into_bytes(),
    };
    let eventual = request
        .header("consistencylevel")
        .is_some_and(|level| level.eq_ignore_ascii_case("eventual"));
    let answer = budget::within(&Operation {
        estate: operation.estate,
        identity: operation.identity,
        bearer: operation.bearer,
        base: operation.base,
        version: operation.version,
        method: request.method()?,
        address,
        eventual,
        page_size: request.header("prefer").and_then(super::page_size),
        minimal: request.header("prefer").is_some_and(super::is_minimal),
        body: &body,
    })?;
    Ok(answer)
}

fn write(out: &mut Vec<u8>, id: &str, answer: &Answer) {
    out.extend_from_slice(b"{\"id\":");
    json::string(out, id);
    if let Some(request) = answer.waits_for.first() {
        // The engine answers it later: a part that waits is not done, and holds up nobody.
        out.push(b',');
        out.extend_from_slice(&waiting_mark(*request));
        out.push(b'}');
        return;
    }
    out.extend_from_slice(format!(",\"status\":{}", answer.status.as_u16()).as_bytes());
    out.extend_from_slice(b",\"headers\":{");
    for (index, (name, value)) in answer.headers.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::header_name(out, name.as_str());
        out.push(b':');
        json::lossy_string(out, value.as_bytes());
    }
    out.push(b'}');
    if !answer.body.is_empty() {
        out.extend_from_slice(b",\"body\":");
        out.extend_from_slice(&answer.body);
    }
    out.push(b'}');
}
