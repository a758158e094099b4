//! The error codes that a failure in the provisioning log may carry.
//!
//! Source: Microsoft Learn, "Cloud sync troubleshooting", "Cloud sync error codes", "Insufficient
//! access rights".

/// About one object: the directory refused it, or the answer was no use.
pub(super) const OF_AN_OBJECT: [&str; 8] = [
    "TimeOut",
    "HybridSynchronizationActiveDirectoryInternalServerError",
    "HybridSynchronizationActiveDirectoryUnexpectedDuplicateEntriesFound",
    "HybridSynchronizationActiveDirectoryInsufficientAccessRights",
    "HybridSynchronizationActiveDirectoryCannotFindAttribute",
    "HybridSynchronizationActiveDirectoryUserPrincipalNameNotUnique",
    "InvalidAttributeSyntax-LdapErr",
    "AzureDirectoryServiceServerBusy",
];

/// About the way there: agents, credentials, the set-up.
const OF_THE_WAY: [&str; 8] = [
    "HybridIdentityServiceNoAgentsAssigned",
    "HybridIdentityServiceNoActiveAgents",
    "HybridIdentityServiceInvalidResource",
    "HybridIdentityServiceAgentSignalingError",
    "AzureActiveDirectoryAuthenticationFailed",
    "AzureActiveDirectoryInvalidCredential",
    "AzureActiveDirectoryExpiredCredentials",
    "AzureDirectoryServiceAuthorizationFailed",
];

/// Why an object was left out; the last of them where the profile refuses mailboxes beyond the limit (switch
/// `limit_action`).
const OF_A_SKIP: [&str; 4] =
    ["NotInScope", "RedundantExport", "ImportSkipped", "MailboxLimitExceeded"];

/// What stands for `insufficientAccessRights`.
pub(super) const ACCESS_RIGHTS: &str =
    "HybridSynchronizationActiveDirectoryInsufficientAccessRights";

/// Matching found several objects for one mailbox, or several mailboxes for one object.
pub(super) const DUPLICATES: &str =
    "HybridSynchronizationActiveDirectoryUnexpectedDuplicateEntriesFound";

/// What only an answer of the directory to a modify comes to.
const OF_AN_ANSWER: [&str; 4] = [
    ACCESS_RIGHTS,
    "HybridSynchronizationActiveDirectoryCannotFindAttribute",
    "HybridSynchronizationActiveDirectoryUserPrincipalNameNotUnique",
    "InvalidAttributeSyntax-LdapErr",
];

/// Whether only an answer of the directory to a modify comes to this code.
pub(super) fn is_an_answer(code: &str) -> bool {
    OF_AN_ANSWER.contains(&code)
}

/// Whether a failure with this code is of the way to AD and of no object.
pub(super) fn is_of_the_way(code: &str) -> bool {
    OF_THE_WAY.contains(&code) && code != SIGNALING
}

/// The agent could not be reached, or was lost: of the way, and of each object that was under way.
pub(super) const SIGNALING: &str = "HybridIdentityServiceAgentSignalingError";

/// Whether an object may be said to be left out for this reason.
pub(super) fn is_a_skip(code: &str) -> bool {
    OF_A_SKIP.contains(&code)
}

/// Whether a failure may be logged with this code.
pub(super) fn is_documented(code: &str) -> bool {
    OF_AN_OBJECT.contains(&code) || OF_THE_WAY.contains(&code)
}
