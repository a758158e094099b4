//! Rows that are several steps, or have something beside requests and answers.

use std::time::Duration;

use super::client::{Answer, Client, Operation, number, octets, sequence};
use super::controls::NOTIFICATION;
use super::replay::{PASSWORD, Replay, bind, search};
use super::rows::Row;
use sim::wire::ldap::ber::OCTETS;

const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

fn extended(oid: &[u8]) -> Operation {
    Operation { tag: 0x77, content: octets(0x80, oid) }
}

/// Plays a row.
pub(crate) fn play(replay: &mut Replay, row: &Row) -> Answer {
    let target = &replay.target;
    let user = bind(3, &format!("u1@{}", target.realm), PASSWORD.as_bytes());
    let ou = replay.ou();
    let mut client = Client::connect(&target.ldap);
    match row.name.as_str() {
        "rebind-failure-then-search" => {
            assert_eq!(client.call(&user, &[]).code, 0);
            assert_eq!(client.call(&bind(3, &format!("u1@{}", target.realm), b"x"), &[]).code, 49);
            client.call(&search(&target.base, 0, "(objectClass=*)", &[], 0, 0), &[])
        }
        "usn-semantics" => usn(replay),
        "proto-pipelined-50-searches" => {
            assert_eq!(client.call(&bind_admin(replay), &[]).code, 0);
            let ask = search(&ou, 2, "(cn=u1)", &["cn"], 0, 0);
            let ids: Vec<i64> = (0..50).map(|_| client.ask(&ask, &[])).collect();
            for id in ids {
                let answer = client.gather(id);
                assert_eq!((answer.code, answer.entries.len()), (0, 1), "in the order of asking");
            }
            Answer::default()
        }
        name if name.contains("tls") || name.contains("ldaps") => tls(replay, row),
        name if name.starts_with("paged") => cookies(replay, row),
        _ => notification(replay, row),
    }
}

/// Rows about TLS.
fn tls(replay: &Replay, row: &Row) -> Answer {
    let target = &replay.target;
    let user = bind(3, &format!("u1@{}", target.realm), PASSWORD.as_bytes());
    let mut client = Client::connect(&target.ldap);
    match row.name.as_str() {
        "starttls-then-bind" => {
            assert_eq!(client.call(&extended(START_TLS), &[]).code, 0, "StartTLS");
            client.secure(&target.tls);
            assert_eq!(client.call(&user, &[]).code, 0, "a bind over TLS");
            client.call(&extended(START_TLS), &[])
        }
        "starttls-after-simple-bind" => {
            assert_eq!(client.call(&user, &[]).code, 0);
            let answer = client.call(&extended(START_TLS), &[]);
            if answer.code == 0 {
                client.secure(&target.tls);
                assert_eq!(client.call(&user, &[]).code, 0, "a bind over TLS");
            }
            answer
        }
        "ldaps-bind" => Client::connect_tls(&target.ldaps, &target.tls).call(&user, &[]),
        "starttls-on-ldaps" => {
            Client::connect_tls(&target.ldaps, &target.tls).call(&extended(START_TLS), &[])
        }
        other => panic!("an unknown flow: {other}"),
    }
}

/// Rows about cookies that do not belong to their search.
fn cookies(replay: &mut Replay, row: &Row) -> Answer {
    let ou = replay.ou();
    let mut client = Client::connect(&replay.target.ldap);
    match row.name.as_str() {
        name @ ("paged-cookie-other-connection"
        | "paged-cookie-other-search"
        | "paged-abandon-size0") => {
            let size_of = |size, cookie: &[u8]| {
                let value = super::controls::paged(size, cookie);
                (super::controls::PAGED.to_owned(), true, Some(value))
            };
            let size = |cookie: &[u8]| size_of(2, cookie);
            let people = search(&ou, 2, "(objectClass=user)", &["cn"], 0, 0);
            let first = replay.admin.call(&people, &[size(b"")]);
            let value = &first.controls[0].1;
            let cookie = value[value.len() - usize::from(value[6]).min(value.len())..].to_vec();
            if name == "paged-abandon-size0" {
                return replay.admin.call(&people, &[size_of(0, &cookie)]);
            }
            if name == "paged-cookie-other-search" {
                let other = search(&ou, 2, "(objectClass=contact)", &["cn"], 0, 0);
                return replay.admin.call(&other, &[size(&cookie)]);
            }
            assert_eq!(client.call(&bind_admin(replay), &[]).code, 0);
            client.call(&people, &[size(&cookie)])
        }
        other => panic!("an unknown flow: {other}"),
    }
}

/// Rows about searches for changes.
fn notification(replay: &mut Replay, row: &Row) -> Answer {
    let ou = replay.ou();
    let mut client = Client::connect(&replay.target.ldap);
    let notify = (NOTIFICATION.to_owned(), true, None);
    match row.name.as_str() {
        "notification-modify-delivered" => {
            assert_eq!(client.call(&bind_admin(replay), &[]).code, 0);
            client.patience(Duration::from_secs(5));
            client.ask(&search(&ou, 1, "(objectClass=*)", &["info"], 0, 0), &[notify]);
            let u2 = format!("CN=u2,{ou}");
            std::thread::sleep(Duration::from_millis(200));
            replay.must(&u2, &[(2, "info", &[b"told"])]);
            let message = client.receive().expect("an entry");
            assert_eq!(message.tag, 0x64, "an entry");
            let entry = super::client::read_entry(&message.content);
            assert!(entry.dn.eq_ignore_ascii_case(&u2), "{}", entry.dn);
            Answer { entries: vec![entry], ..Answer::default() }
        }
        "notification-bad-filter" if row.transport.is_none() => {
            replay.admin.call(&search(&ou, 2, "(cn=u1)", &[], 0, 0), &[notify])
        }
        "notification-bad-filter" => {
            assert_eq!(client.call(&bind_admin(replay), &[]).code, 0);
            client.patience(Duration::from_millis(500));
            let base = replay.target.base.clone();
            client.ask(&search(&base, 2, "(objectClass=*)", &[], 0, 0), &[notify]);
            assert!(client.receive().is_none(), "a search for changes has no end");
            Answer::default()
        }
        "notification-over-limit" => {
            assert_eq!(client.call(&bind_admin(replay), &[]).code, 0);
            let ask = search(&ou, 1, "(objectClass=*)", &["info"], 0, 0);
            let mut last = 0;
            for _ in 0..9 {
                last = client.ask(&ask, std::slice::from_ref(&notify));
            }
            client.gather(last)
        }
        "notification-abandon-then-search" => {
            assert_eq!(client.call(&bind_admin(replay), &[]).code, 0);
            let id = client.ask(&search(&ou, 1, "(objectClass=*)", &[], 0, 0), &[notify]);
            let number = number(0x50, id);
            client.ask(&Operation { tag: 0x50, content: number[2..].to_vec() }, &[]);
            client.call(&search("", 0, "(objectClass=*)", &["currentTime"], 0, 0), &[])
        }
        other => panic!("an unknown flow: {other}"),
    }
}

fn bind_admin(replay: &Replay) -> Operation {
    bind(3, &replay.target.admin, replay.target.password.as_bytes())
}

/// What moves sequence numbers, and what does not.
fn usn(replay: &mut Replay) -> Answer {
    fn read(replay: &mut Replay, dn: &str, name: &str) -> i64 {
        let found = replay.admin.call(&search(dn, 0, "(objectClass=*)", &[name], 0, 0), &[]);
        let value = &found.entries[0].attributes[0].1[0];
        String::from_utf8_lossy(value).parse().expect("a number")
    }
    let (u1, g1) = (format!("CN=u1,{}", replay.ou()), format!("CN=g1,{}", replay.ou()));
    let highest = |replay: &mut Replay| read(replay, "", "highestCommittedUSN");
    let own = |replay: &mut Replay| read(replay, &u1, "uSNChanged");
    let mut steps = Vec::new();
    let mut step = |replay: &mut Replay, changes: &[(i64, &str, &[&[u8]])], dn: &str| {
        let before = (highest(replay), own(replay));
        let answer = replay.admin.call(&super::replay::modify(dn, changes), &[]);
        steps.push((answer.code, highest(replay) - before.0, own(replay) - before.1 > 0));
    };
    step(replay, &[(2, "info", &[b"usn 1"])], &u1);
    step(replay, &[(2, "info", &[b"usn 1"])], &u1);
    step(replay, &[(2, "info", &[b"usn 2"]), (2, "comment", &[b"usn"])], &u1);
    step(replay, &[(2, "info", &[b"usn 3"]), (1, "title", &[])], &u1);
    step(replay, &[(1, "member", &[u1.as_bytes()])], &g1);
    let expected = [(0, 1, true), (0, 0, false), (0, 1, true), (16, 0, false), (0, 1, false)];
    if steps == expected {
        return Answer::default();
    }
    Answer { code: 80, diagnostic: format!("{steps:?}"), ..Answer::default() }
}

/// The value of an attribute list, for the large rows.
pub(crate) fn add(dn: &str, attributes: &[(&str, Vec<Vec<u8>>)]) -> Operation {
    let list: Vec<Vec<u8>> =
        attributes.iter().map(|(name, values)| super::replay::attribute(name, values)).collect();
    Operation { tag: 0x68, content: [octets(OCTETS, dn.as_bytes()), sequence(&list)].concat() }
}
