//! Stage: a story and a seed become an estate and what the engine is told. Pure: equal input gives an
//! equal stage.

mod catalogues;
mod crowd;
mod roster;
mod world;

pub use catalogues::{ENTRA_STATE_PROPERTIES, STATE_PROPERTIES, catalogues};
pub use roster::Roster;
pub use world::{StageError, Staged, job_configuration, stage, stage_world};
