//! The acceptance criteria of a transfer: how much may go wrong before it stops.
//!
//! They are judged whenever a mailbox is decided and before anything more is set, not at the end of a wave.
//! Nothing of them is stored: the next life of a transfer goes through the same mailboxes in the same order,
//! and what failed before is tried again, before anybody new, as long as too much of it is open.

use super::report::MailboxOutcome;

/// The criteria, and what counts against them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Criterion {
    /// Mailboxes of one wave that may be refused, without effect or failed.
    most_in_wave: Option<u64>,
    /// Mailboxes of the whole transfer that may be without the flag, blocked ones included.
    most_in_all: Option<u64>,
    in_wave: u64,
    in_all: u64,
}

impl Criterion {
    pub(super) const fn new(most_in_wave: Option<u64>, most_in_all: Option<u64>) -> Self {
        Self { most_in_wave, most_in_all, in_wave: 0, in_all: 0 }
    }

    /// A wave begins.
    pub(super) const fn begin_wave(&mut self) {
        self.in_wave = 0;
    }

    /// Counts one mailbox that was decided.
    pub(super) const fn count(&mut self, outcome: MailboxOutcome) {
        if !outcome.is_good() {
            self.in_all += 1;
        }
        if outcome.is_bad() {
            self.in_wave += 1;
        }
    }

    /// Whether there is anything to breach.
    pub(super) const fn judges(&self) -> bool {
        self.most_in_wave.is_some() || self.most_in_all.is_some()
    }

    /// Whether it would be breached if so many more went wrong.
    pub(super) fn breaks_with(&self, more: u64) -> bool {
        self.most_in_wave.is_some_and(|most| self.in_wave + more > most)
            || self.most_in_all.is_some_and(|most| self.in_all + more > most)
    }

    /// What was breached.
    pub(super) fn breach(&self) -> Option<String> {
        let over = |most: Option<u64>, count: u64| most.filter(|most| count > *most);
        if let Some(most) = over(self.most_in_wave, self.in_wave) {
            let count = self.in_wave;
            return Some(format!("{count} mailboxes of a wave did not flip, at most {most} may"));
        }
        let most = over(self.most_in_all, self.in_all)?;
        let count = self.in_all;
        Some(format!("{count} mailboxes are without the flag, at most {most} may be"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_criterion_is_breached_by_one_more_than_it_allows_and_by_its_own_outcomes() {
        let mut criterion = Criterion::new(Some(1), Some(3));
        for outcome in [MailboxOutcome::Flipped, MailboxOutcome::Already, MailboxOutcome::Failed] {
            criterion.count(outcome);
        }
        assert!(criterion.breach().is_none() && criterion.breaks_with(1));
        assert!(!criterion.breaks_with(0));
        let mut wave = criterion;
        wave.count(MailboxOutcome::NoOp);
        assert!(wave.breach().unwrap().contains("2 mailboxes of a wave"));
        wave.begin_wave();
        assert_eq!(wave.breach(), None);
        for _ in 0..2 {
            criterion.count(MailboxOutcome::Blocked);
            assert_eq!(criterion.breach(), None);
        }
        criterion.count(MailboxOutcome::Blocked);
        assert!(criterion.breach().unwrap().contains("4 mailboxes are without"));
        assert!(!Criterion::default().judges() && !Criterion::default().breaks_with(u64::MAX / 2));
    }
}
