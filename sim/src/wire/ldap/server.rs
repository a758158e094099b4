//! The LDAP listener: sockets around [`Session`]s.
//!
//! One task a connection; a connection's requests are answered in order. What a client sends can end
//! its own connection and nothing else.

use core::time::Duration;
use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::session::{Directive, DirectoryDoor, Session, SessionOptions};

/// Answers are sent when this much has gathered, or when there is nothing left to answer.
const SEND_AT: usize = 128 * 1024;

/// How much is received at once.
const RECEIVE: usize = 64 * 1024;

/// How long a closed connection is drained.
const LINGER: Duration = Duration::from_secs(1);

/// How long a listener waits when it cannot accept.
const PAUSE: Duration = Duration::from_millis(10);

/// Connections at a time (MaxConnections); more are closed at once.
const MAX_CONNECTIONS: usize = 5000;

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

    /// Serves a listener that is there already.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn serve<D>(listener: TcpListener, door: D, options: SessionOptions) -> io::Result<Self>
    where
        D: DirectoryDoor + Clone + Send + 'static,
    {
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, door, options, stopped));
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
                let Ok((stream, _)) = accepted else {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                if connections.len() < MAX_CONNECTIONS {
                    connections.spawn(converse(stream, door.clone(), options, stopped.clone()));
                }
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn converse<D>(
    mut stream: TcpStream,
    mut door: D,
    options: SessionOptions,
    mut stopped: watch::Receiver<bool>,
) where
    D: DirectoryDoor + Send,
{
    if !door.connect() || stream.set_nodelay(true).is_err() {
        return;
    }
    let mut session = Session::new(door, options);
    let mut received = vec![0; RECEIVE];
    let mut out = Vec::new();
    loop {
        match session.answer(&mut out) {
            Directive::Continue if out.len() < SEND_AT => continue,
            Directive::Continue | Directive::Receive => {}
            Directive::Close => return close(stream, &out).await,
        }
        let whole = out.len() < SEND_AT;
        if !out.is_empty() && stream.write_all(&out).await.is_err() {
            return;
        }
        out.clear();
        if !whole {
            out.shrink_to(SEND_AT);
            continue;
        }
        tokio::select! {
            read = stream.read(&mut received) => match read {
                Ok(0) | Err(_) => return,
                Ok(length) => session.receive(&received[..length]),
            },
            _ = stopped.changed() => {
                session.shut_down(&mut out);
                return close(stream, &out).await;
            }
        }
    }
}

/// Sends the last bytes and closes. What the client still sends is received and dropped for a moment:
/// closing a socket with unread bytes would reset the connection, and the client would lose answers
/// that it has not read yet.
async fn close(mut stream: TcpStream, last: &[u8]) {
    // The client may be gone already; it is closed either way.
    let _ = stream.write_all(last).await;
    let _ = stream.shutdown().await;
    let mut unread = [0; 4096];
    let drain = async { while stream.read(&mut unread).await.is_ok_and(|length| length > 0) {} };
    let _ = tokio::time::timeout(LINGER, drain).await;
}
