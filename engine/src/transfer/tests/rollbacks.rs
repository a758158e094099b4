//! What a rollback says, and whom it takes back.

use super::*;

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
