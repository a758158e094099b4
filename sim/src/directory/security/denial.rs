//! What is denied to an administrator: everything is allowed, but for entries that deny. That is how objects
//! are protected from being deleted by accident (Microsoft Learn, "Protect an object from accidental
//! deletion").

use super::access::Token;
use super::descriptor::{INHERIT_ONLY, SecurityDescriptor, has_denial};
use crate::directory::forest::{DomainController, Forest};
use crate::directory::name::Sid;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::known;
use crate::guid::Guid;

/// How deep objects may be nested.
const MAX_DEPTH: usize = 512;

impl Forest {
    /// Whether an entry of an object's access control list denies an administrator a right. Most objects have
    /// no list of their own, nor has anything above them: then there is nothing to look at.
    pub(super) fn is_denied(
        &self,
        controller: &DomainController,
        administrator: Option<&Sid>,
        object: ObjectNumber,
        right: u32,
        objects: &[Option<Guid>],
    ) -> bool {
        let Some(sid) = administrator else { return false };
        if !self.may_be_denied(controller, object) {
            return false;
        }
        let account = self.by_sid(controller, sid).first().copied();
        let groups =
            account.map(|account| self.group_sids(controller, account, true)).unwrap_or_default();
        let token = Token::new(sid.clone(), groups);
        let own = controller.store.get(object);
        let own = own.and_then(|slot| slot.entry.record.first(known::OBJECT_SID));
        let own = own.and_then(Sid::from_bytes);
        let descriptor = self.descriptor(controller, object);
        descriptor.is_some_and(|at| denies(&at, &token, own.as_ref(), right, objects))
    }

    /// Whether an entry that denies something stands on an object or above it.
    pub(super) fn may_be_denied(
        &self,
        controller: &DomainController,
        object: ObjectNumber,
    ) -> bool {
        let mut at = Some(object);
        for _ in 0..MAX_DEPTH {
            let Some(slot) = at.and_then(|at| controller.store.get(at)) else { return false };
            let written = slot.entry.record.first(known::NT_SECURITY_DESCRIPTOR);
            let of_class = || {
                let class = self.schema.class(slot.entry.class);
                let text = class.and_then(|class| class.descriptor.as_deref());
                text.is_some_and(|text| text.contains("(D;") || text.contains("(OD;"))
            };
            if written.map_or_else(of_class, has_denial) {
                return true;
            }
            at = slot.entry.parent;
        }
        false
    }
}

/// Whether an entry that denies the right comes before those that allow it.
fn denies(
    descriptor: &SecurityDescriptor,
    token: &Token,
    own: Option<&Sid>,
    right: u32,
    objects: &[Option<Guid>],
) -> bool {
    let mut wanted = right;
    for ace in descriptor.dacl.iter().filter(|ace| ace.flags & INHERIT_ONLY == 0) {
        let about = ace.object.is_none() || objects.contains(&ace.object);
        if !about || ace.mask & wanted == 0 || !token.has(&ace.sid, own) {
            continue;
        }
        if ace.deny {
            return true;
        }
        wanted &= !ace.mask;
        if wanted == 0 {
            return false;
        }
    }
    false
}
