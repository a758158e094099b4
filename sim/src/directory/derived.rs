//! Values that are not stored but follow from an object's place, class and stamp, and the values that
//! are made only when asked for ([MS-ADTS] 3.1.1.4.5).

use crate::directory::account::default_value;
use crate::directory::entry::{ClassNumber, Life, referenced};
use crate::directory::forest::{DomainController, Forest};
use crate::directory::principal::{Principal, Rights};
use crate::directory::request::ObjectNumber;
use crate::directory::schema::syntax::generalized_time;
use crate::directory::schema::{Attribute, known};
use crate::directory::security::reading::Reading;
use crate::directory::store::Slot;
use crate::record::AttributeNumber;

/// What every object has without storing it, in the order in which it is returned.
pub(super) const DERIVED: [AttributeNumber; 10] = [
    known::OBJECT_CLASS,
    known::DISTINGUISHED_NAME,
    known::INSTANCE_TYPE,
    known::WHEN_CREATED,
    known::WHEN_CHANGED,
    known::USN_CREATED,
    known::USN_CHANGED,
    known::NAME,
    known::OBJECT_GUID,
    known::OBJECT_CATEGORY,
];

/// How a client wants to see objects, and who it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look<'a> {
    /// Names with GUID and SID: as text, or as hex digits.
    pub(super) extended_dn: Option<bool>,
    /// Links from and to deleted objects are shown.
    pub(super) deactivated_links: bool,
    /// Which parts of a security descriptor are shown; `None`: all, and only when it is named.
    pub(super) descriptor: Option<u32>,
    /// A range behind the last value is no error.
    pub(super) range_without_error: bool,
    /// Only what the global catalog has.
    pub(super) catalog: bool,
    /// The object is of another domain, of which only the global catalog has something.
    pub(super) foreign: bool,
    /// The search is about one object: only then some attributes are made.
    pub(super) base: bool,
    /// Who looks.
    pub(super) principal: Option<&'a Principal>,
    /// What the caller may read; `None`: everything.
    pub(super) reading: Option<&'a Reading<'a>>,
}

/// An object on a domain controller, about to be read.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) forest: &'a Forest,
    pub(super) controller: &'a DomainController,
    pub(super) object: ObjectNumber,
    pub(super) slot: &'a Slot,
    pub(super) look: Look<'a>,
}

/// Where the values of an attribute come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The record, as they are.
    Stored,
    /// The record, as references to objects.
    Reference,
    /// The object's place, class and stamp.
    Derived,
    /// The forward links of others.
    BackLink,
    /// Made when asked for.
    Constructed,
}

impl Origin {
    pub(super) fn of(attribute: &Attribute) -> Self {
        if attribute.constructed {
            Self::Constructed
        } else if DERIVED.contains(&attribute.number) {
            Self::Derived
        } else if attribute.is_back_link() {
            Self::BackLink
        } else if attribute.syntax.is_reference() {
            Self::Reference
        } else {
            Self::Stored
        }
    }
}

impl<'a> View<'a> {
    /// An object as it is seen without controls.
    pub(super) fn new(
        forest: &'a Forest,
        controller: &'a DomainController,
        object: ObjectNumber,
        slot: &'a Slot,
    ) -> Self {
        Self { forest, controller, object, slot, look: Look::default() }
    }

    /// The values of an attribute as a client sees them.
    pub(super) fn values(&self, attribute: &Attribute) -> Vec<Vec<u8>> {
        let stored = self.slot.entry.record.values(attribute.number);
        match Origin::of(attribute) {
            Origin::Stored if attribute.number == known::NT_SECURITY_DESCRIPTOR => {
                self.descriptor().into_iter().collect()
            }
            Origin::Stored if attribute.number == known::REPL_PROPERTY_META_DATA => {
                vec![self.property_metadata()]
            }
            Origin::Stored if stored.len() == 0 => {
                self.default_value(attribute).into_iter().map(<[u8]>::to_vec).collect()
            }
            Origin::Stored => stored.map(<[u8]>::to_vec).collect(),
            Origin::Reference => {
                if !self.shows_links(attribute) {
                    return Vec::new();
                }
                let shown = stored.filter_map(referenced).filter(|at| self.shows(attribute, *at));
                shown.filter_map(|target| self.dn(target)).collect()
            }
            Origin::Derived => self.derived(attribute.number),
            Origin::BackLink => {
                let Some(forward) = self.forest.schema.forward_link_of(attribute) else {
                    return Vec::new();
                };
                if !self.shows_links(attribute) {
                    return Vec::new();
                }
                let sources = self.controller.store.linked_from(self.object, forward.number);
                let shown = sources.filter(|source| self.shows(attribute, *source));
                shown.filter_map(|source| self.dn(source)).collect()
            }
            Origin::Constructed => self.constructed(attribute.number),
        }
    }

    /// Whether the caller may read an attribute of the object.
    pub(super) fn is_readable(&self, attribute: &Attribute) -> bool {
        self.look.reading.is_none_or(|reading| reading.may_read(self, attribute))
    }

    /// Whether the caller may list what is below the object's parent.
    pub(super) fn is_listed(&self) -> bool {
        self.look.reading.is_none_or(|reading| reading.may_list(self))
    }

    /// Whether objectClass has a class: a superior one of the object's own, or an auxiliary one of this
    /// very object. Auxiliary classes of its class lend their attributes, not their name.
    pub(super) fn is_of(&self, class: ClassNumber) -> bool {
        let schema = &self.forest.schema;
        schema.class(self.slot.entry.class).is_some_and(|own| own.chain.contains(&class))
            || self.slot.entry.record.values(known::OBJECT_CLASS).any(|name| {
                let named = core::str::from_utf8(name).ok();
                let named = named.and_then(|name| schema.class_named(name));
                named.is_some_and(|named| schema.is_a(named.number, class))
            })
    }

    /// The value that an object of its class has without storing it.
    pub(super) fn default_value(&self, attribute: &Attribute) -> Option<&'static [u8]> {
        if self.slot.entry.life != Life::Live {
            return None;
        }
        default_value(self.forest.schema.class(self.slot.entry.class)?, attribute.number)
    }

    /// A deleted object's links are shown on request only.
    fn shows_links(&self, attribute: &Attribute) -> bool {
        self.slot.entry.life == Life::Live
            || self.look.deactivated_links
            || attribute.link.is_none()
    }

    /// A link to or from a deleted object is shown on request only.
    fn shows(&self, attribute: &Attribute, other: ObjectNumber) -> bool {
        attribute.link.is_none() || self.look.deactivated_links || {
            let holder = self.forest.holder(self.controller, other);
            holder.store.get(other).is_some_and(|slot| slot.entry.life == Life::Live)
        }
    }

    /// The security descriptor, in the parts that are asked for.
    fn descriptor(&self) -> Option<Vec<u8>> {
        let parts = match self.look.descriptor {
            None | Some(0) => 15,
            Some(flags) if flags & 15 == 0 => 15,
            Some(flags) => flags & 15,
        };
        // The SACL takes a privilege that administrators have.
        let full = self.look.principal.is_none_or(|principal| principal.rights == Rights::Full);
        if parts & 8 != 0 && !full {
            return None;
        }
        Some(self.forest.descriptor(self.controller, self.object)?.shown(parts))
    }

    /// Whether the attribute has a value.
    pub(super) fn has(&self, attribute: &Attribute) -> bool {
        match Origin::of(attribute) {
            Origin::Stored
                if matches!(
                    attribute.number,
                    known::NT_SECURITY_DESCRIPTOR | known::REPL_PROPERTY_META_DATA
                ) =>
            {
                true
            }
            Origin::Stored => {
                self.slot.entry.record.has(attribute.number)
                    || self.default_value(attribute).is_some()
            }
            Origin::Reference => {
                self.slot.entry.record.has(attribute.number) && self.shows_links(attribute)
            }
            Origin::Derived => {
                attribute.number != known::OBJECT_CATEGORY || self.slot.entry.life == Life::Live
            }
            Origin::BackLink => self.forest.schema.forward_link_of(attribute).is_some_and(|link| {
                self.controller.store.linked_from(self.object, link.number).next().is_some()
            }),
            Origin::Constructed => !self.constructed(attribute.number).is_empty(),
        }
    }

    /// The name of an object in the form that the client wants.
    pub(super) fn dn(&self, object: ObjectNumber) -> Option<Vec<u8>> {
        let dn = self.forest.shown_dn(self.controller, object, self.look.extended_dn);
        (!dn.is_empty()).then(|| dn.into_bytes())
    }

    pub(super) fn derived(&self, number: AttributeNumber) -> Vec<Vec<u8>> {
        let entry = &self.slot.entry;
        let stamp = &self.slot.stamp;
        let schema = &self.forest.schema;
        let one = |text: String| vec![text.into_bytes()];
        match number {
            known::OBJECT_GUID => vec![entry.guid.0.to_vec()],
            known::NAME => one(entry.rdn_value().to_owned()),
            known::DISTINGUISHED_NAME => self.dn(self.object).into_iter().collect(),
            known::OBJECT_CLASS => {
                let chain = schema.class(entry.class).into_iter().flat_map(|class| &class.chain);
                let mut names: Vec<Vec<u8>> = chain
                    .filter_map(|number| schema.class(*number))
                    .map(|class| class.name.as_bytes().to_vec())
                    .collect();
                // Auxiliary classes of this very object stand before the most specific one.
                let before = names.len().saturating_sub(1);
                let own = entry.record.values(known::OBJECT_CLASS).map(<[u8]>::to_vec);
                names.splice(before..before, own);
                names
            }
            known::OBJECT_CATEGORY if entry.life != Life::Live => Vec::new(),
            known::OBJECT_CATEGORY => schema
                .class(entry.class)
                .and_then(|class| self.category(&class.category))
                .into_iter()
                .collect(),
            known::WHEN_CREATED => one(generalized_time(entry.when_created)),
            known::WHEN_CHANGED => one(generalized_time(stamp.when_changed)),
            known::USN_CREATED => one(stamp.usn_created.to_string()),
            known::USN_CHANGED => one(stamp.usn_changed.to_string()),
            // 1: the head of a naming context; 4: writable here ([MS-ADTS] 3.1.1.2.2.4.1).
            known::INSTANCE_TYPE => {
                let head = i32::from(entry.parent.is_none());
                // 8: what is above it is here too.
                let above = entry.parent.is_none()
                    && self.forest.has_superior(self.controller, self.object);
                let above = if above { 8 } else { 0 };
                let writable = if self.controller.read_only || self.look.foreign { 0 } else { 4 };
                one((head + above + writable).to_string())
            }
            _ => Vec::new(),
        }
    }

    fn category(&self, class: &str) -> Option<Vec<u8>> {
        let name = self.forest.schema.class_named(class).map_or(class, |class| &*class.common_name);
        let schema = self.forest.contexts.get(SCHEMA_CONTEXT)?;
        if self.look.extended_dn.is_some()
            && let Some(object) = self.controller.store.child(schema.head, name)
        {
            return self.dn(object);
        }
        Some(format!("CN={name},{}", schema.text).into_bytes())
    }
}

/// The place of the schema among the naming contexts: root domain, configuration, schema.
pub(super) const SCHEMA_CONTEXT: usize = 2;
