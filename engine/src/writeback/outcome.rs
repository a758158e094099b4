//! What became of one object, and how that goes into the log, the state store and the numbers.

use super::batch::Owner;
use super::desk::{Desk, Tally};
use super::recovery::Made;
use super::retry::next_attempt;
use crate::change::ModifiedProperty;
use crate::failure::{Class, Failure, code};
use crate::job::{LogEntry, LogStatus};
use crate::journal::rows::{EscrowRow, Intent, Link, Versions, mailbox_write};
use crate::marks::Mark;
use crate::planted_bugs::planted;
use crate::ports::{MailboxId, ObjectGuid, StoreWrite, Table};
use crate::time::Timestamp;

/// What the log says beside the last failure of an object that is not tried again
/// ([`super::retry::GIVE_UP_AFTER`]).
const RETRIES_END: &str = "the retries end here, 28 days after the first failure";

/// What became of one object.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The modify was applied.
    Written,
    /// Reading shows that an earlier life made a part of it. The rest is still to be done: its change lies
    /// after the watermark, or its row in the escrow is due.
    Partly,
    /// Both sides agree already, or this version was exported before. `quiet`: logged before.
    Redundant { quiet: bool },
    /// Not written, for this reason.
    Skipped { code: &'static str, detail: String, quiet: bool },
    /// Should have been written.
    Failed(Failure),
    /// This is an older copy of the mailbox than the one that was exported last. `looked_for`: everything
    /// is to be compared with AD, so the newer one is when it is seen next.
    Older { looked_for: bool },
    /// Nothing was sent: a command came in between.
    Unsent,
    /// It was sent, and nobody can say now what became of it. Its intent stays.
    Undetermined,
}

/// One object on its way through the outcome.
pub(super) struct Settled<'a> {
    pub(super) mailbox: MailboxId,
    pub(super) digest: u64,
    /// `WhenChangedUTC` of the version, in microseconds; 0 where it is not known.
    pub(super) changed: i64,
    /// The link as it is stored now.
    pub(super) stored: Option<Link>,
    /// The AD object that was found this time.
    pub(super) found: Option<ObjectGuid>,
    /// Whether its mailbox could not be read, so that nothing was looked for.
    pub(super) unread: bool,
    /// Whether it enters beyond the supported number of mailboxes.
    pub(super) beyond: bool,
    pub(super) intent: Option<&'a Intent>,
    /// Which changes of the intent were made.
    pub(super) made: Made,
    /// The versions of its attributes, where they are kept.
    pub(super) versions: Option<&'a Versions>,
    /// Whether its link keeps the versions of its attributes that were last exported.
    pub(super) kept_versions: bool,
    pub(super) verdict: &'a Verdict,
}

/// What a commit will change in memory, once it has succeeded.
#[derive(Default)]
pub(super) struct Effects {
    pub(super) writes: Vec<StoreWrite>,
    escrow: Vec<(MailboxId, Option<EscrowRow>)>,
    attempted: Vec<(MailboxId, u64)>,
    linked: i64,
    /// Objects that a mailbox has from now on, or has no longer.
    owned: Vec<(ObjectGuid, Owner, bool)>,
}

impl Settled<'_> {
    /// The log entry, if there is anything to say; the times are those of the beginning and of now.
    pub(super) fn entry(
        &self,
        desk: &Desk,
        cycle: u64,
        (began, now): (Timestamp, Timestamp),
    ) -> Option<LogEntry> {
        let (status, code, detail, modified) = match self.verdict {
            Verdict::Written | Verdict::Partly if self.beyond => {
                let limit = desk.configuration.switches.mailbox_limit;
                let detail = format!("beyond the {limit} mailboxes that the service supports");
                (LogStatus::Success, code::BEYOND_LIMIT, detail, self.modified())
            }
            Verdict::Written | Verdict::Partly => {
                (LogStatus::Success, "", String::new(), self.modified())
            }
            Verdict::Redundant { quiet: false } => {
                (LogStatus::Skipped, code::REDUNDANT_EXPORT, String::new(), Vec::new())
            }
            Verdict::Skipped { code, detail, quiet: false } => {
                (LogStatus::Skipped, *code, detail.clone(), Vec::new())
            }
            Verdict::Failed(failure) if !planted!(desk.bugs, DropFailedObject) => {
                let detail = match self.next_row(desk, failure, now) {
                    Some(_) => failure.detail.clone(),
                    None => format!("{}; {RETRIES_END}", failure.detail),
                };
                (LogStatus::Failure, failure.code, detail, self.modified())
            }
            _ => return None,
        };
        // Of a mailbox that is skipped before anybody looked into AD its own id alone is told.
        let skipped = matches!(self.verdict, Verdict::Skipped { .. });
        let stored = self.stored.filter(|_| !skipped).map(|link| link.object);
        let target = self.found.or(stored);
        Some(LogEntry {
            at: now,
            cycle,
            mailbox: Some(self.mailbox),
            target,
            status,
            code,
            detail,
            modified,
            unread: self.unread,
            took: now.since(began),
            version: super::digest::chain(self.digest, self.changed.cast_unsigned()),
        })
    }

    /// Adds to the numbers of the cycle.
    pub(super) fn count(&self, tally: &mut Tally) {
        match self.verdict {
            Verdict::Written | Verdict::Partly => tally.written += 1,
            Verdict::Redundant { quiet: false } | Verdict::Skipped { quiet: false, .. } => {
                tally.skipped += 1;
            }
            Verdict::Failed(_) => tally.failed += 1,
            _ => {}
        }
    }

    /// Adds what is to be committed. `now` is that of its log entry, so that both agree on whether
    /// its retries have ended.
    pub(super) fn commit(&self, desk: &Desk, effects: &mut Effects, now: Timestamp) {
        if self.intent.is_some() && !matches!(self.verdict, Verdict::Undetermined) {
            effects.writes.push(mailbox_write(Table::Intents, self.mailbox, None));
        }
        match self.verdict {
            Verdict::Written | Verdict::Redundant { .. } => {
                self.link(effects);
                self.release(desk, effects);
            }
            Verdict::Skipped { .. } => {
                // It is outside, and AD may change meanwhile: which attributes were exported counts no
                // longer.
                if let Some(link) = self.stored.filter(|link| !link.rests) {
                    effects.rest(self.mailbox, link);
                }
                self.release(desk, effects);
            }
            Verdict::Failed(failure) => {
                effects.attempted.push((self.mailbox, self.digest));
                if planted!(desk.bugs, DropFailedObject) {
                    return;
                }
                if self.found.is_none() && self.stored.is_some() && !self.unread {
                    self.stored.into_iter().for_each(|link| {
                        effects.unlink(Owner::of(self.mailbox, link), link.object);
                    });
                }
                if self.found.is_some() && self.made.any() {
                    self.doubt(effects);
                }
                self.escrow(desk, failure, effects, now);
            }
            Verdict::Partly | Verdict::Older { looked_for: true } => self.doubt(effects),
            Verdict::Older { looked_for: false } | Verdict::Unsent | Verdict::Undetermined => {}
        }
    }

    /// A part of the modify was made, or everything is to be compared: the version that was exported last is
    /// not what AD holds. A link with versions says so since its intent was committed.
    fn doubt(&self, effects: &mut Effects) {
        let told = self.kept_versions && self.intent.is_some();
        let row = self.stored.filter(|_| !told).map(|link| link.in_doubt().encode());
        if row.is_some() {
            effects.writes.push(mailbox_write(Table::Links, self.mailbox, row));
        }
    }

    fn link(&self, effects: &mut Effects) {
        let Some(object) = self.found.or(self.stored.map(|link| link.object)) else { return };
        let (exported, changed) = (self.digest, self.changed);
        let link = Link { object, exported, changed, rests: false };
        if self.stored == Some(link) {
            return;
        }
        effects.linked += i64::from(self.stored.is_none_or(|link| link.rests));
        let (before, owner) = (self.stored.map(|link| link.object), Owner::of(self.mailbox, link));
        if before != Some(object) {
            effects.owned.extend(before.map(|before| (before, owner, false)));
        }
        if self.stored.is_none_or(|link| link.object != object || link.rests) {
            effects.owned.push((object, owner, true));
        }
        let row = match self.versions {
            Some(versions) => link.encode_with(versions),
            None => link.encode(),
        };
        effects.writes.push(mailbox_write(Table::Links, self.mailbox, Some(row)));
    }

    fn release(&self, desk: &Desk, effects: &mut Effects) {
        if desk.escrow.contains_key(&self.mailbox) {
            Mark::EscrowReleased.reach();
            effects.release(self.mailbox);
        }
    }

    /// Its row in the escrow after this failure; `None` when its retries end with it.
    fn next_row(&self, desk: &Desk, failure: &Failure, now: Timestamp) -> Option<EscrowRow> {
        let before = desk.escrow.get(&self.mailbox);
        let now = desk.slot.map_or(now, |slot| slot.min(now));
        let failed = u32::from(failure.class != Class::Interrupted);
        let failures = before.map_or(0, |row| row.failures).saturating_add(failed);
        // Interruptions before the first failure are no beginning of the 28 days.
        let first = before.filter(|row| row.has_failed()).map_or(now, |row| row.first);
        let ladder = desk.configuration.switches.escrow_ladder;
        next_attempt(failures, first, failure.class, now, ladder).map(|next| EscrowRow {
            failures,
            first,
            next,
            code: failure.code.to_owned(),
            linked: (self.found.is_some() || self.unread)
                && self.stored.is_some_and(|link| !link.rests),
            version: (self.digest, self.changed),
        })
    }

    fn escrow(&self, desk: &Desk, failure: &Failure, effects: &mut Effects, now: Timestamp) {
        let before = desk.escrow.get(&self.mailbox);
        let row = self.next_row(desk, failure, now);
        let value = row.as_ref().map(EscrowRow::encode);
        if value.is_some() || before.is_some() {
            effects.writes.push(mailbox_write(Table::Escrow, self.mailbox, value));
            effects.escrow.push((self.mailbox, row));
        }
    }

    /// What was changed in fact, be it all of what was intended or not.
    fn modified(&self) -> Vec<ModifiedProperty> {
        let Some(intent) = self.intent else { return Vec::new() };
        let changes = intent.changes.iter().enumerate();
        changes
            .filter(|(number, _)| self.made.has(*number))
            .map(|(_, change)| change.property.clone())
            .collect()
    }
}

impl Effects {
    /// The mailbox is no longer linked to the object.
    pub(super) fn unlink(&mut self, owner: Owner, object: ObjectGuid) {
        self.writes.push(mailbox_write(Table::Links, owner.mailbox, None));
        self.owned.push((object, owner, false));
        self.linked -= i64::from(!owner.rests);
    }

    /// The mailbox leaves the scope, and is still linked.
    pub(super) fn rest(&mut self, mailbox: MailboxId, link: Link) {
        Mark::LinkRests.reach();
        let link = link.at_rest();
        self.writes.push(mailbox_write(Table::Links, mailbox, Some(link.encode())));
        self.owned.push((link.object, Owner::of(mailbox, link), true));
        self.linked -= 1;
    }

    /// The mailbox leaves the escrow.
    pub(super) fn release(&mut self, mailbox: MailboxId) {
        self.writes.push(mailbox_write(Table::Escrow, mailbox, None));
        self.escrow.push((mailbox, None));
    }

    /// The writes, with the job's row when its counters change.
    pub(super) fn take_writes(
        &mut self,
        desk: &Desk,
    ) -> Result<Vec<StoreWrite>, crate::ports::StoreError> {
        if self.linked != 0 {
            let mut row = desk.row.clone();
            row.linked = row.linked.saturating_add_signed(self.linked);
            self.writes.push(row.write()?);
        }
        Ok(core::mem::take(&mut self.writes))
    }

    /// The commit succeeded.
    pub(super) fn apply(self, desk: &mut Desk) {
        desk.row.linked = desk.row.linked.saturating_add_signed(self.linked);
        for (mailbox, row) in self.escrow {
            match row {
                Some(row) => desk.escrow.insert(mailbox, row),
                None => desk.escrow.remove(&mailbox),
            };
        }
        for (object, owner, owns) in self.owned {
            desk.owners.note(object, owner, owns);
        }
        desk.attempted.extend(self.attempted);
    }
}
