//! The directory: add, indexed search, modify, paged walk and reading of changes (DirSync), in process,
//! alone over loopback on one connection, and over loopback in an estate as `hybridsim serve` has it, at the
//! sizes that `BENCH_USERS` names (`BENCH_USERS=200000,600000 cargo bench -p benches --bench directory`).
//! What a user takes in memory, and three domain controllers against one, is printed once for each size.

#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::print_stdout, reason = "what a user takes in memory is no time")]

use benches::loopback::{self, Loopback, cookie_of, cookie_value};
use benches::population::{DC, PEOPLE, forest_of, guid, now, resident, sizes, with_controllers};
use benches::tenant_of;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use sim::directory::forest::Forest;
use sim::directory::principal::Principal;
use sim::directory::request::{
    AddRequest, Change, ChangeOperation, Control, ControlValue, Filter, ModifyRequest, Name,
    Operation, Request, Scope, SearchRequest,
};
use sim::estate::{Estate, Subject};

/// What a paged walk asks of each user.
const FIVE: [&str; 5] = ["cn", "mail", "displayName", "proxyAddresses", "objectGUID"];

/// Entries of a page.
const PAGE: u32 = 1000;

/// Requests that are on their way at a time.
const BATCH: usize = 200;

fn perform(
    forest: &mut Forest,
    operation: Operation,
    controls: Vec<ControlValue>,
) -> sim::directory::answer::Response {
    let controls = controls.into_iter().map(|value| Control { critical: true, value }).collect();
    let request = Request { operation, controls };
    let mut mint = || guid(0x4000_0000);
    let (response, _) = forest.perform(DC, &Principal::system(), now(), &request, &mut mint);
    assert!(response.result.is_success(), "{:?}", response.result);
    response
}

fn search(filter: Filter, selection: &[&str]) -> Operation {
    Operation::Search(SearchRequest {
        base: Name::from_text("DC=contoso,DC=com"),
        scope: Scope::Subtree,
        filter,
        selection: selection.iter().map(|name| (*name).into()).collect(),
        size_limit: 0,
        time_limit: 0,
        types_only: false,
    })
}

fn new_user(name: &str) -> Vec<(&'static str, String)> {
    vec![
        ("objectClass", "user".to_owned()),
        ("sAMAccountName", name.to_owned()),
        ("userPrincipalName", format!("{name}@contoso.com")),
        ("mail", format!("{name}@contoso.com")),
        ("displayName", format!("New {name}")),
    ]
}

fn in_process(group: &mut BenchmarkGroup<'_, WallTime>, forest: &mut Forest, users: u32) {
    group.throughput(Throughput::Elements(1));
    let mut number = 0;
    group.bench_function("memory/add", |bencher| {
        bencher.iter(|| {
            number += 1;
            let name = format!("new{number}");
            let attributes = new_user(&name);
            let attributes = attributes
                .iter()
                .map(|(attribute, value)| ((*attribute).into(), vec![value.as_bytes().to_vec()]))
                .collect();
            let add = AddRequest { dn: format!("CN={name},{PEOPLE}"), attributes };
            let request = Request::from(Operation::Add(add));
            let mut mint = || guid(0x4000_0000 + number);
            forest.perform(DC, &Principal::system(), now(), &request, &mut mint)
        });
    });
    let mut number = 0;
    group.bench_function("memory/search", |bencher| {
        bencher.iter(|| {
            number = (number + 7919) % users;
            let mail = format!("user{number}@contoso.com");
            let filter = Filter::Equality("mail".into(), mail.into_bytes());
            let response = perform(forest, search(filter, &FIVE), Vec::new());
            assert_eq!(response.entries.len(), 1);
        });
    });
    let mut round = 0;
    group.bench_function("memory/modify", |bencher| {
        bencher.iter(|| {
            round += 1;
            let change = Change {
                operation: ChangeOperation::Replace,
                attribute: "extensionAttribute1".into(),
                values: vec![round.to_string().into_bytes()],
            };
            let object = Name::Guid(guid(round % users));
            let modify = ModifyRequest { object, changes: vec![change] };
            perform(forest, Operation::Modify(modify), Vec::new());
        });
    });
}

fn walks(group: &mut BenchmarkGroup<'_, WallTime>, forest: &mut Forest) {
    group.throughput(Throughput::Elements(u64::from(PAGE)));
    let mut cookie = Vec::new();
    group.bench_function("memory/paged walk", |bencher| {
        bencher.iter(|| {
            let page =
                ControlValue::PagedResults { size: PAGE, cookie: core::mem::take(&mut cookie) };
            let filter = Filter::Present("mail".into());
            let response = perform(forest, search(filter, &FIVE), vec![page]);
            if let Some(Control {
                value: ControlValue::PagedResults { cookie: next, .. }, ..
            }) = response.controls.into_iter().next()
            {
                cookie = next;
            }
        });
    });
    let mut cookie = Vec::new();
    group.bench_function("memory/changes", |bencher| {
        bencher.iter(|| {
            let cookie_sent = core::mem::take(&mut cookie);
            let changes =
                ControlValue::DirSync { flags: 0, size: 0, cookie: cookie_sent, extended: false };
            let filter = Filter::Present("mail".into());
            let response = perform(forest, search(filter, &["mail", "cn"]), vec![changes]);
            if let Some(Control {
                value: ControlValue::DirSync { flags: 1, cookie: next, .. },
                ..
            }) = response.controls.into_iter().next()
            {
                cookie = next;
            }
        });
    });
}

/// Whom requests over loopback are about.
struct People {
    base: String,
    unit: String,
    /// Distinguished names, and values of `mail`.
    users: Vec<(String, String)>,
}

impl People {
    fn of_forest(users: u32) -> Self {
        let user =
            |number| (format!("CN=user{number},{PEOPLE}"), format!("user{number}@contoso.com"));
        let (base, unit) = ("DC=contoso,DC=com".to_owned(), PEOPLE.to_owned());
        Self { base, unit, users: (0..users).map(user).collect() }
    }

    fn of_estate(estate: &Estate) -> Self {
        let object = |subject: &Subject| subject.ad;
        let user = |ad| {
            let mail = estate.ad_texts(ad, "mail").pop().expect("a mailbox has a primary address");
            (estate.ad_dn(ad), mail)
        };
        let users: Vec<_> = estate.subjects().iter().filter_map(object).map(user).collect();
        let (_, unit) = users[0].0.split_once(',').expect("a unit");
        let (forest, domain) = estate.job_domain();
        Self { base: estate.base_dn(forest, domain), unit: unit.to_owned(), users }
    }
}

fn over_loopback(
    group: &mut BenchmarkGroup<'_, WallTime>,
    way: &str,
    mut client: Loopback,
    people: &People,
) {
    group.throughput(Throughput::Elements(BATCH as u64));
    let mut number = 0_u32;
    group.bench_function(format!("{way}/add"), |bencher| {
        bencher.iter(|| {
            let mut batch = Vec::new();
            for id in 0..BATCH {
                number += 1;
                let name = format!("wire{number}");
                let attributes = new_user(&name);
                let attributes: Vec<(&str, &str)> =
                    attributes.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let dn = format!("CN={name},{}", people.unit);
                batch.extend(loopback::add(2 + id as i64, &dn, &attributes));
            }
            client.exchange(&batch, BATCH)
        });
    });
    let mut number = 0;
    group.bench_function(format!("{way}/search"), |bencher| {
        bencher.iter(|| {
            let mut batch = Vec::new();
            for id in 0..BATCH {
                number = (number + 7919) % people.users.len();
                let test = ("mail", Some(people.users[number].1.as_str()));
                batch.extend(loopback::search(2 + id as i64, &people.base, test, &FIVE, None));
            }
            client.exchange(&batch, BATCH)
        });
    });
    let mut round = 0;
    group.bench_function(format!("{way}/modify"), |bencher| {
        bencher.iter(|| {
            let mut batch = Vec::new();
            for id in 0..BATCH {
                round += 1;
                let dn = &people.users[round % people.users.len()].0;
                let value = round.to_string();
                batch.extend(loopback::modify(2 + id as i64, dn, "extensionAttribute1", &value));
            }
            client.exchange(&batch, BATCH)
        });
    });
    group.throughput(Throughput::Elements(u64::from(PAGE)));
    let mut walk = |name: &str, oid: &str, numbers: &[i64], selection: &[&str]| {
        let mut cookie = Vec::new();
        group.bench_function(format!("{way}/{name}"), |bencher| {
            bencher.iter(|| {
                let value = cookie_value(numbers, &cookie);
                let control = Some((oid, value.as_slice()));
                let all = ("mail", None);
                let ask = loopback::search(2, &people.base, all, selection, control);
                let (done, entries) = client.exchange(&ask, 1);
                cookie = if entries < PAGE as usize { Vec::new() } else { cookie_of(&done) };
            });
        });
    };
    walk("paged walk", "1.2.840.113556.1.4.319", &[i64::from(PAGE)], &FIVE);
    walk("changes", "1.2.840.113556.1.4.841", &[0, 0], &["mail", "cn"]);
}

/// Prints what one user takes, and what two further domain controllers add.
fn tell_memory(users: u32) -> Forest {
    let before = resident();
    let forest = forest_of(users);
    let one = resident();
    let forest = with_controllers(forest, 3);
    if let (Some(before), Some(one), Some(three)) = (before, one, resident()) {
        let (one, three) = (one.saturating_sub(before), three.saturating_sub(before));
        let (each, ratio) = (one / u64::from(users), three as f64 / one as f64);
        println!("directory, {users} users of eleven attributes: {each} bytes each");
        println!("directory, {users} users: three domain controllers take {ratio:.2} times one");
    }
    forest
}

fn directory(criterion: &mut Criterion) {
    for users in sizes() {
        drop(tell_memory(users));
        let mut forest = forest_of(users);
        let mut group = criterion.benchmark_group(format!("directory, {users} users"));
        group.sample_size(20);
        let people = People::of_forest(users);
        over_loopback(&mut group, "loopback", Loopback::of(forest.clone()), &people);
        in_process(&mut group, &mut forest, users);
        walks(&mut group, &mut forest);
        drop(forest);
        let estate = tenant_of(users);
        let people = People::of_estate(&estate);
        over_loopback(&mut group, "serve", Loopback::of_estate(estate), &people);
        group.finish();
    }
}

criterion_group!(benches, directory);
criterion_main!(benches);
