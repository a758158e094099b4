//! The values that are made only when asked for ([MS-ADTS] 3.1.1.4.5).

use std::collections::BTreeSet;

use crate::clock::VirtualTime;
use crate::directory::derived::{SCHEMA_CONTEXT, View};
use crate::directory::entry::referenced;
use crate::directory::name::Sid;
use crate::directory::principal::Rights;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::class::ClassKind;
use crate::directory::schema::known;
use crate::directory::schema::syntax::{generalized_time, integer};
use crate::record::AttributeNumber;

/// userAccountControl: the password does not expire.
const DONT_EXPIRE: i64 = 0x1_0000;

impl View<'_> {
    pub(super) fn constructed(&self, number: AttributeNumber) -> Vec<Vec<u8>> {
        let entry = &self.slot.entry;
        let one = |text: String| vec![text.into_bytes()];
        let time = |at: VirtualTime| one(generalized_time(at));
        match number {
            known::CREATE_TIME_STAMP => time(entry.when_created),
            known::MODIFY_TIME_STAMP => time(self.slot.stamp.when_changed),
            known::STRUCTURAL_OBJECT_CLASS => self.derived(known::OBJECT_CLASS),
            known::PARENT_GUID => entry
                .parent
                .and_then(|parent| self.controller.store.get(parent))
                .map(|parent| parent.entry.guid.0.to_vec())
                .into_iter()
                .collect(),
            known::SUB_SCHEMA_SUB_ENTRY => {
                let schema = self.forest.contexts.get(SCHEMA_CONTEXT);
                schema
                    .map(|at| format!("CN=Aggregate,{}", at.text).into_bytes())
                    .into_iter()
                    .collect()
            }
            known::PRIMARY_GROUP_TOKEN
                if !self.forest.schema.class(entry.class).is_some_and(|class| class.is_group) =>
            {
                Vec::new()
            }
            known::PRIMARY_GROUP_TOKEN => entry
                .record
                .first(known::OBJECT_SID)
                .and_then(Sid::from_bytes)
                .and_then(|sid| sid.rid())
                .map(|rid| rid.to_string().into_bytes())
                .into_iter()
                .collect(),
            known::CANONICAL_NAME => one(self.canonical_name()),
            known::MS_DS_PRINCIPAL_NAME => self.principal_name().into_iter().collect(),
            known::ALLOWED_ATTRIBUTES => {
                let class = self.forest.schema.class(entry.class);
                let all = self.forest.schema.attributes();
                all.filter(|attribute| class.is_some_and(|class| class.allows(attribute.number)))
                    .map(|attribute| attribute.name.as_bytes().to_vec())
                    .collect()
            }
            known::ATTRIBUTE_TYPES => self.forest.attribute_types(),
            known::OBJECT_CLASSES => self.forest.object_classes(),
            known::DIT_CONTENT_RULES => self.forest.content_rules(),
            _ => self.related(number),
        }
    }

    /// What follows from the caller's rights, from groups, and from what is around the object.
    fn related(&self, number: AttributeNumber) -> Vec<Vec<u8>> {
        let one = |text: String| vec![text.into_bytes()];
        match number {
            known::SD_RIGHTS_EFFECTIVE => {
                let rights = self.look.principal.map_or(0, |principal| {
                    self.forest.descriptor_rights(self.controller, principal, self.object)
                });
                one(rights.to_string())
            }
            known::ALLOWED_ATTRIBUTES_EFFECTIVE => self.allowed_effective(),
            known::ALLOWED_CHILD_CLASSES | known::ALLOWED_CHILD_CLASSES_EFFECTIVE => {
                self.child_classes(number == known::ALLOWED_CHILD_CLASSES_EFFECTIVE)
            }
            known::TOKEN_GROUPS
            | known::TOKEN_GROUPS_GLOBAL_AND_UNIVERSAL
            | known::TOKEN_GROUPS_NO_GC_ACCEPTABLE => {
                let sids = self.forest.group_sids(
                    self.controller,
                    self.object,
                    number != known::TOKEN_GROUPS_GLOBAL_AND_UNIVERSAL,
                );
                sids.into_iter().map(|sid| sid.as_bytes().to_vec()).collect()
            }
            known::MSDS_MEMBER_OF_TRANSITIVE => self.transitive(true),
            known::MSDS_MEMBER_TRANSITIVE => self.transitive(false),
            known::MS_DS_PARENTDISTNAME => {
                let parent = self.slot.entry.parent;
                parent.and_then(|parent| self.dn(parent)).into_iter().collect()
            }
            known::FROM_ENTRY => one("TRUE".to_owned()),
            known::POSSIBLE_INFERIORS => self.possible_inferiors(),
            known::MS_DS_IS_GC | known::MS_DS_IS_RODC | known::MS_DS_SITE_NAME => {
                self.of_server(number).into_iter().collect()
            }
            known::MS_DS_REPL_ATTRIBUTE_META_DATA => self.attribute_metadata(),
            known::MS_DS_REPL_VALUE_META_DATA => self.value_metadata(),
            known::MS_DS_APPROX_IMMED_SUBORDINATES => {
                one(self.controller.store.children_after(self.object, None).count().to_string())
            }
            _ => self.account(number).map(|text| text.into_bytes()).into_iter().collect(),
        }
    }

    /// What follows from the state of an account.
    fn account(&self, number: AttributeNumber) -> Option<String> {
        let entry = &self.slot.entry;
        let is_user = self.forest.schema.class(entry.class).is_some_and(|class| class.is_user);
        if !is_user {
            return None;
        }
        let value = |attribute| entry.record.first(attribute).and_then(integer).unwrap_or_default();
        let set = value(known::PWD_LAST_SET);
        let expires = match value(known::USER_ACCOUNT_CONTROL) & DONT_EXPIRE != 0 {
            true => i64::MAX,
            false if set == 0 => 0,
            // "Never" is the least number there is, and so is none at all.
            false => match self.forest.domain_policy(self.controller.number, known::MAX_PWD_AGE) {
                0 | i64::MIN => i64::MAX,
                oldest => set.saturating_add(oldest.saturating_abs()),
            },
        };
        match number {
            known::MS_DS_USER_ACCOUNT_CONTROL_COMPUTED => {
                Some(if value(known::LOCKOUT_TIME) > 0 { "16" } else { "0" }.to_owned())
            }
            known::MS_DS_USER_PASSWORD_EXPIRY_TIME_COMPUTED => Some(expires.to_string()),
            known::MS_DS_KEY_VERSION_NUMBER => {
                let stamp = entry.metadata(known::UNICODE_PWD);
                Some(stamp.version.max(1).to_string())
            }
            known::MS_DS_USER_ACCOUNT_AUTO_LOCKED => {
                Some(if value(known::LOCKOUT_TIME) > 0 { "TRUE" } else { "FALSE" }.to_owned())
            }
            known::MS_DS_USER_PASSWORD_EXPIRED => {
                Some(if set == 0 { "TRUE" } else { "FALSE" }.to_owned())
            }
            _ => None,
        }
    }

    /// The attributes that the caller may write.
    fn allowed_effective(&self) -> Vec<Vec<u8>> {
        let Some(principal) = self.look.principal else { return Vec::new() };
        let entry = &self.slot.entry;
        let class = self.forest.schema.class(entry.class);
        let all = self.forest.schema.attributes();
        all.filter(|attribute| {
            class.is_some_and(|class| class.allows(attribute.number))
                && !attribute.constructed
                && !attribute.system_only
                && !attribute.is_back_link()
                && self.forest.may_write(self.controller, principal, self.object, entry, attribute)
        })
        .map(|attribute| attribute.name.as_bytes().to_vec())
        .collect()
    }

    /// The classes whose objects may stand below this one.
    fn child_classes(&self, effective: bool) -> Vec<Vec<u8>> {
        let may = !effective
            || self.look.principal.is_some_and(|principal| principal.rights == Rights::Full);
        let above = self.slot.entry.class;
        let schema = &self.forest.schema;
        let fits = |superiors: &[u16]| superiors.iter().any(|at| schema.is_a(above, *at));
        schema
            .classes()
            .filter(|class| may && !class.system_only && fits(&class.superiors))
            .map(|class| class.name.as_bytes().to_vec())
            .collect()
    }

    /// The classes whose objects may stand below those of the class that this object defines
    /// ([MS-ADTS] 3.1.1.4.5.21).
    fn possible_inferiors(&self) -> Vec<Vec<u8>> {
        let schema = &self.forest.schema;
        let name = self.slot.entry.record.text(known::LDAP_DISPLAY_NAME);
        let Some(own) = name.and_then(|name| schema.class_named(name)) else { return Vec::new() };
        let below = schema.classes().filter(|class| {
            matches!(class.kind, ClassKind::Structural | ClassKind::Class88)
                && class.superiors.iter().any(|at| schema.is_a(own.number, *at))
        });
        below.map(|class| class.name.as_bytes().to_vec()).collect()
    }

    /// What is said of a domain controller on its account, its server and its settings: whether it is a
    /// global catalog, a read-only one, and its site ([MS-ADTS] 3.1.1.4.5.29, 3.1.1.4.5.30,
    /// 3.1.1.4.5.31).
    fn of_server(&self, number: AttributeNumber) -> Option<Vec<u8>> {
        let record = |object| self.controller.store.get(object).map(|slot| &slot.entry.record);
        let class = &*self.forest.schema.class(self.slot.entry.class)?.name;
        let server = match class {
            "nTDSDSA" | "nTDSDSARO" => self.slot.entry.parent?,
            "server" => self.object,
            "computer" => {
                self.controller.store.linked_from(self.object, known::SERVER_REFERENCE).next()?
            }
            _ => return None,
        };
        let site = self.controller.store.get(server)?.entry.parent?;
        let site = self.controller.store.get(site)?.entry.parent?;
        let settings = self.controller.store.child(server, "NTDS Settings")?;
        let value = match number {
            known::MS_DS_SITE_NAME => self.controller.store.get(site)?.entry.rdn_value().to_owned(),
            known::MS_DS_IS_RODC => {
                let class =
                    self.forest.schema.class(self.controller.store.get(settings)?.entry.class);
                let read_only = class.is_some_and(|class| &*class.name == "nTDSDSARO");
                if read_only { "TRUE" } else { "FALSE" }.to_owned()
            }
            _ => {
                let options = record(settings)?.first(known::OPTIONS).and_then(integer);
                if options.unwrap_or(0) & 1 != 0 { "TRUE" } else { "FALSE" }.to_owned()
            }
        };
        Some(value.into_bytes())
    }

    /// Everything that can be reached over group memberships, upwards or downwards.
    fn transitive(&self, upwards: bool) -> Vec<Vec<u8>> {
        let store = &self.controller.store;
        let step = |object: ObjectNumber| -> Vec<ObjectNumber> {
            if upwards {
                return store.linked_from(object, known::MEMBER).collect();
            }
            let slot = store.get(object);
            slot.map(|slot| {
                slot.entry.record.values(known::MEMBER).filter_map(referenced).collect()
            })
            .unwrap_or_default()
        };
        let mut seen = BTreeSet::new();
        let mut next = step(self.object);
        while let Some(object) = next.pop() {
            if seen.insert(object) {
                next.extend(step(object));
            }
        }
        seen.into_iter().filter_map(|object| self.dn(object)).collect()
    }

    /// `contoso.com/People/Anna`.
    fn canonical_name(&self) -> String {
        let mut parts = Vec::new();
        let mut at = self.object;
        while let Some(slot) = self.controller.store.get(at) {
            let Some(parent) = slot.entry.parent else { break };
            parts.push(slot.entry.rdn_value().replace('/', "\\/"));
            at = parent;
        }
        let context = self.forest.contexts.iter().find(|context| context.head == at);
        let mut name = String::new();
        for rdn in context.into_iter().flat_map(|context| context.dn.rdns.iter()) {
            if rdn.attribute.eq_ignore_ascii_case("dc") {
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(&rdn.value);
            } else {
                parts.push(rdn.value.clone());
            }
        }
        name.push('/');
        parts.reverse();
        name.push_str(&parts.join("/"));
        name
    }

    fn principal_name(&self) -> Option<Vec<u8>> {
        let account = self.slot.entry.record.text(known::SAM_ACCOUNT_NAME)?;
        let domain = self.forest.domain(self.controller.domain)?;
        Some(format!("{}\\{account}", domain.netbios).into_bytes())
    }
}
