//! Whole runs: the real engine against the estate, judged.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use benches::writeback_of;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use harness::judge::verdict::Transport;
use harness::run::{RunOptions, Silent, run};

fn writeback(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("writeback, judged");
    group.sample_size(10);
    // Each doubling should cost at most 2.3 times as much.
    for mailboxes in [1_000, 2_000, 4_000] {
        let scenario = writeback_of(mailboxes);
        group.throughput(Throughput::Elements(u64::from(mailboxes)));
        group.bench_with_input(BenchmarkId::new("memory", mailboxes), &scenario, |bencher, s| {
            bencher.iter_batched(
                RunOptions::default,
                |options| run(s, &options, &Silent).expect("the world can be staged"),
                BatchSize::PerIteration,
            );
        });
    }
    let scenario = writeback_of(1_000);
    group.bench_with_input(BenchmarkId::new("wire", 1_000), &scenario, |bencher, s| {
        let options = RunOptions { transport: Transport::Wire, ..RunOptions::default() };
        bencher.iter(|| run(s, &options, &Silent).expect("the world can be staged"));
    });
    group.finish();
}

criterion_group!(benches, writeback);
criterion_main!(benches);
