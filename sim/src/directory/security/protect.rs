//! AdminSDHolder: whoever belongs to a protected group gets a descriptor of its own, which inherits
//! nothing, and `adminCount` 1 ([MS-ADTS] 3.1.1.6.1). It happens every 60 minutes.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::defaults;
use crate::clock::VirtualTime;
use crate::directory::entry::{DcNumber, Life, referenced};
use crate::directory::forest::Forest;
use crate::directory::modify::Working;
use crate::directory::name::Sid;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::known;

/// How often it happens, unless a domain controller is told otherwise.
pub const PERIOD: Duration = Duration::from_secs(60 * 60);

/// The protected groups of a domain by the last part of their SID: Domain Admins, Domain Controllers,
/// Schema Admins, Enterprise Admins, Read-only Domain Controllers.
const DOMAIN_GROUPS: [u32; 5] = [512, 516, 518, 519, 521];

/// The protected groups of `CN=Builtin`: Administrators, Account, Server, Print and Backup Operators,
/// Replicator.
const BUILTIN_GROUPS: [u32; 6] = [544, 548, 549, 550, 551, 552];

/// The protected accounts themselves: Administrator and krbtgt.
const ACCOUNTS: [u32; 2] = [500, 502];

impl Forest {
    /// Protects the members of protected groups on a domain controller; gives those that were not
    /// protected before. Who left such a group stays protected, as in Active Directory.
    pub fn protect_administrators(&mut self, dc: DcNumber, now: VirtualTime) -> Vec<ObjectNumber> {
        let mut fresh = Vec::new();
        for object in self.administrators(dc) {
            let Some(controller) = self.dc(dc) else { break };
            let Some(slot) = controller.store.get(object) else { continue };
            let descriptor =
                self.descriptor_of(controller, defaults::ADMIN_HOLDER, None).to_bytes(15);
            let entry = Arc::clone(&slot.entry);
            let record = &entry.record;
            let mut working = Vec::new();
            let mut put = |attribute, value: &[u8]| {
                let old: Vec<Vec<u8>> = record.values(attribute).map(<[u8]>::to_vec).collect();
                if old.len() != 1 || old[0] != value {
                    working.push(Working { attribute, old, new: vec![value.to_vec()] });
                }
            };
            put(known::ADMIN_COUNT, b"1");
            put(known::NT_SECURITY_DESCRIPTOR, &descriptor);
            if !working.is_empty() {
                working.sort_unstable_by_key(|at| at.attribute);
                self.commit(dc, now, object, &entry, working);
                fresh.push(object);
            }
        }
        fresh
    }

    /// The protected groups and accounts, and everybody in the groups.
    fn administrators(&self, dc: DcNumber) -> BTreeSet<ObjectNumber> {
        let Some(controller) = self.dc(dc) else { return BTreeSet::new() };
        let Some(domain) = self.domain(controller.domain) else { return BTreeSet::new() };
        let local = DOMAIN_GROUPS.iter().chain(&ACCOUNTS).map(|rid| domain.sid.with_rid(*rid));
        let builtin = BUILTIN_GROUPS
            .iter()
            .filter_map(|rid| Sid::from_text("S-1-5-32").map(|builtin| builtin.with_rid(*rid)));
        let mut next: Vec<ObjectNumber> = local
            .chain(builtin)
            .filter_map(|sid| {
                controller.store.with_value(&self.schema, known::OBJECT_SID, sid.as_bytes())
            })
            .flatten()
            .collect();
        let mut found: BTreeSet<ObjectNumber> = BTreeSet::new();
        while let Some(object) = next.pop() {
            let Some(slot) = controller.store.get(object) else { continue };
            if slot.entry.life != Life::Live || !found.insert(object) {
                continue;
            }
            next.extend(slot.entry.record.values(known::MEMBER).filter_map(referenced));
        }
        found
    }
}
