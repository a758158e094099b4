//! The descriptor that an object really has: its own, or its class's default one, and what it inherits
//! ([MS-ADTS] 6.1.3). Nothing is stored for an object whose descriptor nobody wrote.

use super::defaults;
use super::descriptor::{
    Ace, CONTAINER_INHERIT, INHERIT_ONLY, INHERITED, NO_PROPAGATE, SecurityDescriptor,
};
use super::sddl;
use crate::directory::entry::Entry;
use crate::directory::forest::{DomainController, Forest};
use crate::directory::name::Sid;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::class::Class;
use crate::directory::schema::known;
use crate::guid::Guid;

/// How deep objects may be nested.
const MAX_DEPTH: usize = 512;

impl Forest {
    /// The descriptor of an object, inherited entries included.
    #[must_use]
    pub fn descriptor(
        &self,
        controller: &DomainController,
        object: ObjectNumber,
    ) -> Option<SecurityDescriptor> {
        let mut line = Vec::new();
        let mut at = Some(object);
        while let Some(object) = at.filter(|_| line.len() < MAX_DEPTH) {
            let slot = controller.store.get(object)?;
            let own = self.own_descriptor(controller, &slot.entry);
            let stop = own.is_protected();
            line.push((own, self.schema.class(slot.entry.class)));
            at = slot.entry.parent.filter(|_| !stop);
        }
        let mut above: Option<SecurityDescriptor> = None;
        while let Some((mut own, class)) = line.pop() {
            if let Some(above) = above.filter(|_| !own.is_protected()) {
                own.dacl.extend(self.passed_on(&above.dacl, class));
                own.sacl.extend(self.passed_on(&above.sacl, class));
            }
            above = Some(own);
        }
        above
    }

    /// Its own descriptor: what was written, or the default of its class.
    pub(in crate::directory) fn own_descriptor(
        &self,
        controller: &DomainController,
        entry: &Entry,
    ) -> SecurityDescriptor {
        let class = self.schema.class(entry.class).map_or("", |class| &*class.name);
        let default = self.default_descriptor(controller, class);
        let written = entry.record.first(known::NT_SECURITY_DESCRIPTOR);
        written.and_then(|bytes| default.overlaid(bytes, 15)).unwrap_or(default)
    }

    /// What an object of a class has when nobody wrote its descriptor.
    pub(in crate::directory) fn default_descriptor(
        &self,
        controller: &DomainController,
        class: &str,
    ) -> SecurityDescriptor {
        self.descriptor_of(controller, defaults::of_class(class))
    }

    /// A descriptor by its text, owned by the domain's administrators.
    pub(super) fn descriptor_of(
        &self,
        controller: &DomainController,
        text: &str,
    ) -> SecurityDescriptor {
        let domain = self.domain(controller.domain).map(|domain| domain.sid.clone());
        let domain = domain.unwrap_or_else(Sid::nobody);
        let administrators = domain.with_rid(512);
        sddl::parse(text, &domain, administrators.clone(), administrators)
    }

    /// What of an ACL comes down to an object of this class.
    fn passed_on(&self, aces: &[Ace], class: Option<&Class>) -> Vec<Ace> {
        let is = |guid: &Guid| {
            class.is_some_and(|class| {
                let of = |at: &u16| self.schema.class(*at).and_then(|class| class.guid);
                class.chain.iter().any(|at| of(at).as_ref() == Some(guid))
            })
        };
        let mut passed = Vec::new();
        for ace in aces.iter().filter(|ace| ace.flags & CONTAINER_INHERIT != 0) {
            let applies = ace.inherited_object.as_ref().is_none_or(is);
            let goes_on = ace.flags & NO_PROPAGATE == 0;
            if !applies && !goes_on {
                continue;
            }
            let mut flags = INHERITED | (ace.flags & !(INHERIT_ONLY | NO_PROPAGATE));
            if !goes_on {
                flags &= !CONTAINER_INHERIT;
            }
            if !applies {
                flags |= INHERIT_ONLY;
            }
            passed.push(Ace { flags, ..ace.clone() });
        }
        passed
    }

    /// Whether the entries on the head of the domain reach an object: no descriptor on the way up to it
    /// keeps them out.
    pub(in crate::directory) fn inherits_from_domain(
        &self,
        controller: &DomainController,
        entry: &Entry,
    ) -> bool {
        if is_protected(entry) {
            return false;
        }
        let mut at = entry.parent;
        for _ in 0..MAX_DEPTH {
            let Some(slot) = at.and_then(|object| controller.store.get(object)) else {
                return true;
            };
            if is_protected(&slot.entry) {
                return false;
            }
            at = slot.entry.parent;
        }
        false
    }
}

/// Whether the object's own descriptor takes nothing from above: the control word of its bytes.
fn is_protected(entry: &Entry) -> bool {
    let written = entry.record.first(known::NT_SECURITY_DESCRIPTOR);
    written.is_some_and(|bytes| bytes.get(3).is_some_and(|high| high & 0x10 != 0))
}
