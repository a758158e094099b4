//! What Microsoft documents of the cmdlets beyond what is here, and what is here in another way.
//!
//! Source: Microsoft Learn, Exchange PowerShell reference: parameters that apply to Exchange Online.

use super::{COMMON_PARAMETERS, catalogue};
use crate::parity::Fidelity;

/// Cmdlets with parameters that the reference names for Exchange Online. Which of them are absent
/// follows from the catalogue.
const DOCUMENTED: &[(&str, &[&str])] = &[
    (
        "Get-Mailbox",
        &[
            "Anr",
            "Archive",
            "Filter",
            "GroupMailbox",
            "Identity",
            "InactiveMailboxOnly",
            "IncludeAcceptMessagesOnlyFromWithDisplayNames",
            "IncludeEmailAddressDisplayNames",
            "IncludeForwardingAddressWithDisplayNames",
            "IncludeGrantSendOnBehalfToWithDisplayNames",
            "IncludeInactiveMailbox",
            "MailboxPlan",
            "Migration",
            "OrganizationalUnit",
            "PublicFolder",
            "RecipientTypeDetails",
            "ResultSize",
            "SoftDeletedMailbox",
            "SortBy",
        ],
    ),
    (
        "Get-MailUser",
        &[
            "Anr",
            "Filter",
            "Identity",
            "OrganizationalUnit",
            "ResultSize",
            "SoftDeletedMailUser",
            "SortBy",
        ],
    ),
    (
        "Get-Recipient",
        &[
            "Anr",
            "AuthenticationType",
            "Capabilities",
            "Filter",
            "Identity",
            "IncludeSoftDeletedRecipients",
            "OrganizationalUnit",
            "Properties",
            "PropertySet",
            "RecipientPreviewFilter",
            "RecipientType",
            "RecipientTypeDetails",
            "ResultSize",
            "SortBy",
        ],
    ),
    (
        "Get-User",
        &[
            "Anr",
            "Filter",
            "Identity",
            "IsVIP",
            "OrganizationalUnit",
            "PublicFolder",
            "RecipientTypeDetails",
            "ResultSize",
            "SortBy",
        ],
    ),
    (
        "Set-Mailbox",
        &[
            "AcceptMessagesOnlyFromSendersOrMembers",
            "AccountDisabled",
            "AddressBookPolicy",
            "ApplyMandatoryProperties",
            "BypassModerationFromSendersOrMembers",
            "CalendarRepairDisabled",
            "CalendarVersionStoreDisabled",
            "DataEncryptionPolicy",
            "DefaultAuditSet",
            "DefaultPublicFolderMailbox",
            "ElcProcessingDisabled",
            "EmailAddressDisplayNames",
            "EnableRoomMailboxAccount",
            "EnforcedTimestamps",
            "ExcludeFromAllHolds",
            "ExcludeFromAllOrgHolds",
            "ExcludeFromOrgHolds",
            "ExternalOofOptions",
            "GroupMailbox",
            "ImmutableId",
            "InactiveMailbox",
            "IsExcludedFromServingHierarchy",
            "JournalArchiveAddress",
            "Languages",
            "LitigationHoldDuration",
            "MailboxRegion",
            "MessageCopyForSMTPClientSubmissionEnabled",
            "MessageTrackingReadStatusEnabled",
            "MicrosoftOnlineServicesID",
            "Name",
            "NonCompliantDevices",
            "Password",
            "ProvisionedForOfficeGraph",
            "PublicFolder",
            "RecipientLimits",
            "RejectMessagesFromSendersOrMembers",
            "RemoveDelayHoldApplied",
            "RemoveDelayReleaseHoldApplied",
            "RemoveMailboxProvisioningConstraint",
            "RemoveOrphanedHolds",
            "RoomMailboxPassword",
            "RulesQuota",
            "SchedulerAssistant",
            "SharingPolicy",
            "SimpleDisplayName",
            "StsRefreshTokensValidFrom",
            "UpdateEnforcedTimestamp",
            "UseDatabaseQuotaDefaults",
            "UseDatabaseRetentionDefaults",
            "UserCertificate",
            "UserSMimeCertificate",
        ],
    ),
    (
        "Set-User",
        &[
            "AuthenticationPolicy",
            "Name",
            "PermanentlyClearPreviousMailboxInfo",
            "PostOfficeBox",
            "SimpleDisplayName",
            "VIP",
            "WindowsEmailAddress",
        ],
    ),
    (
        "Set-OrganizationConfig",
        &[
            "AuditDisabled",
            "CustomerLockboxEnabled",
            "EwsEnabled",
            "MailTipsAllTipsEnabled",
            "OAuth2ClientProfileEnabled",
        ],
    ),
    ("Add-MailboxPermission", &[]),
    ("Connect-ExchangeOnline", &[]),
    ("Disable-Mailbox", &[]),
    ("Enable-Mailbox", &[]),
    ("Get-AdminAuditLogConfig", &[]),
    ("Get-CASMailbox", &[]),
    ("Get-DistributionGroup", &[]),
    ("Get-DynamicDistributionGroup", &[]),
    ("Get-EXOMailbox", &[]),
    ("Get-InboundConnector", &[]),
    ("Get-MailContact", &[]),
    ("Get-MailboxPermission", &[]),
    ("Get-MailboxStatistics", &[]),
    ("Get-ManagementRole", &[]),
    ("Get-MigrationBatch", &[]),
    ("Get-MoveRequest", &[]),
    ("Get-OutboundConnector", &[]),
    ("Get-RoleGroup", &[]),
    ("New-MailUser", &[]),
    (
        "New-Mailbox",
        &[
            "Discovery",
            "FederatedIdentity",
            "HoldForMigration",
            "InactiveMailbox",
            "IsExcludedFromServingHierarchy",
            "MailboxPlan",
            "Migration",
            "OrganizationalUnit",
            "PublicFolder",
            "RemotePowerShellEnabled",
            "RemovedMailbox",
            "TargetAllMDBs",
        ],
    ),
    ("New-ManagementRole", &[]),
    ("New-ManagementRoleAssignment", &[]),
    ("New-MigrationBatch", &[]),
    ("New-MoveRequest", &[]),
    ("Remove-ManagementRoleEntry", &[]),
    ("Remove-Mailbox", &[]),
    ("Search-UnifiedAuditLog", &["IPAddresses", "LegacyFlow", "LongerRetentionEnabled", "SiteIds"]),
    ("Set-CASMailbox", &[]),
    ("Set-DistributionGroup", &[]),
    (
        "Set-MailUser",
        &[
            "ArchiveGuid",
            "EmailAddressDisplayNames",
            "EnableLitigationHoldForMigration",
            "ExchangeGuid",
            "ExternalEmailAddress",
            "FederatedIdentity",
            "ForceUpgrade",
            "HVEAccount",
            "ImmutableId",
            "MacAttachmentFormat",
            "MessageBodyFormat",
            "MessageFormat",
            "MicrosoftOnlineServicesID",
            "Name",
            "Password",
            "PrimarySmtpAddress",
            "RecoverableItemsQuota",
            "ResetPasswordOnNextLogon",
            "SimpleDisplayName",
            "UnblockForwardSyncPostCrossTenantMigration",
            "UseMapiRichTextFormat",
            "UsePreferMessageFormat",
            "UserCertificate",
            "UserSMimeCertificate",
        ],
    ),
    ("Undo-SoftDeletedMailbox", &[]),
];

/// What is documented and not here: a cmdlet, or one parameter of a cmdlet.
pub fn absent() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    let here = catalogue();
    DOCUMENTED.iter().flat_map(move |(name, parameters)| {
        let absent: Vec<_> = match here.iter().find(|spec| spec.name.eq_ignore_ascii_case(name)) {
            None => vec![(*name, None)],
            Some(spec) => {
                let missing = parameters.iter().filter(|name| spec.parameter(name).is_none());
                missing.map(|parameter| (*name, Some(*parameter))).collect()
            }
        };
        absent
    })
}

/// Switches that mend what does not arise here.
const IDLE: [&str; 9] = [
    "ApplyMandatoryProperties",
    "EnableLitigationHoldForMigration",
    "ForceUpgrade",
    "HVEAccount",
    "PermanentlyClearPreviousMailboxInfo",
    "ProvisionedForOfficeGraph",
    "RemoveMailboxProvisioningConstraint",
    "UnblockForwardSyncPostCrossTenantMigration",
    "UpdateEnforcedTimestamp",
];

/// Parameters that name a policy.
const POLICIES: [&str; 6] = [
    "AddressBookPolicy",
    "AuthenticationPolicy",
    "DataEncryptionPolicy",
    "RetentionPolicy",
    "RoleAssignmentPolicy",
    "SharingPolicy",
];

/// How much of a parameter in the catalogue is here.
#[must_use]
pub fn fidelity(cmdlet: &str, parameter: &str) -> Fidelity {
    let is = |name: &str| parameter.eq_ignore_ascii_case(name);
    let gets = cmdlet.starts_with("Get-");
    if COMMON_PARAMETERS.into_iter().any(is) || is("Force") {
        Fidelity::Approximated("is taken and changes nothing")
    } else if is("Password") || is("RoomMailboxPassword") || is("ResetPasswordOnNextLogon") {
        Fidelity::Approximated(
            "authority is checked; all users sign in with the estate's own password",
        )
    } else if IDLE.into_iter().any(is) {
        Fidelity::Approximated("is taken and changes nothing: what it mends does not arise here")
    } else if POLICIES.into_iter().any(is) {
        Fidelity::Approximated("a policy is a name, and any name is taken")
    } else if is("Formatted") || is("HighCompleteness") {
        Fidelity::Approximated("is taken and changes nothing: all records are there at once")
    } else if is("SessionCommand") {
        Fidelity::Approximated("records come newest first with either command")
    } else if gets && parameter.starts_with("Include") && parameter.ends_with("DisplayNames") {
        Fidelity::Approximated("is taken and adds no property")
    } else if is("MailboxPlan") {
        Fidelity::Approximated("every mailbox has the plan ExchangeOnlineEnterprise")
    } else if is("PropertySet") {
        Fidelity::Approximated("every set shows all properties")
    } else {
        Fidelity::Modelled
    }
}
