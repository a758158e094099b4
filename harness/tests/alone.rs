//! The engine on its own, as programs of their own against an estate that is served: the dry run,
//! what is not allowed, and the kill test.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "processes of their own are waited for in real time; helpers of tests may panic"
)]

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use engine::ports::{StateStore, Table};
use engine::wire::RedbStore;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{Ldap, LdapConnAsync, Mod, Scope, SearchEntry};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use program::Program;

/// A running `hybridsim serve --no-engine` and a configuration for it.
struct Estate {
    program: Program,
    runtime: Runtime,
}

impl Deref for Estate {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl Estate {
    fn serve(mailboxes: usize) -> Self {
        let program = Program::serve(&["--no-engine", "--mailboxes", &mailboxes.to_string()]);
        let runtime = Runtime::new().expect("a runtime");
        let estate = Self { program, runtime };
        estate.configure();
        estate
    }

    /// A configuration for each of the two commands, as users make it.
    fn configure(&self) {
        let made = Command::new(env!("CARGO_BIN_EXE_hybridsim"))
            .arg("env")
            .arg(self.path("ready.json"))
            .arg("--engine-config")
            .arg(self.folder())
            .output()
            .expect("the program starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let printed = String::from_utf8_lossy(&made.stdout);
        assert!(printed.contains("transfer inventory --config"), "{printed}");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hybridsim"));
        let config = self.path(&format!("{}.yaml", arguments[0]));
        command.args(arguments).arg("--config").arg(config).stdin(Stdio::null());
        command
    }

    /// Runs it to its end: exit code and standard output. No secret may ever show.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let Output { status, stdout, stderr } =
            self.command(arguments).output().expect("the program starts");
        let text = String::from_utf8_lossy(&stdout).into_owned();
        let errors = String::from_utf8_lossy(&stderr).into_owned();
        for name in ["writeback.secret", "transfer.secret", "bind.secret"] {
            let secret = fs::read_to_string(self.path(name)).expect("text");
            assert!(!text.contains(&secret) && !errors.contains(&secret), "{name} shows");
        }
        (status.code().expect("it ended by itself"), text + &errors)
    }

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

    fn control(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.text("control"));
        self.runtime.block_on(async {
            let answer = self.client.request(Method::GET, url).send().await.expect("an answer");
            assert_eq!(answer.status().as_u16(), 200, "{path}");
            answer.json().await.expect("JSON")
        })
    }

    /// The last entry of the provisioning log.
    fn last_logged(&self) -> Value {
        let log = fs::read_to_string(self.path("provisioning.jsonl")).expect("text");
        serde_json::from_str(log.lines().last().expect("a line")).expect("JSON")
    }

    fn fault(&self, fault: &Value) {
        let url = format!("{}/faults", self.text("control"));
        let status = self.runtime.block_on(async {
            self.client.post(url).json(fault).send().await.expect("an answer").status()
        });
        assert!(status.is_success(), "{fault}");
    }

    /// A connection of an administrator.
    async fn administrator(&self) -> Ldap {
        let (connection, mut ldap) =
            LdapConnAsync::new(self.text("ldap")).await.expect("a connection");
        tokio::spawn(connection.drive());
        let bound = ldap.simple_bind(self.text("bind_dn"), self.text("bind_password")).await;
        bound.expect("an answer").success().expect("bound");
        ldap
    }

    /// Somebody writes an attribute of a user in AD.
    fn write_in_ad(&self, name: &str, attribute: &str, value: &str) {
        self.runtime.block_on(async {
            let mut ldap = self.administrator().await;
            let filter = format!("(userPrincipalName={name})");
            let base = self.text("base_dn");
            let found = ldap.search(base, Scope::Subtree, &filter, vec!["1.1"]).await;
            let (rows, _) = found.expect("an answer").success().expect("found");
            let dn = SearchEntry::construct(rows.into_iter().next().expect("somebody")).dn;
            let modify = vec![Mod::Replace(attribute, [value].into())];
            ldap.modify(&dn, modify).await.expect("an answer").success().expect("written");
        });
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

    /// Every AD user with a mailbox, with these attributes.
    fn rows(&self, names: Vec<&str>) -> Vec<SearchEntry> {
        self.runtime.block_on(async {
            let mut ldap = self.administrator().await;
            let adapters: Vec<Box<dyn Adapter<'_, _, _>>> =
                vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(500))];
            let filter = "(&(objectClass=user)(proxyAddresses=*))";
            let base = self.text("base_dn");
            let search =
                ldap.streaming_search_with(adapters, base, Scope::Subtree, filter, names).await;
            let mut search = search.expect("a search");
            let mut found = Vec::new();
            while let Some(entry) = search.next().await.expect("an entry") {
                found.push(SearchEntry::construct(entry));
            }
            found
        })
    }

    /// Every AD user with a mailbox: object name, `extensionAttribute1`, `uSNChanged`.
    fn directory(&self) -> Vec<(String, String, String)> {
        let row = |mut entry: SearchEntry| {
            let mut take = |name: &str| {
                entry.attrs.remove(name).and_then(|mut values| values.pop()).unwrap_or_default()
            };
            (take("userPrincipalName"), take("extensionAttribute1"), take("uSNChanged"))
        };
        let names = vec!["userPrincipalName", "extensionAttribute1", "uSNChanged"];
        let mut found: Vec<_> = self.rows(names).into_iter().map(row).collect();
        found.sort();
        found
    }

    fn token(&self) -> String {
        let url = format!("{}/{}/oauth2/v2.0/token", self.text("login"), self.text("tenant_id"));
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}\
             &scope=https%3A%2F%2Foutlook.office365.com%2F.default",
            self.text("client_id"),
            self.text("client_secret")
        );
        self.runtime.block_on(async {
            let request = self.client.post(url).body(form);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let answer: Value =
                request.send().await.expect("an answer").json().await.expect("JSON");
            answer["access_token"].as_str().expect("a token").to_owned()
        })
    }

    /// Sets `CustomAttribute1` of mailboxes in the cloud.
    fn edit(&self, token: &str, edits: &[(&str, String)]) {
        let tenant = self.text("tenant_id");
        let base = format!("{}/adminapi/beta/{tenant}", self.text("exchange"));
        let invoke = format!("{base}/InvokeCommand");
        for edits in edits.chunks(10) {
            let requests: Vec<Value> = edits
                .iter()
                .enumerate()
                .map(|(number, (id, value))| {
                    let parameters = json!({"Identity": id, "CustomAttribute1": value});
                    let input = json!({"CmdletName": "Set-Mailbox", "Parameters": parameters});
                    json!({"id": number.to_string(), "method": "POST", "url": invoke,
                        "headers": {"Content-Type": "application/json"},
                        "body": {"CmdletInput": input}})
                })
                .collect();
            let answer: Value = self.runtime.block_on(async {
                let request = self.client.post(format!("{base}/$batch")).bearer_auth(token);
                let request = request.json(&json!({"requests": requests}));
                request.send().await.expect("an answer").json().await.expect("JSON")
            });
            for part in answer["responses"].as_array().expect("answers") {
                assert_eq!(part["status"], 200, "{part}");
            }
        }
    }
}

/// `highestCommittedUSN`: it grows with every write.
async fn highest_usn(ldap: &mut Ldap) -> Option<Vec<String>> {
    let found = ldap.search("", Scope::Base, "(objectClass=*)", vec!["highestCommittedUSN"]).await;
    let (rows, _) = found.expect("an answer").success().expect("a rootDSE");
    let mut entry = SearchEntry::construct(rows.into_iter().next()?);
    entry.attrs.remove("highestCommittedUSN")
}

/// Ids and user principal names out of `transfer inventory`.
fn inventory(estate: &Estate) -> Vec<(String, String)> {
    let (code, text) = estate.run(&["transfer", "inventory"]);
    assert_eq!(code, 0, "{text}");
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let id = words.next()?.to_owned();
        (id.len() == 36).then(|| (id, words.last().expect("a name").to_owned()))
    };
    text.lines().filter_map(row).collect()
}

/// A small generator: the same moments every time, as far as two processes allow.
struct Moments(u64);

impl Moments {
    fn next(&mut self, from: u64, to: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        from + (self.0 >> 33) % (to - from)
    }
}

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
        let change =
            json!({"name": "IsExchangeCloudManaged", "oldValue": "False", "newValue": "True"});
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
    for agent in estate.ready["agents"].as_array().expect("agents") {
        estate.fault(&json!({"agent_offline": {"agent": agent["name"], "for": "1h"}}));
    }
    let (code, text) = estate.run(&provision);
    assert!(code == 1 && text.contains("NoActiveAgents"), "{code} {text}");

    // What means nothing is refused and not taken for something else.
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

    let (code, text) = estate.run(&["writeback", "--apply", "--pause"]);
    assert!(code == 0 && text.contains("job paused") && !text.contains("next at"), "{text}");
    let (code, text) = estate.run(&["writeback", "--apply", "--cycles", "1"]);
    assert!(code == 1 && text.contains("--start"), "{code} {text}");
}

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
    let calls: [(&[&str], &str, i32); 11] = [
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
    ];
    for (arguments, format, expected) in calls {
        let _ = fs::remove_file(&report);
        let (code, text) = estate.run(&[arguments, &["--report", &report]].concat());
        assert_eq!(code, expected, "{arguments:?}: {text}");
        let told: Value = serde_json::from_slice(&fs::read(&report).expect("there")).expect("JSON");
        assert_eq!((&told["format"], &told["version"]), (&json!(format), &json!(1)));
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

#[test]
fn what_is_not_allowed_is_refused_before_anything_is_written() {
    let estate = Estate::serve(3);
    let other = "00000000-0000-0000-0000-000000000001";
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
    fs::write(&path, good).expect("written");
    fs::write(estate.path("state.redb"), b"not a store").expect("written");
    let (code, text) = estate.run(&["writeback", "--apply", "--cycles", "1"]);
    assert!(code == 4 && text.contains("damaged"), "{code} {text}");
    assert_eq!(fs::read(estate.path("state.redb")).expect("there"), b"not a store");
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
    let distinct: std::collections::BTreeSet<&String> = changes.values().collect();
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
    let equal = format!("0 of {MAILBOXES} mailbox(es) differ");
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
        losses.map(Value::to_string).collect::<std::collections::BTreeSet<String>>()
    };
    let (before, after) = (path("before-rollback.json"), path("after-rollback.json"));
    estate.run(&["transfer", "rollback", "--accept-losses", "--report", &before]);
    assert!(lost(&before).len() >= mailboxes);
    // One that came to its end before it was to be killed has told all that there was to tell.
    let mut told = std::collections::BTreeSet::new();
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
    let begun: std::collections::BTreeSet<String> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|line| line["action"] == "rollback" && line["outcome"] == "begun")
        .map(|line| line["mailbox"].to_string())
        .collect();
    assert_eq!(begun.len(), mailboxes);
}
