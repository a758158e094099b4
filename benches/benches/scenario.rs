//! Reading and checking scenario files.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::path::Path;

use benches::SMALL_SCENARIO;
use criterion::{Criterion, criterion_group, criterion_main};
use harness::scenario;
use harness::stage::catalogues;

fn read(criterion: &mut Criterion) {
    let known = catalogues();
    let mut group = criterion.benchmark_group("scenario");
    group.bench_function("read and check a small file", |bencher| {
        bencher.iter(|| scenario::read(Path::new("small.yaml"), SMALL_SCENARIO, &known));
    });
    // A folder of so many files is checked in less than 0.4 s.
    group.sample_size(20);
    group.bench_function("read and check 1,000 files", |bencher| {
        bencher.iter(|| {
            for number in 0..1_000 {
                let path = format!("small-{number}.yaml");
                let read = scenario::read(Path::new(&path), SMALL_SCENARIO, &known);
                assert!(read.is_ok(), "the scenario is a good one");
            }
        });
    });
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
