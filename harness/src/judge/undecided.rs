//! What of an expectation cannot be decided, because what it speaks of was never there to be measured:
//! a lag without a change that reached AD, the last cycle of a job of which none has ended. Neither true
//! nor false, it makes a verdict unknown.

use super::convergence;
use super::expectation::Scene;
use super::verdict::Finding;
use crate::scenario::{Expectations, NamedExpectation, run_of};

/// What of expectations does not hold now, and what of them cannot be decided.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// What does not hold.
    pub failures: Vec<Finding>,
    /// What cannot be decided, and why.
    pub undecided: Vec<String>,
}

impl Seen {
    /// Whether everything holds.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.failures.is_empty() && self.undecided.is_empty()
    }
}

impl Scene<'_> {
    /// Looks at everything in `expectations`.
    #[must_use]
    pub fn look(&self, expectations: &Expectations) -> Seen {
        Seen { failures: self.failures(expectations), undecided: self.undecided(expectations) }
    }

    /// What of `expectations` cannot be decided, and why.
    #[must_use]
    pub fn undecided(&self, expectations: &Expectations) -> Vec<String> {
        let why = (!expectations.lag.is_empty()).then(|| self.why_no_lag()).flatten();
        let lags = expectations.lag.iter().filter_map(|demand| {
            let why = why.as_ref()?;
            Some(format!("lag {} cannot be decided: {why}", demand.name.value))
        });
        let cycles = expectations.job.iter().filter(|demand| self.lacks_its_cycle(demand));
        let cycles = cycles.map(|demand| {
            let name = &demand.name.value;
            format!("job {name} cannot be decided: it is of the last cycle, and no cycle has ended")
        });
        let runs = expectations.connect.iter().filter(|demand| self.lacks_its_run(demand));
        let runs = runs.map(|demand| {
            let name = &demand.name.value;
            format!("connect {name} cannot be decided: no such run of synchronization has ended")
        });
        lags.chain(cycles).chain(runs).collect()
    }

    /// Why nobody can say how long changes take, if so. Whatever has not arrived took longer than is known.
    fn why_no_lag(&self) -> Option<String> {
        if !self.has_lag() {
            return Some("no cloud edit reached AD, so nothing was measured".to_owned());
        }
        let behind = convergence::first_behind(self.estate, self.counters.waiting())?;
        Some(format!("an edit of {} has not reached AD", behind.name))
    }

    /// Whether a change was timed on its way to AD.
    pub(super) fn has_lag(&self) -> bool {
        !self.counters.lag().is_empty()
    }

    /// Whether a demand is about a run of inbound synchronization that there has not been.
    pub(super) fn lacks_its_run(&self, demand: &NamedExpectation) -> bool {
        let ended = self.estate.connect.history.len();
        run_of(&demand.name.value).is_some_and(|(before, _)| ended <= before)
    }

    /// Whether a demand is about the last cycle of the job, and there is none.
    pub(super) fn lacks_its_cycle(&self, demand: &NamedExpectation) -> bool {
        let of_the_job = ["status", "escrowed", "linked", "cycles"];
        !of_the_job.contains(&demand.name.value.as_str()) && self.last_cycle().is_none()
    }
}
