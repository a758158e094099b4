//! `hybridsim schema`: the JSON Schema of scenario files, for editors.

use std::path::PathBuf;

use clap::Args;

use super::console::Console;
use super::{Exit, fresh};

/// The arguments of `schema`.
#[derive(Debug, Args)]
pub(super) struct SchemaArguments {
    /// Write it to this file instead of standard output. A file that is there is replaced.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Prints or writes the schema.
pub(super) fn schema(arguments: &SchemaArguments, console: &Console) -> Exit {
    let text = crate::scenario::schema_text(&crate::stage::catalogues());
    match &arguments.output {
        None => {
            console.out(&text);
            Exit::Pass
        }
        Some(path) => fresh::write(path, &text, console),
    }
}
