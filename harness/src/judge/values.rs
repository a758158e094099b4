//! The values of somebody on each of the three sides, as expectations ask for them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sim::directory::forests::AdObject;
use sim::entra;
use sim::entra::Deletion;
use sim::estate::{Estate, Subject};
use sim::exchange::address;
use sim::exchange::{property, truth};
use sim::ledger::ObjectKey;

use super::things::{group_of, in_entra, in_exchange};
use crate::scenario::{AttributePath, Side};

/// The values of an attribute of a person on a side, as the side shows them.
#[must_use]
pub fn values(estate: &Estate, subject: &Subject, path: &AttributePath) -> Vec<String> {
    match path.side {
        Side::Ad => {
            let at = match &path.dc {
                Some(dc) => estate.dc_named(dc).zip(subject.ad).and_then(|(at, ad)| {
                    (at.forest == ad.forest).then(|| AdObject::on(at, ad.number))
                }),
                None => subject.ad,
            };
            at.map_or_else(Vec::new, |ad| estate.ad_texts(ad, &path.attribute))
        }
        Side::Exo | Side::Entra if group_of(estate, subject).is_some() => {
            let group = group_of(estate, subject);
            group.map_or_else(Vec::new, |group| match path.side {
                Side::Exo => in_exchange(group, &path.attribute),
                Side::Ad | Side::Entra => in_entra(estate, group, &path.attribute),
            })
        }
        Side::Exo => exchange_values(estate, subject, &path.attribute),
        Side::Entra => entra_values(estate, subject, &path.attribute),
    }
}

fn exchange_values(estate: &Estate, subject: &Subject, name: &str) -> Vec<String> {
    // Of a mailbox that is soft-deleted `Get-Mailbox` shows nothing.
    let mailbox = subject.exchange.and_then(|number| estate.exchange.mailbox(number));
    let Some(mailbox) = mailbox.filter(|mailbox| mailbox.gone.is_none()) else {
        return Vec::new();
    };
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is("IsExchangeCloudManaged") {
        return vec![truth(mailbox.cloud_managed).to_owned()];
    }
    if is("IsDirSynced") {
        return vec![truth(mailbox.dir_synced).to_owned()];
    }
    if is("RecipientTypeDetails") {
        return vec![mailbox.kind.details().to_owned()];
    }
    if is("ExternalDirectoryObjectId") {
        return vec![mailbox.id.to_string()];
    }
    if is("WhenChangedUTC") {
        return vec![mailbox.when_changed.floor_to_second().to_string()];
    }
    let texts = |number| -> Vec<String> {
        mailbox.record.values(number).map(|v| String::from_utf8_lossy(v).into_owned()).collect()
    };
    if is("PrimarySmtpAddress") {
        let list = texts(property::EMAIL_ADDRESSES);
        return address::primary(list.iter().map(String::as_str))
            .map(str::to_owned)
            .into_iter()
            .collect();
    }
    match property::number(name) {
        Some(number) if property::is_boolean(number) && !mailbox.record.has(number) => {
            vec![truth(false).to_owned()]
        }
        Some(number) => texts(number),
        None => Vec::new(),
    }
}

fn entra_values(estate: &Estate, subject: &Subject, name: &str) -> Vec<String> {
    let Some(user) = subject.entra.and_then(|number| estate.entra.user(number)) else {
        return Vec::new();
    };
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is("id") {
        return vec![user.id.to_string()];
    }
    if is("onPremisesSyncEnabled") {
        return user.sync_enabled.map(|on| truth(on).to_owned()).into_iter().collect();
    }
    if is("onPremisesImmutableId") {
        return user.source_anchor.map(|anchor| STANDARD.encode(anchor.0)).into_iter().collect();
    }
    if is("deletedDateTime") {
        return match user.deletion {
            Some(Deletion::Soft(at)) => vec![at.to_string()],
            Some(Deletion::Hard) | None => Vec::new(),
        };
    }
    if is("onPremisesProvisioningErrors") {
        let own = subject.entra;
        let errors = estate.entra.provisioning_errors.iter();
        return errors.filter(|e| Some(e.user) == own).map(|e| e.value.clone()).collect();
    }
    if is("assignedLicenses") {
        return user.licensed.then(|| "ENTERPRISEPACK".to_owned()).into_iter().collect();
    }
    if is("isCloudManaged") {
        return vec![truth(user.object_cloud_managed).to_owned()];
    }
    if is("accountEnabled") && !user.record.has(entra::property::ACCOUNT_ENABLED) {
        return vec![truth(true).to_owned()];
    }
    let member = name.rsplit('.').next().unwrap_or(name);
    entra::property::number(member).map_or_else(Vec::new, |number| {
        user.record.values(number).map(|v| String::from_utf8_lossy(v).into_owned()).collect()
    })
}

/// Where the ledger keeps an attribute.
pub(super) fn place_of(
    estate: &Estate,
    subject: &Subject,
    path: &AttributePath,
) -> Option<(ObjectKey, u16)> {
    match path.side {
        Side::Ad => {
            let ad = subject.ad?;
            let schema = estate.forests.get(ad.forest)?.schema();
            let attribute = schema.attribute_named(&path.attribute)?.number;
            Some((ObjectKey::ad(ad.forest, ad.number), attribute))
        }
        Side::Exo => {
            let attribute = match path.attribute.to_ascii_lowercase().as_str() {
                "isexchangecloudmanaged" => property::FLAG,
                "recipienttypedetails" => property::RECIPIENT_TYPE_DETAILS,
                "primarysmtpaddress" => property::EMAIL_ADDRESSES,
                _ => property::number(&path.attribute)?,
            };
            Some((ObjectKey::exchange(subject.exchange?), attribute))
        }
        Side::Entra => {
            let member = path.attribute.rsplit('.').next()?;
            Some((ObjectKey::entra(subject.entra?), entra::property::number(member)?))
        }
    }
}
