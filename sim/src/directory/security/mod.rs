//! Rights as Active Directory keeps them: security descriptors with their ACLs, what objects inherit,
//! and whether an account may do something ([MS-ADTS] 5.1.3).

pub mod access;
pub mod defaults;
mod denial;
pub mod descriptor;
pub mod effective;
mod expansion;
pub mod protect;
pub(in crate::directory) mod reading;
pub(in crate::directory) mod sddl;
