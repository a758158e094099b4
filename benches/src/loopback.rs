//! A directory behind its LDAP listener on loopback, and a client that sends many requests before it
//! reads the answers.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use harness::bridge::doors::{ControllerDoor, SharedReads};
use sim::directory::forest::Forest;
use sim::directory::principal::Principal;
use sim::directory::request::{BindRequest, Request};
use sim::estate::Estate;
use sim::wire::ldap::ber::{
    BOOLEAN, ENUMERATED, INTEGER, OCTETS, Reader, SEQUENCE, SET, Writer, message_length,
};
use sim::wire::ldap::server::LdapServer;
use sim::wire::ldap::session::{DirectoryDoor, DoorAnswer, DoorBind, SessionOptions};
use sim::wire::shared::SharedEstate;
use tokio::runtime::{Builder, Runtime};

use crate::population::{ADMINISTRATOR, DC, guid, now};

/// The tag of an entry that was found.
const SEARCH_ENTRY: u8 = 0x64;
/// The tag of a reference to another naming context.
const SEARCH_REFERENCE: u8 = 0x73;
/// The tag of a finished search.
const SEARCH_DONE: u8 = 0x65;

#[derive(Clone)]
struct Door(Arc<Mutex<(Forest, u32)>>);

impl DirectoryDoor for Door {
    fn bind(&mut self, request: &BindRequest) -> DoorBind {
        let held = self.0.lock().expect("no panic while it is held");
        match held.0.bind(DC, now(), request) {
            Ok(principal) => DoorBind::Bound(principal),
            Err(refusal) => DoorBind::Denied(refusal),
        }
    }

    fn request(&mut self, principal: &Principal, request: &Request) -> DoorAnswer {
        let mut held = self.0.lock().expect("no panic while it is held");
        let (forest, minted) = &mut *held;
        let mut mint = || {
            *minted += 1;
            guid(0x8000_0000 + *minted)
        };
        DoorAnswer::Answer(forest.perform(DC, principal, now(), request, &mut mint).0)
    }
}

/// A connection to a listener of its own, bound as the administrator.
pub struct Loopback {
    stream: TcpStream,
    received: Vec<u8>,
    done: usize,
    _server: LdapServer,
    _runtime: Runtime,
}

impl Loopback {
    /// Serves a forest and binds.
    ///
    /// # Panics
    /// When loopback cannot be used, or the bind is refused.
    #[must_use]
    pub fn of(forest: Forest) -> Self {
        Self::behind(Door(Arc::new(Mutex::new((forest, 0)))), ADMINISTRATOR)
    }

    /// Serves the first domain controller of an estate, as `hybridsim serve` does: with faults, rights, the
    /// record of writes and the log of reads. Binds as its administrator.
    ///
    /// # Panics
    /// When loopback cannot be used, or the bind is refused.
    #[must_use]
    pub fn of_estate(estate: Estate) -> Self {
        let at = estate.job_domain();
        let account = &estate.accounts(at.0).expect("accounts").administrator;
        let (name, password) = (estate.ad_dn(account.object), account.password.clone());
        let dc = estate.forests.first_dc(at).expect("a domain controller");
        let door = ControllerDoor::new(SharedEstate::new(estate), dc, SharedReads::default());
        Self::behind(door, (&name, &password))
    }

    fn behind<D>(door: D, (name, password): (&str, &str)) -> Self
    where
        D: DirectoryDoor + Clone + Send + 'static,
    {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = LdapServer::start(address, door, SessionOptions::default());
        let server = runtime.block_on(server).expect("a listener");
        let stream = TcpStream::connect(server.address()).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        let received = Vec::new();
        let mut client = Self { stream, received, done: 0, _server: server, _runtime: runtime };
        let bind = message(1, 0x60, |writer| {
            writer.octets(0x80, password.as_bytes());
            writer.octets(OCTETS, name.as_bytes());
            writer.number(INTEGER, 3);
        });
        client.exchange(&bind, 1);
        client
    }

    /// Sends messages, and receives so many results; gives the last one whole, and how many entries
    /// came.
    ///
    /// # Panics
    /// When a result is no success.
    pub fn exchange(&mut self, messages: &[u8], results: usize) -> (Vec<u8>, usize) {
        self.stream.write_all(messages).expect("sent");
        let mut left = results;
        let mut entries = 0;
        let mut last = Vec::new();
        let mut portion = vec![0; 256 * 1024];
        while left > 0 {
            let rest = &self.received[self.done..];
            match message_length(rest, usize::MAX).expect("a message") {
                Some(length) if length <= rest.len() => {
                    let mut outer = Reader::new(&rest[..length]);
                    let mut inner = Reader::new(outer.expect(SEQUENCE).expect("a message"));
                    inner.number(INTEGER).expect("a number");
                    let tag = inner.peek().expect("an operation");
                    if tag == SEARCH_ENTRY {
                        entries += 1;
                    } else if tag != SEARCH_REFERENCE {
                        let operation = inner.element().expect("an operation");
                        let code = Reader::new(operation.content).number(ENUMERATED);
                        assert_eq!(code.expect("a code"), 0, "a success");
                        left -= 1;
                        if left == 0 && tag == SEARCH_DONE {
                            last = rest[..length].to_vec();
                        }
                    }
                    self.done += length;
                }
                _ => {
                    self.received.drain(..self.done);
                    self.done = 0;
                    let read = self.stream.read(&mut portion).expect("received");
                    assert!(read > 0, "the server closed");
                    self.received.extend_from_slice(&portion[..read]);
                }
            }
        }
        (last, entries)
    }
}

/// A message; `fill` writes the parts of the operation, the last one first.
#[must_use]
pub fn message(id: i64, tag: u8, fill: impl FnOnce(&mut Writer)) -> Vec<u8> {
    with_control(id, tag, fill, None)
}

/// As [`message`], with a critical control and its value.
#[must_use]
pub fn with_control(
    id: i64,
    tag: u8,
    fill: impl FnOnce(&mut Writer),
    control: Option<(&str, &[u8])>,
) -> Vec<u8> {
    let mut writer = Writer::default();
    let whole = writer.open();
    if let Some((oid, value)) = control {
        let list = writer.open();
        let one = writer.open();
        writer.octets(OCTETS, value);
        writer.boolean(BOOLEAN, true);
        writer.octets(OCTETS, oid.as_bytes());
        writer.close(SEQUENCE, one);
        writer.close(0xa0, list);
    }
    let operation = writer.open();
    fill(&mut writer);
    writer.close(tag, operation);
    writer.number(INTEGER, id);
    writer.close(SEQUENCE, whole);
    writer.bytes().to_vec()
}

/// A replacement of one value.
#[must_use]
pub fn modify(id: i64, dn: &str, attribute: &str, value: &str) -> Vec<u8> {
    message(id, 0x66, |writer| {
        let list = writer.open();
        let change = writer.open();
        write_attribute(writer, attribute, &[value]);
        writer.number(ENUMERATED, 2);
        writer.close(SEQUENCE, change);
        writer.close(SEQUENCE, list);
        writer.octets(OCTETS, dn.as_bytes());
    })
}

/// A new user.
#[must_use]
pub fn add(id: i64, dn: &str, attributes: &[(&str, &str)]) -> Vec<u8> {
    message(id, 0x68, |writer| {
        let list = writer.open();
        for (name, value) in attributes.iter().rev() {
            write_attribute(writer, name, &[value]);
        }
        writer.close(SEQUENCE, list);
        writer.octets(OCTETS, dn.as_bytes());
    })
}

/// A search below a base for one value, or for everything that has the attribute.
#[must_use]
pub fn search(
    id: i64,
    base: &str,
    (attribute, value): (&str, Option<&str>),
    selection: &[&str],
    control: Option<(&str, &[u8])>,
) -> Vec<u8> {
    let fill = |writer: &mut Writer| {
        let list = writer.open();
        for name in selection.iter().rev() {
            writer.octets(OCTETS, name.as_bytes());
        }
        writer.close(SEQUENCE, list);
        match value {
            None => writer.octets(0x87, attribute.as_bytes()),
            Some(value) => {
                let equality = writer.open();
                writer.octets(OCTETS, value.as_bytes());
                writer.octets(OCTETS, attribute.as_bytes());
                writer.close(0xa3, equality);
            }
        }
        writer.boolean(BOOLEAN, false);
        writer.number(INTEGER, 0);
        writer.number(INTEGER, 0);
        writer.number(ENUMERATED, 0);
        writer.number(ENUMERATED, 2);
        writer.octets(OCTETS, base.as_bytes());
    };
    with_control(id, 0x63, fill, control)
}

fn write_attribute(writer: &mut Writer, name: &str, values: &[&str]) {
    let attribute = writer.open();
    let set = writer.open();
    for value in values.iter().rev() {
        writer.octets(OCTETS, value.as_bytes());
    }
    writer.close(SET, set);
    writer.octets(OCTETS, name.as_bytes());
    writer.close(SEQUENCE, attribute);
}

/// The value of a control that pages (`numbers` is the size) or reads changes (`numbers` are flags and
/// size).
#[must_use]
pub fn cookie_value(numbers: &[i64], cookie: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    let end = writer.open();
    writer.octets(OCTETS, cookie);
    for number in numbers.iter().rev() {
        writer.number(INTEGER, *number);
    }
    writer.close(SEQUENCE, end);
    writer.bytes().to_vec()
}

/// The cookie in the control of a finished search: its value ends with it.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn cookie_of(done: &[u8]) -> Vec<u8> {
    let mut outer = Reader::new(done);
    let mut message = Reader::new(outer.expect(SEQUENCE).expect("a message"));
    message.number(INTEGER).expect("a number");
    message.element().expect("an operation");
    let mut controls = Reader::new(message.expect(0xa0).expect("controls"));
    let mut control = Reader::new(controls.expect(SEQUENCE).expect("a control"));
    control.expect(OCTETS).expect("an OID");
    control.optional(BOOLEAN).expect("criticality");
    let value = control.expect(OCTETS).expect("a value");
    let mut value = Reader::new(Reader::new(value).expect(SEQUENCE).expect("a sequence"));
    while value.peek() == Some(INTEGER) {
        value.number(INTEGER).expect("a number");
    }
    value.expect(OCTETS).expect("a cookie").to_vec()
}
