//! Who is who: one person's AD object, Entra user and mailbox, as the estate itself knows it.
//!
//! Judges and scenarios ask here; the engine never does.

use super::Estate;
use crate::directory::forest::DomainNumber;
use crate::directory::forests::{AdObject, ForestNumber};
use crate::directory::request::ObjectNumber;
use crate::directory::store::Slot;
use crate::index::TextIndex;
use crate::ledger::{ObjectKey, Side};

/// One person on the three sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What steps call it.
    pub name: Box<str>,
    /// Its AD object.
    pub ad: Option<AdObject>,
    /// The number of its Entra user.
    pub entra: Option<u32>,
    /// The number of its mailbox or mail user.
    pub exchange: Option<u32>,
}

const NOBODY: u32 = u32::MAX;

/// All subjects, and the ways to find one.
#[derive(Debug, Clone, Default)]
pub(super) struct Subjects {
    all: Vec<Subject>,
    names: TextIndex,
    /// By forest and object.
    by_ad: Vec<Vec<u32>>,
    by_entra: Vec<u32>,
    by_exchange: Vec<u32>,
}

impl Subjects {
    pub(super) fn add(&mut self, subject: Subject) {
        let number = u32::try_from(self.all.len()).unwrap_or(NOBODY);
        self.names.insert(&subject.name, number);
        if let Some(ad) = subject.ad {
            let forest = usize::from(ad.forest.0);
            if self.by_ad.len() <= forest {
                self.by_ad.resize(forest + 1, Vec::new());
            }
            place(&mut self.by_ad[forest], ad.number.0, number);
        }
        if let Some(entra) = subject.entra {
            place(&mut self.by_entra, entra, number);
        }
        if let Some(exchange) = subject.exchange {
            place(&mut self.by_exchange, exchange, number);
        }
        self.all.push(subject);
    }

    /// Somebody has another AD object from now on.
    pub(super) fn relink(&mut self, number: u32, ad: AdObject) {
        let forest = usize::from(ad.forest.0);
        if self.by_ad.len() <= forest {
            self.by_ad.resize(forest + 1, Vec::new());
        }
        place(&mut self.by_ad[forest], ad.number.0, number);
        if let Some(subject) = self.all.get_mut(number as usize) {
            subject.ad = Some(ad);
        }
    }

    /// Somebody who was in AD alone is this user from now on, with its recipient.
    pub(super) fn give_user(&mut self, number: u32, entra: u32, exchange: Option<u32>) {
        place(&mut self.by_entra, entra, number);
        if let Some(subject) = self.all.get_mut(number as usize) {
            subject.entra = Some(entra);
        }
        if let Some(exchange) = exchange {
            self.give_mailbox(number, exchange);
        }
    }

    /// Somebody has this recipient from now on.
    pub(super) fn give_mailbox(&mut self, number: u32, exchange: u32) {
        place(&mut self.by_exchange, exchange, number);
        if let Some(subject) = self.all.get_mut(number as usize) {
            subject.exchange = Some(exchange);
        }
    }

    /// Somebody's recipient is another's from now on.
    pub(super) fn take_mailbox(&mut self, number: u32) {
        if let Some(subject) = self.all.get_mut(number as usize) {
            subject.exchange = None;
        }
    }

    pub(super) fn reserve(&mut self, more: usize) {
        self.all.reserve(more);
        self.by_entra.reserve(more);
        self.by_exchange.reserve(more);
    }
}

fn place(list: &mut Vec<u32>, at: u32, number: u32) {
    let at = at as usize;
    if list.len() <= at {
        list.resize(at + 1, NOBODY);
    }
    list[at] = number;
}

impl Estate {
    /// Everybody, in the order of the population.
    #[must_use]
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects.all
    }

    /// Somebody by the name that steps use.
    #[must_use]
    pub fn subject(&self, name: &str) -> Option<&Subject> {
        let named = |number: u32| {
            self.subjects
                .all
                .get(number as usize)
                .is_some_and(|s| s.name.eq_ignore_ascii_case(name))
        };
        let number = self.subjects.names.find(name, named)?;
        self.subjects.all.get(number as usize)
    }

    /// The distinguished name of a domain: where searches start. Empty when there is no such domain.
    #[must_use]
    pub fn base_dn(&self, forest: ForestNumber, domain: DomainNumber) -> String {
        let found = self.forests.domain((forest, domain));
        let at = self.forests.first_dc((forest, domain));
        found.zip(at).map(|(domain, at)| self.forests.dn_of(at, domain.head)).unwrap_or_default()
    }

    /// The domain that the writeback job is for, by its DNS name; the first forest's root when there is
    /// no job.
    #[must_use]
    pub fn job_domain(&self) -> (ForestNumber, DomainNumber) {
        let named = self.entra.job.as_ref().and_then(|job| {
            let mut domains = self.forests.domains();
            domains.find(|(domain, _)| domain.dns.eq_ignore_ascii_case(&job.domain))
        });
        named.map_or_else(Default::default, |(domain, at)| (at.forest, domain.number))
    }

    /// An AD object as the first domain controller of its domain holds it.
    #[must_use]
    pub fn ad_object(&self, ad: AdObject) -> Option<&Slot> {
        self.forests.object(ad.at(), ad.number)
    }

    /// Somebody's AD object as the first domain controller of its domain holds it.
    #[must_use]
    pub fn ad_entry(&self, subject: &Subject) -> Option<&Slot> {
        self.ad_object(subject.ad?)
    }

    /// The distinguished name of an AD object; empty when it is gone.
    #[must_use]
    pub fn ad_dn(&self, ad: AdObject) -> String {
        self.forests.dn_of(ad.at(), ad.number)
    }

    /// Whose object this is: a place in [`Self::subjects`].
    #[must_use]
    pub fn whose(&self, object: ObjectKey) -> Option<u32> {
        let list = match object.side {
            Side::Ad => self.subjects.by_ad.get(usize::from(object.forest.0))?,
            Side::Entra => &self.subjects.by_entra,
            Side::Exchange => &self.subjects.by_exchange,
        };
        list.get(object.number as usize).copied().filter(|subject| *subject != NOBODY)
    }

    /// The place of somebody in [`Self::subjects`].
    #[must_use]
    pub fn number_of(&self, subject: &Subject) -> Option<u32> {
        let ad = subject.ad.map(|ad| ObjectKey::ad(ad.forest, ad.number));
        let entra = subject.entra.map(ObjectKey::entra);
        self.whose(ad.or(entra).or_else(|| subject.exchange.map(ObjectKey::exchange))?)
    }

    /// Whose AD object this is.
    #[must_use]
    pub fn subject_of_ad(&self, forest: ForestNumber, number: ObjectNumber) -> Option<&Subject> {
        let subject = self.subjects.by_ad.get(usize::from(forest.0))?.get(number.0 as usize)?;
        self.subjects.all.get(*subject as usize)
    }

    /// Whose mailbox this is.
    #[must_use]
    pub fn subject_of_mailbox(&self, number: u32) -> Option<&Subject> {
        let subject = self.subjects.by_exchange.get(number as usize)?;
        self.subjects.all.get(*subject as usize)
    }
}
