//! Recipients in AD as the Exchange server makes them: what a mailbox, a remote mailbox and a mail user have
//! in common, and the cmdlets for mailboxes on the server and for mail users.
//!
//! Source: Microsoft Learn, "New-Mailbox", "Set-Mailbox", "Enable-Mailbox", "Disable-Mailbox", "New-MailUser",
//! "Enable-MailUser", "Disable-MailUser"; recipient type numbers: long-published constants.

use super::{
    About, Act, Cmdlet, Directory, OnPremError, all, cmdlet, edit, given, need, organization,
    parameter, replace,
};
use crate::directory::request::{
    AddRequest, AttributeName, Change, DeleteRequest, Name, Operation,
};
use crate::exchange::RecipientType;
use crate::exchange::address::{self, ProxyAddress};
use crate::powershell::{CmdletCall, ParameterKind, ParameterSpec};

/// What a recipient is in AD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A mailbox in the cloud.
    Remote(RecipientType),
    /// A mailbox on the server.
    Local(RecipientType),
    /// A mailbox elsewhere.
    MailUser,
}

impl Kind {
    /// `msExchRecipientTypeDetails` and `msExchRecipientDisplayType`.
    pub(super) const fn numbers(self) -> (&'static str, &'static str) {
        match self {
            Self::Remote(kind) => {
                let (details, display, _) = kind.remote_numbers();
                (details, display)
            }
            Self::Local(RecipientType::Shared) => ("4", "0"),
            Self::Local(RecipientType::Room | RecipientType::Workspace | RecipientType::Desk) => {
                ("16", "7")
            }
            Self::Local(RecipientType::Equipment) => ("32", "8"),
            Self::Local(RecipientType::User | RecipientType::MailUser) => ("1", "1073741824"),
            Self::MailUser => ("128", "6"),
        }
    }

    /// Rooms, equipment and shared mailboxes have nobody who signs in.
    const fn is_disabled(self) -> bool {
        matches!(
            self,
            Self::Remote(RecipientType::Shared | RecipientType::Room | RecipientType::Equipment)
                | Self::Local(
                    RecipientType::Shared | RecipientType::Room | RecipientType::Equipment
                )
        )
    }
}

/// The numbers of mailboxes on the server, those of the system (arbitration, discovery) included.
pub const LOCAL_MAILBOXES: [&str; 6] = ["1", "2", "4", "16", "32", "8388608"];

/// What a `Get-` cmdlet shows.
pub(super) const SHOWN: [&str; 8] = [
    "displayName",
    "mail",
    "mailNickname",
    "msExchRecipientTypeDetails",
    "msExchRemoteRecipientType",
    "proxyAddresses",
    "targetAddress",
    "userPrincipalName",
];

/// Every attribute that makes an object a recipient; a disabled one loses them.
const RECIPIENT_ATTRIBUTES: [&str; 16] = [
    "homeMDB",
    "legacyExchangeDN",
    "mail",
    "mailNickname",
    "msExchArchiveGUID",
    "msExchArchiveName",
    "msExchHideFromAddressLists",
    "msExchHomeServerName",
    "msExchMailboxGuid",
    "msExchPoliciesExcluded",
    "msExchRecipientDisplayType",
    "msExchRecipientTypeDetails",
    "msExchRemoteRecipientType",
    "msExchVersion",
    "proxyAddresses",
    "targetAddress",
];

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet("New-Mailbox", About::Nothing, new_mailbox_parameters, |call, directory| {
        if organization::is_about_the_system(call) {
            return organization::new_system_mailbox(call, directory);
        }
        let kind = local_kind(call)?;
        new(call, directory, kind, &server_values(directory))
    }),
    cmdlet("Enable-Mailbox", About::Object, enable_mailbox_parameters, |call, directory| {
        let kind = local_kind(call)?;
        enable(call, directory, kind, &server_values(directory))
    }),
    cmdlet("Disable-Mailbox", About::Object, disable_mailbox_parameters, |call, directory| {
        if organization::is_about_the_system(call) {
            return organization::disable_system_mailbox(call, directory);
        }
        need_local(directory)?;
        Ok(disable(directory))
    }),
    cmdlet("Set-Mailbox", About::Object, set_mailbox_parameters, |call, directory| {
        need_local(directory)?;
        Ok(directory.modify(edit::changes(call, directory, Kind::Local)?))
    }),
    cmdlet("Remove-Mailbox", About::Object, identity_parameters, |_, directory| {
        need_local(directory)?;
        Ok(delete(directory))
    }),
    cmdlet("Get-Mailbox", About::Object, get_parameters, |_, directory| {
        need_local(directory)?;
        Ok(Act::Show(&SHOWN))
    }),
    cmdlet("New-MailUser", About::Nothing, new_mail_user_parameters, |call, directory| {
        let target = external(call)?;
        new(call, directory, Kind::MailUser, &[("targetAddress", target)])
    }),
    cmdlet("Enable-MailUser", About::Object, enable_mail_user_parameters, |call, directory| {
        let target = external(call)?;
        enable(call, directory, Kind::MailUser, &[("targetAddress", target)])
    }),
    cmdlet("Disable-MailUser", About::Object, identity_parameters, |_, directory| {
        if directory.first("msExchRecipientTypeDetails").as_deref() != Some("128") {
            return Err(wrong_type("a mail user"));
        }
        Ok(disable(directory))
    }),
];

fn get_parameters() -> Vec<ParameterSpec> {
    vec![parameter("Identity", ParameterKind::Text)]
}

fn set_mailbox_parameters() -> Vec<ParameterSpec> {
    edit::parameters(&edit::OF_THE_SERVER)
}

fn identity_parameters() -> Vec<ParameterSpec> {
    vec![parameter("Identity", ParameterKind::Text), parameter("Confirm", ParameterKind::Switch)]
}

fn disable_mailbox_parameters() -> Vec<ParameterSpec> {
    let mut parameters = identity_parameters();
    parameters.extend(all(ParameterKind::Switch, &["Arbitration", "AuditLog"]));
    parameters
}

/// Parameters of every cmdlet that makes a user and a recipient in one.
pub(super) fn new_parameters() -> Vec<ParameterSpec> {
    all(
        ParameterKind::Text,
        &[
            "Name",
            "UserPrincipalName",
            "SamAccountName",
            "Alias",
            "DisplayName",
            "FirstName",
            "LastName",
            "Initials",
            "Password",
            "PrimarySmtpAddress",
            "OnPremisesOrganizationalUnit",
        ],
    )
}

/// Parameters of every cmdlet that makes a recipient of a user.
pub(super) fn enable_parameters() -> Vec<ParameterSpec> {
    all(ParameterKind::Text, &["Identity", "Alias", "DisplayName", "PrimarySmtpAddress"])
}

const LOCAL_TYPES: [&str; 3] = ["Room", "Equipment", "Shared"];

fn new_mailbox_parameters() -> Vec<ParameterSpec> {
    let mut parameters = new_parameters();
    parameters.push(parameter("OrganizationalUnit", ParameterKind::Text));
    parameters.extend(all(ParameterKind::Switch, &LOCAL_TYPES));
    parameters.extend(all(ParameterKind::Switch, &["Arbitration", "AuditLog"]));
    parameters
}

fn enable_mailbox_parameters() -> Vec<ParameterSpec> {
    let mut parameters = enable_parameters();
    parameters.extend(all(ParameterKind::Switch, &LOCAL_TYPES));
    parameters
}

fn new_mail_user_parameters() -> Vec<ParameterSpec> {
    let mut parameters = new_parameters();
    parameters.extend(all(ParameterKind::Text, &["ExternalEmailAddress", "OrganizationalUnit"]));
    parameters
}

fn enable_mail_user_parameters() -> Vec<ParameterSpec> {
    let mut parameters = enable_parameters();
    parameters.push(parameter("ExternalEmailAddress", ParameterKind::Text));
    parameters
}

fn local_kind(call: &CmdletCall) -> Result<Kind, OnPremError> {
    let given: Vec<&str> = LOCAL_TYPES.into_iter().filter(|name| given(call, name)).collect();
    Ok(Kind::Local(match given.as_slice() {
        [] => RecipientType::User,
        ["Room"] => RecipientType::Room,
        ["Equipment"] => RecipientType::Equipment,
        ["Shared"] => RecipientType::Shared,
        several => {
            return Err(OnPremError::WrongValue {
                parameter: several.join(", "),
                problem: "a mailbox has one type".to_owned(),
            });
        }
    }))
}

/// What a mailbox on the server has beside its addresses.
fn server_values(directory: &Directory<'_>) -> [(&'static str, String); 2] {
    let server = directory.organization.server.as_deref().unwrap_or_default();
    [
        (
            "msExchHomeServerName",
            format!("{ORGANIZATION_DN}/cn=Configuration/cn=Servers/cn={server}"),
        ),
        ("msExchMailboxGuid", directory.fresh.to_string()),
    ]
}

/// Where Exchange keeps what it calls by legacy names.
const ORGANIZATION_DN: &str =
    "/o=First Organization/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)";

fn external(call: &CmdletCall) -> Result<String, OnPremError> {
    let external = need(call, "ExternalEmailAddress")?;
    let address = ProxyAddress::parse(&external).address.to_owned();
    if !address::is_well_formed(&address) {
        return Err(OnPremError::WrongValue {
            parameter: "ExternalEmailAddress".to_owned(),
            problem: format!("`{external}` is no address"),
        });
    }
    Ok(format!("SMTP:{address}"))
}

/// A new user who is a recipient from the start.
pub(super) fn new(
    call: &CmdletCall,
    directory: &Directory<'_>,
    kind: Kind,
    further: &[(&'static str, String)],
) -> Result<Act, OnPremError> {
    let name = need(call, "Name")?;
    let alias = call.text("Alias").unwrap_or_else(|| without_blanks(&name));
    let upn = match call.text("UserPrincipalName") {
        Some(upn) => upn,
        None if kind.is_disabled() => format!("{alias}@{}", directory.domain),
        None => return Err(OnPremError::MissingParameter("UserPrincipalName")),
    };
    let unit = ["OnPremisesOrganizationalUnit", "OrganizationalUnit"];
    let container = unit.into_iter().find_map(|unit| call.text(unit));
    let container = match container {
        None => directory.container.to_owned(),
        // Canonical names and names alone are looked up, distinguished names are taken.
        Some(unit) if unit.contains('=') => unit,
        Some(unit) => directory.dn(&unit)?,
    };
    let control = if kind.is_disabled() { "514" } else { "512" };
    let sam = call.text("SamAccountName").unwrap_or_else(|| alias.chars().take(20).collect());
    let mut values: Vec<(&str, String)> = vec![
        ("objectClass", "user".to_owned()),
        ("sAMAccountName", sam),
        ("userPrincipalName", upn),
        ("displayName", call.text("DisplayName").unwrap_or_else(|| name.clone())),
        ("userAccountControl", control.to_owned()),
    ];
    let named = [("FirstName", "givenName"), ("LastName", "sn"), ("Initials", "initials")];
    for (parameter, attribute) in named {
        values.extend(call.text(parameter).map(|value| (attribute, value)));
    }
    let mut attributes: Vec<(AttributeName, Vec<Vec<u8>>)> =
        values.into_iter().map(|(name, value)| (name.into(), vec![value.into_bytes()])).collect();
    for change in mail_values(call, directory, kind, &alias, further)? {
        if !change.values.is_empty() {
            attributes.push((change.attribute, change.values));
        }
    }
    let dn = child(&name, &container);
    Ok(Act::Write(vec![Operation::Add(AddRequest { dn, attributes })]))
}

/// A user becomes a recipient.
pub(super) fn enable(
    call: &CmdletCall,
    directory: &Directory<'_>,
    kind: Kind,
    further: &[(&'static str, String)],
) -> Result<Act, OnPremError> {
    if directory.first("msExchRecipientTypeDetails").is_some() {
        let name = directory.first("displayName").unwrap_or_default();
        return Err(OnPremError::InvalidOperation(format!(
            "this task does not support recipients of this type: '{name}' is one already"
        )));
    }
    let alias =
        call.text("Alias").or_else(|| directory.first("sAMAccountName")).unwrap_or_default();
    let mut changes = mail_values(call, directory, kind, &alias, further)?;
    if let Some(name) = call.text("DisplayName") {
        changes.push(replace("displayName", vec![name]));
    }
    Ok(directory.modify(changes))
}

/// What makes an object a recipient. The primary address is the one that is named, or the one that the
/// e-mail address policy gives: the alias in the default domain.
fn mail_values(
    call: &CmdletCall,
    directory: &Directory<'_>,
    kind: Kind,
    alias: &str,
    further: &[(&'static str, String)],
) -> Result<Vec<Change>, OnPremError> {
    let primary =
        call.text("PrimarySmtpAddress").unwrap_or_else(|| format!("{alias}@{}", directory.domain));
    if !address::is_well_formed(&primary) {
        return Err(OnPremError::WrongValue {
            parameter: "PrimarySmtpAddress".to_owned(),
            problem: format!("`{primary}` is no address"),
        });
    }
    let mut addresses = vec![format!("SMTP:{primary}")];
    let mut changes = Vec::new();
    if let Kind::Remote(_) = kind {
        let routing = call
            .text("RemoteRoutingAddress")
            .map(|given| ProxyAddress::parse(&given).address.to_owned());
        let routing = routing.unwrap_or_else(|| format!("{alias}@{}", directory.routing_domain));
        addresses.push(format!("smtp:{routing}"));
        changes.push(replace("targetAddress", vec![format!("SMTP:{routing}")]));
    }
    // What was there before stays an address, as when a mailbox is enabled for somebody who left mail behind.
    addresses.extend(
        (directory.current)("proxyAddresses")
            .into_iter()
            .map(|have| have.strip_prefix("SMTP:").map_or(have.clone(), |a| format!("smtp:{a}"))),
    );
    let (details, display) = kind.numbers();
    let excluded = call.parameter("PrimarySmtpAddress").map(|_| NO_ADDRESS_POLICY.to_owned());
    changes.extend([
        replace("mailNickname", vec![alias.to_owned()]),
        replace("mail", vec![primary]),
        replace("proxyAddresses", address::normalized(addresses)),
        replace("msExchRecipientTypeDetails", vec![details.to_owned()]),
        replace("msExchRecipientDisplayType", vec![display.to_owned()]),
        replace("msExchPoliciesExcluded", excluded.into_iter().collect()),
    ]);
    for (attribute, value) in further {
        let mut change = replace(attribute, vec![value.clone()]);
        if *attribute == "msExchMailboxGuid" {
            change.values = vec![directory.fresh.0.to_vec()];
        }
        changes.push(change);
    }
    Ok(changes)
}

/// `msExchPoliciesExcluded` of a recipient that no e-mail address policy applies to.
pub(super) const NO_ADDRESS_POLICY: &str = "{26491cfc-9e50-4857-861b-0cb8df22b5d7}";

/// The object stays, and is no recipient any more.
pub(super) fn disable(directory: &Directory<'_>) -> Act {
    let has = |name: &&&str| !(directory.current)(name).is_empty();
    let gone = RECIPIENT_ATTRIBUTES.iter().filter(has);
    directory.modify(gone.map(|name| replace(name, Vec::new())).collect())
}

/// The object goes.
pub(super) fn delete(directory: &Directory<'_>) -> Act {
    let object = directory.object.map(Name::Number);
    Act::Write(
        object.map(|object| Operation::Delete(DeleteRequest { object })).into_iter().collect(),
    )
}

fn need_local(directory: &Directory<'_>) -> Result<(), OnPremError> {
    let details = directory.first("msExchRecipientTypeDetails").unwrap_or_default();
    if LOCAL_MAILBOXES.contains(&details.as_str()) {
        Ok(())
    } else {
        Err(wrong_type("a mailbox on this server"))
    }
}

pub(super) fn wrong_type(wanted: &str) -> OnPremError {
    OnPremError::InvalidOperation(format!(
        "this task does not support recipients of this type: the object is not {wanted}"
    ))
}

/// A distinguished name below a container (RFC 4514 2.4).
pub(super) fn child(name: &str, container: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for (place, character) in name.chars().enumerate() {
        let special = matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=')
            || (place == 0 && matches!(character, ' ' | '#'));
        if special {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    format!("CN={escaped},{container}")
}

/// An alias out of a name: without blanks and what an address cannot have.
fn without_blanks(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')).collect()
}
