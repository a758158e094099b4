//! What an attributeSchema object says, and whether the schema may have it ([MS-ADTS] 3.1.1.2.5.1).

use super::{DUPLICATE_GUID, Definition, NO_OID, NOT_SAFE, SEMANTIC, flag, number, text};
use crate::directory::entry::DcNumber;
use crate::directory::forest::Forest;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::syntax::Syntax;
use crate::directory::schema::{Attribute, BASE_OBJECT, Schema, known};
use crate::guid::Guid;
use crate::record::Record;

/// ERROR_DS_DUP_MAPI_ID, ERROR_DS_DUP_LINK_ID, ERROR_DS_BACKLINK_WITHOUT_LINK,
/// ERROR_DS_EXISTS_IN_MUST_HAVE, ERROR_DS_EXISTS_IN_MAY_HAVE, ERROR_DS_EXISTS_IN_RDNATTID
/// ([MS-ERREF] 2.2).
const DUPLICATE_MAPI_ID: u32 = 0x20BC;
const DUPLICATE_LINK: u32 = 0x2114;
const BACK_LINK_WITHOUT_LINK: u32 = 0x2122;
const IN_MUST: u32 = 0x20C1;
const IN_MAY: u32 = 0x20C2;
const IN_RDN: u32 = 0x2196;

/// searchFlags: ambiguous name resolution, confidential.
const ANR: u32 = 0x4;
const CONFIDENTIAL: u32 = 0x80;

impl Forest {
    pub(super) fn attribute_defined(
        &self,
        dc: DcNumber,
        object: ObjectNumber,
        record: &Record,
    ) -> Result<Definition, u32> {
        let oid = text(record, known::ATTRIBUTE_ID).ok_or(NO_OID)?;
        let old = self.attribute_of_definition(dc, object);
        let attribute = self.read_attribute(record, oid, old)?;
        let defunct = flag(record, known::IS_DEFUNCT);
        if defunct {
            self.check_unused(&attribute)?;
            return Ok(Definition::Attribute(attribute, true));
        }
        let own = old.map(|old| old.number);
        self.check_names((&attribute.name, oid), own, None)?;
        let same_guid = |other: &&Attribute| {
            Some(other.number) != own && other.guid.is_some() && other.guid == attribute.guid
        };
        if self.schema.attributes().any(|other| same_guid(&other)) {
            return Err(DUPLICATE_GUID);
        }
        self.check_mapi_id(dc, object, record)?;
        self.check_link(&attribute)?;
        let searchable =
            matches!(attribute.syntax, Syntax::Unicode | Syntax::Teletex | Syntax::Ia5);
        let turned = attribute.lower.zip(attribute.upper).is_some_and(|(low, high)| low > high);
        if turned || attribute.search_flags & ANR != 0 && !searchable {
            return Err(SEMANTIC);
        }
        if let Some(old) = old.filter(|old| old.system_flags & BASE_OBJECT != 0) {
            let newly = attribute.search_flags & !old.search_flags;
            if attribute.name != old.name || newly & CONFIDENTIAL != 0 {
                return Err(NOT_SAFE);
            }
        }
        Ok(Definition::Attribute(attribute, false))
    }

    /// The attribute that an object defined until now.
    fn attribute_of_definition(&self, dc: DcNumber, object: ObjectNumber) -> Option<&Attribute> {
        let record = &self.slot(dc, object)?.entry.record;
        let oid = record.text(known::ATTRIBUTE_ID)?;
        match record.first(known::IS_DEFUNCT) {
            Some(b"TRUE") => self.schema.defunct_attribute(oid),
            _ => self.schema.attribute_named(oid),
        }
    }

    fn read_attribute(
        &self,
        record: &Record,
        oid: &str,
        old: Option<&Attribute>,
    ) -> Result<Attribute, u32> {
        let name = text(record, known::LDAP_DISPLAY_NAME).ok_or(super::INVALID_NAME)?;
        let unsigned =
            |attribute| number(record, attribute).and_then(|number| i32::try_from(number).ok());
        let bits = |attribute| unsigned(attribute).map_or(0, i32::cast_unsigned);
        let syntax = match old {
            Some(old) => old.syntax,
            None => Syntax::of_definition(
                text(record, known::ATTRIBUTE_SYNTAX).unwrap_or_default(),
                number(record, known::OM_SYNTAX).unwrap_or_default(),
                record.first(known::OM_OBJECT_CLASS),
            )?,
        };
        let number = match old {
            Some(old) => Some(old.number),
            None => self.schema.next_attribute(name),
        };
        let own = record.first(known::MS_DS_INT_ID).map(|_| bits(known::MS_DS_INT_ID));
        let guid = |attribute| record.first(attribute).and_then(|bytes| bytes.try_into().ok());
        Ok(Attribute {
            number: number.ok_or(SEMANTIC)?,
            name: name.into(),
            common_name: text(record, known::CN).unwrap_or_default().into(),
            oid: oid.into(),
            syntax,
            single: flag(record, known::IS_SINGLE_VALUED),
            lower: unsigned(known::RANGE_LOWER).map(i64::from),
            upper: unsigned(known::RANGE_UPPER).map(i64::from),
            search_flags: bits(known::SEARCH_FLAGS),
            global_catalog: flag(record, known::IS_MEMBER_OF_PARTIAL_ATTRIBUTE_SET),
            link: Some(bits(known::LINK_ID)).filter(|link| *link != 0),
            guid: guid(known::SCHEMA_ID_GUID).map(Guid),
            property_set: guid(known::ATTRIBUTE_SECURITY_GUID).map(Guid),
            system_flags: bits(known::SYSTEM_FLAGS),
            system_only: flag(record, known::SYSTEM_ONLY),
            constructed: old.is_some_and(|old| old.constructed),
            secret: old.is_some_and(|old| old.secret),
            att: match old {
                Some(old) => old.att,
                None => own.or_else(|| Schema::attribute_type(oid)).ok_or(NO_OID)?,
            },
        })
    }

    /// A linkID belongs to one attribute that holds names; that of a back link follows its forward link's.
    fn check_link(&self, attribute: &Attribute) -> Result<(), u32> {
        let Some(link) = attribute.link else { return Ok(()) };
        let same =
            |other: &&Attribute| other.number != attribute.number && other.link == Some(link);
        if self.schema.attributes().any(|other| same(&other)) {
            return Err(DUPLICATE_LINK);
        }
        let holds_names = matches!(
            attribute.syntax,
            Syntax::Dn | Syntax::OrName | Syntax::DnBinary | Syntax::DnString
        );
        if !holds_names || attribute.is_back_link() && attribute.syntax != Syntax::Dn {
            return Err(SEMANTIC);
        }
        let alone = attribute.is_back_link() && self.schema.forward_link_of(attribute).is_none();
        if alone { Err(BACK_LINK_WITHOUT_LINK) } else { Ok(()) }
    }

    fn check_mapi_id(
        &self,
        dc: DcNumber,
        object: ObjectNumber,
        record: &Record,
    ) -> Result<(), u32> {
        let Some(own) = record.first(known::MAPI_ID) else { return Ok(()) };
        let taken = self.mapi_ids(dc).any(|(other, id)| other != object && id == own);
        if taken { Err(DUPLICATE_MAPI_ID) } else { Ok(()) }
    }

    /// The mAPIIDs that are given, with the definitions that have them.
    pub(super) fn mapi_ids(&self, dc: DcNumber) -> impl Iterator<Item = (ObjectNumber, &[u8])> {
        let held = self.dc(dc).zip(self.schema_head());
        held.into_iter().flat_map(|(dc, head)| {
            let children = dc.store.children_after(head, None);
            children.filter_map(|child| {
                Some((child, dc.store.get(child)?.entry.record.first(known::MAPI_ID)?))
            })
        })
    }

    /// An attribute becomes defunct only when no class has it any more, and none of Windows' own does
    /// ([MS-ADTS] 3.1.1.2.5.3).
    fn check_unused(&self, attribute: &Attribute) -> Result<(), u32> {
        if attribute.system_flags & BASE_OBJECT != 0 {
            return Err(NOT_SAFE);
        }
        for class in self.schema.classes() {
            if class.own_must.contains(&attribute.number) {
                return Err(IN_MUST);
            }
            if class.own_may.contains(&attribute.number) {
                return Err(IN_MAY);
            }
            if class.rdn_attribute == attribute.number {
                return Err(IN_RDN);
            }
        }
        Ok(())
    }
}
