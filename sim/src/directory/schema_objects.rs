//! The schema as objects: one for every attribute and class below the head of the schema, and the
//! subschema that LDAP clients read ([MS-ADTS] 3.1.1.2, RFC 4512 4.2).

use std::fmt::Write as _;

use crate::clock::VirtualTime;
use crate::directory::derived::SCHEMA_CONTEXT;
use crate::directory::forest::Forest;
use crate::directory::schema::class::{Class, ClassKind};
use crate::directory::schema::syntax::Syntax;
use crate::directory::schema::{Attribute, known};
use crate::directory::system_objects::guid_of;
use crate::guid::Guid;

impl Forest {
    /// Loads what the schema has and the directory does not show yet.
    pub(super) fn add_schema_objects(&mut self, now: VirtualTime) {
        let Some(head) = self.contexts.get(SCHEMA_CONTEXT).map(|context| context.head) else {
            return;
        };
        let schema = std::sync::Arc::clone(&self.schema);
        let known_already = |forest: &Self, name: &str| {
            forest.dcs.first().is_some_and(|dc| dc.store.child(head, name).is_some())
        };
        if !known_already(self, "Aggregate") {
            self.load_system(None, head, "subSchema", "Aggregate", &[], now);
        }
        for attribute in schema.attributes() {
            if !known_already(self, &attribute.common_name) {
                let values = attribute_values(attribute);
                let values: Vec<_> =
                    values.iter().map(|(at, value)| (*at, value.as_slice())).collect();
                self.load_system(
                    None,
                    head,
                    "attributeSchema",
                    &attribute.common_name,
                    &values,
                    now,
                );
            }
        }
        for class in schema.classes() {
            if !known_already(self, &class.common_name) {
                let values = self.class_values(class);
                let values: Vec<_> =
                    values.iter().map(|(at, value)| (*at, value.as_slice())).collect();
                self.load_system(None, head, "classSchema", &class.common_name, &values, now);
            }
        }
    }

    fn class_values(&self, class: &Class) -> Vec<(u16, Vec<u8>)> {
        let category = match class.kind {
            ClassKind::Structural => "1",
            ClassKind::Abstract => "2",
            ClassKind::Auxiliary => "3",
        };
        let superior = class.superior.and_then(|at| self.schema.class(at));
        let superior = superior.map_or("top", |superior| &*superior.name);
        let rdn = self.schema.attribute(class.rdn_attribute).map_or("cn", |at| &*at.name);
        vec![
            (known::LDAP_DISPLAY_NAME, class.name.as_bytes().to_vec()),
            (known::GOVERNS_ID, class.oid.as_bytes().to_vec()),
            (known::OBJECT_CLASS_CATEGORY, category.as_bytes().to_vec()),
            (known::SUB_CLASS_OF, superior.as_bytes().to_vec()),
            (known::RDN_ATT_ID, rdn.as_bytes().to_vec()),
            (known::SCHEMA_ID_GUID, schema_guid(None, &class.oid).0.to_vec()),
        ]
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
                ClassKind::Structural => " STRUCTURAL",
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
fn schema_guid(known: Option<Guid>, oid: &str) -> Guid {
    known.unwrap_or_else(|| guid_of(&format!("schemaIDGUID {oid}")))
}

fn attribute_values(attribute: &Attribute) -> Vec<(u16, Vec<u8>)> {
    let text = |value: &str| value.as_bytes().to_vec();
    let boolean = |value: bool| text(if value { "TRUE" } else { "FALSE" });
    let mut values = vec![
        (known::LDAP_DISPLAY_NAME, text(&attribute.name)),
        (known::ATTRIBUTE_ID, text(&attribute.oid)),
        (known::ATTRIBUTE_SYNTAX, text(attribute.syntax.oid())),
        (known::OM_SYNTAX, text(&om_syntax(attribute.syntax).to_string())),
        (known::IS_SINGLE_VALUED, boolean(attribute.single)),
        (known::SEARCH_FLAGS, text(&attribute.search_flags.to_string())),
        (known::SYSTEM_ONLY, boolean(attribute.system_only)),
        (known::SCHEMA_ID_GUID, schema_guid(attribute.guid, &attribute.oid).0.to_vec()),
    ];
    if attribute.global_catalog {
        values.push((known::IS_MEMBER_OF_PARTIAL_ATTRIBUTE_SET, boolean(true)));
    }
    for (number, bound) in
        [(known::RANGE_LOWER, attribute.lower), (known::RANGE_UPPER, attribute.upper)]
    {
        values.extend(bound.map(|bound| (number, text(&bound.to_string()))));
    }
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
