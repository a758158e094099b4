//! `hybridsim explain`: how a value came about, in a run that passed or failed.

use std::path::PathBuf;

use clap::Args;

use super::console::Console;
use super::{Exit, court, select};
use crate::report::terminal::explanation;
use crate::run::RunOptions;
use crate::run::explain::{ExplainError, Question};

/// The arguments of `explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// A scenario file.
    file: PathBuf,

    /// Whom it is about, as the scenario's steps call it.
    #[arg(long, value_name = "NAME")]
    object: String,

    /// The attribute, by its name in AD, Exchange Online or Entra, or with its side (`ad.mail`)
    /// [default: everything that was written].
    #[arg(long, value_name = "ATTRIBUTE")]
    attribute: Option<String>,

    /// Take this seed instead of the one in the file.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

/// Plays the file again and prints the chain of events.
pub(super) fn explain(arguments: &ExplainArguments, console: &Console) -> Exit {
    let mut candidates = match select::read_all(std::slice::from_ref(&arguments.file), console) {
        Ok(candidates) => candidates,
        Err(exit) => return exit,
    };
    let (Some(candidate), true) = (candidates.pop(), candidates.is_empty()) else {
        console.error("a folder is not one scenario", "name one scenario file");
        return Exit::Usage;
    };
    let question =
        Question { object: arguments.object.clone(), attribute: arguments.attribute.clone() };
    let options = RunOptions { seed: arguments.seed, ..RunOptions::default() };
    match court::explain(&candidate.scenario, &options, &question) {
        Ok(answer) => {
            console.out(&explanation(&question, &answer, console.paint()));
            Exit::Pass
        }
        Err(error) => refused(&error, console),
    }
}

fn refused(error: &ExplainError, console: &Console) -> Exit {
    let (help, exit) = match error {
        ExplainError::UnknownObject { nearest, .. }
        | ExplainError::UnknownAttribute { nearest, .. } => {
            let help = nearest.as_ref().map_or_else(
                || "give a name as the scenario gives it".to_owned(),
                |nearest| format!("did you mean `{nearest}`?"),
            );
            (help, Exit::Usage)
        }
        ExplainError::Run(_) => ("nothing can be said of the engine".to_owned(), Exit::Internal),
    };
    console.error(&error.to_string(), &help);
    exit
}
