//! A finding as rows of label and text: what the terminal and JUnit show alike.

use crate::judge::verdict::{Finding, Rule};

/// The values of an expected or actual text that are shown at most.
const VALUES_SHOWN: usize = 12;

/// A finding, ready to be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Label and text, in the order in which people ask. A label is empty where a row goes on.
    pub rows: Vec<(&'static str, String)>,
}

impl Failure {
    /// Everything about `finding` but its message and its place.
    #[must_use]
    pub fn of(finding: &Finding) -> Self {
        let mut rows = Vec::new();
        if let Rule::Expectation(wording) = &finding.rule {
            rows.push(("expectation", printable(wording)));
        }
        let mut row = |label, text: &Option<String>| {
            if let Some(text) = text {
                rows.push((label, printable(text)));
            }
        };
        row("object", &finding.object);
        row("attribute", &finding.attribute);
        rows.extend(values(finding.expected.as_deref(), finding.actual.as_deref()));
        if let Some(writer) = &finding.last_writer {
            rows.push(("last writer", printable(writer)));
        }
        rows.push(("at", finding.at.clone()));
        for (index, event) in finding.chain.iter().enumerate() {
            let label = if index == 0 { "chain" } else { "" };
            rows.push((label, format!("{}. {}", index + 1, printable(event))));
        }
        Self { rows }
    }
}

/// The name of a rule: the oracle's own, or `expectation`.
#[must_use]
pub fn rule_name(rule: &Rule) -> &str {
    match rule {
        Rule::Oracle(name) => name,
        Rule::Expectation(_) => "expectation",
    }
}

/// `text` without anything that a terminal would obey: a malformed value may hold any character.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Expected and actual, as a difference if both are lists of values.
fn values(expected: Option<&str>, actual: Option<&str>) -> Vec<(&'static str, String)> {
    match (expected.map(Values::of), actual.map(Values::of)) {
        (Some(Values::List(expected)), Some(Values::List(actual)))
            if expected.len() > 1 || actual.len() > 1 =>
        {
            difference(&expected, &actual)
        }
        (expected, actual) => {
            let rows = |label, values: Option<Values>| {
                values.map_or_else(Vec::new, |values| labelled(label, values.lines()))
            };
            [rows("expected", expected), rows("actual", actual)].concat()
        }
    }
}

/// An expected or actual text.
enum Values {
    /// One value, or words.
    Text(String),
    /// Several values: a JSON list, or `[a, b]`.
    List(Vec<String>),
}

impl Values {
    fn of(text: &str) -> Self {
        if let Ok(values) = serde_json::from_str::<Vec<serde_json::Value>>(text) {
            let plain = |value| match value {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            };
            return Self::List(values.into_iter().map(plain).collect());
        }
        let inside = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match inside.filter(|inside| inside.contains(", ")) {
            Some(inside) => Self::List(inside.split(", ").map(str::to_owned).collect()),
            None => Self::Text(text.to_owned()),
        }
    }

    /// One line for each value; an empty list is a line that says so.
    fn lines(self) -> Vec<String> {
        let mut lines = match self {
            Self::Text(text) => vec![printable(&text)],
            Self::List(values) if values.is_empty() => vec!["(no value)".to_owned()],
            Self::List(values) => values.iter().map(|value| printable(value)).collect(),
        };
        let hidden = lines.len().saturating_sub(VALUES_SHOWN);
        if hidden > 0 {
            lines.truncate(VALUES_SHOWN);
            lines.push(format!("and {hidden} more"));
        }
        lines
    }
}

fn labelled(label: &'static str, lines: Vec<String>) -> Vec<(&'static str, String)> {
    let label = |index| if index == 0 { label } else { "" };
    lines.into_iter().enumerate().map(|(index, line)| (label(index), line)).collect()
}

/// What both have, what is missing (`-`) and what is too much (`+`). The values of an attribute are
/// a set, so their order says nothing.
fn difference(expected: &[String], actual: &[String]) -> Vec<(&'static str, String)> {
    let missing = expected.iter().filter(|value| !actual.contains(value));
    let extra = actual.iter().filter(|value| !expected.contains(value));
    let equal: Vec<_> = expected.iter().filter(|value| actual.contains(value)).collect();
    let mut lines: Vec<String> = missing
        .map(|value| format!("- {}   (expected, not there)", printable(value)))
        .chain(extra.map(|value| format!("+ {}   (there, not expected)", printable(value))))
        .collect();
    let room = VALUES_SHOWN.saturating_sub(lines.len());
    lines.extend(equal.iter().take(room).map(|value| format!("  {}", printable(value))));
    let hidden = equal.len().saturating_sub(room);
    if hidden > 0 {
        lines.push(format!("  and {hidden} more that agree"));
    }
    labelled("values", lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_compared_as_sets() {
        let rows = values(Some(r#"["SMTP:a@x","smtp:b@x"]"#), Some("[smtp:b@x, smtp:c@x]"));
        let lines: Vec<_> = rows.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(
            lines,
            [
                "- SMTP:a@x   (expected, not there)",
                "+ smtp:c@x   (there, not expected)",
                "  smtp:b@x",
            ]
        );
    }

    #[test]
    fn single_values_and_texts_that_only_look_like_lists_stand_side_by_side() {
        for (expected, actual) in [("HR-1", "HR-2"), ("[sic", "[sic]"), ("a", "(no value)")] {
            let rows = values(Some(expected), Some(actual));
            assert_eq!(rows, [("expected", expected.into()), ("actual", actual.into())]);
        }
    }

    #[test]
    fn what_a_list_contains_is_no_difference_of_lists() {
        let rows = values(Some("contains smtp:b@x"), Some(r#"["SMTP:a@x","smtp:c@x"]"#));
        assert_eq!(
            rows,
            [
                ("expected", "contains smtp:b@x".into()),
                ("actual", "SMTP:a@x".into()),
                ("", "smtp:c@x".to_owned()),
            ]
        );
        assert_eq!(values(None, Some("[]")), [("actual", "(no value)".to_owned())]);
    }

    #[test]
    fn many_equal_values_are_counted_not_listed() {
        let many: Vec<_> = (0..40).map(|number| format!("smtp:{number}@x")).collect();
        let mut more = many.clone();
        more.push("smtp:new@x".into());
        let rows = difference(&more, &many);
        assert_eq!(rows.len(), VALUES_SHOWN + 1);
        assert_eq!(rows[0].1, "- smtp:new@x   (expected, not there)");
        assert_eq!(rows[VALUES_SHOWN].1, "  and 29 more that agree");
    }

    #[test]
    fn a_value_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
    }
}
