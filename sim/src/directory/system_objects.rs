//! What every forest has from the start: well-known containers, groups, sites, DNS zones.
//!
//! Their GUIDs follow from their names, so that they take nothing from the chance that gives people
//! theirs.

use uuid::Uuid;

use crate::clock::VirtualTime;
use crate::directory::entry::{ClassNumber, Life, reference};
use crate::directory::forest::{DomainNumber, Forest, NamingContext, rdn};
use crate::directory::name::Sid;
use crate::directory::policies::Policies;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::known;
use crate::directory::store::Slot;
use crate::directory::well_known::{
    ACCOUNTS, BUILTIN_GROUPS, CONTAINERS, DELETED_OBJECTS, DOMAIN_GROUPS, LOST_AND_FOUND_CONFIG,
    MEMBERS, OF_FOREST, WELL_KNOWN_PRINCIPALS,
};
use crate::guid::Guid;
use crate::record::{AttributeNumber, Record};

/// systemFlags of what nobody may delete, move or rename.
const KEPT: &[u8] = b"-1946157056";

/// groupType of a group of `CN=Builtin`: local, security, made by the system.
const BUILTIN_TYPE: &[u8] = b"-2147483643";

/// An attribute with its one value.
type Single<'v> = (AttributeNumber, &'v [u8]);

/// A GUID that follows from a name.
pub(super) fn guid_of(name: &str) -> Guid {
    Guid(Uuid::new_v5(&Uuid::NAMESPACE_X500, name.as_bytes()).to_bytes_le())
}

/// FLAG_DISALLOW_MOVE_ON_DELETE: what is deleted stays where it is.
pub(super) const STAYS_WHEN_DELETED: i64 = 0x0200_0000;
/// FLAG_CONFIG_ALLOW_LIMITED_MOVE, FLAG_CONFIG_ALLOW_RENAME.
const MOVED: i64 = 0x1000_0000;
const RENAMED: i64 = 0x4000_0000;

/// The systemFlags that every object of a class has ([MS-ADTS] 3.1.1.5.2.4).
pub(super) fn flags_of_class(class: &str) -> i64 {
    match class {
        "server" => STAYS_WHEN_DELETED | RENAMED | MOVED,
        "site" => STAYS_WHEN_DELETED | RENAMED,
        "serversContainer" | "nTDSDSA" | "nTDSDSARO" => STAYS_WHEN_DELETED,
        "siteLink" | "siteLinkBridge" | "subnet" | "nTDSConnection" => RENAMED,
        _ => 0,
    }
}

impl Forest {
    /// Loads an object of the system on every domain controller that holds what is above it.
    pub(super) fn load_system(
        &mut self,
        domain: Option<DomainNumber>,
        parent: ObjectNumber,
        class: &str,
        name: &str,
        further: &[Single<'_>],
        now: VirtualTime,
    ) -> ObjectNumber {
        let flags = flags_of_class(class).to_string();
        let class = self.schema.class_named(class);
        let (class, attribute): (ClassNumber, AttributeNumber) =
            class.map_or((0, known::CN), |class| (class.number, class.rdn_attribute));
        let above = self.dcs.iter().find(|dc| dc.store.get(parent).is_some());
        let above = above.map(|dc| self.dn(dc, parent)).unwrap_or_default();
        let mut values: Vec<Single<'_>> = vec![(attribute, name.as_bytes())];
        values.extend_from_slice(further);
        if flags != "0" && further.iter().all(|(at, _)| *at != known::SYSTEM_FLAGS) {
            values.push((known::SYSTEM_FLAGS, flags.as_bytes()));
        }
        values.sort_unstable_by_key(|(attribute, _)| *attribute);
        let record = Record::from_sorted(values.into_iter().map(|(at, value)| (at, [value])));
        let guid = guid_of(&format!("{name},{above}").to_lowercase());
        let spec = (Some(parent), class, attribute);
        self.place(spec, guid, record, now, |dc| domain.is_none_or(|domain| dc.domain == domain))
    }

    /// The containers and groups of a new domain.
    pub(super) fn add_system_objects(
        &mut self,
        domain: DomainNumber,
        head: ObjectNumber,
        now: VirtualTime,
    ) {
        let kept =
            [(known::SYSTEM_FLAGS, KEPT), (known::IS_CRITICAL_SYSTEM_OBJECT, b"TRUE".as_slice())];
        let own = Some(domain);
        let sid = self.domain(domain).map_or_else(Sid::nobody, |domain| domain.sid.clone());
        for (_, name, class) in CONTAINERS {
            let object = self.load_system(own, head, class, name, &kept, now);
            match name {
                "Users" => {
                    if let Some(domain) = self.domains.get_mut(usize::from(domain.0)) {
                        domain.users = object;
                    }
                    // The groups of the whole forest are in its root.
                    let here = |rid: u32| domain == DomainNumber(0) || !OF_FOREST.contains(&rid);
                    for (group, rid, kind) in DOMAIN_GROUPS.into_iter().filter(|at| here(at.1)) {
                        let sid = sid.with_rid(rid);
                        self.load_group(domain, object, group, &sid, kind.as_bytes(), now);
                    }
                    for (account, rid, control) in ACCOUNTS {
                        let sid = sid.with_rid(rid);
                        let further = [
                            (known::SAM_ACCOUNT_NAME, account.as_bytes()),
                            (known::OBJECT_SID, sid.as_bytes()),
                            (known::USER_ACCOUNT_CONTROL, control.as_bytes()),
                            (known::IS_CRITICAL_SYSTEM_OBJECT, b"TRUE"),
                        ];
                        self.load_system(own, object, "user", account, &further, now);
                    }
                }
                "Builtin" => {
                    let builtin = Sid::from_text("S-1-5-32").unwrap_or_else(Sid::nobody);
                    for (group, rid) in BUILTIN_GROUPS {
                        let sid = builtin.with_rid(rid);
                        self.load_group(domain, object, group, &sid, BUILTIN_TYPE, now);
                    }
                }
                "System" => {
                    self.load_system(own, object, "container", "AdminSDHolder", &kept, now);
                }
                "ForeignSecurityPrincipals" => {
                    for name in WELL_KNOWN_PRINCIPALS {
                        let sid = Sid::from_text(name).unwrap_or_else(Sid::nobody);
                        let sid = [(known::OBJECT_SID, sid.as_bytes())];
                        let class = "foreignSecurityPrincipal";
                        self.load_system(own, object, class, name, &sid, now);
                    }
                }
                DELETED_OBJECTS => self.hide(object),
                _ => {}
            }
        }
        self.add_memberships(domain);
        self.add_policies(domain, now);
    }

    /// Who belongs to which group of a new domain ([MS-ADTS] 6.1.1.6).
    fn add_memberships(&mut self, domain: DomainNumber) {
        for (group, members) in MEMBERS {
            let members: Vec<ObjectNumber> =
                members.iter().filter_map(|name| self.named_principal(domain, name)).collect();
            self.add_members(domain, group, &members);
        }
    }

    /// A principal of a domain, or of the forest's root, by its relative name.
    fn named_principal(&self, domain: DomainNumber, name: &str) -> Option<ObjectNumber> {
        [domain, DomainNumber(0)].into_iter().find_map(|domain| {
            let spec = self.domain(domain)?;
            let places = ["Users", "Builtin", "ForeignSecurityPrincipals"];
            places.iter().find_map(|place| self.below(self.below(spec.head, place)?, name))
        })
    }

    /// Adds members to a group of a new domain, as if they had been there from the start.
    pub fn add_members(&mut self, domain: DomainNumber, group: &str, members: &[ObjectNumber]) {
        let Some(spec) = self.domain(domain) else { return };
        let places = ["Users", "Builtin"].map(|place| self.below(spec.head, place));
        let found = places.into_iter().flatten().find_map(|place| self.below(place, group));
        let Some(group) = found else { return };
        let slot = self.dcs.iter().find_map(|dc| dc.store.get(group));
        let mut values: Vec<Vec<u8>> = slot
            .map(|slot| slot.entry.record.values(known::MEMBER).map(<[u8]>::to_vec).collect())
            .unwrap_or_default();
        values.extend(members.iter().map(|member| reference(*member).to_vec()));
        let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        self.give(group, known::MEMBER, &values);
    }

    fn load_group(
        &mut self,
        domain: DomainNumber,
        parent: ObjectNumber,
        name: &str,
        sid: &Sid,
        kind: &[u8],
        now: VirtualTime,
    ) {
        let local = kind.ends_with(b"3643") || kind.ends_with(b"3644");
        let account_type: &[u8] = if local { b"536870912" } else { b"268435456" };
        let further = [
            (known::SAM_ACCOUNT_NAME, name.as_bytes()),
            (known::OBJECT_SID, sid.as_bytes()),
            (known::GROUP_TYPE, kind),
            (known::SAM_ACCOUNT_TYPE, account_type),
            (known::IS_CRITICAL_SYSTEM_OBJECT, b"TRUE"),
            (known::SYSTEM_FLAGS, KEPT),
        ];
        // Those of the domain can be moved and renamed.
        let fixed = if kind == BUILTIN_TYPE { further.len() } else { further.len() - 1 };
        self.load_system(Some(domain), parent, "group", name, &further[..fixed], now);
    }

    /// Makes the container of deleted objects itself one of them ([MS-ADTS] 3.1.1.4.5.1).
    fn hide(&mut self, object: ObjectNumber) {
        let schema = std::sync::Arc::clone(&self.schema);
        for dc in &mut self.dcs {
            let Some(slot) = dc.store.get(object) else { continue };
            let mut entry = crate::directory::entry::Entry::clone(&slot.entry);
            entry.life = Life::Deleted;
            entry.record =
                entry.record.with(&[(known::IS_DELETED, &[b"TRUE".as_slice()] as &[&[u8]])]);
            let slot = Slot { entry: std::sync::Arc::new(entry), stamp: slot.stamp };
            dc.store.replace(&schema, object, slot, &[known::IS_DELETED]);
        }
    }

    /// Adds the naming context of a DNS zone below a domain.
    pub(super) fn add_zone(&mut self, name: &str, domain: DomainNumber, now: VirtualTime) {
        let Some(context) = self.contexts.iter().find(|at| at.domain == Some(domain)) else {
            return;
        };
        let mut dn = context.dn.clone();
        dn.rdns.insert(0, rdn("DC", name));
        let guid = guid_of(&dn.to_string().to_lowercase());
        let class = self.schema.class_named("domainDNS").map_or(0, |class| class.number);
        let record = Record::from_sorted([(known::DC, [name.as_bytes()])]);
        let head =
            self.place((None, class, known::DC), guid, record, now, |dc| dc.domain == domain);
        let text = dn.to_string();
        self.contexts.push(NamingContext { head, dn, text, domain: Some(domain), zone: true });
    }

    /// Where sites, services, transports and deleted objects of the configuration are.
    pub(super) fn add_configuration(&mut self, now: VirtualTime) {
        let Some(head) = self.contexts.get(1).map(|context| context.head) else { return };
        let kept = [(known::IS_CRITICAL_SYSTEM_OBJECT, b"TRUE".as_slice())];
        let deleted = self.load_system(None, head, "container", DELETED_OBJECTS, &kept, now);
        self.hide(deleted);
        self.load_system(None, head, "lostAndFound", LOST_AND_FOUND_CONFIG, &kept, now);
        let display = self.load_system(None, head, "container", "DisplaySpecifiers", &[], now);
        // The language of the tools: English.
        self.load_system(None, display, "container", "409", &[], now);
        let sites = self.load_system(None, head, "sitesContainer", "Sites", &[], now);
        self.load_system(None, sites, "subnetContainer", "Subnets", &[], now);
        let class = "interSiteTransportContainer";
        let transports = self.load_system(None, sites, class, "Inter-Site Transports", &[], now);
        for name in ["IP", "SMTP"] {
            self.load_system(None, transports, "interSiteTransport", name, &[], now);
        }
        self.add_services(head, now);
        self.add_extended_rights(head, now);
    }

    /// The settings of the directory service, and the query policy of its domain controllers
    /// ([MS-ADTS] 6.1.1.2.4.1).
    fn add_services(&mut self, configuration: ObjectNumber, now: VirtualTime) {
        let services = self.load_system(None, configuration, "container", "Services", &[], now);
        let windows = self.load_system(None, services, "container", "Windows NT", &[], now);
        let lifetime = [(known::TOMBSTONE_LIFETIME, b"180".as_slice())];
        let service =
            self.load_system(None, windows, "nTDSService", "Directory Service", &lifetime, now);
        let policies = self.load_system(None, service, "container", "Query-Policies", &[], now);
        let policy =
            self.load_system(None, policies, "queryPolicy", "Default Query Policy", &[], now);
        let limits = Policies::admin_limits();
        let limits: Vec<&[u8]> = limits.iter().map(String::as_bytes).collect();
        self.give(policy, known::LDAP_ADMIN_LIMITS, &limits);
        self.add_optional_features(service, now);
        self.query_policy = Some(policy);
        self.directory_service = Some(service);
    }

    /// Gives an object of the system an attribute with several values, on every domain controller.
    pub(super) fn give(
        &mut self,
        object: ObjectNumber,
        attribute: AttributeNumber,
        values: &[&[u8]],
    ) {
        let schema = std::sync::Arc::clone(&self.schema);
        for dc in &mut self.dcs {
            let Some(slot) = dc.store.get(object) else { continue };
            let mut entry = crate::directory::entry::Entry::clone(&slot.entry);
            entry.record = entry.record.with(&[(attribute, values)]);
            let slot = Slot { entry: std::sync::Arc::new(entry), stamp: slot.stamp };
            dc.store.replace(&schema, object, slot, &[attribute]);
        }
    }
}
