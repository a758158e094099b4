//! What takes a privilege rather than a right: letting accounts act in the name of others
//! ([MS-SAMR] 3.1.1.8.10, 3.1.1.8.12).

use crate::directory::answer::LdapResult;
use crate::directory::diagnostic;
use crate::directory::name::Sid;
use crate::directory::principal::{Principal, Rights};

/// The group that has SeEnableDelegationPrivilege on domain controllers.
const ADMINISTRATORS: &str = "S-1-5-32-544";

/// Whether a caller is an administrator of the domain.
pub(super) fn is_administrator(principal: &Principal) -> bool {
    match &principal.rights {
        Rights::Full => true,
        Rights::Acl(token) => {
            Sid::from_text(ADMINISTRATORS).is_some_and(|sid| token.groups.contains(&sid))
        }
        Rights::WriteAttributes(_) | Rights::ReadOnly | Rights::Anonymous => false,
    }
}

/// Whether a caller may say to which services accounts delegate: who has SeEnableDelegationPrivilege.
///
/// # Errors
/// 50 for everybody else.
pub(super) fn check_delegation(principal: &Principal) -> Result<(), LdapResult> {
    if is_administrator(principal) { Ok(()) } else { Err(diagnostic::access_denied()) }
}
