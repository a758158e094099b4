//! What a log of transfers says was about to be written, and not how that ended: the process died in between. The
//! next call that does the same finds out by reading, and completes the log.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::path::Path;

use engine::change::{ModifiedProperty, ShownValues};
use engine::guid::Guid;
use engine::ports::MailboxId;
use engine::transfer::Action;
use engine::transfer::record::BEGUN;
use serde::Deserialize;

use super::AloneError;

/// What counts of a line.
#[derive(Deserialize)]
struct Line {
    action: String,
    mailbox: String,
    object: Option<String>,
    outcome: String,
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    name: String,
    /// Lines of version 1 joined them.
    #[serde(default, rename = "oldValues")]
    old: ShownValues,
    #[serde(default, rename = "newValues")]
    new: ShownValues,
}

/// What this action left open, in AD or in the cloud; nothing where there is no log.
///
/// # Errors
/// [`AloneError::File`] when the log cannot be read.
pub(super) fn begun(
    log: &Path,
    action: Action,
    in_directory: bool,
) -> Result<BTreeMap<MailboxId, Vec<ModifiedProperty>>, AloneError> {
    let refuse =
        |why: std::io::Error| AloneError::File { path: log.to_owned(), why: why.to_string() };
    let file = match File::open(log) {
        Ok(file) => file,
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(why) => return Err(refuse(why)),
    };
    let mut open = BTreeMap::new();
    for text in BufReader::new(file).split(b'\n') {
        // What is no entry is half a line that a killed process left.
        let Ok(line) = serde_json::from_slice::<Line>(&text.map_err(refuse)?) else { continue };
        let Ok(id) = line.mailbox.parse::<Guid>().map(MailboxId) else { continue };
        if line.action != action.word() || line.object.is_some() != in_directory {
            continue;
        }
        if line.outcome == BEGUN {
            let change = |change: Change| ModifiedProperty {
                attribute: change.name.into(),
                old: change.old,
                new: change.new,
            };
            open.insert(id, line.changes.into_iter().map(change).collect());
        } else {
            open.remove(&id);
        }
    }
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_and_never_ended_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        assert!(begun(&log, Action::Restore, false).unwrap().is_empty());
        let [ended, open, directory] = [1, 2, 3].map(|byte| MailboxId(Guid([byte; 16])));
        let line = |id: MailboxId, action: &str, object: &str, outcome: &str| {
            format!(
                r#"{{"action":"{action}","mailbox":"{id}","object":{object},"outcome":"{outcome}","changes":[{{"name":"mail","oldValues":["a"],"newValues":["b","c"]}}]}}"#
            )
        };
        let lines = [
            line(ended, "restore", "null", "begun"),
            line(open, "restore", "null", "begun"),
            line(open, "flip", "null", "flipped"),
            line(ended, "restore", "null", "restored"),
            line(directory, "restore", "\"x\"", "begun"),
            "{\"half".to_owned(),
        ];
        std::fs::write(&log, lines.join("\n")).unwrap();
        let found = begun(&log, Action::Restore, false).unwrap();
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [open]);
        assert_eq!(found[&open][0].new, ShownValues::of(["b", "c"]));
        let found = begun(&log, Action::Restore, true).unwrap();
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [directory]);
        assert!(begun(&log, Action::Reconcile, true).unwrap().is_empty());
    }
}
