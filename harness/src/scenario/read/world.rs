//! `world:`, with the documented defaults.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use sim::entra::features::FEATURES;

use super::super::catalogue::{SwitchKind, SwitchSpec};
use super::super::diagnostic::Diagnostic;
use super::super::nearest::{choice, list, nearest};
use super::super::quantity;
use super::super::span::{Span, Spanned};
use super::super::world::{
    Agent, Connect, Dc, Forest, Inbound, Population, SwitchValue, Tenant, World, Writeback,
};
use super::super::yaml::{Entry, Node, Value};
use super::Reader;
use super::fields::Fields;
use super::words::INBOUND;

const MINUTE: Duration = Duration::from_secs(60);
/// The windows of budgets.
const SHORTEST_WINDOW: Duration = Duration::from_secs(1);
const LONGEST_WINDOW: Duration = Duration::from_secs(86_400);
/// 2026-09-01T08:00:00Z.
const START: i64 = 1_788_249_600;

impl Reader<'_> {
    /// The world that `node` describes; what it leaves out is the default.
    pub(super) fn world(&mut self, node: Option<&Node>) -> World {
        let nothing = Node { span: Span::default(), value: Value::Mapping(Vec::new()) };
        let node = node.unwrap_or(&nothing);
        let mut fields = self.fields(node, "`world`").unwrap_or_else(|| Fields::none(node.span));
        let profile = fields.take("profile").and_then(|entry| self.profile(&entry.value));
        let switches = fields.take("switches").map(|entry| self.switches(&entry.value));
        let seed = fields.take("seed").and_then(|entry| self.seed(&entry.value));
        let start = fields.take("start").and_then(|entry| self.instant(&entry.value));
        let start = start.unwrap_or_else(|| {
            Timestamp::from_second(START).expect("the default start is within the calendar")
        });
        let forest = fields.take("forest").map(|entry| &entry.value);
        let (mut forest, further_forests) = self.forests(forest);
        let tenant = fields.take("tenant").map(|entry| &entry.value);
        let tenant = self.tenant(tenant);
        let inbound = fields.take("inbound").and_then(|entry| self.word(&entry.value, &INBOUND));
        let inbound = inbound.unwrap_or_default();
        let connect = fields.take("connect").map(|entry| &entry.value);
        let homes: Vec<&Forest> = core::iter::once(&forest).chain(&further_forests).collect();
        let connect = self.connect(connect, inbound, &homes);
        let agents_key = fields.take("agents");
        let job_key = fields.take("writeback");
        let writeback = job_key.map(|entry| &entry.value);
        let domains: Vec<String> =
            homes.iter().flat_map(|at| &at.domains).map(|domain| domain.value.clone()).collect();
        let writeback = self.writeback(writeback, start, &domains);
        let agents = self.agents(agents_key.map(|entry| &entry.value), &homes, &writeback);
        if let Some(entry) = agents_key {
            self.check_agents(&agents, entry, &homes, &writeback);
        }
        if let (Some(entry), Some(profile)) = (job_key, &profile) {
            self.check_job_key(&profile.value, entry.key.span, writeback.exists);
        }
        let population = fields.take("population").map(|entry| &entry.value);
        let population = self.population(population, &tenant, &domains);
        self.check_values(&population, &homes);
        if let Some(domain) =
            forest.domains.first_mut().filter(|domain| domain.span == Span::default())
        {
            let exported = population.iter().find_map(|part| match part {
                Population::Ldif { domain, .. } => domain.clone(),
                Population::Shape { .. } | Population::User(_) => None,
            });
            *domain = exported.map_or_else(|| domain.clone(), Spanned::implied);
        }
        let rights = fields.take("rights").map(|entry| self.rights(&entry.value, &population));
        let rights = rights.unwrap_or_default();
        let roles = fields.take("roles").map(|entry| self.own_roles(&entry.value));
        self.finish(&fields, "`world`");
        World {
            profile: profile.unwrap_or_else(|| Spanned::implied("wb-ga-2026-08".to_owned())),
            switches: switches.unwrap_or_default(),
            seed: seed.unwrap_or(1),
            start,
            forest,
            further_forests,
            tenant,
            inbound,
            connect,
            agents,
            rights,
            roles: roles.unwrap_or_default(),
            writeback,
            population,
        }
    }

    fn profile(&mut self, node: &Node) -> Option<Spanned<String>> {
        let name = self.text(node)?;
        let names = self.catalogues.profiles.iter().map(String::as_str);
        self.known(&name, names, "unknown-profile", "profile")
    }

    fn switches(&mut self, node: &Node) -> BTreeMap<String, Spanned<SwitchValue>> {
        let mut switches = BTreeMap::new();
        let Some(fields) = self.fields(node, "`switches`") else { return switches };
        for entry in fields.others() {
            let catalogues = self.catalogues;
            let names = catalogues.switches.iter().map(|switch| switch.name.as_str());
            let wrong = entry.key.value.as_str();
            let all: Vec<&str> = names.clone().collect();
            if !all.iter().any(|name| name.eq_ignore_ascii_case(wrong)) {
                let message = format!("there is no switch `{wrong}`");
                let problem = Diagnostic::error("unknown-switch", entry.key.span, message)
                    .label("unknown switch");
                self.report(problem.help(match nearest(wrong, all.iter().copied()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("there are {}", list(&all)),
                }));
                continue;
            }
            let Some(name) = self.known(&entry.key, names, "unknown-switch", "switch") else {
                continue;
            };
            let spec = catalogues.switches.iter().find(|switch| switch.name == name.value);
            if let Some(value) = spec.and_then(|spec| self.switch_value(&entry.value, spec)) {
                switches.insert(name.value, Spanned::new(value, entry.value.span));
            }
        }
        switches
    }

    fn switch_value(&mut self, node: &Node, spec: &SwitchSpec) -> Option<SwitchValue> {
        match &spec.kind {
            SwitchKind::Boolean => {
                // `on` and `off` are how the switches are talked about.
                match node.scalar().map(|scalar| scalar.text.as_str()) {
                    Some("on" | "true") => Some(SwitchValue::Boolean(true)),
                    Some("off" | "false") => Some(SwitchValue::Boolean(false)),
                    _ => self.boolean(node).map(SwitchValue::Boolean),
                }
            }
            SwitchKind::Integer(least, most) => {
                self.integer(node, *least, *most).map(SwitchValue::Integer)
            }
            SwitchKind::Duration(most) => self.delay(node, *most),
            SwitchKind::Budget => self.budget(node),
            SwitchKind::OneOf(words) => {
                let text = self.text(node)?;
                if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(&text.value))
                {
                    return Some(SwitchValue::Text(word.clone()));
                }
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let message = format!("`{}` has no value `{}`", spec.name, text.value);
                let problem = Diagnostic::error("unknown-switch-value", node.span, message)
                    .label(format!("expected {}", choice(&words)));
                self.report(match nearest(&text.value, words) {
                    Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                    None => problem,
                });
                None
            }
        }
    }

    /// A length of time that may be none, in seconds.
    fn delay(&mut self, node: &Node, most: Duration) -> Option<SwitchValue> {
        let text = self.text(node)?;
        match quantity::duration(&text.value) {
            Ok(length) if length > most => {
                let message = format!("{} is too long", text.value);
                let label = format!("expected at most {}", quantity::show_duration(most));
                self.report(Diagnostic::error("out-of-range", node.span, message).label(label));
                None
            }
            Ok(length) => Some(SwitchValue::Text(format!("{}ms", length.as_millis()))),
            Err(expected) => {
                self.wrong_type(node, &expected);
                None
            }
        }
    }

    /// `30000/5m`, or `off`.
    fn budget(&mut self, node: &Node) -> Option<SwitchValue> {
        const EXPECTED: &str = "so many in a time, such as `30000/5m`, or `off`";
        let text = self.text(node)?;
        if text.value.eq_ignore_ascii_case("off") {
            return Some(SwitchValue::Text("off".to_owned()));
        }
        let parts = text.value.split_once('/');
        let units = parts.and_then(|(units, _)| units.trim().parse::<u32>().ok());
        let Some((units, (_, window))) = units.zip(parts) else {
            self.wrong_type(node, EXPECTED);
            return None;
        };
        if units == 0 {
            let message = format!("`{}` lets nothing through", text.value);
            let problem = Diagnostic::error("out-of-range", node.span, message);
            self.report(problem.label("expected at least 1 in a time, or `off` for no budget"));
            return None;
        }
        match quantity::duration(window) {
            Ok(window) if (SHORTEST_WINDOW..=LONGEST_WINDOW).contains(&window) => {
                Some(SwitchValue::Text(format!("{units}/{}ms", window.as_millis())))
            }
            Ok(_) => {
                let message = format!("`{}` is no window of a budget", window.trim());
                let problem = Diagnostic::error("out-of-range", node.span, message);
                self.report(problem.label("expected a second to a day"));
                None
            }
            Err(expected) => {
                self.wrong_type(node, &format!("{EXPECTED}: after the slash {expected}"));
                None
            }
        }
    }

    fn tenant(&mut self, node: Option<&Node>) -> Tenant {
        let fields = node.and_then(|node| self.fields(node, "`tenant`"));
        let (mut domain, mut initial) = (None, None);
        let (mut domains, mut verified) = (Vec::new(), Vec::new());
        let (mut features, mut deletion_threshold) = (Vec::new(), None);
        let (mut cloud_managed_by_default, mut entra_id_p1) = (false, None);
        if let Some(mut fields) = fields {
            if let Some(entry) = fields.take("domains") {
                domains = self.texts(&entry.value);
            }
            if let Some(entry) = fields.take("verified") {
                verified = self.texts(&entry.value);
            }
            domain = fields.take("domain").and_then(|entry| self.sentence(&entry.value));
            initial = fields.take("initial").and_then(|entry| self.sentence(&entry.value));
            if let Some(entry) = fields.take("features") {
                features = self.features(&entry.value);
            }
            if let Some(entry) = fields.take("deletion_threshold") {
                let number = self.integer(&entry.value, 0, i64::from(u32::MAX));
                deletion_threshold = number.and_then(|number| u32::try_from(number).ok());
            }
            let entry = fields.take("entra_id_p1");
            entra_id_p1 = entry.and_then(|entry| self.boolean(&entry.value));
            let entry = fields.take("cloud_managed_by_default");
            cloud_managed_by_default =
                entry.and_then(|entry| self.boolean(&entry.value)).unwrap_or_default();
            self.finish(&fields, "`tenant`");
        }
        let domain = domain.unwrap_or_else(|| Spanned::implied("contoso.com".to_owned()));
        let initial = initial.unwrap_or_else(|| {
            let label = domain.value.split('.').next().unwrap_or_default();
            Spanned::implied(format!("{label}.onmicrosoft.com"))
        });
        let all: Vec<_> = domains.iter().chain(&verified).cloned().collect();
        self.report_duplicates(&all, "domain");
        let tenant = Tenant {
            domain,
            initial,
            domains,
            verified,
            features,
            deletion_threshold,
            cloud_managed_by_default,
            entra_id_p1,
        };
        self.check_tenant_names(&tenant);
        tenant
    }

    /// `features:` of the tenant, by the names of `directory/onPremisesSynchronization`.
    fn features(&mut self, node: &Node) -> Vec<(Spanned<String>, bool)> {
        let Some(fields) = self.fields(node, "`features`") else { return Vec::new() };
        let mut features = Vec::new();
        for entry in fields.others() {
            let name = self.known(&entry.key, FEATURES.into_iter(), "unknown-feature", "feature");
            let on = self.boolean(&entry.value);
            features.extend(name.zip(on));
        }
        features
    }

    fn connect(&mut self, node: Option<&Node>, inbound: Inbound, homes: &[&Forest]) -> Connect {
        let fields = node.and_then(|node| self.fields(node, "`connect`"));
        let (mut build, mut cycle, mut staging) = (None, None, None);
        let (mut units, mut scheduler, mut dc) = (Vec::new(), None, None);
        if let Some(mut fields) = fields {
            if inbound == Inbound::CloudSync {
                self.check_cloud_sync(&mut fields);
            }
            build = fields.take("build").and_then(|entry| self.version(&entry.value));
            cycle = fields.take("cycle").and_then(|entry| self.duration(&entry.value));
            dc = fields.take("dc").and_then(|entry| self.dc_in(&entry.value, homes));
            staging = fields.take("staging").and_then(|entry| self.version(&entry.value));
            scheduler = fields.take("scheduler").and_then(|entry| self.boolean(&entry.value));
            if let Some(entry) = fields.take("ous") {
                units = self.texts(&entry.value);
            }
            self.finish(&fields, "`connect`");
        }
        Connect {
            build: build.unwrap_or_else(|| Spanned::implied("2.5.190.0".to_owned())),
            cycle: cycle.unwrap_or(match inbound {
                Inbound::ConnectSync => 30 * MINUTE,
                Inbound::CloudSync => 20 * MINUTE,
            }),
            staging,
            units,
            scheduler: scheduler.unwrap_or(true),
            dc,
        }
    }

    /// Cloud Sync has agents where Connect Sync has a server.
    fn check_cloud_sync(&mut self, fields: &mut Fields<'_>) {
        for key in ["build", "staging", "dc"] {
            let Some(entry) = fields.take(key) else { continue };
            let message = format!("`{key}` is of Connect Sync, and Cloud Sync synchronizes here");
            self.report(
                Diagnostic::error("impossible-world", entry.key.span, message)
                    .help("its versions and domain controllers are those of the `agents`"),
            );
        }
    }

    fn agents(
        &mut self,
        node: Option<&Node>,
        homes: &[&Forest],
        writeback: &Writeback,
    ) -> Vec<Agent> {
        // Whoever says nothing has the agent where the job is.
        let first_dc = || {
            let of_the_job = controllers_of_the_job(homes, writeback).next();
            let dc = of_the_job.unwrap_or(&homes[0].dcs[0]);
            vec![Spanned::implied(dc.name.value.clone())]
        };
        let version = || Spanned::implied("1.1.2334.0".to_owned());
        let Some(node) = node else {
            let name = Spanned::implied("agent1".to_owned());
            return vec![Agent { name, version: version(), dcs: first_dc() }];
        };
        let mut agents = Vec::new();
        for node in self.items(node, "`agents`") {
            if super::is_scalar(node) {
                let name = self.sentence(node);
                agents.extend(name.map(|name| Agent { name, version: version(), dcs: first_dc() }));
                continue;
            }
            let Some(mut fields) = self.fields(node, "an agent") else { continue };
            let name = self.required(&mut fields, "name");
            let own = fields.take("version").and_then(|entry| self.version(&entry.value));
            let dcs = fields.take("dc").map(|entry| self.dcs_in(&entry.value, homes));
            let dcs = dcs.filter(|dcs| !dcs.is_empty());
            self.finish(&fields, "an agent");
            if let Some(name) = name.and_then(|entry| self.sentence(&entry.value)) {
                let version = own.unwrap_or_else(version);
                agents.push(Agent { name, version, dcs: dcs.unwrap_or_else(first_dc) });
            }
        }
        let names: Vec<_> = agents.iter().map(|agent| agent.name.clone()).collect();
        self.report_duplicates(&names, "agent");
        agents
    }

    /// An agent works in the domain of its domain controllers (Microsoft Learn, "Prerequisites for Microsoft Entra Cloud
    /// Sync"): one at least is to be in that of the job.
    fn check_agents(
        &mut self,
        agents: &[Agent],
        entry: &Entry,
        homes: &[&Forest],
        writeback: &Writeback,
    ) {
        let of_the_job: Vec<&str> =
            controllers_of_the_job(homes, writeback).map(|dc| dc.name.value.as_str()).collect();
        let serves = |agent: &Agent| agent.dcs.iter().any(|dc| of_the_job.contains(&&*dc.value));
        if agents.is_empty() || !writeback.exists || agents.iter().any(serves) {
            return;
        }
        let message = "no agent talks to a domain controller of the job's domain";
        self.report(
            Diagnostic::error("impossible-world", entry.key.span, message)
                .label(format!("expected `dc:` {} of one of them", choice(&of_the_job)))
                .help("`agents: []` is a world without any"),
        );
    }

    /// Reports every name that came before, compared without case.
    pub(super) fn report_duplicates(&mut self, names: &[Spanned<String>], what: &str) {
        for (index, name) in names.iter().enumerate() {
            if names[..index].iter().any(|other| other.value.eq_ignore_ascii_case(&name.value)) {
                let message = format!("there are two {what}s called `{}`", name.value);
                self.report(
                    Diagnostic::error("duplicate-name", name.span, message).label("the second one"),
                );
            }
        }
    }
}

/// The domain controllers of the domain that the job is for.
fn controllers_of_the_job<'f>(
    homes: &'f [&Forest],
    writeback: &'f Writeback,
) -> impl Iterator<Item = &'f Dc> {
    let root = homes.first().and_then(|forest| forest.domains.first());
    let wanted = writeback.domain.as_ref().or(root).map_or("", |domain| domain.value.as_str());
    homes.iter().flat_map(move |forest| {
        forest.dcs.iter().filter(move |dc| {
            let own = dc.domain.as_ref().or_else(|| forest.domains.first());
            own.is_some_and(|own| own.value.eq_ignore_ascii_case(wanted))
        })
    })
}
