//! The applications that are registered in the tenant, with what an administrator granted them.

use crate::caller::{Caller, Role};
use crate::chance::Chance;
use crate::estate::Estate;
use crate::guid::Guid;

/// Application permissions (app roles) that the endpoints here ask for.
///
/// Source: Microsoft Graph permissions reference; "App-only authentication for unattended scripts in
/// Exchange Online PowerShell".
pub mod app_role {
    /// `InvokeCommand` of Exchange Online.
    pub const EXCHANGE_MANAGE: &str = "Exchange.ManageAsApp";
    /// Everything in the directory.
    pub const DIRECTORY_READ: &str = "Directory.Read.All";
    /// Users.
    pub const USER_READ: &str = "User.Read.All";
    /// The organization.
    pub const ORGANIZATION_READ: &str = "Organization.Read.All";
    /// The object-level source of authority of users.
    pub const USER_SYNC_BEHAVIOR: &str = "User-OnPremisesSyncBehavior.ReadWrite.All";
    /// Provisioning agents.
    pub const PUBLISHING_PROFILES: &str = "OnPremisesPublishingProfiles.ReadWrite.All";
    /// Synchronization jobs, reading.
    pub const SYNCHRONIZATION_READ: &str = "Synchronization.Read.All";
    /// Synchronization jobs.
    pub const SYNCHRONIZATION: &str = "Synchronization.ReadWrite.All";
    /// Logs.
    pub const AUDIT_LOG_READ: &str = "AuditLog.Read.All";
}

/// An application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The application (client) id.
    pub client_id: Guid,
    /// The object id of its service principal.
    pub principal: Guid,
    /// Its client secret. Secret only as far as a rehearsal has secrets: it is kept out of logs.
    pub secret: String,
    /// Its display name.
    pub name: String,
    /// App roles that were granted, of all resources.
    pub roles: Vec<String>,
    /// Template ids of its directory roles.
    pub wids: Vec<String>,
    /// What it may do in Exchange Online.
    pub exchange_role: Role,
    /// Whether it is the engine's: then its reads are traced, and its calls cost virtual time.
    pub is_engine: bool,
}

impl Application {
    /// Who it is to the estate.
    #[must_use]
    pub fn caller(&self, estate: &Estate) -> Caller {
        if self.is_engine {
            Caller::engine(self.exchange_role, estate.engine_activity)
        } else {
            Caller::person(self.exchange_role)
        }
    }
}

/// The applications of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applications {
    /// All of them.
    pub list: Vec<Application>,
}

const ENGINE: &str = "engine";

const ALL: [&str; 8] = [
    app_role::EXCHANGE_MANAGE,
    app_role::DIRECTORY_READ,
    app_role::USER_READ,
    app_role::ORGANIZATION_READ,
    app_role::USER_SYNC_BEHAVIOR,
    app_role::PUBLISHING_PROFILES,
    app_role::SYNCHRONIZATION,
    app_role::AUDIT_LOG_READ,
];

const READING: [&str; 6] = [
    app_role::EXCHANGE_MANAGE,
    app_role::DIRECTORY_READ,
    app_role::USER_READ,
    app_role::ORGANIZATION_READ,
    app_role::SYNCHRONIZATION_READ,
    app_role::AUDIT_LOG_READ,
];

impl Applications {
    /// The applications that every estate has: `hybridsim`, `reader`, `helpdesk`, `unprivileged`,
    /// and the engine's, one for each role that it may be given ([`Self::engine`]). Ids and secrets
    /// follow from the seed.
    #[must_use]
    pub fn standard(seed: u64) -> Self {
        let mut chance = Chance::stream(seed, "applications");
        let mut make = |name: &str, roles: &[&str], role: Role| {
            let [client_id, principal, first, second] = [(); 4].map(|()| chance.guid());
            let secret = format!("{first}{second}");
            Application {
                client_id,
                principal,
                secret: secret.chars().filter(|c| *c != '-').take(40).collect(),
                name: name.to_owned(),
                roles: roles.iter().map(|role| (*role).to_owned()).collect(),
                wids: wid(role).map(str::to_owned).into_iter().collect(),
                exchange_role: role,
                is_engine: name.starts_with(ENGINE),
            }
        };
        let exchange = app_role::EXCHANGE_MANAGE;
        let mut list = vec![
            make("hybridsim", &ALL, Role::ExchangeAdministrator),
            make("reader", &READING, Role::Reader),
            make("helpdesk", &[exchange, app_role::USER_READ], Role::Helpdesk),
            make("unprivileged", &[], Role::Unprivileged),
        ];
        for (name, role) in Role::ALL {
            let name = if role == Role::ExchangeAdministrator {
                ENGINE.to_owned()
            } else {
                format!("{ENGINE}-{name}")
            };
            list.push(make(&name, &ALL, role));
        }
        Self { list }
    }

    /// The engine's application for a role in Exchange Online. `engine` itself is the one with
    /// Exchange Administrator.
    #[must_use]
    pub fn engine(&self, role: Role) -> Option<&Application> {
        self.list.iter().find(|a| a.is_engine && a.exchange_role == role)
    }

    /// An application by its display name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Application> {
        self.list.iter().find(|application| application.name == name)
    }

    /// An application by its client id.
    #[must_use]
    pub fn by_client_id(&self, id: Guid) -> Option<&Application> {
        self.list.iter().find(|application| application.client_id == id)
    }
}

/// The directory role that stands for a role here.
///
/// Source: Microsoft Learn, "Microsoft Entra built-in roles" (template ids).
fn wid(role: Role) -> Option<&'static str> {
    match role {
        Role::GlobalAdministrator => Some("62e90394-69f5-4237-9190-012177145e10"),
        Role::HybridIdentityAdministrator => Some("8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2"),
        Role::ExchangeAdministrator => Some("29232cdf-9323-42fd-ade2-1d097af3e4de"),
        // Exchange Recipient Administrator.
        Role::Helpdesk => Some("31392ffb-586c-42d1-9346-e59415a2cc4e"),
        // Global Reader.
        Role::Reader => Some("f2ef992c-3afb-46b9-b7cf-a126ee74c451"),
        Role::Unprivileged => None,
    }
}
