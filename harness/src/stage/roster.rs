//! Who a selector means.

use std::collections::BTreeMap;

use sim::estate::{Estate, Subject};

use crate::scenario::Selector;

/// The members of each shape, as a range of subjects, and everybody.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    shapes: BTreeMap<String, Vec<(usize, usize)>>,
}

impl Roster {
    /// Notes that the subjects from `first` up to `end` are of this shape.
    pub fn note(&mut self, shape: &str, first: usize, end: usize) {
        self.shapes.entry(shape.to_owned()).or_default().push((first, end));
    }

    /// The subjects that a selector means, in the order of the population (of the list, for names).
    #[must_use]
    pub fn subjects<'e>(&self, estate: &'e Estate, selector: &Selector) -> Vec<&'e Subject> {
        match selector {
            Selector::All => estate.subjects().iter().collect(),
            Selector::Shape(shape) => self
                .shapes
                .get(shape)
                .into_iter()
                .flatten()
                .flat_map(|(first, end)| estate.subjects().get(*first..*end).unwrap_or_default())
                .collect(),
            Selector::Names(names) => {
                names.iter().filter_map(|name| estate.subject(&name.value)).collect()
            }
        }
    }
}
