//! Modify ([MS-ADTS] 3.1.1.5.3): all elements in order, or none.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::clock::VirtualTime;
use crate::directory::account::default_value;
use crate::directory::account_rules::check_kept;
use crate::directory::answer::{LdapResult, ResultCode, ValueChange, Written};
use crate::directory::diagnostic::{self, AttributeProblem, ServiceProblem, UpdateProblem};
use crate::directory::entry::{DcNumber, Entry, Life, LinkStamps, Stamp, referenced};
use crate::directory::forest::{DomainController, Forest};
use crate::directory::password::PasswordForm;
use crate::directory::principal::{Principal, Rights};
use crate::directory::request::{
    AttributeName, Change, ChangeOperation, ModifyRequest, Name, ObjectNumber, Sight,
};
use crate::directory::schema::class::Class;
use crate::directory::schema::{Attribute, Schema, known};
use crate::directory::security::descriptor::SELF;
use crate::directory::store::Slot;
use crate::directory::value_set::{add_values, check_replaced, delete_values, same_set};
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
    /// Which deleted objects the request can mean.
    pub sight: Sight,
    /// Values that stay the same are stamped too ([MS-ADTS] 3.1.1.3.4.1.24).
    pub force: bool,
}

impl Working {
    /// The targets of a link that went (`false`) and came (`true`).
    pub(super) fn link_changes(&self) -> Vec<(ObjectNumber, bool)> {
        let targets = |values: &[Vec<u8>]| -> BTreeSet<ObjectNumber> {
            values.iter().filter_map(|value| referenced(value)).collect()
        };
        let (old, new) = (targets(&self.old), targets(&self.new));
        let gone = old.difference(&new).map(|target| (*target, false));
        gone.chain(new.difference(&old).map(|target| (*target, true))).collect()
    }
}

impl<'a> Writer<'a> {
    /// A write as it comes without controls.
    #[must_use]
    pub fn new(dc: DcNumber, principal: &'a Principal, now: VirtualTime) -> Self {
        Self { dc, principal, now, permissive: false, sight: Sight::default(), force: false }
    }
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
        let written = self.modify_with(writer, request, None)?;
        written.into_iter().next().ok_or_else(|| diagnostic::no_such_object(""))
    }

    /// As [`Self::modify`]; `descriptor` are the parts of a security descriptor that are meant. What was
    /// written of other objects, as it follows, comes after what was written of the object itself.
    pub(super) fn modify_with(
        &mut self,
        writer: &Writer<'_>,
        request: &ModifyRequest,
        descriptor: Option<u32>,
    ) -> Result<Vec<Written>, LdapResult> {
        if writer.principal.is_anonymous() {
            return Err(diagnostic::not_bound());
        }
        if request.changes.is_empty() {
            return Err(diagnostic::unwilling(0x57));
        }
        let passwords = self.with_unicode_passwords(&request.changes);
        let passwords =
            passwords.map(|changes| ModifyRequest { object: request.object.clone(), changes });
        let request = passwords.as_ref().unwrap_or(request);
        let permissive = writer.permissive || self.heuristics.is_permissive();
        let writer = &Writer { permissive, ..*writer };
        self.check_writable(writer.dc, &request.object)?;
        self.settle_if_due(writer.dc);
        let object = self.resolve_seeing(writer.dc, &request.object, writer.sight)?;
        let slot = self.slot(writer.dc, object).ok_or_else(|| diagnostic::no_such_object(""))?;
        if self.is_undelete(request) {
            return self.modify_undeleted(writer, object, request);
        }
        let entry = Arc::clone(&slot.entry);
        let definition = self.definition_at(writer.dc, object)?;
        if entry.life != Life::Live && !only_descriptor(&self.schema, request) {
            return Err(diagnostic::unwilling(0x2077));
        }
        self.add_foreign_principals(writer, object, &entry, request)?;
        let (mut working, password) =
            self.apply(writer, object, &entry, &request.changes, descriptor)?;
        self.settle_account(writer, object, &entry, &mut working)?;
        self.follow_names(&entry, &mut working);
        working.retain(|attribute| writer.force || !same_set(&attribute.old, &attribute.new));
        working.sort_unstable_by_key(|attribute| attribute.attribute);
        self.check_outcome(writer, object, &entry, &working)?;
        let definition = match definition.filter(|_| !working.is_empty()) {
            Some(kind) => Some(self.changed_definition(writer.dc, kind, object, &entry, &working)?),
            None => None,
        };
        if let Some(password) = password {
            self.set_password(object, password);
        }
        if self.takes_password_away(&entry, &working) {
            self.forget_password(object);
        }
        let primary = self.primary_group_change(&entry, &working);
        let mut written = vec![self.commit(writer.dc, writer.now, object, &entry, working)];
        if let Some(primary) = primary {
            written.extend(self.follow_primary_group(writer, object, primary));
        }
        if let Some(definition) = definition {
            self.enforce(definition);
        }
        Ok(written)
    }

    /// Brings a deleted object back, and carries out the other elements of the same request; nothing
    /// stays done when one of them fails.
    fn modify_undeleted(
        &mut self,
        writer: &Writer<'_>,
        object: ObjectNumber,
        request: &ModifyRequest,
    ) -> Result<Vec<Written>, LdapResult> {
        let named = |change: &Change| {
            let number = self.attribute(&change.attribute).map(|attribute| attribute.number);
            matches!(number, Some(known::IS_DELETED | known::DISTINGUISHED_NAME))
        };
        let others: Vec<Change> =
            request.changes.iter().filter(|change| !named(change)).cloned().collect();
        if let Some(slot) = self.slot(writer.dc, object) {
            let entry = Arc::clone(&slot.entry);
            self.apply(writer, object, &entry, &others, None)?;
        }
        let written = self.undelete(writer, object, request)?;
        if others.is_empty() {
            return Ok(vec![written]);
        }
        // What else is written was found to be allowed above, where the object was.
        let system = Principal::system();
        let writer = Writer { principal: &system, ..*writer };
        let request = ModifyRequest { object: Name::Number(object), changes: others };
        self.modify_with(&writer, &request, None)
    }

    /// Applies the elements in order to copies of the values.
    fn apply(
        &self,
        writer: &Writer<'_>,
        object: ObjectNumber,
        entry: &Entry,
        changes: &[Change],
        descriptor: Option<u32>,
    ) -> Result<(Vec<Working>, Option<Vec<u8>>), LdapResult> {
        let target = Target::of(&self.schema, entry);
        let controller = self.dc(writer.dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        let mut password = None;
        let attributes = self.written_attributes(writer, controller, object, entry, changes)?;
        let form = PasswordForm::of(changes, &attributes)?;
        if let Some(form) = form {
            self.check_may_set_password(writer, controller, object, form)?;
        }
        self.check_link_count(changes, &attributes)?;
        let mut working: Vec<Working> = Vec::with_capacity(changes.len());
        for (change, attribute) in changes.iter().zip(attributes) {
            target.check_writable(&self.schema, attribute, change)?;
            if attribute.number == known::OBJECT_CATEGORY {
                self.check_category(writer.dc, target.class, attribute, change)?;
                continue;
            }
            let sets = form.is_some_and(|form| matches!(form, PasswordForm::Set));
            let takes_any =
                change.operation == ChangeOperation::Delete && change.values.is_empty() && sets;
            if attribute.number == known::UNICODE_PWD && takes_any {
                continue;
            }
            if attribute.number == known::UNICODE_PWD {
                let owner = password.is_some();
                let set = self.password_changes(
                    writer,
                    controller,
                    (object, owner),
                    change,
                    &mut working,
                )?;
                password = Some(set);
                continue;
            }
            let at = match working.iter().position(|known| known.attribute == attribute.number) {
                Some(at) => at,
                None => {
                    let old: Vec<Vec<u8>> =
                        entry.record.values(attribute.number).map(<[u8]>::to_vec).collect();
                    let mut new = old.clone();
                    if new.is_empty()
                        && let Some(value) =
                            target.class.and_then(|class| default_value(class, attribute.number))
                    {
                        new.push(value.to_vec());
                    }
                    working.push(Working { attribute: attribute.number, old, new });
                    working.len() - 1
                }
            };
            let values = &mut working[at].new;
            if attribute.number == known::NT_SECURITY_DESCRIPTOR {
                *values =
                    self.changed_descriptor(controller, writer, object, entry, change, descriptor)?;
                continue;
            }
            self.apply_change(writer, &target, attribute, change, values)?;
        }
        for changed in &mut working {
            check_kept(target.class, changed)?;
            // What an object has by default is not stored.
            let default = target.class.and_then(|class| default_value(class, changed.attribute));
            if changed.old.is_empty()
                && let (Some(default), [only]) = (default, changed.new.as_slice())
                && only == default
            {
                changed.new.clear();
            }
        }
        working.sort_unstable_by_key(|attribute| attribute.attribute);
        Ok((working, password))
    }

    /// The attributes that the elements of a modification name, when the caller may write them.
    fn written_attributes(
        &self,
        writer: &Writer<'_>,
        controller: &DomainController,
        object: ObjectNumber,
        entry: &Entry,
        changes: &[Change],
    ) -> Result<Vec<&Attribute>, LdapResult> {
        // What reaches an object is the same for all attributes: found out once.
        let reach = matches!(writer.principal.rights, Rights::WriteAttributes(_))
            .then(|| self.reach(controller, writer.principal.sid.as_ref(), entry));
        let is_user = self.schema.class(entry.class).is_some_and(|class| class.is_user);
        let mut attributes = Vec::with_capacity(changes.len());
        for change in changes {
            let attribute = self
                .written_attribute(&change.attribute)
                .ok_or_else(diagnostic::unknown_attribute)?;
            let may = match &writer.principal.rights {
                // A password takes a right of its own.
                _ if attribute.number == known::UNICODE_PWD => true,
                Rights::WriteAttributes(set) => {
                    let set_up = is_user && set.contains(attribute.number);
                    reach.as_ref().is_some_and(|reach| reach.allows(attribute, set_up))
                }
                _ => {
                    self.may_write(controller, writer.principal, object, entry, attribute)
                        || self.is_own_membership(controller, writer, object, change, attribute)
                        || self.may_write_validated(controller, writer, object, entry, attribute)
                }
            };
            if !may {
                return Err(diagnostic::access_denied());
            }
            attributes.push(attribute);
        }
        Ok(attributes)
    }

    /// Whether an element adds the caller to a group, or removes it, and the validated write for that is
    /// given (Self-Membership, [MS-ADTS] 5.1.3.2.2).
    fn is_own_membership(
        &self,
        controller: &DomainController,
        writer: &Writer<'_>,
        object: ObjectNumber,
        change: &Change,
        attribute: &Attribute,
    ) -> bool {
        if attribute.number != known::MEMBER || change.operation == ChangeOperation::Replace {
            return false;
        }
        let own = writer.principal.sid.as_ref().map(|sid| self.by_sid(controller, sid));
        let is_own = |value: &Vec<u8>| {
            let target = self.stored_value(writer.dc, attribute, value).ok();
            let target = target.and_then(|stored| referenced(&stored));
            target.is_some_and(|at| own.as_ref().is_some_and(|own| own.contains(&at)))
        };
        !change.values.is_empty()
            && change.values.iter().all(is_own)
            && self.may(controller, writer.principal, object, SELF, &[attribute.guid])
    }

    /// An object's category is that of its class: another object of the schema is not taken, and what is no
    /// object at all is no reference.
    fn check_category(
        &self,
        dc: DcNumber,
        class: Option<&Class>,
        attribute: &Attribute,
        change: &Change,
    ) -> Result<(), LdapResult> {
        let [value] = change.values.as_slice() else {
            return Err(diagnostic::update(UpdateProblem::ObjectClassViolation, 0x207C));
        };
        let given = referenced(&self.stored_value(dc, attribute, value)?);
        let name = class.and_then(|class| self.schema.class_named(&class.category));
        let schema = self.schema_head();
        let store = self.dc(dc).map(|controller| &controller.store);
        let own = name.zip(schema).zip(store);
        let own = own.and_then(|((name, schema), store)| store.child(schema, &name.common_name));
        if change.operation == ChangeOperation::Replace && given.is_some() && given == own {
            return Ok(());
        }
        Err(diagnostic::unwilling(0x2077))
    }

    /// Refuses more link values than a request may change.
    fn check_link_count(
        &self,
        changes: &[Change],
        attributes: &[&Attribute],
    ) -> Result<(), LdapResult> {
        let links: usize = changes
            .iter()
            .zip(attributes)
            .filter(|(_, attribute)| attribute.is_forward_link())
            .map(|(change, _)| change.values.len())
            .sum();
        if links > self.policies.max_link_values {
            let problem = ServiceProblem::UnableToProceed;
            return Err(diagnostic::service(ResultCode::OperationsError, problem, 0x21B1));
        }
        Ok(())
    }

    /// The attribute that a write names: without options, which writes do not know.
    pub(super) fn written_attribute(&self, name: &AttributeName) -> Option<&Attribute> {
        match name {
            AttributeName::Text(text) if text.contains(';') => None,
            _ => self.attribute(name),
        }
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
            let stored = self.stored_value(writer.dc, attribute, value)?;
            given.push(self.account_value(writer.now, attribute, stored)?);
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
                    // The accounts manager says it in another way.
                    let named = attribute.number == known::SAM_ACCOUNT_NAME;
                    let problem = if named {
                        AttributeProblem::ValueExists
                    } else {
                        AttributeProblem::Constraint
                    };
                    return Err(diagnostic::attribute(problem, 0x2081, attribute));
                }
                check_replaced(attribute, target.is_group, &given)?;
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
                return Err(if attribute.number == known::SAM_ACCOUNT_NAME {
                    diagnostic::unwilling(0x2077)
                } else {
                    diagnostic::update(UpdateProblem::ObjectClassViolation, 0x207C)
                });
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
        if let Some(controller) = self.dc(writer.dc) {
            self.check_validated(controller, writer, object, entry, working)?;
        }
        // A value takes at least a byte and its length: most objects are too small to be counted.
        let added: usize = working.iter().map(|changed| changed.new.len()).sum();
        if added + entry.record.size() / 2 > self.policies.max_values {
            self.check_size(entry, working)?;
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
            let links = restamped_links(&schema, entry, &working, (dc, now, next));
            let old = controller.store.get(object).map(|slot| slot.stamp.usn_created);
            let fresh = Entry {
                guid,
                parent: entry.parent,
                class: entry.class,
                rdn_attribute: entry.rdn_attribute,
                life: entry.life,
                created_by: entry.created_by,
                created_usn: entry.created_usn,
                when_created: entry.when_created,
                record,
                changed: changed_metadata,
                links,
            };
            let stamp =
                Stamp { usn_created: old.unwrap_or(next), usn_changed: next, when_changed: now };
            let slot = Slot { entry: Arc::new(fresh), stamp };
            controller.store.replace(&schema, object, slot, &changed);
            for at in &working {
                if schema.attribute(at.attribute).is_some_and(|at| at.is_forward_link()) {
                    controller.store.note_links(next, object, at.attribute, at.link_changes());
                }
            }
        }
        if self.query_policy == Some(object) {
            self.read_policies(dc);
        }
        if self.directory_service == Some(object) {
            self.read_heuristics(dc);
        }
        self.note_protection(now, &working);
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

/// The stamps of link values after a write.
fn restamped_links(
    schema: &Schema,
    entry: &Entry,
    working: &[Working],
    write: (DcNumber, VirtualTime, u64),
) -> LinkStamps {
    let mut links = entry.links.clone();
    for at in working {
        let Some(attribute) = schema.attribute(at.attribute) else { continue };
        if attribute.is_forward_link() {
            let changes = at.link_changes();
            let created = entry.when_created;
            links = links.restamped(at.attribute, &changes, attribute.single, write, created);
        }
    }
    links
}

/// Whether a request writes the security descriptor and nothing else.
fn only_descriptor(schema: &Schema, request: &ModifyRequest) -> bool {
    let number = |name: &AttributeName| match name {
        AttributeName::Number(number) => Some(*number),
        AttributeName::Text(text) => schema.attribute_named(text).map(|at| at.number),
    };
    request
        .changes
        .iter()
        .all(|change| number(&change.attribute) == Some(known::NT_SECURITY_DESCRIPTOR))
}
