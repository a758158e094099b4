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
use sim::exchange::cmdlets;

/// A world for all steps of the table.
const WORLD: &str = "tenant: {domain: contoso.com, verified: [fabrikam.example]}
  rights: {protected: [u3]}
  population:
    - user: {name: u1, cloud_managed: true}
    - user: u2
    - user: {name: u3, cloud_managed: true}
    - user: {name: home, mailbox: on-premises}
    - user: {name: off, dir_synced: false}";

/// A world in which nothing stands against removing the server.
const MOVED: &str = "tenant: {cloud_managed_by_default: true}
  population: [user: {name: u1, cloud_managed: true}]";

/// The same without a writeback job.
const JOBLESS: &str = "writeback: none
  tenant: {cloud_managed_by_default: true}
  population: [user: {name: u1, cloud_managed: true}]";

const EDIT: &str = "exo: Set-Mailbox u1 -CustomAttribute1 x";
const EDIT_3: &str = "exo: Set-Mailbox u3 -CustomAttribute1 x";
const ON_DEMAND: &str = "job: {provision_on_demand: u1}";

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
    ("exo: Set-Mailbox u1 -CustomAttribute1 '{1100}'", "ValueTooLong"),
    ("exo: New-RoleGroup 'Help Desk'", "InvalidOperation"),
    ("exo: Get-EXOMailbox nobody", "NotFound"),
    ("exo: Get-EXOMailbox u1 -SortBy Alias", "ParameterSet"),
    ("exo: Set-MailboxAuditBypassAssociation u2 -AuditBypassEnabled $true", "OutOfWriteScope"),
    ("ad: Set-ADUser nobody -Title x", "NotFound"),
    ("ad: Set-ADUsr u1 -Title x", "UnknownCmdlet"),
    ("ad: Set-ADUser u1 -Titel x", "UnknownParameter"),
    ("ad: Move-ADObject u1", "MissingParameter"),
    ("ad: Set-ADUser u1 -Enabled perhaps", "WrongValue"),
    ("ad: Set-ADUser u1 -Replace text", "WrongValue"),
    ("ad: Restore-ADObject u1", "InvalidOperation"),
    ("ad: Set-ADUser u1 -Title x|as: reader", "insufficientAccessRights"),
    ("ad: Set-ADUser u3 -Title x|as: helpdesk", "50"),
    ("ad: Set-ADUser u1 -Replace @{noSuch='x'}", "noSuchAttribute"),
    ("ad: Set-ADUser u1 -Replace @{userAccountControl='many'}", "invalidAttributeSyntax"),
    ("ad: Set-ADUser u1 -Replace @{title='{200}'}", "constraintViolation"),
    ("ad: Set-ADUser u1 -Add @{mail='second@contoso.com'}", "attributeOrValueExists"),
    ("ad: Set-ADUser u1 -Replace @{objectClass='group'}", "objectClassViolation"),
    ("ad: Set-ADUser u1 -Replace @{cn='x'}", "notAllowedOnRdn"),
    ("ad: Set-ADUser u1 -Clear sAMAccountName", "unwillingToPerform"),
    ("ad: Set-ADUser u1 -Replace @{pwdLastSet='7'}", "other"),
    ("ad: Move-ADObject u1 -TargetPath 'nonsense'", "invalidDnSyntax"),
    ("ad: Move-ADObject u1 -TargetPath 'DC=elsewhere,DC=example'", "affectsMultipleDsas"),
    ("ad: New-ADUser x -Path 'OU=Nowhere,DC=corp,DC=contoso,DC=com'", "noSuchObject"),
    ("ad: New-ADUser x -Path 'CN=u1,OU=People,DC=corp,DC=contoso,DC=com'", "namingViolation"),
    (
        "ad: New-ADOrganizationalUnit -Name People -Path 'DC=corp,DC=contoso,DC=com'",
        "entryAlreadyExists",
    ),
    ("ad: Remove-ADObject 'OU=People,DC=corp,DC=contoso,DC=com'", "notAllowedOnNonLeaf"),
    (
        "ldif: \"dn: CN=x,DC=elsewhere,DC=example\\nchangetype: add\\nobjectClass: user\\n\"",
        "referral",
    ),
    ("ldif: \"dn: CN=u1\\nchangetype: what\\n\"", "LDIF"),
    ("onprem: Set-RemoteMailbox nobody -CustomAttribute1 x", "NotFound"),
    ("onprem: Set-RemoteMailbox u1 -Type Desk", "WrongValue"),
    ("onprem: Set-Mailbox u1 -CustomAttribute1 x", "InvalidOperation"),
    (
        "onprem: Set-RemoteMailbox u1 -ExtensionCustomAttribute1 {values} -ExtensionCustomAttribute2 \
         {values}",
        "adminLimitExceeded",
    ),
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
    ("graph: GET /users/u1|as: unprivileged", "403"),
    ("graph: {method: PATCH, path: /users/u1, body: {displayNam: x}}", "400"),
    ("graph: {method: POST, path: /users, body: {displayName: x}}", "Request_BadRequest"),
    ("graph: GET /nothing", "BadRequest"),
    ("graph: GET /users?$top=x", "Request_UnsupportedQuery"),
    ("graph: GET /users/delta?$deltatoken=nonsense", "syncStateNotFound"),
    ("graph: GET /me/messages", "NotImplemented"),
    ("graph: GET /me/messages", "501"),
    ("graph: GET /$batch", "405"),
    ("graph: {method: POST, path: '{jobs}', body: {templateId: '{template}'}}", "Conflict"),
    ("graph: {method: POST, path: '{jobs}', body: {templateId: '{template}'}}", "409"),
    ("transfer: nobody", "mailbox.missing"),
    ("transfer: off", "mailbox.not-dir-synced"),
    ("transfer: off", "blocked"),
    ("transfer: u2|as: unprivileged", "mailbox.unreadable"),
    ("transfer: u2|as: helpdesk", "refused"),
    ("transfer: u2|as: reader", "Forbidden"),
    (
        "transfer: {mailboxes: [u2, home], wave: 1, most_failures: 0, accept: [mailbox.missing]}",
        "AcceptanceBreached",
    ),
    (
        "transfer: {mailboxes: [u2, home], wave: 1, most_failures: 0, accept: [mailbox.missing]}",
        "stopped",
    ),
    ("job: pause|as: helpdesk", "Authorization_RequestDenied"),
    ("job: {provision_on_demand: off}", "NotInScope"),
    (ON_DEMAND, "RedundantExport"),
    ("connect: switch_to_staging", "NotFound"),
];

/// Steps that fail after others, or in a world of their own: what comes before, the world, the step, the code.
const LATER: &[(&[&str], &str, &str, &str)] = &[
    (
        &["fault: {throttled: {budget: Exchange Online, for: 1h}}"],
        WORLD,
        "exo: Set-Mailbox u1 -CustomAttribute1 x",
        "Throttled",
    ),
    (
        &[],
        "switches: {empty_error_applied: true}\n  population: [user: u2]",
        "exo: Set-Mailbox u2 -IsExchangeCloudManaged $true",
        "Empty",
    ),
    (&["fault: {dc_down: {dc: DC1}}"], WORLD, "ad: Set-ADUser u1 -Title x", "ServerDown"),
    (
        &["fault: {dc_down: {dc: DC1}}"],
        WORLD,
        "ad: Set-ADUser u1 -Title x",
        "ADServerDownException",
    ),
    (&["fault: {dc_down: {dc: DC1}}"], WORLD, "ad: Set-ADUser u1 -Title x", "81"),
    (
        &["onprem: Setup -Mode Uninstall"],
        MOVED,
        "onprem: Set-RemoteMailbox u1 -CustomAttribute1 x",
        "NoServer",
    ),
    (
        &["fault: {throttled: {budget: Application/Global, for: 1h}}"],
        WORLD,
        "graph: GET /users/u1",
        "TooManyRequests",
    ),
    (
        &["fault: {store_damaged: {for: 1h}}", "wait: 1m"],
        WORLD,
        "graph: {method: POST, path: '{jobs}/{job}/start'}",
        "serviceNotAvailable",
    ),
    (
        &["fault: {store_damaged: {for: 1h}}", "wait: 1m"],
        WORLD,
        "graph: {method: POST, path: '{jobs}/{job}/start'}",
        "503",
    ),
    (&["exo: Set-Mailbox u2 -Type Desk"], WORLD, "transfer: u2", "mailbox.type"),
    (
        &[
            "graph: {method: PATCH, path: '/organization/{tenant}', body: {onPremisesSyncEnabled: false}}",
        ],
        WORLD,
        "transfer: u2",
        "tenant.sync-disabled",
    ),
    (
        &[],
        "connect: {build: 2.5.79.0}\n  population: [user: u2]",
        "transfer: u2",
        "connect.too-old",
    ),
    (
        &[],
        "switches: {licence_check: gate}\n  tenant: {entra_id_p1: false}\n  population: [user: u2]",
        "transfer: u2",
        "evidence.licence",
    ),
    (
        &[],
        "profile: p1-preview-2025-08\n  population: [user: u2]",
        "transfer: u2|as: exchange-admin",
        "no-op",
    ),
    (
        &["fault: {cloud_offline: {call: exchange.set_mailboxes, for: 5d}}"],
        WORLD,
        "transfer: u2",
        "failed",
    ),
    (
        &[],
        "roles: [{name: r, like: exchange-admin, may_not: [Set-Mailbox -IsExchangeCloudManaged]}]\n  \
         population: [user: u2]",
        "transfer: u2|as: r",
        "ParameterSet",
    ),
    (
        &["fault: {certificate_expired: {for: 5h}}"],
        WORLD,
        "transfer: u2",
        "AzureActiveDirectoryInvalidCredential",
    ),
    (
        &["fault: {cloud_offline: {for: 5d}}"],
        WORLD,
        "transfer: u2",
        "AzureDirectoryServiceServerBusy",
    ),
    (
        &[],
        "agents: []\n  population: [user: {name: u1, cloud_managed: true}]",
        "transfer: {mailboxes: u1, to: on-premises}",
        "HybridIdentityServiceNoActiveAgents",
    ),
    (&[], WORLD, "decommission: {}", "decommission.not-cloud-managed"),
    (&["onprem: New-SendConnector One"], MOVED, "decommission: {}", "decommission.hybrid-objects"),
    (&["onprem: New-PublicFolder One"], MOVED, "decommission: {}", "decommission.public-folders"),
    (
        &["onprem: New-Mailbox -Name One -Arbitration"],
        MOVED,
        "decommission: {}",
        "decommission.on-premises-mailboxes",
    ),
    (&[], MOVED, "decommission: {dns_on_premises: true}", "decommission.dns"),
    (&[], MOVED, "decommission: {smtp_relay: true}", "decommission.smtp-relay"),
    (
        &["fault: {agent_offline: {agent: agent1}}", "wait: 2h"],
        MOVED,
        "decommission: {ad_readers: true}",
        "decommission.agent",
    ),
    (&[], JOBLESS, "decommission: {ad_readers: true}", "decommission.writeback-job"),
    (
        &["fault: {certificate_expired: {for: 5h}}"],
        MOVED,
        "decommission: {}",
        "AzureActiveDirectoryInvalidCredential",
    ),
    (
        &["fault: {cloud_offline: {for: 5d}}"],
        MOVED,
        "decommission: {}",
        "AzureDirectoryServiceServerBusy",
    ),
    (&[], MOVED, "decommission: {}|as: unprivileged", "AzureDirectoryServiceAuthorizationFailed"),
    (&["job: pause"], WORLD, "cycle: writeback", "Paused"),
    (&["graph: 'DELETE {jobs}/{job}'"], WORLD, "cycle: writeback", "NotFound"),
    (
        &["fault: {agent_offline: {agent: agent1}}"],
        WORLD,
        "cycle: writeback",
        "HybridIdentityServiceNoActiveAgents",
    ),
    (
        &[],
        "agents: []\n  population: [user: u1]",
        "cycle: writeback",
        "HybridIdentityServiceNoAgentsAssigned",
    ),
    (
        &[EDIT, "fault: {dc_busy: {operation: any, for: 5h}}"],
        WORLD,
        "cycle: writeback",
        "HybridIdentityServiceAgentSignalingError",
    ),
    (&[EDIT, "fault: {agent_slow: {by: 20m, for: 5h}}"], WORLD, "cycle: writeback", "TimeOut"),
    (
        &["fault: {certificate_expired: {for: 5h}}"],
        WORLD,
        "cycle: writeback",
        "AzureActiveDirectoryInvalidCredential",
    ),
    (
        &["fault: {cloud_offline: {for: 5h}}"],
        WORLD,
        "cycle: writeback",
        "AzureDirectoryServiceServerBusy",
    ),
    (&["fault: {dc_down: {for: 5h}}"], WORLD, "cycle: connect", "no-start-connection"),
    (
        &["ad: Remove-ADUser u1", "ad: Remove-ADUser u2"],
        "tenant: {deletion_threshold: 1}\n  population: [user: u1, user: u2]",
        "cycle: connect",
        "stopped-deletion-threshold-exceeded",
    ),
    (
        &[
            "graph: {method: PATCH, path: '/organization/{tenant}', body: {onPremisesSyncEnabled: false}}",
        ],
        WORLD,
        "cycle: connect",
        "AzureDirectoryServiceAuthorizationFailed",
    ),
    (
        &[EDIT_3],
        WORLD,
        "job: {provision_on_demand: u3}",
        "HybridSynchronizationActiveDirectoryInsufficientAccessRights",
    ),
    (
        &[EDIT, "fault: {agent_offline: {agent: agent1}}"],
        WORLD,
        ON_DEMAND,
        "HybridIdentityServiceNoActiveAgents",
    ),
    (
        &[],
        "agents: []\n  population: [user: {name: u1, cloud_managed: true}]",
        ON_DEMAND,
        "HybridIdentityServiceNoAgentsAssigned",
    ),
    (
        &[EDIT, "fault: {dc_busy: {operation: search, for: 5h}}"],
        WORLD,
        ON_DEMAND,
        "HybridIdentityServiceAgentSignalingError",
    ),
    (&[EDIT, "fault: {agent_slow: {by: 20m, for: 5h}}"], WORLD, ON_DEMAND, "TimeOut"),
    (&[EDIT, "fault: {dc_busy: {for: 5h}}"], WORLD, ON_DEMAND, "AzureDirectoryServiceServerBusy"),
    (
        &[EDIT, "fault: {schema_not_extended: {for: 1h}}"],
        WORLD,
        ON_DEMAND,
        "HybridSynchronizationActiveDirectoryCannotFindAttribute",
    ),
    (
        &[EDIT, "fault: {certificate_expired: {for: 1h}}"],
        WORLD,
        ON_DEMAND,
        "AzureActiveDirectoryInvalidCredential",
    ),
    (
        &["ad: Remove-ADUser u1"],
        WORLD,
        ON_DEMAND,
        "HybridSynchronizationActiveDirectoryInternalServerError",
    ),
    (
        &[EDIT],
        "writeback: {mappings: {extensionAttribute1: 'Append([CustomAttribute1], \"{1500}\")'}}\n  \
         population: [user: {name: u1, cloud_managed: true}]",
        ON_DEMAND,
        "InvalidAttributeSyntax-LdapErr",
    ),
    (
        &[ON_DEMAND, ON_DEMAND, ON_DEMAND, ON_DEMAND, ON_DEMAND],
        WORLD,
        "job: {provision_on_demand: u2}",
        "429",
    ),
    (&["graph: 'DELETE {jobs}/{job}'"], WORLD, "job: {provision_on_demand: u1}", "NotFound"),
];

/// A step of the tables, in its world, after what comes before it.
struct Case {
    before: &'static [&'static str],
    world: &'static str,
    step: &'static str,
    code: &'static str,
}

fn cases() -> impl Iterator<Item = Case> {
    let first = STEPS.iter().map(|(step, code)| Case { before: &[], world: WORLD, step, code });
    let later = LATER.iter();
    first.chain(later.map(|(before, world, step, code)| Case { before, world, step, code }))
}

/// What is too long to be typed: `{200}` is so many characters.
fn filled(text: &str) -> String {
    let values: Vec<String> = (0..1_300).map(|number| format!("v{number}")).collect();
    let jobs = "/servicePrincipals/{principal}/synchronization/jobs";
    let mut text = text.replace("{values}", &values.join(",")).replace("{jobs}", jobs);
    text = text.replace("{template}", "Entra2ADExchangeOnlineAttributeWriteback");
    for length in [200, 1_100, 1_500] {
        text = text.replace(&format!("{{{length}}}"), &"x".repeat(length));
    }
    text
}

impl Case {
    fn played(&self, code: &str) -> ScenarioResult {
        let (step, beside) = self.step.split_once('|').unwrap_or((self.step, ""));
        let beside = if beside.is_empty() { String::new() } else { format!("    {beside}\n") };
        let before: Vec<String> = self.before.iter().map(|step| format!("  - {step}\n")).collect();
        let text = format!(
            "scenario: A code\nabout: cloud\nworld:\n  {}\nstory:\n{}  - {step}\n{beside}    expect_error: \
             '{code}'\n",
            self.world,
            before.concat()
        );
        let text = filled(&text);
        let scenario = scenario::read(Path::new("code.yaml"), &text, &catalogues())
            .unwrap_or_else(|problems| panic!("{text}\n{problems:?}"));
        run(&scenario, &RunOptions::default(), &Silent).unwrap()
    }

    fn door(&self) -> &'static str {
        self.step.split(':').next().unwrap_or_default()
    }

    /// Every name of its code: of refusals of Exchange Online and of LDAP there are several.
    fn names(&self) -> Vec<String> {
        let own = std::iter::once(self.code.to_owned());
        match self.door() {
            "exo" | "transfer" => {
                let others = cmdlets::error_names(self.code).map(str::to_owned);
                // Of a flip it says nothing that a request was bad.
                let told = self.door() == "exo";
                own.chain(others.filter(|name| told || name != "BadRequest")).collect()
            }
            "ad" | "onprem" | "ldif" => {
                let results = ResultCode::ALL.into_iter();
                let numbers = results.filter(|known| known.name() == self.code);
                own.chain(numbers.map(|known| known.number().to_string())).collect()
            }
            _ => own.collect(),
        }
    }
}

#[test]
fn each_step_fails_with_its_code_by_every_name_of_it() {
    let mut problems = Vec::new();
    for case in cases() {
        for name in case.names() {
            let result = case.played(&name);
            if result.verdict == Verdict::Fail {
                let why = &result.findings[0].message;
                problems.push(format!("{}: not {name}: {why}", case.step));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn each_step_fails_with_no_other_code() {
    let codes = catalogues().error_codes;
    let mut problems = Vec::new();
    for case in cases().filter(|case| case.door() != "connect") {
        let (_, known) = codes.iter().find(|(known, _)| *known == case.door()).unwrap();
        let other = other_than(&case.names(), known);
        if case.played(other).verdict != Verdict::Fail {
            problems.push(format!("{}: {other} is taken for {}", case.step, case.code));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// A code of the same kind of step that means something else.
fn other_than<'c>(own: &[String], known: &'c [String]) -> &'c str {
    let unlike = ["referral", "Empty", "405", "evidence.licence", "decommission.dns", "Paused"];
    let is_other = |other: &&String| !own.contains(other);
    let mut others = known.iter().filter(|known| unlike.contains(&known.as_str()));
    let found = others.find(is_other).or_else(|| known.iter().rev().find(is_other));
    found.unwrap_or_else(|| panic!("nothing but {own:?}"))
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
    for case in cases() {
        let door = if ["onprem", "ldif"].contains(&case.door()) { "ad" } else { case.door() };
        for name in case.names() {
            note(door, &name);
        }
    }
    seen
}

/// What a file may expect can come true: a step of the library or of the tables fails so, or the reason stands
/// beside it in the list.
#[test]
fn every_code_has_a_witness_or_a_reason() {
    let seen = witnessed();
    let listed = include_str!("codes-without-witness");
    let listed: Vec<(&str, &str)> = listed
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once(": ").unwrap_or_else(|| panic!("no reason: {line}")))
        .collect();
    let mut without = BTreeSet::new();
    for (door, codes) in catalogues().error_codes {
        if ["onprem", "ldif"].contains(&door) {
            continue;
        }
        for code in codes {
            let own = if door == "ad" { named(&code) } else { code.to_ascii_lowercase() };
            if !seen.contains(&(door.to_owned(), own)) {
                without.insert(format!("{door} {code}"));
            }
        }
    }
    let listed: BTreeSet<String> = listed.into_iter().map(|(code, _)| code.to_owned()).collect();
    assert_eq!(listed, without, "a code was met, or came without a step that fails so");
}
