//! The end of a hunt: how many seeds of each verdict, why some prove nothing, and how to see each
//! that failed again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use indicatif::HumanCount;

use super::summary::quoted;
use super::{Again, Paint, real};
use crate::judge::verdict::{Summary, Transport};
use crate::observe::marks::all;
use crate::report::failure::printable;
use crate::report::{Outcome, not_among};

/// Reasons of unknown verdicts that are listed; more are counted.
const REASONS_SHOWN: usize = 8;
/// Seeds that are listed for a reason.
const SEEDS_SHOWN: usize = 5;
/// Failures that are listed; more are counted.
const FAILURES_SHOWN: usize = 20;

/// What a hunt came to.
#[derive(Debug, Default)]
pub struct Hunted {
    /// How many seeds of each verdict; internal errors are unknown.
    pub summary: Summary,
    /// The first seed.
    pub from: u64,
    /// How many seeds were asked for.
    pub asked: u64,
    /// Whether somebody interrupted it.
    pub interrupted: bool,
    /// What did not pass, in the order of the seeds.
    pub found: Vec<Outcome>,
    /// The branches of engine and estate that any seed reached, by name.
    pub marks: BTreeSet<String>,
}

impl Hunted {
    /// Seeds that were run.
    #[must_use]
    pub const fn seeds(&self) -> u64 {
        (self.summary.pass + self.summary.fail + self.summary.unknown) as u64
    }

    fn failures(&self) -> impl Iterator<Item = &Outcome> {
        self.found.iter().filter(|outcome| is_failure(outcome))
    }
}

/// Whether a seed failed, or hybridsim broke with it.
#[must_use]
pub fn is_failure(outcome: &Outcome) -> bool {
    outcome.internal_error || outcome.result.verdict == crate::judge::verdict::Verdict::Fail
}

/// The end of the report about a hunt that took `wall`.
#[must_use]
pub fn summary(hunted: &Hunted, wall: Duration, again: &Again<'_>, paint: Paint) -> String {
    let seeds = hunted.seeds();
    let last = hunted.from.saturating_add(seeds.saturating_sub(1));
    let span = match seeds {
        0 => "no seed".to_owned(),
        1 => format!("1 seed ({})", hunted.from),
        _ => format!("{} seeds ({} to {last})", HumanCount(seeds), hunted.from),
    };
    let Summary { pass, fail, unknown } = hunted.summary;
    let count = |number: usize| HumanCount(number as u64);
    let mut text = format!(
        "{} in {}, {} a minute: {} passed, {} failed, {} unknown\n",
        paint.strong(&span),
        real(wall.as_secs_f64()),
        HumanCount(a_minute(seeds, wall)),
        count(pass),
        count(fail),
        count(unknown),
    );
    if hunted.interrupted {
        text.push_str(&format!("interrupted: {} were asked for\n", HumanCount(hunted.asked)));
    }
    let (all, missed) = (all().len(), not_among(&hunted.marks).len());
    text.push_str(&format!("{} of {all} marks reached\n", all - missed));
    push_reasons(hunted, &mut text);
    for outcome in hunted.failures().take(FAILURES_SHOWN) {
        let words = command(outcome, again);
        text.push_str(&format!(
            "\n{} seed {}\n        {words}\n",
            paint.word(outcome, 7),
            outcome.result.seed
        ));
    }
    let more = hunted.failures().count().saturating_sub(FAILURES_SHOWN);
    if more > 0 {
        text.push_str(&format!("\nand {more} more; --json FILE writes them all\n"));
    }
    text
}

/// Seeds a minute, rounded down.
fn a_minute(seeds: u64, wall: Duration) -> u64 {
    let millis = wall.as_millis().max(1);
    u64::try_from(u128::from(seeds) * 60_000 / millis).unwrap_or(u64::MAX)
}

/// Why seeds prove nothing, the most frequent reason first.
fn push_reasons(hunted: &Hunted, text: &mut String) {
    let mut reasons: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for outcome in hunted.found.iter().filter(|outcome| !is_failure(outcome)) {
        for reason in &outcome.result.reasons {
            let seeds = reasons.entry(reason).or_default();
            if seeds.last() != Some(&outcome.result.seed) {
                seeds.push(outcome.result.seed);
            }
        }
    }
    let mut reasons: Vec<(&str, Vec<u64>)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, seeds)| std::cmp::Reverse(seeds.len()));
    for (reason, seeds) in reasons.iter().take(REASONS_SHOWN) {
        let shown: Vec<String> = seeds.iter().take(SEEDS_SHOWN).map(u64::to_string).collect();
        let more = if seeds.len() > SEEDS_SHOWN { ", ..." } else { "" };
        text.push_str(&format!(
            "  unknown {} times: {} (seed {}{more})\n",
            seeds.len(),
            printable(reason),
            shown.join(", ")
        ));
    }
    let more = reasons.len().saturating_sub(REASONS_SHOWN);
    if more > 0 {
        text.push_str(&format!("  and {more} more reasons; --json FILE writes them all\n"));
    }
}

/// The command line that draws and runs a seed again, ready to be pasted into a shell.
fn command(outcome: &Outcome, again: &Again<'_>) -> String {
    let mut words: Vec<String> = vec![again.program.to_owned(), "hunt".into()];
    words.extend(["--from".into(), outcome.result.seed.to_string(), "--seeds".into(), "1".into()]);
    if outcome.result.transport == Transport::Wire {
        words.extend(["--transport".into(), "wire".into()]);
    }
    if let Some(bug) = again.plant {
        words.extend(["--plant".into(), bug.to_owned()]);
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn a_summary_names_counts_reasons_and_commands() {
        let seeded = |mut outcome: Outcome, seed| {
            outcome.result.seed = seed;
            outcome
        };
        let found = vec![
            seeded(samples::unknown(), 12),
            seeded(samples::unknown(), 13),
            seeded(samples::failed(), 17),
            seeded(samples::broken(), 19),
        ];
        let hunted = Hunted {
            summary: Summary { pass: 1_996, fail: 1, unknown: 3 },
            from: 1,
            asked: 5_000,
            interrupted: true,
            found,
            marks: BTreeSet::from(["engine.write.done".to_owned()]),
        };
        let again = Again { program: "target/release/hybridsim", plant: Some("two-primaries") };
        let text = summary(&hunted, Duration::from_secs(3), &again, Paint::new(false));
        insta::assert_snapshot!(text);
    }
}
