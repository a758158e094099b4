//! The directory's audit log: what somebody changed through Microsoft Graph.
//!
//! Source: Microsoft Graph reference, resource type directoryAudit; Microsoft Learn, "Microsoft Entra
//! audit log categories and activities".
//!
//! # Divergence from Microsoft Entra ID
//! What Connect Sync and the service's own back sync write is in the estate's ledger, not in this log.

use crate::clock::VirtualTime;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Initiator {
    /// An application on its own.
    Application {
        /// `displayName`.
        name: String,
        /// `servicePrincipalId`.
        principal: String,
    },
    /// Somebody who signed in.
    User {
        /// `id`.
        id: String,
        /// `userPrincipalName`.
        upn: String,
    },
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryAudit {
    /// `activityDateTime`.
    pub at: VirtualTime,
    /// `activityDisplayName`.
    pub activity: &'static str,
    /// `category`.
    pub category: &'static str,
    /// `operationType`.
    pub operation: &'static str,
    /// `initiatedBy`.
    pub initiator: Initiator,
    /// `targetResources[0].id`.
    pub target: String,
    /// `targetResources[0].type`.
    pub kind: &'static str,
    /// `targetResources[0].displayName` or the user principal name of a user.
    pub name: String,
    /// `modifiedProperties`: name, and JSON of the old and the new value.
    pub modified: Vec<(String, String, String)>,
}

/// Entries that are kept; older ones go.
const MOST: usize = 100_000;

/// The log, oldest entry first.
#[derive(Debug, Clone, Default)]
pub struct AuditLog {
    entries: Vec<DirectoryAudit>,
    dropped: usize,
}

impl AuditLog {
    /// Appends an entry.
    pub fn push(&mut self, entry: DirectoryAudit) {
        if self.entries.len() >= 2 * MOST {
            self.entries.drain(..MOST);
            self.dropped += MOST;
        }
        self.entries.push(entry);
    }

    /// The entries with their numbers, which stay when older ones go.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (usize, &DirectoryAudit)> {
        self.entries.iter().enumerate().map(|(place, entry)| (place + self.dropped, entry))
    }
}
