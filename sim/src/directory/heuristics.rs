//! dSHeuristics: switches of the directory service, one character each ([MS-ADTS] 6.1.1.2.4.1.2). An
//! attribute of `CN=Directory Service`; what is not there is `0`.

use std::borrow::Cow;

use crate::directory::answer::LdapResult;
use crate::directory::entry::DcNumber;
use crate::directory::forest::Forest;
use crate::directory::name::Sid;
use crate::directory::principal::{Principal, Rights};
use crate::directory::security::access::Token;
use crate::directory::{answer::ResultCode, schema::known};

/// ANONYMOUS LOGON.
const ANONYMOUS: &str = "S-1-5-7";

/// The switches in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heuristics(Vec<u8>);

impl Heuristics {
    /// The character at a place, from 1.
    fn at(&self, place: usize) -> u8 {
        self.0.get(place - 1).copied().unwrap_or(b'0')
    }

    fn is_set(&self, place: usize) -> bool {
        self.at(place) != b'0'
    }

    /// fSupFirstLastANR: a name with a blank is not looked for as first and last name.
    pub(super) fn suppresses_first_last(&self) -> bool {
        self.is_set(1)
    }

    /// fSupLastFirstANR: nor as last and first name.
    pub(super) fn suppresses_last_first(&self) -> bool {
        self.is_set(2)
    }

    /// fDoListObject: an object is seen by the right to list it, too.
    pub(super) fn lists_objects(&self) -> bool {
        self.at(3) == b'1'
    }

    /// fLDAPPermissiveModify as Active Directory names its fifth character: every modification is as with
    /// the control for it.
    pub(super) fn is_permissive(&self) -> bool {
        self.is_set(5)
    }

    /// fAllowAnonNSPI and its neighbour: the seventh character, `2`, lets clients without a bind in as far
    /// as access control lists do.
    fn admits_anonymous(&self) -> bool {
        self.at(7) == b'2'
    }

    /// fUserPwdSupport: `userPassword` is the password.
    pub(super) fn has_user_password(&self) -> bool {
        self.at(9) == b'1'
    }

    /// dwAddGuid: objectGUID may be given when an object is added.
    pub(super) fn takes_guids(&self) -> bool {
        self.at(11) == b'1'
    }

    /// The caps of the LDAP policies do not hold.
    pub(super) fn lifts_caps(&self) -> bool {
        self.is_set(18)
    }

    /// dwUniquenessCheck: bit 1 leaves userPrincipalName out, bit 2 servicePrincipalName.
    pub(super) fn checks_unique(&self, principal_name: bool) -> bool {
        let bits = self.at(21).wrapping_sub(b'0');
        bits & if principal_name { 1 } else { 2 } == 0
    }

    /// fHideDSID: `1` takes the place in the source out of what is said of names, more out of everything.
    pub(super) fn hide(&self, result: &mut LdapResult) {
        let hidden = match self.at(6) {
            b'0' => false,
            b'1' => result.code == ResultCode::NoSuchObject,
            _ => true,
        };
        let Some(at) = result.diagnostic.find("DSID-").filter(|_| hidden) else { return };
        let digits = at + 5..at + 13;
        if result.diagnostic.get(digits.clone()).is_some() {
            result.diagnostic.replace_range(digits, "00000000");
        }
    }
}

/// Whether a value can be one: every tenth character counts the tens, so that nobody is off by one.
pub(super) fn is_valid(value: &[u8]) -> bool {
    value.iter().skip(9).step_by(10).zip(b'1'..=b'9').all(|(given, expected)| *given == expected)
}

impl Forest {
    /// Puts into force what the directory service says on a domain controller.
    pub(super) fn read_heuristics(&mut self, dc: DcNumber) {
        let slot = self.directory_service.and_then(|service| self.slot(dc, service));
        let value = slot.and_then(|slot| slot.entry.record.first(known::DS_HEURISTICS));
        self.heuristics = Heuristics(value.map(<[u8]>::to_vec).unwrap_or_default());
        self.read_policies(dc);
    }

    /// The caller as the operations see it: nobody may be somebody.
    pub(super) fn admitted<'p>(&self, principal: &'p Principal) -> Cow<'p, Principal> {
        if !principal.is_anonymous() || !self.heuristics.admits_anonymous() {
            return Cow::Borrowed(principal);
        }
        let Some(sid) = Sid::from_text(ANONYMOUS) else { return Cow::Borrowed(principal) };
        let token = Token { user: sid.clone(), groups: Vec::new() };
        Cow::Owned(Principal { sid: Some(sid), rights: Rights::Acl(token), ..principal.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value with a wrong tenth character would be off by one at all that follows.
    #[test]
    fn every_tenth_character_counts() {
        for valid in ["", "0000002", "0000000001", "00000000010000000002", "000000000100000000021"]
        {
            assert!(is_valid(valid.as_bytes()), "{valid}");
        }
        for invalid in ["0000000000", "00000000010000000001"] {
            assert!(!is_valid(invalid.as_bytes()), "{invalid}");
        }
    }
}
