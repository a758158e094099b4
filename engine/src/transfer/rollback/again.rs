//! Those whose flags are about to be set are weighed again: what was edited since the losses were told is told
//! too, and blocks the mailbox unless losses are accepted.

use std::collections::BTreeMap;

use super::super::flip::{Flip, Stop, Turn};
use super::super::readiness;
use super::super::record::TransferRecord;
use super::super::report::MailboxOutcome;
use super::{Rollback, Stage};
use crate::marks::Mark;
use crate::ports::{Mailbox, MailboxId, Ports, StoreWrite};
use crate::time::Timestamp;

/// A batch that is weighed again.
pub(super) struct Again {
    flip: Box<Flip>,
    ids: Vec<MailboxId>,
    /// How many of them were read.
    read: usize,
    mailboxes: Vec<Mailbox>,
    /// Whether AD is asked for its side of them.
    pairing: bool,
    /// Who is not to be set, and why.
    pub(super) decided: BTreeMap<MailboxId, (MailboxOutcome, String)>,
    /// Whether everybody is weighed, and what is to be kept before the flags are set.
    weighed: bool,
    pub(super) records: Vec<TransferRecord>,
    pub(super) writes: Vec<StoreWrite>,
}

impl Again {
    /// The flags of the wave.
    pub(super) const fn flip(&self) -> &Flip {
        &self.flip
    }

    pub(super) fn into_flip(self) -> Box<Flip> {
        self.flip
    }
}

impl Rollback {
    /// Begins with those that the wave is about to set.
    pub(super) fn ask(&mut self, now: Timestamp) {
        let Stage::Flip(flip) = &self.stage else { return };
        let Some(ids) = flip.asked(now) else { return };
        if let Stage::Flip(flip) = core::mem::replace(&mut self.stage, Stage::NextWave) {
            let (mailboxes, decided) = (Vec::with_capacity(ids.len()), BTreeMap::new());
            let (records, writes) = (Vec::new(), Vec::new());
            let (read, pairing, weighed) = (0, false, false);
            let again =
                Again { flip, ids, read, mailboxes, pairing, decided, weighed, records, writes };
            self.stage = Stage::Again(Box::new(again));
        }
    }

    pub(super) fn weigh_again(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
    ) -> Result<Turn<()>, Stop> {
        let Stage::Again(again) = &mut self.stage else { return Ok(Turn::Busy) };
        if again.weighed {
            return self.keep_losses(now, ports);
        }
        if again.pairing {
            let pairs = match self.pairing.step(now, ports, &mut self.backoff)? {
                Turn::Busy => return Ok(Turn::Busy),
                Turn::Wait(at) => return Ok(Turn::Wait(at)),
                Turn::Done(pairs) => pairs,
            };
            let mut decided = core::mem::take(&mut again.decided);
            let (mut records, mut writes) = (Vec::new(), Vec::new());
            for pair in pairs {
                let weighed = match self.cannot_weigh(&pair) {
                    Some(why) => Err(why.to_owned()),
                    None => self.losses_of(&pair),
                };
                match weighed {
                    Ok(lost) => {
                        let (record, write) = self.note(pair.mailbox.id, lost, now);
                        records.extend(record);
                        writes.extend(write);
                    }
                    Err(why) => {
                        decided.insert(pair.mailbox.id, (MailboxOutcome::Blocked, why));
                    }
                }
            }
            if let Stage::Again(again) = &mut self.stage {
                (again.decided, again.weighed) = (decided, true);
                (again.records, again.writes) = (records, writes);
            }
            return Ok(Turn::Busy);
        }
        if again.read == again.ids.len() {
            if again.mailboxes.is_empty() {
                let decided = core::mem::take(&mut again.decided);
                self.go_on(&decided, now);
                return Ok(Turn::Busy);
            }
            again.pairing = true;
            self.pairing.start(core::mem::take(&mut again.mailboxes));
            return Ok(Turn::Busy);
        }
        let rest = again.ids[again.read..].iter();
        let ids: Vec<MailboxId> = rest.take(self.portion.most()).copied().collect();
        let read = ports.exchange.mailbox_rows(&ids, &self.properties);
        let rows = match self.portion.rows(read, &mut self.backoff, now)? {
            Ok(rows) => rows,
            Err(at) => return Ok(Turn::Wait(at)),
        };
        again.read += ids.len();
        for (id, row) in ids.into_iter().zip(rows) {
            match row {
                // Whose flag somebody else set meanwhile has nothing left to lose.
                Ok(Some(mailbox)) if !mailbox.cloud_managed => {}
                Ok(Some(mailbox)) => again.mailboxes.push(mailbox),
                Ok(None) => {
                    Mark::TransferMissing.reach();
                    self.report.findings.push(readiness::of_missing(id));
                    let why = (MailboxOutcome::Failed, readiness::id::MISSING.to_owned());
                    again.decided.insert(id, why);
                }
                Err(error) => {
                    self.report.findings.push(readiness::of_unreadable(id, &error.to_string()));
                    let why = (MailboxOutcome::Blocked, readiness::id::UNREADABLE.to_owned());
                    again.decided.insert(id, why);
                }
            }
        }
        Ok(Turn::Busy)
    }

    /// Back to the wave, without those that are decided.
    pub(super) fn go_on(
        &mut self,
        decided: &BTreeMap<MailboxId, (MailboxOutcome, String)>,
        now: Timestamp,
    ) {
        if let Stage::Again(again) = core::mem::replace(&mut self.stage, Stage::NextWave) {
            let mut flip = again.flip;
            flip.answer(|id| decided.get(&id).cloned(), now);
            self.stage = Stage::Flip(flip);
        }
    }
}
