//! One finding, drawn like a compiler's error where the file has a place to point at.

use std::path::Path;

use super::Paint;
use crate::judge::verdict::{Finding, Location};
use crate::report::failure::{Failure, printable, rule_name};
use crate::scenario::{Diagnostic, Span};

/// An actual value of at most this many characters stands at the caret too.
const LABEL_LENGTH: usize = 60;

/// Adds the drawing of `finding` to `text`.
pub(super) fn draw(finding: &Finding, file: &str, source: &str, paint: Paint, text: &mut String) {
    match finding.location.and_then(|location| span(location, source)) {
        Some(span) => {
            let drawn = Diagnostic::error("expectation", span, printable(&finding.message))
                .label(label(finding))
                .render(Path::new(file), source, paint.colour());
            for line in drawn.lines() {
                text.push_str("  ");
                text.push_str(line);
                text.push('\n');
            }
        }
        None => {
            let rule = paint.alarm(&format!("error[{}]", rule_name(&finding.rule)));
            let message = paint.strong(&format!(": {}", printable(&finding.message)));
            text.push_str(&format!("  {rule}{message}\n"));
            if let Some(Location { line, column, .. }) = finding.location {
                text.push_str(&format!("   --> {file}:{line}:{column}\n"));
            }
        }
    }
    for (label, row) in Failure::of(finding).rows {
        let label = paint.faint(&format!("{label:<12}"));
        text.push_str(&format!("    {label} {row}\n"));
    }
}

/// The place of `location`, cut at the end of its line. `None` when the text ends before it.
fn span(location: Location, source: &str) -> Option<Span> {
    let line = source.split_inclusive('\n').nth(location.line.checked_sub(1)?)?;
    let start: usize = source.split_inclusive('\n').take(location.line - 1).map(str::len).sum();
    let said = line.trim_end();
    let bytes = |count: usize| said.chars().take(count).map(char::len_utf8).sum::<usize>();
    let before = bytes(location.column.checked_sub(1)?);
    let end = bytes(location.column - 1 + location.length.max(1));
    (before < end).then(|| Span::new(start + before, start + end))
}

fn label(finding: &Finding) -> String {
    match finding.actual.as_deref() {
        Some(actual) if actual.chars().count() <= LABEL_LENGTH => {
            format!("is {}", printable(actual))
        }
        _ => "does not hold".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_covers_the_place_and_no_more_than_its_line() {
        let source = "a: 1\n  bä: {c: d}  # why\n";
        let at = |line, column, length| {
            span(Location { line, column, length }, source).map(|span| &source[span.range()])
        };
        assert_eq!(at(2, 3, 10), Some("bä: {c: d}"));
        assert_eq!(at(2, 7, 6), Some("{c: d}"));
        assert_eq!(at(1, 1, 99), Some("a: 1"));
        for (line, column) in [(0, 1), (1, 0), (3, 1), (9, 1)] {
            assert_eq!(at(line, column, 1), None);
        }
    }
}
