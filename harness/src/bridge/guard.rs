//! Where the engine's process can end: before or after any port call.
//!
//! From that point on every port, the state store included, answers "halted" and changes nothing.
//! The guard stands in front of the ports of either bridge.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use engine::job::{JobReport, LogEntry};
use engine::planted_bugs::PlantedBugs;
use engine::ports::{
    Agent, AgentName, AnchorKey, CMDLETS_A_REQUEST, CallError, Directory, DirectoryObject, Entra,
    ExchangeOnline, JobPort, Mailbox, MailboxChange, MailboxId, MailboxPage, Modification, Name,
    Numbered, ObjectGuid, Organization, PageToken, Ports, Row, SetOutcome, StateStore, StoreError,
    StoreWrite, SyncConfiguration, Table, USER_BATCH, User, WriteOutcome,
};
use engine::time::Timestamp;
use sim::fault::{Effect, FURTHER_PAGE, Place};
use sim::wire::shared::SharedEstate;

/// The life of one engine process.
#[derive(Clone)]
pub struct Life {
    estate: SharedEstate,
    ended: Rc<Cell<bool>>,
    /// Whether servers stand between the ports and the estate, which carry out faults of the cloud.
    servers_answer: bool,
    bugs: PlantedBugs,
}

impl Life {
    /// A process that has just started.
    #[must_use]
    pub fn new(estate: SharedEstate, servers_answer: bool, bugs: PlantedBugs) -> Self {
        Self { estate, ended: Rc::new(Cell::new(false)), servers_answer, bugs }
    }

    #[cfg(feature = "planted-bugs")]
    const fn outlives_its_end(&self) -> bool {
        self.bugs.has(engine::planted_bugs::PlantedBug::OutliveItsEnd)
    }

    #[cfg(not(feature = "planted-bugs"))]
    const fn outlives_its_end(&self) -> bool {
        let _: PlantedBugs = self.bugs;
        false
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
                if self.outlives_its_end() {
                    self.end();
                }
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

    /// Makes a call of a cloud service. A fault of the service meets it before anything goes out: over the
    /// wire the servers answer so, in process it is said here what the adapter would have made of it.
    fn cloud<T>(&self, name: &str, request: &mut dyn CloudRequest<T>) -> Result<T, CallError> {
        self.call(name, CallError::Halted, || {
            if request.is_empty() {
                return request.make();
            }
            let Some((place, effect)) = self.estate.with(|estate| estate.cloud_call(name)) else {
                return request.make();
            };
            if self.servers_answer && effect != Effect::Refuse {
                self.estate.with(|estate| estate.hand_over(place, effect));
                let answer = request.make();
                self.estate.with(sim::estate::Estate::take_back);
                return answer;
            }
            if is_done(&place, effect) {
                request.make_first();
            }
            if let Effect::TimeOut { after, .. } = effect {
                self.estate.with(|estate| estate.hold_up(after));
            }
            let failure = failure(effect);
            if is_perhaps_done(&place, effect) {
                request.unknown().ok_or(failure)
            } else {
                Err(failure)
            }
        })
    }
}

/// What a port call asks of a cloud service.
trait CloudRequest<T> {
    /// Whether there is nothing to ask for, so that nothing goes out.
    fn is_empty(&self) -> bool;

    /// All of it.
    fn make(&mut self) -> Result<T, CallError>;

    /// Its first HTTP request alone: the one that a fault meets. Its answer is lost.
    fn make_first(&mut self);

    /// What comes out when it may have been done or not; `None` where nothing is changed, so that it is
    /// a failure like others.
    fn unknown(&self) -> Option<T> {
        None
    }
}

/// A call that reads: `read` makes it for all of its items, or only for the first ones.
struct Reading<F> {
    items: usize,
    a_request: usize,
    read: F,
}

impl<F> Reading<F> {
    /// A call of one request.
    const fn one(read: F) -> Self {
        Self { items: 1, a_request: 1, read }
    }
}

impl<T, F: FnMut(usize) -> Result<T, CallError>> CloudRequest<T> for Reading<F> {
    fn is_empty(&self) -> bool {
        self.items == 0
    }

    fn make(&mut self) -> Result<T, CallError> {
        (self.read)(self.items)
    }

    fn make_first(&mut self) {
        let _ = (self.read)(self.items.min(self.a_request));
    }
}

struct Setting<'c> {
    port: &'c mut Box<dyn ExchangeOnline>,
    changes: &'c [MailboxChange],
}

impl CloudRequest<Vec<SetOutcome>> for Setting<'_> {
    fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    fn make(&mut self) -> Result<Vec<SetOutcome>, CallError> {
        self.port.set_mailboxes(self.changes)
    }

    fn make_first(&mut self) {
        let first = self.changes.len().min(CMDLETS_A_REQUEST);
        let _ = self.port.set_mailboxes(&self.changes[..first]);
    }

    fn unknown(&self) -> Option<Vec<SetOutcome>> {
        // The first request went out; what would have come after it did not.
        let first = self.changes.len().min(CMDLETS_A_REQUEST);
        let mut outcomes = vec![SetOutcome::Unknown; first];
        outcomes.resize(self.changes.len(), SetOutcome::NotSent);
        Some(outcomes)
    }
}

/// Whether the service does what was asked, all the same.
fn is_done(place: &Place, effect: Effect) -> bool {
    let done =
        matches!(effect, Effect::Truncate | Effect::LoseAfter | Effect::TimeOut { done: true, .. });
    done && *place != Place::Identity
}

/// Whether the caller has to reckon with that. 503 is said before the work, other failures may come from
/// a gateway after it.
fn is_perhaps_done(place: &Place, effect: Effect) -> bool {
    let perhaps = match effect {
        Effect::Http { status, .. } => (500..600).contains(&status) && status != 503,
        Effect::Truncate | Effect::LoseBefore | Effect::LoseAfter | Effect::TimeOut { .. } => true,
        _ => false,
    };
    perhaps && *place != Place::Identity
}

/// What a call comes to that a fault met, in the words of the protocol.
fn failure(effect: Effect) -> CallError {
    let wait = |seconds: Option<u32>| seconds.map(u64::from).map(Duration::from_secs);
    match effect {
        Effect::Http { status: 429, retry_after }
        | Effect::UsedUp { retry_after, .. }
        | Effect::Http { status: 503, retry_after: retry_after @ Some(_) } => {
            CallError::Throttled { retry_after: wait(retry_after) }
        }
        Effect::Http { status, .. } => CallError::ServiceFailure {
            code: status.to_string(),
            detail: "the service answers with an error of its own".to_owned(),
        },
        Effect::TimeOut { .. } => CallError::ServiceFailure {
            code: "504".to_owned(),
            detail: "the service does not answer in time".to_owned(),
        },
        Effect::NoToken => CallError::Refused {
            code: "AADSTS700027".to_owned(),
            detail: "the certificate of the client assertion has expired".to_owned(),
        },
        Effect::ExpirePage => CallError::PageExpired,
        Effect::Truncate => {
            CallError::Unreachable { detail: "the body ends in the middle".to_owned() }
        }
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
        let mut request = Reading::one(|_| port.mailboxes_changed(since, page, properties));
        // A further page is asked for with a token, of which a fault may be.
        let call = match page {
            Some(_) => FURTHER_PAGE,
            None => "exchange.mailboxes_changed",
        };
        self.life.cloud(call, &mut request)
    }

    fn mailbox_rows(
        &mut self,
        ids: &[MailboxId],
        properties: &[Name],
    ) -> Result<Vec<Row<Mailbox>>, CallError> {
        let port = &mut self.port;
        let read = |count: usize| port.mailbox_rows(&ids[..count], properties);
        let mut request = Reading { items: ids.len(), a_request: CMDLETS_A_REQUEST, read };
        self.life.cloud("exchange.mailboxes", &mut request)
    }

    fn set_mailboxes(&mut self, changes: &[MailboxChange]) -> Result<Vec<SetOutcome>, CallError> {
        let mut request = Setting { port: &mut self.port, changes };
        self.life.cloud("exchange.set_mailboxes", &mut request)
    }

    fn organization(&mut self) -> Result<Organization, CallError> {
        let port = &mut self.port;
        self.life.cloud("exchange.organization", &mut Reading::one(|_| port.organization()))
    }
}

impl Entra for Guarded<Box<dyn Entra>> {
    fn user_rows(&mut self, ids: &[MailboxId]) -> Result<Vec<Row<User>>, CallError> {
        let port = &mut self.port;
        let read = |count: usize| port.user_rows(&ids[..count]);
        let mut request = Reading { items: ids.len(), a_request: USER_BATCH, read };
        self.life.cloud("entra.users", &mut request)
    }

    fn agents(&mut self) -> Result<Vec<Agent>, CallError> {
        let port = &mut self.port;
        self.life.cloud("entra.agents", &mut Reading::one(|_| port.agents()))
    }

    fn sync_configuration(&mut self) -> Result<SyncConfiguration, CallError> {
        let port = &mut self.port;
        let mut request = Reading::one(|_| port.sync_configuration());
        self.life.cloud("entra.sync_configuration", &mut request)
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
        let estate = &self.life.estate;
        self.life.store("store.commit", || {
            port.commit(writes)?;
            estate.with(sim::estate::Estate::store_committed);
            Ok(())
        })
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
