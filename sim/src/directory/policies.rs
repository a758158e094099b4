//! The LDAP policies of a domain controller ([MS-ADTS] 3.1.1.3.4.6): what the Default Query Policy of
//! the configuration says, within the caps that hold since Windows Server 2008, and limits that are no
//! policy.

use crate::directory::entry::DcNumber;
use crate::directory::forest::Forest;
use crate::directory::schema::known;

/// A policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Seconds until a new connection sends its first request, or ends its TLS handshake.
    InitRecvTimeout,
    /// Messages of the answer to a batch request.
    MaxBatchReturnMessages,
    /// Connections at a time; more are refused.
    MaxConnections,
    /// Seconds that a connection may be silent.
    MaxConnIdleTime,
    /// Bytes of a datagram. Nothing listens for datagrams here.
    MaxDatagramRecv,
    /// Searches for changes on one connection.
    MaxNotificationPerConn,
    /// Entries of an answer.
    MaxPageSize,
    /// Threads for each processor. Each connection has a task of its own here, so it changes nothing.
    MaxPoolThreads,
    /// Bytes of a request before a bind.
    MaxPreAuthReceiveBuffer,
    /// Seconds of a search.
    MaxQueryDuration,
    /// Bytes of a request.
    MaxReceiveBuffer,
    /// Bytes that are kept for paged searches between two pages. Nothing is kept here: a page is
    /// computed anew, which is what a domain controller does beyond this size.
    MaxResultSetSize,
    /// Paged searches of one connection that can be gone on with.
    MaxResultSetsPerConn,
    /// Objects that can be sorted by an attribute without an index.
    MaxTempTableSize,
    /// Values of an attribute in an answer.
    MaxValRange,
    /// As `MaxValRange`, for attributes that follow links over several steps.
    MaxValRangeTransitive,
}

use Policy::{
    InitRecvTimeout, MaxBatchReturnMessages, MaxConnIdleTime, MaxConnections, MaxDatagramRecv,
    MaxNotificationPerConn, MaxPageSize, MaxPoolThreads, MaxPreAuthReceiveBuffer, MaxQueryDuration,
    MaxReceiveBuffer, MaxResultSetSize, MaxResultSetsPerConn, MaxTempTableSize, MaxValRange,
    MaxValRangeTransitive,
};

/// Name, default and cap of every policy, in the order of the enumeration.
const TABLE: [(Policy, &str, u32, u32); 16] = [
    (InitRecvTimeout, "InitRecvTimeout", 120, u32::MAX),
    (MaxBatchReturnMessages, "MaxBatchReturnMessages", 1100, u32::MAX),
    (MaxConnections, "MaxConnections", 5000, u32::MAX),
    (MaxConnIdleTime, "MaxConnIdleTime", 900, u32::MAX),
    (MaxDatagramRecv, "MaxDatagramRecv", 4096, u32::MAX),
    (MaxNotificationPerConn, "MaxNotificationPerConn", 5, u32::MAX),
    (MaxPageSize, "MaxPageSize", 1000, 20_000),
    (MaxPoolThreads, "MaxPoolThreads", 4, u32::MAX),
    (MaxPreAuthReceiveBuffer, "MaxPreAuthReceiveBuffer", 262_144, u32::MAX),
    (MaxQueryDuration, "MaxQueryDuration", 120, 1200),
    (MaxReceiveBuffer, "MaxReceiveBuffer", 10_485_760, 20_971_520),
    (MaxResultSetSize, "MaxResultSetSize", 262_144, u32::MAX),
    (MaxResultSetsPerConn, "MaxResultSetsPerConn", 10, u32::MAX),
    (MaxTempTableSize, "MaxTempTableSize", 10_000, 100_000),
    (MaxValRange, "MaxValRange", 1500, 5000),
    (MaxValRangeTransitive, "MaxValRangeTransitive", 4500, u32::MAX),
];

/// Objects that a search looks at in a second of its time limit, when no index helps. A search takes no
/// virtual time by itself; this is what makes a time limit felt, the same on every machine. No source
/// gives a number: it is chosen so that a search over a few thousand objects never meets a limit.
const LOOKS_IN_A_SECOND: usize = 50_000;

/// The limits of a domain controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies {
    values: [u32; TABLE.len()],
    /// How many values an object may carry outside of links: its row must fit a database page. Reports
    /// say "about 1,200 to 1,300"; Exchange lets 1,300 through for one attribute (Microsoft Learn,
    /// "Set-Mailbox"), so these fit beside what an account carries anyway.
    pub max_values: usize,
    /// How many link values a request may change (seen: 9,500 pass, 10,000 do not).
    pub max_link_values: usize,
}

impl Default for Policies {
    fn default() -> Self {
        let values = TABLE.map(|(_, _, value, _)| value);
        Self { values, max_values: 1_400, max_link_values: 9_999 }
    }
}

impl Policies {
    /// The value in force.
    #[must_use]
    pub const fn of(&self, policy: Policy) -> u32 {
        self.values[policy as usize]
    }

    /// As [`Self::of`], for sizes of what is in memory.
    #[must_use]
    pub fn size_of(&self, policy: Policy) -> usize {
        usize::try_from(self.of(policy)).unwrap_or(usize::MAX)
    }

    /// Sets a policy, as far as its cap allows.
    pub fn set(&mut self, policy: Policy, value: u32) {
        let (_, _, _, cap) = TABLE[policy as usize];
        self.values[policy as usize] = value.min(cap);
    }

    /// At how many objects a search may look; `seconds` is the client's time limit, 0 for none.
    pub(super) fn looks(&self, seconds: u32) -> usize {
        let own = self.size_of(MaxQueryDuration);
        let asked = usize::try_from(seconds).unwrap_or(usize::MAX);
        let seconds = if asked == 0 { own } else { asked.min(own) };
        seconds.saturating_mul(LOOKS_IN_A_SECOND)
    }

    /// The names of all policies.
    pub(super) fn names() -> Vec<String> {
        TABLE.iter().map(|(_, name, _, _)| (*name).to_owned()).collect()
    }

    /// All policies with their values in force, `name:value`.
    pub(super) fn effective(&self) -> Vec<String> {
        TABLE.iter().map(|(policy, name, _, _)| format!("{name}:{}", self.of(*policy))).collect()
    }

    /// The values of `lDAPAdminLimits` that a new forest has, `name=value`.
    pub(super) fn admin_limits() -> Vec<String> {
        TABLE.iter().map(|(_, name, value, _)| format!("{name}={value}")).collect()
    }

    /// Takes what `lDAPAdminLimits` says; a policy that it does not name, or not with a number, has its
    /// default.
    fn read<'v>(&mut self, limits: impl Iterator<Item = &'v [u8]>, capped: bool) {
        self.values = TABLE.map(|(_, _, value, _)| value);
        for limit in limits {
            let text = core::str::from_utf8(limit).unwrap_or_default();
            let Some((name, value)) = text.split_once('=') else { continue };
            let named = TABLE.iter().find(|(_, known, _, _)| known.eq_ignore_ascii_case(name));
            match (named, value.trim().parse()) {
                (Some((policy, _, _, _)), Ok(value)) if capped => self.set(*policy, value),
                (Some((policy, _, _, _)), Ok(value)) => self.values[*policy as usize] = value,
                _ => {}
            }
        }
    }
}

impl Forest {
    /// Puts into force what the Default Query Policy says on a domain controller.
    pub(super) fn read_policies(&mut self, dc: DcNumber) {
        let Some(policy) = self.query_policy else { return };
        let Some(slot) = self.slot(dc, policy) else { return };
        let entry = std::sync::Arc::clone(&slot.entry);
        let capped = !self.heuristics.lifts_caps();
        self.policies.read(entry.record.values(known::LDAP_ADMIN_LIMITS), capped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table is looked up by the enumeration's order.
    #[test]
    fn every_policy_stands_at_its_place() {
        for (at, (policy, _, _, _)) in TABLE.iter().enumerate() {
            assert_eq!(*policy as usize, at);
        }
    }

    /// Since Windows Server 2008 a policy has no effect beyond its cap.
    #[test]
    fn a_policy_ends_at_its_cap() {
        let mut policies = Policies::default();
        let limits = [b"MaxPageSize=50000".as_slice(), b"maxvalrange=2000", b"nonsense"];
        policies.read(limits.into_iter(), true);
        assert_eq!((policies.of(MaxPageSize), policies.of(MaxValRange)), (20_000, 2000));
        assert_eq!(policies.of(MaxConnections), 5000);
        policies.read(limits.into_iter(), false);
        assert_eq!(policies.of(MaxPageSize), 50_000);
    }

    /// A client's time limit shortens the server's, and never prolongs it.
    #[test]
    fn the_shorter_time_limit_counts() {
        let policies = Policies::default();
        assert_eq!(policies.looks(1), LOOKS_IN_A_SECOND);
        assert_eq!(policies.looks(0), policies.looks(100_000));
    }
}
