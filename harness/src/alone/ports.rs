//! The ports of a call: the real ones, or real ones whose writes are taken and handed on to nobody.

use engine::ports::{
    Agent, AgentName, AnchorKey, CallError, Directory, DirectoryObject, Entra, ExchangeOnline,
    Mailbox, MailboxChange, MailboxId, MailboxPage, Modification, Name, ObjectGuid, Organization,
    PageToken, Ports, Row, SetOutcome, StateStore, SyncConfiguration, User, WriteOutcome,
};
use engine::time::Timestamp;
use engine::wire::{GraphApi, Wire};

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

/// Reads as it is, and takes writes without making them.
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
        _: &AgentName,
        batch: &[Modification],
    ) -> Result<Vec<WriteOutcome>, CallError> {
        let taken = WriteOutcome::Result { code: 0, diagnostic: String::new() };
        Ok(vec![taken; batch.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let object = ObjectGuid(engine::guid::Guid([1; 16]));
        let batch = [
            Modification { object, changes: Vec::new() },
            Modification { object, changes: Vec::new() },
        ];
        let outcomes = Dry(Never).modify(&AgentName("DC1".into()), &batch).unwrap();
        assert_eq!(outcomes.len(), 2);
    }
}
