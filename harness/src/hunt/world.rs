//! Draws the world: its settings and who is there.

use super::dice::Dice;
use super::draft::{PersonDraft, ShapeDraft, WorldDraft};
use super::features::{Feature, Features};
use super::settings;
use super::switches;
use super::values::Values;

/// Mailboxes of a drawn world at most.
const MOST_MAILBOXES: u64 = 30;
/// More mailboxes than one page of a listing has, of a world that is about pages.
const MORE_THAN_A_PAGE: u64 = 1_100;
/// Users with entries of their own at most.
const MOST_PEOPLE: u64 = 8;
/// The longest value of `extensionAttribute1` to `10` (`rangeUpper` in the schema).
pub(super) const LONGEST_CUSTOM: usize = 1_024;

/// Draws a world.
pub(super) fn draw(seed: u64, features: Features, values: &mut Values) -> WorldDraft {
    let mut dice = Dice::of(seed, "hunt world");
    let mut world = WorldDraft { seed, job: true, ..WorldDraft::default() };
    switches::draw(&mut world, features);
    world.operator = features.has(Feature::Roles) && Dice::of(seed, "hunt operator").percent(40);
    if features.has(Feature::Earlier) {
        match dice.between(0, 7) {
            0 => world.profile = Some("wb-public-2026-05"),
            1 => world.profile = Some("wb-private"),
            2 => world.created = Some("2026-07-15"),
            3 => world.job = false,
            4 => {
                world.profile =
                    Some(dice.one(["p1-preview-2025-08", "p1-ga-2025-10", "p1-fixed-2025-11"]));
                world.job = false;
            }
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
    if world.job {
        job(&mut world, features, &mut Dice::of(seed, "hunt job"));
    }
    places(&mut world, features, &mut Dice::of(seed, "hunt places"));
    settings::draw(&mut world, features);
    populate(&mut world, features, values, &mut Dice::of(seed, "hunt people"));
    licences(&mut world, &mut Dice::of(seed, "hunt licences"));
    if features.has(Feature::Switches) {
        switches::limit(&mut world);
    }
    world.managed_by_default =
        features.has(Feature::TenantDefault) && Dice::of(seed, "hunt tenant default").percent(40);
    if features.has(Feature::Rights) {
        rights(&mut world, &mut Dice::of(seed, "hunt rights"));
    }
    world
}

/// What the job is for, and how it maps.
fn job(world: &mut WorldDraft, features: Features, dice: &mut Dice) {
    const MAPPINGS: [(&str, &str); 3] = [
        ("extensionAttribute13", "CustomAttribute12"),
        ("extensionAttribute14", "'Append([CustomAttribute14], \"-hq\")'"),
        ("extensionAttribute15", "~"),
    ];
    if features.has(Feature::Mappings) && dice.percent(60) {
        world.mappings = dice.some(&MAPPINGS, MAPPINGS.len());
    }
    if features.has(Feature::Scope) && dice.percent(60) {
        world.scope = Some(UNIT);
    }
}

/// The group of a scoping filter, which the story makes.
pub(super) const PILOTS: &str = "CN=Pilots,OU=People,DC=corp,DC=contoso,DC=com";
/// The organizational unit of a scoping filter.
const UNIT: &str = "Staff";

/// Domain controllers, domains, forests, and what synchronizes them.
fn places(world: &mut WorldDraft, features: Features, dice: &mut Dice) {
    if features.has(Feature::SecondDc) {
        world.second_dc = Some(dice.one([1, 5, 15]));
        world.agents_at = dice.percent(50).then_some("DC2");
    }
    if features.has(Feature::CloudSync) && dice.percent(60) {
        world.cloud_sync = true;
        return;
    }
    if features.has(Feature::Domains) {
        world.second_domain = dice.percent(60);
        world.second_forest = !world.second_domain || dice.percent(50);
    }
    world.staging = features.has(Feature::ConnectServers) && dice.percent(50);
}

/// Some whom the agents may not write; never the first, whom writeback surely concerns.
fn rights(world: &mut WorldDraft, dice: &mut Dice) {
    let others = world.people.iter().skip(1).filter(|person| person.dir_synced);
    let others: Vec<String> = others.map(|person| person.name.clone()).collect();
    for (place, name) in dice.some(&others, 2).into_iter().enumerate() {
        match dice.between(0, 3) {
            0 if place == 0 => world.protected.push(name),
            1 => world.denied.push((name, None)),
            2 => {
                world
                    .denied
                    .push((name, Some(dice.one(["proxyAddresses", "extensionAttribute3"]))));
            }
            _ => {
                if dice.percent(40) {
                    world.given_back.push(name.clone());
                }
                world.cut_off.push(name);
            }
        }
    }
}

/// Some whose mailbox needs no licence have one all the same.
fn licences(world: &mut WorldDraft, dice: &mut Dice) {
    for person in &mut world.people {
        let needs_none = person.kind.is_some() || person.mailbox == Some("on-premises");
        person.licensed = needs_none && person.mailbox != Some("none") && dice.percent(30);
    }
}

fn populate(world: &mut WorldDraft, features: Features, values: &mut Values, dice: &mut Dice) {
    if features.has(Feature::PageExpired) && world.job && dice_of_pages(world).percent(1) {
        world.shapes.push(ShapeDraft {
            name: "plain",
            mailboxes: MORE_THAN_A_PAGE,
            cloud_managed: true,
            domain: None,
        });
        // Whoever edits so many at once may not be out of what Exchange Online allows.
        world.switches.retain(|(name, _)| *name != "exo_budget");
    } else if features.has(Feature::Shapes) {
        world.shapes.push(ShapeDraft {
            name: dice.one(["plain", "university", "company"]),
            mailboxes: dice.between(1, MOST_MAILBOXES - MOST_PEOPLE),
            cloud_managed: dice.percent(50),
            domain: (world.second_domain && dice.percent(30)).then_some(SECOND_DOMAIN),
        });
    }
    for number in 1..=dice.between(1, MOST_PEOPLE) {
        let person = person(number, features, world, values, dice);
        world.people.push(person);
    }
}

/// A listing of a second page is long: one seed in a hundred that could has it.
fn dice_of_pages(world: &WorldDraft) -> Dice {
    Dice::of(world.seed, "hunt pages")
}

/// Where the object of somebody is, unless it is in the first domain's `People`.
fn home(
    number: u64,
    world: &WorldDraft,
    dice: &mut Dice,
) -> (Option<&'static str>, Option<&'static str>) {
    if number == 1 && world.job_elsewhere {
        return (Some(SECOND_DOMAIN), None);
    }
    let mut elsewhere = Vec::new();
    elsewhere.extend(world.second_domain.then_some(SECOND_DOMAIN));
    elsewhere.extend(world.second_forest.then_some(OTHER_FOREST));
    if number > 1
        && dice.percent(30)
        && let Some(domain) = dice.pick(&elsewhere)
    {
        return (Some(domain), None);
    }
    (None, world.scope.filter(|_| number == 1 || dice.percent(60)))
}

/// The second domain of the first forest.
pub(super) const SECOND_DOMAIN: &str = "emea.corp.contoso.com";
/// Its domain controller.
pub(super) const SECOND_DC: &str = "EMEA1";
/// The domain of the second forest.
pub(super) const OTHER_FOREST: &str = "fabrikam.example";

fn person(
    number: u64,
    features: Features,
    world: &WorldDraft,
    values: &mut Values,
    dice: &mut Dice,
) -> PersonDraft {
    let (domain, ou) = home(number, world, dice);
    let mut person = PersonDraft {
        name: format!("u{number}"),
        addresses: Vec::new(),
        cloud_managed: false,
        kind: None,
        mailbox: None,
        licensed: false,
        dir_synced: true,
        domain,
        ou,
        attributes: Vec::new(),
        cloud: Vec::new(),
    };
    // The first is always one that writeback concerns, or may come to concern.
    if number > 1 && features.has(Feature::CloudOnly) && dice.percent(20) {
        person.dir_synced = false;
        (person.domain, person.ou) = (None, None);
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
    if features.has(Feature::Sip) && dice.percent(50) {
        person.addresses.push(values.sip());
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
