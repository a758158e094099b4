//! How Active Directory and Exchange Online spell the same value of an attribute that is not written back,
//! and what the cloud holds of it that AD does not.
//!
//! Sources: [MS-ADTS] 3.1.1.2.2.2 (Boolean, GeneralizedTime); Microsoft Learn, "Set-Mailbox" (MailTip,
//! MailTipTranslations, SendModerationNotifications, the Audit parameters). The numbers of
//! `msExchModerationFlags` and the bits of `msExchELCMailboxFlags` are long-published constants; those of
//! the audit attributes are not published, so a number there is not compared.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

/// How AD spells what the cloud shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// The same texts, their order aside.
    Texts,
    /// `TRUE` or `FALSE`; absent is false.
    Boolean,
    /// The same number.
    Number,
    /// One bit of a number; absent is false.
    Bit(u32),
    /// The value behind `default:`, one of several.
    DefaultTip,
    /// The values with another language in front.
    Tips,
    /// A number for each of the words `Always`, `Internal`, `Never`; absent is `Always`.
    Notifications,
    /// GeneralizedTime for RFC 3339.
    Instant,
    /// Seconds for `days.hours:minutes:seconds`.
    Span,
    /// Words in any order, their case aside.
    Words,
    /// Distinguished names for recipients, which the cloud shows by a name of theirs.
    References,
    /// Bytes for Base64.
    Bytes,
}

/// What the cloud holds that AD does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// Nothing: AD says the same.
    Nothing,
    /// These values.
    Values(Vec<String>),
    /// Perhaps these values: the two sides cannot be compared, for this reason.
    Perhaps(Vec<String>, &'static str),
}

/// The recipients that distinguished names stand for, as far as they were seen; looked up and never
/// iterated.
#[derive(Debug, Default)]
pub struct Recipients {
    by_dn: HashMap<String, Vec<String>, FxBuildHasher>,
}

impl Recipients {
    /// The object of this name is the recipient that the cloud shows by one of `names`.
    pub fn add<'a>(&mut self, dn: &str, names: impl IntoIterator<Item = &'a str>) {
        let names = names.into_iter().filter(|name| !name.is_empty()).map(str::to_lowercase);
        self.by_dn.insert(dn.to_lowercase(), names.collect());
    }

    /// Whether this is the recipient; `None` when nobody knows who it is.
    fn is(&self, dn: &str, shown: &str) -> Option<bool> {
        if dn.eq_ignore_ascii_case(shown) {
            return Some(true);
        }
        let names = self.by_dn.get(&dn.to_lowercase())?;
        Some(names.contains(&shown.to_lowercase()))
    }
}

const NOTIFICATIONS: [(&str, i64); 3] = [("Always", 6), ("Internal", 2), ("Never", 0)];
/// The bit of `msExchModerationFlags` that says something else.
const NESTED_GROUPS: i64 = 1;
const DEFAULT_TIP: &str = "default:";

/// What a rollback takes: the values of the cloud that AD does not have. A value that the cloud lacks is
/// none.
#[must_use]
pub fn lost(spelling: Spelling, cloud: &[&str], ad: &[&[u8]], recipients: &Recipients) -> Lost {
    let texts: Vec<Cow<'_, str>> = ad.iter().map(|value| String::from_utf8_lossy(value)).collect();
    let first = texts.first().map(AsRef::as_ref);
    let has = |wanted: &str| texts.iter().any(|text| text == wanted);
    let missing = |has: &dyn Fn(&str) -> bool| {
        certain(cloud.iter().filter(|value| !has(value)).map(ToString::to_string).collect())
    };
    match spelling {
        Spelling::Texts => missing(&has),
        Spelling::Boolean => truth(cloud, first.is_some_and(is_true)),
        Spelling::Bit(bit) => {
            let number = first.and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
            truth(cloud, number & bit != 0)
        }
        Spelling::Number => {
            let held = first.and_then(|text| text.parse::<i64>().ok());
            missing(&|value| value.parse().ok() == held && held.is_some())
        }
        Spelling::DefaultTip => missing(&|value| has(&format!("{DEFAULT_TIP}{value}"))),
        Spelling::Tips => missing(&|value| value.starts_with(DEFAULT_TIP) || has(value)),
        Spelling::Notifications => {
            let number = first.map_or(Some(6), |text| text.parse::<i64>().ok());
            let word = |number: i64| {
                let found =
                    NOTIFICATIONS.iter().find(|(_, known)| *known == number & !NESTED_GROUPS);
                found.map(|(word, _)| *word)
            };
            match number.and_then(word) {
                Some(held) => missing(&|value| value.eq_ignore_ascii_case(held)),
                None => perhaps(cloud, "AD holds a number that no documented word stands for"),
            }
        }
        Spelling::Instant => compared(cloud, first, instant, "AD holds no time that is understood"),
        Spelling::Span => {
            let both = |text: &str| text.parse().ok().or_else(|| span(text));
            compared(cloud, first, both, "AD holds no time span that is understood")
        }
        Spelling::Words => {
            if first.is_some_and(|text| text.parse::<i64>().is_ok()) {
                return perhaps(cloud, "AD holds a number whose bits are not published");
            }
            let held: Vec<&str> = texts.iter().flat_map(|text| words(text)).collect();
            let lacks = |word: &&str| !held.iter().any(|other| other.eq_ignore_ascii_case(word));
            let lost = cloud.iter().flat_map(|text| words(text)).filter(lacks);
            certain(lost.map(str::to_owned).collect())
        }
        Spelling::Bytes => missing(&|value| {
            STANDARD.decode(value.trim()).is_ok_and(|bytes| ad.contains(&bytes.as_slice()))
        }),
        Spelling::References => {
            let is = |value: &str| -> Vec<Option<bool>> {
                texts.iter().map(|dn| recipients.is(dn, value)).collect()
            };
            let missing: Vec<&str> =
                cloud.iter().filter(|value| !is(value).contains(&Some(true))).copied().collect();
            if missing.iter().any(|value| is(value).contains(&None)) {
                return perhaps(&missing, "AD names recipients that were not read here");
            }
            certain(missing.into_iter().map(str::to_owned).collect())
        }
    }
}

fn certain(values: Vec<String>) -> Lost {
    if values.is_empty() { Lost::Nothing } else { Lost::Values(values) }
}

fn perhaps(cloud: &[&str], why: &'static str) -> Lost {
    if cloud.is_empty() {
        return Lost::Nothing;
    }
    Lost::Perhaps(cloud.iter().map(ToString::to_string).collect(), why)
}

/// A truth is lost when AD says the opposite, false ones too.
fn truth(cloud: &[&str], held: bool) -> Lost {
    let shown = cloud.first().is_some_and(|value| is_true(value));
    let word = if shown { "True" } else { "False" };
    if shown == held { Lost::Nothing } else { Lost::Values(vec![word.to_owned()]) }
}

/// One value on both sides, each understood by `read`.
fn compared<T: PartialEq>(
    cloud: &[&str],
    held: Option<&str>,
    read: impl Fn(&str) -> Option<T>,
    why: &'static str,
) -> Lost {
    let (Some(shown), Some(held)) = (cloud.first(), held) else {
        return certain(cloud.iter().map(ToString::to_string).collect());
    };
    match (read(shown), read(held)) {
        _ if *shown == held => Lost::Nothing,
        (Some(shown), Some(held)) if shown == held => Lost::Nothing,
        (Some(_), Some(_)) => Lost::Values(vec![(*shown).to_owned()]),
        _ => perhaps(cloud, why),
    }
}

/// The values that AD is to hold so that it says what the cloud says, beside what the attribute holds of
/// other properties; `None` where AD wants what the cloud does not tell.
#[must_use]
pub fn in_ad(spelling: Spelling, cloud: &[&str], current: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let first = cloud.first().copied()?;
    let texts: Vec<Cow<'_, str>> =
        current.iter().map(|value| String::from_utf8_lossy(value)).collect();
    let other_tips = |default: bool| {
        texts.iter().filter(move |text| text.starts_with(DEFAULT_TIP) == default).map(|t| bytes(t))
    };
    Some(match spelling {
        Spelling::Texts | Spelling::Number => cloud.iter().map(|value| bytes(value)).collect(),
        Spelling::Boolean => vec![bytes(if is_true(first) { "TRUE" } else { "FALSE" })],
        Spelling::Bit(bit) => {
            let before = texts.first().map_or(Some(0), |text| text.parse::<u32>().ok())?;
            let after = if is_true(first) { before | bit } else { before & !bit };
            vec![bytes(&after.to_string())]
        }
        Spelling::DefaultTip => {
            let tip = bytes(&format!("{DEFAULT_TIP}{first}"));
            core::iter::once(tip).chain(other_tips(false)).collect()
        }
        Spelling::Tips => {
            let tips = cloud.iter().filter(|tip| !tip.starts_with(DEFAULT_TIP));
            other_tips(true).chain(tips.map(|tip| bytes(tip))).collect()
        }
        Spelling::Notifications => {
            let number = NOTIFICATIONS.iter().find(|(word, _)| word.eq_ignore_ascii_case(first))?.1;
            let before = texts.first().and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
            vec![bytes(&(number | (before & NESTED_GROUPS)).to_string())]
        }
        Spelling::Instant => vec![bytes(&generalized(instant(first)?)?)],
        Spelling::Bytes => {
            cloud.iter().map(|value| STANDARD.decode(value.trim()).ok()).collect::<Option<_>>()?
        }
        Spelling::Span => vec![bytes(&span(first)?.to_string())],
        Spelling::Words | Spelling::References => return None,
    })
}

fn is_true(value: &str) -> bool {
    value.eq_ignore_ascii_case("true")
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// Seconds since the epoch out of RFC 3339, a day alone, or GeneralizedTime in UTC.
pub(super) fn instant(text: &str) -> Option<i64> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant.as_second());
    }
    let digits = text.strip_suffix('Z').map_or(text, |text| text.split('.').next().unwrap_or(text));
    let rfc = match (digits.len(), digits.bytes().all(|byte| byte.is_ascii_digit())) {
        (14, true) => format!(
            "{}-{}-{}T{}:{}:{}Z",
            &digits[..4],
            &digits[4..6],
            &digits[6..8],
            &digits[8..10],
            &digits[10..12],
            &digits[12..]
        ),
        _ => format!("{text}T00:00:00Z"),
    };
    rfc.parse::<jiff::Timestamp>().ok().map(|instant| instant.as_second())
}

fn generalized(seconds: i64) -> Option<String> {
    let text = jiff::Timestamp::from_second(seconds).ok()?.to_string();
    let digits: String = text.chars().filter(char::is_ascii_digit).take(14).collect();
    (digits.len() == 14).then(|| format!("{digits}.0Z"))
}

/// Seconds of `days.hours:minutes:seconds`; days may be left out.
fn span(text: &str) -> Option<u64> {
    let (days, time) = text.split_once('.').unwrap_or(("0", text));
    let mut parts = time.split(':');
    let mut part = || parts.next()?.parse::<u64>().ok();
    let (hours, minutes, seconds) = (part()?, part()?, part()?);
    let days: u64 = days.parse().ok()?;
    let spans = [(days, 86_400), (hours, 3_600), (minutes, 60), (seconds, 1)];
    let mut spans = spans.into_iter().map(|(count, length)| count.checked_mul(length));
    let all = spans.try_fold(0, |sum: u64, span| sum.checked_add(span?))?;
    parts.next().is_none().then_some(all)
}

#[cfg(test)]
mod tests {
    use super::super::bucket_c::BUCKET_C;
    use super::*;

    type Texts = &'static [&'static str];

    /// For each property: what the cloud shows, how AD says the same, and what AD says otherwise.
    const ROWS: [(&str, Texts, Texts, Texts); 33] = [
        ("HiddenFromAddressListsEnabled", &["True"], &["TRUE"], &["FALSE"]),
        ("MailTip", &["Away"], &["de:Weg", "default:Away"], &["default:Here", "de:Away"]),
        ("MailTipTranslations", &["de:Weg"], &["default:Away", "de:Weg"], &["de:Da", "fr:Weg"]),
        ("ArchiveName", &["Archive"], &["Archive"], &["archive"]),
        ("RetentionComment", &["kept"], &["kept"], &["Kept"]),
        ("RetentionUrl", &["https://a"], &["https://a"], &["https://b"]),
        ("ModerationEnabled", &["False"], &["FALSE"], &["TRUE"]),
        ("ModeratedBy", &["bob"], &["CN=Bob,DC=x"], &["CN=Eve,DC=x"]),
        ("SendModerationNotifications", &["Internal"], &["3"], &["6"]),
        ("ForwardingAddress", &["bob"], &["cn=bob,dc=x"], &["CN=Eve,DC=x"]),
        ("GrantSendOnBehalfTo", &["bob", "eve"], &["CN=Eve,DC=x", "CN=Bob,DC=x"], &["CN=Bob,DC=x"]),
        ("RequireSenderAuthenticationEnabled", &["True"], &["TRUE"], &[]),
        ("AcceptMessagesOnlyFrom", &["bob"], &["CN=Bob,DC=x"], &["CN=Eve,DC=x"]),
        ("AcceptMessagesOnlyFromDLMembers", &["eve"], &["CN=Eve,DC=x"], &["CN=Bob,DC=x"]),
        ("RejectMessagesFrom", &["bob"], &["CN=Bob,DC=x"], &["CN=Eve,DC=x"]),
        ("RejectMessagesFromDLMembers", &["bob"], &["CN=Bob,DC=x"], &[]),
        ("RetentionHoldEnabled", &["True"], &["9"], &["8"]),
        ("LitigationHoldEnabled", &["False"], &["1"], &["9"]),
        (
            "StartDateForRetentionHold",
            &["2026-09-01T08:00:00Z"],
            &["20260901080000.0Z"],
            &["20260901080001.0Z"],
        ),
        (
            "EndDateForRetentionHold",
            &["2026-09-01T10:00:00+02:00"],
            &["20260901080000.0Z"],
            &["20270901080000.0Z"],
        ),
        ("LitigationHoldDate", &["2026-09-01"], &["20260901000000.0Z"], &["20260902000000.0Z"]),
        ("LitigationHoldOwner", &["legal"], &["legal"], &["it"]),
        ("AuditAdmin", &["Update", "Move"], &["move, update"], &["Update"]),
        ("AuditDelegate", &["Update"], &["update"], &["Copy"]),
        ("AuditOwner", &["Update,Copy"], &["Copy", "Update"], &["Copy"]),
        ("AuditLogAgeLimit", &["90.00:00:00"], &["7776000"], &["2592000"]),
        ("AuditEnabled", &["True"], &["TRUE"], &["FALSE"]),
        ("ResourceCapacity", &["12"], &["12"], &["8"]),
        ("ResourceCustom", &["Beamer"], &["Room", "Beamer"], &["Room"]),
        ("Alias", &["anna"], &["anna"], &["anna2"]),
        ("UserCertificate", &["YQ=="], &["a"], &["b"]),
        ("UserSMimeCertificate", &["YQ==", "Yg=="], &["b", "a"], &["a"]),
        ("AssistantName", &["Eve"], &["Eve"], &["Bob"]),
    ];

    fn recipients() -> Recipients {
        let mut recipients = Recipients::default();
        recipients.add("CN=Bob,DC=x", ["bob", "bob@contoso.com"]);
        recipients.add("CN=Eve,DC=x", ["Eve", ""]);
        recipients
    }

    fn bytes<'a>(values: &[&'a str]) -> Vec<&'a [u8]> {
        values.iter().map(|value| value.as_bytes()).collect()
    }

    #[test]
    fn each_property_is_compared_by_its_own_spelling() {
        for (property, cloud, same, other) in ROWS {
            let kept = BUCKET_C.iter().find(|kept| kept.property == property).unwrap();
            let lost = |ad: &[&str]| lost(kept.spelling, cloud, &bytes(ad), &recipients());
            assert_eq!(lost(same), Lost::Nothing, "{property}");
            assert!(matches!(lost(other), Lost::Values(_)), "{property}: {:?}", lost(other));
            if kept.spelling != Spelling::Boolean && cloud != ["False"] {
                assert!(matches!(lost(&[]), Lost::Values(_)), "{property}");
            }
            // What the cloud does not hold is not lost, but that a truth turns is.
            let truth = matches!(kept.spelling, Spelling::Boolean | Spelling::Bit(_));
            let nothing = super::lost(kept.spelling, &[], &bytes(same), &recipients());
            assert!(nothing == Lost::Nothing || truth, "{property}");
        }
        assert_eq!(ROWS.len(), BUCKET_C.len());
    }

    #[test]
    fn what_cannot_be_compared_is_said_to_be_perhaps_lost() {
        for (spelling, cloud, ad) in [
            (Spelling::References, "somebody", "CN=Group,DC=x"),
            (Spelling::Words, "Update", "17"),
            (Spelling::Notifications, "Never", "77"),
            (Spelling::Instant, "2026-09-01", "soon"),
            (Spelling::Span, "90.00:00:00", "a quarter"),
        ] {
            let lost = lost(spelling, &[cloud], &bytes(&[ad]), &recipients());
            assert!(matches!(lost, Lost::Perhaps(..)), "{spelling:?}: {lost:?}");
        }
        let delegates = lost(
            Spelling::References,
            &["bob", "nobody"],
            &bytes(&["CN=Bob,DC=x", "CN=Group,DC=x"]),
            &recipients(),
        );
        assert!(matches!(delegates, Lost::Perhaps(values, _) if values == ["nobody"]));
    }

    /// What is written to AD says there what the cloud says, and leaves what shares the attribute.
    #[test]
    fn what_goes_to_ad_is_what_the_cloud_says() {
        for (property, cloud, _, other) in ROWS {
            let spelling = BUCKET_C.iter().find(|kept| kept.property == property).unwrap().spelling;
            let Some(written) = in_ad(spelling, cloud, &bytes(other)) else {
                let known = matches!(spelling, Spelling::References | Spelling::Words);
                assert!(known, "{property}");
                continue;
            };
            let written: Vec<&[u8]> = written.iter().map(Vec::as_slice).collect();
            assert_eq!(lost(spelling, cloud, &written, &recipients()), Lost::Nothing, "{property}");
        }
        let tips = in_ad(Spelling::DefaultTip, &["Away"], &[b"default:Old", b"de:Weg"]).unwrap();
        assert_eq!(tips, [b"default:Away".to_vec(), b"de:Weg".to_vec()]);
        assert_eq!(in_ad(Spelling::Bit(8), &["True"], &[b"1"]).unwrap(), [b"9"]);
        assert_eq!(in_ad(Spelling::Notifications, &["Never"], &[b"7"]).unwrap(), [b"1"]);
    }
}
