//! Licences: whether a user has a plan with a mailbox, and what that does to its addresses.
//!
//! Sources: Microsoft Graph reference, "user: assignLicense"; Microsoft Learn, "How the proxyAddresses
//! attribute is populated in Microsoft Entra ID" (licence assigned, licence removed).

use super::{EntraError, Estate};
use crate::caller::Caller;
use crate::connect::addresses;
use crate::entra::audit::Initiator;
use crate::entra::property as own;
use crate::exchange::{Changes, address, property};

impl Estate {
    /// `POST /users/{id}/assignLicense`: assigns the plan with a mailbox, or takes it away. Assigning what
    /// is assigned changes nothing.
    ///
    /// # Errors
    /// [`EntraError::State`] when the user has no `usageLocation`, or no licence that could be removed.
    pub fn assign_licence(
        &mut self,
        caller: &Caller,
        initiator: &Initiator,
        number: u32,
        assigned: bool,
    ) -> Result<(), EntraError> {
        let user = self.entra.user(number).ok_or(EntraError::OnPremisesMastered)?;
        if assigned && user.record.text(own::USAGE_LOCATION).is_none() {
            return Err(EntraError::State(
                "License assignment cannot be done for user with invalid usage location.",
            ));
        }
        if !assigned && !user.licensed {
            return Err(EntraError::State("User does not have a corresponding license."));
        }
        if user.licensed == assigned {
            return Ok(());
        }
        self.entra.change(number, |user| user.licensed = assigned);
        self.audit_user(initiator, "Change user license", "Update", number, &[]);
        self.recalculate_for_licence(caller, number, assigned);
        self.settle_recipient(number);
        Ok(())
    }

    /// The addresses of a user whose licence came or went. While the mailbox is cloud-managed the switch
    /// `licence_recalc` says whether the calculation runs.
    ///
    /// A licence that goes takes only a primary that was calculated from the user principal name: what AD lists as
    /// `SMTP:`, or says as `mail`, is the primary with and without a licence (Microsoft Learn, "How the
    /// proxyAddresses attribute is populated in Microsoft Entra ID": the calculation starts from the shadow values).
    /// For a cloud-managed mailbox, whose addresses Exchange Online has authority over, whoever edits its
    /// addresses there says them all, as AD's list does; until somebody does, the primary is what it was when the flag
    /// was set. That the same rule holds there is inferred: the article does not speak of such mailboxes.
    fn recalculate_for_licence(&mut self, caller: &Caller, number: u32, assigned: bool) {
        let flag = self.flag_of(number);
        if flag == Some(true) && !self.profile.is_on("licence_recalc") {
            return;
        }
        let upn = self.user_text(number, property::USER_PRINCIPAL_NAME);
        let mut current = self.user_texts(number, property::EMAIL_ADDRESSES);
        if assigned {
            // Whoever has a licence has no address in a domain that is not verified.
            let domains = &self.exchange.verified_domains;
            current.retain(|value| addresses::is_verified(value, domains));
        }
        if assigned && address::primary(current.iter().map(String::as_str)).is_none() {
            self.entra.note_primary(number, true);
        }
        let list = match (assigned, self.entra.derived_primary.contains(&number)) {
            (true, calculated) => {
                let own = self.service_address(number);
                let list = addresses::with_licence(current, &upn, &own);
                if calculated { address::with_primary(list, &upn) } else { list }
            }
            (false, true) => addresses::without_licence(current, &upn),
            (false, false) => current,
        };
        let primary = address::primary(list.iter().map(String::as_str)).map(str::to_owned);
        let values: Changes = vec![
            (property::EMAIL_ADDRESSES, list),
            (property::WINDOWS_EMAIL_ADDRESS, primary.into_iter().collect()),
        ];
        let changes = self.apply_user(number, &values);
        self.note_entra_write(&caller.actor, number, flag, changes.clone());
        self.forward_sync(number, &changes);
    }

    /// The address under the initial domain that the service gives a user (MOERA): its own already, or
    /// `mailNickname@initial domain`, with four digits after the prefix while somebody else has it.
    pub(super) fn service_address(&mut self, number: u32) -> String {
        let initial = self.domains.initial.clone();
        let has = self.user_texts(number, property::EMAIL_ADDRESSES);
        let under_initial = has.iter().find_map(|value| {
            let (_, address) = value.split_once(':')?;
            let (_, domain) = address.rsplit_once('@')?;
            domain.eq_ignore_ascii_case(&initial).then(|| address.to_owned())
        });
        if let Some(own) = under_initial {
            return own;
        }
        let upn = self.user_text(number, property::USER_PRINCIPAL_NAME);
        let alias = self.user_text(number, property::ALIAS);
        let prefix =
            if alias.is_empty() { upn.split('@').next().unwrap_or_default() } else { &alias };
        self.free_service_address(prefix)
    }

    /// `prefix@initial domain`, with four digits after the prefix while somebody else has it.
    pub(super) fn free_service_address(&mut self, prefix: &str) -> String {
        let initial = self.domains.initial.clone();
        let mut own = format!("{prefix}@{initial}");
        while self.exchange.owner(&own).is_some() || self.address_holder(&own).is_some() {
            own = format!("{prefix}{}@{initial}", self.four_digits());
        }
        own
    }

    /// Four random digits, as the service appends them to a prefix that is taken.
    pub(super) fn four_digits(&mut self) -> u64 {
        1_000 + self.new_objects.below(9_000)
    }
}
