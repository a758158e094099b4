//! The terminal report: a line for each scenario, an explanation under each that did not pass, and a
//! summary. Everything here makes text; who prints it is `cli`.

mod duration;
mod explanation;
mod finding;
pub mod hunt;
mod paint;
mod summary;

pub use duration::{real, virtually};
pub use explanation::explanation;
pub use paint::Paint;
pub use summary::{Again, marks, summary};

use super::Outcome;
use super::failure::printable;
use crate::judge::verdict::ScenarioResult;

/// Findings of one scenario that are explained here; all are in the JSON document.
const FINDINGS_SHOWN: usize = 10;
/// Notes of one scenario that are shown here; all are in the JSON document.
const NOTES_SHOWN: usize = 5;

/// Draws scenarios one by one, in columns that fit them all.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    paint: Paint,
    id_width: usize,
    verbose: bool,
}

impl Terminal {
    /// For scenarios with these ids. Notes of a scenario that passed are counted, and shown if
    /// `verbose`.
    #[must_use]
    pub fn new<'a>(
        paint: Paint,
        verbose: bool,
        ids: impl Iterator<Item = Option<&'a str>>,
    ) -> Self {
        let id_width = ids.map(|id| id.map_or(0, |id| id.chars().count())).max().unwrap_or(0);
        Self { paint, id_width, verbose }
    }

    /// The line about `outcome`, and what explains it; `source` is the scenario's text.
    #[must_use]
    pub fn scenario(&self, outcome: &Outcome, source: &str) -> String {
        let result = &outcome.result;
        let mut text = self.line(outcome);
        self.suspended(result, &mut text);
        if self.shows_notes(outcome) {
            self.notes(result, &mut text);
        }
        if outcome.passed() {
            return text;
        }
        for reason in &result.reasons {
            push(&mut text, &format!("  {} {}", self.paint.strong("because"), reason.trim_end()));
        }
        if outcome.internal_error {
            push(
                &mut text,
                "  This is no verdict. If the words above do not say what to do, please report it.",
            );
        }
        for finding in result.findings.iter().take(FINDINGS_SHOWN) {
            text.push('\n');
            finding::draw(finding, &result.file, source, self.paint, &mut text);
        }
        let more = result.findings.len().saturating_sub(FINDINGS_SHOWN);
        if more > 0 {
            push(&mut text, &format!("\n  and {more} more; --json FILE writes them all"));
        }
        text.push('\n');
        text
    }

    fn line(&self, outcome: &Outcome) -> String {
        let result = &outcome.result;
        let mut line = format!(
            "{} {:>9} in {:>9}  ",
            self.paint.word(outcome, 7),
            virtually(result.virtual_seconds),
            real(result.wall_seconds),
        );
        if self.id_width > 0 {
            let id = printable(result.id.as_deref().unwrap_or_default());
            line.push_str(&format!("{id:<width$}  ", width = self.id_width));
        }
        line.push_str(&printable(&result.scenario));
        if !result.notes.is_empty() && !self.shows_notes(outcome) {
            line.push_str(&self.paint.faint(&format!(" ({})", notes(result.notes.len()))));
        }
        line.push('\n');
        line
    }

    fn shows_notes(&self, outcome: &Outcome) -> bool {
        self.verbose || !outcome.passed()
    }

    /// What every report says, whatever the verdict.
    fn suspended(&self, result: &ScenarioResult, text: &mut String) {
        for suspended in &result.suspended {
            let because = printable(&suspended.because);
            let word = self.paint.strong("suspended");
            push(text, &format!("  {word} {}: {because}", printable(&suspended.oracle)));
        }
    }

    fn notes(&self, result: &ScenarioResult, text: &mut String) {
        for note in result.notes.iter().take(NOTES_SHOWN) {
            push(text, &format!("  {} {}", self.paint.faint("note"), printable(note)));
        }
        let more = result.notes.len().saturating_sub(NOTES_SHOWN);
        if more > 0 {
            push(text, &format!("  and {} more; --json FILE writes them all", notes(more)));
        }
    }
}

/// `1 note`, `2 notes`.
fn notes(count: usize) -> String {
    format!("{count} {}", if count == 1 { "note" } else { "notes" })
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::samples;

    fn drawn(paint: Paint) -> String {
        let outcomes = samples::all();
        let terminal = Terminal::new(paint, false, outcomes.iter().map(|o| o.result.id.as_deref()));
        let mut text: String =
            outcomes.iter().map(|outcome| terminal.scenario(outcome, samples::SOURCE)).collect();
        let again = Again { program: "target/release/hybridsim", plant: None };
        text.push_str(&summary(&outcomes, Duration::from_millis(75_300), &again, paint));
        text
    }

    #[test]
    fn one_of_each_kind() {
        insta::assert_snapshot!(drawn(Paint::new(false)));
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let coloured = drawn(Paint::new(true));
        let escape = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
        let words = |text: &str| {
            let text = escape.replace_all(text, "").into_owned();
            text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>()
        };
        assert!(coloured.contains('\u{1b}'));
        assert_eq!(words(&coloured), words(&drawn(Paint::new(false))));
    }

    #[test]
    fn notes_of_a_pass_are_counted_or_shown() {
        let drawn = |verbose| {
            Terminal::new(Paint::new(false), verbose, std::iter::empty())
                .scenario(&samples::passed(), "")
        };
        assert!(drawn(false).contains("the first write (1 note)\n"), "{}", drawn(false));
        assert!(drawn(true).contains("  note a script changed"), "{}", drawn(true));
        assert!(!drawn(true).contains("(1 note)"), "{}", drawn(true));
    }

    #[test]
    fn a_flood_of_findings_and_notes_is_cut_and_counted() {
        let mut outcome = samples::failed();
        let one = outcome.result.findings[1].clone();
        outcome.result.findings = vec![one; FINDINGS_SHOWN + 3];
        outcome.result.notes = vec!["drift".into(); NOTES_SHOWN + 4];
        let text =
            Terminal::new(Paint::new(false), false, std::iter::empty()).scenario(&outcome, "");
        assert_eq!(text.matches("outside the contract").count(), FINDINGS_SHOWN);
        assert!(text.contains("and 3 more; --json FILE"));
        assert!(text.contains("and 4 notes more"));
    }

    #[test]
    fn a_place_beyond_the_file_is_no_panic() {
        let text = Terminal::new(Paint::new(false), false, std::iter::empty())
            .scenario(&samples::failed(), "scenario: shorter\n");
        assert!(text.contains("alias.yaml:6:12"), "{text}");
    }
}
