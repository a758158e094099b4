//! Remote mailboxes: the AD objects of mailboxes that are in the cloud, made, enabled, edited and taken
//! apart.
//!
//! Source: Microsoft Learn, "New-RemoteMailbox", "Enable-RemoteMailbox", "Set-RemoteMailbox",
//! "Get-RemoteMailbox", "Disable-RemoteMailbox", "Remove-RemoteMailbox"; the numbers of
//! `msExchRemoteRecipientType`: "Filterable properties for the Filter parameter on Exchange cmdlets".

use super::recipient::{self, Kind};
use super::{
    About, Act, Cmdlet, Directory, OnPremError, all, cmdlet, edit, given, parameter, replace,
};
use crate::exchange::RecipientType;
use crate::powershell::{CmdletCall, ParameterKind, ParameterSpec};

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet("Set-RemoteMailbox", About::Object, parameters, |call, directory| {
        need_remote(directory)?;
        Ok(directory.modify(edit::changes(call, directory, Kind::Remote)?))
    }),
    cmdlet("New-RemoteMailbox", About::Nothing, new_parameters, new),
    cmdlet("Enable-RemoteMailbox", About::Object, enable_parameters, enable),
    cmdlet("Disable-RemoteMailbox", About::Object, disable_parameters, disable),
    cmdlet("Remove-RemoteMailbox", About::Object, remove_parameters, |_, directory| {
        need_remote(directory)?;
        Ok(recipient::delete(directory))
    }),
    cmdlet("Get-RemoteMailbox", About::Object, get_parameters, |_, directory| {
        need_remote(directory)?;
        Ok(Act::Show(&recipient::SHOWN))
    }),
];

fn get_parameters() -> Vec<ParameterSpec> {
    vec![parameter("Identity", ParameterKind::Text)]
}

fn remove_parameters() -> Vec<ParameterSpec> {
    vec![parameter("Identity", ParameterKind::Text), parameter("Confirm", ParameterKind::Switch)]
}

fn disable_parameters() -> Vec<ParameterSpec> {
    let mut parameters = remove_parameters();
    parameters.push(parameter("Archive", ParameterKind::Switch));
    parameters
}

/// What says the type of a mailbox that is made.
const TYPES: [&str; 4] = ["Room", "Equipment", "Shared", "Archive"];

fn new_parameters() -> Vec<ParameterSpec> {
    let mut parameters = recipient::new_parameters();
    parameters.push(parameter("RemoteRoutingAddress", ParameterKind::Text));
    parameters.extend(all(ParameterKind::Switch, &TYPES));
    parameters
}

fn enable_parameters() -> Vec<ParameterSpec> {
    let mut parameters = recipient::enable_parameters();
    parameters.push(parameter("RemoteRoutingAddress", ParameterKind::Text));
    parameters.extend(all(ParameterKind::Switch, &TYPES));
    parameters
}

/// The type that the switches say; its bits in `msExchRemoteRecipientType` say that it was born in the
/// cloud.
fn kind(call: &CmdletCall) -> Result<(Kind, u32), OnPremError> {
    let types: Vec<&str> = TYPES[..3].iter().copied().filter(|name| given(call, name)).collect();
    let archive = if given(call, "Archive") { PROVISION_ARCHIVE } else { 0 };
    let (kind, remote) = match types.as_slice() {
        [] => (RecipientType::User, PROVISION_MAILBOX),
        ["Room"] => (RecipientType::Room, PROVISION_MAILBOX | 32),
        ["Equipment"] => (RecipientType::Equipment, PROVISION_MAILBOX | 64),
        ["Shared"] => (RecipientType::Shared, PROVISION_MAILBOX | 96),
        several => {
            return Err(OnPremError::WrongValue {
                parameter: several.join(", "),
                problem: "a mailbox has one type".to_owned(),
            });
        }
    };
    Ok((Kind::Remote(kind), remote | archive))
}

/// The bits of `msExchRemoteRecipientType` for what the cloud is to make.
const PROVISION_MAILBOX: u32 = 1;
const PROVISION_ARCHIVE: u32 = 2;
/// The bit for an archive that is to go.
const DEPROVISION_ARCHIVE: u32 = 16;

fn new(call: &CmdletCall, directory: &Directory<'_>) -> Result<Act, OnPremError> {
    let (kind, remote) = kind(call)?;
    recipient::new(call, directory, kind, &[("msExchRemoteRecipientType", remote.to_string())])
}

fn enable(call: &CmdletCall, directory: &Directory<'_>) -> Result<Act, OnPremError> {
    let (kind, remote) = kind(call)?;
    if given(call, "Archive") && is_remote(directory) {
        let now = remote_bits(directory) & !DEPROVISION_ARCHIVE | PROVISION_ARCHIVE;
        let name = directory.first("displayName").unwrap_or_default();
        return Ok(directory.modify(vec![
            replace("msExchRemoteRecipientType", vec![now.to_string()]),
            replace("msExchArchiveName", vec![format!("In-Place Archive -{name}")]),
        ]));
    }
    recipient::enable(call, directory, kind, &[("msExchRemoteRecipientType", remote.to_string())])
}

fn disable(call: &CmdletCall, directory: &Directory<'_>) -> Result<Act, OnPremError> {
    need_remote(directory)?;
    if !given(call, "Archive") {
        return Ok(recipient::disable(directory));
    }
    let bits = remote_bits(directory);
    if bits & PROVISION_ARCHIVE == 0 {
        return Err(OnPremError::InvalidOperation("the mailbox has no archive".to_owned()));
    }
    let now = bits & !PROVISION_ARCHIVE | DEPROVISION_ARCHIVE;
    Ok(directory.modify(vec![
        replace("msExchRemoteRecipientType", vec![now.to_string()]),
        replace("msExchArchiveName", Vec::new()),
    ]))
}

fn remote_bits(directory: &Directory<'_>) -> u32 {
    let bits = directory.first("msExchRemoteRecipientType");
    bits.and_then(|bits| bits.parse().ok()).unwrap_or(0)
}

fn is_remote(directory: &Directory<'_>) -> bool {
    let details = directory.first("msExchRecipientTypeDetails").unwrap_or_default();
    [RecipientType::User, RecipientType::Shared, RecipientType::Room, RecipientType::Equipment]
        .iter()
        .any(|kind| kind.remote_numbers().0 == details)
}

/// Goes on when the object is a remote mailbox.
fn need_remote(directory: &Directory<'_>) -> Result<(), OnPremError> {
    if is_remote(directory) { Ok(()) } else { Err(recipient::wrong_type("a remote mailbox")) }
}

/// Parameters of `Set-RemoteMailbox`.
fn parameters() -> Vec<ParameterSpec> {
    let mut parameters = edit::parameters(&[]);
    parameters.push(parameter("RemoteRoutingAddress", ParameterKind::Text));
    parameters
}
