//! What a seed has drawn, typed, before it becomes the text of a scenario file.

use super::switches::DELAYS;
use super::world::SECOND_DOMAIN;

/// The role that a world has beside the built-in ones: it sets the flag, and looks.
pub(super) const OPERATOR: &str = "soa-operator";
/// Another one beside it, that begins with what a built-in one has.
pub(super) const JUNIOR: &str = "junior-helpdesk";

/// A drawn world and story.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) title: String,
    pub(super) world: WorldDraft,
    pub(super) story: Vec<StepDraft>,
}

/// `world:`. What is `None` or empty is left to the language's defaults.
#[derive(Debug, Clone, Default)]
pub(super) struct WorldDraft {
    pub(super) seed: u64,
    /// The first instant, unless it is the default one.
    pub(super) start: Option<&'static str>,
    pub(super) profile: Option<&'static str>,
    pub(super) switches: Vec<(&'static str, String)>,
    /// Minutes between two Connect cycles.
    pub(super) connect: Option<u64>,
    /// Other keys of `connect:`.
    pub(super) server: Vec<String>,
    /// Whether Connect takes the units `People` and `Staff` alone.
    pub(super) only_units: bool,
    /// Whether Connect reads the domain where changes come late.
    pub(super) reads_late: bool,
    /// Whether Connect has a staging server.
    pub(super) staging: bool,
    /// Whether Cloud Sync is in its place.
    pub(super) cloud_sync: bool,
    /// Minutes that changes take to `DC2`, where there is one.
    pub(super) second_dc: Option<u64>,
    /// Minutes that changes take to the read-only domain controller, where there is one.
    pub(super) read_only_dc: Option<u64>,
    /// Whether what is deleted is gone for good but for its name.
    pub(super) without_recycle_bin: bool,
    /// Whether the first forest has a second domain.
    pub(super) second_domain: bool,
    /// Whether there is a second forest.
    pub(super) second_forest: bool,
    pub(super) agents: Vec<String>,
    /// The version of the agents, unless it is the default one.
    pub(super) agent_version: Option<&'static str>,
    /// The domain controller that the agents prefer, unless it is the first.
    pub(super) agents_at: Option<&'static str>,
    /// Whom AdminSDHolder protects.
    pub(super) protected: Vec<String>,
    /// Whose object inherits no rights.
    pub(super) cut_off: Vec<String>,
    /// At whose object an entry gives the agents' account back what it does not inherit.
    pub(super) given_back: Vec<String>,
    /// At whose object an entry denies the agents' account every attribute, or one.
    pub(super) denied: Vec<(String, Option<&'static str>)>,
    /// Whether somebody has a role of Exchange Online that is not built in ([`OPERATOR`]).
    pub(super) operator: bool,
    /// Whether the tenant has Entra ID P1.
    pub(super) licensed: bool,
    /// Whether who comes is cloud-managed from birth.
    pub(super) managed_by_default: bool,
    /// Other keys of `tenant:`.
    pub(super) tenant: Vec<String>,
    /// The job's own mappings: an attribute of AD and what fills it.
    pub(super) mappings: Vec<(&'static str, &'static str)>,
    /// The organizational unit that the job is for, unless it is for everybody.
    pub(super) scope: Option<&'static str>,
    /// Whom the job is for, by a group that the story makes; everybody unless said.
    pub(super) pilots: Vec<String>,
    /// Whether the job waits for its start.
    pub(super) job_waits: bool,
    /// Whether the job is for the second domain.
    pub(super) job_elsewhere: bool,
    /// Whether there is a writeback job.
    pub(super) job: bool,
    /// The date of its configuration.
    pub(super) created: Option<&'static str>,
    /// Minutes between two of its cycles.
    pub(super) interval: Option<u64>,
    pub(super) shapes: Vec<ShapeDraft>,
    pub(super) people: Vec<PersonDraft>,
}

impl WorldDraft {
    /// Whether a listing of its mailboxes has more than one page.
    pub(super) fn is_large(&self) -> bool {
        self.shapes.iter().any(|shape| shape.mailboxes > 1_000)
    }

    /// The domain controller that the agents work with.
    pub(super) fn dc_of_agents(&self) -> &'static str {
        self.agents_at.unwrap_or("DC1")
    }

    /// The highest number of the custom attributes that are mapped as announced: from the next on a
    /// mapping of the job's own may do something else with them.
    pub(super) const fn last_plain(&self) -> u64 {
        if self.mappings.is_empty() { 15 } else { 11 }
    }

    fn switch(&self, name: &str) -> Option<&str> {
        self.switches.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Whether writeback makes remote mailboxes look like mailboxes of Exchange itself.
    pub(super) fn writes_raw_types(&self) -> bool {
        self.switch("rtd_mode") == Some("raw")
    }

    /// Whether a change on-premises that is pending when a flag is set still lands.
    pub(super) fn race_lands(&self) -> bool {
        self.switch("race") != Some("refuse")
    }

    /// Minutes after which the directory and Exchange Online have heard of each other's changes; none where
    /// they hear at once.
    pub(super) fn settling(&self) -> Option<u64> {
        let drawn = self.switch("forward_delay")?;
        DELAYS.iter().find(|(delay, _)| *delay == drawn).map(|(_, minutes)| *minutes)
    }

    /// Whether the flag comes back with the authority over the whole object.
    pub(super) fn flag_comes_back(&self) -> bool {
        self.switch("flag_after_soa_rollback") == Some("true")
    }

    /// Whether a limit may keep whoever is transferred out of scope.
    pub(super) fn refuses_beyond_limit(&self) -> bool {
        self.switch("mailbox_limit").is_some() && self.switch("limit_action") == Some("refuse")
    }

    /// Whether writeback leaves disabled accounts alone, as those of rooms are.
    pub(super) fn skips_disabled(&self) -> bool {
        self.switch("disabled_accounts") == Some("skip")
    }

    /// The domain that the job is for, unless it is the first.
    pub(super) fn job_domain(&self) -> Option<&'static str> {
        self.job_elsewhere.then_some(SECOND_DOMAIN)
    }

    /// Whether the job is for everybody in the first domain.
    pub(super) const fn is_for_everybody(&self) -> bool {
        self.scope.is_none() && self.pilots.is_empty() && !self.job_elsewhere
    }

    /// Whether the job is for somebody.
    pub(super) fn is_for(&self, person: &PersonDraft) -> bool {
        person.domain == self.job_domain()
            && self.scope.is_none_or(|unit| person.ou == Some(unit))
            && (self.pilots.is_empty() || self.pilots.contains(&person.name))
    }

    /// Minutes that changes take to where synchronization reads, where that takes time.
    pub(super) fn late_for_synchronization(&self) -> Option<u64> {
        match self.agents_at.filter(|_| self.cloud_sync) {
            Some("RODC1") => self.read_only_dc,
            Some("DC2") => self.second_dc,
            _ => self.second_dc.filter(|_| self.reads_late),
        }
    }

    /// The initial domain of the tenant.
    pub(super) fn initial_domain(&self) -> &'static str {
        let other = self.tenant.iter().any(|said| said.starts_with("initial:"));
        if other { "contosoltd.onmicrosoft.com" } else { "contoso.onmicrosoft.com" }
    }

    /// Whether the agents and the job may write somebody's object.
    pub(super) fn is_writable(&self, person: &PersonDraft) -> bool {
        let without_rights = self.protected.contains(&person.name)
            || (self.cut_off.contains(&person.name) && !self.given_back.contains(&person.name))
            || self.denied.iter().any(|(name, _)| *name == person.name);
        let disabled = person.kind.is_some() && self.skips_disabled();
        !without_rights && !disabled
    }

    /// Whether a mailbox that enters scope waits for an initial cycle.
    pub(super) fn waits_for_initial(&self) -> bool {
        let unless_said = self.profile == Some("wb-private");
        self.switch("first_time_requires_initial").map_or(unless_said, |value| value == "true")
    }
}

/// `shape:` of a population.
#[derive(Debug, Clone)]
pub(super) struct ShapeDraft {
    pub(super) name: &'static str,
    pub(super) mailboxes: u64,
    pub(super) cloud_managed: bool,
    /// Their domain, unless it is the first.
    pub(super) domain: Option<&'static str>,
}

/// `user:` of a population.
#[derive(Debug, Clone)]
pub(super) struct PersonDraft {
    pub(super) name: String,
    pub(super) addresses: Vec<String>,
    pub(super) cloud_managed: bool,
    /// `type:`, unless it is a user.
    pub(super) kind: Option<&'static str>,
    /// `mailbox:`, unless it is in the cloud.
    pub(super) mailbox: Option<&'static str>,
    /// Whether it has a licence although its mailbox needs none.
    pub(super) licensed: bool,
    pub(super) dir_synced: bool,
    /// Its domain, unless it is the first.
    pub(super) domain: Option<&'static str>,
    /// Its organizational unit, unless it is `People`.
    pub(super) ou: Option<&'static str>,
    /// AD attributes; no value: absent.
    pub(super) attributes: Vec<(String, Vec<String>)>,
    /// Exchange Online properties that differ.
    pub(super) cloud: Vec<(String, Vec<String>)>,
}

/// A step of the story.
#[derive(Debug, Clone)]
pub(super) struct StepDraft {
    pub(super) action: ActionDraft,
    /// `as:`.
    pub(super) role: Option<&'static str>,
    /// `expect_error:`.
    pub(super) refused: Option<&'static str>,
    /// `at:`, minutes after the start.
    pub(super) at: Option<u64>,
    /// `note:`.
    pub(super) note: Option<&'static str>,
}

/// What a step does.
#[derive(Debug, Clone)]
pub(super) enum ActionDraft {
    /// A cmdlet line, by the key that it stands under.
    Cmdlet(&'static str, String),
    /// A Graph request: method, path and body, which is in flow style.
    Graph { method: &'static str, path: String, body: Option<String> },
    /// What must hold now, always or never, of whom: an attribute and its value; for so many minutes.
    Expect { how: &'static str, who: String, path: String, value: String, window: Option<u64> },
    /// LDIF change records.
    Ldif(String),
    /// LDIF change records on a domain controller.
    LdifOn(&'static str, String),
    /// A transfer of these; `wave` at a time with so many minutes between; back to AD or not.
    Transfer {
        mailboxes: Vec<String>,
        wave: Option<u64>,
        pause: Option<u64>,
        back: bool,
        further: Vec<&'static str>,
    },
    /// What somebody repeats: where, the line (or a mapping in flow style), every how many minutes for how many.
    Repeat(&'static str, String, u64, u64),
    /// What is done to the servers of Connect.
    Connect(&'static str),
    /// The check before the last Exchange server is removed, and what is stated.
    Decommission(&'static str),
    /// Random edits: how many percent of whom (names, or one `shape:`), every so many minutes for so many.
    Edits { mailboxes: Vec<String>, share: u64, repeated: Option<(u64, u64)> },
    /// A fault, with its keys.
    Fault(&'static str, Vec<(&'static str, String)>),
    /// Minutes.
    Wait(u64),
    /// A cycle by hand.
    Cycle(&'static str),
    /// What the job is told: a word, or a mapping in flow style.
    Job(String),
}

impl From<ActionDraft> for StepDraft {
    fn from(action: ActionDraft) -> Self {
        Self { action, role: None, refused: None, at: None, note: None }
    }
}
