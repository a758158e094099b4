//! The estate's servers: the only place in this crate with sockets.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "sockets, tokens and certificates live in real time"
)]

pub mod admin_api;
#[cfg(test)]
mod fault_tests;
pub mod graph;
pub mod identity;
mod json;
pub mod ldap;
mod message;
pub mod server;
pub mod shared;
#[cfg(test)]
mod test_cloud;
pub mod tls;
