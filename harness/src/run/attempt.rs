//! Whether a step tries to bring about what must never hold.
//!
//! Decided on what the step is, not on its text: a cmdlet that names one of the persons and carries one
//! of the forbidden values in a parameter of that attribute; a transfer where the flag is forbidden;
//! random edits only where no value is named.

use sim::estate::{Estate, Subject};
use sim::exchange::property;
use sim::powershell::{Argument, CmdletCall};

use crate::scenario::{Action, AttributePath, Comparison, Expectations, Selector};
use crate::stage::Roster;

/// Whether `action` is an attempt at any part of `expect`.
pub(super) fn is_attempt(
    expect: &Expectations,
    action: &Action,
    estate: &Estate,
    roster: &Roster,
) -> bool {
    expect.mailboxes.iter().any(|mailbox| {
        let forbidden = roster.subjects(estate, &mailbox.mailboxes.value);
        mailbox.attributes.iter().any(|demand| {
            let (path, comparison) = (&demand.path.value, &demand.comparison.value);
            match action {
                Action::Exo(call) | Action::OnPrem(call) | Action::Ad(call) => {
                    names(&call.value, &forbidden, estate) && carries(&call.value, path, comparison)
                }
                Action::Ldif(text, _) => in_ldif(&text.value, path, comparison),
                Action::Transfer(transfer) => {
                    path.attribute.eq_ignore_ascii_case("IsExchangeCloudManaged")
                        && meets(&transfer.mailboxes.value, &forbidden, estate, roster)
                }
                Action::Edits(edits) => {
                    values(comparison).is_none()
                        && meets(&edits.mailboxes.value, &forbidden, estate, roster)
                }
                _ => false,
            }
        })
    })
}

fn names(call: &CmdletCall, subjects: &[&Subject], estate: &Estate) -> bool {
    let Some(identity) = call.text("Identity") else { return false };
    let meant = estate.subject(&identity).or_else(|| {
        let number = estate.exchange.find(&identity)?;
        estate.subject_of_mailbox(number)
    });
    meant.is_some_and(|meant| subjects.iter().any(|subject| subject.name == meant.name))
}

/// Whether a parameter of the attribute carries a forbidden value; where the comparison names none,
/// whether there is such a parameter at all.
fn carries(call: &CmdletCall, path: &AttributePath, comparison: &Comparison) -> bool {
    let wanted = values(comparison);
    call.parameters
        .iter()
        .flat_map(|(name, argument)| parts(name, argument))
        .filter(|(name, _)| is_of(name, &path.attribute))
        .any(|(_, argument)| match &wanted {
            None => true,
            Some(wanted) => {
                let given = argument.texts();
                wanted.iter().any(|value| given.iter().any(|text| same(text, value)))
            }
        })
}

/// A parameter by itself, or the attributes inside of `-Replace @{...}`.
fn parts<'c>(name: &'c str, argument: &'c Argument) -> Vec<(&'c str, &'c Argument)> {
    match argument {
        Argument::Hashtable(members)
            if ["Replace", "Add", "Remove"]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name)) =>
        {
            members.iter().map(|(name, value)| (name.as_str(), value)).collect()
        }
        _ => vec![(name, argument)],
    }
}

/// Whether a parameter sets an attribute, on whichever side each is named.
fn is_of(parameter: &str, attribute: &str) -> bool {
    let attribute = attribute.rsplit('.').next().unwrap_or(attribute);
    let same_property = || {
        let spec = property::number(parameter).and_then(property::spec)?;
        let addresses = |name: &str| {
            [
                "EmailAddresses",
                "proxyAddresses",
                "WindowsEmailAddress",
                "mail",
                "PrimarySmtpAddress",
            ]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
        };
        Some(
            spec.name.eq_ignore_ascii_case(attribute)
                || spec.ad.is_some_and(|ad| ad.eq_ignore_ascii_case(attribute))
                || (addresses(parameter) && addresses(attribute)),
        )
    };
    let is_type = parameter.eq_ignore_ascii_case("Type")
        && ["RecipientTypeDetails", "msExchRecipientTypeDetails", "msExchRecipientDisplayType"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(attribute));
    parameter.eq_ignore_ascii_case(attribute)
        || is_type
        || same_property().unwrap_or(false)
        || property::number(attribute)
            .and_then(property::spec)
            .is_some_and(|spec| spec.ad.is_some_and(|ad| ad.eq_ignore_ascii_case(parameter)))
}

fn in_ldif(text: &str, path: &AttributePath, comparison: &Comparison) -> bool {
    let text = text.to_lowercase();
    text.contains(&path.attribute.to_lowercase())
        && values(comparison)
            .is_none_or(|wanted| wanted.iter().any(|value| text.contains(&value.to_lowercase())))
}

fn meets(selector: &Selector, subjects: &[&Subject], estate: &Estate, roster: &Roster) -> bool {
    roster
        .subjects(estate, selector)
        .iter()
        .any(|chosen| subjects.iter().any(|subject| subject.name == chosen.name))
}

/// The values that a comparison names; `None` when it names none (`absent`, a number, a pattern).
fn values(comparison: &Comparison) -> Option<Vec<String>> {
    match comparison {
        Comparison::Equals(values) | Comparison::Contains(values) | Comparison::Set(values) => {
            Some(values.clone())
        }
        _ => None,
    }
}

/// Addresses with and without their type, truths with and without capitals.
fn same(given: &str, wanted: &str) -> bool {
    let bare = |text: &str| text.rsplit(':').next().unwrap_or(text).to_lowercase();
    given.eq_ignore_ascii_case(wanted) || bare(given) == bare(wanted)
}
