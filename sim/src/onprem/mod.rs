//! The last Exchange server and the ActiveDirectory module: cmdlets that write to AD, and what the
//! Exchange organization has beside its recipients.
//!
//! A cmdlet about recipients is an AD writer: a call becomes operations of the directory. Sources: Microsoft
//! Learn, Exchange PowerShell reference (remote mailboxes, mailboxes, mail users, organization) and
//! ActiveDirectory module reference.

mod ad_group;
mod ad_object;
mod ad_user;
mod edit;
mod organization;
mod recipient;
mod remote_mailbox;

pub use organization::{Organization, OrganizationChange, PublicFolders, Thing, ThingKind};
pub use recipient::LOCAL_MAILBOXES;

use crate::directory::request::{
    AttributeName, Change, ChangeOperation, ModifyRequest, Name, ObjectNumber, Operation,
};
use crate::guid::Guid;
use crate::parity::Fidelity;
use crate::powershell::{Argument, CmdletCall, CmdletSpec, ParameterKind, ParameterSpec};

/// Why a cmdlet did not get as far as AD.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnPremError {
    /// There is no such cmdlet here.
    #[error("the term '{0}' is not recognized as the name of a cmdlet")]
    UnknownCmdlet(String),
    /// The cmdlet has no such parameter.
    #[error("a parameter cannot be found that matches parameter name '{0}'")]
    UnknownParameter(String),
    /// A parameter that the cmdlet cannot do without is missing.
    #[error("cannot process command because of one or more missing mandatory parameters: {0}")]
    MissingParameter(&'static str),
    /// The parameter does not take the value.
    #[error("cannot bind parameter '{parameter}': {problem}")]
    WrongValue {
        /// The parameter.
        parameter: String,
        /// What is wrong.
        problem: String,
    },
    /// There is no such object.
    #[error("the object '{0}' cannot be found")]
    NotFound(String),
    /// The object is not what the cmdlet is for, or something stands against it.
    #[error("{0}")]
    InvalidOperation(String),
    /// The Exchange server is gone, and its cmdlets with it.
    #[error("there is no Exchange server any more that '{0}' could run on")]
    NoServer(String),
}

/// What a cmdlet looks up before it writes.
#[derive(Clone, Copy)]
pub struct Directory<'a> {
    /// The object that the call is about, where it is about one that exists.
    pub object: Option<ObjectNumber>,
    /// The current values of an attribute of that object, as text.
    pub current: &'a dyn Fn(&str) -> Vec<String>,
    /// The distinguished name of the object that people mean by an identity.
    pub dn_of: &'a dyn Fn(&str) -> Option<String>,
    /// Where new users go when nobody says: a distinguished name.
    pub container: &'a str,
    /// The default accepted domain.
    pub domain: &'a str,
    /// The domain of remote routing addresses.
    pub routing_domain: &'a str,
    /// A GUID for what is made.
    pub fresh: Guid,
    /// What the Exchange organization has.
    pub organization: &'a Organization,
    /// How many mailboxes of people are on its servers, in the whole forest.
    pub local_mailboxes: &'a dyn Fn() -> usize,
}

impl Directory<'_> {
    /// The distinguished names of all that are named.
    fn dns(&self, identities: &[String]) -> Result<Vec<String>, OnPremError> {
        identities.iter().map(|identity| self.dn(identity)).collect()
    }

    fn dn(&self, identity: &str) -> Result<String, OnPremError> {
        (self.dn_of)(identity).ok_or_else(|| OnPremError::NotFound(identity.to_owned()))
    }

    fn first(&self, attribute: &str) -> Option<String> {
        (self.current)(attribute).into_iter().next()
    }

    /// One modification of the object; nothing when nothing is to change.
    fn modify(&self, changes: Vec<Change>) -> Act {
        match self.object {
            Some(object) if !changes.is_empty() => {
                let object = Name::Number(object);
                Act::Write(vec![Operation::Modify(ModifyRequest { object, changes })])
            }
            _ => Act::Write(Vec::new()),
        }
    }
}

/// What a call comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Operations of the directory in order; the first that is refused ends it.
    Write(Vec<Operation>),
    /// The object is shown: these attributes of it.
    Show(&'static [&'static str]),
    /// The organization's own things change.
    Organization(OrganizationChange),
    /// The organization's own things of a kind are shown.
    ShowOrganization(ThingKind),
}

/// What a call's `-Identity` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// An object that exists.
    Object,
    /// An object that was deleted.
    Deleted,
    /// Nothing in AD: the object is new, or a thing of the organization.
    Nothing,
}

type Action = fn(&CmdletCall, &Directory<'_>) -> Result<Act, OnPremError>;

/// A cmdlet: what it takes and what it does.
struct Cmdlet {
    name: &'static str,
    parameters: fn() -> Vec<ParameterSpec>,
    about: About,
    act: Action,
}

const fn cmdlet(
    name: &'static str,
    about: About,
    parameters: fn() -> Vec<ParameterSpec>,
    act: Action,
) -> Cmdlet {
    Cmdlet { name, parameters, about, act }
}

/// Cmdlets of the last Exchange server.
const EXCHANGE: &[&[Cmdlet]] =
    &[remote_mailbox::CMDLETS, recipient::CMDLETS, organization::CMDLETS, organization::THINGS];

/// Cmdlets of the ActiveDirectory module.
const AD: &[&[Cmdlet]] = &[ad_user::CMDLETS, ad_group::CMDLETS, ad_object::CMDLETS];

impl Cmdlet {
    /// What it takes: `-WhatIf` too where it changes something (Microsoft Learn, about_CommonParameters,
    /// "Risk mitigation parameter descriptions"). `Setup` is a program, and no cmdlet.
    fn all_parameters(&self) -> Vec<ParameterSpec> {
        let mut parameters = (self.parameters)();
        if !self.name.starts_with("Get-") && self.name.contains('-') {
            parameters.push(parameter(WHAT_IF, ParameterKind::Switch));
        }
        parameters
    }
}

/// The switch with which a cmdlet does all but its change.
const WHAT_IF: &str = "WhatIf";

fn specs(groups: &[&[Cmdlet]]) -> Vec<CmdletSpec> {
    let spec =
        |cmdlet: &Cmdlet| CmdletSpec { name: cmdlet.name, parameters: cmdlet.all_parameters() };
    let mut specs: Vec<CmdletSpec> = groups.iter().copied().flatten().map(spec).collect();
    specs.sort_by_key(|spec| spec.name);
    specs
}

/// Cmdlets of the last Exchange server.
#[must_use]
pub fn exchange_catalogue() -> Vec<CmdletSpec> {
    specs(EXCHANGE)
}

/// Cmdlets of the ActiveDirectory module.
#[must_use]
pub fn ad_catalogue() -> Vec<CmdletSpec> {
    specs(AD)
}

fn find(name: &str) -> Option<(&'static Cmdlet, bool)> {
    let is = |cmdlet: &&Cmdlet| cmdlet.name.eq_ignore_ascii_case(name);
    let of = |groups: &'static [&'static [Cmdlet]]| groups.iter().copied().flatten().find(is);
    of(EXCHANGE).map(|found| (found, true)).or_else(|| of(AD).map(|found| (found, false)))
}

/// What the identity of a call means.
///
/// # Errors
/// `UnknownCmdlet`.
pub fn about(call: &CmdletCall) -> Result<About, OnPremError> {
    if organization::is_about_the_system(call) {
        return Ok(About::Nothing);
    }
    find(&call.name)
        .map(|(found, _)| found.about)
        .ok_or_else(|| OnPremError::UnknownCmdlet(call.name.clone()))
}

/// What a call comes to. Nothing has happened yet.
///
/// # Errors
/// [`OnPremError`], before anything is written.
pub fn act(call: &CmdletCall, directory: &Directory<'_>) -> Result<Act, OnPremError> {
    let (found, on_server) =
        find(&call.name).ok_or_else(|| OnPremError::UnknownCmdlet(call.name.clone()))?;
    check_parameters(call, &found.all_parameters())?;
    if on_server && directory.organization.server.is_none() {
        return Err(OnPremError::NoServer(found.name.to_owned()));
    }
    let act = (found.act)(call, directory)?;
    Ok(if given(call, WHAT_IF) { Act::Write(Vec::new()) } else { act })
}

/// A parameter that a call lacks and that its cmdlet cannot do without, whoever it is about.
#[must_use]
pub fn missing(call: &CmdletCall) -> Option<&'static str> {
    let organization = Organization { server: Some(String::new()), ..Organization::default() };
    let anybody = Directory {
        object: Some(ObjectNumber(0)),
        current: &|_| Vec::new(),
        dn_of: &|identity| Some(identity.to_owned()),
        container: "",
        domain: "",
        routing_domain: "",
        fresh: Guid([0; 16]),
        organization: &organization,
        local_mailboxes: &|| 0,
    };
    match act(call, &anybody) {
        Err(OnPremError::MissingParameter(name)) => Some(name),
        _ => None,
    }
}

/// What PowerShell's binder refuses: names that the cmdlet does not have, values that it cannot convert.
fn check_parameters(call: &CmdletCall, known: &[ParameterSpec]) -> Result<(), OnPremError> {
    for (name, value) in &call.parameters {
        let found = known.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(name));
        let found = found.ok_or_else(|| OnPremError::UnknownParameter(name.clone()))?;
        if !found.kind.takes(value) {
            return Err(OnPremError::WrongValue {
                parameter: found.name.to_owned(),
                problem: format!("{value} cannot be converted to what it takes"),
            });
        }
    }
    Ok(())
}

/// How much of a parameter of these cmdlets is here.
#[must_use]
pub fn fidelity(parameter: &str) -> Fidelity {
    match parameter {
        "Confirm" | "Password" | "AccountPassword" => {
            Fidelity::Approximated("is taken and changes nothing")
        }
        _ => Fidelity::Modelled,
    }
}

const fn parameter(name: &'static str, kind: ParameterKind) -> ParameterSpec {
    ParameterSpec { name, kind }
}

/// Parameters of one kind.
fn all(kind: ParameterKind, names: &[&'static str]) -> Vec<ParameterSpec> {
    names.iter().map(|name| parameter(name, kind)).collect()
}

fn replace(attribute: &str, values: Vec<String>) -> Change {
    Change {
        operation: ChangeOperation::Replace,
        attribute: AttributeName::from(attribute),
        values: values.into_iter().map(String::into_bytes).collect(),
    }
}

/// Whether a switch or Boolean is given and true.
fn given(call: &CmdletCall, name: &str) -> bool {
    call.parameter(name).and_then(Argument::boolean) == Some(true)
}

fn need(call: &CmdletCall, name: &'static str) -> Result<String, OnPremError> {
    let value = call.text(name).filter(|text| !text.is_empty());
    value.ok_or(OnPremError::MissingParameter(name))
}
