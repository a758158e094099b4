//! A forest: its schema, domains, naming contexts, domain controllers and accounts.

use core::ops::Range;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::VirtualTime;
use crate::directory::bind::Account;
use crate::directory::chores::Chores;
use crate::directory::entry::{ClassNumber, DcNumber, Entry, Life, LinkStamps, Stamp, referenced};
use crate::directory::heuristics::Heuristics;
use crate::directory::name::{Dn, Rdn, Sid};
use crate::directory::policies::Policies;
use crate::directory::replication::Partition;
use crate::directory::request::ObjectNumber;
use crate::directory::root_dse::Ports;
use crate::directory::schema::{Schema, known};
use crate::directory::store::{Slot, Store};
use crate::guid::Guid;
use crate::record::{AttributeNumber, Record};

/// A domain of a forest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainNumber(pub u16);

/// What a new domain is called.
#[derive(Clone, Debug)]
pub struct DomainSpec {
    /// Its DNS name, `contoso.com`.
    pub dns: String,
    /// Its NetBIOS name, `CONTOSO`.
    pub netbios: String,
    /// Its SID, `S-1-5-21-...`.
    pub sid: Sid,
}

/// What a new domain controller is called.
#[derive(Clone, Debug)]
pub struct DcSpec {
    /// Its host name, `DC01`.
    pub host: String,
    /// Its site.
    pub site: String,
    /// The GUID of its database: breaks ties between writes of one second.
    pub invocation_id: Guid,
    /// Whether it is a read-only one.
    pub read_only: bool,
}

/// A domain.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Its number.
    pub number: DomainNumber,
    /// Its DNS name.
    pub dns: String,
    /// Its NetBIOS name.
    pub netbios: String,
    /// Its SID.
    pub sid: Sid,
    /// Its head.
    pub head: ObjectNumber,
    /// `CN=Users`.
    pub users: ObjectNumber,
    /// Up to where its RID master gave relative identifiers to domain controllers.
    pub(super) rids_given: u32,
}

/// A naming context.
#[derive(Clone, Debug)]
pub struct NamingContext {
    /// Its head.
    pub head: ObjectNumber,
    /// Its name.
    pub dn: Dn,
    /// Its name as text.
    pub text: String,
    /// Its domain; `None` for configuration and schema, which every domain controller holds.
    pub domain: Option<DomainNumber>,
    /// Whether it holds a DNS zone and nothing else.
    pub zone: bool,
}

/// A domain controller.
#[derive(Clone, Debug)]
pub struct DomainController {
    /// Its number.
    pub number: DcNumber,
    /// Its host name.
    pub host: String,
    /// Its site.
    pub site: String,
    /// Its domain.
    pub domain: DomainNumber,
    /// The GUID of its database.
    pub invocation_id: Guid,
    /// The highest update sequence number it gave.
    pub highest_usn: u64,
    /// Its objects.
    pub store: Store,
    /// Whether it is a read-only one, which refers writes to others ([MS-ADTS] 3.1.1.1.9).
    pub read_only: bool,
    /// The sequence number of its last originating write.
    pub(super) originated: u64,
    /// The up-to-dateness vector: up to which originating write of another domain controller it has
    /// heard, for each partition.
    pub(super) heard: BTreeMap<(Partition, DcNumber), u64>,
    /// The high-water marks: up to which number of another domain controller it has asked for changes.
    pub(super) pulled: BTreeMap<DcNumber, u64>,
    /// Under which number of its own an originating write of another domain controller arrived; those
    /// of creations stand in the objects' stamps.
    pub(super) arrived: BTreeMap<(DcNumber, u64), u64>,
    /// Relative identifiers that it may still give to new accounts.
    pub(super) rids: Range<u32>,
}

/// How far the sequence numbers of domain controllers lie apart at their start: whoever takes one's
/// number for another's is found out.
const OWN_NUMBERS: u64 = 10_000;

/// Loaded objects that are worth going through one by one.
const SETTLE_AT: usize = 64;

/// A forest.
#[derive(Clone, Debug)]
pub struct Forest {
    /// Whether the recycle bin is enabled ([MS-ADTS] 3.1.1.9.1).
    pub recycle_bin: bool,
    pub(super) schema: Arc<Schema>,
    pub(super) domains: Vec<Domain>,
    pub(super) contexts: Vec<NamingContext>,
    pub(super) dcs: Vec<DomainController>,
    pub(super) accounts: BTreeMap<ObjectNumber, Account>,
    pub(super) next_object: u32,
    /// The limits of its domain controllers.
    pub policies: Policies,
    /// Where domain controllers listen, as far as they do.
    pub(super) ports: BTreeMap<DcNumber, Ports>,
    /// What is due by itself.
    pub(super) chores: Chores,
    /// The Default Query Policy, which says what the limits are.
    pub(super) query_policy: Option<ObjectNumber>,
    /// The settings of the directory service: lifetimes of what is deleted.
    pub(super) directory_service: Option<ObjectNumber>,
    /// What its dSHeuristics say.
    pub(super) heuristics: Heuristics,
}

impl DomainController {
    /// The next update sequence number, for an originating write.
    pub(super) fn take_usn(&mut self) -> u64 {
        self.highest_usn += 1;
        self.originated = self.highest_usn;
        self.highest_usn
    }

    /// The next update sequence number, for a write that came by replication.
    pub(super) fn take_local_usn(&mut self) -> u64 {
        self.highest_usn += 1;
        self.highest_usn
    }
}

impl Forest {
    /// A forest with its root domain and the first domain controller there, number 0. `mint` gives
    /// the GUIDs.
    pub fn new(
        schema: impl Into<Arc<Schema>>,
        root: &DomainSpec,
        dc: DcSpec,
        now: VirtualTime,
        mint: &mut dyn FnMut() -> Guid,
    ) -> Self {
        let mut forest = Self {
            schema: schema.into(),
            domains: Vec::new(),
            contexts: Vec::new(),
            dcs: Vec::new(),
            accounts: BTreeMap::new(),
            next_object: 1,
            recycle_bin: false,
            policies: Policies::default(),
            ports: BTreeMap::new(),
            chores: Chores::default(),
            query_policy: None,
            directory_service: None,
            heuristics: Heuristics::default(),
        };
        forest.add_domain(root, dc, now, mint);
        let root_dn = forest.contexts[0].dn.clone();
        let mut configuration = root_dn;
        configuration.rdns.insert(0, rdn("CN", "Configuration"));
        let mut schema_dn = configuration.clone();
        schema_dn.rdns.insert(0, rdn("CN", "Schema"));
        forest.add_context(configuration, "configuration", None, None, now, mint());
        forest.add_context(schema_dn, "dMD", None, None, now, mint());
        forest.add_zone("ForestDnsZones", DomainNumber(0), now);
        forest.add_zone("DomainDnsZones", DomainNumber(0), now);
        forest.add_configuration(now);
        forest.add_partitions(now);
        forest.announce_dc(DcNumber(0), now);
        forest.announce_domain(DomainNumber(0), now);
        forest.add_zone_references(DomainNumber(0), now);
        forest.add_schema_objects(now);
        forest.settle();
        // What is protected from the start needs no run of AdminSDHolder.
        forest.protect_from_the_start(now);
        forest
    }

    /// Protects whoever is an administrator from the start, and leaves nothing of it to be done later.
    pub fn protect_from_the_start(&mut self, now: VirtualTime) {
        let domains = self.domains.iter().map(|domain| domain.number);
        let first = |number| self.dcs.iter().find(|dc| dc.domain == number).map(|dc| dc.number);
        let first: Vec<DcNumber> = domains.filter_map(first).collect();
        for dc in first {
            self.protect_administrators(dc, now);
        }
        self.chores = Chores::default();
    }

    /// A further domain with its first domain controller; gives the numbers of both.
    pub fn add_domain(
        &mut self,
        spec: &DomainSpec,
        dc: DcSpec,
        now: VirtualTime,
        mint: &mut dyn FnMut() -> Guid,
    ) -> (DomainNumber, DcNumber) {
        let number = DomainNumber(count(self.domains.len()));
        let dc = self.new_dc(number, dc, Store::default(), 0);
        // What every domain controller holds stands on the first one of the forest.
        let shared: Vec<ObjectNumber> = self
            .contexts
            .iter()
            .filter(|context| context.domain.is_none())
            .map(|context| context.head)
            .collect();
        for head in shared {
            self.copy_subtree(DcNumber(0), dc, head, now);
        }
        let dn = Dn { rdns: spec.dns.split('.').map(|label| rdn("DC", label)).collect() };
        let context = (number, spec.sid.clone());
        let head = self.add_context(dn, "domainDNS", Some(context), Some(dc), now, mint());
        self.domains.push(Domain {
            number,
            dns: spec.dns.clone(),
            netbios: spec.netbios.clone(),
            sid: spec.sid.clone(),
            head,
            users: head,
            rids_given: 0,
        });
        self.add_system_objects(number, head, now);
        // The first domain comes before the configuration, which is announced with it.
        if number != DomainNumber(0) {
            self.add_zone("DomainDnsZones", number, now);
            self.announce_dc(dc, now);
            self.announce_domain(number, now);
            self.add_zone_references(number, now);
            self.settle();
            self.protect_from_the_start(now);
        }
        (number, dc)
    }

    /// A further domain controller of a domain, with everything its first one holds.
    pub fn add_dc(&mut self, domain: DomainNumber, spec: DcSpec) -> Option<DcNumber> {
        let source = self.dcs.iter().find(|dc| dc.domain == domain)?;
        let apart = OWN_NUMBERS * u64::try_from(self.dcs.len()).unwrap_or_default();
        let (mut store, usn) = (source.store.clone(), source.highest_usn + apart);
        store.renumber(apart);
        let since = self.domain(domain).and_then(|at| source.store.get(at.head));
        let since = since.map_or(VirtualTime::from_micros(0), |slot| slot.entry.when_created);
        let number = self.new_dc(domain, spec, store, usn);
        self.announce_dc(number, since);
        self.add_zone_references(domain, since);
        self.settle();
        self.mark_level();
        Some(number)
    }

    /// The schema in force.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Adds the Exchange extension to the schema.
    pub fn extend_with_exchange(&mut self) {
        self.schema = Arc::new(Schema::clone(&self.schema).with_exchange());
        let now = self.contexts.first().and_then(|root| {
            self.dcs
                .iter()
                .find_map(|dc| dc.store.get(root.head))
                .map(|slot| slot.stamp.when_changed)
        });
        self.add_schema_objects(now.unwrap_or(VirtualTime::from_micros(0)));
        self.settle();
    }

    /// The domains, by number.
    #[must_use]
    pub fn domains(&self) -> &[Domain] {
        &self.domains
    }

    /// A domain.
    #[must_use]
    pub fn domain(&self, number: DomainNumber) -> Option<&Domain> {
        self.domains.get(usize::from(number.0))
    }

    /// The naming contexts.
    #[must_use]
    pub fn contexts(&self) -> &[NamingContext] {
        &self.contexts
    }

    /// The domain controllers, by number.
    #[must_use]
    pub fn dcs(&self) -> &[DomainController] {
        &self.dcs
    }

    /// A domain controller.
    #[must_use]
    pub fn dc(&self, number: DcNumber) -> Option<&DomainController> {
        self.dcs.get(usize::from(number.0))
    }

    /// An object as a domain controller holds it; `None` for a deleted one.
    #[must_use]
    pub fn object(&self, dc: DcNumber, object: ObjectNumber) -> Option<&Slot> {
        self.slot(dc, object).filter(|slot| slot.entry.life == Life::Live)
    }

    /// What a deleted object was called, and the distinguished name of what it was in; `None` for one that is
    /// not deleted.
    #[must_use]
    pub fn last_known(&self, dc: DcNumber, object: ObjectNumber) -> Option<(String, String)> {
        let slot = self.slot(dc, object).filter(|slot| slot.entry.life != Life::Live)?;
        let record = &slot.entry.record;
        let name = record.text(known::MS_DS_LAST_KNOWN_RDN)?.to_owned();
        let parent = record.first(known::LAST_KNOWN_PARENT).and_then(referenced)?;
        Some((name, self.dn(self.dc(dc)?, parent)))
    }

    /// An object as a domain controller holds it, deleted ones too.
    pub(super) fn slot(&self, dc: DcNumber, object: ObjectNumber) -> Option<&Slot> {
        self.dc(dc)?.store.get(object)
    }

    /// The objects of a domain controller that changed after a sequence number, oldest change first:
    /// found without looking at the others. Deleted ones are among them.
    pub fn changes_since(
        &self,
        dc: DcNumber,
        usn: u64,
    ) -> impl Iterator<Item = (u64, ObjectNumber, &Slot)> {
        self.dc(dc).into_iter().flat_map(move |dc| {
            let changed = dc.store.changed_from(usn.saturating_add(1));
            changed.filter_map(|(usn, object)| Some((usn, object, dc.store.get(object)?)))
        })
    }

    /// Makes room for `additional` objects of a domain.
    pub fn reserve(&mut self, domain: DomainNumber, additional: usize) {
        for dc in self.dcs.iter_mut().filter(|dc| dc.domain == domain) {
            dc.store.reserve(additional);
        }
    }

    /// Ends a bulk load: what was loaded is found by index from now on, not by going through it. Writes
    /// do it too.
    pub fn settle(&mut self) {
        for domain in 0..self.domains.len() {
            let of_domain = self.dcs.iter_mut().filter(|dc| usize::from(dc.domain.0) == domain);
            let mut stores: Vec<&mut Store> = of_domain.map(|dc| &mut dc.store).collect();
            if let Some((first, others)) = stores.split_first_mut() {
                first.settle_with(others);
            }
        }
    }

    /// Settles once enough has been loaded to matter.
    pub(super) fn settle_if_due(&mut self, dc: DcNumber) {
        if self.dc(dc).is_some_and(|dc| dc.store.pending() > SETTLE_AT) {
            self.settle();
        }
    }

    /// Puts an object onto every domain controller of a domain, as if replicated long ago;
    /// [`Self::settle`] ends a series of loads. Nothing is checked: the record holds canonical values by ascending attribute number, the naming attribute
    /// and `objectSid` among them, references as [`crate::directory::entry::reference`].
    pub fn load(
        &mut self,
        domain: DomainNumber,
        parent: ObjectNumber,
        class: ClassNumber,
        guid: Guid,
        record: Record,
        now: VirtualTime,
    ) -> ObjectNumber {
        let rdn_attribute = self.schema.class(class).map_or(known::CN, |class| class.rdn_attribute);
        let spec = (Some(parent), class, rdn_attribute);
        self.place(spec, guid, record, now, |dc| dc.domain == domain)
    }

    /// Loads an object that has nothing but a name: a container, an organizational unit.
    pub fn load_container(
        &mut self,
        domain: DomainNumber,
        parent: ObjectNumber,
        class: &str,
        name: &str,
        guid: Guid,
        now: VirtualTime,
    ) -> ObjectNumber {
        let class = self.schema.class_named(class);
        let (class, attribute) =
            class.map_or((0, known::CN), |class| (class.number, class.rdn_attribute));
        let record = Record::from_sorted([(attribute, [name.as_bytes()])]);
        self.load(domain, parent, class, guid, record, now)
    }

    pub(super) fn new_object(&mut self) -> ObjectNumber {
        let number = ObjectNumber(self.next_object);
        self.next_object += 1;
        number
    }

    fn new_dc(
        &mut self,
        domain: DomainNumber,
        spec: DcSpec,
        store: Store,
        highest_usn: u64,
    ) -> DcNumber {
        let number = DcNumber(count(self.dcs.len()));
        self.dcs.push(DomainController {
            number,
            host: spec.host,
            site: spec.site,
            domain,
            invocation_id: spec.invocation_id,
            highest_usn,
            store,
            read_only: spec.read_only,
            originated: 0,
            heard: BTreeMap::new(),
            pulled: BTreeMap::new(),
            arrived: BTreeMap::new(),
            rids: 0..0,
        });
        number
    }

    /// Adds a naming context with its head; on one domain controller, or on all.
    pub(super) fn add_context(
        &mut self,
        dn: Dn,
        class: &str,
        domain: Option<(DomainNumber, Sid)>,
        only: Option<DcNumber>,
        now: VirtualTime,
        guid: Guid,
    ) -> ObjectNumber {
        let (class, attribute) = match self.schema.class_named(class) {
            Some(class) => (class.number, class.rdn_attribute),
            None => (0, known::CN),
        };
        let name = dn.rdn().map(|rdn| rdn.value.clone()).unwrap_or_default();
        let mut values: Vec<(AttributeNumber, [&[u8]; 1])> = vec![(attribute, [name.as_bytes()])];
        if let Some((_, sid)) = &domain {
            values.push((known::OBJECT_SID, [sid.as_bytes()]));
        }
        let record = Record::from_sorted(values);
        let spec = (None, class, attribute);
        let head =
            self.place(spec, guid, record, now, |dc| only.is_none_or(|only| dc.number == only));
        let text = dn.to_string();
        let domain = domain.map(|(number, _)| number);
        self.contexts.push(NamingContext { head, dn, text, domain, zone: false });
        head
    }

    pub(super) fn place(
        &mut self,
        (parent, class, rdn_attribute): (Option<ObjectNumber>, ClassNumber, AttributeNumber),
        guid: Guid,
        record: Record,
        now: VirtualTime,
        on: impl Fn(&DomainController) -> bool,
    ) -> ObjectNumber {
        let object = self.new_object();
        let mut shared: Option<Arc<Entry>> = None;
        let mut entry = Some(Entry {
            guid,
            parent,
            class,
            rdn_attribute,
            life: Life::Live,
            created_by: DcNumber(0),
            created_usn: 0,
            when_created: now,
            record,
            changed: Box::default(),
            links: LinkStamps::default(),
        });
        for dc in self.dcs.iter_mut().filter(|dc| on(dc)) {
            let usn = dc.take_usn();
            if let Some(mut fresh) = entry.take() {
                fresh.created_by = dc.number;
                fresh.created_usn = usn;
                shared = Some(Arc::new(fresh));
            }
            let Some(entry) = shared.as_ref().map(Arc::clone) else { break };
            let stamp = Stamp { usn_created: usn, usn_changed: usn, when_changed: now };
            dc.store.load(&self.schema, object, Slot { entry, stamp });
        }
        object
    }

    /// Copies an object and everything below it to another domain controller.
    fn copy_subtree(&mut self, from: DcNumber, to: DcNumber, head: ObjectNumber, now: VirtualTime) {
        let mut next = vec![head];
        while let Some(object) = next.pop() {
            let Some(source) = self.dc(from) else { return };
            next.extend(source.store.children_after(object, None));
            let Some(slot) = source.store.get(object) else { continue };
            let entry = Arc::clone(&slot.entry);
            let schema = Arc::clone(&self.schema);
            let Some(target) = self.dcs.get_mut(usize::from(to.0)) else { return };
            let usn = target.take_usn();
            let stamp = Stamp { usn_created: usn, usn_changed: usn, when_changed: now };
            target.store.insert(&schema, object, Slot { entry, stamp });
        }
    }
}

pub(super) fn rdn(attribute: &str, value: &str) -> Rdn {
    Rdn { attribute: attribute.to_owned(), value: value.to_owned() }
}

fn count(length: usize) -> u16 {
    u16::try_from(length).expect("a forest has few domains and domain controllers")
}
