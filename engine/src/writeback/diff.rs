//! The smallest modify that brings an AD object to what the mapping says.
//!
//! One modify for an object, all or nothing. A set of values is changed value by value, however many
//! differ, so that a value that somebody else adds at the same moment survives; elements on the
//! same attribute are applied in order, delete before add, because AD takes two values that differ
//! in case alone for the same one ([MS-ADTS] 3.1.1.3; [RFC 4511] 4.6).
//!
//! A value is changed by deleting the one that was read and adding the new one. A modify that arrives
//! late, after a newer one, so finds other values than it was made for and fails as a whole
//! (noSuchAttribute, attributeOrValueExists: [RFC 4511] 4.6), where a replace would bring the older value
//! back. AD has no assertion control ([RFC 4528]) that would say the same in other words, and reading
//! before a repetition says nothing of what is still under way.

use std::borrow::Cow;

use super::digest;
use super::map::Target;
use super::plan::MappingPlan;
use crate::change::{ModifiedProperty, ShownValues};
use crate::journal::rows::IntendedChange;
use crate::marks::Mark;
use crate::planted_bugs::planted;
use crate::ports::{AttributeChange, ChangeOperation, DirectoryObject, Mailbox, Name};
use crate::values::Column;

/// The elements of a modify, and what they come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// The elements, in order; none when both sides agree.
    pub changes: Vec<AttributeChange>,
    /// One entry for each attribute that they touch.
    pub intended: Vec<IntendedChange>,
}

/// What AD lacks of what the mapping says. `object` carries the attributes of `plan`, in its order.
#[must_use]
pub fn diff(plan: &MappingPlan, mailbox: &Mailbox, object: &DirectoryObject) -> Difference {
    diff_of(plan, mailbox, object, |_| true)
}

/// The same of those attributes alone whose number `wanted` names.
#[must_use]
pub fn diff_of(
    plan: &MappingPlan,
    mailbox: &Mailbox,
    object: &DirectoryObject,
    wanted: impl Fn(usize) -> bool,
) -> Difference {
    let mut difference = Difference::default();
    for (rule, name) in plan.attributes().iter().enumerate().filter(|(rule, _)| wanted(*rule)) {
        let current = object.values.column(rule);
        match plan.target(rule, mailbox, current) {
            Target::Keep if current.is_empty() => {}
            Target::Keep => Mark::DiffEmptyStays.reach(),
            Target::Remove if current.is_empty() => {}
            Target::Remove => {
                Mark::DiffRemoved.reach();
                difference.swap(name, current, None);
            }
            Target::One(value) => {
                let value = if planted!(plan.bugs, NeverQuiet) && current.first() == Some(&value) {
                    Cow::Owned(swapped(&value))
                } else {
                    value
                };
                if current.len() != 1 || current.first() != Some(value.as_ref()) {
                    Mark::DiffReplaced.reach();
                    difference.swap(name, current, Some(&value));
                }
            }
            Target::Set(target) => difference.push_set(name, current, &target),
        }
    }
    if planted!(plan.bugs, DisableAccount) && !difference.changes.is_empty() {
        difference.push(
            &Name::Borrowed("userAccountControl"),
            ChangeOperation::Replace,
            Column::default(),
            &[b"514".as_slice()],
        );
    }
    if planted!(plan.bugs, OutsideAttribute) && !difference.changes.is_empty() {
        difference.push(
            &Name::Borrowed("department"),
            ChangeOperation::Replace,
            Column::default(),
            &[b"Written back".as_slice()],
        );
    }
    difference
}

/// What AD holds where the cloud holds nothing, and keeps as a missing value does not flow: attribute and
/// values. `object` carries the attributes of `plan`, in its order.
#[must_use]
pub fn kept(
    plan: &MappingPlan,
    mailbox: &Mailbox,
    object: &DirectoryObject,
) -> Vec<(Name, ShownValues)> {
    let rules = plan.attributes().iter().enumerate();
    let columns = rules.map(|(rule, name)| (rule, name, object.values.column(rule)));
    let kept = columns.filter(|(rule, _, held)| {
        !held.is_empty() && plan.target(*rule, mailbox, *held) == Target::Keep
    });
    kept.map(|(_, name, held)| (name.clone(), ShownValues::of(held.iter()))).collect()
}

impl Difference {
    /// One element for the whole attribute.
    fn push(
        &mut self,
        name: &Name,
        operation: ChangeOperation,
        current: Column<'_, [u8]>,
        target: &[&[u8]],
    ) {
        self.intend(name, current, target);
        let values = target.iter().map(|value| value.to_vec()).collect();
        self.changes.push(AttributeChange { attribute: name.clone(), operation, values });
    }

    /// The values that were read go, and this one comes.
    fn swap(&mut self, name: &Name, current: Column<'_, [u8]>, value: Option<&[u8]>) {
        self.intend(name, current, value.as_slice());
        let elements = [
            (ChangeOperation::Delete, current.iter().map(<[u8]>::to_vec).collect::<Vec<_>>()),
            (ChangeOperation::Add, value.into_iter().map(<[u8]>::to_vec).collect()),
        ];
        for (operation, values) in elements {
            if !values.is_empty() {
                self.changes.push(AttributeChange { attribute: name.clone(), operation, values });
            }
        }
    }

    /// The elements that turn one set into another.
    fn push_set(&mut self, name: &Name, current: Column<'_, [u8]>, target: &[Cow<'_, [u8]>]) {
        let mut held: Vec<&[u8]> = current.iter().collect();
        let mut wanted: Vec<&[u8]> = target.iter().map(AsRef::as_ref).collect();
        held.sort_unstable();
        wanted.sort_unstable();
        wanted.dedup();
        if held == wanted {
            return;
        }
        let removed = missing_from(&held, &wanted);
        let added = missing_from(&wanted, &held);
        Mark::DiffElements.reach();
        self.intend(name, current, &wanted);
        for (operation, values) in
            [(ChangeOperation::Delete, removed), (ChangeOperation::Add, added)]
        {
            if !values.is_empty() {
                let values = values.into_iter().map(<[u8]>::to_vec).collect();
                self.changes.push(AttributeChange { attribute: name.clone(), operation, values });
            }
        }
    }

    fn intend(&mut self, name: &Name, current: Column<'_, [u8]>, target: &[&[u8]]) {
        self.intended.push(IntendedChange {
            before: digest::of_set(current.iter()),
            after: digest::of_set(target.iter().copied()),
            property: ModifiedProperty {
                attribute: name.clone(),
                old: ShownValues::of(current.iter()),
                new: ShownValues::of(target),
            },
        });
    }
}

/// Capitals for small letters and the reverse: what a planted bug writes.
fn swapped(value: &[u8]) -> Vec<u8> {
    let swap = |byte: &u8| {
        if byte.is_ascii_lowercase() {
            byte.to_ascii_uppercase()
        } else {
            byte.to_ascii_lowercase()
        }
    };
    value.iter().map(swap).collect()
}

/// The values of one sorted list that another sorted list lacks.
fn missing_from<'a>(these: &[&'a [u8]], others: &[&[u8]]) -> Vec<&'a [u8]> {
    these.iter().filter(|value| others.binary_search(value).is_err()).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{self, Address};
    use crate::planted_bugs::PlantedBugs;
    use crate::ports::Modification;
    use crate::test_world::{apply, configuration, mailbox, object_like};
    use proptest::prelude::*;

    fn plan() -> MappingPlan {
        MappingPlan::new(&configuration(), PlantedBugs::none())
    }

    #[test]
    fn equal_sides_need_no_modify() {
        let cloud = mailbox(1);
        assert_eq!(diff(&plan(), &cloud, &object_like(&plan(), &cloud)), Difference::default());
    }

    #[test]
    fn a_change_of_case_alone_is_delete_and_add_in_one_modify() {
        let mut cloud = mailbox(1);
        let object = object_like(&plan(), &cloud);
        cloud.values.edit(|values| values[20][1] = values[20][1].replace("alias", "ALIAS"));
        let found = diff(&plan(), &cloud, &object);
        let operations: Vec<ChangeOperation> =
            found.changes.iter().map(|change| change.operation).collect();
        assert_eq!(operations, [ChangeOperation::Delete, ChangeOperation::Add]);
        assert_eq!(found.intended.len(), 1);
    }

    #[test]
    fn a_single_value_is_replaced_and_logged_with_old_and_new() {
        let mut cloud = mailbox(1);
        let object = object_like(&plan(), &cloud);
        cloud.values.edit(|values| values[0] = vec!["C-1".into()]);
        let found = diff(&plan(), &cloud, &object);
        let operations: Vec<ChangeOperation> =
            found.changes.iter().map(|change| change.operation).collect();
        assert_eq!(operations, [ChangeOperation::Delete, ChangeOperation::Add]);
        let property = &found.intended[0].property;
        assert_eq!((&property.old, &property.new), (&"HR-1".into(), &"C-1".into()));
    }

    /// What was sent first and arrives last fails, and what was written since stays.
    #[test]
    fn a_late_modify_brings_no_older_value_back() {
        let names = plan().attributes().to_vec();
        let mut older = mailbox(1);
        let mut object = object_like(&plan(), &older);
        let mut configuration = configuration();
        configuration.switches.null_flow = true;
        let plan = MappingPlan::new(&configuration, PlantedBugs::none());
        for text in [vec!["old".to_owned()], Vec::new()] {
            let modify = |cloud: &Mailbox, object: &DirectoryObject| {
                let changes = diff(&plan, cloud, object).changes;
                Modification { object: object.guid, changes }
            };
            older.values.edit(|values| values[0] = text);
            let late = modify(&older, &object);
            let mut newer = older.clone();
            newer.values.edit(|values| values[0] = vec!["new".into()]);
            let current = modify(&newer, &object);
            assert_eq!(apply(&mut object, &names, &current), 0);
            let written = object.clone();
            assert_ne!(apply(&mut object, &names, &late), 0);
            assert_eq!(object, written);
            object = object_like(&plan, &mailbox(1));
        }
    }

    /// However many values differ: what somebody else added after the read stays, and an older modify that
    /// comes late fails.
    #[test]
    fn many_differing_values_go_value_by_value() {
        let mut cloud = mailbox(1);
        let mut object = object_like(&plan(), &cloud);
        let values = (0..600).map(|n| vec![format!("x500:/o=old{n}"), format!("smtp:n{n}@c.com")]);
        let (old, new): (Vec<String>, Vec<String>) =
            values.map(|pair| (pair[0].clone(), pair[1].clone())).unzip();
        object.values.edit(|values| {
            values[15] = old.into_iter().map(String::into_bytes).collect();
        });
        cloud.values.edit(|values| values[15] = new.clone());
        let found = diff(&plan(), &cloud, &object);
        let counts: Vec<(ChangeOperation, usize)> =
            found.changes.iter().map(|change| (change.operation, change.values.len())).collect();
        assert_eq!(counts, [(ChangeOperation::Delete, 600), (ChangeOperation::Add, 600)]);
        let modify = Modification { object: object.guid, changes: found.changes };
        let names = plan().attributes().to_vec();
        object.values.edit(|values| values[15].push(b"theirs".to_vec()));
        assert_eq!(apply(&mut object, &names, &modify), 0);
        let held = &object.values.lists()[15];
        assert!(held.len() == 601 && held.contains(&b"theirs".to_vec()));
        assert_ne!(apply(&mut object, &names, &modify), 0);
    }

    fn texts(most: usize) -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec("[aAbB]{0,2}", 0..most)
    }

    fn unique(mut values: Vec<String>) -> Vec<String> {
        let mut kept: Vec<String> = Vec::new();
        values.retain(|value| !value.is_empty());
        for value in values {
            if !kept.iter().any(|earlier| address::same(earlier, &value)) {
                kept.push(value);
            }
        }
        kept
    }

    proptest! {
        /// AD takes the modify, ends where the mapping points to, and then nothing is left to do.
        #[test]
        fn the_modify_leads_to_the_target(
            single in texts(2),
            set in texts(6),
            proxies in texts(6),
            held_single in texts(2),
            held_set in texts(6),
            held_proxies in texts(6),
            null_flow: bool,
        ) {
            let mut configuration = configuration();
            configuration.switches.null_flow = null_flow;
            configuration.switches.null_flow_multi = null_flow;
            let plan = MappingPlan::new(&configuration, PlantedBugs::none());
            let mut cloud = mailbox(1);
            cloud.values.edit(|values| {
                values[0] = single.into_iter().take(1).collect();
                values[15] = unique(set);
                values[20] =
                    unique(proxies).into_iter().map(|name| format!("smtp:{name}@c.com")).collect();
            });
            let mut object = object_like(&plan, &mailbox(1));
            let bytes = |values: Vec<String>| -> Vec<Vec<u8>> {
                unique(values).into_iter().map(String::into_bytes).collect()
            };
            object.values.edit(|values| {
                values[0] = bytes(held_single).into_iter().take(1).collect();
                values[15] = bytes(held_set);
                values[22] = unique(held_proxies)
                    .into_iter()
                    .map(|name| format!("SMTP:{name}@c.com").into_bytes())
                    .take(1)
                    .collect();
            });
            let before = object.clone();
            let found = diff(&plan, &cloud, &object);
            let modify = Modification { object: object.guid, changes: found.changes.clone() };
            let names = plan.attributes();
            prop_assert_eq!(apply(&mut object, names, &modify), 0);
            for change in &found.intended {
                let at = names.iter().position(|name| *name == change.property.attribute).unwrap();
                prop_assert_ne!(object.values.column(at), before.values.column(at));
                let after = digest::of_set(object.values.column(at).iter());
                prop_assert_eq!(after, change.after);
            }
            prop_assert!(object.values.lists().iter().flatten().all(|value| !value.is_empty()));
            prop_assert_eq!(diff(&plan, &cloud, &object), Difference::default());
            let primaries = object
                .values
                .column(22)
                .iter()
                .filter(|value| Address::parse(core::str::from_utf8(value).unwrap()).is_primary())
                .count();
            prop_assert!(primaries <= 1);
        }
    }
}
