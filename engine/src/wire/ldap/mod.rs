//! Active Directory over LDAP, through the gateways of the agents.
//!
//! Each agent has one connection, on which all its requests go in order. It is opened and bound by
//! the first call that needs it; after a loss the next call opens it anew, and never the call that
//! lost it.
//!
//! Sources: RFC 4511 4.2 (bind), 4.5 (search), 4.6 (modify), 4.1.9 and appendix A (result codes);
//! [MS-ADTS] 3.1.1.3.1.2.4 (`<GUID=...>` names an object), 3.1.1.3.1.3.3 (values in parts), 3.1.1.3.4.6
//! (MaxPageSize, MaxValRange).

mod connection;
mod entry;
mod filter;
mod names;

use std::collections::{BTreeMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use ldap3::{Ldap, LdapError, LdapResult, Mod, ResultEntry, Scope};
use tokio::runtime::Handle;

use super::http::malformed;
use super::{WireConfig, WireError};
use crate::ports::{
    AgentName, AnchorKey, CallError, ChangeOperation, Directory, DirectoryObject, KEYS_A_SEARCH,
    MODIFIES_IN_FLIGHT, Modification, Name, ObjectGuid, WriteOutcome, lost_at,
};
use connection::Gateway;
use entry::{Read, Wanted};

/// The port to Active Directory over LDAP.
pub struct LdapGateways {
    runtime: Handle,
    gateways: BTreeMap<AgentName, Gateway>,
    base_dn: String,
    timeout: Duration,
}

impl LdapGateways {
    pub(super) fn new(config: &WireConfig, runtime: Handle) -> Result<Self, WireError> {
        let tls = connection::tls(config.ca_pem.as_deref())?;
        let mut gateways = BTreeMap::new();
        for agent in &config.agents {
            let gateway = Gateway::new(agent, tls.clone(), config.request_timeout)?;
            if gateways.insert(agent.name.clone(), gateway).is_some() {
                let what = format!("the agent `{}`", agent.name.0);
                return Err(WireError::Value { what, detail: "is configured twice" });
            }
        }
        let base_dn = config.base_dn.clone();
        Ok(Self { runtime, gateways, base_dn, timeout: config.request_timeout })
    }

    /// The same gateways without their connections.
    pub(super) fn unconnected(&self) -> Self {
        Self {
            runtime: self.runtime.clone(),
            gateways: self
                .gateways
                .iter()
                .map(|(name, gateway)| (name.clone(), gateway.unconnected()))
                .collect(),
            base_dn: self.base_dn.clone(),
            timeout: self.timeout,
        }
    }

    /// Searches for the keys, a hundred at a time.
    async fn search(
        &mut self,
        agent: &AgentName,
        keys: &[AnchorKey],
        attributes: &[Name],
    ) -> Result<Vec<DirectoryObject>, CallError> {
        let mut objects = Vec::new();
        if keys.is_empty() {
            return Ok(objects);
        }
        let timeout = self.timeout;
        let gateway = gateway(&mut self.gateways, agent)?;
        let wanted = Wanted::new(attributes);
        let mut ldap = gateway.connected().await?;
        for keys in keys.chunks(KEYS_A_SEARCH) {
            let filter = filter::any_of(keys);
            let search = search_once(&mut ldap, timeout, &self.base_dn, &filter, &wanted);
            // The library panics on answers that are not LDAP.
            match AssertUnwindSafe(search).catch_unwind().await.unwrap_or_else(|_| no_ldap()) {
                Ok(Ok(found)) => objects.extend(found),
                Ok(Err(error)) => return Err(error),
                Err(Lost(error)) => {
                    gateway.disconnect();
                    return Err(error);
                }
            }
        }
        objects.sort_by_key(|object| object.guid);
        objects.dedup_by_key(|object| object.guid);
        Ok(objects)
    }

    async fn modify_all(
        &mut self,
        agent: &AgentName,
        batch: &[Modification],
    ) -> Result<Vec<WriteOutcome>, CallError> {
        let modifies = batch.iter().map(elements).collect::<Result<Vec<_>, _>>()?;
        if modifies.is_empty() {
            return Ok(Vec::new());
        }
        let timeout = self.timeout;
        let gateway = gateway(&mut self.gateways, agent)?;
        let ldap = gateway.connected().await?;
        let mut outcomes = Vec::with_capacity(batch.len());
        // A request is put on the connection when its future is first polled, and `buffered` polls
        // new futures in their order.
        let mut answers = stream::iter(batch.iter().zip(modifies))
            .map(|(modification, elements)| {
                let mut ldap = ldap.clone();
                let dn = format!("<GUID={}>", modification.object);
                let modify = async move {
                    ldap.with_timeout(timeout);
                    ldap.modify(&dn, elements).await
                };
                AssertUnwindSafe(modify).catch_unwind()
            })
            .buffered(MODIFIES_IN_FLIGHT);
        while let Some(answer) = answers.next().await {
            let Ok(Ok(LdapResult { rc, text, .. })) = answer else { break };
            outcomes.push(WriteOutcome::Result { code: rc, diagnostic: text });
        }
        drop(answers);
        if outcomes.len() < batch.len() {
            gateway.disconnect();
            // No future beyond those that were under way was ever polled.
            lost_at(&mut outcomes, batch.len());
        }
        Ok(outcomes)
    }
}

impl Directory for LdapGateways {
    fn find(
        &mut self,
        agent: &AgentName,
        keys: &[AnchorKey],
        attributes: &[Name],
    ) -> Result<Vec<DirectoryObject>, CallError> {
        self.runtime.clone().block_on(self.search(agent, keys, attributes))
    }

    fn read(
        &mut self,
        agent: &AgentName,
        objects: &[ObjectGuid],
        attributes: &[Name],
    ) -> Result<Vec<DirectoryObject>, CallError> {
        let keys: Vec<AnchorKey> =
            objects.iter().map(|object| AnchorKey::ObjectGuid(object.0)).collect();
        self.runtime.clone().block_on(self.search(agent, &keys, attributes))
    }

    fn modify(
        &mut self,
        agent: &AgentName,
        batch: &[Modification],
    ) -> Result<Vec<WriteOutcome>, CallError> {
        self.runtime.clone().block_on(self.modify_all(agent, batch))
    }
}

/// The connection is of no more use.
struct Lost(CallError);

fn no_ldap<T>() -> Result<T, Lost> {
    Err(Lost(CallError::Malformed { detail: "an answer is not LDAP".to_owned() }))
}

fn gateway<'g>(
    gateways: &'g mut BTreeMap<AgentName, Gateway>,
    agent: &AgentName,
) -> Result<&'g mut Gateway, CallError> {
    gateways.get_mut(agent).ok_or_else(|| CallError::Unreachable {
        detail: format!("no gateway is configured for the agent `{}`", agent.0),
    })
}

/// One search with all values of all objects. The outer error means that the connection is lost, the
/// inner one that the DC refused.
async fn search_once(
    ldap: &mut Ldap,
    timeout: Duration,
    base_dn: &str,
    filter: &str,
    wanted: &Wanted,
) -> Result<Result<Vec<DirectoryObject>, CallError>, Lost> {
    let place = (base_dn, Scope::Subtree);
    let entries = match entries(ldap, timeout, place, filter, wanted.names()).await? {
        Ok(entries) => entries,
        Err(result) => return Ok(Err(connection::refusal(&result))),
    };
    let mut objects = Vec::with_capacity(entries.len());
    for entry in entries {
        let mut read = match wanted.object(entry) {
            Ok(Some(read)) => read,
            Ok(None) => continue,
            Err(error) => return Ok(Err(error)),
        };
        match read_on(ldap, timeout, wanted, &mut read).await? {
            Ok(true) => objects.extend(wanted.finish(read)),
            Ok(false) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(objects))
}

/// Asks for what is missing of an object's values until all are there ([MS-ADTS] 3.1.1.3.1.3.3); `false`
/// when the object has gone meanwhile.
async fn read_on(
    ldap: &mut Ldap,
    timeout: Duration,
    wanted: &Wanted,
    read: &mut Read,
) -> Result<Result<bool, CallError>, Lost> {
    while let (Some((place, first)), Some(guid)) = (read.rest.pop(), read.guid()) {
        let base = format!("<GUID={guid}>");
        let name = wanted.rest_of(place, first);
        let scope = (base.as_str(), Scope::Base);
        match entries(ldap, timeout, scope, "(objectClass=*)", &[name]).await? {
            Ok(found) => match found.into_iter().next() {
                Some(entry) => wanted.more(read, place, entry),
                None => return Ok(Ok(false)),
            },
            // noSuchObject, and operationsError for a range that begins beyond the end: values were
            // taken away between two parts.
            Err(result) if result.rc == 32 => return Ok(Ok(false)),
            Err(result) if result.rc == 1 => {
                read.spoil(&format!("values changed while they were read: {}", result.text));
            }
            Err(result) => return Ok(Err(connection::refusal(&result))),
        }
    }
    Ok(Ok(true))
}

/// The entries of one search, or the result that is no success.
async fn entries(
    ldap: &mut Ldap,
    timeout: Duration,
    (base, scope): (&str, Scope),
    filter: &str,
    names: &[String],
) -> Result<Result<Vec<ResultEntry>, LdapResult>, Lost> {
    let lost = |error: LdapError| Lost(connection::unusable(&error));
    let mut search = ldap
        .with_timeout(timeout)
        .streaming_search(base, scope, filter, names)
        .await
        .map_err(lost)?;
    let mut entries = Vec::new();
    while let Some(item) = search.next().await.map_err(lost)? {
        // References lead to other partitions of the forest, where mailboxes are not.
        if !(item.is_ref() || item.is_intermediate()) {
            entries.push(item);
        }
    }
    let result = search.finish().await;
    Ok(if result.rc == 0 { Ok(entries) } else { Err(result) })
}

/// The elements of a modify as the client library wants them: values as sets.
fn elements(modification: &Modification) -> Result<Vec<Mod<&[u8]>>, CallError> {
    let unusable = |attribute: &str, detail: &str| {
        malformed(&format!("modify of {}: {attribute} {detail}", modification.object))
    };
    let mut elements = Vec::with_capacity(modification.changes.len());
    for change in &modification.changes {
        let name = change.attribute.as_bytes();
        let values: HashSet<&[u8]> = change.values.iter().map(Vec::as_slice).collect();
        if values.len() < change.values.len() {
            return Err(unusable(&change.attribute, "has a value twice"));
        }
        elements.push(match change.operation {
            ChangeOperation::Add if values.is_empty() => {
                return Err(unusable(&change.attribute, "adds no value"));
            }
            ChangeOperation::Add => Mod::Add(name, values),
            ChangeOperation::Delete => Mod::Delete(name, values),
            ChangeOperation::Replace => Mod::Replace(name, values),
        });
    }
    Ok(elements)
}

#[cfg(test)]
mod tests;
