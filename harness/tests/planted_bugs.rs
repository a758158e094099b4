//! Each deliberate mistake in the engine turns a scenario red, by the right oracle.

#![cfg(feature = "planted-bugs")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot read its files has failed"
)]

use std::path::Path;

use engine::planted_bugs::PlantedBug;
use harness::hunt::Draw;
use harness::judge::verdict::{Rule, ScenarioResult, Verdict};
use harness::run::{RunOptions, Silent, run};
use harness::scenario;
use harness::stage::catalogues;

/// The bug, a scenario that turns red by it, and the oracle that must say so.
const EXPECTED: [(PlantedBug, &str, &str); 8] = [
    (PlantedBug::SwappedAttributes, "writeback/all-attributes.yaml", "convergence"),
    (PlantedBug::OutsideAttribute, "writeback/one-custom-attribute.yaml", "contract"),
    (PlantedBug::WriteWhileFlagFalse, "writeback/not-in-scope.yaml", "authority"),
    (PlantedBug::DropFailedObject, "resilience/dc-busy.yaml", "convergence"),
    (PlantedBug::WatermarkBeforeWrite, "resilience/crash-before-write.yaml", "convergence"),
    (PlantedBug::RepeatUnknownBlindly, "resilience/answer-lost.yaml", "exactly_once"),
    (PlantedBug::TwoPrimaries, "writeback/primary-swapped.yaml", "one_primary"),
    (PlantedBug::SkipTiedTimestamp, "writeback/two-edits-in-one-second.yaml", "convergence"),
];

fn result(file: &str, plant: Option<&str>) -> ScenarioResult {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(file);
    let source = std::fs::read_to_string(&path).unwrap();
    let scenario = scenario::read(&path, &source, &catalogues()).unwrap();
    let options = RunOptions { plant: plant.map(str::to_owned), ..RunOptions::default() };
    run(&scenario, &options, &Silent).unwrap()
}

#[test]
fn every_planted_bug_is_found_by_its_oracle() {
    let mut missed = Vec::new();
    for (bug, file, oracle) in EXPECTED {
        assert_eq!(result(file, None).verdict, Verdict::Pass, "{file} passes without a bug");
        let sick = result(file, Some(bug.name()));
        let by: Vec<&Rule> = sick.findings.iter().map(|finding| &finding.rule).collect();
        let found = sick.verdict == Verdict::Fail && by.contains(&&Rule::Oracle(oracle.to_owned()));
        if !found {
            missed.push(format!("{} in {file}: {:?} by {by:?}", bug.name(), sick.verdict));
        }
    }
    assert!(missed.is_empty(), "not found by the right oracle:\n{}", missed.join("\n"));
}

#[test]
fn every_planted_bug_has_a_row() {
    for bug in PlantedBug::ALL {
        assert!(EXPECTED.iter().any(|(known, _, _)| *known == bug), "{} has no row", bug.name());
    }
}

/// Seeds within which a hunt must find each bug.
const SEEDS: u64 = 150;

#[test]
fn a_hunt_finds_every_planted_bug() {
    let catalogues = catalogues();
    let scenarios: Vec<_> = (1..=SEEDS)
        .map(|seed| Draw::of(seed).scenario(Path::new("drawn.yaml"), &catalogues).unwrap())
        .collect();
    for bug in PlantedBug::ALL {
        let options = RunOptions { plant: Some(bug.name().to_owned()), ..RunOptions::default() };
        let fails = |scenario: &scenario::Scenario| {
            run(scenario, &options, &Silent).unwrap().verdict == Verdict::Fail
        };
        assert!(scenarios.iter().any(fails), "{} within {SEEDS} seeds", bug.name());
    }
}
