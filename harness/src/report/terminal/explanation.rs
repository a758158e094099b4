//! How a value came about, for a terminal.

use std::fmt::Write as _;

use super::paint::Paint;
use crate::judge::verdict::Verdict;
use crate::report::failure::printable;
use crate::run::explain::{Explanation, Question};

/// The answer to a question about one object.
#[must_use]
pub fn explanation(question: &Question, answer: &Explanation, paint: Paint) -> String {
    let result = &answer.result;
    let mut text = String::new();
    let about = question.attribute.as_deref().unwrap_or("everything that was written");
    let verdict = match result.verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Unknown => "unknown",
    };
    let heading = paint.strong(&format!("{}: {about}", printable(&question.object)));
    let _ = writeln!(text, "{heading}");
    let _ = writeln!(text, "  {} (seed {}, {verdict})", printable(&result.scenario), result.seed);
    if !answer.now.is_empty() {
        let _ = writeln!(text, "\nat the end");
    }
    for value in &answer.now {
        let values = match value.values.as_slice() {
            [] => "(absent)".to_owned(),
            values => values.iter().map(|v| printable(v)).collect::<Vec<_>>().join(", "),
        };
        let _ = writeln!(text, "  {}  {values}", value.path);
        let writer = value.last_writer.as_deref().map(printable);
        let writer = writer.map_or_else(
            || "nobody wrote it since the start".to_owned(),
            |writer| format!("last written by {writer}"),
        );
        let _ = writeln!(text, "    {writer}");
    }
    let _ = writeln!(text, "\nwhat happened, oldest first");
    if answer.chain.is_empty() {
        let _ = writeln!(text, "  nobody wrote it since the start");
    }
    for (number, line) in (1..).zip(&answer.chain) {
        let _ = writeln!(text, "  {number}. {}", printable(line));
    }
    text
}
