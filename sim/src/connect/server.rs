//! A synchronization server: what it is, what it remembers, and what its cycles came to.

use core::time::Duration;
use std::collections::BTreeMap;

use super::flow::AdKind;
use crate::clock::VirtualTime;
use crate::directory::entry::DcNumber;
use crate::directory::forests::{DcKey, ForestNumber};
use crate::guid::Guid;
use crate::profile::{Profile, version_order};

/// How long the run history is kept (Microsoft Learn, "Microsoft Entra Connect Sync: Scheduler").
const HISTORY: Duration = Duration::from_hours(7 * 24);
/// After so long without a cycle a delta is not enough.
const DELTA_SUFFICES: Duration = Duration::from_hours(7 * 24);

/// What synchronizes AD to the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboundEngine {
    /// Microsoft Entra Connect Sync, a server of its own.
    ConnectSync,
    /// Microsoft Entra Cloud Sync, through the provisioning agents.
    CloudSync,
}

/// `Start-ADSyncSyncCycle -PolicyType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// What changed.
    Delta,
    /// Everything: a full import and a full synchronization.
    Initial,
}

/// An object as the engine remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectorObject {
    /// The number of the Entra user it is joined with.
    pub user: u32,
    /// Digest of the identity attributes last exported.
    pub identity: u64,
    /// Digest of the Exchange attributes last exported.
    pub exchange: u64,
    /// The flag is set, but was not at some time since the last Entra import, and that counts (switch
    /// `flag_sampling`): AD's values go up once.
    pub given_back: bool,
    /// When the flag was set that was not at the Entra import before; zero once the values were exported
    /// since. What was pending by then may land (switch `race`).
    pub flagged: VirtualTime,
    /// Everything is to be exported: authority came back to AD, or the object was only just joined.
    pub full: bool,
}

impl ConnectorObject {
    /// The object of a user, with the digests of what was exported of it.
    #[must_use]
    pub fn new(user: u32, identity: u64, exchange: u64) -> Self {
        let flagged = VirtualTime::default();
        Self { user, identity, exchange, given_back: false, flagged, full: false }
    }

    /// The object when everything of it was exported.
    #[must_use]
    pub fn exported(self) -> Self {
        Self { given_back: false, flagged: VirtualTime::default(), full: false, ..self }
    }
}

/// A group or contact as the engine remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherObject {
    /// The id of the cloud object it is joined with.
    pub id: Guid,
    /// Which of the two it is.
    pub kind: AdKind,
}

/// Since when changes of a pending object are to be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// When everything before was imported.
    pub at: VirtualTime,
    /// The domain controller at which it was, and the highest of its sequence numbers by then: stamps of
    /// attributes know the second alone.
    pub read: Option<(DcNumber, u64)>,
}

impl Since {
    /// Since an instant.
    #[must_use]
    pub const fn instant(at: VirtualTime) -> Self {
        Self { at, read: None }
    }
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
    /// The error's name: `ExchangeManagedAttributesUpdateNotAllowed`, `AttributeValueMustBeUnique`, ...
    pub code: &'static str,
    /// What it is about.
    pub detail: String,
}

/// One cycle in the run history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What was asked for, or needed.
    pub policy: Policy,
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
    /// Domain controllers that did not answer: what changed there waits for a later run.
    pub unreached: Vec<String>,
    /// Why nothing was synchronized at all.
    pub failure: Option<String>,
}

/// What all runs since the start came to, those that the history does not keep any more included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Cycles that ended.
    pub cycles: usize,
    /// Those that did not synchronize at all.
    pub failed: usize,
    /// Those that evaluated everything.
    pub initial: usize,
    /// AD objects that had changed.
    pub imported: u64,
    /// Cloud objects that changed.
    pub exported: u64,
    /// Changes that were ignored (event 6956).
    pub blocked: usize,
    /// Refused exports by name.
    pub errors: BTreeMap<&'static str, usize>,
}

impl Totals {
    fn add(&mut self, run: &Run) {
        self.cycles += 1;
        self.failed += usize::from(run.failure.is_some());
        self.initial += usize::from(run.policy == Policy::Initial);
        self.imported += run.imported;
        self.exported += run.exported;
        self.blocked += run.blocked.len();
        for error in &run.errors {
            *self.errors.entry(error.code).or_default() += 1;
        }
    }
}

/// A synchronization server.
#[derive(Debug, Clone)]
pub struct ConnectSync {
    /// Which product.
    pub engine: InboundEngine,
    /// Its build.
    pub build: String,
    /// The interval of its cycles.
    pub interval: Duration,
    /// Whether cycles come by themselves.
    pub scheduled: bool,
    /// The organizational units that are synchronized, from the domain down (`Staff/North`); none is all.
    pub units: Vec<String>,
    /// Its connectors for AD.
    pub connectors: Vec<AdConnector>,
    /// Objects by number, forest by forest.
    objects: Vec<Vec<Option<ConnectorObject>>>,
    known: usize,
    /// Groups and contacts.
    pub others: BTreeMap<ConnectorKey, OtherObject>,
    /// AD objects whose changes are not exported yet, each with when all before its change had been
    /// imported.
    pub pending: BTreeMap<ConnectorKey, Since>,
    /// When AD was imported last.
    pub imported_at: VirtualTime,
    /// Entra users whose flag changed since the last Entra import, each with what it became, and when.
    pub flag_changes: Vec<(u32, bool, VirtualTime)>,
    /// The cycles of the last seven days, oldest first.
    pub history: Vec<Run>,
    /// What all cycles came to.
    pub totals: Totals,
    /// The cycle that runs.
    pub running: Option<Run>,
    /// A cycle was asked for while one ran.
    pub again: Option<Policy>,
    /// Why its service does not run, when it does not.
    pub stopped: Option<&'static str>,
    /// The next cycle has to be an initial one: its database is new.
    pub needs_initial: bool,
}

impl ConnectSync {
    /// A server that has seen nothing, with a connector to each of the domain controllers.
    #[must_use]
    pub fn new(
        engine: InboundEngine,
        build: &str,
        interval: Duration,
        imports_from: impl IntoIterator<Item = DcKey>,
    ) -> Self {
        let connector = |dc| AdConnector { dc, imported_usn: 0 };
        Self {
            engine,
            build: build.to_owned(),
            interval,
            scheduled: true,
            units: Vec::new(),
            connectors: imports_from.into_iter().map(connector).collect(),
            objects: Vec::new(),
            known: 0,
            others: BTreeMap::new(),
            pending: BTreeMap::new(),
            imported_at: VirtualTime::default(),
            flag_changes: Vec::new(),
            history: Vec::new(),
            totals: Totals::default(),
            running: None,
            again: None,
            stopped: None,
            needs_initial: false,
        }
    }

    /// Its name, for people.
    #[must_use]
    pub fn name(&self) -> String {
        match self.engine {
            InboundEngine::ConnectSync => format!("Connect Sync {}", self.build),
            InboundEngine::CloudSync => "Cloud Sync".to_owned(),
        }
    }

    /// A user object.
    #[must_use]
    pub fn object(&self, (forest, number): ConnectorKey) -> Option<&ConnectorObject> {
        self.objects.get(usize::from(forest.0))?.get(number as usize)?.as_ref()
    }

    /// A user object, to be changed.
    pub fn object_mut(&mut self, (forest, number): ConnectorKey) -> Option<&mut ConnectorObject> {
        self.objects.get_mut(usize::from(forest.0))?.get_mut(number as usize)?.as_mut()
    }

    /// Whether it has an object in its connector space.
    #[must_use]
    pub fn knows(&self, key: ConnectorKey) -> bool {
        self.object(key).is_some() || (!self.others.is_empty() && self.others.contains_key(&key))
    }

    /// How many user objects it has.
    #[must_use]
    pub const fn known(&self) -> usize {
        self.known
    }

    /// All objects of its connector space.
    pub fn keys(&self) -> impl Iterator<Item = ConnectorKey> + '_ {
        let users = (0..).zip(&self.objects).flat_map(|(forest, objects)| {
            (0..)
                .zip(objects)
                .filter(|(_, object)| object.is_some())
                .map(move |(number, _)| (ForestNumber(forest), number))
        });
        users.chain(self.others.keys().copied())
    }

    /// Remembers a user object.
    pub fn remember(&mut self, (forest, number): ConnectorKey, object: ConnectorObject) {
        let (forest, place) = (usize::from(forest.0), number as usize);
        if self.objects.len() <= forest {
            self.objects.resize(forest + 1, Vec::new());
        }
        let objects = &mut self.objects[forest];
        if objects.len() <= place {
            objects.resize(place + 1, None);
        }
        if objects[place].replace(object).is_none() {
            self.known += 1;
        }
    }

    /// Forgets a user object.
    pub fn forget(&mut self, (forest, number): ConnectorKey) {
        let objects = self.objects.get_mut(usize::from(forest.0));
        let place = objects.and_then(|objects| objects.get_mut(number as usize));
        if place.and_then(Option::take).is_some() {
            self.known -= 1;
        }
    }

    /// Whether an object is in the scope of synchronization, by its distinguished name.
    #[must_use]
    pub fn selects(&self, dn: impl FnOnce() -> String) -> bool {
        if self.units.is_empty() {
            return true;
        }
        let dn = dn().to_lowercase();
        let suffix = |unit: &String| {
            let mut parts: Vec<String> =
                unit.split('/').map(|name| format!("ou={}", name.trim().to_lowercase())).collect();
            parts.reverse();
            format!(",{},dc=", parts.join(","))
        };
        self.units.iter().any(|unit| dn.contains(&suffix(unit)))
    }

    /// What a cycle that begins now has to do when this was asked for: a delta is not enough for a new
    /// database, and after seven days without a cycle.
    #[must_use]
    pub fn policy(&self, asked: Policy, now: VirtualTime) -> Policy {
        // What the world began with was brought up by a cycle too.
        let last = self.history.last().map_or(self.imported_at, |run| run.ended);
        let stale = now.since(last) > DELTA_SUFFICES;
        if self.needs_initial || stale { Policy::Initial } else { asked }
    }

    /// Notes a cycle that ended, and drops from the history what is older than it keeps.
    pub fn note(&mut self, run: Run) {
        let oldest = run.ended;
        self.history.retain(|old| oldest.since(old.ended) <= HISTORY);
        self.totals.add(&run);
        self.history.push(run);
    }

    /// Whether this build leaves Exchange attributes of flagged objects alone. For Cloud Sync the agent's
    /// version counts.
    #[must_use]
    pub fn respects_the_flag(&self, profile: &Profile, agent: Option<&str>) -> bool {
        match self.engine {
            InboundEngine::ConnectSync => {
                version_order(&self.build, profile.text("connect_minimum")).is_ge()
            }
            InboundEngine::CloudSync => agent.is_some_and(|version| {
                version_order(version, profile.text("cloud_sync_minimum")).is_ge()
            }),
        }
    }

    /// Whether the service refuses this build altogether at `now`.
    #[must_use]
    pub fn is_cut_off(&self, profile: &Profile, now: VirtualTime) -> bool {
        let too_old = self.engine == InboundEngine::ConnectSync
            && version_order(&self.build, profile.text("connect_hard_stop")).is_lt();
        too_old && profile.instant("connect_hard_stop_after").is_some_and(|day| now > day)
    }
}
