//! The command line: `run`, `hunt`, `check`, `explain`, `new`, `schema`, `serve`, `env`, `transfer`,
//! `writeback`. It finds files, starts the work, prints what `report` draws, and ends with an [`Exit`]
//! code.

mod check;
mod console;
mod court;
mod environment;
mod exit;
mod explain;
mod files;
mod fresh;
mod hunt;
mod lost;
mod new;
mod output;
mod panics;
mod run;
mod schema;
mod select;
mod serve;
mod transfer;
mod workers;
mod writeback;

use std::ffi::OsString;

use clap::{Parser, Subcommand, ValueEnum};

use console::Console;
pub use exit::Exit;

/// Rehearses a hybrid Exchange estate: runs scenario files against the real transfer and writeback
/// logic in a simulated world, and says whether the behaviour was right.
#[derive(Debug, Parser)]
#[command(name = "hybridsim", version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    color: Colour,
}

const EXIT_CODES: &str = "Exit codes: 0 pass, 1 fail, 2 unknown (also when nothing matched), \
3 bad scenario file, 4 internal error, 5 wrong usage.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios and judge them.
    Run(run::RunArguments),
    /// Draw worlds, stories and faults from seeds, run and judge them, and stop at the first failure.
    #[command(after_help = hunt::AFTER)]
    Hunt(hunt::HuntArguments),
    /// Read scenarios and say what is wrong with them, without running any.
    Check(check::CheckArguments),
    /// Tell how a value came about: who wrote it, when, and what led to it.
    Explain(explain::ExplainArguments),
    /// Write a commented scenario to start from.
    New(new::NewArguments),
    /// Write the JSON Schema of scenario files, for editors.
    Schema(schema::SchemaArguments),
    /// Keep an estate running for people and programs, until interrupted.
    #[command(long_about = serve::ABOUT, after_long_help = serve::AFTER)]
    Serve(serve::ServeArguments),
    /// Print the environment variables that lead unmodified clients to a running `serve`.
    #[command(name = "env", after_help = environment::AFTER)]
    Environment(environment::EnvironmentArguments),
    /// Transfer the source of authority, against real endpoints or a served estate.
    #[command(long_about = transfer::ABOUT)]
    Transfer(transfer::TransferArguments),
    /// Run the writeback job, against real endpoints or a served estate.
    #[command(long_about = writeback::ABOUT, after_long_help = writeback::AFTER)]
    Writeback(writeback::WritebackArguments),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Colour {
    /// When the output is a terminal and NO_COLOR is not set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Does what `arguments` ask for; the first of them is the program's own name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let program =
        arguments.first().map_or_else(|| "hybridsim".into(), |name| name.to_string_lossy());
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no error; a closed output is none either.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Pass };
        }
    };
    let console = Console::new(cli.color);
    let done = panics::catching(|| match cli.command {
        Command::Run(arguments) => run::run(&arguments, &program, &console),
        Command::Hunt(arguments) => hunt::hunt(&arguments, &program, &console),
        Command::Check(arguments) => check::check(&arguments, &console),
        Command::Explain(arguments) => explain::explain(&arguments, &console),
        Command::New(arguments) => new::new(&arguments, &console),
        Command::Schema(arguments) => schema::schema(&arguments, &console),
        Command::Serve(arguments) => serve::serve(arguments, &console),
        Command::Environment(arguments) => environment::environment(&arguments, &console),
        Command::Transfer(arguments) => transfer::transfer(arguments, &console),
        Command::Writeback(arguments) => writeback::writeback(&arguments, &console),
    });
    let exit = done.unwrap_or_else(|panic| {
        console.error(&format!("internal error: {panic}"), "this is a bug; please report it");
        Exit::Internal
    });
    exit.worse(console.finish())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
