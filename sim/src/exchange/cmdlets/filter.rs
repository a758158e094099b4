//! OPATH filters of `Get-Mailbox -Filter`: comparisons joined by `-and`, `-or`, `-not`.
//!
//! Source: Microsoft Learn, "Filterable properties for the Filter parameter on Exchange cmdlets".

use super::selection::{primary, recipient_type};
use crate::clock::VirtualTime;
use crate::exchange::address::ProxyAddress;
use crate::exchange::shape::Shape;
use crate::exchange::{Mailbox, property, truth};

/// A parsed filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Compare {
        property: String,
        operator: Operator,
        value: String,
    },
    /// `-eq $null`.
    Absent(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Like,
    NotLike,
}

const OPERATORS: [(&str, Operator); 8] = [
    ("-eq", Operator::Equal),
    ("-ne", Operator::NotEqual),
    ("-gt", Operator::Greater),
    ("-ge", Operator::GreaterOrEqual),
    ("-lt", Operator::Less),
    ("-le", Operator::LessOrEqual),
    ("-like", Operator::Like),
    ("-notlike", Operator::NotLike),
];

impl Filter {
    /// Parses a filter.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, depth: 0 };
        let filter = parser.or()?;
        match parser.tokens.first() {
            None => Ok(filter),
            Some(token) => Err(format!("unexpected `{}`", token.text)),
        }
    }

    /// The earliest `WhenChangedUTC` that can match, when the filter says one.
    pub(super) fn changed_since(&self) -> Option<VirtualTime> {
        match self {
            Self::And(parts) => parts.iter().filter_map(Self::changed_since).max(),
            Self::Compare { property, operator, value }
                if property.eq_ignore_ascii_case("WhenChangedUTC")
                    && matches!(operator, Operator::GreaterOrEqual | Operator::Greater) =>
            {
                instant(value)
            }
            _ => None,
        }
    }

    /// Whether a mailbox passes.
    pub(super) fn matches(&self, mailbox: &Mailbox) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(mailbox)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(mailbox)),
            Self::Not(part) => !part.matches(mailbox),
            Self::Absent(property) => values_of(mailbox, property).is_empty(),
            Self::Compare { property, operator, value } => {
                compare(mailbox, property, *operator, value)
            }
        }
    }

    /// Whether a recipient with these values passes. It has no time of its last change.
    pub(super) fn matches_values(&self, values_of: &dyn Fn(&str) -> Vec<String>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches_values(values_of)),
            Self::Or(parts) => parts.iter().any(|part| part.matches_values(values_of)),
            Self::Not(part) => !part.matches_values(values_of),
            Self::Absent(property) => values_of(property).is_empty(),
            Self::Compare { property, operator, value } => {
                !is_instant(property)
                    && compare_values(values_of(property), property, *operator, value)
            }
        }
    }
}

fn compare(mailbox: &Mailbox, name: &str, operator: Operator, value: &str) -> bool {
    if is_instant(name) {
        let changed = mailbox.when_changed.floor_to_second();
        return instant(value).is_some_and(|wanted| match operator {
            Operator::Equal => changed == wanted,
            Operator::NotEqual => changed != wanted,
            Operator::Greater => changed > wanted,
            Operator::GreaterOrEqual => changed >= wanted,
            Operator::Less => changed < wanted,
            Operator::LessOrEqual => changed <= wanted,
            Operator::Like | Operator::NotLike => false,
        });
    }
    compare_values(values_of(mailbox, name), name, operator, value)
}

fn compare_values(mut values: Vec<String>, name: &str, operator: Operator, value: &str) -> bool {
    // An address without its type stands for one of any type.
    if name.eq_ignore_ascii_case("EmailAddresses") && !value.contains(':') {
        for address in &mut values {
            *address = ProxyAddress::parse(address).address.to_owned();
        }
    }
    let any = |test: &dyn Fn(&str) -> bool| values.iter().any(|have| test(have));
    match operator {
        Operator::Equal => any(&|have| have.eq_ignore_ascii_case(value)),
        Operator::NotEqual => !any(&|have| have.eq_ignore_ascii_case(value)),
        Operator::Like => any(&|have| like(have, value)),
        Operator::NotLike => !any(&|have| like(have, value)),
        Operator::Greater => any(&|have| have > value),
        Operator::GreaterOrEqual => any(&|have| have >= value),
        Operator::Less => any(&|have| have < value),
        Operator::LessOrEqual => any(&|have| have <= value),
    }
}

/// Properties beside the values that a filter may name. The flag is not among them: the service does not
/// filter by it.
const BESIDE: [&str; 8] = [
    "Guid",
    "IsDirSynced",
    "RecipientTypeDetails",
    "RecipientType",
    "ExternalDirectoryObjectId",
    "PrimarySmtpAddress",
    "WhenChanged",
    "WhenChangedUTC",
];

pub(super) fn is_filterable(name: &str) -> bool {
    property::number(name).is_some() || BESIDE.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The values of a property by name; one that is on or off is off as long as nobody set it.
pub(super) fn values_of(mailbox: &Mailbox, name: &str) -> Vec<String> {
    if name.eq_ignore_ascii_case("RecipientType") {
        return vec![recipient_type(mailbox).to_owned()];
    }
    if name.eq_ignore_ascii_case("PrimarySmtpAddress") {
        return primary(mailbox).map(str::to_owned).into_iter().collect();
    }
    if name.eq_ignore_ascii_case("IsDirSynced") {
        return vec![truth(mailbox.dir_synced).to_owned()];
    }
    if name.eq_ignore_ascii_case("RecipientTypeDetails") {
        return vec![mailbox.kind.details().to_owned()];
    }
    if name.eq_ignore_ascii_case("Name") {
        return mailbox.name().map(str::to_owned).into_iter().collect();
    }
    if ["Guid", "ExchangeGuid"].iter().any(|guid| name.eq_ignore_ascii_case(guid)) {
        let given = property::number(name).and_then(|number| mailbox.record.text(number));
        let own =
            || mailbox.guid(if name.len() == 4 { "Guid" } else { "ExchangeGuid" }).to_string();
        return vec![given.map_or_else(own, str::to_owned)];
    }
    if name.eq_ignore_ascii_case("ExternalDirectoryObjectId") {
        return vec![mailbox.id.to_string()];
    }
    let Some(number) = property::number(name) else { return Vec::new() };
    let values = mailbox.record.values(number);
    if values.len() == 0 && property::is_boolean(number) {
        return vec![truth(false).to_owned()];
    }
    values.map(|v| String::from_utf8_lossy(v).into_owned()).collect()
}

/// `*` at either end stands for anything; case does not matter.
fn like(have: &str, pattern: &str) -> bool {
    let (have, pattern) = (have.to_lowercase(), pattern.to_lowercase());
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(_), Some(_)) => have.contains(pattern.trim_matches('*')),
        (Some(end), None) => have.ends_with(end),
        (None, Some(start)) => have.starts_with(start),
        (None, None) => have == pattern,
    }
}

/// An instant in any of the spellings that a parameter takes.
fn instant(value: &str) -> Option<VirtualTime> {
    let parsed = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let other = || parsed(&Shape::Moment.spell(value)?);
    parsed(value).or_else(other).map(VirtualTime::from_jiff)
}

fn is_instant(property: &str) -> bool {
    ["WhenChanged", "WhenChangedUTC"].iter().any(|known| known.eq_ignore_ascii_case(property))
}

#[derive(Debug, Clone, PartialEq)]
struct Token {
    text: String,
    quoted: bool,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            c if c.is_whitespace() => {}
            '(' | ')' => tokens.push(Token { text: character.to_string(), quoted: false }),
            '\'' | '"' => {
                let mut value = String::new();
                loop {
                    match characters.next() {
                        Some(c) if c == character => {
                            if characters.next_if_eq(&character).is_none() {
                                break;
                            }
                            value.push(c);
                        }
                        Some(c) => value.push(c),
                        None => return Err(format!("`{value}` is not closed by {character}")),
                    }
                }
                tokens.push(Token { text: value, quoted: true });
            }
            _ => {
                let mut word = character.to_string();
                while let Some(c) =
                    characters.next_if(|c| !c.is_whitespace() && !matches!(c, '(' | ')'))
                {
                    word.push(c);
                }
                tokens.push(Token { text: word, quoted: false });
            }
        }
    }
    Ok(tokens)
}

struct Parser<'t> {
    tokens: &'t [Token],
    depth: u32,
}

/// Deeper filters are refused, so that no input can exhaust the stack.
const DEEPEST: u32 = 64;

impl Parser<'_> {
    fn or(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.and()?];
        while self.word("-or") {
            parts.push(self.and()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Or(parts) })
    }

    fn and(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.one()?];
        while self.word("-and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::And(parts) })
    }

    fn one(&mut self) -> Result<Filter, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("the filter is nested too deeply".to_owned());
        }
        let filter = if self.word("-not") {
            Filter::Not(Box::new(self.one()?))
        } else if self.word("(") {
            let inner = self.or()?;
            if !self.word(")") {
                return Err("a `(` is not closed".to_owned());
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn comparison(&mut self) -> Result<Filter, String> {
        let property = self.take("a property")?.text.clone();
        let operator = self.take("an operator")?.text.clone();
        let operator = OPERATORS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&operator))
            .map(|(_, operator)| *operator)
            .ok_or_else(|| format!("`{operator}` is not an operator"))?;
        if !is_filterable(&property) {
            return Err(format!("\"{property}\" is not a recognized filterable property"));
        }
        let value = self.take("a value")?;
        if !value.quoted && value.text.eq_ignore_ascii_case("$null") {
            return match operator {
                Operator::Equal => Ok(Filter::Absent(property)),
                Operator::NotEqual => Ok(Filter::Not(Box::new(Filter::Absent(property)))),
                _ => Err("$null goes with -eq and -ne alone".to_owned()),
            };
        }
        let value = if value.quoted { value.text.clone() } else { value.text.replace('$', "") };
        if is_instant(&property) && instant(&value).is_none() {
            return Err(format!("Cannot convert value \"{value}\" to type \"System.DateTime\""));
        }
        Ok(Filter::Compare { property, operator, value })
    }

    fn word(&mut self, word: &str) -> bool {
        let here =
            self.tokens.first().is_some_and(|t| !t.quoted && t.text.eq_ignore_ascii_case(word));
        if here {
            self.tokens = &self.tokens[1..];
        }
        here
    }

    fn take(&mut self, what: &str) -> Result<&Token, String> {
        let (first, rest) =
            self.tokens.split_first().ok_or_else(|| format!("{what} is missing"))?;
        self.tokens = rest;
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_and_parentheses() {
        let filter =
            Filter::parse("Alias -eq 'x' -or Title -eq 'y' -and -not (City -like 'z*')").unwrap();
        let Filter::Or(parts) = filter else { panic!("-or binds least") };
        assert!(matches!(&parts[1], Filter::And(both) if matches!(both[1], Filter::Not(_))));
    }

    #[test]
    fn the_earliest_change_is_read_off() {
        let filter =
            Filter::parse("IsDirSynced -eq 'True' -and WhenChangedUTC -ge '2026-09-01T08:00:00Z'")
                .unwrap();
        assert_eq!(filter.changed_since().unwrap().to_string(), "2026-09-01T08:00:00Z");
    }

    #[test]
    fn mistakes_are_named() {
        assert!(Filter::parse("Alias -is 'x'").unwrap_err().contains("-is"));
        assert!(Filter::parse("Alias -eq").unwrap_err().contains("value"));
        assert!(Filter::parse("WhenChanged -gt 'soon'").unwrap_err().contains("DateTime"));
        assert!(Filter::parse("WhenChanged -gt '8/1/2026 00:00'").is_ok());
        let flag = Filter::parse("IsExchangeCloudManaged -eq 'True'").unwrap_err();
        assert!(flag.contains("not a recognized filterable property"), "filtered by clients alone");
        assert!(matches!(Filter::parse("MailTip -eq $null"), Ok(Filter::Absent(_))));
        assert!(Filter::parse(&"(".repeat(500)).unwrap_err().contains("deeply"));
    }
}
