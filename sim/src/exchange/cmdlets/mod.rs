//! The cmdlets of Exchange Online: a call in, rows and effects out. No socket in sight.
//!
//! Order of checks: the caller's role, the cmdlet, its parameters, the object, the write scope over
//! all parameters together, the values; then everything is applied at once or nothing.

mod beside;
mod catalogue;
pub mod documented;
mod error;
mod filter;
mod get_mailbox;
mod get_recipient;
mod organization;
mod search_audit_log;
mod selection;
mod set_mailbox;
mod values;

pub use catalogue::{COMMON_PARAMETERS, catalogue, exported, spelling};
pub use error::{CmdletError, ErrorKind, is_known as is_known_error};

use crate::caller::Caller;
use crate::clock::VirtualTime;
use crate::exchange::ExchangeOnline;
use crate::ledger::Change;
use crate::powershell::CmdletCall;
use crate::profile::Profile;

/// The server that error texts name.
pub const SERVER: &str = "AM0PR01A01DC001.EURPR01A001.PROD.OUTLOOK.COM";

/// What a cmdlet acts in.
pub struct Context<'a> {
    /// The recipients.
    pub tenant: &'a mut ExchangeOnline,
    /// The behaviour of the date.
    pub profile: &'a Profile,
    /// Now.
    pub now: VirtualTime,
    /// Who calls.
    pub caller: &'a Caller,
}

/// What a cmdlet shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// Nothing: a `Set-` that worked.
    None,
    /// Mailboxes, by number.
    Mailboxes(Vec<u32>),
    /// Recipients of any kind, by number, as another cmdlet than `Get-Mailbox` shows them.
    Recipients(View, Vec<u32>),
    /// The organization's settings.
    Organization,
    /// The accepted domains.
    AcceptedDomains,
    /// Records of the audit log: their places, how many there are of all, and what comes before them.
    Audit {
        /// The places of those shown.
        records: Vec<usize>,
        /// How many pass in all.
        all: usize,
        /// How many of them were shown before.
        before: usize,
    },
}

/// As which noun a recipient is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// `Get-Recipient`.
    Recipient,
    /// `Get-MailUser`.
    MailUser,
    /// `Get-User`.
    User,
}

impl View {
    /// The view of a cmdlet.
    fn of(cmdlet: &str) -> Option<(Self, &'static str)> {
        [
            (Self::Recipient, "Get-Recipient"),
            (Self::MailUser, "Get-MailUser"),
            (Self::User, "Get-User"),
        ]
        .into_iter()
        .find(|(_, name)| name.eq_ignore_ascii_case(cmdlet))
    }
}

/// What a cmdlet changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The recipient.
    pub mailbox: u32,
    /// What changed; never empty.
    pub changes: Vec<Change>,
}

/// What a cmdlet came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// What it shows.
    pub rows: Rows,
    /// Warnings.
    pub warnings: Vec<String>,
    /// Where the next page starts.
    pub next: Option<String>,
    /// What it changed.
    pub effect: Option<Effect>,
}

impl Output {
    fn rows(rows: Rows) -> Self {
        Self { rows, warnings: Vec::new(), next: None, effect: None }
    }
}

/// Runs a cmdlet. `page` is where a listing goes on, `page_size` how many rows a page has.
///
/// # Errors
/// The service's refusal; then nothing changed.
pub fn invoke(
    context: &mut Context<'_>,
    call: &CmdletCall,
    page: Option<&str>,
    page_size: usize,
) -> Result<Output, CmdletError> {
    let forbidden = || CmdletError::new(ErrorKind::Forbidden, "Forbidden");
    if !context.caller.role.may_read() {
        return Err(forbidden());
    }
    let known = |name: &str| call.name.eq_ignore_ascii_case(name);
    let output = if known("Get-Mailbox") {
        check_parameters(call, "Get-Mailbox")?;
        get_mailbox::run(context, call, page, page_size)?
    } else if let Some((view, name)) = View::of(&call.name) {
        check_parameters(call, name)?;
        get_recipient::run(context, view, call, page, page_size)?
    } else if known("Get-AcceptedDomain") {
        check_parameters(call, "Get-AcceptedDomain")?;
        Output::rows(Rows::AcceptedDomains)
    } else if known("Set-OrganizationConfig") && context.caller.role.may_set_flag() {
        check_parameters(call, "Set-OrganizationConfig")?;
        organization::set(context, call)?
    } else if known("Get-OrganizationConfig") {
        check_parameters(call, "Get-OrganizationConfig")?;
        Output::rows(Rows::Organization)
    } else if known("Set-Mailbox") {
        set_mailbox::check_role(context.caller.role, call).ok_or_else(forbidden)?;
        check_parameters(call, "Set-Mailbox")?;
        set_mailbox::run(context, call, "Set-Mailbox")?
    } else if known("Set-MailUser") && context.caller.role.may_write_recipients() {
        check_parameters(call, "Set-MailUser")?;
        set_mailbox::run(context, call, "Set-MailUser")?
    } else if known("Search-UnifiedAuditLog") {
        check_parameters(call, "Search-UnifiedAuditLog")?;
        search_audit_log::run(context, call)?
    } else if known("Set-User") && context.caller.role.may_write_recipients() {
        check_parameters(call, "Set-User")?;
        set_mailbox::run(context, call, "Set-User")?
    } else {
        return Err(forbidden());
    };
    Ok(output)
}

fn check_parameters(call: &CmdletCall, cmdlet: &str) -> Result<(), CmdletError> {
    let specs = SPECS.with(|specs| {
        let spec = specs.iter().find(|spec| spec.name == cmdlet);
        call.parameters
            .iter()
            .find(|(name, _)| {
                spec.is_none_or(|spec| spec.parameter(name).is_none())
                    && !COMMON_PARAMETERS.iter().any(|common| common.eq_ignore_ascii_case(name))
            })
            .map(|(name, _)| name.clone())
    });
    match specs {
        None => Ok(()),
        Some(name) => Err(CmdletError::new(
            ErrorKind::ParameterSet,
            format!(
                "Parameter set cannot be resolved using the specified named parameters. Invalid cmdlet parameters specified. {name}"
            ),
        )),
    }
}

thread_local! {
    /// The catalogue, made once: every call is checked against it.
    static SPECS: Vec<crate::powershell::CmdletSpec> = catalogue();
}
