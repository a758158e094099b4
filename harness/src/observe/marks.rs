//! The branches of engine and estate that a run reached, and those that no run reached.

use engine::marks::Mark as Engine;
use marks::Reached;
use sim::marks::Mark as Estate;
use sim::wire::shared::SharedEstate;

/// A mark of either room, as reports show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// `engine.` or `estate.`, and its name there.
    pub name: String,
    /// When it is reached.
    pub about: &'static str,
}

/// Forgets what led up to a run: only what its story reaches counts.
pub fn begin(estate: &SharedEstate) {
    let _ = Engine::take();
    estate.with(|estate| {
        let _ = Estate::take();
        estate.marks = Reached::NONE;
    });
}

/// The names of what was reached since [`begin`], on this thread by the engine and by whomever in the
/// estate; each once, those of the engine first.
#[must_use]
pub fn reached(estate: &SharedEstate) -> Vec<String> {
    let (engine, estate) = (Engine::take(), estate.with(|estate| estate.marks));
    let of_engine = Engine::ALL.iter().filter(|mark| mark.is_in(engine));
    let of_estate = Estate::ALL.iter().filter(|mark| mark.is_in(estate));
    of_engine.map(|mark| engine_name(*mark)).chain(of_estate.map(|m| estate_name(*m))).collect()
}

/// Every mark that there is.
#[must_use]
pub fn all() -> Vec<Mark> {
    let engine = Engine::ALL.iter().map(|m| Mark { name: engine_name(*m), about: m.about() });
    let estate = Estate::ALL.iter().map(|m| Mark { name: estate_name(*m), about: m.about() });
    engine.chain(estate).collect()
}

fn engine_name(mark: Engine) -> String {
    format!("engine.{}", mark.name())
}

fn estate_name(mark: Estate) -> String {
    format!("estate.{}", mark.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_mark_has_a_name_of_its_own() {
        let all = all();
        let names: BTreeSet<&str> = all.iter().map(|mark| mark.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.iter().all(|mark| !mark.about.is_empty()));
    }
}
