//! Profiles: the product's behaviour at a date, as data.
//!
//! Microsoft's service changes, and some of its behaviour is unpublished. What is dated or unknown
//! sits in `sim/profiles/*.toml`, each row with its evidence and its source; code asks the profile.

mod table;

use core::cmp::Ordering;
use core::time::Duration;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use table::Table;

use crate::clock::VirtualTime;
use crate::throttle::Limit;

pub use toml::Value;

/// The newest profile.
pub const DEFAULT_PROFILE: &str = "wb-ga-2026-08";

const FILES: &[(&str, &str)] = &[
    ("p1-preview-2025-08", include_str!("../profiles/p1-preview-2025-08.toml")),
    ("p1-ga-2025-10", include_str!("../profiles/p1-ga-2025-10.toml")),
    ("p1-fixed-2025-11", include_str!("../profiles/p1-fixed-2025-11.toml")),
    ("wb-private", include_str!("../profiles/wb-private.toml")),
    ("wb-public-2026-05", include_str!("../profiles/wb-public-2026-05.toml")),
    ("wb-ga-2026-08", include_str!("../profiles/wb-ga-2026-08.toml")),
];

/// How well a row is founded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// Stated by Microsoft and read directly.
    Documented,
    /// Stated by Microsoft, read through a third party.
    Quoted,
    /// Public material of a preview.
    Preview,
    /// Reported by customers and tool authors.
    Field,
    /// Concluded from neighbouring documented behaviour.
    Inferred,
    /// Nothing public: a switch.
    Unknown,
    /// Invented so that a model has a number at all.
    Synthetic,
}

/// A row of a profile.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The value.
    pub value: Value,
    /// How well it is founded.
    pub evidence: Evidence,
    /// Where it comes from.
    pub source: String,
}

type Rows = BTreeMap<String, Row>;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default)]
    base: Option<String>,
    #[serde(default)]
    switches: Rows,
    #[serde(default)]
    features: Rows,
    #[serde(default)]
    versions: Rows,
    #[serde(default)]
    timings: Rows,
    #[serde(default)]
    costs: Rows,
}

/// Why a profile is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// There is no profile of that name.
    #[error("there is no profile `{0}`")]
    Unknown(String),
    /// The profile has no such switch.
    #[error("there is no switch `{0}`")]
    UnknownSwitch(String),
    /// The switch takes something else.
    #[error("switch `{switch}` takes {expected}, not `{given}`")]
    WrongValue {
        /// The switch.
        switch: String,
        /// What it takes.
        expected: String,
        /// What was given.
        given: String,
    },
    /// The profile's own file is wrong.
    #[error("profile `{name}`: {problem}")]
    Broken {
        /// The profile.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// What an operation costs in virtual time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Costs {
    /// A page of `Get-Mailbox`.
    pub exchange_list_page: Duration,
    /// One mailbox by identity.
    pub exchange_get: Duration,
    /// One `Set-Mailbox`.
    pub exchange_set: Duration,
    /// A Graph request.
    pub graph_call: Duration,
    /// An LDAP search.
    pub ldap_search: Duration,
    /// An LDAP modify.
    pub ldap_modify: Duration,
    /// One step of a Connect Sync cycle.
    pub connect_step: Duration,
    /// One object in it.
    pub connect_object: Duration,
}

/// A profile with its switches as a scenario chose them.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name.
    pub name: String,
    table: Arc<Table>,
    /// What a caller may ask of Exchange Online; `None` for any amount.
    pub exo_budget: Option<Limit>,
    /// How long the directory and Exchange Online take to hear of each other's changes (switch `forward_delay`).
    pub forward_delay: Duration,
    /// The costs.
    pub costs: Costs,
}

/// The words that switches take; the first is the default of the newest profile.
const WORDS: [(&str, &[&str]); 15] = [
    ("proxy_mode", &["replace_smtp", "replace_all", "merge"]),
    ("rtd_mode", &["remote", "raw"]),
    ("flag_sampling", &["cycle", "event"]),
    ("race", &["land", "refuse"]),
    ("sync_behavior_answer", &["nothing", "object"]),
    ("match_order", &["object_identifier", "immutable_id", "external_id"]),
    ("export_mode", &["whole_diff", "changed_attributes"]),
    ("drift_heal", &["initial_cycle", "every_cycle"]),
    ("classes", &["user", "user_and_inet_org_person"]),
    ("limit_action", &["warn", "refuse"]),
    ("licence_check", &["information", "gate"]),
    ("escrow_ladder", &["general", "every_cycle"]),
    ("modify_granularity", &["object", "attribute"]),
    ("cloud_only_types", &["skip", "as_room"]),
    ("disabled_accounts", &["write", "skip"]),
];

/// The words that a switch takes; `None` for one that takes none.
#[must_use]
pub fn words(switch: &str) -> Option<&'static [&'static str]> {
    WORDS.iter().find(|(name, _)| *name == switch).map(|(_, words)| *words)
}

/// What a switch takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// On or off.
    Truth,
    /// A word of a list.
    Word(&'static [&'static str]),
    /// A whole number between two bounds, both included.
    Number {
        /// The least.
        least: i64,
        /// The most.
        most: i64,
    },
    /// A length of time, none included, as [`jiff::SignedDuration`] reads it, and at most this long.
    Time {
        /// The most.
        most: Duration,
    },
    /// So much in a time ([`Limit::parse`]), or `off`.
    Budget,
}

/// The most mailboxes that `mailbox_limit` can be about: more than any tenant has.
const MOST_MAILBOXES: i64 = 1_000_000_000;
/// The longest `forward_delay`.
const LONGEST_DELAY: Duration = Duration::from_hours(30 * 24);

/// What a switch of this name takes, `row` being its default.
fn form(name: &str, row: &Row) -> Option<Form> {
    match (words(name), &row.value) {
        (Some(words), _) => Some(Form::Word(words)),
        (None, Value::Boolean(_)) => Some(Form::Truth),
        (None, Value::Integer(_)) => Some(Form::Number { least: 1, most: MOST_MAILBOXES }),
        (None, Value::String(_)) if name == "forward_delay" => {
            Some(Form::Time { most: LONGEST_DELAY })
        }
        (None, Value::String(_)) if name == "exo_budget" => Some(Form::Budget),
        (None, _) => None,
    }
}

impl Form {
    /// What it takes, in words; `None` when it takes the value.
    fn misfit(self, value: &Value) -> Option<String> {
        let text = value.as_str();
        let fits = match self {
            Self::Truth => value.is_bool(),
            Self::Word(words) => text.is_some_and(|word| words.contains(&word)),
            Self::Number { least, most } => {
                value.as_integer().is_some_and(|number| (least..=most).contains(&number))
            }
            Self::Time { most } => {
                text.and_then(parse_duration).is_some_and(|length| length <= most)
            }
            Self::Budget => text.is_some_and(|text| text == "off" || Limit::parse(text).is_some()),
        };
        (!fits).then(|| match self {
            Self::Truth => "true or false".to_owned(),
            Self::Word(words) => format!("`{}`", words.join("`, `")),
            Self::Number { least, most } => format!("a number from {least} to {most}"),
            Self::Time { most } => {
                format!(
                    "a time, such as `90s`, `20m` or `2h`, of at most {} h",
                    most.as_secs() / 3_600
                )
            }
            Self::Budget => "cmdlets in a time, such as `30000/5m`, or `off`".to_owned(),
        })
    }
}

/// Names of all profiles, oldest first.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

impl Profile {
    /// Loads a profile by name.
    ///
    /// # Errors
    /// `Unknown` for a name that is none, `Broken` when the file itself is wrong.
    pub fn load(name: &str) -> Result<Self, ProfileError> {
        thread_local! {
            /// The profiles that this thread has read: a small run takes no longer than a few readings.
            static READ: RefCell<BTreeMap<String, Profile>> = const { RefCell::new(BTreeMap::new()) };
        }
        if let Some(known) = READ.with_borrow(|read| read.get(name).cloned()) {
            return Ok(known);
        }
        let profile = Self::read(name)?;
        READ.with_borrow_mut(|read| read.insert(name.to_owned(), profile.clone()));
        Ok(profile)
    }

    fn read(name: &str) -> Result<Self, ProfileError> {
        let rows = load_rows(name)?;
        let broken = |problem: String| ProfileError::Broken { name: name.to_owned(), problem };
        let cost = |key: &str| {
            let row = rows.get("costs").and_then(|rows| rows.get(key));
            row.and_then(|row| row.value.as_str())
                .and_then(parse_duration)
                .ok_or_else(|| broken(format!("costs.{key} is not a duration")))
        };
        let costs = Costs {
            exchange_list_page: cost("exchange_list_page")?,
            exchange_get: cost("exchange_get")?,
            exchange_set: cost("exchange_set")?,
            graph_call: cost("graph_call")?,
            ldap_search: cost("ldap_search")?,
            ldap_modify: cost("ldap_modify")?,
            connect_step: cost("connect_step")?,
            connect_object: cost("connect_object")?,
        };
        let mut profile = Self {
            name: name.to_owned(),
            table: Arc::new(Table::new(rows)),
            exo_budget: None,
            forward_delay: Duration::ZERO,
            costs,
        };
        profile.follow_switches();
        Ok(profile)
    }

    /// Sets a switch.
    ///
    /// # Errors
    /// `UnknownSwitch`, or `WrongValue` when it is of another kind than the default.
    pub fn set_switch(&mut self, switch: &str, value: Value) -> Result<(), ProfileError> {
        let row = Arc::make_mut(&mut self.table)
            .row_mut("switches", switch)
            .ok_or_else(|| ProfileError::UnknownSwitch(switch.to_owned()))?;
        let misfit = match form(switch, row) {
            Some(form) => form.misfit(&value),
            None => Some("nothing: it has no form".to_owned()),
        };
        if let Some(expected) = misfit {
            return Err(ProfileError::WrongValue {
                switch: switch.to_owned(),
                expected,
                given: value.to_string(),
            });
        }
        row.value = value;
        self.follow_switches();
        Ok(())
    }

    fn follow_switches(&mut self) {
        self.exo_budget = Limit::parse(self.text("exo_budget"));
        self.forward_delay = parse_duration(self.text("forward_delay")).unwrap_or_default();
    }

    /// Names of all switches.
    pub fn switches(&self) -> impl Iterator<Item = &str> {
        self.table.names_in("switches")
    }

    /// What a switch takes; `None` when the profile does not have it.
    #[must_use]
    pub fn form(&self, switch: &str) -> Option<Form> {
        let mut own = self.switches();
        own.find(|known| *known == switch).and_then(|name| form(name, self.row(name)?))
    }

    /// A switch or feature that is on or off; off when the profile does not have it.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.row(name).and_then(|row| row.value.as_bool()).unwrap_or(false)
    }

    /// The text of a switch, version or timing; empty when the profile does not have it.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.row(name).and_then(|row| row.value.as_str()).unwrap_or("")
    }

    /// A timing; zero when the profile does not have it.
    #[must_use]
    pub fn timing(&self, name: &str) -> Duration {
        parse_duration(self.text(name)).unwrap_or_default()
    }

    /// A number; zero when the profile does not have it.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        let row = self.row(name).and_then(|row| row.value.as_integer());
        row.and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
    }

    /// An instant; `None` when the profile does not have it.
    #[must_use]
    pub fn instant(&self, name: &str) -> Option<VirtualTime> {
        self.text(name).parse::<jiff::Timestamp>().ok().map(VirtualTime::from_jiff)
    }

    /// Names of all rows: switches, features, versions, timings and costs.
    pub fn row_names(&self) -> impl Iterator<Item = &str> {
        self.table.names()
    }

    /// A row with its evidence and source.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.table.row(name)
    }
}

/// The order of versions such as `2.5.190.0`: part by part; parts that are no numbers count as 0.
#[must_use]
pub fn version_order(one: &str, other: &str) -> Ordering {
    version_parts(one).cmp(version_parts(other))
}

fn version_parts(version: &str) -> impl Iterator<Item = u64> + '_ {
    version.split('.').map(|part| part.parse().unwrap_or(0))
}

fn load_rows(name: &str) -> Result<BTreeMap<&'static str, Rows>, ProfileError> {
    let (_, text) = FILES
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| ProfileError::Unknown(name.to_owned()))?;
    let broken = |problem: String| ProfileError::Broken { name: name.to_owned(), problem };
    let file: File = toml::from_str(text).map_err(|error| broken(error.to_string()))?;
    if file.name != name {
        return Err(broken(format!("calls itself `{}`", file.name)));
    }
    let mut rows = match &file.base {
        Some(base) => load_rows(base)?,
        None => BTreeMap::new(),
    };
    for (section, own) in [
        ("switches", file.switches),
        ("features", file.features),
        ("versions", file.versions),
        ("timings", file.timings),
        ("costs", file.costs),
    ] {
        rows.entry(section).or_default().extend(own);
    }
    Ok(rows)
}

fn parse_duration(text: &str) -> Option<Duration> {
    let span: jiff::SignedDuration = text.parse().ok()?;
    Duration::try_from(span).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_loads_and_inherits() {
        for name in names() {
            let profile = Profile::load(name).unwrap();
            assert!(profile.instant("connect_hard_stop_after").is_some(), "{name}");
            assert_eq!(profile.timing("agent_inactive_after"), Duration::from_secs(3600), "{name}");
        }
        assert!(Profile::load("wb-private").unwrap().is_on("first_time_requires_initial"));
        assert!(!Profile::load("wb-ga-2026-08").unwrap().is_on("first_time_requires_initial"));
    }

    #[test]
    fn switches_are_checked() {
        let mut profile = Profile::load(DEFAULT_PROFILE).unwrap();
        assert!(profile.set_switch("null_flow", Value::Boolean(true)).is_ok());
        assert!(profile.is_on("null_flow"));
        assert!(profile.set_switch("proxy_mode", Value::String("swap".into())).is_err());
        assert!(profile.set_switch("no_such", Value::Boolean(true)).is_err());
        for (switch, words) in WORDS {
            assert_eq!(profile.text(switch), words[0], "{switch}");
        }
    }

    /// A switch without a form could be set by nobody; one whose form its default does not fit, by nobody twice.
    #[test]
    fn every_switch_has_a_form_that_its_default_fits() {
        for name in names() {
            let profile = Profile::load(name).unwrap();
            for switch in profile.switches() {
                let form = profile.form(switch).unwrap_or_else(|| panic!("{switch}"));
                let default = &profile.row(switch).unwrap().value;
                assert_eq!(form.misfit(default), None, "{switch}");
            }
        }
    }

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(version_order("2.5.79.0", "2.5.190.0"), Ordering::Less);
    }
}
