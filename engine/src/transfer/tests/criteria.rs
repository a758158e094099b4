//! When a transfer stops: inside a wave, and whoever starts it again does not go further.

use super::*;

/// Enough refusals for whatever is tried.
fn refuse_everything(world: &Shared) {
    let mut world = world.0.borrow_mut();
    world.set_answers = vec![refused("AccessDenied"); 10_000].into();
    world.flips_ignored = world.mailboxes.keys().copied().collect();
}

fn repair(world: &Shared) {
    world.0.borrow_mut().set_answers.clear();
    world.0.borrow_mut().flips_ignored.clear();
}

fn config(count: u16, most: u64) -> TransferConfig {
    let wave = usize::from(count);
    TransferConfig {
        wave,
        most_failures: Some(most),
        sides: Sides::Cloud,
        ..TransferConfig::new("t", all(count))
    }
}

/// A wave of 250 of which everything is refused: after the first call of a hundred nobody new is set, and
/// once the refusals are beyond doubt it ends, most of the wave untouched. Repaired, the same call goes on.
#[test]
fn nobody_new_is_set_while_those_in_doubt_would_be_too_many() {
    let world = world(250);
    refuse_everything(&world);
    let report = play(&world, &mut Transfer::new(config(250, 3)));
    let why = report.stopped.as_ref().unwrap().detail.clone();
    assert!(why.contains("at most 3 may") && why.contains("150 of the wave"), "{why}");
    assert_eq!((report.refused, report.flipped), (100, 0));
    assert_eq!(world.0.borrow().set_calls.len(), 100);

    repair(&world);
    let report = play(&world, &mut Transfer::new(config(250, 3)));
    assert_eq!((report.flipped, report.stopped), (250, None));
    assert!(world.0.borrow().effective_flips.values().all(|flips| *flips == 1));
}

/// A refusal here and there that passes holds nobody up for long and stops nothing.
#[test]
fn what_passes_by_itself_is_no_breach() {
    let world = world(250);
    // Version, progress, tenant; three reads with their backups; then the first hundred flags.
    const READ_BACK: u64 = 11;
    {
        let mut world = world.0.borrow_mut();
        world.set_answers = vec![refused("Busy"); 60].into();
        world.flips_ignored = (0..60).map(id).collect();
        let passes = |world: &mut World| {
            assert_eq!(world.set_calls.len(), 100);
            world.flips_ignored.clear();
        };
        world.at_call.insert(READ_BACK, Box::new(passes));
    }
    let report = play(&world, &mut Transfer::new(config(250, 3)));
    assert_eq!((report.flipped, report.exceptions.len(), report.stopped), (250, 0, None));
}

/// Killed at any call, before a breach or after it, and started again and again: nobody is set who was not
/// set before the breach. Repaired, everybody flips, each once.
#[test]
fn a_breach_holds_through_a_crash_at_any_call() {
    type Start = fn(&Shared) -> TransferReport;
    let there: Start = |world| {
        let pace = Pace { sets_a_minute: Some(2), jitter: 0 };
        play(world, &mut Transfer::new(TransferConfig { pace, ..config(6, 1) }))
    };
    let back: Start = |world| {
        let config = RollbackConfig {
            apply: true,
            accept_losses: true,
            most_failures: Some(1),
            pace: Pace { sets_a_minute: Some(2), jitter: 0 },
            ..RollbackConfig::new("t", all(6))
        };
        play(world, &mut Rollback::new(config))
    };
    for (start, flag) in [(there, false), (back, true)] {
        let run = |halt_at: Option<u64>| {
            let world = World::with(6);
            for mailbox in world.0.borrow_mut().mailboxes.values_mut() {
                mailbox.cloud_managed = flag;
            }
            refuse_everything(&world);
            world.0.borrow_mut().halt_at = halt_at;
            let first = start(&world);
            assert!(first.stopped.is_some(), "halted at {halt_at:?}");
            let calls = world.0.borrow().calls;
            (world.0.borrow_mut().halted, world.0.borrow_mut().halt_at) = (false, None);
            for _ in 0..2 {
                let again = start(&world);
                assert!(again.stopped.unwrap().detail.contains("at most 1 may"));
                assert_eq!(world.0.borrow().set_calls.len(), 2, "halted at {halt_at:?}");
            }
            repair(&world);
            let report = start(&world);
            assert_eq!((report.flipped, report.stopped), (6, None), "halted at {halt_at:?}");
            assert!(world.0.borrow().effective_flips.values().all(|flips| *flips == 1));
            calls
        };
        for call in 1..=run(None) {
            run(Some(call));
        }
    }
}

/// A ring ends as soon as it cannot be accepted any more: by those that are blocked before anybody flips.
#[test]
fn a_ring_that_cannot_be_accepted_flips_nobody_more() {
    let world = world(5);
    world.0.borrow_mut().mailboxes.get_mut(&id(4)).unwrap().recipient_type_details =
        "MailUser".into();
    let ring = |most_without| RolloutConfig {
        transfer: TransferConfig::new("r", Vec::new()),
        rings: vec![Ring {
            name: "pilot".into(),
            mailboxes: all(5),
            acceptance: Acceptance { most_without, soak: Duration::ZERO },
        }],
    };
    let report = play(&world, &mut Rollout::new(ring(0)));
    assert!(report.rings[0].breach.as_ref().unwrap().contains("1 mailboxes are without"));
    assert!(world.0.borrow().set_calls.is_empty(), "it was known before the first flip");
    let report = play(&world, &mut Rollout::new(ring(1)));
    assert_eq!((report.stopped, world.0.borrow().set_calls.len()), (None, 4));
}

/// Killed between backup and call, and the world changes before the next life: what is kept is what was there
/// just before the flip, and what stands against it now counts.
#[test]
fn a_resumed_transfer_checks_and_backs_up_what_it_never_set() {
    // Version, progress, tenant, mailboxes, backups; the call of the flags is not made any more.
    const SET: u64 = 6;
    let config = || TransferConfig { sides: Sides::Cloud, ..TransferConfig::new("t", all(3)) };
    let world = world(3);
    world.0.borrow_mut().halt_at = Some(SET);
    play(&world, &mut Transfer::new(config()));
    assert_eq!(
        (world.0.borrow().store.len(Table::Backups), world.0.borrow().set_calls.len()),
        (3, 0)
    );
    {
        let mut world = world.0.borrow_mut();
        (world.halted, world.halt_at) = (false, None);
        world.set(0, "CustomAttribute3", &["newer"]);
        world.mailboxes.get_mut(&id(1)).unwrap().recipient_type_details = "MailUser".into();
    }
    let report = play(&world, &mut Transfer::new(config()));
    assert_eq!((report.flipped, report.blocked), (2, 1), "{report:?}");
    let mut world = world.0.borrow_mut();
    let kept = backup_run::stored(&mut world.store, "t", None).unwrap().backups;
    let first = kept.into_iter().find(|backup| backup.mailbox() == Some(id(0))).unwrap();
    assert_eq!(first.values["CustomAttribute3"], ["newer"]);
    assert!(!world.set_calls.contains_key(&id(1)));
}
