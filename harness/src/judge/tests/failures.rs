//! Failures: the log tells of each, and none holds up whoever is beside it.

use super::*;

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
    let failure = logged(mailbox, LogStatus::Failure, refused);
    assert_eq!(check(&[modify(true, 0), failure.clone()]), 1, "it had written");
    let gone = Event::NotArrived(NotArrived { at: at(4), object });
    assert_eq!(check(&[modify(true, 0), gone, failure.clone()]), 0, "and the rest was lost");
    let mended = [modify(false, 50), modify(true, 0), success.clone()];
    assert_eq!(check(&mended), 1, "a refusal that a retry mended is a refusal");
    let told = [modify(false, 50), failure.clone(), modify(true, 0), success];
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
