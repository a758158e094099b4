//! Paths of Graph in the one form in which they are routed.
//!
//! Source: Microsoft Graph, "Use the Microsoft Graph API" (keys in parentheses, qualified names);
//! which forms clients send: their source.

/// A segment as it was written, and in lower case: names of segments know no case, keys do.
pub(super) struct Segment {
    text: String,
    lower: String,
}

impl Segment {
    fn new(text: String) -> Self {
        let lower = text.to_ascii_lowercase();
        Self { text, lower }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn lower(&self) -> &str {
        &self.lower
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.lower == name
    }
}

/// Segments with `users('key')` and `users(userPrincipalName='key')` as two, `delta()` without
/// parentheses, and `microsoft.graph.delta` without its namespace.
pub(super) fn normalized(segments: &[String]) -> Vec<Segment> {
    let mut normal = Vec::with_capacity(segments.len() + 1);
    for segment in segments {
        let local = local(segment);
        let Some((name, arguments)) = local.strip_suffix(')').and_then(|rest| rest.split_once('('))
        else {
            normal.push(Segment::new(local.to_owned()));
            continue;
        };
        normal.push(Segment::new(name.to_owned()));
        if !arguments.is_empty() {
            normal.push(Segment::new(key(arguments)));
        }
    }
    normal
}

/// A qualified name without its namespace, or the alias of it that SDKs send (`graph.user`). An address that
/// begins so is none.
fn local(segment: &str) -> &str {
    let without = |namespace: &str| {
        let begins = segment.get(..namespace.len())?.eq_ignore_ascii_case(namespace);
        segment.get(namespace.len()..).filter(|_| begins)
    };
    let is_name = |rest: &&str| rest.bytes().all(|byte| byte.is_ascii_alphabetic());
    without("microsoft.graph.").or_else(|| without("graph.").filter(is_name)).unwrap_or(segment)
}

/// `'it''s'` and `userPrincipalName='it''s'`.
fn key(arguments: &str) -> String {
    let literal = match arguments.split_once('=') {
        Some((name, value)) if !name.contains('\'') => value,
        _ => arguments,
    };
    literal
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
        .map_or_else(|| literal.to_owned(), |inner| inner.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One resource, many spellings.
    #[test]
    fn spellings_of_one_path_are_one() {
        let texts = |segments: &[&str]| -> Vec<String> {
            let segments: Vec<String> = segments.iter().map(|s| (*s).to_owned()).collect();
            normalized(&segments).iter().map(|s| s.text().to_owned()).collect()
        };
        assert_eq!(texts(&["users('o''neil@x')"]), ["users", "o'neil@x"]);
        assert_eq!(texts(&["users(userPrincipalName='a=b@x')"]), ["users", "a=b@x"]);
        assert_eq!(texts(&["users", "microsoft.graph.delta()"]), ["users", "delta"]);
        assert_eq!(texts(&["users", "Microsoft.Graph.delta"]), ["users", "delta"]);
        assert_eq!(texts(&["jobs", "scim.1(2"]), ["jobs", "scim.1(2"]);
        assert_eq!(texts(&["memberOf", "graph.group"]), ["memberOf", "group"]);
        assert_eq!(texts(&["users", "graph.x@contoso.com"]), ["users", "graph.x@contoso.com"]);
    }
}
