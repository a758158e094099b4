//! `hybridsim env`: the variables that lead clients to a running `serve`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::Exit;
use super::console::Console;
use crate::serve::engine_files;
use crate::serve::environment::{EnvironmentError, Shell, commands};

/// What `env --help` ends with.
pub(super) const AFTER: &str = "\
Try it:
  hybridsim serve --proxy --ready-file ready.json &
  eval \"$(hybridsim env ready.json)\"
  curl https://graph.microsoft.com/v1.0/users     now answers out of the estate (401: it wants a token)

What is printed holds the secret of the application `hybridsim`.

The engine on its own, on an estate that has none:
  hybridsim serve --no-engine --ready-file ready.json &
  hybridsim env ready.json --engine-config engine
  hybridsim transfer readiness --config engine/transfer.yaml
  hybridsim transfer flip --apply --config engine/transfer.yaml
  hybridsim writeback --apply --config engine/writeback.yaml";

/// The arguments of `env`.
#[derive(Debug, Args)]
pub(super) struct EnvironmentArguments {
    /// The ready file of a running `serve`.
    #[arg(value_name = "READY-FILE")]
    ready_file: PathBuf,

    /// The shell that is to set them.
    #[arg(long, value_enum, default_value_t = Dialect::Sh)]
    shell: Dialect,

    /// Write configurations for `writeback` and `transfer` (`writeback.yaml`, `transfer.yaml`, and their
    /// secrets, all with mode 0600) into this folder, instead of printing variables.
    #[arg(long, value_name = "FOLDER", conflicts_with = "shell")]
    engine_config: Option<PathBuf>,

    /// Replace configurations that are there and say something else; without it they are refused.
    #[arg(long, requires = "engine_config")]
    overwrite: bool,
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

/// Prints them, or writes the engine's configurations.
pub(super) fn environment(arguments: &EnvironmentArguments, console: &Console) -> Exit {
    let text = match &arguments.engine_config {
        Some(folder) => engine_config(&arguments.ready_file, folder, arguments.overwrite),
        None => commands(&arguments.ready_file, arguments.shell.into()),
    };
    match text {
        Ok(text) => {
            console.out(&text);
            Exit::Pass
        }
        Err(error) => {
            let remedy = match error {
                EnvironmentError::ReadyFile { .. } => {
                    "name the file that `hybridsim serve --ready-file FILE` has written"
                }
                EnvironmentError::There { .. } => {
                    "--overwrite replaces the configurations; another folder keeps them"
                }
                EnvironmentError::Folder { .. } | EnvironmentError::Write(_) => {
                    "name a folder in which files may be made"
                }
            };
            console.error(&error.to_string(), remedy);
            Exit::Usage
        }
    }
}

fn engine_config(
    ready_file: &Path,
    folder: &Path,
    overwrite: bool,
) -> Result<String, EnvironmentError> {
    let written = engine_files::write(ready_file, folder, overwrite)?;
    let (writeback, transfer) = (written.writeback.display(), written.transfer.display());
    Ok(format!(
        "wrote {writeback} and {transfer}, and their secrets beside them\n\
         try: hybridsim transfer inventory --config {transfer}\n\
         \x20    hybridsim writeback --config {writeback}\n"
    ))
}

impl From<Dialect> for Shell {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Sh => Self::Posix,
            Dialect::Fish => Self::Fish,
            Dialect::Powershell => Self::PowerShell,
        }
    }
}
