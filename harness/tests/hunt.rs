//! The hunt from outside: the same whatever the number of workers, and what it writes runs.

use std::path::Path;
use std::process::{Command, Output};

fn hybridsim(arguments: &[&str], folder: &Path) -> Output {
    let program = env!("CARGO_BIN_EXE_hybridsim");
    Command::new(program).args(arguments).current_dir(folder).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_hunt_finds_nothing_wrong_with_any_number_of_workers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [alone, together] = ["1", "3"].map(|jobs| {
        let arguments = ["hunt", "--seeds", "60", "--jobs", jobs, "--json", "found.json"];
        let output = hybridsim(&arguments, folder.path());
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 2)), "{said}");
        let found = std::fs::read_to_string(folder.path().join("found.json")).expect("a document");
        let mut found: serde_json::Value = serde_json::from_str(&found).expect("JSON");
        for scenario in found["scenarios"].as_array_mut().expect("a list") {
            for measured in ["wall_seconds", "peak_memory_bytes"] {
                scenario[measured] = 0.into();
            }
        }
        found
    });
    assert_eq!(alone, together);
    let summary = &alone["summary"];
    assert_eq!(summary["fail"], 0);
    let all = ["pass", "unknown"].map(|verdict| summary[verdict].as_u64().expect("a number"));
    assert_eq!(all.iter().sum::<u64>(), 60);
}

/// How many seeds an unbroken engine must stand: fewer where nothing is optimised.
const SEEDS: u64 = if cfg!(debug_assertions) { 300 } else { 10_000 };

#[test]
fn the_unbroken_engine_stands_every_seed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let seeds = SEEDS.to_string();
    let arguments = ["hunt", "--seeds", &seeds, "--keep-going", "--json", "found.json"];
    let output = hybridsim(&arguments, folder.path());
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 2)), "{said}");
    let found = std::fs::read_to_string(folder.path().join("found.json")).expect("a document");
    let found: serde_json::Value = serde_json::from_str(&found).expect("JSON");
    assert_eq!(found["summary"]["fail"], 0, "{said}");
    let unknown = found["summary"]["unknown"].as_u64().expect("a number");
    assert!(unknown * 20 < SEEDS, "{unknown} of {SEEDS} are unknown: {said}");
    for scenario in found["scenarios"].as_array().expect("a list") {
        for reason in scenario["reasons"].as_array().into_iter().flatten() {
            let reason = reason.as_str().expect("words");
            // A fault that strikes once may strike somebody else: Connect asks controllers too.
            let missed = ["was never hit", "never reached the engine"];
            let is_known = missed.iter().any(|words| reason.contains(words));
            assert!(is_known, "{}: {reason}", scenario["scenario"]);
        }
    }
}

#[test]
fn a_written_seed_is_a_scenario_file_that_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let arguments = ["hunt", "--from", "7", "--seeds", "1", "--write", "seven.yaml"];
    let hunted = hybridsim(&arguments, folder.path());
    assert_eq!(hunted.status.code(), Some(0), "{}", text(&hunted.stderr));
    let run = hybridsim(&["run", "seven.yaml"], folder.path());
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stdout));
    assert!(text(&run.stdout).contains("Seed 7 of the swarm"));
}

#[test]
fn what_cannot_be_hunted_is_wrong_usage() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (arguments, expected) in [
        (&["hunt", "--from", "18446744073709551615", "--seeds", "2"][..], "last seed"),
        (&["hunt", "--seeds", "0"], "--seeds"),
        (&["hunt", "--write", "no/such/folder.yaml"], "cannot write"),
        (&["hunt", "--write", "one", "--json", "one"], "the same file"),
    ] {
        let output = hybridsim(arguments, folder.path());
        assert_eq!(output.status.code(), Some(5), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}
