//! Rows of the tables `Transfers` and `Backups`: key is the transfer's id, a zero byte, and the
//! mailbox's id; the second and every later backup of a mailbox by one transfer has the time at the end, so that
//! none takes the place of another.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::report::MailboxOutcome;
use crate::guid::Guid;
use crate::ports::{MailboxId, StateStore, StoreError, StoreWrite, Table};
use crate::time::Timestamp;

/// How far one mailbox is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// Backed up; the call may have been made or not.
    Prepared,
    /// The call was accepted at this time, and no read has shown the change yet.
    Accepted(Timestamp),
    /// It is decided.
    Done(MailboxOutcome, String),
}

const VERSION: u8 = 1;

impl Progress {
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Prepared => vec![VERSION, 0],
            Self::Accepted(at) => [&[VERSION, u8::MAX][..], &at.as_micros().to_le_bytes()].concat(),
            Self::Done(outcome, detail) => {
                [&[VERSION, outcome.to_byte()], detail.as_bytes()].concat()
            }
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let damaged = || StoreError::Damaged("transfer row".to_owned());
        let [VERSION, state, rest @ ..] = bytes else { return Err(damaged()) };
        match state {
            0 if rest.is_empty() => Ok(Self::Prepared),
            0 => Err(damaged()),
            &u8::MAX => {
                let micros = i64::from_le_bytes(rest.try_into().map_err(|_| damaged())?);
                Ok(Self::Accepted(Timestamp::from_micros(micros)))
            }
            byte => {
                let outcome = MailboxOutcome::from_byte(*byte).ok_or_else(damaged)?;
                let detail = String::from_utf8(rest.to_vec()).map_err(|_| damaged())?;
                Ok(Self::Done(outcome, detail))
            }
        }
    }

    pub(super) fn write(&self, transfer: &str, mailbox: MailboxId) -> StoreWrite {
        StoreWrite {
            table: Table::Transfers,
            key: key(transfer, mailbox),
            value: Some(self.encode()),
        }
    }
}

/// When the flips of a ring had ended, and how many of its mailboxes were flipped then: from there its soak is
/// counted, in whichever life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RingEnd {
    pub(super) at: Timestamp,
    pub(super) flipped: u64,
}

impl RingEnd {
    fn encode(self) -> Vec<u8> {
        [&[VERSION][..], &self.at.as_micros().to_le_bytes(), &self.flipped.to_le_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let damaged = || StoreError::Damaged("the end of a ring".to_owned());
        let Some((&VERSION, rest)) = bytes.split_first() else { return Err(damaged()) };
        let (at, flipped) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
        let flipped = flipped.try_into().map_err(|_| damaged())?;
        let at = Timestamp::from_micros(i64::from_le_bytes(*at));
        Ok(Self { at, flipped: u64::from_le_bytes(flipped) })
    }

    /// That of a ring of a rollout, where it is known.
    pub(super) fn get(
        (rollout, ring): (&str, &str),
        store: &mut dyn StateStore,
    ) -> Result<Option<Self>, StoreError> {
        let row = store.get(Table::Transfers, &[ring_key(rollout, ring)])?.into_iter().next();
        row.flatten().as_deref().map(Self::decode).transpose()
    }

    pub(super) fn write(self, (rollout, ring): (&str, &str)) -> StoreWrite {
        let value = Some(self.encode());
        StoreWrite { table: Table::Transfers, key: ring_key(rollout, ring), value }
    }
}

/// Among the rows of no transfer: none has such a name.
fn ring_key(rollout: &str, ring: &str) -> Vec<u8> {
    [rollout.as_bytes(), b"\x01ring\0", ring.as_bytes()].concat()
}

/// The name under which the rollback of a transfer keeps its own rows: what a flip decided says
/// nothing about the way back.
pub(super) fn rollback_of(transfer: &str) -> String {
    format!("{transfer}{ROLLBACK}")
}

const ROLLBACK: &str = "\u{1}rollback";

/// The name under which a rollback keeps what it takes away.
pub(super) fn taken_by(rollback: &str) -> String {
    format!("{rollback}\u{1}taken")
}

/// The name that people gave to what has such rows.
pub(super) fn name_of(rows: &str) -> &str {
    rows.strip_suffix(ROLLBACK).unwrap_or(rows)
}

/// What all keys of a transfer begin with.
pub(super) fn prefix(transfer: &str) -> Vec<u8> {
    [transfer.as_bytes(), &[0]].concat()
}

pub(super) fn key(transfer: &str, mailbox: MailboxId) -> Vec<u8> {
    [transfer.as_bytes(), &[0], &mailbox.0.0].concat()
}

/// The key of a backup; `again`: one of the mailbox may be there already.
pub(super) fn backup_key(transfer: &str, mailbox: MailboxId, again: Option<Timestamp>) -> Vec<u8> {
    let mut key = key(transfer, mailbox);
    // Times after the epoch, in their order.
    key.extend(again.into_iter().flat_map(|at| at.as_micros().to_be_bytes()));
    key
}

/// The mailbox of the key of a backup; `None` for the key of another transfer.
pub(super) fn mailbox_of_backup(transfer: &str, key: &[u8]) -> Option<MailboxId> {
    const TIME: usize = 8;
    mailbox_of(transfer, key).or_else(|| mailbox_of(transfer, &key[..key.len().checked_sub(TIME)?]))
}

/// The mailbox of a key; `None` for the key of another transfer.
pub(super) fn mailbox_of(transfer: &str, key: &[u8]) -> Option<MailboxId> {
    let rest = key.strip_prefix(transfer.as_bytes())?.strip_prefix(&[0])?;
    rest.try_into().ok().map(|bytes| MailboxId(Guid(bytes)))
}

/// Rows read with one call of the state store.
pub(super) const ROWS: usize = 5_000;

/// Reads some rows of a transfer, those behind the key `after`: the last key when there are more.
pub(super) fn read_on(
    transfer: &str,
    after: Option<&[u8]>,
    store: &mut dyn StateStore,
    known: &mut HashMap<MailboxId, Progress, FxBuildHasher>,
) -> Result<Option<Vec<u8>>, StoreError> {
    let rows = store.scan(Table::Transfers, after, ROWS)?;
    let last = rows.last().filter(|_| rows.len() >= ROWS).map(|(key, _)| key.clone());
    for (key, value) in rows {
        // Behind a row of another transfer there is none of this one.
        let Some(mailbox) = mailbox_of(transfer, &key) else { return Ok(None) };
        known.insert(mailbox, Progress::decode(&value)?);
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_world::{START, id};

    #[test]
    fn rows_come_back_and_belong_to_their_transfer() {
        for progress in [
            Progress::Prepared,
            Progress::Accepted(START),
            Progress::Done(MailboxOutcome::Refused, "AccessDenied".into()),
        ] {
            assert_eq!(Progress::decode(&progress.encode()), Ok(progress));
        }
        assert!(Progress::decode(&[1, 99]).is_err() && Progress::decode(&[2, 0]).is_err());
        assert_eq!(mailbox_of("t1", &key("t1", id(3))), Some(id(3)));
        assert_eq!(mailbox_of("t1", &key("t10", id(3))), None);
        for again in [None, Some(START)] {
            assert_eq!(mailbox_of_backup("t1", &backup_key("t1", id(3), again)), Some(id(3)));
            assert_eq!(mailbox_of_backup("t1", &backup_key("t10", id(3), again)), None);
        }
        let end = RingEnd { at: START, flipped: 3 };
        assert_eq!(RingEnd::decode(&end.encode()), Ok(end));
        assert!(RingEnd::decode(&end.encode()[1..]).is_err() && RingEnd::decode(&[1]).is_err());
        assert_eq!(mailbox_of("t1", &ring_key("t1", "0123456789abcdef")), None);
        let back = rollback_of("t1");
        assert_eq!(mailbox_of(&back, &key(&back, id(3))), Some(id(3)));
        assert_eq!(mailbox_of("t1", &key(&back, id(3))), None);
    }
}
