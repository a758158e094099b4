//! The story, step by step.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::ports::MailboxId;
use engine::transfer::{
    Evidence, MailboxOutcome, RollbackConfig, Sides, TransferConfig, TransferReport, loss,
};
use sim::caller::Role;
use sim::clock::VirtualTime;
use sim::connect::Policy;
use sim::entra::job::{JobRequest, ResetScope};
use sim::estate::Estate;

use super::attempt::is_attempt;
use super::faults;
use super::process::TransferOrder;
use super::repeat::Again;
use super::runner::{Runner, Watch};
use crate::bridge::translate::{guid_to_engine, guid_to_sim, to_engine};
use crate::judge::verdict::{Finding, Location, Rule};
use crate::scenario::{
    Action, At, Authority, ConnectAction, Cycle, CyclePolicy, Edits, Expectations, JobAction,
    RestartScope, Scenario, Selector, Span, Spanned, Step, Transfer,
};

/// Longer than any activity of a story may take: past it the step has failed.
pub(super) const LONGEST: Duration = Duration::from_hours(60 * 24);

impl Runner<'_> {
    /// Plays the whole story.
    pub(super) fn tell(&mut self, scenario: &Scenario) {
        for step in &scenario.story {
            if self.broken.is_some() {
                return;
            }
            if let Some(at) = &step.at {
                self.come_to(at, scenario.world.start);
            }
            self.note_attempts(step);
            self.step(scenario, step);
            self.observe();
        }
        self.play_to_declared_ends();
    }

    /// Edits and watches with a length of their own are played to their end, although no step follows.
    fn play_to_declared_ends(&mut self) {
        let edits = self.repeated.iter().filter_map(|repeated| repeated.until);
        let watches = self.watches.iter().filter_map(|watch| watch.until);
        if let Some(end) = edits.chain(watches).max() {
            self.play(end, |_| false);
        }
    }

    fn step(&mut self, scenario: &Scenario, step: &Step) {
        let role = step.role.as_ref().and_then(|role| Role::by_name(&role.value));
        let role = role.unwrap_or(Role::GlobalAdministrator);
        match &step.action {
            Action::Exo(_)
            | Action::OnPrem(_)
            | Action::Ad(_)
            | Action::Ldif(..)
            | Action::Graph(_) => self.person_acts(step, &step.action, role),
            Action::Repeat(repeat) => self.repeat(repeat, step, role),
            Action::Transfer(transfer) => self.transfer(scenario, step, transfer, role),
            Action::Decommission(stated) => self.decommission(scenario, step, *stated, role),
            Action::Edits(edits) => self.edits(edits),
            Action::Fault(fault) => {
                let now = self.now();
                let rule = faults::rule(&fault.value, now, &mut self.faults);
                self.estate.with(|estate| estate.faults.install(rule));
            }
            Action::Wait(length) => self.wait(*length),
            Action::Cycle(cycle) => self.cycle(*cycle, step.span),
            Action::Job(action) if role.may_run_jobs() => self.job(action, step.span),
            Action::Job(_) => {
                let message = format!("the role {} may not operate jobs", role.name());
                let refused = Refused::Named(vec!["Authorization_RequestDenied".to_owned()]);
                self.settle(step, step.span, Err((message, refused)));
            }
            Action::Connect(action) => self.connect_action(action, step.span),
            Action::Expect(expect) => {
                let failures = self.failures(expect);
                self.findings.extend(failures);
            }
            Action::Within { window, expect } => {
                self.wait(*window);
                let failures = self.failures(expect);
                self.findings.extend(failures);
            }
            Action::Always { window, expect } => self.watch(expect, *window, false),
            Action::Never { window, expect } => self.watch(expect, *window, true),
            Action::Until { limit, expect } => {
                let horizon = self.now() + *limit;
                if !self.play(horizon, |runner| runner.failures(expect).is_empty()) {
                    let failures = self.failures(expect);
                    self.findings.extend(failures);
                }
            }
        }
    }

    /// Whether a step ended as the file says it must.
    pub(super) fn settle(
        &mut self,
        step: &Step,
        span: Span,
        outcome: Result<(), (String, Refused)>,
    ) {
        match (&step.expect_error, outcome) {
            (None, Ok(())) => {}
            (None, Err((message, _))) => {
                self.fail(span, format!("the step was refused: {message}"));
            }
            (Some(expected), Ok(())) => self.fail(
                expected.span,
                format!("the step was accepted, and had to fail with {}", expected.value),
            ),
            (Some(expected), Err((message, refused))) => {
                if !expected.value.eq_ignore_ascii_case("any")
                    && !refused.is_called(&expected.value)
                {
                    self.fail(
                        expected.span,
                        format!(
                            "the step had to fail with {}, and failed with {}: {message}",
                            expected.value,
                            refused.word()
                        ),
                    );
                }
            }
        }
    }

    fn transfer(&mut self, scenario: &Scenario, step: &Step, transfer: &Transfer, role: Role) {
        let ids = self.mailbox_ids(&transfer.mailboxes.value);
        let asked = ids.clone();
        let now = self.now();
        let id = format!("{}-{}", scenario.title.value, now.as_micros());
        let order = match transfer.to {
            Authority::Cloud => {
                let mut config = TransferConfig::new(id, ids);
                config.wave = transfer.wave.map_or(config.mailboxes.len().max(1), |w| w as usize);
                config.pause = transfer.pause;
                config.evidence = self.evidence(&transfer.mailboxes.value);
                config.sync_cycle = scenario.world.connect.cycle;
                config.most_failures = transfer.most_failures;
                config.sides = Sides::Cloud;
                config.accepted = transfer.accept.iter().cloned().collect();
                TransferOrder::ToCloud(Box::new(config))
            }
            Authority::OnPremises => {
                let wave = transfer.wave.map_or(ids.len().max(1), |w| w as usize);
                TransferOrder::ToOnPremises(RollbackConfig {
                    apply: true,
                    accept_losses: true,
                    wave,
                    pause: transfer.pause,
                    most_failures: transfer.most_failures,
                    ..RollbackConfig::new(id, ids)
                })
            }
        };
        self.phase = "transfer";
        if let Err(problem) = self.engine.order(order, role) {
            self.broken = Some(problem);
            return;
        }
        let mut report = None;
        let ended = self.play(now + LONGEST, |runner| {
            report = runner.engine.take_report();
            report.is_some()
        });
        self.phase = "story";
        match report {
            Some(report) => {
                self.note_claims(&asked, &report, transfer.to == Authority::Cloud);
                self.report_transfer(&report, step, transfer.mailboxes.span);
            }
            None if ended => {}
            None => self.fail(transfer.mailboxes.span, "the transfer did not end".to_owned()),
        }
    }

    /// What the transfer says of each flag, for the judge to hold against what it read. Of mailboxes
    /// that it did not get to it says nothing.
    fn note_claims(&mut self, asked: &[MailboxId], report: &TransferReport, wanted: bool) {
        let exceptions: BTreeMap<MailboxId, MailboxOutcome> =
            report.exceptions.iter().map(|e| (e.mailbox, e.outcome)).collect();
        let all_decided = report.stopped.is_none();
        self.estate.with(|estate| {
            for mailbox in asked {
                let flag = match exceptions.get(mailbox) {
                    None if all_decided => wanted,
                    Some(outcome) if outcome.is_good() => wanted,
                    Some(MailboxOutcome::Refused | MailboxOutcome::NoOp) => !wanted,
                    None | Some(_) => continue,
                };
                estate.take_claim(guid_to_sim(mailbox.0), flag);
            }
        });
    }

    /// What a transfer reports becomes notes; mailboxes that were not flipped make it a failed step.
    fn report_transfer(&mut self, report: &TransferReport, step: &Step, span: Span) {
        for finding in report.findings.iter().take(10) {
            self.notes.push(format!("readiness {}: {}", finding.id, finding.reason));
        }
        for (attribute, count) in loss::by_attribute(&report.losses) {
            self.notes.push(format!("the rollback takes {count} value(s) of {attribute}"));
        }
        let outcome = if let Some(failure) = &report.stopped {
            let message = format!("the transfer stopped: {} {}", failure.code, failure.detail);
            let mut names = vec![failure.code.to_owned(), "stopped".to_owned()];
            names.extend(report.findings.iter().map(|finding| finding.id.to_owned()));
            Err((message, Refused::Named(names)))
        } else if report.not_flipped() > 0 {
            Err(not_transferred(report))
        } else {
            Ok(())
        };
        self.settle(step, span, outcome);
    }

    fn mailbox_ids(&self, selector: &Selector) -> Vec<MailboxId> {
        self.estate.with(|estate| {
            self.roster
                .subjects(estate, selector)
                .into_iter()
                .filter_map(|subject| estate.exchange.mailbox(subject.exchange?))
                .map(|mailbox| MailboxId(guid_to_engine(mailbox.id)))
                .collect()
        })
    }

    /// What an administrator would know: the build of Connect Sync, and when each object last changed
    /// in AD.
    fn evidence(&self, selector: &Selector) -> Evidence {
        self.estate.with(|estate| {
            let changed = |subject: &sim::estate::Subject| {
                let mailbox = estate.exchange.mailbox(subject.exchange?)?;
                let slot = estate.ad_entry(subject)?;
                Some((MailboxId(guid_to_engine(mailbox.id)), to_engine(slot.stamp.when_changed)))
            };
            Evidence {
                connect_build: Some(estate.connect.build.clone()),
                last_on_premises_change: self
                    .roster
                    .subjects(estate, selector)
                    .into_iter()
                    .filter_map(changed)
                    .collect(),
                licence_gates: estate.profile.text("licence_check") == "gate",
                ..Evidence::default()
            }
        })
    }

    fn edits(&mut self, wanted: &Edits) {
        let mailboxes: Vec<u32> = self.estate.with(|estate| {
            self.roster
                .subjects(estate, &wanted.mailboxes.value)
                .into_iter()
                .filter_map(|subject| subject.exchange)
                .collect()
        });
        let accepted = self.edit_round(&mailboxes, wanted.share);
        if accepted == 0 {
            self.reasons
                .push("edits: no mailbox of the selection is editable in the cloud".to_owned());
        }
        if let Some(every) = wanted.every {
            let share = wanted.share;
            self.again(every, wanted.lasts, Again::Edits { mailboxes, share });
        }
    }

    fn cycle(&mut self, cycle: Cycle, span: Span) {
        let asked = self.now();
        let ended = match cycle {
            Cycle::Connect(policy) => self.connect_cycle(policy),
            Cycle::Writeback => {
                self.ask(JobRequest::Start);
                self.play(asked + LONGEST, |runner| {
                    runner.engine.cycles().1.is_some_and(|began| began >= asked)
                })
            }
        };
        if !ended {
            self.fail(span, "the cycle did not end".to_owned());
        }
    }

    fn connect_action(&mut self, action: &ConnectAction, span: Span) {
        let done = self.estate.with(|estate| match action {
            ConnectAction::Upgrade { build, edited_config } => {
                estate.upgrade_server(&build.value, *edited_config);
                true
            }
            ConnectAction::NewServer { build } => {
                estate.replace_server(&build.value);
                true
            }
            ConnectAction::SwitchToStaging => estate.switch_to_staging(),
            ConnectAction::Scheduler(on) => {
                estate.connect.scheduled = *on;
                true
            }
        });
        if !done {
            self.fail(span, "this world has no staging server".to_owned());
        }
    }

    /// Plays a Connect cycle that begins now, after the one that runs; false when it does not end.
    pub(super) fn connect_cycle(&mut self, policy: CyclePolicy) -> bool {
        let running = self.estate.with(|estate| {
            let running = usize::from(estate.connect.running.is_some());
            estate.start_cycle(match policy {
                CyclePolicy::Delta => Policy::Delta,
                CyclePolicy::Initial => Policy::Initial,
            });
            estate.connect_cycles() + running
        });
        let horizon = self.now() + LONGEST;
        self.play(horizon, |runner| runner.estate.with(|estate| estate.connect_cycles() > running))
    }

    fn job(&mut self, action: &JobAction, span: Span) {
        let request = match action {
            JobAction::Pause => JobRequest::Pause,
            JobAction::Start => JobRequest::Start,
            JobAction::Restart { scopes } => JobRequest::Restart(ResetScope {
                watermark: scopes.contains(&RestartScope::Watermark),
                escrows: scopes.contains(&RestartScope::Escrows),
                quarantine: scopes.contains(&RestartScope::QuarantineState),
                full: scopes.contains(&RestartScope::Full),
            }),
            JobAction::ProvisionOnDemand { user } => {
                self.provision_on_demand(&user.value, span);
                return;
            }
        };
        if !self.ask(request) {
            self.fail(span, "this world has no writeback job".to_owned());
            return;
        }
        // The job takes commands with its next step, at this instant.
        let now = self.now();
        self.play(now, |_| false);
    }

    fn provision_on_demand(&mut self, user: &str, span: Span) {
        let now = self.now();
        let request = u64::try_from(now.as_micros()).unwrap_or(0);
        let asked = self.estate.with(|estate| {
            let id = estate.exchange.mailbox(estate.subject(user)?.exchange?)?.id;
            let rule = estate.entra.job.as_ref()?.rule.clone();
            Some(JobRequest::ProvisionOnDemand { request, rule, user: id })
        });
        let Some(asked) = asked else {
            self.fail(span, "this world has no writeback job for that user".to_owned());
            return;
        };
        self.ask(asked);
        let answered = self.play(now + Duration::from_hours(1), |runner| {
            runner.estate.with(|estate| {
                estate.entra.job.as_ref().is_some_and(|job| job.answers.contains_key(&request))
            })
        });
        if !answered {
            self.fail(span, "provision on demand was not answered within an hour".to_owned());
        }
    }

    /// Asks something of the job; false when there is none.
    pub(super) fn ask(&mut self, request: JobRequest) -> bool {
        let now = self.now();
        let asked = self.estate.with(|estate: &mut Estate| {
            estate.entra.job.as_mut().map(|job| job.ask(request)).is_some()
        });
        self.engine.wake(now);
        asked
    }

    fn watch(&mut self, expect: &Expectations, window: Option<Duration>, never: bool) {
        let now = self.now();
        let words = self.source.get(expect.span.range()).unwrap_or_default();
        self.watches.push(Watch {
            expect: expect.clone(),
            never,
            until: window.map(|window| now + window),
            attempted: false,
            broken: false,
            words: words.split_whitespace().collect::<Vec<_>>().join(" "),
        });
        self.check_watches();
    }

    /// Lets time pass until a step is due. Steps before it may have taken longer than the file thought.
    fn come_to(&mut self, at: &Spanned<At>, start: jiff::Timestamp) {
        let Some(due) = at.value.instant(start).map(VirtualTime::from_jiff) else { return };
        let now = self.now();
        if due < now {
            self.fail(
                at.span,
                format!("the step was due at {due}, and the steps before it ended at {now}"),
            );
            return;
        }
        self.play(due, |_| false);
    }

    /// A prohibition counts only when somebody tried to bring it about.
    fn note_attempts(&mut self, step: &Step) {
        let action = match &step.action {
            Action::Repeat(repeat) => &repeat.action,
            action => action,
        };
        let (watches, roster) = (&mut self.watches, &self.roster);
        self.estate.with(|estate| {
            for watch in watches.iter_mut().filter(|watch| watch.never && !watch.attempted) {
                watch.attempted = is_attempt(&watch.expect, action, estate, roster);
            }
        });
    }

    /// Notes that a step did not go as the file says.
    pub(super) fn fail(&mut self, span: Span, message: String) {
        let text = self.source.get(span.range()).unwrap_or_default();
        let words = text.lines().next().unwrap_or_default().trim();
        self.findings.push(Finding {
            rule: Rule::Expectation(words.to_owned()),
            message,
            object: None,
            attribute: None,
            expected: None,
            actual: None,
            last_writer: None,
            at: self.now().to_string(),
            chain: Vec::new(),
            location: Some(Location::of(span, self.source)),
        });
    }
}

/// What stands against mailboxes that were not flipped: words, and the names of the reasons.
fn not_transferred(report: &TransferReport) -> (String, Refused) {
    let bad: Vec<_> = report.exceptions.iter().filter(|e| !e.outcome.is_good()).collect();
    let detail = bad.first().map_or_else(String::new, |exception| {
        format!(
            "; the first is {} ({}): {}",
            exception.mailbox,
            exception.outcome.word(),
            exception.detail
        )
    });
    let mut names: Vec<String> = bad.iter().map(|e| e.outcome.word().to_owned()).collect();
    names.extend(bad.iter().map(|e| e.detail.clone()));
    names.extend(report.findings.iter().map(|finding| finding.id.to_owned()));
    let message = format!("{} mailbox(es) were not transferred{detail}", report.not_flipped());
    (message, Refused::Named(names))
}

/// How a step was refused.
pub(super) enum Refused {
    Named(Vec<String>),
    Exchange(sim::exchange::cmdlets::CmdletError),
    Ad(sim::estate::PersonError),
}

impl Refused {
    /// The name that `expect_error` would use.
    fn word(&self) -> String {
        match self {
            Self::Exchange(error) => error.kind.name().to_owned(),
            Self::Ad(error) => error.name(),
            Self::Named(names) => names.first().cloned().unwrap_or_default(),
        }
    }

    fn is_called(&self, name: &str) -> bool {
        match self {
            Self::Exchange(error) => error.kind.is_called(name),
            Self::Ad(error) => error.is_called(name),
            Self::Named(names) => names.iter().any(|known| known.eq_ignore_ascii_case(name)),
        }
    }
}
