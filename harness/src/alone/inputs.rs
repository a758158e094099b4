//! Files that people fill in for a transfer: evidence, and the rings of a rollout.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use engine::change::Plain;
use engine::guid::Guid;
use engine::ports::MailboxId;
use engine::time::Timestamp;
use engine::transfer::premises::QUESTIONS;
use engine::transfer::{Evidence, Inbound, RemovalPath, decommission};
use serde::Deserialize;

use super::AloneError;
use super::config::yaml;
use crate::scenario::duration;

/// A ring as a file names it: mailboxes by id, user principal name or primary address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRing {
    /// Its name.
    pub name: String,
    /// Its mailboxes.
    pub mailboxes: Vec<String>,
    /// Mailboxes that may be without the flag in the end.
    pub most_without: u64,
    /// How long to wait before it is verified.
    pub soak: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rings {
    rings: Vec<RingEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RingEntry {
    name: String,
    mailboxes: Vec<String>,
    #[serde(default)]
    most_without: u64,
    soak: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EvidenceFile {
    inbound: Option<InboundEntry>,
    connect_build: Option<String>,
    last_on_premises_change: BTreeMap<String, jiff::Timestamp>,
    pending_on_premises_change: Option<Vec<String>>,
    ad_writers: Option<Vec<String>>,
    on_premises_recipients: Option<u64>,
    public_folders: Option<bool>,
    dns_on_premises: Option<bool>,
    smtp_relay: Option<bool>,
    hybrid_objects: Option<bool>,
    groups_on_premises: Option<bool>,
    ad_readers: Option<bool>,
    licence: Option<bool>,
    licence_gates: bool,
    path: Option<PathEntry>,
    /// Answers by the names of the questions, of which there are many.
    premises: BTreeMap<String, bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum InboundEntry {
    ConnectSync,
    CloudSync,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PathEntry {
    Uninstall,
    ManagementTools,
}

/// The questions that an evidence file may answer beside those with a field of their own.
fn questions() -> impl Iterator<Item = &'static str> {
    let keys = QUESTIONS.iter().map(|question| question.key).filter(|key| !key.is_empty());
    keys.chain([decommission::JOB_RUNS, decommission::VERIFIED])
}

/// Reads an evidence file.
///
/// # Errors
/// [`AloneError::File`] with the place and what is wrong.
pub fn read_evidence(path: &Path) -> Result<Evidence, AloneError> {
    let file: EvidenceFile = yaml(path)?;
    let id = |text: &str| {
        let refuse = |why: engine::guid::GuidError| AloneError::File {
            path: path.to_owned(),
            why: format!("{why}: mailboxes are named by id here"),
        };
        text.parse::<Guid>().map(MailboxId).map_err(refuse)
    };
    let answer = |(name, answer): (&String, &bool)| {
        let Some(known) = questions().find(|known| known == name) else {
            let names: Vec<&str> = questions().collect();
            let why =
                format!("`premises` has no question `{name}`; there are {}", names.join(", "));
            return Err(AloneError::File { path: path.to_owned(), why });
        };
        Ok((known, *answer))
    };
    let premises = file.premises.iter().map(answer).collect::<Result<_, AloneError>>()?;
    let changes = file.last_on_premises_change.iter();
    Ok(Evidence {
        inbound: file.inbound.map(|entry| match entry {
            InboundEntry::ConnectSync => Inbound::ConnectSync,
            InboundEntry::CloudSync => Inbound::CloudSync,
        }),
        connect_build: file.connect_build,
        last_on_premises_change: changes
            .map(|(text, at)| Ok((id(text)?, Timestamp::from_micros(at.as_microsecond()))))
            .collect::<Result<_, AloneError>>()?,
        pending_inbound: file
            .pending_on_premises_change
            .map(|pending| pending.iter().map(|text| id(text)).collect::<Result<_, AloneError>>())
            .transpose()?,
        ad_writers: file.ad_writers,
        on_premises_recipients: file.on_premises_recipients,
        public_folders: file.public_folders,
        dns_on_premises: file.dns_on_premises,
        smtp_relay: file.smtp_relay,
        hybrid_objects: file.hybrid_objects,
        groups_on_premises: file.groups_on_premises,
        ad_readers: file.ad_readers,
        licence: file.licence,
        licence_gates: file.licence_gates,
        path: file.path.map(|entry| match entry {
            PathEntry::Uninstall => RemovalPath::Uninstall,
            PathEntry::ManagementTools => RemovalPath::ManagementTools,
        }),
        premises,
    })
}

/// Refuses what is no name of a transfer or a ring: both are keys of the state store, one behind the other with a
/// slash between, and stand in lines of a log.
///
/// # Errors
/// What is wrong with it, behind the words that say what it is the name of.
pub fn transfer_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    if name.trim() != name || name.contains(|c: char| c.is_control() || c == '/') {
        let why = "begins or ends with a space, or holds a slash or a control character";
        return Err(format!("`{}` {why}", Plain(name)));
    }
    Ok(())
}

/// Reads the rings of a rollout.
///
/// # Errors
/// [`AloneError::File`]: the place and what is wrong; a name or a mailbox is there twice.
pub fn read_rings(path: &Path) -> Result<Vec<NamedRing>, AloneError> {
    let file: Rings = yaml(path)?;
    let refuse = |why: String| AloneError::File { path: path.to_owned(), why };
    let mut seen = std::collections::BTreeSet::new();
    let mut rings = Vec::new();
    for ring in file.rings {
        transfer_name(&ring.name).map_err(|why| refuse(format!("the name of a ring {why}")))?;
        if !seen.insert(format!("ring {}", ring.name)) {
            return Err(refuse(format!("the ring `{}` has no name of its own", ring.name)));
        }
        if ring.mailboxes.is_empty() {
            return Err(refuse(format!("the ring `{}` has no mailbox", ring.name)));
        }
        for mailbox in &ring.mailboxes {
            if !seen.insert(mailbox.to_lowercase()) {
                return Err(refuse(format!("`{mailbox}` is named twice")));
            }
        }
        let soak = match ring.soak.as_deref().map(duration) {
            None => Duration::ZERO,
            Some(Ok(soak)) => soak,
            Some(Err(expected)) => return Err(refuse(format!("`soak`: expected {expected}"))),
        };
        let (name, mailboxes, most_without) = (ring.name, ring.mailboxes, ring.most_without);
        rings.push(NamedRing { name, mailboxes, most_without, soak });
    }
    if rings.is_empty() { Err(refuse("there is no ring".to_owned())) } else { Ok(rings) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(text: &str, read: fn(&Path) -> Result<T, AloneError>) -> Result<T, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.yaml");
        std::fs::write(&path, text).unwrap();
        read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn evidence_says_what_is_stated_and_nothing_else() {
        let id = "03020100-0504-0706-0809-0a0b0c0d0e0f";
        let text = format!(
            "connect_build: 2.5.190.0\nad_writers: []\nsmtp_relay: false\n\
             last_on_premises_change: {{{id}: 2026-10-01T08:00:00Z}}\npending_on_premises_change: [{id}]\n"
        );
        let evidence = with(&text, read_evidence).unwrap();
        assert_eq!(evidence.connect_build.as_deref(), Some("2.5.190.0"));
        assert_eq!((evidence.smtp_relay, evidence.public_folders), (Some(false), None));
        assert_eq!(
            (evidence.last_on_premises_change.len(), evidence.pending_inbound.map(|ids| ids.len())),
            (1, Some(1))
        );
        let text = "path: management-tools\ninbound: cloud-sync\npremises: {hybrid_agent: true, writeback_verified: false}";
        let evidence = with(text, read_evidence).unwrap();
        assert_eq!(evidence.path, Some(RemovalPath::ManagementTools));
        assert_eq!(evidence.inbound, Some(Inbound::CloudSync));
        assert_eq!((evidence.premises["hybrid_agent"], evidence.premises.len()), (true, 2));
        assert_eq!(evidence.pending_inbound, None, "nobody said anything about it");
        let wrong = with("premises: {hybrid_agnet: true}", read_evidence).unwrap_err();
        assert!(wrong.contains("hybrid_agnet") && wrong.contains("hybrid_agent"), "{wrong}");
        assert!(with("smtp_relais: true", read_evidence).unwrap_err().contains("smtp_relais"));
        assert!(
            with("pending_on_premises_change: [anna]", read_evidence).unwrap_err().contains("anna")
        );
    }

    #[test]
    fn rings_are_in_order_and_share_no_mailbox() {
        let text = "rings:\n - {name: pilot, mailboxes: [a@c], soak: 24h}\n - {name: all, mailboxes: [b@c], most_without: 2}\n";
        let rings = with(text, read_rings).unwrap();
        assert_eq!((rings[0].soak, rings[1].most_without), (Duration::from_hours(24), 2));
        let twice = text.replace("b@c", "A@c");
        assert!(with(&twice, read_rings).unwrap_err().contains("twice"));
        let empty = text.replace("b@c", "");
        assert!(with(&empty, read_rings).unwrap_err().contains("`all` has no mailbox"));
        assert!(with("rings: []", read_rings).unwrap_err().contains("no ring"));
        for name in ["''", "' '", "a/b", "\"a\\nb\"", "'a '"] {
            let odd = text.replace("pilot", name);
            assert!(with(&odd, read_rings).unwrap_err().contains("the name of a ring"), "{name}");
        }
    }
}
