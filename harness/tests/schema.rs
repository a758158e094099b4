//! The JSON Schema that editors use: committed, in step with the reader, and of one mind with it.

use std::fs;
use std::path::{Path, PathBuf};

use harness::scenario::schema_text;
use harness::stage::catalogues;
use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A YAML file as the JSON that a schema is about.
fn document(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("the file is there");
    serde_saphyr::from_str(&text).expect("it is YAML")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn the_committed_schema_is_the_one_that_the_program_writes() {
    let path = repository().join("scenarios/scenario.schema.json");
    let written = schema_text(&catalogues());
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == written,
        "scenarios/scenario.schema.json is out of step: \
         `cargo run -- schema --output scenarios/scenario.schema.json`"
    );
}

/// What the reader takes the schema takes.
#[test]
fn every_scenario_of_the_library_fits_the_schema() {
    let schema: Value = serde_json::from_str(&schema_text(&catalogues())).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut found = Vec::new();
    files(&repository().join("scenarios"), &mut found);
    found.push(repository().join("harness/src/cli/starter.yaml"));
    assert!(found.len() > 40, "the library is gone");
    for path in found {
        let problems: Vec<String> =
            validator.iter_errors(&document(&path)).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{}: {problems:#?}", path.display());
    }
}

/// What is wrong with the form of a file the schema says too.
#[test]
fn files_of_a_wrong_form_do_not_fit_the_schema() {
    let schema: Value = serde_json::from_str(&schema_text(&catalogues())).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let folder = repository().join("harness/tests/bad-scenarios");
    for name in [
        "connect",
        "counts",
        "cycle",
        "edits",
        "expect-error-on-wait",
        "fault-values",
        "job-action",
        "lag",
        "no-story",
        "no-title",
        "repeat",
        "stray-key-of-step",
        "suspend-without-reason",
        "transfer",
        "two-actions",
        "two-faults",
        "unknown-comparison",
        "unknown-fault",
        "unknown-key",
        "unknown-nested-key",
        "unknown-oracle",
        "unknown-profile",
        "unknown-side",
        "unknown-step",
        "unknown-switch",
        "unknown-world-key",
        "wrong-type-list",
        "wrong-type-seed",
        "wrong-version",
    ] {
        let path = folder.join(format!("{name}.yaml"));
        assert!(!validator.is_valid(&document(&path)), "{name} fits the schema");
    }
}
