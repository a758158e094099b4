//! Scope and mapping: whether a mailbox is written back, and what each attribute is to hold.

use std::borrow::Cow;

use super::digest;
use super::plan::{MappingPlan, Rule, Source};
use crate::address::{self, Address, ProxyTypes};
use crate::planted_bugs::planted;
use crate::ports::Mailbox;
use crate::recipient_type::{counted_as, is_transferable, written_type};
use crate::schema::expression::Computed;
use crate::values::Column;

/// Whether a mailbox is written back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// It is.
    In,
    /// It is not: AD has authority over it, or it has no counterpart in AD.
    Out,
    /// It would be, but for its recipient type, which AD does not know.
    UnknownType,
}

/// What one attribute is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target<'a> {
    /// What it holds now: a missing source value does not flow.
    Keep,
    /// Nothing: the attribute is removed.
    Remove,
    /// This value.
    One(Cow<'a, [u8]>),
    /// This set, not empty.
    Set(Vec<Cow<'a, [u8]>>),
}

impl MappingPlan {
    /// Scope: a dir-synced mailbox of a known type whose Exchange attributes the cloud manages.
    ///
    /// A user whose whole object is cloud-managed (object-level source of authority) is no longer
    /// dir-synced, so that rule is the same one.
    #[must_use]
    pub fn scope(&self, mailbox: &Mailbox) -> Scope {
        let managed = mailbox.cloud_managed || planted!(self.bugs, WriteWhileFlagFalse);
        if !(mailbox.dir_synced && managed) {
            return Scope::Out;
        }
        if is_transferable(self.kind_of(mailbox)) { Scope::In } else { Scope::UnknownType }
    }

    /// What attribute `rule` is to hold, given what AD holds now.
    #[must_use]
    pub fn target<'a>(
        &self,
        rule: usize,
        mailbox: &'a Mailbox,
        current: Column<'a, [u8]>,
    ) -> Target<'a> {
        let switches = self.switches();
        match self.rules()[rule].source {
            Source::Text(index) => match values(mailbox, index).next() {
                Some(text) => Target::One(Cow::Borrowed(text.as_bytes())),
                None if switches.null_flow || planted!(self.bugs, WipeOnEmpty) => Target::Remove,
                None => Target::Keep,
            },
            Source::Set(index) => {
                let set: Vec<Cow<'a, [u8]>> =
                    values(mailbox, index).map(|text| Cow::Borrowed(text.as_bytes())).collect();
                if !set.is_empty() {
                    Target::Set(set)
                } else if switches.null_flow_multi {
                    Target::Remove
                } else {
                    Target::Keep
                }
            }
            Source::Addresses(index) => {
                let cloud = mailbox.values.column(index);
                let has_smtp = cloud.iter().any(|text| Address::parse(text).is_smtp());
                if !has_smtp && !switches.null_flow_multi {
                    return Target::Keep;
                }
                let merged = address::merge(
                    cloud,
                    current,
                    switches.proxy_mode,
                    ProxyTypes {
                        onmicrosoft: switches.write_onmicrosoft,
                        x500: switches.write_x500,
                        sip: switches.write_sip,
                    },
                    self.bugs,
                );
                if merged.is_empty() { Target::Remove } else { Target::Set(merged) }
            }
            Source::TypeDetails => self.recipient_type(mailbox, |kind| kind.type_details),
            Source::DisplayType => self.recipient_type(mailbox, |kind| kind.display_type),
            Source::Computed(index) => match self.computed(index, mailbox) {
                Computed::Text(text) => Target::One(Cow::Owned(text.into_bytes())),
                Computed::Null if switches.null_flow => Target::Remove,
                Computed::Null | Computed::Ignore => Target::Keep,
            },
        }
    }

    /// What a computed mapping comes to, its default value included.
    fn computed(&self, index: usize, mailbox: &Mailbox) -> Computed {
        let Some(computation) = self.computations().get(index) else { return Computed::Ignore };
        let found = computation.expression.compute(&|place: usize| values(mailbox, place));
        match (&found, &computation.default) {
            (Computed::Null, Some(default)) => Computed::Text(default.clone()),
            _ => found,
        }
    }

    /// UTF-16 units of the longest value that a rule takes from a mailbox.
    #[must_use]
    pub fn longest(&self, mailbox: &Mailbox, rule: &Rule) -> usize {
        match rule.source {
            Source::Text(index) | Source::Set(index) | Source::Addresses(index) => {
                values(mailbox, index).map(|text| text.encode_utf16().count()).max().unwrap_or(0)
            }
            Source::Computed(index) => match self.computed(index, mailbox) {
                Computed::Text(text) => text.encode_utf16().count(),
                Computed::Null | Computed::Ignore => 0,
            },
            Source::TypeDetails | Source::DisplayType => 0,
        }
    }

    /// Digest of everything that this plan takes from a mailbox: equal digests, equal exports.
    #[must_use]
    pub fn digest(&self, mailbox: &Mailbox) -> u64 {
        let kind = digest::of_value(mailbox.recipient_type_details.as_bytes());
        (0..self.properties().len()).fold(kind, |state, index| {
            digest::chain(state, digest::of_set(values(mailbox, index).map(str::as_bytes)))
        })
    }

    fn kind_of<'m>(&self, mailbox: &'m Mailbox) -> &'m str {
        let as_room = self.switches().cloud_only_types_as_rooms;
        counted_as(&mailbox.recipient_type_details, as_room)
    }

    fn recipient_type<'a>(
        &self,
        mailbox: &Mailbox,
        pick: impl Fn(crate::recipient_type::RecipientType) -> &'static str,
    ) -> Target<'a> {
        written_type(self.kind_of(mailbox), self.switches().recipient_type_mode)
            .map_or(Target::Keep, |kind| Target::One(Cow::Borrowed(pick(kind).as_bytes())))
    }
}

/// The values of one property. An empty text is no value: AD never gets an empty string.
fn values(mailbox: &Mailbox, index: usize) -> impl Iterator<Item = &str> {
    mailbox.values.column(index).iter().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted_bugs::PlantedBugs;
    use crate::test_world::{configuration, mailbox};

    #[test]
    fn only_synced_and_cloud_managed_mailboxes_of_known_types_are_in_scope() {
        let plan = MappingPlan::new(&configuration(), PlantedBugs::none());
        let good = mailbox(1);
        assert_eq!(plan.scope(&good), Scope::In);
        assert_eq!(plan.scope(&Mailbox { cloud_managed: false, ..good.clone() }), Scope::Out);
        assert_eq!(plan.scope(&Mailbox { dir_synced: false, ..good.clone() }), Scope::Out);
        let desk = Mailbox { recipient_type_details: "SchedulingMailbox".into(), ..good };
        assert_eq!(plan.scope(&desk), Scope::UnknownType);
    }

    #[test]
    fn a_missing_value_flows_only_when_switched_on() {
        let mut configuration = configuration();
        let mut empty = mailbox(1);
        empty.values.edit(|values| {
            values[0] = vec![String::new()];
            values[15] = Vec::new();
        });
        let off = MappingPlan::new(&configuration, PlantedBugs::none());
        assert_eq!(off.target(0, &empty, Column::default()), Target::Keep);
        assert_eq!(off.target(15, &empty, Column::default()), Target::Keep);
        configuration.switches.null_flow = true;
        configuration.switches.null_flow_multi = true;
        let on = MappingPlan::new(&configuration, PlantedBugs::none());
        assert_eq!(on.target(0, &empty, Column::default()), Target::Remove);
        assert_eq!(on.target(15, &empty, Column::default()), Target::Remove);
    }

    #[test]
    fn the_digest_sees_every_property_and_no_order() {
        let plan = MappingPlan::new(&configuration(), PlantedBugs::none());
        let base = mailbox(1);
        for index in 0..plan.properties().len() {
            let mut changed = base.clone();
            changed.values.edit(|values| values[index].push("another".into()));
            assert_ne!(plan.digest(&changed), plan.digest(&base), "property {index}");
        }
        let mut reversed = base.clone();
        reversed.values.edit(|values| values[20].reverse());
        assert_eq!(plan.digest(&reversed), plan.digest(&base));
    }
}
