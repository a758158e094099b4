//! Whether a record passes a filter. Text is compared without case, instants as instants.

use serde_json::Value;

use super::{Filter, Function, Literal, Operator};

/// A member of a record by path, names without case; null when there is none.
pub(in crate::wire::graph) fn member(record: &Value, path: &[String]) -> Value {
    let mut at = record;
    for name in path {
        let found = at
            .as_object()
            .and_then(|members| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)));
        match found {
            Some((_, value)) => at = value,
            None => return Value::Null,
        }
    }
    at.clone()
}

impl Filter {
    /// Whether a record passes, whose members `get` finds.
    pub(in crate::wire::graph) fn matches(&self, get: &dyn Fn(&[String]) -> Value) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(get)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(get)),
            Self::Not(part) => !part.matches(get),
            Self::Compare { path, operator, value } => compare(&get(path), *operator, value),
            Self::In { path, values } => {
                let found = get(path);
                values.iter().any(|value| compare(&found, Operator::Equal, value))
            }
            Self::Call { function, path, value } => {
                get(path).as_str().is_some_and(|text| call(*function, text, value))
            }
            Self::Holds(path) => get(path) == Value::Bool(true),
            Self::Lambda { path, all, variable, body } => {
                let found = get(path);
                let elements = found.as_array().map_or(&[][..], Vec::as_slice);
                let Some(body) = body else { return !elements.is_empty() };
                let passes = |element: &Value| {
                    body.matches(&|path: &[String]| match path.split_first() {
                        Some((first, rest)) if first == variable => member(element, rest),
                        _ => get(path),
                    })
                };
                if *all { elements.iter().all(passes) } else { elements.iter().any(passes) }
            }
        }
    }

    /// The properties that it is about.
    pub(in crate::wire::graph) fn properties(&self) -> Vec<&[String]> {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::properties).collect(),
            Self::Not(part) => part.properties(),
            Self::Compare { path, .. }
            | Self::In { path, .. }
            | Self::Call { path, .. }
            | Self::Holds(path)
            | Self::Lambda { path, .. } => vec![path],
        }
    }
}

fn call(function: Function, text: &str, value: &str) -> bool {
    let (text, value) = (text.to_lowercase(), value.to_lowercase());
    match function {
        Function::StartsWith => text.starts_with(&value),
        Function::EndsWith => text.ends_with(&value),
        Function::Contains => text.contains(&value),
    }
}

fn compare(found: &Value, operator: Operator, wanted: &Literal) -> bool {
    use core::cmp::Ordering::{Equal, Greater, Less};
    let order = match (found, wanted) {
        (Value::Null, Literal::Null) => Some(Equal),
        (Value::Bool(found), Literal::Boolean(wanted)) => Some(found.cmp(wanted)),
        (Value::String(found), Literal::Text(wanted) | Literal::Bare(wanted)) => {
            Some(text_order(found, wanted))
        }
        (Value::Number(found), Literal::Bare(wanted)) => {
            found.as_f64().zip(wanted.parse::<f64>().ok()).and_then(|(a, b)| a.partial_cmp(&b))
        }
        _ => None,
    };
    match operator {
        Operator::Equal => order == Some(Equal),
        Operator::NotEqual => order != Some(Equal),
        Operator::Greater => order == Some(Greater),
        Operator::GreaterOrEqual => matches!(order, Some(Greater | Equal)),
        Operator::Less => order == Some(Less),
        Operator::LessOrEqual => matches!(order, Some(Less | Equal)),
    }
}

fn text_order(found: &str, wanted: &str) -> core::cmp::Ordering {
    let instants =
        found.parse::<jiff::Timestamp>().ok().zip(wanted.parse::<jiff::Timestamp>().ok());
    match instants {
        Some((found, wanted)) => found.cmp(&wanted),
        None => found.to_lowercase().cmp(&wanted.to_lowercase()),
    }
}
