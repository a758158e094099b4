//! What holds of accounts and groups after a write, and what follows from it ([MS-SAMR] 3.1.1.6, 3.1.1.8).

use crate::directory::account::default_value;
use crate::directory::account_control::{
    self, DISABLED, LOCKOUT, NORMAL, PASSWORD_NOT_REQUIRED, SERVER, SMARTCARD_REQUIRED, WORKSTATION,
};
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
/// ERROR_DS_CANT_MOD_PRIMARYGROUPID: that of a domain controller stays.
const FIXED_PRIMARY_GROUP: u32 = 0x213A;
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
        self.settle_control(writer, object, entry, class, working)
    }

    /// What an account's new userAccountControl becomes, and what follows from it; what holds of its name and
    /// its primary group whether there is a new one or not.
    fn settle_control(
        &self,
        writer: &Writer<'_>,
        object: ObjectNumber,
        entry: &Entry,
        class: &Class,
        working: &mut Vec<Working>,
    ) -> Result<(), LdapResult> {
        let old = entry.record.first(known::USER_ACCOUNT_CONTROL).and_then(integer).unwrap_or(0);
        let given = new_number(working, known::USER_ACCOUNT_CONTROL);
        let control = given.map_or(old, |given| account_control::stored(given, NORMAL));
        let renamed = working.iter().find(|at| at.attribute == known::SAM_ACCOUNT_NAME);
        let name = renamed.and_then(|at| at.new.first()).map(Vec::as_slice);
        let machine = class.is_computer && control & (WORKSTATION | SERVER) != 0;
        account_control::check_machine_name(writer.principal, machine, name)?;
        let primary = new_number(working, known::PRIMARY_GROUP_ID);
        if let (Some(given), Some(fixed)) = (primary, account_control::fixed_group(control))
            && given != fixed
        {
            return Err(diagnostic::unwilling(FIXED_PRIMARY_GROUP));
        }
        let Some(given) = given else { return Ok(()) };
        account_control::check_shape(class, given)?;
        let changed = (control & !old, old & !control);
        self.check_control_bits(writer.dc, writer.principal, changed)?;
        let other_kind = account_control::is_other_kind(old, control);
        if other_kind {
            let name = name.or_else(|| entry.record.first(known::SAM_ACCOUNT_NAME));
            account_control::check_of_class(writer.principal, class, control, name)?;
        }
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
        let locked = entry.record.first(known::LOCKOUT_TIME).and_then(integer).unwrap_or(0) != 0;
        if given & LOCKOUT != 0 && locked {
            put(working, entry, class, known::LOCKOUT_TIME, "0");
        }
        if other_kind {
            let (kind, group, critical) = account_control::kind_of(control);
            put(working, entry, class, known::SAM_ACCOUNT_TYPE, kind);
            put(working, entry, class, known::PRIMARY_GROUP_ID, group);
            if let Some(critical) = critical {
                put(working, entry, class, known::IS_CRITICAL_SYSTEM_OBJECT, critical);
            }
        }
        Ok(())
    }

    /// Whether a modification makes an account one that logs on with a smart card alone: its password is one
    /// that nobody knows then ([MS-SAMR] 3.1.1.8.10).
    pub(super) fn takes_password_away(&self, entry: &Entry, working: &[Working]) -> bool {
        let old = entry.record.first(known::USER_ACCOUNT_CONTROL).and_then(integer).unwrap_or(0);
        let new = new_number(working, known::USER_ACCOUNT_CONTROL).unwrap_or(old);
        new & !old & SMARTCARD_REQUIRED != 0
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
        let given = first(known::USER_ACCOUNT_CONTROL).unwrap_or(NORMAL);
        account_control::check_shape(class, given)?;
        if given & WORKSTATION != 0 && !class.is_computer {
            return Err(diagnostic::update(UpdateProblem::ObjectClassViolation, CLASS_VIOLATION));
        }
        let own = if class.is_computer { WORKSTATION } else { NORMAL };
        let control = account_control::stored(given, own);
        let name = values.iter().find(|(known, _)| *known == known::SAM_ACCOUNT_NAME);
        let name = name.and_then(|(_, given)| given.first()).map(Vec::as_slice);
        self.check_control_bits(writer.dc, writer.principal, (control, 0))?;
        account_control::check_of_class(writer.principal, class, control, name)?;
        let (kind, group, critical) = account_control::kind_of(control);
        let asked = first(known::PRIMARY_GROUP_ID);
        if asked.is_some_and(|rid| rid.to_string() != group) {
            return Err(diagnostic::unwilling(NOT_A_MEMBER));
        }
        let control = control.to_string();
        let settled = [
            (known::USER_ACCOUNT_CONTROL, Some(control.as_str())),
            (known::SAM_ACCOUNT_TYPE, Some(kind)),
            (known::PRIMARY_GROUP_ID, Some(group)),
            (known::IS_CRITICAL_SYSTEM_OBJECT, critical),
        ];
        for (number, value) in settled {
            let Some(value) = value else { continue };
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

    /// Whether a group may be an account's primary one: it is one for access control, and the account is a
    /// member of it ([MS-SAMR] 3.1.1.8.2).
    fn may_be_primary(&self, writer: &Writer<'_>, object: ObjectNumber, rid: i64) -> bool {
        let Some(controller) = self.dc(writer.dc) else { return false };
        let Some(domain) = self.domain(controller.domain) else { return false };
        let Ok(rid) = u32::try_from(rid) else { return false };
        let Some(slot) = controller.store.get(object) else { return false };
        let default = self.schema.class(slot.entry.class);
        let default = default.and_then(|class| default_value(class, known::PRIMARY_GROUP_ID));
        let now = slot.entry.record.first(known::PRIMARY_GROUP_ID).or(default);
        if now.and_then(integer) == Some(i64::from(rid)) {
            return true;
        }
        let is_for_access = |group: &ObjectNumber| {
            let slot = controller.store.get(*group);
            let kind = slot.and_then(|slot| slot.entry.record.first(known::GROUP_TYPE));
            kind.and_then(integer).is_some_and(|kind| kind & SECURITY != 0)
        };
        let groups = self.by_sid(controller, &domain.sid.with_rid(rid));
        groups.into_iter().filter(is_for_access).any(|group| {
            let mut members = controller.store.linked_from(object, known::MEMBER);
            members.any(|of| of == group)
        })
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
