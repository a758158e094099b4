//! Modify DN ([MS-ADTS] 3.1.1.5.4): rename and move.

use std::sync::Arc;

use crate::directory::add::is_name_length;
use crate::directory::answer::{LdapResult, ResultCode, ValueChange, Written};
use crate::directory::diagnostic::{self, AttributeProblem, ServiceProblem, UpdateProblem};
use crate::directory::entry::{Entry, Life, Stamp};
use crate::directory::forest::Forest;
use crate::directory::modify::Writer;
use crate::directory::name::Rdn;
use crate::directory::principal::Rights;
use crate::directory::request::{ModifyDnRequest, ObjectNumber};
use crate::directory::schema::syntax::integer;
use crate::directory::schema::{BASE_OBJECT, known};
use crate::directory::store::Slot;

/// systemFlags: FLAG_DOMAIN_DISALLOW_MOVE and FLAG_DOMAIN_DISALLOW_RENAME.
const DISALLOW_MOVE: i64 = 0x0400_0000;
const DISALLOW_RENAME: i64 = 0x0800_0000;

impl Forest {
    /// Renames an object, moves it, or both.
    ///
    /// # Errors
    /// 68/2071 when the name is taken, 53/0057 when the old name is to stay, 71/2039 for a move to
    /// another domain, 80/2095 for a missing new parent, and the usual ones.
    pub fn rename(
        &mut self,
        writer: &Writer<'_>,
        request: &ModifyDnRequest,
    ) -> Result<Written, LdapResult> {
        if writer.principal.is_anonymous() {
            return Err(diagnostic::not_bound());
        }
        self.check_writable(writer.dc, &request.object)?;
        self.settle_if_due(writer.dc);
        let object = self.resolve_seeing(writer.dc, &request.object, writer.sight)?;
        if !request.delete_old_rdn {
            return Err(diagnostic::unwilling(0x57));
        }
        let empty =
            request.new_rdn.split_once('=').is_some_and(|(_, value)| value.trim().is_empty());
        if empty {
            return Err(diagnostic::update(UpdateProblem::NameViolation, 0x2037));
        }
        let rdn = Rdn::parse(&request.new_rdn).map_err(|_| {
            if request.new_rdn.contains('=') {
                diagnostic::bad_name(&request.new_rdn)
            } else {
                let problem = ServiceProblem::DirError;
                diagnostic::service(ResultCode::Other, problem, 0x2095)
            }
        })?;
        let entry = self
            .slot(writer.dc, object)
            .map(|slot| Arc::clone(&slot.entry))
            .ok_or_else(|| diagnostic::no_such_object(""))?;
        self.check_may_rename(writer, object, &entry)?;
        let definition = self.definition_at(writer.dc, object)?;
        if definition.is_some() {
            check_definition_renamed(&entry, request)?;
        }
        if entry.life != Life::Live {
            return Err(diagnostic::unwilling(0x2077));
        }
        let flags = entry.record.first(known::SYSTEM_FLAGS).and_then(integer).unwrap_or_default();
        let fixed = if request.new_superior.is_some() { DISALLOW_MOVE } else { DISALLOW_RENAME };
        if flags & fixed != 0 {
            return Err(diagnostic::unwilling(0x2185));
        }
        let Some(old_parent) = entry.parent else { return Err(diagnostic::unwilling(0x2185)) };
        let parent = match &request.new_superior {
            None => old_parent,
            Some(superior) => match self.resolve(writer.dc, superior) {
                Ok(parent) => parent,
                Err(refusal) if refusal.code == ResultCode::NoSuchObject => {
                    let problem = ServiceProblem::DirError;
                    return Err(diagnostic::service(ResultCode::Other, problem, 0x2095));
                }
                Err(refusal) if refusal.code == ResultCode::Referral => {
                    let problem = ServiceProblem::WillNotPerform;
                    let code = ResultCode::AffectsMultipleDsas;
                    return Err(diagnostic::service(code, problem, 0x2039));
                }
                Err(refusal) => return Err(refusal),
            },
        };
        self.check_new_place(writer, object, &entry, parent, &rdn)?;
        let written = self.commit_name(writer, object, &entry, parent, &rdn);
        let record = self.slot(writer.dc, object).map(|slot| slot.entry.record.clone());
        if let Some((kind, record)) = definition.zip(record) {
            let definition = self.definition(writer.dc, kind, object, &record)?;
            self.enforce(definition);
        }
        Ok(written)
    }

    /// A rename writes the name.
    fn check_may_rename(
        &self,
        writer: &Writer<'_>,
        object: ObjectNumber,
        entry: &Entry,
    ) -> Result<(), LdapResult> {
        let controller = self.dc(writer.dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        // An account that writes attributes of people writes no names.
        let only_attributes = matches!(writer.principal.rights, Rights::WriteAttributes(_));
        let name = self.schema.attribute(known::NAME);
        let may = name
            .is_some_and(|name| self.may_write(controller, writer.principal, object, entry, name));
        if may && !only_attributes { Ok(()) } else { Err(diagnostic::access_denied()) }
    }

    fn check_new_place(
        &self,
        writer: &Writer<'_>,
        object: ObjectNumber,
        entry: &Entry,
        parent: ObjectNumber,
        rdn: &Rdn,
    ) -> Result<(), LdapResult> {
        let controller = self.dc(writer.dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        let above = controller.store.get(parent).ok_or_else(|| diagnostic::no_such_object(""))?;
        if Self::is_within(controller, parent, above, object) {
            return Err(diagnostic::unwilling(0x2037));
        }
        let named = self.schema.attribute_named(&rdn.attribute);
        let Some(attribute) = named.filter(|named| named.number == entry.rdn_attribute) else {
            return Err(diagnostic::update(UpdateProblem::NameViolation, 0x2073));
        };
        if !is_name_length(&rdn.value) {
            return Err(diagnostic::attribute(AttributeProblem::Constraint, 0x2082, attribute));
        }
        if controller.store.child(parent, &rdn.value).is_some_and(|other| other != object) {
            return Err(diagnostic::update(UpdateProblem::EntryExists, 0x2071));
        }
        let fits = Some(parent) == entry.parent
            || self.schema.class(entry.class).is_some_and(|class| {
                let above = above.entry.class;
                class.superiors.iter().any(|superior| self.schema.is_a(above, *superior))
            });
        if fits { Ok(()) } else { Err(diagnostic::update(UpdateProblem::NameViolation, 0x2099)) }
    }

    fn commit_name(
        &mut self,
        writer: &Writer<'_>,
        object: ObjectNumber,
        entry: &Entry,
        parent: ObjectNumber,
        rdn: &Rdn,
    ) -> Written {
        let old_dn = self.dn_of(writer.dc, object);
        let old_value = entry.rdn_value().to_owned();
        if old_value == rdn.value && entry.parent == Some(parent) {
            return Written { object, guid: entry.guid, usn: None, changes: Vec::new() };
        }
        let record =
            entry.record.with(&[(entry.rdn_attribute, &[rdn.value.as_bytes()] as &[&[u8]])]);
        let schema = Arc::clone(&self.schema);
        let mut usn = None;
        if let Some(controller) = self.dcs.get_mut(usize::from(writer.dc.0)) {
            let next = controller.take_usn();
            usn = Some(next);
            // The naming attribute follows from the name, which is what replicates.
            let stamped = [known::NAME];
            let created = controller.store.get(object).map(|slot| slot.stamp.usn_created);
            let fresh = Entry {
                parent: Some(parent),
                record,
                changed: entry.restamped(&stamped, writer.dc, writer.now, next),
                ..entry.clone()
            };
            let stamp = Stamp {
                usn_created: created.unwrap_or(next),
                usn_changed: next,
                when_changed: writer.now,
            };
            let slot = Slot { entry: Arc::new(fresh), stamp };
            controller.store.replace(&schema, object, slot, &[entry.rdn_attribute]);
        }
        let change = |attribute, old: String, new: String| ValueChange {
            attribute,
            old: vec![old.into_bytes()],
            new: vec![new.into_bytes()],
        };
        let mut changes = Vec::new();
        if old_value != rdn.value {
            changes.push(change(entry.rdn_attribute, old_value, rdn.value.clone()));
        }
        let new_dn = self.dn_of(writer.dc, object);
        changes.push(change(known::DISTINGUISHED_NAME, old_dn, new_dn));
        Written { object, guid: entry.guid, usn, changes }
    }
}

/// Definitions stay in the schema, and those of Windows keep their names ([MS-ADTS] 3.1.1.2.5.1.2).
fn check_definition_renamed(entry: &Entry, request: &ModifyDnRequest) -> Result<(), LdapResult> {
    const NO_MOVE_IN_SCHEMA: u32 = 0x212C;
    let flags = entry.record.first(known::SYSTEM_FLAGS).and_then(integer).unwrap_or_default();
    if request.new_superior.is_some() {
        return Err(diagnostic::unwilling(NO_MOVE_IN_SCHEMA));
    }
    if flags & i64::from(BASE_OBJECT) != 0 { Err(diagnostic::unwilling(0x2035)) } else { Ok(()) }
}
