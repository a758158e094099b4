//! The JSON Schema that editors use: committed, in step with the reader, and of one mind with it.

use std::fs;
use std::path::{Path, PathBuf};

use harness::scenario::{STEPS, read, schema_text};
use harness::stage::catalogues;
use serde_json::{Map, Value, json};

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

/// How many mutations of the library are tried: enough that each kind meets each place of the language.
const MUTATIONS: usize = 12_000;

/// A file that `check` takes is one that editors take: whatever the schema refuses, `check` refuses too. Tried
/// with the library as it is written, and as people would miswrite it.
#[test]
fn what_the_schema_refuses_check_refuses() {
    let catalogues = catalogues();
    let schema: Value = serde_json::from_str(&schema_text(&catalogues)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut found = Vec::new();
    files(&repository().join("scenarios"), &mut found);
    files(&repository().join("harness/tests/bad-scenarios"), &mut found);
    found.sort();
    let documents: Vec<(PathBuf, Value)> = found
        .into_iter()
        .filter_map(|path| {
            let text = fs::read_to_string(&path).ok()?;
            Some((path, serde_saphyr::from_str(&text).ok()?))
        })
        .collect();
    let places: Vec<Vec<String>> = documents.iter().map(|(_, whole)| pointers(whole)).collect();
    let all: usize = places.iter().map(Vec::len).sum::<usize>() * KINDS;
    // Steps through all of them without a common divisor, so that every kind and every file has its turn.
    let stride = (all / MUTATIONS).max(1) | 1;
    let (mut number, mut tried, mut taken) = (0_usize, 0, 0);
    let mut differ = Vec::new();
    for ((path, whole), places) in documents.iter().zip(&places) {
        for (pointer, kind) in places.iter().flat_map(|at| (0..KINDS).map(move |kind| (at, kind))) {
            number += 1;
            if !number.is_multiple_of(stride) {
                continue;
            }
            let Some(mutant) = mutated(whole, pointer, kind) else { continue };
            tried += 1;
            let source = written(&mutant);
            if read(path, &source, &catalogues).is_err() {
                continue;
            }
            taken += 1;
            let mut problems = validator.iter_errors(&mutant).map(|error| error.to_string());
            if let Some(problem) = problems.next() {
                let value = mutant.pointer(pointer).unwrap_or(&Value::Null);
                differ.push(format!(
                    "{}{pointer}, mutation {kind}: {value}: {problem}",
                    path.display()
                ));
            }
        }
    }
    assert!(differ.is_empty(), "check takes it, and the schema does not:\n{}", differ.join("\n"));
    assert!(tried > MUTATIONS / 5 && taken > tried / 20, "{tried} tried, {taken} taken");
}

/// Ways to miswrite a value; see [`mutated`].
const KINDS: usize = 14;

/// The document with the value at a place written otherwise; nothing where this is no other way to write it.
fn mutated(whole: &Value, pointer: &str, kind: usize) -> Option<Value> {
    let mut mutant = whole.clone();
    let value = mutant.pointer_mut(pointer)?;
    let other = match (kind, &*value) {
        (0, Value::String(text)) => json!(text.to_uppercase()),
        (1, Value::String(text)) => json!(text.to_lowercase()),
        (2, Value::String(text)) => json!(format!(" {text} ")),
        (3, Value::String(text)) => json!(in_full(text)?),
        (4, Value::String(text)) => {
            json!(text.trim_end_matches(char::is_alphabetic).parse::<u64>().ok()?)
        }
        (4, Value::Number(number)) => json!(number.to_string()),
        (5, Value::Number(_)) => json!(u64::MAX),
        (5, Value::Bool(truth)) => json!(truth.to_string()),
        (6, Value::Number(_)) => json!(1.5),
        (6, Value::Bool(truth)) => json!(if *truth { "on" } else { "off" }),
        (7, _) => Value::Null,
        (8, Value::Array(items)) => items.first()?.clone(),
        (8, other) => json!([other]),
        (9, Value::Array(_)) => json!([]),
        (9, Value::Object(_)) => json!({}),
        (10, Value::Object(members)) => renamed(members, str::to_uppercase),
        (11, Value::Object(members)) => renamed(members, str::to_lowercase),
        (12, Value::Object(members)) => {
            let mut members = members.clone();
            let last = members.keys().next_back()?.clone();
            members.remove(&last);
            Value::Object(members)
        }
        (13, Value::Object(_) | Value::Array(_)) => return None,
        (13, _) => json!(7),
        _ => return None,
    };
    (other != *value).then_some(())?;
    *value = other;
    Some(mutant)
}

/// A length of time with its unit in full.
fn in_full(text: &str) -> Option<String> {
    let units =
        [("s", "Seconds"), ("m", "minutes"), ("h", " hours"), ("d", " DAYS"), ("w", "weeks")];
    let (unit, full) = units.into_iter().find(|(unit, _)| text.ends_with(unit))?;
    let number = text.strip_suffix(unit)?;
    number.parse::<u64>().ok()?;
    Some(format!("{number}{full}"))
}

fn renamed(members: &Map<String, Value>, change: fn(&str) -> String) -> Value {
    members.iter().map(|(name, value)| (change(name), value.clone())).collect()
}

/// Every place in a document.
fn pointers(value: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut inside = |step: &str, value: &Value| {
        let step = step.replace('~', "~0").replace('/', "~1");
        found.extend(pointers(value).into_iter().map(|rest| format!("/{step}{rest}")));
    };
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(place, item)| inside(&place.to_string(), item));
        }
        Value::Object(members) => members.iter().for_each(|(name, value)| inside(name, value)),
        _ => {}
    }
    found
}

/// A document as a scenario file: JSON, which YAML 1.2 reads, and first of each mapping what it does or is, as
/// the order of keys means something there.
fn written(value: &Value) -> String {
    const PARTS: [&str; 3] = ["shape", "user", "ldif"];
    let Value::Object(members) = value else {
        return match value {
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(written).collect();
                format!("[{}]", items.join(", "))
            }
            other => other.to_string(),
        };
    };
    // `expect` is a step of its own, and stands beside others.
    let actions = STEPS.into_iter().filter(|step| *step != "expect");
    let firsts: Vec<&str> = actions.chain(PARTS).collect();
    let mut names: Vec<&String> = members.keys().collect();
    names.sort_by_key(|name| {
        let beside = ["as", "at", "expect_error", "note"].contains(&name.as_str());
        (!firsts.iter().any(|first| first.eq_ignore_ascii_case(name)), beside)
    });
    let members: Vec<String> = names
        .into_iter()
        .map(|name| format!("{}: {}", json!(name), written(&members[name])))
        .collect();
    format!("{{{}}}", members.join(", "))
}
