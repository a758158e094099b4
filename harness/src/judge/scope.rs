//! Who is in scope of writeback: one picture, for every rule that asks.
//!
//! In scope is the AD object of a synced mailbox in Exchange Online that belongs to the job's domain and
//! lies under the job's scoping filter (Microsoft Learn, "Cloud-based management of Exchange attributes
//! for remote mailboxes": on-premises mailboxes, cloud-only mailboxes and users without a mailbox are not
//! written back; "Scoping filters"; "Cloud sync supported topologies"). Whether its flag is set is a
//! question of authority, and of another rule.

use sim::directory::entry::Entry;
use sim::directory::forest::DomainNumber;
use sim::directory::forests::{AdObject, ForestNumber};
use sim::directory::request::ObjectNumber;
use sim::estate::{Estate, Subject};
use sim::exchange::Mailbox;
use sim::ledger::{Activity, Event, ObjectKey, Side};

use super::job_scope::JobScope;

/// Why something is out of scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// There is no synced mailbox in the cloud.
    NoMailbox,
    /// It belongs to another domain than the job.
    OtherDomain,
    /// The scoping filter leaves it out, or the profile does (a disabled account).
    Filtered,
}

impl Outside {
    /// Whose object it is, in words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::NoMailbox => "the object of somebody without a synced mailbox in the cloud",
            Self::OtherDomain => "the object of another domain than the job's",
            Self::Filtered => "an object that the job's scoping filter leaves out",
        }
    }
}

/// Whom an event concerns, and how that stood when it happened.
#[derive(Debug, Clone, Copy, Default)]
pub struct About {
    /// Whose object it is.
    pub whose: Option<u32>,
    /// Why the object is out of scope, of reads by the job and of changes of mailboxes. A read of a
    /// mailbox tells of the mailbox, a read in AD of the object there.
    pub outside: Option<Outside>,
    /// Of somebody who is said not to be in scope: whether everything says otherwise, on every domain controller.
    pub is_inside: bool,
}

/// What the events of a ledger are about, as the estate is now: to be asked before it moves on.
///
/// Where others changed something beside a read, nobody knows any more how it stood then, and nothing is
/// said of it.
#[must_use]
pub fn about(estate: &Estate, events: &[Event]) -> Vec<About> {
    let mut steady = None;
    let mut is_steady = || *steady.get_or_insert_with(|| events.iter().all(leaves_scope_alone));
    let mut picture = None;
    events
        .iter()
        .map(|event| {
            let Some(key) = object_of(event) else { return About::default() };
            let whose = estate.whose(key);
            let outside = match event {
                Event::Write(_) if key.side == Side::Exchange => mailbox_outside(estate, key),
                Event::Read(read) if exports(read.activity) && is_steady() => match key.side {
                    Side::Exchange => mailbox_outside(estate, key),
                    Side::Ad => {
                        picture.get_or_insert_with(|| Picture::new(estate)).read(key, whose)
                    }
                    Side::Entra => None,
                },
                _ => None,
            };
            let is_inside = match event {
                Event::Logged(logged) if logged.code == "NotInScope" && is_steady() => {
                    let picture = picture.get_or_insert_with(|| Picture::new(estate));
                    let subject = whose.and_then(|person| estate.subjects().get(person as usize));
                    subject.is_some_and(|subject| picture.is_inside(subject))
                }
                _ => false,
            };
            About { whose, outside, is_inside }
        })
        .collect()
}

/// The object that an event concerns.
const fn object_of(event: &Event) -> Option<ObjectKey> {
    match event {
        Event::Write(write) => Some(write.object),
        Event::Read(read) => Some(read.object),
        Event::Outcome(outcome) => outcome.object,
        Event::Logged(logged) => logged.object,
        Event::Claim(claim) => Some(claim.object),
        Event::HeldBack(held) => Some(held.object),
        Event::NotArrived(lost) => Some(lost.object),
        Event::Question(_)
        | Event::Fault(_)
        | Event::Cycle(_)
        | Event::Process(_)
        | Event::Schema(_)
        | Event::Order(_)
        | Event::Job(_)
        | Event::Committed(_)
        | Event::Synchronized(_) => None,
    }
}

/// Whether an activity writes the cloud's state to AD.
pub(super) const fn exports(activity: Activity) -> bool {
    matches!(activity, Activity::Writeback | Activity::Reconcile)
}

fn leaves_scope_alone(event: &Event) -> bool {
    match event {
        Event::Write(write) => exports(write.actor.activity),
        Event::Schema(_) => false,
        _ => true,
    }
}

fn mailbox_outside(estate: &Estate, key: ObjectKey) -> Option<Outside> {
    let mailbox = estate.exchange.mailbox(key.number);
    let is_synced = mailbox.is_some_and(|mailbox| is_synced_mailbox(estate, mailbox));
    (!is_synced).then_some(Outside::NoMailbox)
}

/// Workspaces and desks are in scope only where they count as rooms (switch `cloud_only_types`): AD has no
/// number of their own for them.
fn is_synced_mailbox(estate: &Estate, mailbox: &Mailbox) -> bool {
    let has_a_number = || {
        mailbox.kind.is_known_on_premises() || estate.profile.text("cloud_only_types") == "as_room"
    };
    mailbox.dir_synced && mailbox.is_there() && has_a_number()
}

/// The picture, as an estate is now.
pub(super) struct Picture<'e> {
    estate: &'e Estate,
    domain: JobDomain,
    filter: JobScope,
}

impl<'e> Picture<'e> {
    pub(super) fn new(estate: &'e Estate) -> Self {
        Self { estate, domain: JobDomain::of(estate), filter: JobScope::new(estate) }
    }

    /// Why somebody is out of scope; `None` for who is in scope.
    pub(super) fn outside(&self, subject: &Subject) -> Option<Outside> {
        let mailbox = subject.exchange.and_then(|number| self.estate.exchange.mailbox(number));
        let user = subject.entra.and_then(|number| self.estate.entra.user(number));
        let is_there = mailbox.is_some_and(|mailbox| is_synced_mailbox(self.estate, mailbox));
        if !is_there || user.is_none_or(|user| user.object_cloud_managed) {
            return Some(Outside::NoMailbox);
        }
        let ad = subject.ad?;
        self.object_outside(ObjectKey::ad(ad.forest, ad.number), Some(subject))
    }

    /// Whether somebody is in scope whatever domain controller is asked.
    fn is_inside(&self, subject: &Subject) -> bool {
        let (Some(ad), None) = (subject.ad, self.outside(subject)) else { return false };
        self.holders(ad).into_iter().all(|(ad, entry)| self.filter.covers(self.estate, ad, entry))
    }

    /// The object as each domain controller has it that has it.
    fn holders(&self, ad: AdObject) -> Vec<(AdObject, &Entry)> {
        let Some(forest) = self.estate.forests.get(ad.forest) else { return Vec::new() };
        let on = forest.dcs().iter().map(|dc| AdObject { dc: dc.number, ..ad });
        on.filter_map(|ad| Some((ad, self.estate.ad_object(ad)?.entry.as_ref()))).collect()
    }

    /// The filter of the job.
    pub(super) const fn filter(&self) -> &JobScope {
        &self.filter
    }

    fn read(&self, key: ObjectKey, whose: Option<u32>) -> Option<Outside> {
        let subject = whose.and_then(|person| self.estate.subjects().get(person as usize));
        self.object_outside(key, subject)
    }

    /// An object is under the filter when it is so on any domain controller: the others may be late.
    fn object_outside(&self, key: ObjectKey, subject: Option<&Subject>) -> Option<Outside> {
        if !subject.is_none_or(|subject| self.domain.covers(self.estate, subject)) {
            return Some(Outside::OtherDomain);
        }
        if self.filter.lets_everything_pass() {
            return None;
        }
        let forest = self.estate.forests.get(key.forest)?;
        let dc = forest.dcs().first()?.number;
        let ad = AdObject { forest: key.forest, dc, number: ObjectNumber(key.number) };
        let mut holders = self.holders(ad).into_iter();
        let covered = holders.any(|(ad, entry)| self.filter.covers(self.estate, ad, entry));
        (!covered).then_some(Outside::Filtered)
    }
}

/// The domain that the job is configured for: each domain needs its own configuration (Microsoft Learn,
/// "Cloud sync supported topologies"). `None` where there is one domain only.
#[derive(Clone, Copy)]
struct JobDomain(Option<(ForestNumber, DomainNumber)>);

impl JobDomain {
    fn of(estate: &Estate) -> Self {
        let several = estate.forests.domains().nth(1).is_some();
        Self(several.then(|| estate.job_domain()))
    }

    /// Whether somebody's object is the job's to write.
    fn covers(self, estate: &Estate, subject: &Subject) -> bool {
        let Some(own) = self.0 else { return true };
        let domain = subject.entra.and_then(|user| estate.entra.user(user)?.domain);
        domain.is_none_or(|domain| domain == own)
    }
}
