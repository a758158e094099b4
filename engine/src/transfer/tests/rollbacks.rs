//! What a rollback says, and whom it takes back.

use super::*;

#[test]
fn a_rollback_says_first_what_will_be_lost() {
    let world = World::with(3);
    {
        let mut world = world.0.borrow_mut();
        world.edit(0, "cloud only");
        world.mailboxes.get_mut(&id(0)).unwrap().values.edit(|values| {
            values[20].push("smtp:extra@contoso.com".into());
            values[20].push("smtp:u0@contoso.onmicrosoft.com".into());
        });
        let hidden = world.objects.get_mut(&object_guid(1)).unwrap();
        hidden.values.insert("msExchHideFromAddressLists".into(), vec![b"TRUE".to_vec()]);
        world.mailboxes.get_mut(&id(2)).unwrap().recipient_type_details = "SharedMailbox".into();
    }
    let mut config = RollbackConfig { accept_losses: true, ..RollbackConfig::new("r", all(3)) };
    let dry = play(&world, &mut Rollback::new(config.clone()));
    let lost: Vec<(&str, &str)> =
        dry.losses.iter().map(|loss| (loss.attribute.as_ref(), loss.value.as_str())).collect();
    assert_eq!(
        lost,
        [
            ("extensionAttribute1", "cloud only"),
            ("proxyAddresses", "smtp:extra@contoso.com"),
            ("msExchHideFromAddressLists", "False"),
            ("msExchRecipientTypeDetails", "SharedMailbox"),
        ]
    );
    assert_eq!(dry.losses[0].instead, "HR-1".into());
    assert_eq!(by_attribute(&dry.losses).len(), 4);
    assert!(world.0.borrow().set_calls.is_empty());

    config.apply = true;
    let mut rollback = Rollback::new(config);
    while world.0.borrow().set_calls.is_empty() {
        world.step(&mut rollback);
        let known = !rollback.report().losses.is_empty();
        assert!(world.0.borrow().set_calls.is_empty() || known, "losses come before the calls");
    }
    let report = play(&world, &mut rollback);
    assert_eq!((report.flipped, report.losses.len()), (3, 4));
    assert!(world.0.borrow().mailboxes.values().all(|mailbox| !mailbox.cloud_managed));
}

#[test]
fn a_rollback_that_may_lose_nothing_leaves_those_mailboxes_alone() {
    let world = World::with(2);
    world.0.borrow_mut().edit(0, "cloud only");
    let config = RollbackConfig { apply: true, ..RollbackConfig::new("r", all(2)) };
    let report = play(&world, &mut Rollback::new(config.clone()));
    assert_eq!((report.flipped, report.blocked), (1, 1));
    assert!(world.0.borrow().mailboxes[&id(0)].cloud_managed);
    world.0.borrow_mut().agents.clear();
    let blind = RollbackConfig { id: "s".into(), ..config };
    let report = play(&world, &mut Rollback::new(blind));
    assert!(report.stopped.is_some(), "without AD nobody knows the losses");
}

/// What is edited between the report and the flag is told too, and blocks unless losses are accepted.
#[test]
fn a_late_edit_is_a_loss_as_well() {
    for accept_losses in [false, true] {
        let world = World::with(4);
        let pace = Pace { sets_a_minute: Some(2), jitter: 0 };
        let config =
            RollbackConfig { apply: true, accept_losses, pace, ..RollbackConfig::new("r", all(4)) };
        let mut rollback = Rollback::new(config);
        while world.0.borrow().set_calls.is_empty() {
            world.step(&mut rollback);
        }
        assert!(rollback.report().losses.is_empty());
        world.0.borrow_mut().edit(3, "late");
        let report = play(&world, &mut rollback);
        let lost: Vec<_> =
            report.losses.iter().map(|loss| (loss.mailbox, loss.value.as_str())).collect();
        assert_eq!(lost, [(id(3), "late")]);
        let blocked = u64::from(!accept_losses);
        assert_eq!((report.flipped, report.blocked), (4 - blocked, blocked), "{report:?}");
        assert_eq!(world.0.borrow().mailboxes[&id(3)].cloud_managed, !accept_losses);
    }
}

/// Killed at any call and started again in a world that changed meanwhile: no value is lost that the report does
/// not name.
#[test]
fn a_rollback_that_was_killed_weighs_anew() {
    let run = |halt_at: Option<u64>| {
        let world = World::with(2);
        world.0.borrow_mut().halt_at = halt_at;
        let config = RollbackConfig { apply: true, ..RollbackConfig::new("r", all(2)) };
        play(&world, &mut Rollback::new(config.clone()));
        let calls = world.0.borrow().calls;
        (world.0.borrow_mut().halted, world.0.borrow_mut().halt_at) = (false, None);
        let back = |number: u16| !world.0.borrow().mailboxes[&id(number)].cloud_managed;
        // A call that was made may show its effect later, and cannot be taken back.
        let was_back = back(1) || world.0.borrow().set_calls.contains_key(&id(1));
        world.0.borrow_mut().edit(1, "late");
        let report = play(&world, &mut Rollback::new(config));
        assert!(back(0), "halted at {halt_at:?}");
        assert_eq!(back(1), was_back, "halted at {halt_at:?}");
        assert_eq!((report.blocked == 1, report.losses.len()), (!was_back, usize::from(!was_back)));
        calls
    };
    for call in 1..=run(None) {
        run(Some(call));
    }
}

/// Killed at any call and started again with losses accepted: what the last report names is what a dry run named,
/// and whoever was taken back stands in the log with his values before.
#[test]
fn a_rollback_that_was_killed_names_what_its_earlier_life_took() {
    let run = |halt_at: Option<u64>, after: bool| {
        let world = World::with(5);
        (0..4).for_each(|number| world.0.borrow_mut().edit(number, "cloud only"));
        let pace = Pace { sets_a_minute: Some(2), jitter: 0 };
        let mut config =
            RollbackConfig { accept_losses: true, pace, ..RollbackConfig::new("r", all(5)) };
        let dry = play(&world, &mut Rollback::new(config.clone()));
        let sorted = |losses: &[Loss]| {
            let mut losses = losses.to_vec();
            losses.sort();
            losses
        };
        assert_eq!(dry.losses.len(), 4);
        config.apply = true;
        let dry_calls = world.0.borrow().calls;
        world.0.borrow_mut().halt_at = halt_at.map(|call| dry_calls + call);
        world.0.borrow_mut().halt_after = after;
        play(&world, &mut Rollback::new(config.clone()));
        let calls = world.0.borrow().calls - dry_calls;
        // Connect brings AD's values to whoever is back: no side holds the others any more.
        let back: Vec<u16> =
            (0..4).filter(|at| !world.0.borrow().mailboxes[&id(*at)].cloud_managed).collect();
        back.into_iter().for_each(|number| world.0.borrow_mut().edit(number, "HR-1"));
        (world.0.borrow_mut().halted, world.0.borrow_mut().halt_at) = (false, None);
        let report = play(&world, &mut Rollback::new(config));
        assert_eq!(report.flipped, 5, "halted at {halt_at:?}");
        assert_eq!(sorted(&report.losses), sorted(&dry.losses), "halted at {halt_at:?}");
        let world = world.0.borrow();
        for number in 0..4 {
            let of: Vec<_> = world.records.iter().filter(|one| one.mailbox == id(number)).collect();
            let first = of.first().unwrap();
            assert_eq!((first.outcome, first.detail.as_str()), ("begun", "1 values would be lost"));
            let change = &first.changes[0];
            assert_eq!((&change.old, &change.new), (&"cloud only".into(), &"HR-1".into()));
        }
        assert!(world.effective_flips.values().all(|flips| *flips == 1));
        calls
    };
    for call in 1..=run(None, false) {
        run(Some(call), false);
        run(Some(call), true);
    }
}

/// A search whose connection is lost is made again with the same agent; one that stays silent gives way to the
/// next, and when none is left they are listed anew and the last one's error is told.
#[test]
fn a_lost_search_is_made_again() {
    let lost = |times: u32| {
        let world = World::with(2);
        let error = CallError::Unreachable { detail: "connection reset".into() };
        world.0.borrow_mut().agent_errors.extend(vec![error; times as usize]);
        let config = RollbackConfig { apply: true, ..RollbackConfig::new("r", all(2)) };
        play(&world, &mut Rollback::new(config))
    };
    for times in [1, 4, 5, 7] {
        let report = lost(times);
        assert_eq!((report.flipped, report.stopped), (2, None), "{times}");
    }
    let stopped = lost(100).stopped.unwrap();
    assert_eq!(stopped.code, crate::failure::code::NO_ACTIVE_AGENTS);
    assert!(stopped.detail.contains("connection reset"), "{}", stopped.detail);
}
