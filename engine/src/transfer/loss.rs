//! What a rollback takes from the cloud: values that the cloud has and AD has not.
//!
//! Once the flag is false, the next inbound cycle overwrites the cloud's Exchange attributes with
//! those of AD (Microsoft Learn, "Cloud-based management of Exchange attributes for remote
//! mailboxes", reverting). Addresses in `onmicrosoft.com` are no loss: the service adds its own again,
//! and never takes them from AD.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::bucket_c::{BUCKET_C, Kept, Spelling};
use crate::address::{Address, same};
use crate::attributes::{CONTRACT, PROXY_ADDRESSES, RECIPIENT_TYPE_DETAILS, Shape};
use crate::job::RecipientTypeMode;
use crate::ports::{DirectoryObject, Mailbox, MailboxId, Name};
use crate::recipient_type::written_type;
use crate::values::Column;

/// One value that will be lost.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The AD attribute that lacks it.
    pub attribute: Name,
    /// The value in the cloud.
    pub value: String,
    /// What takes its place: AD's values, joined by `; `. Empty when there are none.
    pub instead: String,
}

/// The attributes to read for [`losses`]: the contract, then those of [`BUCKET_C`], each once.
#[must_use]
pub fn attributes() -> Vec<Name> {
    let contract = CONTRACT.iter().map(|attribute| Name::Borrowed(attribute.ldap_name));
    contract.chain(bucket_c_names().into_iter().map(Name::Borrowed)).collect()
}

/// The attributes of [`BUCKET_C`], each once.
fn bucket_c_names() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for kept in &BUCKET_C {
        if !names.contains(&kept.ldap_name) {
            names.push(kept.ldap_name);
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

/// What the mailbox loses when AD's values take the place of its own. `mailbox` was read with
/// [`super::kept_properties`], `object` with [`attributes`]; `None` when there is no AD object.
#[must_use]
pub fn losses(
    mailbox: &Mailbox,
    properties: &[Name],
    object: Option<&DirectoryObject>,
) -> Vec<Loss> {
    let mut losses = Vec::new();
    for (index, attribute) in CONTRACT.iter().enumerate() {
        let held = held_values(object, index);
        let mut lose = |value: &str| {
            losses.push(Loss {
                mailbox: mailbox.id,
                attribute: Name::Borrowed(attribute.ldap_name),
                value: value.to_owned(),
                instead: held.join("; "),
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
        let of_cloud = values_of(mailbox, properties, attribute.property);
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
    for (column, kept) in COLUMNS.iter().zip(&BUCKET_C) {
        losses.extend(loss_of_bucket_c(mailbox, properties, kept, &held_values(object, *column)));
    }
    losses
}

/// What is lost of a property that is not written back. Where AD spells it in another way, it is lost
/// when AD has nothing.
fn loss_of_bucket_c(
    mailbox: &Mailbox,
    properties: &[Name],
    kept: &Kept,
    held: &[Cow<'_, str>],
) -> Option<Loss> {
    let of_cloud = values_of(mailbox, properties, kept.property);
    let in_ad = held.first().map(AsRef::as_ref);
    let (lost, value) = match kept.spelling {
        Spelling::Boolean => {
            let value = is_true(of_cloud.first());
            (value != is_true(in_ad), if value { "True" } else { "False" }.to_owned())
        }
        Spelling::Same | Spelling::Other => {
            let value = of_cloud.iter().collect::<Vec<_>>().join("; ");
            let says_nothing = value.is_empty() || value.eq_ignore_ascii_case("false");
            let differs = kept.spelling == Spelling::Same && in_ad != of_cloud.first();
            (!says_nothing && (held.is_empty() || differs), value)
        }
    };
    let loss = || Loss {
        mailbox: mailbox.id,
        attribute: Name::Borrowed(kept.ldap_name),
        value,
        instead: held.join("; "),
    };
    lost.then(loss)
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

fn values_of<'a>(mailbox: &'a Mailbox, properties: &[Name], property: &str) -> Column<'a, str> {
    let column = properties.iter().position(|name| name == property);
    column.map(|column| mailbox.values.column(column)).unwrap_or_default()
}

fn is_true(value: Option<&str>) -> bool {
    value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
}
