//! The door to a domain controller itself, for whoever comes without an agent: as LDAP server, and as
//! global catalog.

use super::Estate;
use super::gateway::{Fate, Passage, answer};
use crate::directory::answer::Response;
use crate::directory::diagnostic;
use crate::directory::forests::DcKey;
use crate::directory::principal::Principal;
use crate::directory::progress::{SearchPart, SearchProgress};
use crate::directory::request::{Name, Operation, Request};
use crate::fault::Place;
use crate::ledger::{Activity, Actor};

impl Estate {
    /// A request to a domain controller by somebody who reached it without an agent.
    pub fn direct(
        &mut self,
        dc: DcKey,
        account: &Principal,
        request: &Request,
    ) -> Passage<Response> {
        let operation = match &request.operation {
            Operation::Modify(_) => "modify",
            Operation::Search(_) => "search",
            Operation::Add(_)
            | Operation::Delete(_)
            | Operation::ModifyDn(_)
            | Operation::Compare(_) => "other",
        };
        let place = Place::DomainController(self.dc_name(dc));
        let fate = Fate::of(self.meet(&place, operation));
        match fate {
            Fate::Refused => return Passage::Refused,
            Fate::Lost => return Passage::Lost,
            Fate::Answer(code) => return Passage::Answered(answer(code).into()),
            Fate::Pass
            | Fate::LostAfterwards
            | Fate::Twice
            | Fate::HeldBack(_)
            | Fate::NoSchema => {}
        }
        let name = if account.name.is_empty() { "anonymous" } else { &account.name };
        let actor = Actor::new(name, Activity::Person);
        let response = self.directory(dc, account, &actor, request);
        if matches!(fate, Fate::LostAfterwards) {
            Passage::Lost
        } else {
            Passage::Answered(response)
        }
    }

    /// A search of a domain controller, or of a global catalog, in parts: as [`Self::direct`] and
    /// [`Self::catalog`], and the caller comes back with the progress until it is done.
    pub fn search_part(
        &mut self,
        (dc, catalog): (DcKey, bool),
        account: &Principal,
        request: &Request,
        progress: Option<SearchProgress>,
    ) -> Passage<SearchPart> {
        let Operation::Search(search) = &request.operation else { return Passage::Refused };
        let mut lost = false;
        if progress.is_none() {
            let place = Place::DomainController(self.dc_name(dc));
            match Fate::of(self.meet(&place, "search")) {
                Fate::Refused => return Passage::Refused,
                Fate::Lost => return Passage::Lost,
                Fate::Answer(code) => {
                    return Passage::Answered(SearchPart::Done(answer(code).into()));
                }
                Fate::LostAfterwards => lost = true,
                Fate::Pass | Fate::Twice | Fate::HeldBack(_) | Fate::NoSchema => {}
            }
        }
        if lost {
            // Nothing is written by a search: whether it was carried out cannot be told.
            return Passage::Lost;
        }
        let Some(forest) = self.forests.get(dc.forest) else {
            return Passage::Answered(SearchPart::Done(diagnostic::no_such_object("").into()));
        };
        let (now, at) = (self.now, (dc.dc, catalog));
        let controls = &request.controls;
        Passage::Answered(forest.search_part(at, account, now, search, controls, progress))
    }

    /// A request to a domain controller as a global catalog: it is read there, never written.
    pub fn catalog(
        &mut self,
        dc: DcKey,
        account: &Principal,
        request: &Request,
    ) -> Passage<Response> {
        let search = match &request.operation {
            Operation::Search(search) => search,
            Operation::Compare(_) => return self.direct(dc, account, request),
            write => {
                let forest = self.forests.get(dc.forest);
                let refusal = forest.map(|forest| forest.refer_to_owner(dc.dc, write));
                let refusal = refusal.unwrap_or_else(|| diagnostic::no_such_object(""));
                return Passage::Answered(refusal.into());
            }
        };
        let place = Place::DomainController(self.dc_name(dc));
        match Fate::of(self.meet(&place, "search")) {
            Fate::Refused => Passage::Refused,
            Fate::Lost | Fate::LostAfterwards => Passage::Lost,
            Fate::Answer(code) => Passage::Answered(answer(code).into()),
            Fate::Pass | Fate::Twice | Fate::HeldBack(_) | Fate::NoSchema => {
                let now = self.now;
                let forest = self.forests.get(dc.forest);
                Passage::Answered(forest.map_or_else(
                    || diagnostic::no_such_object("").into(),
                    |forest| forest.search_catalog(dc.dc, account, now, search, &request.controls),
                ))
            }
        }
    }

    /// Notes that somebody logged on at a domain controller.
    pub fn note_logon(&mut self, dc: DcKey, account: &Principal) {
        let now = self.now;
        let Some(forest) = self.forests.get_mut(dc.forest) else { return };
        let name = account.sid.clone().map(Name::Sid);
        if let Some(Ok(object)) = name.map(|name| forest.resolve_anywhere(dc.dc, &name)) {
            forest.note_logon(dc.dc, object, now);
        }
    }

    /// Notes that somebody came to a domain controller with a wrong password.
    pub fn note_failed_logon(&mut self, dc: DcKey, name: &str) {
        let now = self.now;
        if let Some(forest) = self.forests.get_mut(dc.forest) {
            forest.note_failed_logon(dc.dc, name, now);
        }
    }
}
