//! The desired state of the writeback job: its record in the estate, and how the profile answers the open
//! questions, as the engine takes them.

use std::time::Duration;

use engine::job::{
    Anchor, EscrowLadder, ExportMode, JobConfiguration, LimitAction, ModifyGranularity, ProxyMode,
    RecipientTypeMode, Switches,
};
use engine::planted_bugs::PlantedBugs;
use engine::schema::document;
use engine::writeback::WritebackConfig;
use engine::writeback::scope::Filter;
use serde_json::{Value, json};
use sim::entra::job::{SchemaCheck, SchemaRefusal, WritebackJob};
use sim::entra::schema::{Flow, Schema, default_flows};
use sim::estate::Estate;
use sim::profile::Profile;

use crate::bridge::translate::to_engine;
use crate::scenario::Writeback;

/// What the engine says of a schema that somebody wants to put on record.
pub const SCHEMA_CHECK: SchemaCheck = SchemaCheck(check);

fn check(document: &Value) -> Result<(), SchemaRefusal> {
    let refused = document::read(document).err();
    refused.map_or(Ok(()), |error| {
        Err(SchemaRefusal { why: error.to_string(), unsupported: error.unsupported })
    })
}

/// What the writeback job of an estate is told; `None` without a job.
///
/// # Errors
/// Why the engine does not take its schema.
pub fn writeback_config(
    estate: &Estate,
    bugs: PlantedBugs,
) -> Result<Option<WritebackConfig>, String> {
    let Some(job) = estate.entra.job.as_ref() else { return Ok(None) };
    Ok(Some(WritebackConfig {
        job: job_configuration(job, &estate.profile)?,
        domain: job.domain.clone(),
        started: true,
        jitter: 0,
        bugs,
    }))
}

/// The desired state of the job as the engine takes it.
///
/// # Errors
/// Why the engine does not take its schema.
pub fn job_configuration(
    job: &WritebackJob,
    profile: &Profile,
) -> Result<JobConfiguration, String> {
    let (mapping, scope) = match &job.schema {
        None => (None, Filter::default()),
        Some(schema) => {
            let rules = schema.rules(&job.rule, ("Exchange Online", "Active Directory"));
            let read = document::read(&json!({"synchronizationRules": rules}));
            let read = read.map_err(|error| error.to_string())?;
            (Some(read.mapping), read.scope)
        }
    };
    Ok(JobConfiguration {
        id: job.id.clone(),
        rule: job.rule.clone(),
        created_on: to_engine(job.created_on),
        interval: job.interval,
        switches: switches(profile),
        mapping,
        scope,
    })
}

fn switches(profile: &Profile) -> Switches {
    Switches {
        match_order: match_order(profile.text("match_order")),
        proxy_mode: match profile.text("proxy_mode") {
            "replace_all" => ProxyMode::ReplaceAll,
            "merge" => ProxyMode::Merge,
            _ => ProxyMode::ReplaceSmtp,
        },
        write_onmicrosoft: profile.is_on("write_onmicrosoft"),
        write_x500: profile.is_on("write_x500"),
        write_sip: profile.is_on("write_sip"),
        null_flow: profile.is_on("null_flow"),
        null_flow_multi: profile.is_on("null_flow_multi"),
        recipient_type_mode: match profile.text("rtd_mode") {
            "raw" => RecipientTypeMode::Raw,
            _ => RecipientTypeMode::Remote,
        },
        first_time_requires_initial: profile.is_on("first_time_requires_initial"),
        export_mode: match profile.text("export_mode") {
            "changed_attributes" => ExportMode::ChangedAttributes,
            _ => ExportMode::WholeDiff,
        },
        drift_heal: profile.text("drift_heal") == "every_cycle",
        inet_org_person: profile.text("classes") == "user_and_inet_org_person",
        limit_action: match profile.text("limit_action") {
            "refuse" => LimitAction::Refuse,
            _ => LimitAction::Warn,
        },
        mailbox_limit: profile.number("mailbox_limit"),
        escrow_ladder: match profile.text("escrow_ladder") {
            "every_cycle" => EscrowLadder::EveryCycle,
            _ => EscrowLadder::General,
        },
        modify_granularity: match profile.text("modify_granularity") {
            "attribute" => ModifyGranularity::Attribute,
            _ => ModifyGranularity::Object,
        },
        cloud_only_types_as_rooms: profile.text("cloud_only_types") == "as_room",
        write_disabled: profile.text("disabled_accounts") != "skip",
        mail_mapped: profile.is_on("mail_written_back"),
        // The estate's mailboxes have one copy: a change is in every answer from its own second on.
        watermark_overlap: Duration::ZERO,
    }
}

/// This anchor first, the others in their usual order.
fn match_order(first: &str) -> [Anchor; 3] {
    use Anchor::{ExternalId, ImmutableId, ObjectIdentifier};
    match first {
        "immutable_id" => [ImmutableId, ObjectIdentifier, ExternalId],
        "external_id" => [ExternalId, ObjectIdentifier, ImmutableId],
        _ => [ObjectIdentifier, ImmutableId, ExternalId],
    }
}

/// The schema of a world: the default one with these changes; `None` where nothing is changed.
pub(super) fn schema(writeback: &Writeback, domain: &str, with_mail: bool) -> Option<Schema> {
    if writeback.mappings.is_empty() && writeback.scope.is_open() {
        return None;
    }
    let mut flows = default_flows(with_mail);
    for (target, source) in &writeback.mappings {
        flows.retain(|flow| !flow.target.eq_ignore_ascii_case(&target.value));
        if let Some(source) = source {
            let (target, source) = (target.value.clone(), source.value.clone());
            flows.push(Flow { target, source, default: None });
        }
    }
    let scope = &writeback.scope;
    Some(Schema {
        flows,
        containers: scope.ous.iter().map(|ou| container(&ou.value, domain)).collect(),
        groups: scope.groups.iter().map(|group| group.value.clone()).collect(),
    })
}

/// The distinguished name of a container that may be named by its path from the domain down.
fn container(name: &str, domain: &str) -> String {
    if name.contains('=') {
        return name.to_owned();
    }
    let units = name.split('/').rev().map(|unit| format!("OU={unit}"));
    let labels = domain.split('.').map(|label| format!("DC={label}"));
    units.chain(labels).collect::<Vec<_>>().join(",")
}
