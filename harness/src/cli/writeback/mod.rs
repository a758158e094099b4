//! `hybridsim writeback`: the writeback job on its own.

mod help;
mod text;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use engine::failure::{Failure, INTERRUPTED, Side, recommended_action};
use engine::guid::Guid;
use engine::job::{JobCommand, LogStatus, RestartScopes};
use engine::ports::MailboxId;
use engine::time::Timestamp;

pub(super) use self::help::{ABOUT, AFTER};
use super::Exit;
use super::console::Console;
use crate::alone::{
    AloneError, Permission, Said, Settings, WritebackRequest, can_write, reconcile_document,
    takes_report, write_document, writeback_document,
};

/// The arguments of `writeback`.
#[derive(Debug, Args)]
pub(super) struct WritebackArguments {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// Write to Active Directory; without it nothing outside of this process changes.
    #[arg(long)]
    apply: bool,

    /// The id of the tenant that is meant: must equal that in the token. Needed with --apply unless
    /// every endpoint is on this machine.
    #[arg(long, value_name = "GUID")]
    tenant: Option<Guid>,

    /// End after so many cycles, the first of them now [default: 1 in a dry run, no end with --apply].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    cycles: Option<u64>,

    /// Compare everything in scope with AD instead of running cycles: what differs and why. With
    /// --apply it is corrected.
    #[arg(long, conflicts_with_all = ["cycles", "start", "pause", "restart", "provision"])]
    reconcile: bool,

    /// Print the job's schema as this configuration makes it, in the shape of Microsoft Graph, and end: what
    /// `writeback.schema` takes. Nobody is asked anything.
    #[arg(long, conflicts_with_all = ["apply", "cycles", "reconcile", "start", "pause", "restart", "provision", "report"])]
    show_schema: bool,

    /// Write what the cycles or the comparison came to as one JSON document at the end, with mode 0600. That of a
    /// dry run and of users provisioned on demand holds every change; of others the provisioning log does.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Let a paused or disabled job run again.
    #[arg(long, conflicts_with = "pause")]
    start: bool,

    /// Pause the job and end.
    #[arg(long)]
    pause: bool,

    /// Restart the job with these scopes, comma separated.
    #[arg(long, value_name = "SCOPES", value_delimiter = ',', value_enum)]
    restart: Vec<Scope>,

    /// Provision this user now (the Entra object id, with `User_` in front or not) and end. May be
    /// given several times.
    #[arg(long, value_name = "ID", value_parser = user)]
    provision: Vec<MailboxId>,

    /// Name every mailbox that was skipped, too, and why; without it they are counted.
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scope {
    /// Everything, and the links between the two sides are forgotten.
    Full,
    /// Every object is evaluated again.
    Watermark,
    /// Recorded failures are given up.
    Escrows,
    /// The quarantine is lifted.
    Quarantine,
    /// Watermark, escrows and quarantine, as the portal's "Restart provisioning".
    Portal,
}

fn user(text: &str) -> Result<MailboxId, String> {
    let id = text.strip_prefix("User_").unwrap_or(text);
    id.parse().map(MailboxId).map_err(|error: engine::guid::GuidError| error.to_string())
}

/// Runs the job.
pub(super) fn writeback(arguments: &WritebackArguments, console: &Console) -> Exit {
    let settings = match Settings::read(&arguments.config) {
        Ok(settings) => settings,
        Err(error) => return refused(&error, console),
    };
    if arguments.show_schema {
        console.tell(&format!("{:#}\n", settings.schema));
        return Exit::Pass;
    }
    let apply = arguments.apply;
    if let Err(error) = arguments.report.as_deref().map_or(Ok(()), |path| usable(path, &settings)) {
        return refused(&error, console);
    }
    if arguments.reconcile {
        let permission = Permission { apply, tenant: arguments.tenant };
        let report = arguments.report.as_deref();
        return reconcile(&settings, permission, report, console)
            .unwrap_or_else(|error| refused(&error, console));
    }
    // Who asks for one user wants to know that nothing was to be done.
    let verbose = arguments.verbose || !arguments.provision.is_empty();
    let request = request(arguments, &settings);
    let (mut state, mut entries) = (String::new(), Vec::new());
    let keeps = arguments.report.is_some() && (!apply || !arguments.provision.is_empty());
    let mut say = |said: Said| match said {
        Said::Entry(entry) if entry.status == LogStatus::Skipped && !verbose => {}
        Said::Entry(entry) => {
            console.tell(&text::entry(&entry, apply));
            entries.extend(keeps.then_some(entry));
        }
        // A job tells its state when it starts and when it obeys: once is enough where it is the same.
        Said::Report(report)
            if report.last_cycle.is_none()
                && report.on_demand.is_none()
                && text::report(&report, apply) == state => {}
        Said::Report(report) => {
            state = text::report(&report, apply);
            console.tell(&state);
            console.tell(&text::limit(&report, settings.job.switches.mailbox_limit));
        }
        Said::NoClock(why) => {
            let what = "Microsoft Graph does not tell its time, so this machine's is in the log";
            console.tell(&format!("{what}: {why}\n"));
        }
        // Who is paused runs at no time.
        Said::Waits(_, None) if state.contains(" paused: ") => {}
        Said::Waits(at, None) => console.tell(&format!("next at {at}\n")),
        Said::Waits(at, why) => console.tell(&waits(at, why.as_deref())),
        Said::Scope(missing) => console.tell(&text::scope(&missing)),
        Said::Progress(far) => console.tell(&progress(&far)),
        Said::Unread(_) | Said::Losses(_) => {}
    };
    match crate::alone::writeback(&settings, &request, &mut say) {
        Ok(outcome) => {
            console.tell(&text::outcome(&outcome, apply));
            if let Some(path) = &arguments.report
                && let Err(error) =
                    write_document(path, &writeback_document(&outcome, &entries, apply))
            {
                return refused(&error, console);
            }
            let idle = outcome.cycles.len() < count(request.cycles) && !outcome.interrupted;
            if idle {
                console.tell(
                    "the job is paused or disabled, so no cycle began: --start lets it run\n",
                );
            }
            let bad = idle || outcome.failed > 0 || outcome.failed_cycles() > 0;
            if bad && !outcome.interrupted { Exit::Fail } else { Exit::Pass }
        }
        Err(error) => refused(&error, console),
    }
}

/// Whether a report can be written here, in the place of nothing else.
fn usable(path: &Path, settings: &Settings) -> Result<(), AloneError> {
    settings.may_write(path, &[])?;
    takes_report(path)?;
    can_write(path)
}

/// What is said of a wait: until when, and for what.
pub(super) fn waits(at: Timestamp, why: Option<&str>) -> String {
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    format!("waiting until {at}{why}\n")
}

/// What is said of how far something is.
pub(super) fn progress(far: &str) -> String {
    format!("so far: {far}\n")
}

/// How many cycles are to run at least.
fn count(cycles: Option<u64>) -> usize {
    cycles.map_or(0, |cycles| usize::try_from(cycles).unwrap_or(usize::MAX))
}

/// Compares and says what differs. In a dry run drift is something to look into: exit code 1.
fn reconcile(
    settings: &Settings,
    permission: Permission,
    file: Option<&Path>,
    console: &Console,
) -> Result<Exit, AloneError> {
    let mut say = |said: Said| match said {
        Said::Waits(at, why) => console.tell(&waits(at, why.as_deref())),
        Said::Progress(far) => console.tell(&progress(&far)),
        _ => {}
    };
    let report = crate::alone::reconcile(settings, permission, &mut say)?;
    console.tell(&text::reconciliation(&report));
    if let Some(path) = file {
        write_document(path, &reconcile_document(&report, permission.apply))?;
    }
    let (differences, _) = report.differences();
    let open = !permission.apply && differences > 0;
    let bad = open || !report.problems.is_empty() || report.stopped.is_some();
    Ok(if bad { Exit::Fail } else { Exit::Pass })
}

fn request(arguments: &WritebackArguments, settings: &Settings) -> WritebackRequest {
    let mut commands = Vec::new();
    if !arguments.restart.is_empty() {
        let has = |scope| arguments.restart.contains(&scope);
        let portal = has(Scope::Portal);
        commands.push(JobCommand::Restart(RestartScopes {
            watermark: has(Scope::Watermark) || portal,
            escrows: has(Scope::Escrows) || portal,
            quarantine: has(Scope::Quarantine) || portal,
            full: has(Scope::Full),
        }));
    }
    if arguments.start {
        commands.push(JobCommand::Start);
    }
    if arguments.pause {
        commands.push(JobCommand::Pause);
    }
    let provision = |(request, mailbox): (u64, &MailboxId)| JobCommand::ProvisionOnDemand {
        request,
        rule: settings.job.rule.clone(),
        mailbox: *mailbox,
    };
    commands.extend((1..).zip(&arguments.provision).map(provision));
    let once = if arguments.pause || !arguments.provision.is_empty() {
        Some(0)
    } else {
        (!arguments.apply).then_some(1)
    };
    WritebackRequest {
        permission: Permission { apply: arguments.apply, tenant: arguments.tenant },
        cycles: arguments.cycles.or(once),
        commands,
    }
}

/// What is said where nothing came of a call.
const AGAIN: &str = "Nothing was changed; call again once that is repaired.";

/// What was wrong, and the exit code for it.
pub(super) fn refused(error: &AloneError, console: &Console) -> Exit {
    if error.is_usage() {
        console
            .error(&error.to_string(), "nothing was written; `--help` has the configuration file");
        return Exit::Usage;
    }
    if let AloneError::Failed(why) = error {
        let help = match (why.code, recommended_action(why.code)) {
            (INTERRUPTED, _) => "nothing was changed, and no file was written".to_owned(),
            (_, Some(advice)) => format!("{advice} {AGAIN}"),
            (_, None) => AGAIN.to_owned(),
        };
        console.error(&error.to_string(), &help);
        return Exit::Fail;
    }
    if let AloneError::Call { error: call, .. } = error {
        let advice = recommended_action(Failure::of_call(call, Side::Cloud).code);
        let help = advice.map_or_else(|| AGAIN.to_owned(), |advice| format!("{advice} {AGAIN}"));
        console.error(&error.to_string(), &help);
        return Exit::Fail;
    }
    let help = match error {
        AloneError::InUse { .. } => "nothing was changed",
        AloneError::NotWritten { .. } => {
            "what was there before is there; make room or name another file, and call again"
        }
        _ => "start it again once that is repaired: it goes on where it was",
    };
    console.error(&error.to_string(), help);
    Exit::Internal
}
