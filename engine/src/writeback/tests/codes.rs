//! Every code that the job gives, provoked: where it stands and in which shape it is shown (Microsoft Learn,
//! "Cloud sync error codes", "Insufficient access rights"; Microsoft Graph reference, provisioningErrorInfo).

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::job::LogEntry;
use crate::job_log::{JobNames, summary};
use crate::writeback::WritebackConfig;

/// What stands in the log of a job whose first mailbox was edited in a world that was arranged so.
fn log_of(arrange: &dyn Fn(&mut World, &mut WritebackConfig)) -> Vec<LogEntry> {
    let world = World::with(3);
    let mut config = config();
    {
        let mut world = world.0.borrow_mut();
        for number in [0, 1] {
            world.edit(number, "edited");
        }
        arrange(&mut world, &mut config);
    }
    world.run_for(&mut WritebackJob::new(config), Duration::from_hours(1));
    core::mem::take(&mut world.0.borrow_mut().log)
}

/// An entry as Microsoft Graph shows it.
fn shown(entry: &LogEntry) -> Value {
    summary(entry, JobNames { tenant: "t", job: "j", domain: "contoso.com" }, 1)
}

fn agents_answer(world: &mut World, error: CallError) {
    world.agent_error = Some(error);
}

fn cloud_refuses(world: &mut World, code: &str) {
    let refused = CallError::Refused { code: code.into(), detail: "no".into() };
    world.exchange_errors.extend(vec![refused; 9]);
}

/// How a code is provoked.
type Arrange = fn(&mut World, &mut WritebackConfig);

/// What a code stands beside: a cycle that fails, one object that fails, or one that is skipped or warned of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Cycle,
    Object,
    Skip,
    Warning,
}

const TABLE: [(&str, Of, Arrange); 20] = [
    (code::TIME_OUT, Of::Cycle, |world, _| {
        agents_answer(world, CallError::TimedOut { detail: "10 minutes".into() });
    }),
    (code::NO_AGENTS_ASSIGNED, Of::Cycle, |world, _| world.agents.clear()),
    (code::NO_ACTIVE_AGENTS, Of::Cycle, |world, _| {
        world.agents.iter_mut().for_each(|agent| agent.active = false);
    }),
    (code::INVALID_RESOURCE, Of::Cycle, |world, _| {
        agents_answer(world, CallError::Refused { code: "49".into(), detail: "52e".into() });
    }),
    (code::AGENT_SIGNALING, Of::Cycle, |world, _| {
        agents_answer(world, CallError::Malformed { detail: "no LDAP".into() });
    }),
    (code::INTERNAL, Of::Object, |world, _| force(world, 53, "")),
    (code::DUPLICATE_ENTRIES, Of::Object, |world, _| {
        let mut twin = world.objects[&object_guid(0)].clone();
        twin.external_id = Some(crate::anchor::external_id(id(0)));
        world.users.get_mut(&id(0)).unwrap().object_identifier = None;
        for copy in [50, 51] {
            world.objects.insert(object_guid(copy), twin.clone());
        }
    }),
    (code::ACCESS_RIGHTS, Of::Object, |world, _| force(world, 50, "00002098: SecErr: DSID-0")),
    (code::CANNOT_FIND_ATTRIBUTE, Of::Object, |world, _| {
        force(
            world,
            16,
            "00000057: LdapErr: DSID-0, comment: Error in attribute conversion operation",
        );
    }),
    (code::UPN_NOT_UNIQUE, Of::Object, |world, _| {
        force(world, 19, "000021C8: AtrErr: DSID-0, #1: problem 1005 (CONSTRAINT_ATT_TYPE)");
    }),
    (code::INVALID_SYNTAX, Of::Object, |world, _| force(world, 21, "0000200B: AtrErr: DSID-0")),
    (code::SERVER_BUSY, Of::Object, |world, _| force(world, 51, "")),
    (code::INVALID_CREDENTIAL, Of::Cycle, |world, _| cloud_refuses(world, "AADSTS7000215")),
    (code::EXPIRED_CREDENTIALS, Of::Cycle, |world, _| cloud_refuses(world, "AADSTS7000222")),
    (code::AUTHENTICATION_FAILED, Of::Cycle, |world, _| cloud_refuses(world, "AADSTS700016")),
    (code::AUTHORIZATION_FAILED, Of::Cycle, |world, _| cloud_refuses(world, "403")),
    (code::BEYOND_LIMIT, Of::Warning, |_, config| config.job.switches.mailbox_limit = 1),
    (code::REDUNDANT_EXPORT, Of::Skip, |world, _| {
        world.set_in_ad(0, "extensionAttribute1", &[b"edited"]);
    }),
    (code::NOT_IN_SCOPE, Of::Skip, |world, _| {
        world.mailboxes.get_mut(&id(0)).unwrap().dir_synced = false;
        world.users.get_mut(&id(0)).unwrap().domain = Some("other.example".into());
        world.mailboxes.get_mut(&id(0)).unwrap().recipient_type_details = "DeskMailbox".into();
        world.mailboxes.get_mut(&id(0)).unwrap().dir_synced = true;
    }),
    (code::IMPORT_SKIPPED, Of::Skip, |world, _| {
        world.mailboxes.get_mut(&id(0)).unwrap().cloud_managed = false;
    }),
];

/// AD answers so to the modify of the first object.
fn force(world: &mut World, result: u32, diagnostic: &str) {
    world.results.insert(object_guid(0), result);
    diagnostic.clone_into(&mut world.diagnostic);
}

/// Each code of the list has its row, and its entry: with the code, its category and what to do of a failure,
/// with the reason of a skip; and whatever happens to one object, the next one is written.
#[test]
fn every_code_is_given_and_shown_as_documented() {
    let all: BTreeSet<&str> = code::ALL.into_iter().collect();
    let provoked: BTreeSet<&str> = TABLE.iter().map(|(code, _, _)| *code).collect();
    assert_eq!(provoked, all);
    for (code, of, arrange) in TABLE {
        let log = log_of(&arrange);
        let entry = log.iter().find(|entry| entry.code == code);
        let entry = entry.unwrap_or_else(|| panic!("{code} is not in the log: {log:?}"));
        assert_eq!(entry.mailbox.is_none(), of == Of::Cycle, "{code}");
        let shown = shown(entry);
        let told = &shown["provisioningStatusInfo"];
        let (status, error) = (&told["status"], &told["errorInformation"]);
        let steps = shown["provisioningSteps"].as_array().unwrap();
        let last = &steps.last().unwrap();
        match of {
            Of::Skip => {
                assert_eq!((status, error), (&"skipped".into(), &Value::Null), "{code}");
                assert_eq!(last["details"]["SkipReason"], code);
                assert!(shown["modifiedProperties"].as_array().unwrap().is_empty(), "{code}");
            }
            Of::Warning => {
                assert_eq!((status, &error["errorCode"]), (&"warning".into(), &code.into()));
                assert_eq!(last["status"], "success");
            }
            Of::Cycle | Of::Object => {
                assert_eq!((status, &error["errorCode"]), (&"failure".into(), &code.into()));
                assert_eq!(last["details"]["ErrorCode"], code);
                assert_eq!(last["status"], "failure", "{code}");
                assert!(!error["reason"].as_str().unwrap().is_empty(), "{code}");
                assert!(shown["modifiedProperties"].as_array().unwrap().is_empty(), "{code}");
            }
        }
        if of != Of::Skip {
            assert!(!error["recommendedAction"].as_str().unwrap().is_empty(), "{code}");
            let categories = ["failure", "nonServiceFailure"];
            assert!(categories.contains(&error["errorCategory"].as_str().unwrap()), "{code}");
        }
        if of != Of::Cycle {
            let other = |entry: &&LogEntry| {
                entry.mailbox == Some(id(1)) && entry.status == LogStatus::Success
            };
            assert_eq!(log.iter().filter(other).count(), 1, "{code}: the next one is written");
        }
    }
}

/// What AD answers to a modify, each result with the code it is shown under and when it is tried again: in the
/// next cycle what passes by itself, six hours later what does not.
#[test]
fn every_result_of_ad_has_a_code_and_its_rung() {
    const NEXT: u64 = 0;
    const LADDER: u64 = 6;
    let table = [
        (3, code::TIME_OUT, NEXT),
        (4, code::INTERNAL, LADDER),
        (10, code::INTERNAL, NEXT),
        (11, code::INTERNAL, LADDER),
        (16, code::CANNOT_FIND_ATTRIBUTE, NEXT),
        (17, code::CANNOT_FIND_ATTRIBUTE, LADDER),
        (19, code::INVALID_SYNTAX, LADDER),
        (20, code::INVALID_SYNTAX, NEXT),
        (21, code::INVALID_SYNTAX, LADDER),
        (32, code::INTERNAL, NEXT),
        (50, code::ACCESS_RIGHTS, LADDER),
        (51, code::SERVER_BUSY, NEXT),
        (52, code::SERVER_BUSY, NEXT),
        (53, code::INTERNAL, LADDER),
        (65, code::CANNOT_FIND_ATTRIBUTE, LADDER),
        (68, code::INTERNAL, NEXT),
    ];
    for (result, code, hours) in table {
        let (world, mut job) = settled(2);
        world.0.borrow_mut().edit(0, "x");
        world.0.borrow_mut().edit(1, "y");
        world.0.borrow_mut().results.insert(object_guid(0), result);
        next_cycle(&world, &mut job);
        {
            let world = world.0.borrow();
            assert_eq!(world.entries(LogStatus::Failure), [(code, Some(id(0)))], "{result}");
            let entry = world.log.iter().find(|entry| entry.status == LogStatus::Failure).unwrap();
            assert!(entry.detail.contains(&format!("({result})")), "{}", entry.detail);
            assert_eq!(world.written(1), "y", "{result}");
        }
        let failed = world.0.borrow().now;
        world.0.borrow_mut().results.clear();
        while job.escrowed() > 0 {
            next_cycle(&world, &mut job);
        }
        assert_eq!(world.0.borrow().written(0), "x", "{result}");
        let waited = world.0.borrow().now.since(failed).as_secs() / 3_600;
        assert_eq!(waited, hours, "{result}");
    }
}
