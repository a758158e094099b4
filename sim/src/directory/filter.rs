//! Filters: compiled against the schema once, then tested object by object in three-valued logic
//! ([MS-ADTS] 3.1.1.3.1.3).

use core::cmp::Ordering;
use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::directory::answer::{LdapResult, ResultCode};
use crate::directory::derived::{Origin, View};
use crate::directory::diagnostic;
use crate::directory::entry::{ClassNumber, referenced};
use crate::directory::fold;
use crate::directory::forest::{DomainController, Forest};
use crate::directory::name::Dn;
use crate::directory::request::{
    AttributeName, Extensible, Filter, Name, ObjectNumber, Sight, Substrings,
};
use crate::directory::schema::syntax::{Syntax, integer};
use crate::directory::schema::{Attribute, known};
use crate::guid::Guid;
use crate::record::Record;

/// Filters nested deeper are refused.
const MAX_FILTER_DEPTH: usize = 512;

const RULE_BIT_AND: &str = "1.2.840.113556.1.4.803";
const RULE_BIT_OR: &str = "1.2.840.113556.1.4.804";
const RULE_IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// A compiled filter.
#[derive(Clone, Debug)]
pub(super) enum Test<'f> {
    /// The same for every object; `None` is undefined.
    Constant(Option<bool>),
    And(Vec<Test<'f>>),
    Or(Vec<Test<'f>>),
    Not(Box<Test<'f>>),
    Equal(&'f Attribute, Cow<'f, [u8]>),
    Order(&'f Attribute, Cow<'f, [u8]>, Ordering),
    Parts(&'f Attribute, Parts),
    Present(&'f Attribute),
    Bits {
        attribute: &'f Attribute,
        mask: i64,
        all: bool,
    },
    Guid(Guid),
    Object(ObjectNumber),
    Class(ClassNumber),
    Category(Box<str>),
    Refers(&'f Attribute, ObjectNumber),
    InChain(&'f Attribute, ObjectNumber),
}

/// The parts of a substring assertion, folded when the syntax ignores case.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    initial: Option<Vec<u8>>,
    any: Vec<Vec<u8>>,
    last: Option<Vec<u8>>,
}

/// Compiles a filter for a domain controller.
///
/// # Errors
/// 18/216B for a constructed attribute; 1 when nested too deep.
pub(super) fn compile<'f>(
    forest: &'f Forest,
    controller: &DomainController,
    filter: &'f Filter,
) -> Result<Test<'f>, LdapResult> {
    compile_for(forest, controller, filter, false)
}

/// As [`compile`]; in the global catalog only the partial attribute set is there.
pub(super) fn compile_for<'f>(
    forest: &'f Forest,
    controller: &DomainController,
    filter: &'f Filter,
    catalog: bool,
) -> Result<Test<'f>, LdapResult> {
    Compiler { forest, controller, catalog }.filter(filter, 0)
}

struct Compiler<'f, 'c> {
    forest: &'f Forest,
    controller: &'c DomainController,
    catalog: bool,
}

/// A filter element that can be neither true nor false.
const UNDEFINED: Test<'static> = Test::Constant(None);

impl<'f> Compiler<'f, '_> {
    fn filter(&self, filter: &'f Filter, depth: usize) -> Result<Test<'f>, LdapResult> {
        if depth > MAX_FILTER_DEPTH {
            let comment = "The search filter is too deeply nested";
            return Err(diagnostic::ldap(ResultCode::OperationsError, 0x2020, comment));
        }
        let all = |filters: &'f [Filter]| -> Result<Vec<Test<'f>>, LdapResult> {
            filters.iter().map(|inner| self.filter(inner, depth + 1)).collect()
        };
        Ok(match filter {
            Filter::And(filters) => Test::And(all(filters)?),
            Filter::Or(filters) => Test::Or(all(filters)?),
            Filter::Not(inner) => Test::Not(Box::new(self.filter(inner, depth + 1)?)),
            Filter::Equality(name, value) | Filter::Approximate(name, value) => {
                self.equality(name, value)?
            }
            Filter::GreaterOrEqual(name, value) => self.order(name, value, Ordering::Greater)?,
            Filter::LessOrEqual(name, value) => self.order(name, value, Ordering::Less)?,
            Filter::Substrings(name, parts) => self.substrings(name, parts)?,
            Filter::Present(name) if is_anr(name) => Test::Constant(Some(false)),
            Filter::Present(name) => self.attribute(name)?.map_or(UNDEFINED, Test::Present),
            Filter::Extensible(extensible) => self.extensible(extensible)?,
        })
    }

    /// The attribute; `None` when the schema lacks it, which makes the element undefined.
    fn attribute(&self, name: &AttributeName) -> Result<Option<&'f Attribute>, LdapResult> {
        let found = self.forest.attribute(name);
        let found = match found.map(|attribute| attribute.number) {
            // What these say, two stored attributes say too.
            Some(known::CREATE_TIME_STAMP) => self.forest.schema.attribute(known::WHEN_CREATED),
            Some(known::MODIFY_TIME_STAMP) => self.forest.schema.attribute(known::WHEN_CHANGED),
            _ => found,
        };
        // A secret is not to be guessed at.
        let found = found.filter(|attribute| !attribute.secret);
        let found = found.filter(|attribute| !self.catalog || attribute.global_catalog);
        if found.is_some_and(|attribute| attribute.constructed) {
            let comment = "The filter uses a constructed attribute";
            return Err(diagnostic::ldap(ResultCode::InappropriateMatching, 0x216B, comment));
        }
        Ok(found)
    }

    fn equality(&self, name: &AttributeName, value: &'f [u8]) -> Result<Test<'f>, LdapResult> {
        if is_anr(name) {
            return Ok(self.anr(value));
        }
        let Some(attribute) = self.attribute(name)? else { return Ok(UNDEFINED) };
        Ok(match attribute.number {
            known::OBJECT_GUID | known::MS_DS_CONSISTENCY_GUID if value.len() == 36 => {
                match text(value).and_then(|text| text.parse::<Guid>().ok()) {
                    Some(guid) if attribute.number == known::OBJECT_GUID => Test::Guid(guid),
                    Some(guid) => Test::Equal(attribute, Cow::Owned(guid.0.to_vec())),
                    None => Test::Equal(attribute, Cow::Borrowed(value)),
                }
            }
            // The form with braces ([MS-DTYP] 2.3.4.3).
            known::OBJECT_GUID if value.len() == 38 => {
                let inner = value.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
                let guid = inner.and_then(text).and_then(|text| text.parse().ok());
                guid.map_or(UNDEFINED, Test::Guid)
            }
            known::OBJECT_GUID => match <[u8; 16]>::try_from(value) {
                Ok(bytes) => Test::Guid(Guid(bytes)),
                Err(_) => UNDEFINED,
            },
            known::OBJECT_CLASS => {
                let class = text(value).and_then(|text| self.forest.schema.class_named(text));
                class.map_or(UNDEFINED, |class| Test::Class(class.number))
            }
            known::OBJECT_CATEGORY => self.category(value),
            known::DISTINGUISHED_NAME => {
                self.object(value).map_or(Test::Constant(Some(false)), Test::Object)
            }
            _ if attribute.syntax.is_reference() => {
                let target = self.object(value);
                target.map_or(Test::Constant(Some(false)), |at| Test::Refers(attribute, at))
            }
            _ => {
                asserted(attribute, value).map_or(UNDEFINED, |value| with_blanks(attribute, value))
            }
        })
    }

    fn order(
        &self,
        name: &AttributeName,
        value: &'f [u8],
        direction: Ordering,
    ) -> Result<Test<'f>, LdapResult> {
        if is_anr(name) {
            return Ok(self.anr(value));
        }
        let Some(attribute) = self.attribute(name)? else { return Ok(UNDEFINED) };
        let stored = asserted(attribute, value);
        let ordered = stored.filter(|stored| attribute.syntax.order(stored, stored).is_some());
        Ok(ordered.map_or(UNDEFINED, |stored| Test::Order(attribute, stored, direction)))
    }

    fn substrings(
        &self,
        name: &AttributeName,
        parts: &'f Substrings,
    ) -> Result<Test<'f>, LdapResult> {
        if is_anr(name) {
            return Ok(parts.initial.as_deref().map_or(UNDEFINED, |initial| self.anr(initial)));
        }
        let Some(attribute) = self.attribute(name)? else { return Ok(UNDEFINED) };
        if !attribute.syntax.has_substrings() && attribute.number != known::OBJECT_CLASS {
            return Ok(UNDEFINED);
        }
        let fold = |part: &Vec<u8>| {
            if attribute.syntax.ignores_case() {
                fold::folded(part).into_owned()
            } else {
                part.clone()
            }
        };
        let parts = Parts {
            initial: parts.initial.as_ref().map(fold),
            any: parts.any.iter().map(fold).collect(),
            last: parts.last.as_ref().map(fold),
        };
        Ok(Test::Parts(attribute, parts))
    }

    fn extensible(&self, extensible: &'f Extensible) -> Result<Test<'f>, LdapResult> {
        let Some(name) = &extensible.attribute else { return Ok(UNDEFINED) };
        let Some(rule) = extensible.rule.as_deref() else {
            return self.equality(name, &extensible.value);
        };
        let Some(attribute) = self.attribute(name)? else { return Ok(UNDEFINED) };
        Ok(match rule {
            RULE_BIT_AND | RULE_BIT_OR => match integer(&extensible.value) {
                Some(mask) if attribute.syntax.order(b"0", b"0") == Some(Ordering::Equal) => {
                    Test::Bits { attribute, mask, all: rule == RULE_BIT_AND }
                }
                _ => UNDEFINED,
            },
            RULE_IN_CHAIN if attribute.link.is_some() => {
                let target = self.object(&extensible.value);
                target.map_or(Test::Constant(Some(false)), |at| Test::InChain(attribute, at))
            }
            _ => UNDEFINED,
        })
    }

    /// Ambiguous name resolution: a prefix of any attribute of the set; `legacyExchangeDN` exactly; a
    /// blank splits first and last name ([MS-ADTS] 3.1.1.3.1.3.1.3).
    fn anr(&self, value: &'f [u8]) -> Test<'f> {
        let (exact, value) = match value.strip_prefix(b"=") {
            Some(rest) => (true, rest),
            None => (false, value),
        };
        let starts = |attribute: &'f Attribute, part: &'f [u8]| {
            if exact || attribute.number == known::LEGACY_EXCHANGE_DN {
                return Test::Equal(attribute, Cow::Borrowed(part));
            }
            let initial = Some(fold::folded(part).into_owned());
            Test::Parts(attribute, Parts { initial, ..Parts::default() })
        };
        let set = self.forest.schema.attributes().filter(|attribute| attribute.is_anr());
        let mut tests: Vec<Test<'f>> = set.map(|attribute| starts(attribute, value)).collect();
        let names = (
            self.forest.schema.attribute(known::GIVEN_NAME),
            self.forest.schema.attribute(known::SN),
        );
        if let (Some(blank), (Some(given), Some(sn))) =
            (value.iter().position(|byte| *byte == b' '), names)
        {
            let (first, rest) = (&value[..blank], value[blank + 1..].trim_ascii_start());
            let heuristics = &self.forest.heuristics;
            if !heuristics.suppresses_first_last() {
                tests.push(Test::And(vec![starts(given, first), starts(sn, rest)]));
            }
            if !heuristics.suppresses_last_first() {
                tests.push(Test::And(vec![starts(given, rest), starts(sn, first)]));
            }
        }
        Test::Or(tests)
    }

    /// A class name stands for its defaultObjectCategory; otherwise the DN of a category.
    fn category(&self, value: &[u8]) -> Test<'f> {
        let Some(value) = text(value) else { return UNDEFINED };
        if let Some(class) = self.forest.schema.class_named(value) {
            return Test::Category(class.category.clone());
        }
        let Ok(dn) = Dn::parse(value) else { return UNDEFINED };
        let schema_dn = self.forest.contexts.get(super::derived::SCHEMA_CONTEXT).map(|at| &at.dn);
        let parent = dn.parent().zip(schema_dn).is_some_and(|(parent, at)| parent.same(at));
        let named = dn.rdn().filter(|_| parent).and_then(|rdn| {
            self.forest
                .schema
                .classes()
                .find(|class| rdn.value.eq_ignore_ascii_case(&class.common_name))
        });
        named
            .map_or(Test::Constant(Some(false)), |class| Test::Category(class.name.as_ref().into()))
    }

    fn object(&self, value: &[u8]) -> Option<ObjectNumber> {
        let name = Name::from_text(text(value)?);
        self.forest.resolve_in_forest(self.controller.number, &name, Sight::Live).ok()
    }
}

impl Forest {
    /// The attribute that a request names.
    pub(super) fn attribute(&self, name: &AttributeName) -> Option<&Attribute> {
        match name {
            AttributeName::Number(number) => self.schema.attribute(*number),
            AttributeName::Text(text) => self.schema.attribute_named(text),
        }
    }
}

impl Test<'_> {
    /// How many elements have to be tested at most on one object; following a link counts for several.
    pub(super) fn elements(&self) -> usize {
        const CHAIN: usize = 64;
        match self {
            Self::And(tests) | Self::Or(tests) => tests.iter().map(Self::elements).sum(),
            Self::Not(test) => test.elements(),
            Self::InChain(..) => CHAIN,
            _ => 1,
        }
    }

    /// How many stored bytes of an object the test compares at most.
    pub(super) fn bytes_on(&self, record: &Record) -> usize {
        match self {
            Self::And(tests) | Self::Or(tests) => {
                tests.iter().map(|test| test.bytes_on(record)).sum()
            }
            Self::Not(test) => test.bytes_on(record),
            Self::Equal(attribute, _)
            | Self::Order(attribute, ..)
            | Self::Parts(attribute, _)
            | Self::Bits { attribute, .. } => {
                record.values(attribute.number).map(<[u8]>::len).sum()
            }
            _ => 0,
        }
    }

    /// Whether the caller may read the attribute that the test is about, if it is about one: otherwise
    /// the test is undefined ([MS-ADTS] 3.1.1.3.1.3.1).
    fn is_about_readable(&self, view: &View<'_>) -> bool {
        let schema = &view.forest.schema;
        let attribute = match self {
            Self::Constant(_) | Self::And(_) | Self::Or(_) | Self::Not(_) => None,
            // Every object has classes: the test that all objects pass is about no right.
            Self::Present(attribute) if attribute.number == known::OBJECT_CLASS => None,
            Self::Equal(attribute, _)
            | Self::Order(attribute, ..)
            | Self::Parts(attribute, _)
            | Self::Present(attribute)
            | Self::Bits { attribute, .. }
            | Self::Refers(attribute, _)
            | Self::InChain(attribute, _) => Some(*attribute),
            Self::Guid(_) => schema.attribute(known::OBJECT_GUID),
            Self::Object(_) => schema.attribute(known::DISTINGUISHED_NAME),
            Self::Class(_) => schema.attribute(known::OBJECT_CLASS),
            Self::Category(_) => schema.attribute(known::OBJECT_CATEGORY),
        };
        attribute.is_none_or(|attribute| view.is_readable(attribute))
    }

    /// Whether an object satisfies the filter; `None` when it is undefined.
    pub(super) fn holds(&self, view: &View<'_>) -> Option<bool> {
        if view.look.reading.is_some() && !self.is_about_readable(view) {
            return None;
        }
        match self {
            Self::Constant(value) => *value,
            Self::And(tests) => and(tests.iter().map(|test| test.holds(view))),
            Self::Or(tests) => {
                let inverse = tests.iter().map(|test| test.holds(view).map(|value| !value));
                and(inverse).map(|value| !value)
            }
            Self::Not(test) => test.holds(view).map(|value| !value),
            Self::Equal(attribute, value) => {
                Some(any_value(view, attribute, |stored| attribute.syntax.same(stored, value)))
            }
            Self::Order(attribute, value, direction) => {
                Some(any_value(view, attribute, |stored| {
                    let order = attribute.syntax.order(stored, value);
                    order == Some(Ordering::Equal) || order == Some(*direction)
                }))
            }
            Self::Parts(attribute, parts) => Some(any_value(view, attribute, |stored| {
                if attribute.syntax.ignores_case() {
                    parts.match_in(&fold::folded(stored))
                } else {
                    parts.match_in(stored)
                }
            })),
            Self::Present(attribute) => Some(view.has(attribute)),
            Self::Bits { attribute, mask, all } => Some(any_value(view, attribute, |stored| {
                let bits = integer(stored).unwrap_or_default() & mask;
                if *all { bits == *mask } else { bits != 0 }
            })),
            Self::Guid(guid) => Some(view.slot.entry.guid == *guid),
            Self::Object(object) => Some(view.object == *object),
            Self::Class(class) => Some(view.is_of(*class)),
            Self::Category(category) => {
                let class = view.forest.schema.class(view.slot.entry.class);
                Some(class.is_some_and(|class| class.category == *category))
            }
            Self::Refers(attribute, target) => Some(
                references(view.forest, view.controller, view.object, attribute).contains(target),
            ),
            Self::InChain(attribute, target) => Some(in_chain(view, attribute, *target)),
        }
    }
}

/// The stored form of a value that a filter asserts. An integer of 32 bits can be given without its sign, as
/// types of groups often are.
fn asserted<'v>(attribute: &Attribute, value: &'v [u8]) -> Option<Cow<'v, [u8]>> {
    attribute.syntax.stored(value).or_else(|| {
        let number = integer(value).filter(|_| attribute.syntax == Syntax::Integer)?;
        let number = u32::try_from(number).ok()?.cast_signed();
        Some(Cow::Owned(number.to_string().into_bytes()))
    })
}

/// Blanks at both ends of text do not count, and several count as one: text that has such is looked for
/// in both spellings.
fn with_blanks<'f>(attribute: &'f Attribute, value: Cow<'f, [u8]>) -> Test<'f> {
    let is_plain = !value.starts_with(b" ")
        && !value.ends_with(b" ")
        && !value.windows(2).any(|pair| pair == b"  ");
    if is_plain || !matches!(attribute.syntax, Syntax::Unicode | Syntax::Teletex) {
        return Test::Equal(attribute, value);
    }
    let words: Vec<&[u8]> =
        value.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect();
    let plain = words.join(b" ".as_slice());
    Test::Or(vec![Test::Equal(attribute, value), Test::Equal(attribute, Cow::Owned(plain))])
}

/// Undefined unless something is false or everything is true.
fn and(values: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for value in values {
        match value {
            Some(false) => return Some(false),
            Some(true) => {}
            None => result = None,
        }
    }
    result
}

fn any_value(view: &View<'_>, attribute: &Attribute, test: impl Fn(&[u8]) -> bool) -> bool {
    match Origin::of(attribute) {
        Origin::Stored if view.slot.entry.record.has(attribute.number) => {
            view.slot.entry.record.values(attribute.number).any(test)
        }
        Origin::Stored => view.default_value(attribute).is_some_and(test),
        _ => view.values(attribute).iter().any(|value| test(value)),
    }
}

/// The objects that an attribute of an object refers to, by a link in either direction.
pub(super) fn references(
    forest: &Forest,
    controller: &DomainController,
    object: ObjectNumber,
    attribute: &Attribute,
) -> Vec<ObjectNumber> {
    if attribute.is_back_link() {
        let forward = forest.schema.forward_link_of(attribute);
        return forward
            .map(|forward| controller.store.linked_from(object, forward.number).collect())
            .unwrap_or_default();
    }
    let slot = controller.store.get(object);
    slot.map(|slot| slot.entry.record.values(attribute.number).filter_map(referenced).collect())
        .unwrap_or_default()
}

/// Whether the target can be reached over the link, in one step or more.
fn in_chain(view: &View<'_>, attribute: &Attribute, target: ObjectNumber) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![view.object];
    while let Some(object) = next.pop() {
        for reached in references(view.forest, view.controller, object, attribute) {
            if reached == target {
                return true;
            }
            if seen.insert(reached) {
                next.push(reached);
            }
        }
    }
    false
}

impl Parts {
    fn match_in(&self, value: &[u8]) -> bool {
        let Some(mut rest) = value.strip_prefix(self.initial.as_deref().unwrap_or_default()) else {
            return false;
        };
        for part in &self.any {
            let Some(at) = find(rest, part) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(self.last.as_deref().unwrap_or_default())
    }
}

fn find(value: &[u8], part: &[u8]) -> Option<usize> {
    memchr::memmem::find(value, part)
}

fn is_anr(name: &AttributeName) -> bool {
    matches!(name, AttributeName::Text(text) if text.eq_ignore_ascii_case("anr"))
}

fn text(value: &[u8]) -> Option<&str> {
    core::str::from_utf8(value).ok()
}
