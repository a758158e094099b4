//! What fails: agents, the service, single objects; the ladder.

use super::*;

#[test]
fn an_agent_outage_fails_the_cycles_and_loses_nothing() {
    let (world, mut job) = settled(3);
    let watermark = job.watermark();
    let agents = world.0.borrow().agents.clone();
    world.0.borrow_mut().offline.extend(agents.into_iter().map(|agent| agent.name));
    world.0.borrow_mut().edit(1, "during");
    for _ in 0..6 {
        next_cycle(&world, &mut job);
        let failure = job.last_cycle().unwrap().failure.clone().unwrap();
        assert_eq!(failure.code, code::NO_ACTIVE_AGENTS);
    }
    assert_eq!((job.watermark(), job.escrowed()), (watermark, 0));
    assert_eq!(job.status(), JobStatus::Active, "an outage is no quarantine");
    world.0.borrow_mut().offline.clear();
    next_cycle(&world, &mut job);
    assert_eq!(world.0.borrow().written(1), "during");
    assert_eq!(job.last_cycle().unwrap().failure, None);
}

#[test]
fn the_second_agent_takes_over_and_no_agent_at_all_has_its_own_code() {
    let (world, mut job) = settled(2);
    let first = world.0.borrow().agents[0].name.clone();
    world.0.borrow_mut().offline.insert(first);
    world.0.borrow_mut().edit(0, "second");
    next_cycle(&world, &mut job);
    assert_eq!(world.0.borrow().written(0), "second");
    world.0.borrow_mut().agents.clear();
    next_cycle(&world, &mut job);
    let failure = job.last_cycle().unwrap().failure.clone().unwrap();
    assert_eq!(failure.code, code::NO_AGENTS_ASSIGNED);
}

#[test]
fn a_failing_object_blocks_no_other_and_is_retried_until_it_succeeds() {
    let (world, mut job) = settled(5);
    for number in 0..5 {
        world.0.borrow_mut().edit(number, "x");
    }
    world.0.borrow_mut().results.insert(object_guid(2), 50);
    next_cycle(&world, &mut job);
    {
        let world = world.0.borrow();
        assert_eq!(world.effective.len(), 4);
        assert_eq!(world.entries(LogStatus::Failure), [(code::ACCESS_RIGHTS, Some(id(2)))]);
    }
    assert_eq!(job.escrowed(), 1);
    world.run_for(&mut job, 5 * 60 * MINUTE);
    assert_eq!(world.0.borrow().entries(LogStatus::Failure).len(), 1, "the ladder waits 6 h");
    world.0.borrow_mut().results.clear();
    world.run_for(&mut job, 2 * 60 * MINUTE);
    assert_eq!(world.0.borrow().written(2), "x");
    assert_eq!(job.escrowed(), 0);
    assert_eq!(world.0.borrow().store.len(Table::Escrow), 0);
}

#[test]
fn a_changed_mailbox_in_escrow_is_retried_at_once_and_a_busy_dc_in_the_next_cycle() {
    let (world, mut job) = settled(2);
    world.0.borrow_mut().edit(0, "x");
    world.0.borrow_mut().results.insert(object_guid(0), 50);
    next_cycle(&world, &mut job);
    world.0.borrow_mut().results.clear();
    world.0.borrow_mut().edit(0, "y");
    next_cycle(&world, &mut job);
    assert_eq!((world.0.borrow().written(0).as_str(), job.escrowed()), ("y", 0));

    world.0.borrow_mut().edit(1, "z");
    world.0.borrow_mut().results.insert(object_guid(1), 51);
    next_cycle(&world, &mut job);
    world.0.borrow_mut().results.clear();
    next_cycle(&world, &mut job);
    assert_eq!((world.0.borrow().written(1).as_str(), job.escrowed()), ("z", 0));
    assert_eq!(job.last_cycle().unwrap().retried, 1);
}

#[test]
fn retries_end_after_28_days() {
    let (world, mut job) = settled(1);
    world.0.borrow_mut().edit(0, "x");
    world.0.borrow_mut().results.insert(object_guid(0), 50);
    world.run_for(&mut job, Duration::from_hours(30 * 24));
    assert_eq!(job.escrowed(), 0);
    let failures = world.0.borrow().entries(LogStatus::Failure).len();
    assert_eq!(failures, 1 + 2 + 28);
    // The object does not go silently: its last entry says so, under the code of the failure.
    let world = world.0.borrow();
    let ends = |entry: &&crate::job::LogEntry| entry.detail.contains("the retries end here");
    assert_eq!(world.log.iter().filter(ends).count(), 1);
    let last = world.log.iter().rfind(|entry| entry.mailbox == Some(id(0))).unwrap();
    assert!(ends(&last), "{last:?}");
    assert_eq!((last.status, last.code), (LogStatus::Failure, code::ACCESS_RIGHTS));
    assert!(last.detail.starts_with("insufficientAccessRights (50)"), "{last:?}");
}

/// One mailbox that is refused or odd, one odd user, one object whose values do not come whole: each has
/// its code and its ladder, and the others are written, in listings as in the escrow.
#[test]
fn what_cannot_be_read_stops_nobody_else() {
    let refused = CallError::Refused { code: "403".into(), detail: "write scope".into() };
    let odd = CallError::Malformed { detail: "odd".into() };
    let down = CallError::ServiceFailure { code: "500".into(), detail: String::new() };
    let world = World::with(7);
    for number in 0..7 {
        world.0.borrow_mut().edit(number, "x");
    }
    {
        let mut world = world.0.borrow_mut();
        world.unread.extend([(id(0), refused), (id(1), odd.clone()), (id(2), down)]);
        world.unread_users.insert(id(3), odd);
        world.broken.insert(object_guid(4), "memberOf came only in part".into());
    }
    let mut job = world.job();
    world.run_for(&mut job, 5 * MINUTE);
    let failed = |world: &Shared| {
        let mut failed: Vec<_> = world.0.borrow().entries(LogStatus::Failure);
        failed.sort_unstable();
        failed.dedup();
        failed
    };
    let expected = [
        (code::AUTHORIZATION_FAILED, Some(id(0))),
        (code::SERVER_BUSY, Some(id(2))),
        (code::INTERNAL, Some(id(1))),
        (code::INTERNAL, Some(id(3))),
        (code::INTERNAL, Some(id(4))),
    ];
    assert_eq!(failed(&world), expected);
    assert_eq!((job.status(), job.escrowed()), (JobStatus::Active, 5), "no quarantine");
    assert_eq!(
        (world.0.borrow().written(5), world.0.borrow().written(6)),
        ("x".into(), "x".into())
    );
    // The escrow is fetched first, and keeps no cycle from what changed.
    world.0.borrow_mut().edit(5, "y");
    world.run_for(&mut job, Duration::from_hours(7));
    assert_eq!(world.0.borrow().written(5), "y");
    assert!(job.last_cycle().unwrap().failure.is_none());
    assert_eq!((job.status(), job.escrowed()), (JobStatus::Active, 5));
    {
        let mut world = world.0.borrow_mut();
        world.unread.clear();
        world.unread_users.clear();
        world.broken.clear();
    }
    world.run_for(&mut job, Duration::from_hours(24));
    assert_eq!(job.escrowed(), 0);
    assert!((0..5).all(|number| world.0.borrow().written(number) == "x"));
}

/// A mailbox that was linked and cannot be read keeps its link.
#[test]
fn a_link_outlives_a_mailbox_that_cannot_be_read() {
    let (world, mut job) = settled(2);
    let refused = CallError::Refused { code: "403".into(), detail: String::new() };
    world.0.borrow_mut().edit(0, "x");
    world.0.borrow_mut().unread.insert(id(0), refused);
    next_cycle(&world, &mut job);
    assert_eq!((job.escrowed(), world.0.borrow().store.len(Table::Links)), (1, 2));
    let entry = world.0.borrow().log.last().unwrap().clone();
    assert!(entry.unread && entry.target == Some(object_guid(0)), "{entry:?}");
    let command = JobCommand::ProvisionOnDemand { request: 1, rule: "rule".into(), mailbox: id(0) };
    world.0.borrow_mut().commands.push_back(command);
    world.step(&mut job);
    world.run_for(&mut job, MINUTE);
    let answer = world.0.borrow().reports.last().unwrap().on_demand.clone().unwrap().1;
    assert_eq!((answer.status, answer.code), (LogStatus::Failure, code::AUTHORIZATION_FAILED));
}

#[test]
fn throttling_is_honoured_even_when_stepped_early() {
    let (world, mut job) = settled(2);
    world.0.borrow_mut().edit(0, "x");
    let wish = Duration::from_secs(90);
    let refusal = CallError::Throttled { retry_after: Some(wish) };
    world.0.borrow_mut().exchange_errors.push_back(refusal);
    world.0.borrow_mut().exchange_calls.clear();
    world.0.borrow_mut().now = START + CYCLE;
    let until = loop {
        if let Step::WaitUntil(at) = world.step(&mut job) {
            break at;
        }
    };
    assert_eq!(until, START + CYCLE + wish);
    let calls = world.0.borrow().calls;
    world.0.borrow_mut().now = until - MINUTE;
    assert_eq!(world.step(&mut job), Step::WaitUntil(until));
    assert_eq!(world.0.borrow().calls, calls, "no call before the service's own time");
    world.run(&mut job, until + MINUTE);
    assert_eq!(world.0.borrow().written(0), "x");
}

#[test]
fn a_service_that_stays_down_fails_the_cycle_and_refused_credentials_quarantine() {
    let (world, mut job) = settled(1);
    let down = CallError::ServiceFailure { code: "503".into(), detail: String::new() };
    world.0.borrow_mut().exchange_errors.extend(vec![down; 5]);
    next_cycle(&world, &mut job);
    assert_eq!(job.last_cycle().unwrap().failure.clone().unwrap().code, code::SERVER_BUSY);
    assert_eq!(job.status(), JobStatus::Active);
    let refused = CallError::Refused { code: "AADSTS7000215".into(), detail: String::new() };
    world.0.borrow_mut().exchange_errors.push_back(refused);
    next_cycle(&world, &mut job);
    assert_eq!(job.status(), JobStatus::Quarantine);
    let cycles = job.cycles();
    world.run_for(&mut job, Duration::from_hours(23));
    assert_eq!(job.cycles(), cycles, "once a day");
    world.run_for(&mut job, Duration::from_hours(2));
    assert_eq!(job.status(), JobStatus::Active, "lifted by a cycle that works");
}

/// A connection that dies in every batch: what was never sent goes out in the same cycle, what was under way in
/// the next one, and only the objects at whose answers it broke wait for their ladder. A connection is no reason
/// for a quarantine, and an initial cycle gives nothing up for it.
#[test]
fn a_dying_connection_gives_nothing_up() {
    const COUNT: u16 = 6_000;
    let world = World::with(COUNT);
    {
        let mut world = world.0.borrow_mut();
        world.page_size = 500;
        (0..COUNT).for_each(|number| world.edit(number, "x"));
        (world.lose, world.lose_each) = (Some((10, false)), true);
    }
    let mut job = world.job();
    world.run_for(&mut job, 5 * MINUTE);
    let report = job.last_cycle().unwrap().clone();
    assert_eq!((report.initial, report.failure), (true, None));
    assert_eq!(report.written + report.failed, u64::from(COUNT));
    assert!(report.failed > 5_000, "{} failed", report.failed);
    assert_eq!((job.status(), job.escrowed()), (JobStatus::Active, report.failed));
    assert!(!world.0.borrow().reports.last().unwrap().escrows_pruned);

    next_cycle(&world, &mut job);
    let report = job.last_cycle().unwrap().clone();
    assert!(report.written > 500 && job.status() == JobStatus::Active, "{report:?}");
    world.0.borrow_mut().lose_each = false;
    world.0.borrow_mut().lose = None;
    next_cycle(&world, &mut job);
    assert!(job.escrowed() < 30, "{} at whose answer it broke twice", job.escrowed());
    world.run_for(&mut job, 7 * 60 * MINUTE);
    assert_eq!((job.escrowed(), job.status()), (0, JobStatus::Active));
    let world = world.0.borrow();
    assert!((0..COUNT).all(|number| world.written(number) == "x"));
    assert!(world.effective.values().all(|changes| *changes == 1));
}

/// An initial cycle that gives failures up keeps what a connection only interrupted.
#[test]
fn what_was_interrupted_outlives_the_failures_that_are_given_up() {
    const COUNT: u16 = 6_000;
    let world = World::with(COUNT);
    {
        let mut world = world.0.borrow_mut();
        world.page_size = 500;
        (0..COUNT).for_each(|number| world.edit(number, "x"));
        (500..COUNT).for_each(|number| {
            world.results.insert(object_guid(number), 50);
        });
        world.lose = Some((10, false));
        // The edits lie before the overlap of the next listing.
        world.now = world.now + Duration::from_hours(1);
    }
    let mut job = world.job();
    world.run_for(&mut job, 5 * MINUTE);
    assert_eq!((job.status(), job.escrowed()), (JobStatus::Paused, 63));
    world.0.borrow_mut().commands.push_back(JobCommand::Start);
    world.step(&mut job);
    next_cycle(&world, &mut job);
    assert_eq!(job.escrowed(), 0);
    let written = (0..500).filter(|number| world.0.borrow().written(*number) == "x").count();
    assert_eq!(written, 499, "all but the one at whose answer it broke, which was given up");
}

/// More is due than the service's budget ever holds: it is asked for less at once, and everybody comes through.
#[test]
fn what_is_due_is_read_in_smaller_portions_where_the_budget_is_small() {
    let (world, mut job) = settled(7);
    {
        let mut world = world.0.borrow_mut();
        for number in 0..7 {
            world.edit(number, "x");
            world.results.insert(object_guid(number), 51);
        }
    }
    next_cycle(&world, &mut job);
    assert_eq!(job.escrowed(), 7);
    {
        let mut world = world.0.borrow_mut();
        world.results.clear();
        world.budget = Some(2);
    }
    next_cycle(&world, &mut job);
    assert_eq!(job.escrowed(), 0);
    assert!((0..7).all(|number| world.0.borrow().written(number) == "x"));
}

/// The rungs of the ladder are counted from when the cycle was due: counted from the failure, which comes a moment
/// later, each would fall a moment behind the cycle that it is meant for, and be a whole interval late.
#[test]
fn a_rung_of_the_ladder_is_the_cycle_that_many_hours_later() {
    let (world, mut job) = settled(1);
    {
        let mut world = world.0.borrow_mut();
        world.edit(0, "x");
        world.results.insert(object_guid(0), 50);
        // The cycle takes its time: it waits for a service that is busy.
        let busy = CallError::Throttled { retry_after: Some(Duration::from_secs(9)) };
        world.exchange_errors.push_back(busy);
    }
    next_cycle(&world, &mut job);
    assert_eq!(job.escrowed(), 1);
    let failed = world.0.borrow().modifies;
    world.run_for(&mut job, 17 * CYCLE);
    assert_eq!(world.0.borrow().modifies, failed, "not before six hours");
    next_cycle(&world, &mut job);
    assert_eq!(world.0.borrow().modifies, failed + 1, "and not after");
}
