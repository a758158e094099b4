//! Whether the values of a parameter are what the property takes.
//!
//! # Divergence from Exchange Online
//! Recipients that a property may refer to are mailboxes and mail users; groups are not modelled, so
//! one that is named is not found.

use super::set_mailbox::wrong_value;
use super::{CmdletError, ErrorKind, SERVER};
use crate::exchange::ExchangeOnline;
use crate::exchange::property::{self, Form, PropertySpec};
use crate::exchange::shape::Shape;
use crate::exchange::truth;
use crate::powershell::{Argument, ParameterKind};
use crate::record::AttributeNumber;

/// The argument in the property's own words: the alias of a recipient, a word as it is documented,
/// `True` and `False`.
pub(super) fn read(
    tenant: &ExchangeOnline,
    property: AttributeNumber,
    argument: &Argument,
) -> Result<Argument, CmdletError> {
    let Some(spec) = property::spec(property) else { return Ok(argument.clone()) };
    check_members(spec, argument)?;
    if spec.form == Form::Reference {
        return each(argument, &|identity| referred(tenant, identity));
    }
    if is_empty(argument) {
        return Ok(argument.clone());
    }
    let misfit = |kind: &str| wrong_value(spec.name, argument, kind);
    if spec.shape != Shape::Free {
        return each(argument, &|text| {
            spec.shape.spell(text).ok_or_else(|| misfit(spec.shape.net()))
        });
    }
    match spec.kind {
        ParameterKind::Boolean | ParameterKind::Switch => argument
            .boolean()
            .map(|value| Argument::Text(truth(value).to_owned()))
            .ok_or_else(|| misfit("System.Boolean")),
        ParameterKind::Integer => match argument.texts().as_slice() {
            [number] if number.parse::<i32>().is_ok() => Ok(Argument::Text(number.clone())),
            _ => Err(misfit("System.Int32")),
        },
        ParameterKind::OneOf(words) => {
            let given = argument.texts();
            let word = given.first().and_then(|given| {
                words.iter().find(|word| word.eq_ignore_ascii_case(given)).copied()
            });
            let word = word.filter(|_| given.len() == 1).map(|word| Argument::Text(word.into()));
            word.ok_or_else(|| misfit("System.Enum"))
        }
        _ => Ok(argument.clone()),
    }
}

/// What has one value takes one, and a hashtable has `Add` and `Remove` alone.
fn check_members(spec: &PropertySpec, argument: &Argument) -> Result<(), CmdletError> {
    let several = spec.kind == ParameterKind::MultiValue;
    let fits = match argument {
        Argument::Hashtable(members) => {
            let is_known = |name: &str| {
                name.starts_with('@')
                    || ["Add", "Remove"].iter().any(|known| known.eq_ignore_ascii_case(name))
            };
            several && members.iter().all(|(name, _)| is_known(name))
        }
        Argument::Array(values) => several || values.len() < 2,
        _ => true,
    };
    if fits { Ok(()) } else { Err(wrong_value(spec.name, argument, spec.shape.net())) }
}

fn is_empty(argument: &Argument) -> bool {
    match argument {
        Argument::Null => true,
        Argument::Text(text) => text.is_empty(),
        _ => false,
    }
}

/// The argument with each of its texts replaced.
fn each(
    argument: &Argument,
    replace: &dyn Fn(&str) -> Result<String, CmdletError>,
) -> Result<Argument, CmdletError> {
    Ok(match argument {
        Argument::Array(values) => {
            let values: Result<_, _> = values.iter().map(|value| each(value, replace)).collect();
            Argument::Array(values?)
        }
        Argument::Hashtable(members) => {
            let mut replaced = Vec::with_capacity(members.len());
            for (name, value) in members {
                replaced.push((name.clone(), each(value, replace)?));
            }
            Argument::Hashtable(replaced)
        }
        Argument::Text(text) if !text.is_empty() => Argument::Text(replace(text)?),
        Argument::Integer(_) | Argument::Boolean(_) => {
            Argument::Text(replace(&argument.texts().concat())?)
        }
        other => other.clone(),
    })
}

fn referred(tenant: &ExchangeOnline, identity: &str) -> Result<String, CmdletError> {
    let found = tenant.find(identity).and_then(|number| tenant.reference_to(number));
    found.ok_or_else(|| CmdletError::not_found(identity, SERVER))
}

pub(super) fn check_lengths(
    property: AttributeNumber,
    values: &[String],
) -> Result<(), CmdletError> {
    let Some(spec) = property::spec(property) else { return Ok(()) };
    if let Some(most) = spec.max_values.filter(|most| values.len() > *most) {
        return Err(CmdletError::new(
            ErrorKind::ValueTooLong,
            format!(
                "The property '{}' can have at most {most} values; {} were given.",
                spec.name,
                values.len()
            ),
        ));
    }
    let Some(longest) = spec.max_length else { return Ok(()) };
    match values.iter().map(|value| value.encode_utf16().count()).find(|n| *n > longest) {
        None => Ok(()),
        Some(length) => Err(CmdletError::new(
            ErrorKind::ValueTooLong,
            format!(
                "The length of the property is too long. The maximum length is {longest} and the length of the value provided is {length}. Property Name: {}",
                spec.name
            ),
        )),
    }
}
