//! Results made by hand, for the tests of every report.

use super::Outcome;
use crate::judge::verdict::{
    Counts, FaultResult, Finding, Location, Rule, ScenarioResult, Suspended, Trace, Transport,
    Verdict,
};

/// The text that the locations of [`failed`] point into.
pub(crate) const SOURCE: &str = "\
scenario: An alias added in the cloud reaches AD
story:
  - exo: Set-Mailbox u7 -EmailAddresses @{Add='smtp:new@contoso.com'}
  - within: 3h
    expect:
      u7: {ad.proxyAddresses: {contains: \"smtp:new@contoso.com\"}}   # the next cycle
";

/// One of each kind.
pub(crate) fn all() -> Vec<Outcome> {
    vec![passed(), failed(), unknown(), broken()]
}

/// A scenario that passed, with everything that a pass can carry.
pub(crate) fn passed() -> Outcome {
    let mut result = result("scenarios/transfer/clean-flip.yaml", Some("S-01"));
    result.scenario = "A clean flip and the first write".into();
    result.suspended = vec![Suspended {
        oracle: "convergence".into(),
        because: "a script writes to AD while the job is away".into(),
    }];
    result.notes = vec!["a script changed ad.department of u7 without authority".into()];
    Outcome::judged(result)
}

/// A scenario that failed: an expectation and an oracle.
pub(crate) fn failed() -> Outcome {
    let mut result = result("scenarios/writeback/alias.yaml", Some("W-04"));
    result.scenario = "An alias added in the cloud reaches AD".into();
    result.verdict = Verdict::Fail;
    result.seed = 7;
    result.virtual_seconds = 94_500.0;
    result.wall_seconds = 0.012;
    result.findings = vec![expectation(), oracle()];
    Outcome::judged(result)
}

/// A scenario that proved nothing.
pub(crate) fn unknown() -> Outcome {
    let mut result = result("scenarios/faults/agent-offline.yaml", None);
    result.scenario = "The agent is offline for two hours".into();
    result.verdict = Verdict::Unknown;
    result.transport = Transport::Wire;
    result.wall_seconds = 75.2;
    result.faults = vec![FaultResult {
        name: "agent_offline".into(),
        place: "agent1".into(),
        line: Some(9),
        hits: 0,
    }];
    result.reasons = vec!["the fault agent_offline was never hit".into()];
    Outcome::judged(result)
}

/// A scenario that hybridsim itself did not survive.
pub(crate) fn broken() -> Outcome {
    let mut result = result("scenarios/it's broken.yaml", Some("X-1"));
    result.scenario = "Something impossible".into();
    result.verdict = Verdict::Unknown;
    result.virtual_seconds = 0.0;
    result.wall_seconds = 0.0;
    result.reasons = vec!["internal error: index out of bounds, at sim/src/clock.rs:12:5".into()];
    Outcome { result, internal_error: true }
}

fn result(file: &str, id: Option<&str>) -> ScenarioResult {
    ScenarioResult {
        file: file.into(),
        id: id.map(str::to_owned),
        scenario: String::new(),
        verdict: Verdict::Pass,
        reasons: Vec::new(),
        seed: 1,
        profile: "wb-ga-2026-08".into(),
        transport: Transport::Memory,
        virtual_seconds: 12_000.0,
        wall_seconds: 0.004,
        trace: Trace {
            hash: "0123456789abcdef0123456789abcdef".into(),
            events: 12,
            last: "2026-09-01T11:20:00Z".into(),
        },
        counts: Counts { flips: 1, ad_writes: 1, cloud_edits: 1, ..Counts::default() },
        faults: Vec::new(),
        findings: Vec::new(),
        suspended: Vec::new(),
        notes: Vec::new(),
        marks: vec!["engine.write.done".to_owned()],
        peak_memory_bytes: 12_582_912,
    }
}

fn expectation() -> Finding {
    Finding {
        rule: Rule::Expectation("u7: {ad.proxyAddresses: {contains: ...}}".into()),
        message: "u7 has no value smtp:new@contoso.com in ad.proxyAddresses after 3h".into(),
        object: Some("u7".into()),
        attribute: Some("ad.proxyAddresses".into()),
        expected: Some(r#"["SMTP:u7@contoso.com","smtp:new@contoso.com"]"#.into()),
        actual: Some(r#"["SMTP:u7@contoso.com","smtp:old@contoso.com"]"#.into()),
        last_writer: Some("Connect Sync at 2026-09-01T08:00:00Z, on-premises authority".into()),
        at: "2026-09-01T11:10:00Z".into(),
        chain: vec![
            "2026-09-01T08:10:00Z exchange-admin adds smtp:new@contoso.com to u7".into(),
            "2026-09-01T08:20:00Z writeback reads u7".into(),
        ],
        location: Some(Location { line: 6, column: 12, length: 4 }),
    }
}

fn oracle() -> Finding {
    Finding {
        rule: Rule::Oracle("contract".into()),
        message: "the engine wrote an attribute outside the contract".into(),
        object: Some("u7".into()),
        attribute: Some("ad.department".into()),
        expected: None,
        actual: Some("Re\u{1b}search".into()),
        last_writer: None,
        at: "2026-09-01T08:20:00Z".into(),
        chain: Vec::new(),
        location: None,
    }
}
