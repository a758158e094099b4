//! Log entries in the documented shape: `provisioningObjectSummary`, with the steps of one object.
//!
//! The steps follow from how an entry ended: the first that did not succeed is the last one. Source:
//! Microsoft Graph reference, `provisioningObjectSummary`, `provisioningStep`, `modifiedProperty`,
//! `provisioningErrorInfo`; setup guide of the writeback preview (steps of a provision on demand).

use serde_json::{Value, json};

use crate::failure::code;
use crate::job::{LogEntry, LogStatus};

/// What the entries of one job have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobNames<'a> {
    /// The tenant's id.
    pub tenant: &'a str,
    /// The job's id.
    pub job: &'a str,
    /// The AD domain.
    pub domain: &'a str,
}

/// One step of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepOutcome {
    /// `name`.
    pub name: &'static str,
    /// `provisioningStepType`: `import`, `matching`, `scoping`, `export`.
    pub kind: &'static str,
    /// `status`.
    pub status: LogStatus,
}

const IMPORT: (&str, &str) = ("EntryImport", "import");
const MATCHING: (&str, &str) = ("EntryImport", "matching");
const SCOPING: (&str, &str) = ("EntrySynchronizationScoping", "scoping");
const EXPORT: (&str, &str) = ("EntryExportUpdate", "export");
const SKIP: (&str, &str) = ("EntrySynchronizationSkip", "export");

/// The steps that an object went through: import, matching, scoping, export.
#[must_use]
pub fn steps(entry: &LogEntry) -> Vec<StepOutcome> {
    let last = match (entry.status, entry.code) {
        _ if entry.unread => IMPORT,
        (LogStatus::Success, _) => EXPORT,
        (LogStatus::Skipped, code::NOT_IN_SCOPE) => SCOPING,
        (LogStatus::Skipped, _) => SKIP,
        (LogStatus::Failure, code::DUPLICATE_ENTRIES) => MATCHING,
        (LogStatus::Failure, _) if entry.target.is_none() && entry.mailbox.is_some() => MATCHING,
        (LogStatus::Failure, _) if entry.mailbox.is_none() => IMPORT,
        (LogStatus::Failure, _) => EXPORT,
    };
    // Who is out of scope by the cloud's own word is never looked for in AD.
    let unmatched = last == SCOPING && entry.target.is_none();
    let before = [IMPORT, MATCHING, SCOPING];
    let mut steps = Vec::with_capacity(4);
    for (name, kind) in before {
        if (name, kind) == last {
            break;
        }
        if unmatched && (name, kind) == MATCHING {
            continue;
        }
        steps.push(StepOutcome { name, kind, status: LogStatus::Success });
    }
    steps.push(StepOutcome { name: last.0, kind: last.1, status: entry.status });
    steps
}

/// `status` as Graph spells it.
#[must_use]
pub const fn status_text(status: LogStatus) -> &'static str {
    match status {
        LogStatus::Success => "success",
        LogStatus::Failure => "failure",
        LogStatus::Skipped => "skipped",
    }
}

/// An entry in the documented shape. `change` numbers the entries of the job (`changeId`).
#[must_use]
pub fn summary(entry: &LogEntry, names: JobNames<'_>, change: u64) -> Value {
    let steps: Vec<Value> = steps(entry)
        .into_iter()
        .map(|step| {
            let failed = step.status != LogStatus::Success;
            let reason = if step.status == LogStatus::Skipped { "SkipReason" } else { "ErrorCode" };
            json!({
                "name": step.name,
                "provisioningStepType": step.kind,
                "status": status_text(step.status),
                "description": if failed { entry.detail.as_str() } else { "" },
                "details": if failed { json!({reason: entry.code}) } else { json!({}) },
            })
        })
        .collect();
    let modified: Vec<Value> = entry
        .modified
        .iter()
        .map(|property| {
            json!({
                "displayName": property.attribute,
                "oldValue": property.old,
                "newValue": property.new,
            })
        })
        .collect();
    let error = (entry.status == LogStatus::Failure).then(|| {
        json!({
            "errorCode": entry.code,
            "reason": entry.detail,
            "additionalDetails": null,
            "errorCategory": "nonServiceFailure",
            "recommendedAction": null,
        })
    });
    let source = entry.mailbox.map(|id| json!({"id": id.to_string(), "identityType": "User"}));
    let target = entry.target.map(|guid| json!({"id": guid.to_string(), "identityType": "user"}));
    json!({
        "id": format!("{}.{change}", names.job),
        "activityDateTime": entry.at.to_string(),
        "tenantId": names.tenant,
        "jobId": names.job,
        "cycleId": entry.cycle.to_string(),
        "changeId": change.to_string(),
        "provisioningAction": if entry.mailbox.is_some() { "update" } else { "other" },
        "durationInMilliseconds": 0,
        "provisioningStatusInfo": {
            "status": status_text(entry.status),
            "errorInformation": error,
        },
        "provisioningSteps": steps,
        "modifiedProperties": modified,
        "sourceSystem": {"displayName": "Exchange Online"},
        "targetSystem": {"displayName": names.domain},
        "sourceIdentity": source,
        "targetIdentity": target,
        "initiatedBy": {"initiatorType": "system", "displayName": "hybridsim"},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::ModifiedProperty;
    use crate::test_world::{START, id, object_guid};

    fn entry(status: LogStatus, code: &'static str, found: bool) -> LogEntry {
        LogEntry {
            at: START,
            cycle: 3,
            mailbox: Some(id(1)),
            target: found.then(|| object_guid(1)),
            status,
            code,
            detail: "why".into(),
            unread: false,
            modified: vec![ModifiedProperty {
                attribute: "mail".into(),
                old: "a".into(),
                new: "b".into(),
            }],
        }
    }

    fn kinds(entry: &LogEntry) -> Vec<(&'static str, LogStatus)> {
        steps(entry).into_iter().map(|step| (step.kind, step.status)).collect()
    }

    #[test]
    fn the_steps_end_where_the_object_ended() {
        use LogStatus::{Failure, Skipped, Success};
        let done = [("import", Success), ("matching", Success), ("scoping", Success)];
        let with = |last| [done.as_slice(), &[last]].concat();
        assert_eq!(kinds(&entry(Success, "", true)), with(("export", Success)));
        let redundant = entry(Skipped, code::REDUNDANT_EXPORT, true);
        assert_eq!(kinds(&redundant), with(("export", Skipped)));
        assert_eq!(steps(&redundant)[3].name, "EntrySynchronizationSkip");
        let refused = entry(Failure, code::ACCESS_RIGHTS, true);
        assert_eq!(kinds(&refused), with(("export", Failure)));
        let outside = entry(Skipped, code::NOT_IN_SCOPE, false);
        assert_eq!(kinds(&outside), [("import", Success), ("scoping", Skipped)]);
        let unanswered = LogEntry { unread: true, ..entry(Failure, code::TIME_OUT, false) };
        assert_eq!(kinds(&unanswered), [("import", Failure)]);
        let twins = entry(Failure, code::DUPLICATE_ENTRIES, false);
        assert_eq!(kinds(&twins), [("import", Success), ("matching", Failure)]);
    }

    #[test]
    fn an_entry_has_the_documented_shape() {
        let names = JobNames { tenant: "t", job: "j", domain: "contoso.com" };
        let shown = summary(&entry(LogStatus::Failure, code::ACCESS_RIGHTS, true), names, 7);
        assert_eq!(shown["provisioningStatusInfo"]["status"], "failure");
        let error = &shown["provisioningStatusInfo"]["errorInformation"];
        assert_eq!(
            (&error["errorCode"], &error["reason"]),
            (&json!(code::ACCESS_RIGHTS), &json!("why"))
        );
        assert_eq!(shown["modifiedProperties"][0]["newValue"], "b");
        assert_eq!(shown["provisioningSteps"][3]["details"]["ErrorCode"], code::ACCESS_RIGHTS);
        assert_eq!(shown["sourceIdentity"]["id"], id(1).to_string());
    }
}
