//! An index from text, compared without case, to the numbers of the objects that carry it.
//!
//! It stores eight bytes an entry and no text: whoever looks something up shows, for each candidate,
//! whether it really carries the text.

use hashbrown::HashTable;

use crate::directory::fold;

/// The index.
#[derive(Clone, Debug, Default)]
pub struct TextIndex {
    table: HashTable<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    hash: u32,
    number: u32,
}

impl TextIndex {
    /// Notes that object `number` carries `text`. Noting it twice changes nothing.
    pub fn insert(&mut self, text: &str, number: u32) {
        let entry = Entry { hash: fold(text), number };
        let found = self.table.find(spread(entry.hash), |known| *known == entry).is_some();
        if !found {
            self.table.insert_unique(spread(entry.hash), entry, |known| spread(known.hash));
        }
    }

    /// Forgets that object `number` carries `text`.
    pub fn remove(&mut self, text: &str, number: u32) {
        let entry = Entry { hash: fold(text), number };
        if let Ok(found) = self.table.find_entry(spread(entry.hash), |known| *known == entry) {
            found.remove();
        }
    }

    /// The object with the lowest number that carries `text`, as `carries` confirms.
    pub fn find(&self, text: &str, carries: impl Fn(u32) -> bool) -> Option<u32> {
        let hash = fold(text);
        self.table
            .iter_hash(spread(hash))
            .filter(|entry| entry.hash == hash && carries(entry.number))
            .map(|entry| entry.number)
            .min()
    }
}

fn fold(text: &str) -> u32 {
    let hash = fold::hash(text.as_bytes());
    u32::try_from(hash >> 32).unwrap_or_default()
}

fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_and_candidates_are_confirmed() {
        let mut index = TextIndex::default();
        index.insert("Anna@Contoso.com", 4);
        index.insert("anna@contoso.com", 2);
        assert_eq!(index.find("ANNA@contoso.com", |_| true), Some(2));
        assert_eq!(index.find("ANNA@contoso.com", |number| number != 2), Some(4));
        index.remove("anna@CONTOSO.com", 2);
        assert_eq!(index.find("anna@contoso.com", |_| true), Some(4));
        assert_eq!(index.find("else", |_| true), None);
    }
}
