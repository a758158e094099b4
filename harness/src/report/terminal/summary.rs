//! The end of the report: how many of each, and how to see each that did not pass again.

use std::time::Duration;

use super::{Paint, real};
use crate::judge::verdict::{ScenarioResult, Transport, Verdict};
use crate::observe::marks::{Mark, all};
use crate::report::failure::printable;
use crate::report::{Outcome, unreached};

/// What a command needs beside the scenario to show the same again.
#[derive(Debug, Clone, Copy)]
pub struct Again<'a> {
    /// How this program was called.
    pub program: &'a str,
    /// The planted bug, if there was one.
    pub plant: Option<&'a str>,
}

/// The summary of `outcomes`; `wall` is the real time of the whole run.
#[must_use]
pub fn summary(outcomes: &[Outcome], wall: Duration, again: &Again<'_>, paint: Paint) -> String {
    // Whatever does not pass ends with an empty line of its own.
    let gap = if outcomes.last().is_some_and(Outcome::passed) { "\n" } else { "" };
    let mut text = format!(
        "{gap}{} in {}: {}\n",
        paint.strong(&scenarios(outcomes.len())),
        real(wall.as_secs_f64()),
        counts(outcomes),
    );
    for outcome in outcomes.iter().filter(|outcome| !outcome.passed()) {
        let result = &outcome.result;
        let word = paint.word(outcome, 7);
        let id = result.id.as_deref().map_or_else(String::new, |id| format!("{id} "));
        let title = printable(&format!("{id}{}", result.scenario));
        text.push_str(&format!("\n{word} {title}\n        {}\n", command(result, again)));
    }
    text
}

/// Never-reached marks that are listed unless all are asked for.
const MARKS_SHOWN: usize = 10;

/// How many of the marks `outcomes` reached, and which they never did; `every` of them, or some.
#[must_use]
pub fn marks(outcomes: &[Outcome], every: bool, paint: Paint) -> String {
    let (all, mut missed) = (all().len(), unreached(outcomes));
    let mut text = format!("{} of {all} marks reached\n", all - missed.len());
    let more = if every { 0 } else { missed.len().saturating_sub(MARKS_SHOWN) };
    missed.truncate(missed.len() - more);
    let width = missed.iter().map(|mark| mark.name.len()).max().unwrap_or(0);
    for Mark { name, about } in &missed {
        text.push_str(&format!(
            "  {} {name:<width$}  {}\n",
            paint.strong("never"),
            paint.faint(about)
        ));
    }
    if more > 0 {
        text.push_str(&format!("  and {more} more; --require-marks lists them all\n"));
    }
    text
}

fn scenarios(count: usize) -> String {
    format!("{count} {}", if count == 1 { "scenario" } else { "scenarios" })
}

/// `3 passed, 1 failed, 0 unknown`, and internal errors if there were any.
fn counts(outcomes: &[Outcome]) -> String {
    let count = |verdict| {
        outcomes.iter().filter(|o| !o.internal_error && o.result.verdict == verdict).count()
    };
    let (pass, fail, unknown) =
        (count(Verdict::Pass), count(Verdict::Fail), count(Verdict::Unknown));
    let mut text = format!("{pass} passed, {fail} failed, {unknown} unknown");
    let broken = outcomes.iter().filter(|outcome| outcome.internal_error).count();
    if broken > 0 {
        text.push_str(&format!(", {broken} broke hybridsim itself"));
    }
    text
}

/// The command line that runs `result` again, ready to be pasted into a shell.
fn command(result: &ScenarioResult, again: &Again<'_>) -> String {
    let mut words = vec![again.program.to_owned(), "run".into(), result.file.clone()];
    words.extend(["--seed".into(), result.seed.to_string()]);
    if result.transport == Transport::Wire {
        words.extend(["--transport".into(), "wire".into()]);
    }
    if let Some(bug) = again.plant {
        words.extend(["--plant".into(), bug.to_owned()]);
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// `word`, quoted for a POSIX shell if it needs it.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        for (word, shown) in
            [("a/b.yaml", "a/b.yaml"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("", "''")]
        {
            assert_eq!(quoted(word), shown);
        }
    }
}
