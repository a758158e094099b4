//! The progress bar: on standard error, only when that is a terminal, and only for work that lasts.

#![expect(
    clippy::disallowed_methods,
    reason = "how often a bar is drawn is a matter of real time, and nothing else depends on it"
)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use crate::run::Progress;

/// Work that ends sooner than this shows no bar of its own.
const PATIENCE: Duration = Duration::from_millis(400);
/// A bar changes at most this often.
const BETWEEN_DRAWINGS: Duration = Duration::from_millis(100);

/// The bar of a call.
const CALL: &str = "{bar:20} {pos}/{len} scenarios, {elapsed}";
/// The bar of a scenario; what does not fit on a line is cut.
const SCENARIO: &str = "{bar:20} {wide_msg}";

/// All bars of one call: how many scenarios are done, and a line for each that takes long.
#[derive(Debug)]
pub struct Bars {
    all: MultiProgress,
    scenarios: ProgressBar,
    shown: bool,
}

impl Bars {
    /// Bars for `scenarios` scenarios; none are drawn unless `shown`.
    #[must_use]
    pub fn new(scenarios: usize, shown: bool) -> Self {
        let target =
            if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let all = MultiProgress::with_draw_target(target);
        let scenarios = ProgressBar::new(u64::try_from(scenarios).unwrap_or(u64::MAX));
        let scenarios = all.add(scenarios.with_style(style(CALL)));
        Self { all, scenarios, shown }
    }

    /// A scenario begins; `name` should be short.
    #[must_use]
    pub fn scenario<'a>(&'a self, name: &'a str) -> ScenarioBar<'a> {
        let began = Instant::now();
        ScenarioBar { bars: self, name, began, bar: OnceLock::new(), due: 0.into() }
    }

    /// Runs `print` while no bar is on the screen.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.all.suspend(print)
    }

    /// A scenario has ended.
    pub fn scenario_done(&self) {
        self.scenarios.inc(1);
    }

    /// Takes all bars off the screen.
    pub fn finish(&self) {
        self.scenarios.finish_and_clear();
    }
}

/// The bar of one scenario. It leaves the screen when it is dropped.
#[derive(Debug)]
pub struct ScenarioBar<'a> {
    bars: &'a Bars,
    name: &'a str,
    began: Instant,
    bar: OnceLock<ProgressBar>,
    /// Milliseconds after `began` at which the next drawing is due.
    due: AtomicU64,
}

impl Progress for ScenarioBar<'_> {
    fn at(&self, phase: &'static str, done: u64, total: u64, virtual_micros: i64) {
        if !self.bars.shown {
            return;
        }
        let elapsed = self.began.elapsed();
        let now = millis(elapsed);
        if elapsed < PATIENCE || now < self.due.load(Ordering::Relaxed) {
            return;
        }
        self.due.store(now + millis(BETWEEN_DRAWINGS), Ordering::Relaxed);
        let bar = self
            .bar
            .get_or_init(|| self.bars.all.add(ProgressBar::new(total).with_style(style(SCENARIO))));
        bar.set_length(total.max(1));
        bar.set_position(done);
        bar.set_message(words(self.name, phase, done, total, virtual_micros));
    }
}

fn words(name: &str, phase: &str, done: u64, total: u64, virtual_micros: i64) -> String {
    let at = Timestamp::from_microsecond(virtual_micros)
        .map_or_else(|_| String::new(), |instant| instant.strftime(" at %F %R").to_string());
    let of = match total {
        0 => String::new(),
        _ => format!(", {} of {}", HumanCount(done), HumanCount(total)),
    };
    format!("{name}: {phase}{at}{of}")
}

impl Drop for ScenarioBar<'_> {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_bars_are_never_made() {
        let bars = Bars::new(2, false);
        let bar = bars.scenario("W-01");
        bar.at("writeback", 1, 2, 0);
        assert!(bar.bar.get().is_none());
    }

    #[test]
    fn the_words_leave_out_what_is_not_known() {
        let start = 1_788_249_600_000_000;
        let words = |done, total| words("L-200k", "writeback", done, total, start);
        assert_eq!(words(0, 0), "L-200k: writeback at 2026-09-01 08:00");
        assert_eq!(
            words(50_000, 200_000),
            "L-200k: writeback at 2026-09-01 08:00, 50,000 of 200,000"
        );
    }

    #[test]
    fn every_template_is_valid() {
        for template in [CALL, SCENARIO] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
