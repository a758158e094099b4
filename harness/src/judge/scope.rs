//! Who is in scope of writeback, as far as mailboxes go: a synced mailbox in Exchange Online.
//!
//! Source: Microsoft Learn, "Cloud-based management of Exchange attributes for remote mailboxes":
//! on-premises mailboxes, cloud-only mailboxes and users without a mailbox are not written back.

use sim::directory::forest::DomainNumber;
use sim::directory::forests::ForestNumber;
use sim::estate::{Estate, Subject};
use sim::exchange::{RecipientType, property, truth};
use sim::ledger::{Change, Event, Side};

/// For each person, whether it has a synced mailbox in the cloud; kept in step with what happens.
#[derive(Clone)]
pub(super) struct Scope {
    synced: Vec<bool>,
    mailbox: Vec<bool>,
}

impl Scope {
    pub(super) fn new(estate: &Estate) -> Self {
        let mailboxes = || {
            estate
                .subjects()
                .iter()
                .map(|subject| estate.exchange.mailbox(subject.exchange.unwrap_or(u32::MAX)))
        };
        let job = JobDomain::of(estate);
        Self {
            synced: estate
                .subjects()
                .iter()
                .zip(mailboxes())
                .map(|(subject, m)| m.is_some_and(|m| m.dir_synced) && job.covers(estate, subject))
                .collect(),
            mailbox: mailboxes().map(|m| m.is_some_and(|m| m.kind.is_mailbox())).collect(),
        }
    }

    /// Whether somebody is in scope; `None` for somebody who came after the start.
    pub(super) fn of(&self, person: u32) -> Option<bool> {
        let at = person as usize;
        Some(*self.synced.get(at)? && *self.mailbox.get(at)?)
    }

    /// Keeps in step.
    pub(super) fn follow(&mut self, event: &Event, whose: Option<u32>) {
        let (Event::Write(write), Some(person)) = (event, whose) else { return };
        if write.object.side != Side::Exchange {
            return;
        }
        for change in &write.changes {
            let list = match change.attribute {
                property::RECIPIENT_TYPE_DETAILS => &mut self.mailbox,
                property::IS_DIR_SYNCED => &mut self.synced,
                _ => continue,
            };
            if let Some(place) = list.get_mut(person as usize) {
                *place = is_so(change);
            }
        }
    }
}

/// The domain that the job is configured for: each domain needs its own configuration (Microsoft Learn,
/// "Cloud sync supported topologies"). `None` where there is one domain only.
#[derive(Clone, Copy)]
pub(super) struct JobDomain(Option<(ForestNumber, DomainNumber)>);

impl JobDomain {
    pub(super) fn of(estate: &Estate) -> Self {
        let several = estate.forests.domains().nth(1).is_some();
        Self(several.then(|| estate.job_domain()))
    }

    /// Whether somebody's object is the job's to write.
    pub(super) fn covers(self, estate: &Estate, subject: &Subject) -> bool {
        let Some(own) = self.0 else { return true };
        let domain = subject.entra.and_then(|user| estate.entra.user(user)?.domain);
        domain.is_none_or(|domain| domain == own)
    }
}

fn is_so(change: &Change) -> bool {
    let new = change.new.first().map(AsRef::as_ref).unwrap_or_default();
    if change.attribute == property::IS_DIR_SYNCED {
        new == truth(true).as_bytes()
    } else {
        new != RecipientType::MailUser.details().as_bytes()
    }
}
