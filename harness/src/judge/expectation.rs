//! Whether the expectations of a file hold now, and what to say when they do not.

use sim::estate::{Estate, Subject};
use sim::ledger::{LastWriter, ObjectKey, Side};

use super::compare::{holds, spelled};
use super::things::meant;
use super::values::{place_of, values};
use super::verdict::{Finding, Location, Rule};
use crate::observe::{Counters, History};
use crate::scenario::{AttributeExpectation, Comparison, Expectations, Span};
use crate::stage::Roster;

/// What expectations are checked against.
pub struct Scene<'a> {
    /// The estate.
    pub estate: &'a Estate,
    /// Who selectors mean.
    pub roster: &'a Roster,
    /// The counts so far.
    pub counters: &'a Counters,
    /// The recent events.
    pub history: &'a History,
    /// The file's text, for places in it.
    pub source: &'a str,
}

impl Scene<'_> {
    /// Everything of `expectations` that does not hold now.
    pub(super) fn failures(&self, expectations: &Expectations) -> Vec<Finding> {
        let mut findings = Vec::new();
        for expectation in &expectations.mailboxes {
            let subjects = meant(self.estate, self.roster, &expectation.mailboxes.value);
            if subjects.is_empty() {
                findings.push(self.finding(
                    "the selection names nobody".to_owned(),
                    "at least one mailbox".to_owned(),
                    "none".to_owned(),
                    expectation.mailboxes.span,
                ));
            }
            for demand in &expectation.attributes {
                for subject in &subjects {
                    findings.extend(self.attribute(subject, demand));
                }
            }
        }
        let measured = self.measured(expectations);
        let wrong = measured.iter().filter(|measured| !measured.holds);
        findings.extend(wrong.map(|measured| self.told(measured, false)));
        findings
    }

    fn attribute(&self, subject: &Subject, demand: &AttributeExpectation) -> Option<Finding> {
        let actual = values(self.estate, subject, &demand.path.value);
        if holds(&demand.comparison.value, &actual) {
            return None;
        }
        let message = format!("{} is not as expected", demand.path.value);
        let mut finding = self.of_attribute(subject, demand, message, &actual);
        let place = place_of(self.estate, subject, &demand.path.value);
        if let Some((_, number)) = place.filter(|(key, _)| key.side == Side::Ad) {
            finding.chain.extend(self.unwritten(subject, number));
        }
        Some(finding)
    }

    /// A finding about an attribute of somebody: who wrote it last, and what led there.
    fn of_attribute(
        &self,
        subject: &Subject,
        demand: &AttributeExpectation,
        message: String,
        actual: &[String],
    ) -> Finding {
        let path = &demand.path.value;
        let mut finding = self.finding(
            message,
            demand.comparison.value.to_string(),
            super::shown(actual),
            demand.comparison.span,
        );
        let place = place_of(self.estate, subject, path);
        let last = place.and_then(|(key, number)| self.estate.ledger.last_writer(key, number));
        finding.object = Some(subject.name.to_string());
        finding.attribute = Some(path.to_string());
        finding.last_writer = last.as_ref().map(told_writer);
        let about = place.map(|(key, number)| (key.side, number));
        if let Some(person) = self.estate.number_of(subject) {
            let chain = self.history.chain(person, about);
            finding.chain = chain.lines_after(self.estate, last.as_ref());
        }
        finding
    }

    /// The finding that something of `expectations`, of which nothing must ever hold, holds now: the first
    /// attribute of the first mailbox, or the first number, for which that is so.
    #[must_use]
    pub fn came_true(&self, expectations: &Expectations, words: &str) -> Option<Finding> {
        let mut finding = self.came_true_of_somebody(expectations).or_else(|| {
            let measured = self.measured(expectations);
            // Several comparisons of one number are one thing.
            let came = measured
                .iter()
                .find(|one| measured.iter().all(|other| other.holds || !other.is_of(one)));
            came.map(|measured| self.told(measured, true))
        })?;
        finding.rule = Rule::Expectation(words.to_owned());
        finding.expected = Some("never".to_owned());
        finding.location = Some(Location::of(expectations.span, self.source));
        Some(finding)
    }

    fn came_true_of_somebody(&self, expectations: &Expectations) -> Option<Finding> {
        for expectation in &expectations.mailboxes {
            for subject in &meant(self.estate, self.roster, &expectation.mailboxes.value) {
                for demand in &expectation.attributes {
                    let path = &demand.path.value;
                    let actual = values(self.estate, subject, path);
                    let holds_too = |comparison: &Comparison| {
                        holds(comparison, &spelled(actual.clone(), comparison))
                    };
                    // Several comparisons of one attribute are one thing.
                    if expectation.of(path).all(holds_too) {
                        let message = format!("{path} came to be what it must never be");
                        return Some(self.of_attribute(subject, demand, message, &actual));
                    }
                }
            }
        }
        None
    }

    /// What is told of somebody about whom a step or an entry of the log is.
    #[must_use]
    pub fn about(&self, subject: &Subject, finding: Finding) -> Finding {
        let person = self.estate.number_of(subject);
        let chain = person.map(|person| self.history.chain(person, None).lines(self.estate));
        let object = Some(subject.name.to_string());
        Finding { object, chain: chain.unwrap_or_default(), ..finding }
    }

    /// A finding that something demanded at a place of the file is otherwise.
    pub(super) fn finding(
        &self,
        message: String,
        expected: String,
        actual: String,
        span: Span,
    ) -> Finding {
        let text = self.source.get(span.range()).unwrap_or_default().trim();
        Finding {
            rule: Rule::Expectation(text.lines().next().unwrap_or_default().to_owned()),
            message,
            object: None,
            attribute: None,
            expected: Some(expected),
            actual: Some(actual),
            last_writer: None,
            at: self.estate.now().to_string(),
            chain: Vec::new(),
            location: Some(Location::of(span, self.source)),
        }
    }
}

/// Who wrote an attribute last, when and with whose authority; `None` when nobody has since the start.
#[must_use]
pub fn last_writer(estate: &Estate, key: ObjectKey, attribute: u16) -> Option<String> {
    estate.ledger.last_writer(key, attribute).as_ref().map(told_writer)
}

/// A last writer in words.
pub(super) fn told_writer(last: &LastWriter) -> String {
    let authority = match last.cloud_managed {
        Some(true) => ", authority in the cloud",
        Some(false) => ", authority on-premises",
        None => "",
    };
    format!("{} ({}) at {}{authority}", last.actor.name, last.actor.activity.word(), last.at)
}
