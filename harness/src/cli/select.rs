//! Reading all files of a call, and choosing those that run.

use std::path::PathBuf;

use clap::ValueEnum;

use super::Exit;
use super::console::Console;
use super::court::{Court, Refusal};
use super::files::{self, Named};
use crate::scenario::{Scenario, Tier};

/// When a scenario runs, as `--tier` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TierName {
    /// Always.
    Main,
    /// Large estates.
    Scale,
    /// Long runs.
    Soak,
}

impl TierName {
    const fn tier(self) -> Tier {
        match self {
            Self::Main => Tier::Main,
            Self::Scale => Tier::Scale,
            Self::Soak => Tier::Soak,
        }
    }
}

/// A scenario that was read, and whether its file was named itself.
pub(super) struct Candidate {
    /// The scenario.
    pub(super) scenario: Scenario,
    /// Whether its file was named, and not only a folder.
    pub(super) itself: bool,
}

/// Reads every file that `paths` mean, and prints what is wrong with any.
///
/// # Errors
/// [`Exit::Usage`] for a path that does not exist, [`Exit::BadScenario`] for a file that is wrong.
pub(super) fn read_all(paths: &[PathBuf], console: &Console) -> Result<Vec<Candidate>, Exit> {
    let named = files::find(paths).map_err(|error| {
        console.error(
            &error.to_string(),
            "name scenario files or folders; without any, `scenarios` in the current folder is taken",
        );
        Exit::Usage
    })?;
    let court = Court::new();
    let count = named.len();
    let mut candidates = Vec::with_capacity(count);
    for Named { path, itself } in named {
        match court.read(&path) {
            Ok(scenario) => candidates.push(Candidate { scenario, itself }),
            Err(refusal) => console.err(&explain(&path, &refusal, console)),
        }
    }
    let bad = count - candidates.len();
    if bad > 0 {
        console.error(
            &format!("{bad} of {count} scenario files cannot run"),
            "nothing was run; mend what is shown above first",
        );
        return Err(Exit::BadScenario);
    }
    Ok(candidates)
}

fn explain(path: &std::path::Path, refusal: &Refusal, console: &Console) -> String {
    let paint = console.error_paint();
    match refusal {
        Refusal::Unreadable(error) => {
            let word = paint.alarm("error[unreadable]:");
            format!("{word} cannot read `{}` as text: {error}\n\n", path.display())
        }
        Refusal::Wrong { source, problems } => problems
            .iter()
            .map(|problem| format!("{}\n\n", problem.render(path, source, paint.colour())))
            .collect(),
    }
}

/// What a call wants of the scenarios that it found.
pub(super) struct Choice<'a> {
    /// Tiers of which the scenarios in folders run.
    pub(super) tiers: &'a [TierName],
    /// Id, title or path contains this, in any case.
    pub(super) filter: Option<&'a str>,
}

impl Choice<'_> {
    /// Whether `candidate` runs.
    pub(super) fn takes(&self, candidate: &Candidate) -> bool {
        self.tier_fits(candidate) && self.filter_fits(&candidate.scenario)
    }

    /// Why none of `candidates` runs, in a sentence.
    pub(super) fn why_none(&self, candidates: &[Candidate]) -> String {
        if candidates.is_empty() {
            return "there is no scenario file (*.yaml, *.yml) in the folders given".to_owned();
        }
        let count = candidates.len();
        let outside = candidates.iter().filter(|candidate| !self.tier_fits(candidate)).count();
        let mut text = format!("none of the {count} scenarios that were read matches");
        if let Some(filter) = self.filter {
            text.push_str(&format!(" `{filter}` in its id, title or path"));
        }
        if outside > 0 {
            text.push_str(&format!("; {outside} of them are in other tiers (see --tier)"));
        }
        text
    }

    fn tier_fits(&self, candidate: &Candidate) -> bool {
        candidate.itself || self.tiers.iter().any(|tier| tier.tier() == candidate.scenario.tier)
    }

    fn filter_fits(&self, scenario: &Scenario) -> bool {
        let Some(filter) = self.filter else { return true };
        let filter = filter.to_lowercase();
        let contains = |text: &str| text.to_lowercase().contains(&filter);
        contains(&scenario.title.value)
            || scenario.id.as_ref().is_some_and(|id| contains(&id.value))
            || contains(&scenario.path.to_string_lossy())
    }
}
