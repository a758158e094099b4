//! What is told, what is written and what is left alone.

use std::time::Duration;

use super::*;
use crate::job::{JobCommand, LimitAction, LogStatus};
use crate::test_world::{Shared, World, config, configuration, id, object_guid};
use crate::transfer::TransferRecord;
use crate::transfer::record::BEGUN;
use crate::writeback::{ScopeFilter, WritebackConfig, WritebackJob};

fn reconcile(world: &Shared, apply: bool) -> ReconcileReport {
    reconcile_by(world, configuration(), apply)
}

fn reconcile_by(world: &Shared, job: JobConfiguration, apply: bool) -> ReconcileReport {
    let config = ReconcileConfig { job, domain: config().domain, apply };
    world.run_for(&mut Reconcile::new(config), Duration::from_hours(1)).unwrap()
}

fn settled(count: u16) -> Shared {
    let world = World::with(count);
    let mut job = world.job();
    world.run_for(&mut job, Duration::from_mins(1));
    world
}

fn drift(world: &Shared, number: u16) {
    let mut world = world.0.borrow_mut();
    let values = &mut world.objects.get_mut(&object_guid(number)).unwrap().values;
    values.insert("extensionAttribute2".into(), vec![b"local".to_vec()]);
}

#[test]
fn equal_sides_have_no_drift() {
    let report = reconcile(&settled(5), true);
    assert_eq!((report.read, report.compared, report.corrected), (5, 5, 0));
    assert!(report.drift.is_empty() && report.problems.is_empty());
}

#[test]
fn drift_is_told_with_its_cause_and_only_written_when_applied() {
    let world = settled(4);
    drift(&world, 0);
    world.0.borrow_mut().edit(1, "newer");
    world.0.borrow_mut().objects.remove(&object_guid(3));
    world.0.borrow_mut().add(7);
    drift(&world, 7);
    let dry = reconcile(&world, false);
    let told: Vec<_> = dry.drift.iter().map(|drift| (drift.mailbox, drift.cause.clone())).collect();
    assert_eq!(
        told,
        [
            (id(0), Cause::ChangedInDirectory),
            (id(7), Cause::NeverExported),
            (id(1), Cause::NotExportedYet),
        ]
    );
    assert_eq!((&dry.drift[0].directory, &dry.drift[0].cloud), (&"local".into(), &"HR-2".into()));
    assert_eq!(dry.problems.len(), 1);
    assert_eq!(world.0.borrow().modifies, 0);

    let done = reconcile(&world, true);
    let mut corrected = dry.drift.clone();
    corrected.iter_mut().for_each(|drift| drift.corrected = true);
    assert_eq!((&done.drift, done.corrected), (&corrected, 3));
    assert!(
        dry.drift[2].remedy().contains("next cycle") && done.drift[2].remedy().contains("Nothing")
    );
    assert!(reconcile(&world, false).drift.is_empty());
    assert_eq!(world.0.borrow().modifies, 3);
}

#[test]
fn a_refused_or_lost_correction_is_decided_by_reading() {
    let world = settled(3);
    (0..3).for_each(|number| drift(&world, number));
    world.0.borrow_mut().results.insert(object_guid(0), 50);
    world.0.borrow_mut().lose = Some((1, true));
    world.0.borrow_mut().log.clear();
    let report = reconcile(&world, true);
    assert_eq!((report.corrected, report.problems.len()), (1, 2));
    // Why, the report says, and the log for good.
    let why: Vec<&str> = report.problems.iter().map(|problem| problem.reason.as_str()).collect();
    assert!(why[0].contains("insufficientAccessRights (50)"), "{why:?}");
    assert!(why[1].contains("no answer came"), "{why:?}");
    {
        let world = world.0.borrow();
        let told: Vec<_> = world
            .log
            .iter()
            .map(|entry| (entry.status, entry.code, entry.modified.len()))
            .collect();
        assert_eq!(
            told,
            [
                (LogStatus::Failure, code::ACCESS_RIGHTS, 0),
                (LogStatus::Success, "", 1),
                (LogStatus::Failure, code::AGENT_SIGNALING, 0),
            ]
        );
        let modified = &world.log[1].modified[0];
        assert_eq!((&modified.old, &modified.new), (&"local".into(), &"HR-2".into()));
    }
    world.0.borrow_mut().agents.clear();
    let blind = reconcile(&world, true);
    assert_eq!(blind.stopped.unwrap().code, code::NO_ACTIVE_AGENTS);
}

/// What was never sent is sent with the next call.
#[test]
fn a_correction_that_was_not_sent_is_made_all_the_same() {
    let world = settled(9);
    world.0.borrow_mut().page_size = 9;
    (0..9).for_each(|number| drift(&world, number));
    (world.0.borrow_mut().lose, world.0.borrow_mut().under_way) = (Some((2, false)), 3);
    let report = reconcile(&world, true);
    assert_eq!((report.corrected, report.problems.len()), (6, 3));
}

/// A value that AD alone has differs too, though nothing may take it away.
#[test]
fn what_only_ad_holds_is_told_apart() {
    let world = settled(2);
    world.0.borrow_mut().change(0, |mailbox| {
        mailbox.values.edit(|values| values[6] = Vec::new());
    });
    let report = reconcile(&world, true);
    assert_eq!((report.differences(), report.corrected), ((0, 1), 0));
    let only = &report.drift[0];
    assert_eq!(
        (&only.cause, only.attribute.as_ref()),
        (&Cause::OnlyInDirectory, "extensionAttribute7")
    );
    assert_eq!((&only.directory, &only.cloud), (&"HR-7".into(), &ShownValues::default()));
    let mut flows = configuration();
    flows.switches.null_flow = true;
    let report = reconcile_by(&world, flows, true);
    assert_eq!((report.differences(), report.corrected), ((1, 0), 1));
}

const NEW: u16 = 7;

/// What the job is told, what is done to the world once it has settled, and whether this mailbox is written then.
type Case = (&'static str, fn(&mut JobConfiguration), fn(&mut World), u16, bool);

fn default(_: &mut JobConfiguration) {}

fn spares_disabled(job: &mut JobConfiguration) {
    job.switches.write_disabled = false;
}

fn scoped(job: &mut JobConfiguration) {
    let (containers, groups) = (vec!["OU=Staff,DC=c".into()], vec!["CN=Pilot,DC=c".into()]);
    job.scope = ScopeFilter { containers, groups }.parse().unwrap();
}

fn initially(job: &mut JobConfiguration) {
    job.switches.first_time_requires_initial = true;
}

fn limited(job: &mut JobConfiguration) {
    (job.switches.limit_action, job.switches.mailbox_limit) = (LimitAction::Refuse, 2);
}

fn rooms(job: &mut JobConfiguration) {
    job.switches.cloud_only_types_as_rooms = true;
}

fn nothing(_: &mut World) {}

fn disables(world: &mut World) {
    world.set_in_ad(0, "userAccountControl", &[b"514"]);
}

fn takes_persons(job: &mut JobConfiguration) {
    job.switches.inet_org_person = true;
}

fn becomes_a_person(world: &mut World) {
    world.set_in_ad(0, "objectClass", &[b"top", b"person", b"user", b"inetOrgPerson"]);
}

fn hides_its_class(world: &mut World) {
    world.set_in_ad(0, "objectClass", &[]);
}

fn moves(world: &mut World) {
    world.set_in_ad(0, "distinguishedName", &[b"CN=u0,OU=Other,DC=c"]);
}

fn moves_into_the_group(world: &mut World) {
    moves(world);
    world.set_in_ad(0, "memberOf", &[b"CN=Pilot,DC=c"]);
}

fn of_another_domain(world: &mut World) {
    for user in world.users.values_mut() {
        user.domain = Some("other.contoso.com".into());
    }
}

fn goes_back(world: &mut World) {
    world.change(0, |mailbox| mailbox.cloud_managed = false);
}

fn becomes_a_workspace(world: &mut World) {
    world.change(0, |mailbox| mailbox.recipient_type_details = "WorkspaceMailbox".into());
}

fn claims_another_s_object(world: &mut World) {
    world.users.get_mut(&id(NEW)).unwrap().object_identifier = Some(object_guid(1).0);
    world.users.get_mut(&id(1)).unwrap().object_identifier = None;
}

const CASES: [Case; 21] = [
    ("plain", default, nothing, 0, true),
    ("new", default, nothing, NEW, true),
    ("disabled, and written", default, disables, 0, true),
    ("disabled", spares_disabled, disables, 0, false),
    ("enabled", spares_disabled, nothing, 0, true),
    ("of another class", default, becomes_a_person, 0, false),
    ("of another class that is written", takes_persons, becomes_a_person, 0, true),
    ("of no class that shows", default, hides_its_class, 0, false),
    ("in no container", scoped, moves, 0, false),
    ("in a container", scoped, nothing, 0, true),
    ("in a group", scoped, moves_into_the_group, 0, true),
    ("new, of another domain", default, of_another_domain, NEW, false),
    ("linked, of another domain", default, of_another_domain, 0, true),
    ("new, and waits", initially, nothing, NEW, false),
    ("linked, and waits for nothing", initially, nothing, 0, true),
    ("beyond the limit", limited, nothing, NEW, false),
    ("within the limit", limited, nothing, 0, true),
    ("under AD's authority", default, goes_back, 0, false),
    ("of a type that AD does not know", default, becomes_a_workspace, 0, false),
    ("of a type that counts as a room", rooms, becomes_a_workspace, 0, true),
    ("new, and its object is another's", default, claims_another_s_object, NEW, false),
];

/// Whoever a cycle leaves alone a reconciliation leaves alone, by every switch; and whoever a cycle writes is
/// corrected.
#[test]
fn cycle_and_reconciliation_agree_on_who_is_written() {
    for (name, told, change, who, written) in CASES {
        let mut configuration = configuration();
        told(&mut configuration);
        let prepared = || {
            let world = World::with(2);
            for number in 0..2 {
                let name = format!("CN=u{number},OU=Staff,DC=c");
                world.0.borrow_mut().set_in_ad(number, "distinguishedName", &[name.as_bytes()]);
            }
            let config = WritebackConfig { job: configuration.clone(), ..config() };
            let mut job = WritebackJob::new(config);
            world.run_for(&mut job, Duration::from_mins(10));
            assert_eq!(job.cycles(), 1, "{name}");
            let mut shown = world.0.borrow_mut();
            shown.add(NEW);
            change(&mut shown);
            shown.edit(who, "edited");
            drop(shown);
            (world, job)
        };
        let writes =
            |world: &Shared| world.0.borrow().sent.iter().any(|sent| sent.stamp == "edited");
        let (world, mut job) = prepared();
        world.run_for(&mut job, Duration::from_mins(25));
        assert_eq!(writes(&world), written, "{name}: by a cycle");
        let (world, _) = prepared();
        let report = reconcile_by(&world, configuration.clone(), true);
        assert_eq!(writes(&world), written, "{name}: by a reconciliation: {report:?}");
    }
}

/// The job goes by its links and a reconciliation by the anchors: where they differ, it writes to neither.
#[test]
fn where_links_and_anchors_differ_nothing_is_written() {
    let world = settled(2);
    world.0.borrow_mut().commands.push_back(JobCommand::Pause);
    world.0.borrow_mut().add(NEW);
    world.0.borrow_mut().mailboxes.remove(&id(NEW));
    world.0.borrow_mut().users.get_mut(&id(0)).unwrap().object_identifier =
        Some(object_guid(NEW).0);
    world.0.borrow_mut().edit(0, "edited");
    let report = reconcile(&world, true);
    assert_eq!((report.corrected, world.0.borrow().sent.len()), (0, 0));
    assert!(report.problems[0].reason.contains("a cycle decides"), "{:?}", report.problems);
}

/// What AD took and nobody could read afterwards is in the log and in the report, and is not told as verified.
#[test]
fn what_was_written_is_logged_although_the_read_after_it_fails() {
    let world = settled(4);
    (0..4).for_each(|number| drift(&world, number));
    {
        let mut world = world.0.borrow_mut();
        (world.page_size, world.lose_agent) = (9, true);
        world.results.insert(object_guid(0), 50);
        world.lose = Some((2, true));
        world.under_way = 1;
        world.log.clear();
    }
    let report = reconcile(&world, true);
    assert!(report.stopped.is_some());
    assert_eq!((report.corrected, report.unverified, report.problems.len()), (0, 2, 3));
    let state = world.0.borrow();
    let told: Vec<_> =
        state.log.iter().map(|entry| (entry.status, entry.code, entry.modified.len())).collect();
    assert_eq!(
        told,
        [
            (LogStatus::Failure, code::ACCESS_RIGHTS, 0),
            (LogStatus::Success, "", 1),
            (LogStatus::Failure, code::AGENT_SIGNALING, 1),
        ]
    );
    assert!(state.log[1].detail.contains("not verified"));
}

/// Halted at any call, before it was done or after: whatever AD holds by a reconciliation stands in a record with its
/// value, although nobody came to log how it ended; and the next one says how the rest ends.
#[test]
fn every_write_is_told_wherever_the_process_dies() {
    let run = |halt_at: Option<u64>, after: bool| {
        let world = settled(5);
        (0..5).for_each(|number| drift(&world, number));
        let before = {
            let mut world = world.0.borrow_mut();
            world.log.clear();
            world.halt_at = halt_at.map(|call| world.calls + call);
            world.halt_after = after;
            world.calls
        };
        reconcile(&world, true);
        let calls = world.0.borrow().calls - before;
        let told = |world: &World, at: u16| {
            let of_it = |record: &&TransferRecord| record.object == Some(object_guid(at));
            let records = world.records.iter().filter(of_it);
            let words: Vec<&str> = records
                .map(|record| {
                    let change = &record.changes[0];
                    assert_eq!((&change.old, &change.new), (&"local".into(), &"HR-2".into()));
                    assert_eq!((record.action.word(), record.mailbox), ("reconcile", id(at)));
                    record.outcome
                })
                .collect();
            words
        };
        let mut written = Vec::new();
        for number in 0..5 {
            let world = world.0.borrow();
            if world.value(number, "extensionAttribute2") == ["HR-2"] {
                assert_eq!(told(&world, number).first(), Some(&BEGUN), "halted at {halt_at:?}");
                written.push(number);
            }
        }
        let earlier = world.0.borrow().records.len();
        (world.0.borrow_mut().halted, world.0.borrow_mut().halt_at) = (false, None);
        let report = reconcile(&world, true);
        assert_eq!(report.corrected as usize, 5 - written.len(), "halted at {halt_at:?}");
        assert!(report.drift.iter().all(|drift| drift.corrected));
        let world = world.0.borrow();
        for number in (0..5).filter(|number| !written.contains(number)) {
            let words = told(&world, number);
            assert_eq!(words[words.len() - 2..], [BEGUN, "corrected"]);
        }
        let later = &world.records[earlier..];
        assert_eq!(later.len(), 2 * (5 - written.len()), "who is equal is not told again");
        assert!(world.effective.values().all(|times| *times == 1));
        calls
    };
    let calls = run(None, false);
    assert!(calls > 10, "{calls}");
    for call in 1..=calls {
        run(Some(call), false);
        run(Some(call), true);
    }
}

/// Whoever ends it gets what is known: what differs, what is corrected, and what was sent and not read.
#[test]
fn an_interrupted_reconciliation_says_what_it_did() {
    let world = settled(4);
    (0..4).for_each(|number| drift(&world, number));
    let config = ReconcileConfig { job: configuration(), domain: config().domain, apply: true };
    let mut reconcile = Reconcile::new(config);
    while world.0.borrow().modifies == 0 {
        assert!(reconcile.is_told());
        world.step(&mut reconcile);
    }
    assert!(!reconcile.is_told(), "a read is due");
    let report = reconcile.account(Some(Failure::interrupted()));
    assert_eq!((report.drift.len(), report.corrected, report.unverified), (3, 0, 3));
    assert!(report.problems.iter().all(|problem| problem.reason.contains("not verified")));
    assert_eq!(report.stopped.unwrap().code, crate::failure::INTERRUPTED);
}

/// A reconciliation that was killed between a write and its logs: the next one finds AD corrected, and says so in both.
#[test]
fn what_a_killed_reconciliation_wrote_is_told_by_the_next_one() {
    let world = settled(3);
    world.0.borrow_mut().log.clear();
    drift(&world, 1);
    let change = ModifiedProperty {
        attribute: "extensionAttribute2".into(),
        old: "local".into(),
        new: "HR-2".into(),
    };
    let begun: BTreeMap<MailboxId, Vec<ModifiedProperty>> =
        (0..2).map(|number| (id(number), vec![change.clone()])).collect();
    let config = ReconcileConfig { job: configuration(), domain: config().domain, apply: true };
    let mut activity = Reconcile::new(config).completing(begun);
    let report = world.run_for(&mut activity, Duration::from_hours(1)).unwrap();
    assert_eq!((report.corrected, report.drift.len()), (1, 1));
    let world = world.0.borrow();
    let told: Vec<_> = world.records.iter().map(|one| (one.mailbox, one.outcome)).collect();
    assert_eq!(told, [(id(0), "corrected"), (id(1), BEGUN), (id(1), "corrected")]);
    assert!(world.records[0].detail.contains("found by reading"));
    assert_eq!(world.log.len(), 2);
    assert_eq!((world.log[0].mailbox, &world.log[0].modified), (Some(id(0)), &vec![change]));
}
