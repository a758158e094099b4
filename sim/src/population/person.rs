//! One person (or room, or shared mailbox) as a population describes it, before it becomes an AD
//! object, an Entra user and a mailbox.

use crate::exchange::RecipientType;
use crate::record::AttributeNumber;

/// Where a person's mailbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In Exchange Online.
    Cloud,
    /// On the last Exchange server.
    OnPremises,
    /// There is none.
    None,
}

/// A person.
#[derive(Debug, Clone)]
pub struct Person {
    /// `sAMAccountName`, `cn` and alias; how steps call it.
    pub name: String,
    /// `userPrincipalName`.
    pub user_principal_name: String,
    /// `displayName`.
    pub display_name: String,
    /// `givenName`; empty for rooms and the like.
    pub given_name: String,
    /// `sn`; empty for rooms and the like.
    pub surname: String,
    /// `department`; may be empty.
    pub department: String,
    /// `title`; may be empty.
    pub title: String,
    /// The mailbox's type.
    pub kind: RecipientType,
    /// Where the mailbox is.
    pub mailbox: Place,
    /// Whether it comes from AD.
    pub dir_synced: bool,
    /// The organizational units above it, from the domain down; none is the people's own.
    pub units: Vec<String>,
    /// Whether it has a licence with a mailbox; `None`: a person with a mailbox in the cloud has, nobody else.
    pub licensed: Option<bool>,
    /// `IsExchangeCloudManaged`.
    pub cloud_managed: bool,
    /// Addresses beyond the default ones; one with `SMTP:` is the primary.
    pub addresses: Vec<String>,
    /// AD attributes that add to or replace the defaults, by name.
    pub attributes: Vec<(String, Vec<String>)>,
    /// Exchange Online properties that differ from what AD says.
    pub cloud: Vec<(AttributeNumber, Vec<String>)>,
}

impl Person {
    /// A synced user mailbox with the default values.
    #[must_use]
    pub fn named(name: &str, user_principal_name: &str) -> Self {
        Self {
            name: name.to_owned(),
            user_principal_name: user_principal_name.to_owned(),
            display_name: name.to_owned(),
            given_name: String::new(),
            surname: String::new(),
            department: String::new(),
            title: String::new(),
            kind: RecipientType::User,
            mailbox: Place::Cloud,
            dir_synced: true,
            units: Vec::new(),
            licensed: None,
            cloud_managed: false,
            addresses: Vec::new(),
            attributes: Vec::new(),
            cloud: Vec::new(),
        }
    }
}
