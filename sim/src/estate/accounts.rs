//! Accounts with a password: the administrator, and the service account of the agents.

use crate::chance::Chance;
use crate::clock::VirtualTime;
use crate::directory::entry::DcNumber;
use crate::directory::forest::{DomainNumber, Forest};
use crate::directory::forests::{AdObject, ForestNumber};
use crate::directory::principal::{AttributeSet, Rights};
use crate::directory::request::ObjectNumber;
use crate::record::Record;

/// The last part of the SID of a domain's built-in administrator.
const ADMINISTRATOR: u32 = 500;

/// The groups that it belongs to ([MS-ADTS] 6.1.1.6).
const GROUPS: [&str; 5] = [
    "Administrators",
    "Domain Admins",
    "Enterprise Admins",
    "Schema Admins",
    "Group Policy Creator Owners",
];

/// An account that can bind.
#[derive(Clone)]
pub struct ServiceAccount {
    /// Its object.
    pub object: AdObject,
    /// `sAMAccountName`.
    pub name: &'static str,
    /// The password. Secret only as far as a rehearsal has secrets: it is kept out of logs.
    pub password: String,
}

/// The accounts of a forest.
#[derive(Clone)]
pub struct ServiceAccounts {
    /// A domain administrator.
    pub administrator: ServiceAccount,
    /// The provisioning agents' account of each domain: reads everything, writes attributes of users.
    pub agents: Vec<ServiceAccount>,
}

impl ServiceAccounts {
    pub(super) fn create(
        number: ForestNumber,
        forest: &mut Forest,
        now: VirtualTime,
        chance: &mut Chance,
    ) -> Self {
        let domains: Vec<DomainNumber> = forest.domains().iter().map(|at| at.number).collect();
        let forest = &mut (number, forest);
        let administrator = ("Administrator", ADMINISTRATOR, Rights::Full);
        let administrator = create(forest, DomainNumber(0), now, chance, administrator);
        for group in GROUPS {
            forest.1.add_members(DomainNumber(0), group, &[administrator.object.number]);
        }
        let agent = |domain: DomainNumber| {
            let rights = Rights::WriteAttributes(AttributeSet::All);
            create(forest, domain, now, chance, ("provAgentgMSA$", 1_103, rights))
        };
        Self { administrator, agents: domains.into_iter().map(agent).collect() }
    }

    /// The provisioning agents' account of a domain.
    #[must_use]
    pub fn agent(&self, domain: DomainNumber) -> Option<&ServiceAccount> {
        self.agents.get(usize::from(domain.0))
    }
}

/// Creates an account under `CN=Users` of a domain.
fn create(
    (forest_number, forest): &mut (ForestNumber, &mut Forest),
    domain: DomainNumber,
    now: VirtualTime,
    chance: &mut Chance,
    (name, rid, rights): (&'static str, u32, Rights),
) -> ServiceAccount {
    let (users, dns, sid) = forest.domain(domain).map_or_else(
        || (ObjectNumber(0), String::new(), Vec::new()),
        |d| (d.users, d.dns.clone(), d.sid.with_rid(rid).as_bytes().to_vec()),
    );
    let number = |name: &str| forest.schema().attribute_named(name).map(|a| a.number);
    let upn = format!("{}@{dns}", name.trim_end_matches('$'));
    let mut values: Vec<(u16, Vec<u8>)> = [
        ("cn", name.as_bytes().to_vec()),
        ("sAMAccountName", name.as_bytes().to_vec()),
        ("userPrincipalName", upn.into_bytes()),
        ("userAccountControl", b"512".to_vec()),
        ("objectSid", sid),
    ]
    .into_iter()
    // The built-in account cannot be deleted.
    .chain((rid == ADMINISTRATOR).then(|| ("isCriticalSystemObject", b"TRUE".to_vec())))
    .filter_map(|(attribute, value)| Some((number(attribute)?, value)))
    .collect();
    values.sort_by_key(|(number, _)| *number);
    let record = Record::from_sorted(values.iter().map(|(n, value)| (*n, [value.as_slice()])));
    let class = forest.schema().class_named("user").map_or(0, |class| class.number);
    let object = forest.load(domain, users, class, chance.guid(), record, now);
    let password = format!("{}Aa1!", chance.guid());
    forest.set_account(object, password.as_bytes(), rights);
    let dc = forest.dcs().iter().find(|dc| dc.domain == domain).map_or(DcNumber(0), |dc| dc.number);
    let object = AdObject { forest: *forest_number, dc, number: object };
    ServiceAccount { object, name, password }
}
