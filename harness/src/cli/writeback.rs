//! `hybridsim writeback`: the writeback job on its own.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use engine::guid::Guid;
use engine::job::{JobCommand, JobReport, JobStatus, LogEntry, LogStatus, RestartScopes};
use engine::ports::MailboxId;

use super::Exit;
use super::console::Console;
use crate::alone::{
    AloneError, Permission, Said, Settings, WritebackOutcome, WritebackRequest, can_write,
    reconcile_document, write_document,
};

/// What `writeback --help` begins with.
pub(super) const ABOUT: &str = "\
Brings the Exchange attributes of cloud-managed mailboxes to Active Directory, against the endpoints of a configuration \
file: an estate that `hybridsim serve --no-engine` keeps running, or a real tenant and forest.

Without --apply it is a dry run: one cycle is played to its end, nothing outside of this process is written, and what would \
be written is printed, attribute by attribute. With --apply cycles run by their interval until Ctrl-C or SIGTERM. The job's \
state is in the file `state` of the configuration; a job that was killed at any moment goes on where it was.";

/// What `writeback --help` ends with.
pub(super) const AFTER: &str = "\
The configuration file, in YAML:
  tenant: contoso.com                     # a verified domain or the tenant's id
  ca_file: ca.pem                         # certificates to trust, and no others [the system's]
  timeout: 10m                            # for one answer
  cloud:
    login: https://login.microsoftonline.com      # these three are the defaults
    graph: https://graph.microsoft.com
    exchange: https://outlook.office365.com
    client_id: 00000000-0000-0000-0000-000000000000
    client_secret: {env: HYBRIDSIM_SECRET}        # or {file: PATH}, with mode 0600
  directory:
    domain: corp.contoso.com
    base_dn: DC=corp,DC=contoso,DC=com
    servers:                              # tried in this order
      - {name: DC1, url: 'ldaps://dc1.corp.contoso.com', bind: svc@corp.contoso.com, password: {file: PATH}}
  state: writeback.redb                   # created with mode 0600
  transfer_state: transfers.redb          # that of `transfer`; [beside `state`: writeback.transfers.redb]
  transfer_log: transfers.jsonl           # appended to: what transfers did; [beside: writeback.transfers.jsonl]
  log: provisioning.jsonl                 # appended to: provisioningObjectSummary, one a line
  writeback: {interval: 20m, created_on: 2026-08-03, proxy_mode: replace_smtp, null_flow: false,
    watermark_overlap: 5m,                # how long a copy of Exchange Online may lag without a change being skipped
    match_order: [object_identifier, immutable_id, external_id]}
  scope: {ous: ['OU=Staff,DC=corp,DC=contoso,DC=com'], groups: []}

For an estate that `hybridsim serve --no-engine --ready-file ready.json` keeps running, `hybridsim env ready.json \
--engine-config FOLDER` writes it.

Exit codes: 0 done or interrupted, 1 a cycle or an object failed, 4 the state store or the program failed, 5 wrong usage.";

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

    /// Write what the comparison came to as one JSON document, with mode 0600.
    #[arg(long, value_name = "FILE", requires = "reconcile")]
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
    let apply = arguments.apply;
    if arguments.reconcile {
        let permission = Permission { apply, tenant: arguments.tenant };
        let report = arguments.report.as_deref();
        return reconcile(&settings, permission, report, console)
            .unwrap_or_else(|error| refused(&error, console));
    }
    // Who asks for one user wants to know that nothing was to be done.
    let verbose = arguments.verbose || !arguments.provision.is_empty();
    let request = request(arguments, &settings);
    let mut state = String::new();
    let mut say = |said: Said| match said {
        Said::Entry(entry) if entry.status == LogStatus::Skipped && !verbose => {}
        Said::Entry(entry) => console.out(&entry_text(&entry, apply)),
        // A job tells its state when it starts and when it obeys: once is enough where it is the same.
        Said::Report(report)
            if report.last_cycle.is_none()
                && report.on_demand.is_none()
                && report_text(&report) == state => {}
        Said::Report(report) => {
            state = report_text(&report);
            console.out(&state);
            console.out(&limit_text(&report, settings.job.switches.mailbox_limit));
        }
        // Who is paused runs at no time.
        Said::Waits(_) if state.starts_with("job paused") => {}
        Said::Waits(at) => console.out(&format!("next at {at}\n")),
        Said::Unread(_) | Said::Losses(_) => {}
    };
    match crate::alone::writeback(&settings, &request, &mut say) {
        Ok(outcome) => {
            console.out(&outcome_text(&outcome, apply));
            let idle = outcome.cycles < request.cycles.unwrap_or(0) && !outcome.interrupted;
            if idle {
                console
                    .out("the job is paused or disabled, so no cycle began: --start lets it run\n");
            }
            let bad = idle || outcome.failed > 0 || outcome.failed_cycles > 0;
            if bad && !outcome.interrupted { Exit::Fail } else { Exit::Pass }
        }
        Err(error) => refused(&error, console),
    }
}

/// Compares and says what differs. In a dry run drift is something to look into: exit code 1.
fn reconcile(
    settings: &Settings,
    permission: Permission,
    file: Option<&Path>,
    console: &Console,
) -> Result<Exit, AloneError> {
    if let Some(path) = file {
        can_write(path)?;
    }
    let mut say = |said: Said| {
        if let Said::Waits(at) = said {
            console.out(&format!("waiting until {at}\n"));
        }
    };
    let Some(report) = crate::alone::reconcile(settings, permission, &mut say)? else {
        console.out("interrupted before its end\n");
        return Ok(Exit::Fail);
    };
    if let Some(path) = file {
        write_document(path, &reconcile_document(&report, permission.apply))?;
    }
    let mut text = String::new();
    for drift in &report.drift {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{} {}: AD has `{}`, the cloud says `{}`\n    {}: {}",
            drift.mailbox,
            drift.attribute,
            drift.directory,
            drift.cloud,
            drift.cause,
            drift.cause.remedy()
        );
    }
    for problem in &report.problems {
        let who =
            problem.mailbox.map_or_else(|| "a mailbox without id".to_owned(), |id| id.to_string());
        let _ = writeln!(text, "{who} not compared or corrected: {}", problem.reason);
    }
    let (differences, stay) = report.differences();
    let _ = writeln!(
        text,
        "{} of {} mailboxes compared, {differences} difference(s), {} object(s) corrected",
        report.compared, report.read, report.corrected
    );
    if report.unverified > 0 {
        let _ = writeln!(
            text,
            "{} object(s) written, not verified: AD could not be read afterwards",
            report.unverified
        );
    }
    if stay > 0 {
        let _ = writeln!(text, "{stay} attribute(s) that only AD holds stay");
    }
    if report.left_alone > 0 {
        let _ = writeln!(text, "{} mailbox(es) are left alone by the job", report.left_alone);
    }
    if let Some(stopped) = &report.stopped {
        let _ = writeln!(text, "stopped: {}: {}", stopped.code, stopped.detail);
    }
    console.out(&text);
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

/// What was wrong, and the exit code for it.
pub(super) fn refused(error: &AloneError, console: &Console) -> Exit {
    if error.is_usage() {
        console
            .error(&error.to_string(), "nothing was written; `--help` has the configuration file");
        return Exit::Usage;
    }
    if let AloneError::Failed(_) = error {
        console.error(&error.to_string(), "nothing was changed; call again once that is repaired");
        return Exit::Fail;
    }
    let help = match error {
        AloneError::InUse { .. } => "nothing was changed",
        _ => "start it again once that is repaired: it goes on where it was",
    };
    console.error(&error.to_string(), help);
    Exit::Internal
}

fn entry_text(entry: &LogEntry, apply: bool) -> String {
    let word = match (entry.status, apply) {
        (LogStatus::Success, true) => "written",
        (LogStatus::Success, false) => "would write",
        (LogStatus::Failure, _) => "failed",
        (LogStatus::Skipped, _) => "skipped",
    };
    let who = entry.mailbox.map_or_else(|| "the cycle".to_owned(), |id| id.to_string());
    let mut text =
        format!("{word:<11} {who} {} {}", entry.code, entry.detail).trim_end().to_owned();
    text.push('\n');
    for change in &entry.modified {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "              {}: `{}` -> `{}`",
            change.attribute, change.old, change.new
        );
    }
    text
}

/// What an initial cycle does that fails on too many: nobody would try those objects again by themselves.
const PRUNED: &str = "  the initial cycle failed on too many objects: its failures were given up and the job \
    paused;\n  once their cause (see the log) is repaired, use --restart watermark,quarantine\n";

fn report_text(report: &JobReport) -> String {
    let status = match report.status {
        JobStatus::NotRun => "not run yet",
        JobStatus::Active => "active",
        JobStatus::Paused => "paused",
        JobStatus::Quarantine => "in quarantine",
    };
    if let Some((_, entry)) = &report.on_demand {
        return answer_text(entry);
    }
    let Some(cycle) = &report.last_cycle else {
        let pruned = if report.escrows_pruned { PRUNED } else { "" };
        return format!(
            "job {status}: {} linked, {} in escrow\n{pruned}",
            report.linked, report.escrowed
        );
    };
    let kind = if cycle.initial { "initial cycle" } else { "cycle" };
    let mut text = format!(
        "{kind} {} in {:.1} s: {} read, {} in scope, {} written, {} skipped, {} failed; job {status}, {} in escrow\n",
        cycle.cycle,
        cycle.ended.since(cycle.began).as_secs_f64(),
        cycle.read,
        cycle.in_scope,
        cycle.written,
        cycle.skipped,
        cycle.failed,
        report.escrowed,
    );
    if let Some(failure) = &cycle.failure {
        let _ = writeln!(text, "  the cycle failed: {}: {}", failure.code, failure.detail);
    }
    if report.escrows_pruned {
        text.push_str(PRUNED);
    }
    text
}

/// A word about more mailboxes than the service supports.
fn limit_text(report: &JobReport, limit: u64) -> String {
    let linked = report.linked;
    if linked > limit && report.last_cycle.is_some() {
        format!(
            "  warning: {linked} mailboxes are written back, and the service supports {limit}\n"
        )
    } else {
        String::new()
    }
}

/// The answer to a provision on demand: its steps, and the code of the last one.
fn answer_text(entry: &LogEntry) -> String {
    let who = entry.mailbox.map_or_else(String::new, |id| id.to_string());
    let mut text = format!("provision on demand of {who}\n");
    for step in engine::job_log::steps(entry) {
        let status = engine::job_log::status_text(step.status);
        let _ = writeln!(text, "  {:<28} {:<9} {status}", step.name, step.kind);
    }
    if !entry.code.is_empty() {
        let why =
            if entry.detail.is_empty() { String::new() } else { format!(": {}", entry.detail) };
        let _ = writeln!(text, "  {}{why}", entry.code);
    }
    text
}

fn outcome_text(outcome: &WritebackOutcome, apply: bool) -> String {
    let objects = if outcome.written == 1 { "object" } else { "objects" };
    let end = if outcome.interrupted { "interrupted; " } else { "" };
    if apply {
        format!("{end}{} {objects} written in {} cycle(s)\n", outcome.written, outcome.cycles)
    } else {
        format!(
            "{end}dry run: {} {objects} would be written, and nothing was; `--apply` writes\n",
            outcome.written
        )
    }
}
