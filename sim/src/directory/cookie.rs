//! The cookies of paged searches: behind which object to go on, and what was asked. So pages need no
//! state on the server. A sorted answer is found and sorted once: its cookie has the objects that are left,
//! and whoever serves a connection keeps it there and gives the client a short one in its place.

use rustc_hash::FxHasher;

use crate::directory::answer::SearchHit;
use crate::directory::controls::Controls;
use crate::directory::entry::DcNumber;
use crate::directory::request::{ObjectNumber, SearchRequest};
use crate::guid::Guid;

/// Where a cookie goes on, with what it belongs to.
const COOKIE_LENGTH: usize = 1 + 16 + 8;

/// Behind which object a page begins.
#[derive(Clone, Copy)]
pub(super) struct After {
    pub(super) number: ObjectNumber,
    pub(super) guid: Option<Guid>,
    pub(super) seen: u64,
}

/// What a cookie belongs to: the domain controller and the search, apart from its size.
pub(super) fn fingerprint(
    dc: DcNumber,
    base: Option<ObjectNumber>,
    request: &SearchRequest,
) -> u64 {
    use core::hash::{Hash, Hasher};
    let mut hasher = FxHasher::default();
    (dc, base, request.types_only, request.size_limit).hash(&mut hasher);
    format!("{:?}{:?}{:?}", request.scope, request.filter, request.selection).hash(&mut hasher);
    hasher.finish()
}

pub(super) fn write_cookie(
    by_guid: bool,
    last: &SearchHit,
    seen: u64,
    fingerprint: u64,
) -> Vec<u8> {
    let mut cookie = Vec::with_capacity(COOKIE_LENGTH + 8);
    cookie.push(u8::from(by_guid));
    if by_guid {
        cookie.extend_from_slice(&last.entry.guid.0);
    } else {
        cookie.extend_from_slice(&last.object.0.to_le_bytes());
        cookie.extend_from_slice(&[0; 12]);
    }
    cookie.extend_from_slice(&seen.to_le_bytes());
    cookie.extend_from_slice(&fingerprint.to_le_bytes());
    cookie
}

pub(super) fn read_cookie(cookie: &[u8], fingerprint: u64) -> Option<After> {
    let (rest, own) = cookie.split_last_chunk::<8>()?;
    let (rest, seen) = rest.split_last_chunk::<8>()?;
    let (kind, place) = rest.split_first()?;
    let place: [u8; 16] = place.try_into().ok()?;
    if u64::from_le_bytes(*own) != fingerprint || *kind > 1 {
        return None;
    }
    let number = ObjectNumber(u32::from_le_bytes([place[0], place[1], place[2], place[3]]));
    let guid = (*kind == 1).then_some(Guid(place));
    Some(After { number, guid, seen: u64::from_le_bytes(*seen) })
}

/// The objects of a sorted answer that a later request goes on with.
#[derive(Debug)]
pub(super) struct Kept {
    /// How many of them earlier pages had.
    pub(super) seen: u64,
    pub(super) objects: Vec<ObjectNumber>,
}

/// What a kept answer belongs to: the search and the controls that decide what is found, in which order.
pub(super) fn mark(
    dc: DcNumber,
    base: Option<ObjectNumber>,
    request: &SearchRequest,
    asked: &Controls<'_>,
) -> u64 {
    use core::hash::{Hash, Hasher};
    let mut hasher = FxHasher::default();
    fingerprint(dc, base, request).hash(&mut hasher);
    format!("{:?}{:?}{:?}", asked.sort, asked.sight, asked.deactivated_links).hash(&mut hasher);
    hasher.finish()
}

/// Keeps objects.
pub(super) fn write_kept(mark: u64, seen: u64, objects: &[ObjectNumber]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(16 + 4 * objects.len());
    kept.extend_from_slice(&mark.to_le_bytes());
    kept.extend_from_slice(&seen.to_le_bytes());
    for object in objects {
        kept.extend_from_slice(&object.0.to_le_bytes());
    }
    kept
}

/// Reads what [`write_kept`] wrote, with what it belongs to.
pub(super) fn read_kept(kept: &[u8]) -> Option<(u64, Kept)> {
    let (mark, rest) = kept.split_first_chunk::<8>()?;
    let (seen, rest) = rest.split_first_chunk::<8>()?;
    let (numbers, rest) = rest.as_chunks::<4>();
    let objects = numbers.iter().map(|number| ObjectNumber(u32::from_le_bytes(*number))).collect();
    let seen = u64::from_le_bytes(*seen);
    rest.is_empty().then(|| (u64::from_le_bytes(*mark), Kept { seen, objects }))
}
