//! What findings on machines and numbers tell: exactly, as a colleague would read it.

use super::tests::ran;
use crate::judge::verdict::{ScenarioResult, Verdict};

/// The findings of a run in words: what is demanded, what there is, and what led there.
fn told(result: &ScenarioResult) -> String {
    assert_eq!(result.verdict, Verdict::Fail, "{:?}", result.reasons);
    let findings = result.findings.iter().map(|finding| {
        let (expected, actual) = (finding.expected.as_deref(), finding.actual.as_deref());
        let head = format!(
            "{}\n  expected: {}\n  actual: {}\n",
            finding.message,
            expected.unwrap_or_default(),
            actual.unwrap_or_default()
        );
        let chain = finding.chain.iter().map(|line| format!("  {line}\n"));
        head + &chain.collect::<String>()
    });
    findings.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_finding_on_the_job_tells_its_cycles_its_faults_and_what_it_was_told() {
    let story = "  - job: pause\n  - wait: 2h\n  - job: start\n  - fault: {certificate_expired: {for: \
                 2h}}\n  - wait: 90m\n  - expect: {job: {status: Active, escrowed: 3}, quarantine: \
                 {reason: {absent: true}}}";
    insta::assert_snapshot!(told(&ran("", story)));
}

#[test]
fn what_the_job_must_never_be_is_told_with_its_reason() {
    let story = "  - never: {job: {status: Quarantine}}\n  - fault: {certificate_expired: {for: 2h}}\n  - \
                 wait: 3h";
    insta::assert_snapshot!(told(&ran("", story)));
}

#[test]
fn a_finding_on_counts_tells_what_was_counted() {
    let story = "  - exo: Set-Mailbox u7 -CustomAttribute1 x\n  - exo: Set-Mailbox u8 \
                 -IsExchangeCloudManaged $true\n  - wait: 1h\n  - expect: {counts: {ad_writes: 9, flips: 9, \
                 cloud_edits: 9, redundant_writes: 9}}";
    insta::assert_snapshot!(told(&ran("", story)));
}

#[test]
fn a_finding_on_connect_tells_its_cycles() {
    let story = "  - ad: Set-ADUser u7 -Title Head\n  - fault: {dc_down: {dc: DC1, for: 40m}}\n  - wait: \
                 2h\n  - expect: {connect: {errors: 9, last: {exported: 9}}}";
    insta::assert_snapshot!(told(&ran("", story)));
}

#[test]
fn a_finding_on_an_agent_the_log_or_a_lag_tells_what_stood_in_the_way() {
    let story = "  - exo: Set-Mailbox u7 -CustomAttribute2 y\n  - wait: 1h\n  - exo: Set-Mailbox u7 \
                 -CustomAttribute1 x\n  - fault: {agent_offline: {agent: agent1, for: 3h}}\n  - wait: \
                 2h\n  - expect: {agents: {agent1: {status: active}}, log: {count: {code: \
                 HybridIdentityServiceNoActiveAgents, at_least: 99}}}\n  - wait: 4h\n  - expect: {lag: {max: \
                 {below: 1s}}}";
    insta::assert_snapshot!(told(&ran("", story)));
}

#[test]
fn where_nothing_happened_a_finding_says_so() {
    let story = "  - expect: {connect: {cycles: 1}, counts: {flips: 1}}";
    insta::assert_snapshot!(told(&ran("", story)));
}

/// What stands in the way of a value is told although nothing happened to it.
#[test]
fn a_value_that_did_not_come_to_ad_is_told_with_what_stands_in_its_way() {
    let edit = "  - exo: Set-Mailbox u7 -CustomAttribute1 x -HiddenFromAddressListsEnabled $true\n";
    let last = |story: &str| {
        let result = ran("", story);
        assert_eq!(result.verdict, Verdict::Fail, "{:?}", result.reasons);
        let line = result.findings[0].chain.last().cloned().unwrap_or_default();
        line.split_once(' ').map(|(_, words)| words.to_owned()).unwrap_or_default()
    };
    let expect = "  - wait: 2h\n  - expect: {u7: {ad.extensionAttribute1: x}}";
    assert_eq!(last(&format!("  - job: pause\n{edit}{expect}")), "the job's status is Paused");
    let hidden = "  - wait: 2h\n  - expect: {u7: {ad.msExchHideFromAddressLists: 'TRUE'}}";
    assert_eq!(
        last(&format!("{edit}{hidden}")),
        "no attribute mapping of the job writes msExchHideFromAddressLists"
    );
    assert_eq!(
        last("  - expect: {u8: {ad.extensionAttribute1: x}}"),
        "its Exchange attributes are managed in AD, and the job leaves it alone"
    );
    let cleared = "  - cycle: writeback\n  - exo: Set-Mailbox u7 -CustomAttribute1 $null\n  - wait: 2h\n  \
                   - expect: {u7: {ad.extensionAttribute1: {absent: true}}}";
    assert_eq!(
        last(&format!("{edit}{cleared}")),
        "the cloud has no value of it, and the job clears none (switch null_flow)"
    );
}
