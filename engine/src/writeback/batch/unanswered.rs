//! Modifies whose answer never came: their objects are read, and that tells what became of them.

use super::{Batch, BatchEnd, Stage};
use crate::failure::{Class, Failure, Side, code};
use crate::marks::Mark;
use crate::planted_bugs::planted;
use crate::ports::{CallError, Name, ObjectGuid, Ports};
use crate::time::Timestamp;
use crate::writeback::desk::{Answer, Desk, Interrupt, Stepped, Turn};
use crate::writeback::outcome::Verdict;
use crate::writeback::prologue::object_of;
use crate::writeback::recovery::{made, touched};

/// How answers were lost: what it says of the objects.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lost {
    code: &'static str,
    blame: Blame,
}

/// Whose failure it is when a modify was not made.
#[derive(Debug, Clone, Copy)]
enum Blame {
    /// The connection broke before any of them.
    Nobody,
    /// The connection broke at the answer to this item; the others were under way with it.
    One(usize),
    /// The batch itself is odd.
    All,
}

impl Default for Lost {
    fn default() -> Self {
        Self { code: code::AGENT_SIGNALING, blame: Blame::Nobody }
    }
}

impl Lost {
    /// The connection broke at the answer to this item.
    pub(super) fn at(item: Option<usize>) -> Self {
        let blame = item.map_or(Blame::Nobody, Blame::One);
        Self { blame, ..Self::default() }
    }

    /// The whole call failed.
    pub(super) fn by(error: &CallError) -> Self {
        let blame = match error {
            CallError::Malformed { .. } => Blame::All,
            _ => Blame::Nobody,
        };
        Self { code: Failure::of_call(error, Side::Agent).code, blame }
    }

    /// What it is to an item that its modify was not made.
    fn class_of(self, item: usize) -> Class {
        match self.blame {
            Blame::All => Class::Transient,
            Blame::One(broke) if broke == item => Class::Transient,
            Blame::One(_) | Blame::Nobody => Class::Interrupted,
        }
    }
}

impl Batch {
    /// Reads the objects whose modify went unanswered. When nobody answers that either, the cycle
    /// fails, the intents stay, and the next cycle reads them first.
    pub(super) fn resolve(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<BatchEnd> {
        let names = touched(self.unknown.iter().filter_map(|at| self.items[*at].intent.as_ref()));
        let guids: Vec<ObjectGuid> = self
            .unknown
            .iter()
            .filter_map(|at| self.items[*at].intent.as_ref().map(|intent| intent.object))
            .collect();
        let result = ports.directory.read(&self.agent, &guids, &names);
        let mut found = match desk.settle(result, Side::Agent, now) {
            Ok(Answer::Value(found)) => found,
            Ok(Answer::Later(at)) => return Ok(Turn::Wait(at)),
            Err(end @ Interrupt::End(_)) => return Err(end),
            Err(stop) => {
                for index in core::mem::take(&mut self.unknown) {
                    Mark::WriteUndetermined.reach();
                    self.items[index].verdict = Some(Verdict::Undetermined);
                }
                self.stop_sending(stop);
                return Ok(Turn::Busy);
            }
        };
        found.sort_unstable_by_key(|object| object.guid);
        for index in core::mem::take(&mut self.unknown) {
            let unsent = self.unsent(index);
            let item = &mut self.items[index];
            let Some(intent) = &item.intent else { continue };
            if let Some(object) = object_of(&found, intent.object) {
                item.made = made(intent, object, &names, item.made);
            }
            let attributes = intent.changes.iter().map(|change| &change.property.attribute);
            let unmade = attributes.enumerate().filter(|(number, attribute)| {
                !item.made.has(*number) && !unsent.contains(attribute)
            });
            let unmade: Vec<&str> = unmade.map(|(_, attribute)| attribute.as_ref()).collect();
            let refused = matches!(item.verdict, Some(Verdict::Failed(_)));
            if unmade.is_empty() && (unsent.is_empty() || !refused) {
                Mark::WriteWasMade.reach();
                let verdict = if planted!(desk.bugs, ForgetTheUnanswered) {
                    Verdict::Redundant { quiet: true }
                } else {
                    Verdict::Written
                };
                item.verdict = Some(verdict);
            } else if refused {
                // Another of its modifies was refused, and that says more.
            } else {
                Mark::WriteWasNotMade.reach();
                let which = match item.made.any() {
                    true => format!(" for {}", unmade.join(", ")),
                    false => String::new(),
                };
                let detail = format!(
                    "no answer came to the modify, and reading shows that it was not made{which}"
                );
                item.fail(self.lost.class_of(index), self.lost.code, &detail);
            }
        }
        self.stage = Stage::Poll;
        Ok(Turn::Busy)
    }

    /// The attributes of an item whose modifies are still to be sent, where it has several.
    fn unsent(&self, index: usize) -> Vec<Name> {
        let rest = self.pieces[self.sent..].iter().take_while(|piece| piece.item == index);
        rest.flat_map(|piece| &piece.changes).map(|change| change.attribute.clone()).collect()
    }
}
