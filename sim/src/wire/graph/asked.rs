//! What a request to Graph is refused for because of what it says, whoever it is about and whenever it comes.

use serde_json::Value;

use super::error::GraphError;
use super::filter::Filter;
use super::licences;
use super::synchronization;
use super::user;
use super::user_changes;
use crate::wire::message::Address;

/// Why a request with this address and body would be refused for its form, as far as that can be told without
/// an estate: the filter and the selection of users, what a user or its source of authority is changed to,
/// which licences it is given, and with which scopes a job is restarted.
///
/// # Errors
/// The service's words.
pub fn form(method: &str, address: &str, body: Option<&Value>) -> Result<(), String> {
    let versioned = ["/v1.0/", "/beta/"].iter().any(|version| address.starts_with(version));
    let version = if versioned { "" } else { "/v1.0" };
    let address = Address::parse(&format!("{version}{address}"));
    let segments: Vec<String> =
        address.segments.iter().skip(1).map(|segment| segment.to_ascii_lowercase()).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let said = |error: GraphError| error.message;
    match (method, segments.as_slice()) {
        ("GET", ["users"] | ["users", _]) => {
            if let Some(filter) = address.query.get("filter") {
                let filter = Filter::parse(filter).map_err(said)?;
                let is_known = |path: &&[String]| path.first().is_none_or(|n| user::is_known(n));
                if let Some(path) = filter.properties().into_iter().find(|path| !is_known(path)) {
                    return Err(said(GraphError::no_filter_property(path, "user")));
                }
            }
            let selected = address.query.select().unwrap_or_default();
            let unknown = selected.iter().find(|name| **name != "*" && !user::is_known(name));
            unknown.map_or(Ok(()), |name| Err(said(GraphError::no_property(name, "user"))))
        }
        ("PATCH", ["users", _]) => {
            let members = body.and_then(Value::as_object);
            members.map_or(Ok(()), |members| user_changes::check(members).map_err(said))
        }
        ("PATCH", ["users", _, "onpremisessyncbehavior"]) => {
            match body.and_then(|body| body.get("isCloudManaged")) {
                Some(Value::Bool(_)) => Ok(()),
                _ => Err("the body says `isCloudManaged`, `true` or `false`".to_owned()),
            }
        }
        ("POST", ["users", _, "assignlicense"]) => {
            let list = |name: &str| body.and_then(|body| body.get(name)?.as_array()).is_some();
            if !list("addLicenses") || !list("removeLicenses") {
                return Err("the body has two lists, `addLicenses` and `removeLicenses`".to_owned());
            }
            let members = body.and_then(Value::as_object);
            let known = members.map_or(Ok(()), licences::check).map_err(said);
            known.map_err(|why| format!("{why} The tenant has {}", licences::SKU))
        }
        ("POST", ["serviceprincipals", _, "synchronization", "jobs", _, "restart"]) => {
            let body = body.map(Value::to_string).unwrap_or_default();
            synchronization::reset_scope(body.as_bytes()).map(drop).map_err(said)
        }
        _ => Ok(()),
    }
}
