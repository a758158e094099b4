//! Modifies on their way to a domain controller: delivered twice, held back until others have overtaken
//! them, and told apart by what they touch.

use core::time::Duration;

use super::gateway::Fate;
use super::{Due, Estate};
use crate::clock::VirtualTime;
use crate::directory::forest::Forest;
use crate::directory::forests::DcKey;
use crate::directory::modify::Writer;
use crate::directory::principal::Principal;
use crate::directory::request::{AttributeName, ChangeOperation, ModifyRequest, Name};
use crate::fault::Place;
use crate::ledger::{Actor, HeldBack as HeldBackEvent, NotArrived, ObjectKey, WriteKind};

/// How the names of attributes begin that come with the schema extension of Exchange.
const EXCHANGE: [&str; 2] = ["msExch", "extensionAttribute"];

/// A modify on its way, which others overtake.
#[derive(Debug, Clone)]
pub(super) struct HeldBack {
    pub(super) dc: DcKey,
    pub(super) account: Principal,
    pub(super) actor: Actor,
    pub(super) request: ModifyRequest,
    /// When it was sent.
    pub(super) sent: VirtualTime,
}

/// Whether a modify takes a deleted object back to where it was: it takes `isDeleted` away
/// ([MS-ADTS] 3.1.1.5.3.7.1).
pub(super) fn brings_back(modify: &ModifyRequest) -> bool {
    modify.changes.iter().any(|change| {
        change.operation == ChangeOperation::Delete
            && matches!(&change.attribute, AttributeName::Text(name) if name.eq_ignore_ascii_case("isDeleted"))
    })
}

impl Estate {
    /// Whether a modify touches what only the schema extension of Exchange has: asked for only where a
    /// fault may want to know.
    pub(super) fn kind_of_modify(&self, dc: DcKey, request: &ModifyRequest) -> &'static str {
        if self.faults.rules().is_empty() {
            return "modify";
        }
        let schema = self.forests.get(dc.forest).map(Forest::schema);
        let is_exchange = |name: &AttributeName| {
            let name = match name {
                AttributeName::Text(name) => Some(name.as_ref()),
                AttributeName::Number(number) => {
                    schema.and_then(|schema| schema.attribute(*number)).map(|a| a.name.as_ref())
                }
            };
            let name: &str = name.unwrap_or_default();
            EXCHANGE.iter().any(|prefix| {
                name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            })
        };
        let touches = request.changes.iter().any(|change| is_exchange(&change.attribute));
        if touches { "modify.exchange" } else { "modify" }
    }

    /// Whether a modify is on its way that others may have overtaken.
    #[must_use]
    pub fn has_modifies_held_back(&self) -> bool {
        self.held_back.iter().any(Option::is_some)
    }

    pub(super) fn hold_back(&mut self, by: Duration, held: HeldBack) {
        if let Some(object) = self.addressed(held.dc, &held.request) {
            self.ledger.held_back(HeldBackEvent { at: self.now, object });
        }
        let number = u32::try_from(self.held_back.len()).unwrap_or(u32::MAX);
        self.held_back.push(Some(held));
        self.calendar.enter(self.now + by, Due::HeldBack(number));
    }

    /// A modify does not arrive at its domain controller, and nobody will bring it there.
    pub(super) fn note_not_arrived(&mut self, dc: DcKey, request: &ModifyRequest) {
        if let Some(object) = self.addressed(dc, request) {
            self.ledger.not_arrived(NotArrived { at: self.now, object });
        }
    }

    /// The object that a modify names by its GUID, as the engine does.
    fn addressed(&self, dc: DcKey, request: &ModifyRequest) -> Option<ObjectKey> {
        let Name::Guid(guid) = &request.object else { return None };
        let object = self.forests.dc(dc)?.store.by_guid(*guid)?;
        Some(ObjectKey::ad(dc.forest, object))
    }

    /// A modify that was held back reaches its domain controller; nobody waits for its answer.
    pub(super) fn deliver_held_back(&mut self, number: u32) {
        let Some(held) = self.held_back.get_mut(number as usize).and_then(Option::take) else {
            return;
        };
        self.deliver(held.dc, &held.account, &held.actor, &held.request, held.sent);
    }

    /// A modify that was delivered comes once more, and nobody waits for its answer.
    pub(super) fn deliver_again(
        &mut self,
        dc: DcKey,
        account: &Principal,
        actor: &Actor,
        request: &ModifyRequest,
    ) {
        let sent = self.now;
        self.deliver(dc, account, actor, request, sent);
    }

    /// What was sent at some time arrives now.
    fn deliver(
        &mut self,
        dc: DcKey,
        account: &Principal,
        actor: &Actor,
        request: &ModifyRequest,
        sent: VirtualTime,
    ) {
        // The domain controller may be away or busy by now. Of that nobody gets an answer, so it is no hit.
        let place = Place::DomainController(self.dc_name(dc));
        let met = self.faults.first_at(self.now, &place, "modify");
        let fate = Fate::of(met.map(|rule| rule.effect));
        if !matches!(fate, Fate::Pass | Fate::LostAfterwards | Fate::Twice) {
            return;
        }
        let writer = Writer::new(dc.dc, account, self.now);
        let result = self.forests.get_mut(dc.forest).map(|f| f.modify(&writer, request));
        // Without an effect nothing happened that anybody asked for.
        if let Some(Ok(written)) = result
            && !written.changes.is_empty()
        {
            self.note_ad_write_of(actor, dc.forest, WriteKind::Changed, &written, sent);
        }
    }
}
