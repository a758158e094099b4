//! Settling people: each gets what it has on the three sides, as if it had been there for long. Who is in no
//! organizational unit that is synchronized is in AD alone.

use super::build::BuildError;
use super::draft::{AdDraft, Draft};
use super::{Estate, Subject};
use crate::chance::Chance;
use crate::clock::VirtualTime;
use crate::connect::{ConnectorObject, source_anchor};
use crate::directory::forests::AdObject;
use crate::entra::User;
use crate::exchange::ExchangeOnline;
use crate::population::Person;

impl Estate {
    /// Drafts people and settles them. Everybody changed last at `since`.
    ///
    /// # Errors
    /// [`BuildError`] at the first person that does not fit.
    pub fn settle(
        &mut self,
        people: impl IntoIterator<Item = Person>,
        since: VirtualTime,
        chance: &mut Chance,
    ) -> Result<(), BuildError> {
        let Some(drafting) = self.drafting() else { return Ok(()) };
        let drafts = (0..).zip(people).map(|(place, person)| {
            let identity = drafting.identity(place, chance);
            drafting.draft(&person, identity)
        });
        self.settle_drafts(drafts, since)
    }

    /// Settles people from their drafts. Everybody changed last at `since`.
    ///
    /// # Errors
    /// The first error among the drafts; nobody after it is settled.
    pub fn settle_drafts(
        &mut self,
        drafts: impl IntoIterator<Item = Result<Draft, BuildError>>,
        since: VirtualTime,
    ) -> Result<(), BuildError> {
        for draft in drafts {
            self.settle_one(draft?, since);
        }
        for (_, forest) in self.forests.iter_mut() {
            forest.settle();
            forest.mark_level();
        }
        for connector in &mut self.connect.connectors {
            connector.imported_usn = self.forests.dc(connector.dc).map_or(0, |dc| dc.highest_usn);
        }
        self.connect.imported_at = self.now;
        Ok(())
    }

    /// What was written so far is on every domain controller, as if it had been there for long.
    pub fn settle_replication(&mut self) {
        let now = self.now();
        for (_, forest) in self.forests.iter_mut() {
            forest.converge(now);
        }
    }

    /// Room for this many more people.
    pub fn reserve(&mut self, people: usize) {
        if let Some(forest) = self.forests.get_mut(self.people.dc.forest) {
            forest.reserve(self.people.domain, people);
        }
        self.entra.reserve(people);
        self.exchange.reserve(people);
        self.subjects.reserve(people);
    }

    fn settle_one(&mut self, draft: Draft, since: VirtualTime) {
        let home = self.people;
        if draft.ad.as_ref().is_some_and(|ad| !self.is_synchronized(ad)) {
            let ad = draft.ad.and_then(|ad| self.settle_in_ad(ad, None, since));
            self.subjects.add(Subject { name: draft.name, ad, entra: None, exchange: None });
            return;
        }
        let synced = draft.ad.as_ref().map(|ad| ad.guid);
        let anchor = draft.ad.as_ref().map(|ad| source_anchor(&ad.record, ad.guid));
        let entra = self.entra.add(User {
            id: draft.id,
            sync_enabled: synced.map(|_| true),
            source_anchor: anchor,
            object_identifier: synced,
            domain: synced.map(|_| (home.dc.forest, home.domain)),
            object_cloud_managed: false,
            licensed: draft.licensed,
            deletion: None,
            version: 0,
            position: 0,
            record: draft.user,
        });
        self.entra.note_primary(entra, draft.derived_primary);
        if let Some(name) = draft.unverified {
            self.entra.unverified_names.insert(entra, name);
        }
        let exchange = draft.recipient.map(|(kind, record)| {
            let mut recipient = ExchangeOnline::recipient(draft.id, kind, since, record);
            recipient.dir_synced = synced.is_some();
            recipient.cloud_managed = draft.cloud_managed;
            self.exchange.add(recipient)
        });
        let ad = draft.ad.and_then(|ad| self.settle_in_ad(ad, Some(entra), since));
        self.subjects.add(Subject { name: draft.name, ad, entra: Some(entra), exchange });
    }

    /// Whether an object is to be in an organizational unit that is synchronized.
    fn is_synchronized(&self, draft: &AdDraft) -> bool {
        let home = self.people;
        self.connect.selects(|| {
            let forest = self.forests.get(home.dc.forest);
            if draft.units.is_empty() {
                let container = forest.map(|forest| forest.dn_of(home.dc.dc, home.container));
                return format!("CN=,{}", container.unwrap_or_default());
            }
            let units = draft.units.iter().rev().map(|unit| format!("OU={unit},"));
            format!("CN=,{}DC=", units.collect::<String>())
        })
    }

    /// Puts the object of a user into AD, and Connect's memory of having brought it up for a user of the cloud.
    fn settle_in_ad(
        &mut self,
        draft: AdDraft,
        user: Option<u32>,
        since: VirtualTime,
    ) -> Option<AdObject> {
        let home = self.people;
        let forest = self.forests.get_mut(home.dc.forest)?;
        let AdDraft { class, guid, record, units, digests: (identity, exchange) } = draft;
        let container = if units.is_empty() {
            home.container
        } else {
            let chance = &mut self.new_objects;
            forest.import_units(home.domain, home.dc.dc, &units, &mut || chance.guid(), since)
        };
        let number = forest.load(home.domain, container, class, guid, record, since);
        if let Some(user) = user {
            let object = ConnectorObject::new(user, identity, exchange);
            self.connect.remember((home.dc.forest, number.0), object);
        }
        Some(AdObject::on(home.dc, number))
    }
}
