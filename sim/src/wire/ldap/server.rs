//! The LDAP listener: sockets around [`Session`]s.
//!
//! One task a connection; a connection's requests are answered in order. What a client sends can end
//! its own connection and nothing else.

use core::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::session::{Directive, DirectoryDoor, Session, SessionOptions, Tls};

/// Answers are sent when this much has gathered, or when there is nothing left to answer.
const SEND_AT: usize = 128 * 1024;

/// How much is received at once.
const RECEIVE: usize = 64 * 1024;

/// How long a closed connection is drained.
const LINGER: Duration = Duration::from_secs(1);

/// How long a listener waits when it cannot accept.
const PAUSE: Duration = Duration::from_millis(10);

/// How long a search that takes longer lets others in between two parts.
const BREATH: Duration = Duration::from_millis(1);

/// How often is looked for changes that somebody waits for.
const LOOK: Duration = Duration::from_millis(20);

/// How a listener stands to TLS.
#[derive(Clone)]
pub enum Encryption {
    /// It has no certificate.
    None,
    /// A client can start it (RFC 4511 4.14).
    OnRequest(Arc<ServerConfig>),
    /// The connection begins with the handshake.
    FromStart(Arc<ServerConfig>),
}

/// A connection's bytes, in the clear or not.
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer).await,
            Self::Tls(stream) => stream.read(buffer).await,
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes).await,
            Self::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }

    async fn end(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.shutdown().await,
            Self::Tls(stream) => stream.shutdown().await,
        }
    }

    /// The handshake on a connection in the clear; `None` when it fails or takes longer than `first`.
    async fn secure(self, config: &Arc<ServerConfig>, first: Duration) -> Option<Self> {
        let Self::Plain(stream) = self else { return None };
        let accept = TlsAcceptor::from(Arc::clone(config)).accept(stream);
        let stream = tokio::time::timeout(first, accept).await.ok()?.ok()?;
        Some(Self::Tls(Box::new(stream)))
    }
}

/// A configuration as LDAP has it: TLS 1.3 without tickets to resume a session. Clients that keep a
/// connection open have no use for them, and Samba's (GnuTLS) wait for ever when one comes before the first
/// answer.
fn without_tickets(encryption: Encryption) -> Encryption {
    let quiet = |config: Arc<ServerConfig>| {
        let mut config = ServerConfig::clone(&config);
        config.send_tls13_tickets = 0;
        Arc::new(config)
    };
    match encryption {
        Encryption::None => Encryption::None,
        Encryption::OnRequest(config) => Encryption::OnRequest(quiet(config)),
        Encryption::FromStart(config) => Encryption::FromStart(quiet(config)),
    }
}

/// A running LDAP listener. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct LdapServer {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl LdapServer {
    /// Listens on `address` (port 0: any free one). Each connection gets a clone of `door`.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start<D>(address: SocketAddr, door: D, options: SessionOptions) -> io::Result<Self>
    where
        D: DirectoryDoor + Clone + Send + 'static,
    {
        Self::serve(TcpListener::bind(address).await?, door, options)
    }

    /// As [`Self::start`], with TLS: from the start (LDAPS), or when a client asks for it (StartTLS).
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start_with_tls<D>(
        address: SocketAddr,
        door: D,
        options: SessionOptions,
        encryption: Encryption,
    ) -> io::Result<Self>
    where
        D: DirectoryDoor + Clone + Send + 'static,
    {
        Self::run(TcpListener::bind(address).await?, door, options, encryption)
    }

    /// Serves a listener that is there already.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn serve<D>(listener: TcpListener, door: D, options: SessionOptions) -> io::Result<Self>
    where
        D: DirectoryDoor + Clone + Send + 'static,
    {
        Self::run(listener, door, options, Encryption::None)
    }

    fn run<D>(
        listener: TcpListener,
        door: D,
        options: SessionOptions,
        encryption: Encryption,
    ) -> io::Result<Self>
    where
        D: DirectoryDoor + Clone + Send + 'static,
    {
        let address = listener.local_addr()?;
        let encryption = without_tickets(encryption);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, door, options, encryption, stopped));
        Ok(Self { address, stop, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: takes no more connections, tells the clients, waits for their tasks.
    pub async fn shut_down(self) {
        // Nobody listens any more when the task has ended: then there is nothing to tell.
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

async fn accept<D>(
    listener: TcpListener,
    door: D,
    options: SessionOptions,
    encryption: Encryption,
    mut stopped: watch::Receiver<bool>,
) where
    D: DirectoryDoor + Clone + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                // A connection that is gone before it was accepted is no reason to stop; being out of
                // file handles passes.
                let Ok((stream, peer)) = accepted else {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                let (mut door, encryption) = (door.clone(), encryption.clone());
                let options = door.options(options);
                if connections.len() < options.max_connections {
                    door.peer(peer.ip());
                    connections.spawn(converse(stream, door, options, encryption, stopped.clone()));
                }
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn converse<D>(
    stream: TcpStream,
    mut door: D,
    options: SessionOptions,
    encryption: Encryption,
    mut stopped: watch::Receiver<bool>,
) where
    D: DirectoryDoor + Send,
{
    if !door.connect() || stream.set_nodelay(true).is_err() {
        return;
    }
    let mut stream = Stream::Plain(stream);
    let mut tls = Tls::Absent;
    match &encryption {
        Encryption::None => {}
        Encryption::OnRequest(_) => tls = Tls::Offered,
        Encryption::FromStart(config) => {
            let Some(secured) = stream.secure(config, options.first).await else { return };
            stream = secured;
            tls = Tls::Active;
        }
    }
    let mut session = Session::with_tls(door, options, tls);
    let mut received = vec![0; RECEIVE];
    let mut out = Vec::new();
    let mut patience = options.first;
    loop {
        let directive = session.answer(&mut out);
        match directive {
            Directive::Continue if out.len() < SEND_AT => continue,
            Directive::Close => return close(stream, &out).await,
            Directive::Continue | Directive::Working | Directive::Receive | Directive::StartTls => {
            }
        }
        let whole = out.len() < SEND_AT;
        if !out.is_empty() && !sent(&mut stream, &out, options.idle, &mut stopped).await {
            return;
        }
        out.clear();
        if let (Directive::StartTls, Encryption::OnRequest(config)) = (directive, &encryption) {
            let Some(secured) = stream.secure(config, options.first).await else { return };
            stream = secured;
            session.secured();
            continue;
        }
        if !whole {
            out.shrink_to(SEND_AT);
        }
        if directive == Directive::Working {
            match breathe(&mut stream, &mut session, &mut received, &mut stopped).await {
                Breath::On => continue,
                Breath::Gone => return,
                Breath::Stopped => {
                    session.shut_down(&mut out);
                    return close(stream, &out).await;
                }
            }
        }
        if directive != Directive::Receive {
            continue;
        }
        tokio::select! {
            read = stream.read(&mut received) => match read {
                Ok(0) | Err(_) => return,
                Ok(length) => session.receive(&received[..length]),
            },
            () = tokio::time::sleep(LOOK), if session.watches() => session.tell_changes(&mut out),
            () = tokio::time::sleep(patience), if !session.watches() => return,
            _ = stopped.changed() => {
                session.shut_down(&mut out);
                return close(stream, &out).await;
            }
        }
        patience = options.idle;
    }
}

/// Sends bytes; `false` when the client is gone, takes nothing for as long as it may be idle, or the server
/// stops meanwhile: nothing more can be told to it then.
async fn sent(
    stream: &mut Stream,
    bytes: &[u8],
    idle: Duration,
    stopped: &mut watch::Receiver<bool>,
) -> bool {
    tokio::select! {
        sent = stream.send(bytes) => sent.is_ok(),
        () = tokio::time::sleep(idle) => false,
        _ = stopped.changed() => false,
    }
}

/// What happened while a search let others in.
enum Breath {
    On,
    /// The client went away, which ends its search.
    Gone,
    /// The server stops.
    Stopped,
}

/// Lets others in between two parts of a search.
async fn breathe<D: DirectoryDoor>(
    stream: &mut Stream,
    session: &mut Session<D>,
    received: &mut [u8],
    stopped: &mut watch::Receiver<bool>,
) -> Breath {
    tokio::select! {
        read = stream.read(received), if session.has_room() => match read {
            Ok(0) | Err(_) => return Breath::Gone,
            Ok(length) => session.receive(&received[..length]),
        },
        () = tokio::time::sleep(BREATH) => {}
        _ = stopped.changed() => return Breath::Stopped,
    }
    Breath::On
}

/// Sends the last bytes and closes. What the client still sends is received and dropped for a moment:
/// closing a socket with unread bytes would reset the connection, and the client would lose answers
/// that it has not read yet.
async fn close(mut stream: Stream, last: &[u8]) {
    // The client may be gone already, or read nothing; it is closed either way.
    let farewell = async {
        let _ = stream.send(last).await;
        let _ = stream.end().await;
        let mut unread = [0; 4096];
        while stream.read(&mut unread).await.is_ok_and(|length| length > 0) {}
    };
    let _ = tokio::time::timeout(LINGER, farewell).await;
}
