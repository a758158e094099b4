//! The judge's own idea of what AD should say, naive and shared with nobody.
//!
//! One attribute at a time, values as texts, by the profile's switches. It is slow and obvious on
//! purpose: were it the engine's mapping, a mistake there would cancel itself.

use sim::directory::forest::Forest;
use sim::directory::schema::known;
use sim::entra::schema::Flow;
use sim::estate::Estate;
use sim::exchange::{Mailbox, RecipientType, property};
use sim::record::{AttributeNumber, Projection, Record, Values};

use super::expression::{self, Said};

/// The mapping under the switches of an estate.
#[derive(Debug, Clone)]
pub(super) struct Mapping {
    /// The attributes, with their numbers in this forest.
    pub(super) rules: Vec<MappingRule>,
    /// AD's values by rule, a mailbox's by property number.
    ad: Projection,
    cloud: Projection,
    proxy_mode: String,
    raw_types: bool,
    null_flow: bool,
    null_flow_multi: bool,
    write_onmicrosoft: bool,
    write_x500: bool,
    write_sip: bool,
    /// The texts of computed attributes, with what flows when one comes to nothing.
    computed: Vec<(String, Option<String>)>,
}

/// One attribute that is written back.
#[derive(Debug, Clone)]
pub(super) struct MappingRule {
    /// Its number; `None` where the schema does not have it.
    pub(super) ad: Option<AttributeNumber>,
    /// Its name.
    pub(super) name: Box<str>,
    source: Source,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Single(AttributeNumber),
    Multi(AttributeNumber),
    Addresses,
    TypeDetails,
    DisplayType,
    /// Place of its text.
    Computed(usize),
}

/// One attribute: what AD must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Demand {
    /// Exactly these values, in any order.
    Exactly(Vec<String>),
    /// At least these values.
    AtLeast(Vec<String>),
    /// Nothing is demanded.
    Anything,
}

/// The AD attributes that are written back, with the mailbox property of each.
const PAIRS: [(&str, &str); 20] = [
    ("extensionAttribute1", "CustomAttribute1"),
    ("extensionAttribute2", "CustomAttribute2"),
    ("extensionAttribute3", "CustomAttribute3"),
    ("extensionAttribute4", "CustomAttribute4"),
    ("extensionAttribute5", "CustomAttribute5"),
    ("extensionAttribute6", "CustomAttribute6"),
    ("extensionAttribute7", "CustomAttribute7"),
    ("extensionAttribute8", "CustomAttribute8"),
    ("extensionAttribute9", "CustomAttribute9"),
    ("extensionAttribute10", "CustomAttribute10"),
    ("extensionAttribute11", "CustomAttribute11"),
    ("extensionAttribute12", "CustomAttribute12"),
    ("extensionAttribute13", "CustomAttribute13"),
    ("extensionAttribute14", "CustomAttribute14"),
    ("extensionAttribute15", "CustomAttribute15"),
    ("msExchExtensionCustomAttribute1", "ExtensionCustomAttribute1"),
    ("msExchExtensionCustomAttribute2", "ExtensionCustomAttribute2"),
    ("msExchExtensionCustomAttribute3", "ExtensionCustomAttribute3"),
    ("msExchExtensionCustomAttribute4", "ExtensionCustomAttribute4"),
    ("msExchExtensionCustomAttribute5", "ExtensionCustomAttribute5"),
];

impl Mapping {
    /// The mapping of an estate to objects of one of its forests.
    pub(super) fn new(estate: &Estate, forest: &Forest) -> Self {
        let profile = &estate.profile;
        let schema = forest.schema();
        let mut computed = Vec::new();
        let rules: Vec<MappingRule> = sources(&flows(estate), &mut computed)
            .into_iter()
            .map(|(name, source)| MappingRule {
                ad: schema.attribute_named(&name).map(|attribute| attribute.number),
                name: name.into(),
                source,
            })
            .collect();
        let properties = AttributeNumber::try_from(property::PROPERTIES.len()).unwrap_or(0);
        Self {
            ad: Projection::new(rules.iter().map(|rule| rule.ad)),
            cloud: Projection::new((0..properties).map(Some)),
            rules,
            proxy_mode: profile.text("proxy_mode").to_owned(),
            raw_types: profile.text("rtd_mode") == "raw",
            null_flow: profile.is_on("null_flow"),
            null_flow_multi: profile.is_on("null_flow_multi"),
            write_onmicrosoft: profile.is_on("write_onmicrosoft"),
            write_x500: profile.is_on("write_x500"),
            write_sip: profile.is_on("write_sip"),
            computed,
        }
    }

    /// The properties that feed one attribute.
    pub(super) fn fed_by(&self, rule: &MappingRule) -> Vec<AttributeNumber> {
        match rule.source {
            Source::Single(number) | Source::Multi(number) => vec![number],
            Source::Addresses => vec![property::EMAIL_ADDRESSES],
            Source::TypeDetails | Source::DisplayType => vec![property::RECIPIENT_TYPE_DETAILS],
            Source::Computed(place) => self
                .computed
                .get(place)
                .into_iter()
                .flat_map(|(text, _)| expression::names(text))
                .filter_map(|name| number_of(&name))
                .collect(),
        }
    }

    /// The rules that do not hold for a cloud-managed mailbox and its AD object.
    pub(super) fn broken(&self, mailbox: &Mailbox, ad: &Record) -> Vec<&MappingRule> {
        let says = self.ad.of(ad);
        let cloud = self.cloud.of(&mailbox.record);
        self.rules
            .iter()
            .zip(says)
            .filter(|(rule, says)| match rule.source {
                Source::Single(number) => {
                    let wanted = cloud.get(usize::from(number)).cloned().and_then(|mut v| v.next());
                    (wanted.is_some() || self.null_flow) && wanted != says.clone().next()
                }
                Source::Multi(number)
                    if cloud.get(usize::from(number)).is_some_and(|v| v.len() == 0) =>
                {
                    self.null_flow_multi && says.len() > 0
                }
                _ => !self.holds(rule, mailbox, says.clone()),
            })
            .map(|(rule, _)| rule)
            .collect()
    }

    fn holds(&self, rule: &MappingRule, mailbox: &Mailbox, says: Values<'_>) -> bool {
        let now: Vec<String> = says.map(|v| String::from_utf8_lossy(v).into_owned()).collect();
        match self.demand(rule, mailbox, &now) {
            Demand::Anything => true,
            Demand::Exactly(values) => is_same_set(&values, &now),
            Demand::AtLeast(values) => values.iter().all(|value| now.contains(value)),
        }
    }

    /// What AD must say for one attribute. `now` are AD's own values.
    pub(super) fn demand(&self, rule: &MappingRule, mailbox: &Mailbox, now: &[String]) -> Demand {
        match rule.source {
            Source::Single(number) => or_anything(texts(&mailbox.record, number), self.null_flow),
            Source::Multi(number) => {
                or_anything(texts(&mailbox.record, number), self.null_flow_multi)
            }
            Source::Addresses => self.addresses(mailbox, now),
            Source::TypeDetails => self.type_number(mailbox.kind, 0),
            Source::DisplayType => self.type_number(mailbox.kind, 1),
            Source::Computed(place) => self.computed(place, mailbox),
        }
    }

    fn computed(&self, place: usize, mailbox: &Mailbox) -> Demand {
        let Some((text, default)) = self.computed.get(place) else { return Demand::Anything };
        let values = |name: &str| {
            let mut found = number_of(name).map(|n| texts(&mailbox.record, n)).unwrap_or_default();
            found.retain(|value| !value.is_empty());
            found
        };
        match expression::evaluate(text, &values) {
            Said::LeaveIt => Demand::Anything,
            Said::Values(found) => {
                let found = found.into_iter().next().or_else(|| default.clone());
                or_anything(found.into_iter().collect(), self.null_flow)
            }
        }
    }

    /// Addresses in `onmicrosoft.com` that are not written (`write_onmicrosoft` off) do not cross in
    /// either sense: AD gets none and keeps its own. A primary crosses always. X500 alike (`write_x500`); SIP and other
    /// types cross where all follow the cloud, SIP also where it is written (`write_sip`).
    fn addresses(&self, mailbox: &Mailbox, now: &[String]) -> Demand {
        let starts = |value: &str, kind: &str| value.to_lowercase().starts_with(kind);
        let stays_at_home = |value: &str| {
            (!self.write_onmicrosoft && value.to_lowercase().ends_with("onmicrosoft.com"))
                || (!self.write_x500 && starts(value, "x500:"))
        };
        let all_follow = self.proxy_mode == "replace_all";
        let crosses = |value: &str| {
            let usual = starts(value, "smtp:") || starts(value, "x500:");
            usual || all_follow || (self.write_sip && starts(value, "sip:"))
        };
        let wanted: Vec<String> = texts(&mailbox.record, property::EMAIL_ADDRESSES)
            .into_iter()
            .filter(|value| crosses(value))
            .filter(|value| value.starts_with("SMTP:") || !stays_at_home(value))
            .collect();
        if wanted.is_empty() {
            return or_anything(wanted, self.null_flow_multi);
        }
        let keeps_all = match self.proxy_mode.as_str() {
            "merge" => return Demand::AtLeast(wanted),
            "replace_all" => false,
            _ => true,
        };
        let kept = now.iter().filter(|value| {
            let stays = stays_at_home(value) || (keeps_all && !starts(value, "smtp:"));
            stays && !wanted.iter().any(|w| w.to_lowercase() == value.to_lowercase())
        });
        // There is one primary, and it is the cloud's.
        let kept: Vec<String> = kept.map(|value| value.replacen("SMTP:", "smtp:", 1)).collect();
        Demand::Exactly(wanted.into_iter().chain(kept).collect())
    }

    /// The number that AD should show: details, then display type.
    fn type_number(&self, kind: RecipientType, place: usize) -> Demand {
        let numbers = match (self.raw_types, kind) {
            (_, RecipientType::MailUser) => return Demand::Anything,
            // Whoever is compared is written: as a room (switch `cloud_only_types`).
            (_, RecipientType::Workspace | RecipientType::Desk) => {
                return self.type_number(RecipientType::Room, place);
            }
            (true, RecipientType::User) => ["1", "0"],
            (true, RecipientType::Shared) => ["4", "0"],
            (true, RecipientType::Room) => ["16", "7"],
            (true, RecipientType::Equipment) => ["32", "8"],
            (false, RecipientType::User) => ["2147483648", "-2147483642"],
            (false, RecipientType::Shared) => ["34359738368", "-2147483642"],
            (false, RecipientType::Room) => ["8589934592", "-2147481850"],
            (false, RecipientType::Equipment) => ["17179869184", "-2147481594"],
        };
        Demand::Exactly(vec![numbers[place].to_owned()])
    }
}

/// The attributes that a job with these mappings may write, by number.
pub(super) fn written_back(flows: &[Flow]) -> Vec<AttributeNumber> {
    flows.iter().filter_map(|flow| known::number(&flow.target)).collect()
}

/// The mailbox properties whose values go to AD as they are, each with the number of its AD attribute.
pub(super) fn pairs(flows: &[Flow]) -> Vec<(AttributeNumber, AttributeNumber)> {
    let pair = |(name, source): (String, Source)| {
        let property = match source {
            Source::Single(number) | Source::Multi(number) => number,
            Source::Addresses => property::EMAIL_ADDRESSES,
            Source::TypeDetails | Source::DisplayType | Source::Computed(_) => return None,
        };
        Some((property, known::number(&name)?))
    };
    sources(flows, &mut Vec::new()).into_iter().filter_map(pair).collect()
}

/// The mailbox properties that the announced mapping takes over as they are, each with the number of its
/// AD attribute; addresses are not among them.
pub(super) fn plain_pairs() -> Vec<(AttributeNumber, AttributeNumber)> {
    let pair = |(ad, name): &(&str, &str)| Some((property::number(name)?, known::number(ad)?));
    PAIRS.iter().filter_map(pair).collect()
}

/// Whether a mapping takes a property into account.
pub(super) fn feeds(flow: &Flow, property: AttributeNumber) -> bool {
    expression::names(&flow.source).iter().any(|name| number_of(name) == Some(property))
}

/// Every property that feeds an attribute.
pub(super) fn properties(flows: &[Flow]) -> Vec<AttributeNumber> {
    flows
        .iter()
        .flat_map(|flow| expression::names(&flow.source))
        .filter_map(|n| number_of(&n))
        .collect()
}

/// Every property that the announced mapping takes from a mailbox.
pub(super) fn announced() -> impl Iterator<Item = AttributeNumber> {
    let names =
        PAIRS.iter().map(|(_, name)| *name).chain(["EmailAddresses", "WindowsEmailAddress"]);
    names.filter_map(property::number).chain([property::RECIPIENT_TYPE_DETAILS])
}

/// The attribute mappings of an estate's job: those on record, or the announced ones.
pub(super) fn flows(estate: &Estate) -> Vec<Flow> {
    let schema = estate.entra.job.as_ref().and_then(|job| job.schema.as_ref());
    if let Some(schema) = schema {
        return schema.flows.clone();
    }
    let mut pairs: Vec<(&str, &str)> = PAIRS.to_vec();
    pairs.push(("proxyAddresses", "EmailAddresses"));
    pairs.push(("msExchRecipientTypeDetails", "RecipientTypeDetails"));
    pairs.push(("msExchRecipientDisplayType", "RecipientDisplayType"));
    if maps_mail(estate) {
        pairs.push(("mail", "WindowsEmailAddress"));
    }
    let flow = |(target, source): (&str, &str)| Flow {
        target: target.to_owned(),
        source: format!("[{source}]"),
        default: None,
    };
    pairs.into_iter().map(flow).collect()
}

/// The number of a property by the name that a schema calls it.
fn number_of(name: &str) -> Option<AttributeNumber> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is("Mail") {
        return property::number("WindowsEmailAddress");
    }
    if is("RecipientTypeDetails") || is("RecipientDisplayType") {
        return Some(property::RECIPIENT_TYPE_DETAILS);
    }
    property::number(name)
}

fn sources(flows: &[Flow], computed: &mut Vec<(String, Option<String>)>) -> Vec<(String, Source)> {
    flows
        .iter()
        .map(|flow| {
            let target = flow.target.to_lowercase();
            let plain = flow.source.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let plain = plain.filter(|name| flow.default.is_none() && !name.contains('['));
            let source = match (target.as_str(), plain.map(str::trim)) {
                ("proxyaddresses", _) => Source::Addresses,
                ("msexchrecipienttypedetails", _) => Source::TypeDetails,
                ("msexchrecipientdisplaytype", _) => Source::DisplayType,
                (_, Some(name)) => {
                    let number = number_of(name).unwrap_or(AttributeNumber::MAX);
                    let multi = target.starts_with("msexchextension");
                    if multi { Source::Multi(number) } else { Source::Single(number) }
                }
                (_, None) => {
                    computed.push((flow.source.clone(), flow.default.clone()));
                    Source::Computed(computed.len() - 1)
                }
            };
            (flow.target.clone(), source)
        })
        .collect()
}

/// `mail` came with general availability; a configuration created before has no mapping for it
/// (Exchange Team Blog 2026-08-03).
fn maps_mail(estate: &Estate) -> bool {
    let created = estate.entra.job.as_ref().map(|job| job.created_on.to_string());
    estate.profile.is_on("mail_written_back")
        && created.is_some_and(|created| created.as_str() >= "2026-08-03")
}

/// Values as they are; none are demanded only when emptiness flows.
fn or_anything(values: Vec<String>, null_flow: bool) -> Demand {
    if values.is_empty() && !null_flow { Demand::Anything } else { Demand::Exactly(values) }
}

/// Whether two lists, each without the same value twice, hold the same.
pub(super) fn is_same_set<V: PartialEq>(a: &[V], b: &[V]) -> bool {
    a.len() == b.len() && a.iter().all(|value| b.contains(value))
}

fn texts(record: &Record, number: AttributeNumber) -> Vec<String> {
    record.values(number).map(|v| String::from_utf8_lossy(v).into_owned()).collect()
}
