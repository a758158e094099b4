//! `Get-Recipient`, `Get-MailUser` and `Get-User`: every recipient, by identity or as a listing in the order
//! in which they were made.
//!
//! Source: Microsoft Learn, "Get-Recipient", "Get-MailUser", "Get-User".
//!
//! # Divergence from Exchange Online
//! `Get-User` shows recipients alone: a user without mailbox or mail user is not in the tenant's Exchange
//! directory here.

use super::get_mailbox::{paged, result_size};
use super::selection::Selection;
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
    let selection = Selection::of(context, call, Some(view))?;
    if let Some(identity) = call.text("Identity") {
        let shown = |number: &u32| {
            tenant.mailbox(*number).is_some_and(|m| view.shows(m) && selection.passes(m))
        };
        let deleted = || tenant.find_deleted(&identity, context.oldest_deletion);
        let number = tenant.find(&identity).or_else(deleted).filter(shown);
        let number = number.ok_or_else(|| CmdletError::not_found(&identity, SERVER))?;
        return Ok(Output::rows(Rows::Recipients(view, vec![number])));
    }
    let size = result_size(call)?;
    let all = selection.sorted(tenant.mailboxes(), |mailbox| view.shows(mailbox));
    let show = |rows| Rows::Recipients(view, rows);
    paged(context, call, page, (page_size.min(size), size), &all, show)
}
