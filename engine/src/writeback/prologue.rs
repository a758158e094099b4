//! What stands before any work in AD: an agent that answers, and no write of an earlier life whose
//! outcome is still unknown.

use super::desk::{Answer, Desk, Interrupt, Stepped, Turn, answered};
use super::outcome::{Effects, Settled, Verdict};
use super::recovery::{Made, made, touched};
use crate::failure::{Failure, Side, code};
use crate::guid::Guid;
use crate::job::{CycleFailure, LogEntry};
use crate::journal::rows::{Intent, Link, mailbox_key, mailbox_of_key, mailbox_write};
use crate::marks::Mark;
use crate::ports::{
    Agent, AgentName, AnchorKey, CallError, DirectoryObject, MailboxId, Name, ObjectGuid, Ports,
    Table,
};
use crate::time::Timestamp;
use crate::transfer::agent_version;

/// Intents that are resolved with one read.
const INTENTS: usize = 500;

/// Finds an agent that answers, then resolves intents.
pub(super) struct Prologue {
    cycle: u64,
    stage: Stage,
    agents: Vec<AgentName>,
    agent: Option<AgentName>,
    /// Agents that did not answer for what had gone through them.
    silent: Vec<AgentName>,
    /// What the last agent answered, for the failure of the cycle, and whether all failed in its way.
    last_error: Option<CallError>,
    alike: bool,
    pending: Vec<(MailboxId, Intent)>,
    /// The links of those mailboxes.
    stored: Vec<Option<Link>>,
    effects: Effects,
    written: u64,
}

enum Stage {
    Agents,
    /// Asks this agent for an object that cannot exist: does it answer?
    Probe(usize),
    Scan,
    Links,
    Read,
    Log(Vec<LogEntry>),
    Commit,
}

impl Prologue {
    pub(super) fn new(cycle: u64) -> Self {
        Self {
            cycle,
            stage: Stage::Agents,
            agents: Vec::new(),
            agent: None,
            silent: Vec::new(),
            last_error: None,
            alike: true,
            pending: Vec::new(),
            stored: Vec::new(),
            effects: Effects::default(),
            written: 0,
        }
    }

    /// Ends with the agent, and how many writes of an earlier life turned out to be applied.
    pub(super) fn step(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<(AgentName, u64)> {
        match &mut self.stage {
            Stage::Agents => {
                let result = ports.entra.agents();
                let listed = answered!(desk.settle(result, Side::Cloud, now)?);
                self.agents = usable(&listed)?;
                self.stage = Stage::Probe(0);
            }
            Stage::Probe(index) => {
                let index = *index;
                let Some(agent) = self.agents.get(index) else {
                    return Err(self.none_answers());
                };
                let nobody = [AnchorKey::ObjectGuid(Guid([0; 16]))];
                match ports.directory.find(agent, &nobody, &[]) {
                    Ok(_) => {
                        desk.backoff.reset();
                        self.agent = Some(agent.clone());
                        self.stage = Stage::Scan;
                    }
                    Err(CallError::Throttled { retry_after }) => {
                        let result: Result<(), _> = Err(CallError::Throttled { retry_after });
                        if let Answer::Later(at) = desk.settle(result, Side::Agent, now)? {
                            return Ok(Turn::Wait(at));
                        }
                    }
                    Err(CallError::Halted) => {
                        return Err(Interrupt::End(super::job::JobEnd::Halted));
                    }
                    Err(error) => {
                        Mark::AgentNext.reach();
                        let kind = core::mem::discriminant(&error);
                        self.alike &= self
                            .last_error
                            .as_ref()
                            .is_none_or(|last| core::mem::discriminant(last) == kind);
                        self.last_error = Some(error);
                        self.stage = Stage::Probe(index + 1);
                    }
                }
            }
            Stage::Scan => return self.scan(ports),
            Stage::Links => {
                let keys: Vec<Vec<u8>> =
                    self.pending.iter().map(|(id, _)| mailbox_key(*id)).collect();
                let rows = ports.store.get(Table::Links, &keys)?;
                let links = rows.iter().map(|row| row.as_deref().map(Link::decode).transpose());
                self.stored = links.collect::<Result<_, _>>()?;
                self.stage = Stage::Read;
            }
            Stage::Read => return self.read(now, ports, desk),
            Stage::Log(entries) => {
                let entries = entries.clone();
                if let Some(at) = desk.log(ports, entries, now)? {
                    return Ok(Turn::Wait(at));
                }
                self.stage = Stage::Commit;
            }
            Stage::Commit => {
                let writes = self.effects.take_writes(desk)?;
                ports.store.commit(writes)?;
                core::mem::take(&mut self.effects).apply(desk);
                self.stage = Stage::Scan;
            }
        }
        Ok(Turn::Busy)
    }

    fn scan(&mut self, ports: &mut Ports<'_>) -> Stepped<(AgentName, u64)> {
        let rows = ports.store.scan(Table::Intents, None, INTENTS)?;
        if rows.is_empty() {
            return match self.agent.take() {
                Some(agent) => Ok(Turn::Done((agent, self.written))),
                None => Err(self.none_answers()),
            };
        }
        self.pending = rows
            .into_iter()
            .map(|(key, value)| Ok((mailbox_of_key(&key)?, Intent::decode(&value)?)))
            .collect::<Result<_, crate::ports::StoreError>>()?;
        self.stage = Stage::Links;
        Ok(Turn::Busy)
    }

    /// The agent to read what became of an intent: the one that it went through, as another domain controller may
    /// not have it yet; where that one is away, the one that answers.
    fn reader<'a>(&'a self, intent: &'a Intent, answers: &'a AgentName) -> &'a AgentName {
        let listens =
            |agent: &&AgentName| self.agents.contains(agent) && !self.silent.contains(agent);
        intent.agent.as_ref().filter(listens).unwrap_or(answers)
    }

    /// Logs what was in fact written. What was not written is forgotten: its change still lies
    /// after the watermark, or its row in the escrow is still due. That holds for each attribute.
    fn read(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<(AgentName, u64)> {
        let (Some(answers), Some((_, first))) = (&self.agent, self.pending.first()) else {
            return Err(self.none_answers());
        };
        // Those of another agent come again with the next scan.
        let agent = self.reader(first, answers).clone();
        let alike: Vec<bool> =
            self.pending.iter().map(|(_, one)| *self.reader(one, answers) == agent).collect();
        let of_it = || self.pending.iter().zip(&alike).filter(|(_, alike)| **alike);
        let names: Vec<Name> = touched(of_it().map(|((_, intent), _)| intent));
        let objects: Vec<ObjectGuid> = of_it().map(|((_, intent), _)| intent.object).collect();
        let result = ports.directory.read(&agent, &objects, &names);
        if agent != *answers && matches!(&result, Err(error) if is_away(error)) {
            self.silent.push(agent);
            return Ok(Turn::Busy);
        }
        let mut found = answered!(desk.settle(result, Side::Agent, now)?);
        found.sort_unstable_by_key(|object| object.guid);
        let mut entries = Vec::new();
        let pending = core::mem::take(&mut self.pending).into_iter().zip(alike);
        let pending = pending.zip(core::mem::take(&mut self.stored)).filter(|((_, own), _)| *own);
        for (((mailbox, intent), _), stored) in pending {
            let made = object_of(&found, intent.object)
                .map_or(Made::NONE, |object| made(&intent, object, &names, Made::NONE));
            if !made.any() {
                Mark::IntentForgotten.reach();
                self.effects.writes.push(mailbox_write(Table::Intents, mailbox, None));
                continue;
            }
            let whole = made.whole(&intent);
            Mark::IntentApplied.reach();
            self.written += 1;
            let settled = Settled {
                mailbox,
                digest: intent.digest,
                changed: intent.changed,
                stored,
                found: Some(intent.object),
                unread: false,
                beyond: false,
                intent: Some(&intent),
                made,
                versions: None,
                kept_versions: false,
                verdict: if whole { &Verdict::Written } else { &Verdict::Partly },
            };
            entries.extend(settled.entry(desk, self.cycle, (now, now)));
            settled.commit(desk, &mut self.effects, now);
        }
        self.stage = if entries.is_empty() { Stage::Commit } else { Stage::Log(entries) };
        Ok(Turn::Busy)
    }

    fn none_answers(&self) -> Interrupt {
        Mark::AgentNoneAnswers.reach();
        let detail = self.last_error.as_ref().map_or_else(
            || "no agent is active".to_owned(),
            |error| format!("no agent answers; the last one: {error}"),
        );
        match &self.last_error {
            Some(error @ CallError::Refused { .. }) => {
                let failure = Failure::of_call(error, Side::Agent);
                Interrupt::of_failure(Failure { detail, ..failure })
            }
            // Agents that listen and do not answer in time, or with something that is no answer.
            Some(CallError::TimedOut { .. }) if self.alike => failed(code::TIME_OUT, detail),
            Some(CallError::Malformed { .. } | CallError::ServiceFailure { .. }) if self.alike => {
                failed(code::AGENT_SIGNALING, detail)
            }
            _ => failed(code::NO_ACTIVE_AGENTS, detail),
        }
    }
}

/// Whether an agent does not answer, so that another one has to.
const fn is_away(error: &CallError) -> bool {
    !matches!(error, CallError::Throttled { .. } | CallError::Halted)
}

fn failed(code: &'static str, detail: String) -> Interrupt {
    Interrupt::Cycle { failure: CycleFailure { code, detail }, refused: false }
}

/// The object of this GUID among objects sorted by GUID.
pub(super) fn object_of(sorted: &[DirectoryObject], guid: ObjectGuid) -> Option<&DirectoryObject> {
    sorted.binary_search_by_key(&guid, |object| object.guid).ok().map(|index| &sorted[index])
}

/// The agents to try, in the order in which they are listed.
fn usable(listed: &[Agent]) -> Result<Vec<AgentName>, Interrupt> {
    let refuse = |code, detail: &str| failed(code, detail.to_owned());
    if listed.is_empty() {
        Mark::AgentNone.reach();
        return Err(refuse(code::NO_AGENTS_ASSIGNED, "no agent is registered"));
    }
    let agents: Vec<AgentName> = listed
        .iter()
        .filter(|agent| agent.active && !is_too_old(agent))
        .map(|agent| agent.name.clone())
        .collect();
    if agents.is_empty() {
        Mark::AgentNoneUsable.reach();
        let detail = "no registered agent is active and of version 1.1.1107.0 or later";
        return Err(refuse(code::NO_ACTIVE_AGENTS, detail));
    }
    Ok(agents)
}

fn is_too_old(agent: &Agent) -> bool {
    let too_old = agent_version::is_too_old(agent);
    if too_old {
        Mark::AgentTooOld.reach();
    }
    too_old
}
