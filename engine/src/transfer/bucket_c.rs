//! Exchange attributes that the cloud manages after a flip and that are not written back ("bucket C").
//!
//! A backup keeps them, a restore sets them again in the cloud, and a rollback loses what AD has
//! otherwise. Sources: Microsoft Learn, "Microsoft Entra Connect Sync: Attributes synchronized to
//! Microsoft Entra ID" (Exchange Online); references of `Get-Mailbox` and `Set-Mailbox`.

/// How AD spells what the cloud shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// The same texts.
    Same,
    /// `TRUE` or `FALSE`; absent is false.
    Boolean,
    /// Another form (references, dates, flags of a number): only presence can be compared.
    Other,
}

/// One property of bucket C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The property on `Get-Mailbox`, and the parameter of `Set-Mailbox`.
    pub property: &'static str,
    /// The AD attribute that it came from.
    pub ldap_name: &'static str,
    /// How AD spells it.
    pub spelling: Spelling,
}

/// Every property of bucket C that `Set-Mailbox` can set again.
pub const BUCKET_C: [Kept; 28] = [
    of("HiddenFromAddressListsEnabled", "msExchHideFromAddressLists", Spelling::Boolean),
    of("MailTip", "msExchSenderHintTranslations", Spelling::Other),
    of("MailTipTranslations", "msExchSenderHintTranslations", Spelling::Other),
    of("ArchiveName", "msExchArchiveName", Spelling::Same),
    of("RetentionComment", "msExchRetentionComment", Spelling::Same),
    of("RetentionUrl", "msExchRetentionURL", Spelling::Same),
    of("ModerationEnabled", "msExchEnableModeration", Spelling::Boolean),
    of("ModeratedBy", "msExchModeratedByLink", Spelling::Other),
    of("SendModerationNotifications", "msExchModerationFlags", Spelling::Other),
    of("ForwardingAddress", "altRecipient", Spelling::Other),
    of("GrantSendOnBehalfTo", "publicDelegates", Spelling::Other),
    of("RequireSenderAuthenticationEnabled", "msExchRequireAuthToSendTo", Spelling::Boolean),
    of("AcceptMessagesOnlyFrom", "authOrig", Spelling::Other),
    of("AcceptMessagesOnlyFromDLMembers", "dLMemSubmitPerms", Spelling::Other),
    of("RejectMessagesFrom", "unauthOrig", Spelling::Other),
    of("RejectMessagesFromDLMembers", "dLMemRejectPerms", Spelling::Other),
    of("RetentionHoldEnabled", "msExchELCMailboxFlags", Spelling::Other),
    of("LitigationHoldEnabled", "msExchELCMailboxFlags", Spelling::Other),
    of("StartDateForRetentionHold", "msExchELCExpirySuspensionStart", Spelling::Other),
    of("EndDateForRetentionHold", "msExchELCExpirySuspensionEnd", Spelling::Other),
    of("LitigationHoldDate", "msExchLitigationHoldDate", Spelling::Other),
    of("LitigationHoldOwner", "msExchLitigationHoldOwner", Spelling::Same),
    of("AuditAdmin", "msExchAuditAdmin", Spelling::Other),
    of("AuditDelegate", "msExchAuditDelegate", Spelling::Other),
    of("AuditOwner", "msExchAuditOwner", Spelling::Other),
    of("AuditLogAgeLimit", "msExchMailboxAuditLogAgeLimit", Spelling::Other),
    of("ResourceCapacity", "msExchResourceCapacity", Spelling::Same),
    of("ResourceCustom", "msExchResourceSearchProperties", Spelling::Other),
];

const fn of(property: &'static str, ldap_name: &'static str, spelling: Spelling) -> Kept {
    Kept { property, ldap_name, spelling }
}
