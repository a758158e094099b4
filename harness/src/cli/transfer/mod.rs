//! `hybridsim transfer`: readiness, flips and their return on their own.

mod arguments;
mod help;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

use engine::failure::{Failure, STORE_FAILED};
use engine::transfer::{
    Backup, BackupError, Finding, Restored, RestoredMailbox, Severity, TransferReport, backup,
};

pub(super) use self::arguments::TransferArguments;
pub(super) use self::help::ABOUT;
use super::Exit;
use super::console::Console;
use super::writeback::{progress, refused, waits};
use crate::alone::{
    AloneError, Permission, Said, Settings, TransferAction, TransferOutcome, TransferRequest,
    can_write, read_bytes, takes_report, transfer_document, write_document, write_private,
};

/// Does it.
pub(super) fn transfer(arguments: TransferArguments, console: &Console) -> Exit {
    let inputs = arguments.action.inputs();
    let (common, action, backup_file) = match arguments.action.read() {
        Ok(read) => read,
        Err(error) => return refused(&error, console),
    };
    let mailboxes = match common.mailboxes.as_deref().map(fs::read_to_string).transpose() {
        Ok(text) => text.map(|text| names(&text)),
        Err(why) => {
            let path = common.mailboxes.unwrap_or_default();
            console.error(&format!("{}: {why}", path.display()), "name a file that can be read");
            return Exit::Usage;
        }
    };
    if mailboxes.as_ref().is_some_and(Vec::is_empty) {
        let path = common.mailboxes.unwrap_or_default();
        let why = "without --mailboxes every mailbox that is synchronized from AD is meant";
        console.error(&format!("{}: names no mailbox", path.display()), why);
        return Exit::Usage;
    }
    let settings = match Settings::read(&common.config) {
        Ok(settings) => settings,
        Err(error) => return refused(&error, console),
    };
    let permission = Permission { apply: common.apply, tenant: common.tenant };
    let whole = matches!(action, TransferAction::Decommission { .. });
    let back = matches!(action, TransferAction::Rollback { .. });
    let files = Files { back, whole, report: common.report, backup: backup_file };
    if let Err(error) = files.check(&settings, inputs) {
        return refused(&error, console);
    }
    let request = TransferRequest { permission, name: common.name, action, mailboxes };
    let mut say = |said: Said| match said {
        Said::Waits(at, why) => console.tell(&waits(at, why.as_deref())),
        Said::Unread(row) => console.tell(&text::unread(&row)),
        Said::Losses(report) => tell_losses(report, &files, console),
        Said::Progress(far) => console.tell(&progress(&far)),
        Said::Entry(_) | Said::Report(_) | Said::NoClock(_) | Said::Scope(_) => {}
    };
    let outcome = crate::alone::transfer(&settings, &request, &mut say);
    outcome
        .and_then(|outcome| told(&outcome, common.apply, &files, console))
        .unwrap_or_else(|error| refused(&error, console))
}

/// Files to write what it came to.
struct Files {
    /// Whether authority goes back: what was not compared is to be named.
    back: bool,
    /// Whether what nobody can determine stands in the way too.
    whole: bool,
    report: Option<PathBuf>,
    backup: Option<PathBuf>,
}

impl Files {
    /// Whether each can be written, and takes the place of nothing else: found out before anything is changed that
    /// they are to tell of.
    fn check(
        &self,
        settings: &Settings,
        mut others: Vec<(&'static str, PathBuf)>,
    ) -> Result<(), AloneError> {
        if let Some(path) = &self.backup {
            settings.may_write(path, &others)?;
            can_write(path)?;
            others.push(("--to", path.clone()));
        }
        if let Some(path) = &self.report {
            settings.may_write(path, &others)?;
            takes_report(path)?;
            can_write(path)?;
        }
        Ok(())
    }
}

/// Prints and writes what it came to.
fn told(
    outcome: &TransferOutcome,
    applied: bool,
    files: &Files,
    console: &Console,
) -> Result<Exit, AloneError> {
    // A backup that is not there is none; what else it came to is told even where its report cannot be written.
    if let TransferOutcome::Backups(report) = outcome {
        write_backups(files.backup.as_deref().unwrap_or(Path::new("")), &report.backups)?;
    }
    let written = files
        .report
        .as_deref()
        .map_or(Ok(()), |path| write_document(path, &transfer_document(outcome, applied)));
    let exit = |good: bool| if good { Exit::Pass } else { Exit::Fail };
    let (text, exit) = match outcome {
        TransferOutcome::Inventory(listing) => {
            (text::inventory(listing), exit(listing.unread.is_empty()))
        }
        TransferOutcome::Report(report) => {
            let good = report.stopped.is_none() && report.not_flipped() == 0;
            (text::report(report, applied, files.back), exit(good))
        }
        TransferOutcome::Findings { findings, checked, stopped } => (
            text::findings(findings)
                + &text::verdict(findings, *checked)
                + &text::stopped(stopped.as_ref()),
            judged(findings, stopped.is_some(), files.whole),
        ),
        TransferOutcome::Rollout(report) => {
            (text::rollout(report, applied), exit(report.stopped.is_none()))
        }
        TransferOutcome::Backups(report) => {
            let path = files.backup.as_deref().unwrap_or(Path::new(""));
            (text::backup(report, path), exit(report.lacking.is_empty()))
        }
        TransferOutcome::Restored(report) => {
            let good =
                |one: &RestoredMailbox| matches!(one.outcome, Restored::Equal | Restored::Written);
            let good = report.stopped.is_none() && report.mailboxes.iter().all(good);
            (text::restore(report, applied), exit(good))
        }
    };
    console.tell(&text);
    written?;
    let of_store = stopped_by(outcome).is_some_and(|why| why.code == STORE_FAILED);
    Ok(if of_store { Exit::Internal } else { exit })
}

/// What ended it before its time.
fn stopped_by(outcome: &TransferOutcome) -> Option<&Failure> {
    match outcome {
        TransferOutcome::Inventory(_) | TransferOutcome::Backups(_) => None,
        TransferOutcome::Report(report) => report.stopped.as_ref(),
        TransferOutcome::Findings { stopped, .. } => stopped.as_ref(),
        TransferOutcome::Rollout(report) => report.stopped.as_ref(),
        TransferOutcome::Restored(report) => report.stopped.as_ref(),
    }
}

/// What findings come to; where `whole`, nothing known stands against it only once everything is known.
fn judged(findings: &[Finding], stopped: bool, whole: bool) -> Exit {
    if stopped || findings.iter().any(|finding| finding.severity == Severity::Block) {
        return Exit::Fail;
    }
    let open = whole && findings.iter().any(|finding| !finding.is_determinable());
    if open { Exit::Unknown } else { Exit::Pass }
}

/// What a rollback is about to take away, before it does: should it die, this is what stays.
fn tell_losses(report: Box<TransferReport>, files: &Files, console: &Console) {
    console.tell(&text::losses(&report.losses));
    let Some(path) = &files.report else { return };
    let document = transfer_document(&TransferOutcome::Report(report), true);
    if let Err(error) = write_document(path, &document) {
        refused(&error, console);
    }
}

fn read_backups(path: &Path) -> Result<Vec<Backup>, AloneError> {
    let bytes = read_bytes(path)?;
    let refuse =
        |error: BackupError| AloneError::File { path: path.to_owned(), why: error.to_string() };
    backup::read_file(&bytes).map_err(refuse)
}

fn write_backups(path: &Path, backups: &[Backup]) -> Result<(), AloneError> {
    let refuse =
        |error: BackupError| AloneError::File { path: path.to_owned(), why: error.to_string() };
    write_private(path, &backup::write_file(backups).map_err(refuse)?)
}

/// The lines that name something; `#` begins a remark.
fn names(text: &str) -> Vec<String> {
    let line = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
    text.lines().map(line).filter(|line| !line.is_empty()).collect()
}
