//! Who asks, and what they may do.

use crate::directory::name::Sid;
use crate::directory::security::access::Token;
use crate::record::AttributeNumber;

/// An authenticated (or anonymous) caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// `DOMAIN\user`; empty when anonymous.
    pub name: String,
    /// The account's SID; `None` when anonymous.
    pub sid: Option<Sid>,
    /// What the account may do.
    pub rights: Rights,
    /// Whether the connection is encrypted: passwords are written over such a one only.
    pub secure: bool,
}

/// What an account may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Everything.
    Full,
    /// Reads everything, writes these attributes of user objects.
    WriteAttributes(AttributeSet),
    /// Reads everything.
    ReadOnly,
    /// What the access control lists give it.
    Acl(Token),
    /// Reads the rootDSE.
    Anonymous,
}

/// Some attributes, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeSet {
    /// All of them.
    All,
    /// These, in ascending order.
    List(Vec<AttributeNumber>),
}

impl Principal {
    /// Nobody.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { name: String::new(), sid: None, rights: Rights::Anonymous, secure: false }
    }

    /// An account with every right that is no object of the directory: the simulator's own hand.
    #[must_use]
    pub fn system() -> Self {
        Self {
            name: "NT AUTHORITY\\SYSTEM".to_owned(),
            sid: None,
            rights: Rights::Full,
            secure: true,
        }
    }

    /// Whether nobody is behind it.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.rights == Rights::Anonymous
    }
}

impl AttributeSet {
    /// The set of these attributes.
    #[must_use]
    pub fn of(mut attributes: Vec<AttributeNumber>) -> Self {
        attributes.sort_unstable();
        attributes.dedup();
        Self::List(attributes)
    }

    /// Whether the attribute belongs to it.
    #[must_use]
    pub fn contains(&self, attribute: AttributeNumber) -> bool {
        match self {
            Self::All => true,
            Self::List(list) => list.binary_search(&attribute).is_ok(),
        }
    }
}
