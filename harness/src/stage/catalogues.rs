//! The names that scenario files are checked against, from those who own them.

use engine::dn::Dn;
use engine::schema::{Mapping, Wish};
use engine::transfer::readiness::id;
use sim::caller::Role;
use sim::directory::schema::Schema;
use sim::entra;
use sim::exchange::{cmdlets, property};
use sim::population::shape::SHAPES;
use sim::profile::{self, Form, Profile};

use super::{errors, requests, values};
use crate::judge::ORACLES;
use crate::scenario::{Catalogues, GROUP_PROPERTIES, SwitchKind, SwitchSpec};

/// Everything that a scenario of this build can name.
#[must_use]
pub fn catalogues() -> Catalogues {
    let schema = Schema::base().with_exchange();
    Catalogues {
        exo: cmdlets::catalogue().into_iter().chain(cmdlets::optimized_reads()).collect(),
        onprem: sim::onprem::exchange_catalogue(),
        ad: sim::onprem::ad_catalogue(),
        ad_attributes: schema.attributes().map(|attribute| attribute.name.to_string()).collect(),
        exo_properties: property::PROPERTIES
            .iter()
            .map(|spec| spec.name.to_owned())
            .chain(STATE_PROPERTIES.map(str::to_owned))
            .collect(),
        entra_properties: entra_properties(),
        profiles: profile::names().map(str::to_owned).collect(),
        profiles_without_job: profile::names()
            .filter(|name| !Profile::load(name).is_ok_and(|profile| profile.is_on("writeback")))
            .map(str::to_owned)
            .collect(),
        switches: switches(),
        shapes: SHAPES.iter().map(|shape| shape.name.to_owned()).collect(),
        roles: Role::ALL.iter().map(|(name, _)| (*name).to_owned()).collect(),
        oracles: ORACLES.map(str::to_owned).to_vec(),
        findings: FINDINGS.map(str::to_owned).to_vec(),
        error_codes: errors::codes(),
        log_codes: engine::failure::code::ALL.map(str::to_owned).to_vec(),
        mapping: Some(mapping),
        distinguished_name: Some(|name| Dn::parse(name).map(drop).map_err(|why| why.to_string())),
        ad_values: Some(values::of_ad),
        exo_values: Some(values::of_exchange),
        ldif: Some(requests::ldif),
        graph: Some(requests::graph),
        graph_property: Some(sim::wire::graph::is_user_property),
        graph_form: Some(sim::wire::graph::form),
        step_values: Some(values::of_a_step),
        exo_given: Some(values::of_an_argument),
        class: Some(|name| Schema::shared(true).class_named(name).is_some()),
        missing: Some(sim::onprem::missing),
    }
}

/// Whether the engine takes an attribute mapping.
fn mapping(target: &str, source: &str) -> Result<(), String> {
    let wish = Wish { target: target.to_owned(), source: source.to_owned(), default: None };
    Mapping::new(&[wish]).map(drop).map_err(|error| error.to_string())
}

/// What the readiness check can find.
const FINDINGS: [&str; 14] = [
    id::MISSING,
    id::PENDING,
    id::PENDING_UNKNOWN,
    id::SYNC_STALE,
    id::SYNC_UNKNOWN,
    id::NOT_SYNCED,
    id::TYPE,
    id::ALREADY,
    id::RECENT_CHANGE,
    id::CHANGES_UNKNOWN,
    id::SYNC_DISABLED,
    id::CONNECT_OLD,
    id::CONNECT_UNKNOWN,
    id::LICENCE,
];

/// Properties of a mailbox that are state and no value.
pub const STATE_PROPERTIES: [&str; 6] = [
    "IsExchangeCloudManaged",
    "IsDirSynced",
    "RecipientTypeDetails",
    "PrimarySmtpAddress",
    "ExternalDirectoryObjectId",
    "WhenChangedUTC",
];

/// Properties of a user that are state and no value.
pub const ENTRA_STATE_PROPERTIES: [&str; 7] = [
    "id",
    "onPremisesSyncEnabled",
    "onPremisesImmutableId",
    "isCloudManaged",
    "deletedDateTime",
    "onPremisesProvisioningErrors",
    "assignedLicenses",
];

/// `onPremisesExtensionAttributes.extensionAttribute1` as well as the member alone.
fn entra_properties() -> Vec<String> {
    let own = ENTRA_STATE_PROPERTIES.iter().chain(&GROUP_PROPERTIES);
    let mut names: Vec<String> = own.map(|name| (*name).to_owned()).collect();
    for (_, name) in entra::property::all() {
        names.push(name.to_owned());
        if name.starts_with("extensionAttribute") {
            names.push(format!("onPremisesExtensionAttributes.{name}"));
        }
    }
    names
}

fn switches() -> Vec<SwitchSpec> {
    let Ok(profile) = Profile::load(profile::DEFAULT_PROFILE) else { return Vec::new() };
    let words = |list: &[&str]| SwitchKind::OneOf(list.iter().map(|w| (*w).to_owned()).collect());
    let kind = |form: Form| match form {
        Form::Truth => SwitchKind::Boolean,
        Form::Word(list) => words(list),
        Form::Number { least, most } => SwitchKind::Integer(least, most),
        Form::Time { most } => SwitchKind::Duration(most),
        Form::Budget => SwitchKind::Budget,
    };
    let spec =
        |name: &str| Some(SwitchSpec { name: name.to_owned(), kind: kind(profile.form(name)?) });
    profile.switches().filter_map(spec).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Who reads each row of a profile.
    const READERS: &[(&str, &str)] = &[
        ("flag_after_restore", "sim/src/estate/owed.rs"),
        ("forward_delay", "sim/src/profile.rs"),
        ("tenant_default_drops_addresses", "sim/src/estate/inbound/join.rs"),
        ("flag_after_soa_rollback", "sim/src/estate/inbound/export.rs"),
        ("cloud_sync_minimum", "sim/src/connect/server.rs"),
        ("hard_match_hardened_from", "sim/src/estate/inbound/join.rs"),
        ("page_token_life", "sim/src/exchange/cmdlets/get_mailbox.rs"),
        ("resiliency_sweep", "sim/src/estate/inbound/conflicts.rs"),
        ("empty_error_applied", "sim/src/estate/cloud.rs"),
        ("emits_object", "sim/src/estate/cloud.rs"),
        ("exo_budget", "sim/src/profile.rs"),
        ("exo_rate_limit_headers", "sim/src/wire/admin_api/invoke.rs"),
        ("graph_budgets", "sim/src/wire/graph/budget.rs"),
        ("licence_recalc", "sim/src/estate/licences.rs"),
        ("match_order", "harness/src/stage/job.rs"),
        ("export_mode", "harness/src/stage/job.rs"),
        ("drift_heal", "harness/src/stage/job.rs"),
        ("classes", "harness/src/stage/job.rs"),
        ("limit_action", "harness/src/stage/job.rs"),
        ("mailbox_limit", "harness/src/stage/job.rs"),
        ("licence_check", "harness/src/run/transfer.rs"),
        ("escrow_ladder", "harness/src/stage/job.rs"),
        ("modify_granularity", "harness/src/stage/job.rs"),
        ("cloud_only_types", "harness/src/stage/job.rs"),
        ("disabled_accounts", "harness/src/stage/job.rs"),
        ("sync_behavior_answer", "sim/src/wire/graph/sync_behavior.rs"),
        ("proxy_mode", "harness/src/stage/job.rs"),
        ("write_onmicrosoft", "harness/src/stage/job.rs"),
        ("write_x500", "harness/src/stage/job.rs"),
        ("write_sip", "harness/src/stage/job.rs"),
        ("null_flow", "harness/src/stage/job.rs"),
        ("null_flow_multi", "harness/src/stage/job.rs"),
        ("rtd_mode", "harness/src/stage/job.rs"),
        ("first_time_requires_initial", "harness/src/stage/job.rs"),
        ("flag_sampling", "sim/src/estate/cycle.rs"),
        ("race", "sim/src/estate/inbound/export.rs"),
        ("upn_adds_proxy", "sim/src/estate/inbound/export.rs"),
        ("writeback", "harness/src/stage/world.rs"),
        ("mail_written_back", "harness/src/stage/job.rs"),
        ("flag_role_noop", "sim/src/exchange/cmdlets/set_mailbox.rs"),
        ("connect_minimum", "sim/src/connect/server.rs"),
        ("connect_hard_stop", "sim/src/connect/server.rs"),
        ("connect_hard_stop_after", "sim/src/connect/server.rs"),
        ("dc_replication", "sim/src/estate/replication.rs"),
        ("agent_timeout", "sim/src/estate/gateway.rs"),
        ("agent_removed_after", "sim/src/estate/cloud.rs"),
        ("agent_inactive_after", "sim/src/estate/cloud.rs"),
        ("exchange_list_page", "sim/src/profile.rs"),
        ("exchange_get", "sim/src/profile.rs"),
        ("exchange_set", "sim/src/profile.rs"),
        ("graph_call", "sim/src/profile.rs"),
        ("ldap_search", "sim/src/profile.rs"),
        ("ldap_modify", "sim/src/profile.rs"),
        ("connect_step", "sim/src/profile.rs"),
        ("connect_object", "sim/src/profile.rs"),
    ];

    /// A switch that nobody reads would be set by a scenario and change nothing, silently.
    #[test]
    fn every_row_of_every_profile_has_a_reader() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for name in profile::names() {
            let profile = Profile::load(name).unwrap();
            for row in profile.row_names() {
                assert!(READERS.iter().any(|(known, _)| *known == row), "{name}: {row}");
            }
        }
        let profile = Profile::load(profile::DEFAULT_PROFILE).unwrap();
        for (row, file) in READERS.iter().copied() {
            assert!(profile.row(row).is_some(), "{row} is no row any more");
            let source = std::fs::read_to_string(repository.join(file)).unwrap();
            let asks = ["is_on", "text", "number", "instant", "timing", "cost"]
                .iter()
                .any(|how| source.contains(&format!("{how}(\"{row}\")")));
            assert!(asks, "{file} does not read {row}");
        }
    }
}
