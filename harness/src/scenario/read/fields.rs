//! Mappings with known keys, and scalars of a known type.

use std::time::Duration;

use jiff::Timestamp;

use super::super::diagnostic::Diagnostic;
use super::super::model::Share;
use super::super::nearest::{advice, choice, nearest};
use super::super::quantity;
use super::super::span::{Span, Spanned};
use super::super::yaml::{Entry, Node, Value};
use super::Reader;

/// A mapping that is being read. It remembers which keys were asked for, so that [`Reader::finish`]
/// can tell the others.
pub(super) struct Fields<'n> {
    entries: &'n [Entry],
    asked: Vec<&'static str>,
    pub(super) span: Span,
}

impl<'n> Fields<'n> {
    /// A mapping without keys.
    pub(super) const fn none(span: Span) -> Self {
        Self { entries: &[], asked: Vec::new(), span }
    }

    /// The entry of a key.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'n Entry> {
        self.asked.push(key);
        self.entries.iter().find(|entry| entry.key.value == key)
    }

    /// The entries that nobody asked for.
    pub(super) fn others(&self) -> Vec<&'n Entry> {
        self.entries.iter().filter(|e| !self.asked.contains(&e.key.value.as_str())).collect()
    }

    /// Every key that was asked for.
    pub(super) fn asked(&self) -> &[&'static str] {
        &self.asked
    }
}

impl Reader<'_> {
    /// The mapping that should stand at `node`. Nothing at all is an empty one.
    pub(super) fn fields<'n>(&mut self, node: &'n Node, what: &str) -> Option<Fields<'n>> {
        let entries: &[Entry] = match &node.value {
            Value::Mapping(entries) => entries,
            Value::Scalar(_) if node.is_null() => &[],
            _ => {
                self.wrong_type(node, &format!("a mapping, for {what}"));
                return None;
            }
        };
        Some(Fields { entries, asked: Vec::new(), span: node.span })
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(&mut self, fields: &Fields<'_>, what: &str) {
        for entry in fields.others() {
            self.unknown_key(&entry.key, fields.asked(), what);
        }
    }

    /// Reports a key that does not belong here.
    pub(super) fn unknown_key(&mut self, key: &Spanned<String>, known: &[&str], what: &str) {
        let message = format!("{what} has no `{}`", key.value);
        let problem = Diagnostic::error("unknown-key", key.span, message).label("unknown key");
        self.report(match advice(&key.value, known.iter().copied()) {
            Some(help) => problem.help(help),
            None => problem,
        });
    }

    /// The entry of a key that must be there.
    pub(super) fn required<'n>(
        &mut self,
        fields: &mut Fields<'n>,
        key: &'static str,
    ) -> Option<&'n Entry> {
        let found = fields.take(key);
        if found.is_none() {
            let message = format!("`{key}` is missing");
            self.report(
                Diagnostic::error("missing-key", fields.span, message)
                    .label(format!("expected `{key}:` in here")),
            );
        }
        found
    }

    /// The items of a list. A single thing that is no list counts as one item; nothing as none.
    pub(super) fn items<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        match &node.value {
            Value::Sequence(nodes) => nodes,
            Value::Scalar(_) if node.is_null() => &[],
            _ => {
                self.wrong_type(node, &format!("a list, for {what}"));
                &[]
            }
        }
    }

    /// Text, or whatever else a scalar is, as written.
    pub(super) fn text(&mut self, node: &Node) -> Option<Spanned<String>> {
        match node.scalar() {
            Some(scalar) if !node.is_null() => Some(Spanned::new(scalar.text.clone(), node.span)),
            _ => {
                self.wrong_type(node, "text");
                None
            }
        }
    }

    /// Text that says something.
    pub(super) fn sentence(&mut self, node: &Node) -> Option<Spanned<String>> {
        let text = self.text(node)?;
        if text.value.trim().is_empty() {
            self.wrong_type(node, "some words");
            return None;
        }
        Some(text)
    }

    /// One text or a list of them; nothing is none.
    pub(super) fn texts(&mut self, node: &Node) -> Vec<Spanned<String>> {
        match &node.value {
            Value::Sequence(nodes) => nodes.iter().filter_map(|node| self.text(node)).collect(),
            Value::Scalar(_) if node.is_null() => Vec::new(),
            Value::Scalar(_) => self.text(node).into_iter().collect(),
            Value::Mapping(_) => {
                self.wrong_type(node, "text or a list of texts");
                Vec::new()
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, node: &Node) -> Option<bool> {
        let found = node.scalar().and_then(|scalar| scalar.boolean());
        if found.is_none() {
            self.wrong_type(node, "`true` or `false`");
        }
        found
    }

    /// A whole number between two bounds.
    pub(super) fn integer(&mut self, node: &Node, least: i64, most: i64) -> Option<i64> {
        let number = self.number_within(node, i128::from(least), i128::from(most))?;
        i64::try_from(number).ok()
    }

    /// A seed: every number of 64 bits.
    pub(super) fn seed(&mut self, node: &Node) -> Option<u64> {
        let number = self.number_within(node, 0, i128::from(u64::MAX))?;
        u64::try_from(number).ok()
    }

    fn number_within(&mut self, node: &Node, least: i128, most: i128) -> Option<i128> {
        let number = node.scalar().and_then(|scalar| scalar.integer());
        // More digits than any number here has.
        let digits = node.scalar().map(|scalar| scalar.text.trim_start_matches('-'));
        let is_number =
            digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()));
        if number.is_none() && !is_number {
            self.wrong_type(node, "a whole number");
            return None;
        }
        let number = number.filter(|number| (least..=most).contains(number));
        let Some(number) = number else {
            let text = node.scalar().map(|scalar| scalar.text.as_str()).unwrap_or_default();
            let message = format!("{text} is out of range");
            let expected = if most == i128::from(i64::MAX) {
                format!("expected {least} or more")
            } else {
                format!("expected {least} to {most}")
            };
            self.report(Diagnostic::error("out-of-range", node.span, message).label(expected));
            return None;
        };
        Some(number)
    }

    /// A length of time, longer than none.
    pub(super) fn duration(&mut self, node: &Node) -> Option<Duration> {
        let duration = self.any_duration(node)?;
        if duration.is_zero() {
            self.report(
                Diagnostic::error("zero-duration", node.span, "no time passes in this")
                    .label("expected more than zero"),
            );
            return None;
        }
        Some(duration)
    }

    /// A length of time; `0s` is none.
    pub(super) fn any_duration(&mut self, node: &Node) -> Option<Duration> {
        let text = self.text(node)?;
        match quantity::duration(&text.value) {
            Ok(duration) => Some(duration),
            Err(expected) => {
                self.wrong_type(node, &expected);
                None
            }
        }
    }

    /// An instant.
    pub(super) fn instant(&mut self, node: &Node) -> Option<Timestamp> {
        let text = self.text(node)?;
        let found = quantity::instant(&text.value);
        if found.is_none() {
            self.wrong_type(node, "an instant such as `2026-09-01T08:00:00Z`");
        }
        found
    }

    /// A share of a whole.
    pub(super) fn share(&mut self, node: &Node) -> Option<Share> {
        let found = node.scalar().and_then(|scalar| quantity::share(&scalar.text));
        if found.is_none() {
            self.wrong_type(node, "a share from `0%` to `100%`");
        }
        found
    }

    /// A version of four numbers.
    pub(super) fn version(&mut self, node: &Node) -> Option<Spanned<String>> {
        let text = self.text(node)?;
        if quantity::is_version(&text.value) {
            return Some(text);
        }
        self.wrong_type(node, "a version of four numbers such as `2.5.190.0`");
        None
    }

    /// One word out of a list.
    pub(super) fn word<T: Copy>(&mut self, node: &Node, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(node)?;
        if let Some((_, value)) = words.iter().find(|(w, _)| w.eq_ignore_ascii_case(&text.value)) {
            return Some(*value);
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("`{}` means nothing here", text.value);
        let problem = Diagnostic::error("unknown-word", node.span, message)
            .label(format!("expected {}", choice(&names)));
        self.report(match nearest(&text.value, names) {
            Some(meant) => problem.help(format!("did you mean `{meant}`?")),
            None => problem,
        });
        None
    }

    /// Reports something of another type than expected.
    pub(super) fn wrong_type(&mut self, node: &Node, expected: &str) {
        let message = match node.scalar() {
            Some(scalar) if !node.is_null() && scalar.text.trim().is_empty() => {
                "empty text is not what belongs here".to_owned()
            }
            Some(scalar) if !node.is_null() && scalar.text.len() <= 60 => {
                format!("`{}` is not what belongs here", scalar.text.trim_end())
            }
            _ if node.is_null() => "nothing stands here".to_owned(),
            _ => format!("{} is not what belongs here", node.kind()),
        };
        let problem = Diagnostic::error("wrong-type", node.span, message)
            .label(format!("expected {expected}"));
        let word = node.scalar().map(|scalar| scalar.text.to_lowercase());
        let help = match word.as_deref() {
            Some("yes" | "on") if expected.contains("`true`") => Some("did you mean `true`?"),
            Some("no" | "off") if expected.contains("`true`") => Some("did you mean `false`?"),
            _ => None,
        };
        self.report(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
    }
}
