//! What a classSchema object says, and whether the schema may have it ([MS-ADTS] 3.1.1.2.5.1).

use super::{
    DUPLICATE_GUID, Definition, INVALID_NAME, NO_OID, NOT_SAFE, SEMANTIC, flag, number, text,
};
use crate::directory::entry::{ClassNumber, DcNumber, referenced};
use crate::directory::forest::Forest;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::class::{Class, ClassKind};
use crate::directory::schema::syntax::Syntax;
use crate::directory::schema::{BASE_OBJECT, known};
use crate::directory::security::{defaults, sddl};
use crate::guid::Guid;
use crate::record::{AttributeNumber, Record};

/// ERROR_DS_NONEXISTENT_MAY_HAVE and _MUST_HAVE, ERROR_DS_AUX_CLS_TEST_FAIL,
/// ERROR_DS_NONEXISTENT_POSS_SUP, ERROR_DS_SUB_CLS_TEST_FAIL, ERROR_DS_BAD_RDN_ATT_ID_SYNTAX,
/// ERROR_DS_EXISTS_IN_AUX_CLS, _SUB_CLS and _POSS_SUP, ERROR_INVALID_SECURITY_DESCR ([MS-ERREF] 2.2).
const NO_SUCH_MAY: u32 = 0x20C3;
const NO_SUCH_MUST: u32 = 0x20C4;
const BAD_AUXILIARY: u32 = 0x20C5;
const NO_SUCH_SUPERIOR: u32 = 0x20C6;
const BAD_SUPERIOR: u32 = 0x20C7;
const BAD_RDN: u32 = 0x20C8;
const IN_AUXILIARY: u32 = 0x20C9;
const IN_SUPERIOR: u32 = 0x20CA;
const IN_POSSIBLE_SUPERIOR: u32 = 0x20CB;
const INVALID_DESCRIPTOR: u32 = 0x053A;

impl Forest {
    pub(super) fn class_defined(
        &self,
        dc: DcNumber,
        object: ObjectNumber,
        record: &Record,
    ) -> Result<Definition, u32> {
        let oid = text(record, known::GOVERNS_ID).ok_or(NO_OID)?;
        let before = self.slot(dc, object).map(|slot| &slot.entry.record);
        let before = before.map(|before| flag(before, known::IS_DEFUNCT));
        let old = before.and_then(|defunct| self.schema.class_of_oid(oid, defunct));
        let class = self.read_class(dc, record, oid, old)?;
        if class.defunct {
            self.check_class_unused(&class)?;
            return Ok(Definition::Class(class));
        }
        let own = old.map(|old| old.number);
        self.check_names((&class.name, oid), None, own)?;
        let same_guid = |other: &Class| {
            Some(other.number) != own && other.guid.is_some() && other.guid == class.guid
        };
        if self.schema.classes().any(same_guid) {
            return Err(DUPLICATE_GUID);
        }
        self.check_relatives(&class)?;
        if let Some(old) = old {
            self.check_class_change(old, &class)?;
        }
        Ok(Definition::Class(class))
    }

    fn read_class(
        &self,
        dc: DcNumber,
        record: &Record,
        oid: &str,
        old: Option<&Class>,
    ) -> Result<Class, u32> {
        let name = text(record, known::LDAP_DISPLAY_NAME).ok_or(INVALID_NAME)?;
        let kind = match number(record, known::OBJECT_CLASS_CATEGORY) {
            Some(0) => ClassKind::Class88,
            Some(1) => ClassKind::Structural,
            Some(2) => ClassKind::Abstract,
            Some(3) => ClassKind::Auxiliary,
            _ => return Err(SEMANTIC),
        };
        let number = old.map(|old| old.number).or_else(|| self.schema.next_class());
        let mut class = Class::new(number.ok_or(SEMANTIC)?, name, oid, kind);
        class.common_name = text(record, known::CN).unwrap_or_default().into();
        class.guid =
            record.first(known::SCHEMA_ID_GUID).and_then(|at| at.try_into().ok()).map(Guid);
        class.system_only = flag(record, known::SYSTEM_ONLY);
        class.defunct = flag(record, known::IS_DEFUNCT);
        class.system_flags = super::number(record, known::SYSTEM_FLAGS)
            .and_then(|flags| i32::try_from(flags).ok())
            .map_or(0, i32::cast_unsigned);
        let superior = text(record, known::SUB_CLASS_OF).and_then(|at| self.schema.class_named(at));
        // Top is below itself.
        let superior = superior.filter(|superior| superior.number != class.number);
        class.superior = superior.map(|superior| superior.number);
        let rdn = text(record, known::RDN_ATT_ID);
        class.rdn_attribute = match rdn {
            Some(rdn) => self.schema.attribute_named(rdn).ok_or(BAD_RDN)?.number,
            None => superior.map_or(known::CN, |superior| superior.rdn_attribute),
        };
        class.category = self.category_of(dc, record).unwrap_or_else(|| name.into());
        let classes = |numbers: [AttributeNumber; 2], unknown| {
            self.named_classes(record, numbers).ok_or(unknown)
        };
        let attributes = |numbers: [AttributeNumber; 2], unknown| {
            self.named_attributes(record, numbers).ok_or(unknown)
        };
        class.auxiliary =
            classes([known::SYSTEM_AUXILIARY_CLASS, known::AUXILIARY_CLASS], BAD_AUXILIARY)?;
        class.under =
            classes([known::SYSTEM_POSS_SUPERIORS, known::POSS_SUPERIORS], NO_SUCH_SUPERIOR)?;
        class.own_must =
            attributes([known::SYSTEM_MUST_CONTAIN, known::MUST_CONTAIN], NO_SUCH_MUST)?;
        class.own_may = attributes([known::SYSTEM_MAY_CONTAIN, known::MAY_CONTAIN], NO_SUCH_MAY)?;
        let descriptor = text(record, known::DEFAULT_SECURITY_DESCRIPTOR);
        if descriptor.is_some_and(|text| !sddl::is_valid(text)) {
            return Err(INVALID_DESCRIPTOR);
        }
        let other = descriptor.filter(|text| *text != defaults::of_class(name));
        class.descriptor = other.map(Into::into);
        Ok(class)
    }

    /// The class that defaultObjectCategory names, unless it is the definition's own.
    fn category_of(&self, dc: DcNumber, record: &Record) -> Option<Box<str>> {
        let object = record.first(known::DEFAULT_OBJECT_CATEGORY).and_then(referenced)?;
        let other = self.slot(dc, object)?.entry.record.text(known::LDAP_DISPLAY_NAME)?;
        Some(other.into())
    }

    fn named_classes(
        &self,
        record: &Record,
        numbers: [AttributeNumber; 2],
    ) -> Option<Vec<ClassNumber>> {
        let names = numbers.into_iter().flat_map(|number| record.values(number));
        let named = |name| self.schema.class_named(core::str::from_utf8(name).ok()?);
        names.map(|name| named(name).map(|class| class.number)).collect()
    }

    fn named_attributes(
        &self,
        record: &Record,
        numbers: [AttributeNumber; 2],
    ) -> Option<Vec<AttributeNumber>> {
        let names = numbers.into_iter().flat_map(|number| record.values(number));
        let named = |name| self.schema.attribute_named(core::str::from_utf8(name).ok()?);
        names.map(|name| named(name).map(|attribute| attribute.number)).collect()
    }

    /// What a class inherits from, lends from and stands under fits it.
    fn check_relatives(&self, class: &Class) -> Result<(), u32> {
        use ClassKind::{Abstract, Auxiliary, Class88, Structural};
        if let Some(superior) = class.superior.and_then(|at| self.schema.class(at)) {
            let fits = match class.kind {
                Class88 => true,
                Structural => superior.kind != Auxiliary,
                Abstract => matches!(superior.kind, Abstract | Class88),
                Auxiliary => superior.kind != Structural,
            };
            if !fits || superior.defunct {
                return Err(BAD_SUPERIOR);
            }
        } else if &*class.name != "top" {
            return Err(BAD_SUPERIOR);
        }
        let lends = |at: &ClassNumber| {
            let lender = self.schema.class(*at).filter(|_| *at != class.number);
            lender.is_some_and(|lender| matches!(lender.kind, Auxiliary | Class88))
        };
        if !class.auxiliary.iter().all(lends) {
            return Err(BAD_AUXILIARY);
        }
        let rdn = self.schema.attribute(class.rdn_attribute);
        if rdn.is_some_and(|rdn| rdn.syntax == Syntax::Unicode) { Ok(()) } else { Err(BAD_RDN) }
    }

    /// A class never demands of its objects what it did not demand before, and one of Windows' own keeps
    /// its name ([MS-ADTS] 3.1.1.2.5.1.2).
    fn check_class_change(&self, old: &Class, new: &Class) -> Result<(), u32> {
        let set = |numbers: &[AttributeNumber]| {
            let mut numbers = numbers.to_vec();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        let renamed = old.system_flags & BASE_OBJECT != 0 && old.name != new.name;
        let lent = new.auxiliary.iter().filter_map(|at| self.schema.class(*at));
        let demanded = lent.flat_map(|lender| &lender.must).all(|at| old.must.contains(at));
        if renamed || set(&old.own_must) != set(&new.own_must) || !demanded {
            return Err(NOT_SAFE);
        }
        Ok(())
    }

    /// A class becomes defunct only when no other one needs it ([MS-ADTS] 3.1.1.2.5.3).
    fn check_class_unused(&self, class: &Class) -> Result<(), u32> {
        if class.system_flags & BASE_OBJECT != 0 {
            return Err(NOT_SAFE);
        }
        let own = class.number;
        for other in self.schema.classes().filter(|other| other.number != own) {
            if other.auxiliary.contains(&own) {
                return Err(IN_AUXILIARY);
            }
            if other.superior == Some(own) {
                return Err(IN_SUPERIOR);
            }
            if other.under.contains(&own) {
                return Err(IN_POSSIBLE_SUPERIOR);
            }
        }
        Ok(())
    }
}
