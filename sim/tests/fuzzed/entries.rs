//! What a fuzzer drives: one function for each reader of bytes that come from outside. None may panic,
//! and none may need memory that is not in proportion to what it is given.
//!
//! The fuzz targets of `fuzz/` call these functions, and so does the property test beside this file: a
//! stable toolchain drives the same code with arbitrary and mutated bytes.

use std::io::Cursor;
use std::sync::{Arc, Mutex};

use sim::clock::VirtualTime;
use sim::directory::entry::DcNumber;
use sim::directory::forest::{DcSpec, DomainNumber, DomainSpec, Forest};
use sim::directory::ldif;
use sim::directory::ldif_export::ExportedObjects;
use sim::directory::name::{Dn, Rdn, Sid};
use sim::directory::principal::{Principal, Rights};
use sim::directory::request::{BindRequest, Name, Request};
use sim::directory::schema::{Schema, known};
use sim::guid::Guid;
use sim::record::Record;
use sim::wire::ldap::decode;
use sim::wire::ldap::session::{
    Directive, DirectoryDoor, DoorAnswer, DoorBind, Session, SessionOptions,
};

/// The administrator of [`forest`], and the password.
const ADMINISTRATOR: (&str, &str) = ("CN=user0,OU=People,DC=contoso,DC=com", "secret");

/// More bytes than a limit of the session lets through are cut off, so that a case stays short.
const LONGEST: usize = 64 * 1024;

fn guid(number: u32) -> Guid {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Guid(bytes)
}

fn now() -> VirtualTime {
    VirtualTime::from_micros(1_790_000_000_000_000)
}

/// A small forest with the Exchange schema, three users and an administrator among them.
fn forest() -> Forest {
    let sid = Sid::from_text("S-1-5-21-1-2-3").expect("a SID");
    let root = DomainSpec { dns: "contoso.com".into(), netbios: "CONTOSO".into(), sid };
    let dc = DcSpec {
        host: "DC01".into(),
        site: "Site".into(),
        invocation_id: guid(1),
        read_only: false,
    };
    let mut next = 1_000_000;
    let mut mint = move || {
        next += 1;
        guid(next)
    };
    let mut forest = Forest::new(Schema::base().with_exchange(), &root, dc, now(), &mut mint);
    let domain = DomainNumber(0);
    let head = forest.domains()[0].head;
    let unit = forest.load_container(domain, head, "organizationalUnit", "People", guid(2), now());
    let class = forest.schema().class_named("user").expect("the class of users").number;
    for number in 0..3 {
        let account = format!("user{number}");
        let sid = forest.domains()[0].sid.with_rid(1000 + number);
        let record = Record::from_sorted([
            (known::CN, [account.as_bytes()]),
            (known::SAM_ACCOUNT_NAME, [account.as_bytes()]),
            (known::OBJECT_SID, [sid.as_bytes()]),
        ]);
        let object = forest.load(domain, unit, class, guid(10 + number), record, now());
        if number == 0 {
            forest.set_account(object, ADMINISTRATOR.1.as_bytes(), Rights::Full);
        }
    }
    forest.settle();
    forest
}

/// A domain controller behind a session.
struct Door {
    forest: Arc<Mutex<Forest>>,
    minted: u32,
}

impl DirectoryDoor for Door {
    fn bind(&mut self, request: &BindRequest) -> DoorBind {
        let forest = self.forest.lock().expect("one thread");
        match forest.bind(DcNumber(0), now(), request) {
            Ok(principal) => DoorBind::Bound(principal),
            Err(result) => DoorBind::Denied(result),
        }
    }

    fn request(&mut self, principal: &Principal, request: &Request) -> DoorAnswer {
        let mut forest = self.forest.lock().expect("one thread");
        let minted = &mut self.minted;
        let mut mint = || {
            *minted += 1;
            guid(2_000_000 + *minted)
        };
        let (response, _) = forest.perform(DcNumber(0), principal, now(), request, &mut mint);
        DoorAnswer::Answer(response)
    }
}

/// A forest is built once and copied: building one takes longer than a case.
fn door() -> Door {
    static FOREST: std::sync::LazyLock<Forest> = std::sync::LazyLock::new(forest);
    Door { forest: Arc::new(Mutex::new(FOREST.clone())), minted: 0 }
}

/// A BER element with a short or a long length.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("a case is short").to_be_bytes();
    [&[tag, 0x84], &length[..], content].concat()
}

fn message(id: u8, operation: &[u8]) -> Vec<u8> {
    element(0x30, &[&[2, 1, id], operation].concat())
}

fn bind_request() -> Vec<u8> {
    let (name, password) = ADMINISTRATOR;
    let parts = [vec![2, 1, 3], element(4, name.as_bytes()), element(0x80, password.as_bytes())];
    message(1, &element(0x60, &parts.concat()))
}

/// The session layer: bytes of a connection, before and after a bind. The first byte says which, and
/// in what portions they come.
pub(crate) fn session(bytes: &[u8]) {
    let Some((how, bytes)) = bytes.split_first() else { return };
    let bytes = &bytes[..bytes.len().min(LONGEST)];
    let mut session = Session::new(door(), SessionOptions::default());
    if how & 1 == 1 {
        let (answer, directive) = session.handle(&bind_request());
        assert!(!answer.is_empty() && directive == Directive::Receive, "the bind is answered");
    }
    let portion = match how >> 1 {
        0 => bytes.len().max(1),
        portion => usize::from(portion),
    };
    for portion in bytes.chunks(portion) {
        if session.handle(portion).1 == Directive::Close {
            return;
        }
    }
}

/// Distinguished names: what is read is written so that it is read again as the same name.
pub(crate) fn dn(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    if let Ok(dn) = Dn::parse(text) {
        let written = dn.to_string();
        let again = Dn::parse(&written);
        assert!(
            again.as_ref().is_ok_and(|again| again.same(&dn)),
            "{text:?} is written as {written:?}, which is read as {again:?}"
        );
    }
    let _ = Rdn::parse(text);
    let name = Name::from_text(text);
    let _ = Name::from_text(&name.to_string());
    let _ = Sid::from_text_or_hex(text);
}

/// Filters as they stand in a search, tested against every object of a forest.
pub(crate) fn filter(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(LONGEST)];
    let search = [
        &element(4, b"DC=contoso,DC=com")[..],
        &[0x0a, 1, 2, 0x0a, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1, 0],
        bytes,
        &element(0x30, &element(4, b"cn")),
    ]
    .concat();
    let search = message(2, &element(0x63, &search));
    let _ = decode::message(&search);
    let mut session = Session::new(door(), SessionOptions::default());
    session.handle(&bind_request());
    session.handle(&search);
}

/// LDIF: change records, and the content of an export.
pub(crate) fn ldif(bytes: &[u8]) {
    if let Ok(text) = core::str::from_utf8(bytes) {
        let _ = ldif::operations(text);
    }
    for object in ExportedObjects::new(Cursor::new(bytes)) {
        if object.is_err() {
            break;
        }
    }
}
