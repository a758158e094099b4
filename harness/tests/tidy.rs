//! House rules that no compiler holds: where things are, how long they get, who may know whom.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines of a file at most, its tests left out.
const LONGEST_FILE: usize = 600;
/// Lines of ARCHITECTURE.md at most.
const LONGEST_ARCHITECTURE: usize = 300;
/// Crates that may come with others and are not ours to name, each with what we use instead.
const NOT_OURS_TO_NAME: [(&str, &str); 5] = [
    ("chrono", "jiff"),
    ("lazy_static", "std::sync::LazyLock"),
    ("once_cell", "std::sync::OnceLock"),
    ("async-trait", "async functions in traits"),
    ("anyhow", "thiserror"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Standard output of a program that must succeed.
#[track_caller]
fn output_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Our files, as paths below the root. Not those that git tracks: the tests run without git too.
fn files() -> Vec<String> {
    const FOLDERS: [&str; 9] =
        ["engine", "sim", "harness", "marks", "benches", "scenarios", "docs", ".ci", ".github"];
    let mut found = Vec::new();
    for folder in FOLDERS {
        collect(folder, &mut found);
    }
    let ours = |name: &str| {
        name.starts_with("LICENSE") || name.ends_with(".md") || name.ends_with(".toml")
    };
    found.extend(entries("").into_iter().filter(|name| ours(name)));
    found
}

fn collect(folder: &str, found: &mut Vec<String>) {
    for name in entries(folder) {
        let path = format!("{folder}/{name}");
        if root().join(&path).is_dir() {
            collect(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn entries(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder of ours");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("an entry").file_name().into_string().expect("a name in Unicode")
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

fn text_of(file: &str) -> Option<String> {
    String::from_utf8(fs::read(root().join(file)).expect("a file that was listed")).ok()
}

fn rust_files() -> Vec<(String, String)> {
    let rust = files().into_iter().filter(|file| file.ends_with(".rs"));
    let with_text = |file: String| text_of(&file).map(|text| (file, text));
    let found: Vec<_> = rust.filter_map(with_text).collect();
    assert!(found.len() > 50, "only {} Rust files were found", found.len());
    found
}

/// Whether a whole file is for tests.
fn is_test(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    file.contains("/tests/") || name.ends_with("tests.rs") || name.starts_with("test_")
}

/// `text` without what stands in its test module, which is the last item of a file.
fn without_tests(text: &str) -> &str {
    text.split_once("\n#[cfg(test)]\nmod tests {").map_or(text, |(before, _)| before)
}

#[track_caller]
fn none(offenders: &[String], rule: &str) {
    assert!(offenders.is_empty(), "{rule}:\n  {}", offenders.join("\n  "));
}

#[test]
fn every_file_says_what_it_answers_for() {
    let silent = |(file, text): (String, String)| (!text.starts_with("//! ")).then_some(file);
    let silent: Vec<_> = rust_files().into_iter().filter_map(silent).collect();
    none(&silent, "a file opens with `//!` and what it answers for");
}

#[test]
fn no_file_holds_two_ideas() {
    let mut long = Vec::new();
    for (file, text) in rust_files() {
        let is_test = is_test(&file);
        let lines = without_tests(&text).lines().count();
        if !is_test && lines > LONGEST_FILE {
            long.push(format!("{file}: {lines} lines"));
        }
    }
    none(&long, "a file has at most 600 lines without its tests; usually it holds two ideas");
}

#[test]
fn nothing_is_left_to_be_done() {
    // In pieces, so that this file does not find itself.
    let marks = [["to", "do!("].concat(), ["unimple", "mented!("].concat(), ["FIX", "ME"].concat()];
    let mut found = Vec::new();
    for (file, text) in rust_files() {
        for (number, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark.as_str())) {
                found.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none(&found, "whole, not toy");
}

#[test]
fn no_path_of_one_machine() {
    let marks = [["/wo", "rk/"].concat(), [".libr", "ary/"].concat(), ["/ro", "ot/"].concat()];
    let mut found = Vec::new();
    for file in files() {
        let Some(text) = text_of(&file) else { continue };
        for (number, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark.as_str())) {
                found.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none(&found, "the project names no path of the machine it was written on");
}

#[test]
fn architecture_is_short_and_its_paths_exist() {
    let text = text_of("ARCHITECTURE.md").expect("text");
    let lines = text.lines().count();
    assert!(lines <= LONGEST_ARCHITECTURE, "ARCHITECTURE.md has {lines} lines");
    let paths: BTreeSet<&str> =
        text.split('`').skip(1).step_by(2).filter(|word| is_path(word)).collect();
    assert!(paths.len() > 20, "only {} paths were found in ARCHITECTURE.md", paths.len());
    let gone: Vec<_> =
        paths.into_iter().filter(|path| !root().join(path).exists()).map(str::to_owned).collect();
    none(&gone, "ARCHITECTURE.md names paths that do not exist");
}

/// Whether a word in backticks is a path below the root: it begins with one of the root's entries.
fn is_path(word: &str) -> bool {
    const TOP: [&str; 10] = [
        "engine/",
        "sim/",
        "harness/",
        "marks/",
        "benches/",
        "scenarios/",
        ".ci/",
        "clippy.toml",
        "deny.toml",
        "README.md",
    ];
    !word.contains([' ', ':', '(', '*']) && TOP.iter().any(|top| word.starts_with(top))
}

/// Our crates, each with the names of its direct dependencies, tests and benches included.
fn dependencies() -> Vec<(String, BTreeSet<String>)> {
    let arguments = ["metadata", "--offline", "--format-version", "1", "--no-deps"];
    let text = output_of(env!("CARGO"), &arguments);
    let metadata: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let packages = metadata["packages"].as_array().expect("a list").iter();
    let name = |value: &serde_json::Value| value["name"].as_str().expect("a name").to_owned();
    packages
        .map(|package| {
            let needs = package["dependencies"].as_array().expect("a list");
            (name(package), needs.iter().map(name).collect())
        })
        .collect()
}

#[test]
fn arrows_point_one_way() {
    // Who may know whom among our own crates.
    let allowed = |crate_name: &str| match crate_name {
        "marks" => &[][..],
        "engine" | "sim" => &["marks"],
        "harness" => &["engine", "marks", "sim"],
        "benches" => &["engine", "sim", "harness"],
        other => panic!("{other} is a new crate: say here whom it may know"),
    };
    let all = dependencies();
    let ours: BTreeSet<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(ours, BTreeSet::from(["benches", "engine", "harness", "marks", "sim"]));
    let mut wrong = Vec::new();
    for (name, needs) in &all {
        for need in needs.iter().filter(|need| ours.contains(need.as_str())) {
            if !allowed(name).contains(&need.as_str()) {
                wrong.push(format!("{name} -> {need}"));
            }
        }
    }
    none(&wrong, "an arrow between our crates points where none may");
}

#[test]
fn some_crates_are_not_ours_to_name() {
    let mut named = Vec::new();
    for (name, needs) in dependencies() {
        for (other, instead) in NOT_OURS_TO_NAME {
            if needs.contains(other) {
                named.push(format!("{name} -> {other}: use {instead}"));
            }
        }
    }
    none(&named, "a direct dependency that another takes the place of");
}

#[test]
fn few_rooms_know_yaml_and_only_wire_knows_sockets() {
    let rules: [(&str, &[&str]); 5] = [
        ("serde_saphyr", &["harness/src/scenario/", "harness/src/alone/config.rs"]),
        ("ldap3::", &["engine/src/wire/"]),
        ("reqwest::", &["engine/src/wire/", "benches/benches/"]),
        (
            "std::net::Tcp",
            &["engine/src/wire/", "sim/src/wire/", "harness/src/bridge/", "harness/src/serve/"],
        ),
        (
            "tokio::net",
            &["engine/src/wire/", "sim/src/wire/", "harness/src/bridge/", "harness/src/serve/"],
        ),
    ];
    let mut wrong = Vec::new();
    for (file, text) in rust_files() {
        let is_test = is_test(&file);
        let text = without_tests(&text);
        for (word, rooms) in rules {
            let at_home = is_test || rooms.iter().any(|room| file.starts_with(room));
            if text.contains(word) && !at_home {
                wrong.push(format!("{file} names {word}, which belongs to {}", rooms.join(", ")));
            }
        }
    }
    none(&wrong, "a room knows what it should not");
}
