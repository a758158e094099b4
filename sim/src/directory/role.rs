//! What domain controllers do for their domain: who takes writes, who gives identifiers to accounts.

use crate::directory::answer::LdapResult;
use crate::directory::diagnostic;
use crate::directory::entry::DcNumber;
use crate::directory::forest::{DomainController, DomainNumber, Forest};
use crate::directory::name::Dn;
use crate::directory::request::{DeleteRequest, ModifyDnRequest, ModifyRequest, Name, Operation};

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

    /// Whether a name is that of a domain controller of the forest, all of which are global catalogs:
    /// its host's, or with the domain's.
    pub(super) fn is_catalog(&self, name: &str) -> bool {
        self.dcs.iter().any(|dc| {
            dc.host.eq_ignore_ascii_case(name) || self.host_name(dc).eq_ignore_ascii_case(name)
        })
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

    /// Where a write belongs that a global catalog does not take: to the domain of its object.
    #[must_use]
    pub fn refer_to_owner(&self, dc: DcNumber, operation: &Operation) -> LdapResult {
        let dn = match operation {
            Operation::Add(add) => add.dn.clone(),
            Operation::Modify(ModifyRequest { object, .. })
            | Operation::Delete(DeleteRequest { object })
            | Operation::ModifyDn(ModifyDnRequest { object, .. }) => match object {
                Name::Dn(dn) => dn.clone(),
                _ => {
                    let found = self.resolve_anywhere(dc, object);
                    found.map(|object| self.dn_of(dc, object)).unwrap_or_default()
                }
            },
            Operation::Search(_) | Operation::Compare(_) => String::new(),
        };
        let context = Dn::parse(&dn).ok().and_then(|dn| self.context_of_dn(&dn)?.domain);
        let own = self.dc(dc).map(|dc| dc.domain);
        let domain = context.or(own).and_then(|domain| self.domain(domain));
        diagnostic::referral(domain.map_or("", |domain| domain.dns.as_str()), &dn)
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
