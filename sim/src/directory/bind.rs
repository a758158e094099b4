//! Binding: from a name and a password to a principal ([MS-ADTS] 5.1.1.1).
//!
//! # Divergence from Active Directory
//!
//! Of the forms that a name may have, service principal names that sPNMappings derive are not tried.

use crate::clock::VirtualTime;
use crate::directory::account::file_time;
use crate::directory::answer::{LdapResult, ResultCode};
use crate::directory::diagnostic;
use crate::directory::entry::{DcNumber, Life};
use crate::directory::forest::{DomainController, Forest};
use crate::directory::name::Sid;
use crate::directory::principal::{Principal, Rights};
use crate::directory::request::{BindRequest, Name, ObjectNumber};
use crate::directory::schema::known;
use crate::directory::schema::syntax::integer;
use crate::directory::security::access::Token;
use crate::guid::Guid;

/// An account that can bind.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its password.
    pub(super) password: Vec<u8>,
    /// Passwords that it had before, the last one first.
    pub(super) earlier: Vec<Vec<u8>>,
    /// What it may do, whatever the access control lists say; `None`: what they say.
    pub(super) rights: Option<Rights>,
}

/// The password stays out of every log.
impl core::fmt::Debug for Account {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Account").field("rights", &self.rights).finish_non_exhaustive()
    }
}

/// userAccountControl: the account is disabled.
const ACCOUNT_DISABLED: i64 = 0x2;

/// userAccountControl: maxPwdAge does not count.
const PASSWORD_NEVER_EXPIRES: i64 = 0x1_0000;

impl Forest {
    /// Lets an object bind with a password, with these rights.
    pub fn set_account(&mut self, object: ObjectNumber, password: &[u8], rights: Rights) {
        let (password, rights) = (password.to_vec(), Some(rights));
        self.accounts.insert(object, Account { password, earlier: Vec::new(), rights });
    }

    /// Changes what an account may do; `false` when the object cannot bind.
    pub fn set_rights(&mut self, object: ObjectNumber, rights: Rights) -> bool {
        self.accounts.get_mut(&object).map(|account| account.rights = Some(rights)).is_some()
    }

    /// Who an account is, without a password: for callers in process that act as it. An account of
    /// another domain is looked at there.
    #[must_use]
    pub fn principal_of(&self, dc: DcNumber, object: ObjectNumber) -> Option<Principal> {
        let asked = self.dc(dc)?;
        let controller = self.holder(asked, object);
        let slot = self.object(controller.number, object)?;
        let domain = self.domain(controller.domain)?;
        let account = slot.entry.record.text(known::SAM_ACCOUNT_NAME);
        let account = account.unwrap_or_else(|| slot.entry.rdn_value());
        let sid = slot.entry.record.first(known::OBJECT_SID).and_then(Sid::from_bytes);
        let name = format!("{}\\{account}", domain.netbios);
        let rights = match &self.accounts.get(&object)?.rights {
            Some(rights) => rights.clone(),
            None => self.rights_by_groups(asked, object, sid.as_ref()?),
        };
        Some(Principal { name, sid, rights, secure: false })
    }

    /// What an account may do as a member of its groups: administrators everything, others what the
    /// access control lists give them.
    fn rights_by_groups(
        &self,
        controller: &DomainController,
        object: ObjectNumber,
        sid: &Sid,
    ) -> Rights {
        let groups = self.group_sids(controller, object, true);
        let domain = self.domain(controller.domain).map(|domain| domain.sid.with_rid(512));
        let forest = self.domains.first().map(|domain| domain.sid.with_rid(519));
        let mut administrators =
            domain.into_iter().chain(forest).chain(Sid::from_text("S-1-5-32-544"));
        let is_administrator = administrators.any(|group| groups.contains(&group));
        if is_administrator { Rights::Full } else { Rights::Acl(Token::new(sid.clone(), groups)) }
    }

    /// A simple bind. Without a name, or without a password, it is anonymous.
    ///
    /// # Errors
    /// 49 with the reason as a data code: 525 no such user, 52e wrong password, 530 and 531 outside
    /// of the logon hours and workstations, 532 the password has expired, 533 disabled, 701 expired, 775
    /// locked out, 773 must change the password.
    pub fn bind(
        &self,
        dc: DcNumber,
        now: VirtualTime,
        request: &BindRequest,
    ) -> Result<Principal, LdapResult> {
        if request.password.is_empty() {
            return Ok(Principal::anonymous());
        }
        if request.name.is_empty() {
            return Err(diagnostic::logon_failure(0x52e));
        }
        let (home, object) = self.bind_name_in_forest(dc, &request.name)?;
        let account = self.accounts.get(&object).ok_or_else(|| diagnostic::logon_failure(0x52e))?;
        if account.password != request.password {
            return Err(diagnostic::logon_failure(0x52e));
        }
        if let Some(data) = self.refused(home, object, now) {
            return Err(diagnostic::logon_failure(data));
        }
        self.principal_of(dc, object).ok_or_else(|| diagnostic::logon_failure(0x525))
    }

    /// The object behind a bind name, and a domain controller of its domain: of the asked one's own, or,
    /// where that has nobody of the name, of another domain of the forest, which all trust each other
    /// ([MS-ADTS] 5.1.1.1, pass-through authentication in [MS-APDS]).
    pub(super) fn bind_name_in_forest(
        &self,
        dc: DcNumber,
        name: &str,
    ) -> Result<(DcNumber, ObjectNumber), LdapResult> {
        let own = match self.bind_name(dc, name) {
            Ok(object) => return Ok((dc, object)),
            Err(refusal) => refusal,
        };
        // Names without a domain in them mean accounts of the asked one's own.
        let names_domain = name.contains(['=', '@', '\\', '/', '{']) || name.starts_with("S-1-");
        let mut others = self.holders(dc).skip(1).map(|other| other.number);
        let found = others.find_map(|other| Some((other, self.bind_name(other, name).ok()?)));
        found.filter(|_| names_domain).ok_or(own)
    }

    /// The object behind a bind name; the first rule with exactly one hit wins.
    pub(super) fn bind_name(&self, dc: DcNumber, name: &str) -> Result<ObjectNumber, LdapResult> {
        // A name of a form that is understood, and nobody has it.
        let nobody = || diagnostic::logon_failure(0x525);
        let unresolved = || diagnostic::logon_failure(0x52e);
        let controller = self.dc(dc).ok_or_else(nobody)?;
        let here = self.domain(controller.domain).ok_or_else(nobody)?;
        let single = |attribute, value: &str| {
            let found = self.live_with_value(controller, attribute, value.as_bytes());
            if let [one] = found.as_slice() { Some(*one) } else { None }
        };
        let account = |account: &str| single(known::SAM_ACCOUNT_NAME, account).ok_or_else(nobody);
        if name.contains('=') {
            return self.resolve(dc, &Name::from_text(name)).map_err(|refusal| {
                if refusal.code == ResultCode::NoSuchObject { nobody() } else { unresolved() }
            });
        }
        if let Some(found) = single(known::USER_PRINCIPAL_NAME, name) {
            return Ok(found);
        }
        if let Some((before, domain)) = name.rsplit_once('@') {
            let matches = domain.eq_ignore_ascii_case(&here.dns)
                || domain.eq_ignore_ascii_case(&here.netbios);
            return if matches { account(before) } else { Err(nobody()) };
        }
        if let Some((domain, after)) = name.split_once('\\') {
            let matches = domain.eq_ignore_ascii_case(&here.netbios)
                || domain.eq_ignore_ascii_case(&here.dns);
            return if matches { account(after) } else { Err(nobody()) };
        }
        if let Some(inner) = name.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let guid = inner.parse::<Guid>().map_err(|_| unresolved())?;
            return self.resolve(dc, &Name::Guid(guid)).map_err(|_| nobody());
        }
        if let Some(sid) = Sid::from_text(name) {
            let bytes = sid.as_bytes().to_vec();
            return self.resolve(dc, &Name::Sid(sid)).or_else(|_| {
                // The SID that an account had where it came from.
                let mut formerly = controller.store.iter_after(None).filter(|(_, slot)| {
                    let live = slot.entry.life == Life::Live;
                    live && slot.entry.record.values(known::SID_HISTORY).any(|sid| sid == bytes)
                });
                formerly.next().map(|(object, _)| object).ok_or_else(nobody)
            });
        }
        if name.contains('/') {
            // The last part of a canonical name may have a line of its own.
            let canonical = name.replace('\n', "/");
            let found = self.by_canonical_name(dc, &canonical);
            let found = found.or_else(|| single(known::SERVICE_PRINCIPAL_NAME, name));
            return found.ok_or_else(unresolved);
        }
        self.by_display_name(controller, name).ok_or_else(unresolved)
    }

    /// `contoso.com/People/Anna`: the parts below the domain, one after the other.
    fn by_canonical_name(&self, dc: DcNumber, name: &str) -> Option<ObjectNumber> {
        let controller = self.dc(dc)?;
        let mut parts = name.split('/');
        let dns = parts.next()?;
        let domain = self.domains.iter().find(|domain| domain.dns.eq_ignore_ascii_case(dns))?;
        let found = parts.try_fold(domain.head, |at, part| controller.store.child(at, part))?;
        self.object(dc, found).map(|_| found)
    }

    /// The only account with this display name. It has no index, so it is the last thing tried.
    fn by_display_name(&self, controller: &DomainController, name: &str) -> Option<ObjectNumber> {
        let mut found =
            controller.store.iter_after(None).filter(|(_, slot)| {
                slot.entry.life == Life::Live
                    && slot.entry.record.first(known::DISPLAY_NAME).is_some_and(|display| {
                        crate::directory::fold::same(display, name.as_bytes())
                    })
            });
        let (object, _) = found.next()?;
        found.next().is_none().then_some(object)
    }

    /// Why an account with the right password may not log on.
    fn refused(&self, dc: DcNumber, object: ObjectNumber, now: VirtualTime) -> Option<u32> {
        let record = &self.object(dc, object)?.entry.record;
        let number = |attribute| record.first(attribute).and_then(integer).unwrap_or_default();
        if number(known::USER_ACCOUNT_CONTROL) & ACCOUNT_DISABLED != 0 {
            return Some(0x533);
        }
        let locked = number(known::LOCKOUT_TIME);
        let lasts = self.domain_policy(dc, known::LOCKOUT_DURATION).saturating_abs();
        if locked > 0 && (lasts == 0 || locked.saturating_add(lasts) > file_time(now)) {
            return Some(0x775);
        }
        let expires = number(known::ACCOUNT_EXPIRES);
        if expires != 0 && expires != i64::MAX && expires <= file_time(now) {
            return Some(0x701);
        }
        if record.first(known::PWD_LAST_SET).and_then(integer) == Some(0) {
            return Some(0x773);
        }
        let oldest = self.domain_policy(dc, known::MAX_PWD_AGE);
        let set = number(known::PWD_LAST_SET);
        let never = number(known::USER_ACCOUNT_CONTROL) & PASSWORD_NEVER_EXPIRES != 0;
        // "Never" is the least number there is.
        if !never && set > 0 && oldest < 0 && oldest > i64::MIN {
            let expires = set.saturating_add(oldest.saturating_abs());
            if expires <= file_time(now) {
                return Some(0x532);
            }
        }
        if record.first(known::LOGON_HOURS).is_some_and(|hours| !is_within(hours, now)) {
            return Some(0x530);
        }
        if record.has(known::USER_WORKSTATIONS) {
            // A client of LDAP is none of the workstations that the list names.
            return Some(0x531);
        }
        None
    }
}

/// Whether an instant lies in logonHours: one bit for each hour of the week in UTC, Sunday first.
fn is_within(hours: &[u8], now: VirtualTime) -> bool {
    // 1 January 1970 was a Thursday.
    let hour = (now.as_micros().div_euclid(3_600_000_000) + 4 * 24).rem_euclid(7 * 24);
    let hour = usize::try_from(hour).unwrap_or_default();
    hours.get(hour / 8).is_none_or(|byte| byte >> (hour % 8) & 1 == 1)
}
