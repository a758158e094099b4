//! `groups/delta`: every group once, then what changed since, with members.
//!
//! Source: Microsoft Graph reference, "group: delta".
//!
//! # Divergence from Microsoft Graph
//! A group that changed comes with all its members, and with those that left it since the last round: the
//! documentation lets a change appear more than once.

use serde_json::{Value, json};

use super::delta::{Ended, Round, Tracked, delta_link, places, round};
use super::error::GraphError;
use super::groups::{self, READERS};
use super::{Operation, listing, ok};
use crate::entra::group::Group;
use crate::estate::Estate;
use crate::wire::message::Answer;

/// Groups of a page: by default, and at most.
const PAGE: (usize, usize) = (100, 999);

/// `GET /groups/delta`.
pub(super) fn groups(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    operation.only_options(&["select", "filter", "skiptoken", "deltatoken"])?;
    let size = operation.page_size.unwrap_or(PAGE.0).min(PAGE.1);
    operation.with(|estate, _| {
        let round = round(operation, "groups", estate.entra.group_delta.next(), estate.now())?;
        let log = &estate.entra.group_delta;
        let places = places(&estate.entra.groups, log, (&round, size), |group| Tracked {
            id: group.id,
            is_there: group.deleted.is_none(),
            position: group.position,
        });
        let groups = places.found.iter().filter_map(|at| estate.entra.groups.get(*at));
        let value = groups.map(|group| shown(estate, &round, group));
        let value = value.collect::<Result<Vec<Value>, GraphError>>()?;
        let ended = Ended { next: places.next, latest: log.next(), now: estate.now() };
        let (name, link) = delta_link(operation, "groups", &round, &ended);
        let mut body = json!({"@odata.context": operation.context("groups")});
        body[name] = link.into();
        body["value"] = value.into();
        Ok(ok(&body, estate.now()))
    })
}

fn shown(estate: &Estate, round: &Round, group: &Group) -> Result<Value, GraphError> {
    let id = group.id.to_string();
    if group.deleted.is_some() {
        return Ok(json!({"id": id, "@removed": {"reason": "changed"}}));
    }
    let names = round.select.as_deref().map(|text| text.split(',').collect::<Vec<_>>());
    let wants = |name: &str| {
        names.as_ref().is_none_or(|names| names.iter().any(|n| n.eq_ignore_ascii_case(name)))
    };
    let mut record = groups::record(group);
    round.keep(&mut record, "group", &["members"])?;
    if wants("members") {
        let kind = |id| if estate.entra.group(id).is_some() { "group" } else { "user" };
        let there = group.members.iter().map(|member| {
            json!({"@odata.type": format!("#microsoft.graph.{}", kind(*member)), "id": member.to_string()})
        });
        let left = group.left.iter().filter(|(_, at)| !round.initial && *at >= round.next);
        let left = left.map(|(member, _)| {
            json!({"@odata.type": format!("#microsoft.graph.{}", kind(*member)), "id": member.to_string(), "@removed": {"reason": "deleted"}})
        });
        let members: Vec<Value> = there.chain(left).collect();
        if !members.is_empty() {
            record["members@delta"] = members.into();
        }
    }
    Ok(record)
}

/// `GET /groups/$count`.
pub(super) fn count(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let all: Vec<Value> = operation.with(|estate, _| {
        let live = estate.entra.groups.iter().filter(|group| group.deleted.is_none());
        live.map(groups::record).collect()
    });
    listing::count(operation, "Group", &all)
}
