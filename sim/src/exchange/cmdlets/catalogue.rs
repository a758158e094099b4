//! Which cmdlets Exchange Online knows here, with their parameters.
//!
//! Source: Microsoft Learn, Exchange PowerShell reference.

use crate::caller::Role;
use crate::exchange::property::{Bucket, PROPERTIES};
use crate::powershell::{CmdletSpec, ParameterKind, ParameterSpec};

/// The cmdlets, in the order of their names.
#[must_use]
pub fn catalogue() -> Vec<CmdletSpec> {
    vec![
        CmdletSpec { name: "Get-AcceptedDomain", parameters: Vec::new() },
        CmdletSpec { name: "Get-MailUser", parameters: get_mailbox() },
        CmdletSpec { name: "Get-Mailbox", parameters: get_mailbox() },
        CmdletSpec { name: "Get-OrganizationConfig", parameters: Vec::new() },
        CmdletSpec { name: "Get-Recipient", parameters: get_mailbox() },
        CmdletSpec { name: "Get-User", parameters: get_mailbox() },
        CmdletSpec { name: "Search-UnifiedAuditLog", parameters: search_audit_log() },
        CmdletSpec { name: "Set-MailUser", parameters: set_mail_user() },
        CmdletSpec { name: "Set-Mailbox", parameters: set_mailbox() },
        CmdletSpec { name: "Set-OrganizationConfig", parameters: set_organization() },
        CmdletSpec { name: "Set-User", parameters: set_user() },
    ]
}

/// The documented spelling of a cmdlet.
#[must_use]
pub fn spelling(name: &str) -> Option<&'static str> {
    NAMES.iter().find(|known| known.eq_ignore_ascii_case(name)).copied()
}

/// The cmdlets that change something.
const NAMES: [&str; 4] = ["Set-MailUser", "Set-Mailbox", "Set-OrganizationConfig", "Set-User"];

/// The cmdlets that a role may run.
#[must_use]
pub fn exported(role: Role) -> Vec<&'static str> {
    let may = |spec: &&CmdletSpec| match spec.name {
        "Set-Mailbox" => role.may_write_recipients() || role.may_set_flag(),
        "Set-User" | "Set-MailUser" => role.may_write_recipients(),
        "Set-OrganizationConfig" => role.may_set_flag(),
        _ => role.may_read(),
    };
    catalogue().iter().filter(may).map(|spec| spec.name).collect()
}

/// Parameters that every cmdlet takes and that change nothing here.
pub const COMMON_PARAMETERS: [&str; 3] = ["Confirm", "ErrorAction", "WarningAction"];

const fn parameter(name: &'static str, kind: ParameterKind) -> ParameterSpec {
    ParameterSpec { name, kind }
}

fn with_common(mut parameters: Vec<ParameterSpec>) -> Vec<ParameterSpec> {
    parameters.push(parameter("Confirm", ParameterKind::Switch));
    parameters.push(parameter("ErrorAction", ParameterKind::Text));
    parameters.push(parameter("WarningAction", ParameterKind::Text));
    parameters
}

fn get_mailbox() -> Vec<ParameterSpec> {
    with_common(vec![
        parameter("Identity", ParameterKind::Text),
        parameter("Filter", ParameterKind::Text),
        parameter("ResultSize", ParameterKind::Text),
        parameter("SortBy", ParameterKind::Text),
        parameter("RecipientTypeDetails", ParameterKind::MultiValue),
    ])
}

fn set_mailbox() -> Vec<ParameterSpec> {
    let mut parameters = vec![
        parameter("Identity", ParameterKind::Text),
        parameter("IsExchangeCloudManaged", ParameterKind::Boolean),
        parameter("Type", ParameterKind::OneOf(&["Regular", "Shared", "Room", "Equipment"])),
        parameter("Force", ParameterKind::Switch),
        parameter("WhatIf", ParameterKind::Switch),
    ];
    parameters.extend(
        PROPERTIES
            .iter()
            .filter(|p| !p.user_facet && p.name != "UserPrincipalName")
            .map(|p| parameter(p.name, p.kind)),
    );
    with_common(parameters)
}

/// As `Set-Mailbox`, without what only a mailbox has: its settings, its type and the flag.
fn set_mail_user() -> Vec<ParameterSpec> {
    let mut parameters = vec![
        parameter("Identity", ParameterKind::Text),
        parameter("Force", ParameterKind::Switch),
        parameter("WhatIf", ParameterKind::Switch),
    ];
    parameters.extend(
        PROPERTIES
            .iter()
            .filter(|p| {
                !p.user_facet && p.bucket != Bucket::MailboxOnly && p.name != "UserPrincipalName"
            })
            .map(|p| parameter(p.name, p.kind)),
    );
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
    parameters.extend(
        PROPERTIES
            .iter()
            .filter(|p| {
                p.user_facet || (p.bucket == Bucket::Identity && p.name != "UserPrincipalName")
            })
            .map(|p| parameter(p.name, p.kind)),
    );
    with_common(parameters)
}
