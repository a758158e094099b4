//! `hybridsim run`: reads all scenarios, then runs and judges those that were chosen.

#![expect(
    clippy::disallowed_methods,
    reason = "real durations are measured around the run, which knows only virtual time"
)]

use std::borrow::Cow;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use super::console::Console;
use super::lost::Lost;
use super::select::{self, Choice, TierName};
use super::{Exit, court, output, panics, workers};
use crate::judge::verdict::{ScenarioResult, Transport};
use crate::report::progress::Bars;
use crate::report::terminal::{Again, Terminal, marks, summary};
use crate::report::{Outcome, json, junit, unreached};
use crate::run::RunOptions;
use crate::scenario::{Population, Scenario};

/// The arguments of `run`.
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// Scenario files, or folders with scenario files in them.
    #[arg(default_value = "scenarios")]
    paths: Vec<PathBuf>,

    /// Take this seed instead of the one in each file.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// Run only scenarios whose id, title or path contains TEXT.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    /// How many scenarios run at the same time [default: one for each processor].
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// How the engine reaches the estate: by function calls, or over HTTPS and LDAP on loopback.
    #[arg(long, value_enum, default_value_t = TransportName::Memory)]
    transport: TransportName,

    /// Tiers that run out of folders; a file named itself always runs.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "main", value_name = "TIERS")]
    tier: Vec<TierName>,

    /// Write a JSON document about the run to FILE.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Write a JUnit report about the run to FILE.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Give the engine a deliberate mistake.
    #[cfg(feature = "planted-bugs")]
    #[arg(long, hide = true, value_name = "BUG", value_parser = planted_bug)]
    plant: Option<String>,

    /// Leave the oracles out, to measure what they cost: the verdict is at best unknown.
    #[arg(long, hide = true)]
    unjudged: bool,

    /// Fail when a decision of engine or estate (a mark) was reached by no scenario of this run.
    #[arg(long)]
    require_marks: bool,

    /// Print only what did not pass, and the summary; no progress bar.
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,

    /// Print the notes of scenarios that passed too: drift, documented losses, warnings.
    #[arg(long, short)]
    verbose: bool,
}

/// How the engine reaches the estate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TransportName {
    /// Function calls.
    Memory,
    /// HTTPS and LDAP on loopback.
    Wire,
}

impl From<TransportName> for Transport {
    fn from(name: TransportName) -> Self {
        match name {
            TransportName::Memory => Self::Memory,
            TransportName::Wire => Self::Wire,
        }
    }
}

impl RunArguments {
    fn options(&self) -> RunOptions {
        RunOptions {
            seed: self.seed,
            transport: self.transport.into(),
            plant: self.plant().map(str::to_owned),
            unjudged: self.unjudged,
        }
    }

    #[cfg(feature = "planted-bugs")]
    fn plant(&self) -> Option<&str> {
        self.plant.as_deref()
    }

    #[cfg(not(feature = "planted-bugs"))]
    #[expect(clippy::unused_self, reason = "the same call with and without the feature")]
    const fn plant(&self) -> Option<&str> {
        None
    }

    fn jobs(&self) -> NonZeroUsize {
        jobs(self.jobs)
    }

    /// Whether the summary says which marks were never reached: of a library, and when it matters.
    fn lists_marks(&self) -> bool {
        let folder = self.filter.is_none() && self.paths.iter().any(|path| path.is_dir());
        self.require_marks || (folder && !self.quiet)
    }

    /// The report files that the call asks for.
    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.json.iter().chain(&self.junit)
    }
}

/// How many threads work: as many as were asked for, or one for each processor.
pub(super) fn jobs(asked: Option<NonZeroUsize>) -> NonZeroUsize {
    asked.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

#[cfg(feature = "planted-bugs")]
pub(super) fn planted_bug(name: &str) -> Result<String, engine::planted_bugs::UnknownBug> {
    name.parse::<engine::planted_bugs::PlantedBug>().map(|bug| bug.name().to_owned())
}

/// Runs what `arguments` ask for; `program` is how this program was called.
pub(super) fn run(arguments: &RunArguments, program: &str, console: &Console) -> Exit {
    for file in arguments.files() {
        if let Err(error) = output::probe(file) {
            console.error(
                &format!("cannot write `{}`: {error}", file.display()),
                "nothing was run; name a file in a folder that exists and can be written to",
            );
            return Exit::Usage;
        }
    }
    if arguments.json.is_some() && arguments.json == arguments.junit {
        console.error("--json and --junit name the same file", "nothing was run; name two files");
        return Exit::Usage;
    }
    let candidates = match select::read_all(&arguments.paths, console) {
        Ok(candidates) => candidates,
        Err(exit) => return exit,
    };
    let same = |a: &std::path::Path, b: &std::path::Path| {
        a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
    };
    for file in arguments.files() {
        if candidates.iter().any(|candidate| same(file, &candidate.scenario.path)) {
            console.error(
                &format!("the report `{}` would replace a scenario", file.display()),
                "nothing was run; name another file",
            );
            return Exit::Usage;
        }
    }
    let choice = Choice { tiers: &arguments.tier, filter: arguments.filter.as_deref() };
    let chosen: Vec<&Scenario> = candidates
        .iter()
        .filter(|candidate| choice.takes(candidate))
        .map(|candidate| &candidate.scenario)
        .collect();
    if chosen.is_empty() {
        console.error(&choice.why_none(&candidates), "name other files, or loosen the filter");
    }
    let began = Instant::now();
    let outcomes = judge_all(&chosen, arguments, console);
    let wall = began.elapsed();
    if !outcomes.is_empty() {
        let again = Again { program, plant: arguments.plant() };
        console.out(&summary(&outcomes, wall, &again, console.paint()));
    }
    if arguments.lists_marks() && !outcomes.is_empty() {
        console.out(&marks(&outcomes, arguments.require_marks, console.paint()));
    }
    let missed = arguments.require_marks && !unreached(&outcomes).is_empty();
    let marked = if missed { Exit::Fail } else { Exit::Pass };
    Exit::of(&outcomes).worse(marked).worse(write_files(&outcomes, wall, arguments, console))
}

/// Runs `chosen` and prints each as it is done; the outcomes in the order of `chosen`.
fn judge_all(chosen: &[&Scenario], arguments: &RunArguments, console: &Console) -> Vec<Outcome> {
    let options = arguments.options();
    let bars = Bars::new(chosen.len(), !arguments.quiet && std::io::stderr().is_terminal());
    let ids = chosen.iter().map(|scenario| scenario.id.as_ref().map(|id| id.value.as_str()));
    let terminal = Terminal::new(console.paint(), arguments.verbose, ids);
    let mut outcomes = Vec::with_capacity(chosen.len());
    workers::in_order(
        &largest_first(chosen),
        arguments.jobs(),
        |index| {
            let outcome = judge(chosen[index], &options, &bars);
            bars.scenario_done();
            outcome
        },
        |index, outcome| {
            if !(arguments.quiet && outcome.passed()) {
                let text = terminal.scenario(&outcome, &chosen[index].source);
                bars.aside(|| console.out(&text));
            }
            outcomes.push(outcome);
        },
    );
    bars.finish();
    outcomes
}

/// The order in which scenarios start: one that takes longer than all others together should not be
/// the last to begin. Equal ones keep their order.
fn largest_first(chosen: &[&Scenario]) -> Vec<usize> {
    let mailboxes = |scenario: &Scenario| -> u64 {
        let part = |part: &Population| match part {
            Population::Shape { mailboxes, .. } => u64::from(*mailboxes),
            Population::User(_) => 1,
            Population::Ldif { people, .. } => people.len() as u64,
        };
        scenario.world.population.iter().map(part).sum()
    };
    let mut order: Vec<usize> = (0..chosen.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(mailboxes(chosen[*index])));
    order
}

/// Runs one scenario; whatever happens comes back as an outcome.
fn judge(scenario: &Scenario, options: &RunOptions, bars: &Bars) -> Outcome {
    let name = short_name(scenario);
    let bar = bars.scenario(&name);
    let began = Instant::now();
    let done = panics::catching(|| court::run(scenario, options, &bar));
    let wall_seconds = began.elapsed().as_secs_f64();
    match done.flatten() {
        Ok(result) => Outcome::judged(ScenarioResult { wall_seconds, ..result }),
        Err(error) => broken(scenario, options, wall_seconds, &error),
    }
}

/// The id, or the file's name without its folder and ending.
fn short_name(scenario: &Scenario) -> Cow<'_, str> {
    match &scenario.id {
        Some(id) => id.value.as_str().into(),
        None => scenario.path.file_stem().unwrap_or_default().to_string_lossy(),
    }
}

/// The outcome of a scenario during which hybridsim itself broke.
fn broken(scenario: &Scenario, options: &RunOptions, wall_seconds: f64, error: &str) -> Outcome {
    let lost = Lost {
        file: scenario.path.display().to_string(),
        id: scenario.id.as_ref().map(|id| id.value.clone()),
        scenario: scenario.title.value.clone(),
        seed: options.seed.unwrap_or(scenario.world.seed),
        profile: scenario.world.profile.value.clone(),
        start: scenario.world.start.to_string(),
    };
    lost.outcome(options.transport, wall_seconds, error)
}

/// Writes the report files that `arguments` ask for.
fn write_files(
    outcomes: &[Outcome],
    wall: Duration,
    arguments: &RunArguments,
    console: &Console,
) -> Exit {
    let mut exit = Exit::Pass;
    let mut said = |path: &PathBuf, written: std::io::Result<()>| {
        if let Err(error) = written {
            console.error(
                &format!("the report `{}` could not be written: {error}", path.display()),
                "the run itself is done; make room or name another file, and run again",
            );
            exit = Exit::Internal;
        }
    };
    if let Some(path) = &arguments.json {
        said(path, output::write(path, |writer| json::write(outcomes, writer)));
    }
    if let Some(path) = &arguments.junit {
        said(path, output::write(path, |writer| junit::write(outcomes, wall, writer)));
    }
    exit
}
