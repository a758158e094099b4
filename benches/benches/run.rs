//! Whole runs: the real engine against the estate, judged.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::path::Path;

use benches::writeback_of;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use harness::hunt::Draw;
use harness::judge::verdict::Transport;
use harness::run::{RunOptions, Silent, run};
use harness::stage::catalogues;

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
        // What the oracles cost is the difference: at most 12 % of a run.
        let unjudged = BenchmarkId::new("memory, not judged", mailboxes);
        group.bench_with_input(unjudged, &scenario, |bencher, s| {
            let options = RunOptions { unjudged: true, ..RunOptions::default() };
            bencher.iter(|| run(s, &options, &Silent).expect("the world can be staged"));
        });
    }
    let scenario = writeback_of(1_000);
    group.bench_with_input(BenchmarkId::new("wire", 1_000), &scenario, |bencher, s| {
        let options = RunOptions { transport: Transport::Wire, ..RunOptions::default() };
        bencher.iter(|| run(s, &options, &Silent).expect("the world can be staged"));
    });
    group.finish();
}

/// Seeds of one round of a hunt: many worlds, as they are drawn.
const SEEDS: u64 = 200;

fn hunt(criterion: &mut Criterion) {
    let known = catalogues();
    let mut group = criterion.benchmark_group("hunt");
    group.sample_size(10);
    group.throughput(Throughput::Elements(SEEDS));
    group.bench_function("drawn, read, run and judged", |bencher| {
        bencher.iter(|| {
            for seed in 1..=SEEDS {
                let drawn = Draw::of(seed).scenario(Path::new("drawn.yaml"), &known);
                let scenario = drawn.expect("what is drawn can be read");
                run(&scenario, &RunOptions::default(), &Silent).expect("the world can be staged");
            }
        });
    });
    group.finish();
}

criterion_group!(benches, writeback, hunt);
criterion_main!(benches);
