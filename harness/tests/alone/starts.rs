//! How a call begins: a service that wants to be asked later is asked later, a store is compared with the token as soon as
//! there is one, and what AD would refuse is known before anything is written.

use std::fs;

use engine::ports::{StateStore, StoreWrite, Table};
use engine::wire::RedbStore;
use serde_json::{Value, json};

use super::estate::{Estate, inventory};

/// Nothing was asked for yet, and `Retry-After` counts all the same: of the token service and of Microsoft Graph.
#[test]
fn whoever_is_throttled_before_the_beginning_begins_later() {
    let estate = Estate::serve(2);
    for (service, words) in
        [("login", "the token service: throttled"), ("graph", "Microsoft Graph: throttled")]
    {
        for arguments in
            [&["transfer", "inventory"][..], &["writeback"], &["writeback", "--reconcile"]]
        {
            estate.fault(
                &json!({"throttled": {"service": service, "retry_after": "1s", "count": 2}}),
            );
            let (code, text) = estate.run(arguments);
            assert_eq!(code, 0, "{service} {arguments:?}: {text}");
            assert_eq!(text.matches(words).count(), 2, "{service} {arguments:?}: {text}");
            assert!(!text.contains("does not tell its time"), "{text}");
        }
    }
}

/// Without a token at the start nobody knows whose the store is; once there is one, nothing is read for another tenant.
#[test]
fn a_store_of_another_tenant_is_found_out_when_the_token_comes_late() {
    let estate = Estate::serve(2);
    let (code, text) = estate.run(&["transfer", "flip", "--apply"]);
    assert_eq!(code, 0, "{text}");
    let cycle = ["writeback", "--apply", "--cycles", "1"];
    let (code, text) = estate.run(&cycle);
    assert_eq!(code, 0, "{text}");
    let people = inventory(&estate);
    estate.edit(&estate.token(), &[(&people[0].0, "not theirs".to_owned())]);
    let before = estate.directory();
    {
        let mut store = RedbStore::open(&estate.path("state.redb")).expect("a store");
        let owner = b"job 00000000-0000-0000-0000-000000000001 corp.contoso.com".to_vec();
        let (table, key) = (Table::Meta, b"owner".to_vec());
        store.commit(vec![StoreWrite { table, key, value: Some(owner) }]).expect("written");
    }
    estate.fault(&json!({"certificate_expired": {"count": 1}}));
    let (code, text) = estate.run(&cycle);
    assert!(code == 1 && text.contains("does not tell its time"), "{code} {text}");
    assert!(text.contains("the state is of the tenant 00000000-"), "{text}");
    assert_eq!(estate.directory(), before);
}

/// A world of its own in the place of a number of mailboxes.
fn world(text: &str) -> Estate {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("world.yaml");
    fs::write(&path, text).expect("written");
    Estate::of_world(path.to_str().expect("text"))
}

fn ids(estate: &Estate) -> Vec<(String, Value)> {
    let report = estate.path("findings.json").to_str().expect("text").to_owned();
    let (code, text) = estate.run(&["transfer", "readiness", "--report", &report]);
    assert!(code == 0 && text.contains("mailbox(es) checked"), "{code} {text}");
    let told: Value = serde_json::from_slice(&fs::read(&report).expect("there")).expect("JSON");
    let findings = told["findings"].as_array().expect("a list").iter();
    findings
        .map(|one| (one["id"].as_str().expect("text").to_owned(), one["mailbox"].clone()))
        .collect()
}

/// What AD would refuse, for its schema or for rights, is a finding of the readiness check, and the dry run of the job
/// foretells what then comes about: the same objects, and the same codes.
#[test]
fn what_ad_would_refuse_is_foretold() {
    const NO_SCHEMA: &str = "HybridSynchronizationActiveDirectoryCannotFindAttribute";
    const NO_RIGHTS: &str = "HybridSynchronizationActiveDirectoryInsufficientAccessRights";
    let worlds = [
        ("forest: {exchange_schema: false}", "ad.schema-lacks", NO_SCHEMA, 0),
        ("rights: {protected: [boss]}", "ad.not-writable", NO_RIGHTS, 1),
        ("rights: {agents: [mail, proxyAddresses]}", "ad.not-writable", NO_RIGHTS, 0),
    ];
    for (lacks, finding, code_of, written) in worlds {
        let estate = world(&format!(
            "scenario: What AD would refuse\nworld:\n  {lacks}\n  population:\n    - user: {{name: boss, cloud_managed: \
             true}}\n    - user: {{name: ann, cloud_managed: true}}\nstory: []\nexpect: {{counts: {{ad_writes: 0}}}}\n"
        ));
        let people = inventory(&estate);
        let found = ids(&estate);
        assert!(found.iter().any(|(id, _)| id == finding), "{lacks}: {found:?}");
        let whose =
            found.iter().filter(|(id, of)| id == "ad.not-writable" && of.is_string()).count();
        let expected = if finding == "ad.not-writable" { 2 - written } else { 0 };
        assert_eq!(whose, expected, "{lacks}: {found:?}");
        let edits: Vec<(&str, String)> =
            people.iter().map(|(id, _)| (id.as_str(), "edited".to_owned())).collect();
        estate.edit(&estate.token(), &edits);
        let before = estate.directory();
        let lines = |text: &str, word: &str| -> Vec<String> {
            let of = text.lines().filter(|line| line.starts_with(word));
            let mut of: Vec<String> = of
                .map(|line| {
                    line[word.len()..].split_whitespace().take(2).collect::<Vec<_>>().join(" ")
                })
                .collect();
            of.sort();
            of
        };
        let (code, dry) = estate.run(&["writeback"]);
        assert_eq!((code, estate.directory()), (1, before), "{lacks}: {dry}");
        let (code, real) = estate.run(&["writeback", "--apply", "--cycles", "1"]);
        assert_eq!(code, 1, "{lacks}: {real}");
        let (foretold, failed) = (lines(&dry, "would fail"), lines(&real, "failed"));
        assert_eq!(foretold, failed, "{lacks}: {dry}\n{real}");
        assert_eq!(failed.len(), 2 - written, "{real}");
        assert!(failed.iter().all(|line| line.ends_with(code_of)), "{failed:?}");
        assert_eq!(lines(&dry, "would write"), lines(&real, "written"), "{lacks}: {dry}\n{real}");
    }
}
