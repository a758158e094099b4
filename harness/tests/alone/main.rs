//! The engine on its own, as programs of their own against an estate that is served: what a dry run says and a
//! real one does, what is refused, what is told when somebody ends it, and the kill tests.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "processes of their own are waited for in real time; helpers of tests may panic"
)]

mod beside;
mod ends;
mod estate;
mod full;
mod kills;
#[path = "../program/mod.rs"]
mod program;
mod refusals;
mod restores;
mod runs;
mod starts;
