//! Rows of `Get-Mailbox`, read straight into mailboxes.
//!
//! A page holds up to 1,000 rows of some thirty members with an annotation each, so members that
//! nobody asked for are skipped without being built. A row with a value that cannot be used spoils no
//! other row; only what is no JSON, or no list of objects, spoils the page.

use std::fmt;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::ports::{CallError, Mailbox, MailboxId, Name, UnreadRow, is_of_user};
use crate::recipient_type::known_name;
use crate::time::Timestamp;
use crate::values::{Builder, Column, Texts};
use crate::wire::http::malformed;

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
    /// The name of each column.
    spelled: Vec<String>,
}

impl Selection {
    pub(super) fn new(properties: &[Name]) -> Self {
        let all = ALWAYS.into_iter().chain(properties.iter().map(AsRef::as_ref));
        let mut names: Vec<&str> = Vec::new();
        let mut lower: HashMap<String, Vec<usize>, FxBuildHasher> = HashMap::default();
        let mut spelled = Vec::with_capacity(ALWAYS.len() + properties.len());
        for (column, name) in all.enumerate() {
            spelled.push(name.to_owned());
            let columns = lower.entry(name.to_ascii_lowercase()).or_default();
            if columns.is_empty() && !is_of_user(name) {
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
        Self { names: names.join(","), columns, spelled }
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

/// The rows of a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) read: Vec<Mailbox>,
    pub(super) unread: Vec<UnreadRow>,
}

/// The rows of a page and the link to the next one.
pub(super) fn page(
    body: &[u8],
    selection: &Selection,
) -> Result<(Rows, Option<String>), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let page = PageSeed(selection).deserialize(&mut json)?;
    json.end()?;
    Ok(page)
}

/// The only row of an answer; `None` when there is none.
pub(super) fn single(body: Value, selection: &Selection) -> Result<Option<Mailbox>, CallError> {
    let (rows, _) = PageSeed(selection).deserialize(body).map_err(|error| malformed(&error))?;
    match rows.unread.into_iter().next() {
        Some(unread) => Err(unread.error),
        None => Ok(rows.read.into_iter().next()),
    }
}

/// The values with those columns that another answer holds.
pub(super) fn with_texts(values: &Texts, columns: &[(usize, &Name)], answer: &Value) -> Texts {
    let mut builder = Texts::builder();
    for (place, column) in values.columns().enumerate() {
        match columns.iter().find(|(at, _)| *at == place) {
            None => builder.column(column.iter()),
            Some((_, name)) => {
                let texts: Vec<&str> = match &answer[name.as_ref()] {
                    Value::String(text) => vec![text],
                    Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
                    _ => Vec::new(),
                };
                builder.column(texts.into_iter().filter(|text| !text.is_empty()));
            }
        }
    }
    builder.finish()
}

struct PageSeed<'s>(&'s Selection);

impl<'de> DeserializeSeed<'de> for PageSeed<'_> {
    type Value = (Rows, Option<String>);

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PageSeed<'_> {
    type Value = (Rows, Option<String>);

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
    type Value = Rows;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowsSeed<'_> {
    type Value = Rows;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of mailboxes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut rows = Rows::default();
        rows.read.reserve(elements.size_hint().unwrap_or(0).min(1_000));
        let mut room = Room::default();
        while let Some(row) = elements.next_element_seed(RowSeed(self.0, &mut room))? {
            match row {
                Ok(mailbox) => rows.read.extend(mailbox),
                Err(unread) => rows.unread.push(unread),
            }
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
    /// A column whose value is none that a property can have.
    odd: Option<usize>,
}

/// No member.
const NONE: usize = usize::MAX;

/// One row; `None` for a system mailbox, whose `ExternalDirectoryObjectId` is empty.
struct RowSeed<'s>(&'s Selection, &'s mut Room);

type ReadRow = Result<Option<Mailbox>, UnreadRow>;

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = ReadRow;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = ReadRow;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mailbox")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let Self(selection, room) = self;
        room.members.clear();
        room.members.resize(selection.spelled.len(), NONE);
        room.odd = None;
        let mut count = 0;
        while let Some(columns) = members.next_key_seed(ColumnSeed(selection))? {
            let Some(columns) = columns else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            let mut odd = false;
            members.next_value_seed(TextsSeed(&mut room.values, &mut odd))?;
            room.values.end_column();
            if odd {
                room.odd = room.odd.or(columns.first().copied());
            }
            for column in columns {
                room.members[*column] = count;
            }
            count += 1;
        }
        Ok(mailbox(room, selection))
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

/// Values as text: null and empty text are no value, a Boolean is `True` or `False`. An object is noted
/// as odd and passed over.
struct TextsSeed<'t>(&'t mut Builder<str>, &'t mut bool);

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
        while elements.next_element_seed(TextsSeed(&mut *self.0, &mut *self.1))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        *self.1 = true;
        Ok(())
    }
}

/// A row's columns as a mailbox.
fn mailbox(room: &mut Room, selection: &Selection) -> ReadRow {
    let row: Texts = room.values.finish();
    let mut columns = room.members.iter().map(|member| row.column(*member));
    let mut next = || columns.next().and_then(Column::first).unwrap_or_default();
    let (id, changed) = (next(), next());
    let (dir_synced, cloud_managed, recipient_type_details) = (next(), next(), next());
    if id.is_empty() && room.odd != Some(0) {
        return Ok(None);
    }
    for column in columns {
        room.values.column(column.iter());
    }
    let values = room.values.finish();
    let unread = |id, detail: String| UnreadRow { id, error: malformed(&detail) };
    let known: MailboxId = id
        .parse()
        .map(MailboxId)
        .map_err(|error| unread(None, format!("ExternalDirectoryObjectId `{id}`: {error}")))?;
    if let Some(odd) = room.odd {
        let property = selection.spelled.get(odd).map_or("a property", String::as_str);
        let detail = format!("{property} of {id} is an object, which no value of a property is");
        return Err(unread(Some(known), detail));
    }
    let when_changed: jiff::Timestamp = changed.parse().map_err(|error| {
        unread(Some(known), format!("WhenChangedUTC `{changed}` of {id}: {error}"))
    })?;
    Ok(Some(Mailbox {
        id: known,
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
        assert_eq!((next, rows.unread.len()), (None, 0));
        let row = &rows.read[0];
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

    /// System mailboxes have no object id and are nobody's business. A row with an odd value is told with
    /// its reason and spoils no other; what is no page at all is an error.
    #[test]
    fn odd_rows_are_told_and_stand_in_nobodys_way() {
        let selection = selection(&["Nested"]);
        let page = |body: &str| page(body.as_bytes(), &selection);
        let system = r#"{"value":[{"ExternalDirectoryObjectId":""}],"@odata.nextLink":"x"}"#;
        assert_eq!(page(system).unwrap(), (Rows::default(), Some("x".to_owned())));
        assert!(page("{}").is_err());
        assert!(page(r#"{"value":[]} trailing"#).is_err());
        assert!(page(r#"{"value":[{"Nested": ["#).is_err(), "cut short");
        assert!(page(r#"{"value":["text"]}"#).is_err());
        let good = ROW.replace("Nested", "Unasked");
        let dateless = ROW.replace("2026-02-01T08:00:00.9000000Z", "yesterday");
        let dateless = dateless.replace("Nested", "Unasked");
        let nameless = r#"{"ExternalDirectoryObjectId":"x"}"#;
        let unnamed = r#"{"ExternalDirectoryObjectId":{"a":1}}"#;
        let body = format!("{{\"value\":[{ROW},{dateless},{nameless},{unnamed},{good}]}}");
        let (rows, _) = page(&body).unwrap();
        let id: MailboxId = MailboxId("6e7b768e-07e2-4810-8459-485f84f8f204".parse().unwrap());
        assert_eq!(rows.read.iter().map(|row| row.id).collect::<Vec<_>>(), [id]);
        let told = |row: &UnreadRow| (row.id, row.error.to_string());
        let told: Vec<(Option<MailboxId>, String)> = rows.unread.iter().map(told).collect();
        let ids: Vec<Option<MailboxId>> = told.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, [Some(id), Some(id), None, None]);
        for (told, words) in
            told.iter().zip(["Nested of 6e7b", "`yesterday`", "`x`", "ExternalDirectoryObjectId"])
        {
            assert!(told.1.contains(words), "{told:?}");
        }
    }
}
