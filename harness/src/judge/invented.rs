//! An address that an export brings to AD was in the cloud.
//!
//! Part of `contract`. Why: what neither the mailbox nor its object had is nobody's address, and whoever writes to it
//! writes to a stranger, or to nobody. Where addresses are merged (switch `proxy_mode`), nothing at rest tells such a one
//! from AD's own. An address that was in the cloud at some time in the story may cross late: that is for
//! `resurrection`.

use std::hash::Hasher;

use hashbrown::HashMap;
use rustc_hash::{FxBuildHasher, FxHasher};
use sim::directory::schema::known;
use sim::estate::Estate;
use sim::exchange::property;
use sim::ledger::{Event, Side, Write, WriteKind};

use super::scope::exports;
use super::{About, Charge, Kind, Oracle};

/// The rule, with what exports brought and what the cloud had.
#[derive(Clone, Default)]
pub(super) struct Invented {
    /// By person, addresses that exports brought to AD, each with the charge if nobody had it.
    brought: HashMap<u32, Vec<(u64, Charge)>, FxBuildHasher>,
    /// By person, addresses that the cloud had and has no more.
    left: HashMap<u32, Vec<u64>, FxBuildHasher>,
}

/// Addresses are the same whatever their case.
fn folded(value: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(String::from_utf8_lossy(value).to_lowercase().as_bytes());
    hasher.finish()
}

impl Invented {
    fn export(&mut self, write: &Write, person: u32) {
        let addresses = |change: &&_| is_of(change, known::PROXY_ADDRESSES);
        for change in write.changes.iter().filter(addresses) {
            let had: Vec<u64> = change.old.iter().map(|value| folded(value)).collect();
            for value in &change.new {
                let brought = folded(value);
                if had.contains(&brought) {
                    continue;
                }
                let message = format!(
                    "{} wrote `{}`, which neither the mailbox nor the object had",
                    write.actor.activity.word(),
                    String::from_utf8_lossy(value)
                );
                let charge = Charge::of_write("contract", write, change, message);
                self.brought.entry(person).or_default().push((brought, charge));
            }
        }
    }

    fn edit(&mut self, write: &Write, person: u32) {
        if write.kind != WriteKind::Changed {
            // Another mailbox: of what the one before had nobody knows all.
            self.brought.remove(&person);
            return;
        }
        let addresses = |change: &&_| is_of(change, property::EMAIL_ADDRESSES);
        for change in write.changes.iter().filter(addresses) {
            let gone = change.old.iter().filter(|old| !change.new.contains(old));
            self.left.entry(person).or_default().extend(gone.map(|value| folded(value)));
        }
    }
}

const fn is_of(change: &sim::ledger::Change, attribute: u16) -> bool {
    change.attribute == attribute
}

impl Oracle for Invented {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, about: About) -> Option<Charge> {
        let Event::Write(write) = event else { return None };
        match write.object.side {
            Side::Ad if exports(write.actor.activity) => self.export(write, about.whose?),
            Side::Exchange => self.edit(write, about.whose?),
            Side::Ad | Side::Entra => {}
        }
        None
    }

    fn at_rest(&mut self, estate: &Estate) -> Vec<Charge> {
        let mut people: Vec<u32> = self.brought.keys().copied().collect();
        people.sort_unstable();
        let mut charges = Vec::new();
        for person in people {
            let subject = estate.subjects().get(person as usize);
            let mailbox = subject.and_then(|subject| estate.exchange.mailbox(subject.exchange?));
            let (Some(mailbox), Some(brought)) = (mailbox, self.brought.remove(&person)) else {
                continue;
            };
            let has = mailbox.record.values(property::EMAIL_ADDRESSES).map(folded);
            let mut had: Vec<u64> = self.left.get(&person).cloned().unwrap_or_default();
            had.extend(has);
            let strange = brought.into_iter().filter(|(address, _)| !had.contains(address));
            charges.extend(strange.map(|(_, charge)| charge));
        }
        charges
    }
}
