//! The job's desk.

use super::CallError;
use crate::job::{JobCommand, JobReport, LogEntry};
use crate::transfer::TransferRecord;

/// A command with its number. Numbers grow from 1 on and are never used again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// The number.
    pub number: u64,
    /// The command.
    pub command: JobCommand,
}

/// The job's desk: commands come in, reports and log entries go out. Without it the engine runs by
/// its configuration alone.
pub trait JobPort {
    /// Commands whose number is above `done`, oldest first. Every command up to `done` has had its
    /// effect, and the desk may forget it; whatever it handed out and was not told so of comes again,
    /// so that a command outlives the process that took it.
    ///
    /// # Errors
    /// [`CallError::Halted`], `Unreachable`, or `Malformed` when a command cannot be understood.
    fn commands(&mut self, done: u64) -> Result<Vec<Numbered>, CallError>;

    /// The job's state, for whoever asks about it.
    ///
    /// # Errors
    /// [`CallError::Halted`] or `Unreachable`.
    fn report(&mut self, report: JobReport) -> Result<(), CallError>;

    /// Provisioning log entries, in order.
    ///
    /// # Errors
    /// [`CallError::Halted`] or `Unreachable`.
    fn log(&mut self, entries: Vec<LogEntry>) -> Result<(), CallError>;

    /// What a transfer did to mailboxes, in order. Who keeps no such log forgets it.
    ///
    /// # Errors
    /// [`CallError::Halted`] or `Unreachable`.
    fn record(&mut self, records: Vec<TransferRecord>) -> Result<(), CallError> {
        drop(records);
        Ok(())
    }
}
