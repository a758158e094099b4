//! Texts of failures are compared by their leading number and the attribute that they name, and the
//! name up to which an object was found by its shape.

use std::sync::LazyLock;

use regex::Regex;

use super::client::Answer;
use super::rows::Row;

/// Numbers that the measured implementation gives whenever it knows no better one, by result code: they
/// say what the code says.
const GENERIC: [(i64, &str); 15] = [
    (1, "00002020"),
    (2, "00002021"),
    (16, "0000200A"),
    (17, "0000200C"),
    (19, "0000202F"),
    (20, "0000200D"),
    (32, "00002030"),
    (34, "00002032"),
    (53, "00002035"),
    (64, "00002037"),
    (65, "00002014"),
    (66, "00002015"),
    (67, "00002016"),
    (68, "00002071"),
    (80, "00002095"),
];

/// Numbers that Active Directory's documentation gives for a result code, where it gives more than the
/// code says ([MS-ADTS] 3.1.1.3.1.9 and the sections of each operation, [MS-ERREF] 2.2).
const DOCUMENTED: [(i64, &[&str]); 13] = [
    // Protocol errors and texts of the codec itself.
    (1, &["00002020", "000004DC", "00002120"]),
    (2, &["00000057", "00002021"]),
    (16, &["00000057", "00002085", "00002076"]),
    (19, &["000020B1", "000020B5", "00002082", "00002081", "0000052D", "00000523", "0000202F"]),
    (20, &["00002083", "00002081"]),
    (32, &["0000208D", "00000525"]),
    (34, &["0000208F"]),
    (53, &["00000057", "00002077", "0000209A", "000020CE", "00002185", "0000001F", "000004F1"]),
    (64, &["00002099", "00002073"]),
    (65, &["0000207D", "0000207C", "00002017", "000020B4"]),
    (66, &["0000208C"]),
    (67, &["000020B1"]),
    (68, &["00000562", "00002071"]),
];

/// Why the text does not agree.
pub(crate) fn disagreement(row: &Row, answer: &Answer) -> Option<String> {
    number(row, answer).or_else(|| attribute(row, answer)).or_else(|| matched(row, answer))
}

/// The number with which a text begins.
fn leading(text: &str) -> Option<&str> {
    let (number, rest) = text.split_at_checked(8)?;
    (rest.starts_with(':') && number.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(number)
}

fn number(row: &Row, answer: &Answer) -> Option<String> {
    if answer.code == 0 {
        return (!answer.diagnostic.is_empty()).then(|| format!("a text: {}", answer.diagnostic));
    }
    let own = leading(&answer.diagnostic);
    let known = row.ad.as_ref().and_then(|ad| ad.win32.as_ref());
    let expected = match known {
        Some(win32) => format!("0000{win32}"),
        // A text without a number is no text of Active Directory: there is nothing to compare.
        None => leading(row.diagnostic.as_deref()?)?.to_owned(),
    };
    let Some(own) = own else { return Some(format!("no number in `{}`", answer.diagnostic)) };
    if own.eq_ignore_ascii_case(&expected) {
        return None;
    }
    let generic = known.is_none() && GENERIC.contains(&(answer.code, expected.as_str()));
    let documented =
        || DOCUMENTED.iter().any(|(code, numbers)| *code == answer.code && numbers.contains(&own));
    (!generic || !documented()).then(|| format!("number {own} for {expected}"))
}

/// The attribute that a text names.
fn named(text: &str) -> Option<String> {
    static OWN: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"Att [0-9a-f]+ \(([^)]+)\)").expect("a pattern"));
    static MEASURED: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"(?:^|: )(?:SINGLE-VALUE )?[Aa]ttribute '?([A-Za-z][A-Za-z0-9-]*)'?[ :]";
        Regex::new(pattern).expect("a pattern")
    });
    let found = OWN.captures(text).or_else(|| MEASURED.captures(text))?;
    Some(found[1].to_lowercase())
}

/// Only errors about attributes name one in Active Directory.
fn attribute(row: &Row, answer: &Answer) -> Option<String> {
    let expected = named(row.diagnostic.as_deref()?)?;
    if !answer.diagnostic.contains("AtrErr") {
        return None;
    }
    let own = named(&answer.diagnostic);
    (own.as_ref() != Some(&expected)).then(|| format!("attribute {own:?} for {expected}"))
}

/// The measured implementation leaves the matched name out; Active Directory gives the nearest object
/// that there is, in the result and in the text (RFC 4511 4.1.9, [MS-ADTS] 3.1.1.3.1.9).
fn matched(row: &Row, answer: &Answer) -> Option<String> {
    let own = answer.matched.to_lowercase();
    if answer.code != 32 || !answer.diagnostic.contains("best match of") {
        return (!own.is_empty()).then(|| format!("a matched name: {own}"));
    }
    if !answer.diagnostic.to_lowercase().contains(&format!("'{own}'")) {
        return Some(format!("matched {own}, and in the text `{}`", answer.diagnostic.trim()));
    }
    let asked = ["dn", "base"].iter().find_map(|key| row.request[*key].as_str())?;
    let asked =
        asked.replace("${OU}", "OU=corpus,${BASE}").replace("${BASE}", "dc=example,dc=test");
    let asked = asked.to_lowercase();
    if asked.starts_with('<') || !asked.ends_with("dc=example,dc=test") {
        return None;
    }
    let inside = asked.ends_with(&own) && own.ends_with("dc=example,dc=test");
    (!inside).then(|| format!("matched `{own}` of `{asked}`"))
}
