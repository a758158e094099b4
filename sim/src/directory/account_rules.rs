//! What holds of accounts and groups after a write, and what follows from it ([MS-SAMR] 3.1.1.6, 3.1.1.8).

use crate::directory::account::default_value;
use crate::directory::account_privileges::check_delegation;
use crate::directory::add::account_type_of_group;
use crate::directory::answer::LdapResult;
use crate::directory::diagnostic::{self, UpdateProblem};
use crate::directory::entry::{Entry, Life};
use crate::directory::forest::{DomainController, Forest};
use crate::directory::modify::{Working, Writer};
use crate::directory::name::Sid;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::class::Class;
use crate::directory::schema::known;
use crate::directory::schema::syntax::integer;
use crate::record::AttributeNumber;

/// Bits of userAccountControl ([MS-ADTS] 2.2.16).
const DISABLED: i64 = 0x2;
const LOCKOUT: i64 = 0x10;
const PASSWORD_NOT_REQUIRED: i64 = 0x20;
const NORMAL: i64 = 0x200;
const INTERDOMAIN_TRUST: i64 = 0x800;
const WORKSTATION: i64 = 0x1000;
const SERVER: i64 = 0x2000;
const PASSWORD_EXPIRED: i64 = 0x80_0000;
const KINDS: i64 = NORMAL | INTERDOMAIN_TRUST | WORKSTATION | SERVER;

/// Bits of groupType ([MS-ADTS] 2.2.12).
pub(super) const GLOBAL: i64 = 0x2;
pub(super) const LOCAL: i64 = 0x4;
pub(super) const UNIVERSAL: i64 = 0x8;
pub(super) const SCOPES: i64 = GLOBAL | LOCAL | UNIVERSAL;
const APPLICATION: i64 = 0x30;
const SECURITY: i64 = 0x8000_0000;

/// ERROR_DS_INVALID_GROUP_TYPE, ERROR_MEMBER_NOT_IN_GROUP, ERROR_PASSWORD_RESTRICTION,
/// ERROR_INVALID_PARAMETER ([MS-ERREF] 2.2).
const INVALID_GROUP_TYPE: u32 = 0x2141;
const NOT_A_MEMBER: u32 = 0x0561;
const PASSWORD_RESTRICTION: u32 = 0x052D;
const INVALID_PARAMETER: u32 = 0x0057;

/// ERROR_MEMBERS_PRIMARY_GROUP: the group is still somebody's primary one.
const MEMBERS_PRIMARY_GROUP: u32 = 0x055E;
/// ERROR_DS_OBJ_CLASS_VIOLATION: a constraint of the object's class does not hold.
const CLASS_VIOLATION: u32 = 0x2014;

/// What the security accounts manager never lets an account be without ([MS-SAMR] 3.1.1.6).
const KEPT: [AttributeNumber; 6] = [
    known::USER_ACCOUNT_CONTROL,
    known::PRIMARY_GROUP_ID,
    known::PWD_LAST_SET,
    known::ACCOUNT_EXPIRES,
    known::CODE_PAGE,
    known::COUNTRY_CODE,
];

/// Refuses a modification that leaves an account without a value that every account has.
///
/// # Errors
/// 53/0057.
pub(super) fn check_kept(class: Option<&Class>, changed: &Working) -> Result<(), LdapResult> {
    let is_account = class.is_some_and(|class| class.is_user);
    if is_account && changed.new.is_empty() && KEPT.contains(&changed.attribute) {
        return Err(diagnostic::unwilling(INVALID_PARAMETER));
    }
    Ok(())
}

/// The kind of an account (sAMAccountType) and its primary group, by its userAccountControl.
const fn kind_and_group(control: i64) -> (&'static str, &'static str) {
    let machine = control & (WORKSTATION | SERVER) != 0;
    let kind = if machine { "805306369" } else { "805306368" };
    let group = match control & KINDS {
        WORKSTATION => "515",
        SERVER => "516",
        _ => "513",
    };
    (kind, group)
}

/// Whether a groupType has one scope, and nothing that only the system gives.
pub(super) fn is_group_type(kind: i64) -> bool {
    let bits = kind & 0xffff_ffff;
    bits & !(SCOPES | APPLICATION | SECURITY) == 0 && (bits & SCOPES).count_ones() == 1
}

/// The last value of an attribute in the course of a modification, as a number.
fn new_number(working: &[Working], attribute: AttributeNumber) -> Option<i64> {
    let changed = working.iter().find(|at| at.attribute == attribute)?;
    changed.new.first().and_then(|value| integer(value))
}

/// Sets an attribute that follows from others.
fn put(
    working: &mut Vec<Working>,
    entry: &Entry,
    class: &Class,
    number: AttributeNumber,
    value: &str,
) {
    let old: Vec<Vec<u8>> = entry.record.values(number).map(<[u8]>::to_vec).collect();
    let is_default = default_value(class, number) == Some(value.as_bytes());
    let new = if is_default { Vec::new() } else { vec![value.as_bytes().to_vec()] };
    match working.iter_mut().find(|at| at.attribute == number) {
        Some(known) => known.new = new,
        None if old != new => working.push(Working { attribute: number, old, new }),
        None => {}
    }
}

impl Forest {
    /// Checks and completes what a modification makes of an account or a group.
    ///
    /// # Errors
    /// 53/2141 for a type that no group has, or that this one cannot change to; 53/0561 for a primary
    /// group without membership; 53/052D for an account that is enabled without a password; 53/0057 for
    /// a lockout by hand; 50 for a SID that is added to sIDHistory and for what takes a privilege;
    /// 65 for a domain controller that is no computer; what [`Self::check_members`] refuses.
    pub(super) fn settle_account(
        &self,
        writer: &Writer<'_>,
        object: ObjectNumber,
        entry: &Entry,
        working: &mut Vec<Working>,
    ) -> Result<(), LdapResult> {
        let Some(class) = self.schema.class(entry.class) else { return Ok(()) };
        if class.is_group {
            settle_group(entry, class, working)?;
            return self.check_members(writer, entry, working);
        }
        if !class.is_user {
            return Ok(());
        }
        if let Some(history) = working.iter().find(|at| at.attribute == known::SID_HISTORY)
            && history.new.iter().any(|sid| !history.old.contains(sid))
        {
            // Only DsAddSidHistory adds to it.
            return Err(diagnostic::access_denied());
        }
        if working.iter().any(|at| at.attribute == known::MS_DS_ALLOWED_TO_DELEGATE_TO) {
            check_delegation(writer.principal)?;
        }
        if new_number(working, known::LOCKOUT_TIME).is_some_and(|time| time != 0) {
            return Err(diagnostic::unwilling(INVALID_PARAMETER));
        }
        if let Some(rid) = new_number(working, known::PRIMARY_GROUP_ID)
            && !self.may_be_primary(writer, object, rid)
        {
            return Err(diagnostic::unwilling(NOT_A_MEMBER));
        }
        let Some(given) = new_number(working, known::USER_ACCOUNT_CONTROL) else { return Ok(()) };
        let old = entry.record.first(known::USER_ACCOUNT_CONTROL).and_then(integer).unwrap_or(0);
        let mut control = given & !(LOCKOUT | PASSWORD_EXPIRED);
        if control & KINDS == 0 {
            control |= if class.is_computer { WORKSTATION } else { NORMAL };
        }
        if control & SERVER != 0 && !class.is_computer {
            return Err(diagnostic::update(UpdateProblem::ObjectClassViolation, CLASS_VIOLATION));
        }
        self.check_control_bits(writer.dc, writer.principal, control & !old)?;
        let has_password = self.accounts.contains_key(&object)
            || entry.record.has(known::UNICODE_PWD)
            || working.iter().any(|at| at.attribute == known::UNICODE_PWD);
        let wants_one = old & PASSWORD_NOT_REQUIRED != 0
            && control & (PASSWORD_NOT_REQUIRED | DISABLED) == 0
            && control & NORMAL != 0;
        if wants_one && !has_password {
            return Err(diagnostic::unwilling(PASSWORD_RESTRICTION));
        }
        put(working, entry, class, known::USER_ACCOUNT_CONTROL, &control.to_string());
        if control & KINDS != old & KINDS {
            let (kind, group) = kind_and_group(control);
            put(working, entry, class, known::SAM_ACCOUNT_TYPE, kind);
            put(working, entry, class, known::PRIMARY_GROUP_ID, group);
        }
        Ok(())
    }

    /// Checks and completes what an add makes of an account.
    ///
    /// # Errors
    /// 53/0561 for another primary group than new accounts have: they are members of no other; 50 for
    /// sIDHistory, which only DsAddSidHistory writes, and for what takes a privilege; 65 for a domain
    /// controller that is no computer.
    pub(super) fn settle_new_account(
        &self,
        writer: &Writer<'_>,
        class: &Class,
        values: &mut Vec<(AttributeNumber, Vec<Vec<u8>>)>,
    ) -> Result<(), LdapResult> {
        if !class.is_user {
            return Ok(());
        }
        let has = |number| values.iter().any(|(known, _)| *known == number);
        if has(known::SID_HISTORY) {
            return Err(diagnostic::access_denied());
        }
        if has(known::MS_DS_ALLOWED_TO_DELEGATE_TO) {
            check_delegation(writer.principal)?;
        }
        let first = |number| {
            let found = values.iter().find(|(known, _)| *known == number);
            found.and_then(|(_, given)| given.first()).and_then(|value| integer(value))
        };
        let control = first(known::USER_ACCOUNT_CONTROL).unwrap_or(NORMAL);
        if control & SERVER != 0 && !class.is_computer {
            return Err(diagnostic::update(UpdateProblem::ObjectClassViolation, CLASS_VIOLATION));
        }
        self.check_control_bits(writer.dc, writer.principal, control)?;
        let (kind, group) = match control & KINDS {
            0 => {
                let own = if class.is_computer { WORKSTATION } else { NORMAL };
                kind_and_group(own)
            }
            _ => kind_and_group(control),
        };
        let asked = first(known::PRIMARY_GROUP_ID);
        if asked.is_some_and(|rid| rid.to_string() != group) {
            return Err(diagnostic::unwilling(NOT_A_MEMBER));
        }
        for (number, value) in [(known::SAM_ACCOUNT_TYPE, kind), (known::PRIMARY_GROUP_ID, group)] {
            values.retain(|(known, _)| *known != number);
            values.push((number, vec![value.as_bytes().to_vec()]));
        }
        Ok(())
    }

    /// A group that is somebody's primary one stays.
    ///
    /// # Errors
    /// 68/055E.
    pub(super) fn check_nobodys_primary(
        &self,
        controller: &DomainController,
        entry: &Entry,
    ) -> Result<(), LdapResult> {
        if !self.schema.class(entry.class).is_some_and(|class| class.is_group) {
            return Ok(());
        }
        let sid = entry.record.first(known::OBJECT_SID).and_then(Sid::from_bytes);
        let Some(rid) = sid.and_then(|sid| sid.rid()) else { return Ok(()) };
        let rid = rid.to_string();
        let is_primary = controller.store.iter_after(None).any(|(_, slot)| {
            slot.entry.life == Life::Live
                && slot.entry.record.first(known::PRIMARY_GROUP_ID) == Some(rid.as_bytes())
        });
        if is_primary {
            return Err(diagnostic::update(UpdateProblem::EntryExists, MEMBERS_PRIMARY_GROUP));
        }
        Ok(())
    }

    /// Whether a group may be an account's primary one: the account is a member of it
    /// ([MS-SAMR] 3.1.1.8.2).
    fn may_be_primary(&self, writer: &Writer<'_>, object: ObjectNumber, rid: i64) -> bool {
        let Some(controller) = self.dc(writer.dc) else { return false };
        let Some(domain) = self.domain(controller.domain) else { return false };
        let Ok(rid) = u32::try_from(rid) else { return false };
        let slot = controller.store.get(object);
        let now = slot.and_then(|slot| slot.entry.record.first(known::PRIMARY_GROUP_ID));
        if now.and_then(integer) == Some(i64::from(rid)) {
            return true;
        }
        let groups = self.by_sid(controller, &domain.sid.with_rid(rid));
        groups.into_iter().any(|group| {
            let mut members = controller.store.linked_from(object, known::MEMBER);
            members.any(|of| of == group)
        }) || (now.is_none() && matches!(rid, 513 | 515))
    }
}

/// A group's type has to be one, and its scope can change by way of universal only
/// ([MS-SAMR] 3.1.1.8.4); sAMAccountType follows.
fn settle_group(
    entry: &Entry,
    class: &Class,
    working: &mut Vec<Working>,
) -> Result<(), LdapResult> {
    let Some(kind) = new_number(working, known::GROUP_TYPE) else { return Ok(()) };
    let old = entry.record.first(known::GROUP_TYPE).and_then(integer).unwrap_or(kind);
    let across = matches!((old & SCOPES, kind & SCOPES), (GLOBAL, LOCAL) | (LOCAL, GLOBAL));
    if !is_group_type(kind) || across {
        return Err(diagnostic::unwilling(INVALID_GROUP_TYPE));
    }
    put(working, entry, class, known::SAM_ACCOUNT_TYPE, account_type_of_group(kind));
    Ok(())
}
