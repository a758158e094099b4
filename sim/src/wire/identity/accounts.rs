//! Who can sign in: the users of the directory, and accounts of the cloud alone that stand for
//! administrators and for every way in which a sign-in is refused.
//!
//! # Divergence from Microsoft Entra ID
//! All accounts have one password, which follows from the seed; users of the directory have it as if
//! password hash synchronization had brought it. The accounts named here are known to the identity
//! platform alone: Graph does not list them, so that a rehearsal's population is exactly what was asked
//! for.

use crate::caller::Role;
use crate::chance::Chance;
use crate::entra::property;
use crate::estate::Estate;
use crate::exchange::property::{DISPLAY_NAME, USER_PRINCIPAL_NAME};
use crate::guid::Guid;

/// What stands in the way of a sign-in with the right password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The password has expired (AADSTS50055).
    PasswordExpired,
    /// The account is disabled (AADSTS50057).
    Disabled,
    /// Another factor is asked for (AADSTS50076).
    SecondFactor,
    /// Conditional Access blocks it (AADSTS53003).
    Blocked,
    /// Another factor has to be registered first (AADSTS50079).
    Registration,
    /// Conditional Access asks for a new sign-in each time: a refresh token is refused (AADSTS70043).
    SignInFrequency,
}

/// An account of the cloud alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The part of its user principal name before `@`; the rest is the tenant's initial domain.
    pub name: &'static str,
    /// Its object id.
    pub id: Guid,
    /// What it may do.
    pub role: Role,
    /// What stands in the way.
    pub obstacle: Option<Obstacle>,
}

/// The accounts of a tenant, and the one password.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    /// The password of every account and of every user of the directory.
    pub password: String,
    list: Vec<Account>,
}

/// Somebody who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) id: Guid,
    pub(super) upn: String,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) obstacle: Option<Obstacle>,
}

impl Accounts {
    /// The accounts that every tenant has. Ids and password follow from the seed.
    #[must_use]
    pub fn standard(seed: u64) -> Self {
        let mut chance = Chance::stream(seed, "accounts");
        let password: String = chance.guid().to_string().chars().filter(|c| *c != '-').collect();
        let mut account =
            |name, role, obstacle| Account { name, id: chance.guid(), role, obstacle };
        let reader = Role::Reader;
        let list = vec![
            account("admin", Role::GlobalAdministrator, None),
            account("exchange-admin", Role::ExchangeAdministrator, None),
            account("hybrid-admin", Role::HybridIdentityAdministrator, None),
            account("helpdesk", Role::Helpdesk, None),
            account("password-expired", reader, Some(Obstacle::PasswordExpired)),
            account("disabled", reader, Some(Obstacle::Disabled)),
            account("second-factor", reader, Some(Obstacle::SecondFactor)),
            account("blocked", reader, Some(Obstacle::Blocked)),
            account("registration", reader, Some(Obstacle::Registration)),
            account("sign-in-frequency", reader, Some(Obstacle::SignInFrequency)),
        ];
        Self { password: format!("Pa1-{password}"), list }
    }

    /// Somebody by user principal name.
    pub(super) fn find(&self, estate: &Estate, upn: &str) -> Option<Person> {
        let (name, domain) = upn.rsplit_once('@')?;
        let own = self.list.iter().find(|account| account.name.eq_ignore_ascii_case(name));
        if let Some(account) = own.filter(|_| domain.eq_ignore_ascii_case(&estate.domains.initial))
        {
            return Some(Person {
                id: account.id,
                upn: format!("{}@{}", account.name, estate.domains.initial),
                name: account.name.to_owned(),
                role: account.role,
                obstacle: account.obstacle,
            });
        }
        let user = estate.entra.user(estate.user_named(upn)?)?;
        let text = |number| user.record.text(number).unwrap_or_default().to_owned();
        let disabled = user.record.text(property::ACCOUNT_ENABLED) == Some("False");
        Some(Person {
            id: user.id,
            upn: text(USER_PRINCIPAL_NAME),
            name: text(DISPLAY_NAME),
            role: Role::Reader,
            obstacle: disabled.then_some(Obstacle::Disabled),
        })
    }
}
