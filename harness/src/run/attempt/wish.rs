//! What a step asks for: whose attributes it would change, and to what.

use serde_json::Value as Json;
use sim::directory::ldif;
use sim::directory::request::{AttributeName, ChangeOperation, Name, Operation};
use sim::estate::{Estate, Subject};
use sim::exchange::{RecipientType, address, property};
use sim::powershell::{Argument, CmdletCall};

use crate::scenario::{Action, Authority, GraphCall, GraphMethod, JobAction};
use crate::stage::Roster;

/// What one step, or one record of it, asks for.
pub(super) struct Wish {
    /// The names of those whom it is about; a distinguished name for LDIF.
    who: Vec<Who>,
    asks: Asks,
}

enum Who {
    Subject(Box<str>),
    Dn(String),
}

enum Asks {
    /// That there is nobody any more.
    Away,
    Changes(Vec<(String, Change)>),
}

/// A change of one attribute.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// These values and no others.
    Set(Vec<String>),
    /// These values too.
    Add(Vec<String>),
    /// These values no more.
    Remove(Vec<String>),
}

impl Wish {
    pub(super) fn is_about(&self, subject: &Subject, estate: &Estate) -> bool {
        self.who.iter().any(|who| match who {
            Who::Subject(name) => *name == subject.name,
            Who::Dn(dn) => subject.ad.is_some_and(|ad| folded(&estate.ad_dn(ad)) == folded(dn)),
        })
    }

    pub(super) const fn takes_all_away(&self) -> bool {
        matches!(self.asks, Asks::Away)
    }

    /// What it would do to an attribute, by its name on any side, in order.
    pub(super) fn changes_of(&self, attribute: &str) -> Vec<Change> {
        let Asks::Changes(changes) = &self.asks else { return Vec::new() };
        let attribute = attribute.rsplit('.').next().unwrap_or(attribute);
        changes.iter().filter_map(|(name, change)| carried(name, change, attribute)).collect()
    }
}

/// A name without the spaces after its commas, in lower case.
fn folded(dn: &str) -> String {
    dn.to_lowercase().split(',').map(str::trim).collect::<Vec<_>>().join(",")
}

/// What `action` asks for.
pub(super) fn wishes(action: &Action, estate: &Estate, roster: &Roster) -> Vec<Wish> {
    match action {
        Action::Exo(call) | Action::OnPrem(call) | Action::Ad(call) => {
            of_cmdlet(&call.value, estate).into_iter().collect()
        }
        Action::Ldif(text, _) => of_ldif(&text.value),
        Action::Graph(call) => of_graph(call, estate).into_iter().collect(),
        Action::Transfer(transfer) => {
            let meant = roster.subjects(estate, &transfer.mailboxes.value);
            let flag = if transfer.to == Authority::Cloud { "True" } else { "False" };
            let flag = ("IsExchangeCloudManaged".to_owned(), Change::Set(vec![flag.to_owned()]));
            let who = meant.iter().map(|subject| Who::Subject(subject.name.clone())).collect();
            vec![Wish { who, asks: Asks::Changes(vec![flag]) }]
        }
        _ => Vec::new(),
    }
}

/// The one whom a step is about.
pub(in crate::run) fn whom(action: &Action, estate: &Estate) -> Option<u32> {
    let subject = match action {
        Action::Exo(call) | Action::OnPrem(call) | Action::Ad(call) => named(&call.value, estate),
        Action::Graph(call) => user_of(call, estate),
        Action::Job(JobAction::ProvisionOnDemand { user }) => estate.subject(&user.value),
        Action::Repeat(repeat) => return whom(&repeat.action, estate),
        _ => None,
    };
    subject.and_then(|subject| estate.number_of(subject))
}

/// Whom a cmdlet names.
fn named<'e>(call: &CmdletCall, estate: &'e Estate) -> Option<&'e Subject> {
    let identity = call.text("Identity")?;
    let in_cloud = || estate.subject_of_mailbox(estate.exchange.find(&identity)?);
    let in_ad = || {
        let object = estate.ad_identity(&identity)?;
        estate.subject_of_ad(object.forest, object.number)
    };
    estate.subject(&identity).or_else(in_cloud).or_else(in_ad)
}

fn of_cmdlet(call: &CmdletCall, estate: &Estate) -> Option<Wish> {
    let who = vec![Who::Subject(named(call, estate)?.name.clone())];
    let verb = call.name.split('-').next().unwrap_or_default().to_lowercase();
    if verb == "get" || call.parameter("WhatIf").is_some_and(|w| w.boolean() == Some(true)) {
        return None;
    }
    if verb == "remove" {
        return Some(Wish { who, asks: Asks::Away });
    }
    let changes = call.parameters.iter().flat_map(|(name, argument)| asked(name, argument));
    Some(Wish { who, asks: Asks::Changes(changes.collect()) })
}

/// What one parameter asks for.
fn asked(name: &str, argument: &Argument) -> Vec<(String, Change)> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is("Clear") {
        let attributes = argument.texts();
        return attributes.into_iter().map(|name| (name, Change::Set(Vec::new()))).collect();
    }
    let Argument::Hashtable(members) = argument else {
        return vec![(name.to_owned(), Change::Set(without_empty(argument.texts())))];
    };
    let change: fn(Vec<String>) -> Change = if is("Replace") {
        Change::Set
    } else if is("Add") {
        Change::Add
    } else if is("Remove") {
        Change::Remove
    } else {
        let member = |wanted: &str| argument.member(wanted).map(Argument::texts);
        let added = member("Add").map(|values| (name.to_owned(), Change::Add(values)));
        let removed = member("Remove").map(|values| (name.to_owned(), Change::Remove(values)));
        return removed.into_iter().chain(added).collect();
    };
    members.iter().map(|(name, value)| (name.clone(), change(value.texts()))).collect()
}

fn without_empty(mut values: Vec<String>) -> Vec<String> {
    values.retain(|value| !value.is_empty());
    values
}

fn of_ldif(text: &str) -> Vec<Wish> {
    ldif::operations(text).unwrap_or_default().into_iter().filter_map(of_record).collect()
}

fn of_record(operation: Operation) -> Option<Wish> {
    let text = |name: AttributeName| match name {
        AttributeName::Text(name) => Some(String::from(name)),
        AttributeName::Number(_) => None,
    };
    let texts = |values: Vec<Vec<u8>>| -> Vec<String> {
        values.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect()
    };
    let (object, asks) = match operation {
        Operation::Modify(modify) => {
            let changes = modify.changes.into_iter().filter_map(|change| {
                let (name, values) = (text(change.attribute)?, texts(change.values));
                let change = match change.operation {
                    ChangeOperation::Add => Change::Add(values),
                    ChangeOperation::Delete if values.is_empty() => Change::Set(values),
                    ChangeOperation::Delete => Change::Remove(values),
                    ChangeOperation::Replace | ChangeOperation::Increment => Change::Set(values),
                };
                Some((name, change))
            });
            (modify.object, Asks::Changes(changes.collect()))
        }
        Operation::Delete(delete) => (delete.object, Asks::Away),
        Operation::ModifyDn(modify) => {
            let (name, value) = modify.new_rdn.split_once('=')?;
            let change = Change::Set(vec![value.trim().to_owned()]);
            (modify.object, Asks::Changes(vec![(name.trim().to_owned(), change)]))
        }
        Operation::Add(_) | Operation::Search(_) | Operation::Compare(_) => return None,
    };
    let Name::Dn(dn) = object else { return None };
    Some(Wish { who: vec![Who::Dn(dn)], asks })
}

/// The user whom a request names: by the name that steps use, its id or its user principal name.
fn user_of<'e>(call: &GraphCall, estate: &'e Estate) -> Option<&'e Subject> {
    let path = call.path.value.split('?').next().unwrap_or_default();
    let mut segments = path.trim_matches('/').split('/').skip_while(|s| *s != "users").skip(1);
    let named = segments.next()?;
    estate.subject(named).or_else(|| {
        let user = estate.user_named(named)?;
        estate.subjects().iter().find(|subject| subject.entra == Some(user))
    })
}

/// A request that changes or deletes a user.
fn of_graph(call: &GraphCall, estate: &Estate) -> Option<Wish> {
    let who = vec![Who::Subject(user_of(call, estate)?.name.clone())];
    let asks = match call.method {
        GraphMethod::Delete => Asks::Away,
        GraphMethod::Get => return None,
        _ => {
            let mut changes = Vec::new();
            members(call.body.as_ref()?, &mut changes);
            Asks::Changes(changes)
        }
    };
    Some(Wish { who, asks })
}

/// The members of a body, those inside of others too (`onPremisesExtensionAttributes`).
fn members(body: &Json, changes: &mut Vec<(String, Change)>) {
    let Json::Object(all) = body else { return };
    let text = |value: &Json| match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(truth) => Some(if *truth { "True" } else { "False" }.to_owned()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    };
    for (name, value) in all {
        let values = match value {
            Json::Object(_) => {
                members(value, changes);
                continue;
            }
            Json::Array(values) => values.iter().filter_map(text).collect(),
            value => text(value).into_iter().collect(),
        };
        changes.push((name.clone(), Change::Set(values)));
    }
}

/// What a change of `name` does to `attribute`, which another side may call otherwise; `None` when
/// nothing.
fn carried(name: &str, change: &Change, attribute: &str) -> Option<Change> {
    let typed = |values: &[String]| values.iter().map(|value| with_type(value)).collect();
    if is_list(name) && is_list(attribute) {
        return Some(match change {
            Change::Set(values) => Change::Set(primary_first(typed(values))),
            Change::Add(values) => Change::Add(typed(values)),
            Change::Remove(values) => Change::Remove(typed(values)),
        });
    }
    if is_primary(name) && is_list(attribute) {
        let Change::Set(values) = change else { return None };
        return Some(Change::Add(values.iter().map(|value| format!("SMTP:{value}")).collect()));
    }
    if is_list(name) && is_primary(attribute) {
        let (Change::Set(values) | Change::Add(values)) = change else { return None };
        let moves = matches!(change, Change::Set(_));
        let all: Vec<String> = typed(values);
        let all = if moves { primary_first(all) } else { all };
        let primary = address::primary(all.iter().map(String::as_str))?;
        return Some(Change::Set(vec![primary.to_owned()]));
    }
    if name.eq_ignore_ascii_case("Type") {
        let Change::Set(values) = change else { return None };
        return of_type(values.first()?, attribute);
    }
    is_called(name, attribute).then(|| change.clone())
}

/// The value of `-Type` as each side shows it.
fn of_type(word: &str, attribute: &str) -> Option<Change> {
    let is = |known: &str| known.eq_ignore_ascii_case(attribute);
    let kind = RecipientType::by_parameter(word)?;
    let (details, display, remote) = kind.remote_numbers();
    let shown = if is("RecipientTypeDetails") {
        kind.details()
    } else if is("msExchRecipientTypeDetails") {
        details
    } else if is("msExchRecipientDisplayType") {
        display
    } else if is("msExchRemoteRecipientType") {
        remote
    } else {
        return None;
    };
    Some(Change::Set(vec![shown.to_owned()]))
}

fn with_type(value: &str) -> String {
    if value.contains(':') { value.to_owned() } else { format!("smtp:{value}") }
}

/// Without a primary among them the first address becomes it (Microsoft Learn, "Set-Mailbox").
fn primary_first(mut addresses: Vec<String>) -> Vec<String> {
    if !addresses.iter().any(|address| address.starts_with("SMTP:"))
        && let Some(first) = addresses.iter_mut().find(|address| address.starts_with("smtp:"))
    {
        first.replace_range(..4, "SMTP");
    }
    addresses
}

fn is_list(name: &str) -> bool {
    ["EmailAddresses", "proxyAddresses"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn is_primary(name: &str) -> bool {
    ["WindowsEmailAddress", "mail", "PrimarySmtpAddress"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether two names mean one attribute, on whichever side each is used.
fn is_called(name: &str, attribute: &str) -> bool {
    let is = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
    let in_ad = |name: &str| property::number(name).and_then(property::spec).and_then(|s| s.ad);
    // The ActiveDirectory module and Graph have words of their own.
    const ALIASES: [(&str, &str); 12] = [
        ("Surname", "sn"),
        ("EmailAddress", "mail"),
        ("jobTitle", "title"),
        ("companyName", "company"),
        ("officeLocation", "physicalDeliveryOfficeName"),
        ("Office", "physicalDeliveryOfficeName"),
        ("mobilePhone", "mobile"),
        ("City", "l"),
        ("State", "st"),
        ("OfficePhone", "telephoneNumber"),
        ("Organization", "o"),
        ("SamAccountName", "sAMAccountName"),
    ];
    let plain = |name: &'_ str| -> String {
        let alias = ALIASES.iter().find(|(known, _)| is(known, name)).map(|(_, ad)| *ad);
        in_ad(name).or(alias).unwrap_or(name).to_lowercase()
    };
    is(name, attribute) || plain(name) == plain(attribute)
}

/// Whether random edits touch such an attribute, by its name on any side.
pub(super) fn is_edited_at_random(attribute: &str) -> bool {
    let attribute = attribute.rsplit('.').next().unwrap_or(attribute);
    let named = |spec: &property::PropertySpec| {
        spec.name.eq_ignore_ascii_case(attribute)
            || spec.ad.is_some_and(|ad| ad.eq_ignore_ascii_case(attribute))
    };
    let random = |spec: &&property::PropertySpec| {
        spec.name.starts_with("CustomAttribute")
            || spec.name.starts_with("ExtensionCustomAttribute")
            || is_list(spec.name)
    };
    property::PROPERTIES.iter().filter(random).any(named)
}
