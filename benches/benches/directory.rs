//! The directory in process: finding by anchor and modifying.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use benches::writeback_of;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::planted_bugs::PlantedBugs;
use harness::stage::{Staged, stage};
use sim::directory::modify::Writer;
use sim::directory::principal::Principal;
use sim::directory::request::{
    Change, ChangeOperation, Filter, ModifyRequest, Name, Scope, SearchRequest,
};
use sim::guid::Guid;

const USERS: u32 = 20_000;
const KEYS: usize = 100;

fn directory(criterion: &mut Criterion) {
    let Staged { mut estate, .. } =
        stage(&writeback_of(USERS), 1, PlantedBugs::none()).expect("the world can be staged");
    let (forest, domain) = estate.job_domain();
    let dc = estate.forests.first_dc((forest, domain)).expect("the domain has a controller");
    let system = Principal::system();
    let now = estate.now();
    let guids: Vec<Guid> = estate
        .subjects()
        .iter()
        .filter_map(|subject| estate.ad_entry(subject))
        .map(|slot| slot.entry.guid)
        .collect();
    let base = Name::from_text(&estate.base_dn(forest, domain));
    let forest = estate.forests.get_mut(forest).expect("the domain is in a forest");
    let mut group = criterion.benchmark_group("directory, 20,000 users");

    group.throughput(Throughput::Elements(KEYS as u64));
    let mut place = 0;
    group.bench_function("search: OR of 100 GUIDs", |bencher| {
        bencher.iter(|| {
            place = (place + KEYS) % (guids.len() - KEYS);
            let keys = guids[place..place + KEYS].iter();
            let request = SearchRequest {
                base: base.clone(),
                scope: Scope::Subtree,
                filter: Filter::Or(
                    keys.map(|guid| Filter::Equality("objectGUID".into(), guid.0.to_vec()))
                        .collect(),
                ),
                selection: vec!["proxyAddresses".into()],
                size_limit: 0,
                time_limit: 0,
                types_only: false,
            };
            forest.search_hits(dc.dc, &system, &request, None)
        });
    });

    group.throughput(Throughput::Elements(1));
    let mut round = 0_usize;
    group.bench_function("modify: two attributes by GUID", |bencher| {
        bencher.iter(|| {
            round += 1;
            let value = round.to_string().into_bytes();
            let replace = |attribute: &str| Change {
                operation: ChangeOperation::Replace,
                attribute: attribute.into(),
                values: vec![value.clone()],
            };
            let request = ModifyRequest {
                object: Name::Guid(guids[round % guids.len()]),
                changes: vec![replace("extensionAttribute1"), replace("extensionAttribute2")],
            };
            let writer = Writer::new(dc.dc, &system, now);
            forest.modify(&writer, &request)
        });
    });
    group.finish();
}

criterion_group!(benches, directory);
criterion_main!(benches);
