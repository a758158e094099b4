//! Secrets and credentials of synchronization: the domain that a job writes to, and whether it is reached.
//!
//! Source: Microsoft Graph reference, "synchronization: secrets", "synchronizationJob: validateCredentials";
//! Microsoft Learn, "Programmatically configure cloud sync using MS Graph API".

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::GraphError;
use super::synchronization::{Principal, WRITERS, find, parse, principal};
use super::{Operation, guid, ok};
use crate::entra::configuration;
use crate::entra::job::TEMPLATE;
use crate::estate::Estate;
use crate::wire::message::Answer;

/// The domain that a configuration's secrets name.
pub(super) fn domain_of(secrets: &[(String, String)]) -> Option<String> {
    let (_, value) = secrets.iter().find(|(key, _)| key.eq_ignore_ascii_case("Domain"))?;
    let json: Option<Value> = serde_json::from_str(value).ok();
    let name = json.as_ref().and_then(|json| json["domain"].as_str());
    Some(name.unwrap_or(value).to_owned())
}

#[derive(Deserialize)]
struct Secrets {
    value: Vec<Secret>,
}

#[derive(Deserialize)]
struct Secret {
    key: String,
    #[serde(default)]
    value: Option<String>,
}

/// Keys of secrets that directory synchronization knows.
const KEYS: [&str; 5] =
    ["Domain", "AppKey", "SyncNotificationSettings", "CompanyId", "SynchronizationSchedule"];

/// `GET .../synchronization/secrets`: the keys alone.
pub(super) fn show(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    operation.with(|estate, _| {
        let secrets = match principal(estate, key)? {
            Principal::Own(job) => &job.secrets,
            Principal::Other(other) => &other.secrets,
        };
        let value: Vec<Value> =
            secrets.iter().map(|(key, _)| json!({"key": key, "value": null})).collect();
        let context = operation
            .context("Collection(microsoft.graph.synchronizationSecretKeyStringValuePair)");
        Ok(ok(&json!({"@odata.context": context, "value": value}), estate.now()))
    })
}

/// `PUT .../synchronization/secrets`: the complete list.
pub(super) fn put(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let given: Secrets = parse(operation.body)?;
    let unknown =
        given.value.iter().find(|s| !KEYS.iter().any(|key| key.eq_ignore_ascii_case(&s.key)));
    if let Some(secret) = unknown {
        return Err(GraphError::bad_request(format!(
            "Invalid value '{}' specified for property 'key'.",
            secret.key
        )));
    }
    operation.with(|estate, _| {
        principal(estate, key)?;
        for secret in given.value.iter().filter(|s| s.key.eq_ignore_ascii_case("Domain")) {
            check_domain(estate, secret.value.as_deref().unwrap_or_default())?;
        }
        let id = guid(key);
        let secrets: Vec<(String, String)> =
            given.value.into_iter().map(|s| (s.key, s.value.unwrap_or_default())).collect();
        let job = estate.entra.job.as_mut().filter(|job| Some(job.service_principal) == id);
        if let Some(job) = job {
            job.secrets = secrets;
        } else if let Some(other) =
            estate.entra.configurations.iter_mut().find(|other| Some(other.principal) == id)
        {
            if let (Some(job), Some(domain)) = (&mut other.job, domain_of(&secrets)) {
                job.domain = domain;
            }
            other.secrets = secrets;
        }
        Ok(Answer::no_content(estate.now()))
    })
}

/// The domain of the writeback: JSON with one member, or its name alone.
fn check_domain(estate: &Estate, value: &str) -> Result<(), GraphError> {
    let json: Option<Value> = serde_json::from_str(value).ok();
    let name = json.as_ref().and_then(|json| json["domain"].as_str()).unwrap_or(value);
    let known = estate.forests.domains().any(|(domain, _)| domain.dns.eq_ignore_ascii_case(name));
    if known {
        return Ok(());
    }
    Err(GraphError::bad_request(format!(
        "HybridIdentityServiceInvalidResource: no agent is registered for the domain '{name}'."
    )))
}

#[derive(Deserialize, Default)]
struct Credentials {
    #[serde(rename = "useSavedCredentials", default)]
    saved: bool,
    #[serde(rename = "templateId", default)]
    template: Option<String>,
    #[serde(default)]
    credentials: Vec<Secret>,
}

/// `POST .../validateCredentials`: 204 when the domain can be reached through an agent.
pub(super) fn validate(
    operation: &Operation<'_>,
    key: &str,
    id: Option<&str>,
) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let given: Credentials = parse(operation.body)?;
    operation.with(|estate, caller| {
        if let Some(id) = id {
            find(estate, key, id)?;
        }
        let template = given.template.as_deref().unwrap_or(TEMPLATE);
        if !configuration::TEMPLATES.iter().any(|known| known.jobs.contains(&template)) {
            return Err(GraphError::bad_request(format!("There is no template '{template}'.")));
        }
        let saved = match principal(estate, key)? {
            Principal::Own(job) if given.saved => job.secrets.clone(),
            Principal::Other(other) if given.saved => other.secrets.clone(),
            Principal::Own(_) | Principal::Other(_) => Vec::new(),
        };
        let fresh =
            given.credentials.iter().map(|s| (s.key.clone(), s.value.clone().unwrap_or_default()));
        let all: Vec<(String, String)> = saved.into_iter().chain(fresh).collect();
        let domain = all.iter().find(|(key, _)| key.eq_ignore_ascii_case("Domain"));
        let Some((_, domain)) = domain else {
            return Err(GraphError::bad_request("A credential with the key 'Domain' is required."));
        };
        check_domain(estate, domain)?;
        if !estate.list_agents(caller).iter().any(|agent| agent.active) {
            return Err(GraphError::bad_request(
                "HybridIdentityServiceNoActiveAgents: no agent of the domain is active.",
            ));
        }
        Ok(Answer::no_content(estate.now()))
    })
}
