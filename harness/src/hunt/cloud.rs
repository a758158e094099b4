//! Edits in Exchange Online: what it takes, and what it must refuse.

use super::cast::Actor;
use super::draft::ActionDraft;
use super::features::Feature;
use super::story::Playwright;
use super::values::DOMAIN;
use super::world::LONGEST_CUSTOM;

/// The longest value of `proxyAddresses` in AD (`rangeUpper`); Exchange Online takes longer ones.
const LONGEST_ADDRESS_IN_AD: usize = 1_123;

/// A value in a cmdlet line.
pub(super) fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

pub(super) fn set_mailbox(name: &str, parameters: &str) -> ActionDraft {
    ActionDraft::Cmdlet("exo", format!("Set-Mailbox {name} {parameters}"))
}

/// Custom attributes, single and multi-valued.
pub(super) fn values(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.one_of(Actor::is_editable) else { return playwright.wait() };
    let name = playwright.cast[place].name.clone();
    let (dice, values) = (&mut playwright.dice, &mut *playwright.values);
    let mut parameters = Vec::new();
    let first = dice.between(1, 15);
    for number in first..=dice.between(first, (first + 2).min(15)) {
        let long = playwright.features.has(Feature::LongValues) && dice.percent(20);
        let value = if long { values.long(LONGEST_CUSTOM) } else { values.word(dice) };
        parameters.push(format!("-CustomAttribute{number} {}", literal(&value)));
    }
    if dice.percent(30) {
        let several: Vec<String> = values.several(dice).iter().map(|v| literal(v)).collect();
        let number = dice.between(1, 5);
        parameters.push(format!("-ExtensionCustomAttribute{number} {}", several.join(",")));
    }
    playwright.push(set_mailbox(&name, &parameters.join(" ")));
}

/// A new value for each of these, which writeback must write.
pub(super) fn bait(playwright: &mut Playwright<'_>, places: &[usize]) {
    for place in places {
        let name = playwright.cast[*place].name.clone();
        let number = playwright.dice.between(1, playwright.world.last_plain());
        let value = literal(&playwright.values.plain());
        playwright.push(set_mailbox(&name, &format!("-CustomAttribute{number} {value}")));
    }
}

/// Addresses added, taken away, made primary, replaced as a whole.
pub(super) fn addresses(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.one_of(Actor::is_editable) else { return playwright.wait() };
    let actor = &mut playwright.cast[place];
    let (dice, values) = (&mut playwright.dice, &mut *playwright.values);
    let new = values.address(dice);
    let parameters = match dice.between(0, 7) {
        0 | 1 => {
            actor.aliases.push(format!("smtp:{new}"));
            format!("-EmailAddresses @{{Add='smtp:{new}'}}")
        }
        2 => format!("-EmailAddresses @{{Add='SMTP:{new}'}}"),
        6 if playwright.features.has(Feature::Sip) && dice.percent(40) => {
            format!("-EmailAddresses @{{Add='{}'}}", values.sip())
        }
        3 => match actor.aliases.pop() {
            Some(old) => format!("-EmailAddresses @{{Remove='{old}'}}"),
            None => format!("-WindowsEmailAddress {new}"),
        },
        4 => format!("-WindowsEmailAddress {new}"),
        5 => {
            actor.aliases.clear();
            actor.keeps_own_address = false;
            let other = values.address(dice);
            format!("-EmailAddresses 'SMTP:{new}','smtp:{other}'")
        }
        6 if playwright.features.has(Feature::LongValues) => {
            let length = LONGEST_ADDRESS_IN_AD - "X500:".len() + usize::from(dice.percent(50));
            format!("-EmailAddresses @{{Add='X500:{}'}}", values.long(length))
        }
        6 => format!("-EmailAddresses @{{Add='{}'}}", values.x500()),
        _ => {
            let local = new.split('@').next().unwrap_or_default();
            let initial = playwright.world.initial_domain();
            format!("-EmailAddresses @{{Add='smtp:{local}@{initial}'}}")
        }
    };
    let action = set_mailbox(&actor.name, &parameters);
    playwright.push(action);
}

/// The type, which may change in every state.
pub(super) fn types(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.one_of(|actor| actor.in_cloud) else { return playwright.wait() };
    let kind = playwright.dice.one(["Regular", "Shared", "Room", "Equipment"]);
    let action = set_mailbox(&playwright.cast[place].name, &format!("-Type {kind}"));
    playwright.push(action);
}

/// Values emptied.
pub(super) fn emptied(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.one_of(Actor::is_editable) else { return playwright.wait() };
    let parameters = if playwright.dice.percent(70) {
        format!("-CustomAttribute{} $null", playwright.dice.between(1, 15))
    } else {
        format!("-ExtensionCustomAttribute{} $null", playwright.dice.between(1, 5))
    };
    let action = set_mailbox(&playwright.cast[place].name, &parameters);
    playwright.push(action);
}

/// Exchange attributes that are not written back.
pub(super) fn kept(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.one_of(Actor::is_editable) else { return playwright.wait() };
    let word = playwright.values.plain();
    if playwright.dice.percent(20) {
        return of_a_user(playwright, place, &word);
    }
    let parameters = match playwright.dice.between(0, 4) {
        0 => "-HiddenFromAddressListsEnabled $true".to_owned(),
        1 => format!("-MailTip {}", literal(&word)),
        2 => format!("-ArchiveName {}", literal(&word)),
        3 => "-ModerationEnabled $true".to_owned(),
        _ => format!("-RetentionComment {}", literal(&word)),
    };
    let action = set_mailbox(&playwright.cast[place].name, &parameters);
    playwright.push(action);
}

/// What has cmdlets of its own.
fn of_a_user(playwright: &mut Playwright<'_>, place: usize, word: &str) {
    let name = &playwright.cast[place].name;
    let line = if playwright.dice.percent(50) {
        format!("Set-User {name} -AssistantName {}", literal(word))
    } else {
        format!("Set-MailboxAuditBypassAssociation {name} -AuditBypassEnabled $true")
    };
    playwright.push(ActionDraft::Cmdlet("exo", line));
}

/// What must be refused: without authority, too long, taken, of another domain.
pub(super) fn refused(playwright: &mut Playwright<'_>) {
    let word = literal(&playwright.values.plain());
    match playwright.dice.between(0, 4) {
        0 => {
            if let Some(place) = playwright.one_of(Actor::is_remote) {
                let action =
                    set_mailbox(&playwright.cast[place].name, &format!("-DisplayName {word}"));
                playwright.push_refused(action, "OutOfWriteScope");
            }
        }
        1 => {
            if let Some(place) = playwright.one_of(Actor::is_transferable) {
                let action =
                    set_mailbox(&playwright.cast[place].name, &format!("-CustomAttribute1 {word}"));
                playwright.push_refused(action, "OutOfWriteScope");
            }
        }
        2 => {
            if let Some(place) = playwright.one_of(Actor::is_editable) {
                let long = literal(&playwright.values.long(LONGEST_CUSTOM + 1));
                let action =
                    set_mailbox(&playwright.cast[place].name, &format!("-CustomAttribute2 {long}"));
                playwright.push_refused(action, "ValueTooLong");
            }
        }
        3 => {
            if let Some(place) = playwright.one_of(Actor::is_editable) {
                let parameters = "-EmailAddresses @{Add='smtp:somebody@elsewhere.example'}";
                let action = set_mailbox(&playwright.cast[place].name, parameters);
                playwright.push_refused(action, "NotAcceptedDomain");
            }
        }
        _ => taken(playwright),
    }
}

/// An address that somebody else has.
fn taken(playwright: &mut Playwright<'_>) {
    let owner = playwright.one_of(|actor| actor.is_remote() && actor.keeps_own_address);
    let Some(owner) = owner else { return };
    let owner = playwright.cast[owner].name.clone();
    let thief = playwright.one_of(|actor| actor.is_editable() && actor.name != owner);
    let Some(thief) = thief else { return };
    let parameters = format!("-EmailAddresses @{{Add='smtp:{owner}@{DOMAIN}'}}");
    let action = set_mailbox(&playwright.cast[thief].name, &parameters);
    playwright.push_refused(action, "ProxyAddressExists");
}
