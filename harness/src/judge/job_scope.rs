//! Which AD objects the job is responsible for, by its scoping filter and by what the profile leaves out.
//!
//! The judge's own reading of `containerFilter` and `groupFilter`: an object below one of the containers,
//! or a direct member of one of the groups (Microsoft Learn, "Scoping filters"; nested members are not
//! followed).

use sim::directory::entry::Entry;
use sim::directory::forests::AdObject;
use sim::directory::schema::known;
use sim::estate::Estate;
use sim::ledger::ObjectKey;
use sim::record::Record;

/// The filter of an estate's job.
#[derive(Debug, Clone, Default)]
pub(super) struct JobScope {
    containers: Vec<String>,
    groups: Vec<String>,
    /// Disabled accounts are left alone (switch `disabled_accounts`).
    leaves_disabled: bool,
    /// Objects of the class `inetOrgPerson` are left alone (switch `classes`).
    leaves_persons: bool,
}

impl JobScope {
    pub(super) fn new(estate: &Estate) -> Self {
        let schema = estate.entra.job.as_ref().and_then(|job| job.schema.as_ref());
        let folded = |names: &[String]| names.iter().map(|name| folded(name)).collect();
        Self {
            containers: schema.map(|schema| folded(&schema.containers)).unwrap_or_default(),
            groups: schema.map(|schema| folded(&schema.groups)).unwrap_or_default(),
            leaves_disabled: estate.profile.text("disabled_accounts") == "skip",
            leaves_persons: estate.profile.text("classes") == "user",
        }
    }

    /// Whether it leaves nobody out.
    pub(super) const fn lets_everything_pass(&self) -> bool {
        self.is_open() && !self.leaves_disabled && !self.leaves_persons
    }

    const fn is_open(&self) -> bool {
        self.containers.is_empty() && self.groups.is_empty()
    }

    /// Whether an object is in scope now.
    pub(super) fn covers(&self, estate: &Estate, ad: AdObject, entry: &Entry) -> bool {
        if self.leaves_disabled && is_disabled(&entry.record) {
            return false;
        }
        let Some(forest) = estate.forests.get(ad.forest) else { return false };
        // Who is a person of the Internet is one by the most specific class: nothing is derived from it.
        let persons = || forest.schema().class_named("inetOrgPerson").map(|class| class.number);
        if self.leaves_persons && Some(entry.class) == persons() {
            return false;
        }
        if self.is_open() {
            return true;
        }
        let name = folded(&estate.ad_dn(ad));
        let groups = forest.values(ad.dc, ad.number, "memberOf");
        let mut groups = groups.iter().map(|group| folded(&String::from_utf8_lossy(group)));
        self.containers.iter().any(|container| name.ends_with(&format!(",{container}")))
            || groups.any(|group| self.groups.contains(&group))
    }

    /// Whether an object may have come under the filter in the story: it was moved, or a group of the
    /// filter got other members. No delta of the cloud shows that (Microsoft Learn, "Cloud sync FAQ").
    pub(super) fn changed(&self, estate: &Estate, ad: AdObject) -> bool {
        let Some(forest) = estate.forests.get(ad.forest).filter(|_| !self.is_open()) else {
            return false;
        };
        let touched = |number, name| {
            let object = ObjectKey::ad(ad.forest, number);
            let attribute = known::number(name);
            attribute
                .is_some_and(|attribute| estate.ledger.last_writer(object, attribute).is_some())
        };
        touched(ad.number, "distinguishedName")
            || self
                .groups
                .iter()
                .filter_map(|group| forest.find_account(ad.dc, group))
                .any(|group| touched(group, "member"))
    }
}

/// Bit 2 of `userAccountControl` ([MS-ADTS] 2.2.16).
fn is_disabled(ad: &Record) -> bool {
    let Some(number) = known::number("userAccountControl") else { return false };
    let flags = ad.values(number).next().and_then(|bytes| core::str::from_utf8(bytes).ok());
    flags.and_then(|flags| flags.parse::<i64>().ok()).is_some_and(|flags| flags & 2 != 0)
}

/// A name without the spaces after its commas, in lower case.
fn folded(name: &str) -> String {
    name.to_lowercase().split(',').map(str::trim).collect::<Vec<_>>().join(",")
}
