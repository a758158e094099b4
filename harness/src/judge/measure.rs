//! What is demanded of machines and of numbers: the job, its quarantine and log, Connect, the agents, counts
//! and lag; against what they are.

use std::time::Duration;

use sim::connect::{Policy, Run};
use sim::entra::job::Execution;
use sim::entra::log::LogEntry;

use super::compare::{holds, holds_number};
use super::expectation::Scene;
use super::machines::Machine;
use super::verdict::Finding;
use crate::observe::Arrival;
use crate::scenario::{Comparison, Expectations, LogExpectation, NamedExpectation, Span, run_of};

/// Entries of the log at most that a finding looks through for what it tells.
const ENTRIES: usize = 500;

/// One demand, and what there is.
pub(super) struct Measured<'d> {
    /// What was measured: `job status`.
    what: String,
    comparison: &'d Comparison,
    span: Span,
    /// What there is, as a finding shows it.
    actual: String,
    /// Whether it is as demanded.
    pub(super) holds: bool,
    machine: Machine<'d>,
    /// The log that is asked about, where it is the log.
    log: Option<&'d LogExpectation>,
    /// The change that took so long, where it is the lag.
    arrival: Option<Arrival>,
}

impl<'d> Measured<'d> {
    fn of(section: &str, demand: &'d NamedExpectation, actual: &[String]) -> Self {
        let comparison = &demand.comparison.value;
        Self {
            what: format!("{section} {}", demand.name.value),
            comparison,
            span: demand.comparison.span,
            actual: super::shown(actual),
            holds: holds(comparison, actual),
            machine: Machine::Job,
            log: None,
            arrival: None,
        }
    }

    fn took(what: String, demand: &'d NamedExpectation, took: Duration) -> Self {
        let comparison = &demand.comparison.value;
        Self {
            what,
            comparison,
            span: demand.comparison.span,
            actual: format!("{} s", took.as_secs_f64()),
            holds: comparison.admits_duration(took),
            machine: Machine::Job,
            log: None,
            arrival: None,
        }
    }

    /// Whether another is about the same number of the same machine.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        let log = |measured: &Self| measured.log.map(core::ptr::from_ref);
        self.what == other.what && log(self) == log(other)
    }

    fn about(self, machine: Machine<'d>) -> Self {
        Self { machine, ..self }
    }
}

impl Scene<'_> {
    /// Everything demanded of machines and numbers that can be decided, with what there is.
    pub(super) fn measured<'d>(&self, all: &'d Expectations) -> Vec<Measured<'d>> {
        let jobs = all.job.iter().filter(|demand| !self.lacks_its_cycle(demand));
        let runs = all.connect.iter().filter(|demand| !self.lacks_its_run(demand));
        let lags = all.lag.iter().filter(|_| self.has_lag());
        let mut measured: Vec<Measured<'d>> = jobs.filter_map(|demand| self.job(demand)).collect();
        measured.extend(all.quarantine.iter().map(|demand| self.quarantine(demand)));
        measured.extend(all.log.iter().flat_map(|demand| self.log(demand)));
        measured.extend(all.counts.iter().map(|demand| self.count(demand)));
        measured.extend(lags.filter_map(|demand| self.lag(demand)));
        measured.extend(runs.filter_map(|demand| self.connect(demand)));
        let agents = all.agents.iter();
        measured.extend(agents.filter_map(|of| self.agent(&of.agent.value, &of.property)));
        measured
    }

    /// The finding about something measured, with what led to it.
    pub(super) fn told(&self, measured: &Measured<'_>, is_forbidden: bool) -> Finding {
        let message = if is_forbidden {
            format!("{}: what must never hold came to hold", measured.what)
        } else {
            format!("{} is not as expected", measured.what)
        };
        let expected = measured.comparison.to_string();
        let finding = self.finding(message, expected, measured.actual.clone(), measured.span);
        let named = measured.log.and_then(|demand| demand.mailbox.as_ref());
        if let Some(subject) = named.and_then(|name| self.estate.subject(&name.value)) {
            return self.about(subject, finding);
        }
        if let Some(arrival) = measured.arrival {
            return self.slow(&arrival, finding);
        }
        let newest = |demand| self.matching(demand).rev().take(ENTRIES);
        let mut entries: Vec<_> = measured.log.into_iter().flat_map(newest).collect();
        entries.reverse();
        let entries = entries.into_iter().map(|entry| self.entry(entry));
        let chain = self.led_to(measured.machine, entries);
        Finding { chain, ..finding }
    }

    /// The finding about a change that took its time: whose it was, and what happened on its way.
    fn slow(&self, arrival: &Arrival, finding: Finding) -> Finding {
        let whose = self.estate.subjects().get(arrival.person as usize);
        let (edited, arrived) = (arrival.edited, arrival.arrived());
        let message = format!("{}: edited at {edited}, in AD at {arrived}", finding.message);
        let object = whose.map(|subject| subject.name.to_string());
        let chain = self.led_to(Machine::Arrival(arrival), std::iter::empty());
        Finding { object, message, chain, ..finding }
    }

    /// The last cycle of the job that has ended.
    pub(super) fn last_cycle(&self) -> Option<&Execution> {
        self.estate.entra.job.as_ref()?.report.as_ref()?.last_execution.as_ref()
    }

    fn job<'d>(&self, demand: &'d NamedExpectation) -> Option<Measured<'d>> {
        let job = self.estate.entra.job.as_ref().filter(|job| !job.deleted);
        let report = job.and_then(|job| job.report.as_ref());
        let actual = match demand.name.value.as_str() {
            "status" => {
                let status: Vec<String> =
                    job.iter().map(|job| job.status().text().to_owned()).collect();
                let mut measured = Measured::of("job", demand, &status);
                let quarantine = report.and_then(|report| report.quarantine);
                if let Some(quarantine) = quarantine {
                    measured.actual += &format!(" ({})", quarantine.reason);
                }
                return Some(measured);
            }
            // Of a job that was deleted there are no numbers.
            "escrowed" | "linked" if job.is_none() => {
                return Some(Measured::of("job", demand, &[]));
            }
            "escrowed" => report.map_or(0, |r| r.escrowed).to_string(),
            "linked" => report.map_or(0, |r| r.linked).to_string(),
            name => {
                let last = self.last_cycle()?;
                if name == "duration" {
                    let took = last.ended.since(last.began);
                    let what = "the duration of the last cycle".to_owned();
                    return Some(Measured::took(what, demand, took));
                }
                if name == "error" {
                    let code: Vec<String> =
                        last.error.iter().map(|(code, _)| code.clone()).collect();
                    return Some(Measured::of("job", demand, &code));
                }
                of_cycle(last, name).to_string()
            }
        };
        Some(Measured::of("job", demand, &[actual]))
    }

    fn quarantine<'d>(&self, demand: &'d NamedExpectation) -> Measured<'d> {
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
        Measured::of("quarantine", demand, &actual)
    }

    fn connect<'d>(&self, demand: &'d NamedExpectation) -> Option<Measured<'d>> {
        if let Some((before, name)) = run_of(&demand.name.value) {
            let run = self.estate.connect.history.iter().rev().nth(before)?;
            return Some(of_run(run, name, demand).about(Machine::Synchronization));
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
        let measured = Measured::of("connect", demand, &[actual.to_string()]);
        Some(measured.about(Machine::Synchronization))
    }

    fn count<'d>(&self, demand: &'d NamedExpectation) -> Measured<'d> {
        let counts = self.counters.counts();
        let name = demand.name.value.as_str();
        let actual = match name {
            "flips" => counts.flips,
            "ad_writes" => counts.ad_writes,
            "redundant_writes" => counts.redundant_writes,
            "cloud_edits" => counts.cloud_edits,
            "retries" => counts.retries,
            _ => counts.compared_objects,
        };
        Measured::of("counts", demand, &[actual.to_string()]).about(Machine::Count(name))
    }

    fn lag<'d>(&self, demand: &'d NamedExpectation) -> Option<Measured<'d>> {
        let share = match demand.name.value.as_str() {
            "p50" => 50,
            "p90" => 90,
            "p95" => 95,
            "p99" => 99,
            _ => 100,
        };
        let arrival = self.counters.lag().percentile(share)?;
        let measured = Measured::took(format!("lag {}", demand.name.value), demand, arrival.took);
        Some(Measured { arrival: Some(arrival), ..measured })
    }

    fn log<'d>(&self, demand: &'d LogExpectation) -> Vec<Measured<'d>> {
        let count = self.matching(demand).count();
        let measured = |comparison: &'d crate::scenario::Spanned<Comparison>| Measured {
            what: "the number of provisioning log entries".to_owned(),
            comparison: &comparison.value,
            span: comparison.span,
            actual: count.to_string(),
            holds: holds_number(&comparison.value, count),
            machine: Machine::Job,
            log: Some(demand),
            arrival: None,
        };
        demand.count.iter().map(measured).collect()
    }

    /// The entries of the log that a demand is about.
    fn matching<'s>(
        &'s self,
        demand: &'s LogExpectation,
    ) -> impl DoubleEndedIterator<Item = &'s LogEntry> {
        let subject = demand.mailbox.as_ref().and_then(|name| self.estate.subject(&name.value));
        let mailbox = subject
            .and_then(|subject| subject.exchange)
            .and_then(|number| self.estate.exchange.mailbox(number))
            .map(|mailbox| mailbox.id);
        let matches = move |entry: &&LogEntry| {
            demand.code.as_ref().is_none_or(|code| entry.code.eq_ignore_ascii_case(&code.value))
                && demand
                    .status
                    .as_ref()
                    .is_none_or(|status| entry.status.text().eq_ignore_ascii_case(&status.value))
                // Of who has no mailbox the log cannot speak; entries of nobody are of cycles.
                && (demand.mailbox.is_none() || (mailbox.is_some() && entry.source == mailbox))
        };
        self.estate.entra.log.entries().iter().filter(matches)
    }

    fn agent<'d>(&self, name: &'d str, demand: &'d NamedExpectation) -> Option<Measured<'d>> {
        let agent = self.estate.agent(name)?;
        let inactive_after = self.estate.profile.timing("agent_inactive_after");
        let actual = match demand.name.value.as_str() {
            "version" => agent.version.clone(),
            _ if agent.is_listed_active(&self.estate.faults, self.estate.now(), inactive_after) => {
                "active".to_owned()
            }
            _ => "inactive".to_owned(),
        };
        let measured = Measured::of(&format!("agent {name}"), demand, &[actual]);
        Some(measured.about(Machine::Agent(name)))
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

/// What is demanded of one run of inbound synchronization.
fn of_run<'d>(run: &Run, name: &str, demand: &'d NamedExpectation) -> Measured<'d> {
    let words = match name {
        "duration" => {
            let took = run.ended.since(run.began);
            return Measured::took(
                "the duration of a run of synchronization".to_owned(),
                demand,
                took,
            );
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
    Measured::of("connect", demand, &words)
}
