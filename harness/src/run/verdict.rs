//! From what a run found to its verdict.

use std::collections::BTreeMap;

use sim::clock::VirtualTime;

use super::runner::Runner;
use super::{memory, passed};
use crate::judge::verdict::{
    Counts, FaultResult, ScenarioResult, Suspended, Trace, Transport, Verdict,
};
use crate::observe::marks;
use crate::scenario::{About, Scenario};

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
    let (faults, end) = runner.estate.with(|estate| {
        let mut hits: BTreeMap<&'static str, u64> = BTreeMap::new();
        for rule in estate.faults.rules() {
            *hits.entry(rule.name).or_default() += u64::from(rule.hits);
        }
        (hits, estate.now())
    });
    findings.extend(runner.findings.iter().cloned());
    let reasons = reasons(&mut runner, counts, scenario);
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
        faults: faults
            .into_iter()
            .map(|(name, hits)| FaultResult { name: name.to_owned(), hits })
            .collect(),
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

/// Why a run without findings proves nothing.
fn reasons(runner: &mut Runner<'_>, counts: Counts, scenario: &Scenario) -> Vec<String> {
    let mut reasons = runner.reasons.clone();
    reasons.extend(runner.undecided());
    runner.estate.with(|estate| {
        for rule in estate.faults.rules().iter().filter(|rule| rule.hits == 0) {
            let why = if rule.overtaken == 0 {
                "nothing met it while it was in force".to_owned()
            } else {
                format!(
                    "of the {} operation(s) that met it another fault decided first",
                    rule.overtaken
                )
            };
            reasons.push(format!("the fault {} at {} was never hit: {why}", rule.name, rule.place));
        }
    });
    runner.estate.with(|estate| {
        for rule in estate.faults.rules().iter().filter(|rule| rule.is_unfelt()) {
            reasons.push(format!(
                "the fault {} at {} never reached the engine: it got no answer that the fault had a part in",
                rule.name, rule.place
            ));
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
mod tests;
