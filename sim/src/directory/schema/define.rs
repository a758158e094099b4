//! Definitions that come to a schema after it was built, and those that change in it.

use super::class::{Class, inherit};
use super::{Attribute, Schema, known, table};
use crate::directory::entry::ClassNumber;
use crate::record::AttributeNumber;

impl Schema {
    /// The number that a new attribute of this name has in records; `None` when there are too many. What
    /// the program knows by number has that one, whoever defines it.
    #[must_use]
    pub fn next_attribute(&self, name: &str) -> Option<AttributeNumber> {
        let known = known::number(name).filter(|number| {
            let defunct = self.defunct.iter().any(|attribute| attribute.number == *number);
            self.attribute(*number).is_none() && !defunct
        });
        known.or_else(|| u16::try_from(self.attributes.len()).ok())
    }

    /// The number that a new class has.
    #[must_use]
    pub fn next_class(&self) -> Option<ClassNumber> {
        u16::try_from(self.classes.len()).ok()
    }

    /// The 32-bit attribute type that follows from an OID; `None` for what is no OID.
    #[must_use]
    pub fn attribute_type(oid: &str) -> Option<u32> {
        table::att_of(oid)
    }

    /// A defunct attribute by its OID.
    #[must_use]
    pub fn defunct_attribute(&self, oid: &str) -> Option<&Attribute> {
        self.defunct.iter().find(|attribute| &*attribute.oid == oid)
    }

    /// A class by its OID, of those that are defunct or of the others.
    #[must_use]
    pub fn class_of_oid(&self, oid: &str, defunct: bool) -> Option<&Class> {
        self.classes.iter().find(|class| &*class.oid == oid && class.defunct == defunct)
    }

    /// The highest linkID.
    #[must_use]
    pub fn highest_link(&self) -> u32 {
        self.links.last().map_or(0, |(link, _)| *link)
    }

    /// Puts an attribute in force under its number, in the place of an older definition. A defunct one
    /// cannot be named any more.
    pub fn put_attribute(&mut self, attribute: Attribute, defunct: bool) {
        let (number, at) = (attribute.number, usize::from(attribute.number));
        if at >= self.attributes.len() {
            self.attributes.resize(at + 1, None);
        }
        let old = self.attributes.get_mut(at).and_then(Option::take);
        for name in old.iter().flat_map(|old| [&*old.name, &*old.oid]) {
            self.attribute_names.remove(name);
        }
        self.links.retain(|(_, other)| *other != number);
        self.defunct.retain(|other| other.number != number);
        if defunct {
            self.defunct.push(attribute);
            return;
        }
        self.attribute_names.insert(&attribute.name, number);
        self.attribute_names.insert(&attribute.oid, number);
        self.links.extend(attribute.link.map(|link| (link, number)));
        self.links.sort_unstable();
        if let Some(slot) = self.attributes.get_mut(at) {
            *slot = Some(attribute);
        }
    }

    /// Puts a class in force under its number, and works out anew what every class inherits. Nothing new
    /// is of a defunct one; what was of it stays so.
    pub fn put_class(&mut self, class: Class) {
        let (number, at) = (class.number, usize::from(class.number));
        let old = self.classes.get(at);
        let names = old.map(|old| [old.name.to_string(), old.oid.to_string()]);
        for name in names.iter().flatten() {
            self.class_names.remove(name);
        }
        if !class.defunct {
            self.class_names.insert(&class.name, number);
            self.class_names.insert(&class.oid, number);
        }
        match self.classes.get_mut(at) {
            Some(known) => *known = class,
            None => self.classes.push(class),
        }
        inherit(&mut self.classes, self.attributes.len());
    }
}
