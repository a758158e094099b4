//! How a search finds its candidates: by index where a filter names values of indexed attributes,
//! otherwise by walking.

use core::cmp::Ordering;

use crate::directory::filter::{Test, references};
use crate::directory::forest::{DomainController, Forest};
use crate::directory::request::ObjectNumber;
use crate::directory::schema::known;
use crate::directory::schema::syntax::integer;

/// The objects among which a search has to look.
#[derive(Debug)]
pub(super) struct Candidates<'t, 'f> {
    /// Them, ascending by number, each once.
    pub(super) objects: Vec<ObjectNumber>,
    /// What has to be tested still.
    pub(super) rest: Vec<&'t Test<'f>>,
    /// They come from an OR of equalities: the answer is in the order of their GUIDs.
    pub(super) by_guid: bool,
}

/// The candidates of a filter; `None` when no index helps.
pub(super) fn candidates<'t, 'f>(
    forest: &Forest,
    controller: &DomainController,
    test: &'t Test<'f>,
) -> Option<Candidates<'t, 'f>> {
    if let Test::And(tests) = test {
        return of_and(forest, controller, tests);
    }
    let by_guid = matches!(test, Test::Or(_));
    Some(Candidates { objects: exactly(forest, controller, test)?, rest: Vec::new(), by_guid })
}

/// The narrowest element of an AND gives the candidates; the others are tested.
fn of_and<'t, 'f>(
    forest: &Forest,
    controller: &DomainController,
    tests: &'t [Test<'f>],
) -> Option<Candidates<'t, 'f>> {
    let mut best: Option<(usize, Vec<ObjectNumber>)> = None;
    for (at, test) in tests.iter().enumerate() {
        if let Some(objects) = exactly(forest, controller, test)
            && best.as_ref().is_none_or(|(_, known)| objects.len() < known.len())
        {
            best = Some((at, objects));
        }
    }
    let (driving, objects) = best?;
    let rest = tests.iter().enumerate().filter(|(at, _)| *at != driving).map(|(_, test)| test);
    let by_guid = matches!(tests[driving], Test::Or(_));
    Some(Candidates { objects, rest: rest.collect(), by_guid })
}

/// Exactly the objects that satisfy a test, when an index knows them; ascending by number.
fn exactly(
    forest: &Forest,
    controller: &DomainController,
    test: &Test<'_>,
) -> Option<Vec<ObjectNumber>> {
    let store = &controller.store;
    match test {
        Test::Constant(Some(true)) | Test::Not(_) | Test::And(_) => None,
        Test::Constant(_) => Some(Vec::new()),
        Test::Guid(guid) => Some(store.by_guid(*guid).into_iter().collect()),
        Test::Object(object) => Some(vec![*object]),
        Test::Equal(attribute, value) => store.with_value(&forest.schema, attribute.number, value),
        Test::Or(tests) => {
            let mut objects = Vec::with_capacity(tests.len());
            for test in tests {
                objects.extend(exactly(forest, controller, test)?);
            }
            objects.sort_unstable();
            objects.dedup();
            Some(objects)
        }
        Test::Refers(attribute, target) => {
            let opposite = if attribute.is_back_link() {
                forest.schema.forward_link_of(attribute)
            } else {
                forest.schema.back_link_of(attribute)
            };
            let mut objects = references(forest, controller, *target, opposite?);
            objects.sort_unstable();
            Some(objects)
        }
        Test::Order(attribute, value, Ordering::Greater)
            if attribute.number == known::USN_CHANGED =>
        {
            let first = u64::try_from(integer(value)?).unwrap_or_default();
            let mut objects: Vec<ObjectNumber> =
                store.changed_from(first).map(|(_, object)| object).collect();
            objects.sort_unstable();
            Some(objects)
        }
        _ => None,
    }
}
