//! Colour, or none.

use crate::judge::verdict::Verdict;
use crate::report::Outcome;

/// Paints words, if the reader wants colour.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    colour: bool,
}

impl Paint {
    /// With or without colour.
    #[must_use]
    pub const fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// Whether it paints.
    #[must_use]
    pub const fn colour(self) -> bool {
        self.colour
    }

    /// The word of an outcome, filled up to `width`.
    #[must_use]
    pub fn word(self, outcome: &Outcome, width: usize) -> String {
        let code = match outcome.result.verdict {
            _ if outcome.internal_error => "1;35",
            Verdict::Pass => "32",
            Verdict::Unknown => "1;33",
            Verdict::Fail => "1;31",
        };
        self.paint(code, &format!("{:<width$}", outcome.word()))
    }

    /// What went wrong.
    #[must_use]
    pub fn alarm(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// What the eye should find.
    #[must_use]
    pub fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What the eye may skip.
    #[must_use]
    pub fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
