//! The ports of a call: the real ones, or real ones whose writes are taken and handed on to nobody.

use engine::journal::MemoryStore;
use engine::ports::{
    Agent, AgentName, AnchorKey, CallError, Directory, DirectoryObject, Entra, ExchangeOnline,
    Mailbox, MailboxChange, MailboxId, MailboxPage, Modification, Name, ObjectGuid, Organization,
    PageToken, Ports, Row, SetOutcome, StateStore, StoreWrite, SyncConfiguration, Table, User,
    WriteOutcome,
};
use engine::time::Timestamp;
use engine::wire::{GraphApi, RedbStore, Wire};

use super::desk::Desk;
use super::{AloneError, Settings};

/// Rows copied with one call of the state store.
const ROWS: usize = 10_000;

/// All ports of one call.
pub(super) struct Bundle {
    exchange: Box<dyn ExchangeOnline>,
    entra: Box<dyn Entra>,
    directory: Box<dyn Directory>,
    store: Box<dyn StateStore>,
    pub(super) desk: Desk,
}

impl Bundle {
    /// The ports to what `settings` names; with `apply` off nothing outside of this process changes.
    /// `list_agents` asks Graph about the provisioning agents too.
    pub(super) fn new(
        settings: &Settings,
        wire: &Wire,
        apply: bool,
        list_agents: bool,
        desk: Desk,
    ) -> Result<Self, AloneError> {
        let servers = settings.wire.agents.iter().map(|agent| agent.name.clone()).collect();
        let entra = Servers { graph: wire.entra(), servers, list_agents };
        let (exchange, directory) = (wire.exchange(), wire.directory());
        Ok(Self {
            exchange: if apply { Box::new(exchange) } else { Box::new(Dry(exchange)) },
            entra: Box::new(entra),
            directory: if apply { Box::new(directory) } else { Box::new(Dry(directory)) },
            store: store(settings, apply)?,
            desk,
        })
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

    /// The state store.
    pub(super) fn store(&mut self) -> &mut dyn StateStore {
        &mut *self.store
    }
}

/// The store on disk, or a copy of it in memory.
fn store(settings: &Settings, apply: bool) -> Result<Box<dyn StateStore>, AloneError> {
    super::files::tighten(&settings.state)?;
    if apply {
        return Ok(Box::new(RedbStore::open(&settings.state)?));
    }
    let mut copy = MemoryStore::default();
    if settings.state.exists() {
        let mut stored = RedbStore::open(&settings.state)?;
        for table in Table::ALL {
            let mut after: Option<Vec<u8>> = None;
            loop {
                let rows = stored.scan(table, after.as_deref(), ROWS)?;
                let complete = rows.len() < ROWS;
                after = rows.last().map(|(key, _)| key.clone());
                let write = |(key, value)| StoreWrite { table, key, value: Some(value) };
                copy.commit(rows.into_iter().map(write).collect())?;
                if complete {
                    break;
                }
            }
        }
    }
    Ok(Box::new(copy))
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

/// A store on disk that is not there yet is a new one; a damaged one is an error and stays as it is.
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

    #[test]
    fn a_copy_in_memory_has_what_is_on_disk_and_leaves_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.redb");
        let row = |value: &[u8]| StoreWrite {
            table: Table::Links,
            key: b"k".to_vec(),
            value: Some(value.to_vec()),
        };
        RedbStore::open(&path).unwrap().commit(vec![row(b"on disk")]).unwrap();
        let mut settings = super::super::config::tests::settings(folder.path());
        settings.state = path.clone();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .unwrap();
        let mut copy = store(&settings, false).unwrap();
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(
                &std::fs::metadata(&path).unwrap().permissions(),
            );
            assert_eq!(mode & 0o777, 0o600, "a store that others could read is tightened");
        }
        copy.commit(vec![row(b"in memory")]).unwrap();
        drop(copy);
        let stored = RedbStore::open(&path).unwrap().get(Table::Links, &[b"k".to_vec()]).unwrap();
        assert_eq!(stored, [Some(b"on disk".to_vec())]);
        settings.state = folder.path().join("nowhere.redb");
        store(&settings, false).unwrap();
        assert!(!settings.state.exists(), "a dry run makes no store");
    }
}
