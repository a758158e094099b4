//! How machines came to be as they are: the last cycles of the job and of synchronization, what the job was
//! told, what faults did. The chain of a finding that is about nobody's values.

use sim::clock::VirtualTime;
use sim::connect::{Policy, Run};
use sim::entra::episodes::Episode;
use sim::entra::job::{Execution, JobRequest, ResetScope};
use sim::entra::log::LogEntry;
use sim::estate::Estate;
use sim::exchange::property;
use sim::fault::Place;
use sim::ledger::{Activity, Actor, Event, ObjectKey, Side, Write};

use super::expectation::Scene;
use crate::observe::Arrival;

/// Links of a chain.
const LINKS: usize = 12;
/// Refusals of one cycle that are named.
const NAMED: usize = 3;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Machine<'n> {
    /// The writeback job.
    Job,
    /// Inbound synchronization.
    Synchronization,
    /// An agent.
    Agent(&'n str),
    /// One of the counts of a run.
    Count(&'n str),
    /// How long a change took to reach AD.
    Arrival(&'n Arrival),
}

/// At one instant causes come before what follows from them, and what people do comes last: a story begins
/// when its world is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Cause,
    Machine,
    Person,
}

/// Something that happened: its instant, and how it is told.
struct Link {
    at: VirtualTime,
    rank: Rank,
    words: String,
    /// How often, and when for the last time.
    times: u32,
    last: VirtualTime,
}

impl Link {
    const fn new(at: VirtualTime, words: String) -> Self {
        Self { at, rank: Rank::Machine, words, times: 1, last: at }
    }

    fn of(self, rank: Rank) -> Self {
        Self { rank, ..self }
    }

    /// Takes the same that happened later in.
    const fn again(&mut self, other: &Self) {
        self.times += other.times;
        self.last = other.last;
    }

    fn line(&self) -> String {
        let Self { at, words, times, last, .. } = self;
        if *times > 1 {
            return format!("{at} {words}, {times} times until {last}");
        }
        format!("{at} {words}")
    }
}

impl Scene<'_> {
    /// What led to the state of a machine, oldest first; `further` has its lines with their instants, which
    /// belong among them.
    pub(super) fn led_to(
        &self,
        machine: Machine<'_>,
        further: impl Iterator<Item = (VirtualTime, String)>,
    ) -> Vec<String> {
        let mut links = match machine {
            Machine::Job => self.of_the_job(),
            Machine::Synchronization => of_synchronization(self.estate),
            Machine::Agent(name) => of_agent(self.estate, name),
            Machine::Count(name) => {
                let mut links = self.counted(name);
                links.extend(self.of_the_job());
                links
            }
            Machine::Arrival(arrival) => {
                let mut links = self.on_the_way(arrival);
                links.extend(self.of_the_job());
                links
            }
        };
        links.extend(alike(further.map(|(at, words)| Link::new(at, words))));
        links.extend(self.interruptions());
        if let Machine::Arrival(arrival) = machine {
            links.retain(|link| arrival.edited <= link.last && link.at <= arrival.arrived());
        }
        links.sort_by_key(|link| (link.at, link.rank));
        let mut links = together(links);
        links.drain(..links.len().saturating_sub(LINKS));
        if links.is_empty() {
            let nothing = "nothing has happened: no cycle has ended, and no fault has struck";
            return vec![format!("{} {nothing}", self.estate.now())];
        }
        links.iter().map(Link::line).collect()
    }

    fn of_the_job(&self) -> Vec<Link> {
        let Some(job) = &self.estate.entra.job else { return Vec::new() };
        let link = |(at, episode): &(VirtualTime, Episode)| Link::new(*at, told(episode));
        let mut links: Vec<Link> = job.episodes.iter().map(link).collect();
        let waiting = job.requests().map(|(_, request)| {
            let words = format!("the job is told to {}, and has not heard of it", asked(request));
            Link::new(self.estate.now(), words)
        });
        links.extend(waiting);
        links
    }

    /// What faults did, and the ends of the engine's process.
    fn interruptions(&self) -> impl Iterator<Item = Link> {
        self.history.events().filter_map(|event| match event {
            Event::Fault(hit) => {
                let words = format!("fault {} at {}", hit.name, hit.place);
                Some(Link::new(hit.at, words).of(Rank::Cause))
            }
            Event::Process(process) => {
                Some(Link::new(process.at, "the engine's process ends".to_owned()))
            }
            _ => None,
        })
    }

    /// The events that one of the counts counts.
    fn counted(&self, name: &str) -> Vec<Link> {
        let counts = |event: &Event| match (name, event) {
            ("flips", Event::Write(write)) => changes_the_flag(write),
            ("ad_writes", Event::Write(write)) => {
                write.object.side == Side::Ad && write.actor.activity == Activity::Writeback
            }
            ("cloud_edits", Event::Write(write)) => {
                write.object.side == Side::Exchange && !write.actor.activity.is_automatic()
            }
            ("redundant_writes", Event::Outcome(outcome)) => {
                let is_engine = outcome.actor.activity == Activity::Writeback;
                is_engine && outcome.side == Side::Ad && outcome.code == 0 && !outcome.effective
            }
            _ => false,
        };
        let mut links: Vec<Link> = self
            .history
            .events()
            .rev()
            .filter(|event| counts(event))
            .take(LINKS / 2)
            .filter_map(|event| match event {
                Event::Write(write) => {
                    Some(self.acted(write.at, &write.actor, write.object, "writes to"))
                }
                Event::Outcome(outcome) => {
                    let object = outcome.object?;
                    Some(self.acted(outcome.at, &outcome.actor, object, "changes nothing of"))
                }
                _ => None,
            })
            .collect();
        links.reverse();
        links
    }

    /// The edits that took so long, and the writes in AD.
    fn on_the_way(&self, arrival: &Arrival) -> Vec<Link> {
        let is_told = |write: &&Write| {
            self.estate.whose(write.object) == Some(arrival.person)
                && match write.object.side {
                    Side::Ad => write.actor.activity == Activity::Writeback,
                    Side::Exchange => !write.actor.activity.is_automatic(),
                    Side::Entra => false,
                }
        };
        let writes = self.history.events().filter_map(|event| match event {
            Event::Write(write) => Some(write),
            _ => None,
        });
        let told = writes.filter(is_told);
        told.map(|write| self.acted(write.at, &write.actor, write.object, "writes to")).collect()
    }

    fn acted(&self, at: VirtualTime, actor: &Actor, object: ObjectKey, verb: &str) -> Link {
        let side = object.side.short();
        let name = self.estate.whose(object).and_then(|person| {
            self.estate.subjects().get(person as usize).map(|subject| subject.name.to_string())
        });
        let of = name.unwrap_or_else(|| "an object".to_owned());
        let who = format!("{} ({})", actor.name, actor.activity.word());
        let rank = if actor.activity.is_automatic() { Rank::Cause } else { Rank::Person };
        Link::new(at, format!("{who} {verb} {of} in {side}")).of(rank)
    }

    /// An entry of the provisioning log with its instant.
    pub(super) fn entry(&self, entry: &LogEntry) -> (VirtualTime, String) {
        let number = entry.source.and_then(|id| self.estate.exchange.by_id(id));
        let subject = number.and_then(|number| self.estate.subject_of_mailbox(number));
        let of = subject.map_or_else(String::new, |subject| format!(" of {}", subject.name));
        let words = format!("the engine logs {} {}", entry.status.text(), entry.code);
        (entry.at, format!("{}{of}", words.trim_end()))
    }
}

fn changes_the_flag(write: &Write) -> bool {
    write.object.side == Side::Exchange
        && write.changes.iter().any(|change| change.attribute == property::FLAG)
}

/// What happened again and again right after itself, as one.
fn together(links: Vec<Link>) -> Vec<Link> {
    let mut told: Vec<Link> = Vec::new();
    for link in links {
        match told.last_mut().filter(|before| before.words == link.words) {
            Some(before) => before.again(&link),
            None => told.push(link),
        }
    }
    told
}

/// What is told alike, whatever came between, as one.
fn alike(links: impl Iterator<Item = Link>) -> Vec<Link> {
    let mut told: Vec<Link> = Vec::new();
    for link in links {
        match told.iter_mut().find(|before| before.words == link.words) {
            Some(before) => before.again(&link),
            None => told.push(link),
        }
    }
    told
}

/// An episode of the job in words.
fn told(episode: &Episode) -> String {
    match episode {
        Episode::Asked(request) => format!("somebody asks the job to {}", asked(request)),
        Episode::Told(request) => format!("the job is told to {}", asked(request)),
        Episode::Deleted => "the job is deleted".to_owned(),
        Episode::Made => "the job is made anew".to_owned(),
        Episode::Became(status, reason) => {
            let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
            format!("the job becomes {}{reason}", status.text())
        }
        Episode::Cycles { times: 1, last } => {
            format!("cycle {} of the job {}", last.cycle, ended(last))
        }
        Episode::Cycles { times, last } => {
            let first = (last.cycle + 1).saturating_sub(*times);
            let until = format!("the last at {}", last.ended);
            format!("cycles {first} to {} of the job, {until}: each {}", last.cycle, ended(last))
        }
    }
}

/// What a cycle came to.
fn ended(cycle: &Execution) -> String {
    if let Some((code, detail)) = &cycle.error {
        return format!("fails: {code}: {detail}").trim_end_matches([':', ' ']).to_owned();
    }
    let kind = if cycle.initial { " (initial)" } else { "" };
    let Execution { read, written, skipped, failed, .. } = cycle;
    format!("ends well{kind}: {read} read, {written} written, {skipped} skipped, {failed} failed")
}

/// What somebody asked of the job.
fn asked(request: &JobRequest) -> String {
    match request {
        JobRequest::Start => "start".to_owned(),
        JobRequest::Pause => "pause".to_owned(),
        JobRequest::Restart(scope) => format!("restart with {}", scopes(*scope)),
        JobRequest::Configure => "take its configuration over".to_owned(),
        JobRequest::ProvisionOnDemand { user, .. } => format!("provision {user} on demand"),
    }
}

fn scopes(scope: ResetScope) -> String {
    let ResetScope { watermark, escrows, quarantine, full } = scope;
    let all = [
        (watermark, "Watermark"),
        (escrows, "Escrows"),
        (quarantine, "QuarantineState"),
        (full, "Full"),
    ];
    let named: Vec<&str> = all.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
    if named.is_empty() { "no scope".to_owned() } else { named.join(", ") }
}

/// The runs of inbound synchronization that did something or failed, and the last one.
fn of_synchronization(estate: &Estate) -> Vec<Link> {
    let runs = &estate.connect.history;
    let last = runs.len().saturating_sub(1);
    let tells = |(place, run): &(usize, &Run)| {
        *place == last
            || run.failure.is_some()
            || run.imported + run.exported > 0
            || !(run.errors.is_empty() && run.blocked.is_empty() && run.unreached.is_empty())
    };
    let told = runs.iter().enumerate().filter(tells);
    told.map(|(_, run)| Link::new(run.ended, synchronized(run))).collect()
}

/// What a run of inbound synchronization came to.
fn synchronized(run: &Run) -> String {
    let policy = if run.policy == Policy::Initial { "Initial" } else { "Delta" };
    if let Some(why) = &run.failure {
        return format!("a cycle of Connect ({policy}) fails: {why}");
    }
    let (imported, exported) = (run.imported, run.exported);
    let mut words =
        format!("a cycle of Connect ({policy}) ends: {imported} imported, {exported} exported");
    if !run.blocked.is_empty() {
        words += &format!(", {} blocked (6956)", run.blocked.len());
    }
    if !run.errors.is_empty() {
        let named: Vec<String> = run
            .errors
            .iter()
            .take(NAMED)
            .map(|error| format!("{} ({})", error.code, error.detail))
            .collect();
        words += &format!(", {} refused: {}", run.errors.len(), named.join("; "));
    }
    if !run.unreached.is_empty() {
        words += &format!(", without {}", run.unreached.join(", "));
    }
    words
}

/// Since when faults are in force at an agent: a heartbeat that does not come is no hit.
fn of_agent(estate: &Estate, name: &str) -> Vec<Link> {
    let is_here = |place: &Place| match place {
        Place::Agent(at) => at.eq_ignore_ascii_case(name),
        Place::AnyAgent => true,
        _ => false,
    };
    let rules = estate.faults.rules().iter().filter(|rule| is_here(&rule.place));
    rules
        .flat_map(|rule| {
            let begins = format!("fault {} at {} begins", rule.name, rule.place);
            let ends = rule.until.filter(|end| *end <= estate.now());
            let ended = ends
                .map(|end| Link::new(end, format!("fault {} at {} ends", rule.name, rule.place)));
            std::iter::once(Link::new(rule.from, begins)).chain(ended)
        })
        .collect()
}
