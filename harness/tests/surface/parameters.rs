//! How a parameter of a cmdlet that changes something is tried: what was given is read back, once more after it was
//! refused.

use serde_json::{Value, json};
use sim::powershell::ParameterKind;

use super::call::Who;
use super::exchange::cmdlet;
use super::served::Served;

pub(super) const SET: &str = "Set-Mailbox";
pub(super) const USER: &str = "Set-User";
pub(super) const MAIL_USER: &str = "Set-MailUser";
pub(super) const SEARCH: &str = "Search-UnifiedAuditLog";
pub(super) const BYPASS: &str = "Set-MailboxAuditBypassAssociation";
pub(super) const ORGANIZATION: &str = "Set-OrganizationConfig";

/// Whose mailbox a cmdlet is tried on.
#[derive(Clone, Copy)]
pub(super) enum On {
    /// Synchronized, Exchange attributes with authority in the cloud.
    CloudManaged,
    /// Moved to the cloud as a whole, so that the cloud decides over identity as well.
    CloudOnly,
}

/// What reading back shows.
#[derive(Clone)]
pub(super) enum Shows {
    /// The property of the same name is what was given.
    Same,
    /// The property of the same name has something.
    Something,
    /// A property of another name, or in another form.
    This(&'static str, Value),
}

/// How the parameter is refused.
#[derive(Clone)]
pub(super) enum Refused {
    /// With a value that it does not take.
    Value(Value, u16),
    /// On a mailbox over whose attribute AD has authority, with the parameter's name in the answer.
    WriteScope,
    /// To an application that may not.
    Role(&'static str),
}

/// Parameters of one cmdlet that are tried in the same way.
pub(super) struct Parameters {
    pub(super) cmdlet: &'static str,
    pub(super) names: Vec<&'static str>,
    pub(super) on: On,
    pub(super) good: Value,
    /// What single ones are given instead.
    values: Vec<(&'static str, Value)>,
    /// What is given beside it.
    beside: Value,
    shows: Shows,
    refused: Refused,
}

pub(super) fn parameters(cmdlet: &'static str, names: &[&'static str], good: Value) -> Parameters {
    Parameters {
        cmdlet,
        names: names.to_vec(),
        on: On::CloudManaged,
        good,
        values: Vec::new(),
        beside: json!({}),
        shows: Shows::Same,
        refused: Refused::WriteScope,
    }
}

impl Parameters {
    pub(super) fn on(mut self, on: On) -> Self {
        self.on = on;
        self
    }

    pub(super) fn beside(mut self, beside: Value) -> Self {
        self.beside = beside;
        self
    }

    pub(super) fn shows(mut self, property: &'static str, value: Value) -> Self {
        self.shows = Shows::This(property, value);
        self
    }

    /// Each parameter has a value of its own.
    pub(super) fn each(mut self, values: &[(&'static str, Value)]) -> Self {
        self.values = values.to_vec();
        self
    }

    pub(super) fn something(mut self) -> Self {
        self.shows = Shows::Something;
        self
    }

    pub(super) fn not(mut self, value: Value) -> Self {
        self.refused = Refused::Value(value, 400);
        self
    }

    pub(super) fn nobody(mut self, value: Value) -> Self {
        self.refused = Refused::Value(value, 404);
        self
    }

    pub(super) fn role(mut self, name: &'static str) -> Self {
        self.refused = Refused::Role(name);
        self
    }
}

pub(super) async fn change(
    served: &mut Served,
    how: &Parameters,
    name: &'static str,
    kind: ParameterKind,
) -> (String, String) {
    let organization = how.cmdlet == ORGANIZATION;
    let of = |user: &str, value: &Value| {
        let mut given = how.beside.clone();
        if !organization {
            given["Identity"] = json!(user);
        }
        given[name] = value.clone();
        cmdlet(how.cmdlet, given)
    };
    let user = match how.on {
        On::CloudManaged => "<upn>",
        On::CloudOnly => "<upn3>",
    };
    let given = how.values.iter().find(|(known, _)| *known == name);
    let good_value = given.map_or(&how.good, |(_, value)| value).clone();
    let success = served.expect(&of(user, &good_value)).await;
    let before = shown(served, how, user, name).await;
    let about = format!("{} -{name} ({kind:?}): {before}", how.cmdlet);
    let good = match &how.shows {
        Shows::Same => {
            let good = served.filled(&good_value.to_string());
            {
                let shown = before.to_string();
                shown == good || shown == format!("[{good}]")
            }
        }
        Shows::This(_, value) => &before == value,
        Shows::Something => ![json!(null), json!(""), json!([])].contains(&before),
    };
    served.problems.extend((!good).then(|| format!("not shown: {about}")));
    let refusal = match &how.refused {
        Refused::Value(value, status) => of(user, value).is(*status),
        Refused::Role(role) => of(user, &good_value).by(Who::Client(role)).is(403),
        Refused::WriteScope => {
            // The flag moves the Exchange attributes alone.
            let mastered = if matches!(how.on, On::CloudOnly) { "<upn>" } else { "<upn2>" };
            of(mastered, &good_value).is(400)
        }
    };
    let refusal = served.expect(&refusal).await;
    let named = format!("'{}', '{name}'", how.cmdlet);
    if matches!(how.refused, Refused::WriteScope) && !refusal.text.contains(&named) {
        served.problems.push(format!("{named} is not named: {}", refusal.text));
    }
    if shown(served, how, user, name).await != before {
        served.problems.push(format!("refused, and done: {about}"));
    }
    (success.shown(), refusal.shown())
}

/// What is read back.
async fn shown(served: &mut Served, how: &Parameters, user: &str, name: &str) -> Value {
    let property = match how.shows {
        Shows::This(property, _) => property,
        Shows::Same | Shows::Something => name,
    };
    let (reads, parameters) = match how.cmdlet {
        ORGANIZATION => ("Get-OrganizationConfig", json!({})),
        USER => ("Get-User", json!({"Identity": user})),
        MAIL_USER => ("Get-MailUser", json!({"Identity": user})),
        BYPASS => ("Get-MailboxAuditBypassAssociation", json!({"Identity": user})),
        _ => ("Get-Mailbox", json!({"Identity": user})),
    };
    let answer = served.expect(&cmdlet(reads, parameters)).await;
    answer.json["value"][0][property].clone()
}
