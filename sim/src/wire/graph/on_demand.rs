//! `provisionOnDemand`: one user, now, with the four steps that it took.
//!
//! Source: Microsoft Graph reference, "synchronizationJob: provisionOnDemand"; setup guide of the
//! writeback preview (`User_` before the object id, names of the steps).

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::GraphError;
use super::{Operation, audit, derived_id, guid, instant, ok, synchronization, version};
use crate::entra::job::{JobRequest, WritebackJob};
use crate::entra::log::{LogEntry, LogStatus};
use crate::estate::Estate;
use crate::guid::Guid;
use crate::wire::identity::app_role;
use crate::wire::message::{Answer, Request};
use crate::wire::shared::SharedEstate;

#[derive(Deserialize)]
struct Asked {
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    #[serde(rename = "ruleId")]
    rule: String,
    subjects: Vec<Subject>,
}

#[derive(Deserialize)]
struct Subject {
    #[serde(rename = "objectId")]
    object: String,
    #[serde(rename = "objectTypeName")]
    kind: String,
}

/// `POST .../jobs/{id}/provisionOnDemand`: the answer waits for the engine.
pub(super) fn ask(
    operation: &Operation<'_>,
    principal: &str,
    id: &str,
) -> Result<Answer, GraphError> {
    operation.require(&[app_role::SYNCHRONIZATION, app_role::DIRECTORY])?;
    let asked: Asked = serde_json::from_slice(operation.body)
        .map_err(|why| GraphError::bad_request(format!("Invalid request body: {why}")))?;
    let (rule, user) = subject(&asked)?;
    operation.with(|estate, _| {
        synchronization::named(estate, principal, id)?;
        let known = estate.live_user(user).is_some();
        let at = estate.now();
        let job = synchronization::engine_job(estate)?;
        if !job.rule.eq_ignore_ascii_case(&rule) {
            return Err(GraphError::bad_request(format!(
                "There is no synchronization rule '{rule}' in the schema of this job."
            )));
        }
        if !known {
            return Err(GraphError::no_resource(&user.to_string()));
        }
        let request = job.fresh_request();
        estate.ask_job(JobRequest::ProvisionOnDemand { request, rule, user });
        Ok(Answer { waits_for: vec![request], ..Answer::no_content(at) })
    })
}

/// The one rule and the one user of a request.
fn subject(asked: &Asked) -> Result<(String, Guid), GraphError> {
    let ([parameter], Some([subject])) =
        (asked.parameters.as_slice(), asked.parameters.first().map(|p| p.subjects.as_slice()))
    else {
        return Err(GraphError::bad_request(
            "A request provisions one subject of one synchronization rule.",
        ));
    };
    if !subject.kind.eq_ignore_ascii_case("User") {
        return Err(GraphError::bad_request(format!(
            "The object type '{}' is not one of this rule's source directory.",
            subject.kind
        )));
    }
    let id = subject.object.strip_prefix("User_").unwrap_or(&subject.object);
    let user = guid(id).ok_or_else(|| GraphError::no_resource(&subject.object))?;
    Ok((parameter.rule.clone(), user))
}

/// Puts what the engine has answered meanwhile into an answer; whether nothing is awaited any more.
pub(in crate::wire) fn answered(
    estate: &SharedEstate,
    asked: &Request,
    answer: &mut Answer,
) -> bool {
    let context = format!(
        "{}/{}/$metadata#microsoft.graph.stringKeyStringValuePair",
        asked.base,
        version(&asked.address)
    );
    for request in answer.waits_for.clone() {
        let shown = estate.with(|estate| {
            let entry = estate.entra.job.as_mut()?.answers.remove(&request)?;
            let job = estate.entra.job.as_ref()?;
            let mut body = shown(estate, job, request, &entry);
            body["@odata.context"] = context.as_str().into();
            Some((body, estate.now()))
        });
        let Some((body, at)) = shown else { continue };
        if answer.body.is_empty() {
            // It is not one of a batch.
            *answer = ok(&body, at);
            return true;
        }
        let text = format!(
            "\"status\":200,\"headers\":{{\"content-type\":\"{}\"}},\"body\":{body}",
            super::JSON
        );
        answer.fill(request, text.as_bytes());
    }
    answer.waits_for.is_empty()
}

/// A pair of JSON texts (`stringKeyStringValuePair`).
fn shown(estate: &Estate, job: &WritebackJob, request: u64, entry: &LogEntry) -> Value {
    let failed = entry.status == LogStatus::Failure;
    let result = match entry.status {
        LogStatus::Success => "Success",
        LogStatus::Failure => "Failure",
        LogStatus::Skipped => "Skipped",
    };
    let details = if entry.status == LogStatus::Success {
        Value::Null
    } else {
        json!({"errorCode": entry.code, "errorMessage": entry.detail})
    };
    let source = entry.source.map(|guid| guid.to_string()).unwrap_or_default();
    let target = entry.target.map(|guid| guid.to_string()).unwrap_or_default();
    let modified: Vec<Value> = entry
        .modified
        .iter()
        .map(|m| json!({"displayName": m.name, "oldValue": m.old, "newValue": m.new}))
        .collect();
    let value = json!({
        "action": if entry.status == LogStatus::Skipped { "Other" } else { "Update" },
        "changeId": derived_id(&format!("{} on demand {request}", job.id)),
        "startTime": instant(entry.at),
        "endTime": instant(entry.at),
        "reportableIdentifier": audit::name_of(estate, entry),
        "modifiedProperties": modified,
        "provisioningSteps": steps(entry, &source, &target),
        "statusInfo": {
            "status": result,
            "errorCode": failed.then_some(&entry.code),
            "reason": failed.then_some(&entry.detail),
            "additionalDetails": null,
            "errorCategory": match entry.advice {
                Some(advice) if advice.category == "nonServiceFailure" => "NonServiceFailure",
                _ if failed => "Failure",
                _ => "Success",
            },
            "recommendedAction": entry.advice.map(|advice| advice.action),
        },
        "sourceIdentity": {"id": format!("User_{source}"), "type": "User"},
        "sourceSystem": {"name": audit::SOURCE},
        "targetIdentity": {"id": target, "type": "user"},
        "targetSystem": {"name": "Active Directory"},
    });
    json!({
        "key": json!({"result": result, "details": details}).to_string(),
        "value": value.to_string(),
    })
}

/// Import, matching, scoping and export; those after the one that ended it did not happen.
fn steps(entry: &LogEntry, source: &str, target: &str) -> Vec<Value> {
    let step = |name: &str, kind: &str, status: &str, description: String, details: Value| {
        json!({
            "name": name,
            "type": kind,
            "status": status,
            "description": description,
            "timestamp": instant(entry.at),
            "details": details,
        })
    };
    let read = format!("Retrieved User 'User_{source}' from {}", audit::SOURCE);
    let mut steps =
        vec![step("EntryImport", "Import", "Success", read, json!({"objectId": source}))];
    let out_of_scope = entry.status == LogStatus::Skipped && entry.code == "NotInScope";
    if !target.is_empty() {
        let found = format!("Retrieved user '{target}' from Active Directory");
        steps.push(step("EntryImport", "Matching", "Success", found, json!({"objectId": target})));
    } else if entry.status == LogStatus::Failure {
        let why = entry.detail.clone();
        let details = json!({"errorCode": entry.code});
        steps.push(step("EntryImport", "Matching", "Failure", why, details));
        return steps;
    }
    let passed = if out_of_scope { "False" } else { "True" };
    steps.push(step(
        "EntrySynchronizationScoping",
        "Scoping",
        if out_of_scope { "Skipped" } else { "Success" },
        "Determine if User in scope by evaluating against each scoping filter".to_owned(),
        json!({"Active in the source system": "True", "Scoping filter evaluation passed": passed}),
    ));
    steps.push(match entry.status {
        LogStatus::Skipped => step(
            "EntrySynchronizationSkip",
            "Export",
            "Skipped",
            entry.detail.clone(),
            json!({"SkipReason": entry.code}),
        ),
        LogStatus::Success => step(
            "EntryExportUpdate",
            "Export",
            "Success",
            format!("User '{target}' was updated in Active Directory"),
            json!({"ReportableIdentifier": target}),
        ),
        LogStatus::Failure => step(
            "EntryExportUpdate",
            "Export",
            "Failure",
            entry.detail.clone(),
            json!({"errorCode": entry.code}),
        ),
    });
    steps
}
