//! How a search comes by its hits: among the candidates of an index, by walking down a small subtree, or
//! by going through everything in the order of creation.

use core::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::directory::answer::SearchHit;
use crate::directory::cookie::After;
use crate::directory::derived::{Look, View};
use crate::directory::filter::Test;
use crate::directory::forest::{DomainController, Forest};
use crate::directory::plan::Candidates;
use crate::directory::progress::{Budget, LARGE};
use crate::directory::request::{ObjectNumber, Scope, Sight};
use crate::directory::security::reading::Reading;
use crate::directory::store::Slot;

/// A subtree with more objects than this is found by scanning in the order of creation; a smaller one
/// by walking down.
const WALK_LIMIT: usize = 4096;

/// A search: where it looks, what it sees, and at how many objects it may look.
pub(super) struct Search<'a> {
    pub(super) forest: &'a Forest,
    pub(super) controller: &'a DomainController,
    pub(super) base: Option<ObjectNumber>,
    pub(super) scope: Scope,
    pub(super) sight: Sight,
    /// What the caller may read; `None`: everything.
    pub(super) reading: Option<&'a Reading<'a>>,
    /// What it may still do.
    pub(super) budget: &'a Budget,
    /// Behind which object it goes on.
    pub(super) resume: Option<ObjectNumber>,
    /// The object that it looked at last.
    pub(super) last: Cell<Option<ObjectNumber>>,
}

impl Search<'_> {
    /// Looks at one more object; `false` when the time is up.
    fn look(&self, object: ObjectNumber) -> bool {
        let may = self.budget.look();
        if may {
            self.last.set(Some(object));
        }
        may
    }

    /// Whether the test holds of an object; what comparing large values costs is taken from the budget.
    fn holds(&self, test: &Test<'_>, view: &View<'_>) -> bool {
        let record = &view.slot.entry.record;
        if record.size() > LARGE {
            self.budget.compare(test.bytes_on(record));
        }
        test.holds(view) == Some(true)
    }

    /// The hits among the candidates of an index, in the order of creation.
    pub(super) fn among(
        &self,
        plan: &Candidates<'_, '_>,
        test: &Test<'_>,
        after: Option<After>,
    ) -> Vec<SearchHit> {
        let begin = self.resume.map_or(0, |last| plan.objects.partition_point(|at| *at <= last));
        let behind = |hit: &SearchHit| match after {
            None => true,
            Some(After { guid: Some(guid), .. }) => hit.entry.guid > guid,
            Some(After { number, .. }) => hit.object > number,
        };
        plan.objects[begin..]
            .iter()
            .copied()
            .take_while(|object| self.look(*object))
            .filter_map(|object| {
                let hit = self.hit(object)?;
                if !hit.entry.life.is_seen(self.sight) {
                    return None;
                }
                let view = self.view(object)?;
                // An index knows nothing of who may read the attribute.
                let holds = match self.reading {
                    Some(_) => self.holds(test, &view),
                    None => plan.rest.iter().all(|test| self.holds(test, &view)),
                };
                (holds && self.in_scope(&view) && view.is_listed()).then_some(hit)
            })
            .filter(behind)
            .collect()
    }

    /// The first hits found by walking, in the order of creation.
    pub(super) fn walk(
        &self,
        test: &Test<'_>,
        after: Option<ObjectNumber>,
        limit: usize,
    ) -> Vec<SearchHit> {
        let store = &self.controller.store;
        let matches = |object: &ObjectNumber| {
            self.view(*object).is_some_and(|view| {
                view.slot.entry.life.is_seen(self.sight)
                    && self.holds(test, &view)
                    && view.is_listed()
            })
        };
        let after = after.max(self.resume);
        let behind = |object: &ObjectNumber| after.is_none_or(|after| *object > after);
        let hits = |objects: &mut dyn Iterator<Item = ObjectNumber>| {
            objects
                .take_while(|object| self.look(*object))
                .filter(matches)
                .take(limit)
                .filter_map(|object| self.hit(object))
                .collect()
        };
        match (self.scope, self.base) {
            (Scope::Base, base) => hits(&mut base.into_iter().filter(behind)),
            (Scope::OneLevel, Some(base)) => hits(&mut store.children_after(base, after)),
            (Scope::OneLevel, None) => Vec::new(),
            (Scope::Subtree, None) => self.scan(None, test, after, limit),
            (Scope::Subtree, Some(base)) => match self.small_subtree(base) {
                Some(objects) => hits(&mut objects.into_iter().filter(behind)),
                None => self.scan(Some(base), test, after, limit),
            },
        }
    }

    /// Every object of a small subtree in the order of creation; `None` when it is large.
    fn small_subtree(&self, base: ObjectNumber) -> Option<Vec<ObjectNumber>> {
        let mut objects = vec![base];
        let mut next = 0;
        while let Some(object) = objects.get(next).copied() {
            for child in self.controller.store.children_after(object, None) {
                if objects.len() >= WALK_LIMIT {
                    return None;
                }
                objects.push(child);
            }
            next += 1;
        }
        objects.sort_unstable();
        Some(objects)
    }

    /// Scans all objects in the order of creation; whether a parent lies in the subtree is worked out
    /// once for each parent.
    fn scan(
        &self,
        base: Option<ObjectNumber>,
        test: &Test<'_>,
        after: Option<ObjectNumber>,
        limit: usize,
    ) -> Vec<SearchHit> {
        let mut inside: BTreeMap<ObjectNumber, bool> = BTreeMap::new();
        let mut last: Option<(ObjectNumber, bool)> = None;
        let mut hits = Vec::new();
        for (object, slot) in self.controller.store.iter_after(after) {
            if !self.look(object) {
                break;
            }
            if !slot.entry.life.is_seen(self.sight) {
                continue;
            }
            let within = match (base, slot.entry.parent) {
                (None, _) => true,
                (Some(base), Some(parent)) => match last {
                    Some((known, within)) if known == parent => within,
                    _ => {
                        let within = *inside.entry(parent).or_insert_with(|| {
                            self.controller.store.get(parent).is_some_and(|slot| {
                                Forest::is_within(self.controller, parent, slot, base)
                            })
                        });
                        last = Some((parent, within));
                        within
                    }
                },
                (Some(_), None) => false,
            };
            if !within && Some(object) != base {
                continue;
            }
            let view = self.seen(object, slot);
            if self.holds(test, &view) && view.is_listed() {
                let entry = Arc::clone(&slot.entry);
                hits.push(SearchHit { object, entry, stamp: slot.stamp });
                if hits.len() >= limit {
                    break;
                }
            }
        }
        hits
    }

    fn in_scope(&self, view: &View<'_>) -> bool {
        let Some(base) = self.base else { return self.scope == Scope::Subtree };
        match self.scope {
            Scope::Base => view.object == base,
            Scope::OneLevel => view.slot.entry.parent == Some(base),
            Scope::Subtree => Forest::is_within(self.controller, view.object, view.slot, base),
        }
    }

    fn view(&self, object: ObjectNumber) -> Option<View<'_>> {
        let slot = self.controller.store.get(object)?;
        Some(self.seen(object, slot))
    }

    fn seen<'v>(&'v self, object: ObjectNumber, slot: &'v Slot) -> View<'v> {
        let look = Look { reading: self.reading, ..Look::default() };
        View { look, ..View::new(self.forest, self.controller, object, slot) }
    }

    fn hit(&self, object: ObjectNumber) -> Option<SearchHit> {
        let slot = self.controller.store.get(object)?;
        Some(SearchHit { object, entry: Arc::clone(&slot.entry), stamp: slot.stamp })
    }
}
