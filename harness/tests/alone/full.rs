//! A disk that is full: whatever is to be written is told as not written, what was there stays whole, and the same call
//! goes on once there is room.
//!
//! The disk is a limit for the size of a file of the child process alone (`RLIMIT_FSIZE`, by `ulimit -f` in blocks of 512
//! bytes), with the signal ignored that would end it: its writes then fail as on a disk without room.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::estate::{Estate, inventory};

impl Estate {
    /// Runs it where no file may grow beyond so many bytes: exit code and what it printed.
    fn run_within(&self, bytes: u64, arguments: &[&str]) -> (i32, String) {
        let command = self.command(arguments);
        let limit = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", bytes.div_ceil(512));
        let output = Command::new("sh")
            .args(["-c", &limit, "sh"])
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().expect("it ended by itself"), String::from_utf8_lossy(&text).into())
    }

    fn size(&self, name: &str) -> u64 {
        fs::metadata(self.path(name)).expect("it is there").len()
    }

    /// The names of the files in its folder.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder()).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> =
            names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The mailboxes of whom the log of transfers says that they flipped.
    fn logged_flips(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("state.transfers.jsonl")).unwrap_or_default();
        let entry = |line: &str| serde_json::from_str::<Value>(line).expect("whole lines alone");
        let entries = log.lines().map(entry).filter(|entry| entry["outcome"] == "flipped");
        let mut flips: Vec<String> = entries.map(|entry| entry["mailbox"].to_string()).collect();
        flips.sort();
        flips
    }
}

const FULL: &str = "File too large";

#[test]
fn a_file_that_does_not_fit_takes_the_place_of_nothing() {
    let estate = Estate::serve(40);
    let path = |name: &str| estate.path(name).to_str().expect("text").to_owned();
    let (to, report) = (path("kept.jsonl"), path("report.json"));
    let backup = ["transfer", "backup", "--to", &to];
    let before = estate.names();
    let (code, text) = estate.run_within(8_192, &backup);
    assert!(code == 4 && text.contains(FULL) && text.contains("kept.jsonl"), "{code} {text}");
    assert_eq!(estate.names(), before, "no half file stays");
    let (code, text) = estate.run(&backup);
    assert_eq!(code, 0, "{text}");
    let kept = fs::read(&to).expect("there");
    let (code, text) = estate.run_within(8_192, &[&backup[..], &["--overwrite"]].concat());
    assert!(code == 4 && text.contains("what was there before is there"), "{code} {text}");
    assert_eq!(fs::read(&to).expect("there"), kept);

    // What a call came to is told all the same.
    let (code, text) = estate.run_within(1_024, &["transfer", "inventory", "--report", &report]);
    assert!(code == 4 && text.contains("40 synchronized") && text.contains(FULL), "{code} {text}");
    assert!(!estate.path("report.json").exists());
    let (code, text) = estate.run_within(512, &["writeback", "--verbose", "--report", &report]);
    assert!(code == 4 && text.contains("40 skipped") && text.contains(FULL), "{code} {text}");
    assert!(!estate.path("report.json").exists());
}

#[test]
fn a_store_that_does_not_fit_is_not_made_and_one_that_is_there_stays_whole() {
    let estate = Estate::serve(120);
    let people = inventory(&estate);
    let before = estate.names();
    let flip = ["transfer", "flip", "--apply", "--wave", "40", "--name", "t"];
    let (code, text) = estate.run_within(4_096, &flip);
    assert!(code == 4 && text.contains("state.transfers.redb"), "{code} {text}");
    let mut now = estate.names();
    now.retain(|name| name != "state.transfers.jsonl");
    assert_eq!(now, before, "no half store stays");
    let (code, text) = estate.run(&["transfer", "inventory"]);
    assert!(code == 0 && text.contains("120 synchronized, 0 cloud-managed"), "nothing was flipped");

    let (code, text) = estate.run(&flip);
    assert!(code == 0 && text.contains("120 flipped"), "{text}");
    let cycle = ["writeback", "--apply", "--cycles", "1"];
    let (code, text) = estate.run(&cycle);
    assert_eq!(code, 0, "{text}");
    let token = estate.token();
    let long = "x".repeat(900);
    let edits: Vec<(&str, String)> =
        people.iter().map(|(id, _)| (id.as_str(), format!("{id}{long}"))).collect();
    estate.edit(&token, &edits);
    let written = estate.directory();
    let (code, text) = estate.run_within(estate.size("state.redb"), &cycle);
    assert!(code == 4 && text.contains(FULL) && text.contains("state.redb"), "{code} {text}");
    assert!(
        estate.directory() == written,
        "what was about to be written is kept before it is written"
    );
    let (code, text) = estate.run(&cycle);
    assert!(code == 0 && text.contains("120 objects written"), "{text}");
    let (code, text) = estate.run(&cycle);
    assert!(code == 0 && text.contains("0 objects written"), "{text}");
    let verdict = estate.control("/verdict");
    assert_eq!(verdict["findings"].as_array().map(Vec::len), Some(0), "{verdict:#}");
}

/// Nothing is taken note of that the log cannot take: the same call finds it by reading and completes the log, in which
/// each change is then once.
#[test]
fn a_log_that_is_full_stops_a_transfer_and_misses_nothing() {
    let estate = Estate::serve(60);
    let people = inventory(&estate);
    let flip = ["transfer", "flip", "--apply", "--wave", "20", "--name", "t"];
    // The log is the largest file: the store fits below the limit.
    let full = 4 << 20;
    let line = format!("{{\"pad\":\"{}\"}}\n", "x".repeat(full));
    fs::write(estate.path("state.transfers.jsonl"), line).expect("written");
    let (code, text) = estate.run_within(full as u64 + 12_000, &flip);
    assert!(code == 1 && text.contains("TransferLogNotWritten") && text.contains(FULL), "{text}");
    assert!(text.contains("waiting until") && text.contains("log of transfers"), "{text}");
    let logged = estate.logged_flips();
    assert_eq!(logged.len(), 20, "whole waves alone");
    let (code, text) = estate.run(&flip);
    assert!(code == 0 && text.contains("blocked, 0 refused"), "{text}");
    let mut all: Vec<String> = people.iter().map(|(id, _)| format!("\"{id}\"")).collect();
    all.sort();
    assert_eq!(estate.logged_flips(), all, "each change is in the log, once");
}
