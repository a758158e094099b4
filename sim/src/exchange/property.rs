//! The properties of a mailbox: who has authority over each, what it takes, where it comes from.
//!
//! Sources: Exchange Team Blog, "Writeback for Cloud-Managed Remote Mailboxes: Now Generally
//! Available!" (the 24 attributes); Microsoft Learn, "Filterable properties for the Filter parameter
//! on Exchange cmdlets" (property and LDAP names); Microsoft Learn, "Microsoft Entra Connect Sync:
//! Attributes synchronized to Microsoft Entra ID" (Exchange Online list).

use Bucket::{CloudOnlyCopy, Identity, MailboxOnly, WrittenBack};

use crate::powershell::ParameterKind;
use crate::record::AttributeNumber;

/// Who may change a property, and whether it travels back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// Identity: AD always, read-only in the cloud for a synced mailbox.
    Identity,
    /// Exchange attribute with writeback: AD, or the cloud while `IsExchangeCloudManaged`.
    WrittenBack,
    /// Exchange attribute without writeback: authority as above, but AD never hears of it.
    CloudOnlyCopy,
    /// Mailbox setting that never came from AD.
    MailboxOnly,
}

/// How a value is spelled in AD, where it differs from the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The same text on both sides; `True` and `False` in capitals in AD.
    Same,
    /// A reference to an object in AD, the alias of the recipient in the cloud.
    Reference,
    /// One bit of a number.
    Bit(u32),
    /// A tip with the language it is for before it (`default:`), of which this is the default one.
    Tip,
    /// The tips for the other languages.
    Translations,
    /// Whom moderation tells: words in the cloud, a number in AD.
    Notifications,
    /// An instant: RFC 3339 in the cloud, GeneralizedTime in AD.
    Instant,
}

/// A property of `Get-Mailbox` or `Get-User`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PropertySpec {
    /// The documented spelling, of the property and of the parameter that sets it.
    pub name: &'static str,
    /// Authority.
    pub bucket: Bucket,
    /// What the parameter takes.
    pub kind: ParameterKind,
    /// The AD attribute it is synchronized from, when there is one.
    pub ad: Option<&'static str>,
    /// Longest value in UTF-16 units, when one is documented.
    pub max_length: Option<usize>,
    /// Most values, when a number is documented.
    pub max_values: Option<usize>,
    /// Whether `Set-User` sets it (and not `Set-Mailbox`).
    pub user_facet: bool,
    /// How AD spells it.
    pub form: Form,
}

const fn text(name: &'static str, bucket: Bucket, ad: Option<&'static str>) -> PropertySpec {
    PropertySpec {
        name,
        bucket,
        kind: ParameterKind::Text,
        ad,
        max_length: None,
        max_values: None,
        user_facet: false,
        form: Form::Same,
    }
}

const fn custom(name: &'static str, ad: &'static str) -> PropertySpec {
    PropertySpec { max_length: Some(1024), ..text(name, WrittenBack, Some(ad)) }
}

const fn extension(name: &'static str, ad: &'static str) -> PropertySpec {
    PropertySpec {
        kind: ParameterKind::MultiValue,
        max_length: Some(2048),
        max_values: Some(1300),
        ..text(name, WrittenBack, Some(ad))
    }
}

const fn user(name: &'static str, ad: &'static str) -> PropertySpec {
    PropertySpec { user_facet: true, ..text(name, Identity, Some(ad)) }
}

const fn kind(spec: PropertySpec, kind: ParameterKind) -> PropertySpec {
    PropertySpec { kind, ..spec }
}

/// An Exchange attribute that is not written back.
const fn kept(name: &'static str, ad: &'static str) -> PropertySpec {
    text(name, CloudOnlyCopy, Some(ad))
}

const fn truth_of(name: &'static str, ad: &'static str) -> PropertySpec {
    kind(kept(name, ad), ParameterKind::Boolean)
}

const fn bit(name: &'static str, ad: &'static str, bit: u32) -> PropertySpec {
    PropertySpec { form: Form::Bit(bit), ..truth_of(name, ad) }
}

const fn several(spec: PropertySpec) -> PropertySpec {
    kind(spec, ParameterKind::MultiValue)
}

const fn reference(spec: PropertySpec) -> PropertySpec {
    PropertySpec { form: Form::Reference, ..spec }
}

const fn instant(name: &'static str, ad: &'static str) -> PropertySpec {
    PropertySpec { form: Form::Instant, ..kept(name, ad) }
}

/// A mailbox setting.
const fn setting(name: &'static str) -> PropertySpec {
    text(name, MailboxOnly, None)
}

/// All properties; a property's number is its place here.
pub const PROPERTIES: &[PropertySpec] = &[
    text("UserPrincipalName", Identity, Some("userPrincipalName")),
    text("DisplayName", Identity, Some("displayName")),
    PropertySpec { max_length: Some(64), ..text("Alias", CloudOnlyCopy, Some("mailNickname")) },
    kind(text("EmailAddresses", WrittenBack, Some("proxyAddresses")), ParameterKind::MultiValue),
    PropertySpec {
        max_length: Some(256),
        ..text("WindowsEmailAddress", WrittenBack, Some("mail"))
    },
    custom("CustomAttribute1", "extensionAttribute1"),
    custom("CustomAttribute2", "extensionAttribute2"),
    custom("CustomAttribute3", "extensionAttribute3"),
    custom("CustomAttribute4", "extensionAttribute4"),
    custom("CustomAttribute5", "extensionAttribute5"),
    custom("CustomAttribute6", "extensionAttribute6"),
    custom("CustomAttribute7", "extensionAttribute7"),
    custom("CustomAttribute8", "extensionAttribute8"),
    custom("CustomAttribute9", "extensionAttribute9"),
    custom("CustomAttribute10", "extensionAttribute10"),
    custom("CustomAttribute11", "extensionAttribute11"),
    custom("CustomAttribute12", "extensionAttribute12"),
    custom("CustomAttribute13", "extensionAttribute13"),
    custom("CustomAttribute14", "extensionAttribute14"),
    custom("CustomAttribute15", "extensionAttribute15"),
    extension("ExtensionCustomAttribute1", "msExchExtensionCustomAttribute1"),
    extension("ExtensionCustomAttribute2", "msExchExtensionCustomAttribute2"),
    extension("ExtensionCustomAttribute3", "msExchExtensionCustomAttribute3"),
    extension("ExtensionCustomAttribute4", "msExchExtensionCustomAttribute4"),
    extension("ExtensionCustomAttribute5", "msExchExtensionCustomAttribute5"),
    kind(
        text("HiddenFromAddressListsEnabled", CloudOnlyCopy, Some("msExchHideFromAddressLists")),
        ParameterKind::Boolean,
    ),
    PropertySpec {
        max_length: Some(175),
        form: Form::Tip,
        ..kept("MailTip", "msExchSenderHintTranslations")
    },
    kept("ArchiveName", "msExchArchiveName"),
    kept("RetentionComment", "msExchRetentionComment"),
    kept("RetentionUrl", "msExchRetentionURL"),
    kind(
        text("ModerationEnabled", CloudOnlyCopy, Some("msExchEnableModeration")),
        ParameterKind::Boolean,
    ),
    several(reference(kept("ModeratedBy", "msExchModeratedByLink"))),
    reference(kept("ForwardingAddress", "altRecipient")),
    several(reference(kept("GrantSendOnBehalfTo", "publicDelegates"))),
    kind(
        text(
            "RequireSenderAuthenticationEnabled",
            CloudOnlyCopy,
            Some("msExchRequireAuthToSendTo"),
        ),
        ParameterKind::Boolean,
    ),
    text("ForwardingSmtpAddress", MailboxOnly, None),
    kind(text("DeliverToMailboxAndForward", MailboxOnly, None), ParameterKind::Boolean),
    text("RetentionPolicy", MailboxOnly, None),
    user("FirstName", "givenName"),
    user("LastName", "sn"),
    user("Title", "title"),
    user("Department", "department"),
    user("Company", "company"),
    text("Office", Identity, Some("physicalDeliveryOfficeName")),
    user("Phone", "telephoneNumber"),
    user("City", "l"),
    user("Initials", "initials"),
    reference(user("Manager", "manager")),
    user("StreetAddress", "streetAddress"),
    user("StateOrProvince", "st"),
    user("PostalCode", "postalCode"),
    user("CountryOrRegion", "c"),
    several(user("OtherTelephone", "otherTelephone")),
    user("HomePhone", "homePhone"),
    several(user("OtherHomePhone", "otherHomePhone")),
    user("MobilePhone", "mobile"),
    user("Pager", "pager"),
    user("Fax", "facsimileTelephoneNumber"),
    several(user("OtherFax", "otherFacsimileTelephoneNumber")),
    user("TelephoneAssistant", "telephoneAssistant"),
    user("Notes", "info"),
    user("WebPage", "wWWHomePage"),
    user("PhoneticDisplayName", "msDS-PhoneticDisplayName"),
    kind(user("SeniorityIndex", "msDS-HABSeniorityIndex"), ParameterKind::Integer),
    PropertySpec { user_facet: true, ..kept("AssistantName", "msExchAssistantName") },
    several(reference(kept("AcceptMessagesOnlyFrom", "authOrig"))),
    several(reference(kept("AcceptMessagesOnlyFromDLMembers", "dLMemSubmitPerms"))),
    several(reference(kept("RejectMessagesFrom", "unauthOrig"))),
    several(reference(kept("RejectMessagesFromDLMembers", "dLMemRejectPerms"))),
    PropertySpec {
        form: Form::Notifications,
        ..kind(
            kept("SendModerationNotifications", "msExchModerationFlags"),
            ParameterKind::OneOf(&["Always", "Internal", "Never"]),
        )
    },
    PropertySpec {
        form: Form::Translations,
        ..several(kept("MailTipTranslations", "msExchSenderHintTranslations"))
    },
    bit("RetentionHoldEnabled", "msExchELCMailboxFlags", 1),
    bit("LitigationHoldEnabled", "msExchELCMailboxFlags", 8),
    instant("StartDateForRetentionHold", "msExchELCExpirySuspensionStart"),
    instant("EndDateForRetentionHold", "msExchELCExpirySuspensionEnd"),
    instant("LitigationHoldDate", "msExchLitigationHoldDate"),
    kept("LitigationHoldOwner", "msExchLitigationHoldOwner"),
    truth_of("AuditEnabled", "msExchMailboxAuditEnable"),
    kept("AuditLogAgeLimit", "msExchMailboxAuditLogAgeLimit"),
    several(kept("AuditAdmin", "msExchAuditAdmin")),
    several(kept("AuditDelegate", "msExchAuditDelegate")),
    several(kept("AuditOwner", "msExchAuditOwner")),
    kind(kept("ResourceCapacity", "msExchResourceCapacity"), ParameterKind::Integer),
    several(kept("ResourceCustom", "msExchResourceSearchProperties")),
    setting("ProhibitSendQuota"),
    setting("ProhibitSendReceiveQuota"),
    setting("IssueWarningQuota"),
    setting("MaxSendSize"),
    setting("MaxReceiveSize"),
    setting("RetainDeletedItemsFor"),
    setting("RoleAssignmentPolicy"),
    kind(setting("SingleItemRecoveryEnabled"), ParameterKind::Boolean),
    kind(setting("MessageCopyForSentAsEnabled"), ParameterKind::Boolean),
    kind(setting("MessageCopyForSendOnBehalfEnabled"), ParameterKind::Boolean),
];

/// `UserPrincipalName`.
pub const USER_PRINCIPAL_NAME: AttributeNumber = 0;
/// `DisplayName`.
pub const DISPLAY_NAME: AttributeNumber = 1;
/// `Alias`.
pub const ALIAS: AttributeNumber = 2;
/// `EmailAddresses`.
pub const EMAIL_ADDRESSES: AttributeNumber = 3;
/// `WindowsEmailAddress`.
pub const WINDOWS_EMAIL_ADDRESS: AttributeNumber = 4;
/// `CustomAttribute1`; 2 to 15 follow.
pub const CUSTOM_ATTRIBUTE_1: AttributeNumber = 5;
/// `ExtensionCustomAttribute1`; 2 to 5 follow.
pub const EXTENSION_CUSTOM_ATTRIBUTE_1: AttributeNumber = 20;
/// `HiddenFromAddressListsEnabled`.
pub const HIDDEN_FROM_ADDRESS_LISTS: AttributeNumber = 25;

/// Numbers past the record's own: state that `Get-Mailbox` shows beside the values.
pub const FLAG: AttributeNumber = 1000;
/// `RecipientTypeDetails`, past the record's own.
pub const RECIPIENT_TYPE_DETAILS: AttributeNumber = 1001;
/// `IsDirSynced`, past the record's own.
pub const IS_DIR_SYNCED: AttributeNumber = 1002;

/// The number of a property, by name without case.
#[must_use]
pub fn number(name: &str) -> Option<AttributeNumber> {
    let place = PROPERTIES.iter().position(|p| p.name.eq_ignore_ascii_case(name))?;
    AttributeNumber::try_from(place).ok()
}

/// The property with this number; `None` for the state beside the values.
#[must_use]
pub fn spec(number: AttributeNumber) -> Option<&'static PropertySpec> {
    PROPERTIES.get(usize::from(number))
}

/// Whether a property is true or false.
#[must_use]
pub fn is_boolean(number: AttributeNumber) -> bool {
    spec(number).is_some_and(|spec| spec.kind == ParameterKind::Boolean)
}

/// The documented spelling of any number, those beside the values included.
#[must_use]
pub fn name(number: AttributeNumber) -> &'static str {
    match number {
        FLAG => "IsExchangeCloudManaged",
        RECIPIENT_TYPE_DETAILS => "RecipientTypeDetails",
        IS_DIR_SYNCED => "IsDirSynced",
        _ => spec(number).map_or("?", |p| p.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_name_the_rows_they_stand_for() {
        assert_eq!(name(EMAIL_ADDRESSES), "EmailAddresses");
        assert_eq!(name(WINDOWS_EMAIL_ADDRESS), "WindowsEmailAddress");
        assert_eq!(name(CUSTOM_ATTRIBUTE_1 + 14), "CustomAttribute15");
        assert_eq!(name(EXTENSION_CUSTOM_ATTRIBUTE_1 + 4), "ExtensionCustomAttribute5");
        assert_eq!(name(HIDDEN_FROM_ADDRESS_LISTS), "HiddenFromAddressListsEnabled");
        assert_eq!(number("alias"), Some(ALIAS));
    }

    #[test]
    fn twenty_two_properties_are_written_back_and_two_follow_the_type() {
        let count = PROPERTIES.iter().filter(|p| p.bucket == WrittenBack).count();
        assert_eq!(
            count, 22,
            "22 and the two recipient type numbers are the 24 of the announcement"
        );
    }
}
