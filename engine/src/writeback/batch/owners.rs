//! One AD object, one mailbox: who was just matched to an object that another mailbox is written to does
//! not get it, unless that other one has left.
//!
//! What links say is looked up by object. That index is made of the links when it is first asked for:
//! a job that matches nobody anew never pays for it.

use super::{Batch, BatchEnd, Item, Stage};
use crate::failure::{Class, Failure, Side, code};
use crate::journal::rows::{Link, mailbox_of_key};
use crate::marks::Mark;
use crate::ports::{MAILBOX_BATCH, MailboxId, ObjectGuid, Ports, Table};
use crate::time::Timestamp;
use crate::writeback::desk::{Desk, Lookup, Stepped, Turn, answered};
use crate::writeback::map::Scope;
use crate::writeback::outcome::Verdict;

/// Links that are read with one call of the state store.
const ROWS: usize = 5_000;

/// Who is linked to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::writeback) struct Owner {
    pub(in crate::writeback) mailbox: MailboxId,
    /// Whether it has left the scope, so that it is not counted.
    pub(in crate::writeback) rests: bool,
}

impl Owner {
    pub(in crate::writeback) const fn of(mailbox: MailboxId, link: Link) -> Self {
        Self { mailbox, rests: link.rests }
    }
}

/// The mailboxes by the AD object that they are linked to.
#[derive(Default)]
pub(in crate::writeback) struct Owners {
    by_object: Lookup<ObjectGuid, Owner>,
    /// The last key that was read.
    after: Option<Vec<u8>>,
    complete: bool,
}

impl Owners {
    /// A link was committed: `owner` has the object, or nobody has if it was the owner's.
    pub(in crate::writeback) fn note(&mut self, object: ObjectGuid, owner: Owner, owns: bool) {
        let now = |owners: &Self| owners.by_object.get(&object).map(|owner| owner.mailbox);
        if !self.complete {
            *self = Self::default();
        } else if owns {
            self.by_object.insert(object, owner);
        } else if now(self) == Some(owner.mailbox) {
            self.by_object.remove(&object);
        }
    }

    /// Reads some more links.
    fn load(&mut self, ports: &mut Ports<'_>) -> Result<(), crate::ports::StoreError> {
        let rows = ports.store.scan(Table::Links, self.after.as_deref(), ROWS)?;
        self.complete = rows.len() < ROWS;
        self.after = rows.last().map(|(key, _)| key.clone());
        for (key, value) in rows {
            // A store of an engine that did not look may have two; the first keeps the object.
            let mailbox = mailbox_of_key(&key)?;
            let link = Link::decode(&value)?;
            self.by_object.entry(link.object).or_insert(Owner::of(mailbox, link));
        }
        Ok(())
    }
}

impl Batch {
    /// Settles who was matched to an object that is not to have.
    pub(super) fn owners(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<BatchEnd> {
        self.stage = Stage::Owners;
        let matched = self.open(is_matched_anew);
        if matched.is_empty() {
            self.decide(desk);
            return Ok(Turn::Busy);
        }
        if !desk.owners.complete {
            desk.owners.load(ports)?;
            return Ok(Turn::Busy);
        }
        self.refuse_twins(&matched);
        let mut contended: Vec<(usize, ObjectGuid, Owner)> = matched
            .into_iter()
            .filter(|index| self.items[*index].verdict.is_none())
            .filter_map(|index| {
                let item = &self.items[index];
                let object = item.object.as_ref()?.guid;
                let owner = *desk.owners.by_object.get(&object)?;
                let other =
                    owner.mailbox != item.mailbox.id && !self.left.contains(&(owner, object));
                other.then_some((index, object, owner))
            })
            .collect();
        contended.truncate(MAILBOX_BATCH);
        if contended.is_empty() {
            self.decide(desk);
            return Ok(Turn::Busy);
        }
        let ids: Vec<MailboxId> = contended.iter().map(|(_, _, owner)| owner.mailbox).collect();
        let result = ports.exchange.mailbox_rows(&ids, desk.plan.properties());
        let rows = answered!(desk.settle_rows(result, Side::Cloud, now)?);
        for ((index, object, owner), row) in contended.into_iter().zip(rows) {
            let item = &mut self.items[index];
            match row {
                Ok(Some(row)) if desk.plan.scope(&row) == Scope::In => {
                    Mark::MatchContended.reach();
                    let detail = format!(
                        "its object in Active Directory belongs to mailbox {}, which is written to it \
                         (a restart with the scope Full forgets which mailbox has which object)",
                        owner.mailbox
                    );
                    item.object = None;
                    item.fail(Class::Rejected, code::DUPLICATE_ENTRIES, &detail);
                }
                Ok(_) => self.left.push((owner, object)),
                Err(error) => {
                    item.object = None;
                    item.verdict = Some(Verdict::Failed(Failure::of_row(&error, Side::Cloud)));
                }
            }
        }
        Ok(Turn::Busy)
    }

    /// Two mailboxes of this batch that came to one object, by whatever anchor: it belongs to neither.
    fn refuse_twins(&mut self, matched: &[usize]) {
        let mut first: Lookup<ObjectGuid, usize> = Lookup::default();
        let mut twins = Vec::new();
        for index in matched {
            let Some(object) = &self.items[*index].object else { continue };
            if let Some(other) = first.insert(object.guid, *index) {
                twins.extend([other, *index]);
            }
        }
        for index in twins {
            Mark::MatchContended.reach();
            self.items[index].object = None;
            self.items[index].fail(Class::Rejected, code::DUPLICATE_ENTRIES, SEVERAL_MAILBOXES);
        }
    }
}

/// What is said of mailboxes of one batch that match one object.
pub(super) const SEVERAL_MAILBOXES: &str =
    "several mailboxes match the same object in Active Directory";

fn is_matched_anew(item: &Item) -> bool {
    let found = item.object.as_ref().map(|object| object.guid);
    found.is_some() && found != item.stored.map(|link| link.object)
}
