//! The exports that a population can be made of: a forest as LDIF, mailboxes as the CSV that
//! `Get-Mailbox | Export-Csv` writes.

mod tree;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use csv::StringRecord;
use sim::directory::ldif::LdifError;
use sim::directory::ldif_export::{ExportedObject, ExportedObjects};
use sim::estate::ExportedMailbox;
use sim::exchange::{RecipientType, address, property, truth};
use sim::powershell::ParameterKind;

use super::nearest::nearest;
use tree::Rooted;

/// What is wrong with an export, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// It cannot be read.
    #[error("cannot read `{}`: {problem}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// A line is wrong.
    #[error("`{}`, line {line}: {problem}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

impl ExportError {
    /// The file that it is about.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Unreadable { path, .. } | Self::Line { path, .. } => path,
        }
    }

    /// A mistake in a forest's export.
    #[must_use]
    pub fn in_ldif(path: &Path, error: LdifError) -> Self {
        Self::Line { path: path.to_owned(), line: error.line, problem: error.problem }
    }
}

/// The objects of a forest's export, one at a time, and after the last a mistake when one of them is in nothing
/// that the export lists.
///
/// # Errors
/// `Unreadable`; each object may be a `Line`.
pub fn objects(
    path: &Path,
) -> Result<impl Iterator<Item = Result<ExportedObject, ExportError>>, ExportError> {
    let unreadable = |error: std::io::Error| ExportError::Unreadable {
        path: path.to_owned(),
        problem: error.to_string(),
    };
    let file = File::open(path).map_err(unreadable)?;
    let objects = Rooted::new(ExportedObjects::new(BufReader::new(file)));
    Ok(objects.map(|object| object.map_err(|error| ExportError::in_ldif(path, error))))
}

/// A row of the export of mailboxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxRow {
    /// Its line, from 1.
    pub line: usize,
    /// `UserPrincipalName`.
    pub user_principal_name: String,
    /// `IsDirSynced`; a row that does not say is synced.
    pub dir_synced: bool,
    /// The mailbox.
    pub mailbox: ExportedMailbox,
}

impl MailboxRow {
    /// How steps call a mailbox that is in no AD: its alias, else its user principal name's local part.
    #[must_use]
    pub fn name(&self) -> String {
        let alias = self.mailbox.values.iter().find(|(number, _)| *number == property::ALIAS);
        alias.and_then(|(_, values)| values.first()).cloned().unwrap_or_else(|| {
            self.user_principal_name.split('@').next().unwrap_or_default().to_owned()
        })
    }
}

/// The rows of an export of mailboxes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailboxTable {
    /// The rows.
    pub rows: Vec<MailboxRow>,
    /// Columns that are not taken over.
    pub left_out: Vec<String>,
}

/// Columns that a row takes over beside the properties of a mailbox.
const COLUMNS: [&str; 5] = [
    "UserPrincipalName",
    "ExternalDirectoryObjectId",
    "IsExchangeCloudManaged",
    "IsDirSynced",
    "RecipientTypeDetails",
];

/// An export of mailboxes.
///
/// # Errors
/// [`ExportError`]; a column whose name is nearly one that decides how a mailbox begins is one.
pub fn mailboxes(path: &Path) -> Result<MailboxTable, ExportError> {
    let text = std::fs::read(path).map_err(|error| ExportError::Unreadable {
        path: path.to_owned(),
        problem: error.to_string(),
    })?;
    let lines = Lines::of(&text);
    let wrong =
        |line: usize, problem: String| ExportError::Line { path: path.to_owned(), line, problem };
    let unreadable = |error: csv::Error| {
        let problem = match error.kind() {
            csv::ErrorKind::UnequalLengths { .. } => {
                "the row does not have as many columns as the first line".to_owned()
            }
            _ => error.to_string(),
        };
        wrong(lines.at(error.position()), problem)
    };
    // `Export-Csv` of Windows PowerShell writes `#TYPE ...` first.
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .delimiter(delimiter(&text))
        .from_reader(text.as_slice());
    let header = reader.headers().map_err(unreadable)?.clone();
    let columns: Vec<String> =
        header.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
    if !columns.iter().any(|name| name.eq_ignore_ascii_case("UserPrincipalName")) {
        let problem = "there is no column `UserPrincipalName`".to_owned();
        return Err(wrong(lines.at(header.position()), problem));
    }
    let is_taken = |name: &&String| {
        is_property(name) || COLUMNS.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    let left_out: Vec<String> = columns.iter().filter(|name| !is_taken(name)).cloned().collect();
    for name in &left_out {
        if let Some(meant) = nearest(name, COLUMNS).filter(|meant| !lists(&columns, meant)) {
            let problem = format!("there is no column `{name}`; did you mean `{meant}`?");
            return Err(wrong(lines.at(header.position()), problem));
        }
    }
    let mut rows = Vec::new();
    for record in reader.into_records() {
        let record = record.map_err(unreadable)?;
        let line = lines.at(record.position());
        rows.push(row(line, &columns, &record).map_err(|problem| wrong(line, problem))?);
    }
    Ok(MailboxTable { rows, left_out })
}

/// What parts the columns of the first line that is no comment: with `-UseCulture` a semicolon in many countries.
fn delimiter(text: &[u8]) -> u8 {
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"#"));
    let head = lines.next().unwrap_or_default();
    let count = |wanted: u8| head.iter().filter(|byte| **byte == wanted).count();
    [b';', b'\t'].into_iter().find(|other| count(*other) > count(b',')).unwrap_or(b',')
}

fn lists(columns: &[String], name: &str) -> bool {
    columns.iter().any(|column| column.eq_ignore_ascii_case(name))
}

/// Where the lines of a text begin. The reader's own count takes the two bytes of a line's end apart.
struct Lines<'t> {
    text: &'t [u8],
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t [u8]) -> Self {
        let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let starts = core::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The line, from 1, of the first byte of a row; comments before it are passed over.
    fn at(&self, position: Option<&csv::Position>) -> usize {
        let start = position.and_then(|position| usize::try_from(position.byte()).ok());
        let mut start = start.unwrap_or_default();
        while let Some(byte) = self.text.get(start) {
            match byte {
                b'\r' | b'\n' => start += 1,
                b'#' => {
                    let rest = &self.text[start..];
                    start += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                }
                _ => break,
            }
        }
        self.starts.partition_point(|line| *line <= start)
    }
}

fn row(line: usize, columns: &[String], record: &StringRecord) -> Result<MailboxRow, String> {
    let mut row = MailboxRow {
        line,
        user_principal_name: String::new(),
        dir_synced: true,
        mailbox: ExportedMailbox::default(),
    };
    for (column, value) in columns.iter().zip(record) {
        let is = |name: &str| column.eq_ignore_ascii_case(name);
        let value = value.trim();
        if is("UserPrincipalName") {
            value.clone_into(&mut row.user_principal_name);
        } else if value.is_empty() && !is_property(column) {
            continue;
        } else if is("ExternalDirectoryObjectId") {
            let id = value.parse().map_err(|_| format!("`{value}` is no GUID"))?;
            row.mailbox.id = Some(id);
        } else if is("IsExchangeCloudManaged") {
            row.mailbox.cloud_managed = truth_of(value)?;
        } else if is("IsDirSynced") {
            row.dir_synced = truth_of(value)?;
        } else if is("RecipientTypeDetails") {
            row.mailbox.kind = Some(kind_of(value)?);
        }
        if let Some(number) = property::number(column)
            && let Some(values) = property_values(number, value)?
        {
            row.mailbox.values.push((number, values));
        }
    }
    if row.user_principal_name.is_empty() {
        return Err("the row has no `UserPrincipalName`".to_owned());
    }
    row.mailbox.values.sort_by_key(|(number, _)| *number);
    Ok(row)
}

fn is_property(column: &str) -> bool {
    property::number(column).is_some()
}

/// The values of a property; `None` when the export shows its .NET type instead of them.
fn property_values(number: u16, text: &str) -> Result<Option<Vec<String>>, String> {
    if text.starts_with("System.Collections.") || text.starts_with("Microsoft.Exchange.") {
        return Ok(None);
    }
    if text.is_empty() {
        return Ok(Some(Vec::new()));
    }
    if number == property::EMAIL_ADDRESSES {
        return Ok(Some(address::normalized(addresses(text))));
    }
    let spec = property::spec(number);
    Ok(Some(match spec.map(|spec| spec.kind) {
        Some(ParameterKind::Boolean) => vec![truth(truth_of(text)?).to_owned()],
        Some(ParameterKind::MultiValue) => {
            text.split(';').map(|value| value.trim().to_owned()).collect()
        }
        _ => vec![text.to_owned()],
    }))
}

/// Addresses, however they were joined: a new one begins where a blank, comma or semicolon is followed
/// by a type and a colon. Blanks inside an X500 address stay.
fn addresses(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let text = text.trim_matches(['{', '}']);
    for word in text.split([' ', ',', ';']).filter(|word| !word.is_empty()) {
        let is_new = word.split_once(':').is_some_and(|(kind, _)| {
            !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        match found.last_mut() {
            Some(last) if !is_new => {
                last.push(' ');
                last.push_str(word);
            }
            _ => found.push(word.to_owned()),
        }
    }
    found
}

fn truth_of(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" | "" => Ok(false),
        _ => Err(format!("`{value}` is neither True nor False")),
    }
}

fn kind_of(value: &str) -> Result<RecipientType, String> {
    let mut kinds = RecipientType::ALL.into_iter();
    let found = kinds.find(|kind| kind.details().eq_ignore_ascii_case(value));
    found.ok_or_else(|| format!("the recipient type `{value}` is not modelled"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<MailboxRow>, ExportError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mailboxes.csv");
        std::fs::write(&path, text).unwrap();
        mailboxes(&path).map(|table| table.rows)
    }

    /// As `Get-Mailbox | Export-Csv` writes it: quoted, with the type first, collections joined or not
    /// shown at all.
    #[test]
    fn rows_are_read_as_the_cmdlet_writes_them() {
        let rows = read(
            "#TYPE Selected.System.Management\r\n\
             \"UserPrincipalName\",\"IsExchangeCloudManaged\",\"RecipientTypeDetails\",\"EmailAddresses\",\"CustomAttribute1\",\"ModeratedBy\"\r\n\
             \"u1@contoso.com\",\"True\",\"SharedMailbox\",\"SMTP:u1@contoso.com X500:/o=Contoso Ltd/cn=u1 smtp:a@contoso.com\",\"\",\"System.Collections.ArrayList\"\r\n",
        )
        .unwrap();
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((row.line, row.dir_synced, row.mailbox.cloud_managed), (3, true, true));
        assert_eq!(row.mailbox.kind, Some(RecipientType::Shared));
        let values = |number| row.mailbox.values.iter().find(|(n, _)| *n == number);
        assert_eq!(
            values(property::EMAIL_ADDRESSES).unwrap().1,
            ["SMTP:u1@contoso.com", "X500:/o=Contoso Ltd/cn=u1", "smtp:a@contoso.com"]
        );
        assert_eq!(values(property::CUSTOM_ATTRIBUTE_1).unwrap().1, [""; 0], "it is empty");
        assert!(values(property::number("ModeratedBy").unwrap()).is_none(), "it is not shown");
    }

    /// `-UseCulture`, `-Delimiter "`t"`.
    #[test]
    fn columns_are_parted_by_what_the_first_line_has() {
        for text in [
            "\"UserPrincipalName\";\"IsDirSynced\"\r\n\"u1@contoso.com\";\"False\"\r\n",
            "#TYPE x\r\nUserPrincipalName\tIsDirSynced\nu1@contoso.com\tFalse\n",
        ] {
            let rows = read(text).unwrap();
            assert_eq!((rows.len(), rows[0].dir_synced), (1, false), "{text}");
        }
    }

    #[test]
    fn mistakes_are_placed() {
        for (text, line) in [
            ("#TYPE x\r\nName\r\nx\r\n", 2),
            ("UserPrincipalName,IsDirSynced\nu1@x.com,perhaps\n", 2),
            ("UserPrincipalName,IsDirSynced\nu1@x.com\n", 2),
            ("UserPrincipalName,RecipientTypeDetails\nu1@x.com,GroupMailbox\n", 2),
            ("UserPrincipalName,IsExchangeCloudManged\nu1@x.com,True\n", 1),
        ] {
            let Err(ExportError::Line { line: found, .. }) = read(text) else {
                panic!("{text} was taken")
            };
            assert_eq!(found, line, "{text}");
        }
    }
}
