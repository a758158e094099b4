//! What must hold in the end, in plain words and apart from the engine's own mapping.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::play::Play;
use crate::change::ShownValues;
use crate::job::{ExportMode, LimitAction, LogStatus, ProxyMode, RecipientTypeMode};
use crate::journal::rows::{Link, mailbox_of_key};
use crate::ports::{MailboxId, Table};
use crate::test_world::{Sent, World, id, object_guid};

/// The links of the job.
fn links(world: &World) -> impl Iterator<Item = (MailboxId, Link)> {
    let rows = world.store.rows(Table::Links);
    rows.map(|(key, row)| (mailbox_of_key(&key).unwrap(), Link::decode(row).unwrap()))
}

impl Play {
    pub(super) fn check(&self) -> Result<(), TestCaseError> {
        let world = self.world.0.borrow();
        prop_assert_eq!(world.store.len(Table::Intents), 0);
        prop_assert_eq!(world.store.len(Table::Escrow), 0);
        let switches = &self.config.job.switches;
        let linked = links(&world).filter(|(_, link)| !link.rests).count() as u64;
        if switches.limit_action == LimitAction::Refuse {
            prop_assert!(linked <= switches.mailbox_limit);
        }
        for number in 0..self.count {
            if self.is_written_back(&world, number) {
                self.check_values(&world, number)?;
                self.check_addresses(&world, number)?;
            }
            self.check_order(&world, number)?;
            self.check_log(&world, number)?;
        }
        for sent in &world.sent {
            prop_assert!(sent.result != 0 || sent.unchanged.is_empty(), "{:?}", sent);
        }
        self.check_tries()
    }

    /// Whether the job has to do with the mailbox in the end.
    fn is_written_back(&self, world: &World, number: u16) -> bool {
        let switches = &self.config.job.switches;
        let kind = &world.mailboxes[&id(number)].recipient_type_details;
        let known = kind != "WorkspaceMailbox" || switches.cloud_only_types_as_rooms;
        let mut of_it =
            links(world).filter(|(mailbox, link)| *mailbox == id(number) && !link.rests);
        known && (switches.limit_action == LimitAction::Warn || of_it.next().is_some())
    }

    /// Whether an edit of AD may still stand: nothing in the cloud changed since that would have been
    /// exported over it.
    fn may_have_drifted(&self, world: &World, number: u16, attribute: &str, at: usize) -> bool {
        let switches = &self.config.job.switches;
        let mailbox = &world.mailboxes[&id(number)];
        let versions = world.versions.get(&mailbox.id).map_or(&[][..], Vec::as_slice);
        let notes = self.notes.borrow();
        let last = notes.drift.iter().rev();
        let mut last = last.filter(|drift| drift.number == number && drift.attribute == attribute);
        let Some(drift) = last.next() else { return false };
        if switches.drift_heal {
            return false;
        }
        let of = |at_version: usize| {
            versions.get(at_version).map_or(mailbox, |(_, earlier)| earlier).values.lists()[at]
                .clone()
        };
        // Another mapping compares anew what no version tells of, and where only what changed is exported, only
        // another value of this very attribute tells.
        let now = of(versions.len());
        let untouched = (0..=drift.versions).any(|version| of(version) == now);
        let by_attribute = switches.export_mode == ExportMode::ChangedAttributes;
        if self.reconfigured || by_attribute { untouched } else { drift.versions == versions.len() }
    }

    fn check_values(&self, world: &World, number: u16) -> Result<(), TestCaseError> {
        let switches = &self.config.job.switches;
        let mailbox = &world.mailboxes[&id(number)];
        let cloud = mailbox.values.lists();
        let held = |name: &str| {
            let mut values = world.value(number, name);
            values.sort();
            values
        };
        let plain =
            (0..15).map(|at| (at, format!("extensionAttribute{}", at + 1), switches.null_flow));
        let sets = (15..20).map(|at| {
            (at, format!("msExchExtensionCustomAttribute{}", at - 14), switches.null_flow_multi)
        });
        let mail = switches.mail_mapped.then(|| (21, "mail".to_owned(), switches.null_flow));
        for (at, name, null_flow) in plain.chain(sets).chain(mail) {
            let mut wanted = cloud[at].clone();
            wanted.sort();
            if wanted.is_empty() && !null_flow {
                continue;
            }
            if held(&name) != wanted && self.may_have_drifted(world, number, &name, at) {
                continue;
            }
            prop_assert_eq!(held(&name), wanted, "{} of {}", name, number);
        }
        let raw = switches.recipient_type_mode == RecipientTypeMode::Raw;
        let kind = match (mailbox.recipient_type_details.as_ref(), raw) {
            ("SharedMailbox", false) => ["34359738368", "-2147483642"],
            ("RoomMailbox" | "WorkspaceMailbox", false) => ["8589934592", "-2147481850"],
            (_, false) => ["2147483648", "-2147483642"],
            ("SharedMailbox", true) => ["4", "0"],
            ("RoomMailbox" | "WorkspaceMailbox", true) => ["16", "7"],
            (_, true) => ["1", "0"],
        };
        prop_assert_eq!(held("msExchRecipientTypeDetails"), [kind[0]]);
        prop_assert_eq!(held("msExchRecipientDisplayType"), [kind[1]]);
        Ok(())
    }

    fn check_addresses(&self, world: &World, number: u16) -> Result<(), TestCaseError> {
        let switches = &self.config.job.switches;
        let cloud = &world.mailboxes[&id(number)].values.lists()[20];
        if !cloud.iter().any(|text| is_smtp(text)) && !switches.null_flow_multi {
            return Ok(());
        }
        if self.may_have_drifted(world, number, "proxyAddresses", 20) {
            return Ok(());
        }
        let found = world.value(number, "proxyAddresses");
        let folded: BTreeSet<String> = found.iter().map(|text| text.to_lowercase()).collect();
        prop_assert_eq!(folded.len(), found.len(), "{:?}", found);
        let at_home = |text: &str| {
            let text = text.to_lowercase();
            (!switches.write_onmicrosoft && text.ends_with(".onmicrosoft.com"))
                || (!switches.write_x500 && text.starts_with("x500:"))
        };
        let crosses = |text: &&String| text.starts_with("SMTP:") || !at_home(text);
        let carried = |text: &&String| {
            let sip = text.to_lowercase().starts_with("sip:");
            switches.proxy_mode == ProxyMode::ReplaceAll || switches.write_sip || !sip
        };
        let wanted: BTreeSet<String> =
            cloud.iter().filter(crosses).filter(carried).cloned().collect();
        for text in &wanted {
            prop_assert!(found.contains(text), "{} of {}: {:?}", text, number, found);
        }
        let primaries: Vec<&String> =
            found.iter().filter(|text| text.starts_with("SMTP:")).collect();
        if wanted.iter().any(|text| is_smtp(text)) {
            prop_assert_eq!(primaries.len(), 1, "{:?}", found);
        }
        let notes = self.notes.borrow();
        let mut known: BTreeSet<String> =
            notes.held[&number].iter().map(|text| text.to_lowercase()).collect();
        let versions = world.versions.get(&id(number)).map_or(&[][..], Vec::as_slice);
        let earlier = versions.iter().map(|(_, earlier)| earlier.values.lists()[20].clone());
        for addresses in earlier.chain([cloud.clone()]) {
            known.extend(addresses.iter().map(|text| text.to_lowercase()));
        }
        for text in found.iter().filter(|text| !wanted.contains(*text)) {
            let foreign = at_home(text);
            let stays = match switches.proxy_mode {
                ProxyMode::Merge => true,
                ProxyMode::ReplaceSmtp => !is_smtp(text) || foreign,
                ProxyMode::ReplaceAll => foreign,
            };
            let known = stays && known.contains(&text.to_lowercase());
            prop_assert!(known, "{} of {}: {:?}", text, number, found);
        }
        if !self.replaced_all {
            for text in &self.other_types[&number] {
                prop_assert!(folded.contains(&text.to_lowercase()), "{}: {:?}", text, found);
            }
        }
        Ok(())
    }

    /// What the engine wrote to an attribute follows the cloud's versions in their order, one write for a
    /// version: no older value comes back, and nothing is written twice. An edit of AD and another mapping
    /// are causes of their own.
    fn check_order(&self, world: &World, number: u16) -> Result<(), TestCaseError> {
        let mailbox = &world.mailboxes[&id(number)];
        let versions = world.versions.get(&mailbox.id).map_or(&[][..], Vec::as_slice);
        let notes = self.notes.borrow();
        if self.reconfigured {
            return Ok(());
        }
        let shown = versions.iter().map(|(_, earlier)| earlier).chain([mailbox]);
        let shown: Vec<Vec<Vec<String>>> = shown.map(|version| version.values.lists()).collect();
        let names = (1..=15).map(|number| format!("extensionAttribute{number}"));
        for (at, name) in names.enumerate() {
            let drift =
                |drift: &&super::play::Drift| drift.number == number && drift.attribute == name;
            let mut edits = notes.drift.iter().filter(drift).map(|drift| drift.sent).peekable();
            let mut next = 0_usize;
            for (place, sent) in world.sent.iter().enumerate() {
                let Some(value) = written(sent, number, &name) else { continue };
                while edits.next_if(|edit| *edit <= place).is_some() {
                    next = next.saturating_sub(1);
                }
                let of = |version: usize| shown[version][at].concat();
                let found = (next..=sent.versions).find(|version| of(*version) == value);
                prop_assert!(found.is_some(), "{} of {} again: {:?}", name, number, sent);
                next = found.map_or(next, |version| version + 1);
            }
        }
        Ok(())
    }

    /// Each change of AD is in the log, and nothing is logged as changed that was not.
    fn check_log(&self, world: &World, number: u16) -> Result<(), TestCaseError> {
        let notes = self.notes.borrow();
        let edited = |name: &str| {
            notes.drift.iter().any(|drift| drift.number == number && drift.attribute == name)
        };
        let sorted = |mut values: ShownValues| {
            values.0.sort_unstable();
            values
        };
        let mut logged: BTreeMap<String, BTreeSet<ShownValues>> = BTreeMap::new();
        for entry in world.log.iter().filter(|entry| entry.mailbox == Some(id(number))) {
            prop_assert!(entry.status != LogStatus::Skipped || entry.modified.is_empty());
            prop_assert!(entry.status != LogStatus::Success || !entry.modified.is_empty());
            for property in entry.modified.iter().filter(|property| !edited(&property.attribute)) {
                let of = logged.entry(property.attribute.to_string()).or_default();
                of.insert(sorted(property.new.clone()));
            }
        }
        let mut done: BTreeMap<String, BTreeSet<ShownValues>> = BTreeMap::new();
        let own = |sent: &&Sent| sent.object == object_guid(number);
        for (name, values) in world.sent.iter().filter(own).flat_map(|sent| &sent.written) {
            if !edited(name) {
                done.entry(name.clone()).or_default().insert(sorted(ShownValues::of(values)));
            }
        }
        prop_assert_eq!(logged, done);
        Ok(())
    }

    fn check_tries(&self) -> Result<(), TestCaseError> {
        for (key, count) in &self.tries {
            // What somebody asks for by name is tried for that, and in the cycle as well. It may
            // wait for its turn while the service is throttled.
            let demanded =
                |(commands, mailbox): &&(u32, MailboxId)| *commands <= key.1 && *mailbox == key.3;
            // What changes between a read and its modify is a version of its own, and nobody sees which of the two
            // was sent.
            let moved = usize::from(self.moved.iter().any(|number| id(*number) == key.3));
            let allowed = 1 + moved + self.demanded.iter().filter(demanded).count();
            prop_assert!(*count <= allowed, "{} times: {:?}", count, key);
        }
        Ok(())
    }
}

/// What a modify left in an attribute of this mailbox's object; `None` when it did not name it.
fn written(sent: &Sent, number: u16, name: &str) -> Option<String> {
    if sent.object != object_guid(number) {
        return None;
    }
    sent.written.iter().find(|(other, _)| other == name).map(|(_, values)| values.concat())
}

fn is_smtp(text: &str) -> bool {
    text.to_lowercase().starts_with("smtp:")
}
