//! Populations: who is there before the first step, the same for the same seed.

mod person;
pub mod shape;

pub use person::{Person, Place};
