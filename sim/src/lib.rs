//! The world: Active Directory, Connect Sync, provisioning agents, Entra ID and Exchange Online as
//! plain values on one virtual clock, and the servers that show them.

pub mod agents;
pub mod caller;
pub mod chance;
pub mod clock;
pub mod connect;
pub mod directory;
pub mod entra;
pub mod estate;
pub mod exchange;
pub mod fault;
pub mod guid;
pub mod index;
pub mod ledger;
pub mod marks;
mod names;
pub mod onprem;
pub mod parity;
pub mod population;
pub mod powershell;
pub mod profile;
pub mod record;
pub mod throttle;
pub mod trace;
pub mod wire;
