//! The rootDSE: what a domain controller says of itself. It announces what works here, nothing else
//! ([MS-ADTS] 3.1.1.3.2).

use std::sync::Arc;

use crate::clock::VirtualTime;
use crate::directory::answer::SearchEntry;
use crate::directory::forest::{DomainController, Forest};
use crate::directory::request::{AttributeName, SearchRequest};
use crate::directory::schema::syntax::generalized_time;

/// The controls that work, by OID.
pub const SUPPORTED_CONTROLS: [&str; 4] = [
    "1.2.840.113556.1.4.319",
    "1.2.840.113556.1.4.1413",
    "1.2.840.113556.1.4.1339",
    "1.2.840.113556.1.4.619",
];

/// Active Directory since Windows 2000, 2003, 2008, 2008 R2, 2012.
const CAPABILITIES: [&str; 5] = [
    "1.2.840.113556.1.4.800",
    "1.2.840.113556.1.4.1670",
    "1.2.840.113556.1.4.1935",
    "1.2.840.113556.1.4.2080",
    "1.2.840.113556.1.4.2237",
];

/// "Who am I?" (RFC 4532).
pub const WHO_AM_I: &str = "1.3.6.1.4.1.4203.1.11.3";

/// The functional level of Windows Server 2016 to 2022.
const LEVEL: &str = "7";

impl Forest {
    /// The rootDSE of a domain controller, as far as it is asked for. The filter does not count.
    pub(super) fn root_dse(
        &self,
        controller: &DomainController,
        now: VirtualTime,
        request: &SearchRequest,
    ) -> SearchEntry {
        let wanted = |name: &str, on_request: bool| {
            let named = request.selection.iter().any(
                |at| matches!(at, AttributeName::Text(text) if text.eq_ignore_ascii_case(name)),
            );
            let all = request.selection.is_empty()
                || request.selection.iter().any(|at| *at == AttributeName::from("*"));
            named || (all && !on_request)
        };
        let ordinary = self.root_dse_attributes(controller, now);
        let operational = self.root_dse_operational(controller);
        let mut attributes: Vec<(Arc<str>, Vec<Vec<u8>>)> = Vec::new();
        for (on_request, (name, values)) in ordinary
            .into_iter()
            .map(|attribute| (false, attribute))
            .chain(operational.into_iter().map(|attribute| (true, attribute)))
        {
            if wanted(name, on_request) {
                let values = values.into_iter().map(String::into_bytes);
                let values = if request.types_only { Vec::new() } else { values.collect() };
                attributes.push((name.into(), values));
            }
        }
        SearchEntry { guid: None, dn: String::new(), attributes }
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
        let server =
            format!("CN={host},CN=Servers,CN={},CN=Sites,{configuration}", controller.site);
        let one = |text: &str| vec![text.to_owned()];
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        vec![
            ("currentTime", vec![generalized_time(now)]),
            ("subschemaSubentry", vec![format!("CN=Aggregate,{schema}")]),
            ("dsServiceName", vec![format!("CN=NTDS Settings,{server}")]),
            ("namingContexts", texts(&[own, configuration, schema])),
            ("defaultNamingContext", one(own)),
            ("schemaNamingContext", one(schema)),
            ("configurationNamingContext", one(configuration)),
            ("rootDomainNamingContext", one(root)),
            ("supportedControl", texts(&SUPPORTED_CONTROLS)),
            ("supportedLDAPVersion", texts(&["3", "2"])),
            ("supportedLDAPPolicies", texts(&["MaxPageSize", "MaxValRange"])),
            ("highestCommittedUSN", vec![controller.highest_usn.to_string()]),
            ("dnsHostName", vec![format!("{host}.{domain}")]),
            (
                "ldapServiceName",
                vec![format!("{forest}:{}$@{}", host.to_lowercase(), domain.to_uppercase())],
            ),
            ("serverName", vec![server]),
            ("supportedCapabilities", texts(&CAPABILITIES)),
            ("isSynchronized", one("TRUE")),
            ("isGlobalCatalogReady", one("FALSE")),
            ("domainFunctionality", one(LEVEL)),
            ("forestFunctionality", one(LEVEL)),
            ("domainControllerFunctionality", one(LEVEL)),
        ]
    }

    /// What is returned only when named.
    fn root_dse_operational(
        &self,
        controller: &DomainController,
    ) -> Vec<(&'static str, Vec<String>)> {
        vec![
            ("supportedExtension", vec![WHO_AM_I.to_owned()]),
            (
                "LDAPPoliciesEffective",
                vec![
                    format!("MaxPageSize:{}", self.policies.max_page_size),
                    format!("MaxValRange:{}", self.policies.max_value_range),
                ],
            ),
            ("databaseGuid", vec![controller.invocation_id.to_string()]),
            ("dsSchemaAttrCount", vec![self.schema.attributes().count().to_string()]),
            ("dsSchemaClassCount", vec![self.schema.classes().count().to_string()]),
        ]
    }
}
