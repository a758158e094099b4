//! Cmdlet calls as values: what a person types, a script runs or a REST body carries.
//!
//! Every part of the estate that understands cmdlets says which ones in a catalogue, so that a
//! scenario file can be checked before anything runs.

use std::fmt;

/// A value of a cmdlet parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// `$null`.
    Null,
    /// `$true` or `$false`; a switch that is given is `true`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
    /// `'a','b'` or `@('a','b')`.
    Array(Vec<Argument>),
    /// `@{Add='a'; Remove='b'}`, in the order given.
    Hashtable(Vec<(String, Argument)>),
}

impl Argument {
    /// All texts in this value: one for a scalar, several for an array, none for `$null`.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::Null => Vec::new(),
            Self::Boolean(value) => vec![if *value { "True" } else { "False" }.to_owned()],
            Self::Integer(value) => vec![value.to_string()],
            Self::Text(value) => vec![value.clone()],
            Self::Array(values) => values.iter().flat_map(Self::texts).collect(),
            Self::Hashtable(members) => members.iter().flat_map(|(_, v)| v.texts()).collect(),
        }
    }

    /// The truth of a Boolean, of 0 and 1, or of its usual spellings in REST bodies (`"True"`, `"$true"`).
    #[must_use]
    pub fn boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            Self::Integer(0) => Some(false),
            Self::Integer(1) => Some(true),
            Self::Text(text) if text.trim_start_matches('$').eq_ignore_ascii_case("true") => {
                Some(true)
            }
            Self::Text(text) if text.trim_start_matches('$').eq_ignore_ascii_case("false") => {
                Some(false)
            }
            _ => None,
        }
    }

    /// A member of a hashtable, by name without case.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Hashtable(members) => {
                members.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
            }
            _ => None,
        }
    }
}

/// As PowerShell would write it.
impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("$null"),
            Self::Boolean(true) => f.write_str("$true"),
            Self::Boolean(false) => f.write_str("$false"),
            Self::Integer(value) => value.fmt(f),
            Self::Text(text) => {
                f.write_str("'")?;
                for character in text.chars() {
                    if is_single_quote(character) {
                        write!(f, "{character}")?;
                    }
                    write!(f, "{character}")?;
                }
                f.write_str("'")
            }
            Self::Array(values) => {
                f.write_str("@(")?;
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index > 0 { "," } else { "" })?;
                }
                f.write_str(")")
            }
            Self::Hashtable(members) => {
                f.write_str("@{")?;
                for (index, (name, value)) in members.iter().enumerate() {
                    write!(f, "{}{name}={value}", if index > 0 { "; " } else { "" })?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Whether PowerShell takes a character for a single quote: those of word processors too ([the language
/// specification](https://learn.microsoft.com/powershell/scripting/lang-spec/chapter-02), 2.3.5.2).
#[must_use]
pub const fn is_single_quote(character: char) -> bool {
    matches!(character, '\'' | '\u{2018}'..='\u{201b}')
}

/// The same for double quotes.
#[must_use]
pub const fn is_double_quote(character: char) -> bool {
    matches!(character, '"' | '\u{201c}'..='\u{201e}')
}

/// The same for dashes.
#[must_use]
pub const fn is_dash(character: char) -> bool {
    matches!(character, '-' | '\u{2013}'..='\u{2015}')
}

/// One cmdlet with its parameters. A positional first argument is the parameter `Identity`.
#[derive(Debug, Clone, PartialEq)]
pub struct CmdletCall {
    /// The cmdlet's name; compared without case.
    pub name: String,
    /// Parameters by name without the dash, in the order given; compared without case.
    pub parameters: Vec<(String, Argument)>,
}

impl CmdletCall {
    /// A parameter's value.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&Argument> {
        self.parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    /// The text of a scalar parameter.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.parameter(name).and_then(|value| value.texts().into_iter().next())
    }
}

/// As PowerShell would write it.
impl fmt::Display for CmdletCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (name, value) in &self.parameters {
            write!(f, " -{name} {value}")?;
        }
        Ok(())
    }
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// Text.
    Text,
    /// `$true` or `$false`.
    Boolean,
    /// Given or not given.
    Switch,
    /// A whole number.
    Integer,
    /// Several texts: a scalar, an array, or `@{Add=...; Remove=...}`.
    MultiValue,
    /// A hashtable of attribute names and values (`Set-ADUser -Replace`).
    Hashtable,
    /// Text out of a fixed list.
    OneOf(&'static [&'static str]),
}

impl ParameterKind {
    /// Whether PowerShell's binder can make of a value what the parameter takes (Microsoft Learn,
    /// about_Parameters, about_Type_Conversion).
    #[must_use]
    pub fn takes(self, value: &Argument) -> bool {
        let is_plain = |value: &Argument| {
            matches!(value, Argument::Text(_) | Argument::Integer(_) | Argument::Null)
        };
        let is_flat = |value: &Argument| match value {
            Argument::Array(values) => values.iter().all(is_plain),
            other => is_plain(other),
        };
        match self {
            Self::Text => is_plain(value),
            // Text is no truth: `-Enabled true` wants a `$`.
            Self::Boolean | Self::Switch => {
                matches!(value, Argument::Boolean(_) | Argument::Integer(0 | 1))
            }
            Self::Integer => match value {
                Argument::Text(text) => text.trim().parse::<i64>().is_ok(),
                other => matches!(other, Argument::Integer(_) | Argument::Null),
            },
            Self::MultiValue => match value {
                Argument::Hashtable(members) => members.iter().all(|(name, value)| {
                    let is = |known: &&str| known.eq_ignore_ascii_case(name);
                    ["Add", "Remove"].iter().any(is) && is_flat(value)
                }),
                other => is_flat(other),
            },
            Self::Hashtable => matches!(value, Argument::Hashtable(_)),
            Self::OneOf(words) => match value {
                Argument::Text(text) => words.iter().any(|word| word.eq_ignore_ascii_case(text)),
                _ => false,
            },
        }
    }
}

/// A parameter in a catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterSpec {
    /// The documented spelling, without the dash.
    pub name: &'static str,
    /// What it takes.
    pub kind: ParameterKind,
}

/// A cmdlet in a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CmdletSpec {
    /// The documented spelling.
    pub name: &'static str,
    /// Its parameters, `Identity` among them where it takes one.
    pub parameters: Vec<ParameterSpec>,
}

impl CmdletSpec {
    /// A parameter by name, without case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&ParameterSpec> {
        self.parameters.iter().find(|p| p.name.eq_ignore_ascii_case(name))
    }
}
