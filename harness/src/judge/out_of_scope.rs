//! What is out of scope stays untouched by the writeback job.
//!
//! Why: the job writes the objects of synced mailboxes in Exchange Online that belong to its domain and
//! lie under its scoping filter, and no others; an object of somebody else must stay byte by byte what its
//! own side made it (Microsoft Learn, "Cloud-based management of Exchange attributes for remote
//! mailboxes", "Scoping filters"). Judged is how it stood when the engine read mailbox and object: whoever
//! leaves the scope after that may be written once.

use std::collections::BTreeMap;

use sim::clock::VirtualTime;
use sim::ledger::{Event, ObjectKey, Side, Write};

use super::scope::{Outside, exports};
use super::{About, Charge, Kind, Oracle};
use crate::observe::ByPerson;

/// The rule, with how it stood when the engine last read.
#[derive(Clone, Default)]
pub(super) struct OutOfScope {
    seen: ByPerson<Seen>,
    /// The same when a modify was sent that is held back on its way.
    sent: BTreeMap<(ObjectKey, VirtualTime), Seen>,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    mailbox: Option<Outside>,
    object: Option<Outside>,
}

impl Oracle for OutOfScope {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write, Kind::Read, Kind::HeldBack]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, about: About) -> Option<Charge> {
        match event {
            Event::Read(read) if exports(read.activity) => {
                let seen = self.seen.at(about.whose?);
                match read.object.side {
                    Side::Exchange => seen.mailbox = about.outside,
                    Side::Ad => seen.object = about.outside,
                    Side::Entra => {}
                }
                None
            }
            Event::HeldBack(held) => {
                self.sent.insert((held.object, held.at), self.seen.get(about.whose?));
                None
            }
            Event::Write(write)
                if write.object.side == Side::Ad && exports(write.actor.activity) =>
            {
                self.write(write, about)
            }
            _ => None,
        }
    }
}

impl OutOfScope {
    fn write(&mut self, write: &Write, about: About) -> Option<Charge> {
        let why = match about.whose {
            None => "nobody's object: there is no mailbox behind it",
            Some(person) => {
                let sent = self.sent.remove(&(write.object, write.sent));
                let seen = sent.unwrap_or_else(|| self.seen.get(person));
                seen.mailbox.or(seen.object)?.words()
            }
        };
        let message = format!("the engine wrote {why}");
        Some(Charge::of_any_write("out_of_scope", write, message))
    }
}
