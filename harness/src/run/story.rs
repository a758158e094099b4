//! The story, step by step.

use std::time::Duration;

use sim::caller::Role;
use sim::clock::VirtualTime;
use sim::connect::Policy;
use sim::entra::job::{JobRequest, ResetScope, StatusCode};
use sim::entra::log::LogStatus;
use sim::estate::{Estate, Subject};
use sim::guid::Guid;

use super::attempt::{is_act, is_attempt, whom};
use super::faults;
use super::repeat::{Again, of_round};
use super::runner::{Runner, Watch};
use crate::judge::verdict::{Finding, Location, Rule};
use crate::scenario::{
    Action, At, ConnectAction, Cycle, CyclePolicy, Edits, Expectations, JobAction, RestartScope,
    Scenario, Span, Spanned, Step,
};
use crate::stage::role_named;

/// Longer than any activity of a story may take: past it the step has failed.
pub(super) const LONGEST: Duration = Duration::from_hours(60 * 24);

/// How long the report of a cycle that has ended may take.
const REPORTED: Duration = Duration::from_secs(60);

impl Runner<'_> {
    /// Plays the whole story.
    pub(super) fn tell(&mut self, scenario: &Scenario) {
        // How far the story has come by its own words. What is under way at an instant may take the clock a little
        // beyond it: nobody comes too late for that.
        let mut told = self.now();
        for step in &scenario.story {
            if self.broken.is_some() {
                return;
            }
            if let Some(at) = &step.at {
                told = self.come_to(at, scenario.world.start, told);
            }
            match &step.action {
                Action::Repeat(repeat) => self.note_attempts(&of_round(&repeat.action, 1)),
                action => self.note_attempts(action),
            }
            let began = self.now();
            self.step(scenario, step);
            self.observe();
            told = match &step.action {
                Action::Wait(length) | Action::Within { window: length, .. } => told + *length,
                _ if self.now() > began => self.now(),
                _ => told,
            };
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
        let role = step.role.as_ref().and_then(|role| role_named(&scenario.world, &role.value));
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
                self.declared.push(fault.span);
            }
            Action::Wait(length) => self.wait(*length),
            Action::Cycle(cycle) => self.cycle(*cycle, step),
            Action::Job(action) if role.may_run_jobs() => self.job(action, step),
            Action::Job(_) => {
                let message = format!("the role {} may not operate jobs", role.name());
                let refused = Refused::Named(vec!["Authorization_RequestDenied".to_owned()]);
                self.settle(step, step.span, Err((message, refused)));
            }
            Action::Connect(action) => self.connect_action(action, step),
            Action::Expect(expect) => self.demand(expect),
            Action::Within { window, expect } => {
                self.wait(*window);
                self.demand(expect);
            }
            Action::Always { window, expect } => self.watch(expect, *window, false),
            Action::Never { window, expect } => self.watch(expect, *window, true),
            Action::Until { limit, expect } => {
                let horizon = self.now() + *limit;
                if !self.play(horizon, |runner| runner.look(expect).holds()) {
                    self.demand(expect);
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
                self.fail_about(&step.action, span, format!("the step was refused: {message}"));
            }
            (Some(expected), Ok(())) => self.fail_about(
                &step.action,
                expected.span,
                format!("the step was accepted, and had to fail with {}", expected.value),
            ),
            (Some(expected), Err((message, refused))) => {
                if !expected.value.eq_ignore_ascii_case("any")
                    && !refused.is_called(&expected.value)
                {
                    self.fail_about(
                        &step.action,
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
            let edits = Box::new(wanted.clone());
            self.again(every, wanted.lasts, Again::Edits { mailboxes, edits });
        }
    }

    /// A cycle by hand. That it fails is the step's failure only where the file waits for one: what the
    /// estate makes of it is what expectations are for.
    fn cycle(&mut self, cycle: Cycle, step: &Step) {
        if let Some(refused) = self.why_no_cycle(cycle) {
            self.settle(step, step.span, Err(refused));
            return;
        }
        let asked = self.now();
        let ended = match cycle {
            Cycle::Connect(policy) => self.connect_cycle(policy),
            Cycle::Writeback => {
                self.ask(JobRequest::Start);
                let ended = self.play(asked + LONGEST, |runner| {
                    runner.engine.cycles().1.is_some_and(|began| began >= asked)
                });
                // Its numbers are there once the job has reported.
                if ended && !self.has_reported_since(asked) {
                    let until = self.now() + REPORTED;
                    self.play(until, |runner| runner.has_reported_since(asked));
                }
                ended
            }
        };
        if !ended {
            self.fail(step.span, "the cycle did not end".to_owned());
            return;
        }
        if step.expect_error.is_none() {
            return;
        }
        let failure = match cycle {
            Cycle::Connect(_) => self.estate.with(|estate| {
                let last = estate.connect.history.last()?;
                let words = last.failure.clone()?;
                let code = words.split_once(':').map_or(words.as_str(), |(code, _)| code);
                Some((code.to_owned(), words))
            }),
            Cycle::Writeback => {
                let failure = self.engine.last_cycle().and_then(|cycle| cycle.failure.as_ref());
                failure.map(|failure| (failure.code.to_string(), failure.detail.clone()))
            }
        };
        let refused = |(code, detail): (String, String)| {
            let message = if detail.starts_with(&code) {
                detail.clone()
            } else {
                format!("{code}: {detail}")
            };
            (message, Refused::Named(vec![code, detail]))
        };
        self.settle(step, step.span, failure.map_or(Ok(()), |failure| Err(refused(failure))));
    }

    /// Whether the job has reported a cycle that began at `asked` or later.
    fn has_reported_since(&self, asked: VirtualTime) -> bool {
        self.estate.with(|estate| {
            let report = estate.entra.job.as_ref().and_then(|job| job.report.as_ref());
            let last = report.and_then(|report| report.last_execution.as_ref());
            last.is_some_and(|last| last.began >= asked)
        })
    }

    /// What stands against a cycle of the job by hand. To start a job is what makes it run now, and a job
    /// that is paused goes on from then on (Microsoft Graph reference, "Start synchronizationJob"); so
    /// there is no single cycle of a paused one.
    fn why_no_cycle(&self, cycle: Cycle) -> Option<(String, Refused)> {
        if cycle != Cycle::Writeback {
            return None;
        }
        let (problem, name) = self.estate.with(|estate| match &estate.entra.job {
            None => Some(("this world has no writeback job", "NotFound")),
            Some(job) if job.deleted => Some(("the writeback job was deleted", "NotFound")),
            Some(job) if job.asked_to_pause => {
                Some(("the job is paused: `job: start` lets it go on", "Paused"))
            }
            Some(job) if job.status() == StatusCode::Paused => Some((
                "the job has paused itself: `job: restart` or `job: start` lets it go on",
                "Paused",
            )),
            Some(_) => None,
        })?;
        Some((problem.to_owned(), Refused::Named(vec![name.to_owned()])))
    }

    fn connect_action(&mut self, action: &ConnectAction, step: &Step) {
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
        self.settle(step, step.span, done_or_not_found(done, "this world has no staging server"));
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

    fn job(&mut self, action: &JobAction, step: &Step) {
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
                self.provision_on_demand(&user.value, step);
                return;
            }
        };
        let asked = self.ask(request);
        self.settle(step, step.span, done_or_not_found(asked, "this world has no writeback job"));
        if !asked {
            return;
        }
        // The job takes commands with its next step, at this instant.
        let now = self.now();
        self.play(now, |_| false);
    }

    /// What the job answers is the step's failure only where the file waits for one; a mailbox that is
    /// skipped is one then too.
    fn provision_on_demand(&mut self, user: &str, step: &Step) {
        let now = self.now();
        if let Some(wait) = self.estate.with(Estate::spend_on_demand) {
            let message = format!("429 TooManyRequests: the next after {} s", wait.as_secs());
            let names = ["TooManyRequests", "429"].map(str::to_owned).to_vec();
            self.settle(step, step.span, Err((message, Refused::Named(names))));
            return;
        }
        let request = u64::try_from(now.as_micros()).unwrap_or(0);
        let asked = self.estate.with(|estate| {
            let id = estate.subject(user).and_then(|subject| cloud_id(estate, subject));
            let job = estate.entra.job.as_ref().filter(|job| !job.deleted);
            let rule = job.map(|job| job.rule.clone());
            match (rule, id) {
                (None, _) => Err("this world has no writeback job".to_owned()),
                (_, None) => Err(format!("`{user}` is not in the cloud")),
                (Some(rule), Some(id)) => {
                    Ok(JobRequest::ProvisionOnDemand { request, rule, user: id })
                }
            }
        });
        match asked {
            Ok(asked) => self.ask(asked),
            Err(problem) => {
                let refused = Refused::Named(vec!["NotFound".to_owned()]);
                self.settle(step, step.span, Err((problem, refused)));
                return;
            }
        };
        let mut answer = None;
        self.play(now + Duration::from_hours(1), |runner| {
            answer = runner.estate.with(|estate| {
                estate.entra.job.as_ref().and_then(|job| job.answers.get(&request).cloned())
            });
            answer.is_some()
        });
        let Some(answer) = answer else {
            let message = "provision on demand was not answered within an hour";
            self.fail(step.span, message.to_owned());
            return;
        };
        if step.expect_error.is_some() {
            let outcome = if answer.status == LogStatus::Success {
                Ok(())
            } else {
                let code = answer.code.to_string();
                let message = format!("{} {code}: {}", answer.status.text(), answer.detail);
                Err((message.trim_end().to_owned(), Refused::Named(vec![code])))
            };
            self.settle(step, step.span, outcome);
        }
    }

    /// Asks something of the job; false when there is none.
    pub(super) fn ask(&mut self, request: JobRequest) -> bool {
        let now = self.now();
        let asked = self.estate.with(|estate: &mut Estate| {
            let is_there = estate.entra.job.as_ref().is_some_and(|job| !job.deleted);
            is_there && estate.ask_job(request)
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
            hits: self.hits(),
            broken: false,
            decided: false,
            undecided: Vec::new(),
            words: words.split_whitespace().collect::<Vec<_>>().join(" "),
        });
        self.check_watches();
    }

    /// Lets time pass until a step is due, and answers how far the story has come then. Steps before it may have
    /// taken longer than the file thought.
    fn come_to(
        &mut self,
        at: &Spanned<At>,
        start: jiff::Timestamp,
        told: VirtualTime,
    ) -> VirtualTime {
        let Some(due) = at.value.instant(start).map(VirtualTime::from_jiff) else { return told };
        let now = self.now();
        if due < now.min(told) {
            self.fail(
                at.span,
                format!("the step was due at {due}, and the steps before it ended at {now}"),
            );
            return told;
        }
        if due > now {
            self.play(due, |_| false);
        }
        due
    }

    /// A prohibition counts only when somebody tried to bring it about while it was in force. What it says
    /// of counts, the log, the lag or Connect follows from what anybody does.
    pub(super) fn note_attempts(&mut self, action: &Action) {
        let now = self.now();
        let (watches, roster) = (&mut self.watches, &self.roster);
        let open = |watch: &&mut Watch| watch.never && !watch.attempted && !watch.is_over(now);
        self.estate.with(|estate| {
            for watch in watches.iter_mut().filter(open) {
                watch.attempted = is_attempt(&watch.expect, action, estate, roster)
                    || (watch.expect.is_of_activity() && is_act(action));
            }
        });
    }

    /// Notes that a step did not go as the file says.
    pub(super) fn fail(&mut self, span: Span, message: String) {
        let finding = self.failure(span, message);
        self.findings.push(finding);
    }

    /// Notes that a step about somebody did not go as the file says.
    fn fail_about(&mut self, action: &Action, span: Span, message: String) {
        let person = self.estate.with(|estate| whom(action, estate));
        let finding = self.failure(span, message);
        let finding = match person {
            Some(person) => self.about(person, finding),
            None => finding,
        };
        self.findings.push(finding);
    }

    fn failure(&self, span: Span, message: String) -> Finding {
        let text = self.source.get(span.range()).unwrap_or_default();
        let words = text.lines().next().unwrap_or_default().trim();
        Finding {
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
        }
    }
}

/// The id by which the cloud knows somebody: `ExternalDirectoryObjectId` of the mailbox is that of the user.
pub(super) fn cloud_id(estate: &Estate, subject: &Subject) -> Option<Guid> {
    let mailbox = subject.exchange.and_then(|number| estate.exchange.mailbox(number));
    let user = || subject.entra.and_then(|number| estate.entra.user(number));
    mailbox.map(|mailbox| mailbox.id).or_else(|| user().map(|user| user.id))
}

fn done_or_not_found(done: bool, problem: &str) -> Result<(), (String, Refused)> {
    if done {
        return Ok(());
    }
    Err((problem.to_owned(), Refused::Named(vec!["NotFound".to_owned()])))
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
