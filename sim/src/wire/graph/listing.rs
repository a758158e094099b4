//! Pages of a listing: `$top`, `$skiptoken`, and `$select` over small records.

use serde_json::{Value, json};

use super::error::GraphError;
use super::filter::{Filter, Mode, Support, member};
use super::query::Query;
use super::{Operation, ok};
use crate::clock::VirtualTime;
use crate::wire::message::Answer;

/// `$top`, at least 1 and at most `most`.
pub(super) fn top(
    operation: &Operation<'_>,
    default: usize,
    most: usize,
) -> Result<usize, GraphError> {
    let Some(text) = operation.address.query.get("top") else { return Ok(default) };
    match text.parse() {
        Ok(size) if (1..=most).contains(&size) => Ok(size),
        _ => Err(GraphError::unsupported_query(format!(
            "Invalid page size specified: '{text}'. Must be between 1 and {most} inclusive."
        ))),
    }
}

/// Where a page starts: what [`token`] says, or the default.
pub(super) fn start(operation: &Operation<'_>, default: usize) -> Result<usize, GraphError> {
    let Some(token) = operation.address.query.get("skiptoken") else { return Ok(default) };
    token
        .strip_prefix(MARK)
        .and_then(|hex| usize::from_str_radix(hex, 16).ok())
        .ok_or_else(|| GraphError::bad_request("The specified page token value is invalid."))
}

/// The token of a page that starts here. Opaque to clients.
pub(super) fn token(start: usize) -> String {
    format!("{MARK}{start:x}")
}

const MARK: &str = "RFNwdAIAAQ-";

/// What a listing of small records is about.
pub(super) struct Collection<'c> {
    /// `users('x')/memberOf`, for `@odata.context`.
    pub(super) context: &'c str,
    /// The resource's type.
    pub(super) kind: &'static str,
    /// Page sizes: by default, and at most.
    pub(super) page: (usize, usize),
    /// A record with every member, by which names are known when there is no record.
    pub(super) sample: Value,
}

/// Answers a listing of records that were made as values.
pub(super) fn records(
    operation: &Operation<'_>,
    collection: &Collection<'_>,
    all: Vec<Value>,
    at: VirtualTime,
) -> Result<Answer, GraphError> {
    let support = Support { kind: collection.kind };
    let known = |name: &str| {
        let members = collection.sample.as_object();
        members.is_some_and(|m| m.keys().any(|key| key.eq_ignore_ascii_case(name)))
    };
    let query = Query::read(operation, support, collection.page, &known)?;
    let mut found: Vec<Value> = all
        .into_iter()
        .filter(|record| query.passes(&|path: &[String]| member(record, path)))
        .collect();
    query.sort(&mut found, |record, name| member(record, &[name.to_owned()]));
    let total = found.len();
    let mut page: Vec<Value> = found.into_iter().skip(query.start).take(query.top).collect();
    let kind = collection.kind.to_ascii_lowercase();
    for record in &mut page {
        select(operation, record, &kind)?;
    }
    let mut body = json!({"@odata.context": operation.context(collection.context)});
    if query.counted {
        body["@odata.count"] = total.into();
    }
    let next = query.start + page.len();
    if next < total {
        body["@odata.nextLink"] = operation.address.next_link(operation.base, &token(next)).into();
    }
    body["value"] = page.into();
    Ok(ok(&body, at))
}

/// `$count` behind a collection: a number as text, of the records that pass the filter.
pub(super) fn count(
    operation: &Operation<'_>,
    kind: &'static str,
    all: &[Value],
) -> Result<Answer, GraphError> {
    if !operation.eventual {
        return Err(GraphError::bad_request("$count is not currently supported."));
    }
    operation.only_options(&["filter"])?;
    let filter = operation.address.query.get("filter").map(Filter::parse).transpose()?;
    if let Some(filter) = &filter {
        Support { kind }.check(filter, Mode::Advanced)?;
    }
    let passes = |record: &&Value| {
        let get = |path: &[String]| member(record, path);
        filter.as_ref().is_none_or(|filter| filter.matches(&get))
    };
    let count = all.iter().filter(passes).count();
    let at = operation.with(|estate, _| estate.now());
    Ok(Answer::new(200, "text/plain", count.to_string().into_bytes(), at))
}

/// One record as an answer, with the members of its `$select`.
pub(super) fn entity(
    operation: &Operation<'_>,
    (context, kind): (&str, &str),
    mut record: Value,
    at: VirtualTime,
) -> Result<Answer, GraphError> {
    select(operation, &mut record, kind)?;
    let mut body = json!({"@odata.context": operation.context(&format!("{context}/$entity"))});
    if let (Some(body), Some(record)) = (body.as_object_mut(), record.as_object_mut()) {
        body.append(record);
    }
    Ok(ok(&body, at))
}

/// Keeps the members of a `$select` in a record of this type.
pub(super) fn select(
    operation: &Operation<'_>,
    record: &mut Value,
    kind: &str,
) -> Result<(), GraphError> {
    let (Some(names), Some(members)) = (operation.address.query.select(), record.as_object_mut())
    else {
        return Ok(());
    };
    let is = |member: &str| names.iter().any(|name| name.eq_ignore_ascii_case(member));
    let unknown =
        names.iter().find(|name| !members.keys().any(|member| member.eq_ignore_ascii_case(name)));
    if let Some(name) = unknown {
        return Err(GraphError::no_property(name, kind));
    }
    members.retain(|member, _| is(member));
    Ok(())
}
