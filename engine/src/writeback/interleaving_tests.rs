//! Random interleavings of edits, failures, crashes and restarts. In the end AD holds what the
//! mapping says of the cloud; no modify names an attribute that it does not change; and no version of
//! a mailbox is written twice, nor even tried twice in one cycle.
//!
//! Nothing touches the mailboxes at the end: a change that a watermark skipped would stay lost.
//! `PROPTEST_CASES` says how many cases are played.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::job::{JobCommand, LogStatus, ProxyMode, RestartScopes};
use crate::planted_bugs::PlantedBugs;
use crate::ports::{AgentName, CallError, MailboxId, Table};
use crate::test_world::{Sent, Shared, World, config, id, object_guid};
use crate::writeback::{JobEnd, WritebackConfig, WritebackJob};

const COUNT: u16 = 4;

/// What an edit does besides stamping the mailbox with its version in `CustomAttribute1`.
#[derive(Debug, Clone)]
enum Edit {
    Stamp,
    Text(usize, Option<u8>),
    Set(usize, Vec<&'static str>),
    Addresses(Vec<&'static str>),
    Kind(&'static str),
}

#[derive(Debug, Clone)]
enum Act {
    Edit(u16, Edit),
    /// An edit of one mailbox while the engine makes the call so many calls ahead.
    EditAtCall(u64, u16, Edit),
    Flag(u16, bool),
    Result(u16, u32),
    Recover,
    Lose(usize, bool, bool),
    Offline(bool),
    Online,
    Throttle(Option<u64>),
    ServiceDown,
    ExpirePage,
    /// The process ends at the call so many calls ahead; `true`: the call did its work.
    Crash(u64, bool),
    Restart(RestartScopes),
    OnDemand(u16),
    Pause,
    Start,
    Wait(u64),
}

/// How the sides differ before the job ever ran, and how it is configured.
#[derive(Debug, Clone)]
struct Setting {
    emptied: Vec<(u16, usize)>,
    addresses: Vec<(u16, Vec<&'static str>)>,
    null_flow: bool,
    mode: ProxyMode,
    page_size: usize,
    /// The first mailbox is not cloud-managed before everything heals.
    outside: bool,
    /// How far listings reach back behind the watermark, in seconds.
    overlap: u64,
}

fn edit() -> impl Strategy<Value = Edit> {
    const VALUES: [&str; 4] = ["a", "B", "ä", "long value"];
    const ADDRESSES: [&str; 6] = [
        "smtp:x@contoso.com",
        "smtp:Y@contoso.com",
        "smtp:z@contoso.onmicrosoft.com",
        "X500:/o=Cloud",
        "SIP:x@contoso.com",
        "smtp:w@contoso.com",
    ];
    // Exactly one primary, or no SMTP address at all.
    let addresses = |chosen: Vec<&'static str>, primary: usize| {
        const PRIMARIES: [&str; 2] = ["SMTP:p@contoso.com", "SMTP:Q@contoso.com"];
        let mut addresses = chosen;
        addresses.extend(PRIMARIES.get(primary));
        if primary == PRIMARIES.len() {
            addresses.retain(|text| !text.starts_with("smtp:"));
        }
        Edit::Addresses(addresses)
    };
    prop_oneof![
        3 => Just(Edit::Stamp),
        2 => (1..15_usize, prop::option::of(0..3_u8)).prop_map(|(at, text)| Edit::Text(at, text)),
        2 => (15..20_usize, subsequence(VALUES.to_vec(), 0..4))
            .prop_map(|(at, values)| Edit::Set(at, values)),
        2 => (subsequence(ADDRESSES.to_vec(), 0..5), 0..3_usize)
            .prop_map(move |(chosen, primary)| addresses(chosen, primary)),
        1 => prop_oneof![Just("UserMailbox"), Just("SharedMailbox"), Just("RoomMailbox")]
            .prop_map(Edit::Kind),
    ]
}

fn scopes() -> impl Strategy<Value = RestartScopes> {
    // Not `Escrows` alone: who asks for that gives recorded failures up.
    let of = |watermark, quarantine, full| RestartScopes {
        watermark,
        quarantine,
        full,
        ..RestartScopes::default()
    };
    prop_oneof![
        Just(RestartScopes::default()),
        Just(of(true, false, false)),
        Just(of(false, true, false)),
        Just(of(false, false, true)),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let lose = (0..4_usize, any::<bool>(), any::<bool>());
    let result = prop_oneof![Just(50_u32), Just(51), Just(19), Just(16), Just(32)];
    prop_oneof![
        4 => (0..COUNT, edit()).prop_map(|(number, edit)| Act::Edit(number, edit)),
        3 => (1..40_u64, 0..COUNT, edit())
            .prop_map(|(after, number, edit)| Act::EditAtCall(after, number, edit)),
        1 => (1..COUNT, any::<bool>()).prop_map(|(number, flag)| Act::Flag(number, flag)),
        1 => (0..COUNT, result).prop_map(|(number, result)| Act::Result(number, result)),
        1 => Just(Act::Recover),
        2 => lose.prop_map(|(at, applied, agent)| Act::Lose(at, applied, agent)),
        1 => any::<bool>().prop_map(Act::Offline),
        1 => Just(Act::Online),
        1 => prop::option::of(0..300_u64).prop_map(Act::Throttle),
        1 => Just(Act::ServiceDown),
        1 => Just(Act::ExpirePage),
        3 => (1..60_u64, any::<bool>()).prop_map(|(after, worked)| Act::Crash(after, worked)),
        1 => scopes().prop_map(Act::Restart),
        1 => (0..COUNT).prop_map(Act::OnDemand),
        1 => Just(Act::Pause),
        1 => Just(Act::Start),
        6 => (1..50_u64).prop_map(Act::Wait),
    ]
}

fn setting() -> impl Strategy<Value = Setting> {
    const HELD: [&str; 5] =
        ["SMTP:old@contoso.com", "smtp:older@contoso.com", "X500:/o=AD", "sip:ad@c.com", "odd"];
    let emptied = prop::collection::vec((0..COUNT, 0..24_usize), 0..5);
    let addresses =
        prop::collection::vec((0..COUNT, subsequence(HELD.to_vec(), 0..5)), 0..usize::from(COUNT));
    let mode = prop_oneof![Just(ProxyMode::ReplaceSmtp), Just(ProxyMode::ReplaceAll)];
    let overlap = prop_oneof![Just(0_u64), 1..400_u64];
    (emptied, addresses, any::<bool>(), mode, 1..6_usize, any::<bool>(), overlap).prop_map(
        |(emptied, addresses, null_flow, mode, page_size, outside, overlap)| Setting {
            emptied,
            addresses,
            null_flow,
            mode,
            page_size,
            outside,
            overlap,
        },
    )
}

fn edit_mailbox(world: &mut World, number: u16, edit: &Edit, stamp: &str) {
    let texts = |values: &[&str]| values.iter().map(|text| (*text).to_owned()).collect();
    world.change(number, |mailbox| {
        mailbox.values.edit(|values| {
            values[0] = vec![stamp.to_owned()];
            match edit {
                Edit::Stamp | Edit::Kind(_) => {}
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

/// A world, its job, and what is counted while they play.
struct Play {
    world: Shared,
    config: WritebackConfig,
    job: WritebackJob,
    versions: u32,
    commands: u32,
    lives: u32,
    /// How often each version of each object was tried, by life, commands so far and cycle.
    tries: BTreeMap<(u32, u32, u64, MailboxId, String), usize>,
    /// The on-demand requests, by commands so far.
    demanded: BTreeSet<(u32, MailboxId)>,
    counted: usize,
    /// What AD held of other types before the job ran.
    other_types: BTreeMap<u16, Vec<String>>,
}

impl Play {
    fn new(setting: &Setting, bugs: PlantedBugs) -> Self {
        let world = World::with(COUNT);
        {
            let mut world = world.0.borrow_mut();
            world.page_size = setting.page_size;
            world.mailboxes.get_mut(&id(0)).unwrap().cloud_managed = !setting.outside;
            for (number, attribute) in &setting.emptied {
                let entry = world.objects.get_mut(&object_guid(*number)).unwrap();
                let name = crate::attributes::CONTRACT[*attribute].ldap_name;
                entry.values.insert(name.to_owned(), Vec::new());
            }
            for (number, held) in &setting.addresses {
                let entry = world.objects.get_mut(&object_guid(*number)).unwrap();
                let held = held.iter().map(|text| text.as_bytes().to_vec()).collect();
                entry.values.insert("proxyAddresses".to_owned(), held);
            }
        }
        let other_types = (0..COUNT).map(|number| (number, other_types(&world, number))).collect();
        let mut config = config();
        config.job.switches.null_flow = setting.null_flow;
        config.job.switches.null_flow_multi = setting.null_flow;
        config.job.switches.proxy_mode = setting.mode;
        config.job.switches.watermark_overlap = Duration::from_secs(setting.overlap);
        config.bugs = bugs;
        let job = WritebackJob::new(config.clone());
        Self {
            world,
            config,
            job,
            versions: 0,
            commands: 0,
            lives: 0,
            tries: BTreeMap::new(),
            demanded: BTreeSet::new(),
            counted: 0,
            other_types,
        }
    }

    fn run(&mut self, minutes: u64) {
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
        let world = self.world.0.borrow();
        for sent in &world.sent[self.counted..] {
            let number = (0..COUNT).find(|number| object_guid(*number) == sent.object).unwrap();
            let key = (self.lives, self.commands, cycle, id(number), sent.stamp.clone());
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

    fn stamp(&mut self) -> String {
        self.versions += 1;
        format!("v{}", self.versions)
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Edit(number, edit) => {
                let stamp = self.stamp();
                edit_mailbox(&mut self.world.0.borrow_mut(), *number, edit, &stamp);
            }
            Act::EditAtCall(after, number, edit) => {
                let (stamp, number, edit) = (self.stamp(), *number, edit.clone());
                let mut world = self.world.0.borrow_mut();
                let call = world.calls + after;
                let act = move |world: &mut World| edit_mailbox(world, number, &edit, &stamp);
                world.at_call.insert(call, Box::new(act));
            }
            Act::Restart(scopes) => self.command(JobCommand::Restart(*scopes)),
            Act::OnDemand(number) => {
                let (request, rule, mailbox) = (1, "rule".to_owned(), id(*number));
                self.command(JobCommand::ProvisionOnDemand { request, rule, mailbox });
            }
            Act::Pause => self.command(JobCommand::Pause),
            Act::Start => self.command(JobCommand::Start),
            Act::Wait(minutes) => self.run(*minutes),
            other => script(&mut self.world.0.borrow_mut(), other),
        }
    }

    /// Everything heals, and time passes until every rung of the ladder has come.
    fn heal(&mut self) {
        {
            let mut world = self.world.0.borrow_mut();
            world.offline.clear();
            world.results.clear();
            world.lose = None;
            world.expire_pages = false;
            world.exchange_errors.clear();
            world.at_call.clear();
            world.halt_at = None;
            for number in 0..COUNT {
                if !world.mailboxes[&id(number)].cloud_managed {
                    world.change(number, |mailbox| mailbox.cloud_managed = true);
                }
            }
        }
        self.command(JobCommand::Start);
        for _ in 0..26 {
            self.run(3 * 20);
            if self.job.escrowed() == 0 {
                break;
            }
        }
    }

    fn check(&self, setting: &Setting) -> Result<(), TestCaseError> {
        let world = self.world.0.borrow();
        prop_assert_eq!(world.store.len(Table::Intents), 0);
        prop_assert_eq!(world.store.len(Table::Escrow), 0);
        for number in 0..COUNT {
            self.check_object(&world, number, setting)?;
        }
        let mut written = BTreeSet::new();
        for sent in &world.sent {
            prop_assert!(sent.result != 0 || sent.unchanged.is_empty(), "{:?}", sent);
            if sent.result == 0 {
                prop_assert!(written.insert((sent.object, &sent.stamp)), "twice: {:?}", sent);
            }
        }
        for (key, count) in &self.tries {
            // What somebody asks for by name is tried for that, and in the cycle as well. It may
            // wait for its turn while the service is throttled.
            let demanded =
                |(commands, mailbox): &&(u32, MailboxId)| *commands <= key.1 && *mailbox == key.3;
            let allowed = 1 + self.demanded.iter().filter(demanded).count();
            prop_assert!(*count <= allowed, "{} times: {:?}", count, key);
        }
        // Each write is in the log, and nothing is logged as written that was not.
        for number in 0..COUNT {
            let (id, object) = (id(number), object_guid(number));
            let logged: BTreeSet<String> = world
                .log
                .iter()
                .filter(|entry| entry.mailbox == Some(id) && entry.status == LogStatus::Success)
                .map(|entry| format!("{:?}", entry.modified))
                .collect();
            let done = written.iter().filter(|(of, _)| *of == object).count();
            prop_assert_eq!(logged.len(), done, "{:?}", logged);
        }
        Ok(())
    }

    /// The mapping in plain words, written apart from the engine's.
    fn check_object(
        &self,
        world: &World,
        number: u16,
        setting: &Setting,
    ) -> Result<(), TestCaseError> {
        let mailbox = &world.mailboxes[&id(number)];
        let cloud = mailbox.values.lists();
        let held = |name: &str| {
            let mut values = world.value(number, name);
            values.sort();
            values
        };
        let plain = (0..15).map(|at| (at, format!("extensionAttribute{}", at + 1)));
        let sets = (15..20).map(|at| (at, format!("msExchExtensionCustomAttribute{}", at - 14)));
        for (at, name) in plain.chain(sets).chain([(21, "mail".to_owned())]) {
            let mut wanted = cloud[at].clone();
            wanted.sort();
            if !wanted.is_empty() || setting.null_flow {
                prop_assert_eq!(held(&name), wanted, "{} of {}", name, number);
            }
        }
        let kind = match mailbox.recipient_type_details.as_ref() {
            "SharedMailbox" => ["34359738368", "-2147483642"],
            "RoomMailbox" => ["8589934592", "-2147481850"],
            _ => ["2147483648", "-2147483642"],
        };
        prop_assert_eq!(held("msExchRecipientTypeDetails"), [kind[0]]);
        prop_assert_eq!(held("msExchRecipientDisplayType"), [kind[1]]);
        let smtp = |text: &String| text.to_lowercase().starts_with("smtp:");
        if !cloud[20].iter().any(smtp) && !setting.null_flow {
            return Ok(());
        }
        let mut wanted: BTreeSet<String> = cloud[20].iter().cloned().collect();
        if setting.mode == ProxyMode::ReplaceSmtp {
            wanted.retain(|text| !text.starts_with("SIP:"));
            wanted.extend(self.other_types[&number].iter().cloned());
            // An X500 address of the cloud stays when the cloud has dropped it since.
            let mut found = world.value(number, "proxyAddresses");
            let kept = "X500:/o=Cloud".to_owned();
            found.retain(|text| *text != kept || wanted.contains(&kept));
            prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted);
        } else {
            let found = world.value(number, "proxyAddresses");
            prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted);
        }
        Ok(())
    }
}

/// Addresses of an object that are no SMTP addresses.
fn other_types(world: &Shared, number: u16) -> Vec<String> {
    let mut held = world.0.borrow().value(number, "proxyAddresses");
    held.retain(|text| !text.to_lowercase().starts_with("smtp:"));
    held
}

/// What needs no step of the job.
fn script(world: &mut World, act: &Act) {
    match act {
        Act::Flag(number, flag) => {
            world.change(*number, |mailbox| mailbox.cloud_managed = *flag);
        }
        Act::Result(number, result) => {
            world.results.insert(object_guid(*number), *result);
        }
        Act::Recover => world.results.clear(),
        Act::Lose(at, applied, agent) => {
            world.lose = Some((*at, *applied));
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

proptest! {
    #[test]
    fn in_the_end_ad_holds_what_the_cloud_says(
        setting in setting(),
        acts in prop::collection::vec(act(), 1..40),
    ) {
        play(&setting, &acts, PlantedBugs::none())?;
    }

    /// However late a copy shows a change, and whichever copy answers: with an overlap as long, every
    /// change is written, none twice and none back, and what comes again is logged once, also by
    /// another process.
    #[test]
    fn a_change_that_shows_late_is_not_skipped(
        overlap in 0..600_u64,
        page_size in 1..4_usize,
        restarts: bool,
        moves in prop::collection::vec((0..COUNT, 0..600_u64, 0..1_500_u64), 1..20),
    ) {
        let world = World::with(COUNT);
        world.0.borrow_mut().page_size = page_size;
        let mut config = config();
        config.job.switches.watermark_overlap = Duration::from_secs(overlap);
        let mut job = WritebackJob::new(config.clone());
        world.run_for(&mut job, Duration::from_mins(1));
        for (version, (number, lag, seconds)) in moves.into_iter().enumerate() {
            world.0.borrow_mut().lag = Duration::from_secs(lag.min(overlap));
            world.0.borrow_mut().edit(number, &format!("v{version}"));
            world.run_for(&mut job, Duration::from_secs(seconds));
            if restarts {
                job = WritebackJob::new(config.clone());
            }
        }
        world.run_for(&mut job, Duration::from_mins(50));
        let world = world.0.borrow();
        for number in 0..COUNT {
            let cloud = world.mailboxes[&id(number)].values.lists();
            prop_assert_eq!(world.written(number), cloud[0].concat());
        }
        let mut written = BTreeSet::new();
        for sent in &world.sent {
            prop_assert!(sent.unchanged.is_empty() && written.insert((sent.object, &sent.stamp)));
        }
        let told = |entry: &&crate::job::LogEntry| entry.cycle > 1;
        prop_assert_eq!(world.log.iter().filter(told).count(), written.len());
    }

    /// Whatever changes in whatever fraction of a second, between or within pages, is exported by the
    /// second cycle after it.
    #[test]
    fn no_change_slips_past_the_watermark(
        page_size in 1..4_usize,
        edits in prop::collection::vec((0..30_u64, 0..1_500_000_u64, 0..COUNT), 1..25),
    ) {
        let world = World::with(COUNT);
        world.0.borrow_mut().page_size = page_size;
        let mut job = world.job();
        let first = world.0.borrow().calls;
        for (version, (call, micros, number)) in edits.into_iter().enumerate() {
            let act = move |world: &mut World| {
                world.now = world.now + Duration::from_micros(micros);
                world.edit(number, &format!("v{version}"));
            };
            // Two edits at one call are one.
            world.0.borrow_mut().at_call.insert(first + 1 + call, Box::new(act));
        }
        world.run_for(&mut job, Duration::from_hours(2));
        prop_assert!(world.0.borrow().at_call.is_empty(), "every edit was made");
        world.run_for(&mut job, Duration::from_mins(40));
        let world = world.0.borrow();
        for number in 0..COUNT {
            let cloud = world.mailboxes[&id(number)].values.lists();
            prop_assert_eq!(world.written(number), cloud[0].concat());
        }
    }
}

fn play(setting: &Setting, acts: &[Act], bugs: PlantedBugs) -> Result<(), TestCaseError> {
    let mut play = Play::new(setting, bugs);
    for act in acts {
        play.act(act);
    }
    let outside = |sent: &Sent| setting.outside && sent.object == object_guid(0);
    prop_assert!(!play.world.0.borrow().sent.iter().any(outside), "AD had authority over it");
    play.heal();
    let modifies = play.world.0.borrow().modifies;
    play.run(3 * 20);
    prop_assert_eq!(play.world.0.borrow().modifies, modifies, "quiet after convergence");
    play.check(setting)
}

/// What these properties are worth: each deliberate mistake breaks them within some cases.
#[cfg(feature = "planted-bugs")]
#[test]
fn every_planted_bug_breaks_the_property() {
    use crate::planted_bugs::PlantedBug;
    use proptest::test_runner::{Config, TestRunner};

    // These are no mistakes of a job that this world can show.
    let elsewhere = [
        PlantedBug::IgnoreScopingFilter,
        PlantedBug::BelieveTheAnswer,
        PlantedBug::OutliveItsEnd,
        PlantedBug::RefusalAsSuccess,
        PlantedBug::StopAtRefusal,
    ];
    for bug in PlantedBug::ALL.into_iter().filter(|bug| !elsewhere.contains(bug)) {
        let config = Config {
            cases: 4_000,
            failure_persistence: None,
            max_shrink_iters: 0,
            ..Config::default()
        };
        let cases = (setting(), prop::collection::vec(act(), 1..40));
        let result = TestRunner::new_with_rng(
            config,
            proptest::test_runner::TestRng::deterministic_rng(
                proptest::test_runner::RngAlgorithm::ChaCha,
            ),
        )
        .run(&cases, |(setting, acts)| {
            // An overlap makes good for some of them.
            let setting = Setting { overlap: 0, ..setting };
            play(&setting, &acts, PlantedBugs::of(&[bug]))
        });
        assert!(result.is_err(), "{bug:?}");
    }
}
