//! What became of a modify, and of those whose connection was lost.

use super::MODIFIES_IN_FLIGHT;

/// What became of one modify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The DC answered: `code` 0 is success ([RFC 4511] 4.1.9).
    Result {
        /// The LDAP result code.
        code: u32,
        /// The DC's diagnostic message, for people.
        diagnostic: String,
    },
    /// The connection ended before the answer: it was applied or not, and only reading tells.
    Unknown,
    /// The connection had ended before it was put on the wire: it was not applied.
    NotSent,
}

/// Completes the outcomes of a batch of `all` modifies whose connection was lost at the answer to the next.
pub fn lost_at(outcomes: &mut Vec<WriteOutcome>, all: usize) {
    let under_way = all.min(outcomes.len() + MODIFIES_IN_FLIGHT);
    outcomes.resize(under_way, WriteOutcome::Unknown);
    outcomes.resize(all, WriteOutcome::NotSent);
}
