//! A world, its job, and what is noted while they play.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::acts::{Act, Changeable, Edit, Local, Setting};
use crate::attributes::CONTRACT;
use crate::job::{JobCommand, ProxyMode, RestartScopes};
use crate::planted_bugs::PlantedBugs;
use crate::ports::{AgentName, CallError, MailboxId};
use crate::test_world::{Shared, World, config, id, object_guid};
use crate::writeback::{JobEnd, WritebackConfig, WritebackJob};

/// An edit of AD while the cloud may have had the authority: it may stay until the cloud changes.
#[derive(Debug, Clone)]
pub(super) struct Drift {
    pub(super) number: u16,
    pub(super) attribute: String,
    /// How many versions of the mailbox came before it.
    pub(super) versions: usize,
    /// How many modifies were sent before it.
    pub(super) sent: usize,
}

/// What the acts did to the world, for the verdict.
#[derive(Debug, Default)]
pub(super) struct Notes {
    versions: u32,
    pub(super) drift: Vec<Drift>,
    /// Every text that ever stood in `proxyAddresses` of AD without the engine, by mailbox.
    pub(super) held: BTreeMap<u16, BTreeSet<String>>,
}

pub(super) struct Play {
    pub(super) world: Shared,
    pub(super) config: WritebackConfig,
    pub(super) job: WritebackJob,
    pub(super) count: u16,
    commands: u32,
    lives: u32,
    /// How often each version of each object was tried, by life, commands so far, cycle, versions of it so
    /// far, stamp and (where attributes go one by one) attribute.
    pub(super) tries: BTreeMap<(u32, u32, u64, MailboxId, String), usize>,
    /// The on-demand requests, by commands so far.
    pub(super) demanded: BTreeSet<(u32, MailboxId)>,
    counted: usize,
    /// Whoever was edited, on either side, while the engine worked.
    pub(super) moved: BTreeSet<u16>,
    pub(super) notes: std::rc::Rc<std::cell::RefCell<Notes>>,
    /// Whether all of `proxyAddresses` was ever replaced, and whether the mapping was ever another one.
    pub(super) replaced_all: bool,
    pub(super) reconfigured: bool,
    /// Whether anybody was ever left out for what AD says.
    disabled: bool,
    /// What AD held of other types before the job ran.
    pub(super) other_types: BTreeMap<u16, Vec<String>>,
}

impl Play {
    pub(super) fn new(setting: &Setting, bugs: PlantedBugs) -> Self {
        let world = World::with(setting.count);
        let mut notes = Notes::default();
        {
            let mut world = world.0.borrow_mut();
            world.page_size = setting.page_size;
            world.mailboxes.get_mut(&id(0)).unwrap().cloud_managed = !setting.outside;
            for (number, attribute) in &setting.emptied {
                let entry = world.objects.get_mut(&object_guid(*number)).unwrap();
                entry.values.insert(CONTRACT[*attribute].ldap_name.to_owned(), Vec::new());
            }
            for (number, held) in &setting.addresses {
                let entry = world.objects.get_mut(&object_guid(*number)).unwrap();
                let held = held.iter().map(|text| text.as_bytes().to_vec()).collect();
                entry.values.insert("proxyAddresses".to_owned(), held);
            }
            for number in 0..setting.count {
                let held = world.value(number, "proxyAddresses").into_iter().collect();
                notes.held.insert(number, held);
            }
        }
        let other_types =
            (0..setting.count).map(|number| (number, other_types(&world, number))).collect();
        let mut config = config();
        config.job.switches = setting.switches.clone();
        config.bugs = bugs;
        let job = WritebackJob::new(config.clone());
        Self {
            world,
            replaced_all: config.job.switches.proxy_mode == ProxyMode::ReplaceAll,
            config,
            job,
            count: setting.count,
            commands: 0,
            lives: 0,
            tries: BTreeMap::new(),
            demanded: BTreeSet::new(),
            counted: 0,
            moved: BTreeSet::new(),
            notes: std::rc::Rc::new(std::cell::RefCell::new(notes)),
            reconfigured: false,
            disabled: false,
            other_types,
        }
    }

    pub(super) fn run(&mut self, minutes: u64) {
        let until = self.world.0.borrow().now + Duration::from_mins(minutes);
        loop {
            let cycle = self.job.cycles();
            let end = self.world.run_until(&mut self.job, until, |job| job.cycles() != cycle);
            self.count(cycle);
            match end {
                Some(Some(end)) => {
                    assert_eq!(end, JobEnd::Halted);
                    self.world.0.borrow_mut().halted = false;
                    self.world.0.borrow_mut().halt_at = None;
                    self.lives += 1;
                    self.job = WritebackJob::new(self.config.clone());
                }
                Some(None) => {}
                None => return,
            }
        }
    }

    /// Counts what was sent since the last call.
    fn count(&mut self, cycle: u64) {
        // What was sent may be of an earlier configuration.
        let by_attribute = self.reconfigured
            || self.config.job.switches.modify_granularity
                == crate::job::ModifyGranularity::Attribute;
        let world = self.world.0.borrow();
        for sent in &world.sent[self.counted..] {
            let number = (0..self.count).find(|number| object_guid(*number) == sent.object);
            let attributes = if by_attribute { sent.named.join(" ") } else { String::new() };
            let version = format!("{} {} {attributes}", sent.versions, sent.stamp);
            let key = (self.lives, self.commands, cycle, id(number.unwrap()), version);
            *self.tries.entry(key).or_default() += 1;
        }
        self.counted = world.sent.len();
    }

    fn command(&mut self, command: JobCommand) {
        self.commands += 1;
        if let JobCommand::ProvisionOnDemand { mailbox, .. } = &command {
            self.demanded.insert((self.commands, *mailbox));
        }
        self.world.0.borrow_mut().commands.push_back(command);
        self.run(1);
        self.commands += 1;
    }

    fn configure(&mut self, changeable: &Changeable) {
        changeable.apply(&mut self.config.job.switches);
        self.reconfigured = true;
        self.replaced_all |= self.config.job.switches.proxy_mode == ProxyMode::ReplaceAll;
        self.command(JobCommand::Configure(self.config.job.clone()));
    }

    pub(super) fn act(&mut self, act: &Act) {
        let (count, notes) = (self.count, self.notes.clone());
        match act {
            Act::Edit(number, edit) => {
                edit_mailbox(&mut self.world.0.borrow_mut(), number % count, edit, &notes);
            }
            Act::EditAtCall(after, number, edit) => {
                let (number, edit) = (number % count, edit.clone());
                self.moved.insert(number);
                self.at_call(*after, move |world| edit_mailbox(world, number, &edit, &notes));
            }
            Act::Local(number, local) => {
                edit_directory(&mut self.world.0.borrow_mut(), number % count, local, &notes);
            }
            Act::LocalAtCall(after, number, local) => {
                let (number, local) = (number % count, local.clone());
                self.moved.insert(number);
                self.at_call(*after, move |world| edit_directory(world, number, &local, &notes));
            }
            Act::Flag(number, flag) if number % count > 0 => {
                let change = |mailbox: &mut crate::ports::Mailbox| mailbox.cloud_managed = *flag;
                self.world.0.borrow_mut().change(number % count, change);
            }
            Act::Away(number, local) => {
                let number = number % count;
                let mut world = self.world.0.borrow_mut();
                if world.mailboxes[&id(number)].cloud_managed {
                    // Versions are told by the second: one that comes in the second in which the mailbox was
                    // read, with the same values, is not to be told from the one that was read.
                    world.now = world.now + Duration::from_secs(1);
                    world.change(number, |mailbox| mailbox.cloud_managed = false);
                    edit_directory(&mut world, number, local, &notes);
                    world.change(number, |mailbox| mailbox.cloud_managed = true);
                }
            }
            Act::Disable(number, off) => {
                self.disabled |= off;
                let flags: &[u8] = if *off { b"514" } else { b"512" };
                let mut world = self.world.0.borrow_mut();
                world.set_in_ad(number % count, "userAccountControl", &[flags]);
            }
            Act::Configure(changeable) => self.configure(changeable),
            Act::Restart(scopes) => self.command(JobCommand::Restart(*scopes)),
            Act::OnDemand(number) => {
                let (request, rule, mailbox) = (1, "rule".to_owned(), id(number % count));
                self.command(JobCommand::ProvisionOnDemand { request, rule, mailbox });
            }
            Act::Pause => self.command(JobCommand::Pause),
            Act::Start => self.command(JobCommand::Start),
            Act::Wait(minutes) => self.run(*minutes),
            other => script(&mut self.world.0.borrow_mut(), count, other),
        }
    }

    fn at_call(&self, after: u64, act: impl FnOnce(&mut World) + 'static) {
        let mut world = self.world.0.borrow_mut();
        let call = world.calls + after;
        world.at_call.insert(call, Box::new(act));
    }

    /// Everything heals, and time passes until every rung of the ladder has come.
    pub(super) fn heal(&mut self) {
        {
            let mut world = self.world.0.borrow_mut();
            world.offline.clear();
            world.results.clear();
            world.lose = None;
            world.expire_pages = false;
            world.exchange_errors.clear();
            world.at_call.clear();
            world.halt_at = None;
            for number in 0..self.count {
                if !world.mailboxes[&id(number)].cloud_managed {
                    world.change(number, |mailbox| mailbox.cloud_managed = true);
                }
                if self.disabled {
                    world.set_in_ad(number, "userAccountControl", &[b"512"]);
                }
            }
        }
        self.command(JobCommand::Start);
        let switches = &self.config.job.switches;
        // Who is enabled again, or new to the job, comes with the next initial cycle.
        if switches.first_time_requires_initial || (self.disabled && !switches.write_disabled) {
            self.command(JobCommand::Restart(RestartScopes {
                watermark: true,
                ..RestartScopes::default()
            }));
        }
        for _ in 0..26 {
            self.run(3 * 20);
            if self.job.escrowed() == 0 {
                break;
            }
        }
    }
}

type Shelf = std::rc::Rc<std::cell::RefCell<Notes>>;

fn edit_mailbox(world: &mut World, number: u16, edit: &Edit, notes: &Shelf) {
    let texts = |values: &[&str]| values.iter().map(|text| (*text).to_owned()).collect();
    notes.borrow_mut().versions += 1;
    let stamp = format!("v{}", notes.borrow().versions);
    let earlier = match edit {
        Edit::Back(steps) => {
            let versions = world.versions.get(&id(number)).map_or(&[][..], Vec::as_slice);
            versions.len().checked_sub(*steps).map(|at| versions[at].1.values.clone())
        }
        _ => None,
    };
    world.change(number, |mailbox| {
        if let Some(earlier) = earlier {
            mailbox.values = earlier;
            return;
        }
        mailbox.values.edit(|values| {
            values[0] = vec![stamp];
            match edit {
                Edit::Stamp | Edit::Kind(_) | Edit::Back(_) => {}
                Edit::Text(at, text) => {
                    values[*at] = text.iter().map(|text| format!("t{text}")).collect();
                }
                Edit::Set(at, set) => values[*at] = texts(set),
                Edit::Addresses(addresses) => values[20] = texts(addresses),
            }
        });
        if let Edit::Kind(kind) = edit {
            mailbox.recipient_type_details = (*kind).into();
        }
    });
}

fn edit_directory(world: &mut World, number: u16, local: &Local, notes: &Shelf) {
    let (attribute, values) = match local {
        Local::Text(at, text) => {
            let text = text.iter().map(|text| format!("l{text}")).collect();
            (format!("extensionAttribute{}", at + 1), text)
        }
        Local::Set(at, values) => {
            let values = values.iter().map(|text| (*text).to_owned()).collect();
            (format!("msExchExtensionCustomAttribute{}", at - 14), values)
        }
        Local::Address(text) => {
            let mut values = world.value(number, "proxyAddresses");
            if values.iter().any(|held| held.eq_ignore_ascii_case(text)) {
                return;
            }
            values.push((*text).to_owned());
            notes.borrow_mut().held.get_mut(&number).unwrap().insert((*text).to_owned());
            ("proxyAddresses".to_owned(), values)
        }
    };
    let bytes: Vec<&[u8]> = values.iter().map(String::as_bytes).collect();
    world.set_in_ad(number, &attribute, &bytes);
    let versions = world.versions.get(&id(number)).map_or(0, Vec::len);
    let sent = world.sent.len();
    notes.borrow_mut().drift.push(Drift { number, attribute, versions, sent });
}

/// Addresses of an object that are no SMTP addresses.
fn other_types(world: &Shared, number: u16) -> Vec<String> {
    let mut held = world.0.borrow().value(number, "proxyAddresses");
    held.retain(|text| !text.to_lowercase().starts_with("smtp:"));
    held
}

/// What needs no step of the job.
fn script(world: &mut World, count: u16, act: &Act) {
    match act {
        Act::Result(number, result) => {
            world.results.insert(object_guid(number % count), *result);
        }
        Act::Recover => world.results.clear(),
        Act::Lose(at, applied, agent, under_way) => {
            world.lose = Some((*at, *applied));
            world.under_way = *under_way;
            world.lose_agent = *agent;
        }
        Act::Offline(all) => {
            world.offline.insert(AgentName("A1".into()));
            if *all {
                world.offline.insert(AgentName("A2".into()));
            }
        }
        Act::Online => world.offline.clear(),
        Act::Throttle(seconds) => {
            let retry_after = seconds.map(Duration::from_secs);
            world.exchange_errors.push_back(CallError::Throttled { retry_after });
        }
        Act::ServiceDown => {
            let down = CallError::Unreachable { detail: String::new() };
            world.exchange_errors.extend(vec![down; 5]);
        }
        Act::ExpirePage => world.expire_pages = true,
        Act::Crash(after, worked) => {
            world.halt_at = Some(world.calls + after);
            world.halt_after = *worked;
        }
        _ => {}
    }
}
