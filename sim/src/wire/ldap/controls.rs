//! Controls by OID, and their values ([MS-ADTS] 3.1.1.3.4.1).

use super::ber::{BerError, ENUMERATED, INTEGER, OCTETS, Reader, SEQUENCE, Writer, read_boolean};
use crate::directory::request::{ControlValue, SearchStatistics, SortKey, VlvTarget};

/// What controls of Active Directory's own have before their last number.
const MICROSOFT: &str = "1.2.840.113556.1.4.";
const VLV: &str = "2.16.840.1.113730.3.4.9";
const VLV_RESULT: &str = "2.16.840.1.113730.3.4.10";

/// Reads a control. One that is unknown, or whose value is malformed, stays as it is.
pub(super) fn control_value(oid: &str, value: Option<&[u8]>) -> ControlValue {
    let known = match oid.strip_prefix(MICROSOFT) {
        Some(last) => microsoft(last, value),
        None if oid == VLV => value.and_then(|value| vlv(value).ok()),
        None => None,
    };
    known.unwrap_or_else(|| ControlValue::Other {
        oid: oid.to_owned(),
        value: value.map(<[u8]>::to_vec),
    })
}

fn microsoft(last: &str, value: Option<&[u8]>) -> Option<ControlValue> {
    let flags = || -> Option<u32> { number_in(value?).ok() };
    Some(match last {
        "319" => paged_results(value?).ok()?,
        "417" => ControlValue::ShowDeleted,
        "473" => ControlValue::Sort(sort_keys(value?).ok()?),
        "528" => ControlValue::Notification,
        "529" => match value {
            None | Some([]) => ControlValue::ExtendedDn { text: false },
            Some(_) => match flags()? {
                0 => ControlValue::ExtendedDn { text: false },
                1 => ControlValue::ExtendedDn { text: true },
                _ => return None,
            },
        },
        "619" => ControlValue::LazyCommit,
        "970" => ControlValue::SearchStatistics(match value {
            None | Some([]) => 1,
            // Four bytes as they are in memory, no BER.
            Some(value) => u32::from_le_bytes(value.try_into().ok()?),
        }),
        "801" => match value {
            None | Some([]) => ControlValue::SecurityDescriptorFlags(0),
            Some(_) => ControlValue::SecurityDescriptorFlags(flags()?),
        },
        "805" | "2204" => ControlValue::TreeDelete,
        "841" => dirsync(value?, false).ok()?,
        "2090" => dirsync(value?, true).ok()?,
        "802" => ControlValue::RangeOption,
        "1338" => ControlValue::VerifyName(verified_by(value?).ok()?),
        "1339" => ControlValue::DomainScope,
        "1340" => ControlValue::SearchOptions(flags()?),
        "1413" => ControlValue::PermissiveModify,
        "1504" => ControlValue::AttributeScoped(scoped(value?).ok()?),
        "1948" => ControlValue::RangeWithoutError,
        "1974" => ControlValue::ForceUpdate,
        "2026" => ControlValue::InputDn(scoped(value?).ok()?),
        "2064" => ControlValue::ShowRecycled,
        "2065" => ControlValue::ShowDeactivatedLinks,
        "2205" => ControlValue::UpdateStatistics,
        "2211" => expected_count(value?).ok()?,
        "2330" => match value?.len() {
            16 | 18 => ControlValue::CorrelationId,
            _ => return None,
        },
        _ => return None,
    })
}

/// The OID of a control and its encoded value.
pub(super) fn encoded(value: &ControlValue) -> (String, Option<Vec<u8>>) {
    let own = |last: &str, value: Option<Vec<u8>>| (format!("{MICROSOFT}{last}"), value);
    match value {
        ControlValue::PagedResults { size, cookie } => own(
            "319",
            Some(sequence(|writer| {
                writer.octets(OCTETS, cookie);
                writer.number(INTEGER, i64::from(*size));
            })),
        ),
        ControlValue::PermissiveModify => own("1413", None),
        ControlValue::DomainScope => own("1339", None),
        ControlValue::LazyCommit => own("619", None),
        ControlValue::ShowDeleted => own("417", None),
        ControlValue::ShowRecycled => own("2064", None),
        ControlValue::ShowDeactivatedLinks => own("2065", None),
        ControlValue::TreeDelete => own("805", None),
        ControlValue::SecurityDescriptorFlags(flags) => own("801", Some(number(*flags))),
        ControlValue::ExtendedDn { text } => own("529", Some(number(u32::from(*text)))),
        ControlValue::Sort(keys) => own("473", Some(encoded_keys(keys))),
        ControlValue::Vlv { before, after, target, context } => {
            (VLV.to_owned(), Some(encoded_window(*before, *after, target, context.as_deref())))
        }
        ControlValue::Notification => own("528", None),
        ControlValue::SearchOptions(flags) => own("1340", Some(number(*flags))),
        ControlValue::DirSync { flags, size, cookie, extended } => own(
            if *extended { "2090" } else { "841" },
            Some(sequence(|writer| {
                writer.octets(OCTETS, cookie);
                writer.number(INTEGER, i64::from(*size));
                writer.number(INTEGER, i64::from(*flags));
            })),
        ),
        ControlValue::VerifyName(server) => own(
            "1338",
            Some(sequence(|writer| {
                writer.octets(OCTETS, server.as_bytes());
                writer.number(INTEGER, 0);
            })),
        ),
        ControlValue::AttributeScoped(attribute) => {
            own("1504", Some(sequence(|writer| writer.octets(OCTETS, attribute.as_bytes()))))
        }
        ControlValue::RangeWithoutError => own("1948", None),
        ControlValue::ForceUpdate => own("1974", None),
        ControlValue::InputDn(name) => {
            own("2026", Some(sequence(|writer| writer.octets(OCTETS, name.as_bytes()))))
        }
        ControlValue::ExpectedCount { least, most } => own(
            "2211",
            Some(sequence(|writer| {
                writer.number(INTEGER, i64::from(*most));
                writer.number(INTEGER, i64::from(*least));
            })),
        ),
        ControlValue::UpdateStatistics => own("2205", None),
        ControlValue::SearchStatistics(options) => own("970", Some(options.to_le_bytes().to_vec())),
        ControlValue::RangeOption => own("802", None),
        ControlValue::CorrelationId => own("2330", Some(vec![0; 16])),
        ControlValue::Other { oid, value } => (oid.clone(), value.clone()),
        ControlValue::SortResult { .. }
        | ControlValue::VlvResult { .. }
        | ControlValue::AttributeScopedResult(_)
        | ControlValue::HighestUsn(_)
        | ControlValue::InvocationId(_)
        | ControlValue::SearchStatisticsResult(_) => encoded_answer(value),
    }
}

/// As [`encoded`], for controls that stand in answers.
fn encoded_answer(value: &ControlValue) -> (String, Option<Vec<u8>>) {
    let own = |last: &str, value: Option<Vec<u8>>| (format!("{MICROSOFT}{last}"), value);
    match value {
        ControlValue::SortResult { code, attribute } => own(
            "474",
            Some(sequence(|writer| {
                if let Some(attribute) = attribute {
                    writer.octets(0x80, attribute.as_bytes());
                }
                writer.number(ENUMERATED, i64::from(code.number()));
            })),
        ),
        ControlValue::VlvResult { position, count, code, context } => (
            VLV_RESULT.to_owned(),
            Some(sequence(|writer| {
                writer.octets(OCTETS, context);
                writer.number(ENUMERATED, i64::from(code.number()));
                writer.number(INTEGER, i64::from(*count));
                writer.number(INTEGER, i64::from(*position));
            })),
        ),
        ControlValue::AttributeScopedResult(code) => own(
            "1504",
            Some(sequence(|writer| writer.number(ENUMERATED, i64::from(code.number())))),
        ),
        ControlValue::HighestUsn(usn) => {
            let usn = i64::try_from(*usn).unwrap_or(i64::MAX);
            own("2208", Some(sequence(|writer| writer.number(INTEGER, usn))))
        }
        ControlValue::InvocationId(guid) => {
            own("2209", Some(sequence(|writer| writer.octets(OCTETS, &guid.0))))
        }
        ControlValue::SearchStatisticsResult(statistics) => {
            own("970", Some(encoded_statistics(statistics)))
        }
        _ => unreachable!("the others are encoded above"),
    }
}

/// What a search took: by numbered fields (StatsResponseValueV3), or by names (StatsResponseValueV4).
fn encoded_statistics(statistics: &SearchStatistics) -> Vec<u8> {
    let number = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
    let (visited, returned) = (number(statistics.visited), number(statistics.returned));
    // Field, name, number. A search takes no virtual time, and nothing here has pages or log records.
    let fields: [(i64, &str, i64); 4] = [
        (1, "Thread count", 1),
        (3, "Call time (in ms)", 0),
        (5, "Entries Returned", returned),
        (6, "Entries Visited", visited),
    ];
    let texts = [(7, "Used Filter", &statistics.filter), (8, "Used Indexes", &statistics.index)];
    const PAGES_AND_LOG_RECORDS: core::ops::RangeInclusive<i64> = 9..=15;
    sequence(|writer| {
        if statistics.named {
            for (_, name, text) in texts.iter().rev() {
                let end = writer.open();
                writer.octets(0x81, text.as_bytes());
                writer.octets(OCTETS, name.as_bytes());
                writer.close(SEQUENCE, end);
            }
            for (_, name, value) in fields.iter().rev() {
                let end = writer.open();
                writer.number(0x80, *value);
                writer.octets(OCTETS, name.as_bytes());
                writer.close(SEQUENCE, end);
            }
            return;
        }
        for field in PAGES_AND_LOG_RECORDS.rev() {
            writer.number(INTEGER, 0);
            writer.number(INTEGER, field);
        }
        for (field, _, text) in texts.iter().rev() {
            writer.octets(OCTETS, text.as_bytes());
            writer.number(INTEGER, *field);
        }
        for (field, _, value) in fields.iter().rev() {
            writer.number(INTEGER, *value);
            writer.number(INTEGER, *field);
        }
    })
}

/// A SEQUENCE; `fill` writes its elements, the last one first.
fn sequence(fill: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    let end = writer.open();
    fill(&mut writer);
    writer.close(SEQUENCE, end);
    writer.bytes().to_vec()
}

fn number(value: u32) -> Vec<u8> {
    sequence(|writer| writer.number(INTEGER, i64::from(value)))
}

fn encoded_keys(keys: &[SortKey]) -> Vec<u8> {
    sequence(|writer| {
        for key in keys.iter().rev() {
            let end = writer.open();
            if key.reverse {
                writer.boolean(0x81, true);
            }
            if let Some(rule) = &key.rule {
                writer.octets(0x80, rule.as_bytes());
            }
            writer.octets(OCTETS, key.attribute.as_bytes());
            writer.close(SEQUENCE, end);
        }
    })
}

fn encoded_window(before: u32, after: u32, target: &VlvTarget, context: Option<&[u8]>) -> Vec<u8> {
    sequence(|writer| {
        if let Some(context) = context {
            writer.octets(OCTETS, context);
        }
        match target {
            VlvTarget::Offset { offset, count } => {
                let end = writer.open();
                writer.number(INTEGER, i64::from(*count));
                writer.number(INTEGER, i64::from(*offset));
                writer.close(0xa0, end);
            }
            VlvTarget::NotBefore(value) => writer.octets(0x81, value),
        }
        writer.number(INTEGER, i64::from(after));
        writer.number(INTEGER, i64::from(before));
    })
}

fn inner(value: &[u8]) -> Result<Reader<'_>, BerError> {
    Ok(Reader::new(Reader::new(value).expect(SEQUENCE)?))
}

/// The number in a SEQUENCE of one; flags with the highest bit come signed too.
fn number_in(value: &[u8]) -> Result<u32, BerError> {
    flags_of(inner(value)?.number(INTEGER)?)
}

fn flags_of(number: i64) -> Result<u32, BerError> {
    if let Ok(flags) = u32::try_from(number) {
        return Ok(flags);
    }
    i32::try_from(number).map(i32::cast_unsigned).map_err(|_| BerError::Value)
}

fn count_of(number: i64) -> Result<u32, BerError> {
    u32::try_from(number).map_err(|_| BerError::Value)
}

fn paged_results(value: &[u8]) -> Result<ControlValue, BerError> {
    let mut reader = inner(value)?;
    let size = reader.number(INTEGER)?;
    // A negative size sets no limit.
    let size = if size < 0 { u32::MAX } else { count_of(size)? };
    let cookie = reader.expect(OCTETS)?.to_vec();
    Ok(ControlValue::PagedResults { size, cookie })
}

fn sort_keys(value: &[u8]) -> Result<Vec<SortKey>, BerError> {
    let mut list = inner(value)?;
    let mut keys = Vec::new();
    while !list.is_empty() {
        let mut key = Reader::new(list.expect(SEQUENCE)?);
        let attribute = key.text(OCTETS)?.to_owned();
        let rule = match key.optional(0x80)? {
            Some(rule) => Some(core::str::from_utf8(rule).map_err(|_| BerError::Value)?.to_owned()),
            None => None,
        };
        let reverse = key.optional(0x81)?.map(read_boolean).transpose()?.unwrap_or_default();
        keys.push(SortKey { attribute, rule, reverse });
    }
    if keys.is_empty() { Err(BerError::Value) } else { Ok(keys) }
}

fn vlv(value: &[u8]) -> Result<ControlValue, BerError> {
    let mut reader = inner(value)?;
    let before = count_of(reader.number(INTEGER)?)?;
    let after = count_of(reader.number(INTEGER)?)?;
    let target = reader.element()?;
    let target = match target.tag {
        0xa0 => {
            let mut place = Reader::new(target.content);
            let offset = count_of(place.number(INTEGER)?)?;
            VlvTarget::Offset { offset, count: count_of(place.number(INTEGER)?)? }
        }
        0x81 => VlvTarget::NotBefore(target.content.to_vec()),
        _ => return Err(BerError::Tag),
    };
    let context = reader.optional(OCTETS)?.map(<[u8]>::to_vec);
    Ok(ControlValue::Vlv { before, after, target, context })
}

fn dirsync(value: &[u8], extended: bool) -> Result<ControlValue, BerError> {
    let mut reader = inner(value)?;
    let flags = flags_of(reader.number(INTEGER)?)?;
    let size = u32::try_from(reader.number(INTEGER)?.max(0)).unwrap_or(u32::MAX);
    let cookie = reader.expect(OCTETS)?.to_vec();
    Ok(ControlValue::DirSync { flags, size, cookie, extended })
}

/// Flags, and the name of a server in UTF-16 or as text ([MS-ADTS] 3.1.1.3.4.1.16).
fn verified_by(value: &[u8]) -> Result<String, BerError> {
    let mut outer = Reader::new(value);
    let mut inner = Reader::new(outer.expect(SEQUENCE)?);
    inner.number(INTEGER)?;
    let name = inner.expect(OCTETS)?;
    if name.contains(&0) {
        let units: Vec<u16> =
            name.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let text = String::from_utf16(&units).map_err(|_| BerError::Value)?;
        return Ok(text.trim_end_matches('\0').to_owned());
    }
    core::str::from_utf8(name).map(str::to_owned).map_err(|_| BerError::Value)
}

fn scoped(value: &[u8]) -> Result<String, BerError> {
    inner(value)?.text(OCTETS).map(str::to_owned)
}

fn expected_count(value: &[u8]) -> Result<ControlValue, BerError> {
    let mut reader = inner(value)?;
    let least = count_of(reader.number(INTEGER)?)?;
    Ok(ControlValue::ExpectedCount { least, most: count_of(reader.number(INTEGER)?)? })
}
