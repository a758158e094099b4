//! `Get-Mailbox`: one by identity, or a listing in the order of the latest change.
//!
//! # Divergence from Exchange Online
//! The service's own order without `SortBy` is not documented; here it is always by `WhenChangedUTC`.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use super::filter::Filter;
use super::{CmdletError, Context, ErrorKind, Output, Rows, SERVER};
use crate::powershell::CmdletCall;

pub(super) fn run(
    context: &mut Context<'_>,
    call: &CmdletCall,
    page: Option<&str>,
    page_size: usize,
) -> Result<Output, CmdletError> {
    if let Some(identity) = call.text("Identity") {
        let number = context
            .tenant
            .find(&identity)
            .filter(|number| context.tenant.mailbox(*number).is_some_and(|m| m.kind.is_mailbox()))
            .ok_or_else(|| CmdletError::not_found(&identity, SERVER))?;
        return Ok(Output::rows(Rows::Mailboxes(vec![number])));
    }
    let filter = filter_of(call)?;
    let size = result_size(call)?;
    let types: Vec<String> =
        call.parameter("RecipientTypeDetails").map(|v| v.texts()).unwrap_or_default();
    let mut state = match page {
        Some(token) => Place::parse(token, call)?,
        None => {
            let since = filter.as_ref().and_then(Filter::changed_since);
            Place { position: context.tenant.position_since(since), shown: 0 }
        }
    };
    let mut rows = Vec::new();
    let room = page_size.min(size.saturating_sub(state.shown));
    let next = fill(context, &mut rows, room, state.position, |mailbox| {
        filter.as_ref().is_none_or(|f| f.matches(mailbox))
            && (types.is_empty()
                || types.iter().any(|t| t.eq_ignore_ascii_case(mailbox.kind.details())))
    });
    state.shown += rows.len();
    let mut output = Output::rows(Rows::Mailboxes(rows));
    match next {
        Some(_) if state.shown >= size => output.warnings.push(MORE_RESULTS.to_owned()),
        Some(position) => output.next = Some(Place { position, ..state }.token(call)),
        None => {}
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
    call.text("Filter").map(|text| Filter::parse(&text)).transpose().map_err(|why| {
        CmdletError::new(
            ErrorKind::ParameterValue,
            format!("Cannot process argument transformation on parameter 'Filter'. {why}"),
        )
    })
}

pub(super) fn result_size(call: &CmdletCall) -> Result<usize, CmdletError> {
    let Some(text) = call.text("ResultSize") else { return Ok(1_000) };
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

/// Where a listing stands: a token is good for the same call only.
pub(super) struct Place {
    pub(super) position: u64,
    pub(super) shown: usize,
}

impl Place {
    pub(super) fn token(&self, call: &CmdletCall) -> String {
        format!("{:x}-{:x}-{:016x}", self.position, self.shown, digest(call))
    }

    pub(super) fn parse(token: &str, call: &CmdletCall) -> Result<Self, CmdletError> {
        let expired = CmdletError::page_expired;
        let mut parts = token.split('-').map(|part| u64::from_str_radix(part, 16));
        let (Some(Ok(position)), Some(Ok(shown)), Some(Ok(made_for)), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(expired());
        };
        if made_for != digest(call) {
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
