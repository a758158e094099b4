//! Reconciliation on its own.

use engine::reconcile::{Reconcile, ReconcileConfig, ReconcileReport};
use engine::wire::Wire;

use super::desk::{Desk, Said};
use super::drive::{self, Driven, Engine};
use super::ports::Bundle;
use super::{AloneError, Permission, Settings, stores};

/// Compares everything in scope; `None` when a signal ended it.
///
/// # Errors
/// [`AloneError`]: nothing was started, or the state store failed.
pub fn reconcile(
    settings: &Settings,
    permission: Permission,
    say: &mut dyn FnMut(Said),
) -> Result<Option<ReconcileReport>, AloneError> {
    let engine = Engine::start()?;
    let wire = Wire::new(settings.wire.clone(), engine.runtime.handle().clone())?;
    permission.check(settings, &wire)?;
    let names = (settings.wire.tenant.as_str(), settings.job.id.as_str(), settings.domain.as_str());
    let log = if permission.apply { drive::log(settings)? } else { None };
    let desk = Desk::new(log, names);
    // It looks at what the job remembers, and writes to AD alone: the job may run beside it.
    let store = stores::job(settings, false)?;
    let mut bundle = Bundle::new(settings, &wire, permission.apply, false, (store, desk));
    let (job, domain) = (settings.job.clone(), settings.domain.clone());
    let config = ReconcileConfig { job, domain, apply: permission.apply };
    let mut reconcile = Reconcile::new(config).jittered(drive::jitter());
    match engine.drive(&mut reconcile, &mut bundle, |_, _| false, say) {
        Driven::Ended(report) => Ok(Some(report)),
        Driven::Interrupted => Ok(None),
        Driven::Enough => Err(AloneError::Internal("it ended too early".to_owned())),
    }
}
