//! The typed story: what a scenario file says, every default filled in, every name checked.
//!
//! Names of mailboxes in selectors and expectations are canonical: the `name` of a user or
//! `<shape>-<number>`, whatever spelling (name, UPN, address) the file used. Cmdlet lines keep what
//! was typed.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use sim::powershell::CmdletCall;

use super::expectation::Expectations;
use super::fault::Fault;
use super::span::{Span, Spanned};
use super::world::World;

/// One scenario file.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// `scenario:`, the sentence that says what it is about.
    pub title: Spanned<String>,
    /// `id:`, its id in the library of facts (`A-07`).
    pub id: Option<Spanned<String>>,
    /// `about:`, what it is a scenario of.
    pub about: Option<About>,
    /// `evidence:`, on what its expectations rest.
    pub evidence: Option<Evidence>,
    /// `tier:`, when it runs.
    pub tier: Tier,
    /// `world:`, the estate before the first step.
    pub world: World,
    /// `story:`, in the order of the file.
    pub story: Vec<Step>,
    /// `expect:`, at the end, when the estate is quiet.
    pub expect: Option<Expectations>,
    /// `suspend:`, always-on rules that this scenario breaks on purpose.
    pub suspend: Vec<Suspension>,
    /// Where the file was read from.
    pub path: PathBuf,
    /// Its text; every [`Span`] points into it.
    pub source: String,
}

/// What a scenario is about. It decides what must have happened for a pass: a file about writeback
/// without an effective write, or about transfer without a flip, is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// Values go from Exchange Online to AD.
    Writeback,
    /// The source of authority changes sides.
    Transfer,
    /// Exchange Online and Entra alone.
    Cloud,
    /// Active Directory alone.
    Directory,
    /// Reports and checks.
    Report,
}

/// On what the expectations of a scenario rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// Microsoft documents it.
    Documented,
    /// Somebody quotes the documentation.
    Quoted,
    /// It comes from preview or plan documents.
    Preview,
    /// People saw it in the field.
    Field,
    /// It follows from other facts.
    Inferred,
    /// Nobody outside knows; a switch chooses.
    Unknown,
}

/// When a scenario runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Always.
    #[default]
    Main,
    /// When large estates are asked for.
    Scale,
    /// When long runs are asked for.
    Soak,
}

/// A share of a whole, `0%` to `100%`, exact to a millionth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share {
    /// Millionths.
    pub parts_per_million: u32,
}

impl Share {
    /// Nothing.
    pub const NONE: Self = Self { parts_per_million: 0 };
    /// Everything.
    pub const ALL: Self = Self { parts_per_million: 1_000_000 };

    /// This share of `count` things, rounded down, and at least one unless the share is zero.
    #[must_use]
    pub fn of(self, count: u64) -> u64 {
        let parts = u128::from(count) * u128::from(self.parts_per_million) / 1_000_000;
        let rounded = u64::try_from(parts).unwrap_or(count);
        if self.parts_per_million > 0 { rounded.max(1).min(count) } else { 0 }
    }
}

/// Which mailboxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// `all`: every mailbox of the population.
    All,
    /// `shape:<name>`: every mailbox of a shape.
    Shape(String),
    /// Single ones, by their canonical names, in the order given, each once.
    Names(Vec<Spanned<String>>),
}

/// One step of the story.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What it does.
    pub action: Action,
    /// `as:`, in the name of which role; without it everything is allowed.
    pub role: Option<Spanned<String>>,
    /// `expect_error:`, `any` or a code; then the step must fail so.
    pub expect_error: Option<Spanned<String>>,
    /// `at:`, when; without it as soon as the step before is done.
    pub at: Option<Spanned<At>>,
    /// `note:`, for people.
    pub note: Option<String>,
    /// From the first key to the end of the step.
    pub span: Span,
}

/// When a step is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// At an instant.
    Instant(Timestamp),
    /// This long after the world's start.
    Offset(Duration),
}

impl At {
    /// The instant, in a world that starts at `start`. `None` beyond the end of the calendar.
    #[must_use]
    pub fn instant(self, start: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Instant(instant) => Some(instant),
            Self::Offset(offset) => start.checked_add(offset).ok(),
        }
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// `exo:`, a cmdlet in Exchange Online.
    Exo(Spanned<CmdletCall>),
    /// `onprem:`, a cmdlet on the last Exchange server.
    OnPrem(Spanned<CmdletCall>),
    /// `ad:`, a cmdlet of the ActiveDirectory module.
    Ad(Spanned<CmdletCall>),
    /// `graph:`, a Microsoft Graph request.
    Graph(GraphCall),
    /// `ldif:`, LDIF change records (RFC 2849), on a domain controller that is named or not.
    Ldif(Spanned<String>, Option<Spanned<String>>),
    /// `transfer:`, the engine changes the source of authority.
    Transfer(Transfer),
    /// `decommission:`, the engine looks what stands against removing the last Exchange server.
    Decommission(Stated),
    /// `edits:`, random edits in Exchange Online.
    Edits(Edits),
    /// `repeat:`, somebody who does the same again and again.
    Repeat(Box<Repeat>),
    /// `fault:`, something breaks.
    Fault(Spanned<Fault>),
    /// `wait:`, time passes.
    Wait(Duration),
    /// `cycle:`, one cycle by hand, now.
    Cycle(Cycle),
    /// `job:`, what an administrator tells the writeback job.
    Job(JobAction),
    /// `connect:`, what an administrator does to Connect Sync.
    Connect(ConnectAction),
    /// `expect:`, now.
    Expect(Expectations),
    /// `within:`, holds at some moment in the window and stays true until its end.
    Within {
        /// The window, from this step on.
        window: Duration,
        /// What must hold.
        expect: Expectations,
    },
    /// `always:`, holds from here on.
    Always {
        /// How long; `None` is to the end of the run.
        window: Option<Duration>,
        /// What must hold.
        expect: Expectations,
    },
    /// `never:`, holds at no moment from here on.
    Never {
        /// How long; `None` is to the end of the run.
        window: Option<Duration>,
        /// What must not hold.
        expect: Expectations,
    },
    /// `until:`, time passes until it holds.
    Until {
        /// How long at most; then the step has failed.
        limit: Duration,
        /// What must come to hold.
        expect: Expectations,
    },
}

/// What people state of the premises beside what can be looked up there; nothing of it unless said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stated {
    /// MX or Autodiscover point to the server.
    pub dns_on_premises: bool,
    /// Something relays mail through the server.
    pub smtp_relay: bool,
    /// Groups or contacts are edited with the server's tools.
    pub groups_on_premises: bool,
    /// Applications read Exchange attributes from AD.
    pub ad_readers: bool,
}

/// A Microsoft Graph request.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphCall {
    /// The HTTP method.
    pub method: GraphMethod,
    /// The path and query after the version (`/users/u7@contoso.com`).
    pub path: Spanned<String>,
    /// The body.
    pub body: Option<serde_json::Value>,
}

/// HTTP methods that Microsoft Graph knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphMethod {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
    /// `PATCH`.
    Patch,
    /// `PUT`.
    Put,
    /// `DELETE`.
    Delete,
}

impl GraphMethod {
    /// As HTTP writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// A change of the source of authority by the engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    /// Which mailboxes.
    pub mailboxes: Spanned<Selector>,
    /// How many at a time; `None` is all at once.
    pub wave: Option<u32>,
    /// The pause between two waves; zero unless said.
    pub pause: Duration,
    /// The acceptance criterion: a wave in which more mailboxes than this are refused, without effect or failed is
    /// the last one, and ends where that is beyond doubt; `None` goes on whatever happens.
    pub most_failures: Option<u64>,
    /// Findings of the readiness check that are accepted.
    pub accept: Vec<String>,
    /// Where the authority goes.
    pub to: Authority,
}

/// A source of authority.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Authority {
    /// Exchange Online.
    #[default]
    Cloud,
    /// Active Directory: a rollback.
    OnPremises,
}

/// Random edits of Exchange attributes in Exchange Online, drawn from the seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Edits {
    /// Among which mailboxes.
    pub mailboxes: Spanned<Selector>,
    /// How many of them each time.
    pub share: Share,
    /// How often; `None` is once, now.
    pub every: Option<Duration>,
    /// For how long; `None` with `every` is to the end of the run.
    pub lasts: Option<Duration>,
}

/// Somebody who does the same again and again: a script, an old habit.
#[derive(Debug, Clone, PartialEq)]
pub struct Repeat {
    /// How often, from now on.
    pub every: Duration,
    /// For how long; `None` is to the end of the story.
    pub lasts: Option<Duration>,
    /// What; `{n}` in its texts is the number of the round, from 1.
    pub action: Action,
}

/// A cycle by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cycle {
    /// Inbound synchronization (`Start-ADSyncSyncCycle -PolicyType`).
    Connect(CyclePolicy),
    /// The writeback job.
    Writeback,
}

/// `-PolicyType` of an inbound cycle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CyclePolicy {
    /// What changed.
    #[default]
    Delta,
    /// Everything.
    Initial,
}

/// What an administrator tells the writeback job.
#[derive(Debug, Clone, PartialEq)]
pub enum JobAction {
    /// `pause`.
    Pause,
    /// `start`.
    Start,
    /// `restart` with its `resetScope`; none given is `Full`.
    Restart {
        /// The scopes, each once.
        scopes: Vec<RestartScope>,
    },
    /// `provisionOnDemand` of one user.
    ProvisionOnDemand {
        /// The user's canonical name.
        user: Spanned<String>,
    },
}

/// `resetScope` of a restart (Microsoft Graph, `synchronizationJobRestartCriteria`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestartScope {
    /// `Watermark`.
    Watermark,
    /// `Escrows`.
    Escrows,
    /// `QuarantineState`.
    QuarantineState,
    /// `Full`.
    Full,
}

/// What an administrator does to Connect Sync.
#[derive(Debug, Clone, PartialEq)]
pub enum ConnectAction {
    /// `upgrade`: another build runs from now on.
    Upgrade {
        /// The new build.
        build: Spanned<String>,
        /// Whether the service's configuration file had been edited.
        edited_config: bool,
    },
    /// `new_server`: another server with an empty database takes its place.
    NewServer {
        /// Its build.
        build: Spanned<String>,
    },
    /// `switch_to_staging`: the staging server and the active one change places.
    SwitchToStaging,
    /// `scheduler`: whether cycles come by their own interval from now on.
    Scheduler(bool),
}

/// An always-on rule that this scenario breaks on purpose.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspension {
    /// The oracle's name.
    pub oracle: Spanned<String>,
    /// The reason that every report shows.
    pub because: Spanned<String>,
}
