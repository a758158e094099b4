//! Modify ([MS-ADTS] 3.1.1.5.3): all elements in order, or none.

use std::sync::Arc;

use crate::clock::VirtualTime;
use crate::directory::answer::{LdapResult, ResultCode, ValueChange, Written};
use crate::directory::diagnostic::{self, AttributeProblem, ServiceProblem, UpdateProblem};
use crate::directory::entry::{DcNumber, Entry, Stamp};
use crate::directory::forest::Forest;
use crate::directory::principal::Principal;
use crate::directory::request::{Change, ChangeOperation, ModifyRequest, ObjectNumber};
use crate::directory::schema::{Attribute, known};
use crate::directory::store::Slot;
use crate::directory::value_set::{add_values, check_distinct, delete_values, same_set};
use crate::directory::writable::Target;
use crate::record::AttributeNumber;

/// Who writes where, and when.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// The domain controller that is asked.
    pub dc: DcNumber,
    /// The account.
    pub principal: &'a Principal,
    /// Virtual time of the write.
    pub now: VirtualTime,
    /// Adding what is there and deleting what is not there are no errors.
    pub permissive: bool,
}

/// An attribute in the course of a modification: stored values before and after.
pub(super) struct Working {
    pub(super) attribute: AttributeNumber,
    pub(super) old: Vec<Vec<u8>>,
    pub(super) new: Vec<Vec<u8>>,
}

impl Forest {
    /// Modifies an object.
    ///
    /// # Errors
    /// As Active Directory: see the module's tests. Nothing changes then.
    pub fn modify(
        &mut self,
        writer: &Writer<'_>,
        request: &ModifyRequest,
    ) -> Result<Written, LdapResult> {
        if writer.principal.is_anonymous() {
            return Err(diagnostic::not_bound());
        }
        self.settle_if_due(writer.dc);
        let object = self.resolve(writer.dc, &request.object)?;
        let slot = self.object(writer.dc, object).ok_or_else(|| diagnostic::no_such_object(""))?;
        if request.changes.is_empty() {
            return Err(diagnostic::unwilling(0x57));
        }
        let entry = Arc::clone(&slot.entry);
        let mut working = self.apply(writer, &entry, &request.changes)?;
        working.retain(|attribute| !same_set(&attribute.old, &attribute.new));
        self.check_outcome(writer, object, &entry, &working)?;
        Ok(self.commit(writer.dc, writer.now, object, &entry, working))
    }

    /// Applies the elements in order to copies of the values.
    fn apply(
        &self,
        writer: &Writer<'_>,
        entry: &Entry,
        changes: &[Change],
    ) -> Result<Vec<Working>, LdapResult> {
        let target = Target::of(&self.schema, entry);
        let mut attributes = Vec::with_capacity(changes.len());
        for change in changes {
            let attribute =
                self.attribute(&change.attribute).ok_or_else(diagnostic::unknown_attribute)?;
            if !writer.principal.rights.may_write(attribute.number, target.is_user) {
                return Err(diagnostic::access_denied());
            }
            attributes.push(attribute);
        }
        let links: usize = changes
            .iter()
            .zip(&attributes)
            .filter(|(_, attribute)| attribute.is_forward_link())
            .map(|(change, _)| change.values.len())
            .sum();
        if links > self.policies.max_link_values {
            let problem = ServiceProblem::UnableToProceed;
            return Err(diagnostic::service(ResultCode::OperationsError, problem, 0x21B1));
        }
        let mut working: Vec<Working> = Vec::with_capacity(changes.len());
        for (change, attribute) in changes.iter().zip(attributes) {
            target.check_writable(&self.schema, attribute, change)?;
            let at = match working.iter().position(|known| known.attribute == attribute.number) {
                Some(at) => at,
                None => {
                    let old: Vec<Vec<u8>> =
                        entry.record.values(attribute.number).map(<[u8]>::to_vec).collect();
                    let new = old.clone();
                    working.push(Working { attribute: attribute.number, old, new });
                    working.len() - 1
                }
            };
            let values = &mut working[at].new;
            self.apply_change(writer, &target, attribute, change, values)?;
        }
        working.sort_unstable_by_key(|attribute| attribute.attribute);
        Ok(working)
    }

    fn apply_change(
        &self,
        writer: &Writer<'_>,
        target: &Target<'_>,
        attribute: &Attribute,
        change: &Change,
        values: &mut Vec<Vec<u8>>,
    ) -> Result<(), LdapResult> {
        let mut given = Vec::with_capacity(change.values.len());
        for value in &change.values {
            given.push(self.stored_value(writer.dc, attribute, value)?);
        }
        match change.operation {
            ChangeOperation::Increment => Err(diagnostic::ldap(
                ResultCode::ProtocolError,
                0x57,
                "Error decoding ldap message",
            )),
            ChangeOperation::Add => {
                if given.is_empty() {
                    let problem = AttributeProblem::Constraint;
                    return Err(diagnostic::attribute(problem, 0x202F, attribute));
                }
                add_values(attribute, target.is_group, writer.permissive, values, given)
            }
            ChangeOperation::Replace => {
                if attribute.single && given.len() > 1 {
                    let problem = AttributeProblem::Constraint;
                    return Err(diagnostic::attribute(problem, 0x2081, attribute));
                }
                check_distinct(attribute, &given)?;
                // The same set in another order is no change: the stored order stays.
                if !same_set(values, &given) {
                    *values = given;
                }
                Ok(())
            }
            ChangeOperation::Delete => {
                delete_values(attribute, target.is_group, writer.permissive, values, &given)
            }
        }
    }

    /// What must hold of the object after all elements.
    fn check_outcome(
        &self,
        writer: &Writer<'_>,
        object: ObjectNumber,
        entry: &Entry,
        working: &[Working],
    ) -> Result<(), LdapResult> {
        let target = Target::of(&self.schema, entry);
        for changed in working {
            let Some(attribute) = self.schema.attribute(changed.attribute) else { continue };
            if changed.new.is_empty()
                && target.class.is_some_and(|class| class.must.contains(&attribute.number))
            {
                return Err(diagnostic::update(UpdateProblem::ObjectClassViolation, 0x207C));
            }
            if attribute.number == known::DESCRIPTION
                && target.is_principal
                && changed.new.len() > 1
            {
                return Err(diagnostic::attribute(
                    AttributeProblem::ValueExists,
                    0x2081,
                    attribute,
                ));
            }
            for value in &changed.new {
                self.check_unique(writer.dc, object, attribute, value)?;
            }
        }
        // A value takes at least a byte and its length: most objects are too small to be counted.
        let added: usize = working.iter().map(|changed| changed.new.len()).sum();
        if added + entry.record.size() / 2 > self.policies.max_values {
            self.check_size(entry, working)?;
        }
        Ok(())
    }

    /// Refuses a name that another account has.
    pub(super) fn check_unique(
        &self,
        dc: DcNumber,
        object: ObjectNumber,
        attribute: &Attribute,
        value: &[u8],
    ) -> Result<(), LdapResult> {
        match attribute.number {
            known::USER_PRINCIPAL_NAME => {
                // Unique in the forest: the asked domain controller, and one of each other domain.
                let own = self.dc(dc).map(|controller| controller.domain);
                let others = self.domains.iter().filter(|domain| Some(domain.number) != own);
                let others = others.filter_map(|domain| {
                    self.dcs.iter().find(|controller| controller.domain == domain.number)
                });
                let taken = self.dc(dc).into_iter().chain(others).any(|controller| {
                    let found = controller.store.with_value(&self.schema, attribute.number, value);
                    found.unwrap_or_default().iter().any(|other| *other != object)
                });
                if taken {
                    let problem = AttributeProblem::Constraint;
                    return Err(diagnostic::attribute(problem, 0x21C8, attribute));
                }
            }
            known::SAM_ACCOUNT_NAME => {
                let found = self
                    .dc(dc)
                    .and_then(|dc| dc.store.with_value(&self.schema, attribute.number, value));
                if found.unwrap_or_default().iter().any(|other| *other != object) {
                    return Err(diagnostic::update(UpdateProblem::EntryExists, 0x0524));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Refuses more values than a database row holds.
    fn check_size(&self, entry: &Entry, working: &[Working]) -> Result<(), LdapResult> {
        let counts = |number| {
            self.schema.attribute(number).is_some_and(|attribute| !attribute.is_forward_link())
        };
        let stored = entry
            .record
            .attributes()
            .filter(|(number, _)| {
                counts(*number) && !working.iter().any(|changed| changed.attribute == *number)
            })
            .map(|(_, values)| values.len());
        let changed =
            working.iter().filter(|at| counts(at.attribute)).map(|changed| changed.new.len());
        if stored.chain(changed).sum::<usize>() > self.policies.max_values {
            let problem = ServiceProblem::AdminLimitExceeded;
            return Err(diagnostic::service(ResultCode::AdminLimitExceeded, problem, 0x2024));
        }
        Ok(())
    }

    /// Writes what changed, under a new sequence number. `working` holds attributes that differ, by
    /// ascending number; when there are none, nothing is written.
    pub(super) fn commit(
        &mut self,
        dc: DcNumber,
        now: VirtualTime,
        object: ObjectNumber,
        entry: &Entry,
        working: Vec<Working>,
    ) -> Written {
        let guid = entry.guid;
        if working.is_empty() {
            return Written { object, guid, usn: None, changes: Vec::new() };
        }
        let changed: Vec<AttributeNumber> =
            working.iter().map(|attribute| attribute.attribute).collect();
        let updates: Vec<(AttributeNumber, &[Vec<u8>])> =
            working.iter().map(|at| (at.attribute, at.new.as_slice())).collect();
        let record = entry.record.with(&updates);
        let schema = Arc::clone(&self.schema);
        let mut usn = None;
        if let Some(controller) = self.dcs.get_mut(usize::from(dc.0)) {
            let next = controller.take_usn();
            usn = Some(next);
            let changed_metadata = entry.restamped(&changed, dc, now, next);
            let old = controller.store.get(object).map(|slot| slot.stamp.usn_created);
            let fresh = Entry {
                guid,
                parent: entry.parent,
                class: entry.class,
                rdn_attribute: entry.rdn_attribute,
                created_by: entry.created_by,
                created_usn: entry.created_usn,
                when_created: entry.when_created,
                record,
                changed: changed_metadata,
            };
            let stamp =
                Stamp { usn_created: old.unwrap_or(next), usn_changed: next, when_changed: now };
            let slot = Slot { entry: Arc::new(fresh), stamp };
            controller.store.replace(&schema, object, slot, &changed);
        }
        let changes = working.into_iter().map(|at| self.value_change(dc, at)).collect();
        Written { object, guid, usn, changes }
    }

    pub(super) fn value_change(&self, dc: DcNumber, working: Working) -> ValueChange {
        let Working { attribute, old, new } = working;
        let definition = self.schema.attribute(attribute);
        if !definition.is_some_and(|definition| definition.syntax.is_reference()) {
            return ValueChange { attribute, old, new };
        }
        let shown = |values: Vec<Vec<u8>>| {
            let definition = definition.into_iter();
            definition
                .flat_map(|at| values.iter().filter_map(|value| self.shown_value(dc, at, value)))
                .collect()
        };
        ValueChange { attribute, old: shown(old), new: shown(new) }
    }
}
