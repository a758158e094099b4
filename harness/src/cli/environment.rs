//! `hybridsim env`: the variables that lead clients to a running `serve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Exit;
use super::console::Console;
use crate::serve::environment::{Shell, commands};

/// What `env --help` ends with.
pub(super) const AFTER: &str = "\
Try it:
  hybridsim serve --proxy --ready-file ready.json &
  eval \"$(hybridsim env ready.json)\"
  curl https://graph.microsoft.com/v1.0/users     now answers out of the estate (401: it wants a token)

What is printed holds the secret of the application `hybridsim`.";

/// The arguments of `env`.
#[derive(Debug, Args)]
pub(super) struct EnvironmentArguments {
    /// The ready file of a running `serve`.
    #[arg(value_name = "READY-FILE")]
    ready_file: PathBuf,

    /// The shell that is to set them.
    #[arg(long, value_enum, default_value_t = Dialect::Sh)]
    shell: Dialect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Dialect {
    /// sh, bash, zsh.
    Sh,
    /// fish.
    Fish,
    /// PowerShell.
    Powershell,
}

/// Prints them.
pub(super) fn environment(arguments: &EnvironmentArguments, console: &Console) -> Exit {
    let shell = match arguments.shell {
        Dialect::Sh => Shell::Posix,
        Dialect::Fish => Shell::Fish,
        Dialect::Powershell => Shell::PowerShell,
    };
    match commands(&arguments.ready_file, shell) {
        Ok(text) => {
            console.out(&text);
            Exit::Pass
        }
        Err(error) => {
            console.error(
                &error.to_string(),
                "name the file that `hybridsim serve --ready-file FILE` has written",
            );
            Exit::Usage
        }
    }
}
