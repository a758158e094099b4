//! Whether a value fits a parameter, and its form there.

use std::ops::Range;

use sim::powershell::{Argument, ParameterKind, ParameterSpec};

use super::problem::CmdletProblem;
use crate::scenario::{choice, nearest};

/// The value in the form that the parameter has.
pub(super) fn convert(
    parameter: &ParameterSpec,
    argument: &Argument,
    range: &Range<usize>,
) -> Result<Argument, Box<CmdletProblem>> {
    let fitting = match parameter.kind {
        ParameterKind::Text => text(argument),
        ParameterKind::Boolean | ParameterKind::Switch => truth(argument),
        ParameterKind::Integer => integer(argument),
        ParameterKind::MultiValue => return several(parameter, argument, range),
        ParameterKind::Hashtable => {
            matches!(argument, Argument::Hashtable(_)).then(|| argument.clone())
        }
        ParameterKind::OneOf(words) => return one_of(parameter, words, argument, range),
    };
    fitting.ok_or_else(|| misfit(parameter, argument, range))
}

/// What a parameter of this kind takes, for messages.
pub(super) fn wanted(kind: ParameterKind) -> String {
    match kind {
        ParameterKind::Text => "text".to_owned(),
        ParameterKind::Boolean => "`$true` or `$false`".to_owned(),
        ParameterKind::Switch => "nothing, or `:$true` or `:$false`".to_owned(),
        ParameterKind::Integer => "a whole number".to_owned(),
        ParameterKind::MultiValue => {
            "one value, several with commas, or `@{Add=...; Remove=...}`".to_owned()
        }
        ParameterKind::Hashtable => "a hashtable such as `@{attribute='value'}`".to_owned(),
        ParameterKind::OneOf(words) => choice(words),
    }
}

fn text(argument: &Argument) -> Option<Argument> {
    match argument {
        Argument::Text(_) | Argument::Null => Some(argument.clone()),
        Argument::Integer(number) => Some(Argument::Text(number.to_string())),
        _ => None,
    }
}

fn truth(argument: &Argument) -> Option<Argument> {
    match argument {
        Argument::Boolean(_) => Some(argument.clone()),
        Argument::Integer(0) => Some(Argument::Boolean(false)),
        Argument::Integer(1) => Some(Argument::Boolean(true)),
        _ => None,
    }
}

fn integer(argument: &Argument) -> Option<Argument> {
    match argument {
        Argument::Integer(_) | Argument::Null => Some(argument.clone()),
        Argument::Text(text) => text.trim().parse().ok().map(Argument::Integer),
        _ => None,
    }
}

fn several(
    parameter: &ParameterSpec,
    argument: &Argument,
    range: &Range<usize>,
) -> Result<Argument, Box<CmdletProblem>> {
    let plain = |value: &Argument| {
        matches!(value, Argument::Text(_) | Argument::Integer(_) | Argument::Null)
    };
    let flat = |value: &Argument| match value {
        Argument::Array(values) => values.iter().all(plain),
        other => plain(other),
    };
    let Argument::Hashtable(members) = argument else {
        return if flat(argument) {
            Ok(argument.clone())
        } else {
            Err(misfit(parameter, argument, range))
        };
    };
    for (name, value) in members {
        if !["Add", "Remove"].iter().any(|known| known.eq_ignore_ascii_case(name)) {
            let message = format!("`-{}` does not know `{name}`", parameter.name);
            let problem = CmdletProblem::new("wrong-value", range.clone(), message);
            return Err(Box::new(problem.label("expected `Add` and `Remove`")));
        }
        if !flat(value) {
            return Err(misfit(parameter, argument, range));
        }
    }
    Ok(argument.clone())
}

fn one_of(
    parameter: &ParameterSpec,
    words: &'static [&'static str],
    argument: &Argument,
    range: &Range<usize>,
) -> Result<Argument, Box<CmdletProblem>> {
    let Argument::Text(text) = argument else { return Err(misfit(parameter, argument, range)) };
    if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
        return Ok(Argument::Text((*word).to_owned()));
    }
    let message = format!("`-{}` has no value `{text}`", parameter.name);
    let problem = CmdletProblem::new("wrong-value", range.clone(), message)
        .label(format!("expected {}", wanted(parameter.kind)));
    Err(Box::new(match nearest(text, words.iter().copied()) {
        Some(meant) => problem.help(format!("did you mean `{meant}`?")),
        None => problem,
    }))
}

fn misfit(
    parameter: &ParameterSpec,
    argument: &Argument,
    range: &Range<usize>,
) -> Box<CmdletProblem> {
    let found = match argument {
        Argument::Null => "`$null`",
        Argument::Boolean(_) => "a truth value",
        Argument::Integer(_) => "a number",
        Argument::Text(_) => "text",
        Argument::Array(_) => "several values",
        Argument::Hashtable(_) => "a hashtable",
    };
    let message = format!("`-{}` does not take {found}", parameter.name);
    let problem = CmdletProblem::new("wrong-value", range.clone(), message)
        .label(format!("expected {}", wanted(parameter.kind)));
    let truth = argument.boolean().filter(|_| matches!(argument, Argument::Text(_)));
    Box::new(match truth {
        Some(truth) => problem.help(format!("did you mean `${truth}`?")),
        None => problem,
    })
}
