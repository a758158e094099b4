//! What a directory answers, as plain values.

use std::sync::Arc;

use crate::directory::entry::{Entry, Stamp};
use crate::directory::progress::SearchProgress;
use crate::directory::request::{Control, ObjectNumber};
use crate::guid::Guid;
use crate::record::AttributeNumber;

/// LDAP result codes that Active Directory answers (RFC 4511 4.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are those of RFC 4511 appendix A")]
pub enum ResultCode {
    Success = 0,
    OperationsError = 1,
    ProtocolError = 2,
    TimeLimitExceeded = 3,
    SizeLimitExceeded = 4,
    CompareFalse = 5,
    CompareTrue = 6,
    AuthMethodNotSupported = 7,
    StrongerAuthRequired = 8,
    Referral = 10,
    AdminLimitExceeded = 11,
    UnavailableCriticalExtension = 12,
    ConfidentialityRequired = 13,
    SaslBindInProgress = 14,
    NoSuchAttribute = 16,
    UndefinedAttributeType = 17,
    InappropriateMatching = 18,
    ConstraintViolation = 19,
    AttributeOrValueExists = 20,
    InvalidAttributeSyntax = 21,
    NoSuchObject = 32,
    AliasProblem = 33,
    InvalidDnSyntax = 34,
    AliasDereferencingProblem = 36,
    InappropriateAuthentication = 48,
    InvalidCredentials = 49,
    InsufficientAccessRights = 50,
    Busy = 51,
    Unavailable = 52,
    UnwillingToPerform = 53,
    LoopDetect = 54,
    SortControlMissing = 60,
    OffsetRangeError = 61,
    NamingViolation = 64,
    ObjectClassViolation = 65,
    NotAllowedOnNonLeaf = 66,
    NotAllowedOnRdn = 67,
    EntryAlreadyExists = 68,
    ObjectClassModsProhibited = 69,
    AffectsMultipleDsas = 71,
    Other = 80,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapResult {
    /// The result code.
    pub code: ResultCode,
    /// For `NoSuchObject`: the nearest ancestor that exists. Otherwise empty.
    pub matched_dn: String,
    /// Active Directory's text, `HHHHHHHH: Kind: ...`, without its closing NUL, which the wire adds
    /// (see [`crate::directory::diagnostic`]). Empty on success.
    pub diagnostic: String,
    /// For `Referral`: where to ask.
    pub referrals: Vec<String>,
}

/// An entry of a search, with names and values ready for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchEntry {
    /// The object's GUID; `None` for the rootDSE.
    pub guid: Option<Guid>,
    /// Its distinguished name.
    pub dn: String,
    /// Its attributes in the schema's spelling, with their values in stored order.
    pub attributes: Vec<(Arc<str>, Vec<Vec<u8>>)>,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// How it ended.
    pub result: LdapResult,
    /// What a search found.
    pub entries: Vec<SearchEntry>,
    /// Continuation references of a search.
    pub references: Vec<String>,
    /// Controls of the answer.
    pub controls: Vec<Control>,
}

/// An object that a search found, as it stands: for callers in process, who read values by
/// attribute number and spare the names.
#[derive(Clone, Debug)]
pub struct SearchHit {
    /// Its number.
    pub object: ObjectNumber,
    /// Its content.
    pub entry: Arc<Entry>,
    /// When and under which sequence numbers the asked domain controller got it.
    pub stamp: Stamp,
}

/// The objects of a search, and where to go on.
#[derive(Clone, Debug, Default)]
pub struct SearchHits {
    /// The objects, in the order of the answer.
    pub hits: Vec<SearchHit>,
    /// The cookie for the next page, when there is more.
    pub cookie: Option<Vec<u8>>,
    /// There was more than the size limit, and no paging.
    pub size_limit_exceeded: bool,
    /// The time was up before everything was looked at.
    pub time_limit_exceeded: bool,
}

/// An attribute whose values a write changed, by bytes. References to objects stand as their DN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueChange {
    /// The attribute.
    pub attribute: AttributeNumber,
    /// Its values before, in stored order.
    pub old: Vec<Vec<u8>>,
    /// Its values after, in stored order.
    pub new: Vec<Vec<u8>>,
}

/// What a successful write did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The object.
    pub object: ObjectNumber,
    /// Its GUID.
    pub guid: Guid,
    /// The update sequence number it took; `None` when nothing changed.
    pub usn: Option<u64>,
    /// What changed. Empty for a write that made no difference.
    pub changes: Vec<ValueChange>,
}

impl ResultCode {
    /// Every one, by number.
    pub const ALL: [Self; 41] = [
        Self::Success,
        Self::OperationsError,
        Self::ProtocolError,
        Self::TimeLimitExceeded,
        Self::SizeLimitExceeded,
        Self::CompareFalse,
        Self::CompareTrue,
        Self::AuthMethodNotSupported,
        Self::StrongerAuthRequired,
        Self::Referral,
        Self::AdminLimitExceeded,
        Self::UnavailableCriticalExtension,
        Self::ConfidentialityRequired,
        Self::SaslBindInProgress,
        Self::NoSuchAttribute,
        Self::UndefinedAttributeType,
        Self::InappropriateMatching,
        Self::ConstraintViolation,
        Self::AttributeOrValueExists,
        Self::InvalidAttributeSyntax,
        Self::NoSuchObject,
        Self::AliasProblem,
        Self::InvalidDnSyntax,
        Self::AliasDereferencingProblem,
        Self::InappropriateAuthentication,
        Self::InvalidCredentials,
        Self::InsufficientAccessRights,
        Self::Busy,
        Self::Unavailable,
        Self::UnwillingToPerform,
        Self::LoopDetect,
        Self::SortControlMissing,
        Self::OffsetRangeError,
        Self::NamingViolation,
        Self::ObjectClassViolation,
        Self::NotAllowedOnNonLeaf,
        Self::NotAllowedOnRdn,
        Self::EntryAlreadyExists,
        Self::ObjectClassModsProhibited,
        Self::AffectsMultipleDsas,
        Self::Other,
    ];

    /// Its name, as RFC 4511 appendix A spells it (`noSuchObject`).
    #[must_use]
    pub fn name(self) -> String {
        let name = format!("{self:?}");
        let (first, rest) = name.split_at(1);
        first.to_lowercase() + rest
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl LdapResult {
    /// Success, with nothing to say.
    #[must_use]
    pub fn success() -> Self {
        Self::of(ResultCode::Success, String::new())
    }

    /// A result with a text.
    #[must_use]
    pub fn of(code: ResultCode, diagnostic: String) -> Self {
        Self { code, matched_dn: String::new(), diagnostic, referrals: Vec::new() }
    }

    /// Whether the operation was carried out.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.code == ResultCode::Success
    }
}

impl Response {
    /// The answer to a search that was to be done in one part and was not: its time was up.
    pub(super) fn from_pause(_: SearchProgress) -> Self {
        crate::directory::diagnostic::time_limit_exceeded().into()
    }
}

impl From<LdapResult> for Response {
    fn from(result: LdapResult) -> Self {
        Self { result, entries: Vec::new(), references: Vec::new(), controls: Vec::new() }
    }
}
