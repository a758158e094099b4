//! Restores of the engine on its own: of whom it is asked for and of nobody else, to the end of what was begun, and
//! what is said of each value.

use std::fs;

use serde_json::{Value, json};

use super::estate::{Estate, inventory};

/// Values of two mailboxes are spoiled, one is to come back: the other keeps what it has, in the cloud and in AD, from
/// a file and from a stored backup.
#[test]
fn who_is_not_named_keeps_what_he_has() {
    let estate = Estate::serve(4);
    let people = inventory(&estate);
    let path = |name: &str| estate.path(name).to_str().expect("text").to_owned();
    let (code, text) = estate.run(&["transfer", "flip", "--apply", "--name", "pilot"]);
    assert_eq!(code, 0, "{text}");
    let (all, one, stored) = (path("all.jsonl"), path("one.txt"), path("stored.jsonl"));
    let (code, text) = estate.run(&["transfer", "backup", "--to", &all]);
    assert_eq!(code, 0, "{text}");
    fs::write(&one, format!("{}  # the only one\n", people[1].1)).expect("written");
    let backup = ["transfer", "backup", "--stored", "--name", "pilot", "--to", &stored];
    let (code, text) = estate.run(&[&backup[..], &["--mailboxes", &one]].concat());
    assert!(code == 0 && text.contains("1 mailbox(es)"), "{code} {text}");
    let spoiled = |(id, _): &(String, String)| (id.clone(), "spoiled".to_owned());
    let edits: Vec<(String, String)> = people[1..3].iter().map(spoiled).collect();
    let edits: Vec<(&str, String)> =
        edits.iter().map(|(id, value)| (id.as_str(), value.clone())).collect();
    estate.edit(&estate.token(), &edits);
    let (code, text) = estate.run(&["writeback", "--apply", "--cycles", "1"]);
    assert!(code == 0 && text.contains("2 objects written"), "{code} {text}");

    let held = || {
        let rows = estate.directory().into_iter();
        rows.filter(|row| row.1 == "spoiled").map(|row| row.0).collect::<Vec<_>>()
    };
    assert_eq!(held().len(), 2);
    let report = path("report.json");
    for to in ["cloud", "directory"] {
        let restore = ["transfer", "restore", "--from", &all, "--to", to, "--mailboxes", &one];
        let (code, text) = estate.run(&restore);
        assert!(code == 0 && text.contains("1 of 1 mailbox(es) differ"), "{code} {text}");
        let (code, text) = estate.run(&[&restore[..], &["--apply", "--report", &report]].concat());
        assert!(code == 0 && text.contains("1 of 1 mailbox(es) restored"), "{code} {text}");
        assert!(!text.contains(&people[2].0), "nobody else: {text}");
        let told: Value = serde_json::from_slice(&fs::read(&report).expect("there")).expect("JSON");
        assert_eq!(told["counts"]["restored"], 1);
        assert_eq!(told["mailboxes"][0]["changes"][0]["old"], json!(["spoiled"]));
        let (code, text) = estate.run(&restore);
        assert!(code == 0 && text.contains("nothing differs: 1 of 1"), "{code} {text}");
    }
    assert_eq!(held(), [people[2].1.as_str()], "AD's side of the other is as it was");
    let rest = ["transfer", "restore", "--from", &all, "--to", "cloud"];
    let (code, text) = estate.run(&rest);
    assert!(code == 0 && text.contains("1 of 4 mailbox(es) differ, 3 equal"), "{code} {text}");
    let nobody = path("nobody.txt");
    fs::write(&nobody, "nobody@contoso.com\n").expect("written");
    let (code, text) = estate.run(&[&rest[..], &["--mailboxes", &nobody]].concat());
    assert!(code == 5 && text.contains("nobody@contoso.com"), "{code} {text}");
}

/// The log ends with `begun` where a process was killed behind a write: the next call completes it, once.
#[test]
fn the_next_call_completes_the_log_of_one_that_was_killed() {
    let estate = Estate::serve(2);
    let people = inventory(&estate);
    let path = |name: &str| estate.path(name).to_str().expect("text").to_owned();
    let all = path("all.jsonl");
    let (code, text) = estate.run(&["transfer", "backup", "--to", &all]);
    assert_eq!(code, 0, "{text}");
    let log = estate.path("state.transfers.jsonl");
    let begun = json!({
        "format": "hybridsim-transfer-log", "version": 2, "at": "2026-11-01T00:00:00Z",
        "action": "restore", "transfer": "", "mailbox": people[0].0, "object": null, "outcome": "begun",
        "detail": "", "changes": [{"name": "CustomAttribute1", "oldValues": ["x"], "newValues": ["y"]}],
    });
    fs::write(&log, format!("{begun}\n")).expect("written");
    let restore = ["transfer", "restore", "--from", &all, "--to", "cloud", "--apply"];
    for _ in 0..2 {
        let (code, text) = estate.run(&restore);
        assert!(code == 0 && text.contains("nothing differs"), "{code} {text}");
    }
    let lines = fs::read_to_string(&log).expect("text");
    let told: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(told.len(), 2, "{lines}");
    assert_eq!((&told[1]["outcome"], &told[1]["mailbox"]), (&json!("restored"), &begun["mailbox"]));
    assert_eq!(told[1]["changes"], begun["changes"]);
    assert!(told[1]["detail"].as_str().expect("text").contains("found by reading"));
}

/// Several values stay several in reports and logs, and what somebody wrote into AD moves nobody's cursor.
#[test]
fn values_are_told_apart_and_no_terminal_obeys_them() {
    let estate = Estate::serve(1);
    let people = inventory(&estate);
    let path = |name: &str| estate.path(name).to_str().expect("text").to_owned();
    let (code, text) = estate.run(&["transfer", "flip", "--apply"]);
    assert_eq!(code, 0, "{text}");
    let evil = "a\u{1b}[2J; b\nwritten everybody";
    estate.write_in_ad(&people[0].1, "extensionAttribute4", evil);
    let report = path("report.json");
    let (code, text) = estate.run(&["writeback", "--reconcile", "--report", &report]);
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(code == 0 || code == 1, "{text}");
    assert!(text.contains("`a\\u{1b}[2J; b\\u{a}written everybody`"), "{text}");
    let told: Value = serde_json::from_slice(&fs::read(&report).expect("there")).expect("JSON");
    let drift = told["drift"].as_array().expect("a list");
    assert!(drift.iter().any(|one| one["directory"] == json!([evil])), "{told}");
    let (code, _) = estate.run(&["writeback", "--apply", "--cycles", "1"]);
    assert_eq!(code, 0);
}

/// The job's schema can be read, and given back as a file.
#[test]
fn the_schema_that_is_shown_is_taken_as_a_file() {
    let estate = Estate::serve(1);
    let (code, shown) = estate.run(&["writeback", "--show-schema"]);
    assert_eq!(code, 0, "{shown}");
    let schema: Value = serde_json::from_str(&shown).expect("JSON");
    let flows = &schema["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"];
    assert_eq!(flows.as_array().map(Vec::len), Some(24));
    fs::write(estate.path("schema.json"), &shown).expect("written");
    let config = estate.path("writeback.yaml");
    let text = fs::read_to_string(&config).expect("text");
    let with = text.replacen('{', "{\"writeback\": {\"schema\": \"schema.json\"},", 1);
    fs::write(&config, with).expect("written");
    let (code, again) = estate.run(&["writeback", "--show-schema"]);
    assert_eq!((code, again), (0, shown));
    let (code, text) = estate.run(&["writeback"]);
    assert!(code == 0 && text.contains("dry run"), "{code} {text}");
}
