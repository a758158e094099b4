//! How each parameter of the cmdlets that read is tried: what it is given, how many rows come, and what is refused.

use serde_json::{Value, json};

use super::call::Who;
use super::exchange::cmdlet;
use super::parameters::{Refused, SEARCH};
use super::served::Served;

/// How the parameter of a cmdlet that reads is tried: what is given, how many rows come, and what is
/// refused.
fn reading(cmdlet: &str, parameter: &str) -> Option<(Value, usize, Refused)> {
    let role = Refused::Role("unassigned");
    // Nobody but mail users: `serve` has none.
    let found = usize::from(cmdlet != "Get-MailUser");
    if cmdlet == SEARCH {
        let any = usize::MAX;
        return Some(match parameter {
            "StartDate" => (json!("2026-01-01"), any, Refused::Value(json!("soon"), 400)),
            "EndDate" => (json!("2027-12-31"), any, Refused::Value(json!("soon"), 400)),
            "ResultSize" => (json!(1), 1, Refused::Value(json!("many"), 400)),
            "Operations" => (json!(["Set-Mailbox"]), 1, role),
            "RecordType" => (json!("ExchangeAdmin"), 1, role),
            "UserIds" | "ObjectIds" => (json!(["nobody"]), 0, role),
            "FreeText" => (json!("IsExchangeCloudManaged"), 1, role),
            "SessionId" => (json!("parity"), 1, role),
            "SessionCommand" => (json!("ReturnLargeSet"), 1, role),
            "Formatted" | "HighCompleteness" => (json!(true), 1, role),
            "Confirm" => (json!(false), any, role),
            "ErrorAction" | "WarningAction" => (json!("Stop"), any, role),
            _ => return None,
        });
    }
    Some(match parameter {
        "Identity" => (json!("<upn>"), 1, Refused::Value(json!("nobody@nowhere.example"), 404)),
        "Filter" => (
            json!("UserPrincipalName -eq '<upn>'"),
            found,
            Refused::Value(json!("UserPrincipalName -nonsense"), 400),
        ),
        "ResultSize" => (json!("2"), 2 * found, Refused::Value(json!("many"), 400)),
        "RecipientTypeDetails" => (
            json!(["RoomMailbox", "SharedMailbox"]),
            usize::MAX,
            Refused::Value(json!(["Nonsense"]), 400),
        ),
        "RecipientType" => {
            (json!(["UserMailbox"]), usize::MAX, Refused::Value(json!(["Nonsense"]), 400))
        }
        "AuthenticationType" => {
            (json!("Managed"), usize::MAX, Refused::Value(json!("Nonsense"), 400))
        }
        "SortBy" => (json!("Alias"), usize::MAX, Refused::Value(json!("Nonsense"), 400)),
        "Anr" => (json!("<upn>"), found, role),
        "RecipientPreviewFilter" => (
            json!("UserPrincipalName -eq '<upn>'"),
            found,
            Refused::Value(json!("UserPrincipalName -nonsense"), 400),
        ),
        "OrganizationalUnit" => (json!("nowhere.example"), 0, role),
        "Capabilities" => (json!(["None"]), 0, role),
        "GroupMailbox"
        | "InactiveMailboxOnly"
        | "IsVIP"
        | "Migration"
        | "PublicFolder"
        | "SoftDeletedMailbox"
        | "SoftDeletedMailUser" => (json!(true), 0, role),
        "MailboxPlan" => (json!("ExchangeOnlineEnterprise"), usize::MAX, role),
        "Properties" => (json!(["Alias"]), usize::MAX, role),
        "PropertySet" => (json!("All"), usize::MAX, role),
        "Archive" | "IncludeInactiveMailbox" | "IncludeSoftDeletedRecipients" => {
            (json!(true), usize::MAX, role)
        }
        name if name.starts_with("Include") => (json!(true), usize::MAX, role),
        "Confirm" => (json!(false), usize::MAX, role),
        "ErrorAction" | "WarningAction" => (json!("Stop"), usize::MAX, role),
        _ => return None,
    })
}

pub(super) async fn read(
    served: &mut Served,
    name: &str,
    parameter: &str,
) -> Option<(String, String)> {
    let (good, count, refused) = reading(name, parameter)?;
    let with = |value: &Value| {
        let mut given = match name {
            SEARCH => json!({"StartDate": "2026-01-01", "EndDate": "2027-12-31"}),
            _ => json!({}),
        };
        given[parameter] = value.clone();
        cmdlet(name, given)
    };
    let success = served.expect(&with(&good)).await;
    let found = success.json["value"].as_array().map(Vec::len);
    if count != usize::MAX {
        let about = || format!("{name} -{parameter}: {count} expected: {}", success.text);
        served.problems.extend((found != Some(count)).then(about));
    }
    let refusal = match &refused {
        Refused::Value(value, status) => with(value).is(*status),
        Refused::Role(role) => with(&good).by(Who::Client(role)).is(403),
        Refused::WriteScope => return None,
    };
    let refusal = served.expect(&refusal).await;
    Some((success.shown(), refusal.shown()))
}
