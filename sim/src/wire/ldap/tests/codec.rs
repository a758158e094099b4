//! What is written is read again as it was.

use super::*;

fn attribute_name() -> impl Strategy<Value = AttributeName> {
    "[a-zA-Z][a-zA-Z0-9;-]{0,12}".prop_map(|name| AttributeName::Text(name.into()))
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..20)
}

fn values() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(value(), 0..4)
}

fn filter() -> impl Strategy<Value = Filter> {
    let substrings = (prop::option::of(value()), values(), prop::option::of(value()))
        .prop_map(|(initial, any, last)| Substrings { initial, any, last });
    let given = substrings.prop_filter("a substring filter has parts", |parts| {
        parts.initial.is_some() || parts.last.is_some() || !parts.any.is_empty()
    });
    let extensible = (
        prop::option::of("[0-9.]{1,9}"),
        prop::option::of(attribute_name()),
        value(),
        any::<bool>(),
    );
    let leaf = prop_oneof![
        (attribute_name(), value()).prop_map(|(name, value)| Filter::Equality(name, value)),
        (attribute_name(), value()).prop_map(|(name, value)| Filter::GreaterOrEqual(name, value)),
        (attribute_name(), value()).prop_map(|(name, value)| Filter::LessOrEqual(name, value)),
        (attribute_name(), value()).prop_map(|(name, value)| Filter::Approximate(name, value)),
        attribute_name().prop_map(Filter::Present),
        (attribute_name(), given).prop_map(|(name, parts)| Filter::Substrings(name, parts)),
        extensible.prop_map(|(rule, attribute, value, dn_attributes)| {
            Filter::Extensible(Extensible { rule, attribute, value, dn_attributes })
        }),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

fn object_name() -> impl Strategy<Value = Name> {
    prop_oneof![
        "[A-Z]{2}=[a-zäöü ,]{1,20}".prop_map(Name::Dn),
        any::<[u8; 16]>().prop_map(|bytes| Name::Guid(Guid(bytes))),
        any::<u32>()
            .prop_map(|rid| { Name::Sid(Sid::from_text("S-1-5-21-1-2-3").unwrap().with_rid(rid)) }),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let scope = prop_oneof![Just(Scope::Base), Just(Scope::OneLevel), Just(Scope::Subtree)];
    let limits = (0..i32::MAX, 0..i32::MAX, any::<bool>());
    let selection = prop::collection::vec(attribute_name(), 0..4);
    let search = (object_name(), scope, filter(), selection, limits).prop_map(
        |(base, scope, filter, selection, (size, time, types_only))| {
            Operation::Search(SearchRequest {
                base,
                scope,
                filter,
                selection,
                size_limit: size.unsigned_abs(),
                time_limit: time.unsigned_abs(),
                types_only,
            })
        },
    );
    let kind = prop_oneof![
        Just(ChangeOperation::Add),
        Just(ChangeOperation::Delete),
        Just(ChangeOperation::Replace),
        Just(ChangeOperation::Increment),
    ];
    let change = (kind, attribute_name(), values())
        .prop_map(|(operation, attribute, values)| Change { operation, attribute, values });
    let modify = (object_name(), prop::collection::vec(change, 0..4))
        .prop_map(|(object, changes)| Operation::Modify(ModifyRequest { object, changes }));
    let attributes = prop::collection::vec((attribute_name(), values()), 0..4);
    let add = ("[A-Z]{2}=[a-z]{1,9}", attributes)
        .prop_map(|(dn, attributes)| Operation::Add(AddRequest { dn, attributes }));
    let rename = (object_name(), "CN=[a-z]{1,9}", any::<bool>(), prop::option::of(object_name()))
        .prop_map(|(object, new_rdn, delete_old_rdn, new_superior)| {
            Operation::ModifyDn(ModifyDnRequest { object, new_rdn, delete_old_rdn, new_superior })
        });
    let compare =
        (object_name(), attribute_name(), value()).prop_map(|(object, attribute, value)| {
            Operation::Compare(CompareRequest { object, attribute, value })
        });
    let delete = object_name().prop_map(|object| Operation::Delete(DeleteRequest { object }));
    prop_oneof![search, modify, add, rename, compare, delete]
}

fn control() -> impl Strategy<Value = Control> {
    let value = prop_oneof![
        (any::<u16>(), value())
            .prop_map(|(size, cookie)| ControlValue::PagedResults { size: size.into(), cookie }),
        Just(ControlValue::PermissiveModify),
        Just(ControlValue::DomainScope),
        Just(ControlValue::LazyCommit),
        prop::option::of(value())
            .prop_map(|value| ControlValue::Other { oid: "1.2.3.4".to_owned(), value }),
    ];
    (any::<bool>(), value).prop_map(|(critical, value)| Control { critical, value })
}

proptest! {
    #[test]
    fn requests_survive_the_wire(
        id in 1..i32::MAX,
        operation in operation(),
        controls in prop::collection::vec(control(), 0..3),
    ) {
        let sent = Message { id, body: Body::Directory(Request { operation, controls }) };
        prop_assert_eq!(message(&write(&sent)), Ok(sent));
    }

    #[test]
    fn damaged_messages_are_refused_without_a_panic(
        operation in operation(),
        at in any::<prop::sample::Index>(),
        byte: u8,
    ) {
        let sent = Message { id: 7, body: Body::Directory(Request::from(operation)) };
        let mut bytes = write(&sent);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = message(&bytes);
        let _ = message(&bytes[..at]);
        let (_, _) = session(forest(0)).handle(&bytes);
    }
}
