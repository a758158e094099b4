//! Where the engine's process can end: before or after any port call.
//!
//! From that point on every port, the state store included, answers "halted" and changes nothing.
//! The guard stands in front of the ports of either bridge.

use std::cell::Cell;
use std::rc::Rc;

use engine::job::{JobReport, LogEntry};
use engine::ports::{
    Agent, AgentName, AnchorKey, CallError, Directory, DirectoryObject, Entra, ExchangeOnline,
    JobPort, Mailbox, MailboxChange, MailboxId, MailboxPage, Modification, Name, Numbered,
    ObjectGuid, Organization, PageToken, Ports, SetOutcome, StateStore, StoreError, StoreWrite,
    SyncConfiguration, Table, User, WriteOutcome,
};
use engine::time::Timestamp;
use sim::fault::Effect;
use sim::wire::shared::SharedEstate;

/// The life of one engine process.
#[derive(Clone)]
pub struct Life {
    estate: SharedEstate,
    ended: Rc<Cell<bool>>,
}

impl Life {
    /// A process that has just started.
    #[must_use]
    pub fn new(estate: SharedEstate) -> Self {
        Self { estate, ended: Rc::new(Cell::new(false)) }
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.get()
    }

    /// Ends it now.
    pub fn end(&self) {
        if !self.ended.replace(true) {
            self.estate.with(sim::estate::Estate::engine_ended);
        }
    }

    /// Makes a port call, unless the process ends before it; its answer is lost when the process
    /// ends after it.
    fn call<T, E>(
        &self,
        name: &str,
        halted: E,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        if self.has_ended() {
            return Err(halted);
        }
        match self.estate.with(|estate| estate.engine_call(name)) {
            Some(Effect::HaltBefore) => {
                self.end();
                Err(halted)
            }
            Some(Effect::HaltAfter) => {
                let _ = make();
                self.end();
                Err(halted)
            }
            _ => {
                let answer = make();
                self.estate.with(|estate| estate.faults.call_answered());
                answer
            }
        }
    }

    /// Makes a call of the state store, unless the store is damaged.
    fn store<T>(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.call(name, StoreError::Halted, || {
            match self.estate.with(|estate| estate.store_call(name)) {
                Some(Effect::Damage) => Err(StoreError::Damaged(
                    "a page of the file is not what was written".to_owned(),
                )),
                _ => make(),
            }
        })
    }

    /// Makes a call of a cloud service, unless a fault of the service meets it: what its answer would
    /// say is said here, the same for every way to it.
    fn cloud<T>(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        self.call(name, CallError::Halted, || {
            let effect = self.estate.with(|estate| estate.cloud_call(name));
            if effect == Some(Effect::Truncate) || effect == Some(Effect::LoseAfter) {
                let _ = make();
                return Err(failure(effect));
            }
            match effect {
                None => make(),
                effect => Err(failure(effect)),
            }
        })
    }
}

/// What a call comes to that a fault met, in the words of the protocol.
fn failure(effect: Option<Effect>) -> CallError {
    match effect {
        Some(Effect::Http { status: 429, retry_after }) => CallError::Throttled {
            retry_after: retry_after.map(u64::from).map(core::time::Duration::from_secs),
        },
        Some(Effect::Http { status, .. }) => CallError::ServiceFailure {
            code: status.to_string(),
            detail: "the service answers with an error of its own".to_owned(),
        },
        Some(Effect::NoToken) => CallError::Refused {
            code: "AADSTS700027".to_owned(),
            detail: "the certificate of the client assertion has expired".to_owned(),
        },
        Some(Effect::Truncate) => {
            CallError::Malformed { detail: "the body ends in the middle".to_owned() }
        }
        Some(Effect::ExpirePage) => CallError::PageExpired,
        _ => CallError::Unreachable { detail: "no connection to the service".to_owned() },
    }
}

/// A port behind the guard.
pub struct Guarded<P> {
    life: Life,
    port: P,
}

impl<P> Guarded<P> {
    /// A port of this life.
    #[must_use]
    pub const fn new(life: Life, port: P) -> Self {
        Self { life, port }
    }
}

impl ExchangeOnline for Guarded<Box<dyn ExchangeOnline>> {
    fn mailboxes_changed(
        &mut self,
        since: Option<Timestamp>,
        page: Option<&PageToken>,
        properties: &[Name],
    ) -> Result<MailboxPage, CallError> {
        let port = &mut self.port;
        self.life
            .cloud("exchange.mailboxes_changed", || port.mailboxes_changed(since, page, properties))
    }

    fn mailboxes(
        &mut self,
        ids: &[MailboxId],
        properties: &[Name],
    ) -> Result<Vec<Option<Mailbox>>, CallError> {
        let port = &mut self.port;
        self.life.cloud("exchange.mailboxes", || port.mailboxes(ids, properties))
    }

    fn set_mailboxes(&mut self, changes: &[MailboxChange]) -> Result<Vec<SetOutcome>, CallError> {
        let port = &mut self.port;
        self.life.cloud("exchange.set_mailboxes", || port.set_mailboxes(changes))
    }

    fn organization(&mut self) -> Result<Organization, CallError> {
        let port = &mut self.port;
        self.life.cloud("exchange.organization", || port.organization())
    }
}

impl Entra for Guarded<Box<dyn Entra>> {
    fn users(&mut self, ids: &[MailboxId]) -> Result<Vec<Option<User>>, CallError> {
        let port = &mut self.port;
        self.life.cloud("entra.users", || port.users(ids))
    }

    fn agents(&mut self) -> Result<Vec<Agent>, CallError> {
        let port = &mut self.port;
        self.life.cloud("entra.agents", || port.agents())
    }

    fn sync_configuration(&mut self) -> Result<SyncConfiguration, CallError> {
        let port = &mut self.port;
        self.life.cloud("entra.sync_configuration", || port.sync_configuration())
    }
}

impl Directory for Guarded<Box<dyn Directory>> {
    fn find(
        &mut self,
        agent: &AgentName,
        keys: &[AnchorKey],
        attributes: &[Name],
    ) -> Result<Vec<DirectoryObject>, CallError> {
        let port = &mut self.port;
        self.life.call("directory.find", CallError::Halted, || port.find(agent, keys, attributes))
    }

    fn read(
        &mut self,
        agent: &AgentName,
        objects: &[ObjectGuid],
        attributes: &[Name],
    ) -> Result<Vec<DirectoryObject>, CallError> {
        let port = &mut self.port;
        self.life
            .call("directory.read", CallError::Halted, || port.read(agent, objects, attributes))
    }

    fn modify(
        &mut self,
        agent: &AgentName,
        batch: &[Modification],
    ) -> Result<Vec<WriteOutcome>, CallError> {
        let port = &mut self.port;
        self.life.call("directory.modify", CallError::Halted, || port.modify(agent, batch))
    }
}

impl<S: StateStore> StateStore for Guarded<S> {
    fn get(&mut self, table: Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let port = &mut self.port;
        self.life.store("store.get", || port.get(table, keys))
    }

    fn scan(
        &mut self,
        table: Table,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        let port = &mut self.port;
        self.life.store("store.scan", || port.scan(table, after, limit))
    }

    fn commit(&mut self, writes: Vec<StoreWrite>) -> Result<(), StoreError> {
        let port = &mut self.port;
        self.life.store("store.commit", || port.commit(writes))
    }
}

impl<J: JobPort> JobPort for Guarded<J> {
    fn commands(&mut self, done: u64) -> Result<Vec<Numbered>, CallError> {
        let port = &mut self.port;
        self.life.call("job.commands", CallError::Halted, || port.commands(done))
    }

    fn report(&mut self, report: JobReport) -> Result<(), CallError> {
        let port = &mut self.port;
        self.life.call("job.report", CallError::Halted, || port.report(report))
    }

    fn log(&mut self, entries: Vec<LogEntry>) -> Result<(), CallError> {
        let port = &mut self.port;
        self.life.call("job.log", CallError::Halted, || port.log(entries))
    }
}

/// The guarded ports of one process.
pub struct GuardedPorts<S, J> {
    /// Exchange Online.
    pub exchange: Guarded<Box<dyn ExchangeOnline>>,
    /// Entra.
    pub entra: Guarded<Box<dyn Entra>>,
    /// Active Directory.
    pub directory: Guarded<Box<dyn Directory>>,
    /// The state store.
    pub store: Guarded<S>,
    /// The job's desk.
    pub job: Guarded<J>,
}

impl<S: StateStore, J: JobPort> GuardedPorts<S, J> {
    /// The ports for one step.
    pub fn ports(&mut self) -> Ports<'_> {
        Ports {
            exchange: &mut self.exchange,
            entra: &mut self.entra,
            directory: &mut self.directory,
            store: &mut self.store,
            job: &mut self.job,
        }
    }
}
