//! The opposite of the decoder, for its tests: requests to bytes.

use super::ber::{BOOLEAN, ENUMERATED, INTEGER, OCTETS, SEQUENCE, SET, Writer};
use super::decode::{Body, Message};
use super::encode::write_controls;
use super::tags;
use crate::directory::request::{
    AttributeName, ChangeOperation, Filter, Name, Operation, Request, Scope, SearchRequest,
};

/// The bytes of a message.
pub(super) fn write(message: &Message) -> Vec<u8> {
    let mut writer = Writer::default();
    let w = &mut writer;
    let end = w.open();
    match &message.body {
        Body::Bind { version, request } => {
            let body = w.open();
            w.octets(tags::SIMPLE, &request.password);
            w.octets(OCTETS, request.name.as_bytes());
            w.number(INTEGER, *version);
            w.close(tags::BIND_REQUEST, body);
        }
        Body::SaslBind { mechanism } => {
            let body = w.open();
            let sasl = w.open();
            w.octets(OCTETS, mechanism.as_bytes());
            w.close(tags::SASL, sasl);
            w.octets(OCTETS, &[]);
            w.number(INTEGER, 3);
            w.close(tags::BIND_REQUEST, body);
        }
        Body::Invalid { .. } | Body::TooLarge { .. } => {
            unreachable!("nobody asks for what is invalid on purpose")
        }
        Body::OtherBind => {
            let body = w.open();
            w.octets(0x81, &[]);
            w.octets(OCTETS, &[]);
            w.number(INTEGER, 3);
            w.close(tags::BIND_REQUEST, body);
        }
        Body::Unbind => w.octets(tags::UNBIND_REQUEST, &[]),
        Body::Abandon(id) => w.number(tags::ABANDON_REQUEST, i64::from(*id)),
        Body::Extended { oid, value } => {
            let body = w.open();
            if let Some(value) = value {
                w.octets(tags::REQUEST_VALUE, value);
            }
            w.octets(tags::REQUEST_NAME, oid.as_bytes());
            w.close(tags::EXTENDED_REQUEST, body);
        }
        Body::Directory(request) => write_request(w, request),
    }
    w.number(INTEGER, i64::from(message.id));
    w.close(SEQUENCE, end);
    writer.bytes().to_vec()
}

fn write_request(w: &mut Writer, request: &Request) {
    write_controls(w, &request.controls);
    let body = w.open();
    let tag = match &request.operation {
        Operation::Search(search) => {
            write_search(w, search);
            tags::SEARCH_REQUEST
        }
        Operation::Modify(modify) => {
            let list = w.open();
            for change in modify.changes.iter().rev() {
                let element = w.open();
                write_attribute(w, &change.attribute, &change.values);
                let operation = match change.operation {
                    ChangeOperation::Add => 0,
                    ChangeOperation::Delete => 1,
                    ChangeOperation::Replace => 2,
                    ChangeOperation::Increment => 3,
                };
                w.number(ENUMERATED, operation);
                w.close(SEQUENCE, element);
            }
            w.close(SEQUENCE, list);
            w.octets(OCTETS, name(&modify.object).as_bytes());
            tags::MODIFY_REQUEST
        }
        Operation::Add(add) => {
            let list = w.open();
            for (name, values) in add.attributes.iter().rev() {
                write_attribute(w, name, values);
            }
            w.close(SEQUENCE, list);
            w.octets(OCTETS, add.dn.as_bytes());
            tags::ADD_REQUEST
        }
        Operation::Delete(delete) => {
            w.raw(name(&delete.object).as_bytes());
            tags::DELETE_REQUEST
        }
        Operation::ModifyDn(rename) => {
            if let Some(superior) = &rename.new_superior {
                w.octets(tags::NEW_SUPERIOR, name(superior).as_bytes());
            }
            w.boolean(BOOLEAN, rename.delete_old_rdn);
            w.octets(OCTETS, rename.new_rdn.as_bytes());
            w.octets(OCTETS, name(&rename.object).as_bytes());
            tags::MODIFY_DN_REQUEST
        }
        Operation::Compare(compare) => {
            let assertion = w.open();
            w.octets(OCTETS, &compare.value);
            w.octets(OCTETS, text(&compare.attribute));
            w.close(SEQUENCE, assertion);
            w.octets(OCTETS, name(&compare.object).as_bytes());
            tags::COMPARE_REQUEST
        }
    };
    w.close(tag, body);
}

fn write_search(w: &mut Writer, search: &SearchRequest) {
    let names = w.open();
    for name in search.selection.iter().rev() {
        w.octets(OCTETS, text(name));
    }
    w.close(SEQUENCE, names);
    write_filter(w, &search.filter);
    w.boolean(BOOLEAN, search.types_only);
    w.number(INTEGER, i64::from(search.time_limit));
    w.number(INTEGER, i64::from(search.size_limit));
    w.number(ENUMERATED, 0);
    let scope = match search.scope {
        Scope::Base => 0,
        Scope::OneLevel => 1,
        Scope::Subtree => 2,
    };
    w.number(ENUMERATED, scope);
    w.octets(OCTETS, name(&search.base).as_bytes());
}

fn write_attribute(w: &mut Writer, name: &AttributeName, values: &[Vec<u8>]) {
    let end = w.open();
    let set = w.open();
    for value in values.iter().rev() {
        w.octets(OCTETS, value);
    }
    w.close(SET, set);
    w.octets(OCTETS, text(name));
    w.close(SEQUENCE, end);
}

fn write_filter(w: &mut Writer, filter: &Filter) {
    let end = w.open();
    let mut assertion = |name: &AttributeName, value: &[u8]| {
        w.octets(OCTETS, value);
        w.octets(OCTETS, text(name));
    };
    let tag = match filter {
        Filter::Equality(name, value) => {
            assertion(name, value);
            tags::FILTER_EQUALITY
        }
        Filter::GreaterOrEqual(name, value) => {
            assertion(name, value);
            tags::FILTER_GREATER
        }
        Filter::LessOrEqual(name, value) => {
            assertion(name, value);
            tags::FILTER_LESS
        }
        Filter::Approximate(name, value) => {
            assertion(name, value);
            tags::FILTER_APPROXIMATE
        }
        Filter::Present(name) => {
            w.raw(text(name));
            tags::FILTER_PRESENT
        }
        Filter::And(filters) => {
            filters.iter().rev().for_each(|inner| write_filter(w, inner));
            tags::FILTER_AND
        }
        Filter::Or(filters) => {
            filters.iter().rev().for_each(|inner| write_filter(w, inner));
            tags::FILTER_OR
        }
        Filter::Not(inner) => {
            write_filter(w, inner);
            tags::FILTER_NOT
        }
        Filter::Substrings(name, parts) => {
            let list = w.open();
            if let Some(last) = &parts.last {
                w.octets(tags::SUBSTRING_LAST, last);
            }
            for part in parts.any.iter().rev() {
                w.octets(tags::SUBSTRING_ANY, part);
            }
            if let Some(initial) = &parts.initial {
                w.octets(tags::SUBSTRING_INITIAL, initial);
            }
            w.close(SEQUENCE, list);
            w.octets(OCTETS, text(name));
            tags::FILTER_SUBSTRINGS
        }
        Filter::Extensible(extensible) => {
            if extensible.dn_attributes {
                w.boolean(tags::EXTENSIBLE_DN, true);
            }
            w.octets(tags::EXTENSIBLE_VALUE, &extensible.value);
            if let Some(name) = &extensible.attribute {
                w.octets(tags::EXTENSIBLE_ATTRIBUTE, text(name));
            }
            if let Some(rule) = &extensible.rule {
                w.octets(tags::EXTENSIBLE_RULE, rule.as_bytes());
            }
            tags::FILTER_EXTENSIBLE
        }
    };
    w.close(tag, end);
}

fn text(name: &AttributeName) -> &[u8] {
    match name {
        AttributeName::Text(text) => text.as_bytes(),
        AttributeName::Number(_) => unreachable!("numbers never go over the wire"),
    }
}

fn name(name: &Name) -> String {
    name.to_string()
}
