//! No attribute swings back and forth while nobody edits it.
//!
//! Why: two machines that each believe to have authority undo each other's write at every cycle, and
//! every reader follows. After an edit by somebody, or a flip, machines may bring an attribute to one
//! new state; none of them may take it back.

use std::hash::Hasher;

use hashbrown::HashMap;
use rustc_hash::{FxBuildHasher, FxHasher};
use sim::exchange::property;
use sim::ledger::{Activity, Event, ObjectKey, Write};
use sim::record::AttributeNumber;

use super::{Charge, Kind, Oracle};
use crate::observe::ByPerson;

/// The rule, with the last write of machines to each attribute.
#[derive(Clone, Default)]
pub(super) struct Oscillation {
    /// Writes so far, to tell before from after.
    now: u32,
    last: HashMap<(ObjectKey, AttributeNumber), Swing, FxBuildHasher>,
    /// When somebody last edited or flipped something of a person.
    touched: ByPerson<u32>,
}

#[derive(Clone, Copy)]
struct Swing {
    at: u32,
    from: u32,
    to: u32,
}

impl Oracle for Oscillation {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write, Kind::Said]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, whose: Option<u32>) -> Option<Charge> {
        let write = match event {
            Event::Write(write) => write,
            // Another mapping is an edit of everybody.
            Event::Schema(_) => {
                self.last.clear();
                return None;
            }
            _ => return None,
        };
        self.now += 1;
        let flips = write.changes.iter().any(|change| change.attribute == property::FLAG);
        let asked_for = write.actor.activity == Activity::Restore;
        if flips || asked_for || !write.actor.activity.is_automatic() {
            self.touched.set(whose?, self.now);
            return None;
        }
        self.swing(write, whose)
    }
}

impl Oscillation {
    fn swing(&mut self, write: &Write, whose: Option<u32>) -> Option<Charge> {
        let touched = whose.map_or(0, |person| self.touched.get(person));
        let mut back = None;
        for change in &write.changes {
            let swing = Swing { at: self.now, from: set(&change.old), to: set(&change.new) };
            let last = self.last.insert((write.object, change.attribute), swing);
            let undoes =
                |last: &Swing| last.at > touched && last.from == swing.to && last.to == swing.from;
            if back.is_none() && last.as_ref().is_some_and(undoes) {
                back = Some(change);
            }
        }
        let message = format!(
            "{} undid what a machine had written, and nobody had edited anything",
            write.actor.activity.word()
        );
        Some(Charge::of_write("oscillation", write, back?, message))
    }
}

/// A digest of values as a set: their order means nothing.
fn set(values: &[Box<[u8]>]) -> u32 {
    let sum = values.iter().fold(values.len() as u64, |sum, value| {
        let mut hasher = FxHasher::default();
        hasher.write(value);
        sum.wrapping_add(hasher.finish())
    });
    u32::try_from(sum >> 32).unwrap_or_default()
}
