//! What domain controllers do for their domain: who takes writes, who gives identifiers to accounts.

use crate::directory::answer::LdapResult;
use crate::directory::diagnostic;
use crate::directory::entry::DcNumber;
use crate::directory::forest::{DomainController, DomainNumber, Forest};
use crate::directory::request::Name;

/// The first relative identifier that a domain gives to accounts; lower ones are well known.
const FIRST_ACCOUNT_RID: u32 = 1000;

/// How many relative identifiers the RID master gives to a domain controller at once
/// ([MS-SAMR] 3.1.1.9.2; Microsoft Learn, "Managing RID issuance": 500).
const RID_POOL: u32 = 500;

impl Forest {
    /// The fully qualified name of a domain controller.
    #[must_use]
    pub fn host_name(&self, controller: &DomainController) -> String {
        let domain = self.domain(controller.domain).map_or("", |domain| domain.dns.as_str());
        format!("{}.{domain}", controller.host)
    }

    /// A domain controller of a domain that takes writes.
    #[must_use]
    pub fn writable_dc(&self, domain: DomainNumber) -> Option<&DomainController> {
        self.dcs.iter().find(|dc| dc.domain == domain && !dc.read_only)
    }

    /// Refuses a write on a read-only domain controller: it refers to one that takes writes
    /// ([MS-ADTS] 3.1.1.5.1.8, "Read-Only DC").
    pub(super) fn check_writable(&self, dc: DcNumber, name: &Name) -> Result<(), LdapResult> {
        let Some(controller) = self.dc(dc).filter(|dc| dc.read_only) else { return Ok(()) };
        let host = self.writable_dc(controller.domain).map(|dc| self.host_name(dc));
        let dn = match name {
            Name::Dn(dn) => dn.clone(),
            _ => self.resolve(dc, name).map(|object| self.dn_of(dc, object)).unwrap_or_default(),
        };
        Err(diagnostic::referral(&host.unwrap_or_default(), &dn))
    }

    /// The relative identifier that the next new account gets: from the domain controller's own pool, or
    /// the first of the next one. A pool begins above everything that was loaded.
    pub(super) fn next_rid(&self, controller: &DomainController) -> u32 {
        let used = FIRST_ACCOUNT_RID.saturating_add(self.next_object);
        let given = self.domain(controller.domain).map_or(0, |domain| domain.rids_given);
        controller.rids.clone().next().unwrap_or_else(|| given.max(used))
    }

    /// Takes [`Self::next_rid`].
    pub(super) fn take_rid(&mut self, dc: DcNumber) {
        let Some(controller) = self.dc(dc) else { return };
        let (rid, domain) = (self.next_rid(controller), controller.domain);
        let pool_end = controller.rids.end;
        let end = if rid < pool_end { pool_end } else { rid.saturating_add(RID_POOL) };
        if let Some(controller) = self.dcs.get_mut(usize::from(dc.0)) {
            controller.rids = rid.saturating_add(1)..end;
        }
        if let Some(domain) = self.domains.get_mut(usize::from(domain.0)) {
            domain.rids_given = domain.rids_given.max(end);
        }
    }
}
