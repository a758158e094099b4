//! An LDAP session without its socket: bytes in, bytes out.
//!
//! Requests are answered in the order in which they come, one at a time, so that whoever owns the
//! socket decides how much is buffered.

mod cookies;

use core::net::IpAddr;
use core::time::Duration;
use std::collections::VecDeque;

use super::batch;
use super::ber::{Writer, message_length};
use super::decode::{Body, Message, message};
use super::encode::{Encoder, write_entry};
use super::tags;
use crate::directory::answer::{LdapResult, Response, ResultCode, SearchEntry};
use crate::directory::diagnostic;
use crate::directory::principal::Principal;
use crate::directory::progress::SearchProgress;
use crate::directory::request::{BindRequest, ControlValue, Operation, Request};
use crate::directory::root_dse::{BATCH, FAST_BIND, START_TLS, WHO_AM_I};
use cookies::Cookie;

/// What is behind the server: a domain controller, or an agent that relays to one.
pub trait DirectoryDoor {
    /// Whether a new connection is taken. `false` drops it at once.
    fn connect(&mut self) -> bool {
        true
    }

    /// Who is at the other end of a new connection: for whoever notes reads.
    fn peer(&mut self, _address: IpAddr) {}

    /// The limits of a new connection.
    fn options(&mut self, general: SessionOptions) -> SessionOptions {
        general
    }

    /// Checks a name and a password.
    fn bind(&mut self, request: &BindRequest) -> DoorBind;

    /// Who is bound now and has proved it: for whoever notes logons.
    fn bound(&mut self, _principal: &Principal) {}

    /// The entries of a search for changes that were changed after a sequence number, and up to which
    /// number that is. Without a number: from now on.
    fn changed(
        &mut self,
        _principal: &Principal,
        _request: &Request,
        _after: Option<u64>,
    ) -> (Vec<SearchEntry>, u64) {
        (Vec::new(), 0)
    }

    /// Carries out a request.
    fn request(&mut self, principal: &Principal, request: &Request) -> DoorAnswer;

    /// What would refuse one of several requests that are carried out all or not at all; `None` when
    /// nothing would. Nothing is changed. Without a way to tell, several are refused.
    fn rehearse(&mut self, _principal: &Principal, requests: &[&Request]) -> Option<LdapResult> {
        (requests.len() > 1).then(|| diagnostic::unwilling(0x2035))
    }

    /// Goes on with a search that takes longer.
    fn go_on(
        &mut self,
        _principal: &Principal,
        _request: &Request,
        _progress: SearchProgress,
    ) -> DoorAnswer {
        DoorAnswer::Close
    }
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
#[derive(Debug)]
pub enum DoorAnswer {
    /// An answer.
    Answer(Response),
    /// A search takes longer: [`DirectoryDoor::go_on`] follows, and others come in between.
    Working(SearchProgress),
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
    /// MaxNotificationPerConn: searches for changes that a connection can have open.
    pub max_notifications: usize,
    /// MaxBatchReturnMessages: messages of the answer to a batch request.
    pub max_batch: usize,
    /// MaxConnections: a listener closes more than this at once.
    pub max_connections: usize,
    /// MaxConnIdleTime: a connection without requests is closed.
    pub idle: Duration,
    /// InitRecvTimeout: so is one that sends nothing at first, or does not finish its handshake.
    pub first: Duration,
}

/// What the owner of the socket does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directive {
    /// A message was dealt with; there may be more.
    Continue,
    /// A search goes on: send what there is, let others in, see whether the client is still there, and
    /// come back.
    Working,
    /// No whole message is there: send what there is, then receive.
    Receive,
    /// Send what there is; what follows is the TLS handshake, and then [`Session::secured`].
    StartTls,
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
    cookies: VecDeque<Cookie>,
    /// How many cookies were given in the place of others.
    handed_out: u64,
    writer: Writer,
    /// Whether TLS can be started; `None` when it has been.
    tls: Tls,
    /// Binds verify a password and nothing else.
    fast_bind: bool,
    watches: Vec<Watch>,
    /// A search that goes on.
    pending: Option<Pending>,
}

/// A search that takes longer.
#[derive(Debug)]
struct Pending {
    id: i32,
    request: Request,
    progress: SearchProgress,
}

/// How the connection stands to TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// There is no certificate.
    Absent,
    /// It can be started.
    Offered,
    /// The connection is encrypted.
    Active,
}

/// A search for changes that goes on.
#[derive(Debug)]
struct Watch {
    id: i32,
    request: Request,
    after: u64,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            max_message: 10_485_760,
            max_message_before_bind: 262_144,
            nul_terminated: true,
            max_result_sets: 10,
            max_notifications: 5,
            max_batch: 1100,
            max_connections: 5000,
            idle: Duration::from_secs(900),
            first: Duration::from_secs(120),
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
            handed_out: 0,
            writer: Writer::default(),
            tls: Tls::Absent,
            fast_bind: false,
            watches: Vec::new(),
            pending: None,
        }
    }

    /// A session on a connection that stands so to TLS.
    pub fn with_tls(door: D, options: SessionOptions, tls: Tls) -> Self {
        Self { tls, ..Self::new(door, options) }
    }

    /// The handshake is done: the connection is encrypted from now on.
    pub fn secured(&mut self) {
        self.tls = Tls::Active;
        self.principal.secure = true;
        // What came in the clear before the handshake is not trusted (RFC 4513 3.1.1).
        self.received.clear();
        self.done = 0;
    }

    /// Whether a search for changes goes on: then [`Self::tell_changes`] is to be called now and then.
    #[must_use]
    pub fn watches(&self) -> bool {
        !self.watches.is_empty()
    }

    /// Appends the entries that changed since the last time.
    pub fn tell_changes(&mut self, out: &mut Vec<u8>) {
        for watch in &mut self.watches {
            let (entries, after) =
                self.door.changed(&self.principal, &watch.request, Some(watch.after));
            watch.after = after;
            self.writer.clear();
            for entry in entries.iter().rev() {
                write_entry(&mut self.writer, watch.id, entry);
            }
            out.extend_from_slice(self.writer.bytes());
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

    /// Whether more bytes are wanted while a search goes on: they wait until it is done, apart from an
    /// abandon of it and an unbind.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.received.len() - self.done < self.options.max_message
    }

    /// Goes on with a search that takes longer, unless the client gave it up.
    fn go_on(&mut self, pending: Pending) -> Directive {
        if self.is_given_up(pending.id) {
            return Directive::Continue;
        }
        let Pending { id, request, progress } = pending;
        let answer = self.door.go_on(&self.principal, &request, progress);
        self.deal_with(id, &request, answer)
    }

    /// Whether an abandon of a message, or an unbind, waits behind it.
    fn is_given_up(&self, id: i32) -> bool {
        let mut rest = &self.received[self.done..];
        while let Ok(Some(length)) = message_length(rest, self.options.max_message)
            && length <= rest.len()
        {
            // Short ones only: what is long is neither.
            if length < 32
                && let Ok(Message { body, .. }) = message(&rest[..length])
                && matches!(body, Body::Unbind | Body::Abandon(_))
                && !matches!(body, Body::Abandon(other) if other != id)
            {
                return true;
            }
            rest = &rest[length..];
        }
        false
    }

    /// Deals with the next whole message, and appends the answer to `out`.
    pub fn answer(&mut self, out: &mut Vec<u8>) -> Directive {
        if let Some(pending) = self.pending.take() {
            self.writer.clear();
            let directive = self.go_on(pending);
            out.extend_from_slice(self.writer.bytes());
            return directive;
        }
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
                Directive::Continue | Directive::Working => {}
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
            // Answers go out in order: what could be abandoned is answered already, but for searches
            // that have no end.
            Body::Abandon(id) => {
                self.watches.retain(|watch| watch.id != id);
                Directive::Continue
            }
            Body::Invalid { answer, problem } => {
                let result = diagnostic::ldap(ResultCode::ProtocolError, 0x2021, problem);
                self.put_result(id, answer, &result);
                Directive::Continue
            }
            Body::TooLarge { answer } => {
                let problem = diagnostic::ServiceProblem::AdminLimitExceeded;
                let code = ResultCode::AdminLimitExceeded;
                self.put_result(id, answer, &diagnostic::service(code, problem, 0x2024));
                Directive::Continue
            }
            Body::Bind { version, request } => self.bind(id, version, &request),
            Body::SaslBind { mechanism } => {
                self.become_anonymous();
                let result = sasl_refusal(&mechanism);
                self.put_result(id, tags::BIND_RESPONSE, &result);
                Directive::Continue
            }
            Body::OtherBind => {
                self.become_anonymous();
                let comment = "The authentication method is not supported";
                let result = diagnostic::ldap(ResultCode::AuthMethodNotSupported, 0x2027, comment);
                self.put_result(id, tags::BIND_RESPONSE, &result);
                Directive::Continue
            }
            Body::Extended { oid, value } if oid == BATCH => self.batch(id, value.as_deref()),
            Body::Extended { oid, .. } => self.extended(id, &oid),
            Body::Directory(request) => self.directory(id, &request),
        }
    }

    fn bind(&mut self, id: i32, version: i64, request: &BindRequest) -> Directive {
        // A failed bind leaves the connection anonymous (RFC 4513 5.1).
        self.become_anonymous();
        if version < 2 {
            let comment = "The server supports LDAP versions 2 and 3";
            let result = diagnostic::ldap(ResultCode::ProtocolError, 0x2021, comment);
            self.put_result(id, tags::BIND_RESPONSE, &result);
            return Directive::Continue;
        }
        let result = match self.door.bind(request) {
            // A fast bind verifies the password, and the connection stays anonymous.
            DoorBind::Bound(_) if self.fast_bind => LdapResult::success(),
            DoorBind::Bound(principal) => {
                if !principal.is_anonymous() {
                    self.door.bound(&principal);
                }
                self.principal = principal;
                self.principal.secure = self.tls == Tls::Active;
                LdapResult::success()
            }
            DoorBind::Denied(result) => result,
            DoorBind::Close => return Directive::Close,
        };
        self.put_result(id, tags::BIND_RESPONSE, &result);
        Directive::Continue
    }

    fn become_anonymous(&mut self) {
        self.principal = Principal::anonymous();
        self.principal.secure = self.tls == Tls::Active;
        self.watches.clear();
    }

    fn batch(&mut self, id: i32, value: Option<&[u8]>) -> Directive {
        let (most, encoder) = (self.options.max_batch, self.encoder());
        let done = batch::carried_out(&mut self.door, &self.principal, value, encoder, most);
        let (result, value) = match done {
            Ok(value) => (LdapResult::success(), Some(value)),
            Err(batch::Refused::Result(refusal)) => (refusal, None),
            Err(batch::Refused::Close) => return Directive::Close,
        };
        encoder.extended(&mut self.writer, id, &result, Some(BATCH), value.as_deref());
        Directive::Continue
    }

    fn extended(&mut self, id: i32, oid: &str) -> Directive {
        let mut directive = Directive::Continue;
        let mut value = None;
        let mut name = Some(oid);
        let result = match oid {
            WHO_AM_I => {
                name = None;
                value = Some(if self.principal.is_anonymous() {
                    String::new()
                } else {
                    format!("u:{}", self.principal.name)
                });
                LdapResult::success()
            }
            START_TLS => match self.tls {
                Tls::Offered => {
                    directive = Directive::StartTls;
                    LdapResult::success()
                }
                Tls::Active => {
                    let comment = "TLS is in effect already";
                    diagnostic::ldap(ResultCode::OperationsError, 0x2020, comment)
                }
                // What a domain controller without a certificate says.
                Tls::Absent => {
                    let comment = "Error initializing SSL/TLS";
                    diagnostic::ldap(ResultCode::Unavailable, 0, comment)
                }
            },
            FAST_BIND if self.principal.is_anonymous() => {
                self.fast_bind = true;
                LdapResult::success()
            }
            FAST_BIND => {
                let comment = "Fast bind is possible before the first bind only";
                diagnostic::ldap(ResultCode::UnwillingToPerform, 0x2029, comment)
            }
            _ => {
                let comment = "Unknown extended request OID";
                diagnostic::ldap(ResultCode::ProtocolError, 0x2021, comment)
            }
        };
        let value = value.as_deref().map(str::as_bytes);
        self.encoder().extended(&mut self.writer, id, &result, name, value);
        directive
    }

    /// Takes a search for changes; it has no answer but what changes from now on.
    fn watch(&mut self, id: i32, request: &Request) -> Directive {
        if self.watches.len() >= self.options.max_notifications {
            let problem = diagnostic::ServiceProblem::AdminLimitExceeded;
            let code = ResultCode::AdminLimitExceeded;
            let result = diagnostic::service(code, problem, 0x2024);
            self.put_result(id, tags::SEARCH_DONE, &result);
            return Directive::Continue;
        }
        let (_, after) = self.door.changed(&self.principal, request, None);
        self.watches.push(Watch { id, request: request.clone(), after });
        Directive::Continue
    }

    fn directory(&mut self, id: i32, request: &Request) -> Directive {
        match self.redeemed(request) {
            Ok(request) => {
                let answer = self.door.request(&self.principal, &request);
                self.deal_with(id, &request, answer)
            }
            Err(refusal) => self.deal_with(id, request, DoorAnswer::Answer(refusal.into())),
        }
    }

    fn deal_with(&mut self, id: i32, request: &Request, answer: DoorAnswer) -> Directive {
        let mut response = match answer {
            DoorAnswer::Answer(response) => response,
            DoorAnswer::Working(progress) => {
                self.pending = Some(Pending { id, request: request.clone(), progress });
                return Directive::Working;
            }
            DoorAnswer::Close | DoorAnswer::Refused => return Directive::Close,
        };
        let asks_for_changes =
            request.controls.iter().any(|control| control.value == ControlValue::Notification);
        if asks_for_changes
            && response.result.is_success()
            && matches!(request.operation, Operation::Search(_))
        {
            return self.watch(id, request);
        }
        self.remember_cookies(&mut response);
        self.encoder().response(&mut self.writer, id, &request.operation, &response);
        Directive::Continue
    }

    fn put_result(&mut self, id: i32, tag: u8, result: &LdapResult) {
        self.encoder().result(&mut self.writer, id, tag, result, &[]);
    }
}

/// What is said to a SASL bind: none of the mechanisms is announced ([MS-ADTS] 3.1.1.3.4.5).
fn sasl_refusal(mechanism: &str) -> LdapResult {
    match mechanism {
        "GSS-SPNEGO" => diagnostic::security_package(0x57),
        "GSSAPI" => diagnostic::security_package(0x52e),
        _ => {
            let comment = "The authentication method is not supported";
            diagnostic::ldap(ResultCode::AuthMethodNotSupported, 0x2027, comment)
        }
    }
}
