//! `hybridsim transfer`: readiness, flips and their return on their own.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use engine::guid::Guid;
use engine::time::Timestamp;
use engine::transfer::{
    BLOCKING, Backup, BackupError, Evidence, Finding, RestoreTo, Restored, RestoredMailbox,
    Severity, Sides, backup,
};

use super::Exit;
use super::console::Console;
use super::transfer_text as text;
use super::writeback::refused;
use crate::alone::{
    AloneError, FlipOptions, Permission, Said, Settings, TransferAction, TransferOutcome,
    TransferRequest, WaveOptions, can_write, read_bytes, read_evidence, read_rings,
    transfer_document, write_document, write_private,
};

/// What `transfer --help` begins with.
pub(super) const ABOUT: &str = "\
Transfers the source of authority over Exchange attributes, against the endpoints of a configuration file (`hybridsim \
writeback --help` shows one). Without --apply nothing is changed: what stands against it, and what would be lost, is printed.

A transfer has a name, under which its progress lies in a file beside `state` of the configuration (`transfer_state` names \
another): the same call goes on where an earlier one was killed, and no mailbox is flipped twice. The writeback job may run \
beside it.";

/// The arguments of `transfer`.
#[derive(Debug, Args)]
pub(super) struct TransferArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List every mailbox with its type, whether it is synchronized, and who has authority.
    Inventory(Common),
    /// Say everything that stands against a flip, or is worth knowing before one.
    #[command(after_help = EVIDENCE)]
    Readiness {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        stated: Stated,
    },
    /// Say everything that stands against removing the last Exchange server.
    #[command(after_help = EVIDENCE)]
    Decommission {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        stated: Stated,
    },
    /// Check mailboxes, back their values up and give the cloud authority over them, in waves.
    #[command(after_help = EVIDENCE)]
    Flip {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        flip: FlipArguments,
    },
    /// Flip ring after ring: the next one starts only when the one before is verified.
    #[command(after_help = format!("{RINGS}\n\n{EVIDENCE}"))]
    Rollout {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        flip: FlipArguments,
        /// The file with the rings.
        #[arg(long, value_name = "FILE")]
        rings: PathBuf,
    },
    /// Write the values of mailboxes to a file: JSON Lines, versioned, with a checksum.
    Backup {
        #[command(flatten)]
        common: Common,
        /// The file, created with mode 0600.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Replace the file when it is there.
        #[arg(long)]
        overwrite: bool,
        /// Write what the transfer of this name kept before its flips, and not what is there now.
        #[arg(long)]
        stored: bool,
        /// Of these the ones alone that were taken before this instant (RFC 3339); a transfer that flipped a
        /// mailbox several times has kept what was there before each of its flips.
        #[arg(long, value_name = "TIME", requires = "stored")]
        before: Option<jiff::Timestamp>,
        /// Which sides of a mailbox to keep.
        #[arg(long, value_enum, default_value_t = Keep::Both)]
        sides: Keep,
    },
    /// Bring the values of a backup back, to the cloud or to Active Directory.
    Restore {
        #[command(flatten)]
        common: Common,
        /// The file of the backup.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// Where the values go.
        #[arg(long, value_enum)]
        to: To,
        /// Set no more mailboxes in the cloud than this in any minute [default: as many as the service takes].
        #[arg(long, value_name = "N")]
        sets_a_minute: Option<u32>,
    },
    /// Say what would be lost, and give AD its authority back.
    Rollback {
        #[command(flatten)]
        common: Common,
        /// Roll mailboxes back although values are lost.
        #[arg(long)]
        accept_losses: bool,
        #[command(flatten)]
        waves: WaveArguments,
    },
}

const EVIDENCE: &str = "\
The evidence file, in YAML, with what is known; mailboxes are named by id:
  connect_build: 2.5.190.0
  last_on_premises_change: {6e7b768e-07e2-4810-8459-485f84f8f204: 2026-10-01T08:00:00Z}
  pending_on_premises_change: []   # changes that Connect has not exported; an empty list: there is none
  ad_writers: [hr-feed.ps1]        # scripts and products that write the attributes in AD
  on_premises_recipients: 0        # mailboxes left in the whole forest, arbitration and audit ones included
  public_folders: false            # left, or remote ones are pointed to
  dns_on_premises: false           # MX or Autodiscover point on-premises
  smtp_relay: false
  groups_on_premises: false        # groups or contacts are edited with on-premises tools
  ad_readers: true                 # applications read Exchange attributes from AD
  hybrid_objects: false            # false: none of what step B removes is left
  licence: true                    # Entra ID P1
  licence_gates: false             # true: without it nobody is flipped
  path: uninstall                  # or management-tools: then the server is only shut down
  premises:                        # step B, each true while it is left:
    service_connection_points: false   # also hybrid_configuration, intra_organization_connectors,
                                       # send_receive_connectors, organization_relationship, federation_trust,
                                       # federation_certificate, oauth_credentials, hybrid_agent
    system_mailboxes: false            # step C: arbitration and audit-log mailboxes are enabled
    cloud_connectors: false            # step E: also cloud_organization_relationship,
                                       # cloud_intra_organization_connector, migration_endpoints,
                                       # cloud_oauth_credentials
    writeback_works_afterwards: true   # step F: also onboarding_works_afterwards, containers_gone
    writeback_job_runs: true           # where applications read AD, unless the state file tells
    writeback_verified: true           # a test attribute was seen to arrive in AD";

const RINGS: &str = "\
The file, in YAML:
  rings:
    - {name: pilot, mailboxes: [anna@contoso.com], soak: 24h}      # wait a day, read again, then go on
    - {name: all, mailboxes: [bob@contoso.com], most_without: 2}   # two may be without the flag";

#[derive(Debug, Args)]
struct WaveArguments {
    /// How many mailboxes make a wave: the next one starts when all of this are verified.
    #[arg(long, value_name = "N", default_value_t = 500)]
    wave: usize,
    /// Stop after a wave in which more mailboxes than this were refused, without effect or failed.
    #[arg(long, value_name = "N", default_value_t = 25)]
    most_failures: u64,
    /// Set no more mailboxes than this in any minute [default: as many as the service takes].
    #[arg(long, value_name = "N")]
    sets_a_minute: Option<u32>,
}

impl WaveArguments {
    const fn options(&self) -> WaveOptions {
        WaveOptions {
            wave: self.wave,
            most_failures: self.most_failures,
            sets_a_minute: self.sets_a_minute,
        }
    }
}

#[derive(Debug, Args)]
struct FlipArguments {
    #[command(flatten)]
    waves: WaveArguments,
    /// Which sides of a mailbox the backup before its flip keeps.
    #[arg(long, value_enum, default_value_t = Keep::Both)]
    backup: Keep,
    /// Accept a finding that blocks, by its id. May be given several times.
    #[arg(long, value_name = "FINDING")]
    accept: Vec<String>,
    #[command(flatten)]
    stated: Stated,
}

#[derive(Debug, Args)]
struct Stated {
    /// What no API tells, as YAML (shown below). What is not stated is not determinable.
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,
    /// The build of Connect Sync, such as 2.5.190.0.
    #[arg(long, value_name = "BUILD")]
    connect_build: Option<String>,
}

impl Stated {
    fn read(self) -> Result<Evidence, AloneError> {
        let evidence = self.evidence.as_deref().map(read_evidence).transpose()?.unwrap_or_default();
        let connect_build = self.connect_build.or(evidence.connect_build);
        Ok(Evidence { connect_build, ..evidence })
    }
}

impl FlipArguments {
    fn options(self) -> Result<FlipOptions, AloneError> {
        if let Some(odd) = self.accept.iter().find(|id| !BLOCKING.contains(&id.as_str())) {
            return Err(AloneError::NotAllowed(format!(
                "`--accept {odd}`: there is no finding of this id that blocks; these may: {}",
                BLOCKING.join(", ")
            )));
        }
        Ok(FlipOptions {
            waves: self.waves.options(),
            sides: self.backup.into(),
            accepted: self.accept,
            evidence: self.stated.read()?,
        })
    }
}

impl Action {
    /// What is common, what to do, and where a backup goes.
    fn read(self) -> Result<(Common, TransferAction, Option<PathBuf>), AloneError> {
        Ok(match self {
            Self::Inventory(common) => (common, TransferAction::Inventory, None),
            Self::Readiness { common, stated } => {
                (common, TransferAction::Readiness { evidence: stated.read()? }, None)
            }
            Self::Decommission { common, stated } => {
                (common, TransferAction::Decommission { evidence: stated.read()? }, None)
            }
            Self::Flip { common, flip } => (common, TransferAction::Flip(flip.options()?), None),
            Self::Rollout { common, flip, rings } => {
                let (rings, flip) = (read_rings(&rings)?, flip.options()?);
                (common, TransferAction::Rollout { rings, flip }, None)
            }
            Self::Backup { common, to, overwrite, stored, before, sides } => {
                if !overwrite && to.exists() {
                    let why = "is there already; --overwrite replaces it".to_owned();
                    return Err(AloneError::File { path: to, why });
                }
                let sides = sides.into();
                let before = before.map(|at| Timestamp::from_micros(at.as_microsecond()));
                (common, TransferAction::Backup { stored, before, sides }, Some(to))
            }
            Self::Restore { common, from, to, sets_a_minute } => {
                let to = match to {
                    To::Cloud => RestoreTo::Cloud,
                    To::Directory => RestoreTo::Directory,
                    To::CloudToDirectory => RestoreTo::CloudToDirectory,
                };
                let backups = read_backups(&from)?;
                (common, TransferAction::Restore { backups, to, sets_a_minute }, None)
            }
            Self::Rollback { common, accept_losses, waves } => {
                let waves = waves.options();
                (common, TransferAction::Rollback { accept_losses, waves }, None)
            }
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    /// The cloud's values to Exchange Online, where it has authority.
    Cloud,
    /// AD's values to Active Directory, to the byte: what was there comes back, what came since goes.
    Directory,
    /// The cloud's values to Active Directory, so that a rollback loses nothing; what the cloud lacks stays.
    CloudToDirectory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Keep {
    /// What Get-Mailbox shows.
    Cloud,
    /// That, what Get-User shows beside it, and what Active Directory holds.
    Both,
}

impl From<Keep> for Sides {
    fn from(keep: Keep) -> Self {
        match keep {
            Keep::Cloud => Self::Cloud,
            Keep::Both => Self::Both,
        }
    }
}

#[derive(Debug, Args)]
struct Common {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// Make the change; without it nothing is changed.
    #[arg(long)]
    apply: bool,

    /// The id of the tenant that is meant: must equal that in the token. Needed with --apply unless
    /// every endpoint is on this machine.
    #[arg(long, value_name = "GUID")]
    tenant: Option<Guid>,

    /// Names the transfer in the state store.
    #[arg(long, default_value = "transfer")]
    name: String,

    /// A file with one mailbox a line: id, user principal name or primary address
    /// [default: every mailbox that is synchronized from AD].
    #[arg(long, value_name = "FILE")]
    mailboxes: Option<PathBuf>,

    /// Write what it came to as one JSON document, with mode 0600.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Does it.
pub(super) fn transfer(arguments: TransferArguments, console: &Console) -> Exit {
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
    let settings = match Settings::read(&common.config) {
        Ok(settings) => settings,
        Err(error) => return refused(&error, console),
    };
    let permission = Permission { apply: common.apply, tenant: common.tenant };
    let back = matches!(action, TransferAction::Rollback { .. });
    let files = Files { back, report: common.report, backup: backup_file };
    if let Err(error) = files.check() {
        return refused(&error, console);
    }
    let request = TransferRequest { permission, name: common.name, action, mailboxes };
    let mut say = |said: Said| match said {
        Said::Waits(at) => console.out(&format!("waiting until {at}\n")),
        Said::Unread(row) => console.out(&text::unread(&row)),
        Said::Entry(_) | Said::Report(_) => {}
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
    report: Option<PathBuf>,
    backup: Option<PathBuf>,
}

impl Files {
    /// Whether each can be written: found out before anything is changed that they are to tell of.
    fn check(&self) -> Result<(), AloneError> {
        self.report.iter().chain(&self.backup).try_for_each(|path| can_write(path))
    }
}

/// Prints and writes what it came to.
fn told(
    outcome: &TransferOutcome,
    applied: bool,
    files: &Files,
    console: &Console,
) -> Result<Exit, AloneError> {
    // The file first: a backup or a report that cannot be written is worse than text that is not seen.
    if let TransferOutcome::Backups(report) = outcome {
        write_backups(files.backup.as_deref().unwrap_or(Path::new("")), &report.backups)?;
    }
    if let Some(path) = &files.report {
        write_document(path, &transfer_document(outcome, applied))?;
    }
    let (text, good) = match outcome {
        TransferOutcome::Inventory(listing) => {
            (text::inventory(listing), listing.unread.is_empty())
        }
        TransferOutcome::Report(report) => {
            let good = report.stopped.is_none() && report.not_flipped() == 0;
            (text::report(report, applied, files.back), good)
        }
        TransferOutcome::Findings(findings, stopped) => {
            let blocks = |finding: &Finding| finding.severity == Severity::Block;
            let good = stopped.is_none() && !findings.iter().any(blocks);
            (text::findings(findings) + &text::stopped(stopped.as_ref()), good)
        }
        TransferOutcome::Rollout(report) => {
            (text::rollout(report, applied), report.stopped.is_none())
        }
        TransferOutcome::Backups(report) => {
            let path = files.backup.as_deref().unwrap_or(Path::new(""));
            (text::backup(report, path), report.lacking.is_empty())
        }
        TransferOutcome::Restored(report) => {
            let bad = |one: &RestoredMailbox| {
                matches!(one.outcome, Restored::Blocked(_) | Restored::Failed(_))
            };
            let good = report.stopped.is_none() && !report.mailboxes.iter().any(bad);
            (text::restore(report, applied), good)
        }
        // Whoever waits for its end must not take this for one.
        TransferOutcome::Interrupted => {
            ("interrupted before its end; the same call goes on with it\n".to_owned(), false)
        }
    };
    console.out(&text);
    Ok(if good { Exit::Pass } else { Exit::Fail })
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
