//! What the log says happened, and what happened is in the log.
//!
//! Why: the provisioning log is all that an administrator sees. An entry of success stands for a write,
//! and a write for an entry; a refusal by the directory stands in the log with a documented code, even when
//! a later attempt succeeds, and what AD refused for want of rights stands there as that, and nothing else does;
//! who is left out is so for a documented reason, and is not in scope when that is said; a failure stands for a refusal, for
//! an answer that never came, or for an object that was looked for and not found, and whose answer never came stands in the
//! log; a cycle that failed as a whole says why (Microsoft Learn, "Cloud sync error codes", "Understand the provisioning
//! logs"). What a broken connection took with it, the ledger does not tell one by one: then any failure may be true. After a crash an entry may come twice, because it is logged before it is known to be, and what
//! the dead process knew may be gone. Of a modify that was held back on its way nobody knows when it lands.

use std::collections::BTreeMap;

use sim::clock::VirtualTime;
use sim::entra::job::StatusCode;
use sim::entra::log::LogStatus;
use sim::estate::Estate;
use sim::exchange::Mailbox;
use sim::ledger::{
    Activity, CycleEnd, Event, HeldBack, Logged, NotArrived, ObjectKey, Outcome, Read, Side,
};

use super::codes::{
    ACCESS_RIGHTS, DUPLICATES, SIGNALING, is_a_skip, is_an_answer, is_documented, is_of_the_way,
};
use super::scope::exports;
use super::{About, Charge, Kind, Oracle};
use crate::observe::ByPerson;

/// Faults that strike single requests and answer them, or that strike nothing between the engine and AD. All others take
/// whole connections and calls with them.
const SINGLE: [&str; 9] = [
    "dc_busy",
    "dc_unavailable",
    "rights_removed",
    "schema_not_extended",
    "delivery_duplicated",
    "replication_stopped",
    "replication_slow",
    "forward_sync_delayed",
    "engine_crash",
];

/// The rule, with what of each person's object is not in the log yet.
#[derive(Clone, Default)]
pub(super) struct LoggedTruthfully {
    open: ByPerson<Open>,
    looks: ByPerson<Look>,
    /// By person: a modify whose answer never came, and of which no entry speaks yet.
    lost: BTreeMap<u32, Lost>,
    /// Somebody who is in scope may be left out for now: mailboxes that are new to the job (switches
    /// `first_time_requires_initial`, `limit_action`).
    may_wait: bool,
    /// When anybody but the engine last changed anything.
    others_acted: VirtualTime,
    /// When the job got another schema, until a cycle that began after that has ended.
    rescoped: Option<VirtualTime>,
    /// A fault took more than one request with it, since the last cycle ended.
    disturbed: bool,
    /// A domain controller refused something since the last cycle ended: perhaps a search, of which no attempt tells.
    dc_refused: bool,
    /// By person: the last refusal that no entry speaks of yet.
    silent: BTreeMap<u32, Refusal>,
    /// Processes of the engine that have ended.
    ended: u32,
    /// An entry told of a failure that is no mailbox's, since the last cycle ended.
    cycle_told: bool,
}

/// A modify that the directory refused.
#[derive(Clone)]
struct Refusal {
    /// If nothing is said of it.
    charge: Charge,
    /// Processes that had ended then.
    ended: u32,
    /// The LDAP result.
    code: u32,
}

/// What the engine saw of somebody since the last entry.
#[derive(Clone, Copy, Default)]
struct Look {
    /// When it read the mailbox last; the beginning of time when it did not.
    at: VirtualTime,
    /// The mailbox is under the cloud's authority, and in scope.
    in_scope: bool,
    cloud_managed: bool,
    /// It read the object in AD after that.
    object: bool,
}

/// A modify whose answer never came.
#[derive(Clone, Copy)]
struct Lost {
    at: VirtualTime,
    object: ObjectKey,
    /// Processes that had ended then.
    ended: u32,
}

/// insufficientAccessRights, RFC 4511 4.1.9.
const NO_RIGHTS: u32 = 50;

#[derive(Clone, Copy, Default)]
struct Open {
    /// When the last effective write was that no entry speaks of yet.
    written: Option<VirtualTime>,
    /// Its answer got through, and nothing was refused or lost since the last entry.
    plain: bool,
    /// A modify was refused, or its answer lost, since the last entry.
    trouble: bool,
    /// There was an effective write at all.
    ever: bool,
    /// Processes that had ended at the last effective write or entry of success.
    ended: u32,
}

impl Oracle for LoggedTruthfully {
    fn kinds(&self) -> &'static [Kind] {
        &[
            Kind::Write,
            Kind::Read,
            Kind::Outcome,
            Kind::HeldBack,
            Kind::NotArrived,
            Kind::Said,
            Kind::Fault,
        ]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, about: About) -> Option<Charge> {
        match event {
            Event::Process(process) => {
                self.ended += u32::from(!process.started);
                None
            }
            Event::Outcome(outcome)
                if outcome.side == Side::Ad && outcome.actor.activity == Activity::Writeback =>
            {
                self.attempt(outcome, about.whose?);
                None
            }
            Event::HeldBack(HeldBack { at, object })
            | Event::NotArrived(NotArrived { at, object }) => {
                // A part of a change may have been answered, and the rest is on its way or lost.
                let person = about.whose?;
                let open = self.open.at(person);
                (open.plain, open.trouble) = (false, true);
                self.lost.insert(person, Lost { at: *at, object: *object, ended: self.ended });
                None
            }
            Event::Logged(logged) => self.entry(logged, about),
            Event::Cycle(end) => self.cycle(end),
            Event::Read(read) if read.activity == Activity::Writeback => {
                self.look(read, about);
                None
            }
            Event::Write(write) if write.sent < write.at && exports(write.actor.activity) => {
                // It lands while the engine may be looking what became of it.
                let ended = self.ended;
                let open = self.open.at(about.whose?);
                *open = Open { written: Some(write.at), ever: true, plain: false, ended, ..*open };
                None
            }
            Event::Write(write) if !exports(write.actor.activity) => {
                self.others_acted = write.at;
                None
            }
            Event::Schema(change) => {
                self.rescoped = Some(change.at);
                None
            }
            Event::Fault(hit) => {
                self.disturbed |= !SINGLE.contains(&hit.name);
                self.dc_refused |= hit.name.starts_with("dc_");
                None
            }
            _ => None,
        }
    }

    fn at_rest(&mut self, estate: &Estate) -> Vec<Charge> {
        let ended = self.ended;
        let refused = self.silent.values().filter(|refusal| refusal.ended == ended);
        let mut charges: Vec<Charge> = refused.map(|refusal| refusal.charge.clone()).collect();
        for (person, open) in self.open.all() {
            let Some(at) = open.written.filter(|_| open.plain && open.ended == ended) else {
                continue;
            };
            let subject = estate.subjects().get(person as usize);
            let object = subject.and_then(|subject| subject.ad);
            charges.push(Charge {
                oracle: "logged_truthfully",
                at,
                object: object.map(|ad| ObjectKey::ad(ad.forest, ad.number)),
                person: Some(person),
                attribute: None,
                writer: None,
                message: "the engine wrote the object, and the log does not say so".to_owned(),
                expected: Some("an entry of success".to_owned()),
                actual: None,
            });
        }
        charges.extend(self.unanswered(estate));
        charges
    }
}

impl LoggedTruthfully {
    pub(super) fn new(estate: &Estate) -> Self {
        let profile = &estate.profile;
        let may_wait = profile.is_on("first_time_requires_initial")
            || profile.text("limit_action") == "refuse";
        Self { may_wait, ..Self::default() }
    }

    fn look(&mut self, read: &Read, about: About) {
        let Some(person) = about.whose else { return };
        match (read.object.side, read.cloud_managed) {
            (Side::Exchange, Some(cloud_managed)) => {
                let in_scope = cloud_managed && about.outside.is_none();
                let look = Look { at: read.at, in_scope, cloud_managed, object: false };
                self.looks.set(person, look);
            }
            (Side::Ad, _) => {
                let look = self.looks.at(person);
                look.object = true;
                look.in_scope &= about.outside.is_none();
            }
            _ => {}
        }
    }

    /// Modifies of which the log says nothing, although their answers never came. A job that does not run has yet to look
    /// what became of them.
    fn unanswered(&self, estate: &Estate) -> Vec<Charge> {
        let job = estate.entra.job.as_ref();
        let is_at_work = job.is_some_and(|job| job.status() == StatusCode::Active && !job.deleted);
        let is_there = |person: u32| {
            let subject = estate.subjects().get(person as usize);
            let mailbox = subject.and_then(|s| estate.exchange.mailbox(s.exchange?));
            mailbox.is_some_and(Mailbox::is_there)
        };
        let lost = self.lost.iter().filter(|(_, lost)| lost.ended == self.ended && is_at_work);
        let charge = |(person, lost): (&u32, &Lost)| Charge {
            oracle: "logged_truthfully",
            at: lost.at,
            object: Some(lost.object),
            person: Some(*person),
            attribute: None,
            writer: None,
            message: "a modify was never answered, and the log does not say what became of it"
                .to_owned(),
            expected: Some("an entry for the mailbox".to_owned()),
            actual: None,
        };
        lost.filter(|(person, _)| is_there(**person)).map(charge).collect()
    }

    fn attempt(&mut self, outcome: &Outcome, person: u32) {
        let trouble = outcome.code != 0 || !outcome.answered;
        let open = self.open.at(person);
        if outcome.effective {
            *open = Open { written: Some(outcome.at), ever: true, ended: self.ended, ..*open };
        }
        open.trouble |= trouble;
        open.plain = outcome.effective && !open.trouble;
        if let Some(object) = outcome.object.filter(|_| !outcome.answered) {
            self.lost.insert(person, Lost { at: outcome.at, object, ended: self.ended });
        }
        if let Some(object) = outcome.object.filter(|_| outcome.code != 0 && outcome.answered) {
            let (charge, code) = (silence(outcome, object), outcome.code);
            self.silent.insert(person, Refusal { charge, ended: self.ended, code });
        }
    }

    fn entry(&mut self, logged: &Logged, about: About) -> Option<Charge> {
        let failure = logged.status == LogStatus::Failure;
        if failure && !is_documented(&logged.code) {
            let message = "the engine logged a failure with a code that is not documented";
            return Some(untrue(logged, message, Some(logged.code.to_string())));
        }
        self.cycle_told |= failure && logged.object.is_none();
        let person = about.whose?;
        let (ended, before) = (self.ended, self.open.get(person));
        let look = self.looks.set(person, Look::default());
        self.lost.remove(&person);
        let open = self.open.at(person);
        (open.plain, open.trouble) = (false, false);
        match logged.status {
            LogStatus::Failure => {
                open.written = None;
                let refusal = self.silent.remove(&person).filter(|refusal| refusal.ended == ended);
                return self.failure(logged, refusal, before, look);
            }
            LogStatus::Success => {
                let again = before.ever && before.ended < ended;
                *open = Open { written: None, ended, ..*open };
                if before.written.is_none() && !again {
                    let message = "the engine logged a success, and had written nothing";
                    return Some(untrue(logged, message, None));
                }
            }
            LogStatus::Skipped => {
                if !is_a_skip(&logged.code) {
                    let message =
                        "the engine left an object out for a reason that is not documented";
                    return Some(untrue(logged, message, Some(logged.code.to_string())));
                }
                return self.skip(logged, about, look);
            }
        }
        None
    }

    /// Whether a failure stands for something that failed.
    fn failure(
        &self,
        logged: &Logged,
        refusal: Option<Refusal>,
        before: Open,
        look: Look,
    ) -> Option<Charge> {
        let code = || Some(logged.code.to_string());
        let is_said = logged.code == ACCESS_RIGHTS;
        let is_so = refusal.as_ref().map(|refusal| refusal.code == NO_RIGHTS);
        if is_so.is_some_and(|is_so| is_so != is_said) {
            let message = "the engine logged another failure than the directory's answer";
            let answer = refusal.and_then(|refusal| refusal.charge.actual);
            let said = format!("{} for {}", logged.code, answer.unwrap_or_default());
            return Some(untrue(logged, message, Some(said)));
        }
        if before.plain && before.ended == self.ended {
            let message = "the engine logged a failure, and had written the object";
            return Some(untrue(logged, message, code()));
        }
        if refusal.is_none() && is_an_answer(&logged.code) {
            let message = "the engine logged a refusal, and the directory had refused nothing";
            return Some(untrue(logged, message, code()));
        }
        let no_search = self.dc_refused && logged.code == SIGNALING;
        if before.trouble || self.disturbed || no_search || is_of_the_way(&logged.code) {
            return None;
        }
        let message = if look.at == VirtualTime::default() {
            "the engine logged a failure of somebody of whom it had read nothing and sent nothing"
        } else if look.object && logged.code != DUPLICATES {
            "the engine logged a failure of somebody whose object it had found and sent nothing for"
        } else {
            return None;
        };
        Some(untrue(logged, message, code()))
    }

    /// Whether somebody who is said to be left out was to be left out.
    fn skip(&self, logged: &Logged, about: About, look: Look) -> Option<Charge> {
        let message = match logged.code.as_ref() {
            "ImportSkipped" if look.cloud_managed => {
                "the engine left a mailbox to AD, and had read that the cloud has the authority over it"
            }
            "NotInScope"
                if look.in_scope
                    && about.is_inside
                    && !self.may_wait
                    && self.rescoped.is_none()
                    && self.others_acted < look.at =>
            {
                "the engine left out somebody who is in scope, and was so when it looked"
            }
            _ => return None,
        };
        Some(untrue(logged, message, Some(logged.code.to_string())))
    }

    /// A cycle that failed as a whole has said so before it ends.
    fn cycle(&mut self, end: &CycleEnd) -> Option<Charge> {
        (self.disturbed, self.dc_refused) = (false, false);
        self.rescoped = self.rescoped.filter(|at| end.began < *at);
        let told = core::mem::take(&mut self.cycle_told);
        (end.failed && !told).then(|| Charge {
            oracle: "logged_truthfully",
            at: end.at,
            object: None,
            person: None,
            attribute: None,
            writer: None,
            message: "a cycle failed, and the log does not say so".to_owned(),
            expected: Some("an entry of failure with a documented code".to_owned()),
            actual: None,
        })
    }
}

fn silence(outcome: &Outcome, object: ObjectKey) -> Charge {
    Charge {
        oracle: "logged_truthfully",
        at: outcome.at,
        object: Some(object),
        person: None,
        attribute: None,
        writer: None,
        message: "the directory refused a modify, and the log does not say so".to_owned(),
        expected: Some("an entry of failure with a documented code".to_owned()),
        actual: Some(format!("LDAP result {}", outcome.code)),
    }
}

fn untrue(logged: &Logged, message: &str, actual: Option<String>) -> Charge {
    Charge {
        oracle: "logged_truthfully",
        at: logged.at,
        object: logged.object,
        person: None,
        attribute: None,
        writer: None,
        message: message.to_owned(),
        expected: None,
        actual,
    }
}
