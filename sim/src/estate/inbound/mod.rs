//! What an inbound synchronization engine does with one object after another: joins it with what the
//! cloud has, carries its values up, and takes away what is gone in AD.
//!
//! Sources: Microsoft Learn, "Microsoft Entra Connect: When you have an existing tenant" (matching),
//! "Identity synchronization and duplicate attribute resiliency", "Understanding errors during Microsoft
//! Entra synchronization", "Accidental deletes".

mod checks;
mod conflicts;
mod export;
mod join;
mod names;
mod others;
mod removal;

use crate::connect::{ConnectorKey, ExportError};
use crate::directory::request::ObjectNumber;
use crate::directory::store::Slot;
use crate::estate::Estate;
use crate::guid::Guid;
use crate::ledger::{Activity, Actor};

use join::Anchors;
pub(super) use join::is_of_ad;

/// How a pending object's export ends.
enum Export {
    /// There was nothing to do, or it is done. The number of cloud objects that changed.
    Done(u64),
    /// The service refused it; it stays pending.
    Refused(ExportError),
}

impl Estate {
    /// Exports what is pending; answers how many objects that were.
    pub(super) fn export_entra(&mut self) -> usize {
        let pending = core::mem::take(&mut self.connect.pending);
        let count = pending.len();
        if count == 0 {
            return 0;
        }
        let mut anchors = Anchors::default();
        let gone = self.gone(&pending);
        if let Some(failure) = self.too_many(gone.len()) {
            self.connect.pending = pending;
            if let Some(run) = &mut self.connect.running {
                run.failure = Some(failure);
            }
            return 0;
        }
        for (key, since) in pending {
            let ended = if gone.contains(&key) {
                self.remove(key)
            } else {
                self.export(key, since, &mut anchors)
            };
            match ended {
                Export::Done(exported) => {
                    if let Some(run) = &mut self.connect.running {
                        run.exported += exported;
                    }
                }
                Export::Refused(error) => {
                    self.connect.pending.insert(key, since);
                    if let Some(run) = &mut self.connect.running {
                        run.errors.push(error);
                    }
                }
            }
        }
        count
    }

    /// Who writes to the cloud for the inbound engine.
    fn inbound_actor(&self) -> Actor {
        Actor::new(&self.connect.name(), Activity::Sync)
    }

    /// Who moves state in the service because of it.
    fn forward_sync_actor() -> Actor {
        Actor::new("Entra forward sync", Activity::Service)
    }

    /// An AD object as the domain controller holds it from which it was imported; `None` when it is
    /// deleted there, or out of the scope of synchronization.
    pub(in crate::estate) fn imported(&self, key: ConnectorKey) -> Option<&Slot> {
        let (_, number) = key;
        let number = ObjectNumber(number);
        let dc = self.connector_at(key)?;
        let slot = self.forests.object(dc, number)?;
        self.connect.selects(|| self.forests.dn_of(dc, number)).then_some(slot)
    }

    fn refused(key: ConnectorKey, code: &'static str, detail: impl Into<String>) -> Export {
        Export::Refused(ExportError { object: key, code, detail: detail.into() })
    }

    /// The id of the cloud object that an AD object is joined with.
    pub(in crate::estate) fn joined(&self, key: ConnectorKey) -> Option<Guid> {
        if let Some(object) = self.connect.object(key) {
            return self.entra.user(object.user).map(|user| user.id);
        }
        self.connect.others.get(&key).map(|other| other.id)
    }
}
