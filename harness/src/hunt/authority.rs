//! What the tenant decides of people: their licences, who has authority over whole objects, and what becomes
//! of those who come.

use super::cast::Actor;
use super::draft::ActionDraft;
use super::features::Feature;
use super::lifecycle;
use super::settings::BLOCKED;
use super::story::Playwright;

/// The product that a tenant of a story owns (Office 365 E3).
const PRODUCT: &str = "6fd2c87f-b296-42f0-b197-1e91e994b900";

/// Where people are whom nobody put elsewhere.
const PEOPLE: &str = "OU=People,DC=corp,DC=contoso,DC=com";

/// A request that changes something.
pub(super) fn change(method: &'static str, path: String, body: &str) -> ActionDraft {
    ActionDraft::Graph { method, path, body: Some(body.to_owned()) }
}

/// Somebody's licence is taken away or given.
fn assign(name: &str, given: bool) -> ActionDraft {
    let body = if given {
        format!("{{addLicenses: [{{skuId: {PRODUCT}}}], removeLicenses: []}}")
    } else {
        format!("{{addLicenses: [], removeLicenses: [{PRODUCT}]}}")
    };
    change("POST", format!("/users/{name}/assignLicense"), &body)
}

/// A licence goes, comes, or is refused to whoever has none.
pub(super) fn licences(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.one_of(|actor| actor.licensed.is_some()) else {
        return playwright.wait();
    };
    let licensed = playwright.cast[place].licensed == Some(true);
    let name = playwright.cast[place].name.clone();
    if playwright.dice.percent(15) {
        if licensed {
            // What is there already changes nothing.
            return playwright.push(assign(&name, true));
        }
        return playwright.push_refused(assign(&name, false), "400");
    }
    if !licensed {
        playwright.push(change("PATCH", format!("/users/{name}"), "{usageLocation: DE}"));
    }
    playwright.push(assign(&name, !licensed));
    let actor = &mut playwright.cast[place];
    actor.licensed = Some(!licensed);
    // Addresses that were calculated go with the licence.
    actor.keeps_own_address = false;
    actor.aliases.clear();
    playwright.settle();
}

/// The authority over somebody's whole object moves to the cloud, or back.
pub(super) fn objects(playwright: &mut Playwright<'_>) {
    let gone = playwright.those(|actor| actor.moved.is_some() && actor.in_ad);
    let blocked = playwright.world.tenant.iter().any(|said| said.contains(BLOCKED));
    let goes_back = !blocked && !playwright.searches_may_fail && playwright.synchronization_hears();
    if !gone.is_empty() && playwright.dice.percent(60) && goes_back {
        if let Some(place) = playwright.dice.pick(&gone).copied() {
            take_back(playwright, place);
        }
        return;
    }
    if !playwright.client_is_asked() {
        return playwright.wait();
    }
    // With raw numbers the first write makes it look like a mailbox on the premises, which keeps its authority.
    let raw = playwright.world.writes_raw_types();
    let whole = |actor: &Actor| actor.is_remote() && !actor.watched && !(raw && actor.was_managed);
    let Some(place) = playwright.one_of(whole) else { return playwright.wait() };
    playwright.push(authority_of(&playwright.cast[place], true));
    let actor = &mut playwright.cast[place];
    actor.moved = Some(actor.cloud_managed);
    actor.cloud_managed = false;
    actor.dir_synced = false;
}

fn take_back(playwright: &mut Playwright<'_>, place: usize) {
    playwright.push(authority_of(&playwright.cast[place], false));
    playwright.connect_cycle();
    let comes_back = playwright.world.flag_comes_back();
    let actor = &mut playwright.cast[place];
    actor.cloud_managed = comes_back && actor.moved == Some(true);
    actor.moved = None;
    actor.dir_synced = true;
    // Addresses are as AD has them, and how long that takes is not the story's to know.
    actor.keeps_own_address = false;
    actor.aliases.clear();
    playwright.settle();
}

fn authority_of(actor: &Actor, cloud: bool) -> ActionDraft {
    let path = format!("/users/{}/onPremisesSyncBehavior", actor.name);
    change("PATCH", path, &format!("{{isCloudManaged: {cloud}}}"))
}

/// Who comes from now on is cloud-managed from birth, or not.
pub(super) fn default_of_the_tenant(playwright: &mut Playwright<'_>) {
    playwright.managed_by_default = !playwright.managed_by_default;
    let side = if playwright.managed_by_default { "Cloud" } else { "Server" };
    let line = format!("Set-OrganizationConfig -ExchangeAttributes{side}ManagedByDefault");
    playwright.push(ActionDraft::Cmdlet("exo", line));
    if playwright.features.has(Feature::Arrivals) && playwright.dice.percent(60) {
        arrival(playwright);
    }
}

/// Somebody comes, is synchronized, and gets a mailbox in the cloud with a licence.
pub(super) fn arrival(playwright: &mut Playwright<'_>) {
    let comes_late = playwright.searches_may_fail || playwright.server_is_gone;
    if comes_late || !playwright.synchronization_hears() {
        return playwright.wait();
    }
    let name = lifecycle::newcomer(playwright);
    // What the last server makes under the tenant default is a user without a recipient, and stays so.
    let by_server = !playwright.managed_by_default && playwright.dice.percent(60);
    playwright.push(if by_server {
        lifecycle::new_remote_mailbox(&name, true)
    } else {
        let line = format!(
            "New-ADUser {name} -Path '{PEOPLE}' -UserPrincipalName {name}@contoso.com -Enabled $true"
        );
        ActionDraft::Cmdlet("ad", line)
    });
    let cloud_managed = playwright.managed_by_default;
    playwright.connect_cycle();
    let path = format!("/users/{name}@contoso.com");
    playwright.push(change("PATCH", path, "{usageLocation: DE}"));
    playwright.push(assign(&format!("{name}@contoso.com"), true));
    let beyond = cloud_managed && playwright.world.refuses_beyond_limit();
    playwright.cast.push(Actor {
        name,
        cloud_managed,
        dir_synced: true,
        in_ad: true,
        on_premises: false,
        is_remote_mailbox: by_server,
        moved: None,
        licensed: Some(true),
        in_first_domain: true,
        in_cloud: true,
        aliases: Vec::new(),
        keeps_own_address: false,
        pending: false,
        waits: cloud_managed && playwright.world.waits_for_initial(),
        was_managed: cloud_managed,
        has_entry: false,
        in_job: playwright.world.is_for_everybody() && !beyond,
        writable: true,
        watched: false,
    });
    playwright.settle();
}
