//! The words of the language, each list once: the reader and the schema take them from here.

use super::super::fault::{DirectoryOperation, When};
use super::super::model::{
    About, Authority, Cycle, CyclePolicy, Evidence, GraphMethod, RestartScope, Tier,
};
use super::super::world::{Inbound, MailboxKind, MailboxLocation};

/// `about:`.
pub(in crate::scenario) const ABOUT: [(&str, About); 5] = [
    ("writeback", About::Writeback),
    ("transfer", About::Transfer),
    ("cloud", About::Cloud),
    ("directory", About::Directory),
    ("report", About::Report),
];

/// `evidence:`.
pub(in crate::scenario) const EVIDENCE: [(&str, Evidence); 6] = [
    ("documented", Evidence::Documented),
    ("quoted", Evidence::Quoted),
    ("preview", Evidence::Preview),
    ("field", Evidence::Field),
    ("inferred", Evidence::Inferred),
    ("unknown", Evidence::Unknown),
];

/// `tier:`.
pub(in crate::scenario) const TIERS: [(&str, Tier); 3] =
    [("main", Tier::Main), ("scale", Tier::Scale), ("soak", Tier::Soak)];

/// `type:` of a user.
pub(in crate::scenario) const KINDS: [(&str, MailboxKind); 4] = [
    ("user", MailboxKind::User),
    ("shared", MailboxKind::Shared),
    ("room", MailboxKind::Room),
    ("equipment", MailboxKind::Equipment),
];

/// `mailbox:` of a user.
pub(in crate::scenario) const LOCATIONS: [(&str, MailboxLocation); 3] = [
    ("cloud", MailboxLocation::Cloud),
    ("on-premises", MailboxLocation::OnPremises),
    ("none", MailboxLocation::None),
];

/// `method:` of a Graph request.
pub(in crate::scenario) const METHODS: [(&str, GraphMethod); 5] = [
    ("GET", GraphMethod::Get),
    ("POST", GraphMethod::Post),
    ("PATCH", GraphMethod::Patch),
    ("PUT", GraphMethod::Put),
    ("DELETE", GraphMethod::Delete),
];

/// `to:` of a transfer.
pub(in crate::scenario) const AUTHORITIES: [(&str, Authority); 2] =
    [("cloud", Authority::Cloud), ("on-premises", Authority::OnPremises)];

/// `restart:` of the job.
pub(in crate::scenario) const SCOPES: [(&str, RestartScope); 4] = [
    ("Watermark", RestartScope::Watermark),
    ("Escrows", RestartScope::Escrows),
    ("QuarantineState", RestartScope::QuarantineState),
    ("Full", RestartScope::Full),
];

/// `cycle:`.
pub(in crate::scenario) const CYCLES: [(&str, Cycle); 2] =
    [("connect", Cycle::Connect(CyclePolicy::Delta)), ("writeback", Cycle::Writeback)];

/// `cycle: {connect: ...}`.
pub(in crate::scenario) const POLICIES: [(&str, CyclePolicy); 2] =
    [("delta", CyclePolicy::Delta), ("initial", CyclePolicy::Initial)];

/// `connect:` as a word.
pub(in crate::scenario) const CONNECT_WORDS: [(&str, ()); 1] = [("switch_to_staging", ())];

/// `inbound:`.
pub(in crate::scenario) const INBOUND: [(&str, Inbound); 2] =
    [("connect_sync", Inbound::ConnectSync), ("cloud_sync", Inbound::CloudSync)];

/// `operation:` of a fault.
pub(in crate::scenario) const OPERATIONS: [(&str, DirectoryOperation); 3] = [
    ("modify", DirectoryOperation::Modify),
    ("search", DirectoryOperation::Search),
    ("any", DirectoryOperation::Any),
];

/// `when:` of a fault.
pub(in crate::scenario) const WHEN: [(&str, When); 2] =
    [("before", When::Before), ("after", When::After)];
