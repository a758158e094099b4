//! Lengths of time, instants, shares and versions, as people write them.

use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::model::Share;

/// `90s`, `20m`, `24h`, `30d`, `1h 30m`, `2 weeks`. A day is 24 hours.
///
/// # Errors
/// What was expected instead, in words.
pub fn duration(text: &str) -> Result<Duration, String> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("a length of time such as `90s`, `20m`, `24h` or `30d`".to_owned());
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let tail = tail.trim_start();
        let letters = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (unit, tail) = tail.split_at(letters);
        let milliseconds = unit_milliseconds(unit);
        let part = match (number.parse::<u64>(), milliseconds) {
            (Ok(number), Some(milliseconds)) => number.checked_mul(milliseconds),
            (Ok(_), None) if tail.starts_with(['.', ',']) => {
                return Err("whole numbers: `30m` is half an hour".to_owned());
            }
            (Ok(_), None) if unit.is_empty() => {
                return Err(format!(
                    "a unit after the number: `{number}s`, `{number}m`, `{number}h` or `{number}d`"
                ));
            }
            (Ok(_), None) => return Err(format!("`s`, `m`, `h`, `d` or `w`, not `{unit}`")),
            (Err(_), _) => {
                return Err("a length of time such as `90s`, `20m`, `24h` or `30d`".to_owned());
            }
        };
        total = part
            .and_then(|part| total.checked_add(Duration::from_millis(part)))
            .filter(|total| *total <= LONGEST)
            .ok_or_else(|| "at most 100 years".to_owned())?;
        rest = tail.trim_start();
    }
    Ok(total)
}

/// Longer than any rehearsal, and short enough for the calendar.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);

/// What units of time are called, in any case, and the milliseconds of each. The schema is made of it too.
pub(super) const UNITS: [(&str, u64); 22] = [
    ("ms", 1),
    ("s", 1_000),
    ("sec", 1_000),
    ("secs", 1_000),
    ("second", 1_000),
    ("seconds", 1_000),
    ("m", 60_000),
    ("min", 60_000),
    ("mins", 60_000),
    ("minute", 60_000),
    ("minutes", 60_000),
    ("h", 3_600_000),
    ("hr", 3_600_000),
    ("hrs", 3_600_000),
    ("hour", 3_600_000),
    ("hours", 3_600_000),
    ("d", 86_400_000),
    ("day", 86_400_000),
    ("days", 86_400_000),
    ("w", 7 * 86_400_000),
    ("week", 7 * 86_400_000),
    ("weeks", 7 * 86_400_000),
];

/// Milliseconds in a unit.
fn unit_milliseconds(unit: &str) -> Option<u64> {
    UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, length)| *length)
}

/// As [`duration`] reads it: `1h 30m`.
pub(super) fn show_duration(duration: Duration) -> String {
    SignedDuration::try_from(duration)
        .map_or_else(|_| format!("{}s", duration.as_secs()), |duration| format!("{duration:#}"))
}

/// RFC 3339; `None` when it is no instant.
#[must_use]
pub fn instant(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}

/// A date, or the UTC date of an instant.
pub(super) fn date(text: &str) -> Option<Date> {
    let text = text.trim();
    if let Some(instant) = instant(text) {
        return Some(instant.to_zoned(jiff::tz::TimeZone::UTC).date());
    }
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}

/// `5%`, `0.25%`: zero to a hundred, up to four decimals.
pub(super) fn share(text: &str) -> Option<Share> {
    let number = text.trim().strip_suffix('%')?.trim_end();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if fraction.len() > 4 || !is_digits(fraction) || !is_digits(whole) {
        return None;
    }
    let whole: u32 = whole.parse().ok().filter(|whole| *whole <= 100)?;
    let fraction: u32 = format!("{fraction:0<4}").parse().ok()?;
    let parts_per_million = whole * 10_000 + fraction;
    (parts_per_million <= Share::ALL.parts_per_million).then_some(Share { parts_per_million })
}

/// Whether it is a version of four numbers (`2.5.190.0`).
pub(super) fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let is_number =
        |part: &&str| (1..=9).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    parts.len() == 4 && parts.iter().all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("90s", 90),
            ("20m", 1_200),
            ("24h", 86_400),
            ("30d", 2_592_000),
            ("1h 30m", 5_400),
            ("1h30m", 5_400),
            ("2 hours", 7_200),
            ("20 Minutes", 1_200),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "20", "h", "-5m", "5 parsecs", "99999999999999999999h", "1h30", "200000w"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_keep_four_decimals() {
        assert_eq!(share("100%"), Some(Share::ALL));
        assert_eq!(share("0.25%"), Some(Share { parts_per_million: 2_500 }));
        for text in ["101%", "100.1%", "5", "-1%", "+1%", "5.%", ".5%", "%", "1.23456%"] {
            assert_eq!(share(text), None, "{text}");
        }
        assert_eq!(Share { parts_per_million: 50_000 }.of(500), 25);
        assert_eq!(Share { parts_per_million: 1 }.of(10), 1, "a share is never lost");
    }

    #[test]
    fn versions_have_four_numbers() {
        assert!(is_version("2.5.190.0"));
        assert!(!is_version("2.5.190"));
        assert!(!is_version("2.5.190.x"));
        assert!(!is_version("+2.5.190.0"));
    }
}
