//! Synchronization jobs of a service principal: what they are, and what is asked of them.
//!
//! The job itself runs in the engine: an action is put on record in Entra's job and the engine takes
//! it from there.
//!
//! Source: Microsoft Graph reference, synchronization API (`start`, `pause`, `restart`).

use serde::Deserialize;
use serde_json::json;

use super::error::GraphError;
use super::{Operation, guid, job_view, ok};
use crate::entra::job::{JobRequest, ResetScope, WritebackJob};
use crate::estate::Estate;
use crate::wire::identity::app_role;
use crate::wire::message::Answer;

const READERS: [&str; 2] = [app_role::SYNCHRONIZATION_READ, app_role::SYNCHRONIZATION];

/// `GET .../synchronization/jobs`.
pub(super) fn list(operation: &Operation<'_>, principal: &str) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    operation.only_options(&[])?;
    operation.with(|estate, _| {
        let shown = job_view::job(job_of(estate, principal)?);
        let context = format!("servicePrincipals('{principal}')/synchronization/jobs");
        let body = json!({"@odata.context": operation.context(&context), "value": [shown]});
        Ok(ok(&body, estate.now()))
    })
}

/// `GET .../synchronization/jobs/{id}`.
pub(super) fn get(
    operation: &Operation<'_>,
    principal: &str,
    id: &str,
) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    operation.only_options(&[])?;
    operation.with(|estate, _| {
        let mut shown = job_view::job(named(job_of(estate, principal)?, id)?);
        let context = format!("servicePrincipals('{principal}')/synchronization/jobs/$entity");
        let mut body = json!({"@odata.context": operation.context(&context)});
        if let (Some(body), Some(shown)) = (body.as_object_mut(), shown.as_object_mut()) {
            body.append(shown);
        }
        Ok(ok(&body, estate.now()))
    })
}

/// `POST .../synchronization/jobs/{id}/{action}`: 204, and the engine does it in time.
pub(super) fn act(
    operation: &Operation<'_>,
    principal: &str,
    id: &str,
    action: &str,
) -> Result<Answer, GraphError> {
    operation.require(&[app_role::SYNCHRONIZATION])?;
    operation.with(|estate, _| {
        named(job_of(estate, principal)?, id)?;
        let request = match action {
            "start" => JobRequest::Start,
            "pause" => JobRequest::Pause,
            "restart" => JobRequest::Restart(reset_scope(operation.body)?),
            _ => return Err(GraphError::not_implemented()),
        };
        if let Some(job) = &mut estate.entra.job {
            if !job.attached {
                return Err(GraphError::no_engine());
            }
            job.ask(request);
        }
        Ok(Answer::no_content(estate.now()))
    })
}

fn job_of<'e>(estate: &'e Estate, principal: &str) -> Result<&'e WritebackJob, GraphError> {
    estate
        .entra
        .job
        .as_ref()
        .filter(|job| guid(principal) == Some(job.service_principal))
        .ok_or_else(|| GraphError::no_resource(principal))
}

fn named<'j>(job: &'j WritebackJob, id: &str) -> Result<&'j WritebackJob, GraphError> {
    if job.id.eq_ignore_ascii_case(id) { Ok(job) } else { Err(GraphError::no_resource(id)) }
}

#[derive(Deserialize, Default)]
struct Restart {
    #[serde(default)]
    criteria: Option<Criteria>,
}

#[derive(Deserialize)]
struct Criteria {
    #[serde(rename = "resetScope", default)]
    reset_scope: Option<String>,
}

/// `resetScope`: flags by name, with commas between them. Nothing given is everything
/// (synchronizationJobRestartCriteria, default `Full`).
fn reset_scope(body: &[u8]) -> Result<ResetScope, GraphError> {
    let restart: Restart = if body.is_empty() {
        Restart::default()
    } else {
        serde_json::from_slice(body)
            .map_err(|why| GraphError::bad_request(format!("Invalid request body: {why}")))?
    };
    let flags = restart.criteria.and_then(|criteria| criteria.reset_scope);
    let mut scope = ResetScope::default();
    for flag in flags.as_deref().unwrap_or("Full").split(',').map(str::trim) {
        match flag.to_ascii_lowercase().as_str() {
            "none" => {}
            "watermark" => scope.watermark = true,
            "escrows" => scope.escrows = true,
            "quarantinestate" => scope.quarantine = true,
            "full" => scope.full = true,
            "connectordatastore" | "forcedeletes" => return Err(GraphError::not_implemented()),
            _ => {
                return Err(GraphError::bad_request(format!(
                    "Invalid value '{flag}' specified for property 'resetScope'."
                )));
            }
        }
    }
    Ok(scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Flags come as one text; nothing said means everything.
    #[test]
    fn reset_scopes_are_flags() {
        let scope = reset_scope(br#"{"criteria":{"resetScope":"Watermark, Escrows"}}"#).unwrap();
        assert!(scope.watermark && scope.escrows && !scope.full && !scope.quarantine);
        assert!(reset_scope(b"").unwrap().full);
        assert!(reset_scope(br#"{"criteria":{"resetScope":"Water"}}"#).is_err());
        assert!(reset_scope(b"[").is_err());
    }
}
