//! Reconciliation on its own.

use engine::reconcile::{Reconcile, ReconcileConfig, ReconcileReport};
use engine::transfer::Action;
use engine::wire::Wire;

use super::begun::begun;
use super::desk::{Desk, Said};
use super::drive::{self, Engine};
use super::ports::Bundle;
use super::scope::ScopeNames;
use super::stores::{self, Owner};
use super::{AloneError, Permission, Settings, no_clock, no_token};

/// Compares everything in scope.
///
/// # Errors
/// [`AloneError`]: nothing was started, or the state store failed.
pub fn reconcile(
    settings: &Settings,
    permission: Permission,
    say: &mut dyn FnMut(Said),
) -> Result<ReconcileReport, AloneError> {
    let mut engine = Engine::start()?;
    let wire = Wire::new(settings.wire.clone(), engine.runtime.handle().clone())?;
    permission.check(settings)?;
    let claims = engine.claims(&wire, say).map_err(no_token)?;
    permission.check_tenant(&claims)?;
    engine.follow(&wire, say).map_err(no_clock)?;
    ScopeNames::of(settings, &wire).check()?;
    let names = (settings.wire.tenant.as_str(), settings.job.id.as_str(), settings.domain.as_str());
    let log = if permission.apply { drive::log(settings)? } else { None };
    let records = drive::transfer_log(settings, permission.apply)?;
    let desk = Desk::new(log, names).recording(records);
    // It looks at what the job remembers, and writes to AD alone: the job may run beside it.
    let store = stores::job(settings, &Owner::of(settings, Some(&claims)), false)?;
    let mut bundle = Bundle::new(settings, &wire, permission.apply, false, (store, desk));
    let (job, domain) = (settings.job.clone(), settings.domain.clone());
    let config = ReconcileConfig { job, domain, apply: permission.apply };
    let mut reconcile = Reconcile::new(config).jittered(drive::jitter());
    if permission.apply {
        reconcile = reconcile.completing(begun(&settings.transfer_log, Action::Reconcile, true)?);
    }
    Ok(engine.play(&mut reconcile, &mut bundle, |_| None, say))
}
