//! Connections: accepted in one loop, each in a task of its own from the handshake on, so that a
//! client that stalls holds up nobody.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// How long a handshake or the head of a request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long requests in work may go on after the end was asked for.
const GRACE: Duration = Duration::from_secs(5);

/// Serves connections until told to stop.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
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
                let (tls, router, stop) = (tls.clone(), router.clone(), stop.clone());
                connections.spawn(connection(stream, tls, router, stop));
            }
            // Out of file descriptors, or a client that is gone already: others go on.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    let all_ended = async { while connections.join_next().await.is_some() {} };
    // What is left after that is aborted with the set.
    let _ = tokio::time::timeout(GRACE, all_ended).await;
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    router: Router,
    stop: watch::Receiver<bool>,
) {
    // Answers are small and awaited: they must not wait for each other. Without it they still come.
    let _ = stream.set_nodelay(true);
    match tls {
        None => http(stream, router, stop).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, tls.accept(stream)).await {
                http(stream, router, stop).await;
            }
        }
    }
}

async fn http<S>(stream: S, router: Router, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = http1::Builder::new()
        // `Date` is the estate's clock, which the answers bring.
        .auto_date_header(false)
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    // A broken connection ends itself; its client knows.
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
