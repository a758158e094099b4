//! The schema as objects: one for every attribute and class below the head of the schema, and the
//! subschema that LDAP clients read ([MS-ADTS] 3.1.1.2, RFC 4512 4.2).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use crate::clock::VirtualTime;
use crate::directory::derived::SCHEMA_CONTEXT;
use crate::directory::entry::{DcNumber, reference};
use crate::directory::forest::Forest;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::class::{Class, ClassKind};
use crate::directory::schema::syntax::Syntax;
use crate::directory::schema::{Attribute, Schema, known};
use crate::directory::security::defaults;
use crate::directory::system_objects::guid_of;
use crate::guid::Guid;
use crate::record::{AttributeNumber, Record};

/// The version of the schema, as Windows Server 2019 and 2022 have it (Microsoft Learn, "Find the current
/// schema version").
const SCHEMA_VERSION: &[u8] = b"88";

/// Attributes of a definition with their values.
type Values = Vec<(AttributeNumber, Vec<Vec<u8>>)>;

impl Forest {
    /// Loads what the schema has and the directory does not show yet, and adds to the definitions of
    /// classes what an extension gave them.
    pub(super) fn add_schema_objects(&mut self, now: VirtualTime) {
        let Some(head) = self.contexts.get(SCHEMA_CONTEXT).map(|context| context.head) else {
            return;
        };
        let schema = Arc::clone(&self.schema);
        // A new schema has nothing yet: looking for a thousand names would take longer than loading them.
        let is_new =
            self.dc(DcNumber(0)).is_some_and(|dc| dc.store.child(head, "Aggregate").is_none());
        let there = |forest: &Self, name: &str| {
            if is_new { None } else { forest.dcs.first()?.store.child(head, name) }
        };
        if is_new {
            self.load_system(None, head, "subSchema", "Aggregate", &[], now);
            self.give(head, known::OBJECT_VERSION, &[SCHEMA_VERSION]);
        }
        let base = Schema::shared(false);
        for attribute in schema.attributes() {
            let before = base.attribute_named(&attribute.name);
            match there(self, &attribute.common_name) {
                None => {
                    let name = &attribute.common_name;
                    let values = attribute_values(attribute);
                    self.load_definition(head, "attributeSchema", name, values, now);
                }
                Some(object) if before.is_some_and(|before| before.is_altered(attribute)) => {
                    self.give(
                        object,
                        known::SEARCH_FLAGS,
                        &[&attribute.search_flags.to_string().into_bytes()],
                    );
                    if attribute.global_catalog {
                        self.give(object, known::IS_MEMBER_OF_PARTIAL_ATTRIBUTE_SET, &[b"TRUE"]);
                    }
                }
                Some(_) => {}
            }
        }
        let mut next = self.next_object;
        let mut objects: BTreeMap<&str, ObjectNumber> = BTreeMap::new();
        for class in schema.classes() {
            let object = there(self, &class.common_name).unwrap_or_else(|| {
                next += 1;
                ObjectNumber(next - 1)
            });
            objects.insert(&class.name, object);
        }
        for class in schema.classes() {
            let category = objects.get(&*class.category).copied();
            let values = self.class_values(class, base.class_named(&class.name), category);
            match there(self, &class.common_name) {
                None => {
                    self.load_definition(head, "classSchema", &class.common_name, values, now);
                }
                // What the forest defined itself no extension changes.
                Some(object) if base.class_named(&class.name).is_some() => {
                    self.extend_definition(object, &values);
                }
                Some(_) => {}
            }
        }
    }

    /// Its objectGUID follows from the schema's and from the definition's own: there are many of them.
    fn load_definition(
        &mut self,
        head: ObjectNumber,
        class: &str,
        name: &str,
        mut values: Values,
        now: VirtualTime,
    ) {
        let of_schema = self.slot(DcNumber(0), head).map_or(Guid([0; 16]), |slot| slot.entry.guid);
        let own = values.iter().find(|(number, _)| *number == known::SCHEMA_ID_GUID);
        let own = own.and_then(|(_, values)| values.first()).map_or(&[][..], Vec::as_slice);
        let mut guid = of_schema;
        for (byte, other) in guid.0.iter_mut().zip(own) {
            *byte ^= other;
        }
        let class = self.schema.class_named(class).map_or(0, |class| class.number);
        values.push((known::CN, vec![name.as_bytes().to_vec()]));
        values.sort_unstable_by_key(|(number, _)| *number);
        let record = Record::from_sorted(
            values.iter().map(|(number, values)| (*number, values.iter().map(Vec::as_slice))),
        );
        self.place((Some(head), class, known::CN), guid, record, now, |_| true);
    }

    /// Adds what an extension brought to the definition of a class that was there before.
    fn extend_definition(&mut self, object: ObjectNumber, values: &Values) {
        for (number, values) in values {
            if matches!(*number, known::MAY_CONTAIN | known::AUXILIARY_CLASS) {
                let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
                self.give(object, *number, &values);
            }
        }
    }

    /// What a class brought itself stands in the system's attributes, what an extension added in the
    /// others ([MS-ADTS] 3.1.1.2.4.7).
    fn class_values(
        &self,
        class: &Class,
        base: Option<&Class>,
        category: Option<ObjectNumber>,
    ) -> Values {
        let kind = match class.kind {
            ClassKind::Structural => "1",
            ClassKind::Abstract => "2",
            ClassKind::Auxiliary => "3",
            ClassKind::Class88 => "0",
        };
        let superior = class.superior.and_then(|at| self.schema.class(at));
        let superior = superior.map_or("top", |superior| &*superior.name);
        let rdn = self.schema.attribute(class.rdn_attribute).map_or("cn", |at| &*at.name);
        let one = |text: &str| vec![text.as_bytes().to_vec()];
        let attributes = |numbers: &[AttributeNumber]| -> Vec<Vec<u8>> {
            let found = numbers.iter().filter_map(|at| self.schema.attribute(*at));
            found.map(|attribute| attribute.name.as_bytes().to_vec()).collect()
        };
        let classes = |numbers: &[u16]| -> Vec<Vec<u8>> {
            let found = numbers.iter().filter_map(|at| self.schema.class(*at));
            found.map(|class| class.name.as_bytes().to_vec()).collect()
        };
        let guid = schema_guid(class.guid, &class.oid);
        let mut values = vec![
            (known::LDAP_DISPLAY_NAME, one(&class.name)),
            (known::GOVERNS_ID, one(&class.oid)),
            (known::OBJECT_CLASS_CATEGORY, one(kind)),
            (known::SUB_CLASS_OF, one(superior)),
            (known::RDN_ATT_ID, one(rdn)),
            (known::SCHEMA_ID_GUID, vec![guid.0.to_vec()]),
            (known::SYSTEM_ONLY, one(if class.system_only { "TRUE" } else { "FALSE" })),
            (known::SYSTEM_MUST_CONTAIN, attributes(&class.own_must)),
        ];
        if class.system_flags != 0 {
            values.push((known::SYSTEM_FLAGS, one(&class.system_flags.to_string())));
        }
        values.extend(
            category.map(|at| (known::DEFAULT_OBJECT_CATEGORY, vec![reference(at).to_vec()])),
        );
        if matches!(class.kind, ClassKind::Structural | ClassKind::Class88) {
            values.push((known::DEFAULT_SECURITY_DESCRIPTOR, one(defaults::of_class(&class.name))));
        }
        // Lists grow at their end.
        let (may, auxiliary) = base.map_or((0, 0), |at| (at.own_may.len(), at.auxiliary.len()));
        values.extend([
            (known::SYSTEM_MAY_CONTAIN, attributes(&class.own_may[..may])),
            (known::MAY_CONTAIN, attributes(&class.own_may[may..])),
            (known::SYSTEM_AUXILIARY_CLASS, classes(&class.auxiliary[..auxiliary])),
            (known::AUXILIARY_CLASS, classes(&class.auxiliary[auxiliary..])),
            (known::SYSTEM_POSS_SUPERIORS, classes(&class.under)),
        ]);
        values.retain(|(_, values)| !values.is_empty());
        values
    }

    /// attributeTypes of the subschema.
    pub(super) fn attribute_types(&self) -> Vec<Vec<u8>> {
        let line = |attribute: &Attribute| {
            let mut text = format!("( {} NAME '{}'", attribute.oid, attribute.name);
            // Writing to a String cannot fail.
            let _ = write!(text, " SYNTAX '{}'", ldap_syntax(attribute.syntax));
            if attribute.single {
                text.push_str(" SINGLE-VALUE");
            }
            if attribute.constructed || attribute.system_only {
                text.push_str(" NO-USER-MODIFICATION");
            }
            text.push_str(" )");
            text.into_bytes()
        };
        self.schema.attributes().map(line).collect()
    }

    /// dITContentRules of the subschema: what the auxiliary classes of a class bring
    /// ([MS-ADTS] 3.1.1.3.1.1.1, RFC 4512 4.1.6).
    pub(super) fn content_rules(&self) -> Vec<Vec<u8>> {
        let line = |class: &Class| {
            let auxiliary: Vec<&Class> =
                class.auxiliary.iter().filter_map(|at| self.schema.class(*at)).collect();
            let attributes = |of: fn(&Class) -> &[AttributeNumber]| -> String {
                let numbers: BTreeSet<AttributeNumber> =
                    auxiliary.iter().flat_map(|class| of(class)).copied().collect();
                let names = numbers.into_iter().filter_map(|at| self.schema.attribute(at));
                names.map(|attribute| &*attribute.name).collect::<Vec<_>>().join(" $ ")
            };
            let names: Vec<&str> = auxiliary.iter().map(|class| &*class.name).collect();
            let lists = [
                ("AUX", names.join(" $ ")),
                ("MUST", attributes(|class| &class.own_must)),
                ("MAY", attributes(|class| &class.own_may)),
            ];
            let mut text = format!("( {} NAME '{}'", class.oid, class.name);
            for (word, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
                // Writing to a String cannot fail.
                let _ = write!(text, " {word} ( {list} )");
            }
            text.push_str(" )");
            text.into_bytes()
        };
        let is_structural =
            |class: &&Class| matches!(class.kind, ClassKind::Structural | ClassKind::Class88);
        let with = self.schema.classes().filter(is_structural);
        with.filter(|class| !class.auxiliary.is_empty()).map(line).collect()
    }

    /// objectClasses of the subschema.
    pub(super) fn object_classes(&self) -> Vec<Vec<u8>> {
        let names = |numbers: &[u16]| -> String {
            let names = numbers.iter().filter_map(|at| self.schema.attribute(*at));
            names.map(|attribute| &*attribute.name).collect::<Vec<_>>().join(" $ ")
        };
        let line = |class: &Class| {
            let mut text = format!("( {} NAME '{}'", class.oid, class.name);
            if let Some(superior) = class.superior.and_then(|at| self.schema.class(at)) {
                let _ = write!(text, " SUP {}", superior.name);
            }
            text.push_str(match class.kind {
                ClassKind::Structural | ClassKind::Class88 => " STRUCTURAL",
                ClassKind::Abstract => " ABSTRACT",
                ClassKind::Auxiliary => " AUXILIARY",
            });
            for (word, numbers) in [("MUST", &class.own_must), ("MAY", &class.own_may)] {
                if !numbers.is_empty() {
                    let _ = write!(text, " {word} ( {} )", names(numbers));
                }
            }
            text.push_str(" )");
            text.into_bytes()
        };
        self.schema.classes().map(line).collect()
    }
}

/// The GUID of a definition; where it is not published, one that follows from the OID.
pub(super) fn schema_guid(known: Option<Guid>, oid: &str) -> Guid {
    known.unwrap_or_else(|| guid_of(&format!("schemaIDGUID {oid}")))
}

fn attribute_values(attribute: &Attribute) -> Values {
    let text = |value: &str| vec![value.as_bytes().to_vec()];
    let boolean = |value: bool| text(if value { "TRUE" } else { "FALSE" });
    let mut values = vec![
        (known::LDAP_DISPLAY_NAME, text(&attribute.name)),
        (known::ATTRIBUTE_ID, text(&attribute.oid)),
        (known::ATTRIBUTE_SYNTAX, text(attribute.syntax.oid())),
        (known::OM_SYNTAX, text(&om_syntax(attribute.syntax).to_string())),
        (known::IS_SINGLE_VALUED, boolean(attribute.single)),
        (known::SEARCH_FLAGS, text(&attribute.search_flags.to_string())),
        (known::SYSTEM_ONLY, boolean(attribute.system_only)),
        (known::SCHEMA_ID_GUID, vec![schema_guid(attribute.guid, &attribute.oid).0.to_vec()]),
    ];
    if attribute.system_flags != 0 {
        values.push((known::SYSTEM_FLAGS, text(&attribute.system_flags.to_string())));
    }
    if attribute.global_catalog {
        values.push((known::IS_MEMBER_OF_PARTIAL_ATTRIBUTE_SET, boolean(true)));
    }
    for (number, bound) in
        [(known::RANGE_LOWER, attribute.lower), (known::RANGE_UPPER, attribute.upper)]
    {
        values.extend(bound.map(|bound| (number, text(&bound.to_string()))));
    }
    values.extend(
        attribute.syntax.om_object_class().map(|oid| (known::OM_OBJECT_CLASS, vec![oid.to_vec()])),
    );
    values.extend(attribute.link.map(|link| (known::LINK_ID, text(&link.to_string()))));
    values
}

/// oMSyntax of a syntax ([MS-ADTS] 3.1.1.2.2.2).
fn om_syntax(syntax: Syntax) -> u8 {
    match syntax {
        Syntax::Dn | Syntax::OrName | Syntax::DnBinary | Syntax::DnString => 127,
        Syntax::Oid => 6,
        Syntax::Teletex => 20,
        Syntax::Ia5 => 22,
        Syntax::Numeric => 18,
        Syntax::Boolean => 1,
        Syntax::Integer => 2,
        Syntax::Octets | Syntax::Sid => 4,
        Syntax::Time => 24,
        Syntax::Unicode => 64,
        Syntax::SecurityDescriptor => 66,
        Syntax::LargeInteger => 65,
    }
}

/// The LDAP syntax that the subschema gives for a syntax ([MS-ADTS] 3.1.1.3.1.1.3).
fn ldap_syntax(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Dn => "1.3.6.1.4.1.1466.115.121.1.12",
        Syntax::OrName => "1.2.840.113556.1.4.1221",
        Syntax::DnBinary => "1.2.840.113556.1.4.903",
        Syntax::DnString => "1.2.840.113556.1.4.904",
        Syntax::Oid => "1.3.6.1.4.1.1466.115.121.1.38",
        Syntax::Teletex => "1.2.840.113556.1.4.905",
        Syntax::Ia5 => "1.3.6.1.4.1.1466.115.121.1.26",
        Syntax::Numeric => "1.3.6.1.4.1.1466.115.121.1.36",
        Syntax::Boolean => "1.3.6.1.4.1.1466.115.121.1.7",
        Syntax::Integer => "1.3.6.1.4.1.1466.115.121.1.27",
        Syntax::Octets | Syntax::Sid => "1.3.6.1.4.1.1466.115.121.1.40",
        Syntax::Time => "1.3.6.1.4.1.1466.115.121.1.24",
        Syntax::Unicode => "1.3.6.1.4.1.1466.115.121.1.15",
        Syntax::SecurityDescriptor => "1.2.840.113556.1.4.907",
        Syntax::LargeInteger => "1.2.840.113556.1.4.906",
    }
}
