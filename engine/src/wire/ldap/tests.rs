//! The adapter against a peer on loopback that speaks just enough LDAP to be scripted.

use std::borrow::Cow;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use tokio::runtime::Runtime;

use super::*;
use crate::guid::Guid;
use crate::ports::AttributeChange;
use crate::wire::Wire;
use crate::wire::tests::{agent, config, runtime};

/// Application tags of requests (RFC 4511 4.2, 4.5, 4.6).
const BIND: u8 = 0x60;
const SEARCH: u8 = 0x63;
const MODIFY: u8 = 0x66;

/// What the peer does with one request.
enum Reply {
    /// Sends these protocol operations.
    Send(Vec<Vec<u8>>),
    /// Sends no more, as a DC that goes down does after its last answer.
    Close,
}

type Script = dyn FnMut(u8, &[u8]) -> Reply + Send;

/// A peer that answers by a script; it gets the tag and the bytes of each request.
struct Peer {
    runtime: Runtime,
    gateways: LdapGateways,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Peer {
    fn start(mut script: Box<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ldap://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                while let Some((id, request)) = read_message(&mut stream) {
                    keep.lock().unwrap().push(request[0]);
                    let Reply::Send(operations) = script(request[0], &request) else {
                        // Without reading on, a reset could overtake the answers that were sent.
                        let _ = stream.shutdown(Shutdown::Write);
                        let _ = std::io::copy(&mut stream, &mut std::io::sink());
                        break;
                    };
                    let id = tlv(0x02, &id);
                    for operation in operations {
                        let message = tlv(0x30, &[id.clone(), operation].concat());
                        stream.write_all(&message).unwrap();
                    }
                }
            }
        });
        let runtime = runtime();
        let mut config = config("http://127.0.0.1:1");
        config.agents.push(agent("AGENT1", &url, "secret"));
        let gateways = Wire::new(config, runtime.handle().clone()).unwrap().directory();
        Self { runtime, gateways, seen }
    }

    fn seen(&self) -> Vec<u8> {
        self.seen.lock().unwrap().clone()
    }
}

/// One message: its id and its operation.
fn read_message(stream: &mut TcpStream) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).ok()?;
    let mut length = usize::from(head[1]);
    if length >= 0x80 {
        let mut bytes = vec![0; length - 0x80];
        stream.read_exact(&mut bytes).ok()?;
        length = bytes.iter().fold(0, |length, byte| length * 256 + usize::from(*byte));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let id_end = 2 + usize::from(body[1]);
    Some((body[2..id_end].to_vec(), body[id_end..].to_vec()))
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82][..], &length, content].concat()
}

fn result(tag: u8, code: u8, text: &str) -> Vec<u8> {
    tlv(tag, &[tlv(0x0a, &[code]), tlv(0x04, b""), tlv(0x04, text.as_bytes())].concat())
}

fn entry(dn: &str, attributes: &[(&str, &[&[u8]])]) -> Vec<u8> {
    let attribute = |(name, values): &(&str, &[&[u8]])| {
        let values: Vec<u8> = values.iter().flat_map(|value| tlv(0x04, value)).collect();
        tlv(0x30, &[tlv(0x04, name.as_bytes()), tlv(0x31, &values)].concat())
    };
    let attributes: Vec<u8> = attributes.iter().flat_map(attribute).collect();
    tlv(0x64, &[tlv(0x04, dn.as_bytes()), tlv(0x30, &attributes)].concat())
}

fn bound() -> Reply {
    Reply::Send(vec![result(0x61, 0, "")])
}

fn name() -> AgentName {
    AgentName("AGENT1".to_owned())
}

fn guid(number: u8) -> ObjectGuid {
    ObjectGuid(Guid([number; 16]))
}

fn replace(number: u8) -> Modification {
    let change = AttributeChange {
        attribute: Cow::from("extensionAttribute1"),
        operation: ChangeOperation::Replace,
        values: vec![vec![number]],
    };
    Modification { object: guid(number), changes: vec![change] }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Objects come sorted, each once, with values in place whatever the spelling of their names;
/// bytes stay bytes.
#[test]
fn entries_become_objects() {
    let mut peer = Peer::start(Box::new(|tag, request| {
        if tag == BIND {
            return bound();
        }
        assert!(contains(request, &[0xff; 16]), "the GUID goes as raw bytes");
        let second: &[(&str, &[&[u8]])] = &[
            ("MAIL", &[b"b@contoso.lab"]),
            ("objectGUID", &[&[2; 16]]),
            ("other", &[b"x"]),
            ("ms-ds-consistencyguid", &[&[0xff, 0]]),
            ("proxyAddresses", &[b"smtp:b", b"SMTP:a"]),
            ("msDS-ExternalDirectoryObjectId", &[b"User_2"]),
        ];
        Reply::Send(vec![
            entry("CN=two", second),
            tlv(0x73, &tlv(0x04, b"ldap://child.contoso.lab/DC=child")),
            entry("CN=one", &[("objectGUID", &[&[1; 16]])]),
            entry("CN=two", second),
            result(0x65, 0, ""),
        ])
    }));
    let attributes: [Name; 3] =
        [Cow::from("mail"), Cow::from("proxyAddresses"), Cow::from("objectguid")];
    let objects = peer.gateways.find(
        &name(),
        &[AnchorKey::ObjectGuid(Guid([0xff; 16])), AnchorKey::ConsistencyGuid(vec![1])],
        &attributes,
    );
    let one = DirectoryObject {
        guid: guid(1),
        consistency_guid: None,
        external_id: None,
        values: [vec![], vec![], vec![vec![1; 16]]].into_iter().collect(),
        broken: None,
    };
    let two = DirectoryObject {
        guid: guid(2),
        consistency_guid: Some(vec![0xff, 0]),
        external_id: Some("User_2".to_owned()),
        values: [
            vec![b"b@contoso.lab".to_vec()],
            vec![b"SMTP:a".to_vec(), b"smtp:b".to_vec()],
            vec![vec![2; 16]],
        ]
        .into_iter()
        .collect(),
        broken: None,
    };
    assert_eq!(objects, Ok(vec![one, two]));
    assert_eq!(peer.gateways.find(&name(), &[], &attributes), Ok(Vec::new()));
    assert_eq!(peer.seen(), [BIND, SEARCH]);
}

/// A hundred keys go into one search, and more into several on the same connection.
#[test]
fn many_objects_are_read_in_searches_of_a_hundred_keys() {
    let mut peer = Peer::start(Box::new(|tag, _| match tag {
        BIND => bound(),
        _ => Reply::Send(vec![result(0x65, 0, "")]),
    }));
    let objects: Vec<ObjectGuid> = (0..201_u8).map(guid).collect();
    assert_eq!(peer.gateways.read(&name(), &objects, &[]), Ok(Vec::new()));
    assert_eq!(peer.seen(), [BIND, SEARCH, SEARCH, SEARCH]);
}

/// A long list of values comes in parts, which are asked for until the last one is there.
#[test]
fn values_that_come_in_parts_are_followed_to_their_end() {
    let part = |name: &str, range: std::ops::Range<u16>| {
        let values: Vec<[u8; 2]> = range.map(u16::to_be_bytes).collect();
        let values: Vec<&[u8]> = values.iter().map(|value| &value[..]).collect();
        entry("CN=one", &[("objectGUID", &[&[1; 16]]), ("memberOf", &[]), (name, &values)])
    };
    let mut peer = Peer::start(Box::new(move |tag, request| {
        let asks = |range: &str| contains(request, format!("memberOf;range={range}").as_bytes());
        let found = match tag {
            BIND => return bound(),
            _ if asks("1500-*") => part("MEMBEROF;Range=1500-2999", 1500..3000),
            _ if asks("3000-*") => part("memberOf;range=3000-*", 3000..3001),
            _ => part("memberOf;range=0-1499", 0..1500),
        };
        let by_guid = format!("<GUID={}>", guid(1));
        assert_eq!(contains(request, by_guid.as_bytes()), contains(request, b";range="));
        Reply::Send(vec![found, result(0x65, 0, "")])
    }));
    let objects = peer.gateways.read(&name(), &[guid(1)], &[Cow::from("memberOf")]).unwrap();
    assert_eq!((objects.len(), objects[0].broken.as_deref()), (1, None));
    let values: Vec<&[u8]> = objects[0].values.column(0).iter().collect();
    assert_eq!(values.len(), 3001);
    assert!(values.iter().zip(0_u16..).all(|(value, number)| *value == number.to_be_bytes()));
    assert_eq!(peer.seen(), [BIND, SEARCH, SEARCH, SEARCH]);
}

/// A part of the values must not be taken for all of them: the object is there and says so, and others
/// of the same search are as they are. One without its GUID is nobody, and an anchor that is no text is
/// none.
#[test]
fn what_is_incomplete_says_so_and_spoils_no_other_object() {
    for rest in [
        Some(&[("proxyAddresses;range=9-*", &[b"y" as &[u8]] as &[&[u8]])][..]),
        Some(&[("proxyAddresses;binary", &[b"y"])]),
        Some(&[("proxyAddresses;range=1-1", &[])]),
        Some(&[]),
        None,
    ] {
        let odd =
            entry("CN=one", &[("objectGUID", &[&[1; 16]]), ("proxyAddresses;range=0-0", &[b"x"])]);
        let good: &[(&str, &[&[u8]])] = &[
            ("objectGUID", &[&[2; 16]]),
            ("proxyAddresses", &[b"z"]),
            ("msDS-ExternalDirectoryObjectId", &[&[0xff]]),
        ];
        let good = entry("CN=two", good);
        let nobody = entry("CN=three", &[("proxyAddresses", &[b"z"])]);
        let more = rest.map(|attributes| entry("CN=one", attributes));
        let mut peer = Peer::start(Box::new(move |tag, request| match (tag, &more) {
            (BIND, _) => bound(),
            (_, Some(more)) if contains(request, b";range=1-*") => {
                Reply::Send(vec![more.clone(), result(0x65, 0, "")])
            }
            (_, None) if contains(request, b";range=1-*") => {
                Reply::Send(vec![result(0x65, 1, "2020")])
            }
            _ => Reply::Send(vec![odd.clone(), good.clone(), nobody.clone(), result(0x65, 0, "")]),
        }));
        let wanted = [guid(1), guid(2), guid(3)];
        let objects = peer.gateways.read(&name(), &wanted, &[Cow::from("proxyAddresses")]).unwrap();
        let told: Vec<bool> = objects.iter().map(|object| object.broken.is_some()).collect();
        assert_eq!(told, [true, false], "{rest:?}");
        let why = objects[0].broken.clone().unwrap();
        assert!(why.contains("CN=one"), "{why}");
        assert_eq!((objects[1].guid, objects[1].external_id.as_deref()), (guid(2), None));
        assert_eq!(objects[1].values.column(0).first(), Some(&b"z"[..]));
        assert!(DirectoryObject::whole(objects).is_err());
    }
}

/// A refused bind is a refusal with its code, busy is a failure, and both leave nothing open.
#[test]
fn refusals_of_the_dc_have_their_meaning() {
    let mut peer = Peer::start(Box::new(|_, _| {
        Reply::Send(vec![result(0x61, 49, "80090308: LdapErr: data 52e")])
    }));
    let refused = peer.gateways.read(&name(), &[guid(1)], &[]);
    let code = "49".to_owned();
    let detail = "80090308: LdapErr: data 52e".to_owned();
    assert_eq!(refused, Err(CallError::Refused { code, detail }));
    assert!(matches!(peer.gateways.modify(&name(), &[replace(1)]), Err(CallError::Refused { .. })));
    assert_eq!(peer.seen(), [BIND, BIND]);

    let mut peer = Peer::start(Box::new(|tag, _| match tag {
        BIND => bound(),
        _ => Reply::Send(vec![result(0x65, 51, "busy")]),
    }));
    for _ in 0..2 {
        let busy = peer.gateways.read(&name(), &[guid(1)], &[]);
        assert!(matches!(busy, Err(CallError::ServiceFailure { code, .. }) if code == "51"));
    }
    assert_eq!(peer.seen(), [BIND, SEARCH, SEARCH]);
}

/// Modifies are sent in order, many at a time, and each has its own outcome.
#[test]
fn modifies_go_out_in_order_and_answers_come_back_in_order() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&order);
    let mut peer = Peer::start(Box::new(move |tag, request| {
        if tag == BIND {
            return bound();
        }
        let number = *request.last().unwrap();
        assert!(contains(request, format!("<GUID={}>", guid(number)).as_bytes()));
        keep.lock().unwrap().push(number);
        let code = if number == 7 { 50 } else { 0 };
        Reply::Send(vec![result(0x67, code, &format!("n{number}"))])
    }));
    let batch: Vec<Modification> = (0..200).map(replace).collect();
    let outcomes = peer.gateways.modify(&name(), &batch).unwrap();
    assert_eq!(*order.lock().unwrap(), (0..200).collect::<Vec<u8>>());
    for (number, outcome) in outcomes.iter().enumerate() {
        let code = if number == 7 { 50 } else { 0 };
        let diagnostic = format!("n{number}");
        assert_eq!(*outcome, WriteOutcome::Result { code, diagnostic });
    }
    assert_eq!(outcomes.len(), 200);
}

/// A lost connection leaves that item and those under way with it in doubt, and the rest unsent; only the next
/// call connects anew.
#[test]
fn a_lost_connection_ends_the_batch_and_the_next_call_connects_anew() {
    let mut peer = Peer::start(Box::new(|tag, request| match tag {
        BIND => bound(),
        _ if *request.last().unwrap() == 3 => Reply::Close,
        _ => Reply::Send(vec![result(0x67, 0, "")]),
    }));
    let batch: Vec<Modification> = (0..200).map(replace).collect();
    let outcomes = peer.gateways.modify(&name(), &batch).unwrap();
    assert!(outcomes[..3].iter().all(|outcome| *outcome != WriteOutcome::Unknown));
    assert!(outcomes[3..67].iter().all(|outcome| *outcome == WriteOutcome::Unknown));
    assert!(outcomes[67..].iter().all(|outcome| *outcome == WriteOutcome::NotSent));
    assert_eq!(outcomes.len(), 200);
    assert_eq!(peer.seen(), [BIND, MODIFY, MODIFY, MODIFY, MODIFY]);
    assert!(peer.gateways.modify(&name(), &[replace(9)]).is_ok());
    assert_eq!(peer.seen()[5..], [BIND, MODIFY]);
}

/// A connection that ends, or speaks something else, is no answer; it does not end the program.
#[test]
fn a_closed_connection_or_nonsense_is_an_error() {
    let mut peer = Peer::start(Box::new(|tag, _| match tag {
        BIND => bound(),
        _ => Reply::Close,
    }));
    let lost = peer.gateways.read(&name(), &[guid(1)], &[]);
    assert!(matches!(lost, Err(CallError::Unreachable { .. })), "{lost:?}");
    for nonsense in [tlv(0x65, b"\x01\x01\xff"), tlv(0x04, b"text"), tlv(0x64, b"")] {
        let mut peer = Peer::start(Box::new(move |tag, _| match tag {
            BIND => bound(),
            _ => Reply::Send(vec![nonsense.clone(), result(0x65, 0, "")]),
        }));
        assert!(peer.gateways.read(&name(), &[guid(1)], &[]).is_err());
    }
    drop(peer.runtime);
}

/// An agent that is off is unreachable, as is one that nobody knows.
#[test]
fn nobody_at_home_is_unreachable() {
    let runtime = runtime();
    let mut config = config("http://127.0.0.1:1");
    config.agents.push(agent("AGENT1", "ldap://127.0.0.1:1", "secret"));
    let mut gateways = Wire::new(config, runtime.handle().clone()).unwrap().directory();
    for name in [name(), AgentName("AGENT2".to_owned())] {
        let error = gateways.modify(&name, &[replace(1)]);
        assert!(matches!(error, Err(CallError::Unreachable { .. })), "{error:?}");
    }
}

/// What the client library cannot send as it stands is refused before anything is sent.
#[test]
fn modifies_that_cannot_be_sent_are_refused_beforehand() {
    let mut peer = Peer::start(Box::new(|_, _| bound()));
    let mut twice = replace(1);
    twice.changes[0].values = vec![vec![1], vec![1]];
    let mut nothing = replace(1);
    nothing.changes[0].operation = ChangeOperation::Add;
    nothing.changes[0].values.clear();
    for unusable in [twice, nothing] {
        let error = peer.gateways.modify(&name(), &[replace(1), unusable]);
        assert!(matches!(error, Err(CallError::Malformed { .. })), "{error:?}");
    }
    assert!(peer.seen().is_empty());
}

/// What a search is cut short by is an error of the call: half an answer is none. A referral is one
/// too, because nothing follows it.
#[test]
fn limits_and_referrals_of_a_search_are_errors() {
    let ask = |code: u8| {
        let mut peer = Peer::start(Box::new(move |tag, _| match tag {
            BIND => bound(),
            _ => Reply::Send(vec![
                entry("CN=one", &[("objectGUID", &[&[1; 16]])]),
                result(0x65, code, "the DC's words"),
            ]),
        }));
        let first = peer.gateways.read(&name(), &[guid(1)], &[]).unwrap_err();
        assert_eq!(peer.gateways.read(&name(), &[guid(1)], &[]).unwrap_err(), first);
        assert_eq!(peer.seen(), [BIND, SEARCH, SEARCH], "the connection stays");
        assert!(first.to_string().contains("the DC's words"), "{first}");
        first
    };
    assert!(matches!(ask(3), CallError::TimedOut { .. }), "timeLimitExceeded");
    for code in [4, 11, 51, 52] {
        let error = ask(code);
        assert!(matches!(error, CallError::ServiceFailure { .. }), "{code}: {error}");
    }
    let referral = ask(10);
    assert!(matches!(referral, CallError::Malformed { .. }), "{referral}");
}

/// Every result of a modify is the outcome of that modify alone, a referral included.
#[test]
fn results_of_modifies_are_handed_on_as_they_are() {
    const CODES: [u8; 8] = [0, 4, 10, 11, 51, 52, 53, 50];
    let mut peer = Peer::start(Box::new(|tag, request| match tag {
        BIND => bound(),
        _ => {
            let code = CODES[usize::from(*request.last().unwrap())];
            Reply::Send(vec![result(0x67, code, "")])
        }
    }));
    let batch: Vec<Modification> = (0..8).map(replace).collect();
    let outcomes = peer.gateways.modify(&name(), &batch).unwrap();
    let expected =
        CODES.map(|code| WriteOutcome::Result { code: u32::from(code), diagnostic: String::new() });
    assert_eq!(outcomes, expected);
    for outcome in &outcomes[1..] {
        let WriteOutcome::Result { code, diagnostic } = outcome else { continue };
        assert!(crate::failure::Failure::of_result(*code, diagnostic).is_some());
    }
}

/// A gateway whose certificate nobody vouches for, or that speaks no TLS, is not talked to: neither
/// the password nor a modify goes out.
#[test]
fn a_peer_that_nobody_trusts_is_unusable_and_gets_no_password() {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let chain = vec![signed.cert.der().clone()];
    let key = rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key.unwrap())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let tls = Arc::new(tls);
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            if number > 0 {
                let _ = stream.write_all(b"no TLS here, whatever comes");
                continue;
            }
            let mut session = rustls::ServerConnection::new(Arc::clone(&tls)).unwrap();
            while session.is_handshaking() && session.complete_io(&mut stream).is_ok() {}
            assert!(session.is_handshaking(), "the client took the certificate");
        }
    });
    let runtime = runtime();
    let mut config = config("http://127.0.0.1:1");
    config.ca_pem = Some(other.cert.pem().into_bytes());
    config.agents.push(agent("AGENT1", &format!("ldaps://localhost:{port}"), "secret"));
    let mut gateways = Wire::new(config, runtime.handle().clone()).unwrap().directory();
    for number in 0..2 {
        let error = gateways.modify(&name(), &[replace(1)]).unwrap_err();
        // Who speaks no TLS may just be starting; a certificate stays what it is.
        let unusable = matches!(error, CallError::Unusable { .. });
        let unreachable = matches!(error, CallError::Unreachable { .. });
        assert!(if number == 0 { unusable } else { unreachable }, "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
