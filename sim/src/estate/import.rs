//! People out of a real forest's export: AD as it is listed, the cloud side as an initial Connect cycle
//! would bring it up, with what the export of the mailboxes says of them.

use super::{Estate, Subject};
use crate::chance::Chance;
use crate::clock::VirtualTime;
use crate::connect::{ConnectorObject, Outgoing, recipient_type, source_anchor};
use crate::directory::forests::AdObject;
use crate::directory::import::{ImportTarget, Imported, LoadedObject};
use crate::directory::ldif::LdifError;
use crate::directory::ldif_export::ExportedObject;
use crate::directory::schema::known;
use crate::entra::User;
use crate::exchange::address::ProxyAddress;
use crate::exchange::{Changes, ExchangeOnline, RecipientType, property};
use crate::guid::Guid;
use crate::record::{AttributeNumber, Record};

/// A mailbox of Exchange Online as its export lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportedMailbox {
    /// `ExternalDirectoryObjectId`.
    pub id: Option<Guid>,
    /// `IsExchangeCloudManaged`.
    pub cloud_managed: bool,
    /// `RecipientTypeDetails`.
    pub kind: Option<RecipientType>,
    /// The values of the properties that the export has, by number, ascending.
    pub values: Changes,
}

/// An export on its way into an estate.
#[derive(Debug, Default)]
pub struct Import {
    /// Loaded objects with references.
    waiting: Vec<LoadedObject>,
    /// Subjects, by their number.
    first_subject: usize,
    /// What was passed over, for people.
    pub passed_over: PassedOver,
}

/// What of an export is not in the estate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// Objects by class, each with their number.
    pub objects: Vec<(String, usize)>,
    /// Attributes that the schema does not have, each with the number of objects.
    pub attributes: Vec<(String, usize)>,
    /// Attributes whose values were not taken over, each with the number of objects.
    pub values: Vec<(String, usize)>,
    /// Objects that every domain has: they keep what they have.
    pub here: Vec<String>,
    /// References to objects that the export does not list.
    pub references: usize,
    /// Addresses that another recipient had already.
    pub addresses: usize,
}

fn count(list: &mut Vec<(String, usize)>, name: &str) {
    match list.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((_, count)) => *count += 1,
        None => list.push((name.to_owned(), 1)),
    }
}

impl Estate {
    /// Begins an import.
    #[must_use]
    pub fn begin_import(&self) -> Import {
        Import { first_subject: self.subjects().len(), ..Import::default() }
    }

    /// Loads one object of an export; a person gets its cloud side, with `mailbox` when the other export
    /// lists one for it.
    ///
    /// # Errors
    /// [`LdifError`] with the line.
    pub fn import(
        &mut self,
        import: &mut Import,
        exported: &ExportedObject,
        mailbox: Option<&ExportedMailbox>,
        since: VirtualTime,
        chance: &mut Chance,
    ) -> Result<(), LdifError> {
        let home = self.people;
        let target = ImportTarget { dc: home.dc.dc, domain: home.domain, since };
        let wrong = |problem: String| LdifError { line: exported.line, problem };
        let Some(forest) = self.forests.get_mut(home.dc.forest) else { return Ok(()) };
        let loaded = match forest.import(&target, exported, &mut || chance.guid())? {
            Imported::Loaded(loaded) => loaded,
            Imported::Here(dn) => {
                import.passed_over.here.push(dn);
                return Ok(());
            }
            Imported::LeftOut(class) => {
                count(&mut import.passed_over.objects, &class);
                return Ok(());
            }
        };
        for attribute in &loaded.unknown {
            count(&mut import.passed_over.attributes, attribute);
        }
        for attribute in &loaded.left_out {
            count(&mut import.passed_over.values, attribute);
        }
        if exported.is_person() {
            let name = exported.name();
            if self.subject(&name).is_some() {
                return Err(wrong(format!("there are two people called `{name}`")));
            }
            let ad = AdObject::on(home.dc, loaded.object);
            if !self.connect.selects(|| self.ad_dn(ad)) {
                if mailbox.is_some() {
                    return Err(wrong(format!(
                        "`{name}` is in no organizational unit of `connect.ous`, and the other export lists a \
                         synchronized mailbox of it"
                    )));
                }
                let (ad, name) = (Some(ad), name.into());
                self.subjects.add(Subject { name, ad, entra: None, exchange: None });
                return Ok(());
            }
            let taken = self.bring_up_first(&name, ad, mailbox, since, chance);
            import.passed_over.addresses += taken;
        }
        if !loaded.references.is_empty() {
            import.waiting.push(loaded);
        }
        Ok(())
    }

    /// A mailbox of the cloud alone.
    pub fn import_cloud_mailbox(
        &mut self,
        name: &str,
        mailbox: &ExportedMailbox,
        since: VirtualTime,
        chance: &mut Chance,
    ) {
        let id = mailbox.id.unwrap_or_else(|| chance.guid());
        let record = record_of(mailbox.values.clone());
        let entra = self.entra.add(User {
            licensed: matches!(mailbox.kind, None | Some(RecipientType::User)),
            ..User::of_the_cloud(id, entra_record(&record))
        });
        let kind = mailbox.kind.unwrap_or(RecipientType::User);
        let mut recipient = ExchangeOnline::recipient(id, kind, since, record);
        recipient.dir_synced = false;
        let exchange = self.exchange.add(recipient);
        let (entra, exchange) = (Some(entra), Some(exchange));
        self.subjects.add(Subject { name: name.into(), ad: None, entra, exchange });
    }

    /// Ends an import: references find their objects, and Connect has seen everything.
    pub fn end_import(&mut self, import: Import, since: VirtualTime) -> PassedOver {
        let home = self.people;
        let target = ImportTarget { dc: home.dc.dc, domain: home.domain, since };
        let Import { waiting, first_subject, mut passed_over } = import;
        for (_, forest) in self.forests.iter_mut() {
            forest.settle();
        }
        if let Some(forest) = self.forests.get_mut(home.dc.forest) {
            for loaded in &waiting {
                passed_over.references += forest.import_references(&target, loaded);
            }
        }
        for (_, forest) in self.forests.iter_mut() {
            forest.converge(since);
        }
        self.bring_up_references(first_subject, since);
        for connector in &mut self.connect.connectors {
            connector.imported_usn = self.forests.dc(connector.dc).map_or(0, |dc| dc.highest_usn);
        }
        self.connect.imported_at = self.now;
        passed_over
    }

    /// The first export of an object. Answers how many of its addresses others had already.
    fn bring_up_first(
        &mut self,
        name: &str,
        ad: AdObject,
        mailbox: Option<&ExportedMailbox>,
        since: VirtualTime,
        chance: &mut Chance,
    ) -> usize {
        let Some((guid, record)) =
            self.ad_object(ad).map(|slot| (slot.entry.guid, slot.entry.record.clone()))
        else {
            return 0;
        };
        let place = place_of(&record, mailbox);
        let id = mailbox.and_then(|mailbox| mailbox.id).unwrap_or_else(|| chance.guid());
        let (mut values, taken) = self.first_values(name, &record, mailbox, place.is_some());
        let cloud_managed = mailbox.is_some_and(|mailbox| mailbox.cloud_managed)
            && place.is_some_and(RecipientType::is_mailbox);
        if let (Some(mailbox), true) = (mailbox, cloud_managed) {
            for (property, own) in &mailbox.values {
                if is_managed_in_the_cloud(*property) {
                    values.retain(|(known, _)| known != property);
                    values.push((*property, own.clone()));
                }
            }
        }
        let cloud = record_of(values);
        let anchor = source_anchor(&record, guid);
        let entra = self.entra.add(User {
            id,
            sync_enabled: Some(true),
            source_anchor: Some(anchor),
            object_identifier: Some(guid),
            domain: Some((self.people.dc.forest, self.people.domain)),
            object_cloud_managed: false,
            licensed: place == Some(RecipientType::User),
            deletion: None,
            version: 0,
            position: 0,
            record: entra_record(&cloud),
        });
        let exchange = place.map(|kind| {
            let record = super::draft::of_a_recipient(cloud);
            let mut recipient = ExchangeOnline::recipient(id, kind, since, record);
            recipient.cloud_managed = cloud_managed;
            self.exchange.add(recipient)
        });
        if !cloud_managed && place.is_some() {
            self.note_primary_of(ad.forest, entra, &record);
        }
        self.note_unverified(entra, &record);
        self.remember_export(ad, entra);
        let (ad, entra) = (Some(ad), Some(entra));
        self.subjects.add(Subject { name: name.into(), ad, entra, exchange });
        taken
    }

    fn remember_export(&mut self, ad: AdObject, user: u32) {
        let Some(record) = self.ad_object(ad).map(|slot| slot.entry.record.clone()) else { return };
        let Some(flow) = self.flow(ad.forest) else { return };
        let (identity, exchange) = flow.digests(&record);
        let object = ConnectorObject::new(user, identity, exchange);
        self.connect.remember((ad.forest, ad.number.0), object);
    }

    /// The values that come up, without references. Answers also how many addresses were taken.
    fn first_values(
        &self,
        name: &str,
        record: &Record,
        mailbox: Option<&ExportedMailbox>,
        is_recipient: bool,
    ) -> (Changes, usize) {
        let Some(flow) = self.flow(self.people.dc.forest) else { return (Changes::new(), 0) };
        let mut values = flow.identity_values(record);
        let nickname = record.text(known::MAIL_NICKNAME).unwrap_or(name);
        self.verify_name(record, nickname, &mut values);
        if !is_recipient {
            return (values, 0);
        }
        let own = vec![format!("smtp:{nickname}@{}", self.domains.initial)];
        let listed = mailbox
            .and_then(|mailbox| {
                mailbox.values.iter().find(|(p, _)| *p == property::EMAIL_ADDRESSES)
            })
            .map_or(own, |(_, addresses)| addresses.clone());
        let current =
            Record::from_sorted([(property::EMAIL_ADDRESSES, listed.iter().map(String::as_bytes))]);
        values.extend(flow.exchange_values(&Outgoing {
            ad: record,
            cloud: &current,
            domains: &self.exchange.verified_domains,
            upn_adds_proxy: self.profile.is_on("upn_adds_proxy"),
            licensed: true,
            upn_is_primary: true,
        }));
        let mut taken = 0;
        for (_, addresses) in values.iter_mut().filter(|(p, _)| *p == property::EMAIL_ADDRESSES) {
            let before = addresses.len();
            addresses.retain(|value| {
                let parsed = ProxyAddress::parse(value);
                !parsed.is_smtp() || self.exchange.owner(parsed.address).is_none()
            });
            taken += before - addresses.len();
        }
        if !values.iter().any(|(p, own)| *p == property::ALIAS && !own.is_empty()) {
            values.retain(|(p, _)| *p != property::ALIAS);
            values.push((property::ALIAS, vec![nickname.to_owned()]));
        }
        (values, taken)
    }

    fn bring_up_references(&mut self, first_subject: usize, since: VirtualTime) {
        let subjects: Vec<(AdObject, u32, u32)> = self
            .subjects()
            .iter()
            .skip(first_subject)
            .filter_map(|subject| Some((subject.ad?, subject.entra?, subject.exchange?)))
            .collect();
        for (ad, user, mailbox) in subjects {
            let Some(flow) = self.flow(ad.forest) else { continue };
            let Some(record) = self.ad_object(ad).map(|slot| slot.entry.record.clone()) else {
                continue;
            };
            let is_managed = self.exchange.mailbox(mailbox).is_some_and(|m| m.cloud_managed);
            let mut references = flow.identity_references(&record);
            if !is_managed {
                references.extend(flow.exchange_references(&record));
            }
            references.retain(|(_, objects)| !objects.is_empty());
            if !references.is_empty() {
                let mut values = self.named(ad.forest, references);
                values.sort_by_key(|(property, _)| *property);
                self.exchange.apply(mailbox, since, &values);
            }
            self.remember_export(ad, user);
        }
    }
}

/// What Exchange Online has for an AD object: the type of its mailbox, a mail user for a mailbox on the
/// last Exchange server, nothing for somebody without mail.
fn place_of(record: &Record, mailbox: Option<&ExportedMailbox>) -> Option<RecipientType> {
    if let Some(kind) = mailbox.and_then(|mailbox| mailbox.kind) {
        return Some(kind);
    }
    recipient_type(record).or_else(|| mailbox.map(|_| RecipientType::User))
}

fn is_managed_in_the_cloud(number: AttributeNumber) -> bool {
    property::spec(number).is_some_and(|spec| spec.bucket != property::Bucket::Identity)
}

fn record_of(mut values: Changes) -> Record {
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
