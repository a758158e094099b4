//! `Get-Recipient`, `Get-MailUser` and `Get-User`: every recipient, by identity or as a listing in the order
//! in which they were made.
//!
//! Source: Microsoft Learn, "Get-Recipient", "Get-MailUser", "Get-User".
//!
//! # Divergence from Exchange Online
//! `Get-User` shows recipients alone: a user without mailbox or mail user is not in the tenant's Exchange
//! directory here.

use super::get_mailbox::{MORE_RESULTS, Place, filter_of, result_size};
use super::{CmdletError, Context, Output, Rows, SERVER, View};
use crate::exchange::Mailbox;
use crate::powershell::CmdletCall;

impl View {
    const fn shows(self, mailbox: &Mailbox) -> bool {
        match self {
            Self::Recipient | Self::User => true,
            Self::MailUser => !mailbox.kind.is_mailbox(),
        }
    }
}

pub(super) fn run(
    context: &Context<'_>,
    view: View,
    call: &CmdletCall,
    page: Option<&str>,
    page_size: usize,
) -> Result<Output, CmdletError> {
    let tenant = &*context.tenant;
    let shown = |number: &u32| tenant.mailbox(*number).is_some_and(|m| view.shows(m));
    if let Some(identity) = call.text("Identity") {
        let number = tenant.find(&identity).filter(shown);
        let number = number.ok_or_else(|| CmdletError::not_found(&identity, SERVER))?;
        return Ok(Output::rows(Rows::Recipients(view, vec![number])));
    }
    let filter = filter_of(call)?;
    let size = result_size(call)?;
    let types: Vec<String> =
        call.parameter("RecipientTypeDetails").map(|v| v.texts()).unwrap_or_default();
    let mut state = match page {
        Some(token) => Place::parse(token, call)?,
        None => Place { position: 0, shown: 0 },
    };
    let start = u32::try_from(state.position).unwrap_or(u32::MAX);
    let end = u32::try_from(tenant.mailboxes().len()).unwrap_or(u32::MAX);
    let passes = |number: &u32| {
        tenant.mailbox(*number).is_some_and(|mailbox| {
            view.shows(mailbox)
                && filter.as_ref().is_none_or(|filter| filter.matches(mailbox))
                && (types.is_empty()
                    || types.iter().any(|kind| kind.eq_ignore_ascii_case(mailbox.kind.details())))
        })
    };
    let room = page_size.min(size.saturating_sub(state.shown));
    let mut rest = (start..end).filter(passes);
    let rows: Vec<u32> = rest.by_ref().take(room).collect();
    let next = rest.next();
    state.shown += rows.len();
    let mut output = Output::rows(Rows::Recipients(view, rows));
    match next {
        Some(_) if state.shown >= size => output.warnings.push(MORE_RESULTS.to_owned()),
        Some(next) => {
            output.next = Some(Place { position: u64::from(next), ..state }.token(call));
        }
        None => {}
    }
    Ok(output)
}
