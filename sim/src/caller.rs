//! Who calls a cloud service, and what that caller may do.
//!
//! Sources: Microsoft Learn, "Permissions in Exchange Online"; Exchange Team Blog 2025-10-15 (the
//! flag needs Exchange Administrator, Hybrid Identity Administrator or Global Administrator).

use crate::ledger::{Activity, Actor};

/// A role, as scenario files and tokens name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May do everything.
    GlobalAdministrator,
    /// Hybrid Identity Administrator: the flag and the jobs.
    HybridIdentityAdministrator,
    /// Exchange Administrator: recipients, and the flag since general availability.
    ExchangeAdministrator,
    /// A help desk: recipients, but not the flag.
    Helpdesk,
    /// May read.
    Reader,
    /// May nothing.
    Unprivileged,
    /// A role group of Exchange Online that is none of the built-in ones, by its place: what its management
    /// roles allow. Elsewhere in the cloud it may look and no more.
    Own(u8),
}

impl Role {
    /// Every role with the name that scenario files use.
    pub const ALL: [(&'static str, Self); 6] = [
        ("global-admin", Self::GlobalAdministrator),
        ("hybrid-identity-admin", Self::HybridIdentityAdministrator),
        ("exchange-admin", Self::ExchangeAdministrator),
        ("helpdesk", Self::Helpdesk),
        ("reader", Self::Reader),
        ("unprivileged", Self::Unprivileged),
    ];

    /// The names of [`Role::Own`], by place: as many as an estate can have.
    pub const OWN: [&'static str; 8] = [
        "own-role-1",
        "own-role-2",
        "own-role-3",
        "own-role-4",
        "own-role-5",
        "own-role-6",
        "own-role-7",
        "own-role-8",
    ];

    /// By the name that scenario files use.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, r)| r)
    }

    /// The name that scenario files use.
    #[must_use]
    pub fn name(self) -> &'static str {
        if let Self::Own(place) = self {
            return Self::OWN.get(usize::from(place)).copied().unwrap_or("own-role");
        }
        Self::ALL.into_iter().find(|(_, role)| *role == self).map_or("", |(name, _)| name)
    }

    /// Whether it may read recipients.
    #[must_use]
    pub const fn may_read(self) -> bool {
        !matches!(self, Self::Unprivileged)
    }

    /// Whether it may change recipients.
    #[must_use]
    pub const fn may_write_recipients(self) -> bool {
        matches!(self, Self::GlobalAdministrator | Self::ExchangeAdministrator | Self::Helpdesk)
    }

    /// Whether it may make, remove and bring back mailboxes (Microsoft Learn, "Mail Recipient Creation role": of
    /// Organization Management and Recipient Management, and not of the help desk).
    #[must_use]
    pub const fn may_make_recipients(self) -> bool {
        matches!(self, Self::GlobalAdministrator | Self::ExchangeAdministrator)
    }

    /// Whether it may operate synchronization jobs (Microsoft Learn, "Exchange hybrid writeback with
    /// cloud sync": Hybrid Identity Administrator).
    #[must_use]
    pub const fn may_run_jobs(self) -> bool {
        matches!(self, Self::GlobalAdministrator | Self::HybridIdentityAdministrator)
    }

    /// Whether it may manage roles (Organization Management, which Exchange administrators are in).
    #[must_use]
    pub const fn may_manage_roles(self) -> bool {
        matches!(self, Self::GlobalAdministrator | Self::ExchangeAdministrator)
    }

    /// Whether it may set `IsExchangeCloudManaged`.
    #[must_use]
    pub const fn may_set_flag(self) -> bool {
        matches!(
            self,
            Self::GlobalAdministrator
                | Self::HybridIdentityAdministrator
                | Self::ExchangeAdministrator
        )
    }
}

/// A caller of a cloud service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who, for the ledger.
    pub actor: Actor,
    /// What it may do.
    pub role: Role,
    /// Whether it is the engine: its reads are domain events, and its operations cost virtual time.
    pub is_engine: bool,
    /// Whether it stands for many people, each with a budget of their own.
    pub is_crowd: bool,
}

impl Caller {
    /// A person in a role.
    #[must_use]
    pub fn person(role: Role) -> Self {
        Self {
            actor: Actor::new(role.name(), Activity::Person),
            role,
            is_engine: false,
            is_crowd: false,
        }
    }

    /// A person in a role, by the name under which reports show it.
    #[must_use]
    pub fn named(name: &str, role: Role) -> Self {
        Self { actor: Actor::new(name, Activity::Person), ..Self::person(role) }
    }

    /// Many people in a role, of whom each calls once: no budget of one of them is used up.
    #[must_use]
    pub fn crowd(role: Role) -> Self {
        Self { is_crowd: true, ..Self::person(role) }
    }

    /// The engine, in a role, doing this.
    #[must_use]
    pub fn engine(role: Role, activity: Activity) -> Self {
        Self { actor: Actor::new("engine", activity), role, is_engine: true, is_crowd: false }
    }
}
