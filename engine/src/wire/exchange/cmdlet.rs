//! Cmdlets and their parameters as JSON.
//!
//! Sources: the `Get-Mailbox` and `Set-Mailbox` references (which parameters are
//! `MultiValuedProperty` or a collection); Exchange Online Admin API overview (`CmdletInput`).

use reqwest::Url;
use serde_json::{Map, Value, json};

use crate::ports::{MailboxChange, MailboxId, is_of_user};
use crate::time::Timestamp;

/// Parameters of `Set-Mailbox` that take a collection.
const COLLECTIONS: [&str; 25] = [
    "AcceptMessagesOnlyFrom",
    "AcceptMessagesOnlyFromDLMembers",
    "AcceptMessagesOnlyFromSendersOrMembers",
    "AuditAdmin",
    "AuditDelegate",
    "AuditOwner",
    "BypassModerationFromSendersOrMembers",
    "EmailAddressDisplayNames",
    "EmailAddresses",
    "ExtensionCustomAttribute1",
    "ExtensionCustomAttribute2",
    "ExtensionCustomAttribute3",
    "ExtensionCustomAttribute4",
    "ExtensionCustomAttribute5",
    "GrantSendOnBehalfTo",
    "Languages",
    "MailTipTranslations",
    "ModeratedBy",
    "RejectMessagesFrom",
    "RejectMessagesFromDLMembers",
    "RejectMessagesFromSendersOrMembers",
    "ResourceCustom",
    "UMDtmfMap",
    "UserCertificate",
    "UserSMimeCertificate",
];

/// The body of an `InvokeCommand` request.
pub(super) fn body(cmdlet: &str, parameters: &Map<String, Value>) -> Value {
    json!({"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}})
}

/// The body of a `$batch` request with these cmdlet bodies, numbered from 0. Its addresses are
/// absolute, as public tools send them.
pub(super) fn batch(cmdlet: &str, url: &Url, anchor: &str, bodies: Vec<Value>) -> Value {
    let requests: Vec<Value> = bodies
        .into_iter()
        .enumerate()
        .map(|(number, body)| {
            json!({
                "id": number.to_string(),
                "method": "POST",
                "url": url.as_str(),
                "headers": {
                    "X-CmdletName": cmdlet,
                    "X-AnchorMailbox": anchor,
                    "Content-Type": "application/json",
                },
                "body": body,
            })
        })
        .collect();
    json!({"requests": requests})
}

/// `Get-Mailbox` of everything that changed at or after `since`, oldest first.
pub(super) fn changed_since(since: Option<Timestamp>) -> Map<String, Value> {
    let mut parameters = Map::new();
    if let Some(since) = since {
        // Whole seconds print as yyyy-MM-ddTHH:mm:ssZ.
        let filter = format!("WhenChangedUTC -ge '{}'", since.floor_to_second());
        parameters.insert("Filter".to_owned(), filter.into());
    }
    parameters.insert("ResultSize".to_owned(), "Unlimited".into());
    parameters.insert("SortBy".to_owned(), "WhenChangedUTC".into());
    parameters
}

/// A cmdlet about this mailbox.
pub(super) fn identity(id: MailboxId) -> Map<String, Value> {
    Map::from_iter([("Identity".to_owned(), id.to_string().into())])
}

/// `Set-Mailbox` with these properties.
pub(super) fn change(change: &MailboxChange) -> Map<String, Value> {
    let mut parameters = identity(change.id);
    if let Some(cloud_managed) = change.cloud_managed {
        parameters.insert("IsExchangeCloudManaged".to_owned(), cloud_managed.into());
    }
    for (name, values) in change.values.iter().filter(|(name, _)| !is_of_user(name)) {
        parameters.insert(name.clone().into_owned(), parameter(name, values));
    }
    parameters
}

/// `Set-User` with those properties of a change that are the user's.
pub(super) fn user_change(change: &MailboxChange) -> Map<String, Value> {
    let mut parameters = identity(change.id);
    for (name, values) in change.values.iter().filter(|(name, _)| is_of_user(name)) {
        parameters.insert(name.clone().into_owned(), parameter(name, values));
    }
    parameters
}

/// A plain array replaces a collection; a hash table without members clears it.
fn parameter(name: &str, values: &[String]) -> Value {
    let collection = COLLECTIONS.iter().any(|known| known.eq_ignore_ascii_case(name));
    match values {
        [] if collection => json!({"@odata.type": "#Exchange.GenericHashTable"}),
        [] => Value::Null,
        [value] if !collection => value.as_str().into(),
        values => values.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guid::Guid;
    use std::borrow::Cow;

    /// How values are replaced and cleared, for one value and for collections.
    #[test]
    fn parameters_replace_and_clear() {
        let text = |text: &str| text.to_owned();
        let parameters = change(&MailboxChange {
            id: MailboxId(Guid([0; 16])),
            cloud_managed: Some(true),
            values: vec![
                (Cow::from("CustomAttribute1"), vec![text("a")]),
                (Cow::from("CustomAttribute2"), vec![]),
                (Cow::from("emailaddresses"), vec![text("SMTP:a@contoso.lab")]),
                (Cow::from("ExtensionCustomAttribute1"), vec![]),
            ],
        });
        assert_eq!(
            Value::from(parameters),
            json!({
                "Identity": "00000000-0000-0000-0000-000000000000",
                "IsExchangeCloudManaged": true,
                "CustomAttribute1": "a",
                "CustomAttribute2": null,
                "emailaddresses": ["SMTP:a@contoso.lab"],
                "ExtensionCustomAttribute1": {"@odata.type": "#Exchange.GenericHashTable"},
            })
        );
    }

    /// The watermark has one-second resolution; a filter that rounds up would lose changes.
    #[test]
    fn the_filter_names_the_second() {
        let since = Timestamp::from_micros(1_772_359_200_999_999);
        assert_eq!(
            Value::from(changed_since(Some(since))),
            json!({"Filter": "WhenChangedUTC -ge '2026-03-01T10:00:00Z'",
                "ResultSize": "Unlimited", "SortBy": "WhenChangedUTC"})
        );
        assert!(!changed_since(None).contains_key("Filter"));
    }
}
