//! `include:` in `world:`: a family of scenarios shares a world, with parameters.
//!
//! What the other file holds is read as if it stood at `include:`: there every mistake in it is shown.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::diagnostic::Diagnostic;
use super::super::nearest::advice;
use super::super::span::{Span, Spanned};
use super::super::yaml::{self, Entry, Node, Value};
use super::Reader;

/// Worlds that include one another, at most.
const DEEPEST: usize = 8;

/// What an included file is asked for.
struct Wanted {
    file: Spanned<String>,
    with: Vec<(Spanned<String>, Node)>,
}

impl Reader<'_> {
    /// The world with what it includes; `None` when it includes nothing.
    pub(super) fn with_include(&mut self, world: &Node) -> Option<Node> {
        let folder = self.folder.clone();
        self.include(world, &folder, 0)
    }

    fn include(&mut self, world: &Node, folder: &Path, depth: usize) -> Option<Node> {
        let Value::Mapping(entries) = &world.value else { return None };
        let include = entries.iter().find(|entry| entry.key.value == "include")?;
        let own: Vec<Entry> =
            entries.iter().filter(|entry| entry.key.value != "include").cloned().collect();
        let included = self.included(include, folder, depth).unwrap_or_default();
        Some(Node { span: world.span, value: Value::Mapping(merged(included, own)) })
    }

    /// The entries of the included world.
    fn included(&mut self, include: &Entry, folder: &Path, depth: usize) -> Option<Vec<Entry>> {
        let wanted = self.wanted(&include.value)?;
        let span = wanted.file.span;
        let path = folder.join(&wanted.file.value);
        let wrong = |message: String| Diagnostic::error("bad-include", span, message);
        if depth >= DEEPEST {
            self.report(wrong(format!("worlds include one another more than {DEEPEST} deep")));
            return None;
        }
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                let problem = wrong(format!("cannot read it: {error}"));
                self.report(problem.label("expected a file beside this one"));
                return None;
            }
        };
        let mut document = match yaml::read(&text) {
            Ok(document) => document,
            Err(problem) => {
                let (line, _) = problem.span.line_column(&text);
                self.report(wrong(format!("line {line}: {}", problem.message)));
                return None;
            }
        };
        respan(&mut document, span);
        let mut fields = self.fields(&document, "an included file")?;
        let parameters = fields.take("parameters").map(|entry| entry.value.clone());
        let world = self.required(&mut fields, "world").map(|entry| entry.value.clone());
        self.finish(&fields, "an included file");
        let mut world = world?;
        let values = self.parameters(parameters, wanted)?;
        self.substitute(&mut world, &values);
        let beside = path.parent().map(PathBuf::from).unwrap_or_default();
        let world = self.include(&world, &beside, depth + 1).unwrap_or(world);
        match world.value {
            Value::Mapping(entries) => Some(entries),
            Value::Scalar(_) | Value::Sequence(_) => {
                self.wrong_type(&world, "a mapping, for `world`");
                None
            }
        }
    }

    /// `include: fleet.world`, or `include: {file: fleet.world, with: {mailboxes: 500}}`.
    fn wanted(&mut self, node: &Node) -> Option<Wanted> {
        if super::is_scalar(node) {
            return Some(Wanted { file: self.sentence(node)?, with: Vec::new() });
        }
        let mut fields = self.fields(node, "`include`")?;
        let file = self.required(&mut fields, "file");
        let with = fields.take("with");
        self.finish(&fields, "`include`");
        let with = match with.map(|entry| &entry.value.value) {
            Some(Value::Mapping(entries)) => {
                entries.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect()
            }
            Some(_) => {
                self.wrong_type(&with?.value, "a mapping, for `with`");
                return None;
            }
            None => Vec::new(),
        };
        Some(Wanted { file: self.sentence(&file?.value)?, with })
    }

    /// The value of every parameter: what the including file gives, or the default.
    fn parameters(
        &mut self,
        declared: Option<Node>,
        wanted: Wanted,
    ) -> Option<BTreeMap<String, Node>> {
        let mut values: BTreeMap<String, Node> = BTreeMap::new();
        if let Some(Value::Mapping(entries)) = declared.map(|node| node.value) {
            for entry in entries {
                values.insert(entry.key.value, entry.value);
            }
        }
        for (name, value) in wanted.with {
            if !values.contains_key(&name.value) {
                let message = format!("the included file has no parameter `{}`", name.value);
                let problem = Diagnostic::error("unknown-parameter", name.span, message)
                    .label("unknown parameter");
                self.report(match advice(&name.value, values.keys().map(String::as_str)) {
                    Some(help) => problem.help(help),
                    None => problem,
                });
                continue;
            }
            values.insert(name.value, value);
        }
        let missing: Vec<String> = values
            .iter()
            .filter(|(_, value)| value.is_null())
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        if missing.is_empty() {
            return Some(values);
        }
        let message = format!("the included file wants {}", missing.join(" and "));
        self.report(
            Diagnostic::error("missing-key", wanted.file.span, message)
                .help("give it: `include: {file: ..., with: {...}}`"),
        );
        None
    }

    /// Puts the parameters' values in the place of `${name}`.
    fn substitute(&mut self, node: &mut Node, values: &BTreeMap<String, Node>) {
        let scalar = match &mut node.value {
            Value::Sequence(nodes) => {
                for node in nodes {
                    self.substitute(node, values);
                }
                return;
            }
            Value::Mapping(entries) => {
                for entry in entries {
                    self.substitute(&mut entry.value, values);
                }
                return;
            }
            Value::Scalar(scalar) => scalar,
        };
        if let Some(whole) = scalar.text.strip_prefix("${").and_then(|t| t.strip_suffix('}'))
            && let Some(value) = values.get(whole)
        {
            *node = value.clone();
            return;
        }
        let mut text = String::new();
        let mut rest = scalar.text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                text.push_str("${");
                rest = after;
                continue;
            };
            match values.get(name).and_then(Node::scalar) {
                Some(value) => text.push_str(&value.text),
                None => {
                    let message = format!("the included file has no parameter `{name}`");
                    let problem = Diagnostic::error("unknown-parameter", node.span, message);
                    self.problems.push(problem.help("declare it under its `parameters:`"));
                }
            }
            rest = after;
        }
        text.push_str(rest);
        scalar.text = text;
    }
}

/// The included entries with the including file's own in their place: its population comes after the
/// included one, the keys of a mapping are merged, everything else is its own.
fn merged(included: Vec<Entry>, own: Vec<Entry>) -> Vec<Entry> {
    let mut entries = included;
    for entry in own {
        let Some(there) = entries.iter_mut().find(|other| other.key.value == entry.key.value)
        else {
            entries.push(entry);
            continue;
        };
        match (&mut there.value.value, entry.value.value) {
            (Value::Sequence(there), Value::Sequence(more)) if entry.key.value == "population" => {
                there.extend(more);
            }
            (Value::Mapping(there), Value::Mapping(more)) => {
                for inner in more {
                    there.retain(|other| other.key.value != inner.key.value);
                    there.push(inner);
                }
            }
            (there, value) => *there = value,
        }
        there.key = entry.key;
    }
    entries
}

/// Everything at one place: that of `include:`.
fn respan(node: &mut Node, span: Span) {
    node.span = span;
    match &mut node.value {
        Value::Scalar(_) => {}
        Value::Sequence(nodes) => nodes.iter_mut().for_each(|node| respan(node, span)),
        Value::Mapping(entries) => {
            for entry in entries {
                entry.key.span = span;
                respan(&mut entry.value, span);
            }
        }
    }
}
