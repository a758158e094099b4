//! Observe: what happened, kept so that it can be counted and explained.

mod counters;
mod history;

pub use counters::{Counters, Lag};
pub use history::{Chain, History, attribute_name};
