//! Where a search looks: below its base, or all over the naming contexts and domains of the forest.

use crate::directory::answer::LdapResult;
use crate::directory::controls::Controls;
use crate::directory::derived::View;
use crate::directory::diagnostic;
use crate::directory::forest::{DomainController, Forest};
use crate::directory::name::Dn;
use crate::directory::principal::Rights;
use crate::directory::request::{Name, ObjectNumber, Scope, SearchRequest, Sight};
use crate::directory::search::Asker;
use crate::directory::security::reading::Reading;

/// Where a search looks, and what it sees there.
pub(super) struct Where<'f> {
    pub(super) places: Vec<Place<'f>>,
    pub(super) sight: Sight,
    pub(super) catalog: bool,
    /// What is answered when nothing is found, because the caller does not see the base itself.
    pub(super) unseen: Option<LdapResult>,
}

/// A part of where a search looks.
#[derive(Clone, Copy)]
pub(super) struct Place<'f> {
    /// The domain controller that holds it.
    pub(super) holder: &'f DomainController,
    pub(super) base: Option<ObjectNumber>,
    pub(super) scope: Scope,
}

impl Forest {
    /// Where a search looks.
    pub(super) fn place_of<'f>(
        &'f self,
        asker: &Asker<'_>,
        controller: &'f DomainController,
        request: &SearchRequest,
        asked: &Controls<'_>,
    ) -> Result<Where<'f>, LdapResult> {
        let sight = self.sight_of(asker, asked);
        // To others the container itself can be named; it seems empty.
        let named = if sight == asked.sight { sight } else { Sight::Deleted };
        let (scope, catalog) = (request.scope, asker.catalog);
        if catalog || asked.phantom_root {
            let places = self.places_everywhere(controller, request, named, catalog)?;
            return Ok(Where { places, sight, catalog, unseen: None });
        }
        let base = self.resolve_seeing(asker.dc, &request.base, named)?;
        let unseen = self.check_visible(controller, base, asker.reading).err();
        let places = vec![Place { holder: controller, base: Some(base), scope }];
        Ok(Where { places, sight, catalog, unseen })
    }

    /// Which deleted objects a caller sees: administrators those that are asked for, others none.
    pub(super) fn sight_of(&self, asker: &Asker<'_>, asked: &Controls<'_>) -> Sight {
        if asker.principal.rights == Rights::Full { asked.sight } else { Sight::Live }
    }

    /// Refuses a base that the caller may not see as one that is not there: the best match is the nearest
    /// object above that it sees ([MS-ADTS] 3.1.1.3.1.3, 3.1.1.4.3).
    pub(super) fn check_visible(
        &self,
        controller: &DomainController,
        base: ObjectNumber,
        reading: Option<&Reading<'_>>,
    ) -> Result<(), LdapResult> {
        let Some(reading) = reading else { return Ok(()) };
        let is_seen = |object: &ObjectNumber| {
            let slot = controller.store.get(*object);
            slot.is_none_or(|slot| reading.may_list(&View::new(self, controller, *object, slot)))
        };
        if is_seen(&base) {
            return Ok(());
        }
        let above = |object: &ObjectNumber| controller.store.get(*object)?.entry.parent;
        let matched = core::iter::successors(above(&base), above).find(is_seen);
        let matched = matched.map(|object| self.dn(controller, object));
        Err(diagnostic::no_such_object(&matched.unwrap_or_default()))
    }

    /// Where a search looks that goes over the naming contexts as if they were one tree: those that the
    /// domain controller holds, and as a global catalog those of the other domains too
    /// ([MS-ADTS] 3.1.1.3.4.1.12, SEARCH_FLAG_PHANTOM_ROOT). The base need not be there.
    fn places_everywhere<'f>(
        &'f self,
        controller: &'f DomainController,
        request: &SearchRequest,
        sight: Sight,
        catalog: bool,
    ) -> Result<Vec<Place<'f>>, LdapResult> {
        let scope = request.scope;
        let mut places = Vec::new();
        let mut above = Dn { rdns: Vec::new() };
        if !request.base.is_root() {
            let found = if catalog {
                self.resolve_in_forest(controller.number, &request.base, sight)
            } else {
                self.resolve_seeing(controller.number, &request.base, sight)
            };
            above = match (&found, &request.base) {
                (Ok(base), _) => Dn::parse(&self.dn(controller, *base)),
                (Err(_), Name::Dn(text)) => Dn::parse(text),
                (Err(refusal), _) => return Err(refusal.clone()),
            }
            .map_err(|_| diagnostic::no_such_object(""))?;
            match found {
                Ok(base) => {
                    let holder = self.holder(controller, base);
                    places.push(Place { holder, base: Some(base), scope });
                }
                Err(refusal) if !self.has_context_below(&above) => return Err(refusal),
                Err(_) => {}
            }
        }
        if scope == Scope::Base {
            return Ok(places);
        }
        for context in &self.contexts {
            let depth = context.dn.rdns.len().saturating_sub(above.rdns.len());
            let below = depth > 0 && context.dn.ends_with(&above);
            // What is directly below is a child; a whole one-level search from the root finds nothing.
            let one_level = scope == Scope::OneLevel;
            let holder = self.holder(controller, context.head);
            let held = if catalog { !context.zone } else { holder.number == controller.number };
            let held = held && holder.store.get(context.head).is_some();
            if below && held && (!one_level || (depth == 1 && !above.rdns.is_empty())) {
                let scope = if one_level { Scope::Base } else { scope };
                places.push(Place { holder, base: Some(context.head), scope });
            }
        }
        Ok(places)
    }

    fn has_context_below(&self, above: &Dn) -> bool {
        self.contexts.iter().any(|context| context.dn.ends_with(above))
    }
}
