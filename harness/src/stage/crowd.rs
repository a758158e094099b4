//! Crowds: the members of a shape, drafted on a second core while the estate settles those before them.
//!
//! One draw follows the other, and drafts are settled in the order in which they were drawn: the estate
//! is the same whatever the threads do.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use sim::chance::Chance;
use sim::clock::VirtualTime;
use sim::estate::{BuildError, Draft, Drafting, Estate};
use sim::population::shape::Shape;

/// Drafts that are handed over at once.
const PORTION: usize = 512;
/// Portions that may wait to be settled.
const AHEAD: usize = 4;

/// The members of a shape.
pub(super) struct Crowd<'a> {
    pub(super) shape: Shape,
    pub(super) members: u32,
    /// The first so many are cloud-managed.
    pub(super) cloud_managed: u64,
    pub(super) domain: &'a str,
}

/// What a crowd is drawn with.
pub(super) struct Draws<'a> {
    pub(super) people: &'a mut Chance,
    pub(super) identities: &'a mut Chance,
}

type Drafted = Result<Draft, BuildError>;

impl Crowd<'_> {
    /// Settles everybody. All changed last at `since`.
    ///
    /// # Errors
    /// [`BuildError`] at the first member that does not fit.
    pub(super) fn settle(
        &self,
        estate: &mut Estate,
        since: VirtualTime,
        draws: Draws<'_>,
    ) -> Result<(), BuildError> {
        let Some(drafting) = estate.drafting() else { return Ok(()) };
        estate.reserve(self.members as usize);
        if self.members as usize <= PORTION {
            return estate.settle_drafts(self.drafts(drafting, draws), since);
        }
        thread::scope(|scope| {
            let (sender, portions) = sync_channel(AHEAD);
            scope.spawn(move || self.send(drafting, draws, &sender));
            estate.settle_drafts(flattened(portions), since)
        })
    }

    fn drafts(&self, mut drafting: Drafting, draws: Draws<'_>) -> impl Iterator<Item = Drafted> {
        (1..=self.members).map(move |number| {
            let managed = u64::from(number) <= self.cloud_managed;
            let person = self.shape.member(number, self.domain, draws.people, managed);
            drafting.draft(&person, draws.identities)
        })
    }

    /// Sends all drafts; ends early when nobody takes them any more.
    fn send(&self, drafting: Drafting, draws: Draws<'_>, sender: &SyncSender<Vec<Drafted>>) {
        let mut drafts = self.drafts(drafting, draws).peekable();
        while drafts.peek().is_some() {
            let portion: Vec<Drafted> = drafts.by_ref().take(PORTION).collect();
            if sender.send(portion).is_err() {
                return;
            }
        }
    }
}

fn flattened(portions: Receiver<Vec<Drafted>>) -> impl Iterator<Item = Drafted> {
    portions.into_iter().flatten()
}
