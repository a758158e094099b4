//! What faults make of a request to a cloud service.
//!
//! The engine's requests are met once for each port call, before any of it goes out. In process the
//! caller says itself what the answer would have been; over the wire the fate is handed to the servers,
//! which answer the next request so. Requests of anybody else are met as they come in.

use core::time::Duration;

use super::Estate;
use crate::fault::{Effect, Place};
use crate::throttle::Throttle;

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
        if let Some(effect) = self.meet(&place, call) {
            return Some((place, effect));
        }
        self.meet(&Place::Identity, call).map(|effect| (Place::Identity, effect))
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
            None => self.meet(place, operation).or_else(|| {
                let identity = *place == Place::Identity;
                identity.then(|| self.meet_missing_token()).flatten()
            }),
        }
    }

    /// The fate of a further part of a batch that was struck: what is done to connections is not done
    /// to a part.
    pub(crate) fn part_fate(&mut self, place: &Place) -> Option<(u16, Option<u32>)> {
        match self.request_fate(place, "request")? {
            Effect::Http { status, retry_after } => Some((status, retry_after)),
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
