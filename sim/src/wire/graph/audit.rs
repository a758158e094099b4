//! `auditLogs/provisioning` and `auditLogs/directoryAudits`.
//!
//! Source: Microsoft Graph reference, resource type provisioningObjectSummary; a recorded answer
//! (graph2otel), whose `servicePrincipal` is one object and whose `details` are all text.

use serde_json::{Value, json};

use super::error::GraphError;
use super::filter::{Filter, member};
use super::{Operation, derived_id, instant, job_view, listing, ok};
use crate::entra::audit::{DirectoryAudit, Initiator};
use crate::entra::job::WritebackJob;
use crate::entra::log::{LogEntry, LogStatus};
use crate::estate::Estate;
use crate::exchange::property::DISPLAY_NAME;
use crate::wire::identity::app_role;
use crate::wire::message::Answer;

/// Most entries of a page, and as many as there are without `$top`.
const PAGE: usize = 1_000;

/// `GET /auditLogs/provisioning`: the newest entry first.
pub(super) fn provisioning(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&[app_role::AUDIT_LOG_READ])?;
    operation.only_options(&["top", "skiptoken", "filter", "orderby"])?;
    let top = listing::top(operation, PAGE, PAGE)?;
    let filter = filter(operation, "provisioningObjectSummary", &PROVISIONING)?;
    newest_first(operation)?;
    operation.with(|estate, _| {
        let entries = estate.entra.log.entries();
        // A token says how many of the oldest entries are left; new ones do not shift it.
        let mut left = listing::start(operation, entries.len())?.min(entries.len());
        let job = estate.entra.job.as_ref();
        let mut value: Vec<Value> = Vec::new();
        while let Some(job) = job.filter(|_| left > 0 && value.len() < top) {
            left -= 1;
            let shown = record(estate, job, left, &entries[left]);
            if passes(filter.as_ref(), &shown) {
                value.push(shown);
            }
        }
        let mut body = json!({"@odata.context": operation.context("auditLogs/provisioning")});
        if left > 0 && job.is_some() {
            let link = operation.address.next_link(operation.base, &listing::token(left));
            body["@odata.nextLink"] = link.into();
        }
        body["value"] = value.into();
        Ok(ok(&body, estate.now()))
    })
}

/// `GET /auditLogs/directoryAudits`: the newest entry first.
pub(super) fn directory(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&[app_role::AUDIT_LOG_READ])?;
    operation.only_options(&["top", "skiptoken", "filter", "orderby"])?;
    let top = listing::top(operation, PAGE, PAGE)?;
    let filter = filter(operation, "directoryAudit", &DIRECTORY)?;
    newest_first(operation)?;
    operation.with(|estate, _| {
        let before = listing::start(operation, usize::MAX)?;
        let mut rest = estate
            .entra
            .audit
            .entries()
            .rev()
            .filter(|(number, _)| *number < before)
            .map(|(number, entry)| (number, directory_record(number, entry)))
            .filter(|(_, shown)| passes(filter.as_ref(), shown))
            .peekable();
        let mut value: Vec<Value> = Vec::new();
        let mut last = 0;
        while let Some((number, shown)) = rest.next_if(|_| value.len() < top) {
            last = number;
            value.push(shown);
        }
        let mut body = json!({"@odata.context": operation.context("auditLogs/directoryAudits")});
        if rest.peek().is_some() {
            let link = operation.address.next_link(operation.base, &listing::token(last));
            body["@odata.nextLink"] = link.into();
        }
        drop(rest);
        body["value"] = value.into();
        Ok(ok(&body, estate.now()))
    })
}

/// Where the job reads, as the log and answers on demand name it.
pub(super) const SOURCE: &str = "Microsoft Entra ID";

/// The properties of provisioningObjectSummary, `statusInfo` and `action` of its beta among them.
const PROVISIONING: [&str; 19] = [
    "action",
    "activityDateTime",
    "changeId",
    "cycleId",
    "durationInMilliseconds",
    "id",
    "initiatedBy",
    "jobId",
    "modifiedProperties",
    "provisioningAction",
    "provisioningStatusInfo",
    "provisioningSteps",
    "servicePrincipal",
    "sourceIdentity",
    "sourceSystem",
    "statusInfo",
    "targetIdentity",
    "targetSystem",
    "tenantId",
];

/// The properties of directoryAudit.
const DIRECTORY: [&str; 12] = [
    "activityDateTime",
    "activityDisplayName",
    "additionalDetails",
    "category",
    "correlationId",
    "id",
    "initiatedBy",
    "loggedByService",
    "operationType",
    "result",
    "resultReason",
    "targetResources",
];

/// `$filter`, when it names properties of the type alone: a slip would look as if nothing had happened.
fn filter(
    operation: &Operation<'_>,
    kind: &str,
    properties: &[&str],
) -> Result<Option<Filter>, GraphError> {
    let Some(text) = operation.address.query.get("filter") else { return Ok(None) };
    let filter = Filter::parse(text)?;
    let is_known =
        |path: &&[String]| path.first().is_some_and(|name| properties.contains(&name.as_str()));
    match filter.properties().into_iter().find(|path| !is_known(path)) {
        Some(path) => Err(GraphError::no_filter_property(path, kind)),
        None => {
            filter.check_types(kind)?;
            Ok(Some(filter))
        }
    }
}

/// The only order there is; the documentation calls others unreliable.
fn newest_first(operation: &Operation<'_>) -> Result<(), GraphError> {
    match operation.address.query.get("orderby").map(str::trim) {
        None | Some("activityDateTime desc") => Ok(()),
        Some(_) => Err(GraphError::unsupported_query("Sorting not supported for current query.")),
    }
}

fn passes(filter: Option<&Filter>, shown: &Value) -> bool {
    filter.is_none_or(|filter| filter.matches(&|path: &[String]| member(shown, path)))
}

fn directory_record(number: usize, entry: &DirectoryAudit) -> Value {
    let nobody = json!(null);
    let (user, app) = match &entry.initiator {
        Initiator::User { id, upn } => (
            json!({"id": id, "displayName": null, "userPrincipalName": upn, "ipAddress": "127.0.0.1"}),
            nobody,
        ),
        Initiator::Application { name, principal } => (
            nobody,
            json!({
                "appId": null,
                "displayName": name,
                "servicePrincipalId": principal,
                "servicePrincipalName": null,
            }),
        ),
    };
    let is_user = entry.kind == "User";
    let modified: Vec<Value> = entry
        .modified
        .iter()
        .map(|(name, old, new)| json!({"displayName": name, "oldValue": old, "newValue": new}))
        .collect();
    let id = derived_id(&format!("directory audit {number}"));
    json!({
        "id": format!("Directory_{id}"),
        "category": entry.category,
        "correlationId": id,
        "result": "success",
        "resultReason": "",
        "activityDisplayName": entry.activity,
        "activityDateTime": instant(entry.at),
        "loggedByService": "Core Directory",
        "operationType": entry.operation,
        "initiatedBy": {"user": user, "app": app},
        "targetResources": [{
            "id": entry.target,
            "displayName": (!is_user).then_some(&entry.name),
            "type": entry.kind,
            "userPrincipalName": is_user.then_some(&entry.name),
            "groupType": null,
            "modifiedProperties": modified,
        }],
        "additionalDetails": [],
    })
}

/// The display name of the user that an entry is about.
pub(super) fn name_of(estate: &Estate, entry: &LogEntry) -> String {
    entry
        .source
        .and_then(|id| estate.entra.user(estate.entra.by_id(id)?)?.record.text(DISPLAY_NAME))
        .unwrap_or_default()
        .to_owned()
}

fn record(estate: &Estate, job: &WritebackJob, place: usize, entry: &LogEntry) -> Value {
    let id = derived_id(&format!("{} entry {place}", job.id));
    let source = entry.source.map(|guid| guid.to_string()).unwrap_or_default();
    let target = entry.target.map(|guid| guid.to_string()).unwrap_or_default();
    let name = name_of(estate, entry);
    let modified: Vec<Value> = entry
        .modified
        .iter()
        .map(|m| json!({"displayName": m.name, "oldValue": m.old, "newValue": m.new}))
        .collect();
    json!({
        "id": id,
        "activityDateTime": instant(entry.at),
        "tenantId": estate.entra.tenant.to_string(),
        "jobId": job.id,
        "cycleId": job_view::cycle_id(job, entry.cycle),
        "changeId": derived_id(&format!("{id} change")),
        "provisioningAction": match entry.status {
            LogStatus::Skipped => "other",
            LogStatus::Success | LogStatus::Failure => "update",
        },
        "durationInMilliseconds": entry.milliseconds,
        "provisioningStatusInfo": {
            "status": if is_warning(entry) { "warning" } else { entry.status.text() },
            "errorInformation": error_information(entry),
        },
        "initiatedBy": {
            "id": "",
            "displayName": "Azure AD Provisioning Service",
            "initiatorType": "system",
        },
        "servicePrincipal": {
            "id": job.service_principal.to_string(),
            "displayName": job.domain,
        },
        "sourceSystem": {
            "id": derived_id(&format!("{} source", job.id)),
            "displayName": SOURCE,
            "details": {},
        },
        "targetSystem": {
            "id": derived_id(&format!("{} target", job.id)),
            "displayName": "Active Directory",
            "details": {
                "ServicePrincipalId": job.service_principal.to_string(),
                "ServicePrincipalDisplayName": job.domain,
            },
        },
        "sourceIdentity": {
            "id": source,
            "displayName": name,
            "identityType": "User",
            "details": {"id": source, "odatatype": "User"},
        },
        "targetIdentity": {
            "id": target,
            "displayName": "",
            "identityType": "user",
            "details": {},
        },
        "modifiedProperties": modified,
        "provisioningSteps": steps(entry, &source, &target),
    })
}

/// What was written with a code was written with a warning.
fn is_warning(entry: &LogEntry) -> bool {
    entry.status == LogStatus::Success && !entry.code.is_empty()
}

fn error_information(entry: &LogEntry) -> Option<Value> {
    (entry.status == LogStatus::Failure || is_warning(entry)).then(|| {
        json!({
            "errorCode": entry.code,
            "reason": entry.detail,
            "additionalDetails": null,
            "errorCategory": entry.advice.map_or("failure", |advice| advice.category),
            "recommendedAction": entry.advice.map(|advice| advice.action),
        })
    })
}

/// The four steps; those after the one that failed or skipped did not happen.
fn steps(entry: &LogEntry, source: &str, target: &str) -> Vec<Value> {
    let step = |name: &str, kind: &str, status: &str, description: String, details: Value| {
        json!({
            "name": name,
            "provisioningStepType": kind,
            "status": status,
            "description": description,
            "details": details,
        })
    };
    if entry.code == "ImportSkipped" {
        let details = json!({"SkipReason": entry.code, "objectId": source});
        return vec![step("EntryImport", "import", "skipped", entry.detail.clone(), details)];
    }
    let mut steps = vec![step(
        "EntryImportUpdate",
        "import",
        "success",
        format!("Received User '{source}' change of type (Update) from Microsoft Entra ID"),
        json!({"objectId": source}),
    )];
    if entry.status == LogStatus::Skipped {
        steps.push(step(
            "EntrySynchronizationSkip",
            "processing",
            "skipped",
            entry.detail.clone(),
            json!({"SkipReason": entry.code}),
        ));
        return steps;
    }
    steps.push(step(
        "EntrySynchronizationScoping",
        "scoping",
        "success",
        "Determine if User in scope by evaluating against each scoping filter".to_owned(),
        json!({
            "Active in the source system": "True",
            "Scoping filter evaluation passed": "True",
        }),
    ));
    if !target.is_empty() {
        steps.push(step(
            "EntryImport",
            "matching",
            "success",
            format!("Retrieved user '{target}' from Active Directory"),
            json!({"objectId": target}),
        ));
    }
    steps.push(step(
        "EntryExportUpdate",
        "export",
        entry.status.text(),
        if entry.status == LogStatus::Success {
            format!("User '{target}' was updated in Active Directory")
        } else {
            entry.detail.clone()
        },
        json!({"ReportableIdentifier": target}),
    ));
    steps
}
