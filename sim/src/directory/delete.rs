//! Delete ([MS-ADTS] 3.1.1.5.5).
//!
//! # Divergence from Active Directory
//!
//! The object is gone at once: there is no tombstone and no recycle bin.

use std::sync::Arc;

use crate::directory::answer::{LdapResult, Written};
use crate::directory::diagnostic::{self, UpdateProblem};
use crate::directory::entry::{Entry, referenced};
use crate::directory::forest::Forest;
use crate::directory::modify::{Working, Writer};
use crate::directory::request::{DeleteRequest, ObjectNumber};
use crate::directory::schema::known;
use crate::directory::schema::syntax::integer;
use crate::directory::store::Slot;
use crate::record::AttributeNumber;

/// systemFlags: FLAG_DISALLOW_DELETE.
const DISALLOW_DELETE: i64 = 0x8000_0000;

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
        if writer.principal.is_anonymous() {
            return Err(diagnostic::not_bound());
        }
        self.settle_if_due(writer.dc);
        let object = self.resolve(writer.dc, &request.object)?;
        if !writer.principal.rights.may_manage_objects() {
            return Err(diagnostic::access_denied());
        }
        let controller = self.dc(writer.dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        let slot =
            controller.store.get(object).ok_or_else(|| diagnostic::no_such_object(""))?.clone();
        let record = &slot.entry.record;
        let flags = record.first(known::SYSTEM_FLAGS).and_then(integer).unwrap_or_default();
        let critical = record.first(known::IS_CRITICAL_SYSTEM_OBJECT) == Some(b"TRUE");
        if slot.entry.parent.is_none() || flags & DISALLOW_DELETE != 0 || critical {
            return Err(diagnostic::unwilling(0x20CE));
        }
        if controller.store.children_after(object, None).next().is_some() {
            return Err(diagnostic::update(UpdateProblem::CantOnNonLeaf, 0x208C));
        }
        let changes: Vec<Working> = record
            .attributes()
            .map(|(attribute, values)| Working {
                attribute,
                old: values.map(<[u8]>::to_vec).collect(),
                new: Vec::new(),
            })
            .collect();
        let changes = changes.into_iter().map(|at| self.value_change(writer.dc, at)).collect();
        let usn = self.take_out(writer, object);
        self.accounts.remove(&object);
        Ok(Written { object, guid: slot.entry.guid, usn, changes })
    }

    /// Removes the object and the links to it. Whoever held a link keeps its sequence number: that a
    /// target went is no change of the source ([MS-ADTS] 3.1.1.5.5.1.3).
    fn take_out(&mut self, writer: &Writer<'_>, object: ObjectNumber) -> Option<u64> {
        let schema = Arc::clone(&self.schema);
        let controller = self.dcs.get_mut(usize::from(writer.dc.0))?;
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
            let entry = Arc::new(Entry { record, ..Entry::clone(&slot.entry) });
            let slot = Slot { entry, stamp: slot.stamp };
            controller.store.replace(&schema, source, slot, &[attribute]);
        }
        controller.store.remove(&schema, object)?;
        Some(controller.take_usn())
    }
}
