//! One cycle: the prologue, then what is due in the escrow, then everything that changed.
//!
//! The watermark that a cycle reaches is the service's own clock at the answer to its first page, cut
//! to whole seconds. The next listing takes everything from some minutes before it on (switch
//! `watermark_overlap`): what a lagging copy had not shown yet comes then, what shares a second with the
//! watermark comes again, and what changes while pages are read comes in the next cycle. A version that
//! comes again costs a look into the store, and is neither written nor logged again.

use std::time::Duration;

use super::batch::{Batch, BatchEnd, Intake, Origin};
use super::desk::{Answer, Desk, Interrupt, Lookup, Stepped, Tally, Turn, answered};
use super::job::JobEnd;
use super::map::Scope;
use super::outcome::Effects;
use super::prologue::Prologue;
use crate::failure::{Class, Failure, Side, code};
use crate::job::{LogEntry, LogStatus};
use crate::journal::rows::{Link, mailbox_of_key};
use crate::marks::Mark;
use crate::planted_bugs::planted;
use crate::ports::{
    AgentName, CallError, Mailbox, MailboxId, PageToken, Ports, StoreError, Table, UnreadRow,
};
use crate::time::Timestamp;
use crate::transfer::portion::Portion;

/// How far the clocks of a service's servers may be apart.
const CLOCKS: Duration = Duration::from_mins(10);
/// How often a listing may start over in one cycle.
const LISTINGS: u32 = 5;
/// Links that are read with one call of the state store.
const LINKS: usize = 5_000;

/// A cycle under way.
pub(super) struct Cycle {
    number: u64,
    /// Whether there was no watermark.
    initial: bool,
    watermark: Option<Timestamp>,
    /// Where the listing begins.
    since: Option<Timestamp>,
    overlap: Duration,
    agent: Option<AgentName>,
    phase: Phase,
    /// Mailboxes of the escrow that are due and were not fetched yet, the next one last.
    due: Vec<MailboxId>,
    /// How many of them are read with one call.
    portion: Portion,
    page: Option<PageToken>,
    as_of: Option<Timestamp>,
    listings: u32,
    /// Who was met, where everybody is: links of others are of mailboxes that are gone.
    met: Option<Lookup<MailboxId, ()>>,
    /// Versions read in this cycle that the next one will see again.
    edge: Lookup<MailboxId, (Timestamp, Scope)>,
    tally: Tally,
}

enum Phase {
    Prologue(Box<Prologue>),
    Fetch,
    EscrowBatch(Box<Batch>),
    /// Mailboxes of the escrow that no longer exist.
    Gone(Vec<MailboxId>, Intake),
    GoneLog(Vec<MailboxId>, Intake),
    Page,
    PageBatch(Box<Batch>, Option<PageToken>),
    /// Everybody was met: links behind this key are looked through, and what comes of that is committed.
    Sweep(Option<Vec<u8>>),
    Swept(Effects, Option<Vec<u8>>),
    #[cfg(feature = "planted-bugs")]
    EarlyWatermark(Box<Batch>, Option<PageToken>),
}

/// A cycle that came to its end.
pub(super) struct CycleEnd {
    pub(super) tally: Tally,
    /// Everything that changed before it was looked at.
    pub(super) watermark: Timestamp,
    /// What the next cycle will see again.
    pub(super) edge: Lookup<MailboxId, (Timestamp, Scope)>,
}

impl Cycle {
    /// A cycle over what changed since the watermark, or over everything without one.
    pub(super) fn new(now: Timestamp, desk: &mut Desk) -> Self {
        let number = desk.row.cycle + 1;
        let switches = &desk.configuration.switches;
        let (heals, overlap) = (switches.drift_heal, switches.watermark_overlap);
        let watermark = desk.row.watermark.map(Timestamp::from_micros);
        desk.attempted.clear();
        let mark = if desk.row.watermark.is_none() { Mark::CycleInitial } else { Mark::CycleDelta };
        mark.reach();
        let due = desk.escrow.iter().rev().filter(|(_, row)| row.next <= now);
        let everybody = watermark.is_none() && desk.row.linked > 0;
        Self {
            number,
            initial: watermark.is_none(),
            watermark,
            since: watermark.filter(|_| !heals).map(|watermark| watermark - overlap),
            overlap,
            agent: None,
            phase: Phase::Prologue(Box::new(Prologue::new(number))),
            due: due.map(|(id, _)| *id).collect(),
            portion: Portion::default(),
            page: None,
            as_of: None,
            listings: 1,
            met: everybody.then(Lookup::default),
            edge: Lookup::default(),
            tally: Tally::default(),
        }
    }

    /// Whether it looks at everything.
    pub(super) const fn is_initial(&self) -> bool {
        self.initial
    }

    /// Its number.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The numbers so far, those of a batch under way included.
    pub(super) fn tally(&self) -> Tally {
        match &self.phase {
            Phase::EscrowBatch(batch) | Phase::PageBatch(batch, _) => {
                let mut tally = self.tally;
                tally.add(batch.tally());
                tally
            }
            _ => self.tally,
        }
    }

    /// Whether it stands between two batches, so that something else may come in between.
    pub(super) const fn is_between_batches(&self) -> bool {
        matches!(self.phase, Phase::Fetch | Phase::Page)
    }

    pub(super) fn step(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<CycleEnd> {
        match &mut self.phase {
            Phase::Prologue(prologue) => {
                match prologue.step(now, ports, desk)? {
                    Turn::Busy => {}
                    Turn::Wait(at) => return Ok(Turn::Wait(at)),
                    Turn::Done((agent, written)) => {
                        self.agent = Some(agent);
                        self.tally.written += written;
                        self.phase = Phase::Fetch;
                    }
                }
                Ok(Turn::Busy)
            }
            Phase::Fetch => self.fetch(now, ports, desk),
            Phase::GoneLog(..) => self.log_gone(now, ports, desk),
            Phase::Gone(..) => self.release_gone(now, ports, desk),
            Phase::EscrowBatch(batch) => {
                match batch.step(now, ports, desk)? {
                    Turn::Busy => {}
                    Turn::Wait(at) => return Ok(Turn::Wait(at)),
                    Turn::Done(end) => {
                        self.finish_batch(&end);
                        self.phase = Phase::Fetch;
                    }
                }
                Ok(Turn::Busy)
            }
            Phase::Page => self.list(now, ports, desk),
            Phase::PageBatch(batch, next) => match batch.step(now, ports, desk)? {
                Turn::Busy => Ok(Turn::Busy),
                Turn::Wait(at) => Ok(Turn::Wait(at)),
                Turn::Done(end) => {
                    self.page = next.take();
                    self.finish_batch(&end);
                    self.phase = Phase::Page;
                    if self.page.is_some() {
                        return Ok(Turn::Busy);
                    }
                    if self.met.is_none() {
                        return Ok(Turn::Done(self.end(now)));
                    }
                    self.phase = Phase::Sweep(None);
                    Ok(Turn::Busy)
                }
            },
            Phase::Sweep(after) => {
                let after = after.take();
                self.sweep(after.as_deref(), ports, desk)
            }
            Phase::Swept(effects, rest) => {
                let (effects, rest) = (core::mem::take(effects), rest.take());
                self.swept(effects, rest, now, ports, desk)
            }
            #[cfg(feature = "planted-bugs")]
            Phase::EarlyWatermark(..) => self.move_watermark_early(ports, desk),
        }
    }

    /// Fetches what is due in the escrow, a batch at a time.
    fn fetch(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<CycleEnd> {
        let start = self.due.len().saturating_sub(self.portion.most());
        let ids: Vec<MailboxId> = self.due[start..].iter().rev().copied().collect();
        if ids.is_empty() {
            return self.list(now, ports, desk);
        }
        let result = ports.exchange.mailbox_rows(&ids, desk.plan.properties());
        if matches!(result, Err(CallError::Throttled { .. })) {
            // A budget that ends in the middle of it would end there each time.
            self.portion.throttled();
        }
        let answer = answered!(desk.settle_rows(result, Side::Cloud, now)?);
        self.portion.answered();
        self.due.truncate(start);
        let mut rows = Intake::default();
        let mut gone = Vec::new();
        for (id, row) in ids.into_iter().zip(answer) {
            match row {
                Ok(Some(row)) => rows.read.push(row),
                Ok(None) => gone.push(id),
                Err(error) => rows.unread.push(UnreadRow { id: Some(id), error }),
            }
        }
        if gone.is_empty() {
            self.start_escrow_batch(rows, desk, now);
        } else {
            self.phase = Phase::GoneLog(gone, rows);
        }
        Ok(Turn::Busy)
    }

    fn log_gone(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<CycleEnd> {
        let Phase::GoneLog(gone, rows) = &mut self.phase else { return Ok(Turn::Busy) };
        let entry = |id: &MailboxId| LogEntry {
            at: now,
            cycle: self.number,
            mailbox: Some(*id),
            target: None,
            status: LogStatus::Skipped,
            code: code::NOT_IN_SCOPE,
            detail: "the mailbox no longer exists".to_owned(),
            modified: Vec::new(),
            unread: true,
            took: Duration::ZERO,
            version: 0,
        };
        if let Some(at) = desk.log(ports, gone.iter().map(entry).collect(), now)? {
            return Ok(Turn::Wait(at));
        }
        self.phase = Phase::Gone(core::mem::take(gone), core::mem::take(rows));
        Ok(Turn::Busy)
    }

    fn release_gone(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<CycleEnd> {
        let Phase::Gone(gone, rows) = &mut self.phase else { return Ok(Turn::Busy) };
        let mut effects = Effects::default();
        for id in core::mem::take(gone) {
            self.tally.skipped += 1;
            effects.release(id);
        }
        let rows = core::mem::take(rows);
        let writes = effects.take_writes(desk)?;
        ports.store.commit(writes)?;
        effects.apply(desk);
        self.start_escrow_batch(rows, desk, now);
        Ok(Turn::Busy)
    }

    fn start_escrow_batch(&mut self, rows: Intake, desk: &Desk, now: Timestamp) {
        let origin = Origin::Escrow { initial: self.is_initial() };
        if let Some(batch) = self.batch(origin, rows, desk, now) {
            self.phase = Phase::EscrowBatch(Box::new(batch));
        }
    }

    /// Reads the next page of what changed.
    fn list(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<CycleEnd> {
        let result = ports.exchange.mailboxes_changed(
            self.since,
            self.page.as_ref(),
            desk.plan.properties(),
        );
        if result == Err(CallError::PageExpired) && self.listings < LISTINGS {
            // The new listing is complete on its own, so its own first page sets the watermark.
            Mark::ListingStartsOver.reach();
            self.listings += 1;
            self.page = None;
            self.as_of = None;
            self.phase = Phase::Page;
            return Ok(Turn::Busy);
        }
        let page = match desk.settle(result, Side::Cloud, now)? {
            Answer::Value(page) => page,
            Answer::Later(at) => {
                self.phase = Phase::Page;
                return Ok(Turn::Wait(at));
            }
        };
        let as_of = *self.as_of.get_or_insert_with(|| page.as_of.floor_to_second());
        if self.watermark.is_some_and(|watermark| watermark > as_of + CLOCKS) {
            return Err(Interrupt::End(JobEnd::Store(StoreError::Damaged(format!(
                "the watermark lies after the service's own clock ({as_of}); `restart` with the scope \
                 Watermark on a repaired store evaluates everything again"
            )))));
        }
        self.meet(&page.rows, &page.unread);
        let read = self.looked_at(page.rows, as_of, desk);
        let rows = Intake { read, unread: page.unread };
        let origin = if self.is_initial() { Origin::Initial } else { Origin::Delta };
        let Some(batch) = self.batch(origin, rows, desk, now) else {
            return Err(Interrupt::of_failure(Failure::new(
                Class::Transient,
                code::NO_ACTIVE_AGENTS,
                "there is no agent",
            )));
        };
        #[cfg(feature = "planted-bugs")]
        if planted!(desk.bugs, WatermarkBeforeWrite) {
            self.phase = Phase::EarlyWatermark(Box::new(batch), page.next);
            return Ok(Turn::Busy);
        }
        self.phase = Phase::PageBatch(Box::new(batch), page.next);
        Ok(Turn::Busy)
    }

    /// Notes who is there. A row that does not say whose it is may be anybody's.
    fn meet(&mut self, rows: &[Mailbox], unread: &[UnreadRow]) {
        if unread.iter().any(|row| row.id.is_none()) {
            self.met = None;
        }
        if let Some(met) = &mut self.met {
            let unread = unread.iter().filter_map(|row| row.id);
            met.extend(rows.iter().map(|row| row.id).chain(unread).map(|id| (id, ())));
        }
    }

    /// Links of mailboxes that are gone count no longer. They are kept: a mailbox may come back.
    fn sweep(
        &mut self,
        after: Option<&[u8]>,
        ports: &mut Ports<'_>,
        desk: &Desk,
    ) -> Stepped<CycleEnd> {
        let rows = ports.store.scan(Table::Links, after, LINKS)?;
        let rest = rows.last().filter(|_| rows.len() >= LINKS).map(|(key, _)| key.clone());
        let mut effects = Effects::default();
        for (key, row) in rows {
            let (id, link) = (mailbox_of_key(&key)?, Link::decode(&row)?);
            let met = self.met.as_ref().is_none_or(|met| met.contains_key(&id));
            if !(link.rests || met || desk.escrow.contains_key(&id)) {
                effects.rest(id, link);
            }
        }
        self.phase = Phase::Swept(effects, rest);
        Ok(Turn::Busy)
    }

    fn swept(
        &mut self,
        mut effects: Effects,
        rest: Option<Vec<u8>>,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<CycleEnd> {
        let writes = effects.take_writes(desk)?;
        if !writes.is_empty() {
            ports.store.commit(writes)?;
        }
        effects.apply(desk);
        if rest.is_none() {
            return Ok(Turn::Done(self.end(now)));
        }
        self.phase = Phase::Sweep(rest);
        Ok(Turn::Busy)
    }

    /// The rows of a page, noting those that the next cycle will see again.
    fn looked_at(&mut self, mut rows: Vec<Mailbox>, as_of: Timestamp, desk: &Desk) -> Vec<Mailbox> {
        let again = as_of - self.overlap;
        let late = rows.iter().filter(|row| row.when_changed >= again);
        self.edge.extend(late.map(|row| (row.id, (row.when_changed, desk.plan.scope(row)))));
        if planted!(desk.bugs, SkipTiedTimestamp) {
            rows.dedup_by_key(|row| row.when_changed);
            return rows;
        }
        rows
    }

    #[cfg(feature = "planted-bugs")]
    fn move_watermark_early(
        &mut self,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<CycleEnd> {
        let phase = core::mem::replace(&mut self.phase, Phase::Page);
        if let Phase::EarlyWatermark(batch, next) = phase {
            desk.row.watermark = self.as_of.map(Timestamp::as_micros);
            ports.store.commit(vec![crate::journal::rows::version_write(), desk.row.write()?])?;
            self.phase = Phase::PageBatch(batch, next);
        }
        Ok(Turn::Busy)
    }

    fn batch(&self, origin: Origin, rows: Intake, desk: &Desk, now: Timestamp) -> Option<Batch> {
        Some(Batch::new(self.agent.clone()?, self.number, origin, rows, desk, now))
    }

    fn finish_batch(&mut self, end: &BatchEnd) {
        self.tally.add(end.tally);
    }

    fn end(&mut self, now: Timestamp) -> CycleEnd {
        CycleEnd {
            tally: self.tally,
            watermark: self.as_of.unwrap_or(now),
            edge: core::mem::take(&mut self.edge),
        }
    }
}
