//! The kill tests: the engine's process is killed at any moment, and the same call goes on with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use engine::ports::{StateStore, Table};
use engine::wire::RedbStore;
use ldap3::{Ldap, Scope, SearchEntry};
use serde_json::Value;

use super::estate::{Estate, inventory};

/// A small generator: the same moments every time, as far as two processes allow.
struct Moments(u64);

impl Moments {
    fn next(&mut self, from: u64, to: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        from + (self.0 >> 33) % (to - from)
    }
}

impl Estate {
    /// Starts it and kills it after so many milliseconds; whether it had ended by then.
    fn kill_after(&self, arguments: &[&str], milliseconds: u64) -> bool {
        let mut process = self
            .command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        std::thread::sleep(Duration::from_millis(milliseconds));
        let ended = process.try_wait().expect("a child of ours").is_some();
        // SIGKILL: no code of the process runs any more.
        let _ = process.kill();
        process.wait().expect("it is gone");
        ended
    }

    /// Starts it and kills it as soon as AD takes a write; whether that came before the outcomes of its batch were
    /// committed.
    fn kill_in_mid_write(&self, arguments: &[&str]) -> bool {
        self.runtime.block_on(async {
            let mut ldap = self.administrator().await;
            let before = highest_usn(&mut ldap).await;
            let mut command = self.command(arguments);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let mut process = command.spawn().expect("the program starts");
            let ended =
                |process: &mut Child| process.try_wait().expect("a child of ours").is_some();
            while !ended(&mut process) && highest_usn(&mut ldap).await == before {
                std::thread::sleep(Duration::from_millis(1));
            }
            let _ = process.kill();
            process.wait().expect("it is gone");
        });
        self.is_in_mid_write()
    }

    /// Whether the state store holds intents: modifies that were about to be sent and are not decided.
    fn is_in_mid_write(&self) -> bool {
        let Ok(Some(mut store)) = RedbStore::snapshot(&self.path("state.redb")) else {
            return false;
        };
        store.scan(Table::Intents, None, 1).is_ok_and(|rows| !rows.is_empty())
    }

    /// How often `extensionAttribute1` of each AD user with a mailbox was written, by its name: what AD itself
    /// counts (`dwVersion`).
    fn writes(&self) -> BTreeMap<String, u64> {
        let metadata = "msDS-ReplAttributeMetaData";
        let rows = self.rows(vec!["userPrincipalName", metadata]);
        let version = |entry: &String| {
            let of = entry.contains("<pszAttributeName>extensionAttribute1</pszAttributeName>");
            let text = entry.split_once("<dwVersion>")?.1.split_once("</dwVersion>")?.0;
            of.then(|| text.parse().expect("a number"))
        };
        let row = |mut entry: SearchEntry| {
            let name = entry.attrs.remove("userPrincipalName")?.pop()?;
            let found = entry.attrs.remove(metadata)?.iter().find_map(version);
            Some((name, found.unwrap_or(0)))
        };
        rows.into_iter().filter_map(row).collect()
    }
}

/// `highestCommittedUSN`: it grows with every write.
async fn highest_usn(ldap: &mut Ldap) -> Option<Vec<String>> {
    let found = ldap.search("", Scope::Base, "(objectClass=*)", vec!["highestCommittedUSN"]).await;
    let (rows, _) = found.expect("an answer").success().expect("a rootDSE");
    let mut entry = SearchEntry::construct(rows.into_iter().next()?);
    entry.attrs.remove("highestCommittedUSN")
}

/// Everybody is in the provisioning log, and however often a change is told, it has one id.
fn each_change_is_logged_under_one_id(estate: &Estate, people: &[(String, String)]) {
    let log = fs::read_to_string(estate.path("provisioning.jsonl")).expect("text");
    for (id, _) in people {
        assert!(log.contains(id.as_str()), "{id} is not in the log");
    }
    // A kill between a log and its commit tells a change twice, under one `changeId`: who reads by that counts
    // each change once.
    let mut changes = BTreeMap::new();
    let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    for entry in entries.filter(|entry| entry["provisioningStatusInfo"]["status"] == "success") {
        let what = format!("{} {}", entry["sourceIdentity"]["id"], entry["modifiedProperties"]);
        let before = changes.insert(entry["changeId"].to_string(), what.clone());
        assert!(before.is_none_or(|before| before == what), "one id for two changes: {entry}");
    }
    let distinct: BTreeSet<&String> = changes.values().collect();
    assert_eq!(distinct.len(), changes.len(), "one change has two ids");
}

/// Kills the engine after the intents of a batch and before its outcomes: moments that chance hardly meets.
fn kill_in_mid_write_thrice(
    estate: &Estate,
    token: &str,
    people: &[(String, String)],
    wanted: &mut [String],
    versions: &mut [u64],
) {
    let mut hits = 0;
    let cycle = ["writeback", "--apply", "--cycles", "1"];
    for round in 9..29 {
        if hits >= 3 {
            break;
        }
        let edits: Vec<(&str, String)> = (0..400)
            .map(|number| {
                wanted[number] = format!("v{round}-{number}");
                versions[number] += 1;
                (people[number].0.as_str(), wanted[number].clone())
            })
            .collect();
        estate.edit(token, &edits);
        hits += u32::from(estate.kill_in_mid_write(&cycle));
    }
    assert!(hits >= 3, "the engine was killed in mid-write {hits} times alone");
}

/// The engine's process is killed at random moments while it flips and while it writes, and edits
/// come in between. In the end AD holds what the cloud says, no effect was lost and none doubled.
#[test]
fn killed_at_random_moments_the_engine_ends_converged() {
    const MAILBOXES: usize = 2_000;
    let estate = Estate::serve(MAILBOXES);
    let people = inventory(&estate);
    assert_eq!(people.len(), MAILBOXES);
    let mut moments = Moments(20_260_901);

    let flip = ["transfer", "flip", "--apply", "--wave", "300"];
    for _ in 0..4 {
        estate.kill_after(&flip, moments.next(50, 1_200));
    }
    let (code, text) = estate.run(&flip);
    assert!(code == 0, "{text}");
    let (code, text) = estate.run(&["transfer", "inventory"]);
    let all = format!("{MAILBOXES} mailboxes, {MAILBOXES} synchronized, {MAILBOXES} cloud-managed");
    assert!(code == 0 && text.contains(&all), "{}", text.lines().last().unwrap_or_default());

    let token = estate.token();
    let mut wanted: Vec<String> = (0..MAILBOXES).map(|number| format!("v0-{number}")).collect();
    let edits: Vec<(&str, String)> =
        people.iter().zip(&wanted).map(|((id, _), value)| (id.as_str(), value.clone())).collect();
    estate.edit(&token, &edits);
    let (mut ended, mut versions) = (0, vec![1_u64; MAILBOXES]);
    let written_before = estate.writes();
    for round in 1..=8 {
        ended += u32::from(estate.kill_after(&["writeback", "--apply"], moments.next(50, 3_000)));
        let number = usize::try_from(moments.next(0, 2_000)).expect("small");
        wanted[number] = format!("v{round}-{number}");
        versions[number] += 1;
        estate.edit(&token, &[(&people[number].0, wanted[number].clone())]);
    }
    assert_eq!(ended, 0, "with --apply it goes on until it is told to end");
    kill_in_mid_write_thrice(&estate, &token, &people, &mut wanted, &mut versions);
    for _ in 0..2 {
        let (code, text) = estate.run(&["writeback", "--apply", "--cycles", "1"]);
        assert_eq!(code, 0, "{}", text.lines().last().unwrap_or_default());
    }

    let mut expected: Vec<(&str, &str)> = people
        .iter()
        .zip(&wanted)
        .map(|((_, name), value)| (name.as_str(), value.as_str()))
        .collect();
    expected.sort_unstable();
    let found = estate.directory();
    let shown: Vec<(&str, &str)> =
        found.iter().map(|row| (row.0.as_str(), row.1.as_str())).collect();
    assert!(shown == expected, "AD differs from the cloud");

    let (code, text) = estate.run(&["writeback", "--apply", "--cycles", "1"]);
    assert!(code == 0 && text.contains("0 objects written"), "{text}");
    assert!(estate.directory() == found, "a cycle without a change writes nothing");
    // AD itself counts the writes: at least one, and at most one for each version in the cloud.
    let written = estate.writes();
    for ((_, name), versions) in people.iter().zip(&versions) {
        let count = written[name] - written_before[name];
        assert!((1..=*versions).contains(&count), "{name}: {count} writes, {versions} versions");
    }
    // The oracles saw every write: none against authority, none without a change, none twice.
    let verdict = estate.control("/verdict");
    assert_eq!(verdict["findings"].as_array().map(Vec::len), Some(0), "{verdict:#}");
    each_change_is_logged_under_one_id(&estate, &people);
}

/// Whatever else works on many mailboxes is killed at random moments, too: the same call goes on with it, and its
/// end is what one call that nobody disturbed comes to.
#[test]
fn rollout_reconciliation_restore_and_rollback_go_on_after_a_kill() {
    const MAILBOXES: usize = 300;
    let estate = Estate::serve(MAILBOXES);
    let people = inventory(&estate);
    let path = |name: &str| estate.path(name).to_str().expect("text").to_owned();
    let mut moments = Moments(20_261_122);
    let mut through = |arguments: &[&str]| {
        for _ in 0..3 {
            estate.kill_after(arguments, moments.next(50, 900));
        }
        let (code, text) = estate.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {text}");
        text
    };
    let managed = |count: usize| {
        let (_, text) = estate.run(&["transfer", "inventory"]);
        let all = format!("{MAILBOXES} synchronized, {count} cloud-managed");
        assert!(text.contains(&all), "{}", text.lines().last().unwrap_or_default());
    };

    let rings = path("rings.yaml");
    let names = |range: std::ops::Range<usize>| {
        let names: Vec<&str> = people[range].iter().map(|(id, _)| id.as_str()).collect();
        names.join(", ")
    };
    let text = format!(
        "rings:\n - {{name: pilot, mailboxes: [{}]}}\n - {{name: all, mailboxes: [{}]}}\n",
        names(0..40),
        names(40..MAILBOXES)
    );
    fs::write(&rings, text).expect("written");
    through(&["transfer", "rollout", "--rings", &rings, "--apply", "--name", "r"]);
    managed(MAILBOXES);
    let (code, text) =
        estate.run(&["transfer", "backup", "--stored", "--name", "r", "--to", &path("x")]);
    assert!(code == 5 && text.contains("r/pilot"), "those of rings are named: {code} {text}");

    let kept = path("kept.jsonl");
    let (code, text) = estate.run(&["transfer", "backup", "--to", &kept]);
    assert_eq!(code, 0, "{text}");
    let token = estate.token();
    let edits: Vec<(&str, String)> = people
        .iter()
        .enumerate()
        .map(|(number, (id, _))| (id.as_str(), format!("k-{number}")))
        .collect();
    estate.edit(&token, &edits);
    through(&["writeback", "--reconcile", "--apply"]);
    let written = estate.directory().iter().filter(|row| row.1.starts_with("k-")).count();
    assert_eq!(written, MAILBOXES);

    through(&["transfer", "restore", "--from", &kept, "--to", "cloud", "--apply"]);
    let (code, text) = estate.run(&["transfer", "restore", "--from", &kept, "--to", "cloud"]);
    let equal = format!("nothing differs: {MAILBOXES} of {MAILBOXES}");
    assert!(code == 0 && text.contains(&equal), "{code} {text}");

    a_killed_rollback_names_what_it_took(&estate, MAILBOXES, &mut moments);
    managed(0);
}

/// Whatever an earlier call of a rollback took, before it was killed, a later one names too, and so does the
/// log.
fn a_killed_rollback_names_what_it_took(estate: &Estate, mailboxes: usize, moments: &mut Moments) {
    let path = |name: &str| estate.path(name).to_str().expect("text").to_owned();
    let lost = |path: &str| {
        let told: Value = serde_json::from_slice(&fs::read(path).expect("there")).expect("JSON");
        let losses = told["losses"].as_array().expect("a list").iter();
        losses.map(Value::to_string).collect::<BTreeSet<String>>()
    };
    let (before, after) = (path("before-rollback.json"), path("after-rollback.json"));
    estate.run(&["transfer", "rollback", "--accept-losses", "--report", &before]);
    assert!(lost(&before).len() >= mailboxes);
    // One that came to its end before it was to be killed has told all that there was to tell.
    let mut told = BTreeSet::new();
    let rollback = ["transfer", "rollback", "--apply", "--accept-losses", "--report", &after];
    for _ in 0..3 {
        let _ = fs::remove_file(&after);
        estate.kill_after(&rollback, moments.next(50, 900));
        if fs::read(&after).is_ok_and(|text| serde_json::from_slice::<Value>(&text).is_ok()) {
            told.extend(lost(&after));
        }
    }
    let (code, text) = estate.run(&rollback);
    assert_eq!(code, 0, "{text}");
    told.extend(lost(&after));
    assert_eq!(told, lost(&before));
    let log = fs::read_to_string(estate.path("state.transfers.jsonl")).expect("there");
    let begun: BTreeSet<String> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|line| line["action"] == "rollback" && line["outcome"] == "begun")
        .map(|line| line["mailbox"].to_string())
        .collect();
    assert_eq!(begun.len(), mailboxes);
}
