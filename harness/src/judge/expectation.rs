//! Whether the expectations of a file hold now, and what to say when they do not.

use std::time::Duration;

use sim::connect::{Policy, Run};
use sim::entra::job::Execution;
use sim::entra::log::LogEntry;
use sim::estate::{Estate, Subject};
use sim::ledger::{LastWriter, ObjectKey};

use super::compare::{holds, holds_number, spelled};
use super::values::{place_of, values};
use super::verdict::{Finding, Location, Rule};
use crate::observe::{Counters, History};
use crate::scenario::{
    AttributeExpectation, Expectations, LogExpectation, NamedExpectation, Span, run_of,
};
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
            let subjects = self.roster.subjects(self.estate, &expectation.mailboxes.value);
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
        let jobs = expectations.job.iter().filter(|demand| !self.lacks_its_cycle(demand));
        findings.extend(jobs.filter_map(|demand| self.job(demand)));
        findings
            .extend(expectations.quarantine.iter().filter_map(|demand| self.quarantine(demand)));
        findings.extend(expectations.log.iter().flat_map(|demand| self.log(demand)));
        findings.extend(expectations.counts.iter().filter_map(|demand| self.count(demand)));
        if self.has_lag() {
            findings.extend(expectations.lag.iter().filter_map(|demand| self.lag(demand)));
        }
        findings.extend(expectations.connect.iter().filter_map(|demand| self.connect(demand)));
        for agent in &expectations.agents {
            findings.extend(self.agent(&agent.agent.value, &agent.property));
        }
        findings
    }

    fn attribute(&self, subject: &Subject, demand: &AttributeExpectation) -> Option<Finding> {
        let actual = values(self.estate, subject, &demand.path.value);
        if holds(&demand.comparison.value, &actual) {
            return None;
        }
        let message = format!("{} is not as expected", demand.path.value);
        Some(self.of_attribute(subject, demand, message, &actual))
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
            self.any_number_holds(expectations).then(|| {
                let what = "what must never hold came to hold".to_owned();
                self.finding(what, String::new(), words.to_owned(), expectations.span)
            })
        })?;
        finding.rule = Rule::Expectation(words.to_owned());
        finding.expected = Some("never".to_owned());
        finding.location = Some(Location::of(expectations.span, self.source));
        Some(finding)
    }

    fn came_true_of_somebody(&self, expectations: &Expectations) -> Option<Finding> {
        for expectation in &expectations.mailboxes {
            for subject in self.roster.subjects(self.estate, &expectation.mailboxes.value) {
                for demand in &expectation.attributes {
                    let (path, comparison) = (&demand.path.value, &demand.comparison.value);
                    let actual = values(self.estate, subject, path);
                    if holds(comparison, &spelled(actual.clone(), comparison)) {
                        let message = format!("{path} came to be what it must never be");
                        return Some(self.of_attribute(subject, demand, message, &actual));
                    }
                }
            }
        }
        None
    }

    fn any_number_holds(&self, all: &Expectations) -> bool {
        let has_cycle = |demand: &&NamedExpectation| !self.lacks_its_cycle(demand);
        let has_run = |demand: &&NamedExpectation| !self.lacks_its_run(demand);
        all.job.iter().filter(has_cycle).any(|demand| self.job(demand).is_none())
            || all.quarantine.iter().any(|demand| self.quarantine(demand).is_none())
            || all.log.iter().any(|demand| self.log(demand).is_empty())
            || all.counts.iter().any(|demand| self.count(demand).is_none())
            || (self.has_lag() && all.lag.iter().any(|demand| self.lag(demand).is_none()))
            || all.connect.iter().filter(has_run).any(|demand| self.connect(demand).is_none())
            || all.agents.iter().any(|of| self.agent(&of.agent.value, &of.property).is_none())
    }

    /// What is told of somebody about whom a step or an entry of the log is.
    #[must_use]
    pub fn about(&self, subject: &Subject, finding: Finding) -> Finding {
        let person = self.estate.number_of(subject);
        let chain = person.map(|person| self.history.chain(person, None).lines(self.estate));
        let object = Some(subject.name.to_string());
        Finding { object, chain: chain.unwrap_or_default(), ..finding }
    }

    /// The last cycle of the job that has ended.
    pub(super) fn last_cycle(&self) -> Option<&Execution> {
        self.estate.entra.job.as_ref()?.report.as_ref()?.last_execution.as_ref()
    }

    fn job(&self, demand: &NamedExpectation) -> Option<Finding> {
        let job = self.estate.entra.job.as_ref().filter(|job| !job.deleted);
        let report = job.and_then(|job| job.report.as_ref());
        let actual = match demand.name.value.as_str() {
            "status" => {
                let status: Vec<String> =
                    job.iter().map(|job| job.status().text().to_owned()).collect();
                return self.named_values("job", demand, &status);
            }
            // Of a job that was deleted there are no numbers.
            "escrowed" | "linked" if job.is_none() => {
                return self.named_values("job", demand, &[]);
            }
            "escrowed" => report.map_or(0, |r| r.escrowed).to_string(),
            "linked" => report.map_or(0, |r| r.linked).to_string(),
            name => {
                let last = self.last_cycle()?;
                if name == "duration" {
                    let took = last.ended.since(last.began);
                    return self.took("the last cycle", took, demand);
                }
                if name == "error" {
                    let code: Vec<String> =
                        last.error.iter().map(|(code, _)| code.clone()).collect();
                    return self.named_values("job", demand, &code);
                }
                of_cycle(last, name).to_string()
            }
        };
        self.named("job", demand, &actual)
    }

    fn quarantine(&self, demand: &NamedExpectation) -> Option<Finding> {
        let report = self.estate.entra.job.as_ref().and_then(|job| job.report.as_ref());
        let actual: Vec<String> = report
            .and_then(|report| report.quarantine)
            .map(|quarantine| match demand.name.value.as_str() {
                "began" => quarantine.began.to_string(),
                "next" => quarantine.next.to_string(),
                _ => quarantine.reason.to_owned(),
            })
            .into_iter()
            .collect();
        self.named_values("quarantine", demand, &actual)
    }

    fn took(&self, what: &str, took: Duration, demand: &NamedExpectation) -> Option<Finding> {
        if demand.comparison.value.admits_duration(took) {
            return None;
        }
        Some(self.finding(
            format!("the duration of {what} is not as expected"),
            demand.comparison.value.to_string(),
            format!("{} s", took.as_secs_f64()),
            demand.comparison.span,
        ))
    }

    fn connect(&self, demand: &NamedExpectation) -> Option<Finding> {
        if let Some((before, name)) = run_of(&demand.name.value) {
            let run = self.estate.connect.history.iter().rev().nth(before)?;
            return self.run_has(run, name, demand);
        }
        let totals = &self.estate.connect.totals;
        let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let actual = match demand.name.value.as_str() {
            "cycles" => totals.cycles,
            "initial_cycles" => totals.initial,
            "failed_cycles" => totals.failed,
            "imported" => number(totals.imported),
            "exported" => number(totals.exported),
            "blocked" => totals.blocked,
            "errors" => totals.errors.values().sum(),
            code => totals.errors.get(code).copied().unwrap_or(0),
        };
        self.named("connect", demand, &actual.to_string())
    }

    /// What is demanded of one run of inbound synchronization.
    fn run_has(&self, run: &Run, name: &str, demand: &NamedExpectation) -> Option<Finding> {
        let words = match name {
            "duration" => {
                let took = run.ended.since(run.began);
                return self.took("a run of synchronization", took, demand);
            }
            "policy" => {
                vec![if run.policy == Policy::Initial { "Initial" } else { "Delta" }.to_owned()]
            }
            "failure" => {
                let code = |words: &String| words.split(':').next().unwrap_or_default().to_owned();
                run.failure.iter().map(code).collect()
            }
            "unreached" => run.unreached.clone(),
            "imported" => vec![run.imported.to_string()],
            "exported" => vec![run.exported.to_string()],
            "blocked" => vec![run.blocked.len().to_string()],
            _ => vec![run.errors.len().to_string()],
        };
        self.named_values("connect", demand, &words)
    }

    fn count(&self, demand: &NamedExpectation) -> Option<Finding> {
        let counts = self.counters.counts();
        let actual = match demand.name.value.as_str() {
            "flips" => counts.flips,
            "ad_writes" => counts.ad_writes,
            "redundant_writes" => counts.redundant_writes,
            "cloud_edits" => counts.cloud_edits,
            "retries" => counts.retries,
            _ => counts.compared_objects,
        };
        self.named("counts", demand, &actual.to_string())
    }

    fn lag(&self, demand: &NamedExpectation) -> Option<Finding> {
        let share = match demand.name.value.as_str() {
            "p50" => 50,
            "p90" => 90,
            "p95" => 95,
            "p99" => 99,
            _ => 100,
        };
        let lag = self.counters.lag().percentile(share).map(Duration::from_micros)?;
        if demand.comparison.value.admits_duration(lag) {
            return None;
        }
        Some(self.finding(
            format!("lag {} is not as expected", demand.name.value),
            demand.comparison.value.to_string(),
            format!("{} s", lag.as_secs_f64()),
            demand.comparison.span,
        ))
    }

    fn log(&self, demand: &LogExpectation) -> Vec<Finding> {
        let subject = demand.mailbox.as_ref().and_then(|name| self.estate.subject(&name.value));
        let mailbox = subject
            .and_then(|subject| subject.exchange)
            .and_then(|number| self.estate.exchange.mailbox(number))
            .map(|mailbox| mailbox.id);
        let matches = |entry: &&LogEntry| {
            demand.code.as_ref().is_none_or(|code| entry.code.eq_ignore_ascii_case(&code.value))
                && demand
                    .status
                    .as_ref()
                    .is_none_or(|status| entry.status.text().eq_ignore_ascii_case(&status.value))
                // Of who has no mailbox the log cannot speak; entries of nobody are of cycles.
                && (demand.mailbox.is_none() || (mailbox.is_some() && entry.source == mailbox))
        };
        let count = self.estate.entra.log.entries().iter().filter(matches).count();
        demand
            .count
            .iter()
            .filter(|comparison| !holds_number(&comparison.value, count))
            .map(|comparison| {
                let finding = self.finding(
                    "the number of provisioning log entries is not as expected".to_owned(),
                    comparison.value.to_string(),
                    count.to_string(),
                    comparison.span,
                );
                subject.map_or(finding.clone(), |subject| self.about(subject, finding))
            })
            .collect()
    }

    fn agent(&self, name: &str, demand: &NamedExpectation) -> Option<Finding> {
        let agent = self.estate.agent(name)?;
        let inactive_after = self.estate.profile.timing("agent_inactive_after");
        let actual = match demand.name.value.as_str() {
            "version" => agent.version.clone(),
            _ if agent.is_listed_active(&self.estate.faults, self.estate.now(), inactive_after) => {
                "active".to_owned()
            }
            _ => "inactive".to_owned(),
        };
        self.named(&format!("agent {name}"), demand, &actual)
    }

    fn named(&self, what: &str, demand: &NamedExpectation, actual: &str) -> Option<Finding> {
        self.named_values(what, demand, &[actual.to_owned()])
    }

    fn named_values(
        &self,
        what: &str,
        demand: &NamedExpectation,
        actual: &[String],
    ) -> Option<Finding> {
        if holds(&demand.comparison.value, actual) {
            return None;
        }
        Some(self.finding(
            format!("{what} {} is not as expected", demand.name.value),
            demand.comparison.value.to_string(),
            super::shown(actual),
            demand.comparison.span,
        ))
    }

    fn finding(&self, message: String, expected: String, actual: String, span: Span) -> Finding {
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

/// One of the numbers of a cycle.
fn of_cycle(last: &Execution, name: &str) -> u64 {
    match name {
        "read" => last.read,
        "written" => last.written,
        "skipped" => last.skipped,
        "failed" => last.failed,
        "retried" => last.retried,
        _ => last.cycle,
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
