//! The readiness check.

use super::*;

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
