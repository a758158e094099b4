//! Draws what a world says beside its switches and its people: of the tenant, the forest, Connect, the agents
//! and the job.

use sim::entra::features::FEATURES;

use super::dice::Dice;
use super::draft::WorldDraft;
use super::faults;
use super::features::{Feature, Features};
use super::world::SECOND_DC;

/// The tenant's switch under which nobody who went to the cloud as a whole comes back.
pub(super) const BLOCKED: &str = "blockCloudObjectTakeoverThroughHardMatchEnabled";

/// What is drawn before the people, who live in it.
pub(super) fn draw(world: &mut WorldDraft, features: Features) {
    let seed = world.seed;
    if features.has(Feature::Moments) {
        let mut dice = Dice::of(seed, "hunt moments");
        let starts = ["2026-08-20T23:50:00Z", "2026-12-31T23:30:00Z", "2028-02-28T22:00:00Z"];
        world.start = dice.percent(40).then(|| dice.one(starts));
    }
    if features.has(Feature::TenantSettings) {
        tenant(world, &mut Dice::of(seed, "hunt tenant"));
    }
    if features.has(Feature::ForestSettings) {
        forest(world, features, &mut Dice::of(seed, "hunt forest"));
    }
    if features.has(Feature::JobSettings) && world.job {
        job(world, &mut Dice::of(seed, "hunt job settings"));
    }
    if features.has(Feature::ConnectSettings) && !world.cloud_sync {
        connect(world, &mut Dice::of(seed, "hunt Connect"));
    }
    if features.has(Feature::AgentVersions) {
        let mut dice = Dice::of(seed, "hunt agent versions");
        // Older ones are no sync client that knows what object authority is.
        let oldest = if world.cloud_sync { "1.1.1370.0" } else { "1.1.1107.0" };
        world.agent_version = dice.percent(60).then(|| dice.one(["1.1.2505.0", oldest]));
    }
}

fn tenant(world: &mut WorldDraft, dice: &mut Dice) {
    let mut say = |words: String| world.tenant.push(words);
    if dice.percent(30) {
        say("domains: [contoso.net]".to_owned());
    }
    if dice.percent(30) {
        say("verified: [contoso.example]".to_owned());
    }
    if dice.percent(30) {
        say(format!("deletion_threshold: {}", dice.one([0, 400])));
    }
    if dice.percent(30) {
        say("initial: contosoltd.onmicrosoft.com".to_owned());
    }
    if dice.percent(50) {
        let names = dice.some(&FEATURES, 3);
        let said = names.iter().map(|name| format!("{name}: {}", dice.percent(50)));
        say(format!("features: {{{}}}", said.collect::<Vec<_>>().join(", ")));
    }
}

fn forest(world: &mut WorldDraft, features: Features, dice: &mut Dice) {
    world.without_recycle_bin = dice.percent(40);
    if dice.percent(50) {
        world.read_only_dc = Some(dice.one([1, 5, 15]));
        // A modify there is referred: what a fault does to it at that controller nobody counts on.
        let quiet = features.among(&faults::AT_CONTROLLERS).is_empty();
        if quiet && dice.percent(50) {
            world.agents_at = Some("RODC1");
        }
    }
}

fn job(world: &mut WorldDraft, dice: &mut Dice) {
    world.job_waits = dice.percent(30);
    if world.second_domain && world.scope.is_none() && dice.percent(50) {
        // The job's agents are in its domain.
        world.job_elsewhere = true;
        world.agents_at = Some(SECOND_DC);
        world.second_dc = None;
    } else if world.scope.is_none() && dice.percent(40) {
        world.pilots = vec!["u1".to_owned(), "u2".to_owned()];
    }
}

fn connect(world: &mut WorldDraft, dice: &mut Dice) {
    world.only_units = dice.percent(30);
    if world.second_dc.is_some() && !world.second_domain && !world.second_forest && dice.percent(40)
    {
        world.reads_late = true;
        world.server.push("dc: DC2".to_owned());
    }
    if dice.percent(15) {
        world.server.push("scheduler: false".to_owned());
    }
    if dice.percent(20) {
        world.server.push(format!("build: {}", dice.one(["2.6.1.0", "2.6.92.0"])));
    }
}
