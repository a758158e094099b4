//! An estate that is kept running: the loop of a run, moved by whoever holds it instead of by a story.
//!
//! The holder decides how time passes. Everything else is as in a run: the same turns of estate and
//! engine, the same oracles over the same ledger. What clients do over the wire between two calls is
//! shown to the oracles with the next one.

use std::time::Duration;

use engine::journal::MemoryStore;
use engine::writeback::WritebackConfig;
use serde::Serialize;
use serde_json::Value;
use sim::clock::VirtualTime;
use sim::entra::job::JobRequest;
use sim::estate::Estate;
use sim::wire::shared::SharedEstate;

use super::court::Court;
use super::options::Silent;
use super::process::{Engine, Store};
use super::quiet::LADDER;
use super::runner::Runner;
use super::story::LONGEST;
use super::{RunError, faults, initial_cycle};
use crate::bridge::translate::to_sim;
use crate::bridge::transport::Memory;
use crate::judge::Bench;
use crate::judge::verdict::{Finding, Verdict};
use crate::observe::History;

use crate::scenario::{CyclePolicy, Fault, World};
use crate::stage::Roster;

/// Snapshots that are kept at most.
pub const MOST_SNAPSHOTS: usize = 8;

/// What is kept running.
pub struct LivePlan {
    /// The world that the estate was staged from; its seed and names are used.
    pub world: World,
    /// Who is of which shape.
    pub roster: Roster,
    /// What the engine's writeback job is told; `None` leaves the engine out.
    pub writeback: Option<WritebackConfig>,
    /// Whether the engine's operations cost virtual time.
    pub charges: bool,
}

/// Why a call was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// It cannot be done in the state that the estate is in.
    #[error("{0}")]
    Refused(String),
    /// There is no fault or snapshot of that number.
    #[error("there is no {0}")]
    NotFound(String),
    /// Hybridsim's own failure.
    #[error("{0}")]
    Broken(String),
}

/// What one cycle came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CycleCounts {
    /// Objects that it looked at.
    pub read: u64,
    /// Objects that it wrote with effect.
    pub written: u64,
    /// Objects that it looked at and had no reason to write.
    pub skipped: u64,
    /// Objects that it could not write.
    pub failed: u64,
    /// Virtual time from its begin to its end.
    pub virtual_seconds: f64,
    /// Why the cycle failed as a whole, when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A fault that was declared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaultState {
    /// Its number.
    pub id: u64,
    /// As it was declared.
    pub fault: Value,
    /// How often it did something.
    pub hits: u64,
    /// Whether it is in force.
    pub active: bool,
}

/// What the oracles say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// What was wrong since the start, and what is different now.
    pub findings: Vec<Finding>,
    /// Why it is unknown.
    pub reasons: Vec<String>,
    /// What is worth knowing and is no fault of anybody.
    pub notes: Vec<String>,
}

#[derive(Clone)]
struct Declared {
    id: u64,
    fault: Value,
    /// Their numbers in the estate.
    rules: Vec<u32>,
}

struct Snapshot {
    estate: Estate,
    store: MemoryStore,
    court: Court,
    faults: Vec<Declared>,
}

/// An estate that is kept running, with its engine and its judge.
pub struct Live {
    runner: Runner<'static>,
    world: World,
    writeback: Option<WritebackConfig>,
    faults: Vec<Declared>,
    last_fault: u64,
    snapshots: Vec<Snapshot>,
}

impl Live {
    /// Takes a staged estate over: the engine makes its initial cycle, and then nothing moves until
    /// it is told to.
    ///
    /// # Errors
    /// [`RunError`] when the engine cannot start.
    pub fn start(estate: SharedEstate, plan: LivePlan) -> Result<Self, RunError> {
        let LivePlan { world, roster, writeback, charges } = plan;
        let store = Store::default();
        if let Some(config) = &writeback {
            initial_cycle(&estate, &store, config.clone())?;
        }
        estate.with(|estate| estate.charges = charges);
        let way = Box::new(Memory::new(estate.clone()));
        let engine = Engine::start(estate.clone(), way, store, writeback.clone())
            .map_err(RunError::Transport)?;
        let court = estate.with(|e| Court::new(Bench::new(e, Vec::new()), History::of(e)));
        let runner = Runner::new(estate, engine, roster, court, world.seed, "", &Silent);
        let (faults, snapshots) = (Vec::new(), Vec::new());
        Ok(Self { runner, world, writeback, faults, last_fault: 0, snapshots })
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> VirtualTime {
        self.runner.now()
    }

    /// Whether an engine is attached.
    #[must_use]
    pub const fn has_engine(&self) -> bool {
        self.writeback.is_some()
    }

    /// Hybridsim's own failure, in words, after which nothing moves any more.
    #[must_use]
    pub fn broken(&self) -> Option<&str> {
        self.runner.broken.as_deref()
    }

    /// Shows the judge what happened, without letting time pass.
    pub fn observe(&mut self) {
        self.runner.observe();
    }

    /// Whoever provisions on demand through Graph waits for the answer: the engine gives it now, and a
    /// clock that is led by hand goes on by what that costs.
    pub fn answer_on_demand(&mut self) {
        let job = |runner: &Runner<'_>| {
            runner.estate.with(|estate| {
                estate.entra.job.as_ref().map(|job| (job.is_asked_on_demand(), job.answered))
            })
        };
        let Some((true, before)) = job(&self.runner) else { return };
        self.wake();
        let until = self.now() + LONGEST;
        self.runner.play(until, |runner| job(runner).is_none_or(|(_, now)| now > before));
    }

    /// Plays everything that is due until `to`.
    pub fn advance_to(&mut self, to: VirtualTime) {
        self.wake();
        self.runner.play(to, |_| false);
    }

    /// Plays everything that is due in a length of time. Answers the new now, which is a little later
    /// when the engine was at work at the end.
    ///
    /// # Errors
    /// `Broken`.
    pub fn advance(&mut self, by: Duration) -> Result<VirtualTime, LiveError> {
        let to = self.now() + by;
        self.advance_to(to);
        self.unless_broken()?;
        Ok(self.now())
    }

    /// Runs a Connect cycle now and waits for its end in virtual time.
    ///
    /// # Errors
    /// `Broken`.
    pub fn connect_cycle(&mut self) -> Result<CycleCounts, LiveError> {
        self.wake();
        let ended = self.runner.connect_cycle(CyclePolicy::Delta);
        self.unless_broken()?;
        let run = self.runner.estate.with(|estate| estate.connect.history.last().cloned());
        let run = run.filter(|_| ended).ok_or_else(did_not_end)?;
        let failed = run.errors.len() as u64;
        Ok(CycleCounts {
            read: run.imported,
            written: run.exported,
            skipped: run.imported.saturating_sub(run.exported + failed),
            failed,
            virtual_seconds: run.ended.since(run.began).as_secs_f64(),
            error: run.failure,
        })
    }

    /// Runs a writeback cycle now and waits for its end in virtual time. A paused job is started.
    ///
    /// # Errors
    /// `Refused` without an engine or without a job; `Broken`.
    pub fn writeback_cycle(&mut self) -> Result<CycleCounts, LiveError> {
        if self.runner.estate.with(|estate| estate.entra.job.is_none()) {
            let profile = &self.world.profile.value;
            let why = format!("the profile `{profile}` has no writeback");
            return Err(LiveError::Refused(why));
        }
        if !self.has_engine() {
            let why = "no engine is attached (`--no-engine`): run a cycle of your own program";
            return Err(LiveError::Refused(why.to_owned()));
        }
        let (asked, before) = (self.now(), self.runner.engine.cycles().0);
        self.runner.ask(JobRequest::Start);
        self.runner.play(asked + LONGEST, |runner| {
            runner
                .engine
                .last_cycle()
                .is_some_and(|cycle| cycle.cycle > before && to_sim(cycle.began) >= asked)
        });
        // The report reaches the job's record with the next step.
        let now = self.now();
        self.runner.play(now, |_| false);
        self.unless_broken()?;
        let cycle = self.runner.engine.last_cycle().filter(|cycle| cycle.cycle > before);
        let cycle = cycle.ok_or_else(did_not_end)?;
        Ok(CycleCounts {
            read: cycle.read,
            written: cycle.written,
            skipped: cycle.skipped,
            failed: cycle.failed,
            virtual_seconds: to_sim(cycle.ended).since(to_sim(cycle.began)).as_secs_f64(),
            error: cycle.failure.as_ref().map(|f| format!("{}: {}", f.code, f.detail)),
        })
    }

    /// Declares a fault, from now on; `declared` is what lists show of it.
    ///
    /// # Errors
    /// `Refused` for a crash of the engine when there is none.
    pub fn declare(&mut self, fault: &Fault, declared: Value) -> Result<FaultState, LiveError> {
        if matches!(fault, Fault::EngineCrash { .. }) && !self.has_engine() {
            let why = "no engine is attached (`--no-engine`): it cannot crash";
            return Err(LiveError::Refused(why.to_owned()));
        }
        let now = self.now();
        let rule = faults::rule(fault, now, &mut self.runner.faults);
        let rules = vec![self.runner.estate.with(|estate| estate.faults.install(rule))];
        self.last_fault += 1;
        let declared = Declared { id: self.last_fault, fault: declared, rules };
        let state = self.state(&declared);
        self.faults.push(declared);
        Ok(state)
    }

    /// All declared faults, oldest first.
    #[must_use]
    pub fn faults(&self) -> Vec<FaultState> {
        self.faults.iter().map(|declared| self.state(declared)).collect()
    }

    /// Ends a fault and takes it off the list: as if it had not been declared, but for what it did.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn withdraw(&mut self, id: u64) -> Result<FaultState, LiveError> {
        let place = self.faults.iter().position(|declared| declared.id == id);
        let place = place.ok_or_else(|| LiveError::NotFound(format!("fault {id}")))?;
        let declared = self.faults.remove(place);
        let now = self.now();
        self.runner.estate.with(|estate| {
            for rule in &declared.rules {
                estate.faults.end(*rule, now);
            }
        });
        Ok(self.state(&declared))
    }

    /// What the oracles found since the start, and whether AD says now what the cloud says. An edit
    /// that waits for its cycle is a difference.
    pub fn verdict(&mut self) -> Judgement {
        self.runner.observe();
        let now = self.now();
        let faults = self.faults();
        let in_force = faults.iter().any(|fault| fault.active);
        // On a copy: what differs now may be equal at the next call.
        let mut court = self.runner.court().clone();
        let (comparison, findings) = self.runner.estate.with(|estate| {
            let Court { bench, history, .. } = &mut court;
            let comparison = bench.compare(estate, history, now - LADDER, !in_force);
            (comparison, bench.findings(estate))
        });
        let mut reasons: Vec<String> = faults
            .iter()
            .filter(|fault| fault.hits == 0)
            .map(|fault| format!("the fault {} ({}) was never hit", fault.id, fault.fault))
            .collect();
        if in_force && comparison.differing > 0 {
            reasons.push(format!(
                "{} difference(s) between AD and the cloud are not judged while a fault is in force",
                comparison.differing
            ));
        }
        let verdict = match (findings.is_empty(), reasons.is_empty()) {
            (false, _) => Verdict::Fail,
            (true, false) => Verdict::Unknown,
            (true, true) => Verdict::Pass,
        };
        Judgement { verdict, findings, reasons, notes: comparison.notes }
    }

    /// Keeps everything as it is now: the estate, the engine's store, the judge's memory and the
    /// declared faults. Answers the number of the snapshot.
    ///
    /// # Errors
    /// `Refused` when there are [`MOST_SNAPSHOTS`] already.
    pub fn snapshot(&mut self) -> Result<u64, LiveError> {
        if self.snapshots.len() >= MOST_SNAPSHOTS {
            let why = format!("{MOST_SNAPSHOTS} snapshots are kept already, and no more");
            return Err(LiveError::Refused(why));
        }
        self.runner.observe();
        self.snapshots.push(Snapshot {
            court: self.runner.court().clone(),
            faults: self.faults.clone(),
            store: self.runner.engine.store.snapshot(),
            // Last: what clients do meanwhile is in its ledger, for the judge to see.
            estate: self.runner.estate.with(|estate| estate.clone()),
        });
        Ok(self.snapshots.len() as u64)
    }

    /// Puts a snapshot back, any number of times. The engine's process starts anew from its store, as
    /// after a crash; the clock says what it said then.
    ///
    /// # Errors
    /// `NotFound`; `Broken` when the engine cannot start.
    pub fn restore(&mut self, id: u64) -> Result<(), LiveError> {
        let place = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
        let snapshot = place
            .and_then(|place| self.snapshots.get(place))
            .ok_or_else(|| LiveError::NotFound(format!("snapshot {id}")))?;
        let runner = &mut self.runner;
        runner.estate.with(|estate| estate.clone_from(&snapshot.estate));
        runner.replace_court(snapshot.court.clone());
        self.faults.clone_from(&snapshot.faults);
        let store = runner.engine.store.clone();
        store.restore(snapshot.store.clone());
        let way = Box::new(Memory::new(runner.estate.clone()));
        runner.engine = Engine::start(runner.estate.clone(), way, store, self.writeback.clone())
            .map_err(LiveError::Broken)?;
        Ok(())
    }

    /// The engine hears at once of what somebody asked of the job through Graph.
    fn wake(&mut self) {
        let (now, asked) = self.runner.estate.with(|estate| {
            (estate.now(), estate.entra.job.as_ref().is_some_and(|job| job.is_asked()))
        });
        if asked {
            self.runner.engine.wake(now);
        }
    }

    fn unless_broken(&self) -> Result<(), LiveError> {
        self.broken().map_or(Ok(()), |problem| Err(LiveError::Broken(problem.to_owned())))
    }

    fn state(&self, declared: &Declared) -> FaultState {
        self.runner.estate.with(|estate| {
            let now = estate.now();
            let all = estate.faults.rules();
            let rules = declared.rules.iter().filter_map(|rule| all.get(*rule as usize));
            FaultState {
                id: declared.id,
                fault: declared.fault.clone(),
                hits: rules.clone().map(|rule| u64::from(rule.hits)).sum(),
                active: rules.clone().any(|rule| rule.is_active(now)),
            }
        })
    }
}

fn did_not_end() -> LiveError {
    let days = LONGEST.as_secs() / 86_400;
    LiveError::Broken(format!("the cycle did not end within {days} days of virtual time"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sim::caller::{Caller, Role};
    use sim::powershell::{Argument, CmdletCall};

    use super::*;
    use crate::scenario::{MailboxKind, MailboxLocation, Population, Spanned, User};
    use crate::scenario::{Span, read_fault, standard_world};
    use crate::stage;

    /// An estate with one user, `u1`, whose authority is on-premises.
    fn live(with_engine: bool) -> Live {
        let mut world = standard_world(&stage::catalogues());
        world.population = vec![Population::User(Box::new(User {
            name: Spanned::implied("u1".to_owned()),
            upn: Spanned::implied("u1@contoso.com".to_owned()),
            addresses: Vec::new(),
            cloud_managed: false,
            kind: MailboxKind::User,
            mailbox: MailboxLocation::Cloud,
            licensed: None,
            dir_synced: true,
            domain: None,
            units: Vec::new(),
            attributes: Vec::new(),
            cloud: Vec::new(),
            span: Span::default(),
        }))];
        let bugs = engine::planted_bugs::PlantedBugs::none();
        let staged = stage::stage_world(&world, 1, bugs).unwrap();
        let writeback = staged.writeback.filter(|_| with_engine);
        let plan = LivePlan { world, roster: staged.roster, writeback, charges: true };
        Live::start(SharedEstate::new(staged.estate), plan).unwrap()
    }

    fn set(live: &Live, parameter: &str, value: Argument) {
        let call = CmdletCall {
            name: "Set-Mailbox".to_owned(),
            parameters: vec![
                ("Identity".to_owned(), Argument::Text("u1".to_owned())),
                (parameter.to_owned(), value),
            ],
        };
        let caller = Caller::person(Role::GlobalAdministrator);
        live.runner.estate.with(|estate| estate.person_exo(&caller, &call)).unwrap();
    }

    /// Flips `u1` and edits it.
    fn edit(live: &Live, value: &str) {
        set(live, "IsExchangeCloudManaged", Argument::Boolean(true));
        set(live, "CustomAttribute1", Argument::Text(value.to_owned()));
    }

    fn in_ad(live: &Live) -> Vec<String> {
        live.runner.estate.with(|estate| {
            let ad = estate.subject("u1").and_then(|subject| subject.ad).unwrap();
            estate.ad_texts(ad, "extensionAttribute1")
        })
    }

    fn declare(live: &mut Live, fault: Value) -> Result<FaultState, LiveError> {
        let read = read_fault(&fault.to_string(), &live.world, &stage::catalogues()).unwrap();
        live.declare(&read, fault)
    }

    /// Restored is as if nothing had happened since: the same edit is written once more.
    #[test]
    fn a_snapshot_brings_back_estate_engine_and_judge() {
        let mut live = live(true);
        let kept = live.snapshot().unwrap();
        let start = live.now();
        for _ in 0..2 {
            edit(&live, "x");
            assert_eq!(live.writeback_cycle().unwrap().written, 1);
            assert_eq!(in_ad(&live), ["x"]);
            live.advance(Duration::from_hours(2)).unwrap();
            assert_eq!(live.verdict().verdict, Verdict::Pass);
            live.restore(kept).unwrap();
            assert_eq!((live.now(), in_ad(&live).len()), (start, 0));
            assert_eq!(live.verdict().verdict, Verdict::Pass);
        }
        assert_eq!(live.restore(2), Err(LiveError::NotFound("snapshot 2".to_owned())));
        assert_eq!(live.restore(0), Err(LiveError::NotFound("snapshot 0".to_owned())));
    }

    #[test]
    fn differences_are_not_judged_while_a_fault_is_in_force() {
        let mut live = live(true);
        let fault = declare(&mut live, json!({"agent_offline": {"agent": "agent1"}})).unwrap();
        edit(&live, "x");
        let cycle = live.writeback_cycle().unwrap();
        assert!(cycle.error.is_some() && cycle.written == 0, "{cycle:?}");
        let judgement = live.verdict();
        assert_eq!(judgement.verdict, Verdict::Unknown, "{judgement:?}");
        assert!(live.withdraw(fault.id).unwrap().hits > 0);
        let judgement = live.verdict();
        assert_eq!(judgement.verdict, Verdict::Fail, "AD differs, and nothing excuses it");
        assert_eq!(live.verdict().findings, judgement.findings, "asking adds nothing");
        live.writeback_cycle().unwrap();
        assert_eq!(live.verdict().verdict, Verdict::Pass);
    }

    #[test]
    fn a_cycle_ends_although_the_engine_dies_in_it() {
        let mut live = live(true);
        declare(&mut live, json!({"engine_crash": {"at": "directory.modify"}})).unwrap();
        edit(&live, "x");
        live.writeback_cycle().unwrap();
        assert_eq!((in_ad(&live), live.faults()[0].hits), (vec!["x".to_owned()], 1));
        let judgement = live.verdict();
        assert_eq!(judgement.verdict, Verdict::Pass, "{judgement:?}");
    }

    /// Graph only puts a request on record: the engine must hear of it before its next cycle is due.
    #[test]
    fn what_is_asked_of_the_job_through_graph_is_heard_at_once() {
        let mut live = live(true);
        live.advance(Duration::from_secs(1)).unwrap();
        live.runner.estate.with(|estate| {
            estate.entra.job.as_mut().unwrap().ask(JobRequest::Pause);
        });
        edit(&live, "x");
        live.advance(Duration::from_hours(3)).unwrap();
        assert!(in_ad(&live).is_empty(), "it is paused");
        live.writeback_cycle().unwrap();
        assert_eq!(in_ad(&live), ["x"]);
    }

    #[test]
    fn without_an_engine_there_is_no_cycle_and_no_crash() {
        let mut live = live(false);
        assert!(matches!(live.writeback_cycle(), Err(LiveError::Refused(_))));
        let crash = json!({"engine_crash": {"at": "store.commit"}});
        assert!(matches!(declare(&mut live, crash), Err(LiveError::Refused(_))));
        edit(&live, "x");
        live.advance(Duration::from_hours(1)).unwrap();
        assert!(in_ad(&live).is_empty());
        assert!(live.connect_cycle().unwrap().virtual_seconds > 0.0);
    }
}
