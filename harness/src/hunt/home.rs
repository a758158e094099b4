//! Edits at home: on the last Exchange server, with the ActiveDirectory module, by LDIF.

use super::cloud::literal;
use super::draft::ActionDraft;
use super::features::Feature;
use super::story::Playwright;

/// `Set-RemoteMailbox`.
pub(super) fn remote_mailbox(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.editable_at_the_server() else { return playwright.wait() };
    let (dice, values) = (&mut playwright.dice, &mut *playwright.values);
    let word = literal(&values.word(dice));
    let new = values.address(dice);
    let parameters = match dice.between(0, 6) {
        0 | 1 => format!("-CustomAttribute{} {word}", dice.between(1, 15)),
        2 => format!("-EmailAddresses @{{Add='smtp:{new}'}}"),
        3 => format!("-PrimarySmtpAddress {new}"),
        4 => "-HiddenFromAddressListsEnabled $true".to_owned(),
        5 => format!("-DisplayName {word}"),
        _ => format!("-Type {}", dice.one(["Regular", "Shared", "Room", "Equipment"])),
    };
    let line = format!("Set-RemoteMailbox {} {parameters}", playwright.cast[place].name);
    playwright.edited_at_home(place);
    playwright.push(ActionDraft::Cmdlet("onprem", line));
}

/// `Set-ADUser`.
pub(super) fn ad_user(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.one_of(|actor| actor.in_ad) else {
        return playwright.wait();
    };
    let (dice, values) = (&mut playwright.dice, &mut *playwright.values);
    let word = literal(&values.word(dice));
    let parameters = match dice.between(0, 5) {
        0 | 1 => format!("-Replace @{{extensionAttribute{}={word}}}", dice.between(1, 15)),
        2 => format!("-Clear extensionAttribute{}", dice.between(1, 15)),
        3 => format!("-Add @{{proxyAddresses='smtp:{}'}}", values.address(dice)),
        4 => format!("-DisplayName {word} -Title {word}"),
        _ => format!("-Department {word}"),
    };
    let line = format!("Set-ADUser {} {parameters}", playwright.cast[place].name);
    playwright.edited_at_home(place);
    playwright.push(ActionDraft::Cmdlet("ad", line));
}

/// A change record.
pub(super) fn ldif(playwright: &mut Playwright<'_>) {
    let place = playwright.one_of(|actor| actor.in_ad && actor.has_entry);
    let Some(place) = place else { return playwright.wait() };
    let (dice, values) = (&mut playwright.dice, &mut *playwright.values);
    let change = match dice.between(0, 2) {
        0 => {
            let name = format!("extensionAttribute{}", dice.between(1, 15));
            format!("replace: {name}\n{name}: {}", values.plain())
        }
        1 => format!("add: proxyAddresses\nproxyAddresses: smtp:{}", values.address(dice)),
        _ => format!("replace: department\ndepartment: {}", values.plain()),
    };
    let name = &playwright.cast[place].name;
    let record = format!(
        "dn: CN={name},OU=People,DC=corp,DC=contoso,DC=com\nchangetype: modify\n{change}\n-\n"
    );
    playwright.edited_at_home(place);
    let late = playwright.world.second_dc;
    match late.filter(|_| playwright.features.has(Feature::ForestSettings)) {
        Some(minutes) if playwright.dice.percent(40) => {
            playwright.push(ActionDraft::LdifOn("DC2", record));
            playwright.replicates = Some(minutes + 1);
        }
        _ => playwright.push(ActionDraft::Ldif(record)),
    }
}
