//! The rows of a profile, found by name: every cmdlet and every write asks for some.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::Row;

/// Rows by section and name, in that order.
#[derive(Debug, Clone)]
pub(super) struct Table {
    rows: Vec<(&'static str, String, Row)>,
    /// Where the row of a name stands: of several sections with such a row, in the first.
    places: FxHashMap<String, usize>,
}

impl Table {
    pub(super) fn new(sections: BTreeMap<&'static str, BTreeMap<String, Row>>) -> Self {
        let rows: Vec<(&str, String, Row)> = sections
            .into_iter()
            .flat_map(|(section, rows)| {
                rows.into_iter().map(move |(name, row)| (section, name, row))
            })
            .collect();
        let mut places = FxHashMap::default();
        for (place, (_, name, _)) in rows.iter().enumerate() {
            places.entry(name.clone()).or_insert(place);
        }
        Self { rows, places }
    }

    /// The row of a name, whichever section it is in.
    pub(super) fn row(&self, name: &str) -> Option<&Row> {
        self.places.get(name).map(|place| &self.rows[*place].2)
    }

    /// The row of a section.
    pub(super) fn row_mut(&mut self, section: &str, name: &str) -> Option<&mut Row> {
        let is_meant = |row: &&mut (&str, String, Row)| row.0 == section && row.1 == name;
        self.rows.iter_mut().find(is_meant).map(|(_, _, row)| row)
    }

    /// The names in a section.
    pub(super) fn names_in(&self, section: &'static str) -> impl Iterator<Item = &str> {
        self.rows.iter().filter(move |row| row.0 == section).map(|row| row.1.as_str())
    }

    /// All names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|row| row.1.as_str())
    }
}
