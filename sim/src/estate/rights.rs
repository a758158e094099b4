//! Rights in AD that differ from those of the setup: what the agents' account may write, who inherits
//! nothing from above, and whom AdminSDHolder protects.
//!
//! Sources: Microsoft Learn, "Cloud sync troubleshooting" (insufficient access rights: inheritance,
//! AdminSDHolder), "Provisioning agent gMSA PowerShell cmdlets" (custom accounts); [MS-ADTS] 3.1.1.6.1.

use super::Estate;
use crate::directory::forest::Forest;
use crate::directory::forests::AdObject;
use crate::directory::modify::Writer;
use crate::directory::name::Sid;
use crate::directory::principal::{AttributeSet, Principal, Rights};
use crate::directory::request::{
    Change, ChangeOperation, Control, ControlValue, ModifyRequest, Name, Operation, Request,
};
use crate::directory::schema::Schema;
use crate::directory::security::descriptor::{
    Ace, CONTAINER_INHERIT, DACL_PROTECTED, INHERITED, SecurityDescriptor, WRITE_PROPERTY,
};
use crate::guid::Guid;

/// The part of a security descriptor that is written ([MS-ADTS] 3.1.1.3.4.1.11): its DACL.
const DACL: u32 = 4;

impl Estate {
    /// The account of the agents may write these attributes alone. Names that the schema does not have
    /// count for nothing.
    pub fn limit_agents(&mut self, attributes: &[String]) {
        for agent in &mut self.agents {
            let Some(schema) = self.forests.get(agent.dc.forest).map(Forest::schema) else {
                continue;
            };
            let number = |name: &String| Some(schema.attribute_named(name)?.number);
            let set = AttributeSet::of(attributes.iter().filter_map(number).collect());
            agent.account.rights = Rights::WriteAttributes(set);
        }
    }

    /// An object, and what is below it, inherits no rights from above any more. False when there is no
    /// such object.
    pub fn cut_off(&mut self, identity: &str) -> bool {
        self.change_descriptor(identity, |_, descriptor| {
            descriptor.control |= DACL_PROTECTED;
            descriptor.dacl.retain(|entry| entry.flags & INHERITED == 0);
        })
    }

    /// An entry of its own for the agents' account at an object, which goes down to all that is below it: it
    /// may write these attributes, or may not (`deny`); without names, every one. Names that the schema does
    /// not have count for nothing. False when there is no such object.
    pub fn set_agent_right(&mut self, identity: &str, attributes: &[String], deny: bool) -> bool {
        let Some(at) = self.ad_identity(identity) else { return false };
        let mut accounts: Vec<Sid> = self
            .agents
            .iter()
            .filter(|agent| agent.dc.forest == at.forest)
            .filter_map(|agent| agent.account.sid.clone())
            .collect();
        accounts.sort();
        accounts.dedup();
        let attributes = attributes.to_vec();
        self.change_descriptor(identity, |schema, descriptor| {
            descriptor.dacl.retain(|entry| entry.flags & INHERITED == 0);
            let guid = |name: &String| schema.attribute_named(name).and_then(|known| known.guid);
            let objects: Vec<Option<Guid>> = match attributes.as_slice() {
                [] => vec![None],
                names => names.iter().filter_map(guid).map(Some).collect(),
            };
            for sid in accounts {
                let entries = objects.iter().map(|object| Ace {
                    deny,
                    audit: false,
                    flags: CONTAINER_INHERIT,
                    mask: WRITE_PROPERTY,
                    object: *object,
                    inherited_object: None,
                    sid: sid.clone(),
                });
                // Canonical order: what denies stands first.
                let place = if deny { 0 } else { descriptor.dacl.len() };
                descriptor.dacl.splice(place..place, entries.collect::<Vec<_>>());
            }
        })
    }

    /// Writes the DACL of an object, changed. False when there is no such object.
    fn change_descriptor(
        &mut self,
        identity: &str,
        edit: impl FnOnce(&Schema, &mut SecurityDescriptor),
    ) -> bool {
        let Some(object) = self.ad_identity(identity) else { return false };
        let now = self.now;
        let Some(forest) = self.forests.get_mut(object.forest) else { return false };
        let Some(mut descriptor) =
            forest.dc(object.dc).and_then(|dc| forest.descriptor(dc, object.number))
        else {
            return false;
        };
        edit(forest.schema(), &mut descriptor);
        let change = Change {
            operation: ChangeOperation::Replace,
            attribute: "nTSecurityDescriptor".into(),
            values: vec![descriptor.to_bytes(DACL)],
        };
        let modify = ModifyRequest { object: Name::Number(object.number), changes: vec![change] };
        let part = ControlValue::SecurityDescriptorFlags(DACL);
        let controls = vec![Control { critical: true, value: part }];
        let request = Request { operation: Operation::Modify(modify), controls };
        let chance = &mut self.new_objects;
        let system = Principal::system();
        let (response, _) =
            forest.perform(object.dc, &system, now, &request, &mut || chance.guid());
        response.result.is_success()
    }

    /// Somebody becomes a member of Domain Admins, and AdminSDHolder has protected the account since.
    /// False when there is no such object.
    pub fn protect(&mut self, identity: &str) -> bool {
        let Some(object) = self.ad_identity(identity) else { return false };
        let Some(group) = self.domain_admins(object) else { return false };
        let member = self.ad_dn(object).into_bytes();
        let now = self.now;
        let Some(forest) = self.forests.get_mut(object.forest) else { return false };
        let change = Change {
            operation: ChangeOperation::Add,
            attribute: "member".into(),
            values: vec![member],
        };
        let modify = ModifyRequest { object: group, changes: vec![change] };
        let system = Principal::system();
        let joined = forest.modify(&Writer::new(object.dc, &system, now), &modify).is_ok();
        forest.protect_administrators(object.dc, now);
        joined
    }

    fn domain_admins(&self, object: AdObject) -> Option<Name> {
        let dn = self.ad_dn(object);
        let (_, domain) = dn.split_once(",DC=")?;
        Some(Name::Dn(format!("CN=Domain Admins,CN=Users,DC={domain}")))
    }
}
