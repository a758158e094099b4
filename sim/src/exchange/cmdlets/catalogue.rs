//! Which cmdlets Exchange Online knows here, with their parameters.
//!
//! Source: Microsoft Learn, Exchange PowerShell reference.

use super::{beside, lifecycle, roles};
use crate::caller::Caller;
use crate::exchange::property::{
    BY_AUDIT_BYPASS, BY_MAIL_USER, BY_MAILBOX, BY_USER, PROPERTIES, RENAMED,
};
use crate::exchange::rbac::Rbac;
use crate::powershell::{CmdletSpec, ParameterKind, ParameterSpec};

/// The cmdlets, in the order of their names.
#[must_use]
pub fn catalogue() -> Vec<CmdletSpec> {
    let mut cmdlets = vec![
        CmdletSpec { name: "Get-AcceptedDomain", parameters: Vec::new() },
        CmdletSpec { name: "Get-MailUser", parameters: get(&[switch("SoftDeletedMailUser")]) },
        CmdletSpec { name: "Get-Mailbox", parameters: get(&GET_MAILBOX) },
        CmdletSpec {
            name: "Get-MailboxAuditBypassAssociation",
            parameters: with_common(vec![
                parameter("Identity", ParameterKind::Text),
                parameter("ResultSize", ParameterKind::Text),
            ]),
        },
        CmdletSpec { name: "Get-OrganizationConfig", parameters: Vec::new() },
        CmdletSpec { name: "Get-Recipient", parameters: get(&GET_RECIPIENT) },
        CmdletSpec { name: "Get-User", parameters: get(&GET_USER) },
        CmdletSpec { name: "Search-UnifiedAuditLog", parameters: search_audit_log() },
        CmdletSpec { name: "Set-MailUser", parameters: set_mail_user() },
        CmdletSpec { name: "Set-Mailbox", parameters: set_mailbox() },
        CmdletSpec { name: SET_AUDIT_BYPASS, parameters: set_audit_bypass() },
        CmdletSpec { name: "Set-OrganizationConfig", parameters: set_organization() },
        CmdletSpec { name: "Set-User", parameters: set_user() },
    ];
    cmdlets.extend(
        roles::CMDLETS
            .iter()
            .map(|(name, parameters)| CmdletSpec { name, parameters: parameters.to_vec() }),
    );
    cmdlets.extend(
        MOVES.iter().map(|(name, parameters)| CmdletSpec { name, parameters: parameters.to_vec() }),
    );
    cmdlets.extend(lifecycle::catalogue());
    cmdlets.sort_by_key(|spec| spec.name);
    cmdlets
}

/// Whether a cmdlet moves mailboxes.
#[must_use]
pub fn is_move(name: &str) -> bool {
    MOVES.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
}

const IDENTITY: [ParameterSpec; 1] = [parameter("Identity", ParameterKind::Text)];

/// The cmdlets that move mailboxes, with their own parameters.
const MOVES: [(&str, &[ParameterSpec]); 8] = [
    ("Complete-MigrationBatch", &IDENTITY),
    ("Get-MigrationBatch", &IDENTITY),
    (
        "Get-MoveRequest",
        &[parameter("Identity", ParameterKind::Text), parameter("MoveStatus", ParameterKind::Text)],
    ),
    (
        "New-MigrationBatch",
        &[
            parameter("Name", ParameterKind::Text),
            parameter("CSVData", ParameterKind::Text),
            parameter("SourceEndpoint", ParameterKind::Text),
            parameter("TargetEndpoint", ParameterKind::Text),
            parameter("TargetDeliveryDomain", ParameterKind::Text),
            switch("AutoStart"),
            switch("AutoComplete"),
        ],
    ),
    (
        "New-MoveRequest",
        &[
            parameter("Identity", ParameterKind::Text),
            switch("Remote"),
            switch("Outbound"),
            parameter("RemoteHostName", ParameterKind::Text),
            parameter("TargetDeliveryDomain", ParameterKind::Text),
            parameter("BatchName", ParameterKind::Text),
            switch("SuspendWhenReadyToComplete"),
        ],
    ),
    ("Remove-MigrationBatch", &IDENTITY),
    ("Remove-MoveRequest", &IDENTITY),
    ("Start-MigrationBatch", &IDENTITY),
];

/// The documented spelling of a cmdlet.
#[must_use]
pub fn spelling(name: &str) -> Option<&'static str> {
    let known = NAMES.iter().find(|known| known.eq_ignore_ascii_case(name)).copied();
    let moves = || MOVES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|m| m.0);
    let own = || lifecycle::named(name);
    let known = known.or_else(|| roles::named(name)).or_else(moves).or_else(own);
    known.filter(|name| !name.starts_with("Get-"))
}

/// The cmdlets that change something.
const NAMES: [&str; 5] =
    ["Set-MailUser", "Set-Mailbox", SET_AUDIT_BYPASS, "Set-OrganizationConfig", "Set-User"];

/// The cmdlet that takes somebody's access to mailboxes out of their audit logs (Microsoft Learn,
/// "Set-MailboxAuditBypassAssociation").
pub(super) const SET_AUDIT_BYPASS: &str = "Set-MailboxAuditBypassAssociation";

/// The cmdlets that a caller may run: by its management roles once somebody changed these.
#[must_use]
pub fn exported(caller: &Caller, rbac: Option<&Rbac>) -> Vec<&'static str> {
    let role = caller.role;
    let may = |spec: &&CmdletSpec| match spec.name {
        name if let Some(rbac) = rbac => rbac.allows(caller, name, &[]),
        name if roles::named(name).is_some() => role.may_manage_roles(),
        name if is_move(name) && !name.starts_with("Get-") => role.may_write_recipients(),
        name if lifecycle::named(name).is_some() => lifecycle::may(role, name),
        "Set-Mailbox" => role.may_write_recipients() || role.may_set_flag(),
        "Set-User" | "Set-MailUser" | SET_AUDIT_BYPASS => role.may_write_recipients(),
        "Set-OrganizationConfig" => role.may_set_flag(),
        _ => role.may_read(),
    };
    catalogue().iter().filter(may).map(|spec| spec.name).collect()
}

/// Parameters that every cmdlet takes and that change nothing here.
pub const COMMON_PARAMETERS: [&str; 3] = ["Confirm", "ErrorAction", "WarningAction"];

pub(super) const fn parameter(name: &'static str, kind: ParameterKind) -> ParameterSpec {
    ParameterSpec { name, kind }
}

pub(super) fn with_common(mut parameters: Vec<ParameterSpec>) -> Vec<ParameterSpec> {
    parameters.push(parameter("Confirm", ParameterKind::Switch));
    parameters.push(parameter("ErrorAction", ParameterKind::Text));
    parameters.push(parameter("WarningAction", ParameterKind::Text));
    parameters
}

/// What `-Type` takes; `Workspace` and `Desk` in Exchange Online only (Microsoft Learn, "Set-Mailbox").
const MAILBOX_TYPES: [&str; 6] = ["Regular", "Shared", "Room", "Equipment", "Workspace", "Desk"];

pub(super) const fn switch(name: &'static str) -> ParameterSpec {
    parameter(name, ParameterKind::Switch)
}

const GET_MAILBOX: [ParameterSpec; 13] = [
    parameter("RecipientTypeDetails", ParameterKind::MultiValue),
    switch("Archive"),
    switch("GroupMailbox"),
    switch("InactiveMailboxOnly"),
    switch("IncludeAcceptMessagesOnlyFromWithDisplayNames"),
    switch("IncludeEmailAddressDisplayNames"),
    switch("IncludeForwardingAddressWithDisplayNames"),
    switch("IncludeGrantSendOnBehalfToWithDisplayNames"),
    switch("IncludeInactiveMailbox"),
    parameter("MailboxPlan", ParameterKind::Text),
    switch("Migration"),
    switch("PublicFolder"),
    switch("SoftDeletedMailbox"),
];

const GET_RECIPIENT: [ParameterSpec; 8] = [
    parameter("RecipientTypeDetails", ParameterKind::MultiValue),
    parameter("AuthenticationType", ParameterKind::OneOf(&["Federated", "Managed"])),
    parameter("Capabilities", ParameterKind::MultiValue),
    switch("IncludeSoftDeletedRecipients"),
    parameter("Properties", ParameterKind::MultiValue),
    parameter(
        "PropertySet",
        ParameterKind::OneOf(&["All", "ConsoleLargeSet", "ConsoleSmallSet", "ControlPanel"]),
    ),
    parameter("RecipientPreviewFilter", ParameterKind::Text),
    parameter("RecipientType", ParameterKind::MultiValue),
];

const GET_USER: [ParameterSpec; 3] = [
    parameter("RecipientTypeDetails", ParameterKind::MultiValue),
    switch("IsVIP"),
    switch("PublicFolder"),
];

/// What every `Get-` of recipients takes, and its own.
fn get(own: &[ParameterSpec]) -> Vec<ParameterSpec> {
    let mut parameters = vec![
        parameter("Identity", ParameterKind::Text),
        parameter("Anr", ParameterKind::Text),
        parameter("Filter", ParameterKind::Text),
        parameter("OrganizationalUnit", ParameterKind::Text),
        parameter("ResultSize", ParameterKind::Text),
        parameter("SortBy", ParameterKind::Text),
    ];
    parameters.extend_from_slice(own);
    with_common(parameters)
}

fn set_mailbox() -> Vec<ParameterSpec> {
    let mut parameters = vec![
        parameter("Identity", ParameterKind::Text),
        parameter("IsExchangeCloudManaged", ParameterKind::Boolean),
        parameter("Type", ParameterKind::OneOf(&MAILBOX_TYPES)),
        parameter("Force", ParameterKind::Switch),
        parameter("WhatIf", ParameterKind::Switch),
    ];
    parameters.extend(beside::OF_MAILBOX);
    parameters.extend(set_by(BY_MAILBOX));
    with_common(parameters)
}

/// The parameters with which cmdlets set properties, under the parameters' own names.
fn set_by(cmdlets: u8) -> impl Iterator<Item = ParameterSpec> {
    // Two properties are set under another name alone.
    const OTHERWISE: [&str; 2] = ["UserPrincipalName", "RoomMailboxAccountEnabled"];
    let own = PROPERTIES.iter().filter(move |spec| spec.is_set_by(cmdlets));
    let own = own.filter(|spec| !OTHERWISE.contains(&spec.name));
    let renamed = RENAMED.iter().filter(move |(name, _)| renamed_for(name) & cmdlets != 0);
    own.map(|spec| parameter(spec.name, spec.kind)).chain(renamed.filter_map(|(name, property)| {
        let spec = PROPERTIES.iter().find(|spec| spec.name == *property)?;
        Some(parameter(name, spec.kind))
    }))
}

/// Which cmdlets know a parameter that sets a property of another name.
fn renamed_for(parameter: &str) -> u8 {
    match parameter {
        "PrimarySmtpAddress" => BY_MAIL_USER,
        "EnableRoomMailboxAccount" => BY_MAILBOX,
        _ => BY_MAILBOX | BY_MAIL_USER,
    }
}

/// As `Set-Mailbox`, without what only a mailbox has: its settings, its type and the flag.
fn set_mail_user() -> Vec<ParameterSpec> {
    let mut parameters = vec![
        parameter("Identity", ParameterKind::Text),
        parameter("Force", ParameterKind::Switch),
        parameter("WhatIf", ParameterKind::Switch),
    ];
    parameters.extend(beside::OF_MAIL_USER);
    parameters.extend(set_by(BY_MAIL_USER));
    with_common(parameters)
}

fn set_audit_bypass() -> Vec<ParameterSpec> {
    let mut parameters = vec![
        parameter("Identity", ParameterKind::Text),
        parameter("WhatIf", ParameterKind::Switch),
    ];
    parameters.extend(set_by(BY_AUDIT_BYPASS));
    with_common(parameters)
}

fn search_audit_log() -> Vec<ParameterSpec> {
    with_common(vec![
        parameter("StartDate", ParameterKind::Text),
        parameter("EndDate", ParameterKind::Text),
        parameter("RecordType", ParameterKind::Text),
        parameter("Operations", ParameterKind::MultiValue),
        parameter("UserIds", ParameterKind::MultiValue),
        parameter("ObjectIds", ParameterKind::MultiValue),
        parameter("FreeText", ParameterKind::Text),
        parameter("SessionId", ParameterKind::Text),
        parameter(
            "SessionCommand",
            ParameterKind::OneOf(&["ReturnLargeSet", "ReturnNextPreviewPage"]),
        ),
        parameter("ResultSize", ParameterKind::Integer),
        parameter("Formatted", ParameterKind::Switch),
        parameter("HighCompleteness", ParameterKind::Switch),
    ])
}

fn set_organization() -> Vec<ParameterSpec> {
    with_common(vec![
        parameter("ExchangeAttributesCloudManagedByDefault", ParameterKind::Switch),
        parameter("ExchangeAttributesServerManagedByDefault", ParameterKind::Switch),
        parameter("WhatIf", ParameterKind::Switch),
    ])
}

fn set_user() -> Vec<ParameterSpec> {
    let mut parameters = vec![
        parameter("Identity", ParameterKind::Text),
        parameter("Force", ParameterKind::Switch),
        parameter("WhatIf", ParameterKind::Switch),
    ];
    parameters.extend(beside::OF_USER);
    parameters.extend(set_by(BY_USER));
    with_common(parameters)
}
