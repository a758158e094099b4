//! Who owns an object, and the security descriptor that it gets when it is created or when its descriptor is
//! written ([MS-ADTS] 6.1.3).

use crate::directory::answer::LdapResult;
use crate::directory::diagnostic::{self, AttributeProblem, UpdateProblem};
use crate::directory::entry::Entry;
use crate::directory::forest::{DomainController, Forest};
use crate::directory::modify::Writer;
use crate::directory::name::Sid;
use crate::directory::principal::{Principal, Rights};
use crate::directory::request::{Change, ChangeOperation, ObjectNumber};
use crate::directory::schema::class::Class;
use crate::directory::schema::known;
use crate::directory::schema::syntax::integer;
use crate::directory::security::descriptor::DACL_PROTECTED;
use crate::record::AttributeNumber;

/// Owner and group, DACL, SACL of a security descriptor ([MS-ADTS] 3.1.1.3.4.1.11).
const OWNER: u32 = 1;
const GROUP: u32 = 2;
const SACL: u32 = 8;
const ALL: u32 = 15;

impl Forest {
    /// The descriptor of a new object: what the request gives, completed by what its class has, owned by
    /// its creator. What administrators create without giving one has none of its own.
    pub(super) fn settle_new_descriptor(
        &self,
        controller: &DomainController,
        writer: &Writer<'_>,
        parent: ObjectNumber,
        class: &Class,
        values: &mut Vec<(AttributeNumber, Vec<Vec<u8>>)>,
    ) -> Result<(), LdapResult> {
        let creator = self.creator(controller, writer.principal, parent);
        let given = values.iter().position(|(number, _)| *number == known::NT_SECURITY_DESCRIPTOR);
        let Some(at) = given else {
            if creator.is_some() {
                let own = self.default_descriptor(controller, Some(class), creator).to_bytes(ALL);
                values.push((known::NT_SECURITY_DESCRIPTOR, vec![own]));
            }
            return Ok(());
        };
        let default = self.default_descriptor(controller, Some(class), creator);
        let (_, given) = &mut values[at];
        let [value] = given.as_slice() else {
            return Err(self.descriptor_problem(AttributeProblem::Constraint, 0x202F));
        };
        let own = default.overlaid(value, ALL);
        let own =
            own.ok_or_else(|| self.descriptor_problem(AttributeProblem::InvalidSyntax, 0x200B))?;
        *given = vec![own.settled().to_bytes(ALL)];
        Ok(())
    }

    /// A security descriptor with some parts replaced. What it has from above is not its own; an owner that
    /// is to be replaced and is not given is whoever writes.
    pub(super) fn changed_descriptor(
        &self,
        controller: &DomainController,
        writer: &Writer<'_>,
        object: ObjectNumber,
        entry: &Entry,
        change: &Change,
        parts: Option<u32>,
    ) -> Result<Vec<Vec<u8>>, LdapResult> {
        let (ChangeOperation::Replace | ChangeOperation::Add, [value]) =
            (change.operation, change.values.as_slice())
        else {
            match (change.values.is_empty(), change.operation) {
                (true, ChangeOperation::Add) => {
                    return Err(self.descriptor_problem(AttributeProblem::Constraint, 0x202F));
                }
                (true, ChangeOperation::Replace) => return Err(diagnostic::unwilling(0x2077)),
                _ => {}
            }
            return Err(diagnostic::update(UpdateProblem::ObjectClassViolation, 0x207C));
        };
        let parts = parts.filter(|parts| parts & ALL != 0).unwrap_or(ALL);
        let mut own = self.own_descriptor(controller, entry);
        let writes = self.creator(controller, writer.principal, entry.parent.unwrap_or(object));
        let writes = writes.or_else(|| {
            let administrators = self.domain(controller.domain)?.sid.with_rid(512);
            Some((administrators.clone(), administrators))
        });
        if let Some((owner, group)) = writes {
            if parts & OWNER != 0 {
                own.owner = owner;
            }
            if parts & GROUP != 0 {
                own.group = group;
            }
        }
        if parts & SACL != 0 {
            own.sacl.clear();
            own.control &= DACL_PROTECTED;
        }
        let new = own.overlaid(value, parts);
        let new =
            new.ok_or_else(|| self.descriptor_problem(AttributeProblem::InvalidSyntax, 0x200B))?;
        Ok(vec![new.settled().to_bytes(ALL)])
    }

    fn descriptor_problem(&self, problem: AttributeProblem, win32: u32) -> LdapResult {
        let attribute = self.schema.attribute(known::NT_SECURITY_DESCRIPTOR);
        attribute.map_or_else(diagnostic::unknown_attribute, |attribute| {
            diagnostic::attribute(problem, win32, attribute)
        })
    }

    /// Owner and primary group of what a caller creates below an object; `None`: the domain's
    /// administrators, which is what objects have without storing it. Administrators of the forest and of
    /// the schema own by their group.
    fn creator(
        &self,
        controller: &DomainController,
        principal: &Principal,
        parent: ObjectNumber,
    ) -> Option<(Sid, Sid)> {
        const DOMAIN_ADMINS: u32 = 512;
        const SCHEMA_ADMINS: u32 = 518;
        const ENTERPRISE_ADMINS: u32 = 519;
        let Rights::Acl(token) = &principal.rights else { return None };
        let domain = &self.domain(controller.domain)?.sid;
        let root = &self.domains.first()?.sid;
        let slot = controller.store.get(parent)?;
        let head = |at: usize| self.contexts.get(at).map(|context| context.head);
        let within =
            |at| head(at).is_some_and(|head| Self::is_within(controller, parent, slot, head));
        let domain_admins = domain.with_rid(DOMAIN_ADMINS);
        let schema_admins = root.with_rid(SCHEMA_ADMINS);
        let enterprise_admins = root.with_rid(ENTERPRISE_ADMINS);
        let order = if within(2) {
            vec![schema_admins, enterprise_admins, domain_admins]
        } else if within(1) {
            vec![enterprise_admins, domain_admins]
        } else {
            vec![domain_admins, enterprise_admins]
        };
        let own = order.into_iter().find(|group| token.groups.contains(group));
        if own.as_ref() == Some(&domain.with_rid(DOMAIN_ADMINS)) {
            return None;
        }
        if let Some(own) = own {
            return Some((own.clone(), own));
        }
        let primary = self.by_sid(controller, &token.user).first().and_then(|own| {
            let slot = controller.store.get(*own)?;
            slot.entry.record.first(known::PRIMARY_GROUP_ID).and_then(integer)
        });
        let primary = primary.and_then(|rid| u32::try_from(rid).ok()).unwrap_or(513);
        Some((token.user.clone(), domain.with_rid(primary)))
    }
}
