//! Users: the listing, one, and `directoryObjects/getByIds`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::GraphError;
use super::expand::{self, Expanded};
use super::filter::{Filter, Mode, Support};
use super::query::Query;
use super::{JSON, Operation, contacts, groups, guid, listing, membership, relations, user};
use crate::entra::User;
use crate::estate::Estate;
use crate::exchange::property::{DISPLAY_NAME, USER_PRINCIPAL_NAME};
use crate::guid::Guid;
use crate::record::Record;
use crate::wire::identity::app_role;
use crate::wire::json;
use crate::wire::message::Answer;

/// Any of these allows reading users.
pub(super) const READERS: [&str; 4] =
    [app_role::USER_READ, app_role::DIRECTORY_READ, app_role::USER, app_role::DIRECTORY];

const SUPPORT: Support = Support { kind: "User" };

/// Page sizes of users: by default, and at most.
const PAGE: (usize, usize) = (100, 999);

/// Most ids of `getByIds`.
const IDS: usize = 1_000;

/// `GET /users`.
pub(super) fn list(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let query = Query::read(operation, SUPPORT, PAGE, &user::is_known)?;
    let expansion = Expansion::read(operation)?;
    let names = operation.address.query.select();
    let selection = user::selection(names.as_deref())?;
    Ok(operation.with(|estate, caller| {
        let found = find(estate, &query);
        let ids: Vec<Guid> =
            found.numbers.iter().filter_map(|n| Some(estate.entra.user(*n)?.id)).collect();
        let numbers = estate.users(caller, &ids);
        let mut out = b"{\"@odata.context\":".to_vec();
        json::string(&mut out, &operation.context(&user::context(names.as_deref())));
        if let Some(count) = found.count {
            out.extend_from_slice(format!(",\"@odata.count\":{count}").as_bytes());
        }
        if let Some(next) = found.next {
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
            expansion.write(out, estate, user);
            out.push(b'}');
        }
        finish(list, estate)
    }))
}

/// A page of users, and how many there are in all when that is asked for.
struct Found {
    numbers: Vec<u32>,
    next: Option<usize>,
    count: Option<usize>,
}

/// Users that a query finds. Without an order a page starts at a user's number, so that users who come
/// or go between two pages shift nothing.
fn find(estate: &Estate, query: &Query) -> Found {
    let users = estate.entra.users();
    let passes = |number: &u32| {
        let user = &users[*number as usize];
        user.deletion.is_none()
            && (query.is_plain() || query.passes(&|path: &[String]| user::get(estate, user, path)))
    };
    let start = u32::try_from(query.start).unwrap_or(u32::MAX);
    let all = 0..u32::try_from(users.len()).unwrap_or(u32::MAX);
    if query.order.is_some() {
        let mut found: Vec<u32> = all.filter(passes).collect();
        query.sort(&mut found, |number, name| {
            user::get(estate, &users[*number as usize], &[name.to_owned()])
        });
        let end = query.start.saturating_add(query.top);
        return Found {
            next: (end < found.len()).then_some(end),
            count: query.counted.then_some(found.len()),
            numbers: found.into_iter().skip(query.start).take(query.top).collect(),
        };
    }
    let count = query.counted.then(|| all.clone().filter(passes).count());
    let mut rest = (start..all.end).filter(passes);
    let numbers: Vec<u32> = rest.by_ref().take(query.top).collect();
    let next = rest.next().and_then(|number| usize::try_from(number).ok());
    Found { numbers, next, count }
}

/// `GET /users/$count`: a number as text.
pub(super) fn count(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    if !operation.eventual {
        return Err(GraphError::bad_request("$count is not currently supported."));
    }
    operation.only_options(&["filter", "search"])?;
    let filter = operation.address.query.get("filter").map(Filter::parse).transpose()?;
    if let Some(filter) = &filter {
        SUPPORT.check(filter, Mode::Advanced)?;
    }
    Ok(operation.with(|estate, _| {
        let passes = |user: &&User| {
            let get = |path: &[String]| user::get(estate, user, path);
            user.deletion.is_none() && filter.as_ref().is_none_or(|filter| filter.matches(&get))
        };
        let count = estate.entra.users().iter().filter(passes).count();
        Answer::new(200, "text/plain", count.to_string().into_bytes(), estate.now())
    }))
}

/// `GET /users/{id | userPrincipalName}`.
pub(super) fn get(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    show(operation, key)
}

/// One user, to whom a permission was checked.
pub(super) fn show(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.only_options(&["select", "expand"])?;
    let names = operation.address.query.select();
    let selection = user::selection(names.as_deref())?;
    let expansion = Expansion::read(operation)?;
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
        expansion.write(&mut out, estate, user);
        out.push(b'}');
        Ok(Answer::new(200, JSON, out, estate.now()).with("odata-version", "4.0"))
    })
}

/// Somebody who signed in and is no object of the directory here: an account of the cloud alone.
pub(super) fn show_account(
    operation: &Operation<'_>,
    id: Guid,
    upn: &str,
) -> Result<Answer, GraphError> {
    operation.only_options(&["select", "expand"])?;
    let names = operation.address.query.select();
    let selection = user::selection(names.as_deref())?;
    let name = upn.split('@').next().unwrap_or(upn);
    let mut values = [(DISPLAY_NAME, [name.as_bytes()]), (USER_PRINCIPAL_NAME, [upn.as_bytes()])];
    values.sort_by_key(|(number, _)| *number);
    let account = User::of_the_cloud(id, Record::from_sorted(values));
    Ok(operation.with(|estate, _| {
        let mut out = b"{\"@odata.context\":".to_vec();
        let context = format!("{}/$entity", user::context(names.as_deref()));
        json::string(&mut out, &operation.context(&context));
        out.push(b',');
        user::members(&mut out, estate, &account, &selection);
        out.push(b'}');
        Answer::new(200, JSON, out, estate.now()).with("odata-version", "4.0")
    }))
}

/// What `$expand` shows within a user.
#[derive(Default)]
struct Expansion(Vec<Expanded>);

impl Expansion {
    fn read(operation: &Operation<'_>) -> Result<Self, GraphError> {
        let Some(text) = operation.address.query.get("expand") else { return Ok(Self::default()) };
        let all = expand::read(text)?;
        for expanded in &all {
            match expanded.name.as_str() {
                "manager" | "memberof" | "transitivememberof" | "directreports" => {}
                "onpremisessyncbehavior" => operation.require(&[app_role::USER_SYNC_BEHAVIOR])?,
                name => return Err(GraphError::no_property(name, "user")),
            }
        }
        Ok(Self(all))
    }

    fn write(&self, out: &mut Vec<u8>, estate: &Estate, user: &User) {
        for expanded in &self.0 {
            let Some((name, value)) = related(expanded, estate, user) else { continue };
            out.extend_from_slice(format!(",\"{name}\":{value}").as_bytes());
        }
    }
}

/// What is around a user, by the name of the relationship; absent where there is none, as the service
/// does it. A collection that is expanded has at most 20 members.
fn related(expanded: &Expanded, estate: &Estate, user: &User) -> Option<(&'static str, Value)> {
    const MOST: usize = 20;
    let number = estate.entra.by_id(user.id);
    let all = |objects: Vec<Value>| {
        Value::Array(objects.into_iter().take(MOST).map(|one| expanded.shown(one)).collect())
    };
    Some(match expanded.name.as_str() {
        "memberof" => ("memberOf", all(membership::direct(estate, user.id).collect())),
        "transitivememberof" => {
            ("transitiveMemberOf", all(membership::transitive(estate, user.id).collect()))
        }
        "directreports" => {
            let reports = relations::reports_of(estate, number?).into_iter();
            ("directReports", all(reports.map(|n| relations::object(estate, n)).collect()))
        }
        "manager" => {
            let manager = relations::manager_of(estate, number?)?;
            ("manager", expanded.shown(relations::object(estate, manager)))
        }
        _ => {
            let cloud = user.object_cloud_managed;
            let behavior = json!({"id": user.id.to_string(), "isCloudManaged": cloud});
            ("onPremisesSyncBehavior", expanded.shown(behavior))
        }
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
    let wants = |kind: &str| {
        let is = |given: &String| {
            given.eq_ignore_ascii_case(kind) || given.eq_ignore_ascii_case("directoryObject")
        };
        asked.types.as_ref().is_none_or(|types| types.is_empty() || types.iter().any(is))
    };
    let (users, groups, contacts) = (wants("user"), wants("group"), wants("orgContact"));
    let names = operation.address.query.select();
    let selection = user::selection(names.as_deref().map(of_users).as_deref())?;
    let wanted = |name: &str| {
        name.starts_with('@')
            || names.as_ref().is_none_or(|names| names.iter().any(|n| n.eq_ignore_ascii_case(name)))
    };
    Ok(operation.with(|estate, caller| {
        let mut seen = std::collections::BTreeSet::new();
        let ids: Vec<Guid> = ids.into_iter().filter(|id| seen.insert(*id)).collect();
        let numbers = if users { estate.users(caller, &ids) } else { Vec::new() };
        let mut out = b"{\"@odata.context\":".to_vec();
        json::string(&mut out, &operation.context("directoryObjects"));
        out.extend_from_slice(b",\"value\":");
        let mut list = json::List::after(out);
        let found = numbers.into_iter().flatten();
        for user in found.filter_map(|number| estate.entra.user(number)) {
            let out = list.next();
            out.extend_from_slice(b"{\"@odata.type\":\"#microsoft.graph.user\",");
            user::members(out, estate, user, &selection);
            out.push(b'}');
        }
        for id in ids.iter().filter(|id| estate.live_user(**id).is_none()) {
            let Some(mut other) = groups::object(estate, *id) else { continue };
            let is_group = other["@odata.type"] == "#microsoft.graph.group";
            if let Some(members) =
                other.as_object_mut().filter(|_| if is_group { groups } else { contacts })
            {
                members.retain(|name, _| wanted(name));
                list.next().extend_from_slice(other.to_string().as_bytes());
            }
        }
        finish(list, estate)
    }))
}

/// The names of a selection that users can have: those of groups and contacts alone are none of theirs.
fn of_users<'n>(names: &[&'n str]) -> Vec<&'n str> {
    let others = [groups::sample(), contacts::sample()];
    let is_others = |name: &str| {
        let mut members =
            others.iter().filter_map(Value::as_object).flat_map(serde_json::Map::keys);
        members.any(|known| known.eq_ignore_ascii_case(name))
    };
    names.iter().copied().filter(|name| user::is_known(name) || !is_others(name)).collect()
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
