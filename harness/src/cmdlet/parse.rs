//! One cmdlet line to its words, by PowerShell's rules of quoting.

use std::ops::Range;

use sim::powershell::{Argument, is_dash, is_double_quote, is_single_quote};
use winnow::error::ErrMode;
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location};
use winnow::token::{any, take_till, take_while};

use super::problem::CmdletProblem;
use super::quote::{double_quoted, escape, here_string, single_quoted, starts_variable, variable};

/// A cmdlet line as words.
#[derive(Debug, Clone, PartialEq)]
pub struct CmdletLine {
    /// The cmdlet's name as typed.
    pub name: String,
    /// Where the name stands.
    pub range: Range<usize>,
    /// Everything after the name, in order.
    pub items: Vec<Item>,
}

/// A word after a cmdlet's name.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// `-Name`, or `-Name:value`.
    Parameter {
        /// The name as typed, without the dash.
        name: String,
        /// Where the dash and the name stand.
        range: Range<usize>,
        /// The value after a colon, and where it stands.
        attached: Option<(Argument, Range<usize>)>,
    },
    /// A value.
    Value {
        /// The value.
        argument: Argument,
        /// Where it stands.
        range: Range<usize>,
    },
}

/// Reads one cmdlet line.
///
/// # Errors
/// The first word that PowerShell would not understand, or that a scenario has no use for.
pub fn parse(line: &str) -> Result<CmdletLine, CmdletProblem> {
    let mut input = LocatingSlice::new(line);
    match cmdlet.parse_next(&mut input) {
        Ok(parsed) => Ok(parsed),
        Err(ErrMode::Backtrack(problem) | ErrMode::Cut(problem)) => Err(within(problem, line)),
        Err(ErrMode::Incomplete(_)) => {
            Err(CmdletProblem::new("cmdlet-syntax", 0..line.len(), "this is not a cmdlet line"))
        }
    }
}

/// The problem with its range on whole characters of the line.
fn within(mut problem: CmdletProblem, line: &str) -> CmdletProblem {
    let start = line.floor_char_boundary(problem.range.start);
    let end = line.ceil_char_boundary(problem.range.end.min(line.len()));
    problem.range = start..end.max(start);
    problem
}

pub(super) type Input<'i> = LocatingSlice<&'i str>;
pub(super) type Parsed<T> = ModalResult<T, CmdletProblem>;

/// Arrays in hashtables in arrays; nobody types more.
const MAX_DEPTH: usize = 16;

fn cmdlet(input: &mut Input<'_>) -> Parsed<CmdletLine> {
    blank(input, true)?;
    let start = input.current_token_start();
    let name =
        take_while(0.., |c: char| c.is_ascii_alphanumeric() || is_dash(c)).parse_next(input)?;
    let name = name.replace(is_dash, "-");
    let range = start..input.current_token_start();
    if name.is_empty() || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return fail(
            CmdletProblem::new("cmdlet-syntax", start..start + 1, "a cmdlet's name comes first")
                .label("expected a name such as `Set-Mailbox`"),
        );
    }
    let mut items = Vec::new();
    loop {
        let before = input.current_token_start();
        blank(input, false)?;
        let Some(next) = peek(input) else { break };
        if matches!(next, '\r' | '\n') {
            blank(input, true)?;
            end_of_command(input)?;
            break;
        }
        if next == ';' {
            // What ends a command may stand at its end.
            any.parse_next(input)?;
            blank(input, true)?;
            end_of_command(input)?;
            break;
        }
        if input.current_token_start() == before {
            return fail(misplaced(input, next));
        }
        items.push(item(input, next)?);
    }
    Ok(CmdletLine { name, range, items })
}

fn item(input: &mut Input<'_>, next: char) -> Parsed<Item> {
    if is_dash(next) && second(input).is_some_and(|c| c.is_ascii_alphabetic() || c == '_') {
        return parameter(input);
    }
    let start = input.current_token_start();
    let argument = value(input, 0)?;
    Ok(Item::Value { argument, range: start..end_of(input) })
}

fn parameter(input: &mut Input<'_>) -> Parsed<Item> {
    let start = input.current_token_start();
    any.parse_next(input)?;
    let name =
        take_while(1.., |c: char| c.is_ascii_alphanumeric() || c == '_').parse_next(input)?;
    let name = name.to_owned();
    let range = start..input.current_token_start();
    let mut attached = None;
    if peek(input) == Some(':') {
        any.parse_next(input)?;
        blank(input, false)?;
        let from = input.current_token_start();
        let argument = value(input, 0)?;
        attached = Some((argument, from..end_of(input)));
    }
    Ok(Item::Parameter { name, range, attached })
}

/// One value, or several with commas between them.
fn value(input: &mut Input<'_>, depth: usize) -> Parsed<Argument> {
    let first = element(input, depth)?;
    let mut values = vec![first];
    loop {
        let checkpoint = *input;
        blank(input, depth > 0)?;
        if peek(input) != Some(',') {
            *input = checkpoint;
            break;
        }
        any.parse_next(input)?;
        blank(input, true)?;
        values.push(element(input, depth)?);
    }
    Ok(match values.len() {
        1 => values.remove(0),
        _ => Argument::Array(values),
    })
}

fn element(input: &mut Input<'_>, depth: usize) -> Parsed<Argument> {
    let start = input.current_token_start();
    if depth > MAX_DEPTH {
        return fail(CmdletProblem::new("cmdlet-syntax", start..start + 1, "too deeply nested"));
    }
    match (peek(input), second(input)) {
        (None, _) => {
            fail(CmdletProblem::new("cmdlet-syntax", start..start, "a value is missing here"))
        }
        (Some(quote), _) if is_single_quote(quote) => {
            let text = single_quoted(input)?;
            ends_here(input)?;
            Ok(Argument::Text(text))
        }
        (Some(quote), _) if is_double_quote(quote) => {
            let text = double_quoted(input)?;
            ends_here(input)?;
            Ok(Argument::Text(text))
        }
        (Some('@'), Some(quote)) if is_single_quote(quote) || is_double_quote(quote) => {
            let quote = if is_double_quote(quote) { '"' } else { '\'' };
            let text = here_string(input, quote)?;
            ends_here(input)?;
            Ok(Argument::Text(text))
        }
        (Some('@'), Some('(')) => array(input, depth),
        (Some('@'), Some('{')) => hashtable(input, depth),
        (Some('('), _) => parenthesised(input, depth),
        (Some('$'), _) => variable(input),
        (Some(next), _) if ends_word(next) || next == '@' => fail(misplaced(input, next)),
        _ => word(input),
    }
}

/// `@(a, b)`: always an array, also of one value or of none.
fn array(input: &mut Input<'_>, depth: usize) -> Parsed<Argument> {
    let start = input.current_token_start();
    any.parse_next(input)?;
    any.parse_next(input)?;
    blank(input, true)?;
    let mut values = Vec::new();
    if peek(input) != Some(')') {
        loop {
            values.push(element(input, depth + 1)?);
            blank(input, true)?;
            if peek(input) != Some(',') {
                break;
            }
            any.parse_next(input)?;
            blank(input, true)?;
        }
    }
    close(input, ')', start, "`,` or `)`")?;
    Ok(Argument::Array(values))
}

/// `(a, b)`.
fn parenthesised(input: &mut Input<'_>, depth: usize) -> Parsed<Argument> {
    let start = input.current_token_start();
    any.parse_next(input)?;
    blank(input, true)?;
    if let Some(range) = range(input)? {
        blank(input, true)?;
        close(input, ')', start, "`)`")?;
        return Ok(range);
    }
    let from = input.current_token_start();
    let is_command = peek(input).is_some_and(char::is_alphabetic);
    let inner = value(input, depth + 1)?;
    if is_command {
        let range = from..end_of(input);
        return fail(
            CmdletProblem::new("cmdlet-syntax", range, "a word in parentheses is a command")
                .label("a scenario cannot call a cmdlet inside another")
                .help("write the value itself, a text in 'quotes'"),
        );
    }
    blank(input, true)?;
    close(input, ')', start, "`,` or `)`; a scenario cannot call a cmdlet inside another")?;
    Ok(inner)
}

/// More numbers than any parameter takes.
const MOST_OF_A_RANGE: i64 = 100_000;

/// `1..1300`: every whole number from one to the other, downwards too (about_Operators, "Range operator").
fn range(input: &mut Input<'_>) -> Parsed<Option<Argument>> {
    let checkpoint = *input;
    let start = input.current_token_start();
    let number = |input: &mut Input<'_>| -> Parsed<Option<i64>> {
        let minus = if peek(input) == Some('-') { any.parse_next(input)? == '-' } else { false };
        let digits = take_while(0..=9, |c: char| c.is_ascii_digit()).parse_next(input)?;
        Ok(digits.parse::<i64>().ok().map(|number| if minus { -number } else { number }))
    };
    let first = number(input)?;
    let dots = take_while(0..=2, '.').parse_next(input)?;
    let last = number(input)?;
    let (Some(first), "..", Some(last)) = (first, dots, last) else {
        *input = checkpoint;
        return Ok(None);
    };
    if first.abs_diff(last) >= MOST_OF_A_RANGE.unsigned_abs() {
        let range = start..input.current_token_start();
        let message = format!("this is more than {MOST_OF_A_RANGE} numbers");
        return fail(CmdletProblem::new("cmdlet-syntax", range, message));
    }
    let upwards = first..=last;
    let numbers: Vec<i64> =
        if first <= last { upwards.collect() } else { (last..=first).rev().collect() };
    Ok(Some(Argument::Array(numbers.into_iter().map(Argument::Integer).collect())))
}

/// `@{Name='value'; Other='a','b'}`.
fn hashtable(input: &mut Input<'_>, depth: usize) -> Parsed<Argument> {
    let start = input.current_token_start();
    any.parse_next(input)?;
    any.parse_next(input)?;
    let mut members: Vec<(String, Argument)> = Vec::new();
    loop {
        blank_or_semicolon(input)?;
        if matches!(peek(input), None | Some('}')) {
            break;
        }
        let from = input.current_token_start();
        let key = key(input)?;
        let range = from..input.current_token_start();
        if members.iter().any(|(name, _)| name.eq_ignore_ascii_case(&key)) {
            let message = format!("`{key}` comes twice in this hashtable");
            return fail(CmdletProblem::new("cmdlet-duplicate", range, message));
        }
        blank(input, false)?;
        if peek(input) != Some('=') {
            let at = input.current_token_start();
            let message = format!("`{key}` has no value");
            return fail(
                CmdletProblem::new("cmdlet-syntax", at..at + 1, message).label("expected `=`"),
            );
        }
        any.parse_next(input)?;
        blank(input, true)?;
        let value = value(input, depth + 1)?;
        members.push((key, value));
        let at = input.current_token_start();
        blank(input, false)?;
        if !matches!(peek(input), None | Some(';' | '}' | '\r' | '\n')) {
            return fail(
                CmdletProblem::new("cmdlet-syntax", at..at + 1, "this hashtable goes wrong here")
                    .label("expected `,`, `;` or `}`"),
            );
        }
    }
    close(input, '}', start, "`;` or `}`")?;
    Ok(Argument::Hashtable(members))
}

fn key(input: &mut Input<'_>) -> Parsed<String> {
    match peek(input) {
        Some(quote) if is_single_quote(quote) => single_quoted(input),
        Some(quote) if is_double_quote(quote) => double_quoted(input),
        _ => {
            let at = input.current_token_start();
            let name = take_while(0.., |c: char| c.is_alphanumeric() || c == '-' || c == '_')
                .parse_next(input)?;
            if name.is_empty() {
                let message = "a hashtable consists of names and values";
                return fail(
                    CmdletProblem::new("cmdlet-syntax", at..at + 1, message)
                        .label("expected a name")
                        .help("such as `@{Add='smtp:new@contoso.com'}`"),
                );
            }
            Ok(name.to_owned())
        }
    }
}

/// The number of a round in the texts of a repeated step: the only braces outside of quotes.
pub const ROUND: &str = "{n}";

fn has_round(input: &Input<'_>) -> bool {
    input.starts_with(ROUND)
}

/// A word without quotes, or with quotes inside.
fn word(input: &mut Input<'_>) -> Parsed<Argument> {
    let start = input.current_token_start();
    let mut text = String::new();
    let mut bare = true;
    while let Some(next) = peek(input).filter(|next| !ends_word(*next) || has_round(input)) {
        match next {
            '{' => {
                let mut round = ROUND;
                round.parse_next(input)?;
                text.push_str(ROUND);
            }
            quote if is_single_quote(quote) => {
                bare = false;
                text.push_str(&single_quoted(input)?);
            }
            quote if is_double_quote(quote) => {
                bare = false;
                text.push_str(&double_quoted(input)?);
            }
            '`' => {
                bare = false;
                text.push(escape(input)?);
            }
            '$' if second(input).is_some_and(starts_variable) => {
                variable(input)?;
                let range = start..input.current_token_start();
                return fail(
                    CmdletProblem::new("cmdlet-variable", range, "text and value run together")
                        .help("put a text with `$` into 'single quotes'"),
                );
            }
            _ => {
                any.parse_next(input)?;
                text.push(next);
            }
        }
    }
    let number = if bare { text.parse::<i64>().ok() } else { None };
    Ok(match number {
        // `007` and `+5` stay text: PowerShell hands a parameter of text what was typed.
        Some(number) if number.to_string() == text => Argument::Integer(number),
        _ => Argument::Text(text),
    })
}

/// Skips what means nothing: blanks, comments, and line ends where the command goes on after them.
fn blank(input: &mut Input<'_>, across_lines: bool) -> Parsed<()> {
    loop {
        match (peek(input), second(input)) {
            (Some(' ' | '\t' | '\u{a0}'), _) => {
                any.parse_next(input)?;
            }
            (Some('\r' | '\n'), _) if across_lines => {
                any.parse_next(input)?;
            }
            (Some('`'), Some('\r' | '\n')) => {
                any.parse_next(input)?;
                take_while(1.., ['\r', '\n']).parse_next(input)?;
            }
            (Some('#'), _) => {
                take_till(0.., ['\r', '\n']).parse_next(input)?;
            }
            (Some('<'), Some('#')) => block_comment(input)?,
            _ => return Ok(()),
        }
    }
}

fn block_comment(input: &mut Input<'_>) -> Parsed<()> {
    let start = input.current_token_start();
    loop {
        take_till(0.., '#').parse_next(input)?;
        match (peek(input), second(input)) {
            (Some(_), Some('>')) => {
                any.parse_next(input)?;
                any.parse_next(input)?;
                return Ok(());
            }
            (Some(_), _) => {
                any.parse_next(input)?;
            }
            (None, _) => {
                let range = start..start + 2;
                return fail(
                    CmdletProblem::new("cmdlet-syntax", range, "this comment never ends")
                        .label("expected `#>` somewhere after it"),
                );
            }
        }
    }
}

fn blank_or_semicolon(input: &mut Input<'_>) -> Parsed<()> {
    blank(input, true)?;
    while peek(input) == Some(';') {
        any.parse_next(input)?;
        blank(input, true)?;
    }
    Ok(())
}

fn close(input: &mut Input<'_>, wanted: char, start: usize, expected: &str) -> Parsed<()> {
    let at = input.current_token_start();
    match peek(input) {
        Some(found) if found == wanted => {
            any.parse_next(input)?;
            ends_here(input)
        }
        Some(found) => fail(
            CmdletProblem::new("cmdlet-syntax", at..at + found.len_utf8(), "this goes wrong here")
                .label(format!("expected {expected}")),
        ),
        None => fail(
            CmdletProblem::new("cmdlet-syntax", start..start + 1, "this is never closed")
                .label(format!("expected `{wanted}` before the end")),
        ),
    }
}

/// After a quote or bracket that closes, a word must not go on.
fn ends_here(input: &mut Input<'_>) -> Parsed<()> {
    match peek(input) {
        Some(next) if !ends_word(next) => {
            let at = input.current_token_start();
            let range = at..at + next.len_utf8();
            fail(
                CmdletProblem::new("cmdlet-syntax", range, "a blank is missing here")
                    .label("expected a blank or `,`")
                    .help("a quote inside 'single quotes' is written twice: 'it''s'"),
            )
        }
        _ => Ok(()),
    }
}

fn end_of_command(input: &mut Input<'_>) -> Parsed<()> {
    let Some(next) = peek(input) else { return Ok(()) };
    let at = input.current_token_start();
    let range = at..at + next.len_utf8();
    fail(if is_dash(next) {
        CmdletProblem::new("cmdlet-syntax", range, "PowerShell ends a command with its line")
            .help("end the line before it with a backtick, or write `>-` instead of `|`")
    } else {
        CmdletProblem::new("cmdlet-second", range, "a step is one cmdlet")
            .label("a second one begins here")
            .help("give it a step of its own")
    })
}

fn misplaced(input: &Input<'_>, next: char) -> CmdletProblem {
    let at = input.current_token_start();
    let range = at..at + next.len_utf8();
    let problem = |message: &str| CmdletProblem::new("cmdlet-syntax", range.clone(), message);
    match next {
        '|' => problem("a step has no pipeline").help("name the objects, one step for each cmdlet"),
        '>' | '<' => problem("a step has no redirection").help("put text with it into quotes"),
        '{' | '}' => problem("a step has no script block").help("put text with it into quotes"),
        '@' => problem("a step has no splatting").help("put text that begins with @ into quotes"),
        ',' => problem("a value is missing before this comma"),
        '&' => problem("`&` stands alone").help("put text with it into quotes"),
        _ => problem("this is out of place"),
    }
}

pub(super) fn fail<T>(problem: CmdletProblem) -> Parsed<T> {
    Err(ErrMode::Cut(problem))
}

pub(super) fn peek(input: &Input<'_>) -> Option<char> {
    input.chars().next()
}

pub(super) fn second(input: &Input<'_>) -> Option<char> {
    input.chars().nth(1)
}

/// The end of what was just read, without the blanks after it.
fn end_of(input: &Input<'_>) -> usize {
    input.current_token_start()
}

fn ends_word(next: char) -> bool {
    next.is_whitespace()
        || matches!(next, ',' | ';' | '|' | '&' | '(' | ')' | '{' | '}' | '<' | '>')
}
