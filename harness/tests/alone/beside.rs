//! Several calls side by side, and the files that they share.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::estate::{Estate, inventory};

/// While the job runs, everything else works beside it; a second job is told who is there and what to do.
/// What every action came to is a document, too.
#[test]
fn everything_else_works_while_the_job_runs() {
    let estate = Estate::serve(6);
    let people = inventory(&estate);
    let job = |arguments: &[&str]| {
        let mut command = estate.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
    };
    let mut running = job(&["writeback", "--apply"]);
    let log = estate.path("provisioning.jsonl");
    let waits = Instant::now();
    while !estate.path("state.redb").exists() || !log.exists() {
        assert!(waits.elapsed() < Duration::from_secs(60), "the job does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    let path = |name: &str| estate.path(name).to_str().expect("text").to_owned();
    let (report, kept) = (path("report.json"), path("kept.jsonl"));
    let rings = path("rings.yaml");
    let text = format!("rings:\n - {{name: pilot, mailboxes: [{}]}}\n", people[0].1);
    fs::write(&rings, text).expect("written");
    let calls: [(&[&str], &str, i32); 12] = [
        (&["transfer", "inventory"], "hybridsim-inventory", 0),
        (&["transfer", "readiness"], "hybridsim-findings", 0),
        (&["transfer", "decommission"], "hybridsim-findings", 1),
        (&["transfer", "rollout", "--rings", &rings], "hybridsim-rollout-report", 0),
        (&["transfer", "rollout", "--rings", &rings, "--apply"], "hybridsim-rollout-report", 0),
        (&["transfer", "flip"], "hybridsim-transfer-report", 0),
        (&["transfer", "flip", "--apply"], "hybridsim-transfer-report", 0),
        (&["transfer", "backup", "--to", &kept], "hybridsim-backup-report", 0),
        (&["transfer", "restore", "--from", &kept, "--to", "cloud"], "hybridsim-restore-report", 0),
        (&["transfer", "rollback"], "hybridsim-transfer-report", 0),
        (&["writeback", "--reconcile"], "hybridsim-reconcile-report", 0),
        (&["writeback"], "hybridsim-writeback-report", 0),
    ];
    for (arguments, format, expected) in calls {
        let _ = fs::remove_file(&report);
        let (code, text) = estate.run(&[arguments, &["--report", &report]].concat());
        assert_eq!(code, expected, "{arguments:?}: {text}");
        let told: Value = serde_json::from_slice(&fs::read(&report).expect("there")).expect("JSON");
        let values = !matches!(
            format,
            "hybridsim-inventory" | "hybridsim-findings" | "hybridsim-backup-report"
        );
        let version = json!(if values { 2 } else { 1 });
        assert_eq!((&told["format"], &told["version"]), (&json!(format), &version));
        let mode = fs::metadata(&report).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{arguments:?}");
    }
    let (code, text) = estate.run(&["writeback"]);
    assert!(code == 0 && text.contains("dry run"), "{text}");
    let (code, text) = estate.run(&["writeback", "--apply", "--cycles", "1"]);
    assert!(code == 4 && text.contains("state.redb: the writeback job runs"), "{code} {text}");
    assert!(running.try_wait().expect("a child of ours").is_none(), "nobody disturbed the job");
    running.kill().expect("it is ours");
    running.wait().expect("it is gone");

    // A report that cannot be written is told before anything is done.
    let nowhere = path("nowhere/report.json");
    let (code, text) = estate.run(&["transfer", "rollback", "--apply", "--report", &nowhere]);
    assert!(code == 5 && text.contains("nowhere"), "{code} {text}");
    let (_, text) = estate.run(&["transfer", "inventory"]);
    assert!(text.contains("6 synchronized, 6 cloud-managed"), "{text}");
}

/// A transfer that was begun when it had one file with the job is not forgotten.
#[test]
fn a_transfer_of_the_former_layout_goes_on() {
    let estate = Estate::serve(4);
    let flip = ["transfer", "flip", "--apply", "--name", "pilot"];
    let (code, text) = estate.run(&flip);
    assert_eq!(code, 0, "{text}");
    fs::rename(estate.path("state.transfers.redb"), estate.path("state.redb")).expect("moved");
    let (code, text) = estate.run(&flip);
    assert!(code == 0 && text.contains("0 flipped in 0 wave(s), 4 already"), "{text}");
    let to = estate.path("kept.jsonl").to_str().expect("text").to_owned();
    let stored = ["transfer", "backup", "--stored", "--name", "pilot", "--to", &to];
    let (code, text) = estate.run(&stored);
    assert!(code == 0 && text.contains("4 mailbox(es)"), "{text}");
}

/// A container of the scope goes while the job runs: nobody is in scope by it any more, and no cycle fails, so the job
/// says so after each cycle.
#[test]
fn a_scope_that_vanishes_under_the_running_job_is_told() {
    let estate = Estate::serve(2);
    let base = estate.text("base_dn").to_owned();
    let name = format!("OU=Pilot,{base}");
    let ldap = |add: bool| {
        estate.runtime.block_on(async {
            let mut ldap = estate.administrator().await;
            let answer = match add {
                true => {
                    let class = ("objectClass", ["organizationalUnit"].into());
                    ldap.add(&name, vec![class, ("ou", ["Pilot"].into())]).await
                }
                false => ldap.delete(&name).await,
            };
            answer.expect("an answer").success().expect("done");
        });
    };
    ldap(true);
    let config = estate.path("writeback.yaml");
    let text = fs::read_to_string(&config).expect("text");
    let scope =
        format!("{{\"writeback\": {{\"interval\": \"2s\"}}, \"scope\": {{\"ous\": [\"{name}\"]}},");
    fs::write(&config, text.replacen('{', &scope, 1)).expect("written");
    let report = estate.path("report.json").to_str().expect("text").to_owned();
    let mut command =
        estate.command(&["writeback", "--apply", "--cycles", "3", "--report", &report]);
    let running = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let running = running.expect("the program starts");
    let waits = Instant::now();
    // The scope was looked at before the store is there.
    while !estate.path("state.redb").exists() {
        assert!(waits.elapsed() < Duration::from_secs(60), "the job does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    ldap(false);
    let output = running.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let warning = "warning: the scope names the container ou=pilot,";
    assert!(text.contains(warning) && text.contains("not in Active Directory any more"), "{text}");
    let told: Value = serde_json::from_slice(&fs::read(&report).expect("there")).expect("JSON");
    assert_eq!(told["scope_missing"].as_array().map(Vec::len), Some(1), "{told}");
}
