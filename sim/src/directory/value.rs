//! Values that come in: from a client's bytes to the stored form, or the refusal that Active
//! Directory gives.

use crate::directory::answer::{LdapResult, ResultCode};
use crate::directory::definitions::canonical_name;
use crate::directory::diagnostic::{self, AttributeProblem};
use crate::directory::entry::{DcNumber, reference, referenced};
use crate::directory::forest::Forest;
use crate::directory::heuristics;
use crate::directory::name::Dn;
use crate::directory::request::{Name, Sight};
use crate::directory::schema::syntax::Syntax;
use crate::directory::schema::{Attribute, known};

impl Forest {
    /// The stored form of a value.
    ///
    /// # Errors
    /// 21/200B when the syntax cannot hold it, 19/2082 when it is out of range, 34 or 32 for a
    /// reference that is no name or names nothing.
    pub(super) fn stored_value(
        &self,
        dc: DcNumber,
        attribute: &Attribute,
        value: &[u8],
    ) -> Result<Vec<u8>, LdapResult> {
        let invalid = || diagnostic::attribute(AttributeProblem::InvalidSyntax, 0x200B, attribute);
        let stored = attribute.syntax.stored(value).ok_or_else(invalid)?;
        if attribute.syntax.is_reference() {
            return self.stored_reference(dc, attribute, &stored);
        }
        if attribute.syntax == Syntax::Oid
            && let Some(name) = canonical_name(&self.schema, attribute.number, &stored)
        {
            return Ok(name);
        }
        if !attribute.in_range(&stored) {
            let length = match attribute.syntax {
                // The database holds text in UTF-16 and tells its length in bytes.
                Syntax::Unicode | Syntax::Teletex => {
                    core::str::from_utf8(&stored).map_or(0, |text| text.encode_utf16().count() * 2)
                }
                Syntax::Integer => 4,
                Syntax::LargeInteger => 8,
                _ => stored.len(),
            };
            let problem = AttributeProblem::Constraint;
            return Err(diagnostic::attribute_with_length(
                problem,
                0x2082,
                attribute,
                Some(length),
            ));
        }
        if attribute.number == known::DS_HEURISTICS && !heuristics::is_valid(&stored) {
            return Err(diagnostic::attribute(AttributeProblem::Constraint, 0x202F, attribute));
        }
        Ok(stored.into_owned())
    }

    fn stored_reference(
        &self,
        dc: DcNumber,
        attribute: &Attribute,
        value: &[u8],
    ) -> Result<Vec<u8>, LdapResult> {
        let text = core::str::from_utf8(value).map_err(|_| diagnostic::bad_name(""))?;
        match self.resolve_in_forest(dc, &Name::from_text(text), Sight::Live) {
            Ok(target) => Ok(reference(target).to_vec()),
            Err(refusal) if refusal.code == ResultCode::NoSuchObject => {
                // The reference is invalid, not the object; only members of groups are looked up as
                // principals.
                if attribute.number != known::MEMBER {
                    let problem = AttributeProblem::Constraint;
                    return Err(diagnostic::attribute(problem, 0x20B5, attribute));
                }
                Err(diagnostic::no_such_principal(&refusal.matched_dn))
            }
            Err(refusal) if refusal.code == ResultCode::Referral => {
                let dn = Dn::parse(text).map(|dn| dn.to_string()).unwrap_or_default();
                Err(diagnostic::no_such_object(&dn))
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// A stored value as a client sees it; `None` for a reference to an object that is gone.
    pub(super) fn shown_value(
        &self,
        dc: DcNumber,
        attribute: &Attribute,
        value: &[u8],
    ) -> Option<Vec<u8>> {
        if !attribute.syntax.is_reference() {
            return Some(value.to_vec());
        }
        let dn = self.dn_of(dc, referenced(value)?);
        (!dn.is_empty()).then(|| dn.into_bytes())
    }
}
