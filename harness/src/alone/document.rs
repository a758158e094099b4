//! What a transfer came to, as a JSON document for programs.

use std::path::Path;

use engine::transfer::bucket_c::LEFT;
use engine::transfer::{Finding, Severity, TransferReport};
use serde_json::{Value, json};

use super::{AloneError, files};

/// Writes the report of a flip or a rollback to `path`, readable for its owner alone.
///
/// # Errors
/// [`AloneError::File`].
pub fn write_report(path: &Path, report: &TransferReport, applied: bool) -> Result<(), AloneError> {
    let mut text = format!("{:#}", document(report, applied)).into_bytes();
    text.push(b'\n');
    files::write(path, &text)
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

/// Writes findings to `path`, readable for its owner alone.
///
/// # Errors
/// [`AloneError::File`].
pub fn write_findings(path: &Path, findings: &[Finding]) -> Result<(), AloneError> {
    let document = json!({
        "format": "hybridsim-findings",
        "version": 1,
        "findings": findings.iter().map(finding_document).collect::<Vec<Value>>(),
    });
    files::write(path, format!("{document:#}\n").as_bytes())
}

fn finding_document(finding: &Finding) -> Value {
    json!({
        "id": finding.id,
        "severity": severity_word(finding.severity),
        "mailbox": finding.object.map(|id| id.to_string()),
        "reason": finding.reason,
        "remedy": finding.remedy,
    })
}

fn document(report: &TransferReport, applied: bool) -> Value {
    let findings: Vec<Value> = report.findings.iter().map(finding_document).collect();
    let losses: Vec<Value> = report
        .losses
        .iter()
        .map(|loss| {
            json!({
                "mailbox": loss.mailbox.to_string(),
                "attribute": loss.attribute,
                "value": loss.value,
                "instead": loss.instead,
                "certain": loss.unsure.is_none(),
                "why_uncertain": loss.unsure,
            })
        })
        .collect();
    let exceptions: Vec<Value> = report
        .exceptions
        .iter()
        .map(|exception| {
            json!({
                "mailbox": exception.mailbox.to_string(),
                "outcome": exception.outcome.word(),
                "detail": exception.detail,
            })
        })
        .collect();
    json!({
        "format": "hybridsim-transfer-report",
        "version": 1,
        "applied": applied,
        "counts": {
            "flipped": report.flipped,
            "would_flip": report.would_flip,
            "already": report.already,
            "blocked": report.blocked,
            "refused": report.refused,
            "no_op": report.no_op,
            "failed": report.failed,
            "warnings": report.warnings,
            "duplicates": report.duplicates,
            "waves": report.waves,
        },
        "findings": findings,
        "losses": losses,
        "not_compared": LEFT.iter().map(|left| {
            json!({"attribute": left.ldap_name, "why": left.why})
        }).collect::<Vec<Value>>(),
        "exceptions": exceptions,
        "stopped": report.stopped.as_ref().map(|stopped| {
            json!({"code": stopped.code, "detail": stopped.detail})
        }),
    })
}
