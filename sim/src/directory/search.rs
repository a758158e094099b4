//! Search ([MS-ADTS] 3.1.1.3.1.3): scope, filter, limits, pages.
//!
//! The order of an answer is that of the objects' creation, except for an OR of values of indexed
//! attributes, which answers in the order of the objects' GUIDs. Pages follow that order, so a cookie
//! needs no state on the server: it says behind which object to go on, and what was asked.

use core::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::clock::VirtualTime;
use crate::directory::answer::{LdapResult, Response, ResultCode, SearchHit, SearchHits};
use crate::directory::controls::Controls;
use crate::directory::cookie::{After, fingerprint, mark, read_cookie, write_cookie};
use crate::directory::derived::{Look, View};
use crate::directory::diagnostic;
use crate::directory::entry::DcNumber;
use crate::directory::filter::{Test, compile, compile_for, references};
use crate::directory::forest::{DomainController, Forest, NamingContext};
use crate::directory::places::{Place, Where};
use crate::directory::plan::candidates;
use crate::directory::policies::Policy;
use crate::directory::principal::Principal;
use crate::directory::progress::{self, Budget, Run, SearchPart, SearchProgress, Stop};
use crate::directory::request::{Control, ControlValue, Scope, SearchRequest, Sight};
use crate::directory::root_dse::is_failed_ping;
use crate::directory::security::reading::Reading;
use crate::directory::statistics;
use crate::directory::walk::Search;

/// A page of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<'c> {
    /// At most this many entries; 0: the server's own limit.
    pub size: u32,
    /// Where to go on; empty at the start.
    pub cookie: &'c [u8],
}

impl Forest {
    /// Finds objects: for callers in process, who read values by number.
    ///
    /// # Errors
    /// Not bound (1/04DC), the base's errors (10, 32, 34), the filter's (18), a cookie that does not
    /// belong to the search (12/0057).
    pub fn search_hits(
        &self,
        dc: DcNumber,
        principal: &Principal,
        request: &SearchRequest,
        page: Option<Page<'_>>,
    ) -> Result<SearchHits, LdapResult> {
        if principal.is_anonymous() {
            return Err(diagnostic::not_bound());
        }
        let Some(controller) = self.dc(dc) else { return Err(diagnostic::no_such_object("")) };
        let base = self.resolve(dc, &request.base)?;
        let places = vec![Place { holder: controller, base: Some(base), scope: request.scope }];
        let place = Where { places, sight: Sight::Live, catalog: false, unseen: None };
        let reading = Reading::of(principal);
        let run = Run::default();
        let found = self.found(controller, request, page, &place, (reading.as_ref(), &run));
        found.map_err(Stop::whole)
    }

    /// A search with everything that a client sees.
    #[must_use]
    pub fn search(
        &self,
        dc: DcNumber,
        principal: &Principal,
        now: VirtualTime,
        request: &SearchRequest,
        controls: &[Control],
    ) -> Response {
        let part = (false, Run::default());
        self.answer(dc, principal, now, request, controls, part)
            .unwrap_or_else(Response::from_pause)
    }

    /// As [`Self::search`], as the global catalog answers: every domain of the forest, and of every
    /// object the partial attribute set ([MS-ADTS] 3.1.1.3.1.1.2).
    #[must_use]
    pub fn search_catalog(
        &self,
        dc: DcNumber,
        principal: &Principal,
        now: VirtualTime,
        request: &SearchRequest,
        controls: &[Control],
    ) -> Response {
        let part = (true, Run::default());
        self.answer(dc, principal, now, request, controls, part)
            .unwrap_or_else(Response::from_pause)
    }

    /// As [`Self::search`], or [`Self::search_catalog`], in parts of [`progress::SLICE`]: whoever serves
    /// others too lets them in between. What changes in between may be seen or not, as on a domain
    /// controller.
    #[must_use]
    pub fn search_part(
        &self,
        (dc, catalog): (DcNumber, bool),
        principal: &Principal,
        now: VirtualTime,
        request: &SearchRequest,
        controls: &[Control],
        progress: Option<SearchProgress>,
    ) -> SearchPart {
        let run = Run { slice: Some(progress::SLICE), progress: RefCell::new(progress) };
        match self.answer(dc, principal, now, request, controls, (catalog, run)) {
            Ok(response) => SearchPart::Done(response),
            Err(progress) => SearchPart::More(progress),
        }
    }

    fn answer(
        &self,
        dc: DcNumber,
        principal: &Principal,
        now: VirtualTime,
        request: &SearchRequest,
        controls: &[Control],
        (catalog, run): (bool, Run),
    ) -> Result<Response, SearchProgress> {
        let asked = match Controls::read(controls) {
            Ok(asked) => asked,
            Err(refusal) => return Ok(refusal.into()),
        };
        let principal = &*self.admitted(principal);
        let reading = Reading::of(principal);
        let asker = Asker { dc, principal, now, catalog, reading: reading.as_ref(), run };
        let answer = self
            .with_statistics(&asker, request, &asked, || self.try_search(&asker, request, &asked));
        match answer {
            Ok(response) => Ok(response),
            Err(Stop::Refused(mut result)) => {
                self.heuristics.hide(&mut result);
                Ok(result.into())
            }
            Err(Stop::Unfinished(progress)) => Err(progress),
        }
    }

    fn try_search(
        &self,
        asker: &Asker<'_>,
        request: &SearchRequest,
        asked: &Controls<'_>,
    ) -> Result<Response, Stop> {
        let controller = self.dc(asker.dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        let everywhere = asked.phantom_root || asker.catalog;
        if request.base.is_root() && request.scope == Scope::Base {
            let mut response = Response::from(LdapResult::success());
            if !is_failed_ping(request) {
                response.entries.push(self.root_dse(controller, asker, request, asked.input));
            }
            return Ok(response);
        }
        if asker.principal.is_anonymous() {
            return Err(diagnostic::not_bound().into());
        }
        if asked.notification && !self.is_watchable(asker.dc, request) {
            return Err(diagnostic::unwilling(0x20B9).into());
        }
        if asked.notification {
            // What is there already is not told.
            self.resolve_seeing(asker.dc, &request.base, asked.sight)?;
            return Ok(LdapResult::success().into());
        }
        if let Some(changes) = &asked.changes {
            return Ok(self.changes(asker, controller, request, asked, changes)?);
        }
        if let Some(attribute) = asked.scoped {
            return Ok(self.attribute_scoped(asker, controller, request, asked, attribute)?);
        }
        if let Some(page) = asked.page
            && page.size == 0
        {
            if page.cookie.is_empty() {
                let comment = "Error processing control";
                return Err(diagnostic::ldap(ResultCode::OperationsError, 0x2020, comment).into());
            }
            // Given up: there is no page to speak of.
            return Ok(LdapResult::success().into());
        }
        if request.base.is_root() && !everywhere {
            return Err(diagnostic::no_such_object("").into());
        }
        if asked.sort.is_some() || asked.window.is_some() {
            return self.sorted_answer(asker, controller, request, asked);
        }
        let found = self.hits(asker, controller, request, asked, asked.page)?;
        Ok(self.shown(asker, controller, request, asked, &found)?)
    }

    /// Answers a search with what it took, as far as that is asked for.
    fn with_statistics(
        &self,
        asker: &Asker<'_>,
        request: &SearchRequest,
        asked: &Controls<'_>,
        search: impl FnOnce() -> Result<Response, Stop>,
    ) -> Result<Response, Stop> {
        let Some(options) = asked.statistics else { return search() };
        let statistics = self.statistics_of_search(asker, request, options)?;
        let mut response = search()?;
        if let Some(mut statistics) = statistics {
            statistics.returned = response.entries.len();
            if options & statistics::ONLY_OPTIMIZE != 0 {
                response.entries.clear();
                response.references.clear();
            }
            let value = ControlValue::SearchStatisticsResult(statistics);
            response.controls.push(Control { critical: false, value });
        }
        Ok(response)
    }

    /// The hits of a search that are shown to this caller.
    pub(super) fn hits(
        &self,
        asker: &Asker<'_>,
        controller: &DomainController,
        request: &SearchRequest,
        asked: &Controls<'_>,
        page: Option<Page<'_>>,
    ) -> Result<SearchHits, Stop> {
        let place = self.place_of(asker, controller, request, asked)?;
        self.found(controller, request, page, &place, (asker.reading, &asker.run))
    }

    fn found(
        &self,
        controller: &DomainController,
        request: &SearchRequest,
        page: Option<Page<'_>>,
        place: &Where<'_>,
        (reading, run): (Option<&Reading<'_>>, &Run),
    ) -> Result<SearchHits, Stop> {
        let test = compile_for(self, controller, &request.filter, place.catalog)?;
        let first = place.places.first().and_then(|place| place.base);
        let seeing = match place.sight {
            Sight::Live => 0,
            Sight::Deleted => 1,
            Sight::Recycled => 2,
        };
        let fingerprint = match page {
            Some(_) => fingerprint(controller.number, first, request).wrapping_add(seeing),
            None => 0,
        };
        let after = match page {
            Some(page) if !page.cookie.is_empty() => {
                Some(read_cookie(page.cookie, fingerprint).ok_or_else(diagnostic::bad_control)?)
            }
            _ => None,
        };
        let limit = self.limit(request, page, after);
        let budget = Budget::new(&self.policies, request.time_limit, &test, run);
        let most = limit.entries.saturating_add(1);
        let (mut hits, by_guid) =
            self.hits_of(place, &test, (reading, run, &budget), after, most)?;
        if let (true, None, Some(refusal)) = (hits.is_empty(), after, &place.unseen) {
            return Err(refusal.clone().into());
        }
        let more = hits.len() > limit.entries;
        hits.truncate(limit.entries);
        let size_limit_exceeded = more && limit.last;
        let time_limit_exceeded = budget.is_late();
        let mut answer =
            SearchHits { hits, cookie: None, size_limit_exceeded, time_limit_exceeded };
        if let (true, false, Some(last)) = (more, limit.last, answer.hits.last()) {
            let seen = limit.seen + u64::try_from(answer.hits.len()).unwrap_or(u64::MAX);
            answer.cookie = Some(write_cookie(by_guid, last, seen, fingerprint));
        }
        Ok(answer)
    }

    /// The hits of a search in the order of the answer, and whether that is the order of their GUIDs; of
    /// each place at least the first `most`.
    fn hits_of(
        &self,
        place: &Where<'_>,
        test: &Test<'_>,
        (reading, run, budget): (Option<&Reading<'_>>, &Run, &Budget),
        after: Option<After>,
        most: usize,
    ) -> Result<(Vec<SearchHit>, bool), Stop> {
        let mut at = run.progress.take().unwrap_or_default();
        let mut by_guid = false;
        for (number, part) in place.places.iter().enumerate().skip(at.place) {
            let search = Search {
                forest: self,
                controller: part.holder,
                base: part.base,
                scope: part.scope,
                sight: place.sight,
                reading,
                budget,
                resume: at.last.take(),
                last: Cell::new(None),
            };
            let found = match candidates(self, part.holder, test) {
                Some(plan) => {
                    by_guid = plan.by_guid;
                    search.among(&plan, test, after)
                }
                None => {
                    let left = most.saturating_sub(at.here);
                    search.walk(test, after.map(|after| after.number), left)
                }
            };
            at.here += found.len();
            if at.hits.is_empty() {
                at.hits = found;
            } else {
                at.hits.extend(found);
            }
            if budget.is_paused() && (by_guid || at.here < most) {
                at.place = number;
                at.last = search.last.get().or(search.resume);
                return Err(Stop::Unfinished(budget.pause(at)));
            }
            at.here = 0;
        }
        let mut hits = at.hits;
        if by_guid {
            hits.sort_unstable_by_key(|hit| hit.entry.guid);
        } else if place.places.len() > 1 {
            hits.sort_unstable_by_key(|hit| hit.object);
        }
        Ok((hits, by_guid))
    }

    /// All hits of a search, whatever the limits.
    pub(super) fn all_hits(
        &self,
        asker: &Asker<'_>,
        controller: &DomainController,
        request: &SearchRequest,
        asked: &Controls<'_>,
    ) -> Result<Vec<SearchHit>, Stop> {
        let place = self.place_of(asker, controller, request, asked)?;
        let test = compile_for(self, controller, &request.filter, place.catalog)?;
        let budget = Budget::new(&self.policies, request.time_limit, &test, &asker.run);
        let how = (asker.reading, &asker.run, &budget);
        let (hits, _) = self.hits_of(&place, &test, how, None, usize::MAX)?;
        if let (true, Some(refusal)) = (hits.is_empty(), place.unseen) {
            return Err(refusal.into());
        }
        if budget.is_late() { Err(diagnostic::time_limit_exceeded().into()) } else { Ok(hits) }
    }

    /// The objects that an attribute of the base refers to, searched instead of the base
    /// ([MS-ADTS] 3.1.1.3.4.1.18).
    fn attribute_scoped(
        &self,
        asker: &Asker<'_>,
        controller: &DomainController,
        request: &SearchRequest,
        asked: &Controls<'_>,
        attribute: &str,
    ) -> Result<Response, LdapResult> {
        if asked.page.is_some() && asked.window.is_some() {
            return Err(diagnostic::bad_control());
        }
        let base = self.resolve_seeing(asker.dc, &request.base, asked.sight)?;
        let mut found = SearchHits::default();
        let mut code = ResultCode::Success;
        let definition = self.schema.attribute_named(attribute);
        if request.scope != Scope::Base {
            code = ResultCode::UnwillingToPerform;
        } else if let Some(attribute) = definition {
            if attribute.syntax.is_reference() {
                let test = compile(self, controller, &request.filter)?;
                let mut targets = references(self, controller, base, attribute);
                targets.dedup();
                for object in targets {
                    let at =
                        if asker.catalog { self.holder(controller, object) } else { controller };
                    let Some(slot) = at.store.get(object) else { continue };
                    let look = asker.look(request, asked);
                    let view = View { look, ..View::new(self, at, object, slot) };
                    let holds = || test.holds(&view) == Some(true) && view.is_listed();
                    if slot.entry.life.is_seen(asked.sight) && holds() {
                        let entry = Arc::clone(&slot.entry);
                        found.hits.push(SearchHit { object, entry, stamp: slot.stamp });
                    }
                }
            } else {
                code = ResultCode::InvalidAttributeSyntax;
            }
        }
        if asked.page.is_some() {
            let mark = mark(controller.number, Some(base), request, asked);
            let kept = self.kept(asker, controller, request, asked, mark)?;
            found = self.sorted_page(request, asked, kept.unwrap_or((found.hits, 0)), mark);
        }
        let mut response = self.shown(asker, controller, request, asked, &found)?;
        response.references.clear();
        let value = ControlValue::AttributeScopedResult(code);
        response.controls.push(Control { critical: false, value });
        Ok(response)
    }

    /// What a client sees of the hits of a search.
    #[must_use]
    pub fn render(
        &self,
        dc: DcNumber,
        request: &SearchRequest,
        controls: &[Control],
        found: &SearchHits,
    ) -> Response {
        let Some(controller) = self.dc(dc) else { return diagnostic::no_such_object("").into() };
        let principal = Principal::system();
        let now = VirtualTime::from_micros(0);
        let run = Run::default();
        let asker = Asker { dc, principal: &principal, now, catalog: false, reading: None, run };
        let shown = Controls::read(controls)
            .and_then(|asked| self.shown(&asker, controller, request, &asked, found));
        shown.unwrap_or_else(Response::from)
    }

    /// What a client sees of hits: entries, references, and what the page says.
    pub(super) fn shown(
        &self,
        asker: &Asker<'_>,
        controller: &DomainController,
        request: &SearchRequest,
        asked: &Controls<'_>,
        found: &SearchHits,
    ) -> Result<Response, LdapResult> {
        if let Some((least, most)) = asked.expected {
            let count = u32::try_from(found.hits.len()).unwrap_or(u32::MAX);
            if count < least || (most != 0 && count > most) {
                let problem = diagnostic::ServiceProblem::DirError;
                let code = ResultCode::ConstraintViolation;
                return Err(diagnostic::service(code, problem, 0x202F));
            }
        }
        let selection = self.selection(&request.selection);
        let look = asker.look(request, asked);
        let mut response = Response::from(LdapResult::success());
        response.entries.reserve_exact(found.hits.len());
        for hit in &found.hits {
            let holder = self.holder(controller, hit.object);
            let look = Look { foreign: holder.number != controller.number, ..look };
            let entry = self.rendered(holder, hit, &selection, look, request.types_only)?;
            response.entries.push(entry);
        }
        if found.size_limit_exceeded {
            response.result = diagnostic::size_limit_exceeded();
        }
        if found.time_limit_exceeded {
            response.result = diagnostic::time_limit_exceeded();
        }
        let everywhere = asked.phantom_root || asker.catalog || asked.no_references;
        if found.cookie.is_none() && !everywhere && request.scope != Scope::Base {
            response.references = self.subordinate_references(controller, request);
        }
        if asked.page.is_some() {
            let cookie = found.cookie.clone().unwrap_or_default();
            let value = ControlValue::PagedResults { size: 0, cookie };
            response.controls.push(Control { critical: false, value });
        }
        Ok(response)
    }

    /// References to the naming contexts directly below a naming context's head.
    fn subordinate_references(
        &self,
        controller: &DomainController,
        request: &SearchRequest,
    ) -> Vec<String> {
        let Ok(base) = self.resolve(controller.number, &request.base) else { return Vec::new() };
        let Some(context) = self.contexts.iter().find(|context| context.head == base) else {
            return Vec::new();
        };
        let below = self.contexts.iter().filter(|other| {
            other.dn.rdns.len() == context.dn.rdns.len() + 1 && other.dn.ends_with(&context.dn)
        });
        let one_level = if request.scope == Scope::OneLevel { "??base" } else { "" };
        below
            .map(|other| {
                format!("ldap://{}/{}{one_level}", self.host_of(controller, other), other.text)
            })
            .collect()
    }

    /// The DNS name under which a naming context is found.
    fn host_of(&self, controller: &DomainController, context: &NamingContext) -> String {
        if context.zone {
            let labels: Vec<&str> = context.dn.rdns.iter().map(|rdn| rdn.value.as_str()).collect();
            return labels.join(".");
        }
        let domain = context.domain.or(Some(controller.domain));
        let domain = domain.and_then(|domain| self.domain(domain));
        domain.map_or_else(String::new, |domain| domain.dns.clone())
    }

    fn limit(
        &self,
        request: &SearchRequest,
        page: Option<Page<'_>>,
        after: Option<After>,
    ) -> Limit {
        let own = self.policies.of(Policy::MaxPageSize);
        let seen = after.map_or(0, |after| after.seen);
        let asked = if request.size_limit == 0 { u64::MAX } else { u64::from(request.size_limit) };
        let left = asked.saturating_sub(seen);
        let step = match page {
            Some(page) if page.size > 0 => page.size.min(own),
            _ => own,
        };
        let entries = usize::try_from(left.min(u64::from(step))).unwrap_or(usize::MAX - 1);
        // Without paging there is no next page; with paging a size limit counts all pages together.
        let last = page.is_none() || left <= u64::from(step);
        Limit { entries, last, seen }
    }
}

/// Who asks, where, and when.
#[derive(Debug)]
pub(super) struct Asker<'a> {
    pub(super) dc: DcNumber,
    pub(super) principal: &'a Principal,
    pub(super) now: VirtualTime,
    pub(super) catalog: bool,
    /// What the caller may read; `None`: everything.
    pub(super) reading: Option<&'a Reading<'a>>,
    /// In how many parts.
    pub(super) run: Run,
}

impl<'a> Asker<'a> {
    /// How the caller wants to see objects.
    pub(super) fn look(&self, request: &SearchRequest, asked: &Controls<'_>) -> Look<'a> {
        Look {
            extended_dn: asked.extended_dn,
            deactivated_links: asked.deactivated_links,
            descriptor: asked.descriptor,
            range_without_error: asked.range_without_error,
            catalog: self.catalog,
            foreign: false,
            base: request.scope == Scope::Base,
            principal: Some(self.principal),
            reading: self.reading,
        }
    }
}

/// How many entries an answer may have.
struct Limit {
    entries: usize,
    /// Whether more than that is an error rather than a further page.
    last: bool,
    /// What earlier pages had.
    seen: u64,
}
