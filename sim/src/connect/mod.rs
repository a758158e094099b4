//! Connect Sync: carries AD's values up to Entra and Exchange Online, in cycles of six steps.
//!
//! What it has exported is remembered for each object, so that a change is known as one. The flag
//! `IsExchangeCloudManaged` travels down with the Entra import of each cycle; from build 2.5.190.0 on
//! Exchange attributes of flagged objects are not exported, older builds export them and the service
//! refuses the whole object.
//!
//! Sources: Microsoft Learn, "Microsoft Entra Connect Sync: Scheduler" (steps, interval); Exchange
//! Team Blog 2025-10-15 with the boxes of 2025-11-05 and 2025-11-19 (builds and error).
//!
//! # Divergence from Connect Sync
//! Rules cannot be edited, and the connector spaces keep digests of what was exported, not values.

pub mod addresses;
mod flow;

use core::time::Duration;
use std::collections::BTreeSet;

pub use flow::{Flow, Outgoing, References};

use crate::clock::VirtualTime;
use crate::directory::forests::{DcKey, ForestNumber};
use crate::profile::{Profile, version_parts};

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

/// An object as Connect remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectorObject {
    /// The number of the Entra user it is joined with.
    pub user: u32,
    /// Digest of the identity attributes last exported.
    pub identity: u64,
    /// Digest of the Exchange attributes last exported.
    pub exchange: u64,
    /// The flag as of the last Entra import.
    pub cloud_managed: bool,
    /// Authority came back to AD: everything is to be exported.
    pub full: bool,
}

/// An object of a connector space for AD: the number of its forest, and its number there.
pub type ConnectorKey = (ForestNumber, u32);

/// A connector for AD: one for each domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdConnector {
    /// The domain controller from which it imports.
    pub dc: DcKey,
    /// The highest USN imported from there.
    pub imported_usn: u64,
}

/// An export that the service refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportError {
    /// The AD object.
    pub object: ConnectorKey,
    /// The error's name: `ExchangeManagedAttributesUpdateNotAllowed`, `AttributeValueMustBeUnique`.
    pub code: &'static str,
    /// What it is about.
    pub detail: String,
}

/// One cycle in the run history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// When it began.
    pub began: VirtualTime,
    /// When it ended.
    pub ended: VirtualTime,
    /// AD objects that had changed.
    pub imported: u64,
    /// Cloud objects that changed.
    pub exported: u64,
    /// What was refused.
    pub errors: Vec<ExportError>,
    /// Objects whose source of authority is the cloud and whose change in AD was ignored (Application
    /// event 6956).
    pub blocked: Vec<ConnectorKey>,
    /// Why nothing was synchronized at all.
    pub failure: Option<String>,
}

/// A Connect Sync server.
#[derive(Debug, Clone)]
pub struct ConnectSync {
    /// Its build.
    pub build: String,
    /// The interval of its cycles.
    pub interval: Duration,
    /// Its connectors for AD.
    pub connectors: Vec<AdConnector>,
    /// Objects by number, forest by forest.
    objects: Vec<Vec<Option<ConnectorObject>>>,
    /// AD objects whose changes are not exported yet.
    pub pending: BTreeSet<ConnectorKey>,
    /// Entra users whose flag changed since the last Entra import.
    pub flag_changes: Vec<u32>,
    /// The cycles so far, oldest first.
    pub history: Vec<Run>,
    /// The cycle that runs.
    pub running: Option<Run>,
    /// A cycle was asked for while one ran.
    pub again: bool,
}

impl ConnectSync {
    /// A server that has seen nothing, with a connector to each of the domain controllers.
    #[must_use]
    pub fn new(
        build: &str,
        interval: Duration,
        imports_from: impl IntoIterator<Item = DcKey>,
    ) -> Self {
        let connector = |dc| AdConnector { dc, imported_usn: 0 };
        Self {
            build: build.to_owned(),
            interval,
            connectors: imports_from.into_iter().map(connector).collect(),
            objects: Vec::new(),
            pending: BTreeSet::new(),
            flag_changes: Vec::new(),
            history: Vec::new(),
            running: None,
            again: false,
        }
    }

    /// An object.
    #[must_use]
    pub fn object(&self, (forest, number): ConnectorKey) -> Option<&ConnectorObject> {
        self.objects.get(usize::from(forest.0))?.get(number as usize)?.as_ref()
    }

    /// An object, to be changed.
    pub fn object_mut(&mut self, (forest, number): ConnectorKey) -> Option<&mut ConnectorObject> {
        self.objects.get_mut(usize::from(forest.0))?.get_mut(number as usize)?.as_mut()
    }

    /// Remembers an object.
    pub fn remember(&mut self, (forest, number): ConnectorKey, object: ConnectorObject) {
        let (forest, place) = (usize::from(forest.0), number as usize);
        if self.objects.len() <= forest {
            self.objects.resize(forest + 1, Vec::new());
        }
        let objects = &mut self.objects[forest];
        if objects.len() <= place {
            objects.resize(place + 1, None);
        }
        objects[place] = Some(object);
    }

    /// Whether this build leaves Exchange attributes of flagged objects alone.
    #[must_use]
    pub fn respects_the_flag(&self, profile: &Profile) -> bool {
        version_parts(&self.build) >= version_parts(profile.text("connect_minimum"))
    }

    /// Whether the service refuses this build altogether at `now`.
    #[must_use]
    pub fn is_cut_off(&self, profile: &Profile, now: VirtualTime) -> bool {
        let too_old = version_parts(&self.build) < version_parts(profile.text("connect_hard_stop"));
        too_old && profile.instant("connect_hard_stop_after").is_some_and(|day| now > day)
    }
}
