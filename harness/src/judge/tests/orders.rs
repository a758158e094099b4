//! What the engine was told, by a person or by the documents: whose flags to turn, to pause, from how many
//! failures on to slow down, what to leave in AD, and to end.

use sim::entra::episodes::Episode;
use sim::entra::job::{JobRequest, StatusCode};
use sim::exchange::truth;
use sim::ledger::{FlipOrder, JobNews};

use super::super::contract::Contract;
use super::super::quiescence::Quiescence;
use super::super::what_stays::WhatStays;
use super::*;

fn flip(mailbox: ObjectKey, to: bool) -> Event {
    let values = (&[truth(!to)][..], &[truth(to)][..]);
    wrote(mailbox, Activity::Transfer, property::FLAG, values, 2)
}

#[test]
fn a_transfer_turns_the_flags_that_it_was_told_to_and_no_other() {
    let (estate, mailboxes) = estate_of(2);
    let (asked, neighbour) = (mailboxes[0], mailboxes[1]);
    let order =
        Event::Order(FlipOrder { at: at(1), mailboxes: vec![asked.number], cloud_managed: true });
    let charged = |turned: Event| {
        let events = [order.clone(), turned];
        charges(&mut Contract::new(&estate), &estate, &events).len()
    };
    assert_eq!(charged(flip(asked, true)), 0);
    assert_eq!(charged(flip(asked, false)), 1, "and not back");
    assert_eq!(charged(flip(neighbour, true)), 1, "of nobody else");
}

fn news(seconds: i64, episode: Episode) -> Event {
    Event::Job(JobNews { at: at(seconds), episode })
}

/// Whether a cycle from the 20th second on that writes is charged, after this.
fn is_charged_after(before: &[Event]) -> bool {
    let estate = estate();
    let mut rule = Quiescence::default();
    let written = wrote(object(&estate), Activity::Writeback, IN_AD, (&["a"], &["b"]), 25);
    let ended = Event::Cycle(CycleEnd { at: at(30), began: at(20), failed: false });
    let events = before.iter().chain([&written, &ended]);
    events.filter_map(|event| rule.observe(event, Some(0))).count() > 0
}

#[test]
fn a_paused_job_begins_no_cycle_that_writes() {
    let paused = || news(10, Episode::Told(JobRequest::Pause));
    assert!(!is_charged_after(&[]));
    assert!(is_charged_after(&[paused()]));
    assert!(is_charged_after(&[news(10, Episode::Became(StatusCode::Paused, None))]));
    assert!(!is_charged_after(&[paused(), news(15, Episode::Told(JobRequest::Start))]));
    let on_demand = wrote(object(&estate()), Activity::Writeback, IN_AD, (&["x"], &["a"]), 15);
    assert!(is_charged_after(&[paused(), on_demand]), "what came before hides no cycle");
    let later = news(22, Episode::Told(JobRequest::Pause));
    assert!(!is_charged_after(&[later]), "the cycle had begun");
}

#[test]
fn few_failures_do_not_quarantine_a_job() {
    let estate = estate();
    let failed = logged(mailbox(&estate), LogStatus::Failure, "TimeOut");
    let became = |reason| news(9, Episode::Became(StatusCode::Quarantine, Some(reason)));
    let charged = |reason| {
        let events = [failed.clone(), became(reason)];
        charges(&mut Isolation::new(&estate), &estate, &events).len()
    };
    assert_eq!(charged("EncounteredEscrowProportionThreshold"), 1);
    assert_eq!(charged("EncounteredBaseEscrowThreshold"), 1);
    assert_eq!(charged("EncounteredQuarantineException"), 0, "of the way there, not of objects");
}

/// Whether a write of addresses is charged under these switches.
fn takes_too_much(switches: &str, old: &[&str], new: &[&str]) -> bool {
    let text = format!(
        "scenario: T\nworld: {{switches: {{{switches}}}, population: [user: {{name: u1, cloud_managed: \
         true}}]}}\nstory: [{{wait: 0s}}]\n"
    );
    let estate = estate_by(&text);
    let write = wrote(object(&estate), Activity::Writeback, known::PROXY_ADDRESSES, (old, new), 2);
    !charges(&mut WhatStays::new(&estate), &estate, &[write]).is_empty()
}

#[test]
fn addresses_that_do_not_cross_stay() {
    let old = ["SMTP:a@x.com", "smtp:b@x.com", "X500:/o=a", "smtp:c@t.onmicrosoft.com"];
    let without = |gone: &str| -> Vec<&str> {
        old.into_iter().filter(|value| !value.contains(gone)).collect()
    };
    let usual = "proxy_mode: replace_smtp";
    assert!(takes_too_much(usual, &old, &without("X500")));
    assert!(!takes_too_much(usual, &old, &without("b@")));
    assert!(!takes_too_much(usual, &old, &without("c@")));
    assert!(takes_too_much("write_onmicrosoft: false", &old, &without("c@")));
    assert!(takes_too_much("proxy_mode: merge", &old, &without("b@")));
    assert!(!takes_too_much("proxy_mode: replace_all", &old, &without("X500")));
    assert!(!takes_too_much(usual, &["SMTP:A@x.com"], &["smtp:a@x.com", "SMTP:n@x.com"]), "case");
    assert!(takes_too_much("null_flow_multi: false", &["smtp:a@x.com"], &[]));
}

#[test]
fn a_store_that_changes_after_the_end_is_charged() {
    let estate = estate();
    let ended = Event::Process(Process { at: at(1), started: false });
    let started = Event::Process(Process { at: at(2), started: true });
    let found = |events: &[Event]| charges(&mut AfterCrash::default(), &estate, events).len();
    assert_eq!(found(&[ended.clone(), Event::Committed(at(1))]), 1);
    assert_eq!(found(&[ended, started, Event::Committed(at(3))]), 0);
}

#[test]
fn a_refusal_for_want_of_rights_is_logged_as_that() {
    const RIGHTS: &str = "HybridSynchronizationActiveDirectoryInsufficientAccessRights";
    let estate = estate();
    let refused = |code| match modify(object(&estate), 1, true) {
        Event::Outcome(outcome) => Event::Outcome(Outcome { code, effective: false, ..outcome }),
        other => other,
    };
    let charged = |code, said| {
        let events = [refused(code), logged(mailbox(&estate), LogStatus::Failure, said)];
        charges(&mut LoggedTruthfully::default(), &estate, &events).len()
    };
    assert_eq!(charged(50, RIGHTS), 0);
    assert_eq!(charged(50, "TimeOut"), 1);
    assert_eq!(charged(51, RIGHTS), 1);
    assert_eq!(charged(51, "AzureDirectoryServiceServerBusy"), 0);
    let skipped = logged(mailbox(&estate), LogStatus::Skipped, "NoIdea");
    assert_eq!(charges(&mut LoggedTruthfully::default(), &estate, &[skipped]).len(), 1);
}
