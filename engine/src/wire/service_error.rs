//! The error object that Exchange Online and Microsoft Graph put into an answer.
//!
//! Sources: OData JSON Format 4.01, 21 "Error response"; Microsoft Graph error responses and resource
//! types; for the Exchange Online admin API, which is not documented, the reading order of public
//! tools (graph2otel, CIPP).

use serde_json::Value;

/// What a service says about a request that it refuses. All texts may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ServiceError {
    /// `error.code`.
    pub(super) code: String,
    /// The .NET exception class that the Exchange Online admin API names in `details`.
    pub(super) class: String,
    /// The most telling message.
    pub(super) message: String,
}

impl ServiceError {
    /// Reads the body of an answer. A body that is no JSON, as that of a 403 of Exchange Online,
    /// yields empty texts.
    pub(super) fn from_body(body: &[u8]) -> Self {
        serde_json::from_slice(body).map_or_else(|_| Self::default(), |body| Self::from_json(&body))
    }

    /// Reads a body that has been parsed.
    pub(super) fn from_json(body: &Value) -> Self {
        let Some(error) = member(body, "error") else { return Self::default() };
        let detail = member(error, "details").map(first).and_then(|detail| text(detail, "message"));
        let (class, detail) = detail.map_or(("", ""), split_detail);
        let inner = member(error, "innererror")
            .and_then(|inner| member(inner, "internalexception"))
            .and_then(|internal| text(internal, "message"));
        let message =
            [inner.unwrap_or_default(), detail, text(error, "message").unwrap_or_default()]
                .into_iter()
                .find(|message| !message.is_empty())
                .unwrap_or_default();
        Self {
            code: text(error, "code").unwrap_or_default().to_owned(),
            class: class.to_owned(),
            message: message.to_owned(),
        }
    }

    /// The exception class, else the code, else the status.
    pub(super) fn most_specific_code(&self, status: u16) -> String {
        [&self.class, &self.code]
            .into_iter()
            .find(|text| !text.is_empty())
            .cloned()
            .unwrap_or_else(|| status.to_string())
    }
}

/// Clients read these members without regard to case: the service's own spelling varies.
fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let members = value.as_object()?;
    members.get(name).or_else(|| {
        members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    })
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    member(value, name)?.as_str()
}

fn first(details: &Value) -> &Value {
    details.as_array().and_then(|details| details.first()).unwrap_or(details)
}

/// `Ex6F9304|Microsoft.Exchange...Exception|The operation ...`: class and text.
fn split_detail(message: &str) -> (&str, &str) {
    let mut parts = message.splitn(3, '|');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(class), Some(text)) => (class, text),
        _ => ("", message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The useful text of Exchange Online hides behind a prefix; `error.message` is a constant.
    #[test]
    fn the_telling_message_is_found() {
        let body = br#"{"error":{"code":"NotFound","message":"Error executing cmdlet","details":[
            {"code":"Client","message":"Ex6F9304|A.B.ManagementObjectNotFoundException|Not | there."}]}}"#;
        let error = ServiceError::from_body(body);
        assert_eq!(error.message, "Not | there.");
        assert_eq!(error.most_specific_code(404), "A.B.ManagementObjectNotFoundException");
        let body =
            br#"{"error":{"code":"X","InnerError":{"internalException":{"message":"inner"}}}}"#;
        assert_eq!(ServiceError::from_body(body).message, "inner");
    }

    /// A 403 of Exchange Online carries NUL bytes, and other shapes must not confuse either.
    #[test]
    fn anything_else_yields_empty_texts() {
        for body in [&b"\0\0\0\0"[..], b"", b"[]", b"{\"error\":\"text\"}", b"{\"error\":{}}"] {
            let error = ServiceError::from_body(body);
            assert_eq!(error, ServiceError::default());
            assert_eq!(error.most_specific_code(403), "403");
        }
    }
}
