//! What the documents promise, tried: their commands and their complete scenarios.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const README: &str = include_str!("../../README.md");
const LANGUAGE: &str = include_str!("../../scenarios/README.md");

/// The fenced blocks of `document` in `language`.
fn blocks<'a>(document: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("\n```{language}\n");
    let ends = |rest: &'a str| rest.split_once("\n```").map(|(block, _)| block);
    document.split(fence.as_str()).skip(1).filter_map(ends).collect()
}

/// The blocks that are whole scenarios.
fn scenarios(document: &str) -> Vec<&str> {
    blocks(document, "yaml").into_iter().filter(|b| b.starts_with("scenario:")).collect()
}

#[test]
fn the_two_commands_come_first() {
    let first = blocks(README, "sh");
    let commands: Vec<_> = first.first().expect("a block of commands").lines().collect();
    assert_eq!(
        commands,
        ["cargo run --release -- run scenarios", "cargo test --workspace --release"]
    );
}

#[test]
fn complete_scenarios_in_documents_pass() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, document) in [("README", README), ("scenarios/README", LANGUAGE)] {
        let found = scenarios(document);
        assert!(!found.is_empty(), "{name}.md has no complete scenario");
        for (index, scenario) in found.iter().enumerate() {
            let path = folder.path().join(format!("{}-{index}.yaml", name.replace('/', "-")));
            std::fs::write(&path, scenario).expect("a file");
            passes(&path);
        }
    }
}

#[track_caller]
fn passes(path: &Path) {
    let run = Command::new(env!("CARGO_BIN_EXE_hybridsim")).arg("run").arg(path).output();
    let run = run.expect("the program starts");
    let said = [&run.stdout[..], &run.stderr[..]].concat();
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn every_command_and_exit_code_is_named() {
    let help = Command::new(env!("CARGO_BIN_EXE_hybridsim")).arg("--help").output();
    let help = help.expect("the program starts").stdout;
    let help = String::from_utf8(help).expect("text");
    let (_, commands) = help.split_once("Commands:\n").expect("a list of commands");
    let names = commands.lines().take_while(|line| !line.is_empty());
    for name in names.filter_map(|line| line.split_whitespace().next()).filter(|n| *n != "help") {
        assert!(README.contains(&format!("| `{name}")), "README.md does not name `{name}`");
    }
    for code in 0..=5 {
        assert!(README.contains(&format!("| {code} |")), "README.md does not explain exit {code}");
    }
}

/// Every id that a finding may have is explained, and nothing is explained that no finding has.
#[test]
fn every_finding_is_explained() {
    const FINDINGS: &str = include_str!("../../docs/findings.md");
    let explained: BTreeSet<&str> = FINDINGS
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(id, _)| id))
        .collect();
    let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/src");
    let (mut known, mut makers) = (BTreeSet::new(), 0);
    for (path, code) in sources(&engine) {
        // Whoever makes a finding: its ids are texts of that file, or of one beside it in the same room.
        let makes = code.contains("Finding {");
        makers += usize::from(makes);
        let room = path.starts_with(engine.join("transfer"));
        assert!(room || !makes, "{}: findings are made in engine/src/transfer", path.display());
        known.extend(
            code.split('"')
                .skip(1)
                .step_by(2)
                .filter(|_| room)
                .filter(|text| is_id(text))
                .map(str::to_owned),
        );
    }
    let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
    assert!(known.len() > 60 && makers > 4, "{makers} {known:?}");
    assert_eq!(explained, known);
}

/// Whether a text has the form of a finding's id: an area and what is found there.
fn is_id(text: &str) -> bool {
    let word =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    text.split_once('.').is_some_and(|(area, rest)| word(area) && word(rest))
}

/// Every source file below a folder without its tests and remarks, however deep.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let is_tests = path.file_stem().is_some_and(|name| {
            let name = name.to_string_lossy();
            name == "tests" || name.ends_with("_tests") || name.starts_with("test_")
        });
        if is_tests {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source file");
            let (code, _) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            found.push((path, lines.collect::<Vec<_>>().join("\n")));
        }
    }
    found
}
