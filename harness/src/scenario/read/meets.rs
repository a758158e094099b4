//! What a world does not have cannot be told in it: keys of another engine, faults that nobody can meet.

use sim::throttle::{
    APPLICATION_WRITES, BUDGETS, CMDLETS, OF_GRAPH_CALLS, ON_DEMAND, REPORTS, TENANT_WRITES, WRITES,
};

use super::super::diagnostic::Diagnostic;
use super::super::fault::{CloudFault, Fault, PortCall, Service};
use super::super::model::{Action, Authority, ConnectAction, Cycle, GraphMethod, JobAction, Step};
use super::super::span::{Span, Spanned};
use super::super::world::{Inbound, World};
use super::Reader;

/// What of the engine is at work in a story.
#[derive(Clone, Copy)]
struct AtWork {
    /// A writeback job.
    job: bool,
    /// A transfer to the cloud, or the look before the last server goes.
    transfer: bool,
    /// A transfer back.
    rollback: bool,
}

impl AtWork {
    fn of(has_job: bool, story: &[Step]) -> Self {
        let to = |wanted: Authority| {
            story.iter().any(|step| match &step.action {
                Action::Transfer(transfer) => transfer.to == wanted,
                Action::Decommission(_) => wanted == Authority::Cloud,
                _ => false,
            })
        };
        Self { job: has_job, transfer: to(Authority::Cloud), rollback: to(Authority::OnPremises) }
    }

    const fn anything(self) -> bool {
        self.job || self.transfer || self.rollback
    }

    /// Whether the engine's calls cost some of a budget.
    fn spends(self, budget: &str) -> bool {
        let service = if budget == CMDLETS { Service::Exchange } else { Service::Graph };
        let calls = PortCall::ALL.iter().map(|(call, _)| *call);
        let mut served = calls.filter(|call| service.serves(*call));
        (budget == CMDLETS || OF_GRAPH_CALLS.contains(&budget))
            && served.any(|call| self.makes(call))
    }

    /// Whether the engine comes to a port call at all.
    const fn makes(self, call: PortCall) -> bool {
        match call {
            // A transfer of a story keeps the cloud's side alone; a rollback looks what AD holds.
            PortCall::DirectoryFind | PortCall::DirectoryRead => self.job || self.rollback,
            PortCall::ExchangeMailboxesChanged
            | PortCall::DirectoryModify
            | PortCall::JobCommands
            | PortCall::JobReport
            | PortCall::JobLog => self.job,
            // The flag is a transfer's business.
            PortCall::ExchangeSetMailboxes => self.transfer || self.rollback,
            PortCall::ExchangeMailboxes
            | PortCall::ExchangeOrganization
            | PortCall::EntraUsers
            | PortCall::EntraAgents
            | PortCall::EntraSyncConfiguration
            | PortCall::StoreGet
            | PortCall::StoreScan
            | PortCall::StoreCommit => self.anything(),
        }
    }
}

/// Whether what somebody does in a story costs some of a budget.
fn spends(action: &Action, budget: &str) -> bool {
    match action {
        Action::Exo(_) => budget == CMDLETS,
        Action::Repeat(repeat) => spends(&repeat.action, budget),
        Action::Job(JobAction::ProvisionOnDemand { .. }) => budget == ON_DEMAND,
        Action::Graph(call) => {
            let path = &call.path.value;
            match budget {
                CMDLETS => false,
                REPORTS => path.contains("/auditLogs"),
                ON_DEMAND => path.contains("provisionOnDemand"),
                WRITES | APPLICATION_WRITES | TENANT_WRITES => call.method != GraphMethod::Get,
                _ => true,
            }
        }
        _ => false,
    }
}

/// What costs some of a budget, in words.
fn costs(budget: &str) -> &'static str {
    BUDGETS.iter().find(|known| known.name == budget).map_or("", |known| known.costs)
}

impl Reader<'_> {
    /// Whether a world has a writeback job.
    pub(super) fn has_job(&self, world: &World) -> bool {
        let without = &self.catalogues.profiles_without_job;
        world.writeback.exists && !without.contains(&world.profile.value)
    }

    /// A profile without writeback has no job that could be described.
    pub(super) fn check_job_key(&mut self, profile: &str, key: Span, exists: bool) {
        if exists && self.catalogues.profiles_without_job.iter().any(|known| known == profile) {
            let message = format!("the profile `{profile}` has no writeback job to describe");
            self.report(
                Diagnostic::error("impossible-world", key, message)
                    .label("values are not written back in this profile")
                    .help("leave it out, or say `writeback: none`"),
            );
        }
    }

    /// Everything in a story that this world does not have.
    pub(super) fn check_story(&mut self, world: &World, story: &[Step]) {
        let at_work = AtWork::of(self.has_job(world), story);
        for step in story {
            match &step.action {
                Action::Fault(fault) => self.check_met(fault, world, at_work, story),
                Action::Connect(action) => self.check_server(action, step, world),
                Action::Cycle(Cycle::Writeback) if !at_work.job && step.expect_error.is_none() => {
                    let message = "this world has no writeback job that could run";
                    self.report(
                        Diagnostic::error("impossible-step", step.span, message)
                            .help("leave the step out, or give the world its job back"),
                    );
                }
                _ => {}
            }
        }
    }

    fn check_met(
        &mut self,
        fault: &Spanned<Fault>,
        world: &World,
        at_work: AtWork,
        story: &[Step],
    ) {
        let by_agents = "no writeback job works through an agent here";
        let call_of_nobody = |call: Option<PortCall>| {
            let call = call.filter(|call| !at_work.makes(*call))?;
            Some(format!("nothing in this story makes the port call `{call}`"))
        };
        let problem = match &fault.value {
            // Cloud Sync comes through the agent that is there, and reads as fast as ever.
            Fault::AgentOffline { .. } | Fault::AgentRestart { .. }
                if world.inbound == Inbound::CloudSync =>
            {
                None
            }
            // A rollback looks what AD holds.
            Fault::AgentOffline { .. }
            | Fault::AgentRestart { .. }
            | Fault::AgentSlow { .. }
            | Fault::ConnectionLost { .. }
            | Fault::DcBusy { .. }
            | Fault::DcUnavailable { .. }
                if !at_work.job && !at_work.rollback =>
            {
                Some(by_agents.to_owned())
            }
            Fault::RightsRemoved { .. }
            | Fault::DeliveryDuplicated { .. }
            | Fault::DeliveryReordered { .. }
            | Fault::SchemaNotExtended { .. }
                if !at_work.job =>
            {
                Some(by_agents.to_owned())
            }
            Fault::StoreDamaged { .. } if !at_work.anything() => {
                Some("no engine is at work here, so there is no state store".to_owned())
            }
            Fault::Cloud { kind: CloudFault::PageExpired, .. } if !at_work.job => {
                Some("nobody lists the changed mailboxes here".to_owned())
            }
            Fault::EngineCrash { at: None, .. } if !at_work.anything() => {
                Some("no engine is at work here".to_owned())
            }
            Fault::EngineCrash { at, .. } => call_of_nobody(*at),
            Fault::Cloud { kind: CloudFault::Throttled { budget: Some(budget), .. }, .. } => {
                (!at_work.spends(budget) && !story.iter().any(|step| spends(&step.action, budget)))
                    .then(|| format!("nothing in this story costs any of it: {}", costs(budget)))
            }
            Fault::Cloud { call, service, .. } => call_of_nobody(*call).or_else(|| {
                let calls = PortCall::ALL.iter().map(|(call, _)| *call);
                let mut served = calls.filter(|call| match service {
                    Some(service) => service.serves(*call),
                    None => Service::Login.serves(*call),
                });
                let met = served.any(|call| at_work.makes(call));
                (!met).then(|| "no engine is at work here that asks this service".to_owned())
            }),
            _ => None,
        };
        if let Some(problem) = problem {
            let message = format!("nothing meets `{}` in this world", fault.value.name());
            self.report(
                Diagnostic::error("impossible-fault", fault.span, message).label(problem).help(
                    "a world with a writeback job, or a story with a `transfer`, puts the engine to work",
                ),
            );
        }
    }

    /// What somebody does to a server that is not there.
    fn check_server(&mut self, action: &ConnectAction, step: &Step, world: &World) {
        let cloud_sync = world.inbound == Inbound::CloudSync;
        let message = match action {
            ConnectAction::Scheduler(_) => return,
            _ if cloud_sync => "Cloud Sync has no server of Connect Sync",
            ConnectAction::SwitchToStaging
                if world.connect.staging.is_none() && step.expect_error.is_none() =>
            {
                "this world has no staging server"
            }
            _ => return,
        };
        let problem = Diagnostic::error("impossible-step", step.span, message);
        self.report(problem.help(if cloud_sync {
            "leave out `inbound: cloud_sync`, or this step"
        } else {
            "give it one: `world: {connect: {staging: 2.5.190.0}}`"
        }));
    }
}
