//! `fault:`, checked against the agents and domain controllers of the world.

use std::time::Duration;

use sim::throttle::BUDGETS;

use super::super::diagnostic::Diagnostic;
use super::super::fault::{
    CloudFault, Direction, DirectoryOperation, Extent, Fault, PortCall, Service,
};
use super::super::nearest::advice;
use super::super::span::Spanned;
use super::super::world::World;
use super::super::yaml::{Entry, Node, Value};
use super::Reader;
use super::fields::Fields;
use super::words::{OPERATIONS, WHEN};

/// Every fault's name in a file.
pub const FAULTS: [&str; 23] = [
    "agent_offline",
    "agent_restart",
    "agent_slow",
    "engine_crash",
    "dc_down",
    "dc_busy",
    "dc_unavailable",
    "replication_stopped",
    "replication_slow",
    "connection_lost",
    "delivery_duplicated",
    "delivery_reordered",
    "schema_not_extended",
    "store_damaged",
    "rights_removed",
    "forward_sync_delayed",
    "throttled",
    "service_failure",
    "timed_out",
    "truncated_body",
    "page_expired",
    "certificate_expired",
    "cloud_offline",
];

/// How long an agent's service takes to start anew.
const RESTART: Duration = Duration::from_secs(120);
/// How much later a modify comes that others overtake.
const OVERTAKEN: Duration = Duration::from_secs(60);
/// How long a message between the directory and Exchange Online takes on a bad day.
const FORWARD_DELAY: Duration = Duration::from_hours(1);
/// How long a cmdlet may take (Microsoft Learn, "About the Exchange Online PowerShell module").
const CMDLET_TIMEOUT: Duration = Duration::from_mins(15);
/// In the place of a port call: any, at a number drawn from the seed.
const RANDOM: &str = "random";

fn is_cloud(call: PortCall) -> bool {
    Service::ALL.iter().any(|(_, service)| service.serves(call))
}

impl Reader<'_> {
    pub(super) fn fault(&mut self, node: &Node, world: &World) -> Option<Spanned<Fault>> {
        let entries: &[Entry] = match &node.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        };
        let [entry] = entries else {
            self.wrong_type(node, "one fault, such as `{agent_offline: {agent: agent1, for: 2h}}`");
            return None;
        };
        let name = entry.key.value.as_str();
        if !FAULTS.contains(&name) {
            let message = format!("nothing can break like `{name}`");
            let problem =
                Diagnostic::error("unknown-fault", entry.key.span, message).label("unknown fault");
            self.report(match advice(name, FAULTS) {
                Some(help) => problem.help(help),
                None => problem,
            });
            return None;
        }
        let what = format!("`{name}`");
        let mut fields = self.fields(&entry.value, &what)?;
        let fault = match name {
            "agent_offline" => self.agent_offline(&mut fields, world),
            "agent_restart" => self.agent_restart(&mut fields, world),
            "agent_slow" => self.agent_slow(&mut fields, world),
            "engine_crash" => self.engine_crash(&mut fields),
            "dc_down" => self.dc_down(&mut fields, world),
            "replication_stopped" => self.replication_stopped(&mut fields, world),
            "replication_slow" => self.replication_slow(&mut fields, world),
            "dc_busy" | "dc_unavailable" => self.dc_answers(&mut fields, world, name),
            "connection_lost" => self.connection_lost(&mut fields, world),
            "delivery_duplicated" => self.delivery_duplicated(&mut fields, world),
            "delivery_reordered" => self.delivery_reordered(&mut fields, world),
            "schema_not_extended" => self.schema_not_extended(&mut fields, world),
            "store_damaged" => self.store_damaged(&mut fields),
            "rights_removed" => self.rights_removed(&mut fields, world),
            "forward_sync_delayed" => self.forward_sync_delayed(&mut fields),
            _ => self.cloud_fault(&mut fields, name),
        };
        self.finish(&fields, &what);
        Some(Spanned::new(fault?, entry.key.span))
    }

    fn agent_offline(&mut self, fields: &mut Fields<'_>, world: &World) -> Option<Fault> {
        let agent = self.required(fields, "agent");
        let lasts = self.window(fields);
        let agent = self.agent(agent?, world)?;
        Some(Fault::AgentOffline { agent, lasts })
    }

    fn engine_crash(&mut self, fields: &mut Fields<'_>) -> Option<Fault> {
        let at = self.required(fields, "at");
        let when = fields.take("when").and_then(|entry| self.word(&entry.value, &WHEN));
        let nth = self.number(fields, "nth");
        let entry = at?;
        let is_random = entry.value.scalar().is_some_and(|scalar| scalar.text == RANDOM);
        if let (true, Some(nth)) = (is_random, nth) {
            self.report(
                Diagnostic::error(
                    "impossible-fault",
                    entry.value.span,
                    "a random call has no number",
                )
                .help(format!("leave `nth: {nth}` out, or name the port call")),
            );
            return None;
        }
        let at = if is_random { None } else { Some(self.port_call(entry)?) };
        Some(Fault::EngineCrash { at, when: when.unwrap_or_default(), nth: nth.unwrap_or(1) })
    }

    fn port_call(&mut self, entry: &Entry) -> Option<PortCall> {
        let call = self.text(&entry.value)?;
        let found = PortCall::ALL.iter().find(|(_, name)| *name == call.value);
        if let Some((call, _)) = found {
            return Some(*call);
        }
        let message = format!("the engine has no port call `{}`", call.value);
        let problem =
            Diagnostic::error("unknown-port-call", call.span, message).label("unknown port call");
        let names = PortCall::ALL.iter().map(|(_, name)| *name);
        self.report(match advice(&call.value, names) {
            Some(help) => problem.help(help),
            None => problem,
        });
        None
    }

    fn agent_restart(&mut self, fields: &mut Fields<'_>, world: &World) -> Option<Fault> {
        let agent = self.required(fields, "agent");
        let lasts = self.window(fields).unwrap_or(RESTART);
        let agent = self.agent(agent?, world)?;
        Some(Fault::AgentRestart { agent, lasts })
    }

    fn agent_slow(&mut self, fields: &mut Fields<'_>, world: &World) -> Option<Fault> {
        let agent = self.any_agent(fields, world);
        let by = self.required(fields, "by");
        let operation = fields.take("operation");
        let operation = operation.and_then(|entry| self.word(&entry.value, &OPERATIONS));
        let extent = self.demanded_extent(fields);
        let by = self.duration(&by?.value);
        let operation = operation.unwrap_or(DirectoryOperation::Any);
        Some(Fault::AgentSlow { agent: agent?, by: by?, operation, extent: extent? })
    }

    fn rights_removed(&mut self, fields: &mut Fields<'_>, world: &World) -> Option<Fault> {
        let agent = self.any_agent(fields, world);
        let extent = self.demanded_extent(fields);
        Some(Fault::RightsRemoved { agent: agent?, extent: extent? })
    }

    fn delivery_duplicated(&mut self, fields: &mut Fields<'_>, world: &World) -> Option<Fault> {
        let agent = self.any_agent(fields, world);
        let extent = self.extent(fields).unwrap_or(Extent::Count(1));
        let nth = self.number(fields, "nth").unwrap_or(1);
        Some(Fault::DeliveryDuplicated { agent: agent?, extent, nth })
    }

    fn dc_down(&mut self, fields: &mut Fields<'_>, world: &World) -> Option<Fault> {
        let dc = self.any_dc(fields, world);
        let lasts = self.window(fields);
        Some(Fault::DcDown { dc: dc?, lasts })
    }

    fn delivery_reordered(&mut self, fields: &mut Fields<'_>, world: &World) -> Option<Fault> {
        let agent = self.any_agent(fields, world);
        let by = fields.take("by").map(|entry| self.duration(&entry.value));
        let extent = self.extent(fields);
        let nth = self.number(fields, "nth");
        let by = by.unwrap_or(Some(OVERTAKEN));
        let extent = extent.unwrap_or(Extent::Count(1));
        Some(Fault::DeliveryReordered { agent: agent?, by: by?, extent, nth: nth.unwrap_or(1) })
    }

    fn schema_not_extended(&mut self, fields: &mut Fields<'_>, world: &World) -> Option<Fault> {
        let agent = self.any_agent(fields, world);
        let extent = self.demanded_extent(fields);
        Some(Fault::SchemaNotExtended { agent: agent?, extent: extent? })
    }

    fn forward_sync_delayed(&mut self, fields: &mut Fields<'_>) -> Option<Fault> {
        let by = fields.take("by").map(|entry| self.duration(&entry.value));
        let extent = self.demanded_extent(fields);
        let by = by.unwrap_or(Some(FORWARD_DELAY));
        Some(Fault::ForwardSyncDelayed { by: by?, extent: extent? })
    }

    fn store_damaged(&mut self, fields: &mut Fields<'_>) -> Option<Fault> {
        let lasts = self.required(fields, "for");
        Some(Fault::StoreDamaged { lasts: self.duration(&lasts?.value)? })
    }

    fn replication_stopped(&mut self, fields: &mut Fields<'_>, world: &World) -> Option<Fault> {
        let dc = self.any_dc(fields, world);
        let direction = fields.take("direction");
        let direction = direction.and_then(|entry| self.word(&entry.value, &Direction::ALL));
        let lasts = self.window(fields);
        self.check_replicates(fields, world)?;
        let direction = direction.unwrap_or_default();
        Some(Fault::ReplicationStopped { dc: dc?, direction, lasts })
    }

    fn replication_slow(&mut self, fields: &mut Fields<'_>, world: &World) -> Option<Fault> {
        let dc = self.any_dc(fields, world);
        let by = self.required(fields, "by");
        let extent = self.demanded_extent(fields);
        let by = self.duration(&by?.value);
        self.check_replicates(fields, world)?;
        Some(Fault::ReplicationSlow { dc: dc?, by: by?, extent: extent? })
    }

    /// Refuses a fault of replication where there is nothing to replicate with.
    fn check_replicates(&mut self, fields: &Fields<'_>, world: &World) -> Option<()> {
        if world.forests().any(|forest| forest.dcs.len() > 1) {
            return Some(());
        }
        let message = "no forest of this world has a second domain controller";
        self.report(
            Diagnostic::error("impossible-fault", fields.span, message)
                .help("list two in `world.forest.dcs`"),
        );
        None
    }

    fn dc_answers(&mut self, fields: &mut Fields<'_>, world: &World, name: &str) -> Option<Fault> {
        let dc = self.any_dc(fields, world);
        let operation = self.operation(fields);
        let (extent, dc) = (self.demanded_extent(fields)?, dc?);
        Some(if name == "dc_busy" {
            Fault::DcBusy { dc, operation, extent }
        } else {
            Fault::DcUnavailable { dc, operation, extent }
        })
    }

    fn cloud_fault(&mut self, fields: &mut Fields<'_>, name: &str) -> Option<Fault> {
        let kind = match name {
            "throttled" => {
                let wait = fields.take("retry_after");
                let retry_after = wait.and_then(|entry| self.duration(&entry.value));
                // What is wrong with it is said, and nothing that stands beside it.
                let budget = fields.take("budget").and_then(|entry| self.budget_of(entry, fields));
                CloudFault::Throttled { budget, retry_after }
            }
            "service_failure" => {
                let status = fields.take("status");
                let status = status.and_then(|entry| self.integer(&entry.value, 500, 599));
                let status = status.and_then(|status| u16::try_from(status).ok());
                let wait = fields.take("retry_after");
                let retry_after = wait.and_then(|entry| self.duration(&entry.value));
                CloudFault::ServiceFailure { status: status.unwrap_or(503), retry_after }
            }
            "timed_out" => {
                let by = fields.take("by").map(|entry| self.duration(&entry.value));
                let when = fields.take("when").and_then(|entry| self.word(&entry.value, &WHEN));
                let after = match by {
                    Some(by) => by?,
                    None => CMDLET_TIMEOUT,
                };
                CloudFault::TimedOut { after, when: when.unwrap_or_default() }
            }
            "truncated_body" => CloudFault::TruncatedBody,
            "page_expired" => CloudFault::PageExpired,
            "certificate_expired" => CloudFault::CertificateExpired,
            _ => CloudFault::Offline,
        };
        let extent = self.demanded_extent(fields);
        if kind == CloudFault::PageExpired {
            let call = Some(PortCall::ExchangeMailboxesChanged);
            return Some(Fault::Cloud {
                kind,
                service: Some(Service::Exchange),
                call,
                extent: extent?,
            });
        }
        let service = fields.take("service").map(|entry| self.word(&entry.value, &Service::ALL));
        let call = fields.take("call").map(|entry| (entry, self.port_call(entry)));
        let service = match service {
            Some(service) => Some(service?),
            None => None,
        };
        let call = match call {
            Some((entry, call)) => {
                let call = call?;
                if service.is_some_and(|service| !service.serves(call)) || !is_cloud(call) {
                    let message = format!("`{call}` does not go to this service");
                    self.report(
                        Diagnostic::error("impossible-fault", entry.value.span, message)
                            .label("never met")
                            .help("`exchange.` calls go to exchange, `entra.` calls to graph"),
                    );
                    return None;
                }
                Some(call)
            }
            None => None,
        };
        Some(Fault::Cloud { kind, service, call, extent: extent? })
    }

    /// A budget of a cloud service. It says itself whose requests cost some of it.
    fn budget_of(&mut self, entry: &Entry, fields: &mut Fields<'_>) -> Option<&'static str> {
        for key in ["service", "call"] {
            let Some(other) = fields.take(key) else { continue };
            let message =
                format!("a budget says itself what is throttled, and `{key}` does so too");
            self.report(
                Diagnostic::error("impossible-fault", other.key.span, message)
                    .help(format!("leave `{key}` out, or `budget`")),
            );
        }
        let name = self.text(&entry.value)?;
        let names = BUDGETS.iter().map(|budget| budget.name);
        let known = self.known(&name, names, "unknown-budget", "budget")?;
        BUDGETS.iter().map(|budget| budget.name).find(|budget| *budget == known.value)
    }

    /// The agent that is named, or whichever works. `None`: there is no such agent.
    #[expect(clippy::option_option, reason = "whether it is wrong, and whether it is said")]
    fn any_agent(
        &mut self,
        fields: &mut Fields<'_>,
        world: &World,
    ) -> Option<Option<Spanned<String>>> {
        match fields.take("agent") {
            Some(entry) => self.agent(entry, world).map(Some),
            None => Some(None),
        }
    }

    /// The domain controller that is named, or every one. `None`: there is no such one.
    #[expect(clippy::option_option, reason = "whether it is wrong, and whether it is said")]
    fn any_dc(
        &mut self,
        fields: &mut Fields<'_>,
        world: &World,
    ) -> Option<Option<Spanned<String>>> {
        match fields.take("dc") {
            Some(entry) => self.dc_of(entry, world).map(Some),
            None => Some(None),
        }
    }

    /// A window or a count, which must be there.
    fn demanded_extent(&mut self, fields: &mut Fields<'_>) -> Option<Extent> {
        let extent = self.extent(fields);
        if extent.is_none() {
            self.report(
                Diagnostic::error("missing-key", fields.span, "for how long, or how often?")
                    .label("expected `for: 10m` or `count: 3` in here"),
            );
        }
        extent
    }

    fn connection_lost(&mut self, fields: &mut Fields<'_>, world: &World) -> Option<Fault> {
        let agent = fields.take("agent").map(|entry| self.agent(entry, world));
        let operation = self.operation(fields);
        let when = fields.take("when").and_then(|entry| self.word(&entry.value, &WHEN));
        let extent = self.extent(fields);
        let nth = self.number(fields, "nth");
        let agent = match agent {
            Some(agent) => Some(agent?),
            None => None,
        };
        Some(Fault::ConnectionLost {
            agent,
            operation,
            when: when.unwrap_or_default(),
            extent: extent.unwrap_or(Extent::Count(1)),
            nth: nth.unwrap_or(1),
        })
    }

    fn operation(&mut self, fields: &mut Fields<'_>) -> DirectoryOperation {
        let entry = fields.take("operation");
        let word = entry.and_then(|entry| self.word(&entry.value, &OPERATIONS));
        word.unwrap_or(DirectoryOperation::Modify)
    }

    fn window(&mut self, fields: &mut Fields<'_>) -> Option<Duration> {
        fields.take("for").and_then(|entry| self.duration(&entry.value))
    }

    fn number(&mut self, fields: &mut Fields<'_>, key: &'static str) -> Option<u32> {
        let entry = fields.take(key)?;
        let number = self.integer(&entry.value, 1, 1_000_000_000)?;
        u32::try_from(number).ok()
    }

    fn extent(&mut self, fields: &mut Fields<'_>) -> Option<Extent> {
        let window = fields.take("for");
        let count = fields.take("count");
        match (window, count) {
            (Some(window), Some(count)) => {
                self.report(
                    Diagnostic::error(
                        "impossible-fault",
                        count.key.span,
                        "`for` and `count` exclude each other",
                    )
                    .help("a fault strikes in a window or a number of times; drop one of the two"),
                );
                self.duration(&window.value).map(Extent::For)
            }
            // What is written wrongly is reported once, and not as missing as well.
            (Some(window), None) => {
                Some(Extent::For(self.duration(&window.value).unwrap_or_default()))
            }
            (None, Some(_)) => Some(Extent::Count(self.number(fields, "count").unwrap_or(1))),
            (None, None) => None,
        }
    }

    /// The agent that an entry names.
    pub(super) fn agent(&mut self, entry: &Entry, world: &World) -> Option<Spanned<String>> {
        let name = self.text(&entry.value)?;
        let names = world.agents.iter().map(|agent| agent.name.value.as_str());
        self.known(&name, names, "unknown-agent", "agent")
    }

    pub(super) fn dc_of(&mut self, entry: &Entry, world: &World) -> Option<Spanned<String>> {
        let name = self.text(&entry.value)?;
        self.known(&name, world.dc_names(), "unknown-dc", "domain controller")
    }
}
