//! The descriptor that an object really has: its own, or its class's default one, and what it inherits
//! ([MS-ADTS] 6.1.3). Nothing is stored for an object whose descriptor nobody wrote.

use super::defaults;
use super::descriptor::{
    Ace, CONTAINER_INHERIT, INHERIT_ONLY, INHERITED, NO_PROPAGATE, SecurityDescriptor,
    WRITE_PROPERTY,
};
use super::sddl;
use crate::directory::entry::Entry;
use crate::directory::forest::{DomainController, Forest};
use crate::directory::name::Sid;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::Attribute;
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
        let default = self.default_descriptor(controller, self.schema.class(entry.class));
        let written = entry.record.first(known::NT_SECURITY_DESCRIPTOR);
        written.and_then(|bytes| default.overlaid(bytes, 15)).unwrap_or(default)
    }

    /// What an object of a class has when nobody wrote its descriptor.
    pub(in crate::directory) fn default_descriptor(
        &self,
        controller: &DomainController,
        class: Option<&Class>,
    ) -> SecurityDescriptor {
        let changed = class.and_then(|class| class.descriptor.as_deref());
        let text =
            changed.unwrap_or_else(|| defaults::of_class(class.map_or("", |class| &*class.name)));
        self.descriptor_of(controller, text)
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

    /// Which entries reach an object for an account that the setup of the agents gave its rights: those that
    /// somebody wrote for the account itself, and the setup's, on the head of the domain, unless a descriptor
    /// on the way up keeps them out. In the order in which they count ([MS-DTYP] 2.5.3.2): what is nearer to
    /// the object first, and what denies before what allows.
    pub(in crate::directory) fn reach(
        &self,
        controller: &DomainController,
        account: Option<&Sid>,
        entry: &Entry,
    ) -> Reach {
        let mut reach = Reach { own: Vec::new(), from_domain: false };
        let class = self.schema.class(entry.class);
        self.add_own(&mut reach, account, entry, |ace| ace.flags & INHERIT_ONLY == 0);
        if is_protected(entry) {
            return reach;
        }
        let mut at = entry.parent;
        for depth in 0..MAX_DEPTH {
            let Some(slot) = at.and_then(|object| controller.store.get(object)) else {
                reach.from_domain = true;
                return reach;
            };
            self.add_own(&mut reach, account, &slot.entry, |ace| {
                let goes_on = depth == 0 || ace.flags & NO_PROPAGATE == 0;
                goes_on && !self.passed_on(core::slice::from_ref(ace), class).is_empty()
            });
            if is_protected(&slot.entry) {
                return reach;
            }
            at = slot.entry.parent;
        }
        reach
    }

    /// Adds what was written into an object's descriptor for an account, and counts below it.
    fn add_own(
        &self,
        reach: &mut Reach,
        account: Option<&Sid>,
        entry: &Entry,
        counts: impl Fn(&Ace) -> bool,
    ) {
        let written = entry.record.first(known::NT_SECURITY_DESCRIPTOR);
        let Some((bytes, account)) = written.zip(account) else { return };
        let blank = SecurityDescriptor::empty();
        let Some(descriptor) = blank.overlaid(bytes, 4) else { return };
        let is_own = |ace: &&Ace| {
            let inherited = ace.flags & INHERITED != 0 && !descriptor.is_protected();
            !inherited && ace.sid == *account && ace.mask & WRITE_PROPERTY != 0 && counts(ace)
        };
        let mut own: Vec<(bool, Option<Guid>)> =
            descriptor.dacl.iter().filter(is_own).map(|ace| (ace.deny, ace.object)).collect();
        own.sort_by_key(|(deny, _)| !deny);
        reach.own.append(&mut own);
    }
}

/// What of the rights of the agents' account reaches an object.
#[derive(Debug)]
pub(in crate::directory) struct Reach {
    /// What somebody wrote for the account: whether it denies, and what it is about (`None`: everything).
    own: Vec<(bool, Option<Guid>)>,
    /// Whether the entries on the head of the domain do.
    from_domain: bool,
}

impl Reach {
    /// Whether the account may write an attribute that the setup gave it, or not (`set_up`).
    pub(in crate::directory) fn allows(&self, attribute: &Attribute, set_up: bool) -> bool {
        let is_about = |object: &Option<Guid>| {
            object.is_none()
                || *object == attribute.guid
                || *object == super::access::property_set(attribute)
        };
        let own = self.own.iter().find(|(_, object)| is_about(object));
        own.map_or(self.from_domain && set_up, |(deny, _)| !deny)
    }
}

/// Whether the object's own descriptor takes nothing from above: the control word of its bytes.
fn is_protected(entry: &Entry) -> bool {
    let written = entry.record.first(known::NT_SECURITY_DESCRIPTOR);
    written.is_some_and(|bytes| bytes.get(3).is_some_and(|high| high & 0x10 != 0))
}
