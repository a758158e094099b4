//! After the last fault has healed, AD equals the mapping of the cloud state.
//!
//! The other way round is for `inbound`.
//!
//! Why: an outage, a crash or a failing neighbour must not lose a change. Excused are values that
//! somebody changed in AD after the cloud's last change was exported (drift, reported), until an initial cycle
//! compares everything; values of a modify that was held back on its way and landed after a cycle had found both
//! sides equal, as nobody can recall it; objects that the engine tried again
//! after the healing, that the directory then refused, and that the engine logged as failed with a
//! documented code; changes that came after the last cycle of a job that somebody paused; mailboxes that
//! entered scope and wait for an initial cycle, where the profile says that they do; and everything in a
//! world without an agent that works. A change in AD counts from when it may have come to the domain
//! controller of the agent.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use sim::clock::VirtualTime;
use sim::entra::job::{StatusCode, WritebackJob};
use sim::entra::log::{LogEntry, LogStatus};
use sim::estate::{Estate, Subject};
use sim::exchange::{Mailbox, property};
use sim::guid::Guid;
use sim::ledger::{Activity, ObjectKey};
use sim::record::{AttributeNumber, Record};

use super::codes::OF_AN_OBJECT;
use super::heard::Heard;
use super::mapping::{Demand, Mapping, MappingRule};
use super::rest::{is_paused, no_way};
use super::scope::{Picture, exports};
use super::{Charge, HELD_BACK};

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
/// People from whom on a second core helps.
const MANY: usize = 10_000;

/// The charges against whoever is not in line although nothing keeps the job from it: it is neither
/// quarantined nor paused, and the last word on them is no failure.
pub(super) fn overdue(estate: &Estate, healed: VirtualTime, heard: &Heard) -> Vec<Charge> {
    let is_active = estate.entra.job.as_ref().is_some_and(|job| job.status() == StatusCode::Active);
    if !is_active {
        return Vec::new();
    }
    let said = Exports::default();
    let mut charges = compare(estate, healed, heard).charges;
    charges.retain(|charge| {
        let person = charge.object.and_then(|object| estate.whose(object));
        let subject = person.and_then(|person| estate.subjects().get(person as usize));
        let Some(number) = subject.and_then(|subject| subject.exchange) else { return false };
        let flagged = estate.ledger.last_writer(ObjectKey::exchange(number), property::FLAG);
        // What the job failed with before the story stands in no log.
        let is_asked = heard.versions.last_change(estate, number).is_some() || flagged.is_some();
        let mailbox = estate.exchange.mailbox(number).filter(|_| is_asked);
        mailbox.is_some_and(|mailbox| !said.failed_last(estate, mailbox.id))
    });
    for charge in &mut charges {
        charge.message =
            "AD did not say what the mapping of the cloud state says when the next cycle \
                          and one more had ended, although nothing had failed"
                .to_owned();
    }
    charges
}

/// Compares every cloud-managed mailbox with its AD object.
pub(super) fn compare(estate: &Estate, healed: VirtualTime, heard: &Heard) -> Compared {
    let mut result = Compared::default();
    let Some(job) = &estate.entra.job else { return result };
    let mappings: Vec<Mapping> =
        estate.forests.iter().map(|(_, forest)| Mapping::new(estate, forest)).collect();
    let evidence = Evidence {
        failed: failed_since(estate, healed),
        heard,
        healed,
        last_cycle: job
            .report
            .as_ref()
            .and_then(|report| report.last_execution.as_ref())
            .map(|cycle| cycle.began),
        not_since: is_paused(job).then(|| heard.last_cycle()),
        waiting: waiting_for_initial(estate),
        gave_up: gave_up(estate, job),
        no_way: no_way(estate),
        late: late(estate),
        exports: Exports::default(),
    };
    let looker =
        Looker { estate, mappings: &mappings, evidence: &evidence, scope: &Picture::new(estate) };
    let mut drift = 0;
    for (compared, differences) in looker.look_at(estate.subjects()) {
        result.compared += compared;
        for difference in differences {
            match difference {
                Difference::Excused(note) => {
                    drift += 1;
                    if drift <= NOTES {
                        result.notes.push(note);
                    }
                }
                Difference::Charged(charge) => {
                    result.differing += 1;
                    result.charges.push(charge);
                }
            }
        }
    }
    if drift > NOTES {
        result.notes.push(format!("{} more such differences", drift - NOTES));
    }
    result
}

/// The first of these people whose object in AD is not yet what the mapping of the cloud state says.
pub(super) fn first_behind(
    estate: &Estate,
    mut people: impl Iterator<Item = u32>,
) -> Option<&Subject> {
    let first = people.next()?;
    let (scope, forests) = (Picture::new(estate), estate.forests.iter());
    let mappings: Vec<Mapping> = forests.map(|(_, forest)| Mapping::new(estate, forest)).collect();
    let subjects = estate.subjects();
    let people = core::iter::once(first).chain(people);
    people.filter_map(|person| subjects.get(person as usize)).find(|subject| {
        pair(estate, subject).filter(|_| scope.outside(subject).is_none()).is_some_and(
            |(mailbox, key, ad)| {
                let mapping = mappings.get(usize::from(key.forest.0));
                mapping.is_some_and(|mapping| !mapping.broken(mailbox, ad).is_empty())
            },
        )
    })
}

/// An attribute of somebody that is not what the mapping says.
enum Difference {
    /// It is nobody's mistake; for the report.
    Excused(String),
    Charged(Charge),
}

/// What a comparison goes by.
#[derive(Clone, Copy)]
struct Looker<'a> {
    estate: &'a Estate,
    mappings: &'a [Mapping],
    evidence: &'a Evidence<'a>,
    scope: &'a Picture<'a>,
}

/// Objects compared, and the differences among them.
type Seen = (u64, Vec<Difference>);

impl Looker<'_> {
    /// Looks at people, in their order; at many in two halves, on two cores.
    fn look_at(self, subjects: &[Subject]) -> Vec<Seen> {
        if subjects.len() < MANY {
            return vec![self.look_at_each(subjects)];
        }
        let (first, second) = subjects.split_at(subjects.len() / 2);
        thread::scope(|scope| {
            let beside = scope.spawn(move || self.look_at_each(second));
            let first = self.look_at_each(first);
            let second = beside.join().unwrap_or_else(|panic| resume_unwind(panic));
            vec![first, second]
        })
    }

    fn look_at_each(self, subjects: &[Subject]) -> Seen {
        let (mut compared, mut differences) = (0, Vec::new());
        for subject in subjects {
            let Some((mailbox, key, ad)) = pair(self.estate, subject) else { continue };
            if self.scope.outside(subject).is_some() {
                continue;
            }
            let Some(mapping) = self.mappings.get(usize::from(key.forest.0)) else { continue };
            compared += 1;
            for rule in mapping.broken(mailbox, ad) {
                let excuse = excuse(self, mapping, subject, rule, key, mailbox);
                differences.push(match excuse {
                    Some(note) => {
                        Difference::Excused(format!("{}: ad.{} {note}", subject.name, rule.name))
                    }
                    None => {
                        Difference::Charged(charge(self.estate, mapping, rule, key, mailbox, ad))
                    }
                });
            }
        }
        (compared, differences)
    }
}

/// A cloud-managed mailbox with its AD object, when there is one.
fn pair<'e>(estate: &'e Estate, subject: &Subject) -> Option<(&'e Mailbox, ObjectKey, &'e Record)> {
    let mailbox = estate.exchange.mailbox(subject.exchange?).filter(|m| m.cloud_managed)?;
    let ad = subject.ad?;
    let slot = estate.ad_object(ad)?;
    Some((mailbox, ObjectKey::ad(ad.forest, ad.number), &slot.entry.record))
}

/// What can excuse a difference.
struct Evidence<'a> {
    /// Mailboxes that the engine logged as failed since the healing.
    failed: BTreeSet<Guid>,
    /// What the ledger told.
    heard: &'a Heard,
    healed: VirtualTime,
    /// When the last cycle began.
    last_cycle: Option<VirtualTime>,
    /// The job is paused: nobody looked at changes from here on.
    not_since: Option<VirtualTime>,
    /// Mailboxes that the engine left out, and when it said so last, where the profile lets a mailbox
    /// that enters scope wait for the next initial cycle (switch `first_time_requires_initial`).
    waiting: BTreeMap<Guid, VirtualTime>,
    /// When somebody ended the retries of what had failed, and whose.
    gave_up: Option<(VirtualTime, BTreeSet<Guid>)>,
    /// Why no cycle of this world can write anything, if none can.
    no_way: Option<&'static str>,
    /// How long after it was made a change in AD may have come to the domain controller of the agent.
    late: Duration,
    /// When what the cloud says was exported last.
    exports: Exports,
}

/// How long changes take to every domain controller at most; where a fault held them back, as long as any
/// run waits for rest.
pub(super) fn late(estate: &Estate) -> Duration {
    if estate.faults.rules().iter().any(sim::fault::Rule::held_replication_back) {
        return HELD_BACK;
    }
    estate.longest_replication()
}

/// Mailboxes whose last word in the log before a restart of the escrows was a failure: the restart ends
/// their retries (Microsoft Graph reference, synchronizationJobRestartCriteria: clearing escrows stops
/// the service from retrying).
fn gave_up(estate: &Estate, job: &WritebackJob) -> Option<(VirtualTime, BTreeSet<Guid>)> {
    let at = job.gave_up?;
    let mut failed = BTreeSet::new();
    for entry in estate.entra.log.entries().iter().take_while(|entry| entry.at <= at) {
        let Some(source) = entry.source else { continue };
        match entry.status {
            LogStatus::Failure => failed.insert(source),
            LogStatus::Success | LogStatus::Skipped => failed.remove(&source),
        };
    }
    Some((at, failed))
}

/// Whether more mailboxes were cloud-managed at some time than the job writes back (switches `limit_action` and
/// `mailbox_limit`): then somebody may have been refused, and no delta looks again when a place comes free.
fn has_too_many(estate: &Estate) -> bool {
    if estate.profile.text("limit_action") != "refuse" {
        return false;
    }
    let was_managed = |subject: &Subject| {
        let Some(number) = subject.exchange else { return false };
        let flagged = || estate.ledger.last_writer(ObjectKey::exchange(number), property::FLAG);
        let now = estate.exchange.mailbox(number).is_some_and(|mailbox| mailbox.cloud_managed);
        now || flagged().is_some()
    };
    let managed = estate.subjects().iter().filter(|subject| was_managed(subject)).count() as u64;
    managed > estate.profile.number("mailbox_limit")
}

/// Whether the engine had to begin anew without what it had kept.
fn lost_its_store(estate: &Estate) -> bool {
    estate.faults.rules().iter().any(|rule| rule.name == "store_damaged" && rule.hits > 0)
}

fn waiting_for_initial(estate: &Estate) -> BTreeMap<Guid, VirtualTime> {
    if !has_too_many(estate) && !estate.profile.is_on("first_time_requires_initial") {
        return BTreeMap::new();
    }
    let mut waiting = BTreeMap::new();
    for entry in estate.entra.log.entries() {
        let Some(source) = entry.source else { continue };
        if entry.status == LogStatus::Skipped && entry.code == "NotInScope" {
            waiting.insert(source, entry.at);
        } else {
            // It has been looked at since.
            waiting.remove(&source);
        }
    }
    waiting
}

/// Objects that the engine logged as failed since the healing, with a documented code.
fn failed_since(estate: &Estate, healed: VirtualTime) -> BTreeSet<Guid> {
    estate
        .entra
        .log
        .entries()
        .iter()
        .rev()
        .take_while(|entry| entry.at > healed)
        .filter(|entry| {
            entry.status == LogStatus::Failure && OF_AN_OBJECT.contains(&entry.code.as_ref())
        })
        .filter_map(|entry| entry.source)
        .collect()
}

/// Why a difference is nobody's mistake, if it is not.
fn excuse(
    looker: Looker<'_>,
    mapping: &Mapping,
    subject: &Subject,
    rule: &MappingRule,
    key: ObjectKey,
    mailbox: &Mailbox,
) -> Option<&'static str> {
    let Looker { estate, evidence, .. } = looker;
    let refused = evidence.heard.refused.get(&key).is_some_and(|at| *at > evidence.healed);
    if refused && evidence.failed.contains(&mailbox.id) {
        return Some("differs: the directory refused the object, and the engine logged it");
    }
    let demanded = last_demand(looker, mapping, subject, rule);
    if let Some(from) = evidence.not_since {
        // What the population differs in is there from the start.
        if demanded.unwrap_or_default() >= from {
            return Some(
                "differs: the job does not run, and no cycle that could look began after the change",
            );
        }
        if evidence.exports.failed_last(estate, mailbox.id) {
            return Some("differs: it had failed, and the job does not run to try it again");
        }
        if demanded.is_none() && evidence.exports.of(estate, mailbox.id).is_empty() {
            return Some(
                "differs: it did so from the start, and the job does not run to try it again",
            );
        }
    }
    if evidence.no_way.is_some() {
        return Some("differs: the world has no agent that could write it");
    }
    if waits(estate, subject, mailbox, evidence) {
        return Some("differs: the mailbox entered scope and waits for the next initial cycle");
    }
    if evidence.exports.ran_out(estate, mailbox.id) {
        return Some("differs: it failed for four weeks, and its retries have ended");
    }
    let given_up = evidence
        .gave_up
        .as_ref()
        .is_some_and(|(at, whose)| whose.contains(&mailbox.id) && mailbox.when_changed <= *at);
    if given_up {
        return Some("differs: it had failed, and a restart of the escrows ended its retries");
    }
    if subject.ad.is_some_and(|object| looker.scope.filter().changed(estate, object)) {
        return Some("differs: it came under the scoping filter, which no delta sees");
    }
    let last = estate.ledger.last_writer(key, rule.ad?)?;
    if exports(last.actor.activity) && lost(estate, subject, rule.ad?, last.at) {
        return Some(
            "differs: AD kept what another domain controller had, which was written more often (drift)",
        );
    }
    if exports(last.actor.activity) && evidence.crossed(key, rule.ad?, last.at) {
        return Some("differs: somebody changed AD while the export was on its way (drift)");
    }
    if evidence.was_corrected(estate, last.at) {
        return None;
    }
    let why = if matches!(last.actor.activity, Activity::Person | Activity::Script) {
        "differs: somebody changed AD after the last export (drift)"
    } else if evidence.heard.landed_late(key, rule.ad?) {
        "differs: a modify that was held back on its way landed after the last export"
    } else {
        return None;
    };
    // Of two edits in one instant nobody says which was the later one.
    let known = last.at + evidence.late;
    let after_the_export = demanded.is_none_or(|demanded| {
        demanded <= known && evidence.was_exported(estate, mailbox.id, demanded, known)
    });
    after_the_export.then_some(why)
}

/// Whether AD dropped what was written to an attribute at an instant in favour of what another domain controller
/// had: of two values the one with the higher version stays, whenever it was written ([MS-ADTS] 3.1.1.1.9). Of
/// two in one second that of a domain controller at which no agent works was not the engine's.
fn lost(estate: &Estate, subject: &Subject, attribute: AttributeNumber, at: VirtualTime) -> bool {
    let Some(ad) = subject.ad else { return false };
    let Some(slot) = estate.ad_object(ad) else { return false };
    let (stays, written) = (slot.entry.changed_at(attribute), at.floor_to_second());
    let origin = slot.entry.metadata(attribute).dc;
    let is_an_agents = estate.agents.iter().any(|a| a.dc.forest == ad.forest && a.dc.dc == origin);
    stays < written || (stays == written && !is_an_agents)
}

/// When the cloud last gave a reason to export an attribute: an edit that it belongs to, and the flag.
fn last_demand(
    looker: Looker<'_>,
    mapping: &Mapping,
    subject: &Subject,
    rule: &MappingRule,
) -> Option<VirtualTime> {
    let (estate, heard) = (looker.estate, looker.evidence.heard);
    let mailbox = subject.exchange?;
    let (edited, flagged) = if estate.profile.text("export_mode") == "changed_attributes" {
        let edited = heard.versions.last_change_of(estate, mailbox, &mapping.fed_by(rule));
        (edited, heard.entered(mailbox))
    } else {
        let flagged = estate.ledger.last_writer(ObjectKey::exchange(mailbox), property::FLAG);
        (heard.versions.last_change(estate, mailbox), flagged.map(|flagged| flagged.at))
    };
    // A flag that goes and comes back within the second of an export is in no version of its own:
    // `WhenChangedUTC` has whole seconds.
    edited.max(flagged.map(VirtualTime::floor_to_second))
}

/// What the job said of each mailbox, oldest first; read from the log once somebody asks. What it says
/// falsely is for the rule `logged_truthfully`.
#[derive(Default)]
struct Exports(OnceLock<BTreeMap<Guid, Vec<(VirtualTime, Said)>>>);

/// What an entry of the log says of a mailbox.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    /// AD holds what the cloud says.
    Exported,
    Failed,
    /// It was left out.
    Skipped,
}

impl Said {
    fn of(entry: &LogEntry) -> Self {
        match entry.status {
            LogStatus::Success => Self::Exported,
            LogStatus::Failure => Self::Failed,
            LogStatus::Skipped if entry.code == "RedundantExport" => Self::Exported,
            LogStatus::Skipped => Self::Skipped,
        }
    }
}

impl Exports {
    fn of(&self, estate: &Estate, mailbox: Guid) -> &[(VirtualTime, Said)] {
        let all = self.0.get_or_init(|| {
            let mut all = BTreeMap::<Guid, Vec<(VirtualTime, Said)>>::new();
            for entry in estate.entra.log.entries() {
                if let Some(source) = entry.source {
                    all.entry(source).or_default().push((entry.at, Said::of(entry)));
                }
            }
            all
        });
        all.get(&mailbox).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a mailbox failed until the ladder of its retries came to its end: that is after 28 days, of
    /// which the last retry is at most one before (Microsoft Learn, "How application provisioning works").
    fn ran_out(&self, estate: &Estate, mailbox: Guid) -> bool {
        let said = self.of(estate, mailbox).iter().rev();
        let mut failures = said.take_while(|(_, said)| *said == Said::Failed).map(|(at, _)| *at);
        let Some(last) = failures.next() else { return false };
        let first = failures.last().unwrap_or(last);
        last.since(first) >= Duration::from_hours(27 * 24)
            && estate.now().since(last) > Duration::from_hours(24)
    }

    /// Whether AD was ever said to hold what the cloud says of a mailbox.
    fn ever(&self, estate: &Estate, mailbox: Guid) -> bool {
        self.of(estate, mailbox).iter().any(|(_, said)| *said == Said::Exported)
    }

    /// Whether the last word on a mailbox is a failure.
    fn failed_last(&self, estate: &Estate, mailbox: Guid) -> bool {
        self.of(estate, mailbox).last().is_some_and(|(_, said)| *said == Said::Failed)
    }
}

impl Evidence<'_> {
    /// Whether what AD alone changed at an instant should have been corrected since: by an initial cycle, or by the
    /// last one of all, where each looks at everything (switch `drift_heal`).
    fn was_corrected(&self, estate: &Estate, changed: VirtualTime) -> bool {
        if estate.profile.text("drift_heal") == "every_cycle" {
            return self.last_cycle.is_some_and(|began| changed < began);
        }
        self.heard.initial_cycle().is_some_and(|began| changed + self.late < began)
    }

    /// Whether AD was said to hold what the cloud says after `from`, by a cycle that began not after
    /// `until`: it had looked at AD before it said so. What was said in the very instant of an edit was
    /// said before it.
    fn was_exported(
        &self,
        estate: &Estate,
        mailbox: Guid,
        from: VirtualTime,
        until: VirtualTime,
    ) -> bool {
        let mut said = self.exports.of(estate, mailbox).iter();
        said.any(|(at, said)| {
            *said == Said::Exported
                && *at > from
                && (*at <= until || self.heard.began(*at) <= until)
        })
    }

    /// Whether somebody changed an attribute in AD after the cycle began that wrote it at an instant: the
    /// engine may have read it before, and its modify changes only the values that it read.
    fn crossed(&self, object: ObjectKey, attribute: AttributeNumber, written: VirtualTime) -> bool {
        let by_hand = self.heard.by_hand(object, attribute);
        by_hand.is_some_and(|at| at <= written && self.heard.began(written) <= at + self.late)
    }
}

/// Whether a mailbox waits for an initial cycle: its flag was set in the story, and since then the
/// engine said that it is left out.
fn waits(estate: &Estate, subject: &Subject, mailbox: &Mailbox, evidence: &Evidence<'_>) -> bool {
    let Some(said) = evidence.waiting.get(&mailbox.id) else { return false };
    let object = subject.exchange.map(ObjectKey::exchange);
    let written = |attribute| object.and_then(|o| estate.ledger.last_writer(o, attribute));
    // What is cloud-managed from birth entered scope with its name.
    let entered = written(property::FLAG).or_else(|| written(property::USER_PRINCIPAL_NAME));
    // Of more than the supported number at the start some never entered.
    // Who had a place may not get it again when the store is lost.
    let had_a_place = || evidence.exports.ever(estate, mailbox.id) && !lost_its_store(estate);
    let never_entered = || has_too_many(estate) && !had_a_place();
    entered.map_or_else(never_entered, |entered| *said >= entered.at)
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
        person: None,
        attribute: rule.ad,
        writer: None,
        message: "AD does not say what the mapping of the cloud state says".to_owned(),
        expected: Some(expected),
        actual: Some(super::shown(&now)),
    }
}
