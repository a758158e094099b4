//! Which operator a property of a directory object supports, and which only as an advanced query.
//!
//! Source: Microsoft Graph, "Advanced query capabilities on Microsoft Entra ID objects", tables of
//! properties.
//!
//! # Divergence from Microsoft Graph
//! Properties that the tables do not name behave like `displayName`, and so does `onPremisesImmutableId`,
//! which the service filters by without an advanced query although its table says otherwise.

use super::{Filter, Function, Literal, Operator};
use crate::wire::graph::error::GraphError;

/// How a query was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::wire::graph) enum Mode {
    /// Without `ConsistencyLevel: eventual` and `$count=true`.
    Default,
    /// With both.
    Advanced,
}

/// What a resource supports.
#[derive(Debug, Clone, Copy)]
pub(in crate::wire::graph) struct Support {
    /// The resource's type, as messages name it.
    pub(in crate::wire::graph) kind: &'static str,
}

/// Properties for which even equality needs an advanced query.
const ADVANCED: [&str; 5] = [
    "onPremisesLastSyncDateTime",
    "onPremisesSamAccountName",
    "onPremisesExtensionAttributes",
    "showInAddressList",
    "createdDateTime",
];

/// Properties that `endswith` knows.
const ENDS: [&str; 4] = ["mail", "otherMails", "userPrincipalName", "proxyAddresses"];

/// Properties that cannot be filtered at all.
const NEVER: [&str; 5] = [
    "onPremisesProvisioningErrors",
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesSyncBehavior",
    "passwordProfile",
];

impl Support {
    /// Refuses what the resource does not support in this mode.
    pub(in crate::wire::graph) fn check(
        self,
        filter: &Filter,
        mode: Mode,
    ) -> Result<(), GraphError> {
        filter.check_types(self.kind)?;
        self.check_operators(filter, mode)
    }

    fn check_operators(self, filter: &Filter, mode: Mode) -> Result<(), GraphError> {
        match filter {
            Filter::And(parts) | Filter::Or(parts) => {
                parts.iter().try_for_each(|part| self.check_operators(part, mode))
            }
            Filter::Not(part) => {
                let named = part.properties().first().map_or(String::new(), |path| path.join("/"));
                self.advanced(&named, mode)?;
                self.check_operators(part, mode)
            }
            Filter::Compare { path, operator, value } => {
                let unusual = *operator == Operator::NotEqual || *value == Literal::Null;
                self.property(path, unusual, mode)
            }
            Filter::In { path, .. } | Filter::Holds(path) => self.property(path, false, mode),
            Filter::Call { function, path, .. } => self.function(*function, path, mode),
            Filter::Lambda { path, body, .. } => {
                self.property(path, false, mode)?;
                match body.as_deref() {
                    Some(Filter::Call { function, .. }) => self.function(*function, path, mode),
                    _ => Ok(()),
                }
            }
        }
    }

    fn function(self, function: Function, path: &[String], mode: Mode) -> Result<(), GraphError> {
        let name = path.first().map_or("", String::as_str);
        match function {
            Function::StartsWith => self.property(path, false, mode),
            Function::EndsWith if is_in(&ENDS, name) => self.advanced(name, mode),
            Function::EndsWith | Function::Contains => Err(self.unsupported(name)),
        }
    }

    fn property(self, path: &[String], unusual: bool, mode: Mode) -> Result<(), GraphError> {
        let name = path.first().map_or("", String::as_str);
        if is_in(&NEVER, name) {
            return Err(self.unsupported(name));
        }
        if unusual || is_in(&ADVANCED, name) { self.advanced(name, mode) } else { Ok(()) }
    }

    fn advanced(self, name: &str, mode: Mode) -> Result<(), GraphError> {
        if mode == Mode::Advanced { Ok(()) } else { Err(self.unsupported(name)) }
    }

    fn unsupported(self, name: &str) -> GraphError {
        GraphError::unsupported_query(format!(
            "Unsupported or invalid query filter clause specified for property '{name}' of resource '{}'.",
            self.kind
        ))
    }
}

fn is_in(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the documentation, by example.
    #[test]
    fn some_filters_need_an_advanced_query_and_some_never_work() {
        let check = |text: &str, mode| {
            Support { kind: "User" }.check(&Filter::parse(text).unwrap(), mode).is_ok()
        };
        for text in [
            "onPremisesSyncEnabled eq true",
            "startswith(displayName,'a')",
            "proxyAddresses/any(p:p eq 'smtp:a@b')",
            "mail in ('a','b')",
        ] {
            assert!(check(text, Mode::Default), "{text}");
        }
        for text in [
            "onPremisesSyncEnabled ne true",
            "mail eq null",
            "endswith(mail,'@x')",
            "not startswith(displayName,'a')",
            "onPremisesExtensionAttributes/extensionAttribute1 eq 'x'",
        ] {
            assert!(!check(text, Mode::Default) && check(text, Mode::Advanced), "{text}");
        }
        for text in [
            "contains(displayName,'a')",
            "endswith(displayName,'a')",
            "onPremisesProvisioningErrors/any()",
        ] {
            assert!(!check(text, Mode::Advanced), "{text}");
        }
    }
}
