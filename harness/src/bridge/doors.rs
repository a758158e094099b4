//! What is behind the estate's LDAP listeners: an agent that relays, or a domain controller itself.

use sim::directory::answer::{LdapResult, Response, SearchEntry};
use sim::directory::diagnostic;
use sim::directory::forests::DcKey;
use sim::directory::principal::Principal;
use sim::directory::request::{BindRequest, Operation, Request};
use sim::estate::{Estate, Passage};
use sim::wire::ldap::session::{DirectoryDoor, DoorAnswer, DoorBind};
use sim::wire::shared::SharedEstate;

/// An agent's gateway as the LDAP listener sees it.
#[derive(Clone)]
pub struct GatewayDoor {
    estate: SharedEstate,
    agent: String,
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
            let own = estate.agent(&self.agent).is_some_and(|agent| agent.account == *principal);
            if !own {
                let refusal: LdapResult = diagnostic::not_bound();
                return DoorAnswer::Answer(refusal.into());
            }
            passed(estate.gateway(&self.agent, request))
        })
    }
}

/// A domain controller as its own LDAP listener sees it: everybody comes in as who they bound as.
#[derive(Clone)]
pub struct ControllerDoor {
    estate: SharedEstate,
    dc: DcKey,
    catalog: bool,
}

impl ControllerDoor {
    /// The door of a domain controller.
    #[must_use]
    pub const fn new(estate: SharedEstate, dc: DcKey) -> Self {
        Self { estate, dc, catalog: false }
    }

    /// The door of a domain controller as a global catalog.
    #[must_use]
    pub const fn catalog(estate: SharedEstate, dc: DcKey) -> Self {
        Self { estate, dc, catalog: true }
    }
}

impl DirectoryDoor for ControllerDoor {
    fn bind(&mut self, request: &BindRequest) -> DoorBind {
        self.estate.with(|estate| bind(estate, self.dc, request))
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

    fn request(&mut self, principal: &Principal, request: &Request) -> DoorAnswer {
        passed(self.estate.with(|estate| {
            if self.catalog {
                estate.catalog(self.dc, principal, request)
            } else {
                estate.direct(self.dc, principal, request)
            }
        }))
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
