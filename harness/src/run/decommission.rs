//! What stands against removing the last Exchange server: the engine's inventory and check one after the
//! other, with what the estate knows of the premises and what people state beside it.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::job::JobConfiguration;
use engine::ports::Ports;
use engine::step::{Activity as _, Step};
use engine::time::Timestamp;
use engine::transfer::{
    Check, CheckConfig, Evidence, Inventory, Listing, TransferReport, decommission, readiness,
};
use sim::caller::Role;
use sim::entra::job::WritebackJob;
use sim::guid::Guid;
use sim::onprem::{PublicFolders, ThingKind};

use super::process::TransferOrder;
use super::runner::Runner;
use super::story::{LONGEST, Refused};
use crate::scenario::{Scenario, Span, Stated, Step as StoryStep};
use crate::stage::job_configuration;

/// The inventory, then the check of the tenant.
pub(super) struct Decommission {
    evidence: Evidence,
    inventory: Inventory,
    rows: Option<Listing>,
    check: Check,
}

impl Decommission {
    pub(super) fn new(config: CheckConfig) -> Self {
        Self {
            evidence: config.evidence.clone(),
            inventory: Inventory::default(),
            rows: None,
            check: Check::new(config),
        }
    }

    pub(super) fn step(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Step<TransferReport> {
        let stopped = |failure| TransferReport { stopped: Some(failure), ..Default::default() };
        let Some(rows) = &self.rows else {
            return match self.inventory.step(now, ports) {
                Step::Busy => Step::Busy,
                Step::WaitUntil(at) => Step::WaitUntil(at),
                Step::Done(Err(failure)) => Step::Done(stopped(failure)),
                Step::Done(Ok(rows)) => {
                    self.rows = Some(rows);
                    Step::Busy
                }
            };
        };
        match self.check.step(now, ports) {
            Step::Busy => Step::Busy,
            Step::WaitUntil(at) => Step::WaitUntil(at),
            Step::Done(report) => Step::Done(match (report.organization, report.sync) {
                (Some(organization), Some(sync)) => TransferReport {
                    findings: decommission::findings(
                        decommission::Known {
                            inventory: &rows.rows,
                            unread: &rows.unread,
                            organization: &organization,
                            sync: &sync,
                            agents: &report.agents,
                            job: None,
                        },
                        &self.evidence,
                        now,
                    ),
                    stopped: report.stopped,
                    ..Default::default()
                },
                _ => TransferReport { stopped: report.stopped, ..Default::default() },
            }),
        }
    }
}

impl Runner<'_> {
    /// `decommission:`. What blocks makes it a failed step; the rest becomes notes.
    pub(super) fn decommission(
        &mut self,
        scenario: &Scenario,
        step: &StoryStep,
        stated: Stated,
        role: Role,
    ) {
        let job = match self.job_or_fresh() {
            Ok(job) => job,
            Err(problem) => {
                self.broken = Some(problem);
                return;
            }
        };
        let config = CheckConfig {
            mailboxes: Vec::new(),
            job,
            evidence: self.premises(stated),
            sync_cycle: scenario.world.connect.cycle,
            caller_roles: None,
            domain: None,
        };
        let order = TransferOrder::Decommission(Box::new(config));
        if let Err(problem) = self.engine.order(order, role) {
            self.broken = Some(problem);
            return;
        }
        let until = self.now() + LONGEST;
        let mut report = None;
        let ended = self.play(until, |runner| {
            report = runner.engine.take_report();
            report.is_some()
        });
        match report {
            Some(report) => self.report_decommission(&report, step, step.span),
            None if ended => {}
            None => self.fail(step.span, "the check did not end".to_owned()),
        }
    }

    /// The job's configuration; where there is no job, that of one that would be made now. Without
    /// mailboxes the check asks nothing of it.
    fn job_or_fresh(&self) -> Result<JobConfiguration, String> {
        self.estate.with(|estate| {
            let fresh = || {
                let (tenant, nobody) = (estate.entra.tenant, Guid([0; 16]));
                let interval = Duration::from_mins(20);
                let ids = (nobody, nobody, nobody);
                WritebackJob::new(tenant, ids, String::new(), estate.now(), interval)
            };
            let job = estate.entra.job.clone().unwrap_or_else(fresh);
            job_configuration(&job, &estate.profile)
        })
    }

    /// What the estate knows of the premises, in every domain of every forest, and what people state.
    fn premises(&self, stated: Stated) -> Evidence {
        self.estate.with(|estate| {
            let onprem = &estate.onprem;
            let system = onprem.of(ThingKind::SystemMailbox).count();
            let mailboxes = estate.local_mailboxes().len() + system;
            let folders = onprem.of(ThingKind::PublicFolder).next().is_some();
            Evidence {
                connect_build: Some(estate.connect.build.clone()),
                on_premises_recipients: u64::try_from(mailboxes).ok(),
                public_folders: Some(folders || onprem.public_folders != PublicFolders::None),
                hybrid_objects: Some(onprem.things.iter().any(|thing| thing.kind.is_hybrid())),
                dns_on_premises: Some(stated.dns_on_premises),
                smtp_relay: Some(stated.smtp_relay),
                groups_on_premises: Some(stated.groups_on_premises),
                ad_readers: Some(stated.ad_readers),
                premises: without_job(estate.entra.job.is_some()),
                ..Evidence::default()
            }
        })
    }

    fn report_decommission(&mut self, report: &TransferReport, step: &StoryStep, span: Span) {
        for finding in &report.findings {
            self.notes.push(format!("decommission {}: {}", finding.id, finding.reason));
        }
        let blocking =
            |finding: &&readiness::Finding| finding.severity == readiness::Severity::Block;
        let blocks: Vec<_> = report.findings.iter().filter(blocking).collect();
        let outcome = match (&report.stopped, blocks.first()) {
            (Some(failure), _) => {
                let message = format!("the check stopped: {} {}", failure.code, failure.detail);
                Err((message, Refused::Named(vec![failure.code.to_owned()])))
            }
            (None, Some(first)) => {
                let names = blocks.iter().map(|finding| finding.id.to_owned()).collect();
                Err((first.reason.clone(), Refused::Named(names)))
            }
            (None, None) => Ok(()),
        };
        self.settle(step, span, outcome);
    }
}

/// A world without a writeback job says so; of one that it has, its state is the job's own to tell.
fn without_job(has_one: bool) -> BTreeMap<&'static str, bool> {
    let answer = (decommission::JOB_RUNS, false);
    if has_one { BTreeMap::new() } else { BTreeMap::from([answer]) }
}
