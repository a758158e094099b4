//! Mailboxes and objects as the engine gets them: flat, straight out of the estate's records.

use engine::ports::{DirectoryObject, Mailbox, MailboxId, Name, ObjectGuid};
use engine::values::{Builder, Texts, Values};
use sim::directory::answer::SearchHit;
use sim::directory::entry::{ClassNumber, DcNumber};
use sim::directory::forest::Forest;
use sim::directory::schema::Schema;
use sim::estate::Estate;
use sim::exchange::{property, truth};
use sim::record::{self, AttributeNumber, Projection, Record};

use crate::bridge::translate::{guid_to_engine, to_engine};

/// Mailboxes with a selection of properties.
pub(super) struct MailboxView {
    selection: Selection,
    /// The columns of Booleans, which always have a value.
    booleans: Vec<bool>,
    values: Builder<[u8]>,
}

impl MailboxView {
    pub(super) fn new(properties: &[Name]) -> Self {
        let numbers = || properties.iter().map(|name| property::number(name));
        Self {
            selection: Selection::new(numbers()),
            booleans: numbers().map(|number| number.is_some_and(property::is_boolean)).collect(),
            values: Values::builder(),
        }
    }

    pub(super) fn mailbox(&mut self, estate: &Estate, number: u32) -> Option<Mailbox> {
        let mailbox = estate.exchange.mailbox(number)?;
        let columns = self.selection.of(&mailbox.record);
        for (values, is_boolean) in columns.into_iter().zip(&self.booleans) {
            if *is_boolean && values.len() == 0 {
                self.values.push(truth(false).as_bytes());
            }
            self.values.column(values);
        }
        let values = Texts::try_from(self.values.finish()).unwrap_or_else(|values| {
            values.columns().map(|column| column.iter().map(String::from_utf8_lossy)).collect()
        });
        Some(Mailbox {
            id: MailboxId(guid_to_engine(mailbox.id)),
            when_changed: to_engine(mailbox.when_changed).floor_to_second(),
            dir_synced: mailbox.dir_synced,
            cloud_managed: mailbox.cloud_managed,
            recipient_type_details: Name::Borrowed(mailbox.kind.details()),
            values,
        })
    }
}

/// Objects with a selection of attributes.
pub(super) struct ObjectView {
    /// The attributes that anchor an object ([`ANCHORS`]), then the caller's.
    selection: Selection,
    /// Columns that no record holds, because the directory makes their values when it is asked.
    made: Vec<(usize, String)>,
    /// The column of `objectClass`, and what it is for each class that was met: the same for all of its objects but
    /// those with auxiliary classes of their own.
    class_column: Option<usize>,
    classes: Vec<(ClassNumber, Vec<Vec<u8>>)>,
    values: Builder<[u8]>,
}

const OBJECT_CLASS: &str = "objectClass";

/// What every object shows, where the schema has it.
const ANCHORS: [&str; 2] = ["mS-DS-ConsistencyGuid", "msDS-ExternalDirectoryObjectId"];

impl ObjectView {
    /// Of objects in a forest with this schema.
    pub(super) fn new(schema: &Schema, attributes: &[Name]) -> Self {
        let names = ANCHORS.into_iter().chain(attributes.iter().map(AsRef::as_ref));
        let number = |name: &str| schema.attribute_named(name).map(|a| a.number);
        let is_made = |name: &&Name| {
            schema.attribute_named(name).is_some_and(|attribute| !attribute.is_stored_as_shown())
        };
        let made = attributes.iter().enumerate().filter(|(_, name)| is_made(name));
        Self {
            selection: Selection::new(names.map(number)),
            made: made.map(|(column, name)| (column, name.to_string())).collect(),
            class_column: attributes.iter().position(|name| name == OBJECT_CLASS),
            classes: Vec::new(),
            values: Values::builder(),
        }
    }

    /// An object that was found on a domain controller of this forest.
    pub(super) fn object(
        &mut self,
        forest: &Forest,
        dc: DcNumber,
        hit: &SearchHit,
    ) -> DirectoryObject {
        let mut columns = self.selection.of(&hit.entry.record).into_iter();
        let mut anchor = || columns.next().and_then(|mut values| values.next()).map(<[u8]>::to_vec);
        let (consistency_guid, external_id) = (anchor(), anchor());
        for (column, values) in columns.enumerate() {
            if self.class_column == Some(column) && values.len() == 0 {
                let at = class_at(&mut self.classes, forest, dc, hit);
                self.values.column(self.classes[at].1.iter().map(Vec::as_slice));
            } else if let Some((_, name)) = self.made.iter().find(|(made, _)| *made == column) {
                let mut values = forest.values(dc, hit.object, name);
                values.sort_unstable();
                self.values.column(values.iter().map(Vec::as_slice));
            } else if values.len() > 1 {
                let mut values: Vec<&[u8]> = values.collect();
                values.sort_unstable();
                self.values.column(values);
            } else {
                self.values.column(values);
            }
        }
        DirectoryObject {
            guid: ObjectGuid(guid_to_engine(hit.entry.guid)),
            consistency_guid,
            external_id: external_id.and_then(|value| String::from_utf8(value).ok()),
            values: self.values.finish(),
            broken: None,
        }
    }
}

/// Where the classes of an object stand that has none of its own beside them.
fn class_at(
    classes: &mut Vec<(ClassNumber, Vec<Vec<u8>>)>,
    forest: &Forest,
    dc: DcNumber,
    hit: &SearchHit,
) -> usize {
    let class = hit.entry.class;
    classes.iter().position(|(known, _)| *known == class).unwrap_or_else(|| {
        let mut names = forest.values(dc, hit.object, OBJECT_CLASS);
        names.sort_unstable();
        classes.push((class, names));
        classes.len() - 1
    })
}

/// Which attribute goes to which column of an answer.
struct Selection {
    projection: Projection,
    /// Columns that show what a later one shows, too: an attribute that was asked for more than once.
    again: Vec<(usize, usize)>,
}

impl Selection {
    fn new(numbers: impl Iterator<Item = Option<AttributeNumber>>) -> Self {
        let numbers: Vec<Option<AttributeNumber>> = numbers.collect();
        let again = numbers.iter().enumerate().filter_map(|(column, number)| {
            let last = numbers.iter().rposition(|other| number.is_some() && other == number)?;
            (last != column).then_some((column, last))
        });
        Self { again: again.collect(), projection: Projection::new(numbers) }
    }

    /// The values of a record by column.
    fn of<'r>(&self, record: &'r Record) -> Vec<record::Values<'r>> {
        let mut columns = self.projection.of(record);
        for (column, last) in &self.again {
            columns[*column] = columns[*last].clone();
        }
        columns
    }
}
