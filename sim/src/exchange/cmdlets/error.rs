//! How a cmdlet fails: HTTP status, error code, exception class and text, as the admin API shows it.
//!
//! Source: public transcripts of the admin API's error envelope; the texts of "out of write scope"
//! and "couldn't be found" are long-standing.

use crate::exchange::{Mailbox, property};

/// A refusal by Exchange Online.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CmdletError {
    /// What kind it is.
    pub kind: ErrorKind,
    /// The text that people read.
    pub message: String,
}

/// The kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The caller may not, or the cmdlet does not exist: the service does not tell which.
    Forbidden,
    /// A parameter that the cmdlet does not have, or that does not go with the others.
    ParameterSet,
    /// A value that the parameter does not take.
    ParameterValue,
    /// No such object.
    NotFound,
    /// The object's source of authority is on-premises.
    OutOfWriteScope,
    /// Another recipient has the address.
    ProxyAddressExists,
    /// The address lies in a domain that is not accepted.
    NotAcceptedDomain,
    /// A value is longer, or there are more of them, than the property takes.
    ValueTooLong,
    /// The text is no SMTP address.
    InvalidSmtpAddress,
    /// The page token is unknown or was made for another call.
    PageExpired,
    /// What is asked for does not go with the object's state.
    InvalidOperation,
    /// An error without a text, after the change was made all the same (switch `empty_error_applied`).
    Empty,
    /// The caller has used up its budget.
    Throttled {
        /// `Retry-After`, in seconds.
        retry_after: u32,
    },
}

impl ErrorKind {
    /// Whether the service refused what was asked for: by who asks or by the state of the object, and not
    /// because the call is written wrongly, names nobody, or comes at a bad time.
    #[must_use]
    pub const fn is_of_what_was_asked(self) -> bool {
        matches!(self, Self::Forbidden | Self::OutOfWriteScope | Self::InvalidOperation)
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Throttled { .. } => 429,
            _ => 400,
        }
    }

    /// `error.code`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Forbidden => "Forbidden",
            Self::NotFound => "NotFound",
            Self::Throttled { .. } => "TooManyRequests",
            _ => "BadRequest",
        }
    }

    /// `error.message`: a constant for each family.
    #[must_use]
    pub const fn headline(self) -> &'static str {
        match self {
            Self::ParameterSet | Self::ParameterValue => "Invalid Operation",
            _ => "Error executing cmdlet",
        }
    }

    /// The exception class.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Forbidden => "System.UnauthorizedAccessException",
            Self::ParameterSet => {
                "Microsoft.Exchange.AdminApi.CommandInvocation.AmbiguousParameterSetException"
            }
            Self::ParameterValue => {
                "Microsoft.Exchange.AdminApi.CommandInvocation.ParameterTransformationException"
            }
            Self::NotFound => {
                "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"
            }
            Self::OutOfWriteScope => "System.InvalidOperationException",
            Self::InvalidOperation => {
                "Microsoft.Exchange.Configuration.Tasks.TaskInvalidOperationException"
            }
            Self::ProxyAddressExists => {
                "Microsoft.Exchange.Data.Directory.Recipient.ProxyAddressExistsException"
            }
            Self::NotAcceptedDomain => {
                "Microsoft.Exchange.Management.Tasks.NotAcceptedDomainException"
            }
            Self::ValueTooLong | Self::InvalidSmtpAddress => {
                "Microsoft.Exchange.Data.DataValidationException"
            }
            Self::PageExpired => "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
            Self::Throttled { .. } => "Microsoft.Exchange.Data.Storage.OverBudgetException",
            Self::Empty => "System.Management.Automation.RemoteException",
        }
    }

    /// The names under which a scenario may expect it: its kind, its class, the class's last part.
    #[must_use]
    pub fn is_called(self, name: &str) -> bool {
        self.names().iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    fn names(self) -> [&'static str; 5] {
        let class = self.class();
        let short = class.rsplit('.').next().unwrap_or(class);
        [self.name(), short.trim_end_matches("Exception"), short, class, self.code()]
    }

    /// Its kind as a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forbidden => "Forbidden",
            Self::ParameterSet => "ParameterSet",
            Self::ParameterValue => "ParameterValue",
            Self::NotFound => "NotFound",
            Self::OutOfWriteScope => "OutOfWriteScope",
            Self::ProxyAddressExists => "ProxyAddressExists",
            Self::NotAcceptedDomain => "NotAcceptedDomain",
            Self::ValueTooLong => "ValueTooLong",
            Self::InvalidSmtpAddress => "InvalidSmtpAddress",
            Self::PageExpired => "PageExpired",
            Self::Throttled { .. } => "Throttled",
            Self::InvalidOperation => "InvalidOperation",
            Self::Empty => "Empty",
        }
    }
}

/// The kinds of refusals, as words.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name())
}

/// Every name of the kind that is called so, or else of those with such a class or code: kind, class, the class's
/// last part, code.
pub fn names(called: &str) -> impl Iterator<Item = &'static str> {
    let is_kind = |kind: &ErrorKind| kind.name().eq_ignore_ascii_case(called);
    let exact = KINDS.iter().any(is_kind);
    let kinds =
        KINDS.iter().filter(move |kind| if exact { is_kind(kind) } else { kind.is_called(called) });
    kinds.flat_map(|kind| kind.names())
}

const KINDS: [ErrorKind; 13] = [
    ErrorKind::InvalidOperation,
    ErrorKind::Empty,
    ErrorKind::Forbidden,
    ErrorKind::ParameterSet,
    ErrorKind::ParameterValue,
    ErrorKind::NotFound,
    ErrorKind::OutOfWriteScope,
    ErrorKind::ProxyAddressExists,
    ErrorKind::NotAcceptedDomain,
    ErrorKind::ValueTooLong,
    ErrorKind::InvalidSmtpAddress,
    ErrorKind::PageExpired,
    ErrorKind::Throttled { retry_after: 0 },
];

impl CmdletError {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// A refusal of this kind.
    pub(crate) fn of(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(kind, message)
    }

    /// The caller's budget is used up for this long. The text ends with the wait, which is where clients
    /// read it that know no `Retry-After`.
    pub(crate) fn throttled(retry_after: u32) -> Self {
        Self::new(
            ErrorKind::Throttled { retry_after },
            format!(
                "The server is unable to process the request because the caller has exceeded its budget. Please retry after {retry_after} seconds."
            ),
        )
    }

    /// No word about what is wrong.
    pub(crate) fn empty() -> Self {
        Self::new(ErrorKind::Empty, "")
    }

    /// The page token is unknown, too old, or was made for another call.
    pub(crate) fn page_expired() -> Self {
        Self::new(
            ErrorKind::PageExpired,
            "Expired or Invalid pagination request. Default Expiry time is 00:30:00",
        )
    }

    /// A parameter that the cmdlet cannot do without.
    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new(
            ErrorKind::ParameterSet,
            format!(
                "Cannot process command because of one or more missing mandatory parameters: {parameter}."
            ),
        )
    }

    /// AD decides over what these parameters, with commas between them, would change.
    pub(crate) fn out_of_write_scope(mailbox: &Mailbox, cmdlet: &str, parameters: &str) -> Self {
        let name = mailbox.record.text(property::DISPLAY_NAME).unwrap_or_default();
        Self::new(
            ErrorKind::OutOfWriteScope,
            format!(
                "The operation on mailbox \"{name}\" failed because it's out of the current user's write scope. The action '{cmdlet}', '{parameters}', can't be performed on the object '{name}' because the object is being synchronized from your on-premises organization. This action should be performed on the object in your on-premises organization."
            ),
        )
    }

    /// Somebody else has an address.
    pub(crate) fn address_taken(value: &str, other: &str) -> Self {
        Self::new(
            ErrorKind::ProxyAddressExists,
            format!(
                "The proxy address \"{value}\" is already being used by the proxy addresses or LegacyExchangeDN of \"{other}\". Please choose another proxy address."
            ),
        )
    }

    pub(crate) fn not_found(identity: &str, server: &str) -> Self {
        Self::new(
            ErrorKind::NotFound,
            format!(
                "The operation couldn't be performed because object '{identity}' couldn't be found on '{server}'."
            ),
        )
    }
}
