//! The JUnit report of `run --junit`: one test case a scenario.
//!
//! A verdict of unknown is an `<error>`, as an internal error is: most readers of JUnit files show a
//! skipped test as green, and unknown must not be green.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Failure, Outcome, rule_name};
use crate::judge::verdict::{Finding, ScenarioResult, Transport, Verdict};

/// Writes the report about `outcomes`; `wall` is the real time of the whole run.
///
/// # Errors
/// What `writer` answers.
pub fn write(outcomes: &[Outcome], wall: Duration, writer: impl Write) -> io::Result<()> {
    let mut suite = TestSuite::new("scenarios");
    suite.set_time(wall);
    suite.add_test_cases(outcomes.iter().map(test_case));
    let mut report = Report::new("hybridsim");
    report.set_time(wall);
    report.add_test_suite(suite);
    report.serialize(writer).map_err(io::Error::other)
}

fn test_case(outcome: &Outcome) -> TestCase {
    let result = &outcome.result;
    let name = match &result.id {
        Some(id) => format!("{id} {}", result.scenario),
        None => result.scenario.clone(),
    };
    let mut case = TestCase::new(name, status(outcome));
    case.set_classname(result.file.as_str());
    case.set_time(Duration::try_from_secs_f64(result.wall_seconds).unwrap_or_default());
    case.add_property(("seed", result.seed.to_string().as_str()));
    case.add_property(("profile", result.profile.as_str()));
    case.add_property(("transport", transport(result.transport)));
    case.add_property(("trace", result.trace.hash.as_str()));
    let remarks = remarks(result);
    if !remarks.is_empty() {
        case.set_system_out(remarks.as_str());
    }
    case
}

const fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Memory => "memory",
        Transport::Wire => "wire",
    }
}

fn status(outcome: &Outcome) -> TestCaseStatus {
    let result = &outcome.result;
    let non_success = |kind, message: &str, about: &str, text: String| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(message).set_type(about).set_description(text);
        status
    };
    if outcome.internal_error || result.verdict == Verdict::Unknown {
        let about = if outcome.internal_error { "internal-error" } else { "unknown" };
        let first = result.reasons.first().map_or("no reason was given", String::as_str);
        return non_success(NonSuccessKind::Error, first, about, result.reasons.join("\n"));
    }
    if result.verdict == Verdict::Pass {
        return TestCaseStatus::success();
    }
    let first = result.findings.first();
    let message = first.map_or("no finding was given", |finding| finding.message.as_str());
    let about = first.map_or("unknown", |finding| rule_name(&finding.rule));
    let text = result.findings.iter().map(explained).collect::<Vec<_>>().join("\n");
    non_success(NonSuccessKind::Failure, message, about, text)
}

/// A finding as plain text.
fn explained(finding: &Finding) -> String {
    let mut text = format!("{}: {}\n", rule_name(&finding.rule), finding.message);
    if let Some(location) = finding.location {
        // Writing to a String does not fail.
        let _ = writeln!(text, "  line {}, column {}", location.line, location.column);
    }
    for (label, row) in Failure::of(finding).rows {
        let _ = writeln!(text, "  {label:<12} {row}");
    }
    text
}

/// What every report says whatever the verdict.
fn remarks(result: &ScenarioResult) -> String {
    let suspended =
        result.suspended.iter().map(|s| format!("suspended {}: {}", s.oracle, s.because));
    let notes = result.notes.iter().map(|note| format!("note: {note}"));
    suspended.chain(notes).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn unknown_and_internal_errors_are_errors_and_never_skipped() {
        let mut text = Vec::new();
        write(&samples::all(), Duration::from_millis(1_250), &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(!text.contains("<skipped"));
        insta::assert_snapshot!(text);
    }
}
