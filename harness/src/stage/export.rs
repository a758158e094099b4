//! A population out of exports: a forest's LDIF, read object by object, and the mailboxes' CSV.

use std::collections::BTreeMap;
use std::path::Path;

use sim::chance::Chance;
use sim::clock::VirtualTime;
use sim::estate::{Estate, PassedOver};

use crate::scenario::export::{self, ExportError, MailboxRow, MailboxTable};

/// Most names that a note lists.
const NAMES_IN_A_NOTE: usize = 8;

/// Brings the people of an export into an estate. Answers what people should know of it.
///
/// # Errors
/// [`ExportError`], with the line.
pub(super) fn populate(
    estate: &mut Estate,
    ldif: &Path,
    mailboxes: Option<&Path>,
    since: VirtualTime,
    chance: &mut Chance,
) -> Result<Vec<String>, ExportError> {
    let MailboxTable { rows, left_out } =
        mailboxes.map_or_else(|| Ok(MailboxTable::default()), export::mailboxes)?;
    let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        if by_name.insert(row.user_principal_name.to_lowercase(), place).is_some() {
            return Err(in_csv(mailboxes, row, "is there a second time"));
        }
    }
    let mut import = estate.begin_import();
    let mut found = vec![false; rows.len()];
    for object in export::objects(ldif)? {
        let object = object?;
        let upn = object.text("userPrincipalName").map(str::to_lowercase);
        let place = upn.filter(|_| object.is_person()).and_then(|upn| by_name.get(&upn).copied());
        let row = place.map(|place| {
            found[place] = true;
            &rows[place]
        });
        let row = row.filter(|row| row.dir_synced).map(|row| &row.mailbox);
        estate
            .import(&mut import, &object, row, since, chance)
            .map_err(|error| ExportError::in_ldif(ldif, error))?;
    }
    for (row, found) in rows.iter().zip(found) {
        match (row.dir_synced, found) {
            (true, false) => return Err(in_csv(mailboxes, row, "is synced, and in no AD object")),
            (true, true) => {}
            (false, _) => estate.import_cloud_mailbox(&row.name(), &row.mailbox, since, chance),
        }
    }
    let mut notes = notes(&estate.end_import(import, since));
    if !left_out.is_empty() {
        let first = &left_out[..left_out.len().min(NAMES_IN_A_NOTE)];
        let more = left_out.len() - first.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let first = first.join(", ");
        notes.push(format!("these columns of the mailboxes are not taken over: {first}{more}"));
    }
    Ok(notes)
}

fn in_csv(path: Option<&Path>, row: &MailboxRow, what: &str) -> ExportError {
    ExportError::Line {
        path: path.unwrap_or_else(|| Path::new("")).to_owned(),
        line: row.line,
        problem: format!("`{}` {what}", row.user_principal_name),
    }
}

fn notes(passed_over: &PassedOver) -> Vec<String> {
    let PassedOver { objects, attributes, values, here, references, addresses } = passed_over;
    let list = |names: &[(String, usize)]| {
        let shown: Vec<String> = names
            .iter()
            .take(NAMES_IN_A_NOTE)
            .map(|(name, count)| format!("{name} ({count})"))
            .collect();
        let more = names.len().saturating_sub(NAMES_IN_A_NOTE);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", shown.join(", "))
    };
    let mut notes = Vec::new();
    if !objects.is_empty() {
        notes.push(format!(
            "the export's objects of these kinds are not modelled: {}",
            list(objects)
        ));
    }
    if !attributes.is_empty() {
        notes.push(format!(
            "the schema does not have these attributes of the export: {}",
            list(attributes)
        ));
    }
    if !values.is_empty() {
        notes.push(format!(
            "values of these attributes of the export are not taken over: {}",
            list(values)
        ));
    }
    if !here.is_empty() {
        notes.push(format!(
            "{} object(s) of the export are in every domain and keep what they have here, {} first",
            here.len(),
            here[0]
        ));
    }
    if *references > 0 {
        notes.push(format!("{references} reference(s) of the export name objects that it lacks"));
    }
    if *addresses > 0 {
        notes.push(format!(
            "{addresses} address(es) of the export belonged to another recipient already"
        ));
    }
    notes
}
