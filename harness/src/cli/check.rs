//! `hybridsim check`: reads scenarios and says what is wrong with them.

use std::path::PathBuf;

use clap::Args;

use super::console::Console;
use super::{Exit, select};

/// The arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Scenario files, or folders with scenario files in them.
    #[arg(default_value = "scenarios")]
    paths: Vec<PathBuf>,
}

/// Reads every file and prints what is wrong. Nothing to read proves nothing: unknown.
pub(super) fn check(arguments: &CheckArguments, console: &Console) -> Exit {
    match select::read_all(&arguments.paths, console) {
        Err(exit) => exit,
        Ok(candidates) if candidates.is_empty() => {
            console.error(
                "there is no scenario file (*.yaml, *.yml) in the folders given",
                "name another folder, or a file",
            );
            Exit::Unknown
        }
        Ok(candidates) => {
            let count = candidates.len();
            let files = if count == 1 { "file is" } else { "files are" };
            console.out(&format!("{count} scenario {files} right\n"));
            Exit::Pass
        }
    }
}
