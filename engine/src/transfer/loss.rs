//! What a rollback takes from the cloud: values that the cloud has and AD has not.
//!
//! Once the flag is false, the next inbound cycle overwrites the cloud's Exchange attributes with
//! those of AD (Microsoft Learn, "Cloud-based management of Exchange attributes for remote
//! mailboxes", reverting). What the two sides cannot be compared in is said to be perhaps lost. Addresses in `onmicrosoft.com` are no loss: the service adds its own again,
//! and never takes them from AD.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::bucket_c::{BUCKET_C, Kept, LEFT};
use super::spelling::{Lost, Recipients, Spelling, lost};
use crate::address::{Address, same};
use crate::attributes::{CONTRACT, PROXY_ADDRESSES, RECIPIENT_TYPE_DETAILS, Shape};
use crate::change::ShownValues;
use crate::job::RecipientTypeMode;
use crate::ports::{DirectoryObject, Mailbox, MailboxId, Name};
use crate::recipient_type::written_type;
use crate::values::{Column, Texts};

/// One value that will be lost.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The AD attribute that lacks it.
    pub attribute: Name,
    /// The value in the cloud.
    pub value: String,
    /// What takes its place: AD's values.
    pub instead: ShownValues,
    /// Why nobody can say whether it is lost; `None`: it is.
    pub unsure: Option<Name>,
}

/// The attributes to read for [`losses`]: the contract, then those of bucket C, each once, those that no
/// cmdlet sets last.
#[must_use]
pub fn attributes() -> Vec<Name> {
    let contract = CONTRACT.iter().map(|attribute| Name::Borrowed(attribute.ldap_name));
    contract.chain(bucket_c_names().into_iter().map(Name::Borrowed)).collect()
}

/// The attributes of [`BUCKET_C`], each once, and of [`LEFT`].
fn bucket_c_names() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    let kept = BUCKET_C.iter().map(|kept| kept.ldap_name);
    for name in kept.chain(LEFT.iter().map(|left| left.ldap_name)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The column of each property of [`BUCKET_C`] among [`attributes`].
static COLUMNS: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let names = bucket_c_names();
    let at = |kept: &Kept| names.iter().position(|name| *name == kept.ldap_name);
    BUCKET_C.iter().map(|kept| CONTRACT.len() + at(kept).unwrap_or_default()).collect()
});

/// Where the values of a property of [`BUCKET_C`] are among [`attributes`].
#[must_use]
pub fn column_of(kept: usize) -> usize {
    COLUMNS.get(kept).copied().unwrap_or(usize::MAX)
}

/// What the mailbox loses when AD's values take the place of its own. `mailbox` was read with
/// `properties`, `object` with [`attributes`]; `None` when there is no AD object. References are compared
/// by the recipients that were seen.
#[must_use]
pub fn losses(
    mailbox: &Mailbox,
    properties: &[Name],
    object: Option<&DirectoryObject>,
    recipients: &Recipients,
) -> Vec<Loss> {
    let mut losses = Vec::new();
    for (index, attribute) in CONTRACT.iter().enumerate() {
        let held = held_values(object, index);
        let mut lose = |value: &str| {
            losses.push(Loss {
                mailbox: mailbox.id,
                attribute: Name::Borrowed(attribute.ldap_name),
                value: value.to_owned(),
                instead: ShownValues::of(held.iter().map(|value| value.as_bytes())),
                unsure: None,
            });
        };
        if attribute.ldap_name == RECIPIENT_TYPE_DETAILS {
            let kind = &mailbox.recipient_type_details;
            let number =
                written_type(kind, RecipientTypeMode::Remote).map(|kind| kind.type_details);
            if number.is_some_and(|number| held != [number]) {
                lose(kind);
            }
            continue;
        }
        let of_cloud = values_of(&mailbox.values, properties, attribute.property);
        for value in of_cloud.iter().filter(|value| !value.is_empty()) {
            let kept = match attribute.ldap_name {
                PROXY_ADDRESSES => keeps_address(&held, value),
                _ if attribute.shape == Shape::Single => held.len() == 1 && held[0] == value,
                _ => held.iter().any(|other| other == value),
            };
            if !kept && attribute.parameter.is_some() {
                lose(value);
            }
        }
    }
    for (place, kept) in BUCKET_C.iter().enumerate() {
        let of_cloud = values_of(&mailbox.values, properties, kept.property);
        let column = object.map(|object| object.values.column(column_of(place)));
        let column = column.unwrap_or_default();
        losses.extend(of_bucket_c(mailbox.id, kept, of_cloud, column, recipients));
    }
    losses
}

/// What is lost of a property that is not written back.
fn of_bucket_c(
    mailbox: MailboxId,
    kept: &Kept,
    cloud: Column<'_, str>,
    held: Column<'_, [u8]>,
    recipients: &Recipients,
) -> Vec<Loss> {
    let (cloud, ad): (Vec<&str>, Vec<&[u8]>) = (cloud.iter().collect(), held.iter().collect());
    let (values, unsure) = match lost(kept.spelling, &cloud, &ad, recipients) {
        Lost::Nothing => return Vec::new(),
        Lost::Values(values) => (values, None),
        Lost::Perhaps(values, why) => (values, Some(Name::Borrowed(why))),
    };
    let instead = ShownValues::of(ad);
    let loss = |value| Loss {
        mailbox,
        attribute: Name::Borrowed(kept.ldap_name),
        value,
        instead: instead.clone(),
        unsure: unsure.clone(),
    };
    values.into_iter().map(loss).collect()
}

/// Whether the mailbox refers to others where AD does too: then the losses depend on who those are.
#[must_use]
pub fn refers(mailbox: &Mailbox, properties: &[Name], object: Option<&DirectoryObject>) -> bool {
    let Some(object) = object else { return false };
    BUCKET_C.iter().enumerate().any(|(place, kept)| {
        kept.spelling == Spelling::References
            && !object.values.column(column_of(place)).is_empty()
            && !values_of(&mailbox.values, properties, kept.property).is_empty()
    })
}

/// How many SMTP addresses an object has that was read with [`attributes`].
#[must_use]
pub fn smtp_addresses(object: &DirectoryObject) -> usize {
    let place = CONTRACT.iter().position(|attribute| attribute.ldap_name == PROXY_ADDRESSES);
    let held = place.map(|place| held_values(Some(object), place)).unwrap_or_default();
    held.iter().filter(|text| Address::parse(text).is_smtp()).count()
}

/// How many mailboxes lose something of each attribute.
#[must_use]
pub fn by_attribute(losses: &[Loss]) -> Vec<(Name, usize)> {
    let names: BTreeSet<&Name> = losses.iter().map(|loss| &loss.attribute).collect();
    names
        .into_iter()
        .map(|name| {
            let of_one = losses.iter().filter(|loss| loss.attribute == *name);
            let mailboxes: BTreeSet<MailboxId> = of_one.map(|loss| loss.mailbox).collect();
            (name.clone(), mailboxes.len())
        })
        .collect()
}

/// Whether AD has this address, with the same mark of the primary.
fn keeps_address(held: &[Cow<'_, str>], value: &str) -> bool {
    let address = Address::parse(value);
    if !address.is_carried() || (address.is_onmicrosoft() && !address.is_primary()) {
        return true;
    }
    held.iter().any(|other| {
        same(other, value) && Address::parse(other).is_primary() == address.is_primary()
    })
}

fn held_values(object: Option<&DirectoryObject>, index: usize) -> Vec<Cow<'_, str>> {
    let column = object.map(|object| object.values.column(index)).unwrap_or_default();
    column.iter().map(String::from_utf8_lossy).collect()
}

/// The values of a property of a mailbox that was read with these properties.
pub(super) fn values_of<'a>(
    values: &'a Texts,
    properties: &[Name],
    property: &str,
) -> Column<'a, str> {
    let column = properties.iter().position(|name| name == property);
    column.map(|column| values.column(column)).unwrap_or_default()
}
