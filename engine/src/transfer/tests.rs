//! Whole transfers and rollbacks against the small world.

use std::time::Duration;

use super::loss::by_attribute;
use super::readiness::id as finding;
use super::*;
use crate::guid::Guid;
use crate::ports::{CallError, MailboxId, SetOutcome, Table};
use crate::step::{Accounts, Activity, Step};
use crate::test_world::{START, Shared, World, id, object_guid};

mod accounts;
mod checks;
mod criteria;
mod odd;
mod pace;
mod records;
mod restores;
mod rings;
mod rollbacks;

/// A world whose mailboxes are all managed on-premises.
fn world(count: u16) -> Shared {
    let world = World::with(count);
    for mailbox in world.0.borrow_mut().mailboxes.values_mut() {
        mailbox.cloud_managed = false;
    }
    world
}

fn all(count: u16) -> Vec<MailboxId> {
    (0..count).map(id).collect()
}

fn play<A: Activity>(world: &Shared, activity: &mut A) -> A::Outcome {
    world.run_for(activity, Duration::from_hours(24 * 60)).unwrap()
}

fn refused(code: &str) -> SetOutcome {
    SetOutcome::Refused { code: code.into(), message: String::new() }
}

/// Who watches sees how far it is, wave after wave, and in a rollback what was weighed before.
#[test]
fn how_far_a_transfer_is_can_be_told() {
    let world = world(7);
    fn told<A: Activity>(world: &Shared, activity: &mut A) -> Vec<String> {
        let mut told: Vec<String> = Vec::new();
        loop {
            match world.step(activity) {
                Step::Done(_) => return told,
                Step::WaitUntil(at) => world.0.borrow_mut().now = at,
                Step::Busy => {}
            }
            told.extend(activity.progress().filter(|text| told.last() != Some(text)));
        }
    }
    let mut config = TransferConfig::new("t", all(7));
    (config.wave, config.sides) = (3, Sides::Cloud);
    config.mailboxes.push(id(0));
    let waves = told(&world, &mut Transfer::new(config));
    assert_eq!(
        waves,
        [3, 6, 7].map(|done| format!("{done} of 7 mailboxes decided, {done} flipped")),
    );
    let mut config = RollbackConfig::new("t", all(7));
    (config.apply, config.accept_losses, config.wave) = (true, true, 4);
    let back = told(&world, &mut Rollback::new(config));
    assert_eq!(back.first().map(String::as_str), Some("7 of 7 mailboxes weighed"), "{back:?}");
    assert_eq!(back.last().unwrap(), "7 of 7 mailboxes decided, 7 rolled back", "{back:?}");
}

#[test]
fn every_mailbox_flips_once_and_is_backed_up_before() {
    let world = world(7);
    let mut config = TransferConfig::new("t", all(7));
    config.wave = 3;
    config.mailboxes.push(id(0));
    let report = play(&world, &mut Transfer::new(config.clone()));
    assert_eq!((report.flipped, report.waves, report.duplicates), (7, 3, 1));
    assert_eq!((report.exceptions.len(), report.stopped.as_ref()), (0, None));
    {
        let world = world.0.borrow();
        assert!(world.mailboxes.values().all(|mailbox| mailbox.cloud_managed));
        assert_eq!(world.store.len(Table::Backups), 7);
        let (_, line) = world.store.rows(Table::Backups).next().unwrap();
        let backup = Backup::from_line(line).unwrap();
        assert!(!backup.cloud_managed);
        assert_eq!(backup.values["CustomAttribute3"], ["HR-3"]);
        assert_eq!(backup.values["EmailAddresses"].len(), 2);
    }
    let sets = world.0.borrow().set_calls.clone();
    let again = play(&world, &mut Transfer::new(config));
    assert_eq!((again.flipped, again.flipped_before), (7, 7), "it reports what it did, and when");
    let other = play(&world, &mut Transfer::new(TransferConfig::new("u", all(7))));
    assert_eq!((other.flipped, other.already), (0, 7));
    assert_eq!(world.0.borrow().set_calls, sets);
}

#[test]
fn what_cannot_flip_is_classified_and_nothing_is_tried() {
    let world = world(4);
    {
        let mut world = world.0.borrow_mut();
        world.mailboxes.get_mut(&id(0)).unwrap().dir_synced = false;
        world.mailboxes.get_mut(&id(1)).unwrap().recipient_type_details = "MailUser".into();
        world.mailboxes.get_mut(&id(2)).unwrap().cloud_managed = true;
    }
    let mut mailboxes = all(4);
    mailboxes.push(MailboxId(Guid([0; 16])));
    let report = play(&world, &mut Transfer::new(TransferConfig::new("t", mailboxes)));
    assert_eq!((report.flipped, report.already, report.blocked), (1, 1, 3));
    let ids: Vec<&str> = report.findings.iter().map(|finding| finding.id).collect();
    for expected in [finding::NOT_SYNCED, finding::TYPE, finding::ALREADY, finding::MISSING] {
        assert!(ids.contains(&expected), "{expected}");
    }
    assert_eq!(world.0.borrow().set_calls.len(), 1);
}

#[test]
fn an_old_connect_build_stops_the_transfer_unless_it_is_accepted() {
    let world = world(2);
    let mut config = TransferConfig::new("t", all(2));
    config.evidence.connect_build = Some("2.5.79.0".into());
    let report = play(&world, &mut Transfer::new(config.clone()));
    assert!(report.stopped.unwrap().code == finding::CONNECT_OLD);
    assert!(world.0.borrow().set_calls.is_empty());
    config.accepted.insert(finding::CONNECT_OLD.to_owned());
    assert_eq!(play(&world, &mut Transfer::new(config)).flipped, 2);
}

#[test]
fn a_dry_run_finds_and_changes_nothing() {
    let world = world(2);
    let mut config = TransferConfig::new("t", all(2));
    config.apply = false;
    let report = play(&world, &mut Transfer::new(config));
    assert_eq!(report.flipped, 0);
    assert!(!report.findings.is_empty());
    let world = world.0.borrow();
    assert!(world.set_calls.is_empty());
    assert_eq!(world.store, crate::journal::MemoryStore::default());
}

#[test]
fn a_slow_forward_sync_is_waited_for_and_never_set_again() {
    let world = world(3);
    world.0.borrow_mut().flip_delay = Duration::from_hours(2);
    let report = play(&world, &mut Transfer::new(TransferConfig::new("t", all(3))));
    assert_eq!(report.flipped, 3);
    let world = world.0.borrow();
    assert!(world.set_calls.values().all(|calls| *calls == 1));
    let waited = world.now.since(START);
    assert!(waited >= Duration::from_hours(2) && waited < Duration::from_hours(4), "{waited:?}");
}

#[test]
fn the_read_back_decides_whatever_the_call_said() {
    let world = world(4);
    {
        let mut world = world.0.borrow_mut();
        // 0: accepted without effect; 1: an error without text, though applied; 2: refused; 3: no answer, though applied.
        world.flips_ignored.extend([id(0), id(2)]);
        world.set_answers.extend([
            SetOutcome::Accepted,
            refused(""),
            refused("AccessDenied"),
            SetOutcome::Unknown,
        ]);
        world.set_answers.extend(vec![refused("AccessDenied"); 3]);
    }
    let report = play(&world, &mut Transfer::new(TransferConfig::new("t", all(4))));
    assert_eq!((report.flipped, report.warnings), (2, 1));
    assert_eq!((report.no_op, report.refused, report.failed), (1, 1, 0));
    let outcomes: Vec<(MailboxId, MailboxOutcome)> =
        report.exceptions.iter().map(|entry| (entry.mailbox, entry.outcome)).collect();
    assert_eq!(
        outcomes,
        [
            (id(0), MailboxOutcome::NoOp),
            (id(1), MailboxOutcome::FlippedWithWarning),
            (id(2), MailboxOutcome::Refused),
        ]
    );
    let world = world.0.borrow();
    let calls: Vec<u32> = (0..4).map(|number| world.set_calls[&id(number)]).collect();
    assert_eq!(calls, [1, 1, 4, 1]);
    assert!(world.now.since(START) >= Duration::from_hours(24), "the deadline of the no-op");
}

#[test]
fn throttling_is_honoured_and_a_breached_wave_is_the_last() {
    let world = world(6);
    let wish = Some(Duration::from_mins(7));
    world.0.borrow_mut().exchange_errors.push_back(CallError::Throttled { retry_after: wish });
    world.0.borrow_mut().flips_ignored.extend([id(0), id(1)]);
    let mut config = TransferConfig::new("t", all(6));
    config.wave = 3;
    config.most_failures = Some(1);
    let report = play(&world, &mut Transfer::new(config));
    assert_eq!((report.no_op, report.flipped), (2, 1));
    assert!(report.stopped.unwrap().detail.contains("at most 1"));
    let world = world.0.borrow();
    assert_eq!(world.set_calls.len(), 3, "the second wave never began");
    let calls = &world.exchange_calls;
    assert!(calls[1].since(calls[0]) >= Duration::from_mins(7));
}

#[test]
fn a_crash_at_any_call_flips_every_mailbox_once() {
    let run = |halt_at: Option<u64>, delay: Duration| {
        let world = world(5);
        world.0.borrow_mut().halt_at = halt_at;
        world.0.borrow_mut().flip_delay = delay;
        world.0.borrow_mut().set_answers.push_back(refused("Busy"));
        let mut config = TransferConfig::new("t", all(5));
        config.wave = 2;
        let mut report = play(&world, &mut Transfer::new(config.clone()));
        if halt_at.is_some() {
            assert!(report.stopped.is_some());
            world.0.borrow_mut().halted = false;
            report = play(&world, &mut Transfer::new(config));
        }
        let state = world.0.borrow();
        assert_eq!((report.flipped, report.already), (5, 0), "halted at {halt_at:?}");
        assert!(state.effective_flips.values().all(|flips| *flips == 1));
        for (_, line) in state.store.rows(Table::Backups) {
            assert!(!Backup::from_line(line).unwrap().cloud_managed, "halted at {halt_at:?}");
        }
        state.calls
    };
    for delay in [Duration::ZERO, Duration::from_mins(3)] {
        let calls = run(None, delay);
        for call in 1..=calls {
            run(Some(call), delay);
        }
    }
}

/// One name for a flip, its way back and the next flip: each looks at the flags as they are, and says
/// what it did itself.
#[test]
fn there_and_back_and_there_again_under_one_name() {
    let world = world(3);
    let flags = |world: &Shared| {
        world.0.borrow().mailboxes.values().filter(|mailbox| mailbox.cloud_managed).count()
    };
    let there = TransferConfig::new("t", all(3));
    let back =
        RollbackConfig { apply: true, accept_losses: true, ..RollbackConfig::new("t", all(3)) };
    for _ in 0..2 {
        let report = play(&world, &mut Transfer::new(there.clone()));
        assert_eq!((report.flipped, report.waves, flags(&world)), (3, 1, 3));
        world.0.borrow_mut().edit(1, "cloud only");
        let dry = RollbackConfig { apply: false, ..back.clone() };
        let dry = play(&world, &mut Rollback::new(dry));
        assert_eq!((dry.would_flip, dry.flipped, dry.losses.len()), (3, 0, 1));
        let report = play(&world, &mut Rollback::new(back.clone()));
        assert_eq!((report.flipped, report.losses.len(), flags(&world)), (3, 1, 0));
    }
}

/// What did not flip is no verdict for ever: the remedy counts at the next call of the same name.
#[test]
fn what_stood_against_a_flip_is_checked_anew() {
    let world = world(2);
    world.0.borrow_mut().mailboxes.get_mut(&id(0)).unwrap().recipient_type_details =
        "MailUser".into();
    let config = TransferConfig::new("t", all(2));
    let first = play(&world, &mut Transfer::new(config.clone()));
    assert_eq!((first.flipped, first.blocked), (1, 1));
    world.0.borrow_mut().mailboxes.get_mut(&id(0)).unwrap().recipient_type_details =
        "UserMailbox".into();
    let second = play(&world, &mut Transfer::new(config));
    assert_eq!((second.flipped, second.blocked), (2, 0));
    assert_eq!(world.0.borrow().set_calls.len(), 2, "who was flipped is not set again");
}

/// A wave that breached what is acceptable is tried again by the next call, and stays the last one
/// until it is within bounds.
#[test]
fn a_breached_wave_stays_the_last_at_the_next_call() {
    let world = world(4);
    world.0.borrow_mut().flips_ignored.insert(id(0));
    let mut config = TransferConfig::new("t", all(4));
    (config.wave, config.most_failures) = (2, Some(0));
    for _ in 0..2 {
        let report = play(&world, &mut Transfer::new(config.clone()));
        assert!(report.stopped.is_some());
        assert_eq!((report.flipped, report.no_op), (1, 1));
        assert!(!world.0.borrow().mailboxes[&id(2)].cloud_managed);
    }
}

/// A process that was killed between its backup and its call leaves a row. A dry run after it looks,
/// and sets nothing.
#[test]
fn a_dry_run_after_a_crash_sets_nothing() {
    for call in 1..=10 {
        let world = world(2);
        world.0.borrow_mut().halt_at = Some(call);
        let mut config = TransferConfig::new("t", all(2));
        play(&world, &mut Transfer::new(config.clone()));
        (world.0.borrow_mut().halted, world.0.borrow_mut().halt_at) = (false, None);
        let before = world.0.borrow().set_calls.len();
        config.apply = false;
        let dry = play(&world, &mut Transfer::new(config));
        // A call that was made before the crash may show late.
        let left = world.0.borrow().mailboxes.values().filter(|m| !m.cloud_managed).count();
        assert_eq!(world.0.borrow().set_calls.len(), before, "halted at {call}");
        assert_eq!(dry.would_flip, left as u64, "halted at {call}");
    }
}

#[test]
fn an_inventory_has_every_mailbox_once_although_pages_expire_and_the_service_throttles() {
    let world = World::with(8);
    world.0.borrow_mut().expire_pages = true;
    let refusal = CallError::Throttled { retry_after: Some(Duration::from_secs(30)) };
    world.0.borrow_mut().exchange_errors.push_back(refusal);
    let calls = world.0.borrow().calls;
    world.0.borrow_mut().at_call.insert(
        calls + 4,
        Box::new(|world| {
            world.now = world.now + Duration::from_secs(1);
            world.edit(0, "again");
        }),
    );
    let mut inventory = Inventory::default();
    let rows = world.run_for(&mut inventory, Duration::from_hours(1)).unwrap().unwrap();
    let ids: Vec<MailboxId> = rows.rows.iter().map(|row| row.id).collect();
    assert_eq!(ids, (0..8).map(id).collect::<Vec<_>>());
}
