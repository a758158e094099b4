//! Log entries in the documented shape: `provisioningObjectSummary`, with the steps of one object.
//!
//! The steps follow from how an entry ended: the first that did not succeed is the last one. Source:
//! Microsoft Graph reference, `provisioningObjectSummary`, `provisioningStep`, `modifiedProperty`,
//! `provisioningErrorInfo`; setup guide of the writeback preview (steps of a provision on demand).

use serde_json::{Value, json};

use crate::failure::{category, code, recommended_action};
use crate::guid::Guid;
use crate::job::{LogEntry, LogStatus};
use crate::writeback::digest;

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
        (LogStatus::Skipped, code::IMPORT_SKIPPED) => IMPORT,
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

/// `provisioningStatusInfo.status` of an entry: what was written with a code is a warning.
#[must_use]
pub const fn entry_status(entry: &LogEntry) -> &'static str {
    match entry.status {
        LogStatus::Success if !entry.code.is_empty() => "warning",
        status => status_text(status),
    }
}

/// `status` of a step as Graph spells it.
#[must_use]
pub const fn status_text(status: LogStatus) -> &'static str {
    match status {
        LogStatus::Success => "success",
        LogStatus::Failure => "failure",
        LogStatus::Skipped => "skipped",
    }
}

/// An id made of these parts: the same for the same parts, whoever makes it and when.
fn id_of(parts: &[&[u8]]) -> String {
    let state = parts.iter().fold(0, |state, part| digest::chain(state, digest::of_value(part)));
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&state.to_be_bytes());
    bytes[8..].copy_from_slice(&digest::chain(state, 1).to_be_bytes());
    Guid(bytes).to_string()
}

/// `changeId`: which version of which mailbox an entry is about. An entry that a crash made twice has it
/// twice.
fn change_id(entry: &LogEntry, job: &str) -> String {
    let about = entry.mailbox.map_or([0; 16], |id| id.0.0);
    let status = status_text(entry.status).as_bytes();
    let cycle = if entry.version == 0 { entry.cycle } else { 0 };
    let parts = [entry.version.to_be_bytes(), cycle.to_be_bytes()].concat();
    let modified = entry.modified.iter().map(|property| property.attribute.as_ref());
    let modified = modified.collect::<Vec<&str>>().join(" ");
    id_of(&[job.as_bytes(), &about, status, entry.code.as_bytes(), &parts, modified.as_bytes()])
}

/// `provisioningSteps`.
fn shown_steps(entry: &LogEntry) -> Vec<Value> {
    steps(entry)
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
        .collect()
}

/// An entry in the documented shape. `change` numbers the entries of the job, for their ids. The display
/// names of a mailbox and its object are not read for the job, and are empty, as Microsoft shows them for
/// objects in Active Directory. The cloud side of a provision on demand is no cycle: it has an id of its
/// own.
#[must_use]
pub fn summary(entry: &LogEntry, names: JobNames<'_>, change: u64) -> Value {
    let steps = shown_steps(entry);
    let modified: Vec<Value> = entry
        .modified
        .iter()
        .map(|property| {
            json!({
                "displayName": property.attribute,
                "oldValue": property.old.as_property(&property.attribute),
                "newValue": property.new.as_property(&property.attribute),
            })
        })
        .collect();
    let told = matches!(entry_status(entry), "failure" | "warning");
    let error = told.then(|| {
        json!({
            "errorCode": entry.code,
            "reason": entry.detail,
            "additionalDetails": null,
            "errorCategory": category(entry.code),
            "recommendedAction": recommended_action(entry.code),
        })
    });
    let identity = |id: Option<String>, kind: &str| {
        json!({
            "id": id.unwrap_or_default(),
            "displayName": "",
            "identityType": kind,
            "details": {},
        })
    };
    let source = identity(entry.mailbox.map(|id| id.to_string()), "User");
    let target = identity(entry.target.map(|guid| guid.to_string()), "user");
    let job = names.job.as_bytes();
    let system = |side: &str| id_of(&[job, side.as_bytes()]);
    let cycle = match entry.cycle {
        0 => id_of(&[job, b"on demand", &entry.at.as_micros().to_be_bytes()]),
        cycle => id_of(&[job, b"cycle", &cycle.to_be_bytes()]),
    };
    let principal = system("service principal");
    json!({
        "id": id_of(&[job, b"entry", &change.to_be_bytes()]),
        "activityDateTime": entry.at.to_string(),
        "tenantId": names.tenant,
        "jobId": names.job,
        "cycleId": cycle,
        "changeId": change_id(entry, names.job),
        "provisioningAction":
            if entry.mailbox.is_none() || entry.status == LogStatus::Skipped { "other" } else { "update" },
        "durationInMilliseconds": u64::try_from(entry.took.as_millis()).unwrap_or(u64::MAX),
        "provisioningStatusInfo": {
            "status": entry_status(entry),
            "errorInformation": error,
        },
        "provisioningSteps": steps,
        "modifiedProperties": modified,
        "servicePrincipal": {"id": principal, "displayName": names.domain},
        "sourceSystem": {"id": system("source"), "displayName": "Exchange Online", "details": {}},
        "targetSystem": {
            "id": system("target"),
            "displayName": "Active Directory",
            "details": {
                "ServicePrincipalId": principal,
                "ServicePrincipalDisplayName": names.domain,
            },
        },
        "sourceIdentity": source,
        "targetIdentity": target,
        "initiatedBy": {"id": "", "displayName": "hybridsim", "initiatorType": "system"},
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::change::ModifiedProperty;
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
            took: Duration::from_millis(630),
            version: 9,
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
        let theirs = entry(Skipped, code::IMPORT_SKIPPED, false);
        assert_eq!(kinds(&theirs), [("import", Skipped)]);
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
        assert_eq!(shown["durationInMilliseconds"], 630);
        assert_eq!(error["errorCategory"], "nonServiceFailure");
        assert!(error["recommendedAction"].as_str().unwrap().contains("right to write"));
    }

    /// The members of a record that was read from the service, with those of their own (a recorded answer
    /// of `auditLogs/provisioning`; Microsoft Graph reference, provisioningObjectSummary).
    #[test]
    fn an_entry_has_every_documented_member_and_no_other() {
        let recorded = json!({
            "id": "", "activityDateTime": "", "tenantId": "", "jobId": "", "cycleId": "",
            "changeId": "", "provisioningAction": "", "durationInMilliseconds": "",
            "provisioningStatusInfo": {"status": "", "errorInformation": {
                "errorCode": "", "reason": "", "additionalDetails": "", "errorCategory": "",
                "recommendedAction": "",
            }},
            "initiatedBy": {"id": "", "displayName": "", "initiatorType": ""},
            "servicePrincipal": {"id": "", "displayName": ""},
            "sourceSystem": {"id": "", "displayName": "", "details": {}},
            "targetSystem": {"id": "", "displayName": "", "details": {
                "ServicePrincipalId": "", "ServicePrincipalDisplayName": "",
            }},
            "sourceIdentity": {"id": "", "displayName": "", "identityType": "", "details": {}},
            "targetIdentity": {"id": "", "displayName": "", "identityType": "", "details": {}},
            "modifiedProperties": [{"displayName": "", "oldValue": "", "newValue": ""}],
            "provisioningSteps": [{
                "name": "", "provisioningStepType": "", "status": "", "description": "", "details": {},
            }],
        });
        fn members(path: &str, value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(object) if !path.ends_with("Steps/details") => {
                    for (name, value) in object {
                        found.push(format!("{path}/{name}"));
                        members(&format!("{path}/{name}"), value, found);
                    }
                }
                Value::Array(values) => {
                    values.first().into_iter().for_each(|value| members(path, value, found));
                }
                _ => {}
            }
        }
        let of = |value: &Value| {
            let mut found = Vec::new();
            members("", value, &mut found);
            found.sort_unstable();
            found
        };
        let names = JobNames { tenant: "t", job: "j", domain: "contoso.com" };
        let shown = summary(&entry(LogStatus::Failure, code::ACCESS_RIGHTS, true), names, 7);
        assert_eq!(of(&shown), of(&recorded));
    }

    /// What a crash logs twice can be told from what was done twice.
    #[test]
    fn entries_about_one_version_have_one_change_id() {
        let names = JobNames { tenant: "t", job: "j", domain: "contoso.com" };
        let first = entry(LogStatus::Success, "", true);
        let again = LogEntry { cycle: 4, ..first.clone() };
        let other = LogEntry { version: 10, ..first.clone() };
        let [first, again, other] = [(first, 1), (again, 2), (other, 3)]
            .map(|(entry, place)| summary(&entry, names, place));
        assert_eq!(first["changeId"], again["changeId"]);
        assert_ne!(first["id"], again["id"]);
        assert_ne!(first["changeId"], other["changeId"]);
    }
}
