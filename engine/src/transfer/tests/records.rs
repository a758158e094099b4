//! The log of what transfers did.

use super::*;
use crate::transfer::report::LOG_NOT_WRITTEN;

fn told(world: &Shared) -> Vec<(Action, MailboxId, &'static str)> {
    let world = world.0.borrow();
    world.records.iter().map(|record| (record.action, record.mailbox, record.outcome)).collect()
}

/// Whatever was tried is told with its outcome, and what was not tried is not.
#[test]
fn flips_and_rollbacks_are_told_once_with_their_outcome() {
    let world = world(4);
    {
        let mut world = world.0.borrow_mut();
        world.mailboxes.get_mut(&id(0)).unwrap().cloud_managed = true;
        world.mailboxes.get_mut(&id(1)).unwrap().dir_synced = false;
        world.flips_ignored.insert(id(2));
    }
    play(&world, &mut Transfer::new(TransferConfig::new("t", all(4))));
    let flips = vec![(Action::Flip, id(3), "flipped"), (Action::Flip, id(2), "no-op")];
    assert_eq!(told(&world), flips);
    {
        let world = world.0.borrow();
        let record = &world.records[0];
        let change = &record.changes[0];
        assert_eq!((record.transfer.as_str(), record.object), ("t", None));
        let shown = (change.attribute.as_ref(), &change.old, &change.new);
        assert_eq!(shown, ("IsExchangeCloudManaged", &"False".into(), &"True".into()));
    }
    let config = RollbackConfig { apply: true, ..RollbackConfig::new("t", vec![id(3)]) };
    play(&world, &mut Rollback::new(config));
    assert_eq!(told(&world)[2..], [(Action::Rollback, id(3), "rolled-back")]);
    assert_eq!(world.0.borrow().records[2].transfer, "t");
}

/// What a restore writes is told before it is written, so that a process that dies in between leaves a trace,
/// and afterwards with its outcome.
#[test]
fn a_restore_is_told_before_and_after() {
    let world = World::with(2);
    let backups = play(&world, &mut TakeBackup::new(all(2), Sides::Both)).unwrap().backups;
    world.0.borrow_mut().set_in_ad(1, "extensionAttribute1", &[b"spoiled"]);
    let job = crate::test_world::configuration();
    let config = |apply| RestoreConfig {
        backups: backups.clone(),
        to: RestoreTo::Directory,
        apply,
        job: job.clone(),
    };
    play(&world, &mut Restore::new(config(false)));
    assert_eq!(told(&world), [], "a dry run tells nothing");
    play(&world, &mut Restore::new(config(true)));
    let told = told(&world);
    assert_eq!(told, [(Action::Restore, id(1), "begun"), (Action::Restore, id(1), "restored")]);
    let world = world.0.borrow();
    let last = world.records.last().unwrap();
    assert_eq!(last.object, Some(object_guid(1)));
    assert_eq!((&last.changes[0].old, &last.changes[0].new), (&"spoiled".into(), &"HR-1".into()));
}

/// Killed at any call, a transfer and its way back tell of each change at least once; twice only where the
/// kill came between the log and its commit.
#[test]
fn a_crash_at_any_call_leaves_no_change_untold() {
    let run = |halt_at: Option<u64>, after: bool| {
        let world = world(3);
        let mut transfer = TransferConfig::new("t", all(3));
        transfer.wave = 2;
        let rollback = RollbackConfig { apply: true, wave: 2, ..RollbackConfig::new("t", all(3)) };
        world.0.borrow_mut().halt_at = halt_at;
        world.0.borrow_mut().halt_after = after;
        for _ in 0..2 {
            play(&world, &mut Transfer::new(transfer.clone()));
            if core::mem::take(&mut world.0.borrow_mut().halted) {
                world.0.borrow_mut().halt_at = None;
                continue;
            }
            play(&world, &mut Rollback::new(rollback.clone()));
            if !core::mem::take(&mut world.0.borrow_mut().halted) {
                break;
            }
            world.0.borrow_mut().halt_at = None;
            play(&world, &mut Rollback::new(rollback));
            break;
        }
        let told = told(&world);
        for number in 0..3 {
            for action in [Action::Flip, Action::Rollback] {
                let of = told.iter().filter(|entry| (entry.0, entry.1) == (action, id(number)));
                let count = of.count();
                assert!((1..=2).contains(&count), "halted at {halt_at:?}: {action:?} {told:?}");
            }
        }
        let world = world.0.borrow();
        assert!(world.effective_flips.values().all(|flips| *flips == 2));
        world.calls
    };
    let calls = run(None, false);
    for call in 1..=calls {
        run(Some(call), false);
        run(Some(call), true);
    }
}

/// A log that cannot be written ends the transfer after some tries, and the next call tells what was done.
#[test]
fn what_cannot_be_told_is_told_later() {
    let world = world(2);
    world.0.borrow_mut().refused_records = 2;
    let report = play(&world, &mut Transfer::new(TransferConfig::new("t", all(2))));
    assert_eq!((report.flipped, report.stopped), (2, None));
    assert_eq!(told(&world).len(), 2);

    let world = self::world(2);
    world.0.borrow_mut().refused_records = u32::MAX;
    let report = play(&world, &mut Transfer::new(TransferConfig::new("t", all(2))));
    let stopped = report.stopped.unwrap();
    assert_eq!(stopped.code, LOG_NOT_WRITTEN);
    assert!(stopped.detail.contains("the disk is full"), "{}", stopped.detail);
    assert!(told(&world).is_empty());
    world.0.borrow_mut().refused_records = 0;
    play(&world, &mut Transfer::new(TransferConfig::new("t", all(2))));
    assert_eq!(told(&world).len(), 2);
    assert!(world.0.borrow().effective_flips.values().all(|flips| *flips == 1));
}

/// A restore under a budget says `begun` of what it is about to set and no more, and how that ended before it goes
/// on: whatever moment ends it, at most one call is without its outcome.
#[test]
fn a_restore_that_ends_early_leaves_no_more_than_one_call_undecided() {
    let world = World::with(6);
    let backups = play(&world, &mut TakeBackup::new(all(6), Sides::Cloud)).unwrap().backups;
    (0..6).for_each(|number| world.0.borrow_mut().edit(number, "spoiled"));
    let job = crate::test_world::configuration();
    let config = RestoreConfig { backups, to: RestoreTo::Cloud, apply: true, job };
    let pace = Pace { sets_a_minute: Some(2), jitter: 0 };
    let mut restore = Restore::new(config).paced(pace);
    let mut steps = 0;
    loop {
        let told = told(&world);
        let of = |word| told.iter().filter(|entry| entry.2 == word).count();
        assert!(of("begun") - of("restored") <= 2, "{told:?}");
        if of("restored") == 6 {
            break;
        }
        if let Step::WaitUntil(at) = world.step(&mut restore) {
            world.0.borrow_mut().now = at;
        }
        steps += 1;
        assert!(steps < 10_000);
    }
}

/// What was written and cannot be read afterwards is in the log and in the report when the restore ends.
#[test]
fn a_restore_whose_read_fails_tells_what_it_wrote() {
    let world = World::with(2);
    let backups = play(&world, &mut TakeBackup::new(all(2), Sides::Both)).unwrap().backups;
    world.0.borrow_mut().set_in_ad(1, "extensionAttribute1", &[b"spoiled"]);
    (world.0.borrow_mut().lose, world.0.borrow_mut().lose_agent) = (Some((0, true)), true);
    let job = crate::test_world::configuration();
    let config = RestoreConfig { backups, to: RestoreTo::Directory, apply: true, job };
    let report = play(&world, &mut Restore::new(config));
    assert!(report.stopped.is_some());
    assert_eq!(told(&world)[1..], [(Action::Restore, id(1), "unverified")]);
    let of = report.mailboxes.iter().find(|one| one.mailbox == id(1)).unwrap();
    let Restored::Unverified(why) = &of.outcome else { panic!("{of:?}") };
    assert!(why.contains("not verified") && why.contains("no answer came"), "{why}");
}
