//! Accounts: what every one has without storing it, its groups, its password ([MS-SAMR] 3.1.1.8).

use std::collections::BTreeSet;

use crate::clock::VirtualTime;
use crate::directory::account_rules::LOCAL;
use crate::directory::answer::{LdapResult, ResultCode};
use crate::directory::diagnostic::{self, AttributeProblem};
use crate::directory::entry::DcNumber;
use crate::directory::forest::{DomainController, Forest};
use crate::directory::name::Sid;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::class::Class;
use crate::directory::schema::syntax::integer;
use crate::directory::schema::{Attribute, known};
use crate::record::AttributeNumber;

/// Seconds from 1601 to 1970: FILETIME counts from 1601 in units of 100 ns.
const FILETIME_EPOCH_SECONDS: i64 = 11_644_473_600;

/// An instant as FILETIME.
#[must_use]
pub(super) fn file_time(at: VirtualTime) -> i64 {
    at.as_micros().saturating_add(FILETIME_EPOCH_SECONDS * 1_000_000).saturating_mul(10)
}

/// The value that an object of a class has without storing it: most accounts never get another one.
#[must_use]
pub(super) fn default_value(class: &Class, attribute: AttributeNumber) -> Option<&'static [u8]> {
    if !class.is_user {
        return None;
    }
    let computer = class.is_computer;
    Some(match attribute {
        known::BAD_PWD_COUNT
        | known::CODE_PAGE
        | known::COUNTRY_CODE
        | known::BAD_PASSWORD_TIME
        | known::LAST_LOGOFF
        | known::LAST_LOGON
        | known::LOGON_COUNT
        | known::PWD_LAST_SET => b"0",
        known::PRIMARY_GROUP_ID => {
            if computer {
                b"515"
            } else {
                b"513"
            }
        }
        known::ACCOUNT_EXPIRES => b"9223372036854775807",
        known::SAM_ACCOUNT_TYPE => {
            if computer {
                b"805306369"
            } else {
                b"805306368"
            }
        }
        _ => return None,
    })
}

/// The attributes with such a value, in ascending order.
pub(super) const DEFAULTED: [AttributeNumber; 11] = {
    let mut list = [
        known::BAD_PWD_COUNT,
        known::CODE_PAGE,
        known::COUNTRY_CODE,
        known::BAD_PASSWORD_TIME,
        known::LAST_LOGOFF,
        known::LAST_LOGON,
        known::LOGON_COUNT,
        known::PWD_LAST_SET,
        known::PRIMARY_GROUP_ID,
        known::ACCOUNT_EXPIRES,
        known::SAM_ACCOUNT_TYPE,
    ];
    let mut at = 1;
    while at < list.len() {
        let mut place = at;
        while place > 0 && list[place - 1] > list[place] {
            let value = list[place];
            list[place] = list[place - 1];
            list[place - 1] = value;
            place -= 1;
        }
        at += 1;
    }
    list
};

impl Forest {
    /// The SIDs of all groups that an account belongs to, directly or not, its primary group among them;
    /// with the groups of its domain alone (domain local ones, `CN=Builtin`) or without.
    pub(super) fn group_sids(
        &self,
        controller: &DomainController,
        object: ObjectNumber,
        builtin: bool,
    ) -> Vec<Sid> {
        let store = &controller.store;
        let sid = |object: ObjectNumber| {
            let slot = store.get(object)?;
            slot.entry.record.first(known::OBJECT_SID).and_then(Sid::from_bytes)
        };
        let home = self.holder(controller, object);
        let Some(domain) = self.domain(home.domain) else { return Vec::new() };
        let Some(slot) = home.store.get(object) else { return Vec::new() };
        let mut next: Vec<ObjectNumber> = store.linked_from(object, known::MEMBER).collect();
        let mut sids = BTreeSet::new();
        let class = self.schema.class(slot.entry.class);
        if class.is_some_and(|class| class.is_user) {
            let rid = slot.entry.record.first(known::PRIMARY_GROUP_ID).and_then(integer);
            let rid = rid.and_then(|rid| u32::try_from(rid).ok()).unwrap_or(513);
            let primary = domain.sid.with_rid(rid);
            let group = home.store.with_value(&self.schema, known::OBJECT_SID, primary.as_bytes());
            for group in group.unwrap_or_default() {
                next.extend(store.linked_from(group, known::MEMBER));
                next.push(group);
            }
            sids.insert(primary);
        }
        let mut seen = BTreeSet::new();
        while let Some(group) = next.pop() {
            if seen.insert(group) {
                sids.extend(sid(group));
                next.extend(store.linked_from(group, known::MEMBER));
            }
        }
        for group in self.universal_groups_elsewhere(controller, object) {
            if seen.insert(group) {
                sids.extend(self.sid_of(controller, group));
                let mut above: Vec<ObjectNumber> =
                    store.linked_from(group, known::MEMBER).collect();
                while let Some(group) = above.pop() {
                    if seen.insert(group) {
                        sids.extend(sid(group));
                        above.extend(store.linked_from(group, known::MEMBER));
                    }
                }
            }
        }
        let mut sids: Vec<Sid> = sids
            .into_iter()
            .filter(|sid| builtin || !self.is_local_group(controller, sid))
            .collect();
        if builtin && class.is_some_and(|class| class.is_user) {
            // Domain Users belong to Users.
            let users = Sid::from_text("S-1-5-32-545").unwrap_or_else(Sid::nobody);
            if !sids.contains(&users) {
                sids.push(users);
            }
        }
        sids
    }

    /// Whether a SID is that of a group of this domain alone: domain local, or well-known.
    fn is_local_group(&self, controller: &DomainController, sid: &Sid) -> bool {
        let kind = |object: ObjectNumber| {
            let slot = controller.store.get(object)?;
            slot.entry.record.first(known::GROUP_TYPE).and_then(integer)
        };
        let mut found = self.by_sid(controller, sid).into_iter().filter_map(kind);
        sid.to_string().starts_with("S-1-5-32-") || found.any(|kind| kind & LOCAL != 0)
    }

    fn sid_of(&self, controller: &DomainController, object: ObjectNumber) -> Option<Sid> {
        let slot = self.holder(controller, object).store.get(object)?;
        slot.entry.record.first(known::OBJECT_SID).and_then(Sid::from_bytes)
    }

    /// The global and universal groups that an account belongs to in the other domains, as a global
    /// catalog knows them: in its own domain both kinds, elsewhere the universal ones.
    fn universal_groups_elsewhere(
        &self,
        controller: &DomainController,
        object: ObjectNumber,
    ) -> BTreeSet<ObjectNumber> {
        let mut found = BTreeSet::new();
        if self.domains.len() < 2 {
            return found;
        }
        let mut next = vec![object];
        while let Some(member) = next.pop() {
            for other in self.holders(controller.number).skip(1) {
                for group in other.store.linked_from(member, known::MEMBER) {
                    let slot = other.store.get(group);
                    let kind = slot.and_then(|slot| slot.entry.record.first(known::GROUP_TYPE));
                    let local = kind.and_then(integer).is_some_and(|kind| kind & LOCAL != 0);
                    if !local && found.insert(group) {
                        next.push(group);
                    }
                }
            }
        }
        found
    }

    /// Notes a logon: `lastLogonTimestamp` when it is two weeks old ([MS-ADA1]), and, in a domain that locks
    /// accounts out, `lastLogon`, `logonCount` and the end of the wrong passwords, which do not replicate
    /// and move no sequence number. Without lockouts the latter stay as they are: so the answers were
    /// measured of another implementation.
    pub fn note_logon(&mut self, dc: DcNumber, object: ObjectNumber, now: VirtualTime) {
        const TWO_WEEKS: i64 = 14 * 86_400 * 10_000_000;
        let Some(dc) = self.dc(dc).map(|dc| self.holder(dc, object).number) else { return };
        let Some(slot) = self.object(dc, object) else { return };
        let count = slot.entry.record.first(known::LOGON_COUNT).and_then(integer).unwrap_or(0);
        let time = file_time(now);
        if self.domain_policy(dc, known::LOCKOUT_THRESHOLD) > 0 {
            let quiet = [
                (known::LAST_LOGON, time),
                (known::LOGON_COUNT, (count + 1).min(65_535)),
                (known::BAD_PWD_COUNT, 0),
            ];
            self.put_quietly(dc, object, &quiet);
        }
        let Some(slot) = self.object(dc, object) else { return };
        let entry = std::sync::Arc::clone(&slot.entry);
        let last = entry.record.first(known::LAST_LOGON_TIMESTAMP).and_then(integer);
        if last.is_some_and(|last| time.saturating_sub(last) < TWO_WEEKS) {
            return;
        }
        let attribute = known::LAST_LOGON_TIMESTAMP;
        let old = entry.record.values(attribute).map(<[u8]>::to_vec).collect();
        let new = vec![time.to_string().into_bytes()];
        let working = crate::directory::modify::Working { attribute, old, new };
        self.commit(dc, now, object, &entry, vec![working]);
    }

    /// Notes that somebody came with a wrong password: badPwdCount and badPasswordTime, and the lockout
    /// that the domain's policy asks for (Microsoft Learn, "Account Lockout Policy"). Nothing of it
    /// replicates or moves a sequence number, apart from the lockout. A domain without lockouts counts
    /// nothing: so the answers were measured of another implementation.
    pub fn note_failed_logon(&mut self, dc: DcNumber, name: &str, now: VirtualTime) {
        let Ok((dc, object)) = self.bind_name_in_forest(dc, name) else { return };
        let Some(slot) = self.object(dc, object) else { return };
        let entry = std::sync::Arc::clone(&slot.entry);
        let number = |attribute| entry.record.first(attribute).and_then(integer).unwrap_or(0);
        let time = file_time(now);
        let threshold = self.domain_policy(dc, known::LOCKOUT_THRESHOLD);
        if threshold == 0 {
            return;
        }
        let window = self.domain_policy(dc, known::LOCK_OUT_OBSERVATION_WINDOW).saturating_abs();
        let last = number(known::BAD_PASSWORD_TIME);
        let anew = window > 0 && time.saturating_sub(last) > window;
        let count = if anew { 1 } else { number(known::BAD_PWD_COUNT) + 1 };
        let quiet = [(known::BAD_PWD_COUNT, count), (known::BAD_PASSWORD_TIME, time)];
        self.put_quietly(dc, object, &quiet);
        if count >= threshold && number(known::LOCKOUT_TIME) == 0 {
            let Some(slot) = self.object(dc, object) else { return };
            let entry = std::sync::Arc::clone(&slot.entry);
            let attribute = known::LOCKOUT_TIME;
            let old = entry.record.values(attribute).map(<[u8]>::to_vec).collect();
            let new = vec![time.to_string().into_bytes()];
            let working = crate::directory::modify::Working { attribute, old, new };
            self.commit(dc, now, object, &entry, vec![working]);
        }
    }

    /// A number of the domain's password and lockout policy; 0 where it is not set.
    pub(super) fn domain_policy(&self, dc: DcNumber, attribute: AttributeNumber) -> i64 {
        let head = self.dc(dc).and_then(|dc| self.domain(dc.domain)).map(|domain| domain.head);
        let slot = head.and_then(|head| self.slot(dc, head));
        slot.and_then(|slot| slot.entry.record.first(attribute)).and_then(integer).unwrap_or(0)
    }

    /// Writes what does not replicate: no sequence number, no stamp.
    fn put_quietly(
        &mut self,
        dc: DcNumber,
        object: ObjectNumber,
        values: &[(AttributeNumber, i64)],
    ) {
        let schema = std::sync::Arc::clone(&self.schema);
        let Some(controller) = self.dcs.get_mut(usize::from(dc.0)) else { return };
        let Some(slot) = controller.store.get(object) else { return };
        let texts: Vec<(AttributeNumber, String)> =
            values.iter().map(|(attribute, value)| (*attribute, value.to_string())).collect();
        let mut record = slot.entry.record.clone();
        for (attribute, text) in &texts {
            record = record.with(&[(*attribute, &[text.as_bytes()] as &[&[u8]])]);
        }
        let entry = crate::directory::entry::Entry {
            record,
            ..crate::directory::entry::Entry::clone(&slot.entry)
        };
        let stamp = slot.stamp;
        let slot = crate::directory::store::Slot { entry: std::sync::Arc::new(entry), stamp };
        let touched: Vec<AttributeNumber> = texts.iter().map(|(attribute, _)| *attribute).collect();
        controller.store.replace(&schema, object, slot, &touched);
    }

    /// What the security accounts manager says to a value that a client writes ([MS-SAMR] 3.1.1.6,
    /// 3.1.1.8). Gives the value to be stored.
    pub(super) fn account_value(
        &self,
        now: VirtualTime,
        attribute: &Attribute,
        value: Vec<u8>,
    ) -> Result<Vec<u8>, LdapResult> {
        match attribute.number {
            known::SAM_ACCOUNT_NAME if has_forbidden(&value) => {
                Err(diagnostic::attribute(AttributeProblem::Constraint, 0x202F, attribute))
            }
            known::PWD_LAST_SET => match value.as_slice() {
                b"0" => Ok(value),
                b"-1" => Ok(file_time(now).to_string().into_bytes()),
                _ => {
                    let problem = diagnostic::ServiceProblem::DirError;
                    Err(diagnostic::service(ResultCode::Other, problem, 0x57))
                }
            },
            known::SERVICE_PRINCIPAL_NAME if !is_service_name(&value) => {
                Err(diagnostic::attribute(AttributeProblem::Constraint, 0x20B5, attribute))
            }
            _ => Ok(value),
        }
    }
}

/// Characters that no account name has.
fn has_forbidden(name: &[u8]) -> bool {
    name.iter().any(|byte| b"\"/\\[]:;|=,+*?<>".contains(byte) || *byte < 0x20)
}

/// `service/host`, `service/host:port`, `service/host/name`.
fn is_service_name(value: &[u8]) -> bool {
    let parts: Vec<&[u8]> = value.split(|byte| *byte == b'/').collect();
    matches!(parts.len(), 2 | 3) && parts.iter().all(|part| !part.is_empty())
}
