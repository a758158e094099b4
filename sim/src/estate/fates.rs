//! What faults make of a request to a cloud service.
//!
//! The engine's requests are met once for each port call, before any of it goes out. In process the
//! caller says itself what the answer would have been; over the wire the fate is handed to the servers,
//! which answer the next request so. Requests of anybody else are met as they come in.

use core::time::Duration;

use super::Estate;
use crate::fault::{Effect, Place};
use crate::throttle::{CMDLETS, OF_GRAPH_CALLS, Throttle};

/// The wait, in seconds, that a service names where a fault names none.
const WAIT: u32 = 10;

/// The budgets of requests, and fates on their way from a port call to the server that carries them out.
#[derive(Debug, Clone, Default)]
pub(super) struct Fates {
    /// Budgets of the cloud services.
    pub(super) throttle: Throttle,
    handed: Option<(Place, Effect)>,
    /// Whether every request is the engine's, whose port calls are met already.
    of_the_engine: bool,
}

impl Estate {
    /// The fate of a request of the engine to a cloud service, named after its port call, and where it
    /// strikes: at the service, or at the identity platform before it.
    pub fn cloud_call(&mut self, call: &str) -> Option<(Place, Effect)> {
        let place =
            if call.starts_with("exchange.") { Place::ExchangeOnline } else { Place::Graph };
        if let Some(effect) = self.meet(&place, call).or_else(|| self.used_up(&place, call)) {
            return Some((place, effect));
        }
        self.meet(&Place::Identity, call).map(|effect| (Place::Identity, effect))
    }

    /// What a call of the engine comes to that costs some of a budget which is used up.
    fn used_up(&mut self, place: &Place, call: &str) -> Option<Effect> {
        if !self.faults.has_budgets() {
            return None;
        }
        let budgets: &[&'static str] =
            if *place == Place::ExchangeOnline { &[CMDLETS] } else { &OF_GRAPH_CALLS };
        budgets.iter().find_map(|budget| self.meet(&Place::Budget(budget), call))
    }

    /// Somebody who is not the engine asks for what costs some of a budget: how long to wait, when that is
    /// used up.
    pub fn meet_budget(&mut self, budget: &'static str) -> Option<Duration> {
        let (rule, retry_after) = self.faults.meet_budget(self.now, budget)?;
        self.note_hit(rule, &Place::Budget(budget));
        Some(Duration::from_secs(retry_after.unwrap_or(WAIT).into()))
    }

    /// All requests come from the engine: they meet no fault of their own, only what is handed over.
    pub fn serve_the_engine_alone(&mut self) {
        self.fates.of_the_engine = true;
    }

    /// Whether nobody but the engine asks.
    pub(crate) fn serves_the_engine_alone(&self) -> bool {
        self.fates.of_the_engine
    }

    /// Hands a fate to the servers: the next request to the place meets it.
    pub fn hand_over(&mut self, place: Place, effect: Effect) {
        self.fates.handed = Some((place, effect));
    }

    /// Takes back a fate that no request has met.
    pub fn take_back(&mut self) {
        self.fates.handed = None;
    }

    /// The fate of a request that has come in at a place. Without a token that the services take, they
    /// refuse it, and the identity platform says why when it is asked for another.
    pub(crate) fn request_fate(&mut self, place: &Place, operation: &str) -> Option<Effect> {
        match &self.fates.handed {
            Some((at, effect)) => {
                let of_identity = *at == Place::Identity || *effect == Effect::NoToken;
                let fate = *effect;
                match (of_identity, *place == Place::Identity) {
                    (true, false) => Some(Effect::NoToken),
                    (false, true) => None,
                    (false, false) if at != place => None,
                    _ => {
                        self.fates.handed = None;
                        Some(fate)
                    }
                }
            }
            None if self.fates.of_the_engine => None,
            None => self
                .meet(place, operation)
                .or_else(|| self.of_a_budget(place, operation))
                .or_else(|| {
                    let identity = *place == Place::Identity;
                    identity.then(|| self.meet_missing_token()).flatten()
                }),
        }
    }

    /// What a cmdlet of anybody comes to while the budget of cmdlets is used up. Graph looks at its budgets
    /// itself, as they depend on what is asked for.
    fn of_a_budget(&mut self, place: &Place, operation: &str) -> Option<Effect> {
        let is_met = *place == Place::ExchangeOnline && self.faults.has_budgets();
        is_met.then(|| self.meet(&Place::Budget(CMDLETS), operation)).flatten()
    }

    /// The fate of a further part of a batch that was struck: what is done to connections is not done
    /// to a part.
    pub(crate) fn part_fate(&mut self, place: &Place) -> Option<(u16, Option<u32>)> {
        match self.request_fate(place, "request")? {
            Effect::Http { status, retry_after } => Some((status, retry_after)),
            Effect::UsedUp { retry_after, .. } => Some((429, retry_after)),
            _ => Some((504, None)),
        }
    }

    /// An expired certificate is noticed where a token is asked for, whatever it is to be for.
    fn meet_missing_token(&mut self) -> Option<Effect> {
        let rule = self.faults.meet_missing_token(self.now)?;
        self.note_hit(rule, &Place::Identity);
        Some(Effect::NoToken)
    }

    /// A request has been held up this long. Nothing passes where the clock runs in real time.
    pub fn hold_up(&mut self, length: Duration) {
        self.charge(length);
    }
}
