//! Rights in AD that differ from those of the setup: what the agents' account may write, who inherits
//! nothing from above, and whom AdminSDHolder protects.
//!
//! Sources: Microsoft Learn, "Cloud sync troubleshooting" (insufficient access rights: inheritance,
//! AdminSDHolder), "Provisioning agent gMSA PowerShell cmdlets" (custom accounts); [MS-ADTS] 3.1.1.6.1.

use super::Estate;
use crate::directory::forest::Forest;
use crate::directory::forests::AdObject;
use crate::directory::modify::Writer;
use crate::directory::principal::{AttributeSet, Principal, Rights};
use crate::directory::request::{
    Change, ChangeOperation, Control, ControlValue, ModifyRequest, Name, Operation, Request,
};
use crate::directory::security::descriptor::{DACL_PROTECTED, INHERITED};

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
        let Some(object) = self.ad_identity(identity) else { return false };
        let now = self.now;
        let Some(forest) = self.forests.get_mut(object.forest) else { return false };
        let Some(mut descriptor) =
            forest.dc(object.dc).and_then(|dc| forest.descriptor(dc, object.number))
        else {
            return false;
        };
        descriptor.control |= DACL_PROTECTED;
        descriptor.dacl.retain(|entry| entry.flags & INHERITED == 0);
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
