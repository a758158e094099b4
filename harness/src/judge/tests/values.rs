//! Values over time: none is lost, none comes back, none swings.

use super::super::contract::Contract;
use super::*;

#[test]
fn an_edit_that_a_cycle_passed_over_is_lost() {
    let estate = estate();
    let mailbox = mailbox(&estate);
    let edit = wrote(mailbox, Activity::Person, IN_CLOUD, (&[], &["b"]), 10);
    let look = read(mailbox, Activity::Writeback, Some(true));
    let lost = |events: &[Event]| charges(&mut LostUpdate::new(&estate), &estate, events).len();
    assert_eq!(lost(&[edit.clone(), look, cycle(20, false)]), 0);
    assert_eq!(lost(&[edit.clone(), cycle(20, false)]), 1);
    assert_eq!(lost(&[edit.clone(), cycle(20, false), cycle(40, false)]), 1, "charged once");
    assert_eq!(lost(&[edit.clone(), cycle(20, true)]), 0, "a failed cycle is made up for");
    assert_eq!(lost(&[edit.clone(), cycle(5, false)]), 0, "it came after the cycle began");
    let other = wrote(mailbox, Activity::Person, property::FLAG, (&["True"], &["False"]), 11);
    let Event::Write(back) = other else { panic!("a write") };
    let back = Event::Write(Write { cloud_managed: Some(false), ..back });
    assert_eq!(lost(&[edit, back, cycle(20, false)]), 0, "AD is the source again");
    let (estate, all) = estate_of(3);
    let edits = all.iter().map(|key| wrote(*key, Activity::Person, IN_CLOUD, (&[], &["b"]), 10));
    let events: Vec<Event> = edits.chain([cycle(20, false)]).collect();
    let found = charges(&mut LostUpdate::new(&estate), &estate, &events);
    assert_eq!(found.len(), 3, "each edit that was passed over counts");
    assert_eq!(found.iter().filter_map(|charge| charge.person).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn a_removed_value_stays_away() {
    let estate = estate();
    let (mailbox, object) = (mailbox(&estate), object(&estate));
    let removal = wrote(mailbox, Activity::Person, IN_CLOUD, (&["old"], &["new"]), 1);
    let look = read(mailbox, Activity::Writeback, Some(true));
    let stale = wrote(object, Activity::Writeback, IN_AD, (&[], &["OLD"]), 3);
    let back = wrote(mailbox, Activity::Person, IN_CLOUD, (&["new"], &["old"]), 2);
    let found = |events: &[Event]| charges(&mut Resurrection::new(&estate), &estate, events).len();
    assert_eq!(found(&[removal.clone(), look.clone(), stale.clone()]), 1);
    assert_eq!(found(&[look.clone(), removal.clone(), stale.clone()]), 0, "it was under way");
    assert_eq!(found(&[removal.clone(), back, look.clone(), stale]), 0, "put back");
    let restored = wrote(object, Activity::Restore, IN_AD, (&[], &["old"]), 3);
    assert_eq!(found(&[removal.clone(), look.clone(), restored]), 0, "somebody asked for it");
    let kept = wrote(object, Activity::Writeback, IN_AD, (&["old", "x"], &["old"]), 3);
    assert_eq!(found(&[removal.clone(), look.clone(), kept]), 0, "it was there before");
    let look = match look {
        Event::Read(read) => Event::Read(Read { at: at(2), ..read }),
        other => other,
    };
    let stale = wrote(object, Activity::Writeback, IN_AD, (&[], &["OLD"]), 9);
    let events = [removal.clone(), look.clone(), late(stale.clone(), 1)];
    assert_eq!(found(&events), 0, "it was sent before the engine could know");
    assert_eq!(found(&[removal, look, late(stale, 3)]), 1, "and this one after");
}

#[test]
fn synchronization_does_not_bring_back_what_it_took_away() {
    let estate = estate();
    let (mailbox, object) = (mailbox(&estate), object(&estate));
    let by_ad = |event: Event| match event {
        Event::Write(write) => Event::Write(Write { cloud_managed: Some(false), ..write }),
        other => other,
    };
    let takes = by_ad(wrote(mailbox, Activity::Sync, IN_CLOUD, (&["old"], &["new"]), 1));
    let back = by_ad(wrote(mailbox, Activity::Sync, IN_CLOUD, (&["new"], &["old"]), 3));
    let in_ad = by_ad(wrote(object, Activity::Person, IN_AD, (&["new"], &["old"]), 2));
    let found = |events: &[Event]| charges(&mut Resurrection::new(&estate), &estate, events).len();
    assert_eq!(found(&[takes.clone(), back.clone()]), 1);
    assert_eq!(found(&[takes.clone(), in_ad, back.clone()]), 0, "AD has it again");
    let by_hand = by_ad(wrote(mailbox, Activity::Person, IN_CLOUD, (&["new"], &["old"]), 2));
    assert_eq!(found(&[takes.clone(), by_hand, back.clone()]), 0, "somebody put it there");
    let user = ObjectKey::entra(estate.subjects()[0].entra.unwrap());
    let in_entra = by_ad(wrote(user, Activity::Sync, IN_CLOUD, (&["new"], &["old"]), 3));
    assert_eq!(found(&[takes, in_entra, back]), 1, "it brought it to Entra itself");
}

/// Behind a failover synchronization may import what another domain controller has not heard of yet.
#[test]
fn what_leaves_ad_may_come_up_until_every_domain_controller_knows() {
    let estate = estate_by(
        "
scenario: Two domain controllers
world:
  forest: {domains: [corp.contoso.com], dcs: [DC1, {name: DC2, replication: 1m}]}
  population: [user: {name: u1}]
story: [{wait: 0s}]
",
    );
    let by_ad = |event: Event| match event {
        Event::Write(write) => Event::Write(Write { cloud_managed: Some(false), ..write }),
        other => other,
    };
    let (mailbox, object) = (mailbox(&estate), object(&estate));
    let edit = by_ad(wrote(object, Activity::Person, IN_AD, (&["old"], &["new"]), 10));
    let takes = by_ad(wrote(mailbox, Activity::Sync, IN_CLOUD, (&["old"], &["new"]), 20));
    let back = |when| by_ad(wrote(mailbox, Activity::Sync, IN_CLOUD, (&["new"], &["old"]), when));
    let found = |events: &[Event]| charges(&mut Resurrection::new(&estate), &estate, events).len();
    assert_eq!(found(&[edit.clone(), takes.clone(), back(60)]), 0, "it is on its way");
    assert_eq!(found(&[edit, takes.clone(), back(90)]), 1, "it has arrived");
    assert_eq!(found(&[takes, back(60)]), 1, "AD has not changed");
}

#[test]
fn a_change_that_travels_between_domain_controllers_takes_nothing_back() {
    let estate = estate_by(
        "
scenario: Two domain controllers
world:
  forest: {domains: [corp.contoso.com], dcs: [DC1, {name: DC2, replication: 1m}]}
  population: [user: {name: u1, cloud_managed: true}]
story: [{wait: 0s}]
",
    );
    let (mailbox, object) = (mailbox(&estate), object(&estate));
    let swings = |events: &[Event]| charges(&mut Oscillation::new(&estate), &estate, events).len();
    let written = wrote(object, Activity::Writeback, IN_AD, (&["a"], &["b"]), 10);
    let synced = |values, when| match wrote(mailbox, Activity::Sync, IN_CLOUD, values, when) {
        Event::Write(write) => Event::Write(Write { cloud_managed: Some(false), ..write }),
        other => other,
    };
    let stale = |when| synced((&["b"], &["a"]), when);
    let arrived = |when| synced((&["a"], &["b"]), when);
    assert_eq!(swings(&[written.clone(), stale(20), arrived(30)]), 0, "on its way");
    assert_eq!(swings(&[written.clone(), stale(20), arrived(90)]), 1, "it had arrived long since");
    let held_back = Event::Fault(FaultHit {
        at: at(10),
        rule: 0,
        name: "replication_slow",
        place: "DC1".to_owned(),
    });
    assert_eq!(swings(&[written, held_back, stale(20), arrived(90)]), 0, "a fault held it back");
}

#[test]
fn machines_do_not_undo_each_other() {
    let estate = estate();
    let object = object(&estate);
    let there = wrote(object, Activity::Writeback, IN_AD, (&["a"], &["b"]), 1);
    let back = wrote(object, Activity::Sync, IN_AD, (&["b"], &["a"]), 2);
    let back_again = || back.clone();
    let edit = wrote(object, Activity::Person, IN_AD, (&["b"], &["c"]), 2);
    let swings = |events: &[Event]| charges(&mut Oscillation::new(&estate), &estate, events).len();
    assert_eq!(swings(&[there.clone(), back.clone()]), 1);
    assert_eq!(swings(&[there.clone(), edit, back.clone()]), 0, "somebody edited in between");
    let on = wrote(object, Activity::Writeback, IN_AD, (&["b"], &["c"]), 2);
    assert_eq!(swings(&[there.clone(), on.clone()]), 0, "on is not back");
    let round = wrote(object, Activity::Sync, IN_AD, (&["c"], &["a"]), 3);
    assert_eq!(swings(&[there.clone(), on, round]), 1, "round is back");
    let mailbox = mailbox(&estate);
    let of = |property| wrote(mailbox, Activity::Script, property, (&["x"], &["y"]), 2);
    let elsewhere = of(property::CUSTOM_ATTRIBUTE_1 + 1);
    assert_eq!(swings(&[there.clone(), elsewhere.clone(), back_again()]), 1, "elsewhere");
    let feeds = of(IN_CLOUD);
    assert_eq!(swings(&[there.clone(), feeds, back_again()]), 0, "what feeds it was edited");
    let landed = late(wrote(object, Activity::Writeback, IN_AD, (&["b"], &["a"]), 2), 1);
    let again = wrote(object, Activity::Writeback, IN_AD, (&["a"], &["b"]), 3);
    let first = there.clone();
    assert_eq!(swings(&[there, landed, again]), 0, "nobody decides what lands late");
    let seen = read(mailbox, Activity::Writeback, Some(true));
    let next = || wrote(object, Activity::Writeback, IN_AD, (&["b"], &["a"]), 3);
    let edited = of(IN_CLOUD);
    let since = [seen.clone(), edited.clone(), first.clone(), seen.clone(), next()];
    assert_eq!(swings(&since), 0, "the edit came after the read, and is for the next export");
    let before = [edited, seen.clone(), first, seen, next()];
    assert_eq!(swings(&before), 1, "the first export knew of the edit");
    let list = |values, when| wrote(object, Activity::Sync, known::PROXY_ADDRESSES, values, when);
    let war = [list((&["a"], &["b"]), 1), elsewhere, list((&["b"], &["a"]), 3)];
    assert_eq!(swings(&war), 1, "a script on another attribute does not hide a war");
}

#[test]
fn a_modify_that_was_held_back_is_judged_by_the_mapping_that_it_was_sent_under() {
    let estate = estate();
    let object = object(&estate);
    let schema = Event::Schema(SchemaChange { at: at(5), flows: Vec::new() });
    let landed = |sent| late(wrote(object, Activity::Writeback, IN_AD, (&["b"], &["a"]), 9), sent);
    let strays = |sent| {
        let events = [schema.clone(), cycle(7, false), landed(sent)];
        charges(&mut Contract::new(&estate), &estate, &events).len()
    };
    assert_eq!(strays(3), 0, "it was mapped when it was sent");
    assert_eq!(strays(8), 1, "it was mapped no more");
    assert_eq!(strays(9), 1, "nothing held it back");
}

/// Switch `race`, a change that was pending at the flip, while messages to Exchange Online are slow.
#[test]
fn what_was_exported_before_ad_changed_again_was_pending() {
    let estate = estate();
    let (mailbox, object) = (mailbox(&estate), object(&estate));
    let edit = |when| wrote(object, Activity::Person, IN_AD, (&["a"], &["b"]), when);
    let flip = wrote(mailbox, Activity::Person, property::FLAG, (&["False"], &["True"]), 2);
    let lands = |sent| late(wrote(mailbox, Activity::Sync, IN_CLOUD, (&["a"], &["b"]), 9), sent);
    let found = |sent, again| {
        let mut oracle = Authority::new(&estate);
        let events = [edit(1), flip.clone(), edit(again), lands(sent)];
        charges(&mut oracle, &estate, &events).len()
    };
    assert_eq!(found(4, 6), 0, "what was sent is what was pending");
    assert_eq!(found(6, 4), 1, "what AD said later was not");
}

/// A person's change between the engine's read and its modify is not the engine's: what it sent made a good list of
/// what it had read.
#[test]
fn a_list_is_judged_as_the_engine_had_read_it() {
    let estate = estate();
    let object = object(&estate);
    let look = || read(object, Activity::Writeback, None);
    let list =
        |by, old: &[&str], new: &[&str]| wrote(object, by, known::PROXY_ADDRESSES, (old, new), 3);
    let found = |events: &[Event]| charges(&mut OnePrimary::default(), &estate, events).len();
    let by_hand = || list(Activity::Person, &["SMTP:a@x"], &["SMTP:a@x", "x500:/o=x"]);
    let both = ["SMTP:a@x", "x500:/o=x", "SMTP:c@x"];
    let after = || list(Activity::Writeback, &["SMTP:a@x", "x500:/o=x"], &both);
    assert_eq!(found(&[look(), by_hand(), after()]), 1, "it had read a primary, and adds another");
    let swaps = || list(Activity::Writeback, &["smtp:a@x", "SMTP:b@x"], &["SMTP:b@x", "SMTP:c@x"]);
    let was = || list(Activity::Person, &["smtp:a@x"], &["smtp:a@x", "SMTP:b@x"]);
    assert_eq!(found(&[look(), was(), swaps()]), 0, "without the person it is one");
    assert_eq!(found(&[was(), look(), swaps()]), 1, "it had read the person's");
    let none = || list(Activity::Person, &["SMTP:a@x"], &[]);
    let adds = || list(Activity::Writeback, &[], &["smtp:d@x"]);
    assert_eq!(found(&[look(), none(), adds()]), 0, "somebody took the primary away");
}
