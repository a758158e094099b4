//! `hybridsim new`: a commented scenario to start from.

use std::path::PathBuf;

use clap::Args;

use super::console::Console;
use super::{Exit, fresh};

/// The arguments of `new`.
#[derive(Debug, Args)]
pub(super) struct NewArguments {
    /// The file to write, such as `scenarios/my-case.yaml`. A file that is there stays.
    file: PathBuf,
    /// The sentence that says what the scenario is about.
    #[arg(long, value_name = "SENTENCE")]
    title: Option<String>,
}

/// The scenario that a new file holds.
const STARTER: &str = include_str!("starter.yaml");
/// Its sentence.
const TITLE: &str = "A custom attribute edited in the cloud survives an agent outage";

/// Writes the file.
pub(super) fn new(arguments: &NewArguments, console: &Console) -> Exit {
    let path = &arguments.file;
    if path.exists() {
        console.error(
            &format!("`{}` is there already", path.display()),
            "name a file that is not there",
        );
        return Exit::Usage;
    }
    let written = fresh::write(path, &starter(arguments.title.as_deref()), console);
    if written == Exit::Pass {
        console
            .out(&format!("wrote {path}\nrun it: hybridsim run {path}\n", path = path.display()));
    }
    written
}

/// The starter with this sentence.
fn starter(title: Option<&str>) -> String {
    let Some(title) = title.map(str::trim).filter(|title| !title.is_empty()) else {
        return STARTER.to_owned();
    };
    let quoted = format!("'{}'", title.replace('\'', "''").replace(['\n', '\r'], " "));
    STARTER.replacen(TITLE, &quoted, 1)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::judge::verdict::Verdict;
    use crate::run::{RunOptions, Silent};

    /// What is given to a beginner is right, and passes.
    #[test]
    fn the_starter_is_a_good_file_and_passes() {
        for title in [None, Some("It's mine: a #1 case")] {
            let text = starter(title);
            let known = crate::stage::catalogues();
            let scenario = crate::scenario::read(Path::new("new.yaml"), &text, &known)
                .unwrap_or_else(|problems| panic!("{problems:?}"));
            assert_eq!(scenario.title.value, title.unwrap_or(TITLE));
            let result = crate::run::run(&scenario, &RunOptions::default(), &Silent).unwrap();
            assert_eq!(result.verdict, Verdict::Pass, "{result:?}");
        }
    }
}
