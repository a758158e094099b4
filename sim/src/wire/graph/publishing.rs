//! Provisioning agents, as the publishing profile `provisioning` lists them (beta).
//!
//! Source: Microsoft Graph beta reference, resource types onPremisesAgent, onPremisesAgentGroup.
//!
//! # Divergence from Microsoft Graph
//! Each agent has a member `version`, which the documented type has not: the portal shows it, and no
//! documented call tells it. There is one agent group, the default one. `externalIp` is null.

use serde_json::{Value, json};

use super::error::GraphError;
use super::{Operation, derived_id, ok};
use crate::wire::identity::app_role;
use crate::wire::message::Answer;

/// `GET /onPremisesPublishingProfiles/provisioning/agents`.
pub(super) fn agents(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&[app_role::PUBLISHING_PROFILES])?;
    operation.only_options(&["expand"])?;
    let with_groups = match operation.address.query.get("expand") {
        None => false,
        Some(expand) if expand.eq_ignore_ascii_case("agentGroups") => true,
        Some(other) => return Err(GraphError::no_property(other, "onPremisesAgent")),
    };
    if operation.version != "beta" {
        return Err(GraphError::no_segment("onPremisesPublishingProfiles"));
    }
    let group = json!({
        "id": derived_id(&format!("agent group of {}", operation.identity.tenant.id)),
        "displayName": "Group-Default",
        "isDefault": true,
        "publishingType": "provisioning",
    });
    let (agents, at) = operation.with(|estate, caller| (estate.list_agents(caller), estate.now()));
    let value: Vec<Value> = agents
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
                record["agentGroups"] = json!([group]);
            }
            record
        })
        .collect();
    let context = "onPremisesPublishingProfiles('provisioning')/agents";
    Ok(ok(&json!({"@odata.context": operation.context(context), "value": value}), at))
}
