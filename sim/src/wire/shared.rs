//! The estate as its servers and the runner share it: one owner at a time.

use std::sync::{Arc, Mutex, PoisonError};

use crate::estate::Estate;

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
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
