//! The arguments of `transfer`, and what they ask for.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use engine::guid::Guid;
use engine::time::Timestamp;
use engine::transfer::{BLOCKING, Evidence, RestoreTo, Sides};

use super::help::{ENDS, ENDS_WITH_FINDINGS, EVIDENCE, RINGS};
use super::read_backups;
use crate::alone::{
    AloneError, FlipOptions, TransferAction, WaveOptions, read_evidence, read_rings, transfer_name,
};

/// The arguments of `transfer`.
#[derive(Debug, Args)]
pub(in crate::cli) struct TransferArguments {
    #[command(subcommand)]
    pub(super) action: Action,
}

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// List every mailbox with its type, whether it is synchronized, and who has authority.
    #[command(after_help = ENDS)]
    Inventory(Common),
    /// Say everything that stands against a flip, or is worth knowing before one.
    #[command(after_help = format!("{EVIDENCE}\n\n{ENDS_WITH_FINDINGS}"))]
    Readiness {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        stated: Stated,
    },
    /// Say everything that stands against removing the last Exchange server. Exit code 0 says that nothing does, 1 that
    /// something does or nobody answers, 2 that nothing known does and something is not determinable, 4 that a file or the
    /// program failed, 5 wrong usage.
    #[command(after_help = EVIDENCE)]
    Decommission {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        stated: Stated,
    },
    /// Check mailboxes, back their values up and give the cloud authority over them, in waves.
    #[command(after_help = format!("{EVIDENCE}\n\n{ENDS_WITH_FINDINGS}"))]
    Flip {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        flip: FlipArguments,
    },
    /// Flip ring after ring: the next one starts only when the one before is verified.
    #[command(after_help = format!("{RINGS}\n\n{EVIDENCE}\n\n{ENDS_WITH_FINDINGS}"))]
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
    #[command(after_help = ENDS)]
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
    #[command(after_help = ENDS)]
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
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        sets_a_minute: Option<u32>,
    },
    /// Say what would be lost, and give AD its authority back.
    #[command(after_help = ENDS_WITH_FINDINGS)]
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

#[derive(Debug, Args)]
pub(super) struct WaveArguments {
    /// How many mailboxes make a wave: the next one starts when all of this are verified.
    #[arg(long, value_name = "N", default_value = "500")]
    wave: NonZeroUsize,
    /// Stop inside of a wave once more of its mailboxes than this were refused, without effect or failed.
    #[arg(long, value_name = "N", default_value_t = 25)]
    most_failures: u64,
    /// Set no more mailboxes than this in any minute [default: as many as the service takes].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    sets_a_minute: Option<u32>,
}

impl WaveArguments {
    const fn options(&self) -> WaveOptions {
        WaveOptions {
            wave: self.wave.get(),
            most_failures: self.most_failures,
            sets_a_minute: self.sets_a_minute,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct FlipArguments {
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
pub(super) struct Stated {
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
    /// Why it is for all mailboxes or for those that it names otherwise: it would have to ignore `--mailboxes`.
    fn names_its_own(&self) -> Option<&'static str> {
        match self {
            Self::Decommission { common, .. } if common.mailboxes.is_some() => {
                Some("the last Exchange server goes for all mailboxes, so all are looked at")
            }
            Self::Rollout { common, .. } if common.mailboxes.is_some() => {
                Some("a rollout flips those of its rings; name them in the file of --rings")
            }
            _ => None,
        }
    }

    /// The files that it reads.
    pub(super) fn inputs(&self) -> Vec<(&'static str, PathBuf)> {
        let evidence = |stated: &Stated| stated.evidence.clone().map(|path| ("--evidence", path));
        let (common, more) = match self {
            Self::Inventory(common)
            | Self::Backup { common, .. }
            | Self::Rollback { common, .. } => (common, None),
            Self::Readiness { common, stated } | Self::Decommission { common, stated } => {
                (common, evidence(stated))
            }
            Self::Flip { common, flip } => (common, evidence(&flip.stated)),
            Self::Rollout { common, rings, .. } => (common, Some(("--rings", rings.clone()))),
            Self::Restore { common, from, .. } => (common, Some(("--from", from.clone()))),
        };
        let named = common.mailboxes.clone().map(|path| ("--mailboxes", path));
        named.into_iter().chain(more).collect()
    }

    /// What is common, what to do, and where a backup goes.
    pub(super) fn read(self) -> Result<(Common, TransferAction, Option<PathBuf>), AloneError> {
        if let Some(why) = self.names_its_own() {
            return Err(AloneError::NotAllowed(format!("--mailboxes: {why}")));
        }
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
pub(super) enum To {
    /// The cloud's values to Exchange Online, where it has authority.
    Cloud,
    /// AD's values to Active Directory, to the byte: what was there comes back, what came since goes.
    Directory,
    /// The cloud's values to Active Directory, so that a rollback loses nothing; what the cloud lacks stays.
    CloudToDirectory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Keep {
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

fn name(text: &str) -> Result<String, String> {
    transfer_name(text).map(|()| text.to_owned()).map_err(|why| format!("the name {why}"))
}

#[derive(Debug, Args)]
pub(super) struct Common {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,

    /// Make the change; without it nothing is changed.
    #[arg(long)]
    pub(super) apply: bool,

    /// The id of the tenant that is meant: must equal that in the token. Needed with --apply unless
    /// every endpoint is on this machine.
    #[arg(long, value_name = "GUID")]
    pub(super) tenant: Option<Guid>,

    /// Names the transfer in the state store.
    #[arg(long, default_value = "transfer", value_parser = name)]
    pub(super) name: String,

    /// A file with one mailbox a line: id, user principal name or primary address
    /// [default: every mailbox that is synchronized from AD].
    #[arg(long, value_name = "FILE")]
    pub(super) mailboxes: Option<PathBuf>,

    /// Write what it came to as one JSON document, with mode 0600.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
}
