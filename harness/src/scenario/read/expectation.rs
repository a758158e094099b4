//! `expect:` and what stands under it.

use sim::exchange::property;

use super::super::diagnostic::Diagnostic;
use super::super::expectation::{
    AGENT_PROPERTIES, AgentExpectation, AttributeExpectation, AttributePath, CONNECT_COUNTS,
    COUNTS, Comparison, Expectations, JOB_PROPERTIES, LAGS, LogExpectation, MailboxExpectation,
    NamedExpectation, QUARANTINE_PROPERTIES, QUARANTINE_REASONS, Quantity, RUN_PROPERTIES, Side,
    of_run,
};
use super::super::model::Selector;
use super::super::nearest::{advice, choice, list, nearest};
use super::super::span::Spanned;
use super::super::world::World;
use super::super::yaml::{Entry, Node, Value};
use super::Reader;
use super::comparison::Measure;

/// `status.code` of a job.
const JOB_STATUS: [&str; 4] = ["NotRun", "Active", "Paused", "Quarantine"];
/// `status` of an agent (Microsoft Graph, `onPremisesAgent`).
const AGENT_STATUS: [&str; 2] = ["active", "inactive"];
/// `provisioningStatusInfo.status`.
const LOG_STATUS: [&str; 3] = ["Success", "Failure", "Skipped"];
/// A question to the log.
const LOG_FORM: &str = "a mapping such as `{count: {code: ..., at_least: 1}}`";
/// What stands beside mailboxes in an expectation.
const SECTIONS: [&str; 7] = ["job", "quarantine", "log", "counts", "lag", "agents", "connect"];

impl<'a> Reader<'a> {
    pub(super) fn expectations(&mut self, node: &Node, world: &World) -> Expectations {
        let mut found = Expectations { span: node.span, ..Expectations::default() };
        let entries: &[Entry] = match &node.value {
            Value::Mapping(entries) => entries,
            Value::Scalar(_) | Value::Sequence(_) => &[],
        };
        if entries.is_empty() {
            self.wrong_type(node, "a mapping such as `{u7: {ad.mail: u7@contoso.com}}`");
        }
        for entry in entries {
            let node = &entry.value;
            self.check_has_job(&entry.key, world);
            match entry.key.value.as_str() {
                "job" => {
                    found.job = self.named(node, "`job`", &JOB_PROPERTIES, |name| match name {
                        "status" | "error" => Measure::Presence,
                        "duration" => Measure::Duration,
                        _ => Measure::Number,
                    });
                    self.check_words(&mut found.job, "status", &JOB_STATUS);
                }
                "quarantine" => {
                    let what = "`quarantine`";
                    found.quarantine =
                        self.named(node, what, &QUARANTINE_PROPERTIES, |name| match name {
                            "reason" => Measure::Presence,
                            _ => Measure::Instant,
                        });
                    self.check_words(&mut found.quarantine, "reason", &QUARANTINE_REASONS);
                }
                "counts" => {
                    found.counts = self.named(node, "`counts`", &COUNTS, |_| Measure::Number);
                }
                "connect" => {
                    found.connect = self.connect_expectations(node);
                }
                "lag" => found.lag = self.named(node, "`lag`", &LAGS, |_| Measure::Duration),
                "log" => found.log = self.log(node),
                "agents" => found.agents = self.agent_expectations(node, world),
                _ => found.mailboxes.extend(self.mailbox_expectation(entry, world)),
            }
        }
        found
    }

    /// Counts over all runs, under `last` what is demanded of the last one, and under `runs` of the last ones,
    /// the newest first.
    fn connect_expectations(&mut self, node: &Node) -> Vec<NamedExpectation> {
        let mut found = Vec::new();
        let Value::Mapping(entries) = &node.value else {
            self.wrong_type(node, &format!("a mapping with {}", list(&CONNECT_COUNTS)));
            return found;
        };
        for entry in entries {
            if entry.key.value == "runs" {
                for (before, node) in self.items(&entry.value, "`runs`").iter().enumerate() {
                    found.extend(self.of_one_run(node, before));
                }
            } else if entry.key.value == "last" {
                found.extend(self.of_one_run(&entry.value, 0));
            } else {
                let known: Vec<&str> = ["last", "runs"].into_iter().chain(CONNECT_COUNTS).collect();
                if CONNECT_COUNTS.contains(&entry.key.value.as_str()) {
                    found.extend(self.one_named(entry, Measure::Number));
                } else {
                    self.unknown_key(&entry.key, &known, "`connect`");
                }
            }
        }
        found
    }

    /// What is demanded of a run of synchronization, after which `before` others ended.
    fn of_one_run(&mut self, node: &Node, before: usize) -> Vec<NamedExpectation> {
        let what = if before == 0 { "`last`" } else { "an entry of `runs`" };
        let mut own = self.named(node, what, &RUN_PROPERTIES, |name| match name {
            "policy" => Measure::Word,
            "failure" | "unreached" => Measure::Presence,
            "duration" => Measure::Duration,
            _ => Measure::Number,
        });
        self.check_words(&mut own, "policy", &["Delta", "Initial"]);
        for demand in &mut own {
            demand.name.value = of_run(before, &demand.name.value);
        }
        own
    }

    /// Properties with names out of a list.
    fn named(
        &mut self,
        node: &Node,
        what: &str,
        names: &[&'static str],
        measure: impl Fn(&str) -> Measure,
    ) -> Vec<NamedExpectation> {
        let mut found = Vec::new();
        let Value::Mapping(entries) = &node.value else {
            self.wrong_type(node, &format!("a mapping with {}", list(names)));
            return found;
        };
        for entry in entries {
            if !names.contains(&entry.key.value.as_str()) {
                self.unknown_key(&entry.key, names, what);
                continue;
            }
            found.extend(self.one_named(entry, measure(&entry.key.value)));
        }
        found
    }

    /// What is demanded of one thing with a name.
    fn one_named(&mut self, entry: &Entry, measure: Measure) -> Vec<NamedExpectation> {
        let comparisons = self.comparisons(&entry.value, measure).into_iter();
        comparisons
            .map(|comparison| NamedExpectation { name: entry.key.clone(), comparison })
            .collect()
    }

    /// Gives a word that is compared for equality its documented spelling.
    fn check_words(
        &mut self,
        expectations: &mut [NamedExpectation],
        name: &'static str,
        words: &[&str],
    ) {
        for expectation in expectations.iter_mut().filter(|e| e.name.value == name) {
            let span = expectation.comparison.span;
            if let Comparison::Equals(values) = &mut expectation.comparison.value {
                for value in values {
                    self.check_word(value, span, name, words);
                }
            }
        }
    }

    fn check_word(&mut self, value: &mut String, span: super::Span, what: &str, words: &[&str]) {
        match words.iter().find(|word| word.eq_ignore_ascii_case(value)) {
            Some(word) => *value = (*word).to_owned(),
            None => {
                let message = format!("there is no {what} `{value}`");
                let problem = Diagnostic::error("unknown-word", span, message)
                    .label(format!("expected {}", choice(words)));
                self.report(match nearest(value, words.iter().copied()) {
                    Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                    None => problem,
                });
            }
        }
    }

    fn agent_expectations(&mut self, node: &Node, world: &World) -> Vec<AgentExpectation> {
        let mut found = Vec::new();
        let Some(fields) = self.fields(node, "`agents`") else { return found };
        for entry in fields.others() {
            let names = world.agents.iter().map(|agent| agent.name.value.as_str());
            let agent = self.known(&entry.key, names, "unknown-agent", "agent");
            let mut properties =
                self.named(&entry.value, "an agent", &AGENT_PROPERTIES, |_| Measure::Word);
            self.check_words(&mut properties, "status", &AGENT_STATUS);
            let Some(agent) = agent else { continue };
            found.extend(
                properties
                    .into_iter()
                    .map(|property| AgentExpectation { agent: agent.clone(), property }),
            );
        }
        found
    }

    fn mailbox_expectation(&mut self, entry: &Entry, world: &World) -> Option<MailboxExpectation> {
        let key = &entry.key;
        let mailboxes = if key.value.contains(',') {
            self.several(key)
        } else if self.cast.resolve(&key.value).is_none()
            && key.value != "all"
            && !key.value.starts_with("shape:")
        {
            if self.lacks_people() {
                return None;
            }
            let message = format!("there is no user `{}` in this world", key.value);
            let problem =
                Diagnostic::error("unknown-user", key.span, message).label("unknown user");
            let users = self.cast.suggestions(&key.value);
            let names = users.iter().map(String::as_str).chain(SECTIONS);
            self.report(match advice(&key.value, names) {
                Some(help) => problem.help(help),
                None => problem,
            });
            None
        } else {
            self.selector_text(key, false)
        };
        let Value::Mapping(entries) = &entry.value.value else {
            self.wrong_type(&entry.value, "a mapping such as `{ad.mail: u7@contoso.com}`");
            return None;
        };
        if entries.is_empty() {
            self.wrong_type(&entry.value, "at least one attribute");
        }
        let mut attributes = Vec::new();
        for entry in entries {
            let path = self.path(&entry.key, world);
            let comparisons = self.comparisons(&entry.value, Measure::Values);
            let Some(path) = path else { continue };
            if let Some(mailboxes) = &mailboxes {
                self.check_place(&path, &mailboxes.value, world);
                self.check_of_a_group(&path, &mailboxes.value);
            }
            for comparison in &comparisons {
                self.check_address_types(&path.value, comparison);
                self.check_possible(&path.value, comparison);
            }
            attributes.extend(
                comparisons
                    .into_iter()
                    .map(|comparison| AttributeExpectation { path: path.clone(), comparison }),
            );
        }
        Some(MailboxExpectation { mailboxes: mailboxes?, attributes })
    }

    /// `u7, u8`: several mailboxes, of which each must be so.
    fn several(&mut self, key: &Spanned<String>) -> Option<Spanned<Selector>> {
        let mut names: Vec<Spanned<String>> = Vec::new();
        for part in key.value.split(',') {
            let name = self.mailbox(&Spanned::new(part.trim().to_owned(), key.span), false)?;
            if names.iter().any(|other| other.value == name.value) {
                let message = format!("`{}` is in this list twice", name.value);
                self.report(Diagnostic::error("duplicate-name", key.span, message));
                return None;
            }
            names.push(name);
        }
        Some(Spanned::new(Selector::Names(names), key.span))
    }

    /// `ad.proxyAddresses`, or `ad@DC2.proxyAddresses` as that domain controller has it.
    fn path(&mut self, key: &Spanned<String>, world: &World) -> Option<Spanned<AttributePath>> {
        let sides = Side::ALL.map(|(_, name)| name);
        let named = key.value.split_once('.').filter(|(side, _)| !side.is_empty());
        let Some((side, attribute)) = named else {
            let message = format!("on which side is `{}`?", key.value);
            let problem = Diagnostic::error("missing-side", key.span, message)
                .label("expected `ad.`, `exo.` or `entra.` before the attribute");
            let paths: Vec<String> =
                self.sides_with(&key.value).iter().map(ToString::to_string).collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            self.report(match paths.is_empty() {
                true => problem,
                false => problem.help(format!("there is {}", list(&paths))),
            });
            return None;
        };
        let side_span = super::Span::new(key.span.start, key.span.start + side.len());
        let (side, dc) = match side.split_once('@') {
            Some((side, dc)) if side == "ad" => {
                let dc = Spanned::new(dc.to_owned(), side_span);
                let dc = self.known(&dc, world.dc_names(), "unknown-dc", "domain controller")?;
                (side, Some(dc.value))
            }
            _ => (side, None),
        };
        let Some((found, _)) = Side::ALL.iter().find(|(_, name)| *name == side) else {
            let message = format!("there is no side `{side}`");
            let problem =
                Diagnostic::error("unknown-side", side_span, message).label("unknown side");
            let help = advice(side, sides).unwrap_or_default();
            self.report(problem.help(help));
            return None;
        };
        let what = match found {
            Side::Ad => "AD attribute",
            Side::Exo => "Exchange Online property",
            Side::Entra => "property of a user in Entra",
        };
        if attribute.is_empty() {
            let message = format!("which {what}?");
            let problem = Diagnostic::error("unknown-attribute", key.span, message);
            self.report(problem.label("expected its name after the point"));
            return None;
        }
        let name =
            Spanned::new(attribute.to_owned(), super::Span::new(side_span.end + 1, key.span.end));
        if let Some(same) = counterpart(*found, attribute) {
            let message = format!("there is no {what} `{attribute}`");
            self.report(
                Diagnostic::error("unknown-attribute", name.span, message)
                    .label("not on this side")
                    .help(format!("here it is called `{side}.{same}`")),
            );
            return None;
        }
        let elsewhere = self.sides_with(attribute);
        if !elsewhere.is_empty() && !elsewhere.iter().any(|path| path.side == *found) {
            let message = format!("there is no {what} `{attribute}`");
            let paths: Vec<String> = elsewhere.iter().map(ToString::to_string).collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            self.report(
                Diagnostic::error("unknown-attribute", name.span, message)
                    .label("not on this side")
                    .help(format!("there is {}", list(&paths))),
            );
            return None;
        }
        let names = self.names_on(*found).iter().map(String::as_str);
        let name = self.known(&name, names, "unknown-attribute", what)?;
        Some(Spanned::new(AttributePath { side: *found, attribute: name.value, dc }, key.span))
    }

    fn names_on(&self, side: Side) -> &'a [String] {
        match side {
            Side::Ad => &self.catalogues.ad_attributes,
            Side::Exo => &self.catalogues.exo_properties,
            Side::Entra => &self.catalogues.entra_properties,
        }
    }

    /// Where there is something with exactly this name.
    fn sides_with(&self, attribute: &str) -> Vec<AttributePath> {
        Side::ALL
            .iter()
            .filter_map(|(side, _)| {
                let names = self.names_on(*side);
                let name = names.iter().find(|name| name.eq_ignore_ascii_case(attribute))?;
                Some(AttributePath { side: *side, attribute: name.clone(), dc: None })
            })
            .collect()
    }

    /// `log:`, one question or a list of them.
    fn log(&mut self, node: &Node) -> Vec<LogExpectation> {
        if let Value::Sequence(nodes) = &node.value {
            let questions = nodes.iter().map(|node| match node.value {
                Value::Sequence(_) => {
                    self.wrong_type(node, LOG_FORM);
                    Vec::new()
                }
                _ => self.log(node),
            });
            return questions.collect::<Vec<_>>().concat();
        }
        let Value::Mapping(entries) = &node.value else {
            self.wrong_type(node, LOG_FORM);
            return Vec::new();
        };
        let mut found = Vec::new();
        for entry in entries {
            let implied = match entry.key.value.as_str() {
                "count" => None,
                "contains" => Some(Comparison::AtLeast(Quantity::Number(1))),
                "absent" => Some(Comparison::Equals(vec!["0".to_owned()])),
                _ => {
                    self.unknown_key(&entry.key, &["count", "contains", "absent"], "`log`");
                    continue;
                }
            };
            let span = entry.key.span;
            let implied = implied.map(|comparison| Spanned::new(comparison, span));
            match &entry.value.value {
                Value::Sequence(nodes) => found
                    .extend(nodes.iter().filter_map(|node| self.log_entry(node, implied.as_ref()))),
                Value::Scalar(_) if implied.is_none() => {
                    found.extend(self.log_length(&entry.value));
                }
                _ => found.extend(self.log_entry(&entry.value, implied.as_ref())),
            }
        }
        found
    }

    /// `count: 3`: so many entries in all.
    fn log_length(&mut self, node: &Node) -> Option<LogExpectation> {
        let count = self.comparisons(node, Measure::Number);
        let span = node.span;
        (!count.is_empty()).then(|| LogExpectation {
            code: None,
            mailbox: None,
            status: None,
            count,
            span,
        })
    }

    fn log_entry(
        &mut self,
        node: &Node,
        implied: Option<&Spanned<Comparison>>,
    ) -> Option<LogExpectation> {
        const FILTERS: [&str; 3] = ["code", "mailbox", "status"];
        let what = "a question to the log";
        let mut fields = self.fields(node, what)?;
        let code = fields.take("code").and_then(|entry| self.sentence(&entry.value));
        let code = code.and_then(|code| self.log_code(code));
        let mailbox = fields.take("mailbox").and_then(|entry| self.text(&entry.value));
        let mailbox = mailbox.and_then(|mailbox| self.mailbox(&mailbox, false));
        let mut status = fields.take("status").and_then(|entry| self.text(&entry.value));
        if let Some(status) = &mut status {
            self.check_word(&mut status.value, status.span, "status", &LOG_STATUS);
        }
        let mut count: Vec<_> = implied.cloned().into_iter().collect();
        for entry in fields.others() {
            let bounds = ["equals", "below", "above", "at_least", "at_most"];
            if implied.is_none() && bounds.contains(&entry.key.value.as_str()) {
                count.extend(self.comparison(entry, Measure::Number));
            } else {
                let known: Vec<&str> = match implied {
                    Some(_) => FILTERS.to_vec(),
                    None => FILTERS.into_iter().chain(bounds).collect(),
                };
                self.unknown_key(&entry.key, &known, what);
            }
        }
        self.check_bounds(&count, Measure::Number);
        if fields.others().is_empty() && implied.is_none() {
            self.report(
                Diagnostic::error("missing-key", node.span, "how many entries?")
                    .label("expected a comparison such as `at_least: 1` in here"),
            );
        }
        Some(LogExpectation { code, mailbox, status, count, span: node.span })
    }

    fn log_code(&mut self, code: Spanned<String>) -> Option<Spanned<String>> {
        let catalogues = self.catalogues;
        if catalogues.log_codes.is_empty() {
            return Some(code);
        }
        let names = catalogues.log_codes.iter().map(String::as_str);
        self.known(&code, names, "unknown-code", "code in the provisioning log")
    }
}

/// What another side calls an attribute of AD, or AD a property of Exchange Online; nothing for a name that the
/// side has itself.
fn counterpart(side: Side, name: &str) -> Option<&'static str> {
    let is = |known: &str| known.eq_ignore_ascii_case(name);
    let mut pairs = property::PROPERTIES.iter().filter_map(|spec| Some((spec.name, spec.ad?)));
    match side {
        Side::Exo if property::number(name).is_none() => {
            pairs.find(|(_, ad)| is(ad)).map(|(own, _)| own)
        }
        Side::Ad => pairs.find(|(exo, ad)| is(exo) && !is(ad)).map(|(_, ad)| ad),
        Side::Exo | Side::Entra => None,
    }
}
