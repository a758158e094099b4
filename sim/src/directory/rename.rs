//! Modify DN ([MS-ADTS] 3.1.1.5.4): rename and move.

use std::sync::Arc;

use crate::directory::add::is_name_length;
use crate::directory::answer::{LdapResult, ResultCode, ValueChange, Written};
use crate::directory::diagnostic::{self, AttributeProblem, ServiceProblem, UpdateProblem};
use crate::directory::entry::{Entry, Life, Stamp};
use crate::directory::forest::{DomainController, Forest};
use crate::directory::modify::Writer;
use crate::directory::name::Rdn;
use crate::directory::principal::{Principal, Rights};
use crate::directory::request::{ModifyDnRequest, ObjectNumber};
use crate::directory::schema::syntax::integer;
use crate::directory::schema::{BASE_OBJECT, known};
use crate::directory::store::Slot;

/// systemFlags of objects in domains: FLAG_DOMAIN_DISALLOW_MOVE, FLAG_DOMAIN_DISALLOW_RENAME.
const DISALLOW_MOVE: i64 = 0x0400_0000;
const DISALLOW_RENAME: i64 = 0x0800_0000;
/// systemFlags of objects in the configuration: FLAG_CONFIG_ALLOW_LIMITED_MOVE, FLAG_CONFIG_ALLOW_MOVE,
/// FLAG_CONFIG_ALLOW_RENAME.
const ALLOW_LIMITED_MOVE: i64 = 0x1000_0000;
const ALLOW_MOVE: i64 = 0x2000_0000;
const ALLOW_RENAME: i64 = 0x4000_0000;
const MOVES: i64 = ALLOW_MOVE | ALLOW_LIMITED_MOVE;

/// ERROR_DS_MODIFYDN_DISALLOWED_BY_FLAG, ERROR_DS_MODIFYDN_WRONG_GRANDPARENT.
const DISALLOWED_BY_FLAG: u32 = 0x2185;
const WRONG_GRANDPARENT: u32 = 0x2186;

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
        let controller = self.dc(writer.dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        if !self.may_write_name(controller, writer.principal, object, &entry) {
            return Err(diagnostic::access_denied());
        }
        let definition = self.definition_at(writer.dc, object)?;
        if definition.is_some() {
            check_definition_renamed(&entry, request)?;
        }
        if entry.life != Life::Live {
            return Err(diagnostic::unwilling(0x2077));
        }
        let Some(old_parent) = entry.parent else {
            return Err(diagnostic::unwilling(DISALLOWED_BY_FLAG));
        };
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
        self.check_flags(writer, &entry, (old_parent, parent), &rdn)?;
        self.check_new_place(writer, object, &entry, parent, &rdn)?;
        self.check_may_move(writer, object, &entry, parent)?;
        let written = self.commit_name(writer, object, &entry, parent, &rdn);
        let record = self.slot(writer.dc, object).map(|slot| slot.entry.record.clone());
        if let Some((kind, record)) = definition.zip(record) {
            let definition = self.definition(writer.dc, kind, object, &record)?;
            self.enforce(definition);
        }
        Ok(written)
    }

    /// Whether a caller may give an object a name: it writes the name and the naming attribute
    /// ([MS-ADTS] 3.1.1.5.4.1.1).
    pub(super) fn may_write_name(
        &self,
        controller: &DomainController,
        principal: &Principal,
        object: ObjectNumber,
        entry: &Entry,
    ) -> bool {
        // An account that writes attributes of people writes no names.
        let only_attributes = matches!(principal.rights, Rights::WriteAttributes(_));
        !only_attributes
            && [known::NAME, entry.rdn_attribute].into_iter().all(|number| {
                let attribute = self.schema.attribute(number);
                attribute.is_some_and(|at| self.may_write(controller, principal, object, entry, at))
            })
    }

    /// A move takes the right to delete the object where it is, and the right to create one of its class
    /// where it goes ([MS-ADTS] 3.1.1.5.4.1.1).
    fn check_may_move(
        &self,
        writer: &Writer<'_>,
        object: ObjectNumber,
        entry: &Entry,
        parent: ObjectNumber,
    ) -> Result<(), LdapResult> {
        if entry.parent == Some(parent) {
            return Ok(());
        }
        let controller = self.dc(writer.dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        let class = self.schema.class(entry.class).map_or("", |class| &*class.name);
        let may = self.may_delete(controller, writer.principal, object, entry)
            && self.may_create(controller, writer.principal, parent, class);
        if may { Ok(()) } else { Err(diagnostic::access_denied()) }
    }

    /// What systemFlags say of a rename and a move: in domains they forbid it, in the configuration they
    /// allow it ([MS-ADTS] 3.1.1.5.4.1.2, 2.2.10).
    fn check_flags(
        &self,
        writer: &Writer<'_>,
        entry: &Entry,
        (from, to): (ObjectNumber, ObjectNumber),
        rdn: &Rdn,
    ) -> Result<(), LdapResult> {
        let controller = self.dc(writer.dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        let flags = entry.record.first(known::SYSTEM_FLAGS).and_then(integer).unwrap_or_default();
        let (moves, renames) = (from != to, entry.rdn_value() != rdn.value);
        let disallowed = || Err(diagnostic::unwilling(DISALLOWED_BY_FLAG));
        let configuration = self.contexts.get(1).map(|context| context.head);
        let in_configuration = configuration.zip(controller.store.get(from));
        let in_configuration = in_configuration
            .is_some_and(|(head, slot)| Self::is_within(controller, from, slot, head));
        if !in_configuration {
            let forbidden = moves && flags & DISALLOW_MOVE != 0;
            let forbidden = forbidden || renames && flags & DISALLOW_RENAME != 0;
            return if forbidden { disallowed() } else { Ok(()) };
        }
        if renames && flags & ALLOW_RENAME == 0 || moves && flags & MOVES == 0 {
            return disallowed();
        }
        let above = |object| controller.store.get(object).and_then(|slot| slot.entry.parent);
        if moves && flags & ALLOW_MOVE == 0 && above(from) != above(to) {
            return Err(diagnostic::unwilling(WRONG_GRANDPARENT));
        }
        Ok(())
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
