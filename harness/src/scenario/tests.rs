//! Whole files: good ones mean what they say, bad ones are refused with the words that a snapshot
//! keeps, and every example of the language's documentation is a good file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sim::powershell::{CmdletSpec, ParameterKind, ParameterSpec};

use super::*;

/// A small world of names, so that these tests say what the language does and not what the estate
/// happens to know.
fn catalogues() -> Catalogues {
    Catalogues {
        ad_attributes: strings(&[
            "displayName",
            "department",
            "extensionAttribute1",
            "extensionAttribute2",
            "extensionAttribute3",
            "mail",
            "proxyAddresses",
            "sn",
            "title",
            "msExchHideFromAddressLists",
            "msExchRemoteRecipientType",
        ]),
        exo_properties: strings(&[
            "CustomAttribute1",
            "CustomAttribute2",
            "DisplayName",
            "EmailAddresses",
            "IsDirSynced",
            "IsExchangeCloudManaged",
            "RecipientTypeDetails",
            "WhenChangedUTC",
        ]),
        entra_properties: strings(&[
            "displayName",
            "mail",
            "proxyAddresses",
            "onPremisesExtensionAttributes.extensionAttribute1",
        ]),
        profiles: strings(&["wb-ga-2026-08", "p1-preview-2025-08"]),
        switches: vec![
            SwitchSpec {
                name: "proxy_mode".to_owned(),
                kind: SwitchKind::OneOf(strings(&["replace_smtp", "replace_all", "merge"])),
            },
            SwitchSpec { name: "null_flow".to_owned(), kind: SwitchKind::Boolean },
            SwitchSpec {
                name: "forward_delay".to_owned(),
                kind: SwitchKind::Duration(Duration::from_secs(30 * 86_400)),
            },
            SwitchSpec { name: "exo_budget".to_owned(), kind: SwitchKind::Budget },
            SwitchSpec {
                name: "mailbox_limit".to_owned(),
                kind: SwitchKind::Integer(1, 1_000_000),
            },
        ],
        shapes: strings(&["university", "factory"]),
        roles: strings(&["exchange-admin", "hybrid-identity-admin", "helpdesk"]),
        oracles: strings(&["contract", "authority", "convergence", "quiescence", "one-primary"]),
        findings: strings(&["connect.too-old", "mailbox.recent-on-premises-change"]),
        error_codes: Vec::new(),
        log_codes: Vec::new(),
        ..cmdlets()
    }
}

fn cmdlets() -> Catalogues {
    use ParameterKind::{Boolean, Hashtable, Integer, MultiValue, OneOf, Switch, Text};
    let custom: Vec<(&'static str, ParameterKind)> =
        ["CustomAttribute1", "CustomAttribute2", "CustomAttribute15"].map(|n| (n, Text)).to_vec();
    let mailbox = [
        &custom[..],
        &[
            ("Identity", Text),
            ("EmailAddresses", MultiValue),
            ("WindowsEmailAddress", Text),
            ("DisplayName", Text),
            ("Alias", Text),
            ("ExtensionCustomAttribute1", MultiValue),
            ("IsExchangeCloudManaged", Boolean),
            ("HiddenFromAddressListsEnabled", Boolean),
            ("ResourceCapacity", Integer),
            ("RemoveDelayHoldApplied", Switch),
            ("Type", OneOf(&["Regular", "Shared", "Room", "Equipment"])),
        ],
    ]
    .concat();
    Catalogues {
        exo: vec![
            cmdlet("Set-Mailbox", &mailbox),
            cmdlet("Get-Mailbox", &[("Identity", Text), ("ResultSize", Text)]),
            cmdlet("Set-User", &[("Identity", Text), ("Title", Text)]),
            cmdlet(
                "Set-OrganizationConfig",
                &[("ExchangeAttributesCloudManagedByDefault", Switch)],
            ),
        ],
        onprem: vec![
            cmdlet("Set-RemoteMailbox", &mailbox),
            cmdlet("New-RemoteMailbox", &[("Name", Text), ("UserPrincipalName", Text)]),
        ],
        ad: vec![
            cmdlet(
                "Set-ADUser",
                &[
                    ("Identity", Text),
                    ("Replace", Hashtable),
                    ("Add", Hashtable),
                    ("Clear", MultiValue),
                    ("Title", Text),
                ],
            ),
            cmdlet("Remove-ADUser", &[("Identity", Text)]),
        ],
        ..Catalogues::default()
    }
}

fn cmdlet(name: &'static str, parameters: &[(&'static str, ParameterKind)]) -> CmdletSpec {
    let parameters =
        parameters.iter().map(|(name, kind)| ParameterSpec { name, kind: *kind }).collect();
    CmdletSpec { name, parameters }
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn render(path: &str, source: &str, problems: &[Diagnostic]) -> String {
    let drawn: Vec<String> =
        problems.iter().map(|problem| problem.render(Path::new(path), source, false)).collect();
    drawn.join("\n\n")
}

#[track_caller]
fn good(source: &str) -> Scenario {
    read(Path::new("good.yaml"), source, &catalogues())
        .unwrap_or_else(|problems| panic!("{}", render("good.yaml", source, &problems)))
}

/// A file with this story, in a world with one user.
fn story(steps: &str) -> String {
    format!(
        "scenario: A story\nworld:\n  population:\n    - user: {{name: u7, cloud_managed: true}}\n\
         story:\n{steps}"
    )
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The example of the language's frame, word by word but for its LDIF population, which is refused.
const FRAME: &str = r#"
scenario: An alias added in the cloud survives an agent outage     # required, a sentence
id: A-07
about: writeback
evidence: documented
tier: main

world:
  profile: wb-ga-2026-08
  switches: {proxy_mode: merge}
  seed: 7
  start: 2026-09-01T08:00:00Z
  forest:
    domains: [corp.contoso.com]
    dcs: [{name: DC1, domain: corp.contoso.com}]
    exchange_schema: true
  tenant: {domain: contoso.com, initial: contoso.onmicrosoft.com}
  connect: {build: 2.5.190.0, cycle: 30m}
  agents: [{name: agent1, version: 1.1.2334.0, dc: DC1}]
  writeback: {created: 2026-09-01, interval: 20m}
  population:
    - shape: university
      mailboxes: 500
      cloud_managed: 100%
    - user: {name: u7, upn: u7@contoso.com, addresses: ["SMTP:u7@contoso.com"], extensionAttribute1: HR-1,
             cloud_managed: true, type: user}

story:
  - never:
      u7: {ad.displayName: Other}
  - exo: Set-Mailbox u7 -EmailAddresses @{Add='smtp:new@contoso.com'}
    as: exchange-admin
  - exo: Set-Mailbox u7 -DisplayName 'Other'
    expect_error: any
  - fault: {agent_offline: {agent: agent1, for: 2h}}
  - wait: 10m
  - onprem: Set-RemoteMailbox u7 -CustomAttribute2 'old habit'
  - ad: Set-ADUser u7 -Replace @{extensionAttribute3='script'}
  - ldif: |
      dn: CN=u7,OU=People,DC=corp,DC=contoso,DC=com
      changetype: modify
      replace: department
      department: Research
      -
  - transfer: {mailboxes: "shape:university", wave: 100}
    as: exchange-admin
  - cycle: connect
  - expect:
      u7: {ad.extensionAttribute3: script, exo.IsExchangeCloudManaged: true}
  - within: 3h
    expect:
      u7: {ad.proxyAddresses: {contains: "smtp:new@contoso.com"}}

expect:
  job: {status: Active}
  log: {count: {code: HybridIdentityServiceNoActiveAgents, at_least: 1}}
  counts: {ad_writes: {at_least: 1}, redundant_writes: 0}
  lag: {p99: {below: 3h}}

suspend:
  - oracle: convergence
    because: a script writes to AD while the job is away
"#;

#[test]
fn the_example_of_the_frame_is_read_as_it_is_meant() {
    insta::with_settings!({snapshot_path => "snapshots", prepend_module_to_snapshot => false}, {
        let scenario = good(FRAME);
        let shown = format!("{:#?}", Scenario { source: String::new(), ..scenario });
        // Places are tested by the bad files; here they would only make noise.
        let shown: Vec<&str> = shown.lines().collect();
        insta::assert_snapshot!("frame", without_spans(&shown));
    });
}

/// The debugging view without its `span: Span { start, end }` blocks.
fn without_spans(lines: &[&str]) -> String {
    let mut kept = String::new();
    let mut skip = 0_usize;
    for line in lines {
        if line.trim() == "span: Span {" {
            skip = 4;
        }
        if skip > 0 {
            skip -= 1;
            continue;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}

#[test]
fn one_user_and_one_step_are_a_scenario() {
    let scenario =
        good("scenario: Small\nworld: {population: [user: {name: u1}]}\nstory: [wait: 1h]\n");
    let world = &scenario.world;
    assert_eq!(world.profile.value, "wb-ga-2026-08");
    assert_eq!((world.seed, world.start.to_string().as_str()), (1, "2026-09-01T08:00:00Z"));
    assert_eq!(world.forest.domains[0].value, "corp.contoso.com");
    assert_eq!((world.forest.dcs.len(), world.forest.dcs[0].name.value.as_str()), (1, "DC1"));
    assert!(world.forest.exchange_schema && world.forest.recycle_bin);
    assert_eq!(world.tenant.initial.value, "contoso.onmicrosoft.com");
    assert_eq!(world.connect.build.value, "2.5.190.0");
    assert_eq!(world.connect.cycle, Duration::from_secs(1_800));
    assert_eq!(world.agents[0].name.value, "agent1");
    assert_eq!(world.agents[0].version.value, "1.1.2334.0");
    assert_eq!(world.agents[0].dcs[0].value, "DC1");
    assert_eq!(world.writeback.created.to_string(), "2026-09-01");
    assert_eq!(world.writeback.interval, Duration::from_secs(1_200));
    assert!(world.writeback.enabled);
    let Population::User(user) = &world.population[0] else { panic!("no user") };
    assert_eq!(user.upn.value, "u1@contoso.com");
    assert!(!user.cloud_managed && user.dir_synced);
    assert_eq!(scenario.story[0].action, Action::Wait(Duration::from_secs(3_600)));
    assert_eq!(scenario.tier, Tier::Main);
}

#[test]
fn a_mailbox_is_found_under_every_name_it_has() {
    for name in ["u7", "U7", "u7@contoso.com", "U7@CONTOSO.COM", "u7@contoso.onmicrosoft.com"] {
        let scenario = good(&story(&format!("  - expect: {{{name}: {{ad.mail: x}}}}\n")));
        let Action::Expect(expect) = &scenario.story[0].action else { panic!("no expectation") };
        let Selector::Names(names) = &expect.mailboxes[0].mailboxes.value else {
            panic!("no name")
        };
        assert_eq!(names[0].value, "u7", "{name}");
    }
    for identity in [
        "u7",
        "smtp:u7@contoso.com",
        "CORP\\u7",
        "'CN=u7,OU=People,DC=corp,DC=contoso,DC=com'",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    ] {
        good(&story(&format!("  - exo: Set-Mailbox {identity} -Alias x\n")));
    }
}

#[test]
fn whom_a_step_creates_can_be_named_after_it() {
    good(&story(
        "  - onprem: New-RemoteMailbox new1 -UserPrincipalName n1@contoso.com\n  \
         - exo: Set-Mailbox n1@contoso.com -Alias x\n  \
         - expect: {new1: {ad.mail: n1@contoso.com}}\n",
    ));
}

#[test]
fn members_of_a_shape_have_numbers() {
    let source = "scenario: A shape\nworld: {population: [{shape: university, mailboxes: 3}]}\n\
                  story:\n  - exo: Set-Mailbox University-3@contoso.com -Alias x\n  \
                  - transfer: {mailboxes: [university-1, university-2]}\n  \
                  - edits: {mailboxes: \"shape:university\", share: 5%, every: 30m, for: 1d}\n";
    let scenario = good(source);
    let Action::Transfer(transfer) = &scenario.story[1].action else { panic!("no transfer") };
    let Selector::Names(names) = &transfer.mailboxes.value else { panic!("no names") };
    assert_eq!(names[1].value, "university-2");
    let Action::Edits(edits) = &scenario.story[2].action else { panic!("no edits") };
    assert_eq!(edits.mailboxes.value, Selector::Shape("university".to_owned()));
    assert_eq!(edits.share.of(500), 25);
}

#[test]
fn what_must_fail_may_be_unknown() {
    good(&story("  - exo: Set-Mailbx u7 -Nonsense 1\n    expect_error: any\n"));
    good(&story("  - exo: Set-Mailbox nobody -Alias x\n    expect_error: any\n"));
    good(&story("  - transfer: {mailboxes: [u7, nobody]}\n    expect_error: any\n"));
}

#[test]
fn expectations_over_time_take_their_expectation_in_either_form() {
    for steps in [
        "  - never: {u7: {ad.mail: x}}\n",
        "  - never: {expect: {u7: {ad.mail: x}}}\n",
        "  - never: 2h\n    expect: {u7: {ad.mail: x}}\n",
        "  - never:\n    expect: {u7: {ad.mail: x}}\n",
        "  - always: {u7: {ad.mail: x}}\n",
        "  - always: 2h\n    expect: {u7: {ad.mail: x}}\n",
        "  - until: 6h\n    expect: {u7: {ad.mail: x}}\n",
        "  - until: {job: {status: Active}}\n",
    ] {
        good(&story(steps));
    }
}

#[test]
fn every_comparison_is_read() {
    let scenario = good(&story(
        "  - expect:\n      u7:\n        ad.proxyAddresses: {contains: [a, b], count: {at_least: 2}}\n        \
         ad.mail: {absent: true}\n        ad.title: {matches: \"^Dr\\\\.\", length: 5}\n        \
         ad.sn: {equals: Kim}\n        ad.department: {set: [One, Two]}\n        \
         exo.WhenChangedUTC: {above: 2026-09-01T08:00:00Z}\n",
    ));
    let Action::Expect(expect) = &scenario.story[0].action else { panic!("no expectation") };
    let shown: Vec<String> = expect.mailboxes[0]
        .attributes
        .iter()
        .map(|a| format!("{} {}", a.path.value, a.comparison.value))
        .collect();
    assert_eq!(
        shown,
        [
            "ad.proxyAddresses contains: [a, b]",
            "ad.proxyAddresses count: {at_least: 2}",
            "ad.mail absent: true",
            "ad.title matches: ^Dr\\.",
            "ad.title length: {5}",
            "ad.sn Kim",
            "ad.department set: [One, Two]",
            "exo.WhenChangedUTC above: 2026-09-01T08:00:00Z",
        ]
    );
}

#[test]
fn a_cmdlet_may_fill_several_lines() {
    let scenario = good(&story(
        "  - exo: |\n      Set-Mailbox u7 `\n        -CustomAttribute1 'it''s' # why\n  \
         - exo: >-\n      Set-Mailbox u7\n      -ExtensionCustomAttribute1 a,'b c'\n",
    ));
    let calls: Vec<String> = scenario
        .story
        .iter()
        .filter_map(|step| match &step.action {
            Action::Exo(call) => Some(call.value.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(
        calls,
        [
            "Set-Mailbox -Identity 'u7' -CustomAttribute1 'it''s'",
            "Set-Mailbox -Identity 'u7' -ExtensionCustomAttribute1 @('a','b c')",
        ]
    );
}

/// Every file of a folder is refused in the words of its snapshot.
#[track_caller]
fn refuses_all(folder: &str, catalogues: &Catalogues) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    assert!(files.len() >= 20, "the bad files are gone");
    insta::with_settings!({snapshot_path => folder.join("refusals"),
                           prepend_module_to_snapshot => false, omit_expression => true}, {
        for file in files {
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            let source = std::fs::read_to_string(&file).unwrap();
            let Err(problems) = read(&file, &source, catalogues) else {
                panic!("{name} was taken for good");
            };
            insta::assert_snapshot!(name.clone(), render(&format!("{name}.yaml"), &source, &problems));
        }
    });
}

#[test]
fn every_bad_file_is_refused_in_the_words_of_its_snapshot() {
    refuses_all("bad-scenarios", &catalogues());
}

/// What the estate of this build does not take, in files whose form is right.
#[test]
fn what_the_estate_does_not_take_is_refused_before_anything_runs() {
    refuses_all("bad-scenarios/estate", &crate::stage::catalogues());
}

#[test]
fn every_example_of_the_documentation_is_a_good_file() {
    let path = repository().join("scenarios/README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut examples = 0;
    for block in text.split("```yaml\n").skip(1) {
        let source = block.split("```").next().unwrap();
        if source.starts_with("scenario:") {
            good(source);
            examples += 1;
        }
    }
    assert!(examples >= 3, "the documentation has lost its examples");
}

#[test]
fn every_word_of_the_language_is_documented() {
    let text = std::fs::read_to_string(repository().join("scenarios/README.md")).unwrap();
    let words = Comparison::NAMES
        .into_iter()
        .chain(PortCall::ALL.map(|(_, name)| name))
        .chain(COUNTS)
        .chain(LAGS)
        .chain(JOB_PROPERTIES)
        .chain(QUARANTINE_PROPERTIES)
        .chain(CONNECT_COUNTS)
        .chain(RUN_PROPERTIES)
        .chain(AGENT_PROPERTIES)
        .chain(FAULTS)
        .chain(STEPS);
    for word in words {
        assert!(
            text.contains(&format!("`{word}`")) || text.contains(&format!("`{word}:")),
            "{word}"
        );
    }
}

#[test]
fn nothing_that_people_can_save_makes_the_reader_panic() {
    let catalogues = catalogues();
    for cut in 0..FRAME.len() {
        if let Some(source) = FRAME.get(..cut) {
            let problems =
                read(Path::new("cut.yaml"), source, &catalogues).err().unwrap_or_default();
            render("cut.yaml", source, &problems);
        }
    }
}
