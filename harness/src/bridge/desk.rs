//! The job's desk: requests from Entra's record go to the engine, reports and log entries come back.
//!
//! The same in both transports: the real job runs inside the service, and nothing of this is on any
//! wire that is known.

use engine::job::{
    JobCommand, JobConfiguration, JobReport, JobStatus, LogEntry, LogStatus, RestartScopes,
};
use engine::ports::{CallError, JobPort, MailboxId, Numbered};
use sim::entra::job as record;
use sim::entra::log;
use sim::wire::shared::SharedEstate;

use crate::stage::job_configuration;

use super::translate::{guid_to_engine, guid_to_sim, to_sim};

/// The desk of an estate's writeback job.
#[derive(Clone)]
pub struct Desk {
    estate: SharedEstate,
}

impl Desk {
    /// The desk of this estate.
    #[must_use]
    pub const fn new(estate: SharedEstate) -> Self {
        Self { estate }
    }
}

impl JobPort for Desk {
    fn commands(&mut self, done: u64) -> Result<Vec<Numbered>, CallError> {
        self.estate.with(|estate| {
            estate.requests_done(done);
            let Some(job) = &estate.entra.job else { return Ok(Vec::new()) };
            let desired = || {
                let configuration = job_configuration(job, &estate.profile);
                configuration.map_err(|detail| CallError::Malformed { detail })
            };
            job.requests()
                .map(|(number, request)| {
                    Ok(Numbered { number, command: command(request, &desired)? })
                })
                .collect()
        })
    }

    fn report(&mut self, report: JobReport) -> Result<(), CallError> {
        self.estate.with(|estate| {
            if let (Some(job), Some((request, entry))) = (&mut estate.entra.job, &report.on_demand)
            {
                job.answer(*request, log_entry(entry.clone()));
            }
            estate.take_job_report(translated(&report));
        });
        Ok(())
    }

    fn log(&mut self, entries: Vec<LogEntry>) -> Result<(), CallError> {
        self.estate.with(|estate| {
            estate.append_log(entries.into_iter().map(log_entry).collect());
        });
        Ok(())
    }
}

fn command(
    request: &record::JobRequest,
    desired: &impl Fn() -> Result<JobConfiguration, CallError>,
) -> Result<JobCommand, CallError> {
    Ok(match request {
        record::JobRequest::Configure => JobCommand::Configure(desired()?),
        record::JobRequest::Start => JobCommand::Start,
        record::JobRequest::Pause => JobCommand::Pause,
        record::JobRequest::Restart(scope) => JobCommand::Restart(RestartScopes {
            watermark: scope.watermark,
            escrows: scope.escrows,
            quarantine: scope.quarantine,
            full: scope.full,
        }),
        record::JobRequest::ProvisionOnDemand { request, rule, user } => {
            JobCommand::ProvisionOnDemand {
                request: *request,
                rule: rule.clone(),
                mailbox: MailboxId(guid_to_engine(*user)),
            }
        }
    })
}

fn translated(report: &JobReport) -> record::JobReport {
    record::JobReport {
        status: match report.status {
            JobStatus::NotRun => record::StatusCode::NotRun,
            JobStatus::Active => record::StatusCode::Active,
            JobStatus::Paused => record::StatusCode::Paused,
            JobStatus::Quarantine => record::StatusCode::Quarantine,
        },
        last_execution: report.last_cycle.as_ref().map(|cycle| record::Execution {
            cycle: cycle.cycle,
            initial: cycle.initial,
            began: to_sim(cycle.began),
            ended: to_sim(cycle.ended),
            read: cycle.read,
            in_scope: cycle.in_scope,
            written: cycle.written,
            skipped: cycle.skipped,
            failed: cycle.failed,
            retried: cycle.retried,
            error: cycle
                .failure
                .as_ref()
                .map(|failure| (failure.code.to_owned(), failure.detail.clone())),
        }),
        escrowed: report.escrowed,
        escrows_pruned: report.escrows_pruned,
        linked: report.linked,
        quarantine: report.quarantine.map(|quarantine| record::Quarantine {
            reason: quarantine.reason.text(),
            began: to_sim(quarantine.began),
            imposed: to_sim(quarantine.imposed),
            times: quarantine.times,
            next: to_sim(quarantine.next),
        }),
    }
}

fn advice(status: LogStatus, code: &str) -> Option<log::Advice> {
    let action = engine::failure::recommended_action(code)?;
    let category = engine::failure::category(code);
    (status == LogStatus::Failure).then_some(log::Advice { category, action })
}

fn log_entry(entry: LogEntry) -> log::LogEntry {
    log::LogEntry {
        at: to_sim(entry.at),
        cycle: entry.cycle,
        source: entry.mailbox.map(|id| guid_to_sim(id.0)),
        target: entry.target.map(|guid| guid_to_sim(guid.0)),
        status: match entry.status {
            LogStatus::Success => log::LogStatus::Success,
            LogStatus::Failure => log::LogStatus::Failure,
            LogStatus::Skipped => log::LogStatus::Skipped,
        },
        code: entry.code.into(),
        detail: entry.detail,
        advice: advice(entry.status, entry.code),
        milliseconds: u32::try_from(entry.took.as_millis()).unwrap_or(u32::MAX),
        modified: entry
            .modified
            .into_iter()
            .map(|change| log::ModifiedProperty {
                old: change.old.as_property(&change.attribute),
                new: change.new.as_property(&change.attribute),
                name: change.attribute,
            })
            .collect(),
    }
}
