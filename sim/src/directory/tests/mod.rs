//! The directory as a whole: the outcomes of Active Directory, row by row, and a naive model.

mod accounts;
mod delegates;
mod deleted;
mod descriptors;
mod forest_wide;
mod limits;
mod membership;
mod model;
mod outcomes;
mod rights;
mod schema_changes;
mod search;
mod settings;
mod validated;
mod windows;
mod world;

use crate::clock::VirtualTime;
use crate::directory::answer::{LdapResult, ResultCode, Written};
use crate::directory::entry::DcNumber;
use crate::directory::forest::{DcSpec, DomainNumber, DomainSpec, Forest};
use crate::directory::modify::Writer;
use crate::directory::name::Sid;
use crate::directory::principal::Principal;
use crate::directory::request::{AttributeName, Filter, Scope};
use crate::directory::request::{
    Change, ChangeOperation, ModifyRequest, Name, ObjectNumber, SearchRequest,
};
use crate::directory::schema::{Schema, known};
use crate::guid::Guid;
use crate::record::Record;

const DC: DcNumber = DcNumber(0);
const ROOT: &str = "DC=contoso,DC=com";

pub(super) fn now() -> VirtualTime {
    VirtualTime::from_micros(1_790_000_000_000_000)
}

pub(super) fn guid(number: u32) -> Guid {
    let mut bytes = [0; 16];
    // Against the order of creation, so that both orders can be told apart.
    bytes[..4].copy_from_slice(&(u32::MAX - number).to_be_bytes());
    Guid(bytes)
}

fn spec(dns: &str, netbios: &str) -> DomainSpec {
    let sid = Sid::from_text("S-1-5-21-1-2-3").unwrap();
    DomainSpec { dns: dns.into(), netbios: netbios.into(), sid }
}

fn dc_spec(host: &str) -> DcSpec {
    DcSpec { host: host.into(), site: "Site".into(), invocation_id: guid(1), read_only: false }
}

fn minter() -> impl FnMut() -> Guid {
    let mut next = 1_000_000;
    move || {
        next += 1;
        guid(next)
    }
}

pub(super) fn empty_forest(schema: Schema) -> Forest {
    Forest::new(schema, &spec("contoso.com", "CONTOSO"), dc_spec("DC01"), now(), &mut minter())
}

/// A forest with some users below `OU=People`: `user0`, `user1`, ...
fn forest_with(people: u32) -> (Forest, Vec<ObjectNumber>) {
    forest_of(Schema::base().with_exchange(), people)
}

fn forest_of(schema: Schema, people: u32) -> (Forest, Vec<ObjectNumber>) {
    let mut forest = empty_forest(schema);
    let head = forest.domains()[0].head;
    let domain = DomainNumber(0);
    let mut mint = minter();
    let unit = forest.load_container(domain, head, "organizationalUnit", "People", mint(), now());
    let class = forest.schema().class_named("user").unwrap().number;
    let mut objects = Vec::new();
    for number in 0..people {
        let account = format!("user{number}");
        let upn = format!("{account}@contoso.com");
        let sid = forest.domains()[0].sid.with_rid(1000 + number);
        let record = Record::from_sorted([
            (known::CN, [account.as_bytes()]),
            (known::SAM_ACCOUNT_NAME, [account.as_bytes()]),
            (known::USER_PRINCIPAL_NAME, [upn.as_bytes()]),
            (known::OBJECT_SID, [sid.as_bytes()]),
        ]);
        objects.push(forest.load(domain, unit, class, guid(number), record, now()));
    }
    (forest, objects)
}

fn change(operation: ChangeOperation, attribute: &str, values: &[&str]) -> Change {
    let values = values.iter().map(|value| value.as_bytes().to_vec()).collect();
    Change { operation, attribute: attribute.into(), values }
}

pub(super) fn add(attribute: &str, values: &[&str]) -> Change {
    change(ChangeOperation::Add, attribute, values)
}

pub(super) fn delete(attribute: &str, values: &[&str]) -> Change {
    change(ChangeOperation::Delete, attribute, values)
}

pub(super) fn replace(attribute: &str, values: &[&str]) -> Change {
    change(ChangeOperation::Replace, attribute, values)
}

fn modify_as(
    forest: &mut Forest,
    principal: &Principal,
    object: ObjectNumber,
    changes: Vec<Change>,
) -> Result<Written, LdapResult> {
    let writer = Writer::new(DC, principal, now());
    forest.modify(&writer, &ModifyRequest { object: Name::Number(object), changes })
}

fn modify(
    forest: &mut Forest,
    object: ObjectNumber,
    changes: Vec<Change>,
) -> Result<Written, LdapResult> {
    modify_as(forest, &Principal::system(), object, changes)
}

fn refused(result: Result<Written, LdapResult>) -> (ResultCode, String) {
    let refusal = result.unwrap_err();
    (refusal.code, refusal.diagnostic.get(4..8).unwrap_or_default().to_owned())
}

fn texts(forest: &Forest, object: ObjectNumber, attribute: &str) -> Vec<String> {
    let values = forest.values(DC, object, attribute);
    values.into_iter().map(|value| String::from_utf8(value).unwrap()).collect()
}

fn search_for(filter: Filter) -> SearchRequest {
    SearchRequest {
        base: Name::from_text(ROOT),
        scope: Scope::Subtree,
        filter,
        selection: vec![AttributeName::from("cn")],
        size_limit: 0,
        time_limit: 0,
        types_only: false,
    }
}

fn equal(attribute: &str, value: &str) -> Filter {
    Filter::Equality(attribute.into(), value.as_bytes().to_vec())
}

/// What a search finds of the objects that are not in every forest.
fn found(forest: &Forest, filter: Filter) -> Vec<ObjectNumber> {
    let hits = forest.search_hits(DC, &Principal::system(), &search_for(filter), None).unwrap();
    let own = hits
        .hits
        .into_iter()
        .filter(|hit| hit.entry.record.text(known::IS_CRITICAL_SYSTEM_OBJECT) != Some("TRUE"));
    own.map(|hit| hit.object).collect()
}
