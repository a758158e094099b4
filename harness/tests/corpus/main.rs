//! The measured answers of another implementation, replayed against `hybridsim serve`: 680 requests in
//! order, most with the answer that a Samba Active Directory domain controller gave (version 4.17 of
//! Debian 12, the Exchange attributes added to its schema), and with what Active Directory itself
//! answers where that differs. Rows without an answer take part in the sequence.
//!
//! Compared are the result code, the leading number of the text and the attribute that it names, the
//! matched name, entries with their attributes and values, references, and the controls of the answer.
//! Where the measured number says no more than the result code, the numbers that Active Directory's
//! documentation gives for the code agree with it.
//!
//! `deviations.md` beside this file is the table of all rows that do not agree, each with its reason.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "a process of its own is waited for in real time; helpers of tests may panic and tell"
)]

mod client;
mod compare;
mod controls;
mod diagnostics;
mod filter;
mod flows;
mod large;
mod replay;
mod responses;
mod rows;

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use replay::{Replay, Target};

/// Of the rows with an answer, so many in a hundred agree at least.
const BAR: f64 = 95.0;

/// Named gaps, beside answers where documentation says otherwise, may be so many.
const GAPS: usize = 10;

/// The forest that the answers were measured in had no recycle bin.
const WORLD: &str = "\
scenario: The forest of the corpus
about: directory
world:
  forest: {domains: [example.test], recycle_bin: false}
story: [wait: 1h]
";

struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve() -> (Served, Target) {
    let folder = tempfile::tempdir().expect("a temporary folder").keep();
    let file = folder.join("ready.json");
    let world = folder.join("world.yaml");
    std::fs::write(&world, WORLD).expect("the world");
    let child = Command::new(env!("CARGO_BIN_EXE_hybridsim"))
        .args(["serve", "--no-engine", "--world"])
        .arg(&world)
        .arg("--ready-file")
        .arg(&file)
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let served = Served(child);
    let until = Instant::now() + Duration::from_secs(60);
    while !file.exists() {
        assert!(Instant::now() < until, "there is no ready file");
        std::thread::sleep(Duration::from_millis(10));
    }
    let text = std::fs::read_to_string(&file).expect("the ready file");
    let ready: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let text = |key: &str| ready[key].as_str().unwrap_or_else(|| panic!("`{key}`")).to_owned();
    let address = |key: &str| text(key).rsplit('/').next().unwrap_or_default().to_owned();
    let pem = std::fs::read(text("ca_file")).expect("a certificate");
    let target = Target {
        ldap: address("ldap"),
        ldaps: address("ldaps"),
        base: text("base_dn"),
        realm: "example.test".to_owned(),
        netbios: "EXAMPLE".to_owned(),
        admin: text("bind_dn"),
        password: text("bind_password"),
        tls: client::trust(&pem),
    };
    (served, target)
}

/// The table of deviations: the kind and the reason by the row's name.
fn deviations() -> BTreeMap<String, String> {
    let text = include_str!("deviations.md");
    text.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            match cells.as_slice() {
                [name, kind @ ("documented" | "gap"), reason] if !reason.is_empty() => {
                    Some((name.trim_matches('`').to_owned(), (*kind).to_owned()))
                }
                _ => None,
            }
        })
        .collect()
}

#[test]
fn the_measured_answers_are_given() {
    let (_served, target) = serve();
    let mut replay = Replay::new(target);
    let listed = deviations();
    let mut groups: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut found = Vec::new();
    for row in rows::all() {
        let answer = replay.play(&row);
        if row.answer.is_some() {
            if std::env::var_os("SHOW_ALL").is_some() {
                println!(
                    "?? {} {} {} {:?}",
                    row.name,
                    answer.code,
                    answer.diagnostic.trim(),
                    answer.entries.iter().map(|e| &e.dn).take(5).collect::<Vec<_>>()
                );
            }
            continue;
        }
        let group = groups.entry(row.group.clone()).or_default();
        group.1 += 1;
        match compare::disagreement(&row, &answer) {
            None => group.0 += 1,
            Some(why) => found.push((row.name.clone(), why)),
        }
    }
    let (agreed, all) = groups.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    for (group, (agreed, all)) in &groups {
        println!("{group}: {agreed} of {all}");
    }
    for (name, why) in &found {
        let kind = listed.get(name).map_or("NOT LISTED", String::as_str);
        println!("{name} [{kind}]: {why}");
    }
    #[expect(clippy::cast_precision_loss, reason = "hundreds of rows")]
    let share = 100.0 * agreed as f64 / all as f64;
    println!("{agreed} of {all} agree: {share:.1} %");
    assert!(share >= BAR, "{share:.1} % agree");
    let unlisted: Vec<&String> =
        found.iter().map(|(name, _)| name).filter(|name| !listed.contains_key(*name)).collect();
    assert!(unlisted.is_empty(), "not in the table of deviations: {unlisted:?}");
    let stale: Vec<&String> =
        listed.keys().filter(|name| !found.iter().any(|(known, _)| known == *name)).collect();
    assert!(stale.is_empty(), "in the table, but they agree: {stale:?}");
    assert!(listed.values().filter(|kind| *kind == "gap").count() <= GAPS);
}
