//! Search ([MS-ADTS] 3.1.1.3.1.3): scope, filter, limits, pages.
//!
//! The order of an answer is that of the objects' creation, except for an OR of values of indexed
//! attributes, which answers in the order of the objects' GUIDs. Pages follow that order, so a cookie
//! needs no state on the server: it says behind which object to go on, and what was asked.

use core::cell::Cell;
use std::sync::Arc;

use crate::clock::VirtualTime;
use crate::directory::answer::{LdapResult, Response, ResultCode, SearchHit, SearchHits};
use crate::directory::controls::Controls;
use crate::directory::cookie::{After, fingerprint, read_cookie, write_cookie};
use crate::directory::derived::{Look, View};
use crate::directory::diagnostic;
use crate::directory::entry::DcNumber;
use crate::directory::filter::{compile, compile_for, references};
use crate::directory::forest::{DomainController, Forest, NamingContext};
use crate::directory::plan::candidates;
use crate::directory::policies::Policy;
use crate::directory::principal::{Principal, Rights};
use crate::directory::request::{Control, ControlValue, ObjectNumber, Scope, SearchRequest, Sight};
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
        let base = Some(self.resolve(dc, &request.base)?);
        let place = Place { base, sight: Sight::Live, catalog: false };
        let reading = Reading::of(principal);
        self.found(controller, request, page, place, reading.as_ref())
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
        self.answer(dc, principal, now, request, controls, false)
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
        self.answer(dc, principal, now, request, controls, true)
    }

    fn answer(
        &self,
        dc: DcNumber,
        principal: &Principal,
        now: VirtualTime,
        request: &SearchRequest,
        controls: &[Control],
        catalog: bool,
    ) -> Response {
        let asked = match Controls::read(controls) {
            Ok(asked) => asked,
            Err(refusal) => return refusal.into(),
        };
        let reading = Reading::of(principal);
        let asker = Asker { dc, principal, now, catalog, reading: reading.as_ref() };
        let answer = self
            .with_statistics(&asker, request, &asked, || self.try_search(&asker, request, &asked));
        match answer {
            Ok(response) => response,
            Err(result) => result.into(),
        }
    }

    fn try_search(
        &self,
        asker: &Asker<'_>,
        request: &SearchRequest,
        asked: &Controls<'_>,
    ) -> Result<Response, LdapResult> {
        let controller = self.dc(asker.dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        let everywhere = asked.phantom_root || asker.catalog;
        if request.base.is_root() && request.scope == Scope::Base {
            let mut response = Response::from(LdapResult::success());
            response.entries.push(self.root_dse(controller, asker.now, asker.principal, request));
            return Ok(response);
        }
        if asker.principal.is_anonymous() {
            return Err(diagnostic::not_bound());
        }
        if asked.notification && !self.is_watchable(asker.dc, request) {
            return Err(diagnostic::unwilling(0x20B9));
        }
        if asked.notification {
            // What is there already is not told.
            self.resolve_seeing(asker.dc, &request.base, asked.sight)?;
            return Ok(LdapResult::success().into());
        }
        if let Some(changes) = &asked.changes {
            return self.changes(asker, controller, request, asked, changes);
        }
        if let Some(attribute) = asked.scoped {
            return self.attribute_scoped(asker, controller, request, asked, attribute);
        }
        if let Some(page) = asked.page
            && page.size == 0
        {
            if page.cookie.is_empty() {
                let comment = "Error processing control";
                return Err(diagnostic::ldap(ResultCode::OperationsError, 0x2020, comment));
            }
            return Ok(ended(LdapResult::success()));
        }
        if request.base.is_root() && !everywhere {
            return Err(diagnostic::no_such_object(""));
        }
        if asked.sort.is_some() || asked.window.is_some() {
            return self.sorted_answer(asker, controller, request, asked);
        }
        let found = self.hits(asker, controller, request, asked, asked.page)?;
        self.shown(asker, controller, request, asked, &found)
    }

    /// Answers a search with what it took, as far as that is asked for.
    fn with_statistics(
        &self,
        asker: &Asker<'_>,
        request: &SearchRequest,
        asked: &Controls<'_>,
        search: impl FnOnce() -> Result<Response, LdapResult>,
    ) -> Result<Response, LdapResult> {
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
    ) -> Result<SearchHits, LdapResult> {
        let place = self.place_of(asker, request, asked)?;
        self.found(controller, request, page, place, asker.reading)
    }

    /// Where a search looks.
    fn place_of(
        &self,
        asker: &Asker<'_>,
        request: &SearchRequest,
        asked: &Controls<'_>,
    ) -> Result<Place, LdapResult> {
        // Only administrators see what is deleted.
        let sees = asker.principal.rights == Rights::Full;
        let sight = if sees { asked.sight } else { Sight::Live };
        let base = if request.base.is_root() {
            None
        } else if sees || asked.sight == Sight::Live {
            Some(self.resolve_seeing(asker.dc, &request.base, asked.sight)?)
        } else {
            // The container itself can be named; it seems empty.
            Some(self.resolve_seeing(asker.dc, &request.base, Sight::Deleted)?)
        };
        Ok(Place { base, sight, catalog: asker.catalog })
    }

    fn found(
        &self,
        controller: &DomainController,
        request: &SearchRequest,
        page: Option<Page<'_>>,
        place: Place,
        reading: Option<&Reading<'_>>,
    ) -> Result<SearchHits, LdapResult> {
        let test = compile_for(self, controller, &request.filter, place.catalog)?;
        let plan = candidates(self, controller, &test);
        let by_guid = plan.as_ref().is_some_and(|plan| plan.by_guid);
        let fingerprint =
            if page.is_some() { fingerprint(controller.number, place.base, request) } else { 0 };
        let after = match page {
            Some(page) if !page.cookie.is_empty() => {
                Some(read_cookie(page.cookie, fingerprint).ok_or_else(diagnostic::bad_control)?)
            }
            _ => None,
        };
        let limit = self.limit(request, page, after);
        let Place { base, sight, .. } = place;
        let looks = Cell::new(self.policies.looks(request.time_limit));
        let scope = request.scope;
        let search = Search { forest: self, controller, base, scope, sight, reading, looks };
        let mut hits = match plan {
            Some(plan) => search.among(plan, &test, after),
            None => search.walk(&test, after.map(|after| after.number), limit.entries + 1),
        };
        let more = hits.len() > limit.entries;
        hits.truncate(limit.entries);
        let size_limit_exceeded = more && limit.last;
        let time_limit_exceeded = search.is_late();
        let mut answer =
            SearchHits { hits, cookie: None, size_limit_exceeded, time_limit_exceeded };
        if let (true, false, Some(last)) = (more, limit.last, answer.hits.last()) {
            let seen = limit.seen + u64::try_from(answer.hits.len()).unwrap_or(u64::MAX);
            answer.cookie = Some(write_cookie(by_guid, last, seen, fingerprint));
        }
        Ok(answer)
    }

    /// All hits of a search, whatever the limits.
    pub(super) fn all_hits(
        &self,
        asker: &Asker<'_>,
        controller: &DomainController,
        request: &SearchRequest,
        asked: &Controls<'_>,
    ) -> Result<Vec<SearchHit>, LdapResult> {
        let place = self.place_of(asker, request, asked)?;
        let test = compile_for(self, controller, &request.filter, place.catalog)?;
        let Place { base, sight, .. } = place;
        let looks = Cell::new(self.policies.looks(request.time_limit));
        let (scope, reading) = (request.scope, asker.reading);
        let search = Search { forest: self, controller, base, scope, sight, reading, looks };
        let hits = match candidates(self, controller, &test) {
            Some(plan) => search.among(plan, &test, None),
            None => search.walk(&test, None, usize::MAX),
        };
        if search.is_late() { Err(diagnostic::time_limit_exceeded()) } else { Ok(hits) }
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
                    let Some(slot) = controller.store.get(object) else { continue };
                    let look = asker.look(request, asked);
                    let view = View { look, ..View::new(self, controller, object, slot) };
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
        let asker = Asker { dc, principal: &principal, now, catalog: false, reading: None };
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
            let entry = self.rendered(controller, hit, &selection, look, request.types_only)?;
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
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker<'a> {
    pub(super) dc: DcNumber,
    pub(super) principal: &'a Principal,
    pub(super) now: VirtualTime,
    pub(super) catalog: bool,
    /// What the caller may read; `None`: everything.
    pub(super) reading: Option<&'a Reading<'a>>,
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
            base: request.scope == Scope::Base,
            principal: Some(self.principal),
            reading: self.reading,
        }
    }
}

/// Where a search looks, and what it sees there.
#[derive(Clone, Copy)]
struct Place {
    /// `None`: everything that the domain controller holds.
    base: Option<ObjectNumber>,
    sight: Sight,
    catalog: bool,
}

/// How many entries an answer may have.
struct Limit {
    entries: usize,
    /// Whether more than that is an error rather than a further page.
    last: bool,
    /// What earlier pages had.
    seen: u64,
}

/// The answer to a client that gives up a paged search.
fn ended(result: LdapResult) -> Response {
    let mut response = Response::from(result);
    let value = ControlValue::PagedResults { size: 0, cookie: Vec::new() };
    response.controls.push(Control { critical: false, value });
    response
}
