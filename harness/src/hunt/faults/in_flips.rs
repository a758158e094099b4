//! Faults in the middle of a transfer or a rollback, and of budgets that people alone spend.

use super::crash;
use crate::hunt::authority::change;
use crate::hunt::cast::Actor;
use crate::hunt::draft::ActionDraft;
use crate::hunt::features::Feature;
use crate::hunt::story::Playwright;

/// Port calls that a transfer to the cloud makes.
const CALLS_OF_A_TRANSFER: [&str; 5] = [
    "entra.sync_configuration",
    "exchange.mailboxes",
    "exchange.set_mailboxes",
    "store.get",
    "store.commit",
];

/// Port calls that a rollback makes.
const CALLS_OF_A_ROLLBACK: [&str; 5] = [
    "exchange.mailboxes",
    "exchange.set_mailboxes",
    "entra.users",
    "directory.find",
    "store.commit",
];

/// A fault of a port call in the middle of a transfer or a rollback, of the check before the last server goes, or
/// of a budget that people alone spend.
pub(in crate::hunt) fn in_a_flip(playwright: &mut Playwright<'_>) {
    if playwright.dice.percent(25) {
        return of_people(playwright);
    }
    let Some(back) = flips(playwright) else { return playwright.wait() };
    let calls = if back { CLOUD_CALLS_OF_A_ROLLBACK } else { CLOUD_CALLS_OF_A_TRANSFER };
    let dice = &mut playwright.dice;
    let call = ("call", dice.one(calls).to_owned());
    let count = ("count", "1".to_owned());
    let (name, further) = match dice.between(0, 4) {
        0 => ("throttled", Some(("retry_after", "40s".to_owned()))),
        1 => ("service_failure", None),
        2 => ("timed_out", Some(("by", dice.one(["2m", "15m"]).to_owned()))),
        3 => ("truncated_body", None),
        _ => ("cloud_offline", None),
    };
    let keys = [call, count].into_iter().chain(further).collect();
    playwright.push(ActionDraft::Fault(name, keys));
    if back {
        playwright.roll_back();
    } else {
        playwright.transfer();
    }
}

/// Port calls to the cloud that a transfer makes, and a rollback.
const CLOUD_CALLS_OF_A_TRANSFER: [&str; 3] =
    ["entra.sync_configuration", "exchange.mailboxes", "exchange.set_mailboxes"];
const CLOUD_CALLS_OF_A_ROLLBACK: [&str; 3] =
    ["exchange.mailboxes", "exchange.set_mailboxes", "entra.users"];

/// A budget of which the engine spends nothing is used up, and somebody is told so.
fn of_people(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.one_of(|actor| actor.in_cloud) else { return playwright.wait() };
    let name = playwright.cast[place].name.clone();
    let budgets = [
        "Tenant_Application/Reports",
        "Tenant_Application/Write",
        "Application/Write",
        "Tenant/Write",
    ];
    let budget = playwright.dice.one(budgets);
    let keys = vec![("budget", budget.to_owned()), ("count", "1".to_owned())];
    playwright.push(ActionDraft::Fault("throttled", keys));
    let request = if budget == budgets[0] {
        let path = "/auditLogs/provisioning".to_owned();
        ActionDraft::Graph { method: "GET", path, body: None }
    } else {
        change("PATCH", format!("/users/{name}"), "{usageLocation: FR}")
    };
    playwright.push_refused(request, "429");
}

/// Whether somebody can be flipped back, or to the cloud; `None` when there is nobody to flip.
fn flips(playwright: &mut Playwright<'_>) -> Option<bool> {
    let back = playwright.features.has(Feature::Rollbacks)
        && !playwright.searches_may_fail
        && playwright.dice.percent(50);
    let some = if back {
        playwright.those(Actor::is_written_back)
    } else {
        playwright.those(Actor::is_transferable)
    };
    (!some.is_empty()).then_some(back)
}

/// A crash in the middle of a transfer or a rollback; false when there is nobody to flip.
pub(super) fn crash_in_flip(playwright: &mut Playwright<'_>) -> bool {
    let Some(back) = flips(playwright) else { return false };
    let calls = if back { CALLS_OF_A_ROLLBACK } else { CALLS_OF_A_TRANSFER };
    let at = playwright.dice.one(calls);
    let before = playwright.dice.percent(50);
    crash(playwright, at, before, 1);
    if back { playwright.roll_back() } else { playwright.transfer() }
}
