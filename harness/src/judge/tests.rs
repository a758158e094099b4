//! The oracles on made-up events: each finds what it forbids, and nothing else.

use std::path::Path;

use engine::planted_bugs::PlantedBugs;
use sim::clock::VirtualTime;
use sim::estate::Estate;
use sim::ledger::{Activity, Actor, Change, Event, ObjectKey, Outcome, Read, Side, Write};

use super::authority::Authority;
use super::exactly_once::ExactlyOnce;
use super::{Charge, Oracle};
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
        Event::Question(_) | Event::Fault(_) => None,
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
