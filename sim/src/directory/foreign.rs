//! Foreign security principals: members of groups that are accounts of elsewhere ([MS-ADTS] 3.1.1.1.6).

use crate::directory::answer::LdapResult;
use crate::directory::entry::Entry;
use crate::directory::forest::Forest;
use crate::directory::modify::Writer;
use crate::directory::name::Sid;
use crate::directory::request::{ChangeOperation, ModifyRequest, Name, ObjectNumber};
use crate::directory::schema::known;
use crate::directory::system_objects::guid_of;

impl Forest {
    /// Makes foreign security principals of the SIDs that a modification makes members of the group and
    /// that nobody in the forest has ([MS-ADTS] 3.1.1.5.3.3, [MS-SAMR] 3.1.1.8.9).
    pub(super) fn add_foreign_principals(
        &mut self,
        writer: &Writer<'_>,
        object: ObjectNumber,
        entry: &Entry,
        request: &ModifyRequest,
    ) -> Result<(), LdapResult> {
        let mut fresh = Vec::new();
        for change in &request.changes {
            let attribute = self.attribute(&change.attribute);
            let adds = !matches!(change.operation, ChangeOperation::Delete);
            let Some(attribute) = attribute.filter(|at| adds && at.number == known::MEMBER) else {
                continue;
            };
            let Some(controller) = self.dc(writer.dc) else { continue };
            if !self.may_write(controller, writer.principal, object, entry, attribute) {
                continue;
            }
            for value in &change.values {
                let name = core::str::from_utf8(value).map(Name::from_text);
                let Ok(Name::Sid(sid)) = name else { continue };
                let own = self.domains.iter().any(|domain| sid.is_of(&domain.sid));
                let known = self.resolve_anywhere(writer.dc, &Name::Sid(sid.clone())).is_ok();
                if !own && !known {
                    fresh.push(sid);
                }
            }
        }
        for sid in fresh {
            self.add_foreign_principal(writer, &sid);
        }
        Ok(())
    }

    /// Makes a foreign security principal: an account of elsewhere that a group here has as a member.
    fn add_foreign_principal(&mut self, writer: &Writer<'_>, sid: &Sid) {
        let Some(domain) = self.dc(writer.dc).and_then(|dc| self.domain(dc.domain)) else { return };
        let Some(parent) = self.below(domain.head, "ForeignSecurityPrincipals") else { return };
        let Some(class) = self.schema.class_named("foreignSecurityPrincipal") else { return };
        let name = sid.to_string();
        let guid = guid_of(&format!("{name},{}", self.dn_of(writer.dc, parent)));
        let mut values = vec![
            (known::CN, vec![name.into_bytes()]),
            (known::OBJECT_SID, vec![sid.as_bytes().to_vec()]),
        ];
        values.sort_unstable_by_key(|(number, _)| *number);
        let spec = (guid, parent, class.number, class.rdn_attribute);
        let object = self.new_object();
        self.place_new(writer, object, spec, values);
    }
}
