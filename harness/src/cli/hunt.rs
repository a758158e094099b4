//! `hybridsim hunt`: draws a scenario from each seed, runs and judges it.

#![expect(
    clippy::disallowed_methods,
    reason = "real durations are measured around the runs, which know only virtual time"
)]

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::Args;

use super::console::Console;
use super::lost::Lost;
use super::run::{TransportName, jobs};
use super::{Exit, court, output, panics, workers};
use crate::hunt::Draw;
use crate::judge::verdict::{DOCUMENT_VERSION, Document, ScenarioResult, Verdict};
use crate::report::progress::Bars;
use crate::report::terminal::hunt::{Hunted, is_failure, summary};
use crate::report::terminal::{Again, Terminal};
use crate::report::{Outcome, json, not_among};
use crate::run::{RunOptions, Silent};
use crate::scenario::Catalogues;
use crate::serve::interrupt::Interrupt;

/// What `hunt --help` ends with.
pub(super) const AFTER: &str = "\
The same seed draws the same scenario everywhere. To see one again, and to keep it:
  hybridsim hunt --from 4711 --seeds 1 --write found.yaml
  hybridsim run found.yaml";

/// The arguments of `hunt`.
#[derive(Debug, Args)]
pub(super) struct HuntArguments {
    /// How many seeds.
    #[arg(long, value_name = "N", default_value = "1000")]
    seeds: NonZeroUsize,

    /// The first seed.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    from: u64,

    /// How many seeds run at the same time [default: one for each processor].
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Go on after a failure.
    #[arg(long)]
    keep_going: bool,

    /// Write the first scenario that failed to FILE; with one seed, its scenario in any case.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,

    /// How the engine reaches the estate: by function calls, or over HTTPS and LDAP on loopback.
    #[arg(long, value_enum, default_value_t = TransportName::Memory)]
    transport: TransportName,

    /// Write a JSON document to FILE: counts of all seeds, and every one that did not pass.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Give the engine a deliberate mistake.
    #[cfg(feature = "planted-bugs")]
    #[arg(long, hide = true, value_name = "BUG", value_parser = super::run::planted_bug)]
    plant: Option<String>,
}

impl HuntArguments {
    #[cfg(feature = "planted-bugs")]
    fn plant(&self) -> Option<&str> {
        self.plant.as_deref()
    }

    #[cfg(not(feature = "planted-bugs"))]
    #[expect(clippy::unused_self, reason = "the same call with and without the feature")]
    const fn plant(&self) -> Option<&str> {
        None
    }

    fn options(&self) -> RunOptions {
        RunOptions {
            seed: None,
            transport: self.transport.into(),
            plant: self.plant().map(str::to_owned),
            unjudged: false,
        }
    }

    /// What is wrong with the arguments together.
    fn problem(&self) -> Option<String> {
        for file in self.write.iter().chain(&self.json) {
            if let Err(error) = output::probe(file) {
                return Some(format!("cannot write `{}`: {error}", file.display()));
            }
        }
        if self.write.is_some() && self.write == self.json {
            return Some("--write and --json name the same file".to_owned());
        }
        let last = self.from.checked_add(self.seeds.get() as u64 - 1);
        last.is_none().then(|| format!("the last seed would be greater than {}", u64::MAX))
    }
}

/// Hunts as `arguments` say; `program` is how this program was called.
pub(super) fn hunt(arguments: &HuntArguments, program: &str, console: &Console) -> Exit {
    if let Some(problem) = arguments.problem() {
        console.error(&problem, "nothing was run; see `hunt --help`");
        return Exit::Usage;
    }
    let began = Instant::now();
    let stop = Stop::on_interrupt();
    let hunted = Hunt { arguments, console, stop }.all();
    let wall = began.elapsed();
    let again = Again { program, plant: arguments.plant() };
    console.out(&summary(&hunted, wall, &again, console.paint()));
    let exit = hunted
        .found
        .iter()
        .fold(Exit::Pass, |exit, outcome| exit.worse(Exit::of(std::slice::from_ref(outcome))));
    // What was not run is not known.
    let exit = if hunted.interrupted { exit.worse(Exit::Unknown) } else { exit };
    exit.worse(write_files(&hunted, arguments, console))
}

/// Why no further seed is begun.
#[derive(Clone, Default)]
struct Stop {
    /// Somebody interrupted the call.
    interrupted: Arc<AtomicBool>,
    /// A seed failed, and nobody wants more.
    failed: Arc<AtomicBool>,
}

impl Stop {
    /// One that the first interrupt sets; the second ends the process at once.
    fn on_interrupt() -> Self {
        let stop = Self::default();
        let interrupted = Arc::clone(&stop.interrupted);
        // Where no signal can be caught, an interrupt ends the process as it does everywhere.
        let _ = std::thread::Builder::new().name("interrupts".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let twice: std::io::Result<()> = runtime.block_on(async {
                let mut interrupt = Interrupt::catch()?;
                interrupt.wait().await;
                interrupted.store(true, Ordering::Relaxed);
                interrupt.wait().await;
                Ok(())
            });
            if twice.is_ok() {
                std::process::exit(i32::from(Exit::Unknown.code()));
            }
            twice
        });
        stop
    }

    fn is_set(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed)
    }
}

struct Hunt<'a> {
    arguments: &'a HuntArguments,
    console: &'a Console,
    stop: Stop,
}

impl Hunt<'_> {
    /// Runs seed after seed; what comes out is the same with any number of workers.
    fn all(&self) -> Hunted {
        let arguments = self.arguments;
        let catalogues = crate::stage::catalogues();
        let options = arguments.options();
        let seeds: Vec<usize> = (0..arguments.seeds.get()).collect();
        let bars = Bars::new(seeds.len(), std::io::stderr().is_terminal());
        let terminal = Terminal::new(self.console.paint(), false, std::iter::empty());
        let mut hunted = Hunted {
            from: arguments.from,
            asked: arguments.seeds.get() as u64,
            ..Hunted::default()
        };
        workers::in_order(
            &seeds,
            jobs(arguments.jobs),
            |index| {
                if self.stop.is_set() {
                    return None;
                }
                let outcome = play(arguments.from + index as u64, &catalogues, &options);
                bars.scenario_done();
                Some(outcome)
            },
            |_, outcome| {
                let over = self.stop.failed.load(Ordering::Relaxed);
                let Some(outcome) = outcome.filter(|_| !over) else { return };
                self.note(outcome, &mut hunted, &bars, &terminal);
            },
        );
        bars.finish();
        hunted.interrupted =
            self.stop.interrupted.load(Ordering::Relaxed) && hunted.seeds() < hunted.asked;
        hunted
    }

    /// Counts a seed, and prints it when it failed.
    fn note(&self, outcome: Outcome, hunted: &mut Hunted, bars: &Bars, terminal: &Terminal) {
        let summary = &mut hunted.summary;
        match outcome.result.verdict {
            Verdict::Pass => summary.pass += 1,
            Verdict::Fail => summary.fail += 1,
            Verdict::Unknown => summary.unknown += 1,
        }
        for mark in &outcome.result.marks {
            if !hunted.marks.contains(mark) {
                hunted.marks.insert(mark.clone());
            }
        }
        if outcome.passed() {
            return;
        }
        if is_failure(&outcome) {
            let text = terminal.scenario(&outcome, &Draw::of(outcome.result.seed).text);
            bars.aside(|| self.console.out(&text));
            if !self.arguments.keep_going {
                self.stop.failed.store(true, Ordering::Relaxed);
            }
        }
        hunted.found.push(outcome);
    }
}

/// Draws, runs and judges one seed; whatever happens comes back as an outcome.
fn play(seed: u64, catalogues: &Catalogues, options: &RunOptions) -> Outcome {
    let began = Instant::now();
    let path = PathBuf::from(format!("seed-{seed}.yaml"));
    let done = panics::catching(|| {
        let draw = Draw::of(seed);
        let scenario = draw.scenario(&path, catalogues).map_err(|problems| {
            let words: Vec<String> = problems.iter().map(|p| p.message.clone()).collect();
            format!("the drawn scenario is wrong: {}", words.join("; "))
        })?;
        court::run(&scenario, options, &Silent)
    });
    let wall_seconds = began.elapsed().as_secs_f64();
    match done.flatten() {
        Ok(result) => Outcome::judged(ScenarioResult { wall_seconds, ..result }),
        Err(error) => {
            let lost = Lost {
                file: path.display().to_string(),
                id: None,
                scenario: format!("Seed {seed} of the swarm"),
                seed,
                profile: String::new(),
                start: String::new(),
            };
            lost.outcome(options.transport, wall_seconds, &error)
        }
    }
}

/// Writes the files that `arguments` ask for.
fn write_files(hunted: &Hunted, arguments: &HuntArguments, console: &Console) -> Exit {
    let mut exit = Exit::Pass;
    let mut said = |path: &Path, written: std::io::Result<()>| {
        if let Err(error) = written {
            console.error(
                &format!("`{}` could not be written: {error}", path.display()),
                "the hunt itself is done; make room or name another file, and hunt again",
            );
            exit = Exit::Internal;
        }
    };
    if let Some(path) = &arguments.json {
        let document = Document {
            version: DOCUMENT_VERSION,
            summary: hunted.summary,
            unreached_marks: not_among(&hunted.marks).into_iter().map(|mark| mark.name).collect(),
            scenarios: hunted.found.iter().map(|outcome| outcome.result.clone()).collect(),
        };
        said(path, output::write(path, |writer| json::write_document(&document, writer)));
    }
    if let Some(path) = &arguments.write {
        let failed = hunted.found.iter().find(|outcome| is_failure(outcome));
        let only = (arguments.seeds.get() == 1).then_some(arguments.from);
        match failed.map(|outcome| outcome.result.seed).or(only) {
            Some(seed) => {
                let text = Draw::of(seed).text;
                said(path, output::write(path, |writer| writer.write_all(text.as_bytes())));
                console.err(&format!("seed {seed} is in `{}`\n", path.display()));
            }
            None => console.err("no seed failed: nothing was written\n"),
        }
    }
    exit
}
