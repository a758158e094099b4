//! LDIF change records ([RFC 2849]): folded lines, comments, base64 values; `add`, `modify`, `delete`
//! and `modrdn`. A record without `changetype` is an `add`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::request::{
    AddRequest, AttributeName, Change, ChangeOperation, DeleteRequest, ModifyDnRequest,
    ModifyRequest, Name, Operation,
};

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct LdifError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

/// One logical line: its number, the name before the colon, and the value. `None` is the `-` that ends
/// an element of a modification.
pub(super) struct Line {
    number: usize,
    pub(super) pair: Option<(String, Vec<u8>)>,
}

/// The operations that a text asks for, in order.
///
/// # Errors
/// [`LdifError`] at the first line that is wrong.
pub fn operations(text: &str) -> Result<Vec<Operation>, LdifError> {
    let mut operations = Vec::new();
    for record in records(text)? {
        let is_version = |line: &Line| {
            line.pair.as_ref().is_some_and(|(name, _)| name.eq_ignore_ascii_case("version"))
        };
        let record: Vec<Line> = record.into_iter().filter(|line| !is_version(line)).collect();
        if !record.is_empty() {
            operations.push(operation(&record)?);
        }
    }
    Ok(operations)
}

/// Logical lines, in records separated by empty lines.
fn records(text: &str) -> Result<Vec<Vec<Line>>, LdifError> {
    let mut logical: Vec<(usize, String)> = Vec::new();
    let mut records: Vec<Vec<(usize, String)>> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        if let (Some(rest), Some((_, last))) = (line.strip_prefix(' '), logical.last_mut()) {
            last.push_str(rest);
        } else if line.trim().is_empty() {
            records.push(core::mem::take(&mut logical));
        } else {
            logical.push((number + 1, line.to_owned()));
        }
    }
    records.push(logical);
    records
        .into_iter()
        .map(|record| {
            record
                .into_iter()
                .filter(|(_, line)| !line.starts_with('#'))
                .map(|(number, line)| parse_line(number, &line))
                .collect()
        })
        .filter(|record: &Result<Vec<Line>, _>| record.as_ref().map_or(true, |r| !r.is_empty()))
        .collect()
}

pub(super) fn parse_line(number: usize, line: &str) -> Result<Line, LdifError> {
    if line == "-" {
        return Ok(Line { number, pair: None });
    }
    let wrong = |problem: &str| LdifError { line: number, problem: problem.to_owned() };
    let (name, value) = line.split_once(':').ok_or_else(|| wrong("expected `name: value`"))?;
    let value = match (value.strip_prefix(':'), value.starts_with('<')) {
        (_, true) => return Err(wrong("values from a URL are not read")),
        (Some(encoded), _) => STANDARD
            .decode(encoded.trim())
            .map_err(|error| wrong(&format!("not base64: {error}")))?,
        (None, _) => value.trim_start_matches(' ').as_bytes().to_vec(),
    };
    Ok(Line { number, pair: Some((name.trim().to_owned(), value)) })
}

fn operation(record: &[Line]) -> Result<Operation, LdifError> {
    let (first, rest) = record
        .split_first()
        .ok_or_else(|| LdifError { line: 0, problem: "an empty record".to_owned() })?;
    let wrong = |line: usize, problem: &str| LdifError { line, problem: problem.to_owned() };
    let dn = match &first.pair {
        Some((name, value)) if name.eq_ignore_ascii_case("dn") => text(first.number, value)?,
        _ => return Err(wrong(first.number, "a record starts with `dn:`")),
    };
    let change = rest.first().and_then(|line| line.pair.as_ref());
    let (kind, body) = match change {
        Some((name, value)) if name.eq_ignore_ascii_case("changetype") => {
            (text(rest[0].number, value)?.to_lowercase(), &rest[1..])
        }
        _ => ("add".to_owned(), rest),
    };
    match kind.as_str() {
        "add" => Ok(Operation::Add(AddRequest { dn, attributes: attributes(body)? })),
        "delete" => Ok(Operation::Delete(DeleteRequest { object: Name::from_text(&dn) })),
        "modify" => Ok(Operation::Modify(ModifyRequest {
            object: Name::from_text(&dn),
            changes: changes(body)?,
        })),
        "modrdn" | "moddn" => rename(first.number, &dn, body),
        other => {
            let line = rest.first().map_or(first.number, |line| line.number);
            Err(wrong(line, &format!("`{other}` is none of add, delete, modify, modrdn")))
        }
    }
}

/// Attributes of a new object, each with its values.
type Attributes = Vec<(AttributeName, Vec<Vec<u8>>)>;

fn attributes(body: &[Line]) -> Result<Attributes, LdifError> {
    let mut attributes: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    for line in body {
        let Some((name, value)) = &line.pair else {
            return Err(LdifError {
                line: line.number,
                problem: "`-` belongs to a modification".to_owned(),
            });
        };
        match attributes.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, values)) => values.push(value.clone()),
            None => attributes.push((name.clone(), vec![value.clone()])),
        }
    }
    Ok(attributes.into_iter().map(|(name, values)| (name.as_str().into(), values)).collect())
}

fn changes(body: &[Line]) -> Result<Vec<Change>, LdifError> {
    let mut changes: Vec<Change> = Vec::new();
    let mut open: Option<(String, Change)> = None;
    for line in body {
        let wrong = |problem: String| LdifError { line: line.number, problem };
        match (&line.pair, &mut open) {
            (None, _) => changes.extend(open.take().map(|(_, change)| change)),
            (Some((name, value)), Some((attribute, change))) => {
                if !name.eq_ignore_ascii_case(attribute) {
                    return Err(wrong(format!("expected a value of `{attribute}`, or `-`")));
                }
                change.values.push(value.clone());
            }
            (Some((name, value)), None) => {
                let operation = match name.to_lowercase().as_str() {
                    "add" => ChangeOperation::Add,
                    "delete" => ChangeOperation::Delete,
                    "replace" => ChangeOperation::Replace,
                    "increment" => ChangeOperation::Increment,
                    other => {
                        return Err(wrong(format!("`{other}` is none of add, delete, replace")));
                    }
                };
                let attribute = text(line.number, value)?;
                let change =
                    Change { operation, attribute: attribute.as_str().into(), values: Vec::new() };
                open = Some((attribute, change));
            }
        }
    }
    changes.extend(open.map(|(_, change)| change));
    Ok(changes)
}

fn rename(line: usize, dn: &str, body: &[Line]) -> Result<Operation, LdifError> {
    let value = |name: &str| {
        body.iter()
            .filter_map(|line| line.pair.as_ref().map(|pair| (line.number, pair)))
            .find(|(_, (known, _))| known.eq_ignore_ascii_case(name))
            .map(|(number, (_, value))| text(number, value))
            .transpose()
    };
    Ok(Operation::ModifyDn(ModifyDnRequest {
        object: Name::from_text(dn),
        new_rdn: value("newrdn")?
            .ok_or_else(|| LdifError { line, problem: "`newrdn:` is missing".to_owned() })?,
        delete_old_rdn: value("deleteoldrdn")?.is_none_or(|flag| flag != "0"),
        new_superior: value("newsuperior")?.map(|dn| Name::from_text(&dn)),
    }))
}

fn text(line: usize, value: &[u8]) -> Result<String, LdifError> {
    String::from_utf8(value.to_vec())
        .map_err(|_| LdifError { line, problem: "not UTF-8 text".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modification_keeps_the_order_of_its_elements() {
        let read = operations(
            "version: 1\n\ndn: CN=u7,DC=x\nchangetype: modify\nreplace: department\ndepartment: Re\n search\n-\ndelete: info\n-\n",
        )
        .unwrap();
        let [Operation::Modify(modify)] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!(modify.object, Name::Dn("CN=u7,DC=x".to_owned()));
        assert_eq!(modify.changes[0].values, [b"Research".to_vec()]);
        assert_eq!(modify.changes[1].operation, ChangeOperation::Delete);
    }

    #[test]
    fn values_may_be_base64_and_mistakes_are_placed() {
        let read = operations("dn: CN=u,DC=x\nobjectClass: user\nsn:: w6Q=\n").unwrap();
        let [Operation::Add(add)] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!(add.attributes[1].1, ["ä".as_bytes().to_vec()]);
        let error = operations("dn: CN=u,DC=x\nchangetype: modify\nswap: a\n").unwrap_err();
        assert_eq!(error.line, 3);
    }
}
