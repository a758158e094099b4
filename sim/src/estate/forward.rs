//! What the directory and Exchange Online tell each other: at once, or after the switch `forward_delay`, or
//! later still while a fault holds it back.
//!
//! Sources: reports of customers and tool authors (normally seconds, sometimes hours, up to a day for the flag
//! to show).
//!
//! # Divergence from the services
//! No message overtakes another: what comes after one that is held back waits for it. `IsDirSynced` and what moving the authority over a whole object does to the
//! flag do not wait.

use core::time::Duration;

use super::inbound::is_of_ad;
use super::{Due, Estate};
use crate::clock::VirtualTime;
use crate::exchange::{Changes, RecipientType};
use crate::fault::{Effect, Place};
use crate::ledger::{Activity, Actor, Change};

/// The name of a message in rules.
const FORWARD: &str = "forward";

/// A message between the two.
#[derive(Debug, Clone)]
pub(super) enum Delivery {
    /// Values of a user, to its recipient, and when they were sent.
    ToExchange { user: u32, values: Changes, actor: Actor, sent: VirtualTime },
    /// What changed of a recipient, to its user, and when.
    ToEntra { mailbox: u32, changes: Vec<Change>, sent: VirtualTime },
    /// The flag of a mailbox, as it was set.
    Flag { mailbox: u32, flag: bool, actor: Actor },
    /// A user that is new, with the values that its recipient has too, and when it was sent.
    NewRecipient {
        user: u32,
        kind: RecipientType,
        values: Changes,
        actor: Actor,
        sent: VirtualTime,
    },
    /// Whether a user has a licence, or is there, and when it was sent.
    Recipient { user: u32, sent: VirtualTime },
    /// The user principal name of a user, which becomes an address of its recipient, and when it was sent.
    Name { user: u32, sent: VirtualTime },
}

impl Estate {
    /// Whether messages take time.
    pub(super) fn forward_waits(&self) -> bool {
        let place = Place::ForwardSync;
        !self.profile.forward_delay.is_zero()
            || !self.on_their_way.is_empty()
            || self.faults.first_at(self.now, &place, FORWARD).is_some()
    }

    /// Whether one of the two has not heard of something yet.
    #[must_use]
    pub fn has_messages_on_their_way(&self) -> bool {
        self.on_their_way.iter().any(Option::is_some)
    }

    /// Sends a message.
    pub(super) fn forward(&mut self, delivery: Delivery) {
        if !self.forward_waits() {
            self.receive(delivery);
            return;
        }
        let number = u32::try_from(self.on_their_way.len()).unwrap_or(u32::MAX);
        self.on_their_way.push(Some(delivery));
        let held_back = match self.meet(&Place::ForwardSync, FORWARD) {
            Some(Effect::Delay(by)) => by,
            _ => Duration::ZERO,
        };
        let arrives = self.now + self.profile.forward_delay + held_back;
        self.last_message = self.last_message.max(arrives);
        self.calendar.enter(self.last_message, Due::Forward(number));
    }

    /// A message arrives.
    pub(super) fn arrive(&mut self, number: u32) {
        let delivery = self.on_their_way.get_mut(number as usize).and_then(Option::take);
        if let Some(delivery) = delivery {
            self.receive(delivery);
        }
        if self.on_their_way.iter().all(Option::is_none) {
            // The calendar has none of them any more.
            self.on_their_way.clear();
        }
    }

    /// Whether AD's Exchange values that were on their way when the flag was set find the mailbox closed
    /// (switch `race`).
    fn stays_out(&self, user: u32, actor: &Actor) -> bool {
        actor.activity == Activity::Sync
            && self.profile.text("race") != "land"
            && self.recipient_of_user(user).is_some_and(|(_, flag)| flag)
    }

    fn receive(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::ToExchange { user, mut values, actor, sent } => {
                if self.stays_out(user, &actor) {
                    values.retain(|(property, _)| is_of_ad(*property));
                }
                let found = self.entra.user(user).and_then(|user| self.exchange.by_id(user.id));
                let Some(mailbox) = found else { return self.owe(user, values, actor, sent) };
                let changes = self.exchange.apply(mailbox, self.now, &values);
                if !changes.is_empty() {
                    self.note_late_exchange_write(&actor, mailbox, changes, sent);
                }
            }
            Delivery::ToEntra { mailbox, changes, sent } => {
                self.told_by_exchange(mailbox, &changes, sent);
            }
            Delivery::Flag { mailbox, flag, actor } => {
                let change = self.exchange.set_flag(mailbox, self.now, flag);
                self.note_exchange_write(&actor, mailbox, change.into_iter().collect());
            }
            Delivery::NewRecipient { user, kind, values, actor, sent } => {
                self.add_recipient(user, kind, &values, (&actor, sent));
            }
            Delivery::Recipient { user, sent } => self.settled_recipient(user, sent),
            Delivery::Name { user, sent } => self.add_upn_in_exchange(user, sent),
        }
    }

    pub(super) fn forward_actor() -> Actor {
        Actor::new("Entra forward sync", Activity::Service)
    }
}
