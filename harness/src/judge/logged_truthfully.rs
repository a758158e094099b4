//! What the log says happened, and what happened is in the log.
//!
//! Why: the provisioning log is all that an administrator sees. An entry of success stands for a write;
//! a refusal by the directory stands in the log with a documented code; nothing is lost in silence
//! (Microsoft Learn, "Cloud sync error codes", "Understand the provisioning logs"). After a crash an
//! entry may come twice, because it is logged before it is known to be.

use std::collections::BTreeMap;

use sim::entra::log::LogStatus;
use sim::estate::Estate;
use sim::ledger::{Activity, Event, Logged, ObjectKey, Outcome, Side};

use super::codes::is_documented;
use super::{Charge, Kind, Oracle};
use crate::observe::ByPerson;

/// The rule, with what of each person's object is not in the log yet.
#[derive(Clone, Default)]
pub(super) struct LoggedTruthfully {
    open: ByPerson<Open>,
    /// By person: the last refusal that no entry speaks of yet.
    silent: BTreeMap<u32, Charge>,
    /// Processes of the engine that have ended.
    ended: u32,
}

#[derive(Clone, Copy, Default)]
struct Open {
    /// An effective write that no entry speaks of yet.
    written: bool,
    /// There was an effective write at all.
    ever: bool,
    /// Processes that had ended at the last effective write or entry of success.
    ended: u32,
}

impl Oracle for LoggedTruthfully {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Outcome, Kind::Said]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, whose: Option<u32>) -> Option<Charge> {
        match event {
            Event::Process(process) => {
                self.ended += u32::from(!process.started);
                None
            }
            Event::Outcome(outcome)
                if outcome.side == Side::Ad && outcome.actor.activity == Activity::Writeback =>
            {
                self.attempt(outcome, whose?);
                None
            }
            Event::Logged(logged) => self.entry(logged, whose),
            _ => None,
        }
    }

    fn at_rest(&mut self, _: &Estate) -> Vec<Charge> {
        self.silent.values().cloned().collect()
    }
}

impl LoggedTruthfully {
    fn attempt(&mut self, outcome: &Outcome, person: u32) {
        if outcome.effective {
            *self.open.at(person) = Open { written: true, ever: true, ended: self.ended };
        }
        match outcome.object.filter(|_| outcome.code != 0 && outcome.answered) {
            Some(object) => {
                self.silent.insert(person, silence(outcome, object));
            }
            None => {
                self.silent.remove(&person);
            }
        }
    }

    fn entry(&mut self, logged: &Logged, whose: Option<u32>) -> Option<Charge> {
        let failure = logged.status == LogStatus::Failure;
        if failure && !is_documented(&logged.code) {
            let message = "the engine logged a failure with a code that is not documented";
            return Some(untrue(logged, message, Some(logged.code.to_string())));
        }
        let person = whose?;
        match logged.status {
            LogStatus::Failure => {
                self.silent.remove(&person);
            }
            LogStatus::Success => {
                let ended = self.ended;
                let open = self.open.at(person);
                let again = open.ever && open.ended < ended;
                let is_true = open.written || again;
                *open = Open { written: false, ended, ..*open };
                if !is_true {
                    let message = "the engine logged a success, and had written nothing";
                    return Some(untrue(logged, message, None));
                }
            }
            LogStatus::Skipped => {}
        }
        None
    }
}

fn silence(outcome: &Outcome, object: ObjectKey) -> Charge {
    Charge {
        oracle: "logged_truthfully",
        at: outcome.at,
        object: Some(object),
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
        attribute: None,
        writer: None,
        message: message.to_owned(),
        expected: None,
        actual,
    }
}
