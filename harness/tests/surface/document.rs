//! Rows as a page of Markdown, compared with the page that is in the repository.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sim::parity::{Endpoint, Fidelity};
use sim::profile::Evidence;

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) fidelity: Fidelity,
    pub(crate) evidence: Evidence,
    /// What came of the call that works; none for what is absent.
    pub(crate) success: Option<String>,
    /// What came of the call that is refused.
    pub(crate) refusal: String,
}

impl Row {
    pub(crate) fn of_endpoint(
        endpoint: &Endpoint,
        success: Option<String>,
        refusal: String,
    ) -> Self {
        Self {
            what: format!("{} {}", endpoint.method, endpoint.path),
            fidelity: endpoint.fidelity,
            evidence: endpoint.evidence,
            success,
            refusal,
        }
    }
}

/// A part of a page.
pub(crate) struct Part<'p> {
    pub(crate) title: &'p str,
    /// What the two columns of outcomes are.
    pub(crate) says: &'p str,
    /// Where the calls stand that made the rows.
    pub(crate) witness: &'p str,
    pub(crate) rows: &'p [Row],
}

/// The page, as it ought to stand in the repository.
fn page(title: &str, parts: &[Part<'_>]) -> String {
    let mut text = format!(
        "# Parity: {title}\n\nWritten by the tests of `harness/tests/surface/`; see [README](README.md). Do not edit.\n"
    );
    for part in parts {
        let of = |word: &str| part.rows.iter().filter(|row| row.fidelity.word() == word).count();
        // Writing to a text does not fail.
        let _ = write!(
            text,
            "\n## {}\n\n{} modelled, {} approximated, {} absent. {} Witness: `{}`.\n\n| What | Here | Evidence | Success | Refusal | Differs in |\n| --- | --- | --- | --- | --- | --- |\n",
            part.title,
            of("modelled"),
            of("approximated"),
            of("absent"),
            part.says,
            part.witness,
        );
        for row in part.rows {
            let evidence = format!("{:?}", row.evidence).to_lowercase();
            let success = row.success.as_deref().unwrap_or("–");
            let _ = writeln!(
                text,
                "| `{}` | {} | {evidence} | {success} | {} | {} |",
                row.what.replace('|', "\\|"),
                row.fidelity.word(),
                row.refusal,
                row.fidelity.note(),
            );
        }
    }
    text
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/parity")
}

/// Compares the rows with the page in the repository; with `UPDATE_PARITY` set, writes it.
#[track_caller]
pub(crate) fn compare(name: &str, title: &str, parts: &[Part<'_>]) {
    let file = folder().join(format!("{name}.md"));
    let page = page(title, parts);
    if std::env::var_os("UPDATE_PARITY").is_some() {
        std::fs::write(&file, page).expect("the page is written");
        return;
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = kept.lines().zip(page.lines()).find(|(kept, made)| kept != made);
    assert!(
        kept == page,
        "docs/parity/{name}.md is not what the witnesses saw{}.\nWrite it anew: UPDATE_PARITY=1 cargo test -p harness --test surface",
        differs.map_or_else(String::new, |(kept, made)| format!(":\n  {kept}\n  {made}"))
    );
}
