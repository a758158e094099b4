//! What `Set-Mailbox`, `Set-User` and `Set-MailUser` take beside values: which kind of mailbox is meant, passwords,
//! and switches that act on holds.
//!
//! Sources: Microsoft Learn, "Set-Mailbox" (GroupMailbox, InactiveMailbox, PublicFolder, RemoveDelayHoldApplied,
//! ExcludeFromOrgHolds), "Manage mailbox holds" (a hold that ends is followed by a delay hold; a litigation hold tells
//! since when and by whom).
//!
//! # Divergence from Exchange Online
//! A delay hold begins with the change itself, not with the next run of the Managed Folder Assistant. Passwords are
//! checked for authority and not kept: all users sign in with the estate's own.

use super::{CmdletError, Context, ErrorKind};
use crate::exchange::property::{self, Bucket};
use crate::exchange::{Changes, Mailbox, truth};
use crate::powershell::{Argument, CmdletCall, ParameterKind, ParameterSpec};

const fn switch(name: &'static str) -> ParameterSpec {
    ParameterSpec { name, kind: ParameterKind::Switch }
}

const fn text(name: &'static str) -> ParameterSpec {
    ParameterSpec { name, kind: ParameterKind::Text }
}

const fn list(name: &'static str) -> ParameterSpec {
    ParameterSpec { name, kind: ParameterKind::MultiValue }
}

/// Those of `Set-Mailbox`.
pub(super) const OF_MAILBOX: [ParameterSpec; 15] = [
    switch("ApplyMandatoryProperties"),
    switch("ExcludeFromAllHolds"),
    switch("ExcludeFromAllOrgHolds"),
    list("ExcludeFromOrgHolds"),
    switch("GroupMailbox"),
    switch("InactiveMailbox"),
    text("Password"),
    switch("ProvisionedForOfficeGraph"),
    switch("PublicFolder"),
    switch("RemoveDelayHoldApplied"),
    switch("RemoveDelayReleaseHoldApplied"),
    switch("RemoveMailboxProvisioningConstraint"),
    list("RemoveOrphanedHolds"),
    text("RoomMailboxPassword"),
    switch("UpdateEnforcedTimestamp"),
];

/// Those of `Set-User`.
pub(super) const OF_USER: [ParameterSpec; 1] = [switch("PermanentlyClearPreviousMailboxInfo")];

/// Those of `Set-MailUser`.
pub(super) const OF_MAIL_USER: [ParameterSpec; 6] = [
    switch("EnableLitigationHoldForMigration"),
    switch("ForceUpgrade"),
    switch("HVEAccount"),
    text("Password"),
    ParameterSpec { name: "ResetPasswordOnNextLogon", kind: ParameterKind::Boolean },
    switch("UnblockForwardSyncPostCrossTenantMigration"),
];

/// Whether a parameter is one of these.
pub(super) fn is_one(name: &str) -> bool {
    let all = OF_MAILBOX.iter().chain(&OF_USER).chain(&OF_MAIL_USER);
    all.map(|parameter| parameter.name).any(|known| known.eq_ignore_ascii_case(name))
}

/// Who has authority over what a parameter sets, when it sets something of the directory.
pub(super) fn bucket(name: &str) -> Option<Bucket> {
    ["Password", "RoomMailboxPassword", "ResetPasswordOnNextLogon"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
        .then_some(Bucket::Identity)
}

/// Whether a switch is given.
#[must_use]
pub fn is_given(call: &CmdletCall, name: &str) -> bool {
    call.parameter(name).is_some_and(|value| value.boolean() == Some(true))
}

/// The recipient that is meant: there are no mailboxes of groups or public folders here.
pub(super) fn find(context: &Context<'_>, call: &CmdletCall, identity: &str) -> Option<u32> {
    let tenant = &*context.tenant;
    if is_given(call, "GroupMailbox") || is_given(call, "PublicFolder") {
        return None;
    }
    if is_given(call, "InactiveMailbox") {
        let is_held = |number: &u32| tenant.mailbox(*number).is_some_and(Mailbox::is_held);
        return tenant.find_deleted(identity, context.oldest_deletion).filter(is_held);
    }
    tenant.find(identity)
}

/// Adds what the switches, and a hold that begins or ends, make of other values.
pub(super) fn add(
    context: &Context<'_>,
    mailbox: &Mailbox,
    call: &CmdletCall,
    values: &mut Changes,
) -> Result<(), CmdletError> {
    check_inactive(mailbox, call)?;
    let number = |name: &str| property::number(name).unwrap_or(u16::MAX);
    for (switch, state) in [
        ("RemoveDelayHoldApplied", "DelayHoldApplied"),
        ("RemoveDelayReleaseHoldApplied", "DelayReleaseHoldApplied"),
    ] {
        if is_given(call, switch) {
            values.push((number(state), Vec::new()));
        }
    }
    let all = is_given(call, "ExcludeFromAllHolds") || is_given(call, "ExcludeFromAllOrgHolds");
    let named = ["RemoveOrphanedHolds", "ExcludeFromOrgHolds"];
    let gone: Vec<String> =
        named.iter().filter_map(|name| call.parameter(name)).flat_map(Argument::texts).collect();
    if all || !gone.is_empty() {
        let holds = number("InPlaceHolds");
        let left =
            mailbox.record.values(holds).map(|hold| String::from_utf8_lossy(hold).into_owned());
        values.push((holds, left.filter(|hold| !all && !gone.contains(hold)).collect()));
    }
    let hold = number("LitigationHoldEnabled");
    let was = mailbox.record.text(hold) == Some(truth(true));
    let is = values.iter().find(|(property, _)| *property == hold);
    let is = is.map(|(_, value)| value.first().is_some_and(|value| value == truth(true)));
    match (was, is) {
        (false, Some(true)) => {
            let since = context.now.floor_to_second().to_string();
            for (name, value) in [
                ("LitigationHoldDate", since),
                ("LitigationHoldOwner", context.caller.actor.name.to_string()),
            ] {
                let property = number(name);
                if !values.iter().any(|(known, _)| *known == property) {
                    values.push((property, vec![value]));
                }
            }
        }
        (true, Some(false)) => {
            values.push((number("DelayHoldApplied"), vec![truth(true).to_owned()]));
        }
        _ => {}
    }
    values.sort_by_key(|(property, _)| *property);
    values.dedup_by_key(|(property, _)| *property);
    Ok(())
}

/// Exclusion from holds is for inactive mailboxes alone.
fn check_inactive(mailbox: &Mailbox, call: &CmdletCall) -> Result<(), CmdletError> {
    let excludes = ["ExcludeFromAllHolds", "ExcludeFromAllOrgHolds", "ExcludeFromOrgHolds"];
    let asks =
        |name: &&&str| call.parameter(name).is_some_and(|value| value.boolean() != Some(false));
    match excludes.iter().find(asks) {
        Some(name) if mailbox.gone.is_none() => Err(CmdletError::new(
            ErrorKind::ParameterSet,
            format!("The parameter '{name}' can only be used on an inactive mailbox."),
        )),
        Some(_) | None => Ok(()),
    }
}
