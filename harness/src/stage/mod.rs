//! Stage: a story and a seed become an estate and what the engine is told. Equal input gives an
//! equal stage: nothing but the exports that a population names is read.

mod catalogues;
mod crowd;
mod errors;
mod export;
mod job;
mod requests;
mod rights;
mod roles;
mod roster;
mod values;
mod world;

pub use catalogues::{ENTRA_STATE_PROPERTIES, STATE_PROPERTIES, catalogues};
pub use job::{SCHEMA_CHECK, job_configuration, writeback_config};
pub use roles::role_named;
pub use roster::Roster;
pub use world::{StageError, Staged, stage, stage_world};

#[cfg(test)]
mod tests;
