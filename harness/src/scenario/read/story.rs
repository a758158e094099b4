//! `story:`, step by step: the first key says what a step does, the keys beside it how.

use std::time::Duration;

use super::super::diagnostic::Diagnostic;
use super::super::model::{Action, At, Step};
use super::super::nearest::advice;
use super::super::quantity;
use super::super::span::Spanned;
use super::super::world::World;
use super::super::yaml::{Entry, Node, Value};
use super::Reader;

/// Everything that a step can begin with.
pub const STEPS: [&str; 19] = [
    "exo",
    "onprem",
    "ad",
    "graph",
    "ldif",
    "transfer",
    "decommission",
    "edits",
    "repeat",
    "fault",
    "wait",
    "cycle",
    "job",
    "connect",
    "expect",
    "within",
    "always",
    "never",
    "until",
];
/// What may stand beside it.
const BESIDE: [&str; 4] = ["as", "expect_error", "at", "note"];
/// Steps that take `expect` beside them.
const WITH_EXPECT: [&str; 4] = ["within", "always", "never", "until"];
/// Steps that cannot fail, or whose failure is the verdict.
const WITHOUT_ERROR: [&str; 8] =
    ["fault", "wait", "edits", "expect", "within", "always", "never", "until"];

/// The keys of one step.
pub(super) struct Keys<'n> {
    /// What it does.
    pub(super) action: &'n Entry,
    /// `expect:` beside `within` and its like.
    pub(super) expect: Option<&'n Entry>,
    /// Whether `expect_error` stands beside it.
    pub(super) must_fail: bool,
}

impl Reader<'_> {
    pub(super) fn story(&mut self, node: &Node, world: &World) -> Vec<Step> {
        let Value::Sequence(nodes) = &node.value else {
            self.wrong_type(node, "a list of steps, each `- ` and what it does");
            return Vec::new();
        };
        let mut earliest = Duration::ZERO;
        nodes.iter().filter_map(|node| self.step(node, world, &mut earliest)).collect()
    }

    /// `earliest` is the least time after the world's start at which the next step can be.
    fn step(&mut self, node: &Node, world: &World, earliest: &mut Duration) -> Option<Step> {
        let entries: &[Entry] = match &node.value {
            Value::Mapping(entries) => entries,
            Value::Scalar(_) | Value::Sequence(_) => &[],
        };
        let Some((action, beside)) = entries.split_first() else {
            self.wrong_type(node, "a step: a mapping whose first key says what it does");
            return None;
        };
        if !self.is_action(&action.key, beside) {
            return None;
        }
        let name = action.key.value.as_str();
        let expect = beside.iter().find(|e| e.key.value == "expect" && WITH_EXPECT.contains(&name));
        for entry in beside {
            let is_expect = entry.key.value == "expect" && WITH_EXPECT.contains(&name);
            if !BESIDE.contains(&entry.key.value.as_str()) && !is_expect {
                self.stray_key(&entry.key, name);
            }
        }
        let at = find(beside, "at").and_then(|entry| self.at(entry, world, earliest));
        let role = find(beside, "as").and_then(|entry| self.role(&entry.value));
        let note = find(beside, "note").and_then(|entry| self.text(&entry.value));
        let must_fail = find(beside, "expect_error");
        let expect_error = must_fail.and_then(|entry| self.expected_error(entry, name));
        let keys = Keys { action, expect, must_fail: must_fail.is_some() };
        let action = self.action(&keys, world)?;
        if let Action::Wait(wait) = &action {
            *earliest = earliest.saturating_add(*wait);
        }
        let note = note.map(|note| note.value);
        Some(Step { action, role, expect_error, at, note, span: node.span })
    }

    fn is_action(&mut self, key: &Spanned<String>, beside: &[Entry]) -> bool {
        if STEPS.contains(&key.value.as_str()) {
            return true;
        }
        if BESIDE.contains(&key.value.as_str()) {
            let message = format!("`{}` does nothing by itself", key.value);
            let action = beside.iter().find(|e| STEPS.contains(&e.key.value.as_str()));
            let help = match action {
                Some(action) => format!("put `{}:` first", action.key.value),
                None => "the first key of a step says what it does".to_owned(),
            };
            self.report(
                Diagnostic::error("step-order", key.span, message)
                    .label("expected what the step does")
                    .help(help),
            );
            return false;
        }
        let message = format!("there is no step `{}`", key.value);
        let problem = Diagnostic::error("unknown-step", key.span, message).label("unknown step");
        self.report(match advice(&key.value, STEPS) {
            Some(help) => problem.help(help),
            None => problem,
        });
        false
    }

    fn stray_key(&mut self, key: &Spanned<String>, action: &str) {
        if STEPS.contains(&key.value.as_str()) {
            let message = format!("a step does one thing, and this one does `{action}` already");
            self.report(
                Diagnostic::error("second-action", key.span, message)
                    .label("a second thing")
                    .help(format!("begin a new step: `- {}:`", key.value)),
            );
            return;
        }
        let mut known = BESIDE.to_vec();
        if WITH_EXPECT.contains(&action) {
            known.push("expect");
        }
        self.unknown_key(key, &known, &format!("a step with `{action}`"));
    }

    fn at(&mut self, entry: &Entry, world: &World, earliest: &mut Duration) -> Option<Spanned<At>> {
        let text = self.text(&entry.value)?;
        let instant = quantity::instant(&text.value);
        let at = match (instant, quantity::duration(&text.value)) {
            (Some(instant), _) => At::Instant(instant),
            (None, Ok(offset)) => At::Offset(offset),
            (None, Err(_)) => {
                self.wrong_type(
                    &entry.value,
                    "an instant such as `2026-09-01T10:00:00Z` or an offset from the start such as `2h`",
                );
                return None;
            }
        };
        let instant = at.instant(world.start)?;
        let after = instant.duration_since(world.start);
        let problem =
            |message: String| Diagnostic::error("instant-in-the-past", entry.value.span, message);
        let Ok(after) = Duration::try_from(after) else {
            let message = format!("{} is before the world's start", text.value);
            self.report(problem(message).label(format!("expected {} or later", world.start)));
            return None;
        };
        if after < *earliest {
            let message = format!("{} is over when the story comes here", text.value);
            let earliest_instant = At::Offset(*earliest).instant(world.start)?;
            self.report(
                problem(message)
                    .label(format!(
                        "expected {} after the start ({earliest_instant}) or later",
                        quantity::show_duration(*earliest)
                    ))
                    .help("steps come in the order of their instants; `wait` steps count"),
            );
            return None;
        }
        *earliest = after;
        Some(Spanned::new(at, entry.value.span))
    }

    fn role(&mut self, node: &Node) -> Option<Spanned<String>> {
        let role = self.text(node)?;
        let names = self.catalogues.roles.iter().map(String::as_str);
        self.known(&role, names, "unknown-role", "role")
    }

    fn expected_error(&mut self, entry: &Entry, action: &str) -> Option<Spanned<String>> {
        if WITHOUT_ERROR.contains(&action) {
            let message = format!("a step with `{action}` has no error to expect");
            self.report(
                Diagnostic::error("impossible-expectation", entry.key.span, message)
                    .help("`expect_error` stands beside what somebody does"),
            );
            return None;
        }
        let code = self.sentence(&entry.value)?;
        let codes = &self.catalogues.error_codes;
        if code.value == "any" || codes.is_empty() {
            return Some(code);
        }
        let names = std::iter::once("any").chain(codes.iter().map(String::as_str));
        self.known(&code, names, "unknown-code", "error")
    }
}

fn find<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Entry> {
    entries.iter().find(|entry| entry.key.value == key)
}
