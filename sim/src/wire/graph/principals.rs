//! Application templates, service principals and applications, as far as synchronization needs them.
//!
//! Source: Microsoft Graph reference, resource types applicationTemplate, servicePrincipal, application;
//! "applicationTemplate: instantiate".

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::GraphError;
use super::{Operation, derived_id, guid, listing, ok, synchronization};
use crate::entra::configuration::{self, ApplicationTemplate, Configuration, TEMPLATES};
use crate::estate::Estate;
use crate::wire::identity::app_role;
use crate::wire::message::Answer;

const READERS: [&str; 4] = [
    app_role::APPLICATION_READ,
    app_role::APPLICATION,
    app_role::DIRECTORY_READ,
    app_role::DIRECTORY,
];

const WRITERS: [&str; 2] = [app_role::APPLICATION, app_role::DIRECTORY];

const PAGE: (usize, usize) = (100, 999);

/// `GET /applicationTemplates`.
pub(super) fn templates(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    let at = operation.with(|estate, _| estate.now());
    let all: Vec<Value> = TEMPLATES.iter().map(template_record).collect();
    let sample = all.first().cloned().unwrap_or_default();
    let collection = listing::Collection {
        context: "applicationTemplates",
        kind: "ApplicationTemplate",
        page: PAGE,
        sample,
    };
    listing::records(operation, &collection, all, at)
}

/// `GET /applicationTemplates/{id}`.
pub(super) fn template(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    let at = operation.with(|estate, _| estate.now());
    let template = configuration::template(key).ok_or_else(|| GraphError::no_resource(key))?;
    let context = ("applicationTemplates", "applicationTemplate");
    listing::entity(operation, context, template_record(template), at)
}

#[derive(Deserialize)]
struct Instantiate {
    #[serde(rename = "displayName")]
    name: String,
}

/// `POST /applicationTemplates/{id}/instantiate`.
pub(super) fn instantiate(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let template = configuration::template(key).ok_or_else(|| GraphError::no_resource(key))?;
    let wanted: Instantiate = serde_json::from_slice(operation.body)
        .map_err(|why| GraphError::bad_request(format!("Invalid request body: {why}")))?;
    if wanted.name.trim().is_empty() {
        return Err(GraphError::bad_request("The displayName must not be empty."));
    }
    let (made, at) = operation.with(|estate, _| {
        let [principal, application, app_id] = [(); 3].map(|()| estate.new_id());
        let made = Configuration {
            principal,
            application,
            app_id,
            name: wanted.name,
            template: template.id,
            job: None,
            secrets: Vec::new(),
        };
        estate.entra.configurations.push(made.clone());
        (made, estate.now())
    });
    let mut application = application_record(&made);
    let mut principal = principal_record(&made);
    // Some samples of the documentation show both names of the id.
    application["objectId"] = made.application.to_string().into();
    principal["objectId"] = made.principal.to_string().into();
    let body = json!({
        "@odata.context": operation.context("microsoft.graph.applicationServicePrincipal"),
        "application": application,
        "servicePrincipal": principal,
    });
    let mut answer = ok(&body, at);
    answer.status = StatusCode::CREATED;
    Ok(answer)
}

/// `GET /servicePrincipals`.
pub(super) fn principals(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let (all, at) = operation.with(|estate, _| (all_principals(operation, estate), estate.now()));
    let sample = all.first().cloned().unwrap_or_default();
    let collection = listing::Collection {
        context: "servicePrincipals",
        kind: "ServicePrincipal",
        page: PAGE,
        sample,
    };
    listing::records(operation, &collection, all, at)
}

/// `GET /servicePrincipals/{id}`, by id or as `servicePrincipals(appId='...')`.
pub(super) fn principal(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    operation.only_options(&["select"])?;
    let (all, at) = operation.with(|estate, _| (all_principals(operation, estate), estate.now()));
    let found = all.into_iter().find(|record| is_called(record, key));
    let record = found.ok_or_else(|| GraphError::no_resource(key))?;
    listing::entity(operation, ("servicePrincipals", "servicePrincipal"), record, at)
}

/// `DELETE /servicePrincipals/{id}`: with its job; what that wrote stays. The applications that tests sign in with stay.
pub(super) fn delete_principal(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    operation.with(|estate, _| {
        let id = guid(key);
        let before = estate.entra.configurations.len();
        estate.entra.configurations.retain(|made| Some(made.principal) != id);
        let mut is_found = estate.entra.configurations.len() < before;
        let own = estate.entra.job.as_ref();
        if own.is_some_and(|job| Some(job.service_principal) == id && !job.withdrawn) {
            estate.delete_job();
            estate.entra.job.iter_mut().for_each(|job| job.withdrawn = true);
            is_found = true;
        }
        if !is_found {
            return Err(GraphError::no_resource(key));
        }
        Ok(Answer::no_content(estate.now()))
    })
}

/// `GET /applications`.
pub(super) fn applications(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let (all, at) = operation.with(|estate, _| {
        let made = estate.entra.configurations.iter().map(application_record);
        let own =
            operation.identity.applications.list.iter().filter(|own| !own.is_engine).map(|own| {
                json!({
                    "id": derived_id(&format!("application {}", own.client_id)),
                    "appId": own.client_id.to_string(),
                    "displayName": own.name,
                    "applicationTemplateId": null,
                    "signInAudience": "AzureADMyOrg",
                })
            });
        (own.chain(made).collect::<Vec<Value>>(), estate.now())
    });
    let sample = all.first().cloned().unwrap_or_default();
    let collection =
        listing::Collection { context: "applications", kind: "Application", page: PAGE, sample };
    listing::records(operation, &collection, all, at)
}

fn is_called(record: &Value, key: &str) -> bool {
    ["id", "appId"]
        .iter()
        .any(|name| record[name].as_str().is_some_and(|id| id.eq_ignore_ascii_case(key)))
}

fn all_principals(operation: &Operation<'_>, estate: &Estate) -> Vec<Value> {
    let made = &estate.entra.configurations;
    let job = estate.entra.job.as_ref().filter(|job| {
        !job.withdrawn && !made.iter().any(|made| made.principal == job.service_principal)
    });
    let job = job.map(|job| {
        record(&Principal {
            id: job.service_principal.to_string(),
            app_id: synchronization::derived_app_id(job.service_principal).to_string(),
            name: &job.domain,
            template: Some(configuration::WRITEBACK),
        })
    });
    let own = operation.identity.applications.list.iter().filter(|own| !own.is_engine).map(|own| {
        record(&Principal {
            id: own.principal.to_string(),
            app_id: own.client_id.to_string(),
            name: &own.name,
            template: None,
        })
    });
    let made = estate.entra.configurations.iter().map(principal_record);
    let resources = RESOURCES.iter().map(|(app_id, name)| {
        record(&Principal {
            id: derived_id(&format!("{app_id} in {}", estate.entra.tenant)),
            app_id: (*app_id).to_owned(),
            name,
            template: None,
        })
    });
    job.into_iter().chain(own).chain(made).chain(resources).collect()
}

/// The services that tokens are for: application id and display name, in every tenant the same.
const RESOURCES: [(&str, &str); 2] = [
    ("00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online"),
    ("00000003-0000-0000-c000-000000000000", "Microsoft Graph"),
];

struct Principal<'p> {
    id: String,
    app_id: String,
    name: &'p str,
    template: Option<&'p str>,
}

fn record(principal: &Principal<'_>) -> Value {
    json!({
        "id": principal.id,
        "accountEnabled": true,
        "appDisplayName": principal.name,
        "appId": principal.app_id,
        "applicationTemplateId": principal.template,
        "displayName": principal.name,
        "servicePrincipalType": "Application",
        "servicePrincipalNames": [principal.app_id],
        "signInAudience": "AzureADMyOrg",
        "tags": [],
    })
}

fn principal_record(made: &Configuration) -> Value {
    record(&Principal {
        id: made.principal.to_string(),
        app_id: made.app_id.to_string(),
        name: &made.name,
        template: Some(made.template),
    })
}

fn application_record(made: &Configuration) -> Value {
    json!({
        "id": made.application.to_string(),
        "appId": made.app_id.to_string(),
        "displayName": made.name,
        "applicationTemplateId": made.template,
        "signInAudience": "AzureADMyOrg",
    })
}

fn template_record(template: &ApplicationTemplate) -> Value {
    json!({
        "id": template.id,
        "displayName": template.name,
        "categories": ["provisioning"],
        "publisher": "Microsoft",
        "supportedProvisioningTypes": ["sync"],
        "supportedSingleSignOnModes": [],
    })
}
