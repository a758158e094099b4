//! The classes of failure. Every error of a port says its class here, so that whether and when
//! something is tried again is a total function of it.
//!
//! The codes are those that Microsoft documents for Cloud Sync ("Cloud sync troubleshooting", "Cloud
//! sync FAQ", "provisioning logs"). What AD answers without a code of its own there is brought under
//! the nearest one; the LDAP result and the DC's words stay in the detail. LDAP results: [RFC 4511]
//! 4.1.9, [MS-ADTS] 3.1.1.3 (their Windows texts).

use std::time::Duration;

use crate::ports::{CallError, StoreError};

/// What kind of failure it is: decides what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Will probably work later, unchanged.
    Transient,
    /// The connection broke at something else while this was under way: says nothing of the object, and will
    /// probably work later, unchanged.
    Interrupted,
    /// The service asks to come back later, after this time if it named one.
    Throttled(Option<Duration>),
    /// Refused for what it is: works only after somebody changed something.
    Rejected,
    /// Not understood by one of the two sides.
    Malformed,
    /// The object was not in the state it was taken to be in: read again and decide anew.
    Conflict,
    /// Nothing more can be done by this process, or with these credentials.
    Fatal,
}

/// A failure with its class, its documented code and the words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class.
    pub class: Class,
    /// The documented code.
    pub code: &'static str,
    /// What happened.
    pub detail: String,
}

/// On which side a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Exchange Online or Entra.
    Cloud,
    /// Active Directory through an agent.
    Agent,
}

/// The code of an activity that was told to end before its time: no failure of anybody, so none of the service's.
pub const INTERRUPTED: &str = "Interrupted";

/// The code of an activity that ends as its state store does not work: a full disk is no failure of Active Directory.
pub const STORE_FAILED: &str = "StateStoreFailed";

/// The code of an address that is of no use as things are ([`CallError::Unusable`]): the service's own agents
/// cannot come to that, so none of its codes says it.
pub const ENDPOINT_UNUSABLE: &str = "EndpointUnusable";

/// The documented codes that the engine gives.
pub mod code {
    /// The agent did not answer within ten minutes.
    pub const TIME_OUT: &str = "TimeOut";
    /// No agent is registered for the domain.
    pub const NO_AGENTS_ASSIGNED: &str = "HybridIdentityServiceNoAgentsAssigned";
    /// Agents are registered, but none listens.
    pub const NO_ACTIVE_AGENTS: &str = "HybridIdentityServiceNoActiveAgents";
    /// The set-up is broken: unknown rule, refused bind.
    pub const INVALID_RESOURCE: &str = "HybridIdentityServiceInvalidResource";
    /// The agent could not be reached, or was lost.
    pub const AGENT_SIGNALING: &str = "HybridIdentityServiceAgentSignalingError";
    /// AD or the agent failed in a way that has no code of its own.
    pub const INTERNAL: &str = "HybridSynchronizationActiveDirectoryInternalServerError";
    /// Matching found more than one object.
    pub const DUPLICATE_ENTRIES: &str =
        "HybridSynchronizationActiveDirectoryUnexpectedDuplicateEntriesFound";
    /// AD denied the write.
    pub const ACCESS_RIGHTS: &str = "HybridSynchronizationActiveDirectoryInsufficientAccessRights";
    /// An attribute is not in the schema that the agent knows.
    pub const CANNOT_FIND_ATTRIBUTE: &str =
        "HybridSynchronizationActiveDirectoryCannotFindAttribute";
    /// A `userPrincipalName` is taken in the forest.
    pub const UPN_NOT_UNIQUE: &str =
        "HybridSynchronizationActiveDirectoryUserPrincipalNameNotUnique";
    /// AD does not take the value.
    pub const INVALID_SYNTAX: &str = "InvalidAttributeSyntax-LdapErr";
    /// The server is busy; tried again automatically.
    pub const SERVER_BUSY: &str = "AzureDirectoryServiceServerBusy";
    /// The cloud refuses the credentials.
    pub const INVALID_CREDENTIAL: &str = "AzureActiveDirectoryInvalidCredential";
    /// The credentials have expired.
    pub const EXPIRED_CREDENTIALS: &str = "AzureActiveDirectoryExpiredCredentials";
    /// The credentials are not what is wrong: the account, the application or a policy is.
    pub const AUTHENTICATION_FAILED: &str = "AzureActiveDirectoryAuthenticationFailed";
    /// The cloud denies access.
    pub const AUTHORIZATION_FAILED: &str = "AzureDirectoryServiceAuthorizationFailed";
    /// Warning beside a success: more mailboxes are written back than the service supports. What the
    /// service says then is not published (open question U11): the code is synthetic.
    pub const BEYOND_LIMIT: &str = "MailboxLimitExceeded";
    /// Skip: both sides hold the same values already.
    pub const REDUNDANT_EXPORT: &str = "RedundantExport";
    /// Skip: the mailbox is not one that is written back.
    pub const NOT_IN_SCOPE: &str = "NotInScope";
    /// Skip of a cycle: AD has the authority over the mailbox (its flag is false).
    pub const IMPORT_SKIPPED: &str = "ImportSkipped";

    /// All of them.
    pub const ALL: [&str; 20] = [
        TIME_OUT,
        NO_AGENTS_ASSIGNED,
        NO_ACTIVE_AGENTS,
        INVALID_RESOURCE,
        AGENT_SIGNALING,
        INTERNAL,
        DUPLICATE_ENTRIES,
        ACCESS_RIGHTS,
        CANNOT_FIND_ATTRIBUTE,
        UPN_NOT_UNIQUE,
        INVALID_SYNTAX,
        SERVER_BUSY,
        INVALID_CREDENTIAL,
        EXPIRED_CREDENTIALS,
        AUTHENTICATION_FAILED,
        AUTHORIZATION_FAILED,
        BEYOND_LIMIT,
        REDUNDANT_EXPORT,
        NOT_IN_SCOPE,
        IMPORT_SKIPPED,
    ];
}

impl Failure {
    /// A failure of this class and code.
    #[must_use]
    pub fn new(class: Class, code: &'static str, detail: impl Into<String>) -> Self {
        Self { class, code, detail: detail.into() }
    }

    /// What a failed call means.
    #[must_use]
    pub fn of_call(error: &CallError, side: Side) -> Self {
        let (class, code) = match (error, side) {
            (CallError::Halted, _) => (Class::Fatal, code::INTERNAL),
            (CallError::Throttled { retry_after }, _) => {
                (Class::Throttled(*retry_after), code::SERVER_BUSY)
            }
            (CallError::TimedOut { .. }, _) => (Class::Transient, code::TIME_OUT),
            (CallError::Unreachable { .. }, Side::Agent) => {
                (Class::Transient, code::AGENT_SIGNALING)
            }
            (CallError::Unreachable { .. } | CallError::ServiceFailure { .. }, Side::Cloud)
            | (CallError::ServiceFailure { .. }, Side::Agent) => {
                (Class::Transient, code::SERVER_BUSY)
            }
            (CallError::Unusable { .. }, _) => (Class::Rejected, ENDPOINT_UNUSABLE),
            (CallError::Refused { .. }, Side::Agent) => (Class::Fatal, code::INVALID_RESOURCE),
            (CallError::Refused { code, .. }, Side::Cloud) => (
                Class::Fatal,
                if let Some(number) = code.strip_prefix("AADSTS") {
                    of_sign_in(number)
                } else if code == "401" || code == "InvalidAuthenticationToken" {
                    code::INVALID_CREDENTIAL
                } else {
                    code::AUTHORIZATION_FAILED
                },
            ),
            (CallError::Malformed { .. }, _) => (Class::Malformed, code::INTERNAL),
            (CallError::PageExpired, _) => (Class::Conflict, code::INTERNAL),
        };
        Self::new(class, code, error.to_string())
    }

    /// What it means that one of several things could not be read: a refusal stops that one and not the
    /// whole job.
    #[must_use]
    pub fn of_row(error: &CallError, side: Side) -> Self {
        let failure = Self::of_call(error, side);
        let class = if failure.class == Class::Fatal { Class::Rejected } else { failure.class };
        Self { class, ..failure }
    }

    /// What an LDAP result of a modify means; `None` for success.
    #[must_use]
    pub fn of_result(result: u32, diagnostic: &str) -> Option<Self> {
        let unknown_attribute = windows_code(diagnostic) == Some("00000057");
        let (name, class, code) = match result {
            0 => return None,
            3 => ("timeLimitExceeded", Class::Transient, code::TIME_OUT),
            4 => ("sizeLimitExceeded", Class::Rejected, code::INTERNAL),
            8 => ("strongerAuthRequired", Class::Fatal, code::INVALID_RESOURCE),
            10 => ("referral", Class::Transient, code::INTERNAL),
            11 => ("adminLimitExceeded", Class::Rejected, code::INTERNAL),
            16 if unknown_attribute => {
                ("noSuchAttribute", Class::Rejected, code::CANNOT_FIND_ATTRIBUTE)
            }
            16 => ("noSuchAttribute", Class::Conflict, code::CANNOT_FIND_ATTRIBUTE),
            17 => ("undefinedAttributeType", Class::Rejected, code::CANNOT_FIND_ATTRIBUTE),
            19 if windows_code(diagnostic) == Some("000021C8") => {
                ("constraintViolation", Class::Rejected, code::UPN_NOT_UNIQUE)
            }
            19 => ("constraintViolation", Class::Rejected, code::INVALID_SYNTAX),
            20 => ("attributeOrValueExists", Class::Conflict, code::INVALID_SYNTAX),
            21 => ("invalidAttributeSyntax", Class::Rejected, code::INVALID_SYNTAX),
            32 => ("noSuchObject", Class::Conflict, code::INTERNAL),
            49 => ("invalidCredentials", Class::Fatal, code::INVALID_RESOURCE),
            50 => ("insufficientAccessRights", Class::Rejected, code::ACCESS_RIGHTS),
            51 => ("busy", Class::Transient, code::SERVER_BUSY),
            52 => ("unavailable", Class::Transient, code::SERVER_BUSY),
            53 => ("unwillingToPerform", Class::Rejected, code::INTERNAL),
            65 => ("objectClassViolation", Class::Rejected, code::CANNOT_FIND_ATTRIBUTE),
            68 => ("entryAlreadyExists", Class::Conflict, code::INTERNAL),
            _ => ("LDAP result", Class::Rejected, code::INTERNAL),
        };
        let attribute = named_attribute(diagnostic)
            .map(|name| format!(", attribute {name}"))
            .unwrap_or_default();
        let words = diagnostic.trim_end_matches(['\0', '\n', '\r', ' ']);
        let separator = if words.is_empty() { "" } else { ": " };
        Some(Self::new(class, code, format!("{name} ({result}){attribute}{separator}{words}")))
    }

    /// Somebody ended the activity before its time.
    #[must_use]
    pub fn interrupted() -> Self {
        let detail = "it was told to end before its time; the same call goes on with it";
        Self::new(Class::Fatal, INTERRUPTED, detail)
    }

    /// What a failed state store means: the process cannot go on.
    #[must_use]
    pub fn of_store(error: &StoreError) -> Self {
        Self::new(Class::Fatal, STORE_FAILED, error.to_string())
    }
}

/// The code for a refused sign-in, by the number after `AADSTS` ("Microsoft Entra authentication and
/// authorization error codes").
fn of_sign_in(number: &str) -> &'static str {
    match number {
        // An expired secret, password, assertion, token or refresh token.
        "7000222" | "50055" | "700024" | "700082" | "70008" => code::EXPIRED_CREDENTIALS,
        // A wrong secret, password or assertion; none at all.
        "7000215" | "7000216" | "7000218" | "50126" | "50034" | "700027" | "50012" => {
            code::INVALID_CREDENTIAL
        }
        _ => code::AUTHENTICATION_FAILED,
    }
}

/// `errorCategory`: whether the service failed, or something that people can put right (Microsoft Graph
/// reference, provisioningErrorInfo).
#[must_use]
pub fn category(code: &str) -> &'static str {
    let by_the_service =
        matches!(code, code::TIME_OUT | code::AGENT_SIGNALING | code::INTERNAL | code::SERVER_BUSY);
    if by_the_service { "failure" } else { "nonServiceFailure" }
}

/// `recommendedAction`: what to do about a code; `None` for the reason of a skip. Sources: "Cloud sync
/// troubleshooting", "Cloud sync error codes", "Insufficient access rights".
#[must_use]
pub fn recommended_action(code: &str) -> Option<&'static str> {
    Some(match code {
        code::TIME_OUT => {
            "The agent did not answer in time. Nothing is to be done if it is tried again with success; \
             otherwise check the agent's server and its connection to the domain controller."
        }
        code::NO_AGENTS_ASSIGNED => "Install a provisioning agent and register it for the domain.",
        code::NO_ACTIVE_AGENTS => {
            "Start the service of the provisioning agent, and let its server reach the documented \
             addresses on port 443."
        }
        code::INVALID_RESOURCE => {
            "Register the agent again and restart the configuration; check the agent's account."
        }
        code::AGENT_SIGNALING => {
            "Check that no firewall or proxy ends the agent's connections, and restart the agent."
        }
        code::INTERNAL => {
            "See the reason; check that the object exists in Active Directory and that its domain \
             controller works."
        }
        code::DUPLICATE_ENTRIES => {
            "Remove the anchor from all objects but one, or from all mailboxes but one, then provision the \
             user on demand."
        }
        code::ACCESS_RIGHTS => {
            "Grant the agent's account the right to write the attribute; for protected accounts and where \
             inheritance is off, on the object itself or on AdminSDHolder."
        }
        code::CANNOT_FIND_ATTRIBUTE => {
            "Extend the schema of Active Directory for Exchange, then restart the agent, which keeps the \
             schema as it was when it started."
        }
        code::UPN_NOT_UNIQUE => "Make the user principal name unique in the forest.",
        code::INVALID_SYNTAX => {
            "Correct the value in Exchange Online: Active Directory does not take it, because of its \
             form, its length, or as it is empty."
        }
        code::SERVER_BUSY => {
            "It is tried again automatically; if it lasts for more than a day, ask the support."
        }
        code::INVALID_CREDENTIAL => {
            "Correct the client secret or the certificate of the application."
        }
        code::EXPIRED_CREDENTIALS => {
            "Make a new client secret or certificate for the application, and use that."
        }
        code::AUTHENTICATION_FAILED => {
            "Check that the application exists in the tenant and is enabled, and which policies hold for it."
        }
        code::AUTHORIZATION_FAILED => {
            "Grant the application its permissions and roles; if the synchronization service principal is \
             missing, enable directory synchronization again, which takes up to a day."
        }
        ENDPOINT_UNUSABLE => {
            "Correct the address, or trust the certificate (`ca_file`); nothing was sent there."
        }
        code::BEYOND_LIMIT => {
            "Take mailboxes out of the job's scope, or ask the support for a higher limit; until then those beyond \
             it may fail."
        }
        _ => return None,
    })
}

/// The Win32 code in front of AD's diagnostic message.
fn windows_code(diagnostic: &str) -> Option<&str> {
    let (code, _) = diagnostic.split_once(':')?;
    (code.len() == 8 && code.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(code)
}

/// The attribute that AD names in an `AtrErr`: `Att 90303 (servicePrincipalName)`.
fn named_attribute(diagnostic: &str) -> Option<&str> {
    let (_, rest) = diagnostic.split_once(", Att ")?;
    let (_, rest) = rest.split_once('(')?;
    rest.split_once(')').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_carry_the_code_and_the_attribute_that_ad_names() {
        let long = Failure::of_result(
            19,
            "00002082: AtrErr: DSID-03151813, #1:\n\t0: 00002082: DSID-03151813, problem 1005 \
             (CONSTRAINT_ATT_TYPE), data 0, Att d2 (proxyAddresses):len 2248\n\0",
        )
        .unwrap();
        assert_eq!((long.class, long.code), (Class::Rejected, code::INVALID_SYNTAX));
        assert!(long.detail.starts_with("constraintViolation (19), attribute proxyAddresses: "));
        assert!(!long.detail.ends_with('\0'));
        assert_eq!(Failure::of_result(0, ""), None);
    }

    #[test]
    fn an_unknown_attribute_is_told_from_a_value_that_is_not_there() {
        let schema = Failure::of_result(16, "00000057: LdapErr: DSID-0, comment: Error").unwrap();
        assert_eq!((schema.class, schema.code), (Class::Rejected, code::CANNOT_FIND_ATTRIBUTE));
        let stale = Failure::of_result(16, "00002085: AtrErr: DSID-0").unwrap();
        assert_eq!(stale.class, Class::Conflict);
    }

    #[test]
    fn every_result_and_every_call_error_has_a_documented_code() {
        for result in 1..=90 {
            let failure = Failure::of_result(result, "").unwrap();
            assert!(code::ALL.contains(&failure.code), "{result}");
        }
        for code in code::ALL {
            let skip =
                [code::REDUNDANT_EXPORT, code::NOT_IN_SCOPE, code::IMPORT_SKIPPED].contains(&code);
            assert_eq!(recommended_action(code).is_none(), skip, "{code}");
        }
        for (refusal, code) in [
            ("AADSTS7000222", code::EXPIRED_CREDENTIALS),
            ("AADSTS7000215", code::INVALID_CREDENTIAL),
            ("AADSTS700016", code::AUTHENTICATION_FAILED),
            ("AADSTS53003", code::AUTHENTICATION_FAILED),
            ("401", code::INVALID_CREDENTIAL),
        ] {
            let error = CallError::Refused { code: refusal.into(), detail: String::new() };
            assert_eq!(Failure::of_call(&error, Side::Cloud).code, code, "{refusal}");
        }
        let denied = CallError::Refused { code: "403".into(), detail: String::new() };
        assert_eq!(Failure::of_call(&denied, Side::Cloud).code, code::AUTHORIZATION_FAILED);
        let throttled = CallError::Throttled { retry_after: Some(Duration::from_secs(9)) };
        assert_eq!(
            Failure::of_call(&throttled, Side::Cloud).class,
            Class::Throttled(Some(Duration::from_secs(9)))
        );
    }
}
