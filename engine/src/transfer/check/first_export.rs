//! What the first export after a flip would do to an AD object: the values that it would change, shorten or take away,
//! and what only AD has. Nobody gets these back from the cloud.

use super::id;
use crate::address::{Address, same};
use crate::attributes::PROXY_ADDRESSES;
use crate::change::{ModifiedProperty, ShownValue, ShownValues};
use crate::ports::{DirectoryObject, Mailbox};
use crate::transfer::readiness::{Finding, Severity};
use crate::writeback::MappingPlan;
use crate::writeback::diff::diff;
use crate::writeback::map::Target;

/// What the first export would change in AD, and what only AD has.
pub(super) fn findings(
    plan: &MappingPlan,
    mailbox: &Mailbox,
    object: &DirectoryObject,
) -> Vec<Finding> {
    let warn = |id, reason, remedy| Finding {
        id,
        severity: Severity::Warn,
        object: Some(mailbox.id),
        reason,
        remedy,
    };
    let mut findings = Vec::new();
    for (rule, name) in plan.attributes().iter().enumerate() {
        let held = object.values.column(rule);
        if !held.is_empty() && plan.target(rule, mailbox, held) == Target::Keep {
            findings.push(warn(
                id::ONLY_IN_AD,
                format!("{name}: AD has {} value(s), the cloud none", held.len()),
                "Set the value in the cloud: it stays in AD only while empty values do not flow.",
            ));
        }
    }
    for change in diff(plan, mailbox, object).intended {
        let property = change.property;
        findings.push(warn(
            if shortens(&property) { id::WOULD_SHORTEN } else { id::WOULD_CHANGE },
            format!(
                "the first export would change {} from {} to {}",
                property.attribute, property.old, property.new
            ),
            "Bring both sides to the wanted value before the flip.",
        ));
        if property.attribute == PROXY_ADDRESSES {
            let reasons = taken_away(&property);
            findings.extend(reasons.into_iter().map(|reason| {
                let remedy = "Add it in Exchange Online with Set-Mailbox -EmailAddresses once the flag is set and \
                    before the job writes, or make sure that nobody needs it; a backup of both sides keeps it.";
                warn(id::WOULD_TAKE_ADDRESS, reason, remedy)
            }));
        }
    }
    findings
}

/// Whether a value would be cut: what comes is the beginning of what goes.
fn shortens(property: &ModifiedProperty) -> bool {
    let (old, new) = (&property.old.0, &property.new.0);
    let texts = |from: &'_ [ShownValue], without: &[ShownValue]| -> Vec<String> {
        let left = from.iter().filter(|value| !without.contains(value));
        left.filter_map(ShownValue::as_text).map(str::to_owned).collect()
    };
    let (gone, come) = (texts(old, new), texts(new, old));
    gone.iter().any(|gone| come.iter().any(|come| !come.is_empty() && gone.starts_with(come)))
}

/// Of each address that AD would lose, in words: which, and what it may be needed for.
fn taken_away(property: &ModifiedProperty) -> Vec<String> {
    let texts = |values: &'_ ShownValues| -> Vec<String> {
        values.0.iter().filter_map(ShownValue::as_text).map(str::to_owned).collect()
    };
    let (old, new) = (texts(&property.old), texts(&property.new));
    let gone = old.iter().filter(|held| !new.iter().any(|wanted| same(held, wanted)));
    gone.map(|gone| {
        let shown = ShownValues::from(gone.as_str());
        let use_of_it = match Address::parse(gone) {
            one if one.is_routing() => {
                ": it is the address by which mail that arrives on-premises is routed to Exchange Online \
                 (targetAddress), and messages to it would be refused there"
            }
            one if one.kind().eq_ignore_ascii_case("x500") => {
                ": replies to older messages and cached recipients find the mailbox by it"
            }
            one if one.kind().eq_ignore_ascii_case("sip") => {
                ": applications find the user's presence and meetings by it"
            }
            one if one.is_primary() => ", the primary address: messages that are sent to it come back",
            one if one.is_smtp() => ": messages that are sent to it come back",
            _ => "",
        };
        format!(
            "the first export would take {shown} away from proxyAddresses, as Exchange Online does not have it{use_of_it}"
        )
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(old: &[&str], new: &[&str]) -> ModifiedProperty {
        let (old, new) = (ShownValues::of(old), ShownValues::of(new));
        ModifiedProperty { attribute: PROXY_ADDRESSES.into(), old, new }
    }

    #[test]
    fn each_address_that_goes_is_named_with_what_it_is_for() {
        let old = [
            "SMTP:a@c.com",
            "smtp:old@c.com",
            "smtp:a@c.mail.onmicrosoft.com",
            "X500:/o=old",
            "sip:a@c.com",
        ];
        let told = taken_away(&property(&old, &["SMTP:new@c.com", "smtp:A@c.com"]));
        let words = ["old@c.com", "routed to Exchange Online", "replies", "presence"];
        assert_eq!(told.len(), words.len(), "{told:?}");
        for (told, word) in told.iter().zip(words) {
            assert!(told.contains(word), "{told}");
        }
        assert!(taken_away(&property(&old[..1], &["smtp:A@C.com", "SMTP:b@c.com"])).is_empty());
    }

    #[test]
    fn a_cut_value_is_told_from_another_one() {
        assert!(shortens(&property(&["abcdef"], &["abc"])));
        assert!(shortens(&property(&["x", "abcdef"], &["abc", "x"])));
        assert!(!shortens(&property(&["abc"], &["abcdef"])));
        assert!(!shortens(&property(&["abc"], &[])));
    }
}
