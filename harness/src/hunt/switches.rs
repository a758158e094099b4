//! Draws other answers to the profile's open questions.

use super::dice::Dice;
use super::draft::WorldDraft;
use super::features::{Feature, Features};

/// Switches that a story need not know of, and what each can say.
const CHOICES: [(&str, &[&str]); 19] = [
    ("proxy_mode", &["replace_smtp", "replace_all", "merge"]),
    ("write_onmicrosoft", &["true", "false"]),
    ("null_flow", &["true", "false"]),
    ("null_flow_multi", &["true", "false"]),
    ("rtd_mode", &["remote", "raw"]),
    ("first_time_requires_initial", &["true", "false"]),
    ("race", &["land", "refuse"]),
    ("flag_sampling", &["cycle", "event"]),
    ("upn_adds_proxy", &["true", "false"]),
    ("export_mode", &["whole_diff", "changed_attributes"]),
    ("drift_heal", &["initial_cycle", "every_cycle"]),
    ("classes", &["user", "user_and_inet_org_person"]),
    ("modify_granularity", &["object", "attribute"]),
    ("match_order", &["object_identifier", "immutable_id", "external_id"]),
    ("escrow_ladder", &["general", "every_cycle"]),
    ("disabled_accounts", &["write", "skip"]),
    ("licence_recalc", &["true", "false"]),
    ("flag_after_restore", &["true", "false"]),
    ("cloud_only_types", &["skip", "as_room"]),
];

/// More of them, each drawn less often: which types of addresses are written, and how the services answer.
const FURTHER: [(&str, &[&str]); 10] = [
    ("write_x500", &["true", "false"]),
    ("write_sip", &["true", "false"]),
    ("flag_after_soa_rollback", &["true", "false"]),
    ("tenant_default_drops_addresses", &["true", "false"]),
    ("sync_behavior_answer", &["nothing", "object"]),
    ("emits_object", &["true", "false"]),
    ("empty_error_applied", &["true", "false"]),
    ("exo_rate_limit_headers", &["true", "false"]),
    ("graph_budgets", &["true", "false"]),
    ("exo_budget", &["off", "2000/5m"]),
];

/// How long the directory and Exchange Online take to hear of each other's changes, and minutes after which
/// they have.
pub(super) const DELAYS: [(&str, u64); 4] = [("5s", 1), ("90s", 2), ("20m", 21), ("2h", 121)];

/// Draws the switches of a world.
pub(super) fn draw(world: &mut WorldDraft, features: Features) {
    let seed = world.seed;
    if features.has(Feature::Switches) {
        take(world, &CHOICES, 50, &mut Dice::of(seed, "hunt switches"));
        take(world, &FURTHER, 30, &mut Dice::of(seed, "hunt further switches"));
        licence(world, &mut Dice::of(seed, "hunt licence switch"));
    }
    if features.has(Feature::ForwardDelay) {
        let mut dice = Dice::of(seed, "hunt forward delay");
        if dice.percent(40) {
            let (delay, _) = dice.one(DELAYS);
            world.switches.push(("forward_delay", delay.to_owned()));
        }
    }
}

fn take(
    world: &mut WorldDraft,
    choices: &[(&'static str, &[&'static str])],
    share: u64,
    dice: &mut Dice,
) {
    for (name, choices) in choices {
        if dice.percent(share) {
            let choice = dice.pick(choices).map(|choice| (*name, (*choice).to_owned()));
            world.switches.extend(choice);
        }
    }
}

/// What a licence of the tenant means; nobody is without it.
fn licence(world: &mut WorldDraft, dice: &mut Dice) {
    if dice.percent(30) {
        world.switches.push(("licence_check", "gate".to_owned()));
        world.licensed = true;
    }
}

/// What a limit of the job means, and a limit that those who are there are within; whoever comes later may
/// be beyond it.
pub(super) fn limit(world: &mut WorldDraft) {
    let mut dice = Dice::of(world.seed, "hunt limit");
    if !dice.percent(30) {
        return;
    }
    world.switches.push(("limit_action", dice.one(["warn", "refuse"]).to_owned()));
    if dice.percent(60) {
        let people = world.people.iter().filter(|person| person.cloud_managed).count() as u64;
        let shapes = world.shapes.iter().filter(|shape| shape.cloud_managed);
        let managed = people + shapes.map(|shape| shape.mailboxes).sum::<u64>();
        let limit = managed.max(1) + dice.between(0, 2);
        world.switches.push(("mailbox_limit", limit.to_string()));
    }
}
