//! A search result entry as a directory object, of which a DC may hand out a long list of values in
//! several parts ([MS-ADTS] 3.1.1.3.1.3.3: `attribute;range=0-1499`, then `;range=1500-*`).
//!
//! The entry is read from its parts and not through the library's own `SearchEntry`, which panics
//! on a bad one and guesses which values are text.

use ldap3::ResultEntry;

use crate::guid::Guid;
use crate::ports::{CallError, DirectoryObject, Name, ObjectGuid};
use crate::values::Values;
use crate::wire::http::malformed;

/// The attributes that every object needs.
const ALWAYS: [&str; 3] = ["objectGUID", "mS-DS-ConsistencyGuid", "msDS-ExternalDirectoryObjectId"];

/// Which attributes are asked for, and where their values go.
pub(super) struct Wanted {
    /// What is asked for: [`ALWAYS`], then the caller's attributes, each once.
    names: Vec<String>,
    /// For each of the caller's attributes its place in `names`.
    places: Vec<usize>,
}

impl Wanted {
    pub(super) fn new(attributes: &[Name]) -> Self {
        let mut names: Vec<String> = ALWAYS.into_iter().map(str::to_owned).collect();
        let mut places = Vec::with_capacity(attributes.len());
        for attribute in attributes {
            let known = names.iter().position(|name| name.eq_ignore_ascii_case(attribute));
            places.push(known.unwrap_or_else(|| {
                names.push(attribute.clone().into_owned());
                names.len() - 1
            }));
        }
        Self { names, places }
    }

    /// The attribute selection of the search.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads a `SearchResultEntry` (RFC 4511 4.5.2); `None` for an entry that does not show which object
    /// it is. Nobody can write to that one.
    pub(super) fn object(&self, entry: ResultEntry) -> Result<Option<Read>, CallError> {
        let (dn, attributes) = parts(entry).ok_or_else(|| malformed(&"an entry is not LDAP"))?;
        let mut read =
            Read { dn, found: vec![Vec::new(); self.names.len()], rest: Vec::new(), broken: None };
        let mut expected = 0;
        for (name, values) in attributes {
            let (name, range) = match name.split_once(';') {
                Some((name, option)) => (name, Range::of(option)),
                None => (name.as_str(), Some(Range::ALL)),
            };
            let Some(place) = self.place(name, expected) else { continue };
            expected = place + 1;
            match range {
                Some(range) => read.take(place, range, values),
                None => read.spoil(&format!("{name} came with an option that was not asked for")),
            }
        }
        Ok(read.guid().is_some().then_some(read))
    }

    /// The name under which the rest of an attribute's values is asked for.
    pub(super) fn rest_of(&self, place: usize, first: usize) -> String {
        format!("{};range={first}-*", self.names[place])
    }

    /// Takes a further part of the values of one attribute out of an entry.
    pub(super) fn more(&self, read: &mut Read, place: usize, entry: ResultEntry) {
        let wanted = self.names[place].as_str();
        let range_of = |name: &str| {
            let (name, option) = name.split_once(';')?;
            name.eq_ignore_ascii_case(wanted).then(|| Range::of(option)).flatten()
        };
        let part = parts(entry).and_then(|(_, attributes)| {
            attributes.into_iter().find_map(|(name, values)| Some((range_of(&name)?, values)))
        });
        match part {
            Some((range, values)) => read.take(place, range, values),
            None => read.spoil(&format!("{wanted} came in part, and the rest of it did not come")),
        }
    }

    /// An entry as an object, once nothing of it is missing.
    pub(super) fn finish(&self, mut read: Read) -> Option<DirectoryObject> {
        for values in &mut read.found {
            values.sort_unstable();
        }
        for (place, _) in core::mem::take(&mut read.rest) {
            read.spoil(&format!("{} came only in part", self.names[place]));
        }
        let single = |place: usize| read.found[place].first().cloned();
        Some(DirectoryObject {
            guid: read.guid()?,
            consistency_guid: single(1),
            // What is no text is no anchor of ours: those are ASCII.
            external_id: single(2).and_then(|value| String::from_utf8(value).ok()),
            values: self.places.iter().map(|place| &read.found[*place]).collect::<Values>(),
            broken: read.broken,
        })
    }

    /// Where an attribute belongs. DCs answer in the order of the request, so the search begins at
    /// the place after the last one.
    fn place(&self, name: &str, expected: usize) -> Option<usize> {
        let (before, after) = self.names.split_at(expected.min(self.names.len()));
        let is_it = |wanted: &String| wanted.eq_ignore_ascii_case(name);
        after
            .iter()
            .position(is_it)
            .map(|place| before.len() + place)
            .or_else(|| before.iter().position(is_it))
    }
}

/// An entry whose values may not all be there yet.
pub(super) struct Read {
    dn: String,
    /// The values by the place of their attribute.
    found: Vec<Vec<Vec<u8>>>,
    /// The attributes of which more is to come, each with the number of its next value.
    pub(super) rest: Vec<(usize, usize)>,
    broken: Option<String>,
}

impl Read {
    /// Which object it is.
    pub(super) fn guid(&self) -> Option<ObjectGuid> {
        let value = self.found.first()?.first()?;
        Some(ObjectGuid(Guid(value.as_slice().try_into().ok()?)))
    }

    /// Takes a part of the values. Parts follow each other without a gap, and each brings something.
    fn take(&mut self, place: usize, range: Range, values: Vec<Vec<u8>>) {
        let held = &mut self.found[place];
        let follows = range.first == held.len();
        let counted = range.last.is_none_or(|last| last + 1 == held.len() + values.len());
        let grows = range.last.is_none() || !values.is_empty();
        held.extend(values);
        if !(follows && counted && grows) {
            let detail = format!("values {}-{:?} came out of turn", range.first, range.last);
            return self.spoil(&detail);
        }
        if range.last.is_some() {
            self.rest.push((place, held.len()));
        }
    }

    /// Notes why its values are not all there.
    pub(super) fn spoil(&mut self, detail: &str) {
        let dn = &self.dn;
        self.broken.get_or_insert_with(|| format!("{dn}: {detail}"));
        self.rest.clear();
    }
}

/// Which values of an attribute an answer holds.
#[derive(Clone, Copy)]
struct Range {
    first: usize,
    /// `None`: the last one there is.
    last: Option<usize>,
}

impl Range {
    const ALL: Self = Self { first: 0, last: None };

    /// Reads the option `range=first-last`.
    fn of(option: &str) -> Option<Self> {
        let (word, bounds) = option.split_once('=')?;
        let (first, last) = bounds.split_once('-')?;
        if !word.eq_ignore_ascii_case("range") {
            return None;
        }
        let last = if last == "*" { None } else { Some(last.parse().ok()?) };
        Some(Self { first: first.parse().ok()?, last })
    }
}

/// The DN and the attributes with their values; `None` when the entry has another structure.
#[expect(clippy::type_complexity, reason = "an entry is a name and a list of names and values")]
fn parts(entry: ResultEntry) -> Option<(String, Vec<(String, Vec<Vec<u8>>)>)> {
    let mut parts = entry.0.match_id(4)?.expect_constructed()?.into_iter();
    let dn = String::from_utf8(parts.next()?.expect_primitive()?).ok()?;
    let mut attributes = Vec::new();
    for attribute in parts.next()?.expect_constructed()? {
        let mut parts = attribute.expect_constructed()?.into_iter();
        let name = String::from_utf8(parts.next()?.expect_primitive()?).ok()?;
        let values: Option<_> = parts
            .next()?
            .expect_constructed()?
            .into_iter()
            .map(|value| value.expect_primitive())
            .collect();
        attributes.push((name, values?));
    }
    Some((dn, attributes))
}
