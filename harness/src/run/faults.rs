//! Faults of a story as rules of the estate.

use std::time::Duration;

use sim::chance::Chance;
use sim::clock::VirtualTime;
use sim::estate::replication;
use sim::fault::{Effect, FURTHER_PAGE, Felt, Operations, Place, Rule, until};

use crate::scenario::{
    CloudFault, Direction, DirectoryOperation, Extent, Fault, PortCall, Service, Spanned, When,
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
    let Blow { place, operations, effect, extent, nth } = blow(fault, chance);
    let (left, lasts) = match extent {
        None => (None, None),
        Some(Extent::For(length)) => (None, Some(length)),
        Some(Extent::Count(count)) => (Some(count), None),
    };
    Rule {
        name: fault.name(),
        place,
        operations,
        effect,
        skip: nth.saturating_sub(1),
        left,
        from: now,
        until: until(now, lasts),
        hits: 0,
        overtaken: 0,
        felt: Felt::default(),
    }
}

/// What a fault does, where, to what, how long or how often, and from which operation on.
struct Blow {
    place: Place,
    operations: Operations,
    effect: Effect,
    extent: Option<Extent>,
    nth: u32,
}

fn blow(fault: &Fault, chance: &mut Chance) -> Blow {
    let modify = DirectoryOperation::Modify;
    let any = DirectoryOperation::Any;
    let at = |place, operation, effect, extent| Blow {
        place,
        operations: operations(operation),
        effect,
        extent,
        nth: 1,
    };
    match fault {
        Fault::AgentOffline { agent, lasts } => {
            at(of_agent(Some(agent)), any, Effect::Refuse, lasts.map(Extent::For))
        }
        Fault::AgentRestart { agent, lasts } => {
            at(of_agent(Some(agent)), any, Effect::Refuse, Some(Extent::For(*lasts)))
        }
        Fault::AgentSlow { agent, by, operation, extent } => {
            at(of_agent(agent.as_ref()), *operation, Effect::Delay(*by), Some(*extent))
        }
        Fault::RightsRemoved { agent, extent } => {
            let effect = Effect::LdapResult(ACCESS_RIGHTS);
            at(of_agent(agent.as_ref()), modify, effect, Some(*extent))
        }
        Fault::DeliveryDuplicated { agent, extent, nth } => {
            Blow { nth: *nth, ..at(of_agent(agent.as_ref()), modify, Effect::Twice, Some(*extent)) }
        }
        Fault::DeliveryReordered { agent, by, extent, nth } => {
            let effect = Effect::Late(*by);
            Blow { nth: *nth, ..at(of_agent(agent.as_ref()), modify, effect, Some(*extent)) }
        }
        Fault::ReplicationStopped { dc, direction, lasts } => Blow {
            operations: Operations::Named(way(*direction).to_owned()),
            ..at(of_dc(dc.as_ref()), any, Effect::Refuse, lasts.map(Extent::For))
        },
        Fault::ReplicationSlow { dc, by, extent } => Blow {
            operations: Operations::Named(replication::LAG.to_owned()),
            ..at(of_dc(dc.as_ref()), any, Effect::Delay(*by), Some(*extent))
        },
        Fault::ConnectionLost { agent, operation, when, extent, nth } => {
            let place = of_agent(agent.as_ref());
            Blow { nth: *nth, ..at(place, *operation, loss(*when), Some(*extent)) }
        }
        Fault::SchemaNotExtended { agent, extent } => {
            let operations = Operations::Named("modify.exchange".to_owned());
            let place = of_agent(agent.as_ref());
            Blow { operations, ..at(place, modify, Effect::LackSchema, Some(*extent)) }
        }
        Fault::DcDown { dc, lasts } => {
            at(of_dc(dc.as_ref()), any, Effect::Refuse, lasts.map(Extent::For))
        }
        Fault::DcBusy { dc, operation, extent } => {
            at(of_dc(dc.as_ref()), *operation, Effect::LdapResult(BUSY), Some(*extent))
        }
        Fault::DcUnavailable { dc, operation, extent } => {
            at(of_dc(dc.as_ref()), *operation, Effect::LdapResult(UNAVAILABLE), Some(*extent))
        }
        Fault::ForwardSyncDelayed { by, extent } => {
            at(Place::ForwardSync, any, Effect::Delay(*by), Some(*extent))
        }
        Fault::StoreDamaged { lasts } => {
            at(Place::StateStore, any, Effect::Damage, Some(Extent::For(*lasts)))
        }
        Fault::EngineCrash { at, when, nth } => crash(*at, *when, *nth, chance),
        Fault::Cloud { kind, service, call, extent } => {
            in_the_cloud(*kind, *service, *call, *extent)
        }
    }
}

/// What a cloud service does: at the service, or wherever something costs some of a budget.
fn in_the_cloud(
    kind: CloudFault,
    service: Option<Service>,
    call: Option<PortCall>,
    extent: Extent,
) -> Blow {
    let (place, operations, effect) = match kind {
        CloudFault::Throttled { budget: Some(budget), retry_after } => {
            let effect = Effect::UsedUp { budget, retry_after: retry_after.map(seconds) };
            (Place::Budget(budget), Operations::Any, effect)
        }
        _ => (cloud_place(service, call), cloud_operations(kind, call), cloud_effect(kind)),
    };
    Blow { place, operations, effect, extent: Some(extent), nth: 1 }
}

fn crash(at: Option<PortCall>, when: When, nth: u32, chance: &mut Chance) -> Blow {
    let nth = if at.is_some() { nth } else { drawn_call(chance) };
    let extent = Some(Extent::Count(1));
    Blow { place: Place::Engine, operations: call_named(at), effect: halt(when), extent, nth }
}

/// A token of a page is sent where a further page is asked for.
fn cloud_operations(kind: CloudFault, call: Option<PortCall>) -> Operations {
    match kind {
        CloudFault::PageExpired => Operations::Named(FURTHER_PAGE.to_owned()),
        _ => call_named(call),
    }
}

fn call_named(call: Option<PortCall>) -> Operations {
    call.map_or(Operations::Any, |call| Operations::Named(call.name().to_owned()))
}

fn of_agent(agent: Option<&Spanned<String>>) -> Place {
    agent.map_or(Place::AnyAgent, |agent| Place::Agent(agent.value.clone()))
}

fn of_dc(dc: Option<&Spanned<String>>) -> Place {
    dc.map_or(Place::AnyDomainController, |dc| Place::DomainController(dc.value.clone()))
}

fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => replication::INBOUND,
        Direction::Outbound => replication::OUTBOUND,
        Direction::Both => replication::BOTH,
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
        (Some(Service::Login), _) => Place::Identity,
        (_, Some(call)) if Service::Exchange.serves(call) => Place::ExchangeOnline,
        (_, Some(_)) | (Some(Service::Graph), _) => Place::Graph,
        (Some(Service::Exchange), _) => Place::ExchangeOnline,
        (None, None) => Place::Cloud,
    }
}

fn cloud_effect(kind: CloudFault) -> Effect {
    match kind {
        CloudFault::Throttled { retry_after, .. } => {
            Effect::Http { status: 429, retry_after: retry_after.map(seconds) }
        }
        CloudFault::ServiceFailure { status, retry_after } => {
            Effect::Http { status, retry_after: retry_after.map(seconds) }
        }
        CloudFault::TimedOut { after, when } => {
            Effect::TimeOut { after, done: when == When::After }
        }
        CloudFault::TruncatedBody => Effect::Truncate,
        CloudFault::PageExpired => Effect::ExpirePage,
        CloudFault::CertificateExpired => Effect::NoToken,
        CloudFault::Offline => Effect::Refuse,
    }
}

fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_secs()).unwrap_or(u32::MAX)
}

/// Which port call from now on, counted from 1, a random crash meets.
fn drawn_call(chance: &mut Chance) -> u32 {
    u32::try_from(1 + chance.below(CALLS)).unwrap_or(1)
}

fn operations(operation: DirectoryOperation) -> Operations {
    match operation {
        DirectoryOperation::Modify => Operations::Named("modify".to_owned()),
        DirectoryOperation::Search => Operations::Named("search".to_owned()),
        DirectoryOperation::Any => Operations::Any,
    }
}
