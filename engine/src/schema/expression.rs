//! Expressions of attribute mappings: their text, what of it is supported, and what it comes to.
//!
//! Source: Microsoft Learn, "Reference for writing expressions for attribute mappings in Microsoft Entra
//! Application Provisioning": attributes in brackets, constants in double quotes, functions with
//! arguments between commas. An attribute without a value is null; what null does to a function is
//! published for `Coalesce`, `Switch` and `IgnoreFlowIfNullOrEmpty` alone, and inferred for the others.

use std::iter::Peekable;
use std::str::Chars;

/// The deepest nesting that is read.
const DEEPEST: usize = 16;

/// An expression that was understood. References stay names until a plan gives them places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression<R = String> {
    /// `[Name]`: the values of a property of the mailbox.
    Reference(R),
    /// `"text"`.
    Constant(String),
    /// `Name(argument, ...)`; `None` is an argument that was left empty.
    Call(Function, Vec<Option<Expression<R>>>),
}

/// The functions that are supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `Append(source, suffix)`.
    Append,
    /// `Coalesce(source1, source2, ...)`: the first that is not null.
    Coalesce,
    /// `IgnoreFlowIfNullOrEmpty(expression)`: when it is null, the attribute is left as it is, whatever
    /// the job says of null values.
    IgnoreFlowIfNullOrEmpty,
    /// `Join(separator, source1, source2, ...)`: all values, those of multi-valued sources in order.
    Join,
    /// `Left(source, length)`.
    Left,
    /// `Mid(source, start, length)`, counted from 1.
    Mid,
    /// `Replace(source, oldValue, , , replacementValue, , )`: the form without regular expressions.
    Replace,
    /// `StripSpaces(source)`.
    StripSpaces,
    /// `Switch(source, defaultValue, key1, value1, key2, value2, ...)`; keys are compared without case.
    Switch,
    /// `ToLower(source)`.
    ToLower,
    /// `ToUpper(source)`.
    ToUpper,
    /// `Trim(source)`.
    Trim,
}

/// Every function, with its name and how many arguments it takes.
const FUNCTIONS: [(Function, &str, usize, usize); 12] = [
    (Function::Append, "Append", 2, 2),
    (Function::Coalesce, "Coalesce", 1, usize::MAX),
    (Function::IgnoreFlowIfNullOrEmpty, "IgnoreFlowIfNullOrEmpty", 1, 1),
    (Function::Join, "Join", 2, usize::MAX),
    (Function::Left, "Left", 2, 2),
    (Function::Mid, "Mid", 3, 3),
    (Function::Replace, "Replace", 5, 7),
    (Function::StripSpaces, "StripSpaces", 1, 1),
    (Function::Switch, "Switch", 2, usize::MAX),
    (Function::ToLower, "ToLower", 1, 1),
    (Function::ToUpper, "ToUpper", 1, 1),
    (Function::Trim, "Trim", 1, 1),
];

/// What an expression comes to for one mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Computed {
    /// This text.
    Text(String),
    /// No value.
    Null,
    /// The attribute is to be left as it is.
    Ignore,
}

impl Expression {
    /// Reads the text of an expression.
    ///
    /// # Errors
    /// What is wrong with it, or not supported, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { rest: text.chars().peekable() };
        let expression = reader.expression(0)?;
        reader.spaces();
        match reader.rest.next() {
            None => Ok(expression),
            Some(found) => Err(format!("`{found}` after the end of the expression")),
        }
    }

    /// Calls `see` with each name that is referred to, and whether all of its values are taken.
    pub fn references(&self, see: &mut impl FnMut(&str, bool)) {
        self.walk(false, see);
    }

    fn walk(&self, takes_several: bool, see: &mut impl FnMut(&str, bool)) {
        match self {
            Self::Reference(name) => see(name, takes_several),
            Self::Constant(_) => {}
            Self::Call(function, arguments) => {
                for argument in arguments.iter().flatten() {
                    argument.walk(*function == Function::Join, see);
                }
            }
        }
    }

    /// The same expression with other references.
    #[must_use]
    pub fn bind<R>(&self, place: &mut impl FnMut(&str) -> R) -> Expression<R> {
        match self {
            Self::Reference(name) => Expression::Reference(place(name)),
            Self::Constant(text) => Expression::Constant(text.clone()),
            Self::Call(function, arguments) => {
                let bound = arguments
                    .iter()
                    .map(|argument| argument.as_ref().map(|argument| argument.bind(place)));
                Expression::Call(*function, bound.collect())
            }
        }
    }
}

impl<R: Copy> Expression<R> {
    /// Calls `see` with each place that is referred to.
    pub fn places(&self, see: &mut impl FnMut(R)) {
        match self {
            Self::Reference(place) => see(*place),
            Self::Constant(_) => {}
            Self::Call(_, arguments) => {
                arguments.iter().flatten().for_each(|argument| argument.places(see));
            }
        }
    }

    /// What it comes to; `values` answers with the values of a reference, none of them empty.
    pub fn compute<'v, V, I>(&self, values: &V) -> Computed
    where
        V: Fn(R) -> I,
        I: Iterator<Item = &'v str>,
    {
        let (function, arguments) = match self {
            Self::Reference(place) => return of(values(*place).next().map(str::to_owned)),
            Self::Constant(text) => return of(Some(text.clone())),
            Self::Call(function, arguments) => (*function, arguments),
        };
        let text = |at: usize| -> Option<String> {
            match arguments.get(at)?.as_ref()?.compute(values) {
                Computed::Text(text) => Some(text),
                Computed::Null | Computed::Ignore => None,
            }
        };
        of(match function {
            Function::Append => text(0).map(|source| source + &text(1).unwrap_or_default()),
            Function::Coalesce => (0..arguments.len()).find_map(text),
            Function::IgnoreFlowIfNullOrEmpty => {
                return text(0).map_or(Computed::Ignore, Computed::Text);
            }
            Function::Join => {
                let mut parts: Vec<String> = Vec::new();
                for (at, argument) in arguments.iter().enumerate().skip(1) {
                    match argument {
                        Some(Self::Reference(place)) => {
                            parts.extend(values(*place).map(str::to_owned));
                        }
                        _ => parts.extend(text(at)),
                    }
                }
                (!parts.is_empty()).then(|| parts.join(&text(0).unwrap_or_default()))
            }
            Function::Left => text(0).map(|source| source.chars().take(number(text(1))).collect()),
            Function::Mid => text(0).map(|source| {
                let start = number(text(1)).saturating_sub(1);
                source.chars().skip(start).take(number(text(2))).collect()
            }),
            Function::Replace => text(0).map(|source| match text(1) {
                Some(old) => source.replace(&old, &text(4).unwrap_or_default()),
                None => source,
            }),
            Function::StripSpaces => text(0).map(|source| source.replace(' ', "")),
            Function::Switch => {
                let source = text(0).map(|source| source.to_lowercase());
                let mut pairs = (2..arguments.len()).step_by(2);
                let hit = source.and_then(|source| {
                    pairs.find(|at| text(*at).is_some_and(|key| key.to_lowercase() == source))
                });
                hit.map_or_else(|| text(1), |at| text(at + 1))
            }
            Function::ToLower => text(0).map(|source| source.to_lowercase()),
            Function::ToUpper => text(0).map(|source| source.to_uppercase()),
            Function::Trim => text(0).map(|source| source.trim().to_owned()),
        })
    }
}

/// An empty text is no value: AD never gets an empty string.
fn of(text: Option<String>) -> Computed {
    text.filter(|text| !text.is_empty()).map_or(Computed::Null, Computed::Text)
}

/// A number that was checked when the expression was read.
fn number(text: Option<String>) -> usize {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

struct Reader<'t> {
    rest: Peekable<Chars<'t>>,
}

impl Reader<'_> {
    fn expression(&mut self, depth: usize) -> Result<Expression, String> {
        if depth > DEEPEST {
            return Err(format!("it is nested more than {DEEPEST} deep"));
        }
        self.spaces();
        match self.rest.peek() {
            Some('[') => {
                self.rest.next();
                let name = self.until(']')?;
                let name = name.trim();
                if name.is_empty() {
                    return Err("`[]` names no attribute".to_owned());
                }
                Ok(Expression::Reference(name.to_owned()))
            }
            Some('"') => {
                self.rest.next();
                self.quoted().map(Expression::Constant)
            }
            Some(digit) if digit.is_ascii_digit() => {
                let mut digits = String::new();
                while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
                    digits.push(digit);
                }
                Ok(Expression::Constant(digits))
            }
            Some(letter) if letter.is_ascii_alphabetic() => self.call(depth),
            Some(found) => {
                Err(format!("`{found}` where `[attribute]`, `\"text\"` or a function is expected"))
            }
            None => Err("it ends where a value is expected".to_owned()),
        }
    }

    fn call(&mut self, depth: usize) -> Result<Expression, String> {
        let mut name = String::new();
        while let Some(letter) = self.rest.next_if(char::is_ascii_alphanumeric) {
            name.push(letter);
        }
        let known = FUNCTIONS.iter().find(|(_, known, ..)| known.eq_ignore_ascii_case(&name));
        let Some((function, name, least, most)) = known else {
            let known: Vec<&str> = FUNCTIONS.iter().map(|(_, name, ..)| *name).collect();
            return Err(format!(
                "the function `{name}` is not supported; these are: {}",
                known.join(", ")
            ));
        };
        self.spaces();
        if self.rest.next() != Some('(') {
            return Err(format!("`{name}` lacks its arguments in parentheses"));
        }
        let arguments = self.arguments(depth)?;
        if arguments.len() < *least || arguments.len() > *most {
            return Err(format!("`{name}` does not take {} arguments", arguments.len()));
        }
        check(*function, name, &arguments)?;
        Ok(Expression::Call(*function, arguments))
    }

    fn arguments(&mut self, depth: usize) -> Result<Vec<Option<Expression>>, String> {
        let mut arguments = Vec::new();
        loop {
            self.spaces();
            arguments.push(match self.rest.peek() {
                Some(',' | ')') => None,
                _ => Some(self.expression(depth + 1)?),
            });
            self.spaces();
            match self.rest.next() {
                Some(',') => {}
                Some(')') => return Ok(arguments),
                Some(found) => return Err(format!("`{found}` where `,` or `)` is expected")),
                None => return Err("a `)` is missing".to_owned()),
            }
        }
    }

    /// The text up to the closing quote; `""` and `\\"` in it stand for a quote.
    fn quoted(&mut self) -> Result<String, String> {
        let mut text = String::new();
        loop {
            match self.rest.next() {
                Some('"') if self.rest.next_if_eq(&'"').is_none() => return Ok(text),
                Some('"') => text.push('"'),
                Some('\\') if self.rest.next_if_eq(&'"').is_some() => text.push('"'),
                Some(letter) => text.push(letter),
                None => return Err("a closing quote is missing".to_owned()),
            }
        }
    }

    fn until(&mut self, end: char) -> Result<String, String> {
        let mut text = String::new();
        for letter in self.rest.by_ref() {
            if letter == end {
                return Ok(text);
            }
            text.push(letter);
        }
        Err(format!("a `{end}` is missing"))
    }

    fn spaces(&mut self) {
        while self.rest.next_if(|letter| letter.is_whitespace()).is_some() {}
    }
}

/// What a function asks of its arguments beyond their number.
fn check(function: Function, name: &str, arguments: &[Option<Expression>]) -> Result<(), String> {
    let is_number = |at: usize| matches!(arguments.get(at), Some(Some(Expression::Constant(text))) if text.parse::<u32>().is_ok());
    let given = |at: usize| arguments.get(at).is_some_and(Option::is_some);
    match function {
        Function::Left if !is_number(1) => Err("`Left` takes its length as a number".to_owned()),
        Function::Mid if !(is_number(1) && is_number(2)) => {
            Err("`Mid` takes its start and its length as numbers".to_owned())
        }
        Function::Replace if given(2) || given(3) || given(5) || given(6) || !given(1) => {
            Err("`Replace` is supported as Replace(source, oldValue, , , replacementValue, , ), \
                 without regular expressions, attributes and templates"
                .to_owned())
        }
        Function::Switch if !arguments.len().is_multiple_of(2) => {
            Err("`Switch` takes a source, a default value, and pairs of a key and its value"
                .to_owned())
        }
        Function::Replace => {
            if given(0) {
                Ok(())
            } else {
                Err("`Replace` lacks its source".to_owned())
            }
        }
        _ if !arguments.iter().all(Option::is_some) => {
            Err(format!("`{name}` has an empty argument"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn computed(text: &str) -> Computed {
        let values = |name: &'static str| -> std::vec::IntoIter<&'static str> {
            let values: Vec<&str> = match name {
                "One" => vec![" Anna B "],
                "Several" => vec!["x", "y"],
                _ => Vec::new(),
            };
            values.into_iter()
        };
        let bound = Expression::parse(text).unwrap().bind(&mut |name| match name {
            "One" => "One",
            "Several" => "Several",
            _ => "None",
        });
        bound.compute(&values)
    }

    fn text(text: &str) -> Computed {
        Computed::Text(text.to_owned())
    }

    #[test]
    fn functions_do_what_their_reference_says() {
        assert_eq!(computed(r#"Append(Trim([One]), "!")"#), text("Anna B!"));
        assert_eq!(computed(r#"Append([None], "!")"#), Computed::Null);
        assert_eq!(computed(r#"Coalesce([None], "x", [One])"#), text("x"));
        assert_eq!(computed("IgnoreFlowIfNullOrEmpty([None])"), Computed::Ignore);
        assert_eq!(computed("IgnoreFlowIfNullOrEmpty([Several])"), text("x"));
        assert_eq!(computed(r#"Join("; ", [Several], [None], "z")"#), text("x; y; z"));
        assert_eq!(computed(r#"Join("; ", [None])"#), Computed::Null);
        assert_eq!(computed("Left(Trim([One]), 4)"), text("Anna"));
        assert_eq!(computed("Mid(Trim([One]), 6, 9)"), text("B"));
        assert_eq!(computed(r#"Replace([One], "n", , , "m", , )"#), text(" Amma B "));
        assert_eq!(computed("StripSpaces(ToUpper([One]))"), text("ANNAB"));
        assert_eq!(computed(r#"Switch(Trim([One]), "?", "anna b", "yes")"#), text("yes"));
        assert_eq!(computed(r#"Switch([None], "?", "anna b", "yes")"#), text("?"));
        assert_eq!(computed("ToLower([One])"), text(" anna b "));
        assert_eq!(computed(r#""say ""hi"" \"now\"""#), text(r#"say "hi" "now""#));
        assert_eq!(computed(r#""""#), Computed::Null, "an empty text is no value");
    }

    #[test]
    fn what_is_not_supported_is_refused_and_named() {
        for (text, why) in [
            ("", "ends where"),
            ("[]", "names no attribute"),
            ("[One", "`]` is missing"),
            ("\"x", "closing quote"),
            ("Word([One], 1, \" \")", "`Word` is not supported"),
            ("ToLower", "in parentheses"),
            ("ToLower([One]", "`)` is missing"),
            ("ToLower([One], [One])", "does not take 2"),
            ("ToLower()", "empty argument"),
            ("[One] x", "after the end"),
            ("Left([One], [One])", "as a number"),
            ("Replace([One], , \"r\", , \"x\")", "without regular expressions"),
            ("Switch([One], \"a\", \"b\")", "pairs"),
            ("{One}", "where `[attribute]`"),
        ] {
            let refused = Expression::parse(text).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
        let deep = "Trim(".repeat(40) + "[One]" + &")".repeat(40);
        assert!(Expression::parse(&deep).unwrap_err().contains("nested"));
    }
}
