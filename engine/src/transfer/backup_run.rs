//! Taking backups: of mailboxes and their AD objects as they are now, or those that a transfer took before
//! its flips.

use std::collections::VecDeque;

use super::backup::{Backup, DirectorySide, Sides, line_of, properties};
use super::flip::{Stop, Turn, step_of};
use super::loss::attributes;
use super::portion::Portion;
use super::rows::{mailbox_of_backup, prefix};
use crate::failure::Failure;
use crate::job::MATCH_ORDER;
use crate::pairing::{Pair, Pairing};
use crate::ports::{Mailbox, MailboxId, Name, Ports, StateStore, StoreError, Table};
use crate::step::{Accounts, Activity, Step};
use crate::time::Timestamp;
use crate::writeback::retry::Backoff;

/// Rows read with one call of the state store.
const ROWS: usize = 5_000;

/// What a transfer kept before its flips.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// The last backup of each mailbox, in the order of the ids.
    pub backups: Vec<Backup>,
    /// How many more are kept, of the flips before.
    pub earlier: u64,
}

/// The backups that the transfer of this name took before its flips, those alone that were taken `before` this
/// instant.
///
/// # Errors
/// [`StoreError`]; `Damaged` for a row that is no backup.
pub fn stored(
    store: &mut dyn StateStore,
    transfer: &str,
    before: Option<Timestamp>,
) -> Result<Stored, StoreError> {
    let mut stored = Stored::default();
    let mut after = prefix(transfer);
    loop {
        let rows = store.scan(Table::Backups, Some(&after), ROWS)?;
        let complete = rows.len() < ROWS;
        for (key, line) in rows {
            if mailbox_of_backup(transfer, &key).is_none() {
                return Ok(stored);
            }
            let damaged = |why: String| StoreError::Damaged(why);
            let backup = Backup::from_line(&line).map_err(|error| damaged(error.to_string()))?;
            let taken: jiff::Timestamp = (backup.taken.parse())
                .map_err(|error: jiff::Error| damaged(format!("the time of a backup: {error}")))?;
            let taken = Timestamp::from_micros(taken.as_microsecond());
            if before.is_none_or(|before| taken < before) {
                stored.take(backup);
            }
            after = key;
        }
        if complete {
            return Ok(stored);
        }
    }
}

impl Stored {
    /// Rows of one mailbox come one after the other, the later ones last.
    fn take(&mut self, backup: Backup) {
        match self.backups.last_mut().filter(|last| last.id == backup.id) {
            Some(last) => {
                self.earlier += 1;
                *last = backup;
            }
            None => self.backups.push(backup),
        }
    }
}

/// The names of the transfers that have kept backups; those of a ring have the ring's name after a slash.
///
/// # Errors
/// [`StoreError`].
pub fn stored_names(store: &mut dyn StateStore) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    let mut after: Option<Vec<u8>> = None;
    while let Some((key, _)) = store.scan(Table::Backups, after.as_deref(), 1)?.pop() {
        let name = key.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        names.push(String::from_utf8_lossy(&name).into_owned());
        // Behind all keys of this name.
        after = Some([name.as_slice(), &[1]].concat());
    }
    Ok(names)
}

/// What was backed up, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackupReport {
    /// The backups, in the order of the mailboxes.
    pub backups: Vec<Backup>,
    /// How many more of those mailboxes a transfer keeps, of the flips before.
    pub earlier: u64,
    /// Mailboxes of which there is none, or of whose AD side there is none although it was asked for, and
    /// why.
    pub lacking: Vec<(MailboxId, String)>,
}

/// Takes backups of mailboxes, in the order given.
pub struct TakeBackup {
    queue: VecDeque<MailboxId>,
    sides: Sides,
    properties: Vec<Name>,
    attributes: Vec<Name>,
    pairing: Option<Pairing>,
    report: BackupReport,
    backoff: Backoff,
    portion: Portion,
    not_before: Option<Timestamp>,
}

impl TakeBackup {
    /// Of these sides of these mailboxes.
    #[must_use]
    pub fn new(mailboxes: Vec<MailboxId>, sides: Sides) -> Self {
        Self {
            queue: mailboxes.into(),
            sides,
            properties: properties(sides),
            attributes: attributes(),
            pairing: None,
            report: BackupReport::default(),
            backoff: Backoff::default(),
            portion: Portion::default(),
            not_before: None,
        }
    }

    /// The same with waits that are longer by chance ([`Backoff::jittered`]).
    #[must_use]
    pub const fn jittered(mut self, jitter: u64) -> Self {
        self.backoff = Backoff::jittered(jitter);
        self
    }

    fn turn(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        if let Some(pairing) = &mut self.pairing
            && pairing.is_busy()
        {
            return Ok(match pairing.step(now, ports, &mut self.backoff)? {
                Turn::Busy => Turn::Busy,
                Turn::Wait(at) => Turn::Wait(at),
                Turn::Done(pairs) => {
                    for pair in pairs {
                        self.keep_both(pair, now)?;
                    }
                    Turn::Busy
                }
            });
        }
        let ids: Vec<MailboxId> = self.queue.iter().take(self.portion.most()).copied().collect();
        if ids.is_empty() {
            return Ok(Turn::Done(()));
        }
        let read = ports.exchange.mailbox_rows(&ids, &self.properties);
        let rows = match self.portion.rows(read, &mut self.backoff, now)? {
            Ok(rows) => rows,
            Err(at) => return Ok(Turn::Wait(at)),
        };
        self.queue.drain(..ids.len());
        let mut mailboxes = Vec::with_capacity(rows.len());
        for (id, row) in ids.into_iter().zip(rows) {
            let why = match row {
                Ok(Some(mailbox)) => {
                    mailboxes.push(mailbox);
                    continue;
                }
                Ok(None) => "Exchange Online has no mailbox of this id".to_owned(),
                Err(error) => format!("the mailbox cannot be read: {error}"),
            };
            self.report.lacking.push((id, why));
        }
        match self.sides {
            Sides::Cloud => {
                for mailbox in &mailboxes {
                    self.keep(mailbox, None, now)?;
                }
            }
            Sides::Both => {
                let pairing = self
                    .pairing
                    .get_or_insert_with(|| Pairing::new(self.attributes.clone(), MATCH_ORDER));
                pairing.start(mailboxes);
            }
        }
        Ok(Turn::Busy)
    }

    /// Both sides; the cloud's alone where AD's cannot be read.
    fn keep_both(&mut self, pair: Pair, now: Timestamp) -> Result<(), Stop> {
        match pair.sole() {
            Ok((mailbox, object)) => {
                let side = DirectorySide::of(&object, &self.attributes);
                self.keep(&mailbox, Some(&side), now)
            }
            Err((mailbox, why)) => {
                self.report.lacking.push((mailbox.id, format!("the cloud's side alone: {why}")));
                self.keep(&mailbox, None, now)
            }
        }
    }

    fn keep(
        &mut self,
        mailbox: &Mailbox,
        directory: Option<&DirectorySide>,
        now: Timestamp,
    ) -> Result<(), Stop> {
        let backup = line_of(mailbox, &self.properties, &now.to_string(), (self.sides, directory))
            .and_then(|line| Backup::from_line(&line))
            .map_err(|error| Stop::from(StoreError::Io(error.to_string())))?;
        self.report.backups.push(backup);
        Ok(())
    }
}

impl Activity for TakeBackup {
    type Outcome = Result<BackupReport, Failure>;

    fn step(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Step<Self::Outcome> {
        if let Some(at) = self.not_before.filter(|at| now < *at) {
            return Step::WaitUntil(at);
        }
        let turned = self.turn(now, ports);
        step_of(self, turned, |backup| &mut backup.not_before)
    }

    fn progress(&self) -> Option<String> {
        let (kept, open) = (self.report.backups.len(), self.queue.len());
        (kept > 0).then(|| format!("{kept} mailboxes read, {open} to come"))
    }
}

impl Accounts for TakeBackup {
    /// Half a backup is none.
    fn account(&mut self, stopped: Option<Failure>) -> Self::Outcome {
        stopped.map_or_else(|| Ok(core::mem::take(&mut self.report)), Err)
    }
}
