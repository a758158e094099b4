//! One mailbox on the three sides, as the control API shows it: the estate's own truth.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sim::directory::forests::AdObject;
use sim::directory::name::Sid;
use sim::directory::principal::Principal;
use sim::directory::request::{Filter, Name, Scope, SearchRequest};
use sim::directory::schema::syntax::Syntax;
use sim::entra;
use sim::estate::{Estate, Subject};
use sim::exchange::property::{self, PROPERTIES};
use sim::exchange::{Mailbox, address};
use sim::guid::Guid;
use sim::ledger::ObjectKey;
use sim::powershell::ParameterKind;
use sim::record::{AttributeNumber, Record};

use crate::observe::attribute_name;

/// A mailbox by user principal name, alias, address, id or name; `None` when there is none.
pub(super) fn mailbox(estate: &mut Estate, name: &str) -> Option<Value> {
    let number = estate.exchange.find(name).or_else(|| estate.subject(name)?.exchange)?;
    let subject = estate.subject_of_mailbox(number)?.clone();
    let mailbox = estate.exchange.mailbox(number)?;
    let in_cloud = mailbox.cloud_managed || !mailbox.dir_synced;
    let exchange = exchange(mailbox);
    Some(json!({
        "ad": subject.ad.map(|object| ad(estate, object)),
        "entra": subject.entra.and_then(|number| entra(estate, number)),
        "exchange": exchange,
        "authority": if in_cloud { "cloud" } else { "on-premises" },
        "last_writers": last_writers(estate, &subject),
    }))
}

/// Every attribute that has a value, as LDAP shows it; bytes as Base64.
fn ad(estate: &Estate, object: AdObject) -> Value {
    let Some(forest) = estate.forests.get(object.forest) else { return Value::Null };
    let search = SearchRequest {
        base: Name::Number(object.number),
        scope: Scope::Base,
        filter: Filter::Present("objectClass".into()),
        selection: Vec::new(),
        size_limit: 0,
        time_limit: 0,
        types_only: false,
    };
    let response = forest.search(object.dc, &Principal::system(), estate.now(), &search, &[]);
    let Some(entry) = response.entries.into_iter().next() else { return Value::Null };
    let schema = forest.schema();
    let mut shown = Map::new();
    for (name, values) in entry.attributes {
        let attribute = schema.attribute_named(&name);
        let syntax = attribute.map_or(Syntax::Octets, |attribute| attribute.syntax);
        let mut values: Vec<Value> =
            values.iter().map(|value| Value::String(text(&name, syntax, value))).collect();
        let single = attribute.is_some_and(|attribute| attribute.single) && values.len() == 1;
        let value = if single { values.remove(0) } else { Value::Array(values) };
        shown.insert(name.to_string(), value);
    }
    Value::Object(shown)
}

fn text(name: &str, syntax: Syntax, value: &[u8]) -> String {
    let guid = || <[u8; 16]>::try_from(value).ok().map(|bytes| Guid(bytes).to_string());
    let shown = match syntax {
        Syntax::Octets if name.eq_ignore_ascii_case("objectGUID") => guid(),
        Syntax::Octets | Syntax::SecurityDescriptor => None,
        Syntax::Sid => Sid::from_bytes(value).map(|sid| sid.to_string()),
        _ => std::str::from_utf8(value).ok().map(str::to_owned),
    };
    shown.unwrap_or_else(|| STANDARD.encode(value))
}

/// Every property that `Get-Mailbox` knows here.
fn exchange(mailbox: &Mailbox) -> Value {
    let list = texts(&mailbox.record, property::EMAIL_ADDRESSES);
    let primary = address::primary(list.iter().map(String::as_str));
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    put("ExternalDirectoryObjectId", mailbox.id.to_string().into());
    put("RecipientTypeDetails", mailbox.kind.details().into());
    put("IsDirSynced", mailbox.dir_synced.into());
    put("IsExchangeCloudManaged", mailbox.cloud_managed.into());
    put("WhenChangedUTC", mailbox.when_changed.floor_to_second().to_string().into());
    put("PrimarySmtpAddress", primary.into());
    for (number, spec) in (0..).zip(PROPERTIES) {
        let values = texts(&mailbox.record, number);
        let value = match spec.kind {
            ParameterKind::MultiValue => values.into(),
            ParameterKind::Boolean => {
                values.first().is_some_and(|value| value.eq_ignore_ascii_case("true")).into()
            }
            _ => values.into_iter().next().into(),
        };
        put(spec.name, value);
    }
    Value::Object(shown)
}

/// Every property of the user that Graph knows here.
fn entra(estate: &Estate, number: u32) -> Option<Value> {
    let user = estate.entra.user(number)?;
    let mut shown = Map::new();
    let mut extension = Map::new();
    for (number, name) in entra::property::all() {
        let mut values = texts(&user.record, number);
        if name.starts_with("extensionAttribute") {
            extension.insert(name.to_owned(), values.pop().into());
        } else if matches!(name, "proxyAddresses" | "businessPhones") {
            shown.insert(name.to_owned(), values.into());
        } else {
            shown.insert(name.to_owned(), values.pop().into());
        }
    }
    let mut whole = json!({
        "id": user.id.to_string(),
        "onPremisesSyncEnabled": user.sync_enabled,
        "onPremisesImmutableId": user.source_anchor.map(|anchor| STANDARD.encode(anchor.0)),
        "isCloudManaged": user.object_cloud_managed,
        "onPremisesExtensionAttributes": extension,
    });
    whole.as_object_mut()?.append(&mut shown);
    Some(whole)
}

/// Who wrote each attribute last, for those that anybody wrote since the start.
fn last_writers(estate: &Estate, subject: &Subject) -> Value {
    let ad = subject.ad.map(|ad| ObjectKey::ad(ad.forest, ad.number));
    let forest = subject.ad.and_then(|ad| estate.forests.get(ad.forest));
    let attributes = forest.into_iter().flat_map(|forest| forest.schema().attributes());
    let states =
        [property::FLAG, property::RECIPIENT_TYPE_DETAILS, property::IS_DIR_SYNCED].into_iter();
    let properties = (0..).zip(PROPERTIES).map(|(number, _)| number).chain(states);
    let places = [
        (ad, attributes.map(|a| a.number).collect::<Vec<_>>()),
        (
            subject.entra.map(ObjectKey::entra),
            entra::property::all().map(|(number, _)| number).collect(),
        ),
        (subject.exchange.map(ObjectKey::exchange), properties.collect()),
    ];
    let mut writers = Map::new();
    for (object, attributes) in places {
        let Some(key) = object else { continue };
        for attribute in attributes {
            let Some(last) = estate.ledger.last_writer(key, attribute) else { continue };
            let name = format!("{}.{}", key.side.short(), attribute_name(estate, key, attribute));
            let authority = |in_cloud| if in_cloud { "cloud" } else { "on-premises" };
            let writer = json!({
                "by": &*last.actor.name,
                "activity": last.actor.activity.word(),
                "at": last.at.to_string(),
                "authority": last.cloud_managed.map(authority),
            });
            writers.insert(name, writer);
        }
    }
    Value::Object(writers)
}

fn texts(record: &Record, number: AttributeNumber) -> Vec<String> {
    record.values(number).map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}
