//! `$filter`: OData filter expressions, parsed.
//!
//! Source: OData URL Conventions 4.01, 5.1.1; Microsoft Graph, "Use the $filter query parameter".
//!
//! # Divergence from Microsoft Graph
//! Of the functions there are `startswith`, `endswith`, `contains`, and the lambda operators `any` and
//! `all`; others are refused.

mod evaluate;
mod support;
mod types;

pub(super) use evaluate::member;
pub(super) use support::{Mode, Support};

use super::error::GraphError;

/// A filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Compare {
        path: Path,
        operator: Operator,
        value: Literal,
    },
    In {
        path: Path,
        values: Vec<Literal>,
    },
    Call {
        function: Function,
        path: Path,
        value: String,
    },
    /// A Boolean property on its own.
    Holds(Path),
    Lambda {
        path: Path,
        all: bool,
        variable: String,
        body: Option<Box<Filter>>,
    },
}

/// `a/b`, from the record or from a lambda's variable.
pub(super) type Path = Vec<String>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    StartsWith,
    EndsWith,
    Contains,
}

/// A value in a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Null,
    Boolean(bool),
    /// A string: text in quotes.
    Text(String),
    /// Anything else, as it was written: numbers, GUIDs and instants.
    Bare(String),
}

const OPERATORS: [(&str, Operator); 6] = [
    ("eq", Operator::Equal),
    ("ne", Operator::NotEqual),
    ("gt", Operator::Greater),
    ("ge", Operator::GreaterOrEqual),
    ("lt", Operator::Less),
    ("le", Operator::LessOrEqual),
];

const FUNCTIONS: [(&str, Function); 3] = [
    ("startswith", Function::StartsWith),
    ("endswith", Function::EndsWith),
    ("contains", Function::Contains),
];

/// Deeper filters are refused, so that no input can exhaust the stack.
const DEEPEST: u32 = 64;

impl Filter {
    /// Parses a filter.
    pub(super) fn parse(text: &str) -> Result<Self, GraphError> {
        let invalid = |why: String| {
            GraphError::new(400, "BadRequest", format!("Invalid filter clause: {why}"))
        };
        let tokens = tokens(text).map_err(invalid)?;
        let mut parser = Parser { tokens: &tokens, depth: 0 };
        let filter = parser.or().map_err(invalid)?;
        match parser.tokens.first() {
            None => Ok(filter),
            Some(token) => Err(invalid(format!("Syntax error at '{}' in '{text}'.", token.text))),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Token {
    text: String,
    quoted: bool,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut characters = text.chars().peekable();
    let bare = |text: String| Token { text, quoted: false };
    while let Some(character) = characters.next() {
        match character {
            c if c.is_whitespace() => {}
            '(' | ')' | ',' => tokens.push(bare(character.to_string())),
            '\'' => {
                let mut value = String::new();
                loop {
                    match characters.next() {
                        Some('\'') if characters.next_if_eq(&'\'').is_none() => break,
                        Some(c) => value.push(c),
                        None => return Err("There is an unterminated string literal.".to_owned()),
                    }
                }
                tokens.push(Token { text: value, quoted: true });
            }
            _ => {
                let mut word = character.to_string();
                let ends = |c: &char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '\'');
                while let Some(c) = characters.next_if(|c| !ends(c)) {
                    word.push(c);
                }
                tokens.push(bare(word));
            }
        }
    }
    Ok(tokens)
}

struct Parser<'t> {
    tokens: &'t [Token],
    depth: u32,
}

impl<'t> Parser<'t> {
    fn or(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.and()?];
        while self.word("or") {
            parts.push(self.and()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Or(parts) })
    }

    fn and(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.unary()?];
        while self.word("and") {
            parts.push(self.unary()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::And(parts) })
    }

    fn unary(&mut self) -> Result<Filter, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("The node count limit has been exceeded.".to_owned());
        }
        let filter = if self.word("not") {
            Filter::Not(Box::new(self.unary()?))
        } else if self.word("(") {
            let inner = self.or()?;
            self.expect(")")?;
            inner
        } else {
            self.term()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn term(&mut self) -> Result<Filter, String> {
        let name = self.next()?;
        if name.quoted {
            return Err(format!("Expected a property, not '{}'.", name.text));
        }
        let call = self.word("(");
        if call {
            return match named(&FUNCTIONS, &name.text) {
                Some(function) => self.call(function),
                None => self.lambda(&name.text),
            };
        }
        let path = path(&name.text);
        if self.word("in") {
            return self.list(path);
        }
        let operator = self.tokens.first().filter(|token| !token.quoted);
        let Some(operator) = operator.and_then(|token| named(&OPERATORS, &token.text)) else {
            return Ok(Filter::Holds(path));
        };
        self.tokens = &self.tokens[1..];
        let value = literal(self.next()?);
        Ok(Filter::Compare { path, operator, value })
    }

    fn call(&mut self, function: Function) -> Result<Filter, String> {
        let property = self.next()?.text.clone();
        self.expect(",")?;
        let value = self.next()?.text.clone();
        self.expect(")")?;
        // The result of a Boolean function may be compared: `startswith(a,'b') eq true`.
        let filter = Filter::Call { function, path: path(&property), value };
        if self.word("eq") {
            return match literal(self.next()?) {
                Literal::Boolean(true) => Ok(filter),
                Literal::Boolean(false) => Ok(Filter::Not(Box::new(filter))),
                _ => Err("A function is compared with true or false.".to_owned()),
            };
        }
        Ok(filter)
    }

    /// `any(p:...)` after its name and parenthesis.
    fn lambda(&mut self, name: &str) -> Result<Filter, String> {
        let mut path = path(name);
        let operator = path.pop().unwrap_or_default();
        let all = operator.eq_ignore_ascii_case("all");
        if path.is_empty() || !(all || operator.eq_ignore_ascii_case("any")) {
            return Err(format!("An unknown function with name '{name}' was found."));
        }
        if self.word(")") {
            return Ok(Filter::Lambda { path, all, variable: String::new(), body: None });
        }
        // `p:p` and `p: p` and `p:startswith` come as one token or as two.
        let first = self.next()?.text.clone();
        let (variable, rest) = first.split_once(':').unwrap_or((&first, ""));
        let rewritten: Vec<Token>;
        if !rest.is_empty() {
            let head = Token { text: rest.to_owned(), quoted: false };
            rewritten = std::iter::once(head).chain(self.tokens.iter().cloned()).collect();
            let mut inner = Parser { tokens: &rewritten, depth: self.depth };
            let body = inner.or()?;
            inner.expect(")")?;
            let taken = rewritten.len() - 1 - inner.tokens.len();
            self.tokens = &self.tokens[taken..];
            return Ok(lambda(path, all, variable, body));
        }
        let body = self.or()?;
        self.expect(")")?;
        Ok(lambda(path, all, variable, body))
    }

    fn list(&mut self, path: Path) -> Result<Filter, String> {
        self.expect("(")?;
        let mut values = vec![literal(self.next()?)];
        while self.word(",") {
            values.push(literal(self.next()?));
        }
        self.expect(")")?;
        Ok(Filter::In { path, values })
    }

    fn word(&mut self, word: &str) -> bool {
        let is =
            self.tokens.first().is_some_and(|t| !t.quoted && t.text.eq_ignore_ascii_case(word));
        if is {
            self.tokens = &self.tokens[1..];
        }
        is
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        if self.word(word) { Ok(()) } else { Err(format!("Expected '{word}'.")) }
    }

    fn next(&mut self) -> Result<&'t Token, String> {
        let (first, rest) =
            self.tokens.split_first().ok_or_else(|| "The filter ends too early.".to_owned())?;
        self.tokens = rest;
        Ok(first)
    }
}

fn lambda(path: Path, all: bool, variable: &str, body: Filter) -> Filter {
    Filter::Lambda { path, all, variable: variable.to_owned(), body: Some(Box::new(body)) }
}

fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

fn path(text: &str) -> Path {
    text.split('/').map(str::to_owned).collect()
}

fn literal(token: &Token) -> Literal {
    match token.text.as_str() {
        "null" if !token.quoted => Literal::Null,
        text if !token.quoted && text.eq_ignore_ascii_case("true") => Literal::Boolean(true),
        text if !token.quoted && text.eq_ignore_ascii_case("false") => Literal::Boolean(false),
        text if token.quoted => Literal::Text(text.to_owned()),
        text => Literal::Bare(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn passes(record: &Value, text: &str) -> bool {
        Filter::parse(text).unwrap().matches(&|path| member(record, path))
    }

    /// What clients write, over one record.
    #[test]
    fn filters_say_what_passes() {
        let record = json!({
            "displayName": "O'Neil, Anna", "accountEnabled": true, "mail": null, "age": 7,
            "at": "2026-09-01T08:00:00Z", "proxyAddresses": ["SMTP:a@x", "smtp:b@x"],
            "extension": {"one": "A"}, "targets": [{"id": "1"}, {"id": "2"}],
        });
        for text in [
            "displayName eq 'o''neil, anna'",
            "startswith(displayName,'O''')",
            "startsWith(displayName, 'o') eq true",
            "not startswith(displayName,'x')",
            "accountEnabled",
            "accountEnabled eq true and mail eq null",
            "mail ne 'x' and not (mail ne null)",
            "at ge 2026-09-01T07:59:59Z and at lt 2026-09-01T08:00:01Z",
            "age gt 5 and age le 7",
            "displayName in ('x', 'O''Neil, Anna')",
            "proxyAddresses/any(p:p eq 'smtp:B@x')",
            "proxyAddresses/any(p: startswith(p,'SMTP:'))",
            "proxyAddresses/any(p:endsWith(p,'@x')) or age eq 1",
            "proxyAddresses/any()",
            "extension/one eq 'A'",
            "targets/any(t:t/id eq '2')",
            "not targets/any(t:t/id eq '3')",
            "contains(displayName,'NEIL')",
        ] {
            assert!(passes(&record, text), "{text}");
            assert!(!passes(&record, &format!("not ({text})")), "not ({text})");
        }
    }

    /// What is no filter is refused, and nothing exhausts the stack.
    #[test]
    fn what_is_no_filter_is_refused() {
        for text in ["", "a eq", "a eq 'x", "(a eq 1", "a eq 1)", "f(a)", "'a' eq 1", "a in (1"] {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
        assert!(Filter::parse(&"(".repeat(10_000)).is_err());
        assert!(Filter::parse(&"not ".repeat(10_000)).is_err());
    }
}
