//! Whole transfers and rollbacks against the small world.

use std::time::Duration;

use super::loss::by_attribute;
use super::readiness::id as finding;
use super::*;
use crate::guid::Guid;
use crate::ports::{CallError, MailboxId, SetOutcome, Table};
use crate::step::Activity;
use crate::test_world::{START, Shared, World, id, object_guid};

mod pace;

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
    assert_eq!(again.flipped, 7, "the same transfer reports what it did");
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
    assert!(report.stopped.unwrap().detail.contains(finding::CONNECT_OLD));
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
    assert_eq!(dry.losses[0].instead, "HR-1");
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
    let ids: Vec<MailboxId> = rows.iter().map(|row| row.id).collect();
    assert_eq!(ids, (0..8).map(id).collect::<Vec<_>>());
}

/// What a backup kept, a restore brings back: to the last value, its order aside, on either side.
#[test]
fn a_round_trip_by_backup_and_restore_is_exact() {
    let world = world(3);
    world.0.borrow_mut().mailboxes.get_mut(&id(1)).unwrap().values.edit(|values| {
        values[4].clear();
        values[20] = vec!["SMTP:Mixed.Case@contoso.com".into(), "X500:/o=Old".into()];
    });
    play(&world, &mut Transfer::new(TransferConfig::new("t", all(3))));
    let backups: Vec<Backup> = {
        let state = world.0.borrow();
        state.store.rows(Table::Backups).map(|(_, line)| Backup::from_line(line).unwrap()).collect()
    };
    let file = backup::write_file(&backups).unwrap();
    let backups = backup::read_file(&file).unwrap();
    let before = world.0.borrow().mailboxes.clone();
    let spoil = || {
        let mut world = world.0.borrow_mut();
        world.edit(0, "spoiled");
        let mailbox = world.mailboxes.get_mut(&id(1)).unwrap();
        mailbox.recipient_type_details = "SharedMailbox".into();
        mailbox.values.edit(|values| {
            values[4] = vec!["new".into()];
            values[15].pop();
            values[20] = vec!["smtp:Mixed.Case@contoso.com".into(), "SMTP:new@contoso.com".into()];
        });
    };
    spoil();
    let restore = |to, apply| {
        let config = RestoreConfig { backups: backups.clone(), to, apply };
        play(&world, &mut Restore::new(config))
    };
    let dry = restore(RestoreTo::Cloud, false);
    assert_eq!(dry.mailboxes[0].changes[0].old, "spoiled");
    assert_ne!(world.0.borrow().mailboxes[&id(1)].values, before[&id(1)].values);
    let lost = CallError::Unreachable { detail: String::new() };
    world.0.borrow_mut().exchange_errors.push_back(lost);
    let report = restore(RestoreTo::Cloud, true);
    let outcomes: Vec<Restored> = report.mailboxes.iter().map(|one| one.outcome.clone()).collect();
    assert_eq!(outcomes, [Restored::Written, Restored::Written, Restored::Equal], "{report:?}");
    for (id, mailbox) in &before {
        let now = &world.0.borrow().mailboxes[id];
        assert_eq!(
            (&now.values, &now.recipient_type_details),
            (&mailbox.values, &mailbox.recipient_type_details)
        );
    }

    let report = restore(RestoreTo::Directory, true);
    assert_eq!(report.mailboxes[1].outcome, Restored::Written, "{report:?}");
    assert_eq!(world.0.borrow().value(1, "proxyAddresses").len(), 2);
    assert!(world.0.borrow().value(1, "extensionAttribute5").is_empty(), "removed, not emptied");
    let again = restore(RestoreTo::Directory, true);
    assert!(again.mailboxes.iter().all(|one| one.outcome == Restored::Equal), "{again:?}");
}

#[test]
fn a_restore_to_the_cloud_leaves_alone_what_ad_has_authority_over() {
    let world = world(1);
    play(&world, &mut Transfer::new(TransferConfig::new("t", all(1))));
    let line = world.0.borrow().store.rows(Table::Backups).next().unwrap().1.to_vec();
    let backups = vec![Backup::from_line(&line).unwrap()];
    world.0.borrow_mut().edit(0, "spoiled");
    world.0.borrow_mut().mailboxes.get_mut(&id(0)).unwrap().cloud_managed = false;
    let sets = world.0.borrow().set_calls.clone();
    let config = RestoreConfig { backups, to: RestoreTo::Cloud, apply: true };
    let report = play(&world, &mut Restore::new(config));
    assert!(matches!(report.mailboxes[0].outcome, Restored::Blocked(_)), "{report:?}");
    assert_eq!(world.0.borrow().set_calls, sets);
}

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
    assert_eq!(report.rings[0].without, Some(vec![id(0)]));
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

#[test]
fn a_check_names_what_the_first_export_would_do_and_writes_nothing() {
    let world = world(5);
    {
        let mut world = world.0.borrow_mut();
        let mut set = |number: u16, name: &str, values: Vec<Vec<u8>>| {
            let entry = world.objects.get_mut(&object_guid(number)).unwrap();
            entry.values.insert(name.into(), values);
        };
        set(0, "extensionAttribute11", vec![b"HR-11 and more".to_vec()]);
        set(1, "extensionAttribute1", vec![b"other".to_vec()]);
        world.objects.remove(&object_guid(2));
        world.mailboxes.get_mut(&id(3)).unwrap().values.edit(|values| {
            values[0] = vec!["x".repeat(1_025)];
            values[15].clear();
        });
    }
    let job = crate::test_world::configuration();
    let config = CheckConfig {
        mailboxes: all(5),
        job,
        evidence: Evidence { ad_writers: Some(vec!["hr-feed.ps1".into()]), ..Evidence::default() },
        sync_cycle: Duration::from_mins(30),
        caller_roles: Some(vec!["someone".into()]),
    };
    let report = play(&world, &mut Check::new(config));
    let of = |number: u16| -> Vec<&str> {
        let found = report.findings.iter().filter(|finding| finding.object == Some(id(number)));
        found.map(|finding| finding.id).collect()
    };
    assert_eq!(of(0), [check::id::WOULD_SHORTEN]);
    assert_eq!(of(1), [check::id::WOULD_CHANGE]);
    assert_eq!(of(2), [check::id::NO_OBJECT]);
    assert_eq!(of(3), [check::id::TOO_LONG, check::id::ONLY_IN_AD, check::id::WOULD_CHANGE]);
    assert!(of(4).is_empty());
    let tenant: Vec<&str> =
        report.findings.iter().filter(|f| f.object.is_none()).map(|f| f.id).collect();
    assert!(tenant.contains(&check::id::ROLE) && tenant.contains(&check::id::AD_WRITERS));
    assert!(tenant.contains(&check::id::DEFAULT_OFF));
    assert_eq!((world.0.borrow().modifies, world.0.borrow().set_calls.len()), (0, 0));
}
