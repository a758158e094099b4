//! Each planted bug does the harm that it is named for, and the job without it does not.

use std::time::Duration;

use crate::address::Address;
use crate::job::LogStatus;
use crate::planted_bugs::{PlantedBug, PlantedBugs};
use crate::test_world::{START, Shared, World, config, id, object_guid};
use crate::writeback::WritebackJob;

const CYCLE: Duration = Duration::from_mins(20);

/// A settled world of four, whose job has the bug or has none.
fn settled(bug: Option<PlantedBug>) -> (Shared, WritebackJob) {
    let world = World::with(4);
    let mut config = config();
    // An overlap makes good for some of them.
    config.job.switches.watermark_overlap = Duration::ZERO;
    config.bugs = bug.map(|bug| PlantedBugs::of(&[bug])).unwrap_or_default();
    let mut job = WritebackJob::new(config);
    world.run_for(&mut job, Duration::from_mins(1));
    (world, job)
}

/// Plays with the bug and without it; `harm` says whether the harm was done.
fn shows(
    bug: PlantedBug,
    play: impl Fn(&Shared, &mut WritebackJob),
    harm: impl Fn(&World) -> bool,
) {
    for planted in [None, Some(bug)] {
        let (world, mut job) = settled(planted);
        play(&world, &mut job);
        assert_eq!(harm(&world.0.borrow()), planted.is_some(), "{bug:?}, planted {planted:?}");
    }
}

fn edit_and_run(world: &Shared, job: &mut WritebackJob) {
    world.0.borrow_mut().edit(1, "C-1");
    world.run_for(job, CYCLE);
}

#[test]
fn swapped_attributes() {
    shows(PlantedBug::SwappedAttributes, edit_and_run, |world| {
        world.value(1, "extensionAttribute2") == ["C-1"]
    });
}

#[test]
fn outside_attribute() {
    shows(PlantedBug::OutsideAttribute, edit_and_run, |world| {
        !world.value(1, "department").is_empty()
    });
}

#[test]
fn write_while_flag_false() {
    let play = |world: &Shared, job: &mut WritebackJob| {
        world.0.borrow_mut().mailboxes.get_mut(&id(1)).unwrap().cloud_managed = false;
        edit_and_run(world, job);
    };
    shows(PlantedBug::WriteWhileFlagFalse, play, |world| world.written(1) == "C-1");
}

#[test]
fn drop_failed_object() {
    let play = |world: &Shared, job: &mut WritebackJob| {
        world.0.borrow_mut().results.insert(object_guid(1), 51);
        edit_and_run(world, job);
        world.0.borrow_mut().results.clear();
        world.run_for(job, 3 * CYCLE);
    };
    shows(PlantedBug::DropFailedObject, play, |world| {
        world.written(1) != "C-1" && world.entries(LogStatus::Failure).is_empty()
    });
}

#[test]
fn watermark_before_write() {
    let play = |world: &Shared, job: &mut WritebackJob| {
        world.0.borrow_mut().edit(1, "C-1");
        world.0.borrow_mut().lose = Some((0, false));
        world.0.borrow_mut().lose_agent = true;
        world.run_for(job, CYCLE);
        world.0.borrow_mut().offline.clear();
        world.run_for(job, 3 * CYCLE);
    };
    shows(PlantedBug::WatermarkBeforeWrite, play, |world| world.written(1) != "C-1");
}

#[test]
fn repeat_unknown_blindly() {
    let play = |world: &Shared, job: &mut WritebackJob| {
        world.0.borrow_mut().lose = Some((0, true));
        edit_and_run(world, job);
    };
    shows(PlantedBug::RepeatUnknownBlindly, play, |world| world.modifies == 2);
}

#[test]
fn two_primaries() {
    let play = |world: &Shared, job: &mut WritebackJob| {
        world.0.borrow_mut().mailboxes.get_mut(&id(1)).unwrap().values.edit(|values| {
            values[20] = vec!["SMTP:alias1@contoso.com".into(), "smtp:u1@contoso.com".into()];
        });
        edit_and_run(world, job);
    };
    shows(PlantedBug::TwoPrimaries, play, |world| {
        let addresses = world.value(1, "proxyAddresses");
        assert!(addresses.contains(&"SMTP:alias1@contoso.com".to_owned()));
        addresses.iter().filter(|text| Address::parse(text).is_primary()).count() == 2
    });
}

#[test]
fn skip_tied_timestamp() {
    let play = |world: &Shared, job: &mut WritebackJob| {
        world.0.borrow_mut().page_size = 100;
        world.0.borrow_mut().now = START + Duration::from_mins(5);
        world.0.borrow_mut().edit(1, "C-1");
        world.0.borrow_mut().edit(2, "C-2");
        world.run_for(job, 3 * CYCLE);
    };
    shows(PlantedBug::SkipTiedTimestamp, play, |world| {
        [world.written(1), world.written(2)] != ["C-1", "C-2"]
    });
}
