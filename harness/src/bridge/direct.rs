//! The engine's ports as function calls into the estate.
//!
//! Each call asks the same doors as the servers do, with the requests that the HTTPS and LDAP adapters
//! would send. A connection to an agent is opened at the first use and is gone after a failure, as a
//! socket would be.

mod view;

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::ports::{
    Agent, AgentName, AnchorKey, CMDLETS_A_REQUEST, CallError, ChangeOperation, Directory,
    DirectoryObject, Entra, ExchangeOnline, KEYS_A_SEARCH, MAILBOX_PAGE, Mailbox, MailboxChange,
    MailboxId, MailboxPage, Modification, Name, ObjectGuid, Organization, PageToken, Row,
    SetOutcome, SyncConfiguration, USER_BATCH, User, WriteOutcome, is_of_user, lost_at,
};
use engine::time::Timestamp;
use sim::caller::Caller;
use sim::directory::answer::LdapResult;
use sim::directory::request as ldap;
use sim::estate::{Estate, Passage};
use sim::exchange::cmdlets::{CmdletError, ErrorKind, Rows};
use sim::powershell::{Argument, CmdletCall};
use sim::wire::shared::SharedEstate;

use super::translate::{guid_to_engine, guid_to_sim, to_engine};
use view::{MailboxView, ObjectView};

/// Exchange Online and Entra by function calls.
#[derive(Clone)]
pub struct DirectCloud {
    estate: SharedEstate,
    caller: Caller,
}

impl DirectCloud {
    /// The cloud as `caller` sees it.
    #[must_use]
    pub const fn new(estate: SharedEstate, caller: Caller) -> Self {
        Self { estate, caller }
    }
}

impl DirectCloud {
    /// Runs cmdlets that change something, ten a request, as the adapter over the wire does.
    fn send(
        &self,
        places: &[usize],
        call: impl Fn(usize) -> CmdletCall,
    ) -> Result<Vec<SetOutcome>, CallError> {
        self.estate.with(|estate| {
            let mut outcomes = Vec::with_capacity(places.len());
            for request in places.chunks(CMDLETS_A_REQUEST) {
                let answers: Vec<_> = request
                    .iter()
                    .map(|at| estate.cmdlet(&self.caller, &call(*at), None, MAILBOX_PAGE))
                    .collect();
                let whole = all_throttled(&answers);
                if let (Some(wait), true) = (whole, outcomes.is_empty()) {
                    return Err(CallError::Throttled { retry_after: Some(wait) });
                }
                outcomes.extend(answers.into_iter().map(|answer| match (whole, answer) {
                    (Some(wait), _) => SetOutcome::Throttled { retry_after: Some(wait) },
                    (None, Ok(_)) => SetOutcome::Accepted,
                    (None, Err(error)) => set_refused(error),
                }));
                // A service that throttles is left alone: nothing more is sent.
                if outcomes.iter().any(|one| matches!(one, SetOutcome::Throttled { .. })) {
                    break;
                }
            }
            outcomes.resize(places.len(), SetOutcome::NotSent);
            Ok(outcomes)
        })
    }

    /// What `Get-User` shows is in the view already; asking for it costs the same as over the wire.
    fn charge_users(&self, ids: &[MailboxId]) -> Result<(), CallError> {
        self.estate.with(|estate| {
            for request in ids.chunks(CMDLETS_A_REQUEST) {
                let mut refusal = None;
                for id in request {
                    let parameters = vec![identity(*id)];
                    let call = CmdletCall { name: "Get-User".to_owned(), parameters };
                    match estate.cmdlet(&self.caller, &call, None, MAILBOX_PAGE) {
                        Err(error) if error.kind != ErrorKind::NotFound => {
                            refusal = refusal.or(Some(error));
                        }
                        Ok(_) | Err(_) => {}
                    }
                }
                if let Some(error) = refusal {
                    return Err(refused(error));
                }
            }
            Ok(())
        })
    }
}

impl ExchangeOnline for DirectCloud {
    fn mailboxes_changed(
        &mut self,
        since: Option<Timestamp>,
        page: Option<&PageToken>,
        properties: &[Name],
    ) -> Result<MailboxPage, CallError> {
        let call = list_call(since);
        self.estate.with(|estate| {
            let output = estate
                .cmdlet(&self.caller, &call, page.map(|token| token.0.as_str()), MAILBOX_PAGE)
                .map_err(refused)?;
            let rows = match &output.rows {
                Rows::Mailboxes(rows) => {
                    let mut view = MailboxView::new(properties);
                    rows.iter().filter_map(|number| view.mailbox(estate, *number)).collect()
                }
                Rows::None
                | Rows::Organization
                | Rows::Objects(_)
                | Rows::Recipients(..)
                | Rows::AcceptedDomains
                | Rows::Audit { .. } => Vec::new(),
            };
            Ok(MailboxPage {
                rows,
                unread: Vec::new(),
                next: output.next.map(PageToken),
                as_of: to_engine(estate.now()).floor_to_second(),
            })
        })
    }

    fn mailbox_rows(
        &mut self,
        ids: &[MailboxId],
        properties: &[Name],
    ) -> Result<Vec<Row<Mailbox>>, CallError> {
        let mut view = MailboxView::new(properties);
        let found = self.estate.with(|estate| {
            let mut found = Vec::with_capacity(ids.len());
            // A request is one `$batch`: all of it is carried out before a refusal is seen.
            for request in ids.chunks(CMDLETS_A_REQUEST) {
                let mut throttled = None;
                for id in request {
                    let call = CmdletCall {
                        name: "Get-Mailbox".to_owned(),
                        parameters: vec![identity(*id)],
                    };
                    match estate.cmdlet(&self.caller, &call, None, MAILBOX_PAGE) {
                        Ok(output) => found.push(Ok(match &output.rows {
                            Rows::Mailboxes(rows) => {
                                rows.last().and_then(|number| view.mailbox(estate, *number))
                            }
                            Rows::None
                            | Rows::Organization
                            | Rows::Objects(_)
                            | Rows::Recipients(..)
                            | Rows::AcceptedDomains
                            | Rows::Audit { .. } => None,
                        })),
                        Err(error) if error.kind == ErrorKind::NotFound => found.push(Ok(None)),
                        Err(error) if matches!(error.kind, ErrorKind::Throttled { .. }) => {
                            throttled = throttled.or(Some(error));
                        }
                        Err(error) => found.push(Err(refused(error))),
                    }
                }
                if let Some(error) = throttled {
                    return Err(refused(error));
                }
            }
            Ok(found)
        })?;
        if properties.iter().any(|name| is_of_user(name)) {
            let ids: Vec<MailboxId> =
                found.iter().flatten().flatten().map(|mailbox: &Mailbox| mailbox.id).collect();
            self.charge_users(&ids)?;
        }
        Ok(found)
    }

    fn set_mailboxes(&mut self, changes: &[MailboxChange]) -> Result<Vec<SetOutcome>, CallError> {
        let sets_mailbox = |change: &MailboxChange| {
            change.cloud_managed.is_some()
                || change.values.iter().any(|(name, _)| !is_of_user(name))
        };
        let sets_user =
            |change: &MailboxChange| change.values.iter().any(|(name, _)| is_of_user(name));
        let of_mailbox: Vec<usize> =
            (0..changes.len()).filter(|at| sets_mailbox(&changes[*at])).collect();
        let mut outcomes = vec![SetOutcome::Accepted; changes.len()];
        let answers = self.send(&of_mailbox, |at| set_call(&changes[at]))?;
        for (at, outcome) in of_mailbox.iter().zip(answers) {
            outcomes[*at] = outcome;
        }
        let accepted =
            |at: &usize| outcomes[*at] == SetOutcome::Accepted && sets_user(&changes[*at]);
        let of_user: Vec<usize> = (0..changes.len()).filter(accepted).collect();
        let answers = match self.send(&of_user, |at| user_call(&changes[at])) {
            Ok(answers) => answers,
            Err(CallError::Throttled { retry_after }) if !of_mailbox.is_empty() => {
                vec![SetOutcome::Throttled { retry_after }; of_user.len()]
            }
            Err(error) => return Err(error),
        };
        for (at, outcome) in of_user.into_iter().zip(answers) {
            outcomes[at] = outcome;
        }
        Ok(outcomes)
    }

    fn organization(&mut self) -> Result<Organization, CallError> {
        let call = CmdletCall { name: "Get-OrganizationConfig".to_owned(), parameters: Vec::new() };
        self.estate.with(|estate| {
            estate.cmdlet(&self.caller, &call, None, MAILBOX_PAGE).map_err(refused)?;
            Ok(Organization {
                tenant: guid_to_engine(estate.entra.tenant),
                cloud_managed_by_default: estate.exchange.cloud_managed_by_default,
            })
        })
    }
}

impl Entra for DirectCloud {
    fn user_rows(&mut self, ids: &[MailboxId]) -> Result<Vec<Row<User>>, CallError> {
        let ids: Vec<_> = ids.iter().map(|id| guid_to_sim(id.0)).collect();
        self.estate.with(|estate| {
            let mut users = Vec::with_capacity(ids.len());
            for request in ids.chunks(USER_BATCH) {
                let numbers = estate.users(&self.caller, request);
                users.extend(
                    numbers
                        .into_iter()
                        .map(|number| Ok(number.and_then(|number| user(estate, number)))),
                );
            }
            Ok(users)
        })
    }

    fn agents(&mut self) -> Result<Vec<Agent>, CallError> {
        self.estate.with(|estate| {
            let agents = estate.list_agents(&self.caller);
            Ok(agents
                .into_iter()
                .map(|agent| Agent {
                    name: AgentName(agent.name),
                    active: agent.active,
                    version: Some(agent.version),
                })
                .collect())
        })
    }

    fn sync_configuration(&mut self) -> Result<SyncConfiguration, CallError> {
        self.estate.with(|estate| {
            let view = estate.organization(&self.caller);
            Ok(SyncConfiguration {
                enabled: view.sync_enabled,
                last_sync: view.last_sync.map(|at| to_engine(at).floor_to_second()),
            })
        })
    }
}

/// Active Directory by function calls, through agents.
pub struct DirectGateways {
    estate: SharedEstate,
    base: ldap::Name,
    connected: BTreeSet<String>,
}

impl DirectGateways {
    /// Gateways of an estate; searches start at `base_dn`.
    #[must_use]
    pub fn new(estate: SharedEstate, base_dn: &str) -> Self {
        Self { estate, base: ldap::Name::from_text(base_dn), connected: BTreeSet::new() }
    }

    fn connect(&mut self, agent: &AgentName) -> Result<(), CallError> {
        if self.connected.contains(&agent.0) {
            return Ok(());
        }
        if !self.estate.with(|estate| estate.gateway_connect(&agent.0)) {
            return Err(unreachable(agent));
        }
        self.connected.insert(agent.0.clone());
        Ok(())
    }

    fn search(
        &mut self,
        agent: &AgentName,
        keys: Vec<ldap::Filter>,
        attributes: &[Name],
    ) -> Result<Vec<DirectoryObject>, CallError> {
        let mut objects = Vec::with_capacity(keys.len());
        let mut view = None;
        let mut keys = keys.into_iter().peekable();
        while keys.peek().is_some() {
            let chunk: Vec<ldap::Filter> = keys.by_ref().take(KEYS_A_SEARCH).collect();
            self.connect(agent)?;
            let request = self.request(chunk, attributes);
            let passage = self.estate.with(|estate| {
                let passage = estate.gateway_search(&agent.0, &request);
                let at = estate.agent(&agent.0).map(|agent| agent.dc);
                let forest = at.and_then(|at| Some((estate.forests.get(at.forest)?, at.dc)));
                if let (Passage::Answered(Ok(found)), Some((forest, dc))) = (&passage, forest) {
                    let view =
                        view.get_or_insert_with(|| ObjectView::new(forest.schema(), attributes));
                    objects.extend(found.hits.iter().map(|hit| view.object(forest, dc, hit)));
                }
                passage
            });
            match passage {
                Passage::Answered(Ok(_)) => {}
                Passage::Answered(Err(result)) => return Err(refused_search(&result)),
                Passage::Refused | Passage::Lost => {
                    self.connected.remove(&agent.0);
                    return Err(unreachable(agent));
                }
            }
        }
        objects.sort_by_key(|object| object.guid);
        objects.dedup_by_key(|object| object.guid);
        Ok(objects)
    }

    fn request(&self, mut keys: Vec<ldap::Filter>, attributes: &[Name]) -> ldap::SearchRequest {
        let filter = match (keys.len(), keys.pop()) {
            (1, Some(only)) => only,
            (_, last) => ldap::Filter::Or(keys.into_iter().chain(last).collect()),
        };
        ldap::SearchRequest {
            base: self.base.clone(),
            scope: ldap::Scope::Subtree,
            filter,
            selection: attributes.iter().map(|name| name.as_ref().into()).collect(),
            size_limit: 0,
            time_limit: 0,
            types_only: false,
        }
    }
}

impl Directory for DirectGateways {
    fn find(
        &mut self,
        agent: &AgentName,
        keys: &[AnchorKey],
        attributes: &[Name],
    ) -> Result<Vec<DirectoryObject>, CallError> {
        self.search(agent, keys.iter().map(key_filter).collect(), attributes)
    }

    fn read(
        &mut self,
        agent: &AgentName,
        objects: &[ObjectGuid],
        attributes: &[Name],
    ) -> Result<Vec<DirectoryObject>, CallError> {
        let keys = objects.iter().map(|object| key_filter(&AnchorKey::ObjectGuid(object.0)));
        self.search(agent, keys.collect(), attributes)
    }

    fn modify(
        &mut self,
        agent: &AgentName,
        batch: &[Modification],
    ) -> Result<Vec<WriteOutcome>, CallError> {
        self.connect(agent)?;
        let mut outcomes = Vec::with_capacity(batch.len());
        for modification in batch {
            let request = modify_request(modification);
            let passage = self.estate.with(|estate| estate.gateway_modify(&agent.0, &request));
            match passage {
                Passage::Answered(result) => outcomes.push(WriteOutcome::Result {
                    code: u32::from(result.code.number()),
                    diagnostic: result.diagnostic,
                }),
                Passage::Refused | Passage::Lost => {
                    self.connected.remove(&agent.0);
                    lost_at(&mut outcomes, batch.len());
                    break;
                }
            }
        }
        Ok(outcomes)
    }
}

fn list_call(since: Option<Timestamp>) -> CmdletCall {
    let mut parameters = vec![
        ("ResultSize".to_owned(), Argument::Text("Unlimited".to_owned())),
        ("SortBy".to_owned(), Argument::Text("WhenChangedUTC".to_owned())),
    ];
    if let Some(since) = since {
        let filter = format!("WhenChangedUTC -ge '{}'", since.floor_to_second());
        parameters.insert(0, ("Filter".to_owned(), Argument::Text(filter)));
    }
    CmdletCall { name: "Get-Mailbox".to_owned(), parameters }
}

fn identity(id: MailboxId) -> (String, Argument) {
    ("Identity".to_owned(), Argument::Text(id.to_string()))
}

fn set_call(change: &MailboxChange) -> CmdletCall {
    let mut parameters = vec![identity(change.id)];
    if let Some(flag) = change.cloud_managed {
        parameters.push(("IsExchangeCloudManaged".to_owned(), Argument::Boolean(flag)));
    }
    parameters.extend(values(change, |name| !is_of_user(name)));
    CmdletCall { name: "Set-Mailbox".to_owned(), parameters }
}

/// Those properties of a change that are the user's.
fn user_call(change: &MailboxChange) -> CmdletCall {
    let mut parameters = vec![identity(change.id)];
    parameters.extend(values(change, is_of_user));
    CmdletCall { name: "Set-User".to_owned(), parameters }
}

fn values(
    change: &MailboxChange,
    wanted: impl Fn(&str) -> bool,
) -> impl Iterator<Item = (String, Argument)> {
    change.values.iter().filter(move |(name, _)| wanted(name)).map(|(name, values)| {
        let value = Argument::Array(values.iter().cloned().map(Argument::Text).collect());
        (name.to_string(), value)
    })
}

fn user(estate: &Estate, number: u32) -> Option<User> {
    let user = estate.entra.user(number)?;
    Some(User {
        id: MailboxId(guid_to_engine(user.id)),
        sync_enabled: user.sync_enabled,
        immutable_id: user.source_anchor.map(|anchor| STANDARD.encode(anchor.0)),
        object_identifier: user.object_identifier.map(guid_to_engine),
        domain: user
            .sync_enabled
            .and(user.domain)
            .and_then(|domain| estate.forests.domain(domain))
            .map(|domain| domain.dns.clone()),
    })
}

fn key_filter(key: &AnchorKey) -> ldap::Filter {
    let (attribute, value) = match key {
        AnchorKey::ObjectGuid(guid) => ("objectGUID", guid.0.to_vec()),
        AnchorKey::ConsistencyGuid(bytes) => ("mS-DS-ConsistencyGuid", bytes.clone()),
        AnchorKey::ExternalDirectoryObjectId(text) => {
            ("msDS-ExternalDirectoryObjectId", text.clone().into_bytes())
        }
    };
    ldap::Filter::Equality(attribute.into(), value)
}

fn modify_request(modification: &Modification) -> ldap::ModifyRequest {
    ldap::ModifyRequest {
        object: ldap::Name::Guid(guid_to_sim(modification.object.0)),
        changes: modification
            .changes
            .iter()
            .map(|change| ldap::Change {
                operation: match change.operation {
                    ChangeOperation::Add => ldap::ChangeOperation::Add,
                    ChangeOperation::Delete => ldap::ChangeOperation::Delete,
                    ChangeOperation::Replace => ldap::ChangeOperation::Replace,
                },
                attribute: change.attribute.as_ref().into(),
                values: change.values.clone(),
            })
            .collect(),
    }
}

fn refused(error: CmdletError) -> CallError {
    match error.kind {
        ErrorKind::Forbidden => {
            CallError::Refused { code: "403".to_owned(), detail: error.message }
        }
        ErrorKind::PageExpired => CallError::PageExpired,
        ErrorKind::Throttled { retry_after } => {
            CallError::Throttled { retry_after: Some(Duration::from_secs(retry_after.into())) }
        }
        _ => CallError::Malformed { detail: error.message },
    }
}

/// The longest wait, when no cmdlet of a request was let through.
fn all_throttled<T>(answers: &[Result<T, CmdletError>]) -> Option<Duration> {
    let wait = |answer: &Result<T, CmdletError>| match answer {
        Err(CmdletError { kind: ErrorKind::Throttled { retry_after }, .. }) => Some(*retry_after),
        _ => None,
    };
    let waits: Option<Vec<u32>> = answers.iter().map(wait).collect();
    waits?.into_iter().max().map(|seconds| Duration::from_secs(seconds.into()))
}

/// As the wire shows it: a 403 has no JSON, so neither class nor text gets through.
fn set_refused(error: CmdletError) -> SetOutcome {
    match error.kind {
        ErrorKind::Forbidden => {
            SetOutcome::Refused { code: "403".to_owned(), message: String::new() }
        }
        ErrorKind::Throttled { retry_after } => {
            SetOutcome::Throttled { retry_after: Some(Duration::from_secs(retry_after.into())) }
        }
        kind => SetOutcome::Refused { code: kind.class().to_owned(), message: error.message },
    }
}

/// As the LDAP adapter sorts result codes of a search.
fn refused_search(result: &LdapResult) -> CallError {
    let code = result.code.number().to_string();
    let detail = result.diagnostic.clone();
    match result.code.number() {
        7 | 8 | 13 | 48 | 49 | 50 => CallError::Refused { code, detail },
        3 => CallError::TimedOut { detail },
        1 | 4 | 11 | 51 | 52 | 53 | 80 => CallError::ServiceFailure { code, detail },
        _ => CallError::Malformed { detail: format!("LDAP result {code}: {detail}") },
    }
}

fn unreachable(agent: &AgentName) -> CallError {
    CallError::Unreachable { detail: format!("agent {} does not answer", agent.0) }
}
