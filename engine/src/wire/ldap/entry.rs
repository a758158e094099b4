//! A search result entry as a directory object.
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

    /// Reads a `SearchResultEntry` (RFC 4511 4.5.2).
    pub(super) fn object(&self, entry: ResultEntry) -> Result<DirectoryObject, CallError> {
        let (dn, attributes) = parts(entry).ok_or_else(|| malformed(&"an entry is not LDAP"))?;
        let mut found: Vec<Vec<Vec<u8>>> = vec![Vec::new(); self.names.len()];
        let mut expected = 0;
        for (name, mut values) in attributes {
            if let Some(place) = self.place(&name, expected) {
                values.sort_unstable();
                found[place] = values;
                expected = place + 1;
            } else if let Some((attribute, range)) = name.split_once(";range=") {
                // A part of the values must not pass for all of them.
                let detail = format!("{attribute} of {dn} came only in part ({range})");
                return Err(malformed(&detail));
            }
        }
        let single = |place: usize| found[place].first().cloned();
        let guid = single(0).and_then(|value| value.try_into().ok());
        let guid = guid.ok_or_else(|| malformed(&format!("{dn} came without objectGUID")))?;
        let external_id = single(2).map(String::from_utf8).transpose();
        Ok(DirectoryObject {
            guid: ObjectGuid(Guid(guid)),
            consistency_guid: single(1),
            external_id: external_id.map_err(|error| malformed(&error))?,
            values: self.places.iter().map(|place| &found[*place]).collect::<Values>(),
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
