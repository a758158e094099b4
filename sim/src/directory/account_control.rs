//! userAccountControl: which bits an account can have, who may set them, and what follows from them
//! ([MS-ADTS] 2.2.16; [MS-SAMR] 2.2.1.13, 3.1.1.8.1, 3.1.1.8.10).

use crate::directory::account_privileges::{check_delegation, is_administrator};
use crate::directory::answer::{LdapResult, ResultCode};
use crate::directory::diagnostic::{self, ServiceProblem, UpdateProblem};
use crate::directory::entry::DcNumber;
use crate::directory::forest::Forest;
use crate::directory::principal::Principal;
use crate::directory::schema::class::Class;
use crate::directory::security::descriptor::CONTROL_ACCESS;

pub(super) const DISABLED: i64 = 0x2;
pub(super) const LOCKOUT: i64 = 0x10;
pub(super) const PASSWORD_NOT_REQUIRED: i64 = 0x20;
const REVERSIBLE_PASSWORD: i64 = 0x80;
const TEMPORARY_DUPLICATE: i64 = 0x100;
pub(super) const NORMAL: i64 = 0x200;
const INTERDOMAIN_TRUST: i64 = 0x800;
pub(super) const WORKSTATION: i64 = 0x1000;
pub(super) const SERVER: i64 = 0x2000;
const PASSWORD_NEVER_EXPIRES: i64 = 0x1_0000;
pub(super) const SMARTCARD_REQUIRED: i64 = 0x4_0000;
const DELEGATION: i64 = 0x8_0000;
const AUTHENTICATES_FOR_DELEGATION: i64 = 0x0100_0000;
/// A read-only domain controller.
pub(super) const PARTIAL_SECRETS: i64 = 0x0400_0000;

/// The bits that say which kind of account it is: one of them is set.
const KINDS: i64 = NORMAL | INTERDOMAIN_TRUST | WORKSTATION | SERVER;

/// The bits that are stored: the lockout and the expiry of a password are told by other attributes, and what
/// has no meaning does not stick.
const STORED: i64 = KINDS
    | DISABLED
    | PASSWORD_NOT_REQUIRED
    | REVERSIBLE_PASSWORD
    | PASSWORD_NEVER_EXPIRES
    | SMARTCARD_REQUIRED
    | DELEGATION
    | AUTHENTICATES_FOR_DELEGATION
    | PARTIAL_SECRETS
    // A home folder, a cluster's account, not delegated, DES keys, no pre-authentication, no authorization
    // data, AES keys.
    | 0x8
    | 0x2_0000
    | 0x10_0000
    | 0x20_0000
    | 0x40_0000
    | 0x0200_0000
    | 0x0800_0000;

/// Bits that take an extended right on the domain ([MS-SAMR] 3.1.1.8.10; [MS-ADTS] 5.1.3.2.1):
/// Update-Password-Not-Required-Bit, Unexpire-Password, Enable-Per-User-Reversibly-Encrypted-Password,
/// DS-Install-Replica. Authenticated users have the first three in a new domain.
const RIGHTS: [(i64, &str); 4] = [
    (PASSWORD_NOT_REQUIRED, "280f369c-67c7-438e-ae98-1d46f3c6f541"),
    (PASSWORD_NEVER_EXPIRES, "ccc2dc7d-a6ad-4a7a-8846-c04e3cc53501"),
    (REVERSIBLE_PASSWORD, "05c74c5e-4deb-43b4-bd9f-86664c2a7fd5"),
    (SERVER | PARTIAL_SECRETS, "9923a32a-3607-11d2-b9be-0000f87a36b2"),
];

/// ERROR_DS_OBJ_CLASS_VIOLATION and ERROR_INVALID_PARAMETER ([MS-ERREF] 2.2).
const CLASS_VIOLATION: u32 = 0x2014;
const INVALID_PARAMETER: u32 = 0x0057;
/// ERROR_INVALID_ACCOUNTNAME.
const INVALID_ACCOUNT_NAME: u32 = 0x0523;

/// The value that is stored of one that a client gives: an account without a kind is of this one.
pub(super) const fn stored(given: i64, otherwise: i64) -> i64 {
    let bits = given & STORED;
    if bits & KINDS == 0 { bits | otherwise } else { bits }
}

/// Whether two values are of different kinds of accounts.
pub(super) const fn is_other_kind(one: i64, other: i64) -> bool {
    (one ^ other) & (KINDS | PARTIAL_SECRETS) != 0
}

/// sAMAccountType of an account, its primary group, and whether the system cannot do without it; `None`
/// where the attribute is left as it is ([MS-SAMR] 3.1.1.8.1).
pub(super) const fn kind_of(control: i64) -> (&'static str, &'static str, Option<&'static str>) {
    const PERSON: &str = "805306368";
    const MACHINE: &str = "805306369";
    const TRUST: &str = "805306370";
    if control & SERVER != 0 {
        (MACHINE, "516", Some("TRUE"))
    } else if control & PARTIAL_SECRETS != 0 {
        (MACHINE, "521", Some("TRUE"))
    } else if control & WORKSTATION != 0 {
        (MACHINE, "515", Some("FALSE"))
    } else if control & INTERDOMAIN_TRUST != 0 {
        (TRUST, "513", Some("TRUE"))
    } else {
        (PERSON, "513", None)
    }
}

/// The primary group that a domain controller keeps, a read-only one too.
pub(super) const fn fixed_group(control: i64) -> Option<i64> {
    if control & SERVER != 0 {
        Some(516)
    } else if control & PARTIAL_SECRETS != 0 {
        Some(521)
    } else {
        None
    }
}

/// Refuses bits that no account has together, and a kind that accounts of the class cannot be.
///
/// # Errors
/// 50 for the account of a trust (65 on a computer), which only the making of a trust makes; 65/2014 for a
/// domain controller that is no computer; 80/0057 for everything else.
pub(super) fn check_shape(class: &Class, given: i64) -> Result<(), LdapResult> {
    let violation = || diagnostic::update(UpdateProblem::ObjectClassViolation, CLASS_VIOLATION);
    let impossible =
        || Err(diagnostic::service(ResultCode::Other, ServiceProblem::DirError, INVALID_PARAMETER));
    if given & INTERDOMAIN_TRUST != 0 {
        return Err(if class.is_computer { violation() } else { diagnostic::access_denied() });
    }
    if given & TEMPORARY_DUPLICATE != 0 {
        return impossible();
    }
    if given & PARTIAL_SECRETS != 0 {
        if given & WORKSTATION == 0 || given & (DELEGATION | SERVER) != 0 {
            return impossible();
        }
        if !class.is_computer {
            return Err(violation());
        }
    }
    if given & SERVER != 0 && !class.is_computer {
        return Err(violation());
    }
    if (given & KINDS).count_ones() > 1 { impossible() } else { Ok(()) }
}

/// Holds who is no administrator to accounts whose kind and name are those of their class: a computer is a
/// workstation or a server and its name ends in a dollar sign (Microsoft Learn, "KB5008102: Active Directory
/// Security Accounts Manager hardening changes").
///
/// # Errors
/// 65/2014 for the kind, 53/0523 for the name.
pub(super) fn check_of_class(
    principal: &Principal,
    class: &Class,
    control: i64,
    name: Option<&[u8]>,
) -> Result<(), LdapResult> {
    if is_administrator(principal) {
        return Ok(());
    }
    let machine = control & (WORKSTATION | SERVER) != 0;
    if machine != class.is_computer {
        return Err(diagnostic::update(UpdateProblem::ObjectClassViolation, CLASS_VIOLATION));
    }
    check_machine_name(principal, machine, name)
}

/// As [`check_of_class`], of a name alone.
///
/// # Errors
/// 53/0523.
pub(super) fn check_machine_name(
    principal: &Principal,
    machine: bool,
    name: Option<&[u8]>,
) -> Result<(), LdapResult> {
    let ends = name.is_none_or(|name| name.ends_with(b"$"));
    if is_administrator(principal) || !machine || ends {
        return Ok(());
    }
    Err(diagnostic::unwilling(INVALID_ACCOUNT_NAME))
}

impl Forest {
    /// Whether a caller may set and clear these bits.
    ///
    /// # Errors
    /// 50 without the right on the domain that a bit takes when it is set, or the privilege that delegation
    /// takes either way.
    pub(super) fn check_control_bits(
        &self,
        dc: DcNumber,
        principal: &Principal,
        (set, cleared): (i64, i64),
    ) -> Result<(), LdapResult> {
        for (bits, right) in RIGHTS {
            if set & bits != 0 && !self.may_in_domain(dc, principal, right) {
                return Err(diagnostic::access_denied());
            }
        }
        if (set | cleared) & (DELEGATION | AUTHENTICATES_FOR_DELEGATION) != 0 {
            return check_delegation(principal);
        }
        Ok(())
    }

    /// Whether a caller has an extended right on the domain.
    pub(super) fn may_in_domain(&self, dc: DcNumber, principal: &Principal, right: &str) -> bool {
        let Some(controller) = self.dc(dc) else { return false };
        let head = self.domain(controller.domain).map(|domain| domain.head);
        let objects = [right.parse().ok()];
        head.is_some_and(|head| self.may(controller, principal, head, CONTROL_ACCESS, &objects))
    }
}
