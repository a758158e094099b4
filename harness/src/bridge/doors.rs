//! What is behind the estate's LDAP listeners: an agent that relays, or a domain controller itself.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sim::directory::answer::{LdapResult, Response, SearchEntry};
use sim::directory::diagnostic;
use sim::directory::forests::DcKey;
use sim::directory::policies::{Policies, Policy};
use sim::directory::principal::Principal;
use sim::directory::progress::{SearchPart, SearchProgress};
use sim::directory::reads::ReadLog;
use sim::directory::request::{BindRequest, Operation, Request};
use sim::estate::{Estate, Passage};
use sim::wire::ldap::session::{DirectoryDoor, DoorAnswer, DoorBind, SessionOptions};
use sim::wire::shared::SharedEstate;

/// An agent's gateway as the LDAP listener sees it.
#[derive(Clone)]
pub struct GatewayDoor {
    estate: SharedEstate,
    agent: String,
}

/// Whether both are the same account, whatever its rights.
fn is_same(one: &Principal, other: &Principal) -> bool {
    one.sid.is_some() && one.sid == other.sid
}

impl GatewayDoor {
    /// The gateway of an agent.
    #[must_use]
    pub fn new(estate: SharedEstate, agent: &str) -> Self {
        Self { estate, agent: agent.to_owned() }
    }
}

impl DirectoryDoor for GatewayDoor {
    fn connect(&mut self) -> bool {
        self.estate.with(|estate| estate.gateway_connect(&self.agent))
    }

    fn bind(&mut self, request: &BindRequest) -> DoorBind {
        self.estate.with(|estate| match estate.agent(&self.agent).map(|agent| agent.dc) {
            Some(dc) => bind(estate, dc, request),
            None => DoorBind::Close,
        })
    }

    /// The agent relays under its own account, whoever is bound; nobody else gets in.
    fn request(&mut self, principal: &Principal, request: &Request) -> DoorAnswer {
        self.estate.with(|estate| {
            let own =
                estate.agent(&self.agent).is_some_and(|agent| is_same(&agent.account, principal));
            if !own {
                let refusal: LdapResult = diagnostic::not_bound();
                return DoorAnswer::Answer(refusal.into());
            }
            passed(estate.gateway(&self.agent, request))
        })
    }
}

/// Who read what at a domain controller, shared by its listeners.
#[derive(Clone, Default)]
pub struct SharedReads(Arc<Mutex<ReadLog>>);

impl SharedReads {
    /// Does something with the log.
    pub fn with<T>(&self, act: impl FnOnce(&mut ReadLog) -> T) -> T {
        // A panic in another thread leaves whole reads noted or not noted.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A domain controller as its own LDAP listener sees it: everybody comes in as who they bound as.
#[derive(Clone)]
pub struct ControllerDoor {
    estate: SharedEstate,
    dc: DcKey,
    catalog: bool,
    reads: SharedReads,
    address: String,
    /// Who reads, by the name that is bound.
    reader: Option<(String, usize)>,
}

impl ControllerDoor {
    /// The door of a domain controller.
    #[must_use]
    pub const fn new(estate: SharedEstate, dc: DcKey, reads: SharedReads) -> Self {
        Self { estate, dc, catalog: false, reads, address: String::new(), reader: None }
    }

    /// The door of a domain controller as a global catalog.
    #[must_use]
    pub const fn catalog(estate: SharedEstate, dc: DcKey, reads: SharedReads) -> Self {
        Self { estate, dc, catalog: true, reads, address: String::new(), reader: None }
    }

    /// Carries out a part of a search.
    fn search(
        &mut self,
        principal: &Principal,
        request: &Request,
        progress: Option<SearchProgress>,
    ) -> DoorAnswer {
        let at = (self.dc, self.catalog);
        let part = self.estate.with(|estate| estate.search_part(at, principal, request, progress));
        let answer = match part {
            Passage::Answered(SearchPart::Done(response)) => DoorAnswer::Answer(response),
            Passage::Answered(SearchPart::More(progress)) => return DoorAnswer::Working(progress),
            Passage::Refused => DoorAnswer::Refused,
            Passage::Lost => DoorAnswer::Close,
        };
        self.note_read(principal, request, &answer);
        answer
    }

    /// Notes what a request read.
    fn note_read(&mut self, principal: &Principal, request: &Request, answer: &DoorAnswer) {
        let DoorAnswer::Answer(response) = answer else { return };
        let (reads, name) = (&self.reads, &principal.name);
        let dc = self.dc;
        let (address, known) = (&self.address, &mut self.reader);
        self.estate.with(|estate| {
            let now = estate.now();
            let Some(forest) = estate.forests.get(dc.forest) else { return };
            let Some(controller) = forest.dc(dc.dc) else { return };
            reads.with(|log| {
                let reader = match known {
                    Some((bound, reader)) if bound == name => *reader,
                    _ => {
                        let reader = log.reader(name, address, now);
                        *known = Some((name.clone(), reader));
                        reader
                    }
                };
                match &request.operation {
                    Operation::Search(search) => {
                        let entries = response.entries.iter().filter_map(|entry| {
                            let object = controller.store.by_guid(entry.guid?)?;
                            Some((object, entry.attributes.as_slice()))
                        });
                        log.search(reader, now, &search.filter, entries);
                    }
                    Operation::Compare(compare) => {
                        let object = forest.resolve(dc.dc, &compare.object).ok();
                        log.compare(reader, now, &compare.attribute, object);
                    }
                    _ => {}
                }
            });
        });
    }
}

impl DirectoryDoor for ControllerDoor {
    fn peer(&mut self, address: IpAddr) {
        self.address = address.to_string();
    }

    fn options(&mut self, general: SessionOptions) -> SessionOptions {
        let policies = self.estate.with(|estate| {
            estate.forests.get(self.dc.forest).map(|forest| forest.policies.clone())
        });
        policies.map_or(general, |policies| limited(general, &policies))
    }

    fn bind(&mut self, request: &BindRequest) -> DoorBind {
        self.estate.with(|estate| {
            let bound = bind(estate, self.dc, request);
            if matches!(&bound, DoorBind::Denied(refusal) if diagnostic::is_wrong_password(refusal))
            {
                estate.note_failed_logon(self.dc, &request.name);
            }
            bound
        })
    }

    fn bound(&mut self, principal: &Principal) {
        self.estate.with(|estate| estate.note_logon(self.dc, principal));
    }

    fn changed(
        &mut self,
        principal: &Principal,
        request: &Request,
        after: Option<u64>,
    ) -> (Vec<SearchEntry>, u64) {
        let Operation::Search(search) = &request.operation else { return (Vec::new(), 0) };
        self.estate.with(|estate| {
            let forest = estate.forests.get(self.dc.forest);
            forest.map_or((Vec::new(), 0), |forest| {
                forest.changed_entries(self.dc.dc, principal, search, &request.controls, after)
            })
        })
    }

    fn go_on(
        &mut self,
        principal: &Principal,
        request: &Request,
        progress: SearchProgress,
    ) -> DoorAnswer {
        self.search(principal, request, Some(progress))
    }

    fn rehearse(&mut self, principal: &Principal, requests: &[&Request]) -> Option<LdapResult> {
        self.estate.with(|estate| {
            let forest = estate.forests.get(self.dc.forest)?;
            forest.rehearse(self.dc.dc, principal, estate.now(), requests)
        })
    }

    fn request(&mut self, principal: &Principal, request: &Request) -> DoorAnswer {
        if matches!(request.operation, Operation::Search(_)) {
            return self.search(principal, request, None);
        }
        let answer = passed(self.estate.with(|estate| {
            if self.catalog {
                estate.catalog(self.dc, principal, request)
            } else {
                estate.direct(self.dc, principal, request)
            }
        }));
        if matches!(request.operation, Operation::Search(_) | Operation::Compare(_)) {
            self.note_read(principal, request, &answer);
        }
        answer
    }
}

/// The limits of a session as a domain controller's policies have them.
fn limited(general: SessionOptions, policies: &Policies) -> SessionOptions {
    let seconds = |policy| Duration::from_secs(u64::from(policies.of(policy)));
    SessionOptions {
        max_message: policies.size_of(Policy::MaxReceiveBuffer),
        max_message_before_bind: policies.size_of(Policy::MaxPreAuthReceiveBuffer),
        max_result_sets: policies.size_of(Policy::MaxResultSetsPerConn),
        max_notifications: policies.size_of(Policy::MaxNotificationPerConn),
        max_batch: policies.size_of(Policy::MaxBatchReturnMessages),
        max_connections: policies.size_of(Policy::MaxConnections),
        idle: seconds(Policy::MaxConnIdleTime),
        first: seconds(Policy::InitRecvTimeout),
        ..general
    }
}

fn passed(passage: Passage<Response>) -> DoorAnswer {
    match passage {
        Passage::Answered(response) => DoorAnswer::Answer(response),
        Passage::Refused => DoorAnswer::Refused,
        Passage::Lost => DoorAnswer::Close,
    }
}

fn bind(estate: &Estate, dc: DcKey, request: &BindRequest) -> DoorBind {
    let Some(forest) = estate.forests.get(dc.forest) else {
        return DoorBind::Denied(diagnostic::no_such_object(""));
    };
    match forest.bind(dc.dc, estate.now(), request) {
        Ok(principal) => DoorBind::Bound(principal),
        Err(refusal) => DoorBind::Denied(refusal),
    }
}
