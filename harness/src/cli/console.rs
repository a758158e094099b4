//! Where text goes: reports to standard output, everything about the call itself to standard error.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use engine::change::Plain;

use super::{Colour, Exit};
use crate::report::terminal::Paint;

/// The two outputs of the process.
#[derive(Debug)]
pub(super) struct Console {
    out: Paint,
    err: Paint,
    lost: AtomicBool,
}

impl Console {
    /// With colour where `colour` and the environment want it.
    pub(super) fn new(colour: Colour) -> Self {
        let paint = |terminal| {
            Paint::new(match colour {
                Colour::Always => true,
                Colour::Never => false,
                Colour::Auto => terminal && environment_wants_colour(),
            })
        };
        let out = paint(io::stdout().is_terminal());
        let err = paint(io::stderr().is_terminal());
        Self { out, err, lost: AtomicBool::new(false) }
    }

    /// How reports are painted.
    pub(super) const fn paint(&self) -> Paint {
        self.out
    }

    /// How errors are painted.
    pub(super) const fn error_paint(&self) -> Paint {
        self.err
    }

    /// Prints a part of the report.
    pub(super) fn out(&self, text: &str) {
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        // A reader that has seen enough (`| head`) is no error; a full disk is one.
        if written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe)
            && !self.lost.swap(true, Ordering::Relaxed)
        {
            self.err("error: the report cannot be written to standard output\n");
        }
    }

    /// Prints a part of a report that holds what others wrote: no character of it is obeyed but the end of a line.
    pub(super) fn tell(&self, text: &str) {
        self.out(&plain(text));
    }

    /// Prints about the call itself. If standard error is gone too, nobody can be told.
    pub(super) fn err(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// An error in the form of all errors: what, and what to do.
    pub(super) fn error(&self, what: &str, help: &str) {
        let word = self.err.alarm("error:");
        let hint = self.err.strong("help:");
        self.err(&format!("{word} {}\n{hint} {help}\n", plain(what)));
    }

    /// Whether everything was printed.
    pub(super) fn finish(&self) -> Exit {
        if self.lost.load(Ordering::Relaxed) { Exit::Internal } else { Exit::Pass }
    }
}

/// The text, in which nothing moves a cursor.
fn plain(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| Plain(line).to_string()).collect();
    lines.join("\n")
}

/// <https://no-color.org>, and terminals that cannot.
fn environment_wants_colour() -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}
