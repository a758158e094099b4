//! Digests of values: a stable 64-bit hash that rows of the state store may keep.
//!
//! Eight bytes a step through a folded 128-bit multiplication. Not cryptographic: it tells one
//! version of an object from another, and guards nothing. Changing it makes every stored digest
//! differ, which costs one needless comparison with AD for each object and nothing else.

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
const FACTOR: u64 = 0xD6E8_FEB8_6659_FD93;

/// Digest of one value.
#[must_use]
pub fn of_value(bytes: &[u8]) -> u64 {
    let mut state = SEED ^ bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        state = mix(state, u64::from_le_bytes(word));
    }
    let mut word = [0; 8];
    word[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    mix(mix(state, u64::from_le_bytes(word)), FACTOR)
}

/// Digest of a set of values: the order means nothing.
pub fn of_set<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    values.into_iter().fold(0_u64, |sum, value| sum.wrapping_add(of_value(value)))
}

/// Adds one digest to a row of digests: here the order matters.
#[must_use]
pub fn chain(state: u64, next: u64) -> u64 {
    mix(state ^ SEED, next)
}

fn mix(state: u64, word: u64) -> u64 {
    let product = u128::from(state ^ word) * u128::from(FACTOR);
    #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
    let folded = (product as u64) ^ ((product >> 64) as u64);
    folded.rotate_left(23) ^ word
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn sets_ignore_order_and_values_do_not_collide() {
        let (a, b): (&[u8], &[u8]) = (b"SMTP:a@c", b"smtp:b@c");
        assert_eq!(of_set([a, b]), of_set([b, a]));
        assert_ne!(chain(chain(0, 1), 2), chain(chain(0, 2), 1));
        let digests: BTreeSet<u64> =
            (0..20_000_u32).map(|number| of_value(number.to_string().as_bytes())).collect();
        assert_eq!(digests.len(), 20_000);
    }

    /// The rows of existing stores hold such numbers.
    #[test]
    fn the_digest_is_the_same_for_ever() {
        let found: Vec<u64> = ["", "\0", "12345678", "SMTP:u1@contoso.com"]
            .map(|text| of_value(text.as_bytes()))
            .into();
        assert_eq!(found, PINNED);
    }

    const PINNED: [u64; 4] = [
        7_664_682_491_064_330_095,
        2_596_357_924_858_249_317,
        17_440_464_648_631_860_965,
        7_153_609_140_540_682_069,
    ];
}
