//! How the cloud spells a value, whatever way it was given: `50GB` becomes `50 GB (53,687,091,200 bytes)`.
//!
//! Source: Microsoft Learn, "Set-Mailbox" (what each parameter takes); recorded answers of the service in
//! public tools (graph2otel) for the spelling.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::address::{self, ProxyAddress};
use crate::clock::VirtualTime;
use crate::guid::Guid;

/// What a text has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Anything.
    Free,
    /// A number of bytes with or without a unit, or `Unlimited`.
    Size,
    /// A time span (`d.hh:mm:ss`, a number of days), or `Unlimited`.
    Span,
    /// A whole number from the first to the second, or `Unlimited`.
    Count(u32, u32),
    /// A date with or without a time.
    Moment,
    /// An SMTP address, with or without its prefix.
    Address,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A culture: `en-US`.
    Culture,
    /// A culture and a text of at most 175 characters: `de: Weg`.
    Translation,
    /// An alias: letters, digits and some signs, no blank, no dot at either end.
    Alias,
    /// Octets in base64.
    Base64,
    /// A GUID.
    Guid,
}

/// What mailbox auditing logs (Microsoft Learn, "Manage mailbox auditing").
pub const AUDITED: &[&str] = &[
    "AddFolderPermissions",
    "ApplyRecord",
    "AttachmentAccess",
    "Copy",
    "Create",
    "Default",
    "FolderBind",
    "HardDelete",
    "MailboxLogin",
    "MailItemsAccessed",
    "MessageBind",
    "ModifyFolderPermissions",
    "Move",
    "MoveToDeletedItems",
    "None",
    "PriorityCleanupDelete",
    "RecordDelete",
    "RemoveFolderPermissions",
    "SearchQueryInitiated",
    "Send",
    "SendAs",
    "SendOnBehalf",
    "SoftDelete",
    "Update",
    "UpdateCalendarDelegation",
    "UpdateComplianceTag",
    "UpdateFolderPermissions",
    "UpdateInboxRules",
];

impl Shape {
    /// The text as the cloud spells it; `None` when it is no such thing.
    #[must_use]
    pub fn spell(self, text: &str) -> Option<String> {
        let unlimited = || text.eq_ignore_ascii_case("Unlimited").then(|| "Unlimited".to_owned());
        match self {
            Self::Free => Some(text.to_owned()),
            Self::Size => unlimited().or_else(|| bytes(text).map(size)),
            Self::Span => unlimited().or_else(|| span(text)),
            Self::Count(least, most) => unlimited().or_else(|| {
                let number: u32 = text.trim().parse().ok()?;
                (least..=most).contains(&number).then(|| number.to_string())
            }),
            Self::Moment => moment(text),
            Self::Address => {
                address::is_well_formed(ProxyAddress::parse(text).address).then(|| text.to_owned())
            }
            Self::Words(words) => {
                let word = words.iter().find(|word| word.eq_ignore_ascii_case(text));
                word.map(|word| (*word).to_owned())
            }
            Self::Culture => culture(text),
            Self::Translation => {
                let (language, tip) = text.split_once(':')?;
                culture(language)?;
                (tip.encode_utf16().count() <= 175).then(|| text.to_owned())
            }
            Self::Alias => is_alias(text).then(|| text.to_owned()),
            Self::Base64 => STANDARD.decode(text).ok().map(|octets| STANDARD.encode(octets)),
            Self::Guid => {
                text.trim_matches(['{', '}']).parse::<Guid>().ok().map(|guid| guid.to_string())
            }
        }
    }

    /// The .NET type that a refusal names.
    #[must_use]
    pub const fn net(self) -> &'static str {
        match self {
            Self::Free => "System.String",
            Self::Size => {
                "Microsoft.Exchange.Data.Unlimited`1[Microsoft.Exchange.Data.ByteQuantifiedSize]"
            }
            Self::Span => "Microsoft.Exchange.Data.EnhancedTimeSpan",
            Self::Count(..) => "Microsoft.Exchange.Data.Unlimited`1[System.Int32]",
            Self::Moment => "System.DateTime",
            Self::Address => "Microsoft.Exchange.Data.ProxyAddress",
            Self::Words(_) => "System.Enum",
            Self::Culture | Self::Translation => "System.Globalization.CultureInfo",
            Self::Alias => "Microsoft.Exchange.Data.Directory.Recipient.Alias",
            Self::Base64 => "System.Byte[]",
            Self::Guid => "System.Guid",
        }
    }
}

const UNITS: [(&str, u64); 5] =
    [("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10), ("B", 1)];

/// `50GB`, `1.5 GB`, `53687091200`, `50 GB (53,687,091,200 bytes)`.
fn bytes(text: &str) -> Option<u64> {
    if let Some((_, exact)) = text.split_once('(') {
        let digits = exact.strip_suffix(" bytes)")?.replace(',', "");
        return digits.parse().ok();
    }
    let text = text.trim();
    let number = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit = text[number.len()..].to_ascii_uppercase();
    let (whole, fraction) = match number.trim().split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() && fraction.len() <= 6 => (whole, fraction),
        Some(_) => return None,
        None => (number.trim(), ""),
    };
    let factor = match unit.as_str() {
        "" => 1,
        unit => UNITS.iter().find(|(name, _)| *name == unit)?.1,
    };
    let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    let fraction: u64 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let whole = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    whole.checked_add(fraction.checked_mul(factor)? / scale)
}

/// `50 GB (53,687,091,200 bytes)`: four digits at most before the unit.
fn size(bytes: u64) -> String {
    let (unit, factor) = UNITS.into_iter().find(|(_, factor)| bytes >= *factor).unwrap_or(("B", 1));
    let digits = bytes.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let whole = bytes / factor;
    let places = 4_usize.saturating_sub(whole.to_string().len()).min(3);
    let scale = 10_u128.pow(u32::try_from(places).unwrap_or(0));
    let parts = u128::from(bytes % factor) * scale / u128::from(factor);
    let fraction = format!("{parts:0places$}");
    let fraction = fraction.trim_end_matches('0');
    let dot =
        if places == 0 || fraction.is_empty() { String::new() } else { format!(".{fraction}") };
    format!("{whole}{dot} {unit} ({grouped} bytes)")
}

/// `14`, `14.00:00:00`, `06:00`, `06:00:00`.
fn span(text: &str) -> Option<String> {
    let text = text.trim();
    if let Ok(days) = text.parse::<u32>() {
        return Some(format!("{days}.00:00:00"));
    }
    let (days, clock) = match text.split_once('.') {
        Some((days, clock)) => (days.parse::<u32>().ok()?, clock),
        None => (0, text),
    };
    let mut parts = clock.split(':').map(|part| part.parse::<u32>().ok());
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = match parts.next() {
        Some(seconds) => seconds?,
        None => 0,
    };
    if parts.next().is_some() || hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    Some(match days {
        0 => format!("{hours:02}:{minutes:02}:{seconds:02}"),
        days => format!("{days}.{hours:02}:{minutes:02}:{seconds:02}"),
    })
}

/// RFC 3339, a day alone, or the service's own `9/1/2026 8:00 AM`; in seconds of UTC.
fn moment(text: &str) -> Option<String> {
    let text = text.trim();
    let at = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let civil = text.parse::<jiff::civil::DateTime>().ok().or_else(|| american(text))?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })?;
    Some(VirtualTime::from_jiff(at).floor_to_second().to_string())
}

fn american(text: &str) -> Option<jiff::civil::DateTime> {
    const FORMS: [&str; 4] =
        ["%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p"];
    FORMS.iter().find_map(|form| {
        let broken = jiff::fmt::strtime::parse(form, text).ok()?;
        broken.to_datetime().ok().or_else(|| broken.to_date().ok().map(Into::into))
    })
}

/// Microsoft Learn, "Set-Mailbox", parameter Alias.
fn is_alias(text: &str) -> bool {
    const SIGNS: &str = "!#$%&'*+-/=?^_`{|}~.";
    let has_dots = text.starts_with('.') || text.ends_with('.') || text.contains("..");
    let is_one = |c: char| c.is_alphanumeric() || SIGNS.contains(c);
    !text.is_empty() && !has_dots && text.chars().all(is_one)
}

/// `en`, `en-us`, `zh-Hans-CN`.
fn culture(text: &str) -> Option<String> {
    let mut parts = text.split('-');
    let language = parts.next()?;
    let is_word = |part: &str| part.len() <= 8 && part.chars().all(|c| c.is_ascii_alphanumeric());
    if !(2..=3).contains(&language.len()) || !language.chars().all(|c| c.is_ascii_alphabetic()) {
        return None;
    }
    let mut spelled = language.to_ascii_lowercase();
    for part in parts {
        if part.is_empty() || !is_word(part) {
            return None;
        }
        spelled.push('-');
        match part.len() {
            2 => spelled.push_str(&part.to_ascii_uppercase()),
            _ => spelled.push_str(part),
        }
    }
    Some(spelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_spelled_as_the_service_spells_them() {
        for (shape, given, spelled) in [
            (Shape::Size, "50GB", Some("50 GB (53,687,091,200 bytes)")),
            (Shape::Size, "36700160", Some("35 MB (36,700,160 bytes)")),
            (Shape::Size, "1.5 gb", Some("1.5 GB (1,610,612,736 bytes)")),
            (Shape::Size, "99 GB (106,300,440,576 bytes)", Some("99 GB (106,300,440,576 bytes)")),
            (Shape::Size, "0", Some("0 B (0 bytes)")),
            (Shape::Size, "unlimited", Some("Unlimited")),
            (Shape::Size, "much", None),
            (Shape::Size, "99999999999 TB", None),
            (Shape::Span, "14", Some("14.00:00:00")),
            (Shape::Span, "90.00:00:00", Some("90.00:00:00")),
            (Shape::Span, "6:00", Some("06:00:00")),
            (Shape::Span, "14.25:00:00", None),
            (Shape::Count(1, 1_000), "500", Some("500")),
            (Shape::Count(1, 1_000), "0", None),
            (Shape::Moment, "2026-10-01", Some("2026-10-01T00:00:00Z")),
            (Shape::Moment, "10/01/2026 8:00 AM", Some("2026-10-01T08:00:00Z")),
            (Shape::Moment, "2026-10-01T08:00:00+02:00", Some("2026-10-01T06:00:00Z")),
            (Shape::Moment, "soon", None),
            (Shape::Address, "smtp:a@elsewhere.example", Some("smtp:a@elsewhere.example")),
            (Shape::Address, "nobody", None),
            (Shape::Words(AUDITED), "movetodeleteditems", Some("MoveToDeletedItems")),
            (Shape::Words(AUDITED), "Nonsense", None),
            (Shape::Culture, "en-us", Some("en-US")),
            (Shape::Translation, "de: Weg", Some("de: Weg")),
            (Shape::Translation, "bad", None),
            (Shape::Alias, "anna.b", Some("anna.b")),
            (Shape::Alias, "anna b", None),
            (Shape::Culture, "x", None),
            (Shape::Base64, "AAEC", Some("AAEC")),
            (Shape::Base64, "?", None),
            (Shape::Guid, "no", None),
        ] {
            assert_eq!(shape.spell(given).as_deref(), spelled, "{shape:?} {given}");
        }
    }
}
