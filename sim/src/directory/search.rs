//! Search ([MS-ADTS] 3.1.1.3.1.3): scope, filter, limits, pages.
//!
//! The order of an answer is that of the objects' creation, except for an OR of values of indexed
//! attributes, which answers in the order of the objects' GUIDs. Pages follow that order, so a cookie
//! needs no state on the server: it says behind which object to go on, and what was asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHasher;

use crate::clock::VirtualTime;
use crate::directory::answer::{LdapResult, Response, SearchHit, SearchHits};
use crate::directory::derived::View;
use crate::directory::diagnostic;
use crate::directory::entry::DcNumber;
use crate::directory::filter::{Test, compile};
use crate::directory::forest::{DomainController, Forest};
use crate::directory::plan::{Candidates, candidates};
use crate::directory::principal::Principal;
use crate::directory::request::{Control, ControlValue, Name, ObjectNumber, Scope, SearchRequest};
use crate::guid::Guid;

/// A page of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<'c> {
    /// At most this many entries; 0: the server's own limit.
    pub size: u32,
    /// Where to go on; empty at the start.
    pub cookie: &'c [u8],
}

/// A subtree with more objects than this is found by scanning in the order of creation; a smaller one
/// by walking down.
const WALK_LIMIT: usize = 4096;

/// Where a cookie goes on, with what it belongs to.
const COOKIE_LENGTH: usize = 1 + 16 + 8;

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
        let test = compile(self, controller, &request.filter)?;
        let plan = candidates(self, controller, &test);
        let by_guid = plan.as_ref().is_some_and(|plan| plan.by_guid);
        let fingerprint = if page.is_some() { fingerprint(dc, base, request) } else { 0 };
        let after = match page {
            Some(page) if !page.cookie.is_empty() => {
                Some(read_cookie(page.cookie, fingerprint).ok_or_else(diagnostic::bad_control)?)
            }
            _ => None,
        };
        let limit = self.limit(request, page, after);
        let search = Search { forest: self, controller, base, scope: request.scope };
        let mut hits = match plan {
            Some(plan) => search.among(plan, after),
            None => search.walk(&test, after.map(|after| after.number), limit.entries + 1),
        };
        let more = hits.len() > limit.entries;
        hits.truncate(limit.entries);
        let mut answer = SearchHits { hits, cookie: None, size_limit_exceeded: more && limit.last };
        if let (true, false, Some(last)) = (more, limit.last, answer.hits.last()) {
            let seen = limit.seen + u64::try_from(answer.hits.len()).unwrap_or(u64::MAX);
            answer.cookie = Some(write_cookie(by_guid, last, seen, fingerprint));
        }
        Ok(answer)
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
        match self.try_search(dc, principal, now, request, controls) {
            Ok(response) => response,
            Err(result) => result.into(),
        }
    }

    fn try_search(
        &self,
        dc: DcNumber,
        principal: &Principal,
        now: VirtualTime,
        request: &SearchRequest,
        controls: &[Control],
    ) -> Result<Response, LdapResult> {
        let Some(controller) = self.dc(dc) else { return Err(diagnostic::no_such_object("")) };
        if request.scope == Scope::Base && request.base == Name::Dn(String::new()) {
            let mut response = Response::from(LdapResult::success());
            response.entries.push(self.root_dse(controller, now, request));
            return Ok(response);
        }
        if page_of(controls).is_some_and(|page| page.size == 0 && !page.cookie.is_empty()) {
            return Ok(ended(LdapResult::success()));
        }
        let found = self.search_hits(dc, principal, request, page_of(controls))?;
        Ok(self.shown(controller, request, controls, &found))
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
        match self.dc(dc) {
            Some(controller) => self.shown(controller, request, controls, found),
            None => diagnostic::no_such_object("").into(),
        }
    }

    fn shown(
        &self,
        controller: &DomainController,
        request: &SearchRequest,
        controls: &[Control],
        found: &SearchHits,
    ) -> Response {
        let selection = self.selection(&request.selection);
        let mut response = Response::from(LdapResult::success());
        response.entries = found
            .hits
            .iter()
            .map(|hit| self.rendered(controller, hit, &selection, request.types_only))
            .collect();
        if found.size_limit_exceeded {
            response.result = diagnostic::size_limit_exceeded();
        }
        let domain_scope =
            controls.iter().any(|control| control.value == ControlValue::DomainScope);
        if found.cookie.is_none() && !domain_scope && request.scope == Scope::Subtree {
            response.references = self.subordinate_references(controller, &request.base);
        }
        if page_of(controls).is_some() {
            let cookie = found.cookie.clone().unwrap_or_default();
            let value = ControlValue::PagedResults { size: 0, cookie };
            response.controls.push(Control { critical: false, value });
        }
        response
    }

    /// References to the naming contexts directly below a naming context's head.
    fn subordinate_references(&self, controller: &DomainController, base: &Name) -> Vec<String> {
        let Ok(base) = self.resolve(controller.number, base) else { return Vec::new() };
        let Some(context) = self.contexts.iter().find(|context| context.head == base) else {
            return Vec::new();
        };
        let below = self.contexts.iter().filter(|other| {
            other.dn.rdns.len() == context.dn.rdns.len() + 1 && other.dn.ends_with(&context.dn)
        });
        below
            .map(|other| {
                let domain = other.domain.or(Some(controller.domain));
                let host = domain.and_then(|domain| self.domain(domain));
                format!("ldap://{}/{}", host.map_or("", |domain| domain.dns.as_str()), other.text)
            })
            .collect()
    }

    fn limit(
        &self,
        request: &SearchRequest,
        page: Option<Page<'_>>,
        after: Option<After>,
    ) -> Limit {
        let own = self.policies.max_page_size;
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

fn page_of(controls: &[Control]) -> Option<Page<'_>> {
    controls.iter().find_map(|control| match &control.value {
        ControlValue::PagedResults { size, cookie } => Some(Page { size: *size, cookie }),
        _ => None,
    })
}

/// How many entries an answer may have.
struct Limit {
    entries: usize,
    /// Whether more than that is an error rather than a further page.
    last: bool,
    /// What earlier pages had.
    seen: u64,
}

/// Behind which object a page begins.
#[derive(Clone, Copy)]
struct After {
    number: ObjectNumber,
    guid: Option<Guid>,
    seen: u64,
}

struct Search<'a> {
    forest: &'a Forest,
    controller: &'a DomainController,
    base: ObjectNumber,
    scope: Scope,
}

impl Search<'_> {
    /// The hits among the candidates of an index, in the order of the answer.
    fn among(&self, plan: Candidates<'_, '_>, after: Option<After>) -> Vec<SearchHit> {
        let mut hits: Vec<SearchHit> = plan
            .objects
            .into_iter()
            .filter_map(|object| {
                let hit = self.hit(object)?;
                let view = self.view(object)?;
                let holds = plan.rest.iter().all(|test| test.holds(&view) == Some(true));
                (holds && self.in_scope(&view)).then_some(hit)
            })
            .collect();
        if plan.by_guid {
            hits.sort_unstable_by_key(|hit| hit.entry.guid);
        }
        if let Some(after) = after {
            let behind = |hit: &SearchHit| match after.guid {
                Some(guid) => hit.entry.guid > guid,
                None => hit.object > after.number,
            };
            hits.retain(behind);
        }
        hits
    }

    /// The first hits found by walking, in the order of creation.
    fn walk(&self, test: &Test<'_>, after: Option<ObjectNumber>, limit: usize) -> Vec<SearchHit> {
        let store = &self.controller.store;
        let matches = |object: &ObjectNumber| {
            self.view(*object).is_some_and(|view| test.holds(&view) == Some(true))
        };
        let behind = |object: &ObjectNumber| after.is_none_or(|after| *object > after);
        let hits = |objects: &mut dyn Iterator<Item = ObjectNumber>| {
            objects.filter(matches).take(limit).filter_map(|object| self.hit(object)).collect()
        };
        match self.scope {
            Scope::Base => hits(&mut Some(self.base).into_iter().filter(behind)),
            Scope::OneLevel => hits(&mut store.children_after(self.base, after)),
            Scope::Subtree => match self.small_subtree() {
                Some(objects) => hits(&mut objects.into_iter().filter(behind)),
                None => self.scan(test, after, limit),
            },
        }
    }

    /// Every object of a small subtree in the order of creation; `None` when it is large.
    fn small_subtree(&self) -> Option<Vec<ObjectNumber>> {
        let mut objects = vec![self.base];
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
    fn scan(&self, test: &Test<'_>, after: Option<ObjectNumber>, limit: usize) -> Vec<SearchHit> {
        let mut inside: BTreeMap<ObjectNumber, bool> = BTreeMap::new();
        let mut last: Option<(ObjectNumber, bool)> = None;
        let mut hits = Vec::new();
        for (object, slot) in self.controller.store.iter_after(after) {
            let within = match slot.entry.parent {
                Some(parent) => match last {
                    Some((known, within)) if known == parent => within,
                    _ => {
                        let within = *inside.entry(parent).or_insert_with(|| {
                            self.controller.store.get(parent).is_some_and(|slot| {
                                Forest::is_within(self.controller, parent, slot, self.base)
                            })
                        });
                        last = Some((parent, within));
                        within
                    }
                },
                None => false,
            };
            if !within && object != self.base {
                continue;
            }
            let view = View { forest: self.forest, controller: self.controller, object, slot };
            if test.holds(&view) == Some(true) {
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
        match self.scope {
            Scope::Base => view.object == self.base,
            Scope::OneLevel => view.slot.entry.parent == Some(self.base),
            Scope::Subtree => Forest::is_within(self.controller, view.object, view.slot, self.base),
        }
    }

    fn view(&self, object: ObjectNumber) -> Option<View<'_>> {
        let slot = self.controller.store.get(object)?;
        Some(View { forest: self.forest, controller: self.controller, object, slot })
    }

    fn hit(&self, object: ObjectNumber) -> Option<SearchHit> {
        let slot = self.controller.store.get(object)?;
        Some(SearchHit { object, entry: Arc::clone(&slot.entry), stamp: slot.stamp })
    }
}

/// The answer to a client that gives up a paged search.
fn ended(result: LdapResult) -> Response {
    let mut response = Response::from(result);
    let value = ControlValue::PagedResults { size: 0, cookie: Vec::new() };
    response.controls.push(Control { critical: false, value });
    response
}

/// What a cookie belongs to: the domain controller and the search, apart from its size.
fn fingerprint(dc: DcNumber, base: ObjectNumber, request: &SearchRequest) -> u64 {
    use core::hash::{Hash, Hasher};
    let mut hasher = FxHasher::default();
    (dc, base, request.types_only, request.size_limit).hash(&mut hasher);
    format!("{:?}{:?}{:?}", request.scope, request.filter, request.selection).hash(&mut hasher);
    hasher.finish()
}

fn write_cookie(by_guid: bool, last: &SearchHit, seen: u64, fingerprint: u64) -> Vec<u8> {
    let mut cookie = Vec::with_capacity(COOKIE_LENGTH + 8);
    cookie.push(u8::from(by_guid));
    if by_guid {
        cookie.extend_from_slice(&last.entry.guid.0);
    } else {
        cookie.extend_from_slice(&last.object.0.to_le_bytes());
        cookie.extend_from_slice(&[0; 12]);
    }
    cookie.extend_from_slice(&seen.to_le_bytes());
    cookie.extend_from_slice(&fingerprint.to_le_bytes());
    cookie
}

fn read_cookie(cookie: &[u8], fingerprint: u64) -> Option<After> {
    let (rest, own) = cookie.split_last_chunk::<8>()?;
    let (rest, seen) = rest.split_last_chunk::<8>()?;
    let (kind, place) = rest.split_first()?;
    let place: [u8; 16] = place.try_into().ok()?;
    if u64::from_le_bytes(*own) != fingerprint || *kind > 1 {
        return None;
    }
    let number = ObjectNumber(u32::from_le_bytes([place[0], place[1], place[2], place[3]]));
    let guid = (*kind == 1).then_some(Guid(place));
    Some(After { number, guid, seen: u64::from_le_bytes(*seen) })
}
