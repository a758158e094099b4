//! The door through an agent to its domain controller, and the door to a domain controller itself.
//!
//! The engine's in-process bridge and the LDAP listener of an agent both come through here with the
//! same requests, one operation at a time, so that both leave the same trace.

use core::time::Duration;
use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use super::Estate;
use super::delivery::{HeldBack, brings_back};
use crate::agents::Agent;
use crate::clock::VirtualTime;
use crate::directory::answer::{LdapResult, Response, ResultCode, SearchHits, Written};
use crate::directory::diagnostic;
use crate::directory::forests::{DcKey, ForestNumber};
use crate::directory::modify::Writer;
use crate::directory::principal::Principal;
use crate::directory::request::{
    AttributeName, ModifyRequest, Name, ObjectNumber, Operation, Request, SearchRequest,
};
use crate::fault::{Effect, Place};
use crate::guid::Guid;
use crate::ledger::{Actor, Change, ObjectKey, Outcome, Question, Read, Side, Write, WriteKind};
use crate::marks::Mark;

/// What came of knocking at a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passage<T> {
    /// An answer.
    Answered(T),
    /// Nobody is there: the connection is refused or closed at once. Nothing was done.
    Refused,
    /// The connection broke without an answer. Whether anything was done is not told.
    Lost,
}

impl<T> Passage<T> {
    fn map<U>(self, then: impl FnOnce(T) -> U) -> Passage<U> {
        match self {
            Self::Answered(answer) => Passage::Answered(then(answer)),
            Self::Refused => Passage::Refused,
            Self::Lost => Passage::Lost,
        }
    }
}

/// What faults make of an operation before the directory is asked.
pub(super) enum Fate {
    Pass,
    Refused,
    Lost,
    LostAfterwards,
    Answer(u8),
    /// Passes, and comes a second time.
    Twice,
    /// Is lost, and comes so much later.
    HeldBack(Duration),
    /// Is answered as by a schema without the attributes of Exchange.
    NoSchema,
}

impl Fate {
    pub(super) fn of(effect: Option<Effect>) -> Self {
        match effect {
            None
            | Some(
                Effect::HaltBefore
                | Effect::HaltAfter
                | Effect::Delay(_)
                | Effect::Http { .. }
                | Effect::UsedUp { .. }
                | Effect::TimeOut { .. }
                | Effect::NoToken
                | Effect::Truncate
                | Effect::ExpirePage
                | Effect::Damage,
            ) => Self::Pass,
            Some(Effect::Late(by)) => Self::HeldBack(by),
            Some(Effect::LackSchema) => Self::NoSchema,
            Some(Effect::Twice) => Self::Twice,
            Some(Effect::Refuse) => Self::Refused,
            Some(Effect::LoseBefore) => Self::Lost,
            Some(Effect::LoseAfter) => Self::LostAfterwards,
            Some(Effect::LdapResult(code)) => Self::Answer(u8::try_from(code).unwrap_or(80)),
        }
    }

    /// Whether an operation with this fate at an agent comes to the domain controller now.
    const fn reaches_the_directory(&self) -> bool {
        match self {
            Self::Refused | Self::Lost | Self::HeldBack(_) => false,
            // Rights and schema are the directory's own: it answers for them, when it is there.
            Self::Pass | Self::LostAfterwards | Self::Twice | Self::Answer(_) | Self::NoSchema => {
                true
            }
        }
    }

    /// The fate of an operation that came to the domain controller, and what becomes of it there.
    fn and_there(self, there: Self) -> Self {
        match (self, there) {
            (sent, Self::Pass) => sent,
            // Whatever is answered does not come back.
            (Self::LostAfterwards, Self::Answer(_) | Self::NoSchema) => Self::Lost,
            (_, there) => there,
        }
    }
}

impl Estate {
    /// An agent by name.
    #[must_use]
    pub fn agent(&self, name: &str) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.name.eq_ignore_ascii_case(name))
    }

    /// Opens a connection to an agent. False when nobody is there; that counts as a hit of the fault
    /// that makes it so.
    pub fn gateway_connect(&mut self, agent: &str) -> bool {
        let Some(place) = self.agent(agent).map(Agent::place) else { return false };
        !matches!(self.meet(&place, "connect"), Some(Effect::Refuse | Effect::LoseBefore))
    }

    /// A search through an agent.
    pub fn gateway_search(
        &mut self,
        agent: &str,
        request: &SearchRequest,
    ) -> Passage<Result<SearchHits, LdapResult>> {
        let Some((dc, account)) = self.agent(agent).map(|a| (a.dc, a.account.clone())) else {
            return Passage::Refused;
        };
        let (dc, fate) = self.fate(agent, dc, "search");
        match fate {
            Fate::Refused => return Passage::Refused,
            Fate::Lost => return Passage::Lost,
            Fate::Answer(code) => return Passage::Answered(Err(answer(code))),
            Fate::Pass
            | Fate::LostAfterwards
            | Fate::Twice
            | Fate::HeldBack(_)
            | Fate::NoSchema => {}
        }
        self.charge(self.profile.costs.ldap_search);
        let hits = match self.forests.get(dc.forest) {
            Some(forest) => forest.search_hits(dc.dc, &account, request, None),
            None => Err(diagnostic::no_such_object("")),
        };
        let lost = matches!(fate, Fate::LostAfterwards);
        let found = hits.as_ref().map_or(0, |found| found.hits.len());
        self.note_search(found);
        if let (Ok(found), false) = (&hits, lost) {
            for hit in &found.hits {
                self.note_ad_read(dc.forest, hit.object, hit.entry.guid, hit.stamp.usn_changed);
            }
        }
        if matches!(fate, Fate::LostAfterwards) { Passage::Lost } else { Passage::Answered(hits) }
    }

    /// A modify through an agent.
    pub fn gateway_modify(&mut self, agent: &str, request: &ModifyRequest) -> Passage<LdapResult> {
        let Some((dc, account)) = self.agent(agent).map(|a| (a.dc, a.account.clone())) else {
            return Passage::Refused;
        };
        let (dc, fate) = self.fate(agent, dc, self.kind_of_modify(dc, request));
        let dc = self.writable_for(dc);
        match fate {
            Fate::Refused | Fate::Lost => {
                self.note_not_arrived(dc, request);
                let refused = matches!(fate, Fate::Refused);
                return if refused { Passage::Refused } else { Passage::Lost };
            }
            Fate::HeldBack(by) => {
                let actor = Actor::new(&account.name, self.engine_activity);
                let request = request.clone();
                self.hold_back(by, HeldBack { dc, account, actor, request, sent: self.now });
                return Passage::Lost;
            }
            Fate::Pass | Fate::LostAfterwards | Fate::Answer(_) | Fate::Twice | Fate::NoSchema => {}
        }
        self.charge(self.profile.costs.ldap_modify);
        let actor = Actor::new(&account.name, self.engine_activity);
        let result = match fate {
            Fate::Answer(code) => Err(answer(code)),
            Fate::NoSchema => Err(diagnostic::unknown_attribute()),
            _ => {
                let (dc, forest) = (dc.dc, self.forests.get_mut(dc.forest));
                let writer = Writer::new(dc, &account, self.now);
                forest.map_or_else(
                    || Err(diagnostic::no_such_object("")),
                    |forest| forest.modify(&writer, request),
                )
            }
        };
        let answered = !matches!(fate, Fate::LostAfterwards);
        self.note_outcome(&actor, dc, request, &result, answered);
        let result = match result {
            Ok(written) => {
                self.note_ad_write(&actor, dc.forest, WriteKind::Changed, &written);
                LdapResult::success()
            }
            Err(refusal) => refusal,
        };
        if matches!(fate, Fate::Twice) {
            self.deliver_again(dc, &account, &actor, request);
        }
        if answered { Passage::Answered(result) } else { Passage::Lost }
    }

    /// Any request through an agent, answered as a client sees it.
    pub fn gateway(&mut self, agent: &str, request: &Request) -> Passage<Response> {
        match &request.operation {
            Operation::Modify(modify) if request.controls.is_empty() => {
                self.gateway_modify(agent, modify).map(Response::from)
            }
            Operation::Search(search) if !is_root_dse(search) => {
                self.gateway_search_page(agent, request)
            }
            _ => self.gateway_other(agent, request),
        }
    }

    /// A search as a client sends it, with its controls. Leaves the same trace as
    /// [`Self::gateway_search`].
    fn gateway_search_page(&mut self, agent: &str, request: &Request) -> Passage<Response> {
        let Some((dc, account)) = self.agent(agent).map(|a| (a.dc, a.account.clone())) else {
            return Passage::Refused;
        };
        let (dc, fate) = self.fate(agent, dc, "search");
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
        self.charge(self.profile.costs.ldap_search);
        let response = self.perform(dc, &account, request).0;
        let lost = matches!(fate, Fate::LostAfterwards);
        self.note_search(response.entries.len());
        let read = if lost { &[][..] } else { response.entries.as_slice() };
        for guid in read.iter().filter_map(|entry| entry.guid) {
            let Some((object, usn)) = self.forests.dc(dc).and_then(|dc| {
                let object = dc.store.by_guid(guid)?;
                Some((object, dc.store.get(object)?.stamp.usn_changed))
            }) else {
                continue;
            };
            self.note_ad_read(dc.forest, object, guid, usn);
        }
        if matches!(fate, Fate::LostAfterwards) {
            Passage::Lost
        } else {
            Passage::Answered(response)
        }
    }

    fn gateway_other(&mut self, agent: &str, request: &Request) -> Passage<Response> {
        let Some((dc, account)) = self.agent(agent).map(|a| (a.dc, a.account.clone())) else {
            return Passage::Refused;
        };
        let (dc, fate) = self.fate(agent, dc, "other");
        match fate {
            Fate::Refused => Passage::Refused,
            Fate::Lost => Passage::Lost,
            Fate::Pass
            | Fate::LostAfterwards
            | Fate::Answer(_)
            | Fate::Twice
            | Fate::HeldBack(_)
            | Fate::NoSchema => {
                let actor = Actor::new(&account.name, self.engine_activity);
                Passage::Answered(self.directory(dc, &account, &actor, request))
            }
        }
    }

    fn note_search(&mut self, found: usize) {
        self.ledger.question(Question {
            at: self.now,
            activity: self.engine_activity,
            what: "search",
            found: u32::try_from(found).unwrap_or(u32::MAX),
        });
    }

    fn note_ad_read(&mut self, forest: ForestNumber, object: ObjectNumber, guid: Guid, usn: u64) {
        self.ledger.read(Read {
            at: self.now,
            activity: self.engine_activity,
            object: ObjectKey::ad(forest, object),
            guid,
            cloud_managed: None,
            version: u32::try_from(usn & 0xffff_ffff).unwrap_or(0),
        });
    }

    fn perform(
        &mut self,
        dc: DcKey,
        account: &Principal,
        request: &Request,
    ) -> (Response, Vec<Written>) {
        let Some(forest) = self.forests.get_mut(dc.forest) else {
            return (diagnostic::no_such_object("").into(), Vec::new());
        };
        let chance = &mut self.new_objects;
        forest.perform(dc.dc, account, self.now, request, &mut || chance.guid())
    }

    pub(super) fn directory(
        &mut self,
        dc: DcKey,
        account: &Principal,
        actor: &Actor,
        request: &Request,
    ) -> Response {
        let (response, written) = self.perform(dc, account, request);
        let kind = match &request.operation {
            Operation::Add(_) => WriteKind::Created,
            Operation::Delete(_) => WriteKind::Deleted,
            Operation::ModifyDn(_) => WriteKind::Moved,
            Operation::Modify(modify) if brings_back(modify) => WriteKind::Moved,
            Operation::Modify(_) | Operation::Search(_) | Operation::Compare(_) => {
                WriteKind::Changed
            }
        };
        for written in &written {
            self.note_ad_write(actor, dc.forest, kind, written);
        }
        if written.is_empty() {
            self.note_refusal(actor, &request.operation, &response.result);
            // Operations on the rootDSE write too.
            self.spread(dc.forest);
        }
        response
    }

    /// The fate of an operation through an agent, and the domain controller where it arrives: when the
    /// agent's own one is not there, another one of its domain (Microsoft Learn, "Cloud sync
    /// prerequisites": preferred domain controllers).
    fn fate(&mut self, agent: &str, dc: DcKey, operation: &str) -> (DcKey, Fate) {
        let at_agent = self.meet(&Place::Agent(agent.to_owned()), operation);
        if self.is_too_slow(at_agent) {
            return (dc, Fate::Answer(ResultCode::TimeLimitExceeded.number()));
        }
        let sent = Fate::of(at_agent);
        if !sent.reaches_the_directory() {
            return (dc, sent);
        }
        let mut at = dc;
        let mut at_controller = self.meet(&Place::DomainController(self.dc_name(dc)), operation);
        if at_controller == Some(Effect::Refuse) {
            (at, at_controller) = self.fail_over(agent, dc, operation);
        }
        if self.is_too_slow(at_controller) {
            return (at, Fate::Answer(ResultCode::TimeLimitExceeded.number()));
        }
        (at, sent.and_there(Fate::of(at_controller)))
    }

    /// Lets a delay pass. The service waits so long for an agent, and no longer.
    fn is_too_slow(&mut self, effect: Option<Effect>) -> bool {
        let Some(Effect::Delay(length)) = effect else { return false };
        let patience = self.profile.timing("agent_timeout");
        self.charge(length.min(patience));
        if length >= patience {
            Mark::AgentTimeOut.reach();
        }
        length >= patience
    }

    /// The first other domain controller of an agent that is there, and the fate of an operation on it.
    fn fail_over(&mut self, agent: &str, dc: DcKey, operation: &str) -> (DcKey, Option<Effect>) {
        let others = self.agent(agent).map(|agent| agent.others.clone()).unwrap_or_default();
        for other in others {
            let place = Place::DomainController(self.dc_name(other));
            let effect = self.meet(&place, operation);
            if effect != Some(Effect::Refuse) {
                return (other, effect);
            }
        }
        (dc, Some(Effect::Refuse))
    }

    pub(super) fn dc_name(&self, dc: DcKey) -> String {
        self.forests.dc(dc).map(|dc| dc.host.clone()).unwrap_or_default()
    }

    /// Notes a write in AD, whoever made it.
    pub(super) fn note_ad_write(
        &mut self,
        actor: &Actor,
        forest: ForestNumber,
        kind: WriteKind,
        written: &Written,
    ) {
        self.note_ad_write_of(actor, forest, kind, written, self.now);
    }

    /// The same of what was sent at some time.
    pub(super) fn note_ad_write_of(
        &mut self,
        actor: &Actor,
        forest: ForestNumber,
        kind: WriteKind,
        written: &Written,
        sent: VirtualTime,
    ) {
        let cloud_managed = self
            .subject_of_ad(forest, written.object)
            .and_then(|subject| Some(self.exchange.mailbox(subject.exchange?)?.cloud_managed));
        let boxed = |values: &[Vec<u8>]| values.iter().map(|v| v.as_slice().into()).collect();
        self.ledger.write(Write {
            at: self.now,
            sent,
            actor: actor.clone(),
            object: ObjectKey::ad(forest, written.object),
            kind,
            guid: written.guid,
            cloud_managed,
            changes: written
                .changes
                .iter()
                .map(|change| Change {
                    attribute: change.attribute,
                    old: boxed(&change.old),
                    new: boxed(&change.new),
                })
                .collect(),
        });
        self.spread(forest);
    }

    /// Notes that a change of AD was refused.
    fn note_refusal(&mut self, actor: &Actor, operation: &Operation, result: &LdapResult) {
        if result.is_success() || matches!(operation, Operation::Search(_) | Operation::Compare(_))
        {
            return;
        }
        Mark::of_directory(result.code).reach();
        let mut hasher = FxHasher::default();
        format!("{operation:?}").hash(&mut hasher);
        self.ledger.outcome(Outcome {
            at: self.now,
            actor: actor.clone(),
            side: Side::Ad,
            guid: Guid([0; 16]),
            object: None,
            code: u32::from(result.code.number()),
            diagnostic: result.diagnostic.clone(),
            effective: false,
            request: hasher.finish(),
            answered: true,
            refused_flip: false,
        });
    }

    pub(super) fn note_outcome(
        &mut self,
        actor: &Actor,
        dc: DcKey,
        request: &ModifyRequest,
        result: &Result<Written, LdapResult>,
        answered: bool,
    ) {
        let (guid, number) = match (result, &request.object) {
            (Ok(written), _) => (written.guid, Some(written.object)),
            (Err(_), Name::Guid(guid)) => {
                (*guid, self.forests.dc(dc).and_then(|dc| dc.store.by_guid(*guid)))
            }
            (Err(_), _) => (Guid([0; 16]), None),
        };
        let (code, diagnostic, effective) = match result {
            Ok(written) => (0, String::new(), !written.changes.is_empty()),
            Err(refusal) => {
                Mark::of_directory(refusal.code).reach();
                (u32::from(refusal.code.number()), refusal.diagnostic.clone(), false)
            }
        };
        self.ledger.outcome(Outcome {
            at: self.now,
            actor: actor.clone(),
            side: Side::Ad,
            guid,
            object: number.map(|number| ObjectKey::ad(dc.forest, number)),
            code,
            diagnostic,
            effective,
            request: digest(request),
            answered,
            refused_flip: false,
        });
    }
}

fn is_root_dse(search: &SearchRequest) -> bool {
    search.base == Name::Dn(String::new())
}

/// What a domain controller says when a fault makes it say so ([MS-ADTS] 3.1.1.3.1.9: the error
/// text leads with the Win32 code).
pub(super) fn answer(code: u8) -> LdapResult {
    match code {
        3 => LdapResult::of(
            ResultCode::TimeLimitExceeded,
            "the agent did not answer in time\n".to_owned(),
        ),
        50 => diagnostic::access_denied(),
        51 => LdapResult::of(
            ResultCode::Busy,
            "0000200E: SvcErr: DSID-03210A4B, problem 5001 (BUSY), data 0\n".to_owned(),
        ),
        52 => LdapResult::of(
            ResultCode::Unavailable,
            "0000200F: SvcErr: DSID-03210A4C, problem 5002 (UNAVAILABLE), data 0\n".to_owned(),
        ),
        _ => LdapResult::of(
            ResultCode::Other,
            "00002095: SvcErr: DSID-03210A4D, problem 5012 (DIR_ERROR), data 0\n".to_owned(),
        ),
    }
}

fn digest(request: &ModifyRequest) -> u64 {
    let mut hasher = FxHasher::default();
    for change in &request.changes {
        (change.operation as u8).hash(&mut hasher);
        let name = match &change.attribute {
            AttributeName::Text(name) => name.to_ascii_lowercase(),
            AttributeName::Number(number) => number.to_string(),
        };
        name.hash(&mut hasher);
        let mut values: Vec<&[u8]> = change.values.iter().map(Vec::as_slice).collect();
        values.sort_unstable();
        values.hash(&mut hasher);
    }
    hasher.finish()
}
