//! Who is who: one person's AD object, Entra user and mailbox, as the estate itself knows it.
//!
//! Judges and scenarios ask here; the engine never does.

use super::Estate;
use crate::directory::entry::DcNumber;
use crate::index::TextIndex;

/// One person on the three sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What steps call it.
    pub name: Box<str>,
    /// The number of its AD object.
    pub ad: Option<u32>,
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
    by_ad: Vec<u32>,
    by_exchange: Vec<u32>,
}

impl Subjects {
    pub(super) fn add(&mut self, subject: Subject) {
        let number = u32::try_from(self.all.len()).unwrap_or(NOBODY);
        self.names.insert(&subject.name, number);
        if let Some(ad) = subject.ad {
            place(&mut self.by_ad, ad, number);
        }
        if let Some(exchange) = subject.exchange {
            place(&mut self.by_exchange, exchange, number);
        }
        self.all.push(subject);
    }

    pub(super) fn reserve(&mut self, more: usize) {
        self.all.reserve(more);
        self.by_ad.reserve(more);
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

    /// The distinguished name of the forest's root domain: where searches start.
    #[must_use]
    pub fn base_dn(&self) -> String {
        let domain = self.forest.domains().first();
        domain.map_or_else(String::new, |domain| self.forest.dn_of(DcNumber(0), domain.head))
    }

    /// Whose AD object this is.
    #[must_use]
    pub fn subject_of_ad(&self, number: u32) -> Option<&Subject> {
        let subject = self.subjects.by_ad.get(number as usize)?;
        self.subjects.all.get(*subject as usize)
    }

    /// Whose mailbox this is.
    #[must_use]
    pub fn subject_of_mailbox(&self, number: u32) -> Option<&Subject> {
        let subject = self.subjects.by_exchange.get(number as usize)?;
        self.subjects.all.get(*subject as usize)
    }
}
