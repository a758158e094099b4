//! The engine creates, deletes, moves, renames and disables nothing in AD.
//!
//! Why: writeback modifies mapped attributes of objects that are there, and nothing else; deleting or
//! pausing the job never alters AD (Exchange Team Blog 2026-08-03).

use sim::directory::schema::known;
use sim::ledger::{Event, Side, Write, WriteKind};

use super::identity_stays_home::is_engine;
use super::{About, Charge, Kind, Oracle};

/// The rule. It needs no memory.
#[derive(Clone)]
pub(super) struct NoStructuralChange;

impl Oracle for NoStructuralChange {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, _: About) -> Option<Charge> {
        let Event::Write(write) = event else { return None };
        if write.object.side != Side::Ad || !is_engine(write.actor.activity) {
            return None;
        }
        let what = what_became(write)?;
        let message = format!("{} {what} an object of AD", write.actor.activity.word());
        Some(Charge::of_any_write("no_structural_change", write, message))
    }
}

fn what_became(write: &Write) -> Option<&'static str> {
    let touches = |attribute| write.changes.iter().any(|change| change.attribute == attribute);
    match write.kind {
        WriteKind::Created => Some("created"),
        WriteKind::Deleted => Some("deleted"),
        WriteKind::Moved => Some("moved or renamed"),
        WriteKind::Changed if touches(known::USER_ACCOUNT_CONTROL) => Some("disabled or enabled"),
        WriteKind::Changed => None,
    }
}
