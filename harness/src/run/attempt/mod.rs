//! Whether a step tries to bring about what must never hold.
//!
//! Decided on what the step asks for, not on its text: which attributes of whom it would change, and to
//! what. An attempt is a step after which, were it accepted and carried everywhere, the forbidden thing
//! would hold. Random edits say no values: they are one at what names none.

mod wish;

use sim::estate::{Estate, Subject};

use super::edits;
use crate::judge::compare::{holds, spelled};
use crate::judge::values::values;
use crate::scenario::{Action, AttributePath, Comparison, Expectations, GraphMethod, Selector};
use crate::stage::Roster;
pub(super) use wish::whom;
use wish::{Change, Wish, wishes};

/// Whether `action` is an attempt at any part of `expect`.
pub(super) fn is_attempt(
    expect: &Expectations,
    action: &Action,
    estate: &Estate,
    roster: &Roster,
) -> bool {
    let wished = wishes(action, estate, roster);
    expect.mailboxes.iter().any(|mailbox| {
        let forbidden = roster.subjects(estate, &mailbox.mailboxes.value);
        mailbox.attributes.iter().any(|demand| {
            let (path, comparison) = (&demand.path.value, &demand.comparison.value);
            let by_wish = wished.iter().any(|wish| {
                forbidden.iter().filter(|subject| wish.is_about(subject, estate)).any(|subject| {
                    let result = outcome(wish, estate, subject, path);
                    result.is_some_and(|result| {
                        let mut all = mailbox.of(path);
                        all.all(|one| holds(one, &spelled(result.clone(), one)))
                    })
                })
            });
            by_wish || is_random(action, path, comparison, &forbidden, estate, roster)
        })
    })
}

/// Whether a step is somebody's act on the estate: what the numbers of the job, of Connect and of the log
/// follow from. Whoever only looks does nothing.
pub(super) fn is_act(action: &Action) -> bool {
    match action {
        Action::Exo(call) | Action::OnPrem(call) | Action::Ad(call) => {
            let what_if = call.value.parameter("WhatIf");
            let reads = call.value.name.to_ascii_lowercase().starts_with("get-");
            !reads && what_if.is_none_or(|what_if| what_if.boolean() != Some(true))
        }
        Action::Graph(call) => call.method != GraphMethod::Get,
        Action::Repeat(repeat) => is_act(&repeat.action),
        Action::Ldif(..) | Action::Transfer(_) | Action::Edits(_) => true,
        _ => false,
    }
}

/// What an attribute would hold, were a wish granted; `None` when the wish is not about it.
fn outcome(
    wish: &Wish,
    estate: &Estate,
    subject: &Subject,
    path: &AttributePath,
) -> Option<Vec<String>> {
    if wish.takes_all_away() {
        return Some(Vec::new());
    }
    let now = || values(estate, subject, path);
    let mut result = None;
    for change in wish.changes_of(&path.attribute) {
        let before = result.take().unwrap_or_else(now);
        result = Some(match change {
            Change::Set(values) => values,
            Change::Add(values) => with_added(before, &values),
            Change::Remove(values) => {
                let is_gone = |have: &String| values.iter().any(|gone| is_same(gone, have));
                before.into_iter().filter(|have| !is_gone(have)).collect()
            }
        });
    }
    result
}

/// A new primary address takes the place of the old one.
fn with_added(before: Vec<String>, added: &[String]) -> Vec<String> {
    let moves_primary = added.iter().any(|value| value.starts_with("SMTP:"));
    let demoted = |value: String| {
        if moves_primary { value.replacen("SMTP:", "smtp:", 1) } else { value }
    };
    let kept = before.into_iter().filter(|have| !added.iter().any(|new| is_same(new, have)));
    kept.map(demoted).chain(added.iter().cloned()).collect()
}

/// Addresses with and without their type.
fn is_same(one: &str, other: &str) -> bool {
    let bare = |text: &str| text.rsplit(':').next().unwrap_or(text).to_lowercase();
    one.eq_ignore_ascii_case(other) || (one.contains('@') && bare(one) == bare(other))
}

/// Whether random edits may reach an attribute of somebody whom they edit.
fn is_random(
    action: &Action,
    path: &AttributePath,
    comparison: &Comparison,
    forbidden: &[&Subject],
    estate: &Estate,
    roster: &Roster,
) -> bool {
    let Action::Edits(edits) = action else { return false };
    let names_a_value = matches!(
        comparison,
        Comparison::Equals(_)
            | Comparison::Contains(_)
            | Comparison::Set(_)
            | Comparison::Primary(_)
            | Comparison::Absent(true)
    );
    !names_a_value
        && wish::is_edited_at_random(&path.attribute)
        && those(&edits.mailboxes.value, estate, roster).iter().any(|chosen| {
            let is_forbidden = forbidden.iter().any(|subject| subject.name == chosen.name);
            let mailbox = chosen.exchange.and_then(|number| estate.exchange.mailbox(number));
            is_forbidden && mailbox.is_some_and(edits::is_editable)
        })
}

fn those<'e>(selector: &Selector, estate: &'e Estate, roster: &Roster) -> Vec<&'e Subject> {
    roster.subjects(estate, selector)
}

#[cfg(test)]
mod tests;
