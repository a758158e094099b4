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
mod known;
pub mod lifecycle;
mod optimized;
mod organization;
mod others;
mod roles;
mod search_audit_log;
mod selection;
mod set_mailbox;
mod values;

pub use beside::is_given;
pub use catalogue::{COMMON_PARAMETERS, catalogue, exported, is_move, spelling};
pub use error::{CmdletError, ErrorKind, kinds as error_kinds, names as error_names};
pub use optimized::{catalogue as optimized_reads, sent as sent_by_optimized};
pub use others::Others;

use known::Known;

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
    /// The recipients beside mailboxes and mail users.
    pub others: Others<'a>,
    /// Recipients that were soft-deleted until then cannot come back any more.
    pub oldest_deletion: VirtualTime,
}

/// What a cmdlet shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// Nothing: a `Set-` that worked.
    None,
    /// Mailboxes, by number.
    Mailboxes(Vec<u32>),
    /// Recipients of any kind, by number, as another cmdlet than `Get-Mailbox` shows them; then groups and
    /// contacts as they are.
    Recipients(View, Vec<u32>, Vec<serde_json::Value>),
    /// The organization's settings.
    Organization,
    /// Objects as they are.
    Objects(Vec<serde_json::Value>),
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
    /// `Get-MailboxAuditBypassAssociation`.
    AuditBypass,
}

impl View {
    /// The view of a cmdlet.
    fn of(cmdlet: &str) -> Option<(Self, &'static str)> {
        [
            (Self::Recipient, "Get-Recipient"),
            (Self::MailUser, "Get-MailUser"),
            (Self::User, "Get-User"),
            (Self::AuditBypass, "Get-MailboxAuditBypassAssociation"),
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
    /// A flag that was accepted and shows only later (switch `forward_delay`).
    pub flag_on_its_way: Option<(u32, bool)>,
}

impl Output {
    /// Rows, and nothing beside them.
    #[must_use]
    pub fn of(rows: Rows) -> Self {
        Self::rows(rows)
    }

    fn rows(rows: Rows) -> Self {
        Self { rows, warnings: Vec::new(), next: None, effect: None, flag_on_its_way: None }
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
    let cmdlet = check(context, call)?;
    match cmdlet {
        "Get-Mailbox" => get_mailbox::run(context, call, page, page_size),
        "Get-AcceptedDomain" => Ok(Output::rows(Rows::AcceptedDomains)),
        "Get-OrganizationConfig" => Ok(Output::rows(Rows::Organization)),
        "Set-OrganizationConfig" => organization::set(context, call),
        "Set-Mailbox" | "Set-MailUser" | "Set-User" | catalogue::SET_AUDIT_BYPASS => {
            set_mailbox::run(context, call, cmdlet)
        }
        "Search-UnifiedAuditLog" => search_audit_log::run(context, call),
        _ => match View::of(cmdlet) {
            Some((view, _)) => get_recipient::run(context, view, call, page, page_size),
            None => roles::run(context, cmdlet, call),
        },
    }
}

/// Whether a call may be run at all: its caller, the cmdlet, and the names of the parameters. Answers the cmdlet's
/// documented spelling.
///
/// # Errors
/// The service's refusal.
pub fn check(context: &Context<'_>, call: &CmdletCall) -> Result<&'static str, CmdletError> {
    let forbidden = || CmdletError::new(ErrorKind::Forbidden, "Forbidden");
    let cmdlet = known::named(&call.name).ok_or_else(forbidden)?;
    if !may_run(context, cmdlet.spec.name, call)? {
        return Err(forbidden());
    }
    check_parameters(call, cmdlet)?;
    Ok(cmdlet.spec.name)
}

/// Whether the caller may run the cmdlet with these parameters: by its directory role, or by the management roles
/// once somebody changed these.
fn may_run(
    context: &Context<'_>,
    cmdlet: &'static str,
    call: &CmdletCall,
) -> Result<bool, CmdletError> {
    let role = context.caller.role;
    let Some(rbac) = &context.tenant.rbac else {
        return Ok(match cmdlet {
            "Set-OrganizationConfig" => role.may_set_flag(),
            "Set-Mailbox" => set_mailbox::check_role(role, call).is_some(),
            "Set-MailUser" | "Set-User" | catalogue::SET_AUDIT_BYPASS => {
                role.may_write_recipients()
            }
            _ if is_move(cmdlet) && !cmdlet.starts_with("Get-") => role.may_write_recipients(),
            _ if lifecycle::named(cmdlet).is_some() => lifecycle::may(role, cmdlet),
            _ if roles::named(cmdlet).is_some() => role.may_manage_roles(),
            _ => role.may_read(),
        });
    };
    if !rbac.allows(context.caller, cmdlet, &[]) {
        return Ok(false);
    }
    let is_common = |name: &str| COMMON_PARAMETERS.iter().any(|c| c.eq_ignore_ascii_case(name));
    let denied = call
        .parameters
        .iter()
        .map(|(name, _)| name.as_str())
        .find(|name| !is_common(name) && !rbac.allows(context.caller, cmdlet, &[name]));
    // A session has only the parameters that the roles give it.
    denied.map_or(Ok(true), |name| Err(no_such_parameter(name)))
}

fn no_such_parameter(name: &str) -> CmdletError {
    CmdletError::new(
        ErrorKind::ParameterSet,
        format!(
            "Parameter set cannot be resolved using the specified named parameters. Invalid cmdlet parameters specified. {name}"
        ),
    )
}

fn check_parameters(call: &CmdletCall, cmdlet: &Known) -> Result<(), CmdletError> {
    let is_common = |name: &str| COMMON_PARAMETERS.iter().any(|c| c.eq_ignore_ascii_case(name));
    let is_known = |name: &str| cmdlet.parameter(name).is_some() || is_common(name);
    match call.parameters.iter().find(|(name, _)| !is_known(name)) {
        None => Ok(()),
        Some((name, _)) => Err(no_such_parameter(name)),
    }
}
