//! All domain controllers of a domain come to hold the same.
//!
//! Why: what was written at one of them is replicated to the others, and of two values the later version stays ([MS-ADTS]
//! 3.1.1.1.9); a client may be led to any of them.

use sim::estate::Estate;
use sim::ledger::ObjectKey;
use sim::record::AttributeNumber;

use super::Charge;
use super::convergence::Compared;

/// Compares every domain controller with the first one of its domain: in the end all hold the same.
pub(super) fn compare(estate: &Estate, result: &mut Compared) {
    for (number, forest) in estate.forests.iter().filter(|(_, forest)| forest.dcs().len() > 1) {
        for difference in forest.differences() {
            let attribute = difference.attribute;
            let object = ObjectKey::ad(number, difference.object);
            if is_on_its_way(estate, object, attribute) {
                continue;
            }
            result.differing += 1;
            result.charges.push(Charge {
                oracle: "convergence",
                at: estate.now(),
                object: Some(object),
                person: None,
                attribute,
                writer: None,
                message: format!(
                    "{} does not hold what {} holds",
                    difference.there, difference.here
                ),
                expected: None,
                actual: None,
            });
        }
    }
}

/// Whether what was written to an attribute last has not had the time to come to every domain controller.
fn is_on_its_way(estate: &Estate, object: ObjectKey, attribute: Option<AttributeNumber>) -> bool {
    let last = attribute.and_then(|attribute| estate.ledger.last_writer(object, attribute));
    last.is_some_and(|last| last.at + estate.longest_replication() > estate.now())
}
