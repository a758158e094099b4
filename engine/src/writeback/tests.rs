//! Whole jobs against the small world: what must hold whatever happens in between.

use std::time::Duration;

use crate::failure::code;
use crate::guid::Guid;
use crate::job::{JobCommand, JobStatus, LimitAction, LogStatus, RestartScopes};
use crate::journal::rows::{JOB_KEY, JobRow};
use crate::ports::{CallError, MailboxId, StateStore, StoreError, StoreWrite, Table};
use crate::step::Step;
use crate::test_world::{START, Shared, World, config, id, mailbox, object_guid};
use crate::writeback::{JobEnd, ScopeFilter, WritebackJob};

const CYCLE: Duration = Duration::from_mins(20);
const MINUTE: Duration = Duration::from_mins(1);

mod codes;
mod control;
mod crash;
mod failures;
mod listing;
mod matching;
mod switches;

/// A job whose initial cycle is over, one minute after the start.
fn settled(count: u16) -> (Shared, WritebackJob) {
    let world = World::with(count);
    let mut job = world.job();
    world.run_for(&mut job, MINUTE);
    assert_eq!(job.cycles(), 1);
    world.0.borrow_mut().log.clear();
    (world, job)
}

fn next_cycle(world: &Shared, job: &mut WritebackJob) {
    let cycles = job.cycles();
    for _ in 0..30 {
        world.run_for(job, MINUTE);
        if job.cycles() > cycles {
            assert_eq!(job.cycles(), cycles + 1);
            return;
        }
    }
    panic!("no cycle came to its end");
}

#[test]
fn an_edit_is_written_once_and_logged_with_its_values() {
    let (world, mut job) = settled(4);
    assert!(world.0.borrow().effective.is_empty(), "equal sides need no write");
    world.0.borrow_mut().edit(2, "C-1");
    next_cycle(&world, &mut job);
    {
        let world = world.0.borrow();
        assert_eq!(world.written(2), "C-1");
        assert_eq!(world.modifies, 1);
        assert_eq!(world.log.len(), 1);
        let entry = &world.log[0];
        assert_eq!((entry.status, entry.target), (LogStatus::Success, Some(object_guid(2))));
        assert_eq!(entry.modified[0].old, "HR-1".into());
        assert_eq!(entry.modified[0].new, "C-1".into());
    }
    next_cycle(&world, &mut job);
    next_cycle(&world, &mut job);
    assert_eq!(world.0.borrow().modifies, 1);
    assert_eq!(world.0.borrow().log.len(), 1, "a cycle without a change logs nothing");
    let report = job.last_cycle().unwrap();
    assert_eq!((report.written, report.skipped, report.failed), (0, 0, 0));
}

#[test]
fn the_initial_cycle_writes_every_difference() {
    let world = World::with(7);
    for number in 0..7 {
        world.0.borrow_mut().edit(number, "new");
    }
    let mut job = world.job();
    assert_eq!(job.status(), JobStatus::NotRun);
    world.run_for(&mut job, MINUTE);
    let report = job.last_cycle().unwrap();
    assert!(report.initial);
    assert_eq!((report.read, report.in_scope, report.written), (7, 7, 7));
    assert_eq!(job.status(), JobStatus::Active);
    let world = world.0.borrow();
    assert!((0..7).all(|number| world.written(number) == "new"));
    assert_eq!(world.store.len(Table::Links), 7);
    assert_eq!(world.store.len(Table::Intents), 0);
    assert_eq!(world.reports.last().unwrap().linked, 7);
}

#[test]
fn mailboxes_out_of_scope_are_skipped_once_and_never_written() {
    let world = World::with(3);
    world.0.borrow_mut().mailboxes.get_mut(&id(1)).unwrap().cloud_managed = false;
    world.0.borrow_mut().edit(1, "mine");
    let mut job = world.job();
    world.run_for(&mut job, MINUTE);
    next_cycle(&world, &mut job);
    next_cycle(&world, &mut job);
    let world = world.0.borrow();
    assert_eq!(world.written(1), "HR-1");
    let skips = world.entries(LogStatus::Skipped);
    let of_one = skips.iter().filter(|(_, mailbox)| *mailbox == Some(id(1))).count();
    assert_eq!(of_one, 1, "{skips:?}");
    assert!(skips.contains(&(code::IMPORT_SKIPPED, Some(id(1)))));
}

#[test]
fn drift_in_ad_stays_until_the_cloud_changes_or_an_initial_cycle_comes() {
    let (world, mut job) = settled(2);
    let drift = |world: &Shared| {
        let mut world = world.0.borrow_mut();
        let values = &mut world.objects.get_mut(&object_guid(0)).unwrap().values;
        values.insert("extensionAttribute2".into(), vec![b"local".to_vec()]);
    };
    drift(&world);
    next_cycle(&world, &mut job);
    assert_eq!(world.0.borrow().value(0, "extensionAttribute2"), ["local"]);
    world.0.borrow_mut().edit(0, "C-1");
    next_cycle(&world, &mut job);
    assert_eq!(world.0.borrow().value(0, "extensionAttribute2"), ["HR-2"]);
    drift(&world);
    let scopes = RestartScopes { watermark: true, ..RestartScopes::default() };
    world.0.borrow_mut().commands.push_back(JobCommand::Restart(scopes));
    world.step(&mut job);
    world.run_for(&mut job, MINUTE);
    assert!(job.last_cycle().unwrap().initial);
    assert_eq!(world.0.borrow().value(0, "extensionAttribute2"), ["HR-2"]);
}
