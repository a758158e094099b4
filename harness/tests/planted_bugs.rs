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
use harness::judge::ORACLES;
use harness::judge::verdict::{Rule, ScenarioResult, Verdict};
use harness::run::{RunOptions, Silent, run};
use harness::scenario;
use harness::stage::catalogues;

/// The bug, a scenario that turns red by it, and the oracle that must say so.
const EXPECTED: [(PlantedBug, &str, &str); 35] = [
    (PlantedBug::SwappedAttributes, "writeback/all-attributes.yaml", "convergence"),
    (PlantedBug::OutsideAttribute, "writeback/one-custom-attribute.yaml", "contract"),
    (PlantedBug::WriteWhileFlagFalse, "writeback/not-in-scope.yaml", "authority"),
    (PlantedBug::DropFailedObject, "resilience/dc-busy.yaml", "convergence"),
    (
        PlantedBug::DropFailedObject,
        "resilience/script-writes-where-an-export-failed.yaml",
        "convergence",
    ),
    (PlantedBug::WatermarkBeforeWrite, "resilience/crash-before-write.yaml", "convergence"),
    (PlantedBug::RepeatUnknownBlindly, "resilience/answer-lost.yaml", "exactly_once"),
    (PlantedBug::TwoPrimaries, "writeback/primary-swapped.yaml", "one_primary"),
    (PlantedBug::SkipTiedTimestamp, "writeback/two-edits-in-one-second.yaml", "convergence"),
    (PlantedBug::OutsideAttribute, "writeback/one-custom-attribute.yaml", "identity_stays_home"),
    (PlantedBug::IgnoreScopingFilter, "job/scope-by-unit.yaml", "out_of_scope"),
    (PlantedBug::WatermarkAhead, PLANTED, "lost_update"),
    (PlantedBug::ResurrectRemoved, PLANTED, "resurrection"),
    (PlantedBug::TakeBackAtOnce, "writeback/one-custom-attribute.yaml", "oscillation"),
    (PlantedBug::NeverQuiet, "writeback/one-custom-attribute.yaml", "quiescence"),
    (PlantedBug::RefusalAsSuccess, "resilience/dc-busy.yaml", "logged_truthfully"),
    (PlantedBug::StopAtRefusal, PLANTED, "isolation"),
    (PlantedBug::DisableAccount, "writeback/one-custom-attribute.yaml", "no_structural_change"),
    (PlantedBug::BelieveTheAnswer, PLANTED, "read_back"),
    (PlantedBug::OutliveItsEnd, "resilience/crash-after-write.yaml", "after_crash"),
    (PlantedBug::DropOtherKinds, KEPT, "contract"),
    (PlantedBug::MergeReplaces, MERGED, "contract"),
    (PlantedBug::WipeOnEmpty, MERGED, "contract"),
    (PlantedBug::IgnorePause, KEPT, "quiescence"),
    (PlantedBug::QuarantineAtOnce, PLANTED, "isolation"),
    (PlantedBug::FlapTheFlag, PLANTED, "contract"),
    (PlantedBug::RightsAsBusy, "resilience/rights-removed.yaml", "logged_truthfully"),
    (PlantedBug::BlameTheRest, PLANTED, "logged_truthfully"),
    (PlantedBug::ForgetTheUnanswered, "resilience/answer-lost.yaml", "logged_truthfully"),
    (
        PlantedBug::OutOfScopeWhenEqual,
        "switches/export-mode-flag-away-and-back.yaml",
        "logged_truthfully",
    ),
    (PlantedBug::DeafToCommands, KEPT, "quiescence"),
    (PlantedBug::DeafToCommands, "job/deleted.yaml", "quiescence"),
    (PlantedBug::InventAddress, MERGED, "contract"),
    (PlantedBug::LazyWriter, LATE, "convergence"),
    (PlantedBug::InitialAsDelta, HEALED, "convergence"),
];

/// A story that many mistakes spoil: stands for a file in [`EXPECTED`].
const PLANTED: &str = "a story of its own";
const STORY: &str = "
scenario: Two people are edited, one is refused, and a third comes to the cloud
world:
  population:
    - user: {name: u1, cloud_managed: true, extensionAttribute1: A}
    - user: {name: u2, cloud_managed: true}
    - user: u3
story:
  - transfer: {mailboxes: u3}
  - exo: Set-Mailbox u1 -EmailAddresses @{Add='smtp:one@contoso.com'}
  - cycle: writeback
  - wait: 5m
  - exo: Set-Mailbox u1 -CustomAttribute2 lost
  - wait: 1h
  - exo: Set-Mailbox u1 -EmailAddresses @{Remove='smtp:one@contoso.com'}
  - wait: 1h
  - exo: Set-Mailbox u1 -CustomAttribute3 again
  - wait: 1h
  - fault: {dc_busy: {dc: DC1, count: 1}}
  - exo: Set-Mailbox u1 -CustomAttribute4 refused
  - exo: Set-Mailbox u2 -CustomAttribute4 forgotten
  - wait: 10h
";

/// A story of addresses of several types, and of a pause.
const KEPT: &str = "a story of addresses that do not cross";
const KEPT_STORY: &str = "
scenario: Somebody with addresses of other types gets an alias, and a pause holds an edit back
world:
  population:
    - user: {name: u1, cloud_managed: true, addresses: ['SMTP:u1@contoso.com', 'X500:/o=Old/cn=u1', 'sip:u1@contoso.com']}
story:
  - exo: Set-Mailbox u1 -EmailAddresses @{Add='smtp:one@contoso.com'}
  - wait: 1h
  - job: pause
  - exo: Set-Mailbox u1 -CustomAttribute1 held
  - wait: 3h
  - job: start
  - wait: 1h
";

/// The same where addresses are merged and emptiness does not flow.
const MERGED: &str = "a story where AD keeps its own";
const MERGED_STORY: &str = "
scenario: Where addresses are merged and emptiness does not flow, AD keeps its own
world:
  switches: {proxy_mode: merge, null_flow: false}
  population:
    - user: {name: u1, cloud_managed: true, extensionAttribute1: A}
story:
  - exo: Set-Mailbox u1 -EmailAddresses @{Add='smtp:one@contoso.com'}
  - wait: 1h
  - exo: Set-Mailbox u1 -EmailAddresses @{Remove='smtp:one@contoso.com'} -CustomAttribute1 $null
  - exo: Set-Mailbox u1 -CustomAttribute2 x
  - wait: 1h
";

/// A story whose last edit is written after the bound for it, by whoever writes with every twelfth cycle alone.
const LATE: &str = "a story that ends with an edit";
const LATE_STORY: &str = "
scenario: Somebody is edited, and nothing hinders the next cycle
world:
  population: [user: {name: u1, cloud_managed: true}]
story:
  - wait: 65m
  - exo: Set-Mailbox u1 -CustomAttribute1 x
";

/// A story in which an initial cycle has something to put right.
const HEALED: &str = "a story of drift and an initial cycle";
const HEALED_STORY: &str = "
scenario: What AD alone changed gives way to an initial cycle
world:
  population: [user: {name: u1, cloud_managed: true, extensionAttribute1: A}]
story:
  - exo: Set-Mailbox u1 -CustomAttribute2 x
  - wait: 1h
  - ad: Set-ADUser u1 -Replace @{extensionAttribute1='drift'}
  - wait: 1h
  - job: {restart: [Watermark]}
  - wait: 1h
";

/// Oracles that no mistake of the engine can wake, with the reason.
const OUT_OF_REACH: [(&str, &str); 1] =
    [("absent_not_empty", "AD refuses an empty value, so that none gets there")];

fn result(file: &str, plant: Option<&str>) -> ScenarioResult {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(file);
    let source = match file {
        PLANTED => STORY.to_owned(),
        KEPT => KEPT_STORY.to_owned(),
        MERGED => MERGED_STORY.to_owned(),
        LATE => LATE_STORY.to_owned(),
        HEALED => HEALED_STORY.to_owned(),
        _ => std::fs::read_to_string(&path).unwrap(),
    };
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

#[test]
fn every_oracle_finds_a_planted_bug() {
    for oracle in ORACLES {
        let found = EXPECTED.iter().any(|(_, _, by)| *by == oracle);
        let excused = OUT_OF_REACH.iter().any(|(known, _)| *known == oracle);
        assert!(found != excused, "{oracle}: found {found}, out of reach {excused}");
    }
}

/// Seeds within which a hunt must find each bug.
const SEEDS: u64 = 1_000;

/// Bugs that only a file shows, and why.
const OF_A_FILE: [(PlantedBug, &str); 1] = [(
    PlantedBug::InitialAsDelta,
    "takes drift, and after it an initial cycle that corrects it: no story of the first seeds has both",
)];

#[test]
fn a_hunt_finds_every_planted_bug() {
    let catalogues = catalogues();
    let scenarios: Vec<_> = (1..=SEEDS)
        .map(|seed| Draw::of(seed).scenario(Path::new("drawn.yaml"), &catalogues).unwrap())
        .collect();
    let is_of_a_file = |bug: &PlantedBug| OF_A_FILE.iter().any(|(known, _)| known == bug);
    for bug in PlantedBug::ALL.into_iter().filter(|bug| !is_of_a_file(bug)) {
        let options = RunOptions { plant: Some(bug.name().to_owned()), ..RunOptions::default() };
        let fails = |scenario: &scenario::Scenario| {
            run(scenario, &options, &Silent).unwrap().verdict == Verdict::Fail
        };
        assert!(scenarios.iter().any(fails), "{} within {SEEDS} seeds", bug.name());
    }
}
