//! Draws the world: its settings and who is there.

use super::dice::Dice;
use super::draft::{PersonDraft, ShapeDraft, WorldDraft};
use super::features::{Feature, Features};
use super::values::Values;

/// Mailboxes of a drawn world at most.
const MOST_MAILBOXES: u64 = 30;
/// Users with entries of their own at most.
const MOST_PEOPLE: u64 = 8;
/// The longest value of `extensionAttribute1` to `10` (`rangeUpper` in the schema).
pub(super) const LONGEST_CUSTOM: usize = 1_024;

/// Draws a world.
pub(super) fn draw(seed: u64, features: Features, values: &mut Values) -> WorldDraft {
    let mut dice = Dice::of(seed, "hunt world");
    let mut world = WorldDraft { seed, job: true, ..WorldDraft::default() };
    if features.has(Feature::Switches) {
        world.switches = switches(&mut dice);
    }
    if features.has(Feature::Earlier) {
        match dice.between(0, 5) {
            0 => world.profile = Some("wb-public-2026-05"),
            1 => world.profile = Some("wb-private"),
            2 => world.created = Some("2026-07-15"),
            3 => world.job = false,
            _ => {}
        }
    }
    if features.has(Feature::Intervals) {
        world.connect = dice.percent(50).then(|| dice.one([5, 30, 45, 180]));
        world.interval = dice.percent(50).then(|| dice.one([5, 15, 20, 40]));
    }
    if features.has(Feature::SecondAgent) {
        world.agents = vec!["agent1".to_owned(), "agent2".to_owned()];
    }
    populate(&mut world, features, values, &mut Dice::of(seed, "hunt people"));
    world
}

fn switches(dice: &mut Dice) -> Vec<(&'static str, &'static str)> {
    const CHOICES: [(&str, &[&str]); 8] = [
        ("proxy_mode", &["replace_smtp", "replace_all", "merge"]),
        ("write_onmicrosoft", &["true", "false"]),
        ("null_flow", &["true", "false"]),
        ("null_flow_multi", &["true", "false"]),
        ("rtd_mode", &["remote", "raw"]),
        ("first_time_requires_initial", &["true", "false"]),
        ("race", &["land", "refuse"]),
        ("upn_adds_proxy", &["true", "false"]),
    ];
    let mut switches = Vec::new();
    for (name, choices) in CHOICES {
        if dice.percent(50) {
            switches.extend(dice.pick(choices).map(|choice| (name, *choice)));
        }
    }
    switches
}

fn populate(world: &mut WorldDraft, features: Features, values: &mut Values, dice: &mut Dice) {
    if features.has(Feature::Shapes) {
        world.shapes.push(ShapeDraft {
            name: dice.one(["plain", "university", "company"]),
            mailboxes: dice.between(1, MOST_MAILBOXES - MOST_PEOPLE),
            cloud_managed: dice.percent(50),
        });
    }
    for number in 1..=dice.between(1, MOST_PEOPLE) {
        world.people.push(person(number, features, values, dice));
    }
}

fn person(number: u64, features: Features, values: &mut Values, dice: &mut Dice) -> PersonDraft {
    let mut person = PersonDraft {
        name: format!("u{number}"),
        addresses: Vec::new(),
        cloud_managed: false,
        kind: None,
        mailbox: None,
        dir_synced: true,
        attributes: Vec::new(),
        cloud: Vec::new(),
    };
    // The first is always one that writeback concerns, or may come to concern.
    if number > 1 && features.has(Feature::CloudOnly) && dice.percent(20) {
        person.dir_synced = false;
    } else if number > 1 && features.has(Feature::Elsewhere) && dice.percent(20) {
        person.mailbox = Some(dice.one(["on-premises", "none"]));
    } else {
        person.cloud_managed = dice.percent(60);
    }
    if person.mailbox != Some("none") && features.has(Feature::Types) && dice.percent(40) {
        person.kind = Some(dice.one(["shared", "room", "equipment"]));
    }
    if features.has(Feature::Aliases) {
        for _ in 0..dice.between(0, 3) {
            person.addresses.push(format!("smtp:{}", values.address(dice)));
        }
        if dice.percent(20) {
            person.addresses.push(format!("SMTP:{}", values.address(dice)));
        }
    }
    if features.has(Feature::X500) && dice.percent(50) {
        person.addresses.push(values.x500());
    }
    if person.dir_synced {
        person.attributes = attributes(features, values, dice);
    }
    if person.cloud_managed && features.has(Feature::CloudDifferences) && dice.percent(50) {
        let property = format!("CustomAttribute{}", dice.between(1, 15));
        person.cloud.push((property, vec![values.word(dice)]));
    }
    person
}

/// AD attributes that add to or replace the defaults.
fn attributes(
    features: Features,
    values: &mut Values,
    dice: &mut Dice,
) -> Vec<(String, Vec<String>)> {
    let mut attributes = Vec::new();
    if dice.percent(50) {
        let name = format!("extensionAttribute{}", dice.between(1, 10));
        attributes.push((name, vec![values.word(dice)]));
    }
    if dice.percent(25) {
        let name = format!("msExchExtensionCustomAttribute{}", dice.between(1, 5));
        attributes.push((name, values.several(dice)));
    }
    if features.has(Feature::LongValues) && dice.percent(30) {
        let name = format!("extensionAttribute{}", dice.between(11, 15));
        attributes.push((name, vec![values.long(LONGEST_CUSTOM)]));
    }
    if features.has(Feature::AbsentValues) && dice.percent(40) {
        let name = dice.one(["displayName", "mail", "sn", "department"]);
        attributes.push((name.to_owned(), Vec::new()));
    }
    attributes
}
