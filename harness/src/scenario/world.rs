//! The estate before the first step: what `world:` says, every default filled in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use super::model::Share;
use super::span::{Span, Spanned};

/// The value of a profile switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwitchValue {
    /// A word (`merge`), a duration (`2h`) or other text.
    Text(String),
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
}

/// The estate before the first step.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// The dated behaviour profile.
    pub profile: Spanned<String>,
    /// Switches of the profile that this scenario sets otherwise, by name.
    pub switches: BTreeMap<String, Spanned<SwitchValue>>,
    /// Determines all chance.
    pub seed: u64,
    /// The first instant.
    pub start: Timestamp,
    /// Active Directory.
    pub forest: Forest,
    /// Further forests, which trust the first one and each other.
    pub further_forests: Vec<Forest>,
    /// The Microsoft 365 tenant.
    pub tenant: Tenant,
    /// What synchronizes AD to the cloud.
    pub inbound: Inbound,
    /// Microsoft Entra Connect Sync.
    pub connect: Connect,
    /// The provisioning agents; the first listed that is online works.
    pub agents: Vec<Agent>,
    /// Rights in AD.
    pub rights: Rights,
    /// Roles of Exchange Online that differ from the built-in ones, or stand beside them.
    pub roles: Vec<OwnRole>,
    /// The writeback job.
    pub writeback: Writeback,
    /// Who is there.
    pub population: Vec<Population>,
}

/// Active Directory.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    /// DNS names of the domains; the first is the forest's root.
    pub domains: Vec<Spanned<String>>,
    /// The domain controllers.
    pub dcs: Vec<Dc>,
    /// Whether the schema has the Exchange extension.
    pub exchange_schema: bool,
    /// Whether the Active Directory Recycle Bin is enabled: what is deleted comes back with all it had.
    pub recycle_bin: bool,
}

/// A domain controller.
#[derive(Debug, Clone, PartialEq)]
pub struct Dc {
    /// Its host name.
    pub name: Spanned<String>,
    /// How long a change on another DC takes to arrive; `None` is the profile's own.
    pub replication: Option<Duration>,
    /// Its domain; `None` is the forest's root domain.
    pub domain: Option<Spanned<String>>,
    /// Whether it is a read-only one.
    pub read_only: bool,
}

impl World {
    /// All forests, the first one first.
    pub fn forests(&self) -> impl Iterator<Item = &Forest> + Clone {
        core::iter::once(&self.forest).chain(&self.further_forests)
    }

    /// The names of all domain controllers.
    pub fn dc_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.forests().flat_map(|forest| &forest.dcs).map(|dc| dc.name.value.as_str())
    }
}

/// The Microsoft 365 tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    /// The verified domain of its users.
    pub domain: Spanned<String>,
    /// Its initial domain (`*.onmicrosoft.com`).
    pub initial: Spanned<String>,
    /// Further verified domains, accepted by Exchange Online too.
    pub domains: Vec<Spanned<String>>,
    /// `verified:`, domains that are verified, and not accepted by Exchange Online.
    pub verified: Vec<Spanned<String>>,
    /// `features:` of `directory/onPremisesSynchronization` that differ from those of a new tenant.
    pub features: Vec<(Spanned<String>, bool)>,
    /// This many deletions in one cycle are too many; `None` is the default of 500, 0 is no limit.
    pub deletion_threshold: Option<u32>,
    /// Whether new mailboxes are cloud-managed from birth.
    pub cloud_managed_by_default: bool,
    /// Whether it has Entra ID P1, as the readiness check is told; `None`: nobody says.
    pub entra_id_p1: Option<bool>,
}

/// What synchronizes AD to the cloud (`inbound:`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Inbound {
    /// Microsoft Entra Connect Sync.
    #[default]
    ConnectSync,
    /// Microsoft Entra Cloud Sync.
    CloudSync,
}

/// Microsoft Entra Connect Sync.
#[derive(Debug, Clone, PartialEq)]
pub struct Connect {
    /// Its build, four numbers (`2.5.190.0`).
    pub build: Spanned<String>,
    /// The interval of its cycles.
    pub cycle: Duration,
    /// The domain controller from which it imports; `None` is the first one of each domain.
    pub dc: Option<Spanned<String>>,
    /// The build of a staging server beside it.
    pub staging: Option<Spanned<String>>,
    /// The organizational units that are synchronized; none is all.
    pub units: Vec<Spanned<String>>,
    /// Whether cycles come by their own interval.
    pub scheduler: bool,
}

/// A provisioning agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// The machine name under which it registered.
    pub name: Spanned<String>,
    /// Its version, four numbers.
    pub version: Spanned<String>,
    /// The domain controllers that it talks to: the preferred one, and those to which it goes when that
    /// one is not there; at least one.
    pub dcs: Vec<Spanned<String>>,
}

/// Rights in AD that differ from those that the setup of the agents gives.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rights {
    /// `agents:`, the attributes that the agents' account may write; `None` is every one.
    pub agents: Option<Vec<Spanned<String>>>,
    /// `cut_off:`, organizational units and users that inherit no rights from above.
    pub cut_off: Vec<Spanned<String>>,
    /// `protected:`, users whom AdminSDHolder protects.
    pub protected: Vec<Spanned<String>>,
    /// `deny:` and `allow:`, entries for the agents' account at single users and organizational units.
    pub entries: Vec<RightsEntry>,
}

/// An entry of an access control list, for the account of the agents.
#[derive(Debug, Clone, PartialEq)]
pub struct RightsEntry {
    /// `on:`, the user or organizational unit; what is below it inherits the entry.
    pub on: Spanned<String>,
    /// `attributes:`, AD attributes; none is every one.
    pub attributes: Vec<Spanned<String>>,
    /// Whether it denies.
    pub deny: bool,
}

/// A role of Exchange Online (`roles:`), as `as:` names it.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnRole {
    /// Its name: a new one, or a built-in one that differs from what it is.
    pub name: Spanned<String>,
    /// `like:`, the role that it begins with; `None`: with nothing.
    pub like: Option<Spanned<String>>,
    /// `may:`, what it may run beyond that.
    pub may: Vec<RoleEntry>,
    /// `may_not:`, what of that it may not run.
    pub may_not: Vec<RoleEntry>,
    /// `ad:`, the attributes of users that it may write in AD; `None`: what `like` has.
    pub in_ad: Option<InAd>,
}

impl OwnRole {
    /// Whether nothing is said of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let says_nothing = self.may.is_empty() && self.may_not.is_empty();
        says_nothing && self.like.is_none() && self.in_ad.is_none()
    }
}

/// What a role of the world's own may write in AD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InAd {
    /// `all`: every attribute of users.
    All,
    /// These attributes of users; `none`: none.
    Attributes(Vec<String>),
}

/// A cmdlet of a role, with some of its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleEntry {
    /// The cmdlet.
    pub cmdlet: String,
    /// The parameters; none is all of them.
    pub parameters: Vec<String>,
    /// Where it stands.
    pub span: Span,
}

/// The writeback job.
#[derive(Debug, Clone, PartialEq)]
pub struct Writeback {
    /// When its configuration was created; `mail` is mapped from 2026-08-03 on.
    pub created: Date,
    /// The interval of its cycles.
    pub interval: Duration,
    /// Whether there is a job at all (`writeback: none` says no).
    pub exists: bool,
    /// Whether it runs; otherwise it waits for its start, without an initial cycle.
    pub enabled: bool,
    /// The domain that it is for; `None` is the first forest's root.
    pub domain: Option<Spanned<String>>,
    /// Attribute mappings that differ from the default ones: the AD attribute, and the expression that
    /// feeds it; `None` when it is not mapped.
    pub mappings: Vec<(Spanned<String>, Option<Spanned<String>>)>,
    /// Which objects it is responsible for.
    pub scope: WritebackScope,
}

/// A scoping filter by container and group; everything without names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WritebackScope {
    /// Organizational units: distinguished names, or paths from the domain down (`Staff/North`).
    pub ous: Vec<Spanned<String>>,
    /// Distinguished names of groups.
    pub groups: Vec<Spanned<String>>,
}

impl WritebackScope {
    /// Whether everything is in scope.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.ous.is_empty() && self.groups.is_empty()
    }
}

/// A part of the population.
#[derive(Debug, Clone, PartialEq)]
pub enum Population {
    /// Many mailboxes out of a named, deterministic shape. They are called `<shape>-1` and so on.
    Shape {
        /// The shape's name.
        shape: Spanned<String>,
        /// How many.
        mailboxes: u32,
        /// How many of them are cloud-managed from the start.
        cloud_managed: Share,
        /// Their domain; `None` is the first forest's root.
        domain: Option<Spanned<String>>,
    },
    /// One person, room or other mailbox.
    User(Box<User>),
    /// A real forest's export.
    Ldif {
        /// The LDIF file.
        ldif: Spanned<PathBuf>,
        /// The CSV file that `Get-Mailbox | Export-Csv` wrote.
        mailboxes: Option<Spanned<PathBuf>>,
        /// Who is in them.
        people: Vec<ExportedPerson>,
        /// Containers and groups of the forest.
        places: ExportedPlaces,
        /// The DNS name of the first object's domain.
        domain: Option<String>,
    },
}

/// Where people of an export are, and the groups that it lists: the names from the domain down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportedPlaces {
    /// Organizational units and containers.
    pub units: Vec<Vec<String>>,
    /// Groups.
    pub groups: Vec<Vec<String>>,
}

/// Somebody whom an export lists, as steps may call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedPerson {
    /// `sAMAccountName`, or the name of a mailbox of the cloud alone.
    pub name: String,
    /// The user principal name and the SMTP addresses.
    pub addresses: Vec<String>,
}

/// One user of the population.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// How steps call it; also its `cn`.
    pub name: Spanned<String>,
    /// Its user principal name.
    pub upn: Spanned<String>,
    /// Proxy addresses that are added to the default ones; an `SMTP:` value replaces the primary.
    pub addresses: Vec<Spanned<String>>,
    /// `IsExchangeCloudManaged` at the start.
    pub cloud_managed: bool,
    /// What kind of mailbox.
    pub kind: MailboxKind,
    /// Where the mailbox is.
    pub mailbox: MailboxLocation,
    /// Whether it comes from AD; otherwise it exists in the cloud alone.
    pub dir_synced: bool,
    /// `licensed:`, whether it has a licence with a mailbox; `None`: a person with a mailbox in the cloud has.
    pub licensed: Option<bool>,
    /// Its domain; `None` is the first forest's root.
    pub domain: Option<Spanned<String>>,
    /// `ou:`, the organizational units above it, from the domain down; none is `OU=People`.
    pub units: Vec<String>,
    /// AD attributes by their `lDAPDisplayName`, with their values as written. No value: absent.
    pub attributes: Vec<(Spanned<String>, Vec<String>)>,
    /// Exchange Online properties whose values differ from what AD says. No value: empty.
    pub cloud: Vec<(Spanned<String>, Vec<String>)>,
    /// Its entry in the file.
    pub span: Span,
}

/// The kind of a mailbox (`type:` of a user).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MailboxKind {
    /// A person's.
    #[default]
    User,
    /// `SharedMailbox`.
    Shared,
    /// `RoomMailbox`.
    Room,
    /// `EquipmentMailbox`.
    Equipment,
}

/// Where a user's mailbox is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MailboxLocation {
    /// In Exchange Online (AD: a remote mailbox).
    #[default]
    Cloud,
    /// On the last Exchange server (Exchange Online: a mail user).
    OnPremises,
    /// There is none.
    None,
}
