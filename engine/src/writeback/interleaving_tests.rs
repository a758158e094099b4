//! Random interleavings of edits on both sides, failures, crashes, restarts and configurations. In the end
//! AD holds what the mapping says of the cloud, but for what somebody changed in AD since; no modify names
//! an attribute that it does not change; no version of a mailbox is written twice, nor even tried twice in
//! one cycle; and the log says what was done, no more and no less.
//!
//! Nothing touches the mailboxes at the end: a change that a watermark skipped would stay lost.
//! `PROPTEST_CASES` says how many cases are played.

mod acts;
mod play;
mod verdict;

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use crate::planted_bugs::PlantedBugs;
use crate::test_world::{Sent, World, config, id, object_guid};
use crate::writeback::WritebackJob;

use acts::{Act, Setting, act, setting};
use play::Play;

/// Mailboxes of the smaller properties.
const COUNT: u16 = 4;

proptest! {
    #[test]
    fn in_the_end_ad_holds_what_the_cloud_says(
        setting in setting(),
        acts in prop::collection::vec(act(), 1..40),
    ) {
        play(&setting, &acts, PlantedBugs::none())?;
    }

    /// However late a copy shows a change, and whichever copy answers: with an overlap as long, every
    /// change is written, none twice and none back, and what comes again is logged once, also by
    /// another process.
    #[test]
    fn a_change_that_shows_late_is_not_skipped(
        overlap in 0..600_u64,
        page_size in 1..4_usize,
        restarts: bool,
        moves in prop::collection::vec((0..COUNT, 0..600_u64, 0..1_500_u64), 1..20),
    ) {
        let world = World::with(COUNT);
        world.0.borrow_mut().page_size = page_size;
        let mut config = config();
        config.job.switches.watermark_overlap = Duration::from_secs(overlap);
        let mut job = WritebackJob::new(config.clone());
        world.run_for(&mut job, Duration::from_mins(1));
        for (version, (number, lag, seconds)) in moves.into_iter().enumerate() {
            world.0.borrow_mut().lag = Duration::from_secs(lag.min(overlap));
            world.0.borrow_mut().edit(number, &format!("v{version}"));
            world.run_for(&mut job, Duration::from_secs(seconds));
            if restarts {
                job = WritebackJob::new(config.clone());
            }
        }
        world.run_for(&mut job, Duration::from_mins(50));
        let world = world.0.borrow();
        for number in 0..COUNT {
            let cloud = world.mailboxes[&id(number)].values.lists();
            prop_assert_eq!(world.written(number), cloud[0].concat());
        }
        let mut written = BTreeSet::new();
        for sent in &world.sent {
            prop_assert!(sent.unchanged.is_empty() && written.insert((sent.object, &sent.stamp)));
        }
        let told = |entry: &&crate::job::LogEntry| entry.cycle > 1;
        prop_assert_eq!(world.log.iter().filter(told).count(), written.len());
    }

    /// Whatever changes in whatever fraction of a second, between or within pages, is exported by the
    /// second cycle after it.
    #[test]
    fn no_change_slips_past_the_watermark(
        page_size in 1..4_usize,
        edits in prop::collection::vec((0..30_u64, 0..1_500_000_u64, 0..COUNT), 1..25),
    ) {
        let world = World::with(COUNT);
        world.0.borrow_mut().page_size = page_size;
        let mut job = world.job();
        let first = world.0.borrow().calls;
        for (version, (call, micros, number)) in edits.into_iter().enumerate() {
            let act = move |world: &mut World| {
                world.now = world.now + Duration::from_micros(micros);
                world.edit(number, &format!("v{version}"));
            };
            // Two edits at one call are one.
            world.0.borrow_mut().at_call.insert(first + 1 + call, Box::new(act));
        }
        world.run_for(&mut job, Duration::from_hours(2));
        prop_assert!(world.0.borrow().at_call.is_empty(), "every edit was made");
        world.run_for(&mut job, Duration::from_mins(40));
        let world = world.0.borrow();
        for number in 0..COUNT {
            let cloud = world.mailboxes[&id(number)].values.lists();
            prop_assert_eq!(world.written(number), cloud[0].concat());
        }
    }
}

fn play(setting: &Setting, acts: &[Act], bugs: PlantedBugs) -> Result<(), TestCaseError> {
    let mut play = Play::new(setting, bugs);
    for act in acts {
        play.act(act);
    }
    let outside = |sent: &Sent| setting.outside && sent.object == object_guid(0);
    prop_assert!(!play.world.0.borrow().sent.iter().any(outside), "AD had authority over it");
    play.heal();
    let modifies = play.world.0.borrow().modifies;
    play.run(3 * 20);
    prop_assert_eq!(play.world.0.borrow().modifies, modifies, "quiet after convergence");
    play.check()
}

/// What these properties are worth: each deliberate mistake breaks them within some cases.
#[cfg(feature = "planted-bugs")]
#[test]
fn every_planted_bug_breaks_the_property() {
    use crate::planted_bugs::PlantedBug;
    use proptest::test_runner::{Config, TestRunner};

    // These are no mistakes of a job that this world can show, or it shows them by chance alone.
    let elsewhere = [
        PlantedBug::IgnoreScopingFilter,
        PlantedBug::BelieveTheAnswer,
        PlantedBug::OutliveItsEnd,
        PlantedBug::RefusalAsSuccess,
        PlantedBug::StopAtRefusal,
        PlantedBug::DropOtherKinds,
        PlantedBug::MergeReplaces,
        PlantedBug::WipeOnEmpty,
        PlantedBug::IgnorePause,
        PlantedBug::QuarantineAtOnce,
        PlantedBug::FlapTheFlag,
        PlantedBug::RightsAsBusy,
        PlantedBug::BlameTheRest,
        PlantedBug::OutOfScopeWhenEqual,
        PlantedBug::DeafToCommands,
        PlantedBug::InventAddress,
        PlantedBug::InitialAsDelta,
    ];
    for bug in PlantedBug::ALL.into_iter().filter(|bug| !elsewhere.contains(bug)) {
        let config = Config {
            cases: 4_000,
            failure_persistence: None,
            max_shrink_iters: 0,
            ..Config::default()
        };
        let cases = (setting(), prop::collection::vec(act(), 1..40));
        let result = TestRunner::new_with_rng(
            config,
            proptest::test_runner::TestRng::deterministic_rng(
                proptest::test_runner::RngAlgorithm::ChaCha,
            ),
        )
        .run(&cases, |(setting, acts)| {
            // An overlap makes good for some of them.
            let mut setting = setting;
            setting.switches.watermark_overlap = Duration::ZERO;
            play(&setting, &acts, PlantedBugs::of(&[bug]))
        });
        assert!(result.is_err(), "{bug:?}");
    }
}
