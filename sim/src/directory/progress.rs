//! How long a search may take, and searches in parts: a server that lets one search go on until it is done
//! would answer nobody else meanwhile.

use core::cell::{Cell, RefCell};

use crate::directory::answer::{LdapResult, Response, SearchHit};
use crate::directory::filter::Test;
use crate::directory::policies::Policies;
use crate::directory::request::ObjectNumber;

/// How many units of work a part of a search takes at most: some milliseconds.
pub const SLICE: usize = 20_000;

/// Elements of a filter that cost as much as looking at an object does.
const ELEMENTS_OF_A_LOOK: usize = 8;

/// Bytes that are compared in the time of a look at an object.
const BYTES_OF_A_LOOK: usize = 8192;

/// From this size on an object's values are worth counting.
pub(super) const LARGE: usize = 65_536;

/// A search that is not done: what it found, and where it goes on.
#[derive(Debug, Default)]
pub struct SearchProgress {
    /// Which of the places where it looks.
    pub(super) place: usize,
    /// The last object there that it looked at.
    pub(super) last: Option<ObjectNumber>,
    /// How many of the hits are of this place.
    pub(super) here: usize,
    pub(super) hits: Vec<SearchHit>,
    /// What it may still do; `None` before it has begun.
    left: Option<usize>,
}

/// A part of a search.
#[derive(Debug)]
pub enum SearchPart {
    /// It is done.
    Done(Response),
    /// It goes on.
    More(SearchProgress),
}

/// Why a search has no answer.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is refused.
    Refused(LdapResult),
    /// It goes on another time.
    Unfinished(SearchProgress),
}

impl From<LdapResult> for Stop {
    fn from(refusal: LdapResult) -> Self {
        Self::Refused(refusal)
    }
}

impl Stop {
    /// The refusal of a search that is done in one part.
    pub(super) fn whole(self) -> LdapResult {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Unfinished(_) => crate::directory::diagnostic::time_limit_exceeded(),
        }
    }
}

/// In how many parts a search is done, and how far it got.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// The most that one part does; `None`: it is done in one.
    pub(super) slice: Option<usize>,
    pub(super) progress: RefCell<Option<SearchProgress>>,
}

/// What a search may still do, in all and in this part of it. A unit is an object that it looks at,
/// some elements of a filter that it tests on one, or some thousand bytes that they compare.
#[derive(Debug)]
pub(super) struct Budget {
    left: Cell<usize>,
    slice: Cell<usize>,
    weight: usize,
}

impl Budget {
    /// That of a search with a time limit in seconds (0: none), which may have begun before.
    pub(super) fn new(policies: &Policies, seconds: u32, test: &Test<'_>, run: &Run) -> Self {
        let begun = run.progress.borrow().as_ref().and_then(|progress| progress.left);
        let left = begun.unwrap_or_else(|| policies.looks(seconds));
        let slice = run.slice.unwrap_or(usize::MAX);
        let weight = 1 + test.elements() / ELEMENTS_OF_A_LOOK;
        Self { left: Cell::new(left), slice: Cell::new(slice), weight }
    }

    /// Looks at one more object; `false` when the time is up, or this part's is.
    pub(super) fn look(&self) -> bool {
        if self.left.get() == 0 || self.slice.get() == 0 {
            return false;
        }
        self.left.set(self.left.get().saturating_sub(self.weight));
        self.slice.set(self.slice.get().saturating_sub(self.weight));
        self.left.get() > 0
    }

    /// Takes what large values cost beyond a look.
    pub(super) fn compare(&self, bytes: usize) {
        let units = bytes / BYTES_OF_A_LOOK;
        self.left.set(self.left.get().saturating_sub(units));
        self.slice.set(self.slice.get().saturating_sub(units));
    }

    /// Whether the time was up before the search had looked everywhere.
    pub(super) fn is_late(&self) -> bool {
        self.left.get() == 0
    }

    /// Whether this part has done what it may.
    pub(super) fn is_paused(&self) -> bool {
        self.slice.get() == 0 && !self.is_late()
    }

    /// Where the search goes on.
    pub(super) fn pause(&self, mut progress: SearchProgress) -> SearchProgress {
        progress.left = Some(self.left.get());
        progress
    }
}
