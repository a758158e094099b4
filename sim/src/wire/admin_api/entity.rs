//! Reads of entities by GET: what `Get-EXOMailbox` and its kin ask for, and the endpoints with which the
//! PowerShell module and its imitations connect.
//!
//! Sources: Microsoft Learn, "About the Exchange Online PowerShell module" (`Get-EXO*` cmdlets, property
//! sets); for the endpoints, the traffic of public tools (CIPP, ORADAZ).
//!
//! # Divergence from Exchange Online
//! Of 51 entity sets there are `Mailbox`, `Recipient` and `User`. `$filter` takes comparisons joined by
//! `and`, `or` and `not`. The module's own file of generated code is not offered: `EXOModuleFile` names
//! the cmdlets alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Caller, Links, error, invoke, row};
use crate::estate::Estate;
use crate::exchange::cmdlets::{Rows, View, exported};
use crate::powershell::{Argument, CmdletCall};
use crate::wire::json;
use crate::wire::message::Answer;

/// An entity set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    Mailbox,
    Recipient,
    User,
}

impl Set {
    pub(super) const ALL: [(&'static str, Self); 3] =
        [("Mailbox", Self::Mailbox), ("Recipient", Self::Recipient), ("User", Self::User)];

    const fn cmdlet(self) -> &'static str {
        match self {
            Self::Mailbox => "Get-Mailbox",
            Self::Recipient => "Get-Recipient",
            Self::User => "Get-User",
        }
    }

    /// A set and, in parentheses, the key of one of its entities: `Mailbox('anna')`.
    pub(super) fn parse(segment: &str) -> Option<(Self, Option<&str>)> {
        let (name, key) = match segment.split_once('(') {
            Some((name, rest)) => (name, Some(rest.strip_suffix(')')?.trim_matches('\''))),
            None => (segment, None),
        };
        let (_, set) = Self::ALL.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some((set, key))
    }
}

/// `PropertySet=Minimum` of mailboxes ("Property sets in Exchange Online PowerShell module cmdlets").
const MINIMUM: [&str; 14] = [
    "Alias",
    "DisplayName",
    "DistinguishedName",
    "EmailAddresses",
    "ExchangeVersion",
    "ExternalDirectoryObjectId",
    "Guid",
    "Id",
    "Name",
    "OrganizationId",
    "PrimarySmtpAddress",
    "RecipientType",
    "RecipientTypeDetails",
    "UserPrincipalName",
];

/// `PropertySet=Minimum` of recipients.
const MINIMUM_RECIPIENT: [&str; 6] = [
    "ExchangeVersion",
    "ExternalDirectoryObjectId",
    "Name",
    "OrganizationId",
    "RecipientType",
    "RecipientTypeDetails",
];

/// Properties of named sets: what a name begins with.
const SETS: [(&str, &[&str]); 9] = [
    (
        "AddressList",
        &[
            "AddressBookPolicy",
            "AddressListMembership",
            "EmailAddressPolicyEnabled",
            "HiddenFromAddressListsEnabled",
        ],
    ),
    ("Archive", &["Archive", "AutoExpandingArchiveEnabled"]),
    ("Audit", &["Audit"]),
    ("Custom", &["CustomAttribute", "ExtensionCustomAttribute", "ExternalDirectoryObjectId"]),
    (
        "Delivery",
        &[
            "AcceptMessagesOnlyFrom",
            "RejectMessagesFrom",
            "DeliverToMailboxAndForward",
            "Forwarding",
            "GrantSendOnBehalfTo",
            "MaxReceiveSize",
            "MaxSendSize",
            "MessageCopyFor",
            "RecipientLimits",
            "RequireSenderAuthenticationEnabled",
        ],
    ),
    (
        "Hold",
        &[
            "LitigationHold",
            "InPlaceHolds",
            "RetentionHoldEnabled",
            "DelayHoldApplied",
            "ComplianceTagHoldApplied",
        ],
    ),
    (
        "Moderation",
        &[
            "ModeratedBy",
            "ModerationEnabled",
            "SendModerationNotifications",
            "BypassModerationFrom",
            "MailTip",
        ],
    ),
    (
        "Quota",
        &[
            "ProhibitSend",
            "IssueWarningQuota",
            "RecoverableItems",
            "UseDatabaseQuotaDefaults",
            "RulesQuota",
        ],
    ),
    (
        "Retention",
        &[
            "Retention",
            "RetainDeletedItemsFor",
            "StartDateForRetentionHold",
            "EndDateForRetentionHold",
            "SingleItemRecoveryEnabled",
        ],
    ),
];

/// Which properties a request wants.
fn wants(set: Set, links: &Links<'_>, name: &str) -> bool {
    // The optimized reads do not know the flag.
    if name.eq_ignore_ascii_case("IsExchangeCloudManaged") {
        return false;
    }
    let query = &links.address.query;
    let selected = query.select();
    let sets = query.get("PropertySet");
    let minimum: &[&str] = if set == Set::Mailbox { &MINIMUM } else { &MINIMUM_RECIPIENT };
    let is_in = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let in_set = |wanted: &str| {
        wanted.eq_ignore_ascii_case("All")
            || (wanted.eq_ignore_ascii_case("Minimum") && is_in(minimum))
            || SETS.iter().any(|(known, begins)| {
                known.eq_ignore_ascii_case(wanted)
                    && begins.iter().any(|begin| {
                        name.get(..begin.len()).is_some_and(|head| head.eq_ignore_ascii_case(begin))
                    })
            })
    };
    match (selected, sets) {
        (None, None) => set == Set::User || is_in(minimum),
        (selected, sets) => {
            selected.is_some_and(|names| is_in(&names))
                || sets.is_some_and(|sets| sets.split(',').any(|wanted| in_set(wanted.trim())))
        }
    }
}

/// Answers a read of a set, or of one of its entities.
pub(super) fn read(
    estate: &mut Estate,
    caller: &Caller,
    links: &Links<'_>,
    set: Set,
    key: Option<&str>,
) -> Answer {
    let call = match call(links, set, key) {
        Ok(call) => call,
        Err(why) => return error::of_gateway(400, &why, estate.now()),
    };
    let page = links.address.query.get("skiptoken");
    let size = links.prefer.and_then(invoke::page_size).unwrap_or(invoke::PAGE);
    let output = estate.cmdlet(caller, &call, page, size);
    let at = estate.now();
    let output = match output {
        Ok(output) => output,
        Err(refusal) => return error::of_cmdlet(&refusal, at),
    };
    let none = Vec::new();
    let (rows, columns, others) = match &output.rows {
        Rows::Mailboxes(rows) => (rows.as_slice(), row::columns(None), &none),
        Rows::Recipients(view, rows, others) => {
            (rows.as_slice(), row::columns_of(*view, None), others)
        }
        _ => (&[][..], row::columns_of(View::Recipient, None), &none),
    };
    let columns: Vec<_> =
        columns.into_iter().filter(|column| wants(set, links, column.name())).collect();
    let wanted: Vec<&str> = columns.iter().map(|column| column.name()).collect();
    let (name, _) = Set::ALL.into_iter().find(|(_, known)| *known == set).unwrap_or(Set::ALL[0]);
    let one = key.is_some();
    let context = format!(
        "{}/adminapi/beta/{}/$metadata#{name}{}",
        links.base,
        estate.entra.tenant,
        if one { "/$entity" } else { "" }
    );
    let mut out = b"{\"@odata.context\":".to_vec();
    json::string(&mut out, &context);
    if one {
        let mut list = json::List::after(Vec::new());
        row::mailboxes(&mut list, estate, rows, &columns);
        invoke::write_objects(&mut list, others, Some(&wanted));
        // The one row without the brackets of its list; its members follow the context.
        let rows = list.end();
        let members = rows.get(2..rows.len().saturating_sub(2)).unwrap_or_default();
        if !members.is_empty() {
            out.push(b',');
            out.extend_from_slice(members);
        }
    } else {
        if let Some(token) = &output.next {
            out.extend_from_slice(b",\"@odata.nextLink\":");
            json::string(&mut out, &links.address.next_link(links.base, token));
        }
        out.extend_from_slice(b",\"value\":");
        let mut list = json::List::after(out);
        row::mailboxes(&mut list, estate, rows, &columns);
        invoke::write_objects(&mut list, others, Some(&wanted));
        out = list.end();
    }
    out.push(b'}');
    Answer::new(200, error::JSON, out, at).with("odata-version", "4.0")
}

/// Property sets that are documented ("Property sets in Exchange Online PowerShell module cmdlets").
const PROPERTY_SETS: [&str; 16] = [
    "AddressList",
    "All",
    "Archive",
    "Audit",
    "Custom",
    "Delivery",
    "Hold",
    "Minimum",
    "Moderation",
    "Policy",
    "Quota",
    "Resource",
    "Retention",
    "SCL",
    "SoftDelete",
    "StatisticsSeed",
];

/// A name of `PropertySet` that is none: a slip would look as if there were nothing to show.
fn unknown_set<'l>(links: &'l Links<'_>) -> Option<&'l str> {
    let sets = links.address.query.get("PropertySet")?;
    let known = |name: &&str| PROPERTY_SETS.iter().any(|set| set.eq_ignore_ascii_case(name));
    sets.split(',').map(str::trim).find(|name| !known(name))
}

/// Parameters of the cmdlets that are members of the query too: switches, then texts.
const SWITCHES: [&str; 4] =
    ["Archive", "InactiveMailboxOnly", "IncludeInactiveMailbox", "SoftDeletedMailbox"];
const TEXTS: [&str; 2] = ["Anr", "Identity"];

fn call(links: &Links<'_>, set: Set, key: Option<&str>) -> Result<CmdletCall, String> {
    if let Some(name) = unknown_set(links) {
        return Err(format!(
            "Cannot validate argument on parameter 'PropertySet'. \"{name}\" is none."
        ));
    }
    let query = &links.address.query;
    let text = |text: &str| Argument::Text(text.to_owned());
    let mut parameters = Vec::new();
    if let Some(key) = key {
        let encoded = query.get("isEncoded").is_some_and(|is| is.eq_ignore_ascii_case("true"));
        let key = if encoded { decoded(key)? } else { key.replace("''", "'") };
        parameters.push(("Identity".to_owned(), Argument::Text(key)));
    } else {
        if let Some(filter) = query.get("filter") {
            parameters.push(("Filter".to_owned(), Argument::Text(opath(filter))));
        }
        if let Some(kinds) = query.get("RecipientTypeDetails") {
            let kinds = kinds.split(',').map(|kind| text(kind.trim())).collect();
            parameters.push(("RecipientTypeDetails".to_owned(), Argument::Array(kinds)));
        }
        let size = query.get("top").or_else(|| query.get("ResultSize")).unwrap_or("Unlimited");
        parameters.push(("ResultSize".to_owned(), text(size)));
        for name in TEXTS {
            parameters.extend(query.get(name).map(|given| (name.to_owned(), text(given))));
        }
        for name in SWITCHES {
            let given = query.get(name).filter(|given| !given.eq_ignore_ascii_case("false"));
            parameters.extend(given.map(|_| (name.to_owned(), Argument::Boolean(true))));
        }
    }
    Ok(CmdletCall { name: set.cmdlet().to_owned(), parameters })
}

fn decoded(key: &str) -> Result<String, String> {
    let bytes = STANDARD.decode(key).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| format!("The key '{key}' is not encoded in base64."))
}

/// An OData filter as the cmdlets' own: operators with a dash, `null` and truth as they are written there.
fn opath(filter: &str) -> String {
    const OPERATORS: [&str; 9] = ["and", "or", "not", "eq", "ne", "gt", "ge", "lt", "le"];
    let mut out = String::with_capacity(filter.len() + 8);
    let mut word = String::new();
    let mut quoted = false;
    for character in filter.chars().chain([' ']) {
        if !quoted && (character.is_alphanumeric() || character == '_' || character == '/') {
            word.push(character);
            continue;
        }
        let is = |known: &&str| known.eq_ignore_ascii_case(&word);
        if OPERATORS.iter().any(is) {
            out.push('-');
        } else if ["true", "false", "null"].iter().any(is) {
            out.push('$');
        }
        out.push_str(&word);
        word.clear();
        quoted ^= character == '\'';
        out.push(character);
    }
    out.trim_end().to_owned()
}

/// `EXOModuleFile`: which cmdlets the caller may run.
pub(super) fn module_file(estate: &Estate, caller: &Caller, base: &str) -> Answer {
    let at = estate.now();
    if !caller.role.may_read() {
        return error::forbidden(at);
    }
    let tenant = estate.entra.tenant;
    let body = json!({
        "@odata.context": format!("{base}/adminapi/v1.0/{tenant}/$metadata#EXOModuleFile"),
        "value": [{"exportedCmdlets": exported(caller, estate.exchange.rbac.as_deref()).join(",")}],
    });
    Answer::new(200, error::JSON, body.to_string().into_bytes(), at).with("odata-version", "4.0")
}

/// `EXOBanner`: what the module shows when it has connected; nothing.
pub(super) fn banner(estate: &Estate, base: &str) -> Answer {
    let tenant = estate.entra.tenant;
    let body = json!({
        "@odata.context": format!("{base}/adminapi/v1.0/{tenant}/$metadata#Edm.String"),
        "value": "",
    });
    let at = estate.now();
    Answer::new(200, error::JSON, body.to_string().into_bytes(), at).with("odata-version", "4.0")
}

/// The service document: the entity sets that are here.
pub(super) fn service_document(estate: &Estate, base: &str) -> Answer {
    let tenant = estate.entra.tenant;
    let sets = Set::ALL.map(|(name, _)| json!({"name": name, "kind": "EntitySet", "url": name}));
    let body = json!({
        "@odata.context": format!("{base}/adminapi/beta/{tenant}/$metadata"),
        "value": sets,
    });
    let at = estate.now();
    Answer::new(200, error::JSON, body.to_string().into_bytes(), at).with("odata-version", "4.0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_become_those_of_the_cmdlets() {
        assert_eq!(
            opath("RecipientTypeDetails eq 'SharedMailbox' and not (IsDirSynced eq true)"),
            "RecipientTypeDetails -eq 'SharedMailbox' -and -not (IsDirSynced -eq $true)"
        );
        assert_eq!(
            opath("Alias eq 'a and b''s' or CustomAttribute1 ne null"),
            "Alias -eq 'a and b''s' -or CustomAttribute1 -ne $null"
        );
    }

    #[test]
    fn keys_stand_in_parentheses() {
        assert_eq!(Set::parse("mailbox('a@b')"), Some((Set::Mailbox, Some("a@b"))));
        assert_eq!(Set::parse("User"), Some((Set::User, None)));
        assert_eq!(Set::parse("Mailbox('x'"), None);
        assert_eq!(Set::parse("CasMailbox"), None);
    }
}
