//! DirSync: what changed in a naming context since a cookie ([MS-ADTS] 3.1.1.3.4.1.3).
//!
//! A cookie tells up to which originating update of each domain controller its holder knows, and where
//! in this one's own order of changes it stands. So it survives reconnects, and another domain
//! controller of the forest understands it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::VirtualTime;
use crate::directory::account::file_time;
use crate::directory::answer::{LdapResult, Response, ResultCode, SearchEntry};
use crate::directory::controls::{Changes, Controls};
use crate::directory::derived::{Look, View};
use crate::directory::diagnostic;
use crate::directory::entry::{DcNumber, Entry, Life, referenced};
use crate::directory::filter::{Test, compile};
use crate::directory::forest::{DomainController, Forest};
use crate::directory::policies::Policy;
use crate::directory::principal::{Principal, Rights};
use crate::directory::progress;
use crate::directory::request::{
    AttributeName, Control, ControlValue, ObjectNumber, SearchRequest, Sight,
};
use crate::directory::schema::known;
use crate::directory::search::Asker;
use crate::directory::security::descriptor::CONTROL_ACCESS;
use crate::guid::Guid;
use crate::record::AttributeNumber;

const OBJECT_SECURITY: u32 = 0x1;
const ANCESTORS_FIRST: u32 = 0x800;
const INCREMENTAL_VALUES: u32 = 0x8000_0000;

const SIGNATURE: &[u8; 8] = b"MSDS\x03\0\0\0";

/// What the holder of a cookie knows.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The last sequence number of this domain controller that was looked at.
    usn: u64,
    /// Whose number that is.
    source: Option<Guid>,
    /// The highest originating number of each database.
    vector: BTreeMap<Guid, u64>,
}

/// Attributes as an answer has them.
type Shown = Vec<(Arc<str>, Vec<Vec<u8>>)>;

/// Which attributes are asked for.
struct Wanted {
    /// Everything that replicates.
    all: bool,
    named: Vec<AttributeNumber>,
    always: Vec<AttributeNumber>,
    /// What the caller is not given.
    without: Vec<AttributeNumber>,
}

impl Forest {
    pub(super) fn changes(
        &self,
        asker: &Asker<'_>,
        controller: &DomainController,
        request: &SearchRequest,
        asked: &Controls<'_>,
        changes: &Changes<'_>,
    ) -> Result<Response, LdapResult> {
        let by_object = changes.flags & OBJECT_SECURITY != 0;
        let head = self.resolve_seeing(asker.dc, &request.base, Sight::Deleted)?;
        if !self.contexts.iter().any(|context| context.head == head) {
            return Err(if by_object { diagnostic::unwilling(0x2035) } else { denied() });
        }
        if !by_object && !self.may_read_changes(controller, asker.principal, head) {
            return Err(denied());
        }
        let mut known = read_cookie(changes.cookie).ok_or_else(diagnostic::bad_control)?;
        let test = compile(self, controller, &request.filter)?;
        let mut wanted = self.wanted(request, changes.extended);
        if !by_object && !self.may_read_filtered(controller, asker.principal, head) {
            self.leave_filtered(&mut wanted)?;
        }
        let from = if known.source == Some(controller.invocation_id) { known.usn } else { 0 };
        let most = self.policies.size_of(Policy::MaxPageSize);
        let look = asker.look(request, asked);
        let sees_deleted = asker.principal.rights == Rights::Full;
        let mut found: Vec<(usize, SearchEntry)> = Vec::new();
        let mut last = from;
        let mut more = false;
        let mut work = 0;
        // Less than a mebibyte counts as one.
        let bytes = usize::try_from(changes.most.max(1 << 20)).unwrap_or(usize::MAX);
        let mut written = 0;
        for (usn, object) in controller.store.changed_from(from.saturating_add(1)) {
            // A page also ends when it has taken long (MaxDirSyncDuration).
            if found.len() >= most || written >= bytes || work >= progress::SLICE {
                more = true;
                break;
            }
            last = usn;
            work += 1 + test.elements();
            let Some(slot) = controller.store.get(object) else { continue };
            if !Self::is_within(controller, object, slot, head) {
                continue;
            }
            let view = View { look, ..View::new(self, controller, object, slot) };
            // With the right to read all changes, nothing else is asked.
            let view = if by_object {
                view
            } else {
                View { look: Look { reading: None, ..look }, ..view }
            };
            if slot.entry.life != Life::Live && by_object && !sees_deleted {
                found.extend(self.disappeared(&known, &slot.entry, &test, &view));
                continue;
            }
            if test.holds(&view) != Some(true) || !view.is_listed() {
                continue;
            }
            if let Some(attributes) = self.changed_attributes(&view, &known, &wanted, changes, from)
            {
                written += length(&attributes);
                let dn = self.shown_dn(controller, object, look.extended_dn);
                let guid = Some(slot.entry.guid);
                found.push((self.depth(controller, object), SearchEntry { guid, dn, attributes }));
            }
        }
        if changes.flags & ANCESTORS_FIRST != 0 {
            found.sort_by_key(|(depth, _)| *depth);
        }
        self.note_told(controller, head, &mut known, more.then_some(last));
        let mut response = Response::from(LdapResult::success());
        response.entries = found.into_iter().map(|(_, entry)| entry).collect();
        let value = ControlValue::DirSync {
            flags: u32::from(more),
            size: 0,
            cookie: write_cookie(&known, asker.now),
            extended: changes.extended,
        };
        response.controls.push(Control { critical: false, value });
        Ok(response)
    }

    /// Whether a caller may read what a read-only domain controller is not given: the filtered attribute set
    /// ([MS-ADTS] 3.1.1.3.4.1.3, 3.1.1.2.3.4).
    fn may_read_filtered(
        &self,
        controller: &DomainController,
        principal: &Principal,
        head: ObjectNumber,
    ) -> bool {
        const IN_FILTERED_SET: &str = "89e95b76-444d-4c62-991a-0facbeda640c";
        const ALL: &str = "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2";
        let may = |right: &str| {
            self.may(controller, principal, head, CONTROL_ACCESS, &[right.parse().ok()])
        };
        match principal.rights {
            Rights::WriteAttributes(_) | Rights::ReadOnly => true,
            _ => may(IN_FILTERED_SET) || may(ALL),
        }
    }

    /// Leaves the filtered attribute set out of what is wanted.
    ///
    /// # Errors
    /// 50/2105 when an attribute of it is asked for by name.
    fn leave_filtered(&self, wanted: &mut Wanted) -> Result<(), LdapResult> {
        const FILTERED: u32 = 0x200;
        let is_filtered = |number: &AttributeNumber| {
            self.schema.attribute(*number).is_some_and(|at| at.search_flags & FILTERED != 0)
        };
        if wanted.named.iter().any(is_filtered) {
            return Err(denied());
        }
        let filtered = self.schema.attributes().map(|at| at.number).filter(is_filtered);
        wanted.without = filtered.collect();
        Ok(())
    }

    /// What a caller who does not see deleted objects is told of one that it may have known: which one it was,
    /// and nothing else ([MS-ADTS] 3.1.1.3.4.1.3, LDAP_DIRSYNC_OBJECT_SECURITY).
    fn disappeared(
        &self,
        known: &Known,
        entry: &Entry,
        test: &Test<'_>,
        view: &View<'_>,
    ) -> Option<(usize, SearchEntry)> {
        let view = View { look: Look { reading: None, ..view.look }, ..*view };
        let deletion = entry.metadata(known::IS_DELETED);
        let was_there = !self.is_news(known, entry.created_by, entry.created_usn);
        let is_told = was_there && self.is_news(known, deletion.dc, deletion.usn());
        if !is_told || test.holds(&view) != Some(true) {
            return None;
        }
        let name = |number| self.schema.attribute(number).map(|at| Arc::clone(&at.name));
        let attributes = vec![
            (name(known::OBJECT_GUID)?, vec![entry.guid.0.to_vec()]),
            (name(known::IS_DELETED)?, vec![b"TRUE".to_vec()]),
        ];
        Some((0, SearchEntry { guid: Some(entry.guid), dn: String::new(), attributes }))
    }

    /// Whether the holder of a cookie has not heard of an update.
    fn is_news(&self, known: &Known, dc: DcNumber, usn: u64) -> bool {
        let database = self.dc(dc).map(|dc| dc.invocation_id);
        let seen = database.and_then(|database| known.vector.get(&database));
        seen.is_none_or(|seen| usn > *seen)
    }

    /// Notes in a cookie up to where changes are told: up to a sequence number, or all of them; then what
    /// a domain controller has heard of the others' updates, it has passed on now.
    fn note_told(
        &self,
        controller: &DomainController,
        head: ObjectNumber,
        known: &mut Known,
        until: Option<u64>,
    ) {
        known.source = Some(controller.invocation_id);
        known.usn = until.unwrap_or(controller.highest_usn);
        if until.is_some() {
            return;
        }
        let partition = self.partition_of(controller, head);
        for dc in &self.dcs {
            let own = dc.number == controller.number;
            let heard =
                if own { controller.highest_usn } else { controller.knows_of(partition, dc) };
            known.vector.insert(dc.invocation_id, heard);
        }
    }

    fn wanted(&self, request: &SearchRequest, extended: bool) -> Wanted {
        let is_star = |name: &AttributeName| *name == AttributeName::from("*");
        let only_star = request.selection.iter().all(is_star);
        let (named, always, without) = (Vec::new(), Vec::new(), Vec::new());
        let mut wanted = Wanted { all: only_star, named, always, without };
        for name in &request.selection {
            let Some(attribute) = self.attribute(name) else { continue };
            wanted.named.push(attribute.number);
            let option = |text: &str| {
                text.split(';').any(|part| part.eq_ignore_ascii_case("dirSyncAlwaysReturn"))
            };
            if extended && matches!(name, AttributeName::Text(text) if option(text)) {
                wanted.always.push(attribute.number);
            }
        }
        wanted
    }

    /// What an entry of the answer carries; `None` when nothing that is asked for changed.
    fn changed_attributes(
        &self,
        view: &View<'_>,
        known: &Known,
        wanted: &Wanted,
        changes: &Changes<'_>,
        from: u64,
    ) -> Option<Shown> {
        let entry = &view.slot.entry;
        let name_of = |number| self.schema.attribute(number).map(|at| Arc::clone(&at.name));
        let is_new = |dc: DcNumber, usn: u64| self.is_news(known, dc, usn);
        let created = is_new(entry.created_by, entry.created_usn);
        let mut attributes = Shown::new();
        for number in self.replicated(entry, wanted) {
            let Some(attribute) = self.schema.attribute(number) else { continue };
            if !view.is_readable(attribute) {
                continue;
            }
            let stamp = entry.metadata(number);
            let asked_for = wanted.all || wanted.named.contains(&number);
            let new = is_new(stamp.dc, stamp.usn())
                || entry.links.of(number).iter().any(|stamp| is_new(stamp.dc, stamp.usn()));
            if !asked_for || !new {
                if wanted.always.contains(&number) {
                    attributes.push((Arc::clone(&attribute.name), view.values(attribute)));
                }
                continue;
            }
            if attribute.is_forward_link() && changes.flags & INCREMENTAL_VALUES != 0 {
                let (added, removed) = if created && from == 0 {
                    let targets = view.slot.entry.record.values(number).filter_map(referenced);
                    (targets.collect(), Vec::new())
                } else {
                    view.controller.store.link_changes(view.object, number, from)
                };
                let show = |targets: Vec<ObjectNumber>| -> Vec<Vec<u8>> {
                    targets.into_iter().filter_map(|target| view.dn(target)).collect()
                };
                for (values, range) in [(show(added), "1-1"), (show(removed), "0-0")] {
                    if !values.is_empty() {
                        attributes
                            .push((format!("{};range={range}", attribute.name).into(), values));
                    }
                }
                continue;
            }
            let values = view.values(attribute);
            let was_there = entry.changed.iter().any(|stamp| stamp.attribute == number);
            if !values.is_empty() || was_there {
                attributes.push((Arc::clone(&attribute.name), values));
            }
        }
        let renamed = is_new(entry.metadata(known::NAME).dc, entry.metadata(known::NAME).usn());
        if renamed && (wanted.all || wanted.named.contains(&known::NAME)) {
            for number in [known::NAME, known::PARENT_GUID] {
                let Some(attribute) = self.schema.attribute(number) else { continue };
                let values = view.values(attribute);
                // Nothing is above the head of a naming context.
                if !values.is_empty() {
                    attributes.push((Arc::clone(&attribute.name), values));
                }
            }
        }
        // A deletion is told whatever is asked for, to whoever may know the object (Microsoft Learn, "Polling
        // for Changes Using the DirSync Control").
        let deletion = entry.metadata(known::IS_DELETED);
        if entry.life != Life::Live && !created && is_new(deletion.dc, deletion.usn()) {
            let flag = self.schema.attribute(known::IS_DELETED)?;
            if !attributes.iter().any(|(name, _)| *name == flag.name) {
                attributes.push((Arc::clone(&flag.name), view.values(flag)));
            }
        }
        if attributes.is_empty() {
            return None;
        }
        attributes.push((name_of(known::OBJECT_GUID)?, vec![entry.guid.0.to_vec()]));
        let instance = self.schema.attribute(known::INSTANCE_TYPE)?;
        attributes.push((Arc::clone(&instance.name), view.values(instance)));
        Some(attributes)
    }

    /// The attributes of an object that replicate, apart from its name: those with a value, and those
    /// that had one.
    fn replicated(&self, entry: &Entry, wanted: &Wanted) -> Vec<AttributeNumber> {
        let mut numbers: Vec<AttributeNumber> = entry
            .record
            .attributes()
            .map(|(number, _)| number)
            .chain(entry.changed.iter().map(|stamp| stamp.attribute))
            .filter(|number| {
                !matches!(*number, known::NAME | known::UNICODE_PWD | known::LAST_LOGON)
                    && *number != entry.rdn_attribute
                    && !wanted.without.contains(number)
            })
            .collect();
        for number in [known::OBJECT_CLASS, known::WHEN_CREATED, known::OBJECT_CATEGORY] {
            if wanted.all || wanted.named.contains(&number) {
                numbers.push(number);
            }
        }
        // Every object has one, whether it was written or not.
        if wanted.named.contains(&known::NT_SECURITY_DESCRIPTOR) {
            numbers.push(known::NT_SECURITY_DESCRIPTOR);
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn depth(&self, controller: &DomainController, object: ObjectNumber) -> usize {
        let mut depth = 0;
        let mut at = controller.store.get(object).and_then(|slot| slot.entry.parent);
        while let Some(parent) = at.filter(|_| depth < 512) {
            depth += 1;
            at = controller.store.get(parent).and_then(|slot| slot.entry.parent);
        }
        depth
    }
}

/// The caller may not read changes.
fn denied() -> LdapResult {
    LdapResult::of(
        ResultCode::InsufficientAccessRights,
        "00002105: SecErr: DSID-03150F6B, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0\n".to_owned(),
    )
}

/// About how long attributes are in an answer.
fn length(attributes: &Shown) -> usize {
    let of = |(name, values): &(Arc<str>, Vec<Vec<u8>>)| {
        name.len() + values.iter().map(Vec::len).sum::<usize>()
    };
    attributes.iter().map(of).sum()
}

fn write_cookie(known: &Known, now: VirtualTime) -> Vec<u8> {
    let mut cookie = SIGNATURE.to_vec();
    cookie.extend_from_slice(&file_time(now).to_le_bytes());
    cookie.extend_from_slice(&[0; 8]);
    let vector = 16 + 24 * known.vector.len();
    cookie.extend_from_slice(&u32::try_from(vector).unwrap_or(0).to_le_bytes());
    for usn in [known.usn, 0, known.usn] {
        cookie.extend_from_slice(&usn.to_le_bytes());
    }
    cookie.extend_from_slice(&known.source.map_or([0; 16], |guid| guid.0));
    cookie.extend_from_slice(&1_u64.to_le_bytes());
    let count = u64::try_from(known.vector.len()).unwrap_or(0);
    cookie.extend_from_slice(&count.to_le_bytes());
    for (database, usn) in &known.vector {
        cookie.extend_from_slice(&database.0);
        cookie.extend_from_slice(&usn.to_le_bytes());
    }
    cookie
}

fn read_cookie(cookie: &[u8]) -> Option<Known> {
    if cookie.is_empty() {
        return Some(Known::default());
    }
    let rest = cookie.strip_prefix(SIGNATURE.as_slice())?.get(16..)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (usn, rest) = rest.split_first_chunk::<8>()?;
    let (source, rest) = rest.get(16..)?.split_first_chunk::<16>()?;
    let count = usize::try_from(u64::from_le_bytes(*rest.get(8..)?.first_chunk::<8>()?)).ok()?;
    let vector = rest.get(16..)?;
    let expected = count.checked_mul(24)?;
    if vector.len() != expected
        || usize::try_from(u32::from_le_bytes(*length)).ok()? != expected.checked_add(16)?
    {
        return None;
    }
    let vector = vector.chunks_exact(24).map(|entry| {
        let (database, usn) = entry.split_first_chunk::<16>()?;
        Some((Guid(*database), u64::from_le_bytes(usn.try_into().ok()?)))
    });
    Some(Known {
        usn: u64::from_le_bytes(*usn),
        source: Some(Guid(*source)),
        vector: vector.collect::<Option<_>>()?,
    })
}
