//! Judge: the oracles, the expectations, and the verdict they come to.
//!
//! Verdicts come from the estate's own truth. Oracles watch the ledger as it grows and look at the
//! estate once more when it is quiet; they never ask the engine, except for what it logged.

mod absent_not_empty;
mod after_crash;
mod authority;
mod codes;
pub mod compare;
mod contract;
mod convergence;
mod exactly_once;
pub mod expectation;
mod expression;
mod failing;
mod given_back;
mod heard;
mod identity_stays_home;
mod inbound;
mod invented;
mod isolation;
mod job_scope;
mod lag;
mod logged_truthfully;
mod lost_update;
mod machines;
mod mapping;
mod measure;
mod no_structural_change;
mod one_primary;
mod oscillation;
mod out_of_scope;
mod quiescence;
mod read_back;
mod replicas;
pub mod rest;
mod resurrection;
mod scope;
pub mod things;
pub mod undecided;
mod unwritten;
pub mod values;
pub mod verdict;
mod versions;
mod what_stays;

pub use scope::{About, Outside, about};

use std::collections::BTreeMap;
use std::time::Duration;

use sim::clock::VirtualTime;
use sim::estate::Estate;
use sim::ledger::{Change, Event, LastWriter, ObjectKey, Write};

use crate::observe::{Chain, History, shown};
use failing::Failing;
use heard::Heard;
use verdict::{Finding, Rule};

/// The always-on rules, by the names that `suspend` uses.
pub const ORACLES: [&str; 17] = [
    "contract",
    "authority",
    "identity_stays_home",
    "out_of_scope",
    "lost_update",
    "resurrection",
    "oscillation",
    "exactly_once",
    "convergence",
    "quiescence",
    "one_primary",
    "absent_not_empty",
    "logged_truthfully",
    "isolation",
    "read_back",
    "no_structural_change",
    "after_crash",
];

/// How long a fault may hold back what travels, between domain controllers or to Exchange Online: as long as any
/// run waits for rest.
const HELD_BACK: Duration = Duration::from_hours(25);

/// Findings of one oracle that are reported; more are counted.
const SHOWN: usize = 10;

/// What an oracle says before it is dressed for a report.
#[derive(Debug, Clone)]
struct Charge {
    oracle: &'static str,
    at: VirtualTime,
    object: Option<ObjectKey>,
    /// Whose object it is, where the event does not tell.
    person: Option<u32>,
    attribute: Option<u16>,
    /// Who wrote the attribute last, when the charge is about that write. Else whoever it is when the
    /// charge is dressed.
    writer: Option<LastWriter>,
    message: String,
    expected: Option<String>,
    actual: Option<String>,
}

impl Charge {
    /// About one change of a write: what was there before is what is expected.
    fn of_write(oracle: &'static str, write: &Write, change: &Change, message: String) -> Self {
        Self {
            attribute: Some(change.attribute),
            expected: Some(shown(&change.old)),
            actual: Some(shown(&change.new)),
            ..Self::of_whole_write(oracle, write, message)
        }
    }

    /// About a write as such: its first change, where it has one.
    fn of_any_write(oracle: &'static str, write: &Write, message: String) -> Self {
        match write.changes.first() {
            Some(change) => Self::of_write(oracle, write, change, message),
            None => Self::of_whole_write(oracle, write, message),
        }
    }

    fn of_whole_write(oracle: &'static str, write: &Write, message: String) -> Self {
        Self {
            oracle,
            at: write.at,
            object: Some(write.object),
            person: None,
            attribute: None,
            writer: Some(LastWriter {
                at: write.at,
                actor: write.actor.clone(),
                cloud_managed: write.cloud_managed,
            }),
            message,
            expected: None,
            actual: None,
        }
    }
}

/// A charge with what led to it.
#[derive(Debug, Clone)]
struct Held {
    charge: Charge,
    person: Option<u32>,
    chain: Chain,
}

/// Kinds of events that a rule looks at.
#[derive(Clone, Copy)]
enum Kind {
    Write,
    Read,
    Outcome,
    /// Log entries, cycles of either job, claims, the process.
    Said,
    Question,
    /// A modify that comes later than it was sent.
    HeldBack,
    /// A modify that never comes.
    NotArrived,
    /// A fault that did something.
    Fault,
}

/// How many kinds there are.
const KINDS: usize = Kind::Fault as usize + 1;

/// A rule that watches the ledger as it grows.
trait Oracle: Send {
    /// What it looks at.
    fn kinds(&self) -> &'static [Kind];

    /// Looks at one event, after it happened.
    fn observe(&mut self, event: &Event, about: About) -> Option<Charge>;

    /// What else the event brought that was charged last; asked until there is nothing more.
    fn more(&mut self) -> Option<Charge> {
        None
    }

    /// What is still open when the estate has come to rest.
    fn at_rest(&mut self, _: &Estate) -> Vec<Charge> {
        Vec::new()
    }

    /// The rule with everything it remembers.
    fn copy(&self) -> Box<dyn Oracle>;
}

/// The kind of an event.
const fn kind_of(event: &Event) -> Kind {
    match event {
        Event::Write(_) => Kind::Write,
        Event::Read(_) => Kind::Read,
        Event::Outcome(_) => Kind::Outcome,
        Event::Logged(_)
        | Event::Cycle(_)
        | Event::Claim(_)
        | Event::Process(_)
        | Event::Schema(_)
        | Event::Order(_)
        | Event::Job(_)
        | Event::Committed(_)
        | Event::Synchronized(_) => Kind::Said,
        Event::Question(_) => Kind::Question,
        Event::HeldBack(_) => Kind::HeldBack,
        Event::NotArrived(_) => Kind::NotArrived,
        Event::Fault(_) => Kind::Fault,
    }
}

impl Clone for Box<dyn Oracle> {
    fn clone(&self) -> Self {
        self.as_ref().copy()
    }
}

/// All oracles of a run, with everything they remember and found.
#[derive(Clone)]
pub struct Bench {
    oracles: Vec<Box<dyn Oracle>>,
    /// By kind of event, the oracles that look at it.
    watching: [Vec<usize>; KINDS],
    quiescence: quiescence::Quiescence,
    held: Vec<Held>,
    charged: BTreeMap<&'static str, usize>,
    suspended: Vec<String>,
    /// Charges that a suspension held back, by oracle.
    held_back: BTreeMap<&'static str, usize>,
    /// Whose last entry in the log is a failure.
    failing: Failing,
    heard: Heard,
    /// What is not in line after the bound for it, and is not charged yet.
    overdue: Vec<Charge>,
}

impl Bench {
    /// The oracles for an estate as it is before the story, but for those that a scenario suspends.
    #[must_use]
    pub fn new(estate: &Estate, suspended: Vec<String>) -> Self {
        let oracles: Vec<Box<dyn Oracle>> = vec![
            Box::new(contract::Contract::new(estate)),
            Box::new(what_stays::WhatStays::new(estate)),
            Box::new(invented::Invented::default()),
            Box::new(authority::Authority::new(estate)),
            Box::new(identity_stays_home::IdentityStaysHome::new()),
            Box::new(out_of_scope::OutOfScope::default()),
            Box::new(lost_update::LostUpdate::new(estate)),
            Box::new(resurrection::Resurrection::new(estate)),
            Box::new(oscillation::Oscillation::new(estate)),
            Box::new(exactly_once::ExactlyOnce::default()),
            Box::new(one_primary::OnePrimary::default()),
            Box::new(absent_not_empty::AbsentNotEmpty),
            Box::new(logged_truthfully::LoggedTruthfully::new(estate)),
            Box::new(isolation::Isolation::new(estate)),
            Box::new(read_back::ReadBack::default()),
            Box::new(no_structural_change::NoStructuralChange),
            Box::new(after_crash::AfterCrash::default()),
        ];
        Self::of(oracles, Heard::new(estate), suspended)
    }

    /// A bench without oracles, which finds nothing: to measure what they cost.
    #[must_use]
    pub fn empty(_: &Estate, suspended: Vec<String>) -> Self {
        Self::of(Vec::new(), Heard::default(), suspended)
    }

    fn of(oracles: Vec<Box<dyn Oracle>>, heard: Heard, suspended: Vec<String>) -> Self {
        let mut watching: [Vec<usize>; KINDS] = Default::default();
        for (at, oracle) in oracles.iter().enumerate() {
            for kind in oracle.kinds() {
                watching[*kind as usize].push(at);
            }
        }
        Self {
            oracles,
            watching,
            quiescence: quiescence::Quiescence::default(),
            held: Vec::new(),
            charged: BTreeMap::new(),
            suspended,
            held_back: BTreeMap::new(),
            failing: Failing::default(),
            heard,
            overdue: Vec::new(),
        }
    }

    /// Shows an event to every oracle.
    pub fn observe(&mut self, event: &Event, about: About, history: &History) {
        let kind = kind_of(event);
        for place in 0..self.watching[kind as usize].len() {
            let at = self.watching[kind as usize][place];
            let mut next = self.oracles[at].observe(event, about);
            while let Some(charge) = next {
                self.charge(charge, about.whose, history);
                next = self.oracles[at].more();
            }
        }
        if let Some(charge) = self.quiescence.observe(event, about.whose, &self.failing) {
            self.charge(charge, about.whose, history);
        }
        match event {
            Event::Logged(logged) => self.failing.note(logged, about.whose),
            Event::Job(news) if !self.oracles.is_empty() => {
                if let Some(charge) = isolation::quarantined(news, &self.failing) {
                    self.charge(charge, None, history);
                }
            }
            _ => {}
        }
        self.heard.note(event);
    }

    /// From now on a write by the engine is a violation of quiescence, until the time ends.
    pub fn expect_quiet(&mut self, quiet: bool) {
        self.quiescence.active = quiet;
    }

    /// Compares AD with the mapping of the cloud state, and what AD is the source of with AD. Answers how
    /// many objects were compared and how many differ without excuse; with `charge`, each of them becomes a finding.
    pub fn compare(
        &mut self,
        estate: &Estate,
        history: &History,
        healed: VirtualTime,
        charge: bool,
    ) -> Comparison {
        if self.oracles.is_empty() {
            return Comparison::default();
        }
        let mut result = convergence::compare(estate, healed, &self.heard);
        replicas::compare(estate, &mut result);
        inbound::compare(estate, &self.heard, &mut result);
        if charge {
            for charge in result.charges {
                let held_up = isolation::held_up(&charge, &self.heard.refused, healed);
                self.charge_with(estate, charge, history);
                if let Some(charge) = held_up {
                    self.charge_with(estate, charge, history);
                }
            }
        }
        Comparison { compared: result.compared, differing: result.differing, notes: result.notes }
    }

    /// Notes who is not in line although the bound for it has passed: nothing keeps them from it, and the
    /// next cycle and one more have ended. Whoever failed waits for a step of the ladder.
    pub fn note_overdue(&mut self, estate: &Estate, healed: VirtualTime) {
        if !self.oracles.is_empty() {
            self.overdue = convergence::overdue(estate, healed, &self.heard);
        }
    }

    /// Charges whoever came in line after the bound only.
    pub fn charge_overdue(&mut self, estate: &Estate, history: &History) {
        for charge in core::mem::take(&mut self.overdue) {
            self.charge_with(estate, charge, history);
        }
    }

    /// Asks every oracle what is still open, once the estate has come to rest.
    pub fn at_rest(&mut self, estate: &Estate, history: &History) {
        for at in 0..self.oracles.len() {
            for charge in self.oracles[at].at_rest(estate) {
                self.charge_with(estate, charge, history);
            }
        }
    }

    fn charge_with(&mut self, estate: &Estate, charge: Charge, history: &History) {
        let person = charge.object.and_then(|key| estate.whose(key));
        self.charge(charge, person, history);
    }

    /// The rules that are suspended although nothing broke them.
    #[must_use]
    pub fn needless_suspensions(&self) -> Vec<&str> {
        let needless = |name: &&String| !self.held_back.contains_key(name.as_str());
        self.suspended.iter().filter(needless).map(String::as_str).collect()
    }

    /// Charges that nothing came to rest where it had to.
    pub fn no_rest(&mut self, now: VirtualTime, message: String) {
        let charge = Charge {
            oracle: "quiescence",
            at: now,
            object: None,
            person: None,
            attribute: None,
            writer: None,
            message,
            expected: Some("a cycle that ends without a failure of its own".to_owned()),
            actual: None,
        };
        self.charge(charge, None, &History::default());
    }

    /// The findings so far, with a line for those that were only counted.
    #[must_use]
    pub fn findings(&self, estate: &Estate) -> Vec<Finding> {
        let mut findings: Vec<Finding> =
            self.held.iter().map(|held| dressed(held, estate)).collect();
        for (oracle, count) in self.charged.iter().filter(|(_, count)| **count > SHOWN) {
            if let Some(last) =
                findings.iter_mut().rev().find(|f| f.rule == Rule::Oracle((*oracle).to_owned()))
            {
                last.message = format!("{} (and {} more)", last.message, count - SHOWN);
            }
        }
        findings
    }

    fn charge(&mut self, charge: Charge, person: Option<u32>, history: &History) {
        if self.suspended.iter().any(|name| name == charge.oracle) {
            *self.held_back.entry(charge.oracle).or_default() += 1;
            return;
        }
        let count = self.charged.entry(charge.oracle).or_default();
        *count += 1;
        if *count > SHOWN {
            return;
        }
        let person = charge.person.or(person);
        let about = charge.object.zip(charge.attribute).map(|(key, number)| (key.side, number));
        let chain = person.map(|person| history.chain(person, about)).unwrap_or_default();
        self.held.push(Held { charge, person, chain });
    }
}

/// What a comparison came to.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// Objects compared.
    pub compared: u64,
    /// Objects that differ without excuse.
    pub differing: u64,
    /// Drift and other differences with an excuse, for the report.
    pub notes: Vec<String>,
}

impl Comparison {
    /// Whether nothing differed at all, with or without excuse.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.differing == 0 && self.notes.is_empty()
    }
}

/// A charge with names for people, the last writer and the chain.
fn dressed(held: &Held, estate: &Estate) -> Finding {
    let charge = &held.charge;
    let subject = held.person.and_then(|person| estate.subjects().get(person as usize));
    let place = charge.object.zip(charge.attribute);
    let attribute = place.map(|(key, attribute)| {
        format!("{}.{}", key.side.short(), crate::observe::attribute_name(estate, key, attribute))
    });
    let writer = charge
        .writer
        .clone()
        .or_else(|| place.and_then(|(key, attribute)| estate.ledger.last_writer(key, attribute)));
    Finding {
        rule: Rule::Oracle(charge.oracle.to_owned()),
        message: charge.message.clone(),
        object: subject.map(|subject| subject.name.to_string()).or_else(|| {
            charge.object.map(|key| format!("{} object {}", key.side.short(), key.number))
        }),
        attribute,
        expected: charge.expected.clone(),
        actual: charge.actual.clone(),
        last_writer: writer.as_ref().map(expectation::told_writer),
        at: charge.at.to_string(),
        chain: held.chain.lines_after(estate, writer.as_ref()),
        location: None,
    }
}

#[cfg(test)]
mod tests;
