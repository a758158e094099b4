//! The writeback job on its own.

use engine::job::{CycleReport, JobCommand, JobReport, LogStatus};
use engine::journal::rows::JobRow;
use engine::planted_bugs::PlantedBugs;
use engine::ports::StoreError;
use engine::wire::Wire;
use engine::writeback::{JobEnd, WritebackConfig, WritebackJob};

use super::desk::{Desk, Said};
use super::drive::{self, Driven, Engine};
use super::ports::Bundle;
use super::scope::ScopeNames;
use super::stores::{self, Owner};
use super::{AloneError, Permission, Settings, no_token};

/// What is wanted of the job.
#[derive(Debug, Clone)]
pub struct WritebackRequest {
    /// What may be done.
    pub permission: Permission,
    /// End after so many cycles; `None` goes on until interrupted. The first begins at once.
    pub cycles: Option<u64>,
    /// Requests to the job before anything else.
    pub commands: Vec<JobCommand>,
}

/// What it came to.
#[derive(Debug, Clone, Default)]
pub struct WritebackOutcome {
    /// Objects written; in a dry run: that would be.
    pub written: u64,
    /// Objects that failed.
    pub failed: u64,
    /// Cycles that ended, in their order.
    pub cycles: Vec<CycleReport>,
    /// The last report.
    pub report: Option<Box<JobReport>>,
    /// What the scope names and AD did not have after the last cycle.
    pub scope_missing: Vec<String>,
    /// Whether a signal ended it.
    pub interrupted: bool,
}

/// Runs the job and tells `say` what happens.
///
/// # Errors
/// [`AloneError`]: nothing was started, or the state store failed.
pub fn writeback(
    settings: &Settings,
    request: &WritebackRequest,
    say: &mut dyn FnMut(Said),
) -> Result<WritebackOutcome, AloneError> {
    let mut engine = Engine::start()?;
    let wire = Wire::new(settings.wire.clone(), engine.runtime.handle().clone())?;
    request.permission.check(settings)?;
    // A job that starts while the cloud is away, or does not take its secret, runs all the same.
    let claims = match engine.claims(&wire, say) {
        Err(error) if request.permission.tenant.is_some() => return Err(no_token(error)),
        claims => claims,
    };
    let followed = match &claims {
        Ok(claims) => {
            request.permission.check_tenant(claims)?;
            engine.follow(&wire, say)
        }
        Err(error) => Err(error.clone()),
    };
    if let Err(error) = followed {
        say(Said::NoClock(error));
    }
    let claims = claims.ok();
    let mut scope = ScopeNames::of(settings, &wire);
    // Who pauses a job needs no scope.
    let asks_one = |command| matches!(command, &JobCommand::ProvisionOnDemand { .. });
    if request.cycles != Some(0) || request.commands.iter().any(asks_one) {
        scope.check()?;
    }
    let apply = request.permission.apply;
    // What a dry run would have logged did not happen.
    let log = if apply { drive::log(settings)? } else { None };
    let names = (settings.wire.tenant.as_str(), settings.job.id.as_str(), settings.domain.as_str());
    let desk = Desk::new(log, names);
    let mut store = stores::job(settings, &Owner::of(settings, claims.as_ref()), apply)?;
    let row = stores::row_of_job(&mut *store)?;
    let of = if claims.is_none() { stores::tenant_of(&mut *store)? } else { None };
    let mut bundle = Bundle::new(settings, &wire, apply, false, (store, desk));
    if let Some(tenant) = of {
        bundle = bundle.of_tenant(tenant, wire.caller());
    }
    let runs = runs(row.as_ref(), &request.commands);
    let mut commands = request.commands.clone();
    if request.cycles.is_some_and(|cycles| cycles > 0) && runs {
        commands.push(JobCommand::Start);
    }
    bundle.desk.ask(commands, row.map_or(0, |row| row.obeyed));
    let config = WritebackConfig {
        job: settings.job.clone(),
        domain: settings.domain.clone(),
        started: true,
        jitter: drive::jitter(),
        bugs: PlantedBugs::none(),
    };
    let mut job = WritebackJob::new(config);
    run(&engine, (&mut job, &mut bundle), &mut scope, (request, runs), say)
}

/// Runs it until it has done what was asked, and looks after each cycle whether the scope's names are there.
fn run(
    engine: &Engine,
    (job, bundle): (&mut WritebackJob, &mut Bundle),
    scope: &mut ScopeNames,
    (request, runs): (&WritebackRequest, bool),
    say: &mut dyn FnMut(Said),
) -> Result<WritebackOutcome, AloneError> {
    let mut outcome = WritebackOutcome::default();
    let demanded = request
        .commands
        .iter()
        .filter(|command| matches!(command, JobCommand::ProvisionOnDemand { .. }))
        .count();
    let (mut answered, mut checked, mut done) = (0, 0, false);
    while !done {
        let enough = |job: &WritebackJob, said: &[Said]| {
            for report in said.iter().filter_map(|said| match said {
                Said::Report(report) => Some(report),
                _ => None,
            }) {
                answered += usize::from(report.on_demand.is_some());
                outcome.take(report);
            }
            let waits = matches!(said.last(), Some(Said::Waits(..)));
            done = match request.cycles {
                // Before a cycle that may be due begins: nobody asked for one.
                Some(0) if demanded > 0 => answered >= demanded,
                Some(0) => waits && job.is_idle(),
                Some(cycles) if runs => {
                    outcome.cycles.len() as u64 >= cycles && answered >= demanded && job.is_idle()
                }
                Some(_) => waits && job.is_idle(),
                None => false,
            };
            done || outcome.cycles.len() > checked
        };
        match engine.drive(job, bundle, enough, say) {
            Driven::Enough => {}
            Driven::Interrupted => {
                outcome.interrupted = true;
                break;
            }
            Driven::Ended(JobEnd::Halted) => return Err(StoreError::Halted.into()),
            Driven::Ended(JobEnd::Store(error)) => return Err(error.into()),
        }
        if outcome.cycles.len() > checked {
            checked = outcome.cycles.len();
            outcome.scope_missing = scope.missing();
            if !outcome.scope_missing.is_empty() {
                say(Said::Scope(outcome.scope_missing.clone()));
            }
        }
    }
    Ok(outcome)
}

impl WritebackOutcome {
    /// How many cycles failed as a whole.
    #[must_use]
    pub fn failed_cycles(&self) -> usize {
        self.cycles.iter().filter(|cycle| cycle.failure.is_some()).count()
    }

    fn take(&mut self, report: &JobReport) {
        if let Some((_, entry)) = &report.on_demand {
            self.written += u64::from(entry.status == LogStatus::Success);
            // Whoever is not there was not provisioned.
            self.failed += u64::from(entry.status == LogStatus::Failure || entry.unread);
        } else if let Some(cycle) = &report.last_cycle {
            self.written += cycle.written;
            self.failed += cycle.failed;
            self.cycles.push(cycle.clone());
        }
        self.report = Some(Box::new(report.clone()));
    }
}

/// Whether the job runs cycles once it has obeyed `commands`.
fn runs(row: Option<&JobRow>, commands: &[JobCommand]) -> bool {
    let start = row.is_none_or(|row| !(row.paused || row.disabled));
    commands.iter().fold(start, |runs, command| match command {
        JobCommand::Start | JobCommand::Restart(_) => true,
        JobCommand::Pause => false,
        JobCommand::ProvisionOnDemand { .. } | JobCommand::Configure(_) => runs,
    })
}
