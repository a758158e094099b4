//! The rows about many objects and many values: ten thousand users and a group with 3,500 of them.

use super::client::{Answer, Operation};
use super::controls;
use super::flows::add;
use super::replay::{Replay, modify, search};
use super::rows::Row;

/// Requests on their way at a time.
const WINDOW: usize = 200;

/// Plays a row.
pub(crate) fn play(replay: &mut Replay, row: &Row) -> Answer {
    let unit = format!("OU=bench2,{}", replay.target.base);
    let group = format!("CN=biggroup,{unit}");
    let person = |at: usize| format!("CN=bench2{at:05},{unit}");
    let people = |range: std::ops::Range<usize>| -> Vec<Vec<u8>> {
        range.map(|at| person(at).into_bytes()).collect()
    };
    let write = |kind: i64, values: Vec<Vec<u8>>| -> Operation {
        let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        modify(&group, &[(kind, "member", &values)])
    };
    let read = |selection: &[&str]| search(&group, 0, "(objectClass=*)", selection, 0, 0);
    let all = |size: i64| search(&unit, 2, "(objectClass=user)", &["cn"], size, 0);
    let control = |oid: &str, value: Vec<u8>| [(oid.to_owned(), true, Some(value))];
    let name = row.name.as_str();
    let operation = match name {
        "group-add-empty" => {
            populate(replay, &unit, &person);
            let class = ("objectClass", vec![b"group".to_vec()]);
            add(&group, &[class, ("sAMAccountName", vec![b"biggroup".to_vec()])])
        }
        "member-add-3500-one-request" => write(0, people(0..3500)),
        "member-default-range" => read(&["member"]),
        "member-star-range" => read(&["*"]),
        "memberof-filter-3500" => search(&unit, 2, &format!("(memberOf={group})"), &["cn"], 0, 0),
        "member-replace-with-3499" => write(2, people(0..3499)),
        "member-delete-1000" => write(1, people(0..1000)),
        "unpaged-10000" => all(0),
        "unpaged-sizelimit-500" => all(500),
        "unpaged-sizelimit-5000" => all(5000),
        "timelimit-1-unindexed" => search(&unit, 2, "(cn=*5*)", &["cn"], 0, 1),
        "paged-size-5000" => {
            let control = control(controls::PAGED, controls::paged(5000, b""));
            return replay.admin.call(&all(0), &control);
        }
        "sort-10000" => {
            let keys = controls::sort(&serde_json::json!([["cn"]]));
            return replay.admin.call(&all(0), &control(controls::SORT, keys));
        }
        "dirsync-initial-10000" => {
            let value = controls::dirsync(0, 0, b"");
            let base = replay.target.base.clone();
            let operation = search(&base, 2, "(objectClass=user)", &["cn"], 0, 0);
            return replay.admin.call(&operation, &control(controls::DIRSYNC, value));
        }
        _ => {
            let range = row.request["attrs"][0].as_str().expect("a range");
            read(&[range])
        }
    };
    replay.admin.call(&operation, &[])
}

fn populate(replay: &mut Replay, unit: &str, person: &dyn Fn(usize) -> String) {
    let class = |name: &str| ("objectClass", vec![name.as_bytes().to_vec()]);
    assert_eq!(replay.admin.call(&add(unit, &[class("organizationalUnit")]), &[]).code, 0);
    let mut waiting = std::collections::VecDeque::new();
    for at in 0..10_000 {
        let account = format!("bench2{at:05}").into_bytes();
        let operation = add(&person(at), &[class("user"), ("sAMAccountName", vec![account])]);
        waiting.push_back(replay.admin.ask(&operation, &[]));
        if waiting.len() >= WINDOW {
            let id = waiting.pop_front().expect("a window");
            assert_eq!(replay.admin.gather(id).code, 0);
        }
    }
    for id in waiting {
        assert_eq!(replay.admin.gather(id).code, 0);
    }
}
