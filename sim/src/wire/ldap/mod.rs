//! LDAP version 3 (RFC 4511) in front of a directory: our own BER codec, a session without a socket,
//! and the listener.

mod batch;
pub mod ber;
mod controls;
pub mod decode;
mod encode;
#[cfg(test)]
mod request_writer;
pub mod server;
pub mod session;
mod tags;
#[cfg(test)]
mod tests;
