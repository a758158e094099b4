//! `CmdletInput`: a cmdlet and its parameters as JSON.
//!
//! Sources: Microsoft Learn, "Exchange Online Admin API overview" (`CmdletInput`); for how tables and
//! collections are written, the traffic of public tools.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::powershell::{Argument, CmdletCall};

/// The body of an `InvokeCommand` request.
#[derive(serde::Deserialize)]
pub(super) struct Body {
    #[serde(rename = "CmdletInput")]
    input: Input,
}

#[derive(serde::Deserialize)]
struct Input {
    #[serde(rename = "CmdletName")]
    name: String,
    /// Absent and `null` are both sent for "none".
    #[serde(rename = "Parameters", default)]
    parameters: Option<Parameters>,
}

impl From<Body> for CmdletCall {
    fn from(body: Body) -> Self {
        let parameters = body.input.parameters.map_or_else(Vec::new, |parameters| parameters.0);
        Self { name: body.input.name, parameters }
    }
}

struct Parameters(Vec<(String, Argument)>);

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Parameters;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of parameters")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Parameters, A::Error> {
                table(members).map(Parameters)
            }
        }
        json.deserialize_map(Members)
    }
}

/// A parameter's value.
struct Given(Argument);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(GivenVisitor)
    }
}

struct GivenVisitor;

impl<'de> Visitor<'de> for GivenVisitor {
    type Value = Given;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a parameter's value")
    }

    fn visit_unit<E: Error>(self) -> Result<Given, E> {
        Ok(Given(Argument::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Given, E> {
        Ok(Given(Argument::Boolean(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Given, E> {
        Ok(Given(Argument::Integer(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Given, E> {
        let argument = i64::try_from(value)
            .map_or_else(|_| Argument::Text(value.to_string()), Argument::Integer);
        Ok(Given(argument))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Given, E> {
        Ok(Given(Argument::Text(value.to_string())))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Given, E> {
        Ok(Given(Argument::Text(value.to_owned())))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Given, E> {
        Ok(Given(Argument::Text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Given, A::Error> {
        let mut values = Vec::new();
        while let Some(Given(value)) = elements.next_element()? {
            values.push(value);
        }
        Ok(Given(Argument::Array(values)))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Given, A::Error> {
        table(members).map(|members| Given(Argument::Hashtable(members)))
    }
}

/// Members without their `@odata.type` annotations.
fn table<'de, A: MapAccess<'de>>(mut members: A) -> Result<Vec<(String, Argument)>, A::Error> {
    let mut table = Vec::new();
    while let Some((name, Given(value))) = members.next_entry::<String, Given>()? {
        if !name.contains('@') {
            table.push((name, value));
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(json: &str) -> Result<CmdletCall, serde_json::Error> {
        serde_json::from_str::<Body>(json).map(Into::into)
    }

    /// Every form in which public tools write values must arrive as what PowerShell would pass.
    #[test]
    fn values_arrive_as_arguments() {
        let call = call(
            r##"{"CmdletInput": {"CmdletName": "Set-Mailbox", "Parameters": {
                "Identity": "anna", "Force": true, "ResultSize": 100, "MailTip": null,
                "EmailAddresses": {"@odata.type": "#Exchange.GenericHashTable",
                    "add": ["smtp:a@b.c"], "Remove": "smtp:d@b.c"},
                "ModeratedBy": {"@odata.type": "#Exchange.GenericHashTable"},
                "GrantSendOnBehalfTo": ["x", "y"]}}}"##,
        )
        .unwrap();
        assert_eq!(
            call.to_string(),
            "Set-Mailbox -Identity 'anna' -Force $true -ResultSize 100 -MailTip $null \
             -EmailAddresses @{add=@('smtp:a@b.c'); Remove='smtp:d@b.c'} -ModeratedBy @{} \
             -GrantSendOnBehalfTo @('x','y')"
        );
    }

    /// No parameters come as nothing, null or an empty object; anything else is refused.
    #[test]
    fn parameters_may_be_absent() {
        for none in ["", r#","Parameters":null"#, r#","Parameters":{}"#] {
            let body = format!(r#"{{"CmdletInput":{{"CmdletName":"Get-Mailbox"{none}}}}}"#);
            assert!(call(&body).unwrap().parameters.is_empty());
        }
        assert!(call(r#"{"CmdletInput":{"CmdletName":"x","Parameters":[]}}"#).is_err());
        assert!(call("{}").is_err());
    }
}
