//! Whom the job leaves alone though the cloud has the authority: one rule for cycles, provision on demand and
//! reconciliation. What a mailbox itself says is [`MappingPlan::scope`].
//!
//! Sources: Microsoft Learn, "Exchange hybrid writeback with cloud sync" (one configuration for a domain, the
//! first write, the supported number of mailboxes), "Scoping filters". Which classes the job writes is not
//! published (open question U10).

use std::fmt;

use super::plan::MappingPlan;
use crate::job::{LimitAction, Switches};
use crate::marks::Mark;
use crate::ports::{DirectoryObject, User};

/// Why a mailbox is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// Its user belongs to this domain, for which another configuration is responsible.
    Domain(String),
    /// So many mailboxes are written back, and no more are (switch `limit_action`).
    Limit(u64),
    /// It is new to the job, which takes new ones in with an initial cycle alone (switch
    /// `first_time_requires_initial`).
    Waits,
    /// Its object is outside of the scoping filter.
    Filter,
    /// It is of this class, which is not written (switch `classes`); empty where the object shows none.
    Class(String),
    /// Its account is disabled (switch `disabled_accounts`).
    Disabled,
}

impl Left {
    /// By the domain of its user; asked of who is not linked yet.
    #[must_use]
    pub fn of_user(user: &User, domain: &str) -> Option<Self> {
        let of = user.domain.as_deref().filter(|of| !of.eq_ignore_ascii_case(domain))?;
        Mark::ScopeDomain.reach();
        Some(Self::Domain(of.to_owned()))
    }

    /// By the limit; asked of who is neither linked nor waits in the escrow. `full`: as many as the service
    /// supports are written back.
    #[must_use]
    pub fn of_limit(switches: &Switches, full: bool) -> Option<Self> {
        let refuses = full && switches.limit_action == LimitAction::Refuse;
        refuses.then_some(Self::Limit(switches.mailbox_limit))
    }

    /// By the rule for the first write; asked of who is neither linked nor waits in the escrow, outside of
    /// initial cycles and of provision on demand.
    #[must_use]
    pub fn of_first_time(switches: &Switches) -> Option<Self> {
        switches.first_time_requires_initial.then(|| {
            Mark::ScopeWaits.reach();
            Self::Waits
        })
    }

    /// By its object, which was read with [`MappingPlan::read`].
    #[must_use]
    pub fn of_object(plan: &MappingPlan, object: &DirectoryObject) -> Option<Self> {
        if !plan.covers(object) {
            Mark::ScopeFilter.reach();
            return Some(Self::Filter);
        }
        if let Some(class) = plan.leaves_class(object) {
            Mark::ScopeClass.reach();
            return Some(Self::Class(String::from_utf8_lossy(class).into_owned()));
        }
        plan.leaves_disabled(object).then_some(Self::Disabled)
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => {
                write!(f, "belongs to domain {domain}, which needs its own configuration")
            }
            Self::Limit(limit) => {
                write!(f, "{limit} mailboxes are written back, and no more are")
            }
            Self::Waits => f.write_str("waits for the next initial cycle"),
            Self::Filter => {
                f.write_str("its object is in no container or group of the scoping filter")
            }
            Self::Class(class) if class.is_empty() => {
                f.write_str("its object in Active Directory does not show its class")
            }
            Self::Class(class) => {
                write!(
                    f,
                    "its object in Active Directory is of the class {class}, which is not written"
                )
            }
            Self::Disabled => f.write_str("its account in Active Directory is disabled"),
        }
    }
}
