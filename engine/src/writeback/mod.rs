//! Writeback: brings the Exchange attributes of cloud-managed mailboxes to Active Directory.
//!
//! [`job::WritebackJob`] is the activity that never ends; `cycle` is one pass over what changed;
//! `batch` takes a handful of mailboxes from matching to the committed outcome. Mapping
//! ([`plan`], [`map`]) and [`diff`] are plain functions that need no cycle.

mod batch;
mod cycle;
mod desk;
pub mod diff;
pub mod digest;
pub mod job;
pub mod left;
pub mod map;
mod on_demand;
mod outcome;
pub mod plan;
mod prologue;
pub mod quarantine;
mod recovery;
pub mod retry;
pub mod scope;
pub mod settled;

pub use job::{JobEnd, WritebackConfig, WritebackJob};
pub use plan::MappingPlan;
pub use scope::ScopeFilter;

#[cfg(test)]
mod interleaving_tests;
#[cfg(feature = "planted-bugs")]
mod planted;
#[cfg(all(test, feature = "planted-bugs"))]
mod planted_tests;
#[cfg(test)]
mod tests;
