//! Witnesses of Exchange Online: its endpoints, and every parameter of every cmdlet, posted as tools post
//! them. What a `Set-` cmdlet was given is read back, once more after it was refused.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sim::exchange::cmdlets::{catalogue, documented, is_move};
use sim::parity::Fidelity;
use sim::powershell::ParameterKind;
use sim::profile::Evidence;

use super::call::{Call, Who, Witness, call, post, witness};
use super::document::Row;
use super::roles;
use super::served::Served;

pub(crate) const INVOKE: &str = "/adminapi/beta/<tenant>/InvokeCommand";

/// A call of a cmdlet.
pub(crate) fn cmdlet(name: &str, parameters: Value) -> Call {
    post(INVOKE, json!({"CmdletInput": {"CmdletName": name, "Parameters": parameters}}))
}

/// The endpoints.
pub(crate) fn witnesses() -> Vec<Witness> {
    let one = json!({"CmdletInput": {"CmdletName": "Get-AcceptedDomain"}});
    let batch = |url: &str| {
        let request = json!({"id": "1", "method": "POST", "url": url, "body": one,
            "headers": {"Content-Type": "application/json"}});
        post("/adminapi/beta/<tenant>/$batch", json!({"requests": [request]}))
    };
    let read = |row: &'static str, path: &str, says: &'static str| {
        let target = format!("/adminapi/{path}");
        witness(row, call("GET", &target).says(says), call("GET", &target).by(Who::Nobody).is(401))
    };
    vec![
        read(
            "GET /adminapi/v1.0/{tenant}/EXOModuleFile",
            "v1.0/<tenant>/EXOModuleFile?Version=3.9.2",
            "exportedCmdlets",
        ),
        read(
            "GET /adminapi/v1.0/{tenant}/EXOBanner('AutogenSession')",
            "v1.0/<tenant>/EXOBanner('AutogenSession')?Version=3.9.2",
            "\"value\"",
        ),
        read("GET /adminapi/beta/{tenant}", "beta/<tenant>", "EntitySet"),
        read(
            "GET /adminapi/beta/{tenant}/Mailbox",
            "beta/<tenant>/Mailbox?$top=1&PropertySet=All",
            "IsDirSynced",
        ),
        read(
            "GET /adminapi/beta/{tenant}/Recipient",
            "beta/<tenant>/Recipient?$top=1",
            "RecipientTypeDetails",
        ),
        read("GET /adminapi/beta/{tenant}/User", "beta/<tenant>/User?$top=1", "<domain>"),
        witness(
            "GET /adminapi/beta/{tenant}/Mailbox('{id}')",
            call("GET", "/adminapi/beta/<tenant>/Mailbox('<upn>')").says("<upn>"),
            call("GET", "/adminapi/beta/<tenant>/Mailbox('nobody')").is(404),
        ),
        witness(
            "GET /adminapi/beta/{tenant}/Recipient('{id}')",
            call("GET", "/adminapi/beta/<tenant>/Recipient('<upn>')").says("UserMailbox"),
            call("GET", "/adminapi/beta/<tenant>/Recipient('nobody')").is(404),
        ),
        witness(
            "GET /adminapi/beta/{tenant}/User('{id}')",
            call("GET", "/adminapi/beta/<tenant>/User('<upn>')").says("<upn>"),
            call("GET", "/adminapi/beta/<tenant>/User('nobody')").is(404),
        ),
        witness(
            "POST /adminapi/beta/{tenant}/InvokeCommand",
            post(INVOKE, one.clone()).says("<domain>"),
            post(INVOKE, one.clone()).by(Who::Nobody).is(401),
        ),
        witness(
            "POST /adminapi/beta/{tenant}/$batch",
            batch("<login>/adminapi/beta/<tenant>/InvokeCommand").says("\"status\":200"),
            call("POST", "/adminapi/beta/<tenant>/$batch").text("no JSON").is(400),
        ),
    ]
}

/// Whose mailbox a cmdlet is tried on.
#[derive(Clone, Copy)]
enum On {
    /// Synchronized, Exchange attributes with authority in the cloud.
    CloudManaged,
    /// Moved to the cloud as a whole, so that the cloud decides over identity as well.
    CloudOnly,
}

/// What reading back shows.
#[derive(Clone)]
enum Shows {
    /// The property of the same name is what was given.
    Same,
    /// The property of the same name has something.
    Something,
    /// A property of another name, or in another form.
    This(&'static str, Value),
}

/// How the parameter is refused.
#[derive(Clone)]
enum Refused {
    /// With a value that it does not take.
    Value(Value, u16),
    /// On a mailbox over whose attribute AD has authority, with the parameter's name in the answer.
    WriteScope,
    /// To an application that may not.
    Role(&'static str),
}

/// Parameters of one cmdlet that are tried in the same way.
struct Parameters {
    cmdlet: &'static str,
    names: Vec<&'static str>,
    on: On,
    good: Value,
    /// What single ones are given instead.
    values: Vec<(&'static str, Value)>,
    /// What is given beside it.
    beside: Value,
    shows: Shows,
    refused: Refused,
}

fn parameters(cmdlet: &'static str, names: &[&'static str], good: Value) -> Parameters {
    Parameters {
        cmdlet,
        names: names.to_vec(),
        on: On::CloudManaged,
        good,
        values: Vec::new(),
        beside: json!({}),
        shows: Shows::Same,
        refused: Refused::WriteScope,
    }
}

impl Parameters {
    fn on(mut self, on: On) -> Self {
        self.on = on;
        self
    }

    fn beside(mut self, beside: Value) -> Self {
        self.beside = beside;
        self
    }

    fn shows(mut self, property: &'static str, value: Value) -> Self {
        self.shows = Shows::This(property, value);
        self
    }

    /// Each parameter has a value of its own.
    fn each(mut self, values: &[(&'static str, Value)]) -> Self {
        self.values = values.to_vec();
        self
    }

    fn something(mut self) -> Self {
        self.shows = Shows::Something;
        self
    }

    fn not(mut self, value: Value) -> Self {
        self.refused = Refused::Value(value, 400);
        self
    }

    fn nobody(mut self, value: Value) -> Self {
        self.refused = Refused::Value(value, 404);
        self
    }

    fn role(mut self, name: &'static str) -> Self {
        self.refused = Refused::Role(name);
        self
    }
}

const SET: &str = "Set-Mailbox";
const USER: &str = "Set-User";
const MAIL_USER: &str = "Set-MailUser";
const SEARCH: &str = "Search-UnifiedAuditLog";
const BYPASS: &str = "Set-MailboxAuditBypassAssociation";
const ORGANIZATION: &str = "Set-OrganizationConfig";

/// How each parameter of each cmdlet that changes something is tried. A parameter that is in the
/// catalogue and not here fails the test.
fn changes() -> Vec<Parameters> {
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
    let mut list = changes();
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

/// How the parameter of a cmdlet that reads is tried: what is given, how many rows come, and what is
/// refused.
fn reading(cmdlet: &str, parameter: &str) -> Option<(Value, usize, Refused)> {
    let role = Refused::Role("unassigned");
    // Nobody but mail users: `serve` has none.
    let found = usize::from(cmdlet != "Get-MailUser");
    if cmdlet == SEARCH {
        let any = usize::MAX;
        return Some(match parameter {
            "StartDate" => (json!("2026-01-01"), any, Refused::Value(json!("soon"), 400)),
            "EndDate" => (json!("2027-12-31"), any, Refused::Value(json!("soon"), 400)),
            "ResultSize" => (json!(1), 1, Refused::Value(json!("many"), 400)),
            "Operations" => (json!(["Set-Mailbox"]), 1, role),
            "RecordType" => (json!("ExchangeAdmin"), 1, role),
            "UserIds" | "ObjectIds" => (json!(["nobody"]), 0, role),
            "FreeText" => (json!("IsExchangeCloudManaged"), 1, role),
            "SessionId" => (json!("parity"), 1, role),
            "SessionCommand" => (json!("ReturnLargeSet"), 1, role),
            "Formatted" | "HighCompleteness" => (json!(true), 1, role),
            "Confirm" => (json!(false), any, role),
            "ErrorAction" | "WarningAction" => (json!("Stop"), any, role),
            _ => return None,
        });
    }
    Some(match parameter {
        "Identity" => (json!("<upn>"), 1, Refused::Value(json!("nobody@nowhere.example"), 404)),
        "Filter" => (
            json!("UserPrincipalName -eq '<upn>'"),
            found,
            Refused::Value(json!("UserPrincipalName -nonsense"), 400),
        ),
        "ResultSize" => (json!("2"), 2 * found, Refused::Value(json!("many"), 400)),
        "RecipientTypeDetails" => (
            json!(["RoomMailbox", "SharedMailbox"]),
            usize::MAX,
            Refused::Value(json!(["Nonsense"]), 400),
        ),
        "RecipientType" => {
            (json!(["UserMailbox"]), usize::MAX, Refused::Value(json!(["Nonsense"]), 400))
        }
        "AuthenticationType" => {
            (json!("Managed"), usize::MAX, Refused::Value(json!("Nonsense"), 400))
        }
        "SortBy" => (json!("Alias"), usize::MAX, Refused::Value(json!("Nonsense"), 400)),
        "Anr" => (json!("<upn>"), found, role),
        "RecipientPreviewFilter" => (
            json!("UserPrincipalName -eq '<upn>'"),
            found,
            Refused::Value(json!("UserPrincipalName -nonsense"), 400),
        ),
        "OrganizationalUnit" => (json!("nowhere.example"), 0, role),
        "Capabilities" => (json!(["None"]), 0, role),
        "GroupMailbox"
        | "InactiveMailboxOnly"
        | "IsVIP"
        | "Migration"
        | "PublicFolder"
        | "SoftDeletedMailbox"
        | "SoftDeletedMailUser" => (json!(true), 0, role),
        "MailboxPlan" => (json!("ExchangeOnlineEnterprise"), usize::MAX, role),
        "Properties" => (json!(["Alias"]), usize::MAX, role),
        "PropertySet" => (json!("All"), usize::MAX, role),
        "Archive" | "IncludeInactiveMailbox" | "IncludeSoftDeletedRecipients" => {
            (json!(true), usize::MAX, role)
        }
        name if name.starts_with("Include") => (json!(true), usize::MAX, role),
        "Confirm" => (json!(false), usize::MAX, role),
        "ErrorAction" | "WarningAction" => (json!("Stop"), usize::MAX, role),
        _ => return None,
    })
}

/// Every cmdlet and parameter, each tried; those about mail users where there is one.
pub(crate) async fn cmdlets(served: &mut Served, with_mail_user: &mut Served) -> Vec<Row> {
    prepare(served).await;
    let mut changes = changes();
    changes.extend(of_mail_users());
    let mut used: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut rows = Vec::new();
    for spec in
        catalogue().into_iter().filter(|spec| !roles::is_one(spec.name) && !is_move(spec.name))
    {
        if spec.parameters.is_empty() {
            let success = served.expect(&cmdlet(spec.name, json!({}))).await;
            let refusal = cmdlet(spec.name, json!({})).by(Who::Client("unassigned")).is(403);
            let refusal = served.expect(&refusal).await;
            let shown = (success.shown(), refusal.shown());
            rows.push(row(spec.name.to_owned(), Fidelity::Modelled, Some(shown.0), shown.1));
        }
        for parameter in &spec.parameters {
            let name = format!("{} -{}", spec.name, parameter.name);
            let reads = spec.name.starts_with("Get-") || spec.name == SEARCH;
            let outcome = if reads {
                let mail_user = (spec.name, parameter.name) == ("Get-MailUser", "Identity");
                let where_it_is = if mail_user { &mut *with_mail_user } else { &mut *served };
                read(where_it_is, spec.name, parameter.name).await
            } else {
                let how = changes
                    .iter()
                    .find(|c| c.cmdlet == spec.name && c.names.contains(&parameter.name));
                used.insert((spec.name, parameter.name));
                let mail_user = spec.name == MAIL_USER;
                let where_it_is = if mail_user { &mut *with_mail_user } else { &mut *served };
                match how {
                    Some(how) => {
                        Some(change(where_it_is, how, parameter.name, parameter.kind).await)
                    }
                    None => None,
                }
            };
            match outcome {
                Some((success, refusal)) => {
                    let fidelity = documented::fidelity(spec.name, parameter.name);
                    rows.push(row(name, fidelity, Some(success), refusal));
                }
                None => served.problems.push(format!("a row without a witness: {name}")),
            }
        }
    }
    for how in &changes {
        let stray = how.names.iter().filter(|name| !used.contains(&(how.cmdlet, **name)));
        served
            .problems
            .extend(stray.map(|name| format!("a witness without a row: {} -{name}", how.cmdlet)));
    }
    rows.extend(absent(served).await);
    rows.extend(roles::rows().await);
    served.problems.append(&mut with_mail_user.problems);
    served.settle();
    rows.sort_by(|a, b| a.what.cmp(&b.what));
    rows
}

fn row(what: String, fidelity: Fidelity, success: Option<String>, refusal: String) -> Row {
    Row { what, fidelity, evidence: Evidence::Documented, success, refusal }
}

/// One mailbox whose Exchange attributes the cloud has authority over, one that is the cloud's as a whole;
/// the second stays as it is.
async fn prepare(served: &mut Served) {
    let flip = json!({"Identity": "<upn>", "IsExchangeCloudManaged": true});
    served.expect(&cmdlet(SET, flip)).await;
    let behavior = "/v1.0/users/<user3>/onPremisesSyncBehavior";
    let whole = call("PATCH", behavior).with(json!({"isCloudManaged": true})).is(204);
    served.expect(&whole).await;
}

async fn read(served: &mut Served, name: &str, parameter: &str) -> Option<(String, String)> {
    let (good, count, refused) = reading(name, parameter)?;
    let with = |value: &Value| {
        let mut given = match name {
            SEARCH => json!({"StartDate": "2026-01-01", "EndDate": "2027-12-31"}),
            _ => json!({}),
        };
        given[parameter] = value.clone();
        cmdlet(name, given)
    };
    let success = served.expect(&with(&good)).await;
    let found = success.json["value"].as_array().map(Vec::len);
    if count != usize::MAX {
        let about = || format!("{name} -{parameter}: {count} expected: {}", success.text);
        served.problems.extend((found != Some(count)).then(about));
    }
    let refusal = match &refused {
        Refused::Value(value, status) => with(value).is(*status),
        Refused::Role(role) => with(&good).by(Who::Client(role)).is(403),
        Refused::WriteScope => return None,
    };
    let refusal = served.expect(&refusal).await;
    Some((success.shown(), refusal.shown()))
}

async fn change(
    served: &mut Served,
    how: &Parameters,
    name: &'static str,
    kind: ParameterKind,
) -> (String, String) {
    let organization = how.cmdlet == ORGANIZATION;
    let of = |user: &str, value: &Value| {
        let mut given = how.beside.clone();
        if !organization {
            given["Identity"] = json!(user);
        }
        given[name] = value.clone();
        cmdlet(how.cmdlet, given)
    };
    let user = match how.on {
        On::CloudManaged => "<upn>",
        On::CloudOnly => "<upn3>",
    };
    let given = how.values.iter().find(|(known, _)| *known == name);
    let good_value = given.map_or(&how.good, |(_, value)| value).clone();
    let success = served.expect(&of(user, &good_value)).await;
    let before = shown(served, how, user, name).await;
    let about = format!("{} -{name} ({kind:?}): {before}", how.cmdlet);
    let good = match &how.shows {
        Shows::Same => {
            let good = served.filled(&good_value.to_string());
            {
                let shown = before.to_string();
                shown == good || shown == format!("[{good}]")
            }
        }
        Shows::This(_, value) => &before == value,
        Shows::Something => ![json!(null), json!(""), json!([])].contains(&before),
    };
    served.problems.extend((!good).then(|| format!("not shown: {about}")));
    let refusal = match &how.refused {
        Refused::Value(value, status) => of(user, value).is(*status),
        Refused::Role(role) => of(user, &good_value).by(Who::Client(role)).is(403),
        Refused::WriteScope => {
            // The flag moves the Exchange attributes alone.
            let mastered = if matches!(how.on, On::CloudOnly) { "<upn>" } else { "<upn2>" };
            of(mastered, &good_value).is(400)
        }
    };
    let refusal = served.expect(&refusal).await;
    let named = format!("'{}', '{name}'", how.cmdlet);
    if matches!(how.refused, Refused::WriteScope) && !refusal.text.contains(&named) {
        served.problems.push(format!("{named} is not named: {}", refusal.text));
    }
    if shown(served, how, user, name).await != before {
        served.problems.push(format!("refused, and done: {about}"));
    }
    (success.shown(), refusal.shown())
}

/// What is read back.
async fn shown(served: &mut Served, how: &Parameters, user: &str, name: &str) -> Value {
    let property = match how.shows {
        Shows::This(property, _) => property,
        Shows::Same | Shows::Something => name,
    };
    let (reads, parameters) = match how.cmdlet {
        ORGANIZATION => ("Get-OrganizationConfig", json!({})),
        USER => ("Get-User", json!({"Identity": user})),
        MAIL_USER => ("Get-MailUser", json!({"Identity": user})),
        BYPASS => ("Get-MailboxAuditBypassAssociation", json!({"Identity": user})),
        _ => ("Get-Mailbox", json!({"Identity": user})),
    };
    let answer = served.expect(&cmdlet(reads, parameters)).await;
    answer.json["value"][0][property].clone()
}

/// What is documented and not here is refused as the service refuses what it does not know.
async fn absent(served: &mut Served) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, parameter) in documented::absent() {
        let (what, made) = match parameter {
            None => (name.to_owned(), cmdlet(name, json!({})).is(403)),
            Some(parameter) => {
                let mut given = json!({ parameter: "x" });
                if name != ORGANIZATION && name != SEARCH {
                    given["Identity"] = json!("<upn>");
                }
                (format!("{name} -{parameter}"), cmdlet(name, given).is(400))
            }
        };
        let answer = served.expect(&made).await;
        if parameter.is_some_and(|parameter| !answer.text.contains(parameter)) {
            served.problems.push(format!("{what}: {}", answer.text));
        }
        rows.push(row(what, Fidelity::Absent, None, answer.shown()));
    }
    rows
}
