//! Faults that a story can declare, each at a named place and in that protocol's own words.

use std::fmt;
use std::time::Duration;

use super::span::Spanned;

/// Something that breaks. It begins with its step.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// `agent_offline`: the agent does not answer.
    AgentOffline {
        /// The agent.
        agent: Spanned<String>,
        /// `for:`, how long; `None` is to the end of the run.
        lasts: Option<Duration>,
    },
    /// `agent_restart`: the agent's service starts anew, and does not answer meanwhile.
    AgentRestart {
        /// The agent.
        agent: Spanned<String>,
        /// `for:`, how long; two minutes unless said.
        lasts: Duration,
    },
    /// `agent_slow`: everything through the agent takes longer.
    AgentSlow {
        /// The agent; `None` is whichever works.
        agent: Option<Spanned<String>>,
        /// `by:`, how much longer each request takes.
        by: Duration,
        /// Which requests.
        operation: DirectoryOperation,
        /// How long or how often.
        extent: Extent,
    },
    /// `rights_removed`: the agent's account may not write (`insufficientAccessRights`, 50).
    RightsRemoved {
        /// The agent; `None` is whichever works.
        agent: Option<Spanned<String>>,
        /// How long or how often.
        extent: Extent,
    },
    /// `delivery_duplicated`: a modify reaches the domain controller twice.
    DeliveryDuplicated {
        /// The agent; `None` is whichever works.
        agent: Option<Spanned<String>>,
        /// How long or how often; once unless said.
        extent: Extent,
        /// The first modify that is hit, counted from 1.
        nth: u32,
    },
    /// `delivery_reordered`: a modify is held back until others have overtaken it, and its connection
    /// breaks.
    DeliveryReordered {
        /// The agent; `None` is whichever works.
        agent: Option<Spanned<String>>,
        /// `by:`, how much later it reaches the domain controller; a minute unless said.
        by: Duration,
        /// How long or how often; once unless said.
        extent: Extent,
        /// The first modify that is hit, counted from 1.
        nth: u32,
    },
    /// `schema_not_extended`: the agent finds a schema without the attributes of Exchange.
    SchemaNotExtended {
        /// The agent; `None` is whichever works.
        agent: Option<Spanned<String>>,
        /// How long or how often.
        extent: Extent,
    },
    /// `store_damaged`: the engine's state store cannot be read; it is thrown away at the end.
    StoreDamaged {
        /// `for:`, until somebody throws it away.
        lasts: Duration,
    },
    /// `dc_down`: a domain controller does not answer at all.
    DcDown {
        /// The domain controller; `None` is every one.
        dc: Option<Spanned<String>>,
        /// `for:`, how long; `None` is to the end of the run.
        lasts: Option<Duration>,
    },
    /// `dc_unavailable`: a domain controller answers `unavailable` (52).
    DcUnavailable {
        /// The domain controller; `None` is every one.
        dc: Option<Spanned<String>>,
        /// Which requests.
        operation: DirectoryOperation,
        /// How long or how often.
        extent: Extent,
    },
    /// `forward_sync_delayed`: what the directory and Exchange Online tell each other takes longer.
    ForwardSyncDelayed {
        /// `by:`, how much longer; an hour unless said.
        by: Duration,
        /// How long or how often.
        extent: Extent,
    },
    /// What a cloud service does to the engine's requests.
    Cloud {
        /// What it does.
        kind: CloudFault,
        /// Which service; `None` is either.
        service: Option<Service>,
        /// `call:`, which port call alone.
        call: Option<PortCall>,
        /// How long or how often.
        extent: Extent,
    },
    /// `engine_crash`: the engine's process dies at a port call and starts anew from its store.
    EngineCrash {
        /// The port call; `None` is any, at a number drawn from the seed.
        at: Option<PortCall>,
        /// Before or after the world did what the call asked; after unless said.
        when: When,
        /// Which such call from now on, counted from 1.
        nth: u32,
    },
    /// `replication_stopped`: a domain controller and the others do not replicate.
    ReplicationStopped {
        /// The domain controller; `None` is every one.
        dc: Option<Spanned<String>>,
        /// `direction:`, what is stopped; both unless said.
        direction: Direction,
        /// `for:`, how long; `None` is to the end of the run.
        lasts: Option<Duration>,
    },
    /// `replication_slow`: changes take longer to arrive at a domain controller.
    ReplicationSlow {
        /// The domain controller; `None` is every one.
        dc: Option<Spanned<String>>,
        /// `by:`, how much longer.
        by: Duration,
        /// How long or how often.
        extent: Extent,
    },
    /// `dc_busy`: a domain controller answers `busy` (51).
    DcBusy {
        /// The domain controller; `None` is every one.
        dc: Option<Spanned<String>>,
        /// Which requests.
        operation: DirectoryOperation,
        /// How long or how often.
        extent: Extent,
    },
    /// `connection_lost`: the LDAP connection through an agent breaks.
    ConnectionLost {
        /// The agent; `None` is whichever works.
        agent: Option<Spanned<String>>,
        /// At which requests.
        operation: DirectoryOperation,
        /// Before the request reached the domain controller, or between its effect and the answer;
        /// after unless said.
        when: When,
        /// How long or how often; once unless said.
        extent: Extent,
        /// The first such request that is hit, counted from 1.
        nth: u32,
    },
}

impl Fault {
    /// The fault's name in a file and in reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AgentOffline { .. } => "agent_offline",
            Self::AgentRestart { .. } => "agent_restart",
            Self::AgentSlow { .. } => "agent_slow",
            Self::RightsRemoved { .. } => "rights_removed",
            Self::DeliveryDuplicated { .. } => "delivery_duplicated",
            Self::DeliveryReordered { .. } => "delivery_reordered",
            Self::SchemaNotExtended { .. } => "schema_not_extended",
            Self::StoreDamaged { .. } => "store_damaged",
            Self::DcDown { .. } => "dc_down",
            Self::DcUnavailable { .. } => "dc_unavailable",
            Self::ForwardSyncDelayed { .. } => "forward_sync_delayed",
            Self::Cloud { kind, .. } => kind.name(),
            Self::EngineCrash { .. } => "engine_crash",
            Self::DcBusy { .. } => "dc_busy",
            Self::ReplicationStopped { .. } => "replication_stopped",
            Self::ReplicationSlow { .. } => "replication_slow",
            Self::ConnectionLost { .. } => "connection_lost",
        }
    }
}

/// Which way replication is stopped at a domain controller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Direction {
    /// It hears nothing: it grows stale.
    Inbound,
    /// Nobody hears of it.
    Outbound,
    /// Neither.
    #[default]
    Both,
}

impl Direction {
    /// Every direction with its name in a file.
    pub const ALL: [(&'static str, Self); 3] =
        [("inbound", Self::Inbound), ("outbound", Self::Outbound), ("both", Self::Both)];
}

/// A cloud service of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Exchange Online.
    Exchange,
    /// Microsoft Graph.
    Graph,
    /// The identity platform, which gives the tokens for both.
    Login,
}

impl Service {
    /// Every service with its name in a file.
    pub const ALL: [(&'static str, Self); 3] =
        [("exchange", Self::Exchange), ("graph", Self::Graph), ("login", Self::Login)];

    /// Whether a port call goes there.
    #[must_use]
    pub fn serves(self, call: PortCall) -> bool {
        let ports: &[&str] = match self {
            Self::Exchange => &["exchange."],
            Self::Graph => &["entra."],
            Self::Login => &["exchange.", "entra."],
        };
        ports.iter().any(|port| call.name().starts_with(port))
    }
}

/// What a cloud service does instead of answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloudFault {
    /// `throttled`: 429, with `Retry-After` or without.
    Throttled {
        /// `budget:`, the budget that is used up; `None`: the service says no more than 429.
        budget: Option<&'static str>,
        /// `retry_after:`.
        retry_after: Option<Duration>,
    },
    /// `service_failure`: an error of its own.
    ServiceFailure {
        /// `status:`, 503 unless said.
        status: u16,
        /// `retry_after:`.
        retry_after: Option<Duration>,
    },
    /// `timed_out`: a gateway before it answers 504 after a long time.
    TimedOut {
        /// `by:`, how long it takes.
        after: Duration,
        /// `when:`, whether the service has done what was asked; after unless said.
        when: When,
    },
    /// `truncated_body`: it does what was asked, and the answer ends in the middle.
    TruncatedBody,
    /// `page_expired`: the token of a listing is not known any more.
    PageExpired,
    /// `certificate_expired`: there is no token, for an expired certificate.
    CertificateExpired,
    /// `cloud_offline`: there is no connection.
    Offline,
}

impl CloudFault {
    const fn name(self) -> &'static str {
        match self {
            Self::Throttled { .. } => "throttled",
            Self::ServiceFailure { .. } => "service_failure",
            Self::TimedOut { .. } => "timed_out",
            Self::TruncatedBody => "truncated_body",
            Self::PageExpired => "page_expired",
            Self::CertificateExpired => "certificate_expired",
            Self::Offline => "cloud_offline",
        }
    }
}

/// On which side of an operation's effect a fault strikes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum When {
    /// Nothing has happened yet.
    Before,
    /// It has happened, and nobody was told.
    #[default]
    After,
}

/// How long or how often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// `for:`, everything in this window.
    For(Duration),
    /// `count:`, this many requests.
    Count(u32),
}

/// Requests to a domain controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryOperation {
    /// LDAP modify.
    Modify,
    /// LDAP search.
    Search,
    /// Either.
    Any,
}

/// A call of one of the engine's ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the port and the method of its name in engine::ports")]
pub enum PortCall {
    ExchangeMailboxesChanged,
    ExchangeMailboxes,
    ExchangeSetMailboxes,
    ExchangeOrganization,
    EntraUsers,
    EntraAgents,
    EntraSyncConfiguration,
    DirectoryFind,
    DirectoryRead,
    DirectoryModify,
    StoreGet,
    StoreScan,
    StoreCommit,
    JobCommands,
    JobReport,
    JobLog,
}

impl PortCall {
    /// Every port call with its name in a file: `<port>.<method>`.
    pub const ALL: [(Self, &'static str); 16] = [
        (Self::ExchangeMailboxesChanged, "exchange.mailboxes_changed"),
        (Self::ExchangeMailboxes, "exchange.mailboxes"),
        (Self::ExchangeSetMailboxes, "exchange.set_mailboxes"),
        (Self::ExchangeOrganization, "exchange.organization"),
        (Self::EntraUsers, "entra.users"),
        (Self::EntraAgents, "entra.agents"),
        (Self::EntraSyncConfiguration, "entra.sync_configuration"),
        (Self::DirectoryFind, "directory.find"),
        (Self::DirectoryRead, "directory.read"),
        (Self::DirectoryModify, "directory.modify"),
        (Self::StoreGet, "store.get"),
        (Self::StoreScan, "store.scan"),
        (Self::StoreCommit, "store.commit"),
        (Self::JobCommands, "job.commands"),
        (Self::JobReport, "job.report"),
        (Self::JobLog, "job.log"),
    ];

    /// Its name in a file.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(call, _)| *call == self).map_or("", |(_, name)| name)
    }
}

impl fmt::Display for PortCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
