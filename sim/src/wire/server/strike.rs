//! Faults of the cloud on their way to a client: each service says them in its own words, and what cannot
//! be said in an answer is done to the connection.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderValue, Response};
use hyper::body::Frame;

use super::router::{Cloud, GLANCE, Service, dispatch};
use crate::fault::Effect;
use crate::wire::message::Request;
use crate::wire::{admin_api, graph};

/// Answers a request as its fate wants it.
pub(super) async fn answer(
    cloud: &Cloud,
    service: Service,
    request: &Request,
    fate: Option<Effect>,
) -> Response<Body> {
    match fate {
        Some(Effect::Http { status, retry_after }) => {
            failure(cloud, service, request, (status, None), retry_after)
        }
        Some(Effect::UsedUp { budget, retry_after }) => {
            failure(cloud, service, request, (429, Some(budget)), retry_after)
        }
        Some(Effect::NoToken) => no_token(cloud, service, request),
        Some(Effect::ExpirePage) if service == Service::Exchange => {
            admin_api::page_expired(&cloud.estate, request).into_response()
        }
        Some(Effect::Truncate) => {
            let whole = dispatch(cloud, service, request).await;
            cut(whole).await
        }
        Some(Effect::Refuse | Effect::LoseBefore) => broken(Bytes::new(), 1),
        Some(Effect::LoseAfter) => {
            let _ = dispatch(cloud, service, request).await;
            broken(Bytes::new(), 1)
        }
        Some(Effect::TimeOut { after, done }) => {
            if done {
                let _ = dispatch(cloud, service, request).await;
            }
            hold_up(cloud, after).await;
            failure(cloud, service, request, (504, None), None)
        }
        Some(Effect::Delay(length)) => {
            hold_up(cloud, length).await;
            dispatch(cloud, service, request).await
        }
        None
        | Some(
            Effect::ExpirePage
            | Effect::LdapResult(_)
            | Effect::Twice
            | Effect::Late(_)
            | Effect::LackSchema
            | Effect::Damage
            | Effect::HaltBefore
            | Effect::HaltAfter,
        ) => dispatch(cloud, service, request).await,
    }
}

/// A throttled batch is answered, and a part of it is throttled (Microsoft Graph, "Combine multiple
/// requests in one HTTP call using JSON batching"). The engine's port calls are struck as a whole: they
/// have met their fate before any of it went out.
pub(super) fn parts(
    cloud: &Cloud,
    service: Service,
    mut request: Request,
    fate: Option<Effect>,
) -> (Request, Option<Effect>) {
    let last = request.address.segments.last();
    let is_batch = service != Service::Identity
        && last.is_some_and(|last| last.eq_ignore_ascii_case("$batch"));
    match fate {
        Some(Effect::Http { status: 429, retry_after } | Effect::UsedUp { retry_after, .. })
            if is_batch && !cloud.estate.with(|estate| estate.serves_the_engine_alone()) =>
        {
            request.struck_part = Some((429, retry_after));
            (request, None)
        }
        fate => (request, fate),
    }
}

/// An error of the service itself.
fn failure(
    cloud: &Cloud,
    service: Service,
    request: &Request,
    (status, budget): (u16, Option<&'static str>),
    retry_after: Option<u32>,
) -> Response<Body> {
    match service {
        Service::Exchange => {
            admin_api::failure(&cloud.estate, request, status, retry_after).into_response()
        }
        Service::Graph => {
            graph::failure(&cloud.estate, &cloud.identity, request, (status, budget), retry_after)
                .into_response()
        }
        Service::Identity => cloud.identity.failure(request, status, retry_after),
    }
}

/// The services do not take the token any more, and the identity platform gives no other.
fn no_token(cloud: &Cloud, service: Service, request: &Request) -> Response<Body> {
    match service {
        Service::Exchange => admin_api::token_refused(&cloud.estate, request).into_response(),
        Service::Graph => graph::token_refused(&cloud.estate, request).into_response(),
        Service::Identity => cloud.identity.certificate_expired(request),
    }
}

/// Lets time pass: the estate's own, or, where that is led by a clock outside, until it has passed.
async fn hold_up(cloud: &Cloud, length: Duration) {
    let until = cloud.estate.with(|estate| {
        let until = estate.now() + length;
        estate.hold_up(length);
        until
    });
    while cloud.estate.with(|estate| estate.now()) < until {
        tokio::time::sleep(GLANCE).await;
    }
}

/// The answer, ended in the middle of its body.
async fn cut(response: Response<Body>) -> Response<Body> {
    let (parts, body) = response.into_parts();
    // The bodies are made in memory, so that reading them cannot fail.
    let mut whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let length = whole.len().max(1);
    let mut response = broken(whole.split_to(whole.len() / 2), length);
    let promised = response.headers().get(CONTENT_LENGTH).cloned();
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    if let Some(promised) = promised {
        response.headers_mut().insert(CONTENT_LENGTH, promised);
    }
    response
}

/// An answer that promises `length` bytes, of which these come before the connection breaks.
fn broken(start: Bytes, length: usize) -> Response<Body> {
    let mut response = Response::new(Body::new(Broken { start: Some(start), waited: false }));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
}

struct Broken {
    start: Option<Bytes>,
    /// Whether the start had a chance to go out.
    waited: bool,
}

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(start) = self.start.take().filter(|start| !start.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(start))));
        }
        if !self.waited {
            self.waited = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionAborted.into())))
    }
}
