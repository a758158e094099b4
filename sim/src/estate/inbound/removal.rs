//! Objects that are gone in AD, or left the scope of synchronization.
//!
//! Sources: Microsoft Learn, "Microsoft Entra Connect Sync: Prevent accidental deletes" (threshold of
//! 500, the export is stopped), "Restore or remove a recently deleted user" (30 days).

use std::collections::{BTreeMap, BTreeSet};

use super::Export;
use crate::connect::{ConnectorKey, DELETION_THRESHOLD_EXCEEDED, Since};
use crate::entra::Deletion;
use crate::estate::Estate;
use crate::guid::Guid;

impl Estate {
    /// The pending objects whose cloud object is to be deleted. One whose anchor another pending object has
    /// is joined anew, and not deleted.
    pub(super) fn gone(&self, pending: &BTreeMap<ConnectorKey, Since>) -> BTreeSet<ConnectorKey> {
        let mut gone: BTreeSet<ConnectorKey> = pending
            .keys()
            .filter(|key| self.imported(**key).is_none() && self.joined(**key).is_some())
            .copied()
            .collect();
        if gone.is_empty() {
            return gone;
        }
        let new = pending.keys().filter(|key| self.joined(**key).is_none());
        let arriving: BTreeSet<Guid> = new.filter_map(|key| self.anchor_of(*key)).collect();
        gone.retain(|key| {
            let user = self.connect.object(*key).and_then(|object| self.entra.user(object.user));
            let anchor = user.and_then(|user| user.source_anchor);
            anchor.is_none_or(|anchor| !arriving.contains(&anchor))
        });
        gone
    }

    /// Why so many deletions at once stop the export, when they do.
    pub(super) fn too_many(&self, deletions: usize) -> Option<String> {
        if deletions == 0 {
            return None;
        }
        let known = self.connect.known() + self.connect.others.len();
        (!self.entra.features.allows_deletions(deletions, known))
            .then(|| format!("{DELETION_THRESHOLD_EXCEEDED}: {deletions} deletions are pending"))
    }

    /// Deletes the cloud object of an AD object that is gone: among the deleted items for 30 days.
    pub(super) fn remove(&mut self, key: ConnectorKey) -> Export {
        if self.connect.others.contains_key(&key) {
            return self.remove_other(key);
        }
        let Some(object) = self.connect.object(key).copied() else { return Export::Done(0) };
        let Some(user) = self.entra.user(object.user) else { return Export::Done(0) };
        if user.object_cloud_managed {
            // `blockOnPremisesSync`: the object is the cloud's.
            self.connect.forget(key);
            self.note_blocked(key);
            return Export::Done(0);
        }
        if user.deletion.is_some() {
            self.connect.forget(key);
            return Export::Done(0);
        }
        if user.sync_enabled != Some(true) {
            // It stays an error of every cycle, as a refused export does.
            return Self::refused(key, "DeletingCloudOnlyObjectNotAllowed", user.id.to_string());
        }
        let now = self.now;
        self.entra.change(object.user, |user| user.deletion = Some(Deletion::Soft(now)));
        self.entra.provisioning_errors.retain(|error| error.user != object.user);
        self.connect.forget(key);
        self.settle_recipient(object.user);
        Export::Done(1)
    }

    /// Application event 6956: a change in AD of an object whose source of authority is the cloud.
    pub(super) fn note_blocked(&mut self, key: ConnectorKey) {
        if let Some(run) = &mut self.connect.running {
            run.blocked.push(key);
        }
    }
}
