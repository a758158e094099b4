//! The control API: time, faults, cycles, mailboxes, verdict and snapshots of a running estate.
//!
//! JSON over plain HTTP, on loopback only: whoever may connect to it may do everything.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path as Segment, Query, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{MethodRouter, delete, get, post};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sim::clock::VirtualTime;
use sim::wire::shared::SharedEstate;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::owner::{Gone, Owner};
use super::{ServeError, content, openapi, view};
use crate::bridge::doors::SharedReads;
use crate::run::live::{CycleCounts, FaultState, Judgement, LiveError};
use crate::scenario::{Catalogues, World, duration, read_fault};

/// What the calls need.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) owner: Owner,
    /// For calls that only look.
    pub(super) estate: SharedEstate,
    /// What faults are checked against.
    pub(super) world: Arc<World>,
    pub(super) catalogues: Arc<Catalogues>,
    /// Who read what over LDAP.
    pub(super) reads: SharedReads,
}

/// The running control API.
pub(super) struct Control {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Control {
    /// Listens on loopback, whatever the others are bound to: it asks nobody who they are.
    pub(super) async fn start(desk: Desk) -> Result<Self, ServeError> {
        let refused = |why: std::io::Error| {
            ServeError::Internal(format!("the control API cannot listen: {why}"))
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, router(desk));
        let task = tokio::spawn(async move {
            // An end without a word is an end as well.
            server.with_graceful_shutdown(async { drop(stopped.await) }).await
        });
        Ok(Self { address, stop, task })
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more calls, and lets running ones end for a moment.
    pub(super) async fn shut_down(self) {
        // When the server has ended already there is nobody to be told.
        let _ = self.stop.send(());
        let task = self.task;
        let abort = task.abort_handle();
        if tokio::time::timeout(GRACE, task).await.is_err() {
            abort.abort();
        }
    }
}

/// Why a call was refused.
struct Problem {
    status: StatusCode,
    message: String,
}

/// How long running calls may go on after the end was asked for.
const GRACE: Duration = Duration::from_secs(2);

type Answered<T> = Result<Json<T>, Problem>;

/// Every call: method, path and handler. The OpenAPI document lists exactly these.
pub(super) fn routes() -> Vec<(Method, &'static str, MethodRouter<Desk>)> {
    vec![
        (Method::GET, "/clock", get(clock)),
        (Method::POST, "/clock/advance", post(advance)),
        (Method::GET, "/faults", get(faults)),
        (Method::POST, "/faults", post(declare)),
        (Method::DELETE, "/faults/{id}", delete(withdraw)),
        (Method::POST, "/cycles/connect", post(connect_cycle)),
        (Method::POST, "/cycles/writeback", post(writeback_cycle)),
        (Method::GET, "/mailboxes/{upn}", get(mailbox)),
        (Method::GET, "/verdict", get(verdict)),
        (Method::POST, "/snapshot", post(snapshot)),
        (Method::POST, "/restore/{id}", post(restore)),
        (Method::GET, "/reads", get(reads)),
        (Method::GET, "/ldif", get(ldif)),
        (Method::GET, "/openapi.json", get(document)),
    ]
}

/// The API over an estate.
fn router(desk: Desk) -> Router {
    let nothing = || async { Problem::new(StatusCode::NOT_FOUND, "there is nothing here") };
    let wrong = || async { Problem::new(StatusCode::METHOD_NOT_ALLOWED, "not with this method") };
    routes()
        .into_iter()
        .fold(Router::new(), |router, (_, path, handler)| router.route(path, handler))
        .fallback(nothing)
        .method_not_allowed_fallback(wrong)
        .with_state(desk)
}

async fn clock(State(desk): State<Desk>) -> Json<Value> {
    now(desk.estate.with(|estate| estate.now()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    by: String,
}

async fn advance(State(desk): State<Desk>, body: Result<Bytes, BytesRejection>) -> Answered<Value> {
    let Advance { by } = parse(body)?;
    let by = duration(&by).map_err(|expected| {
        let message = format!("`by` is `{by}`; expected {expected}");
        Problem::new(StatusCode::BAD_REQUEST, message)
    })?;
    desk.owner.ask(move |live| live.advance(by)).await?.map(now).map_err(Problem::from)
}

async fn faults(State(desk): State<Desk>) -> Answered<Vec<FaultState>> {
    Ok(Json(desk.owner.ask(|live| live.faults()).await?))
}

async fn declare(
    State(desk): State<Desk>,
    body: Result<Bytes, BytesRejection>,
) -> Answered<FaultState> {
    let declared: Value = parse(body)?;
    // JSON is YAML, but for tabs between its words: so it is written anew.
    let text = format!("{declared:#}\n");
    let fault = read_fault(&text, &desk.world, &desk.catalogues).map_err(|problems| {
        let drawn = problems.iter().map(|problem| problem.render(Path::new("fault"), &text, false));
        Problem::new(StatusCode::BAD_REQUEST, drawn.collect::<Vec<_>>().join("\n\n"))
    })?;
    answered(desk.owner.ask(move |live| live.declare(&fault, declared)).await)
}

async fn withdraw(
    State(desk): State<Desk>,
    id: Result<Segment<String>, PathRejection>,
) -> Answered<FaultState> {
    let id = number(id, "fault")?;
    answered(desk.owner.ask(move |live| live.withdraw(id)).await)
}

async fn connect_cycle(State(desk): State<Desk>) -> Answered<CycleCounts> {
    answered(desk.owner.ask(|live| live.connect_cycle()).await)
}

async fn writeback_cycle(State(desk): State<Desk>) -> Answered<CycleCounts> {
    answered(desk.owner.ask(|live| live.writeback_cycle()).await)
}

async fn mailbox(
    State(desk): State<Desk>,
    upn: Result<Segment<String>, PathRejection>,
) -> Answered<Value> {
    let upn = segment(upn)?;
    desk.estate
        .with(|estate| view::mailbox(estate, &upn))
        .map(Json)
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("there is no mailbox `{upn}`")))
}

async fn verdict(State(desk): State<Desk>) -> Answered<Judgement> {
    Ok(Json(desk.owner.ask(|live| live.verdict()).await?))
}

async fn snapshot(State(desk): State<Desk>) -> Answered<Value> {
    let id = desk.owner.ask(|live| live.snapshot()).await??;
    Ok(Json(json!({"id": id})))
}

async fn restore(
    State(desk): State<Desk>,
    id: Result<Segment<String>, PathRejection>,
) -> Answered<Value> {
    let id = number(id, "snapshot")?;
    desk.owner.ask(move |live| live.restore(id)).await??;
    Ok(Json(json!({"id": id})))
}

async fn reads(State(desk): State<Desk>) -> Json<Value> {
    Json(desk.estate.with(|estate| desk.reads.with(|log| content::reads(estate, log))))
}

async fn ldif(
    State(desk): State<Desk>,
    query: Result<Query<content::Export>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(export) =
        query.map_err(|refused| Problem::new(refused.status(), refused.body_text()))?;
    let text = content::ldif(&desk.estate, export)
        .map_err(|problem| Problem::new(StatusCode::BAD_REQUEST, problem))?;
    let body = Body::from_stream(text.map(Ok::<_, std::convert::Infallible>));
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response())
}

async fn document() -> Json<Value> {
    Json(openapi::document())
}

fn now(now: VirtualTime) -> Json<Value> {
    Json(json!({"now": now.to_string()}))
}

fn answered<T>(answer: Result<Result<T, LiveError>, Gone>) -> Answered<T> {
    Ok(Json(answer??))
}

fn parse<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Problem> {
    let body = body.map_err(|refused| Problem::new(refused.status(), refused.body_text()))?;
    serde_json::from_slice(&body)
        .map_err(|why| Problem::new(StatusCode::BAD_REQUEST, format!("the body: {why}")))
}

fn segment(segment: Result<Segment<String>, PathRejection>) -> Result<String, Problem> {
    segment
        .map(|Segment(text)| text)
        .map_err(|refused| Problem::new(refused.status(), refused.body_text()))
}

fn number(id: Result<Segment<String>, PathRejection>, what: &str) -> Result<u64, Problem> {
    let id = segment(id)?;
    id.parse().map_err(|_| LiveError::NotFound(format!("{what} `{id}`")).into())
}

impl Problem {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

impl From<LiveError> for Problem {
    fn from(error: LiveError) -> Self {
        let status = match error {
            LiveError::Refused(_) => StatusCode::CONFLICT,
            LiveError::NotFound(_) => StatusCode::NOT_FOUND,
            LiveError::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl From<Gone> for Problem {
    fn from(_: Gone) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the estate is shutting down")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"error": self.message}))).into_response()
    }
}
