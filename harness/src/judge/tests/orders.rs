//! What the engine was told, by a person or by the documents: whose flags to turn, to pause, from how many
//! failures on to slow down, what to leave in AD, and to end.

use sim::entra::episodes::Episode;
use sim::entra::job::{JobRequest, StatusCode};
use sim::exchange::truth;
use sim::ledger::{FlipOrder, JobNews};

use super::super::contract::Contract;
use super::super::failing::Failing;
use super::super::invented::Invented;
use super::super::quiescence::Quiescence;
use super::super::what_stays::WhatStays;
use super::*;

const ADDRESSES: u16 = known::PROXY_ADDRESSES;

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
    let ended = Event::Cycle(CycleEnd { at: at(30), began: at(20), failed: false, initial: false });
    let events = before.iter().chain([&written, &ended]);
    events.filter_map(|event| rule.observe(event, Some(0), &Failing::default())).count() > 0
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
    let asked = || news(10, Episode::Asked(JobRequest::Pause));
    assert!(is_charged_after(&[asked()]), "whether or not it says that it heard of it");
    assert!(!is_charged_after(&[asked(), news(15, Episode::Asked(JobRequest::Start))]));
}

/// What the service refused is tried again with each cycle of synchronization, and goes through some time.
#[test]
fn what_synchronization_tries_again_disturbs_no_rest() {
    let estate = estate();
    let object = object(&estate);
    let edit = wrote(object, Activity::Person, IN_AD, (&["a"], &["b"]), 1);
    let ended = |pending| Event::Synchronized(Synchronized { at: at(3), began: at(2), pending });
    let up = wrote(mailbox(&estate), Activity::Sync, property::DISPLAY_NAME, (&["a"], &["b"]), 9);
    let charged = |pending: Vec<ObjectKey>, last: Event| {
        let mut rule = Quiescence::default();
        rule.active = true;
        let events = [edit.clone(), ended(pending), last];
        let failing = Failing::default();
        events.iter().filter_map(|event| rule.observe(event, Some(0), &failing)).count()
    };
    assert_eq!(charged(vec![object], up.clone()), 0);
    assert_eq!(charged(Vec::new(), up), 1);
    let export = wrote(object, Activity::Writeback, IN_AD, (&["a"], &["b"]), 9);
    assert_eq!(charged(vec![object], export), 1, "of the engine nothing was refused");
}

/// Whether what is written in the 25th second is charged, after this.
fn is_written_for_nobody(before: &[Event]) -> bool {
    let estate = estate();
    let mut rule = Quiescence::default();
    let written = wrote(object(&estate), Activity::Writeback, IN_AD, (&["a"], &["b"]), 25);
    let events = before.iter().chain([&written]);
    events.filter_map(|event| rule.observe(event, Some(0), &Failing::default())).count() > 0
}

#[test]
fn a_job_that_was_deleted_writes_no_more() {
    let deleted = || news(10, Episode::Deleted);
    let turned = || Event::Committed(at(12));
    let on_demand = || JobRequest::ProvisionOnDemand {
        request: 1,
        rule: String::new(),
        user: sim::guid::Guid([1; 16]),
    };
    assert!(is_written_for_nobody(&[deleted(), turned()]));
    assert!(!is_written_for_nobody(&[turned()]));
    assert!(!is_written_for_nobody(&[deleted()]), "the modify was on its way");
    assert!(!is_written_for_nobody(&[deleted(), turned(), news(15, Episode::Made)]));
    let asked = news(9, Episode::Asked(on_demand()));
    assert!(!is_written_for_nobody(&[asked.clone(), deleted(), turned()]), "on demand");
    let answered = news(13, Episode::Told(on_demand()));
    assert!(is_written_for_nobody(&[asked, deleted(), turned(), answered]));
}

#[test]
fn an_address_that_comes_to_ad_was_in_the_cloud() {
    let check = |new: &[&str], between: &dyn Fn(ObjectKey) -> Vec<Event>| {
        let estate = estate();
        let mut oracle = Invented::default();
        let old = ["SMTP:u1@contoso.com", "X500:/o=a"];
        let write = wrote(object(&estate), Activity::Writeback, ADDRESSES, (&old, new), 2);
        let events = [vec![write], between(mailbox(&estate))].concat();
        charges(&mut oracle, &estate, &events).len() + oracle.at_rest(&estate).len()
    };
    let nothing = |_| Vec::new();
    assert_eq!(check(&["SMTP:u1@contoso.com", "smtp:stranger@x.com"], &nothing), 1);
    assert_eq!(check(&["smtp:U1@contoso.com", "X500:/o=a"], &nothing), 0, "AD had it");
    assert_eq!(check(&["smtp:u1@contoso.onmicrosoft.com"], &nothing), 0, "the cloud has it");
    let stranger = ["SMTP:u1@contoso.com", "smtp:stranger@x.com"];
    let had = |mailbox| {
        let values = (&["smtp:stranger@x.com"][..], &["SMTP:u1@contoso.com"][..]);
        vec![wrote(mailbox, Activity::Person, property::EMAIL_ADDRESSES, values, 3)]
    };
    assert_eq!(check(&stranger, &had), 0, "the cloud had it");
    let by_hand = |key| {
        let values = (&[][..], &["smtp:stranger@x.com"][..]);
        wrote(key, Activity::Person, ADDRESSES, values, 3)
    };
    let estate = estate();
    let mut oracle = Invented::default();
    charges(&mut oracle, &estate, &[by_hand(object(&estate))]);
    assert!(oracle.at_rest(&estate).is_empty(), "what people write is theirs");
}

#[test]
fn few_failures_do_not_quarantine_a_job() {
    let estate = estate();
    let failed = logged(mailbox(&estate), LogStatus::Failure, "TimeOut");
    let became = |reason| news(9, Episode::Became(StatusCode::Quarantine, Some(reason)));
    let charged = |reason| {
        let mut bench = Bench::new(&estate, Vec::new());
        bench::show(&estate, &mut bench, &[failed.clone(), became(reason)]);
        let message = "the job went into quarantine";
        bench.findings(&estate).iter().filter(|f| f.message.starts_with(message)).count()
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
