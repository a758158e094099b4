//! The program from outside: its exit codes are public, so are the words of its errors.

use std::path::Path;
use std::process::{Command, Output};

/// Runs `hybridsim` in `folder`.
fn hybridsim(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hybridsim"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("RUST_BACKTRACE")
        .output()
        .expect("the program starts")
}

/// Runs `hybridsim` and checks its exit code and a part of what it says.
#[track_caller]
fn check(folder: &Path, arguments: &[&str], code: i32, said: &str) -> Output {
    let output = hybridsim(folder, arguments);
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    let all = String::from_utf8(all).expect("all output is text");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {all}");
    assert!(all.contains(said), "{arguments:?}: `{said}` is not in: {all}");
    output
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    folder
}

/// Passes: the alias is written back to AD by the next cycle.
const GOOD: &str = "\
scenario: An alias added in the cloud reaches AD
id: T-01
about: writeback
world:
  population:
    - user: {name: u7, upn: u7@contoso.com, cloud_managed: true}
story:
  - exo: Set-Mailbox u7 -EmailAddresses @{Add='smtp:new@contoso.com'}
  - within: 3h
    expect:
      u7: {ad.proxyAddresses: {contains: \"smtp:new@contoso.com\"}}
";

/// Fails: nothing writes that value.
const WRONG: &str = "\
scenario: An alias that nobody added reaches AD
id: T-02
world:
  population:
    - user: {name: u7, upn: u7@contoso.com, cloud_managed: true}
story:
  - exo: Set-Mailbox u7 -CustomAttribute1 HR
  - wait: 1h
expect:
  u7: {ad.extensionAttribute1: IT}
";

/// Unknown: it is about writing, and nothing is written.
const IDLE: &str = "\
scenario: Nothing is written where nothing happens
id: T-03
about: writeback
world:
  population:
    - user: {name: u7, upn: u7@contoso.com, cloud_managed: true}
story:
  - wait: 1h
";

const BAD: &str = "scenario: A key that nobody knows\nstroy:\n  - wait: 20m\n";

#[test]
fn wrong_usage_is_5_and_help_is_0() {
    let folder = folder(&[("a.yaml", GOOD)]);
    let folder = folder.path();
    check(folder, &["--help"], 0, "Exit codes: 0 pass");
    check(folder, &["run", "--help"], 0, "--transport");
    check(folder, &["--version"], 0, "hybridsim ");
    check(folder, &[], 5, "Usage:");
    check(folder, &["walk"], 5, "unrecognized subcommand 'walk'");
    check(folder, &["run", "--jobs", "0"], 5, "--jobs");
    check(folder, &["run", "--seed", "many"], 5, "invalid value 'many'");
    check(folder, &["run", "--tier", "main,minor"], 5, "[possible values: main, scale, soak]");
    check(folder, &["run"], 5, "there is no file or folder `scenarios`");
    check(folder, &["run", "b.yaml"], 5, "there is no file or folder `b.yaml`");
    check(folder, &["run", "a.yaml", "--json", "none/run.json"], 5, "nothing was run");
    check(folder, &["run", "a.yaml", "--junit", "."], 5, "cannot write `.`");
}

#[cfg(not(feature = "planted-bugs"))]
#[test]
fn a_default_build_knows_no_planted_bug() {
    let folder = folder(&[("a.yaml", GOOD)]);
    check(folder.path(), &["run", "a.yaml", "--plant", "any"], 5, "unexpected argument '--plant'");
}

#[test]
fn one_bad_file_is_3_and_nothing_runs() {
    let folder = folder(&[("s/bad.yaml", BAD), ("s/good.yaml", GOOD), ("s/latin.yaml", "")]);
    std::fs::write(folder.path().join("s/latin.yaml"), b"scenario: \xe9t\xe9\n").expect("a file");
    let said = "help: did you mean `story`";
    let output = check(folder.path(), &["run", "s", "--json", "run.json"], 3, said);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("s/bad.yaml:2:1"), "{stderr}");
    assert!(stderr.contains("cannot read `s/latin.yaml` as text"), "{stderr}");
    assert!(stderr.contains("2 of 3 scenario files cannot run"), "{stderr}");
    assert!(output.stdout.is_empty());
    assert!(!folder.path().join("run.json").exists());
    check(folder.path(), &["check", "s"], 3, "s/bad.yaml:2:1");
}

#[test]
fn what_matches_nothing_is_2() {
    let folder = folder(&[("s/a.yaml", GOOD), ("empty/README.md", "")]);
    check(folder.path(), &["run", "s", "--filter", "rollback"], 2, "matches `rollback`");
    check(folder.path(), &["run", "s", "--tier", "soak"], 2, "1 of them are in other tiers");
    check(folder.path(), &["run", "empty"], 2, "there is no scenario file");
    check(folder.path(), &["check", "empty"], 2, "there is no scenario file");
    check(folder.path(), &["check", "s"], 0, "1 scenario file is right");
}

#[test]
fn a_tier_runs_when_asked_for_and_a_file_when_named() {
    let soak = GOOD.replace("about: writeback", "about: writeback\ntier: soak");
    let folder = folder(&[("s/main.yaml", GOOD), ("s/soak.yaml", &soak)]);
    let folder = folder.path();
    check(folder, &["run", "s"], 0, "1 scenario in");
    check(folder, &["run", "s", "--tier", "main,soak"], 0, "2 scenarios in");
    check(folder, &["run", "s/soak.yaml"], 0, "1 scenario in");
    check(folder, &["run", "s", "s/soak.yaml"], 0, "2 scenarios in");
}

#[test]
fn verdicts_are_exit_codes_and_the_worst_wins() {
    let folder = folder(&[("a.yaml", GOOD), ("b.yaml", WRONG), ("c.yaml", IDLE)]);
    let folder = folder.path();
    check(folder, &["run", "a.yaml"], 0, "1 passed, 0 failed, 0 unknown");
    check(folder, &["run", "c.yaml", "a.yaml"], 2, "1 passed, 0 failed, 1 unknown");
    let output = check(folder, &["run", "."], 1, "1 passed, 1 failed, 1 unknown");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains("b.yaml:10:"), "the expectation is pointed at: {report}");
    assert!(report.contains("run ./b.yaml --seed 1"), "how to see it again: {report}");
    check(folder, &["run", ".", "--filter", "t-01"], 0, "1 passed, 0 failed, 0 unknown");
}

#[test]
fn report_files_say_the_same_as_the_exit_code() {
    let folder = folder(&[("a.yaml", GOOD), ("b.yaml", WRONG), ("c.yaml", IDLE)]);
    let arguments = ["run", ".", "--json", "run.json", "--junit", "run.xml", "--seed", "7"];
    check(folder.path(), &arguments, 1, "");
    let read = |name| std::fs::read_to_string(folder.path().join(name)).expect("a report");
    let document: serde_json::Value = serde_json::from_str(&read("run.json")).expect("JSON");
    let summary = serde_json::json!({"pass": 1, "fail": 1, "unknown": 1});
    assert_eq!(document["summary"], summary);
    let scenarios = document["scenarios"].as_array().expect("a list");
    let verdicts: Vec<_> = scenarios.iter().map(|s| s["verdict"].as_str()).collect();
    assert_eq!(verdicts, [Some("pass"), Some("fail"), Some("unknown")]);
    for scenario in scenarios {
        assert_eq!(scenario["seed"], 7);
        assert_eq!(scenario["trace"]["hash"].as_str().map(str::len), Some(32));
        assert!(scenario["wall_seconds"].as_f64().is_some_and(|seconds| seconds > 0.0));
        assert!(scenario["peak_memory_bytes"].as_u64().is_some_and(|bytes| bytes > 0));
    }
    let junit = read("run.xml");
    assert!(junit.contains(r#"tests="3" skipped="0" failures="1" errors="1""#), "{junit}");
}

#[test]
fn more_workers_change_nothing_but_the_time() {
    let folder = folder(&[("a.yaml", GOOD), ("b.yaml", WRONG), ("c.yaml", IDLE)]);
    let hashes = |jobs: &str| {
        hybridsim(folder.path(), &["run", ".", "--jobs", jobs, "--json", "run.json"]);
        let text = std::fs::read_to_string(folder.path().join("run.json")).expect("a report");
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let scenarios = document["scenarios"].as_array().expect("a list").clone();
        scenarios.iter().map(|s| (s["file"].clone(), s["trace"].clone())).collect::<Vec<_>>()
    };
    let alone = hashes("1");
    assert_eq!(alone.len(), 3);
    assert_eq!(alone, hashes("3"));
}

#[test]
fn quiet_prints_what_did_not_pass_and_the_summary() {
    let folder = folder(&[("a.yaml", GOOD), ("c.yaml", IDLE)]);
    let output = check(folder.path(), &["run", ".", "--quiet"], 2, "1 passed, 0 failed, 1 unknown");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(!report.contains("An alias added"), "{report}");
    assert!(report.contains("Nothing is written where nothing happens"), "{report}");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_value_of_a_passing_run_is_explained_by_who_wrote_it() {
    let folder = folder(&[("good.yaml", GOOD)]);
    let ask = ["explain", "good.yaml", "--object", "u7", "--attribute"];
    let by_any_name = [&ask[..], &["EmailAddresses"]].concat();
    let output = check(folder.path(), &by_any_name, 0, "ad.proxyAddresses");
    let text = String::from_utf8(output.stdout).expect("text");
    let edit = text.find("(person): exo.EmailAddresses").expect("the edit");
    let export = text.find("(writeback): ad.proxyAddresses").expect("the export");
    assert!(edit < export, "oldest first: {text}");
    assert!(text.contains("last written by") && text.contains("authority in the cloud"), "{text}");

    let one_side = [&ask[..], &["ad.proxyAddresses"]].concat();
    let output = check(folder.path(), &one_side, 0, "(writeback): ad.proxyAddresses");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(!text.contains("exo.EmailAddresses"), "{text}");

    check(folder.path(), &[&ask[..], &["department"]].concat(), 0, "nobody wrote it");
    check(folder.path(), &[&ask[..], &["proxyAdresses"]].concat(), 5, "`proxyAddresses`?");
    let stranger = ["explain", "good.yaml", "--object", "u8"];
    check(folder.path(), &stranger, 5, "nobody called `u8`");

    // By whatever name `expect` knows the attribute, and steps the person.
    for name in ["isCloudManaged", "usageLocation", "onPremisesSyncEnabled", "assignedLicenses"] {
        check(folder.path(), &[&ask[..], &[name]].concat(), 0, &format!("entra.{name}"));
    }
    for name in ["PrimarySmtpAddress", "exo.WhenChangedUTC", "IsExchangeCloudManaged"] {
        check(folder.path(), &[&ask[..], &[name]].concat(), 0, name);
    }
    let member = "onPremisesExtensionAttributes.extensionAttribute1";
    check(folder.path(), &[&ask[..], &[member]].concat(), 0, "entra.extensionAttribute1");
    let by = ["explain", "good.yaml", "--object", "u7@contoso.com", "--attribute", "mail"];
    check(folder.path(), &by, 0, "ad.mail");
}

#[test]
fn whoever_the_story_brings_is_explained_too() {
    let born = "scenario: Somebody is created
world: {population: [user: {name: u7}]}
story:
  - ad: New-ADUser u8 -UserPrincipalName u8@contoso.com
  - cycle: connect
";
    let folder = folder(&[("born.yaml", born)]);
    let ask = ["explain", "born.yaml", "--object", "u8", "--attribute", "displayName"];
    check(folder.path(), &ask, 0, "ad.displayName");
}

#[test]
fn a_run_without_its_oracles_proves_nothing() {
    let folder = folder(&[("good.yaml", GOOD)]);
    check(folder.path(), &["run", "good.yaml", "--unjudged"], 2, "the oracles were left out");
}
