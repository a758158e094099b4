//! Whether the expectations of a file hold now, and what to say when they do not.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sim::directory::forests::AdObject;
use sim::entra;
use sim::entra::Deletion;
use sim::entra::job::Execution;
use sim::entra::log::LogEntry;
use sim::estate::{Estate, Subject};
use sim::exchange::address;
use sim::exchange::{property, truth};
use sim::ledger::{LastWriter, ObjectKey};

use super::verdict::{Finding, Location, Rule};
use crate::observe::{Counters, History};
use crate::scenario::{
    AttributeExpectation, AttributePath, Comparison, Expectations, LogExpectation,
    NamedExpectation, Side, Span, instant,
};
use crate::stage::Roster;

/// What expectations are checked against.
pub struct Scene<'a> {
    /// The estate.
    pub estate: &'a Estate,
    /// Who selectors mean.
    pub roster: &'a Roster,
    /// The counts so far.
    pub counters: &'a Counters,
    /// The recent events.
    pub history: &'a History,
    /// The file's text, for places in it.
    pub source: &'a str,
}

impl Scene<'_> {
    /// Everything of `expectations` that does not hold now.
    pub(super) fn failures(&self, expectations: &Expectations) -> Vec<Finding> {
        let mut findings = Vec::new();
        for expectation in &expectations.mailboxes {
            let subjects = self.roster.subjects(self.estate, &expectation.mailboxes.value);
            if subjects.is_empty() {
                findings.push(self.finding(
                    "the selection names nobody".to_owned(),
                    "at least one mailbox".to_owned(),
                    "none".to_owned(),
                    expectation.mailboxes.span,
                ));
            }
            for demand in &expectation.attributes {
                for subject in &subjects {
                    findings.extend(self.attribute(subject, demand));
                }
            }
        }
        let jobs = expectations.job.iter().filter(|demand| !self.lacks_its_cycle(demand));
        findings.extend(jobs.filter_map(|demand| self.job(demand)));
        findings
            .extend(expectations.quarantine.iter().filter_map(|demand| self.quarantine(demand)));
        findings.extend(expectations.log.iter().flat_map(|demand| self.log(demand)));
        findings.extend(expectations.counts.iter().filter_map(|demand| self.count(demand)));
        if self.has_lag() {
            findings.extend(expectations.lag.iter().filter_map(|demand| self.lag(demand)));
        }
        findings.extend(expectations.connect.iter().filter_map(|demand| self.connect(demand)));
        for agent in &expectations.agents {
            findings.extend(self.agent(&agent.agent.value, &agent.property));
        }
        findings
    }

    fn attribute(&self, subject: &Subject, demand: &AttributeExpectation) -> Option<Finding> {
        let actual = values(self.estate, subject, &demand.path.value);
        if holds(&demand.comparison.value, &actual) {
            return None;
        }
        let message = format!("{} is not as expected", demand.path.value);
        Some(self.of_attribute(subject, demand, message, &actual))
    }

    /// A finding about an attribute of somebody: who wrote it last, and what led there.
    fn of_attribute(
        &self,
        subject: &Subject,
        demand: &AttributeExpectation,
        message: String,
        actual: &[String],
    ) -> Finding {
        let path = &demand.path.value;
        let mut finding = self.finding(
            message,
            demand.comparison.value.to_string(),
            super::shown(actual),
            demand.comparison.span,
        );
        let place = place_of(self.estate, subject, path);
        let last = place.and_then(|(key, number)| self.estate.ledger.last_writer(key, number));
        finding.object = Some(subject.name.to_string());
        finding.attribute = Some(path.to_string());
        finding.last_writer = last.as_ref().map(told_writer);
        let about = place.map(|(key, number)| (key.side, number));
        if let Some(person) = self.estate.number_of(subject) {
            let chain = self.history.chain(person, about);
            finding.chain = chain.lines_after(self.estate, last.as_ref());
        }
        finding
    }

    /// The finding that something of `expectations`, of which nothing must ever hold, holds now: the first
    /// attribute of the first mailbox, or the first number, for which that is so.
    #[must_use]
    pub fn came_true(&self, expectations: &Expectations, words: &str) -> Option<Finding> {
        let mut finding = self.came_true_of_somebody(expectations).or_else(|| {
            self.any_number_holds(expectations).then(|| {
                let what = "what must never hold came to hold".to_owned();
                self.finding(what, String::new(), words.to_owned(), expectations.span)
            })
        })?;
        finding.rule = Rule::Expectation(words.to_owned());
        finding.expected = Some("never".to_owned());
        finding.location = Some(Location::of(expectations.span, self.source));
        Some(finding)
    }

    fn came_true_of_somebody(&self, expectations: &Expectations) -> Option<Finding> {
        for expectation in &expectations.mailboxes {
            for subject in self.roster.subjects(self.estate, &expectation.mailboxes.value) {
                for demand in &expectation.attributes {
                    let (path, comparison) = (&demand.path.value, &demand.comparison.value);
                    let actual = values(self.estate, subject, path);
                    if holds(comparison, &spelled(actual.clone(), comparison)) {
                        let message = format!("{path} came to be what it must never be");
                        return Some(self.of_attribute(subject, demand, message, &actual));
                    }
                }
            }
        }
        None
    }

    fn any_number_holds(&self, all: &Expectations) -> bool {
        let has_cycle = |demand: &&NamedExpectation| !self.lacks_its_cycle(demand);
        all.job.iter().filter(has_cycle).any(|demand| self.job(demand).is_none())
            || all.quarantine.iter().any(|demand| self.quarantine(demand).is_none())
            || all.log.iter().any(|demand| self.log(demand).is_empty())
            || all.counts.iter().any(|demand| self.count(demand).is_none())
            || (self.has_lag() && all.lag.iter().any(|demand| self.lag(demand).is_none()))
            || all.connect.iter().any(|demand| self.connect(demand).is_none())
            || all.agents.iter().any(|of| self.agent(&of.agent.value, &of.property).is_none())
    }

    /// What is told of somebody about whom a step or an entry of the log is.
    #[must_use]
    pub fn about(&self, subject: &Subject, finding: Finding) -> Finding {
        let person = self.estate.number_of(subject);
        let chain = person.map(|person| self.history.chain(person, None).lines(self.estate));
        let object = Some(subject.name.to_string());
        Finding { object, chain: chain.unwrap_or_default(), ..finding }
    }

    /// The last cycle of the job that has ended.
    pub(super) fn last_cycle(&self) -> Option<&Execution> {
        self.estate.entra.job.as_ref()?.report.as_ref()?.last_execution.as_ref()
    }

    fn job(&self, demand: &NamedExpectation) -> Option<Finding> {
        let job = self.estate.entra.job.as_ref().filter(|job| !job.deleted);
        let report = job.and_then(|job| job.report.as_ref());
        let actual = match demand.name.value.as_str() {
            "status" => {
                let status: Vec<String> =
                    job.iter().map(|job| job.status().text().to_owned()).collect();
                return self.named_values("job", demand, &status);
            }
            // Of a job that was deleted there are no numbers.
            "escrowed" | "linked" if job.is_none() => {
                return self.named_values("job", demand, &[]);
            }
            "escrowed" => report.map_or(0, |r| r.escrowed).to_string(),
            "linked" => report.map_or(0, |r| r.linked).to_string(),
            name => {
                let last = self.last_cycle()?;
                if name == "duration" {
                    return self.last_cycle_took(last, demand);
                }
                if name == "error" {
                    let code: Vec<String> =
                        last.error.iter().map(|(code, _)| code.clone()).collect();
                    return self.named_values("job", demand, &code);
                }
                of_cycle(last, name).to_string()
            }
        };
        self.named("job", demand, &actual)
    }

    fn quarantine(&self, demand: &NamedExpectation) -> Option<Finding> {
        let report = self.estate.entra.job.as_ref().and_then(|job| job.report.as_ref());
        let actual: Vec<String> = report
            .and_then(|report| report.quarantine)
            .map(|quarantine| match demand.name.value.as_str() {
                "began" => quarantine.began.to_string(),
                "next" => quarantine.next.to_string(),
                _ => quarantine.reason.to_owned(),
            })
            .into_iter()
            .collect();
        self.named_values("quarantine", demand, &actual)
    }

    fn last_cycle_took(&self, last: &Execution, demand: &NamedExpectation) -> Option<Finding> {
        let took = last.ended.since(last.began);
        if demand.comparison.value.admits_duration(took) {
            return None;
        }
        Some(self.finding(
            "the duration of the last cycle is not as expected".to_owned(),
            demand.comparison.value.to_string(),
            format!("{} s", took.as_secs_f64()),
            demand.comparison.span,
        ))
    }

    fn connect(&self, demand: &NamedExpectation) -> Option<Finding> {
        let totals = &self.estate.connect.totals;
        let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let actual = match demand.name.value.as_str() {
            "cycles" => totals.cycles,
            "initial_cycles" => totals.initial,
            "failed_cycles" => totals.failed,
            "imported" => number(totals.imported),
            "exported" => number(totals.exported),
            "blocked" => totals.blocked,
            "errors" => totals.errors.values().sum(),
            code => totals.errors.get(code).copied().unwrap_or(0),
        };
        self.named("connect", demand, &actual.to_string())
    }

    fn count(&self, demand: &NamedExpectation) -> Option<Finding> {
        let counts = self.counters.counts();
        let actual = match demand.name.value.as_str() {
            "flips" => counts.flips,
            "ad_writes" => counts.ad_writes,
            "redundant_writes" => counts.redundant_writes,
            "cloud_edits" => counts.cloud_edits,
            "retries" => counts.retries,
            _ => counts.compared_objects,
        };
        self.named("counts", demand, &actual.to_string())
    }

    fn lag(&self, demand: &NamedExpectation) -> Option<Finding> {
        let share = match demand.name.value.as_str() {
            "p50" => 50,
            "p90" => 90,
            "p95" => 95,
            "p99" => 99,
            _ => 100,
        };
        let lag = self.counters.lag().percentile(share).map(Duration::from_micros)?;
        if demand.comparison.value.admits_duration(lag) {
            return None;
        }
        Some(self.finding(
            format!("lag {} is not as expected", demand.name.value),
            demand.comparison.value.to_string(),
            format!("{} s", lag.as_secs()),
            demand.comparison.span,
        ))
    }

    fn log(&self, demand: &LogExpectation) -> Vec<Finding> {
        let subject = demand.mailbox.as_ref().and_then(|name| self.estate.subject(&name.value));
        let mailbox = subject
            .and_then(|subject| subject.exchange)
            .and_then(|number| self.estate.exchange.mailbox(number))
            .map(|mailbox| mailbox.id);
        let matches = |entry: &&LogEntry| {
            demand.code.as_ref().is_none_or(|code| entry.code.eq_ignore_ascii_case(&code.value))
                && demand
                    .status
                    .as_ref()
                    .is_none_or(|status| entry.status.text().eq_ignore_ascii_case(&status.value))
                // Of who has no mailbox the log cannot speak; entries of nobody are of cycles.
                && (demand.mailbox.is_none() || (mailbox.is_some() && entry.source == mailbox))
        };
        let count = self.estate.entra.log.entries().iter().filter(matches).count();
        demand
            .count
            .iter()
            .filter(|comparison| !holds_number(&comparison.value, count))
            .map(|comparison| {
                let finding = self.finding(
                    "the number of provisioning log entries is not as expected".to_owned(),
                    comparison.value.to_string(),
                    count.to_string(),
                    comparison.span,
                );
                subject.map_or(finding.clone(), |subject| self.about(subject, finding))
            })
            .collect()
    }

    fn agent(&self, name: &str, demand: &NamedExpectation) -> Option<Finding> {
        let agent = self.estate.agent(name)?;
        let inactive_after = self.estate.profile.timing("agent_inactive_after");
        let actual = match demand.name.value.as_str() {
            "version" => agent.version.clone(),
            _ if agent.is_listed_active(&self.estate.faults, self.estate.now(), inactive_after) => {
                "active".to_owned()
            }
            _ => "inactive".to_owned(),
        };
        self.named(&format!("agent {name}"), demand, &actual)
    }

    fn named(&self, what: &str, demand: &NamedExpectation, actual: &str) -> Option<Finding> {
        self.named_values(what, demand, &[actual.to_owned()])
    }

    fn named_values(
        &self,
        what: &str,
        demand: &NamedExpectation,
        actual: &[String],
    ) -> Option<Finding> {
        if holds(&demand.comparison.value, actual) {
            return None;
        }
        Some(self.finding(
            format!("{what} {} is not as expected", demand.name.value),
            demand.comparison.value.to_string(),
            super::shown(actual),
            demand.comparison.span,
        ))
    }

    fn finding(&self, message: String, expected: String, actual: String, span: Span) -> Finding {
        let text = self.source.get(span.range()).unwrap_or_default().trim();
        Finding {
            rule: Rule::Expectation(text.lines().next().unwrap_or_default().to_owned()),
            message,
            object: None,
            attribute: None,
            expected: Some(expected),
            actual: Some(actual),
            last_writer: None,
            at: self.estate.now().to_string(),
            chain: Vec::new(),
            location: Some(Location::of(span, self.source)),
        }
    }
}

/// One of the numbers of a cycle.
fn of_cycle(last: &Execution, name: &str) -> u64 {
    match name {
        "read" => last.read,
        "written" => last.written,
        "skipped" => last.skipped,
        "failed" => last.failed,
        "retried" => last.retried,
        _ => last.cycle,
    }
}

/// The values of an attribute of a person on a side, as the side shows them.
#[must_use]
pub fn values(estate: &Estate, subject: &Subject, path: &AttributePath) -> Vec<String> {
    match path.side {
        Side::Ad => {
            let at = match &path.dc {
                Some(dc) => estate.dc_named(dc).zip(subject.ad).and_then(|(at, ad)| {
                    (at.forest == ad.forest).then(|| AdObject::on(at, ad.number))
                }),
                None => subject.ad,
            };
            at.map_or_else(Vec::new, |ad| estate.ad_texts(ad, &path.attribute))
        }
        Side::Exo => exchange_values(estate, subject, &path.attribute),
        Side::Entra => entra_values(estate, subject, &path.attribute),
    }
}

/// Who wrote an attribute last, when and with whose authority; `None` when nobody has since the start.
#[must_use]
pub fn last_writer(estate: &Estate, key: ObjectKey, attribute: u16) -> Option<String> {
    estate.ledger.last_writer(key, attribute).as_ref().map(told_writer)
}

/// A last writer in words.
pub(super) fn told_writer(last: &LastWriter) -> String {
    let authority = match last.cloud_managed {
        Some(true) => ", authority in the cloud",
        Some(false) => ", authority on-premises",
        None => "",
    };
    format!("{} ({}) at {}{authority}", last.actor.name, last.actor.activity.word(), last.at)
}

fn exchange_values(estate: &Estate, subject: &Subject, name: &str) -> Vec<String> {
    let Some(mailbox) = subject.exchange.and_then(|number| estate.exchange.mailbox(number)) else {
        return Vec::new();
    };
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is("IsExchangeCloudManaged") {
        return vec![truth(mailbox.cloud_managed).to_owned()];
    }
    if is("IsDirSynced") {
        return vec![truth(mailbox.dir_synced).to_owned()];
    }
    if is("RecipientTypeDetails") {
        return vec![mailbox.kind.details().to_owned()];
    }
    if is("ExternalDirectoryObjectId") {
        return vec![mailbox.id.to_string()];
    }
    if is("WhenChangedUTC") {
        return vec![mailbox.when_changed.floor_to_second().to_string()];
    }
    let texts = |number| -> Vec<String> {
        mailbox.record.values(number).map(|v| String::from_utf8_lossy(v).into_owned()).collect()
    };
    if is("PrimarySmtpAddress") {
        let list = texts(property::EMAIL_ADDRESSES);
        return address::primary(list.iter().map(String::as_str))
            .map(str::to_owned)
            .into_iter()
            .collect();
    }
    match property::number(name) {
        Some(number) if property::is_boolean(number) && !mailbox.record.has(number) => {
            vec![truth(false).to_owned()]
        }
        Some(number) => texts(number),
        None => Vec::new(),
    }
}

fn entra_values(estate: &Estate, subject: &Subject, name: &str) -> Vec<String> {
    let Some(user) = subject.entra.and_then(|number| estate.entra.user(number)) else {
        return Vec::new();
    };
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is("id") {
        return vec![user.id.to_string()];
    }
    if is("onPremisesSyncEnabled") {
        return user.sync_enabled.map(|on| truth(on).to_owned()).into_iter().collect();
    }
    if is("onPremisesImmutableId") {
        return user.source_anchor.map(|anchor| STANDARD.encode(anchor.0)).into_iter().collect();
    }
    if is("deletedDateTime") {
        return match user.deletion {
            Some(Deletion::Soft(at)) => vec![at.to_string()],
            Some(Deletion::Hard) | None => Vec::new(),
        };
    }
    if is("onPremisesProvisioningErrors") {
        let own = subject.entra;
        let errors = estate.entra.provisioning_errors.iter();
        return errors.filter(|e| Some(e.user) == own).map(|e| e.value.clone()).collect();
    }
    if is("assignedLicenses") {
        return user.licensed.then(|| "ENTERPRISEPACK".to_owned()).into_iter().collect();
    }
    if is("isCloudManaged") {
        return vec![truth(user.object_cloud_managed).to_owned()];
    }
    let member = name.rsplit('.').next().unwrap_or(name);
    entra::property::number(member).map_or_else(Vec::new, |number| {
        user.record.values(number).map(|v| String::from_utf8_lossy(v).into_owned()).collect()
    })
}

/// Where the ledger keeps an attribute.
fn place_of(estate: &Estate, subject: &Subject, path: &AttributePath) -> Option<(ObjectKey, u16)> {
    match path.side {
        Side::Ad => {
            let ad = subject.ad?;
            let schema = estate.forests.get(ad.forest)?.schema();
            let attribute = schema.attribute_named(&path.attribute)?.number;
            Some((ObjectKey::ad(ad.forest, ad.number), attribute))
        }
        Side::Exo => {
            let attribute = match path.attribute.to_ascii_lowercase().as_str() {
                "isexchangecloudmanaged" => property::FLAG,
                "recipienttypedetails" => property::RECIPIENT_TYPE_DETAILS,
                "primarysmtpaddress" => property::EMAIL_ADDRESSES,
                _ => property::number(&path.attribute)?,
            };
            Some((ObjectKey::exchange(subject.exchange?), attribute))
        }
        Side::Entra => {
            let member = path.attribute.rsplit('.').next()?;
            Some((ObjectKey::entra(subject.entra?), entra::property::number(member)?))
        }
    }
}

/// Whether values are as demanded. Booleans and numbers compare as their texts, without case.
#[must_use]
pub fn holds(comparison: &Comparison, actual: &[String]) -> bool {
    match comparison {
        Comparison::Equals(wanted) | Comparison::Set(wanted) => same_set(wanted, actual),
        Comparison::Absent(absent) => actual.is_empty() == *absent,
        Comparison::Contains(wanted) => {
            wanted.iter().all(|value| actual.iter().any(|have| same(value, have)))
        }
        Comparison::Lacks(unwanted) => !unwanted
            .iter()
            .any(|value| actual.iter().any(|have| is_same_without_case(value, have))),
        Comparison::Primary(address) => {
            let mut primaries = actual.iter().filter_map(|have| have.strip_prefix("SMTP:"));
            primaries.next().is_some_and(|primary| primary.eq_ignore_ascii_case(address))
                && primaries.next().is_none()
        }
        Comparison::Count(bounds) => bounds.iter().all(|bound| holds_number(bound, actual.len())),
        Comparison::Length(bounds) => {
            let [only] = actual else { return false };
            let length = only.chars().count();
            bounds.iter().all(|bound| holds_number(bound, length))
        }
        Comparison::Matches(pattern) => actual.iter().any(|value| pattern.regex.is_match(value)),
        Comparison::Below(_)
        | Comparison::Above(_)
        | Comparison::AtLeast(_)
        | Comparison::AtMost(_) => {
            let [only] = actual else { return false };
            only.parse().is_ok_and(|number| comparison.admits_number(number))
                || instant(only).is_some_and(|instant| comparison.admits_instant(instant))
        }
    }
}

fn holds_number(comparison: &Comparison, number: usize) -> bool {
    i64::try_from(number).is_ok_and(|number| comparison.admits_number(number))
}

fn same_set(wanted: &[String], actual: &[String]) -> bool {
    let within = |all: &[String], value: &String| all.iter().any(|other| same(value, other));
    wanted.len() == actual.len()
        && wanted.iter().all(|value| within(actual, value))
        && actual.iter().all(|value| within(wanted, value))
}

/// The values as the file spells them: AD and Exchange Online compare without case.
#[must_use]
pub fn spelled(values: Vec<String>, comparison: &Comparison) -> Vec<String> {
    let named: &[String] = match comparison {
        Comparison::Equals(named)
        | Comparison::Contains(named)
        | Comparison::Set(named)
        | Comparison::Lacks(named) => named,
        _ => &[],
    };
    let spelling = |value: String| {
        let same = named.iter().find(|known| is_same_without_case(known, &value));
        same.cloned().unwrap_or(value)
    };
    values.into_iter().map(spelling).collect()
}

/// Without case, but for the type of an address: a primary one is another value than the same address as
/// a further one. An address without a type is that address of any type.
fn is_same_without_case(wanted: &str, have: &str) -> bool {
    if wanted.contains('@') && !wanted.contains(':') {
        let bare = have.split_once(':').map_or(have, |(_, address)| address);
        return bare.eq_ignore_ascii_case(wanted);
    }
    wanted.eq_ignore_ascii_case(have) && wanted.starts_with("SMTP:") == have.starts_with("SMTP:")
}

/// Text compares exactly; `true` and `True` are the same truth.
fn same(wanted: &str, have: &str) -> bool {
    let is_truth =
        |text: &str| text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
    wanted == have || (is_truth(wanted) && wanted.eq_ignore_ascii_case(have))
}
