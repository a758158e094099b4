//! Reads the schema tables that stand beside this file. They are part of the program and checked by
//! its tests, so a line that does not fit is a defect of the program.

use super::class::{Class, ClassKind};
use super::syntax::Syntax;
use super::{Attribute, Schema, known};
use crate::record::AttributeNumber;

/// The prefixes whose index is the same in every forest ([MS-ADTS] 5.16.4, prefix table).
const FIXED_PREFIXES: &[(&str, u32)] = &[
    ("2.5.4", 0),
    ("2.5.6", 1),
    ("1.2.840.113556.1.2", 2),
    ("1.2.840.113556.1.3", 3),
    ("2.5.5", 8),
    ("1.2.840.113556.1.4", 9),
    ("1.2.840.113556.1.5", 10),
    ("0.9.2342.19200300.100", 19),
    ("2.16.840.1.113730.3", 20),
    ("0.9.2342.19200300.100.1", 21),
    ("2.16.840.1.113730.3.1", 22),
    ("2.5.21", 24),
    ("2.5.18", 25),
    ("2.5.20", 26),
];

/// The index of the first prefix that a schema extension adds here; each forest has its own.
const FIRST_FREE_PREFIX: u32 = 0x4000;

/// Enters the attributes of a table, and changes those it alters. `system_flags` are those of rows that
/// give none.
pub(super) fn load_attributes(schema: &mut Schema, text: &str, system_flags: u32) {
    for line in lines(text) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        if let ["alter", name, flags, gc] = columns.as_slice() {
            let number = schema.attribute_names.get(name).expect("an altered attribute exists");
            let attribute = schema.attributes[usize::from(number)].as_mut();
            let attribute = attribute.expect("an attribute with a name is there");
            attribute.search_flags = number_of(flags);
            attribute.global_catalog = *gc == "gc";
            continue;
        }
        // What the program does not know by number comes after what it knows.
        let known = columns.first().and_then(|name| known::number(name));
        let at = known.map_or(schema.attributes.len(), usize::from);
        let number = AttributeNumber::try_from(at).expect("there are few attributes");
        let attribute = attribute_of(number, &columns, system_flags);
        let attribute = attribute.expect("the row of an attribute has eleven columns");
        schema.attribute_names.insert(&attribute.name, attribute.number);
        schema.attribute_names.insert(&attribute.oid, attribute.number);
        if at == schema.attributes.len() {
            schema.attributes.push(None);
        }
        schema.attributes[at] = Some(attribute);
    }
}

/// Enters the classes of a table, and extends those it names. `system_flags` are those of rows that give
/// none.
pub(super) fn load_classes(schema: &mut Schema, text: &str, system_flags: u32) {
    // Classes first, so that a line may name a class that comes later.
    for line in lines(text) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        if let ["class", name, common_name, oid, kind, _, rdn, category, guid @ ..] =
            columns.as_slice()
        {
            // A forest may have made a class of this name itself.
            let next = u16::try_from(schema.classes.len()).expect("there are few classes");
            let number = schema.class_names.get(name).unwrap_or(next);
            let kind = match *kind {
                "structural" => ClassKind::Structural,
                "abstract" => ClassKind::Abstract,
                "class88" => ClassKind::Class88,
                _ => ClassKind::Auxiliary,
            };
            let mut class = Class::new(number, name, oid, kind);
            class.rdn_attribute = attribute_number(schema, rdn);
            class.common_name = (*common_name).into();
            class.category = (*category).into();
            class.guid = guid.first().and_then(|guid| guid.parse().ok());
            class.system_only = guid.contains(&"system");
            class.system_flags =
                guid.iter().skip(1).find_map(|word| word.parse().ok()).unwrap_or(system_flags);
            schema.class_names.insert(name, number);
            schema.class_names.insert(oid, number);
            match schema.classes.get_mut(usize::from(number)) {
                Some(known) => *known = class,
                None => schema.classes.push(class),
            }
        }
    }
    let mut current = 0;
    for line in lines(text) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (word, rest) = columns.split_first().expect("a line has a word");
        match *word {
            "class" | "extend" => {
                current = class_number(schema, rest[0]);
                if let Some(superior) = rest.get(4).filter(|name| **name != "-") {
                    let superior = class_number(schema, superior);
                    schema.classes[usize::from(current)].superior = Some(superior);
                }
            }
            _ => extend(schema, current, word, rest),
        }
    }
}

fn extend(schema: &mut Schema, class: u16, word: &str, names: &[&str]) {
    for name in names {
        match word {
            "aux" => {
                let number = class_number(schema, name);
                schema.classes[usize::from(class)].auxiliary.push(number);
            }
            "under" => {
                let number = class_number(schema, name);
                schema.classes[usize::from(class)].under.push(number);
            }
            "must" => {
                let number = attribute_number(schema, name);
                schema.classes[usize::from(class)].own_must.push(number);
            }
            _ => {
                let number = attribute_number(schema, name);
                schema.classes[usize::from(class)].own_may.push(number);
            }
        }
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty())
}

fn attribute_of(number: AttributeNumber, columns: &[&str], system_flags: u32) -> Option<Attribute> {
    let [name, common_name, oid, syntax, single, range, search_flags, gc, link, guid, flags] =
        columns
    else {
        return None;
    };
    let (lower, upper) = range.split_once("..").unwrap_or_default();
    Some(Attribute {
        number,
        name: (*name).into(),
        common_name: (*common_name).into(),
        oid: (*oid).into(),
        syntax: Syntax::from_word(syntax)?,
        single: *single == "S",
        lower: lower.parse().ok(),
        upper: upper.parse().ok(),
        search_flags: number_of(search_flags),
        global_catalog: *gc == "gc",
        link: link.parse().ok(),
        guid: guid.parse().ok(),
        property_set: None,
        system_flags: flags.split(',').find_map(|word| word.parse().ok()).unwrap_or(system_flags),
        system_only: flags.contains("system"),
        constructed: flags.contains("constructed"),
        secret: flags.contains("secret"),
        att: att_of(oid)?,
    })
}

/// The 32-bit attribute type of an OID ([MS-DRSR] 5.16.4, MakeAttid). A prefix outside the fixed
/// table gets an index from the upper bits of its last arc, so that types stay distinct.
pub(super) fn att_of(oid: &str) -> Option<u32> {
    let (prefix, last) = oid.rsplit_once('.')?;
    let last: u32 = last.parse().ok()?;
    let low = if last < 0x4000 { last } else { (last % 0x4000) | 0x8000 };
    let fixed = FIXED_PREFIXES.iter().find(|(text, _)| *text == prefix).map(|(_, index)| *index);
    let index = match fixed {
        Some(index) if last < 0x4000 => index,
        _ => FIRST_FREE_PREFIX + last / 0x4000,
    };
    Some(index << 16 | low)
}

fn number_of(text: &str) -> u32 {
    text.parse().expect("a flag column is a number")
}

fn attribute_number(schema: &Schema, name: &str) -> u16 {
    let number = schema.attribute_names.get(name);
    number.unwrap_or_else(|| unreachable!("the class table names the unknown attribute {name}"))
}

fn class_number(schema: &Schema, name: &str) -> u16 {
    let number = schema.class_names.get(name);
    number.unwrap_or_else(|| unreachable!("the class table names the unknown class {name}"))
}
