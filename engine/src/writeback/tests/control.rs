//! Commands: pause, restart, another configuration, provision on demand; quarantine.

use super::*;

#[test]
fn four_weeks_of_quarantine_disable_the_job() {
    let (world, mut job) = settled(1);
    let refused = CallError::Refused { code: "403".into(), detail: String::new() };
    world.0.borrow_mut().exchange_errors.extend(vec![refused; 100]);
    world.run_for(&mut job, Duration::from_hours(30 * 24));
    assert_eq!(job.status(), JobStatus::Paused);
    let cycles = job.cycles();
    assert_eq!(cycles, 1 + 1 + 28);
    world.run_for(&mut job, Duration::from_hours(48));
    assert_eq!(job.cycles(), cycles);
}

#[test]
fn a_pause_ends_before_the_next_write_and_a_start_catches_up() {
    let (world, mut job) = settled(4);
    for number in 0..4 {
        world.0.borrow_mut().edit(number, "x");
    }
    world.0.borrow_mut().now = START + CYCLE;
    while job.is_idle() {
        world.step(&mut job);
    }
    world.0.borrow_mut().commands.push_back(JobCommand::Pause);
    world.run_for(&mut job, 5 * CYCLE);
    assert_eq!((world.0.borrow().modifies, job.status()), (0, JobStatus::Paused));
    assert_eq!(world.0.borrow().store.len(Table::Intents), 0);
    world.0.borrow_mut().commands.push_back(JobCommand::Start);
    world.step(&mut job);
    world.run_for(&mut job, MINUTE);
    assert!((0..4).all(|number| world.0.borrow().written(number) == "x"));
}

#[test]
fn a_paused_job_is_still_paused_after_a_crash() {
    let (world, mut job) = settled(1);
    world.0.borrow_mut().commands.push_back(JobCommand::Pause);
    world.step(&mut job);
    world.run_for(&mut job, MINUTE);
    let mut job = world.job();
    world.0.borrow_mut().edit(0, "x");
    world.run_for(&mut job, 3 * CYCLE);
    assert_eq!((job.status(), world.0.borrow().modifies), (JobStatus::Paused, 0));
}

#[test]
fn restart_scopes_do_what_they_say() {
    let (world, mut job) = settled(3);
    world.0.borrow_mut().edit(0, "x");
    world.0.borrow_mut().results.insert(object_guid(0), 50);
    next_cycle(&world, &mut job);
    let obey = |job: &mut WritebackJob, scopes| {
        world.0.borrow_mut().commands.push_back(JobCommand::Restart(scopes));
        world.step(job);
        world.run_for(job, MINUTE);
    };
    obey(&mut job, RestartScopes { escrows: true, ..RestartScopes::default() });
    assert_eq!((job.escrowed(), world.0.borrow().store.len(Table::Escrow)), (0, 0));
    assert!(!job.last_cycle().unwrap().initial);
    world.0.borrow_mut().results.clear();
    let users = world.0.borrow().calls;
    obey(&mut job, RestartScopes { full: true, ..RestartScopes::default() });
    assert!(world.0.borrow().calls > users && job.last_cycle().unwrap().initial);
    assert_eq!(world.0.borrow().written(0), "x");
    assert_eq!(world.0.borrow().reports.last().unwrap().linked, 3);
    assert_eq!(world.0.borrow().store.len(Table::Links), 3);
}

#[test]
fn provision_on_demand_writes_now_and_says_what_it_did() {
    let (world, mut job) = settled(2);
    world.0.borrow_mut().edit(1, "now");
    let ask = |job: &mut WritebackJob, rule: &str, mailbox| {
        let rule = rule.to_owned();
        let command = JobCommand::ProvisionOnDemand { request: 7, rule, mailbox };
        world.0.borrow_mut().commands.push_back(command);
        world.step(job);
        world.run_for(job, Duration::from_secs(1));
        let reports = &world.0.borrow().reports;
        let (request, entry) = reports.last().unwrap().on_demand.clone().unwrap();
        assert_eq!(request, 7);
        (entry.status, entry.code)
    };
    assert_eq!(ask(&mut job, "other", id(1)), (LogStatus::Failure, code::INVALID_RESOURCE));
    assert_eq!(ask(&mut job, "rule", id(1)), (LogStatus::Success, ""));
    assert_eq!(world.0.borrow().written(1), "now");
    let again = ask(&mut job, "rule", id(1));
    assert_eq!(again, (LogStatus::Skipped, code::REDUNDANT_EXPORT));
    world.0.borrow_mut().mailboxes.get_mut(&id(1)).unwrap().cloud_managed = false;
    assert_eq!(ask(&mut job, "rule", id(1)), (LogStatus::Skipped, code::NOT_IN_SCOPE));
    let nobody = MailboxId(Guid([0; 16]));
    assert_eq!(ask(&mut job, "rule", nobody), (LogStatus::Skipped, code::NOT_IN_SCOPE));
}

#[test]
fn another_mapping_makes_the_next_cycle_an_initial_one() {
    let (world, mut job) = settled(1);
    let mut configuration = crate::test_world::configuration();
    configuration.switches.mail_mapped = false;
    world.0.borrow_mut().commands.push_back(JobCommand::Configure(configuration.clone()));
    world.step(&mut job);
    world.run_for(&mut job, MINUTE);
    assert!(job.last_cycle().unwrap().initial);
    assert_eq!(job.cycles(), 2);
    // And so it is when the engine starts anew with it.
    let mut changed = config();
    changed.job = configuration;
    changed.job.switches.null_flow = true;
    let mut job = WritebackJob::new(changed);
    world.run_for(&mut job, 2 * CYCLE);
    assert_eq!(job.cycles(), 4);
    let reports = &world.0.borrow().reports;
    let initial: Vec<bool> =
        reports.iter().filter_map(|report| Some(report.last_cycle.as_ref()?.initial)).collect();
    assert_eq!(initial, [true, true, true, false]);
}

/// Whom the profile leaves out takes no place among as many as the service supports (open questions U11, U26):
/// else somebody in scope would be refused in their favour, and no delta would look again.
#[test]
fn who_is_left_out_takes_nobodys_place_below_the_limit() {
    let world = World::with(3);
    for number in 0..2 {
        world.0.borrow_mut().set_in_ad(number, "userAccountControl", &[b"514"]);
    }
    (0..3).for_each(|number| world.0.borrow_mut().edit(number, "x"));
    let mut config = config();
    config.job.switches.limit_action = LimitAction::Refuse;
    config.job.switches.mailbox_limit = 1;
    config.job.switches.write_disabled = false;
    let mut job = WritebackJob::new(config);
    world.run_for(&mut job, 3 * CYCLE);
    assert_eq!(world.0.borrow().written(2), "x");
}

/// Types of the cloud alone were skipped; once they count as rooms, the job does not wait for the next edit
/// of each of them (open question U25).
#[test]
fn types_that_count_as_rooms_from_now_on_are_written_by_the_next_cycle() {
    let world = World::with(1);
    let details = |world: &Shared| world.0.borrow().value(0, "msExchRecipientTypeDetails");
    world.0.borrow_mut().mailboxes.get_mut(&id(0)).unwrap().recipient_type_details =
        "DeskMailbox".into();
    let before = details(&world);
    let mut job = world.job();
    world.run_for(&mut job, 3 * CYCLE);
    assert_eq!(details(&world), before);
    let mut changed = config();
    changed.job.switches.cloud_only_types_as_rooms = true;
    let mut job = WritebackJob::new(changed);
    world.run_for(&mut job, 2 * CYCLE);
    assert_eq!(details(&world), ["8589934592"]);
}

/// As many as the service supports are within the limit; each one more is written with a warning, once, or
/// not at all (open question U11).
#[test]
fn one_more_than_the_service_supports_is_warned_of_or_refused() {
    for (action, limit) in [
        (LimitAction::Warn, 3),
        (LimitAction::Warn, 2),
        (LimitAction::Refuse, 3),
        (LimitAction::Refuse, 2),
    ] {
        let world = World::with(3);
        (0..3).for_each(|number| world.0.borrow_mut().edit(number, "x"));
        let mut config = config();
        config.job.switches.limit_action = action;
        config.job.switches.mailbox_limit = limit;
        let mut job = WritebackJob::new(config);
        world.run_for(&mut job, 3 * CYCLE);
        let world = world.0.borrow();
        let written = (0..3).filter(|number| world.written(*number) == "x").count() as u64;
        let warned = |entry: &&crate::job::LogEntry| entry.code == code::BEYOND_LIMIT;
        let warnings: Vec<_> = world.log.iter().filter(warned).collect();
        let beyond = 3 - limit;
        match action {
            LimitAction::Warn => {
                assert_eq!((written, warnings.len() as u64), (3, beyond));
                for entry in warnings {
                    assert_eq!(crate::job_log::entry_status(entry), "warning");
                    assert_eq!((entry.status, entry.modified.len()), (LogStatus::Success, 1));
                }
            }
            LimitAction::Refuse => assert_eq!((written, warnings.len()), (limit, 0)),
        }
    }
}

/// Whoever leaves the scope counts no longer among those that are written back, and counts again once it is back; whoever
/// is gone altogether shows where everybody is met. Both keep their links.
#[test]
fn who_is_not_in_scope_is_not_counted() {
    let (world, mut job) = settled(4);
    let linked = || world.0.borrow().reports.last().unwrap().linked;
    assert_eq!(linked(), 4);
    let flag = |value| world.0.borrow_mut().change(1, |mailbox| mailbox.cloud_managed = value);
    flag(false);
    next_cycle(&world, &mut job);
    assert_eq!((linked(), world.0.borrow().store.len(Table::Links)), (3, 4));
    // What is told of him is his own id alone, as of whoever never was in scope.
    assert_eq!(world.0.borrow().log.last().unwrap().target, None);
    flag(true);
    world.0.borrow_mut().edit(1, "back");
    next_cycle(&world, &mut job);
    assert_eq!((linked(), world.0.borrow().written(1)), (4, "back".into()));
    world.0.borrow_mut().mailboxes.remove(&id(2));
    next_cycle(&world, &mut job);
    assert_eq!(linked(), 4, "a delta tells of nobody who is gone");
    let obey = |job: &mut WritebackJob, scopes| {
        world.0.borrow_mut().commands.push_back(JobCommand::Restart(scopes));
        world.step(job);
        world.run_for(job, MINUTE);
    };
    obey(&mut job, RestartScopes { watermark: true, ..RestartScopes::default() });
    assert_eq!((linked(), world.0.borrow().store.len(Table::Links)), (3, 4));
    // Another life counts the same, and a full restart counts anew.
    let mut job = world.job();
    world.step(&mut job);
    world.run_for(&mut job, MINUTE);
    assert_eq!(linked(), 3);
    obey(&mut job, RestartScopes { full: true, ..RestartScopes::default() });
    assert_eq!((linked(), world.0.borrow().store.len(Table::Links)), (3, 3));
}

/// Failures are weighed against those that are in scope: with two thirds of the mailboxes out of it, what fails among
/// the rest is a greater share.
#[test]
fn failures_are_weighed_against_who_is_in_scope() {
    const ALL: u16 = 18_000;
    let world = World::with(ALL);
    world.0.borrow_mut().page_size = 1_000;
    let mut job = world.job();
    next_cycle(&world, &mut job);
    {
        let mut world = world.0.borrow_mut();
        for number in 0..12_000 {
            world.change(number, |mailbox| mailbox.cloud_managed = false);
        }
        for number in 12_000..17_100 {
            world.edit(number, "x");
            world.results.insert(object_guid(number), 50);
        }
    }
    next_cycle(&world, &mut job);
    assert_eq!((job.escrowed(), job.status()), (5_100, JobStatus::Quarantine));
    let quarantine = world.0.borrow().reports.last().unwrap().quarantine.unwrap();
    assert_eq!(quarantine.reason.text(), "EncounteredEscrowProportionThreshold");
    assert_eq!((quarantine.times, quarantine.began), (1, quarantine.imposed));
    world.run_for(&mut job, Duration::from_hours(25));
    let quarantine = world.0.borrow().reports.last().unwrap().quarantine.unwrap();
    assert_eq!(quarantine.times, 2);
    assert!(quarantine.imposed > quarantine.began);
}

/// A flag that is taken in the second of an edit makes another version of the same second, and that one is told too.
#[test]
fn a_flag_that_goes_in_the_second_of_an_edit_is_told() {
    let (world, mut job) = settled(2);
    let now = world.0.borrow().now + CYCLE;
    world.0.borrow_mut().now = now;
    world.0.borrow_mut().edit(0, "x");
    let second = world.0.borrow().mailboxes[&id(0)].when_changed;
    next_cycle(&world, &mut job);
    world.0.borrow_mut().log.clear();
    world.0.borrow_mut().mailboxes.get_mut(&id(0)).unwrap().cloud_managed = false;
    assert_eq!(world.0.borrow().mailboxes[&id(0)].when_changed, second);
    next_cycle(&world, &mut job);
    let told = |world: &Shared| -> Vec<(MailboxId, &'static str)> {
        world.0.borrow().log.iter().map(|one| (one.mailbox.unwrap(), one.code)).collect()
    };
    assert_eq!(told(&world), [(id(0), code::IMPORT_SKIPPED)]);
    next_cycle(&world, &mut job);
    assert_eq!(told(&world).len(), 1, "and once");
}
