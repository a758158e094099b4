//! The forests of an estate, and the place of something in one of them.
//!
//! Numbers of domains, domain controllers and objects count within their forest: outside of
//! [`super::forest`] they go together with the number of the forest.

use crate::directory::entry::DcNumber;
use crate::directory::forest::{Domain, DomainController, DomainNumber, Forest};
use crate::directory::request::ObjectNumber;
use crate::directory::store::Slot;

/// The number of a forest in its estate: given in order, never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForestNumber(pub u16);

/// A domain controller of one of the forests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DcKey {
    /// Its forest.
    pub forest: ForestNumber,
    /// Its number there.
    pub dc: DcNumber,
}

/// An object of AD, and where to look at it: the first domain controller of its domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdObject {
    /// Its forest.
    pub forest: ForestNumber,
    /// The first domain controller of its domain.
    pub dc: DcNumber,
    /// Its number in the forest.
    pub number: ObjectNumber,
}

impl AdObject {
    /// An object as a domain controller holds it.
    #[must_use]
    pub const fn on(at: DcKey, number: ObjectNumber) -> Self {
        Self { forest: at.forest, dc: at.dc, number }
    }

    /// The domain controller where it is looked at.
    #[must_use]
    pub const fn at(self) -> DcKey {
        DcKey { forest: self.forest, dc: self.dc }
    }
}

/// The forests of an estate; at least one.
#[derive(Clone, Debug)]
pub struct Forests(Vec<Forest>);

impl Forests {
    /// How many forests there may be. Bounded so that the ledger can tell the objects of every forest
    /// and those of the two cloud sides apart by 16 bits.
    pub const MOST: u16 = u16::MAX - 1;

    /// One forest, number 0.
    #[must_use]
    pub fn new(first: Forest) -> Self {
        Self(vec![first])
    }

    /// A further forest; `None`, and nothing happens, when there are [`Self::MOST`] already.
    pub fn push(&mut self, forest: Forest) -> Option<ForestNumber> {
        let number = u16::try_from(self.0.len()).ok().filter(|number| *number < Self::MOST)?;
        self.0.push(forest);
        Some(ForestNumber(number))
    }

    /// The first forest.
    #[must_use]
    pub fn first(&self) -> &Forest {
        self.0.first().expect("there is a forest from the start, and none is ever taken away")
    }

    /// A forest.
    #[must_use]
    pub fn get(&self, number: ForestNumber) -> Option<&Forest> {
        self.0.get(usize::from(number.0))
    }

    /// A forest, to be changed.
    pub fn get_mut(&mut self, number: ForestNumber) -> Option<&mut Forest> {
        self.0.get_mut(usize::from(number.0))
    }

    /// All forests, by number.
    pub fn iter(&self) -> impl Iterator<Item = (ForestNumber, &Forest)> {
        (0..).map(ForestNumber).zip(&self.0)
    }

    /// All forests, to be changed, by number.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (ForestNumber, &mut Forest)> {
        (0..).map(ForestNumber).zip(&mut self.0)
    }

    /// A domain.
    #[must_use]
    pub fn domain(&self, (forest, domain): (ForestNumber, DomainNumber)) -> Option<&Domain> {
        self.get(forest)?.domain(domain)
    }

    /// A domain controller.
    #[must_use]
    pub fn dc(&self, at: DcKey) -> Option<&DomainController> {
        self.get(at.forest)?.dc(at.dc)
    }

    /// An object as a domain controller holds it.
    #[must_use]
    pub fn object(&self, at: DcKey, object: ObjectNumber) -> Option<&Slot> {
        self.get(at.forest)?.object(at.dc, object)
    }

    /// The distinguished name of an object; empty when the domain controller does not hold it.
    #[must_use]
    pub fn dn_of(&self, at: DcKey, object: ObjectNumber) -> String {
        self.get(at.forest).map(|forest| forest.dn_of(at.dc, object)).unwrap_or_default()
    }

    /// The first domain controller of a domain.
    #[must_use]
    pub fn first_dc(&self, (number, domain): (ForestNumber, DomainNumber)) -> Option<DcKey> {
        let forest = self.get(number)?;
        let dc = forest.dcs().iter().find(|dc| dc.domain == domain)?.number;
        Some(DcKey { forest: number, dc })
    }

    /// Every domain with its first domain controller, by forest and number.
    pub fn domains(&self) -> impl Iterator<Item = (&Domain, DcKey)> {
        self.iter().flat_map(move |(number, forest)| {
            forest
                .domains()
                .iter()
                .filter_map(move |domain| Some((domain, self.first_dc((number, domain.number))?)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;
    use crate::clock::VirtualTime;
    use crate::directory::forest::{DcSpec, DomainSpec};
    use crate::directory::name::Sid;
    use crate::directory::schema::Schema;

    fn forest(dns: &str, chance: &mut Chance) -> Forest {
        let root = DomainSpec {
            dns: dns.to_owned(),
            netbios: "ROOT".to_owned(),
            sid: Sid::from_text("S-1-5-21-1-2-3").unwrap(),
        };
        let dc = DcSpec {
            host: "DC1".to_owned(),
            site: "Site".to_owned(),
            invocation_id: chance.guid(),
            read_only: false,
        };
        let now = VirtualTime::from_micros(0);
        Forest::new(Schema::base(), &root, dc, now, &mut || chance.guid())
    }

    /// The same numbers mean other things in another forest.
    #[test]
    fn every_forest_has_numbers_of_its_own() {
        let mut chance = Chance::stream(1, "forests");
        let mut forests = Forests::new(forest("one.example", &mut chance));
        let second = forests.push(forest("two.example", &mut chance)).unwrap();
        assert_eq!(second, ForestNumber(1));
        let names: Vec<_> =
            forests.domains().map(|(domain, at)| (at, forests.dn_of(at, domain.head))).collect();
        let at = |forest| DcKey { forest: ForestNumber(forest), dc: DcNumber(0) };
        assert_eq!(
            names,
            [(at(0), "DC=one,DC=example".to_owned()), (at(1), "DC=two,DC=example".to_owned())]
        );
    }
}
