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
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
