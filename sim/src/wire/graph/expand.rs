//! `$expand`: what is shown within an entity, and which of its properties.
//!
//! Sources: OData Version 4.01 Part 2, 5.1.3; Microsoft Graph, "Use query parameters to customize
//! responses", `expand`.

use serde_json::Value;

use super::error::GraphError;

/// A relationship that is to be shown, with the options in its parentheses.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expanded {
    /// Its name, in lower case.
    pub(super) name: String,
    /// The properties that are asked for; `None`: all.
    select: Option<Vec<String>>,
}

/// Reads the value of `$expand`.
///
/// # Errors
/// 400 for parentheses that do not match, and for options within them other than `$select`.
pub(super) fn read(text: &str) -> Result<Vec<Expanded>, GraphError> {
    let parts = split(text, ',')
        .ok_or_else(|| invalid("there is a parenthesis without its counterpart"))?;
    parts.into_iter().map(|part| expanded(part.trim())).collect()
}

impl Expanded {
    /// What is shown of an object: its id and type, and what is asked for.
    pub(super) fn shown(&self, mut object: Value) -> Value {
        if let (Some(select), Some(members)) = (&self.select, object.as_object_mut()) {
            members.retain(|name, _| {
                name.starts_with('@')
                    || name == "id"
                    || select.iter().any(|asked| asked.eq_ignore_ascii_case(name))
            });
        }
        object
    }
}

fn expanded(part: &str) -> Result<Expanded, GraphError> {
    let (name, options) = match part.split_once('(') {
        None => (part, None),
        Some((name, rest)) => (name, Some(rest.strip_suffix(')').unwrap_or(rest))),
    };
    let mut select = None;
    for option in options.into_iter().flat_map(|options| options.split(';')) {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        if !key.trim().trim_start_matches('$').eq_ignore_ascii_case("select") {
            return Err(invalid(&format!("query option '{}' is not supported in it", key.trim())));
        }
        select = Some(value.split(',').map(|name| name.trim().to_owned()).collect());
    }
    Ok(Expanded { name: name.trim().to_ascii_lowercase(), select })
}

fn invalid(why: &str) -> GraphError {
    GraphError::new(400, "BadRequest", format!("Parsing OData Select and Expand failed: {why}."))
}

/// The parts of a list, at separators outside of parentheses; `None` when these do not match.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0_usize, 0);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            _ if character == separator && depth == 0 => {
                parts.push(&text[begin..at]);
                begin = at + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    (depth == 0).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_in_parentheses_belongs_to_what_is_expanded() {
        let all = read("manager($select=id,displayName), memberOf").unwrap();
        let names: Vec<&str> = all.iter().map(|expanded| expanded.name.as_str()).collect();
        assert_eq!(names, ["manager", "memberof"]);
        let object =
            serde_json::json!({"@odata.type": "#x", "id": "1", "displayName": "a", "mail": "m"});
        let shown = all[0].shown(object.clone());
        assert_eq!(shown, serde_json::json!({"@odata.type": "#x", "id": "1", "displayName": "a"}));
        assert_eq!(all[1].shown(object.clone()), object);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in ["manager($select=id", "manager)", "manager($levels=max;$select=id)"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
