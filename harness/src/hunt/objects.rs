//! What people do to objects of AD beside their values: they move, rename, disable, remove and restore them,
//! and make groups and contacts.

use super::authority::change;
use super::draft::ActionDraft;
use super::lifecycle;
use super::story::Playwright;

/// The head of the first domain.
const HEAD: &str = "DC=corp,DC=contoso,DC=com";

fn ad(line: String) -> ActionDraft {
    ActionDraft::Cmdlet("ad", line)
}

/// The group by which the job's scope is drawn, and who is in it.
pub(super) fn pilots(playwright: &mut Playwright<'_>) {
    let members = playwright.world.pilots.clone();
    let is_there = |name: &String| {
        playwright.cast.iter().any(|actor| actor.in_first_domain && actor.name == *name)
    };
    let members: Vec<String> = members.into_iter().filter(is_there).collect();
    if playwright.world.pilots.is_empty() {
        return;
    }
    let path = format!("-Path 'OU=People,{HEAD}'");
    playwright.push(ad(format!("New-ADGroup -Name Pilots -GroupScope Universal {path}")));
    playwright.push(ad(format!("Add-ADGroupMember Pilots -Members {}", members.join(","))));
    // Where the agents look it may be later.
    let late = playwright.world.second_dc.max(playwright.world.read_only_dc);
    if let Some(minutes) = late {
        playwright.push(ActionDraft::Wait(minutes + 1));
    }
}

/// An object moves, gets another name, is disabled, or is removed and brought back.
pub(super) fn moves(playwright: &mut Playwright<'_>) {
    match playwright.dice.between(0, 5) {
        0 | 1 => relocate(playwright),
        2 => rename(playwright),
        3 => disable(playwright),
        4 => describe(playwright),
        _ => remove_and_restore(playwright),
    }
}

/// Into the scope of the job, out of it, or to a unit that nothing knows.
fn relocate(playwright: &mut Playwright<'_>) {
    let place = playwright.one_of(|actor| actor.in_ad && actor.in_first_domain);
    let Some(place) = place else { return playwright.wait() };
    let scope = playwright.world.scope;
    let into_scope = scope.filter(|_| playwright.dice.percent(50));
    let target = match into_scope {
        Some(unit) => unit,
        None if playwright.dice.percent(50) => "People",
        None => {
            if !playwright.has_new_unit {
                playwright.has_new_unit = true;
                playwright
                    .push(ad(format!("New-ADOrganizationalUnit -Name Abroad -Path '{HEAD}'")));
            }
            "Abroad"
        }
    };
    let name = playwright.cast[place].name.clone();
    let leaves = playwright.world.only_units && target == "Abroad";
    if leaves && (playwright.cast[place].watched || playwright.cast.len() <= 3) {
        return playwright.wait();
    }
    playwright.push(ad(format!("Move-ADObject {name} -TargetPath 'OU={target},{HEAD}'")));
    if leaves {
        // Who is not synchronized any more is deleted in the cloud.
        playwright.cast.remove(place);
        return;
    }
    let waits = playwright.world.waits_for_initial();
    let late = playwright.world.second_dc.is_some();
    let actor = &mut playwright.cast[place];
    actor.has_entry = false;
    if scope.is_some() {
        // Whoever comes into scope is looked at with the next edit, once the agents' controller has heard.
        let was = std::mem::replace(&mut actor.in_job, into_scope.is_some() && !late);
        actor.waits |= !was && waits && actor.cloud_managed;
    }
}

fn rename(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.one_of(|actor| actor.in_ad) else { return playwright.wait() };
    playwright.renamed += 1;
    let actor = &mut playwright.cast[place];
    actor.has_entry = false;
    let line = format!("Rename-ADObject {} -NewName 'Renamed {}'", actor.name, playwright.renamed);
    playwright.push(ad(line));
}

/// The account is disabled, and perhaps enabled again.
fn disable(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.one_of(|actor| actor.in_ad) else { return playwright.wait() };
    if playwright.world.skips_disabled() {
        // Whoever is enabled again comes into scope, which no delta sees.
        return playwright.wait();
    }
    let stays = playwright.dice.percent(50);
    let name = playwright.cast[place].name.clone();
    playwright.push(ad(format!("Disable-ADAccount {name}")));
    if !stays {
        playwright.wait();
        playwright.push(ad(format!("Enable-ADAccount {name}")));
    }
}

fn describe(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.one_of(|actor| actor.in_ad) else { return playwright.wait() };
    let value = playwright.values.plain();
    let name = playwright.cast[place].name.clone();
    playwright.push(ad(format!("Set-ADObject {name} -Description '{value}'")));
    playwright.push(ad(format!("Get-ADObject {name} -Properties description")));
}

/// Removed, perhaps seen so by synchronization, and brought back; nobody speaks of them any more.
fn remove_and_restore(playwright: &mut Playwright<'_>) {
    let place = playwright.one_of(|actor| actor.in_ad && !actor.watched && actor.in_first_domain);
    let Some(place) = place.filter(|_| playwright.cast.len() > 3) else { return playwright.wait() };
    let name = playwright.cast.remove(place).name;
    let cmdlet = playwright.dice.one(["Remove-ADUser", "Remove-ADObject"]);
    playwright.push(ad(format!("{cmdlet} {name} -Confirm:$false")));
    if playwright.dice.percent(60) {
        playwright.connect_cycle();
    }
    playwright.push(ad(format!("Restore-ADObject {name}")));
    if playwright.dice.percent(60) {
        playwright.connect_cycle();
    }
}

/// A group or a contact of AD, and who has the authority over it.
pub(super) fn groups(playwright: &mut Playwright<'_>) {
    if playwright.dice.percent(30) {
        return passing(playwright);
    }
    let name = lifecycle::newcomer(playwright);
    let contact = playwright.dice.percent(30);
    if contact {
        let record = format!(
            "dn: CN={name},OU=People,{HEAD}\nchangetype: add\nobjectClass: contact\ncn: {name}\ndisplayName: {name}\nmail: {name}@elsewhere.example\nproxyAddresses: SMTP:{name}@elsewhere.example\ntargetAddress: SMTP:{name}@elsewhere.example\n"
        );
        playwright.push(ActionDraft::Ldif(record));
    } else {
        let scope = playwright.dice.one(["Universal", "Global"]);
        playwright.push(ad(format!(
            "New-ADGroup -Name {name} -GroupScope {scope} -DisplayName {name} -Path 'OU=People,{HEAD}'"
        )));
        fill(playwright, &name);
    }
    let known = !playwright.searches_may_fail && playwright.synchronization_hears();
    if !known || playwright.dice.percent(30) {
        return;
    }
    playwright.connect_cycle();
    let kind = if contact { "contacts" } else { "groups" };
    playwright.push(ActionDraft::Graph {
        method: "GET",
        path: format!("/{kind}/{name}/onPremisesSyncBehavior"),
        body: None,
    });
    if playwright.client_is_asked() {
        let path = format!("/{kind}/{name}/onPremisesSyncBehavior");
        playwright.push(change("PATCH", path.clone(), "{isCloudManaged: true}"));
        if playwright.dice.percent(50) {
            playwright.push(change("PATCH", path, "{isCloudManaged: false}"));
            playwright.connect_cycle();
        }
    }
}

/// Members come and perhaps go, and perhaps the group with them.
fn fill(playwright: &mut Playwright<'_>, group: &str) {
    let members = playwright.those(|actor| actor.in_ad && actor.in_first_domain);
    let members = playwright.dice.some(&members, 3);
    let members = playwright.names(&members);
    if members.is_empty() {
        return;
    }
    playwright.push(ad(format!("Add-ADGroupMember {group} -Members {}", members.join(","))));
    if playwright.dice.percent(30) {
        let one = &members[0];
        playwright.push(ad(format!("Remove-ADGroupMember {group} -Members {one} -Confirm:$false")));
    }
    if playwright.dice.percent(20) {
        let pause = playwright.dice.between(1, 30);
        playwright.push(ActionDraft::Wait(pause));
    }
    if playwright.dice.percent(30) {
        playwright.push(ad(format!("Set-ADGroup {group} -Description 'of {}'", members.len())));
        playwright.push(ad(format!("Get-ADGroup {group}")));
    }
}

/// A group that comes, is filled and goes.
fn passing(playwright: &mut Playwright<'_>) {
    let name = lifecycle::newcomer(playwright);
    playwright.push(ad(format!("New-ADGroup -Name {name} -GroupScope Universal")));
    fill(playwright, &name);
    if playwright.dice.percent(50) {
        playwright.connect_cycle();
    }
    playwright.push(ad(format!("Remove-ADGroup {name} -Confirm:$false")));
}
