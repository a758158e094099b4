//! The JSON document of `run --json`.

use std::io::{self, Write};

use super::{Outcome, unreached};
use crate::judge::verdict::{DOCUMENT_VERSION, Document, Summary, Verdict};

/// The document about `outcomes`.
///
/// A scenario during which hybridsim itself broke counts as unknown, and its reasons say so.
#[must_use]
pub fn document(outcomes: &[Outcome]) -> Document {
    let count = |verdict| outcomes.iter().filter(|o| o.result.verdict == verdict).count();
    Document {
        version: DOCUMENT_VERSION,
        summary: Summary {
            pass: count(Verdict::Pass),
            fail: count(Verdict::Fail),
            unknown: count(Verdict::Unknown),
        },
        unreached_marks: unreached(outcomes).into_iter().map(|mark| mark.name).collect(),
        scenarios: outcomes.iter().map(|outcome| outcome.result.clone()).collect(),
    }
}

/// Writes the document about `outcomes`.
///
/// # Errors
/// What `writer` answers.
pub fn write(outcomes: &[Outcome], writer: impl Write) -> io::Result<()> {
    write_document(&document(outcomes), writer)
}

/// Writes a document.
///
/// # Errors
/// What `writer` answers.
pub fn write_document(document: &Document, mut writer: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut writer, document)?;
    writer.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn the_document_has_the_promised_names() {
        let mut text = Vec::new();
        write(&samples::all(), &mut text).unwrap();
        insta::assert_snapshot!(String::from_utf8(text).unwrap());
    }
}
