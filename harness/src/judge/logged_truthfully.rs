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
use super::{Charge, Oracle};

/// The rule, with what of each object is not in the log yet.
#[derive(Clone, Default)]
pub(super) struct LoggedTruthfully {
    /// By person.
    open: BTreeMap<u32, Open>,
    /// Processes of the engine that have ended.
    ended: u32,
}

#[derive(Clone, Default)]
struct Open {
    /// An effective write that no entry speaks of yet.
    written: bool,
    /// The last refusal that no entry speaks of yet.
    refused: Option<(ObjectKey, Charge)>,
    /// Processes that had ended when an entry of success was last due.
    due_in: u32,
    /// There was an effective write at all.
    ever: bool,
}

impl Oracle for LoggedTruthfully {
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
        let silent = self.open.values().filter_map(|open| open.refused.clone());
        silent.map(|(_, charge)| charge).collect()
    }
}

impl LoggedTruthfully {
    fn attempt(&mut self, outcome: &Outcome, person: u32) {
        let open = self.open.entry(person).or_default();
        if outcome.effective {
            (open.written, open.ever, open.due_in) = (true, true, self.ended);
        }
        let refused = outcome.object.filter(|_| outcome.code != 0 && outcome.answered);
        open.refused = refused.map(|object| (object, silence(outcome, object)));
    }

    fn entry(&mut self, logged: &Logged, whose: Option<u32>) -> Option<Charge> {
        let failure = logged.status == LogStatus::Failure;
        if failure && !is_documented(&logged.code) {
            let message = "the engine logged a failure with a code that is not documented";
            return Some(untrue(logged, message, Some(logged.code.to_string())));
        }
        let ended = self.ended;
        let open = self.open.entry(whose?).or_default();
        match logged.status {
            LogStatus::Failure => open.refused = None,
            LogStatus::Success => {
                let again = open.ever && open.due_in < ended;
                let true_word = open.written || again;
                open.written = false;
                open.due_in = ended;
                if !true_word {
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
