//! Rollouts, ring after ring.

use super::*;

#[test]
fn the_next_ring_starts_only_when_the_one_before_is_verified() {
    let ring = |name: &str, numbers: std::ops::Range<u16>, most_without| Ring {
        name: name.into(),
        mailboxes: numbers.map(id).collect(),
        acceptance: Acceptance { most_without, soak: Duration::from_hours(2) },
    };
    let config = |most: u64| RolloutConfig {
        transfer: TransferConfig::new("r", Vec::new()),
        rings: vec![ring("pilot", 0..2, 0), ring("early", 2..5, most), ring("all", 5..8, 0)],
    };
    let names = |report: &RolloutReport| -> Vec<String> {
        report.rings.iter().map(|ring| ring.name.clone()).collect()
    };
    let world = world(8);
    world.0.borrow_mut().flips_ignored.insert(id(3));
    let report = play(&world, &mut Rollout::new(config(0)));
    assert_eq!(
        (names(&report), report.waiting),
        (vec!["pilot".into(), "early".into()], vec!["all".into()])
    );
    assert!(report.rings[1].breach.as_ref().unwrap().contains("1 mailboxes"));
    assert!(!world.0.borrow().set_calls.contains_key(&id(5)), "the last ring never began");
    // Going on with it flips nobody again; and a flag that was lost in the meantime is a breach.
    world.0.borrow_mut().mailboxes.get_mut(&id(0)).unwrap().cloud_managed = false;
    let sets = world.0.borrow().set_calls.clone();
    let report = play(&world, &mut Rollout::new(config(1)));
    let pilot = &report.rings[0];
    assert_eq!((pilot.transfer.flipped, pilot.transfer.failed), (1, 1), "it lacks the flag");
    assert!(pilot.transfer.exceptions[0].detail.contains("took its flag back"));
    assert!(pilot.breach.is_some());
    assert_eq!((names(&report), world.0.borrow().set_calls.clone()), (vec!["pilot".into()], sets));
    world.0.borrow_mut().mailboxes.get_mut(&id(0)).unwrap().cloud_managed = true;
    let report = play(&world, &mut Rollout::new(config(1)));
    assert_eq!((report.rings.len(), report.stopped), (3, None));
    assert!(world.0.borrow().effective_flips.values().all(|flips| *flips == 1));
}

#[test]
fn a_rollout_that_is_killed_at_any_call_flips_every_mailbox_once() {
    let config = || RolloutConfig {
        transfer: TransferConfig::new("r", Vec::new()),
        rings: (0..3)
            .map(|ring| Ring {
                name: format!("ring{ring}"),
                mailboxes: (0..2).map(|number| id(2 * ring + number)).collect(),
                acceptance: Acceptance::default(),
            })
            .collect(),
    };
    let run = |halt_at: Option<u64>, halt_after: bool| {
        let world = world(6);
        world.0.borrow_mut().halt_at = halt_at;
        world.0.borrow_mut().halt_after = halt_after;
        let mut report = play(&world, &mut Rollout::new(config()));
        if halt_at.is_some() {
            assert!(report.stopped.is_some());
            world.0.borrow_mut().halted = false;
            world.0.borrow_mut().halt_at = None;
            report = play(&world, &mut Rollout::new(config()));
        }
        let state = world.0.borrow();
        assert_eq!((report.rings.len(), report.stopped), (3, None), "halted at {halt_at:?}");
        assert_eq!(state.effective_flips.len(), 6);
        assert!(state.effective_flips.values().all(|flips| *flips == 1));
        state.calls
    };
    let calls = run(None, false);
    for call in 1..=calls {
        run(Some(call), false);
    }
}

/// A soak is counted from the end of its ring's flips, whichever life saw that; one that is over is not waited for
/// again, and who is flipped in a ring that was done begins it anew.
#[test]
fn a_soak_goes_on_where_it_was() {
    const SOAK: Duration = Duration::from_hours(24);
    let config = |most: u16| RolloutConfig {
        transfer: TransferConfig::new("r", Vec::new()),
        rings: vec![Ring {
            name: "pilot".into(),
            mailboxes: (0..most).map(id).collect(),
            acceptance: Acceptance { most_without: 0, soak: SOAK },
        }],
    };
    // Until it waits for its soak: what it says of that, and when that ends.
    let until = |rollout: &mut Rollout, world: &Shared| loop {
        match world.step(rollout) {
            Step::Busy => {}
            Step::WaitUntil(at) => {
                let soaks = rollout.waits_for().is_some_and(|why| why.contains("soak"));
                if soaks {
                    return Some(at);
                }
                world.0.borrow_mut().now = at;
            }
            Step::Done(report) => {
                assert_eq!(report.stopped, None);
                return None;
            }
        }
    };
    let world = world(4);
    let first = until(&mut Rollout::new(config(2)), &world).unwrap();
    world.0.borrow_mut().now = first - Duration::from_hours(5);
    let mut killed_before = Rollout::new(config(2));
    assert_eq!(until(&mut killed_before, &world), Some(first), "not a day more");
    world.0.borrow_mut().now = first;
    assert_eq!(until(&mut killed_before, &world), None);
    assert_eq!(until(&mut Rollout::new(config(2)), &world), None, "it is done");
    let more = until(&mut Rollout::new(config(3)), &world).unwrap();
    assert!(more >= first + SOAK, "somebody new soaks");
}
