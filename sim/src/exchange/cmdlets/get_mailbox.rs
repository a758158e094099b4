//! `Get-Mailbox`: one by identity, or a listing in the order of the latest change.
//!
//! # Divergence from Exchange Online
//! The service's own order without `SortBy` is not documented; here it is always by `WhenChangedUTC`.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use super::filter::Filter;
use super::selection::Selection;
use super::{CmdletError, Context, ErrorKind, Output, Rows, SERVER};
use crate::clock::VirtualTime;
use crate::powershell::CmdletCall;

pub(super) fn run(
    context: &mut Context<'_>,
    call: &CmdletCall,
    page: Option<&str>,
    page_size: usize,
) -> Result<Output, CmdletError> {
    let selection = Selection::of(context, call, None)?;
    if let Some(identity) = call.text("Identity") {
        let shown = |number: &u32| {
            context
                .tenant
                .mailbox(*number)
                .is_some_and(|m| m.kind.is_mailbox() && selection.passes(m))
        };
        let number = context
            .tenant
            .find(&identity)
            .or_else(|| context.tenant.find_deleted(&identity, context.oldest_deletion))
            .filter(shown)
            .ok_or_else(|| CmdletError::not_found(&identity, SERVER))?;
        return Ok(Output::rows(Rows::Mailboxes(vec![number])));
    }
    let size = result_size(call)?;
    if !selection.is_plain() {
        let all = selection.sorted(context.tenant.mailboxes(), |m| m.kind.is_mailbox());
        return paged(context, call, page, (page_size.min(size), size), &all, Rows::Mailboxes);
    }
    let mut state = match page {
        Some(token) => Place::parse(token, context, call)?,
        None => {
            let since = selection.changed_since();
            Place { position: context.tenant.position_since(since), shown: 0 }
        }
    };
    let mut rows = Vec::new();
    let room = page_size.min(size.saturating_sub(state.shown));
    let next = fill(context, &mut rows, room, state.position, |mailbox| selection.passes(mailbox));
    state.shown += rows.len();
    let mut output = Output::rows(Rows::Mailboxes(rows));
    match next {
        Some(_) if state.shown >= size => output.warnings.push(MORE_RESULTS.to_owned()),
        Some(position) => output.next = Some(Place { position, ..state }.token(context, call)),
        None => {}
    }
    Ok(output)
}

/// A page of a list that stands, of so many rows, and so many in all.
pub(super) fn paged(
    context: &Context<'_>,
    call: &CmdletCall,
    page: Option<&str>,
    (page_size, size): (usize, usize),
    all: &[u32],
    rows: impl FnOnce(Vec<u32>) -> Rows,
) -> Result<Output, CmdletError> {
    let start = page.map(|token| Place::parse(token, context, call)).transpose()?;
    let start = start.map_or(0, |place| place.shown);
    let end = start.saturating_add(page_size).min(size).min(all.len());
    let shown = all.get(start..end).unwrap_or_default();
    let mut output = Output::rows(rows(shown.to_vec()));
    if end < all.len() {
        if end >= size {
            output.warnings.push(MORE_RESULTS.to_owned());
        } else {
            output.next = Some(Place { position: 0, shown: end }.token(context, call));
        }
    }
    Ok(output)
}

pub(super) const MORE_RESULTS: &str = "There are more results available than are currently displayed. To view them, increase the value for the ResultSize parameter.";

/// Fills a page and answers where the next one starts, when there may be more.
fn fill(
    context: &Context<'_>,
    rows: &mut Vec<u32>,
    room: usize,
    mut position: u64,
    passes: impl Fn(&crate::exchange::Mailbox) -> bool,
) -> Option<u64> {
    loop {
        let (numbers, next) = context.tenant.changed_from(position, room - rows.len());
        rows.extend(
            numbers.into_iter().filter(|n| context.tenant.mailbox(*n).is_some_and(&passes)),
        );
        let next = next?;
        if rows.len() >= room {
            return Some(next);
        }
        position = next;
    }
}

/// `-Filter`.
pub(super) fn filter_of(call: &CmdletCall) -> Result<Option<Filter>, CmdletError> {
    call.text("Filter").map(|text| parsed("Filter", &text)).transpose()
}

/// The filter of a parameter.
pub(super) fn parsed(parameter: &str, text: &str) -> Result<Filter, CmdletError> {
    Filter::parse(text).map_err(|why| {
        CmdletError::new(
            ErrorKind::ParameterValue,
            format!("Cannot process argument transformation on parameter '{parameter}'. {why}"),
        )
    })
}

pub(super) fn result_size(call: &CmdletCall) -> Result<usize, CmdletError> {
    // Without one a page is what comes, with the warning and the link to the next.
    let Some(text) = call.text("ResultSize") else { return Ok(usize::MAX) };
    if text.eq_ignore_ascii_case("Unlimited") {
        return Ok(usize::MAX);
    }
    text.parse().map_err(|_| {
        CmdletError::new(
            ErrorKind::ParameterValue,
            format!("Cannot process argument transformation on parameter 'ResultSize'. Cannot convert value \"{text}\" to type \"Microsoft.Exchange.Data.Unlimited`1[System.UInt32]\"."),
        )
    })
}

/// Where a listing stands: a token is good for the same call only, and for a while.
pub(super) struct Place {
    pub(super) position: u64,
    pub(super) shown: usize,
}

impl Place {
    pub(super) fn token(&self, context: &Context<'_>, call: &CmdletCall) -> String {
        let issued = context.now.as_micros();
        format!("{:x}-{:x}-{:016x}-{issued:x}", self.position, self.shown, digest(call))
    }

    pub(super) fn parse(
        token: &str,
        context: &Context<'_>,
        call: &CmdletCall,
    ) -> Result<Self, CmdletError> {
        let expired = CmdletError::page_expired;
        let mut parts = token.split('-').map(|part| u64::from_str_radix(part, 16));
        let (Some(Ok(position)), Some(Ok(shown)), Some(Ok(made_for)), Some(Ok(issued)), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(expired());
        };
        let issued = VirtualTime::from_micros(i64::try_from(issued).map_err(|_| expired())?);
        let is_old = context.now.since(issued) > context.profile.timing("page_token_life");
        if made_for != digest(call) || is_old {
            return Err(expired());
        }
        Ok(Self { position, shown: usize::try_from(shown).map_err(|_| expired())? })
    }
}

fn digest(call: &CmdletCall) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(call.to_string().to_lowercase().as_bytes());
    hasher.finish()
}
