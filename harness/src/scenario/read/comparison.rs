//! Comparisons: a value alone, or `contains`, `at_least` and their like.

use std::collections::BTreeSet;

use super::super::diagnostic::Diagnostic;
use super::super::expectation::{Comparison, Pattern, Quantity};
use super::super::nearest::advice;
use super::super::quantity;
use super::super::span::Spanned;
use super::super::yaml::{Entry, Node, Value};
use super::Reader;

/// What is compared, and so which comparisons make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// The values of an attribute: everything.
    Values,
    /// A number: equality and size.
    Number,
    /// A length of time: equality and size.
    Duration,
    /// An instant, or none: equality, size and absence.
    Instant,
    /// One word.
    Word,
    /// One word, or none.
    Presence,
}

impl Measure {
    fn comparisons(self) -> &'static [&'static str] {
        match self {
            Self::Values => &Comparison::NAMES,
            Self::Number | Self::Duration => &["equals", "below", "above", "at_least", "at_most"],
            Self::Instant => &["absent", "equals", "below", "above", "at_least", "at_most"],
            Self::Word => &["equals", "matches"],
            Self::Presence => &["absent", "equals", "matches"],
        }
    }

    /// Whether it is counted or measured, from nothing up.
    const fn is_never_negative(self) -> bool {
        matches!(self, Self::Number | Self::Duration)
    }

    /// What a value that is compared for equality is by size.
    fn quantity(self, value: &str) -> Option<Quantity> {
        match self {
            Self::Number => value.parse().ok().map(Quantity::Number),
            Self::Duration => quantity::duration(value).ok().map(Quantity::Duration),
            Self::Instant => quantity::instant(value).map(Quantity::Instant),
            Self::Values | Self::Word | Self::Presence => None,
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Values => "a value, a list of values, or a comparison such as `{contains: ...}`",
            Self::Number => "a whole number, or a comparison such as `{at_least: 1}`",
            Self::Duration => "a length of time, or a comparison such as `{below: 3h}`",
            Self::Instant => "an instant, or a comparison such as `{above: 2026-09-01T08:00:00Z}`",
            Self::Word => "a word",
            Self::Presence => "a word, or `{absent: true}`",
        }
    }
}

/// What a comparison by size lets through: from the first to the last, in the smallest units of its kind.
#[derive(Debug, Clone, Copy)]
struct Range {
    kind: std::mem::Discriminant<Quantity>,
    first: i128,
    last: i128,
}

impl Range {
    fn of(comparison: &Comparison, measure: Measure) -> Option<Self> {
        let from = |quantity: &Quantity, first: i128| (*quantity, first, i128::MAX);
        let up_to = |quantity: &Quantity, last: i128| (*quantity, i128::MIN, last);
        let (quantity, first, last) = match comparison {
            Comparison::AtLeast(quantity) => from(quantity, quantity.units()),
            Comparison::Above(quantity) => from(quantity, quantity.units() + 1),
            Comparison::AtMost(quantity) => up_to(quantity, quantity.units()),
            Comparison::Below(quantity) => up_to(quantity, quantity.units() - 1),
            Comparison::Equals(values) => {
                let quantity = measure.quantity(values.first()?)?;
                (quantity, quantity.units(), quantity.units())
            }
            _ => return None,
        };
        Some(Self { kind: std::mem::discriminant(&quantity), first, last })
    }

    /// Whether something is within both; nothing is a number and a length of time.
    fn meets(&self, other: &Self) -> bool {
        self.kind == other.kind && self.first <= other.last && other.first <= self.last
    }

    /// Whether it lets everything through that is not less than nothing.
    const fn is_all(&self) -> bool {
        self.first <= 0 && self.last == i128::MAX
    }
}

impl Reader<'_> {
    /// Everything that `node` demands of one thing; all of it must hold.
    pub(super) fn comparisons(
        &mut self,
        node: &Node,
        measure: Measure,
    ) -> Vec<Spanned<Comparison>> {
        let Value::Mapping(entries) = &node.value else {
            return self.equality(node, measure).into_iter().collect();
        };
        if entries.is_empty() {
            self.wrong_type(node, measure.expected());
        }
        let found: Vec<_> =
            entries.iter().filter_map(|entry| self.comparison(entry, measure)).collect();
        let absent = found.iter().find(|c| c.value == Comparison::Absent(true));
        if let Some(absent) = absent.filter(|_| found.len() > 1) {
            self.report(
                Diagnostic::error(
                    "impossible-expectation",
                    absent.span,
                    "what is absent has no values",
                )
                .help("drop `absent: true` or the comparisons beside it"),
            );
        }
        self.check_bounds(&found, measure);
        self.check_number_of_values(&found);
        found
    }

    /// Refuses a number of values that those which are named cannot have.
    fn check_number_of_values(&mut self, found: &[Spanned<Comparison>]) {
        let distinct = |values: &[String]| {
            let all: BTreeSet<String> = values.iter().map(|value| value.to_lowercase()).collect();
            i64::try_from(all.len()).unwrap_or(i64::MAX)
        };
        let within = found.iter().filter_map(|one| {
            let (least, most) = match &one.value {
                Comparison::Equals(values) | Comparison::Set(values) => {
                    (distinct(values), i64::try_from(values.len()).unwrap_or(i64::MAX))
                }
                Comparison::Contains(values) => (distinct(values), i64::MAX),
                Comparison::Primary(_) | Comparison::Matches(_) | Comparison::Absent(false) => {
                    (1, i64::MAX)
                }
                _ => return None,
            };
            Some((one, least, most))
        });
        let counts = found.iter().filter_map(|one| match &one.value {
            Comparison::Count(bounds) => Some((one, bounds)),
            _ => None,
        });
        for (count, bounds) in counts {
            let admits = |number: &i64| bounds.iter().all(|bound| bound.admits_number(*number));
            // What is admitted begins or ends at a bound.
            let ends = bounds.iter().filter_map(|bound| Range::of(bound, Measure::Number));
            let ends = ends.flat_map(|range| [range.first, range.last]);
            let ends: Vec<i64> = ends.filter_map(|end| i64::try_from(end).ok()).collect();
            let mut named = within.clone();
            let wrong = named.find(|(_, least, most)| {
                let inside = |end: &&i64| (*least..=*most).contains(*end);
                ![*least, *most].iter().chain(ends.iter().filter(inside)).any(admits)
            });
            if let Some((other, ..)) = wrong {
                let message = format!("nothing is `{}` and `{}` at once", other.value, count.value);
                self.report(
                    Diagnostic::error("impossible-expectation", count.span, message)
                        .label("this never holds"),
                );
            }
        }
    }

    /// Refuses bounds that nothing keeps, and those that everything keeps.
    pub(super) fn check_bounds(&mut self, found: &[Spanned<Comparison>], measure: Measure) {
        let ranges: Vec<(&Spanned<Comparison>, Range)> = found
            .iter()
            .filter_map(|bound| Some((bound, Range::of(&bound.value, measure)?)))
            .collect();
        for (place, (bound, range)) in ranges.iter().enumerate() {
            let message = if measure.is_never_negative() && range.last < 0 {
                format!("nothing is `{}`", bound.value)
            } else if let Some((other, _)) = ranges[..place].iter().find(|(_, r)| !r.meets(range)) {
                format!("nothing is `{}` and `{}` at once", other.value, bound.value)
            } else {
                continue;
            };
            let problem = Diagnostic::error("impossible-expectation", bound.span, message);
            self.report(problem.label("this never holds"));
            return;
        }
        if let ([only], [(_, range)]) = (found, ranges.as_slice())
            && measure.is_never_negative()
            && range.is_all()
        {
            let message = format!("everything is `{}`", only.value);
            let more = if measure == Measure::Duration { "above: 0s" } else { "at_least: 1" };
            self.report(
                Diagnostic::error("impossible-expectation", only.span, message)
                    .label("this always holds")
                    .help(format!("leave it out, or say `{{{more}}}`")),
            );
        }
    }

    /// One entry of a mapping of comparisons.
    pub(super) fn comparison(
        &mut self,
        entry: &Entry,
        measure: Measure,
    ) -> Option<Spanned<Comparison>> {
        let node = &entry.value;
        let span = entry.key.span.to(node.span);
        let name = entry.key.value.as_str();
        if !measure.comparisons().contains(&name) {
            let message = match Comparison::NAMES.contains(&name) {
                true => format!("`{name}` makes no sense here"),
                false => format!("there is no comparison `{name}`"),
            };
            let problem = Diagnostic::error("unknown-comparison", entry.key.span, message)
                .label(format!("expected {}", measure.expected()));
            self.report(match advice(name, measure.comparisons().iter().copied()) {
                Some(help) => problem.help(help),
                None => problem,
            });
            return None;
        }
        let comparison = match name {
            "equals" => self.equality(node, measure)?.value,
            "absent" => Comparison::Absent(self.boolean(node)?),
            "contains" => Comparison::Contains(self.values(node)?),
            "lacks" => Comparison::Lacks(self.values(node)?),
            "primary" => Comparison::Primary(without_type(self.sentence(node)?.value)),
            "set" => Comparison::Set(self.values(node)?),
            "matches" => Comparison::Matches(self.pattern(node)?),
            "count" => Comparison::Count(self.bounds(node)?),
            "length" => Comparison::Length(self.bounds(node)?),
            "below" => Comparison::Below(self.quantity(node, measure)?),
            "above" => Comparison::Above(self.quantity(node, measure)?),
            "at_least" => Comparison::AtLeast(self.quantity(node, measure)?),
            _ => Comparison::AtMost(self.quantity(node, measure)?),
        };
        Some(Spanned::new(comparison, span))
    }

    fn equality(&mut self, node: &Node, measure: Measure) -> Option<Spanned<Comparison>> {
        let values = match measure {
            Measure::Values => self.values(node)?,
            Measure::Word | Measure::Presence => vec![self.sentence(node)?.value],
            Measure::Instant => vec![self.quantity(node, measure)?.to_string()],
            Measure::Number => vec![self.integer(node, 0, i64::MAX)?.to_string()],
            Measure::Duration => match self.quantity(node, measure)? {
                Quantity::Duration(duration) => vec![quantity::show_duration(duration)],
                _ => return None,
            },
        };
        Some(Spanned::new(Comparison::Equals(values), node.span))
    }

    /// One value or several; at least one.
    fn values(&mut self, node: &Node) -> Option<Vec<String>> {
        let nothing =
            node.is_null() || matches!(&node.value, Value::Sequence(nodes) if nodes.is_empty());
        if nothing {
            self.report(
                Diagnostic::error("wrong-type", node.span, "no value is no value to compare with")
                    .label("expected a value")
                    .help("`{absent: true}` says that there is none"),
            );
            return None;
        }
        let values: Vec<String> = self.texts(node).into_iter().map(|text| text.value).collect();
        (!values.is_empty()).then_some(values)
    }

    /// The comparisons inside `count` or `length`.
    fn bounds(&mut self, node: &Node) -> Option<Vec<Comparison>> {
        let found = self.comparisons(node, Measure::Number);
        let bounds: Vec<_> = found.into_iter().map(|bound| bound.value).collect();
        (!bounds.is_empty()).then_some(bounds)
    }

    fn quantity(&mut self, node: &Node, measure: Measure) -> Option<Quantity> {
        let text = self.text(node)?.value;
        let number = text.trim().parse::<i64>().ok().map(Quantity::Number);
        let duration = || quantity::duration(&text).ok().map(Quantity::Duration);
        let instant = || quantity::instant(&text).map(Quantity::Instant);
        let (found, expected) = match measure {
            Measure::Duration => (duration(), "a length of time such as `20m` or `3h`"),
            Measure::Instant => (instant(), "an instant such as `2026-09-01T08:00:00Z`"),
            Measure::Number | Measure::Word | Measure::Presence => {
                (number.filter(|_| !text.starts_with('-')), "a whole number")
            }
            Measure::Values => (
                number.or_else(duration).or_else(instant),
                "a whole number, a length of time or an instant",
            ),
        };
        if found.is_none() {
            self.wrong_type(node, expected);
        }
        found
    }

    fn pattern(&mut self, node: &Node) -> Option<Pattern> {
        let text = self.sentence(node)?.value;
        match regex::RegexBuilder::new(&text).size_limit(1 << 20).build() {
            Ok(regex) => Some(Pattern { text, regex }),
            Err(error) => {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default();
                let reason = reason.trim_start_matches("error: ");
                self.report(
                    Diagnostic::error(
                        "wrong-pattern",
                        node.span,
                        "this is not a regular expression",
                    )
                    .label(reason)
                    .help("a backslash before a sign takes its meaning away: `\\(`"),
                );
                None
            }
        }
    }
}

/// An address without its `SMTP:`.
fn without_type(address: String) -> String {
    match address.split_once(':') {
        Some((kind, rest)) if kind.eq_ignore_ascii_case("smtp") => rest.to_owned(),
        _ => address,
    }
}
