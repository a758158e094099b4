//! What a transfer came to, as text for people.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use engine::change::Plain;
use engine::failure::Failure;
use engine::ports::UnreadRow;
use engine::transfer::bucket_c::LEFT;
use engine::transfer::loss::by_attribute;
use engine::transfer::{
    BackupReport, Finding, Listing, Loss, RestoreReport, Restored, RolloutReport, Severity,
    TransferReport,
};

use crate::alone::{Checked, restored_word, severity_word};

// Writing to a String cannot fail, so what `write!` returns is dropped here.

/// Why something ended before its time; nothing when it did not.
pub(super) fn stopped(stopped: Option<&Failure>) -> String {
    stopped.map_or_else(String::new, |why| format!("stopped: {}: {}\n", why.code, why.detail))
}

/// A row of a listing that cannot be used.
pub(super) fn unread(row: &UnreadRow) -> String {
    let who = row.id.map_or_else(|| "a mailbox without id".to_owned(), |id| id.to_string());
    format!("unread   {who}: {}\n", row.error)
}

/// A rollout, ring by ring.
pub(super) fn rollout(report: &RolloutReport, applied: bool) -> String {
    let mut text = String::new();
    for ring in &report.rings {
        let _ = writeln!(text, "ring {}", ring.name);
        text += &self::report(&ring.transfer, applied, false);
        for mailbox in ring.without.iter().flatten() {
            let _ = writeln!(text, "without  {mailbox}");
        }
    }
    let waiting = report.waiting.join(", ");
    let _ = match &report.stopped {
        Some(stopped) if waiting.is_empty() => writeln!(text, "stopped: {}", stopped.detail),
        Some(stopped) => writeln!(text, "stopped: {}; not begun: {waiting}", stopped.detail),
        None if applied => writeln!(text, "{} ring(s) done", report.rings.len()),
        None => writeln!(text, "dry run of {} ring(s): nothing was changed", report.rings.len()),
    };
    text
}

/// A backup.
pub(super) fn backup(report: &BackupReport, path: &Path) -> String {
    let mut text = String::new();
    for (mailbox, why) in &report.lacking {
        let _ = writeln!(text, "lacking  {mailbox} {why}");
    }
    let _ = writeln!(text, "{} mailbox(es) in {}", report.backups.len(), path.display());
    if report.earlier > 0 {
        let earlier = report.earlier;
        let _ = writeln!(
            text,
            "{earlier} backup(s) of earlier flips are kept; --before TIME writes those"
        );
    }
    text
}

/// A restore.
pub(super) fn restore(report: &RestoreReport, applied: bool) -> String {
    let mut text = String::new();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for one in &report.mailboxes {
        let word = restored_word(&one.outcome, applied);
        *counts.entry(word).or_default() += 1;
        let why = match &one.outcome {
            Restored::Equal if one.notes.is_empty() => continue,
            Restored::Equal | Restored::Written => "",
            Restored::Blocked(why) | Restored::Failed(why) | Restored::Unverified(why) => why,
        };
        let _ = writeln!(text, "{word:<8} {} {why}", one.mailbox);
        for change in &one.changes {
            let _ =
                writeln!(text, "         {}: {} -> {}", change.attribute, change.old, change.new);
        }
        for note in &one.notes {
            let _ = writeln!(text, "         {note}");
        }
    }
    let all = report.mailboxes.len() as u64 + report.not_begun;
    let of = |word: &str| counts.get(word).copied().unwrap_or_default();
    let words = ["equal", "blocked", "failed", "unverified"];
    let mut others: String = words
        .into_iter()
        .filter(|word| of(word) > 0)
        .map(|word| format!(", {} {word}", of(word)))
        .collect();
    if report.not_begun > 0 {
        let _ = write!(others, ", {} not begun", report.not_begun);
    }
    let _ = if of("equal") == all {
        writeln!(text, "nothing differs: {all} of {all} mailbox(es) hold what the backup says")
    } else if applied {
        writeln!(text, "{} of {all} mailbox(es) restored{others}", of("restored"))
    } else {
        let advice = if of("differs") > 0 { "; `--apply` restores them" } else { "" };
        writeln!(text, "dry run: {} of {all} mailbox(es) differ{others}{advice}", of("differs"))
    };
    text + &stopped(report.stopped.as_ref())
}

/// Every mailbox.
pub(super) fn inventory(listing: &Listing) -> String {
    let mut text = String::new();
    let mut managed = 0;
    let rows = &listing.rows;
    for row in rows {
        let authority = match (row.dir_synced, row.cloud_managed) {
            (false, _) => "cloud only",
            (true, true) => "cloud",
            (true, false) => "on-premises",
        };
        managed += usize::from(row.dir_synced && row.cloud_managed);
        let _ = writeln!(
            text,
            "{} {:<16} {authority:<11} {} {}",
            row.id, row.recipient_type_details, row.when_changed, row.user_principal_name
        );
    }
    listing.unread.iter().for_each(|row| text += &unread(row));
    let synced = rows.iter().filter(|row| row.dir_synced).count();
    let _ =
        writeln!(text, "{} mailboxes, {synced} synchronized, {managed} cloud-managed", rows.len());
    text
}

/// Findings that are the same for many mailboxes are counted, and the first of them named.
pub(super) fn findings(all: &[Finding]) -> String {
    let mut text = String::new();
    // In the order in which they come: that of decommissioning is the order of work.
    let mut findings: Vec<(usize, &Finding)> = Vec::new();
    let mut places: BTreeMap<(Severity, &str), usize> = BTreeMap::new();
    for finding in all {
        let next = findings.len();
        let place = *places.entry((finding.severity, finding.id)).or_insert(next);
        match findings.get_mut(place) {
            Some((count, _)) => *count += 1,
            None => findings.push((1, finding)),
        }
    }
    findings.sort_by_key(|(_, first)| Reverse(first.severity));
    for (count, first) in findings {
        let (id, severity) = (first.id, severity_word(first.severity));
        let object = first.object.map(|object| format!(" {object}")).unwrap_or_default();
        let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
        let _ = writeln!(
            text,
            "{severity:<8} {id}{object}{more}: {}\n         {}",
            first.reason, first.remedy
        );
    }
    text
}

/// What findings come to, in one line: of how many mailboxes, where some were checked.
pub(super) fn verdict(all: &[Finding], checked: Option<Checked>) -> String {
    let of = |severity| all.iter().filter(|one| one.severity == severity).count();
    let unknown = all.iter().filter(|one| !one.is_determinable()).count();
    let found = format!(
        "{} finding(s) block, {} warn, {unknown} thing(s) are not determinable",
        of(Severity::Block),
        of(Severity::Warn)
    );
    match checked {
        Some(Checked { all, ready, warned, blocked }) => format!(
            "{all} mailbox(es) checked: {ready} ready, {warned} with a warning, {blocked} blocked; {found}\n"
        ),
        None => format!("{found}\n"),
    }
}

/// What a rollback takes away, by attribute and then one by one.
pub(super) fn losses(lost: &[Loss]) -> String {
    let mut text = String::new();
    for (attribute, mailboxes) in by_attribute(lost) {
        let _ = writeln!(text, "loss     {attribute}: {mailboxes} mailbox(es)");
    }
    for loss in lost {
        let becomes = if loss.unsure.is_some() { "may become" } else { "becomes" };
        let why = loss.unsure.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        let _ = writeln!(
            text,
            "         {} {}: `{}` {becomes} {}{why}",
            loss.mailbox,
            loss.attribute,
            Plain(&loss.value),
            loss.instead
        );
    }
    text
}

/// A flip, or with `back` a rollback.
pub(super) fn report(report: &TransferReport, applied: bool, back: bool) -> String {
    let mut text = findings(&report.findings) + &losses(&report.losses);
    for exception in &report.exceptions {
        let word = exception.outcome.word();
        let _ = writeln!(text, "{word:<8} {} {}", exception.mailbox, exception.detail);
    }
    let _ = if applied {
        writeln!(
            text,
            "{} {} in {} wave(s), {} already, {} blocked, {} refused, {} without effect, {} failed",
            report.flipped - report.flipped_before,
            if back { "rolled back" } else { "flipped" },
            report.waves,
            report.already + report.flipped_before,
            report.blocked,
            report.refused,
            report.no_op,
            report.failed
        )
    } else {
        writeln!(
            text,
            "dry run: {} would be {}, {} are already, {} are blocked, {} failed; nothing was \
             changed, `--apply` does it",
            report.would_flip,
            if back { "rolled back" } else { "flipped" },
            // Those that an earlier call of this name set are so already, too.
            report.already + report.flipped,
            report.blocked,
            report.failed
        )
    };
    for mailbox in &report.undecided {
        let _ = writeln!(
            text,
            "undecided {mailbox} its flag may have been set, and was not seen to change"
        );
    }
    if !report.undecided.is_empty() || report.not_begun > 0 {
        let _ = writeln!(
            text,
            "{} undecided, {} not begun: the same call goes on with them",
            report.undecided.len(),
            report.not_begun
        );
    }
    text += &stopped(report.stopped.as_ref());
    if back {
        let names: Vec<&str> = LEFT.iter().map(|left| left.ldap_name).collect();
        let _ = writeln!(text, "not compared, as no cmdlet sets them: {}", names.join(", "));
    }
    text
}
