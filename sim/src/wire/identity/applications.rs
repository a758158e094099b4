//! The applications that are registered in the tenant, with what an administrator granted them.

use super::accounts::Accounts;
use super::certificate::Certificate;
use crate::caller::{Caller, Role};
use crate::chance::Chance;
use crate::estate::Estate;
use crate::exchange::rbac::Rbac;
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
    /// Everything in the directory, writing.
    pub const DIRECTORY: &str = "Directory.ReadWrite.All";
    /// Users, writing.
    pub const USER: &str = "User.ReadWrite.All";
    /// Groups, reading.
    pub const GROUP_READ: &str = "Group.Read.All";
    /// Groups.
    pub const GROUP: &str = "Group.ReadWrite.All";
    /// Organizational contacts.
    pub const CONTACT_READ: &str = "OrgContact.Read.All";
    /// The organization, writing.
    pub const ORGANIZATION: &str = "Organization.ReadWrite.All";
    /// The object-level source of authority of groups.
    pub const GROUP_SYNC_BEHAVIOR: &str = "Group-OnPremisesSyncBehavior.ReadWrite.All";
    /// The object-level source of authority of contacts.
    pub const CONTACT_SYNC_BEHAVIOR: &str = "Contacts-OnPremisesSyncBehavior.ReadWrite.All";
    /// The features of directory synchronization.
    pub const DIRECTORY_SYNCHRONIZATION: &str = "OnPremDirectorySynchronization.ReadWrite.All";
    /// Applications and service principals.
    pub const APPLICATION: &str = "Application.ReadWrite.All";
    /// Directory roles.
    pub const ROLE_MANAGEMENT: &str = "RoleManagement.ReadWrite.Directory";
    /// Licences of users.
    pub const LICENCE: &str = "LicenseAssignment.ReadWrite.All";
    /// Applications and service principals, reading.
    pub const APPLICATION_READ: &str = "Application.Read.All";
}

/// Delegated permissions (scopes) that are no app role at the same time.
///
/// Source: Microsoft Graph permissions reference; Microsoft Learn, "Exchange Online PowerShell".
pub mod scope {
    /// Cmdlets of Exchange Online as the signed-in user.
    pub const EXCHANGE_MANAGE: &str = "Exchange.Manage";
    /// The signed-in user alone.
    pub const USER_READ: &str = "User.Read";
    /// Azure Resource Manager as the signed-in user.
    pub const USER_IMPERSONATION: &str = "user_impersonation";
    /// What the signed-in user may do.
    pub const ACCESS_AS_USER: &str = "Directory.AccessAsUser.All";
}

/// An application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The application (client) id.
    pub client_id: Guid,
    /// The object id of its service principal.
    pub principal: Guid,
    /// Its client secret. Secret only as far as a rehearsal has secrets: it is kept out of logs. Empty
    /// for a public client, which has none.
    pub secret: String,
    /// Whether the secret has expired.
    pub secret_expired: bool,
    /// Certificates that its assertions may be signed with.
    pub certificates: Vec<Certificate>,
    /// Whether it may sign users in without a secret ("Allow public client flows").
    pub public: bool,
    /// Its display name.
    pub name: String,
    /// App roles that were granted, of all resources.
    pub roles: Vec<String>,
    /// Delegated permissions that were consented to, of all resources.
    pub scopes: Vec<String>,
    /// Template ids of its directory roles.
    pub wids: Vec<String>,
    /// What it may do in Exchange Online.
    pub exchange_role: Role,
    /// Whether it is the engine's: then its reads are traced, and its calls cost virtual time.
    pub is_engine: bool,
}

impl Application {
    /// Whether it proves who it is with a secret or certificate.
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        !self.secret.is_empty() || !self.certificates.is_empty()
    }

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
    /// Who may sign in beside the users of the directory.
    pub accounts: Accounts,
}

const ENGINE: &str = "engine";

const ALL: [&str; 20] = [
    app_role::EXCHANGE_MANAGE,
    app_role::DIRECTORY_READ,
    app_role::USER_READ,
    app_role::ORGANIZATION_READ,
    app_role::USER_SYNC_BEHAVIOR,
    app_role::PUBLISHING_PROFILES,
    app_role::SYNCHRONIZATION,
    app_role::AUDIT_LOG_READ,
    app_role::DIRECTORY,
    app_role::USER,
    app_role::GROUP,
    app_role::CONTACT_READ,
    app_role::ORGANIZATION,
    app_role::GROUP_SYNC_BEHAVIOR,
    app_role::CONTACT_SYNC_BEHAVIOR,
    app_role::DIRECTORY_SYNCHRONIZATION,
    app_role::APPLICATION,
    app_role::GROUP_READ,
    app_role::LICENCE,
    app_role::ROLE_MANAGEMENT,
];

const READING: [&str; 9] = [
    app_role::EXCHANGE_MANAGE,
    app_role::DIRECTORY_READ,
    app_role::USER_READ,
    app_role::ORGANIZATION_READ,
    app_role::SYNCHRONIZATION_READ,
    app_role::AUDIT_LOG_READ,
    app_role::GROUP_READ,
    app_role::CONTACT_READ,
    app_role::APPLICATION_READ,
];

/// Public clients of Microsoft that tools sign in with, by name and client id.
///
/// Source: Microsoft Learn, "Verify first-party Microsoft applications in sign-in reports".
const FIRST_PARTY: [(&str, &str); 4] = [
    ("Microsoft Azure CLI", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
    ("Microsoft Azure PowerShell", "1950a258-227b-4e31-a9cf-717495945fc2"),
    ("Microsoft Graph Command Line Tools", "14d82eec-204b-4c2f-b7e8-296a70dab67e"),
    ("Microsoft Exchange REST API Based Powershell", "fb78d390-0c51-40cd-8e17-fdbfab77341b"),
];

impl Applications {
    /// The applications that every estate has: `hybridsim`, `reader`, `helpdesk`, `unprivileged`, the
    /// engine's, one for each role that it may be given ([`Self::engine`]), one without a directory
    /// role (`unassigned`), one whose secret has expired (`expired`), and public clients of Microsoft.
    /// Ids and secrets follow from the seed.
    #[must_use]
    pub fn standard(seed: u64) -> Self {
        let mut chance = Chance::stream(seed, "applications");
        let mut make =
            |name: &str, roles: &[&str], role: Role| application(&mut chance, name, roles, role);
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
        list.push(make("unassigned", &[exchange], Role::Unprivileged));
        let expired = make("expired", &READING, Role::Reader);
        list.push(Application { secret_expired: true, ..expired });
        for (name, id) in FIRST_PARTY {
            let made = make(name, &[], Role::Unprivileged);
            let client_id = id.parse().unwrap_or(made.client_id);
            list.push(Application {
                client_id,
                secret: String::new(),
                public: true,
                scopes: delegated(),
                ..made
            });
        }
        if let Some(own) = list.first_mut() {
            own.public = true;
            own.scopes = delegated();
        }
        let accounts = Accounts::standard(seed);
        Self { list, accounts }
    }

    /// The engine's applications for the role groups of Exchange Online that are not built in, under the
    /// names of these. Ids and secrets follow from the seed.
    pub fn learn_role_groups(&mut self, rbac: &Rbac, seed: u64) {
        let mut chance = Chance::stream(seed, "applications of role groups");
        let own = rbac.groups.iter().filter_map(|group| match group.of {
            Some(role @ Role::Own(_)) => Some((group.name.as_str(), role)),
            _ => None,
        });
        for (name, role) in own {
            let made = application(&mut chance, name, &ALL, role);
            self.list.push(Application { is_engine: true, ..made });
        }
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

/// An application with permissions of Graph and a role in Exchange Online.
fn application(chance: &mut Chance, name: &str, roles: &[&str], role: Role) -> Application {
    let [client_id, principal, first, second] = [(); 4].map(|()| chance.guid());
    let secret = format!("{first}{second}");
    Application {
        client_id,
        principal,
        secret: secret.chars().filter(|c| *c != '-').take(40).collect(),
        secret_expired: false,
        certificates: Vec::new(),
        public: false,
        name: name.to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        scopes: Vec::new(),
        wids: wid(role).map(str::to_owned).into_iter().collect(),
        exchange_role: role,
        is_engine: name.starts_with(ENGINE),
    }
}

/// Every delegated permission that the endpoints here ask for.
fn delegated() -> Vec<String> {
    ALL.into_iter()
        .chain(READING)
        .filter(|role| !role.starts_with("Exchange."))
        .chain([
            scope::EXCHANGE_MANAGE,
            scope::USER_READ,
            scope::ACCESS_AS_USER,
            scope::USER_IMPERSONATION,
        ])
        .map(str::to_owned)
        .collect()
}

/// The directory role that stands for a role here.
///
/// Source: Microsoft Learn, "Microsoft Entra built-in roles" (template ids).
pub(super) fn wid(role: Role) -> Option<&'static str> {
    match role {
        Role::GlobalAdministrator => Some("62e90394-69f5-4237-9190-012177145e10"),
        Role::HybridIdentityAdministrator => Some("8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2"),
        Role::ExchangeAdministrator => Some("29232cdf-9323-42fd-ade2-1d097af3e4de"),
        // Exchange Recipient Administrator.
        Role::Helpdesk => Some("31392ffb-586c-42d1-9346-e59415a2cc4e"),
        // Global Reader.
        Role::Reader => Some("f2ef992c-3afb-46b9-b7cf-a126ee74c451"),
        Role::Unprivileged | Role::Own(_) => None,
    }
}
