//! What is wrong with a cmdlet line, and where.

use std::ops::Range;

use winnow::error::ParserError;
use winnow::stream::{LocatingSlice, Location, Stream};

/// What is wrong with a cmdlet line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CmdletProblem {
    /// The kind of problem, for programs (`unknown-parameter`).
    pub code: &'static str,
    /// The bytes of the line that it is about.
    pub range: Range<usize>,
    /// What is wrong, a sentence without its full stop.
    pub message: String,
    /// What was expected, to be shown at the range. May be empty.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl CmdletProblem {
    pub(super) fn new(code: &'static str, range: Range<usize>, message: impl Into<String>) -> Self {
        Self { code, range, message: message.into(), label: String::new(), help: None }
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The parser's own failures carry no words; those that people see are made by hand.
impl ParserError<LocatingSlice<&str>> for CmdletProblem {
    type Inner = Self;

    fn from_input(input: &LocatingSlice<&str>) -> Self {
        let at = input.current_token_start();
        let width = input.peek_token().map_or(0, char::len_utf8);
        Self::new("cmdlet-syntax", at..at + width, "this is not a cmdlet line")
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}
