//! Which AD attribute flows into which property of the cloud, and the digests by which a change is
//! known.
//!
//! Source: Microsoft Learn, "Microsoft Entra Connect Sync: Attributes synchronized to Microsoft Entra
//! ID". `msExchExtensionCustomAttribute1` to `5` are not consumed by Exchange Online on the way up.

use std::hash::Hasher;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustc_hash::FxHasher;

use super::addresses::{self, Inbound};
use super::server::Since;
use crate::clock::VirtualTime;
use crate::directory::entry::{ClassNumber, Entry, Life, referenced};
use crate::directory::request::ObjectNumber;
use crate::directory::schema::{Schema, known};
use crate::entra;
use crate::exchange::address;
use crate::exchange::property::{self, Bucket, Form, PROPERTIES};
use crate::exchange::{RecipientType, spelling, truth};
use crate::guid::Guid;
use crate::record::{AttributeNumber, Projection, Record, Values};

/// One attribute's way up.
#[derive(Debug, Clone, Copy)]
struct Way {
    /// Where the values stand in the projection. `None` when the schema does not have the attribute:
    /// then AD has no value, and says so.
    column: Option<usize>,
    /// The attribute's number.
    ad: Option<AttributeNumber>,
    property: AttributeNumber,
    form: Form,
}

/// All ways, with the attribute numbers of a schema.
#[derive(Debug, Clone)]
pub struct Flow {
    identity: Vec<Way>,
    exchange: Vec<Way>,
    /// Columns: the identity attributes, then the Exchange attributes, `proxyAddresses` and `mail`.
    projection: Projection,
    /// How many of the columns are identity attributes.
    identity_columns: usize,
    proxy_addresses: AttributeNumber,
    mail: AttributeNumber,
    user_principal_name: AttributeNumber,
    /// Classes of the schema by what they are to the cloud.
    classes: Vec<(ClassNumber, AdKind)>,
    /// Classes of containers.
    containers: Vec<ClassNumber>,
}

/// An attribute of AD that goes to a property which Entra alone has.
type Own = (&'static str, AttributeNumber, Form);

/// Where AD says nothing, the cloud may.
const USAGE_LOCATION: Own = ("msExchUsageLocation", entra::property::USAGE_LOCATION, Form::Same);

/// `ADS_UF_ACCOUNT_DISABLE` ([MS-ADTS] 2.2.16); the default rule "In from AD - User AccountEnabled" takes over whether
/// it is set.
const ACCOUNT_ENABLED: Own =
    ("userAccountControl", entra::property::ACCOUNT_ENABLED, Form::Bit(ACCOUNT_DISABLED));
const ACCOUNT_DISABLED: u32 = 2;

/// What an AD object becomes in the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// An organizational contact.
    Contact,
}

/// Classes that are synchronized (Microsoft Learn, "Microsoft Entra Connect Sync: Understanding the default
/// configuration").
const CLASSES: [(&str, AdKind); 4] = [
    ("user", AdKind::User),
    ("inetOrgPerson", AdKind::User),
    ("group", AdKind::Group),
    ("contact", AdKind::Contact),
];

/// The source anchor of an AD object: `ms-DS-ConsistencyGuid`, else `objectGUID`.
#[must_use]
pub fn source_anchor(record: &Record, object_guid: Guid) -> Guid {
    let own = record.first(known::MS_DS_CONSISTENCY_GUID);
    own.and_then(|bytes| <[u8; 16]>::try_from(bytes).ok()).map_or(object_guid, Guid)
}

/// What Exchange Online has for an AD object: the type of its mailbox, a mail user for a mailbox on the last
/// Exchange server, nothing for somebody without mail.
#[must_use]
pub fn recipient_type(record: &Record) -> Option<RecipientType> {
    let details = record.text(known::MS_EXCH_RECIPIENT_TYPE_DETAILS)?;
    let remote =
        [RecipientType::User, RecipientType::Shared, RecipientType::Room, RecipientType::Equipment]
            .into_iter()
            .find(|kind| kind.remote_numbers().0 == details);
    Some(remote.unwrap_or(RecipientType::MailUser))
}

/// Objects that a property refers to.
pub type References = (AttributeNumber, Vec<ObjectNumber>);

/// What the cloud already says and allows, for the addresses.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// The AD object's values.
    pub ad: &'a Record,
    /// The cloud object's values.
    pub cloud: &'a Record,
    /// Verified domains.
    pub domains: &'a [String],
    /// Switch `upn_adds_proxy`.
    pub upn_adds_proxy: bool,
    /// Whether the user is a recipient or has a licence.
    pub licensed: bool,
    /// Whether the user principal name may stand in for a primary address.
    pub upn_is_primary: bool,
}

impl Flow {
    /// The ways under a schema.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        let number = |name: &str| schema.attribute_named(name).map(|attribute| attribute.number);
        let mut columns: Vec<AttributeNumber> = Vec::new();
        let mut ways = |wanted: fn(Bucket) -> bool, beside: &[Own]| -> Vec<Way> {
            let first = columns.len();
            let mut column_of = |ad: &str| {
                let ad = number(ad)?;
                let known = columns[first..].iter().position(|at| *at == ad);
                Some(known.map_or_else(
                    || {
                        columns.push(ad);
                        columns.len() - 1
                    },
                    |at| first + at,
                ))
            };
            PROPERTIES
                .iter()
                .zip(0..)
                .filter(|(spec, _)| wanted(spec.bucket))
                .filter(|(spec, _)| !spec.name.starts_with("ExtensionCustomAttribute"))
                .filter(|(_, number)| {
                    !matches!(*number, property::EMAIL_ADDRESSES | property::WINDOWS_EMAIL_ADDRESS)
                })
                .filter_map(|(spec, property)| {
                    let ad = spec.ad?;
                    Some((ad, property, spec.form))
                })
                .chain(beside.iter().copied())
                .map(|(ad, property, form)| {
                    let column = column_of(ad);
                    Way { column, ad: number(ad), property, form }
                })
                .collect()
        };
        let own = [ACCOUNT_ENABLED, USAGE_LOCATION];
        let identity = ways(|bucket| bucket == Bucket::Identity, &own);
        let exchange = ways(|b| matches!(b, Bucket::WrittenBack | Bucket::CloudOnlyCopy), &[]);
        let widths = identity.iter().filter_map(|way| way.column);
        let identity_columns = widths.max().map_or(0, |column| column + 1);
        let columns = columns.into_iter().map(Some);
        let projection = Projection::new(columns.chain([number("proxyAddresses"), number("mail")]));
        Self {
            identity,
            exchange,
            projection,
            identity_columns,
            proxy_addresses: number("proxyAddresses").unwrap_or(AttributeNumber::MAX),
            mail: number("mail").unwrap_or(AttributeNumber::MAX),
            user_principal_name: number("userPrincipalName").unwrap_or(AttributeNumber::MAX),
            classes: CLASSES
                .into_iter()
                .filter_map(|(name, kind)| Some((schema.class_named(name)?.number, kind)))
                .collect(),
            containers: ["organizationalUnit", "container"]
                .into_iter()
                .filter_map(|name| Some(schema.class_named(name)?.number))
                .collect(),
        }
    }

    /// What an object of a class becomes in the cloud.
    #[must_use]
    pub fn kind_of(&self, class: ClassNumber) -> Option<AdKind> {
        self.classes.iter().find(|(known, _)| *known == class).map(|(_, kind)| *kind)
    }

    /// Whether objects of this class hold others.
    #[must_use]
    pub fn is_container(&self, entry: &Entry) -> bool {
        self.containers.contains(&entry.class)
    }

    /// Whether an object that the cloud does not know is one for it: live, of a class that is
    /// synchronized, no part of the system, no service account, no victim of a replication conflict.
    #[must_use]
    pub fn is_synchronized(&self, entry: &Entry) -> bool {
        entry.life == Life::Live
            && self.kind_of(entry.class).is_some()
            && entry.record.text(known::IS_CRITICAL_SYSTEM_OBJECT) != Some("TRUE")
            && !entry.record.text(known::SAM_ACCOUNT_NAME).is_some_and(|name| name.ends_with('$'))
            && !entry.rdn_value().contains("\nCNF:")
    }

    /// The properties whose attributes changed in AD in these seconds.
    #[must_use]
    pub fn changed_between(
        &self,
        entry: &Entry,
        since: Since,
        until: VirtualTime,
    ) -> Vec<AttributeNumber> {
        let (from, until) = (since.at.floor_to_second(), until.floor_to_second());
        let is_meant = |at: VirtualTime| at >= from && at <= until;
        if !entry.has_changes_at(is_meant) {
            return Vec::new();
        }
        // Stamps know the second alone; of what was read in that of the import, the sequence number tells.
        let was_read = |attribute: AttributeNumber| {
            let stamp = entry.metadata(attribute);
            since.read.is_some_and(|(dc, usn)| stamp.dc == dc && stamp.usn() <= usn)
        };
        let changed = |attribute: AttributeNumber| {
            is_meant(entry.changed_at(attribute)) && !was_read(attribute)
        };
        let mut properties: Vec<AttributeNumber> = self
            .exchange
            .iter()
            .filter(|way| way.ad.is_some_and(&changed))
            .map(|way| way.property)
            .collect();
        if [self.proxy_addresses, self.mail].into_iter().any(changed) {
            properties.extend([property::EMAIL_ADDRESSES, property::WINDOWS_EMAIL_ADDRESS]);
        }
        properties
    }

    /// Digests of the identity and of the Exchange attributes of an AD object.
    #[must_use]
    pub fn digests(&self, ad: &Record) -> (u64, u64) {
        let (mut identity, mut exchange) = (FxHasher::default(), FxHasher::default());
        self.projection.each(ad, |column, values| {
            let hasher = if column < self.identity_columns { &mut identity } else { &mut exchange };
            hasher.write_usize(column);
            for value in values {
                hasher.write(value);
                hasher.write_usize(value.len());
            }
        });
        (identity.finish(), exchange.finish())
    }

    /// The identity values that an export brings, by property, ascending. References are
    /// [`Self::identity_references`].
    #[must_use]
    pub fn identity_values(&self, ad: &Record) -> Vec<(AttributeNumber, Vec<String>)> {
        let columns = self.projection.of(ad);
        self.identity
            .iter()
            .filter(|way| way.form != Form::Reference)
            .map(|way| (way.property, way.identity(&columns)))
            .filter(|(property, values)| *property != USAGE_LOCATION.1 || !values.is_empty())
            .collect()
    }

    /// The objects that identity attributes refer to.
    #[must_use]
    pub fn identity_references(&self, ad: &Record) -> Vec<References> {
        self.references(&self.identity, ad)
    }

    /// The objects that Exchange attributes refer to.
    #[must_use]
    pub fn exchange_references(&self, ad: &Record) -> Vec<References> {
        self.references(&self.exchange, ad)
    }

    fn references(&self, ways: &[Way], ad: &Record) -> Vec<References> {
        let columns = self.projection.of(ad);
        let ways = ways.iter().filter(|way| way.form == Form::Reference);
        ways.map(|way| (way.property, way.of(&columns).filter_map(referenced).collect())).collect()
    }

    /// The Exchange values that an export brings, addresses as the cloud computes them, ascending.
    /// References are [`Self::exchange_references`].
    #[must_use]
    pub fn exchange_values(&self, out: &Outgoing<'_>) -> Vec<(AttributeNumber, Vec<String>)> {
        let list = addresses::computed(&self.inbound(out));
        let primary = address::primary(list.iter().map(String::as_str)).map(str::to_owned);
        let columns = self.projection.of(out.ad);
        let mut values: Vec<(AttributeNumber, Vec<String>)> = self
            .exchange
            .iter()
            .filter(|way| way.form != Form::Reference)
            .map(|way| (way.property, value(out, way, &columns)))
            .collect();
        // The ways are in the order of their properties.
        let place = values.partition_point(|(property, _)| *property < property::EMAIL_ADDRESSES);
        values.insert(place, (property::EMAIL_ADDRESSES, list));
        values.insert(place + 1, (property::WINDOWS_EMAIL_ADDRESS, primary.into_iter().collect()));
        values
    }
}

impl Flow {
    /// Whether the primary address of an export is calculated, because AD says nothing of one.
    #[must_use]
    pub fn has_derived_primary(&self, out: &Outgoing<'_>) -> bool {
        self.inbound(out).has_derived_primary()
    }

    /// The primary address that AD says of somebody, without its type.
    #[must_use]
    pub fn primary_of_ad(&self, out: &Outgoing<'_>) -> Option<String> {
        self.inbound(out).primary_of_ad().map(str::to_owned)
    }

    fn inbound<'a>(&self, out: &Outgoing<'a>) -> Inbound<'a> {
        Inbound {
            proxy_addresses: strs(out.ad, self.proxy_addresses),
            mail: out.ad.text(self.mail),
            user_principal_name: out.ad.text(self.user_principal_name).unwrap_or_default(),
            current: strs(out.cloud, property::EMAIL_ADDRESSES),
            upn_adds_proxy: out.upn_adds_proxy,
            domains: out.domains,
            licensed: out.licensed,
            upn_is_primary: out.upn_is_primary,
        }
    }
}

impl Way {
    fn of<'r>(&self, columns: &[Values<'r>]) -> Values<'r> {
        let found = self.column.and_then(|column| columns.get(column));
        found.cloned().unwrap_or_default()
    }

    /// The values of an identity attribute. An account that is not disabled is enabled, which needs no value.
    fn identity(&self, columns: &[Values<'_>]) -> Vec<String> {
        let values = owned(self.of(columns));
        match self.form {
            Form::Bit(bit) => {
                let mut set = values.iter().filter_map(|value| value.parse::<i32>().ok());
                let is_disabled = set.any(|flags| flags.cast_unsigned() & bit != 0);
                is_disabled.then(|| truth(false).to_owned()).into_iter().collect()
            }
            _ => values,
        }
    }

    /// The values as text: octets in base64.
    fn texts(&self, columns: &[Values<'_>]) -> Vec<String> {
        let values = self.of(columns);
        if self.form == Form::Binary {
            return values.map(|octets| STANDARD.encode(octets)).collect();
        }
        owned(values)
    }
}

/// Values change their spelling; one longer than the cloud takes is cut, as the service documents
/// no other way; `mailNickname` once set is kept when AD has none.
fn value(out: &Outgoing<'_>, way: &Way, columns: &[Values<'_>]) -> Vec<String> {
    if way.of(columns).len() == 0 {
        // Most attributes of most objects have no value.
        let is_kept = way.property == property::ALIAS;
        return if is_kept { texts(out.cloud, property::ALIAS) } else { Vec::new() };
    }
    let mut values = spelling::in_cloud(way.form, way.texts(columns));
    if let Some(longest) = property::spec(way.property).and_then(|spec| spec.max_length) {
        for value in &mut values {
            shorten(value, longest);
        }
    }
    values
}

fn shorten(value: &mut String, longest: usize) {
    if value.len() <= longest {
        return;
    }
    let mut units = 0;
    let end = value.char_indices().find(|(_, character)| {
        units += character.len_utf16();
        units > longest
    });
    if let Some((end, _)) = end {
        value.truncate(end);
    }
}

fn owned(values: Values<'_>) -> Vec<String> {
    values.filter_map(|value| core::str::from_utf8(value).ok()).map(str::to_owned).collect()
}

fn strs(record: &Record, number: AttributeNumber) -> Vec<&str> {
    record.values(number).filter_map(|value| core::str::from_utf8(value).ok()).collect()
}

fn texts(record: &Record, number: AttributeNumber) -> Vec<String> {
    strs(record, number).into_iter().map(str::to_owned).collect()
}
