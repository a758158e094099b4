//! Rows of `Get-Mailbox`, read straight into mailboxes.
//!
//! A page holds up to 1,000 rows of some thirty members with an annotation each, so members that
//! nobody asked for are skipped without being built.

use std::fmt;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::ports::{Mailbox, MailboxId, Name};
use crate::recipient_type::known_name;
use crate::time::Timestamp;
use crate::values::{Builder, Column, Texts};

/// The properties that every row needs.
const ALWAYS: [&str; 5] = [
    "ExternalDirectoryObjectId",
    "WhenChangedUTC",
    "IsDirSynced",
    "IsExchangeCloudManaged",
    "RecipientTypeDetails",
];

/// Which properties are asked for, and where their values go.
pub(super) struct Selection {
    names: String,
    /// By name, as written and in lower case: the row's columns that take the value. The first
    /// columns are those of [`ALWAYS`], then come the caller's.
    columns: HashMap<String, Vec<usize>, FxBuildHasher>,
    width: usize,
}

impl Selection {
    pub(super) fn new(properties: &[Name]) -> Self {
        let all = ALWAYS.into_iter().chain(properties.iter().map(AsRef::as_ref));
        let mut names: Vec<&str> = Vec::new();
        let mut lower: HashMap<String, Vec<usize>, FxBuildHasher> = HashMap::default();
        for (column, name) in all.enumerate() {
            let columns = lower.entry(name.to_ascii_lowercase()).or_default();
            if columns.is_empty() {
                names.push(name);
            }
            columns.push(column);
        }
        let mut columns = lower.clone();
        for name in &names {
            // The usual spelling is found without folding the case of each member first.
            if let Some(found) = lower.get(&name.to_ascii_lowercase()) {
                columns.insert((*name).to_owned(), found.clone());
            }
        }
        Self { names: names.join(","), columns, width: ALWAYS.len() + properties.len() }
    }

    /// The value of `$select`.
    pub(super) fn names(&self) -> &str {
        &self.names
    }

    fn columns(&self, member: &str) -> Option<&[usize]> {
        if let Some(columns) = self.columns.get(member) {
            return Some(columns);
        }
        // `X@odata.type` and `X@data.type` annotate X.
        if member.contains('@') {
            return None;
        }
        self.columns.get(&member.to_ascii_lowercase()).map(Vec::as_slice)
    }
}

/// The rows of a page and the link to the next one.
pub(super) fn page(
    body: &[u8],
    selection: &Selection,
) -> Result<(Vec<Mailbox>, Option<String>), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let page = PageSeed(selection).deserialize(&mut json)?;
    json.end()?;
    Ok(page)
}

/// The only row of an answer; `None` when there is none.
pub(super) fn single(
    body: Value,
    selection: &Selection,
) -> Result<Option<Mailbox>, serde_json::Error> {
    let (rows, _) = PageSeed(selection).deserialize(body)?;
    Ok(rows.into_iter().next())
}

struct PageSeed<'s>(&'s Selection);

impl<'de> DeserializeSeed<'de> for PageSeed<'_> {
    type Value = (Vec<Mailbox>, Option<String>);

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PageSeed<'_> {
    type Value = (Vec<Mailbox>, Option<String>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer with `value`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut rows = None;
        let mut next = None;
        while let Some(member) = members.next_key::<String>()? {
            match member.as_str() {
                "value" => rows = Some(members.next_value_seed(RowsSeed(self.0))?),
                "@odata.nextLink" => next = members.next_value()?,
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok((rows.ok_or_else(|| A::Error::missing_field("value"))?, next))
    }
}

struct RowsSeed<'s>(&'s Selection);

impl<'de> DeserializeSeed<'de> for RowsSeed<'_> {
    type Value = Vec<Mailbox>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowsSeed<'_> {
    type Value = Vec<Mailbox>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of mailboxes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut rows = Vec::with_capacity(elements.size_hint().unwrap_or(0).min(1_000));
        let mut room = Room::default();
        while let Some(row) = elements.next_element_seed(RowSeed(self.0, &mut room))? {
            rows.extend(row);
        }
        Ok(rows)
    }
}

/// What every row of a page is built in.
#[derive(Default)]
struct Room {
    /// The values in the order in which the members come.
    values: Builder<str>,
    /// For each of the row's columns the member that fills it; [`NONE`] when none came.
    members: Vec<usize>,
}

/// No member.
const NONE: usize = usize::MAX;

/// One row; `None` for a system mailbox, whose `ExternalDirectoryObjectId` is empty.
struct RowSeed<'s>(&'s Selection, &'s mut Room);

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = Option<Mailbox>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = Option<Mailbox>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mailbox")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let Self(selection, room) = self;
        room.members.clear();
        room.members.resize(selection.width, NONE);
        let mut count = 0;
        while let Some(columns) = members.next_key_seed(ColumnSeed(selection))? {
            let Some(columns) = columns else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            members.next_value_seed(TextsSeed(&mut room.values))?;
            room.values.end_column();
            for column in columns {
                room.members[*column] = count;
            }
            count += 1;
        }
        mailbox(room).map_err(A::Error::custom)
    }
}

/// Reads a member's name into the columns that want its value.
struct ColumnSeed<'s>(&'s Selection);

impl<'de, 's> DeserializeSeed<'de> for ColumnSeed<'s> {
    type Value = Option<&'s [usize]>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'s> Visitor<'_> for ColumnSeed<'s> {
    type Value = Option<&'s [usize]>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.columns(name))
    }
}

/// Values as text: null and empty text are no value, a Boolean is `True` or `False`.
struct TextsSeed<'t>(&'t mut Builder<str>);

impl<'de> DeserializeSeed<'de> for TextsSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TextsSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, number, Boolean, null or a list of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if !text.is_empty() {
            self.0.push(text);
        }
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.0.push(if value { "True" } else { "False" });
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.0.push(&number.to_string());
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.0.push(&number.to_string());
        Ok(())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.0.push(&number.to_string());
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(TextsSeed(&mut *self.0))?.is_some() {}
        Ok(())
    }
}

/// A row's columns as a mailbox.
fn mailbox(room: &mut Room) -> Result<Option<Mailbox>, String> {
    let row: Texts = room.values.finish();
    let mut columns = room.members.iter().map(|member| row.column(*member));
    let mut next = || columns.next().and_then(Column::first).unwrap_or_default();
    let (id, changed) = (next(), next());
    let (dir_synced, cloud_managed, recipient_type_details) = (next(), next(), next());
    if id.is_empty() {
        return Ok(None);
    }
    for column in columns {
        room.values.column(column.iter());
    }
    let values = room.values.finish();
    let when_changed: jiff::Timestamp =
        changed.parse().map_err(|error| format!("WhenChangedUTC `{changed}` of {id}: {error}"))?;
    Ok(Some(Mailbox {
        id: MailboxId(id.parse().map_err(|error| format!("ExternalDirectoryObjectId: {error}"))?),
        when_changed: Timestamp::from_micros(when_changed.as_microsecond()).floor_to_second(),
        dir_synced: dir_synced.eq_ignore_ascii_case("true"),
        // Absent on older builds of the service, which know only on-premises management.
        cloud_managed: cloud_managed.eq_ignore_ascii_case("true"),
        recipient_type_details: known_name(recipient_type_details),
        values,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    const ROW: &str = r##"{
        "externaldirectoryobjectid": "6e7b768e-07e2-4810-8459-485f84f8f204",
        "UserPrincipalName": "anna@contoso.lab", "IsDirSynced": true,
        "WhenChangedUTC@data.type": "System.DateTime",
        "WhenChangedUTC": "2026-02-01T08:00:00.9000000Z", "RecipientTypeDetails": "UserMailbox",
        "EmailAddresses@odata.type": "#Collection(String)",
        "EmailAddresses": ["SMTP:anna@contoso.lab", "", "X500:/o=Contoso"],
        "CustomAttribute1": "", "CustomAttribute2": null, "RecipientSoftDeletedStatus": 7,
        "Nested": [{"_key": "k", "_value": {"deep": [1]}}], "HiddenFromAddressListsEnabled": false
    }"##;

    fn selection(names: &[&'static str]) -> Selection {
        Selection::new(&names.iter().map(|name| Cow::from(*name)).collect::<Vec<_>>())
    }

    /// The whole shape of a row: annotations, odd case, empty values, members nobody asked for.
    #[test]
    fn a_row_becomes_a_mailbox() {
        let selection = selection(&[
            "EmailAddresses",
            "CustomAttribute1",
            "CustomAttribute2",
            "RecipientSoftDeletedStatus",
            "HiddenFromAddressListsEnabled",
            "NotThere",
            "UserPrincipalName",
        ]);
        assert!(
            selection.names().ends_with("HiddenFromAddressListsEnabled,NotThere,UserPrincipalName")
        );
        let body = format!("{{\"@adminapi.warnings\":[],\"value\":[{ROW}]}}");
        let (rows, next) = page(body.as_bytes(), &selection).unwrap();
        assert_eq!(next, None);
        let row = &rows[0];
        assert_eq!(row.id.to_string(), "6e7b768e-07e2-4810-8459-485f84f8f204");
        assert_eq!(row.when_changed, Timestamp::from_micros(1_769_932_800_000_000));
        assert!(row.dir_synced && !row.cloud_managed);
        let expected: Vec<Vec<&str>> = vec![
            vec!["SMTP:anna@contoso.lab", "X500:/o=Contoso"],
            vec![],
            vec![],
            vec!["7"],
            vec!["False"],
            vec![],
            vec!["anna@contoso.lab"],
        ];
        assert_eq!(row.values.lists(), expected);
        let again = single(serde_json::from_str(&body).unwrap(), &selection).unwrap();
        assert_eq!(again.as_ref(), Some(row));
    }

    /// System mailboxes have no object id and are nobody's business; anything broken is an error.
    #[test]
    fn rows_without_an_id_are_passed_over_and_broken_ones_are_not() {
        let selection = selection(&["Nested"]);
        let page = |body: &str| page(body.as_bytes(), &selection);
        let system = r#"{"value":[{"ExternalDirectoryObjectId":""}],"@odata.nextLink":"x"}"#;
        assert_eq!(page(system).unwrap(), (Vec::new(), Some("x".to_owned())));
        assert!(page("{}").is_err());
        assert!(page(r#"{"value":[]} trailing"#).is_err());
        assert!(
            page(r#"{"value":[{"ExternalDirectoryObjectId":"x","WhenChangedUTC":""}]}"#).is_err()
        );
        assert!(page(&format!("{{\"value\":[{ROW}]}}")).is_err(), "an object is no value");
    }
}
