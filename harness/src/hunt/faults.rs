//! Scenes with faults: what breaks, and the work that surely meets it.
//!
//! A fault that is never hit proves nothing, so each is drawn together with its bait: an edit and the
//! cycle that must write it, or a transfer.

use super::cast::Actor;
use super::cloud;
use super::draft::ActionDraft;
use super::features::Feature;
use super::story::Playwright;

/// The features that are faults.
pub(super) const KINDS: [Feature; 19] = [
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
    Feature::PageExpired,
    Feature::CertificateExpired,
    Feature::CloudOffline,
];

/// Those of them that strike together: none keeps the others from being met.
const MIXED: [Feature; 4] =
    [Feature::AgentOffline, Feature::EngineCrash, Feature::DcBusy, Feature::ConnectionLost];

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

/// Port calls that a transfer to the cloud makes.
const CALLS_OF_A_TRANSFER: [&str; 5] = [
    "entra.sync_configuration",
    "exchange.mailboxes",
    "exchange.set_mailboxes",
    "store.get",
    "store.commit",
];

/// Port calls that a rollback makes.
const CALLS_OF_A_ROLLBACK: [&str; 5] = [
    "exchange.mailboxes",
    "exchange.set_mailboxes",
    "entra.users",
    "directory.find",
    "store.commit",
];

/// A scene with a fault of a kind, and perhaps another with it.
pub(super) fn scene(playwright: &mut Playwright<'_>, kind: Feature) {
    playwright.let_the_job_run();
    if kind == Feature::EngineCrash && playwright.dice.percent(40) && crash_in_flip(playwright) {
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
    let others = playwright.features.among(&MIXED);
    let second = playwright.dice.pick(&others).copied();
    let second = second
        .filter(|second| MIXED.contains(&kind) && *second != kind && playwright.dice.percent(40));
    // Whoever is offline comes first: the others are met where work goes on.
    let mut kinds = vec![kind];
    kinds.extend(second);
    kinds.sort_unstable();
    let alone = kinds.len() == 1;
    // One fault may keep a cycle from getting as far as the other.
    let mut scene = Scene { alone, longest: 0, agent: 1, rounds: kinds.len() as u64, pause: 0 };
    for kind in kinds {
        match kind {
            Feature::AgentOffline => scene.agent_offline(playwright),
            Feature::EngineCrash => scene.engine_crash(playwright),
            Feature::DcBusy => scene.dc_busy(playwright),
            Feature::ConnectionLost => scene.connection_lost(playwright, targets.len() > 1),
            other => scene.other(playwright, other),
        }
    }
    scene.work(playwright, &targets);
}

/// Mailboxes that a scene edits at most.
const MOST_BAITS: usize = 4;

/// What a scene with faults needs of the work after them.
struct Scene {
    /// Whether there is one fault only.
    alone: bool,
    /// Minutes after which every window is over.
    longest: u64,
    /// The number of the agent that works; none when all are offline.
    agent: u64,
    /// How often there must be a cycle with a write.
    rounds: u64,
    /// Minutes without an edit after the first of them.
    pause: u64,
}

impl Scene {
    fn agent_offline(&mut self, playwright: &mut Playwright<'_>) {
        // A crash may cost the cycle that was to meet it, and the next comes with its interval.
        let lasts =
            playwright.dice.one(if self.alone { [10, 30, 70, 120] } else { [70, 90, 120, 180] });
        self.longest = self.longest.max(lasts);
        let window = format!("{lasts}m");
        offline(playwright, "agent1", &window);
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
        let at = playwright.dice.one(CALLS_OF_A_CYCLE);
        let nth = if self.alone { playwright.dice.between(1, 3) } else { 1 };
        self.rounds = self.rounds.max(nth);
        crash(playwright, at, nth);
    }

    fn dc_busy(&mut self, playwright: &mut Playwright<'_>) {
        let mut keys = Vec::new();
        if playwright.dice.percent(50) {
            keys.push(("dc", "DC1".to_owned()));
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
        } else if playwright.dice.percent(50) {
            keys.push(self.extent(playwright, operation));
        }
        playwright.searches_may_fail |= operation != "modify";
        playwright.push(ActionDraft::Fault("connection_lost", keys));
    }

    /// Faults that need nothing but the bait: each strikes with the next cycle that writes.
    fn other(&mut self, playwright: &mut Playwright<'_>, kind: Feature) {
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
                self.longest = self.longest.max(10);
                playwright.searches_may_fail = true;
                let keys = vec![("agent", "agent1".to_owned()), ("for", "5m".to_owned())];
                ("agent_restart", keys)
            }
            Feature::RightsRemoved => ("rights_removed", vec![count()]),
            Feature::DeliveryDuplicated => ("delivery_duplicated", vec![count()]),
            Feature::DeliveryReordered => {
                // What comes late is to find what the engine wrote since, and nobody's newer edit.
                self.pause = 5;
                ("delivery_reordered", vec![("by", dice.one(["30s", "4m"]).to_owned())])
            }
            Feature::SchemaNotExtended => ("schema_not_extended", vec![count()]),
            Feature::StoreDamaged => {
                self.longest = self.longest.max(30);
                ("store_damaged", vec![("for", dice.one(["10m", "25m"]).to_owned())])
            }
            Feature::DcDown => {
                self.longest = self.longest.max(40);
                playwright.searches_may_fail = true;
                ("dc_down", vec![("for", dice.one(["10m", "35m"]).to_owned())])
            }
            Feature::DcUnavailable => {
                ("dc_unavailable", vec![("operation", "modify".to_owned()), count()])
            }
            Feature::Throttled => {
                let mut keys = vec![("service", "exchange".to_owned()), count()];
                if dice.percent(60) {
                    keys.push(("retry_after", dice.one(["5s", "90s"]).to_owned()));
                }
                ("throttled", keys)
            }
            Feature::ServiceFailure => {
                ("service_failure", vec![("status", dice.one(["500", "503"]).to_owned()), count()])
            }
            Feature::TruncatedBody => {
                ("truncated_body", vec![("service", "exchange".to_owned()), count()])
            }
            Feature::PageExpired => ("page_expired", vec![count()]),
            Feature::CertificateExpired => {
                // Once: in the quarantine that follows no cycle comes by its interval.
                ("certificate_expired", vec![("count", "1".to_owned())])
            }
            _ => ("cloud_offline", vec![count()]),
        };
        self.rounds = self.rounds.max(times + u64::from(!self.alone));
        playwright.push(ActionDraft::Fault(name, keys));
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
            self.rounds = self.rounds.max(count + u64::from(!self.alone));
            playwright.searches_may_fail |= operation != "modify";
            return ("count", count.to_string());
        }
        let minutes = playwright.dice.one([5, 25, 60]);
        self.longest = self.longest.max(minutes);
        ("for", format!("{minutes}m"))
    }

    /// Edits and cycles while it is broken, and again when the windows are over.
    fn work(&self, playwright: &mut Playwright<'_>, targets: &[usize]) {
        for round in 0..self.rounds {
            cloud::bait(playwright, targets);
            if round == 0 || playwright.dice.percent(50) {
                playwright.writeback_cycle();
                if round == 0 && self.pause > 0 {
                    playwright.push(ActionDraft::Wait(self.pause));
                }
            } else {
                let interval = playwright.world.interval.unwrap_or(INTERVAL);
                playwright.push(ActionDraft::Wait(interval + 5));
            }
        }
        if self.longest > 0 {
            playwright.push(ActionDraft::Wait(self.longest));
            playwright.writeback_cycle();
        }
    }
}

/// Minutes between two cycles of the job, unless said.
const INTERVAL: u64 = 20;

fn offline(playwright: &mut Playwright<'_>, agent: &str, window: &str) {
    let keys = vec![("agent", agent.to_owned()), ("for", window.to_owned())];
    playwright.push(ActionDraft::Fault("agent_offline", keys));
}

fn crash(playwright: &mut Playwright<'_>, at: &str, nth: u64) {
    let mut keys = vec![("at", at.to_owned())];
    if playwright.dice.percent(50) {
        keys.push(("when", "before".to_owned()));
    }
    if nth > 1 {
        keys.push(("nth", nth.to_string()));
    }
    playwright.push(ActionDraft::Fault("engine_crash", keys));
}

/// A crash in the middle of a transfer or a rollback; false when there is nobody to flip.
fn crash_in_flip(playwright: &mut Playwright<'_>) -> bool {
    let back = playwright.features.has(Feature::Rollbacks)
        && !playwright.searches_may_fail
        && playwright.dice.percent(50);
    let some = if back {
        playwright.those(Actor::is_written_back)
    } else {
        playwright.those(Actor::is_transferable)
    };
    if some.is_empty() {
        return false;
    }
    let calls = if back { CALLS_OF_A_ROLLBACK } else { CALLS_OF_A_TRANSFER };
    let at = playwright.dice.one(calls);
    crash(playwright, at, 1);
    if back { playwright.roll_back() } else { playwright.transfer() }
}
