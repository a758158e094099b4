//! The schema: which attributes and classes exist, and what they allow.
//!
//! The base schema and the Exchange extension are tables beside this file. A schema is built once
//! and shared; a forest that is extended gets a new one, and whoever keeps the old one (an agent that
//! started earlier) sees it as it was.

pub mod class;
mod define;
pub mod known;
pub mod syntax;
mod table;

use std::collections::BTreeSet;
use std::sync::Arc;

use class::Class;
use syntax::Syntax;

use crate::directory::entry::ClassNumber;
use crate::guid::Guid;
use crate::names::NameTable;
use crate::record::AttributeNumber;

/// systemFlags of a definition: FLAG_SCHEMA_BASE_OBJECT, it came with Windows ([MS-ADTS] 2.2.10).
pub const BASE_OBJECT: u32 = 16;

/// An attribute's definition ([MS-ADTS] 3.1.1.2.3).
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its number in records.
    pub number: AttributeNumber,
    /// lDAPDisplayName, in the schema's spelling.
    pub name: Arc<str>,
    /// cn of the definition.
    pub common_name: Box<str>,
    /// attributeID.
    pub oid: Box<str>,
    /// attributeSyntax.
    pub syntax: Syntax,
    /// isSingleValued.
    pub single: bool,
    /// rangeLower.
    pub lower: Option<i64>,
    /// rangeUpper.
    pub upper: Option<i64>,
    /// searchFlags.
    pub search_flags: u32,
    /// isMemberOfPartialAttributeSet.
    pub global_catalog: bool,
    /// linkID: even for a forward link, odd (one more) for its back link.
    pub link: Option<u32>,
    /// schemaIDGUID.
    pub guid: Option<Guid>,
    /// attributeSecurityGUID, where the forest gave one: the property set to which it belongs.
    pub property_set: Option<Guid>,
    /// systemFlags of the definition.
    pub system_flags: u32,
    /// systemOnly: only the system writes it.
    pub system_only: bool,
    /// Made when read, never stored.
    pub constructed: bool,
    /// A secret: never shown, whatever the rights ([MS-ADTS] 3.1.1.4.4).
    pub secret: bool,
    /// The 32-bit attribute type that diagnostics print after `Att`.
    pub att: u32,
}

/// A schema.
#[derive(Clone, Debug)]
pub struct Schema {
    /// By number. Numbers of attributes that this schema lacks are empty.
    attributes: Vec<Option<Attribute>>,
    classes: Vec<Class>,
    attribute_names: NameTable,
    class_names: NameTable,
    /// The attributes of links by linkID, ascending.
    links: Vec<(u32, AttributeNumber)>,
    /// Attributes that are defunct: nobody can name them.
    defunct: Vec<Attribute>,
    exchange: bool,
}

impl Attribute {
    /// Whether its stored values are what a client sees: not made when read, and no references.
    #[must_use]
    pub fn is_stored_as_shown(&self) -> bool {
        super::derived::Origin::of(self) == super::derived::Origin::Stored
    }

    /// Whether an extension gave it other indexes, or another place in the global catalog.
    #[must_use]
    pub fn is_altered(&self, now: &Self) -> bool {
        (self.search_flags, self.global_catalog) != (now.search_flags, now.global_catalog)
    }

    /// Whether it is the derived side of a link pair.
    #[must_use]
    pub fn is_back_link(&self) -> bool {
        self.link.is_some_and(|link| link % 2 == 1)
    }

    /// Whether it is the written side of a link pair.
    #[must_use]
    pub fn is_forward_link(&self) -> bool {
        self.link.is_some_and(|link| link.is_multiple_of(2))
    }

    /// Whether it belongs to the set of ambiguous name resolution.
    #[must_use]
    pub fn is_anr(&self) -> bool {
        self.search_flags & 4 != 0
    }

    /// Whether a stored value lies within rangeLower and rangeUpper.
    #[must_use]
    pub fn in_range(&self, value: &[u8]) -> bool {
        if self.lower.is_none() && self.upper.is_none() {
            return true;
        }
        let extent = self.syntax.extent(value);
        self.lower.is_none_or(|lower| extent >= lower)
            && self.upper.is_none_or(|upper| extent <= upper)
    }
}

impl Schema {
    /// This schema with other searchFlags for an attribute.
    #[cfg(test)]
    pub(super) fn with_search_flags(mut self, name: &str, flags: u32) -> Self {
        for attribute in self.attributes.iter_mut().flatten() {
            if &*attribute.name == name {
                attribute.search_flags = flags;
            }
        }
        self
    }

    /// How many different prefixes the OIDs of attributes and classes have: all but the last number.
    #[must_use]
    pub fn prefixes(&self) -> usize {
        let oids = self.attributes().map(|at| &*at.oid).chain(self.classes().map(|at| &*at.oid));
        let prefix = |oid: &'_ str| oid.rsplit_once('.').map_or(0, |(prefix, _)| prefix.len());
        oids.map(|oid| &oid[..prefix(oid)]).collect::<BTreeSet<&str>>().len()
    }

    /// The base schema of Windows Server 2016 and later, without Exchange.
    #[must_use]
    pub fn base() -> Self {
        let mut schema = Self {
            attributes: vec![None; known::NAMES.len()],
            classes: Vec::new(),
            attribute_names: NameTable::default(),
            class_names: NameTable::default(),
            links: Vec::new(),
            defunct: Vec::new(),
            exchange: false,
        };
        table::load_attributes(&mut schema, include_str!("base_attributes.txt"), BASE_OBJECT);
        let (attributes, classes) =
            (include_str!("further_attributes.txt"), include_str!("base_classes.txt"));
        schema.load(attributes, classes, BASE_OBJECT);
        schema
    }

    /// This schema with the Exchange extension.
    #[must_use]
    pub fn with_exchange(mut self) -> Self {
        if !self.exchange {
            self.load(
                include_str!("exchange_attributes.txt"),
                include_str!("exchange_classes.txt"),
                0,
            );
            self.exchange = true;
        }
        self
    }

    /// The base schema, with the Exchange extension or without, out of the copies that a thread has
    /// made once: reading the tables is a quarter of a small run.
    #[must_use]
    pub fn shared(exchange: bool) -> Arc<Self> {
        thread_local! {
            static BASE: Arc<Schema> = Arc::new(Schema::base());
            static EXTENDED: Arc<Schema> = Arc::new(Schema::base().with_exchange());
        }
        if exchange { EXTENDED.with(Arc::clone) } else { BASE.with(Arc::clone) }
    }

    /// Whether the Exchange extension is there.
    #[must_use]
    pub fn has_exchange(&self) -> bool {
        self.exchange
    }

    /// An attribute by name or OID, without case and without options. `OID.` may stand before.
    #[must_use]
    pub fn attribute_named(&self, name: &str) -> Option<&Attribute> {
        let name = name.split(';').next().unwrap_or_default();
        self.attribute(self.attribute_names.get(without_oid_prefix(name))?)
    }

    /// An attribute by number.
    #[must_use]
    pub fn attribute(&self, number: AttributeNumber) -> Option<&Attribute> {
        self.attributes.get(usize::from(number))?.as_ref()
    }

    /// All attributes, by number.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().flatten()
    }

    /// A class by name or OID, without case.
    #[must_use]
    pub fn class_named(&self, name: &str) -> Option<&Class> {
        self.class(self.class_names.get(without_oid_prefix(name))?)
    }

    /// A class by number.
    #[must_use]
    pub fn class(&self, number: ClassNumber) -> Option<&Class> {
        self.classes.get(usize::from(number))
    }

    /// All classes that are not defunct, by number.
    pub fn classes(&self) -> impl Iterator<Item = &Class> {
        self.classes.iter().filter(|class| !class.defunct)
    }

    /// The back link that belongs to a forward link.
    #[must_use]
    pub fn back_link_of(&self, forward: &Attribute) -> Option<&Attribute> {
        self.of_link(forward.link.filter(|link| link.is_multiple_of(2))? + 1)
    }

    /// The forward link that belongs to a back link.
    #[must_use]
    pub fn forward_link_of(&self, back: &Attribute) -> Option<&Attribute> {
        self.of_link(back.link.filter(|link| link % 2 == 1)? - 1)
    }

    fn of_link(&self, link: u32) -> Option<&Attribute> {
        let at = self.links.binary_search_by_key(&link, |(link, _)| *link).ok()?;
        self.attribute(self.links[at].1)
    }

    /// Whether a class is another one or inherits from it, auxiliary classes included.
    #[must_use]
    pub fn is_a(&self, class: ClassNumber, other: ClassNumber) -> bool {
        self.class(class).is_some_and(|class| class.ancestry.contains(&other))
    }

    fn load(&mut self, attributes: &str, classes: &str, system_flags: u32) {
        table::load_attributes(self, attributes, system_flags);
        table::load_classes(self, classes, system_flags);
        class::inherit(&mut self.classes, self.attributes.len());
        let links = self.attributes.iter().flatten();
        self.links =
            links.filter_map(|attribute| Some((attribute.link?, attribute.number))).collect();
        self.links.sort_unstable();
    }
}

/// A name or OID to look up: `OID.` may stand before an OID.
fn without_oid_prefix(name: &str) -> &str {
    match name.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case("OID.") => &name[4..],
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::class::ClassKind;
    use super::*;

    #[test]
    fn every_known_attribute_is_defined_under_its_number() {
        let schema = Schema::base().with_exchange();
        for (number, name) in known::NAMES.iter().enumerate() {
            let attribute = schema.attribute_named(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(usize::from(attribute.number), number, "{name}");
            assert_eq!(&*attribute.name, *name);
        }
        let further = schema.attributes().skip(known::NAMES.len());
        assert!(
            further.map(|attribute| &*attribute.name).all(|name| known::number(name).is_none())
        );
    }

    #[test]
    fn a_forest_without_exchange_lacks_its_attributes() {
        let schema = Schema::base();
        assert!(schema.attribute_named("extensionAttribute1").is_none());
        assert!(schema.attribute(known::EXTENSION_ATTRIBUTE_1).is_none());
        assert!(schema.attribute_named("MAIL").is_some());
        assert_eq!(schema.attribute(known::PROXY_ADDRESSES).unwrap().search_flags, 5);
        let extended = schema.with_exchange();
        assert_eq!(extended.attribute(known::PROXY_ADDRESSES).unwrap().search_flags, 13);
        assert!(extended.attribute(known::PROXY_ADDRESSES).unwrap().global_catalog);
    }

    #[test]
    fn attribute_types_in_diagnostics_follow_the_prefix_table() {
        let schema = Schema::base().with_exchange();
        for (name, att) in [
            ("cn", 0x3),
            ("description", 0xd),
            ("proxyAddresses", 0x200d2),
            ("extensionAttribute1", 0x201a7),
            ("extensionAttribute15", 0x2025b),
            ("targetAddress", 0x20160),
            ("mail", 0x15_0003),
            ("thumbnailPhoto", 0x16_0023),
            ("sAMAccountName", 0x900dd),
            ("servicePrincipalName", 0x90303),
            ("mS-DS-ConsistencyGuid", 0x90550),
            ("msDS-ExternalDirectoryObjectId", 0x90906),
        ] {
            assert_eq!(schema.attribute_named(name).unwrap().att, att, "{name}");
        }
    }

    #[test]
    fn people_may_carry_exchange_attributes_and_units_may_not() {
        let schema = Schema::base().with_exchange();
        let allows = |class: &str, attribute: &str| {
            let number = schema.attribute_named(attribute).unwrap().number;
            schema.class_named(class).unwrap().allows(number)
        };
        for class in ["user", "contact", "group", "inetOrgPerson"] {
            assert!(allows(class, "extensionAttribute1"), "{class}");
            assert!(allows(class, "msExchRecipientTypeDetails"), "{class}");
            assert!(allows(class, "proxyAddresses"), "{class}");
        }
        assert!(!allows("organizationalUnit", "extensionAttribute1"));
        assert!(!allows("contact", "sAMAccountName"));
        assert!(allows("user", "msExchMailboxGuid"));
        let user = schema.class_named("user").unwrap();
        assert_eq!(user.kind, ClassKind::Structural);
        let chain: Vec<&str> =
            user.chain.iter().filter_map(|at| schema.class(*at)).map(|c| &*c.name).collect();
        assert_eq!(chain, ["top", "person", "organizationalPerson", "user"]);
    }

    #[test]
    fn link_pairs_find_each_other() {
        let schema = Schema::base().with_exchange();
        let member = schema.attribute(known::MEMBER).unwrap();
        assert_eq!(&*schema.back_link_of(member).unwrap().name, "memberOf");
        for attribute in schema.attributes().filter(|attribute| attribute.is_back_link()) {
            assert!(schema.forward_link_of(attribute).is_some(), "{}", attribute.name);
        }
    }
}
