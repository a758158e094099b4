//! Users: the listing, one, and `directoryObjects/getByIds`.

use serde::Deserialize;

use super::error::GraphError;
use super::{JSON, Operation, guid, listing, user};
use crate::estate::Estate;
use crate::guid::Guid;
use crate::wire::identity::app_role;
use crate::wire::json;
use crate::wire::message::Answer;

/// Any of these allows reading users.
const READERS: [&str; 4] = [
    app_role::USER_READ,
    app_role::DIRECTORY_READ,
    "User.ReadWrite.All",
    "Directory.ReadWrite.All",
];

/// Page sizes of users: by default, and at most.
const PAGE: (usize, usize) = (100, 999);

/// Most ids of `getByIds`.
const IDS: usize = 1_000;

/// `GET /users`.
pub(super) fn list(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    operation.only_options(&["select", "top", "skiptoken", "count"])?;
    let top = listing::top(operation, PAGE.0, PAGE.1)?;
    let start = listing::start(operation, 0)?;
    let names = operation.address.query.select();
    let selection = user::selection(names.as_deref())?;
    // Without the header the option is passed over (Graph, "Advanced query capabilities").
    let counted = operation.eventual
        && operation.address.query.get("count").is_some_and(|c| c.eq_ignore_ascii_case("true"));
    Ok(operation.with(|estate, caller| {
        let ids: Vec<Guid> =
            estate.entra.users().iter().skip(start).take(top).map(|user| user.id).collect();
        let numbers = estate.users(caller, &ids);
        let mut out = b"{\"@odata.context\":".to_vec();
        json::string(&mut out, &operation.context(&user::context(names.as_deref())));
        let all = estate.entra.users().len();
        if counted {
            out.extend_from_slice(format!(",\"@odata.count\":{all}").as_bytes());
        }
        let next = start + ids.len();
        if next < all {
            out.extend_from_slice(b",\"@odata.nextLink\":");
            let link = operation.address.next_link(operation.base, &listing::token(next));
            json::string(&mut out, &link);
        }
        out.extend_from_slice(b",\"value\":");
        let mut list = json::List::after(out);
        for user in numbers.into_iter().flatten().filter_map(|n| estate.entra.user(n)) {
            let out = list.next();
            out.push(b'{');
            user::members(out, estate, user, &selection);
            out.push(b'}');
        }
        finish(list, estate)
    }))
}

/// `GET /users/{id | userPrincipalName}`.
pub(super) fn get(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    operation.only_options(&["select"])?;
    let names = operation.address.query.select();
    let selection = user::selection(names.as_deref())?;
    operation.with(|estate, caller| {
        let id = id_of(estate, key).ok_or_else(|| GraphError::no_resource(key))?;
        let number = estate.users(caller, &[id]).into_iter().flatten().next();
        let user = number
            .and_then(|number| estate.entra.user(number))
            .ok_or_else(|| GraphError::no_resource(key))?;
        let mut out = b"{\"@odata.context\":".to_vec();
        let context = format!("{}/$entity", user::context(names.as_deref()));
        json::string(&mut out, &operation.context(&context));
        out.push(b',');
        user::members(&mut out, estate, user, &selection);
        out.push(b'}');
        Ok(Answer::new(200, JSON, out, estate.now()).with("odata-version", "4.0"))
    })
}

#[derive(Deserialize)]
struct GetByIds {
    #[serde(default)]
    ids: Vec<String>,
    #[serde(default)]
    types: Option<Vec<String>>,
}

/// `POST /directoryObjects/getByIds`: objects that are not there are left out.
pub(super) fn get_by_ids(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    operation.only_options(&["select"])?;
    let asked: GetByIds = serde_json::from_slice(operation.body)
        .map_err(|why| GraphError::bad_request(format!("Invalid request body: {why}")))?;
    if asked.ids.is_empty() || asked.ids.len() > IDS {
        return Err(GraphError::bad_request(format!(
            "The number of ids must be between 1 and {IDS}."
        )));
    }
    let ids = asked
        .ids
        .iter()
        .map(|id| guid(id).ok_or_else(|| GraphError::bad_request(format!("Invalid GUID:{id}"))))
        .collect::<Result<Vec<Guid>, GraphError>>()?;
    let is_user =
        |kind: &String| ["user", "directoryObject"].iter().any(|k| kind.eq_ignore_ascii_case(k));
    let wants_users = asked.types.is_none_or(|types| types.is_empty() || types.iter().any(is_user));
    let names = operation.address.query.select();
    let selection = user::selection(names.as_deref())?;
    Ok(operation.with(|estate, caller| {
        let mut numbers: Vec<u32> = if wants_users {
            estate.users(caller, &ids).into_iter().flatten().collect()
        } else {
            Vec::new()
        };
        let mut seen = std::collections::BTreeSet::new();
        numbers.retain(|number| seen.insert(*number));
        let mut out = b"{\"@odata.context\":".to_vec();
        json::string(&mut out, &operation.context("directoryObjects"));
        out.extend_from_slice(b",\"value\":");
        let mut list = json::List::after(out);
        for user in numbers.into_iter().filter_map(|number| estate.entra.user(number)) {
            let out = list.next();
            out.extend_from_slice(b"{\"@odata.type\":\"#microsoft.graph.user\",");
            user::members(out, estate, user, &selection);
            out.push(b'}');
        }
        finish(list, estate)
    }))
}

fn finish(list: json::List, estate: &Estate) -> Answer {
    let mut out = list.end();
    out.push(b'}');
    Answer::new(200, JSON, out, estate.now()).with("odata-version", "4.0")
}

/// The id that a key means: the key itself, whether there is such a user or not, or the id of the
/// user with this user principal name.
pub(super) fn id_of(estate: &Estate, key: &str) -> Option<Guid> {
    if let Some(id) = guid(key) {
        return Some(id);
    }
    estate.user_named(key).and_then(|number| estate.entra.user(number)).map(|user| user.id)
}
