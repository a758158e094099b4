//! What an activity says that is ended before its time: whatever is known, at whatever moment.

use super::*;
use crate::failure::{Failure, INTERRUPTED};

/// Ends an activity after each number of steps, and looks at what it says then.
fn at_every_moment<A: Accounts>(
    begin: impl Fn() -> (Shared, A),
    look: impl Fn(&Shared, A::Outcome, bool),
) {
    for moment in 0.. {
        let (world, mut activity) = begin();
        for _ in 0..moment {
            match world.step(&mut activity) {
                Step::Busy => {}
                Step::WaitUntil(at) => world.0.borrow_mut().now = at,
                Step::Done(outcome) => return look(&world, outcome, true),
            }
        }
        let told = activity.is_told();
        let outcome = activity.account(Some(Failure::interrupted()));
        look(&world, outcome, false);
        let world = world.0.borrow();
        let of =
            |mailbox: &MailboxId| world.records.iter().any(|record| record.mailbox == *mailbox);
        assert!(!told || world.effective_flips.keys().all(of), "after {moment} steps");
    }
}

/// Everybody is somewhere in the report, and whose call was made is no mere rest.
fn whole(world: &Shared, report: &TransferReport, all: u64, ended: bool) {
    let decided = report.flipped + report.already + report.not_flipped();
    let undecided = report.undecided.len() as u64;
    assert_eq!(decided + undecided + report.not_begun, all, "{report:?}");
    let world = world.0.borrow();
    let called = world.set_calls.len() as u64;
    assert!(report.flipped <= called);
    assert!(called <= report.flipped + undecided + report.not_good());
    let code = report.stopped.as_ref().map(|why| why.code);
    assert_eq!(code, (!ended).then_some(INTERRUPTED));
    assert!(!ended || undecided + report.not_begun == 0);
}

fn seven() -> Shared {
    let world = world(7);
    {
        let mut world = world.0.borrow_mut();
        world.mailboxes.get_mut(&id(0)).unwrap().dir_synced = false;
        world.mailboxes.get_mut(&id(1)).unwrap().cloud_managed = true;
        world.flips_ignored.insert(id(2));
        world.set_answers.push_back(SetOutcome::Unknown);
    }
    world
}

fn config() -> TransferConfig {
    let pace = Pace { sets_a_minute: Some(2), jitter: 0 };
    TransferConfig { wave: 3, pace, ..TransferConfig::new("t", all(7)) }
}

#[test]
fn an_interrupted_transfer_says_what_it_did_and_what_is_open() {
    at_every_moment(
        || (seven(), Transfer::new(config())),
        |world, report, ended| whole(world, &report, 7, ended),
    );
}

/// The ring under way is in the report like those before it, and the others are named.
#[test]
fn an_interrupted_rollout_keeps_the_report_of_the_ring_under_way() {
    let ring = |name: &str, numbers: std::ops::Range<u16>| Ring {
        name: name.into(),
        mailboxes: numbers.map(id).collect(),
        acceptance: Acceptance { most_without: 3, soak: Duration::from_hours(1) },
    };
    let rings = vec![ring("pilot", 0..4), ring("rest", 4..7)];
    at_every_moment(
        || {
            let (transfer, rings) = (config(), rings.clone());
            (seven(), Rollout::new(RolloutConfig { transfer, rings }))
        },
        |world, report, ended| {
            let begun = report.rings.iter().map(|ring| ring.transfer.clone());
            let mut sum = TransferReport { stopped: report.stopped.clone(), ..Default::default() };
            for ring in begun {
                sum.flipped += ring.flipped;
                sum.already += ring.already;
                sum.blocked += ring.blocked;
                sum.no_op += ring.no_op;
                sum.undecided.extend(ring.undecided);
                sum.not_begun += ring.not_begun;
            }
            let waits = |name: &&String| report.waiting.contains(*name);
            let waiting = rings.iter().filter(|ring| waits(&&ring.name));
            sum.not_begun += waiting.map(|ring| ring.mailboxes.len() as u64).sum::<u64>();
            assert_eq!(report.rings.len() + report.waiting.len(), 2);
            whole(world, &sum, 7, ended);
        },
    );
}

/// The account of a rollout that a read ends between flip and verification is as whole.
#[test]
fn a_ring_that_cannot_be_verified_is_told_with_its_flips() {
    let world = world(2);
    let acceptance = Acceptance { most_without: 0, soak: Duration::from_hours(1) };
    let ring = Ring { name: "pilot".into(), mailboxes: all(2), acceptance };
    let config =
        RolloutConfig { transfer: TransferConfig::new("r", Vec::new()), rings: vec![ring] };
    let mut rollout = Rollout::new(config);
    while world.0.borrow().effective_flips.len() < 2 {
        match world.step(&mut rollout) {
            Step::WaitUntil(at) => world.0.borrow_mut().now = at,
            step => assert_eq!(step, Step::Busy),
        }
    }
    let later = world.0.borrow().now + Duration::from_mins(30);
    world.run(&mut rollout, later);
    let error = CallError::Refused { code: "403".into(), detail: "denied".into() };
    world.0.borrow_mut().exchange_errors.push_back(error);
    let report = play(&world, &mut rollout);
    assert!(report.stopped.unwrap().detail.contains("denied"));
    assert_eq!((report.rings[0].transfer.flipped, report.rings[0].without.as_ref()), (2, None));
}

#[test]
fn an_interrupted_rollback_says_what_it_did_and_what_is_lost() {
    let begin = || {
        let world = World::with(7);
        world.0.borrow_mut().mailboxes.get_mut(&id(1)).unwrap().cloud_managed = false;
        (3..7).for_each(|number| world.0.borrow_mut().edit(number, "cloud only"));
        let pace = Pace { sets_a_minute: Some(2), jitter: 0 };
        let (apply, accept_losses, wave) = (true, true, 3);
        let config =
            RollbackConfig { apply, accept_losses, wave, pace, ..RollbackConfig::new("r", all(7)) };
        (world, Rollback::new(config))
    };
    at_every_moment(begin, |world, report, ended| {
        whole(world, &report, 7, ended);
        // Nobody is set whose losses are not told.
        for mailbox in world.0.borrow().set_calls.keys().filter(|mailbox| **mailbox >= id(3)) {
            assert!(report.losses.iter().any(|loss| loss.mailbox == *mailbox), "{report:?}");
        }
    });
}

#[test]
fn an_interrupted_restore_says_what_it_wrote_and_what_is_open() {
    for to in [RestoreTo::Cloud, RestoreTo::Directory] {
        let begin = || {
            let world = World::with(6);
            let backups = play(&world, &mut TakeBackup::new(all(6), Sides::Both)).unwrap().backups;
            for number in 1..6 {
                world.0.borrow_mut().edit(number, "spoiled");
                world.0.borrow_mut().set_in_ad(number, "extensionAttribute1", &[b"spoiled"]);
            }
            let job = crate::test_world::configuration();
            let config = RestoreConfig { backups, to, apply: true, job };
            let pace = Pace { sets_a_minute: Some(2), jitter: 0 };
            (world, Restore::new(config).paced(pace))
        };
        at_every_moment(begin, |world, report, ended| {
            assert_eq!(report.mailboxes.len() as u64 + report.not_begun, 6, "{report:?}");
            assert_eq!(report.stopped.is_none(), ended);
            let of = |wanted: fn(&Restored) -> bool| {
                report.mailboxes.iter().filter(|one| wanted(&one.outcome)).count()
            };
            let unverified = of(|outcome| matches!(outcome, Restored::Unverified(_)));
            let written = of(|outcome| *outcome == Restored::Written);
            let world = world.0.borrow();
            let done = match to {
                RestoreTo::Cloud => world.set_calls.len(),
                _ => world.sent.len(),
            };
            assert_eq!(written + unverified, done, "{report:?}");
            assert!(ended || world.records.len() >= done, "what is written was told as begun");
        });
    }
}

/// A restore spends of the budget that flips spend of, and what another life spent counts.
#[test]
fn a_restore_keeps_what_it_spends() {
    let world = World::with(6);
    let backups = play(&world, &mut TakeBackup::new(all(6), Sides::Cloud)).unwrap().backups;
    (0..6).for_each(|number| world.0.borrow_mut().edit(number, "spoiled"));
    let job = crate::test_world::configuration();
    let config = RestoreConfig { backups, to: RestoreTo::Cloud, apply: true, job };
    let pace = Pace { sets_a_minute: Some(2), jitter: 0 };
    let minutes = |world: &Shared| world.0.borrow().now.since(START).as_secs() / 60;
    for life in 0..3_u64 {
        let mut restore = Restore::new(config.clone()).paced(pace);
        while world.0.borrow().set_calls.len() < 2 * (life as usize + 1) {
            if let Step::WaitUntil(at) = world.step(&mut restore) {
                world.0.borrow_mut().now = at;
            }
        }
        assert_eq!(minutes(&world), life, "two a minute, whoever asks");
    }
}
