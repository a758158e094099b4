//! Which attributes of an object clients may write at all: who owns them, what its class allows
//! ([MS-ADTS] 3.1.1.5.3.2, [MS-SAMR] 3.1.1.8).

use crate::directory::answer::LdapResult;
use crate::directory::derived::DERIVED;
use crate::directory::diagnostic::{self, AttributeProblem, UpdateProblem};
use crate::directory::entry::Entry;
use crate::directory::request::{Change, ChangeOperation};
use crate::directory::schema::class::{Class, ClassKind};
use crate::directory::schema::{Attribute, Schema, known};
use crate::record::AttributeNumber;

/// What the rules need to know of the object.
pub(super) struct Target<'s> {
    pub(super) class: Option<&'s Class>,
    /// Auxiliary classes of this very object.
    pub(super) auxiliary: Vec<&'s Class>,
    pub(super) rdn_attribute: AttributeNumber,
    pub(super) is_group: bool,
    /// A user, a computer or a group: the security accounts manager watches over it.
    pub(super) is_principal: bool,
}

impl<'s> Target<'s> {
    pub(super) fn of(schema: &'s Schema, entry: &Entry) -> Self {
        let class = schema.class(entry.class);
        let is_user = class.is_some_and(|class| class.is_user);
        let is_group = class.is_some_and(|class| class.is_group);
        let own = entry.record.values(known::OBJECT_CLASS);
        let own = own.filter_map(|name| schema.class_named(core::str::from_utf8(name).ok()?));
        Self {
            class,
            auxiliary: own.collect(),
            rdn_attribute: entry.rdn_attribute,
            is_group,
            is_principal: is_user || is_group,
        }
    }

    fn allows(&self, number: AttributeNumber) -> bool {
        self.class.is_some_and(|class| class.allows(number))
            || self.auxiliary.iter().any(|class| class.allows(number))
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
        if number == known::NAME || number == self.rdn_attribute {
            return Err(diagnostic::update(UpdateProblem::CantOnRdn, 0x20B1));
        }
        if number == known::DISTINGUISHED_NAME && change.operation != ChangeOperation::Replace {
            // Only together with what brings a deleted object back ([MS-ADTS] 3.1.1.5.3.7).
            return Err(diagnostic::unwilling(0x20B1));
        }
        if attribute.constructed {
            return Err(diagnostic::attribute(AttributeProblem::Constraint, 0x211B, attribute));
        }
        if number == known::OBJECT_CLASS {
            return object_class_change(schema, change);
        }
        if self.is_principal && OWNED_BY_SAM.contains(&number) {
            return Err(diagnostic::unwilling(0x209A));
        }
        if !self.is_principal && SAM_ONLY.contains(&number) {
            return Err(diagnostic::unwilling(0x2077));
        }
        let derived = DERIVED.contains(&number) && number != known::OBJECT_CATEGORY;
        if attribute.is_back_link() || attribute.system_only || derived {
            return Err(system_only());
        }
        if !self.allows(number) {
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

/// Auxiliary classes come and go; everything else about the class stays ([MS-ADTS] 3.1.1.5.3.5).
fn object_class_change(schema: &Schema, change: &Change) -> Result<(), LdapResult> {
    let mut classes = Vec::with_capacity(change.values.len());
    for value in &change.values {
        let name = core::str::from_utf8(value).ok();
        let class = name.and_then(|name| schema.class_named(name));
        classes.push(class.ok_or_else(diagnostic::unknown_attribute)?);
    }
    let auxiliary = classes.iter().all(|class| class.kind == ClassKind::Auxiliary);
    let comes_or_goes = matches!(change.operation, ChangeOperation::Add | ChangeOperation::Delete);
    if comes_or_goes && auxiliary && !classes.is_empty() {
        return Ok(());
    }
    Err(diagnostic::update(UpdateProblem::ObjectClassViolation, 0x2017))
}
