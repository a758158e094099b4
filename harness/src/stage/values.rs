//! Whether a person of the population can have a value: by the schema of AD ([MS-ADTS] 3.1.1.2.3), and by
//! the properties of Exchange Online.

use sim::directory::schema::syntax::Syntax;
use sim::directory::schema::{Attribute, Schema};
use sim::exchange::address;
use sim::exchange::property::{self, Form};
use sim::powershell::{Argument, ParameterKind};

use crate::scenario::Misfit;

/// Attributes that a directory writes itself when it makes an object, and that no schema marks.
const OF_THE_SYSTEM: [&str; 6] =
    ["objectGUID", "objectSid", "whenCreated", "whenChanged", "uSNCreated", "uSNChanged"];
/// Attributes that the place of an object in the tree decides.
const OF_THE_PLACE: [&str; 4] = ["cn", "name", "distinguishedName", "objectClass"];

/// Whether a user in a forest with the Exchange schema, or without, can have these values of an attribute.
///
/// # Errors
/// What stands against them.
pub(super) fn of_ad(name: &str, values: &[String], exchange: bool) -> Result<(), Misfit> {
    let schema = Schema::shared(exchange);
    let Some(attribute) = schema.attribute_named(name) else {
        let message = format!("the schema of this forest has no `{name}`");
        let misfit = Misfit::new(message, "");
        return Err(misfit.help("`exchange_schema: false` leaves it out"));
    };
    let is_left_out = values.is_empty() && schema.forward_link_of(attribute).is_none();
    if is_left_out && attribute.syntax.is_reference() {
        return Ok(());
    }
    if let Some(misfit) = not_a_persons_own(attribute, &schema) {
        return Err(misfit);
    }
    several(name, attribute.single, None, values)?;
    for value in values {
        let expected = if value.is_empty() {
            Some(
                "expected a value; `~` takes the attribute away, as AD has no empty one".to_owned(),
            )
        } else {
            refusal(attribute, value)
        };
        if let Some(expected) = expected {
            return Err(Misfit::new(cannot_be(name, value), expected));
        }
    }
    Ok(())
}

/// Whether AD takes values of an attribute that a step gives it at once, whatever was there before. What the
/// schema does not know, and what names other objects, is not looked into.
///
/// # Errors
/// What stands against them.
pub(super) fn of_a_step(name: &str, values: &[String]) -> Result<(), Misfit> {
    let schema = Schema::shared(true);
    let known = schema.attribute_named(name).filter(|known| !known.syntax.is_reference());
    let Some(attribute) = known else { return Ok(()) };
    several(name, attribute.single, None, values)?;
    for value in values {
        let expected = if value.is_empty() {
            Some("expected a value; AD has no empty one".to_owned())
        } else {
            refusal(attribute, value)
        };
        if let Some(expected) = expected {
            return Err(Misfit::new(cannot_be(name, value), expected));
        }
    }
    Ok(())
}

fn not_a_persons_own(attribute: &Attribute, schema: &Schema) -> Option<Misfit> {
    let name = &attribute.name;
    let is_one_of = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let (message, help) = if let Some(forward) = schema.forward_link_of(attribute) {
        (
            format!("`{name}` is the other end of `{}`, which AD keeps itself", forward.name),
            format!("let a step set `{}` of the other object", forward.name),
        )
    } else if attribute.syntax.is_reference() {
        (
            format!("`{name}` names another object, which is not there yet"),
            "let a step of the story set it".to_owned(),
        )
    } else if attribute.constructed
        || attribute.system_only
        || attribute.secret
        || is_one_of(&OF_THE_SYSTEM)
    {
        (format!("AD writes `{name}` itself"), "leave it out".to_owned())
    } else if is_one_of(&OF_THE_PLACE) {
        (
            format!("`{name}` follows from the name and the place of the object"),
            "say `name:` and `ou:`".to_owned(),
        )
    } else if schema.class_named("user").is_some_and(|user| !user.allows(attribute.number)) {
        (format!("a user has no `{name}`"), "it belongs to another class of objects".to_owned())
    } else {
        return None;
    };
    Some(Misfit::new(message, "").help(help))
}

/// What an attribute takes instead of a value; `None` when it takes it.
fn refusal(attribute: &Attribute, value: &str) -> Option<String> {
    let stored = attribute.syntax.stored(value.as_bytes());
    let Some(stored) = stored else {
        return Some(format!("expected {}", wanted(attribute.syntax)));
    };
    if attribute.in_range(&stored) {
        return None;
    }
    let unit = match attribute.syntax {
        Syntax::Integer | Syntax::LargeInteger => "",
        Syntax::Octets | Syntax::SecurityDescriptor | Syntax::Sid => " bytes",
        _ => " characters",
    };
    Some(match (attribute.lower, attribute.upper) {
        (Some(lower), Some(upper)) if lower == upper => format!("expected {lower}{unit}"),
        (Some(lower), Some(upper)) => format!("expected {lower} to {upper}{unit}"),
        (Some(lower), None) => format!("expected at least {lower}{unit}"),
        (None, Some(upper)) => format!("expected at most {upper}{unit}"),
        (None, None) => return None,
    })
}

fn wanted(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Boolean => "`TRUE` or `FALSE`",
        Syntax::Integer => "a whole number of 32 bits",
        Syntax::LargeInteger => "a whole number of 64 bits",
        Syntax::Numeric => "digits",
        Syntax::Time => "an instant such as `20260901080000.0Z`",
        Syntax::Sid => "a SID such as `S-1-5-21-1-2-3-1104`",
        Syntax::Oid => "the name of a class or attribute, or an object identifier",
        _ => "text",
    }
}

fn cannot_be(name: &str, value: &str) -> String {
    const SHOWN: usize = 40;
    match value.char_indices().nth(SHOWN) {
        _ if value.is_empty() => format!("`{name}` cannot be empty"),
        Some((end, _)) => format!("`{name}` cannot be `{}...`", &value[..end]),
        None => format!("`{name}` cannot be `{value}`"),
    }
}

fn several(name: &str, single: bool, most: Option<usize>, values: &[String]) -> Result<(), Misfit> {
    let most = if single { Some(1) } else { most };
    match most {
        Some(1) if values.len() > 1 => {
            let message = format!("`{name}` has one value, and these are {}", values.len());
            Err(Misfit::new(message, "expected one"))
        }
        Some(most) if values.len() > most => {
            let message =
                format!("`{name}` has at most {most} values, and these are {}", values.len());
            Err(Misfit::new(message, ""))
        }
        _ => Ok(()),
    }
}

/// Whether Exchange Online takes an argument of a parameter that sets a property, whatever the property was
/// before: the values that are to come, not those that go; recipients are not looked for.
///
/// # Errors
/// What stands against it.
pub(super) fn of_an_argument(parameter: &str, argument: &Argument) -> Result<(), Misfit> {
    let Some(spec) = property::number(parameter).and_then(property::spec) else { return Ok(()) };
    let values: Vec<String> = match argument {
        Argument::Hashtable(members) => {
            let comes = |name: &String| name.eq_ignore_ascii_case("Add");
            members.iter().filter(|(name, _)| comes(name)).flat_map(|(_, v)| v.texts()).collect()
        }
        other => other.texts(),
    };
    if spec.form == Form::Reference || values.iter().any(String::is_empty) {
        return Ok(());
    }
    if parameter.eq_ignore_ascii_case("EmailAddresses") {
        let wrong = values.iter().find(|value| !is_address(value));
        return wrong.map_or(Ok(()), |value| {
            let expected = "expected an address such as `smtp:name@contoso.com`";
            Err(Misfit::new(cannot_be(parameter, value), expected))
        });
    }
    of_exchange(spec.name, &values)
}

/// Whether an SMTP address is one; what has another type is its own business.
fn is_address(value: &str) -> bool {
    match value.split_once(':') {
        Some((kind, bare)) if kind.eq_ignore_ascii_case("smtp") => address::is_well_formed(bare),
        Some(_) => true,
        None => address::is_well_formed(value),
    }
}

/// Whether a mailbox in Exchange Online can have these values of a property.
///
/// # Errors
/// What stands against them.
pub(super) fn of_exchange(name: &str, values: &[String]) -> Result<(), Misfit> {
    let Some(spec) = property::number(name).and_then(property::spec) else {
        let help = "say `cloud_managed`, `dir_synced`, `type`, `upn` or `addresses` of the user";
        let message = format!("`{name}` follows from what the mailbox is");
        return Err(Misfit::new(message, "no property that somebody sets").help(help));
    };
    let single = spec.kind != ParameterKind::MultiValue;
    several(name, single, spec.max_values, values)?;
    for value in values {
        let wrong = |expected: String| Err(Misfit::new(cannot_be(name, value), expected));
        if value.is_empty() {
            return wrong("expected a value; `~` is for none".to_owned());
        }
        if let Some(most) = spec.max_length.filter(|most| value.encode_utf16().count() > *most) {
            return wrong(format!("expected at most {most} characters"));
        }
        let is_truth = ["true", "false"].iter().any(|truth| truth.eq_ignore_ascii_case(value));
        match spec.kind {
            ParameterKind::Boolean | ParameterKind::Switch if !is_truth => {
                return wrong("expected `true` or `false`".to_owned());
            }
            ParameterKind::Integer if value.parse::<i64>().is_err() => {
                return wrong("expected a whole number".to_owned());
            }
            ParameterKind::OneOf(words)
                if !words.iter().any(|word| word.eq_ignore_ascii_case(value)) =>
            {
                return wrong(format!("expected {}", crate::scenario::choice(words)));
            }
            _ if spec.shape.spell(value).is_none() => {
                return wrong(format!("expected what `-{name}` takes, a {}", spec.shape.net()));
            }
            _ => {}
        }
    }
    Ok(())
}
