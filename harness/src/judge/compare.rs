//! Whether values are as a file demands.

use std::borrow::Cow;

use crate::scenario::{Comparison, instant};

/// Whether values are as demanded. Booleans and numbers compare as their texts, without case.
#[must_use]
pub fn holds(comparison: &Comparison, actual: &[String]) -> bool {
    match comparison {
        Comparison::Equals(wanted) | Comparison::Set(wanted) => same_set(wanted, actual),
        Comparison::Absent(absent) => actual.is_empty() == *absent,
        Comparison::Contains(wanted) => {
            wanted.iter().all(|value| actual.iter().any(|have| same(value, have)))
        }
        Comparison::Lacks(unwanted) => !unwanted
            .iter()
            .any(|value| actual.iter().any(|have| is_same_without_case(value, have))),
        Comparison::Primary(address) => {
            let mut primaries = actual.iter().filter_map(|have| have.strip_prefix("SMTP:"));
            primaries.next().is_some_and(|primary| primary.eq_ignore_ascii_case(address))
                && primaries.next().is_none()
        }
        Comparison::Count(bounds) => bounds.iter().all(|bound| holds_number(bound, actual.len())),
        Comparison::Length(bounds) => {
            let [only] = actual else { return false };
            let length = only.chars().count();
            bounds.iter().all(|bound| holds_number(bound, length))
        }
        Comparison::Matches(pattern) => actual.iter().any(|value| pattern.regex.is_match(value)),
        Comparison::Below(_)
        | Comparison::Above(_)
        | Comparison::AtLeast(_)
        | Comparison::AtMost(_) => {
            let [only] = actual else { return false };
            only.parse().is_ok_and(|number| comparison.admits_number(number))
                || instant(&of_directory(only))
                    .is_some_and(|instant| comparison.admits_instant(instant))
        }
    }
}

/// An instant as AD writes it (GeneralizedTime, `20260901082000.0Z`; [RFC 4517] 3.3.13) as RFC 3339 writes it;
/// every other text as it is.
fn of_directory(text: &str) -> Cow<'_, str> {
    let is_one = text.len() >= 15
        && text.is_char_boundary(14)
        && text.as_bytes()[..14].iter().all(u8::is_ascii_digit);
    if !is_one {
        return Cow::Borrowed(text);
    }
    let (date, rest) = text.split_at(8);
    let (time, zone) = rest.split_at(6);
    let part = |digits: &str, at: usize| digits[at..at + 2].to_owned();
    Cow::Owned(format!(
        "{}-{}-{}T{}:{}:{}{zone}",
        &date[..4],
        part(date, 4),
        part(date, 6),
        part(time, 0),
        part(time, 2),
        part(time, 4),
    ))
}

pub(super) fn holds_number(comparison: &Comparison, number: usize) -> bool {
    i64::try_from(number).is_ok_and(|number| comparison.admits_number(number))
}

fn same_set(wanted: &[String], actual: &[String]) -> bool {
    let within = |all: &[String], value: &String| all.iter().any(|other| same(value, other));
    wanted.len() == actual.len()
        && wanted.iter().all(|value| within(actual, value))
        && actual.iter().all(|value| within(wanted, value))
}

/// The values as the file spells them: AD and Exchange Online compare without case.
#[must_use]
pub fn spelled(values: Vec<String>, comparison: &Comparison) -> Vec<String> {
    let named: &[String] = match comparison {
        Comparison::Equals(named)
        | Comparison::Contains(named)
        | Comparison::Set(named)
        | Comparison::Lacks(named) => named,
        _ => &[],
    };
    let spelling = |value: String| {
        let same = named.iter().find(|known| is_same_without_case(known, &value));
        same.cloned().unwrap_or(value)
    };
    values.into_iter().map(spelling).collect()
}

/// Without case, but for the type of an address: a primary one is another value than the same address as
/// a further one. An address without a type is that address of any type.
fn is_same_without_case(wanted: &str, have: &str) -> bool {
    if wanted.contains('@') && !wanted.contains(':') {
        let bare = have.split_once(':').map_or(have, |(_, address)| address);
        return bare.eq_ignore_ascii_case(wanted);
    }
    wanted.eq_ignore_ascii_case(have) && wanted.starts_with("SMTP:") == have.starts_with("SMTP:")
}

/// Text compares exactly; `true` and `True` are the same truth.
fn same(wanted: &str, have: &str) -> bool {
    let is_truth =
        |text: &str| text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
    wanted == have || (is_truth(wanted) && wanted.eq_ignore_ascii_case(have))
}

#[cfg(test)]
mod tests {
    use super::of_directory;

    #[test]
    fn an_instant_of_ad_is_read_and_every_other_text_left_alone() {
        assert_eq!(of_directory("20260901082000.0Z"), "2026-09-01T08:20:00.0Z");
        for other in
            ["2026-09-01T08:20:00Z", "20260901", "2026090108200O.0Z", "ümlaut-ümlaut-ü", ""]
        {
            assert_eq!(of_directory(other), other);
        }
    }
}
