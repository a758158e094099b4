//! The primary group of an account: it is a member of it without being listed, and of the one before it is
//! listed from then on ([MS-SAMR] 3.1.1.8.2, 3.1.1.8.10).

use std::sync::Arc;

use crate::directory::account::default_value;
use crate::directory::account_control::SERVER;
use crate::directory::answer::Written;
use crate::directory::entry::{Entry, reference};
use crate::directory::forest::Forest;
use crate::directory::modify::{Working, Writer};
use crate::directory::request::ObjectNumber;
use crate::directory::schema::known;
use crate::directory::schema::syntax::integer;

/// The relative identifier of Domain Computers.
const COMPUTERS: u32 = 515;

/// A primary group that takes the place of another one, by their relative identifiers.
#[derive(Clone, Copy)]
pub(super) struct PrimaryGroupChange {
    before: u32,
    after: u32,
    /// Whether the account is listed as a member of the one before.
    stays_member: bool,
}

impl Forest {
    /// Whether a modification gives an account another primary group.
    pub(super) fn primary_group_change(
        &self,
        entry: &Entry,
        working: &[Working],
    ) -> Option<PrimaryGroupChange> {
        let changed = working.iter().find(|at| at.attribute == known::PRIMARY_GROUP_ID)?;
        let class = self.schema.class(entry.class)?;
        let default = default_value(class, known::PRIMARY_GROUP_ID);
        let rid = |values: &[Vec<u8>]| {
            let value = values.first().map(Vec::as_slice).or(default)?;
            integer(value).and_then(|rid| u32::try_from(rid).ok())
        };
        let (before, after) = (rid(&changed.old)?, rid(&changed.new)?);
        let control = working.iter().find(|at| at.attribute == known::USER_ACCOUNT_CONTROL);
        let control = control.and_then(|at| integer(at.new.first()?));
        // Where the kind of the account brought it about, only what becomes a domain controller stays.
        let stays_member =
            control.is_none_or(|control| control & SERVER != 0 && before != COMPUTERS);
        (before != after).then_some(PrimaryGroupChange { before, after, stays_member })
    }

    /// Lists an account as a member of the group that was its primary one, and no longer of the one that is.
    pub(super) fn follow_primary_group(
        &mut self,
        writer: &Writer<'_>,
        account: ObjectNumber,
        change: PrimaryGroupChange,
    ) -> Vec<Written> {
        let PrimaryGroupChange { before, after, stays_member } = change;
        let value = reference(account).to_vec();
        let mut written = Vec::new();
        for (rid, listed) in [(after, false), (before, true)] {
            let Some(controller) = self.dc(writer.dc) else { break };
            let Some(domain) = self.domain(controller.domain) else { break };
            let groups = self.by_sid(controller, &domain.sid.with_rid(rid));
            let Some(group) = groups.first().copied().filter(|_| !listed || stays_member) else {
                continue;
            };
            let Some(slot) = controller.store.get(group) else { continue };
            let entry = Arc::clone(&slot.entry);
            let attribute = known::MEMBER;
            let old: Vec<Vec<u8>> = entry.record.values(attribute).map(<[u8]>::to_vec).collect();
            if old.contains(&value) == listed {
                continue;
            }
            let mut new = old.clone();
            if listed {
                new.push(value.clone());
            } else {
                new.retain(|known| *known != value);
            }
            let working = vec![Working { attribute, old, new }];
            written.push(self.commit(writer.dc, writer.now, group, &entry, working));
        }
        written
    }
}
