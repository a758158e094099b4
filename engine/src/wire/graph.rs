//! Entra over Microsoft Graph.
//!
//! Sources: Microsoft Graph reference: `directoryObject: getByIds`, `onPremisesAgent`,
//! `organization`; "Paging Microsoft Graph data in your app".

use hashbrown::HashMap;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use rustc_hash::FxBuildHasher;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::WireError;
use super::http::{self, Service, malformed};
use crate::guid::Guid;
use crate::ports::{
    Agent, AgentName, CallError, Entra, MailboxId, Row, SyncConfiguration, USER_BATCH, User,
};
use crate::time::Timestamp;

/// Where the parts of Graph are.
#[derive(Clone)]
pub(super) struct Places {
    users: Url,
    agents: Url,
    organization: Url,
}

impl Places {
    pub(super) fn new(base: &str) -> Result<Self, WireError> {
        let place = |segments: &[&str], query: Option<&str>| {
            let mut url = http::place("Microsoft Graph", base, segments)?;
            url.set_query(query);
            Ok(url)
        };
        Ok(Self {
            users: place(
                &["beta", "directoryObjects", "getByIds"],
                Some(
                    "$select=id,onPremisesSyncEnabled,onPremisesImmutableId,\
                     onPremisesObjectIdentifier,onPremisesDomainName",
                ),
            )?,
            agents: place(
                &["beta", "onPremisesPublishingProfiles", "provisioning", "agents"],
                Some("$expand=agentGroups"),
            )?,
            organization: place(
                &["v1.0", "organization"],
                Some("$select=id,onPremisesSyncEnabled,onPremisesLastSyncDateTime"),
            )?,
        })
    }
}

/// The port to Entra over HTTPS.
pub struct GraphApi {
    runtime: Handle,
    service: Service,
    places: Places,
}

impl GraphApi {
    pub(super) fn new(runtime: Handle, service: Service, places: Places) -> Self {
        Self { runtime, service, places }
    }

    async fn users_by_id(&mut self, ids: &[MailboxId]) -> Result<Vec<Row<User>>, CallError> {
        let url = self.places.users.clone();
        let mut found: HashMap<Guid, Result<User, CallError>, FxBuildHasher> = HashMap::default();
        let mut nobodys = None;
        for ids in ids.chunks(USER_BATCH) {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            let body = json!({"ids": ids, "types": ["user"]});
            for row in self.list::<Reading<UserRow>>(&url, Some(body)).await? {
                match row.into_user() {
                    (Some(id), user) => {
                        found.insert(id, user);
                    }
                    (None, user) => nobodys = nobodys.or(user.err()),
                }
            }
        }
        // Cloned, as an id may be asked for twice. A row that does not say whose it is may be that of
        // anybody who did not come.
        let row = |id: &MailboxId| match found.get(&id.0) {
            Some(user) => user.clone().map(Some),
            None => nobodys.clone().map_or(Ok(None), Err),
        };
        Ok(ids.iter().map(row).collect())
    }

    async fn list_agents(&mut self) -> Result<Vec<Agent>, CallError> {
        let url = self.places.agents.clone();
        let agents: Vec<AgentRow> = self.list(&url, None).await?;
        Ok(agents
            .into_iter()
            .map(|row| Agent {
                name: AgentName(row.machine_name),
                active: row.status.eq_ignore_ascii_case("active"),
                version: row.version,
            })
            .collect())
    }

    async fn organization(&mut self) -> Result<SyncConfiguration, CallError> {
        let url = self.places.organization.clone();
        let rows: Vec<OrganizationRow> = self.list(&url, None).await?;
        let row = rows.into_iter().next().ok_or_else(|| malformed(&"there is no organization"))?;
        let last_sync = row.on_premises_last_sync_date_time.filter(|text| !text.is_empty());
        let last_sync = last_sync
            .map(|text| text.parse::<jiff::Timestamp>())
            .transpose()
            .map_err(|error| malformed(&format!("onPremisesLastSyncDateTime: {error}")))?;
        Ok(SyncConfiguration {
            enabled: row.on_premises_sync_enabled.unwrap_or(false),
            last_sync: last_sync.map(|at| Timestamp::from_micros(at.as_microsecond())),
        })
    }

    /// The service's clock, as its answers show it; `None` where they show none.
    pub(super) fn clock(&mut self) -> Result<Option<Timestamp>, CallError> {
        let url = self.places.organization.clone();
        let headers = HeaderMap::new();
        let asked = self.service.call(Method::GET, &url, &headers, None);
        let answer = self.runtime.clone().block_on(asked).map_err(|failure| failure.error)?;
        Ok(answer.date)
    }

    /// All rows of a listing, page after page. Only the first page is asked for with `body`: a next
    /// link of Graph is followed by GET.
    async fn list<T: DeserializeOwned>(
        &mut self,
        url: &Url,
        body: Option<Value>,
    ) -> Result<Vec<T>, CallError> {
        let mut page: Page<T> = self.ask(url, body.as_ref()).await?;
        let mut rows = page.value;
        while let Some(link) = page.next_link.filter(|link| !link.trim().is_empty()) {
            page = self.ask(&http::next_link(url, &link)?, None).await?;
            rows.append(&mut page.value);
        }
        Ok(rows)
    }

    async fn ask<T: DeserializeOwned>(
        &mut self,
        url: &Url,
        body: Option<&Value>,
    ) -> Result<T, CallError> {
        let headers =
            HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let body = body.map(Value::to_string);
        let answer = self
            .service
            .call(method, url, &headers, body.as_ref().map(String::as_bytes))
            .await
            .map_err(|failure| failure.error)?;
        answer.json()
    }
}

impl Entra for GraphApi {
    fn user_rows(&mut self, ids: &[MailboxId]) -> Result<Vec<Row<User>>, CallError> {
        self.runtime.clone().block_on(self.users_by_id(ids))
    }

    fn agents(&mut self) -> Result<Vec<Agent>, CallError> {
        self.runtime.clone().block_on(self.list_agents())
    }

    fn sync_configuration(&mut self) -> Result<SyncConfiguration, CallError> {
        self.runtime.clone().block_on(self.organization())
    }
}

#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserRow {
    id: String,
    on_premises_sync_enabled: Option<bool>,
    on_premises_immutable_id: Option<String>,
    on_premises_object_identifier: Option<String>,
    on_premises_domain_name: Option<String>,
}

/// A row that is read, or as it came where it cannot be: it spoils no other row.
#[derive(Deserialize)]
#[serde(untagged)]
enum Reading<T> {
    Read(T),
    Odd(Value),
}

impl Reading<UserRow> {
    /// Whose it is, where it says so, and what it says.
    fn into_user(self) -> (Option<Guid>, Result<User, CallError>) {
        match self {
            Self::Read(row) => (row.id.parse().ok(), row.into_user()),
            Self::Odd(row) => {
                let id = row["id"].as_str();
                let whose = id.unwrap_or("a user without an id");
                let detail = format!("the row of {whose} has a member of another type");
                (id.and_then(|id| id.parse().ok()), Err(malformed(&detail)))
            }
        }
    }
}

impl UserRow {
    fn into_user(self) -> Result<User, CallError> {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(User {
            id: MailboxId(self.id.parse().map_err(|error| malformed(&error))?),
            sync_enabled: self.on_premises_sync_enabled,
            immutable_id: some(self.on_premises_immutable_id),
            object_identifier: some(self.on_premises_object_identifier)
                .map(|text| text.parse())
                .transpose()
                .map_err(|error| malformed(&format!("onPremisesObjectIdentifier: {error}")))?,
            domain: some(self.on_premises_domain_name),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AgentRow {
    machine_name: String,
    status: String,
    /// Not part of the documented type.
    version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrganizationRow {
    on_premises_sync_enabled: Option<bool>,
    on_premises_last_sync_date_time: Option<String>,
}

#[cfg(test)]
mod tests;
