//! `Get-Recipient`, `Get-MailUser`, `Get-User` and `Get-MailboxAuditBypassAssociation`: every recipient, by identity or as a listing in the order
//! in which they were made.
//!
//! Source: Microsoft Learn, "Get-Recipient", "Get-MailUser", "Get-User".
//!
//! # Divergence from Exchange Online
//! `Get-User` shows recipients alone: a user without mailbox or mail user is not in the tenant's Exchange
//! directory here. Groups and contacts come after all others, whatever the listing is sorted by.

use super::get_mailbox::{paged, result_size};
use super::others::Other;
use super::selection::Selection;
use super::{CmdletError, Context, Output, Rows, SERVER, View};
use crate::exchange::Mailbox;
use crate::powershell::CmdletCall;

impl View {
    const fn shows(self, mailbox: &Mailbox) -> bool {
        match self {
            Self::Recipient | Self::User | Self::AuditBypass => true,
            Self::MailUser => !mailbox.kind.is_mailbox(),
        }
    }

    /// Whether groups and contacts are among them.
    const fn has_others(self) -> bool {
        matches!(self, Self::Recipient)
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
        if let Some(number) = number {
            return Ok(Output::rows(Rows::Recipients(view, vec![number], Vec::new())));
        }
        let other = context.others.find(&identity);
        let other = other.filter(|other| view.has_others() && selection.passes_other(*other));
        let other = other.ok_or_else(|| CmdletError::not_found(&identity, SERVER))?;
        return Ok(Output::rows(Rows::Recipients(view, Vec::new(), vec![other.row()])));
    }
    let size = result_size(call)?;
    let mut all = selection.sorted(tenant.mailboxes(), |mailbox| view.shows(mailbox));
    // Groups and contacts have the numbers after those of all mailboxes and mail users.
    let first = u32::try_from(tenant.mailboxes().len()).unwrap_or(u32::MAX);
    let others = context.others.all().filter(|_| view.has_others());
    let others: Vec<Other<'_>> = others.filter(|other| selection.passes_other(*other)).collect();
    all.extend((first..).zip(&others).map(|(number, _)| number));
    let show = |rows: Vec<u32>| {
        let (known, further): (Vec<u32>, Vec<u32>) =
            rows.into_iter().partition(|number| *number < first);
        let further = further.into_iter().filter_map(|n| others.get((n - first) as usize));
        Rows::Recipients(view, known, further.map(|other| other.row()).collect())
    };
    paged(context, call, page, (page_size.min(size), size), &all, show)
}
