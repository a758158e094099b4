//! One finding about a file, and how it is drawn.

use std::path::Path;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::span::Span;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot run.
    Error,
    /// The file runs, and probably not as meant.
    Warning,
}

/// One finding about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The kind of finding, for programs (`unknown-key`).
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The place, in bytes of the source.
    pub span: Span,
    /// What is wrong, a sentence without its full stop.
    pub message: String,
    /// What stands beside the caret: what was expected. May be empty.
    pub label: String,
    /// What to do about it: the nearest valid name, or the list of them.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at `span`.
    #[must_use]
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, severity: Severity::Error, span, message, label: String::new(), help: None }
    }

    /// With the words beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// With advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Draws the finding with file, line, column, the line itself and a caret under the word.
    #[must_use]
    pub fn render(&self, path: &Path, source: &str, colour: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let path = path.display().to_string();
        let end = self.span.end.min(source.len());
        let start = self.span.start.min(end);
        let mut mark = AnnotationKind::Primary.span(start..end);
        if !self.label.is_empty() {
            mark = mark.label(self.label.as_str());
        }
        let snippet = Snippet::source(source).path(path.as_str()).annotation(mark);
        let title = level.primary_title(self.message.as_str()).id(self.code);
        let mut group = Group::with_title(title).element(snippet);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}
