//! The descriptor that an object really has: its own, or its class's default one, and what it inherits
//! ([MS-ADTS] 6.1.3). Nothing is stored for an object whose descriptor nobody wrote.

use super::defaults;
use super::descriptor::{
    Ace, INHERIT_ONLY, INHERITED, NO_PROPAGATE, SecurityDescriptor, WRITE_PROPERTY,
};
use super::expansion::{Creator, passed_on};
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
            let stop = own.is_protected() && own.is_sacl_protected();
            line.push((own, self.schema.class(slot.entry.class)));
            at = slot.entry.parent.filter(|_| !stop);
        }
        let mut above: Option<SecurityDescriptor> = None;
        while let Some((mut own, class)) = line.pop() {
            if let Some(above) = &above {
                if !own.is_protected() {
                    let passed = self.passed_on(&above.dacl, &own, class);
                    own.dacl.extend(passed);
                }
                if !own.is_sacl_protected() {
                    let passed = self.passed_on(&above.sacl, &own, class);
                    own.sacl.extend(passed);
                }
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
        let default = self.default_descriptor(controller, self.schema.class(entry.class), None);
        let written = entry.record.first(known::NT_SECURITY_DESCRIPTOR);
        written.and_then(|bytes| default.overlaid(bytes, 15)).unwrap_or(default)
    }

    /// What an object of a class has when nobody wrote its descriptor, and the domain's administrators or
    /// somebody else created it.
    pub(in crate::directory) fn default_descriptor(
        &self,
        controller: &DomainController,
        class: Option<&Class>,
        creator: Option<(Sid, Sid)>,
    ) -> SecurityDescriptor {
        let changed = class.and_then(|class| class.descriptor.as_deref());
        let text =
            changed.unwrap_or_else(|| defaults::of_class(class.map_or("", |class| &*class.name)));
        self.descriptor_of(controller, text, creator)
    }

    /// A descriptor by its text, owned by its creator or by the domain's administrators.
    pub(super) fn descriptor_of(
        &self,
        controller: &DomainController,
        text: &str,
        creator: Option<(Sid, Sid)>,
    ) -> SecurityDescriptor {
        let domain = self.domain(controller.domain).map(|domain| domain.sid.clone());
        let domain = domain.unwrap_or_else(Sid::nobody);
        let administrators = domain.with_rid(512);
        let (owner, group) = creator.unwrap_or_else(|| (administrators.clone(), administrators));
        sddl::parse(text, &domain, owner, group).settled()
    }

    /// What of an ACL comes down to an object of this class.
    fn passed_on(&self, aces: &[Ace], to: &SecurityDescriptor, class: Option<&Class>) -> Vec<Ace> {
        let creator = Creator { owner: &to.owner, group: &to.group };
        passed_on(aces, creator, |guid: &Guid| {
            class.is_some_and(|class| {
                let of = |at: &u16| self.schema.class(*at).and_then(|class| class.guid);
                class.chain.iter().any(|at| of(at).as_ref() == Some(guid))
            })
        })
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
                goes_on && self.comes_down(ace, class)
            });
            if is_protected(&slot.entry) {
                return reach;
            }
            at = slot.entry.parent;
        }
        reach
    }

    /// Whether an entry above counts for an object of a class.
    fn comes_down(&self, ace: &Ace, class: Option<&Class>) -> bool {
        let to = SecurityDescriptor::empty();
        let passed = self.passed_on(core::slice::from_ref(ace), &to, class);
        passed.iter().any(|ace| ace.flags & INHERIT_ONLY == 0)
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
