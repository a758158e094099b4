//! Bridge: joins the engine and the estate, by function calls or over loopback.
//!
//! Both bridges ask the estate's doors for the same things in the same order, in batches of the same
//! size: that is why both leave the same trace.

pub mod desk;
pub mod direct;
pub mod doors;
pub mod guard;
pub mod listeners;
pub mod translate;
pub mod transport;
pub mod wire;
