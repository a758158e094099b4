//! What differs between a backup and what a mailbox or its AD object holds now, and the change that brings
//! the backup's values back.

use std::collections::{BTreeMap, BTreeSet};

use super::backup::{Backup, DirectorySide};
use super::bucket_c::BUCKET_C;
use super::loss::values_of;
use super::spelling::{Lost, Recipients, in_ad, lost};
use crate::change::{ModifiedProperty, ShownValues};
use crate::ports::{
    AttributeChange, ChangeOperation, DirectoryObject, Mailbox, MailboxChange, MailboxId, Name,
};
use crate::recipient_type::{is_transferable, known_name};
use crate::time::Timestamp;
use crate::writeback::MappingPlan;
use crate::writeback::diff::diff;

/// A difference, and what of it cannot be brought back.
#[derive(Debug, Default)]
pub(super) struct Difference<C> {
    /// What to do.
    pub(super) change: C,
    /// The same for people.
    pub(super) changes: Vec<ModifiedProperty>,
    /// What is left as it is, and why.
    pub(super) notes: Vec<String>,
}

impl Difference<Vec<AttributeChange>> {
    /// The same without attributes that the schema of this forest does not have, which are told.
    pub(super) fn without(mut self, absent: &BTreeSet<Name>) -> Self {
        let (gone, changes) =
            self.changes.into_iter().partition(|change| absent.contains(&change.attribute));
        let gone: Vec<ModifiedProperty> = gone;
        self.changes = changes;
        self.change.retain(|change| !absent.contains(&change.attribute));
        self.notes.extend(gone.iter().map(|change| {
            let ModifiedProperty { attribute, new, .. } = change;
            format!("{attribute} {new} is not written: the schema of this forest does not have it")
        }));
        self
    }
}

/// What to set in the cloud so that the mailbox is as in the backup; none when it is.
pub(super) fn in_cloud(
    backup: &Backup,
    mailbox: &Mailbox,
    properties: &[Name],
) -> Difference<MailboxChange> {
    let change = MailboxChange { id: mailbox.id, cloud_managed: None, values: Vec::new() };
    let mut difference = Difference { change, changes: Vec::new(), notes: Vec::new() };
    let mut differs = |name: Name, old: ShownValues, new: &[String]| {
        let property = ModifiedProperty { attribute: name.clone(), old, new: ShownValues::of(new) };
        difference.changes.push(property);
        difference.change.values.push((name, new.to_vec()));
    };
    let now = mailbox.recipient_type_details.as_ref();
    let then = backup.recipient_type_details.as_str();
    if now != then && is_transferable(then) {
        let kind = match then {
            "UserMailbox" => "Regular",
            other => other.trim_end_matches("Mailbox"),
        };
        differs(Name::Borrowed("Type"), now.into(), &[kind.to_owned()]);
    }
    let covered = properties.iter().zip(mailbox.values.columns());
    for (name, column) in covered.filter(|(name, _)| backup.covers(name)) {
        let mut held: Vec<&str> = column.iter().collect();
        let wanted = backup.of_property(name);
        let mut sorted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        held.sort_unstable();
        sorted.sort_unstable();
        if held != sorted {
            differs(name.clone(), ShownValues::of(column.iter()), wanted);
        }
    }
    keep_windows_address(backup, &mut difference);
    difference
}

/// The Windows address of a mailbox in the cloud follows its primary address, and setting it sets the
/// primary one too ("Set-Mailbox", WindowsEmailAddress): it is set where both become the same, and
/// otherwise stays.
fn keep_windows_address(backup: &Backup, difference: &mut Difference<MailboxChange>) {
    const WINDOWS: &str = "WindowsEmailAddress";
    let Some(at) = difference.change.values.iter().position(|(name, _)| name == WINDOWS) else {
        return;
    };
    let primary =
        backup.of_property("EmailAddresses").iter().find_map(|one| one.strip_prefix("SMTP:"));
    let wanted = difference.change.values[at].1.first().map(String::as_str);
    let same = wanted.is_some_and(|wanted| primary.is_some_and(|p| p.eq_ignore_ascii_case(wanted)));
    let with_addresses = difference.change.values.iter().any(|(name, _)| name == "EmailAddresses");
    // Setting the addresses sets it with them.
    if same && !with_addresses {
        return;
    }
    difference.change.values.remove(at);
    if !same {
        difference.changes.retain(|change| change.attribute != WINDOWS);
        difference.notes.push(format!(
            "{WINDOWS} {} is not set: in the cloud it follows the primary address",
            ShownValues::of(backup.of_property(WINDOWS))
        ));
    }
}

/// What to write to the object so that it holds what AD held at the time of the backup, to the byte: what
/// was there comes back, what came since goes.
pub(super) fn as_it_was(
    side: &DirectorySide,
    attributes: &[Name],
    object: &DirectoryObject,
) -> Difference<Vec<AttributeChange>> {
    let mut difference = Difference::default();
    for (name, column) in attributes.iter().zip(object.values.columns()) {
        let Some(wanted) = side.of_attribute(name) else {
            difference
                .notes
                .push(format!("{name} is not written: a value of the backup is no Base64"));
            continue;
        };
        replace(&mut difference, name, column.iter().map(<[u8]>::to_vec).collect(), wanted);
    }
    if side.object() != Some(object.guid) {
        difference
            .notes
            .push(format!("the AD object is another one than at the backup: {}", object.guid));
    }
    difference
}

/// What to write to the object so that it says what the cloud said at the time of the backup, the
/// attributes that are not written back included. What had no value in the cloud stays. `object` was read
/// with `attributes`, of which the first are the plan's.
pub(super) fn as_the_cloud_was(
    backup: &Backup,
    id: MailboxId,
    plan: &MappingPlan,
    attributes: &[Name],
    object: &DirectoryObject,
) -> Difference<Vec<AttributeChange>> {
    let mapped = diff(plan, &as_mailbox(backup, id, plan), object);
    let mut difference = Difference {
        change: mapped.changes,
        changes: mapped.intended.into_iter().map(|change| change.property).collect(),
        notes: Vec::new(),
    };
    // Several properties may share an attribute.
    let mut held: BTreeMap<&str, Vec<Vec<u8>>> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for kept in &BUCKET_C {
        let cloud: Vec<&str> =
            backup.of_property(kept.property).iter().map(String::as_str).collect();
        let column = || {
            let at = attributes.iter().position(|name| name == kept.ldap_name);
            let column = at.map(|at| object.values.column(at)).unwrap_or_default();
            column.iter().map(<[u8]>::to_vec).collect()
        };
        let values = held.entry(kept.ldap_name).or_insert_with(column);
        let current: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        let same = lost(kept.spelling, &cloud, &current, &Recipients::default()) == Lost::Nothing;
        if cloud.is_empty() || same {
            continue;
        }
        match in_ad(kept.spelling, &cloud, &current) {
            Some(wanted) => {
                *values = wanted;
                if !order.contains(&kept.ldap_name) {
                    order.push(kept.ldap_name);
                }
            }
            None => difference.notes.push(format!(
                "{} {} is not written: AD wants {} in a form that the cloud does not tell",
                kept.property,
                ShownValues::of(&cloud),
                kept.ldap_name
            )),
        }
    }
    for name in order {
        let at = attributes.iter().position(|other| other == name);
        let column = at.map(|at| object.values.column(at)).unwrap_or_default();
        let wanted = held.remove(name).unwrap_or_default();
        let name = Name::Borrowed(name);
        replace(&mut difference, &name, column.iter().map(<[u8]>::to_vec).collect(), wanted);
    }
    difference
}

/// Enters the change of an attribute, unless it holds these values.
fn replace(
    difference: &mut Difference<Vec<AttributeChange>>,
    name: &Name,
    mut held: Vec<Vec<u8>>,
    wanted: Vec<Vec<u8>>,
) {
    let mut sorted = wanted.clone();
    held.sort_unstable();
    sorted.sort_unstable();
    if held == sorted {
        return;
    }
    let (old, new) = (ShownValues::of(&held), ShownValues::of(&wanted));
    difference.changes.push(ModifiedProperty { attribute: name.clone(), old, new });
    let operation = ChangeOperation::Replace;
    difference.change.push(AttributeChange { attribute: name.clone(), operation, values: wanted });
}

/// The backup as the mapping takes it.
fn as_mailbox(backup: &Backup, id: MailboxId, plan: &MappingPlan) -> Mailbox {
    Mailbox {
        id,
        when_changed: Timestamp::EPOCH,
        dir_synced: true,
        cloud_managed: backup.cloud_managed,
        recipient_type_details: known_name(&backup.recipient_type_details),
        values: plan.properties().iter().map(|name| backup.of_property(name)).collect(),
    }
}

/// The names by which the cloud may show a recipient.
pub(super) fn names_of<'a>(mailbox: &'a Mailbox, properties: &[Name], dn: &'a str) -> Vec<&'a str> {
    let of = |property: &str| values_of(&mailbox.values, properties, property);
    let mut names: Vec<&str> = of("Alias").iter().chain(of("UserPrincipalName").iter()).collect();
    names.extend(
        of("EmailAddresses").iter().filter_map(|address| address.split_once(':').map(|(_, a)| a)),
    );
    // The relative name: what stands before the first comma that is not escaped.
    if let Some((_, rest)) = dn.split_once('=') {
        let end = rest.char_indices().find(|(at, c)| *c == ',' && !rest[..*at].ends_with('\\'));
        names.push(&rest[..end.map_or(rest.len(), |(at, _)| at)]);
    }
    names
}
