//! Sorted answers and windows of them ([MS-ADTS] 3.1.1.3.4.1.13, 3.1.1.3.4.1.17; RFC 2891).

use core::cmp::Ordering;
use std::sync::Arc;

use crate::directory::answer::{LdapResult, Response, ResultCode, SearchHit, SearchHits};
use crate::directory::controls::{Controls, Window};
use crate::directory::cookie::{mark, read_kept, write_kept};
use crate::directory::derived::View;
use crate::directory::diagnostic;
use crate::directory::filter::compile_for;
use crate::directory::fold;
use crate::directory::forest::{DomainController, Forest};
use crate::directory::policies::Policy;
use crate::directory::progress::Stop;
use crate::directory::request::{
    Control, ControlValue, ObjectNumber, SearchRequest, SortKey, VlvTarget,
};
use crate::directory::schema::Attribute;
use crate::directory::search::Asker;

/// searchFlags: the attribute has an index.
const INDEXED: u32 = 1;

/// By what a hit is sorted: nothing comes last.
type Key = (bool, Vec<u8>);

impl Forest {
    /// A search whose answer is sorted, whole, in pages or as a window.
    pub(super) fn sorted_answer(
        &self,
        asker: &Asker<'_>,
        controller: &DomainController,
        request: &SearchRequest,
        asked: &Controls<'_>,
    ) -> Result<Response, Stop> {
        let Some((critical, keys)) = asked.sort else {
            let comment = "Error processing control";
            return Err(diagnostic::ldap(ResultCode::SortControlMissing, 0x2045, comment).into());
        };
        if asked.window.is_some() && asked.page.is_some() {
            return Err(diagnostic::bad_control().into());
        }
        let mark = mark(controller.number, None, request, asked);
        let kept = self.kept(asker, controller, request, asked, mark)?;
        let is_new = kept.is_none();
        let (mut hits, seen) = match kept {
            Some(kept) => kept,
            None => (self.all_hits(asker, controller, request, asked)?, 0),
        };
        let (code, at_fault) = match self.sort_attribute(keys) {
            Ok(_) if !is_new => (ResultCode::Success, None),
            // Without an index, the sort takes a temporary table (MaxTempTableSize).
            Ok(attribute)
                if attribute.search_flags & INDEXED == 0
                    && hits.len() > self.policies.size_of(Policy::MaxTempTableSize) =>
            {
                (ResultCode::AdminLimitExceeded, None)
            }
            Ok(attribute) => {
                self.sort(controller, attribute, keys[0].reverse, &mut hits);
                (ResultCode::Success, None)
            }
            Err(refused) => refused,
        };
        let sort_result = Control {
            critical: false,
            value: ControlValue::SortResult { code, attribute: at_fault },
        };
        if code != ResultCode::Success && critical {
            let mut response = Response::from(diagnostic::bad_control());
            response.controls.push(sort_result);
            return Ok(response);
        }
        let mut window_result = None;
        let found = match &asked.window {
            Some(window) => {
                let sorted = self.sort_attribute(keys).ok().map(|at| (at, keys[0].reverse));
                let (found, result) = self.window(controller, hits, window, sorted, mark)?;
                window_result = Some(result);
                found
            }
            None => self.sorted_page(request, asked, (hits, seen), mark),
        };
        let mut response = self.shown(asker, controller, request, asked, &found)?;
        response.controls.push(sort_result);
        response.controls.extend(window_result);
        Ok(response)
    }

    /// The attribute by which to sort; otherwise the result code and the name.
    fn sort_attribute(&self, keys: &[SortKey]) -> Result<&Attribute, (ResultCode, Option<String>)> {
        let [key] = keys else { return Err((ResultCode::UnwillingToPerform, None)) };
        let attribute = self.schema.attribute_named(&key.attribute);
        attribute.ok_or_else(|| (ResultCode::NoSuchAttribute, Some(key.attribute.clone())))
    }

    fn sort(
        &self,
        controller: &DomainController,
        attribute: &Attribute,
        reverse: bool,
        hits: &mut Vec<SearchHit>,
    ) {
        let mut keyed: Vec<(Key, SearchHit)> = core::mem::take(hits)
            .into_iter()
            .map(|hit| (self.sort_key(controller, attribute, &hit), hit))
            .collect();
        keyed.sort_by(|(a, _), (b, _)| directed(compare(attribute, a, b), reverse));
        hits.extend(keyed.into_iter().map(|(_, hit)| hit));
    }

    fn sort_key(
        &self,
        controller: &DomainController,
        attribute: &Attribute,
        hit: &SearchHit,
    ) -> Key {
        let holder = self.holder(controller, hit.object);
        let Some(slot) = holder.store.get(hit.object) else { return (true, Vec::new()) };
        let values = View::new(self, holder, hit.object, slot).values(attribute);
        match values.into_iter().next() {
            Some(value) => (false, fold::folded(&value).into_owned()),
            None => (true, Vec::new()),
        }
    }

    /// What an earlier request found, and how much of it its pages had: what is left of it is not looked for
    /// or sorted again. `None` for a first request, and for a window of another search than before.
    ///
    /// # Errors
    /// 12 for a cookie, 53 for a context, that does not belong to the search or is none.
    pub(super) fn kept(
        &self,
        asker: &Asker<'_>,
        controller: &DomainController,
        request: &SearchRequest,
        asked: &Controls<'_>,
        mark: u64,
    ) -> Result<Option<(Vec<SearchHit>, u64)>, LdapResult> {
        let cookie = asked.page.map(|page| page.cookie).filter(|cookie| !cookie.is_empty());
        let context = asked.window.as_ref().and_then(|window| window.context);
        let context = context.filter(|context| !context.is_empty());
        let (of, kept) = match (cookie, context) {
            (Some(cookie), _) => read_kept(cookie).ok_or_else(diagnostic::bad_control)?,
            (None, Some(context)) => {
                read_kept(context).ok_or_else(|| diagnostic::unwilling(0x2035))?
            }
            (None, None) => return Ok(None),
        };
        if of != mark {
            return if cookie.is_some() { Err(diagnostic::bad_control()) } else { Ok(None) };
        }
        let sight = self.sight_of(asker, asked);
        let test = compile_for(self, controller, &request.filter, asker.catalog)?;
        let look = asker.look(request, asked);
        let hit = |object: ObjectNumber| {
            let holder = self.holder(controller, object);
            let slot = holder.store.get(object)?;
            let view = View { look, ..View::new(self, holder, object, slot) };
            // A page has only what the filter still finds; a window shows the whole list.
            let holds = asked.window.is_some() || test.holds(&view) == Some(true);
            let entry = Arc::clone(&slot.entry);
            let is_seen = entry.life.is_seen(sight) && holds;
            is_seen.then_some(SearchHit { object, entry, stamp: slot.stamp })
        };
        Ok(Some((kept.objects.into_iter().filter_map(hit).collect(), kept.seen)))
    }

    /// A page of a sorted answer; the cookie has the objects that are left.
    pub(super) fn sorted_page(
        &self,
        request: &SearchRequest,
        asked: &Controls<'_>,
        (mut hits, seen): (Vec<SearchHit>, u64),
        mark: u64,
    ) -> SearchHits {
        let own = self.policies.size_of(Policy::MaxPageSize);
        let limit = match request.size_limit {
            0 => usize::MAX,
            limit => usize::try_from(u64::from(limit).saturating_sub(seen)).unwrap_or(usize::MAX),
        };
        let Some(page) = asked.page else {
            let most = own.min(limit);
            let exceeded = hits.len() > most;
            hits.truncate(most);
            return SearchHits { hits, size_limit_exceeded: exceeded, ..SearchHits::default() };
        };
        let step = usize::try_from(page.size).unwrap_or(usize::MAX).min(own);
        let end = step.min(limit).min(hits.len());
        let exceeded = end == limit && hits.len() > limit;
        let left = hits.split_off(end);
        let cookie = (!exceeded && !left.is_empty()).then(|| {
            let objects: Vec<ObjectNumber> = left.iter().map(|hit| hit.object).collect();
            write_kept(mark, seen + u64::try_from(end).unwrap_or(u64::MAX), &objects)
        });
        SearchHits { hits, cookie, size_limit_exceeded: exceeded, ..SearchHits::default() }
    }

    /// A window of a sorted answer.
    fn window(
        &self,
        controller: &DomainController,
        mut hits: Vec<SearchHit>,
        window: &Window<'_>,
        sorted: Option<(&Attribute, bool)>,
        mark: u64,
    ) -> Result<(SearchHits, Control), LdapResult> {
        let objects: Vec<ObjectNumber> = hits.iter().map(|hit| hit.object).collect();
        let count = u32::try_from(hits.len()).unwrap_or(u32::MAX);
        let position = match window.target {
            VlvTarget::Offset { offset: 0, count: known } if *known != 0 => {
                return Err(diagnostic::ldap(
                    ResultCode::OffsetRangeError,
                    0x2046,
                    "Error processing control",
                ));
            }
            VlvTarget::Offset { offset, count: known } => place(*offset, *known, count),
            VlvTarget::NotBefore(value) => {
                let (attribute, reverse) = sorted.ok_or_else(|| diagnostic::unwilling(0x2035))?;
                let wanted = (false, fold::folded(value).into_owned());
                let at = hits.iter().position(|hit| {
                    let key = self.sort_key(controller, attribute, hit);
                    directed(compare(attribute, &key, &wanted), reverse) != Ordering::Less
                });
                at.and_then(|at| u32::try_from(at + 1).ok()).unwrap_or(count.saturating_add(1))
            }
        };
        let first = position.saturating_sub(1).saturating_sub(window.before);
        let end = position.saturating_add(window.after).min(count);
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        hits.truncate(size(end));
        hits.drain(..size(first).min(hits.len()));
        let value = ControlValue::VlvResult {
            position,
            count,
            code: ResultCode::Success,
            context: write_kept(mark, 0, &objects),
        };
        let found = SearchHits { hits, ..SearchHits::default() };
        Ok((found, Control { critical: false, value }))
    }
}

/// The place that an offset means when the client takes the list to have `known` entries.
fn place(offset: u32, known: u32, count: u32) -> u32 {
    let place = if known == 0 || known == count {
        offset.max(1)
    } else if offset >= known {
        count
    } else {
        let share = u64::from(offset) * u64::from(count) / u64::from(known);
        u32::try_from(share).unwrap_or(u32::MAX).max(1)
    };
    place.min(count.max(1))
}

/// Numbers by their value, everything else as folded text; what has no value comes last.
fn compare(attribute: &Attribute, a: &Key, b: &Key) -> Ordering {
    let by_value = || {
        let numeric = attribute.syntax.order(b"0", b"0").is_some()
            && attribute.syntax.order(&a.1, &b.1).is_some();
        match attribute.syntax.order(&a.1, &b.1) {
            Some(order) if numeric => order,
            _ => a.1.cmp(&b.1),
        }
    };
    a.0.cmp(&b.0).then_with(by_value)
}

fn directed(order: Ordering, reverse: bool) -> Ordering {
    if reverse { order.reverse() } else { order }
}
