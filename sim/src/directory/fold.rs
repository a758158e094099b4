//! Text as Active Directory compares it: comparison and hash.
//!
//! Unicode strings compare linguistically in the locale en-US, without case (NORM_IGNORECASE), accents
//! (NORM_IGNORENONSPACE), kind of kana (NORM_IGNOREKANATYPE) and width (NORM_IGNOREWIDTH) ([MS-ADTS]
//! 3.1.1.2.2.4). Text that is ASCII alone, which nearly all of it is, takes a short way.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Whether two values are the same text. Bytes that are not UTF-8 compare as bytes.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return a.eq_ignore_ascii_case(b);
    }
    folded(a) == folded(b)
}

/// The value in the form in which the same text is the same bytes: lower case, without accents; borrowed
/// when it is that already.
#[must_use]
pub fn folded(value: &[u8]) -> Cow<'_, [u8]> {
    if value.is_ascii() {
        if value.iter().any(u8::is_ascii_uppercase) {
            return Cow::Owned(value.to_ascii_lowercase());
        }
        return Cow::Borrowed(value);
    }
    match core::str::from_utf8(value) {
        Ok(text) => {
            let mut folded = String::with_capacity(text.len());
            for part in text.chars().flat_map(narrow).nfd().filter(|part| !is_combining_mark(*part))
            {
                expand(part, &mut folded);
            }
            Cow::Owned(folded.into_bytes())
        }
        Err(_) => Cow::Borrowed(value),
    }
}

/// A full-width or half-width form as the character that it is a form of.
fn narrow(character: char) -> impl Iterator<Item = char> {
    const FORMS: core::ops::RangeInclusive<char> = '\u{ff01}'..='\u{ffee}';
    let form = FORMS.contains(&character);
    let plain = form.then(|| core::iter::once(character).nfkd());
    let as_it_is = (!form).then_some(character);
    plain.into_iter().flatten().chain(as_it_is)
}

/// A character in lower case, hiragana as katakana, and letters that sort as two of them as these two.
fn expand(character: char, folded: &mut String) {
    const HIRAGANA: core::ops::RangeInclusive<char> = '\u{3041}'..='\u{3096}';
    const TO_KATAKANA: u32 = 0x60;
    match character {
        'ß' | 'ẞ' => folded.push_str("ss"),
        'æ' | 'Æ' => folded.push_str("ae"),
        'œ' | 'Œ' => folded.push_str("oe"),
        kana if HIRAGANA.contains(&kana) => {
            folded.extend(char::from_u32(u32::from(kana) + TO_KATAKANA));
        }
        other => folded.extend(other.to_lowercase().filter(|part| !is_combining_mark(*part))),
    }
}

/// A hash under which [`same`] values are equal.
#[must_use]
pub fn hash(value: &[u8]) -> u64 {
    if !value.is_ascii() {
        return hash_bytes(&folded(value));
    }
    hash_words(value, lower_ascii)
}

/// A hash of bytes as they are; equal to [`hash`] for text in lower case.
#[must_use]
pub fn hash_bytes(value: &[u8]) -> u64 {
    hash_words(value, |word| word)
}

/// Names that differ in a few digits are the rule here, so every bit of a word has to reach every bit
/// of the hash: a multiplication to 128 bits whose halves are folded together does that.
fn hash_words(value: &[u8], lower: impl Fn(u64) -> u64) -> u64 {
    let mix = |state: u64, word: u64| {
        let product = u128::from(state ^ word) * u128::from(MULTIPLIER);
        (product >> 64) as u64 ^ product as u64
    };
    let (words, tail) = value.as_chunks::<8>();
    let mut state = SEED ^ value.len() as u64;
    for word in words {
        state = mix(state, lower(u64::from_le_bytes(*word)));
    }
    let mut word = [0_u8; 8];
    word[..tail.len()].copy_from_slice(tail);
    mix(mix(state, lower(u64::from_le_bytes(word))), SEED)
}

/// Eight bytes of ASCII in lower case, all at once: those from `A` to `Z` get the bit that tells the cases
/// apart.
const fn lower_ascii(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let from_a = word + EACH * (0x80 - b'A' as u64);
    let after_z = word + EACH * (0x7f - b'Z' as u64);
    word | (((from_a ^ after_z) & (EACH * 0x80)) >> 2)
}

/// Digits of pi.
const SEED: u64 = 0x243f_6a88_85a3_08d3;
const MULTIPLIER: u64 = 0x1319_8a2e_0370_7345;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_at_once_are_each_in_lower_case() {
        for byte in 0..0x80_u8 {
            let word = [byte, b'A', b'Z', b'@', b'[', b'a', 0, byte];
            let lower = lower_ascii(u64::from_le_bytes(word));
            assert_eq!(lower.to_le_bytes(), word.map(|byte| byte.to_ascii_lowercase()), "{byte}");
        }
    }

    #[test]
    fn same_text_has_the_same_hash() {
        for (a, b) in [
            ("SMTP:Anna@x.example", "smtp:anna@X.EXAMPLE"),
            ("ÄÖ", "äö"),
            ("\u{212a}", "k"),
            ("Café Zoë", "cafe zoe"),
            ("cafe\u{301}", "CAFÉ"),
            ("ｃａｆｅ", "cafe"),
            ("ひらがな", "ヒラガナ"),
            ("ｶﾅ", "カナ"),
            ("Straße", "STRASSE"),
            ("İ", "i"),
        ] {
            assert!(same(a.as_bytes(), b.as_bytes()), "{a} {b}");
            assert_eq!(hash(a.as_bytes()), hash(b.as_bytes()), "{a} {b}");
        }
        assert!(!same(b"a", b"b"));
        assert!(!same("日本".as_bytes(), "日木".as_bytes()));
        assert!(!same("m²".as_bytes(), b"m2"));
        assert!(!same(&[0xff], &[0xfe]));
    }
}
