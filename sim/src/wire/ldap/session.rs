//! An LDAP session without its socket: bytes in, bytes out.
//!
//! Requests are answered in the order in which they come, one at a time, so that whoever owns the
//! socket decides how much is buffered.

use std::collections::VecDeque;

use super::ber::{Writer, message_length};
use super::decode::{Body, Message, message};
use super::encode::Encoder;
use super::tags;
use crate::directory::answer::{LdapResult, Response, ResultCode};
use crate::directory::diagnostic;
use crate::directory::principal::Principal;
use crate::directory::request::{BindRequest, ControlValue, Operation, Request};
use crate::directory::root_dse::WHO_AM_I;

/// What is behind the server: a domain controller, or an agent that relays to one.
pub trait DirectoryDoor {
    /// Whether a new connection is taken. `false` drops it at once.
    fn connect(&mut self) -> bool {
        true
    }

    /// Checks a name and a password.
    fn bind(&mut self, request: &BindRequest) -> DoorBind;

    /// Carries out a request.
    fn request(&mut self, principal: &Principal, request: &Request) -> DoorAnswer;
}

/// What came of a bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DoorBind {
    /// This is who it is.
    Bound(Principal),
    /// The credentials are refused.
    Denied(LdapResult),
    /// The connection breaks without an answer.
    Close,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DoorAnswer {
    /// An answer.
    Answer(Response),
    /// The connection breaks without an answer: whether anything was done is not told.
    Close,
    /// Nobody is there any more: the connection is dropped at once, nothing was done.
    Refused,
}

/// The limits and habits of a session ([MS-ADTS] 3.1.1.3.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    /// MaxReceiveBuffer: longer messages end the connection.
    pub max_message: usize,
    /// MaxPreAuthReceiveBuffer: the same before a bind.
    pub max_message_before_bind: usize,
    /// Error texts end with a NUL byte inside the string, as Active Directory sends them.
    pub nul_terminated: bool,
    /// MaxResultSetsPerConn: paged searches that a connection can have open.
    pub max_result_sets: usize,
}

/// What the owner of the socket does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directive {
    /// A message was dealt with; there may be more.
    Continue,
    /// No whole message is there: send what there is, then receive.
    Receive,
    /// Send what there is, then close. When the door broke the connection, that is the answers to
    /// earlier requests.
    Close,
}

/// A session.
#[derive(Debug)]
pub struct Session<D> {
    door: D,
    options: SessionOptions,
    principal: Principal,
    received: Vec<u8>,
    /// How many bytes of `received` are dealt with.
    done: usize,
    cookies: VecDeque<Vec<u8>>,
    writer: Writer,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            max_message: 10_485_760,
            max_message_before_bind: 262_144,
            nul_terminated: true,
            max_result_sets: 10,
        }
    }
}

impl<D: DirectoryDoor> Session<D> {
    /// A session that is not bound yet.
    pub fn new(door: D, options: SessionOptions) -> Self {
        Self {
            door,
            options,
            principal: Principal::anonymous(),
            received: Vec::new(),
            done: 0,
            cookies: VecDeque::new(),
            writer: Writer::default(),
        }
    }

    /// Takes bytes that came in.
    pub fn receive(&mut self, bytes: &[u8]) {
        if self.done > 0 {
            self.received.drain(..self.done);
            self.done = 0;
        }
        self.received.extend_from_slice(bytes);
    }

    /// Deals with the next whole message, and appends the answer to `out`.
    pub fn answer(&mut self, out: &mut Vec<u8>) -> Directive {
        let most = if self.principal.is_anonymous() {
            self.options.max_message_before_bind
        } else {
            self.options.max_message
        };
        let rest = &self.received[self.done..];
        let length = match message_length(rest, most) {
            Ok(Some(length)) if length <= rest.len() => length,
            Ok(_) => return Directive::Receive,
            // No LDAP, or too long: closed without a word.
            Err(_) => return Directive::Close,
        };
        let decoded = message(&rest[..length]);
        self.done += length;
        if self.done == self.received.len() {
            self.received.clear();
            self.done = 0;
        }
        self.writer.clear();
        let directive = match decoded {
            Ok(message) => self.dispatch(message),
            Err(_) => {
                let comment = "Error decoding ldap message";
                let result = diagnostic::ldap(ResultCode::ProtocolError, 0x57, comment);
                self.encoder().notice_of_disconnection(&mut self.writer, &result);
                Directive::Close
            }
        };
        out.extend_from_slice(self.writer.bytes());
        directive
    }

    /// Takes bytes and deals with every whole message: for callers without a socket.
    pub fn handle(&mut self, bytes: &[u8]) -> (Vec<u8>, Directive) {
        self.receive(bytes);
        let mut out = Vec::new();
        loop {
            match self.answer(&mut out) {
                Directive::Continue => {}
                directive => return (out, directive),
            }
        }
    }

    /// Appends the notice that the server is shutting down.
    pub fn shut_down(&mut self, out: &mut Vec<u8>) {
        let comment = "The server is shutting down";
        let result = diagnostic::ldap(ResultCode::Unavailable, 0x20AC, comment);
        self.writer.clear();
        self.encoder().notice_of_disconnection(&mut self.writer, &result);
        out.extend_from_slice(self.writer.bytes());
    }

    fn encoder(&self) -> Encoder {
        Encoder { nul_terminated: self.options.nul_terminated }
    }

    fn dispatch(&mut self, message: Message) -> Directive {
        let id = message.id;
        match message.body {
            Body::Unbind => Directive::Close,
            // Answers go out in order: what could be abandoned is answered already.
            Body::Abandon => Directive::Continue,
            Body::Bind { version, request } => self.bind(id, version, &request),
            Body::OtherBind => {
                self.principal = Principal::anonymous();
                let comment = "The authentication method is not supported";
                let result = diagnostic::ldap(ResultCode::AuthMethodNotSupported, 0x2027, comment);
                self.put_result(id, tags::BIND_RESPONSE, &result);
                Directive::Continue
            }
            Body::Extended { oid } => {
                self.extended(id, &oid);
                Directive::Continue
            }
            Body::Directory(request) => self.directory(id, &request),
        }
    }

    fn bind(&mut self, id: i32, version: i64, request: &BindRequest) -> Directive {
        // A failed bind leaves the connection anonymous (RFC 4513 5.1).
        self.principal = Principal::anonymous();
        if !matches!(version, 2 | 3) {
            let comment = "The server supports LDAP versions 2 and 3";
            let result = diagnostic::ldap(ResultCode::ProtocolError, 0x2021, comment);
            self.put_result(id, tags::BIND_RESPONSE, &result);
            return Directive::Continue;
        }
        let result = match self.door.bind(request) {
            DoorBind::Bound(principal) => {
                self.principal = principal;
                LdapResult::success()
            }
            DoorBind::Denied(result) => result,
            DoorBind::Close => return Directive::Close,
        };
        self.put_result(id, tags::BIND_RESPONSE, &result);
        Directive::Continue
    }

    fn extended(&mut self, id: i32, oid: &str) {
        const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
        let encoder = self.encoder();
        match oid {
            WHO_AM_I => {
                let who = if self.principal.is_anonymous() {
                    String::new()
                } else {
                    format!("u:{}", self.principal.name)
                };
                let result = LdapResult::success();
                encoder.extended(&mut self.writer, id, &result, None, Some(who.as_bytes()));
            }
            START_TLS => {
                // What a domain controller without a certificate says.
                let comment = "Error initializing SSL/TLS";
                let result = diagnostic::ldap(ResultCode::Unavailable, 0, comment);
                encoder.extended(&mut self.writer, id, &result, Some(START_TLS), None);
            }
            _ => {
                let comment = "Unknown extended request OID";
                let result = diagnostic::ldap(ResultCode::ProtocolError, 0x2021, comment);
                encoder.extended(&mut self.writer, id, &result, None, None);
            }
        }
    }

    fn directory(&mut self, id: i32, request: &Request) -> Directive {
        let answer = if self.has_foreign_cookie(request) {
            DoorAnswer::Answer(diagnostic::bad_control().into())
        } else {
            self.door.request(&self.principal, request)
        };
        let response = match answer {
            DoorAnswer::Answer(response) => response,
            DoorAnswer::Close | DoorAnswer::Refused => return Directive::Close,
        };
        self.remember_cookies(&response);
        self.encoder().response(&mut self.writer, id, &request.operation, &response);
        Directive::Continue
    }

    /// A cookie belongs to the connection that got it, and to nobody once newer ones pushed it out.
    fn has_foreign_cookie(&mut self, request: &Request) -> bool {
        if !matches!(request.operation, Operation::Search(_)) {
            return false;
        }
        for control in &request.controls {
            if let ControlValue::PagedResults { cookie, .. } = &control.value
                && !cookie.is_empty()
            {
                let Some(at) = self.cookies.iter().position(|known| known == cookie) else {
                    return true;
                };
                self.cookies.remove(at);
            }
        }
        false
    }

    fn remember_cookies(&mut self, response: &Response) {
        for control in &response.controls {
            if let ControlValue::PagedResults { cookie, .. } = &control.value
                && !cookie.is_empty()
            {
                if self.cookies.len() >= self.options.max_result_sets {
                    self.cookies.pop_front();
                }
                self.cookies.push_back(cookie.clone());
            }
        }
    }

    /// The cookie that was given last.
    #[cfg(test)]
    pub(super) fn cookies_for_test(&self) -> Option<Vec<u8>> {
        self.cookies.back().cloned()
    }

    fn put_result(&mut self, id: i32, tag: u8, result: &LdapResult) {
        self.encoder().result(&mut self.writer, id, tag, result, &[]);
    }
}
