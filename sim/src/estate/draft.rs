//! People as what each side will keep of them, before they have a place there.
//!
//! A draft needs nothing of the estate but what does not change while people are settled, so a caller
//! may draw drafts beside the settling of earlier ones.

use std::borrow::Cow;
use std::sync::Arc;

use super::build::BuildError;
use super::{Estate, TenantDomains};
use crate::chance::Chance;
use crate::connect::{Flow, Outgoing};
use crate::directory::entry::ClassNumber;
use crate::directory::name::Sid;
use crate::directory::schema::Schema;
use crate::entra::property as own;
use crate::exchange::RecipientType;
use crate::exchange::address::ProxyAddress;
use crate::exchange::property;
use crate::guid::Guid;
use crate::population::{Person, Place};
use crate::record::{AttributeNumber, Record};

/// What the sides will keep of one person.
#[derive(Debug)]
pub struct Draft {
    /// How steps call the person.
    pub(super) name: Box<str>,
    /// The object in AD, of a person that comes from there.
    pub(super) ad: Option<AdDraft>,
    /// The `id` of the user.
    pub(super) id: Guid,
    /// Values of the user.
    pub(super) user: Record,
    /// The recipient's type and values, of a person with a mailbox on either side.
    pub(super) recipient: Option<(RecipientType, Record)>,
    /// Whether the user has a licence with a mailbox.
    pub(super) licensed: bool,
    /// Whether the primary address is calculated, because nobody says one.
    pub(super) derived_primary: bool,
    /// `IsExchangeCloudManaged`.
    pub(super) cloud_managed: bool,
    /// The user principal name of AD, where it is in no verified domain.
    pub(super) unverified: Option<Box<str>>,
}

/// A user object of AD.
#[derive(Debug)]
pub(super) struct AdDraft {
    pub(super) class: ClassNumber,
    pub(super) guid: Guid,
    pub(super) record: Record,
    /// The organizational units above it; none is the people's own.
    pub(super) units: Vec<String>,
    /// Digests of what Connect has brought up: identity, then Exchange.
    pub(super) digests: (u64, u64),
}

/// What tells one person from all others.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    /// `objectGUID`.
    ad: Guid,
    /// The `id` of the user.
    id: Guid,
    /// The last part of the SID.
    rid: u32,
}

/// What drafts are made with. Drafts are settled in the order in which they were made.
#[derive(Debug)]
pub struct Drafting {
    flow: Flow,
    schema: Arc<Schema>,
    numbers: UserNumbers,
    domain_sid: Sid,
    first_rid: u32,
    tenant: TenantDomains,
    verified_domains: Vec<String>,
    upn_adds_proxy: bool,
}

impl Estate {
    /// Drafts of people who are to be settled next. `None` when the estate has no domain for them.
    #[must_use]
    pub fn drafting(&self) -> Option<Drafting> {
        let home = self.people;
        let forest = self.forests.get(home.dc.forest)?;
        let settled = u32::try_from(self.subjects().len()).unwrap_or(0);
        Some(Drafting {
            flow: self.flow(home.dc.forest)?.clone(),
            schema: Arc::clone(forest.schema()),
            numbers: UserNumbers::new(forest.schema()),
            domain_sid: forest.domain(home.domain)?.sid.clone(),
            first_rid: FIRST_RID + settled,
            tenant: self.domains.clone(),
            verified_domains: self.exchange.verified_domains.clone(),
            upn_adds_proxy: self.profile.is_on("upn_adds_proxy"),
        })
    }
}

impl Drafting {
    /// The identity of the `place`-th person (from 0) that is settled with these drafts; drawn in that
    /// order.
    #[must_use]
    pub fn identity(&self, place: u32, chance: &mut Chance) -> Identity {
        Identity { ad: chance.guid(), id: chance.guid(), rid: self.first_rid + place }
    }

    /// Whether the forest's schema has an attribute.
    #[must_use]
    pub fn has_attribute(&self, name: &str) -> bool {
        self.schema.attribute_named(name).is_some()
    }

    /// The draft of a person, as if it had been there for long: each side agrees with the others.
    ///
    /// # Errors
    /// `UnknownAttribute`.
    pub fn draft(&self, person: &Person, identity: Identity) -> Result<Draft, BuildError> {
        let Identity { ad: ad_guid, id, rid } = identity;
        let mut ad = None;
        let mut cloud = self.cloud_only_record(person);
        let mut derived_primary = !person.addresses.iter().any(|value| value.starts_with("SMTP:"));
        if person.dir_synced {
            let record = self.ad_record(person, ad_guid, rid)?;
            cloud = self.synced_record(person, &record);
            derived_primary = says_its_addresses(person)
                && self.flow.has_derived_primary(&self.outgoing(&record, &Record::default()));
            let digests = self.flow.digests(&record);
            let units = person.units.clone();
            let class = self.numbers.user_class;
            ad = Some(AdDraft { class, guid: ad_guid, record, units, digests });
        }
        for (property, values) in &person.cloud {
            derived_primary &= *property != property::EMAIL_ADDRESSES;
            let values: Vec<&[u8]> = values.iter().map(String::as_bytes).collect();
            cloud = cloud.with(&[(*property, values.as_slice())]);
        }
        let mut user = entra_record(&cloud);
        let recipient = match person.mailbox {
            Place::OnPremises => Some((RecipientType::MailUser, of_a_recipient(cloud))),
            Place::Cloud => Some((person.kind, of_a_recipient(cloud))),
            Place::None => None,
        };
        let has_mailbox = recipient.as_ref().is_some_and(|(kind, _)| *kind == RecipientType::User);
        let licensed = person.licensed.unwrap_or(has_mailbox);
        if licensed && user.text(own::USAGE_LOCATION).is_none() {
            // Nobody gets a licence without one.
            user = user.with(&[(own::USAGE_LOCATION, &[USUAL_LOCATION])]);
        }
        Ok(Draft {
            name: person.name.as_str().into(),
            ad,
            id,
            user,
            recipient,
            licensed,
            derived_primary: derived_primary && person.mailbox != Place::None,
            cloud_managed: person.cloud_managed && person.dir_synced,
            unverified: (person.dir_synced && !self.is_verified(&person.user_principal_name))
                .then(|| person.user_principal_name.as_str().into()),
        })
    }

    /// The AD object's values: the defaults, then what the person's own attributes say.
    fn ad_record(&self, person: &Person, guid: Guid, rid: u32) -> Result<Record, BuildError> {
        let numbers = &self.numbers;
        let sid = self.domain_sid.with_rid(rid);
        let disabled = person.kind != RecipientType::User;
        let mut values = Values::default();
        values.put(numbers.cn, &person.name);
        values.put(numbers.sam_account_name, &person.name);
        values.put(numbers.user_principal_name, &person.user_principal_name);
        values.put(numbers.display_name, &person.display_name);
        values.put(numbers.given_name, &person.given_name);
        values.put(numbers.surname, &person.surname);
        values.put(numbers.department, &person.department);
        values.put(numbers.title, &person.title);
        values.put(numbers.user_account_control, if disabled { "514" } else { "512" });
        if person.mailbox != Place::None {
            self.put_mail_values(person, &mut values);
        }
        values.put_bytes(numbers.consistency_guid, &guid.0);
        values.put_bytes(numbers.object_sid, sid.as_bytes());
        for (name, own) in &person.attributes {
            let number = self.schema.attribute_named(name).map(|attribute| attribute.number);
            let number = number.ok_or_else(|| BuildError::UnknownAttribute {
                person: person.name.clone(),
                attribute: name.clone(),
            })?;
            values.replace(number, own);
        }
        Ok(values.into_record())
    }

    fn put_mail_values<'v>(&'v self, person: &'v Person, values: &mut Values<'v>) {
        let numbers = &self.numbers;
        let addresses = self.addresses(person);
        let primary = crate::exchange::address::primary(addresses.iter().map(String::as_str));
        if let Some(primary) = primary {
            values.put_text(numbers.mail, primary.to_owned());
        }
        for address in addresses {
            values.put_text(numbers.proxy_addresses, address);
        }
        let (details, display, remote) = match person.mailbox {
            Place::OnPremises => RecipientType::MailUser.remote_numbers(),
            Place::Cloud | Place::None => person.kind.remote_numbers(),
        };
        values.put(numbers.mail_nickname, &person.name);
        values.put(numbers.recipient_type_details, details);
        values.put(numbers.recipient_display_type, display);
        if person.mailbox == Place::Cloud {
            let label = self.tenant.initial.split('.').next().unwrap_or_default();
            let remote_address = format!("SMTP:{}@{label}.mail.onmicrosoft.com", person.name);
            values.put(numbers.remote_recipient_type, remote);
            values.put_text(numbers.target_address, remote_address);
        }
    }

    /// The primary address, the service's own, and what the person has beyond them.
    fn addresses(&self, person: &Person) -> Vec<String> {
        let mut list: Vec<String> = person.addresses.clone();
        let has_primary = list.iter().any(|value| value.starts_with("SMTP:"));
        let upn = &person.user_principal_name;
        list.push(if has_primary { format!("smtp:{upn}") } else { format!("SMTP:{upn}") });
        list.push(format!("smtp:{}@{}", person.name, self.tenant.initial));
        crate::exchange::address::normalized(list)
    }

    /// Whether users may have this name.
    fn is_verified(&self, upn: &str) -> bool {
        let domain = upn.split_once('@').map_or("", |(_, domain)| domain);
        let own = [&self.tenant.verified, &self.tenant.initial];
        let mut all = own.into_iter().chain(&self.verified_domains);
        all.any(|known| known.eq_ignore_ascii_case(domain))
    }

    /// What Connect has brought up for this AD object. In the place of a user principal name in no verified domain the
    /// directory has the service's own address.
    fn synced_record(&self, person: &Person, ad: &Record) -> Record {
        let mut values = self.flow.identity_values(ad);
        let name = values.iter_mut().find(|(number, _)| *number == property::USER_PRINCIPAL_NAME);
        if let Some(upn) = name.and_then(|(_, texts)| texts.first_mut())
            && !self.is_verified(upn)
        {
            *upn = format!("{}@{}", person.name, self.tenant.initial);
        }
        if person.mailbox != Place::None {
            let own = format!("smtp:{}@{}", person.name, self.tenant.initial);
            // Routing addresses do not come up; who was moved to the cloud has them from the move.
            let listed = self.numbers.proxy_addresses.map(|number| ad.values(number));
            let listed = listed.into_iter().flatten();
            let listed = listed.filter_map(|value| core::str::from_utf8(value).ok());
            let routing = listed
                .filter(|value| self.is_of_the_tenant(value) && !value.eq_ignore_ascii_case(&own));
            let addresses = core::iter::once(own.as_str()).chain(routing).map(str::as_bytes);
            let current = Record::from_sorted([(property::EMAIL_ADDRESSES, addresses)]);
            values.extend(self.flow.exchange_values(&self.outgoing(ad, &current)));
        }
        record_of(values)
    }

    fn outgoing<'a>(&'a self, ad: &'a Record, cloud: &'a Record) -> Outgoing<'a> {
        Outgoing {
            ad,
            cloud,
            domains: &self.verified_domains,
            upn_adds_proxy: self.upn_adds_proxy,
            licensed: true,
            upn_is_primary: true,
        }
    }

    /// Whether a value is an address under a domain that the service gave the tenant:
    /// `contoso.onmicrosoft.com`, `contoso.mail.onmicrosoft.com`.
    fn is_of_the_tenant(&self, value: &str) -> bool {
        let parsed = ProxyAddress::parse(value);
        let tenant = |domain: &str| domain.split('.').next().map(str::to_ascii_lowercase);
        parsed.is_smtp()
            && parsed.is_reserved()
            && parsed.domain().and_then(tenant) == tenant(&self.tenant.initial)
    }

    fn cloud_only_record(&self, person: &Person) -> Record {
        if person.dir_synced {
            return Record::default();
        }
        let addresses = self.addresses(person);
        let primary = crate::exchange::address::primary(addresses.iter().map(String::as_str))
            .unwrap_or_default()
            .to_owned();
        record_of(vec![
            (property::USER_PRINCIPAL_NAME, vec![person.user_principal_name.clone()]),
            (property::DISPLAY_NAME, vec![person.display_name.clone()]),
            (property::ALIAS, vec![person.name.clone()]),
            (property::EMAIL_ADDRESSES, addresses),
            (property::WINDOWS_EMAIL_ADDRESS, vec![primary]),
        ])
    }
}

/// Whether a person has other addresses in AD than everybody else, among which the primary is.
fn says_its_addresses(person: &Person) -> bool {
    let is_of_them =
        |name: &str| ["proxyAddresses", "mail"].iter().any(|at| at.eq_ignore_ascii_case(name));
    !person.addresses.is_empty() || person.attributes.iter().any(|(name, _)| is_of_them(name))
}

/// Where a tenant of nobody in particular uses its licences.
const USUAL_LOCATION: &[u8] = b"US";

/// Values of an object as they are collected, those of one attribute in their order.
#[derive(Default)]
struct Values<'v>(Vec<(AttributeNumber, Cow<'v, [u8]>)>);

impl<'v> Values<'v> {
    /// One more value, unless it is empty or the schema does not have the attribute.
    fn put(&mut self, number: Option<AttributeNumber>, value: &'v str) {
        self.put_bytes(number, value.as_bytes());
    }

    fn put_bytes(&mut self, number: Option<AttributeNumber>, value: &'v [u8]) {
        if let Some(number) = number.filter(|_| !value.is_empty()) {
            self.0.push((number, Cow::Borrowed(value)));
        }
    }

    fn put_text(&mut self, number: Option<AttributeNumber>, value: String) {
        if let Some(number) = number {
            self.0.push((number, Cow::Owned(value.into_bytes())));
        }
    }

    fn replace(&mut self, number: AttributeNumber, values: &'v [String]) {
        self.0.retain(|(have, _)| *have != number);
        self.0.extend(values.iter().map(|value| (number, Cow::Borrowed(value.as_bytes()))));
    }

    fn into_record(mut self) -> Record {
        self.0.sort_by_key(|(number, _)| *number);
        Record::from_sorted(
            self.0
                .chunk_by(|(one, _), (next, _)| one == next)
                .map(|values| (values[0].0, values.iter().map(|(_, value)| value.as_ref()))),
        )
    }
}

/// Accounts of people start here; those below belong to the system ([MS-ADTS] 3.1.1.5.2.6).
const FIRST_RID: u32 = 2_000;

fn record_of(mut values: Vec<(AttributeNumber, Vec<String>)>) -> Record {
    values.retain(|(_, values)| !values.is_empty());
    values.sort_by_key(|(number, _)| *number);
    Record::from_sorted(
        values.iter().map(|(number, values)| (*number, values.iter().map(String::as_bytes))),
    )
}

fn entra_record(cloud: &Record) -> Record {
    Record::from_sorted(
        cloud.attributes().filter(|(n, _)| crate::entra::property::name(*n).is_some()),
    )
}

/// The values without those that the directory has alone.
pub(super) fn of_a_recipient(cloud: Record) -> Record {
    let own = [own::ACCOUNT_ENABLED, own::USAGE_LOCATION];
    if !own.iter().any(|number| cloud.has(*number)) {
        return cloud;
    }
    let none: &[&[u8]] = &[];
    cloud.with(&own.map(|number| (number, none)))
}

/// Attribute numbers that every user needs; `None` where the schema does not have the attribute.
#[derive(Debug)]
struct UserNumbers {
    user_class: ClassNumber,
    object_sid: Option<AttributeNumber>,
    cn: Option<AttributeNumber>,
    sam_account_name: Option<AttributeNumber>,
    user_principal_name: Option<AttributeNumber>,
    display_name: Option<AttributeNumber>,
    given_name: Option<AttributeNumber>,
    surname: Option<AttributeNumber>,
    department: Option<AttributeNumber>,
    title: Option<AttributeNumber>,
    user_account_control: Option<AttributeNumber>,
    mail: Option<AttributeNumber>,
    mail_nickname: Option<AttributeNumber>,
    proxy_addresses: Option<AttributeNumber>,
    target_address: Option<AttributeNumber>,
    recipient_type_details: Option<AttributeNumber>,
    recipient_display_type: Option<AttributeNumber>,
    remote_recipient_type: Option<AttributeNumber>,
    consistency_guid: Option<AttributeNumber>,
}

impl UserNumbers {
    fn new(schema: &Schema) -> Self {
        let number = |name: &str| schema.attribute_named(name).map(|a| a.number);
        Self {
            user_class: schema.class_named("user").map_or(0, |class| class.number),
            object_sid: number("objectSid"),
            cn: number("cn"),
            sam_account_name: number("sAMAccountName"),
            user_principal_name: number("userPrincipalName"),
            display_name: number("displayName"),
            given_name: number("givenName"),
            surname: number("sn"),
            department: number("department"),
            title: number("title"),
            user_account_control: number("userAccountControl"),
            mail: number("mail"),
            mail_nickname: number("mailNickname"),
            proxy_addresses: number("proxyAddresses"),
            target_address: number("targetAddress"),
            recipient_type_details: number("msExchRecipientTypeDetails"),
            recipient_display_type: number("msExchRecipientDisplayType"),
            remote_recipient_type: number("msExchRemoteRecipientType"),
            consistency_guid: number("mS-DS-ConsistencyGuid"),
        }
    }
}
