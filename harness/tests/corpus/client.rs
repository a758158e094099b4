//! A client of its own: bytes out, bytes in, over plain TCP or TLS. It shares the BER primitives with
//! the server and nothing else.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sim::wire::ldap::ber::{self, ENUMERATED, INTEGER, OCTETS, Reader, SEQUENCE, SET, Writer};

/// How long an answer may take before there is none.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What a server sent for one message.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) code: i64,
    pub(crate) matched: String,
    pub(crate) diagnostic: String,
    pub(crate) entries: Vec<Entry>,
    pub(crate) references: Vec<String>,
    pub(crate) referrals: usize,
    pub(crate) controls: Vec<(String, Vec<u8>)>,
    pub(crate) response: Option<Vec<u8>>,
    pub(crate) closed: bool,
}

/// An entry with its attributes in the order of the answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    pub(crate) dn: String,
    pub(crate) attributes: Vec<(String, Vec<Vec<u8>>)>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// A connection.
pub(crate) struct Client {
    stream: Option<Stream>,
    received: Vec<u8>,
    next: i64,
}

/// A message: its number, and the operation's element.
pub(crate) struct Message {
    pub(crate) id: i64,
    pub(crate) tag: u8,
    pub(crate) content: Vec<u8>,
    pub(crate) controls: Vec<(String, Vec<u8>)>,
}

/// Trust in the certificate authority of a ready file.
pub(crate) fn trust(pem: &[u8]) -> Arc<ClientConfig> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.expect("PEM")).expect("a certificate authority");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

impl Client {
    pub(crate) fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("a socket");
        Self { stream: Some(Stream::Plain(stream)), received: Vec::new(), next: 1 }
    }

    pub(crate) fn connect_tls(address: &str, config: &Arc<ClientConfig>) -> Self {
        let mut client = Self::connect(address);
        client.secure(config);
        client
    }

    /// The TLS handshake on the connection as it is.
    pub(crate) fn secure(&mut self, config: &Arc<ClientConfig>) {
        let Some(Stream::Plain(stream)) = self.stream.take() else { panic!("no plain connection") };
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(Arc::clone(config), name).expect("TLS");
        self.stream = Some(Stream::Tls(Box::new(StreamOwned::new(connection, stream))));
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        // A server that has closed already shows when it is read from.
        let _ = match self.stream.as_mut().expect("a connection") {
            Stream::Plain(stream) => stream.write_all(bytes),
            Stream::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        };
    }

    pub(crate) fn patience(&mut self, patience: Duration) {
        if let Some(Stream::Plain(stream)) = &self.stream {
            stream.set_read_timeout(Some(patience)).expect("a timeout");
        }
    }

    /// The next message; `None` when the connection is closed, or nothing came in time.
    pub(crate) fn receive(&mut self) -> Option<Message> {
        loop {
            let most = 64 * 1024 * 1024;
            if let Ok(Some(length)) = ber::message_length(&self.received, most)
                && length <= self.received.len()
            {
                let bytes: Vec<u8> = self.received.drain(..length).collect();
                return Some(read_message(&bytes));
            }
            let mut buffer = [0; 65536];
            let read = match self.stream.as_mut()? {
                Stream::Plain(stream) => stream.read(&mut buffer),
                Stream::Tls(stream) => stream.read(&mut buffer),
            };
            match read {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.received.extend_from_slice(&buffer[..length]),
            }
        }
    }

    /// Sends an operation; gives the message's number.
    pub(crate) fn ask(&mut self, operation: &Operation, controls: &[Control]) -> i64 {
        let id = self.next;
        self.next += 1;
        self.send(&encode(id, operation, controls));
        id
    }

    /// Sends an operation and gathers its answer.
    pub(crate) fn call(&mut self, operation: &Operation, controls: &[Control]) -> Answer {
        let id = self.ask(operation, controls);
        self.gather(id)
    }

    /// Gathers the answer to a message.
    pub(crate) fn gather(&mut self, id: i64) -> Answer {
        let mut answer = Answer::default();
        loop {
            let Some(message) = self.receive() else {
                answer.closed = true;
                return answer;
            };
            if message.id != id && message.id != 0 {
                continue;
            }
            match message.tag {
                0x64 => answer.entries.push(read_entry(&message.content)),
                0x73 => {
                    let mut reader = Reader::new(&message.content);
                    while let Ok(reference) = reader.text(OCTETS) {
                        answer.references.push(reference.to_owned());
                    }
                }
                _ => {
                    read_result(&message, &mut answer);
                    // A notice of disconnection, and then the end.
                    answer.closed = message.id == 0 && id != 0 && self.receive().is_none();
                    return answer;
                }
            }
        }
    }
}

fn read_message(bytes: &[u8]) -> Message {
    let mut outer = Reader::new(bytes);
    let mut reader = Reader::new(outer.expect(SEQUENCE).expect("a message"));
    let id = reader.number(INTEGER).expect("a number");
    let operation = reader.element().expect("an operation");
    let mut controls = Vec::new();
    if let Ok(Some(list)) = reader.optional(0xa0) {
        let mut list = Reader::new(list);
        while let Ok(control) = list.expect(SEQUENCE) {
            let mut control = Reader::new(control);
            let oid = control.text(OCTETS).expect("an OID").to_owned();
            let _ = control.optional(ber::BOOLEAN);
            let value = control.expect(OCTETS).unwrap_or_default().to_vec();
            controls.push((oid, value));
        }
    }
    Message { id, tag: operation.tag, content: operation.content.to_vec(), controls }
}

pub(crate) fn read_entry(content: &[u8]) -> Entry {
    let mut reader = Reader::new(content);
    let dn = reader.text(OCTETS).expect("a name").to_owned();
    let mut list = Reader::new(reader.expect(SEQUENCE).expect("attributes"));
    let mut attributes = Vec::new();
    while !list.is_empty() {
        let mut attribute = Reader::new(list.expect(SEQUENCE).expect("an attribute"));
        let name = attribute.text(OCTETS).expect("a name").to_owned();
        let mut set = Reader::new(attribute.expect(SET).expect("values"));
        let mut values = Vec::new();
        while !set.is_empty() {
            values.push(set.expect(OCTETS).expect("a value").to_vec());
        }
        attributes.push((name, values));
    }
    Entry { dn, attributes }
}

fn read_result(message: &Message, answer: &mut Answer) {
    let mut reader = Reader::new(&message.content);
    answer.code = reader.number(ENUMERATED).expect("a result code");
    let matched = reader.expect(OCTETS).expect("a matched name");
    answer.matched = String::from_utf8_lossy(matched).into_owned();
    let diagnostic = reader.expect(OCTETS).expect("a text");
    answer.diagnostic = String::from_utf8_lossy(diagnostic).trim_end_matches('\0').to_owned();
    if let Ok(Some(referrals)) = reader.optional(0xa3) {
        let mut referrals = Reader::new(referrals);
        while referrals.element().is_ok() {
            answer.referrals += 1;
        }
    }
    while let Ok(element) = reader.element() {
        if element.tag == 0x8b {
            answer.response = Some(element.content.to_vec());
        }
    }
    answer.controls.clone_from(&message.controls);
}

/// A control of a request: OID, criticality, value.
pub(crate) type Control = (String, bool, Option<Vec<u8>>);

/// What is asked, apart from its number and controls: the tag and the content.
pub(crate) struct Operation {
    pub(crate) tag: u8,
    pub(crate) content: Vec<u8>,
}

/// Puts elements together: what `fill` writes, last element first.
pub(crate) fn written(fill: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    fill(&mut writer);
    writer.bytes().to_vec()
}

/// A SEQUENCE of these elements.
pub(crate) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    element(SEQUENCE, parts)
}

/// A constructed element.
pub(crate) fn element(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    written(|writer| writer.octets(tag, &parts.concat()))
}

/// A primitive element.
pub(crate) fn octets(tag: u8, content: &[u8]) -> Vec<u8> {
    written(|writer| writer.octets(tag, content))
}

/// A number.
pub(crate) fn number(tag: u8, value: i64) -> Vec<u8> {
    written(|writer| writer.number(tag, value))
}

fn encode(id: i64, operation: &Operation, controls: &[Control]) -> Vec<u8> {
    let mut parts = vec![number(INTEGER, id), octets(operation.tag, &operation.content)];
    if !controls.is_empty() {
        let list: Vec<Vec<u8>> = controls
            .iter()
            .map(|(oid, critical, value)| {
                let mut parts = vec![octets(OCTETS, oid.as_bytes())];
                if *critical {
                    parts.push(vec![1, 1, 0xff]);
                }
                parts.extend(value.as_ref().map(|value| octets(OCTETS, value)));
                sequence(&parts)
            })
            .collect();
        parts.push(element(0xa0, &list));
    }
    sequence(&parts)
}
