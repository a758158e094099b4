//! What a dry run says, a real one does: flips, cycles, findings, backups and their return.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::estate::{Estate, inventory};

#[test]
fn a_dry_run_says_what_a_real_one_then_does() {
    let estate = Estate::serve(12);
    let people = inventory(&estate);
    assert_eq!(people.len(), 12);
    let before = estate.directory();

    let (code, text) = estate.run(&["transfer", "flip"]);
    assert!(code == 0 && text.contains("dry run"), "{text}");
    let (code, text) = estate.run(&["transfer", "flip", "--apply", "--connect-build", "2.5.190.0"]);
    assert!(code == 0 && text.contains("12 flipped in 1 wave(s)"), "{code} {text}");
    let logged = fs::read_to_string(estate.path("state.transfers.jsonl")).expect("text");
    let mut flipped: Vec<String> = Vec::new();
    for line in logged.lines() {
        let entry: Value = serde_json::from_str(line).expect("JSON");
        let of = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        assert_eq!((of("action"), of("outcome")), ("flip".to_owned(), "flipped".to_owned()));
        let change = json!({"name": "IsExchangeCloudManaged", "oldValues": ["False"], "newValues": ["True"]});
        assert_eq!(entry["changes"], json!([change]));
        assert_eq!(entry["initiatedBy"]["application"].as_str().map(str::len), Some(36));
        flipped.push(of("mailbox"));
    }
    flipped.sort_unstable();
    let mut all: Vec<&str> = people.iter().map(|(id, _)| id.as_str()).collect();
    all.sort_unstable();
    assert_eq!(flipped, all, "each change is in the log, once");
    let (code, text) = estate.run(&["transfer", "flip", "--apply"]);
    assert!(code == 0 && text.contains("0 flipped in 0 wave(s), 12 already"), "{text}");

    let token = estate.token();
    estate.edit(&token, &[(&people[3].0, "new value".to_owned())]);
    let (code, predicted) = estate.run(&["writeback"]);
    assert_eq!(code, 0, "{predicted}");
    assert!(predicted.contains("dry run: 1 object would be written"), "{predicted}");
    assert!(!predicted.contains("RedundantExport"), "skipped ones are counted: {predicted}");
    let (_, verbose) = estate.run(&["writeback", "--verbose"]);
    assert_eq!(verbose.matches("RedundantExport").count(), 11, "{verbose}");
    assert_eq!(estate.directory(), before, "a dry run writes nothing");
    assert!(!estate.path("provisioning.jsonl").exists());

    let (code, text) = estate.run(&["writeback", "--apply", "--cycles", "1"]);
    assert!(code == 0 && text.contains("1 object written"), "{text}");
    let change = |text: &str| {
        let line = text.lines().find(|line| line.contains("extensionAttribute1:"));
        line.map(str::to_owned)
    };
    assert!(change(&text).is_some_and(|line| line.ends_with("-> `new value`")), "{text}");
    assert_eq!(change(&text), change(&predicted));
    let written: Vec<_> =
        estate.directory().into_iter().filter(|row| row.1 == "new value").collect();
    assert_eq!(written.len(), 1);

    for name in ["state.redb", "provisioning.jsonl", "state.transfers.jsonl"] {
        let mode = fs::metadata(estate.path(name)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let log = fs::read_to_string(estate.path("provisioning.jsonl")).expect("text");
    let entry: Value = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .find(|entry| entry["provisioningStatusInfo"]["status"] == "success")
        .expect("an entry");
    assert_eq!(entry["provisioningSteps"].as_array().expect("steps").len(), 4);
    let verdict = estate.control("/verdict");
    assert_eq!(verdict["findings"].as_array().map(Vec::len), Some(0), "{verdict:#}");
}

/// What stands against a flip is told first; rings follow each other; and what nobody stated is said
/// to be unknown.
#[test]
fn readiness_rings_and_decommissioning_are_told_from_both_sides_and_evidence() {
    let estate = Estate::serve(5);
    let people = inventory(&estate);
    let path = |name: &str| estate.path(name).to_str().expect("text").to_owned();
    let (evidence, report) = (path("evidence.yaml"), path("findings.json"));
    fs::write(&evidence, "connect_build: 2.5.190.0\nad_writers: [hr-feed.ps1]\n").expect("written");
    // The estate's clock is not this machine's: ages are measured by the estate's.
    let cycle = format!("{}/cycles/connect", estate.text("control"));
    let ended = estate.runtime.block_on(async { estate.client.post(cycle).send().await });
    assert!(ended.expect("an answer").status().is_success());
    estate.write_in_ad(&people[0].1, "extensionAttribute4", "by a script");
    let readiness = ["transfer", "readiness", "--evidence", &evidence, "--report", &report];
    let (code, text) = estate.run(&readiness);
    assert!(code == 0 && text.contains("hr-feed.ps1"), "{code} {text}");
    let found: Value = serde_json::from_slice(&fs::read(&report).expect("there")).expect("JSON");
    let ids: Vec<&str> = found["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|finding| finding["id"].as_str())
        .collect();
    let seen = found["findings"].as_array().expect("a list").iter();
    let mut seen = seen.filter(|finding| finding["id"] == "ad.writers-seen");
    let told = seen.next().and_then(|finding| finding["reason"].as_str()).unwrap_or_default();
    assert!(told.starts_with("extensionAttribute4 of 1 of 5 objects"), "{told}");
    assert!(told.contains(" on DC1;") && seen.next().is_none(), "{told}");
    assert!(ids.contains(&"ad.writers") && !ids.contains(&"connect.too-old"), "{ids:?}");
    assert!(!ids.contains(&"caller.role"), "the application is Exchange Administrator: {ids:?}");
    assert!(!ids.iter().any(|id| id.starts_with("tenant.sync-")), "{ids:?}");

    let rings = path("rings.yaml");
    let [first, second, third] = [0, 1, 2].map(|number: usize| people[number].1.clone());
    let text = format!(
        "rings:\n - {{name: pilot, mailboxes: [{first}]}}\n - {{name: rest, mailboxes: [{second}, {third}]}}\n"
    );
    fs::write(&rings, text).expect("written");
    let (code, text) = estate.run(&["transfer", "rollout", "--rings", &rings, "--apply"]);
    assert!(code == 0 && text.contains("2 ring(s) done"), "{code} {text}");
    let (_, text) = estate.run(&["transfer", "inventory"]);
    assert!(text.contains("5 mailboxes, 5 synchronized, 3 cloud-managed"), "{text}");

    let (code, text) = estate.run(&["transfer", "decommission"]);
    assert!(code == 1 && text.contains("decommission.not-cloud-managed"), "{code} {text}");
    assert!(text.contains("not determinable: where MX and Autodiscover point"), "{text}");
    let (code, text) = estate.run(&["transfer", "flip", "--apply"]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = estate.run(&["transfer", "decommission"]);
    assert!(
        code == 2 && text.contains("not determinable"),
        "what nobody knows is no yes: {code} {text}"
    );

    let some = path("some.txt");
    fs::write(&some, format!("{first}\n")).expect("written");
    let (code, text) = estate.run(&["transfer", "inventory", "--mailboxes", &some]);
    assert!(code == 0 && text.contains("1 mailboxes, 1 synchronized"), "{code} {text}");
    let kept = path("kept.jsonl");
    let backup = ["transfer", "backup", "--stored", "--to", &kept, "--mailboxes"];
    let (code, text) = estate.run(&[&backup[..], &[&some]].concat());
    assert!(code == 5 && text.contains("there is no backup of"), "a ring kept it: {code} {text}");
    for action in [&["transfer", "rollout", "--rings", &rings][..], &["transfer", "decommission"]] {
        let (code, text) = estate.run(&[action, &["--mailboxes", &some]].concat());
        assert!(code == 5 && text.contains("--mailboxes"), "{action:?}: {code} {text}");
    }
}

/// Values come back exactly, to the cloud by backup and restore, to AD by reconciliation.
#[test]
fn a_backup_is_restored_and_drift_is_reconciled() {
    let estate = Estate::serve(6);
    let people = inventory(&estate);
    let values = |estate: &Estate| {
        let rows = estate.directory().into_iter();
        rows.map(|row| (row.0, row.1)).collect::<Vec<_>>()
    };
    let at_first = values(&estate);
    let (code, text) = estate.run(&["transfer", "flip", "--apply", "--name", "pilot"]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = estate.run(&["writeback", "--apply", "--cycles", "1"]);
    assert_eq!(code, 0, "{text}");
    let path = |name: &str| estate.path(name).to_str().expect("text").to_owned();
    let backup = |name: &str, more: &[&str]| {
        let to = path(name);
        let arguments = [&["transfer", "backup", "--to", &to], more].concat();
        let (code, text) = estate.run(&arguments);
        assert!(code == 0 && text.contains("6 mailbox(es)"), "{text}");
        let text = fs::read_to_string(&to).expect("the backup");
        let line = |line: &str| {
            let mut line: Value = serde_json::from_str(line).expect("JSON");
            line["taken"] = Value::Null;
            line
        };
        text.lines().filter(|text| text.contains("\"values\"")).map(line).collect::<Vec<Value>>()
    };
    let before = backup("before.jsonl", &[]);
    let kept = backup("kept.jsonl", &["--stored", "--name", "pilot"]);
    assert_eq!(kept.len(), 6);
    assert!(kept.iter().all(|line| line["cloud_managed"] == false), "taken before the flip");
    let sides = |line: &Value| line["directory"]["values"]["mail"].is_array();
    assert!(kept.iter().chain(&before).all(sides), "both sides: {}", kept[0]);

    let token = estate.token();
    estate.edit(&token, &[(&people[2].0, "spoiled".to_owned())]);
    let from = path("before.jsonl");
    let restore = ["transfer", "restore", "--from", &from, "--to", "cloud"];
    let (code, text) = estate.run(&restore);
    assert!(code == 0 && text.contains("1 of 6 mailbox(es) differ"), "{text}");
    assert_ne!(backup("spoiled.jsonl", &[]), before);
    let (code, text) = estate.run(&[&restore[..], &["--apply"]].concat());
    assert!(code == 0 && text.contains("1 of 6 mailbox(es) restored"), "{text}");
    assert_eq!(backup("after.jsonl", &[]), before, "the round trip is exact");

    let (code, text) = estate.run(&["writeback", "--reconcile"]);
    assert!(code == 0 && text.contains("6 of 6 mailboxes compared, 0 difference(s)"), "{text}");
    estate.edit(&token, &[(&people[4].0, "drifting".to_owned())]);
    let (code, text) = estate.run(&["writeback", "--reconcile"]);
    assert!(code == 1 && text.contains("changed in the cloud since the last export"), "{text}");
    let (code, text) = estate.run(&["writeback", "--reconcile", "--apply"]);
    assert!(code == 0 && text.contains("1 object(s) corrected"), "{text}");
    assert_eq!(estate.last_logged()["modifiedProperties"][0]["newValue"], "drifting");
    assert!(estate.directory().iter().any(|row| row.1 == "drifting"));

    // What the cloud alone has is told before a rollback, by the user's own properties too, and blocks it.
    estate.edit(&token, &[(&people[5].0, "cloud only".to_owned())]);
    let report = path("losses.json");
    let (code, text) = estate.run(&["transfer", "rollback", "--apply", "--report", &report]);
    assert!(code == 1 && text.contains("`cloud only` becomes"), "{code} {text}");
    assert!(text.contains("not compared") && text.contains("targetAddress"), "{text}");
    let told: Value = serde_json::from_slice(&fs::read(&report).expect("there")).expect("JSON");
    assert_eq!(
        (told["losses"][0]["certain"].as_bool(), &told["counts"]["flipped"]),
        (Some(true), &json!(5))
    );
    // AD's own side of the backup that was taken before the flip brings AD back to what it was.
    assert_ne!(values(&estate), at_first);
    let from_kept = path("kept.jsonl");
    let restore_ad = ["transfer", "restore", "--from", &from_kept, "--to", "directory", "--apply"];
    let (code, text) = estate.run(&restore_ad);
    assert!(code == 0 && text.contains("1 of 6 mailbox(es) restored"), "{code} {text}");
    assert_eq!(values(&estate), at_first);

    let damaged = fs::read_to_string(&from).expect("text").replace("HR-", "XX-");
    fs::write(estate.path("before.jsonl"), damaged).expect("written");
    let (code, text) = estate.run(&restore);
    assert!(code == 5 && text.contains("checksum"), "{code} {text}");
}
