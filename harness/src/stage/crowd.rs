//! Crowds: the members of a shape, drafted on two cores while the estate settles those before them.
//!
//! Members are drawn one after the other, and settled in the order in which they were drawn; only who
//! drafts them in between is left to the threads. So the estate is the same whatever they do.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use sim::chance::Chance;
use sim::clock::VirtualTime;
use sim::estate::{BuildError, Draft, Drafting, Estate, Identity};
use sim::population::Person;
use sim::population::shape::Shape;

/// Members that are drawn and drafted at once.
const PORTION: u32 = 512;
/// Portions that may wait to be settled.
const AHEAD: usize = 8;

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
        let desk = Desk {
            crowd: self,
            drafting: &drafting,
            state: Mutex::new(State::new(draws)),
            changed: Condvar::new(),
        };
        if self.members <= PORTION {
            return estate.settle_drafts(desk.drafts(), since);
        }
        thread::scope(|scope| {
            scope.spawn(|| desk.help());
            let _close = Closing(&desk);
            estate.settle_drafts(desk.drafts(), since)
        })
    }

    fn member(&self, place: u32, draws: &mut Draws<'_>) -> Person {
        let managed = u64::from(place) < self.cloud_managed;
        self.shape.member(place + 1, self.domain, draws.people, managed)
    }
}

/// Where the members of a crowd are drawn and drafted, by whoever is free.
struct Desk<'a> {
    crowd: &'a Crowd<'a>,
    drafting: &'a Drafting,
    state: Mutex<State<'a>>,
    /// A portion was taken away or is ready, or somebody left.
    changed: Condvar,
}

struct State<'a> {
    draws: Draws<'a>,
    /// Members drawn so far.
    drawn: u32,
    /// The number of the next portion to draw, and of the next one to settle.
    next: usize,
    settled: usize,
    /// Portions that are drafted and not settled.
    ready: BTreeMap<usize, Vec<Drafted>>,
    /// Somebody left: the helper when all were drawn, the other when nobody is settled any more, either
    /// by a panic.
    closed: bool,
}

impl<'a> State<'a> {
    const fn new(draws: Draws<'a>) -> Self {
        Self { draws, drawn: 0, next: 0, settled: 0, ready: BTreeMap::new(), closed: false }
    }
}

/// Members as they were drawn, with the number of their portion.
type Portion = (usize, Vec<(Person, Identity)>);

impl<'a> Desk<'a> {
    /// The drafts of everybody, in order: those that the helper has made, and else the caller's own.
    fn drafts(&self) -> impl Iterator<Item = Drafted> {
        core::iter::from_fn(|| self.next_drafted()).flatten()
    }

    /// The next portion to settle; drafts meanwhile, where the helper is not done with it.
    fn next_drafted(&self) -> Option<Vec<Drafted>> {
        loop {
            let mut state = self.lock();
            let place = state.settled;
            if let Some(drafted) = state.ready.remove(&place) {
                state.settled += 1;
                drop(state);
                self.changed.notify_one();
                return Some(drafted);
            }
            match self.draw(&mut state) {
                Some(portion) => {
                    drop(state);
                    self.draft(portion);
                }
                None if state.settled == state.next || state.closed => return None,
                // The helper is at one of the last portions.
                None => drop(self.wait(state)),
            }
        }
    }

    /// Drafts until nobody wants more.
    fn help(&self) {
        let _close = Closing(self);
        loop {
            let mut state = self.lock();
            while !state.closed && state.next >= state.settled + AHEAD {
                state = self.wait(state);
            }
            let portion = if state.closed { None } else { self.draw(&mut state) };
            drop(state);
            match portion {
                Some(portion) => self.draft(portion),
                None => return,
            }
        }
    }

    /// The next members; `None` after the last.
    fn draw(&self, state: &mut State<'_>) -> Option<Portion> {
        let end = self.crowd.members.min(state.drawn + PORTION);
        if state.drawn == end {
            return None;
        }
        let draw = |place| {
            let person = self.crowd.member(place, &mut state.draws);
            (person, self.drafting.identity(place, state.draws.identities))
        };
        let people = (state.drawn..end).map(draw).collect();
        state.drawn = end;
        state.next += 1;
        Some((state.next - 1, people))
    }

    fn draft(&self, (place, people): Portion) {
        let draft = |(mut person, identity): (Person, _)| {
            // Nobody of a crowd has what the schema of its forest lacks.
            person.attributes.retain(|(name, _)| self.drafting.has_attribute(name));
            self.drafting.draft(&person, identity)
        };
        let drafted = people.into_iter().map(draft).collect();
        self.lock().ready.insert(place, drafted);
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        // A panic on the other thread ends this one too, at the end of the scope.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'g, 's>(&self, state: MutexGuard<'g, State<'s>>) -> MutexGuard<'g, State<'s>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the other one that this one leaves, by a panic too: nobody waits for it then.
struct Closing<'d, 'a>(&'d Desk<'a>);

impl Drop for Closing<'_, '_> {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}
