//! What each kind of step does.

use std::time::Duration;

use super::super::diagnostic::Diagnostic;
use super::super::expectation::Expectations;
use super::super::model::{
    Action, Authority, ConnectAction, Cycle, Edits, JobAction, Repeat, RestartScope, Selector,
    Share, Stated, Transfer,
};
use super::super::nearest::choice;
use super::super::span::Spanned;
use super::super::world::World;
use super::super::yaml::{Entry, Node, Value};
use super::Reader;
use super::story::Keys;
use super::words::{AUTHORITIES, CONNECT_WORDS, CYCLES, POLICIES, SCOPES};

/// What can be done again and again.
pub(super) const REPEATED: [&str; 5] = ["exo", "onprem", "ad", "graph", "ldif"];

/// How long `until` waits when it does not say.
const UNTIL: Duration = Duration::from_secs(24 * 3_600);

impl Reader<'_> {
    pub(super) fn action(&mut self, keys: &Keys<'_>, world: &World) -> Option<Action> {
        let node = &keys.action.value;
        let lenient = keys.must_fail;
        let catalogues = self.catalogues;
        Some(match keys.action.key.value.as_str() {
            "exo" => Action::Exo(self.command(node, &catalogues.exo, lenient)?),
            "onprem" => Action::OnPrem(self.local_command(node, &catalogues.onprem, lenient)?),
            "ad" => Action::Ad(self.local_command(node, &catalogues.ad, lenient)?),
            "graph" => Action::Graph(self.graph(node, lenient)?),
            "ldif" => self.ldif_action(node, world, lenient)?,
            "transfer" => Action::Transfer(self.transfer(node, lenient)?),
            "decommission" => Action::Decommission(self.decommission(node)?),
            "edits" => Action::Edits(self.edits(node)?),
            "repeat" => Action::Repeat(Box::new(self.repeat(keys, world)?)),
            "fault" => Action::Fault(self.fault(node, world)?),
            "wait" => Action::Wait(self.any_duration(node)?),
            "cycle" => Action::Cycle(self.cycle(node)?),
            "job" => Action::Job(self.job(node, lenient)?),
            "connect" => Action::Connect(self.connect_action(node)?),
            "expect" => Action::Expect(self.expectations(node, world)),
            "within" => self.within(keys, world)?,
            "always" => {
                let (window, expect) = self.watched(keys, world)?;
                Action::Always { window, expect }
            }
            "never" => {
                let (window, expect) = self.watched(keys, world)?;
                Action::Never { window, expect }
            }
            _ => {
                let (limit, expect) = self.watched(keys, world)?;
                Action::Until { limit: limit.unwrap_or(UNTIL), expect }
            }
        })
    }

    fn within(&mut self, keys: &Keys<'_>, world: &World) -> Option<Action> {
        if matches!(keys.action.value.value, Value::Mapping(_)) {
            self.wrong_type(
                &keys.action.value,
                "a length of time such as `3h`, and `expect:` beside it",
            );
            return None;
        }
        let window = self.duration(&keys.action.value);
        let Some(expect) = keys.expect else {
            self.report(
                Diagnostic::error("missing-key", keys.action.key.span, "what should come to hold?")
                    .label("expected `expect:` beside it"),
            );
            return None;
        };
        let expect = self.expectations(&expect.value, world);
        Some(Action::Within { window: window?, expect })
    }

    /// `always`, `never` and `until`: a length of time with `expect` beside it, or the expectation
    /// itself, or a mapping with `expect`.
    fn watched(
        &mut self,
        keys: &Keys<'_>,
        world: &World,
    ) -> Option<(Option<Duration>, Expectations)> {
        let entry = keys.action;
        let inner = match &entry.value.value {
            Value::Mapping(entries) => match entries.as_slice() {
                [only] if only.key.value == "expect" => Some(&only.value),
                _ => Some(&entry.value),
            },
            Value::Scalar(_) | Value::Sequence(_) => None,
        };
        match (inner, keys.expect) {
            (Some(_), Some(expect)) => {
                self.report(
                    Diagnostic::error(
                        "too-many",
                        expect.key.span,
                        "the expectation stands here twice",
                    )
                    .help(format!("write it under `{}:` or under `expect:`", entry.key.value)),
                );
                None
            }
            (Some(node), None) => Some((None, self.expectations(node, world))),
            (None, Some(expect)) => {
                let window = match entry.value.is_null() {
                    true => None,
                    false => Some(self.duration(&entry.value)?),
                };
                Some((window, self.expectations(&expect.value, world)))
            }
            (None, None) => {
                let name = &entry.key.value;
                self.report(
                    Diagnostic::error("missing-key", entry.key.span, format!("`{name}` what?"))
                        .label("expected `expect:` beside it, or the expectation itself"),
                );
                None
            }
        }
    }

    fn transfer(&mut self, node: &Node, lenient: bool) -> Option<Transfer> {
        if !matches!(node.value, Value::Mapping(_)) {
            let mailboxes = self.rows(node, lenient)?;
            return Some(Transfer {
                mailboxes,
                wave: None,
                pause: Duration::ZERO,
                most_failures: None,
                accept: Vec::new(),
                to: Authority::default(),
            });
        }
        let mut fields = self.fields(node, "`transfer`")?;
        let mailboxes = self.required(&mut fields, "mailboxes");
        let wave = fields.take("wave").and_then(|e| self.integer(&e.value, 1, 10_000_000));
        let pause = fields.take("pause").and_then(|entry| self.any_duration(&entry.value));
        let most_failures =
            fields.take("most_failures").and_then(|e| self.integer(&e.value, 0, 10_000_000));
        let accept = fields.take("accept").map(|entry| self.texts(&entry.value));
        let accept = accept.unwrap_or_default().into_iter().filter_map(|finding| {
            let names = self.catalogues.findings.iter().map(String::as_str);
            self.known(&finding, names, "unknown-finding", "finding of the readiness check")
        });
        let accept = accept.map(|finding| finding.value).collect();
        let to = fields.take("to").and_then(|entry| self.word(&entry.value, &AUTHORITIES));
        self.finish(&fields, "`transfer`");
        Some(Transfer {
            mailboxes: self.rows(&mailboxes?.value, lenient)?,
            wave: wave.and_then(|wave| u32::try_from(wave).ok()),
            pause: pause.unwrap_or_default(),
            most_failures: most_failures.and_then(|most| u64::try_from(most).ok()),
            accept,
            to: to.unwrap_or_default(),
        })
    }

    fn edits(&mut self, node: &Node) -> Option<Edits> {
        let mut fields = self.fields(node, "`edits`")?;
        let mailboxes = fields.take("mailboxes").map(|entry| self.selector(&entry.value, false));
        let share_entry = fields.take("share");
        let share = share_entry.map(|entry| self.share(&entry.value));
        let every = fields.take("every").and_then(|entry| self.duration(&entry.value));
        let lasts = fields.take("for");
        if let Some(entry) = lasts.filter(|_| every.is_none()) {
            self.report(
                Diagnostic::error("missing-key", entry.key.span, "how often, for so long?")
                    .label("expected `every:` beside it"),
            );
        }
        let lasts = lasts.and_then(|entry| self.duration(&entry.value));
        self.finish(&fields, "`edits`");
        let mailboxes = match mailboxes {
            Some(selector) => selector?,
            None => Spanned::new(Selector::All, node.span),
        };
        let share = match share {
            Some(share) => share?,
            None => Share::ALL,
        };
        if let Some(entry) = share_entry.filter(|_| share == Share::NONE) {
            self.report(
                Diagnostic::error("out-of-range", entry.value.span, "this share edits nobody")
                    .label("expected more than `0%`"),
            );
        }
        Some(Edits { mailboxes, share, every, lasts })
    }

    /// `{every: 1h, for: 1d, ad: Set-ADUser ...}`.
    fn repeat(&mut self, keys: &Keys<'_>, world: &World) -> Option<Repeat> {
        let node = &keys.action.value;
        let mut fields = self.fields(node, "`repeat`")?;
        let every = self.required(&mut fields, "every");
        let lasts = fields.take("for").and_then(|entry| self.duration(&entry.value));
        let actions: Vec<&Entry> =
            REPEATED.iter().filter_map(|action| fields.take(action)).collect();
        self.finish(&fields, "`repeat`");
        let every = self.duration(&every?.value);
        let [action] = actions.as_slice() else {
            let message = match actions.len() {
                0 => "nothing is done again and again",
                _ => "a step does one thing again and again, and this does several",
            };
            self.report(
                Diagnostic::error("missing-key", node.span, message)
                    .label(format!("expected {} in here", choice(&REPEATED))),
            );
            return None;
        };
        let inner = Keys { action, expect: None, must_fail: keys.must_fail };
        self.is_repeated = true;
        let action = self.action(&inner, world);
        self.is_repeated = false;
        let action = action?;
        Some(Repeat { every: every?, lasts, action })
    }

    fn job(&mut self, node: &Node, lenient: bool) -> Option<JobAction> {
        const WORDS: [(&str, u8); 3] = [("pause", 0), ("start", 1), ("restart", 2)];
        let known = ["restart", "provision_on_demand"];
        let Value::Mapping(entries) = &node.value else {
            return Some(match self.word(node, &WORDS)? {
                0 => JobAction::Pause,
                1 => JobAction::Start,
                _ => JobAction::Restart { scopes: vec![RestartScope::Full] },
            });
        };
        let [entry] = entries.as_slice() else {
            self.wrong_type(node, "one of `restart:` and `provision_on_demand:`");
            return None;
        };
        match entry.key.value.as_str() {
            "restart" => self.restart(entry),
            "provision_on_demand" => {
                let user = self.text(&entry.value)?;
                let user = self.mailbox(&user, lenient)?;
                Some(JobAction::ProvisionOnDemand { user })
            }
            _ => {
                self.unknown_key(&entry.key, &known, "`job`");
                None
            }
        }
    }

    fn restart(&mut self, entry: &Entry) -> Option<JobAction> {
        let mut scopes = Vec::new();
        let nodes = match &entry.value.value {
            Value::Sequence(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(&entry.value),
        };
        for node in nodes {
            let scope = self.word(node, &SCOPES)?;
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        if scopes.is_empty() {
            self.wrong_type(&entry.value, "at least one scope, such as `[Watermark]`");
            return None;
        }
        Some(JobAction::Restart { scopes })
    }

    /// `{}`, or what people state.
    fn decommission(&mut self, node: &Node) -> Option<Stated> {
        let mut fields =
            self.fields(node, "`decommission` (`{}` when there is nothing to state)")?;
        let mut truths = [false; 4];
        let names = ["dns_on_premises", "smtp_relay", "groups_on_premises", "ad_readers"];
        for (truth, name) in truths.iter_mut().zip(names) {
            let entry = fields.take(name);
            *truth = entry.and_then(|entry| self.boolean(&entry.value)).unwrap_or_default();
        }
        let [dns_on_premises, smtp_relay, groups_on_premises, ad_readers] = truths;
        let stated = Stated { dns_on_premises, smtp_relay, groups_on_premises, ad_readers };
        self.finish(&fields, "`decommission`");
        Some(stated)
    }

    /// `connect`, `writeback`, or `{connect: initial}`.
    fn cycle(&mut self, node: &Node) -> Option<Cycle> {
        if super::is_scalar(node) {
            return self.word(node, &CYCLES);
        }
        let mut fields = self.fields(node, "`cycle`")?;
        let policy = self.required(&mut fields, "connect");
        self.finish(&fields, "`cycle`");
        self.word(&policy?.value, &POLICIES).map(Cycle::Connect)
    }

    fn connect_action(&mut self, node: &Node) -> Option<ConnectAction> {
        if super::is_scalar(node) {
            return self.word(node, &CONNECT_WORDS).map(|()| ConnectAction::SwitchToStaging);
        }
        let mut fields = self.fields(node, "`connect`")?;
        let upgrade = fields.take("upgrade");
        let server = fields.take("new_server");
        let scheduler = fields.take("scheduler");
        let edited = fields.take("edited_config").filter(|_| upgrade.is_some());
        let edited = edited.is_some_and(|entry| self.boolean(&entry.value).unwrap_or(false));
        self.finish(&fields, "`connect`");
        match (upgrade, server, scheduler) {
            (Some(entry), None, None) => {
                let build = self.version(&entry.value)?;
                Some(ConnectAction::Upgrade { build, edited_config: edited })
            }
            (None, Some(entry), None) => {
                Some(ConnectAction::NewServer { build: self.version(&entry.value)? })
            }
            (None, None, Some(entry)) => self.boolean(&entry.value).map(ConnectAction::Scheduler),
            _ => {
                self.wrong_type(
                    node,
                    "`switch_to_staging`, or one of `upgrade`, `new_server` and `scheduler`",
                );
                None
            }
        }
    }
}
