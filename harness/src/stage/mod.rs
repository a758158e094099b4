//! Stage: a story and a seed become an estate and what the engine is told. Equal input gives an
//! equal stage: nothing but the exports that a population names is read.

mod catalogues;
mod crowd;
mod export;
mod rights;
mod roster;
mod world;

pub use catalogues::{ENTRA_STATE_PROPERTIES, STATE_PROPERTIES, catalogues};
pub use roster::Roster;
pub use world::{StageError, Staged, job_configuration, stage, stage_world};
