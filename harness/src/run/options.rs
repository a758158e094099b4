//! How a scenario is to be run, beyond what its file says.

use crate::judge::verdict::Transport;

/// Options of a run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Overrides the file's seed.
    pub seed: Option<u64>,
    /// How the engine reaches the estate.
    pub transport: Transport,
    /// A deliberate mistake in the engine, by name; refused by a build without `planted-bugs`.
    pub plant: Option<String>,
    /// Leaves the oracles out, to measure what they cost: then nothing is proved, and the verdict is at
    /// best unknown.
    pub unjudged: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { seed: None, transport: Transport::Memory, plant: None, unjudged: false }
    }
}

/// Told how far a run is. Called often: implementations must be cheap.
pub trait Progress: Sync {
    /// The run is doing this now (`population`, `transfer`, `writeback`, `comparison`), has done
    /// `done` of `total` objects, and has reached this virtual time (microseconds since the epoch).
    fn at(&self, phase: &'static str, done: u64, total: u64, virtual_micros: i64);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn at(&self, _: &'static str, _: u64, _: u64, _: i64) {}
}
