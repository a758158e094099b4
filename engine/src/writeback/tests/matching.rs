//! Who is written, and which AD object is whose.

use super::*;

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

/// A mailbox whose anchor leads to an object that another one is written to is refused, in whatever cycle
/// it comes, after a restart too; it gets the object once the other has left.
#[test]
fn a_second_mailbox_of_an_object_is_refused_until_the_first_leaves() {
    let (world, mut job) = settled(1);
    {
        let mut world = world.0.borrow_mut();
        world.mailboxes.insert(id(7), mailbox(7));
        let mut user = world.users[&id(0)].clone();
        user.id = id(7);
        world.users.insert(user.id, user);
        world.edit(7, "theirs");
    }
    let refused = |world: &World| {
        let failures = world.entries(LogStatus::Failure);
        failures.iter().all(|entry| *entry == (code::DUPLICATE_ENTRIES, Some(id(7))))
            && failures.len() > 1
    };
    for version in 0..4_u32 {
        next_cycle(&world, &mut job);
        job = world.job();
        world.run_for(&mut job, CYCLE);
        assert_ne!(world.0.borrow().written(0), "theirs");
        world.0.borrow_mut().edit(7, "theirs");
        world.0.borrow_mut().edit(0, &format!("v{version}"));
    }
    next_cycle(&world, &mut job);
    assert!(refused(&world.0.borrow()));
    assert_eq!(world.0.borrow().written(0), "v3");
    assert_eq!(world.0.borrow().effective[&object_guid(0)], 4, "one write for each version");
    {
        let mut world = world.0.borrow_mut();
        world.mailboxes.remove(&id(0));
        world.edit(7, "mine");
    }
    next_cycle(&world, &mut job);
    let found = world.0.borrow();
    assert_eq!(found.written(0), "mine");
    assert_eq!(found.store.len(Table::Links), 1);
    assert_eq!(found.reports.last().unwrap().linked, 1);
}

/// Two mailboxes of one batch that come to one object by different anchors: neither is written.
#[test]
fn twins_by_different_anchors_are_refused() {
    let world = World::with(1);
    {
        let mut world = world.0.borrow_mut();
        world.mailboxes.insert(id(7), mailbox(7));
        world.objects.get_mut(&object_guid(0)).unwrap().external_id =
            Some(crate::anchor::external_id(id(7)));
        let user = crate::ports::User {
            id: id(7),
            object_identifier: None,
            ..world.users[&id(0)].clone()
        };
        world.users.insert(user.id, user);
        world.edit(0, "a");
        world.edit(7, "b");
    }
    let mut job = world.job();
    world.run_for(&mut job, MINUTE);
    let world = world.0.borrow();
    let mut failures = world.entries(LogStatus::Failure);
    failures.sort_unstable();
    let of = |number| (code::DUPLICATE_ENTRIES, Some(id(number)));
    assert_eq!(failures, [of(0), of(7)]);
    assert_eq!(world.modifies, 0);
}
