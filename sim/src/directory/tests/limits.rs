//! Limits, and what happens by itself: policies, time limits, timers, failed logons.

use core::time::Duration;

use super::*;
use crate::directory::policies::Policy;
use crate::directory::principal::Rights;
use crate::directory::request::{BindRequest, DeleteRequest};

const POLICY: &str = "CN=Default Query Policy,CN=Query-Policies,CN=Directory Service,CN=Windows NT,\
                      CN=Services,CN=Configuration,DC=contoso,DC=com";

const HOUR: Duration = Duration::from_secs(3600);

fn named(forest: &Forest, dn: &str) -> ObjectNumber {
    forest.resolve(DC, &Name::from_text(dn)).unwrap()
}

fn root_dse(forest: &Forest, attribute: &str) -> Vec<String> {
    let request = SearchRequest {
        base: Name::Dn(String::new()),
        scope: Scope::Base,
        selection: vec![attribute.into()],
        ..search_for(Filter::everything())
    };
    let response = forest.search(DC, &Principal::anonymous(), now(), &request, &[]);
    let attributes = &response.entries[0].attributes;
    let values = attributes.first().map_or(Vec::new(), |(_, values)| values.clone());
    values.into_iter().map(|value| String::from_utf8(value).unwrap()).collect()
}

/// An administrator changes a limit where administrators do, and it is in force at once.
#[test]
fn the_default_query_policy_is_in_force() {
    let (mut forest, _) = forest_with(5);
    let policy = named(&forest, POLICY);
    assert!(texts(&forest, policy, "lDAPAdminLimits").contains(&"MaxPageSize=1000".to_owned()));
    assert!(root_dse(&forest, "LDAPPoliciesEffective").contains(&"MaxPageSize:1000".to_owned()));
    let changes = vec![
        delete("lDAPAdminLimits", &["MaxPageSize=1000"]),
        add("lDAPAdminLimits", &["MaxPageSize=2"]),
    ];
    modify(&mut forest, policy, changes).unwrap();
    assert_eq!(forest.policies.of(Policy::MaxPageSize), 2);
    assert!(root_dse(&forest, "LDAPPoliciesEffective").contains(&"MaxPageSize:2".to_owned()));
    let people = search_for(Filter::Present("sAMAccountName".into()));
    let response = forest.search(DC, &Principal::system(), now(), &people, &[]);
    assert_eq!(response.result.code, ResultCode::SizeLimitExceeded);
    assert_eq!(response.entries.len(), 2);
    // What is refused changes no limit.
    let refusal = modify(&mut forest, policy, vec![delete("lDAPAdminLimits", &["MaxPageSize=1"])]);
    assert!(refusal.is_err());
    assert_eq!(forest.policies.of(Policy::MaxPageSize), 2);
}

/// A search that would look at more than its time allows ends with what it has found.
#[test]
fn a_search_ends_when_its_time_is_up() {
    let (mut forest, _) = forest_with(60_000);
    forest.settle();
    let rare = Filter::Equality("description".into(), b"nobody".to_vec());
    let ask = |forest: &Forest, seconds: u32| {
        let request = SearchRequest { time_limit: seconds, ..search_for(rare.clone()) };
        forest.search(DC, &Principal::system(), now(), &request, &[]).result
    };
    let refused = ask(&forest, 1);
    assert_eq!(refused.code, ResultCode::TimeLimitExceeded, "{refused:?}");
    assert!(refused.diagnostic.starts_with("00002022"));
    assert!(ask(&forest, 0).is_success() && ask(&forest, 10).is_success());
    // An index needs no time.
    let indexed =
        SearchRequest { time_limit: 1, ..search_for(equal("sAMAccountName", "user59999")) };
    assert!(forest.search(DC, &Principal::system(), now(), &indexed, &[]).result.is_success());
}

/// The prefixes of what is in the schema, and ports only where something listens.
#[test]
fn the_root_dse_tells_what_is_true() {
    let plain = empty_forest(Schema::base());
    let mut extended = empty_forest(Schema::base().with_exchange());
    let count =
        |forest: &Forest| root_dse(forest, "dsSchemaPrefixCount")[0].parse::<usize>().unwrap();
    assert!(count(&plain) > 10 && count(&extended) > count(&plain));
    assert!(root_dse(&extended, "msDS-PortLDAP").is_empty());
    let ports = crate::directory::root_dse::Ports { ldap: Some(3890), ldaps: None };
    extended.set_ports(DC, ports);
    assert_eq!(root_dse(&extended, "msDS-PortLDAP"), ["3890"]);
    assert!(root_dse(&extended, "msDS-PortSSL").is_empty());
}

/// AdminSDHolder runs at the next full hour after a membership changed, and not otherwise.
#[test]
fn a_new_administrator_is_protected_within_the_hour() {
    let (mut forest, people) = forest_with(1);
    assert_eq!(forest.next_chore(), None, "nothing is due in a new forest");
    modify(&mut forest, people[0], vec![replace("title", &["clerk"])]).unwrap();
    assert_eq!(forest.next_chore(), None, "a title protects nobody");
    let group = named(&forest, "CN=Domain Admins,CN=Users,DC=contoso,DC=com");
    let member = forest.dn_of(DC, people[0]);
    modify(&mut forest, group, vec![add("member", &[&member])]).unwrap();
    let due = forest.next_chore().unwrap();
    assert!(due > now() && due.since(now()) <= HOUR);
    forest.do_chores(now());
    assert!(texts(&forest, people[0], "adminCount").is_empty(), "not due yet");
    forest.do_chores(due);
    assert_eq!(texts(&forest, people[0], "adminCount"), ["1"]);
    assert_eq!(forest.next_chore(), None, "its own writes are no reason for another run");
}

/// A tombstone is gone after tombstoneLifetime, at the next turn of the collection.
#[test]
fn tombstones_are_collected_when_their_time_has_come() {
    let (mut forest, people) = forest_with(2);
    let service =
        "CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,DC=contoso,DC=com";
    let service = named(&forest, service);
    modify(&mut forest, service, vec![replace("tombstoneLifetime", &["10"])]).unwrap();
    let system = Principal::system();
    let writer = Writer::new(DC, &system, now());
    let request = DeleteRequest { object: Name::Number(people[0]) };
    forest.delete(&writer, &request).unwrap();
    let due = forest.next_chore().unwrap();
    assert!(due.since(now()) >= 240 * HOUR && due.since(now()) <= 252 * HOUR, "{due}");
    assert!(forest.slot(DC, people[0]).is_some());
    forest.do_chores(due);
    assert!(forest.slot(DC, people[0]).is_none());
    assert_eq!(forest.next_chore(), None);
}

/// With the recycle bin, a deleted-object is recycled first, and gone a lifetime later.
#[test]
fn deleted_objects_are_recycled_and_then_collected() {
    let (mut forest, people) = forest_with(1);
    forest.recycle_bin = true;
    let system = Principal::system();
    let writer = Writer::new(DC, &system, now());
    forest.delete(&writer, &DeleteRequest { object: Name::Number(people[0]) }).unwrap();
    let recycled = forest.next_chore().unwrap();
    forest.do_chores(recycled);
    let life = forest.slot(DC, people[0]).unwrap().entry.life;
    assert_eq!(life, crate::directory::entry::Life::Recycled);
    let gone = forest.next_chore().unwrap();
    assert!(gone > recycled);
    forest.do_chores(gone);
    assert!(forest.slot(DC, people[0]).is_none());
}

fn bind(forest: &Forest, password: &str, at: VirtualTime) -> Option<String> {
    let request =
        BindRequest { name: "CONTOSO\\user0".to_owned(), password: password.as_bytes().to_vec() };
    let refusal = forest.bind(DC, at, &request).err()?;
    let data = refusal.diagnostic.split("data ").nth(1)?;
    Some(data.split(',').next()?.to_owned())
}

/// Wrong passwords lock an account out, for as long as the domain says, and move no sequence number
/// before.
#[test]
fn wrong_passwords_lock_out_for_a_while() {
    let (mut forest, people) = forest_with(1);
    forest.set_account(people[0], b"right", Rights::ReadOnly);
    let head = forest.domains()[0].head;
    // Ten minutes each, in steps of 100 ns, as intervals are: negative.
    let policy = vec![
        replace("lockoutThreshold", &["2"]),
        replace("lockoutDuration", &["-6000000000"]),
        replace("lockOutObservationWindow", &["-6000000000"]),
    ];
    modify(&mut forest, head, policy).unwrap();
    let usn = |forest: &Forest| forest.object(DC, people[0]).unwrap().stamp.usn_changed;
    let before = usn(&forest);
    forest.note_failed_logon(DC, "CONTOSO\\user0", now());
    assert_eq!(texts(&forest, people[0], "badPwdCount"), ["1"]);
    assert_eq!(usn(&forest), before, "what does not replicate takes no number");
    assert_eq!(bind(&forest, "right", now()), None);
    // Long after the first one, the next counts anew.
    let later = now() + HOUR;
    forest.note_failed_logon(DC, "CONTOSO\\user0", later);
    assert_eq!(texts(&forest, people[0], "badPwdCount"), ["1"]);
    forest.note_failed_logon(DC, "CONTOSO\\user0", later);
    assert_eq!(bind(&forest, "right", later), Some("775".to_owned()));
    let over = later + Duration::from_secs(600);
    assert_eq!(bind(&forest, "right", over), None);
    forest.note_logon(DC, people[0], over);
    assert_eq!(texts(&forest, people[0], "badPwdCount"), ["0"]);
    assert_eq!(texts(&forest, people[0], "logonCount"), ["1"]);
}

/// maxPwdAge ends a password, unless the account's never ends.
#[test]
fn a_password_expires_by_the_domains_policy() {
    let (mut forest, people) = forest_with(1);
    forest.set_account(people[0], b"right", Rights::ReadOnly);
    let head = forest.domains()[0].head;
    modify(&mut forest, head, vec![replace("maxPwdAge", &["-864000000000"])]).unwrap();
    modify(&mut forest, people[0], vec![replace("pwdLastSet", &["-1"])]).unwrap();
    assert_eq!(bind(&forest, "right", now() + 23 * HOUR), None);
    assert_eq!(bind(&forest, "right", now() + 24 * HOUR), Some("532".to_owned()));
    modify(&mut forest, people[0], vec![replace("userAccountControl", &["66048"])]).unwrap();
    assert_eq!(bind(&forest, "right", now() + 24 * HOUR), None);
}
