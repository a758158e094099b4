//! Of which type a literal has to be that a property is compared with.
//!
//! Source: OData URL Conventions 4.01, 5.1.1.1 (operands are of one type); Microsoft Graph, "Use the $filter
//! query parameter" (strings in quotes, Booleans and instants without).
//!
//! # Divergence from Microsoft Graph
//! Types are known by the names of properties: of Booleans and numbers there is a list, instants end in
//! `DateTime`, and everything else is a string.

use super::{Filter, Literal, Operator};
use crate::guid::Guid;
use crate::wire::graph::error::GraphError;

const BOOLEANS: [&str; 13] = [
    "accountEnabled",
    "onPremisesSyncEnabled",
    "showInAddressList",
    "mailEnabled",
    "securityEnabled",
    "isAssignableToRole",
    "isResourceAccount",
    "isCloudManaged",
    "isAdminManaged",
    "isDefault",
    "isInitial",
    "isRoot",
    "isVerified",
];

const NUMBERS: [&str; 1] = ["durationInMilliseconds"];

impl Filter {
    /// Refuses comparisons of a property of this resource with a literal of another type. What a lambda
    /// says of its variable is not looked into.
    pub(in crate::wire::graph) fn check_types(&self, kind: &str) -> Result<(), GraphError> {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().try_for_each(|part| part.check_types(kind))
            }
            Self::Not(part) => part.check_types(kind),
            Self::Compare { path, operator, value } => check(kind, path, *operator, value),
            Self::In { path, values } => {
                values.iter().try_for_each(|value| check(kind, path, Operator::Equal, value))
            }
            Self::Call { .. } | Self::Holds(_) | Self::Lambda { .. } => Ok(()),
        }
    }
}

/// Refuses a comparison of a property with a literal of another type.
fn check(
    kind: &str,
    path: &[String],
    operator: Operator,
    literal: &Literal,
) -> Result<(), GraphError> {
    let invalid = |why: String| {
        Err(GraphError::new(400, "BadRequest", format!("Invalid filter clause: {why}")))
    };
    let name = path.last().map_or("", String::as_str);
    // What follows a slash on its own is an operation, such as `$count`.
    if name.starts_with('$') {
        return Ok(());
    }
    let property = type_of(name);
    let given = match literal {
        Literal::Null => return Ok(()),
        Literal::Boolean(_) => "Edm.Boolean",
        Literal::Text(_) => "Edm.String",
        Literal::Bare(text) => match bare(text) {
            Some(known) => known,
            None => {
                return invalid(format!(
                    "Could not find a property named '{text}' on type 'microsoft.graph.{}'.",
                    lower_first(kind)
                ));
            }
        },
    };
    // A day is its first instant.
    if property == given || (property, given) == ("Edm.DateTimeOffset", "Edm.Date") {
        return Ok(());
    }
    invalid(format!(
        "A binary operator with incompatible types was detected. Found operand types '{property}' and '{given}' for operator kind '{}'.",
        kind_of(operator)
    ))
}

fn type_of(name: &str) -> &'static str {
    let is = |known: &&str| known.eq_ignore_ascii_case(name);
    if BOOLEANS.iter().any(is) {
        "Edm.Boolean"
    } else if NUMBERS.iter().any(is) {
        "Edm.Int32"
    } else if name.to_ascii_lowercase().ends_with("datetime") {
        "Edm.DateTimeOffset"
    } else {
        "Edm.String"
    }
}

/// The type of a literal without quotes; `None` for what is none.
fn bare(text: &str) -> Option<&'static str> {
    if text.parse::<i64>().is_ok() {
        Some("Edm.Int32")
    } else if text.parse::<f64>().is_ok() {
        Some("Edm.Double")
    } else if text.parse::<Guid>().is_ok() {
        Some("Edm.Guid")
    } else if text.parse::<jiff::Timestamp>().is_ok() {
        Some("Edm.DateTimeOffset")
    } else if text.parse::<jiff::civil::Date>().is_ok() {
        Some("Edm.Date")
    } else {
        None
    }
}

const fn kind_of(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal => "Equal",
        Operator::NotEqual => "NotEqual",
        Operator::Greater => "GreaterThan",
        Operator::GreaterOrEqual => "GreaterThanOrEqual",
        Operator::Less => "LessThan",
        Operator::LessOrEqual => "LessThanOrEqual",
    }
}

fn lower_first(name: &str) -> String {
    let mut characters = name.chars();
    characters
        .next()
        .map(|first| first.to_lowercase().chain(characters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{Filter, Mode, Support};

    /// A comparison that can never hold is a mistake of whoever wrote it, and no empty list.
    #[test]
    fn literals_are_of_the_type_of_the_property() {
        let check = |text: &str| {
            Support { kind: "User" }.check(&Filter::parse(text).unwrap(), Mode::Advanced)
        };
        for text in [
            "accountEnabled eq true",
            "onPremisesSyncEnabled ne null",
            "displayName eq 'x'",
            "displayName in ('1', '2')",
            "createdDateTime ge 2026-09-01T08:00:00Z",
            "createdDateTime ge 2026-09-01",
            "onPremisesLastSyncDateTime le 2026-09-01T08:00:00+02:00",
            "assignedLicenses/any(l:l/skuId eq 6fd2c87f-b296-42f0-b197-1e91e994b900)",
            "assignedLicenses/$count eq 0",
        ] {
            assert!(check(text).is_ok(), "{text}");
        }
        for text in [
            "accountEnabled eq 'true'",
            "onPremisesSyncEnabled eq 'true'",
            "accountEnabled eq 1",
            "displayName eq 5",
            "displayName eq true",
            "displayName in ('1', 2)",
            "createdDateTime ge banana",
            "createdDateTime ge '2026-09-01T08:00:00Z'",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
