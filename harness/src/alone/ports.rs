//! The ports of a call: the real ones, or real ones whose writes are taken and handed on to nobody.

use engine::guid::Guid;
use engine::ports::{
    Agent, AgentName, AnchorKey, CallError, Directory, DirectoryObject, Entra, ExchangeOnline,
    Mailbox, MailboxChange, MailboxId, MailboxPage, Modification, Name, ObjectGuid, Organization,
    PageToken, Ports, Row, SetOutcome, StateStore, SyncConfiguration, User, WriteOutcome,
};
use engine::time::Timestamp;
use engine::wire::{Caller, GraphApi, Wire};
use engine::writable::{ALLOWED, Unwritable, listed};

use super::Settings;
use super::desk::Desk;
use super::heard::{Heard, Hearing};

/// All ports of one call.
pub(super) struct Bundle {
    exchange: Box<dyn ExchangeOnline>,
    entra: Box<dyn Entra>,
    directory: Box<dyn Directory>,
    store: Box<dyn StateStore>,
    hearing: Hearing,
    pub(super) desk: Desk,
}

impl Bundle {
    /// The ports to what `settings` names, with this state store; with `apply` off nothing outside of this
    /// process changes. `list_agents` asks Graph about the provisioning agents too.
    pub(super) fn new(
        settings: &Settings,
        wire: &Wire,
        apply: bool,
        list_agents: bool,
        (store, desk): (Box<dyn StateStore>, Desk),
    ) -> Self {
        let servers = settings.wire.agents.iter().map(|agent| agent.name.clone()).collect();
        let entra = Servers { graph: wire.entra(), servers, list_agents };
        let hearing = Hearing::default();
        let exchange = Heard(wire.exchange(), hearing.clone());
        let directory = Heard(wire.directory(), hearing.clone());
        Self {
            exchange: if apply { Box::new(exchange) } else { Box::new(Dry(exchange)) },
            entra: Box::new(Heard(entra, hearing.clone())),
            directory: if apply { Box::new(directory) } else { Box::new(Dry(directory)) },
            store,
            hearing,
            desk,
        }
    }

    /// The same where the state store says whose it is, and there was no token yet to compare that with.
    pub(super) fn of_tenant(mut self, tenant: Guid, caller: Caller) -> Self {
        self.exchange = Box::new(OfTenant { port: self.exchange, tenant: Some(tenant), caller });
        self
    }

    /// The ports for one step.
    pub(super) fn ports(&mut self) -> Ports<'_> {
        Ports {
            exchange: &mut *self.exchange,
            entra: &mut *self.entra,
            directory: &mut *self.directory,
            store: &mut *self.store,
            job: &mut self.desk,
        }
    }

    /// Why a call failed since this was asked last: of a service, or of a log that cannot be written.
    pub(super) fn take_heard(&mut self) -> Option<String> {
        let of_log = self.desk.take_failed();
        self.hearing.take().or(of_log)
    }

    /// The state store.
    pub(super) fn store(&mut self) -> &mut dyn StateStore {
        &mut *self.store
    }
}

/// Entra, with the servers of the configuration in the place of agents: this engine reaches AD through
/// them and through nobody else.
struct Servers {
    graph: GraphApi,
    servers: Vec<AgentName>,
    list_agents: bool,
}

impl Entra for Servers {
    fn user_rows(&mut self, ids: &[MailboxId]) -> Result<Vec<Row<User>>, CallError> {
        self.graph.user_rows(ids)
    }

    fn agents(&mut self) -> Result<Vec<Agent>, CallError> {
        let listed = if self.list_agents {
            match self.graph.agents() {
                Ok(listed) => listed,
                // Not everybody may see them, and nothing here depends on it.
                Err(CallError::Refused { .. } | CallError::Malformed { .. }) => Vec::new(),
                Err(error) => return Err(error),
            }
        } else {
            Vec::new()
        };
        let version = |name: &AgentName| {
            let found = listed.iter().find(|agent| agent.name == *name);
            found.and_then(|agent| agent.version.clone())
        };
        let mut agents: Vec<Agent> = self
            .servers
            .iter()
            .map(|name| Agent { name: name.clone(), active: true, version: version(name) })
            .collect();
        agents.extend(listed.into_iter().filter(|agent| !self.servers.contains(&agent.name)));
        Ok(agents)
    }

    fn sync_configuration(&mut self) -> Result<SyncConfiguration, CallError> {
        self.graph.sync_configuration()
    }
}

/// Exchange Online of the tenant that the state store belongs to, and of no other: what is remembered of one tenant
/// means nothing in another. Whatever a job writes to AD it has read from this port before.
struct OfTenant {
    port: Box<dyn ExchangeOnline>,
    /// The tenant that the token is still to be compared with.
    tenant: Option<Guid>,
    caller: Caller,
}

impl OfTenant {
    fn checked(&mut self) -> Result<&mut dyn ExchangeOnline, CallError> {
        if let Some(own) = self.tenant {
            let found = self.caller.claims()?.tenant;
            if found != own {
                let detail = format!(
                    "the token is for tenant {found}, and the state is of the tenant {own}: name another file \
                     (`state`), and this begins anew"
                );
                return Err(CallError::Unusable { detail });
            }
            self.tenant = None;
        }
        Ok(&mut *self.port)
    }
}

impl ExchangeOnline for OfTenant {
    fn mailboxes_changed(
        &mut self,
        since: Option<Timestamp>,
        page: Option<&PageToken>,
        properties: &[Name],
    ) -> Result<MailboxPage, CallError> {
        self.checked()?.mailboxes_changed(since, page, properties)
    }

    fn mailbox_rows(
        &mut self,
        ids: &[MailboxId],
        properties: &[Name],
    ) -> Result<Vec<Row<Mailbox>>, CallError> {
        self.checked()?.mailbox_rows(ids, properties)
    }

    fn set_mailboxes(&mut self, changes: &[MailboxChange]) -> Result<Vec<SetOutcome>, CallError> {
        self.checked()?.set_mailboxes(changes)
    }

    fn organization(&mut self) -> Result<Organization, CallError> {
        self.checked()?.organization()
    }
}

/// Reads as it is, and takes writes without making them. What AD says that it would refuse is refused here too: for its
/// schema, or as the account lacks the right.
struct Dry<P>(P);

impl<P: ExchangeOnline> ExchangeOnline for Dry<P> {
    fn mailboxes_changed(
        &mut self,
        since: Option<Timestamp>,
        page: Option<&PageToken>,
        properties: &[Name],
    ) -> Result<MailboxPage, CallError> {
        self.0.mailboxes_changed(since, page, properties)
    }

    fn mailbox_rows(
        &mut self,
        ids: &[MailboxId],
        properties: &[Name],
    ) -> Result<Vec<Row<Mailbox>>, CallError> {
        self.0.mailbox_rows(ids, properties)
    }

    /// A read-back would show that nothing changed, so this is refused: who plays dry sets nothing.
    fn set_mailboxes(&mut self, _: &[MailboxChange]) -> Result<Vec<SetOutcome>, CallError> {
        let detail = "nothing is set in a dry run".to_owned();
        Err(CallError::Refused { code: "DryRun".to_owned(), detail })
    }

    fn organization(&mut self) -> Result<Organization, CallError> {
        self.0.organization()
    }
}

impl<P: Directory> Directory for Dry<P> {
    fn find(
        &mut self,
        agent: &AgentName,
        keys: &[AnchorKey],
        attributes: &[Name],
    ) -> Result<Vec<DirectoryObject>, CallError> {
        self.0.find(agent, keys, attributes)
    }

    fn read(
        &mut self,
        agent: &AgentName,
        objects: &[ObjectGuid],
        attributes: &[Name],
    ) -> Result<Vec<DirectoryObject>, CallError> {
        self.0.read(agent, objects, attributes)
    }

    fn modify(
        &mut self,
        agent: &AgentName,
        batch: &[Modification],
    ) -> Result<Vec<WriteOutcome>, CallError> {
        let objects: Vec<ObjectGuid> = batch.iter().map(|modify| modify.object).collect();
        let mut found = self.0.read(agent, &objects, &ALLOWED)?;
        found.sort_unstable_by_key(|object| object.guid);
        let of = |modify: &Modification| {
            let at = found.binary_search_by_key(&modify.object, |object| object.guid).ok();
            foretold(modify, at.map(|at| &found[at]))
        };
        Ok(batch.iter().map(of).collect())
    }
}

/// What AD would answer to a modify, as far as its object tells.
fn foretold(modify: &Modification, object: Option<&DirectoryObject>) -> WriteOutcome {
    const SUCCESS: u32 = 0;
    const UNDEFINED_ATTRIBUTE_TYPE: u32 = 17;
    const INSUFFICIENT_ACCESS_RIGHTS: u32 = 50;
    let names = modify.changes.iter().map(|change| &change.attribute);
    let known = object
        .and_then(|object| Unwritable::of(object.values.column(0), object.values.column(1), names));
    let mut not = known.unwrap_or_default();
    not.absent.dedup();
    not.denied.dedup();
    let (code, diagnostic) = if !not.absent.is_empty() {
        let names = listed(&not.absent);
        (UNDEFINED_ATTRIBUTE_TYPE, format!("the schema of Active Directory does not have {names}"))
    } else if !not.denied.is_empty() {
        (INSUFFICIENT_ACCESS_RIGHTS, format!("the account may not write {}", listed(&not.denied)))
    } else {
        (SUCCESS, String::new())
    };
    WriteOutcome::Result { code, diagnostic }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::ports::{AttributeChange, ChangeOperation};

    #[test]
    fn a_dry_directory_takes_every_write_and_makes_none() {
        struct Never;
        impl Directory for Never {
            fn find(
                &mut self,
                _: &AgentName,
                _: &[AnchorKey],
                _: &[Name],
            ) -> Result<Vec<DirectoryObject>, CallError> {
                Ok(Vec::new())
            }
            fn read(
                &mut self,
                _: &AgentName,
                _: &[ObjectGuid],
                _: &[Name],
            ) -> Result<Vec<DirectoryObject>, CallError> {
                Ok(Vec::new())
            }
            fn modify(
                &mut self,
                _: &AgentName,
                _: &[Modification],
            ) -> Result<Vec<WriteOutcome>, CallError> {
                panic!("a dry run wrote");
            }
        }
        let object = ObjectGuid(Guid([1; 16]));
        let batch = [
            Modification { object, changes: Vec::new() },
            Modification { object, changes: Vec::new() },
        ];
        let outcomes = Dry(Never).modify(&AgentName("DC1".into()), &batch).unwrap();
        assert_eq!(outcomes.len(), 2);
    }

    /// What a dry run foretells is what AD would answer: to an attribute that it does not have, to one that the
    /// account may not write, and to one whose value it takes.
    #[test]
    fn a_dry_directory_refuses_what_ad_would_refuse() {
        let object = ObjectGuid(Guid([1; 16]));
        let shown = |class: &[&str], effective: &[&str]| DirectoryObject {
            guid: object,
            consistency_guid: None,
            external_id: None,
            values: [class, effective].iter().map(|one| one.iter()).collect(),
            broken: None,
        };
        let change = |attribute: &'static str| AttributeChange {
            attribute: Name::Borrowed(attribute),
            operation: ChangeOperation::Replace,
            values: vec![b"x".to_vec()],
        };
        let modify = |names: &[&'static str]| Modification {
            object,
            changes: names.iter().copied().map(change).collect(),
        };
        let code = |names: &[&'static str], object: Option<&DirectoryObject>| match foretold(
            &modify(names),
            object,
        ) {
            WriteOutcome::Result { code, diagnostic } => (code, diagnostic),
            other => panic!("{other:?}"),
        };
        let some = shown(&["mail", "proxyAddresses"], &["mail"]);
        assert_eq!(code(&["mail"], Some(&some)).0, 0);
        let denied = code(&["mail", "proxyAddresses"], Some(&some));
        assert_eq!(denied, (50, "the account may not write proxyAddresses".to_owned()));
        let absent = code(&["extensionAttribute1", "proxyAddresses"], Some(&some));
        assert!(absent.0 == 17 && absent.1.ends_with("extensionAttribute1"), "{absent:?}");
        assert_eq!(code(&["mail"], Some(&shown(&[], &[]))).0, 0, "nobody says");
        assert_eq!(code(&["mail"], None).0, 0);
    }
}
