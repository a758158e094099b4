//! The recent events, and the chain of those that led to a finding.

use std::collections::VecDeque;

use sim::estate::{Estate, Subject};
use sim::exchange::property;
use sim::ledger::{Event, ObjectKey, Side, Write};

/// Events that are kept: enough for every small scenario, bounded for large ones.
const KEPT: usize = 16_384;
/// Links of a chain.
const LINKS: usize = 12;
/// Characters of a value in a chain.
const SHOWN: usize = 120;

/// The recent events, oldest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    events: VecDeque<Event>,
}

impl History {
    /// Takes an event in. Reads and questions are not kept: they lead to nothing by themselves.
    pub fn keep(&mut self, event: Event) {
        if matches!(event, Event::Read(_) | Event::Question(_)) {
            return;
        }
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// The last events that concern a person on any side, and the faults between them, oldest first.
    #[must_use]
    pub fn chain(&self, subject: &Subject, estate: &Estate) -> Vec<String> {
        let concerns = |key: ObjectKey| match key.side {
            Side::Ad => subject.ad.is_some_and(|ad| ObjectKey::ad(ad.forest, ad.number) == key),
            Side::Entra => subject.entra == Some(key.number),
            Side::Exchange => subject.exchange == Some(key.number),
        };
        let mut links: Vec<String> = self
            .events
            .iter()
            .rev()
            .filter_map(|event| match event {
                Event::Write(write) if concerns(write.object) => Some(describe(write, estate)),
                Event::Outcome(outcome) if outcome.object.is_some_and(concerns) => {
                    (outcome.code != 0 || !outcome.answered || !outcome.effective).then(|| {
                        let lost = if outcome.answered { "" } else { ", the answer was lost" };
                        let effect = if outcome.effective { "" } else { " without effect" };
                        format!(
                            "{} {} ({}): {} answers {}{effect}{lost} {}",
                            outcome.at,
                            outcome.actor.name,
                            outcome.actor.activity.word(),
                            if outcome.side == Side::Ad { "LDAP" } else { "Exchange Online" },
                            outcome.code,
                            outcome.diagnostic.trim()
                        )
                        .trim_end()
                        .to_owned()
                    })
                }
                Event::Fault(hit) => {
                    Some(format!("{} fault {} at {}", hit.at, hit.name, hit.place))
                }
                Event::Write(_) | Event::Outcome(_) | Event::Question(_) | Event::Read(_) => None,
            })
            .take(LINKS)
            .collect();
        links.reverse();
        links
    }
}

/// One write as a line.
fn describe(write: &Write, estate: &Estate) -> String {
    let changes: Vec<String> = write
        .changes
        .iter()
        .map(|change| {
            format!(
                "{}.{} {} -> {}",
                write.object.side.short(),
                attribute_name(estate, write.object, change.attribute),
                shown(&change.old),
                shown(&change.new)
            )
        })
        .collect();
    format!(
        "{} {} ({}): {}",
        write.at,
        write.actor.name,
        write.actor.activity.word(),
        changes.join(", ")
    )
}

/// The documented spelling of an attribute of an object.
#[must_use]
pub fn attribute_name(estate: &Estate, object: ObjectKey, attribute: u16) -> String {
    match object.side {
        Side::Ad => estate
            .forests
            .get(object.forest)
            .and_then(|forest| forest.schema().attribute(attribute))
            .map_or_else(|| attribute.to_string(), |a| a.name.to_string()),
        Side::Entra => sim::entra::property::name(attribute).unwrap_or("?").to_owned(),
        Side::Exchange => property::name(attribute).to_owned(),
    }
}

/// Values for people: one as it is, several as a JSON list, so that they can be told apart whatever
/// is in them.
fn shown(values: &[Box<[u8]>]) -> String {
    let text = match values {
        [] => return "(absent)".to_owned(),
        [only] => String::from_utf8_lossy(only).into_owned(),
        several => {
            let list: serde_json::Value =
                several.iter().map(|v| String::from_utf8_lossy(v)).collect();
            list.to_string()
        }
    };
    if text.chars().count() > SHOWN {
        let start: String = text.chars().take(SHOWN).collect();
        return format!("{start}... ({} characters)", text.chars().count());
    }
    text
}
