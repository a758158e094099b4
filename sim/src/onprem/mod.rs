//! The old ways to edit mail attributes: cmdlets of the last Exchange server and of the
//! ActiveDirectory module. Both are AD writers: a call becomes the elements of one modify.
//!
//! Sources: Microsoft Learn, "Set-RemoteMailbox" and "Set-ADUser".

mod ad_user;
mod remote_mailbox;

use crate::directory::request::{AttributeName, Change, ChangeOperation};
use crate::powershell::{CmdletCall, CmdletSpec, ParameterKind, ParameterSpec};

/// Why a cmdlet did not get as far as AD.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnPremError {
    /// There is no such cmdlet here.
    #[error("the term '{0}' is not recognized as the name of a cmdlet")]
    UnknownCmdlet(String),
    /// The cmdlet has no such parameter.
    #[error("a parameter cannot be found that matches parameter name '{0}'")]
    UnknownParameter(String),
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
}

/// What a cmdlet looks up before it writes.
#[derive(Clone, Copy)]
pub struct Directory<'a> {
    /// The current values of an attribute of the object, as text.
    pub current: &'a dyn Fn(&str) -> Vec<String>,
    /// The distinguished name of the object that people mean by an identity.
    pub dn_of: &'a dyn Fn(&str) -> Option<String>,
}

impl Directory<'_> {
    /// The distinguished names of all that are named.
    fn dns(&self, identities: &[String]) -> Result<Vec<String>, OnPremError> {
        let of = |identity: &String| {
            (self.dn_of)(identity).ok_or_else(|| OnPremError::NotFound(identity.clone()))
        };
        identities.iter().map(of).collect()
    }
}

/// Cmdlets of the last Exchange server.
#[must_use]
pub fn exchange_catalogue() -> Vec<CmdletSpec> {
    vec![CmdletSpec { name: "Set-RemoteMailbox", parameters: remote_mailbox::parameters() }]
}

/// Cmdlets of the ActiveDirectory module.
#[must_use]
pub fn ad_catalogue() -> Vec<CmdletSpec> {
    vec![CmdletSpec { name: "Set-ADUser", parameters: ad_user::parameters() }]
}

/// The elements of the modify that a call asks for.
///
/// # Errors
/// [`OnPremError`], before anything is written.
pub fn changes(call: &CmdletCall, directory: &Directory<'_>) -> Result<Vec<Change>, OnPremError> {
    if call.name.eq_ignore_ascii_case("Set-RemoteMailbox") {
        check(call, &exchange_catalogue())?;
        remote_mailbox::changes(call, directory)
    } else if call.name.eq_ignore_ascii_case("Set-ADUser") {
        check(call, &ad_catalogue())?;
        ad_user::changes(call, directory)
    } else {
        Err(OnPremError::UnknownCmdlet(call.name.clone()))
    }
}

fn check(call: &CmdletCall, catalogue: &[CmdletSpec]) -> Result<(), OnPremError> {
    let spec = catalogue
        .iter()
        .find(|spec| spec.name.eq_ignore_ascii_case(&call.name))
        .ok_or_else(|| OnPremError::UnknownCmdlet(call.name.clone()))?;
    match call.parameters.iter().find(|(name, _)| spec.parameter(name).is_none()) {
        None => Ok(()),
        Some((name, _)) => Err(OnPremError::UnknownParameter(name.clone())),
    }
}

const fn parameter(name: &'static str, kind: ParameterKind) -> ParameterSpec {
    ParameterSpec { name, kind }
}

fn replace(attribute: &str, values: Vec<String>) -> Change {
    Change {
        operation: ChangeOperation::Replace,
        attribute: AttributeName::from(attribute),
        values: values.into_iter().map(String::into_bytes).collect(),
    }
}
