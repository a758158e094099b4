//! The court.

pub mod alone;
pub mod bridge;
pub mod cli;
pub mod cmdlet;
pub mod hunt;
pub mod judge;
pub mod observe;
pub mod report;
pub mod run;
pub mod scenario;
pub mod serve;
pub mod stage;
