//! Faults of a story as rules of the estate.

use sim::clock::VirtualTime;
use sim::fault::{Effect, Operations, Place, Rule, until};

use crate::scenario::{DirectoryOperation, Extent, Fault, When, World};

/// LDAP result code "busy" ([RFC 4511] 4.1.9).
const BUSY: u32 = 51;

/// The rules that make a fault, from `now` on. Several when it concerns several places.
#[must_use]
pub(super) fn rules(fault: &Fault, world: &World, now: VirtualTime) -> Vec<Rule> {
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
    match fault {
        Fault::AgentOffline { agent, lasts } => {
            let place = Place::Agent(agent.value.clone());
            vec![Rule { until: until(now, *lasts), ..rule(place, Operations::Any, Effect::Refuse) }]
        }
        Fault::EngineCrash { at, when, nth } => {
            let effect = match when {
                When::Before => Effect::HaltBefore,
                When::After => Effect::HaltAfter,
            };
            let operations = Operations::Named(at.name().to_owned());
            vec![Rule {
                skip: nth.saturating_sub(1),
                left: Some(1),
                ..rule(Place::Engine, operations, effect)
            }]
        }
        Fault::DcBusy { dc, operation, extent } => {
            let names = dc.as_ref().map_or_else(
                || world.forest.dcs.iter().map(|dc| dc.name.value.clone()).collect(),
                |dc| vec![dc.value.clone()],
            );
            names
                .into_iter()
                .map(|name| {
                    let place = Place::DomainController(name);
                    bounded(
                        rule(place, operations(*operation), Effect::LdapResult(BUSY)),
                        *extent,
                        now,
                    )
                })
                .collect()
        }
        Fault::ConnectionLost { agent, operation, when, extent, nth } => {
            let names = agent.as_ref().map_or_else(
                || world.agents.iter().map(|agent| agent.name.value.clone()).collect(),
                |agent| vec![agent.value.clone()],
            );
            let effect = match when {
                When::Before => Effect::LoseBefore,
                When::After => Effect::LoseAfter,
            };
            names
                .into_iter()
                .map(|name| {
                    let rule = rule(Place::Agent(name), operations(*operation), effect);
                    Rule { skip: nth.saturating_sub(1), ..bounded(rule, *extent, now) }
                })
                .collect()
        }
    }
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
