//! Random interleavings of edits, failures, crashes and restarts: in the end AD holds what the
//! mapping says of the cloud, and no version was written twice.

use std::time::Duration;

use proptest::prelude::*;

use crate::job::{JobCommand, RestartScopes};
use crate::ports::{AgentName, CallError, Table};
use crate::test_world::{Shared, World, id, object_guid};
use crate::writeback::{JobEnd, WritebackJob};

const COUNT: u16 = 4;

#[derive(Debug, Clone)]
enum Act {
    Edit(u16),
    EditAtCall(u64),
    Flag(u16, bool),
    Result(u16, u32),
    Lose(usize, bool, bool),
    Offline(bool),
    Throttle,
    ServiceDown,
    ExpirePage,
    Crash(u64),
    Restart(bool),
    Pause,
    Start,
    Wait(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..COUNT).prop_map(Act::Edit),
        2 => (1..40_u64).prop_map(Act::EditAtCall),
        1 => (0..COUNT, any::<bool>()).prop_map(|(number, flag)| Act::Flag(number, flag)),
        1 => (0..COUNT, prop_oneof![Just(0_u32), Just(50), Just(51), Just(19)])
            .prop_map(|(number, result)| Act::Result(number, result)),
        2 => (0..4_usize, any::<bool>(), any::<bool>())
            .prop_map(|(at, applied, agent)| Act::Lose(at, applied, agent)),
        1 => any::<bool>().prop_map(Act::Offline),
        1 => Just(Act::Throttle),
        1 => Just(Act::ServiceDown),
        1 => Just(Act::ExpirePage),
        3 => (1..60_u64).prop_map(Act::Crash),
        1 => any::<bool>().prop_map(Act::Restart),
        1 => Just(Act::Pause),
        1 => Just(Act::Start),
        6 => (1..50_u64).prop_map(Act::Wait),
    ]
}

struct Play {
    world: Shared,
    job: WritebackJob,
    versions: u32,
}

impl Play {
    fn run(&mut self, minutes: u64) {
        let until = self.world.0.borrow().now + Duration::from_mins(minutes);
        while let Some(end) = self.world.run(&mut self.job, until) {
            assert_eq!(end, JobEnd::Halted);
            self.world.0.borrow_mut().halted = false;
            self.job = self.world.job();
        }
    }

    fn command(&mut self, command: JobCommand) {
        self.world.0.borrow_mut().commands.push_back(command);
        self.run(1);
    }

    fn act(&mut self, act: &Act) {
        {
            let mut world = self.world.0.borrow_mut();
            let calls = world.calls;
            match act {
                Act::Edit(number) => {
                    self.versions += 1;
                    world.edit(*number, &format!("v{}", self.versions));
                }
                Act::EditAtCall(after) => {
                    self.versions += 1;
                    world.at_call.insert(calls + after, |world| {
                        let number = u16::try_from(world.calls % u64::from(COUNT)).unwrap();
                        let text = format!("c{}", world.calls);
                        world.edit(number, &text);
                    });
                }
                Act::Flag(number, flag) => {
                    let now = world.now.floor_to_second();
                    let mailbox = world.mailboxes.get_mut(&id(*number)).unwrap();
                    mailbox.cloud_managed = *flag;
                    mailbox.when_changed = now;
                }
                Act::Result(number, result) => {
                    world.results.insert(object_guid(*number), *result);
                    if *result == 0 {
                        world.results.clear();
                    }
                }
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
                Act::Throttle => {
                    let refusal = CallError::Throttled { retry_after: None };
                    world.exchange_errors.push_back(refusal);
                }
                Act::ServiceDown => {
                    let down = CallError::Unreachable { detail: String::new() };
                    world.exchange_errors.extend(vec![down; 5]);
                }
                Act::ExpirePage => world.expire_pages = true,
                Act::Crash(after) => world.halt_at = Some(calls + after),
                Act::Restart(_) | Act::Pause | Act::Start | Act::Wait(_) => {}
            }
        }
        match act {
            Act::Restart(full) => {
                let scopes = RestartScopes { full: *full, ..RestartScopes::default() };
                self.command(JobCommand::Restart(scopes));
            }
            Act::Pause => self.command(JobCommand::Pause),
            Act::Start => self.command(JobCommand::Start),
            Act::Wait(minutes) => self.run(*minutes),
            _ => {}
        }
    }

    /// Everything heals, and time passes until every rung of the ladder has come.
    fn heal(&mut self) {
        {
            let mut world = self.world.0.borrow_mut();
            world.offline.clear();
            world.results.clear();
            world.lose = None;
            world.exchange_errors.clear();
            world.at_call.clear();
            world.halt_at = None;
            for mailbox in world.mailboxes.values_mut() {
                mailbox.cloud_managed = true;
            }
            for number in 0..COUNT {
                self.versions += 1;
                let text = world.mailboxes[&id(number)].values.lists()[0][0].clone();
                world.edit(number, &text);
            }
        }
        self.command(JobCommand::Start);
        self.run(49 * 60);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn in_the_end_ad_holds_what_the_cloud_says(acts in proptest::collection::vec(act(), 1..40)) {
        let world = World::with(COUNT);
        let job = world.job();
        let mut play = Play { world, job, versions: 0 };
        for act in &acts {
            play.act(act);
        }
        play.heal();
        let modifies = play.world.0.borrow().modifies;
        play.run(3 * 20);
        let world = play.world.0.borrow();
        prop_assert_eq!(world.modifies, modifies, "quiet after convergence");
        for number in 0..COUNT {
            let cloud = &world.mailboxes[&id(number)].values;
            let written = world.written(number);
            prop_assert_eq!(Some(written.as_str()), cloud.column(0).first());
        }
        let effective: u32 = world.effective.values().sum();
        prop_assert!(effective <= play.versions, "{effective} writes of {} versions", play.versions);
        prop_assert_eq!(world.store.len(Table::Intents), 0);
        prop_assert_eq!(world.store.len(Table::Escrow), 0);
    }
}
