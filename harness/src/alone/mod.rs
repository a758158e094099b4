//! The engine on its own: against the endpoints that a configuration file names, an estate that is
//! served or a real tenant and forest, in real time.
//!
//! Nothing is written without being told to: a dry run plays the same logic with ports that take
//! every write and hand none on. Against anything that is not on this machine a write also needs the
//! tenant's id, equal to that in the token.

mod begun;
pub mod config;
mod desk;
mod document;
mod drive;
mod files;
mod guard;
mod heard;
mod inputs;
mod job;
mod ports;
mod reconcile;
mod scope;
mod stores;
mod transfer;
mod writeback;

use std::path::PathBuf;

use engine::failure::Failure;
use engine::ports::{CallError, StoreError};
use engine::wire::WireError;

pub use config::Settings;
pub use desk::Said;
pub use document::{
    reconcile_document, restored_word, severity_word, status_word, takes_report, transfer_document,
    write_document, writeback_document,
};
pub use files::{bytes as read_bytes, can_write, write as write_private};
pub use guard::Permission;
pub use inputs::{NamedRing, read_evidence, read_rings, transfer_name};
pub use reconcile::reconcile;
pub use transfer::{
    Checked, FlipOptions, TransferAction, TransferOutcome, TransferRequest, WaveOptions, transfer,
};
pub use writeback::{WritebackOutcome, WritebackRequest, writeback};

/// Why the engine did not start, or ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum AloneError {
    /// The configuration file, or what it names, cannot be used.
    #[error("{}: {why}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file could not be written to its end, on a full disk for one: what was there is there, and nothing else.
    #[error("{}: {why}", .path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// A write is not allowed as things are.
    #[error("{0}")]
    NotAllowed(String),
    /// The endpoints are not usable.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The state store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was to be done ended before its time, and nothing came of it.
    #[error("{}: {}", .0.code, .0.detail)]
    Failed(Failure),
    /// Another process has the state store to itself.
    #[error("{}: {holder}", .path.display())]
    InUse {
        /// The file.
        path: PathBuf,
        /// Who has it, and what to do about it.
        holder: &'static str,
    },
    /// A call that the start depends on failed.
    #[error("{what}: {error}")]
    Call {
        /// What was asked for.
        what: &'static str,
        /// Why it brought nothing.
        error: CallError,
    },
    /// Something that must not happen.
    #[error("{0}")]
    Internal(String),
}

/// There is no token, so nothing else would be answered either.
fn no_token(error: CallError) -> AloneError {
    AloneError::Call { what: "no token", error }
}

/// The service does not tell its time, by which everything is dated.
fn no_clock(error: CallError) -> AloneError {
    AloneError::Call { what: "Microsoft Graph does not tell its time", error }
}

impl AloneError {
    /// Whether another command line or configuration would help.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::File { .. } | Self::NotAllowed(_) | Self::Wire(_))
    }
}
