//! Delete ([MS-ADTS] 3.1.1.5.5): an object becomes a tombstone, or a deleted-object where the recycle
//! bin is enabled, and can be brought back for a while.

use std::sync::Arc;

use crate::clock::VirtualTime;
use crate::directory::add::account_type_of_group;
use crate::directory::answer::{LdapResult, ResultCode, Written};
use crate::directory::derived::SCHEMA_CONTEXT;
use crate::directory::diagnostic::{self, UpdateProblem};
use crate::directory::entry::{
    DcNumber, Entry, Life, LinkStamp, LinkStamps, Stamp, reference, referenced,
};
use crate::directory::forest::{DomainController, Forest};
use crate::directory::modify::{Working, Writer};
use crate::directory::name::{Dn, Sid};
use crate::directory::request::{
    ChangeOperation, DeleteRequest, ModifyRequest, ObjectNumber, Sight,
};
use crate::directory::schema::syntax::integer;
use crate::directory::schema::{Schema, known};
use crate::directory::security::descriptor::{CONTROL_ACCESS, DELETE_TREE};
use crate::directory::store::Slot;
use crate::directory::system_objects::STAYS_WHEN_DELETED;
use crate::directory::well_known::DELETED_OBJECTS;
use crate::guid::Guid;
use crate::record::{AttributeNumber, Record};

/// systemFlags: FLAG_DISALLOW_DELETE.
const DISALLOW_DELETE: i64 = 0x8000_0000;

/// A tree with more objects than this is not deleted at once ([MS-ADTS] 3.1.1.5.5.7.2).
const MOST_OF_A_TREE: usize = 16_384;

/// searchFlags: the attribute stays on a tombstone.
const PRESERVE: u32 = 8;

/// The longest name that an object can have.
const LONGEST_NAME: usize = 255;

/// What stays on a tombstone whatever searchFlags say ([MS-ADTS] 3.1.1.5.5.1.1).
const KEPT: [AttributeNumber; 12] = [
    known::DNS_HOST_NAME,
    known::GROUP_TYPE,
    known::IS_DELETED,
    known::IS_RECYCLED,
    known::LAST_KNOWN_PARENT,
    known::LEGACY_EXCHANGE_DN,
    known::MS_DS_LAST_KNOWN_RDN,
    known::NT_SECURITY_DESCRIPTOR,
    known::OBJECT_SID,
    known::SAM_ACCOUNT_NAME,
    known::SID_HISTORY,
    known::USER_ACCOUNT_CONTROL,
];

impl Forest {
    /// Deletes an object that has no children.
    ///
    /// # Errors
    /// 66/208C for an object with children, 53/20CE for one that must stay, and the usual ones.
    pub fn delete(
        &mut self,
        writer: &Writer<'_>,
        request: &DeleteRequest,
    ) -> Result<Written, LdapResult> {
        let object = self.deletable(writer, request, Way::Alone)?;
        let controller = self.dc(writer.dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        if self.live_children(writer.dc, object).next().is_some() {
            return Err(diagnostic::update(UpdateProblem::CantOnNonLeaf, 0x208C));
        }
        let deleted =
            controller.store.get(object).is_some_and(|slot| slot.entry.life != Life::Live);
        if deleted {
            return self.recycle(writer, object);
        }
        self.bury(writer, object)
    }

    /// Deletes an object with everything below it, the deepest first.
    ///
    /// # Errors
    /// 11/20CD for a tree that is too large, 53/20CE when something in it must stay; nothing is deleted
    /// then.
    pub fn delete_tree(
        &mut self,
        writer: &Writer<'_>,
        request: &DeleteRequest,
    ) -> Result<Vec<Written>, LdapResult> {
        let root = self.deletable(writer, request, Way::Tree)?;
        let mut objects = vec![root];
        let mut next = 0;
        while let Some(object) = objects.get(next).copied() {
            objects.extend(self.live_children(writer.dc, object));
            next += 1;
            if objects.len() > MOST_OF_A_TREE {
                let problem = diagnostic::ServiceProblem::AdminLimitExceeded;
                return Err(diagnostic::service(ResultCode::AdminLimitExceeded, problem, 0x20CD));
            }
        }
        for object in &objects[1..] {
            self.check_deletable(writer, *object, Way::Below)?;
        }
        objects.into_iter().rev().map(|object| self.bury(writer, object)).collect()
    }

    fn live_children(
        &self,
        dc: DcNumber,
        parent: ObjectNumber,
    ) -> impl Iterator<Item = ObjectNumber> {
        self.dc(dc).into_iter().flat_map(move |dc| {
            dc.store.children_after(parent, None).filter(move |child| {
                dc.store.get(*child).is_some_and(|slot| slot.entry.life == Life::Live)
            })
        })
    }

    fn deletable(
        &mut self,
        writer: &Writer<'_>,
        request: &DeleteRequest,
        way: Way,
    ) -> Result<ObjectNumber, LdapResult> {
        if writer.principal.is_anonymous() {
            return Err(diagnostic::not_bound());
        }
        if request.object.is_root() {
            return Err(diagnostic::unwilling(0x2035));
        }
        self.check_writable(writer.dc, &request.object)?;
        self.settle_if_due(writer.dc);
        let object = self.resolve_seeing(writer.dc, &request.object, writer.sight)?;
        self.check_deletable(writer, object, way)?;
        Ok(object)
    }

    fn check_deletable(
        &self,
        writer: &Writer<'_>,
        object: ObjectNumber,
        way: Way,
    ) -> Result<(), LdapResult> {
        let missing = || diagnostic::no_such_object("");
        self.check_not_schema(writer.dc, object)?;
        let controller = self.dc(writer.dc).ok_or_else(missing)?;
        let slot = controller.store.get(object).ok_or_else(missing)?;
        let may = match way {
            Way::Alone => self.may_delete(controller, writer.principal, object, &slot.entry),
            Way::Tree => self.may(controller, writer.principal, object, DELETE_TREE, &[]),
            Way::Below => true,
        };
        if !may {
            return Err(diagnostic::access_denied());
        }
        let record = &slot.entry.record;
        let flags = record.first(known::SYSTEM_FLAGS).and_then(integer).unwrap_or_default();
        let critical = record.first(known::IS_CRITICAL_SYSTEM_OBJECT) == Some(b"TRUE")
            && !self.is_further_account(controller, &slot.entry);
        if slot.entry.parent.is_none() || flags & DISALLOW_DELETE != 0 || critical {
            return Err(diagnostic::unwilling(0x20CE));
        }
        let class = self.schema.class(slot.entry.class).map_or("", |class| &*class.name);
        match class {
            // What hands out relative identifiers.
            "rIDSet" | "rIDManager" => Err(diagnostic::unwilling(0x20CE)),
            "crossRef" => self.check_no_reference_in_use(&slot.entry),
            "nTDSDSA" | "nTDSDSARO" => self.check_no_settings_in_use(object),
            _ => self.check_nobodys_primary(controller, &slot.entry),
        }
    }

    /// Whether an object is the account of a domain controller that does not run: it came later than those of
    /// the system, and nothing depends on it.
    fn is_further_account(&self, controller: &DomainController, entry: &Entry) -> bool {
        const FIRST_OF_CLIENTS: u32 = 1000;
        let is_user = self.schema.class(entry.class).is_some_and(|class| class.is_user);
        let sid = entry.record.first(known::OBJECT_SID).and_then(Sid::from_bytes);
        let rid = sid.and_then(|sid| sid.rid());
        let name = entry.record.text(known::SAM_ACCOUNT_NAME).unwrap_or_default();
        let runs = self.dcs.iter().any(|dc| {
            let host = name.strip_suffix('$').unwrap_or(name);
            dc.domain == controller.domain && dc.host.eq_ignore_ascii_case(host)
        });
        is_user && !runs && rid.is_some_and(|rid| rid >= FIRST_OF_CLIENTS)
    }

    /// The settings of a domain controller stay as long as it runs ([MS-ADTS] 3.1.1.5.5.3).
    fn check_no_settings_in_use(&self, object: ObjectNumber) -> Result<(), LdapResult> {
        let in_use = self.dcs.iter().any(|dc| self.settings_of(dc.number) == Some(object));
        if in_use { Err(diagnostic::unwilling(0x20CE)) } else { Ok(()) }
    }

    /// A cross-reference stays as long as its naming context does: that of the schema always
    /// ([MS-ADTS] 3.1.1.5.5.3).
    fn check_no_reference_in_use(&self, entry: &Entry) -> Result<(), LdapResult> {
        let names = entry.record.first(known::NC_NAME).and_then(referenced);
        let context = self.contexts.iter().position(|context| Some(context.head) == names);
        match context {
            None => Ok(()),
            Some(SCHEMA_CONTEXT) => Err(diagnostic::unwilling(0x20CE)),
            Some(_) => Err(diagnostic::update(UpdateProblem::CantOnNonLeaf, 0x208C)),
        }
    }

    /// The container of deleted objects of the naming context that an object lies in.
    fn graveyard(&self, dc: DcNumber, object: ObjectNumber) -> Option<ObjectNumber> {
        let controller = self.dc(dc)?;
        let slot = controller.store.get(object)?;
        let contexts = self
            .contexts
            .iter()
            .filter(|context| Self::is_within(controller, object, slot, context.head));
        let head = contexts.map(|context| context.head).next()?;
        controller.store.child(head, DELETED_OBJECTS)
    }

    /// Makes a deleted-object or a tombstone of an object.
    fn bury(&mut self, writer: &Writer<'_>, object: ObjectNumber) -> Result<Written, LdapResult> {
        let missing = || diagnostic::no_such_object("");
        let slot = self.slot(writer.dc, object).ok_or_else(missing)?;
        let entry = Arc::clone(&slot.entry);
        let grave = self.graveyard(writer.dc, object).ok_or_else(missing)?;
        let keep_all = self.recycle_bin;
        if !keep_all {
            self.unlink(writer.dc, object);
            self.accounts.remove(&object);
        }
        let record = self.buried_record(&entry, keep_all);
        let changes = self.removed(writer.dc, &entry);
        let flags = entry.record.first(known::SYSTEM_FLAGS).and_then(integer).unwrap_or_default();
        let stays = entry.parent.filter(|_| flags & STAYS_WHEN_DELETED != 0);
        let moved = Moved { parent: stays.unwrap_or(grave), life: Life::Deleted };
        let usn = self.put_moved(writer, object, &entry, record, moved);
        self.note_deleted(writer.dc, writer.now);
        Ok(Written { object, guid: entry.guid, usn, changes })
    }

    /// All values of an object as taken away: what a delete means to whoever looks on.
    fn removed(&self, dc: DcNumber, entry: &Entry) -> Vec<crate::directory::answer::ValueChange> {
        let working = entry.record.attributes().map(|(attribute, values)| Working {
            attribute,
            old: values.map(<[u8]>::to_vec).collect(),
            new: Vec::new(),
        });
        working.map(|at| self.value_change(dc, at)).collect()
    }

    fn buried_record(&self, entry: &Entry, keep_all: bool) -> Record {
        let stays = |number: AttributeNumber| {
            if keep_all {
                return number != known::SAM_ACCOUNT_TYPE;
            }
            stays_on_tombstone(&self.schema, entry, number)
        };
        let mut values: Vec<(AttributeNumber, Vec<Vec<u8>>)> = entry
            .record
            .attributes()
            .filter(|(number, _)| stays(*number))
            .map(|(number, values)| (number, values.map(<[u8]>::to_vec).collect()))
            .collect();
        let mut put = |number: AttributeNumber, value: Vec<u8>| {
            values.retain(|(known, _)| *known != number);
            values.push((number, vec![value]));
        };
        let name = entry.rdn_value();
        put(entry.rdn_attribute, mangled(name, "DEL", entry.guid).into_bytes());
        put(known::IS_DELETED, b"TRUE".to_vec());
        put(known::MS_DS_LAST_KNOWN_RDN, name.as_bytes().to_vec());
        if !keep_all {
            put(known::IS_RECYCLED, b"TRUE".to_vec());
        }
        if let Some(parent) = entry.parent {
            put(known::LAST_KNOWN_PARENT, reference(parent).to_vec());
        }
        values.sort_unstable_by_key(|(number, _)| *number);
        Record::from_sorted(
            values.iter().map(|(number, values)| (*number, values.iter().map(Vec::as_slice))),
        )
    }

    /// Takes the links to an object away. Whoever held a link keeps its sequence number: that a target
    /// went is no change of the source ([MS-ADTS] 3.1.1.5.5.1.3).
    pub(super) fn unlink(&mut self, dc: DcNumber, object: ObjectNumber) {
        let schema = Arc::clone(&self.schema);
        let Some(controller) = self.dcs.get_mut(usize::from(dc.0)) else { return };
        let links: Vec<(AttributeNumber, ObjectNumber)> =
            controller.store.links_to(object).collect();
        for (attribute, source) in links {
            let Some(slot) = controller.store.get(source) else { continue };
            let left: Vec<Vec<u8>> = slot
                .entry
                .record
                .values(attribute)
                .filter(|value| referenced(value) != Some(object))
                .map(<[u8]>::to_vec)
                .collect();
            let record = slot.entry.record.with(&[(attribute, left.as_slice())]);
            let gone = |stamp: &LinkStamp| stamp.attribute == attribute && stamp.target == object;
            let links = slot.entry.links.retained(|stamp| !gone(stamp));
            let entry = Arc::new(Entry { record, links, ..Entry::clone(&slot.entry) });
            let slot = Slot { entry, stamp: slot.stamp };
            controller.store.replace(&schema, source, slot, &[attribute]);
        }
    }

    /// Puts an object with a new record in another place.
    fn put_moved(
        &mut self,
        writer: &Writer<'_>,
        object: ObjectNumber,
        entry: &Entry,
        record: Record,
        moved: Moved,
    ) -> Option<u64> {
        let schema = Arc::clone(&self.schema);
        let controller = self.dcs.get_mut(usize::from(writer.dc.0))?;
        let usn = controller.take_usn();
        let mut touched: Vec<AttributeNumber> = entry
            .record
            .attributes()
            .chain(record.attributes())
            .map(|(number, _)| number)
            .filter(|number| !entry.record.values(*number).eq(record.values(*number)))
            .collect();
        touched.sort_unstable();
        touched.dedup();
        let mut stamped = touched.clone();
        stamped.push(known::NAME);
        if moved.life == Life::Live {
            // What the deletion took is gone for good, also for those who did not see the deletion.
            let lost = entry.changed.iter().map(|stamp| stamp.attribute);
            stamped.extend(lost.filter(|number| !record.has(*number)));
        }
        stamped.sort_unstable();
        stamped.dedup();
        let created = controller.store.get(object).map_or(usn, |slot| slot.stamp.usn_created);
        let tombstone = moved.life != Life::Live && record.has(known::IS_RECYCLED);
        let links = if tombstone { LinkStamps::default() } else { entry.links.clone() };
        let fresh = Entry {
            parent: Some(moved.parent),
            life: moved.life,
            links,
            record,
            changed: entry.restamped(&stamped, writer.dc, writer.now, usn),
            ..entry.clone()
        };
        let stamp = Stamp { usn_created: created, usn_changed: usn, when_changed: writer.now };
        controller.store.replace(&schema, object, Slot { entry: Arc::new(fresh), stamp }, &touched);
        Some(usn)
    }

    /// Deletes what is deleted already: a deleted-object is recycled, anything else stays.
    fn recycle(
        &mut self,
        writer: &Writer<'_>,
        object: ObjectNumber,
    ) -> Result<Written, LdapResult> {
        let missing = || diagnostic::no_such_object("");
        let slot = self.slot(writer.dc, object).ok_or_else(missing)?;
        let entry = Arc::clone(&slot.entry);
        if !self.recycle_bin || entry.life != Life::Deleted || entry.record.has(known::IS_RECYCLED)
        {
            return Err(diagnostic::unwilling(0x20CE));
        }
        self.unlink(writer.dc, object);
        let mut record = self.buried_record(&entry, false);
        // The name and where it was are those of the first delete.
        let kept = [entry.rdn_attribute, known::LAST_KNOWN_PARENT, known::MS_DS_LAST_KNOWN_RDN];
        for number in kept {
            let values: Vec<&[u8]> = entry.record.values(number).collect();
            record = record.with(&[(number, values.as_slice())]);
        }
        let parent = entry.parent.ok_or_else(missing)?;
        let moved = Moved { parent, life: Life::Recycled };
        let usn = self.put_moved(writer, object, &entry, record, moved);
        self.note_deleted(writer.dc, writer.now);
        Ok(Written { object, guid: entry.guid, usn, changes: Vec::new() })
    }

    /// Whether a modification brings an object back: it takes `isDeleted` away
    /// ([MS-ADTS] 3.1.1.5.3.7.1).
    pub(super) fn is_undelete(&self, request: &ModifyRequest) -> bool {
        request.changes.iter().any(|change| {
            change.operation == ChangeOperation::Delete
                && self
                    .attribute(&change.attribute)
                    .is_some_and(|at| at.number == known::IS_DELETED)
        })
    }

    /// Brings a deleted object back to where `distinguishedName` says; gives its number, for the other
    /// elements of the modification.
    ///
    /// # Errors
    /// 53/2077 for an object that is not deleted or a request without a new name, 68/2071 when the name
    /// is taken, and the usual ones.
    pub(super) fn undelete(
        &mut self,
        writer: &Writer<'_>,
        object: ObjectNumber,
        request: &ModifyRequest,
    ) -> Result<Written, LdapResult> {
        let missing = || diagnostic::no_such_object("");
        let slot = self.slot(writer.dc, object).ok_or_else(missing)?;
        let entry = Arc::clone(&slot.entry);
        let name = request.changes.iter().find(|change| {
            change.operation == ChangeOperation::Replace
                && self
                    .attribute(&change.attribute)
                    .is_some_and(|at| at.number == known::DISTINGUISHED_NAME)
        });
        let name = name.and_then(|change| change.values.first());
        let (Life::Deleted, Some(name)) = (entry.life, name) else {
            return Err(diagnostic::unwilling(0x2077));
        };
        let text = core::str::from_utf8(name).map_err(|_| diagnostic::bad_name(""))?;
        let dn = Dn::parse(text).map_err(|_| diagnostic::bad_name(text))?;
        let (Some(rdn), Some(parent)) = (dn.rdn(), dn.parent()) else {
            return Err(diagnostic::bad_name(text));
        };
        let controller = self.dc(writer.dc).ok_or_else(missing)?;
        let parent = self.resolve_dn(controller, &parent)?;
        self.check_may_undelete(writer, controller, object, &entry, parent)?;
        if controller.store.child(parent, &rdn.value).is_some() {
            return Err(diagnostic::update(UpdateProblem::EntryExists, 0x2071));
        }
        let is_restored =
            |sam: &[u8]| self.live_with_value(controller, known::SAM_ACCOUNT_NAME, sam).is_empty();
        if entry.record.first(known::SAM_ACCOUNT_NAME).is_some_and(|sam| !is_restored(sam)) {
            return Err(diagnostic::update(UpdateProblem::EntryExists, 0x0524));
        }
        let gone: &[&[u8]] = &[];
        let mut changes: Vec<(AttributeNumber, &[&[u8]])> = vec![
            (known::IS_DELETED, gone),
            (known::IS_RECYCLED, gone),
            (known::LAST_KNOWN_PARENT, gone),
            (known::MS_DS_LAST_KNOWN_RDN, gone),
        ];
        let value = [rdn.value.as_bytes()];
        changes.push((entry.rdn_attribute, &value));
        changes.sort_unstable_by_key(|(number, _)| *number);
        // A tombstone has lost what follows from the type of a group.
        let kind = entry.record.first(known::GROUP_TYPE).and_then(integer);
        let kind = kind.map(|kind| [account_type_of_group(kind).as_bytes()]);
        if let Some(kind) = kind.as_ref().filter(|_| !entry.record.has(known::SAM_ACCOUNT_TYPE)) {
            let place = changes.partition_point(|(number, _)| *number < known::SAM_ACCOUNT_TYPE);
            changes.insert(place, (known::SAM_ACCOUNT_TYPE, kind));
        }
        let record = entry.record.with(&changes);
        let moved = Moved { parent, life: Life::Live };
        let usn = self.put_moved(writer, object, &entry, record, moved);
        Ok(Written { object, guid: entry.guid, usn, changes: Vec::new() })
    }

    /// Bringing an object back takes the right Reanimate-Tombstones on its naming context, the right to write
    /// its name, and the right to create one of its class where it goes ([MS-ADTS] 3.1.1.5.3.7.1).
    fn check_may_undelete(
        &self,
        writer: &Writer<'_>,
        controller: &DomainController,
        object: ObjectNumber,
        entry: &Entry,
        parent: ObjectNumber,
    ) -> Result<(), LdapResult> {
        const REANIMATE: &str = "45ec5156-db7e-47bb-b53f-dbeb2d03c40f";
        let slot = controller.store.get(object);
        let within =
            |head| slot.is_some_and(|slot| Self::is_within(controller, object, slot, head));
        let head = self.contexts.iter().map(|context| context.head).find(|head| within(*head));
        let right = [REANIMATE.parse().ok()];
        let may = head.is_some_and(|head| {
            self.may(controller, writer.principal, head, CONTROL_ACCESS, &right)
        });
        let class = self.schema.class(entry.class).map_or("", |class| &*class.name);
        let may = may
            && self.may_write_name(controller, writer.principal, object, entry)
            && self.may_create(controller, writer.principal, parent, class);
        if may { Ok(()) } else { Err(diagnostic::access_denied()) }
    }

    /// Removes what was deleted long enough ago; deleted-objects are recycled first
    /// ([MS-ADTS] 3.1.1.1.15). Gives how many objects are gone for good.
    pub fn collect_garbage(&mut self, dc: DcNumber, now: VirtualTime) -> usize {
        let schema = Arc::clone(&self.schema);
        let principal = crate::directory::principal::Principal::system();
        let writer = Writer { sight: Sight::Recycled, ..Writer::new(dc, &principal, now) };
        let (deleted, tombstone) = self.lifetimes(dc);
        let Some(controller) = self.dc(dc) else { return 0 };
        let expired: Vec<(ObjectNumber, Life, bool)> = controller
            .store
            .iter_after(None)
            .filter(|(_, slot)| slot.entry.life != Life::Live)
            .filter(|(_, slot)| !slot.entry.record.has(known::IS_CRITICAL_SYSTEM_OBJECT))
            .filter(|(_, slot)| {
                let waits = self.recycle_bin
                    && slot.entry.life == Life::Deleted
                    && !slot.entry.record.has(known::IS_RECYCLED);
                now.since(slot.stamp.when_changed) >= if waits { deleted } else { tombstone }
            })
            .map(|(object, slot)| {
                (object, slot.entry.life, slot.entry.record.has(known::IS_RECYCLED))
            })
            .collect();
        let mut gone = 0;
        for (object, life, tombstone) in expired {
            if self.recycle_bin && life == Life::Deleted && !tombstone {
                // Only its own state decides whether it can be recycled: there is nobody to tell.
                let _ = self.recycle(&writer, object);
            } else if let Some(controller) = self.dcs.get_mut(usize::from(dc.0)) {
                controller.store.remove(&schema, object);
                self.accounts.remove(&object);
                gone += 1;
            }
        }
        gone
    }
}

/// What an object is deleted as: for a whole tree the right on its root counts for everything below it
/// ([MS-ADTS] 3.1.1.5.5.7.1).
#[derive(Clone, Copy)]
enum Way {
    Alone,
    Tree,
    Below,
}

/// Where an object goes, and as what.
#[derive(Clone, Copy)]
struct Moved {
    parent: ObjectNumber,
    life: Life,
}

/// Whether a tombstone keeps an attribute ([MS-ADTS] 3.1.1.5.5.1.1).
pub(super) fn stays_on_tombstone(schema: &Schema, entry: &Entry, number: AttributeNumber) -> bool {
    let attribute = schema.attribute(number);
    let flags = attribute.map_or(0, |attribute| attribute.search_flags);
    let is_link = attribute.is_some_and(|attribute| attribute.link.is_some());
    !is_link
        && number != known::SAM_ACCOUNT_TYPE
        && (number == entry.rdn_attribute || flags & PRESERVE != 0 || KEPT.contains(&number))
}

/// A name that nobody chose: `name`, a line feed, what happened, the GUID ([MS-ADTS] 3.1.1.5.5.1.1).
pub(super) fn mangled(name: &str, word: &str, guid: Guid) -> String {
    let tail = format!("\n{word}:{guid}");
    let room = LONGEST_NAME - tail.len();
    let name: String = name.chars().take(room).collect();
    name + &tail
}
