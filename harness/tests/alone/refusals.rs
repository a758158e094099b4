//! What is refused, and what did not happen: neither is a success.

use std::fs;

use engine::ports::{StateStore, StoreWrite, Table};
use engine::wire::RedbStore;
use serde_json::{Value, json};

use super::estate::{Estate, inventory};

/// What failed, never ran or would take something away is no success.
#[test]
fn what_did_not_happen_is_no_success() {
    let estate = Estate::serve(3);
    let people = inventory(&estate);
    let path = |name: &str| estate.path(name).to_str().expect("text").to_owned();

    // A backup takes the place of no file unless that is asked for, and there is none of what nobody kept.
    let to = path("kept.jsonl");
    fs::write(&to, "precious").expect("written");
    let backup = ["transfer", "backup", "--to", &to];
    let (code, text) = estate.run(&backup);
    assert!(code == 5 && text.contains("--overwrite"), "{code} {text}");
    let typo = [&backup[..], &["--overwrite", "--stored", "--name", "typo"]].concat();
    let (code, text) = estate.run(&typo);
    assert!(code == 5 && text.contains("`typo`"), "{code} {text}");
    assert_eq!(fs::read_to_string(&to).expect("text"), "precious");
    let (code, text) = estate.run(&[&backup[..], &["--overwrite"]].concat());
    assert!(code == 0 && text.contains("3 mailbox(es)"), "{code} {text}");

    // The same mailbox by two names is in two rings all the same.
    let rings = path("rings.yaml");
    let (id, name) = &people[1];
    let of_rings = format!(
        "rings:\n - {{name: a, mailboxes: ['{id}']}}\n - {{name: b, mailboxes: [{name}]}}\n"
    );
    fs::write(&rings, of_rings).expect("written");
    let (code, text) = estate.run(&["transfer", "rollout", "--rings", &rings, "--apply"]);
    assert!(code == 5 && text.contains("named twice"), "{code} {text}");

    let (code, text) = estate.run(&["transfer", "flip", "--accept", "connect.to-old"]);
    assert!(code == 5 && text.contains("connect.too-old"), "{code} {text}");
    let (code, text) = estate.run(&["transfer", "flip", "--apply"]);
    assert!(code == 0 && text.contains("3 flipped"), "{code} {text}");
    let (code, text) = estate.run(&["transfer", "flip"]);
    assert!(code == 0 && text.contains("3 are already"), "{code} {text}");

    let token = estate.token();
    estate.edit(&token, &[(&people[0].0, "on demand".to_owned())]);
    let provision = ["writeback", "--apply", "--provision", &people[0].0];
    let (code, text) = estate.run(&provision);
    assert!(code == 0 && text.contains("1 object written"), "{code} {text}");
    let nobody = "00000000-0000-0000-0000-000000000001";
    let (code, text) = estate.run(&["writeback", "--apply", "--provision", nobody]);
    assert!(code == 1 && text.contains("no such mailbox"), "{code} {text}");
    for agent in estate.ready["agents"].as_array().expect("agents") {
        estate.fault(&json!({"agent_offline": {"agent": agent["name"], "for": "1h"}}));
    }
    let (code, text) = estate.run(&provision);
    assert!(code == 1 && text.contains("NoActiveAgents"), "{code} {text}");

    let (code, text) = estate.run(&["writeback", "--pause"]);
    assert!(code == 0 && text.contains("job would be paused"), "a dry run pauses nobody: {text}");
    let (code, text) = estate.run(&["writeback", "--apply", "--pause"]);
    assert!(code == 0 && text.contains("job paused") && !text.contains("next at"), "{text}");
    let (code, text) = estate.run(&["writeback", "--apply", "--cycles", "1"]);
    assert!(code == 1 && text.contains("--start"), "{code} {text}");
}

/// What means nothing is refused and not taken for something else.
#[test]
fn what_means_nothing_is_refused() {
    let estate = Estate::serve(1);
    let path = |name: &str| estate.path(name).to_str().expect("text").to_owned();
    let nobody = path("nobody.txt");
    fs::write(&nobody, "# nobody yet\n").expect("written");
    for (arguments, words) in [
        (&["transfer", "flip", "--apply", "--mailboxes", &nobody][..], "names no mailbox"),
        (&["transfer", "flip", "--wave", "0"], "--wave"),
        (&["transfer", "flip", "--sets-a-minute", "0"], "--sets-a-minute"),
        (&["writeback", "--cycles", "0"], "--cycles"),
    ] {
        let (code, text) = estate.run(arguments);
        assert!(code == 5 && text.contains(words), "{arguments:?}: {code} {text}");
    }

    // Evidence about nobody would be silence about somebody.
    let evidence = path("evidence.yaml");
    for text in [
        format!("pending_on_premises_change: ['{}']\n", "00000000-0000-0000-0000-000000000009"),
        "last_on_premises_change: {00000000-0000-0000-0000-000000000009: 2026-10-01T08:00:00Z}"
            .into(),
    ] {
        fs::write(&evidence, text).expect("written");
        for call in ["readiness", "flip", "decommission"] {
            let (code, text) = estate.run(&["transfer", call, "--evidence", &evidence]);
            assert!(code == 5 && text.contains("no mailbox in Exchange Online"), "{call}: {text}");
        }
    }
    for name in ["", "a/b", "a\nb"] {
        let (code, text) = estate.run(&["transfer", "flip", "--name", name]);
        assert!(code == 5 && text.contains("the name"), "{name}: {code} {text}");
    }
}

/// What stands in a file is not written over by mistake.
#[test]
fn no_report_takes_the_place_of_something_else() {
    let estate = Estate::serve(2);
    let path = |name: &str| estate.path(name).to_str().expect("text").to_owned();
    let to = path("kept.jsonl");
    let (code, text) = estate.run(&["transfer", "backup", "--to", &to]);
    assert_eq!(code, 0, "{text}");
    let config = path("transfer.yaml");
    let notes = path("notes.txt");
    fs::write(&notes, "precious").expect("written");
    for (arguments, words) in [
        (&["transfer", "flip", "--report", &config][..], "the configuration"),
        (&["transfer", "flip", "--report", &path("state.transfers.redb")], "`transfer_state`"),
        (&["transfer", "backup", "--overwrite", "--to", &config], "the configuration"),
        (&["transfer", "restore", "--to", "cloud", "--from", &to, "--report", &to], "--from"),
        (&["transfer", "inventory", "--report", &notes], "no report of an earlier call"),
        (&["writeback", "--report", &path("provisioning.jsonl")], "`log`"),
    ] {
        let (code, text) = estate.run(arguments);
        assert!(code == 5 && text.contains(words), "{arguments:?}: {code} {text}");
    }
    assert_eq!(fs::read_to_string(&notes).expect("text"), "precious");
}

#[test]
fn what_is_not_allowed_is_refused_before_anything_is_written() {
    let estate = Estate::serve(3);
    let other = "00000000-0000-0000-0000-000000000001";
    let other_id = other;
    let (code, text) = estate.run(&["writeback", "--apply", "--cycles", "1", "--tenant", other]);
    assert!(code == 5 && text.contains("the token is for tenant"), "{code} {text}");
    let tenant = estate.text("tenant_id").to_owned();
    let (code, text) = estate.run(&["writeback", "--apply", "--cycles", "1", "--tenant", &tenant]);
    assert_eq!(code, 0, "{text}");

    let path = estate.path("writeback.yaml");
    let good = fs::read_to_string(&path).expect("text");
    let agent = estate.ready["agents"][0]["ldap"].as_str().expect("a URL");
    for (url, words) in
        [("ldaps://dc1.contoso.invalid", "--tenant"), ("ldap://dc1.contoso.invalid", "in clear")]
    {
        fs::write(&path, good.replace(agent, url)).expect("written");
        let (code, text) = estate.run(&["writeback", "--apply", "--cycles", "1"]);
        assert!(code == 5 && text.contains(words), "{code} {text}");
    }
    let both = good.replace("provisioning.jsonl", "state.redb");
    for (wrong, words) in [
        (both.as_str(), "`state` and `log` name the same file"),
        (&good.replacen('{', "{\"timeout\": \"0s\",", 1), "`timeout`"),
    ] {
        fs::write(&path, wrong).expect("written");
        let (code, text) = estate.run(&["writeback", "--apply", "--cycles", "1"]);
        assert!(code == 5 && text.contains(words), "{code} {text}");
    }
    fs::write(&path, &good).expect("written");

    // The state of another tenant, or of transfers, is not this job's.
    let (store, other) = (estate.path("state.redb"), estate.path("state.transfers.redb"));
    let (code, text) = estate.run(&["transfer", "flip", "--apply"]);
    assert_eq!(code, 0, "{text}");
    fs::copy(&store, estate.path("kept.redb")).expect("copied");
    fs::copy(&other, &store).expect("copied");
    for cycle in [&["writeback"][..], &["writeback", "--apply", "--cycles", "1"]] {
        let (code, text) = estate.run(cycle);
        assert!(code == 5 && text.contains("of transfers"), "{code} {text}");
    }
    fs::copy(estate.path("kept.redb"), &store).expect("copied");
    {
        let mut store = RedbStore::open(&store).expect("a store");
        let owner = format!("job {other_id} corp.contoso.com").into_bytes();
        let (table, key) = (Table::Meta, b"owner".to_vec());
        store.commit(vec![StoreWrite { table, key, value: Some(owner) }]).expect("written");
    }
    let (code, text) = estate.run(&["writeback", "--apply", "--cycles", "1"]);
    assert!(code == 5 && text.contains("of the tenant"), "{code} {text}");

    fs::write(estate.path("state.redb"), b"not a store").expect("written");
    let (code, text) = estate.run(&["writeback", "--apply", "--cycles", "1"]);
    assert!(code == 4 && text.contains("damaged"), "{code} {text}");
    assert_eq!(fs::read(estate.path("state.redb")).expect("there"), b"not a store");
}

/// A scope by names that are of nothing, and an address that nobody can use, are told at once.
#[test]
fn a_mistake_that_no_repetition_mends_is_told_at_once() {
    let estate = Estate::serve(2);
    let people = inventory(&estate);
    let path = estate.path("writeback.yaml");
    let good = fs::read_to_string(&path).expect("text");
    let with = |text: &str| good.replacen('{', &format!("{{{text},"), 1);
    let base = estate.text("base_dn").to_lowercase();
    for (scope, words) in [
        (format!("\"scope\": {{\"ous\": [\"OU=Nope,{base}\"]}}"), "container ou=nope,dc="),
        (format!("\"scope\": {{\"groups\": [\"CN=Nobody,{base}\"]}}"), "group cn=nobody,dc="),
    ] {
        fs::write(&path, with(&scope)).expect("written");
        for call in [&["writeback"][..], &["writeback", "--reconcile"]] {
            let (code, text) = estate.run(call);
            assert!(code == 5 && text.contains(words), "{call:?}: {code} {text}");
        }
        let (code, text) = estate.run(&["writeback", "--apply", "--pause"]);
        assert!(code == 0 && text.contains("job paused"), "who pauses needs no scope: {text}");
    }
    // Nobody is in a container that is there and empty of mailboxes; who is left out is not in scope.
    let (code, text) = estate.run(&["transfer", "flip", "--apply"]);
    assert!(code == 0 && text.contains("2 flipped"), "{code} {text}");
    let users = format!("\"scope\": {{\"ous\": [\"CN=Computers,{base}\"]}}");
    fs::write(&path, with(&users)).expect("written");
    let (code, text) = estate.run(&["writeback", "--start"]);
    assert!(code == 0 && text.contains("2 read, 0 in scope"), "{code} {text}");
    assert_eq!(people.len(), 2);

    // The certificate of the estate is trusted by nobody else: no wait, and the cause.
    for name in ["writeback.yaml", "transfer.yaml"] {
        let path = estate.path(name);
        let text = fs::read_to_string(&path).expect("text");
        let mut read: Value = serde_json::from_str(&text).expect("JSON");
        read.as_object_mut().expect("an object").remove("ca_file");
        read.as_object_mut().expect("an object").remove("scope");
        fs::write(&path, read.to_string()).expect("written");
    }
    let (code, text) = estate.run(&["writeback", "--apply", "--start", "--cycles", "1"]);
    assert!(code == 1 && text.contains("certificate"), "{code} {text}");
    assert!(text.contains("unusable") && !text.contains("waiting until"), "{text}");
    let (code, text) = estate.run(&["transfer", "inventory"]);
    assert!(code == 1 && text.contains("certificate"), "{code} {text}");
    assert!(!text.contains("waiting until"), "{text}");
}
