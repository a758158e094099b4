//! `fault:`, checked against the agents and domain controllers of the world.

use std::time::Duration;

use super::super::diagnostic::Diagnostic;
use super::super::fault::{DirectoryOperation, Extent, Fault, PortCall, When};
use super::super::nearest::advice;
use super::super::span::Spanned;
use super::super::world::World;
use super::super::yaml::{Entry, Node, Value};
use super::Reader;
use super::fields::Fields;

/// Every fault's name in a file.
const FAULTS: [&str; 4] = ["agent_offline", "engine_crash", "dc_busy", "connection_lost"];

const OPERATIONS: [(&str, DirectoryOperation); 3] = [
    ("modify", DirectoryOperation::Modify),
    ("search", DirectoryOperation::Search),
    ("any", DirectoryOperation::Any),
];

const WHEN: [(&str, When); 2] = [("before", When::Before), ("after", When::After)];

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
            "engine_crash" => self.engine_crash(&mut fields),
            "dc_busy" => self.dc_busy(&mut fields, world),
            _ => self.connection_lost(&mut fields, world),
        };
        self.finish(&fields, &what);
        Some(Spanned::new(fault?, node.span))
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
        let call = self.text(&at?.value)?;
        let found = PortCall::ALL.iter().find(|(_, name)| *name == call.value);
        let Some((at, _)) = found else {
            let message = format!("the engine has no port call `{}`", call.value);
            let problem = Diagnostic::error("unknown-port-call", call.span, message)
                .label("unknown port call");
            let names = PortCall::ALL.iter().map(|(_, name)| *name);
            self.report(match advice(&call.value, names) {
                Some(help) => problem.help(help),
                None => problem,
            });
            return None;
        };
        Some(Fault::EngineCrash { at: *at, when: when.unwrap_or_default(), nth: nth.unwrap_or(1) })
    }

    fn dc_busy(&mut self, fields: &mut Fields<'_>, world: &World) -> Option<Fault> {
        let dc = fields.take("dc").map(|entry| self.dc_of(entry, world));
        let operation = self.operation(fields);
        let extent = self.extent(fields);
        let Some(extent) = extent else {
            self.report(
                Diagnostic::error("missing-key", fields.span, "how long is it busy, or how often?")
                    .label("expected `for: 10m` or `count: 3` in here"),
            );
            return None;
        };
        let dc = match dc {
            Some(dc) => Some(dc?),
            None => None,
        };
        Some(Fault::DcBusy { dc, operation, extent })
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

    fn dc_of(&mut self, entry: &Entry, world: &World) -> Option<Spanned<String>> {
        let name = self.text(&entry.value)?;
        let names = world.forest.dcs.iter().map(|dc| dc.name.value.as_str());
        self.known(&name, names, "unknown-dc", "domain controller")
    }
}
