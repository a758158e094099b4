//! A small world for unit tests: maps behind the ports, with failures by script.
//!
//! It models only what the engine can tell apart, and nothing of the simulator.

mod directory;
mod ports;

pub(crate) use directory::apply;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use directory::apply_change;

use crate::attributes::GENERAL_AVAILABILITY;
use crate::guid::Guid;
use crate::job::{JobCommand, JobConfiguration, JobReport, LogEntry, LogStatus, Switches};
use crate::journal::MemoryStore;
use crate::planted_bugs::PlantedBugs;
use crate::ports::*;
use crate::step::{Activity, Step};
use crate::time::Timestamp;
use crate::transfer::TransferRecord;
use crate::values::Column;
use crate::writeback::map::Target;
use crate::writeback::scope::Filter;
use crate::writeback::{MappingPlan, WritebackConfig, WritebackJob};

const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const START: Timestamp = Timestamp::from_micros(1_795_000_000 * 1_000_000);

pub(crate) fn configuration() -> JobConfiguration {
    JobConfiguration {
        id: "job".into(),
        rule: "rule".into(),
        created_on: GENERAL_AVAILABILITY,
        interval: Duration::from_mins(20),
        switches: Switches::default(),
        mapping: None,
        scope: Filter::default(),
    }
}

pub(crate) fn config() -> WritebackConfig {
    WritebackConfig {
        job: configuration(),
        domain: "contoso.com".into(),
        started: true,
        jitter: 0,
        bugs: PlantedBugs::none(),
    }
}

pub(crate) fn id(number: u16) -> MailboxId {
    MailboxId(guid(1, number))
}

pub(crate) fn object_guid(number: u16) -> ObjectGuid {
    ObjectGuid(guid(2, number))
}

fn guid(kind: u8, number: u16) -> Guid {
    let mut bytes = [kind; 16];
    bytes[14..].copy_from_slice(&number.to_be_bytes());
    Guid(bytes)
}

/// The mailbox of an object.
fn mailbox_of(object: ObjectGuid) -> MailboxId {
    let bytes = object.0.0;
    MailboxId(guid(1, u16::from_be_bytes([bytes[14], bytes[15]])))
}

/// The plan that maps every attribute.
fn full_plan() -> MappingPlan {
    MappingPlan::new(&configuration(), PlantedBugs::none())
}

fn columns() -> Vec<Name> {
    let mut names = full_plan().properties().to_vec();
    for name in crate::transfer::backup::properties(crate::transfer::Sides::Both) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// A cloud-managed mailbox with values for all 22 properties of the full plan, in its order.
pub(crate) fn mailbox(number: u16) -> Mailbox {
    let mut values: Vec<Vec<String>> = (1..=15).map(|n| vec![format!("HR-{n}")]).collect();
    values.extend((1..=5).map(|n| vec![format!("a{n}"), format!("b{n}")]));
    values.push(vec![
        format!("SMTP:u{number}@contoso.com"),
        format!("smtp:alias{number}@contoso.com"),
    ]);
    values.push(vec![format!("u{number}@contoso.com")]);
    Mailbox {
        id: id(number),
        when_changed: START,
        dir_synced: true,
        cloud_managed: true,
        recipient_type_details: "UserMailbox".into(),
        values: values.iter().collect(),
    }
}

/// An AD object that holds exactly what the plan makes of the mailbox.
pub(crate) fn object_like(plan: &MappingPlan, mailbox: &Mailbox) -> DirectoryObject {
    let values: Vec<Vec<Vec<u8>>> = (0..plan.rules().len())
        .map(|rule| match plan.target(rule, mailbox, Column::default()) {
            Target::Keep | Target::Remove => Vec::new(),
            Target::One(value) => vec![value.to_vec()],
            Target::Set(values) => values.into_iter().map(|value| value.to_vec()).collect(),
        })
        .collect();
    DirectoryObject {
        guid: ObjectGuid(Guid([7; 16])),
        consistency_guid: None,
        external_id: None,
        values: values.iter().collect(),
        broken: None,
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    pub(crate) values: BTreeMap<String, Vec<Vec<u8>>>,
    pub(crate) consistency_guid: Option<Vec<u8>>,
    pub(crate) external_id: Option<String>,
}

/// Something that happens in the world by itself.
pub(crate) type Act = Box<dyn FnOnce(&mut World)>;

/// A modify that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) object: ObjectGuid,
    /// The LDAP result.
    pub(crate) result: u32,
    /// The attributes that it names and that hold afterwards what they held before.
    pub(crate) unchanged: Vec<String>,
    /// `extensionAttribute1` as it is afterwards, or would be.
    pub(crate) stamp: String,
    /// The attributes that it names.
    pub(crate) named: Vec<String>,
    /// What it left in them, sorted; nothing when it was refused.
    pub(crate) written: Vec<(String, Vec<String>)>,
    /// How many versions of its mailbox there were before.
    pub(crate) versions: usize,
}

/// Everything, with its script.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) mailboxes: BTreeMap<MailboxId, Mailbox>,
    pub(crate) users: BTreeMap<MailboxId, User>,
    pub(crate) objects: BTreeMap<ObjectGuid, Entry>,
    pub(crate) agents: Vec<Agent>,
    pub(crate) offline: BTreeSet<AgentName>,
    /// What agents show whose domain controllers lag behind.
    pub(crate) stale: BTreeMap<AgentName, BTreeMap<ObjectGuid, Entry>>,
    pub(crate) store: MemoryStore,
    pub(crate) log: Vec<LogEntry>,
    pub(crate) reports: Vec<JobReport>,
    /// What transfers did, and how often the log of it still refuses.
    pub(crate) records: Vec<TransferRecord>,
    pub(crate) refused_records: u32,
    /// Commands that the job was not yet done with, and how many came before them.
    pub(crate) commands: VecDeque<JobCommand>,
    pub(crate) forgotten: u64,
    pub(crate) page_size: usize,
    /// Calls made so far, and the one at which the process halts.
    pub(crate) calls: u64,
    pub(crate) halt_at: Option<u64>,
    /// The call at which the process halts does its work first, and its answer is lost.
    pub(crate) halt_after: bool,
    pub(crate) halted: bool,
    /// Mailboxes and users whose own row cannot be read, and objects whose values do not come whole.
    pub(crate) unread: BTreeMap<MailboxId, CallError>,
    pub(crate) unread_users: BTreeMap<MailboxId, CallError>,
    pub(crate) broken: BTreeMap<ObjectGuid, String>,
    /// How far the copy of Exchange Online that answers lags behind.
    pub(crate) lag: Duration,
    /// Earlier versions of mailboxes, and when each was replaced.
    pub(crate) versions: BTreeMap<MailboxId, Vec<(Timestamp, Mailbox)>>,
    /// Modifies that changed something, by object.
    pub(crate) effective: BTreeMap<ObjectGuid, u32>,
    /// Modifies that were sent.
    pub(crate) modifies: u32,
    /// LDAP results that are forced on objects.
    pub(crate) results: BTreeMap<ObjectGuid, u32>,
    /// What AD says beside them.
    pub(crate) diagnostic: String,
    /// Attributes that AD's schema does not have.
    pub(crate) unknown: BTreeSet<String>,
    /// What every agent answers to everything.
    pub(crate) agent_error: Option<CallError>,
    /// Errors for the next calls to agents.
    pub(crate) agent_errors: VecDeque<CallError>,
    /// The connection is lost at this modification of the next batch; `true`: after it was applied.
    pub(crate) lose: Option<(usize, bool)>,
    /// It is lost in the same way in every batch from then on.
    pub(crate) lose_each: bool,
    /// How many modifies are under way when it is lost.
    pub(crate) under_way: usize,
    /// The agent goes offline together with the connection.
    pub(crate) lose_agent: bool,
    /// Errors for the next calls to Exchange Online.
    pub(crate) exchange_errors: VecDeque<CallError>,
    /// When those calls were made.
    pub(crate) exchange_calls: Vec<Timestamp>,
    /// How many mailboxes may be read or set in any minute.
    pub(crate) budget: Option<usize>,
    /// What was spent of it, and when that began.
    spent: (Timestamp, usize),
    /// The columns of every mailbox: the properties of the full plan, then what else a backup keeps.
    properties: Vec<Name>,
    /// Listings under way: token to ids.
    listings: BTreeMap<String, Vec<MailboxId>>,
    pub(crate) expire_pages: bool,
    /// What happens at this call: edits in the middle of a cycle.
    pub(crate) at_call: BTreeMap<u64, Act>,
    /// Every modify that was sent.
    pub(crate) sent: Vec<Sent>,
    /// Flips that take this long to show; what the set call answers instead of `Accepted`.
    pub(crate) flip_delay: Duration,
    pub(crate) pending_flips: Vec<(Timestamp, MailboxId, bool)>,
    pub(crate) set_answers: VecDeque<SetOutcome>,
    pub(crate) flips_ignored: BTreeSet<MailboxId>,
    pub(crate) set_calls: BTreeMap<MailboxId, u32>,
    pub(crate) effective_flips: BTreeMap<MailboxId, u32>,
}

impl World {
    /// `count` mailboxes with their users and AD objects, all equal on both sides.
    pub(crate) fn with(count: u16) -> Shared {
        let mut world = Self {
            now: START,
            page_size: 3,
            under_way: MODIFIES_IN_FLIGHT,
            agents: vec![agent("A1"), agent("A2")],
            properties: columns(),
            ..Self::default()
        };
        for number in 0..count {
            world.add(number);
        }
        Shared(Rc::new(RefCell::new(world)))
    }

    pub(crate) fn add(&mut self, number: u16) {
        let plan = full_plan();
        let mailbox = mailbox(number);
        let object = object_like(&plan, &mailbox);
        let names = plan.attributes().iter().map(ToString::to_string);
        let classes = ["top", "person", "organizationalPerson", "user"];
        let classes = classes.map(|class| class.as_bytes().to_vec()).to_vec();
        let class = ("objectClass".to_owned(), classes);
        let values = names.zip(object.values.lists()).chain([class]).collect();
        self.objects.insert(object_guid(number), Entry { values, ..Entry::default() });
        self.users.insert(
            mailbox.id,
            User {
                id: mailbox.id,
                sync_enabled: Some(true),
                immutable_id: None,
                object_identifier: Some(object_guid(number).0),
                domain: Some("contoso.com".into()),
            },
        );
        self.mailboxes.insert(mailbox.id, mailbox);
    }

    /// Sets `CustomAttribute1` in the cloud.
    pub(crate) fn edit(&mut self, number: u16, text: &str) {
        self.change(number, |mailbox| {
            mailbox.values.edit(|values| values[0] = vec![text.to_owned()]);
        });
    }

    /// Makes another version of a mailbox. Copies that lag go on showing the one before.
    pub(crate) fn change(&mut self, number: u16, edit: impl FnOnce(&mut Mailbox)) {
        let now = self.now;
        let Some(mailbox) = self.mailboxes.get_mut(&id(number)) else { return };
        self.versions.entry(mailbox.id).or_default().push((now, mailbox.clone()));
        edit(mailbox);
        mailbox.when_changed = now.floor_to_second();
    }

    /// A mailbox as the copy shows it that answers now.
    fn shown(&self, id: MailboxId) -> Option<&Mailbox> {
        let mailbox = self.mailboxes.get(&id)?;
        let older = self.versions.get(&id).map_or(&[][..], Vec::as_slice);
        if self.lag.is_zero() {
            return Some(mailbox);
        }
        // The earliest version that was replaced after the moment that this copy has reached. Which of
        // two versions of one second is the later one nobody can tell, so it shows the last of them.
        let reached = self.now - self.lag;
        let first = older.iter().position(|(replaced, _)| *replaced > reached);
        let mut shown = first.map_or(mailbox, |at| &older[at].1);
        let later =
            older.iter().skip(first.map_or(older.len(), |at| at + 1)).map(|(_, later)| later);
        for later in later.chain([mailbox]) {
            if later.when_changed == shown.when_changed {
                shown = later;
            }
        }
        Some(shown)
    }

    /// Sets a property in the cloud.
    pub(crate) fn set(&mut self, number: u16, property: &'static str, values: &[&str]) {
        let values = values.iter().map(ToString::to_string).collect();
        self.set_values(&MailboxChange {
            id: id(number),
            cloud_managed: None,
            values: vec![(property.into(), values)],
        });
    }

    /// Sets an attribute in AD.
    pub(crate) fn set_in_ad(&mut self, number: u16, attribute: &str, values: &[&[u8]]) {
        let entry = self.objects.get_mut(&object_guid(number)).unwrap();
        let values = values.iter().map(|value| value.to_vec()).collect();
        entry.values.insert(attribute.to_owned(), values);
    }

    /// `extensionAttribute1` in AD.
    pub(crate) fn written(&self, number: u16) -> String {
        self.value(number, "extensionAttribute1").join(";")
    }

    pub(crate) fn value(&self, number: u16, attribute: &str) -> Vec<String> {
        let values = self.objects[&object_guid(number)].values.get(attribute);
        values
            .into_iter()
            .flatten()
            .map(|value| String::from_utf8(value.clone()).unwrap())
            .collect()
    }

    pub(crate) fn entries(&self, status: LogStatus) -> Vec<(&'static str, Option<MailboxId>)> {
        let of_status = self.log.iter().filter(|entry| entry.status == status);
        of_status.map(|entry| (entry.code, entry.mailbox)).collect()
    }

    fn call(&mut self) -> bool {
        self.calls += 1;
        if self.halt_at == Some(self.calls) && !self.halt_after {
            self.halted = true;
        }
        if !self.halted
            && let Some(act) = self.at_call.remove(&self.calls)
        {
            act(self);
        }
        !self.halted
    }

    fn enter(&mut self) -> Result<(), CallError> {
        if self.call() { Ok(()) } else { Err(CallError::Halted) }
    }

    fn enter_store(&mut self) -> Result<(), StoreError> {
        if self.call() { Ok(()) } else { Err(StoreError::Halted) }
    }

    /// Whether the process halts now that the call has done its work.
    fn halts_after(&mut self) -> bool {
        self.halted |= self.halt_at == Some(self.calls) && self.halt_after;
        self.halted
    }

    fn enter_exchange(&mut self) -> Result<(), CallError> {
        self.enter()?;
        self.exchange_calls.push(self.now);
        let now = self.now;
        let (due, later): (Vec<_>, Vec<_>) =
            core::mem::take(&mut self.pending_flips).into_iter().partition(|flip| flip.0 <= now);
        self.pending_flips = later;
        for (_, id, flag) in due {
            let mailbox = self.mailboxes.get_mut(&id).unwrap();
            if mailbox.cloud_managed != flag {
                *self.effective_flips.entry(id).or_default() += 1;
            }
            mailbox.cloud_managed = flag;
            mailbox.when_changed = now.floor_to_second();
        }
        self.exchange_errors.pop_front().map_or(Ok(()), Err)
    }

    /// How many of these mailboxes the budget lets through; what it does not is throttled.
    fn spend(&mut self, count: usize) -> usize {
        let Some(budget) = self.budget else { return count };
        if self.now.since(self.spent.0) >= MINUTE {
            self.spent = (self.now, 0);
        }
        let passed = count.min(budget - self.spent.1);
        self.spent.1 += passed;
        passed
    }

    fn enter_agent(&mut self, agent: &AgentName) -> Result<(), CallError> {
        self.enter()?;
        if self.offline.contains(agent) {
            return Err(CallError::Unreachable { detail: "connection refused".into() });
        }
        if let Some(error) = self.agent_errors.pop_front() {
            return Err(error);
        }
        self.agent_error.clone().map_or(Ok(()), Err)
    }

    fn select(&self, mailbox: &Mailbox, properties: &[Name]) -> Mailbox {
        let value = |name: &Name| {
            let at = self.properties.iter().position(|other| other == name);
            mailbox.values.column(at.unwrap_or(usize::MAX)).iter()
        };
        Mailbox { values: properties.iter().map(value).collect(), ..mailbox.clone() }
    }

    /// `Set-Mailbox` with values.
    fn set_values(&mut self, change: &MailboxChange) {
        let Some(mailbox) = self.mailboxes.get_mut(&change.id) else { return };
        for (name, values) in &change.values {
            if name == "Type" {
                let kind = if values[0] == "Regular" { "User" } else { &values[0] };
                mailbox.recipient_type_details = format!("{kind}Mailbox").into();
            } else if let Some(at) = self.properties.iter().position(|other| other == name) {
                mailbox.values.edit(|columns| {
                    columns.resize(columns.len().max(at + 1), Vec::new());
                    columns[at] = values.clone();
                });
            }
        }
    }

    fn show(
        &self,
        agent: &AgentName,
        guid: ObjectGuid,
        attributes: &[Name],
    ) -> Option<DirectoryObject> {
        let entry = self.stale.get(agent).unwrap_or(&self.objects).get(&guid)?;
        Some(DirectoryObject {
            guid,
            consistency_guid: entry.consistency_guid.clone(),
            external_id: entry.external_id.clone(),
            values: attributes
                .iter()
                .map(|name| entry.values.get(name.as_ref()).into_iter().flatten())
                .collect(),
            broken: self.broken.get(&guid).cloned(),
        })
    }

    fn modify_one(&mut self, modification: &Modification) -> u32 {
        self.modifies += 1;
        let mut sent = Sent {
            object: modification.object,
            result: 32,
            unchanged: Vec::new(),
            stamp: String::new(),
            named: Vec::new(),
            written: Vec::new(),
            versions: self.versions.get(&mailbox_of(modification.object)).map_or(0, Vec::len),
        };
        if let Some(entry) = self.objects.get_mut(&modification.object) {
            let before = entry.values.clone();
            sent.result = 0;
            for change in &modification.changes {
                let held = entry.values.entry(change.attribute.to_string()).or_default();
                let known = !self.unknown.contains(change.attribute.as_ref());
                sent.result = if known { apply_change(held, change) } else { 17 };
                if sent.result != 0 {
                    break;
                }
            }
            let sorted = |values: &BTreeMap<String, Vec<Vec<u8>>>, name: &str| {
                let mut values = values.get(name).cloned().unwrap_or_default();
                values.sort_unstable();
                values
            };
            for change in &modification.changes {
                if !sent.named.iter().any(|name| *name == change.attribute) {
                    sent.named.push(change.attribute.to_string());
                }
            }
            let same = |name: &&String| sorted(&before, name) == sorted(&entry.values, name);
            sent.unchanged = sent.named.iter().filter(same).cloned().collect();
            let stamp = sorted(&entry.values, "extensionAttribute1").concat();
            sent.stamp = String::from_utf8_lossy(&stamp).into_owned();
            if let Some(result) = self.results.get(&modification.object) {
                sent.result = *result;
            }
            if sent.result == 0 {
                let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
                let left = |name: &String| sorted(&entry.values, name).into_iter().map(text);
                let named = sent.named.iter();
                sent.written = named.map(|name| (name.clone(), left(name).collect())).collect();
            }
            if sent.result != 0 {
                entry.values = before;
            } else if entry.values != before {
                *self.effective.entry(modification.object).or_default() += 1;
            }
        }
        let result = sent.result;
        self.sent.push(sent);
        result
    }
}

fn agent(name: &str) -> Agent {
    Agent { name: AgentName(name.into()), active: true, version: Some("1.1.2334.0".into()) }
}

/// The world, shared by its ports.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) Rc<RefCell<World>>);

impl Shared {
    pub(crate) fn job(&self) -> WritebackJob {
        WritebackJob::new(config())
    }

    pub(crate) fn step<A: Activity>(&self, activity: &mut A) -> Step<A::Outcome> {
        let now = self.0.borrow().now;
        let [mut a, mut b, mut c, mut d, mut e] = [(); 5].map(|()| self.clone());
        let before = self.0.borrow().calls;
        let step = activity.step(
            now,
            &mut Ports {
                exchange: &mut a,
                entra: &mut b,
                directory: &mut c,
                store: &mut d,
                job: &mut e,
            },
        );
        let made = self.0.borrow().calls - before;
        assert!(made <= 1, "one step made {made} calls");
        step
    }

    /// Steps until `until`, or to the end of the activity.
    pub(crate) fn run<A: Activity>(
        &self,
        activity: &mut A,
        until: Timestamp,
    ) -> Option<A::Outcome> {
        self.run_until(activity, until, |_| false).flatten()
    }

    /// Steps until `until` (`None`), to the end of the activity, or until `stop` holds of it
    /// (`Some(None)`).
    #[expect(clippy::option_option, reason = "an end without an outcome is told from no end")]
    pub(crate) fn run_until<A: Activity>(
        &self,
        activity: &mut A,
        until: Timestamp,
        stop: impl Fn(&A) -> bool,
    ) -> Option<Option<A::Outcome>> {
        for _ in 0..1_000_000 {
            match self.step(activity) {
                Step::Busy => {}
                Step::Done(outcome) => return Some(Some(outcome)),
                Step::WaitUntil(at) if at > until => {
                    self.0.borrow_mut().now = until;
                    return None;
                }
                Step::WaitUntil(at) => {
                    let now = self.0.borrow().now;
                    self.0.borrow_mut().now = at.max(now);
                }
            }
            if stop(activity) {
                return Some(None);
            }
        }
        panic!("no end in sight");
    }

    /// Steps for so long.
    pub(crate) fn run_for<A: Activity>(
        &self,
        activity: &mut A,
        time: Duration,
    ) -> Option<A::Outcome> {
        let until = self.0.borrow().now + time;
        self.run(activity, until)
    }
}
