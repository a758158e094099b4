//! Random edits in Exchange Online, drawn from the seed.
//!
//! An edit is a `Set-Mailbox` that a person could have typed: a custom attribute, a multi-valued one,
//! or a further alias. Mailboxes whose authority is on-premises are left out: nobody could edit them.

use sim::caller::{Caller, Role};
use sim::chance::Chance;
use sim::estate::Estate;
use sim::exchange::Mailbox;
use sim::exchange::address;
use sim::exchange::property;
use sim::powershell::{Argument, CmdletCall};

use crate::scenario::Share;

/// Edits each of the mailboxes once. Answers how many edits were accepted.
pub(super) fn edit(estate: &mut Estate, mailboxes: &[u32], chance: &mut Chance, round: u64) -> u64 {
    let caller = Caller::crowd(Role::GlobalAdministrator);
    let mut accepted = 0;
    for number in mailboxes {
        let Some(call) = drawn(estate, *number, chance, round) else { continue };
        if estate.cmdlet(&caller, &call, None, 1).is_ok() {
            accepted += 1;
        }
    }
    accepted
}

/// Those of the mailboxes that somebody could edit in the cloud.
pub(super) fn editable(estate: &Estate, mailboxes: &[u32]) -> Vec<u32> {
    let is = |number: &u32| estate.exchange.mailbox(*number).is_some_and(is_editable);
    mailboxes.iter().copied().filter(is).collect()
}

/// A share of the mailboxes, in their order: all of them, or a draw without repetition.
pub(super) fn chosen(mailboxes: &[u32], share: Share, chance: &mut Chance) -> Vec<u32> {
    let wanted = share.of(mailboxes.len() as u64);
    if wanted == mailboxes.len() as u64 {
        return mailboxes.to_vec();
    }
    let mut left = wanted;
    let mut chosen = Vec::with_capacity(usize::try_from(wanted).unwrap_or(0));
    for (place, number) in mailboxes.iter().enumerate() {
        let remaining = (mailboxes.len() - place) as u64;
        if chance.below(remaining) < left {
            chosen.push(*number);
            left -= 1;
        }
    }
    chosen
}

/// Whether somebody can edit a mailbox in the cloud at all.
pub(super) const fn is_editable(mailbox: &Mailbox) -> bool {
    mailbox.cloud_managed || !mailbox.dir_synced
}

fn drawn(estate: &Estate, number: u32, chance: &mut Chance, round: u64) -> Option<CmdletCall> {
    let mailbox = estate.exchange.mailbox(number).filter(|mailbox| is_editable(mailbox))?;
    let tag = chance.below(1_000_000);
    let (name, value) = match chance.below(10) {
        0 => {
            let upn = mailbox.record.text(property::USER_PRINCIPAL_NAME)?;
            let (local, domain) = upn.rsplit_once('@')?;
            let alias = format!("{local}.r{round}.{tag}@{domain}");
            debug_assert!(address::is_well_formed(&alias), "{alias} is an address");
            let add = Argument::Text(format!("smtp:{alias}"));
            ("EmailAddresses".to_owned(), Argument::Hashtable(vec![("Add".to_owned(), add)]))
        }
        1 => {
            let which = 1 + chance.below(5);
            let values = vec![
                Argument::Text(format!("a-{round}-{tag}")),
                Argument::Text(format!("b-{round}-{tag}")),
            ];
            (format!("ExtensionCustomAttribute{which}"), Argument::Array(values))
        }
        _ => {
            let which = 1 + chance.below(15);
            (format!("CustomAttribute{which}"), Argument::Text(format!("edit-{round}-{tag}")))
        }
    };
    Some(CmdletCall {
        name: "Set-Mailbox".to_owned(),
        parameters: vec![
            ("Identity".to_owned(), Argument::Text(mailbox.id.to_string())),
            (name, value),
        ],
    })
}
