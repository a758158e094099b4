//! Who people are to Active Directory and to the last Exchange server, by their roles.
//!
//! Sources: Microsoft Learn, "Active Directory security groups" (Domain Admins, Account Operators) and
//! "Understanding split permissions" (with shared permissions an Exchange administrator has no rights of his own in
//! AD: the server writes for him). That the other roles of the cloud are accounts like any other in AD follows: they
//! are roles of the cloud alone. Evidence: documented for the groups, inferred for which role is in which.

use super::Estate;
use crate::caller::{Caller, Role};
use crate::directory::forest::Forest;
use crate::directory::forests::DcKey;
use crate::directory::name::Sid;
use crate::directory::principal::{AttributeSet, Principal, Rights};
use crate::directory::security::access::Token;

/// Groups by their number in a domain, and builtin ones.
const DOMAIN_USERS: u32 = 513;
const USERS: &str = "S-1-5-32-545";
const ACCOUNT_OPERATORS: &str = "S-1-5-32-548";
/// The number of the account behind a role: the highest that a domain can give, so that no other has it.
const ACCOUNT: u32 = 0x3FFF_FFFF;

/// What a role is to Active Directory and to the last Exchange server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Domain Admins and Organization Management: everything.
    Administrator,
    /// Organization Management: the Exchange server writes for it; with other tools it reads.
    OrganizationManagement,
    /// Account Operators and Recipient Management: users and groups that are not protected; the Exchange server
    /// writes recipients for it.
    AccountOperator,
    /// Reads, and writes these attributes of users; without a list, all of them.
    Delegate(Option<Vec<String>>),
    /// Reads, as everybody who has an account.
    Account,
}

impl Standing {
    /// That of a role when nothing else is said.
    #[must_use]
    pub const fn of(role: Role) -> Self {
        match role {
            Role::GlobalAdministrator => Self::Administrator,
            Role::ExchangeAdministrator => Self::OrganizationManagement,
            Role::Helpdesk => Self::AccountOperator,
            Role::HybridIdentityAdministrator
            | Role::Reader
            | Role::Unprivileged
            | Role::Own(_) => Self::Account,
        }
    }

    /// Whether the Exchange server writes recipients for it, with the server's own rights.
    const fn has_server_write(&self) -> bool {
        matches!(self, Self::Administrator | Self::OrganizationManagement | Self::AccountOperator)
    }

    /// Whether it may change what the Exchange organization has beside recipients.
    pub(super) const fn may_change_organization(&self) -> bool {
        matches!(self, Self::Administrator | Self::OrganizationManagement)
    }
}

impl Estate {
    /// Says what a role is to AD from now on.
    pub fn set_standing(&mut self, role: Role, standing: Standing) {
        self.standings.insert(role, standing);
    }

    /// What a role is to AD.
    #[must_use]
    pub fn standing(&self, role: Role) -> Standing {
        self.standings.get(&role).cloned().unwrap_or_else(|| Standing::of(role))
    }

    /// With which rights somebody writes at a domain controller: his own, or those of the Exchange server
    /// whose cmdlet he runs.
    pub(super) fn writer_at(&self, caller: &Caller, dc: DcKey, through_server: bool) -> Principal {
        let standing = self.standing(caller.role);
        if standing == Standing::Administrator || (through_server && standing.has_server_write()) {
            return Principal::system();
        }
        let domain = self.forests.dc(dc).map(|controller| controller.domain);
        let forest = self.forests.get(dc.forest);
        let domain = forest.zip(domain).and_then(|(forest, domain)| forest.domain(domain));
        let Some(domain) = domain else { return Principal::anonymous() };
        let sid = domain.sid.with_rid(ACCOUNT);
        let rights = match &standing {
            Standing::Delegate(attributes) => {
                let schema = forest.map(Forest::schema);
                let number = |name: &String| Some(schema?.attribute_named(name)?.number);
                Rights::WriteAttributes(match attributes {
                    None => AttributeSet::All,
                    Some(names) => AttributeSet::of(names.iter().filter_map(number).collect()),
                })
            }
            _ => {
                let operators =
                    (standing == Standing::AccountOperator).then_some(ACCOUNT_OPERATORS);
                let groups = [USERS].into_iter().chain(operators).filter_map(Sid::from_text);
                let groups = groups.chain([domain.sid.with_rid(DOMAIN_USERS)]).collect();
                Rights::Acl(Token::new(sid.clone(), groups))
            }
        };
        let name = format!("{}\\{}", domain.netbios, caller.actor.name);
        Principal { name, sid: Some(sid), rights, secure: true }
    }
}
