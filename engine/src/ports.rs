//! What the engine asks of the world, as traits and plain values.
//!
//! A port may be a function call into a simulated estate, an HTTPS or LDAP connection to one, or to
//! a real tenant and forest: nothing here tells which. Adapters never sleep and never retry; they
//! say what happened, and the engine decides.
//!
//! Every call is one batch. Where an adapter has to split a batch into protocol requests, it does so
//! by the constants below, so that all adapters ask the world for the same things in the same order.

mod job_port;
mod write_outcome;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::guid::Guid;
use crate::time::Timestamp;
use crate::values::{Texts, Values};

pub use job_port::{JobPort, Numbered};
pub use write_outcome::{WriteOutcome, lost_at};

/// Rows in a page of mailboxes. Exchange Online serves at most 1,000 (`Prefer: odata.maxpagesize`).
pub const MAILBOX_PAGE: usize = 1_000;
/// Identifiers in one Graph `directoryObjects/getByIds` request (documented maximum 1,000).
pub const USER_BATCH: usize = 1_000;
/// Mailboxes asked for by id in one call of [`ExchangeOnline::mailboxes`]: ten `Get-Mailbox` a
/// `$batch` request.
pub const MAILBOX_BATCH: usize = 100;
/// `Set-Mailbox` calls in one call of [`ExchangeOnline::set_mailboxes`].
pub const SET_BATCH: usize = 100;
/// Cmdlets in one `$batch` request of the Exchange Online admin API, as public tools send it.
pub const CMDLETS_A_REQUEST: usize = 10;
/// Keys in one LDAP search (an OR filter), for [`Directory::find`] and [`Directory::read`].
pub const KEYS_A_SEARCH: usize = 100;
/// Objects in one call of [`Directory::modify`].
pub const MODIFY_BATCH: usize = 500;
/// How many modifies of a call of [`Directory::modify`] are under way at the same time, at most.
pub const MODIFIES_IN_FLIGHT: usize = 64;

/// A name of a property or an attribute: its documented spelling, compared without case.
pub type Name = Cow<'static, str>;

/// Properties of a mailbox's user: `Get-User` shows them and `Set-User` sets them, where all others belong
/// to `Get-Mailbox` and `Set-Mailbox`. Adapters ask for them after the mailboxes, and set them after the
/// rest of a change was accepted.
pub const USER_PROPERTIES: [&str; 1] = ["AssistantName"];

/// Whether this is one of [`USER_PROPERTIES`].
#[must_use]
pub fn is_of_user(property: &str) -> bool {
    USER_PROPERTIES.iter().any(|known| known.eq_ignore_ascii_case(property))
}

/// Identifies a mailbox: its `ExternalDirectoryObjectId`, equal to the Entra object id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxId(pub Guid);

impl fmt::Display for MailboxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Identifies an Active Directory object: its `objectGUID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectGuid(pub Guid);

impl fmt::Display for ObjectGuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Identifies a provisioning agent: the machine name under which it registered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentName(pub String);

/// Why a call brought nothing. Nothing is known to have been written by a call that failed so,
/// unless a variant says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The engine's process is at its end: nothing was asked and nothing changed.
    #[error("halted")]
    Halted,
    /// The service asks to come back later (HTTP 429, or 503 with `Retry-After`).
    #[error("throttled{}", .retry_after.map(|wait| format!(", retry after {} s", wait.as_secs())).unwrap_or_default())]
    Throttled {
        /// The service's own wish; `None` when it named none.
        retry_after: Option<Duration>,
    },
    /// Nobody answered, or the answer broke off. For a writing call the outcome is unknown.
    #[error("unreachable: {detail}")]
    Unreachable {
        /// What was tried and what came back.
        detail: String,
    },
    /// The address is of no use as things are: its certificate is not trusted, or its name is not known.
    /// Nothing was sent, and asking again changes nothing before somebody repairs it.
    #[error("unusable: {detail}")]
    Unusable {
        /// What was tried and what stands against it.
        detail: String,
    },
    /// No answer within the time that the caller allows.
    #[error("no answer in time: {detail}")]
    TimedOut {
        /// What was waited for.
        detail: String,
    },
    /// Credentials, consent or a role are missing or refused (401, 403, LDAP 49).
    #[error("refused ({code}): {detail}")]
    Refused {
        /// The service's own code: `AADSTS7000215`, `Authorization_RequestDenied`, `403`, `49`.
        code: String,
        /// The service's own words.
        detail: String,
    },
    /// The service failed (5xx, LDAP busy or unavailable for the whole call).
    #[error("service failure ({code}): {detail}")]
    ServiceFailure {
        /// The service's own code.
        code: String,
        /// The service's own words.
        detail: String,
    },
    /// The answer could not be understood, or the service refused the request as malformed.
    #[error("not understood: {detail}")]
    Malformed {
        /// What was wrong with it.
        detail: String,
    },
    /// A page token has expired or is unknown: the listing starts over.
    #[error("the page token has expired")]
    PageExpired,
}

/// A place in a listing, opaque to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken(pub String);

/// A mailbox as Exchange Online shows it, with the properties that were selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// `ExternalDirectoryObjectId`.
    pub id: MailboxId,
    /// `WhenChangedUTC`, whole seconds.
    pub when_changed: Timestamp,
    /// `IsDirSynced`.
    pub dir_synced: bool,
    /// `IsExchangeCloudManaged`.
    pub cloud_managed: bool,
    /// `RecipientTypeDetails`: `UserMailbox`, `SharedMailbox`, `RoomMailbox`, ... The usual ones are
    /// borrowed ([`known_name`](crate::recipient_type::known_name)).
    pub recipient_type_details: Name,
    /// A column of values for each selected property, in the order of the selection. Absent, null and
    /// empty text are all "no values"; a Boolean is `True` or `False`.
    pub values: Texts,
}

/// One of several things that were asked for in one call: what it is, nothing where there is no such
/// thing, or why it alone cannot be said. Such an error concerns no other of them.
pub type Row<T> = Result<Option<T>, CallError>;

/// A row of a listing that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadRow {
    /// Whose it is, where it says so.
    pub id: Option<MailboxId>,
    /// What is wrong with it.
    pub error: CallError,
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxPage {
    /// The rows, oldest change first.
    pub rows: Vec<Mailbox>,
    /// Rows that cannot be used. They stand in the way of no other.
    pub unread: Vec<UnreadRow>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<PageToken>,
    /// The service's own clock when it answered (HTTP `Date`), whole seconds. Every change whose
    /// `WhenChangedUTC` lies before it was visible to this call.
    pub as_of: Timestamp,
}

impl MailboxPage {
    /// The page, for whoever needs every row of it.
    ///
    /// # Errors
    /// What is wrong with the first row that cannot be used.
    pub fn whole(self) -> Result<Self, CallError> {
        match self.unread.into_iter().next() {
            Some(unread) => Err(unread.error),
            None => Ok(Self { unread: Vec::new(), ..self }),
        }
    }
}

/// What to set on one mailbox (`Set-Mailbox`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxChange {
    /// The mailbox.
    pub id: MailboxId,
    /// `-IsExchangeCloudManaged`, when given.
    pub cloud_managed: Option<bool>,
    /// Properties to replace, by parameter name. No values clears the property.
    pub values: Vec<(Name, Vec<String>)>,
}

/// What the service said to one `Set-Mailbox`. It decides nothing: only a read-back does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetOutcome {
    /// The call returned without error.
    Accepted,
    /// The call returned an error.
    Refused {
        /// The service's own code or exception class; may be empty.
        code: String,
        /// The service's own words; may be empty even though the change was applied.
        message: String,
    },
    /// The service asks to come back later: this was not applied (HTTP 429, or 503 with `Retry-After`).
    Throttled {
        /// The service's own wish; `None` when it named none.
        retry_after: Option<Duration>,
    },
    /// Nothing was sent: the batch had ended before, because the service asked to come back later or did
    /// not answer any more.
    NotSent,
    /// No answer came: it may have been applied or not.
    Unknown,
}

/// Settings of the organization that matter here (`Get-OrganizationConfig`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// The tenant's id.
    pub tenant: Guid,
    /// `BlockExchangeProvisioningFromOnPremEnabled`: new mailboxes are cloud-managed from birth.
    pub cloud_managed_by_default: bool,
}

/// Exchange Online.
pub trait ExchangeOnline {
    /// Mailboxes whose `WhenChangedUTC` is at or after `since` (all of them for `None`), oldest
    /// change first, with the values of `properties`. A mailbox that changes while its listing is
    /// read may come again, and is never left out. At most [`MAILBOX_PAGE`] rows.
    ///
    /// # Errors
    /// Any [`CallError`]; `PageExpired` when `page` is no longer known.
    fn mailboxes_changed(
        &mut self,
        since: Option<Timestamp>,
        page: Option<&PageToken>,
        properties: &[Name],
    ) -> Result<MailboxPage, CallError>;

    /// Mailboxes by id, at most [`MAILBOX_BATCH`], each with its own outcome: nothing where there is no
    /// such mailbox (any more), an error where it alone is refused or cannot be understood. Throttling
    /// of any of them is an error of the call: reading again costs nothing.
    ///
    /// # Errors
    /// Any [`CallError`] but `PageExpired`, when it concerns the whole call.
    fn mailbox_rows(
        &mut self,
        ids: &[MailboxId],
        properties: &[Name],
    ) -> Result<Vec<Row<Mailbox>>, CallError>;

    /// The same for whoever needs every one of them.
    ///
    /// # Errors
    /// Any [`CallError`] but `PageExpired`, be it of the call or of one mailbox.
    fn mailboxes(
        &mut self,
        ids: &[MailboxId],
        properties: &[Name],
    ) -> Result<Vec<Option<Mailbox>>, CallError> {
        self.mailbox_rows(ids, properties)?.into_iter().collect()
    }

    /// Sets flag and values, at most [`SET_BATCH`] mailboxes, in order. One outcome for each. A request
    /// that is throttled or not answered is the last one: what would have come after it is `NotSent`.
    ///
    /// # Errors
    /// Any [`CallError`] but `PageExpired`; then nothing of the batch was applied.
    fn set_mailboxes(&mut self, changes: &[MailboxChange]) -> Result<Vec<SetOutcome>, CallError>;

    /// The organization's settings.
    ///
    /// # Errors
    /// Any [`CallError`] but `PageExpired`.
    fn organization(&mut self) -> Result<Organization, CallError>;
}

/// An Entra user with its anchors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The object id.
    pub id: MailboxId,
    /// `onPremisesSyncEnabled`: true synced, false no longer, null never.
    pub sync_enabled: Option<bool>,
    /// `onPremisesImmutableId`: the source anchor, Base64 of `mS-DS-ConsistencyGuid` or `objectGUID`.
    pub immutable_id: Option<String>,
    /// `onPremisesObjectIdentifier`: the `objectGUID` of the AD object. Not in the published
    /// metadata of Graph v1.0; a beta property here.
    pub object_identifier: Option<Guid>,
    /// `onPremisesDomainName`: the AD domain the object comes from.
    pub domain: Option<String>,
}

/// An agent as the service lists it (`onPremisesPublishingProfiles/provisioning/agents`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its machine name.
    pub name: AgentName,
    /// `status` is `active`. An agent that stopped a short while ago is still listed so.
    pub active: bool,
    /// Its version, when the service tells it.
    pub version: Option<String>,
}

/// Directory synchronization as the tenant sees it (`organization`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncConfiguration {
    /// `onPremisesSyncEnabled`.
    pub enabled: bool,
    /// `onPremisesLastSyncDateTime`.
    pub last_sync: Option<Timestamp>,
}

/// Microsoft Entra ID.
pub trait Entra {
    /// Users by id, at most [`USER_BATCH`], each with its own outcome: nothing where there is no such
    /// user, an error where its row alone cannot be understood.
    ///
    /// # Errors
    /// Any [`CallError`] but `PageExpired`, when it concerns the whole call.
    fn user_rows(&mut self, ids: &[MailboxId]) -> Result<Vec<Row<User>>, CallError>;

    /// The same for whoever needs every one of them.
    ///
    /// # Errors
    /// Any [`CallError`] but `PageExpired`, be it of the call or of one user.
    fn users(&mut self, ids: &[MailboxId]) -> Result<Vec<Option<User>>, CallError> {
        self.user_rows(ids)?.into_iter().collect()
    }

    /// The provisioning agents in the order in which they are listed.
    ///
    /// # Errors
    /// Any [`CallError`] but `PageExpired`.
    fn agents(&mut self) -> Result<Vec<Agent>, CallError>;

    /// Whether and when the directory was last synchronized.
    ///
    /// # Errors
    /// Any [`CallError`] but `PageExpired`.
    fn sync_configuration(&mut self) -> Result<SyncConfiguration, CallError>;
}

/// A way to find an AD object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnchorKey {
    /// By `objectGUID`.
    ObjectGuid(Guid),
    /// By `mS-DS-ConsistencyGuid`.
    ConsistencyGuid(Vec<u8>),
    /// By `msDS-ExternalDirectoryObjectId` (`User_` and the Entra object id).
    ExternalDirectoryObjectId(String),
}

/// An AD object with the attributes that were asked for. Its name is not among them: nothing is
/// decided by it, and it may change between two reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryObject {
    /// `objectGUID`.
    pub guid: ObjectGuid,
    /// `mS-DS-ConsistencyGuid`, as stored.
    pub consistency_guid: Option<Vec<u8>>,
    /// `msDS-ExternalDirectoryObjectId`.
    pub external_id: Option<String>,
    /// A column of values for each attribute asked for, in that order; none when absent. A set: the
    /// order means nothing, and adapters sort by bytes.
    pub values: Values,
    /// Why its values are not all there: nothing may be decided by them. It concerns no other object.
    pub broken: Option<String>,
}

impl DirectoryObject {
    /// Objects for whoever needs every value of every one of them.
    ///
    /// # Errors
    /// What is wrong with the first object whose values are not all there.
    pub fn whole(objects: Vec<Self>) -> Result<Vec<Self>, CallError> {
        match objects.iter().find_map(|object| object.broken.as_ref()) {
            Some(detail) => Err(CallError::Malformed { detail: detail.clone() }),
            None => Ok(objects),
        }
    }
}

/// What to do with one attribute ([RFC 4511] 4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeOperation {
    /// Add these values.
    Add,
    /// Delete these values, or the attribute when there are none.
    Delete,
    /// Replace all values; none removes the attribute.
    Replace,
}

/// One element of a modify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeChange {
    /// The attribute's `lDAPDisplayName`.
    pub attribute: Name,
    /// What to do.
    pub operation: ChangeOperation,
    /// The values.
    pub values: Vec<Vec<u8>>,
}

/// One modify of one object: all of it happens or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modification {
    /// The object.
    pub object: ObjectGuid,
    /// The elements, applied in order.
    pub changes: Vec<AttributeChange>,
}

/// Active Directory, reached **through an agent**, under its account and rights.
///
/// `Unreachable` and `TimedOut` mean that this agent (or its DC) does not work now.
pub trait Directory {
    /// All objects that any of `keys` hits, each once, with the values of `attributes`: all of them, in
    /// however many parts the DC hands them out.
    ///
    /// # Errors
    /// Any [`CallError`] but `PageExpired`.
    fn find(
        &mut self,
        agent: &AgentName,
        keys: &[AnchorKey],
        attributes: &[Name],
    ) -> Result<Vec<DirectoryObject>, CallError>;

    /// Objects by GUID, with the values of `attributes`; those that do not exist are left out.
    ///
    /// # Errors
    /// Any [`CallError`] but `PageExpired`.
    fn read(
        &mut self,
        agent: &AgentName,
        objects: &[ObjectGuid],
        attributes: &[Name],
    ) -> Result<Vec<DirectoryObject>, CallError>;

    /// Applies at most [`MODIFY_BATCH`] modifications, in order, with at most [`MODIFIES_IN_FLIGHT`] of
    /// them under way at the same time; one outcome for each. A lost connection ends the batch: the item at
    /// whose answer it was lost and those that may have been under way with it are `Unknown`, and all
    /// after them `NotSent`.
    ///
    /// # Errors
    /// Any [`CallError`] but `PageExpired`; then nothing of the batch was applied.
    fn modify(
        &mut self,
        agent: &AgentName,
        batch: &[Modification],
    ) -> Result<Vec<WriteOutcome>, CallError>;
}

/// The tables of the state store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Version, watermark, run state of the job.
    Meta,
    /// Mailbox to AD object, with the version last exported.
    Links,
    /// Failed objects and when they are tried again (escrow).
    Escrow,
    /// Writes that were about to be sent when the row was written.
    Intents,
    /// Values kept before a flip.
    Backups,
    /// Progress of transfers.
    Transfers,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 6] =
        [Self::Meta, Self::Links, Self::Escrow, Self::Intents, Self::Backups, Self::Transfers];
}

/// One row to write; `value` `None` deletes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreWrite {
    /// The table.
    pub table: Table,
    /// The key; rows are ordered by its bytes.
    pub key: Vec<u8>,
    /// The new value.
    pub value: Option<Vec<u8>>,
}

/// Why the state store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The engine's process is at its end: nothing changed.
    #[error("halted")]
    Halted,
    /// The store holds something that it never wrote. It is reported and never silently reset.
    #[error("the state store is damaged: {0}")]
    Damaged(String),
    /// Another process has the store open: two engines on one store would each undo what the other does.
    #[error("another process has the state store {0} open")]
    InUse(String),
    /// The store could not be read or written.
    #[error("the state store does not work: {0}")]
    Io(String),
}

/// What must survive a crash. A commit happens wholly or not at all.
pub trait StateStore {
    /// The values under `keys`, in their order.
    ///
    /// # Errors
    /// [`StoreError`].
    fn get(&mut self, table: Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Up to `limit` rows with keys after `after` (from the start for `None`), in key order.
    ///
    /// # Errors
    /// [`StoreError`].
    #[expect(clippy::type_complexity, reason = "a row is a key and a value")]
    fn scan(
        &mut self,
        table: Table,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError>;

    /// Applies all of `writes`, durably, or none.
    ///
    /// # Errors
    /// [`StoreError`]; then none was applied.
    fn commit(&mut self, writes: Vec<StoreWrite>) -> Result<(), StoreError>;
}

/// All ports, as one step gets them.
pub struct Ports<'a> {
    /// Exchange Online.
    pub exchange: &'a mut dyn ExchangeOnline,
    /// Entra.
    pub entra: &'a mut dyn Entra,
    /// Active Directory through the agents.
    pub directory: &'a mut dyn Directory,
    /// The state store.
    pub store: &'a mut dyn StateStore,
    /// The job's desk.
    pub job: &'a mut dyn JobPort,
}
