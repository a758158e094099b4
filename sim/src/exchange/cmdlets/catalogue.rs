//! Which cmdlets Exchange Online knows here, with their parameters.
//!
//! Source: Microsoft Learn, Exchange PowerShell reference.

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
        CmdletSpec { name: "Set-Mailbox", parameters: set_mailbox() },
        CmdletSpec { name: "Set-OrganizationConfig", parameters: set_organization() },
        CmdletSpec { name: "Set-User", parameters: set_user() },
    ]
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
