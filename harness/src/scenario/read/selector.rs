//! Which mailboxes a step or an expectation means.

use super::super::diagnostic::Diagnostic;
use super::super::model::Selector;
use super::super::nearest::advice;
use super::super::span::Spanned;
use super::super::yaml::{Node, Value};
use super::Reader;

/// Whether a word means many mailboxes at once.
fn is_of_many(word: &str) -> bool {
    word == "all" || word.starts_with("shape:")
}

impl Reader<'_> {
    /// `all`, `shape:<name>`, a name or a list of names. `lenient` lets names pass that nobody has,
    /// for steps that must fail.
    pub(super) fn selector(&mut self, node: &Node, lenient: bool) -> Option<Spanned<Selector>> {
        let found = self.rows(node, lenient)?;
        if let Selector::Names(names) = &found.value {
            for (place, name) in names.iter().enumerate() {
                if names[..place].iter().any(|other| other.value == name.value) {
                    let written = self.source.get(name.span.range()).unwrap_or(&name.value);
                    let message = format!("`{}` is in this list twice", written.trim());
                    self.report(Diagnostic::error("duplicate-name", name.span, message));
                }
            }
        }
        Some(found)
    }

    /// A selector whose list may name somebody twice, as that of a transfer may.
    pub(super) fn rows(&mut self, node: &Node, lenient: bool) -> Option<Spanned<Selector>> {
        let Value::Sequence(nodes) = &node.value else {
            let text = self.text(node)?;
            return self.selector_text(&text, lenient);
        };
        if nodes.is_empty() {
            self.wrong_type(node, "at least one mailbox");
            return None;
        }
        let mut names: Vec<Spanned<String>> = Vec::new();
        for node in nodes {
            let Some(text) = self.text(node) else { continue };
            if is_of_many(&text.value) {
                self.report(
                    Diagnostic::error(
                        "stands-alone",
                        text.span,
                        format!("`{}` stands alone, and not in a list", text.value),
                    )
                    .label("expected the name of a mailbox")
                    .help("name the mailboxes, or make it a step of its own"),
                );
                continue;
            }
            names.extend(self.mailbox(&text, lenient));
        }
        Some(Spanned::new(Selector::Names(names), node.span))
    }

    /// A selector that is one word.
    pub(super) fn selector_text(
        &mut self,
        text: &Spanned<String>,
        lenient: bool,
    ) -> Option<Spanned<Selector>> {
        if text.value == "all" {
            return Some(Spanned::new(Selector::All, text.span));
        }
        if let Some(shape) = text.value.strip_prefix("shape:") {
            let shape = shape.trim();
            if let Some(known) = self.cast.shape(shape) {
                return Some(Spanned::new(Selector::Shape(known.to_owned()), text.span));
            }
            let message = format!("nobody here is of the shape `{shape}`");
            let problem =
                Diagnostic::error("unknown-shape", text.span, message).label("unknown shape");
            let help = advice(shape, self.cast.shapes());
            let none = "the population of this world has no shape";
            self.report(problem.help(help.unwrap_or_else(|| none.to_owned())));
            return None;
        }
        let name = self.mailbox(text, lenient)?;
        Some(Spanned::new(Selector::Names(vec![name]), text.span))
    }

    /// The canonical name of one mailbox.
    pub(super) fn mailbox(
        &mut self,
        text: &Spanned<String>,
        lenient: bool,
    ) -> Option<Spanned<String>> {
        match self.cast.resolve(&text.value) {
            Some(name) => Some(Spanned::new(name, text.span)),
            None if lenient => Some(text.clone()),
            None => {
                self.unknown_user(text);
                None
            }
        }
    }

    /// Reports a name that nobody has.
    pub(super) fn unknown_user(&mut self, text: &Spanned<String>) {
        if self.lacks_people() {
            return;
        }
        let is_dn = text.value.contains('=') && text.value.contains(',');
        let what = if is_dn { "object" } else { "user" };
        let message = format!("there is no {what} `{}` in this world", text.value);
        let label = format!("unknown {what}");
        let problem = Diagnostic::error("unknown-user", text.span, message).label(label);
        if is_dn {
            return self.report(problem.help("a step or `ou:` of a user makes it"));
        }
        let names = self.cast.suggestions(&text.value);
        self.report(match advice(&text.value, names.iter().map(String::as_str)) {
            Some(help) => problem.help(help),
            None => problem.help("name the user in `world: population:`"),
        });
    }
}
