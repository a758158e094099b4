//! Properties of a mailbox that nothing here changes: what the service shows for one that nobody has
//! touched, with the annotations of their .NET types.
//!
//! Source: recorded answers of the service in public tools (graph2otel); Microsoft Learn, "Default mailbox
//! storage limits".

/// A property with its default.
#[derive(Debug, Clone, Copy)]
pub(super) struct Default {
    /// Its name.
    pub(super) name: &'static str,
    /// Its .NET type where that is annotated.
    pub(super) net: &'static str,
    /// Its EDM type where that is annotated.
    pub(super) edm: &'static str,
    /// JSON text, or `{guid}` for one of the mailbox's own.
    pub(super) value: &'static str,
}

const fn of(
    name: &'static str,
    net: &'static str,
    edm: &'static str,
    value: &'static str,
) -> Default {
    Default { name, net, edm, value }
}

pub(super) const MAILBOX: &[Default] = &[
    of("SimpleDisplayName", "", "", "\"\""),
    of("Guid", "System.Guid", "#Guid", "{guid}"),
    of("ExchangeGuid", "System.Guid", "#Guid", "{guid}"),
    of("ExchangeObjectId", "System.Guid", "#Guid", "{guid}"),
    of("NetID", "", "", "\"\""),
    of(
        "ObjectClass",
        "",
        "#Collection(String)",
        "[\"top\",\"person\",\"organizationalPerson\",\"user\"]",
    ),
    of("AdminDisplayVersion", "", "", "\"Version 15.20 (Build 9000.0)\""),
    of("EmailAddressPolicyEnabled", "", "", "false"),
    of("PoliciesIncluded", "", "#Collection(String)", "[]"),
    of(
        "PoliciesExcluded",
        "",
        "#Collection(String)",
        "[\"{26491cfc-9e50-4857-861b-0cb8df22b5d7}\"]",
    ),
    of("EmailAddressDisplayNames", "", "#Collection(String)", "[]"),
    of("RemoteRecipientType", "", "", "\"None\""),
    of("AddressListMembership", "", "#Collection(String)", "[]"),
    of("AddressBookPolicy", "", "", "null"),
    of("BypassModerationFromSendersOrMembers", "", "#Collection(String)", "[]"),
    of("RecipientLimits", "", "", "\"500\""),
    of("RulesQuota", "", "", "\"256 KB (262,144 bytes)\""),
    of("IsLinked", "", "", "false"),
    of("RoomMailboxAccountEnabled", "", "", "false"),
    of("LinkedMasterAccount", "", "", "null"),
    of("ArchiveGuid", "System.Guid", "#Guid", "\"00000000-0000-0000-0000-000000000000\""),
    of("ArchiveDatabase", "", "", "null"),
    of("ArchiveQuota", "", "", "\"100 GB (107,374,182,400 bytes)\""),
    of("ArchiveWarningQuota", "", "", "\"90 GB (96,636,764,160 bytes)\""),
    of("AutoExpandingArchiveEnabled", "", "", "false"),
    of("LitigationHoldDuration", "", "", "\"Unlimited\""),
    of("InPlaceHolds", "", "#Collection(String)", "[]"),
    of("ComplianceTagHoldApplied", "", "", "false"),
    of("DelayHoldApplied", "", "", "false"),
    of("DefaultAuditSet", "", "#Collection(String)", "[\"Admin\",\"Delegate\",\"Owner\"]"),
    of("RecoverableItemsQuota", "", "", "\"30 GB (32,212,254,720 bytes)\""),
    of("RecoverableItemsWarningQuota", "", "", "\"20 GB (21,474,836,480 bytes)\""),
    of("UseDatabaseQuotaDefaults", "", "", "false"),
    of("SKUAssigned", "", "", "null"),
    of("PersistedCapabilities", "", "#Collection(String)", "[]"),
    of("AccountDisabled", "", "", "false"),
    of("IsSoftDeletedByDisable", "", "", "false"),
    of("IsInactiveMailbox", "", "", "false"),
    of("MailboxMoveStatus", "", "", "\"None\""),
    of("MailboxMoveFlags", "", "", "\"None\""),
    of("MailboxMoveRemoteHostName", "", "", "null"),
    of("MailboxMoveBatchName", "", "", "null"),
    of("MailboxMoveSourceMDB", "", "", "null"),
    of("MailboxMoveTargetMDB", "", "", "null"),
    of("MailboxLocations", "", "#Collection(String)", "[]"),
    of("MailboxRegion", "", "", "null"),
    of("Languages", "", "#Collection(String)", "[]"),
    of("SharingPolicy", "", "", "\"Default Sharing Policy\""),
    of("RetentionPolicy", "", "", "\"Default MRM Policy\""),
    of("RoleAssignmentPolicy", "", "", "\"Default Role Assignment Policy\""),
    of("ProhibitSendQuota", "", "", "\"49.5 GB (53,150,220,288 bytes)\""),
    of("ProhibitSendReceiveQuota", "", "", "\"50 GB (53,687,091,200 bytes)\""),
    of("IssueWarningQuota", "", "", "\"49 GB (52,613,349,376 bytes)\""),
    of("MaxSendSize", "", "", "\"35 MB (36,700,160 bytes)\""),
    of("MaxReceiveSize", "", "", "\"36 MB (37,748,736 bytes)\""),
    of("RetainDeletedItemsFor", "", "", "\"14.00:00:00\""),
    of("SingleItemRecoveryEnabled", "", "", "true"),
    of("MessageTrackingReadStatusEnabled", "", "", "true"),
    of("ExternalOofOptions", "", "", "\"External\""),
    of("DataEncryptionPolicy", "", "", "null"),
    of("DefaultPublicFolderMailbox", "", "", "null"),
    of("EnforcedTimestamps", "", "", "null"),
    of("JournalArchiveAddress", "", "", "\"\""),
    of("ForwardingSmtpAddress", "", "", "null"),
    of("StsRefreshTokensValidFrom", "System.DateTime", "", "null"),
    of("AuthenticationPolicy", "", "", "null"),
    of("FederatedIdentity", "", "", "null"),
    of("MessageFormat", "", "", "\"Mime\""),
    of("MessageBodyFormat", "", "", "\"TextAndHtml\""),
    of("MacAttachmentFormat", "", "", "\"BinHex\""),
    of("UseMapiRichTextFormat", "", "", "\"UseDefaultSettings\""),
    of("HasPicture", "", "", "false"),
    of("UMDtmfMap", "", "#Collection(String)", "[]"),
    of("UserCertificate", "", "#Collection(String)", "[]"),
    of("UserSMimeCertificate", "", "#Collection(String)", "[]"),
    of("AdministrativeUnits", "", "#Collection(String)", "[]"),
];
