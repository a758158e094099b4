//! Run: one loop, one owner of the truth.
//!
//! [`run`] stages a scenario, lets the engine make its initial cycle on the settled estate, plays the
//! story, heals the estate and judges it.

mod attempt;
mod clerk;
mod court;
mod decommission;
mod edits;
pub mod explain;
mod faults;
pub mod live;
mod memory;
pub mod options;
mod people;
pub mod process;
mod quiet;
mod repeat;
mod runner;
mod story;
mod transfer;
mod verdict;

use std::time::Duration;

use engine::planted_bugs::PlantedBugs;
use sim::clock::VirtualTime;
use sim::ledger::Event;
use sim::wire::shared::SharedEstate;

use court::Court;
pub use options::{Progress, RunOptions, Silent};
use process::{Engine, Store};
use runner::Runner;

use crate::bridge::transport::{Memory, Transport as Way};
use crate::bridge::wire::Loopback;
use crate::judge::Bench;
use crate::judge::verdict::{ScenarioResult, Transport};
use crate::observe::History;
use crate::observe::marks;
use crate::scenario::Scenario;
use crate::stage::{self, StageError, Staged};

/// Why there is no result: hybridsim's own failure, or a world that it cannot make.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The world.
    #[error("the world cannot be staged: {0}")]
    Stage(#[from] StageError),
    /// The engine could not reach the estate.
    #[error("no way from the engine to the estate: {0}")]
    Transport(String),
    /// Something that must not happen.
    #[error("{0}")]
    Internal(String),
    /// The planted bug does not exist in this build.
    #[error("{0}")]
    Plant(String),
}

/// Runs and judges a scenario.
///
/// # Errors
/// [`RunError`]: then nothing can be said of the engine.
pub fn run(
    scenario: &Scenario,
    options: &RunOptions,
    progress: &dyn Progress,
) -> Result<ScenarioResult, RunError> {
    let (mut runner, frame) = open(scenario, options, progress)?;
    play(&mut runner, scenario)?;
    Ok(verdict::of(runner, scenario, &frame))
}

/// Stages a scenario, up to the first instant of its story.
fn open<'a>(
    scenario: &'a Scenario,
    options: &RunOptions,
    progress: &'a dyn Progress,
) -> Result<(Runner<'a>, verdict::Frame), RunError> {
    let seed = options.seed.unwrap_or(scenario.world.seed);
    let bugs = planted(options.plant.as_deref())?;
    progress.at("population", 0, 0, scenario.world.start.as_microsecond());
    let Staged { estate, roster, writeback, late, notes: known } =
        stage::stage(scenario, seed, bugs)?;
    let start = estate.now();
    let profile = estate.profile.name.clone();
    let shared = SharedEstate::new(estate);
    let store = Store::default();
    let mut notes = known;
    if let Some(config) = writeback.as_ref().filter(|config| config.started) {
        progress.at("initial cycle", 0, 0, start.as_micros());
        let written = initial_cycle(&shared, &store, config.clone())?;
        if written > 0 {
            notes.push(format!(
                "the job's initial cycle, before the story, brought {written} object(s) in AD in line with the cloud"
            ));
        }
    }
    shared.with(|estate| {
        for (mailbox, changes) in late {
            estate.exchange.apply(mailbox, start, &changes);
        }
    });
    marks::begin(&shared);
    let way = way(options.transport, &shared, seed)?;
    let engine =
        Engine::start(shared.clone(), way, store, writeback).map_err(RunError::Transport)?;
    let suspended = scenario.suspend.iter().map(|s| s.oracle.value.clone()).collect();
    let bench = if options.unjudged { Bench::empty } else { Bench::new };
    let court = shared.with(|estate| Court::new(bench(estate, suspended), History::of(estate)));
    let mut runner = Runner::new(shared, engine, roster, court, seed, &scenario.source, progress);
    runner.notes = notes;
    if options.unjudged {
        runner.reasons.push("the oracles were left out: nothing was judged".to_owned());
    }
    Ok((runner, verdict::Frame { start, seed, profile, transport: options.transport }))
}

/// Plays the story, lets the estate come to rest and looks at what must hold at the end.
fn play(runner: &mut Runner<'_>, scenario: &Scenario) -> Result<(), RunError> {
    runner.tell(scenario);
    runner.come_to_rest();
    if let Some(expect) = &scenario.expect {
        runner.demand(expect);
    }
    match runner.broken.take() {
        Some(problem) => Err(RunError::Internal(problem)),
        None => Ok(()),
    }
}

/// The job's initial cycle on the settled estate, before the first instant of the story: it links and,
/// unless the population was planted so, finds nothing to write. It costs no virtual time and leaves no
/// trace. Answers how many objects it wrote.
fn initial_cycle(
    shared: &SharedEstate,
    store: &Store,
    mut config: engine::writeback::WritebackConfig,
) -> Result<usize, RunError> {
    config.bugs = PlantedBugs::none();
    shared.with(|estate| estate.charges = false);
    let way = Box::new(Memory::new(shared.clone()));
    let mut engine = Engine::start(shared.clone(), way, store.clone(), Some(config))
        .map_err(RunError::Transport)?;
    let mut written = 0;
    for _ in 0..INITIAL_STEPS {
        if engine.cycles().0 > 0 && engine.next_due() > Some(shared.with(|e| e.now())) {
            shared.with(|estate| {
                estate.settle_replication();
                estate.charges = true;
                estate.ledger.begin();
                estate.entra.log.clear();
            });
            return Ok(written);
        }
        if let process::EngineStep::Broken(problem) = engine.step() {
            return Err(RunError::Internal(problem));
        }
        let events = shared.with(|estate| estate.ledger.drain());
        written += events.iter().filter(|event| matches!(event, Event::Write(_))).count();
    }
    Err(RunError::Internal("the initial cycle of the writeback job did not end".to_owned()))
}

/// Steps that an initial cycle may take: far more than 600,000 mailboxes need.
const INITIAL_STEPS: u64 = 1_000_000;

fn way(transport: Transport, shared: &SharedEstate, seed: u64) -> Result<Box<dyn Way>, RunError> {
    match transport {
        Transport::Memory => Ok(Box::new(Memory::new(shared.clone()))),
        Transport::Wire => {
            let loopback = Loopback::start(shared.clone(), seed).map_err(RunError::Transport)?;
            Ok(Box::new(loopback))
        }
    }
}

#[cfg(feature = "planted-bugs")]
fn planted(name: Option<&str>) -> Result<PlantedBugs, RunError> {
    let Some(name) = name else { return Ok(PlantedBugs::none()) };
    let bug = name
        .parse()
        .map_err(|error: engine::planted_bugs::UnknownBug| RunError::Plant(error.to_string()))?;
    Ok(PlantedBugs::of(&[bug]))
}

#[cfg(not(feature = "planted-bugs"))]
fn planted(name: Option<&str>) -> Result<PlantedBugs, RunError> {
    match name {
        None => Ok(PlantedBugs::none()),
        Some(_) => Err(RunError::Plant(
            "this build has no planted bugs: build it with `--features planted-bugs`".to_owned(),
        )),
    }
}

/// Virtual time that passed.
fn passed(start: VirtualTime, end: VirtualTime) -> Duration {
    end.since(start)
}
