//! Every code that `expect_error` knows: a step of the library or of the table here fails so, or it is listed as
//! one that nothing does yet; and with another code beside it each step of the table is red.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot read its files has failed"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use harness::judge::verdict::{ScenarioResult, Verdict};
use harness::run::{RunOptions, Silent, run};
use harness::scenario::{self, Action, Step};
use harness::stage::catalogues;
use sim::directory::answer::ResultCode;

/// A world for all steps of the table.
const WORLD: &str = "  tenant: {domain: contoso.com, verified: [fabrikam.example]}\n  rights: {protected: \
                     [u3]}\n  population: [user: {name: u1, cloud_managed: true}, user: u2, user: u3, user: \
                     {name: home, mailbox: on-premises}, user: {name: off, dir_synced: false}]\n";

/// Steps with the code under which each fails; `|` parts what stands beside from the step itself.
const STEPS: &[(&str, &str)] = &[
    ("exo: Set-Mailbox nobody -CustomAttribute1 x", "NotFound"),
    ("exo: Set-Mailbox u2 -CustomAttribute1 x", "OutOfWriteScope"),
    ("exo: Set-Mailbox u1 -CustomAttribute1 x|as: reader", "Forbidden"),
    ("exo: Set-Mailbox u1 -Foo x", "ParameterSet"),
    ("exo: Set-Mailbox u1 -IsExchangeCloudManaged maybe", "ParameterValue"),
    ("exo: Set-Mailbox u1 -EmailAddresses @{Add='smtp:u2@contoso.com'}", "ProxyAddressExists"),
    ("exo: Set-Mailbox u1 -EmailAddresses @{Add='smtp:u1@elsewhere.example'}", "NotAcceptedDomain"),
    ("exo: Set-Mailbox u1 -EmailAddresses @{Add='smtp:no address'}", "InvalidSmtpAddress"),
    ("ad: Set-ADUser nobody -Title x", "NotFound"),
    ("ad: Set-ADUsr u1 -Title x", "UnknownCmdlet"),
    ("ad: Set-ADUser u1 -Titel x", "UnknownParameter"),
    ("ad: Move-ADObject u1", "MissingParameter"),
    ("ad: Set-ADUser u1 -Enabled perhaps", "WrongValue"),
    ("ad: Set-ADUser u1 -Replace text", "WrongValue"),
    ("onprem: Set-RemoteMailbox u1 -Type Desk", "WrongValue"),
    ("onprem: Set-Mailbox u1 -CustomAttribute1 x", "InvalidOperation"),
    ("exo: Get-EXOMailbox nobody", "NotFound"),
    ("exo: Get-EXOMailbox u1 -SortBy Alias", "ParameterSet"),
    ("exo: Set-MailboxAuditBypassAssociation u2 -AuditBypassEnabled $true", "OutOfWriteScope"),
    ("ad: Restore-ADObject u1", "InvalidOperation"),
    ("ad: Set-ADUser u1 -Title x|as: reader", "insufficientAccessRights"),
    ("ad: Set-ADUser u3 -Title x|as: helpdesk", "50"),
    ("ad: Set-ADUser u1 -Replace @{noSuch='x'}", "noSuchAttribute"),
    ("ad: Set-ADUser u1 -Replace @{userAccountControl='many'}", "invalidAttributeSyntax"),
    (
        "ad: New-ADOrganizationalUnit -Name People -Path 'DC=corp,DC=contoso,DC=com'",
        "entryAlreadyExists",
    ),
    ("ad: Remove-ADObject 'OU=People,DC=corp,DC=contoso,DC=com'", "notAllowedOnNonLeaf"),
    ("ldif: \"dn: CN=u1\\nchangetype: what\\n\"", "LDIF"),
    ("onprem: Set-RemoteMailbox nobody -CustomAttribute1 x", "NotFound"),
    (
        "onprem: Set-RemoteMailbox u1 -CustomAttribute1 x|as: unprivileged",
        "insufficientAccessRights",
    ),
    ("graph: GET /users/nobody@contoso.com", "Request_ResourceNotFound"),
    ("graph: GET /users/nobody@contoso.com", "404"),
    (
        "graph: {method: PATCH, path: /users/u1, body: {usageLocation: DE}}|as: reader",
        "Authorization_RequestDenied",
    ),
    ("graph: {method: PATCH, path: /users/u1, body: {displayNam: x}}", "400"),
    ("transfer: nobody", "mailbox.missing"),
    ("transfer: off", "mailbox.not-dir-synced"),
    ("transfer: off", "blocked"),
    ("transfer: u2|as: helpdesk", "refused"),
    ("transfer: u2|as: reader", "Forbidden"),
    ("decommission: {smtp_relay: true}", "decommission.smtp-relay"),
    ("job: pause|as: helpdesk", "Authorization_RequestDenied"),
    ("job: {provision_on_demand: off}", "NotInScope"),
    ("connect: switch_to_staging", "NotFound"),
];

fn played(step: &str, code: &str) -> ScenarioResult {
    let (step, beside) = step.split_once('|').unwrap_or((step, ""));
    let beside = if beside.is_empty() { String::new() } else { format!("    {beside}\n") };
    let text = format!(
        "scenario: A code\nabout: cloud\nworld:\n{WORLD}story:\n  - {step}\n{beside}    expect_error: '{code}'\n"
    );
    let scenario = scenario::read(Path::new("code.yaml"), &text, &catalogues())
        .unwrap_or_else(|problems| panic!("{text}\n{problems:?}"));
    run(&scenario, &RunOptions::default(), &Silent).unwrap()
}

fn door(step: &str) -> &str {
    step.split(':').next().unwrap_or_default()
}

#[test]
fn each_step_fails_with_its_code_and_with_no_other() {
    let codes = catalogues().error_codes;
    let mut problems = Vec::new();
    for (step, code) in STEPS {
        let result = played(step, code);
        if result.verdict == Verdict::Fail {
            problems.push(format!("{step}: not {code}: {}", result.findings[0].message));
        }
        let (_, known) = codes.iter().find(|(known, _)| *known == door(step)).unwrap();
        let other = if door(step) == "connect" { continue } else { other_than(code, known) };
        let wrong = played(step, other);
        if wrong.verdict != Verdict::Fail {
            problems.push(format!("{step}: {other} is taken for {code}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// A code of the same kind of step that means something else.
fn other_than<'c>(code: &str, known: &'c [String]) -> &'c str {
    let unlike = ["busy", "51", "Throttled", "TooManyRequests", "tenant.sync-disabled"];
    let mut others = known.iter().filter(|known| unlike.contains(&known.as_str()));
    let last = || known.iter().rev().find(|other| other.as_str() != code);
    let found = others.find(|other| other.as_str() != code).or_else(last);
    found.unwrap_or_else(|| panic!("nothing but {code}"))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            found.push(path);
        }
    }
}

/// The kind of a step, as codes are known for it. AD answers all who write there.
const fn kind(action: &Action) -> Option<&'static str> {
    Some(match action {
        Action::Exo(_) => "exo",
        Action::OnPrem(_) | Action::Ad(_) | Action::Ldif(..) => "ad",
        Action::Graph(_) => "graph",
        Action::Transfer(_) => "transfer",
        Action::Decommission(_) => "decommission",
        Action::Cycle(_) => "cycle",
        Action::Job(_) => "job",
        Action::Connect(_) => "connect",
        _ => return None,
    })
}

/// A code by name and by number is one.
fn named(code: &str) -> String {
    let results = ResultCode::ALL.into_iter();
    let found = results.map(|known| (known.number().to_string(), known.name()));
    let mut found = found.filter(|(number, _)| number == code);
    found.next().map_or_else(|| code.to_owned(), |(_, name)| name).to_ascii_lowercase()
}

fn witnessed() -> BTreeSet<(String, String)> {
    let mut paths = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios"), &mut paths);
    let known = catalogues();
    let mut seen = BTreeSet::new();
    let mut note = |kind: &str, code: &str| {
        seen.insert((
            kind.to_owned(),
            if kind == "ad" { named(code) } else { code.to_ascii_lowercase() },
        ));
    };
    for path in paths {
        let source = std::fs::read_to_string(&path).unwrap();
        let scenario = scenario::read(&path, &source, &known).unwrap();
        for Step { action, expect_error, .. } in &scenario.story {
            let action = if let Action::Repeat(repeat) = action { &repeat.action } else { action };
            if let (Some(kind), Some(code)) = (kind(action), expect_error) {
                note(kind, &code.value);
            }
        }
    }
    for (step, code) in STEPS {
        let door = door(step);
        note(if ["onprem", "ldif"].contains(&door) { "ad" } else { door }, code);
    }
    seen
}

/// Codes that no step of the library or of the table ends with.
#[test]
fn every_code_has_a_witness_or_is_listed_as_one_without() {
    let seen = witnessed();
    let mut without = String::new();
    for (door, codes) in catalogues().error_codes {
        if ["onprem", "ldif"].contains(&door) {
            continue;
        }
        for code in codes {
            let own = if door == "ad" { named(&code) } else { code.to_ascii_lowercase() };
            let is_number = door == "ad" && own != code.to_ascii_lowercase();
            if !is_number && !seen.contains(&(door.to_owned(), own)) {
                without.push_str(&format!("{door} {code}\n"));
            }
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/codes-without-witness");
    if std::env::var_os("UPDATE_CODES").is_some() {
        std::fs::write(&path, &without).unwrap();
    }
    let listed = std::fs::read_to_string(&path).unwrap();
    assert_eq!(listed, without, "a code was met or came: UPDATE_CODES=1 writes the list anew");
}
