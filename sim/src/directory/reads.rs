//! Who read what: kept for each reader (bind identity and address) as it goes, summed up on request.
//! It tells which programs depend on which attributes of which objects, without asking their owners.
//!
//! Of each attribute there is one bit for each object, so that a search over everything costs little.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::VirtualTime;
use crate::directory::request::{AttributeName, Filter, ObjectNumber};

/// Readers beyond this many are counted together, whatever their address.
const MOST_READERS: usize = 10_000;

/// Everybody's reads.
#[derive(Debug, Default)]
pub struct ReadLog {
    readers: Vec<Reader>,
    by_name: BTreeMap<(String, String), usize>,
}

/// Somebody's reads.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Who is bound: `DOMAIN\user`; empty when anonymous.
    pub identity: String,
    /// From where: the address, without the port.
    pub address: String,
    /// Searches.
    pub searches: u64,
    /// Comparisons.
    pub compares: u64,
    /// Entries returned.
    pub entries: u64,
    /// Objects that were returned or compared.
    pub objects: Objects,
    /// The first and the last read.
    pub between: (VirtualTime, VirtualTime),
    attributes: Vec<Attribute>,
    by_name: BTreeMap<String, usize>,
    /// Where the attributes of the last entry stand: the next one has mostly the same.
    last: Vec<(Arc<str>, usize)>,
}

/// What somebody read of an attribute.
#[derive(Clone, Debug, Default)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Searches whose filter names it, and comparisons of it.
    pub tested: u64,
    /// Entries that returned it.
    pub returned: u64,
    /// The objects of which it was returned or compared.
    pub objects: Objects,
}

/// A set of objects.
#[derive(Clone, Debug, Default)]
pub struct Objects(Vec<u64>);

impl Objects {
    fn add(&mut self, object: ObjectNumber) {
        let (word, bit) = place(object);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << bit;
    }

    /// How many they are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// They, in the order of creation.
    pub fn iter(&self) -> impl Iterator<Item = ObjectNumber> {
        self.0.iter().zip(0_u32..).flat_map(|(word, at)| {
            let bits = (0..64_u32).filter(move |bit| word >> bit & 1 == 1);
            bits.map(move |bit| ObjectNumber(at * 64 + bit))
        })
    }
}

fn place(object: ObjectNumber) -> (usize, u32) {
    (usize::try_from(object.0 / 64).unwrap_or(usize::MAX), object.0 % 64)
}

impl ReadLog {
    /// The reader of this name; the number is for the calls below.
    pub fn reader(&mut self, identity: &str, address: &str, now: VirtualTime) -> usize {
        let full = self.readers.len() >= MOST_READERS;
        let mut name = (identity.to_owned(), address.to_owned());
        if full && !self.by_name.contains_key(&name) {
            name = ("(others)".to_owned(), String::new());
        }
        let readers = &mut self.readers;
        *self.by_name.entry(name).or_insert_with_key(|(identity, address)| {
            readers.push(Reader {
                identity: identity.clone(),
                address: address.clone(),
                searches: 0,
                compares: 0,
                entries: 0,
                objects: Objects::default(),
                between: (now, now),
                attributes: Vec::new(),
                by_name: BTreeMap::new(),
                last: Vec::new(),
            });
            readers.len() - 1
        })
    }

    /// Notes a search with the entries that it returned: the object, and its attributes.
    pub fn search<'e>(
        &mut self,
        reader: usize,
        now: VirtualTime,
        filter: &Filter,
        entries: impl Iterator<Item = (ObjectNumber, &'e [(Arc<str>, Vec<Vec<u8>>)])>,
    ) {
        let Some(reader) = self.readers.get_mut(reader) else { return };
        reader.searches += 1;
        reader.between.1 = now;
        reader.note_filter(filter);
        for (object, attributes) in entries {
            reader.entries += 1;
            reader.objects.add(object);
            for (at, (name, _)) in attributes.iter().enumerate() {
                let place = reader.place(at, name);
                let attribute = &mut reader.attributes[place];
                attribute.returned += 1;
                attribute.objects.add(object);
            }
        }
    }

    /// Notes a comparison; `object` when there is such an object.
    pub fn compare(
        &mut self,
        reader: usize,
        now: VirtualTime,
        attribute: &AttributeName,
        object: Option<ObjectNumber>,
    ) {
        let Some(reader) = self.readers.get_mut(reader) else { return };
        reader.compares += 1;
        reader.between.1 = now;
        let place = reader.note_tested(attribute);
        if let (Some(place), Some(object)) = (place, object) {
            reader.objects.add(object);
            reader.attributes[place].objects.add(object);
        }
    }

    /// Everybody who read, in the order in which they came.
    #[must_use]
    pub fn readers(&self) -> &[Reader] {
        &self.readers
    }
}

impl Reader {
    /// What was read, by name.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.by_name.values().map(|at| &self.attributes[*at])
    }

    /// Where an attribute stands that is the `at`th of an entry.
    fn place(&mut self, at: usize, name: &Arc<str>) -> usize {
        if let Some((known, place)) = self.last.get(at)
            && Arc::ptr_eq(known, name)
        {
            return *place;
        }
        let plain = name.split(';').next().unwrap_or_default();
        let place = self.named(plain);
        if at < self.last.len() {
            self.last[at] = (Arc::clone(name), place);
        } else if at == self.last.len() {
            self.last.push((Arc::clone(name), place));
        }
        place
    }

    fn named(&mut self, name: &str) -> usize {
        let folded = name.to_ascii_lowercase();
        let attributes = &mut self.attributes;
        *self.by_name.entry(folded).or_insert_with(|| {
            attributes.push(Attribute { name: name.to_owned(), ..Attribute::default() });
            attributes.len() - 1
        })
    }

    fn note_tested(&mut self, name: &AttributeName) -> Option<usize> {
        // Only callers in process name attributes by number.
        let AttributeName::Text(text) = name else { return None };
        let place = self.named(text.split(';').next().unwrap_or_default());
        self.attributes[place].tested += 1;
        Some(place)
    }

    fn note_filter(&mut self, filter: &Filter) {
        match filter {
            Filter::And(filters) | Filter::Or(filters) => {
                for filter in filters {
                    self.note_filter(filter);
                }
            }
            Filter::Not(filter) => self.note_filter(filter),
            Filter::Equality(name, _)
            | Filter::Substrings(name, _)
            | Filter::GreaterOrEqual(name, _)
            | Filter::LessOrEqual(name, _)
            | Filter::Present(name)
            | Filter::Approximate(name, _) => {
                self.note_tested(name);
            }
            Filter::Extensible(extensible) => {
                if let Some(name) = &extensible.attribute {
                    self.note_tested(name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(second: i64) -> VirtualTime {
        VirtualTime::from_micros(second * 1_000_000)
    }

    /// Two clients of one account are told apart by their address, and names have no case and no
    /// options.
    #[test]
    fn reads_are_summed_up_by_reader_and_attribute() {
        let mut log = ReadLog::default();
        let one = log.reader("CONTOSO\\app", "10.0.0.1", now(1));
        let other = log.reader("CONTOSO\\app", "10.0.0.2", now(2));
        assert_eq!(log.reader("CONTOSO\\app", "10.0.0.1", now(3)), one);
        let mail: Arc<str> = "mail".into();
        let range: Arc<str> = "member;range=0-1".into();
        let entry = [(Arc::clone(&mail), Vec::new()), (range, Vec::new())];
        let filter = Filter::Equality("MAIL".into(), b"x".to_vec());
        let found = [(ObjectNumber(3), &entry[..]), (ObjectNumber(70), &entry[..])];
        log.search(one, now(4), &filter, found.into_iter());
        log.search(one, now(5), &filter, found.into_iter().take(1));
        log.compare(other, now(6), &"cn".into(), Some(ObjectNumber(9)));
        let [first, second] = log.readers() else { panic!("two readers") };
        assert_eq!((first.searches, first.entries, first.objects.count()), (2, 3, 2));
        assert_eq!(first.between, (now(1), now(5)));
        let told: Vec<_> = first
            .attributes()
            .map(|at| (at.name.as_str(), at.tested, at.returned, at.objects.count()))
            .collect();
        assert_eq!(told, [("MAIL", 2, 3, 2), ("member", 0, 3, 2)]);
        assert_eq!(second.objects.iter().collect::<Vec<_>>(), [ObjectNumber(9)]);
    }
}
