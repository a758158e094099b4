//! Who asks, and what they may do.

use crate::directory::name::Sid;
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
        Self { name: String::new(), sid: None, rights: Rights::Anonymous }
    }

    /// An account with every right that is no object of the directory: the simulator's own hand.
    #[must_use]
    pub fn system() -> Self {
        Self { name: "NT AUTHORITY\\SYSTEM".to_owned(), sid: None, rights: Rights::Full }
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

impl Rights {
    /// Whether the account may create, remove and rename objects.
    #[must_use]
    pub fn may_manage_objects(&self) -> bool {
        matches!(self, Self::Full)
    }

    /// Whether the account may write an attribute of an object, which is a user or not.
    #[must_use]
    pub fn may_write(&self, attribute: AttributeNumber, is_user: bool) -> bool {
        match self {
            Self::Full => true,
            Self::WriteAttributes(set) => is_user && set.contains(attribute),
            Self::ReadOnly | Self::Anonymous => false,
        }
    }
}
