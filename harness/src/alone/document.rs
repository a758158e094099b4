//! What a call came to, as a JSON document for programs: one shape for each kind of call, named and
//! versioned.

use std::path::Path;

use engine::change::ModifiedProperty;
use engine::failure::Failure;
use engine::job::{CycleReport, JobStatus, LogEntry};
use engine::ports::MailboxId;
use engine::reconcile::ReconcileReport;
use engine::transfer::bucket_c::LEFT;
use engine::transfer::{
    BackupReport, Finding, Listing, Loss, RestoreReport, Restored, RolloutReport, Severity,
    TransferReport,
};
use serde_json::{Map, Value, json};

use super::{AloneError, TransferOutcome, WritebackOutcome, files};

/// Writes a document to `path`, readable for its owner alone.
///
/// # Errors
/// [`AloneError::File`].
pub fn write_document(path: &Path, document: &Value) -> Result<(), AloneError> {
    files::write(path, format!("{document:#}\n").as_bytes())
}

/// Refuses a file that is there and is none of these documents: it is somebody's.
///
/// # Errors
/// [`AloneError::File`].
pub fn takes_report(path: &Path) -> Result<(), AloneError> {
    if !path.is_file() {
        return Ok(());
    }
    let bytes = files::bytes(path)?;
    let told = serde_json::from_slice::<Value>(&bytes).ok();
    let format = told.as_ref().and_then(|told| told["format"].as_str());
    if bytes.is_empty() || format.is_some_and(|format| format.starts_with("hybridsim-")) {
        return Ok(());
    }
    let why = "is there and is no report of an earlier call: name another".to_owned();
    Err(AloneError::File { path: path.to_owned(), why })
}

/// The document of a transfer's outcome; `applied`: whether changes were to be made.
#[must_use]
pub fn transfer_document(outcome: &TransferOutcome, applied: bool) -> Value {
    match outcome {
        TransferOutcome::Inventory(listing) => inventory(listing),
        TransferOutcome::Report(report) => {
            let mut all = head("hybridsim-transfer-report", applied);
            all.extend(transfer(report));
            Value::Object(all)
        }
        TransferOutcome::Findings { findings: found, checked, stopped } => json!({
            "format": "hybridsim-findings",
            "version": 1,
            "mailboxes": checked.map(|checked| json!({
                "checked": checked.all,
                "ready": checked.ready,
                "warned": checked.warned,
                "blocked": checked.blocked,
            })),
            "findings": findings(found),
            "stopped": failure(stopped.as_ref()),
        }),
        TransferOutcome::Rollout(report) => rollout(report, applied),
        TransferOutcome::Backups(report) => backup(report),
        TransferOutcome::Restored(report) => restore(report, applied),
    }
}

/// The document of a reconciliation.
#[must_use]
pub fn reconcile_document(report: &ReconcileReport, applied: bool) -> Value {
    let drift = report.drift.iter().map(|drift| {
        json!({
            "mailbox": drift.mailbox.to_string(),
            "object": drift.object.to_string(),
            "attribute": drift.attribute,
            "directory": drift.directory,
            "cloud": drift.cloud,
            "cause": drift.cause.to_string(),
            "corrected": drift.corrected,
            "remedy": drift.remedy(),
        })
    });
    let problems = report.problems.iter().map(|problem| {
        json!({"mailbox": problem.mailbox.map(|id| id.to_string()), "reason": problem.reason})
    });
    let (differences, only_in_directory) = report.differences();
    let mut all = head("hybridsim-reconcile-report", applied);
    put(
        &mut all,
        json!({
            "counts": {
                "read": report.read,
                "compared": report.compared,
                "left_alone": report.left_alone,
                "differences": differences,
                "only_in_directory": only_in_directory,
                "corrected": report.corrected,
                "unverified": report.unverified,
            },
            "drift": drift.collect::<Vec<Value>>(),
            "problems": problems.collect::<Vec<Value>>(),
            "stopped": failure(report.stopped.as_ref()),
        }),
    );
    Value::Object(all)
}

/// The document of cycles; `entries` are those of the log that it is to hold.
#[must_use]
pub fn writeback_document(
    outcome: &WritebackOutcome,
    entries: &[LogEntry],
    applied: bool,
) -> Value {
    let cycle = |cycle: &CycleReport| {
        json!({
            "cycle": cycle.cycle,
            "initial": cycle.initial,
            "began": cycle.began.to_string(),
            "ended": cycle.ended.to_string(),
            "counts": {
                "read": cycle.read,
                "in_scope": cycle.in_scope,
                "written": cycle.written,
                "skipped": cycle.skipped,
                "failed": cycle.failed,
                "retried": cycle.retried,
            },
            "failure": cycle.failure.as_ref().map(|why| json!({"code": why.code, "detail": why.detail})),
        })
    };
    let entry = |entry: &LogEntry| {
        json!({
            "mailbox": entry.mailbox.map(|id| id.to_string()),
            "object": entry.target.map(|object| object.to_string()),
            "status": engine::job_log::status_text(entry.status),
            "code": entry.code,
            "detail": entry.detail,
            "changes": changes(&entry.modified),
        })
    };
    let job = outcome.report.as_ref().map(|report| {
        json!({
            "status": status_word(report.status),
            "linked": report.linked,
            "in_escrow": report.escrowed,
            "escrows_pruned": report.escrows_pruned,
            "quarantined_since": report.quarantine.map(|since| since.began.to_string()),
        })
    });
    let mut all = head("hybridsim-writeback-report", applied);
    put(
        &mut all,
        json!({
            "counts": {
                "cycles": outcome.cycles.len(),
                "failed_cycles": outcome.failed_cycles(),
                "written": outcome.written,
                "failed": outcome.failed,
            },
            "cycles": outcome.cycles.iter().map(cycle).collect::<Vec<Value>>(),
            "scope_missing": outcome.scope_missing,
            "entries": entries.iter().map(entry).collect::<Vec<Value>>(),
            "job": job,
            "interrupted": outcome.interrupted,
        }),
    );
    Value::Object(all)
}

/// The word for the state of a job.
#[must_use]
pub const fn status_word(status: JobStatus) -> &'static str {
    match status {
        JobStatus::NotRun => "not run yet",
        JobStatus::Active => "active",
        JobStatus::Paused => "paused",
        JobStatus::Quarantine => "in quarantine",
    }
}

fn changes(all: &[ModifiedProperty]) -> Vec<Value> {
    let change = |change: &ModifiedProperty| json!({"attribute": change.attribute, "old": change.old, "new": change.new});
    all.iter().map(change).collect()
}

/// The word for a severity.
#[must_use]
pub const fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warn => "warning",
        Severity::Block => "block",
    }
}

/// What every document of a call that may change something begins with. Version 2: the values of an attribute are a
/// list, each a text or, where it is none, `{"base64": "..."}`.
fn head(format: &str, applied: bool) -> Map<String, Value> {
    let mut all = Map::new();
    put(&mut all, json!({"format": format, "version": 2, "applied": applied}));
    all
}

fn put(all: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        all.extend(more);
    }
}

fn failure(stopped: Option<&Failure>) -> Value {
    stopped.map_or(Value::Null, |why| json!({"code": why.code, "detail": why.detail}))
}

fn inventory(listing: &Listing) -> Value {
    let rows = listing.rows.iter().map(|row| {
        json!({
            "mailbox": row.id.to_string(),
            "user_principal_name": row.user_principal_name,
            "primary_address": row.primary_address,
            "type": row.recipient_type_details,
            "dir_synced": row.dir_synced,
            "cloud_managed": row.cloud_managed,
            "when_changed": row.when_changed.to_string(),
        })
    });
    let unread = listing.unread.iter().map(
        |row| json!({"mailbox": row.id.map(|id| id.to_string()), "reason": row.error.to_string()}),
    );
    json!({
        "format": "hybridsim-inventory",
        "version": 1,
        "mailboxes": rows.collect::<Vec<Value>>(),
        "unread": unread.collect::<Vec<Value>>(),
    })
}

fn findings(all: &[Finding]) -> Vec<Value> {
    let finding = |finding: &Finding| {
        json!({
            "id": finding.id,
            "severity": severity_word(finding.severity),
            "mailbox": finding.object.map(|id| id.to_string()),
            "reason": finding.reason,
            "determinable": finding.is_determinable(),
            "remedy": finding.remedy,
        })
    };
    all.iter().map(finding).collect()
}

fn losses(all: &[Loss]) -> Vec<Value> {
    let loss = |loss: &Loss| {
        json!({
            "mailbox": loss.mailbox.to_string(),
            "attribute": loss.attribute,
            "value": loss.value,
            "instead": loss.instead,
            "certain": loss.unsure.is_none(),
            "why_uncertain": loss.unsure,
        })
    };
    all.iter().map(loss).collect()
}

fn ids(ids: &[MailboxId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// A flip or a rollback, or one ring of a rollout.
fn transfer(report: &TransferReport) -> Map<String, Value> {
    let exceptions = report.exceptions.iter().map(|exception| {
        json!({
            "mailbox": exception.mailbox.to_string(),
            "outcome": exception.outcome.word(),
            "detail": exception.detail,
        })
    });
    let not_compared =
        LEFT.iter().map(|left| json!({"attribute": left.ldap_name, "why": left.why}));
    let mut all = Map::new();
    put(
        &mut all,
        json!({
            "counts": {
                "flipped": report.flipped,
                "flipped_before": report.flipped_before,
                "would_flip": report.would_flip,
                "already": report.already,
                "blocked": report.blocked,
                "refused": report.refused,
                "no_op": report.no_op,
                "failed": report.failed,
                "warnings": report.warnings,
                "duplicates": report.duplicates,
                "undecided": report.undecided.len(),
                "not_begun": report.not_begun,
                "waves": report.waves,
            },
            "findings": findings(&report.findings),
            "losses": losses(&report.losses),
            "not_compared": not_compared.collect::<Vec<Value>>(),
            "exceptions": exceptions.collect::<Vec<Value>>(),
            "undecided": ids(&report.undecided),
            "stopped": failure(report.stopped.as_ref()),
        }),
    );
    all
}

fn rollout(report: &RolloutReport, applied: bool) -> Value {
    let rings = report.rings.iter().map(|ring| {
        let mut all = Map::new();
        put(
            &mut all,
            json!({
                "name": ring.name,
                "verified": ring.without.is_some() && ring.breach.is_none(),
                "without": ring.without.as_deref().map(ids),
                "breach": ring.breach,
            }),
        );
        all.extend(transfer(&ring.transfer));
        Value::Object(all)
    });
    let mut all = head("hybridsim-rollout-report", applied);
    put(
        &mut all,
        json!({
            "rings": rings.collect::<Vec<Value>>(),
            "not_begun": report.waiting,
            "stopped": failure(report.stopped.as_ref()),
        }),
    );
    Value::Object(all)
}

fn backup(report: &BackupReport) -> Value {
    let lacking =
        report.lacking.iter().map(|(id, why)| json!({"mailbox": id.to_string(), "reason": why}));
    json!({
        "format": "hybridsim-backup-report",
        "version": 1,
        "kept": report.backups.iter().map(|backup| backup.id.as_str()).collect::<Vec<&str>>(),
        "earlier": report.earlier,
        "lacking": lacking.collect::<Vec<Value>>(),
    })
}

fn restore(report: &RestoreReport, applied: bool) -> Value {
    let mailboxes = report.mailboxes.iter().map(|one| {
        let why = match &one.outcome {
            Restored::Equal | Restored::Written => None,
            Restored::Blocked(why) | Restored::Failed(why) | Restored::Unverified(why) => Some(why),
        };
        json!({
            "mailbox": one.mailbox.to_string(),
            "outcome": restored_word(&one.outcome, applied),
            "reason": why,
            "changes": changes(&one.changes),
            "notes": one.notes,
        })
    });
    let count = |word: &str| {
        let words = report.mailboxes.iter().map(|one| restored_word(&one.outcome, applied));
        words.filter(|other| *other == word).count()
    };
    let mut all = head("hybridsim-restore-report", applied);
    put(
        &mut all,
        json!({
            "counts": {
                "restored": count("restored"),
                "differs": count("differs"),
                "equal": count("equal"),
                "blocked": count("blocked"),
                "failed": count("failed"),
                "unverified": count("unverified"),
                "not_begun": report.not_begun,
            },
            "mailboxes": mailboxes.collect::<Vec<Value>>(),
            "not_begun": report.not_begun,
            "stopped": failure(report.stopped.as_ref()),
        }),
    );
    Value::Object(all)
}

/// The word for what became of a mailbox of a restore.
#[must_use]
pub const fn restored_word(outcome: &Restored, applied: bool) -> &'static str {
    match outcome {
        Restored::Equal => "equal",
        Restored::Written if applied => "restored",
        Restored::Written => "differs",
        Restored::Blocked(_) => "blocked",
        Restored::Failed(_) => "failed",
        Restored::Unverified(_) => "unverified",
    }
}
