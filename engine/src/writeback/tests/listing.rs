//! Which changes a cycle sees: pages, ties, the overlap of the watermark, the schedule.

use super::*;

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
