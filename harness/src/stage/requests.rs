//! Whether the estate understands a request of a step at all: LDIF change records, and paths of Graph.

use sim::directory::ldif;
use sim::directory::request::{AttributeName, ChangeOperation, Name, Operation};
use sim::wire::graph::{Served, served};

use crate::scenario::{LdifProblem, LdifRecord, Misfit, choice, list, nearest};

/// What LDIF change records ask for, read by the estate's own parser.
///
/// # Errors
/// [`LdifProblem`] at the first line that is wrong.
pub(super) fn ldif(text: &str) -> Result<Vec<LdifRecord>, LdifProblem> {
    let read = ldif::operations(text);
    let read = read.map_err(|error| LdifProblem { line: error.line, problem: error.problem })?;
    Ok(read.iter().filter_map(record).collect())
}

/// `None` for an object that is named by something else than its distinguished name.
fn record(operation: &Operation) -> Option<LdifRecord> {
    let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    let mut values: Vec<(String, Vec<String>)> = Vec::new();
    let mut gives = |name: &AttributeName, given: &[Vec<u8>]| {
        let texts = given.iter().map(|value| String::from_utf8(value.clone()).ok());
        let texts: Option<Vec<String>> = texts.collect();
        values.extend(typed(name).map(str::to_owned).zip(texts));
    };
    let (dn, adds, renames, attributes) = match operation {
        Operation::Add(add) => {
            add.attributes.iter().for_each(|(name, given)| gives(name, given));
            let own = add.attributes.iter().filter_map(|(name, _)| typed(name));
            (add.dn.clone(), true, None, names(own.collect()))
        }
        Operation::Modify(modify) => {
            let adding = [ChangeOperation::Add, ChangeOperation::Replace];
            let given = modify.changes.iter().filter(|at| adding.contains(&at.operation));
            given.for_each(|change| gives(&change.attribute, &change.values));
            let own = modify.changes.iter().filter_map(|change| typed(&change.attribute));
            (of(&modify.object)?, false, None, names(own.collect()))
        }
        Operation::Delete(delete) => (of(&delete.object)?, false, None, Vec::new()),
        Operation::ModifyDn(rename) => {
            (of(&rename.object)?, false, Some(rename.new_rdn.clone()), Vec::new())
        }
        Operation::Search(_) | Operation::Compare(_) => return None,
    };
    Some(LdifRecord { dn, adds, renames, attributes, values })
}

fn typed(name: &AttributeName) -> Option<&str> {
    match name {
        AttributeName::Text(text) => Some(text),
        AttributeName::Number(_) => None,
    }
}

fn of(name: &Name) -> Option<String> {
    match name {
        Name::Dn(dn) => Some(dn.clone()),
        Name::Guid(_) | Name::Sid(_) | Name::WellKnown { .. } | Name::Number(_) => None,
    }
}

/// Whether Graph answers requests of this method and address.
///
/// # Errors
/// Why it does not, with what it answers.
pub(super) fn graph(method: &str, address: &str) -> Result<(), Misfit> {
    let path = address.split('?').next().unwrap_or_default();
    match served(method, address) {
        Served::Here => Ok(()),
        Served::Absent => {
            let message = format!("`{method} {path}` is documented, and not modelled here");
            Err(Misfit::new(message, "answered with 501")
                .help("with `expect_error: 501` beside it the step runs"))
        }
        Served::WithMethods(methods) => {
            let message = format!("Graph does not take `{method}` at `{path}`");
            Err(Misfit::new(message, format!("expected {}", choice(&methods))))
        }
        Served::Nowhere(paths) => {
            let message = format!("Graph has no path `{path}`");
            let misfit = Misfit::new(message, "unknown path");
            Err(match nearest(path, paths.iter().copied()).or_else(|| alike(path, &paths)) {
                Some(meant) => misfit.help(format!("did you mean `{meant}`?")),
                None if paths.len() <= 12 => misfit.help(format!("there are {}", list(&paths))),
                None => misfit,
            })
        }
    }
}

/// The documented path most of whose segments are those of this one: keys fit everything.
fn alike<'p>(path: &str, paths: &[&'p str]) -> Option<&'p str> {
    let segments: Vec<&str> = path.split('/').collect();
    let misses = |known: &str| {
        let pairs = known.split('/').zip(&segments);
        pairs
            .filter(|(known, own)| !known.starts_with('{') && !known.eq_ignore_ascii_case(own))
            .count()
    };
    let near = paths.iter().filter(|known| {
        let pairs = known.split('/').zip(&segments);
        pairs.clone().all(|(known, own)| known.starts_with('{') || nearest(own, [known]).is_some())
    });
    near.min_by_key(|known| misses(known)).copied()
}
