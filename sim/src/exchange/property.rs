//! The properties of a mailbox: who has authority over each, what it takes, where it comes from.
//!
//! Sources: Exchange Team Blog, "Writeback for Cloud-Managed Remote Mailboxes: Now Generally
//! Available!" (the 24 attributes); Microsoft Learn, "Filterable properties for the Filter parameter
//! on Exchange cmdlets" (property and LDAP names); Microsoft Learn, "Microsoft Entra Connect Sync:
//! Attributes synchronized to Microsoft Entra ID" (Exchange Online list).

use std::sync::LazyLock;

use Bucket::{CloudOnlyCopy, Identity, MailboxOnly, WrittenBack};

use super::shape::{self, Shape};
use crate::names::NameTable;
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
    /// A span of time: `90.00:00:00` in the cloud, seconds in AD.
    Seconds,
    /// Octets: base64 in the cloud.
    Binary,
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
    /// Which cmdlets set it, as bits: [`BY_MAILBOX`], [`BY_USER`], [`BY_MAIL_USER`], [`BY_AUDIT_BYPASS`].
    pub set_by: u8,
    /// How AD spells it.
    pub form: Form,
    /// How the cloud spells it, whatever way it was given.
    pub shape: Shape,
}

/// Set by `Set-Mailbox`, shown by `Get-Mailbox`.
pub const BY_MAILBOX: u8 = 1;
/// Set by `Set-User`, shown by `Get-User`.
pub const BY_USER: u8 = 2;
/// Set by `Set-MailUser`, shown by `Get-MailUser`.
pub const BY_MAIL_USER: u8 = 4;
/// Set by `Set-MailboxAuditBypassAssociation`, shown by the cmdlet that reads it.
pub const BY_AUDIT_BYPASS: u8 = 8;

impl PropertySpec {
    /// Whether one of these cmdlets sets it.
    #[must_use]
    pub const fn is_set_by(&self, cmdlets: u8) -> bool {
        self.set_by & cmdlets != 0
    }

    /// Whether it is shown for a user alone, and not for its mailbox.
    #[must_use]
    pub const fn is_of_users_alone(&self) -> bool {
        self.set_by == BY_USER
    }
}

const fn text(name: &'static str, bucket: Bucket, ad: Option<&'static str>) -> PropertySpec {
    PropertySpec {
        name,
        bucket,
        kind: ParameterKind::Text,
        ad,
        max_length: None,
        max_values: None,
        set_by: match bucket {
            Identity => BY_MAILBOX | BY_USER | BY_MAIL_USER,
            WrittenBack | CloudOnlyCopy => BY_MAILBOX | BY_MAIL_USER,
            MailboxOnly => BY_MAILBOX,
        },
        form: Form::Same,
        shape: Shape::Free,
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
    PropertySpec { set_by: BY_USER, ..text(name, Identity, Some(ad)) }
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
    PropertySpec { form: Form::Instant, shape: Shape::Moment, ..kept(name, ad) }
}

const fn spanning(name: &'static str, ad: &'static str) -> PropertySpec {
    PropertySpec { form: Form::Seconds, shape: Shape::Span, ..kept(name, ad) }
}

const fn shaped(spec: PropertySpec, shape: Shape) -> PropertySpec {
    PropertySpec { shape, ..spec }
}

const fn set_by(spec: PropertySpec, set_by: u8) -> PropertySpec {
    PropertySpec { set_by, ..spec }
}

/// A setting that is on or off.
const fn switched(name: &'static str) -> PropertySpec {
    kind(setting(name), ParameterKind::Boolean)
}

/// A setting of one out of some words.
const fn choice(name: &'static str, words: &'static [&'static str]) -> PropertySpec {
    kind(setting(name), ParameterKind::OneOf(words))
}

/// A number of bytes.
const fn size(name: &'static str) -> PropertySpec {
    shaped(setting(name), Shape::Size)
}

/// What an admin audit, a delegate's or the owner's own covers.
const fn audited(name: &'static str, ad: &'static str) -> PropertySpec {
    shaped(several(kept(name, ad)), Shape::Words(shape::AUDITED))
}

/// Identity that no AD attribute stands for here.
const fn own(name: &'static str) -> PropertySpec {
    text(name, Identity, None)
}

/// An Exchange attribute that only a mail user's cmdlet sets. AD's own (`targetAddress`, `msExchMailboxGuid`) is
/// the on-premises side's and does not flow here.
const fn of_mail_users(name: &'static str) -> PropertySpec {
    set_by(text(name, CloudOnlyCopy, None), BY_MAIL_USER)
}

const fn certificates(name: &'static str, ad: &'static str) -> PropertySpec {
    PropertySpec { form: Form::Binary, shape: Shape::Base64, ..several(kept(name, ad)) }
}

/// A mailbox setting.
const fn setting(name: &'static str) -> PropertySpec {
    text(name, MailboxOnly, None)
}

/// All properties; a property's number is its place here.
pub const PROPERTIES: &[PropertySpec] = &[
    text("UserPrincipalName", Identity, Some("userPrincipalName")),
    text("DisplayName", Identity, Some("displayName")),
    PropertySpec {
        max_length: Some(64),
        shape: Shape::Alias,
        ..text("Alias", CloudOnlyCopy, Some("mailNickname"))
    },
    kind(text("EmailAddresses", WrittenBack, Some("proxyAddresses")), ParameterKind::MultiValue),
    PropertySpec {
        max_length: Some(256),
        set_by: BY_MAILBOX | BY_USER | BY_MAIL_USER,
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
    shaped(text("ForwardingSmtpAddress", MailboxOnly, None), Shape::Address),
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
    PropertySpec { set_by: BY_USER, ..kept("AssistantName", "msExchAssistantName") },
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
        shape: Shape::Translation,
        ..several(kept("MailTipTranslations", "msExchSenderHintTranslations"))
    },
    bit("RetentionHoldEnabled", "msExchELCMailboxFlags", 1),
    bit("LitigationHoldEnabled", "msExchELCMailboxFlags", 8),
    instant("StartDateForRetentionHold", "msExchELCExpirySuspensionStart"),
    instant("EndDateForRetentionHold", "msExchELCExpirySuspensionEnd"),
    instant("LitigationHoldDate", "msExchLitigationHoldDate"),
    kept("LitigationHoldOwner", "msExchLitigationHoldOwner"),
    truth_of("AuditEnabled", "msExchMailboxAuditEnable"),
    spanning("AuditLogAgeLimit", "msExchMailboxAuditLogAgeLimit"),
    audited("AuditAdmin", "msExchAuditAdmin"),
    audited("AuditDelegate", "msExchAuditDelegate"),
    audited("AuditOwner", "msExchAuditOwner"),
    set_by(truth_of("AuditBypassEnabled", "msExchBypassAudit"), BY_AUDIT_BYPASS),
    kind(kept("ResourceCapacity", "msExchResourceCapacity"), ParameterKind::Integer),
    several(kept("ResourceCustom", "msExchResourceSearchProperties")),
    size("ProhibitSendQuota"),
    size("ProhibitSendReceiveQuota"),
    size("IssueWarningQuota"),
    size("MaxSendSize"),
    size("MaxReceiveSize"),
    shaped(setting("RetainDeletedItemsFor"), Shape::Span),
    setting("RoleAssignmentPolicy"),
    switched("SingleItemRecoveryEnabled"),
    switched("MessageCopyForSentAsEnabled"),
    switched("MessageCopyForSendOnBehalfEnabled"),
    switched("MessageCopyForSMTPClientSubmissionEnabled"),
    switched("MessageTrackingReadStatusEnabled"),
    switched("CalendarRepairDisabled"),
    switched("CalendarVersionStoreDisabled"),
    switched("ElcProcessingDisabled"),
    switched("IsExcludedFromServingHierarchy"),
    switched("SchedulerAssistant"),
    switched("UseDatabaseQuotaDefaults"),
    switched("UseDatabaseRetentionDefaults"),
    PropertySpec {
        max_length: Some(256),
        ..set_by(setting("SimpleDisplayName"), BY_MAILBOX | BY_USER | BY_MAIL_USER)
    },
    set_by(several(setting("EmailAddressDisplayNames")), BY_MAILBOX | BY_MAIL_USER),
    setting("AddressBookPolicy"),
    setting("DataEncryptionPolicy"),
    setting("SharingPolicy"),
    shaped(several(setting("DefaultAuditSet")), Shape::Words(&["Admin", "Delegate", "Owner"])),
    reference(setting("DefaultPublicFolderMailbox")),
    setting("EnforcedTimestamps"),
    choice("ExternalOofOptions", &["External", "InternalOnly"]),
    shaped(setting("JournalArchiveAddress"), Shape::Address),
    shaped(several(setting("Languages")), Shape::Culture),
    shaped(setting("LitigationHoldDuration"), Shape::Span),
    setting("MailboxRegion"),
    several(setting("NonCompliantDevices")),
    shaped(setting("RecipientLimits"), Shape::Count(1, 1_000)),
    size("RulesQuota"),
    certificates("UserCertificate", "userCertificate"),
    certificates("UserSMimeCertificate", "userSMIMECertificate"),
    several(reference(kept("BypassModerationFromSendersOrMembers", "msExchBypassModerationLink"))),
    set_by(several(kept("InPlaceHolds", "msExchUserHoldPolicies")), 0),
    set_by(switched("DelayHoldApplied"), 0),
    set_by(switched("DelayReleaseHoldApplied"), 0),
    own("Name"),
    kind(set_by(own("AccountDisabled"), BY_MAILBOX), ParameterKind::Boolean),
    kind(set_by(own("RoomMailboxAccountEnabled"), BY_MAILBOX), ParameterKind::Boolean),
    shaped(set_by(own("ImmutableId"), BY_MAILBOX | BY_MAIL_USER), Shape::Base64),
    shaped(set_by(own("StsRefreshTokensValidFrom"), BY_MAILBOX | BY_USER), Shape::Moment),
    set_by(setting("AuthenticationPolicy"), BY_USER),
    several(set_by(own("PostOfficeBox"), BY_USER)),
    set_by(switched("VIP"), BY_USER),
    shaped(of_mail_users("ExternalEmailAddress"), Shape::Address),
    set_by(own("FederatedIdentity"), BY_MAIL_USER),
    shaped(of_mail_users("ExchangeGuid"), Shape::Guid),
    shaped(of_mail_users("ArchiveGuid"), Shape::Guid),
    set_by(choice("MessageFormat", &["Mime", "Text"]), BY_MAIL_USER),
    set_by(choice("MessageBodyFormat", &["Html", "Text", "TextAndHtml"]), BY_MAIL_USER),
    set_by(
        choice("MacAttachmentFormat", &["AppleDouble", "AppleSingle", "BinHex", "UuEncode"]),
        BY_MAIL_USER,
    ),
    set_by(
        choice("UseMapiRichTextFormat", &["Always", "Never", "UseDefaultSettings"]),
        BY_MAIL_USER,
    ),
    set_by(switched("UsePreferMessageFormat"), BY_MAIL_USER),
    set_by(size("RecoverableItemsQuota"), BY_MAIL_USER),
    set_by(switched("AutoExpandingArchiveEnabled"), 0),
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
/// `IsSoftDeletedByRemove`, past the record's own.
pub const SOFT_DELETED: AttributeNumber = 1003;

/// The number of a property, by name without case.
#[must_use]
pub fn number(name: &str) -> Option<AttributeNumber> {
    /// Every cmdlet looks up each of its parameters.
    static NUMBERS: LazyLock<NameTable> = LazyLock::new(names);
    NUMBERS.get(name)
}

fn names() -> NameTable {
    let mut table = NameTable::default();
    for (spec, number) in PROPERTIES.iter().zip(0..) {
        table.insert(spec.name, number);
    }
    table
}

/// Parameters that set a property of another name.
pub const RENAMED: [(&str, &str); 5] = [
    ("AcceptMessagesOnlyFromSendersOrMembers", "AcceptMessagesOnlyFrom"),
    ("EnableRoomMailboxAccount", "RoomMailboxAccountEnabled"),
    ("MicrosoftOnlineServicesID", "UserPrincipalName"),
    ("PrimarySmtpAddress", "WindowsEmailAddress"),
    ("RejectMessagesFromSendersOrMembers", "RejectMessagesFrom"),
];

/// The number of the property that a parameter sets, by name without case.
#[must_use]
pub fn of_parameter(name: &str) -> Option<AttributeNumber> {
    static NUMBERS: LazyLock<NameTable> = LazyLock::new(|| {
        let mut table = names();
        for (parameter, property) in RENAMED {
            if let Some(number) = number(property) {
                table.insert(parameter, number);
            }
        }
        table
    });
    NUMBERS.get(name)
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
        SOFT_DELETED => "IsSoftDeletedByRemove",
        _ => spec(number).map_or("?", |p| p.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_is_found_by_its_name_however_it_is_typed() {
        for (place, spec) in PROPERTIES.iter().enumerate() {
            let place = AttributeNumber::try_from(place).ok();
            assert_eq!(number(spec.name), place, "{}", spec.name);
            assert_eq!(number(&spec.name.to_uppercase()), place, "{}", spec.name);
        }
        assert_eq!(number("NoSuchProperty"), None);
        assert_eq!(number(""), None);
    }

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
