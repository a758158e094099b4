//! Binding: from a name and a password to a principal ([MS-ADTS] 5.1.1.1).
//!
//! # Divergence from Active Directory
//!
//! Of the forms that a name may have, these are tried: DN, user principal name (stored, then
//! `account@domain`), `DOMAIN\account`, `{objectGUID}`, SID. Display name, canonical name and service
//! principal names are not.

use crate::clock::VirtualTime;
use crate::directory::answer::LdapResult;
use crate::directory::diagnostic;
use crate::directory::entry::DcNumber;
use crate::directory::forest::Forest;
use crate::directory::name::Sid;
use crate::directory::principal::{Principal, Rights};
use crate::directory::request::{BindRequest, Name, ObjectNumber};
use crate::directory::schema::known;
use crate::directory::schema::syntax::integer;
use crate::guid::Guid;

/// An account that can bind.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its password.
    password: Vec<u8>,
    /// What it may do.
    rights: Rights,
}

/// The password stays out of every log.
impl core::fmt::Debug for Account {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Account").field("rights", &self.rights).finish_non_exhaustive()
    }
}

/// userAccountControl: the account is disabled.
const ACCOUNT_DISABLED: i64 = 0x2;

/// Seconds from 1601 to 1970: FILETIME counts from 1601 in units of 100 ns.
const FILETIME_EPOCH_SECONDS: i64 = 11_644_473_600;

impl Forest {
    /// Lets an object bind with a password, with these rights.
    pub fn set_account(&mut self, object: ObjectNumber, password: &[u8], rights: Rights) {
        self.accounts.insert(object, Account { password: password.to_vec(), rights });
    }

    /// Changes what an account may do; `false` when the object cannot bind.
    pub fn set_rights(&mut self, object: ObjectNumber, rights: Rights) -> bool {
        self.accounts.get_mut(&object).map(|account| account.rights = rights).is_some()
    }

    /// Who an account is, without a password: for callers in process that act as it.
    #[must_use]
    pub fn principal_of(&self, dc: DcNumber, object: ObjectNumber) -> Option<Principal> {
        let rights = self.accounts.get(&object)?.rights.clone();
        let controller = self.dc(dc)?;
        let slot = controller.store.get(object)?;
        let domain = self.domain(controller.domain)?;
        let account = slot.entry.record.text(known::SAM_ACCOUNT_NAME);
        let account = account.unwrap_or_else(|| slot.entry.rdn_value());
        let sid = slot.entry.record.first(known::OBJECT_SID).and_then(Sid::from_bytes);
        Some(Principal { name: format!("{}\\{account}", domain.netbios), sid, rights })
    }

    /// A simple bind. Without a name, or without a password, it is anonymous.
    ///
    /// # Errors
    /// 49 with the reason as a data code: 525 no such user, 52e wrong password, 533 disabled, 701
    /// expired, 775 locked out, 773 must change the password.
    pub fn bind(
        &self,
        dc: DcNumber,
        now: VirtualTime,
        request: &BindRequest,
    ) -> Result<Principal, LdapResult> {
        if request.name.is_empty() || request.password.is_empty() {
            return Ok(Principal::anonymous());
        }
        let object =
            self.bind_name(dc, &request.name).ok_or_else(|| diagnostic::logon_failure(0x525))?;
        let account = self.accounts.get(&object).ok_or_else(|| diagnostic::logon_failure(0x52e))?;
        if account.password != request.password {
            return Err(diagnostic::logon_failure(0x52e));
        }
        if let Some(data) = self.refused(dc, object, now) {
            return Err(diagnostic::logon_failure(data));
        }
        self.principal_of(dc, object).ok_or_else(|| diagnostic::logon_failure(0x525))
    }

    /// The object behind a bind name; the first rule with exactly one hit wins.
    fn bind_name(&self, dc: DcNumber, name: &str) -> Option<ObjectNumber> {
        let store = &self.dc(dc)?.store;
        let single = |attribute, value: &str| {
            let found = store.with_value(&self.schema, attribute, value.as_bytes())?;
            if let [one] = found.as_slice() { Some(*one) } else { None }
        };
        if name.contains('=') {
            return self.resolve(dc, &Name::from_text(name)).ok();
        }
        if let Some(found) = single(known::USER_PRINCIPAL_NAME, name) {
            return Some(found);
        }
        let here = self.domain(self.dc(dc)?.domain)?;
        if let Some((account, domain)) = name.rsplit_once('@') {
            let matches = domain.eq_ignore_ascii_case(&here.dns);
            return matches.then(|| single(known::SAM_ACCOUNT_NAME, account))?;
        }
        if let Some((domain, account)) = name.split_once('\\') {
            let matches = domain.eq_ignore_ascii_case(&here.netbios)
                || domain.eq_ignore_ascii_case(&here.dns);
            return matches.then(|| single(known::SAM_ACCOUNT_NAME, account))?;
        }
        if let Some(inner) = name.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            return store.by_guid(inner.parse::<Guid>().ok()?);
        }
        self.resolve(dc, &Name::Sid(Sid::from_text(name)?)).ok()
    }

    /// Why an account with the right password may not log on.
    fn refused(&self, dc: DcNumber, object: ObjectNumber, now: VirtualTime) -> Option<u32> {
        let record = &self.object(dc, object)?.entry.record;
        let number = |attribute| record.first(attribute).and_then(integer).unwrap_or_default();
        if number(known::USER_ACCOUNT_CONTROL) & ACCOUNT_DISABLED != 0 {
            return Some(0x533);
        }
        if number(known::LOCKOUT_TIME) > 0 {
            return Some(0x775);
        }
        let expires = number(known::ACCOUNT_EXPIRES);
        let now = (now.as_micros() / 1_000_000 + FILETIME_EPOCH_SECONDS).saturating_mul(10_000_000);
        if expires != 0 && expires != i64::MAX && expires <= now {
            return Some(0x701);
        }
        if record.first(known::PWD_LAST_SET).and_then(integer) == Some(0) {
            return Some(0x773);
        }
        None
    }
}
