//! One loop, one owner of the truth: the estate's calendar, the engine's steps and the repeated edits
//! take their turns in the order in which they are due, and every event is shown to the judge.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::ports::MailboxId;
use sim::chance::Chance;
use sim::clock::VirtualTime;
use sim::estate::Estate;
use sim::wire::shared::SharedEstate;

use super::clerk::Clerk;
use super::court::{Court, Portion};
use super::edits;
use super::options::Progress;
use super::process::{Engine, EngineStep};
use super::repeat::Repeated;
use crate::judge::expectation::Scene;
use crate::judge::undecided::Seen;
use crate::judge::verdict::Finding;
use crate::scenario::{Expectations, Share, Span};
use crate::stage::Roster;

/// Steps of the engine at one instant after which it is taken to be stuck.
const STUCK: u64 = 5_000_000;

/// Edits between two looks of the judge.
const EDITS_AT_ONCE: usize = 2_000;

/// Something that must hold, or must not, from a step on.
pub(super) struct Watch {
    pub(super) expect: Expectations,
    /// Whether it must not hold.
    pub(super) never: bool,
    pub(super) until: Option<VirtualTime>,
    pub(super) attempted: bool,
    /// Hits of faults when it began.
    pub(super) hits: u64,
    pub(super) broken: bool,
    /// Whether all of it could be decided at some time.
    pub(super) decided: bool,
    /// What could not be decided when it was last looked at.
    pub(super) undecided: Vec<String>,
    /// What a report calls it.
    pub(super) words: String,
}

impl Watch {
    /// Whether its window has closed.
    pub(super) fn is_over(&self, now: VirtualTime) -> bool {
        self.until.is_some_and(|until| now > until)
    }
}

/// A run under way.
pub(super) struct Runner<'a> {
    pub(super) estate: SharedEstate,
    pub(super) engine: Engine,
    pub(super) roster: Roster,
    clerk: Clerk,
    /// Objects of the escrow that were tried again since the court last sat here.
    retried: u64,
    pub(super) findings: Vec<Finding>,
    /// What is worth knowing and nobody's fault.
    pub(super) notes: Vec<String>,
    /// Why the run proves nothing, even without a finding.
    pub(super) reasons: Vec<String>,
    /// A transfer did not flip somebody: its readiness check or Exchange Online stood against it.
    pub(super) blocked_flips: bool,
    pub(super) watches: Vec<Watch>,
    pub(super) repeated: Vec<Repeated>,
    pub(super) edits: Chance,
    pub(super) edit_rounds: u64,
    /// For faults at a random place.
    pub(super) faults: Chance,
    /// Where the file declares its faults, in the order of their rules.
    pub(super) declared: Vec<Span>,
    /// Who a transfer names and the cloud does not have.
    pub(super) strangers: BTreeMap<MailboxId, String>,
    pub(super) source: &'a str,
    pub(super) progress: &'a dyn Progress,
    pub(super) phase: &'static str,
    /// Hybridsim's own failure, in words.
    pub(super) broken: Option<String>,
    steps_at: (VirtualTime, u64),
    checked_at: VirtualTime,
}

/// Who is due.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Estate,
    Again(usize),
    Engine,
}

impl<'a> Runner<'a> {
    pub(super) fn new(
        estate: SharedEstate,
        engine: Engine,
        roster: Roster,
        court: Court,
        seed: u64,
        source: &'a str,
        progress: &'a dyn Progress,
    ) -> Self {
        let people = estate.with(|estate| estate.subjects().len());
        Self {
            estate,
            engine,
            roster,
            clerk: Clerk::new(court, people),
            retried: 0,
            findings: Vec::new(),
            notes: Vec::new(),
            reasons: Vec::new(),
            blocked_flips: false,
            watches: Vec::new(),
            repeated: Vec::new(),
            edits: Chance::stream(seed, "edits"),
            edit_rounds: 0,
            faults: Chance::stream(seed, "faults"),
            declared: Vec::new(),
            strangers: BTreeMap::new(),
            source,
            progress,
            phase: "story",
            broken: None,
            steps_at: (VirtualTime::default(), 0),
            checked_at: VirtualTime::default(),
        }
    }

    pub(super) fn now(&self) -> VirtualTime {
        self.estate.with(|estate| estate.now())
    }

    /// Plays everything that is due until `done` says so or the clock reaches `horizon`. Answers
    /// whether it was done.
    pub(super) fn play(
        &mut self,
        horizon: VirtualTime,
        mut done: impl FnMut(&mut Self) -> bool,
    ) -> bool {
        loop {
            if self.broken.is_some() || done(self) {
                return true;
            }
            let (now, estate_due) = self.estate.with(|estate| (estate.now(), estate.next_due()));
            let again = self.repeated.iter().enumerate().map(|(n, r)| (r.due, Turn::Again(n)));
            let next = estate_due
                .map(|due| (due, Turn::Estate))
                .into_iter()
                .chain(self.engine.next_due().map(|due| (due, Turn::Engine)))
                .chain(again)
                .min();
            match next.filter(|(due, _)| *due <= horizon) {
                None => {
                    self.estate.with(|estate| estate.advance(horizon));
                    self.observe();
                    return done(self);
                }
                Some((due, turn)) => {
                    self.estate.with(|estate| estate.advance(due.max(now)));
                    self.take(turn);
                }
            }
        }
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, length: Duration) {
        let horizon = self.now() + length;
        self.play(horizon, |_| false);
    }

    /// What of the expectations does not hold now, and what cannot be decided.
    pub(super) fn look(&mut self, expectations: &Expectations) -> Seen {
        self.court();
        let court = self.clerk.court();
        self.estate
            .with(|estate| scene(estate, &self.roster, court, self.source).look(expectations))
    }

    /// The expectations must hold now: what does not is a finding, what cannot be decided a reason.
    pub(super) fn demand(&mut self, expectations: &Expectations) {
        let seen = self.look(expectations);
        self.findings.extend(seen.failures);
        self.reasons.extend(seen.undecided);
    }

    /// What had to hold all the time, or at none, and could not be decided at any.
    pub(super) fn undecided(&self) -> Vec<String> {
        let open = self.watches.iter().filter(|watch| !watch.decided);
        open.flat_map(|watch| watch.undecided.iter().cloned()).collect()
    }

    /// Whether a flip was refused: by Exchange Online, or by the readiness check of a transfer.
    pub(super) fn is_refusal_met(&mut self) -> bool {
        self.blocked_flips || self.court().counters.refused_flips() > 0
    }

    /// The court, when it has seen all that happened.
    pub(super) fn court(&mut self) -> &mut Court {
        let portion = self.estate.with(Portion::drained);
        self.clerk.take(portion);
        let court = self.clerk.court();
        court.counters.retried(core::mem::take(&mut self.retried));
        court
    }

    /// Puts a court from another time in the place of this one.
    pub(super) fn replace_court(&mut self, court: Court) {
        *self.clerk.court() = court;
    }

    /// Shows the court what happened since the last call, and the watches what there is.
    pub(super) fn observe(&mut self) {
        self.retried += self.engine.take_retried();
        let (clerk, watched) = (&self.clerk, !self.watches.is_empty());
        let portion = self.estate.with(|estate| {
            (watched || clerk.is_worth_it(estate)).then(|| Portion::drained(estate))
        });
        let changed = portion.is_some_and(|portion| self.clerk.take(portion));
        if watched && (changed || self.checked_at != self.now()) {
            self.check_watches();
        }
    }

    fn take(&mut self, turn: Turn) {
        match turn {
            Turn::Estate => {}
            Turn::Again(place) => self.come_again(place),
            Turn::Engine => self.step_engine(),
        }
        self.observe();
    }

    fn step_engine(&mut self) {
        if let EngineStep::Broken(problem) = self.engine.step() {
            self.broken = Some(problem);
        }
        let now = self.now();
        self.steps_at = match self.steps_at {
            (at, steps) if at == now => (at, steps + 1),
            _ => (now, 0),
        };
        if self.steps_at.1 > STUCK {
            self.broken = Some(format!("the engine made {STUCK} steps at {now} and did not wait"));
        }
        self.progress.at(self.phase, self.clerk.done(), 0, now.as_micros());
    }

    /// One round of edits; answers how many were accepted. The judge sees them in portions, so that a
    /// large round does not pile up.
    pub(super) fn edit_round(&mut self, mailboxes: &[u32], share: Share) -> u64 {
        self.edit_rounds += 1;
        let round = self.edit_rounds;
        let editable = self.estate.with(|estate| edits::editable(estate, mailboxes));
        let chosen = edits::chosen(&editable, share, &mut self.edits);
        let mut accepted = 0;
        for portion in chosen.chunks(EDITS_AT_ONCE) {
            let chance = &mut self.edits;
            accepted += self.estate.with(|estate| edits::edit(estate, portion, chance, round));
            self.observe();
        }
        accepted
    }

    /// Hits of all faults so far.
    pub(super) fn hits(&self) -> u64 {
        self.estate
            .with(|estate| estate.faults.rules().iter().map(|rule| u64::from(rule.hits)).sum())
    }

    /// Looks whether what must hold holds, and what must not does not.
    pub(super) fn check_watches(&mut self) {
        let (now, hits) = (self.now(), self.hits());
        self.checked_at = now;
        let mut watches = core::mem::take(&mut self.watches);
        for watch in &mut watches {
            if watch.broken || watch.is_over(now) {
                continue;
            }
            watch.attempted |= watch.never && watch.expect.is_of_machines() && hits > watch.hits;
            let Seen { failures: found, undecided } =
                if watch.never { self.came_true(watch) } else { self.look(&watch.expect) };
            watch.decided |= undecided.is_empty();
            watch.undecided = undecided;
            watch.broken = !found.is_empty();
            self.findings.extend(found);
        }
        self.watches = watches;
    }

    /// What came true of what must never hold, and what of it cannot be decided.
    fn came_true(&mut self, watch: &Watch) -> Seen {
        self.court();
        let court = self.clerk.court();
        self.estate.with(|estate| {
            let scene = scene(estate, &self.roster, court, self.source);
            let failures = scene.came_true(&watch.expect, &watch.words).into_iter().collect();
            Seen { failures, undecided: scene.undecided(&watch.expect) }
        })
    }

    /// The finding with what is told of somebody.
    pub(super) fn about(&mut self, person: u32, finding: Finding) -> Finding {
        self.court();
        let court = self.clerk.court();
        self.estate.with(|estate| match estate.subjects().get(person as usize) {
            Some(subject) => {
                scene(estate, &self.roster, court, self.source).about(subject, finding)
            }
            None => finding,
        })
    }
}

fn scene<'s>(
    estate: &'s Estate,
    roster: &'s Roster,
    court: &'s Court,
    source: &'s str,
) -> Scene<'s> {
    Scene { estate, roster, counters: &court.counters, history: &court.history, source }
}
