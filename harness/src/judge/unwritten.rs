//! Why what the cloud has did not come to AD: what stands in its way when something is found of an attribute of AD.

use sim::directory::schema::known;
use sim::entra::job::{StatusCode, WritebackJob};
use sim::estate::Subject;
use sim::exchange::Mailbox;
use sim::exchange::property::{self, Bucket, PROPERTIES, PropertySpec};
use sim::powershell::ParameterKind;
use sim::record::AttributeNumber;

use super::expectation::Scene;

impl Scene<'_> {
    /// The first thing that keeps the job from writing an attribute of somebody, as the last line of a chain; nothing
    /// where nothing does, and of what never comes from the cloud.
    pub(super) fn unwritten(
        &self,
        subject: &Subject,
        attribute: AttributeNumber,
    ) -> Option<String> {
        let job = self.estate.entra.job.as_ref()?;
        let feeds = |spec: &&PropertySpec| {
            spec.bucket != Bucket::Identity && spec.ad.and_then(known::number) == Some(attribute)
        };
        let property = PROPERTIES.iter().find(feeds)?;
        let mailbox = self.estate.exchange.mailbox(subject.exchange?)?;
        let words = if job.deleted {
            "the writeback job was deleted".to_owned()
        } else if mailbox.dir_synced && !mailbox.cloud_managed {
            "its Exchange attributes are managed in AD, and the job leaves it alone".to_owned()
        } else if !is_mapped(job, property, attribute) {
            format!("no attribute mapping of the job writes {}", property.ad?)
        } else {
            let status = job.status();
            let stands = [StatusCode::NotRun, StatusCode::Paused, StatusCode::Quarantine];
            match self.keeps_what_was_cleared(mailbox, property) {
                _ if stands.contains(&status) => format!("the job's status is {}", status.text()),
                Some(switch) => {
                    format!(
                        "the cloud has no value of it, and the job clears none (switch {switch})"
                    )
                }
                None => return None,
            }
        };
        Some(format!("{} {words}", self.estate.now()))
    }
}

impl Scene<'_> {
    /// The switch by which a value stays in AD that the cloud has no more.
    fn keeps_what_was_cleared(
        &self,
        mailbox: &Mailbox,
        property: &PropertySpec,
    ) -> Option<&'static str> {
        let is_multi = property.kind == ParameterKind::MultiValue;
        let switch = if is_multi { "null_flow_multi" } else { "null_flow" };
        let number = property::number(property.name)?;
        let is_empty = mailbox.record.values(number).next().is_none();
        (is_empty && !self.estate.profile.is_on(switch)).then_some(switch)
    }
}

/// Whether the job writes an attribute: by a mapping of its schema, or by default.
fn is_mapped(job: &WritebackJob, property: &PropertySpec, attribute: AttributeNumber) -> bool {
    match &job.schema {
        Some(schema) => {
            let mut targets = schema.flows.iter().map(|flow| known::number(&flow.target));
            targets.any(|target| target == Some(attribute))
        }
        None => property.bucket == Bucket::WrittenBack,
    }
}
