//! YAML 1.2 text to a tree that knows where every word stands. The only file that names the YAML
//! crate.
//!
//! The events of its parser carry exact places, which serde's data model would lose wherever a key
//! decides how the rest is read. Tags are refused, aliases are resolved by copying within a budget, a merge
//! key (`<<`, the merge type of yaml.org) gives a mapping what it does not say itself, a key that comes twice
//! is an error, and a file is one document.

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, ScanError};

use super::diagnostic::Diagnostic;
use super::span::{Span, Spanned};

/// A part of the document.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Its place. A scalar's includes its quotes.
    pub(super) span: Span,
    /// What it is.
    pub(super) value: Value,
}

/// What a part of the document is.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Text, a number, a truth value or nothing.
    Scalar(Scalar),
    /// `[a, b]` or lines that begin with `-`.
    Sequence(Vec<Node>),
    /// `{a: b}` or lines with a key.
    Mapping(Vec<Entry>),
}

/// A scalar as written.
#[derive(Debug, Clone)]
pub(super) struct Scalar {
    /// Its text after unquoting, unescaping and folding.
    pub(super) text: String,
    /// Its notation.
    pub(super) style: Style,
    /// Whether it is text, or what its text says, whatever its notation: by a tag (`!!str`, `!!int`).
    tagged: Option<Kind>,
}

/// What a tag makes of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `!!str`.
    Text,
    /// `!!int`, `!!bool`, `!!null`, `!!float`: as if it stood there without quotes.
    Plain,
}

/// The notation of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Without quotes.
    Plain,
    /// `'text'`.
    SingleQuoted,
    /// `"text"`.
    DoubleQuoted,
    /// `|` or `>`.
    Block,
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: Spanned<String>,
    /// The value.
    pub(super) value: Node,
}

impl Node {
    /// The scalar, when it is one.
    pub(super) fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// Whether nothing was written here: no value at all, `~` or `null`.
    pub(super) fn is_null(&self) -> bool {
        self.scalar().is_some_and(Scalar::is_null)
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(scalar) if scalar.is_null() => "nothing",
            Value::Scalar(scalar) if scalar.boolean().is_some() => "a truth value",
            Value::Scalar(scalar) if scalar.integer().is_some() => "a number",
            Value::Scalar(_) => "text",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}

impl Scalar {
    fn plain(&self) -> Option<&str> {
        let is_plain = match self.tagged {
            Some(kind) => kind == Kind::Plain,
            None => self.style == Style::Plain,
        };
        is_plain.then_some(self.text.as_str())
    }

    fn is_null(&self) -> bool {
        matches!(self.plain(), Some("" | "~" | "null" | "Null" | "NULL"))
    }

    /// Whether it is what a tag of the core schema, by its name, says of it.
    fn is_as(&self, tag: &str) -> bool {
        match tag {
            "int" => self.integer().is_some(),
            "bool" => self.boolean().is_some(),
            "null" => self.is_null(),
            "float" => self.text.parse::<f64>().is_ok(),
            _ => true,
        }
    }

    /// Its truth value, by the core schema of YAML 1.2 (so `yes` and `on` have none).
    pub(super) fn boolean(&self) -> Option<bool> {
        match self.plain()? {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }

    /// Its number: decimal, `0x1f` or `0o17` (YAML 1.2, core schema). Wide enough for every seed.
    pub(super) fn integer(&self) -> Option<i128> {
        let text = self.plain()?;
        let of = |prefix: &str, radix| {
            let digits = text.strip_prefix(prefix)?;
            let is_digit = |c: char| c.is_digit(radix);
            digits.chars().all(is_digit).then(|| i128::from_str_radix(digits, radix))
        };
        let other = of("0x", 16).or_else(|| of("0o", 8));
        other.unwrap_or_else(|| text.parse()).ok()
    }

    /// The place in the source of a range of the text, for a scalar that stands at `span`. The
    /// whole scalar where the notation hides it.
    pub(super) fn locate(&self, source: &str, span: Span, start: usize, end: usize) -> Span {
        let body = match self.style {
            Style::Plain | Style::Block => span,
            Style::SingleQuoted | Style::DoubleQuoted => Span::new(span.start + 1, span.end),
        };
        let Some(written) = source.get(body.range()) else { return span };
        match (self.offset(written, start), self.offset(written, end)) {
            (Some(from), Some(to)) => Span::new(body.start + from, body.start + to.max(from)),
            _ => span,
        }
    }

    /// The offset in `written` of an offset in the text.
    fn offset(&self, written: &str, target: usize) -> Option<usize> {
        let mut rest = written;
        for (at, wanted) in self.text.char_indices() {
            if at >= target {
                break;
            }
            rest = self.skip_one(rest, wanted)?;
        }
        // Line ends and indentation in front of a word are not the word.
        let next = self.text.get(target..)?.chars().next();
        if next.is_some_and(|next| !next.is_whitespace()) {
            rest = rest.trim_start();
        }
        Some(written.len() - rest.len())
    }

    /// `written` after the notation of one character of the text.
    fn skip_one<'s>(&self, written: &'s str, wanted: char) -> Option<&'s str> {
        match self.style {
            Style::SingleQuoted if wanted == '\'' => return written.strip_prefix("''"),
            Style::DoubleQuoted if written.starts_with('\\') => return skip_escape(written),
            _ => {}
        }
        let after_blanks = written.trim_start_matches([' ', '\t', '\r']);
        match wanted {
            '\n' => after_blanks.strip_prefix('\n'),
            ' ' if after_blanks.starts_with('\n') => Some(written.trim_start()),
            _ => written.strip_prefix(wanted).or_else(|| written.trim_start().strip_prefix(wanted)),
        }
    }
}

/// Reads the one document of `source`.
///
/// # Errors
/// The first violation of YAML's syntax, or something that scenario files do without.
pub(super) fn read(source: &str) -> Result<Node, Diagnostic> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut tree = Tree::default();
    for event in Parser::new_from_str_with_options(source, options) {
        let (event, place) = event.map_err(|error| syntax_error(source, &error))?;
        let range = place.byte_range().unwrap_or(source.len()..source.len());
        let tag = place.tag_span().and_then(|tag| tag.byte_range());
        tree.tag = tag.map(|tag| Span::new(tag.start, tag.end));
        tree.accept(event, Span::new(range.start, range.end), source)?;
    }
    tree.document.ok_or_else(|| {
        Diagnostic::error("empty-file", Span::new(0, 0), "the file says nothing")
            .help("a scenario begins with `scenario:` and a sentence")
    })
}

/// More nodes than any scenario has; what aliases of aliases can grow to.
const NODE_BUDGET: usize = 1_000_000;

/// The tree while it grows.
#[derive(Default)]
struct Tree {
    document: Option<Node>,
    open: Vec<Open>,
    anchors: Vec<(usize, Node)>,
    copied: usize,
    /// Where the tag of the part stands that comes next.
    tag: Option<Span>,
}

/// A collection whose end has not come yet.
struct Open {
    start: usize,
    flow: bool,
    anchor: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping(Fields),
}

/// A mapping whose end has not come yet.
#[derive(Default)]
struct Fields {
    entries: Vec<Entry>,
    key: Option<Key>,
    /// What a merge key gives, and before which of the entries it stands.
    merged: Option<(usize, Vec<Entry>)>,
}

/// A key whose value has not come yet.
struct Key {
    name: Spanned<String>,
    /// Whether it is `<<` without quotes.
    merges: bool,
}

/// The merge key.
const MERGE: &str = "<<";

impl Tree {
    fn accept(&mut self, event: Event<'_>, span: Span, source: &str) -> Result<(), Diagnostic> {
        if let Some(tag) = event.tag() {
            let (handle, name) = tag.original_parts();
            let wanted = match &event {
                Event::SequenceStart(..) => tag.is_yaml_core_schema_tag("seq"),
                Event::MappingStart(..) => tag.is_yaml_core_schema_tag("map"),
                _ => tag.is_yaml_core_schema() && !["seq", "map"].contains(&name),
            };
            if !wanted {
                return Err(self.bad_tag(&format!("{handle}{name}"), span));
            }
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let mut node = scalar_node(&text, style, span, source);
                if let (Some(tag), Value::Scalar(scalar)) = (tag, &mut node.value) {
                    let is_text = tag.is_yaml_core_schema_tag("str");
                    scalar.tagged = Some(if is_text { Kind::Text } else { Kind::Plain });
                    let (handle, name) = tag.original_parts();
                    if !scalar.is_as(name) {
                        return Err(self.bad_tag(&format!("{handle}{name}"), span));
                    }
                }
                self.finish(node, anchor)
            }
            Event::Alias(id) => {
                let node = self.copy_of(id, span)?;
                self.finish(node, 0)
            }
            Event::SequenceStart(style, anchor, _) => {
                let flow = style == serde_saphyr::granit_parser::StructureStyle::Flow;
                let content = Content::Sequence(Vec::new());
                self.open.push(Open { start: span.start, flow, anchor, content });
                Ok(())
            }
            Event::MappingStart(style, anchor, _) => {
                let flow = style == serde_saphyr::granit_parser::StructureStyle::Flow;
                let content = Content::Mapping(Fields::default());
                self.open.push(Open { start: span.start, flow, anchor, content });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::DocumentStart(..) if self.document.is_some() => {
                Err(Diagnostic::error("second-document", span, "a file holds one scenario")
                    .label("a second document begins here")
                    .help("put it into a file of its own"))
            }
            _ => Ok(()),
        }
    }

    /// A tag that is none of the core schema's, or that what it stands before does not fit.
    fn bad_tag(&self, tag: &str, span: Span) -> Diagnostic {
        let message = format!("`{tag}` says nothing here that a scenario file knows");
        Diagnostic::error("yaml-tag", self.tag.unwrap_or(span), message)
            .label("remove the tag")
            .help(
                "the tags of YAML 1.2's core schema mean something, before what fits them: `!!str`, `!!int`, \
                 `!!bool`, `!!null`, `!!float`, `!!seq` and `!!map`",
            )
    }

    fn close(&mut self, span: Span) -> Result<(), Diagnostic> {
        let Some(Open { start, flow, anchor, content }) = self.open.pop() else { return Ok(()) };
        let (value, last) = match content {
            Content::Sequence(nodes) => {
                let last = nodes.last().map(|node| node.span.end);
                (Value::Sequence(nodes), last)
            }
            Content::Mapping(fields) => {
                let last = fields.entries.last().map(|entry| entry.value.span.end);
                (Value::Mapping(fields.whole()), last)
            }
        };
        let end = if flow { span.end } else { last.unwrap_or(span.end).max(start) };
        self.finish(Node { span: Span::new(start, end), value }, anchor)
    }

    /// Puts a finished node where it belongs.
    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Diagnostic> {
        if anchor != 0 {
            self.anchors.push((anchor, node.clone()));
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.document = Some(node),
            Some(Content::Sequence(nodes)) => nodes.push(node),
            Some(Content::Mapping(fields)) => fields.accept(node)?,
        }
        Ok(())
    }

    fn copy_of(&mut self, id: usize, span: Span) -> Result<Node, Diagnostic> {
        let found = self.anchors.iter().rev().find(|(anchor, _)| *anchor == id);
        let Some((_, node)) = found else {
            return Err(Diagnostic::error("yaml-alias", span, "this alias stands for itself")
                .label("inside of what its anchor marks"));
        };
        let node = node.clone();
        self.copied += count(&node);
        if self.copied > NODE_BUDGET {
            return Err(Diagnostic::error("yaml-alias", span, "aliases make this file too large"));
        }
        Ok(node)
    }
}

impl Fields {
    /// The next key, or the value of the last one.
    fn accept(&mut self, node: Node) -> Result<(), Diagnostic> {
        match self.key.take() {
            Some(key) if key.merges => {
                self.merged = Some((self.entries.len(), given(node, key.name.span)?));
            }
            Some(Key { name: key, .. }) => {
                // A value that was left out has no place of its own.
                let span = if node.span.start == node.span.end { key.span } else { node.span };
                self.entries.push(Entry { key, value: Node { span, ..node } });
            }
            None => self.key = Some(self.new_key(node)?),
        }
        Ok(())
    }

    fn new_key(&self, node: Node) -> Result<Key, Diagnostic> {
        let span = node.span;
        let Value::Scalar(scalar) = node.value else {
            return Err(Diagnostic::error("yaml-key", span, "a key is one word or quoted text")
                .label("this is a list or a mapping"));
        };
        let merges = scalar.plain() == Some(MERGE);
        let is_there = match merges {
            true => self.merged.is_some(),
            false => self.entries.iter().any(|entry| entry.key.value == scalar.text),
        };
        if is_there {
            let message = format!("`{}` comes twice", scalar.text);
            let problem =
                Diagnostic::error("duplicate-key", span, message).label("the second time");
            return Err(problem.help(match merges {
                true => "one merge key takes several mappings: `<<: [*one, *other]`",
                false => "a mapping says each thing once; join the two",
            }));
        }
        Ok(Key { name: Spanned::new(scalar.text, span), merges })
    }

    /// The entries: what the mapping says itself counts, what it does not say comes from the merge key.
    fn whole(mut self) -> Vec<Entry> {
        let Some((at, merged)) = self.merged.take() else { return self.entries };
        let own = &self.entries;
        let lacks = |entry: &Entry| own.iter().all(|known| known.key.value != entry.key.value);
        let further: Vec<Entry> = merged.into_iter().filter(lacks).collect();
        self.entries.splice(at..at, further);
        self.entries
    }
}

/// What a merge key gives: the entries of one mapping or of several, of which the first to say something
/// counts.
fn given(node: Node, key: Span) -> Result<Vec<Entry>, Diagnostic> {
    let place = if node.span.start == node.span.end { key } else { node.span };
    let nodes = match node.value {
        Value::Sequence(nodes) => nodes,
        value => vec![Node { span: place, value }],
    };
    let mut found: Vec<Entry> = Vec::new();
    for node in nodes {
        let Value::Mapping(entries) = node.value else {
            let message = format!("`{MERGE}` takes over mappings, and this is {}", node.kind());
            return Err(Diagnostic::error("yaml-merge", node.span, message)
                .label("expected an alias of a mapping, such as `*base`"));
        };
        for entry in entries {
            if found.iter().all(|known| known.key.value != entry.key.value) {
                found.push(entry);
            }
        }
    }
    Ok(found)
}

fn scalar_node(text: &str, style: ScalarStyle, span: Span, source: &str) -> Node {
    let style = match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
    };
    let written = source.get(span.range()).unwrap_or_default();
    let span = Span::new(span.start, span.start + written.trim_end().len());
    // The parser shows a missing value as `~`.
    let text = if written.is_empty() { "" } else { text };
    Node { span, value: Value::Scalar(Scalar { text: text.to_owned(), style, tagged: None }) }
}

fn count(node: &Node) -> usize {
    1 + match &node.value {
        Value::Scalar(_) => 0,
        Value::Sequence(nodes) => nodes.iter().map(count).sum(),
        Value::Mapping(entries) => entries.iter().map(|entry| count(&entry.value)).sum(),
    }
}

fn skip_escape(written: &str) -> Option<&str> {
    let mut characters = written.char_indices().skip(1);
    let (_, kind) = characters.next()?;
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    let end = characters.nth(digits).map_or(written.len(), |(at, _)| at);
    written.get(end..)
}

fn syntax_error(source: &str, error: &ScanError) -> Diagnostic {
    let at = error.marker().byte_offset().unwrap_or(source.len()).min(source.len());
    let width = source.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    let line_start = source.get(..at).and_then(|s| s.rfind('\n')).map_or(0, |newline| newline + 1);
    if source.get(at..).is_some_and(|rest| rest.starts_with('*')) {
        let rest = source.get(at..).unwrap_or_default();
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '{' | '}');
        let end = at + rest.find(ends).unwrap_or(rest.len());
        let name = rest.get(1..end - at).unwrap_or_default();
        let span = Span::new(at, end);
        return Diagnostic::error("yaml-alias", span, format!("there is no anchor `{name}`"))
            .label(format!("expected `&{name}` somewhere before this"));
    }
    let line = source.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let diagnostic = Diagnostic::error(
        "yaml-syntax",
        Span::new(at, at + width),
        format!("this is not YAML: {}", error.info()),
    );
    if line.trim_start_matches(' ').starts_with('\t') {
        return diagnostic.help("indent with spaces; YAML has no tabs there");
    }
    if line.matches(": ").count() > 1 {
        return diagnostic.help(
            "put a text that has `: ` in it into quotes, and an inner mapping into {braces}",
        );
    }
    diagnostic.help("look at the indentation and the quotes of this line and the one before it")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The word that a range of a scalar's text is drawn under.
    #[track_caller]
    fn drawn_under(source: &str, word: &str) -> String {
        let document = read(source).unwrap();
        let Value::Mapping(entries) = &document.value else { panic!("not a mapping") };
        let node = &entries[0].value;
        let scalar = node.scalar().unwrap();
        let start = scalar.text.find(word).unwrap();
        let span = scalar.locate(source, node.span, start, start + word.len());
        source[span.range()].to_owned()
    }

    #[test]
    fn a_word_of_a_scalar_is_found_in_every_notation() {
        assert_eq!(drawn_under("a: one two three # c\n", "two"), "two");
        assert_eq!(drawn_under("a: 'it''s ''two'' three'\n", "two"), "two");
        assert_eq!(drawn_under("a: \"\\u00e9\\n\\x41 two \\\"q\\\" tree\"\n", "tree"), "tree");
        assert_eq!(drawn_under("a: |\n  one\n\n  two three\n   four\n", "three"), "three");
        assert_eq!(drawn_under("a: |\n  one\n  two three\n", "two"), "two");
        assert_eq!(drawn_under("a: >-\n  one\n  two three\n", "three"), "three");
        assert_eq!(drawn_under("a: one\n  two three\n", "three"), "three");
    }

    /// The keys of the last entry's mapping, each with its value.
    #[track_caller]
    fn last_mapping(source: &str) -> String {
        let document = read(source).unwrap();
        let Value::Mapping(entries) = &document.value else { panic!("not a mapping") };
        let Value::Mapping(entries) = &entries.last().unwrap().value.value else {
            panic!("not a mapping")
        };
        let shown = entries.iter().map(|entry| {
            format!("{}={}", entry.key.value, entry.value.scalar().map_or("?", |s| &s.text))
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    /// The merge type of yaml.org: own entries count, wherever they stand, then the first mapping.
    #[test]
    fn a_merge_key_gives_what_a_mapping_does_not_say_itself() {
        let base = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\n";
        assert_eq!(last_mapping(&format!("{base}c: {{<<: *a, y: 5}}\n")), "x=1 y=5");
        assert_eq!(last_mapping(&format!("{base}c: {{w: 0, y: 5, <<: *a}}\n")), "w=0 y=5 x=1");
        assert_eq!(last_mapping(&format!("{base}c:\n  <<: [*a, *b]\n")), "x=1 y=2 z=4");
        assert_eq!(last_mapping(&format!("{base}c: {{'<<': 1}}\n")), "<<=1", "quoted it is a key");
        for wrong in ["{<<: 1}", "{<<: [*a, 2]}", "{<<: *a, <<: *b}", "{<<: }"] {
            assert!(read(&format!("{base}c: {wrong}\n")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn truth_and_numbers_are_those_of_yaml_1_2() {
        let document = read("[true, yes, 'true', 12, 0x1, ~, '', null]").unwrap();
        let Value::Sequence(nodes) = &document.value else { panic!("not a sequence") };
        let kinds: Vec<_> = nodes.iter().map(Node::kind).collect();
        assert_eq!(
            kinds,
            ["a truth value", "text", "text", "a number", "a number", "nothing", "text", "nothing"]
        );
    }

    /// YAML 1.2.2, 10.3.1.
    #[test]
    fn tags_of_the_core_schema_say_what_something_is() {
        let source = "!!seq [!!str 12, !!int '12', !!bool \"true\", !!null '', !!str, !!str true, !!float 1.5]";
        let document = read(source).unwrap();
        let Value::Sequence(nodes) = &document.value else { panic!("not a sequence") };
        let kinds: Vec<_> = nodes.iter().map(Node::kind).collect();
        assert_eq!(kinds, ["text", "a number", "a truth value", "nothing", "text", "text", "text"]);
        for (wrong, tag) in [
            ("a: !secret x", "!secret"),
            ("a: !!int x", "!!int"),
            ("a: !!map [x]", "!!map"),
            ("a: !!seq x", "!!seq"),
            ("a: !!timestamp 2026-09-01", "!!timestamp"),
        ] {
            let problem = read(wrong).unwrap_err();
            assert_eq!((problem.code, &wrong[problem.span.range()]), ("yaml-tag", tag));
        }
    }

    #[test]
    fn aliases_cannot_explode() {
        let mut source = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let inner = format!("*a{} , ", level - 1).repeat(10);
            source.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        assert_eq!(read(&source).unwrap_err().code, "yaml-alias");
    }
}
