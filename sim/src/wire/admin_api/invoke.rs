//! `InvokeCommand`: one cmdlet, its output as JSON.

use serde_json::{Value, json};

use super::body::Body;
use super::{Caller, Links, error, row};
use crate::estate::Estate;
use crate::exchange::audit::AuditRecord;
use crate::exchange::cmdlets::{Output, Rows};
use crate::powershell::{Argument, CmdletCall};
use crate::wire::json;
use crate::wire::message::Answer;

/// Most rows of a page (Microsoft Learn, "Exchange Online Admin API overview": 1,000 by default).
pub(super) const PAGE: usize = 1_000;

const MORE_RESULTS: &str = "There are more results available than are currently displayed. To view them, increase the value for the ResultSize parameter.";

/// Runs the cmdlet of a request.
pub(super) fn answer(
    estate: &mut Estate,
    caller: &Caller,
    links: &Links<'_>,
    body: Result<Body, serde_json::Error>,
) -> Answer {
    let call: CmdletCall = match body {
        Ok(body) => body.into(),
        Err(why) => return error::of_body(caller, &why, estate.now()),
    };
    let page = links.address.query.get("skiptoken");
    let size = links.prefer.and_then(page_size).unwrap_or(PAGE);
    let output = estate.cmdlet(caller, &call, page, size);
    // The cmdlet itself may have moved the clock.
    let at = estate.now();
    let answer = match output {
        Ok(output) => Answer::new(200, error::JSON, success(estate, links, &call, &output), at)
            .with("odata-version", "4.0")
            .with("preference-applied", "odata.include-annotations=\"*\""),
        Err(refusal) => error::of_cmdlet(&refusal, at),
    };
    with_budget(estate, caller, answer)
}

/// With the headers that say what is left of the caller's budget, where the profile has them.
fn with_budget(estate: &Estate, caller: &Caller, answer: Answer) -> Answer {
    if !estate.profile.is_on("exo_rate_limit_headers") {
        return answer;
    }
    let Some((limit, left, whole)) = estate.exchange_budget(caller) else { return answer };
    let mut reset = Vec::with_capacity(32);
    json::instant(&mut reset, whole, ".0000000Z");
    let reset = String::from_utf8_lossy(&reset);
    answer
        .with("rate-limit-limit", &limit.to_string())
        .with("rate-limit-remaining", &left.to_string())
        .with("rate-limit-reset", reset.trim_matches('"'))
}

/// `odata.maxpagesize` of a `Prefer` header, which may hold blanks and further preferences.
pub(super) fn page_size(prefer: &str) -> Option<usize> {
    prefer
        .split([';', ','])
        .filter_map(|preference| preference.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("odata.maxpagesize"))
        .and_then(|(_, value)| value.trim().trim_matches('"').parse().ok())
        .filter(|size| *size > 0)
        .map(|size: usize| size.min(PAGE))
}

fn success(estate: &Estate, links: &Links<'_>, call: &CmdletCall, output: &Output) -> Vec<u8> {
    let next = output.next.as_deref().map(|token| links.address.next_link(links.base, token));
    let mut warnings: Vec<&str> = output.warnings.iter().map(String::as_str).collect();
    let unlimited =
        call.text("ResultSize").is_some_and(|size| size.eq_ignore_ascii_case("Unlimited"));
    if next.is_some() && !unlimited {
        warnings.push(MORE_RESULTS);
    }
    let mut out = Vec::with_capacity(match &output.rows {
        Rows::Mailboxes(rows) | Rows::Recipients(_, rows, _) => 512 + rows.len() * 1_024,
        _ => 512,
    });
    out.extend_from_slice(b"{\"@odata.context\":");
    let tenant = estate.entra.tenant;
    let context = format!(
        "{}/adminapi/beta/{tenant}/$metadata#Collection(Exchange.GenericHashTable)",
        links.base
    );
    json::string(&mut out, &context);
    out.extend_from_slice(
        b",\"adminapi.warnings@odata.type\":\"#Collection(String)\",\"@adminapi.warnings\":",
    );
    json::strings(&mut out, warnings.iter().map(|warning| warning.as_bytes()));
    if let Some(next) = next {
        out.extend_from_slice(b",\"@odata.nextLink\":");
        json::string(&mut out, &next);
    }
    out.extend_from_slice(b",\"value\":");
    let mut list = json::List::after(out);
    let select = links.address.query.select();
    match &output.rows {
        Rows::None => {}
        Rows::Mailboxes(rows) => {
            row::mailboxes(&mut list, estate, rows, &row::columns(select.as_deref()));
        }
        Rows::Recipients(view, rows, others) => {
            let named = call.parameter("Properties").map(Argument::texts);
            let named: Option<Vec<&str>> =
                named.as_ref().map(|names| names.iter().map(String::as_str).collect());
            let names = select.as_deref().or(named.as_deref());
            row::mailboxes(&mut list, estate, rows, &row::columns_of(*view, names));
            write_objects(&mut list, others, names);
        }
        Rows::AcceptedDomains => {
            for domain in &estate.exchange.accepted_domains {
                let text = accepted_domain(estate, domain, select.as_deref());
                list.next().extend_from_slice(text.as_bytes());
            }
        }
        Rows::Audit { records, all, before } => {
            for (index, place) in records.iter().enumerate() {
                let Some(record) = estate.exchange.audit.records().get(*place) else { continue };
                let text = audit_record(estate, record, before + index + 1, *all);
                list.next().extend_from_slice(text.as_bytes());
            }
        }
        Rows::Objects(objects) => write_objects(&mut list, objects, select.as_deref()),
        Rows::Organization => {
            let text = organization(estate, select.as_deref());
            list.next().extend_from_slice(text.as_bytes());
        }
    }
    let mut out = list.end();
    out.push(b'}');
    out
}

/// Objects with the members that are wanted.
pub(super) fn write_objects(list: &mut json::List, objects: &[Value], select: Option<&[&str]>) {
    let wanted = |name: &String| {
        select.is_none_or(|names| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
    };
    for object in objects {
        let members = object.as_object().into_iter().flatten();
        write_object(list.next(), members.filter(|(name, _)| wanted(name)));
    }
}

/// An object with the annotations of its collections before them.
fn write_object<'o>(out: &mut Vec<u8>, members: impl Iterator<Item = (&'o String, &'o Value)>) {
    out.push(b'{');
    for (place, (name, value)) in members.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        if value.is_array() {
            out.extend_from_slice(
                format!("\"{name}@odata.type\":\"#Collection(String)\",").as_bytes(),
            );
        }
        json::string(out, name);
        out.push(b':');
        out.extend_from_slice(value.to_string().as_bytes());
    }
    out.push(b'}');
}

/// `Get-OrganizationConfig`. The tenant default is read back as
/// `BlockExchangeProvisioningFromOnPremEnabled` (Microsoft Learn, "Cloud-based management of Exchange
/// attributes").
fn organization(estate: &Estate, select: Option<&[&str]>) -> String {
    let name = &estate.domains.initial;
    let mut record = json!({
        "Name": name,
        "Identity": name,
        "Id": name,
        "DisplayName": estate.domains.verified,
        "ExternalDirectoryOrganizationId@data.type": "System.Guid",
        "ExternalDirectoryOrganizationId@odata.type": "#Guid",
        "ExternalDirectoryOrganizationId": estate.entra.tenant.to_string(),
        "IsDehydrated": false,
        "BlockExchangeProvisioningFromOnPremEnabled": estate.exchange.cloud_managed_by_default,
        "IsValid": true,
    });
    keep(&mut record, select);
    record.to_string()
}

/// A record of `Search-UnifiedAuditLog`: the telling part is JSON in a text (Microsoft Learn, "Detailed
/// properties in the audit log").
fn audit_record(estate: &Estate, record: &AuditRecord, index: usize, all: usize) -> String {
    let at = record.at.floor_to_second().to_string();
    let at = at.trim_end_matches('Z');
    let named = format!("{at} {} {} {}", record.user, record.operation, record.object);
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, named.as_bytes()).to_string();
    let parameters: Value = serde_json::from_str(&record.parameters).unwrap_or_default();
    let data = json!({
        "CreationTime": at,
        "Id": id,
        "Operation": record.operation,
        "OrganizationId": estate.entra.tenant.to_string(),
        "RecordType": 1,
        "ResultStatus": "True",
        "UserKey": &*record.user,
        "UserType": 2,
        "Version": 1,
        "Workload": "Exchange",
        "ObjectId": &*record.object,
        "UserId": &*record.user,
        "Parameters": parameters,
    });
    json!({
        "RecordType": "ExchangeAdmin",
        "CreationDate@data.type": "System.DateTime",
        "CreationDate": format!("{at}.0000000Z"),
        "UserIds": &*record.user,
        "Operations": record.operation,
        "AuditData": data.to_string(),
        "ResultIndex@data.type": "System.Int32",
        "ResultIndex": index,
        "ResultCount@data.type": "System.Int32",
        "ResultCount": all,
        "Identity": id,
        "IsValid": true,
        "ObjectState": "Unchanged",
    })
    .to_string()
}

fn accepted_domain(estate: &Estate, domain: &str, select: Option<&[&str]>) -> String {
    let is = |known: &str| known.eq_ignore_ascii_case(domain);
    let mut record = json!({
        "DomainName": domain,
        "Name": domain,
        "Identity": domain,
        "DomainType": "Authoritative",
        "Default": is(&estate.domains.verified),
        "InitialDomain": is(&estate.domains.initial),
        "MatchSubDomains": false,
        "IsValid": true,
    });
    keep(&mut record, select);
    record.to_string()
}

/// Keeps what a `$select` names, with its annotations.
fn keep(record: &mut Value, select: Option<&[&str]>) {
    if let (Some(names), Some(members)) = (select, record.as_object_mut()) {
        members.retain(|member, _| {
            let property = member.split('@').next().unwrap_or_default();
            names.iter().any(|name| name.eq_ignore_ascii_case(property))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page size is wished for in several spellings, one of them with blanks.
    #[test]
    fn page_sizes_are_read_from_prefer() {
        assert_eq!(page_size("odata.maxpagesize=10"), Some(10));
        assert_eq!(
            page_size("odata.continue-on-error; odata.maxpagesize = 7;respond-async"),
            Some(7)
        );
        assert_eq!(page_size("odata.maxpagesize=50000"), Some(PAGE));
        assert_eq!(page_size("odata.maxpagesize=0"), None);
        assert_eq!(page_size("return=minimal"), None);
    }
}
