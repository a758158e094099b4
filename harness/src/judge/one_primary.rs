//! One primary address and no duplicate, on every side, in every list that a machine wrote.
//!
//! Why: the primary SMTP address is known by its upper-case prefix alone, so two of them or none make
//! mail flow a matter of luck (Microsoft Learn, "How the proxyAddresses attribute is populated in
//! Microsoft Entra ID"). Malformed lists that a scenario planted are nobody's write. What the engine sent is judged by
//! what it had read: a list that somebody changed in AD between the engine's read and its modify is judged as it would be
//! without that change; what came of both is drift, and convergence names it.

use std::collections::BTreeMap;

use sim::directory::schema::known;
use sim::exchange::property;
use sim::ledger::{Change, Event, ObjectKey, Side, Write};

use super::scope::exports;
use super::{About, Charge, Kind, Oracle};

/// The rule, with the lists of AD that people changed since the engine read the object, as they were before.
#[derive(Clone, Default)]
pub(super) struct OnePrimary {
    read: BTreeMap<ObjectKey, Vec<Box<[u8]>>>,
}

impl OnePrimary {
    /// Takes a change of a list of AD by a person in.
    fn by_hand(&mut self, write: &Write) {
        let of_addresses = |change: &&Change| change.attribute == known::PROXY_ADDRESSES;
        if let Some(change) = write.changes.iter().find(of_addresses) {
            self.read.entry(write.object).or_insert_with(|| change.old.clone());
        }
    }

    /// What the engine's change makes of the list that it had read. AD compares without case: what only changes its
    /// case is in both lists.
    fn as_read(&self, write: &Write, change: &Change) -> Option<Vec<String>> {
        let read = self.read.get(&write.object).filter(|_| exports(write.actor.activity))?;
        let lower = |values: &[Box<[u8]>]| -> Vec<String> {
            values.iter().map(|value| text(value).to_lowercase()).collect()
        };
        let (had, old, new) = (lower(read), lower(&change.old), lower(&change.new));
        let kept = read.iter().zip(&had).filter_map(|(value, folded)| {
            match new.iter().position(|other| other == folded) {
                Some(at) => change.new.get(at).map(|value| text(value)),
                None => (!old.contains(folded)).then(|| text(value)),
            }
        });
        let is_added = |folded: &String| !old.contains(folded) && !had.contains(folded);
        let added = change.new.iter().zip(&new).filter(|(_, folded)| is_added(folded));
        Some(kept.chain(added.map(|(value, _)| text(value))).collect())
    }
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

impl Oracle for OnePrimary {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write, Kind::Read]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, _: About) -> Option<Charge> {
        let write = match event {
            Event::Write(write) => write,
            Event::Read(read) if read.object.side == Side::Ad && exports(read.activity) => {
                if !self.read.is_empty() {
                    self.read.remove(&read.object);
                }
                return None;
            }
            _ => return None,
        };
        if !write.actor.activity.is_automatic() {
            if write.object.side == Side::Ad {
                self.by_hand(write);
            }
            return None;
        }
        let addresses = match write.object.side {
            Side::Ad => known::PROXY_ADDRESSES,
            Side::Entra | Side::Exchange => property::EMAIL_ADDRESSES,
        };
        let change = write.changes.iter().find(|change| change.attribute == addresses)?;
        let list: Vec<String> = change.new.iter().map(|value| text(value)).collect();
        let problem = problem_of(&list)?;
        if self.as_read(write, change).is_some_and(|list| problem_of(&list).is_none()) {
            return None;
        }
        let message = format!("{} left a list with {problem}", write.actor.activity.word());
        let expected = "exactly one value with the prefix SMTP:, none twice".to_owned();
        let charge = Charge::of_write("one_primary", write, change, message);
        Some(Charge { expected: Some(expected), ..charge })
    }
}

/// What is wrong with a list, if anything. An empty list has nothing to be wrong.
fn problem_of(values: &[String]) -> Option<String> {
    if values.is_empty() {
        return None;
    }
    let mut primaries = 0;
    for (place, value) in values.iter().enumerate() {
        if value.starts_with("SMTP:") {
            primaries += 1;
        }
        let lower = value.to_lowercase();
        if values[..place].iter().any(|other| other.to_lowercase() == lower) {
            return Some(format!("`{value}` twice"));
        }
    }
    let smtp = values.iter().any(|v| v.len() >= 5 && v[..5].eq_ignore_ascii_case("smtp:"));
    (smtp && primaries != 1).then(|| format!("{primaries} primary addresses"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(values: &[&str]) -> Option<String> {
        problem_of(&values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn exactly_one_primary_and_no_value_twice() {
        assert_eq!(problem(&["SMTP:a@x", "smtp:b@x", "X500:/o=x"]), None);
        assert_eq!(problem(&["X500:/o=x"]), None);
        assert!(problem(&["SMTP:a@x", "SMTP:b@x"]).is_some());
        assert!(problem(&["smtp:a@x"]).is_some());
        assert!(problem(&["SMTP:a@x", "smtp:A@x"]).is_some());
    }
}
