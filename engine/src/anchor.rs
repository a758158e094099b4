//! Matching a cloud mailbox to an AD object by its anchors.
//!
//! The keys are tried in a fixed order and the first that hits decides: `objectGUID` by
//! `onPremisesObjectIdentifier`; the source anchor (`onPremisesImmutableId`) as
//! `mS-DS-ConsistencyGuid` or `objectGUID`; `msDS-ExternalDirectoryObjectId`. Sources: Microsoft
//! Learn, "Microsoft Entra Connect: Design concepts" (source anchor), and "Provision users and groups
//! to Active Directory" (`msDS-ExternalDirectoryObjectId`). Which key the service tries first is not
//! published (open question U1). Nothing is ever created when nothing matches.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::guid::Guid;
use crate::ports::{AnchorKey, DirectoryObject, MailboxId, User};

/// How many keys there are to try, in this order: rank 0, 1, 2.
pub const RANKS: u8 = 3;

/// What matching by one key came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// Exactly one object: its index among those found.
    One(usize),
    /// No object.
    None,
    /// Several objects on the same key: none of them may be touched.
    Duplicate,
}

/// The keys of this rank for a user; none when the user lacks the anchor.
#[must_use]
pub fn keys(user: &User, rank: u8) -> Vec<AnchorKey> {
    match rank {
        0 => user.object_identifier.map(AnchorKey::ObjectGuid).into_iter().collect(),
        1 => {
            let Some(anchor) = source_anchor(user) else { return Vec::new() };
            let by_guid = as_guid(&anchor).map(AnchorKey::ObjectGuid);
            [AnchorKey::ConsistencyGuid(anchor)].into_iter().chain(by_guid).collect()
        }
        _ => vec![AnchorKey::ExternalDirectoryObjectId(external_id(user.id))],
    }
}

/// The value of `msDS-ExternalDirectoryObjectId` that stands for a user.
#[must_use]
pub fn external_id(id: MailboxId) -> String {
    format!("User_{id}")
}

/// Objects found in one search, by their anchors.
#[derive(Debug, Default)]
pub struct Found {
    by_key: hashbrown::HashMap<AnchorKey, Hit, rustc_hash::FxBuildHasher>,
}

#[derive(Debug, Clone, Copy)]
enum Hit {
    One(usize),
    Several,
}

impl Found {
    /// Indexes `objects` by every anchor that they carry.
    #[must_use]
    pub fn new(objects: &[DirectoryObject], rank: u8) -> Self {
        let mut found = Self::default();
        found.by_key.reserve(objects.len());
        for (index, object) in objects.iter().enumerate() {
            if rank < 2 {
                found.insert(AnchorKey::ObjectGuid(object.guid.0), index);
            }
            if rank == 1
                && let Some(value) = &object.consistency_guid
            {
                found.insert(AnchorKey::ConsistencyGuid(value.clone()), index);
            }
            if rank >= 2
                && let Some(value) = &object.external_id
            {
                let value = AnchorKey::ExternalDirectoryObjectId(value.to_ascii_lowercase());
                found.insert(value, index);
            }
        }
        found
    }

    /// The object that the keys of one rank hit.
    #[must_use]
    pub fn pick(&self, keys: &[AnchorKey]) -> Match {
        let mut picked = None;
        for key in keys {
            let hit = match key {
                AnchorKey::ExternalDirectoryObjectId(text) => {
                    let folded = AnchorKey::ExternalDirectoryObjectId(text.to_ascii_lowercase());
                    self.by_key.get(&folded)
                }
                other => self.by_key.get(other),
            };
            match (hit, picked) {
                (None, _) => {}
                (Some(Hit::Several), _) => return Match::Duplicate,
                (Some(Hit::One(index)), None) => picked = Some(*index),
                (Some(Hit::One(index)), Some(earlier)) if *index == earlier => {}
                (Some(Hit::One(_)), Some(_)) => return Match::Duplicate,
            }
        }
        picked.map_or(Match::None, Match::One)
    }

    fn insert(&mut self, key: AnchorKey, index: usize) {
        self.by_key
            .entry(key)
            .and_modify(|hit| {
                if !matches!(hit, Hit::One(earlier) if *earlier == index) {
                    *hit = Hit::Several;
                }
            })
            .or_insert(Hit::One(index));
    }
}

fn source_anchor(user: &User) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(user.immutable_id.as_deref()?.trim()).ok()?;
    (!bytes.is_empty()).then_some(bytes)
}

fn as_guid(bytes: &[u8]) -> Option<Guid> {
    <[u8; 16]>::try_from(bytes).ok().map(Guid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::ObjectGuid;
    use crate::values::Values;

    fn user() -> User {
        User {
            id: MailboxId(Guid([9; 16])),
            sync_enabled: Some(true),
            immutable_id: Some(STANDARD.encode([2; 16])),
            object_identifier: Some(Guid([1; 16])),
            domain: None,
        }
    }

    fn object(guid: u8, consistency: Option<u8>, external: Option<String>) -> DirectoryObject {
        DirectoryObject {
            guid: ObjectGuid(Guid([guid; 16])),
            consistency_guid: consistency.map(|byte| vec![byte; 16]),
            external_id: external,
            values: Values::default(),
            broken: None,
        }
    }

    #[test]
    fn each_rank_matches_by_its_own_anchor_alone() {
        let found = [
            object(1, None, None),
            object(5, Some(2), None),
            object(6, None, Some(external_id(user().id))),
        ];
        for (rank, expected) in [(0, 0), (1, 1), (2, 2)] {
            let index = Found::new(&found, rank);
            assert_eq!(index.pick(&keys(&user(), rank)), Match::One(expected), "rank {rank}");
        }
    }

    #[test]
    fn the_source_anchor_may_be_the_guid_itself() {
        let found = [object(2, None, None)];
        assert_eq!(Found::new(&found, 1).pick(&keys(&user(), 1)), Match::One(0));
        let both = [object(2, Some(2), None)];
        assert_eq!(Found::new(&both, 1).pick(&keys(&user(), 1)), Match::One(0));
    }

    #[test]
    fn several_objects_on_one_key_are_refused() {
        let twins = [object(5, Some(2), None), object(6, Some(2), None)];
        assert_eq!(Found::new(&twins, 1).pick(&keys(&user(), 1)), Match::Duplicate);
        let copied = [object(2, None, None), object(6, Some(2), None)];
        assert_eq!(Found::new(&copied, 1).pick(&keys(&user(), 1)), Match::Duplicate);
        assert_eq!(Found::new(&[], 0).pick(&keys(&user(), 0)), Match::None);
    }

    #[test]
    fn a_user_without_anchors_still_has_its_external_id() {
        let bare = User { immutable_id: Some("%%%".into()), object_identifier: None, ..user() };
        assert!(keys(&bare, 0).is_empty() && keys(&bare, 1).is_empty());
        assert_eq!(keys(&bare, 2).len(), 1);
    }
}
