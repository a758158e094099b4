//! Security descriptors as text ([MS-DTYP] 2.5.1): what the default descriptors of classes are written
//! in. They are part of the program, so text that does not fit is a defect of the program.

use super::descriptor::{Ace, DACL_PROTECTED, SACL_PROTECTED, SecurityDescriptor};
use crate::directory::name::Sid;

/// The rights by their two letters.
const RIGHTS: [(&str, u32); 17] = [
    ("CC", 0x1),
    ("DC", 0x2),
    ("LC", 0x4),
    ("SW", 0x8),
    ("RP", 0x10),
    ("WP", 0x20),
    ("DT", 0x40),
    ("LO", 0x80),
    ("CR", 0x100),
    ("SD", 0x1_0000),
    ("RC", 0x2_0000),
    ("WD", 0x4_0000),
    ("WO", 0x8_0000),
    ("GA", 0xf_01ff),
    ("GR", 0x2_0094),
    ("GW", 0x2_0028),
    ("GX", 0x2_0004),
];

/// Reads the DACL and SACL of a descriptor; owner and group are given.
pub(super) fn parse(text: &str, domain: &Sid, owner: Sid, group: Sid) -> SecurityDescriptor {
    let (dacl, sacl) = (section(text, b'D'), section(text, b'S'));
    let (flags, _) = dacl.split_once('(').unwrap_or((dacl, ""));
    let mut control = if flags.contains('P') { DACL_PROTECTED } else { 0 };
    if sacl.split('(').next().is_some_and(|flags| flags.contains('P')) {
        control |= SACL_PROTECTED;
    }
    SecurityDescriptor { owner, group, control, dacl: aces(dacl, domain), sacl: aces(sacl, domain) }
}

/// Whether a text is a descriptor that can be read whole: as a client may give it for a class.
pub(in crate::directory) fn is_valid(text: &str) -> bool {
    let nobody = Sid::nobody();
    let known = |name: &&str| name.is_empty() || sid_of(name, &nobody).is_some();
    let principals = [section(text, b'O'), section(text, b'G')];
    let is_acl = |letter: u8| {
        let acl = section(text, letter);
        let (flags, _) = acl.split_once('(').unwrap_or((acl, ""));
        let known = ["P", "AR", "AI", "PAI", "PAR", "ARAI", "AIAR", "PARAI", "PAIAR", ""];
        let count = acl.matches('(').count();
        known.contains(&flags) && count == acl.matches(')').count() && {
            aces(acl, &nobody).len() == count
        }
    };
    let starts =
        [b"O:", b"G:", b"D:", b"S:"].iter().any(|start| text.as_bytes().starts_with(*start));
    starts && principals.iter().all(known) && is_acl(b'D') && is_acl(b'S')
}

/// The part of a descriptor that begins with a letter and a colon outside of brackets.
fn section(text: &str, letter: u8) -> &str {
    let bytes = text.as_bytes();
    let (mut depth, mut from, mut to) = (0_usize, None, bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b'O' | b'G' | b'D' | b'S' if depth == 0 && bytes.get(at + 1) == Some(&b':') => {
                if from.is_some() {
                    to = at;
                    break;
                }
                if *byte == letter {
                    from = Some(at + 2);
                }
            }
            _ => {}
        }
    }
    from.and_then(|from| text.get(from..to)).unwrap_or_default()
}

fn aces(text: &str, domain: &Sid) -> Vec<Ace> {
    text.split('(').skip(1).filter_map(|ace| ace_of(ace.split(')').next()?, domain)).collect()
}

fn ace_of(text: &str, domain: &Sid) -> Option<Ace> {
    let fields: Vec<&str> = text.split(';').collect();
    let [kind, flags, rights, object, inherited, sid] = fields.as_slice() else { return None };
    let pairs = |text: &str| -> Vec<String> {
        text.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into_owned()).collect()
    };
    let flags = pairs(flags).iter().fold(0, |sum, flag| {
        sum | match flag.as_str() {
            "OI" => 0x1,
            "CI" => 0x2,
            "NP" => 0x4,
            "IO" => 0x8,
            "ID" => 0x10,
            "SA" => 0x40,
            "FA" => 0x80,
            _ => 0,
        }
    });
    let mask = pairs(rights).iter().fold(0, |sum, right| {
        sum | RIGHTS.iter().find(|(name, _)| name == right).map_or(0, |(_, bit)| *bit)
    });
    Some(Ace {
        deny: kind.contains('D'),
        audit: kind.contains('U'),
        flags,
        mask,
        object: object.parse().ok(),
        inherited_object: inherited.parse().ok(),
        sid: sid_of(sid, domain)?,
    })
}

/// A SID by its abbreviation or as text.
fn sid_of(text: &str, domain: &Sid) -> Option<Sid> {
    let known = match text {
        "WD" => "S-1-1-0",
        "CO" => "S-1-3-0",
        "CG" => "S-1-3-1",
        "AN" => "S-1-5-7",
        "ED" => "S-1-5-9",
        "PS" => "S-1-5-10",
        "AU" => "S-1-5-11",
        "SY" => "S-1-5-18",
        "BA" => "S-1-5-32-544",
        "BU" => "S-1-5-32-545",
        "AO" => "S-1-5-32-548",
        "PO" => "S-1-5-32-550",
        "RU" => "S-1-5-32-554",
        "DA" => return Some(domain.with_rid(512)),
        "DU" => return Some(domain.with_rid(513)),
        "CA" => return Some(domain.with_rid(517)),
        "SA" => return Some(domain.with_rid(518)),
        "EA" => return Some(domain.with_rid(519)),
        "RS" => return Some(domain.with_rid(553)),
        other => other,
    };
    Sid::from_text(known)
}
