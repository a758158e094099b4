//! `$search` over directory objects.
//!
//! Source: Microsoft Graph, "Use the $search query parameter", "Using $search on directory object
//! collections".
//!
//! # Divergence from Microsoft Graph
//! A clause on any property but `displayName` and `description` matches the start of its text, as the
//! documentation says; tokens of these two are runs of letters and digits.

use super::error::GraphError;

/// Clauses joined by `AND` and `OR`; `AND` binds closer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Search {
    any: Vec<Vec<Clause>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Clause {
    property: String,
    text: String,
}

impl Search {
    /// Parses `"displayName:anna" OR "mail:ben"`.
    pub(super) fn parse(text: &str) -> Result<Self, GraphError> {
        let invalid = || {
            GraphError::new(
                400,
                "BadRequest",
                format!(
                    "Syntax error: character '{}' is not valid at position 0 in '{text}'.",
                    text.chars().next().unwrap_or(' ')
                ),
            )
        };
        let mut any = vec![Vec::new()];
        let mut rest = text.trim();
        loop {
            let quoted = rest.strip_prefix('"').ok_or_else(invalid)?;
            let (clause, after) = quoted.split_once('"').ok_or_else(invalid)?;
            let (property, text) = clause.split_once(':').ok_or_else(invalid)?;
            if let Some(all) = any.last_mut() {
                all.push(Clause {
                    property: property.trim().to_owned(),
                    text: text.to_lowercase(),
                });
            }
            rest = after.trim_start();
            if rest.is_empty() {
                return Ok(Self { any });
            }
            let (word, after) = rest.split_once(' ').ok_or_else(invalid)?;
            match word {
                "AND" => {}
                "OR" => any.push(Vec::new()),
                _ => return Err(invalid()),
            }
            rest = after.trim_start();
        }
    }

    /// Whether a record passes, whose texts `get` finds.
    pub(super) fn matches(&self, get: &dyn Fn(&str) -> Vec<String>) -> bool {
        self.any.iter().any(|all| all.iter().all(|clause| clause.matches(get)))
    }
}

impl Clause {
    fn matches(&self, get: &dyn Fn(&str) -> Vec<String>) -> bool {
        let tokenized =
            ["displayName", "description"].iter().any(|n| n.eq_ignore_ascii_case(&self.property));
        get(&self.property).iter().map(|text| text.to_lowercase()).any(|text| {
            if !tokenized {
                return text.starts_with(&self.text);
            }
            let tokens: Vec<&str> = words(&text).collect();
            words(&self.text).all(|wanted| tokens.iter().any(|token| token.starts_with(wanted)))
        })
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of a display name are found by their start; other texts by their own.
    #[test]
    fn clauses_match_words_or_starts() {
        let get = |name: &str| match name {
            "displayName" => vec!["Anna-Lena O'Neil".to_owned()],
            "mail" => vec!["anna@contoso.lab".to_owned()],
            _ => Vec::new(),
        };
        let found = |text: &str| Search::parse(text).unwrap().matches(&get);
        assert!(found("\"displayName:lena\"") && found("\"displayName:neil an\""));
        assert!(!found("\"displayName:ena\"") && !found("\"mail:contoso\""));
        assert!(found("\"mail:ben\" OR \"displayName:an\" AND \"mail:ann\""));
        for text in ["anna", "\"anna\"", "\"a:b", "\"a:b\" XOR \"a:b\"", ""] {
            assert!(Search::parse(text).is_err(), "{text}");
        }
    }
}
