//! At rest a mailbox that AD is the source of says what AD says; and of a synced person, whoever has the authority over
//! Exchange attributes, the cloud says AD's identity attributes.
//!
//! Why: a rollback gives the authority back, and AD's values have to come up with the next cycle of
//! synchronization, whatever the cloud said meanwhile; a mailbox that keeps the cloud's values has two
//! truths, and nobody writes the one over the other any more. Names, department, telephone and the like never change
//! their source with the flag (Exchange Team Blog 2025-08-20; Microsoft Learn, "Cloud-based management of Exchange
//! attributes for remote mailboxes"). A cycle counts that took in all that AD had
//! when it began, and that began after the last reason to bring a value up: an edit in AD, once it is at
//! every domain controller, and a change of the flag. Excused are objects whose export was refused,
//! addresses that are kept aside because somebody else has them, and lists of them that nobody would write.
//! Nobody is compared while a message to Exchange Online is on its way.

use std::collections::BTreeSet;

use sim::clock::VirtualTime;
use sim::directory::schema::known;
use sim::entra::User;
use sim::estate::{Estate, Subject};
use sim::exchange::Mailbox;
use sim::exchange::property::{self, Bucket, Form, PROPERTIES, PropertySpec};
use sim::ledger::{ObjectKey, Synchronized};
use sim::powershell::ParameterKind;
use sim::record::{AttributeNumber, Record};

use super::Charge;
use super::convergence::{Compared, late};
use super::heard::Heard;
use super::mapping::plain_pairs;

/// Most characters of a custom attribute in the cloud, in UTF-16 units.
const LONGEST: usize = 1024;

/// Compares every mailbox under AD's authority with its AD object, as of the last cycle that took in
/// everything.
pub(super) fn compare(estate: &Estate, heard: &Heard, result: &mut Compared) {
    let Some(last) = heard.synchronized.as_ref().filter(|_| !estate.has_messages_on_their_way())
    else {
        return;
    };
    let looker = Looker {
        estate,
        cycle: last,
        refused: last.pending.iter().copied().collect(),
        // Custom attributes of their own kind do not come up.
        pairs: plain_pairs().into_iter().filter(|(property, _)| comes_up(*property)).collect(),
        identity: identity_pairs(),
    };
    for subject in estate.subjects() {
        looker.look_at(subject, result);
    }
    let renamed = heard.renamed().filter_map(|object| estate.whose(object));
    for subject in renamed.filter_map(|person| estate.subjects().get(person as usize)) {
        looker.look_at_identity(subject, result);
    }
}

/// The identity attributes that are one text, the same on both sides, with their attributes of AD. A user principal
/// name comes up by rules of its own.
pub(super) fn identity_pairs() -> Vec<(AttributeNumber, AttributeNumber)> {
    let pair = |(number, spec): (AttributeNumber, &PropertySpec)| {
        let is_plain = spec.bucket == Bucket::Identity
            && spec.form == Form::Same
            && spec.kind == ParameterKind::Text
            && number != property::USER_PRINCIPAL_NAME;
        Some((number, known::number(spec.ad.filter(|_| is_plain)?)?))
    };
    (0..).zip(PROPERTIES).filter_map(pair).collect()
}

/// Microsoft Learn, "Microsoft Entra Connect Sync: Attributes synchronized to Microsoft Entra ID": the 15
/// custom attributes.
fn comes_up(property: AttributeNumber) -> bool {
    property::spec(property).is_some_and(|spec| spec.name.starts_with("CustomAttribute"))
}

struct Looker<'a> {
    estate: &'a Estate,
    cycle: &'a Synchronized,
    refused: BTreeSet<ObjectKey>,
    /// Properties with their attributes of AD.
    pairs: Vec<(AttributeNumber, AttributeNumber)>,
    /// Those that AD is the source of in any case.
    identity: Vec<(AttributeNumber, AttributeNumber)>,
}

/// Somebody who is synchronized.
#[derive(Clone, Copy)]
struct Synced<'e> {
    number: u32,
    mailbox: &'e Mailbox,
    /// The number of the user, and the user.
    person: u32,
    user: &'e User,
    /// The object in AD.
    key: ObjectKey,
    ad: &'e Record,
}

impl Looker<'_> {
    fn look_at(&self, subject: &Subject, result: &mut Compared) {
        let synced = self.synced(subject).filter(|synced| !synced.mailbox.cloud_managed);
        let Some(synced) = synced else { return };
        let Synced { number, mailbox, user, key, ad: record, .. } = synced;
        let says = self.pairs.iter().filter_map(|(property, attribute)| {
            let wanted = record.text(*attribute).map(shortened);
            let said = mailbox.record.text(*property);
            (wanted != said).then(|| (*property, *attribute, shown(wanted), shown(said)))
        });
        let addresses = self.addresses(subject, record, mailbox, user).map(|(wanted, said)| {
            (property::EMAIL_ADDRESSES, known::PROXY_ADDRESSES, wanted, said)
        });
        let object = ObjectKey::exchange(number);
        for (property, attribute, wanted, said) in says.chain(addresses) {
            let flagged = self.last(object, property::FLAG);
            if self.had_its_cycle(key, attribute, flagged) {
                let message =
                    "Exchange Online does not say what AD says, which is the source of it";
                self.charge(object, property, message, (wanted, said), result);
            }
        }
    }

    /// Identity attributes come up whatever the flag says, to the user and to the mailbox.
    fn look_at_identity(&self, subject: &Subject, result: &mut Compared) {
        let Some(synced) = self.synced(subject) else { return };
        let Synced { number, mailbox, person, user, key, ad } = synced;
        for (property, attribute) in &self.identity {
            if !self.had_its_cycle(key, *attribute, None) {
                continue;
            }
            let wanted = ad.text(*attribute);
            let in_entra = (ObjectKey::entra(person), user.record.text(*property));
            let in_entra = sim::entra::property::name(*property).map(|_| in_entra);
            let sides = [(ObjectKey::exchange(number), mailbox.record.text(*property))];
            let sides = sides.into_iter().chain(in_entra);
            for (object, said) in sides.filter(|(_, said)| *said != wanted) {
                let message = "the cloud does not say what AD says of somebody, whatever the flag of the mailbox";
                self.charge(object, *property, message, (shown(wanted), shown(said)), result);
            }
        }
    }

    fn charge(
        &self,
        object: ObjectKey,
        property: AttributeNumber,
        message: &str,
        (wanted, said): (String, String),
        result: &mut Compared,
    ) {
        result.differing += 1;
        result.charges.push(Charge {
            oracle: "convergence",
            at: self.estate.now(),
            object: Some(object),
            person: None,
            attribute: Some(property),
            writer: None,
            message: message.to_owned(),
            expected: Some(wanted),
            actual: Some(said),
        });
    }

    /// Somebody with a mailbox in the cloud and an object in AD that synchronization joined, and whose export was not
    /// refused.
    fn synced(&self, subject: &Subject) -> Option<Synced<'_>> {
        let number = subject.exchange?;
        let mailbox = self.estate.exchange.mailbox(number)?;
        let person = subject.entra?;
        let user = self.estate.entra.user(person)?;
        let is_synced = mailbox.dir_synced
            && mailbox.gone.is_none()
            && user.sync_enabled == Some(true)
            && !user.object_cloud_managed
            && user.deletion.is_none();
        let ad = subject.ad.filter(|_| is_synced)?;
        let slot = self.estate.ad_object(ad)?;
        let key = ObjectKey::ad(ad.forest, ad.number);
        let joined = self.estate.connect.object((ad.forest, ad.number.0));
        let is_refused =
            self.refused.contains(&key) || joined.map(|object| object.user) != subject.entra;
        let ad = &slot.entry.record;
        (!is_refused).then_some(Synced { number, mailbox, person, user, key, ad })
    }

    fn last(&self, object: ObjectKey, attribute: AttributeNumber) -> Option<VirtualTime> {
        self.estate.ledger.last_writer(object, attribute).map(|writer| writer.at)
    }

    /// Whether the last cycle began after all that gave a reason to bring an attribute up, the flag or an edit in AD, and
    /// there was such a reason.
    fn had_its_cycle(
        &self,
        ad: ObjectKey,
        attribute: AttributeNumber,
        flagged: Option<VirtualTime>,
    ) -> bool {
        let edited = self.last(ad, attribute).map(|at| at + late(self.estate));
        edited.max(flagged).is_some_and(|at| at < self.cycle.began)
    }

    /// What is wrong with the addresses of somebody: what they should be like, and what they are.
    fn addresses(
        &self,
        subject: &Subject,
        ad: &Record,
        mailbox: &Mailbox,
        user: &User,
    ) -> Option<(String, String)> {
        let mut errors = self.estate.entra.provisioning_errors.iter();
        if errors.any(|error| Some(error.user) == subject.entra) {
            return None;
        }
        let domains = &self.estate.exchange.verified_domains;
        let is_taken = |value: &String| {
            let domain = value.rsplit_once('@').map_or("", |(_, domain)| domain);
            smtp(value).is_some()
                && domains.iter().any(|known| known.eq_ignore_ascii_case(domain))
                && !is_the_services_own(value)
        };
        let texts = |record: &Record, number| -> Vec<String> {
            record.values(number).map(|v| String::from_utf8_lossy(v).into_owned()).collect()
        };
        let listed = texts(ad, known::PROXY_ADDRESSES);
        let primaries = listed.iter().filter(|value| value.starts_with("SMTP:")).count();
        let odd = |value: &String| smtp(value).is_some_and(|address| !is_plain(address));
        // Without one primary of AD's the cloud makes one up; of what is no plain address nobody says what
        // comes of it.
        if primaries != 1 || listed.iter().any(odd) {
            return None;
        }
        let wanted: Vec<String> = listed.into_iter().filter(is_taken).collect();
        wanted.iter().find(|value| value.starts_with("SMTP:"))?;
        let upn = user.record.text(property::USER_PRINCIPAL_NAME).unwrap_or_default();
        // A user principal name is added as an address, and stays one when another takes its place (Microsoft
        // Learn, "How the proxyAddresses attribute is populated in Microsoft Entra ID").
        let had_others = subject.entra.is_some_and(|user| {
            let user = ObjectKey::entra(user);
            self.estate.ledger.last_writer(user, property::USER_PRINCIPAL_NAME).is_some()
        });
        let said = texts(&mailbox.record, property::EMAIL_ADDRESSES);
        let is_missing = |value: &String| !said.iter().any(|have| is_as(have, value));
        let is_strange = |value: &String| {
            !had_others
                && smtp(value).is_some_and(|address| !address.eq_ignore_ascii_case(upn))
                && !is_the_services_own(value)
                && !wanted.iter().any(|want| is_as(value, want))
        };
        (wanted.iter().any(is_missing) || said.iter().any(is_strange))
            .then(|| (format!("at least {}", super::shown(&wanted)), super::shown(&said)))
    }
}

/// The address of a value that is an address of mail.
fn smtp(value: &str) -> Option<&str> {
    let (kind, address) = value.split_once(':')?;
    kind.eq_ignore_ascii_case("smtp").then_some(address)
}

/// Letters, digits and dots on both sides of one `@`, as nearly every address is.
fn is_plain(address: &str) -> bool {
    let is_usual = |c: char| c.is_ascii_alphanumeric() || ".-_+'".contains(c);
    let is_part = |part: &str| {
        !part.is_empty()
            && part.chars().all(is_usual)
            && !part.starts_with('.')
            && !part.ends_with('.')
            && !part.contains("..")
    };
    address.split_once('@').is_some_and(|(local, domain)| is_part(local) && is_part(domain))
}

/// Whether two values are one address, both the primary or both not.
fn is_as(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) && one.starts_with("SMTP:") == other.starts_with("SMTP:")
}

/// Addresses of the tenant's first domain come from the service and never from AD.
fn is_the_services_own(value: &str) -> bool {
    value.to_ascii_lowercase().ends_with(".onmicrosoft.com")
}

/// What of a value comes up: AD takes more than the cloud does (Microsoft Learn, "Set-Mailbox",
/// CustomAttribute1 to 15).
fn shortened(value: &str) -> &str {
    let mut units = 0;
    let end = value.char_indices().find(|(_, character)| {
        units += character.len_utf16();
        units > LONGEST
    });
    end.and_then(|(end, _)| value.get(..end)).unwrap_or(value)
}

fn shown(value: Option<&str>) -> String {
    super::shown(&value.into_iter().map(str::to_owned).collect::<Vec<_>>())
}
