//! The codes under which a step can fail, for each kind of step: those that somebody here gives, and no others. Each
//! has a step that comes to it (`tests/error_codes.rs`), so that what a file expects can come true.

use engine::failure::code;
use engine::transfer::MailboxOutcome;
use engine::transfer::decommission;
use engine::transfer::readiness::id;
use engine::transfer::report::ACCEPTANCE_BREACHED;
use sim::directory::answer::ResultCode;
use sim::estate::PersonError;
use sim::exchange::cmdlets;

/// What Graph answers a step that it does not do: codes and HTTP statuses (Microsoft Graph, "Microsoft Graph error
/// responses and resource types"). What only a client without a token, or with an old one, is told no step is.
const OF_GRAPH: [&str; 18] = [
    "Authorization_RequestDenied",
    "BadRequest",
    "Conflict",
    "NotImplemented",
    "Request_BadRequest",
    "Request_ResourceNotFound",
    "Request_UnsupportedQuery",
    "TooManyRequests",
    "serviceNotAvailable",
    "syncStateNotFound",
    "400",
    "403",
    "404",
    "405",
    "409",
    "429",
    "501",
    "503",
];

/// The LDAP results that a write of a person comes to. Who binds, searches and compares is nobody of a story;
/// that a domain controller is busy agents are told.
const OF_WRITES: [ResultCode; 17] = [
    ResultCode::Referral,
    ResultCode::AdminLimitExceeded,
    ResultCode::NoSuchAttribute,
    ResultCode::ConstraintViolation,
    ResultCode::AttributeOrValueExists,
    ResultCode::InvalidAttributeSyntax,
    ResultCode::NoSuchObject,
    ResultCode::InvalidDnSyntax,
    ResultCode::InsufficientAccessRights,
    ResultCode::UnwillingToPerform,
    ResultCode::NamingViolation,
    ResultCode::ObjectClassViolation,
    ResultCode::NotAllowedOnNonLeaf,
    ResultCode::NotAllowedOnRdn,
    ResultCode::EntryAlreadyExists,
    ResultCode::AffectsMultipleDsas,
    ResultCode::Other,
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

/// Kinds of Exchange Online's refusals that stand against a flip by itself: who asks, and whether there is such a
/// parameter for it.
const OF_A_FLIP: [&str; 2] = ["Forbidden", "ParameterSet"];

/// What ends a call to the cloud for good, whoever makes it.
const OF_CALLS: [&str; 3] =
    [code::INVALID_CREDENTIAL, code::SERVER_BUSY, code::AUTHORIZATION_FAILED];

/// What a cycle of the job, or a provision on demand, ends with when AD cannot be reached.
const OF_AGENTS: [&str; 4] =
    [code::NO_AGENTS_ASSIGNED, code::NO_ACTIVE_AGENTS, code::AGENT_SIGNALING, code::TIME_OUT];

/// Every kind of step that can fail, with the codes by which `expect_error` can name its failure.
pub(super) fn codes() -> Vec<(&'static str, Vec<String>)> {
    let directory = directory();
    vec![
        ("exo", exchange()),
        ("onprem", directory.clone()),
        ("ad", directory.clone()),
        ("ldif", directory),
        ("graph", texts(OF_GRAPH)),
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

/// Kinds first, as people write them; then the service's own classes and codes. No step turns pages.
fn exchange() -> Vec<String> {
    let kinds = || cmdlets::error_kinds().filter(|kind| *kind != "PageExpired");
    spelled(&kinds().collect::<Vec<_>>())
}

/// These kinds, and every other name that each has.
fn spelled(kinds: &[&'static str]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in
        kinds.iter().copied().chain(kinds.iter().flat_map(|kind| cmdlets::error_names(kind)))
    {
        if !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found
}

/// Of cmdlets and of LDAP: results by name and by number.
fn directory() -> Vec<String> {
    let results = OF_WRITES.into_iter().flat_map(|code| [code.name(), code.number().to_string()]);
    texts(PersonError::CMDLET_NAMES).into_iter().chain(results).collect()
}

fn transfer() -> Vec<String> {
    let outcomes = [
        MailboxOutcome::Blocked,
        MailboxOutcome::Refused,
        MailboxOutcome::NoOp,
        MailboxOutcome::Failed,
    ];
    let outcomes = outcomes.map(MailboxOutcome::word);
    let of_ad = [code::NO_ACTIVE_AGENTS, code::DUPLICATE_ENTRIES];
    let ends = ["stopped", ACCEPTANCE_BREACHED].into_iter().chain(of_ad);
    let calls = [code::INVALID_CREDENTIAL, code::SERVER_BUSY];
    let own = texts(outcomes.into_iter().chain(ends).chain(BLOCKING).chain(calls));
    // That a request was bad is a code of many kinds, and is not told of a mailbox.
    let kinds = spelled(&OF_A_FLIP).into_iter().filter(|name| name != "BadRequest");
    own.into_iter().chain(kinds).collect()
}

/// What blocks, of what the estate knows or a step states.
fn decommission() -> Vec<String> {
    let own = [
        decommission::id::NOT_CLOUD_MANAGED,
        decommission::id::HYBRID_OBJECTS,
        decommission::id::AGENT,
        decommission::id::JOB,
        "decommission.on-premises-mailboxes",
        "decommission.public-folders",
        "decommission.dns",
        "decommission.smtp-relay",
    ];
    texts(own.into_iter().chain(OF_CALLS))
}

/// Of a cycle of Connect as well as of the job.
fn cycle() -> Vec<String> {
    let mut own = texts(OF_AGENTS.into_iter().chain(OF_CALLS));
    let further = sim::connect::FAILURES.into_iter().chain(["NotFound", "Paused"]);
    for name in further {
        if !own.iter().any(|known| known == name) {
            own.push(name.to_owned());
        }
    }
    own
}

/// What an administrator is told, and what a provision on demand answers.
fn job() -> Vec<String> {
    let refused = ["Authorization_RequestDenied", "NotFound", "TooManyRequests", "429"];
    let answers = [
        code::REDUNDANT_EXPORT,
        code::NOT_IN_SCOPE,
        code::INTERNAL,
        code::ACCESS_RIGHTS,
        code::CANNOT_FIND_ATTRIBUTE,
        code::INVALID_SYNTAX,
        code::INVALID_CREDENTIAL,
        code::SERVER_BUSY,
    ];
    texts(refused.into_iter().chain(answers).chain(OF_AGENTS))
}
