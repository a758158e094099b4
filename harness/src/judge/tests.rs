//! The oracles on made-up events: each finds what it forbids, and nothing else.

use std::path::Path;

use engine::planted_bugs::PlantedBugs;
use sim::clock::VirtualTime;
use sim::directory::request::ObjectNumber;
use sim::directory::schema::known;
use sim::entra::log::LogStatus;
use sim::estate::Estate;
use sim::exchange::property;
use sim::ledger::{
    Activity, Actor, Change, Claim, CycleEnd, Event, Logged, ObjectKey, Outcome, Process, Read,
    Side, Write, WriteKind,
};

use super::absent_not_empty::AbsentNotEmpty;
use super::after_crash::AfterCrash;
use super::authority::Authority;
use super::exactly_once::ExactlyOnce;
use super::identity_stays_home::IdentityStaysHome;
use super::logged_truthfully::LoggedTruthfully;
use super::lost_update::LostUpdate;
use super::no_structural_change::NoStructuralChange;
use super::oscillation::Oscillation;
use super::out_of_scope::OutOfScope;
use super::read_back::ReadBack;
use super::resurrection::Resurrection;
use super::{Charge, Oracle, isolation};
use crate::scenario;
use crate::stage::{catalogues, stage};

const WORLD: &str = "
scenario: One cloud-managed mailbox
world: {population: [user: {name: u1, cloud_managed: true}]}
story: []
";

fn estate() -> Estate {
    let scenario = scenario::read(Path::new("test.yaml"), WORLD, &catalogues()).unwrap();
    stage(&scenario, 1, PlantedBugs::none()).unwrap().estate
}

fn at(seconds: i64) -> VirtualTime {
    VirtualTime::from_micros(1_000_000 * seconds)
}

fn mailbox(estate: &Estate) -> ObjectKey {
    ObjectKey::exchange(estate.subjects()[0].exchange.unwrap())
}

fn object(estate: &Estate) -> ObjectKey {
    let ad = estate.subjects()[0].ad.unwrap();
    ObjectKey::ad(ad.forest, ad.number)
}

fn read(key: ObjectKey, activity: Activity, flag: Option<bool>) -> Event {
    let guid = sim::guid::Guid([1; 16]);
    Event::Read(Read { at: at(1), activity, object: key, guid, cloud_managed: flag, version: 0 })
}

fn export(key: ObjectKey) -> Event {
    Event::Write(Write {
        at: at(2),
        actor: Actor::new("engine", Activity::Writeback),
        object: key,
        kind: WriteKind::Changed,
        guid: sim::guid::Guid([1; 16]),
        cloud_managed: Some(true),
        changes: vec![Change { attribute: 1, old: Vec::new(), new: vec![b"x".as_slice().into()] }],
    })
}

fn modify(key: ObjectKey, request: u64, answered: bool) -> Event {
    Event::Outcome(Outcome {
        at: at(3),
        actor: Actor::new("engine", Activity::Writeback),
        side: Side::Ad,
        guid: sim::guid::Guid([1; 16]),
        object: Some(key),
        code: 0,
        diagnostic: String::new(),
        effective: true,
        request,
        answered,
    })
}

fn charges(oracle: &mut dyn Oracle, estate: &Estate, events: &[Event]) -> Vec<Charge> {
    let whose = |event: &Event| match event {
        Event::Write(write) => estate.whose(write.object),
        Event::Read(read) => estate.whose(read.object),
        Event::Outcome(outcome) => outcome.object.and_then(|key| estate.whose(key)),
        Event::Logged(logged) => logged.object.and_then(|key| estate.whose(key)),
        Event::Claim(claim) => estate.whose(claim.object),
        _ => None,
    };
    events.iter().filter_map(|event| oracle.observe(event, whose(event))).collect()
}

#[test]
fn a_read_of_the_flag_allows_one_export() {
    let estate = estate();
    let (mailbox, object) = (mailbox(&estate), object(&estate));
    let seen = read(mailbox, Activity::Writeback, Some(true));
    let check = |events: &[Event]| charges(&mut Authority::new(&estate), &estate, events).len();
    assert_eq!(check(&[seen.clone(), export(object)]), 0);
    assert_eq!(check(&[seen, export(object), export(object)]), 1, "the read is used up");
    assert_eq!(check(&[export(object)]), 1, "never read");
    let refused = read(mailbox, Activity::Writeback, Some(false));
    assert_eq!(check(&[refused, export(object)]), 1, "the flag was false");
    let flip = read(mailbox, Activity::Transfer, Some(true));
    assert_eq!(check(&[flip, export(object)]), 1, "the transfer's read is not the export's");
}

#[test]
fn after_a_lost_answer_only_a_read_allows_another_modify() {
    let estate = estate();
    let object = object(&estate);
    let check = |events: &[Event]| charges(&mut ExactlyOnce::default(), &estate, events).len();
    let looked = read(object, Activity::Writeback, None);
    assert_eq!(check(&[modify(object, 7, true), looked.clone(), modify(object, 7, true)]), 0);
    assert_eq!(check(&[modify(object, 7, true), modify(object, 7, true)]), 1, "the same again");
    assert_eq!(check(&[modify(object, 7, false), modify(object, 8, true)]), 1, "a variation");
    assert_eq!(check(&[modify(object, 7, false), looked, modify(object, 8, true)]), 0);
}

/// A write of one attribute at second `when`.
fn wrote(
    key: ObjectKey,
    activity: Activity,
    attribute: u16,
    (old, new): (&[&str], &[&str]),
    when: i64,
) -> Event {
    let values = |values: &[&str]| values.iter().map(|value| value.as_bytes().into()).collect();
    Event::Write(Write {
        at: at(when),
        actor: Actor::new("somebody", activity),
        object: key,
        kind: WriteKind::Changed,
        guid: sim::guid::Guid([1; 16]),
        cloud_managed: Some(true),
        changes: vec![Change { attribute, old: values(old), new: values(new) }],
    })
}

fn became(kind: WriteKind, event: Event) -> Event {
    match event {
        Event::Write(write) => Event::Write(Write { kind, ..write }),
        other => other,
    }
}

fn cycle(began: i64, failed: bool) -> Event {
    Event::Cycle(CycleEnd { at: at(began + 1), began: at(began), failed })
}

fn process(started: bool) -> Event {
    Event::Process(Process { at: at(5), started })
}

fn logged(key: ObjectKey, status: LogStatus, code: &'static str) -> Event {
    Event::Logged(Logged { at: at(4), object: Some(key), status, code: code.into() })
}

const DISPLAY_NAME: u16 = known::DISPLAY_NAME;
const IN_AD: u16 = known::EXTENSION_ATTRIBUTE_1;
const IN_CLOUD: u16 = property::CUSTOM_ATTRIBUTE_1;

#[test]
fn the_engine_leaves_identity_and_structure_alone() {
    let estate = estate();
    let object = object(&estate);
    let name = |activity| wrote(object, activity, DISPLAY_NAME, (&["a"], &["b"]), 1);
    let identity = |event| charges(&mut IdentityStaysHome::new(), &estate, &[event]).len();
    assert_eq!(identity(name(Activity::Writeback)), 1);
    assert_eq!(identity(name(Activity::Person)), 0, "an administrator may");
    assert_eq!(identity(wrote(object, Activity::Writeback, IN_AD, (&[], &["b"]), 1)), 0);

    let structure = |event| charges(&mut NoStructuralChange, &estate, &[event]).len();
    let write = |activity| wrote(object, activity, IN_AD, (&[], &["b"]), 1);
    for kind in [WriteKind::Created, WriteKind::Deleted, WriteKind::Moved] {
        assert_eq!(structure(became(kind, write(Activity::Writeback))), 1, "{kind:?}");
        assert_eq!(structure(became(kind, write(Activity::Person))), 0, "{kind:?} by a person");
    }
    assert_eq!(structure(write(Activity::Writeback)), 0);
    let disabled = (&["512"][..], &["514"][..]);
    let disables = wrote(object, Activity::Writeback, known::USER_ACCOUNT_CONTROL, disabled, 1);
    assert_eq!(structure(disables), 1);
}

#[test]
fn objects_out_of_scope_and_empty_values_are_not_written() {
    let estate = estate();
    let (mailbox, object) = (mailbox(&estate), object(&estate));
    let export = wrote(object, Activity::Writeback, IN_AD, (&[], &["b"]), 2);
    let scope = |events: &[Event]| charges(&mut OutOfScope::new(&estate), &estate, events).len();
    assert_eq!(scope(std::slice::from_ref(&export)), 0);
    let moved_home = wrote(
        mailbox,
        Activity::Person,
        property::RECIPIENT_TYPE_DETAILS,
        (&["UserMailbox"], &["MailUser"]),
        1,
    );
    assert_eq!(scope(&[moved_home, export.clone()]), 1, "an on-premises mailbox");
    let stranger = ObjectKey::ad(sim::directory::forests::ForestNumber(0), ObjectNumber(0));
    assert_eq!(scope(&[wrote(stranger, Activity::Writeback, IN_AD, (&[], &["b"]), 2)]), 1);

    let empty = |event| charges(&mut AbsentNotEmpty, &estate, &[event]).len();
    assert_eq!(empty(export), 0);
    assert_eq!(empty(wrote(object, Activity::Writeback, IN_AD, (&["a"], &[]), 2)), 0);
    assert_eq!(empty(wrote(object, Activity::Writeback, IN_AD, (&["a"], &[""]), 2)), 1);
}

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
    assert_eq!(found(&[removal, look, kept]), 0, "it was there before");
}

#[test]
fn machines_do_not_undo_each_other() {
    let estate = estate();
    let object = object(&estate);
    let there = wrote(object, Activity::Writeback, IN_AD, (&["a"], &["b"]), 1);
    let back = wrote(object, Activity::Sync, IN_AD, (&["b"], &["a"]), 2);
    let edit = wrote(object, Activity::Person, IN_AD, (&["b"], &["c"]), 2);
    let swings = |events: &[Event]| charges(&mut Oscillation::default(), &estate, events).len();
    assert_eq!(swings(&[there.clone(), back.clone()]), 1);
    assert_eq!(swings(&[there.clone(), edit, back]), 0, "somebody edited in between");
    let on = wrote(object, Activity::Writeback, IN_AD, (&["b"], &["c"]), 2);
    assert_eq!(swings(&[there, on]), 0, "on is not back");
}

#[test]
fn the_log_says_what_happened() {
    let estate = estate();
    let (mailbox, object) = (mailbox(&estate), object(&estate));
    let modify = |effective: bool, code: u32| match modify(object, 1, true) {
        Event::Outcome(outcome) => Event::Outcome(Outcome { effective, code, ..outcome }),
        other => other,
    };
    let check = |events: &[Event]| {
        let mut oracle = LoggedTruthfully::default();
        charges(&mut oracle, &estate, events).len() + oracle.at_rest(&estate).len()
    };
    let success = logged(mailbox, LogStatus::Success, "");
    let refused = "HybridSynchronizationActiveDirectoryInsufficientAccessRights";
    assert_eq!(check(&[modify(true, 0), success.clone()]), 0);
    assert_eq!(check(std::slice::from_ref(&success)), 1, "nothing was written");
    assert_eq!(check(&[modify(true, 0), success.clone(), success.clone()]), 1, "said twice");
    let crash = [process(false), process(true)];
    let twice = [&[modify(true, 0), success.clone()], &crash[..], &[success]].concat();
    assert_eq!(check(&twice), 0, "after a crash an entry may come twice");
    assert_eq!(check(&[modify(false, 50), logged(mailbox, LogStatus::Failure, refused)]), 0);
    assert_eq!(check(&[modify(false, 50)]), 1, "a refusal in silence");
    assert_eq!(check(&[logged(mailbox, LogStatus::Failure, "Oops")]), 1, "no such code");
}

#[test]
fn a_transfer_says_what_it_read() {
    let estate = estate();
    let mailbox = mailbox(&estate);
    let claim = |flag| Event::Claim(Claim { at: at(9), object: mailbox, cloud_managed: flag });
    let call = match modify(mailbox, 1, true) {
        Event::Outcome(outcome) => Event::Outcome(Outcome {
            side: Side::Exchange,
            actor: Actor::new("engine", Activity::Transfer),
            ..outcome
        }),
        other => other,
    };
    let read = |flag| read(mailbox, Activity::Transfer, Some(flag));
    let check = |events: &[Event]| charges(&mut ReadBack::default(), &estate, events).len();
    assert_eq!(check(&[read(false), call.clone(), read(true), claim(true)]), 0);
    assert_eq!(check(&[read(true), claim(true)]), 0, "it was so before");
    assert_eq!(check(&[read(false), call.clone(), claim(true)]), 1, "by the answer alone");
    assert_eq!(check(&[call, read(false), claim(true)]), 1, "against the read");
}

#[test]
fn a_dead_process_does_nothing() {
    let estate = estate();
    let object = object(&estate);
    let check = |events: &[Event]| charges(&mut AfterCrash::default(), &estate, events).len();
    let write = wrote(object, Activity::Writeback, IN_AD, (&[], &["b"]), 6);
    let by_person = wrote(object, Activity::Person, IN_AD, (&[], &["b"]), 6);
    assert_eq!(check(&[process(false), write.clone()]), 1);
    assert_eq!(check(&[process(false), process(true), write]), 0);
    assert_eq!(check(&[process(false), by_person]), 0);
    assert_eq!(check(&[process(false), cycle(6, false)]), 1);
}

#[test]
fn whoever_was_not_refused_is_not_held_up() {
    let difference = |object| Charge {
        oracle: "convergence",
        at: at(9),
        object: Some(object),
        attribute: None,
        writer: None,
        message: String::new(),
        expected: None,
        actual: None,
    };
    let (one, other) = (ObjectKey::exchange(1), ObjectKey::exchange(2));
    let refused = [(other, at(5))].into();
    let held_up = |object, healed| isolation::held_up(&difference(object), &refused, at(healed));
    assert_eq!(held_up(one, 4).map(|charge| charge.oracle), Some("isolation"));
    assert!(held_up(other, 4).is_none(), "it was refused itself");
    assert!(held_up(one, 6).is_none(), "nobody was refused since the healing");
}
