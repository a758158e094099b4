//! What comes again and again: random edits, and somebody who repeats a step.

use std::time::Duration;

use sim::caller::Role;
use sim::clock::VirtualTime;
use sim::powershell::{Argument, CmdletCall};

use super::runner::Runner;
use crate::cmdlet::ROUND;
use crate::scenario::{Action, Edits, GraphCall, Repeat, Spanned, Step};

/// Something that comes again and again.
pub(super) struct Repeated {
    pub(super) every: Duration,
    pub(super) until: Option<VirtualTime>,
    pub(super) due: VirtualTime,
    /// How often it came.
    rounds: u64,
    what: Again,
}

/// What comes again.
#[derive(Clone)]
pub(super) enum Again {
    /// Random edits.
    Edits {
        /// The numbers of the mailboxes.
        mailboxes: Vec<u32>,
        /// What the story says of them.
        edits: Box<Edits>,
    },
    /// A step, in the name of a role.
    Step(Box<Step>, Role),
}

impl Runner<'_> {
    /// Somebody begins to repeat a step: the first time now.
    pub(super) fn repeat(&mut self, repeat: &Repeat, step: &Step, role: Role) {
        let action = repeat.action.clone();
        let own = Step { action, ..step.clone() };
        self.person_acts(&own, &of_round(&own.action, 1), role);
        self.again(repeat.every, repeat.lasts, Again::Step(Box::new(own), role));
    }

    /// What was done once, now, comes again and again, as long as it lasts.
    pub(super) fn again(&mut self, every: Duration, lasts: Option<Duration>, what: Again) {
        let now = self.now();
        let (due, until) = (now + every, lasts.map(|length| now + length));
        if until.is_none_or(|until| due <= until) {
            self.repeated.push(Repeated { every, until, due, rounds: 1, what });
        }
    }

    /// One round of what is due.
    pub(super) fn come_again(&mut self, place: usize) {
        let now = self.now();
        let Some(repeated) = self.repeated.get_mut(place) else { return };
        repeated.due = repeated.due.max(now) + repeated.every;
        repeated.rounds += 1;
        let over = repeated.until.is_some_and(|until| repeated.due > until);
        let (what, round) = (repeated.what.clone(), repeated.rounds);
        match what {
            Again::Edits { mailboxes, edits } => {
                let share = edits.share;
                self.note_attempts(&Action::Edits(*edits));
                self.edit_round(&mailboxes, share);
            }
            Again::Step(step, role) => {
                let action = of_round(&step.action, round);
                self.note_attempts(&action);
                self.person_acts(&step, &action, role);
            }
        }
        if over {
            self.repeated.remove(place);
        }
    }
}

/// The action with the number of the round in its texts.
pub(super) fn of_round(action: &Action, round: u64) -> Action {
    let number = round.to_string();
    let text = |text: &str| text.replace(ROUND, &number);
    let call = |call: &Spanned<CmdletCall>| {
        let parameters = &call.value.parameters;
        let parameters =
            parameters.iter().map(|(name, value)| (name.clone(), argument(value, &number)));
        let name = call.value.name.clone();
        Spanned::new(CmdletCall { name, parameters: parameters.collect() }, call.span)
    };
    match action {
        Action::Exo(own) => Action::Exo(call(own)),
        Action::OnPrem(own) => Action::OnPrem(call(own)),
        Action::Ad(own) => Action::Ad(call(own)),
        Action::Ldif(own, dc) => Action::Ldif(Spanned::new(text(&own.value), own.span), dc.clone()),
        Action::Graph(own) => Action::Graph(GraphCall {
            method: own.method,
            path: Spanned::new(text(&own.path.value), own.path.span),
            body: own.body.as_ref().map(|body| json(body, &number)),
        }),
        other => other.clone(),
    }
}

fn argument(value: &Argument, number: &str) -> Argument {
    match value {
        Argument::Text(text) => Argument::Text(text.replace(ROUND, number)),
        Argument::Array(values) => {
            Argument::Array(values.iter().map(|value| argument(value, number)).collect())
        }
        Argument::Hashtable(members) => Argument::Hashtable(
            members.iter().map(|(name, value)| (name.clone(), argument(value, number))).collect(),
        ),
        other => other.clone(),
    }
}

fn json(body: &serde_json::Value, number: &str) -> serde_json::Value {
    use serde_json::Value;
    match body {
        Value::String(text) => Value::String(text.replace(ROUND, number)),
        Value::Array(values) => values.iter().map(|value| json(value, number)).collect(),
        Value::Object(members) => Value::Object(
            members.iter().map(|(name, value)| (name.clone(), json(value, number))).collect(),
        ),
        other => other.clone(),
    }
}
