//! `transfer:`: the engine changes the source of authority, and what it reports is held against the file.

use std::collections::{BTreeMap, BTreeSet};

use engine::failure::{Failure, code};
use engine::ports::MailboxId;
use engine::transfer::{
    Evidence, Exception, MailboxOutcome, RollbackConfig, Severity, Sides, TransferConfig,
    TransferReport, loss,
};
use sim::caller::Role;
use sim::estate::Subject;
use sim::exchange::cmdlets;
use sim::guid::Guid;

use super::process::TransferOrder;
use super::runner::Runner;
use super::story::{LONGEST, Refused, cloud_id};
use crate::bridge::translate::{guid_to_engine, guid_to_sim, to_engine};
use crate::scenario::{Authority, Scenario, Selector, Step, Transfer};

impl Runner<'_> {
    pub(super) fn transfer(
        &mut self,
        scenario: &Scenario,
        step: &Step,
        transfer: &Transfer,
        role: Role,
    ) {
        let ids = self.mailbox_ids(&transfer.mailboxes.value);
        let asked = ids.clone();
        let now = self.now();
        let id = format!("{}-{}", scenario.title.value, now.as_micros());
        let order = match transfer.to {
            Authority::Cloud => {
                let mut config = TransferConfig::new(id, ids);
                config.wave = transfer.wave.map_or(config.mailboxes.len().max(1), |w| w as usize);
                config.pause = transfer.pause;
                config.evidence = self.evidence(&transfer.mailboxes.value);
                config.evidence.licence = scenario.world.tenant.entra_id_p1;
                config.sync_cycle = scenario.world.connect.cycle;
                config.most_failures = transfer.most_failures;
                config.sides = Sides::Cloud;
                config.bugs = self.engine.bugs();
                config.accepted = transfer.accept.iter().cloned().collect();
                TransferOrder::ToCloud(Box::new(config))
            }
            Authority::OnPremises => {
                let wave = transfer.wave.map_or(ids.len().max(1), |w| w as usize);
                TransferOrder::ToOnPremises(RollbackConfig {
                    apply: true,
                    accept_losses: true,
                    wave,
                    pause: transfer.pause,
                    most_failures: transfer.most_failures,
                    ..RollbackConfig::new(id, ids)
                })
            }
        };
        self.phase = "transfer";
        self.estate.with(|estate| {
            let flagged = transfer.to == Authority::Cloud;
            estate.take_order(asked.iter().map(|id| guid_to_sim(id.0)), flagged);
        });
        if let Err(problem) = self.engine.order(order, role) {
            self.broken = Some(problem);
            return;
        }
        let mut report = None;
        let ended = self.play(now + LONGEST, |runner| {
            report = runner.engine.take_report();
            report.is_some()
        });
        self.phase = "story";
        match report {
            Some(report) => {
                self.note_claims(&asked, &report, transfer.to == Authority::Cloud);
                self.report_transfer(&report, step, transfer);
            }
            None if ended => {}
            None => self.fail(transfer.mailboxes.span, "the transfer did not end".to_owned()),
        }
    }

    /// What the transfer says of each flag, for the judge to hold against what it read. Of mailboxes
    /// that it did not get to it says nothing.
    fn note_claims(&mut self, asked: &[MailboxId], report: &TransferReport, wanted: bool) {
        let exceptions: BTreeMap<MailboxId, MailboxOutcome> =
            report.exceptions.iter().map(|e| (e.mailbox, e.outcome)).collect();
        let all_decided = report.stopped.is_none();
        let asked: BTreeSet<&MailboxId> = asked.iter().collect();
        self.estate.with(|estate| {
            for mailbox in asked {
                let flag = match exceptions.get(mailbox) {
                    None if all_decided => wanted,
                    Some(outcome) if outcome.is_good() => wanted,
                    Some(MailboxOutcome::Refused | MailboxOutcome::NoOp) => !wanted,
                    None | Some(_) => continue,
                };
                estate.take_claim(guid_to_sim(mailbox.0), flag);
            }
        });
    }

    /// What a transfer reports becomes notes; mailboxes that were not flipped make it a failed step.
    fn report_transfer(&mut self, report: &TransferReport, step: &Step, transfer: &Transfer) {
        for finding in report.findings.iter().take(10) {
            let whose =
                finding.object.map_or_else(String::new, |id| format!(" of {}", self.called(id)));
            self.notes.push(format!("readiness {}{whose}: {}", finding.id, finding.reason));
        }
        for (attribute, count) in loss::by_attribute(&report.losses) {
            self.notes.push(format!("the rollback takes {count} value(s) of {attribute}"));
        }
        if report.duplicates > 0 {
            let twice = report.duplicates;
            self.notes
                .push(format!("{twice} mailbox(es) are named again: each is transferred once"));
        }
        // Where the step has to fail, a flip that was accepted and came to nothing was tried as well.
        let must_fail = step.expect_error.is_some();
        let blocked = report.exceptions.iter().any(|exception| match exception.outcome {
            MailboxOutcome::Blocked => true,
            MailboxOutcome::Refused => self.is_refused_flip(exception),
            MailboxOutcome::NoOp => must_fail,
            _ => false,
        });
        let blocking = blocking(report, &transfer.accept);
        let may_not = |stop: &Failure| stop.code == code::AUTHORIZATION_FAILED;
        self.blocked_flips |= blocked
            || report.stopped.as_ref().is_some_and(|stop| !blocking.is_empty() || may_not(stop));
        let outcome = if let Some(failure) = &report.stopped {
            let first = self.first_bad(report);
            let message =
                format!("the transfer stopped: {} {}{first}", failure.code, failure.detail);
            let mut names = vec![failure.code.to_owned(), "stopped".to_owned()];
            names.extend(standing_against(report, &blocking));
            Err((message, Refused::Named(names)))
        } else if report.not_flipped() > 0 {
            Err((self.not_transferred(report), Refused::Named(standing_against(report, &blocking))))
        } else {
            Ok(())
        };
        self.settle(step, transfer.mailboxes.span, outcome);
    }

    /// Whether Exchange Online refused to set the flag of a mailbox that it has, and was not merely busy or
    /// broken. Who lacks the parameter is told that there is none: an answer 400.
    fn is_refused_flip(&self, exception: &Exception) -> bool {
        let id = guid_to_sim(exception.mailbox.0);
        let has = self.estate.with(|estate| estate.exchange.by_id(id).is_some());
        let code = exception.detail.split(':').next().unwrap_or_default();
        has && code != "429" && !code.starts_with('5')
    }

    /// How many mailboxes were not transferred, and what stood against the first.
    fn not_transferred(&self, report: &TransferReport) -> String {
        let first = self.first_bad(report);
        format!("{} mailbox(es) were not transferred{first}", report.not_flipped())
    }

    /// The first mailbox that something stood against, and what.
    fn first_bad(&self, report: &TransferReport) -> String {
        bad(report).next().map_or_else(String::new, |exception| {
            let (who, outcome) = (self.called(exception.mailbox), exception.outcome.word());
            format!("; the first is {who} ({outcome}): {}", exception.detail)
        })
    }

    /// What the file calls a mailbox; its id when nobody of the world has it.
    fn called(&self, mailbox: MailboxId) -> String {
        let wanted = Some(guid_to_sim(mailbox.0));
        self.estate.with(|estate| {
            let all = estate.subjects();
            let found = all.iter().find(|subject| cloud_id(estate, subject) == wanted);
            let stranger = || self.strangers.get(&mailbox).cloned();
            let unknown = || stranger().unwrap_or_else(|| mailbox.to_string());
            found.map_or_else(unknown, |subject| subject.name.to_string())
        })
    }

    /// The mailboxes that a selector means. That somebody who is named has none, or is nobody in the cloud,
    /// is the engine's to find out.
    fn mailbox_ids(&mut self, selector: &Selector) -> Vec<MailboxId> {
        if let Selector::Names(names) = selector {
            return names.iter().map(|name| self.named(&name.value)).collect();
        }
        self.estate.with(|estate| {
            self.roster
                .subjects(estate, selector)
                .into_iter()
                .filter(|subject| subject.exchange.is_some())
                .filter_map(|subject| cloud_id(estate, subject))
                .map(|id| MailboxId(guid_to_engine(id)))
                .collect()
        })
    }

    /// Who is named: by the id in the cloud, or by one that nobody has.
    fn named(&mut self, name: &str) -> MailboxId {
        let known = self.estate.with(|estate| cloud_id(estate, estate.subject(name)?));
        if let Some(id) = known {
            return MailboxId(guid_to_engine(id));
        }
        let same = self.strangers.iter().find(|(_, stranger)| *stranger == name);
        if let Some((id, _)) = same {
            return *id;
        }
        let id = MailboxId(guid_to_engine(nobody(self.strangers.len())));
        self.strangers.insert(id, name.to_owned());
        id
    }

    /// What an administrator would know: the build of Connect Sync, and when each object last changed
    /// in AD.
    fn evidence(&self, selector: &Selector) -> Evidence {
        self.estate.with(|estate| {
            let changed = |subject: &Subject| {
                let mailbox = estate.exchange.mailbox(subject.exchange?)?;
                let slot = estate.ad_entry(subject)?;
                Some((MailboxId(guid_to_engine(mailbox.id)), to_engine(slot.stamp.when_changed)))
            };
            Evidence {
                connect_build: Some(estate.connect.build.clone()),
                last_on_premises_change: self
                    .roster
                    .subjects(estate, selector)
                    .into_iter()
                    .filter_map(changed)
                    .collect(),
                licence_gates: estate.profile.text("licence_check") == "gate",
                ..Evidence::default()
            }
        })
    }
}

/// An id that nobody has: its last bytes are a number, and random ones do not begin so.
fn nobody(number: usize) -> Guid {
    let number = u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes = [0xff; 16];
    bytes[12..].copy_from_slice(&number);
    Guid(bytes)
}

/// What is wrong with mailboxes that did not get the wanted authority: the outcome of each, and why.
fn bad(report: &TransferReport) -> impl Iterator<Item = &Exception> {
    report.exceptions.iter().filter(|exception| !exception.outcome.is_good())
}

/// The names of what stood against mailboxes, or against the transfer as a whole: outcomes, what Exchange
/// Online said, and what blocks. A warning stands against nobody.
fn standing_against(report: &TransferReport, blocking: &[&'static str]) -> Vec<String> {
    let words = bad(report).map(|exception| exception.outcome.word().to_owned());
    let details = bad(report).flat_map(|exception| said(&exception.detail));
    words.chain(details).chain(blocking.iter().map(|id| (*id).to_owned())).collect()
}

/// The names of an answer: all of it, its code alone, and every name of the refusal that it is. A 403 says no more
/// over the wire than that.
fn said(detail: &str) -> Vec<String> {
    let code = detail.split(':').next().unwrap_or(detail);
    let called = if code == "403" { "Forbidden" } else { code };
    // That a request was bad is a code of many kinds.
    let kinds = cmdlets::error_names(called).filter(|name| *name != "BadRequest");
    let own = [detail, code].into_iter().map(str::to_owned);
    own.chain(kinds.map(str::to_owned)).collect()
}

/// Findings that block, unless the file accepts them.
fn blocking(report: &TransferReport, accepted: &[String]) -> Vec<&'static str> {
    let findings = report.findings.iter().filter(|f| f.severity == Severity::Block);
    findings.map(|f| f.id).filter(|id| !accepted.iter().any(|known| known == id)).collect()
}

#[cfg(test)]
mod tests {
    use engine::transfer::{Finding, readiness::id};

    use super::*;

    fn finding(id: &'static str, severity: Severity) -> Finding {
        Finding { id, severity, object: None, reason: String::new(), remedy: "" }
    }

    #[test]
    fn a_warning_or_what_was_accepted_stands_against_nobody() {
        let report = TransferReport {
            findings: vec![
                finding(id::RECENT_CHANGE, Severity::Warn),
                finding(id::CHANGES_UNKNOWN, Severity::Info),
                finding(id::CONNECT_OLD, Severity::Block),
                finding(id::NOT_SYNCED, Severity::Block),
            ],
            exceptions: vec![Exception {
                mailbox: MailboxId(guid_to_engine(Guid([7; 16]))),
                outcome: MailboxOutcome::Refused,
                detail: "403".to_owned(),
            }],
            ..TransferReport::default()
        };
        let blocking = blocking(&report, &[id::CONNECT_OLD.to_owned()]);
        assert_eq!(blocking, [id::NOT_SYNCED]);
        assert_eq!(
            standing_against(&report, &blocking),
            [
                "refused",
                "403",
                "403",
                "Forbidden",
                "UnauthorizedAccess",
                "UnauthorizedAccessException",
                "System.UnauthorizedAccessException",
                "Forbidden",
                id::NOT_SYNCED
            ]
        );
    }
}
