//! Changes of the schema over LDAP: attributes and classes that a forest defines itself, and what it may
//! change of others ([MS-ADTS] 3.1.1.2.5). A definition is an object like any other; before it is written
//! it is checked against the schema in force, and with the write it is in force on every domain
//! controller. Whoever keeps the schema as it was (an agent that started earlier) has it so.

mod attribute;
mod class;
mod completion;

use std::sync::Arc;

use crate::directory::answer::LdapResult;
use crate::directory::derived::SCHEMA_CONTEXT;
use crate::directory::diagnostic;
use crate::directory::entry::{DcNumber, Entry};
use crate::directory::forest::Forest;
use crate::directory::modify::Working;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::class::Class;
use crate::directory::schema::syntax::integer;
use crate::directory::schema::{Attribute, Schema, known};
use crate::record::{AttributeNumber, Record};

/// ERROR_DS_DUP_OID, ERROR_DS_DUP_SCHEMA_ID_GUID, ERROR_DS_DUP_LDAP_DISPLAY_NAME,
/// ERROR_DS_SEMANTIC_ATT_TEST, ERROR_DS_INVALID_LDAP_DISPLAY_NAME, ERROR_DS_ATT_SCHEMA_REQ_ID,
/// ERROR_DS_NONSAFE_SCHEMA_CHANGE ([MS-ERREF] 2.2).
const DUPLICATE_OID: u32 = 0x20BB;
const DUPLICATE_GUID: u32 = 0x20BD;
const DUPLICATE_NAME: u32 = 0x20BE;
const SEMANTIC: u32 = 0x20BF;
const INVALID_NAME: u32 = 0x211F;
const NO_OID: u32 = 0x20CF;
const NOT_SAFE: u32 = 0x213C;

/// A definition about to be in force.
#[derive(Debug)]
pub(super) enum Definition {
    /// An attribute, and whether it is defunct.
    Attribute(Attribute, bool),
    /// A class.
    Class(Class),
}

/// What the objects below the head of the schema are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Attribute,
    Class,
}

impl Kind {
    /// The kind of definition that an object of this class is.
    pub(super) fn of(class: &Class) -> Option<Self> {
        match &*class.name {
            "attributeSchema" => Some(Self::Attribute),
            "classSchema" => Some(Self::Class),
            _ => None,
        }
    }
}

impl Forest {
    /// The head of the schema.
    pub(super) fn schema_head(&self) -> Option<ObjectNumber> {
        self.contexts.get(SCHEMA_CONTEXT).map(|schema| schema.head)
    }

    /// What an add below `parent` defines, if that is the head of the schema.
    ///
    /// # Errors
    /// 53 for something else than a definition, and away from the schema master a referral to it.
    pub(super) fn new_definition(
        &self,
        dc: DcNumber,
        parent: ObjectNumber,
        class: &Class,
    ) -> Result<Option<Kind>, LdapResult> {
        if self.schema_head() != Some(parent) {
            return Ok(None);
        }
        let kind = Kind::of(class).ok_or_else(|| diagnostic::unwilling(0x2035))?;
        self.check_schema_master(dc)?;
        Ok(Some(kind))
    }

    /// The kind of definition that an object is; `None` for one outside of the schema.
    ///
    /// # Errors
    /// As [`Self::new_definition`]: the subschema is made of the definitions and is not written.
    pub(super) fn definition_at(
        &self,
        dc: DcNumber,
        object: ObjectNumber,
    ) -> Result<Option<Kind>, LdapResult> {
        let Some(slot) = self.slot(dc, object) else { return Ok(None) };
        match (slot.entry.parent, self.schema.class(slot.entry.class)) {
            (Some(parent), Some(class)) => self.new_definition(dc, parent, class),
            _ => Ok(None),
        }
    }

    /// The schema changes at its master alone; another domain controller refers to it
    /// ([MS-ADTS] 3.1.1.2.5, 3.1.1.1.11).
    fn check_schema_master(&self, dc: DcNumber) -> Result<(), LdapResult> {
        const COULD_NOT_CONTACT_MASTER: u32 = 0x20AF;
        let head = self.schema_head();
        let owner = head.and_then(|head| self.role_owner(head));
        let mut all = self.dcs.iter();
        let master = all.find(|dc| owner.is_some() && self.settings_of(dc.number) == owner);
        match master {
            Some(master) if master.number == dc => Ok(()),
            Some(master) => {
                let dn = head.map(|head| self.dn_of(dc, head)).unwrap_or_default();
                Err(diagnostic::referral(&self.host_name(master), &dn))
            }
            None => Err(diagnostic::unwilling(COULD_NOT_CONTACT_MASTER)),
        }
    }

    /// Refuses to delete what the schema consists of ([MS-ADTS] 3.1.1.5.5.3).
    ///
    /// # Errors
    /// 53/2035.
    pub(super) fn check_not_schema(
        &self,
        dc: DcNumber,
        object: ObjectNumber,
    ) -> Result<(), LdapResult> {
        let parent = self.slot(dc, object).and_then(|slot| slot.entry.parent);
        let within = parent.is_some() && parent == self.schema_head();
        if within { Err(diagnostic::unwilling(0x2035)) } else { Ok(()) }
    }

    /// What a definition says.
    ///
    /// # Errors
    /// 53 with the reason when the schema may not have it.
    pub(super) fn definition(
        &self,
        dc: DcNumber,
        kind: Kind,
        object: ObjectNumber,
        record: &Record,
    ) -> Result<Definition, LdapResult> {
        let found = match kind {
            Kind::Attribute => self.attribute_defined(dc, object, record),
            Kind::Class => self.class_defined(dc, object, record),
        };
        found.map_err(diagnostic::unwilling)
    }

    /// What a definition says after a modification.
    ///
    /// # Errors
    /// As [`Self::definition`].
    pub(super) fn changed_definition(
        &self,
        dc: DcNumber,
        kind: Kind,
        object: ObjectNumber,
        entry: &Entry,
        working: &[Working],
    ) -> Result<Definition, LdapResult> {
        let updates: Vec<(AttributeNumber, &[Vec<u8>])> =
            working.iter().map(|at| (at.attribute, at.new.as_slice())).collect();
        self.definition(dc, kind, object, &entry.record.with(&updates))
    }

    /// Puts a definition in force.
    pub(super) fn enforce(&mut self, definition: Definition) {
        let schema = Arc::make_mut(&mut self.schema);
        match definition {
            Definition::Attribute(attribute, defunct) => schema.put_attribute(attribute, defunct),
            Definition::Class(class) => schema.put_class(class),
        }
    }

    /// Whether a definition with this OID and name may be: both belong to it alone, among attributes and
    /// classes. `own_*` are the numbers of what it replaces.
    fn check_names(
        &self,
        (name, oid): (&str, &str),
        own_attribute: Option<u16>,
        own_class: Option<u16>,
    ) -> Result<(), u32> {
        let taken = |text: &str| {
            let attribute = self.schema.attribute_named(text).map(|at| at.number);
            let class = self.schema.class_named(text).map(|at| at.number);
            attribute.is_some_and(|at| own_attribute != Some(at))
                || class.is_some_and(|at| own_class != Some(at))
        };
        if Schema::attribute_type(oid).is_none() || !is_oid(oid) {
            return Err(NO_OID);
        }
        if taken(oid) {
            return Err(DUPLICATE_OID);
        }
        if !is_display_name(name) {
            return Err(INVALID_NAME);
        }
        if taken(name) { Err(DUPLICATE_NAME) } else { Ok(()) }
    }
}

/// A value of a definition that names an attribute or a class, as the schema spells it.
pub(super) fn canonical_name(
    schema: &Schema,
    attribute: AttributeNumber,
    value: &[u8],
) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(value).ok()?;
    let name = match attribute {
        known::MUST_CONTAIN
        | known::MAY_CONTAIN
        | known::SYSTEM_MUST_CONTAIN
        | known::SYSTEM_MAY_CONTAIN
        | known::RDN_ATT_ID => schema.attribute_named(text).map(|at| Arc::clone(&at.name)),
        known::SUB_CLASS_OF
        | known::POSS_SUPERIORS
        | known::SYSTEM_POSS_SUPERIORS
        | known::AUXILIARY_CLASS
        | known::SYSTEM_AUXILIARY_CLASS => {
            schema.class_named(text).map(|class| Arc::clone(&class.name))
        }
        _ => None,
    };
    name.map(|name| name.as_bytes().to_vec())
}

/// Whether a text is an OID: numbers with dots between them.
fn is_oid(text: &str) -> bool {
    let mut arcs = text.split('.');
    let is_number = |arc: &str| {
        !arc.is_empty() && arc.len() <= 10 && arc.bytes().all(|byte| byte.is_ascii_digit())
    };
    text.contains('.') && arcs.all(is_number)
}

/// Whether a text can be an lDAPDisplayName: a letter, then letters, digits and hyphens
/// ([MS-ADTS] 3.1.1.2.3, RFC 4512 1.4).
fn is_display_name(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn text(record: &Record, attribute: AttributeNumber) -> Option<&str> {
    record.text(attribute)
}

fn number(record: &Record, attribute: AttributeNumber) -> Option<i64> {
    record.first(attribute).and_then(integer)
}

fn flag(record: &Record, attribute: AttributeNumber) -> bool {
    record.first(attribute) == Some(b"TRUE")
}
