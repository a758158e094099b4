//! Whole jobs against the small world: what must hold whatever happens in between.

use std::time::Duration;

use crate::failure::code;
use crate::guid::Guid;
use crate::job::{JobCommand, JobStatus, LogStatus, RestartScopes};
use crate::journal::rows::{JOB_KEY, JobRow};
use crate::ports::{CallError, MailboxId, StateStore, StoreError, StoreWrite, Table};
use crate::step::Step;
use crate::test_world::{START, Shared, World, config, id, mailbox, object_guid};
use crate::writeback::{JobEnd, ScopeFilter, WritebackJob};

const CYCLE: Duration = Duration::from_mins(20);
const MINUTE: Duration = Duration::from_mins(1);

/// A job whose initial cycle is over, one minute after the start.
fn settled(count: u16) -> (Shared, WritebackJob) {
    let world = World::with(count);
    let mut job = world.job();
    world.run_for(&mut job, MINUTE);
    assert_eq!(job.cycles(), 1);
    world.0.borrow_mut().log.clear();
    (world, job)
}

fn next_cycle(world: &Shared, job: &mut WritebackJob) {
    let cycles = job.cycles();
    for _ in 0..30 {
        world.run_for(job, MINUTE);
        if job.cycles() > cycles {
            assert_eq!(job.cycles(), cycles + 1);
            return;
        }
    }
    panic!("no cycle came to its end");
}

#[test]
fn an_edit_is_written_once_and_logged_with_its_values() {
    let (world, mut job) = settled(4);
    assert!(world.0.borrow().effective.is_empty(), "equal sides need no write");
    world.0.borrow_mut().edit(2, "C-1");
    next_cycle(&world, &mut job);
    {
        let world = world.0.borrow();
        assert_eq!(world.written(2), "C-1");
        assert_eq!(world.modifies, 1);
        assert_eq!(world.log.len(), 1);
        let entry = &world.log[0];
        assert_eq!((entry.status, entry.target), (LogStatus::Success, Some(object_guid(2))));
        assert_eq!(entry.modified[0].old, "HR-1");
        assert_eq!(entry.modified[0].new, "C-1");
    }
    next_cycle(&world, &mut job);
    next_cycle(&world, &mut job);
    assert_eq!(world.0.borrow().modifies, 1);
    assert_eq!(world.0.borrow().log.len(), 1, "a cycle without a change logs nothing");
    let report = job.last_cycle().unwrap();
    assert_eq!((report.written, report.skipped, report.failed), (0, 0, 0));
}

#[test]
fn the_initial_cycle_writes_every_difference() {
    let world = World::with(7);
    for number in 0..7 {
        world.0.borrow_mut().edit(number, "new");
    }
    let mut job = world.job();
    assert_eq!(job.status(), JobStatus::NotRun);
    world.run_for(&mut job, MINUTE);
    let report = job.last_cycle().unwrap();
    assert!(report.initial);
    assert_eq!((report.read, report.in_scope, report.written), (7, 7, 7));
    assert_eq!(job.status(), JobStatus::Active);
    let world = world.0.borrow();
    assert!((0..7).all(|number| world.written(number) == "new"));
    assert_eq!(world.store.len(Table::Links), 7);
    assert_eq!(world.store.len(Table::Intents), 0);
    assert_eq!(world.reports.last().unwrap().linked, 7);
}

#[test]
fn mailboxes_out_of_scope_are_skipped_once_and_never_written() {
    let world = World::with(3);
    world.0.borrow_mut().mailboxes.get_mut(&id(1)).unwrap().cloud_managed = false;
    world.0.borrow_mut().edit(1, "mine");
    let mut job = world.job();
    world.run_for(&mut job, MINUTE);
    next_cycle(&world, &mut job);
    next_cycle(&world, &mut job);
    let world = world.0.borrow();
    assert_eq!(world.written(1), "HR-1");
    let skips = world.entries(LogStatus::Skipped);
    let of_one = skips.iter().filter(|(_, mailbox)| *mailbox == Some(id(1))).count();
    assert_eq!(of_one, 1, "{skips:?}");
    assert!(skips.contains(&(code::NOT_IN_SCOPE, Some(id(1)))));
}

#[test]
fn drift_in_ad_stays_until_the_cloud_changes_or_an_initial_cycle_comes() {
    let (world, mut job) = settled(2);
    let drift = |world: &Shared| {
        let mut world = world.0.borrow_mut();
        let values = &mut world.objects.get_mut(&object_guid(0)).unwrap().values;
        values.insert("extensionAttribute2".into(), vec![b"local".to_vec()]);
    };
    drift(&world);
    next_cycle(&world, &mut job);
    assert_eq!(world.0.borrow().value(0, "extensionAttribute2"), ["local"]);
    world.0.borrow_mut().edit(0, "C-1");
    next_cycle(&world, &mut job);
    assert_eq!(world.0.borrow().value(0, "extensionAttribute2"), ["HR-2"]);
    drift(&world);
    let scopes = RestartScopes { watermark: true, ..RestartScopes::default() };
    world.0.borrow_mut().commands.push_back(JobCommand::Restart(scopes));
    world.step(&mut job);
    world.run_for(&mut job, MINUTE);
    assert!(job.last_cycle().unwrap().initial);
    assert_eq!(world.0.borrow().value(0, "extensionAttribute2"), ["HR-2"]);
}

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
fn an_unknown_outcome_is_resolved_by_reading() {
    for (applied, agent_lost) in [(true, false), (false, false), (true, true), (false, true)] {
        let (world, mut job) = settled(3);
        for number in 0..3 {
            world.0.borrow_mut().edit(number, "x");
        }
        world.0.borrow_mut().lose = Some((1, applied));
        world.0.borrow_mut().lose_agent = agent_lost;
        next_cycle(&world, &mut job);
        let failed = job.last_cycle().unwrap().failure.is_some();
        assert_eq!(failed, agent_lost, "applied {applied}");
        world.0.borrow_mut().offline.clear();
        next_cycle(&world, &mut job);
        let world = world.0.borrow();
        assert!((0..3).all(|number| world.written(number) == "x"));
        assert!(world.effective.values().all(|count| *count == 1), "{:?}", world.effective);
        assert_eq!(world.entries(LogStatus::Success).len(), 3, "each write is logged once");
        assert_eq!((world.store.len(Table::Intents), job.escrowed()), (0, 0));
    }
}

/// Edits, a failing object and a lost connection, with the process killed at every single call.
#[test]
fn a_crash_at_any_call_loses_nothing_and_repeats_nothing() {
    let play = |halt_at: Option<u64>| {
        let world = World::with(5);
        world.0.borrow_mut().edit(0, "first");
        world.0.borrow_mut().edit(3, "first");
        world.0.borrow_mut().halt_at = halt_at;
        world.0.borrow_mut().lose = Some((1, true));
        let mut job = world.job();
        let mut edited = false;
        let end = START + 3 * CYCLE;
        loop {
            if !edited && world.0.borrow().now >= START + MINUTE {
                edited = true;
                world.0.borrow_mut().edit(1, "second");
                world.0.borrow_mut().edit(3, "second");
                world.0.borrow_mut().lose = Some((0, false));
            }
            let until = if edited { end } else { START + MINUTE };
            match world.run(&mut job, until) {
                Some(outcome) => {
                    assert_eq!(outcome, JobEnd::Halted);
                    world.0.borrow_mut().halted = false;
                    job = world.job();
                }
                None if edited => break,
                None => {}
            }
        }
        let calls = world.0.borrow().calls;
        let state = world.0.borrow();
        for (number, text) in [(0, "first"), (1, "second"), (2, "HR-1"), (3, "second")] {
            assert_eq!(state.written(number), text, "halted at {halt_at:?}");
        }
        let counts: Vec<u32> = (0..5)
            .map(|number| state.effective.get(&object_guid(number)).copied().unwrap_or(0))
            .collect();
        assert_eq!(counts, [1, 1, 0, 2, 0], "halted at {halt_at:?}");
        assert_eq!(state.store.len(Table::Intents), 0);
        assert_eq!(state.store.len(Table::Escrow), 0);
        for (number, writes) in [(0, 1), (1, 1), (3, 2)] {
            let logged = state.entries(LogStatus::Success);
            let of_one = logged.iter().filter(|entry| entry.1 == Some(id(number))).count();
            assert!(of_one >= writes, "halted at {halt_at:?}: {logged:?}");
        }
        calls
    };
    let calls = play(None);
    assert!(calls > 60);
    for call in 1..=calls {
        play(Some(call));
    }
}

#[test]
fn changes_in_the_second_of_the_watermark_are_not_missed() {
    let (world, mut job) = settled(4);
    // The cycle at +20 min takes its watermark from this very second; both edits share it.
    let due = START + CYCLE;
    world.0.borrow_mut().now = due;
    world.0.borrow_mut().edit(0, "before");
    let cycles = job.cycles();
    while job.cycles() == cycles {
        world.step(&mut job);
    }
    world.0.borrow_mut().edit(1, "same second");
    world.0.borrow_mut().edit(2, "same second");
    assert_eq!(job.watermark(), Some(due));
    next_cycle(&world, &mut job);
    let world = world.0.borrow();
    assert_eq!(
        [world.written(0), world.written(1), world.written(2)],
        ["before", "same second", "same second"]
    );
    assert_eq!(world.modifies, 3, "what the overlap shows again is not written again");
    assert_eq!(world.log.len(), 3, "nor logged again");
}

/// What failed and comes again within the overlap waits for its ladder, also after a restart; another
/// version of it does not.
#[test]
fn the_overlap_does_not_hurry_what_failed() {
    let world = World::with(2);
    let mut config = config();
    config.job.switches.watermark_overlap = 3 * CYCLE;
    let mut job = WritebackJob::new(config.clone());
    world.run_for(&mut job, MINUTE);
    world.0.borrow_mut().edit(0, "x");
    world.0.borrow_mut().results.insert(object_guid(0), 50);
    next_cycle(&world, &mut job);
    next_cycle(&world, &mut job);
    let mut job = WritebackJob::new(config);
    world.run_for(&mut job, CYCLE);
    assert_eq!((job.cycles(), world.0.borrow().modifies), (4, 1));
    world.0.borrow_mut().edit(0, "y");
    next_cycle(&world, &mut job);
    assert_eq!(world.0.borrow().modifies, 2);
}

/// A watermark that no clock can have reached is damage: walking on would skip what lies before it.
#[test]
fn a_watermark_of_the_future_is_refused_and_the_store_left_as_it_is() {
    let (world, _) = settled(2);
    for (ahead, refused) in [(9, false), (11, true)] {
        let mut row = {
            let keys = [JOB_KEY.to_vec()];
            let rows = world.0.borrow_mut().store.get(Table::Meta, &keys).unwrap();
            JobRow::decode(rows[0].as_ref().unwrap()).unwrap()
        };
        let now = world.0.borrow().now + CYCLE;
        row.watermark = Some((now + ahead * MINUTE).as_micros());
        row.next_due = Some(now.as_micros());
        world.0.borrow_mut().store.commit(vec![row.write().unwrap()]).unwrap();
        let before = world.0.borrow().store.clone();
        let end = world.run_for(&mut world.job(), CYCLE + MINUTE);
        match end {
            Some(JobEnd::Store(StoreError::Damaged(detail))) => {
                assert!(refused && detail.contains("watermark"), "{detail}");
                assert_eq!(world.0.borrow().store, before);
            }
            other => assert!(!refused && other.is_none(), "{ahead}: {other:?}"),
        }
    }
}

#[test]
fn changes_while_pages_are_read_come_in_this_cycle_or_the_next() {
    let (world, mut job) = settled(9);
    for number in 0..9 {
        world.0.borrow_mut().edit(number, "x");
    }
    let calls = world.0.borrow().calls;
    for step in 8..40 {
        let edit = |world: &mut World| {
            let number = u16::try_from(world.calls % 9).unwrap();
            let text = world.calls.to_string();
            world.edit(number, &text);
        };
        world.0.borrow_mut().at_call.insert(calls + step, Box::new(edit));
    }
    next_cycle(&world, &mut job);
    next_cycle(&world, &mut job);
    next_cycle(&world, &mut job);
    let world = world.0.borrow();
    for number in 0..9 {
        assert_eq!(
            world.written(number),
            world.mailboxes[&id(number)].values.column(0).first().unwrap()
        );
    }
}

#[test]
fn an_expired_page_starts_the_listing_over() {
    let (world, mut job) = settled(7);
    for number in 0..7 {
        world.0.borrow_mut().edit(number, "x");
    }
    world.0.borrow_mut().results.insert(object_guid(0), 50);
    world.0.borrow_mut().expire_pages = true;
    next_cycle(&world, &mut job);
    let world = world.0.borrow();
    assert!((1..7).all(|number| world.written(number) == "x"));
    assert_eq!(world.modifies, 7, "what failed is not tried twice in one cycle");
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
fn a_first_time_mailbox_waits_for_an_initial_cycle_when_it_must() {
    let world = World::with(2);
    let mut config = config();
    config.job.switches.first_time_requires_initial = true;
    let mut job = WritebackJob::new(config);
    world.0.borrow_mut().mailboxes.get_mut(&id(1)).unwrap().cloud_managed = false;
    world.run_for(&mut job, MINUTE);
    world.0.borrow_mut().mailboxes.get_mut(&id(1)).unwrap().cloud_managed = true;
    world.0.borrow_mut().edit(1, "late");
    world.0.borrow_mut().edit(0, "known");
    next_cycle(&world, &mut job);
    let of = |number| world.0.borrow().written(number);
    assert_eq!((of(0).as_str(), of(1).as_str()), ("known", "HR-1"));
    let command = JobCommand::ProvisionOnDemand { request: 1, rule: "rule".into(), mailbox: id(1) };
    world.0.borrow_mut().commands.push_back(command);
    world.step(&mut job);
    world.run_for(&mut job, Duration::from_secs(1));
    assert_eq!(of(1), "late");
}

#[test]
fn a_recreated_object_is_matched_anew_and_duplicates_are_refused() {
    let (world, mut job) = settled(3);
    {
        let mut world = world.0.borrow_mut();
        let old = world.objects.remove(&object_guid(0)).unwrap();
        world.objects.insert(object_guid(100), old);
        world.users.get_mut(&id(0)).unwrap().object_identifier = Some(object_guid(100).0);
        world.edit(0, "moved");
        // Two objects carry the anchor of the second user, and none the GUID it names.
        let twin = world.objects.remove(&object_guid(1)).unwrap();
        for copy in [101, 102] {
            let mut twin = twin.clone();
            twin.external_id = Some(crate::anchor::external_id(id(1)));
            world.objects.insert(object_guid(copy), twin);
        }
        world.edit(1, "nobody's");
        world.objects.remove(&object_guid(2));
        world.edit(2, "gone");
    }
    next_cycle(&world, &mut job);
    let world = world.0.borrow();
    assert_eq!(world.written(100), "moved");
    assert_eq!((world.written(101).as_str(), world.written(102).as_str()), ("HR-1", "HR-1"));
    let failures = world.entries(LogStatus::Failure);
    assert!(failures.contains(&(code::DUPLICATE_ENTRIES, Some(id(1)))));
    assert!(failures.contains(&(code::INTERNAL, Some(id(2)))));
    assert_eq!(world.objects.len(), 3, "nothing is ever created");
    assert_eq!((job.escrowed(), world.store.len(Table::Links)), (2, 1));
}

#[test]
fn the_first_key_of_the_configured_order_decides() {
    use crate::job::Anchor::{ExternalId, ImmutableId, ObjectIdentifier};

    for (order, expected) in [
        ([ObjectIdentifier, ImmutableId, ExternalId], 0),
        ([ExternalId, ObjectIdentifier, ImmutableId], 50),
    ] {
        let world = World::with(1);
        {
            let mut world = world.0.borrow_mut();
            let mut other = world.objects[&object_guid(0)].clone();
            other.external_id = Some(crate::anchor::external_id(id(0)));
            world.objects.insert(object_guid(50), other);
            world.edit(0, "x");
        }
        let mut config = config();
        config.job.switches.match_order = order;
        world.run_for(&mut WritebackJob::new(config), MINUTE);
        let written = [0, 50].map(|number| world.0.borrow().written(number) == "x");
        assert_eq!(written, [expected == 0, expected == 50], "{order:?}");
    }
}

#[test]
fn a_user_of_another_domain_is_left_to_its_own_configuration() {
    let world = World::with(2);
    world.0.borrow_mut().users.get_mut(&id(1)).unwrap().domain = Some("child.contoso.com".into());
    world.0.borrow_mut().edit(1, "x");
    let mut job = world.job();
    world.run_for(&mut job, MINUTE);
    assert_eq!(world.0.borrow().modifies, 0);
    let world = world.0.borrow();
    let skip = world.log.iter().find(|entry| entry.mailbox == Some(id(1))).unwrap();
    assert_eq!(skip.code, code::NOT_IN_SCOPE);
    assert!(skip.detail.contains("child.contoso.com"));
}

#[test]
fn a_scoping_filter_leaves_other_objects_alone_and_a_wider_one_brings_them_in() {
    let world = World::with(2);
    for (number, unit) in [(0, "Staff"), (1, "Other")] {
        let name = format!("CN=u{number},OU={unit},DC=contoso,DC=com").into_bytes();
        let mut world = world.0.borrow_mut();
        let values = &mut world.objects.get_mut(&object_guid(number)).unwrap().values;
        values.insert("distinguishedName".into(), vec![name]);
        world.edit(number, "x");
    }
    let scope = |units: &[&str]| {
        let containers = units.iter().map(|unit| format!("OU={unit},DC=contoso,DC=com"));
        let filter = ScopeFilter { containers: containers.collect(), groups: Vec::new() };
        filter.parse().unwrap()
    };
    let mut config = config();
    config.job.scope = scope(&["Staff"]);
    let mut job = WritebackJob::new(config.clone());
    world.run_for(&mut job, MINUTE);
    assert_eq!([world.0.borrow().written(0), world.0.borrow().written(1)], ["x", "HR-1"]);
    let skips = world.0.borrow().entries(LogStatus::Skipped);
    assert_eq!(skips, [(code::NOT_IN_SCOPE, Some(id(1)))]);
    config.job.scope = scope(&["Staff", "Other"]);
    world.0.borrow_mut().commands.push_back(JobCommand::Configure(config.job));
    next_cycle(&world, &mut job);
    assert!(job.last_cycle().unwrap().initial, "another scope is another initial cycle");
    assert_eq!(world.0.borrow().written(1), "x");
}

#[test]
fn cycles_follow_the_schedule_and_never_overlap() {
    let (world, mut job) = settled(1);
    world.0.borrow_mut().now = START + CYCLE;
    let wish = Some(Duration::from_mins(25));
    world.0.borrow_mut().exchange_errors.push_back(CallError::Throttled { retry_after: wish });
    world.run(&mut job, START + 61 * MINUTE);
    let began: Vec<u64> = {
        let world = world.0.borrow();
        let cycles = world.reports.iter().filter_map(|report| report.last_cycle.as_ref());
        cycles.map(|cycle| cycle.began.since(START).as_secs() / 60).collect()
    };
    assert_eq!(began, [0, 20, 45, 60]);
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

#[test]
fn a_damaged_store_is_reported_and_left_as_it_is() {
    let (world, _) = settled(1);
    let damage = |key: &[u8], value: &[u8]| {
        let mut store = world.0.borrow().store.clone();
        store
            .commit(vec![StoreWrite {
                table: Table::Meta,
                key: key.to_vec(),
                value: Some(value.to_vec()),
            }])
            .unwrap();
        let before = store.clone();
        let kept = core::mem::replace(&mut world.0.borrow_mut().store, store);
        let end = world.run_for(&mut world.job(), CYCLE);
        assert!(matches!(end, Some(JobEnd::Store(StoreError::Damaged(_)))), "{end:?}");
        assert_eq!(world.0.borrow().store, before);
        world.0.borrow_mut().store = kept;
    };
    damage(JOB_KEY, b"{not json");
    damage(b"version", b"99");
}

#[test]
fn a_mailbox_that_leaves_scope_is_no_longer_written_and_keeps_its_link() {
    let (world, mut job) = settled(1);
    world.0.borrow_mut().mailboxes.get_mut(&id(0)).unwrap().cloud_managed = false;
    world.0.borrow_mut().edit(0, "x");
    next_cycle(&world, &mut job);
    assert_eq!((world.0.borrow().modifies, world.0.borrow().store.len(Table::Links)), (0, 1));
    let back = mailbox(0);
    world.0.borrow_mut().mailboxes.insert(id(0), back);
    world.0.borrow_mut().edit(0, "x");
    next_cycle(&world, &mut job);
    assert_eq!(world.0.borrow().written(0), "x");
}
