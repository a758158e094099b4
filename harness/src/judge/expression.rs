//! The judge's own reading of an attribute mapping's expression: the text itself, taken apart anew for
//! each mailbox.
//!
//! Source: Microsoft Learn, "Reference for writing expressions for attribute mappings in Microsoft Entra
//! Application Provisioning". It is slow and obvious on purpose, and shared with nobody.

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// These values; none is null.
    Values(Vec<String>),
    /// The attribute is left as it is.
    LeaveIt,
}

/// The names of the properties that a text refers to.
pub(super) fn names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text;
    let mut quoted = false;
    while let Some(at) = rest.find(['[', '"']) {
        if rest[at..].starts_with('"') {
            quoted = !quoted;
            rest = &rest[at + 1..];
            continue;
        }
        rest = &rest[at + 1..];
        if let (false, Some(end)) = (quoted, rest.find(']')) {
            names.push(rest[..end].trim().to_owned());
            rest = &rest[end + 1..];
        }
    }
    names
}

/// What a text comes to, with the values of each property by name.
pub(super) fn evaluate(text: &str, values: &dyn Fn(&str) -> Vec<String>) -> Said {
    let text = text.trim();
    if let Some(name) = text.strip_prefix('[') {
        return Said::Values(values(name.trim_end_matches(']').trim()));
    }
    if let Some(quoted) = text.strip_prefix('"') {
        let plain = quoted.strip_suffix('"').unwrap_or(quoted);
        return one(plain.replace("\"\"", "\"").replace("\\\"", "\""));
    }
    let Some((function, arguments)) = text.split_once('(') else { return one(text.to_owned()) };
    let arguments = pieces(arguments.trim_end().strip_suffix(')').unwrap_or(arguments));
    let all = |at: usize| -> Vec<String> {
        match arguments.get(at).map(|argument| evaluate(argument, values)) {
            Some(Said::Values(found)) => found,
            Some(Said::LeaveIt) | None => Vec::new(),
        }
    };
    let first = |at: usize| all(at).into_iter().next();
    let length = |at: usize| first(at).and_then(|text| text.parse().ok()).unwrap_or(0_usize);
    let found: Option<String> = match function.trim().to_lowercase().as_str() {
        "append" => first(0).map(|source| format!("{source}{}", first(1).unwrap_or_default())),
        "coalesce" => (0..arguments.len()).find_map(first),
        "ignoreflowifnullorempty" => match first(0) {
            None => return Said::LeaveIt,
            some => some,
        },
        "join" => {
            let parts: Vec<String> = (1..arguments.len())
                .flat_map(|at| {
                    let whole = arguments[at].trim().starts_with('[');
                    if whole { all(at) } else { first(at).into_iter().collect() }
                })
                .collect();
            (!parts.is_empty()).then(|| parts.join(&first(0).unwrap_or_default()))
        }
        "left" => first(0).map(|text| text.chars().take(length(1)).collect()),
        "mid" => first(0)
            .map(|text| text.chars().skip(length(1).saturating_sub(1)).take(length(2)).collect()),
        "replace" => first(0).map(|text| match first(1) {
            Some(old) => text.replace(&old, &first(4).unwrap_or_default()),
            None => text,
        }),
        "stripspaces" => first(0).map(|text| text.replace(' ', "")),
        "switch" => {
            let source = first(0).map(|text| text.to_lowercase());
            let keys = (2..arguments.len()).step_by(2);
            let hit = source.and_then(|source| {
                keys.into_iter()
                    .find(|at| first(*at).is_some_and(|key| key.to_lowercase() == source))
            });
            first(hit.map_or(1, |at| at + 1))
        }
        "tolower" => first(0).map(|text| text.to_lowercase()),
        "toupper" => first(0).map(|text| text.to_uppercase()),
        "trim" => first(0).map(|text| text.trim().to_owned()),
        _ => return Said::LeaveIt,
    };
    found.map_or(Said::Values(Vec::new()), one)
}

fn one(text: String) -> Said {
    Said::Values(if text.is_empty() { Vec::new() } else { vec![text] })
}

/// Arguments, cut at the commas that are in no quotes, brackets or parentheses.
fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut start, mut depth, mut quoted) = (Vec::new(), 0, 0_i32, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'(' | b'[' if !quoted => depth += 1,
            b')' | b']' if !quoted => depth -= 1,
            b',' if !quoted && depth == 0 => {
                pieces.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&text[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use engine::schema::expression::{Computed, Expression};
    use proptest::prelude::*;

    use super::*;

    /// Expressions that both sides understand, over three properties.
    fn expression() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            prop::sample::select(vec!["[One]", "[None]", "[Other]"]).prop_map(str::to_owned),
            "[a-zA-Z ,()]{0,4}".prop_map(|text| format!("\"{text}\"")),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            let two = (inner.clone(), inner.clone());
            prop_oneof![
                two.clone().prop_map(|(a, b)| format!("Append({a}, {b})")),
                two.clone().prop_map(|(a, b)| format!("Coalesce({a}, {b})")),
                two.clone().prop_map(|(a, b)| format!("Join(\";\", {a}, {b})")),
                two.clone().prop_map(|(a, b)| format!("Replace({a}, \"a\", , , {b}, , )")),
                two.prop_map(|(a, b)| format!("Switch({a}, {b}, \"x\", \"hit\", \"One\", {b})")),
                inner.clone().prop_map(|a| format!("ToLower({a})")),
                inner.clone().prop_map(|a| format!("ToUpper( Trim({a}) )")),
                inner.clone().prop_map(|a| format!("StripSpaces({a})")),
                inner.clone().prop_map(|a| format!("Left({a}, 2)")),
                inner.clone().prop_map(|a| format!("Mid({a}, 2, 3)")),
                inner.prop_map(|a| format!("IgnoreFlowIfNullOrEmpty({a})")),
            ]
        })
    }

    proptest! {
        /// The engine and the judge read every expression the same way, although neither knows the other.
        #[test]
        fn the_judge_and_the_engine_agree(text in expression(), one in "[a-zA-Z ]{0,6}") {
            let of = |name: &str| -> Vec<String> {
                match name {
                    "One" if !one.is_empty() => vec![one.clone()],
                    "Other" => vec![" xY ".to_owned()],
                    _ => Vec::new(),
                }
            };
            let bound = Expression::parse(&text).unwrap().bind(&mut |name| match name {
                "One" => 0_usize,
                "Other" => 1,
                _ => 2,
            });
            let places = [of("One"), of("Other"), Vec::new()];
            let values = |place: usize| places[place].iter().map(String::as_str);
            let ours = evaluate(&text, &of);
            let theirs = match bound.compute(&values) {
                Computed::Text(text) => Said::Values(vec![text]),
                Computed::Null => Said::Values(Vec::new()),
                Computed::Ignore => Said::LeaveIt,
            };
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn names_are_found_outside_of_quotes() {
        assert_eq!(names("Join(\"[x]\", [ A ], ToLower([B]))"), ["A", "B"]);
    }
}
