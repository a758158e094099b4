//! Draws the story, scene by scene. The playwright knows what each step does to whom, so that every
//! step is taken, or refused as it says.

use super::cast::{self, Actor};
use super::dice::Dice;
use super::draft::{ActionDraft, StepDraft, WorldDraft};
use super::features::{Feature, Features};
use super::values::Values;
use super::{cloud, faults, home, lifecycle, people};

/// Scenes of a story at most.
const MOST_SCENES: u64 = 7;
/// Minutes that a wait takes.
const WAITS: [u64; 8] = [1, 5, 10, 20, 30, 45, 60, 90];

/// What scenes there are, beside the faults.
const SCENES: [Feature; 23] = [
    Feature::CloudValues,
    Feature::CloudAddresses,
    Feature::CloudTypes,
    Feature::CloudEmptied,
    Feature::CloudKept,
    Feature::Refusals,
    Feature::RandomEdits,
    Feature::OnPremEdits,
    Feature::AdEdits,
    Feature::Ldif,
    Feature::Transfers,
    Feature::Rollbacks,
    Feature::Cycles,
    Feature::Pauses,
    Feature::Restarts,
    Feature::Graph,
    Feature::Roles,
    Feature::Expectations,
    Feature::Watches,
    Feature::Repeats,
    Feature::Lifecycle,
    Feature::ConnectServers,
    Feature::Decommission,
];

/// Writes a story, and knows where it stands.
pub(super) struct Playwright<'w> {
    pub(super) dice: Dice,
    pub(super) features: Features,
    pub(super) world: &'w WorldDraft,
    pub(super) values: &'w mut Values,
    pub(super) cast: Vec<Actor>,
    pub(super) paused: bool,
    /// A fault may still refuse searches; a rollback, which looks into AD first, would stop.
    pub(super) searches_may_fail: bool,
    /// How many came in the story.
    pub(super) born: usize,
    story: Vec<StepDraft>,
}

/// Draws the story of a world.
pub(super) fn draw(
    seed: u64,
    features: Features,
    world: &WorldDraft,
    values: &mut Values,
) -> Vec<StepDraft> {
    let mut playwright = Playwright {
        dice: Dice::of(seed, "hunt story"),
        features,
        world,
        values,
        cast: cast::of(world),
        paused: false,
        searches_may_fail: false,
        born: 0,
        story: Vec::new(),
    };
    let mut scenes = features.among(&SCENES);
    if world.job {
        scenes.extend(features.among(&[Feature::OnDemand]));
        // Half of a story with faults is about them.
        let faults = faults::kinds(features, world);
        if !faults.is_empty() {
            let weight = scenes.len().max(1);
            scenes.extend(faults.iter().cycle().take(weight));
        }
    }
    for _ in 0..playwright.dice.between(1, MOST_SCENES) {
        match playwright.dice.pick(&scenes).copied() {
            Some(scene) => playwright.scene(scene),
            None => playwright.wait(),
        }
        if playwright.dice.percent(50) {
            playwright.wait();
        }
    }
    if playwright.story.is_empty() {
        playwright.wait();
    }
    playwright.story
}

impl Playwright<'_> {
    pub(super) fn push(&mut self, action: ActionDraft) {
        self.story.push(action.into());
    }

    /// A step that must fail so.
    pub(super) fn push_refused(&mut self, action: ActionDraft, code: &'static str) {
        self.story.push(StepDraft { action, role: None, refused: Some(code) });
    }

    /// A step in the name of a role, which is taken, or must fail so.
    pub(super) fn push_as(
        &mut self,
        role: &'static str,
        action: ActionDraft,
        refused: Option<&'static str>,
    ) {
        self.story.push(StepDraft { action, role: Some(role), refused });
    }

    /// The places of all in the cast whom `which` takes.
    pub(super) fn those(&self, which: impl Fn(&Actor) -> bool) -> Vec<usize> {
        (0..self.cast.len()).filter(|place| which(&self.cast[*place])).collect()
    }

    /// The place of one of them.
    pub(super) fn one_of(&mut self, which: impl Fn(&Actor) -> bool) -> Option<usize> {
        let those = self.those(which);
        self.dice.pick(&those).copied()
    }

    pub(super) fn names(&self, places: &[usize]) -> Vec<String> {
        places.iter().map(|place| self.cast[*place].name.clone()).collect()
    }

    pub(super) fn wait(&mut self) {
        let minutes = self.dice.one(WAITS);
        self.push(ActionDraft::Wait(minutes));
    }

    /// One scene of a kind.
    fn scene(&mut self, scene: Feature) {
        match scene {
            Feature::RandomEdits => self.random_edits(),
            Feature::Transfers => {
                self.transfer();
            }
            Feature::Rollbacks => {
                self.roll_back();
            }
            Feature::Cycles => self.cycle(),
            Feature::Pauses => self.pause_or_start(),
            Feature::Restarts => self.restart(),
            Feature::OnDemand => self.on_demand(),
            Feature::Graph => people::graph(self),
            Feature::Roles => people::roles(self),
            Feature::Expectations => people::expectation(self),
            Feature::Watches => people::watch(self),
            Feature::Repeats => lifecycle::repeat(self),
            Feature::Lifecycle => lifecycle::people(self),
            Feature::ConnectServers => lifecycle::servers(self),
            Feature::Decommission => lifecycle::decommission(self),
            kind if faults::KINDS.contains(&kind) => faults::scene(self, kind),
            edits => {
                for _ in 0..self.dice.between(1, 4) {
                    self.edit(edits);
                }
            }
        }
    }

    fn edit(&mut self, kind: Feature) {
        match kind {
            Feature::CloudValues => cloud::values(self),
            Feature::CloudAddresses => cloud::addresses(self),
            Feature::CloudTypes => cloud::types(self),
            Feature::CloudEmptied => cloud::emptied(self),
            Feature::CloudKept => cloud::kept(self),
            Feature::Refusals => cloud::refused(self),
            Feature::OnPremEdits => home::remote_mailbox(self),
            Feature::AdEdits => home::ad_user(self),
            _ => home::ldif(self),
        }
    }

    fn random_edits(&mut self) {
        let managed = self.those(Actor::is_written_back);
        if managed.is_empty() {
            return self.wait();
        }
        let mailboxes = self.names(&managed);
        let share = self.dice.one([20, 50, 100]);
        let repeated = self.dice.percent(40).then(|| {
            let every = self.dice.between(7, 60);
            (every, every * self.dice.between(1, 5))
        });
        self.push(ActionDraft::Edits { mailboxes, share, repeated });
    }

    /// Flips some; false when there is nobody to flip.
    pub(super) fn transfer(&mut self) -> bool {
        if self.cast.iter().any(|actor| actor.pending) {
            self.connect_cycle();
        }
        let those = self.those(Actor::is_transferable);
        self.flip(&those, false)
    }

    /// Flips some back; false when there is nobody.
    pub(super) fn roll_back(&mut self) -> bool {
        if self.searches_may_fail {
            return false;
        }
        let those = self.those(Actor::is_written_back);
        self.flip(&those, true)
    }

    fn flip(&mut self, those: &[usize], back: bool) -> bool {
        if those.is_empty() {
            return false;
        }
        let chosen = self.dice.some(those, MOST_FLIPPED);
        let (lands, waits) = (self.world.race_lands(), self.world.waits_for_initial());
        for place in &chosen {
            let actor = &mut self.cast[*place];
            actor.cloud_managed = !back;
            actor.was_managed |= !back;
            actor.pending = back && lands;
            actor.waits = !back && waits;
        }
        let mailboxes = self.names(&chosen);
        let waves = !back && chosen.len() > 1 && self.dice.percent(40);
        let wave = waves.then(|| self.dice.between(1, chosen.len() as u64));
        let pause = (waves && self.dice.percent(50)).then(|| self.dice.between(1, 30));
        self.push(ActionDraft::Transfer { mailboxes, wave, pause, back });
        true
    }

    /// Somebody's object was edited at home.
    pub(super) fn edited_at_home(&mut self, place: usize) {
        let lands = self.world.race_lands();
        let actor = &mut self.cast[place];
        actor.pending |= lands && actor.is_remote() && !actor.cloud_managed;
    }

    fn cycle(&mut self) {
        let connect = !self.world.job || self.dice.percent(50);
        if connect {
            self.connect_cycle();
        } else {
            self.writeback_cycle();
        }
    }

    /// One whole Connect cycle: what was rolled back has AD's values after it.
    pub(super) fn connect_cycle(&mut self) {
        self.push(ActionDraft::Cycle("connect"));
        for actor in &mut self.cast {
            actor.pending = false;
        }
    }

    /// One whole cycle of the job; of a paused one there is none.
    pub(super) fn writeback_cycle(&mut self) {
        self.let_the_job_run();
        self.push(ActionDraft::Cycle("writeback"));
    }

    fn pause_or_start(&mut self) {
        if !self.world.job {
            return self.wait();
        }
        self.paused = !self.paused;
        let word = if self.paused { "pause" } else { "start" };
        self.push(ActionDraft::Job(word.to_owned()));
    }

    /// A paused job is started first.
    pub(super) fn let_the_job_run(&mut self) {
        if self.paused {
            self.paused = false;
            self.push(ActionDraft::Job("start".to_owned()));
        }
    }

    fn restart(&mut self) {
        if !self.world.job {
            return self.wait();
        }
        self.let_the_job_run();
        // Escrows alone would give up what failed, for good.
        let scopes = [
            &[][..],
            &["Watermark"],
            &["QuarantineState"],
            &["Watermark", "Escrows"],
            &["Watermark", "Escrows", "QuarantineState"],
            &["Full"],
        ];
        let scopes = self.dice.one(scopes);
        self.restart_with(scopes);
    }

    /// Restarts the job with these scopes; without one, with all but the links.
    pub(super) fn restart_with(&mut self, scopes: &[&str]) {
        let what = if scopes.is_empty() {
            "restart".to_owned()
        } else {
            format!("{{restart: [{}]}}", scopes.join(", "))
        };
        if scopes.is_empty() || scopes.iter().any(|scope| ["Watermark", "Full"].contains(scope)) {
            for actor in &mut self.cast {
                actor.waits = false;
            }
        }
        self.push(ActionDraft::Job(what));
    }

    fn on_demand(&mut self) {
        let Some(place) = self.one_of(Actor::is_remote) else { return self.wait() };
        let what = format!("{{provision_on_demand: {}}}", self.cast[place].name);
        self.push(ActionDraft::Job(what));
    }
}

/// Mailboxes of one transfer at most.
const MOST_FLIPPED: usize = 12;
