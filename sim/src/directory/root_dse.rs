//! The rootDSE: what a domain controller says of itself. It announces what works here, nothing else
//! ([MS-ADTS] 3.1.1.3.2).

use std::sync::Arc;

use crate::clock::VirtualTime;
use crate::directory::answer::{LdapResult, SearchEntry};
use crate::directory::controls::SUPPORTED_CONTROLS;
use crate::directory::diagnostic;
use crate::directory::entry::DcNumber;
use crate::directory::features::RECYCLE_BIN;
use crate::directory::forest::{DomainController, Forest};
use crate::directory::modify::Writer;
use crate::directory::policies::Policies;
use crate::directory::principal::{Principal, Rights};
use crate::directory::request::{AttributeName, Filter, ModifyRequest, Name, SearchRequest};
use crate::directory::schema::known;
use crate::directory::schema::syntax::generalized_time;
use crate::directory::search::Asker;
use crate::directory::topology::LEVEL;

/// Active Directory since Windows 2000, 2003, 2008, 2008 R2, 2012.
const CAPABILITIES: [&str; 5] = [
    "1.2.840.113556.1.4.800",
    "1.2.840.113556.1.4.1670",
    "1.2.840.113556.1.4.1935",
    "1.2.840.113556.1.4.2080",
    "1.2.840.113556.1.4.2237",
];

/// A read-only domain controller ([MS-ADTS] 3.1.1.3.4.3, ACTIVE_DIRECTORY_PARTIAL_SECRETS).
const PARTIAL_SECRETS: &str = "1.2.840.113556.1.4.1920";

/// "Who am I?" (RFC 4532).
pub const WHO_AM_I: &str = "1.3.6.1.4.1.4203.1.11.3";

/// StartTLS (RFC 4511 4.14).
pub const START_TLS: &str = "1.3.6.1.4.1.1466.20037";

/// Fast bind ([MS-ADTS] 3.1.1.3.4.2.3): binds verify a password and nothing else.
pub const FAST_BIND: &str = "1.2.840.113556.1.4.1781";

/// Batch ([MS-ADTS] 3.1.1.3.4.2.5): several operations, all or none.
pub const BATCH: &str = "1.2.840.113556.1.4.2212";

/// The extended operations that work.
const EXTENSIONS: [&str; 4] = [START_TLS, WHO_AM_I, FAST_BIND, BATCH];

/// Where a domain controller listens, as far as it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// LDAP.
    pub ldap: Option<u16>,
    /// LDAP over TLS.
    pub ldaps: Option<u16>,
}

/// The account that an LDAP ping asks for, if it names one ([MS-ADTS] 6.3.3.1).
fn pinged_user(filter: &Filter) -> Option<&str> {
    match filter {
        Filter::And(filters) => filters.iter().find_map(pinged_user),
        Filter::Equality(AttributeName::Text(name), value) if name.eq_ignore_ascii_case("User") => {
            core::str::from_utf8(value).ok().filter(|user| !user.is_empty())
        }
        _ => None,
    }
}

/// Whether a filter can be that of an LDAP ping ([MS-ADTS] 6.3.3.1).
fn is_ping(filter: &Filter) -> bool {
    const NAMES: [&str; 8] =
        ["DnsDomain", "Host", "DnsHostName", "User", "AAC", "DomainSid", "DomainGuid", "NtVer"];
    match filter {
        Filter::And(filters) => filters.iter().all(is_ping),
        Filter::Equality(AttributeName::Text(name), _) => {
            NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
        }
        _ => false,
    }
}

/// Whether a search asks for the answer to an LDAP ping with a filter that is none: it is answered with
/// nothing.
pub(super) fn is_failed_ping(request: &SearchRequest) -> bool {
    let netlogon = |name: &AttributeName| matches!(name, AttributeName::Text(text) if text.eq_ignore_ascii_case("netlogon"));
    request.selection.iter().any(netlogon) && !is_ping(&request.filter)
}

impl Forest {
    /// Tells a domain controller where it listens: only then its rootDSE says it.
    pub fn set_ports(&mut self, dc: DcNumber, ports: Ports) {
        self.ports.insert(dc, ports);
    }

    /// The rootDSE of a domain controller, as far as it is asked for. The filter does not count.
    pub(super) fn root_dse(
        &self,
        controller: &DomainController,
        asker: &Asker<'_>,
        request: &SearchRequest,
        input: Option<&str>,
    ) -> SearchEntry {
        let wanted = |name: &str, on_request: bool| {
            let named = request.selection.iter().any(
                |at| matches!(at, AttributeName::Text(text) if text.eq_ignore_ascii_case(name)),
            );
            let all = request.selection.is_empty()
                || request.selection.iter().any(|at| *at == AttributeName::from("*"));
            named || (all && !on_request)
        };
        let ordinary = self.root_dse_attributes(controller, asker.now);
        let operational = self.root_dse_operational(controller, asker.principal);
        let mut attributes: Vec<(Arc<str>, Vec<Vec<u8>>)> = Vec::new();
        for (on_request, (name, values)) in ordinary
            .into_iter()
            .map(|attribute| (false, attribute))
            .chain(operational.into_iter().map(|attribute| (true, attribute)))
        {
            if wanted(name, on_request) && !values.is_empty() {
                let values = values.into_iter().map(String::into_bytes);
                let values = if request.types_only { Vec::new() } else { values.collect() };
                attributes.push((name.into(), values));
            }
        }
        if wanted("tokenGroups", true) && !asker.principal.is_anonymous() {
            let sids = self.root_dse_groups(controller, asker.principal, input);
            attributes.push(("tokenGroups".into(), sids));
        }
        if wanted("netlogon", true) && self.is_pinged(controller, &request.filter) {
            let user = pinged_user(&request.filter);
            attributes.push(("netlogon".into(), vec![self.netlogon(controller, user)]));
        }
        SearchEntry { guid: None, dn: String::new(), attributes }
    }

    /// Whether an LDAP ping is for this domain controller: of its domain or its forest, or of none that it
    /// names ([MS-ADTS] 6.3.3.2).
    fn is_pinged(&self, controller: &DomainController, filter: &Filter) -> bool {
        match filter {
            Filter::And(filters) => filters.iter().all(|inner| self.is_pinged(controller, inner)),
            Filter::Equality(AttributeName::Text(name), value)
                if name.eq_ignore_ascii_case("DnsDomain") =>
            {
                let mut own =
                    self.domain(controller.domain).into_iter().chain(self.domains.first());
                let named = value.strip_suffix(b".").unwrap_or(value);
                own.any(|own| own.dns.as_bytes().eq_ignore_ascii_case(named))
            }
            Filter::Equality(AttributeName::Text(name), value)
                if name.eq_ignore_ascii_case("DomainGuid") =>
            {
                let head = self.domain(controller.domain).map(|domain| domain.head);
                let head = head.and_then(|head| controller.store.get(head));
                head.is_some_and(|slot| value.as_slice() == slot.entry.guid.0.as_slice())
            }
            _ => true,
        }
    }

    /// The answer to the question whether a domain controller is there ([MS-ADTS] 6.3.1.9).
    fn netlogon(&self, controller: &DomainController, user: Option<&str>) -> Vec<u8> {
        const SAM_LOGON_RESPONSE_EX: u16 = 23;
        const SAM_USER_UNKNOWN_EX: u16 = 25;
        // PDC, global catalog, LDAP, directory, Kerberos, time, close, writable, full secrets.
        const FLAGS: u32 = 0x0000_13fd;
        const PDC: u32 = 0x1;
        const WRITABLE: u32 = 0x100;
        const FULL_SECRETS: u32 = 0x1000;
        const PARTIAL_SECRETS: u32 = 0x800;
        let first = self.writable_dc(controller.domain).map(|dc| dc.number);
        let mut flags = FLAGS;
        if controller.read_only {
            flags = flags & !(WRITABLE | FULL_SECRETS) | PARTIAL_SECRETS;
        }
        if first != Some(controller.number) {
            flags &= !PDC;
        }
        let domain = self.domain(controller.domain);
        let dns = domain.map_or("", |domain| domain.dns.as_str());
        let forest = self.domains.first().map_or("", |domain| domain.dns.as_str());
        let netbios = domain.map_or("", |domain| domain.netbios.as_str());
        let host = format!("{}.{dns}", controller.host);
        let guid = domain.and_then(|domain| controller.store.get(domain.head));
        let mut answer = Vec::new();
        let known = user.is_none_or(|user| {
            let found = self.live_with_value(controller, known::SAM_ACCOUNT_NAME, user.as_bytes());
            !found.is_empty()
        });
        let opcode = if known { SAM_LOGON_RESPONSE_EX } else { SAM_USER_UNKNOWN_EX };
        answer.extend_from_slice(&opcode.to_le_bytes());
        answer.extend_from_slice(&[0, 0]);
        answer.extend_from_slice(&flags.to_le_bytes());
        answer.extend_from_slice(&guid.map_or([0; 16], |slot| slot.entry.guid.0));
        // A label has 63 bytes at most; nobody is called longer.
        let user = user.filter(|user| user.len() < 64).unwrap_or_default();
        let site = controller.site.as_str();
        for name in [forest, dns, &host, netbios, &controller.host, user, site, site] {
            for label in name.split('.').filter(|label| !label.is_empty()) {
                answer.push(u8::try_from(label.len()).unwrap_or(0));
                answer.extend_from_slice(label.as_bytes());
            }
            answer.push(0);
        }
        answer.extend_from_slice(&5_u32.to_le_bytes());
        answer.extend_from_slice(&[0xff; 4]);
        answer
    }

    /// An operation on the domain controller itself, written as an attribute of the rootDSE
    /// ([MS-ADTS] 3.1.1.3.3).
    ///
    /// # Errors
    /// 53 for one that does nothing here or does not exist.
    pub(super) fn root_dse_operation(
        &mut self,
        writer: &Writer<'_>,
        request: &ModifyRequest,
    ) -> Result<LdapResult, LdapResult> {
        if writer.principal.is_anonymous() {
            return Err(diagnostic::not_bound());
        }
        if writer.principal.rights != Rights::Full {
            return Err(diagnostic::access_denied());
        }
        for change in &request.changes {
            let AttributeName::Text(name) = &change.attribute else {
                return Err(diagnostic::unwilling(0x2035));
            };
            let value = change.values.first().map(|value| String::from_utf8_lossy(value));
            match name.to_ascii_lowercase().as_str() {
                // The schema is in force as soon as it is there.
                "schemaupdatenow" => {}
                "dogarbagecollection" => {
                    self.collect_garbage(writer.dc, writer.now);
                }
                "runprotectadmingroupstask" | "fixupinheritance" => {
                    self.protect_administrators(writer.dc, writer.now);
                }
                "enableoptionalfeature"
                    if value.is_some_and(|value| value.to_lowercase().ends_with(RECYCLE_BIN)) =>
                {
                    self.enable_recycle_bin(writer.dc, writer.now);
                }
                _ => return Err(diagnostic::unwilling(0x2035)),
            }
        }
        Ok(LdapResult::success())
    }

    fn root_dse_attributes(
        &self,
        controller: &DomainController,
        now: VirtualTime,
    ) -> Vec<(&'static str, Vec<String>)> {
        let context = |at: usize| self.contexts.get(at).map_or("", |context| context.text.as_str());
        let (root, configuration, schema) = (context(0), context(1), context(2));
        let own = self.contexts.iter().find(|context| context.domain == Some(controller.domain));
        let own = own.map_or("", |context| context.text.as_str());
        let domain = self.domain(controller.domain).map_or("", |domain| domain.dns.as_str());
        let forest = self.domains.first().map_or("", |domain| domain.dns.as_str());
        let host = &controller.host;
        let server = self.server_dn(controller);
        let one = |text: &str| vec![text.to_owned()];
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let mut capabilities: Vec<String> = texts(&CAPABILITIES);
        capabilities.extend(controller.read_only.then(|| PARTIAL_SECRETS.to_owned()));
        vec![
            ("currentTime", vec![generalized_time(now)]),
            ("subschemaSubentry", vec![format!("CN=Aggregate,{schema}")]),
            ("dsServiceName", vec![self.settings_dn(controller)]),
            ("namingContexts", self.contexts_of(controller)),
            ("defaultNamingContext", one(own)),
            ("schemaNamingContext", one(schema)),
            ("configurationNamingContext", one(configuration)),
            ("rootDomainNamingContext", one(root)),
            ("supportedControl", texts(&SUPPORTED_CONTROLS)),
            ("supportedLDAPVersion", texts(&["3", "2"])),
            ("supportedLDAPPolicies", Policies::names()),
            ("highestCommittedUSN", vec![controller.highest_usn.to_string()]),
            ("dnsHostName", vec![self.host_name(controller).to_lowercase()]),
            (
                "ldapServiceName",
                vec![format!("{forest}:{}$@{}", host.to_lowercase(), domain.to_uppercase())],
            ),
            ("serverName", vec![server]),
            ("supportedCapabilities", capabilities),
            ("isSynchronized", one("TRUE")),
            ("isGlobalCatalogReady", one("TRUE")),
            ("domainFunctionality", one(LEVEL)),
            ("forestFunctionality", one(LEVEL)),
            ("domainControllerFunctionality", one(LEVEL)),
        ]
    }

    /// The naming contexts that a domain controller holds.
    fn contexts_of(&self, controller: &DomainController) -> Vec<String> {
        let held = self
            .contexts
            .iter()
            .filter(|context| context.domain.is_none_or(|domain| domain == controller.domain));
        held.map(|context| context.text.clone()).collect()
    }

    /// The SIDs of the caller and its groups, or, with the DN input control, of another object's
    /// ([MS-ADTS] 3.1.1.3.2.25).
    fn root_dse_groups(
        &self,
        controller: &DomainController,
        principal: &Principal,
        input: Option<&str>,
    ) -> Vec<Vec<u8>> {
        let name = match (input, &principal.sid) {
            (Some(name), _) => Name::from_text(name),
            (None, Some(sid)) => Name::Sid(sid.clone()),
            (None, None) => return Vec::new(),
        };
        let Ok(object) = self.resolve_anywhere(controller.number, &name) else { return Vec::new() };
        let own = self.holder(controller, object).store.get(object);
        let own = own.and_then(|slot| slot.entry.record.first(known::OBJECT_SID));
        let groups = self.group_sids(controller, object, true);
        let groups = groups.iter().map(|sid| sid.as_bytes().to_vec());
        own.map(<[u8]>::to_vec).into_iter().chain(groups).collect()
    }

    /// The naming contexts and objects whose operation master a domain controller is
    /// ([MS-ADTS] 3.1.1.3.2.29).
    fn roles_of(&self, controller: &DomainController) -> Vec<String> {
        let own = self.settings_of(controller.number);
        let roles = self.role_objects(controller.domain).into_iter();
        let owned = roles.filter(|object| own.is_some() && self.role_owner(*object) == own);
        owned.map(|object| self.dn(controller, object)).collect()
    }

    /// What is returned only when named.
    fn root_dse_operational(
        &self,
        controller: &DomainController,
        principal: &Principal,
    ) -> Vec<(&'static str, Vec<String>)> {
        let none = Vec::new;
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let port = |of: fn(&Ports) -> Option<u16>| -> Vec<String> {
            let ports = self.ports.get(&controller.number);
            ports.and_then(of).map(|port| port.to_string()).into_iter().collect()
        };
        vec![
            ("supportedExtension", names(&EXTENSIONS)),
            ("supportedConfigurableSettings", none()),
            ("LDAPPoliciesEffective", self.policies.effective()),
            ("ConfigurableSettingsEffective", none()),
            ("databaseGuid", vec![controller.invocation_id.to_string()]),
            ("dsSchemaAttrCount", vec![self.schema.attributes().count().to_string()]),
            ("dsSchemaClassCount", vec![self.schema.classes().count().to_string()]),
            ("dsSchemaPrefixCount", vec![self.schema.prefixes().to_string()]),
            ("dsaVersionString", vec!["hybridsim".to_owned()]),
            ("msDS-PortLDAP", port(|ports| ports.ldap)),
            ("msDS-PortSSL", port(|ports| ports.ldaps)),
            ("msDS-PrincipalName", vec![principal.name.clone()]),
            ("pendingPropagations", none()),
            ("serviceAccountInfo", none()),
            ("spnRegistrationResult", vec!["0".to_owned()]),
            ("usnAtRifm", none()),
            ("validFSMOs", self.roles_of(controller)),
            ("approximateHighestInternalObjectID", vec![self.next_object.to_string()]),
        ]
    }
}
