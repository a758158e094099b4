//! What a directory can be asked, as plain values: no codec and no socket in sight.
//!
//! The shapes follow RFC 4511 section 4; values and assertion values are bytes, because Active
//! Directory clients send GUIDs and SIDs raw.

use core::fmt;

use crate::directory::answer::ResultCode;
use crate::directory::name::Sid;
use crate::guid::Guid;
use crate::record::AttributeNumber;

/// How a request names an object ([MS-ADTS] 3.1.1.3.1.2.4, alternative forms of DNs).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A distinguished name as text; parsed when the request is carried out. Text that looks like an
    /// alternative form but is malformed stays here and is refused as a bad name.
    Dn(String),
    /// `<GUID=...>`.
    Guid(Guid),
    /// `<SID=...>`.
    Sid(Sid),
    /// `<WKGUID=...,DN>`: a well-known object of a naming context.
    WellKnown {
        /// The 32 hex digits that stand for it, in lower case.
        guid: String,
        /// The naming context.
        below: String,
    },
    /// An object already known by number: for callers in process. Never comes from the wire.
    Number(ObjectNumber),
}

/// The number of an object in its forest: given at creation, in ascending order, never reused, the
/// same on every domain controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectNumber(pub u32);

/// How a request names an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeName {
    /// Name or OID as sent, options (`;range=0-9`, `;binary`) included.
    Text(Box<str>),
    /// A number of the schema: for callers in process, spares the lookup.
    Number(AttributeNumber),
}

/// How deep a search goes (RFC 4511 4.5.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The base object alone.
    Base,
    /// Its immediate children.
    OneLevel,
    /// The base and everything below.
    Subtree,
}

/// A search filter (RFC 4511 4.5.1.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All must be true. Empty: true (RFC 4526).
    And(Vec<Filter>),
    /// One must be true. Empty: false (RFC 4526).
    Or(Vec<Filter>),
    /// The opposite.
    Not(Box<Filter>),
    /// `attribute=value`.
    Equality(AttributeName, Vec<u8>),
    /// `attribute=initial*any*final`.
    Substrings(AttributeName, Substrings),
    /// `attribute>=value`.
    GreaterOrEqual(AttributeName, Vec<u8>),
    /// `attribute<=value`.
    LessOrEqual(AttributeName, Vec<u8>),
    /// `attribute=*`.
    Present(AttributeName),
    /// `attribute~=value`.
    Approximate(AttributeName, Vec<u8>),
    /// `attribute:dn:rule:=value`.
    Extensible(Extensible),
}

/// The parts of a substring filter, in order. At least one part is present.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Substrings {
    /// What the value starts with.
    pub initial: Option<Vec<u8>>,
    /// What it contains, in this order.
    pub any: Vec<Vec<u8>>,
    /// What it ends with.
    pub last: Option<Vec<u8>>,
}

/// An extensible match (RFC 4511 4.5.1.7.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extensible {
    /// The matching rule's OID or name.
    pub rule: Option<String>,
    /// The attribute; without it, all attributes.
    pub attribute: Option<AttributeName>,
    /// The assertion value.
    pub value: Vec<u8>,
    /// Whether the parts of the DN count as attributes (Active Directory ignores it).
    pub dn_attributes: bool,
}

/// A search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchRequest {
    /// Where it starts. The empty DN with scope base is the rootDSE.
    pub base: Name,
    /// How deep it goes.
    pub scope: Scope,
    /// What it looks for.
    pub filter: Filter,
    /// Which attributes to return; empty: all ordinary ones.
    pub selection: Vec<AttributeName>,
    /// At most this many entries; 0: the server's own limit.
    pub size_limit: u32,
    /// At most this many seconds; 0: the server's own limit.
    pub time_limit: u32,
    /// Names of attributes without their values.
    pub types_only: bool,
}

/// What a modification does with the values of an attribute (RFC 4511 4.6, RFC 4525).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeOperation {
    /// Adds these values.
    Add,
    /// Removes these values, or all when there are none.
    Delete,
    /// Puts these values in the place of all present ones.
    Replace,
    /// Adds a number to the value. Active Directory does not support it.
    Increment,
}

/// One element of a modification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What to do.
    pub operation: ChangeOperation,
    /// With which attribute.
    pub attribute: AttributeName,
    /// The values.
    pub values: Vec<Vec<u8>>,
}

/// A modification: all elements in order, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModifyRequest {
    /// The object.
    pub object: Name,
    /// What changes.
    pub changes: Vec<Change>,
}

/// A new object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddRequest {
    /// Its distinguished name.
    pub dn: String,
    /// Its attributes, `objectClass` among them.
    pub attributes: Vec<(AttributeName, Vec<Vec<u8>>)>,
}

/// Removes an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteRequest {
    /// The object.
    pub object: Name,
}

/// Renames or moves an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModifyDnRequest {
    /// The object.
    pub object: Name,
    /// Its new relative name, `CN=...`.
    pub new_rdn: String,
    /// Whether the old name's value goes. Active Directory insists on it.
    pub delete_old_rdn: bool,
    /// Where it moves; `None`: stays.
    pub new_superior: Option<Name>,
}

/// Asks whether an object has a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompareRequest {
    /// The object.
    pub object: Name,
    /// The attribute.
    pub attribute: AttributeName,
    /// The value.
    pub value: Vec<u8>,
}

/// A simple bind.
#[derive(Clone, PartialEq, Eq)]
pub struct BindRequest {
    /// Who: a DN, a user principal name, `DOMAIN\user`; empty: anonymous.
    pub name: String,
    /// The password.
    pub password: Vec<u8>,
}

/// The password stays out of every log.
impl fmt::Debug for BindRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BindRequest").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An operation on the directory. Bind, unbind, abandon and "Who am I?" belong to the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Search.
    Search(SearchRequest),
    /// Modify.
    Modify(ModifyRequest),
    /// Add.
    Add(AddRequest),
    /// Delete.
    Delete(DeleteRequest),
    /// Rename or move.
    ModifyDn(ModifyDnRequest),
    /// Compare.
    Compare(CompareRequest),
}

/// A control of a request or an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Whether the request must fail when the control cannot be honoured.
    pub critical: bool,
    /// Which control, and its value.
    pub value: ControlValue,
}

/// Which deleted objects a request can see ([MS-ADTS] 3.1.1.3.4.1.14, 3.1.1.3.4.1.26).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// None.
    #[default]
    Live,
    /// Tombstones and deleted-objects.
    Deleted,
    /// Recycled-objects too.
    Recycled,
}

/// A key of a sorted answer (RFC 2891).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// The attribute.
    pub attribute: String,
    /// The ordering rule's OID. All known ones order as en-US does here.
    pub rule: Option<String>,
    /// Highest first.
    pub reverse: bool,
}

/// Where a window of a sorted answer begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VlvTarget {
    /// At an offset of what the client takes for the count; both 0 at first.
    Offset {
        /// The place, from 1.
        offset: u32,
        /// How many entries the client takes the list to have.
        count: u32,
    },
    /// At the first entry that is not before this value.
    NotBefore(Vec<u8>),
}

/// What a search took ([MS-ADTS] 3.1.1.3.4.1.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchStatistics {
    /// Whether it is told in the form with names.
    pub named: bool,
    /// Entries returned.
    pub returned: usize,
    /// Objects looked at.
    pub visited: usize,
    /// The filter as text.
    pub filter: String,
    /// The index that gave the objects, with their number.
    pub index: String,
}

/// The controls that the directory knows, and any other one ([MS-ADTS] 3.1.1.3.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlValue {
    /// Paged results (RFC 2696). In an answer, `size` is the estimate (0: unknown).
    PagedResults {
        /// Entries a page.
        size: u32,
        /// Empty at the start (request) and at the end (answer).
        cookie: Vec<u8>,
    },
    /// Adding what is there and removing what is not there are no errors.
    PermissiveModify,
    /// No continuation references.
    DomainScope,
    /// Durability may come later.
    LazyCommit,
    /// Deleted objects are seen.
    ShowDeleted,
    /// Recycled objects are seen too.
    ShowRecycled,
    /// Links from and to deleted objects are seen.
    ShowDeactivatedLinks,
    /// A delete takes everything below along.
    TreeDelete,
    /// Which parts of a security descriptor are meant: 1 owner, 2 group, 4 DACL, 8 SACL; 0 all.
    SecurityDescriptorFlags(u32),
    /// Names come with GUID and SID: as text, or as hex digits.
    ExtendedDn {
        /// Dashed GUID and `S-` SID.
        text: bool,
    },
    /// The answer is sorted.
    Sort(Vec<SortKey>),
    /// How sorting went (RFC 2891 1.2).
    SortResult {
        /// The result code.
        code: ResultCode,
        /// The attribute at fault.
        attribute: Option<String>,
    },
    /// A window of a sorted answer (virtual list view).
    Vlv {
        /// Entries before the target.
        before: u32,
        /// Entries behind it.
        after: u32,
        /// The target.
        target: VlvTarget,
        /// What the server gave with an earlier window.
        context: Option<Vec<u8>>,
    },
    /// Where the window is.
    VlvResult {
        /// The target's place, from 1.
        position: u32,
        /// How many entries there are.
        count: u32,
        /// The result code.
        code: ResultCode,
        /// To be sent with the next window.
        context: Vec<u8>,
    },
    /// The search ends when the client ends it, and tells of every change.
    Notification,
    /// 1: no continuation references; 2: all naming contexts below the base at once.
    SearchOptions(u32),
    /// What changed since a cookie.
    DirSync {
        /// 1 object security, 0x800 ancestors first, 0x80000000 incremental values.
        flags: u32,
        /// In a request: the longest answer. In an answer: whether there is more (1) or not (0).
        size: u32,
        /// Where to go on; empty: from the beginning.
        cookie: Vec<u8>,
        /// With attributes that are always returned.
        extended: bool,
    },
    /// Names are looked up on this domain controller, which has to be a global catalog.
    VerifyName(String),
    /// The objects that an attribute of the base refers to are searched.
    AttributeScoped(String),
    /// How that went.
    AttributeScopedResult(ResultCode),
    /// A range behind the last value is empty, no error.
    RangeWithoutError,
    /// The metadata is stamped even if no value changes.
    ForceUpdate,
    /// The object that an attribute of the rootDSE is about.
    InputDn(String),
    /// A search that finds fewer or more is refused.
    ExpectedCount {
        /// At least so many.
        least: u32,
        /// At most so many; 0: any number.
        most: u32,
    },
    /// The answer tells the sequence number and the database of a write.
    UpdateStatistics,
    /// The highest sequence number that the write took.
    HighestUsn(u64),
    /// The GUID of the database.
    InvocationId(Guid),
    /// What the search itself took is told: 1 statistics, 2 statistics without the entries, 4 in the
    /// form with names ([MS-ADTS] 3.1.1.3.4.1.6).
    SearchStatistics(u32),
    /// What it took.
    SearchStatisticsResult(SearchStatistics),
    /// Ranges of values are understood (1.2.840.113556.1.4.802).
    RangeOption,
    /// The request's number in a trace.
    CorrelationId,
    /// Another control, or one of the above with a malformed value.
    Other {
        /// Its OID.
        oid: String,
        /// Its value.
        value: Option<Vec<u8>>,
    },
}

/// A request: an operation with its controls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub operation: Operation,
    /// How.
    pub controls: Vec<Control>,
}

impl Name {
    /// The root of all names: the rootDSE.
    #[must_use]
    pub fn is_root(&self) -> bool {
        matches!(self, Self::Dn(dn) if dn.trim().is_empty())
    }

    /// Reads a name as it stands in a request.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        if let Some(inner) = alternative(text, "GUID")
            && let Some(guid) = guid_of(inner)
        {
            return Self::Guid(guid);
        }
        if let Some(inner) = alternative(text, "SID")
            && let Some(sid) = Sid::from_text_or_hex(inner)
        {
            return Self::Sid(sid);
        }
        if let Some((digits, dn)) = alternative(text, "WKGUID").and_then(|at| at.split_once(','))
            && digits.len() == 32
            && super::name::hex_bytes(digits).is_some()
        {
            let guid = digits.to_ascii_lowercase();
            return Self::WellKnown { guid, below: dn.to_owned() };
        }
        Self::Dn(text.to_owned())
    }
}

/// The form in which a request carries the name.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dn(dn) => f.write_str(dn),
            Self::Guid(guid) => write!(f, "<GUID={guid}>"),
            Self::Sid(sid) => write!(f, "<SID={sid}>"),
            Self::WellKnown { guid, below } => write!(f, "<WKGUID={guid},{below}>"),
            Self::Number(number) => write!(f, "object {}", number.0),
        }
    }
}

impl From<&str> for AttributeName {
    fn from(name: &str) -> Self {
        Self::Text(name.into())
    }
}

impl From<AttributeNumber> for AttributeName {
    fn from(number: AttributeNumber) -> Self {
        Self::Number(number)
    }
}

impl Filter {
    /// The filter that every object satisfies: `(objectClass=*)`.
    #[must_use]
    pub fn everything() -> Self {
        Self::Present(AttributeName::from("objectClass"))
    }
}

impl From<Operation> for Request {
    fn from(operation: Operation) -> Self {
        Self { operation, controls: Vec::new() }
    }
}

/// The inside of `<KEY=...>`.
fn alternative<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let inner = text.trim().strip_prefix('<')?.strip_suffix('>')?;
    let (at, value) = inner.split_once('=')?;
    at.eq_ignore_ascii_case(key).then_some(value)
}

/// Dashed text in the usual order, or 32 hex digits in the order of the bytes.
fn guid_of(text: &str) -> Option<Guid> {
    if text.len() == 36 {
        return text.parse().ok();
    }
    let bytes = super::name::hex_bytes(text)?;
    Some(Guid(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_guid_name_the_same_object() {
        let dashed = Name::from_text("<GUID=03020100-0504-0706-0809-0a0b0c0d0e0f>");
        let hex = Name::from_text("<guid=000102030405060708090A0B0C0D0E0F>");
        assert_eq!(dashed, hex);
        assert_eq!(Name::from_text("<GUID=zz>"), Name::Dn("<GUID=zz>".to_owned()));
    }
}
