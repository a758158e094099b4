//! A handful of mailboxes, from matching to the committed outcome.
//!
//! The stages follow each other with one port call each: links, read what is linked, anchors and
//! search for the rest, who else is written to what was found, mapping and diff, one commit of what is
//! about to be written, the modifies, a read where an answer never came, the log, one commit of what became
//! of it. The log comes before that commit: a crash in between logs an entry twice rather than never.

mod intake;
mod matching;
mod owners;
mod unanswered;

use std::time::Duration;

pub(super) use owners::{Owner, Owners};

use self::intake::{latest_versions, not_in_scope, outside};
use self::unanswered::Lost;
use super::desk::{Answer, Desk, Interrupt, Stepped, Tally, Turn};
use super::map::Scope;
use super::outcome::{Effects, Settled, Verdict};
use super::recovery::Made;
use crate::failure::{Class, Failure, Side, code};
use crate::job::{LogEntry, LogStatus};
use crate::journal::rows::{Intent, Link, Versions, mailbox_write};
use crate::marks::Mark;
use crate::planted_bugs::planted;
use crate::ports::{
    AgentName, AttributeChange, CallError, DirectoryObject, MODIFY_BATCH, Mailbox, MailboxId,
    Modification, Name, ObjectGuid, Ports, StoreWrite, Table, UnreadRow, User, WriteOutcome,
};
use crate::time::Timestamp;
use crate::values::Texts;

/// How the mailboxes of a batch came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// From the listing of what changed.
    Delta,
    /// From the listing of an initial cycle: compared with AD whatever was exported before.
    Initial,
    /// From the escrow: compared with AD; before the listing of an initial cycle as that listing compares, so
    /// that it finds nothing left to write.
    Escrow { initial: bool },
    /// Asked for by name: compared with AD.
    OnDemand,
}

/// The mailboxes that a batch takes in, and those whose row could not be read.
#[derive(Default)]
pub(super) struct Intake {
    pub(super) read: Vec<Mailbox>,
    pub(super) unread: Vec<UnreadRow>,
}

/// A batch under way.
pub(super) struct Batch {
    agent: AgentName,
    cycle: u64,
    origin: Origin,
    items: Vec<Item>,
    /// Rows that do not say whose they are.
    nameless: Vec<Failure>,
    stage: Stage,
    /// Mailboxes that have left and were linked to objects that others come to have.
    left: Vec<(Owner, ObjectGuid)>,
    /// The items that have a modify.
    planned: Vec<usize>,
    /// The modifies, those of one item beside each other, and how many of them were sent.
    pieces: Vec<Piece>,
    sent: usize,
    /// The items of the last modify whose outcome is unknown, and how that came.
    unknown: Vec<usize>,
    lost: Lost,
    tally: Tally,
    /// What ends the cycle once the known outcomes are committed.
    ended: Option<Interrupt>,
    first_entry: Option<LogEntry>,
    /// When it began.
    began: Timestamp,
    /// When the outcomes were logged.
    logged_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Links,
    Read,
    Users,
    Find(u8),
    Owners,
    Intents,
    Poll,
    Modify,
    Resolve,
    Log,
    Commit,
    End,
}

/// The digest of a mailbox that could not be read.
const UNREAD: u64 = 0;

struct Item {
    mailbox: Mailbox,
    /// Whether its row could not be read: then there are no values.
    unread: bool,
    /// Whether it enters beyond the supported number of mailboxes.
    beyond: bool,
    digest: u64,
    stored: Option<Link>,
    user: Option<User>,
    object: Option<DirectoryObject>,
    intent: Option<Intent>,
    /// Which of its changes were made.
    made: Made,
    /// What feeds each attribute now, where that is kept (switch `export_mode`).
    versions: Option<Versions>,
    /// The same as it was last exported.
    exported: Option<Versions>,
    verdict: Option<Verdict>,
}

/// One modify that is to be sent.
struct Piece {
    item: usize,
    changes: Vec<AttributeChange>,
}

/// What a batch came to.
pub(super) struct BatchEnd {
    pub(super) tally: Tally,
    /// The first entry that it logged.
    pub(super) first_entry: Option<LogEntry>,
}

impl Batch {
    /// Takes the mailboxes in; what is out of scope is settled at once.
    pub(super) fn new(
        agent: AgentName,
        cycle: u64,
        origin: Origin,
        intake: Intake,
        desk: &Desk,
        now: Timestamp,
    ) -> Self {
        let Intake { read: rows, unread } = intake;
        let mut tally = Tally { read: rows.len() as u64, ..Tally::default() };
        if matches!(origin, Origin::Escrow { .. }) {
            tally.retried = tally.read + unread.len() as u64;
        }
        let listed = matches!(origin, Origin::Delta | Origin::Initial);
        let mut items = Vec::with_capacity(rows.len() + unread.len());
        let mut nameless = Vec::new();
        for UnreadRow { id, error } in unread {
            Mark::MailboxUnread.reach();
            let failure = Failure::of_row(&error, Side::Cloud);
            match id {
                Some(id) if desk.attempted.get(&id) == Some(&UNREAD) => {}
                Some(id) => items.push(Item::unread(id, failure)),
                None => nameless.push(failure),
            }
        }
        tally.failed += nameless.len() as u64;
        for mailbox in latest_versions(rows) {
            let quiet = listed && desk.knows(&mailbox);
            if quiet {
                Mark::SeesAgain.reach();
            }
            let (digest, verdict) = match desk.plan.scope(&mailbox) {
                Scope::In => {
                    tally.in_scope += 1;
                    (desk.plan.digest(&mailbox), None)
                }
                Scope::Out => {
                    Mark::ScopeOut.reach();
                    (0, Some(outside(&mailbox, origin, quiet)))
                }
                Scope::UnknownType => {
                    Mark::ScopeType.reach();
                    let kind = &mailbox.recipient_type_details;
                    let detail = format!("{kind} has no counterpart in Active Directory");
                    (0, Some(not_in_scope(detail, quiet)))
                }
            };
            if verdict.is_none() {
                let failed = desk.attempted.get(&mailbox.id) == Some(&digest);
                if failed || (origin == Origin::Delta && desk.waits(&mailbox, digest, now)) {
                    continue;
                }
            }
            items.push(Item::new(mailbox, digest, verdict));
        }
        Self {
            agent,
            cycle,
            origin,
            items,
            nameless,
            stage: Stage::Links,
            left: Vec::new(),
            planned: Vec::new(),
            pieces: Vec::new(),
            sent: 0,
            unknown: Vec::new(),
            lost: Lost::default(),
            tally,
            ended: None,
            first_entry: None,
            began: now,
            logged_at: Timestamp::EPOCH,
        }
    }

    pub(super) fn step(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<BatchEnd> {
        match self.stage {
            Stage::Links => self.links(ports, desk),
            Stage::Read => self.read(now, ports, desk),
            Stage::Users => self.users(now, ports, desk),
            Stage::Find(rank) => self.find(rank, now, ports, desk),
            Stage::Owners => self.owners(now, ports, desk),
            Stage::Intents => self.intents(ports, desk),
            Stage::Poll => self.poll(ports, desk),
            Stage::Modify => self.modify(now, ports, desk),
            Stage::Resolve => self.resolve(now, ports, desk),
            Stage::Log => self.log(now, ports, desk),
            Stage::Commit => self.commit(ports, desk),
            Stage::End => self.end(),
        }
    }

    fn intents(&mut self, ports: &mut Ports<'_>, desk: &Desk) -> Stepped<BatchEnd> {
        let mut writes = Vec::with_capacity(self.planned.len());
        for index in &self.planned {
            let item = &mut self.items[*index];
            writes.extend(item.doubt(desk.plan.attributes()));
            let intent = item.intent.as_ref().map(Intent::encode);
            writes.push(mailbox_write(Table::Intents, item.mailbox.id, intent));
        }
        ports.store.commit(writes)?;
        self.stage = Stage::Poll;
        Ok(Turn::Busy)
    }

    /// Commands come in before every modify, so that a pause takes effect before the next write.
    fn poll(&mut self, ports: &mut Ports<'_>, desk: &mut Desk) -> Stepped<BatchEnd> {
        desk.poll(ports)?;
        if desk.stop && self.origin != Origin::OnDemand {
            Mark::CycleStopped.reach();
            self.stop_sending(Interrupt::Stopped);
        } else if self.sent < self.pieces.len() {
            self.stage = Stage::Modify;
        } else {
            self.stage = Stage::Log;
        }
        Ok(Turn::Busy)
    }

    fn modify(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<BatchEnd> {
        let singly =
            [planted!(desk.bugs, StopAtRefusal), planted!(desk.bugs, BlameTheRest)].contains(&true);
        let most = if singly { 1 } else { MODIFY_BATCH };
        let end = self.pieces.len().min(self.sent + most);
        let mut modifications = Vec::with_capacity(end - self.sent);
        for piece in &mut self.pieces[self.sent..end] {
            let Some(object) = &self.items[piece.item].object else { continue };
            let changes = core::mem::take(&mut piece.changes);
            modifications.push(Modification { object: object.guid, changes });
        }
        let result = ports.directory.modify(&self.agent, &modifications);
        let mut outcomes = match result {
            Ok(outcomes) => {
                desk.backoff.reset();
                let broke = outcomes.iter().position(|outcome| *outcome == WriteOutcome::Unknown);
                self.lost = Lost::at(broke.map(|at| self.pieces[self.sent + at].item));
                outcomes
            }
            // Nobody knows what of it arrived: every item is read back.
            Err(
                error @ (CallError::Unreachable { .. }
                | CallError::TimedOut { .. }
                | CallError::Malformed { .. }),
            ) => {
                self.lost = Lost::by(&error);
                Vec::new()
            }
            Err(error) => {
                let chunk = &mut self.pieces[self.sent..end];
                for (piece, modification) in chunk.iter_mut().zip(modifications) {
                    piece.changes = modification.changes;
                }
                match desk.settle::<()>(Err(error), Side::Agent, now) {
                    Ok(Answer::Later(at)) => return Ok(Turn::Wait(at)),
                    Ok(Answer::Value(())) => {}
                    Err(end @ Interrupt::End(_)) => return Err(end),
                    Err(stop) => self.stop_sending(stop),
                }
                return Ok(Turn::Busy);
            }
        };
        outcomes.resize(end - self.sent, WriteOutcome::Unknown);
        self.take_outcomes(modifications, outcomes, desk);
        Ok(Turn::Busy)
    }

    /// What became of the modifies that were sent, each with its outcome.
    fn take_outcomes(
        &mut self,
        modifications: Vec<Modification>,
        outcomes: Vec<WriteOutcome>,
        desk: &Desk,
    ) {
        let end = self.sent + outcomes.len();
        let (mut again, mut sent) = (Vec::new(), end);
        for (at, (modification, outcome)) in
            (self.sent..end).zip(modifications.into_iter().zip(outcomes))
        {
            let index = self.pieces[at].item;
            match outcome {
                WriteOutcome::Result { code, diagnostic } => {
                    let code = match code {
                        _ if planted!(desk.bugs, RefusalAsSuccess) => 0,
                        50 if planted!(desk.bugs, RightsAsBusy) => 51,
                        code => code,
                    };
                    self.items[index].answered(code, &diagnostic, &modification.changes);
                    if planted!(desk.bugs, StopAtRefusal) && code != 0 {
                        self.pieces.truncate(end);
                    }
                    if planted!(desk.bugs, BlameTheRest) && code != 0 {
                        self.blame(end);
                    }
                }
                WriteOutcome::Unknown => {
                    Mark::WriteUnanswered.reach();
                    if planted!(desk.bugs, RepeatUnknownBlindly) {
                        again.push(Piece { item: index, changes: modification.changes });
                    }
                    if self.unknown.last() != Some(&index) {
                        self.unknown.push(index);
                    }
                }
                // It is sent with the next call.
                WriteOutcome::NotSent => {
                    Mark::WriteNotSent.reach();
                    self.pieces[at].changes = modification.changes;
                    sent = sent.min(at);
                }
            }
        }
        self.sent = sent;
        if planted!(desk.bugs, RepeatUnknownBlindly) && self.pieces.len() <= self.items.len() {
            self.unknown.clear();
            self.pieces.append(&mut again);
        }
        self.stage = if self.unknown.is_empty() { Stage::Poll } else { Stage::Resolve };
    }

    /// With the planted bug: what was not sent by now failed.
    fn blame(&mut self, end: usize) {
        for piece in self.pieces.drain(end..) {
            self.items[piece.item].fail(Class::Transient, code::SERVER_BUSY, "busy (51)");
        }
    }

    fn log(&mut self, now: Timestamp, ports: &mut Ports<'_>, desk: &mut Desk) -> Stepped<BatchEnd> {
        let of_items = self
            .items
            .iter()
            .filter_map(|item| item.settled()?.entry(desk, self.cycle, (self.began, now)));
        let of_nobody = self.nameless.iter().map(|failure| nameless(failure, self.cycle, now));
        let entries: Vec<LogEntry> = of_items.chain(of_nobody).collect();
        self.stage = Stage::Commit;
        self.logged_at = now;
        if entries.is_empty() {
            return self.commit(ports, desk);
        }
        if self.origin == Origin::OnDemand {
            self.first_entry = entries.first().cloned();
        }
        if let Some(at) = desk.log(ports, entries, now)? {
            self.stage = Stage::Log;
            return Ok(Turn::Wait(at));
        }
        Ok(Turn::Busy)
    }

    fn commit(&mut self, ports: &mut Ports<'_>, desk: &mut Desk) -> Stepped<BatchEnd> {
        let mut effects = Effects::default();
        for (owner, object) in self.left.drain(..) {
            effects.unlink(owner, object);
        }
        for settled in self.items.iter().filter_map(Item::settled) {
            settled.count(&mut self.tally);
            settled.commit(desk, &mut effects, self.logged_at);
        }
        let writes = effects.take_writes(desk)?;
        self.stage = Stage::End;
        if writes.is_empty() {
            effects.apply(desk);
            return self.end();
        }
        ports.store.commit(writes)?;
        effects.apply(desk);
        Ok(Turn::Busy)
    }

    fn end(&mut self) -> Stepped<BatchEnd> {
        match self.ended.take() {
            Some(interrupt) => Err(interrupt),
            None => {
                Ok(Turn::Done(BatchEnd { tally: self.tally, first_entry: self.first_entry.take() }))
            }
        }
    }

    /// The numbers so far, for a cycle that ends here.
    pub(super) const fn tally(&self) -> Tally {
        self.tally
    }

    /// Sends no more; what has an outcome is still logged and committed.
    fn stop_sending(&mut self, interrupt: Interrupt) {
        self.ended = Some(interrupt);
        for piece in &self.pieces[self.sent..] {
            let item = &mut self.items[piece.item];
            // An item of which a part was sent is read by the next cycle: its intent stays.
            item.verdict = Some(match item.verdict {
                None => Verdict::Unsent,
                Some(_) => Verdict::Undetermined,
            });
        }
        self.stage = Stage::Log;
    }

    /// The items that are not settled yet and for which `also` holds.
    fn open(&self, also: impl Fn(&Item) -> bool) -> Vec<usize> {
        let open = |item: &Item| item.verdict.is_none() && also(item);
        (0..self.items.len()).filter(|index| open(&self.items[*index])).collect()
    }
}

impl Item {
    const fn new(mailbox: Mailbox, digest: u64, verdict: Option<Verdict>) -> Self {
        Self {
            mailbox,
            unread: false,
            beyond: false,
            digest,
            stored: None,
            user: None,
            object: None,
            intent: None,
            made: Made::NONE,
            versions: None,
            exported: None,
            verdict,
        }
    }

    /// A mailbox of which nothing is known but its id.
    fn unread(id: MailboxId, failure: Failure) -> Self {
        let mailbox = Mailbox {
            id,
            when_changed: Timestamp::EPOCH,
            dir_synced: false,
            cloud_managed: false,
            recipient_type_details: Name::Borrowed(""),
            values: Texts::default(),
        };
        Self { unread: true, ..Self::new(mailbox, UNREAD, Some(Verdict::Failed(failure))) }
    }

    /// From here on nobody knows which version of what is about to be written AD holds, until the outcome is
    /// committed: a change whose modify failed or was never answered may be taken back in the cloud, and then
    /// no version tells that AD has to follow. The row that says so, where versions are kept.
    fn doubt(&mut self, attributes: &[Name]) -> Option<StoreWrite> {
        let (stored, exported) = (self.stored?, self.exported.as_mut()?);
        let touched = |name: &Name| {
            let mut changes = self.intent.iter().flat_map(|intent| &intent.changes);
            changes.any(|change| change.property.attribute == *name)
        };
        for (version, name) in exported.of.iter_mut().zip(attributes) {
            if touched(name) {
                *version = Versions::IN_DOUBT;
            }
        }
        let link = stored.in_doubt();
        self.stored = Some(link);
        Some(mailbox_write(Table::Links, self.mailbox.id, Some(link.encode_with(exported))))
    }

    fn fail(&mut self, class: Class, code: &'static str, detail: &str) {
        self.verdict = Some(Verdict::Failed(Failure::new(class, code, detail)));
    }

    /// One of its modifies was answered. A failure of one outweighs the success of the others.
    fn answered(&mut self, code: u32, diagnostic: &str, elements: &[AttributeChange]) {
        let answer = answered_with(code, diagnostic);
        if let (Verdict::Written, Some(intent)) = (&answer, &self.intent) {
            self.made.add_modify(intent, elements);
        }
        if self.verdict.is_none() || matches!(answer, Verdict::Failed(_)) {
            self.verdict = Some(answer);
        }
    }

    fn settled(&self) -> Option<Settled<'_>> {
        Some(Settled {
            mailbox: self.mailbox.id,
            digest: self.digest,
            changed: self.mailbox.when_changed.as_micros(),
            stored: self.stored,
            found: self.object.as_ref().map(|object| object.guid),
            unread: self.unread,
            beyond: self.beyond,
            intent: self.intent.as_ref(),
            made: self.made,
            versions: self.versions.as_ref(),
            kept_versions: self.exported.is_some(),
            verdict: self.verdict.as_ref()?,
        })
    }
}

/// What the directory's answer to a modify means.
fn answered_with(code: u32, diagnostic: &str) -> Verdict {
    let Some(failure) = Failure::of_result(code, diagnostic) else {
        Mark::WriteDone.reach();
        return Verdict::Written;
    };
    match failure.class {
        Class::Transient | Class::Interrupted | Class::Throttled(_) => Mark::WriteTransient,
        Class::Conflict => Mark::WriteConflict,
        Class::Rejected | Class::Malformed | Class::Fatal => Mark::WriteRejected,
    }
    .reach();
    Verdict::Failed(failure)
}

/// What the log says of a row that does not say whose it is.
fn nameless(failure: &Failure, cycle: u64, at: Timestamp) -> LogEntry {
    LogEntry {
        at,
        cycle,
        mailbox: None,
        target: None,
        status: LogStatus::Failure,
        code: failure.code,
        detail: format!("a mailbox that cannot be told: {}", failure.detail),
        modified: Vec::new(),
        unread: true,
        took: Duration::ZERO,
        version: 0,
    }
}
