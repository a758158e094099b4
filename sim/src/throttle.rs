//! Throttling budgets: how much a caller may ask of a service in a window, several budgets at once, and
//! which of them trips first.
//!
//! Sources: Microsoft Graph, "Microsoft Graph service-specific throttling limits" (identity and access
//! service limits, resource units, identity and access reports); for Exchange Online no figure is
//! published, so that its budget is a switch of the profile (`exo_budget`).
//!
//! A budget is a bucket that empties evenly over its window. It is kept as one instant: when it would be
//! empty if nobody asked any more. So a budget costs one number, whatever its size.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::clock::VirtualTime;

/// So much in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Units at most.
    pub units: u32,
    /// In this long.
    pub window: Duration,
}

impl Limit {
    /// A limit.
    #[must_use]
    pub const fn new(units: u32, window: Duration) -> Self {
        Self { units, window }
    }

    /// Reads `30000/5m`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (units, window) = text.split_once('/')?;
        let units = units.trim().parse().ok().filter(|units| *units > 0)?;
        let window: jiff::SignedDuration = window.trim().parse().ok()?;
        let window = Duration::try_from(window).ok().filter(|window| !window.is_zero())?;
        Some(Self { units, window })
    }

    /// How long `units` of it take to come back.
    fn time(self, units: u32) -> Duration {
        let micros = self.window.as_micros() * u128::from(units) / u128::from(self.units);
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

/// A budget that faults can use up, by the name that `x-ms-throttle-scope` begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Its name.
    pub name: &'static str,
    /// What costs some of it, in words.
    pub costs: &'static str,
}

/// Cmdlets of one caller in Exchange Online.
pub const CMDLETS: &str = "Exchange Online";
/// Resource units of an application in a tenant.
pub const RESOURCES: &str = "Tenant_Application/ReadWrite";
/// Writes of an application in a tenant.
pub const WRITES: &str = "Tenant_Application/Write";
/// Requests for audit, sign-in and provisioning logs.
pub const REPORTS: &str = "Tenant_Application/Reports";
/// `synchronizationJob: provisionOnDemand`.
pub const ON_DEMAND: &str = "Tenant_Application/ProvisionOnDemand";
/// Resource units of an application in all tenants.
pub const APPLICATION_RESOURCES: &str = "Application/ReadWrite";
/// Writes of an application in all tenants.
pub const APPLICATION_WRITES: &str = "Application/Write";
/// Requests of an application to all services.
pub const GLOBAL: &str = "Application/Global";
/// Writes in a tenant, whoever makes them.
pub const TENANT_WRITES: &str = "Tenant/Write";

/// Every budget of the cloud services.
pub const BUDGETS: [Budget; 9] = [
    Budget { name: CMDLETS, costs: "a cmdlet in Exchange Online" },
    Budget { name: RESOURCES, costs: "a request to Microsoft Graph" },
    Budget { name: WRITES, costs: "a writing request to Microsoft Graph" },
    Budget { name: REPORTS, costs: "a request for the logs (`/auditLogs`)" },
    Budget { name: ON_DEMAND, costs: "provision on demand" },
    Budget { name: APPLICATION_RESOURCES, costs: "a request to Microsoft Graph" },
    Budget { name: APPLICATION_WRITES, costs: "a writing request to Microsoft Graph" },
    Budget { name: GLOBAL, costs: "a request to Microsoft Graph" },
    Budget { name: TENANT_WRITES, costs: "a writing request to Microsoft Graph" },
];

/// Those of Microsoft Graph that every request for people and things costs.
pub const OF_GRAPH_CALLS: [&str; 3] = [RESOURCES, APPLICATION_RESOURCES, GLOBAL];

/// Provision on demand: "5 requests per 10 seconds" (Microsoft Graph, "synchronizationJob: provisionOnDemand").
pub const ON_DEMAND_CALLS: Limit = Limit::new(5, Duration::from_secs(10));

/// One budget of a request: whose it is, its limit, and what the request costs of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge<'k> {
    /// The budget's name, as `x-ms-throttle-scope` begins.
    pub scope: &'static str,
    /// Whose budget it is: an application, or empty for the tenant's.
    pub owner: &'k str,
    /// The limit.
    pub limit: Limit,
    /// Units of this request.
    pub cost: u32,
}

/// A budget that has tripped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tripped {
    /// Which.
    pub scope: &'static str,
    /// When the request would pass.
    pub retry_after: Duration,
}

/// The budgets of a service, as far as they are used.
#[derive(Debug, Clone, Default)]
pub struct Throttle {
    /// When each would be empty, by scope and owner.
    empty_at: BTreeMap<(&'static str, String), VirtualTime>,
}

impl Throttle {
    /// Charges a request to all its budgets, or to none: the first that has too little left trips.
    /// Otherwise the share of the fullest that is used, 1 being all of it.
    ///
    /// # Errors
    /// [`Tripped`], with the wait after which this request would pass.
    pub fn spend(&mut self, now: VirtualTime, charges: &[Charge<'_>]) -> Result<f64, Tripped> {
        let mut fullest = 0.0_f64;
        let mut after = Vec::with_capacity(charges.len());
        for charge in charges {
            let key = (charge.scope, charge.owner.to_owned());
            let empty_at = self.empty_at.get(&key).copied().unwrap_or(now).max(now);
            let then = empty_at + charge.limit.time(charge.cost);
            let used = then.since(now);
            // What costs more than the whole budget passes when all of it is there, and leaves a debt:
            // otherwise it never would.
            let most = charge.limit.window.max(charge.limit.time(charge.cost));
            if used > most {
                let retry_after = used.checked_sub(most).unwrap_or_default();
                return Err(Tripped { scope: charge.scope, retry_after });
            }
            fullest = fullest.max(used.as_secs_f64() / charge.limit.window.as_secs_f64());
            after.push((key, then));
        }
        self.empty_at.extend(after);
        Ok(fullest)
    }

    /// What is left of a budget, in units, and when it will be whole again.
    #[must_use]
    pub fn left(&self, now: VirtualTime, charge: &Charge<'_>) -> (u32, VirtualTime) {
        let key = (charge.scope, charge.owner.to_owned());
        let empty_at = self.empty_at.get(&key).copied().unwrap_or(now).max(now);
        let used = empty_at.since(now).as_micros() * u128::from(charge.limit.units);
        let used = used.div_ceil(charge.limit.window.as_micros());
        (charge.limit.units.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX)), empty_at)
    }
}

/// Whole seconds of a wait, as `Retry-After` says it: rounded up, never 0.
#[must_use]
pub fn whole_seconds(wait: Duration) -> u32 {
    let seconds = wait.as_micros().div_ceil(1_000_000).max(1);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn charge(scope: &'static str, units: u32, seconds: u64, cost: u32) -> Charge<'static> {
        let limit = Limit::new(units, Duration::from_secs(seconds));
        Charge { scope, owner: "app", limit, cost }
    }

    /// The first budget that trips answers, and nothing is charged to the others.
    #[test]
    fn the_first_to_trip_answers_and_charges_nobody() {
        let mut throttle = Throttle::default();
        let at = VirtualTime::from_micros;
        let both = [charge("wide", 100, 10, 1), charge("narrow", 2, 10, 1)];
        assert!(throttle.spend(at(0), &both).is_ok());
        assert!(throttle.spend(at(0), &both).is_ok());
        let tripped = throttle.spend(at(0), &both).unwrap_err();
        assert_eq!(tripped, Tripped { scope: "narrow", retry_after: Duration::from_secs(5) });
        assert_eq!(throttle.left(at(0), &both[0]).0, 98);
        assert!(throttle.spend(at(4 * SECOND), &both).is_err());
        assert!(throttle.spend(at(5 * SECOND), &both).is_ok(), "after the wait that was named");
    }

    /// Owners have budgets of their own, and a budget is whole again after its window.
    #[test]
    fn budgets_belong_to_their_owner_and_come_back() {
        let mut throttle = Throttle::default();
        let at = VirtualTime::from_micros;
        let mine = charge("x", 10, 10, 10);
        assert_eq!(throttle.spend(at(0), &[mine]), Ok(1.0));
        let other = Charge { owner: "another", ..mine };
        assert!(throttle.spend(at(0), &[other]).is_ok());
        assert!(throttle.spend(at(1), &[mine]).is_err());
        assert!(throttle.spend(at(10 * SECOND), &[mine]).is_ok());
    }

    #[test]
    fn limits_are_read() {
        assert_eq!(Limit::parse("30000/5m"), Some(Limit::new(30_000, Duration::from_secs(300))));
        for wrong in ["", "5m", "0/5m", "5/0s", "x/5m", "5/x", "off"] {
            assert_eq!(Limit::parse(wrong), None, "{wrong}");
        }
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(whole_seconds(Duration::from_millis(2_001)), 3);
    }
}
