//! How a value is spelled in AD and in Exchange Online, where the two differ.
//!
//! Sources: [MS-ADTS] 3.1.1.2.2.2 (Boolean and GeneralizedTime); Microsoft Learn, "Set-Mailbox",
//! parameters MailTip, MailTipTranslations and SendModerationNotifications. The numbers of
//! `msExchModerationFlags` and the bits of `msExchELCMailboxFlags` are long-published constants.

use crate::exchange::property::Form;
use crate::exchange::truth;

/// Before the tip for every language that has none of its own.
const DEFAULT_TIP: &str = "default:";

/// `msExchModerationFlags` without the bit for nested groups.
const NOTIFICATIONS: [(&str, &str); 3] = [("Always", "6"), ("Internal", "2"), ("Never", "0")];

/// Values of AD as the cloud spells them.
#[must_use]
pub fn in_cloud(form: Form, values: Vec<String>) -> Vec<String> {
    match form {
        Form::Same | Form::Reference => values.into_iter().map(same_in_cloud).collect(),
        Form::Bit(bit) => values
            .iter()
            .filter_map(|value| value.parse::<u32>().ok())
            .map(|number| truth(number & bit != 0).to_owned())
            .collect(),
        Form::Tip => {
            let tips = values.iter().filter_map(|value| value.strip_prefix(DEFAULT_TIP));
            tips.map(str::to_owned).collect()
        }
        Form::Translations => {
            values.into_iter().filter(|value| !value.starts_with(DEFAULT_TIP)).collect()
        }
        Form::Notifications => values
            .iter()
            .map(|value| {
                let named = NOTIFICATIONS.iter().find(|(_, number)| number == value);
                named.map_or(value.as_str(), |(word, _)| word).to_owned()
            })
            .collect(),
        Form::Instant => values.into_iter().map(instant_in_cloud).collect(),
        Form::Seconds => values.into_iter().map(span_in_cloud).collect(),
        // Octets are no text: whoever reads them from AD spells them.
        Form::Binary => values,
    }
}

/// New values of the cloud as AD spells them; `current` are those of the attribute, which may hold more
/// than this property.
#[must_use]
pub fn in_ad(form: Form, values: Vec<String>, current: Vec<String>) -> Vec<String> {
    match form {
        Form::Same | Form::Reference => values.into_iter().map(same_in_ad).collect(),
        Form::Bit(bit) => {
            let before = current.first().and_then(|value| value.parse::<u32>().ok()).unwrap_or(0);
            let set = values.first().is_some_and(|value| value.eq_ignore_ascii_case("true"));
            let after = if set { before | bit } else { before & !bit };
            vec![after.to_string()]
        }
        Form::Tip => {
            let others = current.into_iter().filter(|value| !value.starts_with(DEFAULT_TIP));
            let tips = values.into_iter().map(|tip| format!("{DEFAULT_TIP}{tip}"));
            tips.chain(others).collect()
        }
        Form::Translations => {
            let default = current.into_iter().filter(|value| value.starts_with(DEFAULT_TIP));
            default.chain(values).collect()
        }
        Form::Notifications => values
            .iter()
            .map(|value| {
                let named = NOTIFICATIONS.iter().find(|(word, _)| word.eq_ignore_ascii_case(value));
                named.map_or(value.as_str(), |(_, number)| number).to_owned()
            })
            .collect(),
        Form::Instant => values.into_iter().map(instant_in_ad).collect(),
        Form::Seconds => values.iter().map(|value| span_in_ad(value)).collect(),
        Form::Binary => values,
    }
}

fn same_in_cloud(value: String) -> String {
    match value.as_str() {
        "TRUE" => "True".to_owned(),
        "FALSE" => "False".to_owned(),
        _ => value,
    }
}

fn same_in_ad(value: String) -> String {
    match value.as_str() {
        "True" => "TRUE".to_owned(),
        "False" => "FALSE".to_owned(),
        _ => value,
    }
}

/// `20260901080000.0Z` becomes `2026-09-01T08:00:00Z`; anything else stays.
fn instant_in_cloud(value: String) -> String {
    let digits = value.split('.').next().unwrap_or_default();
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return value;
    }
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(8, 10),
        part(10, 12),
        part(12, 14)
    )
}

/// The way back. A day alone is its first second.
fn instant_in_ad(value: String) -> String {
    let digits: String = value.chars().filter(char::is_ascii_digit).take(14).collect();
    match digits.len() {
        14 => format!("{digits}.0Z"),
        8 => format!("{digits}000000.0Z"),
        _ => value,
    }
}

/// `7776000` becomes `90.00:00:00`; anything else stays.
fn span_in_cloud(value: String) -> String {
    let Ok(all) = value.parse::<u64>() else { return value };
    let (minutes, seconds) = (all / 60, all % 60);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    let (days, hours) = (hours / 24, hours % 24);
    let clock = format!("{hours:02}:{minutes:02}:{seconds:02}");
    if days == 0 { clock } else { format!("{days}.{clock}") }
}

/// The way back.
fn span_in_ad(value: &str) -> String {
    let seconds = || -> Option<u64> {
        let (days, clock) = value.split_once('.').unwrap_or(("0", value));
        let mut parts = clock.splitn(3, ':').map(|part| part.parse::<u64>().ok());
        let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
        let spans = [(days.parse().ok()?, 86_400), (hours, 3_600), (minutes, 60), (seconds, 1)];
        let mut spans =
            spans.into_iter().map(|(count, length): (u64, u64)| count.checked_mul(length));
        spans.try_fold(0, |sum: u64, span| sum.checked_add(span?))
    };
    seconds().map_or_else(|| value.to_owned(), |seconds| seconds.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    /// What goes to AD and comes back is the same, and what shares its attribute stays.
    #[test]
    fn there_and_back() {
        for (form, cloud, current, ad) in [
            (Form::Same, &["True"][..], &[][..], &["TRUE"][..]),
            (Form::Bit(8), &["True"], &["1"], &["9"]),
            (Form::Bit(1), &["False"], &["9"], &["8"]),
            (Form::Tip, &["Away"], &["de:Weg", "default:Old"], &["default:Away", "de:Weg"]),
            (Form::Translations, &["fr:Parti"], &["default:Away"], &["default:Away", "fr:Parti"]),
            (Form::Notifications, &["Internal"], &[], &["2"]),
            (Form::Instant, &["2026-09-01T08:00:00Z"], &[], &["20260901080000.0Z"]),
            (Form::Seconds, &["90.00:00:00"], &[], &["7776000"]),
            (Form::Seconds, &["06:30:05"], &[], &["23405"]),
        ] {
            let written = in_ad(form, list(cloud), list(current));
            assert_eq!(written, ad, "{form:?}");
            assert_eq!(in_cloud(form, written), cloud, "{form:?}");
        }
    }

    #[test]
    fn what_is_no_known_spelling_stays_as_it_is() {
        assert_eq!(in_cloud(Form::Notifications, list(&["7"])), ["7"]);
        assert_eq!(in_cloud(Form::Instant, list(&["soon"])), ["soon"]);
        assert_eq!(in_ad(Form::Instant, list(&["2026-09-01"]), Vec::new()), ["20260901000000.0Z"]);
        assert_eq!(in_cloud(Form::Seconds, list(&["Unlimited"])), ["Unlimited"]);
        assert!(in_cloud(Form::Bit(1), Vec::new()).is_empty());
    }
}
