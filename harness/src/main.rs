//! The `hybridsim` binary. Everything is in `harness::cli`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A large run makes and drops tens of millions of small values; the C library's allocator spends a
/// third of the run on them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    harness::cli::main(std::env::args_os()).into()
}
