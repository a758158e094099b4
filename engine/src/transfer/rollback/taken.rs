//! What a rollback takes away is kept before it does: a row for each mailbox in the state store, by which the
//! report of a later call names it too, and an entry in the log of transfers. Once the flag is set and the next
//! inbound cycle has run, no side holds these values any more.

use super::super::flip::{Stop, Turn};
use super::super::loss::Loss;
use super::super::record::{Action, BEGUN, TransferRecord, hand_out};
use super::super::rows::{ROWS, key, mailbox_of, name_of, taken_by};
use super::{Rollback, Stage, in_words};
use crate::change::{ModifiedProperty, ShownValues};
use crate::journal::bytes::{Reader, Writer};
use crate::ports::{MailboxId, Name, Ports, StoreError, StoreWrite, Table};
use crate::time::Timestamp;

/// The layout before AD's values stood each by itself.
const JOINED: u8 = 1;
const VERSION: u8 = 2;

impl Rollback {
    /// What earlier lives took, some rows at a time.
    pub(super) fn read_taken(
        &mut self,
        after: Option<&[u8]>,
        ports: &mut Ports<'_>,
    ) -> Result<(), Stop> {
        let rows = ports.store.scan(Table::Transfers, after, ROWS)?;
        let last = rows.last().filter(|_| rows.len() >= ROWS).map(|(key, _)| key.clone());
        let name = taken_by(&self.config.id);
        self.stage = last.map_or_else(
            || Stage::Resume(Some(super::prefix(&self.config.id))),
            |last| Stage::Taken(Some(last)),
        );
        for (key, row) in rows {
            let Some(mailbox) = mailbox_of(&name, &key) else {
                // Behind a row of another name there is none of this one.
                self.stage = Stage::Resume(Some(super::prefix(&self.config.id)));
                break;
            };
            self.taken.insert(mailbox, decode(mailbox, &row)?);
        }
        Ok(())
    }

    /// The report names what was taken from a mailbox before.
    pub(super) fn tell_taken(&mut self, mailbox: MailboxId) {
        if let Some(lost) = self.taken.get(&mailbox).cloned() {
            self.tell(&lost);
        }
    }

    /// Notes what a mailbox is about to lose, unless that was noted as it is.
    pub(super) fn note(
        &mut self,
        mailbox: MailboxId,
        lost: Vec<Loss>,
        now: Timestamp,
    ) -> (Option<TransferRecord>, Option<StoreWrite>) {
        if self.taken.get(&mailbox).map_or(&[][..], Vec::as_slice) == lost {
            return (None, None);
        }
        let value = (!lost.is_empty()).then(|| encode(&lost));
        let key = key(&taken_by(&self.config.id), mailbox);
        let write = StoreWrite { table: Table::Transfers, key, value };
        let record = (!lost.is_empty()).then(|| self.record_of(mailbox, &lost, now));
        self.taken.insert(mailbox, lost);
        (record, Some(write))
    }

    fn record_of(&self, mailbox: MailboxId, lost: &[Loss], at: Timestamp) -> TransferRecord {
        let change = |loss: &Loss| ModifiedProperty {
            attribute: loss.attribute.clone(),
            old: loss.value.as_str().into(),
            new: loss.instead.clone(),
        };
        TransferRecord {
            at,
            transfer: name_of(&self.config.id).to_owned(),
            action: Action::Rollback,
            mailbox,
            object: None,
            outcome: BEGUN,
            detail: in_words(lost),
            changes: lost.iter().map(change).collect(),
        }
    }

    /// Keeps what the batch is about to lose; then its flags may be set.
    pub(super) fn keep_losses(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
    ) -> Result<Turn<()>, Stop> {
        let Stage::Again(again) = &mut self.stage else { return Ok(Turn::Busy) };
        if !again.records.is_empty() {
            if let Some(at) = hand_out(&again.records, ports, &mut self.backoff, now)? {
                return Ok(Turn::Wait(at));
            }
            again.records.clear();
            return Ok(Turn::Busy);
        }
        if !again.writes.is_empty() {
            ports.store.commit(core::mem::take(&mut again.writes))?;
        }
        let decided = core::mem::take(&mut again.decided);
        self.go_on(&decided, now);
        Ok(Turn::Busy)
    }
}

fn encode(lost: &[Loss]) -> Vec<u8> {
    let row = Writer::with_version(VERSION, 64 * lost.len()).number(lost.len() as u64);
    let row = lost.iter().fold(row, |row, loss| {
        let row = loss.instead.encode(row.text(&loss.attribute).text(&loss.value));
        row.text(loss.unsure.as_deref().unwrap_or_default())
    });
    row.finish()
}

fn decode(mailbox: MailboxId, bytes: &[u8]) -> Result<Vec<Loss>, StoreError> {
    let joined = bytes.first() == Some(&JOINED);
    let layout = if joined { JOINED } else { VERSION };
    let mut row = Reader::open("values that a rollback takes away", layout, bytes)?;
    let mut lost = Vec::new();
    for _ in 0..row.number()? {
        let attribute = Name::Owned(row.text()?);
        let value = row.text()?;
        let instead = match joined {
            true => ShownValues::of_joined(row.text()?),
            false => ShownValues::decode(&mut row)?,
        };
        let why = row.text()?;
        let unsure = (!why.is_empty()).then_some(Name::Owned(why));
        lost.push(Loss { mailbox, attribute, value, instead, unsure });
    }
    row.finish()?;
    Ok(lost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_world::id;

    #[test]
    fn what_was_taken_comes_back_whole_or_is_refused() {
        let loss = |value: &str, unsure: Option<&'static str>| Loss {
            mailbox: id(1),
            attribute: Name::Borrowed("proxyAddresses"),
            value: value.to_owned(),
            instead: ShownValues::of(["a", "b"]),
            unsure: unsure.map(Name::Borrowed),
        };
        let lost = vec![loss("smtp:x@contoso.com", None), loss("", Some("nobody can compare it"))];
        let row = encode(&lost);
        assert_eq!(decode(id(1), &row), Ok(lost));
        assert!(decode(id(1), &row[..row.len() - 1]).is_err());
        assert!(decode(id(1), &[&row[..], &[0]].concat()).is_err());
    }
}
