//! Active Directory: forests, domains and domain controllers as plain values, and what can be asked
//! of them. No codec and no socket in sight: requests and answers are values.
//!
//! [`forest::Forest`] is the way in: `bind`, `search_hits`, `search`, `modify`, `add`, `delete`,
//! `rename`, `compare`, or `perform` for a whole [`request::Request`]. Objects come in bulk through
//! `load`.

pub mod account;
mod account_control;
mod account_privileges;
mod account_rules;
mod add;
pub mod answer;
pub mod bind;
mod changes;
pub mod chores;
mod constructed;
mod controls;
mod cookie;
mod definitions;
mod delete;
mod derived;
pub mod diagnostic;
pub mod entry;
mod features;
mod filter;
pub mod fold;
mod foreign;
pub mod forest;
pub mod forests;
mod heuristics;
pub mod import;
pub mod ldif;
pub mod ldif_export;
pub mod ldif_writer;
mod membership;
mod metadata;
pub mod modify;
pub mod name;
mod number_index;
mod ownership;
mod password;
mod perform;
mod places;
mod plan;
pub mod policies;
mod primary_group;
pub mod principal;
pub mod progress;
pub mod reads;
mod rename;
mod render;
pub mod replication;
pub mod request;
pub mod resolve;
mod role;
pub mod root_dse;
pub mod schema;
mod schema_objects;
pub mod search;
pub mod security;
mod statistics;
pub mod store;
mod system_objects;
#[cfg(test)]
mod tests;
mod topology;
mod unique;
mod validated;
mod value;
mod value_set;
mod walk;
mod watch;
mod well_known;
mod window;
mod writable;

pub use well_known::is_default_container;
