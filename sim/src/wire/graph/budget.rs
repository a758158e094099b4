//! What a request costs of Graph's budgets, and how a budget that has tripped says so.
//!
//! Sources: Microsoft Graph, "Microsoft Graph service-specific throttling limits" ("Identity and access
//! service limits", "Identity and access reports service limits"); "Microsoft Graph throttling guidance"
//! (`Retry-After`, the `x-ms-throttle-*` headers).
//!
//! # Divergence from Microsoft Graph
//! The headers' scope names the budget and the application, not the internal path of the service.

use core::time::Duration;

use axum::http::Method;

use super::error::GraphError;
use super::{Operation, path, routes};
use crate::estate::Estate;
use crate::throttle::{
    APPLICATION_RESOURCES, APPLICATION_WRITES, Charge, GLOBAL, Limit, ON_DEMAND, ON_DEMAND_CALLS,
    REPORTS, RESOURCES, TENANT_WRITES, Tripped, WRITES, whole_seconds,
};
use crate::wire::message::{Address, Answer};
use crate::wire::shared::SharedEstate;

const fn limit(units: u32, seconds: u64) -> Limit {
    Limit::new(units, Duration::from_secs(seconds))
}

/// Resource units of an application in a tenant, by the tenant's users.
const fn resources(users: usize) -> Limit {
    match users {
        0..50 => limit(3_500, 10),
        50..=500 => limit(5_000, 10),
        _ => limit(8_000, 10),
    }
}

/// Answers an operation, as far as its budgets reach.
pub(super) fn within(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    let engine = operation.estate.with(|estate| estate.serves_the_engine_alone());
    if let Some(error) = (!engine).then(|| used_up(operation)).flatten() {
        return Err(error);
    }
    if !operation.estate.with(|estate| estate.profile.is_on("graph_budgets")) {
        return routes::answer(operation);
    }
    let units = units(operation);
    let report = is_report(operation.address);
    match operation.estate.with(|estate| spend(estate, operation, units)) {
        Ok(used) => routes::answer(operation).map(|answer| described(answer, units, used)),
        Err(tripped) => Err(refusal(operation, &tripped, report)),
    }
}

fn spend(estate: &mut Estate, operation: &Operation<'_>, units: u32) -> Result<f64, Tripped> {
    let application = operation.bearer.application.client_id.to_string();
    let users = estate.entra.users().len();
    let charges = charges(operation, &application, users, units);
    estate.spend_on_graph(&charges)
}

/// What a request costs of which budgets; of some of them nothing.
fn charges<'o>(
    operation: &Operation<'_>,
    application: &'o str,
    users: usize,
    units: u32,
) -> Vec<Charge<'o>> {
    let of = |scope, limit, cost| Charge { scope, owner: application, limit, cost };
    let global = of(GLOBAL, limit(130_000, 10), 1);
    if is_report(operation.address) {
        return vec![of(REPORTS, limit(5, 10), 1), global];
    }
    let writes = u32::from(is_write(operation));
    let mut charges = vec![
        of(RESOURCES, resources(users), units),
        of(WRITES, limit(3_000, 150), writes),
        of(APPLICATION_RESOURCES, limit(150_000, 20), units),
        of(APPLICATION_WRITES, limit(70_000, 300), writes),
        Charge { owner: "", ..of(TENANT_WRITES, limit(18_000, 300), writes) },
        global,
    ];
    if is_last(operation, "provisionOnDemand") {
        charges.push(of(ON_DEMAND, ON_DEMAND_CALLS, 1));
    }
    charges
}

/// The refusal of a request that costs some of a budget which a fault has used up.
pub(super) fn used_up(operation: &Operation<'_>) -> Option<GraphError> {
    if !operation.estate.with(|estate| estate.faults.has_budgets()) {
        return None;
    }
    let charges = charges(operation, "", 0, 1);
    let mut costing = charges.iter().filter(|charge| charge.cost > 0);
    let tripped = costing.find_map(|charge| {
        let wait = operation.estate.with(|estate| estate.meet_budget(charge.scope))?;
        Some(Tripped { scope: charge.scope, retry_after: wait })
    })?;
    Some(refusal(operation, &tripped, is_report(operation.address)))
}

fn is_report(address: &Address) -> bool {
    let is = |name: &str| name.eq_ignore_ascii_case("auditLogs");
    address.segments.get(1).is_some_and(|segment| is(segment))
}

/// Whether it changes something: asking by POST does not.
fn is_write(operation: &Operation<'_>) -> bool {
    let asks = is_last(operation, "getByIds") || is_last(operation, "validateCredentials");
    operation.method != Method::GET && !asks
}

fn is_last(operation: &Operation<'_>, name: &str) -> bool {
    let last = operation.address.segments.last();
    last.and_then(|last| last.rsplit('.').next())
        .is_some_and(|last| last.eq_ignore_ascii_case(name))
}

/// The documented cost: by the path, less with `$select` and a small `$top`, more with `$expand`, at
/// least 1.
fn units(operation: &Operation<'_>) -> u32 {
    let segments = path::normalized(&operation.address.segments);
    let lower: Vec<&str> = segments.iter().skip(1).map(path::Segment::lower).collect();
    let base: i32 = match (operation.method.as_str(), lower.as_slice()) {
        ("GET", ["users"]) => 2,
        ("GET", ["groups", _, "members"]) => 3,
        ("GET", ["groups", _, "transitivemembers"]) => 5,
        _ => 1,
    };
    let query = &operation.address.query;
    let small = query.get("top").and_then(|top| top.parse::<u32>().ok()).is_some_and(|n| n < 20);
    let units = base - i32::from(query.get("select").is_some()) - i32::from(small)
        + i32::from(query.get("expand").is_some());
    u32::try_from(units.max(1)).unwrap_or(1)
}

/// With the headers that say what it cost, and how much is used once that is most of it.
fn described(answer: Answer, units: u32, used: f64) -> Answer {
    let answer = answer.with("x-ms-resource-unit", &units.to_string());
    if used > 0.8 {
        answer.with("x-ms-throttle-limit-percentage", &format!("{used:.1}"))
    } else {
        answer
    }
}

fn explained(error: GraphError, scope: String, why: &str) -> GraphError {
    error
        .with_header("x-ms-throttle-limit-percentage", "1.0".to_owned())
        .with_header("x-ms-throttle-scope", scope)
        .with_header("x-ms-throttle-information", why.to_owned())
}

/// An error of the service itself: a 429 like that of a budget of the `owner` (tenant and application).
/// Directory services always name a wait, reports never; to the engine's own calls a fault says what it
/// was declared with, and nothing else, but for the budget that it names.
pub(super) fn failed(
    estate: &SharedEstate,
    address: &Address,
    owner: &str,
    (status, budget): (u16, Option<&'static str>),
    retry_after: Option<u32>,
) -> GraphError {
    let (report, engine) =
        (is_report(address), estate.with(|estate| estate.serves_the_engine_alone()));
    let throttled = status == 429 && !engine;
    let error = GraphError::of_service(status);
    let scope = if report { REPORTS } else { RESOURCES };
    let error = match budget.or(throttled.then_some(scope)) {
        Some(scope) => explained(error, format!("{scope}/{owner}"), why(scope)),
        None => error,
    };
    match retry_after.or(throttled.then_some(WAIT)).filter(|_| !report) {
        Some(seconds) => error.with_header("retry-after", seconds.to_string()),
        None => error,
    }
}

/// The wait of a fault that names none: the window of the resource units, in seconds.
const WAIT: u32 = 10;

/// Why a budget has tripped, as `x-ms-throttle-information` says it.
fn why(scope: &str) -> &'static str {
    if scope.ends_with("/Write") { "WriteLimitExceeded" } else { "ResourceUnitLimitExceeded" }
}

/// 429. Reports say no wait.
fn refusal(operation: &Operation<'_>, tripped: &Tripped, report: bool) -> GraphError {
    let why = why(tripped.scope);
    let application = operation.bearer.application.client_id;
    let tenant = operation.identity.tenant.id;
    let scope = format!("{}/{tenant}/{application}", tripped.scope);
    let error = explained(GraphError::throttled(), scope, why);
    if report {
        error
    } else {
        error.with_header("retry-after", whole_seconds(tripped.retry_after).to_string())
    }
}
