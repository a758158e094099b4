//! What a log says was about to be written, and of which it says no more: the process died in between, and nobody told
//! how it ended. Whoever does the same again finds out by reading, for a restore and a reconciliation alike.

use std::collections::BTreeMap;

use crate::change::ModifiedProperty;
use crate::ports::{MailboxId, Name};

/// What is said of what an earlier call wrote.
pub(crate) const FOUND: &str =
    "found by reading: an earlier call wrote it, and ended before it could say so";

/// What earlier calls were about to write, by mailbox.
#[derive(Debug, Clone, Default)]
pub(crate) struct Earlier(BTreeMap<MailboxId, Vec<ModifiedProperty>>);

impl Earlier {
    /// As a log says it.
    pub(crate) const fn new(begun: BTreeMap<MailboxId, Vec<ModifiedProperty>>) -> Self {
        Self(begun)
    }

    /// What of it was written: whatever the mailbox does not lack, as a comparison shows. It is told once.
    pub(crate) fn made(
        &mut self,
        mailbox: MailboxId,
        lacks: impl Fn(&Name) -> bool,
    ) -> Vec<ModifiedProperty> {
        let mut begun = self.0.remove(&mailbox).unwrap_or_default();
        begun.retain(|change| !lacks(&change.attribute));
        begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guid::Guid;

    #[test]
    fn what_is_not_lacking_any_more_was_written_and_is_told_once() {
        let change = |attribute: &'static str| ModifiedProperty {
            attribute: attribute.into(),
            old: "a".into(),
            new: "b".into(),
        };
        let [one, other] = [1, 2].map(|byte| MailboxId(Guid([byte; 16])));
        let begun = BTreeMap::from([(one, vec![change("mail"), change("proxyAddresses")])]);
        let mut earlier = Earlier::new(begun);
        let lacks = |name: &Name| name == "mail";
        assert!(earlier.made(other, lacks).is_empty());
        assert_eq!(earlier.made(one, lacks), [change("proxyAddresses")]);
        assert!(earlier.made(one, |_| false).is_empty());
    }
}
