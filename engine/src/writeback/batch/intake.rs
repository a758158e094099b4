//! What a batch takes in: the last version of each mailbox, and what is said of who is out of scope.

use super::Origin;
use crate::failure::code;
use crate::ports::{Mailbox, MailboxId};
use crate::writeback::desk::Lookup;
use crate::writeback::outcome::Verdict;

/// What is said of a mailbox that the scope leaves out: a cycle skips what AD has the authority over as it
/// is read.
pub(super) fn outside(mailbox: &Mailbox, origin: Origin, quiet: bool) -> Verdict {
    if !mailbox.dir_synced {
        return not_in_scope("it is not synchronized from Active Directory".to_owned(), quiet);
    }
    let detail = "its Exchange attributes are managed in Active Directory".to_owned();
    if origin == Origin::OnDemand {
        return not_in_scope(detail, quiet);
    }
    Verdict::Skipped { code: code::IMPORT_SKIPPED, detail, quiet }
}

pub(super) const fn not_in_scope(detail: String, quiet: bool) -> Verdict {
    Verdict::Skipped { code: code::NOT_IN_SCOPE, detail, quiet }
}

/// A mailbox that changes while it is listed may come twice: the last version counts.
pub(super) fn latest_versions(rows: Vec<Mailbox>) -> Vec<Mailbox> {
    let mut last: Lookup<MailboxId, usize> = Lookup::default();
    last.reserve(rows.len());
    for (index, row) in rows.iter().enumerate() {
        last.insert(row.id, index);
    }
    if last.len() == rows.len() {
        return rows;
    }
    rows.into_iter()
        .enumerate()
        .filter(|(index, row)| last.get(&row.id) == Some(index))
        .map(|(_, row)| row)
        .collect()
}
