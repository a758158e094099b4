//! From mailboxes to the modifies of their AD objects: links, reads, anchors, search, diff.

use super::owners::SEVERAL_MAILBOXES;
use super::{Batch, BatchEnd, Item, Origin, Piece, Stage, not_in_scope};
use crate::anchor::{self, Found, Match};
use crate::failure::{Class, Failure, Side, code};
use crate::job::{ExportMode, ModifyGranularity};
use crate::journal::rows::{Intent, Link, mailbox_key};
use crate::marks::Mark;
use crate::planted_bugs::planted;
use crate::ports::{
    AnchorKey, AttributeChange, DirectoryObject, MailboxId, ObjectGuid, Ports, Table,
};
use crate::time::Timestamp;
use crate::writeback::desk::{Answer, Desk, Lookup, Stepped, Tally, Turn, answered};
use crate::writeback::diff::{diff, diff_of};
use crate::writeback::left::Left;
use crate::writeback::outcome::Verdict;
use crate::writeback::plan::MappingPlan;
#[cfg(feature = "planted-bugs")]
use crate::writeback::planted;

impl Batch {
    pub(super) fn links(&mut self, ports: &mut Ports<'_>, desk: &Desk) -> Stepped<BatchEnd> {
        let keeps_versions =
            desk.configuration.switches.export_mode == ExportMode::ChangedAttributes;
        // Who is outside may have been in scope before.
        let anybody = desk.row.linked > 0;
        let wanted = |item: &Item| item.verdict.is_none() || item.unread || anybody;
        let items = 0..self.items.len();
        let open: Vec<usize> = items.filter(|index| wanted(&self.items[*index])).collect();
        if open.is_empty() {
            self.stage = Stage::Poll;
            return Ok(Turn::Busy);
        }
        let keys: Vec<Vec<u8>> =
            open.iter().map(|index| mailbox_key(self.items[*index].mailbox.id)).collect();
        let rows = ports.store.get(Table::Links, &keys)?;
        let heals = desk.configuration.switches.drift_heal;
        for (index, row) in open.into_iter().zip(rows) {
            let item = &mut self.items[index];
            let id = item.mailbox.id;
            let escrowed = desk.escrow.contains_key(&id);
            let quiet = desk.knows(&item.mailbox);
            let decoded = row.as_deref().map(Link::decode_with).transpose()?;
            item.stored = decoded.as_ref().map(|(link, _)| *link);
            if item.unread {
                continue;
            }
            if item.verdict.is_some() {
                // While it is out of scope AD has the authority: whatever was exported may be gone there.
                item.exported = decoded.and_then(|(_, versions)| versions);
                continue;
            }
            if keeps_versions {
                item.versions = Some(desk.plan.versions(&item.mailbox));
                item.exported = decoded.and_then(|(_, versions)| versions);
            }
            let rests = item.stored.is_some_and(|link| link.rests);
            let changed = item.mailbox.when_changed.as_micros();
            item.verdict = match item.stored {
                Some(link) if link.changed > changed => {
                    Mark::SeesOlder.reach();
                    Some(Verdict::Older { looked_for: self.origin == Origin::Initial })
                }
                Some(link)
                    if (self.origin == Origin::Delta || planted!(desk.bugs, InitialAsDelta))
                        && !heals
                        && !rests
                        && !escrowed
                        && link.exported == item.digest
                        && link.changed == changed =>
                {
                    Mark::DiffExported.reach();
                    // What was exported and lies behind the watermark was told by the cycle that saw it.
                    let quiet = quiet || desk.row.watermark.is_some_and(|seen| changed <= seen);
                    Some(Verdict::Redundant { quiet })
                }
                None if self.origin == Origin::Delta && !escrowed => {
                    let left = Left::of_first_time(&desk.configuration.switches);
                    left.map(|left| left_out(&mut self.tally, &left, quiet))
                }
                _ => None,
            };
        }
        self.stage = Stage::Read;
        Ok(Turn::Busy)
    }

    pub(super) fn read(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<BatchEnd> {
        let linked: Vec<(usize, ObjectGuid)> = self
            .open(|item| item.stored.is_some())
            .into_iter()
            .filter_map(|index| Some((index, self.items[index].stored?.object)))
            .collect();
        self.stage = Stage::Users;
        if linked.is_empty() {
            return self.users(now, ports, desk);
        }
        let guids: Vec<ObjectGuid> = linked.iter().map(|(_, guid)| *guid).collect();
        let result = ports.directory.read(&self.agent, &guids, desk.plan.read());
        let found = match desk.settle(result, Side::Agent, now)? {
            Answer::Value(found) => found,
            Answer::Later(at) => {
                self.stage = Stage::Read;
                return Ok(Turn::Wait(at));
            }
        };
        let places = found.iter().enumerate().map(|(place, object)| (object.guid, place));
        let by_guid: Lookup<ObjectGuid, usize> = places.collect();
        let mut found: Vec<Option<DirectoryObject>> = found.into_iter().map(Some).collect();
        for (index, guid) in linked {
            // What was linked and is gone is matched anew: its object may have been re-created.
            let object = by_guid.get(&guid).and_then(|place| found[*place].take());
            if object.is_some() { Mark::MatchLinked } else { Mark::MatchLinkStale }.reach();
            self.items[index].object = object;
        }
        Ok(Turn::Busy)
    }

    pub(super) fn users(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<BatchEnd> {
        let open = self.open(|item| item.object.is_none());
        if open.is_empty() {
            self.decide(desk);
            return Ok(Turn::Busy);
        }
        let ids: Vec<MailboxId> = open.iter().map(|index| self.items[*index].mailbox.id).collect();
        let result = ports.entra.user_rows(&ids);
        let users = answered!(desk.settle_rows(result, Side::Cloud, now)?);
        for (index, user) in open.into_iter().zip(users) {
            let item = &mut self.items[index];
            let user = match user {
                Ok(user) => user,
                Err(error) => {
                    Mark::UserUnread.reach();
                    item.verdict = Some(Verdict::Failed(Failure::of_row(&error, Side::Cloud)));
                    continue;
                }
            };
            match user {
                None => item.fail(Class::Rejected, code::INTERNAL, "there is no Entra user"),
                Some(user) => {
                    if let Some(left) = Left::of_user(&user, &desk.domain) {
                        item.verdict = Some(left_out(&mut self.tally, &left, false));
                    }
                    item.user = Some(user);
                }
            }
        }
        self.stage = Stage::Find(0);
        Ok(Turn::Busy)
    }

    pub(super) fn find(
        &mut self,
        rank: u8,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<BatchEnd> {
        if rank >= anchor::RANKS {
            for index in self.open(|item| item.object.is_none()) {
                Mark::MatchNone.reach();
                self.items[index].fail(
                    Class::Rejected,
                    code::INTERNAL,
                    "noSuchObject (32): no object in Active Directory matches",
                );
            }
            return self.owners(now, ports, desk);
        }
        let order = desk.configuration.switches.match_order;
        let kind = order.get(usize::from(rank)).map_or(rank, |anchor| anchor.rank());
        let mut wanted: Vec<(usize, Vec<AnchorKey>)> = Vec::new();
        for index in self.open(|item| item.object.is_none()) {
            let keys = self.items[index].user.as_ref().map(|user| anchor::keys(user, kind));
            if let Some(keys) = keys.filter(|keys| !keys.is_empty()) {
                wanted.push((index, keys));
            }
        }
        if !wanted.is_empty() {
            let keys: Vec<AnchorKey> =
                wanted.iter().flat_map(|(_, keys)| keys.iter().cloned()).collect();
            let result = ports.directory.find(&self.agent, &keys, desk.plan.read());
            let found = answered!(desk.settle(result, Side::Agent, now)?);
            self.assign(&wanted, found, kind);
        }
        self.stage = Stage::Find(rank + 1);
        Ok(Turn::Busy)
    }

    /// Gives each item its object. An object that two mailboxes claim belongs to neither.
    fn assign(
        &mut self,
        wanted: &[(usize, Vec<AnchorKey>)],
        found: Vec<DirectoryObject>,
        rank: u8,
    ) {
        let index = Found::new(&found, rank);
        let mut objects: Vec<Option<DirectoryObject>> = found.into_iter().map(Some).collect();
        let mut claims: Vec<Option<usize>> = vec![None; objects.len()];
        for (item, keys) in wanted {
            match index.pick(keys) {
                Match::None => {}
                Match::Duplicate => {
                    Mark::MatchSeveral.reach();
                    self.items[*item].fail(
                        Class::Rejected,
                        code::DUPLICATE_ENTRIES,
                        "several objects in Active Directory carry its anchor",
                    );
                }
                Match::One(at) => match claims[at] {
                    None => {
                        Mark::MatchFound.reach();
                        claims[at] = Some(*item);
                        self.items[*item].object = objects[at].take();
                    }
                    Some(first) => {
                        Mark::MatchContended.reach();
                        for claimant in [first, *item] {
                            self.items[claimant].object = None;
                            self.items[claimant].fail(
                                Class::Rejected,
                                code::DUPLICATE_ENTRIES,
                                SEVERAL_MAILBOXES,
                            );
                        }
                    }
                },
            }
        }
    }

    /// Whether a mailbox and its object are the job's to write: what says otherwise becomes its verdict. `entering`
    /// counts who takes a place in this batch.
    fn is_the_jobs(&mut self, index: usize, desk: &Desk, entering: &mut u64) -> bool {
        let item = &mut self.items[index];
        // One at rest has lost its place.
        let has_place = item.stored.is_some_and(|link| !link.rests);
        let enters = !has_place && !desk.escrow.contains_key(&item.mailbox.id);
        let (None, Some(object)) = (&item.verdict, &item.object) else {
            // Who fails before it is linked takes a place all the same.
            *entering += u64::from(enters && matches!(item.verdict, Some(Verdict::Failed(_))));
            return false;
        };
        if let Some(why) = object.broken.clone() {
            Mark::ObjectBroken.reach();
            item.fail(Class::Malformed, code::INTERNAL, &why);
            *entering += u64::from(enters);
            return false;
        }
        match Left::of_object(&desk.plan, object) {
            Some(Left::Filter) if planted!(desk.bugs, IgnoreScopingFilter) => {}
            Some(left) => {
                let lasts = matches!(left, Left::Disabled | Left::Class(_));
                let quiet = lasts && desk.knows(&item.mailbox);
                item.verdict = Some(left_out(&mut self.tally, &left, quiet));
                return false;
            }
            None => {}
        }
        // Whom a filter leaves out takes nobody's place: so the limit comes after it.
        if enters {
            item.beyond = desk.is_full(*entering);
            if let Some(left) = Left::of_limit(&desk.configuration.switches, item.beyond) {
                let quiet = desk.knows(&item.mailbox);
                item.verdict = Some(left_out(&mut self.tally, &left, quiet));
                return false;
            }
            *entering += 1;
        }
        true
    }

    /// Mapping and diff: no port is asked.
    pub(super) fn decide(&mut self, desk: &Desk) {
        let granularity = desk.configuration.switches.modify_granularity;
        let mut entering = 0;
        for index in 0..self.items.len() {
            if !self.is_the_jobs(index, desk, &mut entering) {
                continue;
            }
            let item = &mut self.items[index];
            let Some(object) = &item.object else { continue };
            let heals = desk.configuration.switches.drift_heal;
            let unchanged =
                if heals { None } else { unchanged_since(item, self.origin, &desk.plan) };
            let difference = match unchanged {
                None => diff(&desk.plan, &item.mailbox, object),
                Some(same) => diff_of(&desk.plan, &item.mailbox, object, |rule| !same[rule]),
            };
            #[cfg(feature = "planted-bugs")]
            let difference = planted::put_back(difference, &item.mailbox, object, desk);
            if difference.changes.is_empty() {
                Mark::DiffEqual.reach();
                // Nothing is said of who was only looked at because every cycle looks at everybody.
                let healed = heals && self.origin == Origin::Delta;
                let exported = item.stored.is_some_and(|link| link.exported == item.digest);
                let quiet = healed && exported && desk.knows(&item.mailbox);
                item.verdict = Some(if planted!(desk.bugs, OutOfScopeWhenEqual) {
                    not_in_scope("there is nothing to write".to_owned(), quiet)
                } else {
                    Verdict::Redundant { quiet }
                });
                continue;
            }
            if planted!(desk.bugs, LazyWriter) && !self.cycle.is_multiple_of(12) {
                item.verdict = Some(Verdict::Unsent);
                continue;
            }
            #[cfg(feature = "planted-bugs")]
            let back = planted::taken_back(&difference, object, desk);
            cut(index, difference.changes, granularity, &mut self.pieces);
            #[cfg(feature = "planted-bugs")]
            self.pieces.extend(back.map(|changes| Piece { item: index, changes }));
            item.intent = Some(Intent {
                agent: Some(self.agent.clone()),
                object: object.guid,
                digest: item.digest,
                changed: item.mailbox.when_changed.as_micros(),
                split: granularity == ModifyGranularity::Attribute,
                changes: difference.intended,
            });
            self.planned.push(index);
        }
        self.stage = if self.planned.is_empty() { Stage::Poll } else { Stage::Intents };
    }
}

/// Somebody whose mailbox counted as in scope is left alone for a reason that shows only now.
fn left_out(tally: &mut Tally, left: &Left, quiet: bool) -> Verdict {
    tally.in_scope -= 1;
    not_in_scope(left.to_string(), quiet)
}

/// Which attributes did not change in the cloud since they were exported; `None` when everything counts:
/// in every other mode and origin, and for who was never exported by this mapping.
fn unchanged_since(item: &Item, origin: Origin, plan: &MappingPlan) -> Option<Vec<bool>> {
    let (now, exported) = (item.versions.as_ref()?, item.exported.as_ref()?);
    let counts = matches!(origin, Origin::Delta | Origin::Escrow { initial: false });
    if !counts || now.mapping != exported.mapping || exported.of.len() != plan.rules().len() {
        return None;
    }
    Some(now.of.iter().zip(&exported.of).map(|(now, then)| now == then).collect())
}

/// The modifies of one object.
fn cut(
    item: usize,
    changes: Vec<AttributeChange>,
    granularity: ModifyGranularity,
    pieces: &mut Vec<Piece>,
) {
    if granularity == ModifyGranularity::Object {
        pieces.push(Piece { item, changes });
        return;
    }
    let start = pieces.len();
    for change in changes {
        // Elements on the same attribute belong together: a delete before its add.
        let same = pieces[start..]
            .last_mut()
            .filter(|piece| piece.changes.iter().all(|other| other.attribute == change.attribute));
        match same {
            Some(piece) => piece.changes.push(change),
            None => pieces.push(Piece { item, changes: vec![change] }),
        }
    }
}
