//! User principal names of AD in a domain that nobody verified: the directory gives their users names under the
//! initial domain.
//!
//! Source: Microsoft Learn, "Microsoft Entra UserPrincipalName population" (non-verified UPN suffix; the name is
//! calculated anew only when AD's changes).

use super::Estate;
use crate::directory::schema::known;
use crate::entra::Entra;
use crate::exchange::{Changes, property};
use crate::record::Record;

impl Estate {
    /// Whether users may have names in a domain.
    pub(super) fn is_verified(&self, domain: &str) -> bool {
        let own = [&self.domains.verified, &self.domains.initial];
        let further = self.exchange.verified_domains.iter();
        own.into_iter().chain(further).any(|known| known.eq_ignore_ascii_case(domain))
    }

    /// Whether users may have this name.
    pub(super) fn is_verified_name(&self, upn: &str) -> bool {
        upn.split_once('@').is_some_and(|(_, domain)| self.is_verified(domain))
    }

    /// `mailNickname@initial domain`, which takes the place of a name in no verified domain. The nickname is AD's, else the
    /// one that the user has; else the name's own first part.
    pub(super) fn name_under_initial(&self, ad: &Record, nickname: &str, upn: &str) -> String {
        let prefix = upn.split('@').next().unwrap_or_default();
        let found = [ad.text(known::MAIL_NICKNAME).unwrap_or_default(), nickname, prefix];
        let prefix = found.into_iter().find(|text| !text.is_empty()).unwrap_or("user");
        format!("{prefix}@{}", self.domains.initial)
    }

    /// Gives the first values of a user a name under the initial domain, where AD's is in no verified one.
    pub(super) fn verify_name(&self, ad: &Record, nickname: &str, values: &mut Changes) {
        let name = values.iter_mut().find(|(number, _)| *number == property::USER_PRINCIPAL_NAME);
        let Some(upn) = name.and_then(|(_, texts)| texts.first_mut()) else { return };
        if !self.is_verified_name(upn) {
            *upn = self.name_under_initial(ad, nickname, upn);
        }
    }

    /// Whether AD's name of a user, in no verified domain, is another one than that in whose place its own was made.
    pub(super) fn is_another_unverified(&self, user: u32, upn: &str) -> bool {
        self.entra.unverified_names.get(&user).is_none_or(|known| **known != *upn)
    }

    /// Notes in the place of which name of AD, in no verified domain, a user has its own.
    pub(super) fn note_unverified(&mut self, user: u32, ad: &Record) {
        let name = ad.text(known::USER_PRINCIPAL_NAME).unwrap_or_default();
        let unverified = !name.is_empty() && !self.is_verified_name(name);
        self.entra.note_unverified(user, unverified.then_some(name));
    }
}

impl Entra {
    /// Notes the name of AD in the place of which a user has its own; `None`: AD's is its own.
    pub fn note_unverified(&mut self, user: u32, name: Option<&str>) {
        match name {
            Some(name) => {
                self.unverified_names.insert(user, name.into());
            }
            None => {
                self.unverified_names.remove(&user);
            }
        }
    }
}
