//! Exchange attributes that the cloud manages after a flip and that are not written back ("bucket C").
//!
//! A backup keeps them, a restore sets them again in the cloud, and a rollback loses what AD has
//! otherwise. What no cmdlet of Exchange Online sets again is named in [`LEFT`], with the reason: a report
//! that does not cover it says so. Sources: Microsoft Learn, "Microsoft Entra Connect Sync: Attributes
//! synchronized to Microsoft Entra ID" (Exchange Online); references of `Get-Mailbox`, `Set-Mailbox`,
//! `Get-User` and `Set-User`.

use super::spelling::Spelling;

/// One property of bucket C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The property on `Get-Mailbox` or `Get-User`, and the parameter of `Set-Mailbox` or `Set-User`.
    pub property: &'static str,
    /// The AD attribute that it came from.
    pub ldap_name: &'static str,
    /// How AD spells it.
    pub spelling: Spelling,
}

/// An attribute of bucket C that no backup keeps and no restore sets in the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// The AD attribute.
    pub ldap_name: &'static str,
    /// Why.
    pub why: &'static str,
}

/// Every property of bucket C that `Set-Mailbox` or `Set-User` can set again.
pub const BUCKET_C: [Kept; 33] = [
    of("HiddenFromAddressListsEnabled", "msExchHideFromAddressLists", Spelling::Boolean),
    of("MailTip", "msExchSenderHintTranslations", Spelling::DefaultTip),
    of("MailTipTranslations", "msExchSenderHintTranslations", Spelling::Tips),
    of("ArchiveName", "msExchArchiveName", Spelling::Texts),
    of("RetentionComment", "msExchRetentionComment", Spelling::Texts),
    of("RetentionUrl", "msExchRetentionURL", Spelling::Texts),
    of("ModerationEnabled", "msExchEnableModeration", Spelling::Boolean),
    of("ModeratedBy", "msExchModeratedByLink", Spelling::References),
    of("SendModerationNotifications", "msExchModerationFlags", Spelling::Notifications),
    of("ForwardingAddress", "altRecipient", Spelling::References),
    of("GrantSendOnBehalfTo", "publicDelegates", Spelling::References),
    of("RequireSenderAuthenticationEnabled", "msExchRequireAuthToSendTo", Spelling::Boolean),
    of("AcceptMessagesOnlyFrom", "authOrig", Spelling::References),
    of("AcceptMessagesOnlyFromDLMembers", "dLMemSubmitPerms", Spelling::References),
    of("RejectMessagesFrom", "unauthOrig", Spelling::References),
    of("RejectMessagesFromDLMembers", "dLMemRejectPerms", Spelling::References),
    of("RetentionHoldEnabled", "msExchELCMailboxFlags", Spelling::Bit(1)),
    of("LitigationHoldEnabled", "msExchELCMailboxFlags", Spelling::Bit(8)),
    of("StartDateForRetentionHold", "msExchELCExpirySuspensionStart", Spelling::Instant),
    of("EndDateForRetentionHold", "msExchELCExpirySuspensionEnd", Spelling::Instant),
    of("LitigationHoldDate", "msExchLitigationHoldDate", Spelling::Instant),
    of("LitigationHoldOwner", "msExchLitigationHoldOwner", Spelling::Texts),
    of("AuditAdmin", "msExchAuditAdmin", Spelling::Words),
    of("AuditDelegate", "msExchAuditDelegate", Spelling::Words),
    of("AuditOwner", "msExchAuditOwner", Spelling::Words),
    of("AuditLogAgeLimit", "msExchMailboxAuditLogAgeLimit", Spelling::Span),
    of("AuditEnabled", "msExchMailboxAuditEnable", Spelling::Boolean),
    of("ResourceCapacity", "msExchResourceCapacity", Spelling::Number),
    of("ResourceCustom", "msExchResourceSearchProperties", Spelling::Texts),
    of("Alias", "mailNickname", Spelling::Texts),
    of("UserCertificate", "userCertificate", Spelling::Bytes),
    of("UserSMimeCertificate", "userSMIMECertificate", Spelling::Bytes),
    of("AssistantName", "msExchAssistantName", Spelling::Texts),
];

/// The rest of bucket C.
pub const LEFT: [Left; 18] = [
    left(
        "msExchDelegateListLink",
        "follows the permissions with automapping; no parameter sets it",
    ),
    left("msExchArchiveGUID", "the identity of the archive; no parameter sets it"),
    left("msExchMailboxGuid", "the identity of the mailbox; no parameter sets it"),
    left("msExchImmutableId", "no parameter of Exchange Online is documented for it"),
    left("msExchRemoteRecipientType", "follows how the mailbox came to be; no parameter sets it"),
    left(
        "targetAddress",
        "the remote routing address of on-premises Exchange; no parameter sets it",
    ),
    left("legacyExchangeDN", "given by the service; keep the X500 address instead"),
    left("msExchUserHoldPolicies", "follows the holds of Microsoft Purview"),
    left("msExchAuditDelegateAdmin", "has no parameter of its own"),
    left("msExchBypassAudit", "is set with Set-MailboxAuditBypassAssociation"),
    left("msExchResourceDisplay", "is computed from the properties of the resource"),
    left("msExchResourceMetaData", "is computed from the type and properties of the resource"),
    left(
        "msExchSafeSendersHash",
        "follows the junk e-mail lists (Set-MailboxJunkEmailConfiguration)",
    ),
    left(
        "msExchSafeRecipientsHash",
        "follows the junk e-mail lists (Set-MailboxJunkEmailConfiguration)",
    ),
    left(
        "msExchBlockedSendersHash",
        "follows the junk e-mail lists (Set-MailboxJunkEmailConfiguration)",
    ),
    left("msExchTeamMailboxExpiration", "site mailboxes are retired; no parameter sets it"),
    left("msExchTeamMailboxOwners", "site mailboxes are retired; no parameter sets it"),
    left("msExchTeamMailboxSharePointUrl", "site mailboxes are retired; no parameter sets it"),
];

const fn of(property: &'static str, ldap_name: &'static str, spelling: Spelling) -> Kept {
    Kept { property, ldap_name, spelling }
}

const fn left(ldap_name: &'static str, why: &'static str) -> Left {
    Left { ldap_name, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every attribute that becomes cloud-managed and is not written back, as documented: each is either
    /// kept or named with the reason, and none is passed over.
    #[test]
    fn every_attribute_of_the_bucket_is_kept_or_named() {
        const DOCUMENTED: &str = "mailNickname msExchHideFromAddressLists altRecipient authOrig \
            dLMemSubmitPerms unauthOrig dLMemRejectPerms publicDelegates msExchDelegateListLink \
            msExchRequireAuthToSendTo msExchEnableModeration msExchModeratedByLink msExchModerationFlags \
            msExchSenderHintTranslations msExchArchiveGUID msExchArchiveName msExchMailboxGuid \
            msExchImmutableId msExchRemoteRecipientType targetAddress legacyExchangeDN \
            msExchELCMailboxFlags msExchELCExpirySuspensionStart msExchELCExpirySuspensionEnd \
            msExchLitigationHoldDate msExchLitigationHoldOwner msExchRetentionComment msExchRetentionURL \
            msExchUserHoldPolicies msExchMailboxAuditEnable msExchMailboxAuditLogAgeLimit msExchAuditAdmin \
            msExchAuditDelegate msExchAuditDelegateAdmin msExchAuditOwner msExchBypassAudit \
            msExchAssistantName msExchResourceCapacity msExchResourceDisplay msExchResourceMetaData \
            msExchResourceSearchProperties msExchSafeSendersHash msExchSafeRecipientsHash \
            msExchBlockedSendersHash msExchTeamMailboxExpiration msExchTeamMailboxOwners \
            msExchTeamMailboxSharePointUrl userCertificate userSMIMECertificate";
        for name in DOCUMENTED.split_whitespace() {
            let kept = BUCKET_C.iter().any(|kept| kept.ldap_name == name);
            let left = LEFT.iter().any(|left| left.ldap_name == name);
            assert!(kept != left, "{name} is kept: {kept}, named: {left}");
        }
        assert!(LEFT.iter().all(|left| !left.why.is_empty()));
    }
}
