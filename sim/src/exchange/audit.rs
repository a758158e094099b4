//! The unified audit log, as far as Exchange Online writes it: one record for each cmdlet that changes
//! something.
//!
//! Source: Microsoft Learn, "Detailed properties in the audit log", "Search-UnifiedAuditLog".

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::VirtualTime;

/// A cmdlet that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// When.
    pub at: VirtualTime,
    /// By whom.
    pub user: Arc<str>,
    /// The cmdlet, in its documented spelling.
    pub operation: &'static str,
    /// The recipient it was run for.
    pub object: Box<str>,
    /// Its parameters as a JSON array of names and values.
    pub parameters: Box<str>,
}

/// The records, oldest first, and how far each search has come.
#[derive(Debug, Clone, Default)]
pub struct AuditLog {
    /// Whether records are kept. Nobody can search in a run without clients, so nothing is kept there.
    pub ingestion: bool,
    records: Vec<AuditRecord>,
    sessions: BTreeMap<String, usize>,
}

impl AuditLog {
    /// Adds a record.
    pub fn push(&mut self, record: AuditRecord) {
        self.records.push(record);
    }

    /// All records, oldest first.
    #[must_use]
    pub fn records(&self) -> &[AuditRecord] {
        &self.records
    }

    /// How many records a session was shown.
    pub(super) fn shown(&self, session: &str) -> usize {
        self.sessions.get(session).copied().unwrap_or(0)
    }

    /// A session was shown this many more.
    pub(super) fn show(&mut self, session: &str, more: usize) {
        *self.sessions.entry(session.to_owned()).or_default() += more;
    }
}
