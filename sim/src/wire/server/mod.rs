//! The cloud's servers: one TLS port for the identity platform, Microsoft Graph and Exchange Online,
//! and, when asked for, a plain HTTP port with the same.

mod accept;
mod router;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::identity::Applications;
use super::shared::SharedEstate;
use super::tls::Authority;
pub use router::{Scheme, router};

/// Where to listen.
#[derive(Debug, Clone, Copy)]
pub struct CloudOptions {
    /// The address of both ports.
    pub bind: IpAddr,
    /// The TLS port; 0 for any.
    pub port: u16,
    /// The plain HTTP port, when there is to be one; 0 for any.
    pub http_port: Option<u16>,
}

impl Default for CloudOptions {
    fn default() -> Self {
        Self { bind: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0, http_port: None }
    }
}

/// Running servers. Dropping it closes every connection.
pub struct CloudServer {
    address: SocketAddr,
    http_address: Option<SocketAddr>,
    ca_pem: String,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
}

impl CloudServer {
    /// Starts listening.
    ///
    /// # Errors
    /// When a port cannot be had, or the TLS library refuses its certificate.
    pub async fn start(
        estate: SharedEstate,
        applications: Applications,
        authority: &Authority,
        options: CloudOptions,
    ) -> io::Result<Self> {
        let config = authority.server_config(&["http/1.1"]).map_err(io::Error::other)?;
        let listener = TcpListener::bind((options.bind, options.port)).await?;
        let plain = match options.http_port {
            Some(port) => Some(TcpListener::bind((options.bind, port)).await?),
            None => None,
        };
        let address = listener.local_addr()?;
        let http_address = plain.as_ref().map(TcpListener::local_addr).transpose()?;
        let (stop, stopped) = watch::channel(false);
        let service = router::Cloud::new(estate, applications);
        let acceptor = TlsAcceptor::from(Arc::clone(&config));
        let mut listeners = vec![tokio::spawn(accept::serve(
            listener,
            Some(acceptor),
            service.router(Scheme::Https),
            stopped.clone(),
        ))];
        if let Some(plain) = plain {
            let router = service.router(Scheme::Http);
            listeners.push(tokio::spawn(accept::serve(plain, None, router, stopped)));
        }
        Ok(Self { address, http_address, ca_pem: authority.ca_pem().to_owned(), stop, listeners })
    }

    /// The TLS port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The plain HTTP port, when there is one.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http_address
    }

    /// `https://localhost:PORT`: the base URL of all three services.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// What clients have to trust, PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Takes no more connections, lets running requests end, and returns when all are closed.
    pub async fn shutdown(mut self) {
        // Without receivers everything has ended already.
        let _ = self.stop.send(true);
        for listener in std::mem::take(&mut self.listeners) {
            // A listener that panicked has closed its connections as well.
            let _ = listener.await;
        }
    }
}

impl Drop for CloudServer {
    fn drop(&mut self) {
        for listener in &self.listeners {
            listener.abort();
        }
    }
}

#[cfg(test)]
mod tests;
