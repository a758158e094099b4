//! `story:`, step by step: the first key says what a step does, the keys beside it how.

use std::time::Duration;

use super::super::diagnostic::Diagnostic;
use super::super::model::{Action, At, Step};
use super::super::nearest::{advice, list, nearest};
use super::super::quantity;
use super::super::span::Spanned;
use super::super::world::World;
use super::super::yaml::{Entry, Node, Value};
use super::Reader;
use super::step::REPEATED;

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
/// Steps that a role takes or is refused. The others are done by administrators of the servers, or by nobody.
const WITH_ROLE: [&str; 8] =
    ["exo", "onprem", "ad", "graph", "ldif", "transfer", "decommission", "job"];

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
        let role = find(beside, "as").and_then(|entry| self.role(entry, action));
        let note = find(beside, "note").and_then(|entry| self.text(&entry.value));
        let must_fail = find(beside, "expect_error");
        let expect_error = must_fail.and_then(|entry| self.expected_error(entry, action));
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

    fn role(&mut self, entry: &Entry, action: &Entry) -> Option<Spanned<String>> {
        let door = repeated(action).unwrap_or(action.key.value.as_str());
        if !WITH_ROLE.contains(&door) {
            let message = format!("a step with `{door}` has no role");
            self.report(
                Diagnostic::error("impossible-role", entry.key.span, message)
                    .label(format!("expected beside {}", list(&WITH_ROLE)))
                    .help("leave it out"),
            );
            return None;
        }
        let role = self.text(&entry.value)?;
        let own = self.own_roles.clone();
        let names = self.catalogues.roles.iter().chain(&own).map(String::as_str);
        self.known(&role, names, "unknown-role", "role")
    }

    fn expected_error(&mut self, entry: &Entry, action: &Entry) -> Option<Spanned<String>> {
        let name = action.key.value.as_str();
        if WITHOUT_ERROR.contains(&name) {
            let message = format!("a step with `{name}` has no error to expect");
            self.report(
                Diagnostic::error("impossible-expectation", entry.key.span, message)
                    .help("`expect_error` stands beside what somebody does"),
            );
            return None;
        }
        let code = self.sentence(&entry.value)?;
        let catalogues = self.catalogues;
        let door = repeated(action).unwrap_or(name);
        let codes = catalogues.error_codes.iter().find(|(known, _)| *known == door);
        let Some((_, codes)) = codes.filter(|_| !is_free(&code.value, door)) else {
            return Some(code);
        };
        let names = codes.iter().map(String::as_str);
        if let Some(known) = names.clone().find(|known| known.eq_ignore_ascii_case(&code.value)) {
            return Some(code.map(|_| known.to_owned()));
        }
        let message = format!("a step with `{door}` never fails with `{}`", code.value);
        let problem =
            Diagnostic::error("unknown-code", code.span, message).label("no such step comes to it");
        self.report(problem.help(code_advice(&code.value, codes)));
        None
    }
}

/// The nearest code, or what codes there are: without numbers and the long names of classes.
fn code_advice(wrong: &str, codes: &[String]) -> String {
    const MOST: usize = 20;
    let is_word =
        |code: &&String| code.starts_with(char::is_alphabetic) && !code.contains("Microsoft.");
    let words: Vec<&str> = codes.iter().filter(is_word).map(String::as_str).collect();
    if let Some(meant) = nearest(wrong, words.iter().copied()) {
        return format!("did you mean `{meant}`?");
    }
    let first = &words[..words.len().min(MOST)];
    let more = if words.len() > MOST { ", and more" } else { "" };
    format!("`any` takes every error; there are {}{more}", list(first))
}

/// Whether any word will do: `any`, and the sentences that Exchange Online and Connect say themselves.
fn is_free(code: &str, door: &str) -> bool {
    code == "any" || (["transfer", "cycle"].contains(&door) && code.contains(' '))
}

/// What a `repeat` does again and again.
fn repeated(action: &Entry) -> Option<&str> {
    let Value::Mapping(entries) = &action.value.value else { return None };
    let inner = entries.iter().map(|entry| entry.key.value.as_str());
    inner.filter(|_| action.key.value == "repeat").find(|key| REPEATED.contains(key))
}

fn find<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Entry> {
    entries.iter().find(|entry| entry.key.value == key)
}
