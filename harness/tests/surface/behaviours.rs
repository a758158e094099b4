//! Behaviours of the product, and which scenario shows each. A scenario is a witness on both transports:
//! `harness/tests/parity.rs` plays the whole library in memory and over the wire.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use sim::profile::{self, Profile};

use super::document::folder;

/// Behaviours that a test shows and no scenario, with that test.
const BY_TEST: &[(&str, &str)] = &[
    ("F-01", "harness/tests/alone/runs.rs"),
    ("F-02", "engine/src/reconcile/mod.rs"),
    ("F-04", "harness/tests/alone/runs.rs"),
    ("F-09", "harness/tests/parity.rs"),
    ("W-26", "engine/src/writeback/tests.rs"),
];

/// A scenario's file, its id and what it says of its world.
struct Told {
    file: String,
    id: Option<String>,
    text: String,
}

fn scenarios() -> Vec<Told> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = vec![root.join("scenarios")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                let text = fs::read_to_string(&path).expect("a scenario");
                let id = text.lines().find_map(|line| line.strip_prefix("id:"));
                let id = id.map(|id| id.split('#').next().unwrap_or_default().trim().to_owned());
                let file = path.strip_prefix(&root).expect("below the root").display().to_string();
                found.push(Told { file, id, text });
            }
        }
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    found
}

/// The page, and scenarios whose id is no behaviour's.
pub(crate) fn page() -> (String, Vec<String>) {
    let told = scenarios();
    let mut by_id: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for scenario in &told {
        if let Some(id) = &scenario.id {
            by_id.entry(id).or_default().push(&scenario.file);
        }
    }
    for (id, test) in BY_TEST {
        by_id.entry(id).or_default().push(test);
    }
    let mut rows = String::new();
    let (mut modelled, mut absent) = (0, 0);
    let mut reader = csv::Reader::from_reader(include_str!("behaviours.csv").as_bytes());
    for record in reader.records() {
        let record = record.expect("a row");
        let (id, behaviour, evidence) = (&record[0], &record[1], &record[2]);
        let witnesses = by_id.remove(id).unwrap_or_default();
        let here = if witnesses.is_empty() {
            absent += 1;
            "absent"
        } else {
            modelled += 1;
            "modelled"
        };
        let witnesses: Vec<String> = witnesses.iter().map(|file| format!("`{file}`")).collect();
        let witnesses = if witnesses.is_empty() { "–".to_owned() } else { witnesses.join(", ") };
        // Writing to a text does not fail.
        let _ = writeln!(rows, "| {id} | {behaviour} | {here} | {evidence} | {witnesses} |");
    }
    let strays = by_id.values().flatten().map(|file| (*file).to_owned()).collect();
    let text = format!(
        "# Parity: behaviour\n\n\
         Written by the tests of `harness/tests/surface/`; see [README](README.md). Do not edit.\n\n\
         ## Behaviours\n\n\
         {modelled} modelled, {absent} absent: no witness tells of those, whatever parts of them are here. Each\n\
         witness is a scenario, played in memory and over the wire, or a test.\n\n\
         | Id | Behaviour | Here | Evidence | Witness |\n| --- | --- | --- | --- | --- |\n{rows}\n{}",
        switches(&told)
    );
    (text, strays)
}

/// The rows of the newest profile: what is dated, inferred or unknown of the product.
fn switches(told: &[Told]) -> String {
    let profile = Profile::load(profile::DEFAULT_PROFILE).expect("the newest profile");
    let mut text = format!(
        "## What a profile decides\n\n\
         Values of `{}`; `world.switches` and other profiles change them. The witness is a scenario that sets one.\n\n\
         | Row | Value | Evidence | Source | Witness |\n| --- | --- | --- | --- | --- |\n",
        profile::DEFAULT_PROFILE
    );
    for name in profile.row_names() {
        let Some(row) = profile.row(name) else { continue };
        let sets = |told: &&Told| {
            let mut lines = told.text.lines().skip_while(|line| !line.contains("switches:"));
            let key = format!("{name}:");
            let first = lines.next().is_some_and(|line| line.contains(&key));
            let indented = |line: &&str| line.starts_with("    ");
            first || lines.take_while(indented).any(|line| line.trim_start().starts_with(&key))
        };
        let witness = told.iter().find(sets);
        let witness = witness.map_or_else(|| "–".to_owned(), |told| format!("`{}`", told.file));
        let evidence = format!("{:?}", row.evidence).to_lowercase();
        let source = row.source.replace('|', "\\|");
        // Writing to a text does not fail.
        let _ =
            writeln!(text, "| `{name}` | `{}` | {evidence} | {source} | {witness} |", row.value);
    }
    text
}

/// Compares the page with the one in the repository: strictly where `CI=true`, elsewhere only that nothing
/// on it is untrue, so that a new scenario may stand alone for a while.
#[track_caller]
pub(crate) fn compare() {
    let (page, strays) = page();
    assert!(strays.is_empty(), "a witness without a row: {}", strays.join(", "));
    let file = folder().join("behaviour.md");
    if std::env::var_os("UPDATE_PARITY").is_some() {
        fs::write(&file, page).expect("the page is written");
        return;
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    let strict = std::env::var_os("CI").is_some_and(|ci| ci == "true");
    let untrue = |row: &&str| {
        let witness = row.split('`').find(|part| {
            ["scenarios/", "harness/", "engine/"].iter().any(|folder| part.starts_with(folder))
        });
        let root = folder().join("../..");
        witness.is_some_and(|witness| !root.join(witness).exists())
    };
    let untrue: Vec<&str> = kept.lines().filter(untrue).collect();
    assert!(
        untrue.is_empty() && (!strict || kept == page),
        "docs/parity/behaviour.md is not what the scenarios tell:\n{}\nWrite it anew: UPDATE_PARITY=1 cargo test -p harness --test surface",
        untrue.join("\n")
    );
}
