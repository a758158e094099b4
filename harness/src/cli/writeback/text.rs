//! What the writeback job says, as text for people.

use std::fmt::Write as _;

use engine::failure::recommended_action;
use engine::job::{JobReport, LogEntry, LogStatus};
use engine::reconcile::ReconcileReport;

use crate::alone::{WritebackOutcome, status_word};

// Writing to a String cannot fail, so what `write!` returns is dropped here.

/// One entry of the log.
pub(super) fn entry(entry: &LogEntry, apply: bool) -> String {
    let word = match (entry.status, apply) {
        (LogStatus::Success, true) => "written",
        (LogStatus::Success, false) => "would write",
        (LogStatus::Failure, false) if entry.mailbox.is_some() && !entry.unread => "would fail",
        (LogStatus::Failure, _) => "failed",
        (LogStatus::Skipped, _) => "skipped",
    };
    let who = entry.mailbox.map_or_else(|| "the cycle".to_owned(), |id| id.to_string());
    let mut text =
        format!("{word:<11} {who} {} {}", entry.code, entry.detail).trim_end().to_owned();
    text.push('\n');
    for change in &entry.modified {
        let _ =
            writeln!(text, "              {}: {} -> {}", change.attribute, change.old, change.new);
    }
    text
}

/// What an initial cycle does that fails on too many: nobody would try those objects again by themselves.
const PRUNED: &str = "  the initial cycle failed on too many objects: its failures were given up and the job \
    paused;\n  once their cause (see the log) is repaired, use --restart watermark,quarantine\n";

/// The job's state, after a cycle, a request or a start; without `apply` what it would be.
pub(super) fn report(report: &JobReport, apply: bool) -> String {
    let status = status_word(report.status);
    if let Some((_, entry)) = &report.on_demand {
        return answer(entry);
    }
    let Some(cycle) = &report.last_cycle else {
        let pruned = if report.escrows_pruned { PRUNED } else { "" };
        let job = if apply { "job" } else { "job would be" };
        return format!(
            "{job} {status}: {} linked, {} in escrow\n{pruned}",
            report.linked, report.escrowed
        );
    };
    let kind = if cycle.initial { "initial cycle" } else { "cycle" };
    let written = if apply { "written" } else { "to be written" };
    let mut text = format!(
        "{kind} {} in {:.1} s: {} read, {} in scope, {} {written}, {} skipped, {} failed; job {status}, {} in escrow\n",
        cycle.cycle,
        cycle.ended.since(cycle.began).as_secs_f64(),
        cycle.read,
        cycle.in_scope,
        cycle.written,
        cycle.skipped,
        cycle.failed,
        report.escrowed,
    );
    // Why, the log has said.
    if let Some(failure) = &cycle.failure {
        let advice = recommended_action(failure.code).map(|advice| format!(". {advice}"));
        let _ =
            writeln!(text, "  the cycle failed: {}{}", failure.code, advice.unwrap_or_default());
    }
    if report.escrows_pruned {
        text.push_str(PRUNED);
    }
    text
}

/// A word about more mailboxes than the service supports.
pub(super) fn limit(report: &JobReport, limit: u64) -> String {
    let linked = report.linked;
    if linked > limit && report.last_cycle.is_some() {
        format!(
            "  warning: {linked} mailboxes are written back, and the service supports {limit}\n"
        )
    } else {
        String::new()
    }
}

/// A warning of names in the scope that are of nothing.
pub(super) fn scope(missing: &[String]) -> String {
    let line = |name: &String| {
        format!(
            "  warning: the scope names the {name}, which is not in Active Directory any more\n"
        )
    };
    missing.iter().map(line).collect()
}

/// The answer to a provision on demand: its steps, and the code of the last one.
fn answer(entry: &LogEntry) -> String {
    let who = entry.mailbox.map_or_else(String::new, |id| id.to_string());
    let mut text = format!("provision on demand of {who}\n");
    for step in engine::job_log::steps(entry) {
        let status = engine::job_log::status_text(step.status);
        let _ = writeln!(text, "  {:<28} {:<9} {status}", step.name, step.kind);
    }
    if !entry.code.is_empty() {
        let why =
            if entry.detail.is_empty() { String::new() } else { format!(": {}", entry.detail) };
        let _ = writeln!(text, "  {}{why}", entry.code);
    }
    text
}

/// What all cycles came to.
pub(super) fn outcome(outcome: &WritebackOutcome, apply: bool) -> String {
    let objects = if outcome.written == 1 { "object" } else { "objects" };
    let end = if outcome.interrupted { "interrupted; " } else { "" };
    if apply {
        format!("{end}{} {objects} written in {} cycle(s)\n", outcome.written, outcome.cycles.len())
    } else {
        format!(
            "{end}dry run: {} {objects} would be written, and nothing was; `--apply` writes\n",
            outcome.written
        )
    }
}

/// What a reconciliation came to.
pub(super) fn reconciliation(report: &ReconcileReport) -> String {
    let mut text = String::new();
    for drift in &report.drift {
        let has = if drift.corrected { "had" } else { "has" };
        let _ = writeln!(
            text,
            "{} {}: AD {has} {}, the cloud says {}\n    {}{}: {}",
            drift.mailbox,
            drift.attribute,
            drift.directory,
            drift.cloud,
            if drift.corrected { "corrected; " } else { "" },
            drift.cause,
            drift.remedy()
        );
    }
    for problem in &report.problems {
        let who =
            problem.mailbox.map_or_else(|| "a mailbox without id".to_owned(), |id| id.to_string());
        let _ = writeln!(text, "{who} not compared or corrected: {}", problem.reason);
    }
    let (differences, stay) = report.differences();
    let _ = writeln!(
        text,
        "{} of {} mailboxes compared, {differences} difference(s), {} object(s) corrected",
        report.compared, report.read, report.corrected
    );
    if report.unverified > 0 {
        let _ = writeln!(
            text,
            "{} object(s) written, not verified: AD was not read afterwards",
            report.unverified
        );
    }
    if stay > 0 {
        let _ = writeln!(text, "{stay} attribute(s) that only AD holds stay");
    }
    if report.left_alone > 0 {
        let _ = writeln!(text, "{} mailbox(es) are left alone by the job", report.left_alone);
    }
    if let Some(stopped) = &report.stopped {
        let _ = writeln!(text, "stopped: {}: {}", stopped.code, stopped.detail);
    }
    text
}
