//! Rows of `Get-Mailbox` as JSON text.
//!
//! Every property has its annotations before it (`X@data.type`, `X@odata.type`); which ones follows
//! from its .NET type. Source: recorded answers of the service in public tools (graph2otel).
//!
//! # Divergence from Exchange Online
//! A record has the properties that the estate models and the defaults of the documented others, not all of
//! some 330; a property that is asked for and not there is left out. `Identity` and `Id` are the `ExternalDirectoryObjectId`, as in
//! current tenants.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::defaults;
use crate::estate::Estate;
use crate::exchange::address::{self, ProxyAddress};
use crate::exchange::cmdlets::View;
use crate::exchange::property::{self, Bucket, PROPERTIES, PropertySpec};
use crate::exchange::shape::Shape;
use crate::exchange::{Mailbox, RecipientType};
use crate::guid::Guid;
use crate::powershell::ParameterKind;
use crate::record::{AttributeNumber, Values};
use crate::wire::json;

/// A property of the answer.
pub(super) struct Column {
    name: &'static str,
    /// Annotations and name, up to the value.
    head: String,
    source: Source,
}

#[derive(Clone, Copy)]
enum Source {
    /// Text that is never null.
    Text(AttributeNumber),
    /// Text or null.
    Nullable(AttributeNumber),
    Boolean(AttributeNumber),
    /// A whole number or null.
    Number(AttributeNumber),
    Collection(AttributeNumber),
    Id,
    Name,
    PrimarySmtpAddress,
    /// Where mail for a mail user goes; null for a mailbox.
    ExternalEmailAddress,
    RecipientType,
    ImmutableId,
    Kind,
    IsKind(&'static [RecipientType]),
    /// JSON text for a mailbox with an archive.
    Archived(&'static str),
    ResourceType,
    IsDirSynced,
    Flag,
    WhenChanged,
    WhenChangedUtc,
    /// Whether it is soft-deleted, as a truth or as 1.
    IsGone {
        number: bool,
    },
    WhenGone,
    /// JSON text that is the same for every mailbox.
    Same(&'static str),
    /// A GUID that follows from the mailbox and the property's name.
    Guid(&'static str),
    /// The property's own value, or JSON text as long as it has none.
    Or(AttributeNumber, ParameterKind, &'static str),
    /// A GUID that was given, or as [`Source::Guid`].
    GuidOr(AttributeNumber, &'static str),
    /// An instant or null.
    Moment(AttributeNumber),
    /// The values of two properties together.
    Union(AttributeNumber, AttributeNumber),
}

/// Properties whose value is null, not empty text, when there is none.
const NULLABLE: [&str; 4] =
    ["MailTip", "ForwardingAddress", "ForwardingSmtpAddress", "RetentionPolicy"];

static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    use RecipientType::{Desk, Equipment, Room, Shared, Workspace};
    let fixed = [
        ("Identity", Source::Id),
        ("Id", Source::Id),
        ("ExternalDirectoryObjectId", Source::Id),
        ("WindowsLiveID", Source::Text(property::USER_PRINCIPAL_NAME)),
        ("MicrosoftOnlineServicesID", Source::Text(property::USER_PRINCIPAL_NAME)),
        ("AcceptMessagesOnlyFromSendersOrMembers", union_of("AcceptMessagesOnlyFrom")),
        ("RejectMessagesFromSendersOrMembers", union_of("RejectMessagesFrom")),
        ("IsValid", Source::Same("true")),
        ("ExchangeVersion", Source::Same("\"0.20 (15.0.0.0)\"")),
        ("IsDirSynced", Source::IsDirSynced),
        ("IsExchangeCloudManaged", Source::Flag),
        ("PrimarySmtpAddress", Source::PrimarySmtpAddress),
        ("RecipientType", Source::Same("\"UserMailbox\"")),
        ("RecipientTypeDetails", Source::Kind),
        ("IsMailboxEnabled", Source::Same("true")),
        ("IsShared", Source::IsKind(&[Shared])),
        ("IsResource", Source::IsKind(&[Room, Equipment, Workspace, Desk])),
        ("ResourceType", Source::ResourceType),
        ("ArchiveStatus", Source::Archived("\"Active\"")),
        ("ArchiveState", Source::Archived("\"HostedProvisioned\"")),
        ("IsSoftDeletedByRemove", Source::IsGone { number: false }),
        ("RecipientSoftDeletedStatus", Source::IsGone { number: true }),
        ("WhenSoftDeleted", Source::WhenGone),
        ("WhenChanged", Source::WhenChanged),
        ("WhenChangedUTC", Source::WhenChangedUtc),
    ];
    let modelled = PROPERTIES
        .iter()
        .zip(0..)
        .filter(|(spec, _)| is_of_mailbox(spec))
        .map(|(spec, number)| (spec.name, source(spec, number)));
    let columns = fixed.into_iter().chain(modelled).map(|(name, source)| Column::new(name, source));
    let known: Vec<Column> = columns.collect();
    let defaults = defaults::MAILBOX.iter().map(Column::of_default);
    let others: Vec<Column> = defaults
        .filter(|default| !known.iter().any(|column| column.name == default.name))
        .collect();
    known.into_iter().chain(others).collect()
});

/// Whether `Get-Mailbox` shows a property.
fn is_of_mailbox(spec: &PropertySpec) -> bool {
    spec.is_set_by(property::BY_MAILBOX) || spec.set_by == 0 || spec.shape == Shape::Guid
}

/// Whom messages are taken from, or not: users and groups together.
fn union_of(users: &str) -> Source {
    let number = |name: &str| property::number(name).unwrap_or(AttributeNumber::MAX);
    Source::Union(number(users), number(&format!("{users}DLMembers")))
}

fn source(spec: &PropertySpec, number: AttributeNumber) -> Source {
    // What AD may say too has no other value than what is there.
    let may_differ = matches!(spec.bucket, Bucket::MailboxOnly | Bucket::Identity);
    let default = defaults::MAILBOX.iter().find(|default| default.name == spec.name);
    match spec.kind {
        _ if spec.name == "Name" => Source::Name,
        _ if spec.name == "ImmutableId" => Source::ImmutableId,
        _ if spec.name == "ExternalEmailAddress" => Source::ExternalEmailAddress,
        _ if spec.shape == Shape::Guid => Source::GuidOr(number, spec.name),
        _ if spec.shape == Shape::Moment && may_differ => Source::Moment(number),
        kind if may_differ && let Some(default) = default => {
            Source::Or(number, kind, default.value)
        }
        ParameterKind::Boolean | ParameterKind::Switch => Source::Boolean(number),
        ParameterKind::MultiValue => Source::Collection(number),
        ParameterKind::Integer => Source::Number(number),
        // Documented as text to set and as a collection to read.
        _ if spec.name == "ArchiveName" => Source::Collection(number),
        _ if NULLABLE.contains(&spec.name) => Source::Nullable(number),
        _ => Source::Text(number),
    }
}

impl Column {
    /// A property that has its default with every mailbox.
    fn of_default(default: &defaults::Default) -> Self {
        let defaults::Default { name, net, edm, value } = *default;
        let note = |kind: &str, value: &str| match value {
            "" => String::new(),
            value => format!("\"{name}@{kind}.type\":\"{value}\","),
        };
        let head = format!("{}{}\"{name}\":", note("data", net), note("odata", edm));
        let source = match value {
            "{guid}" => Source::Guid(name),
            value => Source::Same(value),
        };
        Self { name, head, source }
    }

    /// The property's name.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    fn new(name: &'static str, source: Source) -> Self {
        let annotations = match source {
            Source::Collection(_)
            | Source::Union(..)
            | Source::Or(_, ParameterKind::MultiValue, _) => {
                format!("\"{name}@odata.type\":\"#Collection(String)\",")
            }
            Source::GuidOr(..) => {
                format!("\"{name}@data.type\":\"System.Guid\",\"{name}@odata.type\":\"#Guid\",")
            }
            Source::IsGone { number: true } => {
                format!("\"{name}@data.type\":\"System.Int32\",")
            }
            Source::WhenChanged | Source::WhenGone | Source::Moment(_) | Source::WhenChangedUtc => {
                format!("\"{name}@data.type\":\"System.DateTime\",")
            }
            _ => String::new(),
        };
        Self { name, head: format!("{annotations}\"{name}\":"), source }
    }
}

/// The columns of recipients that are not shown by `Get-Mailbox`.
static RECIPIENT_COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let fixed = [
        ("Identity", Source::Id),
        ("Id", Source::Id),
        ("ExternalDirectoryObjectId", Source::Id),
        ("WindowsLiveID", Source::Text(property::USER_PRINCIPAL_NAME)),
        ("MicrosoftOnlineServicesID", Source::Text(property::USER_PRINCIPAL_NAME)),
        ("AcceptMessagesOnlyFromSendersOrMembers", union_of("AcceptMessagesOnlyFrom")),
        ("RejectMessagesFromSendersOrMembers", union_of("RejectMessagesFrom")),
        ("IsDirSynced", Source::IsDirSynced),
        ("IsValid", Source::Same("true")),
        ("PrimarySmtpAddress", Source::PrimarySmtpAddress),
        ("RecipientType", Source::RecipientType),
        ("RecipientTypeDetails", Source::Kind),
        ("WhenChanged", Source::WhenChanged),
        ("WhenChangedUTC", Source::WhenChangedUtc),
    ];
    let modelled =
        PROPERTIES.iter().zip(0..).map(|(spec, number)| (spec.name, source(spec, number)));
    fixed.into_iter().chain(modelled).map(|(name, source)| Column::new(name, source)).collect()
});

/// What `Get-MailboxAuditBypassAssociation` shows beside its own property and the name.
const OF_AUDIT_BYPASS: [&str; 5] = ["Identity", "Id", "IsValid", "WhenChanged", "WhenChangedUTC"];

/// The columns of a `$select` over recipients, or all that the cmdlet shows.
pub(super) fn columns_of(view: View, select: Option<&[&str]>) -> Vec<&'static Column> {
    let shows = |column: &Column| {
        let spec = property::number(column.name).and_then(property::spec);
        match view {
            View::Recipient => spec.is_none_or(|spec| {
                spec.bucket != Bucket::MailboxOnly && spec.set_by != property::BY_AUDIT_BYPASS
            }),
            View::MailUser => {
                spec.is_none_or(|spec| spec.is_set_by(property::BY_MAIL_USER) || spec.set_by == 0)
            }
            View::User => spec.is_none_or(|spec| {
                spec.bucket == Bucket::Identity || spec.is_set_by(property::BY_USER)
            }),
            View::AuditBypass => match spec {
                Some(spec) => spec.is_set_by(property::BY_AUDIT_BYPASS) || spec.name == "Name",
                None => OF_AUDIT_BYPASS.contains(&column.name),
            },
        }
    };
    let wanted = |column: &Column| {
        select.is_none_or(|names| names.iter().any(|n| n.eq_ignore_ascii_case(column.name)))
    };
    RECIPIENT_COLUMNS.iter().filter(|column| shows(column) && wanted(column)).collect()
}

/// The columns of a `$select`, or all of them. Names that are not there are passed over.
pub(super) fn columns(select: Option<&[&str]>) -> Vec<&'static Column> {
    let wanted = |column: &Column| {
        select.is_none_or(|names| names.iter().any(|n| n.eq_ignore_ascii_case(column.name)))
    };
    COLUMNS.iter().filter(|column| wanted(column)).collect()
}

/// Writes mailboxes as the elements of a list.
pub(super) fn mailboxes(
    list: &mut json::List,
    estate: &Estate,
    numbers: &[u32],
    columns: &[&Column],
) {
    let mut values: Vec<Option<Values<'_>>> = vec![None; PROPERTIES.len()];
    for number in numbers {
        let Some(mailbox) = estate.exchange.mailbox(*number) else { continue };
        values.fill(None);
        for (attribute, found) in mailbox.record.attributes() {
            if let Some(place) = values.get_mut(usize::from(attribute)) {
                *place = Some(found);
            }
        }
        let row = Row { estate, mailbox, values: &values };
        row.write(list.next(), columns);
    }
}

/// A mailbox with its values by property number.
struct Row<'e, 'v> {
    estate: &'e Estate,
    mailbox: &'e Mailbox,
    values: &'v [Option<Values<'e>>],
}

impl<'e> Row<'e, '_> {
    fn write(&self, out: &mut Vec<u8>, columns: &[&Column]) {
        out.push(b'{');
        for (index, column) in columns.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(column.head.as_bytes());
            self.value(out, column.source);
        }
        out.push(b'}');
    }

    fn value(&self, out: &mut Vec<u8>, source: Source) {
        let mailbox = self.mailbox;
        match source {
            Source::Text(number) => json::lossy_string(out, self.first(number).unwrap_or_default()),
            Source::Nullable(number) => match self.first(number) {
                Some(value) => json::lossy_string(out, value),
                None => out.extend_from_slice(b"null"),
            },
            Source::Boolean(number) => {
                let set = self.first(number).is_some_and(|v| v.eq_ignore_ascii_case(b"true"));
                json::boolean(out, set);
            }
            Source::Number(number) => {
                let digits = self.first(number).filter(|value| is_number(value));
                out.extend_from_slice(digits.unwrap_or(b"null"));
            }
            Source::Collection(number) => {
                json::strings(out, self.values(number).into_iter().flatten());
            }
            Source::Union(one, other) => {
                let both = self.values(one).into_iter().chain(self.values(other)).flatten();
                json::strings(out, both);
            }
            Source::Or(number, _, default) if self.first(number).is_none() => {
                out.extend_from_slice(default.as_bytes());
            }
            Source::Or(number, kind, _) => self.value(out, plain(kind, number)),
            Source::Moment(number) => match self.first(number) {
                Some(value) => json::lossy_string(out, value),
                None => out.extend_from_slice(b"null"),
            },
            Source::Id => json::plain(out, mailbox.id),
            Source::Name => self.name(out),
            Source::PrimarySmtpAddress => json::string(out, self.primary().unwrap_or_default()),
            Source::ExternalEmailAddress => self.external_address(out),
            Source::RecipientType => out.extend_from_slice(if mailbox.kind.is_mailbox() {
                b"\"UserMailbox\"".as_slice()
            } else {
                b"\"MailUser\""
            }),
            Source::ImmutableId => json::string(out, &self.immutable_id().unwrap_or_default()),
            Source::Kind => json::plain(out, mailbox.kind.details()),
            Source::IsKind(kinds) => json::boolean(out, kinds.contains(&mailbox.kind)),
            Source::Archived(text) if mailbox.has_archive() => {
                out.extend_from_slice(text.as_bytes());
            }
            Source::Archived(_) => out.extend_from_slice(b"\"None\""),
            Source::ResourceType => out.extend_from_slice(match mailbox.kind {
                RecipientType::Room => b"\"Room\"",
                RecipientType::Equipment => b"\"Equipment\"",
                RecipientType::Workspace => b"\"Workspace\"",
                RecipientType::Desk => b"\"Desk\"",
                _ => b"null",
            }),
            Source::IsDirSynced => json::boolean(out, mailbox.dir_synced),
            Source::Flag => json::boolean(out, mailbox.cloud_managed),
            Source::WhenChanged => json::instant(out, mailbox.when_changed, ".0000000+00:00"),
            Source::WhenChangedUtc => json::instant(out, mailbox.when_changed, ".0000000Z"),
            Source::IsGone { .. } | Source::WhenGone => self.gone(out, source),
            Source::Same(json) => out.extend_from_slice(json.as_bytes()),
            Source::GuidOr(number, name) => match self.first(number) {
                Some(given) => json::lossy_string(out, given),
                // Only what has an archive has the GUID of one.
                None if name == "ArchiveGuid" && !mailbox.has_archive() => {
                    json::plain(out, Guid([0; 16]));
                }
                None => self.value(out, Source::Guid(name)),
            },
            Source::Guid(name) => json::plain(out, mailbox.guid(name)),
        }
    }

    fn name(&self, out: &mut Vec<u8>) {
        match self.mailbox.name() {
            Some(name) => json::string(out, name),
            None => json::plain(out, self.mailbox.id),
        }
    }

    fn gone(&self, out: &mut Vec<u8>, source: Source) {
        match (source, self.mailbox.gone) {
            (Source::IsGone { number: true }, gone) => {
                out.push(if gone.is_some() { b'1' } else { b'0' });
            }
            (Source::WhenGone, Some(gone)) => json::instant(out, gone.at, ".0000000+00:00"),
            (Source::WhenGone, None) => out.extend_from_slice(b"null"),
            (_, gone) => json::boolean(out, gone.is_some()),
        }
    }

    /// Where mail for a mail user goes.
    fn external_address(&self, out: &mut Vec<u8>) {
        match self.primary() {
            _ if let Some(target) = self.text("ExternalEmailAddress") => {
                let target = String::from_utf8_lossy(target);
                let parsed = ProxyAddress::parse(&target);
                json::string(out, &format!("SMTP:{}", parsed.address));
            }
            Some(address) if !self.mailbox.kind.is_mailbox() => {
                json::string(out, &format!("SMTP:{address}"));
            }
            _ => out.extend_from_slice(b"null"),
        }
    }

    fn values(&self, number: AttributeNumber) -> Option<Values<'e>> {
        self.values.get(usize::from(number)).cloned().flatten()
    }

    fn first(&self, number: AttributeNumber) -> Option<&'e [u8]> {
        self.values(number)?.next()
    }

    fn primary(&self) -> Option<&'e str> {
        let addresses = self.values(property::EMAIL_ADDRESSES)?;
        address::primary(addresses.filter_map(|value| core::str::from_utf8(value).ok()))
    }

    /// A property that is looked for by its name.
    fn text(&self, name: &str) -> Option<&'e [u8]> {
        self.first(property::number(name)?)
    }

    fn immutable_id(&self) -> Option<String> {
        if let Some(given) = self.text("ImmutableId") {
            return Some(String::from_utf8_lossy(given).into_owned());
        }
        let user = self.estate.entra.user(self.estate.entra.by_id(self.mailbox.id)?)?;
        Some(STANDARD.encode(user.source_anchor?.0))
    }
}

/// A property that has a value, by what it takes.
const fn plain(kind: ParameterKind, number: AttributeNumber) -> Source {
    match kind {
        ParameterKind::Boolean | ParameterKind::Switch => Source::Boolean(number),
        ParameterKind::MultiValue => Source::Collection(number),
        ParameterKind::Integer => Source::Number(number),
        ParameterKind::Text | ParameterKind::Hashtable | ParameterKind::OneOf(_) => {
            Source::Text(number)
        }
    }
}

fn is_number(value: &[u8]) -> bool {
    core::str::from_utf8(value).is_ok_and(|text| text.parse::<i32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Anchors of the published shape: annotations stand before the property.
    #[test]
    fn annotations_follow_the_type() {
        let head = |name: &str| columns(Some(&[name])).first().unwrap().head.clone();
        assert_eq!(
            head("emailaddresses"),
            "\"EmailAddresses@odata.type\":\"#Collection(String)\",\"EmailAddresses\":"
        );
        assert_eq!(
            head("WhenChangedUTC"),
            "\"WhenChangedUTC@data.type\":\"System.DateTime\",\"WhenChangedUTC\":"
        );
        assert_eq!(head("CustomAttribute1"), "\"CustomAttribute1\":");
        assert!(columns(Some(&["FirstName"])).is_empty(), "belongs to Get-User");
    }

    /// Every writable property of a mailbox can be read.
    #[test]
    fn every_mailbox_property_has_a_column() {
        let names: Vec<&str> = columns(None).iter().map(|column| column.name).collect();
        for spec in PROPERTIES.iter().filter(|p| is_of_mailbox(p)) {
            assert!(names.contains(&spec.name), "{}", spec.name);
        }
        let mut unique = names.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), names.len(), "no property comes twice");
    }
}
