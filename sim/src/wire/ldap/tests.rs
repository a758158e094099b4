//! The codec against itself, and the server against the `ldap3` crate, which shares no code with it.

mod batch;
mod codec;
mod schema;

use std::sync::{Arc, Mutex};

use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{Ldap, LdapConnAsync, Mod, Scope as ClientScope, SearchEntry as ClientEntry};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::decode::{Body, Message, message};
use super::request_writer::write;
use super::server::LdapServer;
use super::session::{Directive, DirectoryDoor, DoorAnswer, DoorBind, Session, SessionOptions};
use crate::clock::VirtualTime;
use crate::directory::answer::LdapResult;
use crate::directory::entry::DcNumber;
use crate::directory::forest::{DcSpec, DomainNumber, DomainSpec, Forest};
use crate::directory::name::Sid;
use crate::directory::principal::{Principal, Rights};
use crate::directory::progress::{SearchPart, SearchProgress};
use crate::directory::request::{
    AddRequest, AttributeName, BindRequest, Change, ChangeOperation, CompareRequest, Control,
    ControlValue, DeleteRequest, Extensible, Filter, ModifyDnRequest, ModifyRequest, Name,
    Operation, Request, Scope, SearchRequest, SortKey, Substrings, VlvTarget,
};
use crate::directory::schema::{Schema, known};
use crate::guid::Guid;
use crate::record::Record;

/// A forest behind a mutex, which breaks the connection on request.
#[derive(Clone)]
struct TestDoor {
    forest: Arc<Mutex<Forest>>,
    refuses: bool,
}

impl DirectoryDoor for TestDoor {
    fn connect(&mut self) -> bool {
        !self.refuses
    }

    fn bind(&mut self, request: &BindRequest) -> DoorBind {
        match self.forest.lock().unwrap().bind(DcNumber(0), now(), request) {
            Ok(principal) => DoorBind::Bound(principal),
            Err(result) => DoorBind::Denied(result),
        }
    }

    fn request(&mut self, principal: &Principal, request: &Request) -> DoorAnswer {
        if matches!(&request.operation, Operation::Delete(_)) && principal.name.ends_with("lost") {
            return DoorAnswer::Close;
        }
        if let Operation::Search(search) = &request.operation {
            return self.search(principal, search, &request.controls, None);
        }
        let mut forest = self.forest.lock().unwrap();
        let mut mint = || guid(0xffff_0000);
        DoorAnswer::Answer(forest.perform(DcNumber(0), principal, now(), request, &mut mint).0)
    }

    fn rehearse(&mut self, principal: &Principal, requests: &[&Request]) -> Option<LdapResult> {
        self.forest.lock().unwrap().rehearse(DcNumber(0), principal, now(), requests)
    }

    fn go_on(
        &mut self,
        principal: &Principal,
        request: &Request,
        progress: SearchProgress,
    ) -> DoorAnswer {
        let Operation::Search(search) = &request.operation else { return DoorAnswer::Close };
        self.search(principal, search, &request.controls, Some(progress))
    }
}

impl TestDoor {
    fn search(
        &self,
        principal: &Principal,
        search: &SearchRequest,
        controls: &[Control],
        progress: Option<SearchProgress>,
    ) -> DoorAnswer {
        let forest = self.forest.lock().unwrap();
        let at = (DcNumber(0), false);
        match forest.search_part(at, principal, now(), search, controls, progress) {
            SearchPart::Done(response) => DoorAnswer::Answer(response),
            SearchPart::More(progress) => DoorAnswer::Working(progress),
        }
    }
}

const PEOPLE: &str = "OU=People,DC=contoso,DC=com";

fn now() -> VirtualTime {
    VirtualTime::from_micros(1_790_000_000_000_000)
}

fn guid(number: u32) -> Guid {
    let mut bytes = [0xfe; 16];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    Guid(bytes)
}

fn forest(people: u32) -> Forest {
    let sid = Sid::from_text("S-1-5-21-1-2-3").unwrap();
    let mut next = 0x8000_0000_u32;
    let mut mint = || {
        next += 1;
        guid(next)
    };
    let root =
        DomainSpec { dns: "contoso.com".into(), netbios: "CONTOSO".into(), sid: sid.clone() };
    let (host, site) = ("DC01".into(), "Site".into());
    let dc = DcSpec { host, site, invocation_id: guid(7), read_only: false };
    let schema = Schema::base().with_exchange();
    let mut forest = Forest::new(schema, &root, dc, now(), &mut mint);
    let head = forest.domains()[0].head;
    let domain = DomainNumber(0);
    let unit = forest.load_container(domain, head, "organizationalUnit", "People", mint(), now());
    let class = forest.schema().class_named("user").unwrap().number;
    for number in 0..people {
        let name = format!("User {number:05}");
        let account = format!("user{number}");
        let upn = format!("{account}@contoso.com");
        let sid = sid.with_rid(1000 + number);
        let record = Record::from_sorted([
            (known::CN, [name.as_bytes()]),
            (known::SAM_ACCOUNT_NAME, [account.as_bytes()]),
            (known::USER_PRINCIPAL_NAME, [upn.as_bytes()]),
            (known::OBJECT_SID, [sid.as_bytes()]),
        ]);
        let object = forest.load(domain, unit, class, guid(number), record, now());
        if number == 0 {
            forest.set_account(object, b"Pa55w0rd", Rights::Full);
        }
    }
    forest
}

struct Running {
    server: LdapServer,
    forest: Arc<Mutex<Forest>>,
}

async fn running(people: u32) -> Running {
    let forest = Arc::new(Mutex::new(forest(people)));
    let door = TestDoor { forest: Arc::clone(&forest), refuses: false };
    let address = "127.0.0.1:0".parse().unwrap();
    let server = LdapServer::start(address, door, SessionOptions::default()).await.unwrap();
    Running { server, forest }
}

impl Running {
    async fn client(&self) -> Ldap {
        let url = format!("ldap://{}", self.server.address());
        let (connection, ldap) = LdapConnAsync::new(&url).await.unwrap();
        tokio::spawn(async move { connection.drive().await });
        ldap
    }

    async fn bound(&self) -> Ldap {
        let mut ldap = self.client().await;
        ldap.simple_bind("CONTOSO\\user0", "Pa55w0rd").await.unwrap().success().unwrap();
        ldap
    }
}

#[tokio::test]
async fn binding_takes_every_usual_name_and_refuses_with_the_codes_of_ad() {
    let running = running(2).await;
    let mut ldap = running.client().await;
    let dn = format!("CN=User 00000,{PEOPLE}");
    for name in ["CONTOSO\\user0", "user0@contoso.com", &dn] {
        let result = ldap.simple_bind(name, "Pa55w0rd").await.unwrap();
        assert_eq!(result.rc, 0, "{name}: {}", result.text);
    }
    let wrong = ldap.simple_bind("CONTOSO\\user0", "wrong").await.unwrap();
    assert_eq!(wrong.rc, 49);
    assert!(wrong.text.contains("data 52e"), "{}", wrong.text);
    assert!(wrong.text.ends_with('\0'), "a domain controller ends its text with a NUL");
    let unknown = ldap.simple_bind("CONTOSO\\nobody", "x").await.unwrap();
    assert!(unknown.text.contains("data 525"), "{}", unknown.text);
    // The failed bind left the connection anonymous.
    let result =
        ldap.search(PEOPLE, ClientScope::Base, "(objectClass=*)", vec!["ou"]).await.unwrap();
    let (_, result) = (result.0, result.1);
    assert_eq!(result.rc, 1);
    assert!(result.text.starts_with("000004DC"), "{}", result.text);
    let root = ldap.search("", ClientScope::Base, "(objectClass=*)", vec!["*"]).await.unwrap();
    let (entries, _) = root.success().unwrap();
    let entry = ClientEntry::construct(entries.into_iter().next().unwrap());
    assert_eq!(entry.attrs["defaultNamingContext"], ["DC=contoso,DC=com"]);
    running.server.shut_down().await;
}

#[tokio::test]
async fn binary_guids_are_found_in_an_or_of_a_hundred() {
    let running = running(300).await;
    let mut ldap = running.bound().await;
    let filter: String = (0..100)
        .map(|number| {
            let bytes: String =
                guid(299 - number * 2).0.iter().map(|b| format!("\\{b:02x}")).collect();
            format!("(objectGUID={bytes})")
        })
        .collect();
    let filter = format!("(&(objectCategory=person)(|{filter}))");
    let found = ldap
        .search(
            "DC=contoso,DC=com",
            ClientScope::Subtree,
            &filter,
            vec!["objectGUID", "SAMACCOUNTNAME"],
        )
        .await
        .unwrap();
    let entries: Vec<ClientEntry> = found
        .success()
        .unwrap()
        .0
        .into_iter()
        .filter(|entry| !entry.is_ref())
        .map(ClientEntry::construct)
        .collect();
    assert_eq!(entries.len(), 100);
    let guids: Vec<&Vec<u8>> =
        entries.iter().map(|entry| &entry.bin_attrs["objectGUID"][0]).collect();
    assert!(guids.is_sorted(), "an OR of indexed values answers in the order of the GUIDs");
    assert!(
        entries[0].attrs.contains_key("sAMAccountName"),
        "the schema's spelling, not the request's"
    );
}

#[tokio::test]
async fn modifies_by_guid_can_be_pipelined() {
    let running = running(200).await;
    let ldap = running.bound().await;
    let mut waiting = Vec::new();
    for number in 0..200_u32 {
        let mut ldap = ldap.clone();
        waiting.push(tokio::spawn(async move {
            let value = format!("value {number}");
            let changes = vec![
                Mod::Replace("extensionAttribute1", [value.as_str()].into()),
                Mod::Add("proxyAddresses", ["SMTP:A@x.example", "smtp:b@x.example"].into()),
            ];
            ldap.modify(&format!("<GUID={}>", guid(number)), changes).await.unwrap().rc
        }));
    }
    for result in waiting {
        assert_eq!(result.await.unwrap(), 0);
    }
    let forest = running.forest.lock().unwrap();
    let object = forest.number_of(guid(123)).unwrap();
    assert_eq!(forest.values(DcNumber(0), object, "extensionAttribute1"), [b"value 123"]);
    let addresses = forest.values(DcNumber(0), object, "proxyAddresses");
    assert_eq!(addresses.len(), 2);
}

#[tokio::test]
async fn pages_cover_everything_once() {
    let running = running(2500).await;
    let mut ldap = running.bound().await;
    let unpaged =
        ldap.search(PEOPLE, ClientScope::OneLevel, "(objectClass=user)", vec!["cn"]).await.unwrap();
    assert_eq!((unpaged.0.len(), unpaged.1.rc), (1000, 4), "MaxPageSize cuts an unpaged search");
    let adapters: Vec<Box<dyn Adapter<'_, _, _>>> =
        vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(700))];
    let base = "DC=contoso,DC=com";
    let filter = "(&(objectClass=user)(cn=User*))";
    let mut search = ldap
        .streaming_search_with(adapters, base, ClientScope::Subtree, filter, vec!["cn"])
        .await
        .unwrap();
    let mut names = Vec::new();
    while let Some(entry) = search.next().await.unwrap() {
        names.push(ClientEntry::construct(entry).attrs["cn"][0].clone());
    }
    assert_eq!(search.finish().await.rc, 0);
    let expected: Vec<String> = (0..2500).map(|number| format!("User {number:05}")).collect();
    assert_eq!(names, expected, "in the order of creation, each once");
}

#[tokio::test]
async fn objects_are_added_compared_renamed_and_deleted() {
    let running = running(1).await;
    let mut ldap = running.bound().await;
    let dn = format!("CN=Doe\\, Jane,{PEOPLE}");
    let attributes = vec![
        ("objectClass", ["top", "person", "organizationalPerson", "user"].into()),
        ("sAMAccountName", ["jane"].into()),
        ("mail", ["jane@contoso.com"].into()),
    ];
    assert_eq!(ldap.add(&dn, attributes.clone()).await.unwrap().rc, 0);
    let again = ldap.add(&dn, attributes).await.unwrap();
    assert_eq!((again.rc, &again.text[..8]), (68, "00002071"));
    assert!(ldap.compare(&dn, "mail", "JANE@contoso.com").await.unwrap().equal().unwrap());
    assert!(!ldap.compare(&dn, "mail", "x@contoso.com").await.unwrap().equal().unwrap());
    let renamed = ldap.modifydn(&dn, "CN=Jane", true, Some("CN=Users,DC=contoso,DC=com")).await;
    assert_eq!(renamed.unwrap().rc, 0);
    let gone = ldap.delete(&dn).await.unwrap();
    assert_eq!((gone.rc, gone.matched.as_str()), (32, PEOPLE));
    assert_eq!(ldap.delete("CN=Jane,CN=Users,DC=contoso,DC=com").await.unwrap().rc, 0);
    let who = ldap.extended(ldap3::exop::WhoAmI).await.unwrap().0;
    let who: ldap3::exop::WhoAmIResp = who.parse();
    assert_eq!(who.authzid, "u:CONTOSO\\user0");
}

#[tokio::test]
async fn malformed_bytes_end_their_connection_only() {
    let running = running(1).await;
    let mut other = running.bound().await;
    let huge: &[u8] = &[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff];
    for bytes in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), huge, &[0x30, 3, 2, 1, 0]] {
        let mut stream = tokio::net::TcpStream::connect(running.server.address()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
    }
    assert_eq!(other.simple_bind("user0@contoso.com", "Pa55w0rd").await.unwrap().rc, 0);
    running.server.shut_down().await;
}

#[tokio::test]
async fn a_door_that_refuses_closes_at_once() {
    let door = TestDoor { forest: Arc::new(Mutex::new(forest(1))), refuses: true };
    let address = "127.0.0.1:0".parse().unwrap();
    let server = LdapServer::start(address, door, SessionOptions::default()).await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
}

fn session(forest: Forest) -> Session<TestDoor> {
    let door = TestDoor { forest: Arc::new(Mutex::new(forest)), refuses: false };
    Session::new(door, SessionOptions::default())
}

fn bind(id: i32) -> Vec<u8> {
    let request = BindRequest { name: "CONTOSO\\user0".into(), password: b"Pa55w0rd".to_vec() };
    write(&Message { id, body: Body::Bind { version: 3, request } })
}

fn count_messages(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let Ok(Some(length)) = super::ber::message_length(bytes, usize::MAX) {
        bytes = &bytes[length..];
        count += 1;
    }
    count
}

#[test]
fn a_message_may_come_byte_by_byte_or_many_at_once() {
    let mut slow = session(forest(1));
    let request = bind(1);
    for byte in &request[..request.len() - 1] {
        assert_eq!(slow.handle(&[*byte]), (Vec::new(), Directive::Receive));
    }
    let (answer, _) = slow.handle(&request[request.len() - 1..]);
    assert_eq!(count_messages(&answer), 1);
    let mut fast = session(forest(1));
    let many: Vec<u8> = (1..=50).flat_map(bind).collect();
    let (answers, directive) = fast.handle(&many);
    assert_eq!((count_messages(&answers), directive), (50, Directive::Receive));
}

#[test]
fn a_cookie_of_another_connection_is_refused() {
    let page = |cookie: Vec<u8>| {
        let search = SearchRequest {
            base: Name::from_text("DC=contoso,DC=com"),
            scope: Scope::Subtree,
            filter: Filter::everything(),
            selection: vec!["cn".into()],
            size_limit: 0,
            time_limit: 0,
            types_only: false,
        };
        let value = ControlValue::PagedResults { size: 2, cookie };
        let controls = vec![Control { critical: true, value }];
        let request = Request { operation: Operation::Search(search), controls };
        write(&Message { id: 9, body: Body::Directory(request) })
    };
    let mut first = session(forest(5));
    first.handle(&bind(1));
    let (answer, _) = first.handle(&page(Vec::new()));
    assert_eq!(count_messages(&answer), 3, "two entries and the end");
    let cookie = first.cookies_for_test().unwrap();
    let mut second = session(forest(5));
    second.handle(&bind(1));
    let (refused, _) = second.handle(&page(cookie.clone()));
    assert!(refused.windows(8).any(|window| window == b"00000057"));
    let (answer, _) = first.handle(&page(cookie));
    assert_eq!(count_messages(&answer), 3);
}

/// What a sorted answer keeps stays with the connection: the client has a short cookie, and newer ones push
/// it out (MaxResultSetsPerConn).
#[test]
fn a_sorted_answer_is_kept_by_the_connection() {
    let search = || SearchRequest {
        base: Name::from_text(PEOPLE),
        scope: Scope::OneLevel,
        filter: Filter::everything(),
        selection: vec!["cn".into()],
        size_limit: 0,
        time_limit: 0,
        types_only: false,
    };
    let sorted = |value: ControlValue, critical: bool| {
        let key = SortKey { attribute: "cn".into(), rule: None, reverse: true };
        let sort = Control { critical: true, value: ControlValue::Sort(vec![key]) };
        let controls = vec![Control { critical, value }, sort];
        let request = Request { operation: Operation::Search(search()), controls };
        write(&Message { id: 9, body: Body::Directory(request) })
    };
    let page = |size, cookie| sorted(ControlValue::PagedResults { size, cookie }, true);
    let window = |context, critical| {
        let target = VlvTarget::Offset { offset: 1, count: 0 };
        sorted(ControlValue::Vlv { before: 0, after: 1, target, context }, critical)
    };
    let mut session = session(forest(40));
    session.handle(&bind(1));
    session.handle(&page(3, Vec::new()));
    let cookie = session.cookies_for_test().unwrap();
    assert!(cookie.len() < 64, "{} bytes", cookie.len());
    let (answer, _) = session.handle(&page(3, cookie));
    assert_eq!(count_messages(&answer), 4);
    session.handle(&window(None, true));
    let context = session.cookies_for_test().unwrap();
    for _ in 0..2 {
        let (answer, _) = session.handle(&window(Some(context.clone()), true));
        assert_eq!(count_messages(&answer), 3, "a context can be used again");
        assert_eq!(session.cookies_for_test(), Some(context.clone()));
    }
    for size in 10..=19 {
        session.handle(&page(size, Vec::new()));
    }
    let (refused, _) = session.handle(&window(Some(context.clone()), true));
    assert!(refused.windows(8).any(|window| window == b"00002035"));
    let (plain, _) = session.handle(&window(Some(context), false));
    assert_eq!(count_messages(&plain), 41, "without the control everybody is there");
}

#[test]
fn a_filter_that_is_nested_too_deep_is_refused_with_a_notice() {
    let mut filter = Filter::everything();
    for _ in 0..600 {
        filter = Filter::Not(Box::new(filter));
    }
    let search = SearchRequest {
        base: Name::from_text(""),
        scope: Scope::Base,
        filter,
        selection: Vec::new(),
        size_limit: 0,
        time_limit: 0,
        types_only: false,
    };
    let request = Request::from(Operation::Search(search));
    let bytes = write(&Message { id: 1, body: Body::Directory(request) });
    let (answer, directive) = session(forest(1)).handle(&bytes);
    assert_eq!(directive, Directive::Close);
    assert!(answer.windows(22).any(|window| window == b"1.3.6.1.4.1.1466.20036"));
}

/// A search that takes long: many substrings on many objects, none of which matches.
fn heavy(id: i32) -> Vec<u8> {
    let term = |at: u32| {
        let any = vec![format!("nobody{at}").into_bytes()];
        Filter::Substrings("userPrincipalName".into(), Substrings { any, ..Default::default() })
    };
    let search = SearchRequest {
        base: Name::from_text(PEOPLE),
        scope: Scope::Subtree,
        filter: Filter::Or((0..4000).map(term).collect()),
        selection: Vec::new(),
        size_limit: 0,
        time_limit: 0,
        types_only: false,
    };
    let request = Request::from(Operation::Search(search));
    write(&Message { id, body: Body::Directory(request) })
}

/// Nobody's search keeps the server from others: it is done in parts, and ends when it is given up.
#[test]
fn a_search_that_takes_long_is_done_in_parts_and_can_be_given_up() {
    let mut session = session(forest(300));
    session.handle(&bind(1));
    session.receive(&heavy(2));
    let mut out = Vec::new();
    assert_eq!(session.answer(&mut out), Directive::Working);
    assert!(out.is_empty() && session.has_room());
    assert_eq!(session.answer(&mut out), Directive::Working, "and another part");
    session.receive(&write(&Message { id: 3, body: Body::Abandon(2) }));
    session.receive(&write(&Message {
        id: 4,
        body: Body::Extended { oid: "1.2.3".into(), value: None },
    }));
    let (answer, directive) = session.handle(&[]);
    assert_eq!(
        (count_messages(&answer), directive),
        (1, Directive::Receive),
        "that of the last one"
    );
    let (answer, _) = session.handle(&heavy(5));
    assert_eq!(count_messages(&answer), 1, "it is done when nobody gives it up");
}

/// While one client's search goes on, another one is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn others_are_served_while_a_search_goes_on() {
    let running = running(1500).await;
    let mut slow = tokio::net::TcpStream::connect(running.server.address()).await.unwrap();
    slow.write_all(&bind(1)).await.unwrap();
    let mut first = [0; 64];
    assert!(slow.read(&mut first).await.unwrap() > 0);
    slow.write_all(&heavy(2)).await.unwrap();
    let mut other = running.bound().await;
    let found = other.search("", ClientScope::Base, "(objectClass=*)", vec!["dnsHostName"]).await;
    assert_eq!(found.unwrap().0.len(), 1);
    let early = slow.try_read(&mut first);
    assert!(early.is_err(), "the search still goes on: {early:?}");
    drop(slow);
    running.server.shut_down().await;
}

/// Each element takes more room in memory than its two bytes of a message: too many of them are refused
/// before anything is made of them.
#[test]
fn a_message_of_too_many_elements_is_refused() {
    let mut filter = super::ber::Writer::default();
    let whole = filter.open();
    let body = filter.open();
    let list = filter.open();
    filter.close(super::ber::SEQUENCE, list);
    let or = filter.open();
    for _ in 0..300_000 {
        filter.octets(0x87, b"");
    }
    filter.close(0xa1, or);
    filter.boolean(super::ber::BOOLEAN, false);
    filter.number(super::ber::INTEGER, 0);
    filter.number(super::ber::INTEGER, 0);
    filter.number(super::ber::ENUMERATED, 0);
    filter.number(super::ber::ENUMERATED, 2);
    filter.octets(super::ber::OCTETS, PEOPLE.as_bytes());
    filter.close(0x63, body);
    filter.number(super::ber::INTEGER, 7);
    filter.close(super::ber::SEQUENCE, whole);
    assert_eq!(
        message(filter.bytes()).map(|message| message.body),
        Ok(Body::TooLarge { answer: 0x65 })
    );
    let mut session = session(forest(1));
    session.handle(&bind(1));
    let (answer, directive) = session.handle(filter.bytes());
    assert_eq!(directive, Directive::Receive);
    assert!(answer.windows(8).any(|window| window == b"00002024"), "an administrative limit");
}
