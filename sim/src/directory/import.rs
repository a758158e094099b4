//! Loading the objects of another directory's export, as if they had been here for long.

use crate::clock::VirtualTime;
use crate::directory::derived::DERIVED;
use crate::directory::entry::{ClassNumber, DcNumber};
use crate::directory::forest::{DomainNumber, Forest};
use crate::directory::ldif::LdifError;
use crate::directory::ldif_export::{ExportedObject, ExportedValue};
use crate::directory::modify::Writer;
use crate::directory::name::{Dn, Rdn, Sid};
use crate::directory::principal::Principal;
use crate::directory::request::{
    AttributeName, Change, ChangeOperation, ModifyRequest, Name, ObjectNumber,
};
use crate::directory::schema::class::ClassKind;
use crate::directory::schema::known;
use crate::guid::Guid;
use crate::record::{AttributeNumber, Record};

/// Attributes whose values are of no use here: secrets, access control, and what each domain
/// controller keeps for itself.
const LEFT_OUT: [AttributeNumber; 4] = [
    known::NT_SECURITY_DESCRIPTOR,
    known::UNICODE_PWD,
    known::USER_PASSWORD,
    known::REPL_PROPERTY_META_DATA,
];

/// Where an export is loaded.
#[derive(Debug, Clone, Copy)]
pub struct ImportTarget {
    /// A domain controller of the domain.
    pub dc: DcNumber,
    /// The domain.
    pub domain: DomainNumber,
    /// When everything changed last.
    pub since: VirtualTime,
}

/// What became of an exported object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// It was loaded.
    Loaded(LoadedObject),
    /// It was here already: the head of the domain, a container of every domain. What it has here stays.
    Here(String),
    /// The schema does not have its class, or it is deleted.
    LeftOut(String),
}

/// An object that was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedObject {
    /// Its number.
    pub object: ObjectNumber,
    /// References to other objects, for [`Forest::import_references`] once all are there.
    pub references: Vec<(AttributeNumber, Vec<Vec<u8>>)>,
    /// Attributes that the schema does not have.
    pub unknown: Vec<String>,
    /// Attributes whose values were not taken over.
    pub left_out: Vec<String>,
}

/// The attributes of an object, sorted out.
#[derive(Default)]
struct Sorted {
    values: Vec<(AttributeNumber, Vec<Vec<u8>>)>,
    references: Vec<(AttributeNumber, Vec<Vec<u8>>)>,
    unknown: Vec<String>,
    left_out: Vec<String>,
    guid: Option<Guid>,
}

impl Forest {
    /// Loads an object of an export. Parents that the export does not list become organizational units
    /// and containers. `mint` makes the GUIDs of objects that have none.
    ///
    /// # Errors
    /// [`LdifError`] with the line: a name outside the domain, a name or GUID that comes twice, a value
    /// that the attribute cannot hold.
    pub fn import(
        &mut self,
        target: &ImportTarget,
        exported: &ExportedObject,
        mint: &mut dyn FnMut() -> Guid,
    ) -> Result<Imported, LdifError> {
        self.settle_if_due(target.dc);
        let wrong = |problem: String| LdifError { line: exported.line, problem };
        let dn = Dn::parse(&exported.dn)
            .map_err(|_| wrong(format!("`{}` is no distinguished name", exported.dn)))?;
        let head = self.domain_head(target.domain);
        if !dn.ends_with(&head) {
            return Err(wrong(format!("`{}` is not in the domain {head}", exported.dn)));
        }
        let is_deleted = exported.text("isDeleted").is_some_and(|v| v.eq_ignore_ascii_case("true"));
        if is_deleted {
            return Ok(Imported::LeftOut("deleted objects".to_owned()));
        }
        if let Some(known) = self.dc(target.dc).and_then(|dc| self.resolve_dn(dc, &dn).ok()) {
            let of_export = self.dc(target.dc).and_then(|dc| dc.store.get(known));
            let user = exported.is_person();
            if user && of_export.is_some() {
                return Err(wrong(format!("`{}` is there already", exported.dn)));
            }
            if exported.values_of("member").next().is_some() {
                // A group of every domain: its members come from the export.
                let Sorted { references, unknown, left_out, .. } = self.sorted(target, exported)?;
                let loaded = LoadedObject { object: known, references, unknown, left_out };
                return Ok(Imported::Loaded(loaded));
            }
            return Ok(Imported::Here(exported.dn.clone()));
        }
        let Some(class) = self.class_of_export(exported) else {
            let last = exported.values_of("objectClass").last();
            let name = last.map(|value| String::from_utf8_lossy(&value.value).into_owned());
            return Ok(Imported::LeftOut(name.unwrap_or_else(|| "no objectClass".to_owned())));
        };
        let rdn_attribute = self.schema().class(class).map_or(known::CN, |c| c.rdn_attribute);
        let mut sorted = self.sorted(target, exported)?;
        let rdn = dn.rdn().map(|rdn| rdn.value.clone().into_bytes()).unwrap_or_default();
        sorted.values.retain(|(number, _)| *number != rdn_attribute);
        sorted.values.push((rdn_attribute, vec![rdn]));
        self.complete_account(target, exported, &mut sorted);
        sorted.values.sort_unstable_by_key(|(number, _)| *number);
        let guid = sorted.guid.unwrap_or_else(&mut *mint);
        if self.number_of(guid).is_some() {
            return Err(wrong(format!("another object has the objectGUID {guid}")));
        }
        let parent = dn.parent().unwrap_or_else(|| head.clone());
        let parent = self.import_parent(target, &parent, mint);
        let record = Record::from_sorted(
            sorted
                .values
                .iter()
                .map(|(number, values)| (*number, values.iter().map(Vec::as_slice))),
        );
        let object = self.load(target.domain, parent, class, guid, record, target.since);
        let Sorted { references, unknown, left_out, .. } = sorted;
        Ok(Imported::Loaded(LoadedObject { object, references, unknown, left_out }))
    }

    /// Puts the references of a loaded object in place. Answers how many name objects that are not here.
    pub fn import_references(&mut self, target: &ImportTarget, loaded: &LoadedObject) -> usize {
        let principal = Principal::system();
        let writer =
            Writer { permissive: true, ..Writer::new(target.dc, &principal, target.since) };
        let mut missing = 0;
        for (attribute, names) in &loaded.references {
            for name in names {
                let change = Change {
                    operation: ChangeOperation::Add,
                    attribute: AttributeName::Number(*attribute),
                    values: vec![name.clone()],
                };
                let object = Name::Number(loaded.object);
                let request = ModifyRequest { object, changes: vec![change] };
                missing += usize::from(self.modify(&writer, &request).is_err());
            }
        }
        missing
    }

    /// The innermost of these organizational units, from the domain down; those that are not there are
    /// made.
    pub fn import_units(
        &mut self,
        domain: DomainNumber,
        dc: DcNumber,
        units: &[String],
        mint: &mut dyn FnMut() -> Guid,
        since: VirtualTime,
    ) -> ObjectNumber {
        let target = ImportTarget { dc, domain, since };
        let mut dn = self.domain_head(domain);
        for unit in units {
            dn.rdns.insert(0, Rdn { attribute: "OU".to_owned(), value: unit.clone() });
        }
        self.import_parent(&target, &dn, mint)
    }

    fn domain_head(&self, domain: DomainNumber) -> Dn {
        let context = self.contexts().iter().find(|context| context.domain == Some(domain));
        context.map(|context| context.dn.clone()).unwrap_or_else(|| Dn { rdns: Vec::new() })
    }

    /// The most specific structural class of the schema.
    fn class_of_export(&self, exported: &ExportedObject) -> Option<ClassNumber> {
        let mut best: Option<ClassNumber> = None;
        for value in exported.values_of("objectClass") {
            let name = core::str::from_utf8(&value.value).ok()?;
            let class = self.schema().class_named(name)?;
            let more_specific = best.is_none_or(|best| self.schema().is_a(class.number, best));
            if class.kind == ClassKind::Structural && more_specific {
                best = Some(class.number);
            }
        }
        best
    }

    fn sorted(
        &self,
        target: &ImportTarget,
        exported: &ExportedObject,
    ) -> Result<Sorted, LdifError> {
        let mut sorted = Sorted::default();
        for ExportedValue { line, attribute: name, value } in &exported.values {
            let wrong = |problem: String| LdifError { line: *line, problem };
            let Some(attribute) = self.schema().attribute_named(name) else {
                if !sorted.unknown.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    sorted.unknown.push(name.clone());
                }
                continue;
            };
            let number = attribute.number;
            if number == known::OBJECT_GUID {
                let bytes: Option<[u8; 16]> = value.as_slice().try_into().ok();
                let written =
                    || core::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                let guid = bytes.map(Guid).or_else(written);
                sorted.guid =
                    Some(guid.ok_or_else(|| wrong("`objectGUID` is no GUID".to_owned()))?);
                continue;
            }
            let is_left_out = attribute.constructed || attribute.is_back_link();
            if LEFT_OUT.contains(&number) || number == known::WHEN_CREATED {
                if !sorted.left_out.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    sorted.left_out.push(name.clone());
                }
                continue;
            }
            if is_left_out || DERIVED.contains(&number) {
                continue;
            }
            let (list, stored) = if attribute.syntax.is_reference() {
                (&mut sorted.references, value.clone())
            } else {
                let sid = (number == known::OBJECT_SID)
                    .then(|| core::str::from_utf8(value).ok().and_then(Sid::from_text))
                    .flatten()
                    .map(|sid| sid.as_bytes().to_vec());
                let stored = match sid {
                    Some(sid) => sid,
                    None => self.stored_value(target.dc, attribute, value).map_err(|refusal| {
                        let why = refusal.diagnostic.trim().to_owned();
                        wrong(format!("`{name}` cannot hold this value: {why}"))
                    })?,
                };
                (&mut sorted.values, stored)
            };
            match list.iter_mut().find(|(known, _)| *known == number) {
                Some((_, values)) if attribute.single => {
                    return Err(wrong(format!(
                        "`{name}` takes one value, and this is number {}",
                        values.len() + 1
                    )));
                }
                Some((_, values)) => values.push(stored),
                None => list.push((number, vec![stored])),
            }
        }
        Ok(sorted)
    }

    /// What every account has and an export may leave out.
    fn complete_account(
        &self,
        target: &ImportTarget,
        exported: &ExportedObject,
        sorted: &mut Sorted,
    ) {
        if !exported.is_person() {
            return;
        }
        let mut default = |attribute: AttributeNumber, value: Vec<u8>| {
            if !sorted.values.iter().any(|(known, _)| *known == attribute) {
                sorted.values.push((attribute, vec![value]));
            }
        };
        if let Some(domain) = self.domain(target.domain) {
            let rid = FIRST_IMPORTED_RID.saturating_add(self.next_object);
            default(known::OBJECT_SID, domain.sid.with_rid(rid).as_bytes().to_vec());
        }
        default(known::SAM_ACCOUNT_NAME, exported.name().into_bytes());
        default(known::USER_ACCOUNT_CONTROL, b"512".to_vec());
    }

    /// The parent of an object; what the export does not list is made, an organizational unit or a
    /// container by its name's attribute.
    fn import_parent(
        &mut self,
        target: &ImportTarget,
        dn: &Dn,
        mint: &mut dyn FnMut() -> Guid,
    ) -> ObjectNumber {
        if let Some(found) = self.dc(target.dc).and_then(|dc| self.resolve_dn(dc, dn).ok()) {
            return found;
        }
        let above = dn.parent().unwrap_or_else(|| self.domain_head(target.domain));
        let above = self.import_parent(target, &above, mint);
        let (class, name) = dn.rdn().map_or(("container", ""), |rdn| {
            let is_unit = rdn.attribute.eq_ignore_ascii_case("ou");
            (if is_unit { "organizationalUnit" } else { "container" }, rdn.value.as_str())
        });
        self.load_container(target.domain, above, class, name, mint(), target.since)
    }
}

/// Relative identifiers of accounts that an export gives none start here, far from all others.
const FIRST_IMPORTED_RID: u32 = 100_000_000;
