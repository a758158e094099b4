//! One odd mailbox, user or object among good ones: it is told, and stands in nobody's way.

use super::check::id::NO_OBJECT;
use super::*;
use crate::reconcile::{Reconcile, ReconcileConfig};
use crate::test_world::configuration;

fn error(detail: &str) -> CallError {
    CallError::Refused { code: "403".into(), detail: detail.into() }
}

/// Five mailboxes: the first is refused, the user of the second and the object of the third are odd.
fn odd() -> Shared {
    let world = world(5);
    {
        let mut world = world.0.borrow_mut();
        world.unread.insert(id(0), error("not in your write scope"));
        world.unread_users.insert(id(1), error("odd user"));
        world.broken.insert(object_guid(2), "odd object".into());
    }
    world
}

fn unreadable(findings: &[Finding]) -> Vec<(Option<MailboxId>, &str)> {
    let found = findings.iter().filter(|one| one.id == finding::UNREADABLE);
    found.map(|one| (one.object, one.reason.as_str())).collect()
}

#[test]
fn a_readiness_check_tells_the_odd_ones_and_checks_the_others() {
    let world = odd();
    world.0.borrow_mut().objects.remove(&object_guid(4));
    let config = CheckConfig {
        mailboxes: all(5),
        job: configuration(),
        evidence: Evidence::default(),
        sync_cycle: Duration::from_mins(30),
        caller_roles: None,
        domain: None,
    };
    let report = play(&world, &mut Check::new(config));
    assert_eq!((report.checked, report.stopped), (5, None));
    let told = unreadable(&report.findings);
    assert_eq!(told.len(), 3);
    for (number, words) in [(0, "write scope"), (1, "odd user"), (2, "odd object")] {
        assert!(
            told.iter().any(|one| one.0 == Some(id(number)) && one.1.contains(words)),
            "{told:?}"
        );
    }
    assert!(report.findings.iter().any(|one| one.id == NO_OBJECT && one.object == Some(id(4))));
}

/// Nothing is tried with the odd ones, all others flip; and once they can be read, the same call flips them.
#[test]
fn the_others_flip_and_go_back() {
    let world = odd();
    let config = TransferConfig { sides: Sides::Both, ..TransferConfig::new("t", all(5)) };
    let report = play(&world, &mut Transfer::new(config.clone()));
    assert_eq!((report.flipped, report.failed, report.blocked), (2, 0, 3), "{report:?}");
    assert_eq!((unreadable(&report.findings).len(), report.stopped), (3, None));
    assert_eq!(world.0.borrow().set_calls.len(), 2);
    let mend = || {
        let mut world = world.0.borrow_mut();
        world.unread.clear();
        world.unread_users.clear();
        world.broken.clear();
    };
    mend();
    let report = play(&world, &mut Transfer::new(config));
    assert_eq!((report.flipped, report.not_flipped()), (5, 0), "{report:?}");

    {
        let mut world = world.0.borrow_mut();
        world.unread.insert(id(0), error("odd"));
        world.unread_users.insert(id(1), error("odd"));
        world.broken.insert(object_guid(2), "odd".into());
    }
    let config = RollbackConfig { apply: true, ..RollbackConfig::new("t", all(5)) };
    let report = play(&world, &mut Rollback::new(config.clone()));
    assert_eq!((report.flipped, report.failed, report.blocked), (2, 0, 3), "{report:?}");
    mend();
    let report = play(&world, &mut Rollback::new(config));
    assert_eq!((report.flipped, report.not_flipped()), (5, 0), "{report:?}");
}

/// A mailbox that can be read before its flip, and not after: the others are decided at once, and it is
/// read again for a while before it is told that nobody knows.
#[test]
fn a_mailbox_that_cannot_be_read_back_is_decided_by_nobody() {
    // Calls: version, progress, tenant, mailboxes, backups, flags, and then the first read-back.
    const READ_BACK: u64 = 7;
    for (again, flipped, failed) in [(true, 3, 0), (false, 2, 1)] {
        let world = world(3);
        {
            let mut world = world.0.borrow_mut();
            let odd = |world: &mut World| {
                assert_eq!(world.set_calls.len(), 3, "the flags are set");
                world.unread.insert(id(1), error("odd"));
            };
            world.at_call.insert(READ_BACK, Box::new(odd));
            if again {
                let mended = |world: &mut World| world.unread.clear();
                world.at_call.insert(READ_BACK + 4, Box::new(mended));
            }
        }
        let config = TransferConfig { sides: Sides::Cloud, ..TransferConfig::new("t", all(3)) };
        let report = play(&world, &mut Transfer::new(config));
        assert_eq!((report.flipped, report.failed), (flipped, failed), "{report:?}");
        let sets = &world.0.borrow().set_calls;
        assert!(sets.values().all(|calls| *calls == 1), "nobody is set twice: {sets:?}");
    }
}

#[test]
fn backups_restores_and_reconciliations_name_the_odd_ones() {
    let world = odd();
    let report = play(&world, &mut TakeBackup::new(all(5), Sides::Both)).unwrap();
    let with_ad = report.backups.iter().filter(|backup| backup.directory.is_some()).count();
    assert_eq!((report.backups.len(), with_ad), (4, 2), "of two the cloud's side alone is kept");
    let lacking: Vec<MailboxId> = report.lacking.iter().map(|(id, _)| *id).collect();
    assert_eq!(lacking, [id(0), id(1), id(2)]);

    world.0.borrow_mut().unread.clear();
    let backups = play(&world, &mut TakeBackup::new(all(5), Sides::Cloud)).unwrap().backups;
    world.0.borrow_mut().unread.insert(id(0), error("odd"));
    let (to, job) = (RestoreTo::CloudToDirectory, configuration());
    let config = RestoreConfig { backups, to, apply: true, job };
    let report = play(&world, &mut Restore::new(config));
    let bad = |one: &RestoredMailbox| matches!(&one.outcome, Restored::Failed(why) | Restored::Blocked(why) if why.contains("odd"));
    assert_eq!(report.mailboxes.iter().filter(|one| bad(one)).count(), 3, "{report:?}");
    assert_eq!(report.stopped, None);

    for mailbox in world.0.borrow_mut().mailboxes.values_mut() {
        mailbox.cloud_managed = true;
    }
    let config =
        ReconcileConfig { job: configuration(), domain: "contoso.com".into(), apply: true };
    let report = play(&world, &mut Reconcile::new(config));
    let named: Vec<_> = report.problems.iter().filter_map(|problem| problem.mailbox).collect();
    assert_eq!((report.read, report.compared, named.len()), (5, 2, 3), "{report:?}");
    assert_eq!(report.stopped, None);

    let mut listing = play(&world, &mut Inventory::default()).unwrap();
    assert_eq!((listing.rows.len(), listing.unread.len()), (4, 1));
    assert_eq!(listing.unread.remove(0).id, Some(id(0)));
}
