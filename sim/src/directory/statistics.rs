//! What a search takes, for who asks for it ([MS-ADTS] 3.1.1.3.4.1.6): how many objects it looks at, and
//! which index gives them.

use core::fmt::Write as _;

use crate::directory::answer::LdapResult;
use crate::directory::diagnostic;
use crate::directory::filter::{Test, compile_for};
use crate::directory::forest::Forest;
use crate::directory::plan::candidates;
use crate::directory::principal::Rights;
use crate::directory::request::{
    AttributeName, Extensible, Filter, Scope, SearchRequest, SearchStatistics, Substrings,
};
use crate::directory::search::Asker;

/// Statistics are told with the entries.
const STATISTICS: u32 = 1;

/// Statistics are told instead of the entries.
pub(super) const ONLY_OPTIMIZE: u32 = 2;

/// They are told in the form with names.
const NAMED: u32 = 4;

impl Forest {
    /// What a search takes; `None` when the options ask for nothing.
    ///
    /// # Errors
    /// 50/2098 without the privilege to debug, which administrators have; those of the filter.
    pub(super) fn statistics_of_search(
        &self,
        asker: &Asker<'_>,
        request: &SearchRequest,
        options: u32,
    ) -> Result<Option<SearchStatistics>, LdapResult> {
        if options & (STATISTICS | ONLY_OPTIMIZE) == 0 {
            return Ok(None);
        }
        if asker.principal.rights != Rights::Full {
            return Err(diagnostic::access_denied());
        }
        let controller = self.dc(asker.dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        let test = compile_for(self, controller, &request.filter, asker.catalog)?;
        let (visited, index) = match (request.scope, candidates(self, controller, &test)) {
            (Scope::Base, _) => (1, "DNT_index".to_owned()),
            (_, Some(plan)) => (plan.objects.len(), index_of(&test)),
            (Scope::OneLevel, None) => {
                let base = self.resolve_seeing(asker.dc, &request.base, Default::default())?;
                (controller.store.children_after(base, None).count(), "PDNT_index".to_owned())
            }
            (Scope::Subtree, None) => {
                (controller.store.iter_after(None).count(), "Ancestors_index".to_owned())
            }
        };
        Ok(Some(SearchStatistics {
            named: options & NAMED != 0,
            returned: 0,
            visited,
            filter: text_of(&request.filter),
            index: format!("{index}:{visited}:N;"),
        }))
    }
}

/// The index that gives the candidates of a filter.
fn index_of(test: &Test<'_>) -> String {
    let named = match test {
        Test::And(tests) | Test::Or(tests) => {
            return tests.iter().map(index_of).next().unwrap_or_default();
        }
        Test::Equal(attribute, _) | Test::Order(attribute, ..) | Test::Refers(attribute, _) => {
            &*attribute.name
        }
        Test::Guid(_) => "objectGUID",
        _ => return "DNT_index".to_owned(),
    };
    format!("idx_{named}")
}

/// A filter as text (RFC 4515).
fn text_of(filter: &Filter) -> String {
    let mut out = String::new();
    write_filter(&mut out, filter);
    out
}

fn write_filter(out: &mut String, filter: &Filter) {
    let mut list = |sign: char, filters: &[Filter]| {
        out.push('(');
        out.push(sign);
        for filter in filters {
            write_filter(out, filter);
        }
        out.push(')');
    };
    let (name, relation, value) = match filter {
        Filter::And(filters) => return list('&', filters),
        Filter::Or(filters) => return list('|', filters),
        Filter::Not(inner) => return list('!', core::slice::from_ref(inner)),
        Filter::Equality(name, value) => (name, "=", escaped(value)),
        Filter::GreaterOrEqual(name, value) => (name, ">=", escaped(value)),
        Filter::LessOrEqual(name, value) => (name, "<=", escaped(value)),
        Filter::Approximate(name, value) => (name, "~=", escaped(value)),
        Filter::Present(name) => (name, "=", "*".to_owned()),
        Filter::Substrings(name, parts) => (name, "=", parts_of(parts)),
        Filter::Extensible(extensible) => return write_extensible(out, extensible),
    };
    // Writing to a String cannot fail.
    let _ = write!(out, "({}{relation}{value})", name_of(name));
}

fn write_extensible(out: &mut String, extensible: &Extensible) {
    let name = extensible.attribute.as_ref().map(name_of).unwrap_or_default();
    let dn = if extensible.dn_attributes { ":dn" } else { "" };
    let rule = extensible.rule.as_ref().map(|rule| format!(":{rule}")).unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = write!(out, "({name}{dn}{rule}:={})", escaped(&extensible.value));
}

fn name_of(name: &AttributeName) -> String {
    match name {
        AttributeName::Text(text) => text.to_string(),
        AttributeName::Number(number) => number.to_string(),
    }
}

fn parts_of(parts: &Substrings) -> String {
    let part = |part: &Vec<u8>| escaped(part);
    let mut text = parts.initial.as_ref().map(part).unwrap_or_default();
    for any in &parts.any {
        text.push('*');
        text.push_str(&part(any));
    }
    text.push('*');
    text + &parts.last.as_ref().map(part).unwrap_or_default()
}

fn escaped(value: &[u8]) -> String {
    let mut out = String::new();
    for byte in value {
        match byte {
            b' '..=b'~' if !b"*()\\".contains(byte) => out.push(char::from(*byte)),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\{byte:02x}");
            }
        }
    }
    out
}
