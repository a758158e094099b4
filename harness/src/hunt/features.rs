//! What a seed may draw from. Each seed enables its own subset.
//!
//! Why a subset and not everything everywhere: with every feature in every run, features mask each
//! other, and no run does much of one thing (Groce and others, "Swarm Testing", ISSTA 2012).

use super::dice::Dice;

/// A feature of worlds and stories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// A part of the population comes from a shape.
    Shapes,
    /// Shared mailboxes, rooms and equipment.
    Types,
    /// Further SMTP addresses.
    Aliases,
    /// X500 addresses.
    X500,
    /// Values at the limits of what the schema takes.
    LongValues,
    /// Attributes without a value that usually have one.
    AbsentValues,
    /// Cloud-managed mailboxes whose cloud values differ from AD's.
    CloudDifferences,
    /// Mailboxes that exist in the cloud alone.
    CloudOnly,
    /// Mailboxes on the last Exchange server, and users without any.
    Elsewhere,
    /// Other answers to the profile's open questions.
    Switches,
    /// Earlier profiles, and jobs from before general availability.
    Earlier,
    /// Other intervals of the job and of Connect.
    Intervals,
    /// A second agent.
    SecondAgent,
    /// Custom attributes edited in the cloud.
    CloudValues,
    /// Addresses edited in the cloud.
    CloudAddresses,
    /// Types changed in the cloud.
    CloudTypes,
    /// Values emptied in the cloud.
    CloudEmptied,
    /// Attributes edited in the cloud that are not written back.
    CloudKept,
    /// Edits that must be refused.
    Refusals,
    /// Random edits of many mailboxes, once or repeated.
    RandomEdits,
    /// Edits on the last Exchange server.
    OnPremEdits,
    /// Edits with the ActiveDirectory module.
    AdEdits,
    /// Edits by LDIF.
    Ldif,
    /// Transfers to the cloud.
    Transfers,
    /// Transfers back to AD.
    Rollbacks,
    /// Cycles by hand.
    Cycles,
    /// The job paused and started.
    Pauses,
    /// The job restarted.
    Restarts,
    /// Provision on demand.
    OnDemand,
    /// Fault `agent_offline`.
    AgentOffline,
    /// Fault `engine_crash`.
    EngineCrash,
    /// Fault `dc_busy`.
    DcBusy,
    /// Fault `connection_lost`.
    ConnectionLost,
    /// What people ask of Microsoft Graph.
    Graph,
    /// Steps in the name of a role, taken or refused.
    Roles,
    /// Expectations within the story.
    Expectations,
    /// What must always hold, and what must never.
    Watches,
    /// Fault `agent_slow`.
    AgentSlow,
    /// Fault `agent_restart`.
    AgentRestart,
    /// Fault `rights_removed`.
    RightsRemoved,
    /// Fault `delivery_duplicated`.
    DeliveryDuplicated,
    /// Fault `delivery_reordered`.
    DeliveryReordered,
    /// Fault `schema_not_extended`.
    SchemaNotExtended,
    /// Fault `store_damaged`.
    StoreDamaged,
    /// Fault `dc_down`.
    DcDown,
    /// Fault `dc_unavailable`.
    DcUnavailable,
    /// Fault `throttled`.
    Throttled,
    /// Fault `service_failure`.
    ServiceFailure,
    /// Fault `truncated_body`.
    TruncatedBody,
    /// Fault `certificate_expired`.
    CertificateExpired,
    /// Fault `cloud_offline`.
    CloudOffline,
    /// Fault `timed_out`.
    TimedOut,
    /// Fault `replication_stopped`.
    ReplicationStopped,
    /// Fault `replication_slow`.
    ReplicationSlow,
    /// A second domain controller.
    SecondDc,
    /// Further domains, and another forest.
    Domains,
    /// Objects that the agents may not write.
    Rights,
    /// Cloud Sync in the place of Connect Sync.
    CloudSync,
    /// Other servers of Connect Sync, in the world and in the story.
    ConnectServers,
    /// Attribute mappings of the job's own.
    Mappings,
    /// A scoping filter.
    Scope,
    /// Somebody who repeats a step.
    Repeats,
    /// People who come and go.
    Lifecycle,
    /// The check before the last Exchange server is removed.
    Decommission,
    /// The directory and Exchange Online take time to hear of each other's changes.
    ForwardDelay,
    /// Fault `forward_sync_delayed`.
    ForwardSyncDelayed,
    /// Fault `page_expired`.
    PageExpired,
    /// SIP addresses.
    Sip,
    /// Licences given and taken.
    Licences,
    /// The source of authority of whole objects.
    ObjectAuthority,
    /// Whether who comes is cloud-managed from birth.
    TenantDefault,
    /// People who come and get a mailbox in the cloud.
    Arrivals,
    /// Objects of AD moved, renamed, disabled and enabled.
    Moves,
    /// Groups and contacts of AD.
    Groups,
    /// Cmdlets and requests that only look.
    Reads,
    /// What the organization on the premises has beside recipients.
    Organization,
    /// Mailboxes that move to the cloud, and back to the server.
    Boarding,
    /// Faults of single port calls, and within a transfer.
    FurtherCalls,
    /// Roles of Exchange Online made, changed and removed.
    Delegation,
    /// Further domains of the tenant, and switches of its synchronization.
    TenantSettings,
    /// A read-only domain controller, and a forest without a recycle bin.
    ForestSettings,
    /// Where Connect reads, what it synchronizes, and whether it comes by itself.
    ConnectSettings,
    /// Other versions of the agents.
    AgentVersions,
    /// A job that is yet to be started, for another domain, or for a group.
    JobSettings,
    /// Other instants at which a story begins, and steps at an instant.
    Moments,
    /// Waits for what must come to hold.
    Waiting,
}

impl Feature {
    /// Every feature, with its name in titles.
    pub const ALL: [(Self, &'static str); 86] = [
        (Self::Shapes, "shapes"),
        (Self::Types, "types"),
        (Self::Aliases, "aliases"),
        (Self::X500, "X500"),
        (Self::LongValues, "long values"),
        (Self::AbsentValues, "absent values"),
        (Self::CloudDifferences, "cloud differences"),
        (Self::CloudOnly, "cloud only"),
        (Self::Elsewhere, "elsewhere"),
        (Self::Switches, "switches"),
        (Self::Earlier, "earlier"),
        (Self::Intervals, "intervals"),
        (Self::SecondAgent, "second agent"),
        (Self::CloudValues, "cloud values"),
        (Self::CloudAddresses, "cloud addresses"),
        (Self::CloudTypes, "cloud types"),
        (Self::CloudEmptied, "emptied values"),
        (Self::CloudKept, "kept values"),
        (Self::Refusals, "refusals"),
        (Self::RandomEdits, "random edits"),
        (Self::OnPremEdits, "on-premises edits"),
        (Self::AdEdits, "AD edits"),
        (Self::Ldif, "LDIF"),
        (Self::Transfers, "transfers"),
        (Self::Rollbacks, "rollbacks"),
        (Self::Cycles, "cycles"),
        (Self::Pauses, "pauses"),
        (Self::Restarts, "restarts"),
        (Self::OnDemand, "on demand"),
        (Self::AgentOffline, "agent_offline"),
        (Self::EngineCrash, "engine_crash"),
        (Self::DcBusy, "dc_busy"),
        (Self::ConnectionLost, "connection_lost"),
        (Self::Graph, "Graph requests"),
        (Self::Roles, "roles"),
        (Self::Expectations, "expectations"),
        (Self::Watches, "watches"),
        (Self::AgentSlow, "agent_slow"),
        (Self::AgentRestart, "agent_restart"),
        (Self::RightsRemoved, "rights_removed"),
        (Self::DeliveryDuplicated, "delivery_duplicated"),
        (Self::DeliveryReordered, "delivery_reordered"),
        (Self::SchemaNotExtended, "schema_not_extended"),
        (Self::StoreDamaged, "store_damaged"),
        (Self::DcDown, "dc_down"),
        (Self::DcUnavailable, "dc_unavailable"),
        (Self::Throttled, "throttled"),
        (Self::ServiceFailure, "service_failure"),
        (Self::TruncatedBody, "truncated_body"),
        (Self::CertificateExpired, "certificate_expired"),
        (Self::CloudOffline, "cloud_offline"),
        (Self::TimedOut, "timed_out"),
        (Self::ReplicationStopped, "replication_stopped"),
        (Self::ReplicationSlow, "replication_slow"),
        (Self::SecondDc, "second DC"),
        (Self::Domains, "domains"),
        (Self::Rights, "rights"),
        (Self::CloudSync, "Cloud Sync"),
        (Self::ConnectServers, "Connect servers"),
        (Self::Mappings, "mappings"),
        (Self::Scope, "scope"),
        (Self::Repeats, "repeats"),
        (Self::Lifecycle, "lifecycle"),
        (Self::Decommission, "decommission"),
        (Self::ForwardDelay, "forward delay"),
        (Self::ForwardSyncDelayed, "forward_sync_delayed"),
        (Self::PageExpired, "page_expired"),
        (Self::Sip, "SIP"),
        (Self::Licences, "licences"),
        (Self::ObjectAuthority, "object authority"),
        (Self::TenantDefault, "tenant default"),
        (Self::Arrivals, "arrivals"),
        (Self::Moves, "moves"),
        (Self::Groups, "groups"),
        (Self::Reads, "reads"),
        (Self::Organization, "organization"),
        (Self::Boarding, "boarding"),
        (Self::FurtherCalls, "further calls"),
        (Self::Delegation, "delegation"),
        (Self::TenantSettings, "tenant settings"),
        (Self::ForestSettings, "forest settings"),
        (Self::ConnectSettings, "Connect settings"),
        (Self::AgentVersions, "agent versions"),
        (Self::JobSettings, "job settings"),
        (Self::Moments, "moments"),
        (Self::Waiting, "waiting"),
    ];
}

/// The subset of one seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features(u128);

impl Features {
    /// Draws a subset: each feature with a fair coin.
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let set = Feature::ALL
            .iter()
            .filter(|_| dice.percent(50))
            .fold(0, |set, (feature, _)| set | bit(*feature));
        Self(set)
    }

    /// Whether `feature` is in it.
    #[must_use]
    pub const fn has(self, feature: Feature) -> bool {
        self.0 & bit(feature) != 0
    }

    /// Those of `choices` that are in it.
    pub(super) fn among(self, choices: &[Feature]) -> Vec<Feature> {
        choices.iter().copied().filter(|feature| self.has(*feature)).collect()
    }

    /// The names of all in it.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Feature::ALL.iter().filter(move |(feature, _)| self.has(*feature)).map(|(_, name)| *name)
    }
}

const fn bit(feature: Feature) -> u128 {
    1 << feature as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_has_a_row_and_is_drawn_by_about_half_of_the_seeds() {
        for (place, (feature, _)) in Feature::ALL.iter().enumerate() {
            assert_eq!(*feature as usize, place, "{feature:?} is in its row");
            let draws = |seed| Features::draw(&mut Dice::of(seed, "features"));
            let with = (0..400).filter(|seed| draws(*seed).has(*feature)).count();
            assert!((140..260).contains(&with), "{feature:?} in {with} of 400");
        }
    }
}
