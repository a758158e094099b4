//! The functions of the fuzz targets, driven on a stable toolchain: with the kept corpus, with arbitrary
//! bytes, and with mutations of the corpus. `fuzz/run` drives the same functions with libFuzzer.

#[path = "fuzzed/entries.rs"]
mod entries;

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

/// The kept inputs of a target.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the kept corpus is in the repository")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.iter().map(|file| fs::read(file).expect("a file")).collect()
}

/// A change of some bytes: which, and to what.
#[derive(Clone, Debug)]
enum Mutation {
    Set(prop::sample::Index, u8),
    Flip(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize, usize),
    Cut(prop::sample::Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), prop_oneof![Just(0), Just(0xff), Just(0x80), any::<u8>()])
            .prop_map(|(at, byte)| Mutation::Set(at, byte)),
        (at(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        (at(), vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (at(), 1..8_usize).prop_map(|(at, count)| Mutation::Remove(at, count)),
        (at(), 1..16_usize, 2..64_usize)
            .prop_map(|(at, length, times)| Mutation::Repeat(at, length, times)),
        at().prop_map(Mutation::Cut),
    ]
}

fn mutated(bytes: &[u8], mutations: &[Mutation]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for mutation in mutations {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        match mutation {
            Mutation::Set(at, byte) => bytes[at.index(length)] = *byte,
            Mutation::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Mutation::Insert(at, more) => {
                let at = at.index(length);
                bytes.splice(at..at, more.iter().copied());
            }
            Mutation::Remove(at, count) => {
                let at = at.index(length);
                bytes.drain(at..(at + count).min(length));
            }
            Mutation::Repeat(at, part, times) => {
                let at = at.index(length);
                let part = bytes[at..(at + part).min(length)].repeat(*times);
                bytes.splice(at..at, part);
            }
            Mutation::Cut(at) => bytes.truncate(at.index(length)),
        }
    }
    bytes
}

/// Drives an entry with everything that it is to stand.
fn drive(target: &str, entry: fn(&[u8])) {
    let kept = corpus(target);
    for bytes in &kept {
        entry(bytes);
    }
    let cases = prop_oneof![
        1 => vec(any::<u8>(), 0..512),
        4 => (prop::sample::select(kept), vec(mutation(), 1..6))
            .prop_map(|(bytes, mutations)| mutated(&bytes, &mutations)),
    ];
    proptest!(|(bytes in cases)| entry(&bytes));
}

#[test]
fn a_session_stands_any_bytes() {
    drive("session", entries::session);
}

#[test]
fn names_stand_any_bytes() {
    drive("dn", entries::dn);
}

#[test]
fn filters_stand_any_bytes() {
    drive("filter", entries::filter);
}

#[test]
fn ldif_stands_any_bytes() {
    drive("ldif", entries::ldif);
}
