//! An HTTP CONNECT proxy for clients with fixed host names: it leads the names of the cloud to the
//! estate's own TLS port and everything else nowhere.
//!
//! Source: RFC 9110 9.3.6 (CONNECT).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long the head of a request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest head of a request.
const LONGEST: usize = 8 * 1_024;

/// Where the proxy leads: names by their ends, and only on port 443.
///
/// `login.windows.net`, `sts.windows.net` and `outlook.office.com` are other names of the same services.
const HOSTS: [&str; 10] = [
    "login.microsoftonline.com",
    "login.microsoft.com",
    "login.windows.net",
    "sts.windows.net",
    "graph.microsoft.com",
    "canary.graph.microsoft.com",
    "outlook.office365.com",
    "outlook.office.com",
    "manage.office.com",
    "management.azure.com",
];

/// Any name under this one belongs to Exchange Online.
const SUFFIX: &str = ".outlook.office365.com";

/// Serves connections until told to stop.
pub(super) async fn serve(
    listener: TcpListener,
    cloud: SocketAddr,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                // A tunnel that breaks ends itself; both ends know.
                connections.spawn(async move { drop(tunnel(stream, cloud).await) });
            }
            // Out of file descriptors, or a client that is gone already: others go on.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn tunnel(mut client: TcpStream, cloud: SocketAddr) -> io::Result<()> {
    let head = tokio::time::timeout(PATIENCE, head(&mut client)).await??;
    match target(&head) {
        Ok(()) => {
            let mut server = TcpStream::connect(cloud).await?;
            server.set_nodelay(true)?;
            client.set_nodelay(true)?;
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            tokio::io::copy_bidirectional(&mut client, &mut server).await?;
            Ok(())
        }
        Err(refusal) => client.write_all(refusal.as_bytes()).await,
    }
}

/// Reads up to the empty line that ends the head.
async fn head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    // One byte at a time: what follows the head belongs to the tunnel.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= LONGEST {
            return Err(io::Error::other("the head of the request is too long"));
        }
        head.push(client.read_u8().await?);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

/// Whether the request leads to the cloud; otherwise the answer.
fn target(head: &str) -> Result<(), String> {
    let refuse = |status: &str, text: &str| {
        let length = text.len();
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
        )
    };
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let (method, authority) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if method != "CONNECT" {
        return Err(refuse("405 Method Not Allowed", "this proxy knows CONNECT only\n"));
    }
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    let host = host.to_ascii_lowercase();
    let known = HOSTS.contains(&host.as_str()) || host.ends_with(SUFFIX);
    if known && port == "443" {
        return Ok(());
    }
    let text = format!(
        "{authority} is not one of the rehearsed services, and this proxy leads nowhere else; it leads to {} and *{SUFFIX}, port 443\n",
        HOSTS.join(", ")
    );
    Err(refuse("403 Forbidden", &text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rehearsal must not reach the real services, nor anything else.
    #[test]
    fn only_the_names_of_the_cloud_lead_anywhere() {
        let asked = |line: &str| target(&format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(asked("CONNECT Graph.Microsoft.com:443"), Ok(()));
        assert_eq!(asked("CONNECT am0pr01.outlook.office365.com:443"), Ok(()));
        for line in [
            "CONNECT graph.microsoft.com:80",
            "CONNECT example.com:443",
            "CONNECT evil-graph.microsoft.com:443",
            "CONNECT localhost:22",
            "CONNECT graph.microsoft.com",
        ] {
            assert!(asked(line).is_err_and(|answer| answer.starts_with("HTTP/1.1 403 ")), "{line}");
        }
        assert!(asked("GET http://graph.microsoft.com/").is_err_and(|a| a.contains(" 405 ")));
    }
}
