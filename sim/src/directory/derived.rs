//! Values that are not stored but follow from an object's place, class and stamp, and the values that
//! are made only when asked for ([MS-ADTS] 3.1.1.4.5).

use crate::clock::VirtualTime;
use crate::directory::entry::referenced;
use crate::directory::forest::{DomainController, Forest};
use crate::directory::name::Sid;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::syntax::generalized_time;
use crate::directory::schema::{Attribute, known};
use crate::directory::store::Slot;
use crate::record::AttributeNumber;

/// What every object has without storing it, in the order in which it is returned.
pub(super) const DERIVED: [AttributeNumber; 10] = [
    known::OBJECT_CLASS,
    known::DISTINGUISHED_NAME,
    known::INSTANCE_TYPE,
    known::WHEN_CREATED,
    known::WHEN_CHANGED,
    known::USN_CREATED,
    known::USN_CHANGED,
    known::NAME,
    known::OBJECT_GUID,
    known::OBJECT_CATEGORY,
];

/// An object on a domain controller, about to be read.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) forest: &'a Forest,
    pub(super) controller: &'a DomainController,
    pub(super) object: ObjectNumber,
    pub(super) slot: &'a Slot,
}

/// Where the values of an attribute come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The record, as they are.
    Stored,
    /// The record, as references to objects.
    Reference,
    /// The object's place, class and stamp.
    Derived,
    /// The forward links of others.
    BackLink,
    /// Made when asked for.
    Constructed,
}

impl Origin {
    pub(super) fn of(attribute: &Attribute) -> Self {
        if attribute.constructed {
            Self::Constructed
        } else if DERIVED.contains(&attribute.number) {
            Self::Derived
        } else if attribute.is_back_link() {
            Self::BackLink
        } else if attribute.syntax.is_reference() {
            Self::Reference
        } else {
            Self::Stored
        }
    }
}

impl View<'_> {
    /// The values of an attribute as a client sees them.
    pub(super) fn values(&self, attribute: &Attribute) -> Vec<Vec<u8>> {
        let stored = self.slot.entry.record.values(attribute.number);
        match Origin::of(attribute) {
            Origin::Stored => stored.map(<[u8]>::to_vec).collect(),
            Origin::Reference => {
                stored.filter_map(referenced).filter_map(|target| self.dn(target)).collect()
            }
            Origin::Derived => self.derived(attribute.number),
            Origin::BackLink => {
                let Some(forward) = self.forest.schema.forward_link_of(attribute) else {
                    return Vec::new();
                };
                let sources = self.controller.store.linked_from(self.object, forward.number);
                sources.filter_map(|source| self.dn(source)).collect()
            }
            Origin::Constructed => self.constructed(attribute.number),
        }
    }

    /// Whether the attribute has a value.
    pub(super) fn has(&self, attribute: &Attribute) -> bool {
        match Origin::of(attribute) {
            Origin::Stored | Origin::Reference => self.slot.entry.record.has(attribute.number),
            Origin::Derived => true,
            Origin::BackLink => self.forest.schema.forward_link_of(attribute).is_some_and(|link| {
                self.controller.store.linked_from(self.object, link.number).next().is_some()
            }),
            Origin::Constructed => !self.constructed(attribute.number).is_empty(),
        }
    }

    fn dn(&self, object: ObjectNumber) -> Option<Vec<u8>> {
        let dn = self.forest.dn(self.controller, object);
        (!dn.is_empty()).then(|| dn.into_bytes())
    }

    fn derived(&self, number: AttributeNumber) -> Vec<Vec<u8>> {
        let entry = &self.slot.entry;
        let stamp = &self.slot.stamp;
        let schema = &self.forest.schema;
        let one = |text: String| vec![text.into_bytes()];
        match number {
            known::OBJECT_GUID => vec![entry.guid.0.to_vec()],
            known::NAME => one(entry.rdn_value().to_owned()),
            known::DISTINGUISHED_NAME => self.dn(self.object).into_iter().collect(),
            known::OBJECT_CLASS => schema
                .class(entry.class)
                .into_iter()
                .flat_map(|class| &class.chain)
                .filter_map(|number| schema.class(*number))
                .map(|class| class.name.as_bytes().to_vec())
                .collect(),
            known::OBJECT_CATEGORY => schema
                .class(entry.class)
                .map(|class| self.category(&class.category))
                .into_iter()
                .collect(),
            known::WHEN_CREATED => one(generalized_time(entry.when_created)),
            known::WHEN_CHANGED => one(generalized_time(stamp.when_changed)),
            known::USN_CREATED => one(stamp.usn_created.to_string()),
            known::USN_CHANGED => one(stamp.usn_changed.to_string()),
            // 4: writable here; 5: also the head of a naming context ([MS-ADTS] 3.1.1.2.2.4.1).
            known::INSTANCE_TYPE => one(if entry.parent.is_some() { "4" } else { "5" }.to_owned()),
            _ => Vec::new(),
        }
    }

    fn category(&self, class: &str) -> Vec<u8> {
        let name = self.forest.schema.class_named(class).map_or(class, |class| &*class.common_name);
        let schema_dn = self.forest.contexts.get(SCHEMA_CONTEXT).map_or("", |at| at.text.as_str());
        format!("CN={name},{schema_dn}").into_bytes()
    }

    fn constructed(&self, number: AttributeNumber) -> Vec<Vec<u8>> {
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
            _ => Vec::new(),
        }
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

/// The place of the schema among the naming contexts: root domain, configuration, schema.
pub(super) const SCHEMA_CONTEXT: usize = 2;
