//! Every rule sits on the bench: events that break it come to a finding of its name, and a suspension of
//! that name holds the finding back.

use super::super::verdict::Rule;
use super::super::{ORACLES, about};
use super::*;
use crate::observe::History;

/// Breaks a rule before the eyes of the bench.
type Breach = fn(&mut Estate, &mut Bench);

/// Each rule, by name, with what breaks it.
const BREACHES: [(&str, Breach); 17] = [
    ("contract", |estate, bench| {
        let event = wrote(object(estate), Activity::Writeback, DISPLAY_NAME, (&[], &["b"]), 1);
        show(estate, bench, &[event]);
    }),
    ("authority", |estate, bench| {
        let event = export(object(estate));
        show(estate, bench, &[event]);
    }),
    ("identity_stays_home", |estate, bench| {
        let event = wrote(object(estate), Activity::Reconcile, DISPLAY_NAME, (&[], &["b"]), 1);
        show(estate, bench, &[event]);
    }),
    ("out_of_scope", |estate, bench| {
        let nobody = ObjectKey::ad(sim::directory::forests::ForestNumber(0), ObjectNumber(0));
        show(estate, bench, &[export(nobody)]);
    }),
    ("lost_update", |estate, bench| {
        let edit = wrote(mailbox(estate), Activity::Person, IN_CLOUD, (&[], &["b"]), 10);
        show(estate, bench, &[edit, cycle(20, false)]);
    }),
    ("resurrection", |estate, bench| {
        let removal = wrote(mailbox(estate), Activity::Person, IN_CLOUD, (&["a"], &["b"]), 0);
        let look = read(mailbox(estate), Activity::Writeback, Some(true));
        let stale = wrote(object(estate), Activity::Writeback, IN_AD, (&["b"], &["a"]), 3);
        show(estate, bench, &[removal, look, stale]);
    }),
    ("oscillation", |estate, bench| {
        let there = wrote(object(estate), Activity::Writeback, IN_AD, (&["a"], &["b"]), 1);
        let back = wrote(object(estate), Activity::Writeback, IN_AD, (&["b"], &["a"]), 2);
        show(estate, bench, &[there, back]);
    }),
    ("exactly_once", |estate, bench| {
        let sent = modify(object(estate), 7, true);
        show(estate, bench, &[sent.clone(), sent]);
    }),
    ("convergence", |estate, bench| {
        let edit = vec![(property::CUSTOM_ATTRIBUTE_1, vec!["never exported".to_owned()])];
        let now = estate.now();
        let number = mailbox(estate).number;
        estate.exchange.apply(number, now, &edit);
        bench.compare(estate, &History::default(), now, true);
    }),
    ("quiescence", |estate, bench| {
        bench.expect_quiet(true);
        let event = wrote(mailbox(estate), Activity::Service, IN_CLOUD, (&["a"], &["b"]), 1);
        show(estate, bench, &[event]);
    }),
    ("one_primary", |estate, bench| {
        let list = (&["SMTP:a@x"][..], &["SMTP:a@x", "SMTP:b@x"][..]);
        let event = wrote(object(estate), Activity::Writeback, known::PROXY_ADDRESSES, list, 1);
        show(estate, bench, &[event]);
    }),
    ("absent_not_empty", |estate, bench| {
        let event = wrote(object(estate), Activity::Writeback, IN_AD, (&["a"], &[""]), 1);
        show(estate, bench, &[event]);
    }),
    ("logged_truthfully", |estate, bench| {
        let event = logged(mailbox(estate), LogStatus::Success, "");
        show(estate, bench, &[event]);
    }),
    ("isolation", |estate, bench| {
        let others = estate.subjects()[1].exchange.map(ObjectKey::exchange).unwrap();
        let edit = wrote(others, Activity::Person, IN_CLOUD, (&[], &["b"]), 1);
        let refused = match modify(object(estate), 1, true) {
            Event::Outcome(outcome) => {
                Event::Outcome(Outcome { code: 50, effective: false, ..outcome })
            }
            other => other,
        };
        show(estate, bench, &[edit, refused, cycle(2, false)]);
    }),
    ("read_back", |estate, bench| {
        let object = mailbox(estate);
        show(estate, bench, &[Event::Claim(Claim { at: at(9), object, cloud_managed: true })]);
    }),
    ("no_structural_change", |estate, bench| {
        let write = wrote(object(estate), Activity::Writeback, IN_AD, (&[], &["b"]), 1);
        show(estate, bench, &[became(WriteKind::Moved, write)]);
    }),
    ("after_crash", |estate, bench| {
        let look = read(mailbox(estate), Activity::Writeback, Some(true));
        show(estate, bench, &[process(false), look]);
    }),
];

pub(super) fn show(estate: &Estate, bench: &mut Bench, events: &[Event]) {
    for (event, about) in events.iter().zip(about(estate, events)) {
        bench.observe(event, about, &History::default());
    }
}

/// The names under which a breach is found.
fn found(breach: Breach, suspended: &[&str]) -> Vec<String> {
    let (mut estate, _) = estate_of(2);
    let mut bench = Bench::new(&estate, suspended.iter().map(|s| (*s).to_owned()).collect());
    breach(&mut estate, &mut bench);
    bench.at_rest(&estate, &History::default());
    let name = |rule| match rule {
        Rule::Oracle(name) | Rule::Expectation(name) => name,
    };
    bench.findings(&estate).into_iter().map(|finding| name(finding.rule)).collect()
}

#[test]
fn every_oracle_finds_what_breaks_it_and_none_is_without_a_breach() {
    let named: Vec<&str> = BREACHES.iter().map(|(name, _)| *name).collect();
    for oracle in ORACLES {
        assert!(named.contains(&oracle), "nothing breaks {oracle} here");
    }
    for (name, breach) in BREACHES {
        assert!(ORACLES.contains(&name), "{name} is no oracle that `suspend` knows");
        let by = found(breach, &[]);
        assert!(by.iter().any(|oracle| oracle == name), "{name} found nothing, but {by:?} did");
        let rest = found(breach, &[name]);
        assert!(!rest.iter().any(|oracle| oracle == name), "{name} cannot be suspended");
    }
}

/// A rollback that synchronization overlooks leaves the cloud's value, and nobody writes AD's over it.
#[test]
fn what_ad_is_the_source_of_comes_up_with_the_next_cycle() {
    let held = |flag: bool, began: i64, pending: bool| {
        let mut estate = estate();
        let mut bench = Bench::new(&estate, Vec::new());
        let (cloud, ad) = (mailbox(&estate), object(&estate));
        let edit = vec![(property::CUSTOM_ATTRIBUTE_1, vec!["the cloud's".to_owned()])];
        estate.exchange.apply(cloud.number, at(4), &edit);
        estate.exchange.set_flag(cloud.number, at(5), flag);
        let mut given_back =
            match wrote(cloud, Activity::Person, property::FLAG, (&["True"], &["False"]), 5) {
                Event::Write(write) => write,
                other => panic!("{other:?}"),
            };
        given_back.cloud_managed = Some(flag);
        estate.ledger.write(given_back);
        let pending = pending.then_some(ad).into_iter().collect();
        let end = Synchronized { at: at(began + 1), began: at(began), pending };
        show(&estate, &mut bench, &[Event::Synchronized(end)]);
        bench.compare(&estate, &History::default(), at(60), true);
        let findings = bench.findings(&estate);
        findings.iter().filter(|f| f.message.contains("does not say what AD says")).count()
    };
    assert_eq!(held(false, 6, false), 1);
    assert_eq!(held(true, 6, false), 0, "the cloud is the source");
    assert_eq!(held(false, 4, false), 0, "the cycle began before the flag was taken away");
    assert_eq!(held(false, 6, true), 0, "the export was refused");
}

#[test]
fn what_had_failed_may_be_written_when_all_is_quiet_and_no_other() {
    let (estate, all) = estate_of(2);
    let charged = |events: &[Event]| {
        let mut bench = Bench::new(&estate, Vec::new());
        show(&estate, &mut bench, &events[..events.len() - 1]);
        bench.expect_quiet(true);
        show(&estate, &mut bench, &events[events.len() - 1..]);
        let findings = bench.findings(&estate);
        findings.iter().any(|f| f.rule == Rule::Oracle("quiescence".to_owned()))
    };
    let refused = "HybridSynchronizationActiveDirectoryInsufficientAccessRights";
    let failed = |key| logged(key, LogStatus::Failure, refused);
    let write = wrote(object(&estate), Activity::Writeback, IN_AD, (&["a"], &["b"]), 9);
    assert!(!charged(&[failed(mailbox(&estate)), write.clone()]), "it is tried again");
    assert!(charged(&[failed(all[1]), write.clone()]), "somebody else had failed");
    let healed = logged(mailbox(&estate), LogStatus::Success, "");
    assert!(charged(&[failed(mailbox(&estate)), healed, write]), "it had succeeded since");
}

#[test]
fn a_finding_of_an_edit_that_was_passed_over_says_whose_it_was() {
    let (estate, all) = estate_of(2);
    let mut bench = Bench::new(&estate, Vec::new());
    let edit = wrote(all[1], Activity::Person, IN_CLOUD, (&[], &["b"]), 10);
    show(&estate, &mut bench, &[edit, cycle(20, false)]);
    let findings = bench.findings(&estate);
    assert_eq!(findings[0].object.as_deref(), Some("u2"));
    assert_eq!(findings[0].attribute.as_deref(), Some("exo.CustomAttribute1"));
}

/// A name or department that synchronization leaves behind is wrong in the cloud whoever has the authority over the
/// mailbox.
#[test]
fn identity_comes_up_whatever_the_flag_says() {
    let held = |came: bool, began: i64, pending: bool| {
        let mut estate = estate();
        let mut bench = Bench::new(&estate, Vec::new());
        let (cloud, ad) = (mailbox(&estate), object(&estate));
        let edit = wrote(ad, Activity::Person, DISPLAY_NAME, (&["u1"], &["Another"]), 5);
        if let Event::Write(write) = edit.clone() {
            estate.ledger.write(write);
        }
        let name = if came { "u1" } else { "Another" };
        let edits = vec![(property::DISPLAY_NAME, vec![name.to_owned()])];
        estate.exchange.apply(cloud.number, at(6), &edits);
        let pending = pending.then_some(ad).into_iter().collect();
        let end = Synchronized { at: at(began + 1), began: at(began), pending };
        show(&estate, &mut bench, &[edit, Event::Synchronized(end)]);
        bench.compare(&estate, &History::default(), at(60), true);
        let findings = bench.findings(&estate);
        findings.iter().filter(|f| f.message.contains("whatever the flag")).count()
    };
    assert_eq!(held(false, 6, false), 1, "the mailbox says something else than AD");
    assert_eq!(held(true, 6, false), 0, "it says what AD says");
    assert_eq!(held(false, 4, false), 0, "the cycle began before the edit");
    assert_eq!(held(false, 6, true), 0, "the export was refused");
}
