//! Synchronization jobs of a service principal: what they are, and what is asked of them.
//!
//! The job itself runs in the engine: an action is put on record in Entra's job and the engine takes
//! it from there. A job of another configuration waits until it is started; then it takes the place of
//! the one that was there, which has to be deleted first: two writers of the same attributes are none.
//!
//! Source: Microsoft Graph reference, synchronization API; Microsoft Learn, "Programmatically configure
//! cloud sync using MS Graph API".
//!
//! # Divergence from Microsoft Graph
//! One writeback job runs at a time, for the one domain that the engine serves. Jobs of other templates
//! cannot be made: nothing here would run them. `ConnectorDataStore` alone is taken as `Full`: the engine forgets links and watermark together.
//! `ForceDeletes` is accepted and has nothing to do: this job deletes nothing.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::GraphError;
use super::secrets::domain_of;
use super::{Operation, derived_id, guid, job_view, ok, schema};
use crate::entra::configuration::{self, Configuration};
use crate::entra::job::{INTERVAL, JobRequest, ResetScope, TEMPLATE, WritebackJob};
use crate::entra::schema::Schema;
use crate::estate::Estate;
use crate::guid::Guid;
use crate::wire::identity::app_role;
use crate::wire::message::Answer;

const READERS: [&str; 4] = [
    app_role::SYNCHRONIZATION_READ,
    app_role::SYNCHRONIZATION,
    app_role::DIRECTORY_READ,
    app_role::DIRECTORY,
];

pub(super) const WRITERS: [&str; 2] = [app_role::SYNCHRONIZATION, app_role::DIRECTORY];

/// What a service principal is to synchronization.
pub(super) enum Principal<'e> {
    /// The one of the estate's writeback job.
    Own(&'e WritebackJob),
    /// Another out of a template.
    Other(&'e Configuration),
}

impl Principal<'_> {
    fn template(&self) -> &'static str {
        match self {
            Self::Own(_) => configuration::WRITEBACK,
            Self::Other(other) => other.template,
        }
    }
}

pub(super) fn principal<'e>(estate: &'e Estate, key: &str) -> Result<Principal<'e>, GraphError> {
    let id = guid(key).ok_or_else(|| GraphError::no_resource(key))?;
    if let Some(job) = estate.entra.job.as_ref().filter(|job| is_of(job, id)) {
        return Ok(Principal::Own(job));
    }
    let other = estate.entra.configurations.iter().find(|other| other.principal == id);
    other.map(Principal::Other).ok_or_else(|| GraphError::no_resource(key))
}

fn is_of(job: &WritebackJob, principal: Guid) -> bool {
    job.service_principal == principal && !job.withdrawn
}

fn waiting(other: &Configuration) -> Option<Value> {
    let has_domain = domain_of(&other.secrets).is_some();
    other.job.as_ref().map(|job| job_view::idle(job, has_domain))
}

pub(super) fn templates(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    operation.only_options(&[])?;
    operation.with(|estate, _| {
        let template = principal(estate, key)?.template();
        let names = configuration::template(template).map_or(&[][..], |template| template.jobs);
        let value: Vec<Value> = names.iter().map(|name| template_record(template, name)).collect();
        let context = format!("servicePrincipals('{key}')/synchronization/templates");
        let body = json!({"@odata.context": operation.context(&context), "value": value});
        Ok(ok(&body, estate.now()))
    })
}

pub(super) fn template(
    operation: &Operation<'_>,
    key: &str,
    id: &str,
) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    operation.with(|estate, _| {
        let template = principal(estate, key)?.template();
        let names = configuration::template(template).map_or(&[][..], |template| template.jobs);
        let name = names.iter().find(|name| name.eq_ignore_ascii_case(id));
        let name = name.ok_or_else(|| GraphError::no_resource(id))?;
        Ok(ok(&template_record(template, name), estate.now()))
    })
}

fn template_record(application: &str, name: &str) -> Value {
    json!({
        "id": name,
        "applicationId": application,
        "default": true,
        "description": null,
        "discoverable": true,
        "factoryTag": name,
        "metadata": [],
    })
}

/// `GET .../synchronization/jobs`.
pub(super) fn list(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    operation.only_options(&[])?;
    operation.with(|estate, _| {
        let jobs: Vec<Value> = match principal(estate, key)? {
            Principal::Own(job) if job.deleted => Vec::new(),
            Principal::Own(job) => vec![job_view::job(job)],
            Principal::Other(other) => waiting(other).into_iter().collect(),
        };
        let context = format!("servicePrincipals('{key}')/synchronization/jobs");
        let body = json!({"@odata.context": operation.context(&context), "value": jobs});
        Ok(ok(&body, estate.now()))
    })
}

/// `GET .../synchronization/jobs/{id}`.
pub(super) fn get(operation: &Operation<'_>, key: &str, id: &str) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    operation.only_options(&[])?;
    operation.with(|estate, _| {
        let mut shown = match find(estate, key, id)? {
            Found::Own(job) => job_view::job(job),
            Found::Waiting(_, other) => waiting(other).unwrap_or_default(),
        };
        let context = format!("servicePrincipals('{key}')/synchronization/jobs/$entity");
        let mut body = json!({"@odata.context": operation.context(&context)});
        if let (Some(body), Some(shown)) = (body.as_object_mut(), shown.as_object_mut()) {
            body.append(shown);
        }
        Ok(ok(&body, estate.now()))
    })
}

pub(super) enum Found<'e> {
    Own(&'e WritebackJob),
    /// It waits for its start.
    Waiting(&'e WritebackJob, &'e Configuration),
}

pub(super) fn find<'e>(estate: &'e Estate, key: &str, id: &str) -> Result<Found<'e>, GraphError> {
    let missing = || GraphError::no_resource(id);
    match principal(estate, key)? {
        Principal::Own(job) if !job.deleted && job.id.eq_ignore_ascii_case(id) => {
            Ok(Found::Own(job))
        }
        Principal::Own(_) => Err(missing()),
        Principal::Other(other) => {
            let job = other.job.as_ref().filter(|job| job.id.eq_ignore_ascii_case(id));
            job.map(|job| Found::Waiting(job, other)).ok_or_else(missing)
        }
    }
}

/// Goes on when a service principal has a job of this id that was started.
pub(super) fn named(estate: &Estate, key: &str, id: &str) -> Result<(), GraphError> {
    match find(estate, key, id)? {
        Found::Own(_) => Ok(()),
        Found::Waiting(..) => {
            Err(GraphError::bad_request("The synchronization job has not been started."))
        }
    }
}

/// The job of the estate, when an engine runs it.
pub(super) fn engine_job(estate: &mut Estate) -> Result<&mut WritebackJob, GraphError> {
    estate.entra.job.as_mut().filter(|job| job.attached).ok_or_else(GraphError::no_engine)
}

#[derive(Deserialize)]
struct NewJob {
    #[serde(rename = "templateId")]
    template: String,
}

/// `POST .../synchronization/jobs`: 201, and the job waits for its start.
pub(super) fn create(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let wanted: NewJob = parse(operation.body)?;
    let (shown, at) = operation.with(|estate, _| {
        let template = principal(estate, key)?.template();
        let names = configuration::template(template).map_or(&[][..], |template| template.jobs);
        let known = names.iter().find(|name| name.eq_ignore_ascii_case(&wanted.template));
        let name = *known.ok_or_else(|| {
            GraphError::bad_request(format!(
                "The template '{}' is not one of this service principal.",
                wanted.template
            ))
        })?;
        let (instance, tenant, now) = (estate.new_id(), estate.entra.tenant, estate.now());
        let id = guid(key);
        let own = estate.entra.job.as_ref().filter(|job| Some(job.service_principal) == id);
        if let Some(job) = own {
            if !job.deleted {
                return Err(conflict(name));
            }
            if !job.attached {
                return Err(GraphError::no_engine());
            }
            estate.make_job_anew(instance);
            let made = estate.entra.job.as_ref().map(job_view::job);
            return Ok((made.unwrap_or_default(), now));
        }
        if name != TEMPLATE {
            return Err(GraphError::not_implemented());
        }
        let rule = estate.new_id();
        let mut others = estate.entra.configurations.iter_mut();
        let other = others.find(|other| Some(other.principal) == id);
        let other = other.ok_or_else(|| GraphError::no_resource(key))?;
        if other.job.is_some() {
            return Err(conflict(name));
        }
        let domain = domain_of(&other.secrets).unwrap_or_else(|| other.name.clone());
        let ids = (other.principal, instance, rule);
        other.job = Some(WritebackJob::new(tenant, ids, domain, now, INTERVAL));
        Ok((waiting(other).unwrap_or_default(), now))
    })?;
    let mut answer = ok(&shown, at);
    answer.status = StatusCode::CREATED;
    Ok(answer)
}

fn conflict(template: &str) -> GraphError {
    GraphError::new(
        409,
        "Conflict",
        format!("This service principal has a job of the template '{template}' already."),
    )
}

/// `DELETE .../synchronization/jobs/{id}`: nothing that it wrote is undone.
pub(super) fn delete(operation: &Operation<'_>, key: &str, id: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    operation.with(|estate, _| {
        find(estate, key, id)?;
        let principal = guid(key);
        for other in &mut estate.entra.configurations {
            if Some(other.principal) == principal {
                other.job = None;
            }
        }
        if estate.entra.job.as_ref().is_some_and(|job| Some(job.service_principal) == principal) {
            estate.delete_job();
        }
        Ok(Answer::no_content(estate.now()))
    })
}

/// `POST .../synchronization/jobs/{id}/{action}`: 204, and the engine does it in time.
pub(super) fn act(
    operation: &Operation<'_>,
    key: &str,
    id: &str,
    action: &str,
) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let request = match action {
        "start" => JobRequest::Start,
        "restart" => JobRequest::Restart(reset_scope(operation.body)?),
        // `stop` is the older name.
        _ => JobRequest::Pause,
    };
    operation.with(|estate, _| {
        match find(estate, key, id)? {
            Found::Own(_) => {
                engine_job(estate)?;
                estate.ask_job(request);
            }
            // It does not run, as it is asked.
            Found::Waiting(..) if request == JobRequest::Pause => {}
            Found::Waiting(..) => begin(estate, key)?,
        }
        Ok(Answer::no_content(estate.now()))
    })
}

/// Starts the job of a configuration that waits for it.
fn begin(estate: &mut Estate, key: &str) -> Result<(), GraphError> {
    let running = engine_job(estate)?;
    let (principal, domain) = (running.service_principal, running.domain.clone());
    let running = (!running.deleted).then(|| running.id.clone());
    let (is_kept, app_id) = (!running_is_withdrawn(estate), derived_app_id(principal));
    let id = guid(key);
    let mut others = estate.entra.configurations.iter_mut();
    let other = others.find(|other| Some(other.principal) == id);
    let other = other.ok_or_else(|| GraphError::no_resource(key))?;
    let Some(wanted) = domain_of(&other.secrets) else {
        return Err(GraphError::bad_request(
            "HybridIdentityServiceInvalidResource: the secret 'Domain' has not been put.",
        ));
    };
    if !wanted.eq_ignore_ascii_case(&domain) {
        return Err(GraphError::no_engine());
    }
    if let Some(running) = running {
        return Err(GraphError::new(
            409,
            "Conflict",
            format!(
                "The domain '{domain}' is written to by the job '{running}' of the service principal '{principal}'. Delete that job first."
            ),
        ));
    }
    let Some(mut next) = other.job.take() else { return Err(GraphError::no_resource(key)) };
    next.secrets.clone_from(&other.secrets);
    let is_known = estate.entra.configurations.iter().any(|other| other.principal == principal);
    if is_kept && !is_known {
        // What the deleted job leaves behind is a configuration without a job.
        let left = Configuration {
            principal,
            application: estate.new_id(),
            app_id,
            name: domain,
            template: configuration::WRITEBACK,
            job: None,
            secrets: Vec::new(),
        };
        estate.entra.configurations.push(left);
    }
    estate.succeed_job(next);
    Ok(())
}

fn running_is_withdrawn(estate: &Estate) -> bool {
    estate.entra.job.as_ref().is_some_and(|job| job.withdrawn)
}

/// The application's client id behind the service principal of the estate's own job.
pub(super) fn derived_app_id(principal: Guid) -> Guid {
    guid(&derived_id(&format!("application of {principal}"))).unwrap_or(principal)
}

/// A job, with its schema.
fn own<'e>(estate: &'e Estate, key: &str, id: &str) -> Result<&'e WritebackJob, GraphError> {
    match find(estate, key, id)? {
        Found::Own(job) | Found::Waiting(job, _) => Ok(job),
    }
}

/// Puts another schema in the place of a job's, or the default one for `None`.
fn put(estate: &mut Estate, key: &str, schema: Option<Schema>) {
    let now = estate.now();
    let id = guid(key);
    match estate.entra.configurations.iter_mut().find(|other| Some(other.principal) == id) {
        Some(Configuration { job: Some(waiting), .. }) => {
            if schema.is_none() {
                waiting.created_on = now;
            }
            waiting.schema = schema;
        }
        _ => estate.put_job_schema(schema),
    }
}

/// Whether `mail` is mapped: by the profile's date, and the configuration's.
fn maps_mail(estate: &Estate, job: &WritebackJob) -> bool {
    let since = crate::clock::VirtualTime::from_jiff(MAIL_SINCE);
    estate.profile.is_on("mail_written_back") && job.created_on >= since
}

/// Configurations made from this day on map `mail` (Exchange Team Blog 2026-08-03).
const MAIL_SINCE: jiff::Timestamp = jiff::Timestamp::constant(1_785_715_200, 0);

pub(super) fn show_schema(
    operation: &Operation<'_>,
    key: &str,
    id: &str,
) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    operation.with(|estate, _| {
        let job = own(estate, key, id)?;
        let mut body = schema::document(job, maps_mail(estate, job));
        let context =
            format!("servicePrincipals('{key}')/synchronization/jobs('{id}')/schema/$entity");
        body["@odata.context"] = operation.context(&context).into();
        Ok(ok(&body, estate.now()))
    })
}

/// `PUT .../schema`: whoever runs the job is asked first; then it starts a new initial cycle (Microsoft
/// Learn, "How application provisioning works": changed mappings and scoping filters).
pub(super) fn put_schema(
    operation: &Operation<'_>,
    key: &str,
    id: &str,
) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let given: Value = parse(operation.body)?;
    operation.with(|estate, _| {
        own(estate, key, id)?;
        let check = engine_job(estate)?.schema_check.ok_or_else(GraphError::no_engine)?;
        (check.0)(&given).map_err(|refusal| {
            if refusal.unsupported {
                GraphError::new(501, "NotImplemented", refusal.why)
            } else {
                GraphError::bad_request(refusal.why)
            }
        })?;
        put(estate, key, Some(Schema::of_document(&given)));
        Ok(Answer::no_content(estate.now()))
    })
}

/// `DELETE .../schema`: the default mappings come back.
pub(super) fn restore_schema(
    operation: &Operation<'_>,
    key: &str,
    id: &str,
) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    operation.with(|estate, _| {
        own(estate, key, id)?;
        engine_job(estate)?;
        put(estate, key, None);
        Ok(Answer::no_content(estate.now()))
    })
}

pub(super) fn discover(
    operation: &Operation<'_>,
    key: &str,
    id: &str,
    directory: &str,
) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    operation.with(|estate, _| {
        let job = own(estate, key, id)?;
        let known = schema::directories(job, maps_mail(estate, job));
        let found = known.into_iter().find(|known| known["id"] == directory);
        let found = found.ok_or_else(|| GraphError::no_resource(directory))?;
        Ok(ok(&found, estate.now()))
    })
}

pub(super) fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, GraphError> {
    serde_json::from_slice(body)
        .map_err(|why| GraphError::bad_request(format!("Invalid request body: {why}")))
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

/// `resetScope`: flags by name, with commas between them. Nothing given is what the portal's "Restart
/// provisioning" does: watermark, escrows and quarantine (synchronizationJobRestartCriteria).
pub(super) fn reset_scope(body: &[u8]) -> Result<ResetScope, GraphError> {
    let restart: Restart = if body.is_empty() { Restart::default() } else { parse(body)? };
    let flags = restart.criteria.and_then(|criteria| criteria.reset_scope);
    let mut scope = ResetScope::default();
    let Some(flags) = flags.filter(|flags| !flags.trim().is_empty()) else {
        (scope.watermark, scope.escrows, scope.quarantine) = (true, true, true);
        return Ok(scope);
    };
    for flag in flags.split(',').map(str::trim) {
        match flag.to_ascii_lowercase().as_str() {
            "none" | "forcedeletes" => {}
            "watermark" => scope.watermark = true,
            "escrows" => scope.escrows = true,
            "quarantinestate" => scope.quarantine = true,
            "full" | "connectordatastore" => scope.full = true,
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

    /// Flags come as one text; nothing said is what the portal does.
    #[test]
    fn reset_scopes_are_flags() {
        let scope = reset_scope(br#"{"criteria":{"resetScope":"Watermark, Escrows"}}"#).unwrap();
        assert!(scope.watermark && scope.escrows && !scope.full && !scope.quarantine);
        let all = reset_scope(b"").unwrap();
        assert!(all.watermark && all.escrows && all.quarantine && !all.full, "links are kept");
        assert!(reset_scope(br#"{"criteria":{"resetScope":"Full"}}"#).unwrap().full);
        assert!(reset_scope(br#"{"criteria":{"resetScope":"Water"}}"#).is_err());
        assert!(reset_scope(b"[").is_err());
    }
}
