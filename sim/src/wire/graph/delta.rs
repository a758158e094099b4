//! `users/delta`: every user once, then what changed since.
//!
//! Source: Microsoft Graph, "Use delta query to track changes in Microsoft Graph data", "user: delta".
//!
//! # Divergence from Microsoft Graph
//! With `Prefer: return=minimal` properties that are no values of the user itself come always. A page has
//! 200 users unless `Prefer: odata.maxpagesize` wishes otherwise.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::GraphError;
use super::filter::{Filter, Literal, Operator};
use super::users::READERS;
use super::{JSON, Operation, guid, user};
use crate::clock::VirtualTime;
use crate::entra::{Deletion, DeltaLog, User};
use crate::estate::Estate;
use crate::guid::Guid;
use crate::ledger::ObjectKey;
use crate::wire::json;
use crate::wire::message::Answer;

/// Users of a page: by default, and at most.
const PAGE: (usize, usize) = (200, 999);

/// Most users that a filter may name.
const IDS: usize = 50;

/// How long a token is good for, in seconds: 7 days.
const LIFE: u64 = 7 * 86_400;

/// Where a round stands, and what it was asked for: the token, opaque to clients.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Round {
    /// In the first round the number of the next object; later the next change's position.
    #[serde(rename = "n")]
    pub(super) next: u64,
    /// Where the next round begins; in a later round 0 until its end.
    #[serde(rename = "p")]
    after: u64,
    /// Whether this is the first round.
    #[serde(rename = "i")]
    pub(super) initial: bool,
    #[serde(rename = "s")]
    pub(super) select: Option<String>,
    #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
    ids: Vec<String>,
    /// When it was given out, in microseconds of the estate's clock.
    #[serde(rename = "t")]
    at: i64,
    /// When the round before it ended.
    #[serde(rename = "b")]
    since: i64,
}

/// How a page ended.
pub(super) struct Ended {
    /// Where the next page starts; `None` at the end of the round.
    pub(super) next: Option<u64>,
    /// The position of the next change.
    pub(super) latest: u64,
    pub(super) now: VirtualTime,
}

/// What a page shows.
struct Page {
    users: Vec<u32>,
    /// Where the next page starts; `None` at the end of the round.
    next: Option<u64>,
}

impl Round {
    /// The objects that a filter named; all for none.
    fn wanted(&self) -> Vec<Guid> {
        self.ids.iter().filter_map(|id| guid(id)).collect()
    }

    /// Keeps the members of a record that were selected, and in the first round those that have a value. `beside` are
    /// further names that may be selected.
    pub(super) fn keep(
        &self,
        record: &mut Value,
        kind: &str,
        beside: &[&str],
    ) -> Result<(), GraphError> {
        let Some(members) = record.as_object_mut() else { return Ok(()) };
        if let Some(text) = &self.select {
            let names: Vec<&str> = text.split(',').collect();
            let is_known = |name: &&str| {
                let has = |known: &str| known.eq_ignore_ascii_case(name);
                beside.iter().any(|known| has(known)) || members.keys().any(|known| has(known))
            };
            if let Some(name) = names.iter().find(|name| !is_known(name)) {
                return Err(GraphError::no_property(name, kind));
            }
            members.retain(|member, _| names.iter().any(|name| name.eq_ignore_ascii_case(member)));
        }
        if self.initial {
            members.retain(|_, value| !value.is_null());
        }
        Ok(())
    }
}

/// What a delta query needs to know of an object.
pub(super) struct Tracked {
    pub(super) id: Guid,
    pub(super) is_there: bool,
    /// Its place in the order of changes.
    pub(super) position: u64,
}

/// The places of the objects of a page.
pub(super) struct Places {
    pub(super) found: Vec<usize>,
    /// Where the next page starts; `None` at the end of the round.
    pub(super) next: Option<u64>,
}

/// A page of a round of a delta query over a few objects.
pub(super) fn places<T>(
    all: &[T],
    log: &DeltaLog,
    (round, size): (&Round, usize),
    tracked: impl Fn(&T) -> Tracked,
) -> Places {
    let wanted = round.wanted();
    let is_wanted = |one: &Tracked| wanted.is_empty() || wanted.contains(&one.id);
    let mut found = Vec::new();
    if round.initial {
        let start = usize::try_from(round.next).unwrap_or(usize::MAX);
        for (place, one) in all.iter().enumerate().skip(start) {
            if found.len() == size {
                return Places { found, next: u64::try_from(place).ok() };
            }
            let one = tracked(one);
            if one.is_there && is_wanted(&one) {
                found.push(place);
            }
        }
        return Places { found, next: None };
    }
    for (number, position) in log.from(round.next) {
        let place = number as usize;
        let Some(one) = all.get(place).map(&tracked) else { continue };
        if one.position != position || !is_wanted(&one) {
            continue;
        }
        if found.len() == size {
            return Places { found, next: Some(position) };
        }
        found.push(place);
    }
    Places { found, next: None }
}

/// `GET /users/delta`.
pub(super) fn users(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    operation.only_options(&["select", "filter", "skiptoken", "deltatoken"])?;
    let size = operation.page_size.unwrap_or(PAGE.0).min(PAGE.1);
    operation.with(|estate, caller| {
        let token = round(operation, "users", estate.entra.delta().next(), estate.now())?;
        let names: Option<Vec<&str>> = token.select.as_deref().map(|s| s.split(',').collect());
        let selection = user::selection(names.as_deref())?;
        let wanted = token.wanted();
        let page = if token.initial {
            first_round(estate, &token, &wanted, size)
        } else {
            later_round(estate, &token, &wanted, size)
        };
        let ids: Vec<Guid> =
            page.users.iter().filter_map(|n| Some(estate.entra.user(*n)?.id)).collect();
        // The engine's reading is a domain event, whatever it reads by.
        if caller.is_engine {
            estate.users(caller, &ids);
        }
        let mut out = b"{\"@odata.context\":".to_vec();
        json::string(&mut out, &operation.context(&user::context(names.as_deref())));
        let ended =
            Ended { next: page.next, latest: estate.entra.delta().next(), now: estate.now() };
        let (name, link) = delta_link(operation, "users", &token, &ended);
        out.extend_from_slice(format!(",\"{name}\":").as_bytes());
        json::string(&mut out, &link);
        out.extend_from_slice(b",\"value\":");
        let mut list = json::List::after(out);
        for user in page.users.iter().filter_map(|number| estate.entra.user(*number)) {
            let minimal = (operation.minimal && !token.initial).then_some(token.since);
            let since = minimal.map(VirtualTime::from_micros);
            write(list.next(), estate, user, &selection, (token.initial, since));
        }
        let mut out = list.end();
        out.push(b'}');
        Ok(Answer::new(200, JSON, out, estate.now()).with("odata-version", "4.0"))
    })
}

/// The round that a request starts or goes on with.
pub(super) fn round(
    operation: &Operation<'_>,
    resource: &str,
    latest_change: u64,
    now: VirtualTime,
) -> Result<Round, GraphError> {
    let query = &operation.address.query;
    if let Some(text) = query.get("skiptoken").or_else(|| {
        query
            .get("deltatoken")
            .filter(|text| !text.is_empty() && !text.eq_ignore_ascii_case("latest"))
    }) {
        if query.get("select").is_some() || query.get("filter").is_some() {
            return Err(GraphError::bad_request(
                "The query options of a delta query are part of its token and must not be repeated.",
            ));
        }
        return check(operation, resource, decode(text)?, (latest_change, now));
    }
    let latest = query.get("deltatoken").is_some_and(|text| text.eq_ignore_ascii_case("latest"));
    let select = query.select().map(|names| {
        let mut names = names;
        // The id identifies a change: it is always there.
        if !names.iter().any(|name| name.eq_ignore_ascii_case("id")) {
            names.push("id");
        }
        names.join(",")
    });
    Ok(Round {
        next: if latest { latest_change } else { 0 },
        after: latest_change,
        initial: !latest,
        select,
        ids: query.get("filter").map(ids).transpose()?.unwrap_or_default(),
        at: now.as_micros(),
        since: now.as_micros(),
    })
}

fn check(
    operation: &Operation<'_>,
    resource: &str,
    token: Round,
    (latest, now): (u64, VirtualTime),
) -> Result<Round, GraphError> {
    let position = if token.initial { token.after } else { token.next };
    if position > latest {
        // The estate was set back to a snapshot: what the token knows has not happened.
        let location =
            format!("{}/{}/{resource}/delta?$deltatoken=", operation.base, operation.version);
        return Err(GraphError::resync(location));
    }
    let age = now.since(VirtualTime::from_micros(token.at));
    if age.as_secs() > LIFE { Err(GraphError::no_sync_state()) } else { Ok(token) }
}

/// The users of `id eq '...' or id eq '...'`.
fn ids(text: &str) -> Result<Vec<String>, GraphError> {
    let refused = || {
        GraphError::unsupported_query(format!(
            "A delta query can be filtered by up to {IDS} ids only: id eq '...' or id eq '...'."
        ))
    };
    let parts = match Filter::parse(text)? {
        Filter::Or(parts) => parts,
        one => vec![one],
    };
    let id = |part: &Filter| match part {
        Filter::Compare { path, operator: Operator::Equal, value: Literal::Text(id) } if matches!(path.as_slice(), [name] if name.eq_ignore_ascii_case("id")) => {
            Some(id.clone())
        }
        _ => None,
    };
    let ids: Option<Vec<String>> = parts.iter().map(id).collect();
    ids.filter(|ids| ids.len() <= IDS).ok_or_else(refused)
}

fn first_round(estate: &Estate, token: &Round, wanted: &[Guid], size: usize) -> Page {
    let users = estate.entra.users();
    let mut number = usize::try_from(token.next).unwrap_or(usize::MAX);
    let mut page = Vec::new();
    while let Some(user) = users.get(number) {
        if page.len() == size {
            return Page { users: page, next: u64::try_from(number).ok() };
        }
        if user.deletion.is_none() && (wanted.is_empty() || wanted.contains(&user.id)) {
            page.extend(u32::try_from(number));
        }
        number += 1;
    }
    Page { users: page, next: None }
}

fn later_round(estate: &Estate, token: &Round, wanted: &[Guid], size: usize) -> Page {
    let mut page = Vec::new();
    for (number, position) in estate.entra.delta().from(token.next) {
        let Some(user) = estate.entra.user(number) else { continue };
        if user.position != position || !(wanted.is_empty() || wanted.contains(&user.id)) {
            continue;
        }
        if page.len() == size {
            return Page { users: page, next: Some(position) };
        }
        page.push(number);
    }
    Page { users: page, next: None }
}

/// The link of a page: on to the next one, or to the next round.
pub(super) fn delta_link(
    operation: &Operation<'_>,
    resource: &str,
    token: &Round,
    ended: &Ended,
) -> (&'static str, String) {
    let at = ended.now.as_micros();
    let base = format!("{}/{}/{resource}/delta", operation.base, operation.version);
    match ended.next {
        Some(next) => {
            let token = Round { next, at, ..token.clone() };
            ("@odata.nextLink", format!("{base}?$skiptoken={}", encode(&token)))
        }
        None => {
            // What changed while the first round was read comes in the second.
            let next = if token.initial { token.after } else { ended.latest };
            let token = Round { next, after: 0, initial: false, at, since: at, ..token.clone() };
            ("@odata.deltaLink", format!("{base}?$deltatoken={}", encode(&token)))
        }
    }
}

fn encode(token: &Round) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(token).unwrap_or_default())
}

fn decode(text: &str) -> Result<Round, GraphError> {
    URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(GraphError::no_sync_state)
}

fn write(
    out: &mut Vec<u8>,
    estate: &Estate,
    user: &User,
    selection: &[&'static user::Property],
    (initial, minimal_since): (bool, Option<VirtualTime>),
) {
    out.push(b'{');
    match user.deletion {
        None if minimal_since.is_some() => {
            let key = estate.entra.by_id(user.id).map(ObjectKey::entra);
            let since = minimal_since.unwrap_or_default();
            let changed = |attribute| {
                let last = key.and_then(|key| estate.ledger.last_writer(key, attribute));
                last.is_some_and(|last| last.at >= since)
            };
            let changed: Vec<_> =
                selection.iter().copied().filter(|p| p.is_changed(&changed)).collect();
            user::members(out, estate, user, &changed);
        }
        None if initial => user::members_with_values(out, estate, user, selection),
        None => user::members(out, estate, user, selection),
        Some(deletion) => {
            let reason = match deletion {
                Deletion::Soft(_) => "changed",
                Deletion::Hard => "deleted",
            };
            let text = format!("\"id\":\"{}\",\"@removed\":{{\"reason\":\"{reason}\"}}", user.id);
            out.extend_from_slice(text.as_bytes());
        }
    }
    out.push(b'}');
}
