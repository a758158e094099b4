//! Scenes beside edits: who comes and goes, who repeats what, what becomes of the servers.

use super::cast::Actor;
use super::cloud::set_mailbox;
use super::draft::ActionDraft;
use super::features::Feature;
use super::story::Playwright;

/// Somebody comes, or goes.
pub(super) fn people(playwright: &mut Playwright<'_>) {
    match playwright.dice.between(0, 3) {
        0 => {
            let name = newcomer(playwright);
            if playwright.server_is_gone {
                return playwright.wait();
            }
            playwright.push(new_remote_mailbox(&name, false));
        }
        1 => {
            let name = newcomer(playwright);
            let line = format!(
                "New-ADUser -Name {name} -SamAccountName {name} -UserPrincipalName {name}@contoso.com"
            );
            playwright.push(ActionDraft::Cmdlet("ad", line));
        }
        _ => go(playwright),
    }
    if playwright.dice.percent(60) {
        playwright.connect_cycle();
    }
}

/// A remote mailbox on the last Exchange server.
pub(super) fn new_remote_mailbox(name: &str, among_people: bool) -> ActionDraft {
    let unit = " -OnPremisesOrganizationalUnit 'OU=People,DC=corp,DC=contoso,DC=com'";
    let unit = if among_people { unit } else { "" };
    let line = format!(
        "New-RemoteMailbox -Name {name} -Alias {name} -UserPrincipalName {name}@contoso.com{unit}"
    );
    ActionDraft::Cmdlet("onprem", line)
}

/// A name that nobody had before, and nobody gets after.
pub(super) fn newcomer(playwright: &mut Playwright<'_>) -> String {
    playwright.born += 1;
    format!("n{}", playwright.born)
}

/// Somebody's account is removed from AD, and nobody speaks of them any more.
fn go(playwright: &mut Playwright<'_>) {
    let place = playwright.one_of(|actor| actor.in_ad && !actor.watched);
    // Whoever is left must be enough for a story.
    let Some(place) = place.filter(|_| playwright.cast.len() > 3) else { return playwright.wait() };
    let actor = playwright.cast.remove(place);
    playwright.push(ActionDraft::Cmdlet("ad", format!("Remove-ADUser {}", actor.name)));
}

/// Somebody does the same again and again, until the scene is over.
pub(super) fn repeat(playwright: &mut Playwright<'_>) {
    let every = playwright.dice.between(7, 40);
    let lasts = every * playwright.dice.between(1, 4) + 1;
    let number = playwright.dice.between(1, 11);
    if playwright.dice.percent(30) {
        let (door, words) = other_habit(playwright, number);
        if let Some(words) = words {
            playwright.push(ActionDraft::Repeat(door, words, every, lasts));
        }
    } else if playwright.dice.percent(50) {
        let place = playwright.one_of(|actor| actor.in_ad);
        let Some(place) = place else { return playwright.wait() };
        let name = &playwright.cast[place].name;
        let line = format!("Set-ADUser {name} -Replace @{{extensionAttribute{number}='s{{n}}'}}");
        playwright.edited_at_home(place);
        playwright.push(ActionDraft::Repeat("ad", line, every, lasts));
    } else {
        let Some(place) = playwright.one_of(Actor::is_editable) else { return playwright.wait() };
        let name = playwright.cast[place].name.clone();
        let ActionDraft::Cmdlet(door, line) =
            set_mailbox(&name, &format!("-CustomAttribute{number} 'r{{n}}'"))
        else {
            return;
        };
        playwright.push(ActionDraft::Repeat(door, line, every, lasts));
    }
    playwright.push(ActionDraft::Wait(lasts));
}

/// What else somebody repeats: an old habit on the server, a record, a request.
fn other_habit(playwright: &mut Playwright<'_>, number: u64) -> (&'static str, Option<String>) {
    match playwright.dice.between(0, 3) {
        0 => {
            let place = playwright.editable_at_the_server();
            let line = place.map(|place| {
                playwright.edited_at_home(place);
                let name = &playwright.cast[place].name;
                format!("Set-RemoteMailbox {name} -CustomAttribute{number} 'h{{n}}'")
            });
            ("onprem", line)
        }
        1 => ("graph", Some("GET /users?$select=id,mail".to_owned())),
        2 => {
            let place = playwright.one_of(|actor| actor.in_cloud && !actor.watched);
            let words = place.map(|place| {
                let name = &playwright.cast[place].name;
                format!("{{method: PATCH, path: \"/users/{name}\", body: {{usageLocation: DE}}}}")
            });
            ("graph", words)
        }
        _ => {
            let place = playwright.one_of(|actor| actor.in_ad && actor.has_entry);
            let record = place.map(|place| {
                playwright.edited_at_home(place);
                let name = &playwright.cast[place].name;
                let dn = format!("dn: CN={name},OU=People,DC=corp,DC=contoso,DC=com");
                let change = "changetype: modify\nreplace: department\ndepartment: d{n}\n-\n";
                format!("{dn}\n{change}")
            });
            ("ldif", record)
        }
    }
}

/// Another server or build of Connect, and a cycle of it.
pub(super) fn servers(playwright: &mut Playwright<'_>) {
    if playwright.world.cloud_sync {
        return playwright.wait();
    }
    let mut choices = vec!["{new_server: 2.5.190.0}", "{upgrade: 2.5.190.0}"];
    if playwright.features.has(Feature::ConnectSettings) {
        choices.extend(["{upgrade: 2.6.3.0}", "{scheduler: false}", "{scheduler: true}"]);
    }
    choices.extend(playwright.world.staging.then_some("switch_to_staging"));
    let Some(what) = playwright.dice.pick(&choices).copied() else { return };
    playwright.push(ActionDraft::Connect(what));
    playwright.connect_cycle();
}

/// The check before the last Exchange server is removed, where somebody is still managed by it.
pub(super) fn decommission(playwright: &mut Playwright<'_>) {
    if !playwright.cast.iter().any(|actor| actor.is_remote() && !actor.cloud_managed) {
        return nothing_left(playwright);
    }
    let stated = ["{}", "{dns_on_premises: true}", "{smtp_relay: true, ad_readers: true}"];
    let stated = playwright.dice.one(stated);
    let refused = "decommission.not-cloud-managed";
    playwright.push_refused(ActionDraft::Decommission(stated), refused);
}

/// Where everybody is in the cloud for good, nothing stands against removing the server once those who come
/// are there from birth as well. Agents that a fault may keep away would be in the way,
/// and so would raw numbers, by which AD shows mailboxes of the server.
fn nothing_left(playwright: &mut Playwright<'_>) {
    let stays =
        playwright.world.people.iter().all(|person| person.dir_synced && person.mailbox.is_none())
            && playwright.world.shapes.iter().all(|shape| shape.cloud_managed)
            && playwright.world.job
            && !playwright.paused
            && !playwright.has_boarded
            && !playwright.world.writes_raw_types()
            && !playwright.server_is_gone
            && playwright.born == 0
            && !playwright.has_faults;
    if !stays {
        return playwright.wait();
    }
    let switch = "Set-OrganizationConfig -ExchangeAttributesCloudManagedByDefault";
    playwright.push(ActionDraft::Cmdlet("exo", switch.to_owned()));
    playwright.managed_by_default = true;
    if playwright.dice.percent(30) {
        let stated = ActionDraft::Decommission("{dns_on_premises: true, groups_on_premises: true}");
        playwright.push_refused(stated, "decommission.dns");
    }
    playwright.push(ActionDraft::Decommission("{ad_readers: true}"));
    if playwright.features.has(Feature::Organization) {
        let line = "Setup -Mode Uninstall".to_owned();
        playwright.push(ActionDraft::Cmdlet("onprem", line));
        playwright.server_is_gone = true;
    }
}
