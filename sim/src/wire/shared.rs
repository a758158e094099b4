//! The estate as its servers and the runner share it: one owner at a time.

use std::sync::{Arc, Mutex, PoisonError};

use crate::estate::Estate;
use crate::marks::Mark;

/// An estate behind a lock. Whoever holds it finishes one request and lets go.
#[derive(Clone)]
pub struct SharedEstate(Arc<Mutex<Estate>>);

impl SharedEstate {
    /// Shares an estate.
    #[must_use]
    pub fn new(estate: Estate) -> Self {
        Self(Arc::new(Mutex::new(estate)))
    }

    /// Does something with the estate. Must not be called from inside itself.
    pub fn with<T>(&self, act: impl FnOnce(&mut Estate) -> T) -> T {
        // A panic in another thread leaves whole requests done or not done.
        let mut estate = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let done = act(&mut estate);
        // Whichever thread it was: the marks are the estate's.
        estate.marks.add(Mark::take());
        done
    }
}
