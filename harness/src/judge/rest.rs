//! What keeps a job from its work although nothing is broken: that somebody wants it so, or that the world
//! has not what it takes.
//!
//! A job rests when somebody paused it, and by itself in two documented cases: an initial cycle that
//! reached a threshold of the quarantine pauses the job, and four weeks in quarantine disable it
//! (Microsoft Learn, "Application provisioning in quarantine status"; Microsoft Graph reference,
//! synchronizationStatus `escrowsPruned`). A job that rests without either is one that stopped working.
//! Without an agent of a version that knows the feature every cycle fails, and says so (Microsoft Learn,
//! "Exchange hybrid writeback with cloud sync", prerequisites; "Cloud sync error codes").

use sim::entra::job::{StatusCode, WritebackJob};
use sim::estate::Estate;

/// The oldest version of an agent that can write Exchange attributes back.
const OLDEST: [u64; 3] = [1, 1, 1107];

/// Whether the job is paused, and had a reason to be.
#[must_use]
pub fn is_paused(job: &WritebackJob) -> bool {
    job.status() == StatusCode::Paused && (job.asked_to_pause || is_in_quarantine(job))
}

/// Whether the job is quarantined: it looks at changes once a day, or never again.
fn is_in_quarantine(job: &WritebackJob) -> bool {
    job.report.as_ref().is_some_and(|report| report.quarantine.is_some())
}

/// Why no cycle of an estate can end well, however long one waits; `None` where one can.
#[must_use]
pub fn no_way(estate: &Estate) -> Option<&'static str> {
    if estate.agents.is_empty() {
        return Some("no provisioning agent is registered");
    }
    let is_old = |version: &str| {
        let parts: Vec<u64> = version.split('.').map_while(|part| part.parse().ok()).collect();
        !parts.is_empty() && parts.as_slice() < OLDEST.as_slice()
    };
    estate
        .agents
        .iter()
        .all(|agent| is_old(&agent.version))
        .then_some("every provisioning agent is older than 1.1.1107.0")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use engine::planted_bugs::PlantedBugs;

    use super::*;
    use crate::scenario;
    use crate::stage::{catalogues, stage};

    fn no_way_with(agents: &str) -> bool {
        let text =
            format!("scenario: Agents\nworld: {{agents: {agents}}}\nstory: [{{wait: 0s}}]\n");
        let scenario = scenario::read(Path::new("t.yaml"), &text, &catalogues()).unwrap();
        no_way(&stage(&scenario, 1, PlantedBugs::none()).unwrap().estate).is_some()
    }

    #[test]
    fn a_world_without_an_agent_that_works_is_no_fault_of_the_job() {
        assert!(no_way_with("[]"));
        assert!(no_way_with("[{name: a, version: 1.1.900.0}]"));
        assert!(!no_way_with("[{name: a, version: 1.1.900.0}, {name: b, version: 1.1.1107.0}]"));
        assert!(!no_way_with("[{name: a, version: 1.1.2505.0}]"));
    }
}
