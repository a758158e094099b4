//! What holds for every scenario of the library: the same verdict and the same trace in memory and
//! over the wire, and again when run again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot read its files has failed"
)]

use std::path::{Path, PathBuf};

use harness::judge::verdict::{ScenarioResult, Transport, Verdict};
use harness::run::{RunOptions, Silent, run};
use harness::scenario::{self, Scenario};
use harness::stage::catalogues;

/// Larger populations are left to the main job: the wire would take minutes.
const SMALL: u32 = 2_000;

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> Scenario {
    let source = std::fs::read_to_string(path).unwrap();
    scenario::read(path, &source, &catalogues())
        .unwrap_or_else(|problems| panic!("{}: {problems:?}", path.display()))
}

fn is_small(scenario: &Scenario) -> bool {
    let size = |part: &scenario::Population| match part {
        scenario::Population::Shape { mailboxes, .. } => *mailboxes,
        scenario::Population::User(_) | scenario::Population::Ldif { .. } => 1,
    };
    scenario.world.population.iter().map(size).sum::<u32>() <= SMALL
}

fn result(scenario: &Scenario, transport: Transport) -> ScenarioResult {
    let options = RunOptions { transport, ..RunOptions::default() };
    run(scenario, &options, &Silent).unwrap()
}

#[test]
fn memory_and_wire_agree_and_a_run_repeats_itself() {
    let mut paths = Vec::new();
    files(&scenarios(), &mut paths);
    let mut compared = 0;
    for path in &paths {
        let scenario = read(path);
        if !is_small(&scenario) {
            continue;
        }
        let memory = result(&scenario, Transport::Memory);
        let again = result(&scenario, Transport::Memory);
        let wire = result(&scenario, Transport::Wire);
        let file = path.display();
        assert_eq!(memory.verdict, Verdict::Pass, "{file}: {:?}", memory.findings);
        assert_eq!(memory.trace, again.trace, "{file}: two runs differ");
        assert_eq!(memory.trace, wire.trace, "{file}: memory and wire differ");
        assert_eq!(memory.verdict, wire.verdict, "{file}");
        assert_eq!(memory.counts, wire.counts, "{file}");
        assert_eq!(memory.marks, wire.marks, "{file}: other branches were taken over the wire");
        compared += 1;
    }
    assert!(compared >= 12, "the library has {compared} small scenarios");
}

/// A scenario as text, run in memory.
fn trace_of(text: &str) -> String {
    let scenario = scenario::read(Path::new("inline.yaml"), text, &catalogues()).unwrap();
    result(&scenario, Transport::Memory).trace.hash
}

const STORY: &str = "
scenario: The trace sees every edit
world:
  population:
    - user: {name: u1, upn: u1@contoso.com, cloud_managed: true}
    - user: {name: u2, upn: u2@contoso.com, cloud_managed: true}
story:
  - exo: Set-Mailbox u1 -CustomAttribute1 one
  - exo: Set-Mailbox u2 -CustomAttribute1 two
  - cycle: writeback
";

#[test]
fn one_edit_or_the_order_of_two_modifies_changes_the_trace() {
    let whole = trace_of(STORY);
    assert_eq!(whole, trace_of(STORY), "equal files have equal traces");
    assert_ne!(whole, trace_of(&STORY.replace("one\n", "One\n")), "one letter of one edit");
    let swapped = STORY
        .replace("u1 -Custom", "u9 -Custom")
        .replace("u2 -Custom", "u1 -Custom")
        .replace("u9 -Custom", "u2 -Custom")
        .replace("one\n", "x\n")
        .replace("two\n", "one\n")
        .replace("x\n", "two\n");
    assert_ne!(whole, trace_of(&swapped), "the same two modifies in the other order");
    assert_ne!(whole, trace_of(&STORY.replace("world:", "world:\n  seed: 2")), "another seed");
}
