//! Work on several threads whose results come out in order.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// As much as the main thread of a process usually has; worker threads get a quarter of it unasked.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Does `work` on each index of `start`, in that order, on `jobs` threads, and gives the results to
/// `deliver` in the order of the indices, each as soon as all before it are there.
///
/// `start` holds each index from 0 on once.
pub(super) fn in_order<T: Send>(
    start: &[usize],
    jobs: NonZeroUsize,
    work: impl Fn(usize) -> T + Sync,
    mut deliver: impl FnMut(usize, T),
) {
    let next = AtomicUsize::new(0);
    let take = || start.get(next.fetch_add(1, Ordering::Relaxed)).copied();
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..jobs.get().min(start.len()) {
            let (sender, take, work) = (sender.clone(), &take, &work);
            let worker = move || {
                while let Some(index) = take() {
                    // The receiver lives until all senders are gone.
                    let _ = sender.send((index, work(index)));
                }
            };
            // With fewer threads than asked for it takes longer, and nothing else changes.
            let _ = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, worker);
        }
        drop(sender);
        let mut line = Line { due: 0, early: BTreeMap::new() };
        for (index, result) in receiver {
            line.join(index, result, &mut deliver);
        }
        // Nothing is left here unless not a single thread could be had.
        while let Some(index) = take() {
            line.join(index, work(index), &mut deliver);
        }
    });
}

/// Results that wait for their turn.
struct Line<T> {
    due: usize,
    early: BTreeMap<usize, T>,
}

impl<T> Line<T> {
    fn join(&mut self, index: usize, result: T, deliver: &mut impl FnMut(usize, T)) {
        self.early.insert(index, result);
        while let Some(result) = self.early.remove(&self.due) {
            deliver(self.due, result);
            self.due += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_start_and_the_threads() {
        let backwards: Vec<usize> = (0..50).rev().collect();
        for jobs in [1, 2, 7, 100] {
            let jobs = NonZeroUsize::new(jobs).unwrap();
            let mut seen = Vec::new();
            in_order(&backwards, jobs, |index| index * 2, |index, twice| seen.push((index, twice)));
            let expected: Vec<_> = (0..50).map(|index| (index, index * 2)).collect();
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn nothing_to_do_is_done() {
        let jobs = NonZeroUsize::MIN;
        in_order(&[], jobs, |index| index, |_, _| panic!("nothing can be delivered"));
    }
}
