//! The codes under which a step can fail, for each kind of step, from those who refuse.

use engine::failure::code;
use engine::transfer::MailboxOutcome;
use engine::transfer::decommission;
use engine::transfer::premises::QUESTIONS;
use engine::transfer::readiness::id;
use engine::transfer::report::{ACCEPTANCE_BREACHED, LOG_NOT_WRITTEN};
use sim::directory::answer::ResultCode;
use sim::estate::PersonError;
use sim::exchange::cmdlets;
use sim::wire::graph;

/// The HTTP statuses with which Graph answers what it does not do (Microsoft Graph, "Microsoft Graph error
/// responses and resource types").
const STATUSES: [u16; 20] = [
    400, 401, 402, 403, 404, 405, 406, 409, 410, 411, 412, 413, 415, 416, 423, 429, 500, 501, 503,
    504,
];

/// What of the readiness check stands against a mailbox or against a transfer as a whole. Warnings and what
/// is not determinable let it through.
const BLOCKING: [&str; 7] = [
    id::MISSING,
    id::UNREADABLE,
    id::NOT_SYNCED,
    id::TYPE,
    id::SYNC_DISABLED,
    id::CONNECT_OLD,
    id::LICENCE,
];

/// Every kind of step that can fail, with the codes by which `expect_error` can name its failure.
pub(super) fn codes() -> Vec<(&'static str, Vec<String>)> {
    let directory = directory();
    vec![
        ("exo", exchange()),
        ("onprem", directory.clone()),
        ("ad", directory.clone()),
        ("ldif", directory),
        ("graph", graph()),
        ("transfer", transfer()),
        ("decommission", decommission()),
        ("cycle", cycle()),
        ("job", job()),
        ("connect", texts(["NotFound"])),
    ]
}

fn texts(names: impl IntoIterator<Item = &'static str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// Kinds first, as people write them; then the service's own classes and codes.
fn exchange() -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in cmdlets::error_kinds().chain(cmdlets::error_names()) {
        if !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found
}

/// Of cmdlets and of LDAP: results by name and by number.
fn directory() -> Vec<String> {
    let results = ResultCode::ALL.into_iter().filter(|code| *code != ResultCode::Success);
    let results = results.flat_map(|code| [code.name(), code.number().to_string()]);
    texts(PersonError::CMDLET_NAMES).into_iter().chain(results).collect()
}

fn graph() -> Vec<String> {
    texts(graph::ERROR_CODES).into_iter().chain(STATUSES.map(|status| status.to_string())).collect()
}

fn transfer() -> Vec<String> {
    let outcomes = [
        MailboxOutcome::Blocked,
        MailboxOutcome::Refused,
        MailboxOutcome::NoOp,
        MailboxOutcome::Failed,
    ];
    let outcomes = outcomes.map(MailboxOutcome::word);
    let ends = ["stopped", ACCEPTANCE_BREACHED, LOG_NOT_WRITTEN];
    let own = texts(outcomes.into_iter().chain(ends).chain(BLOCKING).chain(code::ALL));
    own.into_iter().chain(exchange()).collect()
}

fn decommission() -> Vec<String> {
    let own = [
        decommission::id::NOT_CLOUD_MANAGED,
        decommission::id::DEFAULT_OFF,
        decommission::id::HYBRID_OBJECTS,
        decommission::id::AGENT,
        decommission::id::JOB,
        decommission::id::VERIFIED,
        decommission::id::PATH,
    ];
    texts(own.into_iter().chain(QUESTIONS.iter().map(|question| question.id)).chain(code::ALL))
}

/// Of a cycle of Connect as well as of the job.
fn cycle() -> Vec<String> {
    texts(code::ALL.into_iter().chain(sim::connect::FAILURES).chain(["NotFound", "Paused"]))
}

fn job() -> Vec<String> {
    let refused = ["Authorization_RequestDenied", "NotFound", "TooManyRequests", "429"];
    texts(code::ALL.into_iter().chain(refused))
}
