//! One primary address and no duplicate, on every side, in every list that a machine wrote.
//!
//! Why: the primary SMTP address is known by its upper-case prefix alone, so two of them or none make
//! mail flow a matter of luck (Microsoft Learn, "How the proxyAddresses attribute is populated in
//! Microsoft Entra ID"). Malformed lists that a scenario planted are nobody's write.

use sim::directory::schema::known;
use sim::exchange::property;
use sim::ledger::{Event, Side};

use super::{About, Charge, Kind, Oracle};

/// The rule. It needs no memory.
#[derive(Clone)]
pub(super) struct OnePrimary;

impl Oracle for OnePrimary {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, _: About) -> Option<Charge> {
        let Event::Write(write) = event else { return None };
        if !write.actor.activity.is_automatic() {
            return None;
        }
        let addresses = match write.object.side {
            Side::Ad => known::PROXY_ADDRESSES,
            Side::Entra | Side::Exchange => property::EMAIL_ADDRESSES,
        };
        let change = write.changes.iter().find(|change| change.attribute == addresses)?;
        let values: Vec<String> =
            change.new.iter().map(|v| String::from_utf8_lossy(v).into_owned()).collect();
        let problem = problem_of(&values)?;
        let message = format!("{} left a list with {problem}", write.actor.activity.word());
        let expected = "exactly one value with the prefix SMTP:, none twice".to_owned();
        let charge = Charge::of_write("one_primary", write, change, message);
        Some(Charge { expected: Some(expected), ..charge })
    }
}

/// What is wrong with a list, if anything. An empty list has nothing to be wrong.
fn problem_of(values: &[String]) -> Option<String> {
    if values.is_empty() {
        return None;
    }
    let mut primaries = 0;
    for (place, value) in values.iter().enumerate() {
        if value.starts_with("SMTP:") {
            primaries += 1;
        }
        let lower = value.to_lowercase();
        if values[..place].iter().any(|other| other.to_lowercase() == lower) {
            return Some(format!("`{value}` twice"));
        }
    }
    let smtp = values.iter().any(|v| v.len() >= 5 && v[..5].eq_ignore_ascii_case("smtp:"));
    (smtp && primaries != 1).then(|| format!("{primaries} primary addresses"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(values: &[&str]) -> Option<String> {
        problem_of(&values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn exactly_one_primary_and_no_value_twice() {
        assert_eq!(problem(&["SMTP:a@x", "smtp:b@x", "X500:/o=x"]), None);
        assert_eq!(problem(&["X500:/o=x"]), None);
        assert!(problem(&["SMTP:a@x", "SMTP:b@x"]).is_some());
        assert!(problem(&["smtp:a@x"]).is_some());
        assert!(problem(&["SMTP:a@x", "smtp:A@x"]).is_some());
    }
}
