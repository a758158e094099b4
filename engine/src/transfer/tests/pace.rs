//! How fast a transfer and its way back go: what a service asks for, budgets, waves.

use super::*;

fn throttled(minutes: u64) -> SetOutcome {
    SetOutcome::Throttled { retry_after: Some(Duration::from_mins(minutes)) }
}

/// What the service did not let through, and what was never sent, is no attempt: however often that
/// happens, everybody flips in the end. In between nothing is asked of the service at all.
#[test]
fn a_batch_that_is_throttled_in_part_waits_as_a_whole_and_costs_nobody_an_attempt() {
    let world = world(5);
    for _ in 0..6 {
        world.0.borrow_mut().set_answers.extend([throttled(10), SetOutcome::NotSent]);
        world.0.borrow_mut().set_answers.extend(vec![SetOutcome::NotSent; 3]);
    }
    world.0.borrow_mut().set_answers.extend([SetOutcome::Accepted, throttled(10)]);
    world.0.borrow_mut().set_answers.extend(vec![SetOutcome::NotSent; 3]);
    let report = play(&world, &mut Transfer::new(TransferConfig::new("t", all(5))));
    assert_eq!((report.flipped, report.exceptions.len(), report.stopped), (5, 0, None));
    let world = world.0.borrow();
    assert!(world.set_calls.values().all(|calls| *calls == 1), "{:?}", world.set_calls);
    // A read, seven sets that were throttled, each followed by ten minutes of silence, and the rest.
    let waits: Vec<Duration> =
        world.exchange_calls.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    let silences = waits.iter().filter(|wait| **wait >= Duration::from_mins(10)).count();
    assert_eq!(silences, 7, "{waits:?}");
    assert!(waits[1..8].iter().all(|wait| *wait >= Duration::from_mins(10)), "{waits:?}");
}

/// A budget that ends in the middle of every call: each activity asks for less until it gets through.
#[test]
fn a_budget_smaller_than_a_call_slows_everything_down_and_stops_nothing() {
    for budget in [1, 3, 7] {
        let world = world(23);
        world.0.borrow_mut().budget = Some(budget);
        let report = play(&world, &mut Transfer::new(TransferConfig::new("t", all(23))));
        assert_eq!((report.flipped, report.exceptions.len()), (23, 0), "{budget} a minute");

        let rings = (0..2).map(|ring| Ring {
            name: ring.to_string(),
            mailboxes: (0..23).map(id).skip(ring * 12).take(12).collect(),
            acceptance: Acceptance::default(),
        });
        let transfer = TransferConfig::new("r", Vec::new());
        let config = RolloutConfig { transfer, rings: rings.collect() };
        let report = play(&world, &mut Rollout::new(config));
        assert_eq!((report.rings.len(), report.stopped), (2, None));

        let backups = play(&world, &mut TakeBackup::new(all(23), Sides::Both)).unwrap().backups;
        assert_eq!(backups.len(), 23);
        for number in 0..23 {
            world.0.borrow_mut().edit(number, "spoiled");
        }
        let job = crate::test_world::configuration();
        let config = RestoreConfig { backups, to: RestoreTo::Cloud, apply: true, job };
        let report = play(&world, &mut Restore::new(config));
        assert!(report.mailboxes.iter().all(|one| one.outcome == Restored::Written), "{report:?}");

        let config = CheckConfig {
            mailboxes: all(23),
            job: crate::test_world::configuration(),
            evidence: Evidence::default(),
            sync_cycle: Duration::from_mins(30),
            caller_roles: None,
            domain: None,
        };
        assert_eq!(play(&world, &mut Check::new(config)).checked, 23);

        let config = RollbackConfig { apply: true, ..RollbackConfig::new("t", all(23)) };
        let report = play(&world, &mut Rollback::new(config));
        assert_eq!((report.flipped, report.exceptions.len()), (23, 0), "{budget} a minute");
    }
}

/// The way back keeps the same pace: waves, the budget of a minute, and the criterion for the last wave.
#[test]
fn a_rollback_goes_in_waves_under_a_budget_and_stops_at_a_breach() {
    let world = World::with(7);
    let config = RollbackConfig {
        apply: true,
        wave: 3,
        pause: Duration::from_mins(30),
        most_failures: Some(0),
        pace: Pace { sets_a_minute: Some(2), jitter: 0 },
        ..RollbackConfig::new("r", all(7))
    };
    let report = play(&world, &mut Rollback::new(config.clone()));
    assert_eq!((report.flipped, report.waves, report.stopped), (7, 3, None));
    assert!(world.0.borrow().now.since(START) >= Duration::from_mins(60 + 2));

    let world = World::with(7);
    world.0.borrow_mut().flips_ignored.insert(id(1));
    let report = play(&world, &mut Rollback::new(config));
    assert!(report.stopped.unwrap().detail.contains("at most 0"));
    assert_eq!((report.flipped, report.no_op, report.waves), (2, 1, 1));
    assert!(!world.0.borrow().set_calls.contains_key(&id(3)), "the second wave never began");
}

/// Killed at any call, a rollback in waves goes on where it was, and takes nobody back twice.
#[test]
fn a_crash_at_any_call_takes_every_mailbox_back_once() {
    let run = |halt_at: Option<u64>| {
        let world = World::with(5);
        world.0.borrow_mut().halt_at = halt_at;
        let config = RollbackConfig { apply: true, wave: 2, ..RollbackConfig::new("r", all(5)) };
        let mut report = play(&world, &mut Rollback::new(config.clone()));
        if halt_at.is_some() {
            assert!(report.stopped.is_some());
            world.0.borrow_mut().halted = false;
            report = play(&world, &mut Rollback::new(config));
        }
        let state = world.0.borrow();
        assert_eq!((report.flipped, report.already), (5, 0), "halted at {halt_at:?}");
        assert!(state.effective_flips.values().all(|flips| *flips == 1));
        state.calls
    };
    let calls = run(None);
    for call in 1..=calls {
        run(Some(call));
    }
}

#[test]
fn a_budget_spreads_the_flips_over_minutes() {
    let world = world(7);
    let mut config = TransferConfig::new("t", all(7));
    config.wave = 3;
    config.pace.sets_a_minute = Some(2);
    let report = play(&world, &mut Transfer::new(config));
    assert_eq!(report.flipped, 7);
    assert!(world.0.borrow().now.since(START) >= Duration::from_mins(3));
}

/// A restore to the cloud stays under its budget as a flip does.
#[test]
fn a_restore_sets_no_more_in_a_minute_than_it_may() {
    let world = World::with(7);
    let backups = play(&world, &mut TakeBackup::new(all(7), Sides::Cloud)).unwrap().backups;
    (0..7).for_each(|number| world.0.borrow_mut().edit(number, "spoiled"));
    let job = crate::test_world::configuration();
    let config = RestoreConfig { backups, to: RestoreTo::Cloud, apply: true, job };
    let pace = Pace { sets_a_minute: Some(2), jitter: 0 };
    let began = world.0.borrow().now;
    let report = play(&world, &mut Restore::new(config).paced(pace));
    assert!(report.mailboxes.iter().all(|one| one.outcome == Restored::Written), "{report:?}");
    let took = world.0.borrow().now.since(began);
    assert!(took >= Duration::from_mins(3), "{took:?}");
}

/// However often it is killed, a transfer and what follows it set no more in any minute than they may.
#[test]
fn a_restarted_transfer_has_no_minute_of_its_own() {
    let world = world(9);
    let config = || {
        let mut config = TransferConfig::new("t", all(9));
        config.pace.sets_a_minute = Some(3);
        config
    };
    let mut sets = Vec::new();
    let mut lives = 0;
    loop {
        let calls = world.0.borrow().calls;
        world.0.borrow_mut().halt_at = Some(calls + 12);
        let report = play(&world, &mut Transfer::new(config()));
        let mut state = world.0.borrow_mut();
        let done: u32 = state.set_calls.values().sum();
        sets.push((state.now, done));
        lives += 1;
        if !core::mem::take(&mut state.halted) {
            assert_eq!(report.flipped, 9);
            break;
        }
        assert!(lives < 100);
    }
    assert!(lives > 2, "it was killed: {lives}");
    let spent = |(at, done): &(crate::time::Timestamp, u32)| {
        let minutes = u32::try_from(at.since(START).as_secs() / 60).unwrap();
        *done <= 3 * (minutes + 1)
    };
    assert!(sets.iter().all(spent), "{sets:?}");
    assert!(world.0.borrow().effective_flips.values().all(|flips| *flips == 1));
    // What follows within the minute has no minute of its own either.
    world.0.borrow_mut().halt_at = None;
    let began = world.0.borrow().now;
    let config = RollbackConfig {
        apply: true,
        pace: Pace { sets_a_minute: Some(3), jitter: 0 },
        ..RollbackConfig::new("t", all(3))
    };
    play(&world, &mut Rollback::new(config));
    assert!(world.0.borrow().now > began);
}
