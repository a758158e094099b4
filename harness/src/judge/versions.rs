//! Which versions of mailboxes the job can tell apart: a version is what Exchange Online said when the job read it.
//!
//! `WhenChangedUTC` has whole seconds, and edits that take each other back leave the values as they were. So what is
//! edited and put back between two exports changed no attribute; and what changes nothing that is mapped, within the
//! second of an export, changed no version.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use sim::clock::VirtualTime;
use sim::entra::log::LogStatus;
use sim::estate::Estate;
use sim::ledger::{Event, Logged, ObjectKey, Side, Write};
use sim::record::AttributeNumber;

use super::isolation::moved;
use super::mapping;
use super::scope::exports;
use crate::observe::ByPerson;

/// What was edited since the version that was exported last.
#[derive(Clone, Default)]
pub(super) struct Versions {
    /// Mailbox properties that are mapped.
    properties: Vec<AttributeNumber>,
    /// By number of the mailbox, when the job read it last, and when it read what it exported last.
    read: ByPerson<VirtualTime>,
    exported: ByPerson<VirtualTime>,
    edits: HashMap<u32, Vec<Edit>, FxBuildHasher>,
}

/// Edits of a property. What they moved its values by is zero when they are again as they were.
#[derive(Clone, Copy)]
struct Edit {
    property: AttributeNumber,
    since_export: u64,
    since_read: u64,
    /// When the job read the last version that it exported and that had other values than the one before; the beginning
    /// of time when there was none.
    carried: VirtualTime,
}

impl Versions {
    pub(super) fn new(estate: &Estate) -> Self {
        Self { properties: mapping::properties(&mapping::flows(estate)), ..Self::default() }
    }

    /// Takes an event in.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::Write(write) if write.object.side == Side::Exchange => self.edit(write),
            Event::Read(read) if read.object.side == Side::Exchange && exports(read.activity) => {
                self.read.set(read.object.number, read.at);
                if let Some(edits) = self.edits.get_mut(&read.object.number) {
                    edits.iter_mut().for_each(|edit| edit.since_read = 0);
                }
            }
            Event::Logged(entry) => self.logged(entry),
            Event::Schema(change) => {
                self.properties = mapping::properties(&change.flows);
                self.edits.clear();
            }
            _ => {}
        }
    }

    fn edit(&mut self, write: &Write) {
        for change in write.changes.iter().filter(|c| self.properties.contains(&c.attribute)) {
            let by = moved(core::iter::once(change));
            let carried = self.exported.get(write.object.number);
            let edits = self.edits.entry(write.object.number).or_default();
            match edits.iter_mut().find(|edit| edit.property == change.attribute) {
                Some(edit) => {
                    edit.since_export = edit.since_export.wrapping_add(by);
                    edit.since_read = edit.since_read.wrapping_add(by);
                }
                None => edits.push(Edit {
                    property: change.attribute,
                    since_export: by,
                    since_read: by,
                    carried,
                }),
            }
        }
    }

    fn logged(&mut self, entry: &Logged) {
        let is_exported = match entry.status {
            LogStatus::Success => true,
            LogStatus::Skipped => entry.code == "RedundantExport",
            LogStatus::Failure => false,
        };
        let Some(ObjectKey { number, .. }) = entry.object.filter(|_| is_exported) else { return };
        let read = self.read.get(number);
        self.exported.set(number, read);
        let Some(edits) = self.edits.get_mut(&number) else { return };
        for edit in edits.iter_mut() {
            if edit.since_export != edit.since_read {
                edit.carried = read;
            }
            edit.since_export = edit.since_read;
        }
        // Of what this export carried the last edit tells.
        edits.retain(|edit| edit.since_read != 0 || edit.carried != read);
        if edits.is_empty() {
            self.edits.remove(&number);
        }
    }

    /// When one of these properties of a mailbox changed last, as far as an export of single attributes can tell.
    pub(super) fn last_change_of(
        &self,
        estate: &Estate,
        mailbox: u32,
        properties: &[AttributeNumber],
    ) -> Option<VirtualTime> {
        let edits = self.edits.get(&mailbox).map_or(&[][..], Vec::as_slice);
        let last = |property: &AttributeNumber| {
            let mut edits = edits.iter();
            match edits.find(|edit| edit.property == *property && edit.since_export == 0) {
                // Everybody starts as exported.
                Some(edit) => Some(edit.carried).filter(|at| *at > VirtualTime::default()),
                None => written(estate, mailbox, *property),
            }
        };
        properties.iter().filter_map(last).max()
    }

    /// When anything of a mailbox changed last that made another version of it; `None`: nothing since the start.
    pub(super) fn last_change(&self, estate: &Estate, mailbox: u32) -> Option<VirtualTime> {
        let edits = self.edits.get(&mailbox).map_or(&[][..], Vec::as_slice);
        let is_as_it_was = |property: AttributeNumber| {
            !self.properties.contains(&property)
                || edits.iter().any(|e| e.property == property && e.since_export == 0)
        };
        let last = |property: AttributeNumber| {
            let at = written(estate, mailbox, property)?;
            Some(if is_as_it_was(property) { at.floor_to_second() } else { at })
        };
        mapping::announced().filter_map(last).max()
    }
}

fn written(estate: &Estate, mailbox: u32, property: AttributeNumber) -> Option<VirtualTime> {
    estate.ledger.last_writer(ObjectKey::exchange(mailbox), property).map(|last| last.at)
}
