//! One failing object never blocks another.
//!
//! Why: an object that AD refuses goes into escrow and is tried again by itself; the others of its
//! batch and of its cycle go on (Microsoft Learn, "How application provisioning works"). An object that
//! still differs at the end, although nothing ever refused it, while others were refused, was held up
//! by them.

use sim::ledger::ObjectKey;

use super::{Charge, Refusals};
use sim::clock::VirtualTime;

/// The charge beside a difference at rest, when others were refused since the healing and this object
/// was not.
pub(super) fn held_up(
    difference: &Charge,
    refused: &Refusals,
    healed: VirtualTime,
) -> Option<Charge> {
    let since = |key: &ObjectKey| refused.get(key).is_some_and(|at| *at >= healed);
    let object = difference.object.filter(|object| !since(object))?;
    let other = refused.iter().find(|(key, at)| **key != object && **at >= healed)?;
    Some(Charge {
        oracle: "isolation",
        message: format!(
            "the object was not brought in line, nothing refused it, and the directory refused \
             another one at {}",
            other.1
        ),
        ..difference.clone()
    })
}
