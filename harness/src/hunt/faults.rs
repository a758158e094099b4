//! Scenes with faults: what breaks, and the work that surely meets it.
//!
//! A fault that is never hit proves nothing, so each is drawn together with its bait: an edit and the
//! cycle that must write it, or a transfer.

mod in_flips;

use super::cast::Actor;
use super::cloud;
use super::dice::Dice;
use super::draft::{ActionDraft, WorldDraft};
use super::features::{Feature, Features};
use super::story::Playwright;
pub(super) use in_flips::in_a_flip;

/// The features that are faults.
pub(super) const KINDS: [Feature; 22] = [
    Feature::AgentOffline,
    Feature::EngineCrash,
    Feature::DcBusy,
    Feature::ConnectionLost,
    Feature::AgentSlow,
    Feature::AgentRestart,
    Feature::RightsRemoved,
    Feature::DeliveryDuplicated,
    Feature::DeliveryReordered,
    Feature::SchemaNotExtended,
    Feature::StoreDamaged,
    Feature::DcDown,
    Feature::DcUnavailable,
    Feature::Throttled,
    Feature::ServiceFailure,
    Feature::TruncatedBody,
    Feature::CertificateExpired,
    Feature::CloudOffline,
    Feature::TimedOut,
    Feature::ReplicationStopped,
    Feature::ReplicationSlow,
    Feature::ForwardSyncDelayed,
];

/// The kinds of faults that a story may have in a world.
pub(super) fn kinds(features: Features, world: &WorldDraft) -> Vec<Feature> {
    let between_dcs = [Feature::ReplicationStopped, Feature::ReplicationSlow];
    let mut kinds = features.among(&KINDS);
    kinds.retain(|kind| world.second_dc.is_some() || !between_dcs.contains(kind));
    kinds
}

/// Faults of domain controllers, and between them.
pub(super) const AT_CONTROLLERS: [Feature; 5] = [
    Feature::DcBusy,
    Feature::DcDown,
    Feature::DcUnavailable,
    Feature::ReplicationStopped,
    Feature::ReplicationSlow,
];

/// Those with a window, in which nothing gets past them: one of a mix at most, so that it is met.
const WINDOWS: [Feature; 4] =
    [Feature::AgentOffline, Feature::AgentRestart, Feature::StoreDamaged, Feature::DcDown];

/// Faults of a mix at most.
const MOST_MIXED: usize = 3;

/// Port calls that a cycle with a write makes, each at least once.
const CALLS_OF_A_CYCLE: [&str; 11] = [
    "exchange.mailboxes_changed",
    "entra.agents",
    "directory.find",
    "directory.read",
    "directory.modify",
    "store.get",
    "store.scan",
    "store.commit",
    "job.commands",
    "job.report",
    "job.log",
];

/// Budgets of which every cycle costs some.
const BUDGETS_OF_A_CYCLE: [&str; 3] =
    ["Tenant_Application/ReadWrite", "Application/ReadWrite", "Application/Global"];

/// A scene with a fault of a kind, and perhaps another with it.
pub(super) fn scene(playwright: &mut Playwright<'_>, kind: Feature) {
    playwright.let_the_job_run();
    if kind == Feature::EngineCrash
        && playwright.dice.percent(40)
        && in_flips::crash_in_flip(playwright)
    {
        return;
    }
    let mut targets = playwright.those(Actor::is_written_at_once);
    if targets.is_empty() {
        playwright.transfer();
        if playwright.world.waits_for_initial() {
            playwright.restart_with(&[]);
            playwright.writeback_cycle();
        }
        targets = playwright.those(Actor::is_written_at_once);
    }
    let targets = playwright.dice.some(&targets, MOST_BAITS);
    let kinds = mix(playwright, kind);
    let alone = kinds.len() == 1;
    let mut scene = Scene { alone, longest: 0, agent: 1, rounds: 0, pause: 0, quarantined: false };
    for kind in kinds {
        match kind {
            Feature::AgentOffline => scene.agent_offline(playwright),
            Feature::EngineCrash => scene.engine_crash(playwright),
            Feature::DcBusy => scene.dc_busy(playwright),
            Feature::ConnectionLost => scene.connection_lost(playwright, targets.len() > 1),
            other => scene.other(playwright, other, targets.len() > 1),
        }
    }
    scene.work(playwright, &targets);
}

/// A kind, and perhaps others that strike at the same time. Whatever has a window comes first.
fn mix(playwright: &mut Playwright<'_>, kind: Feature) -> Vec<Feature> {
    let mut others = kinds(playwright.features, playwright.world);
    let mut kinds = vec![kind];
    while kinds.len() < MOST_MIXED && playwright.dice.percent(40) {
        others.retain(|other| kinds.iter().all(|kind| go_together(*kind, *other)));
        let Some(other) = playwright.dice.pick(&others).copied() else { break };
        kinds.push(other);
    }
    kinds.sort_by_key(|kind| (!WINDOWS.contains(kind), *kind));
    kinds
}

/// Whether two faults are both met when they strike together.
fn go_together(one: Feature, other: Feature) -> bool {
    let either = |kind| one == kind || other == kind;
    let windows = [one, other].iter().filter(|kind| WINDOWS.contains(kind)).count();
    // In the quarantine that follows an expired certificate no window is met in time, and the process that
    // ends with a damaged store is not the one that is to crash.
    one != other
        && windows < 2
        && !(either(Feature::CertificateExpired) && windows == 1)
        && !(either(Feature::StoreDamaged) && either(Feature::EngineCrash))
}

/// Mailboxes that a scene edits at most.
const MOST_BAITS: usize = 4;

/// A fault and its keys.
struct Drawn {
    name: &'static str,
    keys: Vec<(&'static str, String)>,
}

impl Drawn {
    fn says(&self, key: &str) -> bool {
        self.keys.iter().any(|(known, _)| *known == key)
    }

    fn say(&mut self, key: &'static str, value: &str) {
        self.keys.retain(|(known, _)| *known != key);
        self.keys.push((key, value.to_owned()));
    }
}

/// Faults of which an agent can be named.
const AT_AGENTS: [&str; 5] = [
    "agent_slow",
    "rights_removed",
    "delivery_duplicated",
    "delivery_reordered",
    "schema_not_extended",
];

/// Faults of the services in the cloud.
const IN_THE_CLOUD: [&str; 6] = [
    "throttled",
    "service_failure",
    "timed_out",
    "truncated_body",
    "certificate_expired",
    "cloud_offline",
];

/// Faults that strike so often, or for a while.
const WITH_A_WINDOW: [&str; 13] = [
    "agent_slow",
    "rights_removed",
    "delivery_duplicated",
    "delivery_reordered",
    "schema_not_extended",
    "dc_unavailable",
    "replication_slow",
    "forward_sync_delayed",
    "throttled",
    "service_failure",
    "timed_out",
    "truncated_body",
    "cloud_offline",
];

/// What a scene with faults needs of the work after them.
struct Scene {
    /// Whether there is one fault only.
    alone: bool,
    /// Minutes after which every window is over.
    longest: u64,
    /// The number of the agent that works; none when all are offline.
    agent: u64,
    /// How often there must be a cycle with a write: each uses up one hit at least of one fault.
    rounds: u64,
    /// Minutes without an edit after the first of them.
    pause: u64,
    /// Whether a cycle may leave the job in quarantine, from which somebody has to take it.
    quarantined: bool,
}

impl Scene {
    fn agent_offline(&mut self, playwright: &mut Playwright<'_>) {
        let lasts = self.window(playwright, [10, 30, 70, 120]);
        let window = format!("{lasts}m");
        offline(playwright, "agent1", &window);
        self.rounds += 1;
        let second = playwright.world.agents.len() > 1;
        if second && playwright.dice.percent(70) {
            self.agent = 2;
        } else if second {
            offline(playwright, "agent2", &window);
            self.agent = 0;
        } else {
            self.agent = 0;
        }
    }

    fn engine_crash(&mut self, playwright: &mut Playwright<'_>) {
        let further = self.alone && playwright.features.has(Feature::FurtherCalls);
        if further && playwright.dice.percent(30) {
            self.rounds += 1;
            let keys = vec![("at", "random".to_owned()), ("when", "after".to_owned())];
            return playwright.push(ActionDraft::Fault("engine_crash", keys));
        }
        let at = playwright.dice.one(CALLS_OF_A_CYCLE);
        let nth = if self.alone { playwright.dice.between(1, 3) } else { 1 };
        self.rounds += nth;
        // Where other faults strike too the process ends before the call: what one of them did to a call
        // whose answer nobody waits for would prove nothing.
        let before = !self.alone || playwright.dice.percent(50);
        crash(playwright, at, before, nth);
    }

    /// Minutes that a window lasts: in a mix long enough for all cycles that the others keep from it.
    fn window<const N: usize>(&mut self, playwright: &mut Playwright<'_>, alone: [u64; N]) -> u64 {
        let lasts = if self.alone {
            playwright.dice.one(alone)
        } else {
            playwright.dice.one([180, 240, 300])
        };
        self.longest = self.longest.max(lasts);
        lasts
    }

    fn dc_busy(&mut self, playwright: &mut Playwright<'_>) {
        let mut keys = Vec::new();
        if playwright.dice.percent(50) {
            keys.push(("dc", playwright.world.dc_of_agents().to_owned()));
        }
        let operation = playwright.dice.one(["modify", "search", "any"]);
        if operation != "modify" || playwright.dice.percent(50) {
            keys.push(("operation", operation.to_owned()));
        }
        keys.push(self.extent(playwright, operation));
        playwright.push(ActionDraft::Fault("dc_busy", keys));
    }

    fn connection_lost(&mut self, playwright: &mut Playwright<'_>, several: bool) {
        let agent = self.agent.max(1);
        let mut keys = vec![("agent", format!("agent{agent}"))];
        let operation = playwright.dice.one(["modify", "modify", "search", "any"]);
        keys.push(("operation", operation.to_owned()));
        keys.push(("when", playwright.dice.one(["before", "after"]).to_owned()));
        if self.alone && several && operation == "modify" && playwright.dice.percent(50) {
            keys.push(("nth", "2".to_owned()));
            self.rounds += 1;
        } else if playwright.dice.percent(50) {
            keys.push(self.extent(playwright, operation));
        } else {
            self.rounds += 1;
        }
        playwright.searches_may_fail |= operation != "modify";
        playwright.push(ActionDraft::Fault("connection_lost", keys));
    }

    /// Faults that need nothing but the bait: each strikes with the next cycle that writes.
    fn other(&mut self, playwright: &mut Playwright<'_>, kind: Feature, several: bool) {
        let lasts = match kind {
            Feature::AgentRestart => self.window(playwright, [5]),
            Feature::StoreDamaged => self.window(playwright, [10, 25]),
            Feature::DcDown => self.window(playwright, [10, 35]),
            Feature::ReplicationStopped => self.window(playwright, [60, 90]),
            _ => 0,
        };
        if kind == Feature::ReplicationSlow {
            // What is on its way by then is not slowed down any more.
            playwright.push(ActionDraft::Wait(20));
        }
        let window = || ("for", format!("{lasts}m"));
        playwright.searches_may_fail |= matches!(kind, Feature::AgentRestart | Feature::DcDown);
        let dice = &mut playwright.dice;
        let times = dice.between(1, 2);
        let count = || ("count", times.to_string());
        let (name, keys) = match kind {
            Feature::AgentSlow => {
                let by = dice.one(["20s", "2m", "11m"]);
                let keys = vec![("by", by.to_owned()), ("operation", "modify".to_owned()), count()];
                ("agent_slow", keys)
            }
            Feature::AgentRestart => {
                ("agent_restart", vec![("agent", "agent1".to_owned()), window()])
            }
            Feature::RightsRemoved => ("rights_removed", vec![count()]),
            Feature::DeliveryDuplicated => ("delivery_duplicated", vec![count()]),
            Feature::DeliveryReordered => {
                // What comes late finds what the engine wrote since, and perhaps somebody's newer edit.
                self.pause = dice.one([0, 5]);
                ("delivery_reordered", vec![("by", dice.one(["30s", "4m"]).to_owned())])
            }
            Feature::SchemaNotExtended => ("schema_not_extended", vec![count()]),
            Feature::StoreDamaged => ("store_damaged", vec![window()]),
            Feature::DcDown => ("dc_down", vec![window()]),
            Feature::DcUnavailable => {
                ("dc_unavailable", vec![("operation", "modify".to_owned()), count()])
            }
            Feature::ReplicationStopped => {
                let way = dice.one(["inbound", "outbound", "both"]).to_owned();
                ("replication_stopped", vec![("direction", way), window()])
            }
            Feature::ReplicationSlow => {
                ("replication_slow", vec![("by", dice.one(["5m", "50m"]).to_owned()), count()])
            }
            Feature::ForwardSyncDelayed => {
                let (by, minutes) = dice.one([("30s", 1), ("25m", 26), ("3h", 181)]);
                playwright.held_back = playwright.held_back.max(minutes);
                ("forward_sync_delayed", vec![("by", by.to_owned()), count()])
            }
            of_the_cloud => {
                // In the quarantine that follows no cycle comes by its interval.
                self.quarantined |= of_the_cloud == Feature::CertificateExpired;
                let alone = self.alone;
                in_the_cloud(of_the_cloud, times, alone, dice)
            }
        };
        self.rounds += times;
        let mut fault = Drawn { name, keys };
        if self.alone && playwright.features.has(Feature::FurtherCalls) {
            self.vary(playwright, &mut fault, several);
        }
        playwright.push(ActionDraft::Fault(fault.name, fault.keys));
    }

    /// What else can be said of a fault that strikes alone: at which agent or controller, of which operation or
    /// call, for how long, from which hit on.
    fn vary(&mut self, playwright: &mut Playwright<'_>, fault: &mut Drawn, several: bool) {
        let dice = &mut playwright.dice;
        if AT_AGENTS.contains(&fault.name) && dice.percent(30) {
            fault.say("agent", "agent1");
        }
        let operations = ["agent_slow", "dc_unavailable"];
        if operations.contains(&fault.name) && dice.percent(40) {
            fault.say("operation", dice.one(["any", "search"]));
            playwright.searches_may_fail = true;
        }
        let dice = &mut playwright.dice;
        match fault.name {
            "dc_down" | "dc_unavailable" if dice.percent(30) => {
                fault.say("dc", playwright.world.dc_of_agents());
            }
            "delivery_duplicated" | "delivery_reordered" if several && dice.percent(30) => {
                fault.say("nth", "2");
                self.rounds += 1;
            }
            "replication_stopped" if dice.percent(30) => {
                fault.say("direction", "both");
                fault.say("dc", "DC2");
            }
            "replication_slow" if dice.percent(30) => {
                let at_second = playwright.world.dc_of_agents() == "DC2";
                fault.say("dc", if at_second { "DC1" } else { "DC2" });
            }
            "service_failure" if dice.percent(30) => fault.say("retry_after", "45s"),
            "certificate_expired" if dice.percent(30) => {
                fault.say("service", dice.one(["exchange", "graph", "login"]));
            }
            "truncated_body" if dice.percent(30) => {
                fault.say("service", dice.one(["graph", "login"]));
            }
            "delivery_reordered" if dice.percent(30) => fault.say("count", "2"),
            _ => {}
        }
        let of_a_cycle = ["exchange.mailboxes_changed", "entra.agents"];
        if IN_THE_CLOUD.contains(&fault.name) && !fault.says("budget") && dice.percent(30) {
            fault.keys.retain(|(key, _)| *key != "service");
            fault.say("call", dice.one(of_a_cycle));
        }
        if WITH_A_WINDOW.contains(&fault.name) && !fault.says("nth") && dice.percent(30) {
            let minutes = dice.one([5, 25, 60]);
            fault.keys.retain(|(key, _)| *key != "count");
            fault.keys.push(("for", format!("{minutes}m")));
            self.longest = self.longest.max(minutes);
        }
    }

    /// A count, or a window where nothing else keeps the work from meeting it. Each cycle meets a
    /// fault at least once, so that a count is used up in as many and leaves nothing to later steps.
    fn extent(
        &mut self,
        playwright: &mut Playwright<'_>,
        operation: &str,
    ) -> (&'static str, String) {
        if !self.alone || playwright.dice.percent(60) {
            let count = playwright.dice.between(1, 3);
            self.rounds += count;
            playwright.searches_may_fail |= operation != "modify";
            return ("count", count.to_string());
        }
        let minutes = playwright.dice.one([5, 25, 60]);
        self.rounds += 1;
        self.longest = self.longest.max(minutes);
        ("for", format!("{minutes}m"))
    }

    /// Edits and cycles while it is broken, and again when the windows are over.
    fn work(&self, playwright: &mut Playwright<'_>, targets: &[usize]) {
        self.cycles(playwright, targets);
        if self.longest > 0 {
            playwright.push(ActionDraft::Wait(self.longest));
            playwright.writeback_cycle();
            if !self.alone {
                self.cycles(playwright, targets);
            }
        }
        // What is left of a mix strikes where nobody waits for it.
        playwright.searches_may_fail |= !self.alone;
    }

    fn cycles(&self, playwright: &mut Playwright<'_>, targets: &[usize]) {
        for round in 0..self.rounds {
            cloud::bait(playwright, targets);
            if round == 0 || self.quarantined || !self.alone || playwright.dice.percent(50) {
                playwright.writeback_cycle();
                if round == 0 && self.pause > 0 {
                    playwright.push(ActionDraft::Wait(self.pause));
                }
                if self.quarantined {
                    playwright.restart_with(&["QuarantineState"]);
                }
            } else {
                let interval = playwright.world.interval.unwrap_or(INTERVAL);
                playwright.push(ActionDraft::Wait(interval + 5));
            }
        }
    }
}

/// A listing of more than a page, whose token for the next one is not known any more.
pub(super) fn page(playwright: &mut Playwright<'_>) {
    playwright.let_the_job_run();
    let mailboxes = playwright.world.shapes.iter().map(|shape| format!("shape:{}", shape.name));
    let mailboxes = mailboxes.take(1).collect();
    let times = playwright.dice.between(1, 2).to_string();
    playwright.push(ActionDraft::Edits { mailboxes, share: 100, repeated: None });
    playwright.push(ActionDraft::Fault("page_expired", vec![("count", times)]));
    playwright.writeback_cycle();
}

/// A fault of the services in the cloud, that strikes so many times, with its keys.
fn in_the_cloud(
    kind: Feature,
    times: u64,
    alone: bool,
    dice: &mut Dice,
) -> (&'static str, Vec<(&'static str, String)>) {
    let count = || ("count", times.to_string());
    match kind {
        Feature::Throttled => {
            // People meet a budget that is used up as well: in a mix something may be left for them.
            let by_budget = alone && dice.percent(40);
            let which = if by_budget {
                ("budget", dice.one(BUDGETS_OF_A_CYCLE).to_owned())
            } else {
                ("service", service(dice))
            };
            let mut keys = vec![which, count()];
            if dice.percent(60) {
                keys.push(("retry_after", dice.one(["5s", "90s"]).to_owned()));
            }
            ("throttled", keys)
        }
        Feature::ServiceFailure => {
            let status = dice.one(["500", "502", "503"]).to_owned();
            ("service_failure", vec![("service", service(dice)), ("status", status), count()])
        }
        Feature::TruncatedBody => {
            ("truncated_body", vec![("service", "exchange".to_owned()), count()])
        }
        Feature::CertificateExpired => ("certificate_expired", vec![("count", "1".to_owned())]),
        Feature::TimedOut => {
            let by = dice.one(["2m", "15m"]).to_owned();
            let when = dice.one(["before", "after"]).to_owned();
            ("timed_out", vec![("service", service(dice)), ("by", by), ("when", when), count()])
        }
        _ if dice.percent(50) => ("cloud_offline", vec![("service", service(dice)), count()]),
        _ => ("cloud_offline", vec![count()]),
    }
}

/// A service that every cycle with a write asks.
fn service(dice: &mut Dice) -> String {
    dice.one(["exchange", "exchange", "graph", "login"]).to_owned()
}

/// Minutes between two cycles of the job, unless said.
const INTERVAL: u64 = 20;

fn offline(playwright: &mut Playwright<'_>, agent: &str, window: &str) {
    let keys = vec![("agent", agent.to_owned()), ("for", window.to_owned())];
    playwright.push(ActionDraft::Fault("agent_offline", keys));
}

fn crash(playwright: &mut Playwright<'_>, at: &str, before: bool, nth: u64) {
    let mut keys = vec![("at", at.to_owned())];
    if before {
        keys.push(("when", "before".to_owned()));
    }
    if nth > 1 {
        keys.push(("nth", nth.to_string()));
    }
    playwright.push(ActionDraft::Fault("engine_crash", keys));
}
