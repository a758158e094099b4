//! What the log says happened, and what happened is in the log.
//!
//! Why: the provisioning log is all that an administrator sees. An entry of success stands for a write,
//! and a write for an entry; a refusal by the directory stands in the log with a documented code, even when
//! a later attempt succeeds, and what AD refused for want of rights stands there as that, and nothing else does;
//! who is left out is so for a documented reason; a failure stands for a refusal or for an answer that never came; a cycle that
//! failed as a whole says why (Microsoft Learn, "Cloud sync error codes", "Understand the provisioning
//! logs"). After a crash an entry may come twice, because it is logged before it is known to be, and what
//! the dead process knew may be gone. Of a modify that was held back on its way nobody knows when it lands.

use std::collections::BTreeMap;

use sim::clock::VirtualTime;
use sim::entra::log::LogStatus;
use sim::estate::Estate;
use sim::ledger::{Activity, CycleEnd, Event, Logged, ObjectKey, Outcome, Side};

use super::codes::{ACCESS_RIGHTS, is_a_skip, is_documented};
use super::{About, Charge, Kind, Oracle};
use crate::observe::ByPerson;

/// The rule, with what of each person's object is not in the log yet.
#[derive(Clone, Default)]
pub(super) struct LoggedTruthfully {
    open: ByPerson<Open>,
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
        &[Kind::Outcome, Kind::HeldBack, Kind::NotArrived, Kind::Said]
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
            Event::HeldBack(_) | Event::NotArrived(_) => {
                // A part of a change may have been answered, and the rest is on its way or lost.
                let open = self.open.at(about.whose?);
                (open.plain, open.trouble) = (false, true);
                None
            }
            Event::Logged(logged) => self.entry(logged, about.whose),
            Event::Cycle(end) => self.cycle(end),
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
        charges
    }
}

impl LoggedTruthfully {
    fn attempt(&mut self, outcome: &Outcome, person: u32) {
        let trouble = outcome.code != 0 || !outcome.answered;
        let open = self.open.at(person);
        if outcome.effective {
            *open = Open { written: Some(outcome.at), ever: true, ended: self.ended, ..*open };
        }
        open.trouble |= trouble;
        open.plain = outcome.effective && !open.trouble;
        if let Some(object) = outcome.object.filter(|_| outcome.code != 0 && outcome.answered) {
            let (charge, code) = (silence(outcome, object), outcome.code);
            self.silent.insert(person, Refusal { charge, ended: self.ended, code });
        }
    }

    fn entry(&mut self, logged: &Logged, whose: Option<u32>) -> Option<Charge> {
        let failure = logged.status == LogStatus::Failure;
        if failure && !is_documented(&logged.code) {
            let message = "the engine logged a failure with a code that is not documented";
            return Some(untrue(logged, message, Some(logged.code.to_string())));
        }
        self.cycle_told |= failure && logged.object.is_none();
        let person = whose?;
        let (ended, before) = (self.ended, self.open.get(person));
        let open = self.open.at(person);
        (open.plain, open.trouble) = (false, false);
        match logged.status {
            LogStatus::Failure => {
                open.written = None;
                let refusal = self.silent.remove(&person).filter(|refusal| refusal.ended == ended);
                let is_said = logged.code == ACCESS_RIGHTS;
                let is_so = refusal.as_ref().map(|refusal| refusal.code == NO_RIGHTS);
                if is_so.is_some_and(|is_so| is_so != is_said) {
                    let message = "the engine logged another failure than the directory's answer";
                    let answer = refusal.and_then(|refusal| refusal.charge.actual);
                    let said = format!("{} for {}", logged.code, answer.unwrap_or_default());
                    return Some(untrue(logged, message, Some(said)));
                }
                if before.plain && before.ended == ended {
                    let message = "the engine logged a failure, and had written the object";
                    return Some(untrue(logged, message, Some(logged.code.to_string())));
                }
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
            }
        }
        None
    }

    /// A cycle that failed as a whole has said so before it ends.
    fn cycle(&mut self, end: &CycleEnd) -> Option<Charge> {
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
