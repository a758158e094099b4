//! Which recipients a `Get-` cmdlet shows, and in which order.
//!
//! Source: Microsoft Learn, "Get-Mailbox", "Get-MailUser", "Get-Recipient", "Get-User".
//!
//! # Divergence from Exchange Online
//! There are no mailboxes of groups or public folders, and no mailbox plans with properties of their own.

use super::beside::is_given;
use super::filter::Filter;
use super::get_mailbox::filter_of;
use super::others::Other;
use super::set_mailbox::wrong_value;
use super::{CmdletError, Context, ErrorKind, View};
use crate::clock::VirtualTime;
use crate::exchange::address::{self, ProxyAddress};
use crate::exchange::{Gone, Mailbox, property};
use crate::powershell::CmdletCall;

/// `RecipientTypeDetails` that the service knows.
const DETAILS: [&str; 22] = [
    "DiscoveryMailbox",
    "DynamicDistributionGroup",
    "EquipmentMailbox",
    "GroupMailbox",
    "GuestMailUser",
    "LegacyMailbox",
    "LinkedMailbox",
    "LinkedRoomMailbox",
    "MailContact",
    "MailForestContact",
    "MailNonUniversalGroup",
    "MailUniversalDistributionGroup",
    "MailUniversalSecurityGroup",
    "MailUser",
    "PublicFolder",
    "PublicFolderMailbox",
    "RoomList",
    "RoomMailbox",
    "SchedulingMailbox",
    "SharedMailbox",
    "TeamMailbox",
    "UserMailbox",
];

/// Further ones of `Get-User`.
const DETAILS_OF_USERS: [&str; 4] = ["User", "DisabledUser", "GuestUser", "RemoteUserMailbox"];

/// `RecipientType`.
const TYPES: [&str; 8] = [
    "DynamicDistributionGroup",
    "MailContact",
    "MailNonUniversalGroup",
    "MailUniversalDistributionGroup",
    "MailUniversalSecurityGroup",
    "MailUser",
    "PublicFolder",
    "UserMailbox",
];

/// Which soft-deleted recipients are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deleted {
    No,
    Too,
    Alone,
}

/// What a call selects.
pub(super) struct Selection {
    filter: Option<Filter>,
    preview: Option<Filter>,
    details: Vec<String>,
    types: Vec<String>,
    anr: Option<String>,
    deleted: Deleted,
    /// Who was deleted until then is gone for good.
    oldest: VirtualTime,
    /// Inactive mailboxes: deleted while on hold.
    inactive: bool,
    archive: bool,
    vip: bool,
    /// Nobody passes: what is asked for does not exist here.
    nobody: bool,
    sort: Option<String>,
}

impl Selection {
    /// What a call asks for; `view` is `None` for `Get-Mailbox`.
    pub(super) fn of(
        context: &Context<'_>,
        call: &CmdletCall,
        view: Option<View>,
    ) -> Result<Self, CmdletError> {
        let given = |name: &str| is_given(call, name);
        let more: &[&str] = if view == Some(View::User) { &DETAILS_OF_USERS } else { &[] };
        let details: Vec<&str> = DETAILS.iter().chain(more).copied().collect();
        let inactive = given("InactiveMailboxOnly");
        let deleted = if inactive || given("SoftDeletedMailbox") || given("SoftDeletedMailUser") {
            Deleted::Alone
        } else if given("IncludeSoftDeletedRecipients") || given("IncludeInactiveMailbox") {
            Deleted::Too
        } else {
            Deleted::No
        };
        let preview = call.text("RecipientPreviewFilter");
        let preview =
            preview.map(|text| super::get_mailbox::parsed("RecipientPreviewFilter", &text));
        Ok(Self {
            filter: filter_of(call)?,
            preview: preview.transpose()?,
            details: words(call, "RecipientTypeDetails", &details)?,
            types: words(call, "RecipientType", &TYPES)?,
            anr: call.text("Anr").map(|text| text.to_lowercase()).filter(|text| !text.is_empty()),
            deleted,
            oldest: context.oldest_deletion,
            inactive: inactive || given("IncludeInactiveMailbox"),
            archive: given("Archive"),
            vip: given("IsVIP"),
            nobody: ["GroupMailbox", "PublicFolder", "Migration"].into_iter().any(given)
                || !is_here(context, call)
                || words(call, "AuthenticationType", &["Managed", "Federated"])?
                    .iter()
                    .any(|kind| kind == "Federated")
                || call.parameter("Capabilities").is_some()
                || call.text("MailboxPlan").is_some_and(|plan| !plan.starts_with("ExchangeOnline")),
            sort: sort_of(call)?,
        })
    }

    /// The earliest `WhenChangedUTC` that can pass.
    pub(super) fn changed_since(&self) -> Option<VirtualTime> {
        self.filter.as_ref().and_then(Filter::changed_since)
    }

    /// Whether the listing is in the order of the latest change and has nobody who is deleted.
    pub(super) fn is_plain(&self) -> bool {
        self.sort.is_none() && self.deleted == Deleted::No
    }

    /// Whether a recipient passes.
    pub(super) fn passes(&self, mailbox: &Mailbox) -> bool {
        let deleted = match (self.deleted, mailbox.gone) {
            (_, Some(Gone { purged: true, .. })) => false,
            (_, Some(Gone { at, .. })) if at <= self.oldest && !mailbox.is_held() => false,
            (Deleted::No, gone) => gone.is_none(),
            (Deleted::Too, gone) => gone.is_none() || !self.inactive || mailbox.is_held(),
            (Deleted::Alone, gone) => gone.is_some() && (!self.inactive || mailbox.is_held()),
        };
        deleted
            && !self.nobody
            && is_in(&self.details, mailbox.kind.details())
            && is_in(&self.types, recipient_type(mailbox))
            && (!self.archive || mailbox.has_archive())
            && (!self.vip || truth_of(mailbox, "VIP"))
            && self.filter.as_ref().is_none_or(|filter| filter.matches(mailbox))
            && self.preview.as_ref().is_none_or(|filter| filter.matches(mailbox))
            && self.anr.as_deref().is_none_or(|text| is_resolved(mailbox, text))
    }

    /// Whether a group or contact passes.
    pub(super) fn passes_other(&self, other: Other<'_>) -> bool {
        let matches = |filter: &Option<Filter>| {
            filter
                .as_ref()
                .is_none_or(|filter| filter.matches_values(&|name| other.values_of(name)))
        };
        self.deleted != Deleted::Alone
            && !(self.nobody || self.archive || self.vip)
            && is_in(&self.details, other.details())
            && is_in(&self.types, other.recipient_type())
            && matches(&self.filter)
            && matches(&self.preview)
            && self.anr.as_deref().is_none_or(|text| other.is_resolved(text))
    }

    /// The recipients of all numbers that pass, in order: as they were made, or by the property of `SortBy`.
    pub(super) fn sorted(
        &self,
        mailboxes: &[Mailbox],
        shows: impl Fn(&Mailbox) -> bool,
    ) -> Vec<u32> {
        let mut passing: Vec<u32> = (0..)
            .zip(mailboxes)
            .filter(|(_, mailbox)| shows(mailbox) && self.passes(mailbox))
            .map(|(number, _)| number)
            .collect();
        if let Some(name) = &self.sort {
            passing.sort_by_cached_key(|number| {
                let mailbox = mailboxes.get(*number as usize);
                let values = mailbox.map(|mailbox| super::filter::values_of(mailbox, name));
                values.unwrap_or_default().concat().to_lowercase()
            });
        }
        passing
    }
}

/// Whether a word is wanted: all are when none is named.
fn is_in(words: &[String], word: &str) -> bool {
    words.is_empty() || words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// `-SortBy`, when it asks for another order than that of the latest change, which a listing has anyway.
fn sort_of(call: &CmdletCall) -> Result<Option<String>, CmdletError> {
    let Some(name) = call.text("SortBy").filter(|name| !name.is_empty()) else { return Ok(None) };
    if ["WhenChanged", "WhenChangedUTC"].iter().any(|known| known.eq_ignore_ascii_case(&name)) {
        return Ok(None);
    }
    if super::filter::is_filterable(&name) {
        return Ok(Some(name));
    }
    Err(CmdletError::new(
        ErrorKind::ParameterValue,
        format!(
            "Cannot process argument transformation on parameter 'SortBy'. \"{name}\" is not a property by which results can be sorted."
        ),
    ))
}

/// `UserMailbox` or `MailUser`.
pub(super) const fn recipient_type(mailbox: &Mailbox) -> &'static str {
    if mailbox.kind.is_mailbox() { "UserMailbox" } else { "MailUser" }
}

fn truth_of(mailbox: &Mailbox, name: &str) -> bool {
    let value = property::number(name).and_then(|number| mailbox.record.text(number));
    value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// `-OrganizationalUnit`: the tenant has one.
fn is_here(context: &Context<'_>, call: &CmdletCall) -> bool {
    let domains = &context.tenant.accepted_domains;
    call.text("OrganizationalUnit").is_none_or(|unit| {
        let unit = unit.rsplit('/').next().unwrap_or(&unit).to_owned();
        domains.iter().any(|domain| domain.eq_ignore_ascii_case(&unit))
    })
}

/// Ambiguous name resolution: a name or an address begins with the text.
fn is_resolved(mailbox: &Mailbox, text: &str) -> bool {
    let begins = |value: &str| value.to_lowercase().starts_with(text);
    let names = ["DisplayName", "FirstName", "LastName", "Alias", "UserPrincipalName", "Name"];
    let mut names = names.into_iter().filter_map(property::number);
    let addresses = mailbox.record.values(property::EMAIL_ADDRESSES);
    names.any(|number| mailbox.record.text(number).is_some_and(begins))
        || addresses
            .filter_map(|value| core::str::from_utf8(value).ok())
            .any(|value| begins(ProxyAddress::parse(value).address))
}

/// The words of a parameter, each one of those that are known.
fn words(call: &CmdletCall, parameter: &str, known: &[&str]) -> Result<Vec<String>, CmdletError> {
    let Some(value) = call.parameter(parameter) else { return Ok(Vec::new()) };
    let words: Vec<String> = value
        .texts()
        .iter()
        .flat_map(|text| text.split(','))
        .map(|word| word.trim().to_owned())
        .filter(|word| !word.is_empty())
        .collect();
    let is_known = |word: &&String| known.iter().any(|known| known.eq_ignore_ascii_case(word));
    if words.iter().all(|word| is_known(&word)) {
        return Ok(words);
    }
    let kind = format!("Microsoft.Exchange.Data.Directory.Recipient.{parameter}[]");
    Err(wrong_value(parameter, value, &kind))
}

/// The primary SMTP address.
pub(super) fn primary(mailbox: &Mailbox) -> Option<&str> {
    let addresses = mailbox.record.values(property::EMAIL_ADDRESSES);
    address::primary(addresses.filter_map(|value| core::str::from_utf8(value).ok()))
}
