//! Judge: the oracles, the expectations, and the verdict they come to.
//!
//! Verdicts come from the estate's own truth. Oracles watch the ledger as it grows and look at the
//! estate once more when it is quiet; they never ask the engine, except for what it logged.

mod authority;
mod contract;
mod convergence;
mod exactly_once;
pub mod expectation;
mod mapping;
mod one_primary;
mod quiescence;
pub mod verdict;

use std::collections::BTreeMap;

use sim::clock::VirtualTime;
use sim::directory::request::ObjectNumber;
use sim::estate::{Estate, Subject};
use sim::ledger::{Event, ObjectKey, Outcome, Side};

use crate::observe::History;
use verdict::{Finding, Rule};

/// The always-on rules, by the names that `suspend` uses.
pub const ORACLES: [&str; 6] =
    ["contract", "authority", "one_primary", "exactly_once", "convergence", "quiescence"];

/// Findings of one oracle that are reported; more are counted.
const SHOWN: usize = 10;

/// What an oracle says before it is dressed for a report.
#[derive(Debug, Clone)]
struct Charge {
    oracle: &'static str,
    at: VirtualTime,
    object: Option<ObjectKey>,
    attribute: Option<u16>,
    message: String,
    expected: Option<String>,
    actual: Option<String>,
}

/// A rule that watches the ledger as it grows.
trait Oracle {
    /// Looks at one event, after it happened.
    fn observe(&mut self, event: &Event, estate: &Estate) -> Option<Charge>;

    /// The rule with everything it remembers.
    fn copy(&self) -> Box<dyn Oracle>;
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
    quiescence: quiescence::Quiescence,
    findings: Vec<Finding>,
    charged: BTreeMap<&'static str, usize>,
    suspended: Vec<String>,
    /// Charges that a suspension held back, by oracle.
    held_back: BTreeMap<&'static str, usize>,
    /// When the directory last refused the engine, by object.
    refused: Refusals,
}

/// When the directory last refused a modify of the engine, by object: the evidence behind a logged
/// failure.
type Refusals = BTreeMap<ObjectKey, VirtualTime>;

impl Bench {
    /// The oracles, but for those that a scenario suspends.
    #[must_use]
    pub fn new(suspended: Vec<String>) -> Self {
        Self {
            oracles: vec![
                Box::new(contract::Contract::default()),
                Box::new(authority::Authority::default()),
                Box::new(one_primary::OnePrimary),
                Box::new(exactly_once::ExactlyOnce::default()),
            ],
            quiescence: quiescence::Quiescence::default(),
            findings: Vec::new(),
            charged: BTreeMap::new(),
            suspended,
            held_back: BTreeMap::new(),
            refused: Refusals::new(),
        }
    }

    /// Shows an event to every oracle.
    pub fn observe(&mut self, event: &Event, estate: &Estate, history: &History) {
        let mut charges: Vec<Charge> =
            self.oracles.iter_mut().filter_map(|oracle| oracle.observe(event, estate)).collect();
        charges.extend(self.quiescence.observe(event));
        if let Event::Outcome(Outcome {
            side: Side::Ad, object: Some(key), code, at, actor, ..
        }) = event
            && *code != 0
            && actor.activity.is_automatic()
        {
            self.refused.insert(*key, *at);
        }
        for charge in charges {
            self.charge(charge, estate, history);
        }
    }

    /// From now on a write by the engine is a violation of quiescence, until the time ends.
    pub fn expect_quiet(&mut self, quiet: bool) {
        self.quiescence.active = quiet;
    }

    /// Compares AD with the mapping of the cloud state. Answers how many objects were compared and
    /// how many differ without excuse; with `charge`, each of them becomes a finding.
    pub fn compare(
        &mut self,
        estate: &Estate,
        history: &History,
        healed: VirtualTime,
        charge: bool,
    ) -> Comparison {
        let result = convergence::compare(estate, healed, &self.refused);
        if charge {
            for charge in result.charges {
                self.charge(charge, estate, history);
            }
        }
        Comparison { compared: result.compared, differing: result.differing, notes: result.notes }
    }

    /// The rules that are suspended although nothing broke them.
    #[must_use]
    pub fn needless_suspensions(&self) -> Vec<&str> {
        let needless = |name: &&String| !self.held_back.contains_key(name.as_str());
        self.suspended.iter().filter(needless).map(String::as_str).collect()
    }

    /// Charges that nothing came to rest where it had to.
    pub fn no_rest(&mut self, estate: &Estate, message: String) {
        let charge = Charge {
            oracle: "quiescence",
            at: estate.now(),
            object: None,
            attribute: None,
            message,
            expected: Some("a cycle that ends without a failure of its own".to_owned()),
            actual: None,
        };
        self.charge(charge, estate, &History::default());
    }

    /// The findings so far, with a line for those that were only counted.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = self.findings.clone();
        for (oracle, count) in self.charged.iter().filter(|(_, count)| **count > SHOWN) {
            if let Some(last) =
                findings.iter_mut().rev().find(|f| f.rule == Rule::Oracle((*oracle).to_owned()))
            {
                last.message = format!("{} (and {} more)", last.message, count - SHOWN);
            }
        }
        findings
    }

    fn charge(&mut self, charge: Charge, estate: &Estate, history: &History) {
        if self.suspended.iter().any(|name| name == charge.oracle) {
            *self.held_back.entry(charge.oracle).or_default() += 1;
            return;
        }
        let count = self.charged.entry(charge.oracle).or_default();
        *count += 1;
        if *count > SHOWN {
            return;
        }
        self.findings.push(dressed(charge, estate, history));
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

/// A charge with names for people, the last writer and the chain.
fn dressed(charge: Charge, estate: &Estate, history: &History) -> Finding {
    let subject = charge.object.and_then(|key| subject_of(estate, key));
    let attribute = charge.object.zip(charge.attribute).map(|(key, attribute)| {
        format!("{}.{}", key.side.short(), crate::observe::attribute_name(estate, key, attribute))
    });
    let last_writer = charge
        .object
        .zip(charge.attribute)
        .and_then(|(key, attribute)| expectation::last_writer(estate, key, attribute));
    Finding {
        rule: Rule::Oracle(charge.oracle.to_owned()),
        message: charge.message,
        object: subject.map(|subject| subject.name.to_string()).or_else(|| {
            charge.object.map(|key| format!("{} object {}", key.side.short(), key.number))
        }),
        attribute,
        expected: charge.expected,
        actual: charge.actual,
        last_writer,
        at: charge.at.to_string(),
        chain: subject.map(|subject| history.chain(subject, estate)).unwrap_or_default(),
        location: None,
    }
}

fn subject_of(estate: &Estate, key: ObjectKey) -> Option<&Subject> {
    match key.side {
        Side::Ad => estate.subject_of_ad(key.forest, ObjectNumber(key.number)),
        Side::Exchange => estate.subject_of_mailbox(key.number),
        Side::Entra => {
            let id = estate.entra.user(key.number)?.id;
            estate.subject_of_mailbox(estate.exchange.by_id(id)?)
        }
    }
}

/// Values for people: one as it is, several as a JSON list, so that they can be told apart whatever
/// is in them.
fn shown<V: AsRef<[u8]>>(values: &[V]) -> String {
    match values {
        [] => "(absent)".to_owned(),
        [only] => String::from_utf8_lossy(only.as_ref()).into_owned(),
        several => {
            let list: serde_json::Value =
                several.iter().map(|v| String::from_utf8_lossy(v.as_ref())).collect();
            list.to_string()
        }
    }
}

#[cfg(test)]
mod tests;
