//! Who may be a member of which group ([MS-SAMR] 3.1.1.8.9, [MS-ADTS] 3.1.1.5.3.2).

use crate::directory::account::default_value;
use crate::directory::account_rules::{GLOBAL, LOCAL, SCOPES, UNIVERSAL};
use crate::directory::answer::LdapResult;
use crate::directory::diagnostic::{self, UpdateProblem};
use crate::directory::entry::{Entry, reference, referenced};
use crate::directory::forest::Forest;
use crate::directory::modify::{Working, Writer};
use crate::directory::name::Sid;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::class::Class;
use crate::directory::schema::known;
use crate::directory::schema::syntax::integer;
use crate::record::AttributeNumber;

/// ERROR_DS_GLOBAL_CANT_HAVE_LOCAL_MEMBER and those that follow it ([MS-ERREF] 2.2).
const GLOBAL_WITH_LOCAL: u32 = 0x2144;
const GLOBAL_WITH_UNIVERSAL: u32 = 0x2145;
const UNIVERSAL_WITH_LOCAL: u32 = 0x2146;
const GLOBAL_ACROSS_DOMAINS: u32 = 0x2147;
const LOCAL_ACROSS_DOMAINS: u32 = 0x2148;

/// ERROR_MEMBER_IN_ALIAS, as all that is a member already.
pub(super) const MEMBER_ALREADY: u32 = 0x0562;

/// The scope of a group; groups without a type are global.
fn scope(kind: Option<&[u8]>) -> i64 {
    kind.and_then(integer).map_or(GLOBAL, |kind| kind & SCOPES)
}

/// Why a group of one scope may not have a group of another one as a member.
fn refused(group: i64, member: i64, same_domain: bool) -> Option<u32> {
    match (group, member) {
        (GLOBAL, LOCAL) => Some(GLOBAL_WITH_LOCAL),
        (GLOBAL, UNIVERSAL) => Some(GLOBAL_WITH_UNIVERSAL),
        (UNIVERSAL, LOCAL) => Some(UNIVERSAL_WITH_LOCAL),
        (LOCAL, LOCAL) if !same_domain => Some(LOCAL_ACROSS_DOMAINS),
        _ => None,
    }
}

impl Forest {
    /// Checks who becomes a member of a group by a modification.
    ///
    /// # Errors
    /// 53 with the number of the rule for a group whose scope does not fit, or an account of another domain
    /// in a global group; 68/0562 for an account whose primary group it is: it is a member already.
    pub(super) fn check_members(
        &self,
        writer: &Writer<'_>,
        entry: &Entry,
        working: &mut [Working],
    ) -> Result<(), LdapResult> {
        let kind = working.iter().find(|at| at.attribute == known::GROUP_TYPE);
        let kind = kind.and_then(|at| at.new.first()).map(Vec::as_slice);
        let group = scope(kind.or_else(|| entry.record.first(known::GROUP_TYPE)));
        let rid = rid(entry.record.first(known::OBJECT_SID));
        let Some(members) = working.iter_mut().find(|at| at.attribute == known::MEMBER) else {
            return Ok(());
        };
        for (target, came) in members.link_changes() {
            if came && self.check_member(writer, (group, rid), target)? == Comes::Already {
                let value = reference(target);
                members.new.retain(|known| known.as_slice() != value.as_slice());
            }
        }
        Ok(())
    }

    /// As [`Self::check_members`], for a group that is added with members.
    pub(super) fn check_first_members(
        &self,
        writer: &Writer<'_>,
        class: &Class,
        values: &[(AttributeNumber, Vec<Vec<u8>>)],
    ) -> Result<(), LdapResult> {
        if !class.is_group {
            return Ok(());
        }
        let of = |number| values.iter().find(|(known, _)| *known == number).map(|(_, at)| at);
        let first = |number| of(number).and_then(|at| at.first()).map(Vec::as_slice);
        let group = (scope(first(known::GROUP_TYPE)), rid(first(known::OBJECT_SID)));
        let members = of(known::MEMBER).into_iter().flatten();
        for target in members.filter_map(|value| referenced(value)) {
            self.check_member(writer, group, target)?;
        }
        Ok(())
    }

    fn check_member(
        &self,
        writer: &Writer<'_>,
        (group, rid): (i64, Option<u32>),
        target: ObjectNumber,
    ) -> Result<Comes, LdapResult> {
        let Some(controller) = self.dc(writer.dc) else { return Ok(Comes::Anew) };
        let holder = self.holder(controller, target);
        let Some(slot) = holder.store.get(target) else { return Ok(Comes::Anew) };
        let Some(class) = self.schema.class(slot.entry.class) else { return Ok(Comes::Anew) };
        let same_domain = holder.domain == controller.domain;
        let record = &slot.entry.record;
        if class.is_group {
            let member = scope(record.first(known::GROUP_TYPE));
            if let Some(win32) = refused(group, member, same_domain) {
                return Err(diagnostic::unwilling(win32));
            }
        }
        if group == GLOBAL && !same_domain && (class.is_group || class.is_user) {
            return Err(diagnostic::unwilling(GLOBAL_ACROSS_DOMAINS));
        }
        let primary = record.first(known::PRIMARY_GROUP_ID);
        let primary = primary.or_else(|| default_value(class, known::PRIMARY_GROUP_ID));
        let primary = primary.and_then(integer).and_then(|rid| u32::try_from(rid).ok());
        if !class.is_user || !same_domain || rid.is_none() || primary != rid {
            return Ok(Comes::Anew);
        }
        if writer.permissive {
            return Ok(Comes::Already);
        }
        Err(diagnostic::update(UpdateProblem::EntryExists, MEMBER_ALREADY))
    }
}

/// Whether a member is one already, because the group is its primary one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comes {
    Anew,
    Already,
}

/// The relative identifier of a SID.
fn rid(sid: Option<&[u8]>) -> Option<u32> {
    sid.and_then(Sid::from_bytes).and_then(|sid| sid.rid())
}
