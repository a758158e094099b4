//! Somebody ends it before its time: whatever is known then is told, on the screen, in the report and in the logs.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::estate::{Estate, inventory};

impl Estate {
    /// Starts it and sends it the signal of Ctrl-C once `begun` says so: its exit code and what it printed.
    fn interrupt(&self, arguments: &[&str], begun: impl Fn() -> bool) -> (i32, String) {
        let mut command = self.command(arguments);
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let ended = |process: &mut Child| process.try_wait().expect("a child of ours").is_some();
        while !ended(&mut process) && !begun() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let signalled = Command::new("kill").arg("-INT").arg(process.id().to_string()).status();
        assert!(signalled.expect("kill is there").success(), "{arguments:?} ended by itself");
        let output = process.wait_with_output().expect("it ends");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        (output.status.code().expect("it ended by itself"), text)
    }

    /// The lines of the log of transfers.
    fn recorded(&self) -> Vec<Value> {
        let log = fs::read_to_string(self.path("state.transfers.jsonl")).unwrap_or_default();
        log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

fn document(path: &str) -> Value {
    serde_json::from_slice(&fs::read(path).expect("there")).expect("JSON")
}

fn each_wait_says_what_for(text: &str) {
    let mut waits = text.lines().filter(|line| line.starts_with("waiting until "));
    let words = ["the budget of sets a minute", "the soak"];
    assert!(waits.all(|line| words.iter().any(|word| line.contains(word))), "{text}");
}

/// A flip, a rollout, a restore and a rollback under a budget that lasts for longer than anybody waits: each says
/// how far it came, and the same call without the budget comes to the end.
#[test]
fn whoever_is_interrupted_says_how_far_he_came() {
    const MAILBOXES: usize = 8;
    let estate = Estate::serve(MAILBOXES);
    let people = inventory(&estate);
    let path = |name: &str| estate.path(name).to_str().expect("text").to_owned();
    let (report, rings, kept) = (path("report.json"), path("rings.yaml"), path("kept.jsonl"));
    // What an earlier call spent within the minute counts: each call has less than it needs, and a little more than
    // the one before.
    let ended = |arguments: &[&str], most: &str, word: &str| {
        let slow = ["--apply", "--sets-a-minute", most, "--report", &report];
        let all = [arguments, &slow].concat();
        let told = estate.recorded().len();
        let (code, text) = estate.interrupt(&all, || {
            estate.recorded()[told..].iter().any(|line| line["outcome"] == word)
        });
        assert!(code == 1 && text.contains("stopped"), "{all:?}: {code} {text}");
        assert!(text.contains("goes on with it"), "{text}");
        each_wait_says_what_for(&text);
        document(&report)
    };
    let stopped = |told: &Value| assert_eq!(told["stopped"]["code"], "Interrupted", "{told}");

    let ids = people[2..].iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(", ");
    let text = format!(
        "rings:\n - {{name: pilot, mailboxes: [{}, {}], soak: 1h}}\n - {{name: all, mailboxes: [{ids}]}}\n",
        people[0].1, people[1].1
    );
    fs::write(&rings, text).expect("written");
    let rollout = ["transfer", "rollout", "--rings", &rings, "--name", "r"];
    let told = ended(&rollout, "2", "flipped");
    stopped(&told);
    assert_eq!(
        (&told["not_begun"], &told["rings"][0]["verified"]),
        (&json!(["all"]), &json!(false))
    );
    assert_eq!(told["rings"][0]["counts"]["flipped"], 2);

    let told = ended(&["transfer", "flip"], "4", "flipped");
    stopped(&told);
    let counts = &told["counts"];
    let count = |name: &str| counts[name].as_u64().expect("a number");
    let open = count("undecided") + count("not_begun");
    assert!(count("flipped") > 0 && open > 0, "{counts}");
    assert_eq!((count("already"), count("flipped") + open), (2, 6), "{counts}");
    assert!(!told["findings"].as_array().expect("a list").is_empty(), "what was found is kept");
    let (code, text) = estate.run(&["transfer", "flip", "--apply", "--name", "rest"]);
    assert!(code == 0 && text.contains(&format!("{} already", 2 + count("flipped"))), "{text}");

    let (code, text) = estate.run(&["transfer", "backup", "--to", &kept]);
    assert_eq!(code, 0, "{text}");
    let spoiled = |(id, _): &(String, String)| (id.clone(), "spoiled".to_owned());
    let edits: Vec<(String, String)> = people.iter().map(spoiled).collect();
    let edits: Vec<(&str, String)> =
        edits.iter().map(|(id, value)| (id.as_str(), value.clone())).collect();
    estate.edit(&estate.token(), &edits);
    let restore = ["transfer", "restore", "--from", &kept, "--to", "cloud"];
    let told = ended(&restore, "6", "restored");
    stopped(&told);
    let restored = told["mailboxes"].as_array().expect("a list");
    let restored = restored.iter().filter(|one| one["outcome"] == "restored").count();
    assert!(restored > 0 && told["not_begun"] == MAILBOXES - restored, "{told}");
    let of = |word: &str| {
        let log = estate.recorded();
        let of = log.iter().filter(|one| one["action"] == "restore" && one["outcome"] == word);
        of.map(|one| one["mailbox"].to_string()).collect::<BTreeSet<String>>()
    };
    assert_eq!(of("begun"), of("restored"), "what was written is told before it ends");

    let rollback = ["transfer", "rollback", "--accept-losses"];
    let told = ended(&rollback, "7", "rolled-back");
    stopped(&told);
    assert!(!told["losses"].as_array().expect("a list").is_empty());
    let counts = &told["counts"];
    let of = |name: &str| counts[name].as_u64().expect("a number");
    let sum = of("flipped") + of("undecided") + of("not_begun");
    assert_eq!(sum, MAILBOXES as u64, "{counts}");
}
