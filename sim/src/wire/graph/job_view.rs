//! A synchronization job as Graph shows it.
//!
//! Source: Microsoft Graph reference, resource types synchronizationJob, synchronizationStatus,
//! synchronizationTaskExecution, synchronizationSchedule.

use serde_json::{Value, json};

use super::{derived_id, instant};
use crate::entra::job::{Execution, StatusCode, TEMPLATE, WritebackJob};

/// What "never" is.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// `synchronizationJob`: the record, and what the engine last said of its runs.
pub(super) fn job(job: &WritebackJob) -> Value {
    let report = job.report.as_ref();
    let last = report.and_then(|report| report.last_execution.as_ref());
    let escrowed = report.map_or(0, |report| report.escrowed);
    let shown = last.map(|last| execution(job, last, escrowed));
    let kept = |run: &Option<Execution>| run.as_ref().map(|run| execution(job, run, 0));
    let quarantine = report.and_then(|report| report.quarantine).map(|quarantine| {
        json!({
            "currentBegan": instant(quarantine.imposed),
            "error": last.and_then(error),
            "nextAttempt": instant(quarantine.next),
            "reason": quarantine.reason,
            "seriesBegan": instant(quarantine.began),
            "seriesCount": quarantine.times,
        })
    });
    json!({
        "id": job.id,
        "templateId": TEMPLATE,
        "schedule": {
            "expiration": null,
            "interval": jiff::SignedDuration::try_from(job.interval)
                .map_or_else(|_| "PT0S".to_owned(), iso_8601),
            "state": match job.status() {
                StatusCode::Paused => "Paused",
                _ => "Active",
            },
        },
        "status": {
            "code": job.status().text(),
            "countSuccessiveCompleteFailures": job.runs.failures,
            "escrowsPruned": report.is_some_and(|report| report.escrows_pruned),
            "lastExecution": shown,
            "lastSuccessfulExecution": kept(&job.runs.succeeded),
            "lastSuccessfulExecutionWithExports": kept(&job.runs.exported),
            "progress": [],
            "quarantine": quarantine,
            "steadyStateFirstAchievedTime": NEVER,
            "steadyStateLastAchievedTime": NEVER,
            "synchronizedEntryCountByType":
                report.map_or_else(|| json!([]), |r| json!([{"key": "User to user", "value": r.linked}])),
            "troubleshootingUrl": "",
        },
        "synchronizationJobSettings": [{"name": "DomainFQDN", "value": job.domain}],
    })
}

/// A job that waits for its start, with or without a domain to write to.
pub(super) fn idle(waiting: &WritebackJob, has_domain: bool) -> Value {
    let mut shown = job(waiting);
    shown["schedule"]["state"] = "Disabled".into();
    if !has_domain {
        shown["status"]["code"] = "NotConfigured".into();
        shown["synchronizationJobSettings"] = json!([]);
    }
    shown
}

fn execution(job: &WritebackJob, run: &Execution, escrowed: u64) -> Value {
    let state = if run.error.is_some() {
        "Failed"
    } else if run.failed > 0 {
        "EntryLevelErrors"
    } else {
        "Succeeded"
    };
    json!({
        "activityIdentifier": cycle_id(job, run.cycle),
        "countEntitled": run.in_scope,
        "countEntitledForProvisioning": run.in_scope,
        "countEscrowed": escrowed,
        "countEscrowedRaw": escrowed,
        "countExported": run.written,
        "countExports": run.written,
        "countImported": run.read,
        "countImportedDeltas": if run.initial { 0 } else { run.read },
        "countImportedReferenceDeltas": 0,
        "state": state,
        "error": error(run),
        "timeBegan": instant(run.began),
        "timeEnded": instant(run.ended),
    })
}

fn error(run: &Execution) -> Option<Value> {
    let (code, message) = run.error.as_ref()?;
    Some(json!({"code": code, "message": message, "tenantActionable": true}))
}

/// The id of a cycle: the same in the job's status and in the log.
pub(super) fn cycle_id(job: &WritebackJob, cycle: u64) -> String {
    derived_id(&format!("{} cycle {cycle}", job.id))
}

fn iso_8601(interval: jiff::SignedDuration) -> String {
    interval.to_string()
}
