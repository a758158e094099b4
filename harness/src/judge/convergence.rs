//! After the last fault has healed, AD equals the mapping of the cloud state.
//!
//! Why: an outage, a crash or a failing neighbour must not lose a change. Excused are values that
//! somebody changed in AD after the last export (drift, reported), and objects that the engine tried
//! again after the healing and logged as failed with a documented code.

use std::collections::BTreeSet;

use sim::clock::VirtualTime;
use sim::directory::entry::DcNumber;
use sim::directory::request::ObjectNumber;
use sim::entra::job::StatusCode;
use sim::entra::log::LogStatus;
use sim::estate::{Estate, Subject};
use sim::exchange::Mailbox;
use sim::guid::Guid;
use sim::ledger::{Activity, ObjectKey, Side};
use sim::record::Record;

use super::Charge;
use super::mapping::{Demand, Mapping, MappingRule};

/// What a comparison of everything came to.
#[derive(Default)]
pub(super) struct Compared {
    pub(super) compared: u64,
    pub(super) differing: u64,
    pub(super) charges: Vec<Charge>,
    pub(super) notes: Vec<String>,
}

/// Notes about drift that are listed; more are counted.
const NOTES: usize = 5;

/// Compares every cloud-managed mailbox with its AD object.
pub(super) fn compare(estate: &Estate, healed: VirtualTime) -> Compared {
    let mut result = Compared::default();
    let Some(job) = &estate.entra.job else { return result };
    if job.status() == StatusCode::Paused {
        result.notes.push("the writeback job is paused: AD was not compared".to_owned());
        return result;
    }
    let mapping = Mapping::new(estate);
    let failed = failed_since(estate, healed);
    let mut drift = 0;
    for subject in estate.subjects() {
        let Some((mailbox, number, ad)) = pair(estate, subject) else { continue };
        result.compared += 1;
        for rule in mapping.broken(mailbox, ad) {
            let key = ObjectKey { side: Side::Ad, number };
            match excuse(estate, rule, key, mailbox, &failed) {
                Some(note) => {
                    drift += 1;
                    if drift <= NOTES {
                        result.notes.push(format!("{}: ad.{} {note}", subject.name, rule.name));
                    }
                }
                None => {
                    result.differing += 1;
                    result.charges.push(charge(estate, &mapping, rule, key, mailbox, ad));
                }
            }
        }
    }
    if drift > NOTES {
        result.notes.push(format!("{} more such differences", drift - NOTES));
    }
    result
}

/// A mailbox in scope of writeback with its AD object, when there is one.
fn pair<'e>(estate: &'e Estate, subject: &Subject) -> Option<(&'e Mailbox, u32, &'e Record)> {
    let mailbox = estate.exchange.mailbox(subject.exchange?)?;
    let in_scope = mailbox.cloud_managed && mailbox.dir_synced && mailbox.kind.is_mailbox();
    let user = estate.entra.user(subject.entra?)?;
    if !in_scope || user.object_cloud_managed {
        return None;
    }
    let number = subject.ad?;
    let slot = estate.forest.object(DcNumber(0), ObjectNumber(number))?;
    Some((mailbox, number, &slot.entry.record))
}

/// Objects that the engine logged as failed since the healing.
fn failed_since(estate: &Estate, healed: VirtualTime) -> BTreeSet<Guid> {
    estate
        .entra
        .log
        .entries()
        .iter()
        .rev()
        .take_while(|entry| entry.at >= healed)
        .filter(|entry| entry.status == LogStatus::Failure && !entry.code.is_empty())
        .filter_map(|entry| entry.source)
        .collect()
}

/// Why a difference is nobody's mistake, if it is not.
fn excuse(
    estate: &Estate,
    rule: &MappingRule,
    key: ObjectKey,
    mailbox: &Mailbox,
    failed: &BTreeSet<Guid>,
) -> Option<&'static str> {
    if failed.contains(&mailbox.id) {
        return Some("differs: the engine could not write the object and logged it");
    }
    let last = estate.ledger.last_writer(key, rule.ad?)?;
    let by_person = matches!(last.actor.activity, Activity::Person | Activity::Script);
    let after_the_cloud = last.at > mailbox.when_changed;
    (by_person && after_the_cloud)
        .then_some("differs: somebody changed AD after the last export (drift)")
}

fn charge(
    estate: &Estate,
    mapping: &Mapping,
    rule: &MappingRule,
    key: ObjectKey,
    mailbox: &Mailbox,
    ad: &Record,
) -> Charge {
    let now: Vec<String> = rule
        .ad
        .map(|n| ad.values(n).map(|v| String::from_utf8_lossy(v).into_owned()).collect())
        .unwrap_or_default();
    let expected = match mapping.demand(rule, mailbox, &now) {
        Demand::Exactly(values) => super::shown(&values),
        Demand::AtLeast(values) => format!("at least {}", super::shown(&values)),
        Demand::Anything => "anything".to_owned(),
    };
    Charge {
        oracle: "convergence",
        at: estate.now(),
        object: Some(key),
        attribute: rule.ad,
        message: "AD does not say what the mapping of the cloud state says".to_owned(),
        expected: Some(expected),
        actual: Some(super::shown(&now)),
    }
}
