//! Witnesses of cmdlets whose calls build on each other: one call that works for each parameter, in order, and
//! one that is refused.

use serde_json::Value;
use sim::exchange::cmdlets::catalogue;
use sim::parity::Fidelity;
use sim::profile::Evidence;

use super::call::Who;
use super::document::Row;
use super::exchange::cmdlet;
use super::served::Served;

/// How a parameter is refused.
pub(crate) enum No {
    /// With these parameters.
    So(Value, u16),
    /// The same call once more.
    Again(u16),
    /// By somebody who may not.
    Nobody,
}

/// A cmdlet, a parameter of it, the parameters of a call that works, and a refusal.
pub(crate) type Step = (&'static str, &'static str, Value, No);

/// A row for each step, played in order. A parameter of the cmdlets that `is_one` names without a step is a
/// problem; `nobody` may not call them.
pub(crate) async fn rows(
    served: &mut Served,
    steps: &[Step],
    nobody: &'static str,
    is_one: impl Fn(&str) -> bool,
    fidelity: impl Fn(&str) -> Fidelity,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, parameter, good, no) in steps {
        let success = served.expect(&cmdlet(name, good.clone())).await;
        let refusal = match no {
            No::So(value, status) => cmdlet(name, value.clone()).is(*status),
            No::Again(status) => cmdlet(name, good.clone()).is(*status),
            No::Nobody => cmdlet(name, good.clone()).by(Who::Client(nobody)).is(403),
        };
        let refusal = served.expect(&refusal).await;
        rows.push(Row {
            what: format!("{name} -{parameter}"),
            fidelity: fidelity(parameter),
            evidence: Evidence::Documented,
            success: Some(success.shown()),
            refusal: refusal.shown(),
        });
    }
    for spec in catalogue().iter().filter(|spec| is_one(spec.name)) {
        let names = spec.parameters.iter().map(|parameter| parameter.name);
        let missing = names.filter(|known| {
            !steps.iter().any(|(name, parameter, ..)| name == &spec.name && parameter == known)
        });
        let missing =
            missing.map(|known| format!("a row without a witness: {} -{known}", spec.name));
        served.problems.extend(missing);
    }
    served.settle();
    rows
}
