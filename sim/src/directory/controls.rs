//! What the controls of a request ask for, together ([MS-ADTS] 3.1.1.3.4.1).

use crate::directory::answer::{LdapResult, ResultCode};
use crate::directory::diagnostic;
use crate::directory::request::{Control, ControlValue, Sight, SortKey, VlvTarget};
use crate::directory::search::Page;

/// The controls that work, by OID: the rootDSE announces these.
pub(super) const SUPPORTED_CONTROLS: [&str; 29] = [
    "1.2.840.113556.1.4.319",
    "1.2.840.113556.1.4.801",
    "1.2.840.113556.1.4.473",
    "1.2.840.113556.1.4.528",
    "1.2.840.113556.1.4.417",
    "1.2.840.113556.1.4.619",
    "1.2.840.113556.1.4.970",
    "1.2.840.113556.1.4.841",
    "1.2.840.113556.1.4.529",
    "1.2.840.113556.1.4.805",
    "1.2.840.113556.1.4.1338",
    "1.2.840.113556.1.4.474",
    "1.2.840.113556.1.4.1339",
    "1.2.840.113556.1.4.1340",
    "1.2.840.113556.1.4.1413",
    "2.16.840.1.113730.3.4.9",
    "2.16.840.1.113730.3.4.10",
    "1.2.840.113556.1.4.1504",
    "1.2.840.113556.1.4.802",
    "1.2.840.113556.1.4.1948",
    "1.2.840.113556.1.4.1974",
    "1.2.840.113556.1.4.2026",
    "1.2.840.113556.1.4.2064",
    "1.2.840.113556.1.4.2065",
    "1.2.840.113556.1.4.2090",
    "1.2.840.113556.1.4.2205",
    "1.2.840.113556.1.4.2211",
    "1.2.840.113556.1.4.2204",
    "1.2.840.113556.1.4.2330",
];

/// A window of a sorted answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window<'c> {
    pub(super) before: u32,
    pub(super) after: u32,
    pub(super) target: &'c VlvTarget,
    pub(super) context: Option<&'c [u8]>,
}

/// A request for changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changes<'c> {
    pub(super) flags: u32,
    pub(super) cookie: &'c [u8],
    pub(super) extended: bool,
    /// How long the answer may be, in bytes.
    pub(super) most: u32,
}

/// What the controls of a request ask for.
#[derive(Clone, Debug, Default)]
pub(super) struct Controls<'c> {
    pub(super) page: Option<Page<'c>>,
    pub(super) permissive: bool,
    /// Values that stay the same are stamped too.
    pub(super) force: bool,
    /// The global catalog that looks names up.
    pub(super) verified_by: Option<&'c str>,
    /// The object that an attribute of the rootDSE is about.
    pub(super) input: Option<&'c str>,
    pub(super) sight: Sight,
    pub(super) deactivated_links: bool,
    pub(super) tree_delete: bool,
    pub(super) descriptor: Option<u32>,
    pub(super) extended_dn: Option<bool>,
    pub(super) sort: Option<(bool, &'c [SortKey])>,
    pub(super) window: Option<Window<'c>>,
    pub(super) notification: bool,
    pub(super) no_references: bool,
    pub(super) phantom_root: bool,
    pub(super) changes: Option<Changes<'c>>,
    pub(super) scoped: Option<&'c str>,
    pub(super) range_without_error: bool,
    pub(super) expected: Option<(u32, u32)>,
    pub(super) update_statistics: bool,
    /// What is told about the search itself: the bits of [`crate::directory::statistics`].
    pub(super) statistics: Option<u32>,
}

impl<'c> Controls<'c> {
    /// Reads the controls of a request.
    ///
    /// # Errors
    /// 12 for a critical one that does not work here or whose value cannot be used; 2 for both kinds of
    /// DirSync together.
    pub(super) fn read(controls: &'c [Control]) -> Result<Self, LdapResult> {
        let mut asked = Self::default();
        for control in controls {
            match &control.value {
                ControlValue::PagedResults { size, cookie } => {
                    asked.page = Some(Page { size: *size, cookie });
                }
                ControlValue::PermissiveModify => asked.permissive = true,
                ControlValue::ShowDeleted => asked.sight = asked.sight.max(Sight::Deleted),
                ControlValue::ShowRecycled => asked.sight = Sight::Recycled,
                ControlValue::ShowDeactivatedLinks => asked.deactivated_links = true,
                ControlValue::TreeDelete => asked.tree_delete = true,
                ControlValue::SecurityDescriptorFlags(flags) => asked.descriptor = Some(*flags),
                ControlValue::ExtendedDn { text } => asked.extended_dn = Some(*text),
                ControlValue::Sort(keys) => asked.sort = Some((control.critical, keys)),
                ControlValue::Vlv { before, after, target, context } => {
                    let (before, after) = (*before, *after);
                    let context = context.as_deref();
                    asked.window = Some(Window { before, after, target, context });
                }
                ControlValue::Notification => asked.notification = true,
                ControlValue::DomainScope => asked.no_references = true,
                ControlValue::SearchOptions(flags) => {
                    asked.no_references |= flags & 1 != 0;
                    asked.phantom_root |= flags & 2 != 0;
                }
                ControlValue::DirSync { flags, size, cookie, extended } => {
                    if asked.changes.is_some() {
                        let comment = "Error processing control";
                        return Err(diagnostic::ldap(ResultCode::ProtocolError, 0x57, comment));
                    }
                    let (flags, most, extended) = (*flags, *size, *extended);
                    asked.changes = Some(Changes { flags, cookie, extended, most });
                }
                ControlValue::AttributeScoped(attribute) => asked.scoped = Some(attribute),
                ControlValue::RangeWithoutError => asked.range_without_error = true,
                ControlValue::ExpectedCount { least, most } => {
                    asked.expected = Some((*least, *most));
                }
                ControlValue::UpdateStatistics => asked.update_statistics = true,
                ControlValue::SearchStatistics(options) => asked.statistics = Some(*options),
                ControlValue::Other { .. } if control.critical => {
                    return Err(diagnostic::bad_control());
                }
                ControlValue::ForceUpdate => asked.force = true,
                ControlValue::VerifyName(server) => asked.verified_by = Some(server),
                ControlValue::InputDn(name) => asked.input = Some(name),
                // Nothing here is lazy, ranges are always understood, a trace number has no effect, and
                // neither has what an answer carries.
                ControlValue::LazyCommit
                | ControlValue::RangeOption
                | ControlValue::CorrelationId
                | ControlValue::SortResult { .. }
                | ControlValue::VlvResult { .. }
                | ControlValue::AttributeScopedResult(_)
                | ControlValue::HighestUsn(_)
                | ControlValue::InvocationId(_)
                | ControlValue::SearchStatisticsResult(_)
                | ControlValue::Other { .. } => {}
            }
        }
        Ok(asked)
    }
}
