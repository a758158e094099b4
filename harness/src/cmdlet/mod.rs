//! The PowerShell-style command lines that scenarios and people type: one cmdlet, no pipeline, no
//! variables.
//!
//! [`parse`] reads a line by PowerShell's own rules of quoting (Microsoft Learn, about_Parsing,
//! about_Quoting_Rules, about_Arrays, about_Hash_Tables), [`bind`] gives the words to the
//! parameters of a catalogue as PowerShell's binder does (about_Parameters), [`bind_freely`] does
//! without a catalogue. Every problem carries the range of bytes of the line that it is about.

mod bind;
mod convert;
mod parse;
mod problem;
mod quote;

pub use bind::{bind, bind_freely};
pub use parse::{CmdletLine, Item, ROUND, parse};
pub use problem::CmdletProblem;

#[cfg(test)]
mod tests;
