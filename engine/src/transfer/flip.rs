//! Setting flags and believing only what is read back.
//!
//! A call that was accepted is not made again while its effect is merely not visible yet: forward
//! sync usually takes seconds and may take hours, so reads follow with growing waits until the
//! deadline. A call that was refused, or whose answer never came, is made again when a read shows the
//! old flag, a few times. Where the service asks to come back later, everything waits as long as it asks
//! for, and no attempt is counted for what it did not let through or what was never sent.

mod entry;

use std::collections::BTreeSet;
use std::time::Duration;

use self::entry::{Entry, READ_WAITS, State};
use super::budget::{Budget, MINUTE, Pace};
use super::criterion::Criterion;
use super::portion::Portion;
use super::record::{TransferRecord, hand_out};
use super::report::{ACCEPTANCE_BREACHED, MailboxOutcome};
use super::rows::Progress;
use crate::failure::{Class, Failure, Side};
use crate::journal::rows::version_write;
use crate::planted_bugs::{PlantedBugs, planted};
use crate::ports::{
    CallError, MailboxChange, MailboxId, Ports, SetOutcome, StoreError, StoreWrite,
};
use crate::step::{Accounts, Step};
use crate::time::Timestamp;
use crate::writeback::retry::Backoff;

/// How long an answer about a mailbox holds: a service that throttles would never let anybody through if each try
/// to set began with reads that use up what it allows.
const HOLDS: Duration = Duration::from_mins(15);

/// Why an activity of the transfer cannot go on.
pub(crate) enum Stop {
    /// The process is at its end: there is no report.
    Halted,
    /// The whole activity fails.
    Failed(Failure),
}

impl Stop {
    /// As the report shows it.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Halted => Failure::of_store(&StoreError::Halted),
            Self::Failed(failure) => failure,
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Halted => Self::Halted,
            other => Self::Failed(Failure::of_store(&other)),
        }
    }
}

/// How far a step got.
pub(crate) enum Turn<T> {
    Busy,
    Wait(Timestamp),
    Done(T),
}

/// A turn as a step of an activity that accounts for itself at its end; it notes when the next turn is due.
pub(crate) fn step_of<A: Accounts>(
    activity: &mut A,
    turned: Result<Turn<()>, Stop>,
    not_before: fn(&mut A) -> &mut Option<Timestamp>,
) -> Step<A::Outcome> {
    *not_before(activity) = match turned {
        Ok(Turn::Wait(at)) => Some(at),
        _ => None,
    };
    match turned {
        Ok(Turn::Busy) => Step::Busy,
        Ok(Turn::Wait(at)) => Step::WaitUntil(at),
        Ok(Turn::Done(())) => Step::Done(activity.account(None)),
        Err(stop) => Step::Done(activity.account(Some(stop.into_failure()))),
    }
}

/// What a failed call means: when to make it again, or the end.
pub(crate) fn again(
    error: &CallError,
    side: Side,
    backoff: &mut Backoff,
    now: Timestamp,
) -> Result<Timestamp, Stop> {
    if *error == CallError::Halted {
        return Err(Stop::Halted);
    }
    let failure = Failure::of_call(error, side);
    backoff.next(failure.class, now).ok_or(Stop::Failed(failure))
}

/// How far a wave got.
#[derive(Default)]
pub(super) struct Decided {
    /// What became of mailboxes.
    pub(super) done: Vec<(MailboxId, MailboxOutcome, String)>,
    /// Mailboxes whose call was made, or may have been, and whose flag nobody saw change.
    pub(super) undecided: Vec<MailboxId>,
    /// How many are to be set, and never were.
    pub(super) to_set: u64,
}

impl Decided {
    /// How many of the wave another life decides.
    pub(super) const fn open(&self) -> u64 {
        self.undecided.len() as u64 + self.to_set
    }
}

/// The flags of one wave.
pub(super) struct Flip {
    transfer: String,
    target: bool,
    entries: Vec<Entry>,
    /// When each mailbox that is not decided is to be set, or read.
    sets: BTreeSet<(Timestamp, usize)>,
    reads: BTreeSet<(Timestamp, usize)>,
    stage: Stage,
    backoff: Backoff,
    /// The waits after sets that were throttled in part: reads in between do not shorten them.
    throttle: Backoff,
    portion: Portion,
    budget: Budget,
    criterion: Criterion,
    /// Whether nobody is set unasked ([`Flip::asked`]).
    asks: bool,
    bugs: PlantedBugs,
}

enum Stage {
    Choose,
    /// Whoever owns this is asked about those that are about to be set.
    Asked(Vec<usize>),
    /// These are to be set: what that spends is noted first.
    Chosen(Vec<usize>),
    Set(Vec<usize>),
    /// What was decided is told, and then kept.
    Commit(Vec<TransferRecord>, Vec<StoreWrite>),
}

impl Flip {
    /// Mailboxes with the progress that was recorded: `Prepared` ones are set without a read first
    /// only when `fresh`.
    pub(super) fn new(
        transfer: &str,
        target: bool,
        mailboxes: impl IntoIterator<Item = (MailboxId, Progress, bool)>,
        now: Timestamp,
    ) -> Self {
        let entries = mailboxes
            .into_iter()
            .map(|(mailbox, progress, fresh)| Entry {
                mailbox,
                state: match progress {
                    Progress::Prepared if fresh => State::ToSet(now),
                    Progress::Prepared => State::Unsure,
                    Progress::Accepted(at) => State::Accepted { at, next: now },
                    Progress::Done(outcome, detail) => State::Done(outcome, detail),
                },
                attempts: 0,
                read_wait: READ_WAITS.0,
                unreadable: 0,
                suspect: false,
                cleared: None,
            })
            .collect();
        let mut flip = Self {
            transfer: transfer.to_owned(),
            target,
            entries,
            sets: BTreeSet::new(),
            reads: BTreeSet::new(),
            stage: Stage::Choose,
            backoff: Backoff::default(),
            throttle: Backoff::default(),
            portion: Portion::default(),
            budget: Budget::default(),
            criterion: Criterion::default(),
            asks: false,
            bugs: PlantedBugs::none(),
        };
        (0..flip.entries.len()).for_each(|index| flip.schedule(index, now));
        flip
    }

    /// The same with deliberate mistakes.
    pub(super) const fn with(mut self, bugs: PlantedBugs) -> Self {
        self.bugs = bugs;
        self
    }

    /// The same, asking just before each call whether it still may be made.
    pub(super) const fn asking(mut self) -> Self {
        self.asks = true;
        self
    }

    /// Who is about to be set: it goes on with [`answer`](Self::answer).
    pub(super) fn asked(&self, now: Timestamp) -> Option<Vec<MailboxId>> {
        let Stage::Asked(batch) = &self.stage else { return None };
        let entries = batch.iter().map(|index| &self.entries[*index]);
        let open = entries.filter(|entry| !entry.is_cleared(now));
        Some(open.map(|entry| entry.mailbox).collect())
    }

    /// Whoever `decided` names is not set; the others are, with the next step.
    pub(super) fn answer(
        &mut self,
        mut decided: impl FnMut(MailboxId) -> Option<(MailboxOutcome, String)>,
        now: Timestamp,
    ) {
        let Stage::Asked(mut batch) = core::mem::replace(&mut self.stage, Stage::Choose) else {
            return;
        };
        batch.retain(|index| {
            let entry = &mut self.entries[*index];
            let Some((outcome, detail)) = decided(entry.mailbox) else {
                entry.cleared = entry.cleared.filter(|until| now <= *until).or(Some(now + HOLDS));
                return true;
            };
            self.criterion.count(outcome);
            entry.suspect = false;
            entry.state = State::Done(outcome, detail);
            false
        });
        if !batch.is_empty() {
            self.stage = Stage::Chosen(batch);
        }
    }

    /// What was not let through may be set without being asked about again right after the wait, however long
    /// that is.
    fn hold_until(&mut self, batch: &[usize], at: Timestamp) {
        for index in batch {
            let entry = &mut self.entries[*index];
            entry.cleared = entry.cleared.map(|until| until.max(at + MINUTE));
        }
    }

    /// The same under a budget.
    pub(super) fn paced(mut self, pace: Pace, budget: Budget) -> Self {
        self.backoff = Backoff::jittered(pace.jitter);
        self.throttle = self.backoff;
        self.budget = budget;
        self
    }

    /// The same until these criteria are breached. Mailboxes that failed before come first: nobody new is
    /// set as long as those that are in doubt would be enough for a breach.
    pub(super) fn under(
        mut self,
        criterion: Criterion,
        failed: impl Fn(MailboxId) -> bool,
    ) -> Self {
        self.criterion = criterion;
        if criterion.judges() {
            for entry in &mut self.entries {
                entry.suspect = failed(entry.mailbox);
            }
        }
        self
    }

    /// The criteria with what counts against them.
    pub(super) const fn criterion(&self) -> Criterion {
        self.criterion
    }

    /// Whether nobody new may be set for now.
    fn holds_back(&self) -> bool {
        let suspects = || self.entries.iter().filter(|entry| entry.suspect).count() as u64;
        self.criterion.judges() && self.criterion.breaks_with(suspects())
    }

    /// The budget, for the wave after this one.
    pub(super) fn take_budget(&mut self) -> Budget {
        core::mem::take(&mut self.budget)
    }

    /// Goes on by one call. Ends when every mailbox is decided, or the criteria are breached.
    pub(super) fn step(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
    ) -> Result<Turn<Decided>, Stop> {
        match &mut self.stage {
            Stage::Choose => self.choose(now, ports),
            Stage::Asked(_) => Ok(Turn::Busy),
            Stage::Chosen(batch) => {
                let batch = core::mem::take(batch);
                self.begin(batch, now, ports)
            }
            Stage::Set(batch) => {
                let batch = core::mem::take(batch);
                self.stage = Stage::Choose;
                self.set(&batch, now, ports)
            }
            Stage::Commit(records, _) if !records.is_empty() => {
                if let Some(at) = hand_out(records, ports, &mut self.backoff, now)? {
                    return Ok(Turn::Wait(at));
                }
                records.clear();
                Ok(Turn::Busy)
            }
            Stage::Commit(_, writes) => {
                ports.store.commit(core::mem::take(writes))?;
                self.stage = Stage::Choose;
                Ok(Turn::Busy)
            }
        }
    }

    fn choose(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<Decided>, Stop> {
        let batch = take_due(&mut self.reads, self.portion.most(), now);
        if !batch.is_empty() {
            return self.read(batch, now, ports);
        }
        if self.criterion.breach().is_some() {
            return Ok(Turn::Done(self.decided()));
        }
        let mut held = BTreeSet::new();
        if self.holds_back() {
            let all = core::mem::take(&mut self.sets).into_iter();
            let (suspects, others) = all.partition(|(_, index)| self.entries[*index].suspect);
            (self.sets, held) = (suspects, others);
        }
        let mut not_before = now;
        let batch = match self.budget.allowance(now) {
            Ok(most) => take_due(&mut self.sets, most, now),
            Err(at) => {
                not_before = at;
                Vec::new()
            }
        };
        let set = self.sets.first().map(|(at, _)| (*at).max(not_before));
        self.sets.extend(held);
        let open = |index: &usize| !self.entries[*index].is_cleared(now);
        if self.asks && batch.iter().any(open) {
            self.stage = Stage::Asked(batch);
            return Ok(Turn::Busy);
        }
        if !batch.is_empty() {
            return self.begin(batch, now, ports);
        }
        let next = [set, self.reads.first().map(|(at, _)| *at)].into_iter().flatten().min();
        if let Some(at) = next {
            return Ok(Turn::Wait(at));
        }
        Ok(Turn::Done(self.decided()))
    }

    /// What is decided; the rest is left to another life.
    pub(super) fn decided(&mut self) -> Decided {
        let mut decided = Decided::default();
        for entry in core::mem::take(&mut self.entries) {
            match entry.state {
                State::Done(outcome, detail) => decided.done.push((entry.mailbox, outcome, detail)),
                State::ToSet(_) if entry.attempts == 0 => decided.to_set += 1,
                // Even where a read showed the old flag: nobody knows how long a call takes to show.
                _ => {
                    decided.undecided.push(entry.mailbox);
                }
            }
        }
        decided
    }

    /// What it waits for.
    pub(super) fn waits_for(&self) -> &'static str {
        match self.sets.is_empty() || !self.budget.is_limited() {
            true => "a read that shows the flags that were set",
            false => "the budget of sets a minute",
        }
    }

    /// Whether every call that was made is read back once, and what that decided is told and kept.
    pub(super) fn is_told(&self) -> bool {
        let sent = |entry: &Entry| matches!(entry.state, State::Sent { .. });
        !matches!(self.stage, Stage::Commit(..)) && !self.entries.iter().any(sent)
    }

    /// Enters the mailbox where its state belongs.
    fn schedule(&mut self, index: usize, now: Timestamp) {
        match self.entries[index].state {
            State::ToSet(at) => self.sets.insert((at, index)),
            State::Accepted { next, .. } => self.reads.insert((next, index)),
            State::Unsure => self.reads.insert((now, index)),
            State::Sent { .. } | State::Done(..) => return,
        };
    }

    /// Sets these, once what that spends of a budget is kept.
    fn begin(
        &mut self,
        batch: Vec<usize>,
        now: Timestamp,
        ports: &mut Ports<'_>,
    ) -> Result<Turn<Decided>, Stop> {
        self.stage = Stage::Choose;
        if !self.budget.is_limited() {
            return self.set(&batch, now, ports);
        }
        self.budget.spend(now, batch.len());
        ports.store.commit(vec![version_write(), self.budget.write()])?;
        self.stage = Stage::Set(batch);
        Ok(Turn::Busy)
    }

    fn set(
        &mut self,
        batch: &[usize],
        now: Timestamp,
        ports: &mut Ports<'_>,
    ) -> Result<Turn<Decided>, Stop> {
        let change = |index: &usize, flag| MailboxChange {
            id: self.entries[*index].mailbox,
            cloud_managed: Some(flag),
            values: Vec::new(),
        };
        let mut changes: Vec<MailboxChange> =
            batch.iter().map(|index| change(index, self.target)).collect();
        let first = batch.first().filter(|index| self.entries[**index].attempts == 0);
        if planted!(self.bugs, FlapTheFlag) {
            changes.extend(first.map(|index| change(index, !self.target)));
        }
        let mut outcomes = match ports.exchange.set_mailboxes(&changes) {
            Ok(outcomes) => outcomes,
            Err(
                error @ (CallError::Halted
                | CallError::Throttled { .. }
                | CallError::Refused { .. }
                | CallError::Unusable { .. }
                | CallError::PageExpired),
            ) => {
                self.budget.correct(0);
                self.sets.extend(batch.iter().map(|index| (now, *index)));
                let at = again(&error, Side::Cloud, &mut self.backoff, now)?;
                self.hold_until(batch, at);
                return Ok(Turn::Wait(at));
            }
            // Whether anything of it arrived, only reading tells.
            Err(_) => Vec::new(),
        };
        self.backoff.reset();
        outcomes.resize(batch.len(), SetOutcome::Unknown);
        let (mut sent, mut throttled) = (0, None);
        for (index, answer) in batch.iter().zip(outcomes) {
            sent += usize::from(answer != SetOutcome::NotSent);
            match answer {
                SetOutcome::NotSent => {
                    self.sets.insert((now, *index));
                }
                SetOutcome::Throttled { retry_after } => {
                    throttled = throttled.max(Some(retry_after));
                    self.sets.insert((now, *index));
                }
                answer => {
                    let entry = &mut self.entries[*index];
                    if planted!(self.bugs, BelieveTheAnswer) && answer == SetOutcome::Accepted {
                        entry.state = State::Done(MailboxOutcome::Flipped, String::new());
                        continue;
                    }
                    entry.attempts += 1;
                    entry.state = State::Sent { at: now, answer };
                    self.reads.insert((now, *index));
                }
            }
        }
        self.budget.correct(sent);
        let Some(retry_after) = throttled else {
            self.throttle.reset();
            return Ok(Turn::Busy);
        };
        let error = CallError::Throttled { retry_after };
        let at = again(&error, Side::Cloud, &mut self.throttle, now)?;
        self.hold_until(batch, at);
        Ok(Turn::Wait(at))
    }

    fn read(
        &mut self,
        batch: Vec<usize>,
        now: Timestamp,
        ports: &mut Ports<'_>,
    ) -> Result<Turn<Decided>, Stop> {
        let ids: Vec<MailboxId> = batch.iter().map(|index| self.entries[*index].mailbox).collect();
        let rows = match ports.exchange.mailbox_rows(&ids, &[]) {
            Ok(rows) => rows,
            Err(error) => {
                self.reads.extend(batch.iter().map(|index| (now, *index)));
                return self.portion.again(&error, &mut self.backoff, now);
            }
        };
        self.backoff.reset();
        let (mut records, mut writes) = (Vec::new(), Vec::with_capacity(batch.len()));
        for (index, row) in batch.into_iter().zip(rows) {
            let entry = &mut self.entries[index];
            match row {
                Ok(row) => {
                    entry.unreadable = 0;
                    entry.decide(row.map(|mailbox| mailbox.cloud_managed == self.target), now);
                }
                Err(error) => {
                    if let Some(at) = entry.read_later(&error, now) {
                        self.reads.insert((at, index));
                        continue;
                    }
                }
            }
            if let State::Done(outcome, detail) = &entry.state {
                self.criterion.count(*outcome);
                let (transfer, outcome) = (&self.transfer, (*outcome, detail.as_str()));
                let record =
                    TransferRecord::of_flag(now, transfer, self.target, entry.mailbox, outcome);
                records.push(record);
            }
            let progress = entry.progress();
            writes.extend(progress.map(|progress| progress.write(&self.transfer, entry.mailbox)));
            self.schedule(index, now);
        }
        let none = writes.is_empty();
        self.stage = if none { Stage::Choose } else { Stage::Commit(records, writes) };
        Ok(Turn::Busy)
    }
}

/// Takes up to `most` entries that are due.
fn take_due(
    calendar: &mut BTreeSet<(Timestamp, usize)>,
    most: usize,
    now: Timestamp,
) -> Vec<usize> {
    let mut due = Vec::new();
    while due.len() < most && calendar.first().is_some_and(|(at, _)| *at <= now) {
        due.extend(calendar.pop_first().map(|(_, index)| index));
    }
    due
}

/// The service's words, or a word for their absence.
pub(super) fn words(code: &str, message: &str) -> String {
    match (code.is_empty(), message.is_empty()) {
        (true, true) => "an error without text".to_owned(),
        (false, true) => code.to_owned(),
        (true, false) => message.to_owned(),
        (false, false) => format!("{code}: {message}"),
    }
}

/// The end of a transfer whose criteria are breached while so many mailboxes of the wave are `open`.
pub(super) fn breached(why: String, open: u64) -> Failure {
    let rest = match open {
        0 => String::new(),
        _ => format!("; {open} of the wave are not decided: another call looks at them first"),
    };
    breach(why + &rest)
}

/// A failure that ends the activity although nothing failed: acceptance was breached.
pub(super) fn breach(detail: String) -> Failure {
    Failure::new(Class::Rejected, ACCEPTANCE_BREACHED, detail)
}
