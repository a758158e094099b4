//! Which attributes of an object clients may write at all: who owns them, what its class allows
//! ([MS-ADTS] 3.1.1.5.3.2, [MS-SAMR] 3.1.1.8).

use crate::directory::answer::LdapResult;
use crate::directory::derived::DERIVED;
use crate::directory::diagnostic::{self, AttributeProblem, UpdateProblem};
use crate::directory::entry::Entry;
use crate::directory::request::{Change, ChangeOperation};
use crate::directory::schema::class::Class;
use crate::directory::schema::{Attribute, Schema, known};
use crate::record::AttributeNumber;

/// What the rules need to know of the object.
pub(super) struct Target<'s> {
    pub(super) class: Option<&'s Class>,
    pub(super) rdn_attribute: AttributeNumber,
    pub(super) is_user: bool,
    pub(super) is_group: bool,
    /// A user, a computer or a group: the security accounts manager watches over it.
    pub(super) is_principal: bool,
}

impl<'s> Target<'s> {
    pub(super) fn of(schema: &'s Schema, entry: &Entry) -> Self {
        let class = schema.class(entry.class);
        let is_user = class.is_some_and(|class| class.is_user);
        let is_group = class.is_some_and(|class| class.is_group);
        Self {
            class,
            rdn_attribute: entry.rdn_attribute,
            is_user,
            is_group,
            is_principal: is_user || is_group,
        }
    }

    /// Whether clients may write the attribute on this object at all.
    pub(super) fn check_writable(
        &self,
        schema: &Schema,
        attribute: &Attribute,
        change: &Change,
    ) -> Result<(), LdapResult> {
        let number = attribute.number;
        let system_only = || diagnostic::attribute(AttributeProblem::Constraint, 0x20B1, attribute);
        if number == known::NAME || number == known::CN || number == self.rdn_attribute {
            return Err(diagnostic::update(UpdateProblem::CantOnRdn, 0x20B1));
        }
        if attribute.constructed {
            return Err(diagnostic::attribute(AttributeProblem::Constraint, 0x211B, attribute));
        }
        if number == known::OBJECT_CLASS {
            return Err(object_class_change(schema, change));
        }
        if self.is_principal && OWNED_BY_SAM.contains(&number) {
            return Err(diagnostic::unwilling(0x209A));
        }
        if !self.is_principal && SAM_ONLY.contains(&number) {
            return Err(diagnostic::unwilling(0x2077));
        }
        if attribute.is_back_link() || attribute.system_only || DERIVED.contains(&number) {
            return Err(system_only());
        }
        if number == known::UNICODE_PWD {
            // Passwords are written over an encrypted connection only ([MS-ADTS] 3.1.1.3.1.5.1).
            return Err(diagnostic::unwilling(0x001F));
        }
        if !self.class.is_some_and(|class| class.allows(number)) {
            return Err(match change.operation {
                ChangeOperation::Delete => {
                    diagnostic::attribute(AttributeProblem::NoAttributeOrValue, 0x2076, attribute)
                }
                _ => diagnostic::update(UpdateProblem::ObjectClassViolation, 0x207D),
            });
        }
        Ok(())
    }
}

/// What the security accounts manager writes itself on users and groups ([MS-SAMR] 3.1.1.8).
const OWNED_BY_SAM: [AttributeNumber; 11] = [
    known::MEMBER_OF,
    known::OBJECT_SID,
    known::SAM_ACCOUNT_TYPE,
    known::IS_CRITICAL_SYSTEM_OBJECT,
    known::BAD_PWD_COUNT,
    known::BAD_PASSWORD_TIME,
    known::LAST_LOGON,
    known::LAST_LOGON_TIMESTAMP,
    known::LOGON_COUNT,
    known::LAST_LOGOFF,
    known::MS_DS_USER_ACCOUNT_CONTROL_COMPUTED,
];

/// What only users, computers and groups have.
const SAM_ONLY: [AttributeNumber; 4] =
    [known::SAM_ACCOUNT_NAME, known::OBJECT_SID, known::UNICODE_PWD, known::SAM_ACCOUNT_TYPE];

fn object_class_change(schema: &Schema, change: &Change) -> LdapResult {
    let known = change.values.iter().all(|value| {
        core::str::from_utf8(value).is_ok_and(|name| schema.class_named(name).is_some())
    });
    if known {
        diagnostic::update(UpdateProblem::ObjectClassViolation, 0x2017)
    } else {
        diagnostic::unknown_attribute()
    }
}
