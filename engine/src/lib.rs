//! The real logic: it transfers the source of authority over Exchange attributes to the cloud, and
//! writes them back to Active Directory.
//!
//! Everything here but [`wire`] is plain synchronous code that sees the world through [`ports`] and
//! goes on by [`step`]s. It reads no clock and draws no chance.

pub mod address;
pub mod anchor;
pub mod attributes;
pub mod change;
pub mod dn;
pub mod failure;
pub mod guid;
pub mod job;
pub mod job_log;
pub mod journal;
pub mod marks;
mod pairing;
pub mod planted_bugs;
pub mod ports;
pub mod recipient_type;
pub mod reconcile;
pub mod schema;
pub mod step;
#[cfg(test)]
mod test_world;
pub mod time;
pub mod transfer;
pub mod values;
pub mod wire;
pub mod writable;
pub mod writeback;
