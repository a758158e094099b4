//! Provisioning agents, their groups and what they publish: the publishing profile `provisioning` (beta).
//!
//! Source: Microsoft Graph beta reference, resource types onPremisesPublishingProfile, onPremisesAgent,
//! onPremisesAgentGroup, publishedResource.
//!
//! # Divergence from Microsoft Graph
//! Each agent has a member `version`, which the documented type has not: the portal shows it, and no
//! documented call tells it. There is one agent group, the default one, which every agent is in.
//! `externalIp` is null.

use serde_json::{Value, json};

use super::error::GraphError;
use super::{Operation, derived_id, listing, ok};
use crate::wire::identity::app_role;
use crate::wire::message::Answer;

/// Goes on where there are publishing profiles, for who may see them.
fn permitted(operation: &Operation<'_>) -> Result<(), GraphError> {
    operation.require(&[app_role::PUBLISHING_PROFILES])?;
    if operation.version != "beta" {
        return Err(GraphError::no_segment("onPremisesPublishingProfiles"));
    }
    Ok(())
}

/// `GET .../agents/{id}`.
pub(super) fn agent(operation: &Operation<'_>, id: &str) -> Result<Answer, GraphError> {
    permitted(operation)?;
    one(operation, "onPremisesAgent", id, agent_records(operation, true))
}

/// `GET .../agentGroups/{id}`.
pub(super) fn group(operation: &Operation<'_>, id: &str) -> Result<Answer, GraphError> {
    permitted(operation)?;
    one(operation, "onPremisesAgentGroup", id, vec![group_record(operation, true, true)])
}

pub(super) fn profile(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    permitted(operation)?;
    let at = operation.with(|estate, _| estate.now());
    let record = json!({
        "id": "provisioning",
        "hybridAgentUpdaterConfiguration": {
            "allowUpdateConfigurationOverride": false,
            "deferUpdateDateTime": null,
            "updateWindow": null,
        },
        "isDefaultAccessEnabled": false,
        "isEnabled": true,
    });
    listing::entity(
        operation,
        ("onPremisesPublishingProfiles", "onPremisesPublishingProfile"),
        record,
        at,
    )
}

/// `$expand` of one collection, by name.
fn expands(operation: &Operation<'_>, known: &[&str], kind: &str) -> Result<bool, GraphError> {
    operation.only_options(&["expand"])?;
    let Some(expand) = operation.address.query.get("expand") else { return Ok(false) };
    for name in expand.split(',').map(str::trim) {
        if !known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(GraphError::no_property(name, kind));
        }
    }
    Ok(true)
}

pub(super) fn agents(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    permitted(operation)?;
    let with_groups = expands(operation, &["agentGroups"], "onPremisesAgent")?;
    let value = agent_records(operation, with_groups);
    collection(operation, "agents", &value)
}

pub(super) fn groups(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    permitted(operation)?;
    let expanded = expands(operation, &["agents", "publishedResources"], "onPremisesAgentGroup")?;
    let value = vec![group_record(operation, expanded, expanded)];
    collection(operation, "agentGroups", &value)
}

pub(super) fn resources(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    permitted(operation)?;
    let with_groups = expands(operation, &["agentGroups"], "publishedResource")?;
    let mut value = resource_records(operation);
    if with_groups {
        for resource in &mut value {
            resource["agentGroups"] = json!([group_record(operation, false, false)]);
        }
    }
    collection(operation, "publishedResources", &value)
}

fn collection(
    operation: &Operation<'_>,
    name: &str,
    value: &[Value],
) -> Result<Answer, GraphError> {
    let at = operation.with(|estate, _| estate.now());
    let context = format!("onPremisesPublishingProfiles('provisioning')/{name}");
    Ok(ok(&json!({"@odata.context": operation.context(&context), "value": value}), at))
}

fn one(
    operation: &Operation<'_>,
    kind: &str,
    id: &str,
    all: Vec<Value>,
) -> Result<Answer, GraphError> {
    let at = operation.with(|estate, _| estate.now());
    let found = all.into_iter().find(|record| record["id"] == id.to_ascii_lowercase());
    let record = found.ok_or_else(|| GraphError::no_resource(id))?;
    listing::entity(operation, ("onPremisesPublishingProfiles('provisioning')", kind), record, at)
}

/// Puts an agent into a group: there is one, and every agent is in it.
pub(super) fn assign(operation: &Operation<'_>, agent: &str) -> Result<Answer, GraphError> {
    permitted(operation)?;
    let known = agent_records(operation, false);
    if !known.iter().any(|record| record["id"] == agent.to_ascii_lowercase()) {
        return Err(GraphError::no_resource(agent));
    }
    let body: Value = serde_json::from_slice(operation.body)
        .map_err(|why| GraphError::bad_request(format!("Invalid request body: {why}")))?;
    let link = body["@odata.id"].as_str().unwrap_or_default();
    let id = link.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if id.eq_ignore_ascii_case(&group_id(operation)) {
        Ok(Answer::no_content(operation.with(|estate, _| estate.now())))
    } else {
        Err(GraphError::no_resource(id))
    }
}

fn group_id(operation: &Operation<'_>) -> String {
    derived_id(&format!("agent group of {}", operation.identity.tenant.id))
}

fn group_record(operation: &Operation<'_>, with_agents: bool, with_resources: bool) -> Value {
    let mut record = json!({
        "id": group_id(operation),
        "displayName": "Group-Default",
        "isDefault": true,
        "publishingType": "provisioning",
    });
    if with_agents {
        record["agents"] = agent_records(operation, false).into();
    }
    if with_resources {
        record["publishedResources"] = resource_records(operation).into();
    }
    record
}

fn agent_records(operation: &Operation<'_>, with_groups: bool) -> Vec<Value> {
    let agents = operation.with(|estate, caller| estate.list_agents(caller));
    agents
        .iter()
        .map(|agent| {
            let mut record = json!({
                "id": agent.id.to_string(),
                "machineName": agent.name,
                "externalIp": null,
                "status": if agent.active { "active" } else { "inactive" },
                "supportedPublishingTypes": ["provisioning"],
                "version": agent.version,
            });
            if with_groups {
                record["agentGroups"] = json!([group_record(operation, false, false)]);
            }
            record
        })
        .collect()
}

/// The AD domains that agents reach.
fn resource_records(operation: &Operation<'_>) -> Vec<Value> {
    let domains: Vec<String> = operation.with(|estate, _| {
        estate.forests.domains().map(|(domain, _)| domain.dns.to_string()).collect()
    });
    domains
        .iter()
        .map(|domain| {
            json!({
                "id": derived_id(&format!("published resource {domain}")),
                "displayName": domain,
                "resourceName": domain,
                "publishingType": "provisioning",
            })
        })
        .collect()
}
