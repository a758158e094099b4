//! Inbound synchronization: Connect Sync, or Cloud Sync in its place, carries AD's values up to Entra and
//! Exchange Online, in cycles of six steps.
//!
//! What was exported is remembered for each object, so that a change is known as one. The flag
//! `IsExchangeCloudManaged` travels down with the Entra import of each cycle; from build 2.5.190.0 on
//! (Cloud Sync: agent 1.1.1370.0) Exchange attributes of flagged objects are not exported, older ones
//! export them and the service refuses the whole object.
//!
//! Sources: Microsoft Learn, "Microsoft Entra Connect Sync: Scheduler" (steps, interval, seven days, run
//! history), "Staging server and disaster recovery"; "What is Microsoft Entra Cloud Sync?"; Exchange Team
//! Blog 2025-10-15 with the boxes of 2025-11-05 and 2025-11-19 (builds and error).
//!
//! # Divergence from Connect Sync
//! Rules cannot be edited, and the connector spaces keep digests of what was exported, not values.

pub mod addresses;
mod flow;
mod server;

pub use flow::{AdKind, Flow, Outgoing, References, recipient_type, source_anchor};
pub use server::{
    AdConnector, ConnectSync, ConnectorKey, ConnectorObject, ExportError, InboundEngine,
    OtherObject, Policy, Run, Since, Totals,
};

/// A cycle deletes more objects than the tenant allows: nothing was exported.
pub const DELETION_THRESHOLD_EXCEEDED: &str = "stopped-deletion-threshold-exceeded";

/// The import from AD did not find its domain controller (the result of a run profile).
pub const NO_START_CONNECTION: &str = "no-start-connection";

/// Codes by which a cycle can say why it synchronized nothing; other reasons are sentences.
pub const FAILURES: [&str; 5] = [
    NO_START_CONNECTION,
    DELETION_THRESHOLD_EXCEEDED,
    "AzureDirectoryServiceAuthorizationFailed",
    "HybridIdentityServiceNoAgentsAssigned",
    "HybridIdentityServiceNoActiveAgents",
];

/// The steps of a cycle, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CycleStep {
    /// Import from AD.
    ImportAd,
    /// Import from Entra.
    ImportEntra,
    /// Synchronize AD's changes.
    SyncAd,
    /// Synchronize Entra's changes.
    SyncEntra,
    /// Export to Entra.
    ExportEntra,
    /// Export to AD.
    ExportAd,
}

impl CycleStep {
    /// The step after it; `None` after the last.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::ImportAd => Some(Self::ImportEntra),
            Self::ImportEntra => Some(Self::SyncAd),
            Self::SyncAd => Some(Self::SyncEntra),
            Self::SyncEntra => Some(Self::ExportEntra),
            Self::ExportEntra => Some(Self::ExportAd),
            Self::ExportAd => None,
        }
    }
}
