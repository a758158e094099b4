//! The names that a scenario may use and that others own: cmdlets, attributes, switches, roles.

use sim::powershell::CmdletSpec;

/// What the caller knows and a file is checked against.
#[derive(Debug, Clone, Default)]
pub struct Catalogues {
    /// Cmdlets of Exchange Online (`exo:`).
    pub exo: Vec<CmdletSpec>,
    /// Cmdlets of the last Exchange server (`onprem:`).
    pub onprem: Vec<CmdletSpec>,
    /// Cmdlets of the ActiveDirectory module (`ad:`).
    pub ad: Vec<CmdletSpec>,
    /// `lDAPDisplayName` of every attribute a user can have in AD.
    pub ad_attributes: Vec<String>,
    /// Properties of a mailbox in Exchange Online, as `Get-Mailbox` names them.
    pub exo_properties: Vec<String>,
    /// Properties of a user in Entra, as Microsoft Graph names them; members of complex properties
    /// with a dot (`onPremisesExtensionAttributes.extensionAttribute1`).
    pub entra_properties: Vec<String>,
    /// Names of the behaviour profiles.
    pub profiles: Vec<String>,
    /// Switches of the profiles.
    pub switches: Vec<SwitchSpec>,
    /// Names of the population shapes.
    pub shapes: Vec<String>,
    /// Roles that `as:` can name.
    pub roles: Vec<String>,
    /// Names of the oracles that `suspend:` can name.
    pub oracles: Vec<String>,
    /// Findings of the readiness check that `accept:` of a transfer can name.
    pub findings: Vec<String>,
    /// Codes that `expect_error:` can name beside `any`. When none is given, every word passes.
    pub error_codes: Vec<String>,
    /// Error codes and skip reasons of the provisioning log. When none is given, every word passes.
    pub log_codes: Vec<String>,
    /// Whether the engine takes an attribute mapping (target, expression), or why not; without it every
    /// one passes.
    pub mapping: Option<MappingCheck>,
    /// Whether a text is a distinguished name, or why not; without it every one passes.
    pub distinguished_name: Option<NameCheck>,
}

/// Says of an attribute of AD and the expression that is to feed it why they will not do.
pub type MappingCheck = fn(&str, &str) -> Result<(), String>;
/// Says of a name why it will not do.
pub type NameCheck = fn(&str) -> Result<(), String>;

/// A switch of the behaviour profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchSpec {
    /// Its name (`proxy_mode`).
    pub name: String,
    /// What it takes.
    pub kind: SwitchKind,
}

/// What a switch takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwitchKind {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A length of time.
    Duration,
    /// A word out of a list.
    OneOf(Vec<String>),
    /// Any text.
    Text,
}
