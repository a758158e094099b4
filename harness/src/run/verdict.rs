//! From what a run found to its verdict.

use sim::clock::VirtualTime;
use sim::fault::Rule;

use super::runner::Runner;
use super::{memory, passed};
use crate::judge::verdict::{
    Counts, FaultResult, Location, ScenarioResult, Suspended, Trace, Transport, Verdict,
};
use crate::observe::marks;
use crate::scenario::{About, Action, Scenario, Step};

/// What frames a run.
pub(super) struct Frame {
    pub(super) start: VirtualTime,
    pub(super) seed: u64,
    pub(super) profile: String,
    pub(super) transport: Transport,
}

/// The result of a run that has come to rest.
pub(super) fn of(mut runner: Runner<'_>, scenario: &Scenario, frame: &Frame) -> ScenarioResult {
    let estate = runner.estate.clone();
    let court = runner.court();
    let (counts, trace) = (court.counters.counts(), court.trace.hash());
    let mut findings = estate.with(|estate| court.bench.findings(estate));
    let faults = faults(&runner);
    let end = runner.estate.with(|estate| estate.now());
    findings.extend(runner.findings.iter().cloned());
    let reasons = reasons(&mut runner, counts, &faults, scenario);
    let verdict = match (findings.is_empty(), reasons.is_empty()) {
        (false, _) => Verdict::Fail,
        (true, false) => Verdict::Unknown,
        (true, true) => Verdict::Pass,
    };
    ScenarioResult {
        file: scenario.path.display().to_string(),
        id: scenario.id.as_ref().map(|id| id.value.clone()),
        scenario: scenario.title.value.clone(),
        verdict,
        reasons,
        seed: frame.seed,
        profile: frame.profile.clone(),
        transport: frame.transport,
        virtual_seconds: passed(frame.start, end).as_secs_f64(),
        wall_seconds: 0.0,
        trace: Trace {
            hash: format!("{:032x}", trace.hash),
            events: trace.events,
            last: trace.last.unwrap_or(frame.start).to_string(),
        },
        counts,
        faults,
        marks: marks::reached(&estate),
        findings,
        suspended: scenario
            .suspend
            .iter()
            .map(|s| Suspended { oracle: s.oracle.value.clone(), because: s.because.value.clone() })
            .collect(),
        notes: runner.notes,
        peak_memory_bytes: memory::peak(),
    }
}

/// Every declared fault with its hits, in the order of the story.
fn faults(runner: &Runner<'_>) -> Vec<FaultResult> {
    let line = |number: usize| {
        let span = runner.declared.get(number)?;
        Some(Location::of(*span, runner.source).line)
    };
    runner.estate.with(|estate| {
        let rules = estate.faults.rules().iter().enumerate();
        rules
            .map(|(number, rule)| FaultResult {
                name: rule.name.to_owned(),
                place: rule.place.to_string(),
                line: line(number),
                hits: u64::from(rule.hits),
            })
            .collect()
    })
}

/// How reasons call a fault: with its line, where the file has others of that name.
fn called(number: usize, rules: &[Rule], faults: &[FaultResult]) -> String {
    let Some(rule) = rules.get(number) else { return String::new() };
    let among = rules.iter().filter(|other| other.name == rule.name).count();
    let line = faults.get(number).and_then(|fault| fault.line).filter(|_| among > 1);
    let line = line.map_or_else(String::new, |line| format!(" (line {line})"));
    format!("the fault {} at {}{line}", rule.name, rule.place)
}

/// Whether what a fault does must reach the engine or synchronization. Where the file is about the cloud or
/// the directory, or has no engine at work in its world, the failure of somebody's step is the effect: one
/// that the file does not expect is a finding.
fn is_about_machines(runner: &Runner<'_>, scenario: &Scenario) -> bool {
    let is_transfer =
        |step: &Step| matches!(step.action, Action::Transfer(_) | Action::Decommission(_));
    let has_job = runner.estate.with(|estate| estate.entra.job.is_some());
    let engine = has_job || scenario.story.iter().any(is_transfer);
    engine && !matches!(scenario.about, Some(About::Cloud | About::Directory))
}

/// Why a run without findings proves nothing.
fn reasons(
    runner: &mut Runner<'_>,
    counts: Counts,
    faults: &[FaultResult],
    scenario: &Scenario,
) -> Vec<String> {
    let mut reasons = runner.reasons.clone();
    reasons.extend(runner.undecided());
    let machines = is_about_machines(runner, scenario);
    runner.estate.with(|estate| {
        let rules = estate.faults.rules();
        for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.hits == 0) {
            let why = if rule.overtaken == 0 {
                "nothing met it while it was in force".to_owned()
            } else {
                format!(
                    "of the {} operation(s) that met it another fault decided first",
                    rule.overtaken
                )
            };
            let fault = called(number, rules, faults);
            reasons.push(format!("{fault} was never hit: {why}"));
        }
        for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.is_unfelt()) {
            let fault = called(number, rules, faults);
            if rule.felt.by_people == 0 {
                reasons.push(format!(
                    "{fault} never reached the engine: it got no answer that the fault had a part in"
                ));
            } else if machines {
                reasons.push(format!(
                    "{fault} never reached the engine: steps of people alone met it, and the file is not \
                     `about: cloud` or `directory`"
                ));
            }
        }
    });
    for watch in runner.watches.iter().filter(|watch| watch.never && !watch.attempted) {
        reasons.push(format!("nobody tried to bring about what must never hold: {}", watch.words));
    }
    match scenario.about {
        Some(About::Writeback) if counts.ad_writes == 0 => {
            reasons.push("it is about writeback, and nothing was written to AD".to_owned());
        }
        Some(About::Transfer) if counts.flips == 0 && !runner.is_refusal_met() => reasons.push(
            "it is about transfer, and nobody's flag was changed, nor was it refused".to_owned(),
        ),
        _ => {}
    }
    reasons
}

#[cfg(test)]
mod chains;
#[cfg(test)]
mod tests;
