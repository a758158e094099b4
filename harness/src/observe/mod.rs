//! Observe: what happened, kept so that it can be counted and explained.

mod by_person;
mod counters;
mod history;
pub mod marks;
mod recorder;
mod related;
mod words;

pub use by_person::ByPerson;
pub use counters::{Arrival, Counters, Lag};
pub use history::{Chain, History, attribute_name};
pub use recorder::{Place, Recorder};
pub use related::Related;
pub use words::shown;
