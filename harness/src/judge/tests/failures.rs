//! Failures: the log tells of each, and none holds up whoever is beside it.

use sim::entra::job::{JobReport, StatusCode};
use sim::ledger::SchemaChange;

use super::*;

const SIGNALING: &str = "HybridIdentityServiceAgentSignalingError";

#[test]
fn the_log_says_what_happened() {
    let estate = estate();
    let (mailbox, object) = (mailbox(&estate), object(&estate));
    let modify = |effective: bool, code: u32| match modify(object, 1, true) {
        Event::Outcome(outcome) => Event::Outcome(Outcome { effective, code, ..outcome }),
        other => other,
    };
    let check = |events: &[Event]| {
        let mut oracle = LoggedTruthfully::default();
        charges(&mut oracle, &estate, events).len() + oracle.at_rest(&estate).len()
    };
    let success = logged(mailbox, LogStatus::Success, "");
    let refused = "HybridSynchronizationActiveDirectoryInsufficientAccessRights";
    assert_eq!(check(&[modify(true, 0), success.clone()]), 0);
    assert_eq!(check(std::slice::from_ref(&success)), 1, "nothing was written");
    assert_eq!(check(&[modify(true, 0), success.clone(), success.clone()]), 1, "said twice");
    let crash = [process(false), process(true)];
    let twice =
        [&[modify(true, 0), success.clone()], &crash[..], std::slice::from_ref(&success)].concat();
    assert_eq!(check(&twice), 0, "after a crash an entry may come twice");
    assert_eq!(check(&[modify(false, 50), logged(mailbox, LogStatus::Failure, refused)]), 0);
    assert_eq!(check(&[modify(false, 50)]), 1, "a refusal in silence");
    assert_eq!(check(&[logged(mailbox, LogStatus::Failure, "Oops")]), 1, "no such code");
    assert_eq!(check(&[modify(true, 0)]), 1, "a write in silence");
    assert_eq!(check(&[modify(true, 0), crash[0].clone(), crash[1].clone()]), 0, "it died");
    let failure = logged(mailbox, LogStatus::Failure, SIGNALING);
    assert_eq!(check(&[modify(true, 0), failure.clone()]), 1, "it had written");
    let gone = Event::NotArrived(NotArrived { at: at(4), object });
    assert_eq!(check(&[modify(true, 0), gone, failure.clone()]), 0, "and the rest was lost");
    let mended = [modify(false, 50), modify(true, 0), success.clone()];
    assert_eq!(check(&mended), 1, "a refusal that a retry mended is a refusal");
    let said = logged(mailbox, LogStatus::Failure, refused);
    let told = [modify(false, 50), said, modify(true, 0), success];
    assert_eq!(check(&told), 0);
    let skipped = logged(mailbox, LogStatus::Skipped, "RedundantExport");
    let lost = |event| match event {
        Event::Outcome(outcome) => Event::Outcome(Outcome { answered: false, ..outcome }),
        other => other,
    };
    assert_eq!(check(&[lost(modify(true, 0)), failure]), 0, "it could not know");
    assert_eq!(check(&[lost(modify(true, 0)), skipped]), 0, "it found it done");
    assert_eq!(check(&[cycle(1, true)]), 1, "a cycle that fails in silence");
    let why = match logged(mailbox, LogStatus::Failure, "HybridIdentityServiceNoActiveAgents") {
        Event::Logged(logged) => Event::Logged(Logged { object: None, ..logged }),
        other => other,
    };
    assert_eq!(check(&[why, cycle(1, true)]), 0);
}

/// A world in which the log is asked who is in scope: one cloud-managed mailbox, or under these switches.
fn judged(switches: &str, events: &dyn Fn(&Estate) -> Vec<Event>) -> usize {
    let text = format!(
        "scenario: T\nworld: {{switches: {{{switches}}}, population: [user: {{name: u1, cloud_managed: \
         true}}]}}\nstory: [{{wait: 0s}}]\n"
    );
    let estate = estate_by(&text);
    let mut oracle = LoggedTruthfully::new(&estate);
    charges(&mut oracle, &estate, &events(&estate)).len() + oracle.at_rest(&estate).len()
}

#[test]
fn a_failure_is_of_somebody_who_was_tried() {
    const BUSY: &str = "AzureDirectoryServiceServerBusy";
    const INTERNAL: &str = "HybridSynchronizationActiveDirectoryInternalServerError";
    const RIGHTS: &str = "HybridSynchronizationActiveDirectoryInsufficientAccessRights";
    let failed = |estate: &Estate, code| logged(mailbox(estate), LogStatus::Failure, code);
    let look = |estate: &Estate| read(mailbox(estate), Activity::Writeback, Some(true));
    let find = |estate: &Estate| read(object(estate), Activity::Writeback, None);
    let hit =
        |name| Event::Fault(FaultHit { at: at(2), rule: 0, name, place: "somewhere".to_owned() });
    let seen = |code| judged("", &|estate| vec![look(estate), find(estate), failed(estate, code)]);
    assert_eq!(judged("", &|estate| vec![failed(estate, BUSY)]), 1, "nobody looked at it");
    assert_eq!(seen(BUSY), 1, "its object was found, and nothing was sent for it");
    assert_eq!(seen(INTERNAL), 1, "and it was found");
    let missed = |code| judged("", &|estate| vec![look(estate), failed(estate, code)]);
    assert_eq!(missed(INTERNAL), 0, "it was looked for, and not found");
    assert_eq!(missed(RIGHTS), 1, "that is what the directory alone can say");
    assert_eq!(seen("HybridSynchronizationActiveDirectoryUnexpectedDuplicateEntriesFound"), 0);
    let beside = |name| {
        judged("", &|estate| vec![look(estate), hit(name), find(estate), failed(estate, BUSY)])
    };
    assert_eq!(beside("connection_lost"), 0, "what went with the connection nobody knows");
    assert_eq!(beside("dc_busy"), 1, "that struck somebody else's modify alone");
    let busy = |estate: &Estate| match modify(object(estate), 1, true) {
        Event::Outcome(outcome) => {
            Event::Outcome(Outcome { code: 51, effective: false, ..outcome })
        }
        other => other,
    };
    assert_eq!(judged("", &|e| vec![look(e), find(e), busy(e), failed(e, BUSY)]), 0);
}

#[test]
fn what_was_never_answered_stands_in_the_log() {
    let lost = |estate: &Estate| match modify(object(estate), 1, true) {
        Event::Outcome(outcome) => Event::Outcome(Outcome { answered: false, ..outcome }),
        other => other,
    };
    let gone = |e: &Estate| Event::NotArrived(NotArrived { at: at(4), object: object(e) });
    let held = |e: &Estate| Event::HeldBack(HeldBack { at: at(4), object: object(e) });
    let found =
        |of: &dyn Fn(&Estate) -> Event, more: &dyn Fn(&Estate) -> Vec<Event>, runs: bool| {
            let mut estate = estate();
            if runs {
                estate.take_job_report(running());
            }
            let mut oracle = LoggedTruthfully::new(&estate);
            let events = [vec![of(&estate)], more(&estate)].concat();
            charges(&mut oracle, &estate, &events).len() + oracle.at_rest(&estate).len()
        };
    let told = |e: &Estate| vec![logged(mailbox(e), LogStatus::Failure, SIGNALING)];
    for of in [&lost as &dyn Fn(&Estate) -> Event, &gone, &held] {
        assert_eq!(found(of, &|_| Vec::new(), true), 1);
        assert_eq!(found(of, &told, true), 0);
        assert_eq!(found(of, &|_| vec![process(false), process(true)], true), 0, "it died");
        assert_eq!(found(of, &|_| Vec::new(), false), 0, "a job that does not run looks later");
    }
}

/// What the engine finds at its second look is written, whenever it landed.
#[test]
fn what_lands_while_the_engine_looks_is_written() {
    let held = |e: &Estate| Event::HeldBack(HeldBack { at: at(1), object: object(e) });
    let lands =
        |e: &Estate| late(wrote(object(e), Activity::Writeback, IN_AD, (&["a"], &["b"]), 3), 1);
    let success = |e: &Estate| logged(mailbox(e), LogStatus::Success, "");
    assert_eq!(judged("", &|e| vec![held(e), lands(e), success(e)]), 0);
    assert_eq!(judged("", &|e| vec![held(e), success(e)]), 1, "nothing has landed");
}

fn running() -> JobReport {
    JobReport {
        status: StatusCode::Active,
        last_execution: None,
        escrowed: 0,
        escrows_pruned: false,
        linked: 1,
        quarantine: None,
    }
}

#[test]
fn who_is_left_out_is_not_in_scope() {
    let left = |e: &Estate, code| logged(mailbox(e), LogStatus::Skipped, code);
    let look = |e: &Estate, flag| read(mailbox(e), Activity::Writeback, Some(flag));
    let said = |switches: &str, flag, code| {
        judged(switches, &|e: &Estate| vec![look(e, flag), left(e, code)])
    };
    assert_eq!(said("", true, "NotInScope"), 1);
    assert_eq!(said("", false, "NotInScope"), 0, "the engine read that AD has the authority");
    assert_eq!(said("first_time_requires_initial: true", true, "NotInScope"), 0, "it may wait");
    assert_eq!(said("", true, "ImportSkipped"), 1);
    assert_eq!(said("", false, "ImportSkipped"), 0);
    let unread = judged("", &|e: &Estate| vec![left(e, "NotInScope")]);
    assert_eq!(unread, 0, "nothing was read of it");
    let moved = judged("", &|e: &Estate| {
        let edit = wrote(object(e), Activity::Person, IN_AD, (&["a"], &["b"]), 3);
        vec![look(e, true), edit, left(e, "NotInScope")]
    });
    assert_eq!(moved, 0, "somebody changed something meanwhile");
    let schema = SchemaChange { at: at(0), flows: Vec::new() };
    let rescoped = judged("", &|e: &Estate| {
        vec![Event::Schema(schema.clone()), look(e, true), left(e, "NotInScope")]
    });
    assert_eq!(rescoped, 0, "the job may go by the filter that it had");
}

#[test]
fn a_cycle_that_ends_well_answers_for_every_edit_beside_a_refusal() {
    let (estate, all) = estate_of(2);
    let ad = |person: usize| {
        let ad = estate.subjects()[person].ad.unwrap();
        ObjectKey::ad(ad.forest, ad.number)
    };
    let edit = |person: usize| wrote(all[person], Activity::Person, IN_CLOUD, (&[], &["b"]), 1);
    let answer = |person: usize, code: u32| match modify(ad(person), 1, true) {
        Event::Outcome(outcome) => {
            Event::Outcome(Outcome { code, effective: code == 0, ..outcome })
        }
        other => other,
    };
    let check = |events: &[Event]| {
        let found = charges(&mut Isolation::new(&estate), &estate, events);
        found.iter().filter_map(|charge| charge.person).collect::<Vec<_>>()
    };
    let edits = [edit(0), edit(1)];
    let with = |rest: &[Event]| check(&[&edits[..], rest].concat());
    assert_eq!(with(&[answer(0, 50), cycle(2, false)]), [1], "nothing became of the other");
    assert!(with(&[answer(0, 50), answer(1, 0), cycle(2, false)]).is_empty());
    let skipped = logged(all[1], LogStatus::Skipped, "RedundantExport");
    assert!(with(&[answer(0, 50), skipped, cycle(2, false)]).is_empty());
    assert!(with(&[answer(0, 0), cycle(2, false)]).is_empty(), "nobody was refused");
    let left_out = logged(all[1], LogStatus::Skipped, "NotInScope");
    let told = [left_out.clone(), edit(0), edit(1), answer(0, 50), cycle(2, false)];
    assert!(check(&told).is_empty(), "who is not in scope is owed nothing");
    let flip = wrote(all[1], Activity::Person, property::FLAG, (&["False"], &["True"]), 1);
    let back = [left_out, flip, edit(0), edit(1), answer(0, 50), cycle(2, false)];
    assert_eq!(check(&back), [1], "and who comes back is");
    assert!(with(&[answer(0, 50), cycle(2, true)]).is_empty(), "the next cycle goes on");
}

#[test]
fn whoever_was_not_refused_is_not_held_up() {
    let difference = |object| Charge {
        oracle: "convergence",
        at: at(9),
        object: Some(object),
        person: None,
        attribute: None,
        writer: None,
        message: String::new(),
        expected: None,
        actual: None,
    };
    let (one, other) = (ObjectKey::exchange(1), ObjectKey::exchange(2));
    let refused = [(other, at(5))].into();
    let held_up = |object, healed| isolation::held_up(&difference(object), &refused, at(healed));
    assert_eq!(held_up(one, 4).map(|charge| charge.oracle), Some("isolation"));
    assert!(held_up(other, 4).is_none(), "it was refused itself");
    assert!(held_up(one, 6).is_none(), "nobody was refused since the healing");
}
