//! The user principal name of a recipient is one of its addresses.
//!
//! Source: Microsoft Learn, "How the proxyAddresses attribute is populated in Microsoft Entra ID": it is always
//! added for whoever has a licence or is a recipient. That the address of an earlier name stays is inferred.

use super::conflicts::Holder;
use crate::clock::VirtualTime;
use crate::connect::ConnectorObject;
use crate::directory::entry::Entry;
use crate::directory::schema::known;
use crate::estate::Estate;
use crate::estate::forward::Delivery;
use crate::exchange::{Changes, address, property};
use crate::record::Record;

impl Estate {
    /// Whether AD has another user principal name than the directory, and the primary address is calculated from
    /// it.
    pub(super) fn moves_primary(&self, object: &ConnectorObject, entry: &Entry) -> bool {
        let name = entry.record.text(known::USER_PRINCIPAL_NAME);
        self.entra.derived_primary.contains(&object.user)
            && name.is_some_and(|name| {
                name != self.user_text(object.user, property::USER_PRINCIPAL_NAME)
            })
    }

    /// Adds the user principal name to the addresses of a recipient, whoever manages them (switch
    /// `upn_adds_proxy`).
    pub(super) fn add_upn(&mut self, user: u32) {
        let Some(upn) = self.new_address(user) else { return };
        let Some(record) = self.entra.user(user).map(|user| &user.record) else { return };
        let values = with_address(record, &upn);
        let in_entra = self.apply_user(user, &values);
        let flag = self.flag_of(user);
        self.note_entra_write(&Self::forward_sync_actor(), user, flag, in_entra);
        self.forward(Delivery::Name { user, sent: self.now });
    }

    /// The user principal name of a recipient that is nobody's address yet.
    fn new_address(&self, user: u32) -> Option<String> {
        let upn = self.user_text(user, property::USER_PRINCIPAL_NAME);
        let domain = upn.rsplit_once('@').map_or("", |(_, domain)| domain);
        let is_new = self.recipient_of_user(user).is_some()
            && self.is_verified(domain)
            && self.profile.is_on("upn_adds_proxy")
            && self.exchange.owner(&upn).is_none()
            && match self.holder_of(&upn) {
                None => true,
                Some(Holder::User(holder)) => holder == user,
                Some(Holder::Group(_) | Holder::Contact(_)) => false,
            };
        is_new.then_some(upn)
    }

    /// Exchange Online hears of a new user principal name, and adds it to the addresses that the recipient has by
    /// then.
    pub(in crate::estate) fn add_upn_in_exchange(&mut self, user: u32, sent: VirtualTime) {
        let Some(upn) = self.new_address(user) else { return };
        let Some((mailbox, _)) = self.recipient_of_user(user) else { return };
        let values = with_address(&mailbox.record, &upn);
        let actor = Self::forward_sync_actor();
        let Some((number, _)) = self.mailbox_of_user(user) else {
            return self.owe(user, values, actor, sent);
        };
        let changes = self.exchange.apply(number, self.now, &values);
        self.note_late_exchange_write(&actor, number, changes, sent);
    }
}

/// The addresses of somebody with one more, which is the primary where there was none.
fn with_address(record: &Record, address: &str) -> Changes {
    let list = record.values(property::EMAIL_ADDRESSES);
    let mut list: Vec<String> =
        list.map(|value| String::from_utf8_lossy(value).into_owned()).collect();
    let own = format!("smtp:{address}");
    if !list.iter().any(|have| have.eq_ignore_ascii_case(&own)) {
        list.push(own);
    }
    if address::primary(list.iter().map(String::as_str)).is_some() {
        return vec![(property::EMAIL_ADDRESSES, list)];
    }
    let list = address::normalized(list);
    let primary = address::primary(list.iter().map(String::as_str)).map(str::to_owned);
    vec![
        (property::EMAIL_ADDRESSES, list),
        (property::WINDOWS_EMAIL_ADDRESS, primary.into_iter().collect()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_address_is_the_primary_only_where_there_is_none() {
        let with = |values: &[&str]| {
            let values = values.iter().map(|value| value.as_bytes());
            let record = Record::from_sorted([(property::EMAIL_ADDRESSES, values)]);
            with_address(&record, "new@contoso.com").remove(0).1
        };
        assert_eq!(with(&[]), ["SMTP:new@contoso.com"]);
        assert_eq!(with(&["SMTP:u1@contoso.com"]), ["SMTP:u1@contoso.com", "smtp:new@contoso.com"]);
        assert_eq!(with(&["SMTP:New@contoso.com"]), ["SMTP:New@contoso.com"]);
    }
}
