//! What the engine says about itself: reports of its job, log entries, what a transfer came to, and
//! when its process starts and ends. It goes where users see it, and into the ledger.

use super::Estate;
use crate::entra::episodes::Episode;
use crate::entra::job::{JobReport, JobRequest, WritebackJob};
use crate::entra::log::LogEntry;
use crate::entra::schema::{Schema, default_flows};
use crate::guid::Guid;
use crate::ledger::{
    Claim, CycleEnd, FlipOrder, JobNews, Logged, ObjectKey, Process, SchemaChange,
};

impl Estate {
    /// The job reports how it stands.
    pub fn take_job_report(&mut self, report: JobReport) {
        let Some(job) = &mut self.entra.job else { return };
        let known = job.report.as_ref().and_then(|report| report.last_execution.as_ref());
        let last = known.map(|execution| execution.cycle);
        let new = report.last_execution.as_ref().filter(|new| Some(new.cycle) != last);
        if let Some(cycle) = new {
            job.runs.note(cycle);
            self.ledger.cycle(CycleEnd {
                at: self.now,
                began: cycle.began,
                failed: cycle.error.is_some(),
                initial: cycle.initial,
            });
        }
        if job.status() != report.status {
            let reason = report.quarantine.map(|quarantine| quarantine.reason);
            let episode = Episode::Became(report.status, reason);
            self.ledger.job(JobNews { at: self.now, episode });
        }
        job.take_report(report, self.now);
    }

    /// Asks something of the job. Answers false where there is none.
    pub fn ask_job(&mut self, request: JobRequest) -> bool {
        let Some(job) = &mut self.entra.job else { return false };
        let episode = Episode::Asked(request.clone());
        self.ledger.job(JobNews { at: self.now, episode });
        job.ask(request);
        true
    }

    /// Deletes the job: what it wrote stays, and it writes no more. Does nothing without a job.
    pub fn delete_job(&mut self) {
        let Some(job) = &mut self.entra.job else { return };
        job.delete(self.now);
        self.ledger.job(JobNews { at: self.now, episode: Episode::Deleted });
    }

    /// Makes the job anew after it was deleted, under another id; it waits for its start. Does nothing without a
    /// job.
    pub fn make_job_anew(&mut self, instance: Guid) {
        let (tenant, now) = (self.entra.tenant, self.now);
        let Some(job) = &mut self.entra.job else { return };
        job.make_anew(tenant, instance, now);
        self.ledger.job(JobNews { at: now, episode: Episode::Made });
    }

    /// The engine is done with every request to its job up to this number. Does nothing without a job.
    pub fn requests_done(&mut self, number: u64) {
        let Some(job) = &mut self.entra.job else { return };
        for request in job.done(number, self.now) {
            self.ledger.job(JobNews { at: self.now, episode: Episode::Told(request) });
        }
    }

    /// The job logs what it did, and what it did not.
    pub fn append_log(&mut self, entries: Vec<LogEntry>) {
        for entry in &entries {
            let mailbox = entry.source.and_then(|id| self.exchange.by_id(id));
            self.ledger.logged(Logged {
                at: self.now,
                object: mailbox.map(ObjectKey::exchange),
                status: entry.status,
                code: entry.code.clone(),
            });
        }
        self.entra.log.append(entries);
    }

    /// The engine's state store took a change.
    pub fn store_committed(&mut self) {
        self.ledger.committed(self.now);
    }

    /// A transfer is told to change the flag of these mailboxes. Who has none is not among them.
    pub fn take_order(&mut self, mailboxes: impl Iterator<Item = Guid>, cloud_managed: bool) {
        let mut mailboxes: Vec<u32> = mailboxes.filter_map(|id| self.exchange.by_id(id)).collect();
        mailboxes.sort_unstable();
        self.ledger.order(FlipOrder { at: self.now, mailboxes, cloud_managed });
    }

    /// A transfer says what the flag of a mailbox is at its end. Does nothing for a mailbox that is
    /// gone.
    pub fn take_claim(&mut self, mailbox: Guid, cloud_managed: bool) {
        if let Some(number) = self.exchange.by_id(mailbox) {
            let object = ObjectKey::exchange(number);
            self.ledger.claim(Claim { at: self.now, object, cloud_managed });
        }
    }

    /// The job gets another schema, or the default mappings for `None`: then its configuration is as one
    /// that is made now. Does nothing without a job.
    pub fn put_job_schema(&mut self, schema: Option<Schema>) {
        let (now, with_mail) = (self.now, self.profile.is_on("mail_written_back"));
        let Some(job) = &mut self.entra.job else { return };
        let flows = match &schema {
            Some(schema) => schema.flows.clone(),
            None => default_flows(with_mail),
        };
        match schema {
            Some(schema) => job.put_schema(Some(schema)),
            None => job.restore_defaults(now),
        }
        self.ledger.schema(SchemaChange { at: now, flows });
    }

    /// A job that waited for its start takes the place of the one that was deleted. Does nothing without a
    /// job.
    pub fn succeed_job(&mut self, next: WritebackJob) {
        let with_mail = self.profile.is_on("mail_written_back");
        let Some(job) = &mut self.entra.job else { return };
        let flows =
            next.schema.as_ref().map_or_else(|| default_flows(with_mail), |s| s.flows.clone());
        job.be_succeeded_by(next, self.now);
        self.ledger.job(JobNews { at: self.now, episode: Episode::Made });
        self.ledger.schema(SchemaChange { at: self.now, flows });
    }

    /// The engine's process starts.
    pub fn engine_started(&mut self) {
        self.ledger.process(Process { at: self.now, started: true });
    }

    /// The engine's process ends.
    pub fn engine_ended(&mut self) {
        self.ledger.process(Process { at: self.now, started: false });
    }
}
