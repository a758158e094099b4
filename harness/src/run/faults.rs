//! Faults of a story as rules of the estate.

use std::time::Duration;

use sim::chance::Chance;
use sim::clock::VirtualTime;
use sim::fault::{Effect, Operations, Place, Rule, until};

use crate::scenario::{
    CloudFault, DirectoryOperation, Extent, Fault, PortCall, Service, Spanned, When,
};

/// LDAP result codes "insufficientAccessRights", "busy" and "unavailable" ([RFC 4511] 4.1.9).
const ACCESS_RIGHTS: u32 = 50;
const BUSY: u32 = 51;
const UNAVAILABLE: u32 = 52;

/// Port calls among which a random crash chooses: about those of two small cycles.
const CALLS: u64 = 40;

/// The rule that makes a fault, from `now` on.
#[must_use]
pub(super) fn rule(fault: &Fault, now: VirtualTime, chance: &mut Chance) -> Rule {
    let rule = |place, operations, effect| Rule {
        name: fault.name(),
        place,
        operations,
        effect,
        skip: 0,
        left: None,
        from: now,
        until: None,
        hits: 0,
    };
    let at_dc = |dc: &Option<Spanned<String>>, operation, effect| {
        let place = dc
            .as_ref()
            .map_or(Place::AnyDomainController, |dc| Place::DomainController(dc.value.clone()));
        rule(place, operations(operation), effect)
    };
    let at_agent = |agent: Option<&Spanned<String>>, operation, effect| {
        let place = agent.map_or(Place::AnyAgent, |agent| Place::Agent(agent.value.clone()));
        rule(place, operations(operation), effect)
    };
    let any = DirectoryOperation::Any;
    let modify = DirectoryOperation::Modify;
    match fault {
        Fault::AgentOffline { agent, lasts } => {
            windowed(at_agent(Some(agent), any, Effect::Refuse), *lasts, now)
        }
        Fault::AgentRestart { agent, lasts } => {
            windowed(at_agent(Some(agent), any, Effect::Refuse), Some(*lasts), now)
        }
        Fault::AgentSlow { agent, by, operation, extent } => {
            bounded(at_agent(agent.as_ref(), *operation, Effect::Delay(*by)), *extent, now)
        }
        Fault::RightsRemoved { agent, extent } => bounded(
            at_agent(agent.as_ref(), modify, Effect::LdapResult(ACCESS_RIGHTS)),
            *extent,
            now,
        ),
        Fault::DeliveryDuplicated { agent, extent, nth } => {
            from_nth(bounded(at_agent(agent.as_ref(), modify, Effect::Twice), *extent, now), *nth)
        }
        Fault::DcDown { dc, lasts } => windowed(at_dc(dc, any, Effect::Refuse), *lasts, now),
        Fault::DcBusy { dc, operation, extent } => {
            bounded(at_dc(dc, *operation, Effect::LdapResult(BUSY)), *extent, now)
        }
        Fault::DcUnavailable { dc, operation, extent } => {
            bounded(at_dc(dc, *operation, Effect::LdapResult(UNAVAILABLE)), *extent, now)
        }
        Fault::ConnectionLost { agent, operation, when, extent, nth } => {
            let effect = loss(*when);
            from_nth(bounded(at_agent(agent.as_ref(), *operation, effect), *extent, now), *nth)
        }
        Fault::EngineCrash { at, when, nth } => {
            let effect = halt(*when);
            let (operations, nth) = match at {
                Some(call) => (Operations::Named(call.name().to_owned()), *nth),
                None => (Operations::Any, drawn_call(chance)),
            };
            let rule = Rule { left: Some(1), ..rule(Place::Engine, operations, effect) };
            from_nth(rule, nth)
        }
        Fault::Cloud { kind, service, call, extent } => {
            let effect = cloud_effect(*kind);
            let operations =
                call.map_or(Operations::Any, |call| Operations::Named(call.name().to_owned()));
            bounded(rule(cloud_place(*service, *call), operations, effect), *extent, now)
        }
    }
}

fn halt(when: When) -> Effect {
    match when {
        When::Before => Effect::HaltBefore,
        When::After => Effect::HaltAfter,
    }
}

fn loss(when: When) -> Effect {
    match when {
        When::Before => Effect::LoseBefore,
        When::After => Effect::LoseAfter,
    }
}

fn cloud_place(service: Option<Service>, call: Option<PortCall>) -> Place {
    match (service, call) {
        (_, Some(call)) if Service::Exchange.serves(call) => Place::ExchangeOnline,
        (_, Some(_)) | (Some(Service::Graph), _) => Place::Graph,
        (Some(Service::Exchange), _) => Place::ExchangeOnline,
        (None, None) => Place::Cloud,
    }
}

fn cloud_effect(kind: CloudFault) -> Effect {
    match kind {
        CloudFault::Throttled { retry_after } => {
            let seconds = retry_after.map(|wait| u32::try_from(wait.as_secs()).unwrap_or(u32::MAX));
            Effect::Http { status: 429, retry_after: seconds }
        }
        CloudFault::ServiceFailure { status } => Effect::Http { status, retry_after: None },
        CloudFault::TruncatedBody => Effect::Truncate,
        CloudFault::PageExpired => Effect::ExpirePage,
        CloudFault::CertificateExpired => Effect::NoToken,
        CloudFault::Offline => Effect::Refuse,
    }
}

/// Which port call from now on, counted from 1, a random crash meets.
fn drawn_call(chance: &mut Chance) -> u32 {
    u32::try_from(1 + chance.below(CALLS)).unwrap_or(1)
}

fn windowed(rule: Rule, lasts: Option<Duration>, now: VirtualTime) -> Rule {
    Rule { until: until(now, lasts), ..rule }
}

fn from_nth(rule: Rule, nth: u32) -> Rule {
    Rule { skip: nth.saturating_sub(1), ..rule }
}

fn bounded(rule: Rule, extent: Extent, now: VirtualTime) -> Rule {
    match extent {
        Extent::For(length) => Rule { until: until(now, Some(length)), ..rule },
        Extent::Count(count) => Rule { left: Some(count), ..rule },
    }
}

fn operations(operation: DirectoryOperation) -> Operations {
    match operation {
        DirectoryOperation::Modify => Operations::Named("modify".to_owned()),
        DirectoryOperation::Search => Operations::Named("search".to_owned()),
        DirectoryOperation::Any => Operations::Any,
    }
}
