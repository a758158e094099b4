//! Who writes the attributes in AD, as far as AD itself tells: it keeps of each attribute when it was last
//! written and on which domain controller, and not by whom ([MS-ADTS] 3.1.1.3.4.4.2 and 3.1.1.4.5,
//! `msDS-ReplAttributeMetaData`; [MS-DRSR] 5.9, DS_REPL_ATTR_META_DATA). What was written after an object was
//! made, while AD had the authority over it, is the work of somebody whom a flip concerns.

use std::collections::BTreeMap;
use std::time::Duration;

use super::check::id;
use super::readiness::{Finding, Severity};
use super::spelling::instant;
use crate::ports::Name;
use crate::time::Timestamp;
use crate::values::Column;

/// The attribute that tells.
pub(super) const METADATA: Name = Name::Borrowed("msDS-ReplAttributeMetaData");

/// Who wrote within this time is taken to go on.
const LATELY: Duration = Duration::from_hours(30 * 24);
/// What is written so soon after an object was made belongs to its making.
const MAKING: Duration = Duration::from_hours(1);

/// What was seen of one attribute.
#[derive(Debug, Clone)]
struct Trace {
    objects: u64,
    last: Timestamp,
    controller: String,
}

/// What was seen of all attributes.
#[derive(Debug, Default)]
pub(super) struct Writers {
    traces: BTreeMap<Name, Trace>,
    objects: u64,
}

impl Writers {
    /// Looks at one object: what its metadata says of these attributes. Whatever cannot be read says nothing.
    pub(super) fn look(&mut self, metadata: Column<'_, [u8]>, attributes: &[Name], now: Timestamp) {
        let entries: Vec<Entry<'_>> = metadata.iter().filter_map(Entry::read).collect();
        let Some(made) = entries.iter().find(|entry| entry.is_of("objectClass")) else { return };
        self.objects += 1;
        for name in attributes {
            let Some(entry) = entries.iter().find(|entry| entry.is_of(name)) else { continue };
            if entry.at <= made.at + MAKING || now.since(entry.at) > LATELY {
                continue;
            }
            let seen = Trace { objects: 0, last: Timestamp::EPOCH, controller: String::new() };
            let trace = self.traces.entry(name.clone()).or_insert(seen);
            trace.objects += 1;
            if entry.at > trace.last {
                trace.last = entry.at;
                entry.controller.clone_into(&mut trace.controller);
            }
        }
    }

    /// One finding for each attribute that was written.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let all = self.objects;
        let of = |(name, trace): (&Name, &Trace)| Finding {
            id: id::AD_WRITERS_SEEN,
            severity: Severity::Warn,
            object: None,
            reason: format!(
                "{name} of {} of {all} objects under AD's authority was written in the last 30 days, last at {} on \
                 {}; AD does not keep by whom",
                trace.objects,
                trace.last,
                if trace.controller.is_empty() { "a domain controller" } else { &trace.controller },
            ),
            remedy: "Find out who writes it (event 5136 in that domain controller's security log, where it is \
                     audited) and lead them to Exchange Online: after the flip nobody sees what they write.",
        };
        self.traces.iter().map(of).collect()
    }
}

/// One attribute of one object.
struct Entry<'a> {
    attribute: &'a str,
    at: Timestamp,
    controller: &'a str,
}

impl<'a> Entry<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = core::str::from_utf8(bytes).ok()?;
        let seconds = instant(element(text, "ftimeLastOriginatingChange")?)?;
        // `CN=NTDS Settings,CN=DC1,CN=Servers,...`; nothing where that controller is gone.
        let settings = element(text, "pszLastOriginatingDsaDN").unwrap_or_default();
        let controller = settings.split(',').nth(1).and_then(|part| part.strip_prefix("CN="));
        Some(Self {
            attribute: element(text, "pszAttributeName")?,
            at: Timestamp::from_micros(seconds.saturating_mul(1_000_000)),
            controller: controller.unwrap_or_default(),
        })
    }

    fn is_of(&self, name: &str) -> bool {
        self.attribute.eq_ignore_ascii_case(name)
    }
}

/// The text of an element of a flat document.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_world::START;
    use crate::values::Values;

    fn entry(attribute: &str, at: Timestamp) -> Vec<u8> {
        format!(
            "<DS_REPL_ATTR_META_DATA>\n\t<pszAttributeName>{attribute}</pszAttributeName>\n\t<dwVersion>2\
             </dwVersion>\n\t<ftimeLastOriginatingChange>{at}</ftimeLastOriginatingChange>\n\t\
             <pszLastOriginatingDsaDN>CN=NTDS Settings,CN=DC2,CN=Servers,CN=Site,DC=c</pszLastOriginatingDsaDN>\n\
             </DS_REPL_ATTR_META_DATA>\n"
        )
        .into_bytes()
    }

    #[test]
    fn what_was_written_lately_and_after_the_making_is_told_with_its_controller() {
        let days = |days: u64| Duration::from_hours(24 * days);
        let attributes = [Name::Borrowed("mail"), Name::Borrowed("extensionAttribute1")];
        let mut writers = Writers::default();
        let now = START + days(100);
        let mut look = |metadata: Vec<Vec<u8>>| {
            let values: Values = [metadata].iter().collect();
            writers.look(values.column(0), &attributes, now);
        };
        let made = || entry("objectClass", START);
        look(vec![made(), entry("mail", START), entry("EXTENSIONATTRIBUTE1", START + days(99))]);
        look(vec![made(), entry("extensionAttribute1", START + days(98))]);
        look(vec![made(), entry("extensionAttribute1", START + days(60)), b"odd".to_vec()]);
        look(vec![entry("extensionAttribute1", START + days(99))]);
        look(Vec::new());
        let found = writers.findings();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].id, found[0].severity), (id::AD_WRITERS_SEEN, Severity::Warn));
        let last = (START + days(99)).to_string();
        assert!(found[0].reason.contains("extensionAttribute1 of 2 of 3 objects"), "{found:?}");
        assert!(found[0].reason.contains(&format!("last at {last} on DC2")), "{found:?}");
    }
}
