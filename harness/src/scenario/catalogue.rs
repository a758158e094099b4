//! The names that a scenario may use and that others own: cmdlets, attributes, switches, roles.

use std::time::Duration;

use sim::powershell::{Argument, CmdletCall, CmdletSpec};

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
    /// Those of them in which there is no writeback job.
    pub profiles_without_job: Vec<String>,
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
    /// Codes that `expect_error:` can name beside `any`, for each kind of step. For a kind that is not listed
    /// every word passes.
    pub error_codes: Vec<(&'static str, Vec<String>)>,
    /// Error codes and skip reasons of the provisioning log. When none is given, every word passes.
    pub log_codes: Vec<String>,
    /// Whether the engine takes an attribute mapping (target, expression), or why not; without it every
    /// one passes.
    pub mapping: Option<MappingCheck>,
    /// Whether a text is a distinguished name, or why not; without it every one passes.
    pub distinguished_name: Option<NameCheck>,
    /// Whether a user of the population can have values of an AD attribute; without it all.
    pub ad_values: Option<AdValuesCheck>,
    /// Whether a mailbox of the population can have values of a property; without it all.
    pub exo_values: Option<ExoValuesCheck>,
    /// What LDIF change records ask for; without it they are not looked into.
    pub ldif: Option<LdifReader>,
    /// Whether Graph answers requests like one; without it every one passes.
    pub graph: Option<GraphCheck>,
    /// Whether a user in Graph has a property; without it every one passes.
    pub graph_property: Option<fn(&str) -> bool>,
    /// Whether Graph takes what a request says; without it everything.
    pub graph_form: Option<GraphFormCheck>,
    /// Whether AD takes such values of an attribute from a step; without it all.
    pub step_values: Option<StepValuesCheck>,
    /// Whether Exchange Online takes an argument of a parameter; without it every one passes.
    pub exo_given: Option<ExoGivenCheck>,
    /// Whether a class of objects exists; without it every one.
    pub class: Option<fn(&str) -> bool>,
    /// What a cmdlet of the server or of AD lacks and cannot do without.
    pub missing: Option<MissingCheck>,
}

/// What an LDIF change record asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdifRecord {
    /// The distinguished name of the object.
    pub dn: String,
    /// Whether it makes the object.
    pub adds: bool,
    /// The relative distinguished name that it gives to it.
    pub renames: Option<String>,
    /// The attributes that it names.
    pub attributes: Vec<String>,
    /// Values that it gives attributes, as far as they are text.
    pub values: Vec<(String, Vec<String>)>,
}

/// What is wrong with LDIF change records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdifProblem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

/// Reads LDIF change records.
pub type LdifReader = fn(&str) -> Result<Vec<LdifRecord>, LdifProblem>;
/// Says of a method and an address why Graph does not answer it.
pub type GraphCheck = fn(&str, &str) -> Result<(), Misfit>;

/// Why values will not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// What is wrong.
    pub message: String,
    /// What was expected; may be empty.
    pub expected: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Misfit {
    /// With what was expected.
    #[must_use]
    pub fn new(message: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { message: message.into(), expected: expected.into(), help: None }
    }

    /// With advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Says of values of an AD attribute of a user, in a forest with the Exchange schema or without, why they
/// will not do.
pub type AdValuesCheck = fn(&str, &[String], bool) -> Result<(), Misfit>;
/// Says of a call which mandatory parameter it lacks.
pub type MissingCheck = fn(&CmdletCall) -> Option<&'static str>;
/// Says of an AD attribute, and of values that a step gives it at once, why they will not do.
pub type StepValuesCheck = fn(&str, &[String]) -> Result<(), Misfit>;
/// Says of a parameter of `Set-Mailbox` and of its argument why Exchange Online would not take it.
pub type ExoGivenCheck = fn(&str, &Argument) -> Result<(), Misfit>;
/// Says of a method, an address and a body why Graph would not take them.
pub type GraphFormCheck = fn(&str, &str, Option<&serde_json::Value>) -> Result<(), String>;
/// Says of values of an Exchange Online property why they will not do.
pub type ExoValuesCheck = fn(&str, &[String]) -> Result<(), Misfit>;
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
    /// A whole number between two bounds, both included.
    Integer(i64, i64),
    /// A length of time of at most this, none included.
    Duration(Duration),
    /// So much in a time, or `off`.
    Budget,
    /// A word out of a list.
    OneOf(Vec<String>),
}
