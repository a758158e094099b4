//! Whether domain controllers hold the same, and where they do not.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::directory::entry::Entry;
use crate::directory::forest::{DomainController, Forest};
use crate::directory::request::ObjectNumber;
use crate::record::AttributeNumber;

/// An object that two domain controllers of one domain hold differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The first domain controller of the domain, by its host name.
    pub here: String,
    /// The other one.
    pub there: String,
    /// The object.
    pub object: ObjectNumber,
    /// An attribute that differs; `None` when it is the place, or the object as a whole.
    pub attribute: Option<AttributeNumber>,
}

impl Forest {
    /// Where domain controllers differ from the first one of their domain: nothing after every write has
    /// arrived everywhere. Entries that are shared are not looked at.
    #[must_use]
    pub fn differences(&self) -> Vec<Difference> {
        let mut found = Vec::new();
        for there in &self.dcs {
            let first = self.dcs.iter().find(|dc| dc.domain == there.domain);
            if let Some(here) = first.filter(|here| here.number != there.number) {
                self.differ(here, there, &mut found);
            }
        }
        found
    }

    fn differ(
        &self,
        here: &DomainController,
        there: &DomainController,
        found: &mut Vec<Difference>,
    ) {
        let mut put = |object, attribute| {
            let (here, there) = (here.host.clone(), there.host.clone());
            found.push(Difference { here, there, object, attribute });
        };
        for (object, slot) in here.store.iter_after(None) {
            match there.store.get(object) {
                Some(other) if Arc::ptr_eq(&slot.entry, &other.entry) => {}
                Some(other) if slot.entry.place() != other.entry.place() => put(object, None),
                Some(other) => {
                    let differing =
                        self.first_difference(&slot.entry, &other.entry, there.read_only);
                    if let Some(attribute) = differing {
                        put(object, Some(attribute));
                    }
                }
                None => put(object, None),
            }
        }
        for (object, _) in there.store.iter_after(None) {
            if here.store.get(object).is_none() {
                put(object, None);
            }
        }
    }

    fn first_difference(
        &self,
        one: &Entry,
        other: &Entry,
        read_only: bool,
    ) -> Option<AttributeNumber> {
        let numbers = one.record.attributes().chain(other.record.attributes());
        let numbers: BTreeSet<AttributeNumber> = numbers.map(|(number, _)| number).collect();
        numbers.into_iter().find(|number| {
            let (mine, theirs) = (one.record.values(*number), other.record.values(*number));
            let attribute = self.schema.attribute(*number);
            let kept_back = read_only
                && attribute.is_some_and(|at| at.search_flags & super::FILTERED_FOR_READ_ONLY != 0);
            if super::NOT_REPLICATED.contains(number) || kept_back {
                return false;
            }
            // Values of a link have no order.
            if attribute.is_some_and(|at| at.is_forward_link()) {
                return mine.collect::<BTreeSet<_>>() != theirs.collect::<BTreeSet<_>>();
            }
            !mine.eq(theirs)
        })
    }
}
