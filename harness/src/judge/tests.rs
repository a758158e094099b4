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
    Activity, Actor, Change, Claim, CycleEnd, Event, FaultHit, HeldBack, Logged, NotArrived,
    ObjectKey, Outcome, Process, Read, SchemaChange, Side, Synchronized, Write, WriteKind,
};

use super::absent_not_empty::AbsentNotEmpty;
use super::after_crash::AfterCrash;
use super::authority::Authority;
use super::exactly_once::ExactlyOnce;
use super::identity_stays_home::IdentityStaysHome;
use super::isolation::Isolation;
use super::logged_truthfully::LoggedTruthfully;
use super::lost_update::LostUpdate;
use super::no_structural_change::NoStructuralChange;
use super::one_primary::OnePrimary;
use super::oscillation::Oscillation;
use super::out_of_scope::OutOfScope;
use super::read_back::ReadBack;
use super::resurrection::Resurrection;
use super::{About, Bench, Charge, Oracle, Outside, isolation};
use crate::scenario;
use crate::stage::{catalogues, stage};

mod bench;
mod failures;
mod granularity;
mod orders;
mod values;

const WORLD: &str = "
scenario: One cloud-managed mailbox
world: {population: [user: {name: u1, cloud_managed: true}]}
story: [{wait: 0s}]
";

fn estate() -> Estate {
    estate_by(WORLD)
}

fn estate_by(text: &str) -> Estate {
    let scenario = scenario::read(Path::new("test.yaml"), text, &catalogues()).unwrap();
    stage(&scenario, 1, PlantedBugs::none()).unwrap().estate
}

/// An estate of so many people, and their mailboxes.
fn estate_of(people: usize) -> (Estate, Vec<ObjectKey>) {
    let users: String =
        (1..=people).map(|n| format!("user: {{name: u{n}, cloud_managed: true}}, ")).collect();
    let users = users.replace("user:", "{user:").replace("}, ", "}}, ");
    let text = format!("scenario: Some\nworld: {{population: [{users}]}}\nstory: [{{wait: 0s}}]\n");
    let scenario = scenario::read(Path::new("test.yaml"), &text, &catalogues()).unwrap();
    let estate = stage(&scenario, 1, PlantedBugs::none()).unwrap().estate;
    let mailboxes = estate.subjects().iter().filter_map(|s| s.exchange);
    let mailboxes = mailboxes.map(ObjectKey::exchange).collect();
    (estate, mailboxes)
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
        sent: at(2),
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
        refused_flip: false,
    })
}

fn charges(oracle: &mut dyn Oracle, estate: &Estate, events: &[Event]) -> Vec<Charge> {
    let mut charges = Vec::new();
    for (event, about) in events.iter().zip(super::about(estate, events)) {
        let mut next = oracle.observe(event, about);
        while let Some(charge) = next {
            charges.push(charge);
            next = oracle.more();
        }
    }
    charges
}

/// One charge at most, of the last of some events of which each is about `outside`.
fn charged_outside(events: &[Event], outside: &[Option<Outside>]) -> usize {
    let mut oracle = OutOfScope::default();
    let about =
        |outside: &Option<Outside>| About { whose: Some(0), outside: *outside, is_inside: false };
    let seen = events.iter().zip(outside);
    seen.filter_map(|(event, outside)| oracle.observe(event, about(outside))).count()
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
    let seen = read(mailbox, Activity::Writeback, Some(true));
    let sent = Event::HeldBack(HeldBack { at: at(1), object });
    let landed = late(export(object), 1);
    let events = [seen.clone(), sent.clone(), seen, landed.clone(), export(object)];
    assert_eq!(check(&events), 0, "each was read for, whatever lands first");
    assert_eq!(check(&[sent, landed]), 1, "and nothing was read for this one");
}

#[test]
fn what_comes_in_leaves_the_attributes_of_the_cloud_alone() {
    let estate = estate();
    let mailbox = mailbox(&estate);
    let user = ObjectKey::entra(estate.subjects()[0].entra.unwrap());
    let check = |events: &[Event]| charges(&mut Authority::new(&estate), &estate, events).len();
    let comes = |key, by, attribute| wrote(key, by, attribute, (&["a"], &["b"]), 3);
    assert_eq!(check(&[comes(mailbox, Activity::Sync, IN_CLOUD)]), 1);
    assert_eq!(check(&[comes(user, Activity::Sync, IN_CLOUD)]), 1, "in Entra too");
    assert_eq!(check(&[comes(mailbox, Activity::Service, IN_CLOUD)]), 1, "by the services");
    assert_eq!(check(&[comes(user, Activity::Service, IN_CLOUD)]), 0, "that is the way back");
    assert_eq!(check(&[comes(mailbox, Activity::Sync, property::DISPLAY_NAME)]), 0, "identity");
    let asked = comes(user, Activity::Person, IN_CLOUD);
    assert_eq!(check(&[asked, comes(mailbox, Activity::Service, IN_CLOUD)]), 0, "asked for");
    let addresses = property::EMAIL_ADDRESSES;
    assert_eq!(check(&[comes(mailbox, Activity::Service, addresses)]), 0, "computed");
    assert_eq!(check(&[comes(mailbox, Activity::Sync, addresses)]), 1);
    let in_ad = wrote(object(&estate), Activity::Person, IN_AD, (&["a"], &["b"]), 1);
    let flip = wrote(mailbox, Activity::Transfer, property::FLAG, (&["False"], &["True"]), 2);
    let race = [in_ad, flip, comes(mailbox, Activity::Sync, IN_CLOUD)];
    assert_eq!(check(&race), 0, "it was pending at the flip (switch race)");
    let [in_ad, flip, lands] = race;
    let ended = |began, pending: &[ObjectKey]| {
        let pending = pending.to_vec();
        Event::Synchronized(Synchronized { at: at(began + 1), began: at(began), pending })
    };
    let since = wrote(object(&estate), Activity::Person, DISPLAY_NAME, (&["a"], &["b"]), 3);
    let beside = [in_ad.clone(), flip.clone(), since, lands.clone()];
    assert_eq!(check(&beside), 0, "another attribute that changed since does not hide it");
    let since = wrote(object(&estate), Activity::Person, IN_AD, (&["a"], &["b"]), 3);
    let after = [in_ad.clone(), flip.clone(), since, lands.clone()];
    assert_eq!(check(&after), 1, "this one changed after the flip");
    let late = [in_ad.clone(), ended(2, &[]), flip.clone(), lands.clone()];
    assert_eq!(check(&late), 1, "a cycle between took it in");
    let again = [in_ad.clone(), flip.clone(), lands.clone(), ended(2, &[]), lands.clone()];
    assert_eq!(check(&again), 1, "the first cycle after the flip brings it, and no later one");
    let running = [in_ad.clone(), ended(1, &[]), flip.clone(), lands.clone()];
    assert_eq!(check(&running), 0, "the cycle had begun before the change");
    let refused = [in_ad, ended(2, &[object(&estate)]), flip, lands];
    assert_eq!(check(&refused), 0, "the cycle did not get it exported");
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
    let others = read(object, Activity::Transfer, None);
    let events = [modify(object, 7, false), others, modify(object, 8, true)];
    assert_eq!(check(&events), 1, "somebody else's read tells this activity nothing");
    for by in [Activity::Restore, Activity::Reconcile] {
        let sent = || acted(modify(object, 7, true), by, Side::Ad);
        assert_eq!(check(&[sent(), sent()]), 1, "{by:?}");
        assert_eq!(check(&[sent(), read(object, by, None), sent()]), 0, "{by:?}");
    }
    let mailbox = mailbox(&estate);
    let call = || acted(modify(mailbox, 7, true), Activity::Transfer, Side::Exchange);
    let looked = read(mailbox, Activity::Transfer, Some(false));
    assert_eq!(check(&[call(), call()]), 1, "a flag that was not read back");
    assert_eq!(check(&[call(), looked, call()]), 0);
    let refused = || match call() {
        Event::Outcome(outcome) => {
            Event::Outcome(Outcome { code: 429, effective: false, ..outcome })
        }
        other => other,
    };
    assert_eq!(check(&[refused(), call()]), 0, "what was refused may be asked again");
}

/// The same attempt by another activity, on another side.
fn acted(event: Event, activity: Activity, side: Side) -> Event {
    match event {
        Event::Outcome(outcome) => {
            Event::Outcome(Outcome { actor: Actor::new("engine", activity), side, ..outcome })
        }
        other => other,
    }
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
        sent: at(when),
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

/// The same write, sent at second `sent` and held back on its way.
fn late(event: Event, sent: i64) -> Event {
    match event {
        Event::Write(write) => Event::Write(Write { sent: at(sent), ..write }),
        other => other,
    }
}

fn cycle(began: i64, failed: bool) -> Event {
    Event::Cycle(CycleEnd { at: at(began + 1), began: at(began), failed, initial: false })
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
    let brought_back = match became(WriteKind::Moved, write(Activity::Writeback)) {
        Event::Write(write) => Event::Write(Write { changes: Vec::new(), ..write }),
        other => other,
    };
    assert_eq!(structure(brought_back), 1, "although no value of it changed");
    let disabled = (&["512"][..], &["514"][..]);
    let disables = wrote(object, Activity::Writeback, known::USER_ACCOUNT_CONTROL, disabled, 1);
    assert_eq!(structure(disables), 1);
}

#[test]
fn objects_out_of_scope_and_empty_values_are_not_written() {
    let estate = estate();
    let (mailbox, object) = (mailbox(&estate), object(&estate));
    let export = wrote(object, Activity::Writeback, IN_AD, (&[], &["b"]), 2);
    let scope = |events: &[Event]| charges(&mut OutOfScope::default(), &estate, events).len();
    assert_eq!(scope(std::slice::from_ref(&export)), 0);
    let looks = [
        read(mailbox, Activity::Writeback, Some(true)),
        read(object, Activity::Writeback, None),
        export.clone(),
    ];
    let judged = |seen: [Option<Outside>; 2]| charged_outside(&looks, &[seen[0], seen[1], None]);
    assert_eq!(judged([None, None]), 0);
    assert_eq!(judged([Some(Outside::NoMailbox), None]), 1, "an on-premises mailbox");
    assert_eq!(judged([None, Some(Outside::Filtered)]), 1, "outside the scoping filter");
    assert_eq!(judged([None, Some(Outside::OtherDomain)]), 1, "another domain's object");
    let left = [&looks[..2], &[read(object, Activity::Writeback, None), export.clone()]].concat();
    let outside = [None, Some(Outside::Filtered), None, None];
    assert_eq!(charged_outside(&left, &outside), 0, "it is in scope again");
    let sent = Event::HeldBack(HeldBack { at: at(1), object });
    let late = [&looks[..2], &[sent, looks[1].clone(), late(export.clone(), 1)]].concat();
    let outside = [None, None, None, Some(Outside::Filtered), None];
    assert_eq!(charged_outside(&late, &outside), 0, "it was in scope when the modify was sent");
    let stranger = ObjectKey::ad(sim::directory::forests::ForestNumber(0), ObjectNumber(0));
    assert_eq!(scope(&[wrote(stranger, Activity::Writeback, IN_AD, (&[], &["b"]), 2)]), 1);

    let empty = |event| charges(&mut AbsentNotEmpty, &estate, &[event]).len();
    assert_eq!(empty(export), 0);
    assert_eq!(empty(wrote(object, Activity::Writeback, IN_AD, (&["a"], &[]), 2)), 0);
    assert_eq!(empty(wrote(object, Activity::Writeback, IN_AD, (&["a"], &[""]), 2)), 1);
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
    let held_back = wrote(object, Activity::Writeback, IN_AD, (&[], &["b"]), 6);
    assert_eq!(check(&[process(false), late(held_back, 4)]), 0, "nobody could recall it");
    assert_eq!(check(&[process(false), cycle(6, false)]), 1);
}
