//! Draws the story, scene by scene. The playwright knows what each step does to whom, so that every
//! step is taken, or refused as it says.

use super::cast::{self, Actor};
use super::dice::Dice;
use super::draft::{ActionDraft, StepDraft, WorldDraft};
use super::features::{Feature, Features};
use super::values::Values;
use super::{authority, boarding, cloud, faults, home, lifecycle, looks, objects, people};

/// Scenes of a story at most.
const MOST_SCENES: u64 = 7;
/// Minutes that a wait takes.
const WAITS: [u64; 8] = [1, 5, 10, 20, 30, 45, 60, 90];

/// What scenes there are, beside the faults.
const SCENES: [Feature; 35] = [
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
    Feature::Licences,
    Feature::ObjectAuthority,
    Feature::TenantDefault,
    Feature::Arrivals,
    Feature::Moves,
    Feature::Groups,
    Feature::Reads,
    Feature::Organization,
    Feature::Boarding,
    Feature::FurtherCalls,
    Feature::Delegation,
    Feature::Waiting,
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
    /// Minutes for which a fault may have held back messages between the directory and Exchange Online.
    pub(super) held_back: u64,
    /// Minutes that synchronization waits for what was written in AD just now.
    pub(super) replicates: Option<u64>,
    /// Whether the last Exchange server was removed.
    pub(super) server_is_gone: bool,
    /// Whether somebody's mailbox went back to the server.
    pub(super) has_boarded: bool,
    /// How many batches there were.
    pub(super) moves: usize,
    /// How often roles were made.
    pub(super) delegates: usize,
    /// Whether something broke, and may still be broken in part.
    pub(super) has_faults: bool,
    /// Whether somebody does something again and again.
    pub(super) has_habits: bool,
    /// How many objects of AD got another name.
    pub(super) renamed: usize,
    /// Whether somebody made the unit to which objects are moved.
    pub(super) has_new_unit: bool,
    /// Whether who comes is cloud-managed from birth.
    pub(super) managed_by_default: bool,
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
        paused: world.job_waits,
        searches_may_fail: false,
        born: 0,
        held_back: 0,
        replicates: None,
        server_is_gone: false,
        has_boarded: false,
        moves: 0,
        delegates: 0,
        has_faults: false,
        has_habits: false,
        renamed: 0,
        has_new_unit: false,
        managed_by_default: world.managed_by_default,
        story: Vec::new(),
    };
    let mut scenes = features.among(&SCENES);
    if world.job {
        scenes.extend(features.among(&[Feature::OnDemand]));
        if world.is_large() {
            scenes = vec![Feature::PageExpired];
        }
        // Half of a story with faults is about them.
        let faults = faults::kinds(features, world);
        if !faults.is_empty() {
            let weight = scenes.len().max(1);
            scenes.extend(faults.iter().cycle().take(weight));
        }
    }
    objects::pilots(&mut playwright);
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
    playwright.with_moments()
}

impl Playwright<'_> {
    pub(super) fn push(&mut self, action: ActionDraft) {
        self.has_faults |= matches!(action, ActionDraft::Fault(..));
        self.has_habits |= matches!(
            action,
            ActionDraft::Repeat(..) | ActionDraft::Edits { repeated: Some(_), .. }
        );
        self.story.push(action.into());
    }

    /// A step that must fail so.
    pub(super) fn push_refused(&mut self, action: ActionDraft, code: &'static str) {
        self.story.push(StepDraft { refused: Some(code), ..action.into() });
    }

    /// A step in the name of a role, which is taken, or must fail so.
    pub(super) fn push_as(
        &mut self,
        role: &'static str,
        action: ActionDraft,
        refused: Option<&'static str>,
    ) {
        self.story.push(StepDraft { role: Some(role), refused, ..action.into() });
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

    /// Whether the cmdlets of the last Exchange server take somebody for a remote mailbox. With raw numbers the
    /// first write makes it another kind of recipient.
    pub(super) fn has_remote_mailbox(&self, place: usize) -> bool {
        let actor = &self.cast[place];
        let raw = self.world.writes_raw_types() && actor.was_managed;
        actor.is_remote() && actor.is_remote_mailbox && !raw
    }

    /// Somebody whom the last Exchange server can edit.
    pub(super) fn editable_at_the_server(&mut self) -> Option<usize> {
        if self.server_is_gone {
            return None;
        }
        let all: Vec<usize> = (0..self.cast.len()).collect();
        let those: Vec<usize> =
            all.into_iter().filter(|place| self.has_remote_mailbox(*place)).collect();
        self.dice.pick(&those).copied()
    }

    pub(super) fn wait(&mut self) {
        let minutes = self.dice.one(WAITS);
        self.push(ActionDraft::Wait(minutes));
    }

    /// Waits until the directory and Exchange Online have heard of each other's changes, where that takes time.
    pub(super) fn settle(&mut self) {
        let delay = self.world.settling().unwrap_or_default().max(self.held_back);
        self.held_back = 0;
        if delay > 0 {
            self.push(ActionDraft::Wait(delay));
        }
    }

    /// Whether Entra can surely ask for the version of the sync client: of Cloud Sync that is its agent's,
    /// which a fault may keep away.
    pub(super) fn client_is_asked(&self) -> bool {
        let lonely = [Feature::AgentOffline, Feature::AgentRestart];
        !self.world.cloud_sync || self.features.among(&lonely).is_empty()
    }

    /// Whether the next cycle of synchronization has what was written in AD just now: Cloud Sync reads where its
    /// agent does, and of that domain controller a fault may keep changes away.
    pub(super) fn synchronization_hears(&mut self) -> bool {
        let Some(late) = self.world.late_for_synchronization() else { return true };
        let between_dcs = [Feature::ReplicationStopped, Feature::ReplicationSlow];
        if !self.features.among(&between_dcs).is_empty() {
            return false;
        }
        self.replicates = Some(late + 1);
        true
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
            Feature::Licences => authority::licences(self),
            Feature::ObjectAuthority => authority::objects(self),
            Feature::TenantDefault => authority::default_of_the_tenant(self),
            Feature::Arrivals => authority::arrival(self),
            Feature::Moves => objects::moves(self),
            Feature::Groups => objects::groups(self),
            Feature::Reads => looks::reads(self),
            Feature::Organization => looks::organization(self),
            Feature::Delegation => looks::delegation(self),
            Feature::Boarding => boarding::moves(self),
            Feature::FurtherCalls => faults::in_a_flip(self),
            Feature::Waiting => people::until(self),
            Feature::PageExpired => faults::page(self),
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
        let limited = self.world.refuses_beyond_limit();
        for place in &chosen {
            let actor = &mut self.cast[*place];
            actor.cloud_managed = !back;
            actor.was_managed |= !back;
            actor.pending = back && lands;
            actor.waits = !back && waits;
            actor.in_job &= back || !limited;
        }
        let mailboxes = self.names(&chosen);
        let waves = !back && chosen.len() > 1 && self.dice.percent(40);
        let wave = waves.then(|| self.dice.between(1, chosen.len() as u64));
        let pause = (waves && self.dice.percent(50)).then(|| self.dice.between(1, 30));
        let further = self.further_keys(back);
        let transfer = ActionDraft::Transfer { mailboxes, wave, pause, back, further };
        let role = self.features.has(Feature::Roles) && self.dice.percent(20);
        if role {
            self.push_as("global-admin", transfer, None);
        } else {
            self.push(transfer);
        }
        true
    }

    /// What else a transfer says: nothing of it stands against anybody here.
    fn further_keys(&mut self, back: bool) -> Vec<&'static str> {
        if !self.features.has(Feature::FurtherCalls) {
            return Vec::new();
        }
        let mut keys = Vec::new();
        keys.extend(self.dice.percent(30).then_some("most_failures: 2"));
        if !back {
            keys.extend(self.dice.percent(20).then_some("accept: [mailbox.type]"));
            keys.extend(self.dice.percent(20).then_some("to: cloud"));
        }
        keys
    }

    /// The story, some of whose steps are told apart: by an instant, by words.
    fn with_moments(mut self) -> Vec<StepDraft> {
        if self.features.has(Feature::Moments) {
            if let Some(first) = self.story.first_mut().filter(|_| self.dice.percent(40)) {
                first.at = Some(self.dice.between(1, 50));
            }
            for step in &mut self.story {
                step.note = self.dice.percent(5).then_some("as people tell it");
            }
        }
        self.story
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
        if let Some(minutes) = self.replicates.take() {
            self.push(ActionDraft::Wait(minutes));
        }
        let full = self.features.has(Feature::ConnectSettings) && self.dice.percent(15);
        let delta = self.features.has(Feature::Moments) && self.dice.percent(15);
        self.push(ActionDraft::Cycle(match (full, delta) {
            (true, _) => "{connect: initial}",
            (false, true) => "{connect: delta}",
            (false, false) => "connect",
        }));
        self.settle();
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
