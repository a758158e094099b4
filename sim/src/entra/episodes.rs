//! What the writeback job went through, for whoever asks how it came to be as it is: what it was told, how
//! its cycles ended, how its status changed.
//!
//! The service itself keeps no such list; it follows from the requests and reports that reach the record.

use std::collections::VecDeque;

use super::job::{Execution, JobReport, JobRequest, StatusCode};
use crate::clock::VirtualTime;

/// Episodes that are kept. Cycles that end alike are one, so that they reach back far.
const KEPT: usize = 64;

/// Something in the life of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Episode {
    /// Somebody asked something of it. The list has it once it was taken up.
    Asked(JobRequest),
    /// Whoever runs it took up what somebody had asked.
    Told(JobRequest),
    /// Cycles ended, one after the other and all alike.
    Cycles {
        /// How many.
        times: u64,
        /// The last one.
        last: Execution,
    },
    /// Its status changed.
    Became(StatusCode, Option<&'static str>),
    /// It was deleted.
    Deleted,
    /// After that it was made anew, or another one took its place.
    Made,
}

/// The episodes, oldest first, each with when it happened; of several cycles, when the first ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Episodes(VecDeque<(VirtualTime, Episode)>);

impl Episodes {
    /// All that are kept, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &(VirtualTime, Episode)> {
        self.0.iter()
    }

    /// Notes that a request was taken up. That is known with the next call, when what follows from it was
    /// reported already.
    pub(super) fn told(&mut self, at: VirtualTime, request: JobRequest) {
        let follows = |episode: &Episode| match episode {
            Episode::Became(StatusCode::Paused, _) => request == JobRequest::Pause,
            Episode::Became(..) => {
                matches!(request, JobRequest::Start | JobRequest::Restart(_))
            }
            _ => false,
        };
        let effect = self.0.pop_back_if(|(since, episode)| *since == at && follows(episode));
        self.push(at, Episode::Told(request));
        self.0.extend(effect);
    }

    /// Notes that it was deleted, or made anew.
    pub(super) fn came(&mut self, at: VirtualTime, episode: Episode) {
        self.push(at, episode);
    }

    /// Notes what is new in a report.
    pub(super) fn heard(&mut self, at: VirtualTime, known: Option<&JobReport>, new: &JobReport) {
        let before = known.and_then(|report| report.last_execution.as_ref());
        let ended = new.last_execution.as_ref();
        if let Some(cycle) = ended.filter(|cycle| before.map(|b| b.cycle) != Some(cycle.cycle)) {
            self.ended(at, cycle);
        }
        let status = known.map_or(StatusCode::NotRun, |report| report.status);
        if status != new.status {
            let reason = new.quarantine.map(|quarantine| quarantine.reason);
            self.push(at, Episode::Became(new.status, reason));
        }
    }

    fn ended(&mut self, at: VirtualTime, cycle: &Execution) {
        if let Some((_, Episode::Cycles { times, last })) = self.0.back_mut()
            && are_alike(last, cycle)
        {
            *times += 1;
            last.clone_from(cycle);
            return;
        }
        self.push(at, Episode::Cycles { times: 1, last: cycle.clone() });
    }

    fn push(&mut self, at: VirtualTime, episode: Episode) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((at, episode));
    }
}

/// Whether there is nothing to tell of one cycle that is not told of the other: neither wrote anything, and
/// they failed alike.
fn are_alike(one: &Execution, other: &Execution) -> bool {
    let code = |cycle: &Execution| cycle.error.as_ref().map(|(code, _)| code.clone());
    one.initial == other.initial
        && one.written == 0
        && other.written == 0
        && one.failed == other.failed
        && code(one) == code(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(cycle: u64, written: u64, status: StatusCode) -> JobReport {
        let at = VirtualTime::from_micros(i64::try_from(cycle).unwrap() * 100);
        JobReport {
            status,
            last_execution: Some(Execution {
                cycle,
                initial: false,
                began: at,
                ended: at,
                read: written,
                in_scope: written,
                written,
                skipped: 0,
                failed: 0,
                retried: 0,
                error: None,
            }),
            escrowed: 0,
            escrows_pruned: false,
            linked: 0,
            quarantine: None,
        }
    }

    #[test]
    fn cycles_that_end_alike_are_one_episode_and_a_write_is_its_own() {
        let mut episodes = Episodes::default();
        let mut known: Option<JobReport> = None;
        let mut hear = |new: JobReport| {
            let at = VirtualTime::from_micros(1);
            episodes.heard(at, known.as_ref(), &new);
            episodes.heard(at, Some(&new), &new);
            known = Some(new);
        };
        for (cycle, written) in [(1, 0), (2, 0), (3, 2), (4, 0), (5, 0), (6, 0)] {
            hear(report(cycle, written, StatusCode::Active));
        }
        hear(report(6, 0, StatusCode::Paused));
        let told: Vec<(u64, u64)> = episodes
            .iter()
            .filter_map(|(_, episode)| match episode {
                Episode::Cycles { times, last } => Some((*times, last.cycle)),
                _ => None,
            })
            .collect();
        assert_eq!(told, [(1, 1), (1, 2), (1, 3), (3, 6)], "{episodes:?}");
        let became = |episode: &Episode| matches!(episode, Episode::Became(..));
        assert_eq!(episodes.iter().filter(|(_, episode)| became(episode)).count(), 2);
        episodes.told(VirtualTime::from_micros(1), JobRequest::Pause);
        let newest: Vec<&Episode> = episodes.iter().map(|(_, episode)| episode).collect();
        let [.., told, became] = newest.as_slice() else { panic!("{newest:?}") };
        assert_eq!(**told, Episode::Told(JobRequest::Pause));
        assert_eq!(**became, Episode::Became(StatusCode::Paused, None), "what follows comes after");
        for cycle in 2..200 {
            episodes.told(VirtualTime::from_micros(cycle), JobRequest::Start);
        }
        assert_eq!(episodes.iter().count(), KEPT);
    }
}
