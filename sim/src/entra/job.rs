//! The record of the writeback job: what it should do, and what the engine last said of it.
//!
//! The desired state (interval, requests, creation date) is here; the run state (links, watermark,
//! escrow, quarantine) is the engine's alone, and only its last report is shown.
//!
//! Source: Microsoft Graph reference, `synchronizationJob`, `synchronizationStatus`; setup guide of
//! the writeback preview (template ids, id format, secrets).

use core::time::Duration;
use std::collections::BTreeMap;

use serde_json::Value;

use super::episodes::{Episode, Episodes};
use super::log::LogEntry;
use super::schema::Schema;
use crate::clock::VirtualTime;
use crate::guid::Guid;

/// The job template.
pub const TEMPLATE: &str = "Entra2ADExchangeOnlineAttributeWriteback";

/// The interval of a new job's cycles (setup guide of the writeback preview: `PT20M`).
pub const INTERVAL: Duration = Duration::from_mins(20);

/// Numbers of requests through Graph start above this.
const GRAPH_REQUESTS: u64 = 1 << 62;

/// What somebody asked of the job, until the engine takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobRequest {
    /// `start`.
    Start,
    /// `pause`.
    Pause,
    /// `restart` with `resetScope`.
    Restart(ResetScope),
    /// The desired state in this record was replaced: the engine takes it over.
    Configure,
    /// `provisionOnDemand` of the user with this id.
    ProvisionOnDemand {
        /// Ties the answer to the request.
        request: u64,
        /// `ruleId`.
        rule: String,
        /// The user.
        user: Guid,
    },
}

/// `resetScope` of `synchronizationJobRestartCriteria`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResetScope {
    /// `Watermark`.
    pub watermark: bool,
    /// `Escrows`.
    pub escrows: bool,
    /// `QuarantineState`.
    pub quarantine: bool,
    /// `Full`.
    pub full: bool,
}

/// `status.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusCode {
    /// No engine has taken it up, or no cycle has ended.
    NotRun,
    /// Cycles run.
    Active,
    /// No cycles run.
    Paused,
    /// Cycles run once a day.
    Quarantine,
}

impl StatusCode {
    /// As Graph spells it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotRun => "NotRun",
            Self::Active => "Active",
            Self::Paused => "Paused",
            Self::Quarantine => "Quarantine",
        }
    }
}

/// `lastExecution`: one cycle in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Numbers the cycles of the job.
    pub cycle: u64,
    /// Whether it evaluated everything.
    pub initial: bool,
    /// `timeBegan`.
    pub began: VirtualTime,
    /// `timeEnded`.
    pub ended: VirtualTime,
    /// `countImported`: mailboxes read.
    pub read: u64,
    /// `countEntitled`: mailboxes in scope.
    pub in_scope: u64,
    /// `countExported`: objects written with effect.
    pub written: u64,
    /// Objects skipped.
    pub skipped: u64,
    /// Objects that failed.
    pub failed: u64,
    /// Objects of the escrow that were tried again.
    pub retried: u64,
    /// `error`: code and message of a cycle that failed as a whole.
    pub error: Option<(String, String)>,
}

/// What the record keeps of earlier cycles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs {
    /// `lastSuccessfulExecution`.
    pub succeeded: Option<Execution>,
    /// `lastSuccessfulExecutionWithExports`.
    pub exported: Option<Execution>,
    /// `countSuccessiveCompleteFailures`.
    pub failures: u64,
}

impl Runs {
    /// A cycle has ended.
    pub fn note(&mut self, run: &Execution) {
        if run.error.is_some() {
            self.failures += 1;
            return;
        }
        self.failures = 0;
        if run.failed == 0 {
            self.succeeded = Some(run.clone());
            if run.written > 0 {
                self.exported = Some(run.clone());
            }
        }
    }
}

/// `synchronizationQuarantine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarantine {
    /// `reason`, as Graph spells it.
    pub reason: &'static str,
    /// `currentBegan`: when a cycle imposed it last.
    pub imposed: VirtualTime,
    /// `seriesCount`: how many cycles did.
    pub times: u64,
    /// `seriesBegan`.
    pub began: VirtualTime,
    /// `nextAttempt`.
    pub next: VirtualTime,
}

/// What the engine last said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobReport {
    /// `status.code`.
    pub status: StatusCode,
    /// `lastExecution`.
    pub last_execution: Option<Execution>,
    /// `countEscrowed`.
    pub escrowed: u64,
    /// `status.escrowsPruned`: the last initial cycle gave its failures up.
    pub escrows_pruned: bool,
    /// `synchronizedEntryCountByType`.
    pub linked: u64,
    /// `status.quarantine`, while it is in quarantine.
    pub quarantine: Option<Quarantine>,
}

/// Why whoever runs the job refuses a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaRefusal {
    /// Where in it, and what is wrong.
    pub why: String,
    /// Whether the service might take it and only this engine does not.
    pub unsupported: bool,
}

/// Asks whoever runs the job whether it takes a schema document.
#[derive(Clone, Copy)]
pub struct SchemaCheck(pub fn(&Value) -> Result<(), SchemaRefusal>);

impl core::fmt::Debug for SchemaCheck {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SchemaCheck")
    }
}

/// Who runs a job is not a part of what its record says.
impl PartialEq for SchemaCheck {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for SchemaCheck {}

/// The job's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WritebackJob {
    /// The service principal, named after the AD domain.
    pub service_principal: Guid,
    /// The job's id.
    pub id: String,
    /// `synchronizationRules[0].id`.
    pub rule: String,
    /// The AD domain it writes to.
    pub domain: String,
    /// When the configuration was created.
    pub created_on: VirtualTime,
    /// `schedule.interval`.
    pub interval: Duration,
    /// The schema that somebody put in the place of the default one.
    pub schema: Option<Schema>,
    /// Whether an engine takes the requests. Without one nobody answers for the job.
    pub attached: bool,
    /// Whom a new schema is shown to before it is taken.
    pub schema_check: Option<SchemaCheck>,
    /// What the engine last said; `None` until it said something.
    pub report: Option<JobReport>,
    /// Its earlier cycles.
    pub runs: Runs,
    /// How it came to be as it is.
    pub episodes: Episodes,
    /// Answers to provision on demand, by request.
    pub answers: BTreeMap<u64, LogEntry>,
    /// Secrets by key, as they were put. They are never shown again.
    pub secrets: Vec<(String, String)>,
    /// Whether it was deleted: it is paused, and nobody sees it.
    pub deleted: bool,
    /// Whether its service principal was deleted with it.
    pub withdrawn: bool,
    /// How many answers there were.
    pub answered: u64,
    /// Provision on demand through Graph, so far.
    on_demand: u64,
    /// How much was asked, and what of it the engine is not done with, by number.
    asked: u64,
    requests: BTreeMap<u64, JobRequest>,
    /// The last that was asked for in this matter was a pause, or that it waits for its start.
    pub asked_to_pause: bool,
    /// When a restart last gave up the objects in escrow, and nothing else.
    pub gave_up: Option<VirtualTime>,
}

impl WritebackJob {
    /// A job that nobody has asked anything of. The GUIDs are those of its service principal, of
    /// the job itself and of its only rule.
    #[must_use]
    pub fn new(
        tenant: Guid,
        (service_principal, instance, rule): (Guid, Guid, Guid),
        domain: String,
        created_on: VirtualTime,
        interval: Duration,
    ) -> Self {
        let plain: String = tenant.to_string().chars().filter(|c| *c != '-').collect();
        Self {
            service_principal,
            id: format!("{TEMPLATE}.{plain}.{instance}"),
            rule: rule.to_string(),
            domain,
            created_on,
            interval,
            schema: None,
            attached: false,
            schema_check: None,
            report: None,
            runs: Runs::default(),
            episodes: Episodes::default(),
            answers: BTreeMap::new(),
            secrets: Vec::new(),
            deleted: false,
            withdrawn: false,
            answered: 0,
            on_demand: 0,
            asked: 0,
            requests: BTreeMap::new(),
            asked_to_pause: false,
            gave_up: None,
        }
    }

    /// Asks something of the job.
    pub fn ask(&mut self, request: JobRequest) {
        match request {
            JobRequest::Pause => self.asked_to_pause = true,
            JobRequest::Start | JobRequest::Restart(_) => self.asked_to_pause = false,
            JobRequest::Configure | JobRequest::ProvisionOnDemand { .. } => {}
        }
        self.asked += 1;
        self.requests.insert(self.asked, request);
    }

    /// Whether something was asked that the engine is not done with.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        !self.requests.is_empty()
    }

    /// Whether somebody waits for an answer on demand.
    #[must_use]
    pub fn is_asked_on_demand(&self) -> bool {
        self.requests.values().any(|asked| matches!(asked, JobRequest::ProvisionOnDemand { .. }))
    }

    /// The engine answers a request on demand.
    pub fn answer(&mut self, request: u64, entry: LogEntry) {
        self.requests.retain(|_, asked| {
            !matches!(asked, JobRequest::ProvisionOnDemand { request: asked, .. } if *asked == request)
        });
        self.answers.insert(request, entry);
        self.answered += 1;
    }

    /// A number for a request on demand that came through Graph. Those of scenarios are instants, which
    /// are lower.
    pub fn fresh_request(&mut self) -> u64 {
        self.on_demand += 1;
        GRAPH_REQUESTS + self.on_demand
    }

    /// Restores the default mappings: the configuration is as one that is made now, customizations and
    /// scoping filters are gone, and everything is evaluated again (Exchange Team Blog 2026-08-03).
    pub fn restore_defaults(&mut self, now: VirtualTime) {
        self.created_on = now;
        self.put_schema(None);
    }

    /// Makes it anew after it was deleted: with another id, without memory, and waiting for its start.
    pub fn make_anew(&mut self, tenant: Guid, instance: Guid, now: VirtualTime) {
        let plain: String = tenant.to_string().chars().filter(|c| *c != '-').collect();
        self.id = format!("{TEMPLATE}.{plain}.{instance}");
        self.created_on = now;
        self.deleted = false;
        self.episodes.came(now, Episode::Made);
        self.schema = None;
        self.secrets.clear();
        (self.report, self.runs) = (None, Runs::default());
        self.ask(JobRequest::Configure);
        self.ask(JobRequest::Restart(ResetScope { full: true, ..ResetScope::default() }));
        self.ask(JobRequest::Pause);
    }

    /// Another configuration's job takes its place: with that one's id, schema and secrets, without memory,
    /// and started.
    pub fn be_succeeded_by(&mut self, next: Self, now: VirtualTime) {
        let Self { service_principal, id, rule, created_on, interval, schema, secrets, .. } = next;
        (self.service_principal, self.id, self.rule) = (service_principal, id, rule);
        (self.created_on, self.interval) = (created_on, interval);
        (self.schema, self.secrets, self.report) = (schema, secrets, None);
        self.runs = Runs::default();
        (self.deleted, self.withdrawn) = (false, false);
        self.episodes.came(now, Episode::Made);
        self.ask(JobRequest::Configure);
        self.ask(JobRequest::Restart(ResetScope { full: true, ..ResetScope::default() }));
        self.ask(JobRequest::Start);
    }

    /// Deletes it: what it wrote stays, and it writes no more.
    pub fn delete(&mut self, now: VirtualTime) {
        self.deleted = true;
        self.episodes.came(now, Episode::Deleted);
        self.ask(JobRequest::Pause);
    }

    /// Replaces the interval of the cycles (`schedule.interval`).
    pub fn set_interval(&mut self, interval: Duration) {
        self.interval = interval;
        self.ask(JobRequest::Configure);
    }

    /// What was asked and the engine is not done with, by number, oldest first.
    pub fn requests(&self) -> impl Iterator<Item = (u64, &JobRequest)> {
        self.requests.iter().map(|(number, request)| (*number, request))
    }

    /// The engine is done with everything up to this number: with what is answered.
    pub fn done(&mut self, number: u64, now: VirtualTime) -> Vec<JobRequest> {
        if self.requests.first_key_value().is_none_or(|(first, _)| *first > number) {
            return Vec::new();
        }
        let open = self.requests.split_off(&(number + 1));
        let done = core::mem::replace(&mut self.requests, open);
        let gives_up = |asked: &JobRequest| match asked {
            JobRequest::Restart(scope) => scope.escrows && !(scope.watermark || scope.full),
            _ => false,
        };
        if done.values().any(gives_up) {
            self.gave_up = Some(now);
        }
        let done: Vec<JobRequest> = done.into_values().collect();
        for request in &done {
            self.episodes.told(now, request.clone());
        }
        done
    }

    /// Whoever runs it says how it is.
    pub fn take_report(&mut self, report: JobReport, now: VirtualTime) {
        self.episodes.heard(now, self.report.as_ref(), &report);
        self.report = Some(report);
    }

    /// Puts another schema in the place of this one, or the default ones for `None`: the engine takes it
    /// over and evaluates everything again.
    pub fn put_schema(&mut self, schema: Option<Schema>) {
        self.schema = schema;
        self.ask(JobRequest::Configure);
        self.ask(JobRequest::Restart(ResetScope { watermark: true, ..ResetScope::default() }));
    }

    /// `status.code` as Graph shows it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.report.as_ref().map_or(StatusCode::NotRun, |report| report.status)
    }
}
