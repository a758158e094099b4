//! The cloud's servers: one TLS port for the identity platform, Microsoft Graph and Exchange Online,
//! and, when asked for, a plain HTTP port with the same and a proxy that leads to it.

mod accept;
mod proxy;
mod router;
mod strike;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
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
    /// The port of the CONNECT proxy, when there is to be one; 0 for any.
    pub proxy_port: Option<u16>,
}

impl Default for CloudOptions {
    fn default() -> Self {
        Self { bind: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0, http_port: None, proxy_port: None }
    }
}

/// Running servers. Dropping it closes every connection.
pub struct CloudServer {
    address: SocketAddr,
    http_address: Option<SocketAddr>,
    proxy_address: Option<SocketAddr>,
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
        let bound = async |port: Option<u16>| match port {
            Some(port) => TcpListener::bind((options.bind, port)).await.map(Some),
            None => Ok(None),
        };
        let plain = bound(options.http_port).await?;
        let proxy = bound(options.proxy_port).await?;
        let address = listener.local_addr()?;
        let http_address = plain.as_ref().map(TcpListener::local_addr).transpose()?;
        let proxy_address = proxy.as_ref().map(TcpListener::local_addr).transpose()?;
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
            listeners.push(tokio::spawn(accept::serve(plain, None, router, stopped.clone())));
        }
        if let Some(proxy) = proxy {
            listeners.push(tokio::spawn(proxy::serve(proxy, reached(address), stopped)));
        }
        Ok(Self {
            address,
            http_address,
            proxy_address,
            ca_pem: authority.ca_pem().to_owned(),
            stop,
            listeners,
        })
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

    /// The CONNECT proxy's port, when there is one.
    #[must_use]
    pub fn proxy_address(&self) -> Option<SocketAddr> {
        self.proxy_address
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

/// The address under which a listener of this machine is reached.
fn reached(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
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
