//! Draws are right, small and repeatable, and what they say is what runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;
use crate::judge::verdict::Verdict;
use crate::run::{RunOptions, Silent, run};
use crate::scenario::Population;
use crate::stage::catalogues;

mod found;
mod language;

fn read(draw: &Draw, catalogues: &Catalogues) -> Scenario {
    draw.scenario(Path::new("drawn.yaml"), catalogues)
        .unwrap_or_else(|problems| panic!("seed {}: {problems:?}\n{}", draw.seed, draw.text))
}

#[test]
fn every_draw_is_a_right_and_small_scenario_and_the_same_again() {
    let catalogues = catalogues();
    let mut texts = BTreeSet::new();
    let mut large = 0;
    for seed in 0..400 {
        let draw = Draw::of(seed);
        let scenario = read(&draw, &catalogues);
        let size = |part: &Population| match part {
            Population::Shape { mailboxes, .. } => *mailboxes,
            Population::User(_) | Population::Ldif { .. } => 1,
        };
        let size: u32 = scenario.world.population.iter().map(size).sum();
        // A world that is about the pages of a listing has more than one.
        large += usize::from(size > 1_000);
        assert!((1..=30).contains(&size) || size > 1_000, "seed {seed} has {size} mailboxes");
        assert_eq!(scenario.world.seed, seed);
        assert_eq!(draw.text, Draw::of(seed).text);
        texts.insert(draw.text);
    }
    assert_eq!(texts.len(), 400, "two seeds drew the same");
    assert!(large < 10, "{large} of 400 worlds are large");
}

#[test]
fn a_written_draw_runs_to_the_same_verdict_and_trace() {
    let folder = tempfile::tempdir().unwrap();
    let catalogues = catalogues();
    for seed in 1..=60 {
        let draw = Draw::of(seed);
        let path: PathBuf = folder.path().join(format!("{seed}.yaml"));
        std::fs::write(&path, &draw.text).unwrap();
        let source = std::fs::read_to_string(&path).unwrap();
        let written = scenario::read(&path, &source, &catalogues).unwrap();
        let [drawn, written] = [read(&draw, &catalogues), written]
            .map(|scenario| run(&scenario, &RunOptions::default(), &Silent).unwrap());
        assert_eq!(drawn.verdict, written.verdict);
        assert_eq!(drawn.trace, written.trace);
        assert_ne!(drawn.verdict, Verdict::Fail, "seed {seed}: {:?}", drawn.findings);
    }
}
