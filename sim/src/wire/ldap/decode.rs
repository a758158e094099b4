//! From the bytes of a message to a request (RFC 4511 section 4).

use super::ber::{BOOLEAN, BerError, ENUMERATED, INTEGER, OCTETS, Reader, SEQUENCE, SET};
use super::controls::control_value;
use super::tags;
use crate::directory::request::{
    AddRequest, AttributeName, BindRequest, Change, ChangeOperation, CompareRequest, Control,
    DeleteRequest, Extensible, Filter, ModifyDnRequest, ModifyRequest, Name, Operation, Request,
    Scope, SearchRequest, Substrings,
};

/// Filters nested deeper than this are no filters.
pub const MAX_FILTER_DEPTH: usize = 512;

/// A message with more elements than this is refused: each becomes a value in memory, which is larger than
/// the two bytes that it takes at least.
pub const MAX_ELEMENTS: usize = 200_000;

/// A message of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The client's number for it. Zero is taken too, as Active Directory does.
    pub id: i32,
    /// What it says.
    pub body: Body,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A bind with a name and a password.
    Bind {
        /// The protocol version.
        version: i64,
        /// Who.
        request: BindRequest,
    },
    /// A bind with a SASL mechanism.
    SaslBind {
        /// The mechanism's name.
        mechanism: String,
    },
    /// A bind with another method than a password or SASL.
    OtherBind,
    /// A request that is understood and makes no sense: the tag of its answer.
    Invalid {
        /// The tag of the answer.
        answer: u8,
        /// What is wrong.
        problem: &'static str,
    },
    /// A request with more elements than [`MAX_ELEMENTS`]: the tag of its answer.
    TooLarge {
        /// The tag of the answer.
        answer: u8,
    },
    /// The client goes.
    Unbind,
    /// The client no longer wants the answer to this message.
    Abandon(i32),
    /// An extended operation.
    Extended {
        /// Its OID.
        oid: String,
        /// What it says beside that.
        value: Option<Vec<u8>>,
    },
    /// An operation of the directory.
    Directory(Request),
}

/// Reads a message, which is exactly `bytes`.
///
/// # Errors
/// When the bytes are not a message of RFC 4511.
pub fn message(bytes: &[u8]) -> Result<Message, BerError> {
    let mut outer = Reader::new(bytes);
    let mut reader = Reader::new(outer.expect(SEQUENCE)?);
    let id = reader.number(INTEGER)?;
    let id = i32::try_from(id).ok().filter(|id| *id >= 0).ok_or(BerError::Value)?;
    let operation = reader.element()?;
    if !has_few_elements(bytes)? {
        let answer = tags::answer_to(operation.tag).ok_or(BerError::Tag)?;
        return Ok(Message { id, body: Body::TooLarge { answer } });
    }
    let controls = match reader.optional(tags::CONTROLS)? {
        Some(content) => read_controls(content)?,
        None => Vec::new(),
    };
    let mut inner = Reader::new(operation.content);
    let reader = &mut inner;
    let directory = |operation| Body::Directory(Request { operation, controls });
    let body = match operation.tag {
        tags::BIND_REQUEST => read_bind(reader)?,
        tags::UNBIND_REQUEST => Body::Unbind,
        tags::ABANDON_REQUEST => {
            let id = super::ber::read_number(operation.content)?;
            Body::Abandon(i32::try_from(id).map_err(|_| BerError::Value)?)
        }
        tags::EXTENDED_REQUEST => {
            let oid = reader.text(tags::REQUEST_NAME)?.to_owned();
            let value = reader.optional(tags::REQUEST_VALUE)?.map(<[u8]>::to_vec);
            Body::Extended { oid, value }
        }
        tags::SEARCH_REQUEST => match read_search(reader)? {
            Some(search) => directory(Operation::Search(search)),
            None => Body::Invalid { answer: tags::SEARCH_DONE, problem: "Invalid scope" },
        },
        tags::MODIFY_REQUEST => directory(Operation::Modify(read_modify(reader)?)),
        tags::ADD_REQUEST => directory(Operation::Add(read_add(reader)?)),
        tags::MODIFY_DN_REQUEST => directory(Operation::ModifyDn(read_modify_dn(reader)?)),
        tags::COMPARE_REQUEST => directory(Operation::Compare(read_compare(reader)?)),
        tags::DELETE_REQUEST => {
            let text = core::str::from_utf8(operation.content).map_err(|_| BerError::Value)?;
            directory(Operation::Delete(DeleteRequest { object: Name::from_text(text) }))
        }
        _ => return Err(BerError::Tag),
    };
    Ok(Message { id, body })
}

/// Whether a message has no more than [`MAX_ELEMENTS`], counted without building anything.
fn has_few_elements(bytes: &[u8]) -> Result<bool, BerError> {
    const CONSTRUCTED: u8 = 0x20;
    // Two bytes each: most messages are too short to be counted.
    if bytes.len() <= MAX_ELEMENTS * 2 {
        return Ok(true);
    }
    let mut count = 0_usize;
    let mut open = vec![Reader::new(bytes)];
    while let Some(reader) = open.last_mut() {
        if reader.is_empty() {
            open.pop();
            continue;
        }
        let element = reader.element()?;
        count += 1;
        if count > MAX_ELEMENTS {
            return Ok(false);
        }
        if element.tag & CONSTRUCTED != 0 {
            if open.len() > MAX_FILTER_DEPTH * 2 {
                return Err(BerError::Depth);
            }
            open.push(Reader::new(element.content));
        }
    }
    Ok(true)
}

fn read_bind(reader: &mut Reader<'_>) -> Result<Body, BerError> {
    let version = reader.number(INTEGER)?;
    let name = reader.text(OCTETS)?.to_owned();
    let credentials = reader.element()?;
    if credentials.tag == tags::SASL {
        let mechanism = Reader::new(credentials.content).text(OCTETS)?.to_owned();
        return Ok(Body::SaslBind { mechanism });
    }
    if credentials.tag != tags::SIMPLE {
        return Ok(Body::OtherBind);
    }
    let password = credentials.content.to_vec();
    Ok(Body::Bind { version, request: BindRequest { name, password } })
}

/// Reads a search; `None` for a scope that there is not.
fn read_search(reader: &mut Reader<'_>) -> Result<Option<SearchRequest>, BerError> {
    let base = Name::from_text(reader.text(OCTETS)?);
    let scope = match reader.number(ENUMERATED)? {
        0 => Scope::Base,
        1 => Scope::OneLevel,
        2 => Scope::Subtree,
        _ => return Ok(None),
    };
    // Aliases do not exist in Active Directory.
    reader.number(ENUMERATED)?;
    let size_limit = read_limit(reader)?;
    let time_limit = read_limit(reader)?;
    let types_only = reader.boolean(BOOLEAN)?;
    let filter = read_filter(reader, 0)?;
    let mut names = Reader::new(reader.expect(SEQUENCE)?);
    let mut selection = Vec::new();
    while !names.is_empty() {
        selection.push(AttributeName::from(names.text(OCTETS)?));
    }
    let request =
        SearchRequest { base, scope, filter, selection, size_limit, time_limit, types_only };
    Ok(Some(request))
}

fn read_limit(reader: &mut Reader<'_>) -> Result<u32, BerError> {
    let limit = i32::try_from(reader.number(INTEGER)?).map_err(|_| BerError::Value)?;
    u32::try_from(limit).map_err(|_| BerError::Value)
}

/// Reads a filter.
///
/// # Errors
/// When it is none, or nested too deep.
fn read_filter(reader: &mut Reader<'_>, depth: usize) -> Result<Filter, BerError> {
    if depth > MAX_FILTER_DEPTH {
        return Err(BerError::Depth);
    }
    let element = reader.element()?;
    let mut inner = Reader::new(element.content);
    let inner = &mut inner;
    Ok(match element.tag {
        tags::FILTER_AND => Filter::And(read_filters(inner, depth)?),
        tags::FILTER_OR => Filter::Or(read_filters(inner, depth)?),
        tags::FILTER_NOT => Filter::Not(Box::new(read_filter(inner, depth + 1)?)),
        tags::FILTER_EQUALITY => {
            let (name, value) = read_assertion(inner)?;
            Filter::Equality(name, value)
        }
        tags::FILTER_GREATER => {
            let (name, value) = read_assertion(inner)?;
            Filter::GreaterOrEqual(name, value)
        }
        tags::FILTER_LESS => {
            let (name, value) = read_assertion(inner)?;
            Filter::LessOrEqual(name, value)
        }
        tags::FILTER_APPROXIMATE => {
            let (name, value) = read_assertion(inner)?;
            Filter::Approximate(name, value)
        }
        tags::FILTER_PRESENT => {
            let name = core::str::from_utf8(element.content).map_err(|_| BerError::Value)?;
            Filter::Present(AttributeName::from(name))
        }
        tags::FILTER_SUBSTRINGS => {
            let name = AttributeName::from(inner.text(OCTETS)?);
            Filter::Substrings(name, read_substrings(inner.expect(SEQUENCE)?)?)
        }
        tags::FILTER_EXTENSIBLE => Filter::Extensible(read_extensible(inner)?),
        _ => return Err(BerError::Tag),
    })
}

fn read_filters(reader: &mut Reader<'_>, depth: usize) -> Result<Vec<Filter>, BerError> {
    let mut filters = Vec::new();
    while !reader.is_empty() {
        filters.push(read_filter(reader, depth + 1)?);
    }
    Ok(filters)
}

fn read_assertion(reader: &mut Reader<'_>) -> Result<(AttributeName, Vec<u8>), BerError> {
    Ok((AttributeName::from(reader.text(OCTETS)?), reader.expect(OCTETS)?.to_vec()))
}

fn read_substrings(content: &[u8]) -> Result<Substrings, BerError> {
    let mut reader = Reader::new(content);
    let mut parts = Substrings::default();
    if reader.is_empty() {
        return Err(BerError::Value);
    }
    while !reader.is_empty() {
        let element = reader.element()?;
        let part = element.content.to_vec();
        match element.tag {
            tags::SUBSTRING_INITIAL
                if parts.initial.is_none() && parts.any.is_empty() && parts.last.is_none() =>
            {
                parts.initial = Some(part);
            }
            tags::SUBSTRING_ANY if parts.last.is_none() => parts.any.push(part),
            tags::SUBSTRING_LAST if parts.last.is_none() => parts.last = Some(part),
            _ => return Err(BerError::Tag),
        }
    }
    Ok(parts)
}

fn read_extensible(reader: &mut Reader<'_>) -> Result<Extensible, BerError> {
    let rule = optional_text(reader, tags::EXTENSIBLE_RULE)?.map(str::to_owned);
    let attribute = optional_text(reader, tags::EXTENSIBLE_ATTRIBUTE)?.map(AttributeName::from);
    let value = reader.expect(tags::EXTENSIBLE_VALUE)?.to_vec();
    let dn_attributes = match reader.optional(tags::EXTENSIBLE_DN)? {
        Some(content) => super::ber::read_boolean(content)?,
        None => false,
    };
    Ok(Extensible { rule, attribute, value, dn_attributes })
}

fn optional_text<'a>(reader: &mut Reader<'a>, tag: u8) -> Result<Option<&'a str>, BerError> {
    let content = reader.optional(tag)?;
    content.map(|bytes| core::str::from_utf8(bytes).map_err(|_| BerError::Value)).transpose()
}

fn read_modify(reader: &mut Reader<'_>) -> Result<ModifyRequest, BerError> {
    let object = Name::from_text(reader.text(OCTETS)?);
    let mut elements = Reader::new(reader.expect(SEQUENCE)?);
    let mut changes = Vec::new();
    while !elements.is_empty() {
        let mut element = Reader::new(elements.expect(SEQUENCE)?);
        let operation = match element.number(ENUMERATED)? {
            0 => ChangeOperation::Add,
            1 => ChangeOperation::Delete,
            2 => ChangeOperation::Replace,
            3 => ChangeOperation::Increment,
            _ => return Err(BerError::Value),
        };
        let (attribute, values) = read_attribute(&mut Reader::new(element.expect(SEQUENCE)?))?;
        changes.push(Change { operation, attribute, values });
    }
    Ok(ModifyRequest { object, changes })
}

fn read_attribute(reader: &mut Reader<'_>) -> Result<(AttributeName, Vec<Vec<u8>>), BerError> {
    let name = AttributeName::from(reader.text(OCTETS)?);
    let mut set = Reader::new(reader.expect(SET)?);
    let mut values = Vec::new();
    while !set.is_empty() {
        values.push(set.expect(OCTETS)?.to_vec());
    }
    Ok((name, values))
}

fn read_add(reader: &mut Reader<'_>) -> Result<AddRequest, BerError> {
    let dn = reader.text(OCTETS)?.to_owned();
    let mut list = Reader::new(reader.expect(SEQUENCE)?);
    let mut attributes = Vec::new();
    while !list.is_empty() {
        attributes.push(read_attribute(&mut Reader::new(list.expect(SEQUENCE)?))?);
    }
    Ok(AddRequest { dn, attributes })
}

fn read_modify_dn(reader: &mut Reader<'_>) -> Result<ModifyDnRequest, BerError> {
    let object = Name::from_text(reader.text(OCTETS)?);
    let new_rdn = reader.text(OCTETS)?.to_owned();
    let delete_old_rdn = reader.boolean(BOOLEAN)?;
    let new_superior = match reader.optional(tags::NEW_SUPERIOR)? {
        Some(content) => {
            Some(Name::from_text(core::str::from_utf8(content).map_err(|_| BerError::Value)?))
        }
        None => None,
    };
    Ok(ModifyDnRequest { object, new_rdn, delete_old_rdn, new_superior })
}

fn read_compare(reader: &mut Reader<'_>) -> Result<CompareRequest, BerError> {
    let object = Name::from_text(reader.text(OCTETS)?);
    let (attribute, value) = read_assertion(&mut Reader::new(reader.expect(SEQUENCE)?))?;
    Ok(CompareRequest { object, attribute, value })
}

fn read_controls(content: &[u8]) -> Result<Vec<Control>, BerError> {
    let mut list = Reader::new(content);
    let mut controls = Vec::new();
    while !list.is_empty() {
        let mut reader = Reader::new(list.expect(SEQUENCE)?);
        let oid = reader.text(OCTETS)?;
        let critical = match reader.optional(BOOLEAN)? {
            Some(content) => super::ber::read_boolean(content)?,
            None => false,
        };
        let value = reader.optional(OCTETS)?;
        controls.push(Control { critical, value: control_value(oid, value) });
    }
    Ok(controls)
}
