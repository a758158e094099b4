//! The court: everybody who watches the ledger, as one value that can sit on another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sim::estate::Estate;
use sim::ledger::Event;
use sim::trace::Trace;

use crate::judge::{About, Bench, about};
use crate::observe::{Counters, History, Recorder};

/// Those who watch the ledger, with everything they remember.
#[derive(Clone)]
pub(super) struct Court {
    pub(super) bench: Bench,
    pub(super) counters: Counters,
    pub(super) history: History,
    pub(super) trace: Trace,
    /// Keeps all that happened to one person, when somebody asks.
    pub(super) recorder: Option<Recorder>,
    /// Flips and writes to AD so far, for whoever shows progress meanwhile.
    done: Arc<AtomicU64>,
}

/// Events in their order, each with what it is about.
pub(super) struct Portion(Vec<Event>, Vec<About>);

impl Portion {
    /// What happened since the last call.
    pub(super) fn drained(estate: &mut Estate) -> Self {
        let events = estate.ledger.drain();
        let about = about(estate, &events);
        Self(events, about)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Court {
    pub(super) fn new(bench: Bench, history: History) -> Self {
        Self {
            bench,
            counters: Counters::default(),
            history,
            trace: Trace::default(),
            recorder: None,
            done: Arc::default(),
        }
    }

    /// Looks at what happened.
    pub(super) fn take(&mut self, portion: Portion) {
        for (event, about) in portion.0.into_iter().zip(portion.1) {
            let whose = about.whose;
            self.trace.take(&event);
            if let Some(recorder) = &mut self.recorder {
                recorder.note(&event, whose);
            }
            self.counters.observe(&event, whose);
            self.bench.observe(&event, about, &self.history);
            self.history.keep(event, whose);
        }
        let counts = self.counters.counts();
        self.done.store(counts.flips + counts.ad_writes, Ordering::Relaxed);
    }

    /// Where to read how many flips and writes to AD there were.
    pub(super) fn done(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.done)
    }
}
