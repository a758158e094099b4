//! Chance in the words that a draw needs.

use sim::chance::Chance;

/// One named stream of a seed. A new question to one stream moves no other.
pub(super) struct Dice(Chance);

impl Dice {
    /// The stream `name` of a seed.
    pub(super) fn of(seed: u64, name: &str) -> Self {
        Self(Chance::stream(seed, name))
    }

    /// True this often out of a hundred.
    pub(super) fn percent(&mut self, share: u64) -> bool {
        self.0.below(100) < share
    }

    /// A number from `first` to `last`, both included.
    pub(super) fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.0.below(last.saturating_sub(first) + 1)
    }

    /// One of `choices`; `None` when there are none.
    pub(super) fn pick<'c, T>(&mut self, choices: &'c [T]) -> Option<&'c T> {
        choices.get(self.0.place(choices.len()))
    }

    /// One of an array that has at least one.
    pub(super) fn one<T: Copy, const N: usize>(&mut self, choices: [T; N]) -> T {
        const { assert!(N > 0, "one of nothing") };
        choices[self.0.place(N)]
    }

    /// At least one and at most `most` of `choices`, in their order; none when there are none.
    pub(super) fn some<T: Clone>(&mut self, choices: &[T], most: usize) -> Vec<T> {
        let mut left = self.between(1, most.max(1).min(choices.len().max(1)) as u64);
        let mut chosen = Vec::new();
        for (place, choice) in choices.iter().enumerate() {
            let remaining = (choices.len() - place) as u64;
            if self.0.below(remaining) < left {
                chosen.push(choice.clone());
                left -= 1;
            }
        }
        chosen
    }
}
