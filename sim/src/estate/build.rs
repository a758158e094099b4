//! Making an estate: the parts from a plan, then the people on all three sides, already consistent.

use core::time::Duration;

use super::accounts::ServiceAccounts;
use super::{Due, Estate, Subject, TenantDomains};
use crate::agents::Agent;
use crate::chance::Chance;
use crate::clock::{Calendar, VirtualTime};
use crate::connect::{ConnectSync, ConnectorObject, Flow, Outgoing};
use crate::directory::entry::{ClassNumber, DcNumber};
use crate::directory::forest::{DcSpec, DomainNumber, DomainSpec, Forest};
use crate::directory::forests::{AdObject, DcKey, ForestNumber, Forests};
use crate::directory::name::Sid;
use crate::directory::principal::Principal;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::Schema;
use crate::entra::job::WritebackJob;
use crate::entra::{Entra, User};
use crate::exchange::property;
use crate::exchange::{ExchangeOnline, RecipientType};
use crate::guid::Guid;
use crate::ledger::{Activity, Ledger};
use crate::population::{Person, Place};
use crate::profile::Profile;
use crate::record::{AttributeNumber, Record};

/// What an estate is made of.
#[derive(Debug, Clone)]
pub struct EstatePlan {
    /// The behaviour.
    pub profile: Profile,
    /// Determines all chance.
    pub seed: u64,
    /// The first instant.
    pub start: VirtualTime,
    /// DNS names of the AD domains, the forest's root first.
    pub ad_domains: Vec<String>,
    /// The domain controllers.
    pub dcs: Vec<DcPlan>,
    /// Whether the schema has the Exchange extension.
    pub exchange_schema: bool,
    /// The tenant's domains.
    pub tenant: TenantDomains,
    /// Connect Sync's build.
    pub connect_build: String,
    /// The interval of its cycles.
    pub connect_interval: Duration,
    /// The agents.
    pub agents: Vec<AgentPlan>,
    /// The writeback job, when there is one.
    pub writeback: Option<WritebackPlan>,
}

/// A domain controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DcPlan {
    /// Its name.
    pub name: String,
    /// The number of its domain.
    pub domain: usize,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentPlan {
    /// Its machine name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The name of its domain controller.
    pub dc: String,
}

/// The writeback job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WritebackPlan {
    /// When its configuration was created.
    pub created_on: VirtualTime,
    /// The interval of its cycles.
    pub interval: Duration,
}

/// Why an estate cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// An agent names a domain controller that does not exist.
    #[error("agent `{agent}` talks to domain controller `{dc}`, which does not exist")]
    UnknownDc {
        /// The agent.
        agent: String,
        /// The domain controller.
        dc: String,
    },
    /// The schema does not have an attribute.
    #[error("`{person}` has the attribute `{attribute}`, which the schema does not have")]
    UnknownAttribute {
        /// Who.
        person: String,
        /// The attribute.
        attribute: String,
    },
}

impl Estate {
    /// An estate without people.
    ///
    /// # Errors
    /// `UnknownDc`.
    pub fn new(plan: EstatePlan) -> Result<Self, BuildError> {
        let mut chance = Chance::stream(plan.seed, "estate");
        let Layout { mut forest, people } = build_forest(&plan, &mut chance);
        let accounts =
            vec![ServiceAccounts::create(people.dc.forest, &mut forest, plan.start, &mut chance)];
        let forests = Forests::new(forest);
        let mut agents = Vec::with_capacity(plan.agents.len());
        for agent in &plan.agents {
            agents.push(build_agent(agent, &accounts, &forests, &mut chance)?);
        }
        let initial_label = plan.tenant.initial.split('.').next().unwrap_or("tenant");
        let exchange = ExchangeOnline::new(vec![
            plan.tenant.verified.clone(),
            plan.tenant.initial.clone(),
            format!("{initial_label}.mail.onmicrosoft.com"),
        ]);
        let mut entra = Entra::new(chance.guid());
        let [principal, instance, rule] = [chance.guid(), chance.guid(), chance.guid()];
        entra.job = plan.writeback.as_ref().map(|job| {
            WritebackJob::new(
                entra.tenant,
                (principal, instance, rule),
                plan.ad_domains.first().cloned().unwrap_or_default(),
                job.created_on,
                job.interval,
            )
        });
        let flows = forests.iter().map(|(_, forest)| Flow::new(forest.schema())).collect();
        let imports_from: Vec<DcKey> = forests.domains().map(|(_, at)| at).collect();
        let mut estate = Self {
            profile: plan.profile,
            forests,
            entra,
            exchange,
            connect: ConnectSync::new(&plan.connect_build, plan.connect_interval, imports_from),
            agents,
            faults: crate::fault::Faults::default(),
            ledger: Ledger::default(),
            domains: plan.tenant,
            engine_activity: Activity::Writeback,
            charges: true,
            now: plan.start,
            calendar: Calendar::<Due>::default(),
            flows,
            people,
            accounts,
            subjects: super::truth::Subjects::default(),
            new_objects: Chance::stream(plan.seed, "new objects"),
        };
        estate.schedule_connect(plan.start + plan.connect_interval);
        Ok(estate)
    }

    /// Settles people: each gets what it has on the three sides, as if it had been there for long.
    /// Everybody changed last at `since`.
    ///
    /// # Errors
    /// [`BuildError`] at the first person that does not fit.
    pub fn settle(
        &mut self,
        people: impl IntoIterator<Item = Person>,
        since: VirtualTime,
        chance: &mut Chance,
    ) -> Result<(), BuildError> {
        let Some(forest) = self.forests.get(self.people.dc.forest) else { return Ok(()) };
        let numbers = UserNumbers::new(forest);
        for person in people {
            self.settle_one(&person, &numbers, since, chance)?;
        }
        for (_, forest) in self.forests.iter_mut() {
            forest.settle();
        }
        for connector in &mut self.connect.connectors {
            connector.imported_usn = self.forests.dc(connector.dc).map_or(0, |dc| dc.highest_usn);
        }
        Ok(())
    }

    /// Room for this many more people.
    pub fn reserve(&mut self, people: usize) {
        if let Some(forest) = self.forests.get_mut(self.people.dc.forest) {
            forest.reserve(self.people.domain, people);
        }
        self.entra.reserve(people);
        self.exchange.reserve(people);
        self.subjects.reserve(people);
    }

    fn settle_one(
        &mut self,
        person: &Person,
        numbers: &UserNumbers,
        since: VirtualTime,
        chance: &mut Chance,
    ) -> Result<(), BuildError> {
        let (ad_guid, id) = (chance.guid(), chance.guid());
        let mut ad = None;
        let mut cloud = self.cloud_only_record(person);
        let mut digests = (0, 0);
        if person.dir_synced {
            let record = self.ad_record(person, numbers, ad_guid)?;
            cloud = self.synced_record(person, &record);
            let home = self.people;
            digests = self.flow(home.dc.forest).map_or((0, 0), |flow| flow.digests(&record));
            ad = self.forests.get_mut(home.dc.forest).map(|forest| {
                let class = numbers.user_class;
                let number =
                    forest.load(home.domain, home.container, class, ad_guid, record, since);
                AdObject::on(home.dc, number)
            });
        }
        for (property, values) in &person.cloud {
            let values: Vec<&[u8]> = values.iter().map(String::as_bytes).collect();
            cloud = cloud.with(&[(*property, values.as_slice())]);
        }
        let entra = self.entra.add(User {
            id,
            sync_enabled: person.dir_synced.then_some(true),
            source_anchor: person.dir_synced.then_some(ad_guid),
            object_identifier: person.dir_synced.then_some(ad_guid),
            domain: person.dir_synced.then_some((self.people.dc.forest, self.people.domain)),
            object_cloud_managed: false,
            version: 0,
            record: entra_record(&cloud),
        });
        let exchange = (person.mailbox != Place::None).then(|| {
            let kind = match person.mailbox {
                Place::OnPremises => RecipientType::MailUser,
                Place::Cloud | Place::None => person.kind,
            };
            let mut recipient = ExchangeOnline::recipient(id, kind, since, cloud);
            recipient.dir_synced = person.dir_synced;
            recipient.cloud_managed = person.cloud_managed && person.dir_synced;
            self.exchange.add(recipient)
        });
        if let Some(ad) = ad {
            self.connect.remember(
                (ad.forest, ad.number.0),
                ConnectorObject {
                    user: entra,
                    identity: digests.0,
                    exchange: digests.1,
                    cloud_managed: person.cloud_managed,
                    full: false,
                },
            );
        }
        self.subjects.add(Subject {
            name: person.name.as_str().into(),
            ad,
            entra: Some(entra),
            exchange,
        });
        Ok(())
    }

    /// The AD object's values: the defaults, then what the person's own attributes say.
    fn ad_record(
        &self,
        person: &Person,
        numbers: &UserNumbers,
        guid: Guid,
    ) -> Result<Record, BuildError> {
        let mut values: Vec<(AttributeNumber, Vec<Vec<u8>>)> = Vec::with_capacity(24);
        let mut put = |number: Option<AttributeNumber>, value: &str| {
            if let (Some(number), false) = (number, value.is_empty()) {
                values.push((number, vec![value.as_bytes().to_vec()]));
            }
        };
        put(numbers.cn, &person.name);
        put(numbers.sam_account_name, &person.name);
        put(numbers.user_principal_name, &person.user_principal_name);
        put(numbers.display_name, &person.display_name);
        put(numbers.given_name, &person.given_name);
        put(numbers.surname, &person.surname);
        put(numbers.department, &person.department);
        put(numbers.title, &person.title);
        let disabled = person.kind != RecipientType::User;
        put(numbers.user_account_control, if disabled { "514" } else { "512" });
        if person.mailbox != Place::None {
            self.put_mail_values(person, numbers, &mut values);
        }
        if let Some(number) = numbers.consistency_guid {
            values.push((number, vec![guid.0.to_vec()]));
        }
        if let (Some(number), Some(domain)) =
            (numbers.object_sid, self.forests.domain((self.people.dc.forest, self.people.domain)))
        {
            let rid = FIRST_RID + u32::try_from(self.subjects().len()).unwrap_or(0);
            values.push((number, vec![domain.sid.with_rid(rid).as_bytes().to_vec()]));
        }
        for (name, own) in &person.attributes {
            let schema = self.forests.get(self.people.dc.forest).map(Forest::schema);
            let number = schema
                .and_then(|schema| schema.attribute_named(name))
                .map(|attribute| attribute.number)
                .ok_or_else(|| BuildError::UnknownAttribute {
                    person: person.name.clone(),
                    attribute: name.clone(),
                })?;
            values.retain(|(have, _)| *have != number);
            values.push((number, own.iter().map(|value| value.as_bytes().to_vec()).collect()));
        }
        values.sort_by_key(|(number, _)| *number);
        Ok(Record::from_sorted(
            values.iter().map(|(number, values)| (*number, values.iter().map(Vec::as_slice))),
        ))
    }

    fn put_mail_values(
        &self,
        person: &Person,
        numbers: &UserNumbers,
        values: &mut Vec<(AttributeNumber, Vec<Vec<u8>>)>,
    ) {
        let addresses = self.addresses(person);
        let primary = crate::exchange::address::primary(addresses.iter().map(String::as_str))
            .unwrap_or_default()
            .to_owned();
        let mut put = |number: Option<AttributeNumber>, new: Vec<String>| {
            if let Some(number) = number {
                values.push((number, new.into_iter().map(String::into_bytes).collect()));
            }
        };
        let (details, display, remote) = match person.mailbox {
            Place::OnPremises => RecipientType::MailUser.remote_numbers(),
            Place::Cloud | Place::None => person.kind.remote_numbers(),
        };
        let initial = &self.domains.initial;
        let label = initial.split('.').next().unwrap_or_default();
        put(numbers.mail, vec![primary]);
        put(numbers.mail_nickname, vec![person.name.clone()]);
        put(numbers.recipient_type_details, vec![details.to_owned()]);
        put(numbers.recipient_display_type, vec![display.to_owned()]);
        if person.mailbox == Place::Cloud {
            put(numbers.remote_recipient_type, vec![remote.to_owned()]);
            put(
                numbers.target_address,
                vec![format!("SMTP:{}@{label}.mail.onmicrosoft.com", person.name)],
            );
        }
        put(numbers.proxy_addresses, addresses);
    }

    /// The primary address, the service's own, and what the person has beyond them.
    fn addresses(&self, person: &Person) -> Vec<String> {
        let mut list: Vec<String> = person.addresses.clone();
        let has_primary = list.iter().any(|value| value.starts_with("SMTP:"));
        let upn = &person.user_principal_name;
        list.push(if has_primary { format!("smtp:{upn}") } else { format!("SMTP:{upn}") });
        list.push(format!("smtp:{}@{}", person.name, self.domains.initial));
        crate::exchange::address::normalized(list)
    }

    /// What Connect has brought up for this AD object.
    fn synced_record(&self, person: &Person, ad: &Record) -> Record {
        let Some(flow) = self.flow(self.people.dc.forest) else { return Record::default() };
        let mut values = flow.identity_values(ad);
        if person.mailbox != Place::None {
            let own = format!("smtp:{}@{}", person.name, self.domains.initial);
            let current = Record::from_sorted([(property::EMAIL_ADDRESSES, [own.as_bytes()])]);
            values.extend(flow.exchange_values(&Outgoing {
                ad,
                cloud: &current,
                domains: &self.exchange.accepted_domains,
                upn_adds_proxy: self.profile.is_on("upn_adds_proxy"),
            }));
        }
        record_of(values)
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

/// Accounts of people start here; those below belong to the system ([MS-ADTS] 3.1.1.5.2.6).
const FIRST_RID: u32 = 2_000;

fn record_of(mut values: Vec<(AttributeNumber, Vec<String>)>) -> Record {
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

/// The domains with their domain controllers, and where people are.
struct Layout {
    forest: Forest,
    people: PeopleHome,
}

/// Where people are settled.
#[derive(Debug, Clone, Copy)]
pub(super) struct PeopleHome {
    /// The first domain controller of their domain.
    dc: DcKey,
    domain: DomainNumber,
    /// Their organizational unit.
    container: ObjectNumber,
}

fn build_forest(plan: &EstatePlan, chance: &mut Chance) -> Layout {
    let schema = if plan.exchange_schema { Schema::base().with_exchange() } else { Schema::base() };
    let first_of = |domain: usize| {
        plan.dcs
            .iter()
            .find(|dc| dc.domain == domain)
            .map_or_else(|| format!("DC{}", domain + 1), |dc| dc.name.clone())
    };
    let now = plan.start;
    let root = domain_spec(plan, 0, chance);
    let dc = dc_spec(&first_of(0), chance);
    let mut forest = Forest::new(schema, &root, dc, now, &mut || chance.guid());
    for domain in 1..plan.ad_domains.len() {
        let spec = domain_spec(plan, domain, chance);
        let dc = dc_spec(&first_of(domain), chance);
        forest.add_domain(&spec, dc, now, &mut || chance.guid());
    }
    let root = DomainNumber(0);
    let head = forest.domain(root).map_or(ObjectNumber(0), |domain| domain.head);
    let container =
        forest.load_container(root, head, "organizationalUnit", "People", chance.guid(), now);
    for (domain, number) in (0..plan.ad_domains.len()).zip(0..) {
        for dc in plan.dcs.iter().filter(|dc| dc.domain == domain).skip(1) {
            forest.add_dc(DomainNumber(number), dc_spec(&dc.name, chance));
        }
    }
    let dc = DcKey { forest: ForestNumber(0), dc: DcNumber(0) };
    Layout { forest, people: PeopleHome { dc, domain: root, container } }
}

fn domain_spec(plan: &EstatePlan, number: usize, chance: &mut Chance) -> DomainSpec {
    let dns = plan.ad_domains.get(number).cloned().unwrap_or_default();
    let label = dns.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let part = |chance: &mut Chance| chance.below(1 << 31);
    DomainSpec {
        netbios: label.chars().take(15).collect(),
        sid: Sid::from_text(&format!(
            "S-1-5-21-{}-{}-{}",
            part(chance),
            part(chance),
            part(chance)
        ))
        .expect("three numbers below 2^31 make a SID"),
        dns,
    }
}

fn dc_spec(host: &str, chance: &mut Chance) -> DcSpec {
    DcSpec {
        host: host.to_owned(),
        site: "Default-First-Site-Name".to_owned(),
        invocation_id: chance.guid(),
    }
}

fn build_agent(
    agent: &AgentPlan,
    accounts: &[ServiceAccounts],
    forests: &Forests,
    chance: &mut Chance,
) -> Result<Agent, BuildError> {
    let dc = forests
        .iter()
        .flat_map(|(number, forest)| forest.dcs().iter().map(move |dc| (number, dc)))
        .find(|(_, dc)| dc.host.eq_ignore_ascii_case(&agent.dc))
        .map(|(forest, dc)| DcKey { forest, dc: dc.number })
        .ok_or_else(|| BuildError::UnknownDc { agent: agent.name.clone(), dc: agent.dc.clone() })?;
    let account = accounts.get(usize::from(dc.forest.0)).and_then(|accounts| {
        forests.get(dc.forest)?.principal_of(dc.dc, accounts.agent.object.number)
    });
    Ok(Agent {
        id: chance.guid(),
        name: agent.name.clone(),
        version: agent.version.clone(),
        dc,
        account: account.unwrap_or_else(Principal::anonymous),
    })
}

/// Attribute numbers that every user needs; `None` where the schema does not have the attribute.
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
    fn new(forest: &Forest) -> Self {
        let number = |name: &str| forest.schema().attribute_named(name).map(|a| a.number);
        Self {
            user_class: forest.schema().class_named("user").map_or(0, |class| class.number),
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
