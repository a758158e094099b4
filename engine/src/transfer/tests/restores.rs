//! Backups of both sides, and their return.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::bucket_c::BUCKET_C;
use super::loss::attributes;
use super::*;
use crate::test_world::configuration;

fn restore(world: &Shared, backups: &[Backup], to: RestoreTo, apply: bool) -> RestoreReport {
    let (backups, job) = (backups.to_vec(), configuration());
    play(world, &mut Restore::new(RestoreConfig { backups, to, apply, job }))
}

/// The backups that a transfer took, by way of a file.
fn stored(world: &Shared) -> Vec<Backup> {
    let state = world.0.borrow();
    let lines = state.store.rows(Table::Backups);
    let backups: Vec<Backup> = lines.map(|(_, line)| Backup::from_line(line).unwrap()).collect();
    drop(state);
    backup::read_file(&backup::write_file(&backups).unwrap()).unwrap()
}

/// Everything that AD holds, values in the order of their bytes, and nothing of what it does not hold.
fn ad(world: &Shared) -> BTreeMap<(crate::ports::ObjectGuid, String), Vec<Vec<u8>>> {
    let world = world.0.borrow();
    let of = |(guid, entry): (&crate::ports::ObjectGuid, &crate::test_world::Entry)| {
        let guid = *guid;
        let held = entry.values.clone().into_iter().filter(|(_, values)| !values.is_empty());
        held.map(move |(name, mut values)| {
            values.sort_unstable();
            ((guid, name), values)
        })
        .collect::<Vec<_>>()
    };
    world.objects.iter().flat_map(of).collect()
}

fn outcomes(report: &RestoreReport) -> Vec<Restored> {
    report.mailboxes.iter().map(|one| one.outcome.clone()).collect()
}

/// What a backup kept, a restore brings back to the cloud: to the last value, its order aside.
#[test]
fn a_round_trip_through_the_cloud_is_exact() {
    let world = world(3);
    world.0.borrow_mut().mailboxes.get_mut(&id(1)).unwrap().values.edit(|values| {
        values[4].clear();
        values[20] = vec!["SMTP:Mixed.Case@contoso.com".into(), "X500:/o=Old".into()];
        values[21] = vec!["mixed.case@contoso.com".into()];
    });
    world.0.borrow_mut().set(1, "AssistantName", &["Eve"]);
    world.0.borrow_mut().set(1, "Alias", &["anna"]);
    play(&world, &mut Transfer::new(TransferConfig::new("t", all(3))));
    let backups = stored(&world);
    let before = world.0.borrow().mailboxes.clone();
    {
        let mut world = world.0.borrow_mut();
        world.edit(0, "spoiled");
        world.set(1, "AssistantName", &[]);
        world.set(1, "Alias", &["anna2"]);
        let mailbox = world.mailboxes.get_mut(&id(1)).unwrap();
        mailbox.recipient_type_details = "SharedMailbox".into();
        mailbox.values.edit(|values| {
            values[4] = vec!["new".into()];
            values[15].pop();
            values[20] = vec!["smtp:Mixed.Case@contoso.com".into(), "SMTP:new@contoso.com".into()];
        });
    }
    let dry = restore(&world, &backups, RestoreTo::Cloud, false);
    assert_eq!(dry.mailboxes[0].changes[0].old, "spoiled".into());
    assert_ne!(world.0.borrow().mailboxes[&id(1)].values, before[&id(1)].values);
    let lost = CallError::Unreachable { detail: String::new() };
    world.0.borrow_mut().exchange_errors.push_back(lost);
    let report = restore(&world, &backups, RestoreTo::Cloud, true);
    let expected = [Restored::Written, Restored::Written, Restored::Equal];
    assert_eq!(outcomes(&report), expected, "{report:?}");
    for (id, mailbox) in &before {
        let now = &world.0.borrow().mailboxes[id];
        assert_eq!(
            (&now.values, &now.recipient_type_details),
            (&mailbox.values, &mailbox.recipient_type_details)
        );
    }
}

/// What only AD had is in the backup, survives flip and export, and is there after a restore: AD is what
/// it was, whatever was written since.
#[test]
fn ad_is_what_it_was_before_the_flip_with_values_that_only_ad_had() {
    let world = world(2);
    {
        let mut world = world.0.borrow_mut();
        world.set(0, "ExtensionCustomAttribute1", &[]);
        world.set_in_ad(0, "msExchExtensionCustomAttribute1", &[b"only", b"in AD"]);
        world.set_in_ad(0, "msExchMailboxGuid", &[b"\xff\x00\x01"]);
        world.set_in_ad(1, "extensionAttribute7", &[]);
        world.set(1, "CustomAttribute7", &[]);
    }
    let before = ad(&world);
    play(&world, &mut Transfer::new(TransferConfig::new("t", all(2))));
    let backups = stored(&world);
    {
        let mut world = world.0.borrow_mut();
        world.set_in_ad(0, "extensionAttribute1", &[b"written back"]);
        world.set_in_ad(0, "msExchExtensionCustomAttribute1", &[b"in AD"]);
        world.set_in_ad(0, "msExchMailboxGuid", &[b"\xff"]);
        world.set_in_ad(1, "extensionAttribute7", &[b"came since"]);
        world.set_in_ad(1, "msExchHideFromAddressLists", &[b"TRUE"]);
    }
    let dry = restore(&world, &backups, RestoreTo::Directory, false);
    assert_ne!(ad(&world), before);
    assert_eq!(dry.mailboxes[0].changes.len(), 3, "{dry:?}");
    let report = restore(&world, &backups, RestoreTo::Directory, true);
    assert_eq!(outcomes(&report), [Restored::Written, Restored::Written], "{report:?}");
    assert_eq!(ad(&world), before);
    let again = restore(&world, &backups, RestoreTo::Directory, true);
    assert_eq!(outcomes(&again), [Restored::Equal, Restored::Equal]);
}

/// Before a rollback the values of the cloud can go to AD: then nothing is lost with it but what is said,
/// and what the cloud lacks stays in AD.
#[test]
fn values_of_the_cloud_go_to_ad_so_that_a_rollback_loses_nothing() {
    let world = World::with(2);
    {
        let mut world = world.0.borrow_mut();
        world.edit(0, "cloud only");
        for (property, value) in [
            ("HiddenFromAddressListsEnabled", "True"),
            ("MailTip", "Away"),
            ("LitigationHoldEnabled", "True"),
            ("RetentionHoldEnabled", "False"),
            ("StartDateForRetentionHold", "2026-09-01T08:00:00Z"),
            ("Alias", "anna"),
            ("AssistantName", "Eve"),
        ] {
            world.set(0, property, &[value]);
        }
        world.set(0, "ForwardingAddress", &["bob"]);
        world.set(0, "CustomAttribute2", &[]);
        world.set_in_ad(0, "msExchSenderHintTranslations", &[b"de:Weg"]);
        world.set_in_ad(0, "msExchELCMailboxFlags", &[b"1"]);
    }
    let losses = |world: &Shared| {
        let config = RollbackConfig::new("r", all(2));
        let report = play(world, &mut Rollback::new(config));
        report.losses.into_iter().map(|loss| loss.attribute.into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(losses(&world).len(), 9, "{:?}", losses(&world));
    let backups = play(&world, &mut TakeBackup::new(all(2), Sides::Both)).unwrap().backups;
    let report = restore(&world, &backups, RestoreTo::CloudToDirectory, true);
    assert_eq!(outcomes(&report), [Restored::Written, Restored::Equal], "{report:?}");
    assert!(report.mailboxes[0].notes[0].starts_with("ForwardingAddress `bob`"), "{report:?}");
    // The retention hold is off in the cloud and on in AD: both are now as in the cloud.
    assert_eq!(losses(&world), ["altRecipient"]);
    let world = world.0.borrow();
    assert_eq!(world.value(0, "msExchELCMailboxFlags"), ["8"]);
    assert_eq!(world.value(0, "extensionAttribute2"), ["HR-2"], "what the cloud lacks stays");
    assert!(world.value(0, "msExchSenderHintTranslations").contains(&"de:Weg".to_owned()));
}

/// A backup without AD's side cannot say what AD held: nothing is guessed, and nothing is removed.
#[test]
fn a_backup_of_the_cloud_alone_restores_no_ad_and_clears_nothing_that_it_did_not_read() {
    let world = World::with(1);
    world.0.borrow_mut().set(0, "AssistantName", &["Eve"]);
    world.0.borrow_mut().set(0, "Alias", &["anna"]);
    let mut backups = play(&world, &mut TakeBackup::new(all(1), Sides::Cloud)).unwrap().backups;
    assert_eq!((&backups[0].directory, backups[0].covers("AssistantName")), (&None, false));
    let before = ad(&world);
    let report = restore(&world, &backups, RestoreTo::Directory, true);
    assert!(
        matches!(&report.mailboxes[0].outcome, Restored::Blocked(why) if why.contains("no side"))
    );
    assert_eq!(ad(&world), before);
    // As the first version wrote it: without the properties that came later.
    backups[0].sides = None;
    backups[0].values.remove("Alias");
    let report = restore(&world, &backups, RestoreTo::Cloud, true);
    assert_eq!(outcomes(&report), [Restored::Equal], "{report:?}");
}

/// The Windows address follows the primary one in the cloud: it is set with it, alone where that is
/// enough, and said to be left where the two were apart.
#[test]
fn the_windows_address_is_set_where_it_can_be() {
    let world = World::with(3);
    world.0.borrow_mut().set(2, "WindowsEmailAddress", &["apart@contoso.com"]);
    let backups = play(&world, &mut TakeBackup::new(all(3), Sides::Both)).unwrap().backups;
    for number in 0..3 {
        world.0.borrow_mut().set(number, "WindowsEmailAddress", &["other@contoso.com"]);
    }
    world.0.borrow_mut().set(1, "EmailAddresses", &["SMTP:other@contoso.com"]);
    let dry = restore(&world, &backups, RestoreTo::Cloud, false);
    let set = |number: usize| -> Vec<&str> {
        dry.mailboxes[number].changes.iter().map(|change| change.attribute.as_ref()).collect()
    };
    assert_eq!(set(0), ["WindowsEmailAddress"]);
    assert_eq!(set(1), ["EmailAddresses", "WindowsEmailAddress"]);
    assert!(set(2).is_empty());
    assert!(dry.mailboxes[2].notes[0].contains("apart@contoso.com"), "{:?}", dry.mailboxes[2]);
}

#[test]
fn a_restore_to_the_cloud_leaves_alone_what_ad_has_authority_over() {
    let world = world(1);
    play(&world, &mut Transfer::new(TransferConfig::new("t", all(1))));
    let backups = stored(&world);
    world.0.borrow_mut().edit(0, "spoiled");
    world.0.borrow_mut().mailboxes.get_mut(&id(0)).unwrap().cloud_managed = false;
    let sets = world.0.borrow().set_calls.clone();
    let report = restore(&world, &backups, RestoreTo::Cloud, true);
    assert!(matches!(report.mailboxes[0].outcome, Restored::Blocked(_)), "{report:?}");
    assert_eq!(world.0.borrow().set_calls, sets);
}

/// A mailbox that several AD objects match is not flipped unawares; without an agent nothing is flipped
/// whose AD side was to be kept.
#[test]
fn a_flip_that_keeps_both_sides_needs_one_object_and_an_agent() {
    let world = world(2);
    {
        let mut world = world.0.borrow_mut();
        let entry = crate::test_world::Entry {
            consistency_guid: Some(object_guid(0).0.0.to_vec()),
            ..Default::default()
        };
        world.objects.insert(object_guid(9), entry);
        let user = world.users.get_mut(&id(0)).unwrap();
        user.object_identifier = None;
        user.immutable_id = Some(base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            object_guid(0).0.0,
        ));
    }
    let mut config = TransferConfig::new("t", all(2));
    let report = play(&world, &mut Transfer::new(config.clone()));
    assert_eq!((report.flipped, report.blocked), (1, 1));
    assert_eq!(report.exceptions[0].detail, check::id::AMBIGUOUS);
    config.accepted.insert(check::id::AMBIGUOUS.to_owned());
    assert_eq!(play(&world, &mut Transfer::new(config)).flipped, 2);
    let world = super::world(1);
    world.0.borrow_mut().agents.clear();
    let mut config = TransferConfig::new("t", all(1));
    let stopped = play(&world, &mut Transfer::new(config.clone())).stopped.unwrap();
    assert!(stopped.detail.contains("the cloud's side alone"), "{stopped:?}");
    config.sides = Sides::Cloud;
    assert_eq!(play(&world, &mut Transfer::new(config)).flipped, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the two sides hold, and whatever becomes of them after the flip: a restore to each side
    /// makes both what they were.
    #[test]
    fn a_round_trip_is_exact_on_both_sides(
        held in prop::collection::vec((0..64_usize, prop::collection::vec(any::<[u8; 3]>(), 0..3)), 0..12),
        shown in prop::collection::vec((0..64_usize, "[a-zA-Z0-9 ,;é😀]{1,8}"), 0..12),
        later in prop::collection::vec((0..64_usize, any::<[u8; 2]>(), any::<bool>()), 0..12),
    ) {
        let world = world(1);
        let names = attributes();
        let texts: Vec<&'static str> = BUCKET_C.iter().map(|kept| kept.property).collect();
        for (name, values) in &held {
            let mut values: Vec<&[u8]> = values.iter().map(<[u8; 3]>::as_slice).collect();
            values.sort_unstable_by_key(|value| value.to_ascii_lowercase());
            values.dedup_by_key(|value| value.to_ascii_lowercase());
            let name = &names[name % names.len()];
            let single = |known: &crate::attributes::Attribute| {
                known.shape == crate::attributes::Shape::Single && known.ldap_name == name
            };
            if CONTRACT.iter().any(single) {
                values.truncate(1);
            }
            world.0.borrow_mut().set_in_ad(0, name, &values);
        }
        for (name, value) in &shown {
            world.0.borrow_mut().set(0, texts[name % texts.len()], &[value]);
        }
        let before = (ad(&world), world.0.borrow().mailboxes[&id(0)].values.clone());
        play(&world, &mut Transfer::new(TransferConfig::new("t", all(1))));
        let backups = stored(&world);
        for (name, value, clears) in &later {
            let values: &[&[u8]] = if *clears { &[] } else { &[value] };
            world.0.borrow_mut().set_in_ad(0, &names[name % names.len()], values);
            let text = format!("later {}", value[0]);
            let values: &[&str] = if *clears { &[] } else { &[&text] };
            world.0.borrow_mut().set(0, texts[name % texts.len()], values);
        }
        for to in [RestoreTo::Cloud, RestoreTo::Directory] {
            let report = restore(&world, &backups, to, true);
            let outcome = &report.mailboxes[0].outcome;
            prop_assert!(matches!(outcome, Restored::Written | Restored::Equal), "{:?}", report);
        }
        let columns = |values: &crate::values::Texts| {
            let mut lists = values.lists();
            lists.resize(80, Vec::new());
            lists
        };
        prop_assert_eq!(ad(&world), before.0);
        let now = world.0.borrow().mailboxes[&id(0)].values.clone();
        prop_assert_eq!(columns(&now), columns(&before.1));
    }
}

/// A second flip of the same name keeps its own backup beside that of the first, which may be the only copy of
/// what the rollback between them took.
#[test]
fn every_flip_keeps_a_backup_of_its_own() {
    let world = world(2);
    let there = TransferConfig::new("t", all(2));
    let back =
        RollbackConfig { apply: true, accept_losses: true, ..RollbackConfig::new("t", all(2)) };
    world.0.borrow_mut().set(1, "CustomAttribute9", &["first"]);
    play(&world, &mut Transfer::new(there.clone()));
    play(&world, &mut Rollback::new(back.clone()));
    world.0.borrow_mut().set(1, "CustomAttribute9", &["second"]);
    let between = world.0.borrow().now + Duration::from_secs(1);
    world.0.borrow_mut().now = between + Duration::from_secs(1);
    play(&world, &mut Transfer::new(there.clone()));
    play(&world, &mut Rollback::new(back));
    world.0.borrow_mut().set(1, "CustomAttribute9", &["third"]);
    world.0.borrow_mut().now = between + Duration::from_hours(1);
    play(&world, &mut Transfer::new(there));
    play(&world, &mut Transfer::new(TransferConfig::new("u/ring", all(2))));
    let store = &mut world.0.borrow_mut().store;
    let kept = |stored: Stored| {
        assert_eq!(stored.backups.len(), 2);
        (stored.backups[1].values["CustomAttribute9"].concat(), stored.earlier)
    };
    assert_eq!(kept(backup_run::stored(store, "t", None).unwrap()), ("third".into(), 4));
    assert_eq!(kept(backup_run::stored(store, "t", Some(between)).unwrap()), ("first".into(), 0));
    assert_eq!(backup_run::stored_names(store).unwrap(), ["t"], "nobody else flipped anybody");
    assert!(backup_run::stored(store, "", None).unwrap().backups.is_empty());
}

/// One attribute that the forest does not have keeps none of the others from being saved: it is told, once found it
/// is sent no more, and whoever lacks nothing else is restored.
#[test]
fn an_attribute_that_ad_does_not_have_holds_up_no_other() {
    let world = World::with(3);
    for number in 0..3 {
        world.0.borrow_mut().set(number, "MailTip", &["<html>tip</html>"]);
        world.0.borrow_mut().edit(number, "saved");
    }
    world.0.borrow_mut().set(1, "RetentionComment", &["kept for a year"]);
    world.0.borrow_mut().set(2, "RetentionComment", &["kept for two"]);
    world.0.borrow_mut().unknown.insert("msExchRetentionComment".to_owned());
    let backups = play(&world, &mut TakeBackup::new(all(3), Sides::Cloud)).unwrap().backups;
    let report = restore(&world, &backups, RestoreTo::CloudToDirectory, true);
    for (number, one) in (0..).zip(&report.mailboxes) {
        assert_eq!(one.outcome, Restored::Written, "{report:?}");
        assert_eq!(world.0.borrow().written(number), "saved");
        let told =
            one.notes.iter().any(|note| note.starts_with("msExchRetentionComment `kept for"));
        assert_eq!(told, number > 0, "{one:?}");
        assert!(!one.changes.iter().any(|change| change.attribute == "msExchRetentionComment"));
    }
    let refused = world.0.borrow().sent.iter().filter(|sent| sent.result != 0).count();
    assert!(refused <= 4, "what is known to be absent is sent no more: {refused}");
    let again = restore(&world, &backups, RestoreTo::CloudToDirectory, true);
    assert!(again.mailboxes.iter().all(|one| one.outcome == Restored::Equal), "{again:?}");
    assert_eq!(world.0.borrow().records.last().unwrap().outcome, "failed", "nothing of it came in");
}

/// A call that was killed between a write and its log left `begun` alone: the next one finds what it wrote by
/// reading, and completes the record. What it had not written is written now, with records of its own.
#[test]
fn what_a_killed_restore_wrote_is_told_by_the_next_one() {
    for to in [RestoreTo::Cloud, RestoreTo::Directory] {
        let world = world(3);
        let backups = play(&world, &mut TakeBackup::new(all(3), Sides::Both)).unwrap().backups;
        {
            let mut world = world.0.borrow_mut();
            for number in 0..3 {
                world.mailboxes.get_mut(&id(number)).unwrap().cloud_managed = true;
            }
            // Of the second the process had written nothing.
            match to {
                RestoreTo::Cloud => world.edit(1, "spoiled"),
                _ => world.set_in_ad(1, "extensionAttribute1", &[b"spoiled"]),
            }
        }
        let name = if to == RestoreTo::Cloud { "CustomAttribute1" } else { "extensionAttribute1" };
        let change = |attribute: &'static str| crate::change::ModifiedProperty {
            attribute: attribute.into(),
            old: "spoiled".into(),
            new: "HR-1".into(),
        };
        let begun: BTreeMap<MailboxId, Vec<_>> =
            [(id(0), vec![change(name)]), (id(1), vec![change(name)])].into();
        let job = configuration();
        let config =
            |apply| RestoreConfig { backups: backups.clone(), to, apply, job: job.clone() };
        play(&world, &mut Restore::new(config(false)).completing(begun.clone()));
        assert!(world.0.borrow().records.is_empty(), "a dry run tells nothing");
        let report = play(&world, &mut Restore::new(config(true)).completing(begun));
        assert_eq!(outcomes(&report), [Restored::Equal, Restored::Written, Restored::Equal]);
        assert!(report.mailboxes[0].notes[0].contains("found by reading"));
        let world = world.0.borrow();
        let told: Vec<_> = world
            .records
            .iter()
            .map(|record| {
                assert_eq!(record.object.is_some(), to != RestoreTo::Cloud);
                let found = record.detail.contains("found by reading");
                (record.mailbox, record.outcome, found, record.changes[0].clone())
            })
            .collect();
        let row = |number, outcome, found| (id(number), outcome, found, change(name));
        let expected =
            [row(1, "begun", false), row(0, "restored", true), row(1, "restored", false)];
        assert_eq!(told, expected);
    }
}

/// Attributes that the forest's schema lacks are told before anything is written, and left out.
#[test]
fn what_the_schema_lacks_is_told_in_a_dry_run() {
    let world = world(1);
    let backups = play(&world, &mut TakeBackup::new(all(1), Sides::Both)).unwrap().backups;
    world.0.borrow_mut().set_in_ad(0, "extensionAttribute1", &[b"spoiled"]);
    world.0.borrow_mut().set_in_ad(0, "extensionAttribute2", &[b"spoiled"]);
    let (to, job) = (RestoreTo::Directory, configuration());
    let config = RestoreConfig { backups, to, apply: false, job };
    let absent = ["extensionAttribute1".into()];
    let report = play(&world, &mut Restore::new(config).lacking(absent));
    let told = &report.mailboxes[0];
    assert_eq!((&told.outcome, told.changes.len()), (&Restored::Written, 1));
    assert_eq!(told.changes[0].attribute, "extensionAttribute2");
    let words =
        "extensionAttribute1 `HR-1` is not written: the schema of this forest does not have it";
    assert_eq!(told.notes, [words]);
}
