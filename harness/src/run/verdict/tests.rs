//! What makes a verdict unknown, and what does not: whole runs of small stories.

use std::path::Path;

use crate::judge::verdict::{ScenarioResult, Verdict};
use crate::run::{RunOptions, Silent, run};
use crate::scenario;
use crate::stage::catalogues;

/// A run of a story, with what stands beside it in the file.
pub(super) fn ran(beside: &str, story: &str) -> ScenarioResult {
    let text = format!(
        "scenario: A verdict\n{beside}\nworld:\n  population:\n    - user: {{name: u7, cloud_managed: \
         true}}\n    - user: u8\n    - user: {{name: u9, dir_synced: false}}\nstory:\n{story}\n"
    );
    let scenario = scenario::read(Path::new("verdict.yaml"), &text, &catalogues())
        .unwrap_or_else(|problems| panic!("{text}\n{problems:?}"));
    run(&scenario, &RunOptions::default(), &Silent).unwrap()
}

/// Unknown for one reason, with these words in it.
fn is_open(beside: &str, story: &str, words: &str) {
    let result = ran(beside, story);
    assert_eq!(result.verdict, Verdict::Unknown, "{story}: {:?}", result.findings);
    let [reason] = result.reasons.as_slice() else { panic!("{story}: {:?}", result.reasons) };
    assert!(reason.contains(words), "{story}: {reason}");
}

fn passes(beside: &str, story: &str) {
    let result = ran(beside, story);
    assert_eq!(
        result.verdict,
        Verdict::Pass,
        "{story}: {:?} {:?}",
        result.reasons,
        result.findings
    );
}

const TRANSFER: &str = "about: transfer";
const NO_FLIP: &str = "nobody's flag was changed";

#[test]
fn about_transfer_a_refused_flip_counts_and_nothing_else_that_is_refused() {
    let flip = "  - exo: Set-Mailbox u7 -IsExchangeCloudManaged $false";
    passes(TRANSFER, &format!("{flip}\n    as: reader\n    expect_error: Forbidden"));
    passes(TRANSFER, "  - transfer: {mailboxes: u9}\n    expect_error: any");
    let group = "  - ldif: |\n      dn: CN=Everyone,CN=Users,DC=corp,DC=contoso,DC=com\n      changetype: \
                 add\n      objectClass: group\n      groupType: 8\n      sAMAccountName: everyone\n      \
                 displayName: Everyone\n      mail: everyone@contoso.com\n      mailNickname: \
                 everyone\n      proxyAddresses: SMTP:everyone@contoso.com\n  - cycle: connect\n";
    let flip =
        "  - exo: Set-Mailbox Everyone -IsExchangeCloudManaged $true\n    expect_error: NotFound";
    passes(TRANSFER, &format!("{group}{flip}"));
    for refused in [
        "Get-Mailbox u7 -IsExchangeCloudManaged $true",
        "Set-Mailbox u7 -IsExchangeCloudManaged $false -Foo bar",
        "Set-Mailbox nobody -IsExchangeCloudManaged $false",
        "Set-Mailbox u7 -IsExchangeCloudManaged maybe",
    ] {
        is_open(TRANSFER, &format!("  - exo: {refused}\n    expect_error: any"), NO_FLIP);
    }
}

#[test]
fn about_transfer_a_refused_transfer_counts() {
    for role in ["helpdesk", "reader"] {
        let refused = "expect_error: refused";
        passes(TRANSFER, &format!("  - transfer: u8\n    as: {role}\n    {refused}"));
    }
}

/// A row of a transfer that names nobody must not fall out unseen.
#[test]
fn who_is_unknown_in_a_transfer_is_an_exception_of_that_name() {
    let transfer = "  - transfer: {mailboxes: [u8, nobody]}\n    expect_error:";
    passes(TRANSFER, &format!("{transfer} mailbox.missing"));
    let result = ran(TRANSFER, &format!("{transfer} refused"));
    let [finding] = result.findings.as_slice() else { panic!("{:?}", result.findings) };
    assert!(finding.message.contains("1 mailbox(es)"), "{}", finding.message);
    assert!(finding.message.contains("nobody (blocked)"), "{}", finding.message);
    assert_eq!(result.counts.flips, 1, "the other one is transferred");
}

/// Each declared fault counts for itself, also beside another one of its name.
#[test]
fn two_faults_of_one_name_are_two() {
    let story = "  - fault: {dc_busy: {count: 1}}\n  - exo: Set-Mailbox u7 -CustomAttribute1 A\n  - \
                 wait: 6h\n  - fault: {dc_busy: {count: 1}}";
    let result = ran("", story);
    let seen: Vec<(&str, &str, Option<usize>, u64)> = result
        .faults
        .iter()
        .map(|fault| (fault.name.as_str(), fault.place.as_str(), fault.line, fault.hits))
        .collect();
    let place = "any domain controller";
    assert_eq!(seen, [("dc_busy", place, Some(9), 1), ("dc_busy", place, Some(12), 0)]);
    is_open("", story, "the fault dc_busy at any domain controller (line 12) was never hit");
}

/// What machines are to be tested for must have reached one; the failure of a step proves something in a file
/// about the cloud or the directory alone, or where no machine is at work.
#[test]
fn a_fault_that_people_alone_met_proves_something_of_people_alone() {
    let budget = "  - fault: {throttled: {budget: Exchange Online, count: 1}}\n  - exo: Set-Mailbox u7 \
                  -CustomAttribute1 x\n    expect_error: ";
    let expected = format!("{budget}any\n");
    is_open("", &expected, "steps of people alone met it");
    passes("about: cloud", &expected);
    passes("about: directory", &expected);
    fails(budget.trim_end_matches("    expect_error: "), "the step was refused");
    let down = "  - fault: {dc_down: {dc: DC1, for: 5m}}\n  - ad: Set-ADUser u7 -Title Head\n    \
                expect_error: ServerDown\n";
    is_open("", down, "steps of people alone met it");
    passes("about: directory", down);
    passes("", &format!("{down}  - cycle: connect\n    expect_error: no-start-connection"));
    passes("", &format!("{}  - wait: 2h", down.replace("5m", "1h")));
}

#[test]
fn about_transfer_what_is_repeated_counts() {
    let flip = "Set-Mailbox u7 -IsExchangeCloudManaged $false";
    let repeat = |role: &str| {
        format!("  - repeat: {{exo: '{flip}', every: 10m, for: 15m}}\n{role}  - wait: 20m")
    };
    passes(TRANSFER, &repeat("    as: reader\n    expect_error: Forbidden\n"));
    passes(TRANSFER, &repeat(""));
}

/// A range is one thing: what is outside of one of its bounds alone never came to hold.
#[test]
fn what_several_comparisons_forbid_they_forbid_together() {
    let edit = "  - exo: Set-Mailbox u7 -CustomAttribute1 abc\n  - wait: 1h";
    let writes = |range: &str| format!("  - never: {{counts: {{ad_writes: {range}}}}}\n{edit}");
    passes("", &writes("{at_least: 2, at_most: 9}"));
    fails(&writes("{at_least: 1, at_most: 9}"), "came to hold");
    let value =
        |range: &str| format!("  - never: {{u7: {{ad.extensionAttribute1: {range}}}}}\n{edit}");
    let longer = value("{matches: ^ab, length: {above: 1, below: 5}}").replace("abc", "abcdef");
    is_open("", &longer, "nobody tried");
    fails(&value("{matches: ^ab, length: {above: 1, below: 5}}"), "must never be");
}

#[test]
fn a_flag_that_the_service_clears_itself_is_no_flip() {
    let whole = "  - graph: {method: PATCH, path: /users/u7/onPremisesSyncBehavior, body: \
                 {isCloudManaged: true}}\n  - wait: 1h";
    let result = ran(TRANSFER, whole);
    assert_eq!(result.counts.flips, 0, "{:?}", result.findings);
    is_open(TRANSFER, whole, NO_FLIP);
}

#[test]
fn a_lag_that_nothing_was_measured_for_is_undecided() {
    let demand = "  - expect: {lag: {p99: {below: 3h}}}";
    is_open("", demand, "nothing was measured");
    is_open("expect: {lag: {max: {above: 1h}}}", "  - wait: 1h", "nothing was measured");
    is_open("", "  - until: 1h\n    expect: {lag: {p50: {below: 3h}}}", "nothing was measured");
    is_open("", "  - always: {lag: {p50: {below: 3h}}}\n  - wait: 1h", "nothing was measured");
    let edit = "  - exo: Set-Mailbox u7 -CustomAttribute1 x\n";
    passes("", &format!("{edit}  - until: 1h\n    expect: {{lag: {{p50: {{below: 3h}}}}}}"));
    passes("", &format!("  - always: {{lag: {{p50: {{below: 3h}}}}}}\n{edit}  - wait: 1h"));
    let late = ran("", &format!("{edit}  - wait: 1h\n  - expect: {{lag: {{max: {{below: 1s}}}}}}"));
    assert_eq!(late.verdict, Verdict::Fail);
}

#[test]
fn numbers_of_a_cycle_that_never_was_are_undecided() {
    let text = "
scenario: A job that never ran
world:
  writeback: {enabled: false}
  population: [user: {name: u7, cloud_managed: true}]
story:
  - wait: 1h
  - expect: {job: {written: 0, failed: 0, cycles: 0}}
suspend: [{oracle: convergence, because: nobody starts the job}]
";
    let scenario = scenario::read(Path::new("verdict.yaml"), text, &catalogues()).unwrap();
    let result = run(&scenario, &RunOptions::default(), &Silent).unwrap();
    assert_eq!(result.verdict, Verdict::Unknown, "{:?}", result.findings);
    assert!(
        result.reasons.iter().all(|r| r.contains("no cycle has ended")),
        "{:?}",
        result.reasons
    );
    assert_eq!(result.reasons.len(), 2, "{:?}", result.reasons);
}

#[test]
fn a_lag_of_which_a_part_never_arrived_is_undecided() {
    let story = "  - fault: {rights_removed: {for: 2d}}\n  - exo: Set-Mailbox u7 -CustomAttribute1 x\n  - \
                 wait: 1h\n  - expect: {lag: {max: {below: 1h}}}";
    let result = ran("", story);
    assert!(result.reasons.iter().any(|r| r.contains("lag max")), "{:?}", result.reasons);
    let before = "  - exo: Set-Mailbox u7 -CustomAttribute2 before\n  - wait: 1h\n";
    is_open("", &format!("{before}{story}"), "an edit of u7 has not reached AD");
}

/// Fails, with these words in its findings.
fn fails(story: &str, words: &str) {
    let result = ran("", story);
    assert_eq!(result.verdict, Verdict::Fail, "{story}: {:?}", result.reasons);
    let said = format!("{:?}", result.findings);
    assert!(said.contains(words), "{story}: {said}");
}

#[test]
fn of_what_must_never_hold_each_part_is_forbidden() {
    let edit = "  - exo: Set-Mailbox u7 -CustomAttribute1 bad\n  - wait: 1h";
    fails(&format!("  - never: {{all: {{ad.extensionAttribute1: bad}}}}\n{edit}"), "u7");
    let two = "{u7: {ad.extensionAttribute1: bad, ad.extensionAttribute2: worse}}";
    fails(&format!("  - never: {two}\n{edit}"), "ad.extensionAttribute1");
    let both = "{u8: {ad.extensionAttribute1: bad}, u7: {ad.extensionAttribute1: bad}}";
    fails(&format!("  - never: {both}\n{edit}"), "u7");
    fails(&format!("  - never: {{u7: {{ad.extensionAttribute1: BAD}}}}\n{edit}"), "u7");
    let mixed = "{counts: {ad_writes: {at_least: 1}}, job: {status: Quarantine}}";
    fails(&format!("  - never: {mixed}\n{edit}"), "came to hold");
}

#[test]
fn looking_is_no_attempt_and_every_round_of_a_habit_is_one() {
    let log = "  - never: {log: {count: {status: Failure, at_least: 1}}}\n";
    is_open("", &format!("{log}  - exo: Get-Mailbox u7"), "nobody tried");
    let lag = "  - never: {lag: {max: {above: 3h}}}\n  - exo: Set-Mailbox u9 -CustomAttribute1 x";
    is_open("", lag, "nothing was measured");
    let habit = "  - repeat: {every: 1h, for: 3h, exo: \"Set-Mailbox u7 -DisplayName 'r{n}'\"}\n    \
                 expect_error: any\n";
    let never = "  - never: {u7: {ad.displayName: r3}}\n";
    passes("", &format!("{never}{habit}  - wait: 4h"));
    passes("", &format!("{habit}{never}  - wait: 4h"));
}

#[test]
fn a_transfer_that_never_got_to_exchange_was_not_refused() {
    let story = "  - fault: {cloud_offline: {service: exchange, for: 3d}}\n  - transfer: {mailboxes: \
                 u8}\n    expect_error: any";
    is_open(TRANSFER, story, NO_FLIP);
}

#[test]
fn a_transfer_by_a_role_that_may_not_is_told_so_by_name() {
    let story = |code: &str| {
        format!("  - transfer: {{mailboxes: u8}}\n    as: helpdesk\n    expect_error: {code}")
    };
    passes(TRANSFER, &story("Forbidden"));
    passes(TRANSFER, &story("refused"));
    fails(&story("blocked"), "the first is u8 (refused)");
}

/// How often a mailbox was edited in the cloud.
fn edits(story: &str) -> u64 {
    let result = ran("", story);
    assert_eq!(result.verdict, Verdict::Pass, "{story}: {:?}", result.findings);
    result.counts.cloud_edits
}

#[test]
fn a_habit_that_ends_before_its_second_round_has_one() {
    let habit =
        "  - repeat: {exo: \"Set-Mailbox u7 -CustomAttribute1 'r{n}'\", every: 1h, for: 10m}";
    assert_eq!(edits(&format!("{habit}\n  - wait: 3h")), 1);
    assert_eq!(edits(habit), 1);
    let twice =
        "  - repeat: {exo: \"Set-Mailbox u7 -CustomAttribute1 'r{n}'\", every: 1h, for: 1h}";
    assert_eq!(edits(&format!("{twice}\n  - wait: 3h")), 2);
    let random = |lasts: &str| {
        format!("  - edits: {{mailboxes: u7, every: 2h, for: {lasts}}}\n  - wait: 6h")
    };
    assert_eq!(edits(&random("30m")), 1);
    assert_eq!(edits(&random("2h")), 2);
}

#[test]
fn of_a_number_of_values_both_bounds_hold() {
    let demand = |bounds: &str| format!("  - expect: {{u7: {{ad.proxyAddresses: {bounds}}}}}");
    passes("", &demand("{count: {at_least: 1, at_most: 9}}"));
    fails(&demand("{count: {at_least: 1, at_most: 1}}"), "count: {at_least: 1, at_most: 1}");
    fails(&demand("{count: {at_least: 8, at_most: 9}}"), "at_least: 8");
    let mail = |bounds: &str| format!("  - expect: {{u7: {{ad.mail: {bounds}}}}}");
    passes("", &mail("{length: {above: 3, below: 30}}"));
    fails(&mail("{length: {above: 3, below: 14}}"), "length: {above: 3, below: 14}");
}

#[test]
fn a_cycle_by_hand_is_no_way_to_start_a_paused_job() {
    let paused =
        "  - job: pause\n  - exo: Set-Mailbox u7 -CustomAttribute1 x\n  - cycle: writeback\n";
    fails(paused, "the job is paused");
    let known = format!(
        "{paused}    expect_error: Paused\n  - wait: 2h\n  - expect: {{job: {{status: Paused}}, u7: \
         {{ad.extensionAttribute1: {{absent: true}}}}}}\n  - job: start\n  - until: {{u7: \
         {{ad.extensionAttribute1: x}}}}\n  - cycle: writeback"
    );
    passes("", &known);
}

#[test]
fn a_job_that_was_deleted_has_no_status_and_no_numbers() {
    let gone = "  - graph: DELETE /servicePrincipals/{principal}/synchronization/jobs/{job}\n";
    let expect = "  - expect: {job: {status: {absent: true}}}\n  - cycle: writeback\n    \
                  expect_error: NotFound\n";
    passes("", &format!("  - expect: {{job: {{status: {{absent: false}}}}}}\n{gone}{expect}"));
    fails(&format!("{gone}  - expect: {{job: {{escrowed: 0}}}}"), "escrowed");
    fails(&format!("{gone}  - expect: {{job: {{status: Paused}}}}"), "absent");
}

/// Whatever an agent's own fault lets through meets those of its domain controller, whichever the file
/// names first, and when it was held back, where it lands.
#[test]
fn behind_a_fault_of_an_agent_stands_that_of_its_domain_controller() {
    let agents = [
        "agent_slow: {by: 1s, for: 3h}",
        "rights_removed: {count: 1}",
        "schema_not_extended: {count: 1}",
        "delivery_duplicated: {count: 1}",
        "delivery_reordered: {by: 5m, count: 1}",
        "connection_lost: {when: after, count: 1}",
    ];
    for at_agent in agents {
        for at_controller in ["dc_busy", "dc_unavailable", "dc_down"] {
            let at_agent = format!("  - fault: {{{at_agent}}}\n");
            let at_controller = format!("  - fault: {{{at_controller}: {{for: 2h}}}}\n");
            let rest = "  - exo: Set-Mailbox u7 -CustomAttribute1 x\n  - wait: 115m\n  - expect: {u7: \
                        {ad.extensionAttribute1: {absent: true}}}\n  - until: 24h\n    expect: {u7: \
                        {ad.extensionAttribute1: x}}";
            passes("", &format!("{at_controller}{at_agent}{rest}"));
            passes("", &format!("{at_agent}{at_controller}{rest}"));
        }
    }
}

#[test]
fn what_was_held_back_is_lost_where_its_domain_controller_is_down_by_then() {
    let story = |minutes: u32| {
        format!(
            "  - exo: Set-Mailbox u7 -CustomAttribute1 x\n  - fault: {{delivery_reordered: {{by: {minutes}m, \
             count: 1}}}}\n  - wait: 21m\n  - fault: {{agent_offline: {{agent: agent1, for: 2h}}}}\n  - \
             fault: {{dc_down: {{for: 30m}}}}\n  - wait: 90m\n"
        )
    };
    passes("", &format!("{}  - expect: {{u7: {{ad.extensionAttribute1: x}}}}", story(50)));
    let lost = "  - expect: {u7: {ad.extensionAttribute1: {absent: true}}}\n  - until: 3h\n    expect: \
                {u7: {ad.extensionAttribute1: x}}";
    passes("", &format!("{}{lost}", story(10)));
}

#[test]
fn an_edit_that_needs_no_write_waits_for_none() {
    let taken_away = "  - exo: Set-Mailbox u7 -CustomAttribute1 x\n  - wait: 1h\n  - exo: Set-Mailbox u7 \
                      -CustomAttribute1 $null\n  - wait: 40h\n  - exo: Set-Mailbox u7 -CustomAttribute2 y\n  - \
                      wait: 1h\n";
    passes("", &format!("{taken_away}  - expect: {{lag: {{max: {{below: 1h}}}}}}"));
    let lost = "  - fault: {connection_lost: {when: before, count: 1}}\n  - exo: Set-Mailbox u7 \
                -CustomAttribute1 x\n  - wait: 6h\n";
    passes("", &format!("{lost}  - expect: {{lag: {{max: {{above: 20m}}}}}}"));
}

#[test]
fn a_mailbox_that_is_gone_shows_nothing_and_its_chain_says_that_it_was_deleted() {
    let gone = "  - exo: Set-Mailbox u7 -EmailAddresses @{Add='smtp:new@contoso.com'}\n  - wait: 1h\n  - ad: \
                Remove-ADUser u7 -Confirm:$false\n  - cycle: connect\n  - expect: {u7: \
                {exo.EmailAddresses: {absent: true}, exo.IsExchangeCloudManaged: {absent: true}, \
                entra.deletedDateTime: {absent: false}}}\n";
    passes("", gone);
    let result =
        ran("", &format!("{gone}  - expect: {{u7: {{ad.proxyAddresses: {{absent: false}}}}}}"));
    let chain = result.findings[0].chain.join("\n");
    assert!(chain.contains("ad deleted, ") && chain.contains("ad.proxyAddresses ["), "{chain}");
    assert!(!chain.contains("objectSid"), "{chain}");
}
