//! Quotes, escapes and the three variables (Microsoft Learn, about_Quoting_Rules,
//! about_Special_Characters, about_Automatic_Variables).

use std::ops::Range;

use sim::powershell::{Argument, is_double_quote, is_single_quote};
use winnow::combinator::{alt, opt};
use winnow::prelude::*;
use winnow::stream::Location;
use winnow::token::{any, take_till, take_while};

use super::parse::{Input, Parsed, fail, peek, second};
use super::problem::CmdletProblem;
use crate::scenario::nearest;

/// `$true`, `$false`, `$null`; there are no other variables.
pub(super) fn variable(input: &mut Input<'_>) -> Parsed<Argument> {
    let start = input.current_token_start();
    any.parse_next(input)?;
    let name =
        take_while(0.., |c: char| c.is_alphanumeric() || c == '_' || c == ':').parse_next(input)?;
    match name.to_ascii_lowercase().as_str() {
        "true" => Ok(Argument::Boolean(true)),
        "false" => Ok(Argument::Boolean(false)),
        "null" => Ok(Argument::Null),
        _ => fail(no_variable(start..input.current_token_start(), name)),
    }
}

fn no_variable(range: Range<usize>, name: &str) -> CmdletProblem {
    let message = if name.is_empty() {
        "a scenario has no expressions".to_owned()
    } else {
        format!("a scenario has no variable `${name}`")
    };
    let help = match nearest(name, ["true", "false", "null"]) {
        Some(meant) => format!("did you mean `${meant}`?"),
        None => "write the value itself; a `$` in text stands in 'single quotes'".to_owned(),
    };
    CmdletProblem::new("cmdlet-variable", range, message)
        .label("only `$true`, `$false` and `$null`")
        .help(help)
}

pub(super) fn single_quoted(input: &mut Input<'_>) -> Parsed<String> {
    let start = input.current_token_start();
    any.parse_next(input)?;
    let mut text = String::new();
    loop {
        text.push_str(take_till(0.., is_single_quote).parse_next(input)?);
        match (peek(input), second(input)) {
            (Some(_), Some(quote)) if is_single_quote(quote) => {
                any.parse_next(input)?;
                any.parse_next(input)?;
                text.push(quote);
            }
            (Some(_), _) => {
                any.parse_next(input)?;
                return Ok(text);
            }
            (None, _) => return fail(unclosed(input, start, '\'')),
        }
    }
}

pub(super) fn double_quoted(input: &mut Input<'_>) -> Parsed<String> {
    let start = input.current_token_start();
    any.parse_next(input)?;
    let mut text = String::new();
    loop {
        let ends = |c: char| is_double_quote(c) || matches!(c, '`' | '$');
        text.push_str(take_till(0.., ends).parse_next(input)?);
        match (peek(input), second(input)) {
            (Some(first), Some(quote)) if is_double_quote(first) && is_double_quote(quote) => {
                any.parse_next(input)?;
                any.parse_next(input)?;
                text.push(quote);
            }
            (Some(first), _) if is_double_quote(first) => {
                any.parse_next(input)?;
                return Ok(text);
            }
            (Some('`'), Some(_)) => text.push(escape(input)?),
            (Some('$'), Some(next)) if starts_variable(next) => {
                let at = input.current_token_start();
                any.parse_next(input)?;
                let name =
                    take_while(0.., |c: char| c.is_alphanumeric() || c == '_').parse_next(input)?;
                return fail(no_variable(at..input.current_token_start(), name));
            }
            (Some(next), _) => {
                any.parse_next(input)?;
                text.push(next);
            }
            (None, _) => return fail(unclosed(input, start, '"')),
        }
    }
}

/// `@'` or `@"` at the end of a line, lines of text in which quotes mean nothing, and the same the other way
/// round at the beginning of a line (about_Quoting_Rules, "Here-strings").
pub(super) fn here_string(input: &mut Input<'_>, quote: char) -> Parsed<String> {
    let is_quote = if quote == '"' { is_double_quote } else { is_single_quote };
    let start = input.current_token_start();
    any.parse_next(input)?;
    any.parse_next(input)?;
    take_while(0.., [' ', '\t']).parse_next(input)?;
    let at = input.current_token_start();
    if line_end(input)?.is_none() {
        let width = peek(input).map_or(0, char::len_utf8);
        let message = "the text of a here-string begins on the next line";
        return fail(
            CmdletProblem::new("cmdlet-quote", at..at + width, message)
                .label("expected the end of the line")
                .help(format!("a text of one line stands in {quote}quotes{quote}")),
        );
    }
    let mut text = String::new();
    // The end of the line before, which belongs to the text only when another line follows.
    let mut end = None;
    loop {
        if peek(input).is_some_and(is_quote) && second(input) == Some('@') {
            any.parse_next(input)?;
            any.parse_next(input)?;
            return Ok(text);
        }
        text.extend(end.take());
        while let Some(next) = peek(input).filter(|next| !matches!(next, '\r' | '\n')) {
            match (quote, next) {
                ('"', '`') => text.push(escape(input)?),
                ('"', '$') if second(input).is_some_and(starts_variable) => {
                    let at = input.current_token_start();
                    any.parse_next(input)?;
                    let name = take_while(0.., |c: char| c.is_alphanumeric() || c == '_')
                        .parse_next(input)?;
                    return fail(no_variable(at..input.current_token_start(), name));
                }
                _ => {
                    any.parse_next(input)?;
                    text.push(next);
                }
            }
        }
        end = line_end(input)?;
        if end.is_none() {
            let problem = CmdletProblem::new("cmdlet-quote", start..start + 2, NEVER_CLOSED);
            return fail(problem.label(format!("expected a line that begins with {quote}@")));
        }
    }
}

const NEVER_CLOSED: &str = "this here-string is never closed";

/// The end of a line, as the text has it.
fn line_end<'i>(input: &mut Input<'i>) -> Parsed<Option<&'i str>> {
    opt(alt(("\r\n", "\n"))).parse_next(input)
}

/// A backtick and the character that it escapes (about_Special_Characters).
pub(super) fn escape(input: &mut Input<'_>) -> Parsed<char> {
    let at = input.current_token_start();
    any.parse_next(input)?;
    let Some(next) = peek(input) else {
        return fail(CmdletProblem::new(
            "cmdlet-syntax",
            at..at + 1,
            "a backtick escapes nothing here",
        ));
    };
    any.parse_next(input)?;
    Ok(match next {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'e' => '\u{1b}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        other => other,
    })
}

fn unclosed(input: &Input<'_>, start: usize, quote: char) -> CmdletProblem {
    let end = input.current_token_start().max(start + 1);
    CmdletProblem::new("cmdlet-quote", start..end, "this quote is never closed")
        .label(format!("expected {quote} before the end"))
}

pub(super) fn starts_variable(next: char) -> bool {
    next.is_alphabetic() || matches!(next, '_' | '{' | '(')
}
