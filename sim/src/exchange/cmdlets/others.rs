//! Groups and contacts as recipients: which addresses are theirs, and how `Get-Recipient` shows them.
//!
//! Source: Microsoft Learn, "Get-Recipient" (`RecipientType`, `RecipientTypeDetails`).
//!
//! # Divergence from Exchange Online
//! Of their properties there are those that the directory knows, and no cmdlets of their own.

use serde_json::{Value, json};

use crate::entra::group::{Contact, Group};
use crate::exchange::address::{self, ProxyAddress};
use crate::exchange::truth;
use crate::guid::Guid;

/// The groups and contacts of the directory.
#[derive(Debug, Clone, Copy)]
pub struct Others<'a> {
    /// Groups, those among them that have no address too.
    pub groups: &'a [Group],
    /// Organizational contacts.
    pub contacts: &'a [Contact],
}

/// One of them.
#[derive(Clone, Copy)]
pub(crate) enum Other<'a> {
    Group(&'a Group),
    Contact(&'a Contact),
}

impl<'a> Others<'a> {
    /// Those that are recipients.
    pub(super) fn all(self) -> impl Iterator<Item = Other<'a>> {
        let groups = self.groups.iter().filter(|group| group.deleted.is_none());
        let contacts = self.contacts.iter().filter(|contact| contact.deleted.is_none());
        let groups = groups.filter(|group| group.mail_enabled).map(Other::Group);
        groups.chain(contacts.map(Other::Contact))
    }

    /// Who has this SMTP address (without its type).
    pub(super) fn owner(self, address: &str) -> Option<Other<'a>> {
        self.all().find(|other| other.has(address))
    }

    /// One by what people call it: id, alias, display name, or an address.
    pub(crate) fn find(self, identity: &str) -> Option<Other<'a>> {
        let id = identity.parse::<Guid>().ok();
        let parsed = ProxyAddress::parse(identity);
        let address = if parsed.is_smtp() { parsed.address } else { identity };
        let is = |name: &str| name.eq_ignore_ascii_case(identity);
        self.all().find(|other| {
            id == Some(other.id())
                || is(other.alias())
                || is(other.display_name())
                || other.has(address)
        })
    }
}

impl Other<'_> {
    fn id(self) -> Guid {
        match self {
            Self::Group(group) => group.id,
            Self::Contact(contact) => contact.id,
        }
    }

    pub(super) fn display_name(&self) -> &str {
        match self {
            Self::Group(group) => &group.display_name,
            Self::Contact(contact) => &contact.display_name,
        }
    }

    fn alias(&self) -> &str {
        match self {
            Self::Group(group) => &group.mail_nickname,
            Self::Contact(contact) => &contact.mail_nickname,
        }
    }

    fn addresses(&self) -> &[String] {
        match self {
            Self::Group(group) => &group.proxy_addresses,
            Self::Contact(contact) => &contact.proxy_addresses,
        }
    }

    fn mail(&self) -> &str {
        match self {
            Self::Group(group) => group.mail.as_deref().unwrap_or_default(),
            Self::Contact(contact) => &contact.mail,
        }
    }

    fn has(self, address: &str) -> bool {
        self.mail().eq_ignore_ascii_case(address)
            || self.addresses().iter().any(|value| {
                let parsed = ProxyAddress::parse(value);
                parsed.is_smtp() && parsed.address.eq_ignore_ascii_case(address)
            })
    }

    fn is_synced(self) -> bool {
        let synced = match self {
            Self::Group(group) => &group.synced,
            Self::Contact(contact) => &contact.synced,
        };
        synced.sync_enabled == Some(true)
    }

    fn primary(&self) -> &str {
        address::primary(self.addresses().iter().map(String::as_str)).unwrap_or_else(|| self.mail())
    }

    /// `RecipientType`.
    pub(super) const fn recipient_type(self) -> &'static str {
        match self {
            Self::Group(group) if group.security_enabled => "MailUniversalSecurityGroup",
            Self::Group(_) => "MailUniversalDistributionGroup",
            Self::Contact(_) => "MailContact",
        }
    }

    /// `RecipientTypeDetails`.
    pub(super) fn details(self) -> &'static str {
        match self {
            Self::Group(group) if group.types.iter().any(|kind| kind == "Unified") => {
                "GroupMailbox"
            }
            other => other.recipient_type(),
        }
    }

    /// The values of a property by name, for filters.
    pub(super) fn values_of(self, name: &str) -> Vec<String> {
        let one = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
        match name.to_ascii_lowercase().as_str() {
            "alias" => one(self.alias()),
            "displayname" | "name" => one(self.display_name()),
            "emailaddresses" => self.addresses().to_vec(),
            "externaldirectoryobjectid" => vec![self.id().to_string()],
            "isdirsynced" => vec![truth(self.is_synced()).to_owned()],
            "primarysmtpaddress" | "windowsemailaddress" => one(self.primary()),
            "recipienttype" => one(self.recipient_type()),
            "recipienttypedetails" => one(self.details()),
            _ => Vec::new(),
        }
    }

    /// Whether a name or an address begins with a text in lower case.
    pub(super) fn is_resolved(self, text: &str) -> bool {
        let begins = |value: &str| value.to_lowercase().starts_with(text);
        begins(self.display_name())
            || begins(self.alias())
            || self.addresses().iter().any(|value| begins(ProxyAddress::parse(value).address))
    }

    /// As `Get-Recipient` shows it.
    pub(super) fn row(self) -> Value {
        let id = self.id().to_string();
        let external = match self {
            Self::Group(_) => Value::Null,
            Self::Contact(contact) => format!("SMTP:{}", contact.mail).into(),
        };
        json!({
            "Identity": id,
            "Id": id,
            "Alias": self.alias(),
            "DisplayName": self.display_name(),
            "EmailAddresses": self.addresses(),
            "ExternalDirectoryObjectId": id,
            "ExternalEmailAddress": external,
            "IsDirSynced": self.is_synced(),
            "Name": self.display_name(),
            "PrimarySmtpAddress": self.primary(),
            "RecipientType": self.recipient_type(),
            "RecipientTypeDetails": self.details(),
        })
    }
}
