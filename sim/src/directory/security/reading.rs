//! What a caller may see when reading: objects whose parent lets them be listed, attributes that may be
//! read ([MS-ADTS] 3.1.1.4.3, 5.1.3.3).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::access::{Token, allows, property_set};
use super::descriptor::{
    CONTROL_ACCESS, LIST, LIST_OBJECT, READ_CONTROL, READ_PROPERTY, SecurityDescriptor,
};
use crate::directory::derived::View;
use crate::directory::entry::ClassNumber;
use crate::directory::forest::{DomainController, Forest};
use crate::directory::name::Sid;
use crate::directory::principal::{Principal, Rights};
use crate::directory::request::ObjectNumber;
use crate::directory::schema::{Attribute, known};
use crate::directory::store::Slot;
use crate::record::AttributeNumber;

/// searchFlags: the attribute is confidential; reading it takes an extended right too.
const CONFIDENTIAL: u32 = 0x80;

/// Objects without a descriptor of their own have the same one as their siblings of the same class.
type Kin = (Option<ObjectNumber>, ClassNumber);

/// What one attribute of objects with the same descriptor may be read by.
type Answers = BTreeMap<(Kin, AttributeNumber), bool>;

/// A caller whose rights are those that access control lists give, in the course of one request.
#[derive(Debug)]
pub(in crate::directory) struct Reading<'a> {
    token: &'a Token,
    descriptors: RefCell<BTreeMap<Kin, Option<Rc<SecurityDescriptor>>>>,
    readable: RefCell<Answers>,
    listed: RefCell<BTreeMap<ObjectNumber, bool>>,
}

impl<'a> Reading<'a> {
    /// `None` for a caller who may read everything.
    pub(in crate::directory) fn of(principal: &'a Principal) -> Option<Self> {
        let Rights::Acl(token) = &principal.rights else { return None };
        Some(Self {
            token,
            descriptors: RefCell::default(),
            readable: RefCell::default(),
            listed: RefCell::default(),
        })
    }

    /// Whether an attribute of an object may be read.
    pub(in crate::directory) fn may_read(&self, view: &View<'_>, attribute: &Attribute) -> bool {
        let entry = &view.slot.entry;
        let own = entry.record.has(known::NT_SECURITY_DESCRIPTOR);
        let is_self = entry.record.first(known::OBJECT_SID) == Some(self.token.user.as_bytes());
        if own || is_self {
            return self.decide(view, attribute);
        }
        let key = ((entry.parent, entry.class), attribute.number);
        if let Some(known) = self.readable.borrow().get(&key) {
            return *known;
        }
        let may = self.decide(view, attribute);
        self.readable.borrow_mut().insert(key, may);
        may
    }

    fn decide(&self, view: &View<'_>, attribute: &Attribute) -> bool {
        let objects = [attribute.guid, property_set(attribute)];
        let may = |right| {
            self.allowed(view.forest, view.controller, view.object, view.slot, right, &objects)
        };
        if attribute.number == known::NT_SECURITY_DESCRIPTOR {
            return may(READ_CONTROL);
        }
        may(READ_PROPERTY) && (attribute.search_flags & CONFIDENTIAL == 0 || may(CONTROL_ACCESS))
    }

    /// Whether an object is seen at all: its parent lets the caller list what is below, or, in list object
    /// mode, both let it be listed.
    pub(in crate::directory) fn may_list(&self, view: &View<'_>) -> bool {
        let Some(parent) = view.slot.entry.parent else { return true };
        if self.may_list_below(view, parent) {
            return true;
        }
        if !view.forest.heuristics.lists_objects() {
            return false;
        }
        let of = |object, slot: &Slot| {
            self.allowed(view.forest, view.controller, object, slot, LIST_OBJECT, &[])
        };
        view.controller.store.get(parent).is_some_and(|slot| of(parent, slot))
            && of(view.object, view.slot)
    }

    fn may_list_below(&self, view: &View<'_>, parent: ObjectNumber) -> bool {
        if let Some(known) = self.listed.borrow().get(&parent) {
            return *known;
        }
        let slot = view.controller.store.get(parent);
        let may = slot.is_some_and(|slot| {
            self.allowed(view.forest, view.controller, parent, slot, LIST, &[])
        });
        self.listed.borrow_mut().insert(parent, may);
        may
    }

    fn allowed(
        &self,
        forest: &Forest,
        controller: &DomainController,
        object: ObjectNumber,
        slot: &Slot,
        right: u32,
        objects: &[Option<crate::guid::Guid>],
    ) -> bool {
        let entry = &slot.entry;
        let sid = entry.record.first(known::OBJECT_SID).and_then(Sid::from_bytes);
        let descriptor = if entry.record.has(known::NT_SECURITY_DESCRIPTOR) {
            forest.descriptor(controller, object).map(Rc::new)
        } else {
            let kin = (entry.parent, entry.class);
            let mut known = self.descriptors.borrow_mut();
            let fresh = || forest.descriptor(controller, object).map(Rc::new);
            known.entry(kin).or_insert_with(fresh).clone()
        };
        descriptor.is_some_and(|at| allows(&at, self.token, sid.as_ref(), right, objects))
    }
}
