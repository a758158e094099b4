//! Who asks and who watches: requests to Microsoft Graph, steps in the name of a role, and what must
//! hold.

use super::cast::Actor;
use super::cloud::{literal, set_mailbox};
use super::draft::{ActionDraft, JUNIOR, OPERATOR};
use super::features::Feature;
use super::story::Playwright;

/// A request to Microsoft Graph: reads that are answered, and changes that AD's authority refuses.
pub(super) fn graph(playwright: &mut Playwright<'_>) {
    let somebody = playwright.one_of(Actor::is_remote);
    let name = somebody.map(|place| playwright.cast[place].name.clone());
    let request = |method, path: String, body: Option<&str>| ActionDraft::Graph {
        method,
        path,
        body: body.map(str::to_owned),
    };
    let Some(name) = name else {
        playwright.push(request("GET", "/organization".to_owned(), None));
        return;
    };
    match playwright.dice.between(0, 5) {
        5 => super::looks::guest(playwright),
        0 => playwright.push(request("GET", format!("/users/{name}"), None)),
        1 => {
            let path = format!("/users/{name}?$select=mail,proxyAddresses");
            playwright.push_as("reader", request("GET", path, None), None);
        }
        2 => {
            let path = "/users/nobody@contoso.com".to_owned();
            playwright.push_refused(request("GET", path, None), "Request_ResourceNotFound");
        }
        3 => {
            let body = Some("{displayName: Somebody else}");
            playwright.push_refused(request("PATCH", format!("/users/{name}"), body), "any");
        }
        _ => {
            let path = format!("/users/{name}/onPremisesSyncBehavior");
            let refused = Some("Authorization_RequestDenied");
            playwright.push_as("helpdesk", request("GET", path, None), refused);
        }
    }
}

/// A step that one role may take and another may not.
pub(super) fn roles(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.one_of(Actor::is_editable) else { return playwright.wait() };
    let name = playwright.cast[place].name.clone();
    let value = literal(&playwright.values.plain());
    let edit = set_mailbox(&name, &format!("-CustomAttribute3 {value}"));
    // Once a tenant has roles of its own, a parameter that somebody's roles lack is one that is not there.
    let delegated = playwright.world.operator || playwright.features.has(Feature::Delegation);
    let refused = Some(if delegated { "any" } else { "Forbidden" });
    match playwright.dice.between(0, 6) {
        5 if playwright.world.operator => playwright.push_as(JUNIOR, edit, None),
        5 => playwright.push_as("unprivileged", edit, Some("any")),
        6 => playwright.push_as("global-admin", edit, None),
        0 if playwright.world.operator => playwright.push_as(OPERATOR, edit, refused),
        0 => playwright.push_as("reader", edit, refused),
        1 => playwright.push_as("hybrid-identity-admin", edit, refused),
        2 => playwright.push_as("helpdesk", edit, None),
        3 => {
            let flag = set_mailbox(&name, "-IsExchangeCloudManaged $false");
            playwright.push_as("helpdesk", flag, refused);
        }
        _ if playwright.world.job => {
            let pause = ActionDraft::Job("pause".to_owned());
            playwright.push_as("exchange-admin", pause, Some("Authorization_RequestDenied"));
        }
        _ => playwright.push_as("exchange-admin", edit, None),
    }
}

/// An edit, and that the cloud has it at once.
pub(super) fn expectation(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.one_of(Actor::is_editable) else { return playwright.wait() };
    let who = playwright.cast[place].name.clone();
    let value = playwright.values.plain();
    playwright.push(set_mailbox(&who, &format!("-CustomAttribute4 {}", literal(&value))));
    let path = "exo.CustomAttribute4".to_owned();
    playwright.push(ActionDraft::Expect { how: "expect", who, path, value, window: None });
}

/// An edit that comes to AD, and stays there: nobody is in the way, and nobody else writes it.
pub(super) fn until(playwright: &mut Playwright<'_>) {
    let in_the_way = playwright.has_faults || playwright.has_habits;
    // Who comes into the job's groups may wait for an initial cycle.
    let has_job = playwright.world.job && !playwright.world.waits_for_initial();
    let surely = |actor: &Actor| has_job && actor.is_written_at_once();
    let Some(place) = playwright.one_of(surely).filter(|_| !in_the_way) else {
        return playwright.wait();
    };
    playwright.let_the_job_run();
    let who = playwright.cast[place].name.clone();
    let number = playwright.dice.between(1, playwright.world.last_plain().min(10));
    let value = playwright.values.plain();
    let edit = set_mailbox(&who, &format!("-CustomAttribute{number} {}", literal(&value)));
    playwright.push(edit);
    let how = playwright.dice.one(["until", "within"]);
    let path = format!("ad.extensionAttribute{number}");
    playwright.push(ActionDraft::Expect { how, who, path, value, window: Some(180) });
    playwright.push(ActionDraft::Wait(180));
}

/// Something that holds all the time, or that nobody gets through.
pub(super) fn watch(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.one_of(Actor::is_remote) else { return playwright.wait() };
    let who = playwright.cast[place].name.clone();
    playwright.cast[place].watched = true;
    let waits = playwright.features.has(Feature::Waiting) && playwright.dice.percent(50);
    let window = waits.then(|| playwright.dice.between(30, 200));
    if playwright.dice.percent(50) {
        let value = "True".to_owned();
        let path = "exo.IsDirSynced".to_owned();
        playwright.push(ActionDraft::Expect { how: "always", who, path, value, window });
        return;
    }
    let value = playwright.values.plain();
    let attempt = set_mailbox(&who, &format!("-DisplayName {}", literal(&value)));
    let path = "ad.displayName".to_owned();
    playwright.push(ActionDraft::Expect { how: "never", who, path, value, window });
    playwright.push_refused(attempt, "OutOfWriteScope");
}
