//! Values of accounts that take more than the right to write the attribute: whoever may write accounts in
//! one unit must not make a domain controller of one, or let one act in the name of others
//! ([MS-SAMR] 3.1.1.8.10, 3.1.1.8.12).

use crate::directory::answer::LdapResult;
use crate::directory::diagnostic;
use crate::directory::entry::DcNumber;
use crate::directory::forest::Forest;
use crate::directory::name::Sid;
use crate::directory::principal::{Principal, Rights};
use crate::directory::security::descriptor::CONTROL_ACCESS;

/// userAccountControl: a domain controller, and a read-only one ([MS-ADTS] 2.2.16).
const SERVER: i64 = 0x2000;
const PARTIAL_SECRETS: i64 = 0x0400_0000;
/// userAccountControl: trusted for delegation, and to authenticate for it.
const DELEGATION: i64 = 0x8_0000;
const AUTHENTICATES_FOR_DELEGATION: i64 = 0x0100_0000;

/// The extended right to add a domain controller, DS-Install-Replica ([MS-ADTS] 5.1.3.2.1).
const INSTALL_REPLICA: &str = "9923a32a-3607-11d2-b9be-0000f87a36b2";
/// The group that has SeEnableDelegationPrivilege on domain controllers.
const ADMINISTRATORS: &str = "S-1-5-32-544";

impl Forest {
    /// Whether a caller may set these bits of userAccountControl, which were not set before.
    ///
    /// # Errors
    /// 50 without the right on the domain for domain controllers, or the privilege for delegation.
    pub(super) fn check_control_bits(
        &self,
        dc: DcNumber,
        principal: &Principal,
        set: i64,
    ) -> Result<(), LdapResult> {
        if set & (SERVER | PARTIAL_SECRETS) != 0 {
            let controller = self.dc(dc).ok_or_else(diagnostic::access_denied)?;
            let head = self.domain(controller.domain).map(|domain| domain.head);
            let objects = [INSTALL_REPLICA.parse().ok()];
            let may = head.is_some_and(|head| {
                self.may(controller, principal, head, CONTROL_ACCESS, &objects)
            });
            if !may {
                return Err(diagnostic::access_denied());
            }
        }
        if set & (DELEGATION | AUTHENTICATES_FOR_DELEGATION) != 0 {
            return check_delegation(principal);
        }
        Ok(())
    }
}

/// Whether a caller may say to which services accounts delegate: who has SeEnableDelegationPrivilege.
///
/// # Errors
/// 50 for everybody else.
pub(super) fn check_delegation(principal: &Principal) -> Result<(), LdapResult> {
    let may = match &principal.rights {
        Rights::Full => true,
        Rights::Acl(token) => {
            Sid::from_text(ADMINISTRATORS).is_some_and(|sid| token.groups.contains(&sid))
        }
        Rights::WriteAttributes(_) | Rights::ReadOnly | Rights::Anonymous => false,
    };
    if may { Ok(()) } else { Err(diagnostic::access_denied()) }
}
