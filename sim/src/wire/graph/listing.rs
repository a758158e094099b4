//! Pages of a listing: `$top`, `$skiptoken`, and `$select` over small records.

use serde_json::Value;

use super::Operation;
use super::error::GraphError;

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
