//! `Get-EXOMailbox` and `Get-EXORecipient`: cmdlets of the PowerShell module alone. The module sends what they
//! are given to an endpoint of its own (`GET .../Mailbox`), which answers as `Get-Mailbox` and `Get-Recipient`
//! do, without the flag.
//!
//! Source: Microsoft Learn, "Get-EXOMailbox", "Get-EXORecipient", "About the Exchange Online PowerShell module".

use super::{COMMON_PARAMETERS, CmdletError};
use crate::powershell::{CmdletCall, CmdletSpec, ParameterKind, ParameterSpec};

/// What of the module's cmdlets names the one that is asked for.
const NAMING: [&str; 4] =
    ["Identity", "ExternalDirectoryObjectId", "PrimarySmtpAddress", "UserPrincipalName"];

/// What says which properties are shown.
const SHOWING: [&str; 2] = ["Properties", "PropertySets"];

/// Each cmdlet, the one that it stands for, and its parameters beside [`NAMING`] and [`SHOWING`].
const READS: [(&str, &str, &[&str]); 2] = [
    (
        "Get-EXOMailbox",
        "Get-Mailbox",
        &[
            "Anr",
            "Archive",
            "Filter",
            "InactiveMailboxOnly",
            "IncludeInactiveMailbox",
            "MailboxPlan",
            "Migration",
            "OrganizationalUnit",
            "PublicFolder",
            "RecipientTypeDetails",
            "ResultSize",
            "SoftDeletedMailbox",
        ],
    ),
    (
        "Get-EXORecipient",
        "Get-Recipient",
        &[
            "Anr",
            "Filter",
            "IncludeSoftDeletedRecipients",
            "OrganizationalUnit",
            "RecipientPreviewFilter",
            "RecipientType",
            "RecipientTypeDetails",
            "ResultSize",
        ],
    ),
];

/// The cmdlets, with the kinds that their parameters have in those that they stand for.
#[must_use]
pub fn catalogue() -> Vec<CmdletSpec> {
    let known = super::catalogue();
    let spec = |(name, stands_for, own): (&'static str, &str, &[&'static str])| {
        let like = known.iter().find(|spec| spec.name == stands_for);
        let parameter = |name, kind| ParameterSpec { name, kind };
        let naming = NAMING.map(|name| parameter(name, ParameterKind::Text));
        let showing = SHOWING.map(|name| parameter(name, ParameterKind::MultiValue));
        let own = own.iter().filter_map(|name| like?.parameter(name).copied());
        CmdletSpec { name, parameters: naming.into_iter().chain(showing).chain(own).collect() }
    };
    READS.map(spec).to_vec()
}

/// What the module sends for a call of one of them; nothing for other cmdlets.
///
/// # Errors
/// A parameter that the module's cmdlet does not have.
pub fn sent(call: &CmdletCall) -> Result<Option<CmdletCall>, CmdletError> {
    let is = |known: &str, name: &str| known.eq_ignore_ascii_case(name);
    let Some((_, name, own)) = READS.into_iter().find(|(known, ..)| is(known, &call.name)) else {
        return Ok(None);
    };
    let mut parameters = Vec::new();
    for (name, value) in &call.parameters {
        let is_one = |of: &[&str]| of.iter().any(|known| is(known, name));
        if is_one(&NAMING) {
            parameters.push(("Identity".to_owned(), value.clone()));
        } else if is_one(own) {
            parameters.push((name.clone(), value.clone()));
        } else if !is_one(&SHOWING) && !is_one(&COMMON_PARAMETERS) {
            return Err(super::no_such_parameter(name));
        }
    }
    Ok(Some(CmdletCall { name: name.to_owned(), parameters }))
}
