//! What becomes of the entries of an ACL on an object ([MS-DTYP] 2.5.3.4): creators get their names,
//! generic rights become those of the directory, and what a child inherits is marked as such.

use super::descriptor::{
    Ace, CONTAINER_INHERIT, FULL, INHERIT_ONLY, INHERITED, LIST, LIST_OBJECT, NO_PROPAGATE,
    OBJECT_INHERIT, READ_CONTROL, READ_PROPERTY, SELF, SecurityDescriptor, WRITE_PROPERTY,
};
use crate::directory::name::Sid;

/// Generic rights and what they are on objects of the directory ([MS-ADTS] 5.1.3.2).
const GENERIC: [(u32, u32); 4] = [
    (0x1000_0000, FULL),
    (0x2000_0000, READ_CONTROL | LIST),
    (0x4000_0000, READ_CONTROL | SELF | WRITE_PROPERTY),
    (0x8000_0000, READ_CONTROL | LIST | READ_PROPERTY | LIST_OBJECT),
];

/// S-1-3-0 and S-1-3-1 in bytes: whoever owns the object, and the owner's primary group.
const CREATOR_OWNER: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0];
const CREATOR_GROUP: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0];

/// Whoever creators are on an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Creator<'a> {
    pub(super) owner: &'a Sid,
    pub(super) group: &'a Sid,
}

impl SecurityDescriptor {
    /// The entries as they are stored on an object: what is inherited is not its own (on a protected one
    /// it is, from now on), and what is for those below only and goes to nobody is dropped.
    #[must_use]
    pub fn settled(mut self) -> Self {
        let (dacl, sacl) = (core::mem::take(&mut self.dacl), core::mem::take(&mut self.sacl));
        let creator = Creator { owner: &self.owner, group: &self.group };
        let dacl = settled(dacl, self.is_protected(), creator);
        let sacl = settled(sacl, self.is_sacl_protected(), creator);
        (self.dacl, self.sacl) = (dacl, sacl);
        self
    }
}

fn settled(aces: Vec<Ace>, protected: bool, creator: Creator<'_>) -> Vec<Ace> {
    let mut kept = Vec::with_capacity(aces.len());
    for ace in aces.into_iter().filter(|ace| protected || ace.flags & INHERITED == 0) {
        let flags = ace.flags & !INHERITED;
        let goes_nowhere = flags & (CONTAINER_INHERIT | OBJECT_INHERIT) == 0;
        if flags & INHERIT_ONLY == 0 || !goes_nowhere {
            expand(Ace { flags, ..ace }, creator, &mut kept);
        }
    }
    kept
}

/// What of an ACL comes down to an object; `is` says whether the object is of the class that inherits.
/// Objects of a directory are containers: what is for others goes through them to those below.
pub(super) fn passed_on(
    aces: &[Ace],
    creator: Creator<'_>,
    is: impl Fn(&crate::guid::Guid) -> bool,
) -> Vec<Ace> {
    const BELOW: u8 = CONTAINER_INHERIT | OBJECT_INHERIT;
    let mut passed = Vec::new();
    for ace in aces.iter().filter(|ace| ace.flags & BELOW != 0) {
        let applies =
            ace.flags & CONTAINER_INHERIT != 0 && ace.inherited_object.as_ref().is_none_or(&is);
        let goes_on = ace.flags & NO_PROPAGATE == 0;
        if !applies && !goes_on {
            continue;
        }
        let mut flags = INHERITED | (ace.flags & !(INHERIT_ONLY | NO_PROPAGATE));
        if !goes_on {
            flags &= !BELOW;
        }
        if !applies {
            flags |= INHERIT_ONLY;
        }
        expand(Ace { flags, ..ace.clone() }, creator, &mut passed);
    }
    passed
}

/// Adds an entry as it takes effect. One that names a creator or generic rights, and is inherited, stays
/// beside that as it was for those below.
fn expand(ace: Ace, creator: Creator<'_>, out: &mut Vec<Ace>) {
    let sid = match ace.sid.as_bytes() {
        bytes if bytes == CREATOR_OWNER => Some(creator.owner),
        bytes if bytes == CREATOR_GROUP => Some(creator.group),
        _ => None,
    };
    let mask = mapped(ace.mask);
    if ace.flags & INHERIT_ONLY != 0 || sid.is_none() && mask == ace.mask {
        out.push(ace);
        return;
    }
    let below = ace.flags & (CONTAINER_INHERIT | OBJECT_INHERIT) != 0;
    let own = CONTAINER_INHERIT | OBJECT_INHERIT | NO_PROPAGATE;
    let sid = sid.unwrap_or(&ace.sid).clone();
    out.push(Ace { flags: ace.flags & !own, mask, sid, ..ace });
    if below {
        out.push(Ace { flags: ace.flags | INHERIT_ONLY, ..ace });
    }
}

/// A mask without generic rights.
fn mapped(mask: u32) -> u32 {
    GENERIC.iter().fold(
        mask,
        |mask, (generic, rights)| {
            if mask & generic == 0 { mask } else { mask & !generic | rights }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::security::sddl;

    fn sid(text: &str) -> Sid {
        Sid::from_text(text).unwrap()
    }

    fn descriptor(text: &str) -> SecurityDescriptor {
        let domain = sid("S-1-5-21-1-2-3");
        sddl::parse(text, &domain, domain.with_rid(1104), domain.with_rid(513))
    }

    /// [MS-DTYP] 2.5.3.4.
    #[test]
    fn entries_are_stored_as_they_take_effect() {
        for (given, stored) in [
            ("D:(D;CI;WP;;;CO)", "D:(D;;WP;;;S-1-5-21-1-2-3-1104)(D;CIIO;WP;;;CO)"),
            ("D:(D;CIIO;WP;;;CO)", "D:(D;CIIO;WP;;;CO)"),
            ("D:(D;;WP;;;CG)", "D:(D;;WP;;;S-1-5-21-1-2-3-513)"),
            ("D:(D;IO;WP;;;DA)(A;;RP;;;AU)", "D:(A;;RP;;;AU)"),
            ("D:(A;ID;WP;;;AU)(A;;RP;;;AU)", "D:(A;;RP;;;AU)"),
            ("D:P(A;ID;WP;;;AU)", "D:P(A;;WP;;;AU)"),
        ] {
            assert_eq!(descriptor(given).settled(), descriptor(stored), "{given}");
        }
        let mut given = descriptor("D:(A;CI;RP;;;DU)");
        given.dacl[0].mask = 0x1000_0000;
        let stored = given.settled();
        assert_eq!((stored.dacl[0].flags, stored.dacl[0].mask), (0, FULL));
        assert_eq!((stored.dacl[1].flags, stored.dacl[1].mask), (0xa, 0x1000_0000));
    }

    #[test]
    fn children_inherit_what_is_for_them_and_for_those_below() {
        let (owner, group) = (sid("S-1-5-21-1-2-3-1104"), sid("S-1-5-21-1-2-3-513"));
        let creator = Creator { owner: &owner, group: &group };
        for (above, below) in [
            ("D:(D;CI;WP;;;DU)", "D:(D;CIID;WP;;;DU)"),
            ("D:(A;CIIO;WP;;;DU)", "D:(A;CIID;WP;;;DU)"),
            ("D:(D;OI;WP;;;DU)", "D:(D;OIIOID;WP;;;DU)"),
            ("D:(D;OINP;WP;;;DU)(D;;WP;;;DU)", "D:"),
            ("D:(D;CINP;WP;;;DU)", "D:(D;ID;WP;;;DU)"),
            ("D:(D;CI;WP;;;CO)", "D:(D;ID;WP;;;S-1-5-21-1-2-3-1104)(D;CIIOID;WP;;;CO)"),
            (
                "D:(OA;CI;WP;;bf967a9c-0de6-11d0-a285-00aa003049e2;DU)",
                "D:(OA;CIIOID;WP;;bf967a9c-0de6-11d0-a285-00aa003049e2;DU)",
            ),
        ] {
            let passed = passed_on(&descriptor(above).dacl, creator, |_| false);
            assert_eq!(passed, descriptor(below).dacl, "{above}");
        }
    }
}
