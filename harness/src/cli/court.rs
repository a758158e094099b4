//! The one place where the command line calls what it is the command line of: reading and running.

use std::fs;
use std::path::Path;

use engine::planted_bugs::PlantedBugs;

use crate::judge::verdict::ScenarioResult;
use crate::run::explain::{ExplainError, Explanation, Question};
use crate::run::{Progress, RunOptions, Silent};
use crate::scenario::{self, Catalogues, Diagnostic, Population, Scenario};
use crate::stage::StageError;

/// What scenario files are checked against.
pub(super) struct Court {
    catalogues: Catalogues,
}

/// Why a file is no scenario.
pub(super) enum Refusal {
    /// Its text cannot be had.
    Unreadable(std::io::Error),
    /// Its text is wrong.
    Wrong {
        /// The text.
        source: String,
        /// Everything that is wrong.
        problems: Vec<Diagnostic>,
    },
}

impl Court {
    /// Knows everything that a scenario can name.
    pub(super) fn new() -> Self {
        Self { catalogues: crate::stage::catalogues() }
    }

    /// Reads and checks the file at `path`.
    pub(super) fn read(&self, path: &Path) -> Result<Scenario, Refusal> {
        let source = fs::read_to_string(path).map_err(Refusal::Unreadable)?;
        let read = scenario::read(path, &source, &self.catalogues)
            .and_then(|scenario| is_stageable(&scenario).map(|()| scenario));
        read.map_err(|problems| Refusal::Wrong { source, problems })
    }
}

/// A world out of exports is staged once to find what is wrong with them: only AD's schema tells which
/// values an attribute holds. Other worlds are known to fit.
fn is_stageable(scenario: &Scenario) -> Result<(), Vec<Diagnostic>> {
    let is_exported = |part: &Population| matches!(part, Population::Ldif { .. });
    if !scenario.world.population.iter().any(is_exported) {
        return Ok(());
    }
    match crate::stage::stage(scenario, scenario.world.seed, PlantedBugs::none()) {
        Ok(_) => Ok(()),
        Err(error) => {
            let span = match &error {
                StageError::Export(_, span) => *span,
                _ => scenario.title.span,
            };
            Err(vec![Diagnostic::error("bad-export", span, error.to_string())])
        }
    }
}

/// Plays `scenario` and tells how a value came about.
pub(super) fn explain(
    scenario: &Scenario,
    options: &RunOptions,
    question: &Question,
) -> Result<Explanation, ExplainError> {
    crate::run::explain::explain(scenario, options, question, &Silent)
}

/// Runs and judges `scenario`. An error is hybridsim's own, in words.
pub(super) fn run(
    scenario: &Scenario,
    options: &RunOptions,
    progress: &dyn Progress,
) -> Result<ScenarioResult, String> {
    crate::run::run(scenario, options, progress).map_err(|error| error.to_string())
}
