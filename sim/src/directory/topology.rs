//! Which partitions, domains and domain controllers a forest has, as objects: `CN=Partitions` and
//! `CN=Sites` of the configuration, the accounts of domain controllers, the owners of the operation
//! master roles, the trusts ([MS-ADTS] 6.1.1.2.1, 6.1.1.2.2, 6.1.1.3, 6.1.5, 6.1.6).

use crate::clock::VirtualTime;
use crate::directory::account::file_time;
use crate::directory::entry::{DcNumber, reference, referenced};
use crate::directory::forest::{DomainController, DomainNumber, Forest};
use crate::directory::name::{Dn, Sid};
use crate::directory::request::ObjectNumber;
use crate::directory::schema::known;
use crate::directory::system_objects::guid_of;
use crate::directory::well_known::CONTAINERS;
use crate::record::AttributeNumber;

/// The functional level of Windows Server 2016 to 2022.
pub(super) const LEVEL: &str = "7";

/// systemFlags of a cross-reference: the forest holds the naming context, and it is a domain.
const OF_FOREST: &str = "1";
const OF_DOMAIN: &str = "3";
/// A naming context of applications, a DNS zone: no global catalog has it.
const OF_APPLICATION: &str = "5";

/// userAccountControl of a domain controller (SERVER_TRUST_ACCOUNT, TRUSTED_FOR_DELEGATION), and of a
/// read-only one (WORKSTATION_TRUST_ACCOUNT, PARTIAL_SECRETS_ACCOUNT, TRUSTED_TO_AUTH_FOR_DELEGATION).
const DC_CONTROL: &str = "532480";
const READ_ONLY_DC_CONTROL: &str = "83890176";

/// userAccountControl of a trust's account, and its sAMAccountType.
const TRUST_CONTROL: &str = "2080";
const TRUST_TYPE: &str = "805306370";

/// trustAttributes: within the forest, or to another forest ([MS-ADTS] 6.1.6.7.9).
pub(super) const WITHIN_FOREST: u32 = 0x20;
pub(super) const FOREST_TRANSITIVE: u32 = 0x8;

/// The first relative identifier of the accounts of domain controllers and trusts.
const FIRST_MACHINE_RID: u32 = 1000;
const FIRST_TRUST_RID: u32 = 1050;

/// Attributes of an object with their values.
type Values = Vec<(AttributeNumber, Vec<Vec<u8>>)>;

/// The other side of a trust.
pub(super) struct Partner<'a> {
    pub(super) dns: &'a str,
    pub(super) netbios: &'a str,
    pub(super) sid: &'a Sid,
    pub(super) attributes: u32,
}

fn text(value: &str) -> Vec<Vec<u8>> {
    vec![value.as_bytes().to_vec()]
}

fn to(object: ObjectNumber) -> Vec<Vec<u8>> {
    vec![reference(object).to_vec()]
}

impl Forest {
    /// The child of an object by its name, on the first domain controller that holds the object.
    pub(super) fn below(&self, parent: ObjectNumber, name: &str) -> Option<ObjectNumber> {
        self.dcs.iter().find_map(|dc| dc.store.child(parent, name))
    }

    /// The object below another one, made when it is not there yet.
    fn below_or_new(
        &mut self,
        parent: ObjectNumber,
        class: &str,
        name: &str,
        now: VirtualTime,
    ) -> ObjectNumber {
        match self.below(parent, name) {
            Some(object) => object,
            None => self.load_system(None, parent, class, name, &[], now),
        }
    }

    /// Gives an object of the system attributes, on every domain controller that holds it.
    fn give_all(&mut self, object: ObjectNumber, values: &Values) {
        for (attribute, values) in values {
            let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
            self.give(object, *attribute, &values);
        }
    }

    /// Loads an object of the system with attributes of several values.
    fn load_with(
        &mut self,
        domain: Option<DomainNumber>,
        parent: ObjectNumber,
        (class, name): (&str, &str),
        values: &Values,
        now: VirtualTime,
    ) -> ObjectNumber {
        let single: Vec<(AttributeNumber, &[u8])> = values
            .iter()
            .filter_map(|(attribute, values)| match values.as_slice() {
                [one] => Some((*attribute, one.as_slice())),
                _ => None,
            })
            .collect();
        let object = self.load_system(domain, parent, class, name, &single, now);
        for (attribute, values) in values.iter().filter(|(_, values)| values.len() > 1) {
            let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
            self.give(object, *attribute, &values);
        }
        object
    }

    fn configuration(&self) -> Option<ObjectNumber> {
        self.contexts.get(1).map(|context| context.head)
    }

    /// The settings object (nTDSDSA) of a domain controller.
    pub(super) fn settings_of(&self, dc: DcNumber) -> Option<ObjectNumber> {
        let controller = self.dc(dc)?;
        let sites = self.below(self.configuration()?, "Sites")?;
        let servers = self.below(self.below(sites, &controller.site)?, "Servers")?;
        self.below(self.below(servers, &controller.host)?, "NTDS Settings")
    }

    /// `CN=Partitions` with the cross-references of the configuration and the schema
    /// ([MS-ADTS] 6.1.1.2.1.1).
    pub(super) fn add_partitions(&mut self, now: VirtualTime) {
        let Some(configuration) = self.configuration() else { return };
        let Some(schema) = self.contexts.get(2).map(|context| context.head) else { return };
        let root = self.domains.first().map(|domain| domain.dns.clone()).unwrap_or_default();
        let level = vec![(known::MS_DS_BEHAVIOR_VERSION, text(LEVEL))];
        let class = ("crossRefContainer", "Partitions");
        let partitions = self.load_with(None, configuration, class, &level, now);
        for (name, head) in
            [("Enterprise Configuration", configuration), ("Enterprise Schema", schema)]
        {
            let values = vec![
                (known::NC_NAME, to(head)),
                (known::DNS_ROOT, text(&root)),
                (known::SYSTEM_FLAGS, text(OF_FOREST)),
                (known::ENABLED, text("TRUE")),
            ];
            self.load_with(None, partitions, ("crossRef", name), &values, now);
        }
    }

    /// The cross-reference of a domain: below it the domain's parent, or the root of the forest
    /// ([MS-ADTS] 6.1.1.2.1.1.2).
    fn add_cross_reference(&mut self, domain: DomainNumber, now: VirtualTime) {
        let Some(partitions) = self.configuration().and_then(|at| self.below(at, "Partitions"))
        else {
            return;
        };
        let Some(spec) = self.domain(domain).cloned() else { return };
        let mut values = vec![
            (known::NC_NAME, to(spec.head)),
            (known::DNS_ROOT, text(&spec.dns)),
            (known::NETBIOS_NAME, text(&spec.netbios)),
            (known::SYSTEM_FLAGS, text(OF_DOMAIN)),
            (known::MS_DS_BEHAVIOR_VERSION, text(LEVEL)),
            (known::NT_MIXED_DOMAIN, text("0")),
            (known::ENABLED, text("TRUE")),
        ];
        let Some((superior, is_parent)) = self.superior_of(domain) else {
            self.load_with(None, partitions, ("crossRef", &spec.netbios), &values, now);
            return;
        };
        let superior = self.domain(superior).map(|at| at.netbios.clone()).unwrap_or_default();
        if let Some(object) = self.below(partitions, &superior) {
            let attribute = if is_parent { known::TRUST_PARENT } else { known::ROOT_TRUST };
            values.push((attribute, to(object)));
        }
        self.load_with(None, partitions, ("crossRef", &spec.netbios), &values, now);
    }

    /// The domain that another one trusts by its place: its parent (`true`), or, for the root of a
    /// further tree, the root of the forest.
    fn superior_of(&self, domain: DomainNumber) -> Option<(DomainNumber, bool)> {
        if domain == DomainNumber(0) {
            return None;
        }
        let own = self.domain(domain)?.dns.to_ascii_lowercase();
        let above = self.domains.iter().filter(|other| other.number != domain).filter(|other| {
            own.strip_suffix(&other.dns.to_ascii_lowercase())
                .is_some_and(|label| label.ends_with('.'))
        });
        let parent = above.max_by_key(|other| other.dns.len()).map(|other| (other.number, true));
        Some(parent.unwrap_or((DomainNumber(0), false)))
    }

    /// The cross-references of the DNS zones of a domain, with the domain controllers that hold them, and
    /// their infrastructure masters.
    pub(super) fn add_zone_references(&mut self, domain: DomainNumber, now: VirtualTime) {
        let Some(partitions) = self.configuration().and_then(|at| self.below(at, "Partitions"))
        else {
            return;
        };
        let writable = self.dcs.iter().filter(|dc| dc.domain == domain && !dc.read_only);
        let holders: Vec<[u8; 4]> =
            writable.filter_map(|dc| self.settings_of(dc.number)).map(reference).collect();
        let holders: Vec<&[u8]> = holders.iter().map(<[u8; 4]>::as_slice).collect();
        let zones = self.contexts.iter().filter(|at| at.zone && at.domain == Some(domain));
        let zones: Vec<(ObjectNumber, String)> = zones
            .map(|zone| {
                let labels = zone.dn.rdns.iter().map(|rdn| rdn.value.as_str());
                (zone.head, labels.collect::<Vec<_>>().join("."))
            })
            .collect();
        for (head, dns) in zones {
            let name = guid_of(&format!("crossRef of {dns}")).to_string();
            let object = match self.below(partitions, &name) {
                Some(object) => object,
                None => {
                    let values = vec![
                        (known::NC_NAME, to(head)),
                        (known::DNS_ROOT, text(&dns)),
                        (known::SYSTEM_FLAGS, text(OF_APPLICATION)),
                        (known::ENABLED, text("TRUE")),
                    ];
                    let class = ("infrastructureUpdate", "Infrastructure");
                    let owner = holders.first().map(|owner| vec![owner.to_vec()]);
                    let role = owner.map(|owner| (known::FSMO_ROLE_OWNER, owner));
                    self.load_with(Some(domain), head, class, &role.into_iter().collect(), now);
                    self.load_with(None, partitions, ("crossRef", &name), &values, now)
                }
            };
            self.give(object, known::MS_DS_NC_REPLICA_LOCATIONS, &holders);
        }
    }

    /// The server and settings of a domain controller in its site, and its account
    /// ([MS-ADTS] 6.1.1.2.2.1, 6.1.1.3.1).
    pub(super) fn announce_dc(&mut self, dc: DcNumber, now: VirtualTime) {
        let Some(controller) = self.dc(dc) else { return };
        let (site, host, database) =
            (controller.site.clone(), controller.host.clone(), controller.invocation_id);
        let (domain, read_only) = (controller.domain, controller.read_only);
        let fqdn = self.host_name(controller).to_lowercase();
        let Some(sites) = self.configuration().map(|at| (at, self.below(at, "Sites"))) else {
            return;
        };
        let sites = match sites {
            (_, Some(sites)) => sites,
            (configuration, None) => {
                self.load_system(None, configuration, "sitesContainer", "Sites", &[], now)
            }
        };
        let site_object = match self.below(sites, &site) {
            Some(object) => object,
            None => {
                let object = self.load_system(None, sites, "site", &site, &[], now);
                let name = "NTDS Site Settings";
                self.load_system(None, object, "nTDSSiteSettings", name, &[], now);
                object
            }
        };
        let servers = self.below_or_new(site_object, "serversContainer", "Servers", now);
        let account = self.add_machine(dc, domain, (&host, &fqdn), read_only, now);
        let mut values = vec![(known::DNS_HOST_NAME, text(&fqdn))];
        values.extend(account.map(|account| (known::SERVER_REFERENCE, to(account))));
        let server = self.load_with(None, servers, ("server", &host), &values, now);
        self.add_settings(server, domain, (database.0, read_only), now);
    }

    /// `CN=NTDS Settings` of a domain controller: every one is a global catalog.
    fn add_settings(
        &mut self,
        server: ObjectNumber,
        domain: DomainNumber,
        (database, read_only): ([u8; 16], bool),
        now: VirtualTime,
    ) {
        const GLOBAL_CATALOG: &str = "1";
        let of = |zones: bool| -> Vec<Vec<u8>> {
            let held = self.contexts.iter().filter(|context| {
                context.domain.is_none_or(|at| at == domain) && (zones || !context.zone)
            });
            held.map(|context| reference(context.head).to_vec()).collect()
        };
        // The older attribute knows nothing of the naming contexts of applications.
        let (masters, all) = (of(false), of(true));
        let mut values = vec![
            (known::OPTIONS, text(GLOBAL_CATALOG)),
            (known::INVOCATION_ID, vec![database.to_vec()]),
            (known::MS_DS_BEHAVIOR_VERSION, text(LEVEL)),
            (known::SYSTEM_FLAGS, text("33554432")),
        ];
        values.extend(self.domain(domain).map(|at| (known::MS_DS_HAS_DOMAIN_NCS, to(at.head))));
        values.extend(self.contexts.get(2).map(|at| (known::DMD_LOCATION, to(at.head))));
        if !read_only {
            values.push((known::HAS_MASTER_NCS, masters));
            values.push((known::MS_DS_HAS_MASTER_NCS, all));
        }
        let class = if read_only { "nTDSDSARO" } else { "nTDSDSA" };
        self.load_with(None, server, (class, "NTDS Settings"), &values, now);
    }

    /// The account of a domain controller below `OU=Domain Controllers`.
    fn add_machine(
        &mut self,
        dc: DcNumber,
        domain: DomainNumber,
        (host, fqdn): (&str, &str),
        read_only: bool,
        now: VirtualTime,
    ) -> Option<ObjectNumber> {
        let spec = self.domain(domain)?.clone();
        let forest = self.domains.first()?.dns.clone();
        let unit = self.below(spec.head, "Domain Controllers")?;
        let sid = spec.sid.with_rid(FIRST_MACHINE_RID + u32::from(dc.0));
        let (control, group) =
            if read_only { (READ_ONLY_DC_CONTROL, "521") } else { (DC_CONTROL, "516") };
        let services = [
            format!("HOST/{host}"),
            format!("HOST/{fqdn}"),
            format!("ldap/{host}"),
            format!("ldap/{fqdn}"),
            format!("GC/{fqdn}/{forest}"),
        ];
        let values = vec![
            (known::SAM_ACCOUNT_NAME, text(&format!("{host}$"))),
            (known::OBJECT_SID, vec![sid.as_bytes().to_vec()]),
            (known::USER_ACCOUNT_CONTROL, text(control)),
            (known::PRIMARY_GROUP_ID, text(group)),
            (known::DNS_HOST_NAME, text(fqdn)),
            (known::OPERATING_SYSTEM, text("Windows Server 2022 Standard")),
            (known::OPERATING_SYSTEM_VERSION, text("10.0 (20348)")),
            (known::IS_CRITICAL_SYSTEM_OBJECT, text("TRUE")),
            (known::SERVICE_PRINCIPAL_NAME, services.map(String::into_bytes).to_vec()),
        ];
        let object = self.load_with(Some(domain), unit, ("computer", host), &values, now);
        if !read_only {
            let set = self.load_system(Some(domain), object, "rIDSet", "RID Set", &[], now);
            for attribute in [
                known::RID_ALLOCATION_POOL,
                known::RID_PREVIOUS_ALLOCATION_POOL,
                known::RID_USED_POOL,
                known::RID_NEXT_RID,
            ] {
                self.give(set, attribute, &[b"0"]);
            }
            self.give(object, known::RID_SET_REFERENCES, &[&reference(set)]);
        }
        Some(object)
    }

    /// What a domain has beside its containers: policy, operation masters, trusts, its cross-reference
    /// ([MS-ADTS] 6.1.1.4, 6.1.5.3).
    pub(super) fn announce_domain(&mut self, domain: DomainNumber, now: VirtualTime) {
        self.add_cross_reference(domain, now);
        let Some(spec) = self.domain(domain).cloned() else { return };
        let first = self.dcs.iter().find(|dc| dc.domain == domain).map(|dc| dc.number);
        let Some(owner) = first.and_then(|dc| self.settings_of(dc)) else { return };
        let own = Some(domain);
        let role = vec![(known::FSMO_ROLE_OWNER, to(owner))];
        let class = ("infrastructureUpdate", "Infrastructure");
        self.load_with(own, spec.head, class, &role, now);
        let mut head = vec![
            (known::FSMO_ROLE_OWNER, to(owner)),
            (known::MS_DS_BEHAVIOR_VERSION, text(LEVEL)),
            (known::NT_MIXED_DOMAIN, text("0")),
            (known::IS_CRITICAL_SYSTEM_OBJECT, text("TRUE")),
            (known::CREATION_TIME, text(&file_time(now).to_string())),
            (known::MODIFIED_COUNT, text("1")),
            (known::UAS_COMPAT, text("1")),
            (known::FORCE_LOGOFF, text("-9223372036854775808")),
            (known::MS_DS_MACHINE_ACCOUNT_QUOTA, text("10")),
            (known::WELL_KNOWN_OBJECTS, self.well_known_values(&spec.dns)),
        ];
        for (attribute, value) in POLICY {
            head.push((attribute, text(value)));
        }
        if let Some(system) = self.below(spec.head, "System") {
            let pool = u64::from(FIRST_MACHINE_RID + 100) | 0x3fff_ffff << 32;
            let mut values = role.clone();
            values.push((known::RID_AVAILABLE_POOL, text(&pool.to_string())));
            let manager = self.load_with(own, system, ("rIDManager", "RID Manager$"), &values, now);
            head.push((known::RID_MANAGER_REFERENCE, to(manager)));
            let class = "msDS-PasswordSettingsContainer";
            self.load_system(own, system, class, "Password Settings Container", &[], now);
        }
        self.give_all(spec.head, &head);
        if domain == DomainNumber(0) {
            let partitions = self.configuration().and_then(|at| self.below(at, "Partitions"));
            for object in partitions.into_iter().chain(self.contexts.get(2).map(|at| at.head)) {
                self.give(object, known::FSMO_ROLE_OWNER, &[&reference(owner)]);
            }
        }
        if let Some((other, _)) = self.superior_of(domain)
            && let Some(above) = self.domain(other).cloned()
        {
            for (one, other) in [(&spec, &above), (&above, &spec)] {
                let (dns, netbios, sid) = (&other.dns, &other.netbios, &other.sid);
                let partner = Partner { dns, netbios, sid, attributes: WITHIN_FOREST };
                self.add_trust(one.number, &partner, now);
            }
        }
        self.refer_to_others();
        self.note_partial_replicas();
    }

    /// hasPartialReplicaNCs of every domain controller: as a global catalog it has the other domains.
    fn note_partial_replicas(&mut self) {
        let lists: Vec<(DcNumber, Vec<[u8; 4]>)> = self
            .dcs
            .iter()
            .map(|dc| {
                let others = self.domains.iter().filter(|domain| domain.number != dc.domain);
                (dc.number, others.map(|domain| reference(domain.head)).collect())
            })
            .collect();
        for (dc, heads) in lists.into_iter().filter(|(_, heads)| !heads.is_empty()) {
            let Some(settings) = self.settings_of(dc) else { continue };
            let heads: Vec<&[u8]> = heads.iter().map(<[u8; 4]>::as_slice).collect();
            self.give(settings, known::HAS_PARTIAL_REPLICA_NCS, &heads);
        }
    }

    /// The objects that say who owns the operation master roles of a domain and of the forest: PDC
    /// emulator, RID master, infrastructure master, schema master, domain naming master.
    pub(super) fn role_objects(&self, domain: DomainNumber) -> Vec<ObjectNumber> {
        let head = self.domain(domain).map(|domain| domain.head);
        let system = head.and_then(|head| self.below(head, "System"));
        let mut objects: Vec<ObjectNumber> = head.into_iter().collect();
        objects.extend(system.and_then(|system| self.below(system, "RID Manager$")));
        objects.extend(head.and_then(|head| self.below(head, "Infrastructure")));
        objects.extend(self.contexts.get(2).map(|schema| schema.head));
        objects.extend(self.configuration().and_then(|at| self.below(at, "Partitions")));
        objects
    }

    /// The settings object that fSMORoleOwner of an object names.
    pub(super) fn role_owner(&self, object: ObjectNumber) -> Option<ObjectNumber> {
        let slot = self.dcs.iter().find_map(|dc| dc.store.get(object))?;
        slot.entry.record.first(known::FSMO_ROLE_OWNER).and_then(referenced)
    }

    /// A trust of a domain in both directions: its object below `CN=System`, and the account of the
    /// other side ([MS-ADTS] 6.1.6.7, 6.1.6.8).
    pub(super) fn add_trust(
        &mut self,
        domain: DomainNumber,
        partner: &Partner<'_>,
        now: VirtualTime,
    ) {
        const BOTH: &str = "3";
        const ACTIVE_DIRECTORY: &str = "2";
        let Some(spec) = self.domain(domain).cloned() else { return };
        let Some(system) = self.below(spec.head, "System") else { return };
        if self.below(system, partner.dns).is_some() {
            return;
        }
        let values = vec![
            (known::FLAT_NAME, text(partner.netbios)),
            (known::SECURITY_IDENTIFIER, vec![partner.sid.as_bytes().to_vec()]),
            (known::TRUST_ATTRIBUTES, text(&partner.attributes.to_string())),
            (known::TRUST_DIRECTION, text(BOTH)),
            (known::TRUST_PARTNER, text(partner.dns)),
            (known::TRUST_TYPE, text(ACTIVE_DIRECTORY)),
            (known::IS_CRITICAL_SYSTEM_OBJECT, text("TRUE")),
        ];
        let own = Some(domain);
        self.load_with(own, system, ("trustedDomain", partner.dns), &values, now);
        let trusts = self.dcs.iter().find(|dc| dc.domain == domain).map_or(0, |dc| {
            let class = self.schema.class_named("trustedDomain").map(|class| class.number);
            let children = dc.store.children_after(system, None);
            children
                .filter_map(|object| dc.store.get(object))
                .filter(|slot| Some(slot.entry.class) == class)
                .count()
        });
        let rid = FIRST_TRUST_RID + u32::try_from(trusts).unwrap_or_default();
        let account = format!("{}$", partner.netbios);
        let values = vec![
            (known::SAM_ACCOUNT_NAME, text(&account)),
            (known::OBJECT_SID, vec![spec.sid.with_rid(rid).as_bytes().to_vec()]),
            (known::USER_ACCOUNT_CONTROL, text(TRUST_CONTROL)),
            (known::SAM_ACCOUNT_TYPE, text(TRUST_TYPE)),
            (known::IS_CRITICAL_SYSTEM_OBJECT, text("TRUE")),
        ];
        self.load_with(own, spec.users, ("user", &account), &values, now);
    }

    /// A trust of this forest with another one, both ways: the names of the other forest's root, and the
    /// account for it.
    pub fn trust_forest(&mut self, dns: &str, netbios: &str, sid: &Sid, now: VirtualTime) {
        let partner = Partner { dns, netbios, sid, attributes: FOREST_TRANSITIVE };
        self.add_trust(DomainNumber(0), &partner, now);
        self.settle();
    }

    /// subRefs of every naming context: those directly below it.
    fn refer_to_others(&mut self) {
        let is_below = |inner: &Dn, outer: &Dn| {
            inner.rdns.len() == outer.rdns.len() + 1 && inner.ends_with(outer)
        };
        let lists: Vec<(ObjectNumber, Vec<[u8; 4]>)> = self
            .contexts
            .iter()
            .map(|context| {
                let below = self.contexts.iter().filter(|other| is_below(&other.dn, &context.dn));
                (context.head, below.map(|other| reference(other.head)).collect())
            })
            .collect();
        for (head, below) in lists.into_iter().filter(|(_, below)| !below.is_empty()) {
            let below: Vec<&[u8]> = below.iter().map(<[u8; 4]>::as_slice).collect();
            self.give(head, known::SUB_REFS, &below);
        }
    }

    /// Whether a naming context lies in another one that is held too: then its head says so (instanceType 8).
    pub(super) fn has_superior(&self, controller: &DomainController, head: ObjectNumber) -> bool {
        let own = self.contexts.iter().find(|context| context.head == head);
        own.is_some_and(|own| {
            let mut others = self
                .contexts
                .iter()
                .filter(|other| other.head != head && controller.store.get(other.head).is_some());
            others.any(|other| own.dn.ends_with(&other.dn))
        })
    }

    /// wellKnownObjects of the head of a domain ([MS-ADTS] 6.1.1.4).
    fn well_known_values(&self, dns: &str) -> Vec<Vec<u8>> {
        let head: Vec<String> = dns.split('.').map(|label| format!("DC={label}")).collect();
        let head = head.join(",");
        let named = CONTAINERS.iter().filter(|(digits, _, _)| !digits.is_empty());
        named
            .map(|(digits, name, class)| {
                let attribute = if *class == "organizationalUnit" { "OU" } else { "CN" };
                let digits = digits.to_ascii_uppercase();
                format!("B:32:{digits}:{attribute}={name},{head}").into_bytes()
            })
            .collect()
    }
}

/// The password and lockout policy of a new domain (Microsoft Learn, "Password Policy" and "Account
/// Lockout Policy", default values of domain controllers): 42 days, one day, seven characters, 24
/// remembered, complex; no lockout.
const POLICY: [(AttributeNumber, &str); 8] = [
    (known::MAX_PWD_AGE, "-36288000000000"),
    (known::MIN_PWD_AGE, "-864000000000"),
    (known::MIN_PWD_LENGTH, "7"),
    (known::PWD_HISTORY_LENGTH, "24"),
    (known::PWD_PROPERTIES, "1"),
    (known::LOCKOUT_DURATION, "-18000000000"),
    (known::LOCK_OUT_OBSERVATION_WINDOW, "-18000000000"),
    (known::LOCKOUT_THRESHOLD, "0"),
];
