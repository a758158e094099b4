//! Writes whose answer never came, processes that end, stores that are damaged.

use super::*;

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

/// A job that sends each attribute in a modify of its own.
fn by_attribute() -> crate::writeback::WritebackConfig {
    let mut config = config();
    config.job.switches.modify_granularity = crate::job::ModifyGranularity::Attribute;
    config
}

/// The success entries: what each says was changed.
fn told(world: &World, status: LogStatus) -> Vec<Vec<String>> {
    let entries = world.log.iter().filter(|entry| entry.status == status);
    let names = |entry: &crate::job::LogEntry| {
        entry.modified.iter().map(|property| property.attribute.to_string()).collect()
    };
    entries.map(names).collect()
}

/// The process ends after the first of three modifies of one object: what was made is logged as written,
/// the rest is done by the next life, and both say so.
#[test]
fn what_an_earlier_life_made_in_part_is_logged_and_the_rest_is_done() {
    let world = World::with(1);
    let mut job = WritebackJob::new(by_attribute());
    world.run_for(&mut job, MINUTE);
    {
        let mut world = world.0.borrow_mut();
        world.log.clear();
        for (property, value) in
            [("CustomAttribute1", "x"), ("CustomAttribute2", "y"), ("CustomAttribute3", "z")]
        {
            world.set(0, property, &[value]);
        }
        world.change(0, |_| {});
        world.lose = Some((0, true));
        world.lose_agent = true;
        world.offline.insert(crate::ports::AgentName("A2".into()));
    }
    world.run_for(&mut job, CYCLE);
    assert_eq!(world.0.borrow().store.len(Table::Intents), 1);
    world.0.borrow_mut().offline.clear();
    let mut job = WritebackJob::new(by_attribute());
    world.run_for(&mut job, CYCLE);
    let world = world.0.borrow();
    assert_eq!(world.value(0, "extensionAttribute3"), ["z"]);
    assert_eq!(
        told(&world, LogStatus::Success),
        [vec!["extensionAttribute1"], vec!["extensionAttribute2", "extensionAttribute3"]]
    );
    assert_eq!(world.store.len(Table::Intents), 0);
}

/// One attribute is refused, another is made: the failure names what was changed, and no more.
#[test]
fn a_failure_names_what_was_changed_in_fact() {
    let world = World::with(1);
    let mut job = WritebackJob::new(by_attribute());
    world.run_for(&mut job, MINUTE);
    {
        let mut world = world.0.borrow_mut();
        world.log.clear();
        world.set(0, "CustomAttribute1", &["x"]);
        world.set(0, "CustomAttribute2", &["y"]);
        world.change(0, |_| {});
        world.lose = Some((0, true));
    }
    world.run_for(&mut job, CYCLE);
    {
        let world = world.0.borrow();
        assert_eq!(told(&world, LogStatus::Failure), [vec!["extensionAttribute1"]]);
        let entry = world.log.iter().find(|entry| entry.status == LogStatus::Failure).unwrap();
        assert!(entry.detail.ends_with("not made for extensionAttribute2"), "{}", entry.detail);
    }
    world.run_for(&mut job, CYCLE);
    let world = world.0.borrow();
    assert_eq!(told(&world, LogStatus::Success), [vec!["extensionAttribute2"]]);
}

/// The modify was applied, the process ended before it knew, and somebody changed one of the attributes
/// since: the write is logged, and that edit stays until the cloud changes.
#[test]
fn an_edit_after_an_unanswered_write_is_not_taken_back() {
    let (world, mut job) = settled(1);
    {
        let mut world = world.0.borrow_mut();
        world.set(0, "CustomAttribute1", &["x"]);
        world.set(0, "CustomAttribute2", &["y"]);
        world.change(0, |_| {});
        world.lose = Some((0, true));
        world.lose_agent = true;
        world.offline.insert(crate::ports::AgentName("A2".into()));
    }
    world.run_for(&mut job, CYCLE);
    {
        let mut world = world.0.borrow_mut();
        world.offline.clear();
        world.set_in_ad(0, "extensionAttribute2", &[b"theirs"]);
    }
    let mut job = world.job();
    world.run_for(&mut job, 2 * CYCLE);
    let world = world.0.borrow();
    assert_eq!(world.value(0, "extensionAttribute2"), ["theirs"]);
    assert_eq!(
        told(&world, LogStatus::Success),
        [vec!["extensionAttribute1", "extensionAttribute2"]]
    );
    assert_eq!(world.modifies, 1);
}

/// What went through one agent is looked for behind it: the domain controller of another may not have it yet, and by
/// that one it would count as not made, be in no log and be sent again. Where the first is gone, the other tells.
#[test]
fn what_an_earlier_life_wrote_is_read_where_it_was_written() {
    for (first_is_gone, times) in [(false, 1), (true, 2)] {
        let (world, mut job) = settled(2);
        let [one, two] = ["A1", "A2"].map(|name| crate::ports::AgentName(name.into()));
        {
            let mut world = world.0.borrow_mut();
            world.edit(0, "x");
            world.edit(1, "y");
            let before = world.objects.clone();
            world.stale.insert(two.clone(), before);
            // Both are written, and the answer never comes.
            world.lose = Some((1, true));
            world.lose_agent = true;
            world.offline.insert(two.clone());
        }
        world.run_for(&mut job, CYCLE);
        {
            let mut world = world.0.borrow_mut();
            assert_eq!(world.store.len(Table::Intents), 1);
            world.offline.clear();
            world.agents.reverse();
            if first_is_gone {
                world.offline.insert(one);
            }
        }
        let mut job = world.job();
        world.run_for(&mut job, CYCLE);
        let world = world.0.borrow();
        let sent = world.sent.iter().filter(|sent| sent.object == object_guid(1)).count();
        assert_eq!(sent, times, "gone: {first_is_gone}");
        assert_eq!(world.store.len(Table::Intents), 0);
        let logged = world.log.iter().filter(|entry| entry.mailbox == Some(id(1)));
        assert!(logged.filter(|entry| entry.status == LogStatus::Success).count() == 2 - times);
    }
}
