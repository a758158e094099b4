//! What each parameter of the cmdlets that change something is given, what shows it, and what is refused.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sim::exchange::cmdlets::catalogue;

use super::parameters::{BYPASS, MAIL_USER, ORGANIZATION, On, Parameters, SET, USER, parameters};

/// How each parameter of each cmdlet that changes something is tried. A parameter that is in the
/// catalogue and not here fails the test.
pub(super) fn all() -> Vec<Parameters> {
    let mut all = of_mailboxes_and_users();
    all.extend(of_mail_users());
    all
}

fn of_mailboxes_and_users() -> Vec<Parameters> {
    let yes = || json!(true);
    let no_boolean = || json!("perhaps");
    let custom: Vec<&'static str> = named(SET, "CustomAttribute");
    let extension: Vec<&'static str> = named(SET, "ExtensionCustomAttribute");
    let add = |address: &str| json!({"@odata.type": "#Exchange.GenericHashTable", "Add": address});
    vec![
        parameters(SET, &["Identity"], json!("<upn>"))
            .beside(json!({"CustomAttribute1": "parity"}))
            .shows("CustomAttribute1", json!("parity"))
            .nobody(json!("nobody@nowhere.example")),
        parameters(SET, &["IsExchangeCloudManaged"], yes()).role("helpdesk"),
        parameters(SET, &["WhatIf"], yes())
            .beside(json!({"CustomAttribute1": "not this"}))
            .shows("CustomAttribute1", json!("parity"))
            .role("reader"),
        parameters(SET, &["Force", "Confirm"], yes())
            .beside(json!({"CustomAttribute1": "parity"}))
            .shows("CustomAttribute1", json!("parity"))
            .role("reader"),
        parameters(SET, &["ErrorAction", "WarningAction"], json!("Stop"))
            .beside(json!({"CustomAttribute1": "parity"}))
            .shows("CustomAttribute1", json!("parity"))
            .role("reader"),
        parameters(SET, &custom, json!("parity")),
        parameters(SET, &extension, json!(["a", "b"])),
        parameters(SET, &["EmailAddresses"], add("smtp:parity@<domain>"))
            .something()
            .not(json!(["SMTP:x@nowhere.example"])),
        parameters(SET, &["WindowsEmailAddress"], json!("parity-2@<domain>"))
            .not(json!("no address")),
        parameters(SET, &["Alias", "ArchiveName"], json!("parity")),
        parameters(
            SET,
            &["LitigationHoldOwner", "RetentionComment", "RetentionUrl", "MailTip"],
            json!("parity"),
        ),
        parameters(
            SET,
            &["AuditAdmin", "AuditDelegate", "AuditOwner", "ResourceCustom"],
            json!(["MoveToDeletedItems"]),
        ),
        parameters(SET, &["MailTipTranslations"], json!(["de: parity"])).something(),
        parameters(
            SET,
            &[
                "AuditEnabled",
                "HiddenFromAddressListsEnabled",
                "LitigationHoldEnabled",
                "ModerationEnabled",
                "RequireSenderAuthenticationEnabled",
                "RetentionHoldEnabled",
            ],
            yes(),
        )
        .not(no_boolean()),
        parameters(
            SET,
            &[
                "CalendarRepairDisabled",
                "CalendarVersionStoreDisabled",
                "DeliverToMailboxAndForward",
                "ElcProcessingDisabled",
                "IsExcludedFromServingHierarchy",
                "MessageCopyForSMTPClientSubmissionEnabled",
                "MessageTrackingReadStatusEnabled",
                "SchedulerAssistant",
                "UseDatabaseQuotaDefaults",
                "UseDatabaseRetentionDefaults",
                "MessageCopyForSendOnBehalfEnabled",
                "MessageCopyForSentAsEnabled",
                "SingleItemRecoveryEnabled",
            ],
            yes(),
        )
        .not(no_boolean()),
        parameters(
            SET,
            &["EndDateForRetentionHold", "LitigationHoldDate", "StartDateForRetentionHold"],
            json!("2026-10-01T00:00:00Z"),
        )
        .something(),
        parameters(SET, &["ResourceCapacity"], json!(12)).not(json!("many")),
        parameters(SET, &["SendModerationNotifications"], json!("Internal")).not(json!("Often")),
        parameters(
            SET,
            &[
                "AcceptMessagesOnlyFrom",
                "AcceptMessagesOnlyFromSendersOrMembers",
                "BypassModerationFromSendersOrMembers",
                "GrantSendOnBehalfTo",
                "ModeratedBy",
                "RejectMessagesFrom",
                "RejectMessagesFromSendersOrMembers",
            ],
            json!(["<upn2>"]),
        )
        .something()
        .nobody(json!(["nobody@nowhere.example"])),
        parameters(SET, &["ForwardingAddress"], json!("<upn2>"))
            .something()
            .nobody(json!("nobody@nowhere.example")),
        parameters(
            SET,
            &["AcceptMessagesOnlyFromDLMembers", "RejectMessagesFromDLMembers"],
            json!([]),
        )
        .shows("AcceptMessagesOnlyFromDLMembers", json!([])),
        parameters(SET, &["ForwardingSmtpAddress"], json!("smtp:away@elsewhere.example"))
            .role("reader"),
        parameters(
            SET,
            &[
                "AddressBookPolicy",
                "DataEncryptionPolicy",
                "EnforcedTimestamps",
                "MailboxRegion",
                "RetentionPolicy",
                "RoleAssignmentPolicy",
                "SharingPolicy",
                "SimpleDisplayName",
            ],
            json!("parity"),
        )
        .role("reader"),
        parameters(SET, &["EmailAddressDisplayNames", "NonCompliantDevices"], json!(["parity"]))
            .role("reader"),
        parameters(
            SET,
            &["AuditLogAgeLimit", "LitigationHoldDuration", "RetainDeletedItemsFor"],
            json!("20.00:00:00"),
        )
        .not(json!("long")),
        parameters(SET, &["RecipientLimits"], json!("100")).not(json!("0")),
        parameters(SET, &["ExternalOofOptions"], json!("InternalOnly")).not(json!("Nobody")),
        parameters(SET, &["JournalArchiveAddress"], json!("parity@elsewhere.example"))
            .not(json!("no address")),
        parameters(SET, &["Languages"], json!(["de-DE", "en-US"])).not(json!(["x"])),
        parameters(SET, &["DefaultAuditSet"], json!(["Admin"])).not(json!(["Everybody"])),
        parameters(SET, &["UserCertificate", "UserSMimeCertificate"], json!(["AAEC"])),
        parameters(SET, &["DefaultPublicFolderMailbox"], json!("<upn2>"))
            .something()
            .nobody(json!("nobody@nowhere.example")),
        parameters(
            SET,
            &["Name", "AccountDisabled", "StsRefreshTokensValidFrom", "ImmutableId"],
            json!(null),
        )
        .on(On::CloudOnly)
        .each(&[
            ("Name", json!("parity")),
            ("AccountDisabled", yes()),
            ("StsRefreshTokensValidFrom", json!("2026-10-01T00:00:00Z")),
            ("ImmutableId", json!("AAEC")),
        ]),
        parameters(SET, &["EnableRoomMailboxAccount"], yes())
            .on(On::CloudOnly)
            .shows("RoomMailboxAccountEnabled", yes()),
        parameters(SET, &["MicrosoftOnlineServicesID"], json!("parity-3@<domain>"))
            .on(On::CloudOnly),
        parameters(SET, &["Password", "RoomMailboxPassword"], json!("Pa55word"))
            .on(On::CloudOnly)
            .shows("IsDirSynced", json!(false)),
        parameters(
            SET,
            &[
                "ApplyMandatoryProperties",
                "ProvisionedForOfficeGraph",
                "RemoveDelayHoldApplied",
                "RemoveDelayReleaseHoldApplied",
                "RemoveMailboxProvisioningConstraint",
                "UpdateEnforcedTimestamp",
            ],
            yes(),
        )
        .beside(json!({"CustomAttribute1": "parity"}))
        .shows("CustomAttribute1", json!("parity"))
        .role("reader"),
        parameters(SET, &["RemoveOrphanedHolds"], json!(["parity"]))
            .beside(json!({"CustomAttribute1": "parity"}))
            .shows("CustomAttribute1", json!("parity"))
            .role("reader"),
        parameters(SET, &["GroupMailbox", "InactiveMailbox", "PublicFolder"], json!(false))
            .beside(json!({"CustomAttribute1": "parity"}))
            .shows("CustomAttribute1", json!("parity"))
            .nobody(yes()),
        parameters(SET, &["ExcludeFromAllHolds", "ExcludeFromAllOrgHolds"], json!(false))
            .beside(json!({"CustomAttribute1": "parity"}))
            .shows("CustomAttribute1", json!("parity"))
            .not(yes()),
        parameters(SET, &["ExcludeFromOrgHolds"], json!(false))
            .beside(json!({"CustomAttribute1": "parity"}))
            .shows("CustomAttribute1", json!("parity"))
            .not(json!(["mbx0"])),
        parameters(
            SET,
            &[
                "IssueWarningQuota",
                "MaxReceiveSize",
                "MaxSendSize",
                "ProhibitSendQuota",
                "ProhibitSendReceiveQuota",
                "RulesQuota",
            ],
            json!("35 MB (36,700,160 bytes)"),
        )
        .not(json!("banana")),
        parameters(SET, &["Type"], json!("Shared"))
            .shows("RecipientTypeDetails", json!("SharedMailbox"))
            .not(json!("Nonsense")),
        parameters(SET, &["DisplayName", "Office"], json!("parity")).on(On::CloudOnly),
        parameters(USER, &["Identity"], json!("<upn3>"))
            .on(On::CloudOnly)
            .beside(json!({"Department": "parity"}))
            .shows("Department", json!("parity"))
            .nobody(json!("nobody@nowhere.example")),
        parameters(USER, &["WhatIf"], yes())
            .on(On::CloudOnly)
            .beside(json!({"Department": "not this"}))
            .shows("Department", json!("parity"))
            .role("reader"),
        parameters(USER, &["Force", "Confirm"], yes())
            .on(On::CloudOnly)
            .beside(json!({"Department": "parity"}))
            .shows("Department", json!("parity"))
            .role("reader"),
        parameters(USER, &["ErrorAction", "WarningAction"], json!("Stop"))
            .on(On::CloudOnly)
            .beside(json!({"Department": "parity"}))
            .shows("Department", json!("parity"))
            .role("reader"),
        parameters(USER, &["PermanentlyClearPreviousMailboxInfo"], yes())
            .on(On::CloudOnly)
            .beside(json!({"Department": "parity"}))
            .shows("Department", json!("parity"))
            .role("reader"),
        parameters(USER, &["AssistantName"], json!("parity")),
        parameters(USER, &["AuthenticationPolicy", "SimpleDisplayName"], json!("parity"))
            .role("reader"),
        parameters(USER, &["VIP"], yes()).not(no_boolean()),
        parameters(USER, &["WindowsEmailAddress"], json!("parity-5@<domain>"))
            .not(json!("no address")),
        parameters(USER, &["StsRefreshTokensValidFrom"], json!("2026-10-01T00:00:00Z"))
            .on(On::CloudOnly),
        parameters(USER, &["PostOfficeBox"], json!(["12"])).on(On::CloudOnly),
        parameters(USER, &["Name"], json!("parity-4")).on(On::CloudOnly),
        parameters(
            USER,
            &[
                "City",
                "Company",
                "Department",
                "DisplayName",
                "Fax",
                "FirstName",
                "HomePhone",
                "Initials",
                "LastName",
                "MobilePhone",
                "Notes",
                "Office",
                "Pager",
                "Phone",
                "PhoneticDisplayName",
                "PostalCode",
                "StateOrProvince",
                "StreetAddress",
                "TelephoneAssistant",
                "Title",
                "WebPage",
            ],
            json!("parity"),
        )
        .on(On::CloudOnly),
        parameters(USER, &["CountryOrRegion"], json!("DE")).on(On::CloudOnly),
        parameters(USER, &["OtherFax", "OtherHomePhone", "OtherTelephone"], json!(["1", "2"]))
            .on(On::CloudOnly),
        parameters(USER, &["SeniorityIndex"], json!(3)).on(On::CloudOnly),
        parameters(USER, &["Manager"], json!("<upn2>")).on(On::CloudOnly).something(),
        parameters(BYPASS, &["Identity"], json!("<upn>"))
            .beside(json!({"AuditBypassEnabled": true}))
            .shows("AuditBypassEnabled", yes())
            .nobody(json!("nobody@nowhere.example")),
        parameters(BYPASS, &["AuditBypassEnabled"], yes()),
        parameters(BYPASS, &["WhatIf"], yes())
            .beside(json!({"AuditBypassEnabled": false}))
            .shows("AuditBypassEnabled", yes())
            .role("reader"),
        parameters(BYPASS, &["Confirm"], yes())
            .beside(json!({"AuditBypassEnabled": true}))
            .shows("AuditBypassEnabled", yes())
            .role("reader"),
        parameters(BYPASS, &["ErrorAction", "WarningAction"], json!("Stop"))
            .beside(json!({"AuditBypassEnabled": true}))
            .shows("AuditBypassEnabled", yes())
            .role("reader"),
        parameters(ORGANIZATION, &["ExchangeAttributesCloudManagedByDefault"], yes())
            .shows("BlockExchangeProvisioningFromOnPremEnabled", yes())
            .role("helpdesk"),
        parameters(ORGANIZATION, &["ExchangeAttributesServerManagedByDefault"], yes())
            .shows("BlockExchangeProvisioningFromOnPremEnabled", json!(false))
            .role("helpdesk"),
        parameters(ORGANIZATION, &["WhatIf"], yes())
            .beside(json!({"ExchangeAttributesCloudManagedByDefault": true}))
            .shows("BlockExchangeProvisioningFromOnPremEnabled", json!(false))
            .role("helpdesk"),
        parameters(ORGANIZATION, &["Confirm"], yes())
            .shows("BlockExchangeProvisioningFromOnPremEnabled", json!(false))
            .role("helpdesk"),
        parameters(ORGANIZATION, &["ErrorAction", "WarningAction"], json!("Stop"))
            .shows("BlockExchangeProvisioningFromOnPremEnabled", json!(false))
            .role("helpdesk"),
    ]
}

/// What `Set-MailUser` has in common with `Set-Mailbox`, tried on a mail user.
fn of_mail_users() -> Vec<Parameters> {
    let catalogue = catalogue();
    let spec = catalogue.iter().find(|spec| spec.name == MAIL_USER).expect("a cmdlet");
    let mut list = of_mailboxes_and_users();
    list.retain(|how| how.cmdlet == SET);
    for how in &mut list {
        how.cmdlet = MAIL_USER;
        how.on = On::CloudOnly;
        how.names.retain(|name| spec.parameter(name).is_some());
        if how.names.contains(&"Identity") {
            how.good = json!("<upn3>");
        }
    }
    let own =
        |names: &[&'static str], good: Value| parameters(MAIL_USER, names, good).on(On::CloudOnly);
    let beside = |how: Parameters| {
        how.beside(json!({"CustomAttribute1": "parity"}))
            .shows("CustomAttribute1", json!("parity"))
            .role("reader")
    };
    let guid = json!("6fd2c87f-b296-42f0-b197-1e91e994b900");
    list.extend([
        own(&["DisplayName", "Office"], json!("parity")),
        own(&["ArchiveGuid", "ExchangeGuid"], guid).not(json!("no GUID")),
        own(&["ExternalEmailAddress"], json!("SMTP:parity@elsewhere.example"))
            .not(json!("no address")),
        own(&["FederatedIdentity"], json!("parity@elsewhere.example")),
        own(&["MacAttachmentFormat"], json!("AppleDouble")).not(json!("Nonsense")),
        own(&["MessageBodyFormat"], json!("Html")).not(json!("Nonsense")),
        own(&["MessageFormat"], json!("Text")).not(json!("Nonsense")),
        own(&["UseMapiRichTextFormat"], json!("Always")).not(json!("Nonsense")),
        own(&["UsePreferMessageFormat"], json!(true)).not(json!("perhaps")),
        own(&["RecoverableItemsQuota"], json!("30 GB (32,212,254,720 bytes)")).not(json!("banana")),
        own(&["PrimarySmtpAddress"], json!("parity-6@<domain>")).not(json!("no address")),
        beside(own(
            &[
                "EnableLitigationHoldForMigration",
                "ForceUpgrade",
                "HVEAccount",
                "ResetPasswordOnNextLogon",
                "UnblockForwardSyncPostCrossTenantMigration",
            ],
            json!(true),
        )),
    ]);
    let mut known = BTreeSet::new();
    for how in &mut list {
        how.names.retain(|name| known.insert(*name));
    }
    list.retain(|how| !how.names.is_empty());
    list
}

/// The parameters of a cmdlet that are called like this and a number.
fn named(cmdlet: &str, prefix: &str) -> Vec<&'static str> {
    let catalogue = catalogue();
    let spec = catalogue.iter().find(|spec| spec.name == cmdlet).expect("a cmdlet");
    let is = |name: &str| name.strip_prefix(prefix).is_some_and(|rest| rest.parse::<u8>().is_ok());
    spec.parameters.iter().map(|parameter| parameter.name).filter(|name| is(name)).collect()
}
